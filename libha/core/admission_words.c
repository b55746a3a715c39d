/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The figures of an answer of admission control as sentences: shares, slots,
 * what a host would hold, a VM that no host is large enough for. Names what is
 * short, and never advises what can't help.
 */
#include <inttypes.h>
#include <string.h>

#include "admission_tell.h"

#define ALL_PERCENT 100u

/* ---- shares of the cluster ---------------------------------------------------- */

static void
help_share(const struct telling *t, const struct ha_admission_share *share,
	   bool is_set, const char *unit)
{
	if (share->configured_percent == 0) {
		ha_err_set(t->help, 0,
			   "free %" PRIu64 " %s of reservations, or add a host",
			   share->missing, unit);
	} else if (share->configured_percent < ALL_PERCENT) {
		ha_err_set(t->help, 0,
			   "free %" PRIu64
			   " %s of reservations, add a host, or keep a smaller "
			   "share free",
			   share->missing, unit);
	} else if (is_set) {
		ha_err_set(t->help, 0,
			   "keep a smaller share free: as it is set nothing "
			   "may run");
	} else {
		ha_err_set(t->help, 0,
			   "bring a host back or add one, or set "
			   "host_failures to a smaller number (0: nothing is "
			   "kept free): with the hosts that are left nothing "
			   "may run");
	}
}

void
ha__admission_tell_share(const struct telling *t,
			 const struct ha_admission_share *share,
			 const char *what, const char *unit)
{
	const struct ha_admission_policy *policy = t->q->policy;
	bool is_set = share == &t->answer->memory ? policy->has_memory_percent :
						    policy->has_cpu_percent;
	struct ha_err left = { .text = "nothing is" };
	struct ha_err kept = HA_ERR_INIT;

	if (share->current_percent >= 0) {
		ha_err_set(&left, 0, "%" PRId64 " %% are",
			   share->current_percent);
	}
	if (policy->host_failures > 0) {
		ha_err_set(&kept, 0, " for %" PRIu32 " host failure%s",
			   policy->host_failures,
			   policy->host_failures == 1 ? "" : "s");
	}
	if (share->configured_percent == 0) {
		ha_err_set(t->reason, 0,
			   "%s: %" PRIu64 " %s are reserved, and there are "
			   "%" PRIu64 " (nothing is to be kept free)",
			   what, share->demand, unit, share->capacity);
	} else {
		ha_err_set(t->reason, 0,
			   "%s: %" PRIu64 " of %" PRIu64
			   " %s are reserved, %s left, and %" PRIu64
			   " %% must be kept free%s",
			   what, share->demand, share->capacity, unit,
			   left.text, share->configured_percent, kept.text);
	}
	help_share(t, share, is_set, unit);
}

/* ---- slots ---------------------------------------------------------------------- */

void
ha__admission_tell_slots(const struct telling *t)
{
	const struct ha_admission_slots *slots = &t->answer->slots;
	uint32_t failures = t->q->policy->host_failures;
	uint64_t missing = slots->used - slots->left;
	struct ha_err lost = { .text = "the largest host fails" };

	if (failures > 1) {
		ha_err_set(&lost, 0, "the %" PRIu32 " largest hosts fail",
			   failures);
	} else if (failures == 0) {
		ha_err_set(&lost, 0, "no host fails");
	}
	ha_err_set(t->reason, 0,
		   "%" PRIu64 " slots of %" PRIu64 " MHz and %" PRIu64
		   " MB are used; of %" PRIu64 " in all %" PRIu64
		   " are left when %s: the cluster can lose %" PRIu32,
		   slots->used, slots->cpu_mhz, slots->memory_mb, slots->total,
		   slots->left, lost.text, slots->failover_capacity);
	if (slots->used > slots->left) {
		ha_err_set(t->help, 0,
			   "free %" PRIu64 " slot%s, add a host, or make slots "
			   "smaller: lower the largest reservation, or bound "
			   "the slot",
			   missing, missing == 1 ? "" : "s");
	} else {
		ha_err_set(t->help, 0,
			   "add a host: there are not more than the failures "
			   "that are to be survived");
	}
}

/* ---- a yes ------------------------------------------------------------------------ */

void
ha__admission_tell_holds(const struct telling *t)
{
	const struct ha_admission_answer *answer = t->answer;
	const struct ha_admission_policy *policy = t->q->policy;
	struct ha_err kept = { .text = "; host_failures is 0: no failure is "
				       "planned for" };
	const char *proof = answer->has_plan ? "; every VM has a place after "
					       "each such failure" :
					       "";

	if (policy->host_failures > 0) {
		ha_err_set(&kept, 0, " for %" PRIu32 " host failure%s%s",
			   policy->host_failures,
			   policy->host_failures == 1 ? "" : "s", proof);
	}
	switch (policy->type) {
	case HA_ADMISSION_PERCENTAGE:
		ha_err_set(t->reason, 0,
			   "%" PRId64 " %% of the CPU and %" PRId64
			   " %% of the memory are left, %" PRIu64
			   " %% and %" PRIu64 " %% must be kept free%s",
			   answer->cpu.current_percent,
			   answer->memory.current_percent,
			   answer->cpu.configured_percent,
			   answer->memory.configured_percent, kept.text);
		return;
	case HA_ADMISSION_SLOT:
		ha_err_set(t->reason, 0,
			   "the cluster can lose %" PRIu32
			   " of its largest hosts, %" PRIu32 " wanted; %" PRIu64
			   " slots are free beyond that%s",
			   answer->slots.failover_capacity,
			   policy->host_failures, answer->slots.unreserved,
			   policy->host_failures > 0 ? proof : kept.text);
		return;
	case HA_ADMISSION_DEDICATED:
		ha_err_set(t->reason, 0, "the failover hosts are online%s",
			   policy->host_failures > 0 ? proof : kept.text);
		return;
	case HA_ADMISSION_DISABLED:
		break;
	}
	ha_err_set(t->reason, 0, "admission control is disabled");
}

