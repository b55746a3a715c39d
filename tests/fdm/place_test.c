/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/admit_place: the VMs of a host that may leave have their
 * places, whoever else has none. Four hosts of 3000 MiB, of which the policy
 * keeps one free; h2 is asked about, and h9 is lost. The CIB's words and the
 * time are made up; who judges is the daemon.
 */
#include "inventory.h"

#include "FaultDomain/admit_door.h"
#include "fakes.h"
#include "ha/plan.h"

#define GATE(id)                                                 \
	"<rsc_ticket id='g" id "' rsc='" id "' ticket='vmha-" id \
	"' loss-policy='freeze'/>"
#define ON_WITH(id, memory)                              \
	"<ticket_state id='vmha-" id "' granted='true' " \
	"vmha-state='granted' vmha-cpu='100' vmha-memory='" memory "'/>"
#define OFF(id) \
	"<ticket_state id='vmha-" id "' granted='false' vmha-state='off'/>"
#define ROOM CAPACITY("9000", "3000")
#define LARGE CAPACITY("9000", "9000")
#define UP(id) PAST(id, ON)
#define N1 "0000000000000001"
#define N2 "0000000000000002"
#define TERM_MS UINT64_C(100000)

static struct fdm fdm;
static struct fdm_snap snap;
static struct fdm_restart *restart;
static uint64_t now_ms;

/* What the CIB has. */
static bool is_h2_asked, is_h3_asked;
static const char *a_reserves;
static const char *b_reserves, *b_ticket;
static bool is_b_bound;    /* to h2 and h3, and the others are larger */
static unsigned int lost;  /* VMs that may run on h9 alone */
static bool is_lost_large; /* and on h3, where they then leave no room for b */

/* ---- what is faked --------------------------------------------------------- */

bool
fdm_master_may_write(const struct fdm *one, uint64_t at_ms)
{
	(void)one;
	(void)at_ms;
	return true;
}

const char *
fdm_attr_shown(const struct fdm *one, const char *name)
{
	(void)one;
	(void)name;
	return "";
}

bool
fdm_attr_follow(struct fdm *one, struct fdm_attr *attr, const char *node,
		const char *name, const char *shown, const char *wanted,
		uint64_t at_ms)
{
	(void)one;
	(void)attr;
	(void)node;
	(void)name;
	(void)shown;
	(void)wanted;
	(void)at_ms;
	return true;
}

/* ---- a look ------------------------------------------------------------------ */

static void
add_vm(GString *xml, const char *name, const char *memory, bool is_off)
{
	g_string_append_printf(
		xml,
		"<primitive id='%s' class='ocf' provider='vmha' "
		"type='VirtualMachine'>%s<utilization id='u'>"
		"<nvpair id='a' name='cpu_mhz' value='100'/>"
		"<nvpair id='b' name='memory_mb' value='%s'/></utilization>"
		"</primitive>",
		name, is_off ? META("target-role", "Stopped") : "", memory);
}

static void
bind(GString *xml, const char *name, int host, int other)
{
	static const int HOSTS[] = { 1, 2, 3, 4, 9 };

	for (size_t i = 0; i < G_N_ELEMENTS(HOSTS); i++) {
		if (HOSTS[i] != host && HOSTS[i] != other) {
			g_string_append_printf(
				xml,
				"<rsc_location id='p%s%d' rsc='%s' node='h%d' "
				"score='-INFINITY'/>",
				name, HOSTS[i], name, HOSTS[i]);
		}
	}
}

static void
add_lost(GString *xml, const char *format)
{
	for (unsigned int i = 1; i <= lost; i++) {
		char *name = g_strdup_printf("x%u", i);
		char **parts = g_strsplit(format, "@", -1);
		char *text = g_strjoinv(name, parts);

		g_string_append(xml, text);
		g_free(text);
		g_strfreev(parts);
		if (strstr(format, "rsc_ticket")) {
			bind(xml, name, 9, is_lost_large ? 3 : 9);
		}
		g_free(name);
	}
}

static const char *
asking(const char *nonce, const char *host)
{
	static char text[256];

	(void)g_snprintf(text, sizeof(text),
			 "<transient_attributes><instance_attributes id='t'>"
			 "<nvpair id='n' name='vmha-ask' value='%s remove-host "
			 "%s'/></instance_attributes></transient_attributes>",
			 nonce, host);
	return text;
}

static void
add_hosts(GString *xml)
{
	const char *room = is_b_bound ? LARGE : ROOM;

	g_string_append_printf(xml,
			       HOST("1", "%s") HOST("2", ROOM) HOST("3", ROOM)
				       HOST("4", "%s") HOST("9", ROOM),
			       room, room);
}

