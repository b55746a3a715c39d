/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/admit: power-ons and raised reservations as the master
 * judges them, and what it then writes. Three hosts of 3000 MiB, the policy
 * keeps one of them free. Heartbeatd's word is made up, and what is written to
 * the CIB is caught; everything else is the daemon's.
 */
#include "fakes.h"
#include "inventory.h"

#include <errno.h>

#include "FaultDomain/admit_door.h"
#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

#define GATE(id)                                                 \
	"<rsc_ticket id='g" id "' rsc='" id "' ticket='vmha-" id \
	"' loss-policy='freeze'/>"
#define TICKET(id, more) "<ticket_state id='vmha-" id "' " more "/>"
#define OFF "granted='false' vmha-state='off' vmha-reason='powered-off'"
#define GRANTED "granted='true' vmha-state='granted'"
/* With QEMU's overhead a little less than 1000 MiB. */
#define SMALL(id) VM(id, CAPACITY("100", "900"))
#define PLAN "<!-- the plan -->"
#define UP(id) PAST(id, OP("start", "5", "0", "0"))

static struct fdm fdm;
static struct fdm_snap snap;
static struct fdm_restart *restart;
static char *sent;
static void (*on_written)(void *data, int code, const char *why);
static bool is_master;
static guint logged;
static char last_log[64];
static const char *attribute; /* as asked for */

/* ---- what is faked --------------------------------------------------------- */

void
fdm_log(int level, const char *id, const char *format, ...)
{
	(void)level;
	(void)format;
	logged++;
	g_strlcpy(last_log, id, sizeof(last_log));
}

bool
fdm_master_may_write(const struct fdm *one, uint64_t now_ms)
{
	(void)one;
	(void)now_ms;
	return is_master;
}

void
fdm_master_keep_lease(struct fdm *one, uint64_t now_ms)
{
	(void)now_ms;
	one->master.is_confirmed = true;
}

void
fdm_duty_cleanup(struct fdm *one, const char *resource)
{
	(void)one;
	(void)resource;
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
		uint64_t now_ms)
{
	(void)one;
	(void)attr;
	(void)node;
	(void)shown;
	(void)now_ms;
	if (strcmp(name, FDM_ADMISSION_ATTR) == 0) {
		attribute = wanted[0] ? wanted : NULL;
	} else {
		assert_string_equal(wanted, "");
	}
	return true;
}

void
fdm_prefer_add(struct fdm *one, GString *xml, uint64_t now_ms)
{
	(void)one;
	(void)now_ms;
	g_string_append(xml, PLAN);
}

void
ha_cib_update(struct ha_cib *cib, const char *xml,
	      void (*written)(void *data, int code, const char *why),
	      void *data)
{
	(void)cib;
	(void)data;
	on_written = written;
	g_free(sent);
	sent = g_strdup(xml);
}

/* ---- a look ------------------------------------------------------------------ */

static void
judge(void)
{
	uint64_t now_ms = ha_clock_now_ms();

	g_clear_pointer(&fdm.rows, g_array_unref);
	fdm.rows = fdm_project(fdm.facts, &snap);
	fdm_protect_judge(fdm.protect, fdm.facts, fdm.rows, now_ms);
	while (!fdm_admit_look(&fdm, now_ms)) {
	}
	fdm_restart_judge(restart, fdm.facts, &snap, fdm.rows, now_ms);
}

static void
look(const char *more, const char *resources, const char *gates,
     const char *history, const char *tickets)
{
	char *xml = g_strdup_printf(
		"<cib><configuration><nodes>%s</nodes><resources>%s"
		"</resources><constraints>%s</constraints></configuration>"
		"<status>" STATE("1", MEMBER, LRM("%s")) STATE("2", MEMBER, "")
			STATE("3", MEMBER,
			      "") "<tickets>%s</tickets></status></cib>",
		more, resources, gates, history, tickets);

	g_clear_pointer(&fdm.rows, g_array_unref);
	fdm_stock_drop(fdm.stock);
	fdm_facts_free(fdm.facts);
	fdm.facts = fdm_facts_new(
		xmlReadMemory(xml, (int)strlen(xml), "cib", NULL, 0));
	fdm.copies++;
	fdm.master.step = FDM_STEP_IDLE;
	g_free(xml);
	fdm_restart_configure(restart, fdm.facts, ha_clock_now_ms());
	judge();
}

#define THREE                               \
	HOST("1", CAPACITY("9000", "3000")) \
	HOST("2", CAPACITY("9000", "3000")) \
	HOST("3", CAPACITY("9000", "3000"))

