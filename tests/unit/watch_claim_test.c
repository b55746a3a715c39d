/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A claim that never stood on w datastores says nothing: the boot that left it
 * may be followed by one that took the same number, or a lower one, and that
 * lives (SAFETY 1.4).
 */
#include <string.h>

#include "unit.h"

#include "ha/watch.h"

static const struct ha_timing TIMING = {
	.beat_ms = 1000,
	.watchdog_ms = 4000,
	.tolerance_ms = 1000,
	.drift_ppm = 0,
};
#define T_MS 6000u

enum what {
	CLAIMS,
	ARMED,
	STOPPED
};

static void
show(struct ha_watch *watch, uint32_t store, enum what what,
     uint64_t incarnation, uint64_t sequence, uint64_t at_ms)
{
	const struct ha_glimpse beat = {
		.kind = HA_GLIMPSE_BEAT,
		.incarnation = incarnation,
		.sequence = sequence,
		.is_armed = what == ARMED,
		.is_disarmed = what == STOPPED,
	};

	ha_watch_read(watch, store, &beat, at_ms, at_ms);
}

/* Two boots claimed 3 and 4 on the last datastore alone; the one that lives
 * has found neither and beats as 3. */
static void
claim_on_one_replaces_nobody(void **state)
{
	struct ha_watch watch;
	struct ha_watch_verdict verdict;

	(void)state;
	ha_watch_init(&watch, 3);
	show(&watch, 0, ARMED, 3, 7, 1000);
	show(&watch, 1, ARMED, 3, 7, 1000);
	show(&watch, 2, CLAIMS, 4, 90, 1000);
	verdict = ha_watch_judge(&watch, &TIMING, 3);
	assert_int_equal(verdict.proof, HA_PROOF_ALIVE);
	assert_int_equal(verdict.incarnation, 3);
	/* Seen on w, it was found by whoever came later. */
	show(&watch, 1, CLAIMS, 4, 2, 1500);
	verdict = ha_watch_judge(&watch, &TIMING, 3);
	assert_int_equal(verdict.proof, HA_PROOF_REPLACED);
	assert_int_equal(verdict.incarnation, 4);
}

static void
armed_on_one_replaces(void **state)
{
	struct ha_watch watch;

	(void)state;
	ha_watch_init(&watch, 3);
	show(&watch, 0, ARMED, 3, 7, 1000);
	show(&watch, 1, ARMED, 3, 7, 1000);
	show(&watch, 2, ARMED, 4, 1, 1000);
	assert_int_equal(ha_watch_judge(&watch, &TIMING, 3).proof,
			 HA_PROOF_REPLACED);
	show(&watch, 2, STOPPED, 5, 1, 1000);
	assert_int_equal(ha_watch_judge(&watch, &TIMING, 4).proof,
			 HA_PROOF_REPLACED);
}

/* The same number twice: the claim has beaten longer, on a datastore that the
 * living one can't write. */
static void
claim_hides_no_living_one(void **state)
{
	struct ha_watch watch;
	const struct ha_sighting *newest;

	(void)state;
	ha_watch_init(&watch, 5);
	show(&watch, 4, CLAIMS, 2, 200, 1000);
	assert_null(ha_watch_newest(&watch, NULL));
	show(&watch, 0, CLAIMS, 2, 1, 2000);
	assert_null(ha_watch_newest(&watch, NULL));
	show(&watch, 0, ARMED, 2, 3, 3000);
	newest = ha_watch_newest(&watch, NULL);
	assert_non_null(newest);
	assert_int_equal(newest->what.sequence, 3);
	/* Nor is the beat known that it has replaced. */
	assert_true(ha_watch_tells(&watch, 0));
	assert_false(ha_watch_tells(&watch, 4));
	assert_false(ha_watch_tells(&watch, 1));
}

/* Nobody was ever there as far as r datastores know. */
static void
first_claim_on_one(void **state)
{
	const struct ha_glimpse unclaimed = { .kind = HA_GLIMPSE_UNCLAIMED };
	struct ha_watch watch;

	(void)state;
	ha_watch_init(&watch, 3);
	show(&watch, 0, CLAIMS, 1, 5, 1000);
	ha_watch_read(&watch, 1, &unclaimed, 1000, 1000);
	assert_int_equal(ha_watch_judge(&watch, &TIMING, 0).proof,
			 HA_PROOF_UNKNOWN);
	ha_watch_read(&watch, 2, &unclaimed, 1000, 1000);
	assert_int_equal(ha_watch_judge(&watch, &TIMING, 0).proof,
			 HA_PROOF_NEVER);
}

/* A daemon that was restarted claims the number that it had. */
static void
claim_of_a_flushed_number(void **state)
{
	struct ha_watch watch;

	(void)state;
	ha_watch_init(&watch, 3);
	show(&watch, 0, ARMED, 2, 9, 1000);
	show(&watch, 1, ARMED, 2, 9, 1000);
	show(&watch, 0, CLAIMS, 2, 10, 2000);
	assert_int_equal(ha_watch_newest(&watch, NULL)->what.sequence, 10);
}

/* A daemon that was restarted beside its VMs, and has not armed again: seen on
 * one only, it is no less there. */
