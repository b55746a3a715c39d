/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agents/FaultDomain/facts: a real CIB, and what no real one shows at a time:
 * templates, groups, rules, failed and pending actions, Pacemaker 3.0's times. */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/facts.h"

#define CAPTURE "tests/data/cib/pacemaker-2.1.5.xml"
#define UUID "96c1c197-4271-484c-b03e-380ddfaf8324"

static struct fdm_facts *
facts_of(const char *xml)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "cib", NULL, 0);

	assert_non_null(doc);
	return fdm_facts_new(doc);
}

static void
capture(void **state)
{
	xmlDoc *doc = xmlReadFile(CAPTURE, NULL, 0);
	struct fdm_facts *facts;
	const struct fdm_vm *vm;

	(void)state;
	assert_non_null(doc);
	facts = fdm_facts_new(doc);
	assert_string_equal(facts->dc, "h1");
	assert_true(facts->have_quorum);
	assert_true(facts->has_domain);
	assert_int_equal(facts->policy->len, 4);
	assert_int_equal(facts->nodes->len, 3);
	assert_int_equal(facts->vms->len, 2);
	vm = fdm_facts_vm(facts, "web1");
	assert_non_null(vm);
	assert_true(vm->is_gated);
	assert_true(vm->has_uuid);
	assert_true(vm->ticket.is_there);
	assert_true(vm->ticket.is_granted);
	assert_int_equal(vm->ticket.term, 3);
	assert_string_equal(vm->ticket.owner, "");
	assert_false(fdm_facts_vm(facts, "web2")->is_gated);
	assert_null(fdm_facts_vm(facts, "fence"));
	assert_true(fdm_facts_is_active(fdm_facts_node(facts, "h2"), "web1"));
	assert_false(fdm_facts_is_active(fdm_facts_node(facts, "h3"), "web1"));
	assert_true(fdm_facts_is_active(fdm_facts_node(facts, "h3"), "web2"));
	assert_true(fdm_facts_is_active(fdm_facts_node(facts, "h2"), "fdm"));
	assert_true(fdm_facts_node(facts, "h2")->is_online);
	assert_false(fdm_facts_node(facts, "h2")->is_forgotten);
	fdm_facts_free(facts);
}

/* ---- configuration ------------------------------------------------------ */

#define VM(id, more)                                          \
	"<primitive id='" id "' class='ocf' provider='vmha' " \
	"type='VirtualMachine'>" more "</primitive>"
#define GATE(id, ticket, more) \
	"<rsc_ticket id='g-" id "' rsc='" id "' ticket='" ticket "' " more "/>"
#define FREEZE "loss-policy='freeze'"
#define PAIR(name, value) "<nvpair name='" name "' value='" value "'/>"

static void
gates(void **state)
{
	struct fdm_facts *facts = facts_of(
		"<cib><configuration><resources>" VM("good", "") VM(
			"none", "") VM("other", "") VM("stop", "")
			VM("role", "") "<group id='g'>" VM(
				"nested",
				"") "</group>"
				    "<clone id='c'><group id='cg'>" VM("deep", "") "</group></clone></resources><constraints>" GATE(
					    "good", "vmha-good",
					    FREEZE) GATE("other", "vmha-good",
							 FREEZE)
					    GATE("stop", "vmha-stop",
						 "loss-policy='stop'")
						    GATE("role", "vmha-role",
							 FREEZE
							 " rsc-role='Promoted'")
							    GATE("nested",
								 "vmha-nested",
								 FREEZE)
								    GATE("deep",
									 "vmha-deep",
									 FREEZE) "</constraints></configuration></cib>");
	static const char *const NOT[] = { "none", "other",  "stop",
					   "role", "nested", "deep" };

	(void)state;
	assert_int_equal(facts->vms->len, 7);
	assert_true(fdm_facts_vm(facts, "good")->is_gated);
	for (size_t i = 0; i < N_ELEMENTS(NOT); i++) {
		assert_non_null(fdm_facts_vm(facts, NOT[i]));
		assert_false(fdm_facts_vm(facts, NOT[i])->is_gated);
	}
	assert_true(fdm_facts_vm(facts, "deep")->is_nested);
	assert_string_equal(facts->dc, "");
	assert_false(facts->have_quorum);
	fdm_facts_free(facts);
}

