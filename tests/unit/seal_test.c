/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/seal: every state that can be reached, with every set of facts in
 * each, against the rules of SAFETY section 2 restated by an observer that
 * keeps its own count of time and of who has won; and two sides of a cut
 * cluster told as stories.
 */
#include <stdbool.h>
#include <string.h>

#include "unit.h"

#include "ha/seal.h"

#define BEAT_MS 1000u
#define NOW_MS 1000000u
#define CALM 10u /* beats without master, order or change of membership */
#define WINNER 7u

static const struct ha_timing TIMING = { .beat_ms = BEAT_MS,
					 .watchdog_ms = 4000,
					 .tolerance_ms = 1000 };

/* ---- every state, every fact ------------------------------------------------ */

/* A state, and what the observer knows of the past. */
struct state {
	struct ha_seal seal;
	uint32_t calm;     /* beats, up to CALM */
	uint64_t ring_seq; /* 0: not quorate */
	bool waits;        /* a higher side was seen, and is still at large */
};

enum {
	NO_RIVAL,
	LOWER,
	EQUAL,
	HIGHER,
	RIVALS
};
static const char *const RIVAL_NAME[RIVALS] = { "", "h1", "h2", "h3" };

#define FACTS (64u * RIVALS * 4u * 4u)
static struct ha_seal_facts
facts_of(unsigned int bits)
{
	unsigned int rival = bits / 64 % RIVALS;
	unsigned int rest = bits / (64 * RIVALS);

	return (struct ha_seal_facts){
		.is_quorate = bits & 1u,
		.ring_seq = bits & 2u ? 8 : 4,
		.is_ordered = bits & 4u,
		.is_settled = bits & 8u,
		.has_master = bits & 16u,
		.own = { .votes = 2, .name = "h2" },
		.rival = { .is_there = rival != NO_RIVAL,
			   .slot = WINNER,
			   .incarnation = 5,
			   .claim = { .votes = 2, .name = RIVAL_NAME[rival] },
			   .is_read_since = rest & 1u,
			   .is_sealed = rest & 2u },
		.is_winner_member = rest & 4u,
		.is_winner_gone = rest & 8u,
		.now_ms = NOW_MS,
	};
}

static void
observe(struct state *state, const struct ha_seal_facts *facts, uint32_t beats)
{
	bool is_lower = facts->rival.is_there &&
			strcmp(facts->rival.claim.name, "h2") > 0;

	if (!facts->is_quorate || state->ring_seq != facts->ring_seq ||
	    facts->has_master || facts->is_ordered) {
		state->calm = 0;
	} else {
		state->calm += beats;
	}
	state->calm = state->calm > CALM ? CALM : state->calm;
	state->ring_seq = facts->is_quorate ? facts->ring_seq : 0;
	state->waits &= !facts->is_winner_member && !facts->is_winner_gone;
	state->waits |= facts->is_quorate && is_lower;
}

static void
check_open(const struct state *now, const struct ha_seal_facts *facts,
	   bool was_sealed)
{
	const struct ha_rival *rival = &facts->rival;

	assert_true(facts->is_quorate);
	assert_false(facts->is_ordered || now->waits);
	if (was_sealed) {
		assert_true(facts->is_settled ||
			    (!facts->has_master && now->calm >= CALM));
		assert_true(!rival->is_there ||
			    (rival->is_read_since && rival->is_sealed));
	}
}

/* Sealed needs a reason, too: a host that may take VMs and doesn't is a host
 * less. */
static void
check_sealed(const struct state *now, const struct ha_seal_facts *facts,
	     bool was_sealed)
{
	const struct ha_rival *rival = &facts->rival;
	bool is_free = facts->is_quorate && !facts->is_ordered && !now->waits;

	if (!was_sealed) {
		assert_false(is_free);
		return;
	}
	assert_false(is_free &&
		     (!rival->is_there ||
		      (rival->is_read_since && rival->is_sealed)) &&
		     (facts->is_settled ||
		      (!facts->has_master && now->calm >= CALM)));
}

/* One judgement `beats` after the last one; times are moved back so that there
 * is no more than a few hundred states. */
