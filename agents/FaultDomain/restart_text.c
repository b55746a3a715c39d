/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a VM waits, in words for people. Shows, decides nothing.
 */
#include <stdio.h>

#include "FaultDomain/restart.h"
#include "ha/domain.h"

#define MS_PER_S 1000u

static unsigned long long
seconds(uint64_t ms)
{
	return (ms + MS_PER_S - 1) / MS_PER_S;
}

static uint64_t
since(uint64_t then_ms, uint64_t now_ms)
{
	return then_ms < now_ms ? now_ms - then_ms : 0;
}

struct subject {
	const struct fdm_restart *restart;
	const struct fdm_facts *facts;
	const struct ha_restart_vm *vms;
	const struct ha_restart_verdict *verdict;
	const struct ha_restart_vm *vm;
	uint64_t now_ms;
	char *text;
	size_t size;
};

const char *
fdm_restart_lack(const struct fdm_facts *facts, const struct ha_restart_vm *vm)
{
	const struct fdm_vm *known = fdm_facts_vm(facts, vm->name);
	bool is_guest = vm->ready == HA_READY_GUEST;

	if (!fdm_has_heartbeat(vm) || !vm->is_running || vm->is_ready) {
		return NULL;
	}
	if (known && known->has_no_channel) {
		return is_guest ? "can't become ready: its domain has no "
				  "channel " HA_DOMAIN_AGENT :
				  "can't become ready: its domain has no "
				  "channel " HA_DOMAIN_HEARTBEAT;
	}
	return is_guest ? "is not ready: its guest agent does not answer" :
			  "is not ready: its application has not said that it "
			  "is well";
}

static const char *
lack_of(const struct subject *s, const struct ha_restart_vm *vm)
{
	const char *lack = fdm_restart_lack(s->facts, vm);

	if (vm->is_running) {
		return lack ? lack : "is not ready"; /* its ready_delay */
	}
	if (vm->is_starting) {
		return vm->ready == HA_READY_NONE ? "is being started" :
						    "is not ready";
	}
	return vm->is_wanted ? "does not run" : "is not to run";
}

static void
tell_priority(const struct subject *s)
{
	const struct ha_restart_verdict *v = s->verdict;
	const struct ha_restart_level_memory *memory =
		&s->restart->memory[v->level];
	const struct ha_restart_vm *other =
		v->blocker < s->restart->vms->len ? &s->vms[v->blocker] : NULL;
	uint64_t limit_ms = s->restart->rules.priority_timeout_ms;

	if (other && other->ready == HA_READY_NONE && !other->is_running) {
		limit_ms = s->restart->rules.attempt_timeout_ms;
	}
	(void)snprintf(s->text, s->size,
		       "waits for priority %s: %s %s (since %llu s, at most "
		       "%llu s)",
		       ha_restart_priority_name(v->level),
		       other ? other->name : "a VM of it",
		       other ? lack_of(s, other) : "is not ready",
		       seconds(since(memory->began_ms, s->now_ms)),
		       seconds(limit_ms));
}

static void
tell_dependency(const struct subject *s)
{
	const struct ha_restart_verdict *v = s->verdict;
	const struct ha_restart_vm *other =
		v->blocker < s->restart->vms->len ? &s->vms[v->blocker] : NULL;

	(void)snprintf(s->text, s->size,
		       "waits for %s, on which it depends: that %s%s",
		       other ? other->name : "a VM",
		       other ? lack_of(s, other) : "is not known",
		       v->is_stuck ? ", and nothing that is under way will "
				     "change it. Start that one, or change "
				     "restart_depends" :
				     "");
}

/* Its attempts are those after crashes. */
static bool
has_crashed(const struct subject *s)
{
	const struct fdm_track *track =
		g_hash_table_lookup(s->restart->tracks, s->vm->name);

	return track && track->crash.is_counted;
}

static void
tell_retry(const struct subject *s)
{
	uint64_t due_ms = s->verdict->due_ms;
	int used = snprintf(s->text, s->size,
			    has_crashed(s) ?
				    "it has crashed again after attempt %u of "
				    "%u to restart it; " :
				    "attempt %u of %u to start it has failed; ",
			    s->vm->attempts, s->restart->rules.attempts_max);

	if (used < 0 || (size_t)used >= s->size) {
		return;
	}
	if (due_ms == HA_RESTART_NEVER || due_ms <= s->now_ms) {
		(void)snprintf(s->text + used, s->size - (size_t)used,
			       "the next one is about to begin");
	} else {
		(void)snprintf(s->text + used, s->size - (size_t)used,
			       "the next one begins in %llu s",
			       seconds(due_ms - s->now_ms));
	}
}

