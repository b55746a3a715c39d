/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VM list on the heartbeat datastores is the lock (SAFETY 12, 13): asked
 * before anything is started, told after it is proven stopped. Only "not
 * configured" lets the agent go on without it.
 */
#include "VirtualMachine/vm.h"

int
vm_announce(struct vm *vm, enum ha_vmlist_state state, struct ha_err *err)
{
	int rc = ha_vmlist_announce(vm->uuid, vm->resource, state,
				    vm->ctx->deadline_ms, err);

	return rc == HA_VMLIST_NOT_CONFIGURED ? 0 : rc;
}

int
vm_announce_outgoing(struct vm *vm, const char *target, struct ha_err *err)
{
	int rc = ha_vmlist_announce_outgoing(vm->uuid, vm->resource, target,
					     vm->ctx->deadline_ms, err);

	return rc == HA_VMLIST_NOT_CONFIGURED ? 0 : rc;
}

int
vm_withdraw(struct vm *vm, struct ha_err *err)
{
	int rc = ha_vmlist_withdraw(vm->uuid, vm->resource,
				    vm->ctx->deadline_ms, err);

	return rc == HA_VMLIST_NOT_CONFIGURED ? 0 : rc;
}
