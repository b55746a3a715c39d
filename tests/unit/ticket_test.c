/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/ticket: two hosts and up to two holds in every combination,
 * against SAFETY 9, 17 and 21 restated: what binds a VM, what ends a hold, and
 * that nothing else keeps a VM down. Then the settling of a list, and terms.
 */
#include <stdbool.h>
#include <string.h>

#include "unit.h"

#include "ha/ticket.h"

#define HOSTS 2u
#define NOBODY 9u /* a slot that is not among the hosts */
#define INCARNATION 5u
#define GENERATION 7u

/* ---- every cell -------------------------------------------------------------- */

/* Flags, and: not listed, or listed in one of the states. */
#define HOST_CELLS (16u * (1u + HA_LISTED_N))
static struct ha_ticket_host
host_of(uint32_t slot, unsigned int bits)
{
	unsigned int listed = bits / 16;

	return (struct ha_ticket_host){
		.slot = slot,
		.incarnation = INCARNATION,
		.generation = GENERATION,
		.is_member = bits & 1u,
		.is_gone = bits & 2u,
		.is_sealed = bits & 4u,
		.is_readable = bits & 8u,
		.is_listed = listed != 0,
		.state = listed ? (enum ha_listed_state)(listed - 1) :
				  HA_LISTED_STARTING,
	};
}

/* Kind, owner, incarnation and generation below, at or above the host's. */
#define HOLD_CELLS (4u * 3u * 3u * 3u)
static struct ha_ticket_hold
hold_of(unsigned int bits)
{
	static const uint32_t OWNER[] = { 0, 1, NOBODY };

	return (struct ha_ticket_hold){
		.kind = (enum ha_hold_kind)(bits % 4),
		.owner = OWNER[bits / 4 % 3],
		.owner_incarnation = INCARNATION - 1 + bits / 12 % 3,
		.owner_generation = GENERATION - 1 + bits / 36 % 3,
		.term = 3,
	};
}

static bool
lists(const struct ha_ticket_host *h)
{
	return h->is_listed && h->state != HA_LISTED_RELEASED;
}

static bool
runs_on_member(const struct ha_ticket_host *hosts)
{
	for (size_t i = 0; i < HOSTS; i++) {
		if (hosts[i].is_member && hosts[i].is_listed &&
		    (hosts[i].state == HA_LISTED_RUNNING ||
		     hosts[i].state == HA_LISTED_OUTGOING)) {
			return true;
		}
	}
	return false;
}

/* Is the owner of this hold dead, back with a list that is here, or has its
 * sealed list let go? */
static bool
has_ended(const struct ha_ticket_hold *hold, const struct ha_ticket_host *hosts)
{
	const struct ha_ticket_host *h;
	bool is_list;

	if (hold->owner == NOBODY) {
		return false;
	}
	h = &hosts[hold->owner];
	is_list = h->is_readable && hold->owner_incarnation == INCARNATION &&
		  hold->owner_generation <= GENERATION;
	return hold->owner_incarnation < INCARNATION ||
	       (h->is_gone && hold->owner_incarnation == INCARNATION) ||
	       (h->is_member && is_list) ||
	       (h->is_sealed && is_list && !lists(h));
}

static bool
is_lifted(const struct ha_ticket_hold *hold, const struct ha_ticket_hold *holds,
	  size_t count)
{
	bool is = false;

	for (size_t i = 0; i < count; i++) {
		is |= holds[i].kind == HA_HOLD_LIFTED &&
		      holds[i].owner == hold->owner &&
		      holds[i].owner_incarnation == hold->owner_incarnation &&
		      hold->owner_generation <= holds[i].owner_generation;
	}
	return is;
}

/* Does this hold keep the VM from being started? */
static bool
holds_back(const struct ha_ticket_hold *hold,
	   const struct ha_ticket_host *hosts, const struct ha_ticket_hold *all,
	   size_t count)
{
	bool is_back = hold->owner != NOBODY && hosts[hold->owner].is_member;

	if (is_lifted(hold, all, count)) {
		return false;
	}
	return hold->kind == HA_HOLD_POLICY ||
	       (hold->kind == HA_HOLD_OWNER && !is_back &&
		!has_ended(hold, hosts));
}

