/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one process uses: CPU time of all its threads, those that have ended
 * too, and the memory that it holds. /proc/PID/stat and /proc/PID/status take
 * no lock of the process's memory, so that nothing waits for it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ha/proc.h"
#include "proc.h"

#define STATUS_BYTES 4096 /* 1.5 KiB; longer with many groups, after these */

/* "\nKEY:   123 kB"; 0: no such line, of one in its exit. */
static uint64_t
kib_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

int
ha_proc_use(const struct ha_proc_id *id, struct ha_use_process *ret_use)
{
	char path[64];
	char text[STATUS_BYTES];
	struct ha__proc_stat stat;
	int rc = ha__proc_stat(id->pid, &stat);
	ssize_t n;

	if (rc == 0 && stat.start_ticks != id->start_ticks) {
		rc = -ESRCH;
	}
	if (rc < 0) {
		return rc;
	}
	snprintf(path, sizeof(path), "/proc/%d/status", (int)id->pid);
	n = ha__proc_read(path, text, sizeof(text));
	if (n < 0) {
		return n == -ENOENT ? -ESRCH : (int)n;
	}
	*ret_use = (struct ha_use_process){
		.pid = id->pid,
		.start_ticks = id->start_ticks,
		.cpu_ticks = stat.cpu_ticks,
		/* Huge pages are not in the first one. */
		.memory_kib = kib_of(text, "\nVmRSS:") +
			      kib_of(text, "\nHugetlbPages:"),
	};
	return 0;
}
