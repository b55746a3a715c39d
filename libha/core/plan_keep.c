/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan that is kept for single failures: a target for each machine, linked
 * by target, so that a change of one machine looks only at the failures that
 * send something to its host, and at that of its host. A failure whose moves
 * no longer fit is solved anew, exactly. It must never keep half of a change:
 * new targets are staged and taken over at the end.
 */
#include "plan_state.h"

#include <string.h>

/* Below it the general rules for broken rules apply (is_split()). */
#define KEEP_HOSTS_MIN 3u

struct area {
	struct ha__plan plan;
	struct ha_plan_question question; /* copies: the caller's may go */
	struct ha_inventory inv;
	void *work;
	uint32_t *to;
	uint32_t *to_first; /* by host: machines that would go there */
	uint32_t *to_next;
	uint32_t *to_prev;
};

struct ha_plan_keep {
	struct area areas[2]; /* the other one: to start over */
	uint32_t now;
	bool *is_grouped;
	struct ha_plan_move *staged;
	uint32_t n_staged;
	struct ha__room *inflow; /* by failed host, onto the changed one */
	bool *is_touched;
	bool *is_broken;
	uint32_t *touched;
};

struct before {
	uint32_t at;
	uint32_t to;
	struct ha__room need;
	double size;
};

static void
layout(struct ha_plan_keep *keep, struct ha__arena *arena,
       const struct ha_plan_question *question)
{
	size_t n_vms = question->inv->n_vms;
	size_t n_hosts = question->inv->n_hosts;

	for (int i = 0; i < 2; i++) {
		struct area *area = &keep->areas[i];
		area->work =
			ha__arena_take(arena, ha_plan_work_bytes(question), 1);
		area->to = ha__arena_take(arena, n_vms, sizeof(uint32_t));
		area->to_first =
			ha__arena_take(arena, n_hosts, sizeof(uint32_t));
		area->to_next = ha__arena_take(arena, n_vms, sizeof(uint32_t));
		area->to_prev = ha__arena_take(arena, n_vms, sizeof(uint32_t));
	}
	keep->is_grouped = ha__arena_take(arena, n_vms, sizeof(bool));
	keep->staged =
		ha__arena_take(arena, n_vms, sizeof(struct ha_plan_move));
	keep->inflow = ha__arena_take(arena, n_hosts, sizeof(struct ha__room));
	keep->is_touched = ha__arena_take(arena, n_hosts, sizeof(bool));
	keep->is_broken = ha__arena_take(arena, n_hosts, sizeof(bool));
	keep->touched = ha__arena_take(arena, n_hosts, sizeof(uint32_t));
}

size_t
ha_plan_keep_bytes(const struct ha_plan_question *question)
{
	struct ha__arena arena = { .base = NULL };
	struct ha_plan_keep keep;

	(void)ha__arena_take(&arena, 1, sizeof(keep));
	layout(&keep, &arena, question);
	return arena.used;
}

static void
link_target(struct area *area, uint32_t vm, uint32_t to)
{
	area->to[vm] = to;
	if (to == HA__PLAN_NONE) {
		return;
	}
	area->to_prev[vm] = HA__PLAN_NONE;
	area->to_next[vm] = area->to_first[to];
	if (area->to_first[to] != HA__PLAN_NONE) {
		area->to_prev[area->to_first[to]] = vm;
	}
	area->to_first[to] = vm;
}

static void
unlink_target(struct area *area, uint32_t vm)
{
	uint32_t to = area->to[vm];
	uint32_t next = area->to_next[vm];
	uint32_t prev = area->to_prev[vm];

	if (to == HA__PLAN_NONE) {
		return;
	}
	area->to[vm] = HA__PLAN_NONE;
	if (prev == HA__PLAN_NONE) {
		area->to_first[to] = next;
	} else {
		area->to_next[prev] = next;
	}
	if (next != HA__PLAN_NONE) {
		area->to_prev[next] = prev;
	}
}

