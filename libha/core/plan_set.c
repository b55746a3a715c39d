/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One set of failures: its hosts get less than no room, their machines become
 * items that need a place, and the item list is solved by the cheapest means
 * that suffices: one greedy run, a sum that proves a no, more greedy runs, the
 * search. Whatever it places is taken back when the set is closed.
 */
#include "plan_state.h"

#include <string.h>

void
ha__plan_place(struct ha__plan *plan, struct ha__plan_item *item, uint32_t host)
{
	item->to = host;
	ha__room_take(&plan->room[host], &item->need);
	for (uint32_t i = 0; i < item->n_rules; i++) {
		ha__row_set(plan->taken +
				    (size_t)item->rules[i] * plan->n_words,
			    host);
	}
}

/* A bit that it clears was not set before: the host was permitted. */
void
ha__plan_unplace(struct ha__plan *plan, struct ha__plan_item *item)
{
	uint32_t host = item->to;

	item->to = HA__PLAN_NONE;
	ha__room_give(&plan->room[host], &item->need);
	for (uint32_t i = 0; i < item->n_rules; i++) {
		ha__row_clear(plan->taken +
				      (size_t)item->rules[i] * plan->n_words,
			      host);
	}
}

void
ha__plan_unplace_all(struct ha__plan *plan)
{
	for (uint32_t i = 0; i < plan->n_items; i++) {
		if (plan->items[i].to != HA__PLAN_NONE) {
			ha__plan_unplace(plan, &plan->items[i]);
		}
	}
}

/* The item's row, as one that may be narrowed. */
static uint64_t *
own_row(struct ha__plan *plan, struct ha__plan_item *item)
{
	size_t n = plan->n_words;
	uint64_t *row = plan->item_rows + (size_t)(item - plan->items) * n;

	if (item->row == NULL) {
		memset(row, 0xff, n * sizeof(*row));
	} else if (item->row != row) {
		memcpy(row, item->row, n * sizeof(*row));
	}
	item->row = row;
	return row;
}

static bool
may_use_failover(const struct ha__plan *plan, uint32_t vm)
{
	uint32_t host = plan->inv->vms[vm].host;

	if (host == HA_INV_NONE) {
		return false;
	}
	switch (plan->inv->hosts[host].state) {
	case HA_INV_ONLINE:
	case HA_INV_OFFLINE:
	case HA_INV_ERROR:
		return true;
	case HA_INV_STANDBY:
	case HA_INV_MAINTENANCE:
		return false;
	}
	return false;
}

static void
narrow(struct ha__plan *plan, struct ha__plan_item *item, uint32_t vm)
{
	const uint64_t *allowed =
		plan->row_of[vm] == HA__PLAN_NONE ?
			NULL :
			plan->rows + (size_t)plan->row_of[vm] * plan->n_words;
	bool is_barred =
		plan->at[vm] == HA__PLAN_NONE && !may_use_failover(plan, vm);

	if (allowed != NULL && item->row == NULL) {
		item->row = allowed;
		allowed = NULL;
	}
	if (allowed == NULL && !is_barred) {
		return;
	}
	uint64_t *row = own_row(plan, item);
	for (uint32_t w = 0; w < plan->n_words; w++) {
		row[w] &= (allowed == NULL ? UINT64_MAX : allowed[w]) &
			  (is_barred ? plan->no_failover[w] : UINT64_MAX);
	}
}

/* Two of its machines under one separation have no common host. */
static void
add_item_rules(struct ha__plan *plan, struct ha__plan_item *item, uint32_t vm)
{
	uint64_t mark =
		plan->stamp << 32 | (uint64_t)(uint32_t)(item - plan->items);

	for (uint32_t i = plan->first_rule[vm]; i < plan->first_rule[vm + 1];
	     i++) {
		uint32_t rule = plan->rules[i];
		if (plan->rule_stamp[rule] == mark) {
			memset(own_row(plan, item), 0,
			       plan->n_words * sizeof(uint64_t));
			continue;
		}
		plan->rule_stamp[rule] = mark;
		plan->item_rules[plan->n_item_rules++] = rule;
		item->n_rules++;
	}
}

static struct ha__plan_item *
new_item(struct ha__plan *plan, uint32_t vm)
{
	struct ha__plan_item *item = &plan->items[plan->n_items++];

	*item = (struct ha__plan_item){
		.need = plan->need[vm],
		.vm = vm,
		.to = HA__PLAN_NONE,
		.size = plan->size[vm],
		.rules = plan->rules + plan->first_rule[vm],
		.n_rules = plan->first_rule[vm + 1] - plan->first_rule[vm],
	};
	plan->next_in_item[vm] = HA__PLAN_NONE;
	narrow(plan, item, vm);
	return item;
}

/* Whether it has no place of its own in this set. */
static bool
is_displaced(const struct ha__plan *plan, uint32_t vm)
{
	uint32_t at = plan->at[vm];

	return at == HA__PLAN_NONE ? plan->question->places_stranded :
				     plan->is_dead[at];
}

