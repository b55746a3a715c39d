/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host's holds: VMs that must not be started elsewhere yet, and why; the
 * end of such holds; and hosts that an administrator has called dead. Same
 * shape and same care as the VM list: whole or not at all. Readers take the
 * union of all hosts' holds, so a VM that is named twice is no contradiction.
 *
 * Entry: uuid (16 bytes), resource (64), incarnation of the owner (8),
 * generation of the owner's list, or its sequence (8), term (8), kind (4),
 * owner (4), reason (4), time left (4).
 */
#include "codec/area_block.h"

#define AT_UUID 0u
#define AT_RESOURCE 16u
#define AT_OWNER_INCARNATION 80u
#define AT_OWNER_GENERATION 88u
#define AT_TERM 96u
#define AT_KIND 104u
#define AT_OWNER 108u
#define AT_REASON 112u
#define AT_LEFT_MS 116u
#define ENTRY_BYTES 120u

static const struct ha__list_kind HOLD_LIST = {
	.kind = HA__KIND_HOLD_LIST,
	.entry_bytes = ENTRY_BYTES,
};

uint32_t
ha_hold_list_blocks(uint32_t count)
{
	return ha__list_blocks(&HOLD_LIST, count);
}

void
ha_hold_list_encode(const struct ha_superblock *sb,
		    const struct ha_hold_list *list, uint32_t copy,
		    void *ret_blocks)
{
	const struct ha__list_head head = {
		.incarnation = list->incarnation,
		.generation = list->generation,
		.count = list->count,
	};

	ha__list_begin(&HOLD_LIST, sb, list->slot, copy, &head, ret_blocks);
	for (uint32_t i = 0; i < list->count; i++) {
		const struct ha_hold *hold = &list->holds[i];
		uint8_t *at = ha__list_entry(&HOLD_LIST, ret_blocks, i);

		ha__put_uuid(at + AT_UUID, &hold->uuid);
		ha__put_name(at + AT_RESOURCE, hold->resource,
			     sizeof(hold->resource));
		ha__put_u64(at + AT_OWNER_INCARNATION, hold->owner_incarnation);
		ha__put_u64(at + AT_OWNER_GENERATION, hold->owner_generation);
		ha__put_u64(at + AT_TERM, hold->term);
		ha__put_u32(at + AT_KIND, hold->kind);
		ha__put_u32(at + AT_OWNER, hold->owner);
		ha__put_u32(at + AT_REASON, hold->reason);
		ha__put_u32(at + AT_LEFT_MS, hold->left_ms);
	}
	ha__list_end(&HOLD_LIST, &head, ret_blocks);
}

/* A hold that was made from Pacemaker's history knows the resource only, one
 * from a VM list both; a host that is called dead has neither, but an
 * incarnation, or it would be about whatever comes; and a host that releases a
 * VM names itself, its list and the resource. */
static bool
is_about_something(const struct ha_hold *hold)
{
	if (hold->kind == HA_HOLD_CONFIRMED_DEAD) {
		return hold->owner_incarnation > 0;
	}
	if (hold->kind == HA_HOLD_RELEASED) {
		return hold->resource[0] != '\0' &&
		       hold->owner_incarnation > 0 &&
		       hold->owner_generation > 0;
	}
	return hold->resource[0] != '\0' || !ha__uuid_is_null(&hold->uuid);
}

/* What counts from 1 never gets there; JSON's integers end there. */
static bool
are_counters(const struct ha_hold *hold)
{
	return hold->owner_incarnation <= INT64_MAX &&
	       hold->owner_generation <= INT64_MAX && hold->term <= INT64_MAX;
}

static bool
take_hold(const uint8_t *at, uint32_t slots, struct ha_hold *ret_hold)
{
	uint32_t kind = ha__get_u32(at + AT_KIND);

	ret_hold->uuid = ha__get_uuid(at + AT_UUID);
	ret_hold->owner_incarnation = ha__get_u64(at + AT_OWNER_INCARNATION);
	ret_hold->owner_generation = ha__get_u64(at + AT_OWNER_GENERATION);
	ret_hold->term = ha__get_u64(at + AT_TERM);
	ret_hold->owner = ha__get_u32(at + AT_OWNER);
	ret_hold->reason = ha__get_u32(at + AT_REASON);
	ret_hold->left_ms = ha__get_u32(at + AT_LEFT_MS);
	if (kind > HA_HOLD_RELEASED || ret_hold->owner >= slots ||
	    !ha__get_name(at + AT_RESOURCE, sizeof(ret_hold->resource),
			  ret_hold->resource)) {
		return false;
	}
	ret_hold->kind = (enum ha_hold_kind)kind;
	return are_counters(ret_hold) && is_about_something(ret_hold);
}

enum ha_block_verdict
ha_hold_list_decode(const struct ha_superblock *sb, uint32_t slot,
		    uint32_t copy, const void *blocks, uint32_t n_blocks,
		    uint64_t incarnation, uint64_t generation,
		    struct ha_hold_list *ret_list)
{
	const struct ha__list_head wanted = { .incarnation = incarnation,
					      .generation = generation };
	struct ha__list_head head;
	struct ha_hold hold;
	enum ha_block_verdict verdict = ha__list_open(
		&HOLD_LIST, sb, slot, copy, blocks, n_blocks, &wanted, &head);

	if (verdict != HA_BLOCK_OK) {
		return verdict;
	}
	for (uint32_t i = 0; i < head.count; i++) {
		if (!take_hold(ha__list_entry_in(&HOLD_LIST, blocks, i),
			       sb->slots, &hold)) {
			return HA_BLOCK_INVALID;
		}
	}
	for (uint32_t i = 0; i < head.count; i++) {
		(void)take_hold(ha__list_entry_in(&HOLD_LIST, blocks, i),
				sb->slots, &ret_list->holds[i]);
	}
	ret_list->slot = slot;
	ret_list->incarnation = head.incarnation;
	ret_list->generation = head.generation;
	ret_list->count = head.count;
	return HA_BLOCK_OK;
}
