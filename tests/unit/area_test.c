/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Header and superblock, layout, slot table, uuids, words: every verdict is
 * made by a real mutation of a real block.
 */
#include <errno.h>

#include "area_fixture.h"

#define MIB (1024u * 1024u)

/* ---- superblock --------------------------------------------------------- */

static void
superblock_round_trip(void **state)
{
	uint8_t *block = area_blocks(1);
	uint64_t seed = 1;

	(void)state;
	for (int round = 0; round < 500; round++) {
		struct ha_superblock sb = SB;
		struct ha_superblock back;

		memset(&back, 0xee, sizeof(back));
		area_fill(&seed, &sb.cluster, sizeof(sb.cluster));
		area_fill(&seed, &sb.store, sizeof(sb.store));
		area_name(&seed, sb.name, sizeof(sb.name));
		sb.compat = area_below(&seed, UINT32_MAX);
		sb.ro_compat = area_below(&seed, UINT32_MAX);
		sb.stores = 1 + area_below(&seed, HA_STORES_MAX);
		sb.store_index = area_below(&seed, sb.stores);
		sb.slots = 1 + area_below(&seed, HA_HOSTS_MAX);
		sb.vms = 1 + area_below(&seed, HA_VMS_MAX);
		sb.protected_vms =
			area_below(&seed, HA_HOSTS_MAX * HA_VMS_MAX + 1);
		sb.profile = (enum ha_profile)area_below(&seed, HA_PROFILE_N);
		sb.timing.beat_ms = 1 + area_below(&seed, 3600000);
		sb.timing.watchdog_ms = 1 + area_below(&seed, 3600000);
		sb.timing.tolerance_ms = 1 + area_below(&seed, 3600000);
		sb.timing.drift_ppm = area_below(&seed, 1000001);
		sb.generation = area_random(&seed);
		ha_superblock_encode(&sb, (uint32_t)round % 2, block);
		assert_int_equal(
			ha_superblock_decode(block, (uint32_t)round % 2, &back),
			HA_BLOCK_OK);
		assert_int_equal(back.version, sb.version);
		assert_int_equal(back.compat, sb.compat);
		assert_int_equal(back.ro_compat, sb.ro_compat);
		assert_memory_equal(&back.cluster, &sb.cluster, 16);
		assert_memory_equal(back.name, sb.name, sizeof(sb.name));
		assert_memory_equal(&back.store, &sb.store, 16);
		assert_int_equal(back.store_index, sb.store_index);
		assert_int_equal(back.stores, sb.stores);
		assert_int_equal(back.slots, sb.slots);
		assert_int_equal(back.vms, sb.vms);
		assert_int_equal(back.protected_vms, sb.protected_vms);
		assert_int_equal(back.profile, sb.profile);
		assert_memory_equal(&back.timing, &sb.timing,
				    sizeof(sb.timing));
		assert_true(back.generation == sb.generation);
	}
	free(block);
}

/* Offsets within the payload: 32 bits, or with `byte` one byte. */
static const struct {
	const char *what;
	uint32_t at;
	uint32_t value;
	bool is_byte;
	enum ha_block_verdict verdict;
} SUPERBLOCK_CASES[] = {
	{ "nothing", 0, 0x80000001u, false, HA_BLOCK_OK },
	{ "unknown compat", 0, 0xffffffffu, false, HA_BLOCK_OK },
	{ "unknown ro_compat", 4, 0xffffffffu, false, HA_BLOCK_OK },
	{ "unknown incompat", 8, 1, false, HA_BLOCK_NEWER },
	{ "index of another store", 12, 3, false, HA_BLOCK_INVALID },
	{ "no store", 16, 0, false, HA_BLOCK_INVALID },
	{ "six stores", 16, 6, false, HA_BLOCK_INVALID },
	{ "no slot", 20, 0, false, HA_BLOCK_INVALID },
	{ "most slots", 20, 255, false, HA_BLOCK_OK },
	{ "too many slots", 20, 256, false, HA_BLOCK_INVALID },
	{ "no VM", 24, 0, false, HA_BLOCK_INVALID },
	{ "most VMs", 24, 1024, false, HA_BLOCK_OK },
	{ "too many VMs", 24, 1025, false, HA_BLOCK_INVALID },
	{ "protected", 28, 255 * 1024, false, HA_BLOCK_OK },
	{ "too many protected", 28, 255 * 1024 + 1, false, HA_BLOCK_INVALID },
	{ "no cluster name", 32, 0, true, HA_BLOCK_INVALID },
	{ "control character", 33, 0x1b, true, HA_BLOCK_INVALID },
	{ "delete", 33, 0x7f, true, HA_BLOCK_INVALID },
	{ "broken UTF-8", 33, 0xc3, true, HA_BLOCK_INVALID },
	{ "profile", 112, HA_PROFILE_N - 1, false, HA_BLOCK_OK },
	{ "unknown profile", 112, HA_PROFILE_N, false, HA_BLOCK_INVALID },
	{ "no beat", 116, 0, false, HA_BLOCK_INVALID },
	{ "beat of an hour", 116, 3600000, false, HA_BLOCK_OK },
	{ "beat beyond", 116, 3600001, false, HA_BLOCK_INVALID },
	{ "no watchdog", 120, 0, false, HA_BLOCK_INVALID },
	{ "no tolerance", 124, 0, false, HA_BLOCK_INVALID },
	{ "drift", 128, 1000001, false, HA_BLOCK_INVALID },
};