static int
begin(void **state)
{
	(void)state;
	fake_cluster_begin(&fdm, &snap, 3);
	snap.are_holds_read = true;
	g_strlcpy(snap.self, "h1", sizeof(snap.self));
	fdm.restart = restart = fdm_restart_new();
	fdm.protect->read_ms = 1;
	fdm.protect->is_read = true;
	fdm.admit = fdm_admit_new();
	fdm.master.term = fdm.admit->term = 7;
	fdm_doors_begin(&fdm.admit->doors, 0);
	fdm.master.granting = g_ptr_array_new_with_free_func(g_free);
	is_master = true;
	logged = 0;
	last_log[0] = '\0';
	attribute = NULL;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	g_ptr_array_unref(fdm.master.granting);
	fdm_admit_free(fdm.admit);
	fdm_restart_free(restart);
	fake_cluster_end(&fdm);
	g_clear_pointer(&sent, g_free);
	return 0;
}

static struct fdm_row *
row(const char *name)
{
	for (guint i = 0; i < fdm.rows->len; i++) {
		struct fdm_row *one =
			&g_array_index(fdm.rows, struct fdm_row, i);

		if (strcmp(one->vm->resource, name) == 0) {
			return one;
		}
	}
	fail_msg("no row of %s", name);
	abort();
}

static guint
count(enum ha_gate_state wanted)
{
	guint found = 0;

	for (guint i = 0; i < fdm.rows->len; i++) {
		found += g_array_index(fdm.rows, struct fdm_row, i).admission ==
			 wanted;
	}
	return found;
}

static void
write_tickets(void)
{
	g_clear_pointer(&sent, g_free);
	fdm.master.step = FDM_STEP_IDLE;
	fdm_grant_write(&fdm, ha_clock_now_ms());
}

#define SEVEN(X) X("a") X("b") X("c") X("d") X("e") X("f") X("g")
#define OFF_TICKET(id) TICKET(id, OFF)
#define ON_TICKET(id) TICKET(id, GRANTED)

/* ---- the tests ----------------------------------------------------------------- */

static void
no_two_power_ons_get_the_same_room(void **state)
{
	(void)state;
	look(THREE, SEVEN(SMALL), SEVEN(GATE), "", SEVEN(OFF_TICKET));
	/* Two hosts hold six; by sums alone too. */
	assert_int_equal(count(HA_GATE_ADMITTED), 6);
}

static void
its_user_s_wish_names_the_host_while_there_is_room(void **state)
{
	guint wished = 0;

	(void)state;
#define WISH(id)                                             \
	GATE(id)                                             \
	"<rsc_location id='w" id "' rsc='" id "' node='h2' " \
	"score='50'/>"
	look(THREE, SEVEN(SMALL), SEVEN(WISH), "", SEVEN(OFF_TICKET));
#undef WISH
	/* Three fill it, and nobody is refused for a wish. */
	for (guint i = 0; i < fdm.rows->len; i++) {
		const struct fdm_row *one =
			&g_array_index(fdm.rows, struct fdm_row, i);

		wished += one->admission == HA_GATE_ADMITTED &&
			  one->admitted_host == fdm_stock_host(fdm.stock, "h2");
	}
	assert_int_equal(wished, 3);
	assert_int_equal(count(HA_GATE_ADMITTED), 6);
}

static void
a_refused_one_is_not_wanted_and_says_why(void **state)
{
	char *big = g_strdup(VM("a", CAPACITY("100", "9000")));

	(void)state;
	look(THREE, big, GATE("a"), "", OFF_TICKET("a"));
	g_free(big);
	assert_int_equal(row("a")->admission, HA_GATE_REFUSED);
	assert_false(fdm_row_is_granted(row("a")));
	assert_false(fdm_is_wanted(row("a")->vm, row("a")));
	assert_int_equal(row("a")->entry, HA_PROTECT_NONE);
	assert_string_equal(ha_protect_shown_name(row("a")->shown), "refused");
	write_tickets();
	assert_non_null(strstr(sent, "granted=\"false\" vmha-state=\"waiting\" "
				     "vmha-reason=\"waits-for-admission\""));
	assert_non_null(strstr(sent, "memory"));
	assert_string_equal(last_log, "tickets");
	fdm_admit_tick(&fdm, ha_clock_now_ms());
	assert_true(g_str_has_prefix(attribute, "refused a: "));
}

