/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/fencing: the scenario file, and the full product of the facts
 * against what must hold in every cell: no success without proof of death or
 * seal and holds, none for a member, no order without quorum or past the brake,
 * each failure and each wait with its reason, every wait bounded.
 */
#include "scn.h"

#include "ha/fencing.h"

#define SCENARIOS "tests/scenarios/fencing.scn"

#define STEPS ((unsigned int)HA_FENCE_WAIT + 1)
static const char *const STEP[STEPS] = {
	[HA_FENCE_SUCCESS] = "success", [HA_FENCE_FAIL] = "fail",
	[HA_FENCE_ORDER] = "order",     [HA_FENCE_ASK] = "ask",
	[HA_FENCE_SEAL] = "seal",       [HA_FENCE_PLACE] = "place",
	[HA_FENCE_WAIT] = "wait",
};
#define HOLDS ((unsigned int)HA_FENCE_HOLD_STANDING + 1)
static const char *const HOLD[HOLDS] = {
	[HA_FENCE_HOLD_UNASKED] = "unasked",
	[HA_FENCE_HOLD_MAY] = "may",
	[HA_FENCE_HOLD_UNAVAILABLE] = "unavailable",
	[HA_FENCE_HOLD_FORBIDDEN] = "forbidden",
	[HA_FENCE_HOLD_PLACED] = "placed",
	[HA_FENCE_HOLD_STANDING] = "standing",
};
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
		"back",         "moved",       "ordered",    "acked",
		"disarmed",     "braked",      "sealed",     "unread",
		"seal-ordered", "must-reset",  "waits",      "settled",
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
	facts->is_back = scn_has(scn, "back");
	facts->member_since_stop = scn_has(scn, "since-stop");
	facts->has_moved = scn_has(scn, "moved");
	facts->is_ordered = scn_has(scn, "ordered");
	facts->is_order_acked = scn_has(scn, "acked");
	facts->is_standing_down = scn_has(scn, "disarmed");
	facts->is_braked = scn_has(scn, "braked");
	facts->says_sealed = scn_has(scn, "sealed");
	facts->is_list_read = !scn_has(scn, "unread");
	facts->is_seal_ordered = scn_has(scn, "seal-ordered");
	facts->must_reset = scn_has(scn, "must-reset");
	facts->waits_after_hold = scn_has(scn, "waits");
	facts->is_hold_settled = scn_has(scn, "settled");
}

static void
take_facts(const struct scn *scn, struct ha_fence_facts *facts)
{
	const char *ring = scn_text(scn, "ring");
	const char *hold = scn_text(scn, "hold");

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
	for (unsigned int i = 0; hold && i < HOLDS; i++) {
		if (strcmp(hold, HOLD[i]) == 0) {
			facts->hold = (enum ha_fence_hold)i;
		}
	}
	scn_same(scn, hold ? HOLD[facts->hold] : "", hold ? hold : "");
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
	assert_true(scn.checks >= 100);
}

/* ---- every cell --------------------------------------------------------- */

/* SAFETY section 4, "alive, sealed": restated, not copied. */
static bool
is_held_for(const struct ha_fence_facts *f)
{
	bool is_in_force = f->hold == HA_FENCE_HOLD_STANDING ||
			   (f->hold == HA_FENCE_HOLD_PLACED &&
			    f->waits_after_hold && f->is_hold_settled);

	return f->says_sealed && f->is_list_read && !f->is_unconfirmed &&
	       is_in_force && !f->must_reset;
}

static void
check_success(const struct ha_fence_facts *f, enum ha_fence_reason why)
{
	assert_true(f->is_known && f->is_quorate && f->can_write &&
		    f->can_read);
	assert_false(f->is_self || f->is_member);
	assert_false(f->is_standing_down &&
		     f->storage.proof != HA_PROOF_CONFIRMED);
	assert_int_equal(why == HA_FENCE_WHY_HELD,
			 f->storage.proof == HA_PROOF_ALIVE);
	switch (f->storage.proof) {
	case HA_PROOF_SILENT:
		assert_true(f->ring == HA_RING_SILENCE_YES ||
			    f->ring == HA_RING_SILENCE_LATER);
		assert_true(f->storage.until_ms >= f->ring_due_ms);
		break;
	case HA_PROOF_STOPPED:
	case HA_PROOF_NEVER:
	case HA_PROOF_CONFIRMED:
		assert_false(f->member_since_stop);
		break;
	case HA_PROOF_REPLACED:
		break;
	case HA_PROOF_ALIVE:
		assert_true(is_held_for(f));
		assert_false(f->is_ordered);
		break;
	case HA_PROOF_UNKNOWN:
	case HA_PROOF_STANDING_DOWN:
	case HA_PROOF_UNGUARDED:
	case HA_PROOF_N:
		fail_msg("success for %s", ha_proof_name(f->storage.proof));
	}
}

