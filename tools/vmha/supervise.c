/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A deadline for commands that touch datastores. open(2), read(2) and even
 * exit(2) wait for a share that hangs, out of reach for every signal. So the
 * command runs in a child that holds nothing of the caller's: its words come
 * through pipes, its exit code through a third. Whoever called vmha never
 * waits for it longer than its budget.
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
#define MS_PER_S 1000u
#define STREAMS 3u

struct shared {
	volatile uint64_t deadline_ms;
	char what[64];
	char object[HA_PATH];
};
static struct shared *shared;

/* Standard output, standard error, exit code. */
struct stream {
	int from, to; /* ends of the pipe; -1: closed */
};

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

/* Passes on what has come. False: the stream is over. */
static bool
relay(int from, int to)
{
	char bytes[4096];
	ssize_t n = read(from, bytes, sizeof(bytes));
	ssize_t done = 0;

	while (n > 0 && done < n) {
		ssize_t m = write(to, bytes + done, (size_t)(n - done));

		if (m < 0 && errno != EINTR) {
			return false;
		}
		done += m > 0 ? m : 0;
	}
	return n > 0 || (n < 0 && errno == EINTR);
}

static int
watch_child(struct vmha *v, pid_t pid, struct stream *streams)
{
	struct pollfd fds[STREAMS];
	unsigned char code = VMHA_FAILED;
	bool has_code = false;

	for (uint32_t i = 0; i < STREAMS; i++) {
		fds[i] = (struct pollfd){ .fd = streams[i].from,
					  .events = POLLIN };
	}
	while (fds[0].fd >= 0 || fds[1].fd >= 0 || fds[2].fd >= 0) {
		uint64_t left_ms = ha_clock_left_ms(shared->deadline_ms);

		if (left_ms == 0) {
			return give_up(v, pid);
		}
		if (poll(fds, STREAMS,
			 (int)(left_ms < LOOK_MS ? left_ms : LOOK_MS)) <= 0) {
			continue;
		}
		for (uint32_t i = 0; i < 2; i++) {
			if (fds[i].fd >= 0 && fds[i].revents &&
			    !relay(fds[i].fd,
				   i ? STDERR_FILENO : STDOUT_FILENO)) {
				fds[i].fd = -1;
			}
		}
		if (fds[2].fd >= 0 && fds[2].revents) {
			has_code = read(fds[2].fd, &code, 1) == 1;
			fds[2].fd = -1;
		}
	}
	/* It may still hang in its own exit: nobody waits for that. */
	(void)waitpid(pid, NULL, WNOHANG);
	return has_code ? (int)code :
			  vmha_fail_with(v, -EIO,
					 "the command was killed "
					 "before it had ended");
}

/* Closes what the parent listens to before exit(2), which waits for reads
 * that hang and closes files only afterwards. */
static _Noreturn void
be_child(struct vmha *v, const struct stream *streams)
{
	unsigned char code;

	if (dup2(streams[0].to, STDOUT_FILENO) < 0 ||
	    dup2(streams[1].to, STDERR_FILENO) < 0) {
		_exit(VMHA_FAILED);
	}
	code = (unsigned char)v->command->run(v);
	(void)fflush(stdout);
	(void)!write(streams[2].to, &code, 1);
	(void)close_range(0, ~0u, 0);
	_exit(code);
}

static int
open_streams(struct stream *streams)
{
	for (uint32_t i = 0; i < STREAMS; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0) {
			return -errno;
		}
		streams[i].from = ends[0];
		streams[i].to = ends[1];
	}
	return 0;
}

int
vmha_supervise(struct vmha *v)
{
	struct stream streams[STREAMS];
	pid_t pid;
	int rc;

	/* A picture that moves ends by itself, and so do its questions. */
	if (v->command->budget_s == 0 || v->args.is_watched) {
		return v->command->run(v);
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || open_streams(streams) < 0) {
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
		be_child(v, streams);
	}
	for (uint32_t i = 0; i < STREAMS; i++) {
		close(streams[i].to);
	}
	rc = watch_child(v, pid, streams);
	for (uint32_t i = 0; i < STREAMS; i++) {
		close(streams[i].from);
	}
	munmap(shared, sizeof(*shared));
	shared = NULL;
	return rc;
}
