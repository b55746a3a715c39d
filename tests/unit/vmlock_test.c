/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/vmlock: every pair of states, what a host's death, a hold and an
 * unreadable list do, and that two hosts asking about the same VM never both
 * hear "granted" (the two ends of a migration apart).
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "ha/vmlock.h"

#define WISH_STATES HA_LISTED_RELEASED /* states that can be asked for */

static struct ha_vmlock_host
listed(const char *name, enum ha_listed_state state)
{
	return (struct ha_vmlock_host){
		.name = name,
		.is_readable = true,
		.is_listed = true,
		.state = state,
	};
}

static void
expect(enum ha_vmlock_step step, enum ha_vmlock_reason why,
       enum ha_listed_state wanted, struct ha_vmlock_host host)
{
	struct ha_vmlock_verdict v = ha_vmlock_judge("h2", wanted, &host, 1);

	if (v.step != step || v.why != why) {
		fail_msg("wanted %d against %d on %s: step %d why %d, not %d "
			 "%d",
			 (int)wanted, (int)host.state, host.name, (int)v.step,
			 (int)v.why, (int)step, (int)why);
	}
}

static void
nobody_has_it(void **state)
{
	struct ha_vmlock_host host = { .name = "h1", .is_readable = true };

	(void)state;
	assert_int_equal(
		HA_VMLOCK_GRANT,
		ha_vmlock_judge("h2", HA_LISTED_STARTING, NULL, 0).step);
	for (int wanted = 0; wanted < WISH_STATES; wanted++) {
		expect(HA_VMLOCK_GRANT, HA_VMLOCK_WHY_FREE,
		       (enum ha_listed_state)wanted, host);
		expect(HA_VMLOCK_GRANT, HA_VMLOCK_WHY_FREE,
		       (enum ha_listed_state)wanted,
		       listed("h1", HA_LISTED_RELEASED));
	}
}

static void
a_start_passes_no_entry(void **state)
{
	(void)state;
	for (int i = 0; i < HA_LISTED_RELEASED; i++) {
		enum ha_listed_state theirs = (enum ha_listed_state)i;

		if (theirs != HA_LISTED_STARTING) {
			expect(HA_VMLOCK_REFUSE, HA_VMLOCK_WHY_HELD,
			       HA_LISTED_STARTING, listed("h1", theirs));
		}
	}
}

static void
of_two_starts_the_lower_name_withdraws(void **state)
{
	(void)state;
	expect(HA_VMLOCK_WAIT, HA_VMLOCK_WHY_RIVAL, HA_LISTED_STARTING,
	       listed("h1", HA_LISTED_STARTING));
	expect(HA_VMLOCK_REFUSE, HA_VMLOCK_WHY_YIELD, HA_LISTED_STARTING,
	       listed("h3", HA_LISTED_STARTING));
	/* As text: "h10" comes before "h2". */
	expect(HA_VMLOCK_WAIT, HA_VMLOCK_WHY_RIVAL, HA_LISTED_STARTING,
	       listed("h10", HA_LISTED_STARTING));
	/* A start and an arrival: whoever comes second is refused. */
	expect(HA_VMLOCK_REFUSE, HA_VMLOCK_WHY_HELD, HA_LISTED_STARTING,
	       listed("h1", HA_LISTED_INCOMING));
	expect(HA_VMLOCK_REFUSE, HA_VMLOCK_WHY_HELD, HA_LISTED_INCOMING,
	       listed("h1", HA_LISTED_STARTING));
}

static void
migration_has_two_ends(void **state)
{
	struct ha_vmlock_host both[2] = { listed("h1", HA_LISTED_OUTGOING),
					  listed("h3", HA_LISTED_RUNNING) };

	(void)state;
	expect(HA_VMLOCK_GRANT, HA_VMLOCK_WHY_MIGRATION, HA_LISTED_INCOMING,
	       listed("h1", HA_LISTED_RUNNING));
	expect(HA_VMLOCK_GRANT, HA_VMLOCK_WHY_MIGRATION, HA_LISTED_INCOMING,
	       listed("h1", HA_LISTED_OUTGOING));
	expect(HA_VMLOCK_GRANT, HA_VMLOCK_WHY_MIGRATION, HA_LISTED_RUNNING,
	       listed("h1", HA_LISTED_OUTGOING));
	expect(HA_VMLOCK_GRANT, HA_VMLOCK_WHY_MIGRATION, HA_LISTED_OUTGOING,
	       listed("h1", HA_LISTED_INCOMING));
	expect(HA_VMLOCK_REFUSE, HA_VMLOCK_WHY_HELD, HA_LISTED_INCOMING,
	       listed("h1", HA_LISTED_INCOMING));
	expect(HA_VMLOCK_REFUSE, HA_VMLOCK_WHY_HELD, HA_LISTED_RUNNING,
	       listed("h1", HA_LISTED_RUNNING));
	expect(HA_VMLOCK_REFUSE, HA_VMLOCK_WHY_HELD, HA_LISTED_OUTGOING,
	       listed("h1", HA_LISTED_OUTGOING));
	assert_int_equal(
		HA_VMLOCK_REFUSE,
		ha_vmlock_judge("h2", HA_LISTED_INCOMING, both, 2).step);
}

