/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs commands many times, interleaved, and prints what each run cost:
 *
 *     bench-runner PLAN [PID...]
 *
 * PLAN holds fields, each ended by a NUL: per command label, number of runs,
 * timeout in ms, number of environment entries, these, number of arguments,
 * these. PIDs are daemons whose CPU time per run is of interest too.
 *
 * One line a run: label, exit code (negative: ended by signal; TIMEOUT_CODE),
 * wall us, CPU us of the whole process tree, CPU us of the daemons.
 *
 * In C and with posix_spawn(), since a fork() of a large parent is charged to
 * the child. CPU time is wait4()'s, which is exact (the sum of run times) in
 * the total of user and system. A subreaper, so that what a killed command
 * leaves behind is counted as well.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_COMMANDS 32
#define MAX_FIELDS 64
#define MAX_DAEMONS 8
#define TIMEOUT_CODE (-1000)
#define US_PER_S 1000000
#define NS_PER_US 1000
/* Between runs, so that what a run has woken up is over. */
#define PAUSE_US 1000

struct command {
	const char *label;
	long runs;
	int timeout_ms;
	char *env[MAX_FIELDS];
	char *argv[MAX_FIELDS];
};

struct plan {
	char *next;
	char *end;
	struct command commands[MAX_COMMANDS];
	int n;
	int daemons[MAX_DAEMONS];
	int n_daemons;
};

static struct plan plan;

__attribute__((noreturn)) static void
die(const char *what)
{
	fprintf(stderr, "bench-runner: %s: %s\n", what, strerror(errno));
	exit(1);
}

static char *
field(void)
{
	char *start = plan.next;
	char *nul = memchr(start, 0, (size_t)(plan.end - start));

	if (!nul) {
		errno = EINVAL;
		die("plan ends too early");
	}
	plan.next = nul + 1;
	return start;
}

static void
fields(char *list[MAX_FIELDS])
{
	long n = atol(field());

	if (n < 0 || n >= MAX_FIELDS) {
		errno = E2BIG;
		die("too many fields");
	}
	for (long i = 0; i < n; i++) {
		list[i] = field();
	}
	list[n] = NULL;
}

static void
plan_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		die(path);
	}
	plan.next = malloc((size_t)st.st_size + 1);
	n = plan.next ? read(fd, plan.next, (size_t)st.st_size) : -1;
	if (n != st.st_size) {
		die(path);
	}
	close(fd);
	plan.end = plan.next + n;
	while (plan.next < plan.end && plan.n < MAX_COMMANDS) {
		struct command *c = &plan.commands[plan.n++];

		c->label = field();
		c->runs = atol(field());
		c->timeout_ms = atoi(field());
		fields(c->env);
		fields(c->argv);
	}
}

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / NS_PER_US;
}

static int64_t
rusage_us(const struct rusage *ru)
{
	return (int64_t)(ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * US_PER_S +
	       ru->ru_utime.tv_usec + ru->ru_stime.tv_usec;
}

/* Run time of all living threads; proc(5) schedstat, in ns. */
static int64_t
daemon_us(int pid)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int64_t sum_ns = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		long long ns;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid,
			 entry->d_name);
		f = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (f && fscanf(f, "%lld", &ns) == 1) {
			sum_ns += ns;
		}
		if (f) {
			fclose(f);
		}
	}
	if (dir) {
		closedir(dir);
	}
	return sum_ns / NS_PER_US;
}

static int64_t
daemons_us(void)
{
	int64_t sum = 0;

	for (int i = 0; i < plan.n_daemons; i++) {
		sum += daemon_us(plan.daemons[i]);
	}
	return sum;
}

/* True when it ended by itself. */
static bool
wait_end(pid_t pid, int timeout_ms)
{
	struct pollfd p = { .events = POLLIN };
	int rc;

	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p.fd < 0) {
		die("pidfd_open");
	}
	do {
		rc = poll(&p, 1, timeout_ms);
	} while (rc < 0 && errno == EINTR);
	close(p.fd);
	return rc > 0;
}

/* What a killed command has left: its process group, then reparented to us. */
static int64_t
reap_rest(pid_t group, bool is_killed)
{
	int64_t sum = 0;
	struct rusage ru;

	if (is_killed) {
		kill(-group, SIGKILL);
	}
	while (wait4(-1, NULL, is_killed ? 0 : WNOHANG, &ru) > 0) {
		sum += rusage_us(&ru);
	}
	return sum;
}

static pid_t
spawn(const struct command *c)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	pid_t pid;
	int rc;

	posix_spawn_file_actions_init(&actions);
	for (int fd = 0; fd <= 2; fd++) {
		posix_spawn_file_actions_addopen(&actions, fd, "/dev/null",
						 O_RDWR, 0);
	}
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn(&pid, c->argv[0], &actions, &attr, c->argv, c->env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (rc) {
		errno = rc;
		die(c->argv[0]);
	}
	return pid;
}

static void
run_once(const struct command *c)
{
	int64_t daemons = daemons_us();
	int64_t begin = now_us();
	pid_t pid = spawn(c);
	struct rusage ru;
	int64_t wall;
	int64_t cpu;
	int status;
	int code;
	bool ended = wait_end(pid, c->timeout_ms);

	wall = now_us() - begin;
	if (!ended) {
		kill(-pid, SIGKILL);
	}
	if (wait4(pid, &status, 0, &ru) != pid) {
		die("wait4");
	}
	cpu = rusage_us(&ru) + reap_rest(pid, !ended);
	code = !ended            ? TIMEOUT_CODE :
	       WIFEXITED(status) ? WEXITSTATUS(status) :
				   -WTERMSIG(status);
	printf("%s\t%d\t%lld\t%lld\t%lld\n", c->label, code, (long long)wall,
	       (long long)cpu, (long long)(daemons_us() - daemons));
	fflush(stdout);
	usleep(PAUSE_US);
}

int
main(int argc, char **argv)
{
	long rounds = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: bench-runner PLAN [PID...]\n");
		return 2;
	}
	plan_read(argv[1]);
	for (int i = 2; i < argc && plan.n_daemons < MAX_DAEMONS; i++) {
		plan.daemons[plan.n_daemons++] = atoi(argv[i]);
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < plan.n; i++) {
		if (plan.commands[i].runs > rounds) {
			rounds = plan.commands[i].runs;
		}
	}
	/* Evenly spread: A B C D A D A D A B C D ... */
	for (long round = 0; round < rounds; round++) {
		for (int i = 0; i < plan.n; i++) {
			long runs = plan.commands[i].runs;

			if (round * runs / rounds !=
			    (round + 1) * runs / rounds) {
				run_once(&plan.commands[i]);
			}
		}
	}
	return 0;
}
