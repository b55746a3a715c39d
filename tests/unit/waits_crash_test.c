/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain: a VM that crashes again and again on a host that lives,
 * as a story on a virtual clock: from its monitors that fail to a ticket that
 * waits, as its host's manager, the others and a new one see it.
 */
#include "waits_scene.h"

#define MIN_MS 60000u
#define ENDED(call, stop) DIED(call) OP("x_stop_0", "stop", stop, "0", "0")
#define AGAIN(call, start) DIED(call) OP("x_start_0", "start", start, "0", "0")
#define PROBED OP("x_monitor_0", "monitor", "90", "7", "0")

/* As the manager of its host judges it when its agent says that it has ended;
 * true: its ticket is to be revoked now. */
static bool
ends(struct scene *s, uint64_t now_ms)
{
	struct fdm_row *one = &g_array_index(s->rows, struct fdm_row, 0);

	s->restart->ending = "a";
	one->is_listed_here = false;
	one->verdict.is_granted = true;
	one->verdict.why = HA_TICKET_FREE;
	fdm_restart_judge(s->restart, s->facts, &s->snap, s->rows, now_ms);
	s->restart->ending = NULL;
	return one->waits;
}

/* It runs, has crashed once and was restarted at once. */
static void
crash_once(struct scene *s)
{
	look(s, T0);
	assert_granted(s, "a", 0);
	s->vms[0].past = DIED("20");
	look(s, T0 + 1000);
	assert_int_equal(fdm_crash_state(s->restart, "a"), FDM_CRASH_NONE);
	assert_granted(s, "a", 1);
	assert_false(ends(s, T0 + 1000));
	s->vms[0].attempt = 1;
	s->vms[0].is_crash = true;
	s->vms[0].past = AGAIN("20", "22");
	look(s, T0 + 2000);
	assert_granted(s, "a", 1);
	assert_true(row(s, "a")->is_crash);
	assert_false(fdm_ticket_differs(row(s, "a"), 1));
}

/* Then it crashes again, and its ticket is revoked. */
static void
crash_twice(struct scene *s)
{
	crash_once(s);
	s->vms[0].past = DIED("30");
	look(s, T0 + 10000);
	/* Only its stop's end may revoke: the plan is under way. */
	assert_false(row(s, "a")->waits);
	assert_int_equal(fdm_crash_state(s->restart, "a"), FDM_CRASH_DOWN);
	assert_true(ends(s, T0 + 10000));
	assert_waits(s, "a", HA_RESTART_WAITS_RETRY);
	assert_int_equal(row(s, "a")->attempt, 1);
	assert_int_equal(row(s, "a")->not_before_s, 120);
	s->vms[0].ticket = 0;
	s->vms[0].reason = "waits-for-retry";
}

static void
the_first_restart_is_at_once(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	crash_once(&s);
	/* Well for long enough: the next one is a first one again. */
	look(&s, T0 + 2000 + HA_RESTART_FORGET_MS - 1);
	assert_granted(&s, "a", 1);
	look(&s, T0 + 2000 + HA_RESTART_FORGET_MS);
	assert_granted(&s, "a", 0);
	s.vms[0].attempt = 0;
	s.vms[0].is_crash = false;
	s.vms[0].past = DIED("30");
	look(&s, T0 + 2 * HA_RESTART_FORGET_MS);
	assert_false(ends(&s, T0 + 2 * HA_RESTART_FORGET_MS));
	assert_granted(&s, "a", 1);
	end(&s);
}

