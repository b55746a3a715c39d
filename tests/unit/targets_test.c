/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Targets rule by rule, and random clusters: whatever the planner proves has a
 * target for everybody, accepted host by host by the checker; the same question
 * again changes nothing; and nobody is homeless whose host's failure alone the
 * planner can place.
 */
#include "plan_box.h"
#include "roll.h"

#include "ha/targets.h"

#define RANDOM_CLUSTERS 4000u
#define NONE HA_INV_NONE

struct aim {
	struct box box;
	struct ha_target_fact facts[BOX_VMS];
	struct ha_target targets[BOX_VMS];
	bool has_failover_hosts;
};

static void
aim_open(struct aim *aim)
{
	memset(aim, 0, sizeof(*aim));
	box_open(&aim->box, 1);
	for (uint32_t vm = 0; vm < BOX_VMS; vm++) {
		aim->facts[vm].now = NONE;
	}
}

static void
aim_make(struct aim *aim)
{
	struct ha_targets_question question = {
		.inv = &aim->box.inv,
		.demand = aim->box.demand,
		.facts = aim->facts,
		.has_failover_hosts = aim->has_failover_hosts,
	};
	size_t bytes = ha_targets_work_bytes(&question);
	void *work = malloc(bytes);

	assert_non_null(work);
	memset(work, 0xa5, bytes);
	memset(aim->targets, 0xa5, sizeof(aim->targets));
	ha_targets_make(&question, work, aim->targets);
	free(work);
}

/* Step by step, and with each the facts stand elsewhere. */
static void
aim_make_in_steps(struct aim *aim)
{
	struct ha_targets_question question = {
		.inv = &aim->box.inv,
		.demand = aim->box.demand,
		.facts = aim->facts,
		.has_failover_hosts = aim->has_failover_hosts,
	};
	void *work = malloc(ha_targets_work_bytes(&question));
	struct ha_inv_rule rules[BOX_RULES];
	struct ha_inventory inv = aim->box.inv;
	struct ha_targets *targets;

	assert_non_null(work);
	memcpy(rules, aim->box.rules, sizeof(rules));
	inv.rules = rules;
	question.inv = &inv;
	targets = ha_targets_begin(&question, work, aim->targets);
	memset(rules, 0xa5, sizeof(rules));
	question.inv = &aim->box.inv;
	do {
		ha_targets_rebase(targets, &question);
	} while (ha_targets_step(targets));
	free(work);
}

/* What was given stands now. */
static void
aim_take(struct aim *aim)
{
	for (uint32_t vm = 0; vm < aim->box.inv.n_vms; vm++) {
		aim->facts[vm].now = aim->targets[vm].host;
	}
}

static void
expect_given(const struct aim *aim, uint32_t vm, uint32_t host)
{
	assert_int_equal(aim->targets[vm].state, HA_TARGET_GIVEN);
	assert_int_equal(aim->targets[vm].host, host);
}

static bool
is_good(struct aim *aim, uint32_t host)
{
	struct ha_plan_move moves[BOX_VMS];
	struct ha_plan_set set = { .failed = &host,
				   .moves = moves,
				   .n_failed = 1 };
	char why[160] = "";
	void *work = malloc(ha_plan_verify_bytes(&aim->box.question));

	assert_non_null(work);
	for (uint32_t vm = 0; vm < aim->box.inv.n_vms; vm++) {
		if (aim->box.vms[vm].is_on && aim->box.vms[vm].host == host) {
			moves[set.n_moves++] = (struct ha_plan_move){
				.vm = vm, .to = aim->targets[vm].host
			};
		}
	}
	int rc = ha_plan_verify(&aim->box.question, &set, work, why,
				sizeof(why));
	free(work);
	return rc == 0;
}

