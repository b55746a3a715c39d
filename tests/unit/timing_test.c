/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/timing: each bound as a pair, the profiles against their own
 * rules, and w + r > n.
 */
#include <errno.h>
#include <string.h>

#include "unit.h"

#include "ha/hostset.h"
#include "ha/timing.h"

static void
profiles(void **state)
{
	static const uint64_t SILENCE_MS[] = { 6006, 3003, 18018 };
	struct ha_err err = HA_ERR_INIT;
	enum ha_profile parsed = HA_PROFILE_N;

	(void)state;
	for (unsigned int i = 0; i < HA_PROFILE_N; i++) {
		enum ha_profile profile = (enum ha_profile)i;
		const struct ha_timing *timing = ha_profile_timing(profile);

		assert_int_equal(ha_profile_parse(ha_profile_name(profile),
						  &parsed, &err),
				 0);
		assert_int_equal(parsed, profile);
		if (profile == HA_PROFILE_CUSTOM) {
			assert_null(timing);
			continue;
		}
		assert_int_equal(ha_timing_check(timing, &err), 0);
		assert_int_equal(ha_timing_silence_ms(timing), SILENCE_MS[i]);
	}
	assert_null(ha_profile_timing(HA_PROFILE_N));
	parsed = HA_PROFILE_FAST;
	assert_int_equal(ha_profile_parse("quick", &parsed, &err), -EINVAL);
	assert_non_null(strstr(err.text, "quick"));
	assert_non_null(strstr(err.text, "vsphere"));
	assert_int_equal(parsed, HA_PROFILE_FAST);
}

static void
bounds(void **state)
{
	/* B, W, D, rho; the word that the sentence must have, NULL: good */
	static const struct {
		struct ha_timing timing;
		const char *word;
	} CASES[] = {
		{ { 199, 1000, 100, 0 }, "beat_ms" },
		{ { 200, 1000, 100, 0 }, NULL },
		{ { 10000, 60000, 10000, 0 }, NULL },
		{ { 10001, 60000, 10000, 0 }, "beat_ms" },
		{ { 200, 999, 100, 0 }, "watchdog_ms" },
		{ { 200, 60000, 100, 0 }, NULL },
		{ { 200, 61000, 100, 0 }, "watchdog_ms" },
		{ { 200, 1001, 100, 0 }, "whole seconds" },
		{ { 200, 2000, 100, 0 }, NULL },
		{ { 200, 1000, 99, 0 }, "tolerance_ms" },
		{ { 200, 1000, 200, 0 }, NULL },
		{ { 200, 1000, 201, 0 }, "tolerance_ms" },
		{ { 200, 1000, 100, 10000 }, NULL },
		{ { 200, 1000, 100, 10001 }, "drift_ppm" },
		/* W >= 2 B + D */
		{ { 1000, 3000, 1000, 0 }, NULL },
		{ { 1001, 3000, 1000, 0 }, "4000 ms" },
		{ { 450, 1000, 100, 0 }, NULL },
		{ { 450, 1000, 101, 0 }, "2000 ms" },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct ha_err err = HA_ERR_INIT;
		int code = ha_timing_check(&CASES[i].timing, &err);

		assert_int_equal(code, CASES[i].word ? -ERANGE : 0);
		if (CASES[i].word && !strstr(err.text, CASES[i].word)) {
			fail_msg("case %zu: %s", i, err.text);
		}
	}
}

static void
rounded_up(void **state)
{
	const struct ha_timing exact = { 1000, 8000, 1000, 100 };
	const struct ha_timing above = { 1000, 8000, 1001, 100 };
	const struct ha_timing none = { 200, 1000, 100, 0 };

	(void)state;
	assert_int_equal(ha_timing_silence_ms(&exact), 10001);
	assert_int_equal(ha_timing_silence_ms(&above), 10003);
	assert_int_equal(ha_timing_silence_ms(&none), 1300);
}

static void
quorums(void **state)
{
	static const uint32_t W[HA_STORES_MAX + 1] = { 0, 1, 1, 2, 2, 3 };
	static const uint32_t R[HA_STORES_MAX + 1] = { 0, 1, 2, 2, 3, 3 };

	(void)state;
	for (uint32_t n = 0; n <= HA_STORES_MAX; n++) {
		assert_int_equal(ha_stores_write(n), W[n]);
		assert_int_equal(ha_stores_read(n), R[n]);
		assert_true(n == 0 ||
			    ha_stores_write(n) + ha_stores_read(n) > n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profiles),
		cmocka_unit_test(bounds),
		cmocka_unit_test(rounded_up),
		cmocka_unit_test(quorums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
