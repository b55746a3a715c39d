/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decides what state a VM is in, from what the process table, QEMU and
 * libvirt say. Called by every action of the VirtualMachine agent; must never
 * say NOT_RUNNING in doubt, because Pacemaker then starts the VM elsewhere.
 * The whole decision is two tables and the few exceptions in judge().
 */
#include "ha/vmstate.h"

#include <stddef.h>
#include <string.h>

/* QEMU's words; the state each means for a process that is alive. */
static const struct {
	const char *word;
	enum ha_vm_state state;
} QMP[HA_VM_QMP_N] = {
	[HA_VM_QMP_NOT_ASKED] = { NULL, HA_VM_RUNNING },
	[HA_VM_QMP_SILENT] = { NULL, HA_VM_HUNG },
	[HA_VM_QMP_RUNNING] = { "running", HA_VM_RUNNING },
	[HA_VM_QMP_PAUSED] = { "paused", HA_VM_PAUSED },
	[HA_VM_QMP_IO_ERROR] = { "io-error", HA_VM_IO_ERROR },
	[HA_VM_QMP_SUSPENDED] = { "suspended", HA_VM_PMSUSPENDED },
	[HA_VM_QMP_SHUTDOWN] = { "shutdown", HA_VM_SHUT_DOWN },
	[HA_VM_QMP_GUEST_PANICKED] = { "guest-panicked", HA_VM_CRASHED },
	[HA_VM_QMP_INTERNAL_ERROR] = { "internal-error", HA_VM_CRASHED },
	[HA_VM_QMP_WATCHDOG] = { "watchdog", HA_VM_CRASHED },
	[HA_VM_QMP_INMIGRATE] = { "inmigrate", HA_VM_MIGRATING_IN },
	[HA_VM_QMP_FINISH_MIGRATE] = { "finish-migrate", HA_VM_MIGRATING_OUT },
	[HA_VM_QMP_POSTMIGRATE] = { "postmigrate", HA_VM_MIGRATED_AWAY },
	[HA_VM_QMP_PRELAUNCH] = { "prelaunch", HA_VM_START_UNFINISHED },
	[HA_VM_QMP_SAVE_VM] = { "save-vm", HA_VM_SAVING },
	[HA_VM_QMP_RESTORE_VM] = { "restore-vm", HA_VM_SAVING },
	[HA_VM_QMP_DEBUG] = { "debug", HA_VM_PAUSED },
	[HA_VM_QMP_COLO] = { "colo", HA_VM_RUNNING },
	[HA_VM_QMP_PRECONFIG] = { "preconfig", HA_VM_START_UNFINISHED },
	[HA_VM_QMP_OTHER] = { NULL, HA_VM_UNCLEAR },
};

/* libvirt's opinion of a process that is alive while QEMU says nothing. */
static const enum ha_vm_state LIBVIRT[HA_VM_LIBVIRT_N] = {
	[HA_VM_LIBVIRT_NOT_ASKED] = HA_VM_RUNNING,
	[HA_VM_LIBVIRT_SILENT] = HA_VM_RUNNING,
	/* Alive by pid, start time and UUID, yet unknown to libvirt. */
	[HA_VM_LIBVIRT_NO_DOMAIN] = HA_VM_UNCLEAR,
	[HA_VM_LIBVIRT_RUNNING] = HA_VM_RUNNING,
	[HA_VM_LIBVIRT_PAUSED] = HA_VM_PAUSED,
	[HA_VM_LIBVIRT_PAUSED_STARTING] = HA_VM_START_UNFINISHED,
	[HA_VM_LIBVIRT_PAUSED_IO_ERROR] = HA_VM_IO_ERROR,
	[HA_VM_LIBVIRT_PAUSED_MIGRATION] = HA_VM_MIGRATING_OUT,
	[HA_VM_LIBVIRT_PAUSED_POSTCOPY_FAILED] = HA_VM_CRASHED,
	[HA_VM_LIBVIRT_SHUTDOWN] = HA_VM_SHUT_DOWN,
	[HA_VM_LIBVIRT_SHUTOFF] = HA_VM_UNCLEAR,
	[HA_VM_LIBVIRT_CRASHED] = HA_VM_CRASHED,
	[HA_VM_LIBVIRT_PMSUSPENDED] = HA_VM_PMSUSPENDED,
};

