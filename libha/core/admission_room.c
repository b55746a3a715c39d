/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where a machine may be put now: hosts that are open to it, have room and keep
 * the mandatory rules, one machine at a time. Whether that survives failures is
 * the plan's matter; never says yes to a request.
 */
#include "admission_parts.h"

/* Shares of a host's capacity, to compare hosts of unequal size. */
#define SCORE_PARTS UINT64_C(100000)

bool
ha__admission_may_run(const struct admission *a, uint32_t vm, uint32_t host)
{
	const struct ha_inv_vm *it = &a->vms[vm];

	return a->hosts[host].state == HA_INV_ONLINE &&
	       !a->hosts[host].is_failover_host &&
	       ha_inv_vm_is_allowed(it, host);
}

bool
ha__admission_is_stranded(const struct admission *a, uint32_t vm)
{
	uint32_t host = a->vms[vm].host;

	return a->vms[vm].is_on &&
	       (host == HA_INV_NONE || a->hosts[host].state != HA_INV_ONLINE);
}

void
ha__admission_look_at_room(struct admission *a)
{
	const struct ha_inventory *inv = &a->answer->inv;

	for (uint32_t i = 0; i < inv->n_hosts; i++) {
		a->free[i].cpu_mhz = a->hosts[i].cpu_mhz;
		a->free[i].memory_mb = a->hosts[i].memory_mb;
	}
	for (uint32_t i = 0; i < inv->n_vms; i++) {
		uint32_t host = a->vms[i].host;
		struct ha_plan_demand *free_here =
			host == HA_INV_NONE ? NULL : &a->free[host];

		if (!a->vms[i].is_on || !free_here) {
			continue;
		}
		free_here->cpu_mhz -=
			free_here->cpu_mhz < a->demand[i].cpu_mhz ?
				free_here->cpu_mhz :
				a->demand[i].cpu_mhz;
		free_here->memory_mb -=
			free_here->memory_mb < a->demand[i].memory_mb ?
				free_here->memory_mb :
				a->demand[i].memory_mb;
	}
}

static uint64_t
part_left(uint64_t free_now, uint64_t need, uint64_t capacity)
{
	return capacity == 0 ? 0 : (free_now - need) * SCORE_PARTS / capacity;
}

bool
ha__admission_has_room(const struct admission *a, uint32_t vm, uint32_t host)
{
	return a->free[host].cpu_mhz >= a->demand[vm].cpu_mhz &&
	       a->free[host].memory_mb >= a->demand[vm].memory_mb;
}

/* Would a machine there be beside one that it must not meet, or away from one
 * that it must stay with. */
bool
ha__admission_breaks_rule(const struct admission *a, uint32_t vm, uint32_t host)
{
	for (uint32_t i = 0; i < a->answer->inv.n_rules; i++) {
		const struct ha_inv_rule *rule = &a->place_rules[i];
		bool is_member = false;
		bool is_beside = false;
		bool is_apart = false;

		for (uint32_t m = 0; rule->is_mandatory && m < rule->n_vms;
		     m++) {
			uint32_t other = rule->vms[m];

			is_member = is_member || other == vm;
			if (other == vm || !a->vms[other].is_on ||
			    ha__admission_is_stranded(a, other)) {
				continue;
			}
			is_beside = is_beside || a->vms[other].host == host;
			is_apart = is_apart || a->vms[other].host != host;
		}
		if (is_member &&
		    (rule->type == HA_INV_SEPARATE ? is_beside : is_apart)) {
			return true;
		}
	}
	return false;
}

/* The host that has most left with this machine on it, not tried yet. */
uint32_t
ha__admission_roomiest(const struct admission *a, uint32_t vm)
{
	const struct ha_plan_demand *need = &a->demand[vm];
	uint64_t best_score = 0;
	uint32_t best = HA_INV_NONE;

	for (uint32_t i = 0; i < a->answer->inv.n_hosts; i++) {
		const struct ha_plan_demand *here = &a->free[i];
		uint64_t cpu;
		uint64_t memory;
		uint64_t score;

		if (a->is_tried[i] || !ha__admission_may_run(a, vm, i) ||
		    !ha__admission_has_room(a, vm, i) ||
		    ha__admission_breaks_rule(a, vm, i)) {
			continue;
		}
		cpu = part_left(here->cpu_mhz, need->cpu_mhz,
				a->hosts[i].cpu_mhz);
		memory = part_left(here->memory_mb, need->memory_mb,
				   a->hosts[i].memory_mb);
		score = 1 + (cpu < memory ? cpu : memory);
		if (score > best_score) {
			best_score = score;
			best = i;
		}
	}
	return best;
}

void
ha__admission_try_none(struct admission *a)
{
	for (uint32_t i = 0; i < a->answer->inv.n_hosts; i++) {
		a->is_tried[i] = false;
	}
}

/* Another arrangement than the planner's: each to the roomiest host. */
bool
ha__admission_spread(struct admission *a)
{
	ha__admission_look_at_room(a);
	ha__admission_try_none(a);
	for (uint32_t i = 0; i < a->answer->inv.n_vms; i++) {
		uint32_t host;

		if (!a->is_displaced[i]) {
			continue;
		}
		host = ha__admission_roomiest(a, i);
		if (host == HA_INV_NONE) {
			return false;
		}
		a->vms[i].host = host;
		a->free[host].cpu_mhz -= a->demand[i].cpu_mhz;
		a->free[host].memory_mb -= a->demand[i].memory_mb;
	}
	return true;
}

/* To the next host that has room; false: there is none, it is nowhere now. */
bool
ha__admission_move_on(struct admission *a, uint32_t vm)
{
	const struct ha_plan_demand *need = &a->demand[vm];
	uint32_t host = a->vms[vm].host;

	if (host != HA_INV_NONE) {
		a->free[host].cpu_mhz += need->cpu_mhz;
		a->free[host].memory_mb += need->memory_mb;
	}
	a->vms[vm].host = HA_INV_NONE;
	for (uint32_t i = host == HA_INV_NONE ? 0 : host + 1;
	     i < a->answer->inv.n_hosts; i++) {
		if (ha__admission_may_run(a, vm, i) &&
		    ha__admission_has_room(a, vm, i) &&
		    !ha__admission_breaks_rule(a, vm, i)) {
			a->free[i].cpu_mhz -= need->cpu_mhz;
			a->free[i].memory_mb -= need->memory_mb;
			a->vms[vm].host = i;
			return true;
		}
	}
	return false;
}
