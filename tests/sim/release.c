/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `released` through the ring (SAFETY 26), as ops_release.c does it: a host
 * whose storage is lost tells all that a VM has ended there, the master writes
 * that into its own hold list and answers once it is flushed. Messages stand in
 * the ring's own pool, so that they are late, doubled and lost like the others.
 */
#include "sim.h"

static bool
is_ours(const struct hold *hold, const struct release *r)
{
	return hold->kind == HA_HOLD_RELEASED && hold->vm == r->vm &&
	       hold->owner == r->owner &&
	       hold->owner_incarnation == r->incarnation &&
	       hold->owner_generation >= r->generation;
}

static void
send(struct world *w, uint32_t host, const struct release *r)
{
	uint32_t message = net_message(w);

	w->release[message] = *r;
	net_send(w, host, message);
}

void
release_tell(struct world *w, uint32_t host, uint32_t vm)
{
	struct daemon *d = &w->host[host].d;
	struct announce *a = &d->l.announce[vm];
	uint64_t now_ms = world_local_ms(w, host);
	const struct ha_release_facts facts = {
		.is_armed = d->phase == PHASE_ARMED &&
			    w->truth[host].runs == d->incarnation,
		.is_leased = d->ring.mode == HA_RING_LEASED,
		.is_listed = d->l.list[vm] != ENTRY_NONE &&
			     d->l.list[vm] != ENTRY(HA_LISTED_RELEASED),
		.is_flushed =
			ha_evidence_generation(&d->evidence) >= a->generation,
	};
	const struct release r = {
		.what = RELEASE_TOLD,
		.vm = (uint8_t)vm,
		.owner = (uint8_t)host,
		.incarnation = d->incarnation,
		.generation = a->generation,
		.ring_seq = (uint32_t)d->ring.ring_seq,
		.agent = a->agent,
	};

	if (now_ms < a->tell_ms || !a->generation ||
	    !ha_release_may_tell(&facts)) {
		return;
	}
	a->tell_ms = now_ms + w->timing.beat_ms / 2;
	STORY(w, host, "vm%u: tells that it has ended, list %u", vm,
	      a->generation);
	check_told(w, host, vm);
	send(w, host, &r);
}

static bool
is_written(struct world *w, uint32_t host, const struct release *r)
{
	const struct holds *holds = &w->host[host].d.l.holds;
	uint32_t i;

	for (i = 0; i < holds->count; i++) {
		if (is_ours(&holds->at[i], r)) {
			return true;
		}
	}
	return false;
}

static void
hear(struct world *w, uint32_t host, const struct release *r)
{
	struct daemon *d = &w->host[host].d;
	bool has = is_written(w, host, r);
	const struct ha_release_claim claim = {
		.is_master = d->l.master.is_on && d->l.master.is_ready &&
			     d->phase == PHASE_ARMED,
		.incarnation = r->incarnation,
		.newest = observe_judge(w, host, r->owner, 0).incarnation,
		.is_written = has,
		.is_standing =
			has && ha_evidence_generation(&d->hold_evidence) >=
				       d->l.hold_generation,
	};
	const struct hold hold = {
		.vm = r->vm,
		.kind = HA_HOLD_RELEASED,
		.owner = r->owner,
		.owner_incarnation = r->incarnation,
		.owner_generation = r->generation,
		.term = d->l.master.term,
	};
	struct release reply = *r;

	switch (ha_release_judge(&claim)) {
	case HA_RELEASE_IGNORE:
	case HA_RELEASE_REFUSE: /* the stop fails at its end all the same */
	case HA_RELEASE_WAIT:
		break;
	case HA_RELEASE_WRITE:
		(void)keep_add_hold(w, host, &hold);
		break;
	case HA_RELEASE_ANSWER:
		reply.what = RELEASE_KEPT;
		send(w, host, &reply);
		break;
	}
}

void
release_take(struct world *w, uint32_t host, const struct release *r)
{
	struct daemon *d = &w->host[host].d;
	struct announce *a = &d->l.announce[r->vm];

	if (!w->l.is_on || r->ring_seq != d->ring.ring_seq) {
		return;
	}
	if (r->what == RELEASE_TOLD && r->owner != host) {
		hear(w, host, r);
	} else if (r->what == RELEASE_KEPT && r->owner == host &&
		   r->incarnation == d->incarnation &&
		   a->step == ANN_WITHDRAWING && a->agent == r->agent) {
		STORY(w, host, "vm%u: released through the ring", r->vm);
		w->l.released++;
		a->step = ANN_NONE;
		agent_answer(w, host, r->vm, true);
	}
}

uint8_t
release_entry(const struct world *w, uint32_t host, uint32_t about,
	      uint8_t entry, const struct ha_ticket_hold *holds, uint32_t count)
{
	const struct known_list *list = &w->host[host].d.lists[about];
	uint64_t incarnation = list->incarnation;
	uint64_t generation = list->generation;
	uint32_t i;

	for (i = 0; i < count && entry != ENTRY_NONE; i++) {
		if (world_is_off(w, RULE_RELEASE_LIST)) {
			generation = 0;
		}
		if (world_is_off(w, RULE_RELEASE_BOOT)) {
			incarnation = holds[i].owner_incarnation;
		}
		if (ha_release_voids(&holds[i], about, incarnation,
				     generation)) {
			return ENTRY(HA_LISTED_RELEASED);
		}
	}
	return entry;
}

bool
release_is_spent(struct world *w, uint32_t host, const struct hold *one)
{
	const struct daemon *d = &w->host[host].d;
	const struct ha_ticket_hold record = {
		.kind = HA_HOLD_RELEASED,
		.owner = one->owner,
		.owner_incarnation = one->owner_incarnation,
		.owner_generation = one->owner_generation,
	};
	struct ha_release_owner owner = {
		.newest = observe_judge(w, host, one->owner, 0).incarnation,
	};
	uint32_t count = 0;
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		const struct block *b = &d->read[s].blocks[one->owner];

		count += d->store[s].valid[one->owner] &&
			 b->incarnation == one->owner_incarnation &&
			 b->list_generation >= one->owner_generation;
	}
	owner.is_superseded = count >= w->w;
	/* Broken in this way they are not dropped either. */
	return !world_is_off(w, RULE_RELEASE_LIST) &&
	       !world_is_off(w, RULE_RELEASE_BOOT) &&
	       ha_release_is_spent(&record, &owner);
}
