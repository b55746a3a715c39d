/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What happened to a host, in vSphere's words, from three kinds of evidence:
 * the ring, its beats on the datastores, and its own declaration. Pure; for
 * people: no rule of safety hangs on the word.
 */
#ifndef HA_HOSTSTATE_H
#define HA_HOSTSTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/watch.h"

enum ha_hoststate {
	HA_HOST_LIVE,        /* member, beats */
	HA_HOST_RING_ONLY,   /* member, storage silent: kept by the ring */
	HA_HOST_ISOLATED,    /* no member, beats, says isolated */
	HA_HOST_PARTITIONED, /* no member, beats, says it is not isolated */
	HA_HOST_STARTING,    /* beats, watchdog not armed yet */
	HA_HOST_LATE,        /* beat overdue, nothing proven */
	HA_HOST_DEAD,
	HA_HOST_STOPPED, /* cleanly */
	HA_HOST_NEVER,   /* never claimed its slot */
	HA_HOST_STANDING_DOWN,
	HA_HOST_UNGUARDED,         /* no watchdog guards it */
	HA_HOST_AGENT_UNREACHABLE, /* member, but its daemon does not beat and
				    * says nothing on the ring */
	HA_HOST_UNKNOWN,
	HA_HOST_N
};
const char *ha_hoststate_name(enum ha_hoststate state);
const char *ha_hoststate_text(enum ha_hoststate state);
/* HA_HOST_UNKNOWN: no such name, as one of a version to come. */
enum ha_hoststate ha_hoststate_find(const char *name);

struct ha_hoststate_facts {
	struct ha_watch_verdict storage; /* about the newest incarnation */
	bool is_gone;                    /* storage and ring together */
	bool is_member;                  /* of this host's membership */
	bool has_state;   /* its daemon spoke in this membership */
	bool is_isolated; /* its newest beat says so */
	bool is_armed;    /* its newest beat says so */
	uint32_t beat_ms, tolerance_ms;
	uint64_t now_ms;
};
enum ha_hoststate ha_hoststate_judge(const struct ha_hoststate_facts *facts);

#endif