/* A group: all its displaced machines, to where the others are. */
static void
add_group(struct ha__plan *plan, uint32_t root)
{
	struct ha__plan_item *item = NULL;
	uint32_t anchor = HA__PLAN_NONE;

	for (uint32_t vm = plan->first_member[root]; vm != HA__PLAN_NONE;
	     vm = plan->next_member[vm]) {
		if (!is_displaced(plan, vm)) {
			anchor = plan->at[vm];
			continue;
		}
		if (item == NULL) {
			item = new_item(plan, vm);
			item->rules = plan->item_rules + plan->n_item_rules;
			item->n_rules = 0;
		} else {
			ha__room_give(&item->need, &plan->need[vm]);
			item->size += plan->size[vm];
			plan->next_in_item[vm] = item->vm;
			item->vm = vm;
			narrow(plan, item, vm);
		}
		add_item_rules(plan, item, vm);
	}
	if (item != NULL && anchor != HA__PLAN_NONE) {
		uint64_t *row = own_row(plan, item);
		bool may = ha__row_has(row, anchor);
		memset(row, 0, plan->n_words * sizeof(*row));
		if (may) {
			ha__row_set(row, anchor);
		}
	}
}

static void
add_vm(struct ha__plan *plan, uint32_t vm)
{
	uint32_t root = plan->group[vm];

	if (root == HA__PLAN_NONE) {
		new_item(plan, vm);
	} else if (plan->group_stamp[root] != plan->stamp) {
		plan->group_stamp[root] = plan->stamp;
		add_group(plan, root);
	}
}

/* The lists of the dead hosts, and of who needs a place anyway, in one order,
 * largest first. */
static void
add_items(struct ha__plan *plan, const uint32_t *failed, uint32_t n_failed)
{
	uint32_t next[HA_PLAN_FAILURES_MAX + 1];
	uint32_t n = 0;

	for (uint32_t i = 0; i <= n_failed; i++) {
		uint32_t host = i < n_failed ? failed[i] : plan->n_hosts;
		next[n] = plan->first_vm[host];
		n += next[n] != HA__PLAN_NONE;
	}
	while (n > 0) {
		uint32_t best = 0;
		for (uint32_t i = 1; i < n; i++) {
			if (plan->size[next[i]] > plan->size[next[best]]) {
				best = i;
			}
		}
		uint32_t vm = next[best];
		next[best] = plan->next_vm[vm];
		if (next[best] == HA__PLAN_NONE) {
			next[best] = next[--n];
		}
		add_vm(plan, vm);
	}
}

void
ha__plan_open_set(struct ha__plan *plan, const uint32_t *failed,
		  uint32_t n_failed)
{
	for (uint32_t i = 0; i < n_failed; i++) {
		struct ha__room *room = &plan->room[failed[i]];
		plan->saved[i] = *room;
		ha__room_take(&plan->all, room);
		*room = HA__ROOM_DEAD;
		plan->is_dead[failed[i]] = true;
	}
	plan->stamp++;
	plan->n_items = 0;
	plan->n_item_rules = 0;
	plan->culprit = HA_INV_NONE;
	add_items(plan, failed, n_failed);
	plan->steps += plan->n_items + 1;
}

void
ha__plan_close_set(struct ha__plan *plan, const uint32_t *failed,
		   uint32_t n_failed)
{
	ha__plan_unplace_all(plan);
	for (uint32_t i = 0; i < n_failed; i++) {
		plan->room[failed[i]] = plan->saved[i];
		plan->is_dead[failed[i]] = false;
		ha__room_give(&plan->all, &plan->saved[i]);
	}
}

/* What all need together is more than what all have together. */
static bool
is_over_sum(const struct ha__plan *plan)
{
	struct ha__room sum = { 0 };

	for (uint32_t i = 0; i < plan->n_items; i++) {
		ha__room_give(&sum, &plan->items[i].need);
	}
	return !ha__room_holds(&plan->all, &sum);
}

/* Hosts that have less than the least need of all are of no use to any. */
void
ha__plan_find_near(struct ha__plan *plan)
{
	struct ha__room least = { INT64_MAX, INT64_MAX, INT64_MAX };

	for (uint32_t i = 0; i < plan->n_items; i++) {
		const struct ha__room *need = &plan->items[i].need;
		if (need->cpu_mhz < least.cpu_mhz) {
			least.cpu_mhz = need->cpu_mhz;
		}
		if (need->memory_mb < least.memory_mb) {
			least.memory_mb = need->memory_mb;
		}
		if (need->vms < least.vms) {
			least.vms = need->vms;
		}
	}
	plan->n_near = 0;
	for (uint32_t h = 0; h < plan->n_hosts; h++) {
		if (ha__room_holds(&plan->room[h], &least)) {
			plan->near[plan->n_near++] = h;
		}
	}
	plan->steps += plan->n_hosts;
}

/* The set is open. After YES its items are placed. */
enum ha_plan_verdict
ha__plan_solve(struct ha__plan *plan, uint32_t start_host)
{
	const struct ha_plan_question *question = plan->question;
	uint64_t bound = question->set_steps == 0 ? HA_PLAN_SET_STEPS_DEFAULT :
						    question->set_steps;

	if (plan->n_items == 0 || ha__plan_first_fit(plan, start_host)) {
		return HA_PLAN_YES;
	}
	if (is_over_sum(plan)) {
		return HA_PLAN_NO;
	}
	uint64_t left =
		plan->all_end > plan->steps ? plan->all_end - plan->steps : 0;
	plan->set_end = plan->steps + (bound < left ? bound : left);
	ha__plan_find_near(plan);
	if (ha__plan_greedy(plan)) {
		return HA_PLAN_YES;
	}
	return ha__plan_is_over_count(plan) ? HA_PLAN_NO :
					      ha__plan_search(plan);
}
