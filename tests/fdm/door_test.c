/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/admit_door: what commands ask of the master, its answers,
 * and what a yes keeps from power-ons. Three hosts of 3000 MiB, of which the
 * policy keeps one free, and VMs of nearly 1000. The CIB's words and the time
 * are made up; who judges is the daemon.
 */
#include "inventory.h"

#include "FaultDomain/admit_door.h"
#include "fakes.h"

#define GATE(id)                                                 \
	"<rsc_ticket id='g" id "' rsc='" id "' ticket='vmha-" id \
	"' loss-policy='freeze'/>"
#define TICKET(id, more) "<ticket_state id='vmha-" id "' " more "/>"
#define OFF(id) TICKET(id, "granted='false' vmha-state='off'")
#define ON_WITH(id, memory)                               \
	TICKET(id, "granted='true' vmha-state='granted' " \
		   "vmha-cpu='100' vmha-memory='" memory "'")
#define SMALL(id) VM(id, CAPACITY("100", "900"))
#define UP(id) PAST(id, OP("start", "5", "0", "0"))

/* Questions, by their nonces. */
#define N1 "0000000000000001"
#define N2 "0000000000000002"
#define TERM_MS UINT64_C(100000)
#define LATER_MS (TERM_MS + FDM_DOOR_EARLY_MS)

static struct fdm fdm;
static struct fdm_snap snap;
static struct fdm_restart *restart;
static uint64_t now_ms;
static bool is_master;
static GHashTable *told;  /* host -> the answer that it is to have */
static GHashTable *taken; /* hosts whose question is to go */

/* What the CIB has: node attributes of each host. */
static const char *asks[3], *answers[3];
static const char *h2_more;
static const char *h3_words; /* of its node_state */

/* ---- what is faked --------------------------------------------------------- */

bool
fdm_master_may_write(const struct fdm *one, uint64_t at_ms)
{
	(void)one;
	(void)at_ms;
	return is_master;
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
	(void)shown;
	(void)at_ms;
	if (strcmp(name, HA_DOOR_ANSWER_ATTR) == 0) {
		g_hash_table_insert(told, g_strdup(node), g_strdup(wanted));
	} else if (strcmp(name, HA_DOOR_ASK_ATTR) == 0) {
		assert_string_equal(wanted, "");
		(void)g_hash_table_add(taken, g_strdup(node));
	}
	return true;
}

/* ---- a look ------------------------------------------------------------------ */

static void
judge(void)
{
	g_clear_pointer(&fdm.rows, g_array_unref);
	fdm.rows = fdm_project(fdm.facts, &snap);
	fdm_protect_judge(fdm.protect, fdm.facts, fdm.rows, now_ms);
	while (!fdm_admit_look(&fdm, now_ms)) {
	}
	g_hash_table_remove_all(told);
	g_hash_table_remove_all(taken);
	fdm_admit_tick(&fdm, now_ms);
}

static void
add_state(GString *xml, int host, const char *history)
{
	g_string_append_printf(xml,
			       "<node_state id='%d' uname='h%d' %s"
			       "><lrm><lrm_resources>%s</lrm_resources></lrm>"
			       "<transient_attributes><instance_attributes "
			       "id='t'>",
			       host, host, host == 3 ? h3_words : MEMBER,
			       history);
	if (asks[host - 1]) {
		g_string_append_printf(xml,
				       "<nvpair id='ta' name='vmha-ask' "
				       "value='%s'/>",
				       asks[host - 1]);
	}
	if (answers[host - 1]) {
		g_string_append_printf(xml,
				       "<nvpair id='tb' name='vmha-answer' "
				       "value='%s'/>",
				       answers[host - 1]);
	}
	g_string_append(xml, "</instance_attributes></transient_attributes>"
			     "</node_state>");
}

/* a runs on h1, b and c on h2; a reserves that, and that was admitted. d is off, and is
 * to run where `wants`. */
