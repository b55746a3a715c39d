/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What location and colocation constraints come to in an inventory: hosts that
 * a machine may run on, and rules between machines.
 */
#include "inventory.h"

/* Bits of the hosts that it may run on; all of three: 7. */
static unsigned int
allowed(const char *name)
{
	const struct ha_inv_vm *one = vm(name);
	unsigned int bits = 0;

	if (!one->has_allowed) {
		return 7;
	}
	for (uint32_t i = 0; i < one->n_allowed; i++) {
		assert_true(i == 0 || one->allowed[i - 1] < one->allowed[i]);
		bits |= 1u << one->allowed[i];
	}
	return bits;
}

#define AT(rsc, node, score)                                     \
	"<rsc_location id='l" node "' rsc='" rsc "' node='" node \
	"' score='" score "'/>"
#define BY(more, rule)                                             \
	"<rsc_location id='r' rsc='a'><rule id='x' " more ">" rule \
	"</rule></rsc_location>"
#define NAME_IS(op, name)                                      \
	"<expression id='e' attribute='#uname' operation='" op \
	"' value='" name "'/>"

static const struct {
	const char *constraints;
	unsigned int allowed;
} LOCATIONS[] = {
	{ "", 7 },
	{ AT("a", "h1", "100"), 7 },
	{ AT("a", "h1", "-999999"), 7 },
	{ AT("a", "h1", "-INFINITY"), 6 },
	{ AT("a", "h1", "-1000000"), 6 },
	{ AT("a", "h9", "-INFINITY"), 7 },
	{ AT("b", "h1", "-INFINITY"), 7 },
	{ AT("a", "h1", "-INFINITY") AT("a", "h2", "-INFINITY")
		  AT("a", "h3", "-INFINITY"),
	  0 },
	/* It is on h1: that is a preference, */
	{ AT("a", "h1", "INFINITY"), 7 },
	/* it would go to h2 at once, and no other, */
	{ AT("a", "h2", "INFINITY"), 2 },
	{ AT("a", "h2", "+INFINITY") AT("a", "h3", "1000000"), 6 },
	{ AT("a", "h2", "INFINITY") AT("a", "h3", "INFINITY")
		  AT("a", "h3", "-INFINITY"),
	  2 },
	{ BY("score='-INFINITY'", NAME_IS("eq", "h2")), 5 },
	{ BY("score='-INFINITY'", NAME_IS("ne", "h2")), 2 },
	{ BY("score='-INFINITY' boolean-op='or'",
	     NAME_IS("eq", "h1") NAME_IS("eq", "h3")),
	  2 },
	{ BY("score='-INFINITY'", NAME_IS("eq", "h1") NAME_IS("eq", "h3")), 7 },
	{ BY("score='-INFINITY'",
	     "<rule id='y' boolean-op='or'>" NAME_IS("eq", "h1")
		     NAME_IS("eq", "h3") "</rule>" NAME_IS("ne", "h1")),
	  3 },
	{ BY("score='-INFINITY'",
	     "<expression id='e' attribute='ds1' operation="
	     "'not_defined'/>"),
	  3 },
	{ BY("score='-INFINITY'",
	     "<expression id='e' attribute='ds1' operation="
	     "'lt' value='10'/>"),
	  4 },
	{ BY("score='-INFINITY'",
	     "<expression id='e' attribute='ds1' operation="
	     "'gte' value='9'/>"),
	  6 },
	/* not known: keeps off */
	{ BY("score='-INFINITY'", "<date_expression id='d'/>"), 0 },
	{ BY("score='-INFINITY'",
	     "<date_expression id='d'/>" NAME_IS("eq", "h1")),
	  6 },
	{ BY("score='INFINITY'", "<date_expression id='d'/>"), 7 },
	{ "<rsc_location id='l' score='-INFINITY' node='h3'>" SET(
		  "", REF("b") REF("a")) "</rsc_location>",
	  3 },
	{ "<rsc_location id='l' rsc='a' role='Promoted' "
	  "score='-INFINITY' node='h3'/>",
	  7 },
	{ "<rsc_location id='l' rsc-pattern='a.*' "
	  "score='-INFINITY' node='h3'/>",
	  7 },
};

