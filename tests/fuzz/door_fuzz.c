/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Node attributes that anybody may write: a question or an answer that is read
 * is formatted as the same text, and nothing else is read as one.
 */
#include "fuzz.h"
#include "ha/door.h"

#include <errno.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ha_autofree char *text = fuzz_text(data, size);
	struct ha_door_answer answer;
	struct ha_door_ask ask;
	char again[HA_DOOR_TEXT];
	int rc = ha_door_ask_parse(text, &ask);

	fuzz_expect(rc == 0 || rc == -EINVAL || rc == -EOPNOTSUPP);
	if (rc != -EINVAL) {
		fuzz_expect(strlen(ask.nonce) == HA_DOOR_NONCE - 1);
		fuzz_expect(strncmp(text, ask.nonce, strlen(ask.nonce)) == 0);
	}
	if (rc == 0) {
		/* "007" is the number 7. */
		fuzz_expect(ha_door_ask_format(&ask, again) == 0);
		fuzz_expect(strlen(again) <= strlen(text));
		fuzz_expect(ha_door_ask_parse(again, &ask) == 0);
	}
	if (ha_door_answer_parse(text, &answer) == 0) {
		ha_door_answer_format(&answer, again);
		fuzz_expect(strncmp(again, text, strlen(again)) == 0);
		fuzz_expect(ha_door_answer_parse(again, &answer) == 0);
	}
	return 0;
}
