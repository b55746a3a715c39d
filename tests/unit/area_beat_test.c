/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Beats: round trips, every byte flipped, every impossible value, versions
 * older and newer than this one, and what a reader makes of each verdict.
 */
#include <errno.h>

#include "area_fixture.h"

#define SLOT 5u
/* Offsets within the payload (libha/codec/beat.c). */
#define AT_HOST 0u
#define AT_BOOT_ID 64u
#define AT_ORDERS 512u
#define AT_ACKS 896u
#define NEEDED 200u
#define LENGTH 1152u

static const struct ha_beat BEAT = {
	.slot = SLOT,
	.host = "h6",
	.boot_id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		       16 } },
	.incarnation = 12,
	.sequence = 4711,
	.state = HA_BEAT_ARMED,
	.flags = HA_BEAT_QUORATE | HA_BEAT_MEMBER,
	.evidence = HA_BEAT_EVIDENCE_STORAGE,
	.list_generation = 3,
	.list_copy = 1,
	.list_count = 2,
	.hold_generation = 4,
	.hold_copy = 1,
	.hold_count = 1,
	.ring_seq = 99,
	.members = { UINT64_C(0x8000000000000021) },
	.term = 8,
	.stores_ok = 3,
	.stores_seen = 12,
	.watchdog_ms = 4000,
	.program = 0x00010002,
	.orders_count = 1,
	.orders = { { HA_ORDER_RESET, 63, 2, UINT64_C(0xfedcba9876543210) } },
	.acks_count = 2,
	.acks = { { 0, 17, 0 }, { 63, 18, -EBUSY } },
};

static void
random_beat(uint64_t *seed, struct ha_beat *beat)
{
	memset(beat, 0, sizeof(*beat));
	beat->slot = SLOT;
	area_name(seed, beat->host, sizeof(beat->host));
	area_fill(seed, &beat->boot_id, sizeof(beat->boot_id));
	beat->state = (enum ha_beat_state)area_below(seed, 5);
	if (beat->state != HA_BEAT_UNCLAIMED) {
		beat->incarnation = 1 + (area_random(seed) >> 2);
		beat->list_generation = 1 + area_random(seed) / 2;
		beat->list_count = area_below(seed, SB.vms + 1);
		beat->hold_generation = 1 + area_random(seed) / 2;
		beat->hold_count = area_below(seed, SB.vms + 1);
		beat->orders_count = area_below(seed, HA_ORDERS_MAX + 1);
		beat->acks_count = area_below(seed, HA_ORDERS_MAX + 1);
	}
	beat->sequence = area_random(seed) >> 1;
	beat->flags = area_below(seed, UINT32_MAX);
	beat->evidence = (enum ha_evidence_kind_disk)area_below(seed, 4);
	beat->list_copy = area_below(seed, 2);
	beat->hold_copy = area_below(seed, 2);
	beat->ring_seq = area_random(seed);
	beat->members[0] = area_random(seed);
	beat->term = area_random(seed);
	beat->stores_ok = area_below(seed, HA_STORES_MAX + 1);
	beat->stores_seen = area_below(seed, UINT32_MAX);
	beat->watchdog_ms = area_below(seed, UINT32_MAX);
	beat->program = area_below(seed, UINT32_MAX);
	for (uint32_t i = 0; i < beat->orders_count; i++) {
		beat->orders[i] = (struct ha_order){
			.kind = (enum ha_order_kind)(1 + area_below(seed, 7)),
			.target = area_below(seed, SB.slots),
			.incarnation = 1 + area_random(seed) / 2,
			.nonce = area_random(seed),
			.generation = area_random(seed),
		};
	}
	for (uint32_t i = 0; i < beat->acks_count; i++) {
		beat->acks[i] = (struct ha_order_ack){
			.sender = area_below(seed, SB.slots),
			.nonce = area_random(seed),
			.result = -(int32_t)area_below(seed, 4096),
		};
	}
}

