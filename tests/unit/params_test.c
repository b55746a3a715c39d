/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/params: text to struct by a table with every type in it, and the
 * sentence that each refusal gives, since that is all an operator gets.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "unit.h"

#include "ha/param.h"

struct values {
	const char *name;
	const char *path;
	const char *uuid;
	const char *words;
	bool flag;
	int64_t bandwidth;
	int64_t any;
	uint64_t timeout_ms;
	int colour;
};

static const char *const COLOURS[] = { "red", "green", NULL };

#define AT(field) .offset = offsetof(struct values, field)

static const struct ha_param TABLE[] = {
	{ .name = "name",
	  .type = HA_PARAM_STRING,
	  .flags = HA_PARAM_REQUIRED,
	  .shortdesc = "the name of the VM",
	  AT(name) },
	{ .name = "path", .type = HA_PARAM_PATH, .def = "/etc", AT(path) },
	{ .name = "uuid", .type = HA_PARAM_UUID, AT(uuid) },
	{ .name = "words", .type = HA_PARAM_LIST, AT(words) },
	{ .name = "flag", .type = HA_PARAM_BOOL, .def = "yes", AT(flag) },
	{ .name = "migration_bandwidth",
	  .type = HA_PARAM_INT,
	  .unit = "MiB/s",
	  .min = 1,
	  .max = 100000,
	  .def = "100",
	  AT(bandwidth) },
	{ .name = "any", .type = HA_PARAM_INT, AT(any) },
	{ .name = "timeout",
	  .type = HA_PARAM_DURATION,
	  .min = 1000,
	  .max = 5400000,
	  AT(timeout_ms) },
	{ .name = "colour",
	  .type = HA_PARAM_ENUM,
	  .choices = COLOURS,
	  .def = "green",
	  AT(colour) },
	{ .name = NULL },
};

/* One parameter is set; "name" is always there. */
struct pair {
	const char *name;
	const char *text;
};

static const char *
get_pair(void *ctx, const char *name)
{
	const struct pair *pair = ctx;

	if (strcmp(name, pair->name) == 0) {
		return pair->text;
	}
	return strcmp(name, "name") == 0 ? "web1" : NULL;
}

static int
parse(const char *name, const char *text, struct values *values,
      struct ha_err *err)
{
	struct pair pair = { name, text };

	memset(values, 0, sizeof(*values));
	err->text[0] = '\0';
	return ha_params_parse(TABLE, get_pair, &pair, values, err);
}

static void
defaults(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	struct values values;

	(void)state;
	assert_int_equal(parse("none", NULL, &values, &err), 0);
	assert_string_equal(values.name, "web1");
	assert_string_equal(values.path, "/etc");
	assert_null(values.uuid);
	assert_null(values.words);
	assert_true(values.flag);
	assert_int_equal(values.bandwidth, 100);
	assert_int_equal(values.any, 0);
	assert_int_equal(values.timeout_ms, 0);
	assert_int_equal(values.colour, 1);
	/* Empty is "not given", not an error. */
	assert_int_equal(parse("colour", "", &values, &err), 0);
	assert_int_equal(values.colour, 1);
	assert_string_equal(err.text, "");
}

static void
accepted(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	struct values values;

	(void)state;
	assert_int_equal(parse("migration_bandwidth", "1", &values, &err), 0);
	assert_int_equal(values.bandwidth, 1);
	assert_int_equal(parse("migration_bandwidth", "100000", &values, &err),
			 0);
	assert_int_equal(values.bandwidth, 100000);
	assert_int_equal(parse("any", "-5", &values, &err), 0);
	assert_int_equal(values.any, -5);
	assert_int_equal(parse("timeout", "1s", &values, &err), 0);
	assert_int_equal(values.timeout_ms, 1000);
	assert_int_equal(parse("timeout", "90min", &values, &err), 0);
	assert_int_equal(values.timeout_ms, 5400000);
	assert_int_equal(parse("flag", "off", &values, &err), 0);
	assert_false(values.flag);
	assert_int_equal(parse("colour", "red", &values, &err), 0);
	assert_int_equal(values.colour, 0);
	assert_int_equal(parse("words", "a b\n\tc", &values, &err), 0);
	assert_string_equal(values.words, "a b\n\tc");
}