static void
an_admitted_one_has_its_reservation_in_its_ticket(void **state)
{
	(void)state;
	look(THREE, SMALL("a"), GATE("a"), "", "");
	assert_int_equal(row("a")->admission, HA_GATE_ADMITTED);
	assert_int_not_equal(row("a")->admitted_host, HA_INV_NONE);
	write_tickets();
	assert_non_null(strstr(sent, "granted=\"true\""));
	assert_non_null(strstr(sent, "vmha-cpu=\"100\" vmha-memory=\"900\""));
	assert_null(strstr(sent, "vmha-text"));
	fdm_admit_tick(&fdm, ha_clock_now_ms());
	assert_string_equal(attribute, "green");
}

static void
restarts_and_what_was_protected_are_never_judged(void **state)
{
	struct ha_protected_vm entry = { .resource = "b",
					 .state = HA_PROTECTED_ON };

	(void)state;
	g_hash_table_insert(fdm.protect->disk.table, g_strdup("b"),
			    g_memdup2(&entry, sizeof(entry)));
	/* None of the three has room anywhere. */
	look(THREE,
	     VM("a", CAPACITY("1", "9000")) VM("b", CAPACITY("1", "9000"))
		     VM("c", CAPACITY("1", "9000")),
	     GATE("a") GATE("b") GATE("c"), "",
	     ON_TICKET("a") TICKET("c", "granted='false' "
					"vmha-state='waiting' "
					"vmha-reason='waits-for-slot'"));
	assert_int_equal(count(HA_GATE_OPEN), 3);
	write_tickets();
	assert_null(strstr(sent, "waits-for-admission"));
	/* Red, and nobody is stopped. */
	fdm_admit_tick(&fdm, ha_clock_now_ms());
	assert_true(g_str_has_prefix(attribute, "red: "));
}

static void
nobody_is_judged_before_the_cib_shows_the_last_word(void **state)
{
	(void)state;
	fdm.master.min_copy = 3;
	look(THREE, SMALL("a"), GATE("a"), "", OFF_TICKET("a"));
	assert_int_equal(row("a")->admission, HA_GATE_PENDING);
	write_tickets();
	assert_null(sent);
	look(THREE, SMALL("a"), GATE("a"), "", OFF_TICKET("a"));
	assert_int_equal(row("a")->admission, HA_GATE_PENDING);
	look(THREE, SMALL("a"), GATE("a"), "", OFF_TICKET("a"));
	assert_int_equal(row("a")->admission, HA_GATE_ADMITTED);
	/* Nor of a new term, before its last master's words are there. */
	fdm.master.term = 8;
	judge();
	fdm.admit->key = 0;
	judge();
	assert_int_equal(row("a")->admission, HA_GATE_PENDING);
	look(THREE, SMALL("a"), GATE("a"), "", OFF_TICKET("a"));
	assert_int_equal(row("a")->admission, HA_GATE_ADMITTED);
	fdm.master.step = FDM_STEP_CIB;
	judge();
	assert_int_equal(row("a")->admission, HA_GATE_ADMITTED);
}

static void
a_host_that_is_not_master_says_what_tickets_say(void **state)
{
	const char *refused = "granted='false' vmha-state='waiting' "
			      "vmha-reason='waits-for-admission' "
			      "vmha-text='no room'";
	char *ticket = g_strdup_printf(TICKET("a", "%s"), refused);

	(void)state;
	is_master = false;
	look(THREE, SMALL("a") SMALL("b"), GATE("a") GATE("b"), "", ticket);
	assert_int_equal(row("a")->admission, HA_GATE_REFUSED);
	assert_string_equal(row("a")->refusal, "no room");
	look(THREE, VM("a", META("target-role", "Stopped")), GATE("a"), "",
	     ticket);
	assert_false(fdm_row_is_refused(row("a")));
	look(THREE, SMALL("a") SMALL("b"), GATE("a") GATE("b"), "", ticket);
	g_free(ticket);
	assert_int_equal(row("b")->admission, HA_GATE_PENDING);
}

static void
a_yes_is_void_when_the_cluster_is_another(void **state)
{
	(void)state;
	look(THREE, SMALL("a"), GATE("a"), "", OFF_TICKET("a"));
	assert_int_equal(row("a")->admission, HA_GATE_ADMITTED);
	g_array_index(snap.hosts, struct fdm_host, 1).is_member = false;
	g_array_index(snap.hosts, struct fdm_host, 2).is_member = false;
	judge();
	assert_int_equal(row("a")->admission, HA_GATE_REFUSED);
}