static struct state
walk(const struct state *from, const struct ha_seal_facts *facts,
     uint32_t beats)
{
	struct state now = *from;
	uint64_t age_ms = (uint64_t)beats * BEAT_MS;
	bool has_changed;

	now.seal.since_ms = NOW_MS - age_ms;
	if (now.seal.quorate_ms != 0) {
		now.seal.quorate_ms -= age_ms;
	}
	observe(&now, facts, beats);
	has_changed = ha_seal_judge(&now.seal, facts, &TIMING);
	assert_int_equal(has_changed,
			 now.seal.is_sealed != from->seal.is_sealed);
	assert_int_equal(now.seal.why == HA_SEAL_OPEN, !now.seal.is_sealed);
	assert_int_equal(now.seal.since_ms == NOW_MS,
			 now.seal.why != from->seal.why);
	if (now.seal.is_sealed) {
		check_sealed(&now, facts, from->seal.is_sealed);
	} else {
		check_open(&now, facts, from->seal.is_sealed);
	}
	if (now.seal.quorate_ms != 0 &&
	    now.seal.quorate_ms < NOW_MS - CALM * BEAT_MS) {
		now.seal.quorate_ms = NOW_MS - CALM * BEAT_MS;
	}
	now.seal.since_ms = NOW_MS;
	return now;
}

#define STATES_MAX 2000
static struct state states[STATES_MAX];
static size_t states_count;

static void
remember(const struct state *state)
{
	for (size_t i = 0; i < states_count; i++) {
		const struct state *old = &states[i];

		if (old->seal.why == state->seal.why &&
		    old->seal.ring_seq == state->seal.ring_seq &&
		    old->seal.quorate_ms == state->seal.quorate_ms &&
		    old->seal.winner == state->seal.winner &&
		    old->calm == state->calm &&
		    old->ring_seq == state->ring_seq &&
		    old->waits == state->waits) {
			return;
		}
	}
	assert_true(states_count < STATES_MAX);
	states[states_count++] = *state;
}

static void
every_reachable_state(void **state)
{
	static const uint32_t BEATS[] = { 1, CALM - 1, CALM };
	struct state start = { .calm = 0 };
	bool seen[HA_SEAL_N] = { false };

	(void)state;
	ha_seal_init(&start.seal, NOW_MS);
	remember(&start);
	for (size_t i = 0; i < states_count; i++) {
		seen[states[i].seal.why] = true;
		for (unsigned int bits = 0; bits < FACTS; bits++) {
			struct ha_seal_facts facts = facts_of(bits);

			for (size_t j = 0; j < N_ELEMENTS(BEATS); j++) {
				struct state next =
					walk(&states[i], &facts, BEATS[j]);

				remember(&next);
			}
		}
	}
	for (size_t i = 0; i < HA_SEAL_N; i++) {
		assert_true(seen[i]);
	}
}

/* ---- claims ------------------------------------------------------------------ */

static void
claims(void **state)
{
	static const struct ha_claim RISING[] = {
		{ 1, "h1" }, { 1, "h10" }, { 1, "h2" }, { 2, "a" }, { 2, "b" },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(RISING); i++) {
		for (size_t j = 0; j < N_ELEMENTS(RISING); j++) {
			const struct ha_claim *a = &RISING[i];
			const struct ha_claim *b = &RISING[j];
			int cmp = ha_claim_compare(a, b);

			assert_int_equal(cmp > 0, i > j);
			assert_int_equal(cmp == 0, i == j);
			/* Of two quorate sides exactly one obeys. */
			if (i != j) {
				assert_int_not_equal(
					ha_seal_obeys(true, a, true, b),
					ha_seal_obeys(true, b, true, a));
			}
			assert_int_equal(ha_seal_obeys(true, a, true, b),
					 i <= j);
			assert_true(ha_seal_obeys(false, a, true, b));
			assert_true(ha_seal_obeys(true, a, false, b));
			assert_true(ha_seal_obeys(false, a, false, b));
		}
	}
}

/* ---- stories ----------------------------------------------------------------- */

static struct ha_seal_facts
quorate(uint64_t now_ms)
{
	return (struct ha_seal_facts){
		.is_quorate = true,
		.ring_seq = 4,
		.own = { .votes = 1, .name = "h2" },
		.now_ms = now_ms,
	};
}

static void
expect(struct ha_seal *seal, const struct ha_seal_facts *facts,
       enum ha_seal_why why)
{
	(void)ha_seal_judge(seal, facts, &TIMING);
	if (seal->why != why) {
		fail_msg("at %u: %s, not %s", (unsigned int)facts->now_ms,
			 ha_seal_why_name(seal->why), ha_seal_why_name(why));
	}
}

