/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A CIB's inventory as the inventory file, for `vmha admission check
 * --inventory`. A machine that is to run and is nowhere yet is off there: the
 * file knows no machine that is on and has no host.
 */
#include "ha/cibinv.h"

const char *
ha_cibinv_state_name(enum ha_inv_state state)
{
	switch (state) {
	case HA_INV_ONLINE:
		return "online";
	case HA_INV_STANDBY:
		return "standby";
	case HA_INV_MAINTENANCE:
		return "maintenance";
	case HA_INV_OFFLINE:
		return "offline";
	case HA_INV_ERROR:
		return "error";
	}
	return "error";
}

const char *
ha_cibinv_priority_name(enum ha_inv_priority priority)
{
	switch (priority) {
	case HA_INV_PRIORITY_DISABLED:
		return "disabled";
	case HA_INV_PRIORITY_LOWEST:
		return "lowest";
	case HA_INV_PRIORITY_LOW:
		return "low";
	case HA_INV_PRIORITY_MEDIUM:
		return "medium";
	case HA_INV_PRIORITY_HIGH:
		return "high";
	case HA_INV_PRIORITY_HIGHEST:
		return "highest";
	}
	return "medium";
}

static json_t *
host_json(const struct ha_inv_host *host)
{
	json_t *one = json_pack("{s:s, s:I, s:I, s:s, s:b}", "name", host->name,
				"cpu_mhz", (json_int_t)host->cpu_mhz,
				"memory_mb", (json_int_t)host->memory_mb,
				"state", ha_cibinv_state_name(host->state),
				"failover_host", (int)host->is_failover_host);

	if (one && host->has_cpu_used) {
		(void)json_object_set_new(
			one, "cpu_used_mhz",
			json_integer((json_int_t)host->cpu_used_mhz));
	}
	if (one && host->has_memory_used) {
		(void)json_object_set_new(
			one, "memory_used_mb",
			json_integer((json_int_t)host->memory_used_mb));
	}
	return one;
}

static json_t *
vm_json(const struct ha_inventory *inv, const struct ha_inv_vm *vm)
{
	json_t *one = json_pack(
		"{s:s, s:I, s:I, s:I, s:s?, s:s, s:s}", "name", vm->name,
		"cpu_mhz", (json_int_t)vm->cpu_mhz, "memory_mb",
		(json_int_t)vm->memory_mb, "overhead_mb",
		(json_int_t)vm->overhead_mb, "host",
		vm->host == HA_INV_NONE ? NULL : inv->hosts[vm->host].name,
		"power", vm->is_on && vm->host != HA_INV_NONE ? "on" : "off",
		"priority", ha_cibinv_priority_name(vm->priority));

	if (one && vm->has_allowed) {
		json_t *allowed = json_array();

		for (uint32_t i = 0; i < vm->n_allowed; i++) {
			(void)json_array_append_new(
				allowed,
				json_string(inv->hosts[vm->allowed[i]].name));
		}
		(void)json_object_set_new(one, "hosts_allowed", allowed);
	}
	return one;
}

static json_t *
rule_json(const struct ha_inventory *inv, const struct ha_inv_rule *rule)
{
	json_t *vms = json_array();

	for (uint32_t i = 0; i < rule->n_vms; i++) {
		(void)json_array_append_new(
			vms, json_string(inv->vms[rule->vms[i]].name));
	}
	return json_pack("{s:s, s:o, s:b}", "type",
			 rule->type == HA_INV_SEPARATE ? "separate" :
							 "together",
			 "vms", vms, "mandatory", (int)rule->is_mandatory);
}

json_t *
ha_cibinv_json(const struct ha_inventory *inv)
{
	json_t *hosts = json_array();
	json_t *vms = json_array();
	json_t *rules = json_array();
	int rc = hosts && vms && rules ? 0 : -1;

	for (uint32_t i = 0; i < inv->n_hosts && rc == 0; i++) {
		rc = json_array_append_new(hosts, host_json(&inv->hosts[i]));
	}
	for (uint32_t i = 0; i < inv->n_vms && rc == 0; i++) {
		rc = json_array_append_new(vms, vm_json(inv, &inv->vms[i]));
	}
	for (uint32_t i = 0; i < inv->n_rules && rc == 0; i++) {
		rc = json_array_append_new(rules,
					   rule_json(inv, &inv->rules[i]));
	}
	if (rc < 0) {
		json_decref(hosts);
		json_decref(vms);
		json_decref(rules);
		return NULL;
	}
	return json_pack("{s:o, s:o, s:o}", "hosts", hosts, "vms", vms, "rules",
			 rules);
}
