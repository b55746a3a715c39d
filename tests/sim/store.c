/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store thread: each beat one write and one read, at most one of each
 * outstanding. A changed list is copied before the beat that names it
 * (SAFETY 14). The stamps are taken where the daemon takes them: before a
 * submission, after a completion, with room for a pause in between.
 */
#include <string.h>

#include "sim.h"

static bool
is_behind(const struct daemon *d, const struct store_thread *st)
{
	return st->list_generation != d->list_generation;
}

static bool
are_holds_behind(const struct daemon *d, const struct store_thread *st)
{
	return st->hold_generation != d->l.hold_generation;
}

static uint8_t
beat_state(const struct daemon *d)
{
	switch ((enum phase)d->phase) {
	case PHASE_OFF:
	case PHASE_BOOTING:
		return BLOCK_UNCLAIMED;
	case PHASE_CLAIMING:
		return BLOCK_STARTING;
	case PHASE_ARMED:
		return BLOCK_ARMED;
	case PHASE_STOPPING:
		return BLOCK_STOPPED;
	}
	return BLOCK_UNCLAIMED;
}

static void
fill_claims(const struct daemon *d, struct claims *ret_claims)
{
	*ret_claims = (struct claims){
		.is_quorate = d->ring.has_membership && d->ring.is_quorate,
		.is_sealed = d->l.seal.is_sealed,
		.is_master = d->l.master.is_on,
		.is_isolated = d->l.isolation.state == HA_ISOLATION_ISOLATED,
		.members = d->members,
		.ring_seq = (uint32_t)d->ring.ring_seq,
		.term = d->l.term,
	};
	memcpy(ret_claims->seals, d->l.seals, sizeof(d->l.seals));
	memcpy(ret_claims->unseals, d->l.unseals, sizeof(d->l.unseals));
	memcpy(ret_claims->acks, d->l.seen_seal, sizeof(d->l.seen_seal));
}

/* Everything a beat tells is taken at one moment, its sequence too: a later
 * sequence always tells a later state and a later list. */
static void
fill_beat(struct world *w, uint32_t host, struct block *ret_block, uint8_t copy,
	  uint32_t generation, uint8_t count)
{
	struct daemon *d = &w->host[host].d;
	uint32_t i;

	*ret_block = (struct block){
		.state = beat_state(d),
		.list_copy = copy,
		.list_count = count,
		.boot = w->host[host].boot,
		.list_generation = generation,
		.incarnation = d->incarnation,
		.sequence = ++d->sequence,
		.fingerprint = ++w->fingerprint,
	};
	for (i = 0; i < w->hosts; i++) {
		ret_block->orders[i] = d->orders[i];
	}
	if (w->l.is_on) {
		fill_claims(d, &ret_block->claims);
	}
}

static void
name_holds(struct block *block, uint8_t copy, uint32_t generation)
{
	block->hold_copy = copy;
	block->hold_generation = generation;
}

static void
assemble_beat(struct world *w, uint32_t host, uint32_t store)
{
	struct store_thread *st = &w->host[host].d.store[store];
	struct disk_write *io = disk_write_prepare(w, host, store);

	st->writing = WRITE_BEAT;
	io->what = WRITE_BEAT;
	fill_beat(w, host, &io->block, st->copied, st->list_generation,
		  st->list_count);
	name_holds(&io->block, st->hold_copied, st->hold_generation);
}

/* List and holds are taken together, with the beat that will name both. */
static bool
take_copies(struct world *w, uint32_t host, uint32_t store)
{
	struct daemon *d = &w->host[host].d;
	struct store_thread *st = &d->store[store];

	st->owes_list = is_behind(d, st);
	st->owes_holds = are_holds_behind(d, st);
	if (!st->owes_list && !st->owes_holds) {
		return false;
	}
	st->going = (struct list_copy){ .count = d->list_count,
					.incarnation = d->incarnation,
					.generation = d->list_generation };
	memcpy(st->going.vms, d->l.list, sizeof(st->going.vms));
	fill_beat(w, host, &st->next,
		  st->owes_list ? st->named ^ 1 : st->copied,
		  d->list_generation, d->list_count);
	name_holds(&st->next,
		   st->owes_holds ? st->hold_named ^ 1 : st->hold_copied,
		   d->l.hold_generation);
	if (st->owes_holds) {
		st->going_holds.incarnation = d->incarnation;
		st->going_holds.generation = d->l.hold_generation;
		st->going_holds.list = d->l.holds;
	}
	return true;
}

/* The next copy that is owed; false: only the beat is left. */
static bool
assemble_copy(struct world *w, uint32_t host, uint32_t store)
{
	struct store_thread *st = &w->host[host].d.store[store];
	struct disk_write *io;

	if (!st->owes_list && !st->owes_holds) {
		return false;
	}
	io = disk_write_prepare(w, host, store);
	io->what = st->owes_list ? WRITE_LIST : WRITE_HOLDS;
	st->writing = io->what;
	if (st->owes_list) {
		io->copy = st->next.list_copy;
		io->list = st->going;
	} else {
		io->copy = st->next.hold_copy;
		io->holds = st->going_holds;
	}
	return true;
}

static void
submit(struct world *w, uint32_t host, uint32_t store)
{
	uint64_t stall_us = world_stall(w, host, STEP_ASSEMBLED);

	w->host[host].d.store[store].write_stamp_ms = world_local_ms(w, host);
	if (stall_us) {
		world_thread(w, EV_WSUBMIT, host, store, 0, stall_us);
	} else {
		disk_write_submit(w, host, store);
	}
}

