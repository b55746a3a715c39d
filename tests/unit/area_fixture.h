/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the heartbeat area share: one superblock, a seeded random
 * source, and the ways to damage a block: with a wrong CRC, or with the CRC
 * made right again, as a faulty or hostile writer would.
 */
#ifndef AREA_FIXTURE_H
#define AREA_FIXTURE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "ha/area.h"
#include "ha/crc.h"

/* Header, as libha/codec/area_block.h documents it; repeated here so that a
 * change there is noticed. */
#define AT_MAGIC 0
#define AT_KIND 8
#define AT_MINOR 10
#define AT_MAJOR 11
#define AT_LENGTH 12
#define AT_CLUSTER 16
#define AT_PLACE 32
#define AT_COPY 36
#define AT_INDEX 38
#define AT_CRC 40
#define AT_PAYLOAD 48

static const struct ha_superblock SB = {
	.version = HA_AREA_VERSION,
	.compat = 0x80000001u,
	.ro_compat = 0x40u,
	.cluster = { { 0xc1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		       16 } },
	.name = "prod-cluster",
	.store = { { 0x51, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		     0xff } },
	.store_index = 1,
	.stores = 3,
	.slots = 64,
	.vms = 256,
	.protected_vms = 4096,
	.profile = HA_PROFILE_STANDARD,
	.timing = { .beat_ms = 1000,
		    .watchdog_ms = 4000,
		    .tolerance_ms = 1000,
		    .drift_ppm = 1000 },
	.generation = 7,
};

/* splitmix64 */
static inline uint64_t
area_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint32_t
area_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)(area_random(state) % limit);
}

/* Plain, long, and with letters beyond ASCII. */
static inline void
area_name(uint64_t *state, char *ret_name, size_t size)
{
	static const char *const STEMS[] = { "web", "db-", "b\xc3\xbcro",
					     "\xe6\x9d\xb1" };
	size_t used;

	memset(ret_name, 0, size);
	snprintf(ret_name, size, "%s%llu", STEMS[area_below(state, 4)],
		 (unsigned long long)area_random(state));
	used = strlen(ret_name);
	if (area_below(state, 4) == 0) {
		memset(ret_name + used, 'x', size - 1 - used);
	}
}

static inline void
area_fill(uint64_t *state, void *bytes, size_t len)
{
	uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++) {
		p[i] = (uint8_t)area_random(state);
	}
}

static inline void
area_put32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++) {
		at[i] = (uint8_t)(value >> (8 * i));
	}
}

static inline void
area_put64(uint8_t *at, uint64_t value)
{
	area_put32(at, (uint32_t)value);
	area_put32(at + 4, (uint32_t)(value >> 32));
}

/* Makes the CRC right for whatever the block says now. */
static inline void
area_seal(uint8_t *block)
{
	area_put32(block + AT_CRC, 0);
	area_put32(block + AT_CRC, ha_crc32c(0, block, HA_BLOCK));
}

/* A block on the heap, so that one byte too far is seen. */
static inline uint8_t *
area_blocks(size_t count)
{
	uint8_t *blocks = malloc(count * HA_BLOCK);

	assert_non_null(blocks);
	memset(blocks, 0xa5, count * HA_BLOCK);
	return blocks;
}

#endif
