/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seal of one host (SAFETY section 2) around ha_seal_judge(): what it is
 * told of its membership, of rival claims and of the master, and the orders
 * to seal and to unseal that stand in other hosts' beats. A new seal, and its
 * end, give the list a new generation.
 */
#include "sim.h"

static const char *const names[SIM_HOSTS] = { "h0", "h1", "h2", "h3", "h4" };

static struct ha_claim
claim_of(const struct world *w, uint8_t members)
{
	struct ha_claim claim = { 0, "" };
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (members & 1u << i) {
			claim.votes += w->votes[i];
			claim.name = names[i];
		}
	}
	return claim;
}

/* Its newest beat was first read not longer ago than that. */
static bool
is_recent(const struct world *w, uint32_t host, uint32_t about)
{
	const struct ha_sighting *newest =
		ha_watch_newest(&w->host[host].d.watch[about], NULL);

	return newest && world_local_ms(w, host) <=
				 newest->first_ms + 2 * w->timing.beat_ms +
					 w->timing.tolerance_ms;
}

/* A member, or this host, is master at the newest term that is known. */
bool
master_is_there(const struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t i;

	if (d->l.master.is_on && d->l.master.term == d->l.term) {
		return true;
	}
	for (i = 0; i < w->hosts; i++) {
		if (i != host && (d->members & 1u << i) &&
		    d->newest[i].claims.is_master &&
		    d->newest[i].claims.term == d->l.term &&
		    is_recent(w, host, i)) {
			return true;
		}
	}
	return false;
}

static bool
has_master(const struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (i != host && (d->members & 1u << i) &&
		    d->newest[i].claims.is_master && is_recent(w, host, i)) {
			return true;
		}
	}
	return d->l.master.is_on;
}

static void
note_claim(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t seq = (uint32_t)d->ring.ring_seq;
	uint32_t count = 0;
	uint32_t s;

	if (!d->ring.is_quorate || d->l.claim_seq == seq) {
		return;
	}
	for (s = 0; s < w->stores; s++) {
		count += d->store[s].has_written &&
			 d->store[s].written.is_quorate &&
			 d->store[s].written.ring_seq == seq;
	}
	if (count >= w->w) {
		d->l.claim_seq = seq;
		d->l.claim_ms = world_local_ms(w, host) + 1;
	}
}

static void
look_for_rival(struct world *w, uint32_t host, struct ha_rival *ret_rival)
{
	struct daemon *d = &w->host[host].d;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct block *b = &d->newest[i];
		struct ha_claim claim = claim_of(w, b->claims.members);

		bool is_read = d->l.claim_seq == d->ring.ring_seq &&
			       keep_is_fresh(w, host, i, d->l.claim_ms);

		if (i == host || (d->members & 1u << i) ||
		    keep_is_gone(w, host, i, 0)) {
			continue;
		}
		/* Not read since this side told its claim: it may have one. */
		if (!is_read && !ret_rival->is_there &&
		    !world_is_off(w, RULE_CLAIM_READ)) {
			*ret_rival = (struct ha_rival){ .is_there = true,
							.slot = i,
							.claim = { 0, "" } };
		}
		if (!b->incarnation || !b->claims.is_quorate ||
		    (b->claims.members & 1u << host)) {
			continue;
		}
		if (ret_rival->is_there &&
		    ha_claim_compare(&claim, &ret_rival->claim) <= 0) {
			continue;
		}
		*ret_rival = (struct ha_rival){
			.is_there = true,
			.slot = i,
			.incarnation = b->incarnation,
			.claim = claim,
			.is_sealed = b->claims.is_sealed,
			.is_read_since = is_read,
		};
	}
}

static void
seal_changed(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t v;

	STORY(w, host, "%s: %s", d->l.seal.is_sealed ? "sealed" : "unsealed",
	      ha_seal_why_name(d->l.seal.why));
	if (d->l.seal.is_sealed) {
		d->l.settled_seq = 0;
	}
	for (v = 0; v < LOCK_VMS && !d->l.seal.is_sealed; v++) {
		if (d->l.list[v] == ENTRY(HA_LISTED_RELEASED)) {
			d->l.list[v] = ENTRY_NONE;
		}
	}
	keep_changed(w, host);
	if (!d->l.seal.is_sealed) {
		check_unsealed(w, host);
	}
}

