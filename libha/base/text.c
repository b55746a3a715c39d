/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict conversions of text that people and other programs wrote. They
 * don't use strtol() and friends, which skip white space, take "0x" and a
 * locale into account and wrap a negative number into an unsigned one; here
 * a text either is exactly the value or is refused. ASCII only, so that the
 * result never depends on the environment.
 */
#include "ha/text.h"

#include <errno.h>
#include <string.h>

#define US_PER_MS 1000u
#define MS_PER_S 1000u
#define MS_PER_MIN (60u * MS_PER_S)
#define MS_PER_H (60u * MS_PER_MIN)

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
equal_any_case(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

/* The digits at *s, which moves past them. All digits are consumed even when
 * they don't fit, so that "99999999999999999999x" is no number, and not one
 * that is too large. */
static int
take_digits(const char **s, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool fits = true;

	if (!is_digit(**s)) {
		return -EINVAL;
	}
	for (; is_digit(**s); (*s)++) {
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(**s - '0'),
					   &value)) {
			fits = false;
		}
	}
	*ret_value = value;
	return fits ? 0 : -ERANGE;
}

/* Sign and magnitude of a whole text. */
static int
parse_number(const char *s, bool *ret_negative, uint64_t *ret_magnitude)
{
	int rc;

	if (!s) {
		return -EINVAL;
	}
	*ret_negative = *s == '-';
	if (*s == '-' || *s == '+') {
		s++;
	}
	rc = take_digits(&s, ret_magnitude);
	return *s ? -EINVAL : rc;
}

int
ha_text_int64(const char *s, int64_t *ret_value)
{
	const uint64_t min_magnitude = (uint64_t)INT64_MAX + 1;
	uint64_t magnitude = 0;
	bool negative = false;
	int rc = parse_number(s, &negative, &magnitude);

	if (rc < 0) {
		return rc;
	}
	if (negative && magnitude == min_magnitude) {
		*ret_value = INT64_MIN;
		return 0;
	}
	if (magnitude > INT64_MAX) {
		return -ERANGE;
	}
	*ret_value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return 0;
}

int
ha_text_uint64(const char *s, uint64_t *ret_value)
{
	uint64_t magnitude = 0;
	bool negative = false;
	int rc = parse_number(s, &negative, &magnitude);

	if (rc < 0) {
		return rc;
	}
	if (negative && magnitude > 0) {
		return -ERANGE;
	}
	*ret_value = magnitude;
	return 0;
}

int
ha_text_bool(const char *s, bool *ret_value)
{
	/* crm_str_to_boolean() of Pacemaker; t and f are not documented
	 * there and not taken here. */
	static const char *const YES[] = { "true", "on", "yes", "y", "1" };
	static const char *const NO[] = { "false", "off", "no", "n", "0" };

	if (!s) {
		return -EINVAL;
	}
	for (size_t i = 0; i < sizeof(YES) / sizeof(YES[0]); i++) {
		if (equal_any_case(s, YES[i])) {
			*ret_value = true;
			return 0;
		}
		if (equal_any_case(s, NO[i])) {
			*ret_value = false;
			return 0;
		}
	}
	return -EINVAL;
}

int
ha_text_duration_ms(const char *s, uint64_t *ret_ms)
{
	static const struct {
		const char *word;
		uint64_t ms;
	} UNITS[] = {
		{ "", MS_PER_S },      { "s", MS_PER_S }, { "sec", MS_PER_S },
		{ "ms", 1 },           { "msec", 1 },     { "m", MS_PER_MIN },
		{ "min", MS_PER_MIN }, { "h", MS_PER_H }, { "hr", MS_PER_H },
	};
	uint64_t value = 0;
	int rc;

	if (!s) {
		return -EINVAL;
	}
	if (*s == '+') {
		s++;
	}
	rc = take_digits(&s, &value);
	if (rc == -EINVAL) {
		return rc;
	}
	if (equal_any_case(s, "us") || equal_any_case(s, "usec")) {
		if (rc == 0) {
			/* Up, or a short time would become "not set". */
			*ret_ms =
				value / US_PER_MS + (value % US_PER_MS ? 1 : 0);
		}
		return rc;
	}
	for (size_t i = 0; i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
		if (equal_any_case(s, UNITS[i].word)) {
			if (rc < 0 || __builtin_mul_overflow(value, UNITS[i].ms,
							     &value)) {
				return -ERANGE;
			}
			*ret_ms = value;
			return 0;
		}
	}
	return -EINVAL;
}

int
ha_text_uuid(const char *s, char ret_uuid[HA_UUID_TEXT])
{
	char uuid[HA_UUID_TEXT];

	if (!s) {
		return -EINVAL;
	}
	for (size_t i = 0; i < HA_UUID_TEXT - 1; i++) {
		char c = lower(s[i]);
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? c != '-' : !is_digit(c) && !(c >= 'a' && c <= 'f')) {
			return -EINVAL;
		}
		uuid[i] = c;
	}
	if (s[HA_UUID_TEXT - 1] != '\0') {
		return -EINVAL;
	}
	uuid[HA_UUID_TEXT - 1] = '\0';
	memcpy(ret_uuid, uuid, sizeof(uuid));
	return 0;
}

int
ha_text_copy(char *dst, size_t dst_size, const char *src)
{
	size_t len = strlen(src);

	if (len >= dst_size) {
		return -ENAMETOOLONG;
	}
	memmove(dst, src, len + 1);
	return 0;
}

bool
ha_text_is_empty(const char *s)
{
	return !s || *s == '\0';
}

unsigned int
ha_text_distance(const char *a, const char *b)
{
	unsigned int row[HA_TEXT_DISTANCE_MAX + 1];
	size_t len_a = strlen(a);
	size_t len_b = strlen(b);

	if (len_a > HA_TEXT_DISTANCE_MAX || len_b > HA_TEXT_DISTANCE_MAX) {
		return HA_TEXT_DISTANCE_MAX;
	}
	for (unsigned int j = 0; j <= len_b; j++) {
		row[j] = j;
	}
	for (unsigned int i = 0; i < len_a; i++) {
		unsigned int diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < len_b; j++) {
			unsigned int change =
				diagonal + (lower(a[i]) != lower(b[j]));
			unsigned int other =
				(row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;

			diagonal = row[j + 1];
			row[j + 1] = change < other ? change : other;
		}
	}
	return row[len_b];
}
