/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A host's list of virtual machines: the lock that keeps a VM from running
 * twice (SAFETY section 3). A list is decoded whole and in order or not at
 * all: a reader that took half a list for a whole one would start a VM that
 * is listed in the other half.
 *
 * Entry: uuid (16 bytes), resource (64), generation of its last change (8),
 * state (4), zeros (4).
 */
#include "codec/area_block.h"

#define AT_UUID 0u
#define AT_RESOURCE 16u
#define AT_SINCE 80u
#define AT_STATE 88u
#define ENTRY_BYTES 96u

static const struct ha__list_kind VM_LIST = {
	.kind = HA__KIND_VM_LIST,
	.entry_bytes = ENTRY_BYTES,
};

static const char *const STATE_NAMES[HA_LISTED_N] = {
	[HA_LISTED_STARTING] = "starting", [HA_LISTED_RUNNING] = "running",
	[HA_LISTED_INCOMING] = "incoming", [HA_LISTED_OUTGOING] = "outgoing",
	[HA_LISTED_RELEASED] = "released",
};

const char *
ha_listed_state_name(enum ha_listed_state state)
{
	return (unsigned int)state < HA_LISTED_N ? STATE_NAMES[state] :
						   "unknown";
}

uint32_t
ha_vm_list_blocks(uint32_t count)
{
	return ha__list_blocks(&VM_LIST, count);
}

void
ha_vm_list_encode(const struct ha_superblock *sb, const struct ha_vm_list *list,
		  uint32_t copy, void *ret_blocks)
{
	const struct ha__list_head head = {
		.incarnation = list->incarnation,
		.generation = list->generation,
		.count = list->count,
	};

	ha__list_begin(&VM_LIST, sb, list->slot, copy, &head, ret_blocks);
	for (uint32_t i = 0; i < list->count; i++) {
		const struct ha_listed_vm *vm = &list->vms[i];
		uint8_t *at = ha__list_entry(&VM_LIST, ret_blocks, i);

		ha__put_uuid(at + AT_UUID, &vm->uuid);
		ha__put_name(at + AT_RESOURCE, vm->resource,
			     sizeof(vm->resource));
		ha__put_u64(at + AT_SINCE, vm->since_generation);
		ha__put_u32(at + AT_STATE, vm->state);
	}
	ha__list_end(&VM_LIST, &head, ret_blocks);
}

static bool
take_vm(const uint8_t *at, uint64_t generation, struct ha_listed_vm *ret_vm)
{
	uint32_t state = ha__get_u32(at + AT_STATE);

	ret_vm->uuid = ha__get_uuid(at + AT_UUID);
	ret_vm->since_generation = ha__get_u64(at + AT_SINCE);
	if (state >= HA_LISTED_N || ha__uuid_is_null(&ret_vm->uuid) ||
	    ret_vm->since_generation > generation ||
	    !ha__get_name(at + AT_RESOURCE, sizeof(ret_vm->resource),
			  ret_vm->resource)) {
		return false;
	}
	ret_vm->state = (enum ha_listed_state)state;
	return ret_vm->resource[0] != '\0';
}

enum ha_block_verdict
ha_vm_list_decode(const struct ha_superblock *sb, uint32_t slot, uint32_t copy,
		  const void *blocks, uint32_t n_blocks, uint64_t incarnation,
		  uint64_t generation, struct ha_vm_list *ret_list)
{
	const struct ha__list_head wanted = { .incarnation = incarnation,
					      .generation = generation };
	struct ha__list_head head;
	struct ha_listed_vm vm;
	enum ha_block_verdict verdict = ha__list_open(
		&VM_LIST, sb, slot, copy, blocks, n_blocks, &wanted, &head);

	if (verdict != HA_BLOCK_OK) {
		return verdict;
	}
	/* All entries are judged before the first is handed out. */
	for (uint32_t i = 0; i < head.count; i++) {
		if (!take_vm(ha__list_entry_in(&VM_LIST, blocks, i),
			     head.generation, &vm)) {
			return HA_BLOCK_INVALID;
		}
	}
	if (ha__list_has_double(&VM_LIST, blocks, head.count)) {
		return HA_BLOCK_INVALID;
	}
	for (uint32_t i = 0; i < head.count; i++) {
		(void)take_vm(ha__list_entry_in(&VM_LIST, blocks, i),
			      head.generation, &ret_list->vms[i]);
	}
	ret_list->slot = slot;
	ret_list->incarnation = head.incarnation;
	ret_list->generation = head.generation;
	ret_list->count = head.count;
	return HA_BLOCK_OK;
}
