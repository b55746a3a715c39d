/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seal (SAFETY section 2): gathers what ring and datastores say, has
 * core/seal judge it, and carries the verdict out in one critical section:
 * the flag that announcements and beats go by, and a new generation of the
 * list. Also this side's claim: a beat that says "quorate" and names its
 * members is one, and counts once it stands on w.
 *
 * It never unseals while an order to seal is in force, and takes no word of a
 * master that is not a member of this very membership.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

void
hbs_seal_init(struct hbs *s)
{
	s->seal.told_rival = HA_SLOT_NONE;
}

/* A new membership and its quorum are told one after the other; between them
 * the one before counts, for a beat. */
bool
hbs_is_quorate(const struct hbs *s, uint64_t now_ms)
{
	const struct ha_ring *core = &s->ring.core;
	const struct hbs_seal *seal = &s->seal;

	if (!core->has_membership) {
		return false;
	}
	return core->is_quorum_known ?
		       core->is_quorate :
		       seal->was_quorate &&
			       now_ms < seal->changed_ms +
						s->hb->sb.timing.beat_ms;
}

static void
note_quorum(struct hbs *s, uint64_t now_ms)
{
	const struct ha_ring *core = &s->ring.core;
	struct hbs_seal *seal = &s->seal;

	if (!core->has_membership || core->is_quorum_known) {
		seal->was_quorate = core->has_membership && core->is_quorate;
		seal->changed_ms = 0;
	} else if (seal->changed_ms == 0) {
		seal->changed_ms = now_ms;
	}
}

/* hb->lock held. True: reads that tell of other claims are wanted now. */
static bool
note_claim(struct hbs *s, uint64_t now_ms)
{
	struct hbs_seal *seal = &s->seal;
	struct hb *hb = s->hb;

	if ((hb->flags & HA_BEAT_QUORATE) == 0) {
		seal->claim_seq = 0;
		seal->claimed_ms = 0;
		return false;
	}
	if (seal->claim_seq != hb->ring_seq ||
	    memcmp(&seal->claim_members, &hb->members, sizeof(hb->members)) !=
		    0) {
		seal->claim_seq = hb->ring_seq;
		seal->claim_members = hb->members;
		seal->claim_sequence = hb->sequence + 1;
		seal->claimed_ms = 0;
	}
	if (seal->claimed_ms != 0 || !hb_is_flushed(hb, seal->claim_sequence)) {
		return false;
	}
	/* A read stamped with this very millisecond may be older. */
	seal->claimed_ms = now_ms + 1;
	return true;
}

/* A host that still names this one has not noticed the cut yet: its beat is
 * of the time before, and claims nothing against this side. hb->lock held. */
static bool
claims(const struct hbs *s, uint32_t slot, uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	const struct hb_host *host = &hb->hosts[slot];
	const uint32_t both = HA_BEAT_QUORATE | HA_BEAT_MEMBER;
	struct ha_hostset members;

	if (slot == hb->self || !hb->table.names[slot][0] || !host->has_beat ||
	    (host->beat.flags & both) != both ||
	    host->beat.state == HA_BEAT_STOPPED ||
	    ha_hostset_has(&hb->members, slot)) {
		return false;
	}
	memcpy(members.bits, host->beat.members, sizeof(members.bits));
	return !ha_hostset_has(&members, hb->self) &&
	       !hbs_incarnation_is_gone(s, slot, host->beat.incarnation,
					now_ms);
}

/* SAFETY 11: each side reads the others after its own claim stands. Who was not
 * read since, and is not proven gone, may claim the cluster; and so may one that
 * was proven gone by reads from before: it may have booted. hb->lock held. */
static bool
may_claim(const struct hbs *s, uint32_t slot, const struct ha_hostset *out,
	  uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	uint64_t since_ms = s->seal.claimed_ms;

	if (slot == hb->self || !hb->table.names[slot][0] ||
	    ha_hostset_has(&hb->members, slot)) {
		return false;
	}
	if (since_ms == 0 || !hbs_is_read_since(hb, since_ms)) {
		return true;
	}
	return !hbs_is_beat_read(hb, slot, since_ms) &&
	       !ha_hostset_has(out, slot) &&
	       !hbs_host_is_gone(s, slot, out, now_ms);
}

