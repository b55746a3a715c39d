/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/election: every reason not to stand, who wins by score among
 * hosts of any names and datastores (Pacemaker only sees the numbers), that
 * the score and the order by rule never differ, and who acts as master.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "ha/election.h"
#include "ha/hostset.h"

#define PACEMAKER_INFINITY 1000000u
#define NOBODY SIZE_MAX

static struct ha_candidate
able(const char *name, uint32_t stores)
{
	return (struct ha_candidate){
		.name = name,
		.is_seen = true,
		.is_quorate = true,
		.can_write = true,
		.can_read = true,
		.stores = stores,
	};
}

/* ---- who stands ----------------------------------------------------------- */

static void
stands(void **state)
{
	static const struct {
		struct ha_candidate candidate;
		enum ha_election_why why;
	} ROWS[] = {
		{ { "a", 1, 1, 0, 0, 1, 1, 0, 3 }, HA_ELECTION_STANDS },
		{ { "a", 1, 1, 0, 0, 1, 1, 1, 3 }, HA_ELECTION_STANDS },
		{ { "a", 1, 1, 0, 0, 1, 1, 0, 0 }, HA_ELECTION_STANDS },
		{ { "a", 0, 1, 0, 0, 1, 1, 1, 3 }, HA_ELECTION_NOT_SEEN },
		{ { "a", 1, 0, 0, 0, 1, 1, 1, 3 }, HA_ELECTION_NO_QUORUM },
		{ { "a", 1, 1, 1, 0, 1, 1, 1, 3 }, HA_ELECTION_MAINTENANCE },
		{ { "a", 1, 1, 0, 1, 1, 1, 1, 3 }, HA_ELECTION_ISOLATED },
		{ { "a", 1, 1, 0, 0, 0, 1, 1, 1 }, HA_ELECTION_NO_WRITE },
		{ { "a", 1, 1, 0, 0, 1, 0, 1, 1 }, HA_ELECTION_NO_READ },
		{ { "a", 0, 0, 1, 1, 0, 0, 1, 0 }, HA_ELECTION_NOT_SEEN },
	};
	static const char *const NAMES[] = { "a" };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(ROWS); i++) {
		uint32_t score =
			ha_election_score(&ROWS[i].candidate, NAMES, 1);

		assert_int_equal(ha_election_judge(&ROWS[i].candidate),
				 ROWS[i].why);
		/* 0 is what no score of a host that stands can be. */
		assert_int_equal(score > 0, ROWS[i].why == HA_ELECTION_STANDS);
		assert_true(score < PACEMAKER_INFINITY);
	}
}

static void
words(void **state)
{
	(void)state;
	for (int i = 0; i < HA_ELECTION_N; i++) {
		enum ha_election_why why = (enum ha_election_why)i;

		assert_true(strlen(ha_election_why_name(why)) > 1);
		assert_true(strlen(ha_election_why_text(why)) > 1);
	}
	assert_string_equal(ha_election_why_name(HA_ELECTION_N), "?");
	assert_string_equal(ha_master_as_name(HA_MASTER_PROMOTED), "promoted");
	assert_string_equal(ha_master_as_name(HA_MASTER_INTERIM), "interim");
	assert_string_equal(ha_master_as_name(HA_MASTER_NOBODY), "");
}

/* ---- who wins -------------------------------------------------------------- */

#define HOSTS 4

