/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libha/codec/door: what commands ask of the master, and what it answers. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ha/admission.h"
#include "ha/door.h"

#define NONCE "0123456789abcdef"

static void
a_question_reads_back(void **state)
{
	struct ha_door_ask ask;
	char text[HA_DOOR_TEXT];

	(void)state;
	assert_int_equal(ha_door_ask_parse(NONCE " remove-host h2", &ask), 0);
	assert_int_equal(ask.kind, HA_DOOR_REMOVE_HOST);
	assert_string_equal(ask.nonce, NONCE);
	assert_string_equal(ask.object, "h2");
	assert_int_equal(ha_door_ask_format(&ask, text), 0);
	assert_string_equal(text, NONCE " remove-host h2");
	assert_int_equal(
		ha_door_ask_parse(NONCE " raise web-1.a:0 0 10000000000", &ask),
		0);
	assert_int_equal(ask.kind, HA_DOOR_RAISE);
	assert_string_equal(ask.object, "web-1.a:0");
	assert_int_equal(ask.cpu_mhz, 0);
	assert_true(ask.memory_mb == HA_ADMISSION_MEMORY_MB_MAX);
	assert_int_equal(ha_door_ask_format(&ask, text), 0);
	assert_string_equal(text, NONCE " raise web-1.a:0 0 10000000000");
}

static void
without_a_nonce_it_is_nothing(void **state)
{
	static const char *const BAD[] = {
		"",
		" ",
		NONCE,
		"0123456789abcde remove-host h2",
		"0123456789abcdef0 remove-host h2",
		"0123456789ABCDEF remove-host h2",
		" " NONCE " remove-host h2",
		"remove-host h2",
	};
	struct ha_door_ask ask;

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		assert_int_equal(ha_door_ask_parse(BAD[i], &ask), -EINVAL);
	}
}

static void
what_is_not_understood_keeps_its_nonce(void **state)
{
	static const char *const BAD[] = {
		NONCE " ",
		NONCE " remove-host",
		NONCE " remove-host ",
		NONCE " remove-host h2 h3",
		NONCE "  remove-host h2",
		NONCE " remove-host h2 ",
		NONCE " remove-host -h2",
		NONCE " remove-host h\"2",
		NONCE " remove-host h\n2",
		NONCE " remove-hosts h2",
		NONCE " raise web1 1",
		NONCE " raise web1 1 2 3",
		NONCE " raise web1 -1 2",
		NONCE " raise web1 +1 2",
		NONCE " raise web1 1 2M",
		NONCE " raise web1 1 18446744073709551616",
		/* Beyond what admission control counts with. */
		NONCE " raise web1 1 10000000001",
		NONCE " raise web1 1000000001 1",
	};
	struct ha_door_ask ask;

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		memset(&ask, 'x', sizeof(ask));
		assert_int_equal(ha_door_ask_parse(BAD[i], &ask), -EOPNOTSUPP);
		assert_string_equal(ask.nonce, NONCE);
		assert_string_equal(ask.object, "");
	}
}

static void
too_long_is_nothing(void **state)
{
	struct ha_door_ask ask = { .nonce = NONCE };
	struct ha_door_answer answer;
	char text[HA_DOOR_TEXT + 1];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, NONCE " remove-host ", strlen(NONCE " remove-host "));
	text[HA_DOOR_TEXT] = '\0';
	assert_int_equal(ha_door_ask_parse(text, &ask), -EINVAL);
	text[strlen(NONCE " remove-host ") + HA_DOOR_OBJECT] = '\0';
	assert_int_equal(ha_door_ask_parse(text, &ask), -EOPNOTSUPP);
	text[strlen(NONCE " remove-host ") + HA_DOOR_OBJECT - 1] = '\0';
	assert_int_equal(ha_door_ask_parse(text, &ask), 0);
	memset(text, 'a', HA_DOOR_TEXT);
	memcpy(text, NONCE " no ", strlen(NONCE " no "));
	assert_int_equal(ha_door_answer_parse(text, &answer), -EINVAL);
}

static void
no_name_is_not_asked_about(void **state)
{
	static const char *const BAD[] = { "", "a b", "-a", "a\"b", "a<" };
	struct ha_door_ask ask = { .nonce = NONCE };
	char text[HA_DOOR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		snprintf(ask.object, sizeof(ask.object), "%s", BAD[i]);
		assert_int_equal(ha_door_ask_format(&ask, text), -EINVAL);
	}
}

static void
an_answer_reads_back(void **state)
{
	struct ha_door_answer answer;
	struct ha_door_answer again;
	char text[HA_DOOR_TEXT];

	(void)state;
	assert_int_equal(ha_door_answer_parse(NONCE " yes", &answer), 0);
	assert_true(answer.is_yes);
	ha_door_answer_format(&answer, text);
	assert_string_equal(text, NONCE " yes");
	assert_int_equal(ha_door_answer_parse(
				 NONCE " no \"h1\" & 50 % are full", &answer),
			 0);
	assert_false(answer.is_yes);
	assert_string_equal(answer.text, "\"h1\" & 50 % are full");
	ha_door_answer_format(&answer, text);
	assert_string_equal(text, NONCE " no \"h1\" & 50 % are full");
	/* As long as it may be: it is cut, and is an answer. */
	memset(answer.text, 'a', sizeof(answer.text) - 1);
	answer.text[sizeof(answer.text) - 1] = '\0';
	ha_door_answer_format(&answer, text);
	assert_int_equal(ha_door_answer_parse(text, &again), 0);
	assert_false(again.is_yes);
	/* A no without a reason is a no. */
	answer.text[0] = '\0';
	ha_door_answer_format(&answer, text);
	assert_int_equal(ha_door_answer_parse(text, &again), 0);
	assert_false(again.is_yes);
}

static void
nothing_else_is_a_yes(void **state)
{
	static const char *const BAD[] = {
		"",
		NONCE,
		NONCE " ",
		NONCE " YES",
		NONCE " yes ",
		NONCE " yes h2",
		NONCE " y",
		NONCE " no",
		NONCE " no ",
		NONCE "  yes",
		"0123456789abcdeg yes",
		"yes",
	};
	struct ha_door_answer answer = { .is_yes = false };

	(void)state;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		assert_int_equal(ha_door_answer_parse(BAD[i], &answer),
				 -EINVAL);
		assert_false(answer.is_yes);
	}
}

/* The lock outlives whoever may commit: docs/TIMEOUTS.md. */
static void
a_yes_is_held_beyond_the_last_commit(void **state)
{
	const unsigned int longest_write_ms = 30000;
	const unsigned int writes = 2; /* places, then standby */

	(void)state;
	assert_true(HA_DOOR_ANSWER_MS < HA_DOOR_COMMIT_MS);
	assert_true(HA_DOOR_COMMIT_MS + writes * longest_write_ms <
		    HA_DOOR_HOLD_MS);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_reads_back),
		cmocka_unit_test(without_a_nonce_it_is_nothing),
		cmocka_unit_test(what_is_not_understood_keeps_its_nonce),
		cmocka_unit_test(too_long_is_nothing),
		cmocka_unit_test(no_name_is_not_asked_about),
		cmocka_unit_test(an_answer_reads_back),
		cmocka_unit_test(nothing_else_is_a_yes),
		cmocka_unit_test(a_yes_is_held_beyond_the_last_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
