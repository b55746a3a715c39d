/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands on the datastores about VMs, as one daemon keeps and knows it:
 * its own list and holds, read back before its first beat, and those of the
 * others, which count only at the generation that their newest beat names
 * (SAFETY 12, 14, 17).
 */
#include <string.h>

#include "sim.h"

uint32_t
keep_count(const struct daemon *d)
{
	uint32_t count = 0;
	uint32_t v;

	for (v = 0; v < LOCK_VMS; v++) {
		count += d->l.list[v] != ENTRY_NONE;
	}
	return count;
}

void
keep_changed(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;

	d->list_generation++;
	d->list_count = (uint8_t)keep_count(d);
	if (d->phase == PHASE_STOPPING && !d->list_count) {
		w->truth[host].runs = 0; /* and takes nothing more */
	}
	STORY(w, host, "list generation %u: %u %u %u %u%s", d->list_generation,
	      d->l.list[0], d->l.list[1], d->l.list[2], d->l.list[3],
	      d->l.seal.is_sealed ? ", sealed" : "");
	store_kick(w, host);
}

bool
keep_has_list(const struct world *w, uint32_t host, uint32_t about)
{
	const struct daemon *d = &w->host[host].d;
	const struct block *newest = &d->newest[about];
	const struct known_list *known = &d->lists[about];

	return newest->incarnation && known->has &&
	       known->incarnation == newest->incarnation &&
	       known->generation == newest->list_generation;
}

bool
keep_has_holds(const struct world *w, uint32_t host, uint32_t about)
{
	const struct daemon *d = &w->host[host].d;
	const struct block *newest = &d->newest[about];
	const struct known_holds *known = &d->holds[about];

	return !newest->hold_generation ||
	       (known->has && known->incarnation == newest->incarnation &&
		known->generation == newest->hold_generation);
}

/* Its beat was read, sound, on r datastores by reads submitted since then. */
bool
keep_is_fresh(const struct world *w, uint32_t host, uint32_t about,
	      uint64_t since_ms)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t count = 0;
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		count += d->store[s].has_read && d->store[s].valid[about] &&
			 d->store[s].read_submitted_ms >= since_ms;
	}
	return count >= w->r;
}

bool
keep_is_gone(struct world *w, uint32_t host, uint32_t about, uint64_t since_ms)
{
	struct ha_watch_verdict v = observe_judge(w, host, about, 0);
	enum ha_ring_silence silence = HA_RING_SILENCE_NO_QUORUM;
	uint64_t due_ms = 0;

	if (!ha_proof_is_gone(v.proof)) {
		return false;
	}
	if (v.proof != HA_PROOF_SILENT) {
		return observe_is_away(w, host, about);
	}
	silence = ring_silence(w, host, about, &due_ms);
	return v.until_ms >= since_ms &&
	       ha_fencing_is_gone(&v, silence, due_ms);
}

/* Before the first beat: what the newest own beat names is here, or must be
 * read first. */
bool
keep_read_back(struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;

	return !d->newest[host].incarnation ||
	       (keep_has_holds(w, host, host) &&
		(!d->is_kept || !d->newest[host].list_generation ||
		 keep_has_list(w, host, host)));
}

bool
keep_add_hold(struct world *w, uint32_t host, const struct hold *hold)
{
	struct daemon *d = &w->host[host].d;
	struct holds *holds = &d->l.holds;

	if (holds->count == LOCK_HOLDS) {
		return false;
	}
	holds->at[holds->count++] = *hold;
	d->l.hold_generation++;
	STORY(w, host, "%s vm%u, owner h%u.%u generation %u, term %u",
	      hold->kind == HA_HOLD_LIFTED   ? "lifts" :
	      hold->kind == HA_HOLD_RELEASED ? "writes down the end of" :
					       "holds",
	      hold->vm, hold->owner, hold->owner_incarnation,
	      hold->owner_generation, hold->term);
	store_kick(w, host);
	return true;
}