static void
check_lift(const struct ha_ticket_verdict *v,
	   const struct ha_ticket_host *hosts,
	   const struct ha_ticket_hold *holds, size_t count)
{
	bool is_any = false;

	for (size_t i = 0; i < count; i++) {
		is_any |= holds[i].kind == HA_HOLD_OWNER &&
			  !is_lifted(&holds[i], holds, count) &&
			  has_ended(&holds[i], hosts);
	}
	assert_int_equal(v->wants_lift, is_any);
	if (v->wants_lift) {
		const struct ha_ticket_hold *hold = &holds[v->lift];

		assert_true(v->lift < count && hold->kind == HA_HOLD_OWNER);
		assert_true(!is_lifted(hold, holds, count) &&
			    has_ended(hold, hosts));
	} else {
		assert_int_equal(v->lift, count);
	}
}

/* Whose entry needs a hold: no hold in force names that host, as it is now. */
static bool
is_unheld(const struct ha_ticket_host *h, const struct ha_ticket_hold *holds,
	  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (holds[i].kind == HA_HOLD_OWNER &&
		    holds[i].owner == h->slot &&
		    holds[i].owner_incarnation == h->incarnation &&
		    !is_lifted(&holds[i], holds, count)) {
			return false;
		}
	}
	return true;
}

/* Judged before the proof: only what a host out of reach lists, and nobody
 * holds; so never what runs on a member (SAFETY 21). */
static void
check_foreseen(const struct ha_ticket_verdict *v,
	       const struct ha_ticket_host *hosts,
	       const struct ha_ticket_hold *holds, size_t count)
{
	bool is_out = false;

	for (size_t i = 0; i < HOSTS; i++) {
		is_out |= !hosts[i].is_member && !hosts[i].is_gone &&
			  lists(&hosts[i]) &&
			  is_unheld(&hosts[i], holds, count);
	}
	assert_int_equal(ha_ticket_is_foreseen(v, true, true),
			 is_out && !runs_on_member(hosts));
	assert_false(ha_ticket_is_foreseen(v, false, true));
	assert_false(ha_ticket_is_foreseen(v, true, false));
}

static void
check_cell(const struct ha_ticket_host *hosts,
	   const struct ha_ticket_hold *holds, size_t count,
	   unsigned int seen[HA_TICKET_N])
{
	struct ha_ticket_verdict v =
		ha_ticket_judge(hosts, HOSTS, holds, count);
	bool is_bound = false;
	bool is_unheld_entry = false;

	for (size_t i = 0; i < HOSTS; i++) {
		bool is_out = !hosts[i].is_member && !hosts[i].is_gone &&
			      lists(&hosts[i]);

		is_bound |= is_out;
		is_unheld_entry |= is_out && is_unheld(&hosts[i], holds, count);
	}
	for (size_t i = 0; i < count; i++) {
		is_bound |= holds_back(&holds[i], hosts, holds, count);
	}
	if (runs_on_member(hosts)) {
		assert_true(v.is_granted && v.why == HA_TICKET_RUNS);
	} else {
		assert_int_equal(v.is_granted, !is_bound);
		assert_int_not_equal(v.why, HA_TICKET_RUNS);
	}
	assert_int_equal(v.is_granted, v.why != HA_TICKET_OWNED &&
					       v.why != HA_TICKET_HELD &&
					       v.why != HA_TICKET_UNREAD);
	assert_int_equal(v.wants_hold, v.why == HA_TICKET_OWNED);
	assert_int_equal(v.wants_hold,
			 is_unheld_entry && !runs_on_member(hosts));
	if (v.wants_hold) {
		const struct ha_ticket_host *h = &hosts[v.host];

		assert_true(v.host < HOSTS && lists(h));
		assert_false(h->is_member || h->is_gone);
		assert_true(is_unheld(h, holds, count));
	}
	assert_true(v.host <= HOSTS);
	check_foreseen(&v, hosts, holds, count);
	check_lift(&v, hosts, holds, count);
	seen[v.why]++;
}

