/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a read of all beats showed. Each block goes to the watch of its host
 * with the stamps of the read; the newest beat of a host is kept, and the
 * orders in it that are for this very incarnation are carried out (SAFETY
 * 15). It never takes an older beat for news, never acts twice on one order,
 * and never goes on petting when somebody else writes this host's slot.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "heartbeat/store.h"

#define RESET_NONE 0
#define RESET_RESET 1
#define RESET_OFF 2

uint32_t
hb_slots_used(const struct hb *hb)
{
	uint32_t used = hb->sb.slots;

	while (used > 0 && hb->table.names[used - 1][0] == '\0') {
		used--;
	}
	return used;
}

static bool
is_newer(const struct ha_beat *a, const struct ha_beat *b)
{
	return a->incarnation != b->incarnation ?
		       a->incarnation > b->incarnation :
		       a->sequence > b->sequence;
}

static bool
has_order(const struct ha_beat *beat, const struct ha_order *order)
{
	uint32_t i;

	for (i = 0; i < beat->orders_count; i++) {
		if (beat->orders[i].nonce == order->nonce &&
		    beat->orders[i].kind == order->kind) {
			return true;
		}
	}
	return false;
}

/* Lock held. Until main finds the order over (hbs_seal_look()); words of a
 * master from before it count no more, and it is a seal of its own. */
static void
obey_seal(struct hb *hb, uint32_t sender, uint64_t incarnation)
{
	uint32_t i;

	hb->is_seal_ordered = true;
	hb->seal_sender = sender;
	hb->seal_sender_incarnation = incarnation;
	hb->seal_ordered_ms = ha_clock_now_ms();
	hb->seal_ordered_seq = hb->ring_seq;
	for (i = 0; i < HA_HOSTS_MAX; i++) {
		hb->hosts[i].unseal_asked = 0;
	}
	hb_seal_anew(hb);
}

/* Lock held. Two sides that both think they are the cluster: the higher one
 * obeys none of the lower one (SAFETY 11). One that this host counts as a
 * member is of no other side; if it sees that differently, it knows more. */
static bool
obeys_seal(const struct hb *hb, uint32_t sender, const struct ha_beat *beat)
{
	struct ha_claim own = hb_claim(hb, hb->members.bits);
	struct ha_claim other = hb_claim(hb, beat->members);

	return ha_hostset_has(&hb->members, sender) ||
	       ha_seal_obeys((hb->flags & HA_BEAT_QUORATE) != 0, &own,
			     (beat->flags & HA_BEAT_QUORATE) != 0, &other);
}

/* Lock held. */
static void
refuse_seal(struct hb *hb, uint32_t sender, const struct ha_order *order)
{
	struct hb_event event = {
		.kind = HB_EVENT_NOT_OBEYED,
		.host = sender,
		.value = order->kind,
		.text = "this side of the cluster has quorum and is the "
			"higher one",
	};

	hb->hosts[sender].seal_refused = order->nonce;
	hb_event(hb, &event);
	hb_kick_locked(hb);
}

/* Lock held. Returns RESET_*: what is left to do without it. */
static int
obey(struct hb *hb, uint32_t sender, const struct ha_beat *beat,
     const struct ha_order *order)
{
	struct hb_event event = {
		.kind = HB_EVENT_ORDER,
		.host = sender,
		.value = order->kind,
	};
	int what = RESET_NONE;

	hb_event(hb, &event);
	switch (order->kind) {
	case HA_ORDER_RESET:
	case HA_ORDER_OFF:
		/* Should the reset fail, the watchdog is never petted again. */
		hb->is_reset_ordered = true;
		hb_wake(hb->pet_fd);
		what = order->kind == HA_ORDER_OFF ? RESET_OFF : RESET_RESET;
		break;
	case HA_ORDER_SEAL:
		obey_seal(hb, sender, beat->incarnation);
		break;
	case HA_ORDER_UNSEAL:
		/* Main decides: it knows the membership. */
		hb->hosts[sender].unseal_asked = order->nonce;
		break;
	case HA_ORDER_STAND_DOWN:
		hb_stand_down_locked(hb, true);
		break;
	case HA_ORDER_STAND_TO:
		hb_stand_down_locked(hb, false);
		break;
	case HA_ORDER_TEST:
	case HA_ORDER_NONE:
		break;
	}
	hb_kick_locked(hb); /* carries the acknowledgement */
	return what;
}

/* Lock held. Two hosts that both think the other must go (two_node, cut
 * apart, storage works): one of them lives (SAFETY 11). */
static bool
is_rival(const struct hb *hb, uint32_t sender, const struct ha_order *order)
{
	uint32_t i;

	if ((order->kind != HA_ORDER_RESET && order->kind != HA_ORDER_OFF) ||
	    !ha_order_wins(hb->table.names[hb->self],
			   hb->table.names[sender])) {
		return false;
	}
	for (i = 0; i < hb->orders_count; i++) {
		const struct ha_order *own = &hb->orders[i];

		if (own->target == sender && (own->kind == HA_ORDER_RESET ||
					      own->kind == HA_ORDER_OFF)) {
			return true;
		}
	}
	return false;
}