static void
look(bool wants, const char *a_reserves, const char *a_ticket)
{
	GString *xml = g_string_new("<cib><configuration><nodes>");

	g_string_append_printf(
		xml,
		HOST("1", CAPACITY("9000", "3000")) "<node id='2' uname='h2'>" CAPACITY(
			"9000",
			"3000") "%s</node>" HOST("3",
						 CAPACITY(
							 "9000",
							 "3000")) "</nodes><resources>"
								  "<primitive id='a' class='ocf' provider='vmha' "
								  "type='VirtualMachine'><utilization id='u'><nvpair id='a' "
								  "name='cpu_mhz' value='100'/><nvpair id='b' name='memory_mb' "
								  "value='%s'/></utilization></primitive>",
		h2_more, a_reserves);
	g_string_append(xml, SMALL("b") SMALL("c"));
	g_string_append(xml, wants ? VM("d", CAPACITY("100", "1100")) :
				     VM("d", META("target-role", "Stopped")
						     CAPACITY("100", "1100")));
	g_string_append(
		xml,
		"</resources><constraints>" GATE("a") GATE("b") GATE("c")
			GATE("d") "</constraints></configuration><status>");
	add_state(xml, 1, UP("a"));
	add_state(xml, 2, UP("b") UP("c"));
	add_state(xml, 3, "");
	g_string_append_printf(
		xml,
		"<tickets>%s" ON_WITH("b", "900") ON_WITH("c", "900")
			OFF("d") "</tickets></status></cib>",
		a_ticket);
	g_clear_pointer(&fdm.rows, g_array_unref);
	fdm_stock_drop(fdm.stock);
	fdm_facts_free(fdm.facts);
	fdm.facts = fdm_facts_new(
		xmlReadMemory(xml->str, (int)xml->len, "cib", NULL, 0));
	fdm.copies++;
	(void)g_string_free(xml, TRUE);
	fdm_restart_configure(restart, fdm.facts, now_ms);
	judge();
}

static void
see(bool wants)
{
	look(wants, "900", ON_WITH("a", "900"));
}

/* This host becomes master, and sees the CIB. */
static void
begin_term(uint64_t term)
{
	fdm.master.term = term;
	see(false);
	see(false);
}

static int
begin(void **state)
{
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	fake_begin(0);
	memset(&fdm, 0, sizeof(fdm));
	memset(&snap, 0, sizeof(snap));
	memset(asks, 0, sizeof(asks));
	memset(answers, 0, sizeof(answers));
	h2_more = "";
	h3_words = MEMBER;
	snap.is_there = snap.is_quorate = snap.are_holds_read = true;
	g_strlcpy(snap.self, "h1", sizeof(snap.self));
	snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	snap.holds = g_array_new(FALSE, TRUE, sizeof(struct fdm_hold));
	for (int i = 1; i <= 3; i++) {
		struct fdm_host host = { .is_member = true,
					 .is_fresh = true,
					 .is_readable = true,
					 .incarnation = 1,
					 .slot = (uint32_t)i };

		(void)snprintf(host.name, sizeof(host.name), "h%d", i);
		g_array_append_val(snap.hosts, host);
	}
	fdm.snap = &snap;
	fdm.restart = restart = fdm_restart_new();
	fdm.protect = fdm_protect_new();
	fdm.protect->read_ms = 1;
	fdm.protect->is_read = true;
	fdm.stock = fdm_stock_new(NULL, &err);
	fdm.admit = fdm_admit_new();
	told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	is_master = true;
	now_ms = TERM_MS;
	begin_term(7);
	now_ms = LATER_MS;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	g_clear_pointer(&fdm.rows, g_array_unref);
	fdm_admit_free(fdm.admit);
	fdm_stock_free(fdm.stock);
	fdm_facts_free(fdm.facts);
	fdm_protect_free(fdm.protect);
	fdm_restart_free(restart);
	g_array_unref(snap.hosts);
	g_array_unref(snap.holds);
	g_hash_table_destroy(told);
	g_hash_table_destroy(taken);
	fake_end();
	return 0;
}

static enum ha_gate_state
state_of_d(void)
{
	for (guint i = 0; i < fdm.rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm.rows, struct fdm_row, i);

		if (strcmp(row->vm->resource, "d") == 0) {
			return row->admission;
		}
	}
	fail_msg("no row of d");
	abort();
}

static void
assert_told(const char *host, const char *beginning)
{
	const char *text = g_hash_table_lookup(told, host);

	if (!text || !g_str_has_prefix(text, beginning)) {
		fail_msg("%s is told \"%s\", not \"%s\"", host,
			 text ? text : "nothing", beginning);
	}
}

/* ---- the tests ----------------------------------------------------------------- */

static void
one_of_two_hosts_may_go(void **state)
{
	(void)state;
	asks[0] = N1 " remove-host h2";
	asks[1] = N2 " remove-host h3";
	see(false);
	assert_told("h1", N1 " yes");
	assert_told("h2", N2 " no ");
	assert_non_null(
		strstr(g_hash_table_lookup(told, "h2"), "What would help: "));
	assert_told("h3", "");
	/* And it stays so. */
	see(false);
	assert_told("h1", N1 " yes");
	assert_told("h2", N2 " no ");
}

static void
no_power_on_gets_the_room_of_a_yes(void **state)
{
	(void)state;
	asks[0] = N1 " remove-host h2";
	see(true);
	assert_told("h1", N1 " yes");
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
	/* The command was interrupted, and has taken it back. */
	asks[0] = NULL;
	see(true);
	assert_told("h1", "");
	assert_int_equal(state_of_d(), HA_GATE_ADMITTED);
}