static const char *
requires_of(const struct fdm_facts *facts, const char *id)
{
	const struct fdm_rsc *rsc = g_hash_table_lookup(facts->rscs, id);

	assert_non_null(rsc);
	return rsc->requires ? rsc->requires : "";
}

static void
inheritance(void **state)
{
	struct fdm_facts *facts = facts_of(
		"<cib><configuration><resources>"
		"<template id='t' class='ocf' provider='vmha' "
		"type='VirtualMachine'><instance_attributes>" PAIR("uuid", UUID) PAIR("name", "of template") "</instance_attributes><meta_attributes>" PAIR(
			"requires",
			"fencing") "</meta_attributes></template>"
				   "<primitive id='a' template='t'><instance_attributes><rule/>" PAIR(
					   "name",
					   "of rule") "</instance_attributes>"
						      "<instance_attributes>" PAIR(
							      "name",
							      "own") "</instance_attributes></primitive>"
								     "<primitive id='own' class='ocf' type='x'><meta_attributes>" PAIR(
									     "requires",
									     "nothing") "</meta_attributes></primitive>"
											"<clone id='c'><meta_attributes>" PAIR(
												"requires",
												"quorum") "</meta_attributes><primitive id='in' class='ocf' type='x'/>"
													  "</clone><primitive id='def' class='ocf' type='x'/>"
													  "</resources><rsc_defaults><meta_attributes>" PAIR(
														  "requires",
														  "unfencing") "</meta_attributes></rsc_defaults></configuration></cib>");
	const struct fdm_vm *vm = fdm_facts_vm(facts, "a");

	(void)state;
	assert_non_null(vm);
	assert_true(vm->has_uuid);
	assert_int_equal(vm->params->len, 2);
	assert_string_equal(
		g_array_index(vm->params, struct responder_param, 0).value,
		"own");
	assert_string_equal(requires_of(facts, "a"), "fencing");
	assert_string_equal(requires_of(facts, "own"), "nothing");
	assert_string_equal(requires_of(facts, "in"), "quorum");
	assert_string_equal(requires_of(facts, "def"), "unfencing");
	fdm_facts_free(facts);
}

/* ---- history ------------------------------------------------------------ */

#define OP(operation, call, rc, status)                                      \
	"<lrm_rsc_op id='r_last_0' operation='" operation "' call-id='" call \
	"' rc-code='" rc "' op-status='" status "' interval='0'/>"
#define RECURRING(call, rc)                                                \
	"<lrm_rsc_op id='r_monitor_10' operation='monitor' call-id='" call \
	"' rc-code='" rc "' op-status='0' interval='10000'/>"

#define PROBE OP("monitor", "-1", "193", "-1")

/* Asked: active as nobody knows better, but of a VM nothing has begun. */
enum state {
	ENDED,
	ASKED,
	BUSY
};

