/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the daemon begins: what it refuses, which incarnation it takes, and
 * when the VMs of a daemon before are still this host's. The kernel's boot id
 * is the real one; the watchdog is never touched.
 */
#include <errno.h>

#include "hb_hosts.h"

static struct hb *const A = &test_hb[0];
static struct hb *const B = &test_hb[1];

/* What a daemon before left in alpha's slot. */
static void
leave_beat(uint32_t store, struct ha_beat beat)
{
	struct ha_superblock sb = area_superblock(store);
	struct ha_layout layout;
	uint8_t block[HA_BLOCK];

	assert_int_equal(ha_layout_compute(&sb, &layout), 0);
	snprintf(beat.host, sizeof(beat.host), "alpha");
	ha_beat_encode(&sb, &beat, block);
	area_put(store, layout.beats.first, block, 1);
}

static void
leave_damage(uint32_t store)
{
	struct ha_superblock sb = area_superblock(store);
	struct ha_layout layout;
	uint8_t block[HA_BLOCK];

	assert_int_equal(ha_layout_compute(&sb, &layout), 0);
	area_get(store, layout.beats.first, block, 1);
	block[HA_BLOCK - 1] ^= 1;
	area_put(store, layout.beats.first, block, 1);
}

static struct ha_beat
past_beat(enum ha_beat_state state, uint64_t incarnation, uint64_t sequence)
{
	struct ha_beat beat = {
		.state = state,
		.incarnation = incarnation,
		.sequence = sequence,
	};

	assert_int_equal(hb_boot_id_read(&beat.boot_id, NULL), 0);
	return beat;
}

static void
refused(const struct ha_hbconf *conf, int code, const char *words)
{
	struct ha_err err = HA_ERR_INIT;
	int rc = host_join_conf(A, conf, &err);

	host_end(A);
	if (rc != code || !strstr(err.text, words)) {
		fail_msg("%d, not %d: \"%s\" lacks \"%s\"", rc, code, err.text,
			 words);
	}
}

static void
first_incarnation_is_one(void **state)
{
	(void)state;
	host_joined(A, "alpha");
	assert_int_equal(A->incarnation, 1);
	/* SAFETY 10: a host starts sealed. */
	assert_true((A->flags & HA_BEAT_SEALED) != 0);
	assert_int_equal(A->seal.why, HA_SEAL_STARTING);
	host_end(A);
	/* A daemon that died while it claimed: never armed, so no harm. */
	host_joined(A, "alpha");
	assert_int_equal(A->incarnation, 2);
	host_end(A);
}

/* It stands on w; one datastore of any r shows it (SAFETY 1.4). */
static void
highest_incarnation_counts(void **state)
{
	struct ha_beat beat = past_beat(HA_BEAT_ARMED, 41, 5);

	(void)state;
	beat.boot_id.bytes[0] ^= 1;
	leave_beat(1, beat);
	leave_beat(2, beat);
	host_joined(A, "alpha");
	assert_int_equal(A->incarnation, 42);
	host_end(A);
}

/* A boot that never flushed its claim hides nobody's beat, and no boot takes its
 * number again (SAFETY 1.4). */
static void
claim_on_one_is_no_beat(void **state)
{
	struct ha_beat stopped = past_beat(HA_BEAT_STOPPED, 3, 7);
	struct ha_beat claim = past_beat(HA_BEAT_STARTING, 5, 90);

	(void)state;
	claim.boot_id.bytes[0] ^= 1;
	claim.term = 9; /* a master's last word, for all anybody knows */
	leave_beat(0, stopped);
	leave_beat(1, stopped);
	leave_beat(2, claim);
	host_joined(B, "beta");
	wait_for(B, B->hosts[0].watch.beats[2].is_seen && B->hosts[0].has_beat);
	assert_int_equal(B->hosts[0].beat.incarnation, 3);
	assert_int_equal(B->hosts[0].term, 9);
	host_joined(A, "alpha");
	assert_int_equal(A->incarnation, 6);
	wait_for(B, B->hosts[0].beat.incarnation == 6);
	host_end(A);
	host_end(B);
}

/* A datastore that comes back with a claim that an earlier start left there: no
 * other host writes this slot, and the watchdog must not be given up. */
static void
claim_found_late_is_no_conflict(void **state)
{
	struct ha_beat claim =
		past_beat(HA_BEAT_STARTING, UINT64_C(1) << 40, 9);
	char away[HA_PATH + 8];

	(void)state;
	claim.boot_id.bytes[0] ^= 1;
	leave_beat(2, claim);
	snprintf(away, sizeof(away), "%s.away", test_file[2]);
	assert_int_equal(rename(test_file[2], away), 0);
	host_joined(A, "alpha");
	assert_true(A->incarnation < claim.incarnation);
	assert_int_equal(rename(away, test_file[2]), 0);
	wait_for(A, A->has_conflict || A->stores[2]->written.incarnation ==
					       A->incarnation);
	assert_false(A->has_conflict);
	assert_false(A->is_reset_ordered);
	host_end(A);
}

/* A start that gives up before its number stands on w says nothing that would
 * count: whoever comes next may have a lower one. */
