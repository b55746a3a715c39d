/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What requests and answers are made of: arguments as they are read, numbers
 * and sentences as they are said. No client and no loop.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "ha/clock.h"
#include "heartbeat/serve.h"

#define SENTENCE_BYTES 1024

json_t *
hbs_failed(int code, const char *format, ...)
{
	char text[SENTENCE_BYTES];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return ha_ipc_failed(code, text);
}

json_t *
hbs_arg_text(const json_t *request, const char *name, const char **ret_text)
{
	const char *text = json_string_value(json_object_get(request, name));

	if (!text || !text[0]) {
		return hbs_failed(-EINVAL, "the request names no %s", name);
	}
	*ret_text = text;
	return NULL;
}

bool
hbs_arg_number(const json_t *request, const char *name, uint64_t *ret_value)
{
	const json_t *value = json_object_get(request, name);

	if (!json_is_integer(value) || json_integer_value(value) < 0) {
		return false;
	}
	*ret_value = (uint64_t)json_integer_value(value);
	return true;
}

json_t *
hbs_arg_host(struct hbs *s, const json_t *request, uint32_t *ret_slot)
{
	const char *host = "";
	json_t *failure = hbs_arg_text(request, "host", &host);
	uint32_t slot;

	if (failure) {
		return failure;
	}
	slot = ha_slot_find(&s->hb->table, host);
	if (slot == HA_SLOT_NONE) {
		return hbs_failed(-ENOENT,
				  "%s has no slot on the heartbeat datastores; "
				  "vmha heartbeat add-host %s gives it one",
				  host, host);
	}
	*ret_slot = slot;
	return NULL;
}

uint64_t
hbs_arg_deadline(const json_t *request)
{
	const json_t *budget = json_object_get(request, "budget_ms");
	uint64_t span_ms = HBS_ANSWER_MS;

	if (json_is_integer(budget) && json_integer_value(budget) >= 0) {
		span_ms = (uint64_t)json_integer_value(budget);
	}
	if (span_ms > HBS_BUDGET_MAX_MS) {
		span_ms = HBS_BUDGET_MAX_MS;
	}
	return ha_clock_now_ms() + span_ms;
}

const char *
hbs_store_name(const struct hbs *s, uint32_t store)
{
	return store < s->hb->conf.stores ? s->hb->conf.store[store] : "?";
}

json_t *
hbs_age(uint64_t now_ms, uint64_t then_ms)
{
	if (then_ms == 0) {
		return json_null();
	}
	return json_integer(now_ms > then_ms ? (json_int_t)(now_ms - then_ms) :
					       0);
}
