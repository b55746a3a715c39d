/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agents/FaultDomain: heartbeatd's answers and the CIB become rows, and rows
 * become tickets. The decision itself is tested in tests/unit/ticket_test.c. */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/fdm.h"

#define UUID "96c1c197-4271-484c-b03e-380ddfaf8324"
#define OTHER "00000000-0000-4000-8000-000000000001"

struct scene {
	struct fdm_snap snap;
	struct fdm_facts *facts;
	GArray *rows;
};

/* The one VM is web1, with that ticket. */
static void
begin(struct scene *scene, const char *ticket, const char *hosts)
{
	char *xml = g_strdup_printf(
		"<cib><configuration><resources><primitive id='web1' "
		"class='ocf' provider='vmha' type='VirtualMachine'>"
		"<instance_attributes><nvpair name='uuid' value='" UUID
		"'/></instance_attributes></primitive></resources>"
		"<constraints><rsc_ticket id='g' rsc='web1' "
		"ticket='vmha-web1' loss-policy='freeze'/></constraints>"
		"</configuration><status><tickets>%s</tickets></status></cib>",
		ticket);
	char *text = g_strdup_printf(
		"{\"self\":{\"host\":\"h1\", \"quorate\":true},"
		"\"timing\":{\"beat_ms\":500, \"tolerance_ms\":500},"
		"\"hosts\":[{\"name\":\"h1\", \"slot\":0, \"self\":true,"
		"\"incarnation\":1, \"state\":\"live\"}, %s]}",
		hosts);
	json_t *answer = json_loads(text, 0, NULL);

	memset(scene, 0, sizeof(*scene));
	scene->snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	scene->snap.holds = g_array_new(FALSE, TRUE, sizeof(struct fdm_hold));
	scene->snap.are_holds_read = true;
	assert_non_null(answer);
	assert_true(fdm_snap_read_status(&scene->snap, answer));
	json_decref(answer);
	scene->facts = fdm_facts_new(
		xmlReadMemory(xml, (int)strlen(xml), "", NULL, 0));
	g_free(text);
	g_free(xml);
}

static struct fdm_host *
host_at(struct scene *scene, guint index)
{
	return &g_array_index(scene->snap.hosts, struct fdm_host, index);
}

static void
list(struct scene *scene, guint index, const char *vms)
{
	char *text = g_strdup_printf("{\"incarnation\":2, \"generation\":7, "
				     "\"current\":true, \"vms\":[%s]}",
				     vms);
	json_t *answer = json_loads(text, 0, NULL);
	bool is_current = false;

	host_at(scene, index)->list = fdm_list_read(answer, &is_current);
	host_at(scene, index)->is_readable = is_current;
	assert_non_null(host_at(scene, index)->list);
	json_decref(answer);
	g_free(text);
}

static void
hold(struct scene *scene, const char *kind, int generation)
{
	json_t *answer =
		json_pack("{s:[{s:s, s:s, s:s, s:i, s:i, s:i, s:s}]}", "holds",
			  "resource", "web1", "kind", kind, "owner", "h2",
			  "owner_incarnation", 2, "owner_generation",
			  generation, "term", 1, "by", "h1");

	assert_true(fdm_snap_read_holds(&scene->snap, answer));
	json_decref(answer);
}

static const struct fdm_row *
project(struct scene *scene)
{
	scene->rows = fdm_project(scene->facts, &scene->snap);
	assert_int_equal(scene->rows->len, 1);
	return &g_array_index(scene->rows, struct fdm_row, 0);
}

static void
end(struct scene *scene)
{
	for (guint i = 0; i < scene->snap.hosts->len; i++) {
		fdm_list_unref(host_at(scene, i)->list);
	}
	g_array_unref(scene->snap.hosts);
	g_array_unref(scene->snap.holds);
	if (scene->rows) {
		g_array_unref(scene->rows);
	}
	fdm_facts_free(scene->facts);
}

#define GRANTED                                        \
	"<ticket_state id='vmha-web1' granted='true' " \
	"vmha-state='granted' vmha-reason='free' vmha-owner='' vmha-term='4'/>"
#define HELD                                            \
	"<ticket_state id='vmha-web1' granted='false' " \
	"vmha-state='held' vmha-reason='held' vmha-owner='h2' vmha-term='4'/>"
