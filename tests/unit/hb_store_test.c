/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts that run: beats, VM lists, orders, conflicts, datastores that vanish
 * and return. Real files, real I/O, real threads; the bounds are generous.
 */
#include "hb_hosts.h"

static int
hosts_begin(void **state)
{
	uint32_t i;

	(void)areas_make(state);
	for (i = 0; i < HOSTS; i++) {
		host_joined(&test_hb[i], HOST_NAMES[i]);
	}
	return 0;
}

static int
hosts_end(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 0; i < HOSTS; i++) {
		host_end(&test_hb[i]);
	}
	return 0;
}

static void
beats_are_written_and_seen(void **state)
{
	struct hb *a = &test_hb[0];
	uint64_t stamp_ms = 0;
	uint32_t i;

	(void)state;
	for (i = 0; i < HOSTS; i++) {
		wait_for(a,
			 a->hosts[i].has_beat && a->hosts[i].beat.sequence > 3);
		assert_int_equal(a->hosts[i].beat.incarnation, 1);
		assert_int_equal(a->hosts[i].beat.state, HA_BEAT_STARTING);
		assert_string_equal(a->hosts[i].beat.host, HOST_NAMES[i]);
	}
	wait_for(a, ha_evidence_stamp(&a->evidence, &stamp_ms) &&
			    ha_evidence_incarnation(&a->evidence) == 1);
	assert_true(stamp_ms + 5u * B_MS > ha_clock_now_ms());
	for (i = 0; i < STORES; i++) {
		wait_for(a, a->views[i].is_working);
	}
}

static struct ha_beat
beat_on(const struct hb *hb, uint32_t store)
{
	struct ha_beat beat;
	uint8_t block[HA_BLOCK];

	area_get(store, hb->layout.beats.first + hb->self, block, 1);
	assert_int_equal(ha_beat_decode(&hb->sb, hb->self, block, &beat),
			 HA_BLOCK_OK);
	return beat;
}

/* What any reader finds by SAFETY 14, straight from the file, at any moment:
 * the copy that the beat names is the list of that generation. */
static void
check_named_copy(const struct hb *hb, uint32_t store)
{
	static uint8_t blocks[64u * HA_BLOCK];
	struct ha_listed_vm vms[VMS];
	struct ha_vm_list list = { .vms = vms };
	struct ha_beat beat = beat_on(hb, store);
	uint64_t at = hb->layout.lists.first +
		      (2u * hb->self + beat.list_copy) * hb->layout.list_blocks;

	assert_true(hb->layout.list_blocks <= 64);
	area_get(store, at, blocks, hb->layout.list_blocks);
	/* A beat that moved meanwhile: the copy may have been taken since. */
	if (beat.list_generation == 0 ||
	    beat_on(hb, store).list_generation != beat.list_generation) {
		return;
	}
	assert_int_equal(ha_vm_list_decode(
				 &hb->sb, hb->self, beat.list_copy, blocks,
				 ha_vm_list_blocks(beat.list_count),
				 beat.incarnation, beat.list_generation, &list),
			 HA_BLOCK_OK);
	assert_int_equal(list.count, beat.list_count);
}

static void
check_named_copies(const struct hb *hb, uint32_t times)
{
	uint32_t i;

	for (i = 0; i < times * STORES; i++) {
		check_named_copy(hb, i % STORES);
	}
}

static void
lists_reach_the_others(void **state)
{
	struct hb *a = &test_hb[0];
	struct hb *b = &test_hb[1];
	uint8_t i;

	(void)state;
	for (i = 1; i <= 20; i++) {
		list_add(a, i);
		check_named_copies(a, 100);
		/* Every other change waits, the rest overtake each other. */
		if (i % 2 == 0) {
			wait_for(a, ha_evidence_generation(&a->evidence) >= i);
		}
	}
	wait_for(a, hb_is_marked(a, HA_BEAT_STARTING) &&
			    ha_evidence_generation(&a->evidence) == 20);
	wait_for(b, b->hosts[0].has_list && b->hosts[0].list.generation == 20);
	wait_for(b, b->hosts[0].list.count == 20 &&
			    b->hosts[0].list.vms[19].uuid.bytes[0] == 20 &&
			    b->hosts[0].list_read_ms > 0);
	wait_for(a, a->stores[0]->written.generation == 20 &&
			    a->stores[1]->written.generation == 20 &&
			    a->stores[2]->written.generation == 20);
	check_named_copies(a, 1);
	assert_false(is_in_conflict(a));
}

static void
give_order(struct hb *from, uint64_t incarnation, enum ha_order_kind kind,
	   uint64_t nonce)
{
	pthread_mutex_lock(&from->lock);
	from->orders_count = 1;
	from->orders[0] = (struct ha_order){
		.kind = kind,
		.target = 0,
		.incarnation = incarnation,
		.nonce = nonce,
	};
	pthread_mutex_unlock(&from->lock);
	hb_kick(from);
}

static bool
is_acked(const struct hb *hb, uint64_t nonce)
{
	const struct ha_beat *beat = &hb->hosts[0].beat;
	uint32_t i;

	for (i = 0; i < beat->acks_count; i++) {
		if (beat->acks[i].nonce == nonce &&
		    beat->acks[i].sender == hb->self) {
			return true;
		}
	}
	return false;
}

