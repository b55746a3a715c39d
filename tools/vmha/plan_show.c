/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha plan show: who goes where if a host dies, and how full the others are
 * then. The planner's certificate for the failure of any one host; where not
 * every host can fail, each host by itself. Shows no placement that libha's
 * independent checker has not accepted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plan_show.h"

#define PLAN_MS 110000u

static bool
on_set(const struct ha_plan_set *set, void *closure)
{
	struct planning *p = closure;
	struct outcome *outcome;
	char why[HA_ERR_TEXT];

	if (set->n_failed != 1) {
		return true;
	}
	if (ha_plan_verify(&p->question, set, p->verify_work, why,
			   sizeof(why)) < 0) {
		p->is_refuted = true;
		return false;
	}
	outcome = &p->outcomes[set->failed[0]];
	free(outcome->moves);
	outcome->moves =
		reallocarray(NULL, set->n_moves + 1u, sizeof(*outcome->moves));
	if (!outcome->moves) {
		p->is_failed = true;
		return false;
	}
	if (set->n_moves > 0) {
		memcpy(outcome->moves, set->moves,
		       set->n_moves * sizeof(*outcome->moves));
	}
	outcome->n_moves = set->n_moves;
	outcome->is_told = true;
	return true;
}

static void
prove(struct planning *p, struct ha_plan_answer *ret_answer)
{
	*ret_answer = (struct ha_plan_answer){ .verdict = HA_PLAN_GAVE_UP,
					       .vm = HA_INV_NONE,
					       .host = HA_INV_NONE };
	if (p->steps_left == 0) {
		return;
	}
	p->question.all_steps = p->steps_left;
	p->is_refuted = false;
	ha_plan_prove(&p->question, p->work, on_set, p, ret_answer);
	p->steps_left -= ret_answer->steps < p->steps_left ? ret_answer->steps :
							     p->steps_left;
}

/* A no names the first failure that has none; here the others are asked. Only
 * the host that is asked about counts as one that may fail. */
static void
ask_alone(struct planning *p, uint32_t host)
{
	struct outcome *outcome = &p->outcomes[host];

	for (uint32_t i = 0; i < p->inv.n_hosts; i++) {
		p->hosts[i].is_failover_host = i != host;
	}
	p->question.spares_failover_hosts = true;
	prove(p, &outcome->plan);
	outcome->is_refuted = p->is_refuted;
	outcome->is_bound = outcome->plan.verdict == HA_PLAN_GAVE_UP;
}

/* Who would have a place all the same: without those that the planner names as
 * having none, one after the other. */
static void
place_rest(struct planning *p, uint32_t host)
{
	struct outcome *outcome = &p->outcomes[host];
	struct ha_plan_answer answer = outcome->plan;
	bool has_place = false;

	while (!p->is_failed && !has_place && answer.verdict == HA_PLAN_NO &&
	       answer.vm < p->inv.n_vms && p->vms[answer.vm].is_on &&
	       p->vms[answer.vm].host == host) {
		p->homeless[answer.vm] = true;
		p->vms[answer.vm].is_on = false;
		prove(p, &answer);
		has_place = answer.verdict == HA_PLAN_YES;
	}
	outcome->is_partial = has_place && outcome->n_moves > 0;
	outcome->is_told = false;
	if (p->inv.n_vms > 0) {
		memcpy(p->vms, p->w->answer.inv.vms,
		       p->inv.n_vms * sizeof(*p->vms));
	}
}

static bool
is_asked(const struct planning *p, uint32_t host)
{
	const struct ha_inv_host *it = &p->w->answer.inv.hosts[host];

	if (p->v->args.operands == 0) {
		return it->state == HA_INV_ONLINE && !it->is_failover_host;
	}
	for (uint32_t i = 0; i < p->v->args.operands; i++) {
		if (strcmp(p->v->args.operand[i], it->name) == 0) {
			return true;
		}
	}
	return false;
}

static int
check_operands(struct vmha *v, const struct weighing *w)
{
	const struct ha_inventory *inv = &w->answer.inv;

	for (uint32_t i = 0; i < v->args.operands; i++) {
		uint32_t host = 0;

		while (host < inv->n_hosts &&
		       strcmp(inv->hosts[host].name, v->args.operand[i]) != 0) {
			host++;
		}
		if (host == inv->n_hosts) {
			return ha_err_set(&v->err, -EINVAL,
					  "there is no host \"%s\" in %s",
					  v->args.operand[i], w->source);
		}
		if (inv->hosts[host].state != HA_INV_ONLINE) {
			return ha_err_set(&v->err, -EINVAL,
					  "%s is %s: only an online host has "
					  "VMs that a failure would move",
					  v->args.operand[i],
					  ha_inventory_state_name(
						  inv->hosts[host].state));
		}
	}
	return 0;
}

