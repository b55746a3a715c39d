/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/prefer: when the plan is written into the CIB, and what of
 * it. What is written is caught; everything else is the daemon's.
 */
#include "fakes.h"
#include "inventory.h"

#include "FaultDomain/fdm.h"
#include "FaultDomain/fdm_timeouts.h"
#include "FaultDomain/logs.h"
#include "FaultDomain/prefer_plan.h"

#define T0 100000u
#define GATE                                          \
	"<rsc_ticket id='g' rsc='a' ticket='vmha-a' " \
	"loss-policy='freeze'/>"
#define GRANTED \
	"<ticket_state id='vmha-a' granted='true' vmha-state='granted'/>"
#define RESERVED(memory)                                                       \
	VM("a",                                                                \
	   META("resource-stickiness",                                         \
		"1000") "<utilization id='w'><nvpair id='x' name='memory_mb' " \
			"value='" memory "'/></utilization>")
#define STICKY(score) VM("a", META("resource-stickiness", score))
#define RUNS LRM(PAST("a", ON))

static struct fdm fdm;
static struct fdm_snap snap;
static char *sent;
static GPtrArray *kept;                  /* the daemon never frees it */
static uint64_t clock_ms, clock_step_ms; /* of each look at it */

uint64_t __wrap_ha_clock_now_ms(void);

uint64_t
__wrap_ha_clock_now_ms(void)
{
	clock_ms += clock_step_ms;
	return clock_ms;
}

void
fdm_log(int level, const char *id, const char *format, ...)
{
	(void)level;
	(void)id;
	(void)format;
}

void
ha_cib_update(struct ha_cib *cib, const char *xml,
	      void (*written)(void *data, int code, const char *why),
	      void *data)
{
	(void)cib;
	(void)written;
	(void)data;
	g_free(sent);
	sent = g_strdup(xml);
}

static const char *ticket, *history;

static void
look(const char *node, const char *vm, const char *plan)
{
	char *xml = g_strdup_printf(
		"<cib><configuration><nodes>" HOST("1", "%s") HOST(
			"2",
			CAPACITY(
				"9000",
				"9000")) "</nodes><resources>%s"
					 "</resources><constraints>" GATE
					 "%s</constraints>"
					 "</configuration><status>" STATE(
						 "1", MEMBER, "%s")
						 STATE("2", MEMBER,
						       "") "<tickets>%s"
							   "</tickets></status></cib>",
		node, vm, plan, history, ticket);

	g_clear_pointer(&fdm.rows, g_array_unref);
	fdm_stock_drop(fdm.stock);
	fdm_facts_free(fdm.facts);
	fdm.facts = fdm_facts_new(
		xmlReadMemory(xml, (int)strlen(xml), "cib", NULL, 0));
	fdm.copies++;
	g_free(xml);
	fdm.rows = fdm_project(fdm.facts, &snap);
}

static bool
is_written(uint64_t now_ms)
{
	g_clear_pointer(&sent, g_free);
	fdm.master.step = FDM_STEP_IDLE;
	fdm_prefer_tick(&fdm, now_ms);
	return sent != NULL;
}

static void
confirm(uint64_t asked_ms, uint64_t seq)
{
	fdm.master.lease_until_ms = asked_ms + FDM_LEASE_MS;
	fdm.master.lease_seq = seq;
}

static int
begin(void **state)
{
	(void)state;
	fake_cluster_begin(&fdm, &snap, 0);
	snap.ring_seq = 4;
	fdm.master.term = 7;
	ticket = GRANTED;
	history = RUNS;
	clock_ms = T0;
	clock_step_ms = 0;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	kept = kept ? kept : g_ptr_array_new();
	g_ptr_array_add(kept, fdm.prefer);
	fake_cluster_end(&fdm);
	g_clear_pointer(&sent, g_free);
	return 0;
}

#define ROOM CAPACITY("9000", "9000")

static void
it_is_written_when_the_members_are_there_since_it_is_due(void **state)
{
	uint64_t due_ms = T0 + FDM_PLAN_QUIET_MS;

	(void)state;
	look(ROOM, STICKY("1000"), "");
	confirm(due_ms - 1, snap.ring_seq);
	assert_false(is_written(T0));
	assert_false(is_written(due_ms));
	assert_false(is_written(due_ms + 100));
	/* Of another membership. */
	confirm(due_ms + 100, snap.ring_seq - 1);
	assert_false(is_written(due_ms + 200));
	confirm(due_ms + 100, snap.ring_seq);
	assert_true(is_written(due_ms + 300));
	assert_non_null(strstr(sent, "id=\"vmha-plan-a\" rsc=\"a\" "
				     "node=\"h2\" score=\"90\""));
	/* It stands. */
	look(ROOM, STICKY("1000"),
	     "<rsc_location id='vmha-plan-a' rsc='a' node='h2' score='90'/>");
	confirm(2 * due_ms, snap.ring_seq);
	assert_false(is_written(due_ms + 400));
	assert_false(is_written(2 * due_ms));
	assert_false(is_written(2 * due_ms + 100));
}

