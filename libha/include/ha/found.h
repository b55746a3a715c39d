/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What runs on this host against what Pacemaker and the VM lists say: VMs that
 * were started by hand, that run twice, whose resource is gone, and entries
 * whose process is gone. One look proves nothing, since actions take time: a
 * finding needs two looks in a row, and none while an action is under way.
 * Nothing here ends a VM. Pure.
 */
#ifndef HA_FOUND_H
#define HA_FOUND_H

#include <stdbool.h>
#include <stdint.h>

enum ha_found_kind {
	HA_FOUND_NONE,
	HA_FOUND_HAND_STARTED, /* runs here, Pacemaker does not have it here */
	HA_FOUND_DUPLICATE,    /* so, and a live host lists it, too */
	HA_FOUND_TWIN,   /* Pacemaker has it here, a live host lists it, too */
	HA_FOUND_ORPHAN, /* started by the agent, its resource is gone */
	HA_FOUND_STALE,  /* listed here, and neither runs nor is active here */
	HA_FOUND_N
};
const char *ha_found_kind_name(enum ha_found_kind kind);
/* HA_FOUND_N: no such name. */
enum ha_found_kind ha_found_kind_from(const char *name);
/* In place of the other host's name, of one "hand-started" that the agent has
 * started: nobody is to end it by hand. */
#define HA_FOUND_BY_AGENT "agent"
/* Is it about a process of this host? */
bool ha_found_is_process(enum ha_found_kind kind);

enum ha_found_entry {
	HA_FOUND_UNLISTED,
	HA_FOUND_LISTED,  /* running */
	HA_FOUND_PASSING, /* starting, incoming or outgoing: its action's */
};

/* One VM, as one look saw it. */
struct ha_found_facts {
	bool is_sure;       /* CIB and lists are known, and up to date */
	bool is_acting;     /* an action of it is under way on any host */
	bool is_configured; /* a resource of the cluster */
	bool is_here;       /* a process of it runs on this host */
	bool is_ours;       /* and was started by the agent */
	bool is_active;     /* Pacemaker takes it for active here */
	bool is_untold;     /* its history of this host says nothing of it: it
			     * is away, or nobody has looked yet */
	enum ha_found_entry entry; /* on this host's list */
	enum ha_found_entry other; /* on those of other live hosts */
};

/* What is remembered of a VM between looks; all zero: never seen. */
struct ha_found_memory {
	enum ha_found_kind kind; /* found for certain */
	enum ha_found_kind next; /* seen by the last look */
	uint32_t looks;          /* that saw `next` */
	uint32_t unlisted;       /* looks that saw it run without an entry */
	uint64_t since_ms;       /* of `kind` */
};

struct ha_found_verdict {
	enum ha_found_kind begun, ended; /* HA_FOUND_NONE: nothing */
	bool must_list; /* put it on this host's list (SAFETY 12) */
	bool may_clear; /* its entry may go, once its end is proven anew */
	bool must_look; /* soon, for the second look */
};

/* Looks that must agree. */
#define HA_FOUND_LOOKS 2u

struct ha_found_verdict ha_found_step(struct ha_found_memory *memory,
				      const struct ha_found_facts *facts,
				      uint64_t now_ms);
/* Nothing of it needs to be remembered. */
bool ha_found_is_over(const struct ha_found_memory *memory);

#endif