static void
locations(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(LOCATIONS); i++) {
		read_cib("",
			 HOST("1", ATTR("ds1", "9")) HOST("2", ATTR("ds1", "8"))
				 HOST("3", ""),
			 VM("a", "") VM("b", ""), LOCATIONS[i].constraints,
			 STATE("1", MEMBER, LRM(PAST("a", ON)))
				 STATE("2", MEMBER, "") STATE("3", MEMBER, ""));
		assert_int_equal(allowed("a"), LOCATIONS[i].allowed);
	}
	assert_true(has_note("rsc-pattern"));
}

static void
single_wish(void **state)
{
	(void)state;
	/* h2 is away: it may run anywhere; back, it goes there. */
	read_cib("", H3, VM("a", ""), AT("a", "h2", "INFINITY"),
		 STATE("1", MEMBER, LRM(PAST("a", ON))) STATE("2", DOWN, "")
			 STATE("3", MEMBER, ""));
	assert_int_equal(allowed("a"), 7);
	/* A group's and a tag's constraints are its members'. */
	read_cib("", H3, "<group id='g'>" VM("a", "") VM("b", "") "</group>",
		 AT("g", "h2", "-INFINITY"), UP3);
	assert_int_equal(allowed("a"), 5);
	assert_int_equal(allowed("b"), 5);
}

static void
opt_in(void **state)
{
#define OPT_IN "<nvpair id='q' name='symmetric-cluster' value='false'/>"
	(void)state;
	read_cib(OPT_IN, H3, VM("a", "") VM("b", ""),
		 AT("a", "h1", "0") AT("a", "h2", "-INFINITY"), UP3);
	assert_int_equal(allowed("a"), 1);
	assert_int_equal(allowed("b"), 0);
}

static void
assert_rule(uint32_t index, enum ha_inv_rule_type type, bool is_mandatory,
	    const char *names)
{
	const struct ha_inv_rule *rule = &inv->inv.rules[index];
	char text[16] = "";

	assert_in_range(index, 0, inv->inv.n_rules - 1);
	assert_int_equal(rule->type, type);
	assert_int_equal(rule->is_mandatory, is_mandatory);
	for (uint32_t i = 0; i < rule->n_vms; i++) {
		strncat(text, inv->inv.vms[rule->vms[i]].name, 1);
	}
	assert_string_equal(text, names);
}

static void
colocate(const char *constraints)
{
	read_cib("", H3, VM("a", "") VM("b", "") VM("c", "") VM("d", ""),
		 constraints, UP3);
}

#define WITH(a, b, score)                                                   \
	"<rsc_colocation id='c' rsc='" a "' with-rsc='" b "' score='" score \
	"'/>"
#define SETS(score, sets) \
	"<rsc_colocation id='c' score='" score "'>" sets "</rsc_colocation>"

static void
colocations(void **state)
{
	(void)state;
	colocate(WITH("a", "b", "-INFINITY") WITH("b", "c", "INFINITY") WITH(
		"c", "d", "-500") WITH("a", "d", "50") WITH("a", "c", "0"));
	assert_int_equal(inv->inv.n_rules, 4);
	assert_rule(0, HA_INV_SEPARATE, true, "ab");
	assert_rule(1, HA_INV_TOGETHER, true, "bc");
	assert_rule(2, HA_INV_SEPARATE, false, "cd");
	assert_rule(3, HA_INV_TOGETHER, false, "ad");
	/* Another resource follows the VM; the VM that follows one is noted. */
	colocate(WITH("ip", "a", "INFINITY"));
	assert_int_equal(inv->inv.n_rules, 0);
	assert_int_equal(inv->n_notes, 6);
	colocate(WITH("a", "fs", "INFINITY"));
	assert_true(has_note("fs is no VM"));
	colocate("<rsc_colocation id='c' rsc='a' rsc-role='Promoted' "
		 "with-rsc='b' score='INFINITY'/>");
	assert_int_equal(inv->inv.n_rules, 0);
	colocate("<rsc_colocation id='c' rsc='a' with-rsc='b' "
		 "score='-INFINITY' node-attribute='rack'/>");
	assert_int_equal(inv->inv.n_rules, 1);
	assert_true(has_note("rack"));
}

