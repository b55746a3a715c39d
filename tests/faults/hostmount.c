/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a FUSE server outside a host gets its mount into the host; see the
 * header. The mount itself is made by a child, because entering a mount
 * namespace is for single-threaded processes and can't be taken back.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostmount.h"

static int
fail(const char *what, const char *detail)
{
	int error = errno;

	fprintf(stderr, "%s %s: %s\n", what, detail, strerror(error));
	return -error;
}

static int
mount_enter(const char *type, const char *target, pid_t ns_pid,
	    const char *data)
{
	char path[64];
	int fd;

	if (ns_pid > 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)ns_pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			return fail("open", path);
		}
		if (setns(fd, CLONE_NEWNS) < 0) {
			return fail("enter", path);
		}
		close(fd);
	}
	if (mount("bed", target, type, MS_NOSUID | MS_NODEV, data) < 0) {
		return fail("mount", target);
	}
	return 0;
}

int
host_mount(const char *type, const char *target, pid_t ns_pid, mode_t root_mode)
{
	char data[160];
	int status;
	pid_t child;
	int fd;

	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		return fail("open", "/dev/fuse");
	}
	snprintf(data, sizeof(data),
		 "fd=%d,rootmode=%o,user_id=0,group_id=0,allow_other,"
		 "default_permissions",
		 fd, (unsigned int)root_mode);
	child = fork();
	if (child < 0) {
		close(fd);
		return fail("fork", "");
	}
	if (child == 0) {
		_exit(-mount_enter(type, target, ns_pid, data));
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		close(fd);
		return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
	}
	return fd;
}

int
owner_follow(pid_t owner)
{
	if (owner == 0) {
		return 0;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) {
		return fail("PR_SET_PDEATHSIG", "");
	}
	/* It may have died before the kernel knew of the wish. */
	return getppid() == owner ? 0 : -ESRCH;
}

long
number_parse(const char *text, long max)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 1 ||
	    value > max) {
		return -1;
	}
	return value;
}