/* ---- one host --------------------------------------------------------------------- */

static uint32_t
sum_up(const struct ha_admission_answer *answer, uint32_t host,
       struct ha_plan_demand *ret_held)
{
	uint32_t n_held = 0;

	*ret_held = (struct ha_plan_demand){ 0 };
	for (uint32_t i = 0; i < answer->inv.n_vms; i++) {
		if (answer->inv.vms[i].is_on &&
		    answer->inv.vms[i].host == host) {
			ret_held->cpu_mhz += answer->demand[i].cpu_mhz;
			ret_held->memory_mb += answer->demand[i].memory_mb;
			n_held++;
		}
	}
	return n_held;
}

bool
ha__admission_is_enough(const struct ha_admission_answer *answer, uint32_t host)
{
	const struct ha_inv_host *it = &answer->inv.hosts[host];
	struct ha_plan_demand held;
	uint32_t n_held = sum_up(answer, host, &held);

	return held.cpu_mhz <= it->cpu_mhz && held.memory_mb <= it->memory_mb &&
	       (it->max_vms == 0 || n_held <= it->max_vms);
}

void
ha__admission_tell_full(const struct telling *t, uint32_t host)
{
	const struct ha_admission_answer *answer = t->answer;
	const struct ha_inv_host *it = &answer->inv.hosts[host];
	struct ha_plan_demand held;
	uint32_t n_held = sum_up(answer, host, &held);
	bool is_cpu = held.cpu_mhz > it->cpu_mhz;
	struct ha_err cpu = HA_ERR_INIT;

	if (is_cpu) {
		ha_err_set(&cpu, 0, "%" PRIu64 " of %" PRIu64 " MHz",
			   held.cpu_mhz, it->cpu_mhz);
	}
	if (held.memory_mb > it->memory_mb) {
		ha_err_set(t->reason, 0,
			   "%s would hold more than it has: %s%s%" PRIu64
			   " of %" PRIu64 " MB of memory",
			   it->name, cpu.text, is_cpu ? " and " : "",
			   held.memory_mb, it->memory_mb);
	} else if (is_cpu) {
		ha_err_set(t->reason, 0, "%s would hold more than it has: %s",
			   it->name, cpu.text);
	} else {
		ha_err_set(t->reason, 0,
			   "%s would hold more VMs than it may: %" PRIu32
			   " of %" PRIu32,
			   it->name, n_held, it->max_vms);
	}
}

/* ---- a VM that is larger than every host -------------------------------------------- */

static bool
is_about_room(enum ha_admission_reason reason)
{
	return reason == HA_ADMISSION_CPU_SHORT ||
	       reason == HA_ADMISSION_MEMORY_SHORT ||
	       reason == HA_ADMISSION_SLOTS_SHORT ||
	       reason == HA_ADMISSION_NOT_PLACED ||
	       reason == HA_ADMISSION_NO_PLAN;
}

void
ha__admission_tell_too_large(const struct telling *t)
{
	const struct ha_admission_request *r = t->q->request;
	const struct ha_inventory *inv = &t->answer->inv;
	const struct ha_plan_demand *need;
	struct ha_plan_demand most = { 0 };

	if ((r->op != HA_ADMISSION_POWER_ON && r->op != HA_ADMISSION_RAISE) ||
	    r->vm >= inv->n_vms || !inv->vms[r->vm].is_on ||
	    !is_about_room(t->answer->reason)) {
		return;
	}
	need = &t->answer->demand[r->vm];
	for (uint32_t i = 0; i < inv->n_hosts; i++) {
		const struct ha_inv_host *host = &inv->hosts[i];

		if (!ha_inv_vm_is_allowed(&inv->vms[r->vm], i)) {
			continue;
		}
		if (need->cpu_mhz <= host->cpu_mhz &&
		    need->memory_mb <= host->memory_mb) {
			return;
		}
		most.cpu_mhz = host->cpu_mhz > most.cpu_mhz ? host->cpu_mhz :
							      most.cpu_mhz;
		most.memory_mb = host->memory_mb > most.memory_mb ?
					 host->memory_mb :
					 most.memory_mb;
	}
	ha_err_set(t->help, 0,
		   "no host is that large (those that %s may use have at most "
		   "%" PRIu64 " MHz and %" PRIu64
		   " MB): lower its reservation, or add a host of at least "
		   "%" PRIu64 " MHz and %" PRIu64 " MB",
		   inv->vms[r->vm].name, most.cpu_mhz, most.memory_mb,
		   need->cpu_mhz, need->memory_mb);
}
