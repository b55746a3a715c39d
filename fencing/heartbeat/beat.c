/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the next beat says, and what became of the last one. A beat takes its
 * sequence and all its facts under the lock, so that a later beat always
 * tells a later state. It names the VM list that lies on its own datastore
 * already, never one that is still on its way (SAFETY 14).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ha/clock.h"
#include "heartbeat/store.h"

#define PROGRAM_SHIFT 16
#define DECIMAL 10

bool
hb_is_claim_flushed(const struct hb *hb)
{
	return ha_evidence_incarnation(&hb->evidence) == hb->incarnation;
}

enum ha_beat_state
hb_beat_state(const struct hb *hb)
{
	switch (hb->phase) {
	case HB_STOPPING:
	case HB_STOPPED:
		/* SAFETY 1.4: "stopped" counts wherever it is read. A start
		 * that gives up before its number stands on w only claims: a
		 * later boot may live with a lower one. */
		return hb_is_claim_flushed(hb) ? HA_BEAT_STOPPED :
						 HA_BEAT_STARTING;
	case HB_ARMED:
		return hb->is_armed && !hb->is_standing_down ?
			       HA_BEAT_ARMED :
			       HA_BEAT_STANDING_DOWN;
	case HB_OPENING:
	case HB_CLAIMING:
	case HB_FAILED:
		break;
	}
	return HA_BEAT_STARTING;
}

struct ha_watch_verdict
hb_judge(const struct hb *hb, uint32_t slot, uint64_t about)
{
	const struct hb_host *host = &hb->hosts[slot];
	struct ha_watch_verdict verdict =
		ha_watch_judge(&host->watch, &hb->sb.timing, about);

	ha_watch_confirm(&host->watch, &hb->sb.timing,
			 host->confirmed_incarnation, host->confirmed_sequence,
			 &verdict);
	return verdict;
}

static uint32_t
program_version(void)
{
	char *end;
	unsigned long major = strtoul(VMHA_VERSION, &end, DECIMAL);
	unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, DECIMAL) : 0;

	return (uint32_t)(major << PROGRAM_SHIFT | minor);
}

/* 1: not yet, the order is being carried out. Negative: refused. */
static int
order_result(const struct hb *hb, uint32_t sender, const struct ha_order *order,
	     bool says_sealed)
{
	const struct hb_host *host = &hb->hosts[sender];

	switch (order->kind) {
	case HA_ORDER_STAND_DOWN:
		if (hb->is_armed && hb->watchdog.is_nowayout) {
			return -EPERM;
		}
		return hb->is_standing_down && !hb->is_armed ? 0 : 1;
	case HA_ORDER_STAND_TO:
		return !hb->is_standing_down && hb->is_armed ? 0 : 1;
	case HA_ORDER_SEAL:
		/* Done is what this very beat says. */
		if (host->seal_refused == order->nonce) {
			return -EPERM;
		}
		return says_sealed ? 0 : 1;
	case HA_ORDER_UNSEAL:
		return host->unseal_obeyed == order->nonce ? host->unseal_code :
							     1;
	case HA_ORDER_TEST:
		return 0;
	case HA_ORDER_RESET:
	case HA_ORDER_OFF:
		return hb->is_reset_ordered ? 0 : 1;
	case HA_ORDER_NONE:
		break;
	}
	return -ENOSYS; /* of a newer program */
}

/* An acknowledgement stands as long as its order does, so both are one
 * computation from what the others' newest beats say. */
static void
collect_acks(struct hb *hb, bool says_sealed)
{
	uint32_t slot;
	uint32_t i;

	hb->acks_count = 0;
	for (slot = 0; slot < hb->sb.slots; slot++) {
		const struct hb_host *host = &hb->hosts[slot];

		if (slot == hb->self || !host->has_beat) {
			continue;
		}
		for (i = 0; i < host->beat.orders_count; i++) {
			const struct ha_order *order = &host->beat.orders[i];
			int result = order_result(hb, slot, order, says_sealed);

			if (order->target != hb->self ||
			    order->incarnation != hb->incarnation ||
			    hb->acks_count == HA_ORDERS_MAX || result > 0) {
				continue;
			}
			hb->acks[hb->acks_count++] = (struct ha_order_ack){
				.sender = slot,
				.nonce = order->nonce,
				.result = result,
			};
		}
	}
}

