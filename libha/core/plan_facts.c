/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the planner must know of machines and rules: where each machine is, what
 * it needs, with whom it must or must not share a host. Machines that are off
 * are no part of any rule. Wishes (rules that are not mandatory) are not read:
 * they are never a reason for a no.
 */
#include "plan_state.h"

#include <string.h>

static int64_t
clamp_need(uint64_t value)
{
	return value > (uint64_t)HA_PLAN_ROOM_MAX ? HA_PLAN_ROOM_MAX + 1 :
						    (int64_t)value;
}

void
ha__plan_read_vm(struct ha__plan *plan, uint32_t vm)
{
	const struct ha_plan_demand *demand = &plan->question->demand[vm];
	const struct ha_inv_vm *fact = &plan->inv->vms[vm];
	struct ha__room *need = &plan->need[vm];

	plan->at[vm] = HA__PLAN_NONE;
	if (!fact->is_on) {
		*need = (struct ha__room){ 0 };
		return;
	}
	if (fact->host != HA_INV_NONE) {
		plan->at[vm] = plan->online[fact->host];
	}
	need->cpu_mhz = clamp_need(demand->cpu_mhz);
	need->memory_mb = clamp_need(demand->memory_mb);
	need->vms = 1;
	plan->size[vm] = (double)need->cpu_mhz * plan->weight_cpu +
			 (double)need->memory_mb * plan->weight_memory;
}

bool
ha__plan_settle(struct ha__plan *plan, uint32_t vm)
{
	uint32_t host = plan->at[vm];
	struct ha__room *room = &plan->room[host];
	bool ok = true;

	ha__room_take(room, &plan->need[vm]);
	ok = room->cpu_mhz >= 0 && room->memory_mb >= 0 && room->vms >= 0;
	for (uint32_t i = plan->first_rule[vm]; i < plan->first_rule[vm + 1];
	     i++) {
		uint64_t *row =
			plan->taken + (size_t)plan->rules[i] * plan->n_words;
		ok = ok && !ha__row_has(row, host);
		ha__row_set(row, host);
	}
	return ok;
}

/* Of a machine that was settled without breaking a rule. */
void
ha__plan_unsettle(struct ha__plan *plan, uint32_t vm)
{
	uint32_t host = plan->at[vm];

	ha__room_give(&plan->room[host], &plan->need[vm]);
	for (uint32_t i = plan->first_rule[vm]; i < plan->first_rule[vm + 1];
	     i++) {
		ha__row_clear(plan->taken +
				      (size_t)plan->rules[i] * plan->n_words,
			      host);
	}
}

static bool
is_separation(const struct ha_inv_rule *rule)
{
	return rule->is_mandatory && rule->type == HA_INV_SEPARATE;
}

/* A machine that a rule names twice is one machine. stamp: by machine. */
static bool
is_first_mention(uint64_t *stamp, uint32_t vm, uint32_t rule)
{
	bool is_first = stamp[vm] != (uint64_t)rule + 1;

	stamp[vm] = (uint64_t)rule + 1;
	return is_first;
}

/* Which separations a machine is under, as one array with a start each. */
void
ha__plan_add_rules(struct ha__plan *plan)
{
	const struct ha_inventory *inv = plan->inv;
	uint64_t *stamp = plan->group_stamp;
	uint32_t *first = plan->first_rule;
	uint32_t n = 0;

	memset(stamp, 0, inv->n_vms * sizeof(*stamp));
	memset(first, 0, ((size_t)inv->n_vms + 2) * sizeof(*first));
	for (uint32_t r = 0; r < inv->n_rules; r++) {
		const struct ha_inv_rule *rule = &inv->rules[r];
		for (uint32_t i = 0; is_separation(rule) && i < rule->n_vms;
		     i++) {
			if (is_first_mention(stamp, rule->vms[i], r)) {
				first[rule->vms[i] + 2]++;
			}
		}
	}
	for (uint32_t vm = 0; vm <= inv->n_vms; vm++) {
		first[vm + 1] += first[vm];
	}
	memset(stamp, 0, inv->n_vms * sizeof(*stamp));
	for (uint32_t r = 0; r < inv->n_rules; r++) {
		const struct ha_inv_rule *rule = &inv->rules[r];
		if (!is_separation(rule)) {
			continue;
		}
		for (uint32_t i = 0; i < rule->n_vms; i++) {
			if (is_first_mention(stamp, rule->vms[i], r)) {
				plan->rules[first[rule->vms[i] + 1]++] = n;
			}
		}
		n++;
	}
	plan->n_rules = n;
}

