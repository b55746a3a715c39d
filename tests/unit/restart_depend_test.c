/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/restart: which dependencies may be configured, on graphs by hand
 * and random ones; names and defaults; and facts that should not be: times of
 * another clock or at the end of time, empty and long lists of waits,
 * priorities out of range, working memory from anywhere.
 */
#include <errno.h>
#include <string.h>

#include "unit.h"

#include "ha/restart.h"

#define VMS_MAX 12u
#define NEVER HA_RESTART_NEVER
#define MINUTE_MS UINT64_C(60000)

static const char *const NAMES[VMS_MAX] = { "a", "b", "c", "d", "e", "f",
					    "g", "h", "i", "j", "k", "l" };

struct set {
	struct ha_restart_vm vms[VMS_MAX];
	size_t needs[VMS_MAX][VMS_MAX];
	size_t count;
	struct ha_restart_work work[VMS_MAX];
	size_t cycle[VMS_MAX];
	struct ha_err err;
};

static void
set_init(struct set *set, size_t count)
{
	memset(set, 0xa5, sizeof(*set));
	set->count = count;
	for (size_t i = 0; i < count; i++) {
		set->vms[i] = (struct ha_restart_vm){
			.name = NAMES[i],
			.priority = HA_RESTART_MEDIUM,
			.depends_on = set->needs[i],
			.is_wanted = true,
			.has_room = true,
		};
	}
}

static void
set_need(struct set *set, size_t vm, size_t needed)
{
	set->needs[vm][set->vms[vm].depends_count++] = needed;
}

static int
check(struct set *set)
{
	set->err.text[0] = '\0';
	return ha_restart_order_check(set->vms, set->count, set->work,
				      set->cycle, &set->err);
}

static bool
says(const struct set *set, const char *words)
{
	return strstr(set->err.text, words);
}

/* ---- what may be configured ---------------------------------------------- */

static void
cycle_by_hand(void **state)
{
	struct set set;

	(void)state;
	set_init(&set, 0);
	assert_int_equal(check(&set), 0);
	set_init(&set, 5);
	assert_int_equal(check(&set), 0);
	/* A diamond is none. */
	set_need(&set, 0, 1);
	set_need(&set, 0, 2);
	set_need(&set, 1, 3);
	set_need(&set, 2, 3);
	assert_int_equal(check(&set), 0);
	assert_string_equal(set.err.text, "");
	/* 3 on 1: b -> d -> b, not by way of a. */
	set_need(&set, 3, 4);
	set_need(&set, 3, 1);
	assert_int_equal(ha_restart_cycle(set.vms, 5, set.work, set.cycle), 2);
	assert_int_equal(set.cycle[0], 1);
	assert_int_equal(set.cycle[1], 3);
	assert_int_equal(check(&set), -ELOOP);
	assert_true(says(&set, "b -> d -> b:"));
	assert_false(says(&set, "a ->"));
	/* On oneself. */
	set_init(&set, 2);
	set_need(&set, 1, 1);
	assert_int_equal(ha_restart_cycle(set.vms, 2, set.work, set.cycle), 1);
	assert_int_equal(set.cycle[0], 1);
	assert_int_equal(check(&set), -ELOOP);
	assert_true(says(&set, "b -> b:"));
}

static void
order(void **state)
{
	struct set set;

	(void)state;
	for (int vm = 0; vm < HA_RESTART_PRIORITY_N; vm++) {
		for (int needed = 0; needed < HA_RESTART_PRIORITY_N; needed++) {
			int rc;

			set_init(&set, 2);
			set.vms[0].priority = (enum ha_restart_priority)vm;
			set.vms[1].priority = (enum ha_restart_priority)needed;
			set_need(&set, 0, 1);
			rc = check(&set);
			assert_int_equal(rc, vm > needed ? -EINVAL : 0);
			assert_true(rc == 0 ||
				    (says(&set, "a (restart priority") &&
				     says(&set, "depends on b (restart")));
			assert_true(rc == 0 ||
				    (needed == HA_RESTART_DISABLED) ==
					    says(&set, "never restarted"));
		}
	}
	set_init(&set, 3);
	set_need(&set, 1, 0);
	set_need(&set, 2, 3); /* not below count */
	assert_int_equal(check(&set), -ENOENT);
	assert_true(says(&set, "c depends on"));
	set_init(&set, 2);
	set.vms[1].depends_on = NULL;
	assert_int_equal(check(&set), 0);
}

/* What is left when all without dependencies are taken away, again and again,
 * is cycles and what depends on them. */
static bool
has_cycle(const struct set *set)
{
	bool is_gone[VMS_MAX] = { false };
	size_t gone = 0, before;

	do {
		before = gone;
		for (size_t i = 0; i < set->count; i++) {
			bool is_free = !is_gone[i];

			for (size_t k = 0; k < set->vms[i].depends_count; k++) {
				is_free &= is_gone[set->needs[i][k]];
			}
			if (is_free) {
				is_gone[i] = true;
				gone++;
			}
		}
	} while (gone > before);
	return gone < set->count;
}

