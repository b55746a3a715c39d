/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What meta-data, usage and man page all say, said once: the facts of a
 * parameter, in words that come from its table entry alone, and the list of
 * actions that the agent advertises.
 */
#include <string.h>

#include "runtime/runtime.h"

#define LIMITS_TEXT 128
#define VALIDATE_TIMEOUT_S 20
#define META_DATA_TIMEOUT_S 5

const struct agent_action rt_validate_all = {
	.name = "validate-all",
	.timeout_s = VALIDATE_TIMEOUT_S,
};

static const struct agent_action META_DATA = {
	.name = "meta-data",
	.timeout_s = META_DATA_TIMEOUT_S,
};

static const char *
type_words(const struct ha_param *param)
{
	switch (param->type) {
	case HA_PARAM_STRING:
		return "text";
	case HA_PARAM_PATH:
		return "absolute path";
	case HA_PARAM_UUID:
		return "UUID";
	case HA_PARAM_BOOL:
		return "boolean";
	case HA_PARAM_INT:
		return "integer";
	case HA_PARAM_DURATION:
		return "time";
	case HA_PARAM_ENUM:
		return "one of";
	case HA_PARAM_LIST:
		return "words separated by blanks";
	}
	return "text";
}

void
rt_describe_param(const struct ha_param *param, FILE *out)
{
	char limits[LIMITS_TEXT];

	fputs(type_words(param), out);
	if (param->type == HA_PARAM_ENUM) {
		for (size_t i = 0; param->choices[i]; i++) {
			fprintf(out, "%s %s", i ? "," : "", param->choices[i]);
		}
	}
	if (param->unit) {
		fprintf(out, " (%s)", param->unit);
	}
	ha_param_limits(param, limits, sizeof(limits));
	if (limits[0]) {
		fprintf(out, " from %s", limits);
	}
	if (param->flags & HA_PARAM_REQUIRED) {
		fputs("; required", out);
	}
	if (param->def) {
		fprintf(out, "; default %s",
			param->def[0] ? param->def : "empty");
	}
	if (param->flags & HA_PARAM_UNIQUE) {
		fputs("; no two resources may share a value", out);
	}
	if (param->flags & HA_PARAM_RELOADABLE) {
		fputs("; a change needs no restart", out);
	}
}

const char *
rt_describe_inert(const struct ha_param *param)
{
	return param->flags & HA_PARAM_INERT ?
		       "(read by vmha's fault domain manager; no effect "
		       "without it)" :
		       NULL;
}

static bool
has_validate_all(const struct agent_desc *desc)
{
	for (const struct agent_action *a = desc->actions; a->name; a++) {
		if (strcmp(a->name, rt_validate_all.name) == 0) {
			return true;
		}
	}
	return false;
}

const struct agent_action *
rt_describe_action(const struct agent_desc *desc, size_t *index)
{
	size_t n = 0;
	size_t i = (*index)++;

	while (desc->actions[n].name) {
		n++;
	}
	if (i < n) {
		return &desc->actions[i];
	}
	if (i == n) {
		return &META_DATA;
	}
	return i == n + 1 && !has_validate_all(desc) ? &rt_validate_all : NULL;
}

bool
rt_describe_is_again(const struct agent_desc *desc,
		     const struct agent_action *action)
{
	for (const struct agent_action *a = desc->actions; a->name; a++) {
		if (a == action) {
			return false;
		}
		if (strcmp(a->name, action->name) == 0) {
			return true;
		}
	}
	return false;
}