/* Three hosts, two machines of 4 and 3 on the first; 4 and 3 free. */
static void
open_three(struct aim *aim)
{
	aim_open(aim);
	box_host(&aim->box, 10, 10);
	box_host(&aim->box, 4, 4);
	box_host(&aim->box, 3, 3);
	box_vm(&aim->box, 0, 4, 4);
	box_vm(&aim->box, 0, 3, 3);
}

static void
each_gets_one(void **state)
{
	struct aim aim;

	(void)state;
	open_three(&aim);
	box_vm(&aim.box, 0, 1, 1);
	aim.box.vms[2].is_on = false;
	aim_make(&aim);
	expect_given(&aim, 0, 1);
	expect_given(&aim, 1, 2);
	assert_int_equal(aim.targets[2].state, HA_TARGET_NEEDLESS);
	assert_int_equal(aim.targets[2].host, NONE);
}

static void
what_is_right_stays(void **state)
{
	struct aim aim;

	(void)state;
	aim_open(&aim);
	for (uint32_t h = 0; h < 4; h++) {
		box_host(&aim.box, 100, 100);
	}
	for (uint32_t vm = 0; vm < 6; vm++) {
		box_vm(&aim.box, 0, 10, 10);
		aim.facts[vm].now = 1 + vm % 3;
	}
	box_vm(&aim.box, 0, 10, 10);
	aim_make(&aim);
	for (uint32_t vm = 0; vm < 6; vm++) {
		expect_given(&aim, vm, 1 + vm % 3);
	}
	assert_int_equal(aim.targets[6].state, HA_TARGET_GIVEN);
	/* A target that is gone, forbidden, or its own host does not stay. */
	aim.box.hosts[1].state = HA_INV_OFFLINE;
	box_allow(&aim.box, 1, 3);
	aim.facts[2].now = 0;
	aim_make(&aim);
	assert_int_not_equal(aim.targets[0].host, 1);
	expect_given(&aim, 1, 3);
	assert_int_not_equal(aim.targets[2].host, 0);
	expect_given(&aim, 5, 3);
}

static void
only_the_overrun_host_is_planned_anew(void **state)
{
	struct aim aim;

	(void)state;
	aim_open(&aim);
	box_host(&aim.box, 100, 100);
	box_host(&aim.box, 20, 20);
	box_host(&aim.box, 50, 50);
	for (uint32_t vm = 0; vm < 4; vm++) {
		box_vm(&aim.box, 0, 10, 10);
	}
	aim.facts[0].now = 1;
	aim.facts[1].now = 1;
	aim.facts[2].now = 2;
	aim.facts[3].now = 2;
	/* Somebody has come to host 1: one of its two has to go elsewhere. */
	box_vm(&aim.box, 1, 10, 10);
	aim_make(&aim);
	expect_given(&aim, 2, 2);
	expect_given(&aim, 3, 2);
	assert_int_equal(aim.targets[0].host + aim.targets[1].host, 3);
	assert_true(is_good(&aim, 0));
}

static void
who_has_no_place_is_named(void **state)
{
	struct aim aim;

	(void)state;
	open_three(&aim);
	box_vm(&aim.box, 0, 3, 3);
	aim.facts[2].now = 1;
	aim_make(&aim);
	uint32_t homeless = 0;
	for (uint32_t vm = 0; vm < 3; vm++) {
		homeless += aim.targets[vm].state == HA_TARGET_HOMELESS;
	}
	assert_int_equal(homeless, 1);
	/* Good by itself: it stays, for want of a better one. */
	box_allow(&aim.box, 2, 0);
	box_allow(&aim.box, 2, 1);
	box_allow(&aim.box, 0, 1);
	box_allow(&aim.box, 1, 2);
	aim.box.demand[2].cpu_mhz = 11;
	aim_make(&aim);
	expect_given(&aim, 0, 1);
	expect_given(&aim, 1, 2);
	assert_int_equal(aim.targets[2].state, HA_TARGET_HOMELESS);
	assert_int_equal(aim.targets[2].host, 1);
	assert_false(aim.targets[2].is_conservative);
}

