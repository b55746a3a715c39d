/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inventory file: JSON to hosts, machines and rules. Names become
 * indices; what names nothing, or one thing twice, is refused with its place.
 * Must never take a file for one that says less: unknown keys are errors.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "inventory_read.h"

#define FLAGS (JSON_REJECT_DUPLICATES)

enum {
	MEMORY_HOSTS,
	MEMORY_VMS,
	MEMORY_RULES,
	MEMORY_POOL,
	MEMORY_USED
};

static const char *const ROOT_KEYS[] = { "hosts",  "vms",     "rules",
					 "policy", "request", NULL };
static const char *const HOST_KEYS[] = {
	"name",          "cpu_mhz",      "memory_mb",      "max_vms", "state",
	"failover_host", "cpu_used_mhz", "memory_used_mb", NULL,
};
static const char *const VM_KEYS[] = {
	"name",         "cpu_mhz",        "memory_mb", "overhead_mb",
	"host",         "power",          "priority",  "hosts_allowed",
	"cpu_used_mhz", "memory_used_mb", NULL,
};
static const char *const RULE_KEYS[] = { "type", "vms", "mandatory", NULL };

static int
no_memory(struct ha_err *err)
{
	return ha_err_set(err, -ENOMEM, "no memory for the inventory");
}

/* calloc() of at least one, which no library answers with NULL. */
static void *
room(size_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

static int
read_host_use(struct inv_reading *r, const json_t *json,
	      struct ha_inv_host *host, const struct inv_at *at)
{
	static const struct inv_number CPU = { "cpu_used_mhz", 0,
					       HA_ADMISSION_CPU_MHZ_MAX, 0,
					       false };
	static const struct inv_number MEMORY = { "memory_used_mb", 0,
						  HA_ADMISSION_MEMORY_MB_MAX, 0,
						  false };
	int rc = inv_read_number(json, at, &CPU, &host->cpu_used_mhz,
				 &host->has_cpu_used, r->err);

	return rc < 0 ?
		       rc :
		       inv_read_number(json, at, &MEMORY, &host->memory_used_mb,
				       &host->has_memory_used, r->err);
}

static int
read_host(struct inv_reading *r, const json_t *json, uint32_t index,
	  const struct inv_at *at)
{
	static const struct inv_number CPU = { "cpu_mhz", 0,
					       HA_ADMISSION_CPU_MHZ_MAX, 0,
					       true };
	static const struct inv_number MEMORY = { "memory_mb", 0,
						  HA_ADMISSION_MEMORY_MB_MAX, 0,
						  true };
	static const struct inv_number MAX_VMS = { "max_vms", 1,
						   HA_ADMISSION_VMS_MAX, 0,
						   false };
	struct inv_at name_at = { at, "name", 0 };
	struct ha_inv_host *host = &r->hosts[index];
	uint64_t max_vms = 0;
	int state = HA_INV_ONLINE;
	int rc = inv_object(json, at, HOST_KEYS, r->err);

	rc = rc < 0 ? rc : inv_read_name(json, at, "name", &host->name, r->err);
	if (rc == 0 && !host->name) {
		return inv_bad(&name_at, r->err, "a host has a name");
	}
	if (rc == 0) {
		rc = inv_read_number(json, at, &CPU, &host->cpu_mhz, NULL,
				     r->err);
	}
	if (rc == 0) {
		rc = inv_read_number(json, at, &MEMORY, &host->memory_mb, NULL,
				     r->err);
	}
	if (rc == 0) {
		rc = inv_read_number(json, at, &MAX_VMS, &max_vms, NULL,
				     r->err);
	}
	if (rc == 0) {
		rc = inv_read_word(json, at, "state", inv_states, HA_INV_ONLINE,
				   &state, r->err);
	}
	if (rc == 0) {
		rc = inv_read_bool(json, at, "failover_host", false,
				   &host->is_failover_host, r->err);
	}
	rc = rc < 0 ? rc : read_host_use(r, json, host, at);
	host->max_vms = (uint32_t)max_vms;
	host->state = (enum ha_inv_state)state;
	r->host_names[index] = (struct inv_name){ host->name, index };
	return rc;
}

static int
read_vm_numbers(struct inv_reading *r, const json_t *json, uint32_t index,
		const struct inv_at *at)
{
	static const struct inv_number NUMBERS[] = {
		{ "cpu_mhz", 0, HA_ADMISSION_CPU_MHZ_MAX, 0, false },
		{ "memory_mb", 0, HA_ADMISSION_MEMORY_MB_MAX, 0, false },
		{ "overhead_mb", 0, HA_ADMISSION_MEMORY_MB_MAX, 0, false },
		{ "cpu_used_mhz", 0, HA_ADMISSION_CPU_MHZ_MAX, 0, false },
		{ "memory_used_mb", 0, HA_ADMISSION_MEMORY_MB_MAX, 0, false },
	};
	struct ha_plan_demand *used = r->file->memory[MEMORY_USED];
	struct ha_inv_vm *vm = &r->vms[index];
	uint64_t *to[] = { &vm->cpu_mhz, &vm->memory_mb, &vm->overhead_mb,
			   &used[index].cpu_mhz, &used[index].memory_mb };
	bool is_given = false;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(to) / sizeof(to[0]); i++) {
		rc = inv_read_number(json, at, &NUMBERS[i], to[i], &is_given,
				     r->err);
		if (is_given && i >= 3) {
			r->file->used = used;
		}
	}
	return rc;
}