static void
the_next_one_waits(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	crash_twice(&s);
	/* Its entry is read late: a ticket must not be granted for it. */
	s.vms[0].past = ENDED("30", "31");
	look(&s, T0 + 10500);
	assert_true(row(&s, "a")->is_listed_here);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_false(fdm_ticket_differs(row(&s, "a"), 1));
	s.vms[0].listed = NULL;
	look(&s, T0 + 11000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_text(&s, "a", T0 + 11000, "crashed again after attempt 1 of 5");
	look(&s, T0 + 10000 + 2 * MIN_MS - 1);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_false(row(&s, "a")->wants_cleanup);
	look(&s, T0 + 10000 + 2 * MIN_MS);
	assert_true(row(&s, "a")->wants_cleanup);
	s.vms[0].past = PROBED;
	look(&s, T0 + 11000 + 2 * MIN_MS);
	assert_granted(&s, "a", 2);
	assert_true(row(&s, "a")->is_crash);
	end(&s);
}

/* Each wait by its place in the schedule, and then no more. */
static void
the_whole_schedule(void **state)
{
	static const uint64_t WAITS_MIN[] = { 2, 4, 8, 16 };
	struct scene s = { .vms = { ON_H1 } };
	uint64_t at_ms = T0 + 10000;

	(void)state;
	crash_twice(&s);
	for (size_t i = 0; i < N_ELEMENTS(WAITS_MIN); i++) {
		s.vms[0].listed = NULL;
		/* Forgotten by Pacemaker; nobody has cleaned up. */
		s.vms[0].past = OFF;
		look(&s, at_ms + WAITS_MIN[i] * MIN_MS - 1);
		assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
		at_ms += WAITS_MIN[i] * MIN_MS;
		look(&s, at_ms);
		assert_granted(&s, "a", (int)i + 2);
		s.vms[0].ticket = 1;
		s.vms[0].attempt = (int)i + 2;
		look(&s, at_ms + 100);
		s.vms[0].past = UP;
		s.vms[0].listed = "running";
		look(&s, at_ms + 1000);
		assert_granted(&s, "a", (int)i + 2);
		at_ms += 10000;
		s.vms[0].past = DIED("40");
		look(&s, at_ms);
		assert_true(ends(&s, at_ms));
		s.vms[0].ticket = 0;
	}
	assert_waits(&s, "a", HA_RESTART_GIVEN_UP);
	assert_text(&s, "a", at_ms, "crashed again after all of 5 attempts");
	assert_text(&s, "a", at_ms, "vmha vm start a");
	s.vms[0].listed = NULL;
	s.vms[0].past = ENDED("40", "41");
	look(&s, at_ms + 24 * 60 * MIN_MS);
	assert_waits(&s, "a", HA_RESTART_GIVEN_UP);
	/* By its user's word. */
	s.vms[0].reason = FDM_REASON_CALLED;
	look(&s, at_ms + 24 * 60 * MIN_MS + 1000);
	assert_true(row(&s, "a")->wants_cleanup);
	assert_int_equal(row(&s, "a")->attempt, 0);
	s.vms[0].reason = NULL;
	s.vms[0].past = PROBED;
	look(&s, at_ms + 24 * 60 * MIN_MS + 2000);
	assert_granted(&s, "a", 0);
	end(&s);
}

/* State stands in the ticket. */
static void
a_new_master_goes_on(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	crash_once(&s);
	lose_memory(&s);
	look(&s, T0 + 5000);
	assert_granted(&s, "a", 1);
	s.vms[0].past = DIED("30");
	look(&s, T0 + 10000);
	assert_true(ends(&s, T0 + 10000));
	assert_int_equal(row(&s, "a")->attempt, 1);
	/* It begins while the stop is under way. */
	lose_memory(&s);
	look(&s, T0 + 10100);
	assert_int_equal(fdm_crash_state(s.restart, "a"), FDM_CRASH_DOWN);
	assert_true(ends(&s, T0 + 10100));
	/* And while it waits. */
	s.vms[0].ticket = 0;
	s.vms[0].listed = NULL;
	s.vms[0].past = ENDED("30", "31");
	lose_memory(&s);
	look(&s, T0 + 20000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_text(&s, "a", T0 + 20000, "crashed again");
	look(&s, T0 + 20000 + 2 * MIN_MS);
	assert_true(row(&s, "a")->wants_cleanup);
	end(&s);
}

/* crm resource cleanup: at once, and anew. failure-timeout is no such word. */
static void
a_cleanup_begins_anew(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	crash_twice(&s);
	s.vms[0].listed = NULL;
	s.vms[0].past = ENDED("30", "31");
	look(&s, T0 + 11000);
	s.vms[0].past = OFF;
	look(&s, T0 + 12000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	s.vms[0].past = ENDED("30", "31");
	look(&s, T0 + 13000);
	s.vms[0].past = PROBED;
	look(&s, T0 + 14000);
	assert_granted(&s, "a", 0);
	end(&s);
}

/* Of one that runs since a death: others may wait until it is ready. */
static void
a_cleanup_takes_no_attempt_of_a_death(void **state)
{
	struct scene s = { .vms = { ON_H2("a", PRIORITY("high")),
				    ON_H2("b", PRIORITY("low")) } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	s.vms[0].attempt = 1;
	comes_up(&s.vms[0]);
	s.vms[0].past = AGAIN("3", "5");
	look(&s, T0 + 2000);
	assert_granted(&s, "a", 1);
	s.vms[0].past = MONITOR("x_monitor_10000", "91", "0", "1020");
	look(&s, T0 + 3000);
	assert_granted(&s, "a", 1);
	end(&s);
}

/* Pacemaker has restarted it once: it goes on, in the schedule. */
static void
a_disabled_one_waits_too(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	s.vms[0].params = PRIORITY("disabled");
	crash_twice(&s);
	s.vms[0].listed = NULL;
	s.vms[0].past = ENDED("30", "31");
	look(&s, T0 + 11000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	lose_memory(&s);
	look(&s, T0 + 12000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	look(&s, T0 + 12000 + 2 * MIN_MS);
	assert_true(row(&s, "a")->wants_cleanup);
	s.vms[0].past = PROBED;
	look(&s, T0 + 13000 + 2 * MIN_MS);
	assert_granted(&s, "a", 2);
	end(&s);
}

static void
what_its_user_starts_is_no_crash(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	crash_twice(&s);
	s.vms[0].listed = NULL;
	s.vms[0].past = ENDED("30", "31");
	s.vms[0].role = "Stopped";
	look(&s, T0 + 11000);
	s.vms[0].role = NULL;
	look(&s, T0 + 12000);
	s.vms[0].past = PROBED;
	look(&s, T0 + 13000);
	assert_granted(&s, "a", 0);
	end(&s);
}

/* Without the word of its agent Pacemaker restarts it; it counts all the same. */
static void
nobody_was_asked(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	crash_once(&s);
	s.vms[0].past = DIED("30");
	look(&s, T0 + 10000);
	s.vms[0].past = AGAIN("30", "33");
	look(&s, T0 + 11000);
	assert_granted(&s, "a", 2);
	/* Over before anybody has looked. */
	s.vms[0].past = AGAIN("40", "43");
	look(&s, T0 + 20000);
	assert_granted(&s, "a", 3);
	end(&s);
}

/* A death of its host is no crash, and neither is a move. */
static void
what_is_no_crash(void **state)
{
	struct scene s = { .vms = { ON_H1, ON_H2("b", "") } };

	(void)state;
	look(&s, T0);
	s.vms[0].past = OFF;
	look(&s, T0 + 1000);
	assert_int_equal(fdm_crash_state(s.restart, "a"), FDM_CRASH_UP);
	assert_false(ends(&s, T0 + 1000));
	s.vms[0].listed = NULL;
	look(&s, T0 + 2000);
	s.vms[0].past = UP;
	s.vms[0].listed = "running";
	look(&s, T0 + 3000);
	assert_false(row(&s, "a")->is_crash);
	assert_granted(&s, "a", 0);
	h2_dies(&s);
	look(&s, T0 + 4000);
	comes_up(&s.vms[1]);
	look(&s, T0 + 5000);
	assert_false(row(&s, "b")->is_crash);
	assert_granted(&s, "b", 0);
	/* The first crash after it is a first one. */
	s.vms[1].past = DIED("30");
	look(&s, T0 + 6000);
	assert_granted(&s, "b", 1);
	end(&s);
}

/* Restarted before anybody has looked. */
static void
who_came_back_is_counted(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	look(&s, T0);
	s.vms[0].past = AGAIN("20", "22");
	look(&s, T0 + 1000);
	assert_granted(&s, "a", 1);
	assert_true(row(&s, "a")->is_crash);
	/* From then on it is to run for long enough. */
	look(&s, T0 + 1000 + HA_RESTART_FORGET_MS - 1);
	assert_granted(&s, "a", 1);
	look(&s, T0 + 1000 + HA_RESTART_FORGET_MS);
	assert_granted(&s, "a", 0);
	end(&s);
}

/* The attempt after a death that has succeeded was none of a crash. */
static void
the_first_crash_after_a_death_is_a_first_one(void **state)
{
	struct scene s = { .vms = { ON_H2("a", PRIORITY("high")),
				    ON_H2("b", PRIORITY("low")) } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "a", 1);
	s.vms[0].attempt = 1;
	comes_up(&s.vms[0]);
	look(&s, T0 + 2000);
	assert_granted(&s, "a", 1);
	s.vms[0].past = DIED("30");
	look(&s, T0 + 3000);
	assert_int_equal(fdm_crash_state(s.restart, "a"), FDM_CRASH_NONE);
	assert_granted(&s, "a", 1);
	assert_true(row(&s, "a")->is_crash);
	end(&s);
}

/* What its user has stopped, or looks after himself, does not crash. */
static void
only_what_is_ours_crashes(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		s.vms[0].past = UP;
		s.vms[0].role = NULL;
		s.vms[0].is_unmanaged = false;
		look(&s, T0);
		s.vms[0].past = DIED("20");
		s.vms[0].role = i == 0 ? "Stopped" : NULL;
		s.vms[0].is_unmanaged = i == 1;
		look(&s, T0 + 1000);
		assert_false(row(&s, "a")->is_crash);
		assert_int_equal(row(&s, "a")->attempt, 0);
		s.vms[0].role = NULL;
		s.vms[0].is_unmanaged = false;
		look(&s, T0 + 2000);
		assert_false(row(&s, "a")->is_crash);
		lose_memory(&s);
	}
	end(&s);
}

/* Its stop, and the list, may take their time: it is down all the while. */
static void
a_stop_may_take_long(void **state)
{
	struct scene s = { .vms = { ON_H1 } };

	(void)state;
	crash_once(&s);
	s.vms[0].past = DIED("30");
	look(&s, T0 + 10000);
	look(&s, T0 + 11000);
	look(&s, T0 + 11000 + 2 * HA_CRASH_DELIST_MS);
	assert_int_equal(fdm_crash_state(s.restart, "a"), FDM_CRASH_DOWN);
	assert_true(ends(&s, T0 + 11000 + 2 * HA_CRASH_DELIST_MS));
	end(&s);
}

/* Its start has succeeded, and that was all: the attempt was for nothing. */
static void
a_crash_ends_its_attempt(void **state)
{
	struct scene s = { .vms = { ON_H1 } };
	uint64_t at_ms = T0 + 10000 + 2 * MIN_MS;

	(void)state;
	crash_twice(&s);
	s.vms[0].listed = NULL;
	s.vms[0].past = PROBED;
	look(&s, at_ms);
	assert_granted(&s, "a", 2);
	s.vms[0].ticket = 1;
	s.vms[0].attempt = 2;
	s.vms[0].past = STARTS;
	look(&s, at_ms + 1000);
	assert_granted(&s, "a", 2);
	s.vms[0].past = DIED("40");
	s.vms[0].listed = "running";
	look(&s, at_ms + 2000);
	assert_int_equal(fdm_crash_state(s.restart, "a"), FDM_CRASH_DOWN);
	assert_true(ends(&s, at_ms + 2000));
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_int_equal(row(&s, "a")->attempt, 2);
	assert_int_equal(row(&s, "a")->not_before_s, 240);
	/* Counted from this crash. */
	s.vms[0].ticket = 0;
	s.vms[0].listed = NULL;
	s.vms[0].past = PROBED;
	look(&s, at_ms + 2000 + 4 * MIN_MS - 1);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	look(&s, at_ms + 2000 + 4 * MIN_MS);
	assert_granted(&s, "a", 3);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_restart_is_at_once),
		cmocka_unit_test(the_next_one_waits),
		cmocka_unit_test(the_whole_schedule),
		cmocka_unit_test(a_new_master_goes_on),
		cmocka_unit_test(a_cleanup_begins_anew),
		cmocka_unit_test(a_cleanup_takes_no_attempt_of_a_death),
		cmocka_unit_test(a_disabled_one_waits_too),
		cmocka_unit_test(what_its_user_starts_is_no_crash),
		cmocka_unit_test(nobody_was_asked),
		cmocka_unit_test(what_is_no_crash),
		cmocka_unit_test(who_came_back_is_counted),
		cmocka_unit_test(the_first_crash_after_a_death_is_a_first_one),
		cmocka_unit_test(only_what_is_ours_crashes),
		cmocka_unit_test(a_stop_may_take_long),
		cmocka_unit_test(a_crash_ends_its_attempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
