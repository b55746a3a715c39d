/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/isolation: the declaration told as stories, with the last moment
 * before and the first at; then every set of facts about a VM against
 * vSphere's rules restated: no response without cut, delay and owner.
 */
#include <stdbool.h>
#include <string.h>

#include "unit.h"

#include "ha/isolation.h"

static const struct ha_isolation_policy POLICY = { .ping_ms = 5000,
						   .delay_ms = 30000,
						   .shutdown_ms = 300000,
						   .partition_ms = 60000 };

/* ---- the declaration --------------------------------------------------------- */

static void
at(struct ha_isolation *isolation, struct ha_isolation_facts *facts,
   uint64_t now_ms, enum ha_isolation_state state)
{
	enum ha_isolation_state before = isolation->state;
	bool has_changed;

	facts->now_ms = now_ms;
	has_changed = ha_isolation_judge(isolation, facts, &POLICY);
	if (isolation->state != state) {
		fail_msg("at %u: %s, not %s", (unsigned int)now_ms,
			 ha_isolation_state_name(isolation->state),
			 ha_isolation_state_name(state));
	}
	assert_int_equal(has_changed, state != before);
	assert_int_equal(isolation->since_ms == now_ms, has_changed);
	assert_int_equal(isolation->lost_ms != 0, !facts->is_quorate);
	assert_int_equal(ha_isolation_wants_ping(isolation),
			 state != HA_ISOLATION_CONNECTED);
}

static void
nobody_answers(void **state)
{
	struct ha_isolation_facts facts = { .is_quorate = true,
					    .hears_agents = true,
					    .addresses = 1,
					    .answered_ms = 1 };
	struct ha_isolation isolation;

	(void)state;
	ha_isolation_init(&isolation, 50);
	at(&isolation, &facts, 100000, HA_ISOLATION_CONNECTED);
	facts.is_quorate = false;
	facts.hears_agents = false;
	at(&isolation, &facts, 101000, HA_ISOLATION_CHECKING);
	assert_int_equal(isolation.lost_ms, 101000);
	facts.asked_ms = 101500;
	at(&isolation, &facts, 106499, HA_ISOLATION_CHECKING);
	at(&isolation, &facts, 106500, HA_ISOLATION_ISOLATED);
	at(&isolation, &facts, 200000, HA_ISOLATION_ISOLATED);
	/* An answer ends it after the declaration too. */
	facts.answered_ms = 200500;
	at(&isolation, &facts, 201000, HA_ISOLATION_PARTITIONED);
	at(&isolation, &facts, 205499, HA_ISOLATION_PARTITIONED);
	at(&isolation, &facts, 205500, HA_ISOLATION_CHECKING);
	at(&isolation, &facts, 210499, HA_ISOLATION_CHECKING);
	at(&isolation, &facts, 210500, HA_ISOLATION_ISOLATED);
	/* So does an agent that is heard. */
	facts.hears_agents = true;
	at(&isolation, &facts, 211000, HA_ISOLATION_PARTITIONED);
	assert_int_equal(isolation.lost_ms, 101000);
	facts.is_quorate = true;
	at(&isolation, &facts, 212000, HA_ISOLATION_CONNECTED);
}

/* Pings under way for long, because the host was partitioned: the silence of
 * agents must last as well. */
static void
agents_fall_silent_late(void **state)
{
	struct ha_isolation_facts facts = { .hears_agents = true,
					    .addresses = 2,
					    .asked_ms = 1000 };
	struct ha_isolation isolation;

	(void)state;
	ha_isolation_init(&isolation, 0);
	at(&isolation, &facts, 50000, HA_ISOLATION_PARTITIONED);
	facts.hears_agents = false;
	at(&isolation, &facts, 60000, HA_ISOLATION_CHECKING);
	at(&isolation, &facts, 64999, HA_ISOLATION_CHECKING);
	at(&isolation, &facts, 65000, HA_ISOLATION_ISOLATED);
}

/* Pings that could not be sent count as none. */
static void
pings_are_interrupted(void **state)
{
	struct ha_isolation_facts facts = { .addresses = 1 };
	struct ha_isolation isolation;

	(void)state;
	ha_isolation_init(&isolation, 0);
	at(&isolation, &facts, 1000, HA_ISOLATION_CHECKING);
	at(&isolation, &facts, 90000, HA_ISOLATION_CHECKING);
	facts.asked_ms = 90000;
	at(&isolation, &facts, 94999, HA_ISOLATION_CHECKING);
	facts.asked_ms = 94999;
	at(&isolation, &facts, 99998, HA_ISOLATION_CHECKING);
	at(&isolation, &facts, 99999, HA_ISOLATION_ISOLATED);
}

