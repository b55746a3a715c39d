/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cluster's policy out of a CIB, by the table and the rules that vmha-fdmd
 * uses: a bad value has its default there and here, and is told. Decides
 * nothing.
 */
#include "policy.h"

#include <string.h>

#include "ha/fdmparams.h"
#include "ha/inventory_file.h"

#define AGENT "FaultDomain"
#define SEPARATORS " \t\n,;" /* of ha_fdm_is_failover_host() */

const struct cib_node *
policy_resource(const struct cib_node *cib)
{
	const struct cib_node *at = NULL;

	while ((at = cib_next(cib, at, "primitive"))) {
		if (cib_is_ours(cib, at, AGENT)) {
			return at;
		}
	}
	return NULL;
}

const char *
policy_attribute(const struct cib_node *of, const char *name)
{
	const struct cib_node *set = of ? of->first : NULL;
	const char *value = NULL;

	for (; set && !value; set = set->next) {
		if (cib_is(set, "instance_attributes")) {
			value = cib_nvpair(set, name);
		}
	}
	return value;
}

const char *
policy_value(const struct cib_node *own, const struct cib_node *template,
	     const char *name)
{
	const struct cib_node *in = own;
	const char *value = policy_attribute(own, name);

	value = value ? value : policy_attribute(template, name);
	while (!value && in && (in = in->parent) && !cib_is(in, "resources")) {
		value = policy_attribute(in, name);
	}
	return value;
}

struct source {
	const struct cib_node *own, *template;
};

static const char *
get(void *closure, const char *name)
{
	const struct source *source = closure;
	return policy_value(source->own, source->template, name);
}

/* A name that the list has and the cluster has not is told, not taken. */
static json_t *
failover_hosts(const struct ha_fdm_params *params,
	       const struct ha_inventory *inv, json_t *warnings)
{
	const char *list = params->failover_hosts;
	json_t *names = json_array();

	for (uint32_t i = 0; i < inv->n_hosts; i++) {
		if (ha_fdm_is_failover_host(params, inv->hosts[i].name)) {
			(void)json_array_append_new(
				names, json_string(inv->hosts[i].name));
		}
	}
	while (list && *(list += strspn(list, SEPARATORS))) {
		size_t len = strcspn(list, SEPARATORS);
		uint32_t i = 0;

		while (i < inv->n_hosts &&
		       (strlen(inv->hosts[i].name) != len ||
			strncmp(inv->hosts[i].name, list, len) != 0)) {
			i++;
		}
		if (i == inv->n_hosts) {
			(void)json_array_append_new(
				warnings,
				json_sprintf("failover_hosts names %.*s, which "
					     "is no host of this cluster: not "
					     "counted",
					     (int)len, list));
		}
		list += len;
	}
	return names;
}

static void
put(json_t *policy, const char *name, bool is_set, uint64_t value)
{
	if (is_set) {
		(void)json_object_set_new(policy, name,
					  json_integer((json_int_t)value));
	}
}

static void
read_params(const struct cib_node *cib, struct ha_fdm_params *ret_params)
{
	const struct cib_node *resource = policy_resource(cib);
	const char *template = cib_get(resource, "template");
	struct source source = {
		resource,
		*template ? cib_find(cib, "template", "id", template) : NULL,
	};

	(void)ha_fdm_params_lenient(get, &source, ret_params, NULL);
}

enum ha_admission_type
policy_type(const struct cib_node *cib)
{
	struct ha_admission_policy p;
	struct ha_fdm_params params;

	if (!policy_resource(cib)) {
		return HA_ADMISSION_DISABLED;
	}
	read_params(cib, &params);
	(void)ha_fdm_admission(&params, &p, NULL);
	return p.type;
}

bool
policy_is_in_force(const struct cib_node *cib)
{
	return policy_type(cib) != HA_ADMISSION_DISABLED &&
	       !policy_is_stopped(cib);
}

bool
policy_is_stopped(const struct cib_node *cib)
{
	const struct cib_node *resource = policy_resource(cib);

	return resource && cib_is_stopped(cib, resource);
}

json_t *
policy_head(const struct cib_node *cib)
{
	struct ha_admission_policy p;
	struct ha_fdm_params params;

	if (!policy_resource(cib)) {
		return NULL;
	}
	read_params(cib, &params);
	(void)ha_fdm_admission(&params, &p, NULL);
	return json_pack("{s:s, s:s, s:I}", "policy",
			 ha_inventory_policy_name(p.type), "guarantee",
			 p.guarantee == HA_ADMISSION_PLAN ? "plan" :
							    "arithmetic",
			 "host_failures", (json_int_t)p.host_failures);
}

json_t *
policy_json(const struct cib_node *cib, const struct ha_inventory *inv,
	    json_t *warnings)
{
	struct ha_admission_policy p;
	struct ha_fdm_params params;
	json_t *policy;

	read_params(cib, &params);
	(void)ha_fdm_admission(&params, &p, NULL);
	policy_errors(cib, warnings);
	policy = json_pack(
		"{s:s, s:s, s:o}", "type", ha_inventory_policy_name(p.type),
		"guarantee",
		p.guarantee == HA_ADMISSION_PLAN ? "plan" : "arithmetic",
		"failover_hosts", failover_hosts(&params, inv, warnings));
	put(policy, "host_failures", true, p.host_failures);
	put(policy, "cpu_percent", p.has_cpu_percent, p.cpu_percent);
	put(policy, "memory_percent", p.has_memory_percent, p.memory_percent);
	/* 0 is "not set" there, and no value in the file. */
	put(policy, "slot_cpu_mhz", p.slot_cpu_mhz > 0, p.slot_cpu_mhz);
	put(policy, "slot_memory_mb", p.slot_memory_mb > 0, p.slot_memory_mb);
	put(policy, "max_slot_cpu_mhz", p.max_slot_cpu_mhz > 0,
	    p.max_slot_cpu_mhz);
	put(policy, "max_slot_memory_mb", p.max_slot_memory_mb > 0,
	    p.max_slot_memory_mb);
	put(policy, "default_cpu_mhz", true, p.default_cpu_mhz);
	put(policy, "default_memory_mb", true, p.default_memory_mb);
	put(policy, "performance_degradation", true, p.performance_degradation);
	return policy;
}

bool
policy_is_refused(const struct cib_node *ticket)
{
	return cib_is_waiting(ticket) && strcmp(cib_get(ticket, "vmha-reason"),
						"waits-for-admission") == 0;
}

const char *
policy_refusal(const struct cib_node *ticket)
{
	const char *text = cib_get(ticket, "vmha-text");

	return *text ? text : "admission control refuses it";
}
