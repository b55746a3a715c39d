/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hold lists of all hosts say together (SAFETY 17): is a VM held in
 * the name of a host, are all lists read, and which own records are of no use
 * any more. A hold binds until the master has lifted it or the incarnation that
 * it names is gone; a list that can't be read may hold anything. Nothing here
 * drops a record that may still bind somebody. hb->lock held throughout.
 */
#include <string.h>

#include "ha/clock.h"
#include "ha/release.h"
#include "heartbeat/serve.h"
#include "heartbeat/store.h"

const struct ha_hold_list *
hbs_holds_of(const struct hb *hb, uint32_t slot)
{
	if (slot == hb->self) {
		return &hb->hold_list;
	}
	return hb->table.names[slot][0] && hb->hosts[slot].has_holds ?
		       &hb->hosts[slot].hold_list :
		       NULL;
}

static bool
has_uuid(const struct ha_hold *hold)
{
	static const struct ha_uuid NONE;

	return memcmp(&hold->uuid, &NONE, sizeof(NONE)) != 0;
}

/* As the fault domain manager sees it: by resource, since the domain may have
 * another UUID on each host; or by UUID, since resources are renamed. */
bool
hbs_hold_is_same_vm(const struct ha_hold *a, const struct ha_hold *b)
{
	return (a->resource[0] && strcmp(a->resource, b->resource) == 0) ||
	       (has_uuid(a) && has_uuid(b) &&
		memcmp(&a->uuid, &b->uuid, sizeof(a->uuid)) == 0);
}

static struct ha_ticket_hold
of_hold(const struct ha_hold *hold)
{
	return (struct ha_ticket_hold){
		.kind = hold->kind,
		.owner = hold->owner,
		.owner_incarnation = hold->owner_incarnation,
		.owner_generation = hold->owner_generation,
		.term = hold->term,
	};
}

/* Does `lift` end this hold? */
static bool
is_ended_by(const struct ha_hold *hold, const struct ha_hold *lift)
{
	const struct ha_ticket_hold it = of_hold(hold);
	const struct ha_ticket_hold other = of_hold(lift);

	return lift->kind == HA_HOLD_LIFTED &&
	       hbs_hold_is_same_vm(hold, lift) &&
	       ha_hold_is_lifted(&it, &other, 1);
}

bool
hbs_hold_is_lifted(const struct hb *hb, const struct ha_hold *hold,
		   bool must_be_flushed)
{
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		const struct ha_hold_list *list = hbs_holds_of(hb, slot);

		if (!list || list->count == 0 ||
		    (must_be_flushed && !hb_holds_are_flushed(hb, slot))) {
			continue;
		}
		for (uint32_t i = 0; i < list->count; i++) {
			if (is_ended_by(hold, &list->holds[i])) {
				return true;
			}
		}
	}
	return false;
}

const struct ha_hold *
hbs_hold_find(const struct hb *hb, const struct ha_uuid *uuid,
	      const char *resource, uint32_t owner, uint64_t gone_incarnation)
{
	struct ha_hold vm = { .uuid = *uuid };

	(void)strncpy(vm.resource, resource, sizeof(vm.resource) - 1);
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		const struct ha_hold_list *list = hbs_holds_of(hb, slot);

		for (uint32_t i = 0; list && i < list->count; i++) {
			const struct ha_hold *hold = &list->holds[i];

			if (hold->kind == HA_HOLD_OWNER &&
			    hold->owner == owner &&
			    hold->owner_incarnation > gone_incarnation &&
			    hbs_hold_is_same_vm(hold, &vm) &&
			    !hbs_hold_is_lifted(hb, hold, false)) {
				return hold;
			}
		}
	}
	return NULL;
}

static bool
is_about(const struct ha_hold *hold, const struct ha_listed_vm *vm)
{
	return strcmp(hold->resource, vm->resource) == 0 ||
	       (has_uuid(hold) &&
		memcmp(&hold->uuid, &vm->uuid, sizeof(vm->uuid)) == 0);
}

/* A record may count before it is flushed: it says what is so. */
enum ha_listed_state
hbs_listed_state(const struct hb *hb, uint32_t slot,
		 const struct ha_listed_vm *vm)
{
	const struct ha_vm_list *list = &hb->hosts[slot].list;

	for (uint32_t by = 0; by < hb->sb.slots; by++) {
		const struct ha_hold_list *holds = hbs_holds_of(hb, by);

		for (uint32_t i = 0; holds && i < holds->count; i++) {
			const struct ha_ticket_hold record =
				of_hold(&holds->holds[i]);

			if (ha_release_voids(&record, slot, list->incarnation,
					     list->generation) &&
			    is_about(&holds->holds[i], vm)) {
				return HA_LISTED_RELEASED;
			}
		}
	}
	return vm->state;
}

/* A person took the owner's slot back, and this daemon does not know its name:
 * nobody could ever prove its death, nor lift the hold. */
bool
hbs_hold_is_orphan(const struct hb *hb, const struct ha_hold *hold)
{
	return hold->kind == HA_HOLD_OWNER &&
	       !hb->table.names[hold->owner][0] &&
	       hb_slot_is_removed(hb, hold->owner);
}

/* ---- are all of them here? ---------------------------------------------- */

/* Nobody ever beat in this slot, by reads since then. */
static bool
is_unclaimed(const struct hb *hb, uint32_t slot, uint64_t since_ms)
{
	const struct hb_host *host = &hb->hosts[slot];
	uint32_t count = 0;

	for (uint32_t i = 0; i < hb->sb.stores; i++) {
		count += hb->views[i].read_ms >= since_ms &&
			 host->watch.at[i].is_seen &&
			 host->watch.at[i].what.kind == HA_GLIMPSE_UNCLAIMED;
	}
	return !host->has_beat && count >= ha_stores_read(hb->sb.stores);
}

