/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hold lists of hosts that run: written like VM lists, read by the others,
 * taken over by whoever comes after, whole or not at all; and an administrator's
 * word about a host that is dead. Real files, real I/O, real threads.
 */
#include <errno.h>

#include "hb_hosts.h"

static struct hb *const A = &test_hb[0];
static struct hb *const B = &test_hb[1];

static void
put(struct hb *hb, const struct ha_hold *hold)
{
	pthread_mutex_lock(&hb->lock);
	hb->hold_list.holds[hb->hold_list.count++] = *hold;
	hb_holds_changed(hb);
	hb_kick_locked(hb);
	pthread_mutex_unlock(&hb->lock);
}

static void
hold(struct hb *hb, uint8_t id)
{
	const struct ha_hold one = {
		.uuid = { .bytes = { id } },
		.resource = "vm",
		.kind = HA_HOLD_OWNER,
		.owner = 2,
		.owner_incarnation = 5,
		.owner_generation = id,
		.term = 3,
	};

	put(hb, &one);
}

static bool
is_flushed(struct hb *hb, uint64_t generation)
{
	return ha_evidence_generation(&hb->hold_evidence) >= generation;
}

static uint64_t
copy_at(const struct hb *hb, uint32_t slot, uint32_t copy)
{
	return hb->layout.holds.first +
	       (uint64_t)(2 * slot + copy) * hb->layout.hold_blocks;
}

static struct ha_beat
beat_on(const struct hb *hb, uint32_t store, uint32_t slot)
{
	struct ha_beat beat = { .slot = slot };
	uint8_t block[HA_BLOCK];

	area_get(store, hb->layout.beats.first + slot, block, 1);
	assert_int_equal(ha_beat_decode(&hb->sb, slot, block, &beat),
			 HA_BLOCK_OK);
	return beat;
}

/* What any reader finds, straight from the file, at any moment: the copies that
 * the beat names are the lists of their generations (SAFETY 14). */
static void
check_named(const struct hb *hb, uint32_t store)
{
	static uint8_t blocks[64u * HA_BLOCK];
	struct ha_hold holds[VMS];
	struct ha_hold_list list = { .holds = holds };
	struct ha_beat beat = beat_on(hb, store, hb->self);

	assert_true(hb->layout.hold_blocks <= 64);
	area_get(store, copy_at(hb, hb->self, beat.hold_copy), blocks,
		 hb->layout.hold_blocks);
	/* A beat that moved meanwhile: the copy may have been taken since. */
	if (beat.hold_generation == 0 ||
	    beat_on(hb, store, hb->self).hold_generation !=
		    beat.hold_generation) {
		return;
	}
	assert_int_equal(ha_hold_list_decode(
				 &hb->sb, hb->self, beat.hold_copy, blocks,
				 ha_hold_list_blocks(beat.hold_count),
				 beat.incarnation, beat.hold_generation, &list),
			 HA_BLOCK_OK);
	assert_int_equal(list.count, beat.hold_count);
}

static void
holds_reach_the_others(void **state)
{
	(void)state;
	host_joined(A, "alpha");
	host_joined(B, "beta");
	for (uint8_t i = 1; i <= 20; i++) {
		hold(A, i);
		/* Lists change between, and overtake one another. */
		if (i % 3 == 0) {
			list_add(A, i);
		}
		for (uint32_t k = 0; k < 100; k++) {
			check_named(A, k % STORES);
		}
		if (i % 2 == 0) {
			wait_for(A, is_flushed(A, i));
		}
	}
	wait_for(A, hb_is_marked(A, HA_BEAT_STARTING));
	wait_for(B, B->hosts[0].has_holds &&
			    B->hosts[0].hold_list.generation == 20 &&
			    hb_holds_are_flushed(B, 0));
	wait_for(B,
		 B->hosts[0].hold_list.count == 20 &&
			 B->hosts[0].hold_list.holds[19].uuid.bytes[0] == 20 &&
			 B->hosts[0].hold_list.holds[19].owner_generation ==
				 20);
	/* One who has placed none says so. */
	wait_for(A, A->hosts[1].has_holds && A->hosts[1].hold_list.count == 0);
	assert_true(A->list.count == 6);
	wait_for(B, B->hosts[0].has_list && B->hosts[0].list.count == 6);
	host_end(A);
	host_end(B);
}

/* SAFETY 14: whoever reads the beat with the highest sequence finds the newest
 * of both lists, whichever datastore lags. */
