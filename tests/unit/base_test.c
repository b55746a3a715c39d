/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/base: each conversion on both sides of each of its limits, and that
 * a refused text leaves the output alone.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "ha/err.h"
#include "ha/text.h"

#define UNTOUCHED 77

static void
int64_values(void **state)
{
	static const struct {
		const char *text;
		int rc;
		int64_t value;
	} CASES[] = {
		{ "0", 0, 0 },
		{ "-0", 0, 0 },
		{ "+7", 0, 7 },
		{ "007", 0, 7 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "-9223372036854775809", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999999x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
		{ "+-1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1.5", -EINVAL, 0 },
		{ NULL, -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		int64_t value = UNTOUCHED;

		assert_int_equal(ha_text_int64(CASES[i].text, &value),
				 CASES[i].rc);
		assert_true(value ==
			    (CASES[i].rc ? UNTOUCHED : CASES[i].value));
	}
}

static void
uint64_values(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t value;
	} CASES[] = {
		{ "0", 0, 0 },
		{ "-0", 0, 0 },
		{ "-1", -ERANGE, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "a", -EINVAL, 0 },
		{ NULL, -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		uint64_t value = UNTOUCHED;

		assert_int_equal(ha_text_uint64(CASES[i].text, &value),
				 CASES[i].rc);
		assert_true(value ==
			    (CASES[i].rc ? UNTOUCHED : CASES[i].value));
	}
}

static void
bool_spellings(void **state)
{
	static const char *const YES[] = { "true", "TRUE", "on", "Yes",
					   "y",    "Y",    "1" };
	static const char *const NO[] = { "false", "Off", "no", "n", "0" };
	static const char *const NEITHER[] = { "",  "2",  "tru",  "truee",
					       "t", "01", " yes", "onn" };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(YES); i++) {
		bool value = false;

		assert_int_equal(ha_text_bool(YES[i], &value), 0);
		assert_true(value);
	}
	for (size_t i = 0; i < N_ELEMENTS(NO); i++) {
		bool value = true;

		assert_int_equal(ha_text_bool(NO[i], &value), 0);
		assert_false(value);
	}
	for (size_t i = 0; i < N_ELEMENTS(NEITHER); i++) {
		bool value = true;

		assert_int_equal(ha_text_bool(NEITHER[i], &value), -EINVAL);
		assert_true(value);
	}
	assert_int_equal(ha_text_bool(NULL, NULL), -EINVAL);
}

static void
duration_units(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t ms;
	} CASES[] = {
		{ "5", 0, 5000 },
		{ "5s", 0, 5000 },
		{ "5sec", 0, 5000 },
		{ "5S", 0, 5000 },
		{ "5ms", 0, 5 },
		{ "5msec", 0, 5 },
		{ "5m", 0, 300000 },
		{ "5min", 0, 300000 },
		{ "2h", 0, 7200000 },
		{ "2hr", 0, 7200000 },
		{ "0", 0, 0 },
		{ "0us", 0, 0 },
		{ "1us", 0, 1 },
		{ "1000us", 0, 1 },
		{ "1001usec", 0, 2 },
		{ "18446744073709551615ms", 0, UINT64_MAX },
		{ "18446744073709551616ms", -ERANGE, 0 },
		{ "18446744073709551616us", -ERANGE, 0 },
		{ "18446744073709551s", 0, 18446744073709551000u },
		{ "18446744073709552s", -ERANGE, 0 },
		{ "5 s", -EINVAL, 0 },
		{ "-5s", -EINVAL, 0 },
		{ "5d", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "1.5s", -EINVAL, 0 },
		{ "99999999999999999999q", -EINVAL, 0 },
		{ NULL, -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		uint64_t ms = UNTOUCHED;

		assert_int_equal(ha_text_duration_ms(CASES[i].text, &ms),
				 CASES[i].rc);
		assert_true(ms == (CASES[i].rc ? UNTOUCHED : CASES[i].ms));
	}
}

static void
uuid_form(void **state)
{
	static const char *const BAD[] = {
		"",
		"4dea22b3-1d52-d8f3-2516-782e98ab3fa",
		"4dea22b3-1d52-d8f3-2516-782e98ab3fa00",
		"4dea22b31d52d8f32516782e98ab3fa0",
		"4dea22b3-1d52-d8f3-2516-782e98ab3fag",
		"4dea22b-31d52-d8f3-2516-782e98ab3fa0",
		"{dea22b3-1d52-d8f3-2516-782e98ab3fa}",
	};
	char uuid[HA_UUID_TEXT] = "old";

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(BAD); i++) {
		assert_int_equal(ha_text_uuid(BAD[i], uuid), -EINVAL);
		assert_string_equal(uuid, "old");
	}
	assert_int_equal(ha_text_uuid(NULL, uuid), -EINVAL);
	assert_int_equal(
		ha_text_uuid("4DEA22B3-1d52-d8f3-2516-782e98ab3fA0", uuid), 0);
	assert_string_equal(uuid, "4dea22b3-1d52-d8f3-2516-782e98ab3fa0");
}

