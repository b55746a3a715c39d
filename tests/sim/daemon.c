/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Life of a heartbeat daemon: it finds its own highest incarnation on r
 * datastores, claims the next one on w, arms the watchdog, serves, stops
 * clean or dies. SAFETY 1.2, 1.4, 1.5. What the daemon's boot.c and stop.c
 * do with threads and devices happens here in virtual time.
 */
#include <string.h>

#include "sim.h"

#define VMS_MAX 3

static void
begin_threads(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint64_t now_ms = world_local_ms(w, host);
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		uint64_t phase_ms = draw_below(w, w->timing.beat_ms);

		d->store[s].next_tick_ms = now_ms + phase_ms;
		world_thread(w, EV_TICK, host, s, 0, phase_ms * US_PER_MS);
	}
	world_thread(w, EV_PET, host, 0, PET_JUDGE, 0);
}

void
daemon_start(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	struct daemon *d = &h->d;
	uint32_t i;

	if (!h->is_on || d->phase != PHASE_OFF) {
		return;
	}
	if (h->has_marker && !world_is_off(w, RULE_REOPEN)) {
		STORY(w, host, "daemon not started: killed while armed");
		return;
	}
	if (!h->has_corosync) {
		h->has_corosync = true;
		h->is_wait_done = false;
		net_changed(w);
	}
	memset(d, 0, sizeof(*d));
	d->epoch = ++w->epochs;
	d->phase = PHASE_BOOTING;
	d->is_kept = h->has_marker || h->kept_count;
	h->stopped_until_us = 0;
	ha_evidence_init(&d->evidence, w->stores);
	ha_evidence_init(&d->hold_evidence, w->stores);
	for (i = 0; i < w->hosts; i++) {
		ha_watch_init(&d->watch[i], w->stores);
	}
	STORY(w, host, "daemon starts%s", d->is_kept ? " again" : "");
	if (h->has_marker) {
		pet_open_blind(w, host);
	}
	begin_threads(w, host);
}

/* The process is gone; the watchdog is not, nor what is under way to disks. */
void
daemon_end(struct world *w, uint32_t host, const char *why)
{
	struct host *h = &w->host[host];

	if (h->d.phase == PHASE_OFF) {
		return;
	}
	STORY(w, host, "daemon ends: %s", why);
	if (h->d.phase != PHASE_BOOTING) {
		h->kept_incarnation = h->d.incarnation;
		h->kept_generation = h->d.list_generation;
	}
	h->d.phase = PHASE_OFF;
	h->d.epoch = ++w->epochs;
	h->is_deadman_set = false;
	h->fifo_count = 0;
	h->out_count = 0;
	disk_host_gone(w, host);
}

/* Holds are the cluster's and outlive their writer; a list only a daemon. */
static void
take_over(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;

	ha_seal_init(&d->l.seal, world_local_ms(w, host));
	ha_isolation_init(&d->l.isolation, world_local_ms(w, host));
	if (d->newest[host].hold_generation &&
	    !world_is_off(w, RULE_HOLD_KEEP)) {
		d->l.holds = d->holds[host].list;
		d->l.hold_generation = d->newest[host].hold_generation + 1;
	}
	d->l.term = d->newest[host].claims.term;
	if (d->is_kept && !world_is_off(w, RULE_EMPTY_RESTART)) {
		memcpy(d->l.list, d->lists[host].vms, sizeof(d->l.list));
	}
	d->list_count = (uint8_t)keep_count(d);
}

/* Another one for each boot; not drawn, so that a seed's schedule does not hang
 * on how many datastores a boot could read. */
static uint32_t
dice_of(const struct world *w, uint32_t host)
{
	return (w->host[host].d.epoch * UINT32_C(2654435761)) >> 12;
}

static void
claim(struct world *w, uint32_t host, uint32_t incarnation, uint32_t sequence)
{
	struct host *h = &w->host[host];
	struct daemon *d = &h->d;
	uint32_t s;
	uint32_t i;

	d->phase = PHASE_CLAIMING;
	if (d->is_kept) {
		d->incarnation = h->kept_incarnation;
		d->list_generation = h->kept_generation + 1;
		d->list_count = h->kept_count;
		d->sequence = sequence;
	} else {
		d->incarnation =
			world_is_off(w, RULE_DAMAGED_BOOT) ?
				incarnation + 1 :
				(uint32_t)ha_incarnation_next(&d->watch[host],
							      dice_of(w, host));
	}
	for (s = 0; s < w->stores; s++) {
		struct store_thread *st = &d->store[s];

		/* SAFETY 14: not over the copy that the last beat names. */
		st->named = st->is_own_valid ? st->own.list_copy : 0;
		st->copied = st->named;
		st->hold_named = st->is_own_valid ? st->own.hold_copy : 0;
		st->hold_copied = st->hold_named;
	}
	if (w->l.is_on) {
		take_over(w, host);
	}
	STORY(w, host, "claims incarnation %u", d->incarnation);
	/* A nonce is never used twice, not by its next daemon either; 1 has a
	 * meaning of its own. */
	d->nonce = d->epoch << 16 | 1;
	ha_ring_init(&d->ring, host, d->incarnation);
	for (i = 0; i < w->hosts; i++) {
		ha_ring_votes(&d->ring, i, w->votes[i]);
	}
	store_kick(w, host);
}

