/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/hoststate: a table of cases, and every cell against what the
 * words promise.
 */
#include <stdbool.h>
#include <string.h>

#include "unit.h"

#include "ha/hoststate.h"

#define BEAT_MS 1000u
#define TOLERANCE_MS 1000u
#define SINCE_MS 50000u
#define LATE_MS (SINCE_MS + 2 * BEAT_MS + TOLERANCE_MS)

enum {
	MEMBER = 1,
	STATE = 2,
	GONE = 4,
	ISOLATED = 8,
	ARMED = 16,
	LATE = 32
};
#define CELLS 64u

static struct ha_hoststate_facts
facts_of(enum ha_proof proof, unsigned int bits)
{
	return (struct ha_hoststate_facts){
		.storage = { .proof = proof, .since_ms = SINCE_MS },
		.is_gone = bits & GONE,
		.is_member = bits & MEMBER,
		.has_state = bits & STATE,
		.is_isolated = bits & ISOLATED,
		.is_armed = bits & ARMED,
		.beat_ms = BEAT_MS,
		.tolerance_ms = TOLERANCE_MS,
		.now_ms = bits & LATE ? LATE_MS : LATE_MS - 1,
	};
}

static const struct {
	enum ha_proof proof;
	unsigned int bits;
	enum ha_hoststate state;
} CASES[] = {
	{ HA_PROOF_ALIVE, MEMBER | STATE | ARMED, HA_HOST_LIVE },
	{ HA_PROOF_ALIVE, MEMBER | ARMED, HA_HOST_LIVE },
	{ HA_PROOF_ALIVE, MEMBER | STATE | ARMED | ISOLATED, HA_HOST_LIVE },
	{ HA_PROOF_ALIVE, MEMBER | STATE, HA_HOST_STARTING },
	{ HA_PROOF_ALIVE, MEMBER | STATE | ARMED | LATE, HA_HOST_LATE },
	{ HA_PROOF_SILENT, MEMBER | STATE | ARMED, HA_HOST_RING_ONLY },
	{ HA_PROOF_SILENT, MEMBER | ARMED, HA_HOST_AGENT_UNREACHABLE },
	{ HA_PROOF_STOPPED, MEMBER, HA_HOST_AGENT_UNREACHABLE },
	{ HA_PROOF_STOPPED, MEMBER | STATE, HA_HOST_STARTING },
	{ HA_PROOF_NEVER, MEMBER, HA_HOST_AGENT_UNREACHABLE },
	{ HA_PROOF_UNKNOWN, MEMBER | STATE, HA_HOST_RING_ONLY },
	{ HA_PROOF_UNKNOWN, MEMBER, HA_HOST_UNKNOWN },
	{ HA_PROOF_ALIVE, ARMED | ISOLATED, HA_HOST_ISOLATED },
	{ HA_PROOF_ALIVE, ARMED, HA_HOST_PARTITIONED },
	{ HA_PROOF_ALIVE, 0, HA_HOST_STARTING },
	{ HA_PROOF_ALIVE, ARMED | ISOLATED | LATE, HA_HOST_LATE },
	{ HA_PROOF_SILENT, ARMED | ISOLATED, HA_HOST_LATE },
	{ HA_PROOF_SILENT, ARMED | GONE, HA_HOST_DEAD },
	{ HA_PROOF_REPLACED, GONE, HA_HOST_DEAD },
	{ HA_PROOF_STOPPED, GONE, HA_HOST_STOPPED },
	{ HA_PROOF_NEVER, GONE, HA_HOST_NEVER },
	/* An administrator's word. */
	{ HA_PROOF_CONFIRMED, GONE, HA_HOST_DEAD },
	{ HA_PROOF_CONFIRMED, MEMBER, HA_HOST_AGENT_UNREACHABLE },
	{ HA_PROOF_CONFIRMED, MEMBER | STATE, HA_HOST_RING_ONLY },
	{ HA_PROOF_UNGUARDED, GONE, HA_HOST_DEAD },
	{ HA_PROOF_UNKNOWN, GONE, HA_HOST_DEAD },
	{ HA_PROOF_UNGUARDED, 0, HA_HOST_UNGUARDED },
	{ HA_PROOF_UNGUARDED, MEMBER | STATE, HA_HOST_UNGUARDED },
	{ HA_PROOF_STANDING_DOWN, 0, HA_HOST_STANDING_DOWN },
	{ HA_PROOF_STANDING_DOWN, MEMBER | STATE, HA_HOST_STANDING_DOWN },
	{ HA_PROOF_UNKNOWN, 0, HA_HOST_UNKNOWN },
};

static void
cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct ha_hoststate_facts facts =
			facts_of(CASES[i].proof, CASES[i].bits);
		enum ha_hoststate got = ha_hoststate_judge(&facts);

		if (got != CASES[i].state) {
			fail_msg("case %zu: %s, not %s", i,
				 ha_hoststate_name(got),
				 ha_hoststate_name(CASES[i].state));
		}
	}
}

static bool
is_members_word(enum ha_hoststate state)
{
	return state == HA_HOST_LIVE || state == HA_HOST_RING_ONLY ||
	       state == HA_HOST_AGENT_UNREACHABLE;
}

static bool
is_strangers_word(enum ha_hoststate state)
{
	return state == HA_HOST_ISOLATED || state == HA_HOST_PARTITIONED ||
	       state == HA_HOST_DEAD || state == HA_HOST_STOPPED ||
	       state == HA_HOST_NEVER;
}

static void
check_cell(const struct ha_hoststate_facts *f, enum ha_hoststate got)
{
	enum ha_proof proof = f->storage.proof;
	bool beats = proof == HA_PROOF_ALIVE && f->now_ms < LATE_MS;

	assert_false(is_members_word(got) && !f->is_member);
	assert_false(is_strangers_word(got) && f->is_member);
	if (got == HA_HOST_LIVE || got == HA_HOST_PARTITIONED) {
		assert_true(beats && f->is_armed);
	}
	if (got == HA_HOST_ISOLATED) {
		assert_true(beats && f->is_isolated);
	}
	if (got == HA_HOST_DEAD) {
		assert_true(f->is_gone || proof == HA_PROOF_REPLACED ||
			    proof == HA_PROOF_CONFIRMED);
	}
	/* One that is proven gone is not called alive or late. */
	if (f->is_gone && !f->is_member) {
		assert_true(got == HA_HOST_DEAD || got == HA_HOST_STOPPED ||
			    got == HA_HOST_NEVER);
	}
}

static void
every_cell(void **state)
{
	bool seen[HA_HOST_N] = { false };

	(void)state;
	for (unsigned int proof = 0; proof < HA_PROOF_N; proof++) {
		for (unsigned int bits = 0; bits < CELLS; bits++) {
			struct ha_hoststate_facts facts =
				facts_of((enum ha_proof)proof, bits);
			enum ha_hoststate got = ha_hoststate_judge(&facts);

			assert_true((unsigned int)got < HA_HOST_N);
			seen[got] = true;
			check_cell(&facts, got);
		}
	}
	for (size_t i = 0; i < HA_HOST_N; i++) {
		assert_true(seen[i]);
	}
}

static void
names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HA_HOST_N; i++) {
		assert_true(strlen(ha_hoststate_text((enum ha_hoststate)i)) >
			    10);
		for (unsigned int j = 0; j < i; j++) {
			assert_string_not_equal(
				ha_hoststate_name((enum ha_hoststate)i),
				ha_hoststate_name((enum ha_hoststate)j));
		}
	}
	assert_string_equal(ha_hoststate_name(HA_HOST_N), "invalid");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cases),
		cmocka_unit_test(every_cell),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
