/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/core/restart on random sets of VMs and a world that starts them: fast
 * or slowly, with failures, crashes, dying hosts and lost masters. At each
 * step the rules restated; at the end nobody may be left waiting for something
 * that is not in the world's hands. Then a set of a thousand.
 */
#include <string.h>

#include "unit.h"

#include "ha/restart.h"

#define WALKS 1500u
#define STEPS_MAX 5000u
#define VMS_MAX 1000u
#define FEW_VMS 24u
#define NEEDS_MAX 3u
#define TARGETS 3u
#define NEVER HA_RESTART_NEVER
#define S_MS UINT64_C(1000)

struct world {
	uint64_t random;
	struct ha_restart_vm vms[VMS_MAX];
	size_t needs[VMS_MAX][NEEDS_MAX];
	uint64_t ends_ms[VMS_MAX];    /* of the attempt under way */
	uint64_t readies_ms[VMS_MAX]; /* of its heartbeat */
	size_t count;
	struct ha_restart_rules rules;
	struct ha_restart_level_memory memory[HA_RESTART_PRIORITY_N];
	struct ha_restart_work work[VMS_MAX];
	struct ha_restart_verdict verdicts[VMS_MAX], again[VMS_MAX];
	struct ha_restart_sum sum;
	uint64_t now_ms;
	/* what may happen */
	unsigned int fails_percent;
	bool is_wild;
	unsigned int trouble; /* how often it still strikes */
};

static struct world w;
static unsigned long judged, started, waited[HA_RESTART_WHY_N];
static unsigned long waited_for_host;

static uint64_t
draw(uint64_t below)
{
	w.random ^= w.random << 13;
	w.random ^= w.random >> 7;
	w.random ^= w.random << 17;
	return w.random % below;
}

static void
draw_vm(size_t i)
{
	struct ha_restart_vm *vm = &w.vms[i];
	size_t wanted = i == 0 ? 0 : draw(NEEDS_MAX + 1);

	*vm = (struct ha_restart_vm){
		.name = "vm",
		.priority = (enum ha_restart_priority)(
			w.is_wild ? draw(HA_RESTART_PRIORITY_N) :
				    1 + draw(HA_RESTART_PRIORITY_N - 1)),
		.ready = (enum ha_ready)draw(HA_READY_N),
		.post_ready_ms = draw(3) ? 0 : draw(60 * S_MS),
		.target = (uint32_t)draw(TARGETS + 1),
		.has_timeout = draw(2),
		.timeout_ms = draw(100 * S_MS),
		.depends_on = w.needs[i],
		.is_wanted = !w.is_wild || draw(8),
		.has_room = !w.is_wild || draw(8),
		.is_running = draw(4) == 0,
		.since_ms = draw(2) ? w.now_ms : 0,
	};
	vm->is_ready = vm->is_running && draw(8);
	/* Backwards only: no cycles. */
	for (size_t k = 0; k < wanted; k++) {
		size_t needed = draw(i);

		if (w.vms[needed].priority >= vm->priority || w.is_wild) {
			w.needs[i][vm->depends_count++] = needed;
		}
	}
	w.readies_ms[i] =
		vm->is_running && !vm->is_ready ? w.now_ms + S_MS : NEVER;
	w.ends_ms[i] = NEVER;
}

static void
draw_world(uint64_t seed, size_t count, bool is_wild)
{
	memset(&w, 0, sizeof(w));
	w.random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	w.now_ms = 5000 * S_MS;
	w.is_wild = is_wild;
	w.count = count;
	w.rules = ha_restart_rules_default(1);
	w.rules.concurrent_max = 1 + (uint32_t)draw(count < 8 ? 4 : 8);
	w.rules.per_target_max = (uint32_t)draw(count < 8 ? 3 : 6);
	w.fails_percent = is_wild ? (unsigned int)draw(100) : 0;
	w.trouble = is_wild ? (unsigned int)draw(40) : 0;
	for (size_t i = 0; i < count; i++) {
		draw_vm(i);
	}
}

/* ---- the world ------------------------------------------------------------- */

static void
go_down(size_t i)
{
	struct ha_restart_vm *vm = &w.vms[i];

	vm->is_running = vm->is_starting = vm->is_ready = false;
	vm->failed_ms = w.now_ms;
	w.ends_ms[i] = w.readies_ms[i] = NEVER;
}

