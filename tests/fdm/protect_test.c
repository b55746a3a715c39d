/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agents/FaultDomain/protect: a VM's row, from the CIB, its history and the
 * protected list, and the ticket that follows. The decision itself is tested in
 * tests/unit/protect_test.c. */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/fdm.h"

#define UUID "96c1c197-4271-484c-b03e-380ddfaf8324"
#define ON                                                                 \
	"[{\"uuid\":\"\", \"resource\":\"web1\", \"state\":\"protected\"," \
	" \"order\":2}]"
#define OFF                                                         \
	"[{\"uuid\":\"" UUID "\", \"resource\":\"old\", \"state\":" \
	"\"off\", \"order\":2}]"
#define TICKET(granted, state, reason, more)             \
	"<ticket_state id='vmha-web1' granted='" granted \
	"' vmha-state='" state "' vmha-reason='" reason  \
	"' vmha-owner='' vmha-term='4' " more "/>"
#define GRANTED TICKET("true", "granted", "free", "")
#define TAKEN TICKET("false", "off", "powered-off", "")
#define KEPT TICKET("false", "off", "was-off", "vmha-role='Started'")
#define CALLED TICKET("false", "off", "powered-on", "vmha-role='Started'")
#define NODE(name, member, ops)                                           \
	"<node_state uname='" name "' in_ccm='" member "' crmd='online' " \
	"expected='member'><lrm><lrm_resources><lrm_resource id='web1' "  \
	"class='ocf' provider='vmha' type='VirtualMachine'>" ops          \
	"</lrm_resource></lrm_resources></lrm></node_state>"
#define STOP_OP                                                      \
	"<lrm_rsc_op id='web1_last_0' operation='stop' call-id='9' " \
	"rc-code='0' op-status='0' interval='0'/>"
#define START_OP                                                      \
	"<lrm_rsc_op id='web1_last_0' operation='start' call-id='8' " \
	"rc-code='0' op-status='0' interval='0'/>"

#define PROBE_OP                                                         \
	"<lrm_rsc_op id='web1_last_0' operation='monitor' call-id='-1' " \
	"rc-code='193' op-status='-1' interval='0'/>"
#define FOUND_OP                                                        \
	"<lrm_rsc_op id='web1_last_0' operation='monitor' call-id='4' " \
	"rc-code='0' op-status='0' interval='0'/>"

struct scene {
	struct fdm_snap snap;
	struct fdm_facts *facts;
	struct fdm_protect *protect;
	GArray *rows;
};

static void
begin(struct scene *scene, const char *role, const char *ticket,
      const char *nodes, const char *list)
{
	char *xml = g_strdup_printf(
		"<cib><configuration><nodes><node id='1' uname='h1'/>"
		"<node id='2' uname='h2'/></nodes>"
		"<resources><primitive id='web1' "
		"class='ocf' provider='vmha' type='VirtualMachine'>"
		"<meta_attributes>%s</meta_attributes>"
		"<instance_attributes><nvpair name='uuid' value='" UUID
		"'/></instance_attributes></primitive></resources>"
		"<constraints><rsc_ticket id='g' rsc='web1' "
		"ticket='vmha-web1' loss-policy='freeze'/></constraints>"
		"</configuration><status>%s<tickets>%s</tickets></status>"
		"</cib>",
		role, nodes, ticket);
	json_t *entries = json_loads(list, 0, NULL);

	memset(scene, 0, sizeof(*scene));
	scene->snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	scene->snap.holds = g_array_new(FALSE, TRUE, sizeof(struct fdm_hold));
	scene->facts = fdm_facts_new(
		xmlReadMemory(xml, (int)strlen(xml), "", NULL, 0));
	scene->rows = fdm_project(scene->facts, &scene->snap);
	assert_int_equal(scene->rows->len, 1);
	scene->protect = fdm_protect_new();
	scene->protect->term = 5;
	scene->protect->is_read = true;
	assert_non_null(entries);
	fdm_protect_take(scene->protect, entries, 5, 1);
	json_decref(entries);
	g_free(xml);
}

static struct fdm_row *
judge(struct scene *scene, uint64_t now_ms)
{
	fdm_protect_judge(scene->protect, scene->facts, scene->rows, now_ms);
	return &g_array_index(scene->rows, struct fdm_row, 0);
}

static void
end(struct scene *scene)
{
	g_array_unref(scene->rows);
	g_array_unref(scene->snap.hosts);
	g_array_unref(scene->snap.holds);
	fdm_protect_free(scene->protect);
	fdm_facts_free(scene->facts);
}

