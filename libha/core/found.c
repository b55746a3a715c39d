/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Judges one VM of one host, look by look (ha/found.h). A copy counts as the
 * wrong one where Pacemaker does not have it active; which of two that both or
 * neither are is a person's to say. What runs here belongs on this host's
 * list, whatever it is (SAFETY 12): then it starts nowhere else.
 */
#include "ha/found.h"

#include <stddef.h>
#include <string.h>

static const char *const NAMES[HA_FOUND_N] = {
	[HA_FOUND_NONE] = "none",
	[HA_FOUND_HAND_STARTED] = "hand-started",
	[HA_FOUND_DUPLICATE] = "duplicate",
	[HA_FOUND_TWIN] = "twin",
	[HA_FOUND_ORPHAN] = "orphan",
	[HA_FOUND_STALE] = "stale-entry",
};

const char *
ha_found_kind_name(enum ha_found_kind kind)
{
	return kind < HA_FOUND_N ? NAMES[kind] : "none";
}

enum ha_found_kind
ha_found_kind_from(const char *name)
{
	for (size_t i = 0; i < HA_FOUND_N; i++) {
		if (strcmp(NAMES[i], name) == 0) {
			return (enum ha_found_kind)i;
		}
	}
	return HA_FOUND_N;
}

bool
ha_found_is_process(enum ha_found_kind kind)
{
	switch (kind) {
	case HA_FOUND_HAND_STARTED:
	case HA_FOUND_DUPLICATE:
	case HA_FOUND_TWIN:
	case HA_FOUND_ORPHAN:
		return true;
	case HA_FOUND_NONE:
	case HA_FOUND_STALE:
	case HA_FOUND_N:
		break;
	}
	return false;
}

static bool
is_settled(const struct ha_found_facts *facts)
{
	return facts->is_sure && !facts->is_acting &&
	       facts->entry != HA_FOUND_PASSING &&
	       facts->other != HA_FOUND_PASSING;
}

static enum ha_found_kind
judge(const struct ha_found_facts *facts)
{
	if (!facts->is_here) {
		return facts->entry == HA_FOUND_LISTED && !facts->is_active ?
			       HA_FOUND_STALE :
			       HA_FOUND_NONE;
	}
	if (facts->other == HA_FOUND_LISTED) {
		return facts->is_active ? HA_FOUND_TWIN : HA_FOUND_DUPLICATE;
	}
	if (!facts->is_configured) {
		return facts->is_ours ? HA_FOUND_ORPHAN : HA_FOUND_NONE;
	}
	return facts->is_active ? HA_FOUND_NONE : HA_FOUND_HAND_STARTED;
}

/* Pacemaker's history comes and goes with its daemons. What it does not speak
 * of is not said to be started by hand, and what was found before stands. */
static enum ha_found_kind
judge_told(const struct ha_found_memory *memory,
	   const struct ha_found_facts *facts)
{
	return facts->is_untold && facts->is_here && facts->is_configured ?
		       memory->kind :
		       judge(facts);
}

/* A begin needs looks that agree; an end is said at once. */
static void
step_kind(struct ha_found_memory *memory, enum ha_found_kind kind,
	  uint64_t now_ms, struct ha_found_verdict *verdict)
{
	if (kind == memory->kind) {
		memory->next = kind;
		memory->looks = 0;
		return;
	}
	if (memory->kind != HA_FOUND_NONE && kind == HA_FOUND_NONE) {
		verdict->ended = memory->kind;
		memory->kind = HA_FOUND_NONE;
		memory->next = HA_FOUND_NONE;
		memory->looks = 0;
		return;
	}
	memory->looks = kind == memory->next ? memory->looks + 1 : 1;
	memory->next = kind;
	if (memory->looks < HA_FOUND_LOOKS) {
		verdict->must_look = true;
		return;
	}
	verdict->ended = memory->kind;
	verdict->begun = kind;
	memory->kind = kind;
	memory->looks = 0;
	memory->since_ms = now_ms;
}

struct ha_found_verdict
ha_found_step(struct ha_found_memory *memory,
	      const struct ha_found_facts *facts, uint64_t now_ms)
{
	struct ha_found_verdict verdict = { .begun = HA_FOUND_NONE };

	if (!is_settled(facts)) {
		memory->next = memory->kind;
		memory->looks = 0;
		memory->unlisted = 0;
		return verdict;
	}
	step_kind(memory, judge_told(memory, facts), now_ms, &verdict);
	verdict.may_clear = memory->kind == HA_FOUND_STALE &&
			    judge(facts) == HA_FOUND_STALE;
	if (!facts->is_here || facts->entry != HA_FOUND_UNLISTED ||
	    (!facts->is_configured && !facts->is_ours)) {
		memory->unlisted = 0;
		return verdict;
	}
	memory->unlisted += memory->unlisted < HA_FOUND_LOOKS;
	verdict.must_list = memory->unlisted >= HA_FOUND_LOOKS;
	verdict.must_look = verdict.must_look || !verdict.must_list;
	return verdict;
}

bool
ha_found_is_over(const struct ha_found_memory *memory)
{
	return memory->kind == HA_FOUND_NONE && memory->next == HA_FOUND_NONE &&
	       memory->unlisted == 0;
}