static void
add_states(GString *xml)
{
	g_string_append_printf(xml, STATE("1", MEMBER, LRM(UP("a")) "%s"),
			       is_h2_asked ? asking(N1, "h2") : "");
	g_string_append_printf(xml, STATE("2", MEMBER, LRM(UP("b")) "%s"),
			       is_h3_asked ? asking(N2, "h3") : "");
	g_string_append(xml, STATE("3", MEMBER, "") STATE("4", MEMBER, "")
				     STATE("9", DOWN, ""));
}

/* a runs on h1, b on h2. d and e are off, and are to run where `wants`. */
static void
look(bool wants)
{
	GString *xml = g_string_new("<cib><configuration><nodes>");

	add_hosts(xml);
	g_string_append(xml, "</nodes><resources>");
	add_vm(xml, "a", a_reserves, false);
	add_vm(xml, "b", b_reserves, false);
	add_vm(xml, "d", "1600", !wants);
	add_vm(xml, "e", "900", !wants);
	add_lost(xml, is_lost_large ? VM("@", CAPACITY("1", "2500")) :
				      VM("@", CAPACITY("1", "1")));
	g_string_append(xml, "</resources><constraints>" GATE("a") GATE("b")
				     GATE("d") GATE("e"));
	add_lost(xml, GATE("@"));
	if (is_b_bound) {
		bind(xml, "b", 2, 3);
	}
	g_string_append(xml, "</constraints></configuration><status>");
	add_states(xml);
	g_string_append(xml, "<tickets>");
	g_string_append_printf(xml, "%s%s" OFF("d") OFF("e"),
			       ON_WITH("a", "1600"), b_ticket);
	add_lost(xml, is_lost_large ? ON_WITH("@", "2500") : ON_WITH("@", "1"));
	g_string_append(xml, "</tickets></status></cib>");
	g_clear_pointer(&fdm.rows, g_array_unref);
	fdm_stock_drop(fdm.stock);
	fdm_facts_free(fdm.facts);
	fdm.facts = fdm_facts_new(
		xmlReadMemory(xml->str, (int)xml->len, "cib", NULL, 0));
	fdm.copies++;
	(void)g_string_free(xml, TRUE);
	fdm_restart_configure(restart, fdm.facts, now_ms);
	fdm.rows = fdm_project(fdm.facts, &snap);
	fdm_protect_judge(fdm.protect, fdm.facts, fdm.rows, now_ms);
	while (!fdm_admit_look(&fdm, now_ms)) {
	}
}

/* This host becomes master, and sees the CIB. */
static void
begin_term(uint64_t term)
{
	fdm.master.term = term;
	look(false);
	look(false);
}

static int
begin(void **state)
{
	(void)state;
	fake_begin(0);
	fake_cluster_begin(&fdm, &snap, 4);
	snap.are_holds_read = true;
	g_strlcpy(snap.self, "h1", sizeof(snap.self));
	fdm.restart = restart = fdm_restart_new();
	fdm.protect->read_ms = 1;
	fdm.protect->is_read = true;
	fdm.admit = fdm_admit_new();
	is_h2_asked = is_h3_asked = false;
	a_reserves = b_reserves = "1600";
	b_ticket = ON_WITH("b", "1600");
	is_b_bound = is_lost_large = false;
	lost = 0;
	now_ms = TERM_MS;
	begin_term(7);
	now_ms += FDM_DOOR_EARLY_MS;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	fdm_admit_free(fdm.admit);
	fdm_restart_free(restart);
	fake_cluster_end(&fdm);
	fake_end();
	return 0;
}

static const struct fdm_row *
row(const char *name)
{
	for (guint i = 0; i < fdm.rows->len; i++) {
		const struct fdm_row *one =
			&g_array_index(fdm.rows, struct fdm_row, i);

		if (strcmp(one->vm->resource, name) == 0) {
			return one;
		}
	}
	fail_msg("no row of %s", name);
	abort();
}

/* ---- the tests ----------------------------------------------------------------- */

/* The three that are left carry two of 1600 after a failure, and 900 beside
 * them; a third one of 1600 only by the sums. */
static void
assert_b_has_its_place(void)
{
	is_h2_asked = false;
	look(true);
	assert_int_equal(row("d")->admission, HA_GATE_ADMITTED);
	look(false);
	is_h2_asked = true;
	look(true);
	assert_int_equal(row("d")->admission, HA_GATE_REFUSED);
	assert_null(strstr(row("d")->refusal, "no place is known yet"));
	assert_int_equal(row("e")->admission, HA_GATE_ADMITTED);
	assert_int_equal(fdm.admit->places->len, 1);
}

