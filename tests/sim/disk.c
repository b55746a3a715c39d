/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared datastores, seen from one host's path each. A write lands at some
 * time and completes at some later time; it may complete as failed and have
 * landed, land after it was reported failed, or be torn when its host goes.
 * A read looks at some time between its submission and its completion.
 *
 * Not modelled: two writes of one host to one datastore that land in the
 * wrong order. The daemon has one outstanding; what an earlier life left
 * under way lands before the first write of the next one, or never.
 */
#include "sim.h"

#define FAST_LOW_US 50
#define FAST_HIGH_US 3000
#define TORN_PERCENT 15
#define TORN_READ_PERCENT 10
#define LANDING_US 2000

struct io_times {
	uint64_t at_us;   /* lands or looks */
	uint64_t done_us; /* completion */
	bool is_error;
};

static uint64_t
slow_us(struct world *w)
{
	uint64_t b = w->timing.beat_ms * US_PER_MS;
	uint64_t d = w->timing.tolerance_ms * US_PER_MS;

	switch (draw_below(w, 4)) {
	case 0:
		return draw_between(w, 1000, d);
	case 1:
		return draw_between(w, d, b);
	case 2:
		return draw_between(w, b, 3 * b);
	}
	/* On the edge: the last moment that counts, the first that does not */
	return d - 2000 + draw_below(w, 4000);
}

static void
draw_slow(struct world *w, struct io_times *t)
{
	uint64_t took = slow_us(w);

	t->done_us = w->now_us + took;
	switch (draw_below(w, 3)) {
	case 0:
		t->at_us = w->now_us + draw_below(w, took / 8 + 1);
		break;
	case 1:
		t->at_us = t->done_us - draw_below(w, took / 8 + 1);
		break;
	default:
		t->at_us = w->now_us + draw_below(w, took);
	}
}

static void
draw_times(struct world *w, const struct condition *c, struct io_times *t)
{
	enum condition_mode mode = (enum condition_mode)c->mode;

	if (c->until_us <= w->now_us) {
		mode = COND_OK;
	}
	t->is_error = false;
	switch (mode) {
	case COND_OK:
		t->at_us =
			w->now_us + draw_between(w, FAST_LOW_US, FAST_HIGH_US);
		t->done_us = t->at_us + draw_between(w, FAST_LOW_US, 1000);
		break;
	case COND_SLOW:
		draw_slow(w, t);
		break;
	case COND_HANG:
		t->done_us = c->until_us + draw_between(w, 1000, 200000);
		t->is_error = draw_percent(w, 30);
		t->at_us = draw_percent(w, 50) ?
				   w->now_us + draw_between(w, 50, 50000) :
				   t->done_us - draw_below(w, 1000);
		break;
	case COND_ERROR:
	case COND_GONE:
		t->done_us = w->now_us + draw_between(w, 100, 30000);
		t->at_us = w->now_us + draw_below(w, 100);
		t->is_error = true;
		break;
	}
	if (t->at_us > t->done_us) {
		t->at_us = t->done_us;
	}
}

static void
land(struct world *w, uint32_t host, uint32_t store, struct disk_write *io)
{
	struct disk *disk = &w->disk[store];

	io->is_pending = false;
	if (!io->lands) {
		return;
	}
	if (io->what == WRITE_LIST) {
		disk->lists[host][io->copy] = io->list;
		disk->lists[host][io->copy].is_damaged = io->is_torn;
		return;
	}
	if (io->what == WRITE_HOLDS) {
		disk->holds[host][io->copy] = io->holds;
		disk->holds[host][io->copy].is_damaged = io->is_torn;
		return;
	}
	disk->blocks[host] = io->block;
	disk->blocks[host].is_damaged = io->is_torn;
}

/* What an earlier write left under way lands now, or never. */
struct disk_write *
disk_write_prepare(struct world *w, uint32_t host, uint32_t store)
{
	struct disk_write *io = &w->host[host].write[store];

	if (io->is_pending) {
		io->lands = io->lands && draw_percent(w, 50);
		land(w, host, store, io);
	}
	return io;
}

