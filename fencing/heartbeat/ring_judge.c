/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What storage and ring together say about another host. Storage alone never
 * makes a host dead: one whose datastores are lost beats there no more and
 * lives on by the ring (SAFETY 1.6). hb->lock is held by the caller.
 */
#include "heartbeat/serve.h"

bool
hbs_is_read_since(const struct hb *hb, uint64_t since_ms)
{
	uint64_t read_ms[HA_STORES_MAX];

	for (uint32_t i = 0; i < hb->sb.stores; i++) {
		read_ms[i] = hb->views[i].read_ms;
	}
	return since_ms == 0 ||
	       ha_watch_fresh(read_ms, hb->sb.stores, since_ms);
}

/* An administrator's word given, or heard of, before the host was a member says
 * nothing about what was a member since. */
static bool
is_word_void(const struct hbs *s, uint32_t slot,
	     const struct ha_watch_verdict *verdict)
{
	const struct hbs_host *host = &s->hosts[slot];

	return verdict->proof == HA_PROOF_CONFIRMED &&
	       (host->stopped_ms == 0 ||
		host->last_member_ms >= host->stopped_ms);
}

void
hbs_out_of_the_way(const struct hbs *s, struct ha_hostset *ret_out)
{
	const struct hb *hb = s->hb;

	*ret_out = (struct ha_hostset){ { 0 } };
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		struct ha_watch_verdict verdict;
		enum ha_proof proof;

		if (slot == hb->self || !hb->table.names[slot][0]) {
			continue;
		}
		/* Not the silent ones (SAFETY 1.5): they may be in ring
		 * mode, and a dead one may come back. */
		verdict = hb_judge(hb, slot, 0);
		proof = verdict.proof;
		/* Nor what was read while it was a member: it may have begun
		 * since. */
		if ((proof == HA_PROOF_STOPPED || proof == HA_PROOF_NEVER ||
		     proof == HA_PROOF_CONFIRMED) &&
		    !is_word_void(s, slot, &verdict) &&
		    hbs_is_read_since(hb, s->hosts[slot].last_member_ms)) {
			ha_hostset_add(ret_out, slot);
		}
	}
}

/* SAFETY 1.7. While the own datastores are lost, a host that had stopped
 * cleanly may come back unseen; then wait_for_all keeps it from quorum. A
 * node without a slot is never proven out of the way. */
bool
hbs_is_lone(const struct hbs *s)
{
	const struct hbs_ring *ring = &s->ring;
	const struct hb *hb = s->hb;
	struct ha_hostset configured = { { 0 } };
	struct ha_hostset out;

	if (!ring->corosync || ring->has_slotless) {
		return false;
	}
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		if (hb->table.names[slot][0] || ring->nodeids[slot] != 0) {
			ha_hostset_add(&configured, slot);
		}
	}
	hbs_out_of_the_way(s, &out);
	return ha_lone_allowed(ring->core.is_quorate, ring->members == 1,
			       ring->config.wait_for_all, &configured, &out,
			       hb->self);
}

/* An answer from before a host fell silent does not tell what keeps it alive
 * since. */
static uint64_t
since_ms(const struct hbs *s, uint32_t slot, uint64_t due_ms)
{
	uint64_t proven_ms = hb_judge(s->hb, slot, 0).proven_ms;

	return proven_ms > due_ms ? proven_ms : due_ms;
}

enum ha_ring_silence
hbs_ring_silence(const struct hbs *s, uint32_t slot,
		 const struct ha_hostset *out, uint64_t now_ms,
		 uint64_t *ret_due_ms)
{
	enum ha_ring_silence silence =
		ha_ring_silence(&s->ring.core, &s->hb->sb.timing, slot, out,
				now_ms, ret_due_ms);

	if ((silence == HA_RING_SILENCE_YES ||
	     silence == HA_RING_SILENCE_LATER) &&
	    !ha_ring_is_confirmed(&s->ring.core, out,
				  since_ms(s, slot, *ret_due_ms))) {
		return HA_RING_SILENCE_UNCONFIRMED;
	}
	return silence;
}

/* A question answers for all hosts that are away, and is put as soon as its
 * answer would count, so that nobody has to wait for it. A new one makes the
 * open one void: so again only after a beat, or when the open one was put too
 * early to count. */
