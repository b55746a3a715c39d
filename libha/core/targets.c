/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which targets stay, host by host, and who is left without one. Less and less
 * is held fast until the planner finds a place for all: first every target that
 * is good by itself, then those on hosts that are not overrun, then none; last,
 * machines without a place are left out one by one. Never gives a target that is
 * not online, not allowed, or the machine's own host.
 */
#include "plan_state.h"
#include "targets.h"

#include <string.h>

#define TAKE(pointer, n) \
	((pointer) = ha__arena_take(arena, (n), sizeof(*(pointer))))

static void
layout(struct ha_targets *t, struct ha__arena *arena,
       const struct ha_targets_question *q)
{
	const struct ha_plan_question largest = { .inv = q->inv,
						  .demand = q->demand,
						  .failures = 1 };

	TAKE(t->base, q->inv->n_hosts);
	TAKE(t->hosts, q->inv->n_hosts);
	TAKE(t->vms, q->inv->n_vms);
	TAKE(t->rules, q->inv->n_rules);
	TAKE(t->is_down, q->inv->n_vms);
	TAKE(t->used, q->inv->n_hosts);
	TAKE(t->count, q->inv->n_hosts);
	TAKE(t->want, q->inv->n_vms);
	TAKE(t->movers, q->inv->n_vms);
	TAKE(t->is_dropped, q->inv->n_vms);
	TAKE(t->moves, q->inv->n_vms);
	t->plan_work = ha__arena_take(arena, ha_plan_work_bytes(&largest), 1);
	t->verify_work =
		ha__arena_take(arena, ha_plan_verify_bytes(&largest), 1);
}

size_t
ha_targets_work_bytes(const struct ha_targets_question *question)
{
	struct ha__arena arena = { .base = NULL };
	struct ha_targets t;

	(void)ha__arena_take(&arena, 1, sizeof(t));
	layout(&t, &arena, question);
	return arena.used;
}

/* ---- the copy ------------------------------------------------------------ */

void
ha__targets_sum(struct ha_targets *t)
{
	for (uint32_t h = 0; h < t->inv.n_hosts; h++) {
		t->used[h] = (struct ha_plan_demand){ 0 };
		t->count[h] = 0;
	}
	for (uint32_t vm = 0; vm < t->inv.n_vms; vm++) {
		uint32_t host = t->vms[vm].host;

		if (t->vms[vm].is_on && host != HA_INV_NONE) {
			t->used[host].cpu_mhz += t->q->demand[vm].cpu_mhz;
			t->used[host].memory_mb += t->q->demand[vm].memory_mb;
			t->count[host]++;
		}
	}
}

static bool
is_online(const struct ha_targets *t, uint32_t host)
{
	return host != HA_INV_NONE &&
	       t->q->inv->hosts[host].state == HA_INV_ONLINE;
}

/* Its target, if that is good by itself. */
static uint32_t
good_now(const struct ha_targets *t, uint32_t vm)
{
	uint32_t now = t->q->facts[vm].now;

	return is_online(t, now) && now != t->failed &&
			       ha_inv_vm_is_allowed(&t->q->inv->vms[vm], now) ?
		       now :
		       HA_INV_NONE;
}

static bool
is_overrun(const struct ha_targets *t, uint32_t host)
{
	const struct ha_inv_host *base = &t->base[host];

	return t->used[host].cpu_mhz > base->cpu_mhz ||
	       t->used[host].memory_mb > base->memory_mb ||
	       (base->max_vms != 0 && t->count[host] > base->max_vms);
}

static void
fill_up(struct ha_targets *t)
{
	for (uint32_t h = 0; h < t->inv.n_hosts; h++) {
		struct ha_inv_host *base = &t->base[h];

		if (base->cpu_mhz < t->used[h].cpu_mhz) {
			base->cpu_mhz = t->used[h].cpu_mhz;
		}
		if (base->memory_mb < t->used[h].memory_mb) {
			base->memory_mb = t->used[h].memory_mb;
		}
		if (base->max_vms != 0 && base->max_vms < t->count[h]) {
			base->max_vms = t->count[h];
		}
	}
}

/* As things stand: `count` is scratch, by host: a machine of the rule + 1. */
static bool
is_broken(struct ha_targets *t, const struct ha_inv_rule *rule)
{
	uint32_t first = HA_INV_NONE;

	memset(t->count, 0, t->inv.n_hosts * sizeof(*t->count));
	for (uint32_t i = 0; i < rule->n_vms; i++) {
		uint32_t vm = rule->vms[i];
		uint32_t host = t->vms[vm].host;

		if (!t->vms[vm].is_on || !is_online(t, host)) {
			continue;
		}
		if (rule->type == HA_INV_SEPARATE && t->count[host] != 0 &&
		    t->count[host] != vm + 1) {
			return true;
		}
		if (rule->type == HA_INV_TOGETHER && first != HA_INV_NONE &&
		    first != host) {
			return true;
		}
		t->count[host] = vm + 1;
		first = host;
	}
	return false;
}

