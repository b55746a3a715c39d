/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restart order and retries while the one who counts changes: a new master, a
 * VM that some host may have for a while, copies of the CIB that are far
 * apart. Nothing of it may lose an attempt that was counted, nor let others go
 * before a VM is ready. Found by the simulator.
 */
#include "waits_scene.h"

#define LATE (T0 + 700000) /* beyond the timeout of a priority */

/* It was let go, and has come up, between two copies of the CIB. */
static void
up_between_two_looks(void **state)
{
	struct scene s = { .vms = { { .id = "db",
				      .params = PRIORITY("high")
					      PAIR("ready_delay", "60s"),
				      .past = OFF },
				    { .id = "low",
				      .params = PRIORITY("low"),
				      .past = OFF } } };

	(void)state;
	look(&s, T0);
	assert_granted(&s, "db", 1);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	s.vms[0].ticket = 1;
	s.vms[0].attempt = 1;
	comes_up(&s.vms[0]);
	look(&s, T0 + 1000);
	assert_granted(&s, "db", 1);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	look(&s, T0 + 1000 + 60000);
	assert_granted(&s, "low", 1);
	end(&s);
}

/* A new master does not know for how long it runs: it waits from now on. */
static void
new_master_waits_for_ready(void **state)
{
	struct scene s = { .vms = { { .id = "db",
				      .params = PRIORITY("high") PAIR(
					      "ready_condition", "powered-on")
					      PAIR("ready_delay", "60s"),
				      .ticket = 1,
				      .attempt = 1 },
				    { .id = "low",
				      .params = PRIORITY("low"),
				      .past = OFF } } };

	(void)state;
	comes_up(&s.vms[0]);
	look(&s, LATE);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	look(&s, LATE + 59999);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	look(&s, LATE + 60000);
	assert_granted(&s, "low", 1);
	end(&s);
}

static void
assert_held(const struct scene *s, const char *id, uint64_t attempt)
{
	assert_false(row(s, id)->verdict.is_granted);
	assert_int_equal(row(s, id)->attempt, attempt);
}

/* It had failed four times, and a host that is away may have it. */
static void
held_while_it_waits(void **state)
{
	struct scene s = { .vms = {
				   { .id = "a", .attempt = 4, .past = OFF } } };

	(void)state;
	look(&s, T0);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	s.vms[0].listed_at = "h2";
	s.vms[0].listed = "starting";
	s.is_h2_lost = true;
	look(&s, T0 + 1000);
	assert_held(&s, "a", 4);
	/* A new master meets it like this. */
	lose_memory(&s);
	look(&s, T0 + 2000);
	assert_held(&s, "a", 4);
	s.is_h2_lost = false;
	h2_dies(&s);
	look(&s, T0 + 3000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	look(&s, T0 + 2000 + 16 * 60000);
	assert_granted(&s, "a", 5);
	end(&s);
}

/* The host goes where it is being started: that attempt counts for nothing,
 * the one before it still does. */
static void
held_while_it_starts(void **state)
{
	struct scene s = { .vms = {
				   { .id = "a", .attempt = 2, .past = OFF } } };

	(void)state;
	look(&s, T0);
	look(&s, T0 + 4 * 60000);
	assert_granted(&s, "a", 3);
	s.vms[0].ticket = 1;
	s.vms[0].attempt = 3;
	s.vms[0].at = "h2";
	s.vms[0].past = STARTS;
	s.vms[0].listed_at = "h2";
	s.vms[0].listed = "starting";
	look(&s, T0 + 241000);
	assert_granted(&s, "a", 3);
	s.is_h2_lost = true;
	look(&s, T0 + 242000);
	assert_held(&s, "a", 2);
	s.is_h2_lost = false;
	h2_dies(&s);
	look(&s, T0 + 250000);
	assert_granted(&s, "a", 3);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_between_two_looks),
		cmocka_unit_test(new_master_waits_for_ready),
		cmocka_unit_test(held_while_it_waits),
		cmocka_unit_test(held_while_it_starts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
