/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guarantee "plan": asks the planner about the cluster after the request,
 * and finds the hosts that the request leaves open. A yes is a certificate of
 * which the independent checker has accepted every set; whatever else the
 * planner says, or did not get to say within its steps, is a no. Which no is
 * proven and which is caution is told apart.
 */
#include "admission_parts.h"

/* Arrangements of the machines of hosts that leave: as many steps are taken
 * as keep hosts x machines x steps within the first number, at most the second;
 * a whole arrangement costs a proof. */
#define ARRANGE_WORK UINT64_C(4000000)
#define ARRANGE_STEPS_MAX UINT64_C(4096)

struct attempt {
	struct admission *a;
	struct ha_plan_question question;
	bool is_told;    /* a certificate for the caller */
	bool is_moving;  /* take the machines where they were placed */
	bool is_refuted; /* by the checker */
};

static bool
on_set(const struct ha_plan_set *set, void *closure)
{
	struct attempt *attempt = closure;
	struct admission *a = attempt->a;
	char why[HA_ERR_TEXT];

	if (ha_plan_verify(&attempt->question, set, a->verify_work, why,
			   sizeof(why)) < 0) {
		attempt->is_refuted = true;
		return false;
	}
	for (uint32_t i = 0; attempt->is_moving && i < set->n_moves; i++) {
		a->vms[set->moves[i].vm].host = set->moves[i].to;
	}
	return !attempt->is_told || !a->q->told ||
	       a->q->told(set, a->q->closure);
}

/* All attempts of one question share its steps. */
static enum ha_plan_verdict
run(struct attempt *attempt, struct ha_plan_answer *ret_answer)
{
	struct admission *a = attempt->a;
	struct ha_plan_question *question = &attempt->question;

	*ret_answer = (struct ha_plan_answer){ .verdict = HA_PLAN_GAVE_UP,
					       .vm = HA_INV_NONE,
					       .host = HA_INV_NONE };
	if (a->steps_left == 0) {
		return HA_PLAN_GAVE_UP;
	}
	question->all_steps = a->steps_left;
	ha_plan_prove(question, a->plan_work, on_set, attempt, ret_answer);
	a->steps_left -= ret_answer->steps < a->steps_left ? ret_answer->steps :
							     a->steps_left;
	return ret_answer->verdict;
}

static struct attempt
attempt_init(struct admission *a, uint32_t failures)
{
	return (struct attempt){
		.a = a,
		.question = {
			.inv = &a->answer->inv,
			.demand = a->demand,
			.failures = failures,
			.spares_failover_hosts =
				a->policy->type == HA_ADMISSION_DEDICATED,
			.set_steps = a->q->set_steps,
		},
	};
}

/* Every failure of the judged cluster. */
static enum ha_plan_verdict
prove(struct admission *a)
{
	struct attempt attempt = attempt_init(a, a->policy->host_failures);
	struct ha_admission_answer *answer = a->answer;

	attempt.is_told = true;
	if (a->q->begin) {
		a->q->begin(a->q->closure);
	}
	switch (run(&attempt, &answer->plan)) {
	case HA_PLAN_YES:
		answer->reason = HA_ADMISSION_HOLDS;
		break;
	case HA_PLAN_NO:
		answer->reason = answer->plan.n_failed > 0 ?
					 HA_ADMISSION_NO_PLAN :
					 HA_ADMISSION_NOT_PLACED;
		break;
	case HA_PLAN_GAVE_UP:
		answer->reason = attempt.is_refuted ?
					 HA_ADMISSION_CHECKER_DIFFERS :
					 HA_ADMISSION_SEARCH_BOUND;
		break;
	}
	answer->has_plan = true;
	answer->vm = answer->plan.vm;
	answer->host = answer->plan.host;
	return answer->plan.verdict;
}

/* Only what the request set loose is to be placed; the others that are on no
 * online host are not looked at. */
static void
hide_others(struct admission *a, bool is_hidden)
{
	for (uint32_t i = 0; i < a->answer->inv.n_vms; i++) {
		if (is_hidden && !a->is_displaced[i] &&
		    ha__admission_is_stranded(a, i)) {
			a->vms[i].is_on = false;
			a->is_hidden[i] = true;
		} else if (!is_hidden && a->is_hidden[i]) {
			a->vms[i].is_on = true;
			a->is_hidden[i] = false;
		}
	}
}

