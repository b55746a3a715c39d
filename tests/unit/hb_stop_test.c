/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clean stop against a pet thread that is just arming (the daemon must not
 * end with a watchdog that counts) and against lost datastores. Real
 * datastores and store threads; the pet thread's part is played, so that no
 * watchdog is touched.
 */
#include <errno.h>

#include "hb_hosts.h"

#define SHORT_MS 1000u

static struct hb *const A = &test_hb[0];

static int
host_begin(void **state)
{
	(void)areas_make(state);
	host_joined(A, HOST_NAMES[0]);
	pthread_mutex_lock(&A->lock);
	A->phase = HB_ARMED;
	pthread_mutex_unlock(&A->lock);
	return 0;
}

static int
host_done(void **state)
{
	(void)state;
	host_end(A);
	return 0;
}

static void
set_arming(bool is_arming)
{
	pthread_mutex_lock(&A->lock);
	A->is_arming = is_arming;
	pthread_mutex_unlock(&A->lock);
}

static void
stop_waits_for_a_watchdog_that_opens(void **state)
{
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	set_arming(true);
	assert_int_equal(hb_stop(A, ha_clock_now_ms() + SHORT_MS, &err),
			 -ETIMEDOUT);
	assert_int_equal(A->phase, HB_ARMED);
	assert_false(A->is_ending);
	set_arming(false);
	assert_int_equal(hb_stop(A, ha_clock_now_ms() + FAR_MS, &err), 0);
	assert_int_equal(A->phase, HB_STOPPED);
}

/* Main is held up by a stop, and with it the ring's evidence. */
static void
stop_without_datastores_fails_at_once(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	uint64_t deadline_ms;

	(void)state;
	assert_int_equal(truncate(test_file[0], 0), 0);
	assert_int_equal(truncate(test_file[1], 0), 0);
	wait_for(A, !A->views[0].is_open && !A->views[1].is_open);
	deadline_ms = ha_clock_now_ms() + FAR_MS;
	assert_int_equal(hb_stop(A, deadline_ms, &err), -ETIMEDOUT);
	assert_true(ha_clock_left_ms(deadline_ms) > FAR_MS / 2);
	assert_int_equal(A->phase, HB_ARMED);
	assert_false(A->is_ending);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			stop_waits_for_a_watchdog_that_opens, host_begin,
			host_done),
		cmocka_unit_test_setup_teardown(
			stop_without_datastores_fails_at_once, host_begin,
			host_done),
	};

	(void)argc;
	hosts_setup(argv[0]);
	(void)alarm(TEST_END_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
