/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/hostreport as stories on a virtual clock: which state of a host
 * becomes news, when, and since when it counts.
 */
#include <string.h>

#include "unit.h"

#include "ha/hostreport.h"

#define BEAT_MS 500u
#define TOLERANCE_MS 500u
#define SILENCE_MS 3000u
#define LATE_MS (3u * BEAT_MS + TOLERANCE_MS)
#define BEGIN_MS 100000u

static struct ha_hostreport report;

/* True: the word has changed. */
static bool
at(uint64_t ms, enum ha_hoststate seen, bool is_manager_failed)
{
	const struct ha_hostreport_facts facts = {
		.seen = seen,
		.is_manager_failed = is_manager_failed,
		.beat_ms = BEAT_MS,
		.tolerance_ms = TOLERANCE_MS,
		.silence_ms = SILENCE_MS,
		.now_ms = BEGIN_MS + ms,
	};

	return ha_hostreport_step(&report, &facts);
}

static void
expect(enum ha_hostreport_word word, uint64_t since_ms)
{
	assert_string_equal(ha_hostreport_name(report.word),
			    ha_hostreport_name(word));
	assert_int_equal(report.since_ms, BEGIN_MS + since_ms);
}

static int
begin(void **state)
{
	(void)state;
	memset(&report, 0, sizeof(report));
	assert_true(at(0, HA_HOST_LIVE, false));
	expect(HA_REPORT_LIVE, 0);
	return 0;
}

/* Killed: it leaves the membership while its last beat is young, is late, is
 * proven dead. One piece of news. */
static void
dies(void **state)
{
	(void)state;
	assert_false(at(1000, HA_HOST_PARTITIONED, false));
	assert_false(at(1000 + LATE_MS - 1, HA_HOST_PARTITIONED, false));
	assert_false(at(1000 + LATE_MS, HA_HOST_LATE, false));
	expect(HA_REPORT_LIVE, 0);
	assert_true(at(5000, HA_HOST_DEAD, false));
	expect(HA_REPORT_DEAD, 5000);
	assert_false(at(6000, HA_HOST_DEAD, false));
	/* It boots: no news before it is a member that beats. */
	assert_false(at(60000, HA_HOST_STARTING, false));
	assert_true(at(70000, HA_HOST_LIVE, false));
	expect(HA_REPORT_LIVE, 70000);
}

/* Cut off, and later alone: its own word counts at once. */
static void
is_cut_off(void **state)
{
	(void)state;
	assert_false(at(1000, HA_HOST_PARTITIONED, false));
	assert_false(at(1000 + LATE_MS - 1, HA_HOST_PARTITIONED, false));
	assert_true(at(1000 + LATE_MS, HA_HOST_PARTITIONED, false));
	expect(HA_REPORT_PARTITIONED, 1000);
	assert_true(at(9000, HA_HOST_ISOLATED, false));
	expect(HA_REPORT_ISOLATED, 9000);
	/* One beat too late is none. */
	assert_false(at(9500, HA_HOST_LATE, false));
	assert_false(at(10000, HA_HOST_ISOLATED, false));
	assert_true(at(20000, HA_HOST_LIVE, false));
	expect(HA_REPORT_LIVE, 20000);
}

/* Late for ever: nothing proves anything, and that is said. */
static void
is_late(void **state)
{
	(void)state;
	assert_false(at(1000, HA_HOST_LATE, false));
	assert_false(at(1000 + SILENCE_MS + LATE_MS - 1, HA_HOST_LATE, false));
	assert_true(at(1000 + SILENCE_MS + LATE_MS, HA_HOST_LATE, false));
	expect(HA_REPORT_UNKNOWN, 1000);
}

static void
has_no_agent(void **state)
{
	const uint64_t due_ms = 1000 + SILENCE_MS + HA_REPORT_AGENT_MS;

	(void)state;
	assert_false(at(1000, HA_HOST_AGENT_UNREACHABLE, false));
	assert_false(at(due_ms - 1, HA_HOST_AGENT_UNREACHABLE, false));
	assert_true(at(due_ms, HA_HOST_AGENT_UNREACHABLE, false));
	expect(HA_REPORT_UNREACHABLE, 1000);
}

/* Its daemon runs and can't join: the manager, or the watchdog. */
static void
cannot_join(void **state)
{
	(void)state;
	assert_true(at(1000, HA_HOST_LIVE, true));
	expect(HA_REPORT_INIT_ERROR, 1000);
	assert_true(at(2000, HA_HOST_LIVE, false));
	assert_true(at(3000, HA_HOST_RING_ONLY, true));
	assert_true(at(4000, HA_HOST_RING_ONLY, false));
	expect(HA_REPORT_LIVE, 4000);
	assert_false(at(5000, HA_HOST_STARTING, false));
	assert_false(at(5000 + HA_REPORT_JOIN_MS - 1, HA_HOST_STARTING, false));
	assert_true(at(5000 + HA_REPORT_JOIN_MS, HA_HOST_STARTING, false));
	expect(HA_REPORT_INIT_ERROR, 5000);
}

/* Every state of hoststate ends in a word, and no word is lost. */
static void
all(void **state)
{
	bool has[HA_REPORT_N] = { [HA_REPORT_NONE] = true };

	(void)state;
	for (unsigned int i = 0; i < HA_HOST_N; i++) {
		memset(&report, 0, sizeof(report));
		(void)at(0, (enum ha_hoststate)i, false);
		(void)at(HA_REPORT_JOIN_MS + SILENCE_MS, (enum ha_hoststate)i,
			 false);
		assert_int_not_equal(report.word, HA_REPORT_NONE);
		expect(report.word, 0);
		has[report.word] = true;
		assert_int_equal(ha_hoststate_find(ha_hoststate_name(
					 (enum ha_hoststate)i)),
				 i);
	}
	for (unsigned int i = 0; i < HA_REPORT_N; i++) {
		assert_true(has[i]);
		assert_int_equal(ha_hostreport_find(ha_hostreport_name(
					 (enum ha_hostreport_word)i)),
				 i);
		assert_int_equal(
			ha_hostreport_is_own_word((enum ha_hostreport_word)i),
			i == HA_REPORT_ISOLATED);
	}
	assert_int_equal(ha_hostreport_find("gone fishing"), HA_REPORT_NONE);
	assert_int_equal(ha_hoststate_find("gone fishing"), HA_HOST_UNKNOWN);
	assert_true(ha_hostreport_is_bad(HA_REPORT_DEAD));
	assert_false(ha_hostreport_is_bad(HA_REPORT_STOPPED));
	assert_string_equal(ha_hostreport_name(HA_REPORT_N), "invalid");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(dies, begin),
		cmocka_unit_test_setup(is_cut_off, begin),
		cmocka_unit_test_setup(is_late, begin),
		cmocka_unit_test_setup(has_no_agent, begin),
		cmocka_unit_test_setup(cannot_join, begin),
		cmocka_unit_test(all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
