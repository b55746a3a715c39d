/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The slot table says which host has which slot: names by slot number over
 * one or more blocks. It has one copy and is written by `vmha heartbeat`
 * alone, so blocks of two different writes are refused rather than mixed: a
 * name in two slots would give two hosts one place to beat.
 *
 * Payload of a block: generation of the superblock (8 bytes), slots of the
 * area (4), names that follow (4), names of 64 bytes each.
 */
#include "codec/area_block.h"

#define AT_GENERATION 0u
#define AT_SLOTS 8u
#define AT_COUNT 12u
#define AT_NAMES 16u
#define NAMES_PER_BLOCK 62u /* 16 + 62 * 64 of 4048 bytes */

uint32_t
ha__table_blocks(uint32_t slots)
{
	return (slots + NAMES_PER_BLOCK - 1) / NAMES_PER_BLOCK;
}

static uint32_t
names_in(uint32_t slots, uint32_t index)
{
	uint32_t left = slots - index * NAMES_PER_BLOCK;

	return left < NAMES_PER_BLOCK ? left : NAMES_PER_BLOCK;
}

static struct ha__place
place_of(const struct ha_superblock *sb, uint32_t index)
{
	return (struct ha__place){
		.kind = HA__KIND_TABLE,
		.cluster = &sb->cluster,
		.place = index * NAMES_PER_BLOCK,
		.index = index,
	};
}

void
ha_slot_table_encode(const struct ha_superblock *sb,
		     const struct ha_slot_table *table, void *ret_blocks)
{
	uint32_t n_blocks = ha__table_blocks(sb->slots);

	for (uint32_t i = 0; i < n_blocks; i++) {
		const struct ha__place where = place_of(sb, i);
		uint8_t *block = (uint8_t *)ret_blocks + (size_t)i * HA_BLOCK;
		uint8_t *out = ha__block_begin(block, &where);
		uint32_t count = names_in(sb->slots, i);

		ha__put_u64(out + AT_GENERATION, sb->generation);
		ha__put_u32(out + AT_SLOTS, sb->slots);
		ha__put_u32(out + AT_COUNT, count);
		for (uint32_t k = 0; k < count; k++) {
			ha__put_name(out + AT_NAMES + k * HA_HOST_NAME,
				     table->names[where.place + k],
				     HA_HOST_NAME);
		}
		ha__block_end(block, AT_NAMES + count * HA_HOST_NAME);
	}
}

static bool
has_double_name(const struct ha_slot_table *table, uint32_t slots)
{
	for (uint32_t i = 0; i < slots; i++) {
		for (uint32_t k = i + 1; k < slots; k++) {
			if (table->names[i][0] != '\0' &&
			    strcmp(table->names[i], table->names[k]) == 0) {
				return true;
			}
		}
	}
	return false;
}

static enum ha_block_verdict
decode_block(const struct ha_superblock *sb, const void *block, uint32_t index,
	     uint64_t *ret_generation, struct ha_slot_table *table)
{
	const struct ha__place where = place_of(sb, index);
	const uint32_t count = names_in(sb->slots, index);
	struct ha__payload in;
	enum ha_block_verdict verdict = ha__block_open(
		block, &where, AT_NAMES + count * HA_HOST_NAME, &in);

	if (verdict != HA_BLOCK_OK) {
		return verdict;
	}
	if (ha__take_u32(&in, AT_SLOTS) != sb->slots ||
	    ha__take_u32(&in, AT_COUNT) != count) {
		return HA_BLOCK_INVALID;
	}
	for (uint32_t k = 0; k < count; k++) {
		if (!ha__get_name(in.bytes + AT_NAMES + k * HA_HOST_NAME,
				  HA_HOST_NAME,
				  table->names[where.place + k])) {
			return HA_BLOCK_INVALID;
		}
	}
	*ret_generation = ha__take_u64(&in, AT_GENERATION);
	return HA_BLOCK_OK;
}

/* The worst verdict is that of the first block that is not sound. */
enum ha_block_verdict
ha_slot_table_decode(const struct ha_superblock *sb, const void *blocks,
		     struct ha_slot_table *ret_table)
{
	struct ha_slot_table table;
	uint64_t first = 0;
	uint32_t n_blocks = ha__table_blocks(sb->slots);

	memset(&table, 0, sizeof(table));
	for (uint32_t i = 0; i < n_blocks; i++) {
		uint64_t generation = 0;
		enum ha_block_verdict verdict = decode_block(
			sb, (const uint8_t *)blocks + (size_t)i * HA_BLOCK, i,
			&generation, &table);

		if (verdict != HA_BLOCK_OK) {
			return verdict;
		}
		if (i == 0) {
			first = generation;
		} else if (generation != first) {
			return HA_BLOCK_STALE;
		}
	}
	if (has_double_name(&table, sb->slots)) {
		return HA_BLOCK_INVALID;
	}
	*ret_table = table;
	return HA_BLOCK_OK;
}

uint32_t
ha_slot_find(const struct ha_slot_table *table, const char *host)
{
	for (uint32_t i = 0; i < HA_HOSTS_MAX && host[0] != '\0'; i++) {
		if (strcmp(table->names[i], host) == 0) {
			return i;
		}
	}
	return HA_SLOT_NONE;
}