/* Its host goes into maintenance, or is in standby: no failure moves it. */
static bool
is_leaving(const struct ha_targets *t, uint32_t vm)
{
	const struct ha_inventory *inv = t->q->inv;
	uint32_t host = inv->vms[vm].host;

	return t->is_down[vm] && host != HA_INV_NONE &&
	       (inv->hosts[host].state == HA_INV_STANDBY ||
		inv->hosts[host].state == HA_INV_MAINTENANCE);
}

static void
open_copy(struct ha_targets *t)
{
	const struct ha_inventory *inv = t->q->inv;

	t->inv = *inv;
	t->inv.hosts = t->hosts;
	t->inv.vms = t->vms;
	t->inv.rules = t->rules;
	for (uint32_t h = 0; h < inv->n_hosts; h++) {
		t->base[h] = inv->hosts[h];
	}
	for (uint32_t vm = 0; vm < inv->n_vms; vm++) {
		t->vms[vm] = inv->vms[vm];
		t->is_dropped[vm] = false;
		t->is_down[vm] = inv->vms[vm].is_on &&
				 (t->q->facts[vm].is_down ||
				  !is_online(t, inv->vms[vm].host));
		if (t->is_down[vm]) {
			t->vms[vm].host = HA_INV_NONE;
			t->vms[vm].is_on = !is_leaving(t, vm);
		}
		t->out[vm] = (struct ha_target){ .host = HA_INV_NONE,
						 .state = HA_TARGET_NEEDLESS };
	}
	for (uint32_t r = 0; r < inv->n_rules; r++) {
		t->rules[r] = inv->rules[r];
		t->rules[r].is_mandatory = inv->rules[r].is_mandatory &&
					   !is_broken(t, &inv->rules[r]);
	}
	ha__targets_sum(t);
	fill_up(t);
}

/* ---- answers ------------------------------------------------------------- */

static void
want_none(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		t->want[t->movers[i]] = HA_INV_NONE;
		t->is_dropped[t->movers[i]] = false;
	}
}

/* Whatever has none yet wants what it has now. */
static void
want_now(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		t->is_dropped[vm] = false;
		if (t->want[vm] == HA_INV_NONE) {
			t->want[vm] = good_now(t, vm);
		}
	}
}

static void
accept(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		t->vms[vm].is_on = true;
		t->out[vm] = (struct ha_target){ .host = t->want[vm],
						 .state = HA_TARGET_GIVEN };
		if (t->is_dropped[vm]) {
			t->out[vm] = (struct ha_target){
				.host = good_now(t, vm),
				.state = HA_TARGET_HOMELESS,
				.is_conservative = t->is_bound,
			};
		}
		t->is_dropped[vm] = false;
	}
}

static bool
try(struct ha_targets *t)
{
	if (ha__targets_ask(t, HA__TAKES_ANY, false) &&
	    ha__targets_is_good(t)) {
		accept(t);
		return true;
	}
	return false;
}

/* Those on hosts that have no room for all that want to go there. */
static void
release_overrun(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		t->vms[vm].is_on = true;
		t->vms[vm].host = t->want[vm];
	}
	ha__targets_sum(t);
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		t->vms[vm].host = t->failed;
		if (t->want[vm] != HA_INV_NONE && is_overrun(t, t->want[vm])) {
			t->want[vm] = HA_INV_NONE;
		}
	}
}

/* As many as fit onto these, then the others anywhere. */
static bool
try_takers(struct ha_targets *t, enum ha__takers takers)
{
	want_none(t);
	want_now(t);
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t *want = &t->want[t->movers[i]];

		if (*want != HA_INV_NONE &&
		    t->q->inv->hosts[*want].is_failover_host !=
			    (takers == HA__TAKES_FAILOVER)) {
			*want = HA_INV_NONE;
		}
	}
	(void)ha__targets_ask(t, takers, true);
	want_now(t);
	return try(t);
}

