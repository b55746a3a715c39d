/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libha/core/protect: each story of a VM's power as a table of facts, and over
 * all combinations of facts what must never be. */
#include "unit.h"

#include "ha/protect.h"

#define RUNS .is_wanted = true, .is_managed = true
#define STOPPED .is_off = true, .is_managed = true
#define GRANTED .has_ticket = true
#define TAKEN .has_ticket = true, .is_off_ticket = true
#define KEPT TAKEN, .is_kept_ticket = true

struct story {
	const char *what;
	struct ha_protect_facts facts;
	enum ha_protect_entry entry;
	enum ha_protect_gate gate;
	enum ha_protect_shown shown;
};

static const struct story STORIES[] = {
	{ "new, not on disk yet",
	  { RUNS, GRANTED },
	  HA_PROTECT_ON,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_COMING },
	{ "on disk",
	  { RUNS, GRANTED, .on_disk = HA_PROTECT_ON },
	  HA_PROTECT_ON,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_PROTECTED },
	{ "being stopped",
	  { STOPPED, GRANTED, .is_somewhere = true, .on_disk = HA_PROTECT_ON },
	  HA_PROTECT_ON,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_STOPPING },
	{ "stopped, not proven",
	  { STOPPED, GRANTED, .on_disk = HA_PROTECT_ON },
	  HA_PROTECT_ON,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_STOPPING },
	{ "proven: disk first",
	  { STOPPED, GRANTED, .is_stopped = true, .on_disk = HA_PROTECT_ON },
	  HA_PROTECT_OFF,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_OFF },
	{ "then its ticket",
	  { STOPPED, GRANTED, .is_stopped = true, .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_OFF,
	  HA_PROTECT_POWERED_OFF,
	  HA_PROTECT_IS_OFF },
	{ "proven by history, and perhaps on a host out of reach",
	  { STOPPED, GRANTED, .is_stopped = true, .is_in_doubt = true,
	    .on_disk = HA_PROTECT_ON },
	  HA_PROTECT_ON,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_STOPPING },
	{ "taken: stays so, also where the list is lost",
	  { STOPPED, TAKEN },
	  HA_PROTECT_OFF,
	  HA_PROTECT_POWERED_OFF,
	  HA_PROTECT_IS_OFF },
	{ "taken, and found running",
	  { STOPPED, TAKEN, .is_somewhere = true, .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_OFF,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_STOPPING },
	{ "started again: at once",
	  { RUNS, TAKEN, .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_ON,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_COMING },
	{ "cold start, protected",
	  { RUNS, .on_disk = HA_PROTECT_ON },
	  HA_PROTECT_ON,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_PROTECTED },
	{ "cold start, unknown",
	  { RUNS },
	  HA_PROTECT_ON,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_COMING },
	{ "cold start, off, and the CIB says run",
	  { RUNS, .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_OFF,
	  HA_PROTECT_KEPT_OFF,
	  HA_PROTECT_IS_KEPT },
	{ "cold start, off, and the CIB says so",
	  { STOPPED, .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_OFF,
	  HA_PROTECT_POWERED_OFF,
	  HA_PROTECT_IS_OFF },
	{ "kept: stays, also where the list is lost",
	  { RUNS, KEPT },
	  HA_PROTECT_OFF,
	  HA_PROTECT_KEPT_OFF,
	  HA_PROTECT_IS_KEPT },
	{ "kept, with a host out of reach whose list can't be read",
	  { RUNS, KEPT, .is_in_doubt = true },
	  HA_PROTECT_OFF,
	  HA_PROTECT_KEPT_OFF,
	  HA_PROTECT_IS_KEPT },
	{ "kept, and asked for",
	  { RUNS, KEPT, .is_called = true, .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_ON,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_COMING },
	{ "kept, and found running",
	  { RUNS, KEPT, .is_somewhere = true, .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_ON,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_COMING },
	{ "kept, and stopped by its user: the next start counts",
	  { STOPPED, KEPT, .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_OFF,
	  HA_PROTECT_POWERED_OFF,
	  HA_PROTECT_IS_OFF },
	{ "not managed",
	  { .is_wanted = true, GRANTED, .on_disk = HA_PROTECT_ON },
	  HA_PROTECT_NONE,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_UNMANAGED },
	{ "stop-all-resources is nobody's power-off",
	  { .is_managed = true,
	    GRANTED,
	    .is_stopped = true,
	    .on_disk = HA_PROTECT_ON },
	  HA_PROTECT_ON,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_OFF },
	{ "stop-all-resources, kept: it ends, and nobody has asked for it",
	  { .is_managed = true, KEPT, .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_OFF,
	  HA_PROTECT_KEPT_OFF,
	  HA_PROTECT_IS_KEPT },
	{ "the same, where the list is lost",
	  { .is_managed = true, KEPT },
	  HA_PROTECT_OFF,
	  HA_PROTECT_KEPT_OFF,
	  HA_PROTECT_IS_KEPT },
	{ "cold start with stop-all-resources, off",
	  { .is_managed = true, .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_OFF,
	  HA_PROTECT_KEPT_OFF,
	  HA_PROTECT_IS_KEPT },
	{ "stop-all-resources, kept, and asked for",
	  { .is_managed = true,
	    KEPT,
	    .is_called = true,
	    .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_OFF,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_OFF },
	{ "stop-all-resources, kept, and found running",
	  { .is_managed = true,
	    KEPT,
	    .is_somewhere = true,
	    .on_disk = HA_PROTECT_OFF },
	  HA_PROTECT_OFF,
	  HA_PROTECT_OPEN,
	  HA_PROTECT_IS_STOPPING },
};

static void
stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(STORIES); i++) {
		const struct story *story = &STORIES[i];
		struct ha_protect_verdict verdict =
			ha_protect_judge(&story->facts);
		enum ha_protect_shown shown = ha_protect_show(&story->facts);

		if (verdict.entry != story->entry ||
		    verdict.gate != story->gate || shown != story->shown) {
			fail_msg("%s: entry %d, gate %s, shown %s", story->what,
				 (int)verdict.entry,
				 ha_protect_gate_name(verdict.gate),
				 ha_protect_shown_name(shown));
		}
	}
}

static struct ha_protect_facts
facts_of(unsigned int bits)
{
	struct ha_protect_facts facts = {
		.is_wanted = bits & 1,
		.is_off = bits & 2,
		.is_managed = bits & 4,
		.is_somewhere = bits & 8,
		.is_stopped = bits & 16,
		.has_ticket = bits & 32,
		.is_off_ticket = bits & 64,
		.is_kept_ticket = bits & 128,
		.is_called = bits & 256,
		.is_in_doubt = bits & 512,
		.on_disk = (enum ha_protect_entry)(bits / 1024 % 3),
	};

	return facts;
}

static void
every_combination(void **state)
{
	(void)state;
	for (unsigned int bits = 0; bits < 1024 * 3; bits++) {
		struct ha_protect_facts facts = facts_of(bits);
		struct ha_protect_verdict verdict = ha_protect_judge(&facts);
		bool is_taken = facts.is_off_ticket || facts.is_kept_ticket;

		/* SAFETY 21: what runs, or may run, has its ticket. */
		if (facts.is_somewhere) {
			assert_int_equal(verdict.gate, HA_PROTECT_OPEN);
		}
		/* A ticket is taken away only when the disk says off. */
		if (verdict.gate != HA_PROTECT_OPEN && !is_taken) {
			assert_int_equal(facts.on_disk, HA_PROTECT_OFF);
		}
		/* What is kept off stays so till somebody asks for it. */
		if (!facts.is_somewhere &&
		    (facts.is_kept_ticket ?
			     !facts.is_called :
			     !facts.has_ticket &&
				     facts.on_disk == HA_PROTECT_OFF)) {
			assert_int_not_equal(verdict.gate, HA_PROTECT_OPEN);
		}
		/* Never kept down without a list or a ticket that say so. */
		if (facts.is_wanted && facts.has_ticket && !is_taken) {
			assert_int_equal(verdict.gate, HA_PROTECT_OPEN);
		}
		/* Never shown before the disk says so, nor when stopped. */
		if (ha_protect_show(&facts) == HA_PROTECT_IS_PROTECTED) {
			assert_int_equal(facts.on_disk, HA_PROTECT_ON);
			assert_true(facts.is_wanted && facts.is_managed);
		}
		/* Powered off is what its user has said, and proven. */
		if (verdict.entry == HA_PROTECT_OFF &&
		    facts.on_disk != HA_PROTECT_OFF && !is_taken) {
			assert_true(facts.is_off && facts.is_stopped);
			assert_false(facts.is_in_doubt);
		}
	}
}

static void
names(void **state)
{
	(void)state;
	assert_string_equal(ha_protect_gate_name(HA_PROTECT_KEPT_OFF),
			    "was-off");
	assert_string_equal(ha_protect_gate_name(HA_PROTECT_GATE_N), "invalid");
	assert_string_equal(ha_protect_gate_text(HA_PROTECT_GATE_N),
			    "invalid reason");
	assert_string_equal(ha_protect_shown_name(HA_PROTECT_SHOWN_N),
			    "invalid");
	for (int i = 0; i < HA_PROTECT_SHOWN_N; i++) {
		assert_non_null(
			ha_protect_shown_name((enum ha_protect_shown)i));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stories),
		cmocka_unit_test(every_combination),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