static void
superblock_contents(void **state)
{
	uint8_t *block = area_blocks(1);

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(SUPERBLOCK_CASES); i++) {
		struct ha_superblock back = { .generation = 4711 };
		uint8_t *at;
		enum ha_block_verdict verdict;

		ha_superblock_encode(&SB, 0, block);
		at = block + AT_PAYLOAD + SUPERBLOCK_CASES[i].at;
		if (SUPERBLOCK_CASES[i].is_byte) {
			*at = (uint8_t)SUPERBLOCK_CASES[i].value;
		} else {
			area_put32(at, SUPERBLOCK_CASES[i].value);
		}
		area_seal(block);
		verdict = ha_superblock_decode(block, 0, &back);
		if (verdict != SUPERBLOCK_CASES[i].verdict) {
			fail_msg("%s: %s", SUPERBLOCK_CASES[i].what,
				 ha_block_verdict_name(verdict));
		}
		assert_true((back.generation == 7) == (verdict == HA_BLOCK_OK));
	}
	free(block);
}

static void
superblock_name_without_nul(void **state)
{
	uint8_t *block = area_blocks(1);
	struct ha_superblock back;

	(void)state;
	ha_superblock_encode(&SB, 0, block);
	memset(block + AT_PAYLOAD + 32, 'n', HA_CLUSTER_NAME);
	area_seal(block);
	assert_int_equal(ha_superblock_decode(block, 0, &back),
			 HA_BLOCK_INVALID);
	block[AT_PAYLOAD + 32 + HA_CLUSTER_NAME - 1] = 0;
	area_seal(block);
	assert_int_equal(ha_superblock_decode(block, 0, &back), HA_BLOCK_OK);
	assert_int_equal(strlen(back.name), HA_CLUSTER_NAME - 1);
	/* Nothing behind the NUL comes out. */
	block[AT_PAYLOAD + 32 + 1] = 0;
	area_seal(block);
	assert_int_equal(ha_superblock_decode(block, 0, &back), HA_BLOCK_OK);
	assert_string_equal(back.name, "n");
	assert_int_equal(back.name[2], 0);
	for (int i = 0; i < 2; i++) {
		size_t at = i ? (size_t)AT_CLUSTER : AT_PAYLOAD + 96u;

		ha_superblock_encode(&SB, 0, block);
		memset(block + at, 0, 16); /* no uuid */
		area_seal(block);
		assert_int_equal(ha_superblock_decode(block, 0, &back),
				 HA_BLOCK_INVALID);
	}
	free(block);
}

/* ---- header ------------------------------------------------------------- */

static void
header_verdicts(void **state)
{
	static const struct {
		const char *what;
		uint32_t at;
		uint8_t value;
		enum ha_block_verdict verdict;
	} CASES[] = {
		{ "magic", AT_MAGIC + 7, 'A', HA_BLOCK_ALIEN },
		{ "kind", AT_KIND, 2, HA_BLOCK_MISPLACED },
		{ "kind, high byte", AT_KIND + 1, 1, HA_BLOCK_MISPLACED },
		{ "newer minor", AT_MINOR, 9, HA_BLOCK_OK },
		{ "newer major", AT_MAJOR, 2, HA_BLOCK_NEWER },
		{ "major 0", AT_MAJOR, 0, HA_BLOCK_INVALID },
		{ "payload too long", AT_LENGTH + 1, 0x10, HA_BLOCK_INVALID },
		{ "payload of 16 MiB", AT_LENGTH + 3, 1, HA_BLOCK_INVALID },
		{ "payload longer", AT_LENGTH + 1, 0x0f, HA_BLOCK_OK },
		{ "payload too short", AT_LENGTH, 143, HA_BLOCK_INVALID },
		{ "place", AT_PLACE, 1, HA_BLOCK_MISPLACED },
		{ "copy", AT_COPY, 1, HA_BLOCK_MISPLACED },
		{ "index", AT_INDEX, 1, HA_BLOCK_MISPLACED },
		{ "behind the payload", 4095, 1, HA_BLOCK_OK },
	};
	uint8_t *block = area_blocks(1);
	struct ha_superblock back;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		enum ha_block_verdict verdict;

		ha_superblock_encode(&SB, 0, block);
		block[CASES[i].at] = CASES[i].value;
		area_seal(block);
		verdict = ha_superblock_decode(block, 0, &back);
		if (verdict != CASES[i].verdict) {
			fail_msg("%s: %s", CASES[i].what,
				 ha_block_verdict_name(verdict));
		}
	}
	memset(block, 0, HA_BLOCK);
	assert_int_equal(ha_superblock_decode(block, 0, &back), HA_BLOCK_BLANK);
	block[HA_BLOCK - 1] = 1;
	assert_int_equal(ha_superblock_decode(block, 0, &back), HA_BLOCK_ALIEN);
	/* The copy is no superblock at block 0, and the other way round. */
	ha_superblock_encode(&SB, 1, block);
	assert_int_equal(ha_superblock_decode(block, 0, &back),
			 HA_BLOCK_MISPLACED);
	assert_int_equal(ha_superblock_decode(block, 1, &back), HA_BLOCK_OK);
	free(block);
}

