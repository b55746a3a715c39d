/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What admission, targets and scores all ask of an inventory. The checker of
 * the plan (plan_verify.c) asks in its own words: it must share no fault.
 */
#include "ha/inventory.h"

bool
ha_inv_vm_is_allowed(const struct ha_inv_vm *vm, uint32_t host)
{
	for (uint32_t i = 0; vm->has_allowed && i < vm->n_allowed; i++) {
		if (vm->allowed[i] == host) {
			return true;
		}
	}
	return !vm->has_allowed;
}
