/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is in use now against what the hosts have once the largest of them are
 * lost (performance_degradation; vSphere's resourceReductionToToleratePercent).
 * It warns and never refuses. A host that tells what its VMs use replaces what
 * these tell themselves, each resource by itself: both together would count
 * them twice.
 */
#include <inttypes.h>

#include "admission_parts.h"

#define PERCENT HA_ADMISSION_PERCENT_MAX

static bool
has_used(const struct ha_inv_host *host, bool is_memory)
{
	return is_memory ? host->has_memory_used : host->has_cpu_used;
}

/* Where it was measured: it runs there, whatever the request would change. */
static bool
is_in_its_hosts(const struct ha_admission_question *q, uint32_t vm,
		bool is_memory)
{
	const struct ha_inv_vm *one = &q->inv->vms[vm];

	return one->is_on && one->host != HA_INV_NONE &&
	       has_used(&q->inv->hosts[one->host], is_memory);
}

static uint64_t
sum_used(const struct ha_admission_question *q, const struct ha_inventory *inv,
	 bool is_memory)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < q->inv->n_hosts; i++) {
		const struct ha_inv_host *host = &q->inv->hosts[i];

		if (has_used(host, is_memory)) {
			sum += is_memory ? host->memory_used_mb :
					   host->cpu_used_mhz;
		}
	}
	for (uint32_t i = 0; q->used && i < inv->n_vms; i++) {
		if (inv->vms[i].is_on && !is_in_its_hosts(q, i, is_memory)) {
			sum += is_memory ? q->used[i].memory_mb :
					   q->used[i].cpu_mhz;
		}
	}
	return sum;
}

/* Keeps the `n` largest, the smallest of them last. */
static void
keep_largest(uint64_t *largest, uint32_t n, uint64_t value)
{
	for (uint32_t i = 0; i < n; i++) {
		if (value > largest[i]) {
			uint64_t smaller = largest[i];

			largest[i] = value;
			value = smaller;
		}
	}
}

/* Of the online hosts, without the host_failures largest. */
static uint64_t
left_after(const struct ha_admission_question *q,
	   const struct ha_inventory *inv, bool is_memory)
{
	uint64_t largest[HA_PLAN_FAILURES_MAX] = { 0 };
	uint32_t failures = q->policy->host_failures;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < inv->n_hosts; i++) {
		const struct ha_inv_host *host = &inv->hosts[i];
		uint64_t has = is_memory ? host->memory_mb : host->cpu_mhz;

		if (host->state == HA_INV_ONLINE) {
			sum += has;
			keep_largest(largest, failures, has);
		}
	}
	for (uint32_t i = 0; i < failures; i++) {
		sum -= largest[i];
	}
	return sum;
}

/* usage * (1 - p/100) > capacity after the failures, in whole numbers. */
static bool
would_suffer(const struct ha_admission_question *q, uint64_t used,
	     uint64_t left)
{
	return used * (PERCENT - q->policy->performance_degradation) >
	       left * PERCENT;
}

void
ha__admission_use(const struct ha_admission_question *q,
		  const struct ha_inventory *inv,
		  struct ha_admission_use *ret_use)
{
	struct ha_admission_use use = {
		.cpu_mhz = sum_used(q, inv, false),
		.memory_mb = sum_used(q, inv, true),
		.left_cpu_mhz = left_after(q, inv, false),
		.left_memory_mb = left_after(q, inv, true),
	};

	use.warns_cpu = would_suffer(q, use.cpu_mhz, use.left_cpu_mhz);
	use.warns_memory = would_suffer(q, use.memory_mb, use.left_memory_mb);
	*ret_use = use;
}

void
ha_admission_use(const struct ha_admission_question *question,
		 struct ha_admission_use *ret_use)
{
	ha__admission_use(question, question->inv, ret_use);
}

bool
ha_admission_warning(const struct ha_admission_policy *policy,
		     const struct ha_admission_use *use, bool is_memory,
		     struct ha_err *ret_text)
{
	const char *unit = is_memory ? "MB" : "MHz";

	if (is_memory ? !use->warns_memory : !use->warns_cpu) {
		return false;
	}
	ha_err_set(ret_text, 0,
		   "the %s in use now, %" PRIu64 " %s, less the %" PRIu32
		   " %% that may be lost, would not fit into the %" PRIu64
		   " %s that are left after %" PRIu32
		   " host failure%s: VMs would be slower than that. Add a "
		   "host, have VMs use less, or raise performance_degradation",
		   is_memory ? "memory" : "CPU",
		   is_memory ? use->memory_mb : use->cpu_mhz, unit,
		   policy->performance_degradation,
		   is_memory ? use->left_memory_mb : use->left_cpu_mhz, unit,
		   policy->host_failures,
		   policy->host_failures == 1 ? "" : "s");
	return true;
}
