/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world's clockwork: host clocks, which event goes where, and which
 * thread may run at all. A paused host or a stopped daemon runs no step of
 * its threads; disks, the network, the kernel's timers and the watchdog go
 * on without it.
 */
#include <string.h>

#include "sim.h"

#define PPM UINT64_C(1000000)

static uint64_t
local_us(const struct host *h, uint64_t at_us)
{
	return h->offset_us + at_us + at_us * h->rate_ppm / PPM;
}

uint64_t
world_local_ms(const struct world *w, uint32_t host)
{
	return local_us(&w->host[host], w->now_us) / US_PER_MS;
}

/* The first moment at which the host's clock shows local_ms. */
uint64_t
world_real_us(const struct world *w, uint32_t host, uint64_t local_ms)
{
	const struct host *h = &w->host[host];
	uint64_t want = local_ms * US_PER_MS;
	uint64_t at;

	if (want <= h->offset_us) {
		return 0;
	}
	at = (want - h->offset_us) * PPM / (PPM + h->rate_ppm);
	while (local_us(h, at) < want) {
		at++;
	}
	return at;
}

void
world_plain(struct world *w, enum event_kind kind, uint32_t host,
	    uint32_t store, uint32_t arg, uint64_t at_us)
{
	struct event event = { .at_us = at_us,
			       .arg = arg,
			       .kind = (uint8_t)kind,
			       .host = (uint8_t)host,
			       .store = (uint8_t)store };

	queue_push(w, &event);
}

void
world_thread(struct world *w, enum event_kind kind, uint32_t host,
	     uint32_t store, uint32_t arg, uint64_t delay_us)
{
	struct event event = { .at_us = w->now_us + delay_us,
			       .arg = arg,
			       .epoch = w->host[host].d.epoch,
			       .kind = (uint8_t)kind,
			       .host = (uint8_t)host,
			       .store = (uint8_t)store };

	queue_push(w, &event);
}

uint64_t
world_stall(struct world *w, uint32_t host, enum step step)
{
	uint32_t i;

	for (i = 0; i < w->stall_count; i++) {
		struct stall *s = &w->stalls[i];

		if (s->host != host || s->step != step ||
		    w->now_us < s->from_us) {
			continue;
		}
		s->from_us = NEVER_US; /* strikes once */
		w->truth[host].is_disturbed = true;
		STORY(w, host, "%s stands still for %llu ms at step %u",
		      s->is_whole ? "daemon" : "thread",
		      (unsigned long long)(s->length_us / US_PER_MS),
		      (unsigned)step);
		if (s->is_whole) {
			w->host[host].stopped_until_us =
				w->now_us + s->length_us;
		}
		return s->length_us ? s->length_us : 1;
	}
	return 0;
}

/* An event of a thread that lives no more is dropped; one of a thread that
 * stands still waits. */
static bool
may_run(struct world *w, const struct event *e)
{
	const struct host *h = &w->host[e->host];
	uint64_t until;

	if (!e->epoch) {
		return true;
	}
	if (e->epoch != h->d.epoch) {
		return false;
	}
	until = h->paused_until_us > h->stopped_until_us ? h->paused_until_us :
							   h->stopped_until_us;
	if (until > w->now_us) {
		world_thread(w, (enum event_kind)e->kind, e->host, e->store,
			     e->arg, until - w->now_us);
		return false;
	}
	return true;
}

/* One function per event, so that a kind without one is seen in the table. */

static void
on_tick(struct world *w, const struct event *e)
{
	store_tick(w, e->host, e->store);
}

static void
on_wsubmit(struct world *w, const struct event *e)
{
	disk_write_submit(w, e->host, e->store);
}

static void
on_wdone(struct world *w, const struct event *e)
{
	store_write_done(w, e->host, e->store, e->arg, false);
}

static void
on_wstamped(struct world *w, const struct event *e)
{
	store_write_done(w, e->host, e->store, e->arg, true);
}

static void
on_rsubmit(struct world *w, const struct event *e)
{
	disk_read_submit(w, e->host, e->store);
}

static void
on_rdone(struct world *w, const struct event *e)
{
	store_read_done(w, e->host, e->store, e->arg, false);
}

static void
on_rstamped(struct world *w, const struct event *e)
{
	store_read_done(w, e->host, e->store, e->arg, true);
}

static void
on_ldone(struct world *w, const struct event *e)
{
	store_list_done(w, e->host, e->store, e->arg);
}

static void
on_pet(struct world *w, const struct event *e)
{
	pet_run(w, e->host, (enum pet_stage)e->arg);
}

static void
on_ring_tick(struct world *w, const struct event *e)
{
	ring_tick(w, e->host);
}

static void
on_ring(struct world *w, const struct event *e)
{
	ring_take(w, e->host);
}

static void
on_send(struct world *w, const struct event *e)
{
	ring_send(w, e->host, e->arg);
}

static void
on_vm(struct world *w, const struct event *e)
{
	daemon_vm(w, e->host, e->arg);
}

