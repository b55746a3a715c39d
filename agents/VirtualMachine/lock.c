/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VM list on the heartbeat datastores is the lock (SAFETY 12, 13): asked
 * before anything is started, told after it is proven stopped. Only "not
 * configured" lets the agent go on without it.
 */
#include <errno.h>
#include <string.h>

#include "VirtualMachine/timeouts.h"
#include "VirtualMachine/vm.h"
#include "ha/clock.h"
#include "ha/text.h"

/* SAFETY 19, where the manager of this host does not run (its host has just left
 * maintenance): nobody tells the daemon that the new master has confirmed the
 * ticket, and Pacemaker starts the manager only after this action. */
static int
announce_by_cib(struct vm *vm, enum ha_vmlist_state state, uint64_t deadline_ms,
		struct ha_err *err)
{
	struct ha_err why = HA_ERR_INIT;
	uint64_t term = 0;
	int rc = -ESTALE;

	while (rc == -ESTALE && ha_clock_left_ms(deadline_ms) > 0) {
		if (vm_ticket_term(vm, ha_clock_step_ms(deadline_ms, VM_CIB_MS),
				   &term, &why) < 0) {
			agent_log(vm->ctx, AGENT_WARNING, "%s", why.text);
			term = 0;
		}
		rc = ha_vmlist_announce_ticket(vm->uuid, vm->resource, state,
					       term, deadline_ms, err);
		if (rc == -ESTALE) {
			ha_clock_sleep_ms(VM_TICKET_MS, deadline_ms);
		}
	}
	return rc;
}

int
vm_announce_by(struct vm *vm, enum ha_vmlist_state state, uint64_t deadline_ms,
	       struct ha_err *err)
{
	int rc = ha_vmlist_announce(vm->uuid, vm->resource, state, deadline_ms,
				    err);

	if (rc == -ESTALE) {
		rc = announce_by_cib(vm, state, deadline_ms, err);
	}
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