static void
orders_are_obeyed_once(void **state)
{
	struct hb *a = &test_hb[0];
	struct hb *b = &test_hb[1];
	uint64_t sequence;

	(void)state;
	give_order(b, 1, HA_ORDER_TEST, 77);
	wait_for(b, is_acked(b, 77));
	/* It stands on, and is not obeyed again. */
	sequence = sequence_of(a);
	wait_for(a, a->sequence > sequence + 10);
	assert_int_equal(count_events(a, HB_EVENT_ORDER, HA_ORDER_TEST), 1);
	give_order(b, 1, HA_ORDER_SEAL, 78);
	wait_for(b, is_acked(b, 78) && !is_acked(b, 77));
	wait_for(b, (b->hosts[0].beat.flags & HA_BEAT_SEALED) != 0);
	/* Another incarnation's order means nothing (SAFETY 15). */
	give_order(b, 2, HA_ORDER_RESET, 79);
	sequence = sequence_of(a);
	wait_for(a, a->sequence > sequence + 10);
	assert_int_equal(count_events(a, HB_EVENT_ORDER, HA_ORDER_RESET), 0);
	assert_int_equal(__atomic_load_n(&test_resets, __ATOMIC_SEQ_CST), 0);
	give_order(b, 1, HA_ORDER_RESET, 80);
	wait_for(b, is_acked(b, 80));
	wait_for(a, a->is_reset_ordered);
	/* At once, and by the first datastore that showed it. */
	wait_for(a, __atomic_load_n(&test_resets, __ATOMIC_SEQ_CST) == 1);
	wait_for(b, !b->is_reset_ordered);
}

static void
datastore_vanishes_and_returns(void **state)
{
	struct hb *a = &test_hb[0];
	size_t count = (size_t)a->layout.total_blocks;
	uint8_t *saved = malloc(count * HA_BLOCK);
	uint64_t sequence;
	off_t whole;

	(void)state;
	assert_non_null(saved);
	wait_for(a, a->views[1].is_working);
	area_get(1, 0, saved, count);
	whole = (off_t)(count * HA_BLOCK);
	assert_int_equal(truncate(test_file[1], 0), 0);
	wait_for(a, !a->views[1].is_working && !a->views[1].is_open &&
			    a->views[1].error[0] != '\0');
	/* Two of three go on, lists too. */
	sequence = sequence_of(a);
	list_add(a, 1);
	wait_for(a, a->sequence > sequence + 10 &&
			    ha_evidence_generation(&a->evidence) == 1);
	assert_int_equal(truncate(test_file[1], whole), 0);
	area_put(1, 0, saved, count);
	wait_for(a, a->views[1].is_working);
	wait_for(a, a->stores[1]->written.generation == 1 &&
			    a->views[1].error[0] == '\0');
	assert_false(is_in_conflict(a));
	check_named_copies(a, 1);
	free(saved);
}

static void
formatted_in_place_stays_out(void **state)
{
	struct hb *a = &test_hb[0];
	struct ha_superblock sb = area_superblock(2);
	uint8_t blocks[2 * HA_BLOCK];

	(void)state;
	wait_for(a, a->views[2].is_working);
	sb.cluster.bytes[5] = 9;
	ha_superblock_encode(&sb, 0, blocks);
	ha_superblock_encode(&sb, 1, blocks + HA_BLOCK);
	area_put(2, 0, blocks, 2);
	wait_for(a, !a->views[2].is_open && !a->views[2].is_working &&
			    strstr(a->views[2].error, "cluster uuid"));
	wait_for(a, a->views[0].is_working && a->views[1].is_working);
}

static void
foreign_beat_in_own_slot_is_a_conflict(void **state)
{
	struct hb *a = &test_hb[0];
	struct ha_beat beat;
	uint8_t block[HA_BLOCK];
	uint32_t tries;

	(void)state;
	wait_for(a, a->hosts[0].has_beat);
	pthread_mutex_lock(&a->lock);
	beat = a->hosts[0].beat;
	pthread_mutex_unlock(&a->lock);
	/* Ours overwrites it each B: written until it is seen. */
	beat.boot_id.bytes[0] ^= 1;
	for (tries = 0; tries < 500 && !is_in_conflict(a); tries++) {
		beat.sequence += 1000;
		ha_beat_encode(&a->sb, &beat, block);
		area_put(0, a->layout.beats.first, block, 1);
		ha_clock_sleep_ms(HB_STEP_MS, ha_clock_now_ms() + FAR_MS);
	}
	wait_for(a, a->has_conflict && a->is_reset_ordered);
	/* It does not reset by itself: the watchdog is let run out. */
	assert_int_equal(test_resets, 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, hosts_begin, hosts_end)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(beats_are_written_and_seen),
		CASE(lists_reach_the_others),
		CASE(orders_are_obeyed_once),
		CASE(datastore_vanishes_and_returns),
		CASE(formatted_in_place_stays_out),
		CASE(foreign_beat_in_own_slot_is_a_conflict),
	};

	(void)argc;
	hosts_setup(argv[0]);
	(void)alarm(TEST_END_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
