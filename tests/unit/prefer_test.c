/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The score of a target: each rule with the last value before and the first at
 * its boundary, and random scores: a running machine never has a reason to
 * move, and who "wins" has the highest sum once its host is gone.
 */
#include "plan_box.h"
#include "roll.h"

#include "ha/prefer.h"

#define ROUNDS 20000u

static struct box box;
static int scores[BOX_HOSTS];
static struct ha_prefer_facts facts;

/* Four hosts; one machine on the first, or nowhere. */
static void
open_box(uint32_t host)
{
	box_open(&box, 1);
	for (uint32_t h = 0; h < 4; h++) {
		static const char *const NAMES[] = { "h0", "h1", "h2", "h3" };

		box_host(&box, 10, 10);
		box.hosts[h].name = NAMES[h];
	}
	box_vm(&box, host, 1, 1);
	box.vms[0].name = "web1";
	memset(scores, 0, sizeof(scores));
	facts = (struct ha_prefer_facts){ .stickiness = 1000,
					  .scores = scores };
}

static struct ha_prefer_verdict
judge(uint32_t target)
{
	struct ha_prefer_verdict verdict;

	ha_prefer_judge(&box.inv, 0, target, &facts, &verdict);
	return verdict;
}

static void
expect(uint32_t target, int score, enum ha_prefer_why why)
{
	struct ha_prefer_verdict verdict = judge(target);

	assert_int_equal(verdict.score, score);
	assert_int_equal(verdict.why, why);
}

static void
below_stickiness(void **state)
{
	(void)state;
	open_box(0);
	expect(1, 90, HA_PREFER_WINS);
	facts.stickiness = 91;
	expect(1, 90, HA_PREFER_WINS);
	facts.stickiness = 90;
	expect(1, 89, HA_PREFER_WINS);
	facts.stickiness = 2;
	expect(1, 1, HA_PREFER_WINS);
	facts.stickiness = 1;
	expect(1, 0, HA_PREFER_NOT_STICKY);
	facts.stickiness = 0;
	expect(1, 0, HA_PREFER_NOT_STICKY);
	facts.stickiness = -5;
	expect(1, 0, HA_PREFER_NOT_STICKY);
	facts.stickiness = HA_PREFER_INFINITY;
	facts.scores = NULL;
	expect(1, 90, HA_PREFER_WINS);
}

static void
who_is_down_has_nothing_to_stick_to(void **state)
{
	(void)state;
	open_box(HA_INV_NONE);
	facts.stickiness = 0;
	expect(1, 90, HA_PREFER_WINS);
	open_box(0);
	facts.stickiness = 0;
	box.hosts[0].state = HA_INV_OFFLINE;
	expect(1, 90, HA_PREFER_WINS);
	open_box(0);
	facts.stickiness = 0;
	facts.is_down = true;
	expect(1, 90, HA_PREFER_WINS);
	/* Where it is already, nothing moves. */
	open_box(1);
	facts.stickiness = 0;
	expect(1, 90, HA_PREFER_WINS);
}

static void
who_stays_on_a_host_in_maintenance_does_not_move_after_it(void **state)
{
	(void)state;
	open_box(0);
	facts.stickiness = 50;
	box.hosts[0].state = HA_INV_MAINTENANCE;
	expect(1, 49, HA_PREFER_WINS);
}

static void
scores_of_the_user_count(void **state)
{
	(void)state;
	open_box(0);
	scores[1] = 950;
	expect(1, 49, HA_PREFER_WINS);
	scores[1] = 998;
	expect(1, 1, HA_PREFER_WINS);
	scores[1] = 999;
	expect(1, 0, HA_PREFER_WINS); /* of itself */
	scores[2] = 999;
	expect(1, 0, HA_PREFER_NOT_STICKY);
	open_box(0);
	scores[0] = -950;
	expect(1, 49, HA_PREFER_WINS);
	scores[0] = HA_PREFER_INFINITY;
	scores[1] = 999950;
	expect(1, 49, HA_PREFER_WINS);
}

