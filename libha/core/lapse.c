/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SAFETY 23: when nobody is left who could let VMs start one after the other,
 * they start. Must never displace a master that another host sees, nor free
 * what is held for safety or kept off for its user; a VM that a list still
 * binds is left for the next look, unless there is none.
 */
#include "ha/lapse.h"

bool
ha_lapse_runs(const struct ha_lapse_facts *facts)
{
	if (!facts->has_cib) {
		return false;
	}
	if (facts->has_heartbeat) {
		return facts->is_quorate && !facts->has_master;
	}
	return !facts->is_other_able;
}

bool
ha_lapse_wants(const struct ha_lapse_vm *vm, bool is_last)
{
	if (vm->is_granted || vm->is_kept_off) {
		return false;
	}
	/* No ticket at all: Pacemaker forgot them when its last node stopped,
	 * and there was no master since. */
	return (!vm->has_ticket || vm->is_waiting || vm->is_powered_off) &&
	       (is_last || !vm->is_bound);
}
