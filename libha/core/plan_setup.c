/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lays out the planner's working memory and fills it from a question: online
 * hosts, what is left of them, which machines are on each, and whether
 * something is wrong as things stand, whoever fails.
 */
#include "plan_state.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN 16u

void *
ha__arena_take(struct ha__arena *arena, size_t n, size_t size)
{
	char *start = arena->base == NULL ? NULL : arena->base + arena->used;

	/* One more: an array without elements has an address too. */
	arena->used +=
		((n + 1) * size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	return start;
}

#define TAKE(pointer, n) \
	((pointer) = ha__arena_take(arena, (n), sizeof(*(pointer))))

static void
count_sizes(const struct ha_inventory *inv, size_t *ret_memberships,
	    size_t *ret_separations, size_t *ret_restricted)
{
	*ret_memberships = 0;
	*ret_separations = 0;
	*ret_restricted = 0;
	for (uint32_t r = 0; r < inv->n_rules; r++) {
		if (inv->rules[r].is_mandatory &&
		    inv->rules[r].type == HA_INV_SEPARATE) {
			*ret_memberships += inv->rules[r].n_vms;
			++*ret_separations;
		}
	}
	for (uint32_t vm = 0; vm < inv->n_vms; vm++) {
		*ret_restricted += inv->vms[vm].has_allowed;
	}
}

static void
layout_search(struct ha__plan *plan, struct ha__arena *arena, size_t n_hosts,
	      size_t n_vms, size_t bits)
{
	struct ha__plan_search *search = &plan->search;

	TAKE(search->kind, n_vms);
	TAKE(search->choices, n_vms);
	TAKE(search->can, bits);
	TAKE(search->ban, bits);
	TAKE(search->tried, bits);
	TAKE(search->stack, n_vms);
	TAKE(search->wish, n_hosts);
}

void
ha__plan_layout(struct ha__plan *plan, struct ha__arena *arena,
		const struct ha_plan_question *question)
{
	const struct ha_inventory *inv = question->inv;
	size_t n_hosts = inv->n_hosts;
	size_t n_vms = inv->n_vms;
	size_t n_words = (n_hosts + 63) / 64;
	size_t memberships = 0;
	size_t separations = 0;
	size_t restricted = 0;

	count_sizes(inv, &memberships, &separations, &restricted);
	plan->question = question;
	plan->inv = inv;
	plan->n_words = (uint32_t)n_words;
	TAKE(plan->host_of, n_hosts);
	TAKE(plan->online, n_hosts);
	TAKE(plan->eligible, n_hosts);
	TAKE(plan->is_eligible, n_hosts);
	TAKE(plan->is_dead, n_hosts);
	TAKE(plan->room, n_hosts);
	TAKE(plan->block, n_hosts / HA__PLAN_BLOCK + 1);
	TAKE(plan->no_failover, n_words);
	TAKE(plan->first_vm, n_hosts + 1);
	TAKE(plan->next_vm, n_vms);
	TAKE(plan->at, n_vms);
	TAKE(plan->need, n_vms);
	TAKE(plan->size, n_vms);
	TAKE(plan->group, n_vms);
	TAKE(plan->next_member, n_vms);
	TAKE(plan->first_member, n_vms);
	TAKE(plan->group_item, n_vms);
	TAKE(plan->group_stamp, n_vms);
	TAKE(plan->taken, separations * n_words);
	TAKE(plan->first_rule, n_vms + 2);
	TAKE(plan->rules, memberships);
	TAKE(plan->item_rules, memberships);
	TAKE(plan->rule_stamp, separations);
	TAKE(plan->row_of, n_vms);
	TAKE(plan->rows, (restricted + 1) * n_words);
	TAKE(plan->items, n_vms);
	TAKE(plan->next_in_item, n_vms);
	TAKE(plan->item_rows, n_vms * n_words);
	TAKE(plan->near, n_hosts);
	TAKE(plan->order, n_vms);
	TAKE(plan->keys, n_vms);
	TAKE(plan->moves, n_vms);
	layout_search(plan, arena, n_hosts, n_vms, n_vms * n_words);
}

static int64_t
clamp_room(uint64_t value)
{
	return value > (uint64_t)HA_PLAN_ROOM_MAX ? HA_PLAN_ROOM_MAX :
						    (int64_t)value;
}

static void
add_hosts(struct ha__plan *plan)
{
	const struct ha_inventory *inv = plan->inv;
	bool spares = plan->question->spares_failover_hosts;
	uint32_t n = 0;

	plan->n_eligible = 0;
	for (uint32_t h = 0; h < inv->n_hosts; h++) {
		const struct ha_inv_host *host = &inv->hosts[h];
		plan->online[h] = HA__PLAN_NONE;
		if (host->state != HA_INV_ONLINE) {
			continue;
		}
		plan->online[h] = n;
		plan->host_of[n] = h;
		plan->room[n].cpu_mhz = clamp_room(host->cpu_mhz);
		plan->room[n].memory_mb = clamp_room(host->memory_mb);
		plan->room[n].vms =
			host->max_vms == 0 ? HA_PLAN_ROOM_MAX : host->max_vms;
		plan->is_dead[n] = false;
		plan->is_eligible[n] = !(spares && host->is_failover_host);
		if (plan->is_eligible[n]) {
			plan->eligible[plan->n_eligible++] = n;
		}
		n++;
	}
	plan->n_hosts = n;
	plan->n_words = (n + 63) / 64;
	plan->n_failures = plan->question->failures < plan->n_eligible ?
				   plan->question->failures :
				   plan->n_eligible;
}

static void
add_weights(struct ha__plan *plan)
{
	double cpu = 0;
	double memory = 0;

	memset(plan->no_failover, 0, plan->n_words * sizeof(uint64_t));
	for (uint32_t h = 0; h < plan->n_hosts; h++) {
		cpu += (double)plan->room[h].cpu_mhz;
		memory += (double)plan->room[h].memory_mb;
		if (!plan->inv->hosts[plan->host_of[h]].is_failover_host) {
			ha__row_set(plan->no_failover, h);
		}
	}
	plan->weight_cpu = cpu > 0 ? plan->n_hosts / cpu : 0;
	plan->weight_memory = memory > 0 ? plan->n_hosts / memory : 0;
}

int
ha__plan_compare_keys(const void *a, const void *b)
{
	const struct ha__plan_key *left = a;
	const struct ha__plan_key *right = b;

	if (left->key != right->key) {
		return left->key < right->key ? -1 : 1;
	}
	return left->id < right->id ? -1 : left->id > right->id;
}

/* Whether it is to be placed with every set. */
static bool
is_stranded(const struct ha__plan *plan, uint32_t vm)
{
	return plan->question->places_stranded && plan->inv->vms[vm].is_on &&
	       plan->at[vm] == HA__PLAN_NONE;
}

/* Ascending by size into the heads of the lists: these descend. */
static void
add_vms(struct ha__plan *plan)
{
	const struct ha_inventory *inv = plan->inv;
	uint32_t n = 0;

	for (uint32_t h = 0; h <= plan->n_hosts; h++) {
		plan->first_vm[h] = HA__PLAN_NONE;
	}
	for (uint32_t vm = 0; vm < inv->n_vms; vm++) {
		ha__plan_read_vm(plan, vm);
		if (plan->at[vm] != HA__PLAN_NONE || is_stranded(plan, vm)) {
			plan->keys[n].key = plan->size[vm];
			plan->keys[n++].id = vm;
		}
	}
	qsort(plan->keys, n, sizeof(*plan->keys), ha__plan_compare_keys);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t vm = plan->keys[i].id;
		uint32_t at = plan->at[vm];
		uint32_t *head =
			&plan->first_vm[at == HA__PLAN_NONE ? plan->n_hosts :
							      at];
		plan->next_vm[vm] = *head;
		*head = vm;
		if (at != HA__PLAN_NONE && !ha__plan_settle(plan, vm)) {
			/* Said only where some set lets this host live. */
			if (!plan->is_eligible[at] ||
			    plan->n_failures < plan->n_eligible) {
				plan->is_broken = true;
				plan->bad_host = plan->host_of[at];
			}
		}
	}
}

