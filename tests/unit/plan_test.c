/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The failure planner rule by rule, both sides of each boundary; and that the
 * independent checker refuses each kind of wrong certificate, with a sentence
 * that names who and where.
 */
#include "plan_box.h"

static enum ha_plan_verdict
verdict_of(struct box *box)
{
	return box_prove(box).verdict;
}

/* Two machines on the first of three hosts; the others have 4 and 3 left. */
static void
open_three(struct box *box, uint32_t failures)
{
	box_open(box, failures);
	box_host(box, 10, 10);
	box_host(box, 4, 4);
	box_host(box, 3, 3);
	box_vm(box, 0, 4, 4);
	box_vm(box, 0, 3, 3);
}

static void
capacity_to_the_last_unit(void **state)
{
	struct box box;

	(void)state;
	open_three(&box, 1);
	struct ha_plan_answer answer = box_prove(&box);
	assert_int_equal(answer.verdict, HA_PLAN_YES);
	assert_int_equal(answer.sets, 3);
	box.demand[1].memory_mb++;
	answer = box_prove(&box);
	assert_int_equal(answer.verdict, HA_PLAN_NO);
	assert_int_equal(answer.n_failed, 1);
	assert_int_equal(answer.failed[0], 0);
	assert_int_not_equal(answer.vm, HA_INV_NONE);
	box.demand[1].memory_mb--;
	box.demand[0].cpu_mhz++;
	assert_int_equal(verdict_of(&box), HA_PLAN_NO);
	box.vms[0].is_on = false;
	assert_int_equal(verdict_of(&box), HA_PLAN_YES);
}

static void
no_failure_is_the_cluster_as_it_stands(void **state)
{
	struct box box;

	(void)state;
	open_three(&box, 0);
	box.demand[0].cpu_mhz = 7;
	struct ha_plan_answer answer = box_prove(&box);
	assert_int_equal(answer.verdict, HA_PLAN_YES);
	assert_int_equal(answer.sets, 1);
	box.demand[0].cpu_mhz = 8;
	answer = box_prove(&box);
	assert_int_equal(answer.verdict, HA_PLAN_NO);
	assert_int_equal(answer.n_failed, 0);
	assert_int_equal(answer.host, 0);
}

static void
more_failures_than_hosts_leave_no_place(void **state)
{
	struct box box;

	(void)state;
	for (uint32_t k = 3; k <= HA_PLAN_FAILURES_MAX; k++) {
		open_three(&box, k);
		assert_int_equal(verdict_of(&box), HA_PLAN_NO);
		box.vms[0].is_on = false;
		box.vms[1].is_on = false;
		assert_int_equal(verdict_of(&box), HA_PLAN_YES);
	}
	open_three(&box, HA_PLAN_FAILURES_MAX + 1);
	assert_int_equal(verdict_of(&box), HA_PLAN_GAVE_UP);
	/* Two of three: the small one is left. */
	open_three(&box, 2);
	assert_int_equal(verdict_of(&box), HA_PLAN_NO);
	box.hosts[1].cpu_mhz = box.hosts[1].memory_mb = 7;
	box.hosts[2].cpu_mhz = box.hosts[2].memory_mb = 7;
	struct ha_plan_answer answer = box_prove(&box);
	assert_int_equal(answer.verdict, HA_PLAN_YES);
	assert_int_equal(answer.sets, 3);
}

static void
allowed_hosts_and_limits_of_machines(void **state)
{
	struct box box;

	(void)state;
	open_three(&box, 1);
	box_allow(&box, 0, 0);
	box_allow(&box, 0, 1);
	assert_int_equal(verdict_of(&box), HA_PLAN_YES);
	assert_int_equal(box.to[0], HA_INV_NONE);
	box.vms[0].n_allowed = 1;
	assert_int_equal(verdict_of(&box), HA_PLAN_NO);
	/* One of no demand where all slots are taken. */
	open_three(&box, 1);
	box_vm(&box, 0, 0, 0);
	box.hosts[1].max_vms = 1;
	assert_int_equal(verdict_of(&box), HA_PLAN_YES);
	box.hosts[2].max_vms = 1;
	assert_int_equal(verdict_of(&box), HA_PLAN_NO);
	box.hosts[2].max_vms = 2;
	assert_int_equal(verdict_of(&box), HA_PLAN_YES);
}

