/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts of attempts between two tellers: what the ticket says against what this
 * manager has counted, a host that has left against one that is dead, a crash
 * that no copy of the CIB shows in between.
 */
#include "waits_scene.h"

#define FIRST_WAIT_MS 120000u /* of the default schedule */
#define LATER (T0 + HA_RESTART_FORGET_MS)

static struct fdm_track *
track(const struct scene *s, const char *vm)
{
	return g_hash_table_lookup(s->restart->tracks, vm);
}

/* Its host has left: an old count in its ticket is no leave to start. */
static void
an_old_count_lets_nobody_go(void **state)
{
	struct scene s = { .vms = { ON_H2("low", PRIORITY("low")),
				    ON_H2("db", PRIORITY("high")) } };

	(void)state;
	s.vms[0].attempt = 1;
	look(&s, T0);
	look(&s, LATER);
	s.is_h2_away = s.is_h2_out = true;
	look(&s, LATER + 1000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	end(&s);
}

/* Nor does it shorten the next incident. */
static void
a_death_begins_with_the_first_attempt(void **state)
{
	struct scene s = { .vms = { ON_H2("a", "") } };

	(void)state;
	s.vms[0].attempt = 5;
	s.vms[0].is_crash = true;
	look(&s, T0);
	s.is_h2_lost = true;
	look(&s, T0 + 1000);
	s.is_h2_lost = false;
	h2_dies(&s);
	look(&s, T0 + 20000);
	s.vms[0].at = "h3";
	s.vms[0].past = STARTS;
	s.vms[0].listed = NULL;
	look(&s, T0 + 21000);
	s.vms[0].past = FAILED;
	look(&s, T0 + 22000);
	look(&s, T0 + 22000 + FDM_ATTEMPT_NEXT_MS);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_int_equal(row(&s, "a")->attempt, 1);
	end(&s);
}

/* Proven dead and restarted between two looks: the others wait for it. */
static void
up_elsewhere_is_no_return(void **state)
{
	struct scene s = {
		.vms = { ON_H2("low", PRIORITY("low")),
			 ON_H2("db", PRIORITY("high") PAIR("ready_condition",
							   "powered-on")
					     PAIR("ready_delay", "60s")) }
	};

	(void)state;
	look(&s, T0);
	s.is_h2_away = s.is_h2_out = true;
	look(&s, T0 + 1000);
	s.vms[0].ticket = 0;
	s.is_h2_away = s.is_h2_out = false;
	s.is_h2_dead = true;
	comes_up(&s.vms[1]);
	look(&s, T0 + 9000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	end(&s);
}

/* Each copy shows the failed monitor, and none that it was up. */
static void
crashes_that_nobody_saw_come_up(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	look(&s, T0);
	s.vms[0].past = DIED("20");
	look(&s, T0 + 1000);
	s.vms[0].past = DIED("30");
	look(&s, T0 + 3000);
	s.vms[0].past = DIED("40");
	look(&s, T0 + 5000);
	assert_int_equal(fdm_crash_state(s.restart, "a"), FDM_CRASH_DOWN);
	end(&s);
}

/* A master counts one crash more, since it began later. */
static void
crashes_that_others_count_wait_too(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	s.vms[0].attempt = 1;
	s.vms[0].is_crash = true;
	look(&s, T0);
	look(&s, LATER);
	s.vms[0].past = DIED("20");
	look(&s, LATER + 10000);
	s.vms[0].past = DIED("20") OP("x_start_0", "start", "22", "0", "0");
	s.vms[0].attempt = 2;
	look(&s, LATER + 11000);
	s.vms[0].past = DIED("30");
	look(&s, LATER + 20000);
	assert_int_equal(fdm_crash_state(s.restart, "a"), FDM_CRASH_DOWN);
	assert_true(track(&s, "a")->crash.is_counted);
	end(&s);
}

/* A manager that begins while a host leaves takes nobody for one that its user
 * starts. */
static void
disabled_stays_down_under_a_new_manager(void **state)
{
	struct scene s = { .vms = { ON_H2("x", PRIORITY("disabled")),
				    ON_H2("db", PRIORITY("high")) } };

	(void)state;
	s.is_h2_away = s.is_h2_out = true;
	look(&s, T0);
	s.is_h2_away = s.is_h2_out = false;
	s.is_h2_dead = true;
	look(&s, T0 + 8000);
	comes_up(&s.vms[1]);
	look(&s, T0 + 9000);
	assert_waits(&s, "x", HA_RESTART_IS_DISABLED);
	end(&s);
}

/* Its ticket was taken away while a start was under way, which ends later: its
 * wait counts from that failure, for a new manager too. */
static void
a_start_that_outlives_its_ticket(void **state)
{
	struct scene s = {
		.vms = { { .id = "a", .at = "h3", .past = STARTS } }
	};

	(void)state;
	s.vms[0].attempt = 1;
	s.vms[0].reason = "waits-for-priority";
	look(&s, T0);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	look(&s, T0 + 60000);
	s.vms[0].past = FAILED;
	look(&s, T0 + 61000);
	look(&s, T0 + 60000 + FIRST_WAIT_MS - 1000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_false(row(&s, "a")->wants_cleanup);
	look(&s, T0 + 61000 + FIRST_WAIT_MS);
	assert_true(row(&s, "a")->wants_cleanup);
	end(&s);
}

/* Pacemaker leaves it as it is while its ticket is away: nothing would ever end
 * a wait that began anew with each look. */
static void
a_failed_start_that_stands_ends_no_wait(void **state)
{
	struct scene s = {
		.vms = { { .id = "a", .at = "h3", .past = STARTS } }
	};

	(void)state;
	s.vms[0].attempt = 1;
	s.vms[0].reason = "waits-for-priority";
	look(&s, T0);
	s.vms[0].past = OP("x_start_0", "start", "7", "1", "0");
	look(&s, T0 + 1000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	look(&s, T0 + 2000 + FIRST_WAIT_MS);
	assert_granted(&s, "a", 2);
	end(&s);
}

/* It is being started on h3, and h2 has just listed it too, and is cut off. */
static void
begin_late_start(struct scene *s)
{
	s->vms[0] = (struct vm){ .id = "a",
				 .ticket = 1,
				 .at = "h3",
				 .past = STARTS,
				 .listed_at = "h2",
				 .listed = "starting" };
	look(s, T0);
	s->is_h2_lost = s->is_h2_held = true;
	look(s, T0 + 1000);
	assert_false(row(s, "a")->verdict.is_granted);
	assert_int_equal(row(s, "a")->attempt, 0);
	s->vms[0].ticket = 0;
	look(s, T0 + 2000);
}

static void
end_hold(struct scene *s, uint64_t now_ms)
{
	s->is_h2_lost = s->is_h2_held = false;
	h2_dies(s);
	look(s, now_ms);
}

/* It is held for h2 meanwhile: the start on h3 is an attempt all the same, its
 * wait begins with its failure, and the wait ends. */
static void
a_start_that_fails_while_held(void **state)
{
	struct scene s = { .vms = { { .id = NULL } } };

	(void)state;
	begin_late_start(&s);
	s.vms[0].past = FAILED;
	look(&s, T0 + 4000);
	assert_int_equal(row(&s, "a")->attempt, 1);
	s.vms[0].attempt = 1;
	look(&s, T0 + 6000);
	assert_int_equal(row(&s, "a")->attempt, 1);
	end_hold(&s, T0 + 7000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	look(&s, T0 + 4000 + FIRST_WAIT_MS - 1);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_false(row(&s, "a")->wants_cleanup);
	look(&s, T0 + 4000 + FIRST_WAIT_MS);
	assert_true(row(&s, "a")->wants_cleanup);
	s.vms[0].past = OFF;
	look(&s, T0 + 5000 + FIRST_WAIT_MS);
	assert_granted(&s, "a", 2);
	end(&s);
}

/* The master has died since: its ticket tells of the failure, and a whole wait
 * begins. */
static void
a_start_that_failed_while_held_before(void **state)
{
	struct scene s = { .vms = { { .id = NULL } } };

	(void)state;
	begin_late_start(&s);
	s.vms[0].past = FAILED;
	look(&s, T0 + 4000);
	s.vms[0].attempt = (int)row(&s, "a")->attempt;
	lose_memory(&s);
	look(&s, T0 + 5000);
	assert_int_equal(row(&s, "a")->attempt, 1);
	end_hold(&s, T0 + 6000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	look(&s, T0 + 5000 + FIRST_WAIT_MS);
	assert_true(row(&s, "a")->wants_cleanup);
	s.vms[0].past = OFF;
	look(&s, T0 + 6000 + FIRST_WAIT_MS);
	assert_granted(&s, "a", 2);
	end(&s);
}

/* A start that ends without a word, with its host for instance, costs no
 * attempt, and nobody waits for what will not come. */
static void
a_start_that_is_gone_while_held(void **state)
{
	struct scene s = { .vms = { { .id = NULL } } };

	(void)state;
	begin_late_start(&s);
	s.vms[0].past = OFF;
	look(&s, T0 + 4000);
	assert_int_equal(row(&s, "a")->attempt, 0);
	end_hold(&s, T0 + 7000);
	assert_granted(&s, "a", 0);
	end(&s);
}

/* Pacemaker had planned it before its ticket was taken away: that it failed is
 * an attempt, and another one must not come sooner than the schedule says. */
static void
a_start_that_nobody_let_go(void **state)
{
	struct scene s = { .vms = { { .id = "a",
				      .at = "h3",
				      .past = STARTS,
				      .reason = "waits-for-priority",
				      .params = PRIORITY("low") },
				    { .id = "db",
				      .ticket = 1,
				      .attempt = 1,
				      .past = STARTS,
				      .params = PRIORITY("high") } } };

	(void)state;
	look(&s, T0);
	assert_waits(&s, "a", HA_RESTART_WAITS_PRIORITY);
	s.vms[0].past = FAILED;
	look(&s, T0 + 3000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_int_equal(row(&s, "a")->attempt, 1);
	s.vms[0].attempt = 1;
	comes_up(&s.vms[1]);
	look(&s, T0 + 3000 + FIRST_WAIT_MS - 1);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_false(row(&s, "a")->wants_cleanup);
	look(&s, T0 + 3000 + FIRST_WAIT_MS);
	assert_true(row(&s, "a")->wants_cleanup);
	s.vms[0].past = OFF;
	look(&s, T0 + 4000 + FIRST_WAIT_MS);
	assert_granted(&s, "a", 2);
	end(&s);
}

/* What failed before is no failure of a start that was under way. */
static void
an_old_failure_while_held(void **state)
{
	struct scene s = { .vms = { { .id = "a",
				      .ticket = 1,
				      .at = "h3",
				      .past = FAILED,
				      .listed_at = "h2",
				      .listed = "running" } } };

	(void)state;
	look(&s, T0);
	s.is_h2_lost = s.is_h2_held = true;
	look(&s, T0 + 1000);
	look(&s, T0 + 2000);
	assert_int_equal(row(&s, "a")->attempt, 0);
	lose_memory(&s);
	look(&s, T0 + 3000);
	assert_int_equal(row(&s, "a")->attempt, 0);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_old_count_lets_nobody_go),
		cmocka_unit_test(a_death_begins_with_the_first_attempt),
		cmocka_unit_test(up_elsewhere_is_no_return),
		cmocka_unit_test(crashes_that_nobody_saw_come_up),
		cmocka_unit_test(crashes_that_others_count_wait_too),
		cmocka_unit_test(disabled_stays_down_under_a_new_manager),
		cmocka_unit_test(a_start_that_outlives_its_ticket),
		cmocka_unit_test(a_failed_start_that_stands_ends_no_wait),
		cmocka_unit_test(a_start_that_fails_while_held),
		cmocka_unit_test(a_start_that_failed_while_held_before),
		cmocka_unit_test(a_start_that_is_gone_while_held),
		cmocka_unit_test(a_start_that_nobody_let_go),
		cmocka_unit_test(an_old_failure_while_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
