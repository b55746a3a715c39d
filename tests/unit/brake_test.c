/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libha/core/brake: the limit, the window's edge, more orders than are kept,
 * a clock that jumped. */
#include "unit.h"

#include "ha/fencing.h"

static void
limit(void **state)
{
	struct ha_brake brake = { .limit = 2 };

	(void)state;
	assert_false(ha_brake_is_full(&brake, 1000));
	ha_brake_count(&brake, 1000);
	assert_false(ha_brake_is_full(&brake, 1000));
	ha_brake_count(&brake, 2000);
	assert_true(ha_brake_is_full(&brake, 2000));
	assert_true(ha_brake_is_full(&brake, 1000 + HA_BRAKE_WINDOW_MS - 1));
	assert_false(ha_brake_is_full(&brake, 1000 + HA_BRAKE_WINDOW_MS));
	/* Before now is after now: counted. */
	assert_true(ha_brake_is_full(&brake, 500));
}

static void
none_ever(void **state)
{
	const struct ha_brake brake = { .limit = 0 };

	(void)state;
	assert_true(ha_brake_is_full(&brake, 5 * (uint64_t)HA_BRAKE_WINDOW_MS));
}

static void
kept(void **state)
{
	struct ha_brake brake = { .limit = 1000 };

	(void)state;
	for (uint64_t i = 0; i < HA_BRAKE_KEPT; i++) {
		assert_false(ha_brake_is_full(&brake, i));
		ha_brake_count(&brake, i); /* 0 must count as well */
	}
	assert_true(ha_brake_is_full(&brake, HA_BRAKE_KEPT));
	ha_brake_count(&brake, HA_BRAKE_KEPT);
	assert_true(ha_brake_is_full(&brake, HA_BRAKE_KEPT));
	assert_int_equal(brake.next, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit),
		cmocka_unit_test(none_ever),
		cmocka_unit_test(kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
