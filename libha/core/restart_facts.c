/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one VM's facts say by themselves: does it run, start, is it ready, when
 * may it be tried again. Names and defaults. Knows nothing of other VMs. Must
 * never call a VM ready that does not run, since what depends on it would be
 * started.
 */
#include "restart_facts.h"

#include <errno.h>
#include <string.h>

#define MINUTE_MS 60000u

static const char *const PRIORITIES[HA_RESTART_PRIORITY_N] = {
	[HA_RESTART_DISABLED] = "disabled", [HA_RESTART_LOWEST] = "lowest",
	[HA_RESTART_LOW] = "low",           [HA_RESTART_MEDIUM] = "medium",
	[HA_RESTART_HIGH] = "high",         [HA_RESTART_HIGHEST] = "highest",
};

struct name_text {
	const char *name;
	const char *text;
};

static const struct name_text READY[HA_READY_N] = {
	[HA_READY_NONE] = { "none", "its start has ended, well or not" },
	[HA_READY_POWERED_ON] = { "powered-on", "it runs" },
	[HA_READY_GUEST] = { "guest-heartbeat", "its guest agent answers" },
	[HA_READY_APP] = { "application-heartbeat",
			   "its application says that it is well" },
};

static const struct name_text WHYS[HA_RESTART_WHY_N] = {
	[HA_RESTART_RUNS] = { "runs", "it runs" },
	[HA_RESTART_STARTING] = { "starting", "it is being started" },
	[HA_RESTART_MAY_START] = { "may-start", "it may be started now" },
	[HA_RESTART_WAITS_PRIORITY] = { "waits-for-priority",
					"it waits for virtual machines of "
					"higher restart priority" },
	[HA_RESTART_WAITS_DEPENDENCY] = { "waits-for-dependency",
					  "it waits until the virtual machines "
					  "that it depends on are ready" },
	[HA_RESTART_WAITS_RETRY] = { "waits-for-retry",
				     "it failed, and waits for its next "
				     "attempt" },
	[HA_RESTART_WAITS_SLOT] = { "waits-for-slot",
				    "it waits until fewer virtual machines "
				    "are being started" },
	[HA_RESTART_GIVEN_UP] = { "given-up",
				  "it failed as often as is allowed: find out "
				  "why, then start it by hand" },
	[HA_RESTART_IS_DISABLED] = { "disabled",
				     "its restart priority is disabled: start "
				     "it by hand" },
	[HA_RESTART_NO_ROOM] = { "no-room",
				 "no host has room for it: it is started as "
				 "soon as one has" },
	[HA_RESTART_NOT_WANTED] = { "not-wanted", "its user has stopped it" },
};

const char *
ha_restart_priority_name(enum ha_restart_priority priority)
{
	return (unsigned int)priority < HA_RESTART_PRIORITY_N ?
		       PRIORITIES[priority] :
		       "invalid";
}

int
ha_restart_priority_parse(const char *name,
			  enum ha_restart_priority *ret_priority,
			  struct ha_err *err)
{
	for (unsigned int i = 0; i < HA_RESTART_PRIORITY_N; i++) {
		if (strcmp(name, PRIORITIES[i]) == 0) {
			*ret_priority = (enum ha_restart_priority)i;
			return 0;
		}
	}
	return ha_err_set(
		err, -EINVAL,
		"restart priority \"%s\" is none of disabled, lowest, "
		"low, medium, high, highest",
		name);
}

const char *
ha_ready_name(enum ha_ready ready)
{
	return (unsigned int)ready < HA_READY_N ? READY[ready].name : "invalid";
}

const char *
ha_ready_text(enum ha_ready ready)
{
	return (unsigned int)ready < HA_READY_N ? READY[ready].text :
						  "invalid ready condition";
}

int
ha_ready_parse(const char *name, enum ha_ready *ret_ready, struct ha_err *err)
{
	for (unsigned int i = 0; i < HA_READY_N; i++) {
		if (strcmp(name, READY[i].name) == 0) {
			*ret_ready = (enum ha_ready)i;
			return 0;
		}
	}
	return ha_err_set(err, -EINVAL,
			  "ready condition \"%s\" is none of none, powered-on, "
			  "guest-heartbeat, application-heartbeat",
			  name);
}