static void
claim_given_up_is_not_stopped(void **state)
{
	(void)state;
	host_joined(A, "alpha");
	pthread_mutex_lock(&A->lock);
	A->phase = HB_STOPPING;
	assert_int_equal(hb_beat_state(A), HA_BEAT_STOPPED);
	ha_evidence_init(&A->evidence, STORES);
	assert_int_equal(hb_beat_state(A), HA_BEAT_STARTING);
	pthread_mutex_unlock(&A->lock);
	host_end(A);
}

/* Called while the start waits for the datastore that is away: the third one
 * shows an older beat than it did. */
static bool
third_goes_back(void)
{
	static bool is_done;
	bool is_seen;

	pthread_mutex_lock(&A->lock);
	is_seen = A->hosts[0].has_beat && A->hosts[0].beat.sequence == 9;
	pthread_mutex_unlock(&A->lock);
	if (is_seen && !is_done) {
		is_done = true;
		leave_beat(2, past_beat(HA_BEAT_STOPPED, 5, 7));
	}
	return false;
}

static void
beat_taken_back_is_not_waited_for(void **state)
{
	static const struct hb_patience patience = { third_goes_back,
						     say_nothing };
	struct ha_hbconf conf = host_conf("alpha");
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	leave_beat(0, past_beat(HA_BEAT_STOPPED, 5, 7));
	leave_beat(2, past_beat(HA_BEAT_STOPPED, 5, 9));
	assert_int_equal(unlink(test_file[1]), 0);
	if (hb_join(A, &conf, &patience, &err) < 0) {
		fail_msg("%s", err.text);
	}
	assert_true(A->incarnation > 5);
	host_end(A);
}

static void
damaged_own_beat_leaps_over_what_it_hides(void **state)
{
	struct ha_beat beat = past_beat(HA_BEAT_STOPPED, 7, 5);

	(void)state;
	leave_beat(0, beat);
	leave_damage(1);
	leave_damage(2);
	host_joined(A, "alpha");
	assert_true(A->incarnation >= 8 + (UINT64_C(1) << 48));
	host_end(A);
}

static void
damage_everywhere_is_refused(void **state)
{
	struct ha_hbconf conf = host_conf("alpha");

	(void)state;
	leave_damage(0);
	leave_damage(1);
	leave_damage(2);
	refused(&conf, -EIO, "damaged on 3 datastores");
}

/* SAFETY 1.2: after the kill timer no daemon before the reset. */
static void
armed_beat_of_this_boot_is_refused(void **state)
{
	struct ha_hbconf conf = host_conf("alpha");
	uint32_t i;

	(void)state;
	for (i = 0; i < STORES; i++) {
		leave_beat(i, past_beat(HA_BEAT_ARMED, 3, 100));
	}
	refused(&conf, -EOWNERDEAD, "was killed while the watchdog was armed");
}

static void
stop_clean(struct hb *hb)
{
	pthread_mutex_lock(&hb->lock);
	hb->phase = HB_STOPPING;
	hb_mark(hb);
	pthread_mutex_unlock(&hb->lock);
	wait_for(hb, hb_is_marked(hb, HA_BEAT_STOPPED));
	host_end(hb);
}

static void
listed_vms_of_this_boot_are_taken_over(void **state)
{
	uint64_t generation;
	uint64_t sequence;
	uint64_t before_ms;

	(void)state;
	host_joined(A, "alpha");
	list_add(A, 1);
	list_add(A, 2);
	wait_for(A, ha_evidence_generation(&A->evidence) == 2);
	stop_clean(A);
	sequence = A->sequence;
	before_ms = ha_clock_now_ms();
	host_joined(A, "alpha");
	assert_int_equal(A->incarnation, 1);
	/* Nor any that a restart before this one may have used. */
	assert_true(A->sequence > sequence + before_ms);
	/* Not the generation that the daemon before left, which may not have
	 * been sealed. */
	assert_true(A->list.generation > 3);
	generation = A->list.generation;
	assert_int_equal(A->list.count, 2);
	assert_int_equal(A->list.vms[1].uuid.bytes[0], 2);
	assert_true((A->flags & HA_BEAT_SEALED) != 0);
	wait_for(A, ha_evidence_generation(&A->evidence) == generation);
	assert_false(A->has_conflict);
	/* Emptied and stopped: nothing is left to take over. */
	pthread_mutex_lock(&A->lock);
	A->list.generation = ++generation;
	A->list.count = 0;
	pthread_mutex_unlock(&A->lock);
	hb_kick(A);
	wait_for(A, ha_evidence_generation(&A->evidence) == generation);
	stop_clean(A);
	host_joined(A, "alpha");
	assert_int_equal(A->incarnation, 2);
	assert_int_equal(A->list.generation, 0);
	host_end(A);
}