/* Ten beats to the millisecond, and each order begins them anew. */
static void
without_a_master(void **state)
{
	struct ha_seal_facts facts = quorate(0);
	struct ha_seal seal;

	(void)state;
	ha_seal_init(&seal, 0);
	assert_true(seal.is_sealed);
	facts.is_quorate = false;
	expect(&seal, &facts, HA_SEAL_STARTING);
	facts = quorate(500);
	expect(&seal, &facts, HA_SEAL_UNSETTLED);
	facts.now_ms = 10499;
	expect(&seal, &facts, HA_SEAL_UNSETTLED);
	facts.now_ms = 10500;
	expect(&seal, &facts, HA_SEAL_OPEN);
	facts.is_ordered = true;
	facts.now_ms = 20000;
	expect(&seal, &facts, HA_SEAL_ORDERED);
	facts.is_ordered = false;
	facts.now_ms = 29999;
	expect(&seal, &facts, HA_SEAL_ORDERED);
	facts.now_ms = 30000;
	expect(&seal, &facts, HA_SEAL_OPEN);
	facts.is_quorate = false;
	expect(&seal, &facts, HA_SEAL_NO_QUORUM);
	/* Another membership: the time begins anew, the last one's is lost. */
	facts = quorate(31000);
	facts.ring_seq = 8;
	expect(&seal, &facts, HA_SEAL_UNSETTLED);
	facts.ring_seq = 12;
	facts.now_ms = 41000;
	expect(&seal, &facts, HA_SEAL_UNSETTLED);
	facts.has_master = true;
	facts.now_ms = 60000;
	expect(&seal, &facts, HA_SEAL_UNSETTLED);
	facts.is_settled = true;
	expect(&seal, &facts, HA_SEAL_OPEN);
}

/* Two hosts, both quorate, both just started: the higher unseals over the
 * lower whose seal it has read, the lower when they are one again. */
static void
two_sides(void **state)
{
	struct ha_seal h1, h2;
	struct ha_seal_facts of_h1 = quorate(0);
	struct ha_seal_facts of_h2 = quorate(0);

	(void)state;
	ha_seal_init(&h1, 0);
	ha_seal_init(&h2, 0);
	of_h1.own.name = "h1";
	of_h1.is_settled = true;
	of_h1.rival = (struct ha_rival){ .is_there = true,
					 .slot = 1,
					 .incarnation = 9,
					 .claim = of_h2.own,
					 .is_read_since = true,
					 .is_sealed = true };
	of_h2.is_settled = true;
	of_h2.rival = (struct ha_rival){ .is_there = true,
					 .slot = 0,
					 .claim = of_h1.own };
	expect(&h1, &of_h1, HA_SEAL_CLAIM);
	assert_int_equal(h1.winner, 1);
	assert_int_equal(h1.winner_incarnation, 9);
	expect(&h2, &of_h2, HA_SEAL_CLAIM);
	of_h2.rival.is_sealed = true; /* perhaps before it could know of h2 */
	expect(&h2, &of_h2, HA_SEAL_CLAIM);
	of_h2.rival.is_read_since = true;
	expect(&h2, &of_h2, HA_SEAL_OPEN);
	/* The winner's claim is no longer read: still its. */
	of_h1.rival.is_there = false;
	expect(&h1, &of_h1, HA_SEAL_CLAIM);
	of_h1.is_winner_member = true;
	expect(&h1, &of_h1, HA_SEAL_OPEN);
	assert_int_equal(h1.winner, HA_SLOT_NONE);
	/* Cut again, open both: the lower seals, the higher stays. */
	of_h1.is_winner_member = false;
	of_h1.rival.is_there = true;
	of_h2.rival.is_sealed = false;
	expect(&h1, &of_h1, HA_SEAL_CLAIM);
	expect(&h2, &of_h2, HA_SEAL_OPEN);
	of_h1.rival.is_there = false;
	of_h1.is_winner_gone = true;
	expect(&h1, &of_h1, HA_SEAL_OPEN);
	/* A higher side seals, even one whose slot nobody knows. */
	of_h1.rival.is_there = true;
	of_h1.rival.slot = HA_SLOT_NONE;
	expect(&h1, &of_h1, HA_SEAL_CLAIM);
}

static void
names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HA_SEAL_N; i++) {
		assert_true(strlen(ha_seal_why_text((enum ha_seal_why)i)) > 10);
		for (unsigned int j = 0; j < i; j++) {
			assert_string_not_equal(
				ha_seal_why_name((enum ha_seal_why)i),
				ha_seal_why_name((enum ha_seal_why)j));
		}
	}
	assert_string_equal(ha_seal_why_name(HA_SEAL_N), "invalid");
}

/* Chosen as the daemon does: slot by slot, the one that outweighs stays. */
static uint32_t
choose(const struct ha_claim *own, const struct ha_rival *rivals, size_t count)
{
	struct ha_rival chosen = { .slot = HA_SLOT_NONE };

	for (size_t i = 0; i < count; i++) {
		if (ha_rival_outweighs(own, &rivals[i], &chosen)) {
			chosen = rivals[i];
		}
	}
	return chosen.slot;
}

/* A host that has sealed hides no other that has not: not of its own side, nor
 * of a lower side; and none of them hides a higher side. */
