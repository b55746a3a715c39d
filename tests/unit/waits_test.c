/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain: from history and lists to VMs that wait, as a story on a
 * virtual clock: order, attempts, and a new master that goes on.
 * The decision itself is tested in restart_test.c.
 */
#include "waits_scene.h"

/* ---- nothing is configured ------------------------------------------------ */

static void
a_death_costs_no_ticket_by_default(void **state)
{
	struct scene s = { .vms = { ON_H2("a", ""), ON_H2("b", ""),
				    ON_H2("c", "") } };

	(void)state;
	look(&s, T0);
	assert_false(s.restart->has_order);
	h2_dies(&s);
	for (int i = 0; i < 3; i++) {
		look(&s, T0 + 1000 + 100 * (uint64_t)i);
		for (guint j = 0; j < s.rows->len; j++) {
			const struct fdm_row *one =
				&g_array_index(s.rows, struct fdm_row, j);

			assert_false(one->waits);
			assert_false(fdm_ticket_differs(one, 1));
		}
	}
	comes_up(&s.vms[0]);
	look(&s, T0 + 3000);
	assert_false(fdm_ticket_differs(row(&s, "a"), 1));
	end(&s);
}

/* ---- order ------------------------------------------------------------------ */

static void
priorities(void **state)
{
	struct scene s = { .vms = { ON_H2("low", PRIORITY("low")),
				    ON_H2("db", PRIORITY("high")),
				    ON_H2("mid", "") } };

	(void)state;
	look(&s, T0);
	assert_true(s.restart->has_order);
	assert_granted(&s, "low", 0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "db", 1);
	assert_waits(&s, "mid", HA_RESTART_WAITS_PRIORITY);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	assert_true(fdm_ticket_differs(row(&s, "low"), 1));
	assert_true(fdm_ticket_differs(row(&s, "db"), 1)); /* its count */
	assert_text(&s, "low", T0 + 13000,
		    "waits for priority high: db is being started (since 12 s");
	s.vms[0].ticket = s.vms[2].ticket = 0;
	s.vms[1].attempt = 1;
	s.vms[1].at = "h3";
	s.vms[1].past = STARTS;
	look(&s, T0 + 2000);
	assert_waits(&s, "mid", HA_RESTART_WAITS_PRIORITY);
	comes_up(&s.vms[1]);
	look(&s, T0 + 3000);
	assert_granted(&s, "mid", 1);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	end(&s);
}