static void
claim_with_vms_counts(void **state)
{
	struct ha_glimpse claim = { .kind = HA_GLIMPSE_BEAT,
				    .incarnation = 3,
				    .sequence = 1051,
				    .list_count = 2 };
	struct ha_watch watch;

	(void)state;
	ha_watch_init(&watch, 3);
	for (uint64_t at_ms = 1000; at_ms <= 1000 + T_MS; at_ms += T_MS) {
		show(&watch, 1, STOPPED, 2, 50, at_ms);
		ha_watch_read(&watch, 2, &claim, at_ms, at_ms);
	}
	assert_int_equal(ha_watch_judge(&watch, &TIMING, 0).proof,
			 HA_PROOF_UNGUARDED);
	assert_int_equal(ha_watch_judge(&watch, &TIMING, 2).proof,
			 HA_PROOF_REPLACED);
}

/* The first boot of a host claimed on one and died. One datastore is lost since:
 * too few are left that nobody has written to, but nobody moves there. */
static void
first_claim_given_up(void **state)
{
	const struct ha_glimpse unclaimed = { .kind = HA_GLIMPSE_UNCLAIMED };
	struct ha_watch watch;

	(void)state;
	ha_watch_init(&watch, 3);
	ha_watch_read(&watch, 1, &unclaimed, 1000, 1000);
	show(&watch, 2, CLAIMS, 1, 5, 2000);
	ha_watch_read(&watch, 1, &unclaimed, 1999 + T_MS, 1999 + T_MS);
	show(&watch, 2, CLAIMS, 1, 5, 1999 + T_MS);
	assert_int_equal(ha_watch_judge(&watch, &TIMING, 0).proof,
			 HA_PROOF_UNKNOWN);
	ha_watch_read(&watch, 1, &unclaimed, 2000 + T_MS, 2000 + T_MS);
	assert_int_equal(ha_watch_judge(&watch, &TIMING, 0).proof,
			 HA_PROOF_UNKNOWN);
	show(&watch, 2, CLAIMS, 1, 5, 2000 + T_MS);
	assert_int_equal(ha_watch_judge(&watch, &TIMING, 0).proof,
			 HA_PROOF_NEVER);
	/* Who knows of an incarnation knows better. */
	assert_int_equal(ha_watch_judge(&watch, &TIMING, 1).proof,
			 HA_PROOF_UNKNOWN);
	show(&watch, 2, CLAIMS, 1, 6, 2001 + T_MS);
	assert_int_equal(ha_watch_judge(&watch, &TIMING, 0).proof,
			 HA_PROOF_UNKNOWN);
}

/* What a boot takes: one more where it has read all; a number that no other
 * boot takes where a claim may stand unread. */
static void
next_incarnation(void **state)
{
	const struct ha_glimpse damage = { .kind = HA_GLIMPSE_DAMAGED,
					   .fingerprint = 5 };
	struct ha_watch watch;

	(void)state;
	ha_watch_init(&watch, 3);
	show(&watch, 0, STOPPED, 3, 7, 1000);
	show(&watch, 1, STOPPED, 3, 7, 1000);
	assert_true(ha_incarnation_next(&watch, 900) == 904);
	show(&watch, 2, CLAIMS, 5, 1, 1000);
	assert_true(ha_incarnation_next(&watch, 900) == 6);
	/* The claim is torn now: what it was is remembered, what tore it not. */
	ha_watch_read(&watch, 2, &damage, 2000, 2000);
	assert_true(ha_incarnation_next(&watch, 900) == 906);
	ha_watch_read(&watch, 1, &damage, 2000, 2000);
	assert_true(ha_incarnation_next(&watch, 900) ==
		    906 + (UINT64_C(1) << 48));
}

/* A master whose last beat was torn may have told a term that nobody knows. */
static void
next_term(void **state)
{
	const struct ha_glimpse damage = { .kind = HA_GLIMPSE_DAMAGED,
					   .fingerprint = 5 };
	const struct ha_glimpse unclaimed = { .kind = HA_GLIMPSE_UNCLAIMED };
	struct ha_watch watch;

	(void)state;
	ha_watch_init(&watch, 3);
	assert_false(ha_watch_is_told(&watch));
	show(&watch, 0, ARMED, 3, 7, 1000);
	ha_watch_read(&watch, 1, &unclaimed, 1000, 1000);
	assert_true(ha_watch_is_told(&watch));
	ha_watch_read(&watch, 0, &damage, 2000, 2000);
	assert_false(ha_watch_is_told(&watch));
	assert_true(ha_term_next(4, true, 900) == 5);
	assert_true(ha_term_next(4, false, 900) == 905);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(claim_on_one_replaces_nobody),
		cmocka_unit_test(armed_on_one_replaces),
		cmocka_unit_test(claim_hides_no_living_one),
		cmocka_unit_test(first_claim_on_one),
		cmocka_unit_test(claim_of_a_flushed_number),
		cmocka_unit_test(claim_with_vms_counts),
		cmocka_unit_test(first_claim_given_up),
		cmocka_unit_test(next_incarnation),
		cmocka_unit_test(next_term),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
