/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Judges a request: makes the cluster as it would be with it, in working
 * memory, then asks the arithmetic and the plan. Must never say yes to what
 * one of them denies, and never no to what only gives capacity back: a
 * lowered reservation, a machine that is off. Called by the admin command and
 * by whoever decides about tickets.
 */
#include "ha/admission.h"

#include <errno.h>
#include <string.h>

#include "admission_parts.h"

#define ALIGN 16u

struct arena {
	char *base; /* NULL: only counts */
	size_t used;
};

static void *
take(struct arena *arena, size_t n, size_t size)
{
	size_t at = arena->used;

	arena->used += (n * size + ALIGN - 1) / ALIGN * ALIGN;
	return arena->base ? arena->base + at : NULL;
}

/* The question at its largest: planning needs no more for fewer failures. */
static size_t
plan_bytes(const struct ha_admission_question *q, bool is_verify)
{
	struct ha_plan_question question = {
		.inv = q->inv,
		.failures = q->policy->host_failures,
		.places_stranded = true,
	};
	struct ha_plan_question none = question;
	size_t bytes;
	size_t bytes_none;

	none.failures = 0;
	bytes = is_verify ? ha_plan_verify_bytes(&question) :
			    ha_plan_work_bytes(&question);
	bytes_none = is_verify ? ha_plan_verify_bytes(&none) :
				 ha_plan_work_bytes(&none);
	return bytes > bytes_none ? bytes : bytes_none;
}

static void
lay_out(struct admission *a, struct arena *arena)
{
	const struct ha_admission_question *q = a->q;
	size_t hosts = q->inv->n_hosts;
	size_t vms = q->inv->n_vms;

	a->hosts = take(arena, hosts, sizeof(*a->hosts));
	a->host_slots = take(arena, hosts, sizeof(*a->host_slots));
	a->colours = take(arena, hosts, sizeof(*a->colours));
	a->scratch = take(arena, hosts, sizeof(*a->scratch));
	a->free = take(arena, hosts, sizeof(*a->free));
	a->is_tried = take(arena, hosts, sizeof(*a->is_tried));
	a->vms = take(arena, vms, sizeof(*a->vms));
	a->demand = take(arena, vms, sizeof(*a->demand));
	a->needs = take(arena, vms, sizeof(*a->needs));
	a->is_displaced = take(arena, vms, sizeof(*a->is_displaced));
	a->is_hidden = take(arena, vms, sizeof(*a->is_hidden));
	a->loose_rules = take(arena, q->inv->n_rules, sizeof(*a->loose_rules));
	a->plan_work = take(arena, 1, plan_bytes(q, false));
	a->verify_work = take(arena, 1, plan_bytes(q, true));
}

size_t
ha_admission_work_bytes(const struct ha_admission_question *question)
{
	struct admission a = { .q = question };
	struct arena arena = { 0 };

	lay_out(&a, &arena);
	return arena.used;
}

static void
copy_cluster(struct admission *a)
{
	const struct ha_inventory *inv = a->q->inv;

	for (uint32_t i = 0; i < inv->n_hosts; i++) {
		a->hosts[i] = inv->hosts[i];
		/* Another policy has no such role for a host. */
		a->hosts[i].is_failover_host =
			inv->hosts[i].is_failover_host &&
			a->policy->type == HA_ADMISSION_DEDICATED;
		a->host_slots[i] = 0;
		a->colours[i] = HA_ADMISSION_NO_COLOUR;
	}
	for (uint32_t i = 0; i < inv->n_vms; i++) {
		a->vms[i] = inv->vms[i];
		a->needs[i] = 0;
		a->is_displaced[i] = false;
		a->is_hidden[i] = false;
	}
	*a->answer = (struct ha_admission_answer){
		.host = HA_INV_NONE,
		.vm = HA_INV_NONE,
		.inv = *inv,
		.demand = a->demand,
		.needs = a->needs,
		.host_slots = a->host_slots,
		.colours = a->colours,
		.has_all_placed = true,
	};
	a->answer->inv.hosts = a->hosts;
	a->answer->inv.vms = a->vms;
	a->place_rules = inv->rules;
}