static int
read_vm_host(struct inv_reading *r, const json_t *json, struct ha_inv_vm *vm,
	     const struct inv_at *at)
{
	struct inv_at here = { at, "host", 0 };
	const char *name;
	int rc = inv_read_name(json, at, "host", &name, r->err);

	vm->host = HA_INV_NONE;
	if (rc < 0) {
		return rc;
	}
	if (name) {
		vm->host = inv_names_find(r->host_names, r->file->inv.n_hosts,
					  name);
		return vm->host == HA_INV_NONE ?
			       inv_bad(&here, r->err, "there is no host \"%s\"",
				       name) :
			       0;
	}
	return vm->is_on ? inv_bad(&here, r->err,
				   "a VM that is on runs on a host: name it, "
				   "or say \"power\": \"off\"") :
			   0;
}

static int
read_allowed(struct inv_reading *r, const json_t *json, struct ha_inv_vm *vm,
	     const struct inv_at *at)
{
	struct inv_at here = { at, "hosts_allowed", 0 };
	uint32_t *pool = r->pool + r->pool_used;
	json_t *array;
	int rc = inv_array(json, at, here.key, false, &array, r->err);

	if (rc < 0 || !array) {
		return rc;
	}
	rc = inv_read_names(array, &here, r->host_names, r->file->inv.n_hosts,
			    "host", pool, r->err);
	vm->has_allowed = true;
	vm->allowed = pool;
	vm->n_allowed = (uint32_t)json_array_size(array);
	r->pool_used += json_array_size(array);
	return rc;
}

static int
read_vm(struct inv_reading *r, const json_t *json, uint32_t index,
	const struct inv_at *at)
{
	struct inv_at name_at = { at, "name", 0 };
	struct ha_inv_vm *vm = &r->vms[index];
	int power = 1;
	int priority = HA_INV_PRIORITY_MEDIUM;
	int rc = inv_object(json, at, VM_KEYS, r->err);

	rc = rc < 0 ? rc : inv_read_name(json, at, "name", &vm->name, r->err);
	if (rc == 0 && !vm->name) {
		return inv_bad(&name_at, r->err, "a VM has a name");
	}
	rc = rc < 0 ? rc : read_vm_numbers(r, json, index, at);
	if (rc == 0) {
		rc = inv_read_word(json, at, "power", inv_powers, 1, &power,
				   r->err);
	}
	if (rc == 0) {
		rc = inv_read_word(json, at, "priority", inv_priorities,
				   HA_INV_PRIORITY_MEDIUM, &priority, r->err);
	}
	vm->is_on = power == 1;
	vm->priority = (enum ha_inv_priority)priority;
	rc = rc < 0 ? rc : read_vm_host(r, json, vm, at);
	rc = rc < 0 ? rc : read_allowed(r, json, vm, at);
	r->vm_names[index] = (struct inv_name){ vm->name, index };
	return rc;
}