static void
without_any_address(void **state)
{
	struct ha_isolation_facts facts = { .answered_ms = 900 };
	struct ha_isolation isolation;

	(void)state;
	ha_isolation_init(&isolation, 0);
	at(&isolation, &facts, 1000, HA_ISOLATION_CHECKING);
	at(&isolation, &facts, 5999, HA_ISOLATION_CHECKING);
	at(&isolation, &facts, 6000, HA_ISOLATION_ISOLATED);
}

/* ---- every set of facts about a VM ------------------------------------------- */

#define CUT_MS 100000u

/* By the rules, in their own words: which response applies? */
static enum ha_response
applies(const struct ha_response_facts *f)
{
	if (f->isolation->state == HA_ISOLATION_ISOLATED) {
		return f->vm_isolation != HA_RESPONSE_CLUSTER ?
			       f->vm_isolation :
			       f->isolation_response;
	}
	if (f->isolation->state == HA_ISOLATION_PARTITIONED) {
		return f->vm_partition != HA_RESPONSE_CLUSTER ?
			       f->vm_partition :
			       f->partition_response;
	}
	return HA_RESPONSE_NONE;
}

static void
check_deed(const struct ha_response_facts *f,
	   const struct ha_response_verdict *v)
{
	enum ha_response response = applies(f);
	uint64_t delay_ms = f->isolation->state == HA_ISOLATION_ISOLATED ?
				    POLICY.delay_ms :
				    POLICY.partition_ms;

	assert_true(f->is_running);
	assert_false(f->is_restart_disabled);
	assert_true(!f->can_read || f->is_owner_alive);
	assert_true(f->now_ms >= CUT_MS + delay_ms);
	if (v->step == HA_RESPONSE_STEP_SHUTDOWN) {
		assert_true(response == HA_RESPONSE_SHUTDOWN &&
			    f->shutdown_ms == 0);
	} else {
		assert_true(response == HA_RESPONSE_POWEROFF ||
			    (response == HA_RESPONSE_SHUTDOWN &&
			     f->shutdown_ms != 0 &&
			     f->now_ms >= f->shutdown_ms + POLICY.shutdown_ms));
	}
}

/* What is not done is not done for a reason that is there. */
static void
check_idle(const struct ha_response_facts *f,
	   const struct ha_response_verdict *v)
{
	enum ha_response response = applies(f);
	uint64_t delay_ms = f->isolation->state == HA_ISOLATION_ISOLATED ?
				    POLICY.delay_ms :
				    POLICY.partition_ms;
	bool is_wanted = f->is_running && !f->is_restart_disabled &&
			 (response == HA_RESPONSE_POWEROFF ||
			  response == HA_RESPONSE_SHUTDOWN);
	bool is_time = f->now_ms >= CUT_MS + delay_ms;
	bool is_under_way = response == HA_RESPONSE_SHUTDOWN &&
			    f->shutdown_ms != 0 &&
			    f->now_ms < f->shutdown_ms + POLICY.shutdown_ms;

	switch (v->step) {
	case HA_RESPONSE_STEP_LEAVE:
		assert_false(is_wanted);
		break;
	case HA_RESPONSE_STEP_WAIT:
		assert_true(f->isolation->state == HA_ISOLATION_CHECKING ||
			    (is_wanted && (!is_time || is_under_way)));
		break;
	case HA_RESPONSE_STEP_DEFER:
		assert_true(is_wanted && is_time && !is_under_way);
		assert_true(f->can_read && !f->is_owner_alive);
		break;
	case HA_RESPONSE_STEP_SHUTDOWN:
	case HA_RESPONSE_STEP_POWEROFF:
		break;
	}
}

static void
check_cell(const struct ha_response_facts *f,
	   unsigned int seen[HA_RESPONSE_WHY_N])
{
	struct ha_response_verdict v = ha_response_judge(f, &POLICY);

	assert_true((unsigned int)v.why < HA_RESPONSE_WHY_N);
	seen[v.why]++;
	if (v.step == HA_RESPONSE_STEP_SHUTDOWN ||
	    v.step == HA_RESPONSE_STEP_POWEROFF) {
		check_deed(f, &v);
	} else {
		check_idle(f, &v);
	}
}

#define RESPONSES \
	(HA_RESPONSE_N * HA_RESPONSE_N * HA_RESPONSE_N * HA_RESPONSE_N)
