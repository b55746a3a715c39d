/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lists that fill several blocks of a copy: entries of one size, in order.
 * A write of several blocks may be torn between any two of them, so each
 * block says which list (incarnation, generation, number of entries) it is a
 * part of, and a list is accepted only when all its blocks say the same
 * (SAFETY 14). One block of another generation makes all of it STALE.
 *
 * Payload of a block: incarnation (8 bytes), generation (8), number of
 * entries of the whole list (4), bytes of an entry (4), zeros (8), entries.
 */
#include "codec/area_block.h"

#define AT_INCARNATION 0u
#define AT_GENERATION 8u
#define AT_COUNT 16u
#define AT_ENTRY_BYTES 20u
#define AT_ENTRIES 32u

uint32_t
ha__list_per_block(const struct ha__list_kind *kind)
{
	return (HA__PAYLOAD_MAX - AT_ENTRIES) / kind->entry_bytes;
}

/* An empty list fills one block: that it is empty must be said. */
uint32_t
ha__list_blocks(const struct ha__list_kind *kind, uint32_t count)
{
	uint32_t per_block = ha__list_per_block(kind);

	return count == 0 ? 1 : (count - 1) / per_block + 1;
}

static uint32_t
entries_in(const struct ha__list_kind *kind, uint32_t count, uint32_t index)
{
	uint32_t per_block = ha__list_per_block(kind);
	uint32_t left = count - index * per_block;

	return left < per_block ? left : per_block;
}

static size_t
entry_offset(const struct ha__list_kind *kind, uint32_t entry)
{
	uint32_t per_block = ha__list_per_block(kind);

	return (size_t)(entry / per_block) * HA_BLOCK + HA__AT_PAYLOAD +
	       AT_ENTRIES + (size_t)(entry % per_block) * kind->entry_bytes;
}

uint8_t *
ha__list_entry(const struct ha__list_kind *kind, void *blocks, uint32_t entry)
{
	return (uint8_t *)blocks + entry_offset(kind, entry);
}

const uint8_t *
ha__list_entry_in(const struct ha__list_kind *kind, const void *blocks,
		  uint32_t entry)
{
	return (const uint8_t *)blocks + entry_offset(kind, entry);
}

void
ha__list_begin(const struct ha__list_kind *kind, const struct ha_superblock *sb,
	       uint32_t slot, uint32_t copy, const struct ha__list_head *head,
	       void *blocks)
{
	uint32_t n_blocks = ha__list_blocks(kind, head->count);

	for (uint32_t i = 0; i < n_blocks; i++) {
		const struct ha__place where = {
			.kind = kind->kind,
			.cluster = &sb->cluster,
			.place = slot,
			.copy = copy,
			.index = i,
		};
		uint8_t *out = ha__block_begin(
			(uint8_t *)blocks + (size_t)i * HA_BLOCK, &where);

		ha__put_u64(out + AT_INCARNATION, head->incarnation);
		ha__put_u64(out + AT_GENERATION, head->generation);
		ha__put_u32(out + AT_COUNT, head->count);
		ha__put_u32(out + AT_ENTRY_BYTES, kind->entry_bytes);
	}
}

void
ha__list_end(const struct ha__list_kind *kind, const struct ha__list_head *head,
	     void *blocks)
{
	uint32_t n_blocks = ha__list_blocks(kind, head->count);

	for (uint32_t i = 0; i < n_blocks; i++) {
		ha__block_end((uint8_t *)blocks + (size_t)i * HA_BLOCK,
			      AT_ENTRIES + entries_in(kind, head->count, i) *
						   kind->entry_bytes);
	}
}

/* One block: sound, and of which list? */
static enum ha_block_verdict
open_block(const struct ha__list_kind *kind, const struct ha__place *where,
	   const uint8_t *block, struct ha__payload *ret_in,
	   struct ha__list_head *ret_head)
{
	enum ha_block_verdict verdict =
		ha__block_open(block, where, AT_ENTRIES, ret_in);

	if (verdict != HA_BLOCK_OK) {
		return verdict;
	}
	if (ha__take_u32(ret_in, AT_ENTRY_BYTES) != kind->entry_bytes) {
		return HA_BLOCK_INVALID;
	}
	ret_head->incarnation = ha__take_u64(ret_in, AT_INCARNATION);
	ret_head->generation = ha__take_u64(ret_in, AT_GENERATION);
	ret_head->count = ha__take_u32(ret_in, AT_COUNT);
	return HA_BLOCK_OK;
}

static bool
is_same_list(const struct ha__list_head *a, const struct ha__list_head *b)
{
	return a->incarnation == b->incarnation &&
	       a->generation == b->generation;
}

enum ha_block_verdict
ha__list_open(const struct ha__list_kind *kind, const struct ha_superblock *sb,
	      uint32_t slot, uint32_t copy, const void *blocks,
	      uint32_t n_blocks, const struct ha__list_head *wanted,
	      struct ha__list_head *ret_head)
{
	const bool is_any = wanted->incarnation == 0 && wanted->generation == 0;
	struct ha__list_head first = { .count = 0 };
	uint32_t used = 1;

	if (slot >= sb->slots || copy > 1 || n_blocks == 0) {
		return HA_BLOCK_INVALID;
	}
	for (uint32_t i = 0; i < used; i++) {
		const struct ha__place where = {
			.kind = kind->kind,
			.cluster = &sb->cluster,
			.place = slot,
			.copy = copy,
			.index = i,
		};
		struct ha__payload in;
		struct ha__list_head head;
		enum ha_block_verdict verdict = open_block(
			kind, &where,
			(const uint8_t *)blocks + (size_t)i * HA_BLOCK, &in,
			&head);

		if (verdict != HA_BLOCK_OK) {
			return verdict;
		}
		if ((!is_any && !is_same_list(&head, wanted)) ||
		    (i > 0 && !is_same_list(&head, &first))) {
			return HA_BLOCK_STALE;
		}
		if (i == 0) {
			first = head;
			if (head.count > sb->vms) {
				return HA_BLOCK_INVALID;
			}
			used = ha__list_blocks(kind, head.count);
		}
		if (used > n_blocks || head.count != first.count ||
		    in.length < AT_ENTRIES + entries_in(kind, head.count, i) *
						     kind->entry_bytes) {
			return HA_BLOCK_INVALID;
		}
	}
	*ret_head = first;
	return HA_BLOCK_OK;
}

enum ha_block_verdict
ha__list_peek(const struct ha__list_kind *kind, const struct ha_superblock *sb,
	      uint32_t slot, uint32_t copy, const void *block,
	      struct ha__list_head *ret_head)
{
	const struct ha__place where = {
		.kind = kind->kind,
		.cluster = &sb->cluster,
		.place = slot,
		.copy = copy,
	};
	struct ha__payload in;
	struct ha__list_head head;
	enum ha_block_verdict verdict =
		open_block(kind, &where, block, &in, &head);

	if (verdict == HA_BLOCK_OK && head.count > sb->vms) {
		return HA_BLOCK_INVALID;
	}
	if (verdict == HA_BLOCK_OK) {
		*ret_head = head;
	}
	return verdict;
}

bool
ha__list_has_double(const struct ha__list_kind *kind, const void *blocks,
		    uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *a = ha__list_entry_in(kind, blocks, i);

		for (uint32_t j = i + 1; j < count; j++) {
			if (memcmp(a, ha__list_entry_in(kind, blocks, j),
				   sizeof(struct ha_uuid)) == 0) {
				return true;
			}
		}
	}
	return false;
}
