/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of a host as it is told to people: vSphere's words, without what
 * lasts a moment. Pure; for people: no rule of safety hangs on the word.
 */
#ifndef HA_HOSTREPORT_H
#define HA_HOSTREPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/hoststate.h"

enum ha_hostreport_word {
	HA_REPORT_NONE, /* nothing has settled yet */
	HA_REPORT_LIVE,
	HA_REPORT_ISOLATED,
	HA_REPORT_PARTITIONED,
	HA_REPORT_DEAD,
	HA_REPORT_UNREACHABLE, /* vSphere: agent unreachable */
	HA_REPORT_INIT_ERROR,  /* its daemon runs and can't join */
	HA_REPORT_STOPPED,
	HA_REPORT_NEVER,
	HA_REPORT_DISARMED,
	HA_REPORT_UNGUARDED,
	HA_REPORT_UNKNOWN,
	HA_REPORT_N
};
const char *ha_hostreport_name(enum ha_hostreport_word word);
/* HA_REPORT_NONE: no such word. */
enum ha_hostreport_word ha_hostreport_find(const char *name);
/* The host itself says so, nobody else can. */
bool ha_hostreport_is_own_word(enum ha_hostreport_word word);
/* Something that an administrator has to look at. */
bool ha_hostreport_is_bad(enum ha_hostreport_word word);

/* A daemon that runs and does not arm its watchdog for so long can't join. */
#define HA_REPORT_JOIN_MS 60000u
/* Beyond T: corosync comes up before the heartbeat daemon speaks. */
#define HA_REPORT_AGENT_MS 10000u

struct ha_hostreport_facts {
	enum ha_hoststate seen;
	bool is_manager_failed; /* Pacemaker could not start FaultDomain there */
	uint32_t beat_ms, tolerance_ms;
	uint64_t silence_ms; /* T */
	uint64_t now_ms;
};

/* What has settled, and what is about to. All zero begins. */
struct ha_hostreport {
	enum ha_hostreport_word word;
	uint64_t since_ms; /* when it was first seen so */
	enum ha_hostreport_word next;
	uint64_t next_ms;
};
/* True: the word has changed. */
bool ha_hostreport_step(struct ha_hostreport *report,
			const struct ha_hostreport_facts *facts);

#endif