static void
set_responses(struct ha_response_facts *f, unsigned int n)
{
	f->vm_isolation = (enum ha_response)(n % HA_RESPONSE_N);
	n /= HA_RESPONSE_N;
	f->vm_partition = (enum ha_response)(n % HA_RESPONSE_N);
	n /= HA_RESPONSE_N;
	f->isolation_response = (enum ha_response)(n % HA_RESPONSE_N);
	n /= HA_RESPONSE_N;
	f->partition_response = (enum ha_response)(n % HA_RESPONSE_N);
}

static void
every_cell(void **state)
{
	static const uint64_t NOW_MS[] = { CUT_MS,         CUT_MS + 29999,
					   CUT_MS + 30000, CUT_MS + 59999,
					   CUT_MS + 60000, CUT_MS + 399999,
					   CUT_MS + 400000 };
	static const uint64_t SHUTDOWN_MS[] = { 0, CUT_MS + 100000 };
	unsigned int seen[HA_RESPONSE_WHY_N] = { 0 };

	(void)state;
	for (unsigned int i = 0; i < HA_ISOLATION_N * RESPONSES; i++) {
		struct ha_isolation isolation = {
			.state = (enum ha_isolation_state)(i % HA_ISOLATION_N),
			.since_ms = CUT_MS,
			.lost_ms = CUT_MS,
		};
		struct ha_response_facts f = { .isolation = &isolation };

		set_responses(&f, i / HA_ISOLATION_N);
		for (unsigned int bits = 0; bits < 32; bits++) {
			f.is_restart_disabled = bits & 1u;
			f.is_running = bits & 2u;
			f.can_read = bits & 4u;
			f.is_owner_alive = bits & 8u;
			f.shutdown_ms = SHUTDOWN_MS[bits / 16];
			for (size_t t = 0; t < N_ELEMENTS(NOW_MS); t++) {
				f.now_ms = NOW_MS[t];
				check_cell(&f, seen);
			}
		}
	}
	for (size_t i = 0; i < HA_RESPONSE_WHY_N; i++) {
		assert_true(seen[i] > 0);
	}
}

/* The network is down everywhere: no VM is touched, however long it lasts. */
static void
nobody_could_restart_it(void **state)
{
	struct ha_isolation isolation = { .state = HA_ISOLATION_ISOLATED,
					  .since_ms = CUT_MS,
					  .lost_ms = CUT_MS };
	struct ha_response_facts f = {
		.isolation = &isolation,
		.isolation_response = HA_RESPONSE_POWEROFF,
		.is_running = true,
		.can_read = true,
		.now_ms = CUT_MS + 86400000u,
	};
	struct ha_response_verdict v = ha_response_judge(&f, &POLICY);

	(void)state;
	assert_int_equal(v.step, HA_RESPONSE_STEP_DEFER);
	assert_int_equal(v.why, HA_RESPONSE_WHY_NO_OWNER);
	f.is_owner_alive = true;
	v = ha_response_judge(&f, &POLICY);
	assert_int_equal(v.step, HA_RESPONSE_STEP_POWEROFF);
	assert_int_equal(v.why, HA_RESPONSE_WHY_ISOLATED);
	/* Back, with a shutdown begun: its guest is not powered off. */
	f.isolation_response = HA_RESPONSE_SHUTDOWN;
	f.shutdown_ms = CUT_MS + 30000;
	v = ha_response_judge(&f, &POLICY);
	assert_int_equal(v.why, HA_RESPONSE_WHY_SHUTDOWN_TIMEOUT);
	isolation.state = HA_ISOLATION_CONNECTED;
	v = ha_response_judge(&f, &POLICY);
	assert_int_equal(v.step, HA_RESPONSE_STEP_LEAVE);
}

static void
names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HA_RESPONSE_WHY_N; i++) {
		assert_true(strlen(ha_response_why_text(
				    (enum ha_response_why)i)) > 10);
	}
	assert_string_equal(ha_response_name(HA_RESPONSE_POWEROFF), "poweroff");
	assert_string_equal(ha_response_name(HA_RESPONSE_N), "invalid");
	assert_string_equal(ha_isolation_state_name(HA_ISOLATION_N), "invalid");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(agents_fall_silent_late),
		cmocka_unit_test(pings_are_interrupted),
		cmocka_unit_test(without_any_address),
		cmocka_unit_test(every_cell),
		cmocka_unit_test(nobody_could_restart_it),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
