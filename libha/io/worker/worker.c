/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call in one child process with one deadline (ha/worker.h). The child
 * writes its output and, last, its result; a child that ends without a result
 * was killed.
 */
#include "ha/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"

#define CHUNK_BYTES 65536

int
ha_worker_write(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* Holds no descriptor that anybody waits for: Pacemaker reads an action's
 * output to its end. */
static _Noreturn void
be_child(int (*fn)(void *arg, int fd), void *arg, int out)
{
	int null = open("/dev/null", O_RDWR);
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	for (int fd = 0; null >= 0 && fd <= 2; fd++) {
		dup2(null, fd);
	}
	/* Neither locks nor libvirt's connection may outlive the parent in a
	 * child that hangs. */
	if (out > 3) {
		(void)close_range(3, (unsigned int)out - 1, 0);
	}
	(void)close_range((unsigned int)out + 1, ~0u, 0);
	rc = fn(arg, out);
	(void)ha_worker_write(out, &rc, sizeof(rc));
	_exit(0);
}

struct output {
	char *bytes;
	size_t n;
	size_t max; /* with the child's result behind the output */
};

/* 1: the end; 0: more may come; -errno. */
static int
take(int fd, struct output *out)
{
	char *grown;
	ssize_t got;

	if (out->n > out->max) {
		return -E2BIG;
	}
	grown = realloc(out->bytes, out->n + CHUNK_BYTES + 1);
	if (!grown) {
		return -ENOMEM;
	}
	out->bytes = grown;
	got = read(fd, out->bytes + out->n, CHUNK_BYTES);
	if (got < 0) {
		return errno == EINTR ? 0 : -errno;
	}
	out->n += (size_t)got;
	return got == 0;
}

static int
collect(int fd, uint64_t deadline_ms, struct output *out)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int rc = poll(&p, 1, (int)ha_clock_left_ms(deadline_ms));

		if (rc == 0) {
			return -ETIMEDOUT;
		}
		if (rc > 0) {
			rc = take(fd, out);
			if (rc != 0) {
				return rc < 0 ? rc : 0;
			}
		} else if (errno != EINTR) {
			return -errno;
		}
		if (ha_clock_left_ms(deadline_ms) == 0) {
			return -ETIMEDOUT;
		}
	}
}

/* Splits the child's result off the end of its output. */
static int
result_of(struct output *out, size_t max)
{
	int rc;

	if (out->n < sizeof(rc)) {
		return -EIO;
	}
	out->n -= sizeof(rc);
	memcpy(&rc, out->bytes + out->n, sizeof(rc));
	out->bytes[out->n] = '\0';
	return out->n > max ? -E2BIG : rc;
}

int
ha_worker_run(int (*fn)(void *arg, int fd), void *arg, size_t max,
	      uint64_t deadline_ms, char **ret_out, size_t *ret_len)
{
	struct output out = { .max = max + sizeof(int) };
	ha_autoclose int from = -1;
	int ends[2];
	int status;
	pid_t pid;
	int rc;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return -errno;
	}
	from = ends[0];
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		be_child(fn, arg, ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		return -errno;
	}
	rc = collect(from, deadline_ms, &out);
	if (rc < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, WNOHANG);
		free(out.bytes);
		return rc;
	}
	/* It has closed the pipe, so it is at its end. One that was killed
	 * has left no result, only some output. */
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		free(out.bytes);
		return -EIO;
	}
	rc = result_of(&out, max);
	*ret_out = out.bytes;
	*ret_len = out.n;
	return rc;
}
