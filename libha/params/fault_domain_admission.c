/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The admission policy that ocf:vmha:FaultDomain's parameters say. A bad value
 * must not switch a promise off: it counts as its default, and is told.
 */
#include <errno.h>
#include <string.h>

#include "ha/fdmparams.h"
#include "ha/text.h"

#define SEPARATORS " \t\n,;"

static int
take_percent(const char *name, const char *text, bool *ret_has,
	     uint32_t *ret_percent, struct ha_err *err)
{
	uint64_t value = 0;

	*ret_has = false;
	*ret_percent = 0;
	if (ha_text_is_empty(text) || strcmp(text, HA_FDM_PERCENT_AUTO) == 0) {
		return 0;
	}
	if (ha_text_uint64(text, &value) < 0 ||
	    value > HA_ADMISSION_PERCENT_MAX) {
		return ha_err_set(
			err, -EINVAL,
			"parameter %s: \"%.40s\" is no share; give "
			"0 to %u without a percent sign, or " HA_FDM_PERCENT_AUTO,
			name, text, HA_ADMISSION_PERCENT_MAX);
	}
	*ret_has = true;
	*ret_percent = (uint32_t)value;
	return 0;
}

int
ha_fdm_admission(const struct ha_fdm_params *params,
		 struct ha_admission_policy *ret_policy, struct ha_err *err)
{
	int rc, bad;

	*ret_policy = (struct ha_admission_policy){
		.type = (enum ha_admission_type)params->admission_policy,
		.guarantee = (enum ha_admission_guarantee)
				     params->admission_guarantee,
		.host_failures = (uint32_t)params->host_failures,
		.slot_cpu_mhz = (uint64_t)params->slot_cpu_mhz,
		.slot_memory_mb = (uint64_t)params->slot_memory_mb,
		.max_slot_cpu_mhz = (uint64_t)params->max_slot_cpu_mhz,
		.max_slot_memory_mb = (uint64_t)params->max_slot_memory_mb,
		.default_cpu_mhz = (uint64_t)params->default_cpu_mhz,
		.default_memory_mb = (uint64_t)params->default_memory_mb,
		.performance_degradation =
			(uint32_t)params->performance_degradation,
	};
	rc = take_percent("cpu_percent", params->cpu_percent,
			  &ret_policy->has_cpu_percent,
			  &ret_policy->cpu_percent, err);
	bad = take_percent("memory_percent", params->memory_percent,
			   &ret_policy->has_memory_percent,
			   &ret_policy->memory_percent, rc < 0 ? NULL : err);
	return rc < 0 ? rc : bad;
}

bool
ha_fdm_is_failover_host(const struct ha_fdm_params *params, const char *host)
{
	const char *list = params->failover_hosts;
	size_t wanted = strlen(host);

	while (list && *(list += strspn(list, SEPARATORS))) {
		size_t len = strcspn(list, SEPARATORS);

		if (len == wanted && strncmp(list, host, len) == 0) {
			return true;
		}
		list += len;
	}
	return false;
}