static const struct {
	const char *ops;
	enum state state;
} HISTORIES[] = {
	{ OP("start", "5", "0", "0"), BUSY },
	{ OP("stop", "6", "0", "0"), ENDED },
	{ OP("monitor", "4", "7", "0"), ENDED },
	{ OP("monitor", "4", "5", "0"), ENDED },
	{ OP("monitor", "4", "0", "0"), BUSY },
	/* nobody knows */
	{ OP("monitor", "4", "1", "4"), BUSY },
	{ OP("stop", "6", "1", "4"), BUSY },
	{ OP("start", "6", "1", "4"), BUSY },
	{ OP("stop", "6", "0", "-1"), BUSY },
	{ OP("start", "-1", "193", "-1"), BUSY },
	{ "<lrm_rsc_op operation='stop' call-id='6'/>", BUSY },
	/* the newest counts, in whatever order they stand */
	{ OP("start", "5", "0", "0") OP("stop", "6", "0", "0"), ENDED },
	{ OP("stop", "6", "0", "0") OP("start", "5", "0", "0"), ENDED },
	{ OP("stop", "6", "0", "0") OP("start", "7", "0", "0"), BUSY },
	/* a migration under way binds both ends */
	{ OP("start", "5", "0", "0") OP("migrate_to", "8", "0", "0"), BUSY },
	{ OP("monitor", "4", "7", "0") OP("migrate_from", "-1", "193", "-1"),
	  BUSY },
	/* it crashed: Pacemaker would start it there again */
	{ OP("start", "5", "0", "0") RECURRING("6", "7"), BUSY },
	/* a probe under way */
	{ PROBE, ASKED },
	{ OP("stop", "6", "0", "0") PROBE, ASKED },
	{ OP("start", "5", "0", "0") PROBE, BUSY },
	{ OP("monitor", "4", "1", "4") PROBE, BUSY },
	{ OP("start", "-1", "193", "-1") PROBE, BUSY },
	{ "<lrm_rsc_op operation='monitor' op-status='-1' interval='10'/>",
	  BUSY },
	{ "", ENDED },
};

static void
history(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(HISTORIES); i++) {
		char *xml = g_strdup_printf(
			"<cib><configuration><nodes><node id='1' uname='h1'/>"
			"</nodes><resources>" VM(
				"r",
				"") "</resources>"
				    "</configuration><status><node_state id='1' "
				    "uname='h1' in_ccm='true' crmd='online'><lrm>"
				    "<lrm_resources><lrm_resource id='r' class='ocf' "
				    "provider='vmha' type='VirtualMachine'>%s</lrm_resource>"
				    "</lrm_resources></lrm></node_state></status></cib>",
			HISTORIES[i].ops);
		struct fdm_facts *facts = facts_of(xml);
		const struct fdm_vm *vm = fdm_facts_vm(facts, "r");
		bool is_active = HISTORIES[i].state != ENDED;
		bool is_busy = HISTORIES[i].state == BUSY;

		if (fdm_facts_is_active(fdm_facts_node(facts, "h1"), "r") !=
			    is_active ||
		    vm->is_busy != is_busy ||
		    (vm->busy_nodes != 0) != is_busy) {
			fail_msg("%s", HISTORIES[i].ops);
		}
		fdm_facts_free(facts);
		g_free(xml);
	}
}

static void
gated_there(void **state)
{
	struct fdm_facts *facts = facts_of(
		"<cib have-quorum='1' dc-uuid='1'><configuration><nodes>"
		"<node id='1' uname='h1'/></nodes><resources>" VM("v", "") "<clone id='c'><meta_attributes>" PAIR(
			"requires",
			"nothing") "</meta_attributes><primitive id='p' class='ocf' "
				   "provider='x' type='y'/></clone></resources><constraints>" GATE(
					   "v", "vmha-v",
					   FREEZE) "</constraints></configuration>"
						   "<status><node_state id='1' uname='h1'><lrm><lrm_resources>"
						   "<lrm_resource id='v' class='ocf' provider='vmha' "
						   "type='VirtualMachine'>" OP(
							   "start", "5", "0",
							   "0") "<lrm_rsc_op id='v_last_failure_0' operation='start' "
								"call-id='3' rc-code='1' op-status='4' exit-reason=\"v: can't "
								"announce v: held\"/></lrm_resource>"
								"<lrm_resource id='p:1' class='ocf' provider='x' type='y'>" OP(
									"start",
									"6",
									"0",
									"0") "</lrm_resource>"
									     "<lrm_resource id='orphan' class='ocf' provider='x' type='y'>" OP(
										     "start",
										     "7",
										     "0",
										     "0") "</lrm_resource>"
											  "</lrm_resources></lrm></node_state></status></cib>");
	const struct fdm_node *node = fdm_facts_node(facts, "h1");
	const struct ha_gated_resource *list =
		(const struct ha_gated_resource *)(void *)node->active->data;

	(void)state;
	assert_int_equal(node->active->len, 3);
	assert_int_equal(ha_gated_judge_one(&list[0]), HA_GATED_TICKET);
	assert_int_equal(ha_gated_judge_one(&list[1]), HA_GATED_WORD);
	assert_int_equal(ha_gated_judge_one(&list[2]), HA_GATED_UNGATED);
	assert_true(fdm_facts_vm(facts, "v")->has_failures);
	assert_true(fdm_facts_vm(facts, "v")->was_refused);
	fdm_facts_free(facts);
}