/* What a dead host has held is worth knowing, not worth waiting for: the owner
 * of such a hold lives, cut off, and its own list, which must be read, says the
 * same (SAFETY, "What carries what"). Else a dead host whose area is torn would
 * keep every VM of the cluster down. */
static bool
is_past(const struct hbs *s, uint32_t slot, uint64_t now_ms)
{
	struct ha_hostset out;

	hbs_out_of_the_way(s, &out);
	return hbs_host_is_gone(s, slot, &out, now_ms);
}

uint32_t
hbs_holds_unread(const struct hbs *s, uint32_t from, uint64_t since_ms,
		 uint64_t now_ms)
{
	const struct hb *hb = s->hb;

	for (uint32_t slot = from; slot < hb->sb.slots; slot++) {
		if (slot == hb->self || !hb->table.names[slot][0] ||
		    is_unclaimed(hb, slot, since_ms) ||
		    (hb->hosts[slot].has_holds &&
		     hbs_is_beat_read(hb, slot, since_ms)) ||
		    is_past(s, slot, now_ms)) {
			continue;
		}
		return slot;
	}
	return HA_SLOT_NONE;
}

/* ---- what is of no use any more ----------------------------------------- */

/* What a lift ends may stand in any list. */
static bool
is_needed(const struct hb *hb, const struct ha_hold *lift)
{
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		const struct ha_hold_list *list = hbs_holds_of(hb, slot);

		for (uint32_t i = 0; list && i < list->count; i++) {
			const struct ha_hold *hold = &list->holds[i];

			if ((hold->kind == HA_HOLD_OWNER ||
			     hold->kind == HA_HOLD_POLICY) &&
			    is_ended_by(hold, lift)) {
				return true;
			}
		}
	}
	return false;
}

/* Not on one datastore: whoever reads r others must still find the record. */
static bool
is_spent(const struct hbs *s, const struct ha_hold *hold, uint64_t newest,
	 bool is_gone)
{
	const struct hb *hb = s->hb;
	const struct ha_ticket_hold record = of_hold(hold);
	const struct ha_release_owner owner = {
		.newest = newest,
		.is_gone = is_gone,
		.is_superseded = hb_list_is_flushed(hb, hold->owner,
						    hold->owner_incarnation,
						    hold->owner_generation),
	};

	return ha_release_is_spent(&record, &owner);
}

static bool
is_useless(const struct hbs *s, const struct ha_hold *hold, bool is_complete,
	   uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	struct ha_watch_verdict verdict = hb_judge(hb, hold->owner, 0);
	bool is_replaced = verdict.incarnation > hold->owner_incarnation;

	switch (hold->kind) {
	case HA_HOLD_OWNER:
		/* Not by a word alone: that may be wrong. */
		return is_replaced || hbs_hold_is_orphan(hb, hold) ||
		       hbs_hold_is_lifted(hb, hold, true) ||
		       (verdict.proof != HA_PROOF_CONFIRMED &&
			hbs_incarnation_is_gone(s, hold->owner,
						hold->owner_incarnation,
						now_ms));
	case HA_HOLD_POLICY:
		return hbs_hold_is_lifted(hb, hold, true);
	case HA_HOLD_LIFTED:
		return is_complete && !is_needed(hb, hold);
	case HA_HOLD_CONFIRMED_DEAD:
		return is_replaced ||
		       (hb->hosts[hold->owner].has_beat &&
			hb->hosts[hold->owner].beat.incarnation ==
				hold->owner_incarnation &&
			hb->hosts[hold->owner].beat.sequence >
				hold->owner_generation);
	case HA_HOLD_RELEASED:
		return is_spent(
			s, hold, verdict.incarnation,
			verdict.proof != HA_PROOF_CONFIRMED &&
				hbs_incarnation_is_gone(s, hold->owner,
							hold->owner_incarnation,
							now_ms));
	}
	return false;
}

uint32_t
hbs_holds_drop(struct hbs *s, uint32_t most, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	struct ha_hold_list *list = &hb->hold_list;
	uint64_t late_ms = 2 * (uint64_t)hb->sb.timing.beat_ms +
			   hb->sb.timing.tolerance_ms;
	uint64_t since_ms = now_ms > late_ms ? now_ms - late_ms : 0;
	bool is_complete =
		hbs_holds_unread(s, 0, since_ms, now_ms) == HA_SLOT_NONE;
	uint32_t dropped = 0;

	for (uint32_t n = list->count; n > 0 && most > 0; n--, most--) {
		if (s->next_hold >= list->count) {
			s->next_hold = 0;
		}
		if (!is_useless(s, &list->holds[s->next_hold], is_complete,
				now_ms)) {
			s->next_hold++;
			continue;
		}
		list->count--;
		memmove(&list->holds[s->next_hold],
			&list->holds[s->next_hold + 1],
			(list->count - s->next_hold) * sizeof(list->holds[0]));
		dropped++;
	}
	if (dropped > 0) {
		hb_holds_changed(hb);
		hb_kick_locked(hb);
	}
	return dropped;
}

void
hbs_holds_look(struct hbs *s)
{
	uint64_t now_ms = ha_clock_now_ms();

	if (now_ms < s->holds_ms + HBS_HOLDS_MS) {
		return;
	}
	s->holds_ms = now_ms;
	pthread_mutex_lock(&s->hb->lock);
	if (s->hb->phase == HB_ARMED) {
		(void)hbs_holds_drop(s, HBS_HOLDS_A_LOOK, now_ms);
	}
	pthread_mutex_unlock(&s->hb->lock);
}
