/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is this host sealed (SAFETY section 2)? A sealed host takes no VM onto its
 * list, so that others may trust the list as it stands. It begins sealed,
 * seals at once when its membership is not quorate, when it is ordered to, or
 * when it loses a claim; it unseals only inside a quorate membership whose
 * master has settled its list. Pure; one struct ha_seal is one host's state.
 */
#ifndef HA_SEAL_H
#define HA_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/hostset.h"
#include "ha/timing.h"

/* So many beats in a quorate membership without a master, and a host unseals
 * without one: a cluster without fault domain manager waits for nobody. */
#define HA_SEAL_MASTERLESS_BEATS 10u

enum ha_seal_why {
	HA_SEAL_OPEN,     /* not sealed */
	HA_SEAL_STARTING, /* since the daemon's begin */
	HA_SEAL_NO_QUORUM,
	HA_SEAL_ORDERED,
	HA_SEAL_CLAIM,     /* another side claims the cluster and is higher */
	HA_SEAL_UNSETTLED, /* quorate again; the master must settle the list */
	HA_SEAL_N
};
const char *ha_seal_why_name(enum ha_seal_why why);
const char *ha_seal_why_text(enum ha_seal_why why);

/* One side of a cluster cut in two, as it claims to be the cluster. */
struct ha_claim {
	uint32_t votes;   /* of its members */
	const char *name; /* the greatest host name of it, as text */
};
/* > 0: a is higher; 0: neither. Votes first, then name as text (SAFETY 11). */
int ha_claim_compare(const struct ha_claim *a, const struct ha_claim *b);

/* A host outside this membership whose newest beat says that it is quorate:
 * it claims the cluster for its side. Of several the one that
 * ha_rival_outweighs() the others. A beat that names this host among its
 * members claims nothing: it is older than the parting, perhaps the last one of
 * a host that has died. */
struct ha_rival {
	bool is_there;
	uint32_t slot;
	uint64_t incarnation;
	struct ha_claim claim;
	bool is_read_since; /* that beat was read on r datastores by reads
			     * submitted after the own claim was flushed on w */
	bool is_sealed;     /* and it says: sealed */
	bool is_possible;   /* nothing is known but that it was not read since
			     * then, and is not proven gone: its claim is of
			     * nobody */
};

/* None, or one that was read as sealed since the own claim. Only then this host
 * may unseal, or act for its side: lift, tell others to unseal, take a sealed
 * host as fenced (SAFETY 11). */
bool ha_rival_is_settled(const struct ha_rival *rival);

/* Of two rivals, hosts of one side or of several: a higher one first, then one
 * that was not read as sealed after the own claim: no side has sealed before all
 * of its hosts have, nor have the others before all sides have. Of equals the
 * higher claim; false: neither. */
bool ha_rival_outweighs(const struct ha_claim *own, const struct ha_rival *a,
			const struct ha_rival *b);

struct ha_seal_facts {
	bool is_quorate; /* in a membership that is known to be quorate */
	uint64_t ring_seq;
	bool is_ordered;       /* a SEAL order to this incarnation came */
	bool is_settled;       /* the master of this membership said UNSEAL, for
				* this incarnation and this membership, and
				* since the host was sealed or ordered to seal
				* last */
	bool has_master;       /* a member's fresh beat says MASTER */
	struct ha_claim own;   /* this side */
	struct ha_rival rival; /* hosts proven gone are none */
	/* about ha_seal.winner: */
	bool is_winner_member; /* in this membership */
	bool is_winner_gone;   /* its incarnation is proven gone */
	uint64_t now_ms;
};

struct ha_seal {
	bool is_sealed;
	enum ha_seal_why why;
	uint64_t since_ms;   /* of `why` */
	uint64_t ring_seq;   /* quorate membership that `quorate_ms` is about */
	uint64_t quorate_ms; /* since when it is quorate, has no master and no
			      * order to seal came; 0: it is not quorate */
	/* who won the claim: the lower side unseals only in a membership with
	 * it, or when it is proven gone; HA_SLOT_NONE: nobody */
	uint32_t winner;
	uint64_t winner_incarnation;
};

void ha_seal_init(struct ha_seal *seal, uint64_t now_ms);

/* Whenever facts changed, and once a beat. True when the host has just been
 * sealed or unsealed: the caller then gives its list a new generation, so that
 * a seal is never confused with an earlier one.
 * - not quorate: sealed, at once, and like each reason until settled again;
 * - ordered: sealed; an order of the lower of two quorate sides is not passed
 *   in here (ha_seal_obeys());
 * - a rival that is higher: sealed, and remembers it as winner;
 * - quorate, no rival or one that is not higher and was read as sealed after
 *   the own claim, winner a member or gone, and settled, or
 *   HA_SEAL_MASTERLESS_BEATS in one membership without any master since the
 *   last order: unsealed. */
bool ha_seal_judge(struct ha_seal *seal, const struct ha_seal_facts *facts,
		   const struct ha_timing *timing);

/* Cut off (again), or of the lower side: a seal of its own, also on a host that
 * is sealed already. Holds of the seal before may have been lifted, and its list
 * settled: the caller gives the list a new generation, so that neither counts
 * for this one. An order that is obeyed is such a seal, too. */
bool ha_seal_is_anew(const struct ha_seal *seal, enum ha_seal_why before);

/* Does this host obey a SEAL order of a host outside its membership? Always,
 * unless both sides are quorate and this one is higher. */
bool ha_seal_obeys(bool is_quorate, const struct ha_claim *own,
		   bool is_sender_quorate, const struct ha_claim *sender);

/* Two hosts that ordered each other to reset: one of them must live. Does
 * `self` (and so does not obey)? The greater name, as text, as with claims. */
bool ha_order_wins(const char *self, const char *other);

#endif