static void
later_beat_never_names_an_older_list(void **state)
{
	uint64_t highest = 0;
	uint64_t lists = 0;
	uint64_t holds = 0;

	(void)state;
	host_joined(A, "alpha");
	for (uint8_t i = 1; i <= 40; i++) {
		if (i % 2 == 0) {
			hold(A, i);
		} else {
			list_add(A, i);
		}
		for (uint32_t k = 0; k < 60; k++) {
			struct ha_beat beat = beat_on(A, k % STORES, 0);

			if (beat.sequence > highest) {
				assert_true(beat.list_generation >= lists);
				assert_true(beat.hold_generation >= holds);
				highest = beat.sequence;
				lists = beat.list_generation;
				holds = beat.hold_generation;
			}
		}
		if (i % 5 == 0) {
			wait_for(A, hb_is_marked(A, HA_BEAT_STARTING));
		}
	}
	assert_true(lists > 0 && holds > 0);
	host_end(A);
}

static void
leave(const struct ha_beat *beat)
{
	struct ha_superblock sb = area_superblock(0);
	struct ha_layout layout;
	uint8_t block[HA_BLOCK];

	assert_int_equal(ha_layout_compute(&sb, &layout), 0);
	ha_beat_encode(&sb, beat, block);
	for (uint32_t i = 0; i < STORES; i++) {
		area_put(i, layout.beats.first, block, 1);
	}
}

/* As after a reboot: another boot id. */
static struct ha_beat
reboot(struct hb *hb)
{
	struct ha_beat beat = beat_on(hb, 0, 0);

	beat.boot_id.bytes[0] ^= 1;
	leave(&beat);
	return beat;
}

/* The holds are the cluster's, not the incarnation's: nobody who reads may ever
 * find a beat of the next one that has forgotten them. */
static void
next_incarnation_takes_holds_over(void **state)
{
	(void)state;
	host_joined(A, "alpha");
	hold(A, 1);
	hold(A, 2);
	list_add(A, 1);
	wait_for(A,
		 is_flushed(A, 2) && ha_evidence_generation(&A->evidence) == 1);
	host_end(A);
	(void)reboot(A);
	host_joined(B, "beta");
	wait_for(B, B->hosts[0].has_holds && B->hosts[0].hold_list.count == 2);
	host_joined(A, "alpha");
	assert_int_equal(A->incarnation, 2);
	assert_int_equal(A->list.count, 0);
	assert_int_equal(A->hold_list.count, 2);
	assert_int_equal(A->hold_list.holds[1].uuid.bytes[0], 2);
	for (uint32_t i = 0; i < 300; i++) {
		struct ha_beat beat = beat_on(A, i % STORES, 0);

		assert_int_equal(beat.hold_count, 2);
		check_named(A, i % STORES);
	}
	wait_for(B, B->hosts[0].beat.incarnation == 2 &&
			    B->hosts[0].has_holds &&
			    B->hosts[0].hold_list.incarnation == 2 &&
			    B->hosts[0].hold_list.count == 2);
	host_end(A);
	host_end(B);
}

/* In the same boot with VMs on the list the incarnation goes on, and so do its
 * holds. */
static void
restart_reads_holds_back(void **state)
{
	(void)state;
	host_joined(A, "alpha");
	hold(A, 7);
	list_add(A, 1);
	wait_for(A,
		 is_flushed(A, 1) && ha_evidence_generation(&A->evidence) == 1);
	host_end(A);
	host_joined(A, "alpha");
	assert_int_equal(A->incarnation, 1);
	assert_int_equal(A->hold_list.count, 1);
	assert_int_equal(A->hold_list.holds[0].uuid.bytes[0], 7);
	wait_for(A, is_flushed(A, 1));
	check_named(A, 0);
	host_end(A);
}

static void
damage_holds(const struct hb *hb, uint32_t store)
{
	uint8_t block[HA_BLOCK];

	for (uint32_t copy = 0; copy < 2; copy++) {
		area_get(store, copy_at(hb, 0, copy), block, 1);
		block[HA_BLOCK / 4] ^= 1;
		area_put(store, copy_at(hb, 0, copy), block, 1);
	}
}

/* Torn on two datastores: the third has them, and no half of one counts. */
static void
torn_copy_is_read_elsewhere(void **state)
{
	(void)state;
	host_joined(A, "alpha");
	hold(A, 1);
	wait_for(A, A->stores[0]->written.hold_generation == 1 &&
			    A->stores[1]->written.hold_generation == 1 &&
			    A->stores[2]->written.hold_generation == 1);
	host_end(A);
	damage_holds(A, 0);
	damage_holds(A, 2);
	host_joined(B, "beta");
	wait_for(B, B->hosts[0].has_holds && B->hosts[0].hold_list.count == 1);
	host_end(B);
	(void)reboot(A);
	host_joined(A, "alpha");
	assert_int_equal(A->hold_list.count, 1);
	host_end(A);
}

/* Torn everywhere: others know that they don't know, and the host itself does
 * not begin without them. */
