/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PID 1 of one host of the test bed.
 *
 * A host is a set of namespaces that no file pins: they live exactly as long
 * as this process, and this process lives no longer than the supervisor that
 * started it (the kernel kills it on the parent's death, stopped or not). That
 * is what makes "power off" one SIGKILL and what makes a bed impossible to
 * leave behind. PID 1 must reap, or libvirtd takes minutes to start (each of
 * its capability probes stays a zombie until a timeout), and it is the host's
 * syslog, so that agents which log to /dev/log leave a timeline that several
 * hosts share: one kernel, one monotonic clock.
 *
 * Called by the supervisor only: bed-init HOSTNAME SETUP-PROGRAM
 * Says "pid N", "ready" and, when PID 1 has begun to end, "ending". Its exit
 * status is PID 1's, or 128 + the signal: SIGHUP after a reboot(2) inside that
 * restarts, SIGINT after one that halts (pid_namespaces(7)); 0 after sysrq.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETUP_DEADLINE_S 20
#define SYSLOG_SOCKET "/dev/log"
#define SYSLOG_FILE "/var/log/messages"
/* Mounted over /proc/sysrq-trigger by the setup, where the kernel has one: the
 * real one would reboot the machine. */
#define SYSRQ_FIFO "/run/bed/sysrq-trigger"
#define SYSRQ_FATAL "bco"
/* What was asked for, for a test to read: <host>/sysrq outside. */
#define SYSRQ_KEYS "/run/bed/sysrq-keys"
/* glibc and logger(1) send at most 8 KiB and 1 KiB; longer is cut. */
#define SYSLOG_MESSAGE_MAX 8192
/* A burst must not be lost while a line is written (socket(7) SO_RCVBUF). */
#define SYSLOG_BACKLOG_BYTES (1024 * 1024)

static int
fail(const char *what)
{
	fprintf(stderr, "bed-init: %s: %s\n", what, strerror(errno));
	return 1;
}

/* RFC 3164 priority "<N>"; returns the text behind it. */
static char *
priority_skip(char *msg, int *ret_severity)
{
	char *end;
	long value;

	if (msg[0] != '<') {
		return msg;
	}
	value = strtol(msg + 1, &end, 10);
	if (*end != '>' || value < 0) {
		return msg;
	}
	*ret_severity = (int)(value & 7);
	return end + 1;
}

/* The sender's stamp has whole seconds only; ours is better. */
static char *
timestamp_skip(char *msg)
{
	static const char shape[] = "Aaa dd dd:dd:dd ";

	for (size_t i = 0; shape[i] != '\0'; i++) {
		bool digit = msg[i] >= '0' && msg[i] <= '9';

		if (msg[i] == '\0') {
			return msg;
		}
		if (shape[i] == 'd' && !digit && msg[i] != ' ') {
			return msg;
		}
		if ((shape[i] == ':' || shape[i] == ' ') &&
		    msg[i] != shape[i]) {
			return msg;
		}
	}
	return msg + sizeof(shape) - 1;
}

static void
syslog_line_write(FILE *out, const char *host, char *msg)
{
	static const char *const names[] = { "emerg", "alert",   "crit",
					     "err",   "warning", "notice",
					     "info",  "debug" };
	struct timespec mono;
	struct timespec wall;
	struct tm tm;
	char stamp[32];
	int severity = 5;
	char *text;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &wall);
	gmtime_r(&wall.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	text = timestamp_skip(priority_skip(msg, &severity));
	for (char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ') {
			*p = ' ';
		}
	}
	fprintf(out, "%lld.%06ld %s.%06ldZ %s %s %s\n", (long long)mono.tv_sec,
		mono.tv_nsec / 1000, stamp, wall.tv_nsec / 1000, host,
		names[severity], text);
	fflush(out);
}

static void
syslog_drain(int fd, FILE *out, const char *host)
{
	static char buf[SYSLOG_MESSAGE_MAX + 1];
	ssize_t n;

	while ((n = recv(fd, buf, SYSLOG_MESSAGE_MAX, MSG_DONTWAIT)) >= 0) {
		buf[n] = '\0';
		syslog_line_write(out, host, buf);
	}
}

static int
syslog_open(FILE **ret_out)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX,
				    .sun_path = SYSLOG_SOCKET };
	int bytes = SYSLOG_BACKLOG_BYTES;
	FILE *out;
	int fd;

	out = fopen(SYSLOG_FILE, "ae");
	if (out == NULL) {
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		fclose(out);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	unlink(SYSLOG_SOCKET);
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    chmod(SYSLOG_SOCKET, 0666) < 0) {
		close(fd);
		fclose(out);
		return -1;
	}
	*ret_out = out;
	return fd;
}

/* Also reaps whatever else dies meanwhile. -1 with ETIMEDOUT when late. */
static int
setup_run(const char *program, int sig_fd)
{
	struct pollfd pfd = { .fd = sig_fd, .events = POLLIN };
	struct signalfd_siginfo info;
	time_t end = time(NULL) + SETUP_DEADLINE_S;
	pid_t setup = fork();

	if (setup < 0) {
		return -1;
	}
	if (setup == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	while (time(NULL) < end) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid == setup) {
			errno = ECANCELED;
			return status == 0 ? 0 : -1;
		}
		if (pid == 0 && poll(&pfd, 1, 1000) > 0 &&
		    read(sig_fd, &info, sizeof(info)) < 0) {
			return -1;
		}
	}
	errno = ETIMEDOUT;
	return -1;
}

