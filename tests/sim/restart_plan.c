/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Schedules of order, retries and protection: VMs with priorities,
 * dependencies and starts that fail; hosts, masters and managers that die in
 * the middle of a wave; a power failure of everything, after which an older
 * configuration may come back. All end quiet, for as long as retries take.
 */
#include <string.h>

#include "sim.h"

#define EVERY 16u
#define AT 12u
#define UP_BEATS 40
#define FORGET_BEATS 10
#define TAIL_US 150000000
#define SECOND_MS 1000u

bool
restart_is_of(uint64_t seed)
{
	return seed % EVERY == AT;
}

void
restart_cluster(struct world *w)
{
	static const struct ha_timing slow = { 1000, 4000, 1000, 1000 };
	uint32_t i;

	w->timing = slow;
	w->silence_ms = ha_timing_silence_ms(&w->timing);
	w->hosts = (uint32_t)draw_between(w, 3, 4);
	w->total_votes = w->hosts;
	w->is_two_node = false;
	w->is_wait_for_all = draw_percent(w, 30);
	w->stores = draw_percent(w, 60) ? 3 : 1;
	for (i = 0; i < w->hosts; i++) {
		w->votes[i] = 1;
	}
}

static uint64_t
seconds_ms(struct world *w, uint64_t low, uint64_t high)
{
	return draw_between(w, low * SECOND_MS, high * SECOND_MS);
}

static void
draw_rules(struct world *w)
{
	struct ha_restart_rules *rules = &w->l.restarts.rules;
	uint64_t wait_ms = 0;
	size_t i;

	*rules = (struct ha_restart_rules){
		.wait_count = (size_t)draw_between(w, 2, 4),
		.attempts_max = (uint32_t)draw_between(w, 1, 4),
		.attempt_timeout_ms = 600 * SECOND_MS,
		.concurrent_max = (uint32_t)draw_between(w, 1, 2),
	};
	rules->priority_timeout_ms = seconds_ms(w, 15, 25);
	rules->forget_ms = seconds_ms(w, 30, 120);
	for (i = 1; i < rules->wait_count; i++) {
		wait_ms += seconds_ms(w, 1, 7);
		rules->waits_ms[i] = wait_ms;
	}
}

/* On equal or higher priority only, and never round in a circle: vmha-fdmd
 * leaves out what can't be kept. */
static void
draw_depends(struct world *w, uint32_t vm)
{
	struct restarts *r = &w->l.restarts;
	uint32_t on = (uint32_t)draw_below(w, vm + 1);

	if (on < vm && r->priority[on] != HA_RESTART_DISABLED &&
	    r->priority[on] >= r->priority[vm] && draw_percent(w, 60)) {
		r->depends[vm] = (uint8_t)(1u << on);
	}
}

static void
draw_vm(struct world *w, uint32_t vm)
{
	struct restarts *r = &w->l.restarts;

	r->priority[vm] =
		(uint8_t)draw_between(w, HA_RESTART_LOWEST, HA_RESTART_HIGHEST);
	if (draw_percent(w, 6)) {
		r->priority[vm] = HA_RESTART_DISABLED;
	}
	r->ready[vm] = (uint8_t)draw_below(w, 5) / 2; /* GUEST: one in five */
	if (draw_percent(w, 40)) {
		r->post_ready_ms[vm] = (uint32_t)seconds_ms(w, 1, 6);
	}
	r->bad[vm] = draw_percent(w, 70) ? 0 :
		     draw_percent(w, 70) ? (uint8_t)draw_between(w, 1, 9) :
					   RESTART_BAD_ALWAYS;
	draw_depends(w, vm);
}

static void
admin(struct lock_draft *p, uint32_t what, uint64_t at_us)
{
	world_plain(p->w, EV_ADMIN, 0, 0, what, at_us);
	if (at_us > p->last_us) {
		p->last_us = at_us;
	}
}

static uint32_t
any_vm(struct lock_draft *p)
{
	return (uint32_t)draw_below(p->w, p->w->l.vms);
}

static void
kill_host(struct lock_draft *p, uint32_t who, uint64_t at_us)
{
	struct world *w = p->w;
	uint64_t away_us =
		draw_percent(w, 60) ? p->t_us + draw_below(w, 4 * p->t_us) : 0;

	(void)lock_fault(p, FAULT_POWER, who, 0, at_us, away_us);
}

/* Somebody dies; then masters and managers while the VMs come up elsewhere. */
static void
plan_wave(struct lock_draft *p, uint64_t at_us)
{
	struct world *w = p->w;
	uint32_t who =
		draw_percent(w, 50) ? AT_VM : (uint32_t)draw_below(w, w->hosts);
	uint64_t count = draw_below(w, 4);
	uint64_t then_us = at_us + p->t_us / 2;

	kill_host(p, who, at_us);
	if (draw_percent(w, 30)) {
		then_us += draw_below(w, 3 * p->t_us);
		kill_host(p, AT_MASTER, then_us);
	}
	while (count--) {
		uint64_t when = then_us + draw_below(w, 5 * p->t_us);

		admin(p, ADMIN_MANAGER, when);
	}
}

