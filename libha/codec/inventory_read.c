/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict reading of JSON values: what is not exactly as described is refused
 * with its place. Nothing is converted, guessed or passed over.
 */
#include "inventory_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ha/text.h"

#define NEAR_MAX 3u /* letters apart that still make a suggestion */

int
inv_bad(const struct inv_at *at, struct ha_err *err, const char *fmt, ...)
{
	char text[HA_ERR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ha_err_set(err, -EINVAL, ": %s", text);
	for (; at; at = at->up) {
		if (at->key) {
			ha_err_prefix(err, -EINVAL, "%s%s", at->up ? "." : "",
				      at->key);
		} else {
			ha_err_prefix(err, -EINVAL, "[%zu]", at->index);
		}
	}
	/* Keys and words of the file are shown on terminals. */
	for (char *c = err ? err->text : NULL; c && *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			*c = '?';
		}
	}
	return -EINVAL;
}

static const char *
type_text(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a text";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a number with a fraction or an exponent";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

static const char *
nearest(const char *const *keys, const char *key)
{
	const char *best = NULL;
	unsigned int least = NEAR_MAX + 1;

	for (; *keys; keys++) {
		unsigned int far = ha_text_distance(key, *keys);

		if (far < least) {
			least = far;
			best = *keys;
		}
	}
	return best;
}

int
inv_object(const json_t *value, const struct inv_at *at,
	   const char *const *keys, struct ha_err *err)
{
	union {
		const json_t *in;
		json_t *out; /* jansson's iterators take no const */
	} object = { .in = value };
	const char *key;
	json_t *it;

	if (!json_is_object(value)) {
		return inv_bad(at, err, "%s where an object is wanted",
			       type_text(value));
	}
	json_object_foreach(object.out, key, it)
	{
		struct inv_at here = { at, key, 0 };
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], key) != 0) {
			i++;
		}
		if (!keys[i]) {
			const char *near = nearest(keys, key);

			return inv_bad(&here, err, "there is no such key%s%s%s",
				       near ? ", did you mean \"" : "",
				       near ? near : "", near ? "\"?" : "");
		}
	}
	return 0;
}

int
inv_array(const json_t *object, const struct inv_at *at, const char *key,
	  bool is_needed, json_t **ret_array, struct ha_err *err)
{
	struct inv_at here = { at, key, 0 };
	json_t *array = json_object_get(object, key);

	if (!array || (json_is_null(array) && !is_needed)) {
		*ret_array = NULL;
		return is_needed ? inv_bad(&here, err, "this list is missing") :
				   0;
	}
	if (!json_is_array(array)) {
		return inv_bad(&here, err, "%s where a list is wanted",
			       type_text(array));
	}
	*ret_array = array;
	return 0;
}

int
inv_read_number(const json_t *object, const struct inv_at *at,
		const struct inv_number *number, uint64_t *ret_value,
		bool *ret_is_given, struct ha_err *err)
{
	struct inv_at here = { at, number->key, 0 };
	const json_t *value = json_object_get(object, number->key);
	json_int_t n;

	if (ret_is_given) {
		*ret_is_given = value && !json_is_null(value);
	}
	if (!value || json_is_null(value)) {
		*ret_value = number->fallback;
		return number->is_needed ?
			       inv_bad(&here, err, "this number is missing") :
			       0;
	}
	if (!json_is_integer(value)) {
		return inv_bad(&here, err, "%s where a whole number is wanted",
			       type_text(value));
	}
	n = json_integer_value(value);
	if (n < 0 || (uint64_t)n < number->min || (uint64_t)n > number->max) {
		return inv_bad(&here, err,
			       "%" JSON_INTEGER_FORMAT " is not from %" PRIu64
			       " to %" PRIu64,
			       n, number->min, number->max);
	}
	*ret_value = (uint64_t)n;
	return 0;
}

int
inv_read_bool(const json_t *object, const struct inv_at *at, const char *key,
	      bool fallback, bool *ret_value, struct ha_err *err)
{
	struct inv_at here = { at, key, 0 };
	const json_t *value = json_object_get(object, key);

	if (value && !json_is_boolean(value)) {
		return inv_bad(&here, err, "%s where true or false is wanted",
			       type_text(value));
	}
	*ret_value = value ? json_is_true(value) : fallback;
	return 0;
}