/* No host of a block has more than this. */
void
ha__plan_sum_up(struct ha__plan *plan)
{
	plan->all = (struct ha__room){ 0 };
	for (uint32_t h = 0; h < plan->n_hosts; h++) {
		const struct ha__room *room = &plan->room[h];
		struct ha__room *block = &plan->block[h / HA__PLAN_BLOCK];
		if (h % HA__PLAN_BLOCK == 0) {
			*block = HA__ROOM_DEAD;
		}
		if (room->cpu_mhz > block->cpu_mhz) {
			block->cpu_mhz = room->cpu_mhz;
		}
		if (room->memory_mb > block->memory_mb) {
			block->memory_mb = room->memory_mb;
		}
		if (room->vms > block->vms) {
			block->vms = room->vms;
		}
		ha__room_give(&plan->all, room);
	}
}

void
ha__plan_setup(struct ha__plan *plan)
{
	plan->is_broken = false;
	plan->bad_host = HA_INV_NONE;
	plan->stamp = 0;
	plan->steps = 0;
	add_hosts(plan);
	add_weights(plan);
	ha__plan_add_rules(plan);
	memset(plan->taken, 0,
	       (size_t)plan->n_rules * plan->n_words * sizeof(uint64_t));
	memset(plan->rule_stamp, 0, plan->n_rules * sizeof(uint64_t));
	ha__plan_add_rows(plan);
	add_vms(plan);
	ha__plan_add_groups(plan);
	ha__plan_sum_up(plan);
}
