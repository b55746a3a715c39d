/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The protected list: what the master has promised about each VM. Same shape
 * and same care as the VM list: a copy is taken whole or not at all, so that a
 * write that was torn shows the other copy and never a part of this one. It
 * belongs to the cluster, not to a host: its blocks have place 0, and the
 * master that wrote them stands in each.
 *
 * Payload of a block: as of all lists, with the term in the incarnation's
 * place and the master's slot (4 bytes at 24). Entry: uuid (16 bytes),
 * resource (64), order (4), state (4), zeros (8).
 */
#include "codec/area_block.h"

#define AT_SLOT 24u
#define AT_UUID 0u
#define AT_RESOURCE 16u
#define AT_ORDER 80u
#define AT_STATE 84u
#define ENTRY_BYTES 96u

static const struct ha__list_kind PROTECTED_LIST = {
	.kind = HA__KIND_PROTECTED,
	.entry_bytes = ENTRY_BYTES,
};

static const char *const STATES[HA_PROTECTED_N] = {
	[HA_PROTECTED_ON] = "protected",
	[HA_PROTECTED_OFF] = "off",
};

const char *
ha_protected_state_name(enum ha_protected_state state)
{
	return (unsigned int)state < HA_PROTECTED_N ? STATES[state] : "invalid";
}

uint32_t
ha_protected_list_blocks(uint32_t count)
{
	return ha__list_blocks(&PROTECTED_LIST, count);
}

/* The lists of hosts are bounded by sb->vms, this one is not. */
static struct ha_superblock
wide(const struct ha_superblock *sb)
{
	struct ha_superblock it = *sb;

	it.vms = sb->protected_vms;
	return it;
}

void
ha_protected_list_encode(const struct ha_superblock *sb,
			 const struct ha_protected_list *list, uint32_t copy,
			 void *ret_blocks)
{
	const struct ha__list_head head = {
		.incarnation = list->term,
		.generation = list->generation,
		.count = list->count,
	};

	ha__list_begin(&PROTECTED_LIST, sb, 0, copy, &head, ret_blocks);
	for (uint32_t i = 0; i < ha_protected_list_blocks(list->count); i++) {
		ha__put_u32((uint8_t *)ret_blocks + (size_t)i * HA_BLOCK +
				    HA__AT_PAYLOAD + AT_SLOT,
			    list->slot);
	}
	for (uint32_t i = 0; i < list->count; i++) {
		const struct ha_protected_vm *vm = &list->vms[i];
		uint8_t *at = ha__list_entry(&PROTECTED_LIST, ret_blocks, i);

		ha__put_uuid(at + AT_UUID, &vm->uuid);
		ha__put_name(at + AT_RESOURCE, vm->resource,
			     sizeof(vm->resource));
		ha__put_u32(at + AT_ORDER, vm->order);
		ha__put_u32(at + AT_STATE, vm->state);
	}
	ha__list_end(&PROTECTED_LIST, &head, ret_blocks);
}

/* What counts from 1 never gets there; JSON's integers end there. */
static bool
take_head(const struct ha_superblock *sb, const void *block,
	  const struct ha__list_head *head, struct ha_protected_list *ret_list)
{
	ret_list->slot =
		ha__get_u32((const uint8_t *)block + HA__AT_PAYLOAD + AT_SLOT);
	ret_list->term = head->incarnation;
	ret_list->generation = head->generation;
	ret_list->count = head->count;
	return ret_list->slot < sb->slots && ret_list->term > 0 &&
	       ret_list->term <= INT64_MAX && ret_list->generation <= INT64_MAX;
}

enum ha_block_verdict
ha_protected_list_peek(const struct ha_superblock *sb, uint32_t copy,
		       const void *block, struct ha_protected_list *ret_list)
{
	const struct ha_superblock all = wide(sb);
	struct ha_protected_list list = *ret_list;
	struct ha__list_head head;
	enum ha_block_verdict verdict =
		copy > 1 ? HA_BLOCK_INVALID :
			   ha__list_peek(&PROTECTED_LIST, &all, 0, copy, block,
					 &head);

	if (verdict != HA_BLOCK_OK) {
		return verdict;
	}
	if (!take_head(sb, block, &head, &list)) {
		return HA_BLOCK_INVALID;
	}
	*ret_list = list;
	return HA_BLOCK_OK;
}

static bool
take_vm(const uint8_t *at, struct ha_protected_vm *ret_vm)
{
	uint32_t state = ha__get_u32(at + AT_STATE);

	ret_vm->uuid = ha__get_uuid(at + AT_UUID);
	ret_vm->order = ha__get_u32(at + AT_ORDER);
	if (state >= HA_PROTECTED_N ||
	    !ha__get_name(at + AT_RESOURCE, sizeof(ret_vm->resource),
			  ret_vm->resource)) {
		return false;
	}
	ret_vm->state = (enum ha_protected_state)state;
	return ret_vm->resource[0] != '\0';
}

/* All blocks name the same master: a list has one writer. */
static bool
is_of_one(const void *blocks, const struct ha_protected_list *list)
{
	for (uint32_t i = 0; i < ha_protected_list_blocks(list->count); i++) {
		if (ha__get_u32((const uint8_t *)blocks + (size_t)i * HA_BLOCK +
				HA__AT_PAYLOAD + AT_SLOT) != list->slot) {
			return false;
		}
	}
	return true;
}

enum ha_block_verdict
ha_protected_list_decode(const struct ha_superblock *sb, uint32_t copy,
			 const void *blocks, uint32_t n_blocks, uint32_t room,
			 struct ha_protected_list *ret_list)
{
	static const struct ha__list_head ANY = { .count = 0 };
	struct ha_superblock all = wide(sb);
	struct ha_protected_list list = *ret_list;
	struct ha_protected_vm vm;
	struct ha__list_head head;
	enum ha_block_verdict verdict;

	if (all.vms > room) {
		all.vms = room;
	}
	verdict = ha__list_open(&PROTECTED_LIST, &all, 0, copy, blocks,
				n_blocks, &ANY, &head);
	if (verdict != HA_BLOCK_OK) {
		return verdict;
	}
	if (!take_head(sb, blocks, &head, &list) || !is_of_one(blocks, &list)) {
		return HA_BLOCK_INVALID;
	}
	for (uint32_t i = 0; i < head.count; i++) {
		if (!take_vm(ha__list_entry_in(&PROTECTED_LIST, blocks, i),
			     &vm)) {
			return HA_BLOCK_INVALID;
		}
	}
	for (uint32_t i = 0; i < head.count; i++) {
		(void)take_vm(ha__list_entry_in(&PROTECTED_LIST, blocks, i),
			      &list.vms[i]);
	}
	*ret_list = list;
	return HA_BLOCK_OK;
}
