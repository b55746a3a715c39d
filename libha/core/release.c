/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `released` through the ring (SAFETY 26): who may say it, who writes it down,
 * and which entries it voids. In doubt nothing is said and nothing is void:
 * then the stop of the VM fails, and its host is fenced, as without all this.
 * Must never void an entry of a later generation, or of another incarnation.
 */
#include "ha/release.h"

bool
ha_release_may_tell(const struct ha_release_facts *facts)
{
	return facts->is_armed && facts->is_leased && !facts->is_listed &&
	       !facts->is_flushed;
}

enum ha_release_step
ha_release_judge(const struct ha_release_claim *claim)
{
	if (!claim->is_master) {
		return HA_RELEASE_IGNORE;
	}
	/* SAFETY 1.4: it is dead, and its word is about nothing. */
	if (claim->newest > claim->incarnation) {
		return HA_RELEASE_REFUSE;
	}
	if (claim->is_standing) {
		return HA_RELEASE_ANSWER;
	}
	return claim->is_written ? HA_RELEASE_WAIT : HA_RELEASE_WRITE;
}

bool
ha_release_voids(const struct ha_ticket_hold *record, uint32_t owner,
		 uint64_t incarnation, uint64_t generation)
{
	return record->kind == HA_HOLD_RELEASED && record->owner == owner &&
	       record->owner_incarnation == incarnation &&
	       record->owner_generation >= generation;
}

bool
ha_release_is_spent(const struct ha_ticket_hold *record,
		    const struct ha_release_owner *owner)
{
	return owner->newest > record->owner_incarnation || owner->is_gone ||
	       owner->is_superseded;
}
