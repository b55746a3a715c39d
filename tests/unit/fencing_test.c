/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/fencing: the scenario file, and the full product of the facts
 * against what must hold in every cell: no success without proof, none for a
 * member, each failure and each wait with its reason, every wait bounded.
 */
#include "scn.h"

#include "ha/fencing.h"

#define SCENARIOS "tests/scenarios/fencing.scn"

static const char *const STEP[] = { "success", "fail", "order", "wait" };
static const char *const RING[] = { "no-quorum", "member", "majority",
				    "later",     "yes",    "unconfirmed" };

static const struct ha_fence_facts HEALTHY = {
	.action = HA_FENCE_REBOOT,
	.can_write = true,
	.can_read = true,
	.is_quorate = true,
	.is_known = true,
	.storage = { .since_ms = 9900, .until_ms = 9900, .needed = 2 },
	.ring = HA_RING_SILENCE_YES,
	.now_ms = 10000,
	.deadline_ms = 25000,
};

static void
take_flags(const struct scn *scn, struct ha_fence_facts *facts)
{
	static const char *const FLAGS[] = {
		"self",         "blind-write", "blind-read", "no-quorum",
		"unknown-host", "was-member",  "member",     "since-stop",
		"moved",        "ordered",     "acked",      "disarmed",
		"braked",
	};

	for (size_t i = 1; i < scn->wants; i++) {
		bool is_known = strchr(scn->word[i], '=');

		for (size_t j = 0; j < N_ELEMENTS(FLAGS); j++) {
			is_known |= strcmp(scn->word[i], FLAGS[j]) == 0;
		}
		scn_same(scn, is_known ? "" : scn->word[i], "");
	}
	facts->is_self = scn_has(scn, "self");
	facts->can_write = !scn_has(scn, "blind-write");
	facts->can_read = !scn_has(scn, "blind-read");
	facts->is_quorate = !scn_has(scn, "no-quorum");
	facts->is_known = !scn_has(scn, "unknown-host");
	facts->was_member = scn_has(scn, "was-member");
	facts->is_member = scn_has(scn, "member");
	facts->member_since_stop = scn_has(scn, "since-stop");
	facts->has_moved = scn_has(scn, "moved");
	facts->is_ordered = scn_has(scn, "ordered");
	facts->is_order_acked = scn_has(scn, "acked");
	facts->is_standing_down = scn_has(scn, "disarmed");
	facts->is_braked = scn_has(scn, "braked");
}

static void
take_facts(const struct scn *scn, struct ha_fence_facts *facts)
{
	const char *ring = scn_text(scn, "ring");

	*facts = HEALTHY;
	facts->storage.proof = HA_PROOF_N;
	for (unsigned int i = 0; i < HA_PROOF_N; i++) {
		if (strcmp(scn->word[0], ha_proof_name((enum ha_proof)i)) ==
		    0) {
			facts->storage.proof = (enum ha_proof)i;
		}
	}
	assert_int_not_equal(facts->storage.proof, HA_PROOF_N);
	for (unsigned int i = 0; ring && i < N_ELEMENTS(RING); i++) {
		if (strcmp(ring, RING[i]) == 0) {
			facts->ring = (enum ha_ring_silence)i;
		}
	}
	take_flags(scn, facts);
	facts->ring_due_ms = scn_number(scn, "ring-due", 0);
	facts->storage.since_ms = scn_number(scn, "since", 9900);
	facts->storage.until_ms = scn_number(scn, "until", 9900);
	facts->now_ms = scn_number(scn, "now", 10000);
}

static void
scenarios(void **state)
{
	struct scn scn;

	(void)state;
	scn_open(&scn, SCENARIOS);
	while (scn_next(&scn)) {
		struct ha_fence_facts facts;
		struct ha_fence_verdict got;

		assert_int_equal(scn.words, scn.wants + 2);
		take_facts(&scn, &facts);
		got = ha_fencing_judge(&facts,
				       ha_profile_timing(HA_PROFILE_STANDARD));
		scn_same(&scn, STEP[got.step], scn.word[scn.wants]);
		scn_same(&scn, ha_fence_reason_name(got.why),
			 scn.word[scn.wants + 1]);
	}
	assert_true(scn.checks >= 55);
}

/* ---- every cell --------------------------------------------------------- */

static void
check_success(const struct ha_fence_facts *f)
{
	assert_true(f->is_known && f->is_quorate && f->can_write &&
		    f->can_read);
	assert_false(f->is_self || f->is_standing_down || f->is_member);
	assert_true(ha_proof_is_gone(f->storage.proof));
	switch (f->storage.proof) {
	case HA_PROOF_SILENT:
		assert_true(f->ring == HA_RING_SILENCE_YES ||
			    f->ring == HA_RING_SILENCE_LATER);
		assert_true(f->storage.until_ms >= f->ring_due_ms);
		break;
	case HA_PROOF_STOPPED:
	case HA_PROOF_NEVER:
		assert_false(f->member_since_stop);
		break;
	case HA_PROOF_REPLACED:
		break;
	case HA_PROOF_UNKNOWN:
	case HA_PROOF_ALIVE:
	case HA_PROOF_STANDING_DOWN:
	case HA_PROOF_UNGUARDED:
	case HA_PROOF_N:
		fail_msg("success for %s", ha_proof_name(f->storage.proof));
	}
}