static void
who_stays_on_a_host_in_maintenance_is_not_called_away(void **state)
{
	const char *closed = ATTR("maintenance", "true") ROOM;

	(void)state;
	look(closed, STICKY("50"),
	     "<rsc_location id='vmha-plan-a' rsc='a' node='h2' score='49'/>");
	confirm(2 * T0, snap.ring_seq);
	assert_false(is_written(T0));
	assert_false(is_written(T0 + FDM_PLAN_QUIET_MS));
	assert_false(is_written(T0 + FDM_PLAN_QUIET_MS + 100));
}

static void
who_runs_on_a_sealed_host_is_not_called_away(void **state)
{
	struct fdm_host host = { .is_member = true,
				 .is_fresh = true,
				 .is_sealed = true };

	(void)state;
	g_strlcpy(host.name, "h1", sizeof(host.name));
	g_array_append_val(snap.hosts, host);
	look(ROOM, STICKY("50"),
	     "<rsc_location id='vmha-plan-a' rsc='a' node='h2' score='49'/>");
	assert_int_equal(fdm_stock_get(&fdm, T0)->hosts[0].state, HA_INV_ERROR);
	confirm(2 * T0, snap.ring_seq);
	assert_false(is_written(T0));
	assert_false(is_written(T0 + FDM_PLAN_QUIET_MS));
	assert_false(is_written(T0 + FDM_PLAN_QUIET_MS + 100));
}

static void
what_stands_of_one_that_is_in_a_group_now_is_silenced(void **state)
{
	(void)state;
	look(ROOM, "<group id='g1'>" STICKY("1000") "</group>",
	     "<rsc_location id='vmha-plan-a' rsc='a' node='h2' score='49'/>");
	confirm(2 * T0, snap.ring_seq);
	assert_false(is_written(T0));
	assert_false(is_written(T0 + FDM_PLAN_QUIET_MS));
	assert_true(is_written(T0 + FDM_PLAN_QUIET_MS + 100));
	assert_non_null(strstr(sent, "node=\"h2\" score=\"0\""));
}

/* Pacemaker may not start it before it has its ticket; with that comes its
 * target. */
static void
who_is_held_is_not_told_where_to_go(void **state)
{
	static const char *const STATES[] = { "held", "waiting" };
	struct fdm_plan *plan = fdm_plan_new();

	(void)state;
	history = "";
	for (uint32_t i = 0; i < 2; i++) {
		char *one = g_strdup_printf("<ticket_state id='vmha-a' "
					    "granted='false' vmha-state='%s'/>",
					    STATES[i]);

		ticket = one;
		look(ROOM, STICKY("1000"), "");
		assert_true(fdm_plan_look(plan, fdm_stock_get(&fdm, T0),
					  fdm.facts));
		assert_true(plan->wanted[0].differs);
		assert_int_equal(plan->n_writes, i);
		g_free(one);
	}
	g_ptr_array_add(kept, plan);
}

/* h2 has become too small for it: Pacemaker is not sent there any more. */
static void
what_stands_of_one_without_a_place_is_silenced(void **state)
{
	static const char *const STANDS =
		"<rsc_location id='vmha-plan-a' rsc='a' node='h2' score='90'/>";
	json_t *told;

	(void)state;
	look(ROOM, RESERVED("9001"), STANDS);
	confirm(2 * T0, snap.ring_seq);
	assert_false(is_written(T0));
	assert_false(is_written(T0 + FDM_PLAN_QUIET_MS));
	assert_true(is_written(T0 + FDM_PLAN_QUIET_MS + 100));
	assert_non_null(strstr(sent, "node=\"h2\" score=\"0\""));
	told = fdm_prefer_json(&fdm, 2 * T0);
	assert_int_equal(json_array_size(json_object_get(told, "homeless")), 1);
	json_decref(told);
}

/* `vmha host maintenance` has chosen its place and moves it. */
static void
who_leaves_keeps_the_place_that_was_chosen(void **state)
{
	(void)state;
	look(ATTR("standby", "on") ROOM, STICKY("1000"),
	     "<rsc_location id='vmha-plan-a' rsc='a' node='h2' score='90'/>");
	confirm(2 * T0, snap.ring_seq);
	assert_false(is_written(T0));
	assert_false(is_written(T0 + FDM_PLAN_QUIET_MS));
	assert_false(is_written(T0 + FDM_PLAN_QUIET_MS + 100));
}