void
hbs_seal_rival(const struct hbs *s, uint64_t now_ms, struct ha_rival *ret_rival)
{
	const struct hb *hb = s->hb;
	const struct ha_claim own = hb_claim(hb, hb->members.bits);
	struct ha_hostset out;

	hbs_out_of_the_way(s, &out);
	*ret_rival = (struct ha_rival){ .slot = HA_SLOT_NONE };
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		const struct ha_beat *beat = &hb->hosts[slot].beat;
		struct ha_rival one = { .is_there = true,
					.slot = slot,
					.claim = { .name = "" },
					.is_possible = true };

		if (claims(s, slot, now_ms)) {
			one.incarnation = beat->incarnation;
			one.claim = hb_claim(hb, beat->members);
			one.is_sealed = (beat->flags & HA_BEAT_SEALED) != 0;
			one.is_read_since =
				s->seal.claimed_ms != 0 &&
				hbs_is_beat_read(hb, slot, s->seal.claimed_ms);
			one.is_possible = false;
		} else if (!may_claim(s, slot, &out, now_ms)) {
			continue;
		}
		if (ha_rival_outweighs(&own, &one, ret_rival)) {
			*ret_rival = one;
		}
	}
}

/* hb->lock held. NULL: it stands no more. */
static const struct ha_order *
find_order(const struct ha_beat *beat, uint64_t nonce)
{
	for (uint32_t i = 0; i < beat->orders_count; i++) {
		if (beat->orders[i].nonce == nonce) {
			return &beat->orders[i];
		}
	}
	return NULL;
}

/* Why this word of the master is not obeyed; NULL: it is. What was settled is
 * the list that the master has read, no later one (SAFETY 10, 15). hb->lock
 * held. */
static const char *
judge_unseal(const struct hb *hb, const struct hb_host *host,
	     const struct ha_order *order, int *ret_code)
{
	if ((host->beat.flags & HA_BEAT_MASTER) == 0) {
		*ret_code = -EPERM;
		return "it is not master";
	}
	if (order->generation != hb->list.generation) {
		*ret_code = -ESTALE;
		return "this host's VM list has changed since the master read "
		       "it";
	}
	*ret_code = 0;
	return NULL;
}

/* Words of the master wait until its beat and this host are of one
 * membership. hb->lock held. */
static void
hear_unseal(struct hbs *s, uint32_t slot)
{
	struct hb *hb = s->hb;
	struct hb_host *host = &hb->hosts[slot];
	const struct ha_order *order =
		find_order(&host->beat, host->unseal_asked);
	struct hb_event event = {
		.kind = HB_EVENT_NOT_OBEYED,
		.host = slot,
		.value = HA_ORDER_UNSEAL,
	};
	const char *why;

	if (host->unseal_asked == 0) {
		return;
	}
	if (!order) {
		host->unseal_asked = 0;
		return;
	}
	if ((hb->flags & HA_BEAT_QUORATE) == 0 ||
	    !ha_hostset_has(&hb->members, slot) ||
	    host->beat.ring_seq != hb->ring_seq) {
		return;
	}
	host->unseal_obeyed = host->unseal_asked;
	host->unseal_asked = 0;
	why = judge_unseal(hb, host, order, &host->unseal_code);
	if (why) {
		(void)ha_text_copy(event.text, sizeof(event.text), why);
		hb_event(hb, &event);
	} else {
		hbs_seal_settle(hb);
	}
}

void
hbs_seal_settle(struct hb *hb)
{
	hb->is_settled = true;
	hb->settled_seq = hb->ring_seq;
	hb->is_seal_ordered = false;
}

/* Its sender is gone; or is with this host, in one membership as both say, that
 * was formed since the order or whose members have confirmed it since (a
 * corosync that stands still tells an old one for ever); or would not be obeyed
 * now, since it is of a lower side. hb->lock held. */
static bool
is_order_over(struct hbs *s, bool is_quorate, uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	const struct ha_beat *beat = &hb->hosts[hb->seal_sender].beat;
	struct ha_claim own;
	struct ha_claim other;

	if (hbs_incarnation_is_gone(s, hb->seal_sender,
				    hb->seal_sender_incarnation, now_ms)) {
		return true;
	}
	if (!is_quorate) {
		return false;
	}
	if (ha_hostset_has(&hb->members, hb->seal_sender)) {
		hbs_confirm_want(s, hb->seal_ordered_ms);
		return beat->ring_seq == hb->ring_seq &&
		       (hb->ring_seq != hb->seal_ordered_seq ||
			hbs_is_confirmed(s, hb->seal_ordered_ms));
	}
	own = hb_claim(hb, hb->members.bits);
	other = hb_claim(hb, beat->members);
	return !ha_seal_obeys(true, &own, (beat->flags & HA_BEAT_QUORATE) != 0,
			      &other);
}