static enum ha_evidence_kind_disk
evidence_on_disk(enum ha_evidence_kind kind)
{
	switch (kind) {
	case HA_EVIDENCE_STORAGE:
		return HA_BEAT_EVIDENCE_STORAGE;
	case HA_EVIDENCE_RING:
		return HA_BEAT_EVIDENCE_RING;
	case HA_EVIDENCE_LONE:
		return HA_BEAT_EVIDENCE_LONE;
	case HA_EVIDENCE_NONE:
	case HA_EVIDENCE_N:
		break;
	}
	return HA_BEAT_EVIDENCE_NONE;
}

/* SAFETY 14: readers follow the beat with the highest sequence to its list, so
 * a higher sequence must never name an older list. The list here may have
 * hung on its way while newer ones were flushed elsewhere: its beat then takes
 * the sequence that was set aside when that list was the newest. */
static uint64_t
next_sequence(struct hb_store *st)
{
	return hb_list_is_behind(st) && st->list.sequence > 0 ?
		       st->list.sequence :
		       ++st->hb->sequence;
}

/* Who reads "sealed" takes the list that this beat names for the last word:
 * it must not be one from before the seal. */
static bool
says_seal(const struct hb_store *st)
{
	const struct hb *hb = st->hb;

	return (hb->flags & HA_BEAT_SEALED) != 0 &&
	       st->list.generation >= hb->sealed_generation;
}

void
hb_seal_anew(struct hb *hb)
{
	hb->flags |= HA_BEAT_SEALED;
	hb->sealed_generation = ++hb->list.generation;
	hb->is_settled = false;
	hb_kick_locked(hb);
}

void
hb_seal(struct hb *hb)
{
	if ((hb->flags & HA_BEAT_SEALED) == 0) {
		hb_seal_anew(hb);
	}
}

struct ha_claim
hb_claim(const struct hb *hb, const uint64_t members[4])
{
	struct ha_claim claim = { .name = "" };
	struct ha_hostset set;
	uint32_t slot;

	memcpy(set.bits, members, sizeof(set.bits));
	for (slot = 0; slot < hb->sb.slots; slot++) {
		if (!ha_hostset_has(&set, slot)) {
			continue;
		}
		claim.votes += hb->votes[slot];
		if (strcmp(hb->table.names[slot], claim.name) > 0) {
			claim.name = hb->table.names[slot];
		}
	}
	return claim;
}

void
hb_beat_assemble(struct hb_store *st, struct ha_beat *ret_beat)
{
	struct hb *hb = st->hb;
	uint32_t i;

	bool says_sealed = says_seal(st);

	collect_acks(hb, says_sealed);
	*ret_beat = (struct ha_beat){
		.slot = hb->self,
		.boot_id = hb->boot_id,
		.incarnation = hb->incarnation,
		.sequence = next_sequence(st),
		.state = hb_beat_state(hb),
		.flags = says_sealed ? hb->flags : hb->flags & ~HA_BEAT_SEALED,
		.evidence = evidence_on_disk(hb->evidence_kind),
		.list_generation = st->list.generation,
		.list_copy = st->list.copy,
		.list_count = st->list.count,
		.hold_generation = st->list.hold_generation,
		.hold_copy = st->list.hold_copy,
		.hold_count = st->list.hold_count,
		.ring_seq = hb->ring_seq,
		.term = hb->term,
		.watchdog_ms = hb->is_armed ? hb->watchdog.timeout_ms : 0,
		.program = program_version(),
		.orders_count = hb->orders_count,
		.acks_count = hb->acks_count,
	};
	memcpy(ret_beat->host, hb->table.names[hb->self],
	       sizeof(ret_beat->host));
	memcpy(ret_beat->members, hb->members.bits, sizeof(ret_beat->members));
	memcpy(ret_beat->orders, hb->orders, sizeof(hb->orders));
	memcpy(ret_beat->acks, hb->acks, sizeof(hb->acks));
	for (i = 0; i < hb->conf.stores; i++) {
		ret_beat->stores_ok += hb->views[i].is_working ? 1 : 0;
	}
	st->going = (struct hb_own){
		.sequence = ret_beat->sequence,
		.incarnation = ret_beat->incarnation,
		.generation = ret_beat->list_generation,
		.state = ret_beat->state,
		.copy = ret_beat->list_copy,
		.count = ret_beat->list_count,
		.hold_generation = ret_beat->hold_generation,
		.hold_copy = ret_beat->hold_copy,
		.hold_count = ret_beat->hold_count,
	};
}