static int
read_rule(struct inv_reading *r, const json_t *json, struct ha_inv_rule *rule,
	  const struct inv_at *at)
{
	struct inv_at type_at = { at, "type", 0 };
	struct inv_at here = { at, "vms", 0 };
	uint32_t *pool = r->pool + r->pool_used;
	json_t *array = NULL;
	int type = HA_INV_SEPARATE;
	int rc = inv_object(json, at, RULE_KEYS, r->err);

	if (rc == 0 && !json_object_get(json, "type")) {
		return inv_bad(&type_at, r->err, "a rule has a type");
	}
	if (rc == 0) {
		rc = inv_read_word(json, at, "type", inv_rules, HA_INV_SEPARATE,
				   &type, r->err);
	}
	if (rc == 0) {
		rc = inv_read_bool(json, at, "mandatory", true,
				   &rule->is_mandatory, r->err);
	}
	rc = rc < 0 ? rc : inv_array(json, at, "vms", true, &array, r->err);
	if (rc == 0) {
		rc = inv_read_names(array, &here, r->vm_names,
				    r->file->inv.n_vms, "VM", pool, r->err);
	}
	rule->type = (enum ha_inv_rule_type)type;
	rule->vms = pool;
	rule->n_vms = (uint32_t)json_array_size(array);
	r->pool_used += json_array_size(array);
	return rc;
}

/* Names in all lists of names: the indices' room. */
static size_t
count_names(const json_t *list, const char *key)
{
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		count += json_array_size(
			json_object_get(json_array_get(list, i), key));
	}
	return count;
}

static int
make_room(struct inv_reading *r, const json_t *hosts, const json_t *vms,
	  const json_t *rules)
{
	struct ha_inventory_file *file = r->file;
	size_t names = count_names(vms, "hosts_allowed") +
		       count_names(rules, "vms") + json_array_size(hosts);

	file->memory[MEMORY_HOSTS] = r->hosts =
		room(json_array_size(hosts), sizeof(*r->hosts));
	file->memory[MEMORY_VMS] = r->vms =
		room(json_array_size(vms), sizeof(*r->vms));
	file->memory[MEMORY_RULES] =
		room(json_array_size(rules), sizeof(struct ha_inv_rule));
	file->memory[MEMORY_POOL] = r->pool = room(names, sizeof(*r->pool));
	file->memory[MEMORY_USED] =
		room(json_array_size(vms), sizeof(struct ha_plan_demand));
	r->host_names = room(json_array_size(hosts), sizeof(*r->host_names));
	r->vm_names = room(json_array_size(vms), sizeof(*r->vm_names));
	for (size_t i = 0; i < sizeof(file->memory) / sizeof(file->memory[0]);
	     i++) {
		if (!file->memory[i]) {
			return no_memory(r->err);
		}
	}
	if (!r->host_names || !r->vm_names) {
		return no_memory(r->err);
	}
	file->inv = (struct ha_inventory){
		.hosts = r->hosts,
		.vms = r->vms,
		.rules = file->memory[MEMORY_RULES],
		.n_hosts = (uint32_t)json_array_size(hosts),
		.n_vms = (uint32_t)json_array_size(vms),
		.n_rules = (uint32_t)json_array_size(rules),
	};
	return 0;
}

static int
read_lists(struct inv_reading *r, const json_t *hosts, const json_t *vms,
	   const json_t *rules)
{
	struct inv_at hosts_at = { NULL, "hosts", 0 };
	struct inv_at vms_at = { NULL, "vms", 0 };
	struct inv_at rules_at = { NULL, "rules", 0 };
	struct ha_inv_rule *rule = r->file->memory[MEMORY_RULES];
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < r->file->inv.n_hosts; i++) {
		struct inv_at at = { &hosts_at, NULL, i };

		rc = read_host(r, json_array_get(hosts, i), i, &at);
	}
	if (rc == 0) {
		rc = inv_names_sort(r->host_names, r->file->inv.n_hosts,
				    "hosts", r->err);
	}
	for (uint32_t i = 0; rc == 0 && i < r->file->inv.n_vms; i++) {
		struct inv_at at = { &vms_at, NULL, i };

		rc = read_vm(r, json_array_get(vms, i), i, &at);
	}
	if (rc == 0) {
		rc = inv_names_sort(r->vm_names, r->file->inv.n_vms, "vms",
				    r->err);
	}
	for (uint32_t i = 0; rc == 0 && i < r->file->inv.n_rules; i++) {
		struct inv_at at = { &rules_at, NULL, i };

		rc = read_rule(r, json_array_get(rules, i), &rule[i], &at);
	}
	return rc;
}