/* Lock held: orders of the new beat that were not in the one before. */
static int
take_orders(struct hb *hb, uint32_t sender, const struct ha_beat *beat)
{
	const struct hb_host *host = &hb->hosts[sender];
	int what = RESET_NONE;
	uint32_t i;

	for (i = 0; i < beat->orders_count; i++) {
		const struct ha_order *order = &beat->orders[i];
		int one;

		if (!hb->is_claimed || order->target != hb->self ||
		    order->incarnation != hb->incarnation ||
		    (host->has_beat &&
		     host->beat.incarnation == beat->incarnation &&
		     has_order(&host->beat, order))) {
			continue;
		}
		if (is_rival(hb, sender, order)) {
			struct hb_event event = {
				.kind = HB_EVENT_RIVAL,
				.host = sender,
				.value = order->kind,
			};

			hb_event(hb, &event);
			continue;
		}
		if (order->kind == HA_ORDER_SEAL &&
		    !obeys_seal(hb, sender, beat)) {
			refuse_seal(hb, sender, order);
			continue;
		}
		one = obey(hb, sender, beat, order);
		what = one > what ? one : what;
	}
	return what;
}

/* Lock held. A beat in our slot that we did not write: two hosts have one
 * slot, none of them can be watched, so this one gives up its watchdog. A claim
 * that does not count is what a start left that failed, on a datastore that we
 * could not read until now; our next beat there replaces it (SAFETY 1.4). */
static void
look_for_conflict(struct hb_store *st, const struct ha_beat *beat,
		  const struct ha_glimpse *glimpse)
{
	struct hb *hb = st->hb;
	struct hb_event event = {
		.kind = HB_EVENT_CONFLICT,
		.store = st->index,
		.host = hb->self,
		.value = beat->incarnation,
	};
	bool is_ours = memcmp(&beat->boot_id, &hb->boot_id,
			      sizeof(hb->boot_id)) == 0 &&
		       beat->sequence <= hb->sequence;

	if (!hb->is_claimed || hb->has_conflict ||
	    !ha_watch_counts(&hb->hosts[hb->self].watch, glimpse) ||
	    beat->incarnation < hb->incarnation ||
	    (beat->incarnation == hb->incarnation && is_ours)) {
		return;
	}
	hb->has_conflict = true;
	hb->is_reset_ordered = true;
	ha_uuid_format(&beat->boot_id, event.text);
	hb_event(hb, &event);
	hb_wake(hb->pet_fd);
}

/* Lock held. */
static void
note_verdict(struct hb_store *st, uint32_t slot, enum ha_block_verdict verdict)
{
	struct hb *hb = st->hb;
	enum ha_block_verdict *last = &hb->hosts[slot].verdict[st->index];
	struct hb_event event = {
		.kind = HB_EVENT_BLOCK,
		.store = st->index,
		.host = slot,
		.value = verdict,
	};

	if (*last != verdict) {
		*last = verdict;
		hb_event(hb, &event);
	}
}

/* Lock held. Is it the newest of all that count? A claim that is not flushed
 * would hide the beats of a later boot (SAFETY 1.4). When it counts at last,
 * its own datastore shows it again within a beat. */
static bool
is_newest(const struct ha_watch *watch, const struct ha_glimpse *glimpse)
{
	const struct ha_sighting *newest = ha_watch_newest(watch, NULL);

	return newest && newest->what.incarnation == glimpse->incarnation &&
	       newest->what.sequence == glimpse->sequence;
}

/* Lock held; returns RESET_*. */
static int
take_beat(struct hb_store *st, const struct ha_beat *beat,
	  const struct ha_glimpse *glimpse, uint64_t submitted_ms)
{
	struct hb *hb = st->hb;
	struct hb_host *host = &hb->hosts[beat->slot];
	int what = RESET_NONE;

	if (!is_newest(&host->watch, glimpse) ||
	    (host->has_beat && !is_newer(beat, &host->beat))) {
		return RESET_NONE;
	}
	if (beat->slot != hb->self) {
		what = take_orders(hb, beat->slot, beat);
	}
	host->beat = *beat;
	host->has_beat = true;
	hb_list_named(host, submitted_ms);
	hb_hold_named(hb, host);
	return what;
}

