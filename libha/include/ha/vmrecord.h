/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the agent remembers about a VM on this host, so that its identity
 * never depends on a readable config file, and the names of the files that
 * belong to it. Text <-> struct only; libha/io/record does the files.
 *
 *   /run/vmha/vm/RES              the record, gone after a reboot
 *   /run/vmha/vm/RES.stop         a stop has asked the guest to shut down
 *   /run/vmha/qmp/RES.NONCE.sock  our own QMP socket of one start
 *   /run/vmha/qmp/RES.NONCE.evts  another one, where vmha-fdmd listens
 *   /var/lib/vmha/vm/RES          uuid and name, survives a reboot
 *
 * RES is the resource's name with anything but [A-Za-z0-9_:-] as %XX.
 */
#ifndef HA_VMRECORD_H
#define HA_VMRECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ha/domain.h"
#include "ha/err.h"
#include "ha/text.h"
#include "ha/vmstate.h"

#define HA_VM_RUN_DIR "/run/vmha/vm"
#define HA_VM_QMP_DIR "/run/vmha/qmp"
#define HA_VM_LIB_DIR "/var/lib/vmha/vm"
/* sockaddr_un.sun_path holds 108 bytes with the NUL. */
#define HA_VM_QMP_PATH 108
#define HA_VM_RESOURCE 256
#define HA_VM_PEER 256
#define HA_VM_LISTED 64        /* ha_vmlist_token() */
#define HA_VM_RECORD_TEXT 2048 /* bytes, upper bound of a formatted record */

struct ha_vm_record {
	char uuid[HA_UUID_TEXT];   /* "" unknown */
	char name[HA_DOMAIN_NAME]; /* "" unknown */
	char qmp_path[HA_VM_QMP_PATH];
	char boot_id[HA_UUID_TEXT]; /* of the kernel the pids belong to */
	enum ha_vm_phase phase;
	int64_t pid;          /* QEMU, 0: unknown */
	uint64_t start_ticks; /* /proc/PID/stat field 22 */
	int64_t agent_pid;    /* agent that is at work in this phase */
	uint64_t agent_ticks;
	char peer[HA_VM_PEER];     /* where it migrates to, "" nowhere */
	char listed[HA_VM_LISTED]; /* whose list has it as running, "" none */
	uint64_t reported;         /* state and health that the last
				      * monitor reported, the agent's code */
};

/* 0; -EINVAL with the line that is wrong. Unknown keys are ignored (a newer
 * version may have written them), a missing one keeps its zero value. */
int ha_vm_record_parse(const char *text, size_t len,
		       struct ha_vm_record *ret_record, struct ha_err *err);

/* Length written without the NUL, or -ENOSPC. */
int ha_vm_record_format(const struct ha_vm_record *record, char *text,
			size_t size);

/* The resource's name as a file name; -ENAMETOOLONG. */
int ha_vm_file_name(const char *resource, char *ret_name, size_t size);

/* Path of the QMP socket of one start. A name too long for a socket path is
 * cut and told apart by a checksum. */
void ha_vm_qmp_path(const char *resource, uint32_t nonce,
		    char ret_path[HA_VM_QMP_PATH]);

/* The socket for events beside that QMP socket. */
void ha_vm_events_path(const char *qmp_path, char ret_path[HA_VM_QMP_PATH]);

/* Is `path` a QMP socket of this resource (any start of it)? */
bool ha_vm_qmp_path_is_of(const char *path, const char *resource);

/* The resource that such a path names; where its name was cut, what is left of
 * it. -EINVAL: no path of ours, or it names none. */
int ha_vm_qmp_path_resource(const char *path, char *ret_resource, size_t size);

/* Is `path` a QMP socket of any resource of ours? */
bool ha_vm_qmp_path_is_ours(const char *path);

#endif