/* Only now others hear of it: a claim that was never flushed is nobody's, and
 * may be higher than its successor (SAFETY 1.4). */
void
daemon_armed(struct world *w, uint32_t host)
{
	w->host[host].d.phase = PHASE_ARMED;
	net_join(w, host);
	world_thread(w, EV_RING_TICK, host, 0, 0,
		     draw_below(w, w->timing.beat_ms) * US_PER_MS);
}

static void
look_for_own(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t valid = 0;
	uint32_t incarnation = 0;
	uint32_t sequence = 0;
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		const struct store_thread *st = &d->store[s];

		/* A damaged block may have held the highest: it says nothing
		 * (SAFETY 1.4 "found on r"). */
		valid += st->is_own_valid ||
			 (st->has_read && world_is_off(w, RULE_DAMAGED_BOOT));
		if (!st->is_own_valid) {
			continue;
		}
		if (st->own.incarnation > incarnation) {
			incarnation = st->own.incarnation;
		}
		if (st->own.sequence > sequence) {
			sequence = st->own.sequence;
		}
	}
	if (valid >= w->r && (!w->l.is_on || keep_read_back(w, host))) {
		claim(w, host, incarnation, sequence + 1);
	}
}

static uint32_t
count_state(const struct world *w, uint32_t host, enum block_state state)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t count = 0;
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		const struct store_thread *st = &d->store[s];

		count += st->has_written && st->written_state == state &&
			 (state != BLOCK_STOPPED ||
			  st->list_generation == d->list_generation);
	}
	return count;
}

/* Something completed: does that end the phase? */
void
daemon_progress(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	struct truth *truth = &w->truth[host];
	uint64_t stall_us;

	switch ((enum phase)d->phase) {
	case PHASE_OFF:
	case PHASE_CLAIMING: /* the pet thread arms */
		return;
	case PHASE_BOOTING:
		look_for_own(w, host);
		return;
	case PHASE_ARMED:
		if (truth->runs != d->incarnation &&
		    count_state(w, host, BLOCK_ARMED) >= w->w) {
			truth->runs = d->incarnation;
			truth->runs_us = w->now_us;
			STORY(w, host, "serves as incarnation %u",
			      d->incarnation);
			if (w->l.is_on) {
				lock_serves(w, host);
			}
		}
		return;
	case PHASE_STOPPING:
		if (count_state(w, host, BLOCK_STOPPED) >= w->w &&
		    !d->is_petting) {
			stall_us = world_stall(w, host, STEP_STOPPED);
			world_thread(w, EV_VM, host, 0, 1, stall_us);
		}
		return;
	}
}

/* The VM list changes now and then; is_close: not a change at all but the
 * end of a clean stop. */
void
daemon_vm(struct world *w, uint32_t host, uint32_t is_close)
{
	struct daemon *d = &w->host[host].d;

	if (is_close) {
		daemon_close(w, host);
		return;
	}
	if (w->l.is_on) {
		return;
	}
	if (d->phase == PHASE_ARMED && w->truth[host].runs == d->incarnation) {
		d->list_generation++;
		d->list_count = (uint8_t)draw_below(w, VMS_MAX + 1);
		STORY(w, host, "list generation %u: %u machines",
		      d->list_generation, d->list_count);
		store_kick(w, host);
	}
	world_thread(
		w, EV_VM, host, 0, 0,
		draw_between(w, w->timing.beat_ms / 2, 4 * w->timing.beat_ms) *
			US_PER_MS);
}

/* Clean stop. From here on the daemon takes no new entry, so that an empty
 * list stays empty. */
void
daemon_stop(struct world *w, uint32_t host, bool takes_corosync)
{
	struct daemon *d = &w->host[host].d;
	uint32_t v;

	if (d->phase == PHASE_BOOTING || d->phase == PHASE_CLAIMING) {
		daemon_end(w, host, "stopped before it was armed");
		return;
	}
	if (d->phase != PHASE_ARMED) {
		return;
	}
	d->phase = PHASE_STOPPING;
	d->takes_corosync = takes_corosync;
	for (v = 0; v < LOCK_VMS; v++) {
		if (d->l.list[v] == ENTRY(HA_LISTED_RELEASED)) {
			d->l.list[v] = ENTRY_NONE;
			keep_changed(w, host);
		}
	}
	STORY(w, host, "clean stop begins, %u machines", d->list_count);
	if (!d->list_count) {
		w->truth[host].runs = 0;
	}
	if (world_is_off(w, RULE_STOP)) {
		daemon_close(w, host);
		return;
	}
	store_kick(w, host);
}

/* Magic close: the device stops counting. */
void
daemon_close(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	struct truth *truth = &w->truth[host];
	bool takes_corosync = h->d.takes_corosync;

	if (h->d.phase != PHASE_STOPPING) {
		return;
	}
	h->is_watchdog_open = false;
	h->watchdog_us = NEVER_US;
	h->has_marker = false;
	h->kept_count = h->d.list_count;
	truth->guarded = 0;
	daemon_end(w, host, "stopped clean");
	if (takes_corosync) {
		h->has_corosync = false;
		h->still_until_us = 0;
		h->net_seq = 0;
		net_changed(w);
	}
}
