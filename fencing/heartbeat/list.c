/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VM lists on one datastore. The own list goes to the copy that the last
 * beat on this datastore does not name, and only the next beat makes it the
 * list (SAFETY 14): a reader who follows a beat never finds a list that is
 * half written. Another host's list is read when its newest beat names one
 * that is not known yet, and counts only when it is exactly of the named
 * incarnation and generation.
 */
#include <string.h>

#include "ha/clock.h"
#include "heartbeat/store.h"

static uint64_t
copy_offset(const struct hb *hb, uint32_t slot, uint32_t copy)
{
	uint64_t copies = (uint64_t)slot * 2 + copy;

	return (hb->layout.lists.first + copies * hb->layout.list_blocks) *
	       HA_BLOCK;
}

bool
hb_list_is_behind(const struct hb_store *st)
{
	const struct hb *hb = st->hb;

	return st->list.generation != hb->list.generation ||
	       (hb->list.generation > 0 &&
		st->list.incarnation != hb->incarnation) ||
	       hb_hold_is_behind(st);
}

void
hb_list_take(struct hb_store *st)
{
	const struct ha_vm_list *list = &st->hb->list;
	bool is_same = st->list.incarnation == st->hb->incarnation &&
		       st->list.generation == list->generation;

	st->going = (struct hb_own){
		/* Of the beat that will name it, see hb_beat_assemble(). */
		.sequence = ++st->hb->sequence,
		.incarnation = st->hb->incarnation,
		.generation = list->generation,
		.count = list->count,
		/* SAFETY 14; the first list of an incarnation spares the copy
		 * that the last beat of the one before names. */
		.copy = is_same      ? st->list.copy :
			st->has_copy ? 1 - st->last_copy :
				       0,
	};
	st->owes_vms = !is_same && list->generation > 0;
	if (st->owes_vms) {
		memcpy(st->own_vms, list->vms,
		       list->count * sizeof(*list->vms));
	}
	hb_hold_take(st);
}

size_t
hb_list_encode(struct hb_store *st, uint64_t *ret_offset)
{
	struct hb *hb = st->hb;
	struct ha_vm_list list = {
		.slot = hb->self,
		.incarnation = st->going.incarnation,
		.generation = st->going.generation,
		.count = st->going.count,
		.vms = st->own_vms,
	};

	ha_vm_list_encode(&hb->sb, &list, st->going.copy, st->own_blocks);
	*ret_offset = copy_offset(hb, hb->self, st->going.copy);
	return (size_t)ha_vm_list_blocks(list.count) * HA_BLOCK;
}

void
hb_list_named(struct hb_host *host, uint64_t submitted_ms)
{
	if (host->beat.list_generation == 0) {
		host->list.incarnation = host->beat.incarnation;
		host->list.generation = 0;
		host->list.count = 0;
		host->list_read_ms = submitted_ms;
	}
	host->has_list = host->list.incarnation == host->beat.incarnation &&
			 host->list.generation == host->beat.list_generation;
}

static bool
is_wanted(struct hb_store *st, uint32_t slot, uint64_t now_ms)
{
	const struct hb *hb = st->hb;
	const struct hb_host *host = &hb->hosts[slot];
	const struct hb_named *named = &st->named[slot];

	/* The own list is read back once, before the first beat. */
	if (!host->has_beat || host->has_list ||
	    (slot == hb->self && hb->is_claimed)) {
		return false;
	}
	/* One datastore at a time; a hung read lends the turn for D. */
	if (host->list_asked_ms > 0 &&
	    now_ms < host->list_asked_ms + hb->sb.timing.tolerance_ms) {
		return false;
	}
	return !named->is_tried && named->generation > 0 &&
	       named->incarnation == host->beat.incarnation &&
	       named->generation == host->beat.list_generation;
}

uint32_t
hb_list_choose(struct hb_store *st, uint64_t now_ms, size_t *ret_bytes,
	       uint64_t *ret_offset)
{
	struct hb *hb = st->hb;
	uint32_t i;

	for (i = 0; i < hb->sb.slots; i++) {
		/* Goes on behind the last one, so that no host starves. */
		uint32_t slot = (st->list_host + 1 + i) % hb->sb.slots;

		if (!is_wanted(st, slot, now_ms)) {
			continue;
		}
		st->list_host = slot;
		st->named[slot].is_tried = true;
		st->asked = st->named[slot];
		hb->hosts[slot].list_asked_ms = now_ms;
		*ret_bytes =
			(size_t)ha_vm_list_blocks(st->asked.count) * HA_BLOCK;
		*ret_offset = copy_offset(hb, slot, st->asked.copy);
		return slot;
	}
	return HA_SLOT_NONE;
}

void
hb_list_given_up(struct hb_store *st)
{
	struct hb *hb = st->hb;
	uint32_t i;

	pthread_mutex_lock(&hb->lock);
	hb->hosts[st->list_host].list_asked_ms = 0;
	/* Another datastore may have it. */
	for (i = 0; i < hb->conf.stores; i++) {
		hb_wake(hb->stores[i]->kick_fd);
	}
	pthread_mutex_unlock(&hb->lock);
}

void
hb_list_arrived(struct hb_store *st, const struct ha_disk_end *end)
{
	struct hb *hb = st->hb;
	struct hb_host *host = &hb->hosts[st->list_host];
	struct ha_vm_list list = { .vms = st->peer_vms };
	enum ha_block_verdict verdict = ha_vm_list_decode(
		&hb->sb, st->list_host, st->asked.copy, st->peer_blocks,
		ha_vm_list_blocks(st->asked.count), st->asked.incarnation,
		st->asked.generation, &list);

	if (verdict != HA_BLOCK_OK) {
		hb_list_given_up(st);
		return;
	}
	pthread_mutex_lock(&hb->lock);
	host->list_asked_ms = 0;
	/* The beat may have moved on meanwhile. */
	if (st->asked.incarnation == host->beat.incarnation &&
	    st->asked.generation == host->beat.list_generation) {
		host->list.slot = st->list_host;
		host->list.incarnation = list.incarnation;
		host->list.generation = list.generation;
		host->list.count = list.count;
		memcpy(host->list.vms, list.vms,
		       list.count * sizeof(*list.vms));
		host->has_list = true;
		host->list_read_ms = end->submitted_ms;
		hb_wake(hb->main_fd);
	}
	pthread_mutex_unlock(&hb->lock);
}

bool
hb_list_is_flushed(const struct hb *hb, uint32_t slot, uint64_t incarnation,
		   uint64_t generation)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < hb->conf.stores; i++) {
		const struct hb_named *named = &hb->stores[i]->named[slot];

		count += named->incarnation == incarnation &&
			 named->generation >= generation;
	}
	return count >= ha_stores_write(hb->conf.stores);
}
