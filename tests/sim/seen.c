/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a completed read of all beats means to the daemon: sightings for
 * ha_watch, orders to itself, and lists whose generation it does not know
 * yet (SAFETY 1.3, 14, 15).
 */
#include <string.h>

#include "sim.h"

static struct ha_glimpse
glimpse_of(const struct world *w, const struct block *block)
{
	struct ha_glimpse what = {
		.kind = block->is_damaged               ? HA_GLIMPSE_DAMAGED :
			block->state == BLOCK_UNCLAIMED ? HA_GLIMPSE_UNCLAIMED :
							  HA_GLIMPSE_BEAT,
		.fingerprint = block->fingerprint,
	};

	if (what.kind == HA_GLIMPSE_BEAT) {
		what.incarnation = block->incarnation;
		what.sequence = block->sequence;
		what.is_armed = block->state == BLOCK_ARMED ||
				(block->state != BLOCK_STOPPED &&
				 world_is_off(w, RULE_CLAIM_FLUSHED));
		what.is_disarmed = block->state == BLOCK_STOPPED;
		what.list_count = block->list_count;
		what.list_generation = block->list_generation;
	}
	return what;
}

void
seen_glimpse(struct world *w, uint32_t host, uint32_t store, uint32_t about,
	     const struct block *block, uint64_t submitted_ms,
	     uint64_t completed_ms)
{
	struct ha_glimpse what = glimpse_of(w, block);

	ha_watch_read(&w->host[host].d.watch[about], store, &what, submitted_ms,
		      completed_ms);
}

/* The submission of the oldest of the newest reads on r datastores that
 * showed a valid block of the host: what was flushed before it must have
 * been seen. False: fewer than r. */
bool
seen_since(const struct world *w, const struct daemon *d, uint32_t about,
	   uint64_t *ret_since_us)
{
	uint64_t at[SIM_STORES];
	uint32_t count = 0;
	uint32_t s;
	uint32_t i;

	for (s = 0; s < w->stores; s++) {
		if (!d->store[s].valid[about]) {
			continue;
		}
		for (i = count++; i && at[i - 1] < d->store[s].valid_us[about];
		     i--) {
			at[i] = at[i - 1];
		}
		at[i] = d->store[s].valid_us[about];
	}
	if (count < w->r) {
		return false;
	}
	*ret_since_us = at[w->r - 1];
	return true;
}

/* The newest beat names a list: is it known, or must it be read? */
static void
look_for_list(struct world *w, uint32_t host, uint32_t store, uint32_t about)
{
	struct daemon *d = &w->host[host].d;
	const struct ha_sighting *newest;
	struct known_list *known = &d->lists[about];
	uint64_t since_us;

	newest = ha_watch_newest(&d->watch[about], NULL);
	if (!newest || !seen_since(w, d, about, &since_us) ||
	    (known->has && known->incarnation == newest->what.incarnation &&
	     known->generation == newest->what.list_generation &&
	     (!w->l.is_on || keep_has_holds(w, host, about)))) {
		return;
	}
	if (!newest->what.list_generation &&
	    (!w->l.is_on || keep_has_holds(w, host, about))) {
		struct list_copy none = {
			.incarnation = (uint32_t)newest->what.incarnation
		};

		check_list(w, host, about, &none, since_us);
		*known = (struct known_list){ .has = true,
					      .incarnation = none.incarnation };
	} else if (!d->list_read[store].is_awaited &&
		   d->store[store].valid[about]) {
		d->list_read[store].named =
			d->read[store].blocks[about].list_copy;
		disk_list_submit(w, host, store, about);
	}
}

static void
take_holds(struct world *w, uint32_t host, const struct list_read *io)
{
	struct daemon *d = &w->host[host].d;
	const struct block *newest = &d->newest[io->about];
	uint32_t c;

	for (c = 0; c < 2; c++) {
		const struct hold_copy *copy = &io->holds[c];

		if (!copy->is_damaged && copy->generation &&
		    copy->incarnation == newest->incarnation &&
		    copy->generation == newest->hold_generation) {
			d->holds[io->about] = (struct known_holds){
				.has = true,
				.incarnation = copy->incarnation,
				.generation = copy->generation,
				.list = copy->list,
			};
		}
	}
}

void
store_list_done(struct world *w, uint32_t host, uint32_t store, uint32_t id)
{
	struct daemon *d = &w->host[host].d;
	struct list_read *io = &d->list_read[store];
	const struct ha_sighting *newest;
	uint64_t since_us;
	uint32_t c;

	if (io->id != id || !io->is_awaited) {
		return;
	}
	io->is_awaited = false;
	newest = ha_watch_newest(&d->watch[io->about], NULL);
	if (io->is_error || !newest ||
	    !seen_since(w, d, io->about, &since_us)) {
		return;
	}
	if (w->l.is_on) {
		take_holds(w, host, io);
	}
	for (c = 0; c < 2; c++) {
		const struct list_copy *copy = &io->copies[c];
		bool is_match =
			copy->incarnation == newest->what.incarnation &&
			copy->generation == newest->what.list_generation;

		if (world_is_off(w, RULE_GENERATION)) {
			is_match = c == io->named && copy->generation;
		}
		if (world_is_off(w, RULE_LOCK_GENERATION)) {
			is_match =
				copy->generation &&
				copy->incarnation == newest->what.incarnation;
		}
		if (is_match && !copy->is_damaged) {
			if (!world_is_off(w, RULE_LOCK_GENERATION)) {
				check_list(w, host, io->about, copy, since_us);
			}
			d->lists[io->about] = (struct known_list){
				.has = true,
				.incarnation = copy->incarnation,
				.generation = copy->generation
			};
			memcpy(d->lists[io->about].vms, copy->vms,
			       sizeof(copy->vms));
			if (world_is_off(w, RULE_LOCK_GENERATION)) {
				d->lists[io->about].generation =
					(uint32_t)newest->what.list_generation;
			}
			return;
		}
	}
}