/* Who may not judge does nothing to others either. */
static void
check_deed(const struct ha_fence_facts *f)
{
	assert_false(f->now_ms >= f->deadline_ms);
	assert_false(f->is_self || f->is_standing_down);
	assert_true(f->is_quorate && f->is_known && f->can_write &&
		    f->can_read);
}

/* Sealing and holding are for the living who left, are not to be reset, and
 * whose holds somebody can grant. */
static void
check_hold_deed(const struct ha_fence_facts *f)
{
	check_deed(f);
	assert_int_equal(f->storage.proof, HA_PROOF_ALIVE);
	assert_false(f->is_member || f->must_reset || f->is_ordered);
	assert_true(f->hold != HA_FENCE_HOLD_UNAVAILABLE &&
		    f->hold != HA_FENCE_HOLD_FORBIDDEN);
}

/* Reset: a member whose stop failed, or one that left and beats, when it is
 * not held. */
static void
check_order(const struct ha_fence_facts *f)
{
	check_deed(f);
	assert_false(f->is_ordered || f->is_braked);
	assert_true(f->is_member ? f->was_member && !f->is_back : f->has_moved);
	assert_true(f->is_member || f->must_reset ||
		    f->hold == HA_FENCE_HOLD_UNAVAILABLE ||
		    f->hold == HA_FENCE_HOLD_FORBIDDEN);
}

static void
check_cell(const struct ha_fence_facts *f, unsigned int steps[STEPS],
	   unsigned int reasons[HA_FENCE_WHY_N])
{
	struct ha_fence_verdict got =
		ha_fencing_judge(f, ha_profile_timing(HA_PROFILE_STANDARD));

	assert_true((unsigned int)got.why < HA_FENCE_WHY_N);
	steps[got.step]++;
	reasons[got.why]++;
	switch (got.step) {
	case HA_FENCE_SUCCESS:
		check_success(f, got.why);
		break;
	case HA_FENCE_FAIL:
		break;
	case HA_FENCE_ORDER:
		check_order(f);
		break;
	case HA_FENCE_ASK:
		check_hold_deed(f);
		assert_int_equal(f->hold, HA_FENCE_HOLD_UNASKED);
		break;
	case HA_FENCE_SEAL:
		check_hold_deed(f);
		assert_false(f->is_seal_ordered || f->says_sealed);
		assert_true(f->has_moved);
		break;
	case HA_FENCE_PLACE:
		check_hold_deed(f);
		assert_int_equal(f->hold, HA_FENCE_HOLD_MAY);
		assert_true(f->says_sealed && f->is_list_read &&
			    !f->is_unconfirmed);
		break;
	case HA_FENCE_WAIT:
		assert_false(f->now_ms >= f->deadline_ms);
		assert_true(got.wait_ms > 0 &&
			    f->now_ms + got.wait_ms <= f->deadline_ms);
		break;
	}
}

#define FLAGS 14u
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
	/* One is about those that have left, the other about members. */
	f->has_moved = bits & 128u;
	f->is_back = f->is_member && f->has_moved;
	f->is_ordered = bits & 256u;
	f->is_standing_down = bits & 512u;
	f->is_braked = bits & 1024u;
	/* For the living these say nothing: */
	f->member_since_stop = bits & 2048u;
	f->is_order_acked = bits & 4096u;
	f->action = bits & 8192u ? HA_FENCE_OFF : HA_FENCE_REBOOT;
}
#define LIVING_FLAGS 11u

#define SEALS (128u * HOLDS)
static void
set_seal(struct ha_fence_facts *f, unsigned int bits)
{
	f->says_sealed = bits & 1u;
	f->is_list_read = bits & 2u;
	f->is_seal_ordered = bits & 4u;
	f->must_reset = bits & 8u;
	f->waits_after_hold = bits & 16u;
	f->is_hold_settled = bits & 32u;
	f->is_unconfirmed = bits & 64u;
	f->hold = (enum ha_fence_hold)(bits / 128 % HOLDS);
}

/* Ring, late enough or not, beat moved long ago or not, deadline over or
 * not. */