static bool
add_holds(const struct holds *from, uint32_t vm, struct ha_ticket_hold *ret,
	  uint32_t *count)
{
	uint32_t i;

	for (i = 0; i < from->count && *count < UNION_HOLDS; i++) {
		const struct hold *h = &from->at[i];

		if (h->vm == vm) {
			ret[(*count)++] = (struct ha_ticket_hold){
				.kind = (enum ha_hold_kind)h->kind,
				.owner = h->owner,
				.owner_incarnation = h->owner_incarnation,
				.owner_generation = h->owner_generation,
				.term = h->term,
			};
		}
	}
	return true;
}

bool
keep_union(struct world *w, uint32_t host, uint64_t since_ms, uint32_t vm,
	   struct ha_ticket_hold *ret_holds, uint32_t *ret_count)
{
	const struct daemon *d = &w->host[host].d;
	bool is_complete = true;
	uint32_t i;

	*ret_count = 0;
	add_holds(&d->l.holds, vm, ret_holds, ret_count);
	for (i = 0; i < w->hosts; i++) {
		if (i == host) {
			continue;
		}
		if (!keep_is_fresh(w, host, i, since_ms) ||
		    !keep_has_holds(w, host, i)) {
			is_complete = false;
		}
		if (d->holds[i].has) {
			add_holds(&d->holds[i].list, vm, ret_holds, ret_count);
		}
	}
	return is_complete;
}

static bool
is_of(const struct hold *lift, const struct hold *hold)
{
	return hold->kind == HA_HOLD_OWNER && lift->vm == hold->vm &&
	       lift->owner == hold->owner &&
	       lift->owner_incarnation == hold->owner_incarnation &&
	       hold->owner_generation <= lift->owner_generation;
}

/* Own records that bind nobody any more. */
static bool
is_spent(struct world *w, uint32_t host, const struct hold *one,
	 bool is_complete)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t h;
	uint32_t i;

	if (one->kind == HA_HOLD_RELEASED) {
		return release_is_spent(w, host, one);
	}
	if (one->kind != HA_HOLD_LIFTED && one->owner != host &&
	    d->newest[one->owner].incarnation > one->owner_incarnation) {
		return true;
	}
	if (one->kind == HA_HOLD_LIFTED && !is_complete) {
		return false;
	}
	for (h = 0; h < w->hosts; h++) {
		const struct holds *all =
			h == host ? &d->l.holds : &d->holds[h].list;

		for (i = 0; i < all->count; i++) {
			const struct hold *other = &all->at[i];

			if (one->kind == HA_HOLD_LIFTED && is_of(one, other)) {
				return false;
			}
			if (one->kind != HA_HOLD_LIFTED &&
			    other->kind == HA_HOLD_LIFTED &&
			    is_of(other, one)) {
				return true;
			}
		}
	}
	return one->kind == HA_HOLD_LIFTED;
}

void
keep_collect(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	struct holds *holds = &d->l.holds;
	bool is_complete = true;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		is_complete &= i == host || (keep_is_fresh(w, host, i, 1) &&
					     keep_has_holds(w, host, i));
	}
	/* A lift that is not flushed yet has ended nothing. */
	is_complete &= ha_evidence_generation(&d->hold_evidence) ==
		       d->l.hold_generation;
	for (i = 0; i < holds->count && is_complete; i++) {
		if (is_spent(w, host, &holds->at[i], is_complete)) {
			STORY(w, host, "drops a record about vm%u of h%u.%u",
			      holds->at[i].vm, holds->at[i].owner,
			      holds->at[i].owner_incarnation);
			holds->at[i] = holds->at[--holds->count];
			d->l.hold_generation++;
			store_kick(w, host);
			return;
		}
	}
}

/* Does nothing unreadable hide a term? */
bool
keep_all_told(const struct world *w, uint32_t host)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (i != host && !ha_watch_is_told(&w->host[host].d.watch[i])) {
			return false;
		}
	}
	return true;
}
