/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/use and its text: what two looks come to, with processes that
 * came, went, were restarted or whose counters make no sense; what is worth a
 * write; when a warning begins and ends.
 */
#include <string.h>

#include "unit.h"

#include "ha/use.h"

#define T0 1000000   /* ms since boot */
#define MINUTE 60000 /* 6000 ticks of each core */

static const struct ha_use_machine FOUR = { .cpu_mhz = 8000,
					    .cores = 4,
					    .ticks_a_s = 100 };

/* Ticks since boot of that many ms after T0. */
#define SINCE(ms) ((uint64_t)(T0 + (ms)) / 10)

static struct ha_use
measure(const struct ha_use_machine *machine,
	const struct ha_use_process *before, uint32_t n_before,
	const struct ha_use_process *now, uint32_t n_now)
{
	const struct ha_use_look first = { T0, before, n_before };
	const struct ha_use_look second = { T0 + MINUTE, now, n_now };
	struct ha_use use;

	assert_true(ha_use_measure(&first, &second, machine, &use));
	return use;
}

/* One process that was there before, or NULL, and is there now, or NULL. */
static uint64_t
mhz(const struct ha_use_process *before, const struct ha_use_process *now)
{
	return measure(&FOUR, before, before != NULL, now, now != NULL).cpu_mhz;
}

static void
two_looks(void **state)
{
	static const struct ha_use_process BEFORE[] = {
		{ 10, 5, 100, 1024 },
		{ 11, 6, 0, 2048 },
	};
	/* Half a core and two of them, 2000 MHz each; in another order. */
	static const struct ha_use_process NOW[] = {
		{ 11, 6, 12000, 3 * 1024 },
		{ 10, 5, 3100, 1024 + 1023 },
	};
	struct ha_use use = measure(&FOUR, BEFORE, 2, NOW, 2);

	(void)state;
	assert_int_equal(use.cpu_mhz, 1000 + 4000);
	assert_int_equal(use.memory_mb, 4); /* of 4.99 */
	use = measure(&FOUR, NULL, 0, NULL, 0);
	assert_int_equal(use.cpu_mhz, 0);
	assert_int_equal(use.memory_mb, 0);
}

static void
came_and_went(void **state)
{
	const struct ha_use_process here = { 10, 5, 6000, 1024 };
	const struct ha_use_process new = { 10, SINCE(0), 600, 1024 };
	const struct ha_use_process unseen = { 10, SINCE(-1000), 600, 1024 };
	struct ha_use_process again = new;

	(void)state;
	assert_int_equal(mhz(&here, NULL), 0);
	assert_int_equal(mhz(NULL, &new), 200);
	/* It was there before, and nobody knows how much it had used. */
	assert_int_equal(mhz(NULL, &unseen), 0);
	assert_int_equal(measure(&FOUR, NULL, 0, &unseen, 1).memory_mb, 1);
	/* Restarted under the same pid: its own counter, not the difference. */
	again.start_ticks = SINCE(30000);
	assert_int_equal(mhz(&here, &again), 200);
	again.start_ticks = 6;
	assert_int_equal(mhz(&here, &again), 0);
}

static void
absurd_counters(void **state)
{
	struct ha_use_process before = { 10, 5, 6000, 1024 };
	struct ha_use_process now = { 10, 5, 5999, 1024 };
	struct ha_use_machine odd = FOUR;
	const struct ha_use_look look = { T0, &now, 1 };
	const struct ha_use_look later = { T0 + 1, &now, 1 };
	const struct ha_use_process two[] = { { 1, SINCE(1), UINT64_MAX, 0 },
					      { 2, SINCE(1), UINT64_MAX, 0 } };
	struct ha_use use;

	(void)state;
	/* Back, and as it was. */
	assert_int_equal(mhz(&before, &now), 0);
	now.cpu_ticks = 6000;
	assert_int_equal(mhz(&before, &now), 0);
	now.cpu_ticks = 6003;
	assert_int_equal(mhz(&before, &now), 1);
	/* No machine gives more than it has: threads of one core count once. */
	now.cpu_ticks = 6000 + 24000;
	assert_int_equal(mhz(&before, &now), 8000);
	now.cpu_ticks++;
	assert_int_equal(mhz(&before, &now), 8000);
	assert_int_equal(measure(&FOUR, NULL, 0, two, 2).cpu_mhz, 8000);
	/* No time between them; no frequency; nobody tells ticks or cores. */
	assert_false(ha_use_measure(&look, &look, &FOUR, &use));
	assert_false(ha_use_measure(&later, &look, &FOUR, &use));
	odd.cpu_mhz = 0;
	assert_int_equal(measure(&odd, &before, 1, &now, 1).cpu_mhz, 0);
	odd = FOUR;
	odd.cores = 0;
	assert_int_equal(measure(&odd, &before, 1, &now, 1).cpu_mhz, 0);
	odd.ticks_a_s = 0;
	assert_false(ha_use_measure(&look, &later, &odd, &use));
	/* A large machine, a day long. */
	odd = (struct ha_use_machine){ .cpu_mhz = 1000000007,
				       .cores = 10000,
				       .ticks_a_s = 1000 };
	before.cpu_ticks = 0;
	now.cpu_ticks = 5 * UINT64_C(86400000);
	{
		const struct ha_use_look first = { T0, &before, 1 };
		const struct ha_use_look second = { T0 + 86400000, &now, 1 };

		assert_true(ha_use_measure(&first, &second, &odd, &use));
		assert_int_equal(use.cpu_mhz, 500000); /* 5 of its cores */
	}
}

