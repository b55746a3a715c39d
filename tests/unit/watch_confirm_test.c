/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An administrator's word that a host is dead: it counts for the incarnation
 * and the beat that it was given about, and never against what is seen.
 */
#include "unit.h"

#include "ha/watch.h"

static const struct ha_timing TIMING = {
	.beat_ms = 1000,
	.watchdog_ms = 4000,
	.tolerance_ms = 1000,
	.drift_ppm = 0,
};
#define T_MS 6000u
#define STORES 3u
#define INCARNATION 4u
#define SEQUENCE 70u

/* A host that left VMs behind when its daemon was stopped: no proof ever. */
static struct ha_glimpse
beat(uint64_t incarnation, uint64_t sequence)
{
	return (struct ha_glimpse){
		.kind = HA_GLIMPSE_BEAT,
		.incarnation = incarnation,
		.sequence = sequence,
		.is_disarmed = true,
		.list_count = 1,
	};
}

static void
show(struct ha_watch *watch, uint32_t store, const struct ha_glimpse *what,
     uint64_t at_ms)
{
	ha_watch_read(watch, store, what, at_ms, at_ms);
}

static void
begin(struct ha_watch *watch)
{
	const struct ha_glimpse last = beat(INCARNATION, SEQUENCE);

	ha_watch_init(watch, STORES);
	for (uint32_t i = 0; i < STORES; i++) {
		show(watch, i, &last, 1000);
		show(watch, i, &last, 1000 + 2 * T_MS);
	}
}

static enum ha_proof
judge(const struct ha_watch *watch, uint64_t about, uint64_t incarnation,
      uint64_t sequence)
{
	struct ha_watch_verdict verdict = ha_watch_judge(watch, &TIMING, about);

	ha_watch_confirm(watch, &TIMING, incarnation, sequence, &verdict);
	return verdict.proof;
}

static void
word_counts_for_its_incarnation(void **state)
{
	struct ha_watch watch;

	(void)state;
	begin(&watch);
	assert_int_equal(judge(&watch, 0, 0, 0), HA_PROOF_UNGUARDED);
	assert_int_equal(judge(&watch, 0, INCARNATION, SEQUENCE),
			 HA_PROOF_CONFIRMED);
	assert_int_equal(judge(&watch, 0, INCARNATION, SEQUENCE + 5),
			 HA_PROOF_CONFIRMED);
	assert_int_equal(judge(&watch, INCARNATION, INCARNATION, SEQUENCE),
			 HA_PROOF_CONFIRMED);
	assert_true(ha_proof_is_gone(HA_PROOF_CONFIRMED));
	assert_string_equal(ha_proof_name(HA_PROOF_CONFIRMED), "confirmed");
	/* Of another incarnation, earlier or later. */
	assert_int_equal(judge(&watch, 0, INCARNATION - 1, SEQUENCE),
			 HA_PROOF_UNGUARDED);
	assert_int_equal(judge(&watch, 0, INCARNATION + 1, SEQUENCE),
			 HA_PROOF_UNGUARDED);
}

static void
word_ends_with_the_next_beat(void **state)
{
	const struct ha_glimpse next = beat(INCARNATION, SEQUENCE + 1);
	const struct ha_glimpse reborn = beat(INCARNATION + 1, 1);
	struct ha_watch watch;

	(void)state;
	begin(&watch);
	assert_int_equal(judge(&watch, 0, INCARNATION, SEQUENCE - 1),
			 HA_PROOF_UNGUARDED);
	/* On one datastore is enough to know better. */
	show(&watch, 2, &next, 30000);
	assert_int_equal(judge(&watch, 0, INCARNATION, SEQUENCE),
			 HA_PROOF_UNGUARDED);
	show(&watch, 1, &reborn, 31000);
	assert_int_equal(judge(&watch, 0, INCARNATION, SEQUENCE + 1),
			 HA_PROOF_UNGUARDED);
	/* What ran before is gone by itself. */
	assert_int_equal(judge(&watch, INCARNATION, INCARNATION, SEQUENCE),
			 HA_PROOF_REPLACED);
}

/* Bytes that can't be read and change are somebody's beats. */
static void
word_waits_for_damage_to_stand_still(void **state)
{
	struct ha_glimpse torn = { .kind = HA_GLIMPSE_DAMAGED };
	struct ha_watch watch;
	uint64_t at_ms = 20000;

	(void)state;
	begin(&watch);
	for (torn.fingerprint = 1; torn.fingerprint < 9; torn.fingerprint++) {
		show(&watch, 1, &torn, at_ms);
		assert_int_equal(judge(&watch, 0, INCARNATION, SEQUENCE),
				 HA_PROOF_UNGUARDED);
		at_ms += 1000;
	}
	torn.fingerprint = 8;
	show(&watch, 1, &torn, at_ms - 1000 + T_MS - 1);
	assert_int_equal(judge(&watch, 0, INCARNATION, SEQUENCE),
			 HA_PROOF_UNGUARDED);
	show(&watch, 1, &torn, at_ms - 1000 + T_MS);
	assert_int_equal(judge(&watch, 0, INCARNATION, SEQUENCE),
			 HA_PROOF_CONFIRMED);
}

/* Nothing was ever read, or what is proven needs no word. */
static void
word_is_not_needed(void **state)
{
	struct ha_glimpse stopped = beat(INCARNATION, SEQUENCE);
	struct ha_glimpse armed = beat(INCARNATION, SEQUENCE);
	struct ha_watch watch;

	(void)state;
	ha_watch_init(&watch, STORES);
	assert_int_equal(judge(&watch, 0, INCARNATION, SEQUENCE),
			 HA_PROOF_UNKNOWN);
	stopped.list_count = 0;
	for (uint32_t i = 0; i < STORES; i++) {
		show(&watch, i, &stopped, 1000);
	}
	assert_int_equal(judge(&watch, 0, INCARNATION, SEQUENCE),
			 HA_PROOF_STOPPED);
	/* Silence is no proof as long as the ring may keep it alive. */
	armed.is_disarmed = false;
	armed.is_armed = true;
	ha_watch_init(&watch, STORES);
	for (uint32_t i = 0; i < STORES; i++) {
		show(&watch, i, &armed, 1000);
		show(&watch, i, &armed, 1000 + 2 * T_MS);
	}
	assert_int_equal(judge(&watch, 0, 0, 0), HA_PROOF_SILENT);
	assert_int_equal(judge(&watch, 0, INCARNATION, SEQUENCE),
			 HA_PROOF_CONFIRMED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(word_counts_for_its_incarnation),
		cmocka_unit_test(word_ends_with_the_next_beat),
		cmocka_unit_test(word_waits_for_damage_to_stand_still),
		cmocka_unit_test(word_is_not_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