#define ROLE(value) "<nvpair name='target-role' value='" value "'/>"
#define STOPPED ROLE("Stopped")
#define BOTH_OFF NODE("h1", "true", STOP_OP) NODE("h2", "true", STOP_OP)

static void
power_off_needs_proof(void **state)
{
	static const struct {
		const char *what, *nodes;
		bool is_over;
	} CASES[] = {
		{ "stopped on both", BOTH_OFF, true },
		{ "runs on one",
		  NODE("h1", "true", STOP_OP) NODE("h2", "true", START_OP),
		  false },
		{ "the other is away, and ran it",
		  NODE("h1", "true", STOP_OP) NODE("h2", "false", START_OP),
		  false },
		{ "the other is away, and not fenced",
		  NODE("h1", "true", STOP_OP) NODE("h2", "false", STOP_OP),
		  false },
		{ "the other one probes it still",
		  NODE("h1", "true", STOP_OP) NODE("h2", "true", PROBE_OP),
		  false },
		{ "never ran anywhere", "", true },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct scene scene;
		const struct fdm_row *row;

		begin(&scene, STOPPED, GRANTED, CASES[i].nodes, ON);
		row = judge(&scene, 1000);
		assert_int_equal(row->entry, HA_PROTECT_ON);
		row = judge(&scene, 1000 + FDM_OFF_MS - 1);
		assert_int_equal(row->entry, HA_PROTECT_ON);
		row = judge(&scene, 1000 + FDM_OFF_MS);
		if ((row->entry == HA_PROTECT_OFF) != CASES[i].is_over) {
			fail_msg("%s: entry %d", CASES[i].what,
				 (int)row->entry);
		}
		assert_true(fdm_row_is_granted(row));
		end(&scene);
	}
}

/* The disk says so: now the ticket. By the UUID, where it was renamed. */
static void
ticket_follows_the_disk(void **state)
{
	struct scene scene;
	const struct fdm_row *row;
	GString *xml = fdm_tickets_begin();

	(void)state;
	begin(&scene, STOPPED, GRANTED, BOTH_OFF, OFF);
	(void)judge(&scene, 1000);
	row = judge(&scene, 1000 + FDM_OFF_MS);
	assert_false(fdm_row_is_granted(row));
	assert_true(fdm_ticket_differs(row, 4));
	fdm_tickets_add(xml, row, 5);
	assert_non_null(strstr(xml->str, "granted=\"false\" vmha-state=\"off\" "
					 "vmha-reason=\"powered-off\""));
	(void)g_string_free(xml, TRUE);
	end(&scene);
	/* And stays, without writing it again. */
	begin(&scene, STOPPED, TAKEN, BOTH_OFF, OFF);
	row = judge(&scene, 1000);
	assert_false(fdm_row_is_granted(row));
	assert_false(fdm_ticket_differs(row, 4));
	assert_true(fdm_is_powered_off(row->vm));
	end(&scene);
	/* Until its user starts it: at once. */
	begin(&scene, ROLE("Started"), TAKEN, BOTH_OFF, OFF);
	row = judge(&scene, 1000);
	assert_true(fdm_row_is_granted(row));
	assert_true(fdm_is_wanted(row->vm, row));
	assert_int_equal(row->entry, HA_PROTECT_ON);
	assert_int_equal(row->shown, HA_PROTECT_IS_COMING);
	end(&scene);
}

/* A host that joins probes it: that lets nothing go, what it finds does. */
static void
probe_opens_no_gate(void **state)
{
	static const struct {
		const char *role, *ticket;
	} CASES[] = {
		{ STOPPED, TAKEN },
		{ STOPPED, "" },
		{ ROLE("Started"), "" },
		{ ROLE("Started"), KEPT },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct scene scene;

		begin(&scene, CASES[i].role, CASES[i].ticket,
		      NODE("h1", "true", STOP_OP) NODE("h2", "true", PROBE_OP),
		      OFF);
		assert_false(fdm_row_is_granted(judge(&scene, 1000)));
		end(&scene);
		begin(&scene, CASES[i].role, CASES[i].ticket,
		      NODE("h1", "true", STOP_OP) NODE("h2", "true", FOUND_OP),
		      OFF);
		assert_true(fdm_row_is_granted(judge(&scene, 1000)));
		end(&scene);
	}
}

