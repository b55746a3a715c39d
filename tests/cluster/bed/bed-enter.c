/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a command in a host of the test bed: bed-enter PID-OF-PID-1 CMD [ARG...]
 *
 * Why not nsenter(1): it stops itself when its child is stopped and then no
 * longer reaps. A process whose parent sits outside the namespace and does not
 * reap keeps a killed host from ending, and a resumed host from resuming. This
 * one waits whatever happens, and takes the command with it when it is killed,
 * so that a test's timeout ends what runs inside.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* As a shell says it: the command was not found, could not be run. */
#define EXIT_NOT_FOUND 127
#define EXIT_NOT_RUN 126

static int
fail(const char *what, const char *detail)
{
	fprintf(stderr, "bed-enter: %s %s: %s\n", what, detail,
		strerror(errno));
	return EXIT_NOT_RUN;
}

/* All are opened before any is entered: /proc changes with the mounts. */
static int
namespaces_enter(const char *pid)
{
	static const char *const names[] = { "ipc", "uts", "net", "pid",
					     "mnt" };
	int fds[ARRAY_LEN(names)];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, names[i]);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0) {
			return fail("open", path);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (setns(fds[i], 0) < 0) {
			return fail("enter", names[i]);
		}
		close(fds[i]);
	}
	return chdir("/") < 0 ? fail("chdir", "/") : 0;
}

int
main(int argc, char *argv[])
{
	int ready[2];
	int status;
	int result;
	pid_t child;
	char c;

	if (argc < 3) {
		fprintf(stderr, "usage: bed-enter PID CMD [ARG...]\n");
		return 2;
	}
	result = namespaces_enter(argv[1]);
	if (result != 0) {
		return result;
	}
	if (pipe2(ready, O_CLOEXEC) < 0) {
		return fail("pipe", "");
	}
	child = fork();
	if (child < 0) {
		return fail("fork", "");
	}
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[1]);
		/* End of file instead of a byte: the parent died before. */
		if (read(ready[0], &c, 1) != 1) {
			_exit(EXIT_NOT_RUN);
		}
		execvp(argv[2], argv + 2);
		result = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
		fail("run", argv[2]);
		_exit(result);
	}
	/* The terminal signals both; the command decides what it means. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	if (write(ready[1], "!", 1) != 1) {
		return fail("pipe", "");
	}
	close(ready[0]);
	close(ready[1]);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR) {
			return fail("wait", "");
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