/* ---- layout ------------------------------------------------------------- */

static void
expect_region(struct ha_region region, uint64_t *next)
{
	assert_true(region.first == *next);
	*next += region.blocks;
}

static void
layout_limits(void **state)
{
	static const struct {
		uint32_t slots, vms, protected_vms;
		int rc;
	} CASES[] = {
		{ 64, 256, 64 * 256, 0 },
		{ 255, 1024, 255 * 1024, 0 },
		{ 1, 1, 0, 0 },
		{ 3, 41, 41, 0 },
		{ 0, 1, 0, -ERANGE },
		{ 256, 1, 0, -ERANGE },
		{ 1, 0, 0, -ERANGE },
		{ 1, 1025, 0, -ERANGE },
		{ 1, 1, 255 * 1024 + 1, -ERANGE },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct ha_superblock sb = SB;
		struct ha_layout layout = { .total_blocks = 4711 };
		uint64_t next = 2;

		sb.slots = CASES[i].slots;
		sb.vms = CASES[i].vms;
		sb.protected_vms = CASES[i].protected_vms;
		assert_int_equal(ha_layout_compute(&sb, &layout), CASES[i].rc);
		if (CASES[i].rc < 0) {
			assert_true(layout.total_blocks == 4711);
			continue;
		}
		expect_region(layout.table, &next);
		expect_region(layout.beats, &next);
		expect_region(layout.lists, &next);
		expect_region(layout.holds, &next);
		expect_region(layout.protected_list, &next);
		assert_true(layout.total_blocks == next);
		assert_true(layout.beats.blocks == sb.slots);
		assert_int_equal(layout.list_blocks, ha_vm_list_blocks(sb.vms));
		assert_true(layout.lists.blocks ==
			    2u * sb.slots * layout.list_blocks);
		assert_true(layout.holds.blocks ==
			    2u * sb.slots * ha_hold_list_blocks(sb.vms));
		assert_true(layout.protected_list.blocks % 2 == 0);
		assert_true(layout.protected_list.blocks >= 2);
		if (i == 0) {
			assert_true(next * HA_BLOCK < 16u * MIB);
		}
	}
}

/* ---- slot table --------------------------------------------------------- */

static void
table_round_trip(void **state)
{
	static struct ha_slot_table table;
	static struct ha_slot_table back;
	uint64_t seed = 2;

	(void)state;
	for (uint32_t slots = 1; slots <= HA_HOSTS_MAX; slots++) {
		struct ha_superblock sb = SB;
		struct ha_layout layout;
		uint8_t *exact;

		sb.slots = slots;
		assert_int_equal(ha_layout_compute(&sb, &layout), 0);
		exact = area_blocks((size_t)layout.table.blocks);
		memset(&table, 0, sizeof(table));
		for (uint32_t i = 0; i < slots; i++) {
			if (area_below(&seed, 3) > 0) {
				area_name(&seed, table.names[i] + 2,
					  HA_HOST_NAME - 2);
				table.names[i][0] = (char)('a' + i % 26);
				table.names[i][1] = (char)('a' + i / 26);
			}
		}
		ha_slot_table_encode(&sb, &table, exact);
		assert_int_equal(ha_slot_table_decode(&sb, exact, &back),
				 HA_BLOCK_OK);
		assert_memory_equal(&back, &table, sizeof(table));
		free(exact);
	}
}

