/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Superblock, the layout that follows from it, and a slot table of its size
 * out of the bytes behind it.
 */
#include "beat_block.h"

static void
read_table(const struct ha_superblock *sb, const struct ha_layout *layout,
	   const uint8_t *data, size_t size)
{
	static struct ha_slot_table table;
	size_t count = (size_t)layout->table.blocks;
	ha_autofree uint8_t *blocks = NULL;

	fuzz_expect(count <= HA_HOSTS_MAX);
	blocks = fuzz_blocks(data, size, count);
	fuzz_seal(blocks, count);
	if (ha_slot_table_decode(sb, blocks, &table) != HA_BLOCK_OK) {
		return;
	}
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		fuzz_expect(strnlen(table.names[i], HA_HOST_NAME) <
			    HA_HOST_NAME);
		fuzz_expect(table.names[i][0] == '\0' ||
			    ha_slot_find(&table, table.names[i]) == i);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ha_autofree uint8_t *block = fuzz_blocks(data, size, 1);
	ha_autofree uint8_t *again = fuzz_blocks(NULL, 0, 1);
	struct ha_superblock sb;
	struct ha_superblock back;
	struct ha_layout layout;

	(void)ha_superblock_decode(block, 0, &sb);
	fuzz_seal(block, 1);
	if (ha_superblock_decode(block, 1, &sb) != HA_BLOCK_OK) {
		return 0;
	}
	fuzz_expect(ha_layout_compute(&sb, &layout) == 0);
	fuzz_expect(layout.total_blocks > layout.protected_list.first);
	ha_superblock_encode(&sb, 1, again);
	fuzz_expect(ha_superblock_decode(again, 1, &back) == HA_BLOCK_OK);
	fuzz_expect(strcmp(back.name, sb.name) == 0 &&
		    back.generation == sb.generation);
	if (size > HA_BLOCK) {
		read_table(&sb, &layout, data + HA_BLOCK, size - HA_BLOCK);
	}
	return 0;
}