static void
cold_start(void **state)
{
	static const struct {
		const char *what, *role, *ticket, *list;
		bool is_granted, is_freed;
	} CASES[] = {
		{ "off, and the CIB says run", ROLE("Started"), "", OFF, false,
		  false },
		{ "the same, written", ROLE("Started"), KEPT, OFF, false,
		  false },
		{ "target-role was changed", "", KEPT, OFF, true, true },
		{ "its user has asked", ROLE("Started"), CALLED, OFF, true,
		  true },
		{ "stopped by its user meanwhile", STOPPED, KEPT, OFF, false,
		  true },
		{ "protected", ROLE("Started"), "", ON, true, false },
		{ "unknown", "", "", "[]", true, false },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		struct scene scene;
		const struct fdm_row *row;

		begin(&scene, CASES[i].role, CASES[i].ticket, "",
		      CASES[i].list);
		row = judge(&scene, 1000);
		if (fdm_row_is_granted(row) != CASES[i].is_granted ||
		    fdm_is_powered_off(row->vm) != CASES[i].is_freed) {
			fail_msg("%s: granted %d, freed %d", CASES[i].what,
				 (int)fdm_row_is_granted(row),
				 (int)fdm_is_powered_off(row->vm));
		}
		end(&scene);
	}
}

/* What it was kept off with stands in the ticket, so that a change is seen. */
static void
kept_ticket_names_the_role(void **state)
{
	struct scene scene;
	const struct fdm_row *row;
	GString *xml = fdm_tickets_begin();

	(void)state;
	begin(&scene, ROLE("Started"), "", "", OFF);
	row = judge(&scene, 1000);
	fdm_tickets_add(xml, row, 5);
	assert_non_null(strstr(xml->str, "vmha-reason=\"was-off\""));
	assert_non_null(strstr(xml->str, "vmha-role=\"Started\""));
	assert_false(fdm_is_wanted(row->vm, row));
	(void)g_string_free(xml, TRUE);
	end(&scene);
}

static void
nothing_is_written_unread(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, ROLE("Started"), "", "", "[]");
	scene.protect->is_read = false;
	assert_true(judge(&scene, 1000)->is_early);
	scene.protect->is_doubted = true;
	assert_false(judge(&scene, 1000)->is_early);
	end(&scene);
	begin(&scene, ROLE("Started"), GRANTED, "", "[]");
	scene.protect->is_read = false;
	assert_false(judge(&scene, 1000)->is_early);
	end(&scene);
}

static void
list_as_it_should_be(void **state)
{
	struct scene scene;
	GArray *priorities =
		g_array_new(FALSE, TRUE, sizeof(enum ha_restart_priority));
	enum ha_restart_priority medium = HA_RESTART_MEDIUM;
	json_t *list;

	(void)state;
	g_array_append_val(priorities, medium);
	begin(&scene, ROLE("Started"), GRANTED, "", "[]");
	(void)judge(&scene, 1000);
	list = fdm_protect_wanted(scene.rows, priorities, scene.facts);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(list, 0), "state")),
			    "protected");
	assert_false(fdm_protect_is_same(scene.protect, scene.rows, priorities,
					 scene.facts));
	fdm_protect_take(scene.protect, list, 5, 2);
	assert_true(fdm_protect_is_same(scene.protect, scene.rows, priorities,
					scene.facts));
	(void)json_object_set_new(json_array_get(list, 0), "state",
				  json_string("off"));
	fdm_protect_take(scene.protect, list, 5, 3);
	assert_false(fdm_protect_is_same(scene.protect, scene.rows, priorities,
					 scene.facts));
	/* One too many. */
	(void)json_object_set_new(json_array_get(list, 0), "state",
				  json_string("protected"));
	(void)json_array_append_new(
		list, json_pack("{s:s, s:s, s:s, s:i}", "uuid", "", "resource",
				"gone", "state", "off", "order", 1));
	fdm_protect_take(scene.protect, list, 5, 4);
	assert_false(fdm_protect_is_same(scene.protect, scene.rows, priorities,
					 scene.facts));
	json_decref(list);
	g_array_unref(priorities);
	end(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_off_needs_proof),
		cmocka_unit_test(ticket_follows_the_disk),
		cmocka_unit_test(probe_opens_no_gate),
		cmocka_unit_test(cold_start),
		cmocka_unit_test(kept_ticket_names_the_role),
		cmocka_unit_test(nothing_is_written_unread),
		cmocka_unit_test(list_as_it_should_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
