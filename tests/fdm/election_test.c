/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agents/FaultDomain/facts, snap: what the election reads. Who is promoted by
 * Pacemaker's history, scores, standby, is the clone promotable, and how many
 * heartbeat datastores a host has. */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/facts.h"
#include "FaultDomain/snap.h"

static struct fdm_facts *
facts_of(const char *xml)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "cib", NULL, 0);

	assert_non_null(doc);
	return fdm_facts_new(doc);
}

#define FDM                                                \
	"<primitive id='fdm' class='ocf' provider='vmha' " \
	"type='FaultDomain'/>"
#define META(name, value)                                              \
	"<meta_attributes><nvpair name='" name "' value='" value "'/>" \
	"</meta_attributes>"
#define CLONE(more) "<clone id='fd'>" more FDM "</clone>"
#define ATTRIBUTE(name, value)                                             \
	"<instance_attributes><nvpair name='" name "' value='" value "'/>" \
	"</instance_attributes>"

/* ---- who is promoted ------------------------------------------------------ */

#define OP(operation, call, rc, status, interval)              \
	"<lrm_rsc_op operation='" operation "' call-id='" call \
	"' rc-code='" rc "' op-status='" status "' interval='" interval "'/>"

static const struct {
	const char *ops;
	bool is_promoted;
} HISTORIES[] = {
	{ OP("start", "5", "0", "0", "0"), false },
	{ OP("start", "5", "0", "0", "0") OP("monitor", "6", "0", "0", "11000"),
	  false },
	{ OP("promote", "8", "0", "0", "0"), true },
	{ OP("promote", "8", "0", "0", "0")
		  OP("monitor", "9", "8", "0", "10000"),
	  true },
	{ OP("promote", "8", "0", "0", "0")
		  OP("monitor", "9", "191", "0", "10000"),
	  true },
	/* whatever order they stand in */
	{ OP("monitor", "9", "8", "0", "10000")
		  OP("promote", "8", "0", "0", "0"),
	  true },
	/* a probe of one that Pacemaker has forgotten */
	{ OP("monitor", "4", "8", "0", "0"), true },
	/* under way */
	{ OP("start", "5", "0", "0", "0") OP("promote", "-1", "193", "-1", "0"),
	  false },
	{ OP("promote", "8", "0", "0", "0")
		  OP("demote", "-1", "193", "-1", "0"),
	  true },
	/* over, or it failed */
	{ OP("promote", "8", "1", "4", "0"), false },
	{ OP("promote", "8", "0", "0", "0") OP("demote", "12", "0", "0", "0"),
	  false },
	{ OP("promote", "8", "0", "0", "0") OP("demote", "12", "1", "4", "0"),
	  false },
	{ OP("promote", "8", "0", "0", "0")
		  OP("monitor", "9", "7", "0", "10000"),
	  false },
	{ OP("promote", "8", "0", "0", "0")
		  OP("monitor", "9", "0", "0", "10000"),
	  false },
	{ OP("promote", "8", "0", "0", "0") OP("stop", "13", "0", "0", "0"),
	  false },
	{ "", false },
};

static void
promoted(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(HISTORIES); i++) {
		/* Another resource's history is no matter. */
		char *xml = g_strdup_printf(
			"<cib><configuration><nodes><node id='1' uname='h1'/>"
			"</nodes><resources>" CLONE(META(
				"promotable",
				"true")) "</resources></configuration><status>"
					 "<node_state id='1' uname='h1' in_ccm='true' "
					 "crmd='online'><lrm><lrm_resources>"
					 "<lrm_resource id='fdm'>%s</lrm_resource>"
					 "<lrm_resource id='db'>" OP(
						 "promote", "20", "0", "0",
						 "0") "</lrm_resource>"
						      "</lrm_resources></lrm></node_state></status></cib>",
			HISTORIES[i].ops);
		struct fdm_facts *facts = facts_of(xml);

		if (fdm_facts_node(facts, "h1")->is_promoted !=
		    HISTORIES[i].is_promoted) {
			fail_msg("%s", HISTORIES[i].ops);
		}
		fdm_facts_free(facts);
		g_free(xml);
	}
}

