/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * monitor: one exec, no fork, no libvirt, no config file. The recorded
 * process and one QMP question answer it; anything unusual widens the search
 * (evidence.c). A probe also clears what a dead start has left behind.
 *
 * What runs here must be on this host's VM list, however it came (SAFETY 12):
 * a cut-off host is trusted by that list. One more small file tells whether
 * the daemon's list of now has it. Where it can't be listed the monitor says
 * so, and never ends it.
 */
#include <errno.h>
#include <string.h>

#include "VirtualMachine/vm.h"
#include "ha/clock.h"
#include "ha/vmfiles.h"

/* A probe that finds neither process nor a start at work clears the stale
 * entry (SAFETY 12); before that the dead start's request is taken back. */
static void
clear_dead_start(struct vm *vm)
{
	struct ha_proc_id agent = {
		.pid = (pid_t)vm->record.agent_pid,
		.start_ticks = vm->record.agent_ticks,
	};
	struct ha_err err = HA_ERR_INIT;

	if (!vm->facts.start_pending ||
	    vm->facts.process != HA_VM_PROCESS_GONE ||
	    ha_proc_is_alive(&agent) != 0) {
		return;
	}
	if (vm_revoke_start(vm, &err) == 0 && vm_find_process(vm, &err) == 0) {
		vm->facts.start_pending = false;
		vm->state = ha_vm_state_judge(&vm->facts);
	} else {
		agent_log(vm->ctx, AGENT_WARNING, "%s", err.text);
	}
}

/* A recurring monitor runs again, the agent that began a migration is gone,
 * and QEMU has none under way: the guest has simply stayed. */
static bool
is_migration_forgotten(struct vm *vm)
{
	struct ha_proc_id agent = {
		.pid = (pid_t)vm->record.agent_pid,
		.start_ticks = vm->record.agent_ticks,
	};
	uint64_t until_ms = ha_clock_step_ms(vm->ctx->deadline_ms, VM_QMP_MS);
	struct ha_qmp_migration m;

	if (vm->record.phase != HA_VM_PHASE_OUTGOING ||
	    vm->ctx->interval_ms == 0 || ha_proc_is_alive(&agent) != 0) {
		return false;
	}
	return vm_ask_migration(vm, until_ms, &m) &&
	       (strcmp(m.status, "none") == 0 ||
		strcmp(m.status, "failed") == 0 ||
		strcmp(m.status, "cancelled") == 0);
}

/* Found by its command line, not by the record: started by hand, or the record
 * was lost. With a record, only what runs: a start may be at work. */
static bool
is_new(struct vm *vm)
{
	switch (vm->state) {
	case HA_VM_RUNNING:
		return !vm->has_record || is_migration_forgotten(vm) ||
		       vm->record.pid != vm->found.id.pid ||
		       vm->record.start_ticks != vm->found.id.start_ticks;
	case HA_VM_PAUSED:
	case HA_VM_SAVING:
	case HA_VM_IO_ERROR:
	case HA_VM_PMSUSPENDED:
	case HA_VM_CRASHED:
	case HA_VM_SHUT_DOWN:
		return !vm->has_record;
	case HA_VM_NOT_RUNNING:
	case HA_VM_HUNG:
	case HA_VM_MIGRATING_IN:
	case HA_VM_MIGRATING_OUT:
	case HA_VM_MIGRATED_AWAY:
	case HA_VM_START_UNFINISHED:
	case HA_VM_UNCLEAR:
	case HA_VM_STATE_N:
		break;
	}
	return false;
}

/* An entry "outgoing", "incoming" or "starting" is its own action's. */
static bool
is_to_be_listed(const struct vm *vm)
{
	return vm->facts.process == HA_VM_PROCESS_ALIVE && vm->has_record &&
	       vm->record.phase == HA_VM_PHASE_RUNNING && !vm_is_listed(vm);
}

/* Remembered, so that the next monitor is cheap, and on the list. */
static void
adopt(struct vm *vm)
{
	uint64_t until_ms =
		ha_clock_step_ms(vm->ctx->deadline_ms, VM_LISTING_MS);
	char before[HA_VM_LISTED];
	struct ha_err err = HA_ERR_INIT;
	bool must_adopt = is_new(vm);
	int rc;

	if (!must_adopt && !is_to_be_listed(vm)) {
		return;
	}
	if (must_adopt && vm->found.args.uuid[0]) {
		memcpy(vm->uuid, vm->found.args.uuid, sizeof(vm->uuid));
	}
	memcpy(before, vm->record.listed, sizeof(before));
	vm->is_unlisted = vm_list_running(vm, until_ms, &vm->unlisted) < 0;
	if (must_adopt) {
		rc = ha_vmfiles_prepare(&err);
		rc = rc < 0 ? rc : vm_record_adopt(vm, &err);
	} else if (strcmp(before, vm->record.listed) != 0) {
		rc = ha_vmfiles_store(vm->resource, &vm->record, &err);
	} else {
		rc = 0;
	}
	if (rc < 0) {
		agent_log(vm->ctx, AGENT_WARNING, "%s", err.text);
	}
}

enum ocf_rc
vm_monitor(struct agent_ctx *ctx)
{
	static struct vm vm;
	struct ha_err err = HA_ERR_INIT;

	vm_init(&vm, ctx);
	if (!vm.has_record || vm.record.pid == 0) {
		vm_identify(&vm);
	} else {
		(void)ha_text_copy(vm.uuid, sizeof(vm.uuid), vm.record.uuid);
		(void)ha_text_copy(vm.name, sizeof(vm.name), vm.record.name);
	}
	/* A live migration to this host needs the socket's directory before
	 * any action of this VM runs here; a probe comes first everywhere. */
	if (ctx->is_probe && ha_vmfiles_prepare(&err) < 0) {
		agent_log(ctx, AGENT_DEBUG, "%s", err.text);
	}
	vm_look(&vm);
	clear_dead_start(&vm);
	while (vm.state == HA_VM_NOT_RUNNING && ctx->is_probe) {
		int rc = vm_withdraw(&vm, &err);

		if (rc == -ESTALE && ha_clock_left_ms(ctx->deadline_ms) > 0) {
			vm_look(&vm);
			continue;
		}
		if (rc < 0) {
			return agent_fail(ctx, OCF_ERR_GENERIC, "%s", err.text);
		}
		/* Only what was there when we looked. */
		if (vm.has_record) {
			vm_record_forget(&vm);
		}
		break;
	}
	adopt(&vm);
	return vm_report(&vm);
}