static void
what_was_admitted_before_is_on(void **state)
{
	(void)state;
	see(true);
	assert_int_equal(state_of_d(), HA_GATE_ADMITTED);
	/* Its ticket is not written yet: nobody has it, and it is judged after
	 * the question. Written, it counts. */
	fdm.master.step = FDM_STEP_CIB;
	asks[0] = N1 " remove-host h2";
	see(true);
	assert_null(g_hash_table_lookup(told, "h1"));
	fdm.master.step = FDM_STEP_IDLE;
	see(true);
	assert_told("h1", N1 " yes");
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
}

static void
a_raise_counts_before_it_is_written(void **state)
{
	(void)state;
	/* b and c have room with it, and d then has none. */
	asks[2] = N1 " raise a 100 2900";
	see(true);
	assert_told("h3", N1 " yes");
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
	/* Written, and not in its ticket yet. */
	look(true, "2900", ON_WITH("a", "900"));
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
	assert_int_equal(fdm_admit_find(&fdm, "a")->word, FDM_ADMIT_ADMITTED);
	assert_int_equal(fdm_admit_find(&fdm, "a")->reserved.memory_mb, 2900);
	asks[2] = NULL;
	look(true, "2900", ON_WITH("a", "2900"));
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
	look(true, "900", ON_WITH("a", "900"));
	assert_int_equal(state_of_d(), HA_GATE_ADMITTED);
}

static void
a_raise_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	asks[0] = N1 " raise a 100 9000";
	asks[1] = N2 " raise nobody 1 1";
	see(true);
	assert_told("h1", N1 " no ");
	assert_told("h2", N2 " no admission control does not count nobody");
	assert_int_equal(state_of_d(), HA_GATE_ADMITTED);
}

static void
what_is_seen_counts_once(void **state)
{
	(void)state;
	asks[0] = N1 " remove-host h2";
	see(false);
	h2_more = ATTR("standby", "on");
	see(true);
	assert_told("h1", N1 " yes");
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
	assert_int_equal(fdm.admit->state, FDM_ADMIT_GREEN);
	/* It is there again while the question still stands. */
	now_ms += HA_DOOR_HOLD_MS;
	h2_more = "";
	see(true);
	assert_int_equal(state_of_d(), HA_GATE_ADMITTED);
	/* A host that is away already may go. */
	h2_more = ATTR("standby", "on");
	asks[0] = N2 " remove-host h2";
	see(false);
	assert_told("h1", N2 " yes");
}

static void
a_yes_is_over_when_nobody_can_commit(void **state)
{
	(void)state;
	asks[0] = N1 " remove-host h2";
	see(true);
	now_ms += HA_DOOR_HOLD_MS - 1;
	judge();
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
	assert_false(g_hash_table_contains(taken, "h1"));
	now_ms++;
	judge();
	assert_int_equal(state_of_d(), HA_GATE_ADMITTED);
	assert_true(g_hash_table_contains(taken, "h1"));
}

/* Seen, and then the CIB takes no write for long. */
static void
a_question_that_nobody_judges_is_taken_away(void **state)
{
	(void)state;
	fdm.master.step = FDM_STEP_CIB;
	asks[0] = N1 " remove-host h2";
	see(true);
	fdm_doors_look(&fdm, fdm_stock_get(&fdm, now_ms), now_ms);
	now_ms += HA_DOOR_HOLD_MS - 1;
	judge();
	assert_false(g_hash_table_contains(taken, "h1"));
	now_ms++;
	fdm.master.step = FDM_STEP_IDLE;
	judge();
	assert_null(g_hash_table_lookup(told, "h1"));
	assert_true(g_hash_table_contains(taken, "h1"));
}

static void
another_question_does_not_end_the_first(void **state)
{
	(void)state;
	asks[0] = N1 " remove-host h2";
	see(false);
	assert_told("h1", N1 " yes");
	asks[0] = N2 " remove-host h3";
	see(true);
	assert_told("h1", N2 " no ");
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
	now_ms += HA_DOOR_HOLD_MS;
	judge();
	assert_int_equal(state_of_d(), HA_GATE_ADMITTED);
}

/* Pacemaker erases what a host has there when that leaves. */
static void
a_question_that_is_erased_counts_on(void **state)
{
	(void)state;
	asks[2] = N1 " remove-host h2";
	see(true);
	assert_told("h3", N1 " yes");
	asks[2] = NULL;
	h3_words = LOST;
	see(true);
	h3_words = MEMBER;
	see(true);
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
	now_ms += HA_DOOR_HOLD_MS;
	judge();
	assert_int_equal(state_of_d(), HA_GATE_ADMITTED);
}