/* Pacemaker's scheduler crashes on it as soon as it is to be placed. */
static void
no_number_is_refused_and_what_runs_keeps_its_room(void **state)
{
	(void)state;
	look(THREE, VM("a", CAPACITY("100", "abc")), GATE("a"), "",
	     OFF_TICKET("a"));
	assert_int_equal(row("a")->admission, HA_GATE_REFUSED);
	assert_non_null(strstr(row("a")->refusal,
			       "a: its utilization memory_mb=\"abc\""));
	assert_non_null(strstr(row("a")->refusal,
			       "crm resource utilization a set memory_mb"));
	look(THREE, VM("a", CAPACITY("100", "0")), GATE("a"), "",
	     OFF_TICKET("a"));
	assert_int_equal(row("a")->admission, HA_GATE_ADMITTED);
	look(THREE, VM("a", CAPACITY("100", "abc")), GATE("a"), UP("a"),
	     TICKET("a", GRANTED " vmha-cpu='100' vmha-memory='900'"));
	assert_int_equal(row("a")->admission, HA_GATE_OPEN);
	assert_int_equal(row("a")->reserved.memory_mb, 900);
}

static void
numbers_do_not_make_a_new_sentence(void **state)
{
	char first[HA_ERR_TEXT];

	(void)state;
	look(THREE, VM("a", CAPACITY("1", "9000")), GATE("a"), "",
	     OFF_TICKET("a"));
	g_strlcpy(first, row("a")->refusal, sizeof(first));
	look(THREE, VM("a", CAPACITY("1", "9100")), GATE("a"), "",
	     OFF_TICKET("a"));
	assert_string_equal(row("a")->refusal, first);
}

static void
a_raise_is_judged_and_a_lowering_is_not(void **state)
{
	(void)state;
	look(THREE, VM("a", CAPACITY("100", "800")), GATE("a"), UP("a"),
	     TICKET("a", GRANTED " vmha-cpu='100' vmha-memory='900'"));
	assert_true(row("a")->has_reserved);
	assert_int_equal(row("a")->reserved.memory_mb, 800);
	look(THREE, VM("a", CAPACITY("100", "950")), GATE("a"), UP("a"),
	     TICKET("a", GRANTED " vmha-cpu='100' vmha-memory='900'"));
	assert_int_equal(row("a")->reserved.memory_mb, 950);
	write_tickets();
	assert_non_null(strstr(sent, "vmha-memory=\"950\""));
	look(THREE, VM("a", CAPACITY("90", "9000")), GATE("a"), UP("a"),
	     TICKET("a", GRANTED " vmha-cpu='100' vmha-memory='900'"));
	assert_int_equal(row("a")->reserved.memory_mb, 900);
	assert_int_equal(row("a")->reserved.cpu_mhz, 90);
	assert_int_equal(fdm_admit_find(&fdm, "a")->word,
			 FDM_ADMIT_RAISE_REFUSED);
	assert_string_equal(last_log, "raise-refused");
	assert_true(fdm_row_is_granted(row("a")));
}

static void
what_runs_without_admission_is_marked_and_never_revoked(void **state)
{
	(void)state;
	look(THREE, SMALL("a"), GATE("a"), UP("a"), ON_TICKET("a"));
	assert_int_equal(fdm_admit_find(&fdm, "a")->word, FDM_ADMIT_ADMITTED);
	assert_int_equal(row("a")->reserved.memory_mb, 900);
	look(THREE, VM("a", CAPACITY("1", "9000")), GATE("a"), UP("a"),
	     ON_TICKET("a"));
	assert_int_equal(fdm_admit_find(&fdm, "a")->word, FDM_ADMIT_UNADMITTED);
	assert_true(fdm_row_is_granted(row("a")));
	assert_false(row("a")->has_reserved);
	assert_string_equal(last_log, "unadmitted");
	logged = 0;
	judge();
	assert_int_equal(logged, 0);
}

static void
what_was_admitted_is_void_when_it_is_refused(void **state)
{
	(void)state;
	look(THREE, VM("a", CAPACITY("1", "9000")), GATE("a"), "",
	     TICKET("a", OFF " vmha-cpu='1' vmha-memory='9000'"));
	write_tickets();
	assert_non_null(strstr(sent, "vmha-cpu=\"\" vmha-memory=\"\""));
}

static void
nothing_is_written_again_of_one_that_was_powered_off(void **state)
{
	struct ha_protected_vm entry = { .resource = "a",
					 .state = HA_PROTECTED_OFF };

	(void)state;
	look(THREE, SMALL("a"), GATE("a"), UP("a"), ON_TICKET("a"));
	assert_true(row("a")->has_reserved);
	g_hash_table_insert(fdm.protect->disk.table, g_strdup("a"),
			    g_memdup2(&entry, sizeof(entry)));
	look(THREE,
	     VM("a", META("target-role", "Stopped") CAPACITY("100", "900")),
	     GATE("a"), "", TICKET("a", OFF " vmha-term='7'"));
	assert_int_equal(row("a")->gate, HA_PROTECT_POWERED_OFF);
	write_tickets();
	assert_null(sent);
}

