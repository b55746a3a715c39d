/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/io/clock: deadlines at their limits, and a sleep that signals
 * interrupt and that neither ends early nor passes the deadline.
 */
#include <signal.h>
#include <sys/time.h>

#include "unit.h"

#include "ha/clock.h"

#define SPAN_MS 60
#define TICK_US 5000
#define FAR_MS 3600000
/* A busy machine may be late, never early. */
#define LATE_MS 2000

static void
limits(void **state)
{
	uint64_t now_ms = ha_clock_now_ms();

	(void)state;
	assert_int_equal(ha_clock_left_ms(0), 0);
	assert_int_equal(ha_clock_left_ms(now_ms), 0);
	assert_true(ha_clock_left_ms(now_ms + FAR_MS) > FAR_MS - LATE_MS);
	assert_true(ha_clock_left_ms(now_ms + FAR_MS) <= FAR_MS);
	assert_true(ha_clock_step_ms(now_ms, SPAN_MS) == now_ms);
	assert_true(ha_clock_step_ms(now_ms + FAR_MS, SPAN_MS) <
		    now_ms + FAR_MS);
	assert_true(ha_clock_step_ms(now_ms + FAR_MS, UINT64_MAX) ==
		    now_ms + FAR_MS);
}

static volatile sig_atomic_t ticks;

static void
on_tick(int signal_no)
{
	(void)signal_no;
	ticks++;
}

static void
sleep_is_exact(void **state)
{
	const struct sigaction act = { .sa_handler = on_tick };
	const struct itimerval timer = { { 0, TICK_US }, { 0, TICK_US } };
	const struct itimerval off = { { 0, 0 }, { 0, 0 } };
	uint64_t start_ms;
	uint64_t took_ms;

	(void)state;
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	start_ms = ha_clock_now_ms();
	ha_clock_sleep_ms(SPAN_MS, start_ms + FAR_MS);
	took_ms = ha_clock_now_ms() - start_ms;
	setitimer(ITIMER_REAL, &off, NULL);
	assert_true(ticks > 0);
	assert_in_range(took_ms, SPAN_MS, SPAN_MS + LATE_MS);

	start_ms = ha_clock_now_ms();
	ha_clock_sleep_ms(FAR_MS, start_ms + SPAN_MS);
	took_ms = ha_clock_now_ms() - start_ms;
	assert_in_range(took_ms, SPAN_MS, SPAN_MS + LATE_MS);

	start_ms = ha_clock_now_ms();
	ha_clock_sleep_ms(FAR_MS, 0);
	assert_true(ha_clock_now_ms() - start_ms < LATE_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits),
		cmocka_unit_test(sleep_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
