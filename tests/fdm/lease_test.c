/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/master: when a term is asked for again that was outbid. The
 * daemons beside it and heartbeatd are faked: what is asked, and when, is what
 * is tested.
 */
#include "../unit/unit.h"

#include <errno.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

static struct fdm_facts facts;
static struct fdm_snap snap;
static struct fdm fdm;
static bool is_mine;
static uint32_t asked, laid_down;
static void (*answer_to)(void *data, int code, const json_t *answer,
			 const char *why);

/* ---- what is faked --------------------------------------------------------- */

void
fdm_log(int level, const char *id, const char *format, ...)
{
	(void)level;
	(void)id;
	(void)format;
}

void
fdm_worker_ask(struct fdm_worker *worker, json_t *request, uint64_t budget_ms,
	       void (*done)(void *data, int code, const json_t *answer,
			    const char *why),
	       void *data)
{
	(void)worker;
	(void)budget_ms;
	(void)data;
	if (json_is_true(json_object_get(request, "on"))) {
		asked++;
		answer_to = done;
	} else {
		laid_down++;
	}
	json_decref(request);
}

bool
fdm_has_snap(const struct fdm *one, uint64_t now_ms)
{
	(void)now_ms;
	return one->snap != NULL;
}

bool
fdm_has_facts(const struct fdm *one)
{
	return one->facts != NULL;
}

bool
fdm_election_is_mine(const struct fdm *one)
{
	(void)one;
	return is_mine;
}

void
fdm_election_why(const struct fdm *one, struct ha_err *ret_why)
{
	(void)one;
	(void)ha_err_set(ret_why, 0, "another one is promoted");
}

bool
fdm_election_hands_over(const struct fdm *one, uint64_t now_ms)
{
	(void)one;
	(void)now_ms;
	return false;
}

bool
fdm_duty_may_hold(const struct fdm *one, const struct fdm_host *host,
		  uint64_t now_ms)
{
	(void)one;
	(void)host;
	(void)now_ms;
	return false;
}

json_t *
fdm_hold_request(const char *op, const char *host, uint64_t incarnation,
		 uint64_t generation, uint64_t term)
{
	(void)op;
	(void)host;
	(void)incarnation;
	(void)generation;
	(void)term;
	return NULL;
}

void
fdm_hold_add(json_t *request, const struct ha_uuid *uuid, const char *resource)
{
	(void)request;
	(void)uuid;
	(void)resource;
}

#define NOTHING(name)                               \
	void name(struct fdm *one, uint64_t now_ms) \
	{                                           \
		(void)one;                          \
		(void)now_ms;                       \
	}

NOTHING(fdm_grant_write)
NOTHING(fdm_duty_unseal)
NOTHING(fdm_prefer_tick)
NOTHING(fdm_duty_vanished)
NOTHING(fdm_duty_refused)
NOTHING(fdm_duty_failed)
NOTHING(fdm_duty_away)

/* ---- this host is to be master ---------------------------------------------- */

static int
begin(void **state)
{
	(void)state;
	memset(&fdm, 0, sizeof(fdm));
	facts = (struct fdm_facts){ .have_quorum = true };
	snap = (struct fdm_snap){ .is_quorate = true,
				  .can_write = true,
				  .can_read = true };
	fdm.facts = &facts;
	fdm.snap = &snap;
	fdm.vanished = g_hash_table_new(g_str_hash, g_str_equal);
	fdm.refused = g_hash_table_new(g_str_hash, g_str_equal);
	fdm.election.as = HA_MASTER_PROMOTED;
	is_mine = true;
	asked = laid_down = 0;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	g_hash_table_destroy(fdm.vanished);
	g_hash_table_destroy(fdm.refused);
	return 0;
}

static void
outbid(void)
{
	answer_to(&fdm, -ESTALE, NULL, "the term 6 is over already");
}

/* ---- ESTALE ------------------------------------------------------------------ */

/* The interim master has outbid it: there is a master again with the next
 * look, not after a second. */
static void
promoted_host_takes_the_next_term_at_once(void **state)
{
	json_t *answer = json_pack("{s:b, s:i}", "ok", 1, "term", 8);
	uint64_t now_ms = ha_clock_now_ms();

	(void)state;
	fdm_master_tick(&fdm, now_ms);
	assert_int_equal(asked, 1);
	outbid();
	fdm_master_tick(&fdm, ha_clock_now_ms());
	assert_int_equal(asked, 2);
	answer_to(&fdm, 0, answer, "");
	assert_int_equal(fdm.master.term, 8);
	assert_true(fdm_master_may_write(&fdm, now_ms));
	json_decref(answer);
}

/* Two that outbid one another do so once a second. */
static void
no_more_than_once_a_second(void **state)
{
	uint64_t now_ms;

	(void)state;
	fdm_master_tick(&fdm, ha_clock_now_ms());
	outbid();
	fdm_master_tick(&fdm, ha_clock_now_ms());
	now_ms = ha_clock_now_ms();
	outbid();
	fdm_master_tick(&fdm, now_ms + FDM_RETRY_MS - 1);
	assert_int_equal(asked, 2);
	fdm_master_tick(&fdm, now_ms + 2 * FDM_RETRY_MS);
	assert_int_equal(asked, 3);
}

/* The interim master gives way: somebody was promoted, and it will hear of it. */
static void
interim_master_waits(void **state)
{
	uint64_t now_ms;

	(void)state;
	fdm.election.as = HA_MASTER_INTERIM;
	fdm_master_tick(&fdm, ha_clock_now_ms());
	now_ms = ha_clock_now_ms();
	outbid();
	fdm_master_tick(&fdm, now_ms + FDM_RETRY_MS - 1);
	assert_int_equal(asked, 1);
	fdm_master_tick(&fdm, now_ms + 2 * FDM_RETRY_MS);
	assert_int_equal(asked, 2);
}

/* Other failures pass no sooner for being asked again. */
static void
other_failures_wait(void **state)
{
	uint64_t now_ms;

	(void)state;
	fdm_master_tick(&fdm, ha_clock_now_ms());
	now_ms = ha_clock_now_ms();
	answer_to(&fdm, -EPERM, NULL, "no quorum");
	fdm_master_tick(&fdm, now_ms + FDM_RETRY_MS - 1);
	assert_int_equal(asked, 1);
}

/* Demoted meanwhile: nothing is asked for, and what was is given back. */
static void
whoever_is_not_promoted_any_more_takes_none(void **state)
{
	(void)state;
	fdm_master_tick(&fdm, ha_clock_now_ms());
	is_mine = false;
	outbid();
	fdm_master_tick(&fdm, ha_clock_now_ms());
	assert_int_equal(asked, 1);
	assert_int_equal(laid_down, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			promoted_host_takes_the_next_term_at_once, begin, end),
		cmocka_unit_test_setup_teardown(no_more_than_once_a_second,
						begin, end),
		cmocka_unit_test_setup_teardown(interim_master_waits, begin,
						end),
		cmocka_unit_test_setup_teardown(other_failures_wait, begin,
						end),
		cmocka_unit_test_setup_teardown(
			whoever_is_not_promoted_any_more_takes_none, begin,
			end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