const char *
ha_restart_why_name(enum ha_restart_why why)
{
	return (unsigned int)why < HA_RESTART_WHY_N ? WHYS[why].name :
						      "invalid";
}

const char *
ha_restart_why_text(enum ha_restart_why why)
{
	return (unsigned int)why < HA_RESTART_WHY_N ? WHYS[why].text :
						      "invalid reason";
}

struct ha_restart_rules
ha_restart_rules_default(uint32_t live_hosts)
{
	/* The wait doubles (vSphere HA: attempts at 0, 2, 6, 14, 30 min). */
	struct ha_restart_rules rules = {
		.waits_ms = { 0, 2 * MINUTE_MS, 4 * MINUTE_MS, 8 * MINUTE_MS,
			      16 * MINUTE_MS },
		.wait_count = 5,
		.attempts_max = HA_RESTART_ATTEMPTS_MAX,
		.priority_timeout_ms = HA_RESTART_PRIORITY_TIMEOUT_MS,
		.attempt_timeout_ms = HA_RESTART_ATTEMPT_TIMEOUT_MS,
		.forget_ms = HA_RESTART_FORGET_MS,
		.concurrent_max = UINT32_MAX,
		.per_target_max = HA_RESTART_CONCURRENT_PER_HOST,
	};

	if (live_hosts <= UINT32_MAX / HA_RESTART_CONCURRENT_PER_HOST) {
		rules.concurrent_max =
			live_hosts * HA_RESTART_CONCURRENT_PER_HOST;
	}
	return rules;
}

uint64_t
ha__restart_ready_at(const struct ha_restart_vm *vm, uint64_t now_ms)
{
	uint64_t from_ms = vm->runs_since_ms;

	if (!vm->is_running) {
		return HA_RESTART_NEVER;
	}
	if (vm->ready != HA_READY_NONE && vm->ready != HA_READY_POWERED_ON) {
		if (!vm->is_ready) {
			return HA_RESTART_NEVER;
		}
		from_ms = vm->ready_since_ms;
	}
	return ha__restart_end(from_ms, vm->post_ready_ms, now_ms);
}

uint64_t
ha__restart_overdue_at(const struct ha_restart_vm *vm,
		       const struct ha_restart_rules *rules, uint64_t now_ms)
{
	return ha__restart_end(vm->granted_ms, rules->attempt_timeout_ms,
			       now_ms);
}

uint64_t
ha__restart_retry_at(const struct ha_restart_vm *vm,
		     const struct ha_restart_rules *rules, uint64_t now_ms)
{
	size_t count = rules->wait_count < HA_RESTART_WAITS_MAX ?
			       rules->wait_count :
			       HA_RESTART_WAITS_MAX;
	size_t i = vm->attempts;

	if (count == 0) {
		return 0;
	}
	return ha__restart_end(vm->failed_ms,
			       rules->waits_ms[i < count ? i : count - 1],
			       now_ms);
}

enum ha_restart_why
ha__restart_own(const struct ha_restart_vm *vm,
		const struct ha_restart_rules *rules, uint64_t now_ms)
{
	if (vm->is_running) {
		return HA_RESTART_RUNS;
	}
	if (vm->is_starting) {
		return HA_RESTART_STARTING;
	}
	if (!vm->is_wanted) {
		return HA_RESTART_NOT_WANTED;
	}
	if (vm->priority == HA_RESTART_DISABLED ||
	    (unsigned int)vm->priority >= HA_RESTART_PRIORITY_N) {
		return HA_RESTART_IS_DISABLED;
	}
	if (vm->attempts >= rules->attempts_max) {
		return HA_RESTART_GIVEN_UP;
	}
	if (!vm->has_room) {
		return HA_RESTART_NO_ROOM;
	}
	if (ha__restart_retry_at(vm, rules, now_ms) > now_ms) {
		return HA_RESTART_WAITS_RETRY;
	}
	return HA_RESTART_MAY_START;
}