static void
expect_equal(const struct ha_beat *a, const struct ha_beat *b)
{
	assert_int_equal(a->slot, b->slot);
	assert_memory_equal(a->host, b->host, sizeof(a->host));
	assert_memory_equal(&a->boot_id, &b->boot_id, sizeof(a->boot_id));
	assert_true(a->incarnation == b->incarnation);
	assert_true(a->sequence == b->sequence);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->evidence, b->evidence);
	assert_true(a->list_generation == b->list_generation);
	assert_int_equal(a->list_copy, b->list_copy);
	assert_int_equal(a->list_count, b->list_count);
	assert_true(a->hold_generation == b->hold_generation);
	assert_int_equal(a->hold_copy, b->hold_copy);
	assert_int_equal(a->hold_count, b->hold_count);
	assert_true(a->ring_seq == b->ring_seq);
	assert_memory_equal(a->members, b->members, sizeof(a->members));
	assert_true(a->term == b->term);
	assert_int_equal(a->stores_ok, b->stores_ok);
	assert_int_equal(a->stores_seen, b->stores_seen);
	assert_int_equal(a->watchdog_ms, b->watchdog_ms);
	assert_int_equal(a->program, b->program);
	assert_int_equal(a->orders_count, b->orders_count);
	for (uint32_t i = 0; i < a->orders_count; i++) {
		assert_int_equal(a->orders[i].kind, b->orders[i].kind);
		assert_int_equal(a->orders[i].target, b->orders[i].target);
		assert_true(a->orders[i].incarnation ==
			    b->orders[i].incarnation);
		assert_true(a->orders[i].nonce == b->orders[i].nonce);
	}
	assert_int_equal(a->acks_count, b->acks_count);
	for (uint32_t i = 0; i < a->acks_count; i++) {
		assert_int_equal(a->acks[i].sender, b->acks[i].sender);
		assert_true(a->acks[i].nonce == b->acks[i].nonce);
		assert_int_equal(a->acks[i].result, b->acks[i].result);
	}
}

static void
beat_round_trip(void **state)
{
	uint8_t *block = area_blocks(1);
	uint64_t seed = 11;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct ha_beat beat;
		struct ha_beat back;

		random_beat(&seed, &beat);
		memset(&back, 0xee, sizeof(back));
		ha_beat_encode(&SB, &beat, block);
		assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back),
				 HA_BLOCK_OK);
		expect_equal(&back, &beat);
	}
	free(block);
}

/* One byte changed, whichever and however: never taken for a beat. */
static void
beat_every_byte(void **state)
{
	uint8_t *block = area_blocks(1);
	struct ha_beat back = { .sequence = 1 };

	(void)state;
	ha_beat_encode(&SB, &BEAT, block);
	for (size_t at = 0; at < HA_BLOCK; at++) {
		for (unsigned int bit = 0; bit < 9; bit++) {
			uint8_t flip = (uint8_t)(bit < 8 ? 1u << bit : 0xffu);
			enum ha_block_verdict verdict;

			block[at] ^= flip;
			verdict = ha_beat_decode(&SB, SLOT, block, &back);
			assert_int_equal(verdict, at < AT_KIND ?
							  HA_BLOCK_ALIEN :
							  HA_BLOCK_TORN);
			block[at] ^= flip;
		}
	}
	assert_true(back.sequence == 1); /* untouched */
	assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back), HA_BLOCK_OK);
	free(block);
}

/* A write that stopped after n sectors of 512 bytes, over an older beat or
 * over nothing. */
static void
beat_torn_write(void **state)
{
	uint8_t *older = area_blocks(1);
	uint8_t *newer = area_blocks(1);
	uint8_t *torn = area_blocks(1);
	struct ha_beat beat = BEAT;
	struct ha_beat back;

	(void)state;
	ha_beat_encode(&SB, &beat, older);
	beat.sequence++;
	beat.orders[0].nonce++;
	beat.acks[1].nonce++;
	ha_beat_encode(&SB, &beat, newer);
	for (size_t cut = 512; cut < 1024; cut += 512) {
		memcpy(torn, older, HA_BLOCK);
		memcpy(torn, newer, cut);
		assert_int_equal(ha_beat_decode(&SB, SLOT, torn, &back),
				 HA_BLOCK_TORN);
	}
	for (size_t cut = 1; cut < 1200; cut++) {
		memset(torn, 0, HA_BLOCK);
		memcpy(torn, newer, cut);
		if (memcmp(torn, newer, HA_BLOCK) != 0) {
			assert_int_equal(ha_beat_decode(&SB, SLOT, torn, &back),
					 cut < AT_KIND ? HA_BLOCK_ALIEN :
							 HA_BLOCK_TORN);
		}
	}
	free(torn);
	free(newer);
	free(older);
}

