/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protected list: whole, of one write and one master, or refused. Half a
 * list taken for a whole one would start what its user has powered off.
 */
#include <errno.h>

#include "area_fixture.h"

#define TERM 9u
#define GENERATION 21u
#define MASTER 3u
#define VMS_PER_BLOCK 41u
#define AT_COUNT (AT_PAYLOAD + 16u)
#define AT_SLOT (AT_PAYLOAD + 24u)
#define AT_ENTRIES (AT_PAYLOAD + 32u)

static struct ha_protected_vm *
room(uint32_t count)
{
	struct ha_protected_vm *vms = calloc(count, sizeof(*vms));

	assert_non_null(vms);
	return vms;
}

static void
make_list(uint64_t *seed, uint32_t count, struct ha_protected_list *list)
{
	memset(list->vms, 0, count * sizeof(list->vms[0]));
	list->slot = MASTER;
	list->term = TERM;
	list->generation = GENERATION;
	list->count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct ha_protected_vm *vm = &list->vms[i];

		/* Some are known by their resource alone. */
		if (area_below(seed, 4) != 0) {
			area_fill(seed, &vm->uuid, sizeof(vm->uuid));
		}
		area_name(seed, vm->resource, sizeof(vm->resource));
		vm->state = (enum ha_protected_state)area_below(seed,
								HA_PROTECTED_N);
		vm->order = area_below(seed, 6);
	}
}

static void
expect_equal(const struct ha_protected_list *a,
	     const struct ha_protected_list *b)
{
	assert_int_equal(a->slot, b->slot);
	assert_true(a->term == b->term);
	assert_true(a->generation == b->generation);
	assert_int_equal(a->count, b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		assert_memory_equal(&a->vms[i].uuid, &b->vms[i].uuid, 16);
		assert_memory_equal(a->vms[i].resource, b->vms[i].resource,
				    HA_RESOURCE_NAME);
		assert_int_equal(a->vms[i].state, b->vms[i].state);
		assert_int_equal(a->vms[i].order, b->vms[i].order);
	}
}

static enum ha_block_verdict
decode(const uint8_t *blocks, uint32_t n_blocks,
       struct ha_protected_list *ret_list)
{
	return ha_protected_list_decode(&SB, 1, blocks, n_blocks,
					SB.protected_vms, ret_list);
}

static void
round_trip(void **state)
{
	struct ha_protected_list list = { .vms = room(SB.protected_vms) };
	struct ha_protected_list back = { .vms = room(SB.protected_vms) };
	struct ha_protected_list peek = { .count = 0 };
	uint64_t seed = 31;

	(void)state;
	for (uint32_t count = 0; count <= SB.protected_vms;
	     count += count < 130 ? 1 : 793) {
		uint32_t n = ha_protected_list_blocks(count);
		uint8_t *blocks = area_blocks(n);

		assert_int_equal(n, count == 0 ? 1 :
						 (count + VMS_PER_BLOCK - 1) /
							 VMS_PER_BLOCK);
		make_list(&seed, count, &list);
		ha_protected_list_encode(&SB, &list, 1, blocks);
		assert_int_equal(decode(blocks, n, &back), HA_BLOCK_OK);
		expect_equal(&back, &list);
		assert_int_equal(ha_protected_list_peek(&SB, 1, blocks, &peek),
				 HA_BLOCK_OK);
		assert_int_equal(peek.count, count);
		assert_true(peek.term == TERM);
		assert_true(peek.generation == GENERATION);
		free(blocks);
	}
	free(back.vms);
	free(list.vms);
}

/* A torn write of several blocks: every mixture of two generations. */
static void
mixtures(void **state)
{
	struct ha_protected_list list = { .vms = room(SB.protected_vms) };
	struct ha_protected_list back = { .vms = room(SB.protected_vms),
					  .count = 77 };
	uint64_t seed = 32;
	uint32_t n = ha_protected_list_blocks(100);
	uint8_t *older = area_blocks(n);
	uint8_t *newer = area_blocks(n);
	uint8_t *mixed = area_blocks(n);

	(void)state;
	assert_int_equal(n, 3);
	make_list(&seed, 100, &list);
	ha_protected_list_encode(&SB, &list, 1, older);
	list.generation++;
	ha_protected_list_encode(&SB, &list, 1, newer);
	for (unsigned int mix = 0; mix < 8; mix++) {
		for (uint32_t i = 0; i < n; i++) {
			memcpy(mixed + i * HA_BLOCK,
			       ((mix >> i) & 1 ? newer : older) + i * HA_BLOCK,
			       HA_BLOCK);
		}
		assert_int_equal(decode(mixed, n, &back),
				 mix == 0 || mix == 7 ? HA_BLOCK_OK :
							HA_BLOCK_STALE);
	}
	free(mixed);
	free(newer);
	free(older);
	free(back.vms);
	free(list.vms);
}

