/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain: heartbeats that hosts tell of, and who waits for them:
 * from the node attribute to the ticket.
 */
#include "waits_scene.h"

#define READY(word) PAIR("ready_condition", word)

/* db has just been restarted on h3, low waits for it. */
static struct scene
after_a_death(const char *params)
{
	struct scene s = { .vms = { ON_H2("db", params),
				    ON_H2("low", PRIORITY("low")) } };

	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	s.vms[0].attempt = 1;
	s.vms[1].ticket = 0;
	comes_up(&s.vms[0]);
	look(&s, T0 + 2000);
	return s;
}

static void
a_guest_that_answers_lets_others_go(void **state)
{
	struct scene s =
		after_a_death(PRIORITY("high") READY("guest-heartbeat"));

	(void)state;
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	assert_text(&s, "low", T0 + 2000, "guest agent does not answer");
	look(&s, T0 + 100000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	s.told[2] = "other=3 db=4711";
	look(&s, T0 + 101000);
	assert_granted(&s, "low", 1);
	end(&s);
}

/* The delay counts from the heartbeat, not from the start. */
static void
the_delay_comes_after_it(void **state)
{
	struct scene s = after_a_death(PRIORITY("high") READY(
		"application-heartbeat") PAIR("ready_delay", "60s"));

	(void)state;
	assert_text(&s, "low", T0 + 2000, "application has not said");
	s.told[2] = "db=4711";
	look(&s, T0 + 100000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	assert_text(&s, "low", T0 + 100000, "db is not ready (");
	look(&s, T0 + 159999);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	look(&s, T0 + 160000);
	assert_granted(&s, "low", 1);
	end(&s);
}

static void
without_a_channel_the_timeout_ends_it(void **state)
{
	struct scene s =
		after_a_death(PRIORITY("high") READY("guest-heartbeat"));

	(void)state;
	s.told[2] = "db=no-channel";
	look(&s, T0 + 3000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	assert_text(&s, "low", T0 + 3000,
		    "has no channel org.qemu.guest_agent.0");
	look(&s, T0 + 600000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	look(&s, T0 + 601001);
	assert_granted(&s, "low", 1);
	end(&s);
}

/* It crashed, and runs again on the same host before that host has told that
 * it is gone: the mark is still the old one's. */
static void
an_old_heartbeat_is_none(void **state)
{
	struct scene s = { .vms = { ON_H2("db", READY("guest-heartbeat")),
				    ON_H2("app", DEPENDS("db")) } };

	(void)state;
	s.told[1] = "db=1";
	look(&s, T0);
	s.vms[0].past = OFF;
	s.vms[0].listed = s.vms[1].listed = NULL;
	s.vms[1].past = OFF;
	look(&s, T0 + 1000);
	assert_waits(&s, "app", HA_RESTART_WAITS_DEPENDENCY);
	s.vms[0].past = UP;
	s.vms[0].listed = "running";
	s.vms[1].ticket = 0;
	look(&s, T0 + 2000);
	assert_waits(&s, "app", HA_RESTART_WAITS_DEPENDENCY);
	s.told[1] = "db=2";
	look(&s, T0 + 3000);
	assert_granted(&s, "app", 1);
	end(&s);
}

/* Who has read too little waits: its master may be new. */
static void
a_new_master_believes_what_was_told(void **state)
{
	struct scene s =
		after_a_death(PRIORITY("high") READY("guest-heartbeat"));

	(void)state;
	s.told[2] = "db=77";
	lose_memory(&s);
	look(&s, T0 + 5000);
	assert_granted(&s, "low", 1);
	end(&s);
}

static void
told_by_whom(void **state)
{
	struct scene s = { .vms = { ON_H2("db", READY("guest-heartbeat")) } };
	static const char *const NONE[] = {
		"",
		"db",
		"db=",
		"db=0",
		"db=-1",
		"db=x",
		"db=1x",
		"=1",
		"d=1",
		"db =1",
		"db=99999999999999999999",
		"dbb=1",
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(NONE); i++) {
		s.told[1] = NONE[i];
		look(&s, T0 + i);
		assert_false(row(&s, "db")->vm->ready_mark != 0);
		assert_false(row(&s, "db")->vm->has_no_channel);
	}
	s.told[1] = "a=1 db=18446744073709551615 b=2";
	look(&s, T0 + 100);
	assert_true(row(&s, "db")->vm->ready_mark == UINT64_MAX);
	/* A host where it does not run. */
	s.told[1] = NULL;
	s.told[0] = "db=5";
	look(&s, T0 + 200);
	assert_true(row(&s, "db")->vm->ready_mark == 0);
	/* One that is dead. */
	s.told[0] = NULL;
	s.told[1] = "db=5";
	h2_dies(&s);
	look(&s, T0 + 300);
	assert_true(row(&s, "db")->vm->ready_mark == 0);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_that_answers_lets_others_go),
		cmocka_unit_test(the_delay_comes_after_it),
		cmocka_unit_test(without_a_channel_the_timeout_ends_it),
		cmocka_unit_test(an_old_heartbeat_is_none),
		cmocka_unit_test(a_new_master_believes_what_was_told),
		cmocka_unit_test(told_by_whom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