static void
table_verdicts(void **state)
{
	static struct ha_slot_table table;
	static struct ha_slot_table back;
	struct ha_superblock sb = SB;
	struct ha_superblock other = SB;
	uint8_t *blocks = area_blocks(2);
	uint8_t *second = area_blocks(2);

	(void)state;
	strcpy(table.names[0], "h1");
	strcpy(table.names[63], "h64");
	ha_slot_table_encode(&sb, &table, blocks);
	assert_int_equal(ha_slot_table_decode(&sb, blocks, &back), HA_BLOCK_OK);
	assert_int_equal(ha_slot_find(&back, "h64"), 63);
	assert_int_equal(ha_slot_find(&back, "h6"), HA_SLOT_NONE);
	assert_int_equal(ha_slot_find(&back, ""), HA_SLOT_NONE);

	/* The second block of another write. */
	other.generation++;
	ha_slot_table_encode(&other, &table, second);
	memcpy(second, blocks, HA_BLOCK);
	assert_int_equal(ha_slot_table_decode(&sb, second, &back),
			 HA_BLOCK_STALE);
	/* The two blocks swapped; one torn, one zero. */
	memcpy(second, blocks + HA_BLOCK, HA_BLOCK);
	assert_int_equal(ha_slot_table_decode(&sb, second, &back),
			 HA_BLOCK_MISPLACED);
	memcpy(second, blocks, 2 * HA_BLOCK);
	second[2 * HA_BLOCK - 1] ^= 1;
	assert_int_equal(ha_slot_table_decode(&sb, second, &back),
			 HA_BLOCK_TORN);
	memset(second + HA_BLOCK, 0, HA_BLOCK);
	assert_int_equal(ha_slot_table_decode(&sb, second, &back),
			 HA_BLOCK_BLANK);
	other = sb;
	other.cluster.bytes[15]++;
	assert_int_equal(ha_slot_table_decode(&other, blocks, &back),
			 HA_BLOCK_FOREIGN);
	other = sb;
	other.slots--;
	assert_int_equal(ha_slot_table_decode(&other, blocks, &back),
			 HA_BLOCK_INVALID);
	/* One name in two slots. */
	strcpy(table.names[5], "h64");
	ha_slot_table_encode(&sb, &table, blocks);
	assert_int_equal(ha_slot_table_decode(&sb, blocks, &back),
			 HA_BLOCK_INVALID);
	free(second);
	free(blocks);
}

/* ---- uuid, words -------------------------------------------------------- */

static void
uuid_text(void **state)
{
	struct ha_uuid uuid;
	struct ha_uuid back;
	char text[37];
	uint64_t seed = 3;

	(void)state;
	assert_int_equal(
		ha_uuid_parse("0B5A2E0E-7a51-4b59-a1a1-6a2a52c1f7af", &uuid),
		0);
	assert_int_equal(uuid.bytes[0], 0x0b);
	assert_int_equal(uuid.bytes[15], 0xaf);
	ha_uuid_format(&uuid, text);
	assert_string_equal(text, "0b5a2e0e-7a51-4b59-a1a1-6a2a52c1f7af");
	assert_int_equal(
		ha_uuid_parse("0b5a2e0e7a514b59a1a16a2a52c1f7af", &back),
		-EINVAL);
	assert_int_equal(ha_uuid_parse("", &back), -EINVAL);
	for (int i = 0; i < 1000; i++) {
		area_fill(&seed, &uuid, sizeof(uuid));
		ha_uuid_format(&uuid, text);
		assert_int_equal(ha_uuid_parse(text, &back), 0);
		assert_memory_equal(&back, &uuid, sizeof(uuid));
	}
}

static void
words(void **state)
{
	(void)state;
	for (int i = 0; i < HA_BLOCK_VERDICT_N; i++) {
		const char *name =
			ha_block_verdict_name((enum ha_block_verdict)i);

		assert_true(strlen(name) > 0);
		assert_true(strlen(ha_block_verdict_text(
				    (enum ha_block_verdict)i)) > 15);
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(
				name, ha_block_verdict_name(
					      (enum ha_block_verdict)k));
		}
	}
	assert_string_equal(ha_block_verdict_name(
				    (enum ha_block_verdict)HA_BLOCK_VERDICT_N),
			    "unknown");
	for (int i = HA_ORDER_NONE; i <= HA_ORDER_STAND_TO; i++) {
		assert_string_not_equal(
			ha_order_kind_name((enum ha_order_kind)i), "unknown");
	}
	for (int i = 0; i < HA_LISTED_N; i++) {
		assert_string_not_equal(
			ha_listed_state_name((enum ha_listed_state)i),
			"unknown");
	}
	assert_string_equal(ha_order_kind_name((enum ha_order_kind)99),
			    "unknown");
	assert_string_equal(ha_listed_state_name((enum ha_listed_state)99),
			    "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(superblock_round_trip),
		cmocka_unit_test(superblock_contents),
		cmocka_unit_test(superblock_name_without_nul),
		cmocka_unit_test(header_verdicts),
		cmocka_unit_test(layout_limits),
		cmocka_unit_test(table_round_trip),
		cmocka_unit_test(table_verdicts),
		cmocka_unit_test(uuid_text),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