static void
what_is_wrong_as_it_stands_hinders_nobody(void **state)
{
	struct aim aim;

	(void)state;
	open_three(&aim);
	/* Host 2 holds more than it has; two that must part share it. */
	box_vm(&aim.box, 2, 5, 5);
	box_vm(&aim.box, 2, 1, 1);
	box_rule(&aim.box, HA_INV_SEPARATE, 2, 3);
	aim.box.hosts[0].cpu_mhz = 20;
	aim.box.hosts[0].memory_mb = 20;
	aim_make(&aim);
	expect_given(&aim, 0, 1);
	assert_int_equal(aim.targets[1].state, HA_TARGET_HOMELESS);
	aim.box.demand[1].cpu_mhz = 0;
	aim.box.demand[1].memory_mb = 0;
	aim_make(&aim);
	expect_given(&aim, 0, 1);
	assert_int_equal(aim.targets[1].state, HA_TARGET_GIVEN);
	assert_int_equal(aim.targets[2].state, HA_TARGET_GIVEN);
	assert_int_equal(aim.targets[3].state, HA_TARGET_GIVEN);
}

static void
who_is_down_keeps_its_target_or_gets_one(void **state)
{
	struct aim aim;

	(void)state;
	open_three(&aim);
	aim.box.vms[0].host = NONE;
	aim.facts[0].now = 1;
	aim.facts[0].is_down = true;
	aim_make(&aim);
	expect_given(&aim, 0, 1);
	expect_given(&aim, 1, 2);
	/* Told to be on its target already. */
	aim.box.vms[0].host = 1;
	aim_make(&aim);
	expect_given(&aim, 0, 1);
	/* Its target is gone: whatever has room. */
	aim.box.hosts[1].state = HA_INV_OFFLINE;
	aim_make(&aim);
	expect_given(&aim, 0, 0);
	/* Of a host that has died, nobody said anything. */
	aim.facts[0] = (struct ha_target_fact){ .now = NONE };
	aim_make(&aim);
	expect_given(&aim, 0, 0);
	aim.box.demand[0].memory_mb = 11;
	aim_make(&aim);
	assert_int_equal(aim.targets[0].state, HA_TARGET_HOMELESS);
	/* The others are planned without it. */
	expect_given(&aim, 1, 2);
}

/* As long as its host is away: also a place that nobody would choose anew. */
static void
who_leaves_keeps_the_place_that_was_chosen(void **state)
{
	struct aim aim;

	(void)state;
	open_three(&aim);
	aim.box.hosts[0].state = HA_INV_STANDBY;
	aim.box.vms[0].is_on = false;
	for (uint32_t place = 1; place < 3; place++) {
		aim.facts[1].now = place;
		aim_make(&aim);
		expect_given(&aim, 1, place);
	}
	/* It is there. */
	aim.box.vms[1].host = 2;
	aim_make(&aim);
	expect_given(&aim, 1, 1);
}

/* Failover hosts 2 and 3 with room for two; host 1 has room for all. */
static void
open_dedicated(struct aim *aim)
{
	aim_open(aim);
	box_host(&aim->box, 40, 40);
	box_host(&aim->box, 40, 40);
	box_host(&aim->box, 10, 10);
	box_host(&aim->box, 10, 10);
	aim->box.hosts[2].is_failover_host = true;
	aim->box.hosts[3].is_failover_host = true;
	aim->has_failover_hosts = true;
	for (uint32_t vm = 0; vm < 3; vm++) {
		box_vm(&aim->box, 0, 10, 10);
	}
}

