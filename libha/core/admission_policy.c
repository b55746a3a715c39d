/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The arithmetic of admission control, as vSphere does it: percentages of the
 * cluster, slots, failover hosts' colours (VMware, vSphere Availability, "How
 * admission control works"; vSphere API, ClusterDasAdmissionControlPolicy and
 * its kinds). Sums only: whether a machine fits on one host is the plan's
 * question. Must never count a host that is not online as capacity.
 */
#include <stdlib.h>

#include "admission_parts.h"

#define PERCENT HA_ADMISSION_PERCENT_MAX

static uint64_t
divide_up(uint64_t value, uint64_t by)
{
	return value / by + (value % by != 0);
}

void
ha__admission_demands(struct admission *a)
{
	for (uint32_t i = 0; i < a->answer->inv.n_vms; i++) {
		const struct ha_inv_vm *vm = &a->vms[i];
		struct ha_plan_demand *demand = &a->demand[i];

		*demand = (struct ha_plan_demand){ 0 };
		if (vm->is_on) {
			demand->cpu_mhz = vm->cpu_mhz ?
						  vm->cpu_mhz :
						  a->policy->default_cpu_mhz;
			demand->memory_mb =
				(vm->memory_mb ? vm->memory_mb :
						 a->policy->default_memory_mb) +
				vm->overhead_mb;
		}
	}
}

static int
compare_down(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left;
	uint64_t b = *(const uint64_t *)right;

	return (a < b) - (a > b);
}

/* Sum of the `count` largest of a->scratch[0..n), which is sorted for it. */
static uint64_t
largest(struct admission *a, uint32_t n, uint32_t count)
{
	uint64_t sum = 0;

	qsort(a->scratch, n, sizeof(*a->scratch), compare_down);
	for (uint32_t i = 0; i < n && i < count; i++) {
		sum += a->scratch[i];
	}
	return sum;
}

/* Capacities of the online hosts into a->scratch; how many. */
static uint32_t
take_capacities(struct admission *a, bool is_memory)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->answer->inv.n_hosts; i++) {
		if (a->hosts[i].state == HA_INV_ONLINE) {
			a->scratch[n++] = is_memory ? a->hosts[i].memory_mb :
						      a->hosts[i].cpu_mhz;
		}
	}
	return n;
}

static void
sum_up(struct admission *a)
{
	struct ha_admission_share *cpu = &a->answer->cpu;
	struct ha_admission_share *memory = &a->answer->memory;

	*cpu = *memory = (struct ha_admission_share){ 0 };
	for (uint32_t i = 0; i < a->answer->inv.n_hosts; i++) {
		if (a->hosts[i].state == HA_INV_ONLINE) {
			cpu->capacity += a->hosts[i].cpu_mhz;
			memory->capacity += a->hosts[i].memory_mb;
		}
	}
	for (uint32_t i = 0; i < a->answer->inv.n_vms; i++) {
		cpu->demand += a->demand[i].cpu_mhz;
		memory->demand += a->demand[i].memory_mb;
	}
}

/* floor(100 * (capacity - demand) / capacity), below 0 too; without any
 * capacity nothing is left. */
static int64_t
percent_left(const struct ha_admission_share *share)
{
	uint64_t over;

	if (share->capacity == 0) {
		return share->demand == 0 ? 0 : -(int64_t)PERCENT;
	}
	if (share->demand <= share->capacity) {
		return (int64_t)(PERCENT * (share->capacity - share->demand) /
				 share->capacity);
	}
	over = share->demand - share->capacity;
	return -(int64_t)divide_up(PERCENT * over, share->capacity);
}

static void
share_figures(struct admission *a, bool is_memory,
	      struct ha_admission_share *share)
{
	const struct ha_admission_policy *policy = a->policy;
	bool has = is_memory ? policy->has_memory_percent :
			       policy->has_cpu_percent;
	uint64_t allowed;

