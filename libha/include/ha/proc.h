/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process table as witness. A process is identified by pid and start
 * time; a QEMU by the UUID, name or socket on its command line. None of this
 * needs libvirtd, a config file or a disk, and none of it blocks.
 *
 * Bound: /proc of this pid namespace. A process that is dying (its memory,
 * and with it its command line, already gone, but a thread still stuck in
 * the kernel with the disk open) counts as alive.
 */
#ifndef HA_PROC_H
#define HA_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ha/err.h"
#include "ha/qemu.h"
#include "ha/use.h"

struct ha_proc_id {
	pid_t pid;
	uint64_t start_ticks; /* /proc/PID/stat field 22, in clock ticks */
};

/* Is exactly this process alive? true also for a process of which one thread
 * is stuck in exit. 0 gone, 1 alive, negative errno: /proc not readable. */
int ha_proc_is_alive(const struct ha_proc_id *id);

/* The start time of a pid; -ESRCH when there is no such process. */
int ha_proc_start_ticks(pid_t pid, uint64_t *ret_ticks);

/* Single-letter state of proc(5) (R S D T t Z X); -ESRCH. */
int ha_proc_state(pid_t pid, char *ret_state);

/* The kernel's boot id, the frame that pids and start times belong to. */
int ha_proc_boot_id(char ret_boot_id[HA_UUID_TEXT]);

/* Command line of exactly this process, parsed. 0; -ESRCH gone or dying. */
int ha_proc_qemu_args(const struct ha_proc_id *id,
		      struct ha_qemu_args *ret_args);

/* Whose QEMU to look for; empty strings and NULL are not compared.
 *
 * Anybody may write anything on a command line, so a process counts only if
 * it is a QEMU of this host's libvirt: in our pid namespace, run by root or
 * by qemu_uid or named by libvirt's own pid file, and an emulator by its
 * executable's name, by our socket, or by that pid file.
 * A UUID that is known and differs excludes a process, whatever its name;
 * the name alone counts only where libvirt's pid file confirms it. */
struct ha_qemu_want {
	const char *qmp_path; /* this very socket: nothing else is compared */
	const char *resource; /* our socket on the command line */
	const char *uuid;
	const char *name;
	uid_t qemu_uid; /* whom libvirt runs QEMU as */
};

#define HA_PROC_DYING_MAX 8

struct ha_qemu_found {
	struct ha_proc_id id;
	struct ha_qemu_args args;
	unsigned int n_matches; /* more than one: kill until none is left */
	unsigned int n_foreign; /* QEMUs that match nothing and don't carry a
				 * socket of ours: with neither UUID nor name
				 * known, one of them might be the VM */
	pid_t a_foreign;
	unsigned int n_doubtful; /* carry its UUID, but are no known emulator
				  * and in no pid file of libvirt's */
	pid_t a_doubtful;
	unsigned int n_namesakes; /* QEMUs of the same name that are not
				   * proven to be the VM, nor not to be */
	pid_t a_namesake;
	unsigned int n_dying; /* processes without a command line that look
				 * like a QEMU in exit: could be the VM */
	struct ha_proc_id dying[HA_PROC_DYING_MAX]; /* the first of them */
};

/* Looks through all processes. 0 none matches, 1 found; -errno. */
int ha_proc_find_qemu(const struct ha_qemu_want *want,
		      struct ha_qemu_found *ret_found, struct ha_err *err);

/* A QEMU of this host's libvirt, whose ever. */
struct ha_qemu_seen {
	struct ha_proc_id id;
	struct ha_qemu_args args;
	bool is_named; /* libvirt's pid file confirms its name */
};

/* All of them, by the same rules as above; those in their exit are left out.
 * 0; -E2BIG more than max; -errno. Reads each process's command line, which
 * may hang with that process: not for a thread that others wait for. */
int ha_proc_list_qemu(uid_t qemu_uid, struct ha_qemu_seen *ret_seen,
		      uint32_t max, uint32_t *ret_count, struct ha_err *err);

/* CPU time and memory of exactly this process. -ESRCH gone; never waits for
 * it. */
int ha_proc_use(const struct ha_proc_id *id, struct ha_use_process *ret_use);

/* The domain whose pid file of libvirt (system instance) names this process.
 * false: none does. */
bool ha_proc_libvirt_name(pid_t pid, char *ret_name, size_t size);

/* A pidfd of exactly this process: opened, then compared, so that a reused
 * pid is never signalled. Caller closes. -ESRCH gone. */
int ha_proc_open(const struct ha_proc_id *id);

/* Sends a signal; 0 also when the process has just gone. */
int ha_proc_signal(int pidfd, int signo);

/* 0: ended (all threads), -ETIMEDOUT. */
int ha_proc_wait_end(int pidfd, uint64_t deadline_ms);

#endif
