/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agents/FaultDomain/found_facts: which process belongs to which resource, and
 * what CIB and lists say of it at the time of a look. */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/found.h"
#include "ha/vmrecord.h"

#define A "96c1c197-4271-484c-b03e-380ddfaf8324"
#define B "0b1d3c1a-9a0b-4a7e-9d4f-6e9f4a0c2b11"
#define PAIR(name, value) "<nvpair name='" name "' value='" value "'/>"
#define VM(id, params)                                        \
	"<primitive id='" id "' class='ocf' provider='vmha' " \
	"type='VirtualMachine'><instance_attributes>" params  \
	"</instance_attributes></primitive>"
#define STATE(id, name, ops)                                      \
	"<node_state id='" id "' uname='" name "' in_ccm='true' " \
	"crmd='online' join='member' expected='member'><lrm>"     \
	"<lrm_resources><lrm_resource id='web1'>" ops             \
	"</lrm_resource></lrm_resources></lrm></node_state>"
#define STARTED                                                       \
	"<lrm_rsc_op id='web1_last_0' operation='start' call-id='5' " \
	"rc-code='0' op-status='0'/>"
#define PENDING                                                        \
	"<lrm_rsc_op id='web1_last_0' operation='start' call-id='-1' " \
	"rc-code='193' op-status='-1'/>"
#define STOPPED                                                      \
	"<lrm_rsc_op id='web1_last_0' operation='stop' call-id='6' " \
	"rc-code='0' op-status='0'/>"
#define NOT_THERE                                                        \
	"<lrm_rsc_op id='web1_last_0' operation='monitor' interval='0' " \
	"call-id='4' rc-code='7' op-status='0'/>"

struct scene {
	struct fdm_facts *facts;
	struct fdm_snap snap;
	GHashTable *identities;
	struct ha_qemu_seen seen[4];
	uint32_t count;
	struct fdm_sight *sight;
};

static void
add_host(struct scene *scene, const char *name, bool is_self)
{
	struct fdm_host host = {
		.slot = scene->snap.hosts->len,
		.is_self = is_self,
		.is_member = true,
		.is_fresh = true,
		.is_readable = true,
	};

	g_strlcpy(host.name, name, sizeof(host.name));
	host.list = g_new0(struct fdm_list, 1);
	g_atomic_ref_count_init(&host.list->refs);
	host.list->vms = g_array_new(FALSE, TRUE, sizeof(struct ha_listed_vm));
	g_array_append_val(scene->snap.hosts, host);
}

static void
begin(struct scene *scene, const char *resources, const char *on_h1,
      const char *on_h2)
{
	char *xml = g_strdup_printf(
		"<cib><configuration><nodes><node id='1' uname='h1'/>"
		"<node id='2' uname='h2'/></nodes><resources>%s</resources>"
		"</configuration><status>%s%s</status></cib>",
		resources, on_h1, on_h2);
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "cib", NULL, 0);

	assert_non_null(doc);
	*scene = (struct scene){ .facts = fdm_facts_new(doc) };
	g_free(xml);
	g_strlcpy(scene->snap.self, "h1", sizeof(scene->snap.self));
	scene->snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	scene->snap.holds = g_array_new(FALSE, TRUE, sizeof(struct fdm_hold));
	add_host(scene, "h1", true);
	add_host(scene, "h2", false);
	scene->identities =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void
list(struct scene *scene, guint host, const char *uuid, const char *resource,
     enum ha_listed_state state)
{
	struct fdm_list *at =
		g_array_index(scene->snap.hosts, struct fdm_host, host).list;
	struct ha_listed_vm vm = { .state = state, .since_generation = 42 };

	assert_int_equal(ha_uuid_parse(uuid, &vm.uuid), 0);
	g_strlcpy(vm.resource, resource, sizeof(vm.resource));
	g_array_append_val(at->vms, vm);
}

static void
qemu(struct scene *scene, const char *uuid, const char *name,
     const char *socket_of, bool is_named)
{
	struct ha_qemu_seen *seen = &scene->seen[scene->count++];

	seen->id.pid = 100 + (int)scene->count;
	g_strlcpy(seen->args.uuid, uuid, sizeof(seen->args.uuid));
	g_strlcpy(seen->args.name, name, sizeof(seen->args.name));
	if (socket_of) {
		ha_vm_qmp_path(socket_of, 7, seen->args.qmp_path);
	}
	seen->is_named = is_named;
}

