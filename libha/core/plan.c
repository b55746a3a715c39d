/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The failure plan: walks all sets of failures and has each solved. It says
 * yes only when every set has a placement, and no only when one has none,
 * proven; where a bound of steps ends the search it says so. It never counts a
 * set as proven because another one was.
 */
#include "plan_state.h"

#include <string.h>

size_t
ha_plan_work_bytes(const struct ha_plan_question *question)
{
	struct ha__arena arena = { .base = NULL };
	struct ha__plan plan;

	ha__plan_layout(&plan, &arena, question);
	return arena.used;
}

void
ha__plan_blame(const struct ha__plan *plan, const uint32_t *failed,
	       uint32_t n_failed, struct ha_plan_answer *answer)
{
	answer->n_failed = n_failed;
	for (uint32_t i = 0; i < n_failed; i++) {
		answer->failed[i] = plan->host_of[failed[i]];
	}
	answer->vm = plan->culprit;
}

static bool
tell(struct ha__plan *plan, const uint32_t *failed, uint32_t n_failed,
     ha_plan_told told, void *closure)
{
	uint32_t names[HA_PLAN_FAILURES_MAX] = { 0 };
	uint32_t n = 0;

	if (told == NULL) {
		return true;
	}
	for (uint32_t i = 0; i < n_failed; i++) {
		names[i] = plan->host_of[failed[i]];
	}
	for (uint32_t i = 0; i < plan->n_items; i++) {
		uint32_t to = plan->host_of[plan->items[i].to];
		for (uint32_t vm = plan->items[i].vm; vm != HA__PLAN_NONE;
		     vm = plan->next_in_item[vm]) {
			plan->moves[n++] =
				(struct ha_plan_move){ .vm = vm, .to = to };
		}
	}
	const struct ha_plan_set set = {
		.failed = names,
		.moves = plan->moves,
		.n_failed = n_failed,
		.n_moves = n,
	};
	return told(&set, closure);
}

struct walk {
	struct ha__plan *plan;
	ha_plan_told told;
	void *closure;
	struct ha_plan_answer *answer;
};

/* YES also where it is only asked whether there is a NO. */
static enum ha_plan_verdict
judge_set(const struct walk *walk, const uint32_t *failed, bool is_probe)
{
	struct ha__plan *plan = walk->plan;
	uint32_t n = plan->n_failures;
	uint32_t start = n == 0 ? 0 : failed[0] + 1;

	if (plan->steps >= plan->all_end) {
		plan->culprit = HA_INV_NONE;
		ha__plan_blame(plan, failed, n, walk->answer);
		return HA_PLAN_GAVE_UP;
	}
	ha__plan_open_set(plan, failed, n);
	enum ha_plan_verdict verdict =
		ha__plan_solve(plan, start < plan->n_hosts ? start : 0);
	if (verdict != HA_PLAN_YES) {
		ha__plan_blame(plan, failed, n, walk->answer);
	} else if (!is_probe) {
		if (tell(plan, failed, n, walk->told, walk->closure)) {
			walk->answer->sets++;
		} else {
			plan->culprit = HA_INV_NONE;
			ha__plan_blame(plan, failed, n, walk->answer);
			verdict = HA_PLAN_GAVE_UP;
		}
	}
	ha__plan_close_set(plan, failed, n);
	return verdict;
}

/* The next set of hosts, ascending; false after the last. */
static bool
next_set(const struct ha__plan *plan, uint32_t *place)
{
	uint32_t n = plan->n_failures;
	uint32_t i = n;

	while (i > 0 && place[i - 1] == plan->n_eligible - n + i - 1) {
		i--;
	}
	if (i == 0) {
		return false;
	}
	place[i - 1]++;
	for (; i < n; i++) {
		place[i] = place[i - 1] + 1;
	}
	return true;
}

static enum ha_plan_verdict
judge_all(const struct walk *walk)
{
	const struct ha__plan *plan = walk->plan;
	uint32_t place[HA_PLAN_FAILURES_MAX] = { 0 };
	uint32_t failed[HA_PLAN_FAILURES_MAX] = { 0 };

	for (uint32_t i = 0; i < plan->n_failures; i++) {
		place[i] = i;
	}
	do {
		for (uint32_t i = 0; i < plan->n_failures; i++) {
			failed[i] = plan->eligible[place[i]];
		}
		enum ha_plan_verdict verdict = judge_set(walk, failed, false);
		if (verdict != HA_PLAN_YES) {
			return verdict;
		}
	} while (next_set(plan, place));
	return HA_PLAN_YES;
}