static const struct {
	enum ha_vm_health health;
	bool has_guest;
	const char *word;
	const char *text;
} STATE[HA_VM_STATE_N] = {
	[HA_VM_NOT_RUNNING] = { HA_VM_HEALTH_OFF, false, "off", "not running" },
	[HA_VM_RUNNING] = { HA_VM_HEALTH_OK, true, "running", "running" },
	[HA_VM_PAUSED] = { HA_VM_HEALTH_OK, false, "paused",
			   "paused by a person" },
	[HA_VM_SAVING] = { HA_VM_HEALTH_OK, false, "saving",
			   "paused while its state is saved or restored" },
	[HA_VM_IO_ERROR] = { HA_VM_HEALTH_DEGRADED, false, "io-error",
			     "paused by an I/O error of its storage" },
	[HA_VM_PMSUSPENDED] = { HA_VM_HEALTH_DEGRADED, false, "pmsuspended",
				"suspended to memory by the guest itself" },
	/* The vCPUs of a QEMU whose main loop hangs may well run. */
	[HA_VM_HUNG] = { HA_VM_HEALTH_DEGRADED, true, "hung",
			 "alive, but QEMU does not answer its monitor" },
	[HA_VM_CRASHED] = { HA_VM_HEALTH_FAILED, false, "crashed",
			    "crashed: QEMU has stopped the guest for good" },
	[HA_VM_SHUT_DOWN] = { HA_VM_HEALTH_FAILED, false, "shut-down",
			      "shut down from inside; its process has not "
			      "ended yet" },
	/* 0 like any resource agent in a migration: Pacemaker knows from its
	 * own history that two hosts take part. */
	[HA_VM_MIGRATING_IN] = { HA_VM_HEALTH_OK, false, "migrating-in",
				 "arriving by live migration" },
	[HA_VM_MIGRATING_OUT] = { HA_VM_HEALTH_OK, false, "migrating-out",
				  "leaving by live migration" },
	[HA_VM_MIGRATED_AWAY] = { HA_VM_HEALTH_FAILED, false, "migrated-away",
				  "migrated away; its old process has not "
				  "ended yet" },
	[HA_VM_START_UNFINISHED] = { HA_VM_HEALTH_FAILED, false, "starting",
				     "created, but its start was never "
				     "finished" },
	[HA_VM_UNCLEAR] = { HA_VM_HEALTH_FAILED, false, "unclear",
			    "unclear: the evidence conflicts" },
};

static enum ha_vm_state
judge_gone(const struct ha_vm_facts *facts)
{
	/* "No process yet is no proof" (SAFETY 9): a create request that was
	 * handed to libvirt may still bring it up. */
	if (facts->start_pending) {
		return HA_VM_UNCLEAR;
	}
	switch (facts->libvirt) {
	case HA_VM_LIBVIRT_NOT_ASKED:
	case HA_VM_LIBVIRT_SILENT:
	case HA_VM_LIBVIRT_NO_DOMAIN:
	case HA_VM_LIBVIRT_SHUTOFF:
	case HA_VM_LIBVIRT_CRASHED:
	case HA_VM_LIBVIRT_SHUTDOWN:
		return HA_VM_NOT_RUNNING;
	case HA_VM_LIBVIRT_RUNNING:
	case HA_VM_LIBVIRT_PAUSED:
	case HA_VM_LIBVIRT_PAUSED_STARTING:
	case HA_VM_LIBVIRT_PAUSED_IO_ERROR:
	case HA_VM_LIBVIRT_PAUSED_MIGRATION:
	case HA_VM_LIBVIRT_PAUSED_POSTCOPY_FAILED:
	case HA_VM_LIBVIRT_PMSUSPENDED:
	case HA_VM_LIBVIRT_N:
		break;
	}
	/* libvirt sees a VM where the process table shows none. */
	return HA_VM_UNCLEAR;
}