static void
beat_places(void **state)
{
	uint8_t *block = area_blocks(1);
	struct ha_superblock other = SB;
	struct ha_vm_list list = { .slot = SLOT };
	struct ha_beat back;

	(void)state;
	ha_beat_encode(&SB, &BEAT, block);
	assert_int_equal(ha_beat_decode(&SB, SLOT + 1, block, &back),
			 HA_BLOCK_MISPLACED);
	assert_int_equal(ha_beat_decode(&SB, HA_SLOT_NONE, block, &back),
			 HA_BLOCK_MISPLACED);
	other.cluster.bytes[0] ^= 1;
	assert_int_equal(ha_beat_decode(&other, SLOT, block, &back),
			 HA_BLOCK_FOREIGN);
	other = SB;
	other.slots = SLOT;
	assert_int_equal(ha_beat_decode(&other, SLOT, block, &back),
			 HA_BLOCK_INVALID);
	memset(block, 0, HA_BLOCK);
	assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back),
			 HA_BLOCK_BLANK);
	/* A sound block of another kind at this slot. */
	ha_vm_list_encode(&SB, &list, 0, block);
	assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back),
			 HA_BLOCK_MISPLACED);
	free(block);
}

/* Values that a sound writer can't have written; and the last good ones. */
static const struct {
	const char *what;
	uint32_t at;
	uint32_t value;
	enum ha_block_verdict verdict;
} CASES[] = {
	{ "no host", 0, 0, HA_BLOCK_INVALID },
	{ "escape in the host", 0, 0x1b, HA_BLOCK_INVALID },
	{ "C1 control character in the host", 0, 0x9bc2, HA_BLOCK_INVALID },
	{ "umlaut in the host", 0, 0xbcc3, HA_BLOCK_OK },
	{ "overlong UTF-8", 0, 0x80c0, HA_BLOCK_INVALID },
	{ "surrogate", 0, 0x80a0ed, HA_BLOCK_INVALID },
	{ "beyond Unicode", 0, 0x808090f4, HA_BLOCK_INVALID },
	{ "incarnation of 2^63", 84, 0x80000000, HA_BLOCK_INVALID },
	{ "incarnation below", 84, 0x7fffffff, HA_BLOCK_OK },
	{ "sequence of 2^63", 92, 0x80000000, HA_BLOCK_INVALID },
	{ "claimed but UNCLAIMED", 96, HA_BEAT_UNCLAIMED, HA_BLOCK_INVALID },
	{ "last state", 96, HA_BEAT_STANDING_DOWN, HA_BLOCK_OK },
	{ "unknown state", 96, HA_BEAT_STANDING_DOWN + 1, HA_BLOCK_INVALID },
	{ "unknown flag", 100, 0xffffffff, HA_BLOCK_OK },
	{ "last evidence", 104, HA_BEAT_EVIDENCE_LONE, HA_BLOCK_OK },
	{ "unknown evidence", 104, HA_BEAT_EVIDENCE_LONE + 1,
	  HA_BLOCK_INVALID },
	{ "list copy", 108, 2, HA_BLOCK_INVALID },
	{ "list without generation", 112, 0, HA_BLOCK_INVALID },
	{ "full list", 120, 256, HA_BLOCK_OK },
	{ "too many VMs", 120, 257, HA_BLOCK_INVALID },
	{ "hold copy", 124, 2, HA_BLOCK_INVALID },
	{ "holds without generation", 128, 0, HA_BLOCK_INVALID },
	{ "too many holds", 136, 257, HA_BLOCK_INVALID },
	{ "full orders, some empty", 140, 16, HA_BLOCK_INVALID },
	{ "too many orders", 140, 17, HA_BLOCK_INVALID },
	{ "too many acks", 144, 17, HA_BLOCK_INVALID },
	{ "five stores", 148, 5, HA_BLOCK_OK },
	{ "six stores", 148, 6, HA_BLOCK_INVALID },
	{ "member without a slot", 168, 1, HA_BLOCK_INVALID },
	{ "member 255", 188, 0x80000000, HA_BLOCK_INVALID },
	{ "no order", AT_ORDERS, HA_ORDER_NONE, HA_BLOCK_INVALID },
	{ "last order", AT_ORDERS, HA_ORDER_UNSEAL, HA_BLOCK_OK },
	{ "order of a newer program", AT_ORDERS, HA_ORDER_UNSEAL + 1,
	  HA_BLOCK_OK },
	{ "order to no slot", AT_ORDERS + 4, 64, HA_BLOCK_INVALID },
	{ "order to nobody", AT_ORDERS + 8, 0, HA_BLOCK_INVALID },
	{ "ack of no slot", AT_ACKS, 64, HA_BLOCK_INVALID },
	{ "positive result", AT_ACKS + 4, 1, HA_BLOCK_INVALID },
	{ "last errno", AT_ACKS + 4, (uint32_t)-4095, HA_BLOCK_OK },
	{ "no errno", AT_ACKS + 4, (uint32_t)-4096, HA_BLOCK_INVALID },
};

