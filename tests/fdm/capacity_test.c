/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host's capacity in the CIB: judged with the overheads that are configured,
 * and written where its sets and pairs stand.
 */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/capacity.h"
#include "FaultDomain/facts.h"

#define CIB(params, node)                                                        \
	"<cib><configuration><nodes><node id='7' uname='other'/>" node           \
	"</nodes><resources><clone id='c'><primitive id='fdm' class='ocf' "      \
	"provider='vmha' type='FaultDomain'><instance_attributes id='i'>" params \
	"</instance_attributes></primitive></clone></resources>"                 \
	"</configuration></cib>"
#define PARAM(name, value) \
	"<nvpair id='p-" name "' name='" name "' value='" value "'/>"
#define NODE(more) "<node id='3' uname='h3'>" more "</node>"

static const struct ha_hostcap HAS = { .cores = 4,
				       .cpu_mhz = 10000,
				       .memory_mb = 16384 };
static struct fdm_facts *facts;
static struct ha_capacity capacity;
static struct ha_capacity_plan plan;

static bool
judge(const char *xml, const struct ha_hostcap *has)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "cib", NULL, 0);

	fdm_facts_free(facts);
	assert_non_null(doc);
	facts = fdm_facts_new(doc);
	return fdm_capacity_judge(facts, "h3", has, &capacity, &plan);
}

static int
teardown(void **state)
{
	(void)state;
	fdm_facts_free(facts);
	facts = NULL;
	return 0;
}

static void
assert_xml(const char *wanted)
{
	char *xml = fdm_capacity_xml(facts, "h3", &capacity, &plan);

	assert_string_equal(xml, wanted);
	g_free(xml);
}

static void
new_host(void **state)
{
	(void)state;
	assert_false(judge(CIB("", ""), &HAS));
	assert_true(judge(CIB("", NODE("")), &HAS));
	/* 5 %; 1024 MiB and 2 % */
	assert_int_equal(capacity.cpu_mhz, 9500);
	assert_int_equal(capacity.memory_mb, 15032);
	assert_xml("<cib><configuration><nodes><node id=\"3\" uname=\"h3\">"
		   "<utilization id=\"nodes-3-utilization\"><nvpair "
		   "id=\"nodes-3-utilization-cpu_mhz\" name=\"cpu_mhz\" "
		   "value=\"9500\"/></utilization>"
		   "<utilization id=\"nodes-3-utilization\"><nvpair "
		   "id=\"nodes-3-utilization-memory_mb\" name=\"memory_mb\" "
		   "value=\"15032\"/></utilization>"
		   "<instance_attributes id=\"nodes-3\"><nvpair "
		   "id=\"nodes-3-vmha-capacity\" name=\"vmha-capacity\" "
		   "value=\"cpu_mhz=9500 memory_mb=15032\"/>"
		   "</instance_attributes></node></nodes></configuration>"
		   "</cib>");
}

/* Ids that are there stay, so that nothing is there twice; a set with a rule
 * is nobody's to write into. */
static void
known_host(void **state)
{
	(void)state;
	assert_true(judge(
		CIB(PARAM("host_cpu_overhead", "0")
			    PARAM("host_memory_overhead", "50%"),
		    NODE("<utilization id='r'><rule id='rr'/></utilization>"
			 "<utilization id='u'><nvpair id='x' name='disk' "
			 "value='1'/></utilization><utilization id='v'>"
			 "<nvpair id='&lt;y' name='memory_mb' value='16384'/>"
			 "</utilization><instance_attributes id='a'><nvpair "
			 "id='m' name='vmha-capacity' "
			 "value='memory_mb=16384'/></instance_attributes>")),
		&HAS));
	assert_xml("<cib><configuration><nodes><node id=\"3\" uname=\"h3\">"
		   "<utilization id=\"u\"><nvpair id=\"u-cpu_mhz\" "
		   "name=\"cpu_mhz\" value=\"10000\"/></utilization>"
		   "<utilization id=\"v\"><nvpair id=\"&lt;y\" "
		   "name=\"memory_mb\" value=\"8192\"/></utilization>"
		   "<instance_attributes id=\"a\"><nvpair id=\"m\" "
		   "name=\"vmha-capacity\" "
		   "value=\"cpu_mhz=10000 memory_mb=8192\"/>"
		   "</instance_attributes></node></nodes></configuration>"
		   "</cib>");
}

#define SHOWN(cpu, memory, mark)                                             \
	NODE("<utilization id='u'><nvpair id='x' name='cpu_mhz' value='" cpu \
	     "'/><nvpair id='y' name='memory_mb' value='" memory             \
	     "'/></utilization><instance_attributes id='a'><nvpair id='m' "  \
	     "name='vmha-capacity' value='" mark "'/></instance_attributes>")

static void
nothing_to_write(void **state)
{
	struct ha_hostcap has = HAS;

	(void)state;
	assert_true(judge(
		CIB("", SHOWN("9500", "15032", "cpu_mhz=9500 memory_mb=15032")),
		&HAS));
	assert_false(plan.writes_mark);
	/* both by hand */
	assert_true(
		judge(CIB("", SHOWN("1", "2", "cpu_mhz=9500 memory_mb=15032")),
		      &HAS));
	assert_false(plan.writes_mark);
	assert_true(plan.is_cpu_by_hand && plan.is_memory_by_hand);
	/* a bad overhead has its default */
	assert_true(judge(
		CIB(PARAM("host_memory_overhead", "much"),
		    SHOWN("9500", "15032", "cpu_mhz=9500 memory_mb=15032")),
		&HAS));
	assert_false(plan.writes_mark);
	/* memory came; no frequency any more */
	has.memory_mb = 32768;
	has.cpu_mhz = 0;
	assert_true(judge(
		CIB("", SHOWN("9500", "15032", "cpu_mhz=9500 memory_mb=15032")),
		&has));
	assert_true(plan.writes_memory);
	assert_false(plan.writes_cpu);
	assert_string_equal(plan.mark, "cpu_mhz=9500 memory_mb=31088");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(new_host, teardown),
		cmocka_unit_test_teardown(known_host, teardown),
		cmocka_unit_test_teardown(nothing_to_write, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