static void
copy_limits(void **state)
{
	char small[4] = "old";

	(void)state;
	assert_int_equal(ha_text_copy(small, sizeof(small), "four"),
			 -ENAMETOOLONG);
	assert_string_equal(small, "old");
	assert_int_equal(ha_text_copy(small, sizeof(small), "new"), 0);
	assert_string_equal(small, "new");
	assert_int_equal(ha_text_copy(small, 0, ""), -ENAMETOOLONG);
	assert_true(ha_text_is_empty(NULL));
	assert_true(ha_text_is_empty(""));
	assert_false(ha_text_is_empty(" "));
}

static void
distances(void **state)
{
	char longest[HA_TEXT_DISTANCE_MAX + 1];
	char too_long[HA_TEXT_DISTANCE_MAX + 2];

	(void)state;
	assert_int_equal(ha_text_distance("", ""), 0);
	assert_int_equal(ha_text_distance("", "abc"), 3);
	assert_int_equal(ha_text_distance("abc", ""), 3);
	assert_int_equal(ha_text_distance("kitten", "sitting"), 3);
	assert_int_equal(ha_text_distance("config", "CONFIG"), 0);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	memset(too_long, 'a', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(ha_text_distance(longest, longest), 0);
	assert_int_equal(ha_text_distance(too_long, too_long),
			 HA_TEXT_DISTANCE_MAX);
}

static void
err_sentences(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	char filler[2 * HA_ERR_TEXT];

	(void)state;
	assert_int_equal(ha_err_set(NULL, -EIO, "%s", "x"), -EIO);
	assert_int_equal(ha_err_prefix(NULL, -EIO, "%s", "x"), -EIO);
	assert_int_equal(ha_err_set(&err, -EINVAL, "disk %s", "vda"), -EINVAL);
	assert_int_equal(ha_err_prefix(&err, -EINVAL, "%s: ", "web1"), -EINVAL);
	assert_string_equal(err.text, "web1: disk vda");
	/* The old sentence as an argument of the new one. */
	ha_err_set(&err, -EINVAL, "again: %s", err.text);
	assert_string_equal(err.text, "again: web1: disk vda");

	memset(filler, 'f', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	ha_err_prefix(&err, -EINVAL, "%s", filler);
	assert_int_equal(strlen(err.text), HA_ERR_TEXT - 1);
	ha_err_set(&err, -EINVAL, "%s", filler);
	assert_int_equal(strlen(err.text), HA_ERR_TEXT - 1);
	ha_err_prefix(&err, -EINVAL, "name: ");
	assert_int_equal(strlen(err.text), HA_ERR_TEXT - 1);
	assert_memory_equal(err.text, "name: fff", 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(int64_values),
		cmocka_unit_test(uint64_values),
		cmocka_unit_test(bool_spellings),
		cmocka_unit_test(duration_units),
		cmocka_unit_test(uuid_form),
		cmocka_unit_test(copy_limits),
		cmocka_unit_test(distances),
		cmocka_unit_test(err_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
