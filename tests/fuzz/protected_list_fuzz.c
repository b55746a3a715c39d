/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protected list over several blocks. What is accepted is the same when it
 * is written again, and its first block says how long it is.
 */
#include "beat_block.h"

#define BLOCKS_MAX 4u
#define ROOM 4096u

static struct ha_superblock
superblock(void)
{
	struct ha_superblock sb = FUZZ_SB;

	sb.protected_vms = ROOM;
	return sb;
}

static void
read_list(const uint8_t *blocks, uint32_t n)
{
	const struct ha_superblock sb = superblock();
	ha_autofree struct ha_protected_vm *vms = calloc(ROOM, sizeof(*vms));
	struct ha_protected_list list = { .vms = vms };
	struct ha_protected_list first = { .count = 0 };
	ha_autofree uint8_t *again = NULL;

	if (!vms || ha_protected_list_decode(&sb, 1, blocks, n, ROOM, &list) !=
			    HA_BLOCK_OK) {
		return;
	}
	fuzz_expect(list.count <= ROOM && list.slot < sb.slots &&
		    list.term > 0 && ha_protected_list_blocks(list.count) <= n);
	fuzz_expect(ha_protected_list_peek(&sb, 1, blocks, &first) ==
			    HA_BLOCK_OK &&
		    first.count == list.count && first.term == list.term &&
		    first.generation == list.generation);
	for (uint32_t i = 0; i < list.count; i++) {
		fuzz_expect(vms[i].state < HA_PROTECTED_N);
		fuzz_expect(vms[i].resource[0] &&
			    strnlen(vms[i].resource, HA_RESOURCE_NAME) <
				    HA_RESOURCE_NAME);
	}
	again = fuzz_blocks(NULL, 0, ha_protected_list_blocks(list.count));
	ha_protected_list_encode(&sb, &list, 1, again);
	fuzz_expect(ha_protected_list_decode(
			    &sb, 1, again, ha_protected_list_blocks(list.count),
			    list.count, &list) == HA_BLOCK_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t n = size < HA_BLOCK              ? 1 :
		     size < HA_BLOCK * BLOCKS_MAX ? (uint32_t)size / HA_BLOCK :
						    BLOCKS_MAX;
	ha_autofree uint8_t *blocks = fuzz_blocks(data, size, n);

	read_list(blocks, n);
	fuzz_seal(blocks, n);
	read_list(blocks, n);
	return 0;
}