static void
another_host_may_win(void **state)
{
	struct ha_prefer_verdict verdict;
	struct ha_err text;

	(void)state;
	open_box(0);
	scores[2] = 89;
	expect(1, 90, HA_PREFER_WINS);
	scores[2] = 90;
	expect(1, 90, HA_PREFER_OUTBID);
	verdict = judge(1);
	assert_int_equal(verdict.rival, 2);
	ha_prefer_text(&box.inv, 0, 1, &facts, &verdict, &text);
	assert_non_null(strstr(text.text, "web1"));
	assert_non_null(strstr(text.text, "want h2 more"));
	/* Where it can't go it does not count. */
	box_allow(&box, 0, 0);
	box_allow(&box, 0, 1);
	expect(1, 90, HA_PREFER_WINS);
	box.vms[0].has_allowed = false;
	box.hosts[2].state = HA_INV_STANDBY;
	expect(1, 90, HA_PREFER_WINS);
}

static void
without_a_word_there_is_a_sentence(void **state)
{
	struct ha_prefer_verdict verdict;
	struct ha_err text;

	(void)state;
	open_box(0);
	verdict = judge(1);
	ha_prefer_text(&box.inv, 0, 1, &facts, &verdict, &text);
	assert_string_equal(text.text, "");
	facts.stickiness = 0;
	verdict = judge(1);
	ha_prefer_text(&box.inv, 0, 1, &facts, &verdict, &text);
	assert_non_null(strstr(text.text, "resource-stickiness is 0"));
	assert_non_null(strstr(text.text, "resource-stickiness=100"));
	/* Its user's own score there counts, too; with what is said it wins. */
	scores[0] = 20;
	scores[1] = scores[2] = 500;
	verdict = judge(1);
	ha_prefer_text(&box.inv, 0, 1, &facts, &verdict, &text);
	assert_non_null(strstr(text.text, "resource-stickiness=571"));
	facts.stickiness = 571;
	expect(1, 90, HA_PREFER_WINS);
	open_box(0);
	facts.stickiness = 1000;
	facts.has_wishes = true;
	expect(1, 0, HA_PREFER_UNKNOWN);
	verdict = judge(1);
	ha_prefer_text(&box.inv, 0, 1, &facts, &verdict, &text);
	assert_non_null(strstr(text.text, "finite score"));
}

static void
only_what_differs_is_wanted(void **state)
{
	struct ha_prefer_constraint stands = { .host = HA_INV_NONE };
	struct ha_prefer_constraint wanted;
	struct ha_prefer_verdict verdict;
	struct ha_target target = { .host = 1, .state = HA_TARGET_GIVEN };

	(void)state;
	open_box(0);
	assert_true(ha_prefer_wanted(&box.inv, 0, &target, &facts, &stands,
				     &wanted, &verdict));
	assert_true(wanted.is_there);
	assert_int_equal(wanted.host, 1);
	assert_int_equal(wanted.score, 90);
	stands = wanted;
	assert_false(ha_prefer_wanted(&box.inv, 0, &target, &facts, &stands,
				      &wanted, &verdict));
	stands.score = 89;
	assert_true(ha_prefer_wanted(&box.inv, 0, &target, &facts, &stands,
				     &wanted, &verdict));
	stands.host = 2;
	assert_true(ha_prefer_wanted(&box.inv, 0, &target, &facts, &stands,
				     &wanted, &verdict));
	/* Without a target it says nothing any more. */
	target = (struct ha_target){ .host = HA_INV_NONE,
				     .state = HA_TARGET_HOMELESS };
	assert_true(ha_prefer_wanted(&box.inv, 0, &target, &facts, &stands,
				     &wanted, &verdict));
	assert_int_equal(wanted.host, 2);
	assert_int_equal(wanted.score, 0);
	/* Nor where the one that stood is the best that is known. */
	target.host = stands.host;
	assert_true(ha_prefer_wanted(&box.inv, 0, &target, &facts, &stands,
				     &wanted, &verdict));
	assert_int_equal(wanted.host, 2);
	assert_int_equal(wanted.score, 0);
	target.host = HA_INV_NONE;
	/* Nor does it permit what its user does not any more. */
	box.vms[0].has_allowed = true;
	assert_true(ha_prefer_wanted(&box.inv, 0, &target, &facts, &stands,
				     &wanted, &verdict));
	assert_int_equal(wanted.host, 0);
	assert_int_equal(wanted.score, 0);
	box.vms[0].has_allowed = false;
	box.vms[0].is_on = false;
	assert_false(ha_prefer_wanted(&box.inv, 0, &target, &facts, &stands,
				      &wanted, &verdict));
	stands.is_there = false;
	stands.score = 0;
	box.vms[0].is_on = true;
	assert_false(ha_prefer_wanted(&box.inv, 0, &target, &facts, &stands,
				      &wanted, &verdict));
}