/* Opened for writing too, or the end of each writer would be an end of file. */
static int
sysrq_open(int *ret_fd)
{
	struct stat st;
	int fd = open(SYSRQ_FIFO, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		return -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

/* Crash, reboot and power-off all end the host; the bed boots it again. */
static bool
sysrq_is_fatal(int fd)
{
	int keys = open(SYSRQ_KEYS, O_WRONLY | O_APPEND | O_CLOEXEC);
	bool is_fatal = false;
	char key;

	while (!is_fatal && read(fd, &key, 1) == 1) {
		if (keys >= 0 && write(keys, &key, 1) < 0) {
			perror("bed-init: " SYSRQ_KEYS);
		}
		is_fatal = key != '\0' && strchr(SYSRQ_FATAL, key) != NULL;
	}
	if (keys >= 0) {
		close(keys);
	}
	return is_fatal;
}

static int
host_live(int sig_fd, int log_fd, int sysrq_fd, FILE *log, const char *host)
{
	struct pollfd pfds[] = { { .fd = sig_fd, .events = POLLIN },
				 { .fd = log_fd, .events = POLLIN },
				 { .fd = sysrq_fd, .events = POLLIN } };
	char last_words[] = "<0>bed-init: panic by sysrq, the host is off";
	struct signalfd_siginfo info;

	for (;;) {
		/* Without end by design: the host lives until it is killed. */
		if (poll(pfds, 3, -1) < 0 && errno != EINTR) {
			return fail("poll");
		}
		if ((pfds[0].revents & POLLIN) != 0 &&
		    read(sig_fd, &info, sizeof(info)) < 0) {
			return fail("signalfd");
		}
		while (waitpid(-1, NULL, WNOHANG) > 0) {
		}
		if ((pfds[1].revents & POLLIN) != 0) {
			syslog_drain(log_fd, log, host);
		}
		if ((pfds[2].revents & POLLIN) != 0 &&
		    sysrq_is_fatal(sysrq_fd)) {
			syslog_line_write(log, host, last_words);
			return 0;
		}
	}
}

static int
host_main(char *const argv[], int to_parent, int from_parent)
{
	sigset_t mask;
	FILE *log;
	int result = 1;
	int sysrq_fd;
	int log_fd;
	int sig_fd;
	char c;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
		return fail("PR_SET_PDEATHSIG");
	}
	/* The parent's answer proves that it did not die before the prctl. */
	if (write(to_parent, "?", 1) != 1 || read(from_parent, &c, 1) != 1) {
		return 1;
	}
	close(from_parent);
	setsid();
	if (sethostname(argv[1], strlen(argv[1])) < 0) {
		return fail("sethostname");
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) < 0) {
		return fail("mount /proc");
	}
	sigfillset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sig_fd = signalfd(-1, &mask, SFD_CLOEXEC);
	if (sig_fd < 0) {
		return fail("signalfd");
	}
	if (setup_run(argv[2], sig_fd) < 0) {
		return fail(argv[2]);
	}
	if (sysrq_open(&sysrq_fd) < 0) {
		return fail(SYSRQ_FIFO);
	}
	log_fd = syslog_open(&log);
	if (log_fd < 0) {
		return fail(SYSLOG_SOCKET);
	}
	/* to_parent stays open: its end tells the parent of this one's, before
	 * the kernel has ended the rest, which may wait for a lost disk. */
	if (write(to_parent, "!", 1) == 1) {
		result = host_live(sig_fd, log_fd, sysrq_fd, log, argv[1]);
	}
	fclose(log);
	return result;
}

int
main(int argc, char *argv[])
{
	const unsigned long flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID |
				    CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD;
	int up[2];
	int down[2];
	char c;
	long pid;
	int status;

	if (argc != 3) {
		fprintf(stderr, "usage: bed-init HOSTNAME SETUP-PROGRAM\n");
		return 2;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
		return fail("PR_SET_PDEATHSIG");
	}
	if (pipe2(up, O_CLOEXEC) < 0 || pipe2(down, O_CLOEXEC) < 0) {
		return fail("pipe");
	}
	/* clone, not unshare: this process must pin none of the namespaces. */
	pid = syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (pid < 0) {
		return fail("clone");
	}
	if (pid == 0) {
		close(up[0]);
		close(down[1]);
		_exit(host_main(argv, up[1], down[0]));
	}
	close(up[1]);
	close(down[0]);
	if (read(up[0], &c, 1) == 1 && write(down[1], "!", 1) == 1) {
		printf("pid %ld\n", pid);
		fflush(stdout);
		if (read(up[0], &c, 1) == 1) {
			printf("ready\n");
			fflush(stdout);
			while (read(up[0], &c, 1) < 0 && errno == EINTR) {
			}
			printf("ending\n");
			fflush(stdout);
		}
	}
	while (waitpid((pid_t)pid, &status, 0) < 0 && errno == EINTR) {
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
