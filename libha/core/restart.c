/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which VMs may be started now: level by level, highest first, with a gate
 * that the first level which is not done closes for all below it. Must never
 * let a VM start before what it depends on, nor more at a time than allowed;
 * nor let one that can't come up keep others down: each wait for a priority
 * ends by itself. It is asked anew after every change and at due_ms, and keeps
 * nothing but the time since which a level has had its turn.
 */
#include "ha/restart.h"

#include "restart_facts.h"

/* Closed by the first level that lower ones have to wait for. */
struct gate {
	bool is_closed;
	enum ha_restart_priority level;
	size_t blocker;
	uint64_t due_ms;
};

/* Slots of one host, or of all. */
struct slots {
	uint32_t free;
	uint32_t max;
	uint32_t under_way;
	uint32_t wanted; /* by VMs that could go */
	uint64_t due_ms; /* when an attempt under way gives one back */
};

struct judge {
	const struct ha_restart_vm *vms;
	size_t count;
	const struct ha_restart_rules *rules;
	uint64_t now_ms;
	struct ha_restart_work *work;
	struct ha_restart_verdict *verdicts;
	struct slots all;
	struct slots hosts[HA_RESTART_TARGETS_MAX];
	struct gate gate;
};

static uint64_t
min_ms(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

static uint64_t
max_ms(uint64_t a_ms, uint64_t b_ms)
{
	return a_ms > b_ms ? a_ms : b_ms;
}

static enum ha_restart_priority
level_of(const struct ha_restart_vm *vm)
{
	return (unsigned int)vm->priority < HA_RESTART_PRIORITY_N ?
		       vm->priority :
		       HA_RESTART_DISABLED;
}

static uint64_t
timeout_ms(const struct judge *judge, const struct ha_restart_vm *vm)
{
	return vm->has_timeout ? vm->timeout_ms :
				 judge->rules->priority_timeout_ms;
}

static uint64_t
over_at(const struct judge *judge, const struct ha_restart_vm *vm)
{
	/* Not before lower levels have stopped waiting for it. */
	uint64_t wait_ms =
		max_ms(judge->rules->forget_ms,
		       max_ms(timeout_ms(judge, vm), vm->post_ready_ms));

	return ha__restart_end(vm->runs_since_ms, wait_ms, judge->now_ms);
}

/* ---- one VM -------------------------------------------------------------- */

static void
judge_dependencies(const struct judge *judge, const struct ha_restart_vm *vm,
		   struct ha_restart_verdict *verdict)
{
	enum ha__fate worst = HA__FATE_COMING;
	uint64_t due_ms = 0;

	for (size_t i = 0; i < vm->depends_count; i++) {
		size_t needed = vm->depends_on[i];
		enum ha__fate fate = HA__FATE_HOPELESS;
		uint64_t ready_ms = HA_RESTART_NEVER;

		if (needed < judge->count) {
			fate = (enum ha__fate)judge->work[needed].fate;
			ready_ms = ha__restart_ready_at(&judge->vms[needed],
							judge->now_ms);
		}
		if (ready_ms <= judge->now_ms) {
			continue;
		}
		if (verdict->why != HA_RESTART_WAITS_DEPENDENCY ||
		    fate > worst || (fate == worst && ready_ms > due_ms)) {
			verdict->why = HA_RESTART_WAITS_DEPENDENCY;
			verdict->blocker =
				needed < judge->count ? needed : judge->count;
			verdict->is_stuck = fate == HA__FATE_HOPELESS;
			worst = fate;
		}
		due_ms = max_ms(due_ms, ready_ms);
	}
	if (verdict->why == HA_RESTART_WAITS_DEPENDENCY) {
		verdict->due_ms = due_ms;
	}
}

/* NULL: they are not counted, or its target is not known. */
static struct slots *
slots_of(struct judge *judge, const struct ha_restart_vm *vm)
{
	if (judge->rules->per_target_max == 0 ||
	    vm->target == HA_RESTART_NO_TARGET ||
	    vm->target > HA_RESTART_TARGETS_MAX) {
		return NULL;
	}
	return &judge->hosts[vm->target - 1];
}

static void
judge_turn(struct judge *judge, const struct ha_restart_vm *vm,
	   struct ha_restart_verdict *verdict)
{
	struct slots *host = slots_of(judge, vm);

	if (judge->gate.is_closed) {
		verdict->why = HA_RESTART_WAITS_PRIORITY;
		verdict->blocker = judge->gate.blocker;
		verdict->level = judge->gate.level;
		verdict->due_ms = judge->gate.due_ms;
	} else if (host && host->free == 0) {
		verdict->why = HA_RESTART_WAITS_SLOT;
		verdict->target = vm->target;
		verdict->due_ms = host->due_ms;
	} else if (judge->all.free == 0) {
		verdict->why = HA_RESTART_WAITS_SLOT;
		verdict->due_ms = judge->all.due_ms;
	} else {
		judge->all.free--;
		if (host) {
			host->free--;
		}
	}
}

static struct ha_restart_verdict
judge_vm(struct judge *judge, const struct ha_restart_vm *vm)
{
	struct ha_restart_verdict verdict = {
		.why = ha__restart_own(vm, judge->rules, judge->now_ms),
		.blocker = judge->count,
		.due_ms = HA_RESTART_NEVER,
	};
	uint64_t at_ms;

	switch (verdict.why) {
	case HA_RESTART_RUNS:
		at_ms = over_at(judge, vm);
		verdict.is_over = vm->attempts > 0 && at_ms <= judge->now_ms;
		if (vm->attempts > 0 && !verdict.is_over) {
			verdict.due_ms = at_ms;
		}
		break;
	case HA_RESTART_STARTING:
		at_ms = ha__restart_overdue_at(vm, judge->rules, judge->now_ms);
		verdict.is_overdue = at_ms <= judge->now_ms;
		if (!verdict.is_overdue) {
			verdict.due_ms = at_ms;
		}
		break;
	case HA_RESTART_WAITS_RETRY:
		verdict.due_ms =
			ha__restart_retry_at(vm, judge->rules, judge->now_ms);
		break;
	case HA_RESTART_MAY_START:
		judge_dependencies(judge, vm, &verdict);
		if (verdict.why == HA_RESTART_MAY_START) {
			judge_turn(judge, vm, &verdict);
		}
		break;
	case HA_RESTART_WAITS_PRIORITY:
	case HA_RESTART_WAITS_DEPENDENCY:
	case HA_RESTART_WAITS_SLOT:
	case HA_RESTART_GIVEN_UP:
	case HA_RESTART_IS_DISABLED:
	case HA_RESTART_NO_ROOM:
	case HA_RESTART_NOT_WANTED:
	case HA_RESTART_WHY_N:
		break;
	}
	return verdict;
}

/* ---- whom a VM holds up --------------------------------------------------- */

/* Has a lower level to wait for it, timeouts aside? */
static bool
is_awaited(const struct judge *judge, const struct ha_restart_vm *vm,
	   const struct ha_restart_verdict *verdict)
{
	bool is_counted = vm->is_running || vm->is_starting;

	if (vm->attempts > (is_counted ? 1u : 0u)) {
		return false; /* it has failed */
	}
	switch (verdict->why) {
	case HA_RESTART_RUNS:
		return vm->attempts > 0 &&
		       ha__restart_ready_at(vm, judge->now_ms) > judge->now_ms;
	case HA_RESTART_STARTING:
		return !verdict->is_overdue;
	case HA_RESTART_MAY_START:
	case HA_RESTART_WAITS_SLOT:
		return true;
	case HA_RESTART_WAITS_DEPENDENCY:
		return verdict->blocker < judge->count &&
		       judge->work[verdict->blocker].fate == HA__FATE_COMING;
	case HA_RESTART_WAITS_PRIORITY: /* not before its turn */
	case HA_RESTART_WAITS_RETRY:
	case HA_RESTART_GIVEN_UP:
	case HA_RESTART_IS_DISABLED:
	case HA_RESTART_NO_ROOM:
	case HA_RESTART_NOT_WANTED:
	case HA_RESTART_WHY_N:
		break;
	}
	return false;
}

/* When does the wait for it end by itself? */
static uint64_t
awaited_until(const struct judge *judge, const struct ha_restart_vm *vm,
	      const struct ha_restart_verdict *verdict, uint64_t began_ms)
{
	uint64_t from_ms = began_ms;
	uint64_t end_ms = HA_RESTART_NEVER;

	if (vm->since_ms > from_ms && vm->since_ms <= judge->now_ms) {
		from_ms = vm->since_ms;
	}
	if (verdict->why == HA_RESTART_RUNS) {
		/* One that stops being ready later is not waited for anew. */
		from_ms = min_ms(from_ms, vm->granted_ms);
		end_ms = ha__restart_ready_at(vm, judge->now_ms);
	} else if (verdict->why == HA_RESTART_STARTING) {
		end_ms = verdict->due_ms;
	}
	if (vm->ready == HA_READY_NONE &&
	    verdict->why != HA_RESTART_WAITS_DEPENDENCY) {
		return end_ms;
	}
	return min_ms(end_ms, ha__restart_end(from_ms, timeout_ms(judge, vm),
					      judge->now_ms));
}

static void
judge_level(struct judge *judge, enum ha_restart_priority level,
	    struct ha_restart_level_memory *memory)
{
	/* Closed for the levels below, not for this one's own. */
	struct gate gate = judge->gate;
	bool is_waiting = false;

	if (!memory->is_waiting || memory->began_ms > judge->now_ms) {
		memory->began_ms = judge->now_ms;
	}
	for (size_t i = 0; i < judge->count; i++) {
		const struct ha_restart_vm *vm = &judge->vms[i];
		struct ha_restart_verdict *verdict = &judge->verdicts[i];
		uint64_t until_ms;

		if (level_of(vm) != level) {
			continue;
		}
		*verdict = judge_vm(judge, vm);
		if (judge->gate.is_closed || !is_awaited(judge, vm, verdict)) {
			continue;
		}
		is_waiting = true;
		until_ms = awaited_until(judge, vm, verdict, memory->began_ms);
		/* Who is waited for longest is named. */
		if (until_ms > judge->now_ms && until_ms > gate.due_ms) {
			gate = (struct gate){ true, level, i, until_ms };
		}
	}
	memory->is_waiting = is_waiting;
	if (!is_waiting) {
		memory->began_ms = 0;
	}
	judge->gate = gate;
}

/* ---- slots --------------------------------------------------------------- */

static void
take_slot(struct slots *slots, uint64_t until_ms)
{
	slots->free -= slots->free > 0 ? 1 : 0;
	slots->under_way++;
	slots->due_ms = min_ms(slots->due_ms, until_ms);
}

/* Fewer slots are free than are given at a time, and than are wanted. What is
 * under way is more than all the rest, and ends by itself. */
static void
wait_for_batch(struct slots *slots)
{
	if (slots->under_way > 0 && slots->wanted > slots->free &&
	    slots->free < slots->max / HA_RESTART_BATCH_PARTS) {
		slots->free = 0;
	}
}

/* Who can't go by his host's slots wants none of all. */
static void
count_wanted(struct judge *judge)
{
	for (size_t i = 0; i < judge->count; i++) {
		const struct ha_restart_vm *vm = &judge->vms[i];
		struct slots *host = slots_of(judge, vm);

		if (ha__restart_own(vm, judge->rules, judge->now_ms) ==
		    HA_RESTART_MAY_START) {
			(host ? host : &judge->all)->wanted++;
		}
	}
	for (size_t i = 0; i < HA_RESTART_TARGETS_MAX; i++) {
		struct slots *host = &judge->hosts[i];

		wait_for_batch(host);
		judge->all.wanted +=
			host->wanted < host->free ? host->wanted : host->free;
	}
	wait_for_batch(&judge->all);
}

static void
count_slots(struct judge *judge)
{
	judge->all = (struct slots){ .free = judge->rules->concurrent_max,
				     .max = judge->rules->concurrent_max,
				     .due_ms = HA_RESTART_NEVER };
	for (size_t i = 0; i < HA_RESTART_TARGETS_MAX; i++) {
		judge->hosts[i] =
			(struct slots){ .free = judge->rules->per_target_max,
					.max = judge->rules->per_target_max,
					.due_ms = HA_RESTART_NEVER };
	}
	for (size_t i = 0; i < judge->count; i++) {
		const struct ha_restart_vm *vm = &judge->vms[i];
		struct slots *host = slots_of(judge, vm);
		uint64_t until_ms;

		if (vm->is_running || !vm->is_starting) {
			continue;
		}
		until_ms =
			ha__restart_overdue_at(vm, judge->rules, judge->now_ms);
		if (until_ms <= judge->now_ms) {
			continue;
		}
		take_slot(&judge->all, until_ms);
		if (host) {
			take_slot(host, until_ms);
		}
	}
	count_wanted(judge);
}

struct ha_restart_sum
ha_restart_judge(const struct ha_restart_vm *vms, size_t count,
		 const struct ha_restart_rules *rules, uint64_t now_ms,
		 struct ha_restart_level_memory *memory,
		 struct ha_restart_work *work,
		 struct ha_restart_verdict *ret_verdicts)
{
	struct ha_restart_sum sum = { .due_ms = HA_RESTART_NEVER };
	struct judge judge = {
		.vms = vms,
		.count = count,
		.rules = rules,
		.now_ms = now_ms,
		.work = work,
		.verdicts = ret_verdicts,
	};

	ha__restart_fates(vms, count, rules, now_ms, work);
	count_slots(&judge);
	for (int level = HA_RESTART_HIGHEST; level >= HA_RESTART_DISABLED;
	     level--) {
		judge_level(&judge, (enum ha_restart_priority)level,
			    &memory[level]);
	}
	for (size_t i = 0; i < count; i++) {
		sum.counts[ret_verdicts[i].why]++;
		sum.due_ms = min_ms(sum.due_ms, ret_verdicts[i].due_ms);
	}
	return sum;
}
