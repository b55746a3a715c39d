/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One word for what has happened to a host, in vSphere's terms: member or not
 * by the ring, beating or not by the datastores, isolated by its own word.
 * For status and events. Must never be asked whether a VM may start: fencing,
 * vmlock and ticket have their own, stricter facts.
 */
#include "ha/hoststate.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	const char *text;
} STATES[HA_HOST_N] = {
	[HA_HOST_LIVE] = { "live", "member, and its heartbeat moves" },
	[HA_HOST_RING_ONLY] = { "ring-only",
				"member, but its heartbeat can't be seen on "
				"the datastores: look at its storage" },
	[HA_HOST_ISOLATED] = { "isolated",
			       "alive, but it reaches no other host and no "
			       "isolation address" },
	[HA_HOST_PARTITIONED] = { "partitioned",
				  "alive, but in another part of a network "
				  "that is cut in two" },
	[HA_HOST_STARTING] = { "starting",
			       "its heartbeat daemon has started; its watchdog "
			       "is not armed yet" },
	[HA_HOST_LATE] = { "late",
			   "its heartbeat is overdue; nothing is proven yet" },
	[HA_HOST_DEAD] = { "dead", "what ran on it is proven gone" },
	[HA_HOST_STOPPED] = { "stopped",
			      "its heartbeat daemon was stopped cleanly" },
	[HA_HOST_NEVER] = { "never", "it has never used its heartbeat slot" },
	[HA_HOST_STANDING_DOWN] = { "standing-down",
				    "watchdogs are disarmed for planned work: "
				    "end it with \"vmha arm\"" },
	[HA_HOST_UNGUARDED] = { "unguarded",
				"no armed watchdog guards it: its death can't "
				"be proven" },
	[HA_HOST_AGENT_UNREACHABLE] = { "agent-unreachable",
					"member, but its heartbeat daemon is "
					"not heard: look at vmha-heartbeatd "
					"there" },
	[HA_HOST_UNKNOWN] = { "unknown", "too little can be read or heard" },
};

const char *
ha_hoststate_name(enum ha_hoststate state)
{
	return (unsigned int)state < HA_HOST_N ? STATES[state].name : "invalid";
}

const char *
ha_hoststate_text(enum ha_hoststate state)
{
	return (unsigned int)state < HA_HOST_N ? STATES[state].text :
						 "invalid state";
}

enum ha_hoststate
ha_hoststate_find(const char *name)
{
	for (size_t i = 0; i < HA_HOST_N; i++) {
		if (strcmp(STATES[i].name, name) == 0) {
			return (enum ha_hoststate)i;
		}
	}
	return HA_HOST_UNKNOWN;
}

/* One beat may be lost and another be slow. */
static bool
is_late(const struct ha_hoststate_facts *facts)
{
	return facts->now_ms >= facts->storage.since_ms +
					2 * (uint64_t)facts->beat_ms +
					facts->tolerance_ms;
}

static enum ha_hoststate
judge_member(const struct ha_hoststate_facts *facts)
{
	switch (facts->storage.proof) {
	case HA_PROOF_ALIVE:
		if (is_late(facts)) {
			return HA_HOST_LATE;
		}
		return facts->is_armed ? HA_HOST_LIVE : HA_HOST_STARTING;
	case HA_PROOF_SILENT:
	case HA_PROOF_CONFIRMED:
		return facts->has_state ? HA_HOST_RING_ONLY :
					  HA_HOST_AGENT_UNREACHABLE;
	case HA_PROOF_REPLACED:
	case HA_PROOF_STOPPED:
	case HA_PROOF_NEVER:
		/* A daemon that speaks, and whose first beat is to come. */
		return facts->has_state ? HA_HOST_STARTING :
					  HA_HOST_AGENT_UNREACHABLE;
	case HA_PROOF_STANDING_DOWN:
		return HA_HOST_STANDING_DOWN;
	case HA_PROOF_UNGUARDED:
		return HA_HOST_UNGUARDED;
	case HA_PROOF_UNKNOWN:
	case HA_PROOF_N:
		break;
	}
	return facts->has_state ? HA_HOST_RING_ONLY : HA_HOST_UNKNOWN;
}

static enum ha_hoststate
judge_alive(const struct ha_hoststate_facts *facts)
{
	if (is_late(facts)) {
		return HA_HOST_LATE;
	}
	if (!facts->is_armed) {
		return HA_HOST_STARTING;
	}
	return facts->is_isolated ? HA_HOST_ISOLATED : HA_HOST_PARTITIONED;
}

static enum ha_hoststate
judge_absent(const struct ha_hoststate_facts *facts)
{
	switch (facts->storage.proof) {
	case HA_PROOF_STOPPED:
		return HA_HOST_STOPPED;
	case HA_PROOF_NEVER:
		return HA_HOST_NEVER;
	case HA_PROOF_REPLACED:
	case HA_PROOF_CONFIRMED:
		return HA_HOST_DEAD;
	case HA_PROOF_SILENT:
		/* The ring may have kept it alive. */
		return facts->is_gone ? HA_HOST_DEAD : HA_HOST_LATE;
	case HA_PROOF_ALIVE:
		return facts->is_gone ? HA_HOST_DEAD : judge_alive(facts);
	case HA_PROOF_STANDING_DOWN:
		return facts->is_gone ? HA_HOST_DEAD : HA_HOST_STANDING_DOWN;
	case HA_PROOF_UNGUARDED:
		return facts->is_gone ? HA_HOST_DEAD : HA_HOST_UNGUARDED;
	case HA_PROOF_UNKNOWN:
	case HA_PROOF_N:
		break;
	}
	return facts->is_gone ? HA_HOST_DEAD : HA_HOST_UNKNOWN;
}

enum ha_hoststate
ha_hoststate_judge(const struct ha_hoststate_facts *facts)
{
	return facts->is_member ? judge_member(facts) : judge_absent(facts);
}