static void
on_fault(struct world *w, const struct event *e)
{
	fault_begin(w, e->arg);
}

static void
on_heal(struct world *w, const struct event *e)
{
	fault_end(w, e->arg);
}

static void
on_power_on(struct world *w, const struct event *e)
{
	host_power_on(w, e->host);
}

static void
on_daemon(struct world *w, const struct event *e)
{
	daemon_start(w, e->host);
}

static void
on_apply(struct world *w, const struct event *e)
{
	disk_write_apply(w, e->host, e->store, e->arg);
}

static void
on_sample(struct world *w, const struct event *e)
{
	disk_read_sample(w, e->host, e->store, e->arg);
}

static void
on_lsample(struct world *w, const struct event *e)
{
	disk_list_sample(w, e->host, e->store, e->arg);
}

static void
on_deadman(struct world *w, const struct event *e)
{
	pet_deadman(w, e->host, e->arg);
}

static void
on_watchdog(struct world *w, const struct event *e)
{
	pet_watchdog(w, e->host);
}

static void
on_pump(struct world *w, const struct event *e)
{
	net_pump(w, e->host);
}

static void
on_form(struct world *w, const struct event *e)
{
	(void)e;
	net_form(w);
}

static void
on_check(struct world *w, const struct event *e)
{
	check_alive_end(w, e->host);
}

static void
on_join(struct world *w, const struct event *e)
{
	pcmk_meet(w, e->arg);
}

static void
on_admin(struct world *w, const struct event *e)
{
	lock_admin(w, e->arg);
}

static void
on_well(struct world *w, const struct event *e)
{
	(void)e;
	check_well(w);
}

static void (*const THREAD_EVENTS[EV_N])(struct world *,
					 const struct event *) = {
	[EV_TICK] = on_tick,
	[EV_WSUBMIT] = on_wsubmit,
	[EV_WDONE] = on_wdone,
	[EV_WSTAMPED] = on_wstamped,
	[EV_RSUBMIT] = on_rsubmit,
	[EV_RDONE] = on_rdone,
	[EV_RSTAMPED] = on_rstamped,
	[EV_LDONE] = on_ldone,
	[EV_PET] = on_pet,
	[EV_RING_TICK] = on_ring_tick,
	[EV_RING] = on_ring,
	[EV_SEND] = on_send,
	[EV_VM] = on_vm,
};

static void (*const PLAIN_EVENTS[EV_N])(struct world *,
					const struct event *) = {
	[EV_FAULT] = on_fault,       [EV_HEAL] = on_heal,
	[EV_POWER_ON] = on_power_on, [EV_DAEMON] = on_daemon,
	[EV_APPLY] = on_apply,       [EV_SAMPLE] = on_sample,
	[EV_LSAMPLE] = on_lsample,   [EV_DEADMAN] = on_deadman,
	[EV_WATCHDOG] = on_watchdog, [EV_PUMP] = on_pump,
	[EV_FORM] = on_form,         [EV_CHECK] = on_check,
	[EV_JOIN] = on_join,         [EV_ADMIN] = on_admin,
	[EV_WELL] = on_well,
};

static void
run_thread(struct world *w, const struct event *e)
{
	if (THREAD_EVENTS[e->kind]) {
		THREAD_EVENTS[e->kind](w, e);
	}
}

static void
run_plain(struct world *w, const struct event *e)
{
	if (PLAIN_EVENTS[e->kind]) {
		PLAIN_EVENTS[e->kind](w, e);
	}
}

void
world_init(struct world *w, uint64_t seed, uint64_t off)
{
	/* The pool's bytes are written before they are read, the queue's and
	 * the faults' too: clearing them would cost more than the run. */
	memset(w->host, 0, sizeof(w->host));
	memset(w->disk, 0, sizeof(w->disk));
	memset(w->truth, 0, sizeof(w->truth));
	memset(w->pool_serial, 0, sizeof(w->pool_serial));
	memset(&w->failure, 0, sizeof(w->failure));
	w->seed = seed;
	w->off = off;
	w->random = seed * UINT64_C(0xd1342543de82ef95) + 1;
	w->now_us = 0;
	w->queue_count = w->order = 0;
	w->fault_count = w->stall_count = w->planned = 0;
	w->ids = w->net_seq = w->fingerprint = w->epochs = 0;
	w->pool_next = 0;
	w->events_run = w->verdicts = 0;
	w->story_first = w->story_count = 0;
	w->is_quiet = false;
	lock_init(w);
	plan_draw(w);
}

void
world_run(struct world *w)
{
	struct event e;

	while (!w->failure.is_set && queue_pop(w, &e) && e.at_us <= w->end_us) {
		w->now_us = e.at_us;
		w->events_run++;
		if (e.kind >= EV_AGENT && e.kind <= EV_WRITE) {
			lock_event(w, &e);
			continue;
		}
		if (!may_run(w, &e)) {
			continue;
		}
		if (e.epoch) {
			run_thread(w, &e);
		} else {
			run_plain(w, &e);
		}
	}
}