static int
check_counts(const json_t *hosts, const json_t *vms, const json_t *rules,
	     struct ha_err *err)
{
	const struct {
		const char *key;
		size_t n;
		uint32_t max;
	} lists[] = {
		{ "hosts", json_array_size(hosts), HA_ADMISSION_HOSTS_MAX },
		{ "vms", json_array_size(vms), HA_ADMISSION_VMS_MAX },
		{ "rules", json_array_size(rules), HA_ADMISSION_VMS_MAX },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct inv_at at = { NULL, lists[i].key, 0 };

		if (lists[i].n > lists[i].max) {
			return inv_bad(&at, err, "more than %" PRIu32,
				       lists[i].max);
		}
	}
	return 0;
}

static int
read_all(struct inv_reading *r, const json_t *root)
{
	json_t *hosts = NULL;
	json_t *vms = NULL;
	json_t *rules = NULL;
	int rc;

	if (!json_is_object(root)) {
		return ha_err_set(r->err, -EINVAL,
				  "an inventory is an object: {\"hosts\": "
				  "[...], \"vms\": [...], ...}");
	}
	rc = inv_object(root, NULL, ROOT_KEYS, r->err);
	if (rc == 0) {
		rc = inv_array(root, NULL, "hosts", true, &hosts, r->err);
	}
	if (rc == 0) {
		rc = inv_array(root, NULL, "vms", true, &vms, r->err);
	}
	if (rc == 0) {
		rc = inv_array(root, NULL, "rules", false, &rules, r->err);
	}
	rc = rc < 0 ? rc : check_counts(hosts, vms, rules, r->err);
	rc = rc < 0 ? rc : make_room(r, hosts, vms, rules);
	rc = rc < 0 ? rc : read_lists(r, hosts, vms, rules);
	rc = rc < 0 ? rc : inv_read_policy(r, root);
	return rc < 0 ? rc : inv_read_request(r, root);
}

int
ha_inventory_decode_json(json_t *root, struct ha_inventory_file **ret_file,
			 struct ha_err *err)
{
	struct ha_inventory_file *file = calloc(1, sizeof(*file));
	struct inv_reading reading = { .file = file, .err = err };
	int rc;

	if (!file) {
		return no_memory(err);
	}
	file->root = json_incref(root);
	rc = read_all(&reading, root);
	free(reading.host_names);
	free(reading.vm_names);
	if (rc < 0) {
		ha_inventory_file_free(file);
		return rc;
	}
	*ret_file = file;
	return 0;
}

int
ha_inventory_decode(const char *text, size_t len,
		    struct ha_inventory_file **ret_file, struct ha_err *err)
{
	json_error_t error;
	json_t *root = json_loadb(text, len, FLAGS, &error);
	int rc;

	if (!root) {
		return ha_err_set(err, -EINVAL, "line %d, column %d: %s",
				  error.line, error.column, error.text);
	}
	rc = ha_inventory_decode_json(root, ret_file, err);
	json_decref(root);
	return rc;
}

void
ha_inventory_file_set_on(struct ha_inventory_file *file, uint32_t vm)
{
	struct ha_inv_vm *vms = file->memory[MEMORY_VMS];

	vms[vm].is_on = true;
}

void
ha_inventory_file_free(struct ha_inventory_file *file)
{
	if (!file) {
		return;
	}
	for (size_t i = 0; i < sizeof(file->memory) / sizeof(file->memory[0]);
	     i++) {
		free(file->memory[i]);
	}
	json_decref(file->root);
	free(file);
}