static int
check_numbers(const struct ha_admission_question *q, struct ha_err *err)
{
	const struct ha_inventory *inv = q->inv;

	if (inv->n_hosts > HA_ADMISSION_HOSTS_MAX ||
	    inv->n_vms > HA_ADMISSION_VMS_MAX) {
		return ha_err_set(err, -ERANGE,
				  "%u hosts and %u VMs: the limits are %u and "
				  "%u",
				  inv->n_hosts, inv->n_vms,
				  HA_ADMISSION_HOSTS_MAX, HA_ADMISSION_VMS_MAX);
	}
	for (uint32_t i = 0; i < inv->n_hosts; i++) {
		if (inv->hosts[i].cpu_mhz > HA_ADMISSION_CPU_MHZ_MAX ||
		    inv->hosts[i].memory_mb > HA_ADMISSION_MEMORY_MB_MAX ||
		    inv->hosts[i].cpu_used_mhz > HA_ADMISSION_CPU_MHZ_MAX ||
		    inv->hosts[i].memory_used_mb > HA_ADMISSION_MEMORY_MB_MAX) {
			return ha_err_set(err, -ERANGE,
					  "host %s has or uses more CPU or "
					  "memory than any real one",
					  inv->hosts[i].name);
		}
	}
	for (uint32_t i = 0; i < inv->n_vms; i++) {
		const struct ha_inv_vm *vm = &inv->vms[i];

		if (vm->cpu_mhz > HA_ADMISSION_CPU_MHZ_MAX ||
		    vm->memory_mb > HA_ADMISSION_MEMORY_MB_MAX ||
		    vm->overhead_mb > HA_ADMISSION_MEMORY_MB_MAX ||
		    (vm->host != HA_INV_NONE && vm->host >= inv->n_hosts) ||
		    (q->used &&
		     (q->used[i].cpu_mhz > HA_ADMISSION_CPU_MHZ_MAX ||
		      q->used[i].memory_mb > HA_ADMISSION_MEMORY_MB_MAX))) {
			return ha_err_set(
				err, -ERANGE,
				"VM %s has or uses more than any real "
				"one, or runs on no host of the list",
				vm->name);
		}
	}
	return 0;
}

static int
check_policy(const struct ha_admission_question *q, struct ha_err *err)
{
	const struct ha_admission_policy *p = q->policy;

	if (p->host_failures > HA_PLAN_FAILURES_MAX ||
	    p->cpu_percent > HA_ADMISSION_PERCENT_MAX ||
	    p->memory_percent > HA_ADMISSION_PERCENT_MAX ||
	    p->performance_degradation > HA_ADMISSION_PERCENT_MAX ||
	    p->default_cpu_mhz > HA_ADMISSION_CPU_MHZ_MAX ||
	    p->default_memory_mb > HA_ADMISSION_MEMORY_MB_MAX ||
	    p->slot_cpu_mhz > HA_ADMISSION_CPU_MHZ_MAX ||
	    p->slot_memory_mb > HA_ADMISSION_MEMORY_MB_MAX ||
	    p->max_slot_cpu_mhz > HA_ADMISSION_CPU_MHZ_MAX ||
	    p->max_slot_memory_mb > HA_ADMISSION_MEMORY_MB_MAX) {
		return ha_err_set(err, -ERANGE,
				  "a number of the policy is too large: %u "
				  "host failures, %u %%, and what one host may "
				  "have are the limits",
				  HA_PLAN_FAILURES_MAX,
				  HA_ADMISSION_PERCENT_MAX);
	}
	return 0;
}

static int
check_request(const struct ha_admission_question *q, struct ha_err *err)
{
	const struct ha_admission_request *r = q->request;
	bool has_vm = r->op == HA_ADMISSION_POWER_ON ||
		      r->op == HA_ADMISSION_RAISE ||
		      r->op == HA_ADMISSION_MIGRATE;
	bool has_host =
		r->op == HA_ADMISSION_MIGRATE ||
		(r->op == HA_ADMISSION_POWER_ON && r->host != HA_INV_NONE);
	uint32_t n = q->inv->n_hosts;

	if ((has_vm && r->vm >= q->inv->n_vms) || (has_host && r->host >= n)) {
		return ha_err_set(err, -EINVAL,
				  "the request names no VM or host of the "
				  "list");
	}
	for (uint32_t i = 0; i < r->n_hosts; i++) {
		if (r->hosts[i] >= n) {
			return ha_err_set(err, -EINVAL,
					  "the request names no host of the "
					  "list");
		}
	}
	if (r->op == HA_ADMISSION_POWER_ON && q->inv->vms[r->vm].is_on) {
		return ha_err_set(err, -EINVAL, "VM %s is on already",
				  q->inv->vms[r->vm].name);
	}
	if (r->cpu_mhz > HA_ADMISSION_CPU_MHZ_MAX ||
	    r->memory_mb > HA_ADMISSION_MEMORY_MB_MAX) {
		return ha_err_set(err, -ERANGE,
				  "the request reserves more than any real "
				  "host has");
	}
	return 0;
}

