/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Greedy runs over the items of one set. First fit comes first and is the fast
 * one: it passes over blocks of hosts that have no room at all. The others are
 * pairs of an order and a rule of choice; each fails on instances where another
 * does not (Panigrahy et al., Heuristics for Vector Bin Packing, 2011, for the
 * dot product). A run that fails proves nothing.
 */
#include "plan_state.h"

#include <stdlib.h>

/* From host to end; NONE: none of them. */
static uint32_t
find_between(struct ha__plan *plan, const struct ha__plan_item *item,
	     uint32_t host, uint32_t end)
{
	uint32_t begin = host;

	while (host < end) {
		uint32_t block_end =
			(host / HA__PLAN_BLOCK + 1) * HA__PLAN_BLOCK;
		if (block_end > end) {
			block_end = end;
		}
		if (!ha__room_holds(&plan->block[host / HA__PLAN_BLOCK],
				    &item->need)) {
			plan->steps++;
			begin += block_end - host - 1;
			host = block_end;
			continue;
		}
		for (; host < block_end; host++) {
			if (ha__plan_fits(plan, item, host)) {
				plan->steps += host - begin + 1;
				return host;
			}
		}
	}
	plan->steps += host - begin;
	return HA__PLAN_NONE;
}

bool
ha__plan_first_fit(struct ha__plan *plan, uint32_t start_host)
{
	for (uint32_t i = 0; i < plan->n_items; i++) {
		struct ha__plan_item *item = &plan->items[i];
		uint32_t host =
			find_between(plan, item, start_host, plan->n_hosts);
		if (host == HA__PLAN_NONE) {
			host = find_between(plan, item, 0, start_host);
		}
		if (host == HA__PLAN_NONE) {
			plan->culprit = item->vm;
			ha__plan_unplace_all(plan);
			return false;
		}
		ha__plan_place(plan, item, host);
	}
	return true;
}

static const struct {
	enum ha__order order;
	enum ha__choose choose;
} RUNS[] = {
	{ HA__BY_SUM, HA__FULLEST },         { HA__BY_SUM, HA__ALIGNED },
	{ HA__BY_LARGER, HA__FULLEST },      { HA__BY_LARGER, HA__BALANCED },
	{ HA__BY_CHOICES, HA__FULLEST },     { HA__BY_CPU, HA__LEAST_CPU },
	{ HA__BY_MEMORY, HA__LEAST_MEMORY }, { HA__BY_CPU, HA__LEAST_MEMORY },
	{ HA__BY_MEMORY, HA__LEAST_CPU },    { HA__BY_LARGER, HA__ALIGNED },
	{ HA__BY_PRODUCT, HA__FULLEST },     { HA__BY_SUM, HA__BALANCED },
	{ HA__BY_SUM, HA__EMPTIEST },
};

/* Scarce things weigh more: one over what is there of each. */
struct ha__weights
ha__plan_weigh(const struct ha__plan *plan)
{
	struct ha__weights weights = {
		.cpu = 1.0 / ((double)plan->all.cpu_mhz + 1.0),
		.memory = 1.0 / ((double)plan->all.memory_mb + 1.0),
	};

	return weights;
}

static double
count_choices(struct ha__plan *plan, const struct ha__plan_item *item)
{
	double n = 0;

	for (uint32_t i = 0; i < plan->n_near; i++) {
		n += ha__plan_fits(plan, item, plan->near[i]);
	}
	plan->steps += plan->n_near;
	return n;
}

static double
measure(struct ha__plan *plan, const struct ha__plan_item *item,
	enum ha__order order, const struct ha__weights *weights)
{
	double cpu = (double)item->need.cpu_mhz * weights->cpu;
	double memory = (double)item->need.memory_mb * weights->memory;

	switch (order) {
	case HA__BY_SUM:
		return cpu + memory;
	case HA__BY_LARGER:
		return cpu > memory ? cpu : memory;
	case HA__BY_CPU:
		return cpu;
	case HA__BY_MEMORY:
		return memory;
	case HA__BY_PRODUCT:
		return cpu * memory;
	case HA__BY_CHOICES:
		/* A sum is below 1 where all items fit into the sum. */
		return cpu + memory - 2.0 * count_choices(plan, item);
	}
	return 0;
}

void
ha__plan_sort(struct ha__plan *plan, enum ha__order order,
	      const struct ha__weights *weights)
{
	for (uint32_t i = 0; i < plan->n_items; i++) {
		plan->keys[i].key =
			-measure(plan, &plan->items[i], order, weights);
		plan->keys[i].id = i;
	}
	qsort(plan->keys, plan->n_items, sizeof(*plan->keys),
	      ha__plan_compare_keys);
	for (uint32_t i = 0; i < plan->n_items; i++) {
		plan->order[i] = plan->keys[i].id;
	}
}

double
ha__plan_judge(const struct ha__room *room, const struct ha__room *need,
	       enum ha__choose choose, const struct ha__weights *weights)
{
	double cpu = (double)(room->cpu_mhz - need->cpu_mhz) * weights->cpu;
	double memory =
		(double)(room->memory_mb - need->memory_mb) * weights->memory;

	switch (choose) {
	case HA__FULLEST:
		return cpu + memory;
	case HA__EMPTIEST:
		return -cpu - memory;
	case HA__ALIGNED:
		return -((double)room->cpu_mhz * (double)need->cpu_mhz *
				 weights->cpu * weights->cpu +
			 (double)room->memory_mb * (double)need->memory_mb *
				 weights->memory * weights->memory);
	case HA__BALANCED:
		return cpu > memory ? cpu - memory : memory - cpu;
	case HA__LEAST_CPU:
		return cpu;
	case HA__LEAST_MEMORY:
		return memory;
	}
	return 0;
}

static bool
run(struct ha__plan *plan, enum ha__choose choose,
    const struct ha__weights *weights)
{
	for (uint32_t i = 0; i < plan->n_items; i++) {
		struct ha__plan_item *item = &plan->items[plan->order[i]];
		uint32_t best = HA__PLAN_NONE;
		double best_value = 0;
		for (uint32_t n = 0; n < plan->n_near; n++) {
			uint32_t h = plan->near[n];
			if (!ha__plan_fits(plan, item, h)) {
				continue;
			}
			double value = ha__plan_judge(
				&plan->room[h], &item->need, choose, weights);
			if (best == HA__PLAN_NONE || value < best_value) {
				best = h;
				best_value = value;
			}
		}
		plan->steps += plan->n_near;
		if (best == HA__PLAN_NONE) {
			plan->culprit = item->vm;
			ha__plan_unplace_all(plan);
			return false;
		}
		ha__plan_place(plan, item, best);
	}
	return true;
}

bool
ha__plan_greedy(struct ha__plan *plan)
{
	const struct ha__weights weights = ha__plan_weigh(plan);

	for (size_t i = 0; i < sizeof(RUNS) / sizeof(RUNS[0]); i++) {
		if (plan->steps >= plan->set_end) {
			return false;
		}
		ha__plan_sort(plan, RUNS[i].order, &weights);
		if (run(plan, RUNS[i].choose, &weights)) {
			return true;
		}
	}
	return false;
}
