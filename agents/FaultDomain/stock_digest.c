/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A number for all that admission judges by (FNV-1a, 64 bits): most copies of
 * the CIB differ in what it does not look at, and then nobody need be judged
 * anew. What is forgotten here would be judged by what has been.
 */
#include "FaultDomain/stock_digest.h"

#include <string.h>

#define HASH_PRIME UINT64_C(1099511628211)

uint64_t
fdm_mix(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < len; i++) {
		hash = (hash ^ at[i]) * HASH_PRIME;
	}
	return hash;
}

uint64_t
fdm_mix_number(uint64_t hash, uint64_t value)
{
	return fdm_mix(hash, &value, sizeof(value));
}

uint64_t
fdm_mix_text(uint64_t hash, const char *text)
{
	return fdm_mix(hash, text, strlen(text) + 1);
}

static uint64_t
digest_vms(const struct fdm_stock *stock, uint64_t hash)
{
	for (uint32_t i = 0; i < stock->inv.n_vms; i++) {
		const struct ha_inv_vm *vm = &stock->vms[i];
		const struct ha_cibinv_vm *cib = &stock->cibinv->vms[i];

		hash = fdm_mix_text(hash, vm->name);
		hash = fdm_mix_number(hash, vm->cpu_mhz);
		hash = fdm_mix_number(hash, vm->memory_mb);
		hash = fdm_mix_number(hash, vm->overhead_mb);
		hash = fdm_mix_number(hash, vm->host);
		hash = fdm_mix_number(hash, vm->is_on);
		hash = fdm_mix_number(hash, vm->priority);
		hash = fdm_mix_number(hash, stock->wanted[i].cpu_mhz);
		hash = fdm_mix_number(hash, stock->wanted[i].memory_mb);
		hash = fdm_mix_number(hash, vm->has_allowed);
		hash = fdm_mix_text(hash, cib->bad_name ? cib->bad_name : "");
		hash = fdm_mix_text(hash, cib->bad_value ? cib->bad_value : "");
		hash = fdm_mix(hash, vm->allowed,
			       vm->n_allowed * sizeof(*vm->allowed));
	}
	return hash;
}

uint64_t
fdm_stock_digest(const struct fdm_stock *stock)
{
	const struct ha_admission_policy *policy = &stock->policy;
	uint64_t hash = digest_vms(stock, FDM_MIX_BEGIN);

	for (uint32_t i = 0; i < stock->inv.n_hosts; i++) {
		const struct ha_inv_host *host = &stock->hosts[i];

		hash = fdm_mix_text(hash, host->name);
		hash = fdm_mix_number(hash, host->cpu_mhz);
		hash = fdm_mix_number(hash, host->memory_mb);
		hash = fdm_mix_number(hash, host->max_vms);
		hash = fdm_mix_number(hash, host->state);
		hash = fdm_mix_number(hash, host->is_failover_host);
	}
	for (uint32_t i = 0; i < stock->inv.n_rules; i++) {
		const struct ha_inv_rule *rule = &stock->inv.rules[i];

		hash = fdm_mix_number(hash, rule->type);
		hash = fdm_mix_number(hash, rule->is_mandatory);
		hash = fdm_mix(hash, rule->vms,
			       rule->n_vms * sizeof(*rule->vms));
	}
	/* Its fields one by one: between them are bytes of no meaning. */
	hash = fdm_mix_number(hash, policy->type);
	hash = fdm_mix_number(hash, policy->guarantee);
	hash = fdm_mix_number(hash, policy->host_failures);
	hash = fdm_mix_number(hash, policy->has_cpu_percent);
	hash = fdm_mix_number(hash, policy->has_memory_percent);
	hash = fdm_mix_number(hash, policy->cpu_percent);
	hash = fdm_mix_number(hash, policy->memory_percent);
	hash = fdm_mix_number(hash, policy->slot_cpu_mhz);
	hash = fdm_mix_number(hash, policy->slot_memory_mb);
	hash = fdm_mix_number(hash, policy->max_slot_cpu_mhz);
	hash = fdm_mix_number(hash, policy->max_slot_memory_mb);
	hash = fdm_mix_number(hash, policy->default_cpu_mhz);
	hash = fdm_mix_number(hash, policy->default_memory_mb);
	return fdm_mix_number(hash, stock->is_complete);
}
