/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMs of a host that lives on, cut off, are held in its name (SAFETY 17):
 * the sealed list and Pacemaker's history of it, first on disk, then all
 * tickets in one CIB update; only then the fence agent hears of it.
 */
#include "sim.h"

#define WRITE_MS_MAX 200

static uint8_t
vms_of(struct world *w, uint32_t host, uint32_t about)
{
	const struct daemon *d = &w->host[host].d;
	const struct cib *cib = &w->host[host].l.pcmk.cib;
	uint8_t vms = 0;
	uint32_t v;

	for (v = 0; v < w->l.vms; v++) {
		uint8_t entry = d->lists[about].vms[v];
		uint8_t record = cib->record[about][v];

		if ((entry != ENTRY_NONE &&
		     entry != ENTRY(HA_LISTED_RELEASED)) ||
		    (record != RECORD_NONE && record != RECORD_STOPPED)) {
			vms = (uint8_t)(vms | 1u << v);
		}
	}
	return vms;
}

/* Of another host's holds those stand that are flushed: that host may die. */
static bool
are_flushed(const struct world *w, uint32_t host, uint32_t about)
{
	const struct daemon *d = &w->host[host].d;
	const struct known_holds *known = &d->holds[about];
	uint32_t count = 0;
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		const struct block *block = &d->read[s].blocks[about];

		count += d->store[s].has_read && !block->is_damaged &&
			 block->incarnation == known->incarnation &&
			 block->hold_generation == known->generation;
	}
	return known->has && count >= w->w;
}

static bool
is_standing(struct world *w, uint32_t host, uint32_t vm,
	    const struct hold *want)
{
	struct daemon *d = &w->host[host].d;
	struct ha_ticket_hold holds[UNION_HOLDS];
	uint32_t count;
	uint32_t h;
	uint32_t i;

	(void)keep_union(w, host, 0, vm, holds, &count);
	for (h = 0; h < w->hosts; h++) {
		const struct holds *list =
			h == host ? &d->l.holds : &d->holds[h].list;

		if (h != host && !are_flushed(w, host, h)) {
			continue;
		}
		for (i = 0; i < list->count; i++) {
			struct ha_ticket_hold one = {
				.kind = list->at[i].kind,
				.owner = list->at[i].owner,
				.owner_incarnation =
					list->at[i].owner_incarnation,
				.owner_generation =
					list->at[i].owner_generation,
				.term = list->at[i].term,
			};

			if (list->at[i].vm == vm && one.kind == HA_HOLD_OWNER &&
			    one.owner == want->owner &&
			    one.owner_incarnation == want->owner_incarnation &&
			    one.owner_generation >= want->owner_generation &&
			    !ha_hold_is_lifted(&one, holds, count)) {
				return true;
			}
		}
	}
	return false;
}

static void
begin(struct world *w, uint32_t host, uint32_t about, struct session *s)
{
	struct daemon *d = &w->host[host].d;
	const struct cib *cib = &w->host[host].l.pcmk.cib;
	uint32_t v;

	s->vms = vms_of(w, host, about);
	s->has_placed = false;
	for (v = 0; v < w->l.vms; v++) {
		struct hold hold = {
			.vm = (uint8_t)v,
			.kind = HA_HOLD_OWNER,
			.owner = (uint8_t)about,
			.owner_incarnation = d->newest[about].incarnation,
			.owner_generation = d->newest[about].list_generation,
			.term = d->l.term,
		};

		if (!(s->vms & 1u << v)) {
			continue;
		}
		s->has_placed |= cib->ticket[v].is_granted;
		if (!is_standing(w, host, v, &hold) &&
		    !world_is_off(w, RULE_HOLD_DISK)) {
			if (!keep_add_hold(w, host, &hold)) {
				return;
			}
			s->has_placed = true;
		}
	}
	s->placing = 1;
	s->hold_generation = d->l.hold_generation;
}

static void
write_cib(struct world *w, uint32_t host, uint32_t about, struct session *s)
{
	struct cib *cib = s->has_placed ? cib_begin(w, host) : NULL;
	uint32_t v;

	if (s->has_placed && !cib) {
		return;
	}
	for (v = 0; cib && v < w->l.vms; v++) {
		if (s->vms & 1u << v) {
			cib->ticket[v].is_granted = false;
			cib->ticket[v].state = "held";
			cib->ticket[v].term = w->host[host].d.l.term;
		}
	}
	if (cib) {
		STORY(w, host, "CIB: tickets 0x%x held for h%u", s->vms, about);
		cib_commit(w, host);
	}
	s->placing = 0;
	s->hold = s->has_placed ? HA_FENCE_HOLD_PLACED : HA_FENCE_HOLD_STANDING;
	s->placed_ms = world_local_ms(w, host);
}

void
place_look(struct world *w, uint32_t host, uint32_t about)
{
	struct daemon *d = &w->host[host].d;
	struct session *s = &d->sessions[about];
	uint64_t now_ms = world_local_ms(w, host);

	if (s->placing == 0) {
		begin(w, host, about, s);
	}
	if (s->placing == 1 &&
	    ha_evidence_generation(&d->hold_evidence) >= s->hold_generation) {
		s->placing = 2;
		s->write_ms = now_ms + draw_below(w, WRITE_MS_MAX);
	}
	if (s->placing == 2 && now_ms >= s->write_ms) {
		write_cib(w, host, about, s);
	}
}