int
inv_read_word(const json_t *object, const struct inv_at *at, const char *key,
	      const struct inv_word *words, int fallback, int *ret_value,
	      struct ha_err *err)
{
	struct inv_at here = { at, key, 0 };
	const json_t *value = json_object_get(object, key);
	char list[160] = "";
	size_t used = 0;

	if (!value) {
		*ret_value = fallback;
		return 0;
	}
	if (!json_is_string(value)) {
		return inv_bad(&here, err, "%s where a word is wanted",
			       type_text(value));
	}
	for (size_t i = 0; words[i].word; i++) {
		int n = snprintf(list + used, sizeof(list) - used, "%s%s",
				 i ? ", " : "", words[i].word);

		used += n > 0 && (size_t)n < sizeof(list) - used ? (size_t)n :
								   0;
		if (strcmp(words[i].word, json_string_value(value)) == 0) {
			*ret_value = words[i].value;
			return 0;
		}
	}
	return inv_bad(&here, err, "\"%.64s\" is none of: %s",
		       json_string_value(value), list);
}

int
inv_name_check(const json_t *value, const struct inv_at *at, struct ha_err *err)
{
	const char *name = json_string_value(value);

	if (!name) {
		return inv_bad(at, err, "%s where a name is wanted",
			       type_text(value));
	}
	if (!*name || strlen(name) > HA_INVENTORY_NAME_MAX) {
		return inv_bad(at, err, "a name has 1 to %u bytes",
			       HA_INVENTORY_NAME_MAX);
	}
	for (const char *c = name; *c; c++) {
		/* It is shown on terminals. */
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			return inv_bad(at, err,
				       "a name has no control characters");
		}
	}
	return 0;
}

int
inv_read_name(const json_t *object, const struct inv_at *at, const char *key,
	      const char **ret_name, struct ha_err *err)
{
	struct inv_at here = { at, key, 0 };
	const json_t *value = json_object_get(object, key);
	int rc;

	if (!value || json_is_null(value)) {
		*ret_name = NULL;
		return 0;
	}
	rc = inv_name_check(value, &here, err);
	if (rc == 0) {
		*ret_name = json_string_value(value);
	}
	return rc;
}

static int
compare_names(const void *left, const void *right)
{
	const struct inv_name *a = left;
	const struct inv_name *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->index > b->index) - (a->index < b->index);
}

int
inv_names_sort(struct inv_name *names, uint32_t n, const char *array,
	       struct ha_err *err)
{
	qsort(names, n, sizeof(*names), compare_names);
	for (uint32_t i = 1; i < n; i++) {
		if (strcmp(names[i - 1].name, names[i].name) == 0) {
			struct inv_at top = { NULL, array, 0 };
			struct inv_at it = { &top, NULL, names[i].index };
			struct inv_at here = { &it, "name", 0 };

			return inv_bad(
				&here, err,
				"\"%s\" is the name of %s[%" PRIu32 "] already",
				names[i].name, array, names[i - 1].index);
		}
	}
	return 0;
}

uint32_t
inv_names_find(const struct inv_name *names, uint32_t n, const char *name)
{
	uint32_t low = 0;

	while (low < n) {
		uint32_t middle = low + (n - low) / 2;
		int order = strcmp(name, names[middle].name);

		if (order == 0) {
			return names[middle].index;
		}
		if (order < 0) {
			n = middle;
		} else {
			low = middle + 1;
		}
	}
	return HA_INV_NONE;
}

static int
compare_indices(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

int
inv_read_names(const json_t *array, const struct inv_at *at,
	       const struct inv_name *names, uint32_t n, const char *what,
	       uint32_t *ret_indices, struct ha_err *err)
{
	size_t count = json_array_size(array);

	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_array_get(array, i);
		struct inv_at here = { at, NULL, i };
		int rc = inv_name_check(value, &here, err);

		if (rc < 0) {
			return rc;
		}
		ret_indices[i] =
			inv_names_find(names, n, json_string_value(value));
		if (ret_indices[i] == HA_INV_NONE) {
			return inv_bad(&here, err, "there is no %s \"%s\"",
				       what, json_string_value(value));
		}
	}
	if (count > 1) {
		qsort(ret_indices, count, sizeof(*ret_indices),
		      compare_indices);
	}
	for (size_t i = 1; i < count; i++) {
		if (ret_indices[i - 1] == ret_indices[i]) {
			return inv_bad(at, err, "a %s is named twice", what);
		}
	}
	return 0;
}