#define H2(more)                                                          \
	"{\"name\":\"h2\", \"slot\":1, \"incarnation\":2, "               \
	"\"list_generation\":7, \"proof\":\"alive\", \"seen_age_ms\":300" \
	", " more "}"
#define CUT "\"member\":false, \"gone\":false, \"flags\":[\"sealed\"]"
#define BACK "\"member\":true, \"gone\":false, \"flags\":[\"sealed\"]"
#define DEAD "\"member\":false, \"gone\":true, \"flags\":[\"sealed\"]"
#define RUNS(uuid, name)                                      \
	"{\"uuid\":\"" uuid "\", \"resource\":\"" name "\", " \
	"\"state\":\"running\"}"
#define RELEASED                                          \
	"{\"uuid\":\"" UUID "\", \"resource\":\"web1\", " \
	"\"state\":\"released\"}"

static void
cut_off(void **state)
{
	struct scene scene;
	const struct fdm_row *row;

	(void)state;
	begin(&scene, GRANTED, H2(CUT));
	list(&scene, 1, RUNS(UUID, "web1"));
	row = project(&scene);
	assert_false(row->verdict.is_granted);
	assert_true(row->verdict.wants_hold);
	assert_string_equal(row->owner->name, "h2");
	assert_true(fdm_ticket_differs(row, 4));
	end(&scene);

	begin(&scene, HELD, H2(CUT));
	list(&scene, 1, RUNS(UUID, "web1"));
	hold(&scene, "owner", 7);
	row = project(&scene);
	assert_false(row->verdict.is_granted);
	assert_false(row->verdict.wants_hold);
	assert_false(fdm_ticket_differs(row, 4));
	assert_true(fdm_ticket_differs(row, 5));
	assert_int_equal(fdm_holds_of(&scene.snap, host_at(&scene, 1)), 1);
	end(&scene);
}

/* By UUID under another name, and by name under another UUID. */
static void
known_by(void **state)
{
	static const char *const ENTRIES[] = { RUNS(UUID, "older-name"),
					       RUNS(OTHER, "web1") };
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(ENTRIES); i++) {
		begin(&scene, GRANTED, H2(CUT));
		list(&scene, 1, ENTRIES[i]);
		assert_true(project(&scene)->verdict.wants_hold);
		end(&scene);
	}
	begin(&scene, GRANTED, H2(CUT));
	list(&scene, 1, RUNS(OTHER, "web2"));
	assert_true(project(&scene)->verdict.is_granted);
	end(&scene);
}

static void
given_back(void **state)
{
	struct scene scene;
	const struct fdm_row *row;

	(void)state;
	begin(&scene, HELD, H2(BACK));
	list(&scene, 1, RUNS(UUID, "web1"));
	hold(&scene, "owner", 7);
	row = project(&scene);
	assert_true(row->verdict.is_granted);
	assert_true(row->verdict.wants_lift);
	assert_non_null(row->lift);
	assert_int_equal(row->lift->hold.owner_generation, 7);
	assert_true(fdm_ticket_differs(row, 4));
	end(&scene);

	begin(&scene, HELD, H2(BACK));
	list(&scene, 1, RUNS(UUID, "web1"));
	hold(&scene, "owner", 7);
	hold(&scene, "lifted", 7);
	assert_false(project(&scene)->verdict.wants_lift);
	assert_int_equal(fdm_holds_of(&scene.snap, host_at(&scene, 1)), 0);
	end(&scene);

	/* An older lift does not end a newer hold. */
	begin(&scene, HELD, H2(CUT));
	list(&scene, 1, RUNS(UUID, "web1"));
	hold(&scene, "owner", 7);
	hold(&scene, "lifted", 6);
	assert_false(project(&scene)->verdict.is_granted);
	assert_int_equal(fdm_holds_of(&scene.snap, host_at(&scene, 1)), 1);
	end(&scene);
}

/* SAFETY 26: what the record says stands on the list, as heartbeatd shows it; by
 * itself it neither holds nor frees. */
