/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VM lists and holds: whole, of one write, of the generation asked for, or
 * refused. Half a list taken for a whole one would start a VM twice.
 */
#include <errno.h>

#include "area_fixture.h"

#define SLOT 3u
#define INCARNATION 9u
#define GENERATION 21u
#define VMS_PER_BLOCK 41u
#define HOLDS_PER_BLOCK 33u
#define AT_LIST_COUNT (AT_PAYLOAD + 16u)
#define AT_ENTRIES (AT_PAYLOAD + 32u)

static void
make_list(uint64_t *seed, uint32_t count, struct ha_vm_list *list)
{
	memset(list->vms, 0, count * sizeof(list->vms[0]));
	list->slot = SLOT;
	list->incarnation = INCARNATION;
	list->generation = GENERATION;
	list->count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct ha_listed_vm *vm = &list->vms[i];

		area_fill(seed, &vm->uuid, sizeof(vm->uuid));
		area_name(seed, vm->resource, sizeof(vm->resource));
		vm->state = (enum ha_listed_state)area_below(seed, HA_LISTED_N);
		vm->since_generation = area_below(seed, GENERATION + 1);
	}
}

static void
expect_equal(const struct ha_vm_list *a, const struct ha_vm_list *b)
{
	assert_int_equal(a->slot, b->slot);
	assert_true(a->incarnation == b->incarnation);
	assert_true(a->generation == b->generation);
	assert_int_equal(a->count, b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		assert_memory_equal(&a->vms[i].uuid, &b->vms[i].uuid, 16);
		assert_memory_equal(a->vms[i].resource, b->vms[i].resource,
				    HA_RESOURCE_NAME);
		assert_int_equal(a->vms[i].state, b->vms[i].state);
		assert_true(a->vms[i].since_generation ==
			    b->vms[i].since_generation);
	}
}

/* Decodes into exactly as much room as the area promises. */
static enum ha_block_verdict
decode(const uint8_t *blocks, uint32_t n_blocks, uint64_t incarnation,
       uint64_t generation, struct ha_vm_list *ret_list)
{
	return ha_vm_list_decode(&SB, SLOT, 1, blocks, n_blocks, incarnation,
				 generation, ret_list);
}

static struct ha_listed_vm *
room(uint32_t count)
{
	struct ha_listed_vm *vms = calloc(count, sizeof(*vms));

	assert_non_null(vms);
	return vms;
}

static void
list_round_trip(void **state)
{
	struct ha_vm_list list = { .vms = room(HA_VMS_MAX) };
	struct ha_vm_list back = { .vms = room(HA_VMS_MAX) };
	struct ha_superblock sb = SB;
	uint64_t seed = 21;

	(void)state;
	sb.vms = HA_VMS_MAX;
	for (uint32_t count = 0; count <= HA_VMS_MAX;
	     count += count < 130 ? 1 : 149) {
		uint32_t n = ha_vm_list_blocks(count);
		uint8_t *blocks = area_blocks(n);

		assert_int_equal(n, count == 0 ? 1 :
						 (count + VMS_PER_BLOCK - 1) /
							 VMS_PER_BLOCK);
		make_list(&seed, count, &list);
		ha_vm_list_encode(&sb, &list, 1, blocks);
		assert_int_equal(ha_vm_list_decode(&sb, SLOT, 1, blocks, n,
						   INCARNATION, GENERATION,
						   &back),
				 HA_BLOCK_OK);
		expect_equal(&back, &list);
		assert_int_equal(
			ha_vm_list_decode(&sb, SLOT, 1, blocks, n, 0, 0, &back),
			HA_BLOCK_OK);
		free(blocks);
	}
	free(back.vms);
	free(list.vms);
}

