/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parameter table to struct: the one place where a parameter's text becomes
 * a value, for agents (environment) and daemons (CIB) alike, so that both
 * accept and refuse the same. Decides on the text alone and never looks at
 * the host. Each refusal is a sentence with the name, the value, and what is
 * allowed instead.
 */
#include "ha/param.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ha/text.h"

#define VALUE_SHOWN 80 /* bytes of a value that a sentence repeats */
#define LIMITS_TEXT 128
#define CHOICES_TEXT 256
#define DURATION_TEXT 32

#define MS_PER_S 1000
#define MS_PER_MIN (60 * MS_PER_S)
#define MS_PER_H (60 * MS_PER_MIN)

int
ha_param_choice(const char *const *choices, const char *word)
{
	for (int i = 0; choices[i]; i++) {
		if (strcmp(choices[i], word) == 0) {
			return i;
		}
	}
	return -1;
}

const char *
ha_param_ocf_type(const struct ha_param *param)
{
	switch (param->type) {
	case HA_PARAM_BOOL:
		return "boolean";
	case HA_PARAM_INT:
		return "integer";
	case HA_PARAM_DURATION:
		return "time";
	case HA_PARAM_ENUM:
		return "select";
	case HA_PARAM_STRING:
	case HA_PARAM_PATH:
	case HA_PARAM_UUID:
	case HA_PARAM_LIST:
		return "string";
	}
	return "string";
}

static void
format_duration(int64_t ms, char text[DURATION_TEXT])
{
	static const struct {
		int64_t ms;
		const char *unit;
	} UNITS[] = {
		{ MS_PER_H, "h" },
		{ MS_PER_MIN, "min" },
		{ MS_PER_S, "s" },
		{ 1, "ms" },
	};

	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		/* "90s" says more than "5400000ms", and "0s" than "0h". */
		if ((ms != 0 && ms % UNITS[i].ms == 0) ||
		    (ms == 0 && UNITS[i].ms == MS_PER_S)) {
			snprintf(text, DURATION_TEXT, "%" PRId64 "%s",
				 ms / UNITS[i].ms, UNITS[i].unit);
			return;
		}
	}
}

static bool
has_limits(const struct ha_param *param)
{
	return param->min != 0 || param->max != 0;
}

void
ha_param_limits(const struct ha_param *param, char *ret_text, size_t size)
{
	char min[DURATION_TEXT] = "";
	char max[DURATION_TEXT] = "";
	bool open_end = param->max == INT64_MAX;

	if (size == 0) {
		return;
	}
	ret_text[0] = '\0';
	if (!has_limits(param)) {
		return;
	}
	if (param->type == HA_PARAM_DURATION) {
		format_duration(param->min, min);
		format_duration(param->max, max);
	} else if (param->type == HA_PARAM_INT) {
		snprintf(min, sizeof(min), "%" PRId64, param->min);
		snprintf(max, sizeof(max), "%" PRId64, param->max);
	} else {
		return;
	}
	snprintf(ret_text, size, open_end ? "%s or more%s" : "%s to %s", min,
		 open_end ? "" : max);
}

/* The value as a sentence shows it: cut, and without what would break the
 * line or the terminal it ends up on. */
static const char *
shown(const char *text, char buffer[VALUE_SHOWN + 4])
{
	size_t len = strnlen(text, VALUE_SHOWN + 1);
	size_t keep = len > VALUE_SHOWN ? VALUE_SHOWN : len;

	for (size_t i = 0; i < keep; i++) {
		unsigned char c = (unsigned char)text[i];

		buffer[i] = c < ' ' || c == 0x7f ? '?' : text[i];
	}
	memcpy(buffer + keep, len > VALUE_SHOWN ? "..." : "",
	       len > VALUE_SHOWN ? 4 : 1);
	return buffer;
}

static int
refuse(const struct ha_param *param, const char *text, const char *fault,
       const char *advice, struct ha_err *err)
{
	char buffer[VALUE_SHOWN + 4];

	return ha_err_set(err, -EINVAL, "parameter %s: \"%s\" %s; give %s",
			  param->name, shown(text, buffer), fault, advice);
}

static int
parse_int(const struct ha_param *param, const char *text, int64_t *ret_value,
	  struct ha_err *err)
{
	char limits[LIMITS_TEXT];
	char advice[2 * LIMITS_TEXT];
	int64_t value = 0;
	int rc = ha_text_int64(text, &value);

	if (rc == 0 && (!has_limits(param) ||
			(value >= param->min && value <= param->max))) {
		*ret_value = value;
		return 0;
	}
	ha_param_limits(param, limits, sizeof(limits));
	snprintf(advice, sizeof(advice), "%s%s%s",
		 param->unit ? param->unit : "a whole number",
		 limits[0] ? " from " : "", limits);
	return refuse(param, text,
		      rc == -EINVAL ? "is not an integer" : "is out of range",
		      advice, err);
}