/* Every byte of both blocks flipped: never a list. */
static void
every_byte(void **state)
{
	struct ha_protected_list list = { .vms = room(SB.protected_vms) };
	struct ha_protected_list back = { .vms = room(SB.protected_vms),
					  .count = 77 };
	uint64_t seed = 33;
	uint8_t *blocks = area_blocks(2);

	(void)state;
	make_list(&seed, 42, &list);
	ha_protected_list_encode(&SB, &list, 1, blocks);
	for (size_t at = 0; at < 2 * HA_BLOCK; at++) {
		uint8_t flip = (uint8_t)(1u << area_below(&seed, 8));

		blocks[at] ^= flip;
		assert_int_equal(decode(blocks, 2, &back),
				 at % HA_BLOCK < AT_KIND ? HA_BLOCK_ALIEN :
							   HA_BLOCK_TORN);
		if (at < HA_BLOCK) {
			assert_int_not_equal(
				ha_protected_list_peek(&SB, 1, blocks, &back),
				HA_BLOCK_OK);
		}
		blocks[at] ^= flip;
	}
	assert_int_equal(back.count, 77);
	assert_int_equal(decode(blocks, 2, &back), HA_BLOCK_OK);
	free(blocks);
	free(back.vms);
	free(list.vms);
}

static void
contents(void **state)
{
	static const struct {
		const char *what;
		uint32_t block, at, value;
		enum ha_block_verdict verdict;
	} CASES[] = {
		{ "another count", 1, AT_COUNT, 43, HA_BLOCK_INVALID },
		{ "entry size", 1, AT_COUNT + 4, 97, HA_BLOCK_INVALID },
		{ "payload", 1, AT_LENGTH, 32 + 95, HA_BLOCK_INVALID },
		{ "another master", 1, AT_SLOT, MASTER + 1, HA_BLOCK_INVALID },
		{ "no such master", 0, AT_SLOT, 64, HA_BLOCK_INVALID },
		{ "no resource", 1, AT_ENTRIES + 16, 0, HA_BLOCK_INVALID },
		{ "escape", 1, AT_ENTRIES + 16, 0x1b, HA_BLOCK_INVALID },
		{ "last state", 1, AT_ENTRIES + 84, HA_PROTECTED_N - 1,
		  HA_BLOCK_OK },
		{ "state", 1, AT_ENTRIES + 84, HA_PROTECTED_N,
		  HA_BLOCK_INVALID },
		{ "any order", 1, AT_ENTRIES + 80, UINT32_MAX, HA_BLOCK_OK },
	};
	struct ha_protected_list list = { .vms = room(SB.protected_vms) };
	struct ha_protected_list back = { .vms = room(SB.protected_vms) };
	uint64_t seed = 34;
	uint8_t *blocks = area_blocks(2);

	(void)state;
	make_list(&seed, 42, &list);
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		enum ha_block_verdict verdict;

		ha_protected_list_encode(&SB, &list, 1, blocks);
		area_put32(blocks + CASES[i].block * HA_BLOCK + CASES[i].at,
			   CASES[i].value);
		area_seal(blocks + CASES[i].block * HA_BLOCK);
		verdict = decode(blocks, 2, &back);
		if (verdict != CASES[i].verdict) {
			fail_msg("%s: %s", CASES[i].what,
				 ha_block_verdict_name(verdict));
		}
	}
	free(blocks);
	free(back.vms);
	free(list.vms);
}

static void
places(void **state)
{
	struct ha_protected_list list = { .vms = room(SB.protected_vms) };
	struct ha_protected_list back = { .vms = room(SB.protected_vms) };
	struct ha_superblock other = SB;
	uint64_t seed = 35;
	uint8_t *blocks = area_blocks(2);

	(void)state;
	make_list(&seed, 42, &list);
	ha_protected_list_encode(&SB, &list, 1, blocks);
	/* Fewer blocks, another copy, more than the area has room for, another
	 * cluster. */
	assert_int_equal(decode(blocks, 1, &back), HA_BLOCK_INVALID);
	assert_int_equal(ha_protected_list_decode(&SB, 0, blocks, 2, 42, &back),
			 HA_BLOCK_MISPLACED);
	assert_int_equal(ha_protected_list_decode(&SB, 2, blocks, 2, 42, &back),
			 HA_BLOCK_INVALID);
	other.protected_vms = 41;
	assert_int_equal(
		ha_protected_list_decode(&other, 1, blocks, 2, 42, &back),
		HA_BLOCK_INVALID);
	assert_int_equal(ha_protected_list_peek(&other, 1, blocks, &back),
			 HA_BLOCK_INVALID);
	other.protected_vms = 42;
	assert_int_equal(
		ha_protected_list_decode(&other, 1, blocks, 2, 42, &back),
		HA_BLOCK_OK);
	other.cluster.bytes[3]++;
	assert_int_equal(
		ha_protected_list_decode(&other, 1, blocks, 2, 42, &back),
		HA_BLOCK_FOREIGN);
	/* More than the caller has room for. */
	other = SB;
	back.count = 77;
	assert_int_equal(
		ha_protected_list_decode(&other, 1, blocks, 2, 41, &back),
		HA_BLOCK_INVALID);
	assert_int_equal(back.count, 77);
	/* Of no master. */
	list.term = 0;
	ha_protected_list_encode(&SB, &list, 1, blocks);
	assert_int_equal(decode(blocks, 2, &back), HA_BLOCK_INVALID);
	free(blocks);
	free(back.vms);
	free(list.vms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(mixtures),
		cmocka_unit_test(every_byte), cmocka_unit_test(contents),
		cmocka_unit_test(places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