/* A torn write of several blocks: every mixture of two generations. */
static void
list_mixtures(void **state)
{
	struct ha_vm_list list = { .vms = room(SB.vms) };
	struct ha_vm_list back = { .vms = room(SB.vms), .count = 77 };
	uint64_t seed = 22;
	uint32_t n = ha_vm_list_blocks(100);
	uint8_t *older = area_blocks(n);
	uint8_t *newer = area_blocks(n);
	uint8_t *mixed = area_blocks(n);

	(void)state;
	assert_int_equal(n, 3);
	make_list(&seed, 100, &list);
	ha_vm_list_encode(&SB, &list, 1, older);
	list.generation++;
	list.vms[0].state = HA_LISTED_RELEASED;
	ha_vm_list_encode(&SB, &list, 1, newer);
	for (unsigned int mix = 0; mix < 8; mix++) {
		bool is_whole = mix == 0 || mix == 7;

		for (uint32_t i = 0; i < n; i++) {
			memcpy(mixed + i * HA_BLOCK,
			       ((mix >> i) & 1 ? newer : older) + i * HA_BLOCK,
			       HA_BLOCK);
		}
		assert_int_equal(
			decode(mixed, n, INCARNATION, GENERATION, &back),
			mix == 0 ? HA_BLOCK_OK : HA_BLOCK_STALE);
		assert_int_equal(
			decode(mixed, n, INCARNATION, GENERATION + 1, &back),
			mix == 7 ? HA_BLOCK_OK : HA_BLOCK_STALE);
		/* Asking for any takes no mixture either. */
		assert_int_equal(decode(mixed, n, 0, 0, &back),
				 is_whole ? HA_BLOCK_OK : HA_BLOCK_STALE);
	}
	free(mixed);
	free(newer);
	free(older);
	free(back.vms);
	free(list.vms);
}

static void
list_verdicts(void **state)
{
	struct ha_vm_list list = { .vms = room(SB.vms) };
	struct ha_vm_list back = { .vms = room(SB.vms), .count = 77 };
	struct ha_superblock other = SB;
	uint64_t seed = 23;
	uint8_t *blocks = area_blocks(2);

	(void)state;
	make_list(&seed, 50, &list);
	ha_vm_list_encode(&SB, &list, 1, blocks);
	/* Another generation, another incarnation, one of both 0. */
	assert_int_equal(decode(blocks, 2, INCARNATION, GENERATION - 1, &back),
			 HA_BLOCK_STALE);
	assert_int_equal(decode(blocks, 2, INCARNATION, GENERATION + 1, &back),
			 HA_BLOCK_STALE);
	assert_int_equal(decode(blocks, 2, INCARNATION + 1, GENERATION, &back),
			 HA_BLOCK_STALE);
	assert_int_equal(decode(blocks, 2, INCARNATION, 0, &back),
			 HA_BLOCK_STALE);
	assert_int_equal(decode(blocks, 2, 0, GENERATION, &back),
			 HA_BLOCK_STALE);
	/* Fewer blocks than the list has. */
	assert_int_equal(decode(blocks, 1, INCARNATION, GENERATION, &back),
			 HA_BLOCK_INVALID);
	assert_int_equal(decode(blocks, 0, INCARNATION, GENERATION, &back),
			 HA_BLOCK_INVALID);
	/* A list longer than the area allows. */
	other.vms = 49;
	assert_int_equal(
		ha_vm_list_decode(&other, SLOT, 1, blocks, 2, 0, 0, &back),
		HA_BLOCK_INVALID);
	memset(blocks + HA_BLOCK, 0, HA_BLOCK);
	assert_int_equal(decode(blocks, 2, INCARNATION, GENERATION, &back),
			 HA_BLOCK_BLANK);
	assert_int_equal(back.count, 77);
	free(blocks);
	free(back.vms);
	free(list.vms);
}

/* Another place, copy, kind, cluster. */
static void
list_places(void **state)
{
	struct ha_vm_list list = { .vms = room(SB.vms) };
	struct ha_vm_list back = { .vms = room(SB.vms), .count = 77 };
	struct ha_superblock other = SB;
	uint64_t seed = 27;
	uint8_t *blocks = area_blocks(2);

	(void)state;
	make_list(&seed, 50, &list);
	ha_vm_list_encode(&SB, &list, 1, blocks);
	assert_int_equal(
		ha_vm_list_decode(&SB, SLOT, 0, blocks, 2, 0, 0, &back),
		HA_BLOCK_MISPLACED);
	assert_int_equal(
		ha_vm_list_decode(&SB, SLOT, 2, blocks, 2, 0, 0, &back),
		HA_BLOCK_INVALID);
	assert_int_equal(
		ha_vm_list_decode(&SB, SLOT + 1, 1, blocks, 2, 0, 0, &back),
		HA_BLOCK_MISPLACED);
	assert_int_equal(
		ha_vm_list_decode(&SB, SB.slots, 1, blocks, 2, 0, 0, &back),
		HA_BLOCK_INVALID);
	assert_int_equal(
		ha_hold_list_decode(&SB, SLOT, 1, blocks, 2, 0, 0,
				    &(struct ha_hold_list){ .slot = 0 }),
		HA_BLOCK_MISPLACED);
	other.cluster.bytes[3]++;
	assert_int_equal(
		ha_vm_list_decode(&other, SLOT, 1, blocks, 2, 0, 0, &back),
		HA_BLOCK_FOREIGN);
	assert_int_equal(back.count, 77);
	free(blocks);
	free(back.vms);
	free(list.vms);
}