static void
beat_contents(void **state)
{
	uint8_t *block = area_blocks(1);

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct ha_beat back = { .sequence = 1 };
		enum ha_block_verdict verdict;

		ha_beat_encode(&SB, &BEAT, block);
		area_put32(block + AT_PAYLOAD + CASES[i].at, CASES[i].value);
		area_seal(block);
		verdict = ha_beat_decode(&SB, SLOT, block, &back);
		if (verdict != CASES[i].verdict) {
			fail_msg("%s: %s", CASES[i].what,
				 ha_block_verdict_name(verdict));
		}
		assert_true((back.sequence == 1) != (verdict == HA_BLOCK_OK));
	}
	ha_beat_encode(&SB, &BEAT, block);
	memset(block + AT_PAYLOAD, 'n', HA_HOST_NAME);
	area_seal(block);
	assert_int_equal(ha_beat_decode(&SB, SLOT, block,
					&(struct ha_beat){ .slot = 0 }),
			 HA_BLOCK_INVALID);
	free(block);
}

/* What nobody has claimed can't list, hold or order anything. */
static void
beat_unclaimed(void **state)
{
	uint8_t *block = area_blocks(1);
	struct ha_beat beat = { .slot = SLOT };
	struct ha_beat back;
	static const uint32_t OFFSETS[] = { 80, 112, 120, 128, 136 };

	(void)state;
	ha_beat_encode(&SB, &beat, block);
	assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back), HA_BLOCK_OK);
	assert_int_equal(back.state, HA_BEAT_UNCLAIMED);
	for (size_t i = 0; i < N_ELEMENTS(OFFSETS); i++) {
		ha_beat_encode(&SB, &beat, block);
		area_put32(block + AT_PAYLOAD + OFFSETS[i], 1);
		area_seal(block);
		assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back),
				 HA_BLOCK_INVALID);
	}
	free(block);
}

static void
beat_versions(void **state)
{
	uint8_t *block = area_blocks(1);
	struct ha_beat back;

	(void)state;
	/* A newer major version. */
	ha_beat_encode(&SB, &BEAT, block);
	block[AT_MAJOR]++;
	area_seal(block);
	assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back),
			 HA_BLOCK_NEWER);
	/* A newer minor version: longer, with things we don't know. */
	ha_beat_encode(&SB, &BEAT, block);
	block[AT_MINOR] = 3;
	area_put32(block + AT_LENGTH, HA_BLOCK - AT_PAYLOAD);
	memset(block + AT_PAYLOAD + LENGTH, 0x77,
	       HA_BLOCK - AT_PAYLOAD - LENGTH);
	memset(block + AT_PAYLOAD + 212, 0x77, AT_ORDERS - 212);
	area_seal(block);
	assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back), HA_BLOCK_OK);
	expect_equal(&back, &BEAT);
	/* Its new kind of order is kept as it is and harms nothing else. */
	area_put32(block + AT_PAYLOAD + AT_ORDERS, 4711);
	area_seal(block);
	assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back), HA_BLOCK_OK);
	assert_int_equal(back.orders[0].kind, 4711);
	assert_true(back.orders[0].nonce == BEAT.orders[0].nonce);
	assert_string_equal(ha_order_kind_name(back.orders[0].kind), "unknown");
	/* An older minor version: shorter, the rest is "not told". */
	ha_beat_encode(&SB, &BEAT, block);
	area_put32(block + AT_PAYLOAD + 140, 0);
	area_put32(block + AT_PAYLOAD + 144, 0);
	area_put32(block + AT_LENGTH, NEEDED);
	area_seal(block);
	assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back), HA_BLOCK_OK);
	assert_true(back.term == BEAT.term);
	assert_int_equal(back.watchdog_ms, 0);
	assert_int_equal(back.program, 0);
	area_put32(block + AT_LENGTH, NEEDED - 1);
	area_seal(block);
	assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back),
			 HA_BLOCK_INVALID);
	/* Acknowledgements that are counted but not there. */
	ha_beat_encode(&SB, &BEAT, block);
	for (uint32_t cut = 0; cut < 3; cut++) {
		area_put32(block + AT_LENGTH, AT_ACKS + 32 - (cut ? cut : 0));
		area_seal(block);
		assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back),
				 cut ? HA_BLOCK_INVALID : HA_BLOCK_OK);
	}
	free(block);
}