/* vm0 depends on vm1, both on vm2; vm0 and vm1 have the same target. */
static void
those_apart_do_not_undo_one_another(void **state)
{
	struct ha_prefer_facts all[3] = { { .stickiness = 1000 },
					  { .stickiness = 1000 },
					  { .stickiness = 1000 } };
	struct ha_target targets[3] = { { .host = 3 },
					{ .host = 3 },
					{ .host = 0 } };
	struct ha_prefer_verdict verdict;
	struct ha_err text;
	int below[BOX_HOSTS] = { 0, 7, -5, 60 };

	(void)state;
	open_box(0);
	box_vm(&box, 1, 1, 1);
	box_vm(&box, 2, 1, 1);
	box.vms[1].name = "web2";
	uint32_t rule = box_rule(&box, HA_INV_SEPARATE, 0, 1);
	box.members[rule][2] = 2;
	box.rules[rule].n_vms = 3;
	ha_prefer_part(&box.inv, targets, all);
	ha_prefer_judge(&box.inv, 2, 0, &all[2], &verdict);
	assert_int_equal(verdict.score, 90);
	ha_prefer_judge(&box.inv, 1, 3, &all[1], &verdict);
	assert_int_equal(verdict.score, 44);
	assert_int_equal(all[1].lost_there, 21);
	assert_int_equal(verdict.why, HA_PREFER_WINS);
	ha_prefer_judge(&box.inv, 0, 3, &all[0], &verdict);
	assert_int_equal(verdict.score, 21);
	assert_int_equal(all[0].lost_there, 0);
	/* What the user gives the one, the other loses; less than 0 does not
	 * count. */
	all[0].scores = below;
	ha_prefer_part(&box.inv, targets, all);
	assert_int_equal(all[1].lost_here, 7);
	assert_int_equal(all[1].lost_there, 81);
	assert_int_equal(all[2].lost_here, 0);
	ha_prefer_judge(&box.inv, 1, 3, &all[1], &verdict);
	assert_int_equal(verdict.why, HA_PREFER_CROWDED);
	ha_prefer_text(&box.inv, 1, 3, &all[1], &verdict, &text);
	assert_non_null(strstr(text.text, "web2"));
	all[1].stickiness = 50;
	ha_prefer_judge(&box.inv, 1, 3, &all[1], &verdict);
	assert_int_equal(verdict.score, 50 - 7 - 1);
	/* A wish is none of it. */
	box.rules[rule].is_mandatory = false;
	ha_prefer_part(&box.inv, targets, all);
	assert_int_equal(all[0].rank + all[1].rank, 0);
	assert_int_equal(all[1].lost_there, 0);
}

static void
never_a_reason_to_move(void **state)
{
	uint32_t n_wins = 0;

	(void)state;
	dice_seed = 3;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct ha_prefer_verdict verdict;
		int best = -1000;

		open_box(0);
		facts.stickiness = (int)roll(200);
		for (uint32_t h = 0; h < 4; h++) {
			scores[h] = roll(3) == 0 ? (int)roll(200) - 100 : 0;
		}
		verdict = judge(1);
		assert_in_range(verdict.score, 0, HA_PREFER_MAX);
		if (verdict.score > 0) {
			assert_true(facts.stickiness + scores[0] >
				    scores[1] + verdict.score);
		}
		for (uint32_t h = 2; h < 4; h++) {
			best = scores[h] > best ? scores[h] : best;
		}
		assert_int_equal(verdict.why == HA_PREFER_WINS,
				 scores[1] + verdict.score > best);
		n_wins += verdict.why == HA_PREFER_WINS;
	}
	assert_in_range(n_wins, ROUNDS / 4, ROUNDS - ROUNDS / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(below_stickiness),
		cmocka_unit_test(who_is_down_has_nothing_to_stick_to),
		cmocka_unit_test(
			who_stays_on_a_host_in_maintenance_does_not_move_after_it),
		cmocka_unit_test(scores_of_the_user_count),
		cmocka_unit_test(another_host_may_win),
		cmocka_unit_test(without_a_word_there_is_a_sentence),
		cmocka_unit_test(only_what_differs_is_wanted),
		cmocka_unit_test(those_apart_do_not_undo_one_another),
		cmocka_unit_test(never_a_reason_to_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
