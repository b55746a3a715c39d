/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/gate: who needs admission, in which order, what becomes of
 * reservations, and which sentences are worth a write. Each rule with both
 * sides.
 */
#include "unit.h"

#include "ha/gate.h"

static struct ha_gate_vm
granted(void)
{
	return (struct ha_gate_vm){ .has_ticket = true, .is_granted = true };
}

static void
a_granted_ticket_needs_none(void **state)
{
	struct ha_gate_vm vm = granted();

	(void)state;
	assert_false(ha_gate_needs(&vm));
	/* Whatever else it says: it is a restart, or runs. */
	vm.is_off = vm.is_refused = vm.is_unwritten = true;
	assert_false(ha_gate_needs(&vm));
}

static void
what_is_off_refused_or_new_needs_one(void **state)
{
	struct ha_gate_vm vm = granted();

	(void)state;
	vm.is_granted = false;
	/* Held, or waiting for order or retries. */
	assert_false(ha_gate_needs(&vm));
	vm.is_off = true;
	assert_true(ha_gate_needs(&vm));
	vm.is_off = false;
	vm.is_refused = true;
	assert_true(ha_gate_needs(&vm));
	vm.is_refused = false;
	vm.is_unwritten = true;
	assert_true(ha_gate_needs(&vm));
	/* The list is asked only where there is no ticket. */
	vm.is_list_read = vm.is_on_list = true;
	assert_true(ha_gate_needs(&vm));
}

static void
without_a_ticket_the_list_tells(void **state)
{
	struct ha_gate_vm vm = { .has_ticket = false };

	(void)state;
	/* It can't be read: better one too many than one left down. */
	assert_false(ha_gate_needs(&vm));
	vm.is_list_read = true;
	assert_true(ha_gate_needs(&vm));
	vm.is_on_list = true;
	assert_false(ha_gate_needs(&vm));
}

static void
pending_and_refused_keep_it_down(void **state)
{
	(void)state;
	assert_true(ha_gate_is_open(HA_GATE_OPEN));
	assert_true(ha_gate_is_open(HA_GATE_ADMITTED));
	assert_false(ha_gate_is_open(HA_GATE_PENDING));
	assert_false(ha_gate_is_open(HA_GATE_REFUSED));
}

static void
priority_comes_before_the_name(void **state)
{
	struct ha_inv_vm a = { .name = "a",
			       .priority = HA_INV_PRIORITY_MEDIUM };
	struct ha_inv_vm b = { .name = "b",
			       .priority = HA_INV_PRIORITY_MEDIUM };

	(void)state;
	assert_true(ha_gate_order(&a, &b) < 0);
	assert_true(ha_gate_order(&b, &a) > 0);
	assert_int_equal(ha_gate_order(&a, &a), 0);
	b.priority = HA_INV_PRIORITY_HIGH;
	assert_true(ha_gate_order(&a, &b) > 0);
	assert_true(ha_gate_order(&b, &a) < 0);
}

static void
change(uint64_t cpu_mhz, uint64_t memory_mb, enum ha_gate_change wanted,
       uint64_t least_cpu_mhz, uint64_t least_memory_mb)
{
	const struct ha_gate_reserved admitted = { 1000, 2000 };
	const struct ha_gate_reserved now = { cpu_mhz, memory_mb };
	struct ha_gate_reserved least;

	assert_int_equal(ha_gate_change(&admitted, &now, &least), wanted);
	assert_int_equal(least.cpu_mhz, least_cpu_mhz);
	assert_int_equal(least.memory_mb, least_memory_mb);
}

static void
only_a_raise_is_judged(void **state)
{
	const struct ha_gate_reserved now = { 5, 6 };
	struct ha_gate_reserved least;

	(void)state;
	change(1000, 2000, HA_GATE_KEEP, 1000, 2000);
	change(999, 2000, HA_GATE_LOWER, 999, 2000);
	change(1000, 1999, HA_GATE_LOWER, 1000, 1999);
	change(1001, 2000, HA_GATE_RAISE, 1000, 2000);
	change(1000, 2001, HA_GATE_RAISE, 1000, 2000);
	/* What is lowered holds, whatever becomes of the rest. */
	change(1001, 1, HA_GATE_RAISE, 1000, 1);
	assert_int_equal(ha_gate_change(NULL, &now, &least), HA_GATE_UNKNOWN);
	assert_int_equal(least.cpu_mhz, 5);
	assert_int_equal(least.memory_mb, 6);
}

