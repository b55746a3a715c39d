/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hold lists on one datastore, kept like VM lists (list.c): the own one goes to
 * the copy that the last beat here does not name; another host's is read when
 * its newest beat names one that is not known yet, and counts only when it is
 * of exactly that incarnation and generation (SAFETY 14). A host's holds stay
 * in force when it is dead: they are the cluster's, not the host's (SAFETY 17).
 */
#include <string.h>

#include "ha/clock.h"
#include "heartbeat/store.h"

static uint64_t
copy_offset(const struct hb *hb, uint32_t slot, uint32_t copy)
{
	uint64_t copies = (uint64_t)slot * 2 + copy;

	return (hb->layout.holds.first + copies * hb->layout.hold_blocks) *
	       HA_BLOCK;
}

static bool
is_same(const struct hb_store *st)
{
	return st->list.incarnation == st->hb->incarnation &&
	       st->list.hold_generation == st->hb->hold_list.generation;
}

bool
hb_hold_is_behind(const struct hb_store *st)
{
	return st->hb->hold_list.generation > 0 && !is_same(st);
}

void
hb_hold_take(struct hb_store *st)
{
	const struct ha_hold_list *list = &st->hb->hold_list;

	st->owes_holds = hb_hold_is_behind(st);
	st->going.hold_generation = list->generation;
	st->going.hold_count = list->count;
	st->going.hold_copy = is_same(st)       ? st->list.hold_copy :
			      st->has_hold_copy ? 1 - st->last_hold_copy :
						  0;
	if (st->owes_holds) {
		memcpy(st->own_holds, list->holds,
		       list->count * sizeof(*list->holds));
	}
}

size_t
hb_hold_encode(struct hb_store *st, uint64_t *ret_offset)
{
	struct hb *hb = st->hb;
	struct ha_hold_list list = {
		.slot = hb->self,
		.incarnation = st->going.incarnation,
		.generation = st->going.hold_generation,
		.count = st->going.hold_count,
		.holds = st->own_holds,
	};

	ha_hold_list_encode(&hb->sb, &list, st->going.hold_copy,
			    st->own_blocks);
	*ret_offset = copy_offset(hb, hb->self, st->going.hold_copy);
	return (size_t)ha_hold_list_blocks(list.count) * HA_BLOCK;
}

/* ---- whom an administrator has called dead ------------------------------ */

static void
take_words(struct hb *hb, const struct ha_hold_list *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct ha_hold *hold = &list->holds[i];
		struct hb_host *owner = &hb->hosts[hold->owner];

		if (hold->kind != HA_HOLD_CONFIRMED_DEAD ||
		    hold->owner_incarnation < owner->confirmed_incarnation ||
		    (hold->owner_incarnation == owner->confirmed_incarnation &&
		     hold->owner_generation <= owner->confirmed_sequence)) {
			continue;
		}
		owner->confirmed_incarnation = hold->owner_incarnation;
		owner->confirmed_sequence = hold->owner_generation;
	}
}

/* Of all lists: a word that was dropped counts no more. Asked for each verdict
 * about a host, so it is looked up here, when a list changes. */
void
hb_hold_index(struct hb *hb)
{
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		hb->hosts[slot].confirmed_incarnation = 0;
		hb->hosts[slot].confirmed_sequence = 0;
	}
	take_words(hb, &hb->hold_list);
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		if (slot != hb->self) {
			take_words(hb, &hb->hosts[slot].hold_list);
		}
	}
}

void
hb_holds_changed(struct hb *hb)
{
	hb->hold_list.generation++;
	hb_hold_index(hb);
}

/* ---- others' ------------------------------------------------------------ */

static bool
is_named(const struct ha_hold_list *list, const struct ha_beat *beat)
{
	return list->incarnation == beat->incarnation &&
	       list->generation == beat->hold_generation;
}

void
hb_hold_named(struct hb *hb, struct hb_host *host)
{
	struct ha_hold_list *list = &host->hold_list;

	/* Said by the beat itself: no copy need be read. */
	if (host->beat.hold_count == 0 && !is_named(list, &host->beat)) {
		list->incarnation = host->beat.incarnation;
		list->generation = host->beat.hold_generation;
		list->count = 0;
		hb_hold_index(hb);
	}
	host->has_holds = is_named(list, &host->beat);
}

