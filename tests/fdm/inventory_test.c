/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CIB as an inventory, by libxml2's tree as vmha-fdmd has it: hosts and
 * their states, machines and where they are, what constraints come to. Each
 * thing that decides has a case on both sides.
 */
#include "inventory.h"

static void
no_cib(void **state)
{
	(void)state;
	assert_int_equal(read_text("<domain/>"), -EINVAL);
	assert_int_equal(read_text("<cib/>"), 0);
	assert_int_equal(inv->inv.n_hosts, 0);
	assert_int_equal(inv->inv.n_vms, 0);
	assert_int_equal(inv->inv.n_rules, 0);
}

static void
states(void **state)
{
	static const struct {
		const char *node, *status;
		enum ha_inv_state state;
	} cases[] = {
		{ HOST("1", ""), STATE("1", MEMBER, ""), HA_INV_ONLINE },
		{ HOST("1", ""), "", HA_INV_OFFLINE },
		{ HOST("1", ""), STATE("1", DOWN, ""), HA_INV_OFFLINE },
		{ HOST("1", ""), STATE("1", LOST, ""), HA_INV_ERROR },
		{ HOST("1", ""),
		  STATE("1", "in_ccm='true' crmd='offline' expected='member'",
			""),
		  HA_INV_OFFLINE },
		/* Pacemaker 3.0 */
		{ HOST("1", ""),
		  STATE("1", "in_ccm='1732' crmd='1732' expected='member'", ""),
		  HA_INV_ONLINE },
		{ HOST("1", ""),
		  STATE("1", "in_ccm='0' crmd='0' expected='member'", ""),
		  HA_INV_ERROR },
		{ HOST("1", ATTR("standby", "on")), STATE("1", MEMBER, ""),
		  HA_INV_STANDBY },
		{ HOST("1", ATTR("standby", "off")), STATE("1", MEMBER, ""),
		  HA_INV_ONLINE },
		{ HOST("1", ""),
		  STATE("1", MEMBER,
			"<transient_attributes id='1'>" ATTR(
				"standby", "true") "</transient_attributes>"),
		  HA_INV_STANDBY },
		{ HOST("1", ATTR("maintenance", "true")),
		  STATE("1", MEMBER, ""), HA_INV_MAINTENANCE },
		{ HOST("1", ATTR("standby", "on")), STATE("1", DOWN, ""),
		  HA_INV_OFFLINE },
		{ HOST("1", ""),
		  STATE("1", MEMBER,
			"<transient_attributes id='1'>" ATTR(
				"vmha-host-state",
				"agent-unreachable") "</transient_attributes>"),
		  HA_INV_ERROR },
		{ HOST("1", ""),
		  STATE("1", MEMBER,
			"<transient_attributes id='1'>" ATTR(
				"vmha-host-state",
				"live") "</transient_attributes>"),
		  HA_INV_ONLINE },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		read_cib("", cases[i].node, "", "", cases[i].status);
		assert_int_equal(inv->inv.n_hosts, 1);
		assert_int_equal(inv->inv.hosts[0].state, cases[i].state);
	}
}

/* Only members have a heartbeat. */
static void
kinds(void **state)
{
	(void)state;
	read_cib("",
		 "<node id='9' uname='far' type='remote'/>"
		 "<node id='2' uname='h2' type='member'/>"
		 "<node id='3' uname='h3' type='normal'/>"
		 "<node id='4'/>" HOST("1", ""),
		 "", "", "");
	assert_int_equal(inv->inv.n_hosts, 3);
}

static void
capacity(void **state)
{
	(void)state;
	read_cib("",
		 HOST("1", CAPACITY("9000", "2147483647"))
			 HOST("2", CAPACITY("-1", "2147483648"))
				 HOST("3", ATTR("vmha-capacity",
						"cpu_mhz=1 memory_mb=2")
						   CAPACITY("1", "3")),
		 "", "", UP3);
	assert_int_equal(inv->inv.hosts[0].cpu_mhz, 9000);
	assert_int_equal(inv->inv.hosts[0].memory_mb, 2147483647);
	assert_true(inv->hosts[0].has_cpu);
	assert_false(inv->hosts[0].is_cpu_ours);
	assert_int_equal(inv->inv.hosts[1].cpu_mhz, 0);
	assert_int_equal(inv->inv.hosts[1].memory_mb, 0);
	assert_false(inv->hosts[1].has_memory);
	assert_true(has_note("host h2: utilization cpu_mhz=-1"));
	assert_true(inv->hosts[2].is_cpu_ours);
	assert_false(inv->hosts[2].is_memory_ours);
	assert_int_equal(inv->n_notes, 2);
}