	share->current_percent = percent_left(share);
	if (has) {
		share->configured_percent = is_memory ? policy->memory_percent :
							policy->cpu_percent;
	} else if (share->capacity == 0) {
		share->configured_percent = PERCENT;
	} else {
		uint32_t n = take_capacities(a, is_memory);

		share->configured_percent = divide_up(
			PERCENT * largest(a, n, policy->host_failures),
			share->capacity);
	}
	allowed = share->capacity * (PERCENT - share->configured_percent) /
		  PERCENT;
	share->missing = share->demand > allowed ? share->demand - allowed : 0;
}

static bool
is_short(const struct ha_admission_share *share)
{
	return share->current_percent < (int64_t)share->configured_percent;
}

static bool
percentage_holds(struct admission *a)
{
	struct ha_admission_answer *answer = a->answer;
	const struct ha_admission_share *share = &answer->cpu;

	share_figures(a, false, &answer->cpu);
	share_figures(a, true, &answer->memory);
	if (is_short(&answer->cpu)) {
		answer->reason = HA_ADMISSION_CPU_SHORT;
	} else if (is_short(&answer->memory)) {
		answer->reason = HA_ADMISSION_MEMORY_SHORT;
		share = &answer->memory;
	} else {
		return true;
	}
	/* The figures have the sign; this is for whoever reads one number. */
	answer->value = share->current_percent > 0 ?
				(uint64_t)share->current_percent :
				0;
	answer->limit = share->configured_percent;
	return false;
}

static uint64_t
slot_size(uint64_t fixed, uint64_t most, uint64_t max)
{
	if (fixed) {
		return fixed;
	}
	return max && most > max ? max : most;
}

static void
size_slot(struct admission *a)
{
	const struct ha_admission_policy *policy = a->policy;
	struct ha_plan_demand most = { 0 };
	bool has_any = false;

	for (uint32_t i = 0; i < a->answer->inv.n_vms; i++) {
		const struct ha_plan_demand *demand = &a->demand[i];

		has_any = has_any || a->vms[i].is_on;
		if (demand->cpu_mhz > most.cpu_mhz) {
			most.cpu_mhz = demand->cpu_mhz;
		}
		if (demand->memory_mb > most.memory_mb) {
			most.memory_mb = demand->memory_mb;
		}
	}
	if (!has_any) {
		most.cpu_mhz = policy->default_cpu_mhz;
		most.memory_mb = policy->default_memory_mb;
	}
	a->answer->slots = (struct ha_admission_slots){
		.cpu_mhz = slot_size(policy->slot_cpu_mhz, most.cpu_mhz,
				     policy->max_slot_cpu_mhz),
		.memory_mb = slot_size(policy->slot_memory_mb, most.memory_mb,
				       policy->max_slot_memory_mb),
	};
	/* A slot of nothing would fit without end. */
	if (a->answer->slots.cpu_mhz == 0 && a->answer->slots.memory_mb == 0) {
		a->answer->slots.cpu_mhz = 1;
	}
}

/* A resource that the slot does not need does not limit. */
static uint64_t
slots_of(const struct ha_inv_host *host, const struct ha_admission_slots *slot)
{
	uint64_t by_cpu =
		slot->cpu_mhz ? host->cpu_mhz / slot->cpu_mhz : UINT64_MAX;
	uint64_t by_memory = slot->memory_mb ?
				     host->memory_mb / slot->memory_mb :
				     UINT64_MAX;

	if (host->state != HA_INV_ONLINE) {
		return 0;
	}
	return by_cpu < by_memory ? by_cpu : by_memory;
}

static uint64_t
need_of(const struct ha_plan_demand *demand,
	const struct ha_admission_slots *slot)
{
	uint64_t by_cpu =
		slot->cpu_mhz ? divide_up(demand->cpu_mhz, slot->cpu_mhz) : 0;
	uint64_t by_memory = slot->memory_mb ? divide_up(demand->memory_mb,
							 slot->memory_mb) :
					       0;
	uint64_t need = by_cpu > by_memory ? by_cpu : by_memory;

	return need > 0 ? need : 1;
}

/* How many of the hosts with most slots may be lost; a->scratch is sorted. */
static uint32_t
failover_capacity(const struct admission *a, uint32_t n)
{
	uint64_t left = a->answer->slots.total;
	uint32_t lost = 0;

	while (lost < n && left - a->scratch[lost] >= a->answer->slots.used) {
		left -= a->scratch[lost++];
	}
	return left >= a->answer->slots.used ? lost : 0;
}