static void
a_new_master_keeps_the_word_of_the_last(void **state)
{
	(void)state;
	asks[0] = N1 " remove-host h2";
	answers[0] = N1 " yes";
	fdm.master.term = 8;
	see(true);
	/* Not by a copy of before its term. */
	assert_int_equal(state_of_d(), HA_GATE_PENDING);
	assert_int_equal(fake.refreshes, 2);
	asks[1] = N2 " remove-host h3";
	see(true);
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
	assert_told("h1", N1 " yes");
	assert_told("h2", N2 " no ");
}

static void
a_yes_may_be_on_its_way(void **state)
{
	(void)state;
	/* The last master may have said yes to the second one. */
	asks[0] = N1 " remove-host h2";
	asks[1] = N2 " remove-host h3";
	begin_term(8);
	assert_told("h1", N1 " no ");
	assert_told("h2", N2 " no ");
	see(true);
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
	asks[0] = NULL;
	see(true);
	assert_int_equal(state_of_d(), HA_GATE_REFUSED);
	asks[1] = NULL;
	see(true);
	assert_int_equal(state_of_d(), HA_GATE_ADMITTED);
}

static void
a_no_of_the_last_master_counts_for_nothing(void **state)
{
	(void)state;
	asks[0] = N1 " remove-host h2";
	answers[0] = N1 " no room";
	begin_term(8);
	see(true);
	assert_told("h1", N1 " no room");
	assert_int_equal(state_of_d(), HA_GATE_ADMITTED);
	/* An answer to another question is none. */
	asks[0] = N2 " remove-host h2";
	see(true);
	assert_told("h1", N2 " yes");
}

static void
nobody_else_answers(void **state)
{
	(void)state;
	is_master = false;
	asks[0] = N1 " remove-host h2";
	see(true);
	assert_int_equal(g_hash_table_size(told), 0);
}

static bool
is_told_unasked(void)
{
	json_t *all = fdm_admit_json(&fdm, now_ms);
	json_t *errors = json_object_get(all, "errors");
	bool is_told = false;

	for (size_t i = 0; i < json_array_size(errors); i++) {
		is_told |= strstr(json_string_value(json_array_get(errors, i)),
				  "h2 is in standby, and admission control was "
				  "not asked") != NULL;
	}
	json_decref(all);
	return is_told;
}

static void
standby_that_nobody_was_asked_about_is_named(void **state)
{
	(void)state;
	/* A reservation that two hosts can't carry: red. */
	h2_more = ATTR("standby", "on");
	look(false, "2900", ON_WITH("a", "2900"));
	assert_int_equal(fdm.admit->state, FDM_ADMIT_RED);
	assert_true(is_told_unasked());
	h2_more = "";
	look(false, "2900", ON_WITH("a", "2900"));
	assert_false(is_told_unasked());
	/* It was asked. */
	see(false);
	asks[0] = N1 " remove-host h2";
	see(false);
	assert_told("h1", N1 " yes");
	asks[0] = NULL;
	h2_more = ATTR("standby", "on");
	see(false);
	look(false, "2900", ON_WITH("a", "2900"));
	assert_int_equal(fdm.admit->state, FDM_ADMIT_RED);
	assert_false(is_told_unasked());
	/* A new master can't know. */
	h2_more = "";
	see(false);
	h2_more = ATTR("standby", "on");
	begin_term(8);
	look(false, "2900", ON_WITH("a", "2900"));
	assert_int_equal(fdm.admit->state, FDM_ADMIT_RED);
	assert_false(is_told_unasked());
}

static void
what_is_not_understood_is_refused(void **state)
{
	(void)state;
	asks[0] = N1 " shut-down h2";
	asks[1] = "anything";
	asks[2] = N2 " raise a 18446744073709551615 1";
	see(true);
	assert_told("h3", N2 " no the master is of another version");
	assert_told("h1", N1 " no the master is of another version");
	assert_told("h2", "");
	assert_int_equal(state_of_d(), HA_GATE_ADMITTED);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	static const struct CMUnitTest tests[] = {
		T(one_of_two_hosts_may_go),
		T(no_power_on_gets_the_room_of_a_yes),
		T(what_was_admitted_before_is_on),
		T(a_raise_counts_before_it_is_written),
		T(a_raise_that_does_not_fit_is_refused),
		T(what_is_seen_counts_once),
		T(a_yes_is_over_when_nobody_can_commit),
		T(a_question_that_nobody_judges_is_taken_away),
		T(another_question_does_not_end_the_first),
		T(a_question_that_is_erased_counts_on),
		T(a_new_master_keeps_the_word_of_the_last),
		T(a_yes_may_be_on_its_way),
		T(a_no_of_the_last_master_counts_for_nothing),
		T(nobody_else_answers),
		T(standby_that_nobody_was_asked_about_is_named),
		T(what_is_not_understood_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