/* first: failover hosts are for machines of hosts that die. */
static void
settle(struct ha_targets *t, enum ha__takers first)
{
	if (t->n_movers == 0) {
		return;
	}
	if (t->q->has_failover_hosts && try_takers(t, first)) {
		return;
	}
	want_none(t);
	want_now(t);
	if (try(t)) {
		return;
	}
	want_none(t);
	want_now(t);
	release_overrun(t);
	if (try(t)) {
		return;
	}
	want_none(t);
	if (try(t)) {
		return;
	}
	want_none(t);
	(void)ha__targets_ask(t, HA__TAKES_ANY, true);
	/* Only after a fault of the planner: nobody is sent anywhere by it. */
	for (uint32_t i = 0; !ha__targets_is_good(t) && i < t->n_movers; i++) {
		t->is_dropped[t->movers[i]] = true;
	}
	accept(t);
}

/* ---- who moves ----------------------------------------------------------- */

/* From here on they count where they will be; those of the other kind are as
 * they have been left: at their places, or off. */
static void
place_down(struct ha_targets *t, bool leaves)
{
	t->failed = HA_INV_NONE;
	t->n_movers = 0;
	for (uint32_t vm = 0; vm < t->inv.n_vms; vm++) {
		if (t->is_down[vm] && is_leaving(t, vm) == leaves) {
			t->vms[vm].is_on = true;
			t->movers[t->n_movers++] = vm;
		}
	}
	settle(t, leaves ? HA__TAKES_OTHER : HA__TAKES_FAILOVER);
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		t->vms[vm].is_on = t->out[vm].state == HA_TARGET_GIVEN;
		t->vms[vm].host =
			t->vms[vm].is_on ? t->out[vm].host : HA_INV_NONE;
	}
}

static void
show_down(struct ha_targets *t, bool is_shown)
{
	for (uint32_t vm = 0; vm < t->inv.n_vms; vm++) {
		if (t->is_down[vm] && t->vms[vm].host == t->failed) {
			t->vms[vm].is_on = is_shown;
		}
	}
}

static void
place_host(struct ha_targets *t, uint32_t host)
{
	t->failed = host;
	t->n_movers = 0;
	for (uint32_t vm = 0; vm < t->inv.n_vms; vm++) {
		if (t->vms[vm].is_on && !t->is_down[vm] &&
		    t->vms[vm].host == host) {
			t->movers[t->n_movers++] = vm;
		}
	}
	/* What is about to start there has one target: this host. */
	show_down(t, false);
	settle(t, HA__TAKES_FAILOVER);
	show_down(t, true);
}

/* Nobody was promised anything for the failure of a failover host. */
static void
forgive(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		struct ha_target *out = &t->out[t->movers[i]];

		if (out->state == HA_TARGET_HOMELESS) {
			out->state = HA_TARGET_NEEDLESS;
		}
	}
}

struct ha_targets *
ha_targets_begin(const struct ha_targets_question *question, void *work,
		 struct ha_target *ret_targets)
{
	struct ha__arena arena = { .base = work };
	struct ha_targets *t = ha__arena_take(&arena, 1, sizeof(*t));

	t->question = *question;
	t->q = &t->question;
	t->out = ret_targets;
	t->is_begun = false;
	t->next = 0;
	layout(t, &arena, question);
	open_copy(t);
	return t;
}

void
ha_targets_rebase(struct ha_targets *t,
		  const struct ha_targets_question *question)
{
	const struct ha_inventory *inv = question->inv;

	t->question = *question;
	for (uint32_t vm = 0; vm < inv->n_vms; vm++) {
		t->vms[vm].name = inv->vms[vm].name;
		t->vms[vm].allowed = inv->vms[vm].allowed;
	}
	for (uint32_t h = 0; h < inv->n_hosts; h++) {
		t->base[h].name = inv->hosts[h].name;
	}
	for (uint32_t r = 0; r < inv->n_rules; r++) {
		t->rules[r].vms = inv->rules[r].vms;
	}
}

bool
ha_targets_step(struct ha_targets *t)
{
	uint32_t host;

	ha__targets_refill(t);
	if (!t->is_begun) {
		place_down(t, false);
		place_down(t, true);
		t->is_begun = true;
		return t->inv.n_hosts > 0;
	}
	host = t->next++;
	if (is_online(t, host)) {
		place_host(t, host);
		if (t->q->has_failover_hosts &&
		    t->q->inv->hosts[host].is_failover_host) {
			forgive(t);
		}
	}
	return t->next < t->inv.n_hosts;
}

void
ha_targets_make(const struct ha_targets_question *question, void *work,
		struct ha_target *ret_targets)
{
	struct ha_targets *t = ha_targets_begin(question, work, ret_targets);

	while (ha_targets_step(t)) {
	}
}
