/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared inside libha/io/proc only. */
#ifndef HA__PROC_H
#define HA__PROC_H

#include <stdint.h>
#include <sys/types.h>

struct ha__proc_stat {
	char comm[32];
	char state;
	uint64_t flags;     /* PF_* of the kernel */
	uint64_t cpu_ticks; /* user and system, all threads */
	uint64_t start_ticks;
};

ssize_t ha__proc_read(const char *path, char *buf, size_t size);
int ha__proc_stat(pid_t pid, struct ha__proc_stat *ret);
/* 1: all threads have ended, only a zombie is left; 0; -errno. */
int ha__proc_is_over(pid_t pid, const struct ha__proc_stat *stat);

#endif