/* A clone's parameters are those of what it holds; its own go before. */
static void
policy_of_a_clone(void **state)
{
	struct fdm_facts *facts = facts_of(
		"<cib><configuration><resources><clone id='c'>"
		"<instance_attributes><nvpair name='a' value='1'/>"
		"<nvpair name='b' value='2'/></instance_attributes>"
		"<primitive id='fdm' class='ocf' provider='vmha' "
		"type='FaultDomain'><instance_attributes><nvpair name='b' "
		"value='3'/></instance_attributes></primitive></clone>"
		"</resources></configuration></cib>");
	const struct responder_param *policy =
		(const struct responder_param *)(void *)facts->policy->data;

	(void)state;
	assert_int_equal(facts->policy->len, 2);
	assert_string_equal(policy[0].value, "3");
	assert_string_equal(policy[1].name, "a");
	assert_string_equal(policy[1].value, "1");
	fdm_facts_free(facts);
}

static const struct {
	const char *attributes;
	bool is_online, is_forgotten;
} NODES[] = {
	{ "in_ccm='true' crmd='online' expected='member'", true, false },
	{ "in_ccm='false' crmd='offline' expected='member'", false, false },
	{ "in_ccm='false' crmd='offline' expected='down'", false, true },
	{ "in_ccm='true' crmd='offline' expected='down'", false, false },
	/* 3.0 */
	{ "in_ccm='1732200000' crmd='1732200001' expected='member'", true,
	  false },
	{ "in_ccm='0' crmd='0' expected='down'", false, true },
	{ "in_ccm='1732200000' crmd='0' expected='member'", false, false },
	{ "", false, false },
};

static void
nodes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(NODES); i++) {
		char *xml = g_strdup_printf(
			"<cib><configuration><nodes><node id='1' uname='h1'/>"
			"</nodes></configuration><status><node_state "
			"uname='h1' %s/></status></cib>",
			NODES[i].attributes);
		struct fdm_facts *facts = facts_of(xml);
		const struct fdm_node *node = fdm_facts_node(facts, "h1");

		assert_int_equal(node->is_online, NODES[i].is_online);
		assert_int_equal(node->is_forgotten, NODES[i].is_forgotten);
		fdm_facts_free(facts);
		g_free(xml);
	}
}

/* Who may hold up others: what its user wants, and Pacemaker manages. */
static void
wanted(void **state)
{
	struct fdm_facts *facts = facts_of(
		"<cib><configuration><crm_config><cluster_property_set>" PAIR(
			"stop-all-resources",
			"false") "</cluster_property_set></crm_config><resources>" VM("plain",
										      "")
			VM("stopped", "<meta_attributes>" PAIR(
					      "target-role",
					      "stopped") "</meta_attributes>")
				VM("left", "<meta_attributes>" PAIR("is-managed", "false") "</meta_attributes>") "<clone id='c'><meta_attributes>" PAIR(
					"target-role",
					"Stopped") "</meta_attributes><primitive id='fdm' class='ocf' "
						   "provider='vmha' type='FaultDomain'/></clone>"
						   "</resources></configuration><status/></cib>");

	(void)state;
	assert_true(fdm_facts_vm(facts, "plain")->is_wanted);
	assert_true(fdm_facts_vm(facts, "plain")->is_managed);
	assert_false(fdm_facts_vm(facts, "stopped")->is_wanted);
	assert_true(fdm_facts_vm(facts, "left")->is_wanted);
	assert_false(fdm_facts_vm(facts, "left")->is_managed);
	assert_true(facts->has_domain);
	assert_false(facts->is_domain_wanted);
	assert_string_equal(facts->domain, "fdm");
	fdm_facts_free(facts);
}