static void
rules_between_machines(void **state)
{
	struct box box;

	(void)state;
	open_three(&box, 1);
	box.hosts[1].cpu_mhz = box.hosts[1].memory_mb = 7;
	uint32_t rule = box_rule(&box, HA_INV_TOGETHER, 0, 1);
	assert_int_equal(verdict_of(&box), HA_PLAN_YES);
	box.hosts[1].cpu_mhz = 6;
	assert_int_equal(verdict_of(&box), HA_PLAN_NO);
	box.rules[rule].is_mandatory = false;
	assert_int_equal(verdict_of(&box), HA_PLAN_YES);
	/* Apart, and one host alone could take both. */
	open_three(&box, 1);
	box.hosts[1].cpu_mhz = box.hosts[1].memory_mb = 7;
	box.hosts[2].cpu_mhz = 2;
	box.vms[1].host = 1;
	box.hosts[1].cpu_mhz = box.hosts[1].memory_mb = 7;
	assert_int_equal(verdict_of(&box), HA_PLAN_YES);
	box_rule(&box, HA_INV_SEPARATE, 0, 1);
	assert_int_equal(verdict_of(&box), HA_PLAN_NO);
	/* Broken as things stand, whoever fails. */
	open_three(&box, 1);
	box_rule(&box, HA_INV_SEPARATE, 0, 1);
	struct ha_plan_answer answer = box_prove(&box);
	assert_int_equal(answer.verdict, HA_PLAN_NO);
	assert_int_equal(answer.n_failed, 0);
}

static void
failover_hosts_take_the_displaced_only(void **state)
{
	struct box box;

	(void)state;
	open_three(&box, 1);
	box.hosts[2].is_failover_host = true;
	assert_int_equal(verdict_of(&box), HA_PLAN_YES);
	box.question.spares_failover_hosts = true;
	struct ha_plan_answer answer = box_prove(&box);
	assert_int_equal(answer.sets, 2);
	/* A machine of a host in maintenance may not go there. */
	open_three(&box, 0);
	box.question.places_stranded = true;
	box.hosts[0].state = HA_INV_MAINTENANCE;
	assert_int_equal(verdict_of(&box), HA_PLAN_YES);
	box.hosts[2].is_failover_host = true;
	assert_int_equal(verdict_of(&box), HA_PLAN_NO);
	box.hosts[0].state = HA_INV_OFFLINE;
	assert_int_equal(verdict_of(&box), HA_PLAN_YES);
	assert_int_equal(box.to[0], 1);
	assert_int_equal(box.to[1], 2);
	/* Nor is it looked at where nobody asks for it. */
	box.question.places_stranded = false;
	box.demand[0].cpu_mhz = 100;
	assert_int_equal(verdict_of(&box), HA_PLAN_YES);
}

static void
absurd_numbers_never_make_a_yes(void **state)
{
	struct box box;

	(void)state;
	open_three(&box, 1);
	box_vm(&box, 0, 0, 0);
	for (uint32_t vm = 0; vm < 3; vm++) {
		box.demand[vm].cpu_mhz = UINT64_MAX;
		box.demand[vm].memory_mb = UINT64_MAX;
	}
	assert_int_equal(verdict_of(&box), HA_PLAN_NO);
	for (uint32_t h = 0; h < 3; h++) {
		box.hosts[h].cpu_mhz = UINT64_MAX;
		box.hosts[h].memory_mb = UINT64_MAX;
	}
	assert_int_equal(verdict_of(&box), HA_PLAN_NO);
	box_rule(&box, HA_INV_TOGETHER, 0, 1);
	assert_int_equal(verdict_of(&box), HA_PLAN_NO);
}

/* Seven hosts have room for two each, and the sum says that all 20 fit. */
static void
open_pigeonholes(struct box *box)
{
	box_open(box, 1);
	box_host(box, 1000, 1000);
	for (uint32_t h = 0; h < 7; h++) {
		box_host(box, 101, 200 + h);
	}
	for (uint32_t vm = 0; vm < 20; vm++) {
		box_vm(box, 0, 34 + vm % 2, 20 + vm);
	}
}

