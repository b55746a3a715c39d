/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sentences for the operator. Both functions format into a buffer of their
 * own first, because a caller may well pass the old sentence as an argument
 * of the new one.
 */
#include "ha/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
store(struct ha_err *err, const char text[HA_ERR_TEXT])
{
	memcpy(err->text, text, strnlen(text, HA_ERR_TEXT - 1) + 1);
}

int
ha_err_set(struct ha_err *err, int code, const char *fmt, ...)
{
	char text[HA_ERR_TEXT];
	va_list args;

	if (!err) {
		return code;
	}
	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0) {
		text[0] = '\0';
	}
	va_end(args);
	store(err, text);
	return code;
}

int
ha_err_prefix(struct ha_err *err, int code, const char *fmt, ...)
{
	char text[HA_ERR_TEXT];
	size_t used;
	va_list args;

	if (!err) {
		return code;
	}
	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0) {
		text[0] = '\0';
	}
	va_end(args);
	used = strlen(text);
	snprintf(text + used, sizeof(text) - used, "%s", err->text);
	store(err, text);
	return code;
}
