/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small clusters for the planner's tests: fixed arrays, a way to say what is in
 * them in one line each, and one call that proves, gathers the certificate and
 * has the independent checker look at every set of it.
 */
#ifndef TESTS_PLAN_BOX_H
#define TESTS_PLAN_BOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ha/plan.h"

/* A test may want more. */
#ifndef BOX_HOSTS
#define BOX_HOSTS 8u
#define BOX_VMS 24u
#define BOX_RULES 6u
#endif

struct box {
	struct ha_inv_host hosts[BOX_HOSTS];
	struct ha_inv_vm vms[BOX_VMS];
	struct ha_inv_rule rules[BOX_RULES];
	struct ha_plan_demand demand[BOX_VMS];
	uint32_t allowed[BOX_VMS][BOX_HOSTS];
	uint32_t members[BOX_RULES][BOX_VMS];
	struct ha_inventory inv;
	struct ha_plan_question question;
	/* Where each machine goes, of the last set told. */
	uint32_t to[BOX_VMS];
	uint64_t told;
	uint32_t last[BOX_HOSTS];
};

static inline void
box_open(struct box *box, uint32_t failures)
{
	memset(box, 0, sizeof(*box));
	box->inv.hosts = box->hosts;
	box->inv.vms = box->vms;
	box->inv.rules = box->rules;
	box->question.inv = &box->inv;
	box->question.demand = box->demand;
	box->question.failures = failures;
}

static inline uint32_t
box_host(struct box *box, uint64_t cpu_mhz, uint64_t memory_mb)
{
	uint32_t host = box->inv.n_hosts++;

	box->hosts[host].cpu_mhz = cpu_mhz;
	box->hosts[host].memory_mb = memory_mb;
	box->hosts[host].state = HA_INV_ONLINE;
	return host;
}

static inline uint32_t
box_vm(struct box *box, uint32_t host, uint64_t cpu_mhz, uint64_t memory_mb)
{
	uint32_t vm = box->inv.n_vms++;

	box->vms[vm].host = host;
	box->vms[vm].is_on = true;
	box->vms[vm].allowed = box->allowed[vm];
	box->demand[vm].cpu_mhz = cpu_mhz;
	box->demand[vm].memory_mb = memory_mb;
	return vm;
}

static inline void
box_allow(struct box *box, uint32_t vm, uint32_t host)
{
	box->vms[vm].has_allowed = true;
	box->allowed[vm][box->vms[vm].n_allowed++] = host;
}

static inline uint32_t
box_rule(struct box *box, enum ha_inv_rule_type type, uint32_t a, uint32_t b)
{
	uint32_t rule = box->inv.n_rules++;

	box->members[rule][0] = a;
	box->members[rule][1] = b;
	box->rules[rule].type = type;
	box->rules[rule].vms = box->members[rule];
	box->rules[rule].n_vms = 2;
	box->rules[rule].is_mandatory = true;
	return rule;
}

static inline void
box_verify(const struct box *box, const struct ha_plan_set *set)
{
	char why[160] = "";
	void *work = malloc(ha_plan_verify_bytes(&box->question));

	assert_non_null(work);
	if (ha_plan_verify(&box->question, set, work, why, sizeof(why)) != 0) {
		fail_msg("%s", why);
	}
	free(work);
}

static inline bool
box_hear(const struct ha_plan_set *set, void *closure)
{
	struct box *box = closure;
	bool is_later = box->told == 0;

	for (uint32_t i = 0; i < set->n_failed && !is_later; i++) {
		assert_true(set->failed[i] >= box->last[i]);
		is_later = set->failed[i] > box->last[i];
	}
	assert_true(is_later);
	if (set->n_failed > 0) {
		memcpy(box->last, set->failed,
		       set->n_failed * sizeof(*set->failed));
	}
	memset(box->to, 0xff, sizeof(box->to));
	for (uint32_t i = 0; i < set->n_moves; i++) {
		box->to[set->moves[i].vm] = set->moves[i].to;
	}
	box->told++;
	box_verify(box, set);
	return true;
}

static inline struct ha_plan_answer
box_prove(struct box *box)
{
	struct ha_plan_answer answer;
	size_t bytes = ha_plan_work_bytes(&box->question);
	void *work = malloc(bytes);

	assert_non_null(work);
	memset(work, 0xa5, bytes);
	box->told = 0;
	ha_plan_prove(&box->question, work, box_hear, box, &answer);
	assert_int_equal(answer.sets, box->told);
	free(work);
	return answer;
}

#endif
