/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See ha/door.h. Anybody who may write node attributes can write these: what
 * is not exactly a question or an answer is none. Never guesses, and keeps the
 * nonce of a question that it does not understand, so that it can be refused.
 */
#include "ha/door.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ha/admission.h"
#include "ha/text.h"

#define WORD_REMOVE "remove-host"
#define WORD_RAISE "raise"
#define WORD_YES "yes"
#define WORD_NO "no "
#define WORDS_MAX 5u
#define WORD_BYTES HA_DOOR_OBJECT

struct words {
	char word[WORDS_MAX][WORD_BYTES];
	uint32_t count;
};

/* What XML, XPath and a command line pass on as it is. */
static bool
is_name(const char *text)
{
	for (const char *at = text; *at; at++) {
		if (*at <= ' ' || *at > '~' || strchr("\"'<>&[]|/\\", *at)) {
			return false;
		}
	}
	return text[0] && text[0] != '-' && strlen(text) < HA_DOOR_OBJECT;
}

static int
take_nonce(const char *text, char ret_nonce[HA_DOOR_NONCE])
{
	const size_t len = HA_DOOR_NONCE - 1;

	if (strspn(text, "0123456789abcdef") != len || text[len] != ' ') {
		return -EINVAL;
	}
	memcpy(ret_nonce, text, len);
	ret_nonce[len] = '\0';
	return 0;
}

/* One blank between two words. */
static bool
split(const char *text, struct words *ret_words)
{
	uint32_t count = 0;

	for (;;) {
		size_t len = strcspn(text, " ");

		if (len == 0 || len >= WORD_BYTES || count == WORDS_MAX) {
			return false;
		}
		memcpy(ret_words->word[count], text, len);
		ret_words->word[count++][len] = '\0';
		if (!text[len]) {
			break;
		}
		text += len + 1;
	}
	ret_words->count = count;
	return true;
}

/* Digits alone: a sign is none of them. Beyond `max` nothing could be judged any
 * more, whoever asks. */
static bool
take_number(const char *word, uint64_t max, uint64_t *ret_value)
{
	return strspn(word, "0123456789") == strlen(word) &&
	       ha_text_uint64(word, ret_value) == 0 && *ret_value <= max;
}

int
ha_door_ask_parse(const char *text, struct ha_door_ask *ret_ask)
{
	struct ha_door_ask ask = { .kind = HA_DOOR_REMOVE_HOST };
	struct words words;
	bool is_good;

	if (strlen(text) >= HA_DOOR_TEXT || take_nonce(text, ask.nonce) < 0) {
		return -EINVAL;
	}
	is_good = split(text, &words) && words.count >= 3 &&
		  is_name(words.word[2]);
	if (is_good && words.count == 3 &&
	    strcmp(words.word[1], WORD_REMOVE) == 0) {
		ask.kind = HA_DOOR_REMOVE_HOST;
	} else if (is_good && words.count == WORDS_MAX &&
		   strcmp(words.word[1], WORD_RAISE) == 0) {
		ask.kind = HA_DOOR_RAISE;
		is_good = take_number(words.word[3], HA_ADMISSION_CPU_MHZ_MAX,
				      &ask.cpu_mhz) &&
			  take_number(words.word[4], HA_ADMISSION_MEMORY_MB_MAX,
				      &ask.memory_mb);
	} else {
		is_good = false;
	}
	if (!is_good) {
		*ret_ask = (struct ha_door_ask){ .cpu_mhz = 0 };
		memcpy(ret_ask->nonce, ask.nonce, sizeof(ask.nonce));
		return -EOPNOTSUPP;
	}
	(void)ha_text_copy(ask.object, sizeof(ask.object), words.word[2]);
	*ret_ask = ask;
	return 0;
}

int
ha_door_ask_format(const struct ha_door_ask *ask, char ret_text[HA_DOOR_TEXT])
{
	if (!is_name(ask->object)) {
		return -EINVAL;
	}
	switch (ask->kind) {
	case HA_DOOR_REMOVE_HOST:
		(void)snprintf(ret_text, HA_DOOR_TEXT, "%s " WORD_REMOVE " %s",
			       ask->nonce, ask->object);
		break;
	case HA_DOOR_RAISE:
		(void)snprintf(ret_text, HA_DOOR_TEXT,
			       "%s " WORD_RAISE " %s %" PRIu64 " %" PRIu64,
			       ask->nonce, ask->object, ask->cpu_mhz,
			       ask->memory_mb);
		break;
	}
	return 0;
}

int
ha_door_answer_parse(const char *text, struct ha_door_answer *ret_answer)
{
	struct ha_door_answer answer = { .is_yes = false };
	const char *rest;

	if (strlen(text) >= HA_DOOR_TEXT ||
	    take_nonce(text, answer.nonce) < 0) {
		return -EINVAL;
	}
	rest = text + HA_DOOR_NONCE;
	if (strcmp(rest, WORD_YES) == 0) {
		answer.is_yes = true;
	} else if (strncmp(rest, WORD_NO, strlen(WORD_NO)) == 0 &&
		   rest[strlen(WORD_NO)]) {
		(void)ha_text_copy(answer.text, sizeof(answer.text),
				   rest + strlen(WORD_NO));
	} else {
		return -EINVAL;
	}
	*ret_answer = answer;
	return 0;
}

void
ha_door_answer_format(const struct ha_door_answer *answer,
		      char ret_text[HA_DOOR_TEXT])
{
	(void)snprintf(ret_text, HA_DOOR_TEXT, "%s %s%.*s", answer->nonce,
		       answer->is_yes ? WORD_YES : WORD_NO,
		       (int)(HA_DOOR_TEXT - HA_DOOR_NONCE - sizeof(WORD_NO)),
		       answer->is_yes  ? "" :
		       answer->text[0] ? answer->text :
					 "no reason is known");
}