/* Every byte of both blocks flipped: never a list. */
static void
list_every_byte(void **state)
{
	struct ha_vm_list list = { .vms = room(SB.vms) };
	struct ha_vm_list back = { .vms = room(SB.vms), .count = 77 };
	uint64_t seed = 24;
	uint8_t *blocks = area_blocks(2);

	(void)state;
	make_list(&seed, 42, &list);
	ha_vm_list_encode(&SB, &list, 1, blocks);
	for (size_t at = 0; at < 2 * HA_BLOCK; at++) {
		uint8_t flip = (uint8_t)(1u << area_below(&seed, 8));

		blocks[at] ^= flip;
		assert_int_equal(
			decode(blocks, 2, INCARNATION, GENERATION, &back),
			at % HA_BLOCK < AT_KIND ? HA_BLOCK_ALIEN :
						  HA_BLOCK_TORN);
		blocks[at] ^= flip;
	}
	assert_int_equal(back.count, 77);
	assert_int_equal(decode(blocks, 2, INCARNATION, GENERATION, &back),
			 HA_BLOCK_OK);
	free(blocks);
	free(back.vms);
	free(list.vms);
}

static void
list_contents(void **state)
{
	static const struct {
		const char *what;
		uint32_t at; /* in the second block */
		uint32_t value;
		enum ha_block_verdict verdict;
	} CASES[] = {
		{ "another count", AT_LIST_COUNT, 43, HA_BLOCK_INVALID },
		{ "entry size", AT_LIST_COUNT + 4, 97, HA_BLOCK_INVALID },
		{ "payload", AT_LENGTH, 32 + 95, HA_BLOCK_INVALID },
		{ "no resource", AT_ENTRIES + 16, 0, HA_BLOCK_INVALID },
		{ "escape", AT_ENTRIES + 16, 0x1b, HA_BLOCK_INVALID },
		{ "last generation", AT_ENTRIES + 80, GENERATION, HA_BLOCK_OK },
		{ "future", AT_ENTRIES + 80, GENERATION + 1, HA_BLOCK_INVALID },
		{ "last state", AT_ENTRIES + 88, HA_LISTED_N - 1, HA_BLOCK_OK },
		{ "state", AT_ENTRIES + 88, HA_LISTED_N, HA_BLOCK_INVALID },
	};
	struct ha_vm_list list = { .vms = room(SB.vms) };
	struct ha_vm_list back = { .vms = room(SB.vms) };
	uint64_t seed = 25;
	uint8_t *blocks = area_blocks(2);

	(void)state;
	make_list(&seed, 42, &list);
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		enum ha_block_verdict verdict;

		ha_vm_list_encode(&SB, &list, 1, blocks);
		area_put32(blocks + HA_BLOCK + CASES[i].at, CASES[i].value);
		area_seal(blocks + HA_BLOCK);
		verdict = decode(blocks, 2, INCARNATION, GENERATION, &back);
		if (verdict != CASES[i].verdict) {
			fail_msg("%s: %s", CASES[i].what,
				 ha_block_verdict_name(verdict));
		}
	}
	/* A count that only the first block knows, and one that is absurd. */
	for (uint32_t i = 0; i < 2; i++) {
		ha_vm_list_encode(&SB, &list, 1, blocks);
		area_put32(blocks + AT_LIST_COUNT, i ? UINT32_MAX : 41);
		area_seal(blocks);
		assert_int_equal(
			decode(blocks, 2, INCARNATION, GENERATION, &back),
			i ? HA_BLOCK_INVALID : HA_BLOCK_OK);
	}
	/* A VM that stands there twice, across blocks; and one that is none. */
	list.vms[41].uuid = list.vms[7].uuid;
	ha_vm_list_encode(&SB, &list, 1, blocks);
	assert_int_equal(decode(blocks, 2, INCARNATION, GENERATION, &back),
			 HA_BLOCK_INVALID);
	memset(&list.vms[41].uuid, 0, sizeof(list.vms[41].uuid));
	ha_vm_list_encode(&SB, &list, 1, blocks);
	assert_int_equal(decode(blocks, 2, INCARNATION, GENERATION, &back),
			 HA_BLOCK_INVALID);
	free(blocks);
	free(back.vms);
	free(list.vms);
}