static bool
needs(const struct set *set, size_t vm, size_t needed)
{
	for (size_t k = 0; k < set->vms[vm].depends_count; k++) {
		if (set->needs[vm][k] == needed) {
			return true;
		}
	}
	return false;
}

static void
cycle_random(void **state)
{
	uint64_t random = 88172645463325252u;
	unsigned int with = 0, without = 0;
	struct set set;

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		size_t length;

		set_init(&set, 1 + round % VMS_MAX);
		for (unsigned int k = 0; k < round % 15; k++) {
			size_t vm;

			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			vm = random % set.count;
			set_need(&set, vm, (random >> 32) % set.count);
			if (set.vms[vm].depends_count == VMS_MAX) {
				break;
			}
		}
		length = ha_restart_cycle(set.vms, set.count, set.work,
					  set.cycle);
		assert_int_equal(length > 0, has_cycle(&set));
		with += length > 0;
		without += length == 0;
		for (size_t i = 0; i < length; i++) {
			assert_true(needs(&set, set.cycle[i],
					  set.cycle[(i + 1) % length]));
			for (size_t k = 0; k < i; k++) {
				assert_true(set.cycle[k] != set.cycle[i]);
			}
		}
	}
	assert_true(with > 2000 && without > 2000);
}

/* ---- names and defaults ---------------------------------------------------- */

static void
names(void **state)
{
	struct ha_err err = HA_ERR_INIT;
	enum ha_restart_priority priority = HA_RESTART_PRIORITY_N;
	enum ha_ready ready = HA_READY_N;

	(void)state;
	for (unsigned int i = 0; i < HA_RESTART_PRIORITY_N; i++) {
		const char *name =
			ha_restart_priority_name((enum ha_restart_priority)i);

		assert_int_equal(
			ha_restart_priority_parse(name, &priority, &err), 0);
		assert_int_equal(priority, i);
	}
	for (unsigned int i = 0; i < HA_READY_N; i++) {
		assert_int_equal(ha_ready_parse(ha_ready_name((enum ha_ready)i),
						&ready, &err),
				 0);
		assert_int_equal(ready, i);
		assert_true(strlen(ha_ready_text((enum ha_ready)i)) > 5);
	}
	for (unsigned int i = 0; i < HA_RESTART_WHY_N; i++) {
		const char *name = ha_restart_why_name((enum ha_restart_why)i);

		assert_true(strlen(name) > 3 && !strchr(name, ' '));
		assert_true(strlen(ha_restart_why_text(
				    (enum ha_restart_why)i)) > 5);
		for (unsigned int k = 0; k < i; k++) {
			assert_string_not_equal(
				name,
				ha_restart_why_name((enum ha_restart_why)k));
		}
	}
	assert_int_equal(ha_restart_priority_parse("cluster", &priority, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "\"cluster\""));
	assert_int_equal(priority, HA_RESTART_HIGHEST);
	assert_int_equal(ha_ready_parse("app", &ready, &err), -EINVAL);
	assert_non_null(strstr(err.text, "application-heartbeat"));
	assert_int_equal(ready, HA_READY_APP);
	assert_string_equal(ha_restart_priority_name(HA_RESTART_PRIORITY_N),
			    "invalid");
	assert_string_equal(ha_ready_name(HA_READY_N), "invalid");
	assert_string_equal(ha_ready_text(HA_READY_N),
			    "invalid ready condition");
	assert_string_equal(ha_restart_why_name(HA_RESTART_WHY_N), "invalid");
	assert_string_equal(ha_restart_why_text(HA_RESTART_WHY_N),
			    "invalid reason");
}

static void
defaults(void **state)
{
	struct ha_restart_rules rules = ha_restart_rules_default(3);
	uint64_t sum_ms = 0;

	(void)state;
	for (size_t i = 0; i < rules.wait_count; i++) {
		sum_ms += rules.waits_ms[i];
	}
	/* No attempt is ever forgotten while the schedule still runs. */
	assert_int_equal(sum_ms, rules.forget_ms);
	assert_int_equal(sum_ms, 30 * MINUTE_MS);
	assert_int_equal(rules.wait_count, rules.attempts_max);
	assert_int_equal(rules.priority_timeout_ms, 10 * MINUTE_MS);
	assert_int_equal(rules.concurrent_max, 96);
	assert_int_equal(ha_restart_rules_default(0).concurrent_max, 0);
	assert_int_equal(ha_restart_rules_default(UINT32_MAX).concurrent_max,
			 UINT32_MAX);
}

/* ---- facts that should not be ------------------------------------------------ */

struct world {
	struct set set;
	struct ha_restart_rules rules;
	struct ha_restart_level_memory memory[HA_RESTART_PRIORITY_N];
	struct ha_restart_verdict verdicts[VMS_MAX];
	struct ha_restart_sum sum;
};

static void
world_init(struct world *w, size_t count)
{
	memset(w, 0, sizeof(*w));
	set_init(&w->set, count);
	w->rules = ha_restart_rules_default(1);
}

static enum ha_restart_why
judge(struct world *w, uint64_t now_ms, size_t vm)
{
	w->sum = ha_restart_judge(w->set.vms, w->set.count, &w->rules, now_ms,
				  w->memory, w->set.work, w->verdicts);
	return w->verdicts[vm].why;
}