static int
see_block(struct hb_store *st, uint32_t slot, const uint8_t *block,
	  const struct ha_disk_end *end)
{
	struct hb *hb = st->hb;
	struct ha_beat *beat = &st->beat_in;
	enum ha_block_verdict verdict =
		ha_beat_decode(&hb->sb, slot, block, beat);
	struct ha_glimpse glimpse;
	int what = RESET_NONE;

	ha_beat_glimpse(verdict, beat, block, &glimpse);
	pthread_mutex_lock(&hb->lock);
	note_verdict(st, slot, verdict);
	ha_watch_read(&hb->hosts[slot].watch, st->index, &glimpse,
		      end->submitted_ms, end->completed_ms);
	st->named[slot] = (struct hb_named){ 0 };
	if (verdict == HA_BLOCK_OK && beat->incarnation > 0) {
		st->named[slot] = (struct hb_named){
			.incarnation = beat->incarnation,
			.generation = beat->list_generation,
			.copy = beat->list_copy,
			.count = beat->list_count,
			.hold_generation = beat->hold_generation,
			.hold_copy = beat->hold_copy,
			.hold_count = beat->hold_count,
		};
		if (beat->term > hb->hosts[slot].term) {
			hb->hosts[slot].term = beat->term;
		}
		if (slot == hb->self) {
			look_for_conflict(st, beat, &glimpse);
		}
		what = take_beat(st, beat, &glimpse, end->submitted_ms);
	}
	pthread_mutex_unlock(&hb->lock);
	return what;
}

/* Lock held. Hosts that were added while this daemon runs become known; a
 * name that is known stays, since its slot's history is its own. A slot that
 * nobody was seen to beat in has none: its name may have been a mistake. */
static void
take_names(struct hb_store *st)
{
	struct hb *hb = st->hb;
	uint32_t slot;

	for (slot = 0; slot < hb->sb.slots; slot++) {
		if (st->table.names[slot][0] != '\0' &&
		    (hb->table.names[slot][0] == '\0' ||
		     (slot != hb->self && !hb->hosts[slot].has_beat))) {
			memcpy(hb->table.names[slot], st->table.names[slot],
			       sizeof(hb->table.names[slot]));
		}
	}
}

/* Is this still the area that was opened? One of the two superblocks may be
 * torn while the command changes them. */
static bool
is_same_area(struct hb_store *st)
{
	struct ha_superblock sb;
	enum ha_block_verdict verdict = hb_superblock_decode(st->head, &sb);

	if (verdict != HA_BLOCK_OK) {
		hb_store_break(st, -ESTALE, "superblock: %s",
			       ha_block_verdict_text(verdict));
		return false;
	}
	if (memcmp(&sb.store, &st->sb.store, sizeof(sb.store)) != 0 ||
	    hb_area_compare(&sb, &st->sb, NULL) < 0) {
		hb_store_break(st, -ESTALE,
			       "the datastore was replaced or formatted while "
			       "the daemon runs: restart the daemon");
		return false;
	}
	return true;
}

/* The first read since it opened: which copy of our list does the beat that
 * lies here name? A damaged one leaves what this daemon knows. */
static void
find_own_copy(struct hb_store *st)
{
	struct hb *hb = st->hb;
	const uint8_t *block =
		st->head + (hb->layout.beats.first + hb->self) * HA_BLOCK;

	bool is_read = ha_beat_decode(&hb->sb, hb->self, block, &st->beat_in) ==
		       HA_BLOCK_OK;

	if (is_read && st->beat_in.list_generation > 0) {
		st->has_copy = true;
		st->last_copy = st->beat_in.list_copy;
	}
	if (is_read && st->beat_in.hold_generation > 0) {
		st->has_hold_copy = true;
		st->last_hold_copy = st->beat_in.hold_copy;
	}
	st->list = (struct hb_own){ 0 };
	st->has_head = true;
}

void
hb_seen_head(struct hb_store *st, const struct ha_disk_end *end)
{
	struct hb *hb = st->hb;
	struct hb_store_view *view = &hb->views[st->index];
	uint64_t took_ms = end->completed_ms - end->submitted_ms;
	int what = RESET_NONE;
	uint32_t slot;

	if (!is_same_area(st)) {
		return;
	}
	if (!st->has_head) {
		find_own_copy(st);
	}
	for (slot = 0; slot < st->head_slots; slot++) {
		int one = see_block(st, slot,
				    st->head + (hb->layout.beats.first + slot) *
						       HA_BLOCK,
				    end);

		what = one > what ? one : what;
	}
	pthread_mutex_lock(&hb->lock);
	if (ha_slot_table_decode(&hb->sb,
				 st->head + hb->layout.table.first * HA_BLOCK,
				 &st->table) == HA_BLOCK_OK) {
		take_names(st);
	}
	view->read_ms = end->submitted_ms;
	view->read_took_ms = (uint32_t)took_ms;
	st->is_read_good = took_ms <= hb->sb.timing.tolerance_ms;
	hb_store_update(st);
	pthread_mutex_unlock(&hb->lock);
	hb_wake(hb->main_fd);
	if (what != RESET_NONE) {
		/* Returns only when it failed: then the watchdog does it. */
		(void)ha_host_reset(what == RESET_OFF);
	}
}