static void
end_attempt(size_t i)
{
	struct ha_restart_vm *vm = &w.vms[i];

	if (draw(100) < w.fails_percent) {
		go_down(i);
		return;
	}
	w.ends_ms[i] = NEVER;
	vm->is_starting = false;
	vm->is_running = true;
	vm->runs_since_ms = w.now_ms;
	/* In a wild world some are never well. */
	w.readies_ms[i] =
		w.is_wild && draw(6) == 0 ? NEVER : w.now_ms + draw(300 * S_MS);
}

static void
strike(void)
{
	size_t i = draw(w.count);
	struct ha_restart_vm *vm = &w.vms[i];

	w.trouble--;
	switch (draw(7)) {
	case 0: /* a crash */
		if (vm->is_running) {
			go_down(i);
			vm->since_ms = w.now_ms;
		}
		break;
	case 1: /* the host of a third of them */
		for (size_t k = draw(3); k < w.count; k += 3) {
			if (w.vms[k].is_running) {
				go_down(k);
				w.vms[k].attempts = 0;
				w.vms[k].since_ms = w.now_ms;
			}
		}
		break;
	case 2:
		vm->is_wanted = !vm->is_wanted;
		break;
	case 3:
		vm->has_room = !vm->has_room;
		break;
	case 4: /* a new master */
		memset(w.memory, 0, sizeof(w.memory));
		break;
	case 5:
		vm->is_ready = false;
		break;
	case 6: /* another plan */
		vm->target = (uint32_t)draw(TARGETS + 1);
		break;
	}
}

static void
act(void)
{
	for (size_t i = 0; i < w.count; i++) {
		struct ha_restart_vm *vm = &w.vms[i];

		if (w.verdicts[i].is_over) {
			vm->attempts = 0;
		}
		if (w.verdicts[i].why == HA_RESTART_MAY_START) {
			vm->is_starting = true;
			vm->attempts++;
			vm->granted_ms = w.now_ms;
			/* Rarely longer than an attempt may take. */
			w.ends_ms[i] =
				w.now_ms + 1 +
				draw(w.is_wild && draw(20) == 0 ? 900 * S_MS :
								  90 * S_MS);
			started++;
		}
	}
}

/* To the next thing that happens; false: nothing will. */
static bool
go_on(void)
{
	uint64_t next_ms = w.sum.due_ms;

	for (size_t i = 0; i < w.count; i++) {
		next_ms = w.ends_ms[i] < next_ms ? w.ends_ms[i] : next_ms;
		next_ms = w.readies_ms[i] < next_ms ? w.readies_ms[i] : next_ms;
	}
	if (next_ms == NEVER && w.trouble == 0) {
		return false;
	}
	w.now_ms = next_ms == NEVER ? w.now_ms + S_MS : next_ms;
	for (size_t i = 0; i < w.count; i++) {
		if (w.ends_ms[i] <= w.now_ms) {
			end_attempt(i);
		}
		if (w.readies_ms[i] <= w.now_ms) {
			w.readies_ms[i] = NEVER;
			w.vms[i].is_ready = true;
			w.vms[i].ready_since_ms = w.now_ms;
		}
	}
	if (w.trouble > 0 && draw(4) == 0) {
		strike();
	}
	return true;
}

/* ---- the rules, restated --------------------------------------------------- */

static bool
is_up_and_well(const struct ha_restart_vm *vm)
{
	bool has_heartbeat =
		vm->ready == HA_READY_GUEST || vm->ready == HA_READY_APP;
	uint64_t since_ms =
		has_heartbeat ? vm->ready_since_ms : vm->runs_since_ms;

	return vm->is_running && (!has_heartbeat || vm->is_ready) &&
	       w.now_ms - since_ms >= vm->post_ready_ms;
}

static bool
is_slow(const struct ha_restart_vm *vm)
{
	return w.now_ms - vm->granted_ms >= w.rules.attempt_timeout_ms;
}

static void
check_start(size_t i)
{
	const struct ha_restart_vm *vm = &w.vms[i];

	assert_true(vm->is_wanted && vm->has_room);
	assert_false(vm->is_running || vm->is_starting);
	assert_true(vm->priority != HA_RESTART_DISABLED);
	assert_true(vm->attempts < w.rules.attempts_max);
	assert_true(w.now_ms - vm->failed_ms >= w.rules.waits_ms[vm->attempts]);
	for (size_t k = 0; k < vm->depends_count; k++) {
		assert_true(is_up_and_well(&w.vms[vm->depends_on[k]]));
	}
}

