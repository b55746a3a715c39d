/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a CIB says of where machines would rather be: stickiness, location
 * scores, what can't be weighed, and vmha's own constraint, which must never
 * count as anything else.
 */
#include "inventory.h"

#define LOCATION(id, rsc, node, score)                        \
	"<rsc_location id='" id "' rsc='" rsc "' node='" node \
	"' score='" score "'/>"
#define STICKY(value) META("resource-stickiness", value)

static const struct ha_cibinv_vm *
wish(uint32_t i)
{
	return &inv->vms[i];
}

static void
stickiness(void **state)
{
	static const struct {
		const char *primitive, *defaults;
		int stickiness;
	} cases[] = {
		{ VM("a", ""), "", 0 },
		{ VM("a", STICKY("7")), "", 7 },
		{ VM("a", STICKY("INFINITY")), "", 1000000 },
		{ VM("a", ""), "<rsc_defaults>" STICKY("100") "</rsc_defaults>",
		  100 },
		{ VM("a", STICKY("7")),
		  "<rsc_defaults>" STICKY("100") "</rsc_defaults>", 7 },
		{ "<template id='t' class='ocf' provider='vmha' "
		  "type='VirtualMachine'>" STICKY(
			  "9") "</template><primitive id='a' template='t'/>",
		  "<rsc_defaults>" STICKY("100") "</rsc_defaults>", 9 },
		{ VM("a", STICKY("soft")), "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *text = NULL;

		assert_true(asprintf(&text,
				     "<cib><configuration><nodes>" H3
				     "</nodes><resources>%s</resources>%s"
				     "</configuration><status>" UP3
				     "</status></cib>",
				     cases[i].primitive,
				     cases[i].defaults) > 0);
		assert_int_equal(read_text(text), 0);
		assert_int_equal(wish(0)->prefer.stickiness,
				 cases[i].stickiness);
		free(text);
	}
}

static void
scores_add_up(void **state)
{
	(void)state;
	read_cib("", H3, VM("a", "") VM("b", ""),
		 LOCATION("1", "a", "h1", "20") LOCATION("2", "a", "h1", "30")
			 LOCATION("3", "a", "h2", "-INFINITY")
				 LOCATION("4", "a", "h2", "INFINITY")
					 LOCATION("5", "a", "h3", "INFINITY")
						 LOCATION("6", "a", "h3", "-5"),
		 UP3);
	assert_int_equal(wish(0)->prefer.scores[0], 50);
	assert_int_equal(wish(0)->prefer.scores[1], -1000000);
	assert_int_equal(wish(0)->prefer.scores[2], 1000000);
	assert_null(wish(1)->prefer.scores);
	assert_false(wish(0)->prefer.has_wishes);
	/* A rule that can be judged is a score. */
	read_cib("", H3, VM("a", ""),
		 "<rsc_location id='l' rsc='a'><rule id='r' score='40'>"
		 "<expression id='e' attribute='#uname' operation='eq' "
		 "value='h2'/></rule></rsc_location>",
		 UP3);
	assert_int_equal(wish(0)->prefer.scores[1], 40);
	assert_false(wish(0)->prefer.has_wishes);
}

static void
what_cannot_be_weighed(void **state)
{
	static const struct {
		const char *constraint;
		bool has_wishes;
	} cases[] = {
		{ "", false },
		{ "<rsc_location id='l' rsc='a'><rule id='r' score='40'>"
		  "<date_expression id='e' operation='gt' start='2020-01-01'/>"
		  "</rule></rsc_location>",
		  true },
		{ "<rsc_location id='l' rsc='a'><rule id='r' "
		  "score-attribute='x'><expression id='e' attribute='x' "
		  "operation='defined'/></rule></rsc_location>",
		  true },
		{ "<rsc_location id='l' rsc-pattern='^z' node='h1' score='1'/>",
		  true },
		{ "<rsc_colocation id='c' rsc='a' with-rsc='b' score='50'/>",
		  true },
		{ "<rsc_colocation id='c' rsc='b' with-rsc='a' score='-50'/>",
		  true },
		{ "<rsc_colocation id='c' rsc='a' with-rsc='b' "
		  "score='-INFINITY'/>",
		  false },
		{ "<rsc_colocation id='c' rsc='b' with-rsc='z' score='50'/>",
		  false },
		{ "<rsc_colocation id='c' score='20'>" SET(
			  "", REF("a") REF("b")) "</rsc_colocation>",
		  true },
		{ "<rsc_colocation id='c' score='INFINITY'>" SET(
			  "score='20'", REF("a") REF("b")) "</rsc_colocation>",
		  true },
		{ "<rsc_colocation id='c' score='INFINITY'>" SET(
			  "", REF("a") REF("b")) "</rsc_colocation>",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		read_cib("", H3, VM("a", "") VM("b", ""), cases[i].constraint,
			 UP3);
		assert_int_equal(wish(0)->prefer.has_wishes,
				 cases[i].has_wishes);
	}
}

static void
own_constraint(void **state)
{
	(void)state;
	read_cib("", H3, VM("a", "") VM("b", ""),
		 LOCATION("vmha-plan-a", "a", "h2", "90")
			 LOCATION("vmha-plan-x", "b", "h2", "90"),
		 UP3);
	assert_true(wish(0)->plan.is_there);
	assert_int_equal(wish(0)->plan.host, 1);
	assert_int_equal(wish(0)->plan.score, 90);
	assert_null(wish(0)->prefer.scores);
	/* Somebody else's, whatever its name begins with. */
	assert_false(wish(1)->plan.is_there);
	assert_int_equal(wish(1)->prefer.scores[1], 90);
	/* It allows nothing. */
	read_cib("<nvpair id='q' "
		 "name='symmetric-cluster' value='false'/>",
		 H3, VM("a", ""),
		 LOCATION("l", "a", "h1", "0")
			 LOCATION("vmha-plan-a", "a", "h2", "90"),
		 UP3);
	assert_true(inv->inv.vms[0].has_allowed);
	assert_int_equal(inv->inv.vms[0].n_allowed, 1);
	assert_int_equal(inv->inv.vms[0].allowed[0], 0);
	read_cib("", H3, VM("a", ""),
		 LOCATION("vmha-plan-a", "a", "gone", "90"), UP3);
	assert_true(wish(0)->plan.is_there);
	assert_int_equal(wish(0)->plan.host, HA_INV_NONE);
}

static void
element(void **state)
{
	char *xml = ha_cibinv_plan_xml("web1", "h2", 90);

	(void)state;
	assert_string_equal(xml, "<rsc_location id=\"vmha-plan-web1\" "
				 "rsc=\"web1\" node=\"h2\" score=\"90\"/>");
	free(xml);
	xml = ha_cibinv_plan_xml("a", "\"<&>'\"<&>'", 0);
	assert_non_null(strstr(xml, "node=\"&#34;&#60;&#38;&#62;&#39;&#34;&#60;"
				    "&#38;&#62;&#39;\" score=\"0\"/>"));
	free(xml);
}

/* Of the shared header. */
static void
others(void **state)
{
	(void)state;
	read_cib("", H3, VM("a", ""), "", UP3);
	assert_false(has_note("location"));
	assert_false(vm("a")->has_allowed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stickiness),
		cmocka_unit_test(scores_add_up),
		cmocka_unit_test(what_cannot_be_weighed),
		cmocka_unit_test(own_constraint),
		cmocka_unit_test(element),
		cmocka_unit_test_teardown(others, teardown),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	done();
	return rc;
}
