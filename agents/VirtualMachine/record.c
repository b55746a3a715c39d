/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent remembers between its calls: phase, process, socket. Phase
 * "starting" is written before anything is asked of libvirt, so that whoever
 * comes after a killed agent knows that a create request may be under way.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "VirtualMachine/vm.h"
#include "ha/vmfiles.h"

int
vm_record_phase(struct vm *vm, enum ha_vm_phase phase, struct ha_err *err)
{
	uint64_t ticks = 0;
	int rc;

	vm->record.phase = phase;
	memcpy(vm->record.uuid, vm->uuid, sizeof(vm->record.uuid));
	memcpy(vm->record.name, vm->name, sizeof(vm->record.name));
	(void)ha_proc_start_ticks(getpid(), &ticks);
	vm->record.agent_pid = getpid();
	vm->record.agent_ticks = ticks;
	rc = ha_vmfiles_store(vm->resource, &vm->record, err);
	vm->has_record = vm->has_record || rc == 0;
	return rc;
}

int
vm_record_adopt(struct vm *vm, struct ha_err *err)
{
	const struct ha_qemu_args *args = &vm->found.args;

	vm->record.pid = vm->found.id.pid;
	vm->record.start_ticks = vm->found.id.start_ticks;
	if (args->uuid[0]) {
		memcpy(vm->uuid, args->uuid, sizeof(vm->uuid));
	}
	if (args->name[0]) {
		memcpy(vm->name, args->name, sizeof(vm->name));
	}
	if (ha_vm_qmp_path_is_ours(args->qmp_path)) {
		memcpy(vm->record.qmp_path, args->qmp_path,
		       sizeof(vm->record.qmp_path));
	}
	vm->record.peer[0] = '\0';
	return vm_record_phase(vm, HA_VM_PHASE_RUNNING, err);
}

void
vm_record_forget(struct vm *vm)
{
	struct ha_err err = HA_ERR_INIT;
	const char *socket = vm->found.args.qmp_path[0] ?
				     vm->found.args.qmp_path :
				     vm->record.qmp_path;

	if (ha_vmfiles_remove(vm->resource, socket, &err) < 0) {
		agent_log(vm->ctx, AGENT_WARNING, "%s", err.text);
	}
	vm->has_record = false;
}

bool
vm_record_is_of_other(const struct vm *vm)
{
	struct ha_vm_record now;
	int rc = ha_vmfiles_load(vm->resource, &now, NULL);

	/* One that can't be read may be anybody's. */
	return rc == 0 ? strcmp(now.qmp_path, vm->record.qmp_path) != 0 :
			 rc != -ENOENT;
}

int
vm_revoke_start(struct vm *vm, struct ha_err *err)
{
	int rc;

	if (!vm->has_record || vm->record.phase != HA_VM_PHASE_STARTING ||
	    !vm->record.qmp_path[0]) {
		return 0;
	}
	agent_log(vm->ctx, AGENT_DEBUG,
		  "taking back a start that was never finished");
	rc = ha_vmfiles_revoke(vm->record.qmp_path, err);
	vm->is_revoked = rc == 0;
	return rc;
}
