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

/* A new membership and its quorum are told one after the other; between them
 * the one before counts, for a beat. */
bool
seal_is_quorate(const struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;

	if (!d->ring.has_membership) {
		return false;
	}
	return d->ring.is_quorum_known ?
		       d->ring.is_quorate :
		       d->l.was_quorate &&
			       world_local_ms(w, host) <
				       d->l.changed_ms + w->timing.beat_ms;
}

static void
note_quorum(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;

	if (!d->ring.has_membership || d->ring.is_quorum_known) {
		d->l.was_quorate = d->ring.has_membership && d->ring.is_quorate;
		d->l.changed_ms = 0;
	} else if (d->l.changed_ms == 0) {
		d->l.changed_ms = world_local_ms(w, host);
	}
}

static void
note_claim(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t seq = (uint32_t)d->ring.ring_seq;
	uint32_t count = 0;
	uint32_t s;

	if (!d->ring.is_quorate || d->l.claim_seq != seq) {
		d->l.claim_seq = 0;
		d->l.claim_ms = 0;
	}
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

/* A host that still names this one has not noticed the cut yet. */
static bool
is_claiming(struct world *w, uint32_t host, uint32_t about)
{
	const struct daemon *d = &w->host[host].d;
	const struct block *b = &d->newest[about];

	return b->incarnation && b->claims.is_quorate &&
	       b->state != BLOCK_STOPPED && !(b->claims.members & 1u << host) &&
	       !keep_is_gone(w, host, about, 0);
}

/* Not read since this side told its claim: it may have one. */
static bool
may_claim(struct world *w, uint32_t host, uint32_t about)
{
	const struct daemon *d = &w->host[host].d;
	uint64_t read_ms[HA_STORES_MAX] = { 0 };
	uint32_t s;

	if (world_is_off(w, RULE_CLAIM_READ)) {
		return false;
	}
	for (s = 0; s < w->stores; s++) {
		read_ms[s] = d->store[s].read_submitted_ms;
	}
	if (!d->l.claim_ms ||
	    !ha_watch_fresh(read_ms, w->stores, d->l.claim_ms)) {
		return true;
	}
	return !keep_is_fresh(w, host, about, d->l.claim_ms) &&
	       !keep_is_gone(w, host, about, 0);
}

void
seal_rival(struct world *w, uint32_t host, struct ha_rival *ret_rival)
{
	struct daemon *d = &w->host[host].d;
	const struct ha_claim own = claim_of(w, d->members);
	uint32_t i;

	*ret_rival = (struct ha_rival){ .slot = HA_SLOT_NONE };
	for (i = 0; i < w->hosts && !world_is_off(w, RULE_CLAIMS); i++) {
		const struct block *b = &d->newest[i];
		struct ha_rival one = { .is_there = true,
					.slot = i,
					.claim = { 0, "" },
					.is_possible = true };

		if (i == host || (d->members & 1u << i)) {
			continue;
		}
		if (is_claiming(w, host, i)) {
			one.incarnation = b->incarnation;
			one.claim = claim_of(w, b->claims.members);
			one.is_sealed = b->claims.is_sealed;
			one.is_read_since =
				(d->l.claim_ms != 0 &&
				 keep_is_fresh(w, host, i, d->l.claim_ms)) ||
				world_is_off(w, RULE_CLAIM_READ);
			one.is_possible = false;
		} else if (!may_claim(w, host, i)) {
			continue;
		}
		if (ha_rival_outweighs(&own, &one, ret_rival)) {
			*ret_rival = one;
		}
	}
}

/* Its side may act as the cluster: lift, tell others to unseal, take a sealed
 * host as fenced. */
bool
seal_may_act(struct world *w, uint32_t host)
{
	const struct ha_seal *seal = &w->host[host].d.l.seal;
	struct ha_rival rival;

	if (world_is_off(w, RULE_CLAIM_MASTER)) {
		return true;
	}
	if (seal->is_sealed && seal->why == HA_SEAL_CLAIM) {
		return false;
	}
	seal_rival(w, host, &rival);
	return ha_rival_is_settled(&rival);
}

static void
seal_changed(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t v;

	STORY(w, host, "%s: %s", d->l.seal.is_sealed ? "sealed" : "unsealed",
	      ha_seal_why_name(d->l.seal.why));
	d->l.settled_seq = 0; /* that was about another seal */
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

/* Have enough members said since then that they are there? Else they are
 * asked. */
bool
seal_is_confirmed(struct world *w, uint32_t host, uint64_t since_ms)
{
	struct daemon *d = &w->host[host].d;
	struct ha_hostset gone = { { 0 } };
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (i != host && observe_is_away(w, host, i)) {
			ha_hostset_add(&gone, i);
		}
	}
	if (ha_ring_stands(&d->ring, &gone, since_ms)) {
		return true;
	}
	if (since_ms > d->l.confirm_ms) {
		d->l.confirm_ms = since_ms;
	}
	return false;
}

/* Its sender is gone; or is with this host, in one membership as both say, that
 * was formed since the order or confirmed since; or is of a lower side. */
static bool
is_order_over(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t sender = d->l.seal_sender;
	const struct block *b = &d->newest[sender];
	struct ha_claim own = claim_of(w, d->members);
	struct ha_claim its = claim_of(w, b->claims.members);

	if (b->incarnation > d->l.seal_incarnation ||
	    keep_is_gone(w, host, sender, 0)) {
		return true;
	}
	if (!seal_is_quorate(w, host)) {
		return false;
	}
	if (d->members & 1u << sender) {
		return b->claims.ring_seq == d->ring.ring_seq &&
		       (d->ring.ring_seq != d->l.seal_seq ||
			seal_is_confirmed(w, host, d->l.seal_ms));
	}
	return !ha_seal_obeys(true, &own, b->claims.is_quorate, &its);
}

static void
seal_gather(struct world *w, uint32_t host, struct ha_seal_facts *ret_facts)
{
	struct daemon *d = &w->host[host].d;
	uint32_t winner = d->l.seal.winner;

	*ret_facts = (struct ha_seal_facts){
		.is_quorate = seal_is_quorate(w, host),
		.ring_seq = d->ring.ring_seq,
		.is_ordered = d->l.is_ordered,
		.is_settled = d->l.settled_seq &&
			      d->l.settled_seq == d->ring.ring_seq,
		.has_master = has_master(w, host),
		.own = claim_of(w, d->members),
		.now_ms = world_local_ms(w, host),
	};
	seal_rival(w, host, &ret_facts->rival);
	if (winner < w->hosts) {
		ret_facts->is_winner_member = (d->members & 1u << winner) != 0;
		ret_facts->is_winner_gone =
			d->newest[winner].incarnation >
				d->l.seal.winner_incarnation ||
			keep_is_gone(w, host, winner, 0);
	}
}

void
seal_look(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	struct ha_seal_facts f;
	enum ha_seal_why before;

	if (d->phase < PHASE_CLAIMING) {
		return;
	}
	note_quorum(w, host);
	note_claim(w, host);
	if (!seal_is_quorate(w, host)) {
		d->l.settled_seq = 0;
	}
	seal_gather(w, host, &f);
	before = d->l.seal.why;
	if (ha_seal_judge(&d->l.seal, &f, &w->timing)) {
		seal_changed(w, host);
	} else if (ha_seal_is_anew(&d->l.seal, before) &&
		   !world_is_off(w, RULE_SEAL_ANEW)) {
		d->l.settled_seq = 0;
		keep_changed(w, host);
	}
	if (d->l.is_ordered && is_order_over(w, host)) {
		d->l.is_ordered = false;
		STORY(w, host, "the order to seal is over");
	}
}

/* The master has settled the list: also of one that was ordered to seal. */
void
seal_settle(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;

	d->l.settled_seq = (uint32_t)d->ring.ring_seq;
	d->l.is_ordered = false;
}

/* Words of a master from before it count no more, and it is a seal of its
 * own. */
static void
obey_seal(struct world *w, uint32_t host, uint32_t sender, uint32_t incarnation)
{
	struct daemon *d = &w->host[host].d;

	d->l.is_ordered = true;
	d->l.seal_sender = (uint8_t)sender;
	d->l.seal_incarnation = incarnation;
	d->l.seal_ms = world_local_ms(w, host);
	d->l.seal_seq = (uint32_t)d->ring.ring_seq;
	d->l.settled_seq = 0;
	STORY(w, host, "ordered to seal by h%u", sender);
	if (d->l.seal.is_sealed && !world_is_off(w, RULE_SEAL_ANEW)) {
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
		obey_seal(w, host, sender, block->incarnation);
	}
	if (unseal->incarnation == d->incarnation && unseal->nonce &&
	    (unseal->nonce == d->list_generation + 1 ||
	     world_is_off(w, RULE_UNSEAL_GENERATION)) &&
	    (d->members & 1u << sender) && block->claims.is_master &&
	    block->claims.ring_seq == d->ring.ring_seq && d->ring.is_quorate &&
	    d->l.seal.is_sealed && d->l.settled_seq != d->ring.ring_seq) {
		seal_settle(w, host);
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