/* 5 % of 8000 MHz, of 16000 MB; of nothing any change is. */
static void
news(void **state)
{
	static const struct {
		struct ha_use now;
		bool is_news;
	} cases[] = {
		{ { 1000, 1000 }, false }, { { 1400, 1800 }, false },
		{ { 600, 200 }, false },   { { 1401, 1000 }, true },
		{ { 599, 1000 }, true },   { { 1000, 1801 }, true },
		{ { 1000, 199 }, true },
	};
	static const struct ha_use capacity = { 8000, 16000 };
	static const struct ha_use none = { 0, 0 };
	static const struct ha_use all = { UINT64_MAX, UINT64_MAX };
	const struct ha_use told = { 1000, 1000 };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		assert_int_equal(
			ha_use_is_news(&told, &cases[i].now, &capacity),
			cases[i].is_news);
	}
	assert_false(ha_use_is_news(&told, &told, &none));
	assert_true(ha_use_is_news(&told, &cases[1].now, &none));
	assert_true(ha_use_is_news(&told, &all, &capacity));
	assert_true(ha_use_is_news(&all, &told, &capacity));
}

static void
alarm_steps(void **state)
{
	struct ha_use_alarm alarm = { 0 };

	(void)state;
	assert_int_equal(ha_use_alarm_step(&alarm, false, 1, 100), HA_USE_SAME);
	assert_int_equal(ha_use_alarm_step(&alarm, true, 2, 100), HA_USE_BEGUN);
	assert_int_equal(ha_use_alarm_step(&alarm, true, 500, 100),
			 HA_USE_SAME);
	/* Gone for 100 ms in all, and not in one. */
	assert_int_equal(ha_use_alarm_step(&alarm, false, 600, 100),
			 HA_USE_SAME);
	assert_int_equal(ha_use_alarm_step(&alarm, false, 699, 100),
			 HA_USE_SAME);
	assert_int_equal(ha_use_alarm_step(&alarm, true, 700, 100),
			 HA_USE_SAME);
	assert_int_equal(ha_use_alarm_step(&alarm, false, 701, 100),
			 HA_USE_SAME);
	assert_int_equal(ha_use_alarm_step(&alarm, false, 800, 100),
			 HA_USE_SAME);
	assert_true(alarm.is_on);
	assert_int_equal(ha_use_alarm_step(&alarm, false, 801, 100),
			 HA_USE_ENDED);
	assert_false(alarm.is_on);
	assert_int_equal(ha_use_alarm_step(&alarm, false, 2000, 100),
			 HA_USE_SAME);
	/* Anew; and at once where nobody is to wait. */
	assert_int_equal(ha_use_alarm_step(&alarm, true, 2001, 100),
			 HA_USE_BEGUN);
	assert_int_equal(ha_use_alarm_step(&alarm, false, 2002, 0),
			 HA_USE_ENDED);
}

static void
texts(void **state)
{
	static const char *const BAD[] = {
		"",
		" ",
		"1",
		"1 ",
		" 1 2",
		"1  2",
		"1 2 ",
		"1 2 3",
		"-1 2",
		"1 -2",
		"+1 2",
		"1,2",
		"0x1 2",
		"1.5 2",
		"a b",
		"1000000001 2",
		"1 10000000001",
		"99999999999999999999 1",
	};
	struct ha_use use = { 7, 7 };
	char text[HA_USE_TEXT];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(BAD); i++) {
		if (ha_use_parse(BAD[i], &use)) {
			fail_msg("\"%s\" is taken", BAD[i]);
		}
	}
	assert_int_equal(use.cpu_mhz, 7);
	assert_true(ha_use_parse("1000000000 10000000000", &use));
	assert_int_equal(use.cpu_mhz, 1000000000);
	assert_int_equal(use.memory_mb, 10000000000);
	use = (struct ha_use){ UINT64_MAX, UINT64_MAX };
	ha_use_print(&use, text);
	assert_string_equal(text, "18446744073709551615 18446744073709551615");
	use = (struct ha_use){ 0, 12 };
	ha_use_print(&use, text);
	assert_string_equal(text, "0 12");
	assert_true(ha_use_parse(text, &use));
	assert_int_equal(use.memory_mb, 12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_looks),
		cmocka_unit_test(came_and_went),
		cmocka_unit_test(absurd_counters),
		cmocka_unit_test(news),
		cmocka_unit_test(alarm_steps),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