static void
what_says_the_same_is_not_planned_anew(void **state)
{
	struct fdm_plan *plan = fdm_plan_new();
	const struct fdm_stock *stock;
	const struct fdm_wanted *wanted;

	(void)state;
	look(ROOM, STICKY("1000"), "");
	stock = fdm_stock_get(&fdm, T0);
	assert_true(fdm_plan_look(plan, stock, fdm.facts));
	wanted = plan->wanted;
	assert_int_equal(plan->n_writes, 1);
	look(ROOM, STICKY("1000"), "");
	stock = fdm_stock_get(&fdm, T0);
	assert_int_not_equal(plan->number, stock->number);
	assert_true(fdm_plan_look(plan, stock, fdm.facts));
	assert_int_equal(plan->number, stock->number);
	assert_ptr_equal(plan->wanted, wanted);
	/* Each of these counts. */
	static const char *const NODES[] = { ROOM, CAPACITY("9", "9") };
	static const char *const STICKIES[] = { "1000", "50" };
	static const char *const SCORES[] = { "", "1", "2" };
	static const char *const HISTORIES[] = { RUNS, "" };
	uint64_t before = plan->digest;

	for (int i = 0; i < 24; i++) {
		char *stands = SCORES[i % 3][0] ?
				       g_strdup_printf(
					       "<rsc_location id='vmha-plan-a' "
					       "rsc='a' node='h2' score='%s'/>",
					       SCORES[i % 3]) :
				       g_strdup("");
		char *vm_xml =
			g_strdup_printf(STICKY("%s"), STICKIES[i / 3 % 2]);

		history = HISTORIES[i / 6 % 2];
		look(NODES[i / 12], vm_xml, stands);
		assert_true(fdm_plan_look(plan, fdm_stock_get(&fdm, T0),
					  fdm.facts));
		assert_true(i == 0 ? plan->digest == before :
				     plan->digest != before);
		before = plan->digest;
		g_free(stands);
		g_free(vm_xml);
	}
	g_ptr_array_add(kept, plan);
}

/* Looks until it is made; 0: never. Each piece of it takes a whole turn. */
static uint32_t
looks_until_made(bool is_new_each_time)
{
	static const char *const NODES[] = { ROOM, CAPACITY("9", "9") };
	struct fdm_plan *plan = fdm_plan_new();
	uint32_t looks = 0;
	bool is_made = false;

	g_ptr_array_add(kept = kept ? kept : g_ptr_array_new(), plan);
	clock_step_ms = FDM_PLAN_BUDGET_MS;
	while (!is_made && looks < 100) {
		look(NODES[is_new_each_time ? looks % 2 : 0], STICKY("1000"),
		     "");
		looks++;
		is_made =
			fdm_plan_look(plan, fdm_stock_get(&fdm, T0), fdm.facts);
	}
	assert_int_equal(plan->n_discarded, is_made ? 0 : looks - 1);
	return is_made ? looks : 0;
}

static void
it_is_made_though_something_changes_in_each_turn(void **state)
{
	uint32_t pieces = looks_until_made(false);
	uint32_t looks = looks_until_made(true);

	(void)state;
	/* Of so many that one turn is not enough, and eight are: 10, 20, 40, 80
	 * ms. */
	assert_in_range(pieces, 3, 8);
	assert_in_range(looks, 3, 4);
}

static const char *
why_not(void)
{
	static char why[HA_ERR_TEXT];
	json_t *told = fdm_prefer_json(&fdm, T0);

	g_strlcpy(why, json_string_value(json_object_get(told, "why")),
		  sizeof(why));
	json_decref(told);
	return why;
}

static void
its_making_is_a_part_of_the_waiting(void **state)
{
	uint64_t due_ms = T0 + FDM_PLAN_QUIET_MS;

	(void)state;
	look(ROOM, STICKY("1000"), "");
	confirm(due_ms, snap.ring_seq);
	clock_step_ms = FDM_PLAN_BUDGET_MS;
	assert_false(is_written(T0));
	assert_string_equal(why_not(), "the plan is not made yet");
	clock_step_ms = 0;
	assert_false(is_written(due_ms));
	assert_true(is_written(due_ms + 100));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	static const struct CMUnitTest tests[] = {
		T(it_is_written_when_the_members_are_there_since_it_is_due),
		T(who_stays_on_a_host_in_maintenance_is_not_called_away),
		T(who_runs_on_a_sealed_host_is_not_called_away),
		T(what_stands_of_one_that_is_in_a_group_now_is_silenced),
		T(who_is_held_is_not_told_where_to_go),
		T(what_stands_of_one_without_a_place_is_silenced),
		T(who_leaves_keeps_the_place_that_was_chosen),
		T(what_says_the_same_is_not_planned_anew),
		T(it_is_made_though_something_changes_in_each_turn),
		T(its_making_is_a_part_of_the_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
