/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/codec/inventory: what is refused, and where the sentence says that it
 * is; defaults; and a file that is written out decodes to the same again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "ha/inventory_file.h"

#define FILE_BYTES 4096

static const char *const HOSTS =
	"\"hosts\":[{\"name\":\"h1\",\"cpu_mhz\":9000,\"memory_mb\":9216},"
	"{\"name\":\"h2\",\"cpu_mhz\":9000,\"memory_mb\":9216}]";
static const char *const VMS = "\"vms\":[{\"name\":\"a\",\"host\":\"h1\"},"
			       "{\"name\":\"b\",\"power\":\"off\"}]";

static int
decode(const char *text, struct ha_inventory_file **ret_file,
       struct ha_err *err)
{
	/* A copy without a NUL: one byte too far is found. */
	size_t len = strlen(text);
	char *copy = malloc(len ? len : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, len);
	rc = ha_inventory_decode(copy, len, ret_file, err);
	free(copy);
	return rc;
}

/* What stands there, and how the sentence begins. */
static const char *const REFUSALS[][2] = {
	{ "", "line 1" },
	{ "[]", "an inventory is an object" },
	{ "{} x", "line 1" },
	{ "{\"hosts\":[],\"hosts\":[]}", "line 1" },
	{ "{\"vms\":[]}", "hosts: " },
	{ "{\"hosts\":[]}", "vms: " },
	{ "{\"hosts\":{},\"vms\":[]}", "hosts: an object" },
	{ "{\"hosts\":null,\"vms\":[]}", "hosts: null" },
	{ "{\"hosts\":[],\"vms\":[],\"rule\":[]}", "rule: there is no "
						   "such key, did" },
	{ "{\"a\\u001bb\":1}", "a?b: there is no such key" },
	{ "{\"hosts\":[1],\"vms\":[]}", "hosts[0]: a whole number" },
	{ "{\"hosts\":[{\"cpu_mhz\":1,\"memory_mb\":1}],\"vms\":[]}",
	  "hosts[0].name: " },
	{ "{\"hosts\":[{\"name\":\"x\",\"memory_mb\":1}],\"vms\":[]}",
	  "hosts[0].cpu_mhz: " },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1}],\"vms\":[]}",
	  "hosts[0].memory_mb: " },
	{ "{\"hosts\":[{\"name\":\"\",\"cpu_mhz\":1,\"memory_mb\":1}],"
	  "\"vms\":[]}",
	  "hosts[0].name: a name has 1" },
	{ "{\"hosts\":[{\"name\":\"\\u001b[2J\",\"cpu_mhz\":1,"
	  "\"memory_mb\":1}],\"vms\":[]}",
	  "hosts[0].name: a name has no control" },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1,\"memory_mb\":1,"
	  "\"state\":\"up\"}],\"vms\":[]}",
	  "hosts[0].state: \"up\" is none of: online" },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1,\"memory_mb\":1,"
	  "\"failover_host\":1}],\"vms\":[]}",
	  "hosts[0].failover_host: " },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1,\"memory_mb\":1},"
	  "{\"name\":\"x\",\"cpu_mhz\":1,\"memory_mb\":1}],\"vms\":[]}",
	  "hosts[1].name: \"x\" is the name of hosts[0] already" },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1000000001,"
	  "\"memory_mb\":1}],\"vms\":[]}",
	  "hosts[0].cpu_mhz: 1000000001 is not from 0 to" },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":-1,\"memory_mb\":1}]"
	  ",\"vms\":[]}",
	  "hosts[0].cpu_mhz: -1 is not from 0" },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1.5,\"memory_mb\":1}"
	  "],\"vms\":[]}",
	  "hosts[0].cpu_mhz: a number with a fraction" },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1,\"memory_mb\":"
	  "\"1\"}],\"vms\":[]}",
	  "hosts[0].memory_mb: a text" },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1,\"memory_mb\":"
	  "99999999999999999999}],\"vms\":[]}",
	  "line 1" },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1,\"memory_mb\":1,"
	  "\"max_vms\":0}],\"vms\":[]}",
	  "hosts[0].max_vms: 0" },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1,\"memory_mb\":1,"
	  "\"cpu_used_mhz\":1000000001}],\"vms\":[]}",
	  "hosts[0].cpu_used_mhz: 1000000001 is not from 0 to" },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1,\"memory_mb\":1,"
	  "\"memory_used_mb\":\"1\"}],\"vms\":[]}",
	  "hosts[0].memory_used_mb: a text" },
	{ "{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1,\"memory_mb\":1,"
	  "\"memory_use_mb\":1}],\"vms\":[]}",
	  "hosts[0].memory_use_mb: there is no such key, did you mean "
	  "\"memory_used_mb\"?" },
};

