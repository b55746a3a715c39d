/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parameter parser with a table of every type: the input is the value of
 * each parameter in turn. An accepted value lies within its limits; a
 * refused one has a sentence of one printable line.
 */
#include <stdbool.h>

#include "fuzz.h"
#include "ha/param.h"

struct values {
	const char *text;
	bool flag;
	int64_t number;
	uint64_t ms;
	int choice;
};

static const char *const CHOICES[] = { "low", "high", NULL };

#define AT(field) .offset = offsetof(struct values, field)

static const struct ha_param TABLE[] = {
	{ .name = "string", .type = HA_PARAM_STRING, AT(text) },
	{ .name = "path", .type = HA_PARAM_PATH, AT(text) },
	{ .name = "uuid", .type = HA_PARAM_UUID, AT(text) },
	{ .name = "list", .type = HA_PARAM_LIST, AT(text) },
	{ .name = "bool", .type = HA_PARAM_BOOL, AT(flag) },
	{ .name = "int",
	  .type = HA_PARAM_INT,
	  .min = -5,
	  .max = 100000,
	  AT(number) },
	{ .name = "duration",
	  .type = HA_PARAM_DURATION,
	  .min = 1000,
	  .max = 3600000,
	  AT(ms) },
	{ .name = "enum",
	  .type = HA_PARAM_ENUM,
	  .choices = CHOICES,
	  AT(choice) },
	{ .name = NULL },
};

static void
check_accepted(const struct ha_param *param, const struct values *values)
{
	if (param->type == HA_PARAM_INT) {
		fuzz_expect(values->number >= param->min &&
			    values->number <= param->max);
	}
	if (param->type == HA_PARAM_DURATION) {
		fuzz_expect(values->ms >= (uint64_t)param->min &&
			    values->ms <= (uint64_t)param->max);
	}
	if (param->type == HA_PARAM_PATH) {
		fuzz_expect(values->text[0] == '/');
	}
	if (param->type == HA_PARAM_ENUM) {
		fuzz_expect(values->choice == 0 || values->choice == 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ha_autofree char *text = fuzz_text(data, size);

	if (text[0] == '\0') {
		return 0;
	}
	for (const struct ha_param *p = TABLE; p->name; p++) {
		struct values values = { .text = "" };
		struct ha_err err = HA_ERR_INIT;

		if (ha_param_set(p, text, &values, &err) == 0) {
			check_accepted(p, &values);
			continue;
		}
		fuzz_expect(err.text[0] != '\0');
		for (const char *c = err.text; *c; c++) {
			fuzz_expect((unsigned char)*c >= ' ');
		}
	}
	return 0;
}
