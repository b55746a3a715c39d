/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other programs' answers (cibadmin), with a deadline and a limit on what
 * they may say. No shell, no inherited descriptors, C locale.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/worker.h"
#include "vmha.h"

#define OUTPUT_MAX (8u * 1024 * 1024) /* a CIB section */
#define NOT_FOUND 127                 /* sh(1)'s word for it */
#define STATUS_BYTES 4u

/* In the worker's child: becomes the program's parent, so that its status
 * can be passed back in front of its words' end. */
static int
exec_into(void *arg, int fd)
{
	char *const *argv = arg;
	char text[16];
	int status = 0;
	pid_t pid = fork();

	if (pid < 0) {
		return -errno;
	}
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
		    dup2(fd, STDOUT_FILENO) < 0 ||
		    dup2(null, STDERR_FILENO) < 0) {
			_exit(NOT_FOUND);
		}
		(void)setenv("LC_ALL", "C", 1);
		execvp(argv[0], argv);
		_exit(NOT_FOUND);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			return -errno;
		}
	}
	if (!WIFEXITED(status)) {
		return -EIO;
	}
	snprintf(text, sizeof(text), "%04d", WEXITSTATUS(status));
	return ha_worker_write(fd, text, STATUS_BYTES);
}

int
vmha_run(const char *const *argv, uint64_t span_ms, char **ret_out,
	 int *ret_status)
{
	union {
		const char *const *in;
		void *out;
	} args = { .in = argv };
	char *out = NULL;
	size_t len = 0;
	int status;
	int rc = ha_worker_run(exec_into, args.out, OUTPUT_MAX,
			       ha_clock_now_ms() + span_ms, &out, &len);

	if (rc < 0 || len < STATUS_BYTES) {
		free(out);
		return rc < 0 ? rc : -EIO;
	}
	status = atoi(out + len - STATUS_BYTES);
	out[len - STATUS_BYTES] = '\0';
	if (status == NOT_FOUND) {
		free(out);
		return -ENOENT;
	}
	*ret_out = out;
	*ret_status = status;
	return 0;
}
