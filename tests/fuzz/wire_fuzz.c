/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's answer to the fence agent as JSON: what is accepted can be
 * sent again and is accepted again.
 */
#include "fuzz.h"
#include "ha/wire.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *object =
		json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
	struct ha_fence_answer answer;
	struct ha_fence_answer back;
	struct ha_err err = HA_ERR_INIT;
	json_t *again;

	if (ha_wire_fence_answer_parse(object, &answer, &err) < 0) {
		fuzz_expect(err.text[0] != '\0');
		json_decref(object);
		return 0;
	}
	fuzz_expect(answer.facts.storage.proof < HA_PROOF_N);
	again = ha_wire_fence_answer(&answer);
	fuzz_expect(again != NULL);
	fuzz_expect(ha_wire_fence_answer_parse(again, &back, &err) == 0);
	fuzz_expect(memcmp(&answer, &back, sizeof(back)) == 0);
	json_decref(again);
	json_decref(object);
	return 0;
}