bool
hbs_ring_wants_ask(const struct hbs *s, uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	uint64_t asked_ms = s->ring.core.ask_ms;
	struct ha_hostset out;

	if (!s->ring.core.has_membership || now_ms < asked_ms + HBS_TICK_MS) {
		return false;
	}
	if (hbs_confirm_wants_ask(s, now_ms)) {
		return true;
	}
	hbs_out_of_the_way(s, &out);
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		uint64_t due_ms = 0;

		if (hb->table.names[slot][0] &&
		    hbs_ring_silence(s, slot, &out, now_ms, &due_ms) ==
			    HA_RING_SILENCE_UNCONFIRMED &&
		    now_ms >= due_ms &&
		    (asked_ms < since_ms(s, slot, due_ms) ||
		     now_ms >= asked_ms + hb->sb.timing.beat_ms)) {
			return true;
		}
	}
	return false;
}

bool
hbs_host_is_unguarded(const struct hbs *s, uint32_t slot,
		      const struct ha_watch_verdict *verdict)
{
	const struct hbs_host *host = &s->hosts[slot];
	uint64_t dead_ms =
		verdict->since_ms + ha_timing_silence_ms(&s->hb->sb.timing);

	return verdict->proof == HA_PROOF_SILENT &&
	       host->last_member_ms > dead_ms &&
	       host->state_ring_seq != host->member_ring_seq;
}

bool
hbs_host_is_gone(const struct hbs *s, uint32_t slot,
		 const struct ha_hostset *out, uint64_t now_ms)
{
	struct ha_watch_verdict verdict = hb_judge(s->hb, slot, 0);
	uint64_t due_ms = 0;
	enum ha_ring_silence ring =
		hbs_ring_silence(s, slot, out, now_ms, &due_ms);

	return !is_word_void(s, slot, &verdict) &&
	       ha_fencing_is_gone(&verdict, ring, due_ms);
}

bool
hbs_incarnation_is_gone(const struct hbs *s, uint32_t slot,
			uint64_t incarnation, uint64_t now_ms)
{
	struct ha_watch_verdict verdict = hb_judge(s->hb, slot, incarnation);
	struct ha_hostset out;
	uint64_t due_ms = 0;
	enum ha_ring_silence ring;

	hbs_out_of_the_way(s, &out);
	ring = hbs_ring_silence(s, slot, &out, now_ms, &due_ms);
	return !is_word_void(s, slot, &verdict) &&
	       ha_fencing_is_gone(&verdict, ring, due_ms);
}

bool
hbs_is_beat_read(const struct hb *hb, uint32_t slot, uint64_t since_ms)
{
	const struct hb_host *host = &hb->hosts[slot];
	uint32_t readable = 0;

	for (uint32_t i = 0; i < hb->sb.stores; i++) {
		readable += hb->views[i].read_ms >= since_ms &&
			    host->verdict[i] == HA_BLOCK_OK &&
			    ha_watch_tells(&host->watch, i);
	}
	return host->has_beat && readable >= ha_stores_read(hb->sb.stores);
}

bool
hbs_is_list_read(const struct hb *hb, uint32_t slot)
{
	const struct hb_host *host = &hb->hosts[slot];

	return host->has_beat && host->has_list &&
	       host->list.incarnation == host->beat.incarnation &&
	       host->list.generation == host->beat.list_generation;
}

bool
hbs_is_beat_fresh(const struct hb *hb, uint32_t slot, uint64_t now_ms)
{
	uint64_t late_ms = 2 * (uint64_t)hb->sb.timing.beat_ms +
			   hb->sb.timing.tolerance_ms;
	uint64_t since_ms = now_ms > late_ms ? now_ms - late_ms : 0;
	struct ha_watch_verdict verdict = hb_judge(hb, slot, 0);

	/* A claim may count before its own datastore was read again: until then
	 * the beat that is known here is of the incarnation before. */
	return hb->hosts[slot].has_beat &&
	       hb->hosts[slot].beat.state == HA_BEAT_ARMED &&
	       hb->hosts[slot].beat.incarnation == verdict.incarnation &&
	       verdict.proof == HA_PROOF_ALIVE &&
	       verdict.since_ms >= since_ms &&
	       hbs_is_beat_read(hb, slot, since_ms);
}

/* One that is stopping vouches for nobody: it may be out of the way to others
 * already. */
bool
hbs_is_armed(struct hb *hb)
{
	bool is_so;

	pthread_mutex_lock(&hb->lock);
	is_so = hb->phase == HB_ARMED;
	pthread_mutex_unlock(&hb->lock);
	return is_so;
}
