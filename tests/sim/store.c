/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store thread: each beat one write and one read, at most one of each
 * outstanding. A changed list is copied before the beat that names it
 * (SAFETY 14). The stamps are taken where the daemon takes them: before a
 * submission, after a completion, with room for a pause in between.
 */
#include "sim.h"

static bool
is_behind(const struct daemon *d, const struct store_thread *st)
{
	return st->list_generation != d->list_generation;
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
}

static void
assemble_beat(struct world *w, uint32_t host, uint32_t store)
{
	struct store_thread *st = &w->host[host].d.store[store];
	struct disk_write *io = disk_write_prepare(w, host, store);

	st->writing = 2;
	io->is_list = false;
	fill_beat(w, host, &io->block, st->copied, st->list_generation,
		  st->list_count);
}

static void
assemble_list(struct world *w, uint32_t host, uint32_t store)
{
	struct daemon *d = &w->host[host].d;
	struct store_thread *st = &d->store[store];
	struct disk_write *io = disk_write_prepare(w, host, store);

	st->writing = 1;
	io->is_list = true;
	io->copy = st->named ^ 1;
	io->list = (struct list_copy){ .count = d->list_count,
				       .incarnation = d->incarnation,
				       .generation = d->list_generation };
	fill_beat(w, host, &st->next, io->copy, d->list_generation,
		  d->list_count);
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
	if (is_behind(d, st)) {
		assemble_list(w, host, store);
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

	st->list_generation = io->list.generation;
	st->list_count = io->list.count;
	st->copied = io->copy;
	check_flush(w, host);
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
	st->has_written = true;
	st->written_state = io->block.state;
	st->named = io->block.list_copy;
	check_flush(w, host);
	daemon_progress(w, host);
	pet_wake(w, host);
	if (is_behind(d, st)) {
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
	} else if (io->is_list) {
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