/* Hosts that leave as if they had died: their machines may use failover hosts,
 * as they may once they have moved to a host that then fails. */
static void
bury_leaving(struct admission *a, bool is_buried)
{
	const struct ha_admission_request *r = a->request;

	for (uint32_t i = 0;
	     r->op == HA_ADMISSION_REMOVE_HOST && i < r->n_hosts; i++) {
		a->hosts[r->hosts[i]].state =
			is_buried ? HA_INV_OFFLINE : HA_INV_MAINTENANCE;
	}
}

/* With the displaced machines wherever each failure would have them: more
 * than any choice of hosts for them allows. A no is a no for every choice. */
static bool
is_hopeless(struct admission *a)
{
	struct attempt attempt = attempt_init(a, a->policy->host_failures);
	struct ha_plan_answer told;
	enum ha_plan_verdict verdict;

	/* A machine that comes from nowhere is kept off failover hosts, which
	 * would make the question narrower than the truth. */
	if (a->request->op == HA_ADMISSION_POWER_ON &&
	    a->policy->type == HA_ADMISSION_DEDICATED) {
		return false;
	}
	attempt.question.places_stranded = true;
	hide_others(a, true);
	bury_leaving(a, true);
	verdict = run(&attempt, &told);
	bury_leaving(a, false);
	hide_others(a, false);
	return verdict == HA_PLAN_NO;
}

void
ha__admission_no_plan(struct admission *a)
{
	struct ha_admission_answer *answer = a->answer;

	answer->has_plan = true;
	answer->plan = (struct ha_plan_answer){
		.verdict =
			answer->is_conservative ? HA_PLAN_GAVE_UP : HA_PLAN_NO,
		.vm = answer->vm,
		.host = answer->host,
	};
}

/* "Any host that the master may choose": the first that holds, roomiest
 * first. */
static bool
prove_somewhere(struct admission *a)
{
	struct ha_admission_answer *answer = a->answer;
	struct ha_admission_answer first = { 0 };
	uint32_t vm = a->request->vm;
	bool has_given_up = false;
	bool is_first = true;
	uint32_t host;

	ha__admission_look_at_room(a);
	ha__admission_try_none(a);
	while ((host = ha__admission_roomiest(a, vm)) != HA_INV_NONE) {
		enum ha_plan_verdict verdict;

		a->is_tried[host] = true;
		a->vms[vm].host = host;
		verdict = prove(a);
		if (verdict == HA_PLAN_YES) {
			return true;
		}
		has_given_up = has_given_up || verdict == HA_PLAN_GAVE_UP;
		if (is_first) {
			first = *answer;
			is_first = false;
			a->vms[vm].host = HA_INV_NONE;
			if (is_hopeless(a)) {
				has_given_up = false;
				break;
			}
		}
	}
	a->vms[vm].host = HA_INV_NONE;
	if (is_first) {
		answer->reason = HA_ADMISSION_NOT_PLACED;
		answer->vm = vm;
		answer->host = HA_INV_NONE;
		ha__admission_no_plan(a);
		return false;
	}
	*answer = first;
	answer->is_conservative = has_given_up;
	return false;
}

bool
ha__admission_place_displaced(struct admission *a)
{
	struct attempt attempt = attempt_init(a, 0);
	struct ha_inventory inv = a->answer->inv;
	struct ha_plan_answer told;
	enum ha_plan_verdict verdict;

	inv.rules = a->place_rules;
	attempt.question.inv = &inv;
	attempt.question.places_stranded = true;
	attempt.is_moving = true;
	hide_others(a, true);
	verdict = run(&attempt, &told);
	hide_others(a, false);
	if (verdict == HA_PLAN_YES) {
		return true;
	}
	a->answer->plan = told;
	a->answer->vm = told.vm;
	a->answer->host = told.host;
	a->answer->is_conservative = verdict == HA_PLAN_GAVE_UP;
	return false;
}

