/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every conversion of ha/text.h on one text: what is accepted as a number
 * must print and parse to the same number, and what is refused must leave
 * the output alone.
 */
#include <inttypes.h>
#include <stdio.h>

#include "fuzz.h"
#include "ha/text.h"

#define UNTOUCHED 0x5a5a5a5a5a5a5a5au

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ha_autofree char *text = fuzz_text(data, size);
	uint64_t number = UNTOUCHED;
	uint64_t again = 0;
	int64_t signed_number = 0;
	uint64_t ms = UNTOUCHED;
	bool flag = false;
	char uuid[HA_UUID_TEXT] = "";
	char copy[32];
	char printed[32];

	if (ha_text_uint64(text, &number) == 0) {
		snprintf(printed, sizeof(printed), "%" PRIu64, number);
		fuzz_expect(ha_text_uint64(printed, &again) == 0 &&
			    again == number);
	} else {
		fuzz_expect(number == UNTOUCHED);
	}
	if (ha_text_int64(text, &signed_number) == 0 && signed_number >= 0) {
		fuzz_expect(number == (uint64_t)signed_number);
	}
	if (ha_text_duration_ms(text, &ms) < 0) {
		fuzz_expect(ms == UNTOUCHED);
	}
	if (ha_text_uuid(text, uuid) == 0) {
		fuzz_expect(strlen(uuid) == HA_UUID_TEXT - 1);
	} else {
		fuzz_expect(uuid[0] == '\0');
	}
	ha_text_bool(text, &flag);
	if (ha_text_copy(copy, sizeof(copy), text) == 0) {
		fuzz_expect(strcmp(copy, text) == 0);
	}
	fuzz_expect(ha_text_distance(text, "migration_bandwidth") ==
		    ha_text_distance("migration_bandwidth", text));
	return 0;
}
