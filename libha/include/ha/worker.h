/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A deadline for calls that have none: open() and read() on a share that
 * hangs block in the kernel, some of them out of reach even for SIGKILL. A
 * thread would then keep the whole process from ending (and Pacemaker would
 * fence the host for an action that had long answered), so the call runs in a
 * child process that holds nothing but a pipe, and is left behind.
 */
#ifndef HA_WORKER_H
#define HA_WORKER_H

#include <stddef.h>
#include <stdint.h>

/* Runs fn(arg, fd) in a child; what it writes to fd comes back in ret_out
 * (the caller frees it, NUL-terminated, at most max bytes) together with its
 * result: 0 or negative errno. -ETIMEDOUT: no end until the deadline, the
 * child was killed if it can be. -E2BIG: more than max bytes. Other errors:
 * no child. In all but 0 and fn's own result ret_out is untouched.
 * fn must use neither locks nor threads of the parent. */
int ha_worker_run(int (*fn)(void *arg, int fd), void *arg, size_t max,
		  uint64_t deadline_ms, char **ret_out, size_t *ret_len);

/* Writes all of it; for fn. 0 or -errno. */
int ha_worker_write(int fd, const void *data, size_t len);

#endif
