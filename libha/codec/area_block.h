/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all blocks of the heartbeat area share: the header, and bytes of the
 * payload by offset, little endian. Only the codecs of the area use this.
 *
 *   at  bytes
 *    0  8   magic
 *    8  2   kind
 *   10  1   version: minor (longer payload, same meaning of what was there)
 *   11  1   version: major (anything else)
 *   12  4   payload length
 *   16  16  cluster id
 *   32  4   place: block number of a superblock, first entry of a block of
 *           the slot table, slot of everything else
 *   36  2   copy
 *   38  2   index of the block within the copy
 *   40  4   CRC-32C of the whole block with these four bytes zero
 *   44  4   zero
 *   48      payload, then zeros
 *
 * The header is the same in every major version, so that any program can tell
 * a newer block from a torn one.
 */
#ifndef HA_CODEC_AREA_BLOCK_H
#define HA_CODEC_AREA_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ha/area.h"

#define HA__AT_MAGIC 0u
#define HA__AT_KIND 8u
#define HA__AT_MINOR 10u
#define HA__AT_MAJOR 11u
#define HA__AT_LENGTH 12u
#define HA__AT_CLUSTER 16u
#define HA__AT_PLACE 32u
#define HA__AT_COPY 36u
#define HA__AT_INDEX 38u
#define HA__AT_CRC 40u
#define HA__AT_PAYLOAD 48u
#define HA__PAYLOAD_MAX (HA_BLOCK - HA__AT_PAYLOAD)

/* Minor version: 0 is the first. A field that a minor version adds goes
 * behind the payload's end; 0 is what its absence must mean. */
#ifndef HA__AREA_MINOR /* a test builds the next one */
#define HA__AREA_MINOR 0u
#endif

/* On disk: never renumbered. */
enum ha__block_kind {
	HA__KIND_SUPERBLOCK = 1,
	HA__KIND_TABLE = 2,
	HA__KIND_BEAT = 3,
	HA__KIND_VM_LIST = 4,
	HA__KIND_HOLD_LIST = 5,
	HA__KIND_PROTECTED = 6,
};

/* Where a block stands. */
struct ha__place {
	enum ha__block_kind kind;
	const struct ha_uuid *cluster; /* NULL: any (superblocks) */
	uint32_t place;
	uint32_t copy;
	uint32_t index;
};

/* A payload that passed ha__block_open(). Beyond `length` everything reads as
 * zero: what an older minor version did not write yet. */
struct ha__payload {
	const uint8_t *bytes;
	uint32_t length;
};

static inline void
ha__put_u16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static inline void
ha__put_u32(uint8_t *at, uint32_t value)
{
	ha__put_u16(at, value & 0xffff);
	ha__put_u16(at + 2, value >> 16);
}

static inline void
ha__put_u64(uint8_t *at, uint64_t value)
{
	ha__put_u32(at, (uint32_t)value);
	ha__put_u32(at + 4, (uint32_t)(value >> 32));
}

static inline uint32_t
ha__get_u16(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static inline uint32_t
ha__get_u32(const uint8_t *at)
{
	return ha__get_u16(at) | ha__get_u16(at + 2) << 16;
}

static inline uint64_t
ha__get_u64(const uint8_t *at)
{
	return (uint64_t)ha__get_u32(at) | (uint64_t)ha__get_u32(at + 4) << 32;
}

static inline bool
ha__has(const struct ha__payload *in, uint32_t at, uint32_t size)
{
	return at <= in->length && size <= in->length - at;
}

static inline uint32_t
ha__take_u32(const struct ha__payload *in, uint32_t at)
{
	return ha__has(in, at, 4) ? ha__get_u32(in->bytes + at) : 0;
}

static inline uint64_t
ha__take_u64(const struct ha__payload *in, uint32_t at)
{
	return ha__has(in, at, 8) ? ha__get_u64(in->bytes + at) : 0;
}

static inline void
ha__put_uuid(uint8_t *at, const struct ha_uuid *uuid)
{
	memcpy(at, uuid->bytes, sizeof(uuid->bytes));
}

static inline struct ha_uuid
ha__get_uuid(const uint8_t *at)
{
	struct ha_uuid uuid;

	memcpy(uuid.bytes, at, sizeof(uuid.bytes));
	return uuid;
}

bool ha__uuid_is_null(const struct ha_uuid *uuid);

/* A name of `size` bytes: what follows the NUL is zero on disk. */
void ha__put_name(uint8_t *at, const char *name, size_t size);

/* false: no NUL, or characters that no name has (control characters, broken
 * UTF-8: they would end up on terminals and in JSON). ret_name[size] is
 * filled with zeros behind the name. */
bool ha__get_name(const uint8_t *at, size_t size, char *ret_name);

/* Begins a block: zeros and the header. The payload starts at the result. */
uint8_t *ha__block_begin(void *block, const struct ha__place *where);

/* Ends it: payload length and CRC. */
void ha__block_end(void *block, uint32_t length);

/* Is this a sound block of this place, readable by this version, with at
 * least `needed` bytes of payload? ret_in only when OK. */
enum ha_block_verdict ha__block_open(const void *block,
				     const struct ha__place *where,
				     uint32_t needed,
				     struct ha__payload *ret_in);

/* Blocks of a slot table of so many slots. */
uint32_t ha__table_blocks(uint32_t slots);

/* ---- lists: entries of one size over the blocks of one copy ------------- */

/* Every block carries incarnation, generation and number of entries of the
 * whole list, so that blocks of two writes can't be taken for one list. */
struct ha__list_kind {
	enum ha__block_kind kind;
	uint32_t entry_bytes;
};
struct ha__list_head {
	uint64_t incarnation;
	uint64_t generation;
	uint32_t count;
};

uint32_t ha__list_per_block(const struct ha__list_kind *kind);
uint32_t ha__list_blocks(const struct ha__list_kind *kind, uint32_t count);

/* Headers of all blocks of the copy; entries are put by the caller, then
 * ha__list_end(). */
void ha__list_begin(const struct ha__list_kind *kind,
		    const struct ha_superblock *sb, uint32_t slot,
		    uint32_t copy, const struct ha__list_head *head,
		    void *blocks);
void ha__list_end(const struct ha__list_kind *kind,
		  const struct ha__list_head *head, void *blocks);
uint8_t *ha__list_entry(const struct ha__list_kind *kind, void *blocks,
			uint32_t entry);
const uint8_t *ha__list_entry_in(const struct ha__list_kind *kind,
				 const void *blocks, uint32_t entry);

/* All blocks of the copy are sound, of one list, and (unless both are 0) of
 * exactly this incarnation and generation (SAFETY 14). Entries are the
 * caller's to judge. */
enum ha_block_verdict ha__list_open(const struct ha__list_kind *kind,
				    const struct ha_superblock *sb,
				    uint32_t slot, uint32_t copy,
				    const void *blocks, uint32_t n_blocks,
				    const struct ha__list_head *wanted,
				    struct ha__list_head *ret_head);

/* The first block of a copy alone: which list it begins. */
enum ha_block_verdict ha__list_peek(const struct ha__list_kind *kind,
				    const struct ha_superblock *sb,
				    uint32_t slot, uint32_t copy,
				    const void *block,
				    struct ha__list_head *ret_head);

/* Does a later entry have the same uuid, the first 16 bytes of each? Two
 * entries of a VM could say two things. */
bool ha__list_has_double(const struct ha__list_kind *kind, const void *blocks,
			 uint32_t count);

#endif