static void
one_without_a_place_takes_it_from_nobody_else(void **state)
{
	(void)state;
	assert_b_has_its_place();
	lost = 1;
	assert_b_has_its_place();
	lost = 8;
	assert_b_has_its_place();
}

static void
of_many_without_a_place_who_was_promised_it_comes_first(void **state)
{
	(void)state;
	lost = 9;
	assert_b_has_its_place();
}

static void
who_was_promised_it_is_not_left_out_for_who_is_larger(void **state)
{
	(void)state;
	is_b_bound = is_lost_large = true;
	lost = 1;
	is_h2_asked = true;
	now_ms = TERM_MS;
	begin_term(8);
	assert_int_equal(fdm.admit->places->len, 1);
	assert_int_equal(
		g_array_index(fdm.admit->places, struct ha_plan_move, 0).vm,
		fdm_stock_vm(fdm.stock, "b"));
}

static void
others_that_are_lost_have_theirs_too(void **state)
{
	(void)state;
	/* b is to be restarted, and may go anywhere. */
	lost = 1;
	g_array_index(snap.hosts, struct fdm_host, 1).is_member = false;
	look(true);
	assert_int_equal(fdm.admit->places->len, 1);
	assert_int_equal(row("d")->admission, HA_GATE_REFUSED);
	assert_int_equal(row("e")->admission, HA_GATE_ADMITTED);
}

/* Yeses may be on their way: b could go to h3, which may leave too. */
static void
without_a_place_for_it_nothing_gets_room(void **state)
{
	(void)state;
	is_b_bound = true;
	is_h2_asked = is_h3_asked = true;
	now_ms = TERM_MS;
	begin_term(8);
	a_reserves = "1700";
	look(true);
	assert_int_equal(row("e")->admission, HA_GATE_REFUSED);
	assert_string_equal(row("e")->refusal,
			    "h2 leaves for maintenance, and no place is known "
			    "yet for b of it: nothing else gets room till "
			    "then");
	assert_int_equal(fdm_admit_find(&fdm, "a")->word,
			 FDM_ADMIT_RAISE_REFUSED);
	is_h2_asked = is_h3_asked = false;
	look(true);
	assert_int_equal(row("e")->admission, HA_GATE_ADMITTED);
	assert_int_equal(fdm_admit_find(&fdm, "a")->word, FDM_ADMIT_ADMITTED);
}

static void
who_leaves_and_has_no_place_yet_is_judged_afterwards(void **state)
{
	(void)state;
	is_b_bound = true;
	is_h2_asked = is_h3_asked = true;
	now_ms = TERM_MS;
	begin_term(8);
	/* Nobody has admitted it, and the cluster is red. */
	b_reserves = "20000";
	b_ticket = "<ticket_state id='vmha-b' granted='true' "
		   "vmha-state='granted'/>";
	look(false);
	assert_int_equal(fdm.admit->state, FDM_ADMIT_RED);
	assert_int_not_equal(fdm_admit_find(&fdm, "b")->word,
			     FDM_ADMIT_UNADMITTED);
	is_h2_asked = is_h3_asked = false;
	look(false);
	assert_int_equal(fdm_admit_find(&fdm, "b")->word, FDM_ADMIT_UNADMITTED);
	assert_null(strstr(fdm_admit_find(&fdm, "b")->text, "maintenance"));
}

static void
what_leaves_and_has_no_place_yet_is_raised_afterwards(void **state)
{
	(void)state;
	is_b_bound = true;
	is_h2_asked = is_h3_asked = true;
	now_ms = TERM_MS;
	begin_term(8);
	b_reserves = "1700";
	look(false);
	assert_int_equal(fdm_admit_find(&fdm, "b")->word, FDM_ADMIT_ADMITTED);
	assert_int_equal(row("b")->reserved.memory_mb, 1600);
	is_h2_asked = is_h3_asked = false;
	look(false);
	assert_int_equal(fdm_admit_find(&fdm, "b")->word, FDM_ADMIT_ADMITTED);
	assert_int_equal(row("b")->reserved.memory_mb, 1700);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	static const struct CMUnitTest tests[] = {
		T(one_without_a_place_takes_it_from_nobody_else),
		T(of_many_without_a_place_who_was_promised_it_comes_first),
		T(who_was_promised_it_is_not_left_out_for_who_is_larger),
		T(others_that_are_lost_have_theirs_too),
		T(without_a_place_for_it_nothing_gets_room),
		T(who_leaves_and_has_no_place_yet_is_judged_afterwards),
		T(what_leaves_and_has_no_place_yet_is_raised_afterwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
