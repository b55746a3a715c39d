/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When was silence proven first? Whoever asks the ring what else keeps the
 * host alive must have asked after that moment (SAFETY 1.6).
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

static void
show(struct ha_watch *watch, uint32_t store, uint64_t sequence, uint64_t at_ms)
{
	const struct ha_glimpse beat = {
		.kind = HA_GLIMPSE_BEAT,
		.incarnation = 1,
		.sequence = sequence,
		.is_armed = true,
	};

	ha_watch_read(watch, store, &beat, at_ms, at_ms);
}

static void
silence_is_proven_once(void **state)
{
	struct ha_watch watch;
	struct ha_watch_verdict verdict;

	(void)state;
	ha_watch_init(&watch, 1);
	show(&watch, 0, 5, 1000);
	show(&watch, 0, 5, 1000 + T_MS - 1);
	verdict = ha_watch_judge(&watch, &TIMING, 0);
	assert_int_equal(verdict.proof, HA_PROOF_ALIVE);
	assert_int_equal(verdict.proven_ms, 0);
	/* However long it goes on, it was proven at the same moment. */
	for (uint64_t at_ms = 1000 + T_MS; at_ms < 60000; at_ms += 1000) {
		show(&watch, 0, 5, at_ms);
		verdict = ha_watch_judge(&watch, &TIMING, 0);
		assert_int_equal(verdict.proof, HA_PROOF_SILENT);
		assert_int_equal(verdict.until_ms, at_ms);
		assert_int_equal(verdict.proven_ms, 1000 + T_MS);
	}
	/* It came back, and fell silent again: proven anew. */
	show(&watch, 0, 6, 60000);
	verdict = ha_watch_judge(&watch, &TIMING, 0);
	assert_int_equal(verdict.proven_ms, 0);
	show(&watch, 0, 6, 60000 + 2 * T_MS);
	verdict = ha_watch_judge(&watch, &TIMING, 0);
	assert_int_equal(verdict.proven_ms, 60000 + T_MS);
}

/* The datastores that carry the proof count, not one that was watched longer
 * but is not read any more. */
static void
only_what_is_still_read_proves(void **state)
{
	struct ha_watch watch;
	struct ha_watch_verdict verdict;

	(void)state;
	ha_watch_init(&watch, 3);
	show(&watch, 0, 5, 1000);
	show(&watch, 1, 4, 1000);
	show(&watch, 2, 3, 20000);
	show(&watch, 0, 5, 2000); /* hangs from here on */
	show(&watch, 1, 4, 30000);
	show(&watch, 2, 3, 30000);
	verdict = ha_watch_judge(&watch, &TIMING, 0);
	assert_int_equal(verdict.proof, HA_PROOF_SILENT);
	assert_int_equal(verdict.until_ms, 30000);
	assert_int_equal(verdict.proven_ms, 20000 + T_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_is_proven_once),
		cmocka_unit_test(only_what_is_still_read_proves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
