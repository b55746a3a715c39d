/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VM list on the heartbeat datastores is the lock (SAFETY 12, 13): asked
 * before anything is started, told after it is proven stopped. Only "not
 * configured" lets the agent go on without it.
 */
#include <string.h>

#include "VirtualMachine/vm.h"
#include "ha/text.h"

int
vm_announce_by(struct vm *vm, enum ha_vmlist_state state, uint64_t deadline_ms,
	       struct ha_err *err)
{
	int rc = ha_vmlist_announce(vm->uuid, vm->resource, state, deadline_ms,
				    err);

	return rc == HA_VMLIST_NOT_CONFIGURED ? 0 : rc;
}

int
vm_announce(struct vm *vm, enum ha_vmlist_state state, struct ha_err *err)
{
	return vm_announce_by(vm, state, vm->ctx->deadline_ms, err);
}

int
vm_list_running(struct vm *vm, uint64_t deadline_ms, struct ha_err *err)
{
	char token[HA_VMLIST_TOKEN];
	int rc;

	/* Before the question: a daemon that begins anew in between is asked
	 * once more. */
	ha_vmlist_token(token);
	rc = vm_announce_by(vm, HA_VMLIST_RUNNING, deadline_ms, err);
	if (ha_text_copy(vm->record.listed, sizeof(vm->record.listed),
			 rc == 0 ? token : "") < 0) {
		vm->record.listed[0] = '\0';
	}
	return rc;
}

bool
vm_is_listed(const struct vm *vm)
{
	char token[HA_VMLIST_TOKEN];

	ha_vmlist_token(token);
	return token[0] && vm->has_record &&
	       strcmp(token, vm->record.listed) == 0;
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
