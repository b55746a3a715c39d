/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A FUSE mount that lives in one host of the test bed and nowhere else.
 *
 * The server stays outside the host: a paused host does not stop its storage
 * or its watchdog. The mount is made in the host's own mount namespace, so it
 * ends with the host, and the machine's mount table never shows it. The
 * server's end aborts the connection: whatever waits is released with an error.
 */
#ifndef FAULTS_HOSTMOUNT_H
#define FAULTS_HOSTMOUNT_H

#include <sys/types.h>

/* ns_pid: a process of the host, 0 for the caller's own mounts. root_mode: a
 * directory or, on a target that is a file, a regular file. Descriptor of the
 * connection or negative errno; stderr has the sentence. */
int host_mount(const char *type, const char *target, pid_t ns_pid,
	       mode_t root_mode);

/* The kernel kills this process when its owner ends. Negative errno when the
 * owner (0: none) is gone already. */
int owner_follow(pid_t owner);

/* Decimal in [1, max], or -1. */
long number_parse(const char *text, long max);

#endif
