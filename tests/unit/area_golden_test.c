/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes on disk, kept in tests/data/area: what is written today is what
 * was written then, and what was written then is still read. With
 * AREA_GOLDEN=write in the environment the files are made anew.
 */
#include <errno.h>

#include "area_fixture.h"

#define DATA "tests/data/area/"
#define ROW 16u
#define TEXT_MAX (HA_BLOCK / ROW * 64u)

static const struct ha_beat BEAT = {
	.slot = 5,
	.host = "h6",
	.boot_id = { { 0xb0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		       16 } },
	.incarnation = UINT64_C(0x0102030405060708),
	.sequence = UINT64_C(0x1112131415161718),
	.state = HA_BEAT_ARMED,
	.flags = 0x41,
	.evidence = HA_BEAT_EVIDENCE_RING,
	.list_generation = UINT64_C(0x2122232425262728),
	.list_copy = 1,
	.list_count = 0xf1,
	.hold_generation = UINT64_C(0x3132333435363738),
	.hold_copy = 1,
	.hold_count = 0xf2,
	.ring_seq = UINT64_C(0x4142434445464748),
	.members = { UINT64_C(0x5152535455565758) },
	.term = UINT64_C(0x6162636465666768),
	.stores_ok = 3,
	.stores_seen = 0x71727374,
	.watchdog_ms = 0x81828384,
	.program = 0x91929394,
	.orders_count = 2,
	.orders = { { HA_ORDER_RESET, 63, UINT64_C(0xa1a2a3a4a5a6a7a8),
		      UINT64_C(0xb1b2b3b4b5b6b7b8) },
		    { HA_ORDER_STAND_TO, 1, 2, 3 } },
	.acks_count = 1,
	.acks = { { 62, UINT64_C(0xc1c2c3c4c5c6c7c8), -EBUSY } },
};

