/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From look to look: where it ran, how it came to be missed, whether it was let
 * go since, and that it runs again. What ended on a host that is a member, and
 * has not failed there, ended in order. Must never call a power-on or a move a
 * restart; in doubt nothing is said. A manager that began to look when the VM
 * was down already says no more than lists and ticket tell.
 */
#include "ha/restarted.h"

#include <string.h>

static void
copy_name(char *to, const char *from)
{
	size_t len = strlen(from);

	len = len < HA_HOST_NAME ? len : HA_HOST_NAME - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

/* The one that tells most of why a VM had to go. */
static unsigned int
weight(enum ha_hostreport_word word)
{
	return word == HA_REPORT_DEAD        ? 4 :
	       word == HA_REPORT_ISOLATED    ? 3 :
	       word == HA_REPORT_PARTITIONED ? 2 :
	       word == HA_REPORT_STOPPED     ? 1 :
					       0;
}

const char *
ha_restarted_where(const struct ha_restarted *memory,
		   const struct ha_restarted_facts *facts)
{
	if (!memory->is_known) {
		return facts->host;
	}
	return memory->was_running ? memory->host : memory->from;
}

static void
miss(struct ha_restarted *memory, const struct ha_restarted_facts *facts,
     uint64_t now_ms)
{
	copy_name(memory->from, ha_restarted_where(memory, facts));
	memory->cause = facts->is_away   ? HA_RESTARTED_HOST :
			memory->is_known ? HA_RESTARTED_NONE :
			memory->from[0]  ? HA_RESTARTED_NONE :
					   HA_RESTARTED_UNSEEN;
	memory->missed_ms = memory->is_known ? now_ms : 0;
	memory->word = HA_REPORT_NONE;
	memory->is_let_go = false;
	memory->is_back = false;
	memory->was_running = false;
	memory->is_known = true;
}

static void
look_down(struct ha_restarted *memory, const struct ha_restarted_facts *facts,
	  uint64_t now_ms)
{
	if (!memory->is_known || memory->was_running) {
		miss(memory, facts, now_ms);
	}
	if (memory->cause == HA_RESTARTED_NONE && facts->is_crash) {
		memory->cause = HA_RESTARTED_CRASH;
	}
	if (!facts->is_wanted || facts->by_user) {
		memory->cause = HA_RESTARTED_NONE;
	}
	if (weight(facts->word) > weight(memory->word)) {
		memory->word = facts->word;
	}
	/* A migration may have ended well when its source was lost. */
	if (facts->is_granted && !(memory->was_migrating && facts->is_listed)) {
		memory->is_let_go = true;
	}
}

static bool
is_restart(const struct ha_restarted *memory)
{
	switch (memory->cause) {
	case HA_RESTARTED_CRASH:
		return true;
	case HA_RESTARTED_HOST:
		return memory->is_let_go && memory->word != HA_REPORT_STOPPED;
	case HA_RESTARTED_UNSEEN:
		return memory->is_let_go;
	case HA_RESTARTED_NONE:
		break;
	}
	return false;
}

static void
come_back(struct ha_restarted *memory, const struct ha_restarted_facts *facts,
	  uint64_t now_ms)
{
	memory->is_back = true;
	memory->back_ms = now_ms;
	memory->attempt = facts->attempts > 1 ? facts->attempts : 1;
	copy_name(memory->to, facts->host);
}

static void
look_up(struct ha_restarted *memory, const struct ha_restarted_facts *facts,
	uint64_t now_ms)
{
	bool was_down = memory->is_known && !memory->was_running;

	if (was_down && is_restart(memory)) {
		come_back(memory, facts, now_ms);
	} else if (memory->is_known && !was_down && facts->is_crash &&
		   facts->attempts > memory->crash_attempts) {
		/* Down and up between two looks. */
		copy_name(memory->from, memory->host);
		memory->cause = HA_RESTARTED_CRASH;
		memory->missed_ms = 0;
		come_back(memory, facts, now_ms);
	}
	memory->crash_attempts = facts->is_crash ? facts->attempts : 0;
	memory->was_migrating = facts->is_migrating;
	memory->was_running = true;
	memory->is_known = true;
	copy_name(memory->host, facts->host);
}

bool
ha_restarted_step(struct ha_restarted *memory,
		  const struct ha_restarted_facts *facts, uint64_t now_ms,
		  struct ha_restarted_event *ret_event)
{
	if (!facts->is_running) {
		look_down(memory, facts, now_ms);
		return false;
	}
	look_up(memory, facts, now_ms);
	if (!memory->is_back || (!facts->is_mine && !facts->is_others)) {
		return false;
	}
	memory->is_back = false;
	*ret_event = (struct ha_restarted_event){
		.cause = memory->cause,
		.word = memory->word,
		.from = memory->from,
		.to = memory->to,
		.attempt = memory->attempt,
		.has_span = memory->missed_ms != 0 &&
			    memory->missed_ms <= memory->back_ms,
	};
	if (ret_event->has_span) {
		ret_event->span_ms = memory->back_ms - memory->missed_ms;
	}
	return facts->is_mine;
}
