/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A beat block: what is accepted is possible, and says the same when it is
 * written again.
 */
#include "beat_block.h"

#define SLOT 5u

static void
check(const struct ha_beat *beat)
{
	fuzz_expect(strnlen(beat->host, sizeof(beat->host)) <
		    sizeof(beat->host));
	fuzz_expect(beat->state <= HA_BEAT_STANDING_DOWN);
	fuzz_expect((beat->state == HA_BEAT_UNCLAIMED) ==
		    (beat->incarnation == 0));
	fuzz_expect(beat->list_copy <= 1 && beat->hold_copy <= 1);
	fuzz_expect(beat->list_count <= FUZZ_SB.vms &&
		    beat->hold_count <= FUZZ_SB.vms);
	fuzz_expect(beat->orders_count <= HA_ORDERS_MAX &&
		    beat->acks_count <= HA_ORDERS_MAX);
	for (uint32_t i = 0; i < beat->orders_count; i++) {
		fuzz_expect(beat->orders[i].target < FUZZ_SB.slots);
		fuzz_expect(beat->orders[i].kind != HA_ORDER_NONE);
	}
	for (uint32_t i = 0; i < beat->acks_count; i++) {
		fuzz_expect(beat->acks[i].sender < FUZZ_SB.slots);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ha_autofree uint8_t *block = fuzz_blocks(data, size, 1);
	ha_autofree uint8_t *again = fuzz_blocks(NULL, 0, 1);
	ha_autofree uint8_t *third = fuzz_blocks(NULL, 0, 1);
	struct ha_beat beat;
	struct ha_glimpse glimpse;
	enum ha_block_verdict verdict;

	verdict = ha_beat_decode(&FUZZ_SB, SLOT, block, &beat);
	ha_beat_glimpse(verdict, &beat, block, &glimpse);
	fuzz_seal(block, 1);
	verdict = ha_beat_decode(&FUZZ_SB, SLOT, block, &beat);
	ha_beat_glimpse(verdict, &beat, block, &glimpse);
	fuzz_expect((glimpse.kind == HA_GLIMPSE_BEAT ||
		     glimpse.kind == HA_GLIMPSE_UNCLAIMED) ==
		    (verdict == HA_BLOCK_OK));
	if (verdict != HA_BLOCK_OK) {
		return 0;
	}
	check(&beat);
	ha_beat_encode(&FUZZ_SB, &beat, again);
	fuzz_expect(ha_beat_decode(&FUZZ_SB, SLOT, again, &beat) ==
		    HA_BLOCK_OK);
	ha_beat_encode(&FUZZ_SB, &beat, third);
	fuzz_expect(memcmp(again, third, HA_BLOCK) == 0);
	return 0;
}