/* ---- holds -------------------------------------------------------------- */

static void
hold_round_trip(void **state)
{
	struct ha_hold *holds = calloc(SB.vms, sizeof(*holds));
	struct ha_hold *room_for = calloc(SB.vms, sizeof(*holds));
	struct ha_hold_list list = { .slot = SLOT,
				     .incarnation = INCARNATION,
				     .generation = GENERATION,
				     .holds = holds };
	struct ha_hold_list back = { .holds = room_for };
	uint64_t seed = 26;

	(void)state;
	assert_true(holds && room_for);
	for (uint32_t count = 0; count <= SB.vms; count += 17) {
		uint32_t n = ha_hold_list_blocks(count);
		uint8_t *blocks = area_blocks(n);

		assert_int_equal(n,
				 count ? (count - 1) / HOLDS_PER_BLOCK + 1 : 1);
		for (uint32_t i = 0; i < count; i++) {
			memset(&holds[i], 0, sizeof(holds[i]));
			area_fill(&seed, &holds[i].uuid, 16);
			area_name(&seed, holds[i].resource, HA_RESOURCE_NAME);
			holds[i].kind = (enum ha_hold_kind)area_below(&seed, 4);
			holds[i].owner = area_below(&seed, SB.slots);
			holds[i].owner_incarnation =
				1 + (area_random(&seed) >> 2);
			holds[i].owner_generation = area_random(&seed) >> 1;
			holds[i].term = area_random(&seed) >> 1;
			holds[i].reason = area_below(&seed, UINT32_MAX);
			holds[i].left_ms = area_below(&seed, UINT32_MAX);
		}
		list.count = count;
		ha_hold_list_encode(&SB, &list, 0, blocks);
		assert_int_equal(ha_hold_list_decode(&SB, SLOT, 0, blocks, n,
						     INCARNATION, GENERATION,
						     &back),
				 HA_BLOCK_OK);
		assert_int_equal(back.count, count);
		assert_int_equal(back.slot, SLOT);
		assert_memory_equal(back.holds, holds, count * sizeof(*holds));
		assert_int_equal(ha_hold_list_decode(&SB, SLOT, 0, blocks, n,
						     INCARNATION,
						     GENERATION + 1, &back),
				 HA_BLOCK_STALE);
		free(blocks);
	}
	free(room_for);
	free(holds);
}

static void
hold_contents(void **state)
{
	static const struct {
		const char *what;
		uint32_t at;
		uint32_t value;
		enum ha_block_verdict verdict;
	} CASES[] = {
		{ "resource only", AT_ENTRIES, 0, HA_BLOCK_OK },
		{ "last kind of a VM", AT_ENTRIES + 104, HA_HOLD_LIFTED,
		  HA_BLOCK_OK },
		{ "kind without a VM", AT_ENTRIES + 104, HA_HOLD_CONFIRMED_DEAD,
		  HA_BLOCK_OK },
		{ "last kind", AT_ENTRIES + 104, HA_HOLD_RELEASED,
		  HA_BLOCK_OK },
		{ "kind", AT_ENTRIES + 104, HA_HOLD_RELEASED + 1,
		  HA_BLOCK_INVALID },
		{ "owner", AT_ENTRIES + 108, 64, HA_BLOCK_INVALID },
		{ "incarnation of 2^63", AT_ENTRIES + 84, 0x80000000,
		  HA_BLOCK_INVALID },
		{ "generation of 2^63", AT_ENTRIES + 92, 0x80000000,
		  HA_BLOCK_INVALID },
		{ "generation below", AT_ENTRIES + 92, 0x7fffffff,
		  HA_BLOCK_OK },
		{ "term of 2^63", AT_ENTRIES + 100, 0x80000000,
		  HA_BLOCK_INVALID },
		{ "uuid only", AT_ENTRIES + 16, 0, HA_BLOCK_OK },
		{ "escape", AT_ENTRIES + 16, 0x1b, HA_BLOCK_INVALID },
		{ "count", AT_LIST_COUNT, 257, HA_BLOCK_INVALID },
	};
	struct ha_hold hold = { .uuid = { { 1 } },
				.resource = "web1",
				.owner_incarnation = 3,
				.owner_generation = 4 };
	struct ha_hold out[2];
	struct ha_hold_list list = { .slot = SLOT,
				     .incarnation = 1,
				     .generation = 1,
				     .count = 1,
				     .holds = &hold };
	struct ha_hold_list back = { .holds = out };
	uint8_t *block = area_blocks(1);

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		enum ha_block_verdict verdict;

		ha_hold_list_encode(&SB, &list, 0, block);
		area_put32(block + CASES[i].at, CASES[i].value);
		area_seal(block);
		verdict = ha_hold_list_decode(&SB, SLOT, 0, block, 1, 1, 1,
					      &back);
		if (verdict != CASES[i].verdict) {
			fail_msg("%s: %s", CASES[i].what,
				 ha_block_verdict_name(verdict));
		}
	}
	free(block);
}

