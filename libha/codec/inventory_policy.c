/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * "policy" and "request" of the inventory file. A key of a request that its
 * op does not look at must be absent or null: a request that says more than
 * is judged would be answered wrongly.
 */
#include <errno.h>
#include <string.h>

#include "inventory_read.h"

static const char *const POLICY_KEYS[] = {
	"type",
	"guarantee",
	"host_failures",
	"cpu_percent",
	"memory_percent",
	"slot_cpu_mhz",
	"slot_memory_mb",
	"max_slot_cpu_mhz",
	"max_slot_memory_mb",
	"default_cpu_mhz",
	"default_memory_mb",
	"performance_degradation",
	"failover_hosts",
	NULL,
};

static const char *const REQUEST_KEYS[] = { "op",      "vm",        "host",
					    "cpu_mhz", "memory_mb", NULL };

static int
read_words(struct inv_reading *r, const json_t *policy, const struct inv_at *at)
{
	struct ha_admission_policy *to = &r->file->policy;
	int type;
	int guarantee;

	if (inv_read_word(policy, at, "type", inv_types,
			  HA_ADMISSION_PERCENTAGE, &type, r->err) < 0 ||
	    inv_read_word(policy, at, "guarantee", inv_guarantees,
			  HA_ADMISSION_PLAN, &guarantee, r->err) < 0) {
		return -EINVAL;
	}
	to->type = (enum ha_admission_type)type;
	to->guarantee = (enum ha_admission_guarantee)guarantee;
	return 0;
}

/* A small number. */
static int
read_small(struct inv_reading *r, const json_t *policy, const struct inv_at *at,
	   const struct inv_number *number, uint32_t *ret_value,
	   bool *ret_is_given)
{
	uint64_t value;
	int rc = inv_read_number(policy, at, number, &value, ret_is_given,
				 r->err);

	if (rc == 0) {
		*ret_value = (uint32_t)value;
	}
	return rc;
}

static int
read_small_numbers(struct inv_reading *r, const json_t *policy,
		   const struct inv_at *at)
{
	static const struct inv_number FAILURES = {
		"host_failures", 0, HA_PLAN_FAILURES_MAX,
		HA_ADMISSION_FAILURES_DEFAULT, false
	};
	static const struct inv_number CPU = { "cpu_percent", 0,
					       HA_ADMISSION_PERCENT_MAX, 0,
					       false };
	static const struct inv_number MEMORY = { "memory_percent", 0,
						  HA_ADMISSION_PERCENT_MAX, 0,
						  false };
	static const struct inv_number DEGRADATION = {
		"performance_degradation", 0, HA_ADMISSION_PERCENT_MAX,
		HA_ADMISSION_DEGRADATION_DEFAULT, false
	};
	struct ha_admission_policy *to = &r->file->policy;
	int rc = read_small(r, policy, at, &FAILURES, &to->host_failures, NULL);

	if (rc == 0) {
		rc = read_small(r, policy, at, &CPU, &to->cpu_percent,
				&to->has_cpu_percent);
	}
	if (rc == 0) {
		rc = read_small(r, policy, at, &MEMORY, &to->memory_percent,
				&to->has_memory_percent);
	}
	if (rc == 0) {
		rc = read_small(r, policy, at, &DEGRADATION,
				&to->performance_degradation, NULL);
	}
	return rc;
}

static int
read_sizes(struct inv_reading *r, const json_t *policy, const struct inv_at *at)
{
	struct ha_admission_policy *to = &r->file->policy;
	const uint64_t cpu = HA_ADMISSION_CPU_MHZ_MAX;
	const uint64_t memory = HA_ADMISSION_MEMORY_MB_MAX;
	const struct {
		struct inv_number number;
		uint64_t *to;
	} sizes[] = {
		{ { "slot_cpu_mhz", 1, cpu, 0, false }, &to->slot_cpu_mhz },
		{ { "slot_memory_mb", 1, memory, 0, false },
		  &to->slot_memory_mb },
		{ { "max_slot_cpu_mhz", 1, cpu, 0, false },
		  &to->max_slot_cpu_mhz },
		{ { "max_slot_memory_mb", 1, memory, 0, false },
		  &to->max_slot_memory_mb },
		{ { "default_cpu_mhz", 0, cpu, HA_ADMISSION_CPU_MHZ_DEFAULT,
		    false },
		  &to->default_cpu_mhz },
		{ { "default_memory_mb", 0, memory,
		    HA_ADMISSION_MEMORY_MB_DEFAULT, false },
		  &to->default_memory_mb },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(sizes) / sizeof(sizes[0]);
	     i++) {
		rc = inv_read_number(policy, at, &sizes[i].number, sizes[i].to,
				     NULL, r->err);
	}
	return rc;
}

static int
read_failover_hosts(struct inv_reading *r, const json_t *policy,
		    const struct inv_at *at)
{
	struct inv_at here = { at, "failover_hosts", 0 };
	uint32_t *hosts = r->pool + r->pool_used;
	json_t *array;
	int rc = inv_array(policy, at, here.key, false, &array, r->err);

	if (rc < 0 || !array) {
		return rc;
	}
	/* More than there are hosts: one stands there twice, or is none. */
	if (json_array_size(array) > r->file->inv.n_hosts) {
		return inv_bad(&here, r->err, "more names than hosts");
	}
	rc = inv_read_names(array, &here, r->host_names, r->file->inv.n_hosts,
			    "host", hosts, r->err);
	for (size_t i = 0; rc == 0 && i < json_array_size(array); i++) {
		r->hosts[hosts[i]].is_failover_host = true;
	}
	return rc;
}

