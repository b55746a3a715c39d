/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Schedules of the lock: VMs, their policies, and what is done to hosts,
 * network and storage around them. Lengths crowd around what a fencing, a
 * seal and a start take; a third of them end quiet, with everything repaired.
 */
#include <string.h>

#include "sim.h"

#define BOOT_BEATS 14
#define ADMINS_MAX 5
#define TAIL_PERCENT 35
#define TAIL_BEATS 40
#define DRAWN_VMS 4u

struct fault *
lock_fault(struct lock_draft *p, enum fault_kind kind, uint32_t host,
	   uint8_t mask, uint64_t at_us, uint64_t length_us)
{
	static struct fault none;
	struct world *w = p->w;
	struct fault *f = &w->faults[w->fault_count];

	if (w->fault_count == SIM_FAULTS) {
		return &none;
	}
	*f = (struct fault){ .kind = (uint8_t)kind,
			     .host = (uint8_t)host,
			     .mask = mask,
			     .at_us = at_us,
			     .length_us = length_us };
	f->extra = kind == FAULT_PATH ? (uint8_t)draw_between(w, 1, 3) : 1;
	f->mode = (uint8_t)draw_between(w, COND_SLOW, COND_ERROR);
	world_plain(w, EV_FAULT, host, 0, w->fault_count++, at_us);
	if (at_us + length_us > p->last_us) {
		p->last_us = at_us + length_us;
	}
	return f;
}

/* Draws are arguments here; C does not say in which order arguments are
 * evaluated, so that no call has more than one. */
static void
add(struct lock_draft *p, enum fault_kind kind, uint32_t host, uint8_t mask,
    uint64_t at_us, uint64_t length_us)
{
	(void)lock_fault(p, kind, host, mask, at_us, length_us);
}

static uint32_t
any_host(struct lock_draft *p)
{
	return (uint32_t)draw_below(p->w, p->w->hosts);
}

static uint64_t
length_us(struct lock_draft *p)
{
	struct world *w = p->w;

	switch (draw_below(w, 4)) {
	case 0:
		return w->token_us + draw_below(w, 4 * p->b_us);
	case 1:
		return w->token_us + draw_below(w, p->t_us);
	case 2:
		return p->t_us + draw_below(w, 2 * p->t_us);
	}
	return draw_between(w, p->b_us, 3 * p->t_us);
}

static uint64_t
moment_us(struct lock_draft *p)
{
	return p->from_us + draw_below(p->w, 2 * p->t_us);
}

static uint8_t
any_side(struct lock_draft *p, uint32_t host)
{
	struct world *w = p->w;
	uint8_t all = (uint8_t)((1u << w->hosts) - 1);

	return draw_percent(w, 60) ? (uint8_t)(1u << host) :
				     (uint8_t)(draw(w) & all);
}

static void
plan_cut(struct lock_draft *p)
{
	uint32_t host = any_host(p);
	uint8_t side = any_side(p, host);
	uint64_t at = moment_us(p);

	add(p, FAULT_PARTITION, host, side, at, length_us(p));
}

/* Cut and healed again and again, each time as others see it. */
static void
plan_flapping(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t at = moment_us(p);
	uint64_t count = draw_between(w, 2, 4);
	uint32_t host = any_host(p);
	uint8_t side;

	while (count--) {
		uint64_t length = w->token_us / 2 +
				  draw_below(w, 2 * w->token_us + p->t_us);

		side = any_side(p, host);
		add(p, FAULT_PARTITION, host, side, at, length);
		at += length + draw_below(w, 3 * w->token_us);
	}
}

static void
plan_cut_and_storage(struct lock_draft *p)
{
	struct world *w = p->w;
	uint32_t host = any_host(p);
	uint64_t at = moment_us(p);
	uint8_t side = any_side(p, host);
	uint8_t all = (uint8_t)((1u << w->stores) - 1);

	add(p, FAULT_PARTITION, host, side, at, length_us(p));
	host = draw_percent(w, 50) ? host : any_host(p);
	side = draw_percent(w, 40) ? all : (uint8_t)(draw_below(w, all) + 1);
	at += draw_below(w, p->t_us);
	add(p, FAULT_PATH, host, side, at, length_us(p));
}

static void
plan_death(struct lock_draft *p)
{
	struct world *w = p->w;
	uint32_t host = any_host(p);
	uint64_t at = moment_us(p);

	if (draw_percent(w, 50)) {
		uint32_t about = any_host(p);
		uint8_t side = any_side(p, host);
		uint64_t cut = at - p->b_us + draw_below(w, p->t_us);

		add(p, FAULT_PARTITION, about, side, cut, length_us(p));
	}
	add(p, FAULT_POWER, host, 0, at,
	    draw_percent(w, 70) ? 1 + draw_below(w, 2 * p->t_us) : 0);
}

/* Everybody's power, one or two come back late or not. */
static void
plan_cold_start(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t at = moment_us(p);
	uint32_t late = any_host(p);
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		uint64_t off = at + draw_below(w, p->b_us);
		bool is_gone = i == late && draw_percent(w, 50);

		add(p, FAULT_POWER, i, 0, off,
		    is_gone ? 0 : p->b_us + draw_below(w, p->t_us));
	}
	if (draw_percent(w, 40)) {
		uint8_t side = any_side(p, late);

		at += draw_below(w, p->t_us);
		add(p, FAULT_PARTITION, late, side, at, length_us(p));
	}
}