/* Only the last beat's list counts; without it VMs would be forgotten. */
static void
lost_list_is_refused(void **state)
{
	struct ha_hbconf conf = host_conf("alpha");
	struct ha_beat beat = past_beat(HA_BEAT_STOPPED, 3, 100);
	uint32_t i;

	(void)state;
	beat.list_generation = 9;
	beat.list_count = 1;
	for (i = 0; i < STORES; i++) {
		leave_beat(i, beat);
	}
	/* A start gives up after its own patience; the test's is shorter. */
	test_end_ms = ha_clock_now_ms() + 3000;
	refused(&conf, -EINTR, "asked to end");
	test_end_ms = 0;
	assert_int_equal(A->incarnation, 0);
}

static void
twin_is_refused(void **state)
{
	struct hb *twin = &test_hb[1];
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	host_joined(A, "alpha");
	assert_int_equal(host_join(twin, "alpha", &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "another host beats as alpha"));
	host_end(twin);
	assert_false(A->has_conflict);
	host_end(A);
}

/* Says "looking" after the first look: from then on the third one is there,
 * with a later beat than the others have. */
static void
third_comes_back(int priority, const char *text)
{
	char away[HA_PATH + 8];

	(void)priority;
	if (strstr(text, "looking whether")) {
		snprintf(away, sizeof(away), "%s.away", test_file[2]);
		assert_int_equal(rename(away, test_file[2]), 0);
		ha_clock_sleep_ms(2 * HB_UNKNOWN_BEAT_MS, UINT64_MAX);
	}
}

static void
datastore_ahead_is_no_twin(void **state)
{
	static const struct hb_patience patience = { is_over,
						     third_comes_back };
	struct ha_hbconf conf = host_conf("alpha");
	struct ha_beat beat = past_beat(HA_BEAT_ARMED, 3, 100);
	struct ha_err err = HA_ERR_INIT;
	char away[HA_PATH + 8];

	(void)state;
	beat.boot_id.bytes[0] ^= 1;
	leave_beat(0, beat);
	leave_beat(1, beat);
	beat.sequence++;
	leave_beat(2, beat);
	snprintf(away, sizeof(away), "%s.away", test_file[2]);
	assert_int_equal(rename(test_file[2], away), 0);
	if (hb_join(A, &conf, &patience, &err) < 0) {
		fail_msg("%s", err.text);
	}
	assert_true(A->views[2].is_open);
	assert_int_equal(A->incarnation, 4);
	host_end(A);
}

static void
unfit_datastores_are_refused(void **state)
{
	struct ha_hbconf conf = host_conf("alpha");
	struct ha_superblock sb = area_superblock(2);

	(void)state;
	conf.stores = 2;
	refused(&conf, -EINVAL, "has 3 datastores, vmha.conf names 2");
	conf = host_conf("delta");
	refused(&conf, -ENOENT, "vmha heartbeat add-host delta");
	conf = host_conf("alpha");
	memcpy(conf.store[1], conf.store[0], sizeof(conf.store[1]));
	memcpy(conf.store[2], conf.store[0], sizeof(conf.store[2]));
	refused(&conf, -EEXIST, "are the same heartbeat area");
	/* Another cluster's, as one of the two that open. */
	conf = host_conf("alpha");
	sb.cluster.bytes[0] = 99;
	area_make(2, &sb);
	memcpy(conf.store[1], "/nonexistent", sizeof("/nonexistent"));
	refused(&conf, -EINVAL, "cluster uuid");
}

static void
missing_datastores_are_waited_for(void **state)
{
	char moved[HA_PATH + 8];

	(void)state;
	snprintf(moved, sizeof(moved), "%s.away", test_file[2]);
	assert_int_equal(rename(test_file[2], moved), 0);
	host_joined(A, "alpha");
	assert_false(A->views[2].is_open);
	assert_int_equal(rename(moved, test_file[2]), 0);
	wait_for(A,
		 A->views[2].is_working &&
			 A->stores[2]->written.incarnation == A->incarnation);
	/* A claim may have stood on the one that was away. */
	assert_true(A->incarnation > 1);
	host_end(A);
	/* One of three is less than r. */
	assert_int_equal(unlink(test_file[1]), 0);
	assert_int_equal(unlink(test_file[2]), 0);
	test_end_ms = ha_clock_now_ms() + 1500;
	assert_int_equal(host_join(A, "alpha", NULL), -EINTR);
	test_end_ms = 0;
	assert_false(A->is_claimed);
	host_end(A);
}

#define CASE(f) cmocka_unit_test_setup(f, areas_make)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(first_incarnation_is_one),
		CASE(highest_incarnation_counts),
		CASE(claim_on_one_is_no_beat),
		CASE(claim_found_late_is_no_conflict),
		CASE(claim_given_up_is_not_stopped),
		CASE(beat_taken_back_is_not_waited_for),
		CASE(damaged_own_beat_leaps_over_what_it_hides),
		CASE(damage_everywhere_is_refused),
		CASE(armed_beat_of_this_boot_is_refused),
		CASE(listed_vms_of_this_boot_are_taken_over),
		CASE(lost_list_is_refused),
		CASE(twin_is_refused),
		CASE(datastore_ahead_is_no_twin),
		CASE(unfit_datastores_are_refused),
		CASE(missing_datastores_are_waited_for),
	};

	(void)argc;
	hosts_setup(argv[0]);
	(void)alarm(TEST_END_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
