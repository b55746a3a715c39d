/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A VM that ended on a host which can't write its VM list (SAFETY 26): the host
 * says so through the ring, the master writes it down for it, a record RELEASED
 * in its own hold list. Such a record says one thing, and says it for ever: on
 * the list of `owner`, of that incarnation, no entry of this VM up to that
 * generation is in force, for its process was proven gone when the list had
 * that generation. It never speaks of a later generation: whatever comes onto
 * the list again gets one. So it may be read late, twice, or after its
 * writer's death, and neither term nor membership change what it says. Pure.
 */
#ifndef HA_RELEASE_H
#define HA_RELEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/ticket.h"

/* ---- the host that lost its storage -------------------------------------- */

struct ha_release_facts {
	/* its beats say "armed", no planned work: a daemon that is killed now
	 * ends in the host's reset, so that no later one of this incarnation
	 * goes on from an older list, with generations that were told */
	bool is_armed;
	/* its storage is lost, and a quorum vouches for it (SAFETY 1.6) */
	bool is_leased;
	/* an entry of this VM, by UUID or by resource, is in force on the own
	 * list as it is now */
	bool is_listed;
	/* its delisting stands on w: nobody need be told */
	bool is_flushed;
};
bool ha_release_may_tell(const struct ha_release_facts *facts);

/* ---- the master ----------------------------------------------------------- */

struct ha_release_claim {
	bool is_master;       /* this host is, and its term stands on w */
	uint64_t incarnation; /* of the sender, as it says */
	uint64_t newest;  /* of the sender, as the datastores say; 0: none */
	bool is_written;  /* an own record says as much */
	bool is_standing; /* such a record, anybody's, stands on w */
};
enum ha_release_step {
	HA_RELEASE_IGNORE, /* not this host's to answer */
	HA_RELEASE_REFUSE, /* of an incarnation that has a successor */
	HA_RELEASE_WRITE,
	HA_RELEASE_WAIT, /* written, not flushed: it is asked again */
	HA_RELEASE_ANSWER,
};
enum ha_release_step ha_release_judge(const struct ha_release_claim *claim);

/* ---- everybody ------------------------------------------------------------ */

/* Is an entry of the record's VM on this list void? */
bool ha_release_voids(const struct ha_ticket_hold *record, uint32_t owner,
		      uint64_t incarnation, uint64_t generation);

/* What is known of its owner. */
struct ha_release_owner {
	uint64_t newest; /* its newest incarnation; 0: none */
	bool is_gone;    /* the record's incarnation is proven gone, and not by
			  * a word alone */
	/* a list of that incarnation, of the record's generation or a later
	 * one, stands on w */
	bool is_superseded;
};
/* Nobody needs the record any more: dropping one too early only binds. */
bool ha_release_is_spent(const struct ha_ticket_hold *record,
			 const struct ha_release_owner *owner);

#endif
