/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/release: the cases of tests/scenarios/released.scn, that no record
 * of another kind voids anything, that a record of this kind neither holds a VM
 * nor lifts a hold, and the one thing that SAFETY 26 rests on: two hosts and a
 * record, step by step in every order, never both have the VM.
 */
#include <stdbool.h>
#include <string.h>

#include "scn.h"
#include "ha/release.h"
#include "ha/vmlock.h"

#define SCENARIOS "tests/scenarios/released.scn"
#define KINDS (HA_HOLD_RELEASED + 1)

static const struct ha_ticket_hold RECORD = {
	.kind = HA_HOLD_RELEASED,
	.owner = 1,
	.owner_incarnation = 5,
	.owner_generation = 7,
	.term = 3,
};

static const char *
tell(const struct scn *scn)
{
	const struct ha_release_facts facts = {
		.is_armed = scn_has(scn, "armed"),
		.is_leased = scn_has(scn, "leased"),
		.is_listed = scn_has(scn, "listed"),
		.is_flushed = scn_has(scn, "flushed"),
	};

	return ha_release_may_tell(&facts) ? "yes" : "no";
}

static const char *
hear(const struct scn *scn)
{
	static const char *const STEPS[] = {
		[HA_RELEASE_IGNORE] = "ignore", [HA_RELEASE_REFUSE] = "refuse",
		[HA_RELEASE_WRITE] = "write",   [HA_RELEASE_WAIT] = "wait",
		[HA_RELEASE_ANSWER] = "answer",
	};
	const struct ha_release_claim claim = {
		.is_master = scn_has(scn, "claimed"),
		.incarnation = scn_number(scn, "incarnation", 0),
		.newest = scn_number(scn, "newest", 0),
		.is_written = scn_has(scn, "written"),
		.is_standing = scn_has(scn, "standing"),
	};

	return STEPS[ha_release_judge(&claim)];
}

static const char *
read_list(const struct scn *scn)
{
	return ha_release_voids(&RECORD, (uint32_t)scn_number(scn, "owner", 0),
				scn_number(scn, "incarnation", 0),
				scn_number(scn, "generation", 0)) ?
		       "void" :
		       "binds";
}

static const char *
keep(const struct scn *scn)
{
	const struct ha_release_owner owner = {
		.newest = scn_number(scn, "newest", 0),
		.is_gone = scn_has(scn, "gone"),
		.is_superseded = scn_has(scn, "superseded"),
	};

	return ha_release_is_spent(&RECORD, &owner) ? "yes" : "no";
}

static void
scenarios(void **state)
{
	struct scn scn;

	(void)state;
	scn_open(&scn, SCENARIOS);
	while (scn_next(&scn)) {
		const char *got = scn_has(&scn, "tell")   ? tell(&scn) :
				  scn_has(&scn, "master") ? hear(&scn) :
				  scn_has(&scn, "list")   ? read_list(&scn) :
				  scn_has(&scn, "spent")  ? keep(&scn) :
							    "no such case";

		assert_true(scn.wants > 0 && scn.words == scn.wants + 1);
		scn_same(&scn, got, scn.word[scn.wants]);
	}
	assert_int_equal(scn.checks, 26);
}

/* What binds or lifts says nothing about a list, and the other way round. */
static void
other_kinds(void **state)
{
	struct ha_ticket_host host = { .slot = 1,
				       .incarnation = 5,
				       .generation = 7,
				       .is_readable = true };
	struct ha_ticket_hold holds[2] = { RECORD, RECORD };

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		holds[0].kind = (enum ha_hold_kind)kind;
		assert_int_equal(ha_release_voids(&holds[0], 1, 5, 7),
				 kind == HA_HOLD_RELEASED);
	}
	/* It holds nothing, and asks for no lift. */
	assert_true(ha_ticket_judge(&host, 1, &RECORD, 1).is_granted);
	assert_false(ha_ticket_judge(&host, 1, &RECORD, 1).wants_lift);
	/* Beside a hold of its owner, which binds on. */
	holds[0].kind = HA_HOLD_OWNER;
	assert_false(ha_hold_is_lifted(&holds[0], holds, 2));
	assert_false(ha_ticket_judge(&host, 1, holds, 2).is_granted);
	/* The entry as it is in force: of one that left the master's side too. */
	host.is_listed = true;
	host.state = HA_LISTED_RUNNING;
	assert_false(ha_ticket_judge(&host, 1, &RECORD, 1).is_granted);
	host.state = HA_LISTED_RELEASED;
	assert_true(ha_ticket_judge(&host, 1, &RECORD, 1).is_granted);
}

