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

static void
run_thread(struct world *w, const struct event *e)
{
	switch ((enum event_kind)e->kind) {
	case EV_TICK:
		store_tick(w, e->host, e->store);
		break;
	case EV_WSUBMIT:
		disk_write_submit(w, e->host, e->store);
		break;
	case EV_WDONE:
		store_write_done(w, e->host, e->store, e->arg, false);
		break;
	case EV_WSTAMPED:
		store_write_done(w, e->host, e->store, e->arg, true);
		break;
	case EV_RSUBMIT:
		disk_read_submit(w, e->host, e->store);
		break;
	case EV_RDONE:
		store_read_done(w, e->host, e->store, e->arg, false);
		break;
	case EV_RSTAMPED:
		store_read_done(w, e->host, e->store, e->arg, true);
		break;
	case EV_LDONE:
		store_list_done(w, e->host, e->store, e->arg);
		break;
	case EV_PET:
		pet_run(w, e->host, (enum pet_stage)e->arg);
		break;
	case EV_RING_TICK:
		ring_tick(w, e->host);
		break;
	case EV_RING:
		ring_take(w, e->host);
		break;
	case EV_SEND:
		ring_send(w, e->host, e->arg);
		break;
	case EV_VM:
		daemon_vm(w, e->host, e->arg);
		break;
	case EV_FAULT:
	case EV_HEAL:
	case EV_POWER_ON:
	case EV_DAEMON:
	case EV_APPLY:
	case EV_SAMPLE:
	case EV_LSAMPLE:
	case EV_DEADMAN:
	case EV_WATCHDOG:
	case EV_PUMP:
	case EV_FORM:
	case EV_CHECK:
	case EV_AGENT:
	case EV_QEMU:
	case EV_MOVE:
	case EV_FDM:
	case EV_PCMK:
	case EV_DC:
	case EV_ACT:
	case EV_FENCED:
	case EV_WRITE:
	case EV_JOIN:
	case EV_ADMIN:
	case EV_WELL:
	case EV_N:
		break;
	}
}

static void
run_plain(struct world *w, const struct event *e)
{
	switch ((enum event_kind)e->kind) {
	case EV_FAULT:
		fault_begin(w, e->arg);
		break;
	case EV_HEAL:
		fault_end(w, e->arg);
		break;
	case EV_POWER_ON:
		host_power_on(w, e->host);
		break;
	case EV_DAEMON:
		daemon_start(w, e->host);
		break;
	case EV_APPLY:
		disk_write_apply(w, e->host, e->store, e->arg);
		break;
	case EV_SAMPLE:
		disk_read_sample(w, e->host, e->store, e->arg);
		break;
	case EV_LSAMPLE:
		disk_list_sample(w, e->host, e->store, e->arg);
		break;
	case EV_DEADMAN:
		pet_deadman(w, e->host, e->arg);
		break;
	case EV_WATCHDOG:
		pet_watchdog(w, e->host);
		break;
	case EV_PUMP:
		net_pump(w, e->host);
		break;
	case EV_FORM:
		net_form(w);
		break;
	case EV_CHECK:
		check_alive_end(w, e->host);
		break;
	case EV_JOIN:
		pcmk_meet(w, e->arg);
		break;
	case EV_ADMIN:
		lock_admin(w);
		break;
	case EV_WELL:
		check_well(w);
		break;
	case EV_TICK:
	case EV_WSUBMIT:
	case EV_WDONE:
	case EV_WSTAMPED:
	case EV_RSUBMIT:
	case EV_RDONE:
	case EV_RSTAMPED:
	case EV_LDONE:
	case EV_PET:
	case EV_RING_TICK:
	case EV_RING:
	case EV_SEND:
	case EV_VM:
	case EV_AGENT:
	case EV_QEMU:
	case EV_MOVE:
	case EV_FDM:
	case EV_PCMK:
	case EV_DC:
	case EV_ACT:
	case EV_FENCED:
	case EV_WRITE:
	case EV_N:
		break;
	}
}

void
world_init(struct world *w, uint64_t seed, enum rule off)
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