static void
stage(struct ha_plan_keep *keep, const struct ha__plan *plan)
{
	for (uint32_t i = 0; i < plan->n_items; i++) {
		for (uint32_t vm = plan->items[i].vm; vm != HA__PLAN_NONE;
		     vm = plan->next_in_item[vm]) {
			keep->staged[keep->n_staged].vm = vm;
			keep->staged[keep->n_staged++].to = plan->items[i].to;
		}
	}
}

static void
take_over(struct ha_plan_keep *keep, struct area *area)
{
	for (uint32_t i = 0; i < keep->n_staged; i++) {
		unlink_target(area, keep->staged[i].vm);
		link_target(area, keep->staged[i].vm, keep->staged[i].to);
	}
	keep->n_staged = 0;
}

static enum ha_plan_verdict
solve_failure(struct ha_plan_keep *keep, struct ha__plan *plan, uint32_t failed,
	      struct ha_plan_answer *answer)
{
	uint32_t start = failed + 1 < plan->n_hosts ? failed + 1 : 0;
	enum ha_plan_verdict verdict = HA_PLAN_GAVE_UP;

	ha__plan_open_set(plan, &failed, 1);
	if (plan->steps < plan->all_end) {
		verdict = ha__plan_solve(plan, start);
	}
	if (verdict == HA_PLAN_YES) {
		stage(keep, plan);
	} else {
		ha__plan_blame(plan, &failed, 1, answer);
	}
	ha__plan_close_set(plan, &failed, 1);
	return verdict;
}

static bool
start_over(struct ha_plan_keep *keep, struct area *area,
	   const struct ha_plan_question *question,
	   struct ha_plan_answer *answer)
{
	struct ha__plan *plan = &area->plan;

	area->inv = *question->inv;
	area->question = *question;
	area->question.inv = &area->inv;
	keep->n_staged = 0;
	if (!ha__plan_start(plan, &area->question, area->work, answer)) {
		return false;
	}
	answer->verdict = HA_PLAN_GAVE_UP;
	if (question->failures != 1 || question->places_stranded ||
	    plan->n_eligible < KEEP_HOSTS_MIN) {
		return false;
	}
	memset(area->to, 0xff, area->inv.n_vms * sizeof(*area->to));
	memset(area->to_first, 0xff, plan->n_hosts * sizeof(*area->to_first));
	for (uint32_t i = 0; i < plan->n_eligible; i++) {
		answer->verdict =
			solve_failure(keep, plan, plan->eligible[i], answer);
		if (answer->verdict != HA_PLAN_YES) {
			answer->steps = plan->steps;
			return false;
		}
		take_over(keep, area);
		answer->sets++;
	}
	answer->steps = plan->steps;
	return true;
}

struct ha_plan_keep *
ha_plan_keep_begin(const struct ha_plan_question *question, void *work,
		   struct ha_plan_answer *ret_answer)
{
	struct ha__arena arena = { .base = work };
	struct ha_plan_keep *keep = ha__arena_take(&arena, 1, sizeof(*keep));
	const struct ha_inventory *inv = question->inv;

	layout(keep, &arena, question);
	keep->now = 0;
	memset(keep->is_touched, 0, inv->n_hosts * sizeof(bool));
	memset(keep->is_broken, 0, inv->n_hosts * sizeof(bool));
	memset(keep->is_grouped, 0, inv->n_vms * sizeof(bool));
	for (uint32_t r = 0; r < inv->n_rules; r++) {
		const struct ha_inv_rule *rule = &inv->rules[r];
		for (uint32_t i = 0;
		     rule->is_mandatory && rule->type == HA_INV_TOGETHER &&
		     i < rule->n_vms;
		     i++) {
			keep->is_grouped[rule->vms[i]] = true;
		}
	}
	return start_over(keep, &keep->areas[0], question, ret_answer) ? keep :
									 NULL;
}

uint32_t
ha_plan_keep_target(const struct ha_plan_keep *keep, uint32_t vm)
{
	const struct area *area = &keep->areas[keep->now];
	uint32_t to = area->to[vm];

	return to == HA__PLAN_NONE ? HA_INV_NONE : area->plan.host_of[to];
}