static void
plan_pauses(struct lock_draft *p)
{
	struct world *w = p->w;
	uint32_t host = any_host(p);
	uint64_t at = moment_us(p);
	enum fault_kind kind =
		draw_percent(w, 50) ? FAULT_PAUSE_HOST : FAULT_STILL;
	uint8_t side = any_side(p, host);
	uint64_t cut = at - p->b_us + draw_below(w, p->t_us);

	add(p, kind, host, 0, at, draw_below(w, p->t_us));
	add(p, FAULT_PARTITION, host, side, cut, length_us(p));
	if (draw_percent(w, 30)) {
		host = any_host(p);
		at = moment_us(p);
		add(p, FAULT_PAUSE_DAEMON, host, 0, at,
		    draw_below(w, p->t_us / 2));
	}
}

static void
plan_ends(struct lock_draft *p)
{
	static const uint8_t kinds[] = { FAULT_KILL, FAULT_STOP, FAULT_POWER };
	struct world *w = p->w;
	uint64_t count = draw_between(w, 1, 2);

	while (count--) {
		enum fault_kind kind = (enum fault_kind)kinds[draw_below(w, 3)];
		uint32_t host = any_host(p);
		uint64_t at = moment_us(p);

		add(p, kind, host, 0, at, p->b_us + draw_below(w, p->t_us));
	}
	if (draw_percent(w, 60)) {
		plan_cut(p);
	}
}

static void
plan_template(struct lock_draft *p)
{
	static void (*const templates[])(struct lock_draft *) = {
		plan_cut,        plan_cut,    plan_flapping,
		plan_flapping,   plan_death,  plan_cut_and_storage,
		plan_cold_start, plan_pauses, plan_ends,
	};
	struct world *w = p->w;

	w->template_no =
		(uint32_t)draw_below(w, sizeof(templates) / sizeof(*templates));
	templates[w->template_no](p);
	if (draw_percent(w, 25)) {
		plan_cut(p);
	}
}

static void
plan_admins(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t count = draw_below(w, ADMINS_MAX + 1);

	while (count--) {
		uint64_t at = p->from_us - 4 * p->b_us;

		world_plain(w, EV_ADMIN, 0, 0, 0,
			    at + draw_below(w, 3 * p->t_us));
	}
}

static void
plan_tail(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t at = p->last_us + p->b_us;
	uint32_t away = draw_percent(w, 30) ? any_host(p) : NO_HOST;
	uint32_t i;

	add(p, FAULT_HEAL, 0, 0, at, 0);
	for (i = 0; i < w->hosts; i++) {
		if (i != away) {
			add(p, FAULT_BACK, i, 0,
			    at + draw_below(w, 4 * p->b_us), 0);
		}
	}
	w->end_us = at + 6 * p->t_us + TAIL_BEATS * p->b_us;
	world_plain(w, EV_WELL, 0, 0, 0, w->end_us - 1);
}

static void
draw_vms(struct world *w)
{
	uint32_t v;

	w->l.vms = (uint32_t)draw_between(w, 1, DRAWN_VMS);
	w->l.has_manager = draw_percent(w, 88);
	w->l.is_after_wait = draw_percent(w, 30);
	w->l.wanted = (uint8_t)((1u << w->l.vms) - 1);
	w->l.address =
		draw_percent(w, 30) ? NO_HOST : (uint8_t)draw_below(w, 2);
	w->l.policy = (struct ha_isolation_policy){
		.ping_ms = w->timing.beat_ms,
		.shutdown_ms = 5 * w->timing.beat_ms,
	};
	w->l.policy.delay_ms = (uint32_t)draw_below(w, 4 * w->timing.beat_ms);
	w->l.policy.partition_ms =
		(uint32_t)draw_below(w, 6 * w->timing.beat_ms);
	for (v = 0; v < w->l.vms; v++) {
		w->l.isolation[v] = (enum ha_response)draw_between(
			w, HA_RESPONSE_CLUSTER, HA_RESPONSE_SHUTDOWN);
		w->l.partition[v] = (enum ha_response)draw_between(
			w, HA_RESPONSE_CLUSTER, HA_RESPONSE_SHUTDOWN);
	}
}

/* Only what is read before it is written. */
void
lock_init(struct world *w)
{
	memset(&w->l, 0, sizeof(w->l));
}

void
lock_draw(struct world *w)
{
	struct lock_draft p = { .w = w };
	uint32_t i;

	w->l.is_on = true;
	draw_vms(w);
	p.b_us = w->timing.beat_ms * US_PER_MS;
	p.t_us = w->silence_ms * US_PER_MS;
	p.from_us = 2 * w->token_us + BOOT_BEATS * p.b_us;
	p.last_us = p.from_us;
	for (i = 0; i < w->hosts; i++) {
		uint64_t at = draw_below(w, 1000);

		w->truth[i].is_disturbed = true;
		if (draw_percent(w, 5)) {
			at = p.from_us + draw_below(w, 2 * p.t_us);
		}
		world_plain(w, EV_POWER_ON, i, 0, 0, at);
	}
	if (aimed_at(w->seed) != AIM_NONE) {
		aimed_plan(&p);
	} else {
		plan_template(&p);
		plan_admins(&p);
	}
	if (w->l.restarts.is_on) {
		return; /* has an end of its own */
	}
	w->end_us = p.last_us + p.t_us + 8 * p.b_us;
	if (draw_percent(w, TAIL_PERCENT)) {
		plan_tail(&p);
	}
}
