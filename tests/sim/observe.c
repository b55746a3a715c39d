/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each host concludes about the others: the daemon's verdicts and
 * fence_vmha's whole run, by ha_watch_judge(), ha_ring_silence(),
 * ha_fencing_is_gone() and ha_fencing_judge(). Every conclusion goes to
 * check.c, which knows what is true.
 */
#include "sim.h"

#define FENCE_EXTRA_BEATS 4
#define FENCE_EXTRA_MS 5000

/* Each datastore was silent for T, whenever that was. */
static bool
is_silent_somewhen(const struct world *w, const struct ha_watch *watch)
{
	uint32_t count = 0;
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		const struct ha_sighting *at = &watch->at[s];

		count += at->is_seen &&
			 at->last_ms >= at->first_ms + w->silence_ms;
	}
	return count >= w->r;
}

/* The verdict with what a switched-off rule makes of it. */
struct ha_watch_verdict
observe_judge(struct world *w, uint32_t host, uint32_t about,
	      uint32_t incarnation)
{
	const struct ha_watch *watch = &w->host[host].d.watch[about];
	struct ha_watch_verdict v =
		ha_watch_judge(watch, &w->timing, incarnation);
	const struct ha_sighting *newest;
	uint32_t s;

	w->verdicts++;
	if (world_is_off(w, RULE_WINDOW) && v.proof == HA_PROOF_ALIVE) {
		newest = ha_watch_newest(watch, NULL);
		if (newest && newest->what.is_armed &&
		    newest->last_ms >= newest->first_ms + w->silence_ms &&
		    is_silent_somewhen(w, watch)) {
			v.proof = HA_PROOF_SILENT;
			v.until_ms = world_local_ms(w, host);
		}
	}
	for (s = 0; world_is_off(w, RULE_LOWER) && s < w->stores; s++) {
		if (watch->beats[s].is_seen &&
		    watch->beats[s].what.incarnation < v.incarnation) {
			v.proof = HA_PROOF_REPLACED;
		}
	}
	return v;
}

/* Never claimed, or stopped clean, by reads submitted after it was a member
 * for the last time: what was read before knows nothing of a daemon that has
 * come since (SAFETY 1.7). */
bool
observe_is_away(struct world *w, uint32_t host, uint32_t about)
{
	const struct daemon *d = &w->host[host].d;
	enum ha_proof proof = observe_judge(w, host, about, 0).proof;
	uint64_t read_ms[HA_STORES_MAX] = { 0 };
	uint32_t s;

	if (proof != HA_PROOF_STOPPED && proof != HA_PROOF_NEVER) {
		return false;
	}
	for (s = 0; s < w->stores; s++) {
		read_ms[s] = d->store[s].read_submitted_ms;
	}
	return world_is_off(w, RULE_LONE_READ) || !d->member_ms[about] ||
	       ha_watch_fresh(read_ms, w->stores, d->member_ms[about]);
}

static uint32_t
newest_sequence(const struct daemon *d, uint32_t about)
{
	const struct ha_sighting *newest =
		ha_watch_newest(&d->watch[about], NULL);

	return newest ? (uint32_t)newest->what.sequence : 0;
}

void
observe_session(struct world *w, uint32_t host, uint32_t about, bool was_member)
{
	struct daemon *d = &w->host[host].d;
	struct session *s = &d->sessions[about];
	uint64_t now_ms = world_local_ms(w, host);

	*s = (struct session){
		.is_open = true,
		.target = (uint8_t)about,
		.was_member = was_member,
		.about = d->member_inc[about],
		.sequence = newest_sequence(d, about),
		.began_ms = now_ms,
		.deadline_ms = now_ms + w->silence_ms +
			       FENCE_EXTRA_BEATS * w->timing.beat_ms +
			       FENCE_EXTRA_MS,
	};
	STORY(w, host, "asked to fence h%u (incarnation %u)", about, s->about);
}

/* A host that calls itself quorate may be told to unseal by others that stand
 * still like it: only an order that it has obeyed since it was a member binds
 * it. */
static bool
is_bound(const struct world *w, uint32_t host, const struct block *newest,
	 const struct session *s)
{
	const struct daemon *d = &w->host[host].d;

	return !newest->claims.is_quorate || world_is_off(w, RULE_SEAL_ACK) ||
	       (d->l.seals[s->target].incarnation == newest->incarnation &&
		d->l.seal_given_ms[s->target] > d->member_ms[s->target] &&
		newest->claims.acks[host] == d->l.seals[s->target].nonce);
}

