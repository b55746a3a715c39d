/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The copy of the cluster that the targets are made on: its memory, and what
 * of it is changed before anybody is placed. What is wrong as things stand is
 * made right here, so that it hinders nobody's plan; the original stays as it
 * is.
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

		if (!t->vms[vm].is_on || !ha__targets_is_online(t, host)) {
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

bool
ha__targets_is_leaving(const struct ha_targets *t, uint32_t vm)
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
				  !ha__targets_is_online(t, inv->vms[vm].host));
		if (t->is_down[vm]) {
			t->vms[vm].host = HA_INV_NONE;
			t->vms[vm].is_on = !ha__targets_is_leaving(t, vm);
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
	t->group = 0;
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