static bool
is_wanted(struct hb_store *st, uint32_t slot, uint64_t now_ms)
{
	const struct hb *hb = st->hb;
	const struct hb_host *host = &hb->hosts[slot];
	const struct hb_named *named = &st->named[slot];

	/* The own ones are read back once, before the first beat. */
	if (!host->has_beat || host->has_holds ||
	    (slot == hb->self && hb->is_claimed)) {
		return false;
	}
	/* One datastore at a time; a hung read lends the turn for D. */
	if (host->holds_asked_ms > 0 &&
	    now_ms < host->holds_asked_ms + hb->sb.timing.tolerance_ms) {
		return false;
	}
	return !named->is_hold_tried && named->hold_generation > 0 &&
	       named->incarnation == host->beat.incarnation &&
	       named->hold_generation == host->beat.hold_generation;
}

uint32_t
hb_hold_choose(struct hb_store *st, uint64_t now_ms, size_t *ret_bytes,
	       uint64_t *ret_offset)
{
	struct hb *hb = st->hb;

	for (uint32_t i = 0; i < hb->sb.slots; i++) {
		/* Goes on behind the last one, so that no host starves. */
		uint32_t slot = (st->hold_host + 1 + i) % hb->sb.slots;

		if (!is_wanted(st, slot, now_ms)) {
			continue;
		}
		st->hold_host = slot;
		st->named[slot].is_hold_tried = true;
		st->asked = st->named[slot];
		hb->hosts[slot].holds_asked_ms = now_ms;
		*ret_bytes = (size_t)ha_hold_list_blocks(st->asked.hold_count) *
			     HA_BLOCK;
		*ret_offset = copy_offset(hb, slot, st->asked.hold_copy);
		return slot;
	}
	return HA_SLOT_NONE;
}

void
hb_hold_given_up(struct hb_store *st)
{
	struct hb *hb = st->hb;

	pthread_mutex_lock(&hb->lock);
	hb->hosts[st->hold_host].holds_asked_ms = 0;
	/* Another datastore may have it. */
	for (uint32_t i = 0; i < hb->conf.stores; i++) {
		hb_wake(hb->stores[i]->kick_fd);
	}
	pthread_mutex_unlock(&hb->lock);
}

void
hb_hold_arrived(struct hb_store *st)
{
	struct hb *hb = st->hb;
	struct hb_host *host = &hb->hosts[st->hold_host];
	struct ha_hold_list list = { .holds = st->peer_holds };
	enum ha_block_verdict verdict = ha_hold_list_decode(
		&hb->sb, st->hold_host, st->asked.hold_copy, st->peer_blocks,
		ha_hold_list_blocks(st->asked.hold_count),
		st->asked.incarnation, st->asked.hold_generation, &list);

	if (verdict != HA_BLOCK_OK) {
		hb_hold_given_up(st);
		return;
	}
	pthread_mutex_lock(&hb->lock);
	host->holds_asked_ms = 0;
	/* The beat may have moved on meanwhile. */
	if (is_named(&list, &host->beat)) {
		host->hold_list.incarnation = list.incarnation;
		host->hold_list.generation = list.generation;
		host->hold_list.count = list.count;
		memcpy(host->hold_list.holds, list.holds,
		       list.count * sizeof(*list.holds));
		host->has_holds = true;
		hb_hold_index(hb);
		hb_wake(hb->main_fd);
	}
	pthread_mutex_unlock(&hb->lock);
}

/* ---- what stands on w --------------------------------------------------- */

bool
hb_holds_are_flushed(const struct hb *hb, uint32_t slot)
{
	const struct ha_hold_list *list = &hb->hosts[slot].hold_list;
	uint32_t count = 0;

	if (slot == hb->self) {
		return ha_evidence_generation(&hb->hold_evidence) >=
		       hb->hold_list.generation;
	}
	for (uint32_t i = 0; i < hb->conf.stores; i++) {
		const struct hb_named *named = &hb->stores[i]->named[slot];

		count += named->incarnation == list->incarnation &&
			 named->hold_generation == list->generation;
	}
	return count >= ha_stores_write(hb->conf.stores);
}

bool
hb_slot_is_removed(const struct hb *hb, uint32_t slot)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < hb->conf.stores; i++) {
		const struct hb_store *st = hb->stores[i];

		count += st->was_open && st->table.names[slot][0] == '\0';
	}
	return count >= ha_stores_write(hb->conf.stores);
}