static bool
is_ordered(const struct world *w, uint32_t host, uint32_t store)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct block *block = &d->read[store].blocks[i];

		if (i != host && !block->is_damaged && d->incarnation &&
		    block->orders[host] == d->incarnation) {
			return true;
		}
	}
	return false;
}

static void
take_newest(const struct world *w, struct daemon *d, uint32_t about,
	    const struct block *block)
{
	struct block *newest = &d->newest[about];
	struct ha_glimpse what = glimpse_of(w, block);

	if (!block->is_damaged && block->state != BLOCK_UNCLAIMED &&
	    ha_watch_counts(&d->watch[about], &what) &&
	    (block->incarnation > newest->incarnation ||
	     (block->incarnation == newest->incarnation &&
	      block->sequence > newest->sequence))) {
		*newest = *block;
	}
}

/* SAFETY 14 by 1.4: a claim that does not count says nothing about the beat
 * that it has replaced, which may have been the newest of all. */
static bool
is_telling(const struct world *w, uint32_t host, uint32_t about,
	   const struct block *block)
{
	struct ha_glimpse what = glimpse_of(w, block);

	if (what.kind == HA_GLIMPSE_DAMAGED) {
		return world_is_off(w, RULE_DAMAGED_LIST);
	}
	return what.kind == HA_GLIMPSE_UNCLAIMED ||
	       ha_watch_counts(&w->host[host].d.watch[about], &what) ||
	       world_is_off(w, RULE_CLAIM_HIDES);
}

/* Also from a claim that does not count: no term is too high to know, and this
 * one may hide the last word of a master. */
static void
take_term(const struct world *w, struct daemon *d, const struct block *block)
{
	if (!block->is_damaged && block->claims.term > d->l.term &&
	    !world_is_off(w, RULE_CLAIM_TERM)) {
		d->l.term = block->claims.term;
	}
}

static void
take_blocks(struct world *w, uint32_t host, uint32_t store)
{
	struct daemon *d = &w->host[host].d;
	struct store_thread *st = &d->store[store];
	const struct disk_read *io = &d->read[store];
	uint64_t completed_ms = world_local_ms(w, host);
	uint64_t submitted_ms = world_is_off(w, RULE_READ_SUBMISSION) ?
					completed_ms :
					st->read_stamp_ms;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		seen_glimpse(w, host, store, i, &io->blocks[i], submitted_ms,
			     completed_ms);
		st->valid[i] = is_telling(w, host, i, &io->blocks[i]);
		st->valid_us[i] = io->submitted_us;
		take_newest(w, d, i, &io->blocks[i]);
		take_term(w, d, &io->blocks[i]);
	}
	st->has_read = true;
	st->read_submitted_ms = st->read_stamp_ms;
	st->read_sampled_us = io->sampled_us;
	st->own = io->blocks[host];
	st->is_own_valid = !st->own.is_damaged;
}

void
store_read_done(struct world *w, uint32_t host, uint32_t store, uint32_t id,
		bool was_stalled)
{
	struct daemon *d = &w->host[host].d;
	struct disk_read *io = &d->read[store];
	uint64_t stall_us;
	uint32_t i;

	if (io->id != id || !io->is_awaited) {
		return;
	}
	stall_us = was_stalled ? 0 : world_stall(w, host, STEP_READ);
	if (stall_us) {
		world_thread(w, EV_RSTAMPED, host, store, id, stall_us);
		return;
	}
	io->is_awaited = false;
	if (io->is_error) {
		return;
	}
	take_blocks(w, host, store);
	if (is_ordered(w, host, store)) {
		check_reset(w, host, "ordered");
		host_reset(w, host, "ordered to reset itself");
		return;
	}
	if (d->phase == PHASE_BOOTING) {
		daemon_progress(w, host);
		if (w->l.is_on && d->phase == PHASE_BOOTING) {
			look_for_list(w, host, store, host);
		}
		return;
	}
	if (w->l.is_on) {
		seal_orders(w, host, io->blocks);
	}
	ring_look(w, host);
	for (i = 0; i < w->hosts; i++) {
		if (i != host) {
			look_for_list(w, host, store, i);
		}
	}
	if (w->l.is_on) {
		lock_tick(w, host);
	}
	observe_all(w, host);
}