/* Without a condition only the end of its first attempt lets others on. */
static bool
is_awaited(size_t i)
{
	const struct ha_restart_vm *vm = &w.vms[i];

	return vm->ready == HA_READY_NONE &&
	       ((vm->attempts == 0 &&
		 (w.verdicts[i].why == HA_RESTART_MAY_START ||
		  w.verdicts[i].why == HA_RESTART_WAITS_SLOT)) ||
		(vm->attempts == 1 &&
		 w.verdicts[i].why == HA_RESTART_STARTING && !is_slow(vm)));
}

/* Of one host, or of all together. */
struct slots {
	int waits; /* the highest level that waits for them; -1: none */
	uint32_t under_way, starts;
};

static bool
is_counted(const struct ha_restart_vm *vm)
{
	return w.rules.per_target_max > 0 && vm->target != HA_RESTART_NO_TARGET;
}

static void
count(struct slots *all)
{
	for (size_t i = 0; i < w.count; i++) {
		const struct ha_restart_vm *vm = &w.vms[i];
		const struct ha_restart_verdict *v = &w.verdicts[i];
		bool is_under_way =
			v->why == HA_RESTART_STARTING && !is_slow(vm);
		struct slots *one = is_counted(vm) ? &all[vm->target] : NULL;
		struct slots *of = &all[v->target];

		waited[v->why]++;
		if (one) {
			one->under_way += is_under_way;
			one->starts += v->why == HA_RESTART_MAY_START;
		}
		all->under_way += is_under_way;
		all->starts += v->why == HA_RESTART_MAY_START;
		if (v->why == HA_RESTART_WAITS_SLOT) {
			assert_true(of == one || of == all);
			waited_for_host += of == one;
			of->waits = (int)vm->priority > of->waits ?
					    (int)vm->priority :
					    of->waits;
		} else {
			assert_int_equal(v->target, HA_RESTART_NO_TARGET);
		}
	}
}

static void
check_bound(const struct slots *slots, uint32_t max)
{
	/* Attempts that were slow and end late never go beyond it. */
	assert_true(slots->starts == 0 ||
		    slots->under_way + slots->starts <= max);
	/* Beside what is kept for a batch, while something ends by itself. */
	if (slots->waits >= 0) {
		assert_true(slots->under_way + slots->starts +
				    (slots->under_way > 0 ?
					     max / HA_RESTART_BATCH_PARTS :
					     0) >=
			    max);
	}
}

static void
check_order(void)
{
	struct slots slots[TARGETS + 1] = {
		{ -1, 0, 0 }, { -1, 0, 0 }, { -1, 0, 0 }, { -1, 0, 0 }
	};
	int awaited = -1; /* the highest level */

	count(slots);
	for (size_t i = 0; i < w.count; i++) {
		int level = (int)w.vms[i].priority;

		awaited = is_awaited(i) && level > awaited ? level : awaited;
	}
	for (size_t i = 0; i < w.count; i++) {
		const struct ha_restart_vm *vm = &w.vms[i];

		if (w.verdicts[i].why == HA_RESTART_MAY_START) {
			check_start(i);
			assert_true((int)vm->priority >= awaited);
			assert_true((int)vm->priority >= slots->waits);
			assert_true(!is_counted(vm) ||
				    (int)vm->priority >=
					    slots[vm->target].waits);
		}
	}
	check_bound(slots, w.rules.concurrent_max);
	for (size_t i = 1; i <= TARGETS && w.rules.per_target_max > 0; i++) {
		check_bound(&slots[i], w.rules.per_target_max);
	}
	assert_int_equal(slots->starts, w.sum.counts[HA_RESTART_MAY_START]);
}

static void
judge_at(uint64_t at_ms)
{
	struct ha_restart_level_memory memory[HA_RESTART_PRIORITY_N];

	memcpy(memory, w.memory, sizeof(memory));
	memset(w.again, 0xff, sizeof(w.again[0]) * w.count);
	memset(w.work, (int)draw(256), sizeof(w.work[0]) * w.count);
	ha_restart_judge(w.vms, w.count, &w.rules, at_ms, memory, w.work,
			 w.again);
	for (size_t i = 0; i < w.count; i++) {
		const struct ha_restart_verdict *a = &w.verdicts[i];
		const struct ha_restart_verdict *b = &w.again[i];

		if (a->why != b->why || a->blocker != b->blocker ||
		    a->level != b->level || a->target != b->target ||
		    a->due_ms != b->due_ms || a->is_stuck != b->is_stuck ||
		    a->is_overdue != b->is_overdue ||
		    a->is_over != b->is_over) {
			fail_msg("vm %zu, seed state %llx: %s by %zu until "
				 "%llu at %llu, %s by %zu until %llu at %llu",
				 i, (unsigned long long)w.random,
				 ha_restart_why_name(a->why), a->blocker,
				 (unsigned long long)a->due_ms,
				 (unsigned long long)w.now_ms,
				 ha_restart_why_name(b->why), b->blocker,
				 (unsigned long long)b->due_ms,
				 (unsigned long long)at_ms);
		}
	}
}