/* ---- every order of steps ------------------------------------------------- */

/* Host 1 has the VM on a list that stands on disk, and its storage is lost.
 * It ends there, is told, is written down; the storage comes back, and host 1
 * starts it again, while host 2 starts it, too. A step that is not possible
 * yet does nothing. */
enum step {
	ENDS,      /* host 1: gone, off the list in memory */
	WRITTEN,   /* the record stands */
	BACK,      /* host 1: its list as it is now stands */
	ONE_LISTS, /* host 1: starting, in memory */
	ONE_READS,
	TWO_LISTS, /* host 2: starting, on disk */
	TWO_READS,
	STEPS
};

struct story {
	bool has_ended, is_written, is_back;
	bool one_lists, two_lists, one_runs, two_runs;
	uint64_t in_memory, on_disk; /* generations of host 1's list */
	bool disk_lists;
};

static bool
may_have(const char *self, const char *other, bool is_listed,
	 enum ha_listed_state state)
{
	const struct ha_vmlock_host host = { .name = other,
					     .is_readable = true,
					     .is_listed = is_listed,
					     .state = state };

	return ha_vmlock_judge(self, HA_LISTED_STARTING, &host, 1).step ==
	       HA_VMLOCK_GRANT;
}

static void
flush(struct story *s)
{
	if (s->is_back) {
		s->on_disk = s->in_memory;
		s->disk_lists = s->one_lists;
	}
}

static void
take(struct story *s, enum step step)
{
	struct ha_ticket_hold record = RECORD;
	bool is_void;

	record.owner_generation = 8;
	is_void = s->is_written && ha_release_voids(&record, 1, 5, s->on_disk);
	switch (step) {
	case ENDS:
		s->has_ended = true;
		s->one_runs = false;
		s->in_memory = 8;
		break;
	case WRITTEN:
		s->is_written = s->has_ended;
		break;
	case BACK:
		s->is_back = s->has_ended;
		flush(s);
		break;
	case ONE_LISTS:
		s->one_lists = s->is_back;
		s->in_memory += s->is_back;
		flush(s);
		break;
	case ONE_READS:
		s->one_runs = s->one_runs ||
			      (s->one_lists &&
			       may_have("h1", "h2", s->two_lists,
					s->two_runs ? HA_LISTED_RUNNING :
						      HA_LISTED_STARTING));
		break;
	case TWO_LISTS:
		s->two_lists = true;
		break;
	case TWO_READS:
		s->two_runs =
			s->two_lists && may_have("h2", "h1", s->disk_lists,
						 is_void ? HA_LISTED_RELEASED :
							   HA_LISTED_RUNNING);
		break;
	case STEPS:
		break;
	}
	assert_false(s->one_runs && s->two_runs);
}

static unsigned int
walk(const struct story *before, unsigned int taken)
{
	unsigned int moved = before->two_runs;

	for (int i = 0; i < STEPS; i++) {
		struct story s = *before;

		if (!(taken & 1u << i)) {
			take(&s, (enum step)i);
			moved += walk(&s, taken | 1u << i);
		}
	}
	return moved;
}

static void
every_order(void **state)
{
	const struct story begin = { .one_runs = true,
				     .in_memory = 7,
				     .on_disk = 7,
				     .disk_lists = true };

	(void)state;
	assert_true(walk(&begin, 0) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scenarios),
		cmocka_unit_test(other_kinds),
		cmocka_unit_test(every_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