static void
failover_hosts_first(void **state)
{
	struct aim aim;
	uint32_t there = 0;

	(void)state;
	open_dedicated(&aim);
	aim.facts[0].now = 1;
	aim_make(&aim);
	for (uint32_t vm = 0; vm < 3; vm++) {
		assert_int_equal(aim.targets[vm].state, HA_TARGET_GIVEN);
		there += aim.targets[vm].host >= 2;
	}
	assert_int_equal(there, 2);
	struct aim again = aim;
	aim_take(&again);
	aim_make(&again);
	assert_memory_equal(again.targets, aim.targets,
			    3 * sizeof(aim.targets[0]));
	/* A host with machines of its own takes none either. */
	box_vm(&aim.box, 1, 1, 1);
	aim.box.demand[2] = (struct ha_plan_demand){ 0 };
	aim_make(&aim);
	for (uint32_t vm = 0; vm < 4; vm++) {
		assert_true(aim.targets[vm].host >= 2);
	}
	/* Not of that policy: no difference between them. */
	aim.has_failover_hosts = false;
	aim.facts[0].now = 1;
	aim_make(&aim);
	expect_given(&aim, 0, 1);
}

static void
of_a_failover_host_nothing_is_promised(void **state)
{
	struct aim aim;

	(void)state;
	open_dedicated(&aim);
	box_vm(&aim.box, 3, 50, 50);
	aim_make(&aim);
	assert_int_equal(aim.targets[3].state, HA_TARGET_NEEDLESS);
	aim.box.demand[3] = (struct ha_plan_demand){ 10, 10 };
	aim_make(&aim);
	expect_given(&aim, 3, 2);
}

/* Of a host in standby; the same of the other kind of maintenance. */
static void
failover_hosts_are_not_for_evacuation(void **state)
{
	static const enum ha_inv_state STATES[] = { HA_INV_STANDBY,
						    HA_INV_MAINTENANCE };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct aim aim;

		open_dedicated(&aim);
		aim.box.hosts[0].state = STATES[i];
		aim.facts[0].now = 2;
		aim_make(&aim);
		for (uint32_t vm = 0; vm < 3; vm++) {
			expect_given(&aim, vm, 1);
		}
		aim_take(&aim);
		aim_make(&aim);
		expect_given(&aim, 2, 1);
		/* Rather there than nowhere. */
		aim.box.hosts[1].memory_mb = 20;
		aim_make(&aim);
		uint32_t there = 0;
		for (uint32_t vm = 0; vm < 3; vm++) {
			assert_int_equal(aim.targets[vm].state,
					 HA_TARGET_GIVEN);
			there += aim.targets[vm].host >= 2;
		}
		assert_int_equal(there, 1);
		/* That host dies. */
		aim.box.hosts[0].state = HA_INV_OFFLINE;
		aim_make(&aim);
		there = 0;
		for (uint32_t vm = 0; vm < 3; vm++) {
			there += aim.targets[vm].host >= 2;
		}
		assert_int_equal(there, 2);
	}
}

static void
at_the_bound_it_is_told(void **state)
{
	struct aim aim;

	(void)state;
	open_three(&aim);
	struct ha_targets_question question = {
		.inv = &aim.box.inv,
		.demand = aim.box.demand,
		.facts = aim.facts,
		.set_steps = 1,
		.host_steps = 1,
	};
	void *work = malloc(ha_targets_work_bytes(&question));

	assert_non_null(work);
	ha_targets_make(&question, work, aim.targets);
	for (uint32_t vm = 0; vm < 2; vm++) {
		assert_int_equal(aim.targets[vm].state, HA_TARGET_HOMELESS);
		assert_true(aim.targets[vm].is_conservative);
	}
	free(work);
}

/* ---- random clusters ------------------------------------------------------ */

