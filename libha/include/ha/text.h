/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict text to value conversions. Nothing is guessed: trailing rubbish,
 * overflow, a missing or unknown unit are errors (-EINVAL, -ERANGE), and
 * outputs stay untouched on failure. Used by parameters, records, configs.
 */
#ifndef HA_TEXT_H
#define HA_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HA_UUID_TEXT 37 /* 36 characters and the terminating NUL */

/* Decimal, optional sign. -EINVAL no number, -ERANGE does not fit. */
int ha_text_int64(const char *s, int64_t *ret_value);
int ha_text_uint64(const char *s, uint64_t *ret_value);

/* The spellings that Pacemaker accepts for booleans, any case:
 * true on yes y 1, false off no n 0. */
int ha_text_bool(const char *s, bool *ret_value);

/* A duration as Pacemaker writes it: a number with an optional unit
 * us, usec, ms, msec, s, sec, m, min, h, hr (none = seconds), any case. In
 * ms; microseconds are rounded up, so that none becomes 0. */
int ha_text_duration_ms(const char *s, uint64_t *ret_ms);

/* UUID in the 8-4-4-4-12 form, any case; the output is lower case. */
int ha_text_uuid(const char *s, char ret_uuid[HA_UUID_TEXT]);

/* Copies with termination; -ENAMETOOLONG (and no change) if it won't fit. */
int ha_text_copy(char *dst, size_t dst_size, const char *src);

/* True for a NULL or empty string. */
bool ha_text_is_empty(const char *s);

/* How many characters must be changed, added or taken away to make one word
 * of the other, any case: for "did you mean". Words longer than the bound
 * (bytes) have the bound itself as distance. */
#define HA_TEXT_DISTANCE_MAX 64
unsigned int ha_text_distance(const char *a, const char *b);

#endif
