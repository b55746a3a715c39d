/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Capacity of a host for virtual machines, as utilization of its Pacemaker
 * node, and who wrote it. Each value that vmha writes is also written into the
 * node attribute HA_CAPACITY_MARK; a value that differs from its mark was set
 * by a person, and stands. To give it back to vmha: delete it.
 */
#ifndef HA_CAPACITY_H
#define HA_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the VMs' utilization calls them, too. */
#define HA_CAPACITY_CPU "cpu_mhz"
#define HA_CAPACITY_MEMORY "memory_mb"
/* Permanent node attribute: "cpu_mhz=9500 memory_mb=22900". */
#define HA_CAPACITY_MARK "vmha-capacity"
#define HA_CAPACITY_TEXT 64u

/* Did vmha write this value of that attribute? `mark` NULL: no. */
bool ha_capacity_is_ours(const char *mark, const char *name, const char *value);

/* What a host's node says; texts as in the CIB, NULL: not there. */
struct ha_capacity_shown {
	const char *cpu, *memory, *mark;
};

struct ha_capacity {
	bool is_cpu_known; /* else what the node says stays */
	uint64_t cpu_mhz;
	uint64_t memory_mb;
};

struct ha_capacity_plan {
	bool writes_cpu, writes_memory, writes_mark;
	bool is_cpu_by_hand, is_memory_by_hand;
	char mark[HA_CAPACITY_TEXT];
};

/* What is to be written, for the node to say what the host has. */
void ha_capacity_judge(const struct ha_capacity_shown *shown,
		       const struct ha_capacity *has,
		       struct ha_capacity_plan *ret_plan);

#endif