/* More orders than there is room for: what fits, and still a beat. */
static void
beat_orders_clamped(void **state)
{
	uint8_t *block = area_blocks(1);
	struct ha_beat beat = BEAT;
	struct ha_beat back;

	(void)state;
	for (uint32_t i = 0; i < HA_ORDERS_MAX; i++) {
		beat.orders[i] = BEAT.orders[0];
	}
	beat.orders_count = HA_ORDERS_MAX + 9;
	ha_beat_encode(&SB, &beat, block);
	assert_int_equal(ha_beat_decode(&SB, SLOT, block, &back), HA_BLOCK_OK);
	assert_int_equal(back.orders_count, HA_ORDERS_MAX);
	free(block);
}

static void
glimpse_of_each_verdict(void **state)
{
	uint8_t *block = area_blocks(1);
	struct ha_beat beat = BEAT;
	struct ha_glimpse glimpse;

	(void)state;
	ha_beat_encode(&SB, &BEAT, block);
	for (int v = 0; v < HA_BLOCK_VERDICT_N; v++) {
		enum ha_glimpse_kind kind =
			v == HA_BLOCK_OK ? HA_GLIMPSE_BEAT :
			v == HA_BLOCK_TORN || v == HA_BLOCK_INVALID ?
					   HA_GLIMPSE_DAMAGED :
					   HA_GLIMPSE_FOREIGN;

		ha_beat_glimpse((enum ha_block_verdict)v, &BEAT, block,
				&glimpse);
		assert_int_equal(glimpse.kind, kind);
		assert_true((glimpse.fingerprint != 0) ==
			    (kind == HA_GLIMPSE_DAMAGED));
	}
	ha_beat_glimpse(HA_BLOCK_OK, &BEAT, block, &glimpse);
	assert_true(glimpse.incarnation == 12 && glimpse.sequence == 4711);
	assert_int_equal(glimpse.list_count, 2);
	assert_true(glimpse.list_generation == 3);
	for (int s = HA_BEAT_UNCLAIMED; s <= HA_BEAT_STANDING_DOWN; s++) {
		beat.state = (enum ha_beat_state)s;
		ha_beat_glimpse(HA_BLOCK_OK, &beat, block, &glimpse);
		assert_int_equal(glimpse.kind, s == HA_BEAT_UNCLAIMED ?
						       HA_GLIMPSE_UNCLAIMED :
						       HA_GLIMPSE_BEAT);
		assert_true(glimpse.is_armed == (s == HA_BEAT_ARMED));
		assert_true(glimpse.is_disarmed == (s == HA_BEAT_STOPPED));
		assert_true(glimpse.is_standing_down ==
			    (s == HA_BEAT_STANDING_DOWN));
	}
	/* The fingerprint is of all bytes. */
	ha_beat_glimpse(HA_BLOCK_TORN, &BEAT, block, &glimpse);
	for (size_t at = 0; at < HA_BLOCK; at++) {
		struct ha_glimpse other;

		block[at] ^= 1;
		ha_beat_glimpse(HA_BLOCK_TORN, &BEAT, block, &other);
		assert_true(other.fingerprint != glimpse.fingerprint);
		block[at] ^= 1;
	}
	free(block);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beat_round_trip),
		cmocka_unit_test(beat_every_byte),
		cmocka_unit_test(beat_torn_write),
		cmocka_unit_test(beat_places),
		cmocka_unit_test(beat_contents),
		cmocka_unit_test(beat_unclaimed),
		cmocka_unit_test(beat_versions),
		cmocka_unit_test(beat_orders_clamped),
		cmocka_unit_test(glimpse_of_each_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