/* A hold without a VM holds nothing; a host that is called dead has none, but
 * an incarnation. */
static void
hold_without_vm(void **state)
{
	static const struct {
		enum ha_hold_kind kind;
		uint64_t incarnation;
		enum ha_block_verdict verdict;
	} CASES[] = {
		{ HA_HOLD_OWNER, 3, HA_BLOCK_INVALID },
		{ HA_HOLD_POLICY, 3, HA_BLOCK_INVALID },
		{ HA_HOLD_LIFTED, 3, HA_BLOCK_INVALID },
		{ HA_HOLD_CONFIRMED_DEAD, 3, HA_BLOCK_OK },
		{ HA_HOLD_CONFIRMED_DEAD, 0, HA_BLOCK_INVALID },
	};
	struct ha_hold hold = { .owner = 2 };
	struct ha_hold out[2];
	struct ha_hold_list list = { .slot = SLOT,
				     .incarnation = 1,
				     .generation = 1,
				     .count = 1,
				     .holds = &hold };
	struct ha_hold_list back = { .holds = out };
	uint8_t *block = area_blocks(1);

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		hold.kind = CASES[i].kind;
		hold.owner_incarnation = CASES[i].incarnation;
		ha_hold_list_encode(&SB, &list, 0, block);
		assert_int_equal(ha_hold_list_decode(&SB, SLOT, 0, block, 1, 1,
						     1, &back),
				 CASES[i].verdict);
	}
	free(block);
}

/* SAFETY 26: which VM, of which boot's list; it would void any other. */
static void
released_of_something(void **state)
{
	static const struct {
		const char *resource;
		uint64_t incarnation, generation;
		enum ha_block_verdict verdict;
	} CASES[] = {
		{ "vm", 3, 4, HA_BLOCK_OK },
		{ "", 3, 4, HA_BLOCK_INVALID },
		{ "vm", 0, 4, HA_BLOCK_INVALID },
		{ "vm", 3, 0, HA_BLOCK_INVALID },
	};
	struct ha_hold hold = { .uuid = { .bytes = { 1 } },
				.kind = HA_HOLD_RELEASED,
				.owner = 2 };
	struct ha_hold out[2];
	struct ha_hold_list list = { .slot = SLOT,
				     .incarnation = 1,
				     .generation = 1,
				     .count = 1,
				     .holds = &hold };
	struct ha_hold_list back = { .holds = out };
	uint8_t *block = area_blocks(1);

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		(void)snprintf(hold.resource, sizeof(hold.resource), "%s",
			       CASES[i].resource);
		hold.owner_incarnation = CASES[i].incarnation;
		hold.owner_generation = CASES[i].generation;
		ha_hold_list_encode(&SB, &list, 0, block);
		assert_int_equal(ha_hold_list_decode(&SB, SLOT, 0, block, 1, 1,
						     1, &back),
				 CASES[i].verdict);
	}
	free(block);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(released_of_something),
		cmocka_unit_test(list_round_trip),
		cmocka_unit_test(list_mixtures),
		cmocka_unit_test(list_verdicts),
		cmocka_unit_test(list_places),
		cmocka_unit_test(list_every_byte),
		cmocka_unit_test(list_contents),
		cmocka_unit_test(hold_round_trip),
		cmocka_unit_test(hold_contents),
		cmocka_unit_test(hold_without_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