/* What vmha-fdmd has measured, into the file and back. */
static void
use(void **state)
{
#define USE(value)                                       \
	"<transient_attributes id='t'>" ATTR("vmha-use", \
					     value) "</transient_attributes>"
	const struct ha_inv_host *hosts;
	json_t *root;
	json_t *json;

	(void)state;
	read_cib("", H3, "", "",
		 STATE("1", MEMBER, USE("900 2000"))
			 STATE("2", MEMBER, USE("900 2000 "))
				 STATE("3", MEMBER, ""));
#undef USE
	hosts = inv->inv.hosts;
	assert_true(hosts[0].has_cpu_used && hosts[0].has_memory_used);
	assert_int_equal(hosts[0].cpu_used_mhz, 900);
	assert_int_equal(hosts[0].memory_used_mb, 2000);
	assert_false(hosts[1].has_cpu_used || hosts[1].has_memory_used);
	assert_true(has_note("host h2: node attribute vmha-use=900 2000 "));
	assert_false(hosts[2].has_cpu_used || hosts[2].has_memory_used);
	root = ha_cibinv_json(&inv->inv);
	json = json_object_get(root, "hosts");
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(json, 0), "memory_used_mb")),
			 2000);
	assert_null(json_object_get(json_array_get(json, 1), "cpu_used_mhz"));
	json_decref(root);
}