static void
the_dead_hold_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < HA_LISTED_N; i++) {
		struct ha_vmlock_host host =
			listed("h1", (enum ha_listed_state)i);

		host.is_gone = true;
		expect(HA_VMLOCK_GRANT, HA_VMLOCK_WHY_FREE, HA_LISTED_STARTING,
		       host);
		/* Death comes before readability. */
		host.is_readable = false;
		expect(HA_VMLOCK_GRANT, HA_VMLOCK_WHY_FREE, HA_LISTED_STARTING,
		       host);
	}
}

static void
an_unreadable_list_holds_everything(void **state)
{
	struct ha_vmlock_host hosts[3] = {
		{ .name = "h1", .is_readable = true },
		{ .name = "h3" },
		{ .name = "h4", .is_readable = true },
	};
	struct ha_vmlock_verdict v;

	(void)state;
	for (int wanted = 0; wanted < WISH_STATES; wanted++) {
		v = ha_vmlock_judge("h2", (enum ha_listed_state)wanted, hosts,
				    3);
		assert_int_equal(v.step, HA_VMLOCK_WAIT);
		assert_int_equal(v.why, HA_VMLOCK_WHY_UNREADABLE);
		assert_int_equal(v.host, 1);
	}
	/* What refuses for good needs no waiting. */
	hosts[2] = listed("h4", HA_LISTED_RUNNING);
	v = ha_vmlock_judge("h2", HA_LISTED_STARTING, hosts, 3);
	assert_int_equal(v.step, HA_VMLOCK_REFUSE);
	assert_int_equal(v.host, 2);
	/* An allowed end of a migration does not hide it. */
	v = ha_vmlock_judge("h2", HA_LISTED_INCOMING, hosts, 3);
	assert_int_equal(v.step, HA_VMLOCK_WAIT);
}

/* SAFETY 12, 17: whatever the owner's list says, and every wish: only the
 * owner's death, or the lift, passes a hold. */
static void
a_hold_stops_everybody_but_not_for_the_dead(void **state)
{
	(void)state;
	for (int wanted = 0; wanted < WISH_STATES; wanted++) {
		for (unsigned int i = 0; i < 4u * HA_LISTED_N; i++) {
			struct ha_vmlock_host host =
				listed("h1", (enum ha_listed_state)(i / 4));

			host.is_listed = i & 1u;
			host.is_readable = i & 2u;
			host.is_held = true;
			expect(HA_VMLOCK_REFUSE, HA_VMLOCK_WHY_HOLD,
			       (enum ha_listed_state)wanted, host);
			host.is_gone = true;
			expect(HA_VMLOCK_GRANT, HA_VMLOCK_WHY_FREE,
			       (enum ha_listed_state)wanted, host);
		}
	}
}

/* Neither a third host's silence nor the end of a migration hides it. */
static void
a_hold_is_found_among_many(void **state)
{
	struct ha_vmlock_host hosts[3] = {
		{ .name = "h1" },
		listed("h3", HA_LISTED_RUNNING),
		{ .name = "h4", .is_readable = true, .is_held = true },
	};
	struct ha_vmlock_verdict v =
		ha_vmlock_judge("h2", HA_LISTED_INCOMING, hosts, 3);

	(void)state;
	assert_int_equal(v.step, HA_VMLOCK_REFUSE);
	assert_int_equal(v.why, HA_VMLOCK_WHY_HOLD);
	assert_int_equal(v.host, 2);
}

/* Both entries are flushed before either reads: each sees the other's. */
static void
never_both(void **state)
{
	(void)state;
	for (int a = 0; a < WISH_STATES; a++) {
		for (int b = 0; b < WISH_STATES; b++) {
			enum ha_listed_state of_a = (enum ha_listed_state)a;
			enum ha_listed_state of_b = (enum ha_listed_state)b;
			struct ha_vmlock_host seen_by_a = listed("hb", of_b);
			struct ha_vmlock_host seen_by_b = listed("ha", of_a);
			struct ha_vmlock_verdict va =
				ha_vmlock_judge("ha", of_a, &seen_by_a, 1);
			struct ha_vmlock_verdict vb =
				ha_vmlock_judge("hb", of_b, &seen_by_b, 1);

			if (va.step == HA_VMLOCK_GRANT &&
			    vb.step == HA_VMLOCK_GRANT &&
			    (va.why != HA_VMLOCK_WHY_MIGRATION ||
			     vb.why != HA_VMLOCK_WHY_MIGRATION ||
			     of_a == HA_LISTED_STARTING ||
			     of_b == HA_LISTED_STARTING)) {
				fail_msg("both are granted: %d and %d", a, b);
			}
			/* Nor do both wait for ever. */
			assert_false(va.step == HA_VMLOCK_WAIT &&
				     vb.step == HA_VMLOCK_WAIT);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_has_it),
		cmocka_unit_test(a_start_passes_no_entry),
		cmocka_unit_test(of_two_starts_the_lower_name_withdraws),
		cmocka_unit_test(migration_has_two_ends),
		cmocka_unit_test(the_dead_hold_nothing),
		cmocka_unit_test(an_unreadable_list_holds_everything),
		cmocka_unit_test(a_hold_stops_everybody_but_not_for_the_dead),
		cmocka_unit_test(a_hold_is_found_among_many),
		cmocka_unit_test(never_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
