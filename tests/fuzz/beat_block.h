/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of the heartbeat area out of fuzzed bytes. A search would never find
 * a right CRC, so the check sum is put right: what is behind it is what has to
 * stand up to a hostile writer.
 */
#ifndef BEAT_BLOCK_H
#define BEAT_BLOCK_H

#include "fuzz.h"
#include "ha/area.h"
#include "ha/crc.h"

#define BLOCK_AT_CRC 40u /* libha/codec/area_block.h */

static const struct ha_superblock FUZZ_SB = {
	.version = HA_AREA_VERSION,
	.cluster = { { 0xc1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		       16 } },
	.name = "prod-cluster",
	.store = { { 1 } },
	.stores = 3,
	.slots = 64,
	.vms = 256,
	.timing = { 1000, 4000, 1000, 1000 },
};

/* `count` blocks, padded with zeros, exactly that long. */
static inline uint8_t *
fuzz_blocks(const uint8_t *data, size_t size, size_t count)
{
	size_t room = count * HA_BLOCK;
	uint8_t *blocks = calloc(count, HA_BLOCK);

	if (!blocks) {
		abort();
	}
	if (size > 0) {
		memcpy(blocks, data, size < room ? size : room);
	}
	return blocks;
}

static inline void
fuzz_seal(uint8_t *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t *block = blocks + i * HA_BLOCK;
		uint8_t *at = block + BLOCK_AT_CRC;
		uint32_t crc;

		memset(at, 0, 4);
		crc = ha_crc32c(0, block, HA_BLOCK);
		for (int k = 0; k < 4; k++) {
			at[k] = (uint8_t)(crc >> (8 * k));
		}
	}
}

#endif
