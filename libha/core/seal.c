/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is this host sealed (SAFETY section 2)? Called by the heartbeat daemon with
 * each change of the membership, each order and each beat. Sealing needs one
 * reason and no time; unsealing needs quorum, nobody with a better claim, and
 * the master's word or a cluster without master. Must never leave a host open
 * without quorum, nor beside a higher side that claims the cluster. In doubt
 * sealed: then no VM starts here, and none runs twice.
 */
#include "ha/seal.h"

#include <string.h>

static const struct {
	const char *name;
	const char *text;
} WHYS[HA_SEAL_N] = {
	[HA_SEAL_OPEN] = { "open", "it may take VMs onto its list" },
	[HA_SEAL_STARTING] = { "starting",
			       "its heartbeat daemon has just started, and has "
			       "seen no quorate membership yet" },
	[HA_SEAL_NO_QUORUM] = { "no-quorum",
				"it is in no quorate membership: no VM starts "
				"here until it is" },
	[HA_SEAL_ORDERED] = { "ordered",
			      "another host ordered it to seal, to take over "
			      "what it does not run" },
	[HA_SEAL_CLAIM] = { "claim",
			    "another side of the cluster claims to be quorate "
			    "as well: look at quorum and votes in "
			    "corosync.conf, and at the network between them" },
	[HA_SEAL_UNSETTLED] = { "unsettled",
				"it is in a quorate membership again; the "
				"master must settle its VM list first" },
};

const char *
ha_seal_why_name(enum ha_seal_why why)
{
	return (unsigned int)why < HA_SEAL_N ? WHYS[why].name : "invalid";
}

const char *
ha_seal_why_text(enum ha_seal_why why)
{
	return (unsigned int)why < HA_SEAL_N ? WHYS[why].text :
					       "invalid reason";
}

int
ha_claim_compare(const struct ha_claim *a, const struct ha_claim *b)
{
	if (a->votes != b->votes) {
		return a->votes > b->votes ? 1 : -1;
	}
	return strcmp(a->name ? a->name : "", b->name ? b->name : "");
}

bool
ha_rival_is_settled(const struct ha_rival *rival)
{
	return !rival->is_there || (rival->is_read_since && rival->is_sealed);
}

static int
weight(const struct ha_claim *own, const struct ha_rival *rival)
{
	if (!rival->is_there) {
		return 0;
	}
	if (!rival->is_possible && ha_claim_compare(&rival->claim, own) > 0) {
		return 3;
	}
	return ha_rival_is_settled(rival) ? 1 : 2;
}

bool
ha_rival_outweighs(const struct ha_claim *own, const struct ha_rival *a,
		   const struct ha_rival *b)
{
	int more = weight(own, a) - weight(own, b);

	return more > 0 || (more == 0 && a->is_there &&
			    ha_claim_compare(&a->claim, &b->claim) > 0);
}

bool
ha_seal_is_anew(const struct ha_seal *seal, enum ha_seal_why before)
{
	return seal->why != before &&
	       (seal->why == HA_SEAL_NO_QUORUM || seal->why == HA_SEAL_CLAIM);
}

bool
ha_seal_obeys(bool is_quorate, const struct ha_claim *own,
	      bool is_sender_quorate, const struct ha_claim *sender)
{
	return !(is_quorate && is_sender_quorate &&
		 ha_claim_compare(own, sender) > 0);
}

bool
ha_order_wins(const char *self, const char *other)
{
	return strcmp(self, other) > 0;
}

void
ha_seal_init(struct ha_seal *seal, uint64_t now_ms)
{
	*seal = (struct ha_seal){
		.is_sealed = true,
		.why = HA_SEAL_STARTING,
		.since_ms = now_ms,
		.winner = HA_SLOT_NONE,
	};
}

/* How long this has been one quorate membership in which nobody could say
 * UNSEAL. An order begins it anew: who gave it needs time to use the seal. */
