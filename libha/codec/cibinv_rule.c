/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules of location constraints, as far as node attributes decide them (rules
 * in "Pacemaker Explained"). Dates, resource parameters and what else is not
 * known here make a rule unknown, never true or false by guess.
 */
#include <string.h>

#include "cibinv.h"
#include "ha/text.h"

#define DEPTH_MAX 16u /* rules in rules */

static const char *
attribute(const struct ci *ci, uint32_t host, const char *name)
{
	const struct ci_host *one = &ci->ci_hosts[host];
	const char *value;

	if (strcmp(name, "#uname") == 0) {
		return one->name;
	}
	if (strcmp(name, "#id") == 0) {
		return ci_text(ci, one->node, "id");
	}
	if (strcmp(name, "#kind") == 0) {
		return "cluster";
	}
	/* A transient attribute hides a permanent one. */
	value = ci_nv(ci, one->transient, "instance_attributes", name);
	return value ? value :
		       ci_nv(ci, one->node, "instance_attributes", name);
}

/* Pacemaker's default is a number for what has order, else a text (tried with
 * 2.1.5). */
static bool
is_text(const char *type, const char *operation)
{
	return strcmp(type, "string") == 0 ||
	       (!*type &&
		(strcmp(operation, "eq") == 0 || strcmp(operation, "ne") == 0));
}

static int
compare(bool as_text, const char *a, const char *b)
{
	int64_t one = 0;
	int64_t other = 0;

	if (!as_text && ha_text_int64(a, &one) == 0 &&
	    ha_text_int64(b, &other) == 0) {
		return (one > other) - (one < other);
	}
	return strcmp(a, b);
}

static enum ci_truth
truth(bool is)
{
	return is ? CI_YES : CI_NO;
}

static enum ci_truth
expression(const struct ci *ci, const void *at, uint32_t host)
{
	const char *name = ci_text(ci, at, "attribute");
	const char *operation = ci_text(ci, at, "operation");
	const char *source = ci_text(ci, at, "value-source");
	const char *type = ci_text(ci, at, "type");
	const char *value = attribute(ci, host, name);
	int order;

	if (strcmp(operation, "defined") == 0) {
		return truth(value != NULL);
	}
	if (strcmp(operation, "not_defined") == 0) {
		return truth(value == NULL);
	}
	if ((*source && strcmp(source, "literal") != 0) ||
	    strcmp(type, "version") == 0 || strcmp(name, "#is_dc") == 0) {
		return CI_UNKNOWN;
	}
	/* An attribute that is not there differs from everything. */
	if (!value) {
		return truth(strcmp(operation, "ne") == 0);
	}
	order = compare(is_text(type, operation), value,
			ci_text(ci, at, "value"));
	if (strcmp(operation, "eq") == 0) {
		return truth(order == 0);
	}
	if (strcmp(operation, "ne") == 0) {
		return truth(order != 0);
	}
	if (strcmp(operation, "lt") == 0) {
		return truth(order < 0);
	}
	if (strcmp(operation, "lte") == 0) {
		return truth(order <= 0);
	}
	if (strcmp(operation, "gt") == 0) {
		return truth(order > 0);
	}
	return strcmp(operation, "gte") == 0 ? truth(order >= 0) : CI_UNKNOWN;
}

static enum ci_truth
holds(const struct ci *ci, const void *rule, uint32_t host, unsigned int depth)
{
	bool is_or = strcmp(ci_text(ci, rule, "boolean-op"), "or") == 0;
	enum ci_truth result = is_or ? CI_NO : CI_YES;
	const void *at = ci->tree->first(rule);

	if (depth > DEPTH_MAX) {
		return CI_UNKNOWN;
	}
	for (; at; at = ci->tree->next(at)) {
		enum ci_truth one = CI_UNKNOWN;

		if (ci_is(ci, at, "expression")) {
			one = expression(ci, at, host);
		} else if (ci_is(ci, at, "rule")) {
			one = holds(ci, at, host, depth + 1);
		}
		if (one == (is_or ? CI_YES : CI_NO)) {
			return one;
		}
		result = one == CI_UNKNOWN ? CI_UNKNOWN : result;
	}
	return result;
}

enum ci_truth
ci_rule_holds(const struct ci *ci, const void *rule, uint32_t host)
{
	return holds(ci, rule, host, 0);
}