static void
bound_of_steps_gives_up(void **state)
{
	struct box box;

	(void)state;
	open_pigeonholes(&box);
	box.question.set_steps = 500;
	struct ha_plan_answer answer = box_prove(&box);
	assert_int_equal(answer.verdict, HA_PLAN_GAVE_UP);
	assert_int_equal(answer.failed[0], 0);
	assert_int_not_equal(answer.vm, HA_INV_NONE);
	box.question.set_steps = 0;
	answer = box_prove(&box);
	assert_int_equal(answer.verdict, HA_PLAN_NO);
	assert_true(answer.steps < 10000);
	box.question.all_steps = 1;
	assert_int_equal(verdict_of(&box), HA_PLAN_GAVE_UP);
}

static bool
hear_no_more(const struct ha_plan_set *set, void *closure)
{
	(void)set;
	++*(uint32_t *)closure;
	return false;
}

static void
listener_ends_the_search(void **state)
{
	struct box box;
	struct ha_plan_answer answer;
	uint32_t n = 0;

	(void)state;
	open_three(&box, 1);
	void *work = malloc(ha_plan_work_bytes(&box.question));
	assert_non_null(work);
	ha_plan_prove(&box.question, work, hear_no_more, &n, &answer);
	free(work);
	assert_int_equal(answer.verdict, HA_PLAN_GAVE_UP);
	assert_int_equal(answer.sets, 0);
	assert_int_equal(n, 1);
}

/* ---- the checker ---- */

static void
refuses(const struct box *box, uint32_t failed,
	const struct ha_plan_move *moves, uint32_t n_moves,
	const char *sentence)
{
	const struct ha_plan_set set = { .failed = &failed,
					 .moves = moves,
					 .n_failed = 1,
					 .n_moves = n_moves };
	char why[80] = "";
	char small[8] = "";
	void *work = malloc(ha_plan_verify_bytes(&box->question));

	assert_non_null(work);
	int rc = ha_plan_verify(&box->question, &set, work, why, sizeof(why));
	assert_string_equal(why, sentence);
	assert_int_equal(rc != 0, sentence[0] != '\0');
	(void)ha_plan_verify(&box->question, &set, work, small, sizeof(small));
	assert_true(strlen(small) < sizeof(small));
	(void)ha_plan_verify(&box->question, &set, work, NULL, 0);
	free(work);
}

static void
checker_refuses_wrong_certificates(void **state)
{
	struct box box;
	struct ha_plan_move moves[] = { { 0, 1 }, { 1, 2 } };

	(void)state;
	open_three(&box, 1);
	box.vms[0].name = "a";
	box.vms[1].name = "b";
	box.hosts[0].name = "h0";
	box.hosts[1].name = "h1";
	box.hosts[2].name = "h2";
	refuses(&box, 0, moves, 2, "");
	refuses(&box, 0, moves, 1, "b has no place");
	refuses(&box, 1, moves, 2, "a moves without need to h1");
	refuses(&box, 1, moves, 0, "");
	refuses(&box, 3, moves, 2, "the set names no host");
	moves[1] = (struct ha_plan_move){ 0, 2 };
	refuses(&box, 0, moves, 2, "a moves twice");
	moves[1] = (struct ha_plan_move){ 1, 0 };
	refuses(&box, 0, moves, 2, "b moves to a dead host, h0");
	moves[1] = (struct ha_plan_move){ 2, 0 };
	refuses(&box, 0, moves, 2, "a move names what is not there");
	moves[1] = (struct ha_plan_move){ 1, 1 };
	refuses(&box, 0, moves, 2, "h1 lacks CPU for b");
	box.hosts[1].cpu_mhz = 6;
	refuses(&box, 0, moves, 2, "h1 lacks CPU for b");
	box.hosts[1].cpu_mhz = 7;
	box.hosts[1].memory_mb = 6;
	refuses(&box, 0, moves, 2, "h1 lacks memory for b");
	box.hosts[1].memory_mb = 7;
	refuses(&box, 0, moves, 2, "");
	box.hosts[1].max_vms = 1;
	refuses(&box, 0, moves, 2, "h1 has no slot for b");
	box.hosts[1].max_vms = 0;
	box_rule(&box, HA_INV_SEPARATE, 0, 1);
	refuses(&box, 0, moves, 2, "b must not share a host with a");
	box.rules[0].type = HA_INV_TOGETHER;
	refuses(&box, 0, moves, 2, "");
	moves[1] = (struct ha_plan_move){ 1, 2 };
	refuses(&box, 0, moves, 2, "b must share a host with a");
	box.rules[0].is_mandatory = false;
	refuses(&box, 0, moves, 2, "");
	box_allow(&box, 1, 1);
	refuses(&box, 0, moves, 2, "b is not allowed on h2");
	box.vms[1].has_allowed = false;
	box.hosts[0].state = HA_INV_ERROR;
	refuses(&box, 0, moves, 2, "h0 is not online");
	box.hosts[0].state = HA_INV_ONLINE;
	box.hosts[0].is_failover_host = true;
	box.question.spares_failover_hosts = true;
	refuses(&box, 0, moves, 2, "h0 is a failover host: none fails");
}