static void
wins(void **state)
{
	static const struct {
		const char *names[HOSTS]; /* NULL: fewer */
		uint32_t stores[HOSTS];
		unsigned int sitting, unable; /* bits */
		size_t winner;
	} ROWS[] = {
		/* most datastores */
		{ { "h1", "h2", "h3" }, { 3, 2, 2 }, 0, 0, 0 },
		{ { "h1", "h2", "h3" }, { 2, 3, 2 }, 0, 0, 1 },
		/* then the greatest as text */
		{ { "h1", "h2", "h3" }, { 3, 3, 3 }, 0, 0, 2 },
		{ { "100", "99" }, { 3, 3 }, 0, 0, 1 },
		{ { "host-9", "host-10", "host-1" }, { 2, 2, 2 }, 0, 0, 0 },
		{ { "a", "B", "b" }, { 1, 1, 1 }, 0, 0, 2 },
		{ { "b", "ba", "a\xc3\xa4" }, { 1, 1, 1 }, 0, 0, 1 },
		/* datastores beat any name */
		{ { "99", "100", "1" }, { 1, 2, 1 }, 0, 0, 1 },
		/* who sits stays, whatever comes */
		{ { "h1", "h2", "h3" }, { 1, 5, 5 }, 1u, 0, 0 },
		{ { "h1", "h2", "h3" }, { 2, 3, 3 }, 2u, 0, 1 },
		/* unless it can't */
		{ { "h1", "h2", "h3" }, { 3, 3, 3 }, 4u, 4u, 1 },
		{ { "h1", "h2", "h3" }, { 3, 3, 3 }, 0, 4u, 1 },
		{ { "h1", "h2", "h3" }, { 3, 3, 3 }, 0, 6u, 0 },
		/* nobody stands */
		{ { "h1", "h2", "h3" }, { 3, 3, 3 }, 1u, 7u, NOBODY },
		{ { "h1" }, { 3 }, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(ROWS); i++) {
		size_t winner = NOBODY;
		uint32_t best = 0;
		size_t count = 0;

		while (count < HOSTS && ROWS[i].names[count]) {
			count++;
		}
		for (size_t j = 0; j < count; j++) {
			struct ha_candidate one =
				able(ROWS[i].names[j], ROWS[i].stores[j]);
			uint32_t score;

			one.is_sitting = ROWS[i].sitting >> j & 1u;
			one.can_write = !(ROWS[i].unable >> j & 1u);
			score = ha_election_score(&one, ROWS[i].names, count);
			assert_true(score == 0 || score != best);
			if (score > best) {
				best = score;
				winner = j;
			}
		}
		assert_int_equal(winner, ROWS[i].winner);
	}
}

/* All pairs: the numbers say what the rule says, also of as many hosts as a
 * cluster can have. */
static void
score_is_rule(void **state)
{
	static char texts[HA_HOSTS_MAX][8];
	const char *names[HA_HOSTS_MAX] = { NULL };
	struct ha_candidate mad = able("0", UINT32_MAX);

	(void)state;
	assert_true(ha_election_score(&mad, names, 0) < HA_ELECTION_SITTING);
	for (size_t i = 0; i < HA_HOSTS_MAX; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%zu", i);
		names[i] = texts[i];
	}
	for (size_t i = 0; i < HA_HOSTS_MAX; i++) {
		for (size_t j = 0; j < HA_HOSTS_MAX; j++) {
			struct ha_candidate a = able(
				names[i], (uint32_t)i % (HA_STORES_MAX + 2));
			struct ha_candidate b = able(
				names[j], (uint32_t)j % (HA_STORES_MAX + 2));
			int rule = ha_election_compare(&a, &b);
			uint32_t x = ha_election_score(&a, names, HA_HOSTS_MAX);
			uint32_t y = ha_election_score(&b, names, HA_HOSTS_MAX);

			assert_true((rule > 0) == (x > y));
			assert_true((rule == 0) == (i == j));
			b.is_sitting = true;
			assert_true(ha_election_score(&b, names, HA_HOSTS_MAX) >
				    x);
			assert_true(ha_election_score(&b, names, HA_HOSTS_MAX) <
				    PACEMAKER_INFINITY);
		}
	}
}

/* ---- who acts --------------------------------------------------------------- */

enum {
	LIVE = 1,
	PROMOTED = 2,
	DC = 4,
	MASTER = 8,
	IDLE = 16,
	STOPPED = 32, /* its manager */
};

static const struct {
	unsigned int bits[3]; /* of "a", "b", "c" */
	bool is_moving;
	enum ha_master_as as;
	size_t host;
} ACTS[] = {
	{ { LIVE | DC, LIVE | PROMOTED, LIVE }, 0, HA_MASTER_PROMOTED, 1 },
	{ { LIVE | DC | PROMOTED, LIVE, LIVE }, 0, HA_MASTER_PROMOTED, 0 },
	/* nobody is promoted, or it has just left */
	{ { LIVE | DC, LIVE, LIVE }, 0, HA_MASTER_INTERIM, 0 },
	{ { LIVE, PROMOTED, LIVE | DC }, 0, HA_MASTER_INTERIM, 2 },
	{ { LIVE, PROMOTED | MASTER, LIVE | DC }, 0, HA_MASTER_INTERIM, 2 },
	{ { LIVE, PROMOTED, LIVE }, 0, HA_MASTER_NOBODY, 0 },
	/* an interim master is not kept */
	{ { LIVE | DC | MASTER, LIVE | PROMOTED, LIVE },
	  0,
	  HA_MASTER_PROMOTED,
	  1 },
	/* two sides have become one */
	{ { LIVE | PROMOTED, LIVE | PROMOTED, LIVE | DC },
	  0,
	  HA_MASTER_PROMOTED,
	  1 },
	{ { LIVE | PROMOTED | MASTER, LIVE | PROMOTED, LIVE | DC },
	  0,
	  HA_MASTER_PROMOTED,
	  0 },
	{ { LIVE | PROMOTED | MASTER, LIVE | PROMOTED | MASTER, DC },
	  0,
	  HA_MASTER_PROMOTED,
	  1 },
	{ { PROMOTED | MASTER, LIVE | PROMOTED, LIVE | DC },
	  0,
	  HA_MASTER_PROMOTED,
	  1 },
	{ { LIVE | PROMOTED, LIVE | PROMOTED | MASTER, LIVE | DC },
	  0,
	  HA_MASTER_PROMOTED,
	  1 },
	/* one that does nothing */
	{ { LIVE | DC, LIVE | PROMOTED | IDLE, LIVE },
	  0,
	  HA_MASTER_INTERIM,
	  0 },
	{ { LIVE | DC | PROMOTED | IDLE, LIVE, LIVE },
	  0,
	  HA_MASTER_INTERIM,
	  2 },
	/* the daemon has all others idle that it does not see act */
	{ { LIVE | DC | PROMOTED | IDLE, LIVE | IDLE, LIVE | STOPPED },
	  0,
	  HA_MASTER_INTERIM,
	  1 },
	{ { LIVE | DC | STOPPED, LIVE, LIVE | PROMOTED | IDLE },
	  0,
	  HA_MASTER_INTERIM,
	  1 },
	/* nobody else can act */
	{ { LIVE | DC | PROMOTED | IDLE, LIVE | STOPPED, 0 },
	  0,
	  HA_MASTER_INTERIM,
	  0 },
	/* it moves */
	{ { LIVE | DC, LIVE, LIVE }, 1, HA_MASTER_NOBODY, 0 },
	{ { LIVE | DC, LIVE, LIVE | PROMOTED }, 1, HA_MASTER_PROMOTED, 2 },
	/* the coordinator is in standby, or away */
	{ { LIVE | DC | STOPPED, LIVE, LIVE | STOPPED },
	  0,
	  HA_MASTER_INTERIM,
	  1 },
	{ { LIVE, LIVE | DC | STOPPED, LIVE }, 0, HA_MASTER_INTERIM, 2 },
	{ { LIVE, LIVE | DC | STOPPED, 0 }, 0, HA_MASTER_INTERIM, 0 },
	{ { DC | STOPPED, LIVE, LIVE }, 0, HA_MASTER_INTERIM, 0 },
	{ { LIVE | DC | STOPPED, STOPPED, LIVE | STOPPED },
	  0,
	  HA_MASTER_NOBODY,
	  0 },
	{ { LIVE | DC | STOPPED, LIVE, LIVE | PROMOTED },
	  0,
	  HA_MASTER_PROMOTED,
	  2 },
	{ { 0, 0, 0 }, 0, HA_MASTER_NOBODY, 0 },
};

static void
acts(void **state)
{
	static const char *const NAMES[] = { "a", "b", "c" };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(ACTS); i++) {
		struct ha_master_host hosts[3];
		struct ha_master_verdict verdict;

		for (size_t j = 0; j < N_ELEMENTS(hosts); j++) {
			unsigned int bits = ACTS[i].bits[j];

			hosts[j] = (struct ha_master_host){
				.name = NAMES[j],
				.is_live = bits & LIVE,
				.is_promoted = bits & PROMOTED,
				.is_dc = bits & DC,
				.is_master = bits & MASTER,
				.is_idle = bits & IDLE,
				.has_manager = !(bits & STOPPED),
			};
		}
		verdict = ha_master_judge(hosts, N_ELEMENTS(hosts),
					  ACTS[i].is_moving);
		assert_int_equal(verdict.as, ACTS[i].as);
		if (verdict.as != HA_MASTER_NOBODY) {
			assert_int_equal(verdict.host, ACTS[i].host);
		}
	}
	assert_int_equal(ha_master_judge(NULL, 0, false).as, HA_MASTER_NOBODY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stands), cmocka_unit_test(words),
		cmocka_unit_test(wins),   cmocka_unit_test(score_is_rule),
		cmocka_unit_test(acts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