static void
test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(REFUSALS); i++) {
		struct ha_inventory_file *file = NULL;
		struct ha_err err = HA_ERR_INIT;
		int rc = decode(REFUSALS[i][0], &file, &err);

		if (rc != -EINVAL || file ||
		    strncmp(err.text, REFUSALS[i][1], strlen(REFUSALS[i][1])) !=
			    0) {
			fail_msg("%s\n%d: %s\nwanted: %s", REFUSALS[i][0], rc,
				 err.text, REFUSALS[i][1]);
		}
	}
}

/* Parts beside two sound hosts and two sound machines, or in their place. */
static const struct {
	const char *vms; /* NULL: the sound ones */
	const char *more;
	const char *wanted;
} PARTS[] = {
	{ "\"vms\":[{\"name\":\"a\",\"host\":\"h9\"}]", "",
	  "vms[0].host: there is no host \"h9\"" },
	{ "\"vms\":[{\"name\":\"a\"}]", "", "vms[0].host: a VM that" },
	{ "\"vms\":[{\"name\":\"a\",\"host\":null,\"power\":\"on\"}]", "",
	  "vms[0].host: a VM that" },
	{ "\"vms\":[{\"name\":\"a\",\"host\":3}]", "",
	  "vms[0].host: a whole number" },
	{ "\"vms\":[{\"host\":\"h1\"}]", "", "vms[0].name: " },
	{ "\"vms\":[{\"name\":\"a\",\"host\":\"h1\"},"
	  "{\"name\":\"a\",\"host\":\"h1\"}]",
	  "", "vms[1].name: \"a\" is the name of vms[0] already" },
	{ "\"vms\":[{\"name\":\"a\",\"host\":\"h1\",\"cpu\":1}]", "",
	  "vms[0].cpu: there is no such key" },
	{ "\"vms\":[{\"name\":\"a\",\"host\":\"h1\",\"power\":true}]", "",
	  "vms[0].power: " },
	{ "\"vms\":[{\"name\":\"a\",\"host\":\"h1\",\"power\":"
	  "\"paused\"}]",
	  "", "vms[0].power: \"paused\" is none of: on, off" },
	{ "\"vms\":[{\"name\":\"a\",\"host\":\"h1\",\"priority\":"
	  "\"urgent\"}]",
	  "", "vms[0].priority: " },
	{ "\"vms\":[{\"name\":\"a\",\"host\":\"h1\",\"overhead_mb\":"
	  "-5}]",
	  "", "vms[0].overhead_mb: -5" },
	{ "\"vms\":[{\"name\":\"a\",\"host\":\"h1\",\"hosts_allowed\":"
	  "[\"h1\",\"h3\"]}]",
	  "", "vms[0].hosts_allowed[1]: there is no host \"h3\"" },
	{ "\"vms\":[{\"name\":\"a\",\"host\":\"h1\",\"hosts_allowed\":"
	  "[\"h1\",\"h1\"]}]",
	  "", "vms[0].hosts_allowed: a host is named twice" },
	{ "\"vms\":[{\"name\":\"a\",\"host\":\"h1\",\"hosts_allowed\":"
	  "\"h1\"}]",
	  "", "vms[0].hosts_allowed: a text" },
	{ NULL, ",\"rules\":[{\"vms\":[\"a\"]}]", "rules[0].type: " },
	{ NULL, ",\"rules\":[{\"type\":\"apart\",\"vms\":[\"a\"]}]",
	  "rules[0].type: \"apart\"" },
	{ NULL, ",\"rules\":[{\"type\":\"separate\"}]", "rules[0].vms: " },
	{ NULL,
	  ",\"rules\":[{\"type\":\"separate\",\"vms\":[\"a\","
	  "\"z\"]}]",
	  "rules[0].vms[1]: there is no VM \"z\"" },
	{ NULL,
	  ",\"rules\":[{\"type\":\"separate\",\"vms\":[\"a\","
	  "\"a\"]}]",
	  "rules[0].vms: a VM is named twice" },
	{ NULL,
	  ",\"rules\":[{\"type\":\"together\",\"vms\":[],"
	  "\"mandatory\":null}]",
	  "rules[0].mandatory: null" },
	{ NULL, ",\"policy\":[]", "policy: a list" },
	{ NULL, ",\"policy\":{\"type\":\"slots\"}", "policy.type: " },
	{ NULL, ",\"policy\":{\"guarantee\":\"none\"}", "policy.guarantee: " },
	{ NULL, ",\"policy\":{\"host_failures\":32}",
	  "policy.host_failures: 32 is not from 0 to 31" },
	{ NULL, ",\"policy\":{\"cpu_percent\":101}",
	  "policy.cpu_percent: 101" },
	{ NULL, ",\"policy\":{\"memory_percent\":-1}",
	  "policy.memory_percent: -1" },
	{ NULL, ",\"policy\":{\"performance_degradation\":101}",
	  "policy.performance_degradation: 101" },
	{ NULL, ",\"policy\":{\"slot_cpu_mhz\":0}", "policy.slot_cpu_mhz: 0" },
	{ NULL, ",\"policy\":{\"max_slot_memory_mb\":0}",
	  "policy.max_slot_memory_mb: 0" },
	{ NULL, ",\"policy\":{\"failover_hosts\":[\"h3\"]}",
	  "policy.failover_hosts[0]: there is no host \"h3\"" },
	{ NULL, ",\"policy\":{\"failover_hosts\":[\"h1\",\"h1\"]}",
	  "policy.failover_hosts: a host is named twice" },
	{ NULL, ",\"policy\":{\"failover_hosts\":[\"h1\",\"h2\",\"h1\"]}",
	  "policy.failover_hosts: more names than hosts" },
	{ NULL, ",\"policy\":{\"failure_hosts\":[]}",
	  "policy.failure_hosts: there is no such key, did you mean "
	  "\"failover_hosts\"?" },
	{ NULL, ",\"request\":{\"op\":\"migrate\"}", "request.op: " },
	{ NULL, ",\"request\":{\"op\":\"power_on\"}", "request.vm: " },
	{ NULL, ",\"request\":{\"op\":\"power_on\",\"vm\":\"z\"}",
	  "request.vm: there is no VM \"z\"" },
	{ NULL, ",\"request\":{\"op\":\"power_on\",\"vm\":\"a\"}",
	  "request.vm: \"a\" is on already" },
	{ NULL,
	  ",\"request\":{\"op\":\"power_on\",\"vm\":\"b\",\"host\":"
	  "\"h7\"}",
	  "request.host: there is no host \"h7\"" },
	{ NULL,
	  ",\"request\":{\"op\":\"power_on\",\"vm\":\"b\",\"cpu_mhz\":"
	  "7}",
	  "request.cpu_mhz: only \"raise\"" },
	{ NULL, ",\"request\":{\"op\":\"raise\",\"vm\":\"a\"}",
	  "request: \"raise\" needs" },
	{ NULL,
	  ",\"request\":{\"op\":\"raise\",\"vm\":\"a\",\"host\":"
	  "\"h1\",\"cpu_mhz\":1}",
	  "request.host: this request is about no host" },
	{ NULL, ",\"request\":{\"op\":\"remove_host\"}",
	  "request.host: this request needs a host" },
	{ NULL, ",\"request\":{\"op\":\"none\",\"vm\":\"a\"}",
	  "request.vm: this request is about no VM" },
	{ NULL, ",\"request\":{\"now\":true}", "request.now: " },
};