static void
lost_holds_are_no_empty_ones(void **state)
{
	struct ha_hbconf conf = host_conf("alpha");
	struct ha_err err = HA_ERR_INIT;
	uint64_t sequence;

	(void)state;
	host_joined(A, "alpha");
	hold(A, 1);
	wait_for(A, A->stores[0]->written.hold_generation == 1 &&
			    A->stores[1]->written.hold_generation == 1 &&
			    A->stores[2]->written.hold_generation == 1);
	host_end(A);
	for (uint32_t i = 0; i < STORES; i++) {
		damage_holds(A, i);
	}
	host_joined(B, "beta");
	sequence = sequence_of(B);
	wait_for(B, B->hosts[0].has_beat && B->sequence > sequence + 10);
	assert_false(B->hosts[0].has_holds);
	host_end(B);
	(void)reboot(A);
	test_end_ms = ha_clock_now_ms() + 3000;
	assert_int_equal(host_join_conf(A, &conf, &err), -EINTR);
	test_end_ms = 0;
	assert_false(A->is_claimed);
	host_end(A);
}

/* ---- an administrator's word -------------------------------------------- */

static enum ha_proof
proof_of_alpha(struct hb *hb)
{
	enum ha_proof proof;

	pthread_mutex_lock(&hb->lock);
	proof = hb_judge(hb, 0, 0).proof;
	pthread_mutex_unlock(&hb->lock);
	return proof;
}

/* Given by gamma, it counts for beta, until alpha beats again. */
static void
word_of_another_host_counts(void **state)
{
	struct hb *gamma = &test_hb[2];
	struct ha_hold word = { .kind = HA_HOLD_CONFIRMED_DEAD };
	struct ha_beat beat;

	(void)state;
	host_joined(A, "alpha");
	list_add(A, 1);
	wait_for(A, ha_evidence_generation(&A->evidence) == 1);
	host_end(A);
	beat = beat_on(A, 0, 0);
	/* Stopped with a VM listed: unknown for ever. */
	beat.state = HA_BEAT_STOPPED;
	beat.sequence += 10;
	leave(&beat);
	host_joined(B, "beta");
	host_joined(gamma, "gamma");
	wait_for(B, hb_judge(B, 0, 0).proof == HA_PROOF_UNGUARDED);
	word.owner_incarnation = beat.incarnation;
	word.owner_generation = beat.sequence;
	put(gamma, &word);
	wait_for(B, hb_judge(B, 0, 0).proof == HA_PROOF_CONFIRMED);
	assert_int_equal(proof_of_alpha(gamma), HA_PROOF_CONFIRMED);
	/* It beats after all. */
	beat.sequence++;
	leave(&beat);
	wait_for(B, hb_judge(B, 0, 0).proof == HA_PROOF_UNGUARDED);
	/* Whoever gave it knows it after a restart, too. */
	wait_for(gamma, is_flushed(gamma, 1));
	host_end(gamma);
	host_joined(gamma, "gamma");
	assert_true(gamma->hosts[0].confirmed_sequence ==
		    word.owner_generation);
	/* Taken back: no word, no proof. */
	pthread_mutex_lock(&gamma->lock);
	gamma->hold_list.count = 0;
	hb_holds_changed(gamma);
	hb_kick_locked(gamma);
	pthread_mutex_unlock(&gamma->lock);
	wait_for(B, B->hosts[0].confirmed_incarnation == 0);
	host_end(B);
	host_end(gamma);
}

/* A person took the slot back: on w datastores, by what was read. */
static void
removed_slot_is_noticed(void **state)
{
	struct ha_slot_table table = { { "", "beta", "gamma" } };
	uint8_t *blocks;

	(void)state;
	host_joined(B, "beta");
	blocks = calloc(B->layout.table.blocks, HA_BLOCK);
	assert_non_null(blocks);
	ha_slot_table_encode(&B->sb, &table, blocks);
	area_put(0, B->layout.table.first, blocks, B->layout.table.blocks);
	wait_for(B, B->stores[0]->table.names[0][0] == '\0');
	assert_false(hb_slot_is_removed(B, 0));
	area_put(1, B->layout.table.first, blocks, B->layout.table.blocks);
	wait_for(B, hb_slot_is_removed(B, 0));
	assert_false(hb_slot_is_removed(B, 1));
	free(blocks);
	host_end(B);
}

#define CASE(f) cmocka_unit_test_setup(f, areas_make)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(holds_reach_the_others),
		CASE(later_beat_never_names_an_older_list),
		CASE(next_incarnation_takes_holds_over),
		CASE(restart_reads_holds_back),
		CASE(torn_copy_is_read_elsewhere),
		CASE(lost_holds_are_no_empty_ones),
		CASE(word_of_another_host_counts),
		CASE(removed_slot_is_noticed),
	};

	(void)argc;
	hosts_setup(argv[0]);
	(void)alarm(TEST_END_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
