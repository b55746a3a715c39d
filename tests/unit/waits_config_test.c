/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain: VMs that are not restarted, and what is configured badly.
 * The decision itself is tested in restart_test.c.
 */
#include "waits_scene.h"

/* ---- not restarted ---------------------------------------------------------- */

static void
disabled(void **state)
{
	struct scene s = { .vms = { ON_H2("a", PRIORITY("disabled")) } };

	(void)state;
	look(&s, T0);
	assert_granted(&s, "a", 0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_waits(&s, "a", HA_RESTART_IS_DISABLED);
	s.vms[0].ticket = 0;
	lose_memory(&s);
	look(&s, T0 + 2000);
	assert_waits(&s, "a", HA_RESTART_IS_DISABLED);
	s.vms[0].role = "Stopped";
	look(&s, T0 + 3000);
	assert_granted(&s, "a", 0);
	s.vms[0].ticket = 1;
	look(&s, T0 + 3500);
	s.vms[0].role = NULL;
	look(&s, T0 + 4000);
	assert_granted(&s, "a", 1);
	end(&s);
}

/* It is off, and its user starts it before any manager has seen it so. */
static void
disabled_and_started_by_its_user(void **state)
{
	struct scene s = { .vms = { { .id = "a",
				      .params = PRIORITY("disabled"),
				      .is_off = true,
				      .past = OFF } } };

	(void)state;
	look(&s, T0);
	assert_granted(&s, "a", 1);
	/* Not what a manager before kept waiting. */
	lose_memory(&s);
	s.vms[0].is_off = false;
	look(&s, T0);
	assert_waits(&s, "a", HA_RESTART_IS_DISABLED);
	end(&s);
}

/* Maintenance: nobody starts it, it holds up nobody, and is still disabled
 * afterwards. */
static void
unmanaged(void **state)
{
	struct scene s = { .vms = { ON_H2("a", PRIORITY("disabled")),
				    ON_H2("db", PRIORITY("high")),
				    ON_H2("low", PRIORITY("low")) } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	s.vms[0].ticket = s.vms[2].ticket = 0;
	s.vms[0].is_unmanaged = s.vms[1].is_unmanaged = true;
	look(&s, T0 + 2000);
	assert_true(row(&s, "a")->is_left);
	assert_false(row(&s, "db")->is_left);
	assert_granted(&s, "low", 1);
	s.vms[0].is_unmanaged = false;
	look(&s, T0 + 3000);
	assert_waits(&s, "a", HA_RESTART_IS_DISABLED);
	end(&s);
}

/* What a cut-off host runs is held, and makes nobody wait. */
static void
held(void **state)
{
	struct scene s = { .vms = { ON_H2("db", PRIORITY("high")),
				    ON_H2("low", PRIORITY("low")) } };

	(void)state;
	comes_up(&s.vms[1]);
	look(&s, T0);
	s.is_h2_lost = true;
	s.vms[1].past = s.vms[1].listed = NULL;
	look(&s, T0 + 1000);
	assert_false(row(&s, "db")->verdict.is_granted);
	assert_false(row(&s, "db")->waits);
	assert_granted(&s, "low", 1);
	end(&s);
}

/* ---- what is configured badly ------------------------------------------------ */

static const char *
error_with(const struct scene *s, const char *word)
{
	for (guint i = 0; i < s->restart->errors->len; i++) {
		const char *text = g_ptr_array_index(s->restart->errors, i);

		if (strstr(text, word)) {
			return text;
		}
	}
	fail_msg("no sentence has \"%s\"", word);
	abort();
}

static void
what_can_not_be_kept(void **state)
{
	struct scene s = {
		.policy = PAIR("restart_retry_waits", "1 30s")
			PAIR("restart_concurrent", "0"),
		.vms = { ON_H2("a", DEPENDS("nobody")),
			 ON_H2("b", PRIORITY("high") DEPENDS("c")),
			 ON_H2("c", ""), ON_H2("x", DEPENDS("y")),
			 ON_H2("y", DEPENDS("x")),
			 ON_H2("z", PRIORITY("urgent")
					    PAIR("ready_delay", "soon")) },
	};

	(void)state;
	look(&s, T0);
	assert_non_null(strstr(error_with(&s, "nobody"), "a: "));
	assert_non_null(strstr(error_with(&s, "lower"), "names c"));
	assert_non_null(error_with(&s, "x -> y -> x"));
	assert_non_null(strstr(error_with(&s, "urgent"), "z: "));
	assert_int_equal(s.restart->errors->len, 4);
	assert_int_equal(s.restart->rules.wait_count, 3);
	assert_int_equal(s.restart->rules.waits_ms[1], 60000);
	assert_int_equal(s.restart->rules.waits_ms[2], 30000);
	assert_int_equal(s.restart->rules.concurrent_max, 32);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "b", 1);
	s.vms[1].attempt = 1;
	comes_up(&s.vms[1]);
	look(&s, T0 + 2000);
	assert_granted(&s, "a", 1);
	assert_granted(&s, "z", 1);
	assert_granted(&s, "x", 1);
	end(&s);
}

/* So many for each host that lives. */
static void
not_too_many_at_a_time(void **state)
{
	struct scene s = {
		.policy = PAIR("restart_concurrent", "1"),
		.vms = { ON_H2("a", ""), ON_H2("b", ""), ON_H2("c", "") },
	};

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "a", 1);
	assert_granted(&s, "b", 1);
	assert_waits(&s, "c", HA_RESTART_WAITS_SLOT);
	s.vms[2].ticket = 0;
	comes_up(&s.vms[0]);
	look(&s, T0 + 2000);
	assert_granted(&s, "c", 1);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disabled),
		cmocka_unit_test(disabled_and_started_by_its_user),
		cmocka_unit_test(unmanaged),
		cmocka_unit_test(held),
		cmocka_unit_test(what_can_not_be_kept),
		cmocka_unit_test(not_too_many_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
