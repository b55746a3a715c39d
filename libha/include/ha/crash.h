/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Has a VM crashed on a host that lives, and how do the attempts to start it
 * go on? Judged from Pacemaker's history: monitors that failed, each with a
 * number. The first restart is Pacemaker's own and at once; one that crashes
 * again before it was well for HA_RESTART_FORGET_MS follows the retry schedule
 * (restart.h). Pure. Must never make a VM that runs look crashed for long,
 * since the ticket of such a one is not mended (SAFETY 21).
 */
#ifndef HA_CRASH_H
#define HA_CRASH_H

#include <stdbool.h>
#include <stdint.h>

/* An entry of a VM list is seen so long after it was taken away: a beat, its
 * reading, and what a busy host adds. */
#define HA_CRASH_DELIST_MS 3000u

/* What is remembered of one VM; zeroed at first. A new master gets is_counted
 * from the ticket. Hosts are bits. */
struct ha_crash {
	bool is_known;
	bool is_counted; /* its attempts are those of crashes */
	bool has_fallen; /* crashed, and not seen up, nor off the lists since */
	uint64_t failures;
	uint64_t hosts;
	uint64_t failed_hosts;
	uint64_t revoked_ms; /* fallen, listed, ticket away since; 0: not */
};

/* By Pacemaker's history of the hosts that are online. */
struct ha_crash_facts {
	bool is_wanted;   /* to run, and Pacemaker may start it */
	bool is_up;       /* its newest action says that it runs */
	bool is_fallen;   /* its newest action is a monitor that failed */
	bool is_down;     /* known to be down already: an incident */
	bool is_starting; /* and let go: it may have come up unseen */
	bool is_listed;   /* on a member's VM list, and not released */
	bool is_granted;  /* its ticket */
	bool is_cleaning; /* failures are, or may be, cleared by vmha */
	uint64_t hosts;
	uint64_t failed_hosts; /* that have a failed action of it */
	uint64_t acted_hosts;  /* that have any action of it but probes */
	/* Failed monitors, by their numbers: more is a newer one. */
	uint64_t failures;
};

enum ha_crash_news {
	HA_CRASH_NONE,
	HA_CRASH_FELL,      /* it is down now */
	HA_CRASH_CAME_BACK, /* it was, and Pacemaker has started it again */
	/* Its failures were cleared by somebody (crm resource cleanup, which
	 * takes all its history along): its attempts begin anew. One that
	 * Pacemaker forgets after failure-timeout is not. */
	HA_CRASH_FORGIVEN,
};

/* `memory` goes on. */
enum ha_crash_news ha_crash_step(struct ha_crash *memory,
				 const struct ha_crash_facts *facts,
				 uint64_t now_ms);

/* When it has crashed: attempts that have been used. 0: this is the first
 * trouble of a VM that was well, or whose only attempt had succeeded. */
uint32_t ha_crash_attempts(const struct ha_crash *memory, uint32_t attempts);

#endif