static void
written_down(void **state)
{
	static const char *const WHERE[] = { H2(CUT), H2(BACK) };
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(WHERE); i++) {
		begin(&scene, HELD, WHERE[i]);
		list(&scene, 1, RELEASED);
		hold(&scene, "released", 7);
		assert_true(project(&scene)->verdict.is_granted);
		assert_false(project(&scene)->verdict.wants_lift);
		assert_int_equal(fdm_holds_of(&scene.snap, host_at(&scene, 1)),
				 0);
		end(&scene);
	}
	begin(&scene, HELD, H2(CUT));
	list(&scene, 1, RUNS(UUID, "web1"));
	hold(&scene, "released", 7);
	assert_false(project(&scene)->verdict.is_granted);
	end(&scene);

	/* It ends no hold. */
	begin(&scene, HELD, H2(CUT));
	list(&scene, 1, RUNS(UUID, "web1"));
	hold(&scene, "owner", 7);
	hold(&scene, "released", 7);
	assert_false(project(&scene)->verdict.is_granted);
	assert_int_equal(fdm_holds_of(&scene.snap, host_at(&scene, 1)), 1);
	end(&scene);
}

static void
let_go(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, HELD, H2(CUT));
	list(&scene, 1, RELEASED);
	hold(&scene, "owner", 6);
	assert_true(project(&scene)->verdict.is_granted);
	end(&scene);

	begin(&scene, HELD, H2(DEAD));
	list(&scene, 1, RUNS(UUID, "web1"));
	hold(&scene, "owner", 7);
	assert_true(project(&scene)->verdict.is_granted);
	end(&scene);

	/* What heartbeatd does not say is no good news. */
	begin(&scene, HELD, H2("\"flags\":[]"));
	list(&scene, 1, "");
	hold(&scene, "owner", 7);
	assert_false(project(&scene)->verdict.is_granted);
	end(&scene);
}

static guint
orphans(struct scene *scene)
{
	GArray *found = fdm_orphans(scene->facts, &scene->snap);
	guint count = found->len;

	for (guint i = 0; i < count; i++) {
		assert_non_null(
			g_array_index(found, struct fdm_orphan, i).lift);
	}
	g_array_unref(found);
	return count;
}

static void
hold_other(struct scene *scene, const char *resource, const char *uuid)
{
	json_t *answer = json_pack(
		"{s:[{s:s, s:s, s:s, s:s, s:i, s:i, s:i}]}", "holds",
		"resource", resource, "uuid", uuid, "kind", "owner", "owner",
		"h2", "owner_incarnation", 2, "owner_generation", 7, "term", 1);

	assert_true(fdm_snap_read_holds(&scene->snap, answer));
	json_decref(answer);
}

/* The resource was deleted, renamed or lost its gate while its host was
 * away: nobody but the hold itself asks for its end. */
static void
without_a_row(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, GRANTED, H2(BACK));
	list(&scene, 1, RUNS(OTHER, "deleted"));
	hold_other(&scene, "deleted", OTHER);
	assert_int_equal(fdm_holds_of(&scene.snap, host_at(&scene, 1)), 1);
	assert_int_equal(orphans(&scene), 1);
	/* ungated */
	g_array_index(scene.facts->vms, struct fdm_vm, 0).is_gated = false;
	hold(&scene, "owner", 7);
	assert_int_equal(orphans(&scene), 2);
	end(&scene);

	/* A row asks for these: by name, and by UUID under another one. */
	begin(&scene, GRANTED, H2(BACK));
	list(&scene, 1, "");
	hold(&scene, "owner", 7);
	hold_other(&scene, "older-name", UUID);
	assert_int_equal(orphans(&scene), 0);
	end(&scene);

	/* It binds as long as any other. */
	begin(&scene, GRANTED, H2(CUT));
	list(&scene, 1, RUNS(OTHER, "deleted"));
	hold_other(&scene, "deleted", OTHER);
	assert_int_equal(orphans(&scene), 0);
	host_at(&scene, 1)->is_member = true;
	host_at(&scene, 1)->is_readable = false;
	assert_int_equal(orphans(&scene), 0);
	end(&scene);

	begin(&scene, GRANTED, H2(DEAD));
	hold_other(&scene, "deleted", OTHER);
	assert_int_equal(orphans(&scene), 1);
	end(&scene);
}

