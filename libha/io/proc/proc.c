/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /proc of single processes: start time, state, liveness, pidfd. See
 * ha/proc.h for what counts as alive. Never blocks: procfs of another
 * process can wait only on its mmap lock, which /proc/PID/stat does not take.
 */
#include "ha/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "proc.h"

/* One read of a small /proc file; length without the NUL put behind it. */
ssize_t
ha__proc_read(const char *path, char *buf, size_t size)
{
	ha_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;

	if (fd < 0) {
		return -errno;
	}
	while (n + 1 < size) {
		ssize_t got = read(fd, buf + n, size - 1 - n);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return -errno;
		}
		if (got == 0) {
			break;
		}
		n += (size_t)got;
	}
	buf[n] = '\0';
	return (ssize_t)n;
}

/* The comm field may hold blanks and parentheses: fields are counted from
 * the last ")" (proc(5)). */
static int
parse_stat(const char *text, struct ha__proc_stat *ret)
{
	const char *open_par = strchr(text, '(');
	const char *p = strrchr(text, ')');
	size_t comm_len;
	char *end;

	if (!open_par || !p || p[1] != ' ' || !p[2]) {
		return -EINVAL;
	}
	comm_len = (size_t)(p - open_par - 1);
	if (comm_len >= sizeof(ret->comm)) {
		comm_len = sizeof(ret->comm) - 1;
	}
	memcpy(ret->comm, open_par + 1, comm_len);
	ret->comm[comm_len] = '\0';
	ret->state = p[2];
	p += 3;
	/* p stands before field 4; fields 9 (flags), 14 and 15 (time in user
	 * and system mode) and 22 (start time). */
	ret->cpu_ticks = 0;
	for (unsigned int field = 4; field <= 22; field++) {
		if (*p != ' ') {
			return -EINVAL;
		}
		p++;
		if (field == 9) {
			ret->flags = strtoull(p, NULL, 10);
		}
		if (field == 14 || field == 15) {
			ret->cpu_ticks += strtoull(p, NULL, 10);
		}
		if (field == 22) {
			ret->start_ticks = strtoull(p, &end, 10);
			return end == p ? -EINVAL : 0;
		}
		p += strcspn(p, " ");
	}
	return -EINVAL;
}

int
ha__proc_stat(pid_t pid, struct ha__proc_stat *ret)
{
	char path[64];
	char text[1024];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = ha__proc_read(path, text, sizeof(text));
	if (n == -ENOENT || n == -ESRCH || n == 0) {
		return -ESRCH;
	}
	return n < 0 ? (int)n : parse_stat(text, ret);
}

/* The leader can be a zombie while another thread is stuck in the kernel
 * with the disk still open: only when no thread is left is it over. */
static int
has_live_thread(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir) {
		return errno == ENOENT || errno == ESRCH ? 0 : -errno;
	}
	while (!found && (entry = readdir(dir))) {
		char stat_path[64 + sizeof(entry->d_name) + 8];
		char text[1024];
		struct ha__proc_stat stat;

		if (!isdigit((unsigned char)entry->d_name[0])) {
			continue;
		}
		snprintf(stat_path, sizeof(stat_path), "%s/%s/stat", path,
			 entry->d_name);
		if (ha__proc_read(stat_path, text, sizeof(text)) > 0 &&
		    parse_stat(text, &stat) == 0 && stat.state != 'Z' &&
		    stat.state != 'X') {
			found = 1;
		}
	}
	closedir(dir);
	return found;
}

int
ha__proc_is_over(pid_t pid, const struct ha__proc_stat *stat)
{
	int live;

	if (stat->state != 'Z' && stat->state != 'X') {
		return 0;
	}
	live = has_live_thread(pid);
	return live < 0 ? live : !live;
}

int
ha_proc_is_alive(const struct ha_proc_id *id)
{
	struct ha__proc_stat stat;
	int rc = ha__proc_stat(id->pid, &stat);

	if (rc == -ESRCH) {
		return 0;
	}
	if (rc < 0) {
		return rc;
	}
	if (stat.start_ticks != id->start_ticks) {
		return 0;
	}
	rc = ha__proc_is_over(id->pid, &stat);
	return rc < 0 ? rc : !rc;
}

int
ha_proc_start_ticks(pid_t pid, uint64_t *ret_ticks)
{
	struct ha__proc_stat stat;
	int rc = ha__proc_stat(pid, &stat);

	if (rc == 0) {
		*ret_ticks = stat.start_ticks;
	}
	return rc;
}

int
ha_proc_state(pid_t pid, char *ret_state)
{
	struct ha__proc_stat stat;
	int rc = ha__proc_stat(pid, &stat);

	if (rc == 0) {
		*ret_state = stat.state;
	}
	return rc;
}

int
ha_proc_boot_id(char ret_boot_id[HA_UUID_TEXT])
{
	char text[64];
	ssize_t n = ha__proc_read("/proc/sys/kernel/random/boot_id", text,
				  sizeof(text));

	if (n < 0) {
		return (int)n;
	}
	text[strcspn(text, "\n")] = '\0';
	return ha_text_uuid(text, ret_boot_id);
}

int
ha_proc_open(const struct ha_proc_id *id)
{
	ha_autoclose int fd = -1;
	struct ha__proc_stat stat;
	int rc;

	fd = (int)syscall(SYS_pidfd_open, id->pid, 0);
	if (fd < 0) {
		return -errno;
	}
	rc = ha__proc_stat(id->pid, &stat);
	if (rc < 0) {
		return rc;
	}
	if (stat.start_ticks != id->start_ticks) {
		return -ESRCH;
	}
	return ha_steal_fd(&fd);
}

int
ha_proc_signal(int pidfd, int signo)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) < 0 &&
	    errno != ESRCH) {
		return -errno;
	}
	return 0;
}

int
ha_proc_wait_end(int pidfd, uint64_t deadline_ms)
{
	for (;;) {
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		int rc = poll(&p, 1, (int)ha_clock_left_ms(deadline_ms));

		if (rc > 0) {
			return 0;
		}
		if (rc < 0 && errno != EINTR) {
			return -errno;
		}
		if (rc == 0 || ha_clock_left_ms(deadline_ms) == 0) {
			return -ETIMEDOUT;
		}
	}
}