static enum ha_vm_state
judge_alive(const struct ha_vm_facts *facts)
{
	enum ha_vm_state state = QMP[facts->qmp].state;

	if (facts->qmp == HA_VM_QMP_NOT_ASKED ||
	    (facts->qmp == HA_VM_QMP_SILENT &&
	     facts->libvirt != HA_VM_LIBVIRT_NOT_ASKED &&
	     facts->libvirt != HA_VM_LIBVIRT_SILENT &&
	     facts->libvirt != HA_VM_LIBVIRT_RUNNING)) {
		state = LIBVIRT[facts->libvirt];
	}
	/* Our start creates the domain paused and resumes it as its last
	 * step: paused in that phase is a start that died half-way. */
	if (facts->phase == HA_VM_PHASE_STARTING && state == HA_VM_PAUSED) {
		return HA_VM_START_UNFINISHED;
	}
	if (facts->phase == HA_VM_PHASE_OUTGOING && state == HA_VM_PAUSED) {
		return HA_VM_MIGRATING_OUT;
	}
	/* Its arrival was proven once; it can't be arriving again. */
	if (facts->phase == HA_VM_PHASE_RUNNING &&
	    state == HA_VM_MIGRATING_IN) {
		return HA_VM_UNCLEAR;
	}
	return state;
}

enum ha_vm_state
ha_vm_state_judge(const struct ha_vm_facts *facts)
{
	switch (facts->process) {
	case HA_VM_PROCESS_GONE:
		return judge_gone(facts);
	case HA_VM_PROCESS_ALIVE:
		return judge_alive(facts);
	case HA_VM_PROCESS_UNKNOWN:
	case HA_VM_PROCESS_N:
		break;
	}
	return HA_VM_UNCLEAR;
}

enum ha_vm_health
ha_vm_state_health(enum ha_vm_state state, const struct ha_vm_facts *facts)
{
	enum ha_vm_health health = STATE[state].health;

	if (state == HA_VM_SHUT_DOWN && facts->off_is_wish) {
		return HA_VM_HEALTH_DEGRADED;
	}
	if (health == HA_VM_HEALTH_OK && facts->libvirtd_down) {
		return HA_VM_HEALTH_DEGRADED;
	}
	return health;
}

bool
ha_vm_state_has_guest(enum ha_vm_state state)
{
	return STATE[state].has_guest;
}

enum ha_vm_owner
ha_vm_qmp_owner(enum ha_vm_qmp qmp)
{
	switch (qmp) {
	case HA_VM_QMP_RUNNING:
	case HA_VM_QMP_PAUSED:
	case HA_VM_QMP_IO_ERROR:
	case HA_VM_QMP_SUSPENDED:
	case HA_VM_QMP_SHUTDOWN:
	case HA_VM_QMP_GUEST_PANICKED:
	case HA_VM_QMP_INTERNAL_ERROR:
	case HA_VM_QMP_WATCHDOG:
	case HA_VM_QMP_PRELAUNCH:
	case HA_VM_QMP_SAVE_VM:
	case HA_VM_QMP_RESTORE_VM:
	case HA_VM_QMP_DEBUG:
	case HA_VM_QMP_PRECONFIG:
	case HA_VM_QMP_INMIGRATE:
		return HA_VM_OWNER_HERE;
	/* All of its memory may be on the target. */
	case HA_VM_QMP_FINISH_MIGRATE:
	case HA_VM_QMP_POSTMIGRATE:
	case HA_VM_QMP_COLO:
	case HA_VM_QMP_NOT_ASKED:
	case HA_VM_QMP_SILENT:
	case HA_VM_QMP_OTHER:
	case HA_VM_QMP_N:
		break;
	}
	return HA_VM_OWNER_HANDING_OVER;
}

const char *
ha_vm_state_text(enum ha_vm_state state)
{
	return STATE[state].text;
}

const char *
ha_vm_state_word(enum ha_vm_state state)
{
	return STATE[state].word;
}

enum ha_vm_qmp
ha_vm_qmp_from_word(const char *word)
{
	for (size_t i = 0; i < HA_VM_QMP_N; i++) {
		if (QMP[i].word && strcmp(QMP[i].word, word) == 0) {
			return (enum ha_vm_qmp)i;
		}
	}
	return HA_VM_QMP_OTHER;
}