static void
all_stopped(void **state)
{
	struct fdm_facts *facts = facts_of(
		"<cib><configuration><crm_config><cluster_property_set>" PAIR(
			"stop-all-resources", "true")
			PAIR("maintenance-mode", "true") "</cluster_property_set></crm_config><resources>" VM(
				"plain",
				"") "</resources></configuration><status/></cib>");

	(void)state;
	assert_false(fdm_facts_vm(facts, "plain")->is_wanted);
	assert_false(fdm_facts_vm(facts, "plain")->is_managed);
	fdm_facts_free(facts);
}

/* ---- a guest that has powered itself off ---------------------------------- */

static const xmlNode *
below(const xmlNode *node, const char *name)
{
	node = fdm_xml_child(node, name);
	assert_non_null(node);
	return node;
}

/* What both sets of the fragment that names it say, as "set pair value". */
static void
assert_pair(const char *xml, const char *group, const char *name,
	    const char *want)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "x", NULL, 0);
	const xmlNode *node = xmlDocGetRootElement(doc);
	char *found = NULL;

	node = below(below(node, "configuration"), "resources");
	node = below(group ? below(node, group) : node, "primitive");
	for (const xmlNode *set = node->children; set; set = set->next) {
		const xmlNode *pair = below(set, "nvpair");

		if (strcmp(fdm_xml_text(pair, "name"), name) == 0) {
			assert_null(found);
			found = g_strdup_printf("%s %s %s",
						fdm_xml_text(set, "id"),
						fdm_xml_text(pair, "id"),
						fdm_xml_text(pair, "value"));
		}
	}
	assert_non_null(found);
	assert_string_equal(found, want);
	g_free(found);
	xmlFreeDoc(doc);
}

#define IDPAIR(id, name, value) \
	"<nvpair id='" id "' name='" name "' value='" value "'/>"
#define META(id, more) "<meta_attributes id='" id "'>" more "</meta_attributes>"
#define STOP                                                             \
	"<instance_attributes id='i'>" IDPAIR("ip", "on_guest_shutdown", \
					      "stop") "</instance_attributes>"

static const char GUESTS[] = "<cib><configuration><resources>" VM(
	"bare",
	STOP) VM("set",
		 META("m1", "<rule id='r'/>") META(
			 "m2", IDPAIR("a", "allow-migrate", "true"))
			 META("m3", IDPAIR("mine", "target-role", "Started")))
	VM("ruled", META("ruled-meta_attributes", "<rule id='r2'/>")) VM(
		"off",
		META("o",
		     IDPAIR("o1", "vmha-guest-off",
			    "h1 5"))) "<group id='g'>" VM("in",
							  "") "</group></resources></configuration>"
							      "<status/></cib>";

static void
guest_off(void **state)
{
	struct fdm_facts *facts = facts_of(GUESTS);
	char *xml = fdm_guest_off_xml(facts, "bare", "h2", 7);

	(void)state;
	assert_true(fdm_facts_vm(facts, "bare")->stops_with_guest);
	assert_false(fdm_facts_vm(facts, "set")->stops_with_guest);
	assert_string_equal(fdm_facts_vm(facts, "bare")->guest_off, "");
	assert_string_equal(fdm_facts_vm(facts, "off")->guest_off, "h1 5");
	assert_pair(xml, NULL, "target-role",
		    "bare-meta_attributes bare-meta_attributes-target-role "
		    "Stopped");
	assert_pair(xml, NULL, "vmha-guest-off",
		    "bare-meta_attributes bare-meta_attributes-vmha-guest-off "
		    "h2 7");
	g_free(xml);
	/* A target-role that is there is changed, wherever it stands. */
	xml = fdm_guest_off_xml(facts, "set", "h2", 7);
	assert_pair(xml, NULL, "target-role", "m3 mine Stopped");
	assert_pair(xml, NULL, "vmha-guest-off", "m2 m2-vmha-guest-off h2 7");
	g_free(xml);
	/* Nothing is put under somebody's rule. */
	xml = fdm_guest_off_xml(facts, "ruled", "h2", 7);
	assert_pair(xml, NULL, "target-role",
		    "ruled-vmha-meta_attributes "
		    "ruled-vmha-meta_attributes-target-role Stopped");
	g_free(xml);
	xml = fdm_guest_off_xml(facts, "in", "h2", 7);
	assert_pair(xml, "group", "target-role",
		    "in-meta_attributes in-meta_attributes-target-role "
		    "Stopped");
	g_free(xml);
	assert_null(fdm_guest_off_xml(facts, "none", "h2", 7));
	fdm_facts_free(facts);
}