static int
parse_duration(const struct ha_param *param, const char *text, uint64_t *ret_ms,
	       struct ha_err *err)
{
	char limits[LIMITS_TEXT];
	char advice[2 * LIMITS_TEXT];
	uint64_t ms = 0;
	int rc = ha_text_duration_ms(text, &ms);

	if (rc == 0 && ms <= INT64_MAX &&
	    (!has_limits(param) ||
	     ((int64_t)ms >= param->min && (int64_t)ms <= param->max))) {
		*ret_ms = ms;
		return 0;
	}
	ha_param_limits(param, limits, sizeof(limits));
	snprintf(advice, sizeof(advice),
		 "a time%s%s, with a unit (ms, s, min, h)",
		 limits[0] ? " from " : "", limits);
	return refuse(param, text,
		      rc == -EINVAL ? "is not a time" : "is out of range",
		      advice, err);
}

static int
parse_choice(const struct ha_param *param, const char *text, int *ret_value,
	     struct ha_err *err)
{
	char advice[CHOICES_TEXT] = "one of ";
	size_t used = strlen(advice);
	int index = ha_param_choice(param->choices, text);

	if (index >= 0) {
		*ret_value = index;
		return 0;
	}
	for (size_t i = 0; param->choices[i] && used < sizeof(advice); i++) {
		used += (size_t)snprintf(advice + used, sizeof(advice) - used,
					 "%s%s", i ? ", " : "",
					 param->choices[i]);
	}
	return refuse(param, text, "is not known", advice, err);
}

static int
check_string(const struct ha_param *param, const char *text, struct ha_err *err)
{
	char uuid[HA_UUID_TEXT];

	for (const char *c = text; *c; c++) {
		bool space = param->type == HA_PARAM_LIST &&
			     (*c == '\n' || *c == '\t');

		if (((unsigned char)*c < ' ' && !space) || *c == 0x7f) {
			return refuse(param, text,
				      "contains a control character",
				      "text without line breaks", err);
		}
	}
	if (param->type == HA_PARAM_PATH && text[0] != '/') {
		return refuse(param, text, "is not an absolute path",
			      "a path that begins with /", err);
	}
	if (param->type == HA_PARAM_UUID && ha_text_uuid(text, uuid) < 0) {
		return refuse(param, text, "is not a UUID",
			      "8-4-4-4-12 hexadecimal digits", err);
	}
	return 0;
}

static int
parse_bool(const struct ha_param *param, const char *text, bool *ret_value,
	   struct ha_err *err)
{
	if (ha_text_bool(text, ret_value) < 0) {
		return refuse(param, text, "is not a boolean",
			      "true or false (also yes, no, on, off, 1, 0)",
			      err);
	}
	return 0;
}

/* Zeroed storage is "not set" for each type. */
static int
store_text(const struct ha_param *param, const char *text, void *slot,
	   struct ha_err *err)
{
	int rc;

	switch (param->type) {
	case HA_PARAM_STRING:
	case HA_PARAM_PATH:
	case HA_PARAM_UUID:
	case HA_PARAM_LIST:
		rc = check_string(param, text, err);
		if (rc == 0) {
			*(const char **)slot = text;
		}
		return rc;
	case HA_PARAM_BOOL:
		return parse_bool(param, text, slot, err);
	case HA_PARAM_INT:
		return parse_int(param, text, slot, err);
	case HA_PARAM_DURATION:
		return parse_duration(param, text, slot, err);
	case HA_PARAM_ENUM:
		return parse_choice(param, text, slot, err);
	}
	return ha_err_set(err, -EINVAL,
			  "parameter %s: unknown type %d; a fault of the "
			  "agent's own table, report it",
			  param->name, (int)param->type);
}

int
ha_param_set(const struct ha_param *param, const char *text, void *values,
	     struct ha_err *err)
{
	void *slot = (char *)values + param->offset;

	if (!ha_text_is_empty(text)) {
		return store_text(param, text, slot, err);
	}
	if (param->def) {
		return store_text(param, param->def, slot, err);
	}
	if (param->flags & HA_PARAM_REQUIRED) {
		return ha_err_set(err, -EINVAL,
				  "parameter %s is required and not set; "
				  "give %s",
				  param->name, param->shortdesc);
	}
	return 0;
}

int
ha_params_parse(const struct ha_param *table, ha_param_getter get, void *ctx,
		void *values, struct ha_err *err)
{
	for (const struct ha_param *p = table; p->name; p++) {
		int rc = ha_param_set(p, get(ctx, p->name), values, err);

		if (rc < 0) {
			return rc;
		}
	}
	return 0;
}