/* Have the members said since this seal was first read that they are there, and
 * does no other side claim the cluster? */
static bool
is_seal_confirmed(struct world *w, uint32_t host, uint32_t about)
{
	struct daemon *d = &w->host[host].d;
	const struct block *b = &d->newest[about];

	if (d->l.sealed_incarnation[about] != b->incarnation ||
	    d->l.sealed_generation[about] != b->list_generation ||
	    d->l.sealed_ms[about] <= d->member_ms[about]) {
		d->l.sealed_incarnation[about] = b->incarnation;
		d->l.sealed_generation[about] = b->list_generation;
		d->l.sealed_ms[about] = world_local_ms(w, host);
	}
	return (seal_is_confirmed(w, host, d->l.sealed_ms[about]) ||
		world_is_off(w, RULE_FENCE_CONFIRM)) &&
	       seal_may_act(w, host);
}

static void
gather_seal(struct world *w, uint32_t host, uint32_t about, struct session *s,
	    struct ha_fence_facts *ret_facts)
{
	const struct daemon *d = &w->host[host].d;
	const struct block *newest = &d->newest[about];
	uint64_t now_ms = ret_facts->now_ms;
	uint64_t late_ms = 2 * w->timing.beat_ms + w->timing.tolerance_ms;
	uint64_t since_ms = now_ms > late_ms ? now_ms - late_ms : 0;

	ret_facts->says_sealed = newest->state == BLOCK_ARMED &&
				 newest->claims.is_sealed &&
				 is_bound(w, host, newest, s) &&
				 ret_facts->storage.since_ms >= since_ms &&
				 keep_is_fresh(w, host, about, since_ms);
	ret_facts->is_unconfirmed =
		ret_facts->says_sealed && !is_seal_confirmed(w, host, about);
	ret_facts->is_list_read = keep_has_list(w, host, about);
	ret_facts->hold = (enum ha_fence_hold)s->hold;
	ret_facts->is_seal_ordered = s->is_seal_ordered;
	ret_facts->waits_after_hold = w->l.is_after_wait;
	ret_facts->is_hold_settled =
		s->hold == HA_FENCE_HOLD_PLACED &&
		now_ms >= s->placed_ms + HA_FENCE_SETTLE_MS;
	/* A side that lost a claim fences nobody: the other relies on it. */
	if (d->l.seal.is_sealed && d->l.seal.why == HA_SEAL_CLAIM &&
	    !world_is_off(w, RULE_CLAIM_MASTER)) {
		ret_facts->is_quorate = false;
	}
	if (world_is_off(w, RULE_REJOIN)) {
		ret_facts->is_member = false;
	}
}

static void
gather(struct world *w, uint32_t host, uint32_t about, struct session *s,
       struct ha_fence_facts *ret_facts)
{
	struct daemon *d = &w->host[host].d;
	uint64_t now_ms = world_local_ms(w, host);
	uint64_t since_ms = now_ms > w->silence_ms ? now_ms - w->silence_ms : 0;
	uint64_t read_ms[HA_STORES_MAX] = { 0 };
	uint64_t stamp_ms = 0;
	uint32_t i;

	for (i = 0; i < w->stores; i++) {
		read_ms[i] = d->store[i].read_submitted_ms;
	}
	*ret_facts = (struct ha_fence_facts){
		.can_write = ha_evidence_stamp(&d->evidence, &stamp_ms) &&
			     stamp_ms >= since_ms,
		.can_read = ha_watch_fresh(read_ms, w->stores, since_ms),
		.is_quorate = d->ring.has_membership && d->ring.is_quorate,
		.is_known = true,
		.storage = observe_judge(w, host, about, s->about),
		.was_member = s->was_member,
		.is_member = (d->members & 1u << about) != 0,
		.member_since_stop = d->away_ms[about] &&
				     d->member_ms[about] >= d->away_ms[about],
		.is_ordered = s->is_ordered,
		.now_ms = now_ms,
		.deadline_ms = s->deadline_ms,
	};
	ret_facts->has_moved =
		newest_sequence(d, about) > s->sequence &&
		ret_facts->storage.since_ms >
			s->began_ms + (uint64_t)HA_FENCE_MOVED_BEATS *
					      w->timing.beat_ms;
	if (!s->about) {
		s->about = (uint32_t)ret_facts->storage.incarnation;
	}
	ret_facts->ring = ring_silence(w, host, about, &ret_facts->ring_due_ms);
	if (w->l.is_on) {
		gather_seal(w, host, about, s, ret_facts);
	}
}