/* The same facts, the same verdict, and nothing new before the time said. */
static void
check_due(void)
{
	uint64_t span_ms = w.sum.due_ms - w.now_ms;

	assert_true(w.sum.due_ms > w.now_ms);
	judge_at(w.now_ms);
	judge_at(w.now_ms + draw(span_ms < 99999999 ? span_ms : 99999999));
	if (w.sum.due_ms != NEVER) {
		judge_at(w.sum.due_ms - 1);
	}
}

/* Nothing happens any more: who still waits, waits for a person. */
static void
check_end(void)
{
	for (size_t i = 0; i < w.count; i++) {
		size_t at = i;

		while (w.verdicts[at].why == HA_RESTART_WAITS_DEPENDENCY) {
			at = w.verdicts[at].blocker;
		}
		switch (w.verdicts[at].why) {
		case HA_RESTART_RUNS:
			assert_true(at == i || !is_up_and_well(&w.vms[at]));
			break;
		case HA_RESTART_GIVEN_UP:
		case HA_RESTART_IS_DISABLED:
		case HA_RESTART_NOT_WANTED:
			assert_true(at == i || w.verdicts[i].is_stuck);
			break;
		case HA_RESTART_NO_ROOM:
			break;
		case HA_RESTART_STARTING:
		case HA_RESTART_MAY_START:
		case HA_RESTART_WAITS_PRIORITY:
		case HA_RESTART_WAITS_DEPENDENCY:
		case HA_RESTART_WAITS_RETRY:
		case HA_RESTART_WAITS_SLOT:
		case HA_RESTART_WHY_N:
			fail_msg("vm %zu: %s", at,
				 ha_restart_why_name(w.verdicts[at].why));
		}
		if (!w.is_wild) {
			assert_true(w.vms[i].is_running);
		}
	}
}

static void
walk(void)
{
	unsigned int steps = 0;

	do {
		assert_true(steps++ < STEPS_MAX);
		w.sum = ha_restart_judge(w.vms, w.count, &w.rules, w.now_ms,
					 w.memory, w.work, w.verdicts);
		judged++;
		check_order();
		check_due();
		act();
		/* What was granted is under way: ask again for the time. */
		w.sum = ha_restart_judge(w.vms, w.count, &w.rules, w.now_ms,
					 w.memory, w.work, w.verdicts);
		check_order();
	} while (go_on());
	check_end();
}

static void
everything_starts(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++) {
		draw_world(seed, 1 + seed % FEW_VMS, false);
		walk();
	}
	assert_true(started > 1000);
}

static void
nobody_is_left_waiting(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= WALKS; seed++) {
		draw_world(seed, 1 + seed % FEW_VMS, true);
		walk();
	}
	/* A walk that never comes by a rule shows nothing about it. */
	for (int why = 0; why < HA_RESTART_WHY_N; why++) {
		assert_true(waited[why] > 1000);
	}
	assert_true(waited_for_host > 1000);
}

static void
thousand(void **state)
{
	(void)state;
	draw_world(7, VMS_MAX, false);
	walk();
	/* One chain, against the order of the array. */
	draw_world(8, VMS_MAX, false);
	w.rules.concurrent_max = VMS_MAX;
	for (size_t i = 0; i < VMS_MAX; i++) {
		w.vms[i] = (struct ha_restart_vm){
			.priority = HA_RESTART_MEDIUM,
			.depends_on = w.needs[i],
			.depends_count = i + 1 < VMS_MAX ? 1 : 0,
			.is_wanted = true,
			.has_room = true,
		};
		w.needs[i][0] = i + 1;
		w.readies_ms[i] = NEVER;
	}
	walk();
	assert_true(w.now_ms > 5000 * S_MS + VMS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_starts),
		cmocka_unit_test(nobody_is_left_waiting),
		cmocka_unit_test(thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