static int
make_room(struct planning *p)
{
	const struct ha_inventory *inv = &p->w->answer.inv;
	size_t n = inv->n_hosts + (size_t)1;

	p->hosts = calloc(n, sizeof(*p->hosts));
	p->vms = calloc(inv->n_vms + (size_t)1, sizeof(*p->vms));
	p->homeless = calloc(inv->n_vms + (size_t)1, sizeof(*p->homeless));
	p->outcomes = calloc(n, sizeof(*p->outcomes));
	p->before = calloc(n, sizeof(*p->before));
	p->after = calloc(n, sizeof(*p->after));
	p->is_shown = calloc(n, sizeof(*p->is_shown));
	p->inv = *inv;
	p->inv.hosts = p->hosts;
	p->inv.vms = p->vms;
	p->question = (struct ha_plan_question){
		.inv = &p->inv,
		.demand = p->w->answer.demand,
		.failures = 1,
		.spares_failover_hosts =
			p->w->file->policy.type == HA_ADMISSION_DEDICATED,
	};
	p->work = malloc(ha_plan_work_bytes(&p->question));
	p->verify_work = malloc(ha_plan_verify_bytes(&p->question));
	if (!p->hosts || !p->vms || !p->outcomes || !p->before || !p->after ||
	    !p->is_shown || !p->homeless || !p->work || !p->verify_work) {
		return ha_err_set(&p->v->err, -ENOMEM,
				  "no memory for a cluster of this size");
	}
	if (inv->n_hosts > 0) {
		memcpy(p->hosts, inv->hosts, inv->n_hosts * sizeof(*p->hosts));
	}
	if (inv->n_vms > 0) {
		memcpy(p->vms, inv->vms, inv->n_vms * sizeof(*p->vms));
	}
	return 0;
}

static void
sum_before(struct planning *p)
{
	for (uint32_t i = 0; i < p->inv.n_vms; i++) {
		const struct ha_inv_vm *vm = &p->inv.vms[i];

		if (vm->is_on && vm->host != HA_INV_NONE) {
			p->before[vm->host].cpu_mhz +=
				p->question.demand[i].cpu_mhz;
			p->before[vm->host].memory_mb +=
				p->question.demand[i].memory_mb;
		}
	}
}

static int
plan(struct planning *p)
{
	struct ha_plan_answer whole;
	int rc = make_room(p);

	if (rc < 0) {
		return rc;
	}
	sum_before(p);
	vmha_step("planning", p->w->source, PLAN_MS);
	p->steps_left = HA_PLAN_ALL_STEPS_DEFAULT;
	prove(p, &whole);
	for (uint32_t i = 0; i < p->inv.n_hosts; i++) {
		if (is_asked(p, i) && !p->outcomes[i].is_told) {
			ask_alone(p, i);
			if (!p->outcomes[i].is_told) {
				place_rest(p, i);
			}
		}
	}
	plan_take_written(p);
	return p->is_failed ? ha_err_set(&p->v->err, -ENOMEM, "no memory") : 0;
}

static int
answer(struct planning *p)
{
	json_t *plans = json_array();
	bool has_any = false;
	bool has_no = false;
	bool has_bound = false;
	int code;
	int rc = VMHA_OK;

	for (uint32_t i = 0; i < p->inv.n_hosts; i++) {
		const struct outcome *outcome = &p->outcomes[i];

		p->is_shown[i] = is_asked(p, i);
		if (!p->is_shown[i]) {
			continue;
		}
		has_any = true;
		has_no = has_no || (!outcome->is_told && !outcome->is_bound);
		has_bound = has_bound || outcome->is_bound;
		if (p->v->args.is_json) {
			(void)json_array_append_new(plans,
						    plan_outcome_json(p, i));
		} else {
			plan_outcome_show(p, i);
		}
	}
	/* Nobody is to read a yes where there is no cluster. */
	code = has_no || !has_any ? VMHA_FAILED :
	       has_bound          ? VMHA_UNDECIDED :
				    VMHA_OK;
	if (p->v->args.is_json) {
		json_t *json =
			json_pack("{s:s, s:b, s:b, s:o, s:O}", "verdict",
				  code == VMHA_OK ? "satisfied" : "violated",
				  "conservative", (int)(code == VMHA_UNDECIDED),
				  "enforced", (int)p->w->is_enforced, "plans",
				  plans, "warnings", p->w->warnings);

		rc = vmha_json(p->v, json);
	} else {
		json_decref(plans);
		if (!has_any) {
			weighing_show_verdict(p->v, false, "No",
					      "there is no online host whose "
					      "VMs could go to others",
					      "");
		}
		plan_standing_show(p);
		weighing_show_warnings(p->v, p->w);
	}
	return rc == VMHA_OK ? code : rc;
}

static void
done(struct planning *p)
{
	for (uint32_t i = 0; p->outcomes && i < p->inv.n_hosts; i++) {
		free(p->outcomes[i].moves);
	}
	free(p->homeless);
	free(p->outcomes);
	free(p->hosts);
	free(p->vms);
	free(p->before);
	free(p->after);
	free(p->is_shown);
	free(p->work);
	free(p->verify_work);
}

int
vmha_plan_show(struct vmha *v)
{
	struct weighing w;
	struct planning p = { .v = v, .w = &w };
	int rc = weighing_load(v, &w);

	if (rc == 0) {
		/* For the demands; the proof is asked for below. */
		w.file->policy.guarantee = HA_ADMISSION_ARITHMETIC;
		w.file->request = (struct ha_admission_request){
			.op = HA_ADMISSION_NONE,
			.vm = HA_INV_NONE,
			.host = HA_INV_NONE,
		};
		rc = weighing_judge(v, &w);
	}
	if (rc == 0) {
		rc = check_operands(v, &w);
		rc = rc < 0 ? rc : plan(&p);
		rc = rc < 0 ? weighing_fail(v, rc) : answer(&p);
	}
	done(&p);
	weighing_done(&w);
	return rc;
}
