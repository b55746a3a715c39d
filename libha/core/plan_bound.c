/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Proves a no by counting, where sums don't: of the largest items, a host takes
 * no more than of the smallest among them fit into it. If all hosts together
 * take fewer than there are, no placement exists. Rules and the other resource
 * are left out: they only make it worse. Asked once for a set, before the
 * search, which would find the same by trying pigeonholes.
 */
#include "plan_state.h"

#include <stdlib.h>

static int64_t
need_at(const struct ha__plan *plan, uint32_t i, bool is_memory)
{
	const struct ha__room *need = &plan->items[plan->keys[i].id].need;

	return is_memory ? need->memory_mb : need->cpu_mhz;
}

/* How many from this place on, ascending, fit into the host. */
static uint32_t
count_fitting(const struct ha__plan *plan, uint32_t from, uint32_t host,
	      bool is_memory)
{
	int64_t left = is_memory ? plan->room[host].memory_mb :
				   plan->room[host].cpu_mhz;
	uint32_t n = 0;

	while (from + n < plan->n_items &&
	       need_at(plan, from + n, is_memory) <= left) {
		left -= need_at(plan, from + n, is_memory);
		n++;
	}
	return n;
}

static bool
is_over(struct ha__plan *plan, bool is_memory)
{
	for (uint32_t i = 0; i < plan->n_items; i++) {
		const struct ha__room *need = &plan->items[i].need;
		plan->keys[i].id = i;
		plan->keys[i].key =
			(double)(is_memory ? need->memory_mb : need->cpu_mhz);
	}
	qsort(plan->keys, plan->n_items, sizeof(*plan->keys),
	      ha__plan_compare_keys);
	for (uint32_t from = 0;
	     from < plan->n_items && plan->steps < plan->set_end; from++) {
		uint64_t n = 0;
		for (uint32_t h = 0;
		     h < plan->n_near && n < plan->n_items - from; h++) {
			uint32_t fitting = count_fitting(
				plan, from, plan->near[h], is_memory);
			n += fitting;
			plan->steps += fitting + 1;
		}
		if (n < plan->n_items - from) {
			return true;
		}
	}
	return false;
}

bool
ha__plan_is_over_count(struct ha__plan *plan)
{
	return is_over(plan, false) || is_over(plan, true);
}