static void
every_cell(void **state)
{
	/* Beside each hold: lifts of lists before, at and after, of another
	 * host and incarnation; holds of all kinds and both hosts. */
	static const unsigned int SECOND[] = { 14, 50, 86, 54, 52,
					       49, 62, 51, 48 };
	struct ha_ticket_host hosts[HOSTS];
	struct ha_ticket_hold holds[2] = { 0 };
	unsigned int seen[HA_TICKET_N] = { 0 };

	(void)state;
	for (unsigned int a = 0; a < HOST_CELLS; a++) {
		hosts[0] = host_of(0, a);
		for (unsigned int b = 0; b < HOST_CELLS; b++) {
			hosts[1] = host_of(1, b);
			check_cell(hosts, holds, 0, seen);
			for (unsigned int c = 0; c < HOLD_CELLS; c++) {
				holds[0] = hold_of(c);
				check_cell(hosts, holds, 1, seen);
				holds[1] = hold_of(SECOND[(a + b + c) %
							  N_ELEMENTS(SECOND)]);
				check_cell(hosts, holds, 2, seen);
			}
		}
	}
	for (size_t i = 0; i < HA_TICKET_N; i++) {
		assert_true(seen[i] > 0);
	}
}

/* Whatever a hold meets: when its owner dies, or comes back with its list, and
 * lifts are carried out, the VM is granted: nothing is held for ever. */
static void
nothing_is_held_for_ever(void **state)
{
	(void)state;
	for (unsigned int a = 0; a < HOST_CELLS; a++) {
		struct ha_ticket_hold holds[2] = {
			{ .kind = HA_HOLD_OWNER,
			  .owner = 0,
			  .owner_incarnation = INCARNATION,
			  .owner_generation = GENERATION },
		};
		struct ha_ticket_host hosts[HOSTS] = { host_of(0, a),
						       host_of(1, 0) };
		struct ha_ticket_verdict v;

		if (a & 1u) {
			hosts[0].is_readable = true;
		} else {
			hosts[0].is_gone = true;
		}
		v = ha_ticket_judge(hosts, HOSTS, holds, 1);
		assert_true(v.is_granted && v.wants_lift);
		holds[1] = holds[v.lift];
		holds[1].kind = HA_HOLD_LIFTED;
		v = ha_ticket_judge(hosts, HOSTS, holds, 2);
		assert_true(v.is_granted);
		assert_false(v.wants_lift);
	}
}

/* A wave's hold outlives the owner's death, until somebody lifts it. */
static void
policy_holds(void **state)
{
	struct ha_ticket_host hosts[HOSTS] = { host_of(0, 2), host_of(1, 9) };
	struct ha_ticket_hold holds[2] = { { .kind = HA_HOLD_POLICY,
					     .owner = 0,
					     .owner_incarnation = INCARNATION,
					     .owner_generation = 1 } };
	struct ha_ticket_verdict v = ha_ticket_judge(hosts, HOSTS, holds, 1);

	(void)state;
	assert_false(v.is_granted || v.wants_lift);
	assert_int_equal(v.why, HA_TICKET_HELD);
	assert_int_equal(v.host, 0);
	holds[1] = holds[0];
	holds[1].kind = HA_HOLD_LIFTED;
	assert_true(ha_ticket_judge(hosts, HOSTS, holds, 2).is_granted);
	/* A word about another incarnation, or an older list, lifts nothing. */
	holds[1].owner_generation = 0;
	assert_false(ha_ticket_judge(hosts, HOSTS, holds, 2).is_granted);
	holds[1].owner_generation = 2;
	holds[1].owner_incarnation++;
	assert_false(ha_ticket_judge(hosts, HOSTS, holds, 2).is_granted);
}

