/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the VMs of a host use now, for performance_degradation: two looks at
 * their processes become MHz and MB, a change is noticeable or not, a warning
 * that has begun ends only when it stays away. It never decides a refusal.
 *
 * Pure, but for the text, which libha/codec/use.c reads and writes.
 */
#ifndef HA_USE_H
#define HA_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Transient node attribute: "CPU_MHZ MEMORY_MB". */
#define HA_USE_ATTRIBUTE "vmha-use"
#define HA_USE_TEXT 48u
/* Of what the host offers: less of a change is none. */
#define HA_USE_NEWS_PERCENT 5u

/* One process, by pid and start time, as in struct ha_proc_id. */
struct ha_use_process {
	int32_t pid;
	uint64_t start_ticks; /* since boot */
	uint64_t cpu_ticks;   /* used since its start, all its threads */
	uint64_t memory_kib;  /* resident, huge pages too */
};

struct ha_use_look {
	uint64_t at_ms; /* since boot, as start_ticks */
	const struct ha_use_process *processes;
	uint32_t count;
};

struct ha_use_machine {
	uint64_t cpu_mhz; /* of all cores; 0: not known, then CPU counts as 0 */
	uint32_t cores;
	uint32_t ticks_a_s;
};

struct ha_use {
	uint64_t cpu_mhz, memory_mb;
};

/* Between two looks. A process that came is counted from its start, one that
 * went or that can't be compared is not; a machine gives no more CPU than it
 * has. False: no time lies between them. */
bool ha_use_measure(const struct ha_use_look *before,
		    const struct ha_use_look *now,
		    const struct ha_use_machine *machine,
		    struct ha_use *ret_use);

/* Is that worth a write of the CIB? capacity: what the host offers. */
bool ha_use_is_news(const struct ha_use *told, const struct ha_use *now,
		    const struct ha_use *capacity);

enum ha_use_news {
	HA_USE_SAME,
	HA_USE_BEGUN,
	HA_USE_ENDED,
};

/* A warning; all zero: there is none. */
struct ha_use_alarm {
	bool is_on;
	uint64_t calm_ms; /* nothing is wrong since then; 0: something is */
};

/* It begins at once, and ends after quiet_ms without its reason. */
enum ha_use_news ha_use_alarm_step(struct ha_use_alarm *alarm, bool is_wrong,
				   uint64_t now_ms, uint64_t quiet_ms);

void ha_use_print(const struct ha_use *use, char ret_text[HA_USE_TEXT]);
/* False: it is no such text, or more than any real host has. */
bool ha_use_parse(const char *text, struct ha_use *ret_use);

#endif
