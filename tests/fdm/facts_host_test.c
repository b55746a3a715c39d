/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agents/FaultDomain/facts_host: standby, both kinds; the published state; a
 * FaultDomain resource that could not be started, and what looks like it. */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/facts.h"

#define SET(name, value)                                         \
	"<instance_attributes id='s'><nvpair id='n' name='" name \
	"' value='" value "'/></instance_attributes>"
#define CONFIG(nodes)                                                   \
	"<cib have-quorum='1'><configuration><resources><clone id='c'>" \
	"<primitive id='fdm' class='ocf' provider='vmha' "              \
	"type='FaultDomain'/></clone></resources><nodes>" nodes         \
	"</nodes></configuration><status>"
#define NODE(id, more) "<node id='" id "' uname='h" id "'>" more "</node>"
#define STATE(id, more)                                                       \
	"<node_state id='" id "' uname='h" id                                 \
	"' in_ccm='true' crmd='online' join='member' expected='member'>" more \
	"</node_state>"
#define LRM(id, ops)                                            \
	"<lrm><lrm_resources><lrm_resource id='" id             \
	"' class='ocf' provider='vmha' type='FaultDomain'>" ops \
	"</lrm_resource></lrm_resources></lrm>"
#define OP(id, operation, call, rc)                                            \
	"<lrm_rsc_op id='fdm_" id "' operation='" operation "' call-id='" call \
	"' rc-code='" rc "' op-status='" rc "'/>"
#define END "</status></cib>"
#define FAILED OP("last_failure_0", "start", "7", "1")

static struct fdm_facts *
facts_of(const char *xml)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "cib", NULL, 0);

	assert_non_null(doc);
	return fdm_facts_new(doc);
}

static void
standby(void **state)
{
	struct fdm_facts *facts = facts_of(
		CONFIG(NODE("1", SET("standby", "on"))
			       NODE("2", SET("standby", "off")) NODE("3", ""))
			STATE("3", "<transient_attributes id='3'>" SET(
					   "standby", "true") "</"
							      "transient_"
							      "attributes>")
				END);

	(void)state;
	assert_true(fdm_facts_node(facts, "h1")->is_standby);
	assert_false(fdm_facts_node(facts, "h2")->is_standby);
	assert_true(fdm_facts_node(facts, "h3")->is_standby);
	fdm_facts_free(facts);
}

static void
published(void **state)
{
	struct fdm_facts *facts =
		facts_of(CONFIG(NODE("1", "") NODE("2", "")) STATE(
			"1", "<transient_attributes id='1'>" SET(
				     FDM_STATE_ATTR,
				     "isolated") "</transient_attributes>")
				 STATE("2", "") END);

	(void)state;
	assert_string_equal(fdm_facts_node(facts, "h1")->told_state,
			    "isolated");
	assert_null(fdm_facts_node(facts, "h2")->told_state);
	fdm_facts_free(facts);
}

static bool
has_failed(const char *xml)
{
	struct fdm_facts *facts = facts_of(xml);
	bool has = fdm_facts_node(facts, "h1")->has_failed_domain;

	fdm_facts_free(facts);
	return has;
}

#define ONE(id, ops) CONFIG(NODE("1", "")) STATE("1", LRM(id, ops)) END

static void
failed_domain(void **state)
{
	(void)state;
	assert_true(has_failed(ONE("fdm", FAILED)));
	/* stopped after it */
	assert_true(
		has_failed(ONE("fdm", FAILED OP("last_0", "stop", "8", "0"))));
	assert_true(has_failed(
		ONE("fdm:0", FAILED OP("last_0", "start", "7", "1"))));
	/* a probe: the agent is not installed */
	assert_true(has_failed(
		ONE("fdm", OP("last_failure_0", "monitor", "3", "5"))));
	/* started since */
	assert_false(
		has_failed(ONE("fdm", FAILED OP("last_0", "start", "9", "0"))));
	assert_false(has_failed(
		ONE("fdm", FAILED OP("last_0", "start", "9", "0")
				   OP("monitor_10000", "monitor", "10", "0"))));
	/* a monitor that failed, and its recovery */
	assert_false(has_failed(
		ONE("fdm", OP("last_failure_10000", "monitor", "9", "1")
				   OP("last_0", "stop", "10", "0"))));
	/* somebody stopped it, or it was found stopped */
	assert_false(has_failed(ONE("fdm", OP("last_0", "stop", "8", "0"))));
	assert_false(has_failed(
		ONE("fdm", OP("last_failure_0", "monitor", "3", "7"))));
	/* of another resource */
	assert_false(has_failed(ONE("fdmx", FAILED)));
	assert_false(has_failed(ONE("other", FAILED)));
	assert_false(has_failed(CONFIG(NODE("1", "")) END));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standby),
		cmocka_unit_test(published),
		cmocka_unit_test(failed_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