static void
want_reads_locked(struct hb *hb)
{
	uint32_t i;

	for (i = 0; i < hb->conf.stores; i++) {
		hb->stores[i]->want_read = true;
		hb_wake(hb->stores[i]->kick_fd);
	}
}

void
hb_look(struct hb *hb)
{
	pthread_mutex_lock(&hb->lock);
	want_reads_locked(hb);
	pthread_mutex_unlock(&hb->lock);
}

void
hb_beat_written(struct hb_store *st, const struct ha_disk_end *end)
{
	struct hb *hb = st->hb;
	struct hb_store_view *view = &hb->views[st->index];
	uint64_t took_ms = end->completed_ms - end->submitted_ms;
	uint64_t before;

	if (st->going.generation > 0) {
		st->has_copy = true;
		st->last_copy = st->going.copy;
	}
	if (st->going.hold_generation > 0) {
		st->has_hold_copy = true;
		st->last_hold_copy = st->going.hold_copy;
	}
	pthread_mutex_lock(&hb->lock);
	before = ha_evidence_generation(&hb->evidence);
	st->is_write_good = ha_evidence_written(
		&hb->evidence, &hb->sb.timing, st->index, end->submitted_ms,
		end->completed_ms, st->going.incarnation, st->going.generation);
	(void)ha_evidence_written(&hb->hold_evidence, &hb->sb.timing, st->index,
				  end->submitted_ms, end->completed_ms,
				  st->going.incarnation,
				  st->going.hold_generation);
	st->written = st->going;
	view->written_ms = end->submitted_ms;
	view->write_took_ms = (uint32_t)took_ms;
	view->beats++;
	/* SAFETY 1.1: on the disk, but no evidence. */
	if (!st->is_write_good) {
		hb_store_slow(st, took_ms);
	}
	hb_store_update(st);
	/* A list change that now stands on w: whoever made it waits for reads
	 * submitted from here on (SAFETY 12). */
	if (ha_evidence_generation(&hb->evidence) > before) {
		want_reads_locked(hb);
	}
	pthread_mutex_unlock(&hb->lock);
	hb_wake(hb->pet_fd);
	hb_wake(hb->main_fd);
}

void
hb_kick_locked(struct hb *hb)
{
	uint32_t i;

	for (i = 0; i < hb->conf.stores; i++) {
		hb->stores[i]->want_beat = true;
		hb_wake(hb->stores[i]->kick_fd);
	}
}

void
hb_kick(struct hb *hb)
{
	pthread_mutex_lock(&hb->lock);
	hb_kick_locked(hb);
	pthread_mutex_unlock(&hb->lock);
}

void
hb_mark(struct hb *hb)
{
	hb->mark_sequence = hb->sequence + 1;
	hb_kick_locked(hb);
}

bool
hb_is_flushed(const struct hb *hb, uint64_t sequence)
{
	uint32_t count = 0;
	uint32_t i;

	for (i = 0; i < hb->conf.stores; i++) {
		const struct hb_own *written = &hb->stores[i]->written;

		count += written->incarnation == hb->incarnation &&
			 written->sequence >= sequence;
	}
	return count >= ha_stores_write(hb->conf.stores);
}

bool
hb_is_marked(const struct hb *hb, enum ha_beat_state state)
{
	uint32_t count = 0;
	uint32_t i;

	for (i = 0; i < hb->conf.stores; i++) {
		const struct hb_own *written = &hb->stores[i]->written;

		if (written->sequence >= hb->mark_sequence &&
		    written->incarnation == hb->incarnation &&
		    written->state == state &&
		    written->generation == hb->list.generation &&
		    written->hold_generation == hb->hold_list.generation) {
			count++;
		}
	}
	return count >= ha_stores_write(hb->conf.stores);
}

void
hb_stand_down_locked(struct hb *hb, bool is_down)
{
	/* A device that can't be stopped would reset this host. */
	if (is_down && hb->is_armed && hb->watchdog.is_nowayout) {
		return;
	}
	if (hb->is_standing_down != is_down) {
		hb->is_standing_down = is_down;
		hb_mark(hb);
		hb_wake(hb->pet_fd);
	}
}

void
hb_stand_down(struct hb *hb, bool is_down)
{
	pthread_mutex_lock(&hb->lock);
	hb_stand_down_locked(hb, is_down);
	pthread_mutex_unlock(&hb->lock);
}
