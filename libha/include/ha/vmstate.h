/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What state is this VM in? Facts from three witnesses (the process, QEMU's
 * own monitor, libvirt) in, one verdict out. Pure: no I/O, no clock.
 *
 * The rule behind the table (SAFETY: doubt falls to the safe side): "not
 * running" is said only when the process is proven gone and no start that
 * somebody handed to libvirt can still bring it up. Everything that can't be
 * told apart is UNCLEAR, never NOT_RUNNING.
 */
#ifndef HA_VMSTATE_H
#define HA_VMSTATE_H

#include <stdbool.h>

/* The QEMU process of the VM on this host. */
enum ha_vm_process {
	HA_VM_PROCESS_GONE,    /* proven: no such process, none dying */
	HA_VM_PROCESS_ALIVE,   /* proven by pid, start time and identity */
	HA_VM_PROCESS_UNKNOWN, /* could not be determined */
	HA_VM_PROCESS_N
};

/* QMP query-status, in QEMU's words (qapi/run-state.json RunState). */
enum ha_vm_qmp {
	HA_VM_QMP_NOT_ASKED, /* no socket of ours, or process gone */
	HA_VM_QMP_SILENT,    /* socket there, no answer in time */
	HA_VM_QMP_RUNNING,
	HA_VM_QMP_PAUSED,
	HA_VM_QMP_IO_ERROR,
	HA_VM_QMP_SUSPENDED,
	HA_VM_QMP_SHUTDOWN,
	HA_VM_QMP_GUEST_PANICKED,
	HA_VM_QMP_INTERNAL_ERROR,
	HA_VM_QMP_WATCHDOG,
	HA_VM_QMP_INMIGRATE,
	HA_VM_QMP_FINISH_MIGRATE,
	HA_VM_QMP_POSTMIGRATE,
	HA_VM_QMP_PRELAUNCH,
	HA_VM_QMP_SAVE_VM,
	HA_VM_QMP_RESTORE_VM,
	HA_VM_QMP_DEBUG,
	HA_VM_QMP_COLO,
	HA_VM_QMP_PRECONFIG,
	HA_VM_QMP_OTHER, /* a word this version does not know */
	HA_VM_QMP_N
};

/* libvirt's opinion, asked only when the others conflict. */
enum ha_vm_libvirt {
	HA_VM_LIBVIRT_NOT_ASKED,
	HA_VM_LIBVIRT_SILENT, /* dead, hung, or no answer in time */
	HA_VM_LIBVIRT_NO_DOMAIN,
	HA_VM_LIBVIRT_RUNNING,
	HA_VM_LIBVIRT_PAUSED,
	HA_VM_LIBVIRT_PAUSED_STARTING,
	HA_VM_LIBVIRT_PAUSED_IO_ERROR,
	HA_VM_LIBVIRT_PAUSED_MIGRATION,
	HA_VM_LIBVIRT_PAUSED_POSTCOPY_FAILED,
	HA_VM_LIBVIRT_SHUTDOWN,
	HA_VM_LIBVIRT_SHUTOFF,
	HA_VM_LIBVIRT_CRASHED,
	HA_VM_LIBVIRT_PMSUSPENDED,
	HA_VM_LIBVIRT_N
};

/* What our own agent last did, from its record under /run. */
enum ha_vm_phase {
	HA_VM_PHASE_NONE, /* no record */
	HA_VM_PHASE_STARTING,
	HA_VM_PHASE_RUNNING,
	HA_VM_PHASE_OUTGOING, /* a migration away has begun */
	HA_VM_PHASE_N
};

struct ha_vm_facts {
	enum ha_vm_process process;
	enum ha_vm_qmp qmp;
	enum ha_vm_libvirt libvirt;
	enum ha_vm_phase phase;
	bool start_pending; /* a create request may still be carried out */
	bool libvirtd_down; /* known to be dead or stopped */
	bool off_is_wish;   /* a guest that shut itself down is to stay off */
};

enum ha_vm_state {
	HA_VM_NOT_RUNNING,
	HA_VM_RUNNING,
	HA_VM_PAUSED,      /* by a person */
	HA_VM_SAVING,      /* paused while its state is saved or restored */
	HA_VM_IO_ERROR,    /* paused by an I/O error */
	HA_VM_PMSUSPENDED, /* asleep by its own wish */
	HA_VM_HUNG,        /* process alive, QEMU does not answer */
	HA_VM_CRASHED,     /* guest panicked, or QEMU stopped it for good */
	HA_VM_SHUT_DOWN,   /* guest has powered off, process lingers */
	HA_VM_MIGRATING_IN,
	HA_VM_MIGRATING_OUT,
	HA_VM_MIGRATED_AWAY, /* runs on another host, process lingers */
	HA_VM_START_UNFINISHED,
	HA_VM_UNCLEAR,
	HA_VM_STATE_N
};

/* What follows for a resource manager. */
enum ha_vm_health {
	HA_VM_HEALTH_OK,
	HA_VM_HEALTH_DEGRADED, /* runs, somebody should look */
	HA_VM_HEALTH_FAILED,   /* must be recovered, or is unclear */
	HA_VM_HEALTH_OFF,      /* proven not running */
};

enum ha_vm_state ha_vm_state_judge(const struct ha_vm_facts *facts);

/* OK becomes DEGRADED while libvirtd is down: the VM is well, but can be
 * neither started nor migrated here. SHUT_DOWN is DEGRADED where that is the
 * guest's wish to be kept: nothing is to be recovered. */
enum ha_vm_health ha_vm_state_health(enum ha_vm_state state,
				     const struct ha_vm_facts *facts);

/* Does a guest live in this process that can react to a power button? */
bool ha_vm_state_has_guest(enum ha_vm_state state);

/* While a migration away is under way: can this QEMU still hand the guest
 * over to the target? SILENT and unknown words count as handing over. */
enum ha_vm_owner {
	HA_VM_OWNER_HERE,
	HA_VM_OWNER_HANDING_OVER
};
enum ha_vm_owner ha_vm_qmp_owner(enum ha_vm_qmp qmp);

/* "paused by an I/O error of its storage": for sentences. */
const char *ha_vm_state_text(enum ha_vm_state state);
/* "io-error": for tables and JSON. */
const char *ha_vm_state_word(enum ha_vm_state state);

/* QEMU's run state word to the enum; OTHER when unknown. */
enum ha_vm_qmp ha_vm_qmp_from_word(const char *word);

#endif