/* The proof of a death may be faster than Pacemaker's word of it. */
static void
the_cib_is_late(void **state)
{
	struct scene s = { .vms = { ON_H2("db", PRIORITY("high")),
				    ON_H2("low", PRIORITY("low")) } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	s.is_cib_late = true;
	look(&s, T0 + 100);
	assert_granted(&s, "db", 1);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	end(&s);
}

/* Else a master that dies in the midst of a wave would let all go. */
static void
a_new_master_keeps_the_order(void **state)
{
	struct scene s = { .vms = {
				   ON_H2("low", PRIORITY("low")),
				   ON_H2("db",
					 PRIORITY("high") PAIR(
						 "ready_condition",
						 "powered-on")
						 PAIR("ready_delay", "60s")),
			   } };

	(void)state;
	h2_dies(&s);
	s.vms[0].ticket = 0;
	s.vms[1].attempt = 1;
	comes_up(&s.vms[1]);
	look(&s, T0);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	assert_text(&s, "low", T0, "db is not ready");
	assert_text(&s, "low", T0, "at most 600 s");
	look(&s, T0 + 59000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	look(&s, T0 + 61000);
	assert_granted(&s, "low", 1);
	end(&s);
}

static void
dependencies(void **state)
{
	struct scene s = { .vms = { ON_H2("app", DEPENDS("db")),
				    ON_H2("db", "") } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "db", 1);
	assert_waits(&s, "app", HA_RESTART_WAITS_DEPENDENCY);
	assert_text(&s, "app", T0 + 1000, "waits for db, on which it depends");
	s.vms[0].ticket = 0;
	s.vms[1].attempt = 1;
	comes_up(&s.vms[1]);
	look(&s, T0 + 2000);
	assert_granted(&s, "app", 1);
	/* Its user stops what it needs. */
	s.vms[1] = (struct vm){ .id = "db", .role = "Stopped", .ticket = 1 };
	look(&s, T0 + 3000);
	assert_waits(&s, "app", HA_RESTART_WAITS_DEPENDENCY);
	assert_text(&s, "app", T0 + 3000, "Start that one");
	end(&s);
}

/* SAFETY 21, and a start that Pacemaker has begun. */
static void
what_runs_or_starts_never_waits(void **state)
{
	struct scene s = { .vms = { ON_H2("low", PRIORITY("low")),
				    ON_H2("db", PRIORITY("high")),
				    ON_H2("two", PRIORITY("low")) } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	s.vms[0].at = "h3";
	s.vms[0].past = STARTS;
	s.vms[2].past = NULL;
	s.vms[2].listed_at = "h3";
	s.vms[2].listed = "starting";
	look(&s, T0 + 1000);
	assert_granted(&s, "low", 1);
	assert_granted(&s, "two", 1);
	s.vms[0].ticket = 0; /* somebody was too late */
	comes_up(&s.vms[0]);
	look(&s, T0 + 2000);
	assert_granted(&s, "low", 1);
	end(&s);
}

/* ---- attempts --------------------------------------------------------------- */

static void
failed_starts(void **state)
{
	struct scene s = { .vms = { ON_H2("a", "") } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "a", 0);
	s.vms[0].at = "h1";
	s.vms[0].past = OP("x_start_0", "start", "8", "1", "4");
	s.vms[0].listed = NULL;
	look(&s, T0 + 1500);
	assert_false(row(&s, "a")->vm->is_up);
	assert_true(row(&s, "a")->vm->is_busy);
	s.vms[0].past = FAILED;
	look(&s, T0 + 2000);
	assert_granted(&s, "a", 0); /* Pacemaker tries the next host */
	s.vms[0].past = STARTS;
	look(&s, T0 + 4000);
	s.vms[0].past = FAILED;
	s.vms[0].past_h3 = FAILED; /* no host is left */
	look(&s, T0 + 8999);
	assert_granted(&s, "a", 0);
	look(&s, T0 + 9000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_int_equal(row(&s, "a")->attempt, 1);
	assert_int_equal(row(&s, "a")->not_before_s, 120);
	assert_text(&s, "a", T0 + 9000, "attempt 1 of 5");
	s.vms[0].ticket = 0;
	s.vms[0].attempt = 1;
	look(&s, T0 + 9000 + 119999);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_false(row(&s, "a")->wants_cleanup);
	look(&s, T0 + 9000 + 120000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_true(row(&s, "a")->wants_cleanup);
	s.vms[0].past = OFF;
	s.vms[0].past_h3 = OFF;
	look(&s, T0 + 9000 + 121000);
	assert_granted(&s, "a", 2);
	s.vms[0].ticket = 1;
	s.vms[0].attempt = 2;
	look(&s, T0 + 9000 + 122000);
	assert_granted(&s, "a", 2);
	comes_up(&s.vms[0]);
	look(&s, T0 + 9000 + 123000);
	assert_granted(&s, "a", 2);
	look(&s, T0 + 9000 + 123000 + HA_RESTART_FORGET_MS);
	assert_granted(&s, "a", 0);
	end(&s);
}

static void
a_new_master_goes_on_with_the_count(void **state)
{
	struct scene s = {
		.vms = { { .id = "a", .ticket = 0, .attempt = 4, .past = OFF } }
	};

	(void)state;
	look(&s, T0);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	look(&s, T0 + 16 * 60000 - 1);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	look(&s, T0 + 16 * 60000);
	assert_granted(&s, "a", 5);
	s.vms[0].ticket = 1;
	s.vms[0].attempt = 5;
	lose_memory(&s);
	look(&s, T0 + 16 * 60000);
	assert_granted(&s, "a", 5);
	s.vms[0].past = FAILED;
	look(&s, T0 + 17 * 60000);
	look(&s, T0 + 18 * 60000);
	assert_waits(&s, "a", HA_RESTART_GIVEN_UP);
	assert_text(&s, "a", T0, "crm resource start a");
	/* The way back. */
	s.vms[0].ticket = 0;
	s.vms[0].role = "Stopped";
	look(&s, T0 + 19 * 60000);
	assert_granted(&s, "a", 0);
	s.vms[0].ticket = 1;
	s.vms[0].attempt = 0;
	s.vms[0].past = OFF;
	s.vms[0].role = NULL;
	look(&s, T0 + 20 * 60000);
	assert_granted(&s, "a", 0);
	end(&s);
}

static void
what_is_no_attempt(void **state)
{
	struct scene s = { .vms = { ON_H2("db", PRIORITY("high")),
				    ON_H2("low", PRIORITY("low")) } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	s.vms[1].ticket = 0;
	s.vms[0].attempt = 1;
	/* Refused by heartbeatd. */
	s.vms[0].at = "h1";
	s.vms[0].past = REFUSED;
	look(&s, T0 + 2000);
	look(&s, T0 + 8999);
	assert_granted(&s, "db", 1);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	look(&s, T0 + 30000);
	assert_granted(&s, "db", 1);
	/* Nowhere to run: it holds up nobody. */
	s.vms[0].past = NULL;
	look(&s, T0 + 31000);
	assert_granted(&s, "db", 1);
	assert_granted(&s, "low", 1);
	s.vms[0].at = "h3";
	s.vms[0].past = STARTS;
	look(&s, T0 + 32000);
	assert_granted(&s, "db", 1);
	end(&s);
}

/* One that ran since it failed somewhere has not failed in this incident. */
static void
an_old_failure_is_no_attempt(void **state)
{
	struct scene s = { .vms = { ON_H2("a", "") } };
	struct vm old = { .id = "a", .ticket = 1, .past = FAILED };

	(void)state;
	old.listed_at = "h2";
	old.listed = "running";
	s.vms[0] = old;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	look(&s, T0 + 1000 + FDM_NO_ROOM_MS);
	assert_granted(&s, "a", 0);
	assert_text(&s, "a", T0, "no host can take it");
	assert_true(row(&s, "a")->wants_cleanup);
	s.vms[0].past = OP("x_last_failure_0", "start", "12", "1", "4")
		OP("x_stop_0", "stop", "13", "0", "0");
	look(&s, T0 + 20000);
	assert_false(row(&s, "a")->wants_cleanup);
	look(&s, T0 + 20000 + FDM_ATTEMPT_NEXT_MS);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	end(&s);
}

/* It once failed on both hosts that are left, before it ran on the one that
 * died. Pacemaker keeps that for ever, and would start it nowhere: it is
 * cleared, and no attempt is counted. */
static void
old_failures_keep_nothing_down(void **state)
{
	struct scene s = { .vms = { ON_H2("db", PRIORITY("high")),
				    ON_H2("low", PRIORITY("low")) } };

	(void)state;
	s.vms[0] = (struct vm){ .id = "db",
				.params = PRIORITY("high"),
				.ticket = 1,
				.past = FAILED,
				.past_h3 = FAILED,
				.listed_at = "h2",
				.listed = "running" };
	look(&s, T0);
	assert_false(row(&s, "db")->wants_cleanup);
	h2_dies(&s);
	s.vms[0].listed = NULL;
	look(&s, T0 + 1000);
	assert_granted(&s, "db", 1);
	look(&s, T0 + 1500);
	assert_true(row(&s, "db")->wants_cleanup);
	s.vms[0].attempt = 1;
	s.vms[0].past = s.vms[0].past_h3 = NULL;
	look(&s, T0 + 2000);
	assert_false(row(&s, "db")->wants_cleanup);
	assert_granted(&s, "db", 1);
	/* What fails now is this attempt's, whatever its number. */
	s.vms[0].past = s.vms[0].past_h3 = FAILED;
	look(&s, T0 + 3000);
	assert_false(row(&s, "db")->wants_cleanup);
	look(&s, T0 + 2000 + FDM_ATTEMPT_QUIET_MS);
	assert_waits(&s, "db", HA_RESTART_WAITS_RETRY);
	end(&s);
}

/* The retry is due, and what would clear the failures does not come through:
 * they are old ones then, and go on being cleared. */
static void
failures_that_stay_are_no_attempt(void **state)
{
	struct scene s = { .vms = { { .id = "a",
				      .ticket = 0,
				      .attempt = 1,
				      .past = FAILED,
				      .past_h3 = FAILED } } };
	uint64_t due_ms = T0 + 120000;

	(void)state;
	h2_dies(&s);
	look(&s, T0);
	look(&s, due_ms);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_true(row(&s, "a")->wants_cleanup);
	look(&s, due_ms + FDM_CLEANUP_MS);
	assert_granted(&s, "a", 2);
	s.vms[0].ticket = 1;
	s.vms[0].attempt = 2;
	look(&s, due_ms + FDM_CLEANUP_MS + 1000);
	look(&s, due_ms + FDM_CLEANUP_MS + 60000);
	assert_granted(&s, "a", 2);
	assert_true(row(&s, "a")->wants_cleanup);
	end(&s);
}

/* The start has failed on one host, and Pacemaker's scheduler, starved, takes
 * longer than ever to begin it on the other one: no reason to take the ticket
 * away for two minutes. */
static void
slow_scheduler_costs_no_attempt(void **state)
{
	struct scene s = { .vms = { ON_H2("a", "") } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	s.vms[0] = (struct vm){ .id = "a", .ticket = 1, .past = FAILED };
	for (uint64_t ms = 2000; ms < 1000 + FDM_ATTEMPT_NEXT_MS; ms += 1000) {
		look(&s, T0 + ms);
		assert_granted(&s, "a", 0);
	}
	s.vms[0].past_h3 = STARTS;
	look(&s, T0 + 1000 + FDM_ATTEMPT_NEXT_MS);
	assert_granted(&s, "a", 0);
	comes_up(&s.vms[0]);
	look(&s, T0 + 60000);
	assert_granted(&s, "a", 0);
	end(&s);
}

/* Pacemaker tries no other host after "not configured" (6). */
static void
wrong_configuration_fails_at_once(void **state)
{
	struct scene s = { .vms = { ON_H2("a", "") } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	s.vms[0] = (struct vm){ .id = "a",
				.ticket = 1,
				.past = OP("x_last_failure_0", "start", "8",
					   "6", "4") OFF };
	look(&s, T0 + 1000 + FDM_ATTEMPT_QUIET_MS);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	end(&s);
}

/* The copy is old: the start that failed may have been repeated since. */
static void
old_copy_condemns_no_attempt(void **state)
{
	struct scene s = { .vms = { ON_H2("a", "") } };

	(void)state;
	look(&s, T0);
	assert_false(s.restart->is_watching);
	h2_dies(&s);
	look(&s, T0 + 1000);
	s.vms[0] = (struct vm){
		.id = "a", .ticket = 1, .past = FAILED, .past_h3 = FAILED
	};
	look(&s, T0 + 2000);
	look_again(&s, T0 + 60000);
	assert_granted(&s, "a", 0);
	assert_true(s.restart->is_watching); /* so that a newer one comes */
	look(&s, T0 + 60100);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	end(&s);
}

/* While a host waits to be fenced Pacemaker starts nothing. */
static void
fencing_under_way_is_no_lack_of_room(void **state)
{
	struct scene s = { .vms = { { .id = "db",
				      .params = PRIORITY("high"),
				      .ticket = 1 },
				    { .id = "low",
				      .params = PRIORITY("low"),
				      .ticket = 0 } } };

	(void)state;
	s.is_h2_out = true;
	look(&s, T0);
	look(&s, T0 + 60000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	s.is_h2_out = false;
	look(&s, T0 + 61000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	look(&s, T0 + 60000 + FDM_NO_ROOM_MS);
	assert_granted(&s, "low", 1);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_costs_no_ticket_by_default),
		cmocka_unit_test(priorities),
		cmocka_unit_test(a_new_master_keeps_the_order),
		cmocka_unit_test(the_cib_is_late),
		cmocka_unit_test(dependencies),
		cmocka_unit_test(what_runs_or_starts_never_waits),
		cmocka_unit_test(failed_starts),
		cmocka_unit_test(a_new_master_goes_on_with_the_count),
		cmocka_unit_test(what_is_no_attempt),
		cmocka_unit_test(an_old_failure_is_no_attempt),
		cmocka_unit_test(old_failures_keep_nothing_down),
		cmocka_unit_test(failures_that_stay_are_no_attempt),
		cmocka_unit_test(slow_scheduler_costs_no_attempt),
		cmocka_unit_test(wrong_configuration_fails_at_once),
		cmocka_unit_test(old_copy_condemns_no_attempt),
		cmocka_unit_test(fencing_under_way_is_no_lack_of_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
