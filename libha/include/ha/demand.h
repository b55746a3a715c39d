/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a virtual machine takes from a host: its reservation, and what QEMU
 * needs on top of the guest's memory. Reservations come from the CIB, sizes
 * from the domain XML; which of them holds is decided here, once, for the
 * command and for the running master.
 */
#ifndef HA_DEMAND_H
#define HA_DEMAND_H

#include <stdbool.h>
#include <stdint.h>

/* Of the domain XML. Memory in MiB. */
struct ha_demand_shape {
	uint64_t memory_mb;    /* <memory> */
	uint64_t guarantee_mb; /* <memtune><min_guarantee>; 0: none */
	uint64_t video_mb;     /* of all its video devices */
	uint32_t vcpus;        /* 0: not told */
	uint32_t iothreads;
	/* The host can't take any of its memory back: locked, huge pages, a
	 * device that is passed through. */
	bool is_pinned;
};

/* A value that may be absent; 0 is a value. */
struct ha_demand_value {
	bool is_there;
	uint64_t value;
};

struct ha_demand_facts {
	/* Admitted, by the ticket of a machine that is on: vmha-cpu, -memory */
	struct ha_demand_value admitted_cpu_mhz, admitted_memory_mb;
	/* Utilization of the primitive: cpu_mhz, memory_mb */
	struct ha_demand_value cpu_mhz, memory_mb;
	const struct ha_demand_shape *shape; /* NULL: no XML was read */
};

enum ha_demand_source {
	HA_DEMAND_NONE, /* nobody reserves anything */
	HA_DEMAND_TICKET,
	HA_DEMAND_UTILIZATION,
	HA_DEMAND_GUARANTEE,
	HA_DEMAND_PINNED,
};

struct ha_demand {
	uint64_t cpu_mhz;
	uint64_t memory_mb;
	uint64_t overhead_mb;
	enum ha_demand_source cpu_source, memory_source;
};

/* What QEMU needs beside the guest's memory, in MiB, rounded up. */
uint64_t ha_demand_overhead_mb(const struct ha_demand_shape *shape);

/* Without a shape the overhead is that of a machine with one virtual CPU, one
 * video device, and the memory that the utilization tells. */
void ha_demand_judge(const struct ha_demand_facts *facts,
		     struct ha_demand *ret_demand);

/* "none", "ticket", "utilization", "min_guarantee", "pinned". */
const char *ha_demand_source_name(enum ha_demand_source source);

#endif
