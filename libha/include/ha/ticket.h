/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tickets are a projection of what is on disk (SAFETY section 5). What the
 * master makes of lists and holds for one VM: may it be started (granted), or
 * does it belong to a host that is out of reach (held), and which hosts may be
 * told that their list is settled. Pure.
 */
#ifndef HA_TICKET_H
#define HA_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/area.h"

/* One host, as it bears on one VM. */
struct ha_ticket_host {
	uint32_t slot;
	uint64_t incarnation;
	uint64_t generation; /* of its list, as its newest beat names it */
	bool is_member;      /* of the master's membership */
	bool is_gone;        /* storage and ring prove its incarnation gone, it
			      * is out of the way, or confirmed dead */
	bool is_sealed;
	bool is_readable; /* the list of that incarnation and generation is here */
	bool is_listed; /* the VM, in `state` */
	enum ha_listed_state state;
};

/* One hold on this VM, of any host's hold list. */
struct ha_ticket_hold {
	enum ha_hold_kind kind;
	uint32_t owner; /* slot */
	uint64_t owner_incarnation;
	uint64_t owner_generation;
	uint64_t term;
};

enum ha_ticket_why {
	HA_TICKET_FREE,       /* nothing binds it */
	HA_TICKET_RUNS,       /* on a member */
	HA_TICKET_RELEASED,   /* its owner has proven that it ended there */
	HA_TICKET_OWNER_GONE, /* its owner is proven dead */
	HA_TICKET_RETURNED,   /* its owner is a member again */
	HA_TICKET_OWNED,      /* listed on a host that is out of reach, and not
			       * held yet */
	HA_TICKET_HELD,       /* held, and its owner has not said released */
	HA_TICKET_UNREAD,     /* held, and the owner's list can't be read */
	HA_TICKET_N
};
const char *ha_ticket_why_name(enum ha_ticket_why why);
const char *ha_ticket_why_text(enum ha_ticket_why why);

struct ha_ticket_verdict {
	bool is_granted;
	enum ha_ticket_why why;
	size_t host; /* whose entry or hold it is (index), count: nobody's */
	bool wants_hold; /* OWNED, and no effective hold names it yet */
	bool wants_lift; /* an effective OWNER hold binds no more; of several
			  * the first: ask again after each lift */
	size_t lift;     /* which hold (index) */
};

/* Is this hold still in force, against every LIFTED one of the list? A lift
 * ends the holds of the same owner and incarnation up to its generation. */
bool ha_hold_is_lifted(const struct ha_ticket_hold *hold,
		       const struct ha_ticket_hold *holds, size_t count);

/* What binds a VM: an entry, not released, of a host that is no member and not
 * gone; or an effective hold whose owner is neither gone nor a member and whose
 * sealed list, at its own generation, does not say that it ended there (absence
 * from a list that is not sealed proves nothing); or an effective POLICY hold.
 * A VM that runs on a member is granted whatever else there is (SAFETY 21);
 * "starting" and "incoming" there are wishes, not VMs that run. `hosts` has
 * each slot at most once; the owner of a hold that is missing there binds. */
struct ha_ticket_verdict ha_ticket_judge(const struct ha_ticket_host *hosts,
					 size_t host_count,
					 const struct ha_ticket_hold *holds,
					 size_t hold_count);

/* ---- the turn of what a lost host ran ------------------------------------ */

/* Is the VM's turn judged although its host is not proven dead? A fence device
 * that knows no order (IPMI) may switch that host off at any moment, and then
 * Pacemaker starts at once all that is granted: who has to wait must have lost
 * its ticket by then. Only what binds nobody on a member: an entry of a host
 * out of reach that is neither proven dead nor held. It allows to revoke, never
 * to grant. `has_order`: somebody may have to wait for somebody; else a death
 * costs no ticket. */
bool ha_ticket_is_foreseen(const struct ha_ticket_verdict *verdict,
			   bool is_quorate, bool has_order);

/* ---- may a sealed member be told to unseal? ------------------------------ */

struct ha_settle_facts {
	bool is_member, is_sealed, is_readable;
	bool are_holds_read;    /* all hosts' hold lists are here */
	uint32_t unsettled_vms; /* of its list, not released: ticket not granted
				 * in the CIB at the master's term */
	uint32_t effective_holds; /* that name it as owner */
};
bool ha_settle_judge(const struct ha_settle_facts *facts);

/* ---- start gate (SAFETY 19): the ticket's term against the newest known --- */

/* A ticket that the local CIB shows without a term is not vmha's: passes. */
bool ha_ticket_term_is_current(uint64_t ticket_term, uint64_t newest_term);

#endif