static void
keep_time(struct ha_seal *seal, const struct ha_seal_facts *facts)
{
	if (!facts->is_quorate) {
		seal->ring_seq = 0;
		seal->quorate_ms = 0;
		return;
	}
	if (seal->quorate_ms == 0 || seal->ring_seq != facts->ring_seq ||
	    facts->has_master || facts->is_ordered) {
		seal->ring_seq = facts->ring_seq;
		/* 0 says: not quorate. */
		seal->quorate_ms = facts->now_ms ? facts->now_ms : 1;
	}
}

/* SAFETY 11: who has lost a claim stays sealed until the winner is beside it,
 * or dead; that the winner's claim is no longer seen frees nobody. */
static void
keep_winner(struct ha_seal *seal, const struct ha_seal_facts *facts,
	    bool has_lost)
{
	if (facts->is_winner_member || facts->is_winner_gone) {
		seal->winner = HA_SLOT_NONE;
		seal->winner_incarnation = 0;
	}
	if (has_lost) {
		seal->winner = facts->rival.slot;
		seal->winner_incarnation = facts->rival.incarnation;
	}
}

/* The master's word, or long enough without any master. */
static bool
is_settled(const struct ha_seal *seal, const struct ha_seal_facts *facts,
	   const struct ha_timing *timing)
{
	uint64_t masterless_ms =
		(uint64_t)HA_SEAL_MASTERLESS_BEATS * timing->beat_ms;

	if (facts->is_settled) {
		return true;
	}
	return !facts->has_master && seal->quorate_ms != 0 &&
	       facts->now_ms >= seal->quorate_ms &&
	       facts->now_ms - seal->quorate_ms >= masterless_ms;
}

/* What a host is in that has no reason to seal: open stays open, sealed stays
 * sealed until everything is in order. */
static enum ha_seal_why
judge_calm(const struct ha_seal *seal, const struct ha_seal_facts *facts,
	   const struct ha_timing *timing)
{
	const struct ha_rival *rival = &facts->rival;

	if (!seal->is_sealed) {
		return HA_SEAL_OPEN;
	}
	/* The higher of two sealed sides: only over one whose seal it has
	 * read after it told its own claim. */
	if (!ha_rival_is_settled(rival) && !rival->is_possible) {
		return HA_SEAL_CLAIM;
	}
	if (ha_rival_is_settled(rival) && is_settled(seal, facts, timing)) {
		return HA_SEAL_OPEN;
	}
	return seal->why == HA_SEAL_ORDERED ? HA_SEAL_ORDERED :
					      HA_SEAL_UNSETTLED;
}

static enum ha_seal_why
judge_why(const struct ha_seal *seal, const struct ha_seal_facts *facts,
	  bool has_lost, const struct ha_timing *timing)
{
	if (!facts->is_quorate) {
		return seal->why == HA_SEAL_STARTING ? HA_SEAL_STARTING :
						       HA_SEAL_NO_QUORUM;
	}
	if (has_lost || seal->winner != HA_SLOT_NONE) {
		return HA_SEAL_CLAIM;
	}
	if (facts->is_ordered) {
		return HA_SEAL_ORDERED;
	}
	return judge_calm(seal, facts, timing);
}

bool
ha_seal_judge(struct ha_seal *seal, const struct ha_seal_facts *facts,
	      const struct ha_timing *timing)
{
	bool has_lost = facts->is_quorate && facts->rival.is_there &&
			!facts->rival.is_possible &&
			ha_claim_compare(&facts->own, &facts->rival.claim) < 0;
	bool was_sealed = seal->is_sealed;
	enum ha_seal_why why;

	keep_time(seal, facts);
	keep_winner(seal, facts, has_lost);
	why = judge_why(seal, facts, has_lost, timing);
	if (why != seal->why) {
		seal->why = why;
		seal->since_ms = facts->now_ms;
	}
	seal->is_sealed = why != HA_SEAL_OPEN;
	return seal->is_sealed != was_sealed;
}
