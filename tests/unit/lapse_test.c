/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/lapse: every way in which a master can be missing, and over all
 * facts of a VM what must never be freed and what must never be left down.
 */
#include "unit.h"

#include "ha/lapse.h"

struct story {
	const char *what;
	struct ha_lapse_facts facts;
	bool runs;
};

#define CIB .has_cib = true
#define BEATS CIB, .has_heartbeat = true

static const struct story STORIES[] = {
	{ "a master",
	  { BEATS, .is_quorate = true, .has_master = true },
	  false },
	{ "no host stands, or none can write",
	  { BEATS, .is_quorate = true },
	  true },
	{ "this side has no quorum, by its beats", { BEATS }, false },
	{ "or by Pacemaker",
	  { .has_heartbeat = true, .is_quorate = true },
	  false },
	{ "heartbeatd ends here alone", { CIB, .is_other_able = true }, false },
	{ "heartbeatd ends everywhere, or is not configured", { CIB }, true },
	{ "nothing is known", { .is_other_able = false }, false },
	/* Beats are the better word. */
	{ "a score is left of who can't do it any more",
	  { BEATS, .is_quorate = true, .is_other_able = true },
	  true },
};

static void
no_master(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(STORIES); i++) {
		if (ha_lapse_runs(&STORIES[i].facts) != STORIES[i].runs) {
			fail_msg("%s", STORIES[i].what);
		}
	}
}

static void
every_vm(void **state)
{
	unsigned int freed = 0;

	(void)state;
	for (unsigned int bits = 0; bits < 128; bits++) {
		struct ha_lapse_vm vm = {
			.has_ticket = bits & 1u,
			.is_granted = bits & 2u,
			.is_waiting = bits & 4u,
			.is_powered_off = bits & 8u,
			.is_kept_off = bits & 16u,
			.is_bound = bits & 32u,
		};
		bool is_last = bits & 64u;
		bool wants = ha_lapse_wants(&vm, is_last);
		/* Held for safety. */
		bool is_held =
			vm.has_ticket && !vm.is_waiting && !vm.is_powered_off;

		freed += wants;
		if (vm.is_granted || vm.is_kept_off || is_held) {
			assert_false(wants);
		} else {
			/* A VM that is bound has to wait for the proof, and
			 * the last manager can't. */
			assert_int_equal(wants, is_last || !vm.is_bound);
		}
	}
	assert_int_equal(freed, 21);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_master),
		cmocka_unit_test(every_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
