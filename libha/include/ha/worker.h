/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A deadline for calls that have none: open() and read() on a share that
 * hangs block in the kernel, where no signal but SIGKILL reaches them. The
 * call runs in a thread of its own; past the deadline the caller goes on and
 * the thread is left behind, until the process ends and takes it along.
 */
#ifndef HA_WORKER_H
#define HA_WORKER_H

#include <stdint.h>

/* Runs fn(arg) and returns its result, or -ETIMEDOUT. After -ETIMEDOUT fn
 * may still be using arg: it must live until the process ends, and the
 * caller must not look at it again. -EAGAIN, -ENOMEM: no thread. */
int ha_worker_run(int (*fn)(void *arg), void *arg, uint64_t deadline_ms);

#endif
