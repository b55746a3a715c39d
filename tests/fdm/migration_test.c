/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agents/FaultDomain/facts_migration: which migrations Pacemaker's history
 * leaves open, from the actions on source (h1) and target (h2). */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/facts.h"

#define OP(operation, call, rc, status)                        \
	"<lrm_rsc_op operation='" operation "' call-id='" call \
	"' rc-code='" rc "' op-status='" status                \
	"' interval='0' migrate_source='h1' migrate_target='h2'/>"
#define TO(call, rc, status) OP("migrate_to", call, rc, status)
#define FROM(call, rc, status) OP("migrate_from", call, rc, status)

static const struct {
	const char *source, *target;
	guint open;
} HISTORIES[] = {
	{ "", "", 0 },
	{ OP("start", "5", "0", "0"), "", 0 },
	/* under way */
	{ TO("-1", "193", "-1"), "", 1 },
	{ OP("stop", "9", "0", "0") TO("-1", "193", "-1"), "", 1 },
	{ TO("8", "0", "0"), "", 1 },
	{ TO("8", "0", "0"), FROM("-1", "193", "-1"), 2 },
	{ "", FROM("-1", "193", "-1"), 1 },
	/* arrived, with the source's stop to come, or its history gone */
	{ TO("8", "0", "0"), FROM("4", "0", "0"), 0 },
	{ TO("-1", "193", "-1"), FROM("4", "0", "0"), 0 },
	{ TO("8", "0", "0") OP("stop", "-1", "193", "-1"), FROM("4", "0", "0"),
	  0 },
	{ "", FROM("4", "0", "0"), 0 },
	/* ended by the source's stop, or its next life there */
	{ TO("8", "0", "0") OP("stop", "9", "0", "0"), FROM("4", "0", "0"), 0 },
	{ TO("8", "1", "4") OP("stop", "9", "0", "0"), "", 0 },
	{ TO("8", "1", "4") OP("start", "10", "0", "0"), "", 0 },
	{ TO("8", "0", "0") FROM("11", "0", "0"), "", 0 },
	/* not by these */
	{ TO("8", "1", "4"), "", 1 },
	{ TO("8", "1", "4") OP("stop", "7", "0", "0"), "", 1 },
	{ TO("8", "1", "4") OP("stop", "9", "1", "4"), "", 1 },
	{ TO("8", "1", "4") OP("stop", "-1", "193", "-1"), "", 1 },
	{ TO("8", "1", "4") OP("monitor", "9", "0", "0"), "", 1 },
	/* an arrival that is older than what happened there since */
	{ TO("8", "0", "0"), FROM("4", "0", "0") OP("stop", "6", "0", "0"), 1 },
	{ TO("8", "0", "0"), FROM("4", "0", "0") OP("stop", "-1", "193", "-1"),
	  1 },
	{ TO("8", "0", "0"), FROM("4", "0", "0") OP("monitor", "5", "0", "0"),
	  0 },
	/* the target could not take it */
	{ "", FROM("4", "1", "4"), 1 },
	{ "", FROM("4", "1", "4") OP("stop", "5", "0", "0"), 0 },
};

static struct fdm_facts *
facts_of(const char *source, const char *target)
{
	char *xml = g_strdup_printf(
		"<cib><configuration><nodes><node id='1' uname='h1'/>"
		"<node id='2' uname='h2'/></nodes><resources>"
		"<primitive id='web1' class='ocf' provider='vmha' "
		"type='VirtualMachine'/></resources></configuration><status>"
		"<node_state id='1' uname='h1'><lrm><lrm_resources>"
		"<lrm_resource id='web1'>%s</lrm_resource></lrm_resources>"
		"</lrm></node_state>"
		"<node_state id='2' uname='h2'><lrm><lrm_resources>"
		"<lrm_resource id='other'>" TO(
			"1", "193",
			"-1") "</lrm_resource><lrm_resource id='web1'>%s</lrm_resource>"
			      "</lrm_resources></lrm></node_state></status></cib>",
		source, target);
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "cib", NULL, 0);

	assert_non_null(doc);
	g_free(xml);
	return fdm_facts_new(doc);
}

static void
table(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(HISTORIES); i++) {
		struct fdm_facts *facts =
			facts_of(HISTORIES[i].source, HISTORIES[i].target);

		if (facts->migrations->len != HISTORIES[i].open) {
			fail_msg("%zu: %u open: %s / %s", i,
				 facts->migrations->len, HISTORIES[i].source,
				 HISTORIES[i].target);
		}
		fdm_facts_free(facts);
	}
}

static void
ends(void **state)
{
	struct fdm_facts *facts = facts_of(TO("-1", "193", "-1"), "");
	const struct fdm_migration *one =
		&g_array_index(facts->migrations, struct fdm_migration, 0);

	(void)state;
	assert_string_equal(one->resource, "web1");
	assert_string_equal(one->source, "h1");
	assert_string_equal(one->target, "h2");
	fdm_facts_free(facts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
