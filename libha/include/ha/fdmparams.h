/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parameters of ocf:vmha:FaultDomain, which are the cluster's policy: one
 * table, read by the agent (meta-data, validation) and by vmha-fdmd, which
 * takes the values from the CIB. Names and defaults are vSphere's where it has
 * them (das.isolationAddress, das.useDefaultIsolationAddress).
 */
#ifndef HA_FDMPARAMS_H
#define HA_FDMPARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/admission.h"
#include "ha/param.h"

#define HA_ADDRESS_TEXT 64  /* "IPv6%interface" and the NUL */
#define HA_ADDRESSES_MAX 10 /* isolation addresses, as vSphere */

/* A cluster's response has no "cluster" to inherit from: enum ha_response of
 * ha/isolation.h begins one earlier. */
enum ha_fdm_response {
	HA_FDM_RESPONSE_NONE,
	HA_FDM_RESPONSE_POWEROFF,
	HA_FDM_RESPONSE_SHUTDOWN,
};

struct ha_fdm_params {
	int isolation_response; /* enum ha_fdm_response */
	int partition_response;
	const char *isolation_addresses;
	bool use_default_gateway;
	uint64_t isolation_ping_timeout_ms;
	uint64_t isolation_delay_ms;
	uint64_t partition_delay_ms;
	uint64_t isolation_shutdown_timeout_ms;
	const char *restart_retry_waits;
	int64_t restart_attempts;
	uint64_t restart_priority_timeout_ms;
	int64_t restart_concurrent; /* on one host; all: for each live one */
	int admission_policy;       /* enum ha_admission_type */
	int admission_guarantee;    /* enum ha_admission_guarantee */
	int64_t host_failures;
	const char *cpu_percent, *memory_percent;
	int64_t slot_cpu_mhz, slot_memory_mb;
	int64_t max_slot_cpu_mhz, max_slot_memory_mb;
	int64_t default_cpu_mhz, default_memory_mb;
	const char *failover_hosts;
	int64_t performance_degradation;
	const char *host_cpu_overhead;
	const char *host_memory_overhead;
};

extern const struct ha_param HA_FDM_PARAMS[];

struct ha_fdm_addresses {
	size_t count;
	char text[HA_ADDRESSES_MAX][HA_ADDRESS_TEXT];
};
/* isolation_addresses as single ones: IPv4, IPv6, IPv6%interface; separated by
 * blanks or commas; one given twice counts once. NULL: none. -EINVAL with a
 * sentence for the first bad one; ret_addresses then holds the good ones. */
int ha_fdm_addresses_parse(const char *list,
			   struct ha_fdm_addresses *ret_addresses,
			   struct ha_err *err);

#define HA_WAITS_MAX 15u
struct ha_fdm_waits {
	size_t count; /* at least one after a parse that went well */
	uint32_t ms[HA_WAITS_MAX];
};
/* restart_retry_waits as single ones: minutes, or a duration with its unit;
 * 1 s to 24 h each. -EINVAL with a sentence; ret_waits is then untouched. */
int ha_fdm_waits_parse(const char *list, struct ha_fdm_waits *ret_waits,
		       struct ha_err *err);

#define HA_FDM_CPU_OVERHEAD "5%"
#define HA_FDM_MEMORY_OVERHEAD "1024 2%"
/* host_cpu_overhead, host_memory_overhead: an amount, a share, or both. */
struct ha_fdm_overhead {
	uint64_t amount; /* MHz or MiB */
	uint32_t percent;
};
/* "1024", "5%", "1024 2%"; empty or NULL: none. -EINVAL; ret_overhead is then
 * untouched. */
int ha_fdm_overhead_parse(const char *text,
			  struct ha_fdm_overhead *ret_overhead);
/* What is left; never below 0. The share is rounded up. */
uint64_t ha_fdm_overhead_take(uint64_t value,
			      const struct ha_fdm_overhead *overhead);

#define HA_FDM_PERCENT_AUTO "auto"
/* The policy that they say. -EINVAL with a sentence for a percentage that is
 * none; it then counts as auto. failover_hosts is not in it. */
int ha_fdm_admission(const struct ha_fdm_params *params,
		     struct ha_admission_policy *ret_policy,
		     struct ha_err *err);
/* Does failover_hosts name it? */
bool ha_fdm_is_failover_host(const struct ha_fdm_params *params,
			     const char *host);

/* Rules that no single row can say. 0; -EINVAL with a sentence. */
int ha_fdm_params_check(const struct ha_fdm_params *params, struct ha_err *err);

/* As vmha-fdmd wants it: in place of a bad value its default holds (a bad
 * address is left out), and the sentence of the first bad one stands in `err`
 * (result -EINVAL); the policy is complete in either case. `values` is zeroed here; its strings are the getter's. */
int ha_fdm_params_lenient(ha_param_getter get, void *ctx,
			  struct ha_fdm_params *ret_values, struct ha_err *err);

#endif