static void
enter(struct ha__plan *plan, uint32_t vm)
{
	uint32_t *next = &plan->first_vm[plan->at[vm]];

	while (*next != HA__PLAN_NONE && plan->size[*next] > plan->size[vm]) {
		next = &plan->next_vm[*next];
	}
	plan->next_vm[vm] = *next;
	*next = vm;
	(void)ha__plan_settle(plan, vm);
}

static void
leave(struct ha__plan *plan, uint32_t vm)
{
	uint32_t *next = &plan->first_vm[plan->at[vm]];

	while (*next != vm) {
		next = &plan->next_vm[*next];
	}
	*next = plan->next_vm[vm];
	ha__plan_unsettle(plan, vm);
}

static bool
has_common_rule(const struct ha__plan *plan, uint32_t a, uint32_t b)
{
	for (uint32_t i = plan->first_rule[a]; i < plan->first_rule[a + 1];
	     i++) {
		for (uint32_t j = plan->first_rule[b];
		     j < plan->first_rule[b + 1]; j++) {
			if (plan->rules[i] == plan->rules[j]) {
				return true;
			}
		}
	}
	return false;
}

/* The failures that send something to the host of this machine. */
static enum ha_plan_verdict
judge_inflow(struct ha_plan_keep *keep, struct area *area, uint32_t vm,
	     struct ha_plan_answer *answer)
{
	struct ha__plan *plan = &area->plan;
	uint32_t host = plan->at[vm];
	enum ha_plan_verdict verdict = HA_PLAN_YES;
	uint32_t n = 0;

	for (uint32_t w = area->to_first[host]; w != HA__PLAN_NONE;
	     w = area->to_next[w]) {
		uint32_t from = plan->at[w];
		if (!keep->is_touched[from]) {
			keep->is_touched[from] = true;
			keep->touched[n++] = from;
			keep->inflow[from] = (struct ha__room){ 0 };
		}
		ha__room_give(&keep->inflow[from], &plan->need[w]);
		if (has_common_rule(plan, vm, w)) {
			keep->is_broken[from] = true;
		}
		plan->steps++;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t from = keep->touched[i];
		bool holds =
			!keep->is_broken[from] &&
			ha__room_holds(&plan->room[host], &keep->inflow[from]);
		keep->is_touched[from] = false;
		keep->is_broken[from] = false;
		if (!holds && verdict == HA_PLAN_YES) {
			verdict = solve_failure(keep, plan, from, answer);
		}
	}
	return verdict;
}

/* The others stay where they were planned; this one finds a host. */
static bool
fit_in(struct ha_plan_keep *keep, struct area *area, uint32_t vm,
       uint32_t wanted)
{
	struct ha__plan *plan = &area->plan;
	uint32_t failed = plan->at[vm];
	struct ha__plan_item *mine = NULL;
	uint32_t to = HA__PLAN_NONE;

	ha__plan_open_set(plan, &failed, 1);
	for (uint32_t i = 0; i < plan->n_items; i++) {
		struct ha__plan_item *item = &plan->items[i];
		if (item->vm == vm) {
			mine = item;
		} else {
			ha__plan_place(plan, item, area->to[item->vm]);
		}
	}
	if (wanted != HA__PLAN_NONE && ha__plan_fits(plan, mine, wanted)) {
		to = wanted;
	}
	for (uint32_t i = 1;
	     i < plan->n_hosts && mine != NULL && to == HA__PLAN_NONE; i++) {
		uint32_t host = (failed + i) % plan->n_hosts;
		plan->steps++;
		if (ha__plan_fits(plan, mine, host)) {
			to = host;
		}
	}
	ha__plan_close_set(plan, &failed, 1);
	if (to != HA__PLAN_NONE) {
		keep->staged[keep->n_staged].vm = vm;
		keep->staged[keep->n_staged++].to = to;
	}
	return to != HA__PLAN_NONE;
}

/* Whether it fits on its host as things stand. */
static bool
is_welcome(const struct ha__plan *plan, uint32_t vm)
{
	const struct ha__plan_item item = {
		.need = plan->need[vm],
		.rules = plan->rules + plan->first_rule[vm],
		.n_rules = plan->first_rule[vm + 1] - plan->first_rule[vm],
	};

	return ha__plan_fits(plan, &item, plan->at[vm]);
}

