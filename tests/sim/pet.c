/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pet thread, the kernel's timer and the watchdog (SAFETY 1.1, 1.2, 1.7):
 * verdict, timer, verdict again, pet, timer off, with room for a pause of any
 * length between any two. The timer is the kernel's: it strikes in a pause.
 *
 * The watchdog fires at most W after the last pet: a device that counts
 * slower than its word is outside of the model, as it is outside of SAFETY.
 */
#include "sim.h"

#define LOOKS_PER_BEAT 4
#define PPM UINT64_C(1000000)

static struct ha_pet
judge(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	struct ha_pet_facts facts = {
		.has_ring = d->has_ring,
		.ring_ms = d->ring_ms,
		.is_lone = d->is_lone,
		.lone_ms = d->lone_ms,
	};

	facts.has_storage = ha_evidence_stamp(&d->evidence, &facts.storage_ms);
	return ha_pet_judge(&facts, &w->timing, world_local_ms(w, host));
}

static void
start_watchdog(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	uint64_t span_us = w->timing.watchdog_ms * US_PER_MS;

	span_us -= span_us * h->watchdog_ppm / (PPM + h->watchdog_ppm);
	h->watchdog_us = w->now_us + span_us - h->watchdog_early_us;
	if (!h->is_watchdog_due) {
		h->is_watchdog_due = true;
		world_plain(w, EV_WATCHDOG, host, 0, 0, h->watchdog_us);
	}
}

static void
pet(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	struct daemon *d = &h->d;

	d->last_stamp_ms = d->pet.stamp_ms;
	start_watchdog(w, host);
	if (h->is_watchdog_open && d->phase != PHASE_CLAIMING) {
		return;
	}
	h->is_watchdog_open = true;
	h->has_marker = true;
	daemon_armed(w, host);
	w->truth[host].guarded = d->incarnation;
	check_claim(w, host);
	STORY(w, host, "armed as incarnation %u", d->incarnation);
	store_kick(w, host);
	world_thread(w, EV_VM, host, 0, 0,
		     draw_below(w, 4 * w->timing.beat_ms) * US_PER_MS);
}

/* Only with a rule off: the watchdog opened on no evidence at all. */
void
pet_open_blind(struct world *w, uint32_t host)
{
	start_watchdog(w, host);
	STORY(w, host, "opens the watchdog without evidence");
}

/* May it pet, or arm, now? */
static bool
has_reason(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;

	if (d->phase < PHASE_CLAIMING ||
	    (d->phase == PHASE_CLAIMING &&
	     ha_evidence_incarnation(&d->evidence) != d->incarnation)) {
		return false;
	}
	d->pet = judge(w, host);
	if (d->pet.kind == HA_EVIDENCE_NONE ||
	    d->pet.stamp_ms <= d->last_stamp_ms) {
		return false;
	}
	return d->phase != PHASE_CLAIMING || d->pet.kind == HA_EVIDENCE_STORAGE;
}

static void
set_timer(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	uint64_t at_us = world_real_us(w, host, h->d.pet.kill_at_ms);

	if (world_is_off(w, RULE_KILL)) {
		return;
	}
	h->is_deadman_set = true;
	world_plain(w, EV_DEADMAN, host, 0, ++h->deadman_id,
		    at_us > w->now_us ? at_us : w->now_us);
}

/* One stage; false: the sequence ends here. */
static bool
run_stage(struct world *w, uint32_t host, enum pet_stage stage)
{
	struct host *h = &w->host[host];

	switch (stage) {
	case PET_JUDGE:
		return has_reason(w, host);
	case PET_TIME:
		set_timer(w, host);
		return true;
	case PET_AGAIN:
		if (world_local_ms(w, host) < h->d.pet.kill_at_ms) {
			return true;
		}
		h->is_deadman_set = false;
		return false;
	case PET_PET:
		pet(w, host);
		return true;
	case PET_UNSET:
		h->is_deadman_set = false;
		h->deadman_id++;
		return false;
	}
	return false;
}

static uint64_t
stall_after(struct world *w, uint32_t host, enum pet_stage stage)
{
	switch (stage) {
	case PET_JUDGE:
		return world_stall(w, host, STEP_JUDGED);
	case PET_TIME:
		return world_stall(w, host, STEP_TIMED);
	case PET_AGAIN:
		return world_stall(w, host, STEP_CHECKED);
	case PET_PET:
		return world_stall(w, host, STEP_PETTED);
	case PET_UNSET:
		break;
	}
	return 0;
}

/* PET_JUDGE comes by the clock, four times a beat, and keeps coming; a stage
 * after it only when a stall has parted it from the one before. */
void
pet_run(struct world *w, uint32_t host, enum pet_stage stage)
{
	struct daemon *d = &w->host[host].d;
	uint64_t stall_us;

	if (stage == PET_JUDGE) {
		world_thread(w, EV_PET, host, 0, PET_JUDGE,
			     w->timing.beat_ms * US_PER_MS / LOOKS_PER_BEAT);
		pet_wake(w, host);
		return;
	}
	while (run_stage(w, host, stage)) {
		stall_us = stall_after(w, host, stage);
		stage = (enum pet_stage)(stage + 1);
		if (stall_us) {
			world_thread(w, EV_PET, host, 0, stage, stall_us);
			return;
		}
	}
	d->is_petting = false;
	if (d->phase == PHASE_STOPPING) {
		daemon_progress(w, host);
	}
}

void
pet_wake(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint64_t stall_us;

	if (d->is_petting || !run_stage(w, host, PET_JUDGE)) {
		return;
	}
	d->is_petting = true;
	stall_us = stall_after(w, host, PET_JUDGE);
	if (stall_us) {
		world_thread(w, EV_PET, host, 0, PET_TIME, stall_us);
	} else {
		pet_run(w, host, PET_TIME);
	}
}

void
pet_deadman(struct world *w, uint32_t host, uint32_t id)
{
	struct host *h = &w->host[host];

	if (!h->is_on || !h->is_deadman_set || h->deadman_id != id) {
		return;
	}
	check_reset(w, host, "SIGKILL");
	daemon_end(w, host, "killed by its timer");
	if (world_is_off(w, RULE_REOPEN)) {
		world_plain(w, EV_DAEMON, host, 0, 0,
			    w->now_us + draw_between(w, 1, w->timing.beat_ms) *
						US_PER_MS);
	}
}

void
pet_watchdog(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];

	h->is_watchdog_due = false;
	if (!h->is_on || h->watchdog_us == NEVER_US) {
		return;
	}
	if (w->now_us < h->watchdog_us) {
		h->is_watchdog_due = true;
		world_plain(w, EV_WATCHDOG, host, 0, 0, h->watchdog_us);
		return;
	}
	check_reset(w, host, "watchdog");
	host_reset(w, host, "watchdog");
}
