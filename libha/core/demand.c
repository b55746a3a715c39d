/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reservation and overhead of one virtual machine. What was admitted counts
 * for a machine that is on, so that an edit around admission control neither
 * frees nor takes anything. A machine whose memory the host can't take back
 * reserves all of it, whatever else is said: it does not start without.
 * <cputune> is no reservation: shares and quotas guarantee nothing.
 */
#include "ha/demand.h"

/* docs/ADMISSION-FACTS.md has the measurements and the sources. */
#define QEMU_MB 30u      /* the process without a guest's memory */
#define VCPU_MB 8u       /* each virtual CPU */
#define IOTHREAD_MB 8u   /* each I/O thread */
#define VIDEO_MB 16u     /* a video device of the usual kind */
#define TABLE_RATIO 512u /* guest memory to a byte of page tables */

static uint64_t
add(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t
divide_up(uint64_t value, uint64_t by)
{
	return value / by + (value % by != 0);
}

uint64_t
ha_demand_overhead_mb(const struct ha_demand_shape *shape)
{
	uint64_t vcpus = shape->vcpus ? shape->vcpus : 1;
	uint64_t mb = QEMU_MB + vcpus * VCPU_MB +
		      (uint64_t)shape->iothreads * IOTHREAD_MB;

	mb = add(mb, shape->video_mb);
	return add(mb, divide_up(shape->memory_mb, TABLE_RATIO));
}

static void
judge_cpu(const struct ha_demand_facts *facts, struct ha_demand *demand)
{
	if (facts->admitted_cpu_mhz.is_there) {
		demand->cpu_mhz = facts->admitted_cpu_mhz.value;
		demand->cpu_source = HA_DEMAND_TICKET;
	} else if (facts->cpu_mhz.is_there) {
		demand->cpu_mhz = facts->cpu_mhz.value;
		demand->cpu_source = HA_DEMAND_UTILIZATION;
	}
}

static void
judge_memory(const struct ha_demand_facts *facts, struct ha_demand *demand)
{
	const struct ha_demand_shape *shape = facts->shape;

	if (facts->admitted_memory_mb.is_there) {
		demand->memory_mb = facts->admitted_memory_mb.value;
		demand->memory_source = HA_DEMAND_TICKET;
	} else if (facts->memory_mb.is_there) {
		demand->memory_mb = facts->memory_mb.value;
		demand->memory_source = HA_DEMAND_UTILIZATION;
	} else if (shape && shape->guarantee_mb > 0) {
		demand->memory_mb = shape->guarantee_mb;
		demand->memory_source = HA_DEMAND_GUARANTEE;
	}
	if (shape && shape->is_pinned && shape->memory_mb > demand->memory_mb) {
		demand->memory_mb = shape->memory_mb;
		demand->memory_source = HA_DEMAND_PINNED;
	}
}

void
ha_demand_judge(const struct ha_demand_facts *facts,
		struct ha_demand *ret_demand)
{
	const struct ha_demand_shape assumed = {
		.memory_mb =
			facts->memory_mb.is_there ? facts->memory_mb.value : 0,
		.video_mb = VIDEO_MB,
		.vcpus = 1,
	};
	struct ha_demand demand = { .cpu_source = HA_DEMAND_NONE,
				    .memory_source = HA_DEMAND_NONE };

	judge_cpu(facts, &demand);
	judge_memory(facts, &demand);
	demand.overhead_mb =
		ha_demand_overhead_mb(facts->shape ? facts->shape : &assumed);
	*ret_demand = demand;
}

const char *
ha_demand_source_name(enum ha_demand_source source)
{
	switch (source) {
	case HA_DEMAND_NONE:
		return "none";
	case HA_DEMAND_TICKET:
		return "ticket";
	case HA_DEMAND_UTILIZATION:
		return "utilization";
	case HA_DEMAND_GUARANTEE:
		return "min_guarantee";
	case HA_DEMAND_PINNED:
		return "pinned";
	}
	return "none";
}