/* ---- the kept plan ---- */

static void
kept_plan_of_what_can_not_be_kept(void **state)
{
	struct box box;
	struct ha_plan_answer answer;

	(void)state;
	open_three(&box, 2);
	void *work = malloc(ha_plan_keep_bytes(&box.question));
	assert_non_null(work);
	assert_null(ha_plan_keep_begin(&box.question, work, &answer));
	assert_int_equal(answer.verdict, HA_PLAN_GAVE_UP);
	box.question.failures = 1;
	box.question.places_stranded = true;
	assert_null(ha_plan_keep_begin(&box.question, work, &answer));
	box.question.places_stranded = false;
	assert_non_null(ha_plan_keep_begin(&box.question, work, &answer));
	assert_int_equal(answer.sets, 3);
	box.demand[1].cpu_mhz++;
	assert_null(ha_plan_keep_begin(&box.question, work, &answer));
	assert_int_equal(answer.verdict, HA_PLAN_NO);
	free(work);
}

static void
kept_plan_keeps_targets(void **state)
{
	struct box box;
	struct ha_plan_answer answer;

	(void)state;
	open_three(&box, 1);
	void *work = malloc(ha_plan_keep_bytes(&box.question));
	assert_non_null(work);
	struct ha_plan_keep *keep =
		ha_plan_keep_begin(&box.question, work, &answer);
	assert_non_null(keep);
	assert_int_equal(ha_plan_keep_target(keep, 0), 1);
	assert_int_equal(ha_plan_keep_target(keep, 1), 2);
	box.demand[1].cpu_mhz = 4;
	ha_plan_keep_change(keep, &box.question, 1, &answer);
	assert_int_equal(answer.verdict, HA_PLAN_NO);
	assert_int_equal(answer.failed[0], 0);
	assert_int_equal(ha_plan_keep_target(keep, 1), 2);
	box.demand[1].cpu_mhz = 2;
	ha_plan_keep_change(keep, &box.question, 1, &answer);
	assert_int_equal(answer.verdict, HA_PLAN_YES);
	assert_int_equal(ha_plan_keep_target(keep, 1), 2);
	box.demand[1].cpu_mhz = 7;
	ha_plan_keep_change(keep, &box.question, 1, &answer);
	assert_int_equal(answer.verdict, HA_PLAN_NO);
	assert_int_equal(answer.n_failed, 0);
	assert_int_equal(answer.vm, 1);
	assert_int_equal(answer.host, 0);
	free(work);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capacity_to_the_last_unit),
		cmocka_unit_test(no_failure_is_the_cluster_as_it_stands),
		cmocka_unit_test(more_failures_than_hosts_leave_no_place),
		cmocka_unit_test(allowed_hosts_and_limits_of_machines),
		cmocka_unit_test(rules_between_machines),
		cmocka_unit_test(failover_hosts_take_the_displaced_only),
		cmocka_unit_test(absurd_numbers_never_make_a_yes),
		cmocka_unit_test(bound_of_steps_gives_up),
		cmocka_unit_test(listener_ends_the_search),
		cmocka_unit_test(checker_refuses_wrong_certificates),
		cmocka_unit_test(kept_plan_of_what_can_not_be_kept),
		cmocka_unit_test(kept_plan_keeps_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