/* Cut off again before it has unsealed: a lift of the holds of the time before
 * names its generation, and must not end those to come. */
static bool
is_sealed_anew(enum ha_seal_why why, enum ha_seal_why before, bool is_ordered)
{
	return is_ordered || (why != before && (why == HA_SEAL_NO_QUORUM ||
						why == HA_SEAL_CLAIM));
}

void
seal_look(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	struct ha_seal_facts f = {
		.is_quorate = d->ring.has_membership && d->ring.is_quorate &&
			      d->ring.is_quorum_known,
		.ring_seq = d->ring.ring_seq,
		.is_ordered = d->l.is_ordered,
		.own = claim_of(w, d->members),
		.now_ms = world_local_ms(w, host),
	};
	uint32_t winner = d->l.seal.winner;
	enum ha_seal_why before;

	if (d->phase < PHASE_CLAIMING) {
		return;
	}
	note_claim(w, host);
	f.is_settled = f.is_quorate && d->l.settled_seq == d->ring.ring_seq &&
		       d->l.settled_seq;
	f.has_master = has_master(w, host);
	if (f.is_quorate && !world_is_off(w, RULE_CLAIMS)) {
		look_for_rival(w, host, &f.rival);
	}
	if (winner < w->hosts) {
		f.is_winner_member = (d->members & 1u << winner) != 0;
		f.is_winner_gone = d->newest[winner].incarnation >
					   d->l.seal.winner_incarnation ||
				   keep_is_gone(w, host, winner, 0);
	}
	before = d->l.seal.why;
	d->l.is_ordered = false;
	if (ha_seal_judge(&d->l.seal, &f, &w->timing)) {
		seal_changed(w, host);
	} else if (d->l.seal.is_sealed && d->phase == PHASE_ARMED &&
		   is_sealed_anew(d->l.seal.why, before, f.is_ordered) &&
		   !world_is_off(w, RULE_SEAL_ANEW)) {
		keep_changed(w, host);
	}
}

/* An old membership that still names the sender claims nothing against it. */
static bool
obeys(const struct world *w, uint32_t host, uint32_t sender,
      const struct block *block)
{
	const struct daemon *d = &w->host[host].d;
	struct ha_claim own = claim_of(w, d->members);
	struct ha_claim its = claim_of(w, block->claims.members);

	return ha_seal_obeys(d->ring.is_quorate &&
				     !(d->members & 1u << sender) &&
				     !world_is_off(w, RULE_CLAIMS),
			     &own, block->claims.is_quorate, &its);
}

static void
take_order(struct world *w, uint32_t host, uint32_t sender,
	   const struct block *block)
{
	struct daemon *d = &w->host[host].d;
	const struct seal_order *seal = &block->claims.seals[host];
	const struct seal_order *unseal = &block->claims.unseals[host];

	if (seal->incarnation == d->incarnation && seal->nonce &&
	    seal->nonce > d->l.seen_seal[sender] &&
	    obeys(w, host, sender, block)) {
		d->l.seen_seal[sender] = seal->nonce;
		d->l.is_ordered = true;
		d->l.settled_seq = 0;
		STORY(w, host, "ordered to seal by h%u", sender);
	}
	if (unseal->incarnation == d->incarnation && unseal->nonce &&
	    (unseal->nonce == d->list_generation + 1 ||
	     world_is_off(w, RULE_UNSEAL_GENERATION)) &&
	    (d->members & 1u << sender) && block->claims.is_master &&
	    block->claims.ring_seq == d->ring.ring_seq && d->l.seal.is_sealed &&
	    !d->l.is_ordered && d->l.settled_seq != d->ring.ring_seq) {
		d->l.settled_seq = (uint32_t)d->ring.ring_seq;
		STORY(w, host, "told to unseal by h%u", sender);
	}
}

void
seal_orders(struct world *w, uint32_t host, const struct block *blocks)
{
	struct daemon *d = &w->host[host].d;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct block *b = &blocks[i];

		/* A datastore that lags tells old orders. */
		if (i != host && !b->is_damaged && d->incarnation &&
		    b->incarnation == d->newest[i].incarnation &&
		    b->sequence == d->newest[i].sequence) {
			take_order(w, host, i, b);
		}
	}
}