static void
numbers_alone_are_no_news(void **state)
{
	(void)state;
	assert_true(ha_gate_is_same_text("", ""));
	assert_true(ha_gate_is_same_text("memory: 12 of 34 MB", "memory: 5 of "
								"6789 MB"));
	assert_true(
		ha_gate_is_same_text("(4000 MHz, 1 MB)", "(3 MHz, 22222 MB)"));
	assert_true(ha_gate_is_same_text("-2 % are left", "7 % are left"));
	assert_false(ha_gate_is_same_text("- 2", "2"));
	assert_false(ha_gate_is_same_text("", "a"));
	assert_false(ha_gate_is_same_text("12", "12 a"));
	/* Names are not numbers. */
	assert_false(ha_gate_is_same_text("if h1 fails", "if h2 fails"));
	assert_false(ha_gate_is_same_text("web1: 12 MB", "web2: 12 MB"));
	assert_false(ha_gate_is_same_text("1a", "2a"));
	assert_false(ha_gate_is_same_text("CPU: 12", "memory: 12"));
}

#define SEEN_MS UINT64_C(5000)
#define HOLD_MS UINT64_C(1000)

static struct ha_gate_duty
asked(enum ha_gate_said said, bool is_inherited, bool is_committed,
      uint64_t now_ms)
{
	const struct ha_gate_asked one = { .said = said,
					   .is_inherited = is_inherited,
					   .is_committed = is_committed,
					   .seen_ms = SEEN_MS };

	return ha_gate_asked(&one, now_ms, HOLD_MS);
}

static void
a_question_is_judged_once(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		bool is_inherited = i & 1;
		bool is_committed = i & 2;

		assert_true(asked(HA_GATE_SAID_NOTHING, is_inherited,
				  is_committed, SEEN_MS)
				    .is_judged);
		assert_false(asked(HA_GATE_SAID_YES, is_inherited, is_committed,
				   SEEN_MS)
				     .is_judged);
		assert_false(asked(HA_GATE_SAID_NO, is_inherited, is_committed,
				   SEEN_MS)
				     .is_judged);
	}
}

static void
a_yes_counts_until_it_is_seen(void **state)
{
	(void)state;
	assert_true(asked(HA_GATE_SAID_YES, false, false, SEEN_MS).is_counted);
	assert_false(asked(HA_GATE_SAID_YES, false, true, SEEN_MS).is_counted);
	assert_false(asked(HA_GATE_SAID_NO, false, false, SEEN_MS).is_counted);
	assert_false(
		asked(HA_GATE_SAID_NOTHING, false, false, SEEN_MS).is_counted);
}

static void
what_another_master_may_have_admitted_counts(void **state)
{
	(void)state;
	assert_true(
		asked(HA_GATE_SAID_NOTHING, true, false, SEEN_MS).is_counted);
	/* Its yes may still be on its way. */
	assert_true(asked(HA_GATE_SAID_NO, true, false, SEEN_MS).is_counted);
	assert_false(asked(HA_GATE_SAID_NO, true, true, SEEN_MS).is_counted);
}

static void
nothing_counts_beyond_its_time(void **state)
{
	struct ha_gate_duty duty;

	(void)state;
	duty = asked(HA_GATE_SAID_YES, true, false, SEEN_MS + HOLD_MS - 1);
	assert_true(duty.is_counted);
	assert_false(duty.is_over);
	duty = asked(HA_GATE_SAID_YES, true, false, SEEN_MS + HOLD_MS);
	assert_false(duty.is_counted);
	assert_true(duty.is_over);
	duty = asked(HA_GATE_SAID_NOTHING, true, false, SEEN_MS + HOLD_MS);
	assert_false(duty.is_judged);
	assert_true(duty.is_over);
	/* Its clock is before: it has all of its time. */
	assert_true(asked(HA_GATE_SAID_YES, false, false, 0).is_counted);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_granted_ticket_needs_none),
		cmocka_unit_test(what_is_off_refused_or_new_needs_one),
		cmocka_unit_test(without_a_ticket_the_list_tells),
		cmocka_unit_test(pending_and_refused_keep_it_down),
		cmocka_unit_test(priority_comes_before_the_name),
		cmocka_unit_test(only_a_raise_is_judged),
		cmocka_unit_test(numbers_alone_are_no_news),
		cmocka_unit_test(a_question_is_judged_once),
		cmocka_unit_test(a_yes_counts_until_it_is_seen),
		cmocka_unit_test(what_another_master_may_have_admitted_counts),
		cmocka_unit_test(nothing_counts_beyond_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
