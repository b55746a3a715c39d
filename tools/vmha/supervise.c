/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A deadline for commands that touch datastores. open(2) and read(2) on a
 * share that hangs may be out of reach for every signal, so the command runs
 * in a child and whoever called vmha never waits for it longer than its
 * budget.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "vmha.h"

#define LOOK_MS 200u /* the child may have moved its deadline */
#define END_MS 200u  /* from closed pipe to exit status */
#define MS_PER_S 1000u

struct shared {
	volatile uint64_t deadline_ms;
	char what[64];
	char object[HA_PATH];
};
static struct shared *shared;

void
vmha_step(const char *what, const char *object, uint64_t span_ms)
{
	if (!shared) {
		return;
	}
	snprintf(shared->what, sizeof(shared->what), "%s", what);
	snprintf(shared->object, sizeof(shared->object), "%s", object);
	shared->deadline_ms = ha_clock_now_ms() + span_ms;
}

static int
give_up(struct vmha *v, pid_t pid)
{
	(void)kill(pid, SIGKILL);
	shared->what[sizeof(shared->what) - 1] = '\0';
	shared->object[sizeof(shared->object) - 1] = '\0';
	return vmha_fail_with(v, -ETIMEDOUT,
			      "no answer while %s %s; look at the storage and "
			      "its network. Nothing more was done",
			      shared->what[0] ? shared->what : "working on",
			      shared->object[0] ? shared->object :
						  "the datastores");
}

static int
watch_child(struct vmha *v, pid_t pid, int fd)
{
	struct pollfd ended = { .fd = fd, .events = POLLIN };
	int status;

	for (;;) {
		uint64_t left_ms = ha_clock_left_ms(shared->deadline_ms);

		if (left_ms == 0) {
			return give_up(v, pid);
		}
		/* The pipe closes when the child ends, however it ends. */
		if (poll(&ended, 1,
			 (int)(left_ms < LOOK_MS ? left_ms : LOOK_MS)) > 0) {
			break;
		}
	}
	for (uint64_t end_ms = ha_clock_now_ms() + END_MS;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);

		if (got == pid && WIFEXITED(status)) {
			return WEXITSTATUS(status);
		}
		if (got == pid || (got < 0 && errno != EINTR)) {
			return vmha_fail_with(v, -EIO,
					      "the command was killed "
					      "before it had ended");
		}
		if (ha_clock_left_ms(end_ms) == 0) {
			return give_up(v, pid);
		}
		ha_clock_sleep_ms(1, end_ms);
	}
}

int
vmha_supervise(struct vmha *v)
{
	int ends[2] = { -1, -1 };
	pid_t pid;
	int rc;

	if (v->command->budget_s == 0) {
		return v->command->run(v);
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || pipe2(ends, O_CLOEXEC) < 0) {
		return vmha_fail_with(v, -errno, "no memory or descriptor: %s",
				      strerror(errno));
	}
	vmha_step("", "", (uint64_t)v->command->budget_s * MS_PER_S);
	(void)fflush(stdout);
	pid = fork();
	if (pid < 0) {
		return vmha_fail_with(v, -errno, "can't fork: %s",
				      strerror(errno));
	}
	if (pid == 0) {
		close(ends[0]);
		rc = v->command->run(v);
		(void)fflush(stdout);
		_exit(rc);
	}
	close(ends[1]);
	rc = watch_child(v, pid, ends[0]);
	close(ends[0]);
	munmap(shared, sizeof(*shared));
	shared = NULL;
	return rc;
}