static void
check_cell(const struct ha_fence_facts *f, unsigned int steps[4],
	   unsigned int reasons[HA_FENCE_WHY_N])
{
	struct ha_fence_verdict got =
		ha_fencing_judge(f, ha_profile_timing(HA_PROFILE_STANDARD));
	const bool is_over = f->now_ms >= f->deadline_ms;

	assert_in_range(got.why, 0, HA_FENCE_WHY_N - 1);
	assert_true(strlen(ha_fence_reason_text(got.why)) > 10);
	steps[got.step]++;
	reasons[got.why]++;
	switch (got.step) {
	case HA_FENCE_SUCCESS:
		check_success(f);
		break;
	case HA_FENCE_FAIL:
		break;
	case HA_FENCE_ORDER:
		assert_false(is_over || f->is_ordered || f->is_braked);
		assert_false(f->is_self || f->is_standing_down);
		assert_true(f->is_quorate && f->is_known);
		assert_true(f->is_member ? f->was_member : f->has_moved);
		break;
	case HA_FENCE_WAIT:
		assert_false(is_over);
		assert_true(got.wait_ms > 0 &&
			    f->now_ms + got.wait_ms <= f->deadline_ms);
		break;
	}
}

static void
set_flags(struct ha_fence_facts *f, unsigned int bits)
{
	f->is_self = bits & 1u;
	f->can_write = bits & 2u;
	f->can_read = bits & 4u;
	f->is_quorate = bits & 8u;
	f->is_known = bits & 16u;
	f->was_member = bits & 32u;
	f->is_member = bits & 64u;
	f->member_since_stop = bits & 128u;
	f->has_moved = bits & 256u;
	f->is_ordered = bits & 512u;
	f->is_order_acked = bits & 1024u;
	f->is_standing_down = bits & 2048u;
	f->is_braked = bits & 4096u;
	f->action = bits & 8192u ? HA_FENCE_OFF : HA_FENCE_REBOOT;
}

/* Proof, ring, late enough or not, beat moved long ago or not, deadline over
 * or not. */
#define SHAPES (HA_PROOF_N * N_ELEMENTS(RING) * 8)
#define FLAGS (1u << 14)

static void
every_cell(void **state)
{
	unsigned int steps[4] = { 0 };
	unsigned int reasons[HA_FENCE_WHY_N] = { 0 };

	(void)state;
	for (unsigned int shape = 0; shape < SHAPES; shape++) {
		struct ha_fence_facts f = HEALTHY;
		unsigned int rest = shape;

		f.storage.proof = (enum ha_proof)(rest % HA_PROOF_N);
		rest /= HA_PROOF_N;
		f.ring = (enum ha_ring_silence)(rest % N_ELEMENTS(RING));
		rest /= (unsigned int)N_ELEMENTS(RING);
		f.ring_due_ms =
			rest & 1u ? f.storage.until_ms + 1 : f.storage.until_ms;
		f.storage.since_ms = rest & 2u ? 100 : 9900;
		f.now_ms = rest & 4u ? f.deadline_ms : f.now_ms;
		for (unsigned int bits = 0; bits < FLAGS; bits++) {
			set_flags(&f, bits);
			check_cell(&f, steps, reasons);
		}
	}
	/* Each step and each reason is somebody's verdict. */
	for (size_t i = 0; i < N_ELEMENTS(steps); i++) {
		assert_true(steps[i] > 0);
	}
	for (size_t i = 0; i < HA_FENCE_WHY_N; i++) {
		if (reasons[i] == 0) {
			fail_msg("nothing leads to %s",
				 ha_fence_reason_name((enum ha_fence_reason)i));
		}
	}
}

/* A log line tells which reason it was. */
static void
names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HA_FENCE_WHY_N; i++) {
		for (unsigned int j = 0; j < i; j++) {
			assert_string_not_equal(
				ha_fence_reason_name((enum ha_fence_reason)i),
				ha_fence_reason_name((enum ha_fence_reason)j));
			assert_string_not_equal(
				ha_fence_reason_text((enum ha_fence_reason)i),
				ha_fence_reason_text((enum ha_fence_reason)j));
		}
	}
	assert_string_equal(ha_fence_reason_name(HA_FENCE_WHY_N), "invalid");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenarios),
		cmocka_unit_test(every_cell),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