void
store_write_now(struct world *w, uint32_t host, uint32_t store)
{
	struct daemon *d = &w->host[host].d;
	struct store_thread *st = &d->store[store];

	if (st->writing || d->phase < PHASE_CLAIMING) {
		return;
	}
	if (take_copies(w, host, store)) {
		assemble_copy(w, host, store);
	} else {
		assemble_beat(w, host, store);
	}
	submit(w, host, store);
}

void
store_kick(struct world *w, uint32_t host)
{
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		store_write_now(w, host, s);
	}
}

static void
list_written(struct world *w, uint32_t host, uint32_t store,
	     const struct disk_write *io)
{
	struct store_thread *st = &w->host[host].d.store[store];

	if (io->what == WRITE_HOLDS) {
		st->owes_holds = false;
		st->hold_generation = io->holds.generation;
		st->hold_copied = io->copy;
	} else {
		st->owes_list = false;
		st->list_generation = io->list.generation;
		st->list_count = io->list.count;
		st->copied = io->copy;
		check_flush(w, host);
	}
	if (assemble_copy(w, host, store)) {
		submit(w, host, store);
		return;
	}
	/* The beat that names it, even if the list has changed again. */
	assemble_beat(w, host, store);
	if (!world_is_off(w, RULE_ORDER)) {
		w->host[host].write[store].block = st->next;
	}
	submit(w, host, store);
}

static void
beat_written(struct world *w, uint32_t host, uint32_t store,
	     const struct disk_write *io)
{
	struct daemon *d = &w->host[host].d;
	struct store_thread *st = &d->store[store];
	uint64_t submitted_ms = st->write_stamp_ms;
	uint64_t completed_ms = world_local_ms(w, host);
	uint32_t s;

	if (completed_ms - submitted_ms > w->timing.tolerance_ms / 2) {
		w->truth[host].bad_stores |= 1u << store;
	}
	if (world_is_off(w, RULE_STAMP)) {
		submitted_ms = completed_ms;
	}
	if (world_is_off(w, RULE_LATE)) {
		completed_ms = submitted_ms;
	}
	for (s = 0; s < w->stores; s++) {
		if (s != store && !world_is_off(w, RULE_OVERLAP)) {
			continue;
		}
		ha_evidence_written(&d->evidence, &w->timing, s, submitted_ms,
				    completed_ms, io->block.incarnation,
				    io->block.list_generation);
	}
	if (w->l.is_on) {
		ha_evidence_written(&d->hold_evidence, &w->timing, store,
				    submitted_ms, completed_ms,
				    io->block.incarnation,
				    io->block.hold_generation);
	}
	st->has_written = true;
	st->written_state = io->block.state;
	st->written = io->block.claims;
	st->named = io->block.list_copy;
	st->hold_named = io->block.hold_copy;
	check_flush(w, host);
	if (w->l.is_on) {
		check_hold_flushed(w, host);
		lock_tick(w, host);
	}
	daemon_progress(w, host);
	pet_wake(w, host);
	if (is_behind(d, st) || are_holds_behind(d, st)) {
		store_write_now(w, host, store);
	}
}

void
store_write_done(struct world *w, uint32_t host, uint32_t store, uint32_t id,
		 bool was_stalled)
{
	struct host *h = &w->host[host];
	struct disk_write *io = &h->write[store];
	uint64_t stall_us;

	if (io->id != id || !io->is_awaited) {
		return;
	}
	stall_us = was_stalled ? 0 : world_stall(w, host, STEP_WRITTEN);
	if (stall_us) {
		world_thread(w, EV_WSTAMPED, host, store, id, stall_us);
		return;
	}
	io->is_awaited = false;
	h->d.store[store].writing = 0;
	if (io->is_error) {
		w->truth[host].bad_stores |= 1u << store;
	} else if (io->what != WRITE_BEAT) {
		list_written(w, host, store, io);
	} else {
		beat_written(w, host, store, io);
	}
}

/* The read that hangs is taken for one that showed nothing new. */
static void
count_hung(struct world *w, uint32_t host, uint32_t store)
{
	struct daemon *d = &w->host[host].d;
	uint64_t now_ms = world_local_ms(w, host);
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct ha_sighting *seen = &d->watch[i].at[store];
		struct ha_glimpse what = seen->what;

		if (seen->is_seen) {
			ha_watch_read(&d->watch[i], store, &what, now_ms,
				      now_ms);
		}
	}
	observe_all(w, host);
}

void
store_read_now(struct world *w, uint32_t host, uint32_t store)
{
	struct daemon *d = &w->host[host].d;
	uint64_t stall_us;

	if (d->read[store].is_awaited) {
		if (world_is_off(w, RULE_HUNG_READ)) {
			count_hung(w, host, store);
		}
		return;
	}
	d->read[store].is_awaited = true;
	d->store[store].read_stamp_ms = world_local_ms(w, host);
	stall_us = world_stall(w, host, STEP_READING);
	if (stall_us) {
		world_thread(w, EV_RSUBMIT, host, store, 0, stall_us);
	} else {
		disk_read_submit(w, host, store);
	}
}

void
store_tick(struct world *w, uint32_t host, uint32_t store)
{
	struct store_thread *st = &w->host[host].d.store[store];
	uint64_t now_ms = world_local_ms(w, host);

	do { /* an absolute schedule; a missed slot is not made up */
		st->next_tick_ms += w->timing.beat_ms;
	} while (st->next_tick_ms <= now_ms);
	world_thread(w, EV_TICK, host, store, 0,
		     world_real_us(w, host, st->next_tick_ms) - w->now_us);
	store_write_now(w, host, store);
	store_read_now(w, host, store);
}
