/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One question to the planner about one host, or about the machines that are
 * down, with some targets held fast: those machines are shown to it where their
 * targets are. Changes nothing of the copy for good but `want` and `is_dropped`.
 */
#include "targets.h"

#include <string.h>

static bool
takes(const struct ha_targets *t, uint32_t host)
{
	bool is_failover_host = t->q->inv->hosts[host].is_failover_host;

	return t->takers == HA__TAKES_ANY ||
	       is_failover_host == (t->takers == HA__TAKES_FAILOVER);
}

/* Only `failed` may fail: the others are marked as hosts that the planner
 * spares. Nothing else of that mark is looked at for machines of a host that
 * dies. Those that are down may use any host. */
static void
mark_hosts(struct ha_targets *t)
{
	for (uint32_t h = 0; h < t->inv.n_hosts; h++) {
		struct ha_inv_host *host = &t->hosts[h];

		*host = t->base[h];
		host->is_failover_host =
			t->failed != HA_INV_NONE && h != t->failed;
		if (takes(t, h) || h == t->failed ||
		    host->state != HA_INV_ONLINE) {
			continue;
		}
		/* No room for one more. */
		if (t->count[h] == 0) {
			host->state = HA_INV_STANDBY;
		} else {
			host->max_vms = t->count[h];
		}
	}
}

static bool
on_set(const struct ha_plan_set *set, void *closure)
{
	struct ha_targets *t = closure;

	for (uint32_t i = 0; i < set->n_moves; i++) {
		t->want[set->moves[i].vm] = set->moves[i].to;
	}
	return true;
}

void
ha__targets_refill(struct ha_targets *t)
{
	t->steps_left =
		t->q->host_steps ? t->q->host_steps : HA_TARGETS_HOST_STEPS;
}

static enum ha_plan_verdict
prove(struct ha_targets *t, uint32_t *ret_vm)
{
	uint64_t set_steps =
		t->q->set_steps ? t->q->set_steps : HA_TARGETS_SET_STEPS;
	struct ha_plan_question question = {
		.inv = &t->inv,
		.demand = t->q->demand,
		.failures = t->failed != HA_INV_NONE,
		.spares_failover_hosts = t->failed != HA_INV_NONE,
		.places_stranded = t->failed == HA_INV_NONE,
		.set_steps = set_steps,
		.all_steps = t->steps_left,
	};
	struct ha_plan_answer answer;

	*ret_vm = HA_INV_NONE;
	if (t->steps_left == 0) {
		return HA_PLAN_GAVE_UP;
	}
	ha_plan_prove(&question, t->plan_work, on_set, t, &answer);
	t->steps_left -=
		answer.steps < t->steps_left ? answer.steps : t->steps_left;
	*ret_vm = answer.vm;
	return answer.verdict;
}

static bool
is_free(const struct ha_targets *t, uint32_t vm)
{
	return t->want[vm] == HA_INV_NONE && !t->is_dropped[vm];
}

/* The one that the planner names, else the largest. */
static uint32_t
find_culprit(const struct ha_targets *t, uint32_t named)
{
	const struct ha_plan_demand *demand = t->q->demand;
	uint32_t worst = HA_INV_NONE;

	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		if (!is_free(t, vm)) {
			continue;
		}
		if (vm == named) {
			return vm;
		}
		if (worst == HA_INV_NONE ||
		    demand[vm].memory_mb > demand[worst].memory_mb ||
		    (demand[vm].memory_mb == demand[worst].memory_mb &&
		     demand[vm].cpu_mhz > demand[worst].cpu_mhz)) {
			worst = vm;
		}
	}
	return worst;
}

/* Where it is now, or to be placed. */
static void
take_back(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		t->vms[t->movers[i]].host = t->failed;
	}
}

bool
ha__targets_ask(struct ha_targets *t, enum ha__takers takers)
{
	enum ha_plan_verdict verdict = HA_PLAN_YES;
	bool has_free = false;

	t->takers = takers;
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		has_free = has_free || is_free(t, vm);
		t->vms[vm].is_on = !t->is_dropped[vm];
		if (t->want[vm] != HA_INV_NONE) {
			t->vms[vm].host = t->want[vm];
		}
	}
	ha__targets_sum(t);
	mark_hosts(t);
	if (has_free) {
		verdict = prove(t, &t->culprit);
	}
	t->is_bound = t->is_bound || verdict == HA_PLAN_GAVE_UP;
	take_back(t);
	return verdict == HA_PLAN_YES;
}

bool
ha__targets_drop(struct ha_targets *t)
{
	uint32_t vm = find_culprit(t, t->culprit);

	if (vm != HA_INV_NONE) {
		t->is_dropped[vm] = true;
	}
	return vm != HA_INV_NONE;
}

bool
ha__targets_is_good(struct ha_targets *t)
{
	struct ha_plan_question question = {
		.inv = &t->inv,
		.demand = t->q->demand,
		.failures = 1,
		.spares_failover_hosts = true,
	};
	struct ha_plan_set set = { .failed = &t->failed,
				   .moves = t->moves,
				   .n_failed = 1 };

	if (t->failed == HA_INV_NONE) {
		question.failures = 0;
		question.spares_failover_hosts = false;
		question.places_stranded = true;
		set.n_failed = 0;
	}
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		t->vms[vm].is_on = !t->is_dropped[vm];
		if (t->is_dropped[vm]) {
			continue;
		}
		if (t->want[vm] == HA_INV_NONE) {
			return false;
		}
		t->moves[set.n_moves++] =
			(struct ha_plan_move){ .vm = vm, .to = t->want[vm] };
	}
	t->takers = HA__TAKES_ANY;
	mark_hosts(t);
	return ha_plan_verify(&question, &set, t->verify_work, NULL, 0) == 0;
}