/* ---- the clone ------------------------------------------------------------- */

static const struct {
	const char *resources;
	bool is_promotable;
} CLONES[] = {
	{ CLONE(META("promotable", "true")), true },
	{ CLONE(META("promotable", "1")), true },
	{ CLONE(META("promotable", "false")), false },
	{ CLONE(META("promotable", "perhaps")), false },
	{ CLONE(META("interleave", "true")), false },
	{ "<master id='fd'>" FDM "</master>", true },
	{ "<clone id='fd'>" META("promotable", "true") "<group id='g'>" FDM
						       "</group></clone>",
	  true },
	{ "<group id='g'>" META("promotable", "true") FDM "</group>", false },
	{ FDM, false },
};

static void
promotable(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CLONES); i++) {
		char *xml = g_strdup_printf(
			"<cib><configuration><resources>%s</resources>"
			"</configuration></cib>",
			CLONES[i].resources);
		struct fdm_facts *facts = facts_of(xml);

		assert_true(facts->has_domain);
		if (facts->is_promotable != CLONES[i].is_promotable) {
			fail_msg("%s", CLONES[i].resources);
		}
		fdm_facts_free(facts);
		g_free(xml);
	}
}

/* ---- attributes of nodes ---------------------------------------------------- */

static const struct {
	const char *node, *transient;
	bool is_in_maintenance;
	const char *score;
} NODES[] = {
	{ "", "", false, NULL },
	{ "", ATTRIBUTE("master-fdm", "3001"), false, "3001" },
	{ "", ATTRIBUTE("master-db", "3001"), false, NULL },
	{ ATTRIBUTE("standby", "on"), "", true, NULL },
	{ ATTRIBUTE("standby", "off"), "", false, NULL },
	{ ATTRIBUTE("maintenance", "true"), "", true, NULL },
	{ "", ATTRIBUTE("standby", "true"), true, NULL },
	{ ATTRIBUTE("standby", "off"), ATTRIBUTE("standby", "off"), false,
	  NULL },
};

static void
attributes(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(NODES); i++) {
		char *xml = g_strdup_printf(
			"<cib><configuration><nodes><node id='1' uname='h1'>%s"
			"</node></nodes><resources>" CLONE(
				"") "</resources></configuration><status>"
				    "<node_state id='1' uname='h1'><transient_attributes>"
				    "%s</transient_attributes></node_state></status></cib>",
			NODES[i].node, NODES[i].transient);
		struct fdm_facts *facts = facts_of(xml);
		const struct fdm_node *node = fdm_facts_node(facts, "h1");

		assert_int_equal(node->is_in_maintenance,
				 NODES[i].is_in_maintenance);
		assert_int_equal(node->score != NULL, NODES[i].score != NULL);
		if (node->score) {
			assert_string_equal(node->score, NODES[i].score);
		}
		fdm_facts_free(facts);
		g_free(xml);
	}
}

/* ---- datastores -------------------------------------------------------------- */

/* This host's by what works now, others' by their newest beat. */
static void
datastores(void **state)
{
	struct fdm_snap snap = {
		.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host)),
	};
	json_t *answer = json_loads(
		"{\"self\":{\"host\":\"h1\"},\"timing\":{\"beat_ms\":500},"
		"\"stores\":[{\"working\":true},{\"working\":false},"
		"{\"working\":true}],"
		"\"hosts\":[{\"name\":\"h1\",\"self\":true,\"stores_ok\":3},"
		"{\"name\":\"h2\",\"stores_ok\":1},{\"name\":\"h3\"}]}",
		0, NULL);

	(void)state;
	assert_non_null(answer);
	assert_true(fdm_snap_read_status(&snap, answer));
	assert_int_equal(fdm_snap_host(&snap, "h1")->stores, 2);
	assert_int_equal(fdm_snap_host(&snap, "h2")->stores, 1);
	assert_int_equal(fdm_snap_host(&snap, "h3")->stores, 0);
	json_decref(answer);
	g_array_unref(snap.hosts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promoted),
		cmocka_unit_test(promotable),
		cmocka_unit_test(attributes),
		cmocka_unit_test(datastores),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