static void
roll_cluster(struct aim *aim)
{
	aim_open(aim);
	for (uint32_t h = 3 + roll(4); h > 0; h--) {
		box_host(&aim->box, 20 + roll(20), 20 + roll(20));
	}
	for (uint32_t n = 4 + roll(16); n > 0; n--) {
		uint32_t vm = box_vm(&aim->box, roll(aim->box.inv.n_hosts),
				     1 + roll(8), 1 + roll(8));
		for (uint32_t h = 0, is_pinned = roll(8) == 0;
		     is_pinned && h < aim->box.inv.n_hosts; h++) {
			if (h == aim->box.vms[vm].host || roll(2) == 0) {
				box_allow(&aim->box, vm, h);
			}
		}
		aim->facts[vm].now =
			roll(3) == 0 ? NONE : roll(aim->box.inv.n_hosts);
	}
	for (uint32_t n = roll(BOX_RULES); n > 0; n--) {
		uint32_t a = roll(aim->box.inv.n_vms);
		uint32_t b = roll(aim->box.inv.n_vms);
		bool is_same = aim->box.vms[a].host == aim->box.vms[b].host;
		if (a != b) {
			box_rule(&aim->box,
				 is_same ? HA_INV_TOGETHER : HA_INV_SEPARATE, a,
				 b);
		}
	}
}

/* Whether the planner has places for that host's machines. */
static bool
is_placeable(const struct aim *aim, uint32_t host)
{
	struct box box = aim->box;

	box.inv.hosts = box.hosts;
	box.question.inv = &box.inv;
	box.question.spares_failover_hosts = true;
	for (uint32_t h = 0; h < box.inv.n_hosts; h++) {
		box.hosts[h].is_failover_host = h != host;
	}
	return box_prove(&box).verdict == HA_PLAN_YES;
}

static uint32_t
count_homeless(const struct aim *aim, uint32_t host)
{
	uint32_t n = 0;

	for (uint32_t vm = 0; vm < aim->box.inv.n_vms; vm++) {
		n += aim->box.vms[vm].host == host &&
		     aim->targets[vm].state == HA_TARGET_HOMELESS;
	}
	return n;
}

static void
random_clusters(void **state)
{
	struct aim aim;
	struct aim again;
	uint32_t n_yes = 0;
	uint32_t n_no = 0;

	(void)state;
	dice_seed = 7;
	for (uint32_t i = 0; i < RANDOM_CLUSTERS; i++) {
		roll_cluster(&aim);
		aim_make(&aim);
		for (uint32_t h = 0; h < aim.box.inv.n_hosts; h++) {
			if (is_placeable(&aim, h)) {
				n_yes++;
				assert_int_equal(count_homeless(&aim, h), 0);
				assert_true(is_good(&aim, h));
			} else if (count_homeless(&aim, h) > 0) {
				n_no++;
			}
		}
		again = aim;
		aim_make_in_steps(&again);
		for (uint32_t vm = 0; vm < aim.box.inv.n_vms; vm++) {
			assert_int_equal(again.targets[vm].host,
					 aim.targets[vm].host);
			assert_int_equal(again.targets[vm].state,
					 aim.targets[vm].state);
		}
		aim_take(&again);
		aim_make(&again);
		for (uint32_t vm = 0; vm < aim.box.inv.n_vms; vm++) {
			if (aim.targets[vm].state == HA_TARGET_GIVEN &&
			    count_homeless(&aim, aim.box.vms[vm].host) == 0) {
				expect_given(&again, vm, aim.targets[vm].host);
			}
		}
	}
	assert_true(n_yes > RANDOM_CLUSTERS);
	assert_true(n_no > RANDOM_CLUSTERS / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_gets_one),
		cmocka_unit_test(what_is_right_stays),
		cmocka_unit_test(only_the_overrun_host_is_planned_anew),
		cmocka_unit_test(who_has_no_place_is_named),
		cmocka_unit_test(what_is_wrong_as_it_stands_hinders_nobody),
		cmocka_unit_test(who_leaves_keeps_the_place_that_was_chosen),
		cmocka_unit_test(who_is_down_keeps_its_target_or_gets_one),
		cmocka_unit_test(failover_hosts_first),
		cmocka_unit_test(of_a_failover_host_nothing_is_promised),
		cmocka_unit_test(failover_hosts_are_not_for_evacuation),
		cmocka_unit_test(at_the_bound_it_is_told),
		cmocka_unit_test(random_clusters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