#define RINGS ((unsigned int)N_ELEMENTS(RING))
#define SHAPES (RINGS * 8)
static void
set_shape(struct ha_fence_facts *f, unsigned int shape)
{
	f->ring = (enum ha_ring_silence)(shape % RINGS);
	shape /= RINGS;
	f->ring_due_ms = shape & 1u ? HEALTHY.storage.until_ms + 1 :
				      HEALTHY.storage.until_ms;
	f->storage.since_ms = shape & 2u ? 100 : 9900;
	f->now_ms = shape & 4u ? HEALTHY.deadline_ms : HEALTHY.now_ms;
}

/* What decides nothing in a cell is not multiplied but goes round. */
static unsigned int
go_round(unsigned int *count)
{
	*count = *count * 1664525u + 1013904223u;
	return *count >> 8;
}

static void
every_living_cell(unsigned int steps[STEPS],
		  unsigned int reasons[HA_FENCE_WHY_N])
{
	struct ha_fence_facts f = HEALTHY;
	unsigned int count = 1;

	f.storage.proof = HA_PROOF_ALIVE;
	for (unsigned int bits = 0; bits < 1u << LIVING_FLAGS; bits++) {
		for (unsigned int seal = 0; seal < SEALS; seal++) {
			for (unsigned int late = 0; late < 4; late++) {
				unsigned int any = go_round(&count);

				set_flags(&f, bits | (any << LIVING_FLAGS));
				set_seal(&f, seal);
				set_shape(&f,
					  any % (2 * RINGS) + 2 * RINGS * late);
				check_cell(&f, steps, reasons);
			}
		}
	}
}

static void
every_cell(void **state)
{
	unsigned int steps[STEPS] = { 0 };
	unsigned int reasons[HA_FENCE_WHY_N] = { 0 };
	struct ha_fence_facts f = HEALTHY;
	unsigned int count = 1;

	(void)state;
	for (unsigned int shape = 0; shape < SHAPES * HA_PROOF_N; shape++) {
		f.storage.proof = (enum ha_proof)(shape / SHAPES);
		if (f.storage.proof == HA_PROOF_ALIVE) {
			continue;
		}
		set_shape(&f, shape % SHAPES);
		for (unsigned int bits = 0; bits < 1u << FLAGS; bits++) {
			set_flags(&f, bits);
			set_seal(&f, go_round(&count));
			check_cell(&f, steps, reasons);
		}
	}
	every_living_cell(steps, reasons);
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

/* An agent that does what it is told comes to an end, and for one that seals
 * and lives on it is success: nobody is left down for ever. */
static void
a_question_about_the_living_ends(void **state)
{
	struct ha_fence_facts f = HEALTHY;
	enum ha_fence_step step = HA_FENCE_WAIT;
	unsigned int deeds = 0;

	(void)state;
	f.storage.proof = HA_PROOF_ALIVE;
	f.has_moved = true;
	f.is_list_read = true;
	while (step != HA_FENCE_SUCCESS) {
		struct ha_fence_verdict got = ha_fencing_judge(
			&f, ha_profile_timing(HA_PROFILE_STANDARD));

		step = got.step;
		switch (step) {
		case HA_FENCE_ASK:
			f.hold = HA_FENCE_HOLD_MAY;
			break;
		case HA_FENCE_SEAL:
			f.is_seal_ordered = true;
			break;
		case HA_FENCE_PLACE:
			f.hold = HA_FENCE_HOLD_PLACED;
			break;
		case HA_FENCE_FAIL: /* Pacemaker asks once more */
			assert_int_equal(got.why, HA_FENCE_WHY_PLACED);
			f.hold = HA_FENCE_HOLD_STANDING;
			f.is_seal_ordered = false;
			break;
		case HA_FENCE_WAIT:
			assert_int_equal(got.why, HA_FENCE_WHY_UNSEALED);
			f.says_sealed = true;
			break;
		case HA_FENCE_SUCCESS:
			break;
		case HA_FENCE_ORDER:
			fail_msg("a host that can be held is reset");
		}
		assert_true(++deeds <= 6);
	}
	assert_int_equal(deeds, 6);
}

/* A log line tells which reason it was. */
static void
names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HA_FENCE_WHY_N; i++) {
		assert_true(strlen(ha_fence_reason_text(
				    (enum ha_fence_reason)i)) > 10);
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
		cmocka_unit_test(a_question_about_the_living_ends),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