static struct ha_listed_vm VMS[2] = {
	{ { { 0xd1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
	  "web1",
	  HA_LISTED_RUNNING,
	  UINT64_C(0x0101010101010101) },
	{ { { 0xd2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } },
	  "db-2",
	  HA_LISTED_RELEASED,
	  7 },
};
static const struct ha_vm_list VM_LIST = {
	.slot = 5,
	.incarnation = UINT64_C(0x0102030405060708),
	.generation = UINT64_C(0x2122232425262728),
	.count = 2,
	.vms = VMS,
};

static struct ha_hold HOLD = {
	.uuid = { { 0xd1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		    16 } },
	.resource = "web1",
	.kind = HA_HOLD_POLICY,
	.owner = 62,
	.owner_incarnation = UINT64_C(0x61e2e3e4e5e6e7e8),
	.owner_generation = UINT64_C(0x7a7b7c7d7e7f8081),
	.term = UINT64_C(0x71f2f3f4f5f6f7f8),
	.reason = 0x11223344,
	.left_ms = 0x55667788,
};
static const struct ha_hold_list HOLD_LIST = {
	.slot = 5,
	.incarnation = 8,
	.generation = 9,
	.count = 1,
	.holds = &HOLD,
};

static void
render(const uint8_t *block, char text[TEXT_MAX])
{
	static const uint8_t zero[ROW];
	size_t used = 0;

	text[0] = '\0';
	for (size_t at = 0; at < HA_BLOCK; at += ROW) {
		if (memcmp(block + at, zero, ROW) == 0) {
			continue;
		}
		used += (size_t)snprintf(text + used, TEXT_MAX - used,
					 "%04zx:", at);
		for (size_t i = 0; i < ROW; i++) {
			used += (size_t)snprintf(text + used, TEXT_MAX - used,
						 " %02x", block[at + i]);
		}
		used += (size_t)snprintf(text + used, TEXT_MAX - used, "\n");
	}
}

static void
read_block(const char *path, uint8_t *ret_block)
{
	char line[128];
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	memset(ret_block, 0, HA_BLOCK);
	while (fgets(line, sizeof(line), file)) {
		char *next;
		unsigned long at = strtoul(line, &next, 16);

		assert_true(*next == ':' && at + ROW <= HA_BLOCK);
		for (size_t i = 0; i < ROW; i++) {
			next++;
			ret_block[at + i] = (uint8_t)strtoul(next, &next, 16);
		}
	}
	fclose(file);
}

/* What is written now, against the file; leaves the file's block there. */
static void
compare(const char *name, uint8_t *block)
{
	static char now[TEXT_MAX];
	static char then[TEXT_MAX];
	const char *mode = getenv("AREA_GOLDEN");
	char path[128];

	snprintf(path, sizeof(path), DATA "%s.hex", name);
	render(block, now);
	if (mode && strcmp(mode, "write") == 0) {
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		assert_true(fputs(now, file) >= 0);
		assert_int_equal(fclose(file), 0);
	}
	read_block(path, block);
	render(block, then);
	assert_string_equal(now, then);
}

static void
golden_superblock(void **state)
{
	uint8_t *block = area_blocks(1);
	struct ha_superblock back;

	(void)state;
	ha_superblock_encode(&SB, 1, block);
	compare("superblock", block);
	assert_int_equal(ha_superblock_decode(block, 1, &back), HA_BLOCK_OK);
	assert_string_equal(back.name, SB.name);
	assert_true(back.generation == SB.generation);
	free(block);
}

static void
golden_table(void **state)
{
	static struct ha_slot_table table;
	static struct ha_slot_table back;
	struct ha_superblock sb = SB;
	uint8_t *block = area_blocks(1);

	(void)state;
	sb.slots = 4;
	strcpy(table.names[0], "h1");
	strcpy(table.names[3], "h4.example.org");
	ha_slot_table_encode(&sb, &table, block);
	compare("slot-table", block);
	assert_int_equal(ha_slot_table_decode(&sb, block, &back), HA_BLOCK_OK);
	assert_int_equal(ha_slot_find(&back, "h4.example.org"), 3);
	free(block);
}

static void
golden_beat(void **state)
{
	uint8_t *block = area_blocks(1);
	struct ha_beat back;

	(void)state;
	ha_beat_encode(&SB, &BEAT, block);
	compare("beat", block);
	assert_int_equal(ha_beat_decode(&SB, 5, block, &back), HA_BLOCK_OK);
	assert_true(back.sequence == BEAT.sequence);
	assert_int_equal(back.acks[0].result, -EBUSY);
	free(block);
}

static void
golden_vm_list(void **state)
{
	struct ha_listed_vm vms[2];
	struct ha_vm_list back = { .vms = vms };
	uint8_t *block = area_blocks(1);

	(void)state;
	ha_vm_list_encode(&SB, &VM_LIST, 1, block);
	compare("vm-list", block);
	assert_int_equal(ha_vm_list_decode(&SB, 5, 1, block, 1,
					   VM_LIST.incarnation,
					   VM_LIST.generation, &back),
			 HA_BLOCK_OK);
	assert_string_equal(back.vms[1].resource, "db-2");
	assert_int_equal(back.vms[1].state, HA_LISTED_RELEASED);
	free(block);
}

static void
golden_hold_list(void **state)
{
	struct ha_hold holds[1];
	struct ha_hold_list back = { .holds = holds };
	uint8_t *block = area_blocks(1);

	(void)state;
	ha_hold_list_encode(&SB, &HOLD_LIST, 0, block);
	compare("hold-list", block);
	assert_int_equal(ha_hold_list_decode(&SB, 5, 0, block, 1, 8, 9, &back),
			 HA_BLOCK_OK);
	assert_int_equal(back.holds[0].left_ms, 0x55667788);
	assert_true(back.holds[0].owner_generation == HOLD.owner_generation);
	free(block);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_superblock),
		cmocka_unit_test(golden_table),
		cmocka_unit_test(golden_beat),
		cmocka_unit_test(golden_vm_list),
		cmocka_unit_test(golden_hold_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