static void
another_sentence_alone_waits_while_vms_are_being_started(void **state)
{
	(void)state;
	look(THREE, VM("a", CAPACITY("1", "9000")), GATE("a"), "",
	     TICKET("a", "granted='false' vmha-state='waiting' "
			 "vmha-reason='waits-for-admission' vmha-term='7' "
			 "vmha-text='of another cluster'"));
	assert_int_equal(row("a")->admission, HA_GATE_REFUSED);
	fdm_admit_tick(&fdm, ha_clock_now_ms());
	assert_true(g_str_has_prefix(attribute, "refused a: "));
	restart->is_watching = true;
	write_tickets();
	assert_null(sent);
	fdm.admit->state = FDM_ADMIT_RED;
	fdm_admit_tick(&fdm, ha_clock_now_ms());
	assert_true(g_str_has_prefix(attribute, "refused a: "));
	restart->is_watching = false;
	write_tickets();
	assert_non_null(strstr(sent, "waits-for-admission"));
	fdm_admit_tick(&fdm, ha_clock_now_ms());
	assert_true(g_str_has_prefix(attribute, "red: "));
}

static void
tickets_that_are_rejected_with_the_plan_are_written_without(void **state)
{
	(void)state;
	look(THREE, SMALL("a"), GATE("a"), "", "");
	write_tickets();
	assert_non_null(strstr(sent, PLAN));
	on_written(&fdm, -EIO, "no schema fits");
	write_tickets();
	assert_non_null(strstr(sent, "granted=\"true\""));
	assert_null(strstr(sent, PLAN));
	on_written(&fdm, 0, "");
	write_tickets();
	assert_non_null(strstr(sent, PLAN));
}

static void
where_admission_is_disabled_nobody_is_refused(void **state)
{
	char *gates = g_strdup(GATE("a"));
	char *more;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		more = g_strdup_printf("%s<rsc_location id='w%d' rsc='a' "
				       "node='h%d' score='-INFINITY'/>",
				       gates, i, i);
		g_free(gates);
		gates = more;
	}
	look(THREE, SMALL("a"), gates, "", OFF_TICKET("a"));
	assert_int_equal(row("a")->admission, HA_GATE_REFUSED);
	look(THREE,
	     SMALL("a") "<primitive id='d' class='ocf' provider='vmha' "
			"type='FaultDomain'>" ATTR("admission_policy",
						   "disabled") "</primitive>",
	     gates, "", OFF_TICKET("a"));
	g_free(gates);
	assert_int_equal(row("a")->admission, HA_GATE_ADMITTED);
}

static void
one_beyond_all_hosts_is_no_trouble_of_the_others(void **state)
{
	(void)state;
	look(THREE,
	     VM("a", CAPACITY("2000000000", "900")) SMALL("b")
		     VM("c", CAPACITY("2000000000", "900")),
	     GATE("a") GATE("b") GATE("c"), "",
	     OFF_TICKET("a") OFF_TICKET("b"));
	assert_int_equal(row("a")->admission, HA_GATE_REFUSED);
	assert_int_equal(row("b")->admission, HA_GATE_ADMITTED);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	static const struct CMUnitTest tests[] = {
		T(no_two_power_ons_get_the_same_room),
		T(its_user_s_wish_names_the_host_while_there_is_room),
		T(a_refused_one_is_not_wanted_and_says_why),
		T(an_admitted_one_has_its_reservation_in_its_ticket),
		T(restarts_and_what_was_protected_are_never_judged),
		T(nobody_is_judged_before_the_cib_shows_the_last_word),
		T(a_host_that_is_not_master_says_what_tickets_say),
		T(a_yes_is_void_when_the_cluster_is_another),
		T(no_number_is_refused_and_what_runs_keeps_its_room),
		T(numbers_do_not_make_a_new_sentence),
		T(a_raise_is_judged_and_a_lowering_is_not),
		T(what_runs_without_admission_is_marked_and_never_revoked),
		T(what_was_admitted_is_void_when_it_is_refused),
		T(nothing_is_written_again_of_one_that_was_powered_off),
		T(another_sentence_alone_waits_while_vms_are_being_started),
		T(tickets_that_are_rejected_with_the_plan_are_written_without),
		T(where_admission_is_disabled_nobody_is_refused),
		T(one_beyond_all_hosts_is_no_trouble_of_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