static void
odd_times(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 2);
	assert_int_equal(judge(&w, 0, 0), HA_RESTART_MAY_START);
	w.set.vms[0].attempts = 1;
	/* Failed ahead of now: not left down for it. */
	w.set.vms[0].failed_ms = 1001;
	assert_int_equal(judge(&w, 1000, 0), HA_RESTART_MAY_START);
	w.set.vms[0].failed_ms = 1000;
	assert_int_equal(judge(&w, 1000, 0), HA_RESTART_WAITS_RETRY);
	/* A wait that can't end. */
	w.rules.waits_ms[1] = NEVER;
	assert_int_equal(judge(&w, NEVER - 1, 0), HA_RESTART_WAITS_RETRY);
	assert_true(w.verdicts[0].due_ms == NEVER);
	/* Granted ahead of now: overdue rather than for ever. */
	w.set.vms[0].is_starting = true;
	w.set.vms[0].granted_ms = 1001;
	assert_int_equal(judge(&w, 1000, 0), HA_RESTART_STARTING);
	assert_true(w.verdicts[0].is_overdue);
	/* The turn of a level began ahead of now: it begins now. */
	world_init(&w, 2);
	w.set.vms[0].priority = HA_RESTART_HIGH;
	w.set.vms[0].ready = HA_READY_POWERED_ON;
	w.memory[HA_RESTART_HIGH].is_waiting = true;
	w.memory[HA_RESTART_HIGH].began_ms = 2000;
	assert_int_equal(judge(&w, 1000, 1), HA_RESTART_WAITS_PRIORITY);
	assert_int_equal(w.verdicts[1].due_ms, 1000 + 10 * MINUTE_MS);
	/* An incident that begins ahead of now says nothing. */
	w.set.vms[0].since_ms = 2000;
	assert_int_equal(judge(&w, 1000, 1), HA_RESTART_WAITS_PRIORITY);
	assert_int_equal(w.verdicts[1].due_ms, 1000 + 10 * MINUTE_MS);
	assert_int_equal(judge(&w, 1000 + 10 * MINUTE_MS, 1),
			 HA_RESTART_WAITS_PRIORITY);
	w.set.vms[0].since_ms = 0;
	assert_int_equal(judge(&w, 1000 + 10 * MINUTE_MS, 1),
			 HA_RESTART_MAY_START);
}

static void
odd_rules(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 1);
	w.set.vms[0].attempts = 3;
	w.set.vms[0].failed_ms = 1000;
	w.rules.wait_count = 0; /* no waits */
	assert_int_equal(judge(&w, 1000, 0), HA_RESTART_MAY_START);
	w.rules.wait_count = SIZE_MAX; /* not beyond what there is */
	w.rules.waits_ms[HA_RESTART_WAITS_MAX - 1] = 7;
	w.rules.attempts_max = UINT32_MAX;
	w.set.vms[0].attempts = 999;
	assert_int_equal(judge(&w, 1006, 0), HA_RESTART_WAITS_RETRY);
	assert_int_equal(w.sum.due_ms, 1007);
	assert_int_equal(judge(&w, 1007, 0), HA_RESTART_MAY_START);
	w.set.vms[0].attempts = 0;
	w.rules.attempts_max = 0;
	assert_int_equal(judge(&w, 1007, 0), HA_RESTART_GIVEN_UP);
	/* No VMs at all. */
	w.set.count = 0;
	judge(&w, 1000, 0);
	assert_true(w.sum.due_ms == NEVER);
	assert_int_equal(w.sum.counts[HA_RESTART_MAY_START], 0);
}

static void
odd_vms(void **state)
{
	struct world w;
	int priority = HA_RESTART_PRIORITY_N;

	(void)state;
	world_init(&w, 2);
	memcpy(&w.set.vms[0].priority, &priority, sizeof(priority));
	assert_int_equal(judge(&w, 1000, 0), HA_RESTART_IS_DISABLED);
	/* It runs although its user stopped it, and starts while it runs. */
	world_init(&w, 2);
	set_need(&w.set, 1, 0);
	w.set.vms[0].is_wanted = false;
	w.set.vms[0].is_running = w.set.vms[0].is_starting = true;
	w.rules.concurrent_max = 1;
	assert_int_equal(judge(&w, 1000, 0), HA_RESTART_RUNS);
	assert_int_equal(w.verdicts[1].why, HA_RESTART_MAY_START);
	/* Ready, they say, but it does not run. */
	w.set.vms[0].ready = HA_READY_GUEST;
	w.set.vms[0].is_ready = true;
	w.set.vms[0].is_running = false;
	assert_int_equal(judge(&w, 1000, 1), HA_RESTART_WAITS_DEPENDENCY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cycle_by_hand), cmocka_unit_test(cycle_random),
		cmocka_unit_test(order),         cmocka_unit_test(names),
		cmocka_unit_test(defaults),      cmocka_unit_test(odd_times),
		cmocka_unit_test(odd_rules),     cmocka_unit_test(odd_vms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