int
inv_read_policy(struct inv_reading *r, const json_t *root)
{
	struct inv_at at = { NULL, "policy", 0 };
	const json_t *policy = json_object_get(root, "policy");
	json_t *empty = NULL;
	int rc;

	if (!policy) {
		policy = empty = json_object();
	}
	rc = policy ? inv_object(policy, &at, POLICY_KEYS, r->err) : -ENOMEM;
	if (rc == 0) {
		rc = read_words(r, policy, &at);
	}
	if (rc == 0) {
		rc = read_small_numbers(r, policy, &at);
	}
	if (rc == 0) {
		rc = read_sizes(r, policy, &at);
	}
	if (rc == 0) {
		rc = read_failover_hosts(r, policy, &at);
	}
	json_decref(empty);
	return rc;
}

/* The index of a name, HA_INV_NONE where there is none. */
static int
read_object(struct inv_reading *r, const json_t *request,
	    const struct inv_at *at, const char *key,
	    const struct inv_name *names, uint32_t n, uint32_t *ret_index)
{
	struct inv_at here = { at, key, 0 };
	const char *name;
	int rc = inv_read_name(request, at, key, &name, r->err);

	*ret_index = HA_INV_NONE;
	if (rc < 0 || !name) {
		return rc;
	}
	*ret_index = inv_names_find(names, n, name);
	return *ret_index == HA_INV_NONE ?
		       inv_bad(&here, r->err, "there is no %s \"%s\"",
			       strcmp(key, "vm") == 0 ? "VM" : key, name) :
		       0;
}

/* Which keys an op needs, may have, and must not have. */
static int
check_keys(struct inv_reading *r, const struct inv_at *at)
{
	const struct ha_admission_request *to = &r->file->request;
	bool is_raise = to->op == HA_ADMISSION_RAISE;
	bool has_vm = is_raise || to->op == HA_ADMISSION_POWER_ON;
	bool may_host = to->op == HA_ADMISSION_POWER_ON ||
			to->op == HA_ADMISSION_REMOVE_HOST;
	struct inv_at vm = { at, "vm", 0 };
	struct inv_at host = { at, "host", 0 };
	struct inv_at cpu = { at, to->has_cpu ? "cpu_mhz" : "memory_mb", 0 };

	if (has_vm != (to->vm != HA_INV_NONE)) {
		return inv_bad(&vm, r->err, "%s",
			       has_vm ? "this request needs a VM" :
					"this request is about no VM");
	}
	if ((to->host != HA_INV_NONE && !may_host) ||
	    (to->host == HA_INV_NONE && to->op == HA_ADMISSION_REMOVE_HOST)) {
		return inv_bad(&host, r->err, "%s",
			       may_host ? "this request needs a host" :
					  "this request is about no host");
	}
	if (!is_raise && (to->has_cpu || to->has_memory)) {
		return inv_bad(&cpu, r->err,
			       "only \"raise\" sets a reservation");
	}
	if (is_raise && !to->has_cpu && !to->has_memory) {
		return inv_bad(at, r->err,
			       "\"raise\" needs cpu_mhz, memory_mb or both");
	}
	if (to->op == HA_ADMISSION_POWER_ON && r->vms[to->vm].is_on) {
		return inv_bad(&vm, r->err, "\"%s\" is on already",
			       r->vms[to->vm].name);
	}
	return 0;
}

int
inv_read_request(struct inv_reading *r, const json_t *root)
{
	static const struct inv_number CPU = { "cpu_mhz", 0,
					       HA_ADMISSION_CPU_MHZ_MAX, 0,
					       false };
	static const struct inv_number MEMORY = { "memory_mb", 0,
						  HA_ADMISSION_MEMORY_MB_MAX, 0,
						  false };
	struct ha_inventory_file *file = r->file;
	struct ha_admission_request *to = &file->request;
	struct inv_at at = { NULL, "request", 0 };
	const json_t *request = json_object_get(root, "request");
	int op = HA_ADMISSION_NONE;
	int rc = 0;

	to->vm = to->host = HA_INV_NONE;
	if (!request || json_is_null(request)) {
		return 0;
	}
	rc = inv_object(request, &at, REQUEST_KEYS, r->err);
	if (rc == 0) {
		rc = inv_read_word(request, &at, "op", inv_ops,
				   HA_ADMISSION_NONE, &op, r->err);
	}
	to->op = (enum ha_admission_op)op;
	if (rc == 0) {
		rc = read_object(r, request, &at, "vm", r->vm_names,
				 file->inv.n_vms, &to->vm);
	}
	if (rc == 0) {
		rc = read_object(r, request, &at, "host", r->host_names,
				 file->inv.n_hosts, &to->host);
	}
	if (rc == 0) {
		rc = inv_read_number(request, &at, &CPU, &to->cpu_mhz,
				     &to->has_cpu, r->err);
	}
	if (rc == 0) {
		rc = inv_read_number(request, &at, &MEMORY, &to->memory_mb,
				     &to->has_memory, r->err);
	}
	rc = rc == 0 ? check_keys(r, &at) : rc;
	if (rc == 0 && to->op == HA_ADMISSION_REMOVE_HOST) {
		file->request_host = to->host;
		to->hosts = &file->request_host;
		to->n_hosts = 1;
		to->host = HA_INV_NONE;
	}
	return rc;
}
