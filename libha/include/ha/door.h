/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a command asks of the master before it changes the cluster, and what
 * the master answers: two transient node attributes of the host where the
 * command runs.
 *
 *   vmha-ask     NONCE remove-host HOST
 *                NONCE raise VM CPU_MHZ MEMORY_MB
 *   vmha-answer  NONCE yes
 *                NONCE no SENTENCE
 *
 * Text <-> struct only; who counts what, and how long, is ha/gate.h.
 */
#ifndef HA_DOOR_H
#define HA_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/err.h"

#define HA_DOOR_ASK_ATTR "vmha-ask"
#define HA_DOOR_ANSWER_ATTR "vmha-answer"
#define HA_DOOR_NONCE 17 /* 16 hexadecimal digits, lower case, and the NUL */
#define HA_DOOR_OBJECT 256
/* Room for any formatted one; a longer one is none. */
#define HA_DOOR_TEXT (2 * HA_ERR_TEXT)

/* The command waits so long for the answer. */
#define HA_DOOR_ANSWER_MS 10000u
/* From the question on, by its own clock; later it commits nothing. */
#define HA_DOOR_COMMIT_MS 15000u
/* The master counts a yes for so long, from when it saw the question: beyond
 * HA_DOOR_COMMIT_MS and the longest commit, two writes of the CIB (30 s each):
 * places, then standby. */
#define HA_DOOR_HOLD_MS 90000u

enum ha_door_kind {
	HA_DOOR_REMOVE_HOST,
	HA_DOOR_RAISE,
};

struct ha_door_ask {
	char nonce[HA_DOOR_NONCE];
	enum ha_door_kind kind;
	char object[HA_DOOR_OBJECT]; /* host or VM */
	uint64_t cpu_mhz, memory_mb; /* RAISE */
};

struct ha_door_answer {
	char nonce[HA_DOOR_NONCE];
	bool is_yes;
	char text[HA_DOOR_TEXT]; /* of a no */
};

/* 0; -EINVAL: no question at all; -EOPNOTSUPP: one of another version, or a
 * number above HA_ADMISSION_..._MAX: its nonce is read and can be answered. */
int ha_door_ask_parse(const char *text, struct ha_door_ask *ret_ask);
/* -EINVAL: that object is no name. */
int ha_door_ask_format(const struct ha_door_ask *ask,
		       char ret_text[HA_DOOR_TEXT]);
/* 0; -EINVAL. */
int ha_door_answer_parse(const char *text, struct ha_door_answer *ret_answer);
/* Too long a sentence is cut. */
void ha_door_answer_format(const struct ha_door_answer *answer,
			   char ret_text[HA_DOOR_TEXT]);

#endif