void
disk_write_submit(struct world *w, uint32_t host, uint32_t store)
{
	struct disk_write *io = &w->host[host].write[store];
	const struct condition *c = &w->host[host].path[store].write;
	struct io_times t;

	draw_times(w, c, &t);
	io->id = ++w->ids;
	io->is_pending = true;
	io->is_awaited = true;
	io->is_torn = false;
	io->is_error = t.is_error;
	io->lands =
		!t.is_error || (c->mode != COND_GONE && draw_percent(w, 35));
	if (t.is_error && io->lands && draw_percent(w, 30)) {
		/* Reported failed, lands afterwards. */
		t.at_us = t.done_us + draw_between(w, 1000, 2000000);
	}
	if (c->until_us > w->now_us && c->mode != COND_OK) {
		w->truth[host].bad_stores |= 1u << store;
	}
	io->land_us = t.at_us;
	world_plain(w, EV_APPLY, host, store, io->id, t.at_us);
	world_thread(w, EV_WDONE, host, store, io->id, t.done_us - w->now_us);
}

void
disk_write_apply(struct world *w, uint32_t host, uint32_t store, uint32_t id)
{
	struct disk_write *io = &w->host[host].write[store];

	if (io->is_pending && io->id == id) {
		land(w, host, store, io);
	}
}

/* Host or daemon is gone: what is under way may land, later, or torn. */
void
disk_host_gone(struct world *w, uint32_t host)
{
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		struct disk_write *io = &w->host[host].write[s];

		io->is_awaited = false;
		if (!io->is_pending) {
			continue;
		}
		if (!w->host[host].is_on && draw_percent(w, TORN_PERCENT) &&
		    !w->is_quiet) {
			io->is_torn = true;
			io->block.fingerprint = ++w->fingerprint;
		} else if (draw_percent(w, 40)) {
			io->lands = false;
		}
	}
}

void
disk_read_submit(struct world *w, uint32_t host, uint32_t store)
{
	struct disk_read *io = &w->host[host].d.read[store];
	struct io_times t;

	draw_times(w, &w->host[host].path[store].read, &t);
	io->id = ++w->ids;
	io->is_awaited = true;
	io->is_error = t.is_error;
	io->submitted_us = w->now_us;
	world_plain(w, EV_SAMPLE, host, store, io->id, t.at_us);
	world_thread(w, EV_RDONE, host, store, io->id, t.done_us - w->now_us);
}

void
disk_read_sample(struct world *w, uint32_t host, uint32_t store, uint32_t id)
{
	struct disk_read *io = &w->host[host].d.read[store];
	uint32_t i;

	if (io->id != id) {
		return;
	}
	io->sampled_us = w->now_us;
	for (i = 0; i < w->hosts; i++) {
		const struct disk_write *write = &w->host[i].write[store];

		io->blocks[i] = w->disk[store].blocks[i];
		if (write->is_pending && write->what == WRITE_BEAT &&
		    write->land_us < w->now_us + LANDING_US &&
		    draw_percent(w, TORN_READ_PERCENT)) {
			/* Looked in the middle of a write. */
			io->blocks[i].is_damaged = true;
			io->blocks[i].fingerprint = ++w->fingerprint;
		}
	}
}

void
disk_list_submit(struct world *w, uint32_t host, uint32_t store, uint32_t about)
{
	struct list_read *io = &w->host[host].d.list_read[store];
	struct io_times t;

	draw_times(w, &w->host[host].path[store].read, &t);
	io->id = ++w->ids;
	io->is_awaited = true;
	io->is_error = t.is_error;
	io->about = (uint8_t)about;
	world_plain(w, EV_LSAMPLE, host, store, io->id, t.at_us);
	world_thread(w, EV_LDONE, host, store, io->id, t.done_us - w->now_us);
}

void
disk_list_sample(struct world *w, uint32_t host, uint32_t store, uint32_t id)
{
	struct list_read *io = &w->host[host].d.list_read[store];

	if (io->id == id) {
		io->copies[0] = w->disk[store].lists[io->about][0];
		io->copies[1] = w->disk[store].lists[io->about][1];
		if (w->l.is_on) {
			io->holds[0] = w->disk[store].holds[io->about][0];
			io->holds[1] = w->disk[store].holds[io->about][1];
		}
	}
}