static struct fdm_subject
look(struct scene *scene, const char *resource)
{
	if (scene->sight) {
		fdm_sight_free(scene->sight);
	}
	scene->sight = fdm_sight_new(scene->facts, &scene->snap, scene->seen,
				     scene->count, scene->identities);
	for (guint i = 0; i < scene->sight->subjects->len; i++) {
		const struct fdm_subject *subject = &g_array_index(
			scene->sight->subjects, struct fdm_subject, i);

		if (strcmp(subject->resource, resource) == 0) {
			return *subject;
		}
	}
	fail_msg("no subject %s", resource);
	return (struct fdm_subject){ .resource = NULL };
}

static void
end(struct scene *scene)
{
	fdm_sight_free(scene->sight);
	for (guint i = 0; i < scene->snap.hosts->len; i++) {
		fdm_list_unref(
			g_array_index(scene->snap.hosts, struct fdm_host, i)
				.list);
	}
	g_array_unref(scene->snap.hosts);
	g_array_unref(scene->snap.holds);
	g_hash_table_unref(scene->identities);
	fdm_facts_free(scene->facts);
}

/* By socket, UUID, list, what the config file said, and a confirmed name. */
static void
owners(void **state)
{
	static const struct {
		const char *params, *uuid, *name, *socket;
		bool is_listed, is_known, is_named, wanted;
	} CASES[] = {
		{ PAIR("uuid", A), A, "x", NULL, 0, 0, 0, true },
		{ PAIR("uuid", A), B, "web1", NULL, 0, 0, 1, false },
		{ PAIR("uuid", A), B, "x", "web1", 0, 0, 0, true },
		{ "", A, "x", "web1", 0, 0, 0, true },
		{ "", A, "x", NULL, 1, 0, 0, true },
		{ "", A, "x", NULL, 0, 1, 0, true },
		{ "", B, "web1", NULL, 0, 1, 1, false },
		{ PAIR("name", "web1"), A, "web1", NULL, 0, 0, 1, true },
		{ PAIR("name", "web1"), A, "web1", NULL, 0, 0, 0, false },
		{ PAIR("name", "web1"), A, "x", NULL, 0, 0, 1, false },
		{ "", A, "web1", NULL, 0, 0, 1, false },
		/* Its file, not read yet, may have another UUID. */
		{ PAIR("name", "web1") PAIR("config", "/c.xml"), A, "web1",
		  NULL, 0, 0, 1, false },
		{ PAIR("name", "web1") PAIR("config", "/c.xml"), A, "x", NULL,
		  0, 1, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		char *vm = g_strdup_printf(VM("web1", "%s"), CASES[i].params);
		struct fdm_subject web1;
		struct scene scene;

		begin(&scene, vm, STATE("1", "h1", ""), STATE("2", "h2", ""));
		qemu(&scene, CASES[i].uuid, CASES[i].name, CASES[i].socket,
		     CASES[i].is_named);
		if (CASES[i].is_listed) {
			list(&scene, 1, A, "web1", HA_LISTED_RELEASED);
		}
		if (CASES[i].is_known) {
			struct fdm_identity *known =
				g_new0(struct fdm_identity, 1);

			g_strlcpy(known->uuid, A, sizeof(known->uuid));
			g_strlcpy(known->name, "web1", sizeof(known->name));
			g_hash_table_insert(scene.identities, g_strdup("web1"),
					    known);
		}
		web1 = look(&scene, "web1");
		if (web1.facts.is_here != CASES[i].wanted) {
			fail_msg("case %zu", i);
		}
		assert_int_equal(scene.sight->foreign, !CASES[i].wanted);
		/* Only one whose identity may be unknown is asked for. */
		assert_int_equal(scene.sight->strangers->len,
				 !CASES[i].wanted && i > 2);
		end(&scene);
		g_free(vm);
	}
}

static void
pacemaker(void **state)
{
	static const struct {
		const char *here, *there;
		bool is_active, is_acting, is_untold;
	} CASES[] = {
		{ "", "", false, false, true },
		{ STARTED, "", true, false, false },
		{ STOPPED, STARTED, false, false, false },
		{ NOT_THERE, "", false, false, false },
		{ "", STARTED, false, false, true },
		{ "", PENDING, false, true, true },
		{ PENDING, "", true, true, true },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(CASES); i++) {
		char *h1 =
			g_strdup_printf(STATE("1", "h1", "%s"), CASES[i].here);
		char *h2 =
			g_strdup_printf(STATE("2", "h2", "%s"), CASES[i].there);
		struct fdm_subject web1;
		struct scene scene;

		begin(&scene, VM("web1", PAIR("uuid", A)), h1, h2);
		web1 = look(&scene, "web1");
		assert_true(web1.facts.is_sure);
		assert_true(web1.facts.is_configured);
		assert_false(web1.facts.is_here);
		assert_int_equal(web1.facts.is_active, CASES[i].is_active);
		assert_int_equal(web1.facts.is_acting, CASES[i].is_acting);
		assert_int_equal(web1.facts.is_untold, CASES[i].is_untold);
		end(&scene);
		g_free(h1);
		g_free(h2);
	}
}

static void
lists(void **state)
{
	struct fdm_subject web1;
	struct fdm_host *h2;
	struct scene scene;

	(void)state;
	begin(&scene, VM("web1", PAIR("uuid", A)), STATE("1", "h1", ""),
	      STATE("2", "h2", ""));
	list(&scene, 0, A, "older-name", HA_LISTED_RUNNING);
	list(&scene, 1, B, "web1", HA_LISTED_OUTGOING);
	web1 = look(&scene, "web1");
	assert_int_equal(web1.facts.entry, HA_FOUND_LISTED);
	assert_string_equal(web1.uuid, A);
	assert_int_equal(web1.since, 42);
	assert_int_equal(web1.facts.other, HA_FOUND_PASSING);
	assert_string_equal(web1.other, "h2");

	/* A host that is gone, or that nobody hears, lists nothing that runs
	 * now for certain. */
	h2 = &g_array_index(scene.snap.hosts, struct fdm_host, 1);
	h2->is_gone = true;
	assert_int_equal(look(&scene, "web1").facts.other, HA_FOUND_UNLISTED);
	h2->is_gone = false;
	h2->is_member = false;
	assert_int_equal(look(&scene, "web1").facts.other, HA_FOUND_PASSING);
	h2->is_fresh = false;
	assert_int_equal(look(&scene, "web1").facts.other, HA_FOUND_UNLISTED);

	/* This host's own list must be the one of now. */
	g_array_index(scene.snap.hosts, struct fdm_host, 0).is_readable = false;
	assert_false(look(&scene, "web1").facts.is_sure);
	end(&scene);
}

static void
left_behind(void **state)
{
	struct fdm_subject gone;
	struct scene scene;

	(void)state;
	begin(&scene, VM("web2", PAIR("uuid", B)), STATE("1", "h1", ""),
	      STATE("2", "h2", ""));
	qemu(&scene, A, "web1", "web1", true);
	list(&scene, 0, A, "web1", HA_LISTED_RUNNING);
	gone = look(&scene, "web1");
	assert_true(gone.facts.is_here);
	assert_true(gone.facts.is_ours);
	assert_false(gone.facts.is_configured);
	assert_int_equal(gone.facts.entry, HA_FOUND_LISTED);
	assert_int_equal(gone.qemu->id.pid, 101);
	assert_int_equal(scene.sight->foreign, 0);
	end(&scene);

	/* Renamed while it ran: its UUID tells, and the old entry, though
	 * nobody is called so any more, has a process. */
	begin(&scene, VM("web2", PAIR("uuid", A)), STATE("1", "h1", ""),
	      STATE("2", "h2", ""));
	qemu(&scene, A, "web1", "web1", true);
	list(&scene, 0, A, "web1", HA_LISTED_RUNNING);
	assert_true(look(&scene, "web1").facts.is_here);
	assert_null(look(&scene, "web1").qemu);
	assert_int_equal(look(&scene, "web2").facts.entry, HA_FOUND_LISTED);
	assert_true(look(&scene, "web2").facts.is_here);
	end(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners),
		cmocka_unit_test(pacemaker),
		cmocka_unit_test(lists),
		cmocka_unit_test(left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