/* All power fails; what was off may be called on by an old configuration. */
static void
plan_cold(struct lock_draft *p, uint64_t at_us)
{
	struct world *w = p->w;
	uint64_t off_us =
		at_us +
		(draw_percent(w, 50) ? draw_below(w, p->t_us) : 8 * p->b_us);
	uint64_t back_us = off_us + p->b_us + draw_below(w, p->t_us);
	uint64_t count = draw_between(w, 1, 3);
	uint32_t i;

	for (i = 0; i < count; i++) {
		uint32_t vm = any_vm(p);
		uint64_t when = at_us - draw_below(w, 4 * p->b_us);

		admin(p, ADMIN_ROLE | ADMIN_VM(vm), when);
	}
	for (i = 0; i < w->hosts; i++) {
		uint64_t when = off_us + draw_below(w, p->b_us / 2);
		uint64_t late = back_us + draw_below(w, 2 * p->b_us);

		(void)lock_fault(p, FAULT_POWER, i, 0, when, late - when);
	}
	if (draw_percent(w, 60)) {
		admin(p, ADMIN_SET_BACK, off_us + p->b_us / 2 + 1);
	}
	if (draw_percent(w, 40)) {
		uint64_t when = back_us + p->t_us + draw_below(w, 4 * p->t_us);

		if (draw_percent(w, 50)) {
			admin(p, ADMIN_MANAGER, when);
		} else {
			kill_host(p, AT_MASTER, when);
		}
	}
}

static void
plan_crashes(struct lock_draft *p, uint64_t at_us)
{
	struct world *w = p->w;
	uint64_t count = draw_between(w, 1, 4);

	while (count--) {
		uint32_t vm = any_vm(p);
		uint32_t what = draw_percent(w, 60) ? ADMIN_CRASH : ADMIN_ROLE;
		uint64_t when = at_us + draw_below(w, 4 * p->t_us);

		admin(p, what | ADMIN_VM(vm), when);
		if (draw_percent(w, 40)) {
			admin(p, ADMIN_MANAGER, when + draw_below(w, p->t_us));
		}
	}
}

static void
plan_tail(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t at_us = p->last_us + p->b_us;
	uint32_t away = draw_percent(w, 25) ?
				(uint32_t)draw_below(w, w->hosts) :
				NO_HOST;
	uint32_t i;

	(void)lock_fault(p, FAULT_HEAL, 0, 0, at_us, 0);
	for (i = 0; i < w->hosts; i++) {
		if (i != away) {
			uint64_t when = at_us + draw_below(w, 4 * p->b_us);

			(void)lock_fault(p, FAULT_BACK, i, 0, when, 0);
		}
	}
	w->end_us = at_us + TAIL_US;
	world_plain(w, EV_WELL, 0, 0, 0, w->end_us - 1);
}

/* The master's host dies, and the next master is killed so late that the one
 * after it has written no ticket when the fencing succeeds. The VMs run for so
 * long that their tickets tell of no attempt. */
static void
plan_masterless(struct lock_draft *p, uint64_t at_us)
{
	struct world *w = p->w;
	uint64_t count = draw_between(w, 1, 2);

	kill_host(p, AT_MASTER, at_us);
	while (count--) {
		uint64_t when = at_us + p->t_us - p->b_us;

		admin(p, ADMIN_MANAGER, when + draw_below(w, 2 * p->b_us));
	}
}

static void
begin(struct lock_draft *p)
{
	struct world *w = p->w;
	uint32_t v;

	w->l.restarts.is_on = true;
	w->l.vms = (uint32_t)draw_between(w, 3, LOCK_VMS);
	w->l.wanted = (uint8_t)((1u << w->l.vms) - 1);
	draw_rules(w);
	for (v = 0; v < w->l.vms; v++) {
		draw_vm(w, v);
		w->l.restarts.truth[v].down_us = 1;
		w->l.restarts.truth[v].went_us = 1;
	}
	for (v = 0; v < w->hosts; v++) {
		restart_forget(v);
	}
}

void
restart_draw_masterless(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t wait_us;
	uint32_t v;

	begin(p);
	for (v = 0; v < w->l.vms; v++) {
		w->l.restarts.bad[v] = 0;
		w->l.restarts.depends[v] = 0;
	}
	w->l.restarts.rules.forget_ms = FORGET_BEATS * w->timing.beat_ms;
	wait_us = w->l.restarts.rules.priority_timeout_ms * US_PER_MS *
		  HA_RESTART_PRIORITY_N;
	plan_masterless(p, p->from_us + UP_BEATS * p->b_us + wait_us);
	plan_tail(p);
}

void
restart_draw(struct lock_draft *p)
{
	static void (*const plans[])(struct lock_draft *, uint64_t) = {
		plan_wave, plan_wave, plan_cold, plan_cold, plan_crashes,
	};
	struct world *w = p->w;
	uint64_t at_us = p->from_us + UP_BEATS * p->b_us;
	uint64_t count = draw_between(w, 1, 3);

	begin(p);
	while (count--) {
		plans[draw_below(w, sizeof(plans) / sizeof(*plans))](p, at_us);
		at_us = p->last_us + draw_below(w, 40 * p->b_us);
	}
	plan_tail(p);
}

/* Somebody brings back a configuration in which all of them are to run. */
void
restart_set_back(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (w->host[i].is_on) {
			return;
		}
	}
	STORY(w, SIM_HOSTS, "an older configuration comes back");
	for (i = 0; i < w->hosts; i++) {
		w->host[i].l.pcmk.cib.wanted = w->l.wanted;
	}
}