/* What a list that nobody can read may say is not "free". */
static void
unread(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, HELD, H2(CUT));
	assert_true(project(&scene)->verdict.is_granted);
	assert_true(g_array_index(scene.rows, struct fdm_row, 0).is_unsure);
	end(&scene);

	/* A stale list that does not name it. */
	begin(&scene, HELD, H2(CUT));
	list(&scene, 1, "");
	host_at(&scene, 1)->is_readable = false;
	assert_true(project(&scene)->is_unsure);
	end(&scene);

	begin(&scene, HELD, H2(CUT));
	list(&scene, 1, "");
	assert_false(project(&scene)->is_unsure);
	end(&scene);

	begin(&scene, HELD, H2(DEAD));
	assert_false(project(&scene)->is_unsure);
	end(&scene);

	begin(&scene, HELD, H2(BACK));
	assert_false(project(&scene)->is_unsure);
	end(&scene);

	/* SAFETY 21: it runs on a member, whatever others hide. */
	begin(&scene, HELD, H2(CUT));
	list(&scene, 0, RUNS(UUID, "web1"));
	assert_false(project(&scene)->is_unsure);
	end(&scene);
}

/* SAFETY section 4: an open migration may end on either side; only a list that
 * names the VM tells. */
static void
migrating(void **state)
{
	struct fdm_migration one = { "web1", "h1", "h2" };
	struct scene scene;

	(void)state;
	begin(&scene, GRANTED, H2(CUT));
	list(&scene, 1, "");
	assert_null(fdm_open_migration(scene.facts, host_at(&scene, 1)));
	g_array_append_val(scene.facts->migrations, one);
	assert_non_null(fdm_open_migration(scene.facts, host_at(&scene, 1)));
	one.source = "h2";
	one.target = "h3";
	g_array_index(scene.facts->migrations, struct fdm_migration, 0) = one;
	assert_non_null(fdm_open_migration(scene.facts, host_at(&scene, 1)));
	assert_null(fdm_open_migration(scene.facts, host_at(&scene, 0)));
	fdm_list_unref(host_at(&scene, 1)->list);
	list(&scene, 1, RELEASED);
	assert_null(fdm_open_migration(scene.facts, host_at(&scene, 1)));
	end(&scene);
}

static void
not_understood(void **state)
{
	struct scene scene;
	json_t *answer = json_pack("{s:[{s:s, s:s, s:s}]}", "holds", "resource",
				   "web1", "kind", "newer", "owner", "h2");
	json_t *empty = json_object();
	bool is_current;

	(void)state;
	begin(&scene, GRANTED, H2(CUT));
	assert_false(fdm_snap_read_holds(&scene.snap, answer));
	assert_false(fdm_snap_read_holds(&scene.snap, empty));
	assert_false(fdm_snap_read_status(&scene.snap, empty));
	assert_null(fdm_list_read(empty, &is_current));
	json_decref(answer);
	answer = json_pack("{s:[{s:s, s:s, s:s}]}", "vms", "uuid", UUID,
			   "resource", "web1", "state", "newer");
	assert_null(fdm_list_read(answer, &is_current));
	json_decref(answer);
	json_decref(empty);
	end(&scene);
}

static void
as_xml(void **state)
{
	struct scene scene;
	GString *xml = fdm_tickets_begin();
	xmlDoc *doc;

	(void)state;
	begin(&scene, GRANTED, H2(CUT));
	list(&scene, 1, RUNS(UUID, "web1"));
	hold(&scene, "owner", 7);
	fdm_tickets_add(xml, project(&scene), 9);
	fdm_tickets_end(xml);
	doc = xmlReadMemory(xml->str, (int)xml->len, "", NULL, 0);
	assert_non_null(doc);
	assert_non_null(strstr(
		xml->str, "<ticket_state id=\"vmha-web1\" "
			  "granted=\"false\" vmha-state=\"held\" "
			  "vmha-reason=\"held\" vmha-owner=\"h2\" "
			  "vmha-term=\"9\" vmha-attempt=\"0\" vmha-cause=\"\" "
			  "vmha-not-before=\"0\"/>"));
	xmlFreeDoc(doc);
	(void)g_string_free(xml, TRUE);
	end(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut_off),
		cmocka_unit_test(known_by),
		cmocka_unit_test(given_back),
		cmocka_unit_test(let_go),
		cmocka_unit_test(written_down),
		cmocka_unit_test(not_understood),
		cmocka_unit_test(as_xml),
		cmocka_unit_test(without_a_row),
		cmocka_unit_test(unread),
		cmocka_unit_test(migrating),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
