/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Talks to QEMU over our own monitor socket, which works while libvirtd is
 * dead or hung. Every wait has a deadline. A QEMU whose main loop hangs (an
 * uninterruptible disk) accepts and then stays silent: -ETIMEDOUT.
 */
#ifndef HA_QMP_H
#define HA_QMP_H

#include <stdint.h>
#include <sys/types.h>

#include "ha/err.h"
#include "ha/qemu.h"

struct ha_qmp {
	int fd;
	size_t n;        /* bytes in buf */
	char buf[65536]; /* a line of QMP that we ask for is below 4 KiB */
};

/* Connects and negotiates. `pid` is the QEMU that must be at the other end
 * (SO_PEERCRED), so that a socket somebody else put there is not believed.
 * 0; -ENOENT, -ECONNREFUSED no socket; -EPERM another process;
 * -ETIMEDOUT. The caller calls ha_qmp_close in any case. */
int ha_qmp_open(struct ha_qmp *qmp, const char *path, pid_t pid,
		uint64_t deadline_ms, struct ha_err *err);
void ha_qmp_close(struct ha_qmp *qmp);

/* query-status, in QEMU's words. -EPROTO: an answer without one. */
int ha_qmp_status(struct ha_qmp *qmp, uint64_t deadline_ms,
		  char ret_status[HA_QMP_STATUS], struct ha_err *err);

struct ha_qmp_migration {
	char status[HA_QMP_STATUS]; /* MigrationStatus of qapi/migration.json;
				     * "none": there has been none */
	uint64_t ram_sent;          /* bytes */
};

/* query-migrate. */
int ha_qmp_migration(struct ha_qmp *qmp, uint64_t deadline_ms,
		     struct ha_qmp_migration *ret, struct ha_err *err);

/* A command without arguments: "cont", "system_powerdown", "quit",
 * "migrate_cancel". 0 when QEMU has accepted it. */
int ha_qmp_command(struct ha_qmp *qmp, const char *command,
		   uint64_t deadline_ms, struct ha_err *err);

/* ---- for a loop of events: no call of these waits ----------------------- */

/* Connects and asks for QEMU's events, and for its status once; what follows
 * is read by ha_qmp_poll() whenever fd is readable. Results of ha_qmp_open,
 * -EAGAIN: too many wait there already. */
int ha_qmp_watch(struct ha_qmp *qmp, const char *path, pid_t pid,
		 struct ha_err *err);
/* 1: a message; 0: none is there yet; -ECONNRESET: QEMU, or its monitor, has
 * gone; other -errno: nonsense. */
int ha_qmp_poll(struct ha_qmp *qmp, struct ha_qmp_message *ret_message);

#endif