static void
several_rivals(void **state)
{
	const struct ha_claim own = { .votes = 3, .name = "h5" };
	const struct ha_claim low = { .votes = 1, .name = "h2" };
	const struct ha_claim lower = { .votes = 1, .name = "h1" };
	const struct ha_claim high = { .votes = 4, .name = "h9" };
	const struct ha_rival done = { true, 1, 1, low, true, true, false };

	(void)state;
	assert_int_equal(choose(&own, &done, 0), HA_SLOT_NONE);
	for (unsigned int i = 0; i < 8; i++) {
		bool is_read = i & 1u;
		bool is_sealed = i & 2u;
		struct ha_rival other = { true,    2,
					  1,       i & 4u ? lower : low,
					  is_read, is_sealed,
					  false };
		struct ha_rival one_way[] = { done, other };
		struct ha_rival other_way[] = { other, done };

		if (!is_read || !is_sealed) {
			assert_int_equal(choose(&own, one_way, 2), 2);
			assert_int_equal(choose(&own, other_way, 2), 2);
		} else if (i & 4u) {
			assert_int_equal(choose(&own, one_way, 2), 1);
			assert_int_equal(choose(&own, other_way, 2), 1);
		}
		one_way[0].claim = high;
		other_way[1].claim = high;
		assert_int_equal(choose(&own, one_way, 2), 1);
		assert_int_equal(choose(&own, other_way, 2), 1);
	}
}

/* Cut off again, or beaten, it is another seal: holds of the one before may
 * have been lifted. Settling that goes on is none. */
static void
anew(void **state)
{
	(void)state;
	for (unsigned int why = 0; why < HA_SEAL_N; why++) {
		for (unsigned int before = 0; before < HA_SEAL_N; before++) {
			const struct ha_seal seal = {
				.why = (enum ha_seal_why)why,
			};

			assert_int_equal(
				ha_seal_is_anew(&seal,
						(enum ha_seal_why)before),
				why != before && (why == HA_SEAL_NO_QUORUM ||
						  why == HA_SEAL_CLAIM));
		}
	}
}

/* Who was not read since the own claim may claim anything: who is sealed waits
 * for it, as for a master's word; who is open stays so. */
static void
possible_rival(void **state)
{
	struct ha_seal_facts facts = {
		.is_quorate = true,
		.ring_seq = 4,
		.is_settled = true,
		.has_master = true,
		.own = { .votes = 1, .name = "h1" },
		.rival = { .is_there = true,
			   .slot = WINNER,
			   .claim = { .name = "" },
			   .is_possible = true },
		.now_ms = NOW_MS,
	};
	const struct ha_rival sealed = {
		.is_there = true,
		.slot = 1,
		.claim = { .name = "h0" },
		.is_read_since = true,
		.is_sealed = true,
	};
	struct ha_seal seal;

	(void)state;
	ha_seal_init(&seal, 0);
	assert_false(ha_seal_judge(&seal, &facts, &TIMING));
	assert_int_equal(seal.why, HA_SEAL_UNSETTLED);
	assert_int_equal(seal.winner, HA_SLOT_NONE);
	assert_false(ha_rival_is_settled(&facts.rival));
	/* Nor does one that has sealed hide it. */
	assert_true(ha_rival_outweighs(&facts.own, &facts.rival, &sealed));
	assert_false(ha_rival_outweighs(&facts.own, &sealed, &facts.rival));
	facts.rival = sealed;
	assert_true(ha_rival_is_settled(&facts.rival));
	assert_true(ha_seal_judge(&seal, &facts, &TIMING));
	facts.rival = (struct ha_rival){ .is_there = true,
					 .claim = { .name = "" },
					 .is_possible = true };
	assert_false(ha_seal_judge(&seal, &facts, &TIMING));
	assert_int_equal(seal.why, HA_SEAL_OPEN);
}

/* Of two that ordered each other to reset exactly one lives, the same one
 * whichever of them is asked; none wins against itself. */
static void
rivals(void **state)
{
	static const char *const NAMES[] = { "h1", "h10", "h2", "H2", "h" };
	const size_t count = sizeof(NAMES) / sizeof(NAMES[0]);

	(void)state;
	assert_true(ha_order_wins("h2", "h1"));
	assert_false(ha_order_wins("h1", "h2"));
	assert_true(ha_order_wins("h2", "h10"));
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			assert_int_equal(
				ha_order_wins(NAMES[i], NAMES[j]) +
					ha_order_wins(NAMES[j], NAMES[i]),
				i != j);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reachable_state),
		cmocka_unit_test(claims),
		cmocka_unit_test(without_a_master),
		cmocka_unit_test(two_sides),
		cmocka_unit_test(rivals),
		cmocka_unit_test(anew),
		cmocka_unit_test(possible_rival),
		cmocka_unit_test(several_rivals),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
