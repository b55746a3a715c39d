/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Has a VM been restarted after a failure, and which? For the line in the log
 * that an operator looks for first; no start hangs on it. Every manager looks
 * all the time, so that a master that is new knows what was before; one of them
 * says it. Pure.
 */
#ifndef HA_RESTARTED_H
#define HA_RESTARTED_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/area.h"
#include "ha/hostreport.h"

enum ha_restarted_cause {
	HA_RESTARTED_NONE,   /* it runs, or it ended in order */
	HA_RESTARTED_HOST,   /* its host has left the membership */
	HA_RESTARTED_CRASH,  /* it failed on a host that lives */
	HA_RESTARTED_UNSEEN, /* before this manager began to look */
};

/* What is remembered of one VM; zeroed at first. */
struct ha_restarted {
	bool is_known;
	bool was_running, was_migrating;
	bool is_let_go; /* since it was missed: nothing has bound it */
	bool is_back;   /* it runs again, and nobody has said so */
	enum ha_restarted_cause cause;
	enum ha_hostreport_word word; /* the worst of its host since then */
	uint32_t crash_attempts;      /* when it ran last */
	uint32_t attempt;
	uint64_t missed_ms; /* 0: nobody saw it */
	uint64_t back_ms;
	char host[HA_HOST_NAME]; /* it ran there last; "": not known */
	char from[HA_HOST_NAME]; /* and there before it was missed */
	char to[HA_HOST_NAME];
};

struct ha_restarted_facts {
	bool is_running;   /* on a member, and its monitor does not fail */
	bool is_migrating; /* a live migration of it is not settled */
	bool is_wanted;
	bool by_user;    /* what is missed is what its user wants started */
	bool is_granted; /* by lists and holds; false: one binds it, or may */
	bool is_listed;  /* on a member's list, and not released */
	bool is_crash;   /* its attempts are those after crashes */
	uint32_t attempts;
	/* Where it runs; if it does not, who has it by lists and holds. "": not
	 * known. */
	const char *host;
	/* Of ha_restarted_where(): it is no member; its word. */
	bool is_away;
	enum ha_hostreport_word word;
	/* Who says it: this host is master; another one is. */
	bool is_mine, is_others;
};

struct ha_restarted_event {
	enum ha_restarted_cause cause;
	enum ha_hostreport_word word; /* with HA_RESTARTED_HOST */
	const char *from, *to;        /* "": not known */
	uint32_t attempt;
	bool has_span;
	uint64_t span_ms; /* from when it was missed until it ran */
};

/* Where it was when it was seen last, for is_away and word; "": nobody knows. */
const char *ha_restarted_where(const struct ha_restarted *memory,
			       const struct ha_restarted_facts *facts);

/* True: it has been restarted, and this is to be said now. The event's texts
 * are the memory's. Never for what its user stops or starts, for moves and
 * migrations, or for a host that only was away for a moment. While nobody is
 * master the next one will say it; if another one is, that one does. */
bool ha_restarted_step(struct ha_restarted *memory,
		       const struct ha_restarted_facts *facts, uint64_t now_ms,
		       struct ha_restarted_event *ret_event);

#endif