/* hb->lock held. */
static void
gather(const struct hbs *s, uint64_t now_ms, struct ha_seal_facts *facts)
{
	const struct hb *hb = s->hb;
	const struct ha_seal *seal = &hb->seal;

	*facts = (struct ha_seal_facts){
		.is_quorate = hbs_is_quorate(s, now_ms),
		.ring_seq = s->ring.core.ring_seq,
		.is_ordered = hb->is_seal_ordered,
		.is_settled = hb->is_settled && hb->settled_seq == hb->ring_seq,
		.has_master = hbs_master_find(s, now_ms) != HA_SLOT_NONE,
		.own = hb_claim(hb, hb->members.bits),
		.now_ms = now_ms,
	};
	hbs_seal_rival(s, now_ms, &facts->rival);
	if (seal->winner != HA_SLOT_NONE) {
		facts->is_winner_member =
			ha_hostset_has(&hb->members, seal->winner);
		facts->is_winner_gone = hbs_incarnation_is_gone(
			s, seal->winner, seal->winner_incarnation, now_ms);
	}
}

/* The verdict, for announcements and beats at once. hb->lock held. */
static void
carry_out(struct hb *hb, const struct ha_seal *before)
{
	if (ha_seal_is_anew(&hb->seal, before->why)) {
		hb_seal_anew(hb);
	} else if (hb->seal.is_sealed) {
		hb_seal(hb);
	} else if (hb->flags & HA_BEAT_SEALED) {
		hb->flags &= ~HA_BEAT_SEALED;
		hb->list.generation++;
		hbs_list_forget_released(hb);
		hb_kick_locked(hb);
	}
}

static void
tell(struct hbs *s, const struct ha_seal *before, const struct ha_seal *now,
     const struct ha_rival *rival)
{
	const struct hb *hb = s->hb;
	uint32_t slot = rival->is_there && rival->is_read_since ? rival->slot :
								  HA_SLOT_NONE;

	if (now->why == HA_SEAL_CLAIM && before->why != HA_SEAL_CLAIM &&
	    now->winner < HA_HOSTS_MAX) {
		hb_log(HB_LOG_CLAIM_LOST, hb->table.names[now->winner]);
	}
	if (slot != s->seal.told_rival) {
		s->seal.told_rival = slot;
		if (slot != HA_SLOT_NONE && now->why != HA_SEAL_CLAIM) {
			hb_log(HB_LOG_CLAIM_WON, hb->table.names[slot]);
		}
	}
	if (now->is_sealed && (!before->is_sealed || !s->seal.is_told)) {
		hb_log(HB_LOG_SEALED, ha_seal_why_text(now->why));
	} else if (now->is_sealed && now->why != before->why) {
		hb_log(HB_LOG_STILL_SEALED, ha_seal_why_text(now->why));
	} else if (!now->is_sealed && before->is_sealed) {
		hb_log(HB_LOG_UNSEALED);
	}
	s->seal.is_told = true;
}

void
hbs_seal_look(struct hbs *s)
{
	struct hb *hb = s->hb;
	uint64_t now_ms = ha_clock_now_ms();
	struct ha_seal_facts facts;
	struct ha_seal before;
	struct ha_seal after;
	bool wants_look;

	note_quorum(s, now_ms);
	pthread_mutex_lock(&hb->lock);
	before = hb->seal;
	wants_look = note_claim(s, now_ms);
	if (hbs_is_quorate(s, now_ms)) {
		if (hb->flags & HA_BEAT_ISOLATED) {
			hb->flags &= ~HA_BEAT_ISOLATED;
			hb_kick_locked(hb);
		}
	} else {
		hb->is_settled = false;
	}
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		hear_unseal(s, slot);
	}
	gather(s, now_ms, &facts);
	if (ha_seal_judge(&hb->seal, &facts, &hb->sb.timing)) {
		hb->is_settled = false; /* that was about another seal */
	}
	carry_out(hb, &before);
	/* After the verdict, which must have known of it: the list is to be
	 * settled as after any other seal. */
	if (hb->is_seal_ordered && is_order_over(s, facts.is_quorate, now_ms)) {
		hb->is_seal_ordered = false;
	}
	after = hb->seal;
	pthread_mutex_unlock(&hb->lock);
	tell(s, &before, &after, &facts.rival);
	if (after.is_sealed && !before.is_sealed) {
		hbs_announce_seal(s);
	}
	if (wants_look) {
		hb_look(hb);
	}
}

bool
hbs_seal_has_no_say(const struct hb *hb)
{
	return hb->seal.is_sealed && hb->seal.why == HA_SEAL_CLAIM;
}

bool
hbs_seal_will_open(const struct hbs *s)
{
	const struct hb *hb = s->hb;

	return (hb->flags & HA_BEAT_SEALED) != 0 &&
	       (hb->flags & HA_BEAT_QUORATE) != 0 && !hb->is_seal_ordered &&
	       hb->seal.why != HA_SEAL_CLAIM;
}