/* The host's life, as the master sees one of its VMs. */
static void
a_host_is_cut_off_and_comes_back(void **state)
{
	struct ha_ticket_host host = host_of(0, 1u + 8u + 32u);
	struct ha_ticket_hold hold = { .kind = HA_HOLD_OWNER,
				       .owner = 0,
				       .owner_incarnation = INCARNATION,
				       .owner_generation = GENERATION };
	struct ha_ticket_verdict v = ha_ticket_judge(&host, 1, NULL, 0);

	(void)state;
	assert_int_equal(v.why, HA_TICKET_RUNS);
	host.is_member = false;
	v = ha_ticket_judge(&host, 1, NULL, 0);
	assert_true(v.why == HA_TICKET_OWNED && v.wants_hold);
	v = ha_ticket_judge(&host, 1, &hold, 1);
	assert_int_equal(v.why, HA_TICKET_HELD);
	host.is_readable = false;
	host.is_listed = false;
	v = ha_ticket_judge(&host, 1, &hold, 1);
	assert_int_equal(v.why, HA_TICKET_UNREAD);
	/* Readable, not listed, but not sealed: it may list it again. */
	host.is_readable = true;
	v = ha_ticket_judge(&host, 1, &hold, 1);
	assert_int_equal(v.why, HA_TICKET_HELD);
	host.is_sealed = true;
	v = ha_ticket_judge(&host, 1, &hold, 1);
	assert_true(v.why == HA_TICKET_RELEASED && v.wants_lift);
	/* An older list than the hold was placed on. */
	host.generation = GENERATION - 1;
	v = ha_ticket_judge(&host, 1, &hold, 1);
	assert_int_equal(v.why, HA_TICKET_UNREAD);
	host.generation = GENERATION + 1;
	host.is_member = true;
	v = ha_ticket_judge(&host, 1, &hold, 1);
	assert_true(v.why == HA_TICKET_RETURNED && v.wants_lift);
	/* Back, but its list is not here yet: the hold stays, the VM that may
	 * run there is not frozen. */
	host.is_readable = false;
	v = ha_ticket_judge(&host, 1, &hold, 1);
	assert_true(v.why == HA_TICKET_RETURNED && v.is_granted);
	assert_false(v.wants_lift);
	/* It has booted again. */
	host.is_member = false;
	host.incarnation++;
	v = ha_ticket_judge(&host, 1, &hold, 1);
	assert_true(v.why == HA_TICKET_OWNER_GONE && v.wants_lift);
}

/* ---- settling, terms, names -------------------------------------------------- */

static void
settling(void **state)
{
	(void)state;
	for (unsigned int bits = 0; bits < 64; bits++) {
		struct ha_settle_facts facts = {
			.is_member = bits & 1u,
			.is_sealed = bits & 2u,
			.is_readable = bits & 4u,
			.are_holds_read = bits & 8u,
			.unsettled_vms = bits & 16u ? 0 : 1,
			.effective_holds = bits & 32u ? 0 : 1,
		};

		assert_int_equal(ha_settle_judge(&facts), bits == 63);
	}
}

static void
terms(void **state)
{
	(void)state;
	assert_true(ha_ticket_term_is_current(0, 0));
	assert_true(ha_ticket_term_is_current(0, 9));
	assert_false(ha_ticket_term_is_current(8, 9));
	assert_true(ha_ticket_term_is_current(9, 9));
	assert_true(ha_ticket_term_is_current(10, 9));
}

static void
names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HA_TICKET_N; i++) {
		assert_true(strlen(ha_ticket_why_text((enum ha_ticket_why)i)) >
			    10);
		for (unsigned int j = 0; j < i; j++) {
			assert_string_not_equal(
				ha_ticket_why_name((enum ha_ticket_why)i),
				ha_ticket_why_name((enum ha_ticket_why)j));
		}
	}
	assert_string_equal(ha_ticket_why_name(HA_TICKET_N), "invalid");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell),
		cmocka_unit_test(nothing_is_held_for_ever),
		cmocka_unit_test(policy_holds),
		cmocka_unit_test(a_host_is_cut_off_and_comes_back),
		cmocka_unit_test(settling),
		cmocka_unit_test(terms),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
