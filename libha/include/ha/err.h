/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an operator should read when something fails. The sentence names the
 * object, the value, the limit and what to do. Fixed size, no allocation, so
 * that reporting a failure can't fail. A return value carries the class of
 * the failure (negative errno), this carries the words.
 */
#ifndef HA_ERR_H
#define HA_ERR_H

#include <stddef.h>

#define HA_ERR_TEXT 512

struct ha_err {
	char text[HA_ERR_TEXT]; /* empty: nothing was said */
};

#define HA_ERR_INIT       \
	{                 \
		{         \
			0 \
		}         \
	}

/* Sets the sentence; err may be NULL. Returns `code` (a negative errno), so
 * that "return ha_err_set(err, -EINVAL, ...)" is the usual way to fail. */
int ha_err_set(struct ha_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts words in front of the sentence, "web1: disk vda: ..."; what no longer
 * fits is cut at the end. Returns `code` unchanged. */
int ha_err_prefix(struct ha_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