static void
sets(void **state)
{
	(void)state;
	colocate(SETS("-INFINITY", SET("", REF("a") REF("b") REF("c"))));
	assert_int_equal(inv->inv.n_rules, 1);
	assert_rule(0, HA_INV_SEPARATE, true, "cba");
	colocate(
		SETS("INFINITY", SET("sequential='false'", REF("a") REF("b"))));
	assert_int_equal(inv->inv.n_rules, 0);
	colocate(SETS("INFINITY",
		      SET("sequential='false'", REF("a") REF("b"))
			      SET("sequential='true'", REF("c") REF("d"))));
	assert_int_equal(inv->inv.n_rules, 3);
	assert_rule(0, HA_INV_TOGETHER, true, "cd");
	assert_rule(1, HA_INV_TOGETHER, true, "ac");
	assert_rule(2, HA_INV_TOGETHER, true, "bc");
	colocate(SETS("-20", SET("", REF("a") REF("b")) SET("", REF("c"))));
	assert_int_equal(inv->inv.n_rules, 2);
	assert_rule(0, HA_INV_SEPARATE, false, "ba");
	assert_rule(1, HA_INV_SEPARATE, false, "bc");
}

/* VMs beside a clone: where its instances run, all parts of them. */
static void
clones(void **state)
{
#define FS                                                               \
	"<clone id='cl'><group id='st'><primitive id='dlm'/><primitive " \
	"id='fs'/></group></clone>"
#define BOTH PAST("dlm", ON) PAST("fs:1", ON)
	static const char *const STATUS = STATE("1", MEMBER, LRM(BOTH))
		STATE("2", MEMBER, LRM(PAST("dlm", ON) PAST("fsx", ON)))
			STATE("3", MEMBER, LRM(BOTH));

	(void)state;
	read_cib("", H3, VM("a", "") VM("b", "") VM("c", "") FS,
		 WITH("a", "cl", "INFINITY") WITH("b", "cl", "-INFINITY")
			 WITH("c", "cl", "500"),
		 STATUS);
	assert_int_equal(allowed("a"), 5);
	assert_int_equal(allowed("b"), 2);
	assert_int_equal(allowed("c"), 7);
	assert_int_equal(inv->inv.n_rules, 0);
	assert_false(has_note("cl is no VM"));
	read_cib("", H3, VM("a", "") VM("b", "") FS,
		 SETS("INFINITY", SET("", REF("a") REF("cl"))), STATUS);
	assert_int_equal(allowed("a"), 7);
	assert_true(has_note("cl is no VM"));
}

static void
tags(void **state)
{
	(void)state;
	assert_int_equal(
		read_text(
			"<cib><configuration><nodes>" H3
			"</nodes><resources>" VM("b", "") VM("a", "") VM(
				"c",
				"") "</resources><tags><tag id='z'>"
				    "<obj_ref id='a'/><obj_ref id='b'/></tag><tag id='0'>"
				    "<obj_ref id='c'/></tag></tags><constraints>" AT(
					    "z", "h1", "-INFINITY")
					    WITH("z", "0",
						 "-INFINITY") "</constraints>"
							      "</configuration></cib>"),
		0);
	assert_int_equal(allowed("a"), 6);
	assert_int_equal(allowed("b"), 6);
	assert_int_equal(allowed("c"), 7);
	assert_int_equal(inv->inv.n_rules, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(locations, teardown),
		cmocka_unit_test_teardown(single_wish, teardown),
		cmocka_unit_test_teardown(opt_in, teardown),
		cmocka_unit_test_teardown(colocations, teardown),
		cmocka_unit_test_teardown(sets, teardown),
		cmocka_unit_test_teardown(clones, teardown),
		cmocka_unit_test_teardown(tags, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