static void
close_session(struct world *w, uint32_t host, uint32_t about, bool is_success)
{
	struct daemon *d = &w->host[host].d;
	struct session *s = &d->sessions[about];

	s->is_open = false;
	d->orders[about] = 0;
	if (s->is_asked) {
		pcmk_answer(w, host, about, is_success);
	}
}

/* May the VMs of a host that lives be held? Only where some master will grant
 * them one day. */
static void
ask_manager(struct world *w, uint32_t host, struct session *s)
{
	s->hold = w->l.has_manager && w->host[host].l.pcmk.is_up &&
				  master_is_there(w, host) ?
			  HA_FENCE_HOLD_MAY :
			  HA_FENCE_HOLD_UNAVAILABLE;
}

static void
order_seal(struct world *w, uint32_t host, uint32_t about)
{
	struct daemon *d = &w->host[host].d;

	d->sessions[about].is_seal_ordered = true;
	d->l.seals[about].incarnation = d->newest[about].incarnation;
	d->l.seals[about].nonce = ++w->ids;
	d->l.seal_given_ms[about] = world_local_ms(w, host);
	STORY(w, host, "orders h%u to seal", about);
	store_kick(w, host);
}

/* One question of fence_vmha, one verdict. */
static void
ask(struct world *w, uint32_t host, uint32_t about)
{
	struct daemon *d = &w->host[host].d;
	struct session *s = &d->sessions[about];
	struct ha_fence_facts facts;
	struct ha_fence_verdict v;

	gather(w, host, about, s, &facts);
	v = ha_fencing_judge(&facts, &w->timing);
	switch (v.step) {
	case HA_FENCE_SUCCESS:
		if (w->l.restarts.is_on && s->is_asked &&
		    v.why != HA_FENCE_WHY_HELD &&
		    !restart_keep_back(w, host, about)) {
			break;
		}
		STORY(w, host, "fenced h%u: %s", about,
		      ha_fence_reason_name(v.why));
		if (v.why == HA_FENCE_WHY_HELD) {
			check_held(w, host, about);
		} else {
			check_dead(w, host, about, s->about,
				   facts.storage.proof,
				   "fence_vmha says success");
		}
		close_session(w, host, about, true);
		break;
	case HA_FENCE_FAIL:
		STORY(w, host, "not fenced h%u: %s", about,
		      ha_fence_reason_name(v.why));
		close_session(w, host, about, false);
		break;
	case HA_FENCE_ORDER:
		s->is_ordered = true;
		d->orders[about] = (uint32_t)facts.storage.incarnation;
		STORY(w, host, "orders h%u (incarnation %u) to reset itself",
		      about, d->orders[about]);
		store_kick(w, host);
		break;
	case HA_FENCE_ASK:
		ask_manager(w, host, s);
		break;
	case HA_FENCE_SEAL:
		order_seal(w, host, about);
		break;
	case HA_FENCE_PLACE:
		place_look(w, host, about);
		break;
	case HA_FENCE_WAIT:
		break;
	}
}

static void
observe(struct world *w, uint32_t host, uint32_t about)
{
	struct daemon *d = &w->host[host].d;
	struct ha_watch_verdict v = observe_judge(w, host, about, 0);
	uint64_t due_ms = 0;
	enum ha_ring_silence silence;

	if (v.proof != HA_PROOF_STOPPED && v.proof != HA_PROOF_NEVER) {
		d->away_ms[about] = 0;
	} else if (!d->away_ms[about]) {
		d->away_ms[about] = world_local_ms(w, host);
	}
	if (ha_proof_is_gone(v.proof)) {
		silence = v.proof == HA_PROOF_SILENT ?
				  ring_silence(w, host, about, &due_ms) :
				  HA_RING_SILENCE_NO_QUORUM;
		if (ha_fencing_is_gone(&v, silence, due_ms)) {
			check_dead(w, host, about, (uint32_t)v.incarnation,
				   v.proof, "concluded");
		}
	}
	if (d->sessions[about].is_open) {
		ask(w, host, about);
	}
}

void
observe_all(struct world *w, uint32_t host)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (i != host) {
			observe(w, host, i);
		}
	}
}