static void
take_hosts(struct admission *a)
{
	const struct ha_admission_request *r = a->request;

	for (uint32_t i = 0; i < a->answer->inv.n_vms; i++) {
		for (uint32_t h = 0; h < r->n_hosts; h++) {
			if (a->vms[i].is_on && a->vms[i].host == r->hosts[h]) {
				a->is_displaced[i] = true;
			}
		}
		a->answer->displaced += a->is_displaced[i];
	}
	for (uint32_t h = 0; h < r->n_hosts; h++) {
		a->hosts[r->hosts[h]].state =
			r->op == HA_ADMISSION_REMOVE_HOST ? HA_INV_MAINTENANCE :
							    HA_INV_OFFLINE;
	}
}

/* Do machines that stay break it? Then no place of another one mends it, and
 * none breaks it. */
static bool
is_broken_by_others(const struct admission *a, const struct ha_inv_rule *rule)
{
	uint32_t seen = HA_INV_NONE;

	for (uint32_t i = 0; i < rule->n_vms; i++) {
		uint32_t vm = rule->vms[i];

		if (!a->vms[vm].is_on || a->is_displaced[vm] ||
		    ha__admission_is_stranded(a, vm)) {
			continue;
		}
		if (seen != HA_INV_NONE && a->vms[vm].host != seen) {
			return true;
		}
		seen = a->vms[vm].host;
	}
	return false;
}

static void
loosen_rules(struct admission *a)
{
	const struct ha_inventory *inv = a->q->inv;

	for (uint32_t i = 0; i < inv->n_rules; i++) {
		a->loose_rules[i] = inv->rules[i];
		if (inv->rules[i].type == HA_INV_TOGETHER &&
		    is_broken_by_others(a, &inv->rules[i])) {
			a->loose_rules[i].is_mandatory = false;
		}
	}
	a->place_rules = a->loose_rules;
}

/* The cluster as it would be. True: the answer is yes, since nothing that the
 * policy guards gets less; the reason says why. */
static bool
apply(struct admission *a)
{
	const struct ha_admission_request *r = a->request;
	struct ha_inv_vm *vm =
		r->vm < a->answer->inv.n_vms ? &a->vms[r->vm] : NULL;
	struct ha_plan_demand old;

	if (r->op == HA_ADMISSION_REMOVE_HOST ||
	    r->op == HA_ADMISSION_FAIL_HOST) {
		take_hosts(a);
		if (r->op == HA_ADMISSION_REMOVE_HOST) {
			loosen_rules(a);
		}
		return false;
	}
	if (r->op == HA_ADMISSION_NONE || !vm) {
		return false;
	}
	if (r->op == HA_ADMISSION_RAISE) {
		old = a->demand[r->vm];
		vm->cpu_mhz = r->has_cpu ? r->cpu_mhz : vm->cpu_mhz;
		vm->memory_mb = r->has_memory ? r->memory_mb : vm->memory_mb;
		ha__admission_demands(a);
		a->answer->reason = vm->is_on ? HA_ADMISSION_IS_LOWERED :
						HA_ADMISSION_IS_OFF;
		return a->demand[r->vm].cpu_mhz <= old.cpu_mhz &&
		       a->demand[r->vm].memory_mb <= old.memory_mb;
	}
	vm->host = r->host;
	if (r->op == HA_ADMISSION_MIGRATE) {
		a->answer->reason = HA_ADMISSION_INSIDE;
		return true;
	}
	vm->is_on = true;
	return false;
}