static void
tell_end(const struct subject *s, bool is_given_up)
{
	int used = is_given_up ?
			   snprintf(s->text, s->size,
				    has_crashed(s) ?
					    "given up: it has crashed again "
					    "after all of %u attempts to "
					    "restart it; mend its guest (look "
					    "at QEMU's log), then" :
					    "given up: %u attempts to start it "
					    "have failed; mend what keeps it "
					    "down (crm_mon -1 shows its "
					    "failures), then",
				    s->vm->attempts) :
			   snprintf(s->text, s->size,
				    "not restarted after a failure "
				    "(restart_priority=disabled); to have it "
				    "run");

	if (used > 0 && (size_t)used < s->size) {
		(void)snprintf(s->text + used, s->size - (size_t)used,
			       ": vmha vm start %s (or crm resource stop %s, "
			       "and then crm resource start %s)",
			       s->vm->name, s->vm->name, s->vm->name);
	}
}

/* Let go already, and not up yet. */
static unsigned int
count_starting(const struct subject *s, uint32_t target)
{
	unsigned int count = 0;

	for (guint i = 0; i < s->restart->verdicts->len; i++) {
		const struct ha_restart_verdict *v = &g_array_index(
			s->restart->verdicts, struct ha_restart_verdict, i);

		count += s->vms[i].target == target &&
			 ((v->why == HA_RESTART_STARTING && !v->is_overdue) ||
			  v->why == HA_RESTART_MAY_START);
	}
	return count;
}

static void
tell_slot(const struct subject *s)
{
	uint32_t target = s->verdict->target;
	uint32_t max = s->restart->rules.concurrent_max;
	unsigned int count;
	int used;

	if (target == HA_RESTART_NO_TARGET || target > s->facts->nodes->len) {
		(void)snprintf(s->text, s->size,
			       "waits until one of the VMs that start now is "
			       "up: not more than %u for each live host at a "
			       "time (restart_concurrent)",
			       max);
		return;
	}
	count = count_starting(s, target);
	used = snprintf(
		s->text, s->size,
		"waits for a free slot on %s: %u VM%s being started "
		"there",
		g_array_index(s->facts->nodes, struct fdm_node, target - 1)
			.name,
		count, count == 1 ? " is" : "s are");
	if (count < max && used > 0 && (size_t)used < s->size) {
		(void)snprintf(s->text + used, s->size - (size_t)used,
			       "; the next ones go together, when %u of its "
			       "%u slots are free (restart_concurrent)",
			       max / HA_RESTART_BATCH_PARTS, max);
	}
}

static void
tell(const struct subject *s)
{
	switch (s->verdict->why) {
	case HA_RESTART_WAITS_PRIORITY:
		tell_priority(s);
		break;
	case HA_RESTART_WAITS_DEPENDENCY:
		tell_dependency(s);
		break;
	case HA_RESTART_WAITS_RETRY:
		tell_retry(s);
		break;
	case HA_RESTART_WAITS_SLOT:
		tell_slot(s);
		break;
	case HA_RESTART_GIVEN_UP:
		tell_end(s, true);
		break;
	case HA_RESTART_IS_DISABLED:
		tell_end(s, false);
		break;
	case HA_RESTART_NO_ROOM:
		(void)snprintf(s->text, s->size,
			       "may be started, and Pacemaker starts it "
			       "nowhere: no host can take it, or a "
			       "constraint forbids it (crm_simulate -sL). It "
			       "is tried again whenever a host comes, a VM "
			       "stops or utilization changes");
		break;
	case HA_RESTART_MAY_START:
	case HA_RESTART_RUNS:
	case HA_RESTART_STARTING:
	case HA_RESTART_NOT_WANTED:
	case HA_RESTART_WHY_N:
		break;
	}
}

void
fdm_restart_text(const struct fdm_restart *restart,
		 const struct fdm_facts *facts, const char *resource,
		 uint64_t now_ms, char *ret_text, size_t size)
{
	const struct fdm_vm *vm = fdm_facts_vm(facts, resource);
	struct subject s = { .restart = restart,
			     .facts = facts,
			     .now_ms = now_ms,
			     .text = ret_text,
			     .size = size };
	size_t index;

	ret_text[0] = '\0';
	if (!vm) {
		return;
	}
	index = (size_t)(vm - &g_array_index(facts->vms, struct fdm_vm, 0));
	if (index >= restart->verdicts->len || index >= restart->vms->len) {
		return;
	}
	s.vms = (const struct ha_restart_vm *)(const void *)restart->vms->data;
	s.vm = &s.vms[index];
	s.verdict = &g_array_index(restart->verdicts, struct ha_restart_verdict,
				   index);
	tell(&s);
}