static enum ha_plan_verdict
judge_new(struct ha_plan_keep *keep, struct area *area, uint32_t vm,
	  uint32_t wanted, struct ha_plan_answer *answer)
{
	struct ha__plan *plan = &area->plan;
	uint32_t host = plan->at[vm];
	enum ha_plan_verdict verdict;

	ha__plan_sum_up(plan);
	verdict = judge_inflow(keep, area, vm, answer);
	if (verdict == HA_PLAN_YES && plan->is_eligible[host] &&
	    !fit_in(keep, area, vm, wanted)) {
		verdict = solve_failure(keep, plan, host, answer);
	}
	return verdict;
}

static void
put_back(struct area *area, uint32_t vm, const struct before *before)
{
	struct ha__plan *plan = &area->plan;

	plan->at[vm] = before->at;
	plan->need[vm] = before->need;
	plan->size[vm] = before->size;
	if (before->at != HA__PLAN_NONE) {
		enter(plan, vm);
	}
	link_target(area, vm, before->to);
	ha__plan_sum_up(plan);
}

static void
change(struct ha_plan_keep *keep, struct area *area, uint32_t vm,
       struct ha_plan_answer *answer)
{
	struct ha__plan *plan = &area->plan;
	const struct before before = {
		.at = plan->at[vm],
		.to = area->to[vm],
		.need = plan->need[vm],
		.size = plan->size[vm],
	};

	if (before.at != HA__PLAN_NONE) {
		leave(plan, vm);
	}
	unlink_target(area, vm);
	ha__plan_read_vm(plan, vm);
	answer->verdict = HA_PLAN_YES;
	if (plan->at[vm] != HA__PLAN_NONE && !is_welcome(plan, vm)) {
		answer->verdict = HA_PLAN_NO;
		answer->vm = vm;
		answer->host = plan->host_of[plan->at[vm]];
	} else if (plan->at[vm] != HA__PLAN_NONE) {
		enter(plan, vm);
		answer->verdict = judge_new(keep, area, vm, before.to, answer);
		if (answer->verdict != HA_PLAN_YES) {
			leave(plan, vm);
		}
	}
	if (answer->verdict == HA_PLAN_YES) {
		take_over(keep, area);
		ha__plan_sum_up(plan);
		answer->sets = plan->n_eligible;
	} else {
		put_back(area, vm, &before);
	}
}

void
ha_plan_keep_change(struct ha_plan_keep *keep,
		    const struct ha_plan_question *question, uint32_t vm,
		    struct ha_plan_answer *ret_answer)
{
	struct area *area = &keep->areas[keep->now];
	const struct ha_inventory inv_before = area->inv;
	const struct ha_plan_question question_before = area->question;

	*ret_answer = (struct ha_plan_answer){
		.verdict = HA_PLAN_GAVE_UP,
		.vm = HA_INV_NONE,
		.host = HA_INV_NONE,
	};
	if (question->inv->n_vms != inv_before.n_vms ||
	    question->inv->n_hosts != inv_before.n_hosts ||
	    vm >= inv_before.n_vms) {
		return;
	}
	/* A group may come into being, fall apart, or be one machine more. */
	if (keep->is_grouped[vm]) {
		uint32_t other = 1 - keep->now;
		if (start_over(keep, &keep->areas[other], question,
			       ret_answer)) {
			keep->now = other;
		}
		return;
	}
	area->inv = *question->inv;
	area->question = *question;
	area->question.inv = &area->inv;
	area->plan.steps = 0;
	area->plan.all_end = question->all_steps == 0 ?
				     HA_PLAN_ALL_STEPS_DEFAULT :
				     question->all_steps;
	keep->n_staged = 0;
	change(keep, area, vm, ret_answer);
	ret_answer->steps = area->plan.steps;
	if (ret_answer->verdict != HA_PLAN_YES) {
		area->inv = inv_before;
		area->question = question_before;
	}
}