/* Hosts that a machine may use, as bits. */
void
ha__plan_add_rows(struct ha__plan *plan)
{
	const struct ha_inventory *inv = plan->inv;
	uint32_t n = 0;

	for (uint32_t vm = 0; vm < inv->n_vms; vm++) {
		const struct ha_inv_vm *fact = &inv->vms[vm];
		uint64_t *row = plan->rows + (size_t)n * plan->n_words;
		plan->row_of[vm] = HA__PLAN_NONE;
		if (!fact->has_allowed) {
			continue;
		}
		memset(row, 0, plan->n_words * sizeof(*row));
		for (uint32_t i = 0; i < fact->n_allowed; i++) {
			uint32_t host = plan->online[fact->allowed[i]];
			if (host != HA__PLAN_NONE) {
				ha__row_set(row, host);
			}
		}
		plan->row_of[vm] = n++;
	}
}

static uint32_t
find_root(uint32_t *group, uint32_t vm)
{
	while (group[vm] != vm) {
		group[vm] = group[group[vm]];
		vm = group[vm];
	}
	return vm;
}

static void
join_rule(struct ha__plan *plan, const struct ha_inv_rule *rule)
{
	uint32_t root = HA__PLAN_NONE;

	for (uint32_t i = 0; i < rule->n_vms; i++) {
		uint32_t vm = rule->vms[i];
		/* Who is nowhere ties no others to each other. */
		if (!plan->inv->vms[vm].is_on ||
		    (plan->at[vm] == HA__PLAN_NONE &&
		     !plan->question->places_stranded)) {
			continue;
		}
		vm = find_root(plan->group, vm);
		if (root == HA__PLAN_NONE) {
			root = vm;
		} else {
			plan->group[vm] = root;
		}
	}
}

/*
 * Whether some set of failures leaves machines of the group on two hosts that
 * live: then the rule is broken there, whoever else moves.
 */
static bool
is_split(const struct ha__plan *plan, uint32_t root)
{
	uint32_t hosts[2] = { HA__PLAN_NONE, HA__PLAN_NONE };
	uint32_t n_may_fail = 0;
	bool has_two = false;

	/* Two hosts, those first that no set takes away. */
	for (int may_fail = 0; may_fail < 2; may_fail++) {
		for (uint32_t vm = plan->first_member[root];
		     vm != HA__PLAN_NONE && !has_two;
		     vm = plan->next_member[vm]) {
			uint32_t at = plan->at[vm];
			if (at == HA__PLAN_NONE || at == hosts[0] ||
			    plan->is_eligible[at] != (may_fail != 0)) {
				continue;
			}
			has_two = hosts[0] != HA__PLAN_NONE;
			hosts[has_two] = at;
			n_may_fail += may_fail != 0;
		}
	}
	return has_two && plan->n_eligible - n_may_fail >= plan->n_failures;
}

void
ha__plan_add_groups(struct ha__plan *plan)
{
	const struct ha_inventory *inv = plan->inv;
	uint32_t n_vms = inv->n_vms;

	for (uint32_t vm = 0; vm < n_vms; vm++) {
		plan->group[vm] = vm;
		plan->first_member[vm] = HA__PLAN_NONE;
		plan->group_stamp[vm] = 0;
	}
	for (uint32_t r = 0; r < inv->n_rules; r++) {
		if (inv->rules[r].is_mandatory &&
		    inv->rules[r].type == HA_INV_TOGETHER) {
			join_rule(plan, &inv->rules[r]);
		}
	}
	for (uint32_t vm = 0; vm < n_vms; vm++) {
		uint32_t root = find_root(plan->group, vm);
		plan->next_member[vm] = plan->first_member[root];
		plan->first_member[root] = vm;
	}
	for (uint32_t vm = 0; vm < n_vms; vm++) {
		uint32_t head = plan->first_member[vm];
		if (plan->group[vm] == vm && head != HA__PLAN_NONE &&
		    plan->next_member[head] != HA__PLAN_NONE) {
			plan->is_broken = plan->is_broken || is_split(plan, vm);
		}
	}
	/* Roots last: until here each one names itself. */
	for (uint32_t vm = 0; vm < n_vms; vm++) {
		plan->group[vm] = find_root(plan->group, vm);
	}
	for (uint32_t vm = 0; vm < n_vms; vm++) {
		uint32_t head = plan->first_member[vm];
		if (head != HA__PLAN_NONE &&
		    plan->next_member[head] == HA__PLAN_NONE) {
			plan->group[head] = HA__PLAN_NONE;
		}
	}
}
