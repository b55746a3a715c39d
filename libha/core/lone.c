/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * May a host that is alone in a quorate membership live on without storage
 * (SAFETY 1.7)? Only when nobody is left who could take it for dead, and
 * wait_for_all keeps whoever comes back from deciding alone. In doubt no:
 * the host then resets itself.
 */
#include "ha/evidence.h"

bool
ha_lone_allowed(bool is_quorate, bool is_alone, bool wait_for_all,
		const struct ha_hostset *configured,
		const struct ha_hostset *out_of_the_way, uint32_t self)
{
	if (!is_quorate || !is_alone || !wait_for_all ||
	    !ha_hostset_has(configured, self)) {
		return false;
	}
	for (uint32_t slot = 0; slot < HA_HOSTS_MAX; slot++) {
		if (slot != self && ha_hostset_has(configured, slot) &&
		    !ha_hostset_has(out_of_the_way, slot)) {
			return false;
		}
	}
	return true;
}