static void
test_refused_parts(void **state)
{
	static char text[FILE_BYTES];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(PARTS); i++) {
		struct ha_inventory_file *file = NULL;
		struct ha_err err = HA_ERR_INIT;
		int rc;

		snprintf(text, sizeof(text), "{%s,%s%s}", HOSTS,
			 PARTS[i].vms ? PARTS[i].vms : VMS, PARTS[i].more);
		rc = decode(text, &file, &err);
		if (rc != -EINVAL || file ||
		    strncmp(err.text, PARTS[i].wanted,
			    strlen(PARTS[i].wanted)) != 0) {
			fail_msg("%s\n%d: %s\nwanted: %s", text, rc, err.text,
				 PARTS[i].wanted);
		}
	}
}

static struct ha_inventory_file *
accept(const char *more)
{
	static char text[FILE_BYTES];
	struct ha_inventory_file *file = NULL;
	struct ha_err err = HA_ERR_INIT;

	snprintf(text, sizeof(text), "{%s,%s%s}", HOSTS, VMS, more);
	if (decode(text, &file, &err) < 0) {
		fail_msg("%s\n%s", text, err.text);
	}
	return file;
}

static void
test_defaults(void **state)
{
	struct ha_inventory_file *file = accept("");
	const struct ha_admission_policy *p = &file->policy;

	(void)state;
	assert_int_equal(file->inv.n_hosts, 2);
	assert_int_equal(file->inv.n_vms, 2);
	assert_int_equal(file->inv.n_rules, 0);
	assert_int_equal(file->inv.hosts[0].state, HA_INV_ONLINE);
	assert_false(file->inv.hosts[0].is_failover_host);
	assert_int_equal(file->inv.hosts[0].max_vms, 0);
	assert_true(file->inv.vms[0].is_on);
	assert_int_equal(file->inv.vms[0].host, 0);
	assert_int_equal(file->inv.vms[0].priority, HA_INV_PRIORITY_MEDIUM);
	assert_false(file->inv.vms[0].has_allowed);
	assert_false(file->inv.vms[1].is_on);
	assert_int_equal(file->inv.vms[1].host, HA_INV_NONE);
	assert_int_equal(p->type, HA_ADMISSION_PERCENTAGE);
	assert_int_equal(p->guarantee, HA_ADMISSION_PLAN);
	assert_int_equal(p->host_failures, 1);
	assert_false(p->has_cpu_percent || p->has_memory_percent);
	assert_int_equal(p->slot_cpu_mhz, 0);
	assert_int_equal(p->max_slot_memory_mb, 0);
	assert_int_equal(p->default_cpu_mhz, 32);
	assert_int_equal(p->default_memory_mb, 0);
	assert_int_equal(p->performance_degradation, 100);
	assert_int_equal(file->request.op, HA_ADMISSION_NONE);
	assert_null(file->used);
	ha_inventory_file_free(file);
	ha_inventory_file_free(NULL);
}