static void
put_back(struct admission *a)
{
	for (uint32_t i = 0; i < a->answer->inv.n_vms; i++) {
		if (a->is_displaced[i]) {
			a->vms[i].host = a->q->inv->vms[i].host;
		}
	}
}

/* Every arrangement in turn, as far as the bound permits. A no is proven: all
 * were tried, and each is refuted. */
static enum ha_plan_verdict
try_arrangements(struct admission *a)
{
	uint64_t size = (uint64_t)a->answer->inv.n_hosts * a->answer->inv.n_vms;
	uint64_t steps = size == 0 ? 0 : ARRANGE_WORK / size;
	uint32_t n_vms = a->answer->inv.n_vms;
	enum ha_plan_verdict verdict = HA_PLAN_NO;
	uint32_t vm = 0;

	steps = steps < ARRANGE_STEPS_MAX ? steps : ARRANGE_STEPS_MAX;
	for (uint32_t i = 0; i < n_vms; i++) {
		a->vms[i].host =
			a->is_displaced[i] ? HA_INV_NONE : a->vms[i].host;
	}
	ha__admission_look_at_room(a);
	for (uint64_t i = 0; i < steps; i++) {
		while (vm < n_vms && !a->is_displaced[vm]) {
			vm++;
		}
		if (vm == n_vms) {
			switch (prove(a)) {
			case HA_PLAN_YES:
				return HA_PLAN_YES;
			case HA_PLAN_GAVE_UP:
				verdict = HA_PLAN_GAVE_UP;
				break;
			case HA_PLAN_NO:
				break;
			}
		}
		if (vm < n_vms && ha__admission_move_on(a, vm)) {
			vm++;
			continue;
		}
		do { /* back to the last one that may still move on */
			if (vm == 0) {
				return verdict;
			}
			vm--;
		} while (!a->is_displaced[vm]);
	}
	return HA_PLAN_GAVE_UP;
}

/* The planner has put the displaced machines somewhere, and that won't do. */
static bool
prove_rearranged(struct admission *a)
{
	struct ha_admission_answer *answer = a->answer;
	struct ha_admission_answer first = *answer;

	put_back(a);
	if (ha__admission_spread(a) && prove(a) == HA_PLAN_YES) {
		return true;
	}
	put_back(a);
	first.is_conservative = !is_hopeless(a);
	if (first.is_conservative) {
		enum ha_plan_verdict verdict = try_arrangements(a);

		if (verdict == HA_PLAN_YES) {
			return true;
		}
		first.is_conservative = verdict == HA_PLAN_GAVE_UP;
	}
	put_back(a);
	*answer = first;
	return false;
}

/* The host that the request names must have room now and keep the rules, even
 * if every failure that is to be survived takes that host. */
static bool
is_named_host_closed(struct admission *a)
{
	uint32_t vm = a->request->vm;
	uint32_t host = a->request->host;
	bool is_full;

	a->vms[vm].host = HA_INV_NONE;
	ha__admission_look_at_room(a);
	is_full = !ha__admission_has_room(a, vm, host);
	a->vms[vm].host = host;
	if (is_full) {
		a->answer->reason = HA_ADMISSION_NOT_PLACED;
		a->answer->host = host;
	}
	if (!is_full && ha__admission_breaks_rule(a, vm, host)) {
		a->answer->reason = HA_ADMISSION_NOT_PLACED;
		return true;
	}
	return is_full;
}

bool
ha__admission_plan(struct admission *a)
{
	enum ha_admission_op op = a->request->op;
	enum ha_plan_verdict verdict;

	if (op == HA_ADMISSION_POWER_ON && a->request->host == HA_INV_NONE) {
		a->is_displaced[a->request->vm] = true;
		return prove_somewhere(a);
	}
	if (op == HA_ADMISSION_POWER_ON && is_named_host_closed(a)) {
		ha__admission_no_plan(a);
		return false;
	}
	verdict = prove(a);
	if (verdict == HA_PLAN_YES) {
		return true;
	}
	if (op == HA_ADMISSION_REMOVE_HOST && a->answer->displaced > 0) {
		return prove_rearranged(a);
	}
	a->answer->is_conservative = verdict == HA_PLAN_GAVE_UP;
	return false;
}
