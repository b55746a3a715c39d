/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An inventory as its file again, every key written out: what the decoder
 * took for granted is seen, and the two are tested against each other.
 */
#include "inventory_read.h"

static json_t *
number_or_null(uint64_t value, bool is_given)
{
	return is_given ? json_integer((json_int_t)value) : json_null();
}

static json_t *
names_json(const uint32_t *indices, uint32_t n, const struct ha_inventory *inv,
	   bool is_host)
{
	json_t *names = json_array();

	for (uint32_t i = 0; i < n; i++) {
		(void)json_array_append_new(
			names,
			json_string(is_host ? inv->hosts[indices[i]].name :
					      inv->vms[indices[i]].name));
	}
	return names;
}

static json_t *
host_json(const struct ha_inv_host *host)
{
	json_t *json =
		json_pack("{s:s, s:I, s:I, s:o, s:s, s:b}", "name", host->name,
			  "cpu_mhz", (json_int_t)host->cpu_mhz, "memory_mb",
			  (json_int_t)host->memory_mb, "max_vms",
			  number_or_null(host->max_vms, host->max_vms > 0),
			  "state", ha_inventory_state_name(host->state),
			  "failover_host", (int)host->is_failover_host);

	/* Absent, not 0: then the VMs' own count. */
	if (json && host->has_cpu_used) {
		(void)json_object_set_new(
			json, "cpu_used_mhz",
			json_integer((json_int_t)host->cpu_used_mhz));
	}
	if (json && host->has_memory_used) {
		(void)json_object_set_new(
			json, "memory_used_mb",
			json_integer((json_int_t)host->memory_used_mb));
	}
	return json;
}

static json_t *
vm_json(const struct ha_inventory_file *file, uint32_t index)
{
	const struct ha_inv_vm *vm = &file->inv.vms[index];
	json_t *json = json_pack(
		"{s:s, s:I, s:I, s:I, s:o, s:s, s:s, s:o}", "name", vm->name,
		"cpu_mhz", (json_int_t)vm->cpu_mhz, "memory_mb",
		(json_int_t)vm->memory_mb, "overhead_mb",
		(json_int_t)vm->overhead_mb, "host",
		vm->host == HA_INV_NONE ?
			json_null() :
			json_string(file->inv.hosts[vm->host].name),
		"power", inv_word_of(inv_powers, vm->is_on), "priority",
		ha_inventory_priority_name(vm->priority), "hosts_allowed",
		vm->has_allowed ? names_json(vm->allowed, vm->n_allowed,
					     &file->inv, true) :
				  json_null());

	if (json && file->used) {
		(void)json_object_update_new(
			json,
			json_pack("{s:I, s:I}", "cpu_used_mhz",
				  (json_int_t)file->used[index].cpu_mhz,
				  "memory_used_mb",
				  (json_int_t)file->used[index].memory_mb));
	}
	return json;
}

static json_t *
failover_json(const struct ha_inventory *inv)
{
	json_t *names = json_array();

	for (uint32_t i = 0; i < inv->n_hosts; i++) {
		if (inv->hosts[i].is_failover_host) {
			(void)json_array_append_new(
				names, json_string(inv->hosts[i].name));
		}
	}
	return names;
}

static json_t *
policy_json(const struct ha_inventory_file *file)
{
	const struct ha_admission_policy *p = &file->policy;

	return json_pack(
		"{s:s, s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:i, "
		"s:o}",
		"type", ha_inventory_policy_name(p->type), "guarantee",
		inv_word_of(inv_guarantees, (int)p->guarantee), "host_failures",
		(int)p->host_failures, "cpu_percent",
		number_or_null(p->cpu_percent, p->has_cpu_percent),
		"memory_percent",
		number_or_null(p->memory_percent, p->has_memory_percent),
		"slot_cpu_mhz",
		number_or_null(p->slot_cpu_mhz, p->slot_cpu_mhz > 0),
		"slot_memory_mb",
		number_or_null(p->slot_memory_mb, p->slot_memory_mb > 0),
		"max_slot_cpu_mhz",
		number_or_null(p->max_slot_cpu_mhz, p->max_slot_cpu_mhz > 0),
		"max_slot_memory_mb",
		number_or_null(p->max_slot_memory_mb,
			       p->max_slot_memory_mb > 0),
		"default_cpu_mhz", (json_int_t)p->default_cpu_mhz,
		"default_memory_mb", (json_int_t)p->default_memory_mb,
		"performance_degradation", (int)p->performance_degradation,
		"failover_hosts", failover_json(&file->inv));
}

static json_t *
request_json(const struct ha_inventory_file *file)
{
	const struct ha_admission_request *r = &file->request;
	uint32_t host = r->n_hosts > 0 ? r->hosts[0] : r->host;

	return json_pack(
		"{s:s, s:o, s:o, s:o, s:o}", "op",
		inv_word_of(inv_ops, (int)r->op), "vm",
		r->vm == HA_INV_NONE ? json_null() :
				       json_string(file->inv.vms[r->vm].name),
		"host",
		host == HA_INV_NONE ? json_null() :
				      json_string(file->inv.hosts[host].name),
		"cpu_mhz", number_or_null(r->cpu_mhz, r->has_cpu), "memory_mb",
		number_or_null(r->memory_mb, r->has_memory));
}

json_t *
ha_inventory_encode(const struct ha_inventory_file *file)
{
	const struct ha_inventory *inv = &file->inv;
	json_t *hosts = json_array();
	json_t *vms = json_array();
	json_t *rules = json_array();
	int rc = 0;

	for (uint32_t i = 0; i < inv->n_hosts; i++) {
		rc |= json_array_append_new(hosts, host_json(&inv->hosts[i]));
	}
	for (uint32_t i = 0; i < inv->n_vms; i++) {
		rc |= json_array_append_new(vms, vm_json(file, i));
	}
	for (uint32_t i = 0; i < inv->n_rules; i++) {
		const struct ha_inv_rule *rule = &inv->rules[i];

		rc |= json_array_append_new(
			rules,
			json_pack(
				"{s:s, s:o, s:b}", "type",
				inv_word_of(inv_rules, (int)rule->type), "vms",
				names_json(rule->vms, rule->n_vms, inv, false),
				"mandatory", (int)rule->is_mandatory));
	}
	if (rc != 0) {
		json_decref(hosts);
		json_decref(vms);
		json_decref(rules);
		return NULL;
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "hosts", hosts, "vms",
			 vms, "rules", rules, "policy", policy_json(file),
			 "request", request_json(file));
}
