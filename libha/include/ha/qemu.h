/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU seen from outside: what its command line and its monitor (QMP) say.
 * Bytes to structs only; libha/io/proc and libha/io/qmp fetch the bytes.
 */
#ifndef HA_QEMU_H
#define HA_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/domain.h"
#include "ha/text.h"
#include "ha/vmrecord.h"

struct ha_qemu_args {
	char uuid[HA_UUID_TEXT];       /* -uuid, "" none */
	char name[HA_DOMAIN_NAME];     /* -name guest=..., "" none */
	char qmp_path[HA_VM_QMP_PATH]; /* of our chardev "vmha-qmp", "" none */
	bool incoming;                 /* -incoming: born by a migration */
	bool is_qemu;                  /* looks like a VM of libvirt's making:
					* has both -uuid and -name guest= */
};

/* From /proc/PID/cmdline: arguments separated by NUL. Never fails; what is
 * not there stays empty. */
void ha_qemu_args_parse(const char *cmdline, size_t len,
			struct ha_qemu_args *ret_args);

#define HA_QMP_STATUS 32 /* bytes; QEMU's longest word has 14 */

enum ha_qmp_kind {
	HA_QMP_GREETING,
	HA_QMP_RETURN,
	HA_QMP_ERROR,
	HA_QMP_EVENT,
};

struct ha_qmp_message {
	enum ha_qmp_kind kind;
	char id[16];                /* of RETURN and ERROR, "" none */
	char status[HA_QMP_STATUS]; /* of RETURN to query-status: RunState */
	uint64_t ram_sent; /* of RETURN to query-migrate: ram.transferred,
			    * bytes; 0: none */
	char text[256];    /* desc of ERROR, name of EVENT */
	/* Of the event SHUTDOWN: ShutdownCause, and whether it is the guest's
	 * (qapi/run-state.json). */
	char reason[HA_QMP_STATUS];
	bool by_guest;
};

/* One line of QMP (JSON object). 0, or -EINVAL: not QMP. */
int ha_qmp_parse(const char *line, size_t len,
		 struct ha_qmp_message *ret_message);

#endif