enum probe {
	PROBE_CPU, /* the hosts with the most CPU */
	PROBE_MEMORY,
	PROBE_SLOTS,
	PROBE_N,
};

/* All of it, used or free: what a sum over the rest lacks. */
static int64_t
probe_value(const struct ha__plan *plan, uint32_t host, enum probe probe)
{
	const struct ha_inv_host *fact = &plan->inv->hosts[plan->host_of[host]];

	switch (probe) {
	case PROBE_CPU:
		return (int64_t)(fact->cpu_mhz / 2);
	case PROBE_MEMORY:
		return (int64_t)(fact->memory_mb / 2);
	case PROBE_SLOTS:
		return fact->max_vms == 0 ? HA_PLAN_ROOM_MAX : fact->max_vms;
	case PROBE_N:
		break;
	}
	return 0;
}

/*
 * The sets that leave the least: where a sum says no, it says so of one of
 * these, and all the others need not be walked first.
 */
static enum ha_plan_verdict
probe_set(const struct walk *walk, enum probe probe)
{
	const struct ha__plan *plan = walk->plan;
	uint32_t failed[HA_PLAN_FAILURES_MAX] = { 0 };
	uint32_t n = 0;

	for (uint32_t i = 0; i < plan->n_eligible; i++) {
		uint32_t host = plan->eligible[i];
		int64_t value = probe_value(plan, host, probe);
		uint32_t at = n < plan->n_failures ? n++ : n;
		for (;
		     at > 0 && probe_value(plan, failed[at - 1], probe) < value;
		     at--) {
			if (at < plan->n_failures) {
				failed[at] = failed[at - 1];
			}
		}
		if (at < plan->n_failures) {
			failed[at] = host;
		}
	}
	for (uint32_t i = 1; i < n; i++) {
		for (uint32_t j = i; j > 0 && failed[j - 1] > failed[j]; j--) {
			uint32_t host = failed[j];
			failed[j] = failed[j - 1];
			failed[j - 1] = host;
		}
	}
	return judge_set(walk, failed, true);
}

static enum ha_plan_verdict
prove(const struct walk *walk)
{
	struct ha__plan *plan = walk->plan;

	for (int probe = 0; probe < PROBE_N && plan->n_failures > 0; probe++) {
		enum ha_plan_verdict verdict =
			probe_set(walk, (enum probe)probe);
		/* What gave up here would give up in the walk too. */
		if (verdict != HA_PLAN_YES) {
			return verdict;
		}
	}
	*walk->answer = (struct ha_plan_answer){
		.vm = HA_INV_NONE,
		.host = HA_INV_NONE,
	};
	return judge_all(walk);
}

/* False: answered without a look at any set. */
bool
ha__plan_start(struct ha__plan *plan, const struct ha_plan_question *question,
	       void *work, struct ha_plan_answer *ret_answer)
{
	struct ha__arena arena = { .base = work };

	*ret_answer = (struct ha_plan_answer){
		.verdict = HA_PLAN_GAVE_UP,
		.vm = HA_INV_NONE,
		.host = HA_INV_NONE,
	};
	if (question->failures > HA_PLAN_FAILURES_MAX ||
	    question->inv->n_hosts > HA_PLAN_OBJECTS_MAX ||
	    question->inv->n_vms > HA_PLAN_OBJECTS_MAX) {
		return false;
	}
	ha__plan_layout(plan, &arena, question);
	ha__plan_setup(plan);
	plan->all_end = question->all_steps == 0 ? HA_PLAN_ALL_STEPS_DEFAULT :
						   question->all_steps;
	if (plan->is_broken) {
		ret_answer->verdict = HA_PLAN_NO;
		ret_answer->host = plan->bad_host;
		return false;
	}
	return true;
}

void
ha_plan_prove(const struct ha_plan_question *question, void *work,
	      ha_plan_told told, void *closure,
	      struct ha_plan_answer *ret_answer)
{
	struct ha__plan plan;

	if (ha__plan_start(&plan, question, work, ret_answer)) {
		const struct walk walk = { &plan, told, closure, ret_answer };
		ret_answer->verdict = prove(&walk);
		ret_answer->steps = plan.steps;
	}
}