static bool
slots_hold(struct admission *a)
{
	struct ha_admission_answer *answer = a->answer;
	struct ha_admission_slots *slots = &answer->slots;
	uint32_t n = 0;

	size_slot(a);
	for (uint32_t i = 0; i < answer->inv.n_vms; i++) {
		a->needs[i] =
			a->vms[i].is_on ? need_of(&a->demand[i], slots) : 0;
		slots->used += a->needs[i];
	}
	for (uint32_t i = 0; i < answer->inv.n_hosts; i++) {
		a->host_slots[i] = slots_of(&a->hosts[i], slots);
		slots->total += a->host_slots[i];
		if (a->hosts[i].state == HA_INV_ONLINE) {
			a->scratch[n++] = a->host_slots[i];
		}
	}
	slots->left = slots->total - largest(a, n, a->policy->host_failures);
	slots->failover_capacity = failover_capacity(a, n);
	slots->unreserved =
		slots->left > slots->used ? slots->left - slots->used : 0;
	answer->value = slots->used;
	answer->limit = slots->left;
	/* With more failures configured than hosts are there the capacity
	 * can't reach the level, even with nothing to restart. */
	if (slots->failover_capacity < a->policy->host_failures ||
	    slots->used > slots->total) {
		answer->reason = HA_ADMISSION_SLOTS_SHORT;
		return false;
	}
	return true;
}

static void
colour_hosts(struct admission *a)
{
	for (uint32_t i = 0; i < a->answer->inv.n_hosts; i++) {
		a->colours[i] = !a->hosts[i].is_failover_host ?
					HA_ADMISSION_NO_COLOUR :
				a->hosts[i].state == HA_INV_ONLINE ?
					HA_ADMISSION_GREEN :
					HA_ADMISSION_RED;
	}
	for (uint32_t i = 0; i < a->answer->inv.n_vms; i++) {
		uint32_t host = a->vms[i].host;

		if (a->vms[i].is_on && host != HA_INV_NONE &&
		    a->colours[host] == HA_ADMISSION_GREEN) {
			a->colours[host] = HA_ADMISSION_YELLOW;
		}
	}
}

/* A yellow one has given part of what it was kept for: told, not refused. */
static bool
dedicated_holds(struct admission *a)
{
	bool has_any = false;

	colour_hosts(a);
	for (uint32_t i = 0; i < a->answer->inv.n_hosts; i++) {
		has_any = has_any || a->colours[i] != HA_ADMISSION_NO_COLOUR;
		if (a->colours[i] == HA_ADMISSION_RED) {
			a->answer->reason = HA_ADMISSION_FAILOVER_RED;
			a->answer->host = i;
			return false;
		}
	}
	if (!has_any) {
		a->answer->reason = HA_ADMISSION_NO_FAILOVER;
	}
	return has_any;
}

bool
ha__admission_figures(struct admission *a)
{
	struct ha_admission_answer *answer = a->answer;
	bool has_host = false;

	sum_up(a);
	for (uint32_t i = 0; i < answer->inv.n_hosts; i++) {
		has_host = has_host || a->hosts[i].state == HA_INV_ONLINE;
	}
	switch (a->policy->type) {
	case HA_ADMISSION_PERCENTAGE:
		if (percentage_holds(a)) {
			break;
		}
		if (!has_host) {
			answer->reason = HA_ADMISSION_NO_HOST;
		}
		return false;
	case HA_ADMISSION_SLOT:
		if (slots_hold(a)) {
			break;
		}
		if (!has_host) {
			answer->reason = HA_ADMISSION_NO_HOST;
		}
		return false;
	case HA_ADMISSION_DEDICATED:
		if (!dedicated_holds(a)) {
			return false;
		}
		break;
	case HA_ADMISSION_DISABLED:
		return true;
	}
	if (!has_host) {
		answer->reason = HA_ADMISSION_NO_HOST;
	}
	return has_host;
}