static void
test_values(void **state)
{
	struct ha_inventory_file *file =
		accept(",\"rules\":[{\"type\":\"together\",\"vms\":[\"b\","
		       "\"a\"]},{\"type\":\"separate\",\"vms\":[\"b\"],"
		       "\"mandatory\":false}],\"policy\":{\"cpu_percent\":0,"
		       "\"memory_percent\":null,\"failover_hosts\":[\"h2\"]},"
		       "\"request\":{\"op\":\"remove_host\",\"host\":\"h2\","
		       "\"vm\":null,\"cpu_mhz\":null,\"memory_mb\":null}");

	(void)state;
	assert_int_equal(file->inv.rules[0].type, HA_INV_TOGETHER);
	assert_int_equal(file->inv.rules[0].n_vms, 2);
	assert_int_equal(file->inv.rules[0].vms[0], 0); /* ascending */
	assert_true(file->inv.rules[0].is_mandatory);
	assert_false(file->inv.rules[1].is_mandatory);
	assert_int_equal(file->inv.rules[1].vms[0], 1);
	assert_true(file->policy.has_cpu_percent);
	assert_false(file->policy.has_memory_percent);
	assert_false(file->inv.hosts[0].is_failover_host);
	assert_true(file->inv.hosts[1].is_failover_host);
	assert_int_equal(file->request.n_hosts, 1);
	assert_int_equal(file->request.hosts[0], 1);
	ha_inventory_file_free(file);
}