/* Where it is, by what Pacemaker's history says on one host. */
static void
one_history(void **state)
{
	static const struct {
		const char *ops;
		bool is_there;
	} cases[] = {
		{ OP("start", "5", "0", "0"), true },
		{ OP("start", "5", "0", "0") OP("stop", "7", "0", "0"), false },
		{ OP("stop", "7", "0", "0") OP("start", "5", "0", "0"), false },
		{ OP("start", "5", "0", "0") OP("stop", "7", "1", "4"), true },
		{ OP("monitor", "3", "7", "0"), false },
		{ OP("monitor", "3", "5", "0"), false },
		{ OP("monitor", "3", "0", "0"), true },
		/* a probe that nobody has answered, a start under way */
		{ OP("monitor", "-1", "193", "-1"), false },
		{ OP("start", "-1", "193", "-1"), true },
		{ OP("monitor", "3", "7", "0") OP("start", "5", "1", "4"),
		  true },
		{ OP("start", "5", "0", "0") OP("migrate_to", "9", "0", "0")
			  OP("stop", "10", "0", "0"),
		  false },
		/* tells nothing of where it is */
		{ OP("monitor", "3", "7", "0") OP("notify", "9", "0", "0"),
		  false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *status = g_strdup_printf(
			STATE("1", MEMBER, LRM(PAST("a", "%s"))), cases[i].ops);

		read_cib("", HOST("1", ""),
			 VM("a", META("target-role", "Stopped")), "", status);
		assert_int_equal(vm("a")->host,
				 cases[i].is_there ? 0 : HA_INV_NONE);
		assert_int_equal(vm("a")->is_on, cases[i].is_there);
		g_free(status);
	}
}

/* Between two hosts. */
static void
two_histories(void **state)
{
#define BEGUN OP("start", "-1", "193", "-1")
	(void)state;
	read_cib("", H3, VM("a", ""), "",
		 STATE("1", MEMBER, LRM(PAST("a", BEGUN)))
			 STATE("2", MEMBER, LRM(PAST("a", ON))));
	assert_int_equal(vm("a")->host, 1);
	/* a member before one that is gone and not fenced, */
	read_cib("", H3, VM("a", ""), "",
		 STATE("1", LOST, LRM(PAST("a", ON)))
			 STATE("2", MEMBER, LRM(PAST("a", BEGUN))));
	assert_int_equal(vm("a")->host, 1);
	/* that one where there is none else, */
	read_cib("", H3, VM("a", ""), "", STATE("1", LOST, LRM(PAST("a", ON))));
	assert_int_equal(vm("a")->host, 0);
	/* never one that was shut down. */
	read_cib("", H3, VM("a", ""), "", STATE("1", DOWN, LRM(PAST("a", ON))));
	assert_int_equal(vm("a")->host, HA_INV_NONE);
	assert_true(vm("a")->is_on);
}

static void
power(void **state)
{
#define TICKET(granted, more)                                            \
	"<tickets><ticket_state id='vmha-a' granted='" granted "' " more \
	"/></tickets>"
	static const struct {
		const char *properties, *vm, *status;
		bool is_on;
	} cases[] = {
		{ "", VM("a", ""), "", true },
		{ "", VM("a", META("target-role", "Started")), "", true },
		{ "", VM("a", META("target-role", "Stopped")), "", false },
		{ "",
		  "<group id='g'>" META("target-role", "Stopped")
			  VM("a", "") "</group>",
		  "", false },
		{ "<nvpair id='q' name='stop-all-resources' value='true'/>",
		  VM("a", ""), "", false },
		{ "", VM("a", ""), TICKET("false", "vmha-state='off'"), false },
		{ "", VM("a", ""), TICKET("true", "vmha-state='off'"), true },
		{ "", VM("a", ""), TICKET("false", "vmha-state='held'"), true },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		read_cib(cases[i].properties, H3, cases[i].vm, "",
			 cases[i].status);
		assert_int_equal(vm("a")->is_on, cases[i].is_on);
	}
	read_cib("", H3, VM("a", ""), "",
		 TICKET("true", "vmha-cpu='700' vmha-memory='800'"));
	assert_int_equal(inv->vms[0].facts.admitted_cpu_mhz.value, 700);
	assert_int_equal(inv->vms[0].facts.admitted_memory_mb.value, 800);
	read_cib("", H3, VM("a", META("target-role", "Stopped")), "",
		 TICKET("true", "vmha-cpu='700' vmha-memory='800'"));
	assert_false(inv->vms[0].facts.admitted_cpu_mhz.is_there);
	assert_false(inv->vms[0].facts.admitted_memory_mb.is_there);
}

static void
machines(void **state)
{
	(void)state;
	read_cib(
		"", H3,
		"<template id='t' class='ocf' provider='vmha' "
		"type='VirtualMachine'>" CAPACITY("32", "512") ATTR(
			"restart_priority",
			"high") "</template>"
				"<primitive id='b' template='t'>" CAPACITY("64",
									   "x")
					ATTR("config",
					     "/srv/b.xml") "</primitive>"
							   "<primitive id='ip' class='ocf' provider='heartbeat' "
							   "type='IPaddr2'/>"
							   "<group id='g'>" VM(
								   "c",
								   ATTR("restart_priority",
									"none"))
								   VM("d",
								      "") "</group>",
		"", "");
	assert_int_equal(inv->inv.n_vms, 3);
	assert_int_equal(vm("b")->priority, HA_INV_PRIORITY_HIGH);
	assert_int_equal(vm("c")->priority, HA_INV_PRIORITY_MEDIUM);
	assert_string_equal(inv->vms[0].config, "/srv/b.xml");
	assert_int_equal(inv->vms[0].facts.cpu_mhz.value, 64);
	assert_false(inv->vms[0].facts.memory_mb.is_there);
	assert_true(has_note("b: utilization memory_mb=x"));
	/* a group runs on one host */
	assert_int_equal(inv->inv.n_rules, 1);
	assert_int_equal(inv->inv.rules[0].type, HA_INV_TOGETHER);
	assert_true(inv->inv.rules[0].is_mandatory);
	assert_int_equal(inv->inv.rules[0].n_vms, 2);
}

/* What Pacemaker 2.1.5 crashes on, and what vmha alone can't count. */
static void
no_numbers(void **state)
{
	static const struct {
		const char *name, *value;
		bool is_good;
	} cases[] = {
		{ "memory_mb", "512", true }, { "memory_mb", "abc", false },
		{ "memory_mb", "", false },   { "memory_mb", "1.5", false },
		{ "memory_mb", "-1", false }, { "cpu_mhz", "1GHz", false },
		{ "disks", "-3", true },      { "disks", " +3x", true },
		{ "disks", "three", false },  { "disks", "", false },
		{ "disks", "-", false },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		assert_int_equal(
			ha_cibinv_is_utilization(cases[i].name, cases[i].value),
			cases[i].is_good);
	}
	read_cib("", H3,
		 "<template id='t' class='ocf' provider='vmha' "
		 "type='VirtualMachine'>" CAPACITY(
			 "x", "1") "</template>"
				   "<primitive id='a' template='t'/>"
				   "<primitive id='b' template='t'>" CAPACITY(
					   "1", "1") "</primitive>",
		 "", "");
	assert_string_equal(inv->vms[0].bad_name, "cpu_mhz");
	assert_null(inv->vms[1].bad_name);
	{
		struct ha_err err = HA_ERR_INIT;

		assert_false(ha_cibinv_bad_text(inv, 1, &err));
		assert_true(ha_cibinv_bad_text(inv, 0, &err));
		assert_non_null(strstr(err.text, "crm resource utilization a "
						 "set cpu_mhz NUMBER"));
	}
}

/* In whatever they stand, by whatever template. */
static void
places(void **state)
{
	(void)state;
	read_cib(
		"", H3,
		"<template id='s' class='ocf' provider='heartbeat' "
		"type='IPaddr2'/><template id='t' class='ocf' "
		"provider='vmha' type='VirtualMachine'/>"
		"<primitive id='ip' template='s'/>"
		"<primitive id='none' template='u'/>"
		"<primitive id='a' template='t'/>"
		"<clone id='k'>" VM(
			"b",
			"") "</clone>"
			    "<master id='m'>" VM(
				    "c",
				    "") "</master>"
					"<bundle id='n'>" VM(
						"d",
						"") "</bundle>"
						    "<clone id='o'><group id='g'>" VM(
							    "e",
							    "") "</group></clone>"
								"<other>" VM(
									"f",
									"") "</other>",
		"", UP3);
	assert_int_equal(inv->inv.n_vms, 5);
	assert_string_equal(vm("a")->name, "a");
	assert_string_equal(vm("e")->name, "e");
}

/* As cibadmin gave it, through the JSON, with what was set. */
static void
capture(void **state)
{
	const struct ha_demand demand = { .cpu_mhz = 1,
					  .memory_mb = 2,
					  .overhead_mb = 3 };
	struct ha_err err = HA_ERR_INIT;
	json_t *json;
	json_t *one;

	(void)state;
	done();
	doc = xmlReadFile("tests/data/cib/pacemaker-2.1.5.xml", NULL, 0);
	assert_non_null(doc);
	assert_int_equal(ha_cibinv_read(&FDM_XML_TREE,
					xmlDocGetRootElement(doc), &inv, &err),
			 0);
	assert_int_equal(inv->inv.n_hosts, 3);
	assert_true(inv->inv.n_vms > 0);
	ha_cibinv_set_demand(inv, 0, &demand);
	json = ha_cibinv_json(&inv->inv);
	assert_int_equal(json_array_size(json_object_get(json, "hosts")), 3);
	one = json_array_get(json_object_get(json, "vms"), 0);
	assert_int_equal(
		json_integer_value(json_object_get(one, "overhead_mb")), 3);
	assert_string_equal(json_string_value(json_object_get(one, "power")),
			    "on");
	json_decref(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(no_cib, teardown),
		cmocka_unit_test_teardown(states, teardown),
		cmocka_unit_test_teardown(kinds, teardown),
		cmocka_unit_test_teardown(capacity, teardown),
		cmocka_unit_test_teardown(use, teardown),
		cmocka_unit_test_teardown(one_history, teardown),
		cmocka_unit_test_teardown(two_histories, teardown),
		cmocka_unit_test_teardown(power, teardown),
		cmocka_unit_test_teardown(machines, teardown),
		cmocka_unit_test_teardown(no_numbers, teardown),
		cmocka_unit_test_teardown(places, teardown),
		cmocka_unit_test_teardown(capture, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
