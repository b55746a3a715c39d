/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Elements and values of a CIB, by the caller's tree: never a copy.
 */
#include <string.h>

#include "cibinv.h"
#include "ha/text.h"

bool
ci_is(const struct ci *ci, const void *element, const char *name)
{
	return strcmp(ci->tree->name(element), name) == 0;
}

const char *
ci_text(const struct ci *ci, const void *element, const char *attr)
{
	const char *text = element ? ci->tree->attr(element, attr) : NULL;

	return text ? text : "";
}

static const void *
same(const struct ci *ci, const void *at, const char *name)
{
	while (at && !ci_is(ci, at, name)) {
		at = ci->tree->next(at);
	}
	return at;
}

const void *
ci_first(const struct ci *ci, const void *parent, const char *name)
{
	return same(ci, parent ? ci->tree->first(parent) : NULL, name);
}

const void *
ci_next(const struct ci *ci, const void *element, const char *name)
{
	return same(ci, ci->tree->next(element), name);
}

const char *
ci_nv(const struct ci *ci, const void *element, const char *set,
      const char *name)
{
	const void *at = ci_first(ci, element, set);

	for (; at; at = ci_next(ci, at, set)) {
		const void *pair = ci_first(ci, at, "nvpair");

		if (ci_first(ci, at, "rule")) {
			continue;
		}
		for (; pair; pair = ci_next(ci, pair, "nvpair")) {
			if (strcmp(ci_text(ci, pair, "name"), name) == 0) {
				return ci->tree->attr(pair, "value");
			}
		}
	}
	return NULL;
}

bool
ci_is_true(const char *value)
{
	bool is = false;

	return value && ha_text_bool(value, &is) == 0 && is;
}

bool
ci_is_joined(const char *value)
{
	uint64_t when = 0;

	return ci_is_true(value) || strcmp(value, "online") == 0 ||
	       (ha_text_uint64(value, &when) == 0 && when > 0);
}

bool
ci_score(const char *text, int *ret_score)
{
	int64_t score = 0;
	const char *bare = *text == '+' || *text == '-' ? text + 1 : text;

	if (strcmp(bare, "INFINITY") == 0 || strcmp(bare, "inf") == 0) {
		*ret_score = *text == '-' ? -CI_INFINITY : CI_INFINITY;
		return true;
	}
	if (ha_text_int64(text, &score) < 0) {
		return false;
	}
	*ret_score = score >= CI_INFINITY  ? CI_INFINITY :
		     score <= -CI_INFINITY ? -CI_INFINITY :
					     (int)score;
	return true;
}

bool
ci_value(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (ha_text_uint64(text, &value) < 0 || value > CI_VALUE_MAX) {
		return false;
	}
	*ret_value = value;
	return true;
}
