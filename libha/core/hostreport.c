/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which word for a host is worth an event. A host that dies is late for a
 * while, one that boots is silent for a while, and one that has just left the
 * membership looks like cut off until its last beat has grown old: such
 * states have to last before they count; a proof and a host's own word count
 * at once. Must never be asked whether a VM may start.
 */
#include "ha/hostreport.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	bool is_bad;
} WORDS[HA_REPORT_N] = {
	[HA_REPORT_NONE] = { "none", false },
	[HA_REPORT_LIVE] = { "live", false },
	[HA_REPORT_ISOLATED] = { "isolated", true },
	[HA_REPORT_PARTITIONED] = { "partitioned", true },
	[HA_REPORT_DEAD] = { "dead", true },
	[HA_REPORT_UNREACHABLE] = { "agent-unreachable", true },
	[HA_REPORT_INIT_ERROR] = { "initialization-error", true },
	[HA_REPORT_STOPPED] = { "stopped", false },
	[HA_REPORT_NEVER] = { "never", false },
	[HA_REPORT_DISARMED] = { "disarmed", false },
	[HA_REPORT_UNGUARDED] = { "unguarded", true },
	[HA_REPORT_UNKNOWN] = { "unknown", true },
};

const char *
ha_hostreport_name(enum ha_hostreport_word word)
{
	return (unsigned int)word < HA_REPORT_N ? WORDS[word].name : "invalid";
}

enum ha_hostreport_word
ha_hostreport_find(const char *name)
{
	for (size_t i = 0; i < HA_REPORT_N; i++) {
		if (strcmp(WORDS[i].name, name) == 0) {
			return (enum ha_hostreport_word)i;
		}
	}
	return HA_REPORT_NONE;
}

bool
ha_hostreport_is_own_word(enum ha_hostreport_word word)
{
	return word == HA_REPORT_ISOLATED;
}

bool
ha_hostreport_is_bad(enum ha_hostreport_word word)
{
	return (unsigned int)word < HA_REPORT_N && WORDS[word].is_bad;
}

/* The word, and how long it must have lasted. */
static enum ha_hostreport_word
candidate(const struct ha_hostreport_facts *facts, uint64_t *ret_lasts_ms)
{
	/* The last beat of a host that dies is overdue by then (hoststate). */
	const uint64_t late_ms =
		3 * (uint64_t)facts->beat_ms + facts->tolerance_ms;

	*ret_lasts_ms = 0;
	switch (facts->seen) {
	case HA_HOST_LIVE:
	case HA_HOST_RING_ONLY:
		return facts->is_manager_failed ? HA_REPORT_INIT_ERROR :
						  HA_REPORT_LIVE;
	case HA_HOST_ISOLATED:
		return HA_REPORT_ISOLATED;
	case HA_HOST_DEAD:
		return HA_REPORT_DEAD;
	case HA_HOST_STOPPED:
		return HA_REPORT_STOPPED;
	case HA_HOST_NEVER:
		return HA_REPORT_NEVER;
	case HA_HOST_STANDING_DOWN:
		return HA_REPORT_DISARMED;
	case HA_HOST_PARTITIONED:
		*ret_lasts_ms = late_ms;
		return HA_REPORT_PARTITIONED;
	case HA_HOST_STARTING:
		*ret_lasts_ms = HA_REPORT_JOIN_MS;
		return HA_REPORT_INIT_ERROR;
	case HA_HOST_AGENT_UNREACHABLE:
		*ret_lasts_ms = facts->silence_ms + HA_REPORT_AGENT_MS;
		return HA_REPORT_UNREACHABLE;
	case HA_HOST_UNGUARDED:
		*ret_lasts_ms = facts->silence_ms;
		return HA_REPORT_UNGUARDED;
	case HA_HOST_LATE:
	case HA_HOST_UNKNOWN:
	case HA_HOST_N:
		break;
	}
	*ret_lasts_ms = facts->silence_ms + late_ms;
	return HA_REPORT_UNKNOWN;
}

bool
ha_hostreport_step(struct ha_hostreport *report,
		   const struct ha_hostreport_facts *facts)
{
	uint64_t lasts_ms;
	enum ha_hostreport_word next = candidate(facts, &lasts_ms);

	if (next != report->next) {
		report->next = next;
		report->next_ms = facts->now_ms;
	}
	if (next == report->word ||
	    facts->now_ms < report->next_ms + lasts_ms) {
		return false;
	}
	report->word = next;
	report->since_ms = report->next_ms;
	return true;
}