/* ---- the plan, and utilization ------------------------------------------- */

#define PLAN(id, rsc, score)                                 \
	"<rsc_location id='" id "' rsc='" rsc "' node='h2' " \
	"score='" score "'/>"

/* Where the plan sends a VM: by that one constraint, if it sends it at all. */
static void
plan(void **state)
{
	struct fdm_facts *facts = facts_of(
		"<cib><configuration><resources>" VM("a", "") VM("b", "") VM(
			"c", "") VM("d", "") VM("e", "")
			VM("f", "") "</resources><constraints>" PLAN(
				"vmha-plan-a", "a",
				"90") PLAN("vmha-plan-b", "b",
					   "0") PLAN("vmha-plan-c", "c", "-5")
				PLAN("mine", "d", "90") PLAN("vmha-plan-a2",
							     "e", "90")
					PLAN("vmha-plan-x", "x",
					     "90") GATE("f", "vmha-f", FREEZE)
						PLAN("vmha-plan-f", "f",
						     "1") "</constraints>"
							  "</configuration>"
							  "</cib>");
	static const char *const NOT[] = { "b", "c", "d", "e" };

	(void)state;
	assert_string_equal(fdm_facts_vm(facts, "a")->plan_node, "h2");
	assert_false(fdm_facts_vm(facts, "a")->is_gated);
	assert_string_equal(fdm_facts_vm(facts, "f")->plan_node, "h2");
	assert_true(fdm_facts_vm(facts, "f")->is_gated);
	for (size_t i = 0; i < N_ELEMENTS(NOT); i++) {
		assert_null(fdm_facts_vm(facts, NOT[i])->plan_node);
	}
	fdm_facts_free(facts);
}

#define USE(value) "<utilization>" PAIR("memory_mb", value) "</utilization>"

static uint64_t
utilization(const char *of_vm, const char *of_node, const char *more)
{
	char *xml = g_strdup_printf(
		"<cib><configuration><resources><primitive id='a' class='ocf' "
		"provider='vmha' type='VirtualMachine'>%s</primitive>"
		"</resources><nodes><node id='1' uname='h1'>%s</node></nodes>"
		"%s</configuration></cib>",
		of_vm, of_node, more);
	struct fdm_facts *facts = facts_of(xml);
	uint64_t number = facts->utilization;

	fdm_facts_free(facts);
	g_free(xml);
	return number;
}

/* Another number when one of them changes, and only then. */
static void
changes_of_utilization(void **state)
{
	uint64_t number = utilization(USE("512"), USE("4096"), "");

	(void)state;
	assert_true(number ==
		    utilization(USE("512"), USE("4096"),
				"<constraints>" GATE("a", "vmha-a",
						     FREEZE) "</constraints>"));
	assert_true(number != utilization(USE("512"), USE("4097"), ""));
	assert_true(number != utilization(USE("511"), USE("4096"), ""));
	assert_true(number != utilization(USE("4096"), USE("512"), ""));
	assert_true(number != utilization("", USE("4096"), ""));
	assert_true(number != utilization(USE("512"), "", ""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wanted),
		cmocka_unit_test(all_stopped),
		cmocka_unit_test(capture),
		cmocka_unit_test(gates),
		cmocka_unit_test(inheritance),
		cmocka_unit_test(history),
		cmocka_unit_test(gated_there),
		cmocka_unit_test(policy_of_a_clone),
		cmocka_unit_test(nodes),
		cmocka_unit_test(guest_off),
		cmocka_unit_test(plan),
		cmocka_unit_test(changes_of_utilization),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
