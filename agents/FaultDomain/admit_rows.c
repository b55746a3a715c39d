/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tickets and the protected list say about admission. Decides nothing
 * itself: ha/gate.h does.
 */
#include <string.h>

#include "FaultDomain/admit.h"
#include "ha/gate.h"

bool
fdm_admit_needs(const struct fdm_protect *protect, const struct fdm_vm *vm)
{
	const struct fdm_ticket *ticket = &vm->ticket;
	struct ha_gate_vm one = {
		.has_ticket = ticket->is_there,
		.is_granted = ticket->is_granted,
		.is_unwritten = !ticket->state[0],
		.is_off = strcmp(ticket->state, FDM_STATE_OFF) == 0,
		.is_refused = strcmp(ticket->reason, HA_GATE_REASON) == 0,
		.is_list_read = fdm_protect_is_known(protect),
		.is_on_list = fdm_protect_on_disk(protect, vm) == HA_PROTECT_ON,
	};

	return ha_gate_needs(&one);
}