/* Writing out and reading back changes nothing, all keys given or none. */
static void
test_round_trip(void **state)
{
	static const char *const MORE[] = {
		"",
		",\"rules\":[{\"type\":\"together\",\"vms\":[\"b\",\"a\"],"
		"\"mandatory\":false}],\"policy\":{\"type\":\"slot\","
		"\"guarantee\":\"arithmetic\",\"host_failures\":3,"
		"\"slot_cpu_mhz\":5,\"max_slot_memory_mb\":7,"
		"\"default_cpu_mhz\":0},\"request\":{\"op\":\"power_on\","
		"\"vm\":\"b\",\"host\":\"h2\"}",
		",\"policy\":{\"type\":\"dedicated\",\"failover_hosts\":["
		"\"h1\"],\"cpu_percent\":0,\"memory_percent\":100},"
		"\"request\":{\"op\":\"raise\",\"vm\":\"a\",\"cpu_mhz\":0}",
		",\"request\":{\"op\":\"remove_host\",\"host\":\"h1\"}",
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(MORE); i++) {
		struct ha_inventory_file *file = accept(MORE[i]);
		struct ha_inventory_file *again = NULL;
		struct ha_err err = HA_ERR_INIT;
		json_t *first = ha_inventory_encode(file);
		json_t *second;

		assert_non_null(first);
		assert_int_equal(ha_inventory_decode_json(first, &again, &err),
				 0);
		second = ha_inventory_encode(again);
		assert_true(json_equal(first, second));
		assert_memory_equal(&file->policy, &again->policy,
				    sizeof(file->policy));
		assert_int_equal(file->request.op, again->request.op);
		assert_int_equal(file->request.vm, again->request.vm);
		assert_int_equal(file->request.has_cpu, again->request.has_cpu);
		json_decref(first);
		json_decref(second);
		ha_inventory_file_free(file);
		ha_inventory_file_free(again);
	}
}

/* Of hosts: absent is not 0, since 0 replaces what the VMs say. */
static void
test_use(void **state)
{
	static const char TEXT[] =
		"{\"hosts\":[{\"name\":\"x\",\"cpu_mhz\":1,\"memory_mb\":1,"
		"\"cpu_used_mhz\":0},{\"name\":\"y\",\"cpu_mhz\":1,"
		"\"memory_mb\":1,\"memory_used_mb\":10000000000}],\"vms\":[]}";
	struct ha_inventory_file *file = NULL;
	struct ha_inventory_file *again = NULL;
	struct ha_err err = HA_ERR_INIT;
	json_t *json;

	(void)state;
	assert_int_equal(decode(TEXT, &file, &err), 0);
	json = ha_inventory_encode(file);
	assert_int_equal(ha_inventory_decode_json(json, &again, &err), 0);
	for (int i = 0; i < 2; i++) {
		const struct ha_inv_host *hosts =
			i == 0 ? file->inv.hosts : again->inv.hosts;

		assert_true(hosts[0].has_cpu_used);
		assert_false(hosts[0].has_memory_used);
		assert_int_equal(hosts[0].cpu_used_mhz, 0);
		assert_false(hosts[1].has_cpu_used);
		assert_true(hosts[1].has_memory_used);
		assert_int_equal(hosts[1].memory_used_mb, 10000000000);
	}
	json_decref(json);
	ha_inventory_file_free(file);
	ha_inventory_file_free(again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_refused_parts),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
