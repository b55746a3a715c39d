// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line: key=value, separated by spaces. An unknown key or a value
 * out of range is said on the serial line and otherwise ignored, because a
 * guest that refuses to start would look like the failure under test.
 */
#include "nano.h"

#define TICK_HZ_DEFAULT 10u
#define TICK_HZ_MIN 1u
#define TICK_HZ_MAX 50u
#define SECONDS_MAX 1000000u
#define DIRTY_KIB_MAX (1024u * 1024u)

static bool
is_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static bool
number_parse(const char *s, uint32_t max, uint32_t *ret_v)
{
	uint32_t v = 0;

	if (!*s) {
		return false;
	}
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || v > max / 10) {
			return false;
		}
		v = v * 10 + (uint32_t)(*s - '0');
	}
	if (v > max) {
		return false;
	}
	*ret_v = v;
	return true;
}

static bool
power_parse(char *value, struct options *o)
{
	static const char slow[] = "slow:";

	if (is_equal(value, "clean")) {
		o->power = POWER_CLEAN;
		return true;
	}
	if (is_equal(value, "ignore")) {
		o->power = POWER_IGNORE;
		return true;
	}
	for (size_t i = 0; i < sizeof(slow) - 1; i++) {
		if (value[i] != slow[i]) {
			return false;
		}
	}
	if (!number_parse(value + sizeof(slow) - 1, SECONDS_MAX, &o->slow_s)) {
		return false;
	}
	o->power = POWER_SLOW;
	return true;
}

static bool
flag_parse(const char *value, bool *ret_flag)
{
	uint32_t v;

	if (!number_parse(value, 1, &v)) {
		return false;
	}
	*ret_flag = v;
	return true;
}

static bool
option_parse(const char *key, char *value, struct options *o)
{
	const struct {
		const char *key;
		uint32_t *to;
		uint32_t min, max;
	} numbers[] = {
		{ "tick_hz", &o->tick_hz, TICK_HZ_MIN, TICK_HZ_MAX },
		{ "panic", &o->panic_s, 0, SECONDS_MAX },
		{ "reset", &o->reset_s, 0, SECONDS_MAX },
		{ "poweroff", &o->poweroff_s, 0, SECONDS_MAX },
		{ "stuck", &o->stuck_s, 0, SECONDS_MAX },
		{ "agent", &o->agent_s, 0, SECONDS_MAX },
		{ "heartbeat", &o->heartbeat_s, 0, SECONDS_MAX },
		{ "dirty", &o->dirty_kib, 0, DIRTY_KIB_MAX },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		uint32_t v;

		if (!is_equal(key, numbers[i].key)) {
			continue;
		}
		if (!number_parse(value, numbers[i].max, &v) ||
		    v < numbers[i].min) {
			return false;
		}
		*numbers[i].to = v;
		return true;
	}
	if (is_equal(key, "power")) {
		return power_parse(value, o);
	}
	if (is_equal(key, "spin")) {
		return flag_parse(value, &o->spin);
	}
	if (is_equal(key, "agent_dumb")) {
		return flag_parse(value, &o->agent_dumb);
	}
	return is_equal(key, "flush") && flag_parse(value, &o->flush);
}

/* Takes the text apart in place. */
void
options_parse(char *text, struct options *ret_o)
{
	static char none[1];
	struct options o = {
		.tick_hz = TICK_HZ_DEFAULT,
		.power = POWER_CLEAN,
		.flush = true,
	};

	while (*text) {
		char *key = text, *value = none;

		while (*text && *text != ' ') {
			if (*text == '=' && value == none) {
				*text = '\0';
				value = text + 1;
			}
			text++;
		}
		if (*text) {
			*text++ = '\0';
		}
		if (*key && !option_parse(key, value, &o)) {
			say("nano: ignored option %s=%s\n", key, value);
		}
	}
	*ret_o = o;
}