/* Where the request wants its machine: may that be. */
static bool
is_place_open(struct admission *a)
{
	const struct ha_admission_request *r = a->request;
	struct ha_admission_answer *answer = a->answer;

	answer->vm = r->vm;
	answer->host = r->host;
	if (r->host == HA_INV_NONE) {
		uint32_t i = 0;

		while (i < answer->inv.n_hosts &&
		       !ha__admission_may_run(a, r->vm, i)) {
			i++;
		}
		answer->reason = HA_ADMISSION_NO_CANDIDATE;
		return i < answer->inv.n_hosts;
	}
	if (a->hosts[r->host].state != HA_INV_ONLINE) {
		answer->reason = HA_ADMISSION_HOST_STATE;
		return false;
	}
	if (a->hosts[r->host].is_failover_host) {
		answer->reason = HA_ADMISSION_HOST_FAILOVER;
		return false;
	}
	answer->reason = HA_ADMISSION_HOST_FORBIDDEN;
	return ha__admission_may_run(a, r->vm, r->host);
}

/* For whoever reads the figures; the reason stands already. */
static void
figures_only(struct admission *a)
{
	struct ha_admission_answer kept = *a->answer;

	(void)ha__admission_figures(a);
	a->answer->reason = kept.reason;
	a->answer->host = kept.host;
	a->answer->vm = kept.vm;
}

static bool
holds(struct admission *a)
{
	struct ha_admission_answer *answer = a->answer;
	enum ha_admission_op op = a->request->op;
	bool is_plan = a->policy->type != HA_ADMISSION_DISABLED &&
		       a->policy->guarantee == HA_ADMISSION_PLAN;
	bool is_free;
	bool is_place = true;

	if (op == HA_ADMISSION_POWER_ON || op == HA_ADMISSION_MIGRATE) {
		is_place = is_place_open(a);
	}
	if (!is_place) {
		figures_only(a);
		return false;
	}
	answer->vm = answer->host = HA_INV_NONE;
	is_free = apply(a);
	ha__admission_demands(a);
	if (answer->displaced > 0) {
		answer->has_all_placed = ha__admission_place_displaced(a);
	}
	if (!answer->has_all_placed && op == HA_ADMISSION_FAIL_HOST) {
		answer->reason = HA_ADMISSION_NOT_EVACUATED;
		figures_only(a);
		return false;
	}
	if (is_free) {
		figures_only(a);
		return true;
	}
	answer->reason = HA_ADMISSION_HOLDS;
	if (!ha__admission_figures(a)) {
		answer->is_conservative = false;
		return false;
	}
	if (!answer->has_all_placed && is_plan) {
		answer->reason = HA_ADMISSION_NOT_EVACUATED;
		ha__admission_no_plan(a);
		return false;
	}
	if (!is_plan) {
		answer->is_conservative = false;
		answer->reason = a->policy->type == HA_ADMISSION_DISABLED ?
					 HA_ADMISSION_IS_DISABLED :
					 HA_ADMISSION_HOLDS;
		return true;
	}
	return ha__admission_plan(a);
}

int
ha_admission_judge(const struct ha_admission_question *question, void *work,
		   struct ha_admission_answer *ret_answer, struct ha_err *err)
{
	struct admission a = {
		.q = question,
		.policy = question->policy,
		.request = question->request,
		.answer = ret_answer,
		.steps_left = question->all_steps ? question->all_steps :
						    HA_PLAN_ALL_STEPS_DEFAULT,
	};
	struct arena arena = { .base = work };
	enum ha_admission_op op = question->request->op;
	bool is_state = op == HA_ADMISSION_NONE || op == HA_ADMISSION_FAIL_HOST;
	bool is_yes;
	int rc = check_numbers(question, err);

	rc = rc < 0 ? rc : check_policy(question, err);
	rc = rc < 0 ? rc : check_request(question, err);
	if (rc < 0) {
		return rc;
	}
	lay_out(&a, &arena);
	copy_cluster(&a);
	ha__admission_demands(&a);
	is_yes = holds(&a);
	ha__admission_use(question, &ret_answer->inv, &ret_answer->use);
	if (is_yes) {
		ret_answer->is_conservative = false;
		ret_answer->verdict =
			is_state ? HA_ADMISSION_SATISFIED : HA_ADMISSION_ADMIT;
	} else {
		ret_answer->verdict =
			is_state ? HA_ADMISSION_VIOLATED : HA_ADMISSION_REFUSE;
	}
	return 0;
}