static void
refused(void **state)
{
	static const struct {
		const char *name, *text, *sentence;
	} CASES[] = {
		{ "name", "",
		  "parameter name is required and not set; give "
		  "the name of the VM" },
		{ "name", "a\nb",
		  "parameter name: \"a?b\" contains a control character; "
		  "give text without line breaks" },
		{ "path", "etc",
		  "parameter path: \"etc\" is not an absolute path; give a "
		  "path that begins with /" },
		{ "uuid", "1234",
		  "parameter uuid: \"1234\" is not a UUID; give 8-4-4-4-12 "
		  "hexadecimal digits" },
		{ "flag", "maybe",
		  "parameter flag: \"maybe\" is not a boolean; give true or "
		  "false (also yes, no, on, off, 1, 0)" },
		{ "migration_bandwidth", "12x",
		  "parameter migration_bandwidth: \"12x\" is not an integer; "
		  "give MiB/s from 1 to 100000" },
		{ "migration_bandwidth", "0",
		  "parameter migration_bandwidth: \"0\" is out of range; "
		  "give MiB/s from 1 to 100000" },
		{ "migration_bandwidth", "100001",
		  "parameter migration_bandwidth: \"100001\" is out of range; "
		  "give MiB/s from 1 to 100000" },
		{ "any", "x",
		  "parameter any: \"x\" is not an integer; give a whole "
		  "number" },
		{ "timeout", "999ms",
		  "parameter timeout: \"999ms\" is out of range; give a time "
		  "from 1s to 90min, with a unit (ms, s, min, h)" },
		{ "timeout", "5400001ms",
		  "parameter timeout: \"5400001ms\" is out of range; give a "
		  "time from 1s to 90min, with a unit (ms, s, min, h)" },
		{ "timeout", "soon",
		  "parameter timeout: \"soon\" is not a time; give a time "
		  "from 1s to 90min, with a unit (ms, s, min, h)" },
		{ "colour", "Red",
		  "parameter colour: \"Red\" is not known; give one of red, "
		  "green" },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct ha_err err = HA_ERR_INIT;
		struct values values;

		assert_int_equal(
			parse(CASES[i].name, CASES[i].text, &values, &err),
			-EINVAL);
		assert_string_equal(err.text, CASES[i].sentence);
	}
}

static void
long_value_is_cut(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	struct values values;
	char text[4096];

	(void)state;
	memset(text, 'v', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(parse("colour", text, &values, &err), -EINVAL);
	assert_non_null(strstr(err.text, "vvv...\" is not known; give one of "
					 "red, green"));
}

static void
failure_leaves_value(void **state)
{
	struct values values = { .bandwidth = 42 };

	(void)state;
	for (const struct ha_param *p = TABLE; p->name; p++) {
		if (strcmp(p->name, "migration_bandwidth") == 0) {
			assert_int_equal(ha_param_set(p, "x", &values, NULL),
					 -EINVAL);
			assert_int_equal(values.bandwidth, 42);
			assert_int_equal(ha_param_set(p, NULL, &values, NULL),
					 0);
			assert_int_equal(values.bandwidth, 100);
		}
	}
}

static void
limits_in_words(void **state)
{
	const struct ha_param open_end = { .type = HA_PARAM_INT,
					   .min = 0,
					   .max = INT64_MAX };
	const struct ha_param times = { .type = HA_PARAM_DURATION,
					.min = 0,
					.max = 7200000 };
	const struct ha_param none = { .type = HA_PARAM_INT };
	char text[64];
	char tiny[4];

	(void)state;
	ha_param_limits(&open_end, text, sizeof(text));
	assert_string_equal(text, "0 or more");
	ha_param_limits(&times, text, sizeof(text));
	assert_string_equal(text, "0s to 2h");
	ha_param_limits(&none, text, sizeof(text));
	assert_string_equal(text, "");
	ha_param_limits(&times, tiny, sizeof(tiny));
	assert_string_equal(tiny, "0s ");
	ha_param_limits(&times, tiny, 0);
}

static void
ocf_types(void **state)
{
	static const char *const TYPES[] = {
		[HA_PARAM_STRING] = "string", [HA_PARAM_PATH] = "string",
		[HA_PARAM_UUID] = "string",   [HA_PARAM_BOOL] = "boolean",
		[HA_PARAM_INT] = "integer",   [HA_PARAM_DURATION] = "time",
		[HA_PARAM_ENUM] = "select",   [HA_PARAM_LIST] = "string",
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(TYPES); i++) {
		const struct ha_param param = { .type = (enum ha_param_type)i };

		assert_string_equal(ha_param_ocf_type(&param), TYPES[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(accepted),
		cmocka_unit_test(refused),
		cmocka_unit_test(long_value_is_cut),
		cmocka_unit_test(failure_leaves_value),
		cmocka_unit_test(limits_in_words),
		cmocka_unit_test(ocf_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
