/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain: from the CIB's history and heartbeatd's lists to VMs that
 * wait, as a story on a virtual clock. The decision itself is tested in
 * restart_test.c.
 */
#include "unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/fdm.h"

#define VMS_MAX 8
#define BEAT_MS 1000u
#define T0 100000u

/* What a VM is at one moment. */
struct vm {
	const char *id;
	const char *params; /* nvpairs */
	const char *role;   /* target-role; NULL: none */
	int ticket;         /* -1: none, 0: revoked, 1: granted */
	int attempt;
	const char *at;                 /* host of its history; NULL: h1 */
	const char *past;               /* enum of PASTS below; NULL: none */
	const char *listed_at, *listed; /* NULL: on no list */
};

struct scene {
	struct fdm_restart *restart;
	struct fdm_facts *facts;
	struct fdm_snap snap;
	GArray *rows;
	const char *policy; /* nvpairs of the FaultDomain */
	bool is_h2_out;     /* left and not fenced yet, for Pacemaker */
	bool is_h2_dead;
	bool is_h2_lost; /* neither member nor dead, and sealed */
	struct vm vms[VMS_MAX];
};

#define PAIR(name, value) "<nvpair name='" name "' value='" value "'/>"
#define OP(id, op, call, rc, status)                     \
	"<lrm_rsc_op id='" id "' operation='" op         \
	"' interval='0' call-id='" call "' rc-code='" rc \
	"' op-status='" status "'/>"
#define UP OP("x_start_0", "start", "5", "0", "0")
#define OFF OP("x_stop_0", "stop", "9", "0", "0")
#define STARTS OP("x_start_0", "start", "-1", "193", "-1")
#define FAILED                                         \
	OP("x_last_failure_0", "start", "8", "1", "4") \
	OFF
#define REFUSED                                                            \
	"<lrm_rsc_op id='x_last_failure_0' operation='start' call-id='8' " \
	"rc-code='1' op-status='4' exit-reason=\"can't announce it\"/>" OFF

static void
add_states(struct scene *s, GString *xml)
{
	static const char *const HOSTS[] = { "h1", "h2", "h3" };

	for (size_t h = 0; h < N_ELEMENTS(HOSTS); h++) {
		bool is_out = h == 1 && (s->is_h2_out || s->is_h2_dead);

		g_string_append_printf(
			xml,
			"<node_state id='%zu' uname='%s' in_ccm='%s' "
			"crmd='%s' expected='%s'><lrm><lrm_resources>",
			h + 1, HOSTS[h], is_out ? "false" : "true",
			is_out ? "offline" : "online",
			h == 1 && s->is_h2_dead ? "down" : "member");
		for (size_t i = 0; i < VMS_MAX && s->vms[i].id; i++) {
			const struct vm *vm = &s->vms[i];

			/* Fencing erases the history. */
			if (vm->past && !(h == 1 && s->is_h2_dead) &&
			    strcmp(vm->at ? vm->at : "h1", HOSTS[h]) == 0) {
				g_string_append_printf(
					xml,
					"<lrm_resource id='%s' class='ocf' "
					"provider='vmha' "
					"type='VirtualMachine'>%s"
					"</lrm_resource>",
					vm->id, vm->past);
			}
		}
		g_string_append(xml, "</lrm_resources></lrm></node_state>");
	}
}

static xmlDoc *
cib_of(struct scene *s)
{
	GString *xml = g_string_new(
		"<cib have-quorum='1' dc-uuid='1'><configuration><nodes>"
		"<node id='1' uname='h1'/><node id='2' uname='h2'/>"
		"<node id='3' uname='h3'/></nodes><resources>");
	GString *gates = g_string_new("</resources><constraints>");
	GString *tickets = g_string_new("<tickets>");
	xmlDoc *doc;

	g_string_append_printf(
		xml,
		"<clone id='c'><primitive id='fdm' class='ocf' "
		"provider='vmha' type='FaultDomain'><instance_attributes>%s"
		"</instance_attributes></primitive></clone>",
		s->policy ? s->policy : "");
	for (size_t i = 0; i < VMS_MAX && s->vms[i].id; i++) {
		const struct vm *vm = &s->vms[i];

		g_string_append_printf(
			xml,
			"<primitive id='%s' class='ocf' provider='vmha' "
			"type='VirtualMachine'><meta_attributes>"
			"<nvpair name='target-role' value='%s'/>"
			"</meta_attributes><instance_attributes>%s"
			"</instance_attributes></primitive>",
			vm->id, vm->role ? vm->role : "Started",
			vm->params ? vm->params : "");
		g_string_append_printf(
			gates,
			"<rsc_ticket id='g-%s' rsc='%s' ticket='vmha-%s' "
			"loss-policy='freeze'/>",
			vm->id, vm->id, vm->id);
		if (vm->ticket >= 0) {
			g_string_append_printf(
				tickets,
				"<ticket_state id='vmha-%s' granted='%s' "
				"vmha-state='%s' vmha-term='1' "
				"vmha-attempt='%d'/>",
				vm->id, vm->ticket ? "true" : "false",
				vm->ticket ? "granted" : "waiting",
				vm->attempt);
		}
	}
	g_string_append_printf(xml,
			       "%s</constraints></configuration><status>%s"
			       "</tickets>",
			       gates->str, tickets->str);
	add_states(s, xml);
	g_string_append(xml, "</status></cib>");
	doc = xmlReadMemory(xml->str, (int)xml->len, "", NULL, 0);
	(void)g_string_free(tickets, TRUE);
	(void)g_string_free(gates, TRUE);
	(void)g_string_free(xml, TRUE);
	assert_non_null(doc);
	return doc;
}

static void
snap_of(struct scene *s)
{
	static const char *const HOSTS[] = { "h1", "h2", "h3" };

	s->snap = (struct fdm_snap){ .are_holds_read = true };
	s->snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	s->snap.holds = g_array_new(FALSE, TRUE, sizeof(struct fdm_hold));
	for (uint32_t h = 0; h < N_ELEMENTS(HOSTS); h++) {
		bool is_out = h == 1 && (s->is_h2_dead || s->is_h2_lost);
		struct fdm_host host = {
			.slot = h,
			.incarnation = 1,
			.generation = 1,
			.is_member = !is_out,
			.is_gone = is_out && s->is_h2_dead,
			.is_sealed = is_out,
			.is_readable = true,
		};
		json_t *list =
			json_pack("{s:i, s:i, s:b, s:[]}", "incarnation", 1,
				  "generation", 1, "current", 1, "vms");
		bool is_current;

		g_strlcpy(host.name, HOSTS[h], sizeof(host.name));
		for (uint32_t i = 0; i < VMS_MAX && s->vms[i].id; i++) {
			const struct vm *vm = &s->vms[i];
			char uuid[37];

			(void)snprintf(uuid, sizeof(uuid),
				       "00000000-0000-4000-8000-%012u", i + 1);
			if (vm->listed &&
			    strcmp(vm->listed_at, HOSTS[h]) == 0) {
				(void)json_array_append_new(
					json_object_get(list, "vms"),
					json_pack("{s:s, s:s, s:s}", "uuid",
						  uuid, "resource", vm->id,
						  "state", vm->listed));
			}
		}
		host.list = fdm_list_read(list, &is_current);
		assert_non_null(host.list);
		json_decref(list);
		g_array_append_val(s->snap.hosts, host);
	}
}

static void
forget(struct scene *s)
{
	for (guint i = 0; s->snap.hosts && i < s->snap.hosts->len; i++) {
		fdm_list_unref(
			g_array_index(s->snap.hosts, struct fdm_host, i).list);
	}
	g_clear_pointer(&s->snap.hosts, g_array_unref);
	g_clear_pointer(&s->snap.holds, g_array_unref);
	g_clear_pointer(&s->rows, g_array_unref);
	fdm_facts_free(s->facts);
	s->facts = NULL;
}

/* A new copy, a new snapshot, one look. */
static void
look(struct scene *s, uint64_t now_ms)
{
	forget(s);
	if (!s->restart) {
		s->restart = fdm_restart_new();
	}
	s->facts = fdm_facts_new(cib_of(s));
	snap_of(s);
	fdm_restart_configure(s->restart, s->facts);
	s->rows = fdm_project(s->facts, &s->snap);
	fdm_restart_judge(s->restart, s->facts, &s->snap, s->rows, now_ms);
}

static void
end(struct scene *s)
{
	forget(s);
	fdm_restart_free(s->restart);
}

/* The daemon was replaced by another one: nothing but the CIB is left. */
static void
lose_memory(struct scene *s)
{
	fdm_restart_free(s->restart);
	s->restart = NULL;
}

static const struct fdm_row *
row(const struct scene *s, const char *id)
{
	for (guint i = 0; i < s->rows->len; i++) {
		const struct fdm_row *one =
			&g_array_index(s->rows, struct fdm_row, i);

		if (strcmp(one->vm->resource, id) == 0) {
			return one;
		}
	}
	fail_msg("no row of %s", id);
	return NULL;
}

#define assert_waits(s, id, reason)                                 \
	do {                                                        \
		assert_true(row(s, id)->waits);                     \
		assert_string_equal(                                \
			ha_restart_why_name(row(s, id)->waits_why), \
			ha_restart_why_name(reason));               \
		assert_false(fdm_row_is_granted(row(s, id)));       \
	} while (0)
#define assert_granted(s, id, number)                          \
	do {                                                   \
		assert_false(row(s, id)->waits);               \
		assert_true(fdm_row_is_granted(row(s, id)));   \
		assert_int_equal(row(s, id)->attempt, number); \
	} while (0)

static void
assert_text(const struct scene *s, const char *id, uint64_t now_ms,
	    const char *words)
{
	char text[HA_ERR_TEXT];

	fdm_restart_text(s->restart, s->facts, id, now_ms, text, sizeof(text));
	if (!strstr(text, words)) {
		fail_msg("\"%s\" is not in \"%s\"", words, text);
	}
}

/* It runs on h2, by history and list. */
#define ON_H2(name, more)                                                \
	{                                                                \
		.id = (name), .params = (more), .ticket = 1, .at = "h2", \
		.past = UP, .listed_at = "h2", .listed = "running"       \
	}

static void
h2_dies(struct scene *s)
{
	s->is_h2_out = false;
	s->is_h2_dead = true;
}

static void
comes_up(struct vm *vm)
{
	vm->at = "h3";
	vm->past = UP;
	vm->listed_at = "h3";
	vm->listed = "running";
}

#define PRIORITY(name) PAIR("restart_priority", name)
#define DEPENDS(names) PAIR("restart_depends", names)

/* ---- nothing is configured ------------------------------------------------ */

static void
a_death_costs_no_ticket_by_default(void **state)
{
	struct scene s = { .vms = { ON_H2("a", ""), ON_H2("b", ""),
				    ON_H2("c", "") } };

	(void)state;
	look(&s, T0);
	assert_false(s.restart->has_order);
	h2_dies(&s);
	for (int i = 0; i < 3; i++) {
		look(&s, T0 + 1000 + 100 * (uint64_t)i);
		for (guint j = 0; j < s.rows->len; j++) {
			const struct fdm_row *one =
				&g_array_index(s.rows, struct fdm_row, j);

			assert_false(one->waits);
			assert_false(fdm_ticket_differs(one, 1));
		}
	}
	comes_up(&s.vms[0]);
	look(&s, T0 + 3000);
	assert_false(fdm_ticket_differs(row(&s, "a"), 1));
	end(&s);
}

/* ---- order ------------------------------------------------------------------ */

static void
priorities(void **state)
{
	struct scene s = { .vms = { ON_H2("low", PRIORITY("low")),
				    ON_H2("db", PRIORITY("high")),
				    ON_H2("mid", "") } };

	(void)state;
	look(&s, T0);
	assert_true(s.restart->has_order);
	assert_granted(&s, "low", 0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "db", 1);
	assert_waits(&s, "mid", HA_RESTART_WAITS_PRIORITY);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	assert_true(fdm_ticket_differs(row(&s, "low"), 1));
	assert_text(&s, "low", T0 + 13000,
		    "waits for priority high: db is being started (since 12 s");
	s.vms[0].ticket = s.vms[2].ticket = 0;
	s.vms[1].attempt = 1;
	s.vms[1].at = "h3";
	s.vms[1].past = STARTS;
	look(&s, T0 + 2000);
	assert_waits(&s, "mid", HA_RESTART_WAITS_PRIORITY);
	comes_up(&s.vms[1]);
	look(&s, T0 + 3000);
	assert_granted(&s, "mid", 1);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	end(&s);
}

/* Else a master that dies in the midst of a wave would let all go. */
static void
a_new_master_keeps_the_order(void **state)
{
	struct scene s = { .vms = {
				   ON_H2("low", PRIORITY("low")),
				   ON_H2("db",
					 PRIORITY("high") PAIR(
						 "ready_condition",
						 "powered-on")
						 PAIR("ready_delay", "60s")),
			   } };

	(void)state;
	h2_dies(&s);
	s.vms[0].ticket = 0;
	s.vms[1].attempt = 1;
	comes_up(&s.vms[1]);
	look(&s, T0);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	assert_text(&s, "low", T0, "db is not ready");
	assert_text(&s, "low", T0, "at most 600 s");
	look(&s, T0 + 59000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	look(&s, T0 + 61000);
	assert_granted(&s, "low", 1);
	end(&s);
}

static void
dependencies(void **state)
{
	struct scene s = { .vms = { ON_H2("app", DEPENDS("db")),
				    ON_H2("db", "") } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "db", 1);
	assert_waits(&s, "app", HA_RESTART_WAITS_DEPENDENCY);
	assert_text(&s, "app", T0 + 1000, "waits for db, on which it depends");
	s.vms[0].ticket = 0;
	s.vms[1].attempt = 1;
	comes_up(&s.vms[1]);
	look(&s, T0 + 2000);
	assert_granted(&s, "app", 1);
	/* Its user stops what it needs. */
	s.vms[1] = (struct vm){ .id = "db", .role = "Stopped", .ticket = 1 };
	look(&s, T0 + 3000);
	assert_waits(&s, "app", HA_RESTART_WAITS_DEPENDENCY);
	assert_text(&s, "app", T0 + 3000, "Start that one");
	end(&s);
}

/* SAFETY 21, and a start that Pacemaker has begun. */
static void
what_runs_or_starts_never_waits(void **state)
{
	struct scene s = { .vms = { ON_H2("low", PRIORITY("low")),
				    ON_H2("db", PRIORITY("high")),
				    ON_H2("two", PRIORITY("low")) } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	s.vms[0].at = "h3";
	s.vms[0].past = STARTS;
	s.vms[2].past = NULL;
	s.vms[2].listed_at = "h3";
	s.vms[2].listed = "starting";
	look(&s, T0 + 1000);
	assert_granted(&s, "low", 1);
	assert_granted(&s, "two", 1);
	s.vms[0].ticket = 0; /* somebody was too late */
	comes_up(&s.vms[0]);
	look(&s, T0 + 2000);
	assert_granted(&s, "low", 1);
	end(&s);
}

/* ---- attempts --------------------------------------------------------------- */

static void
failed_starts(void **state)
{
	struct scene s = { .vms = { ON_H2("a", "") } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "a", 0);
	s.vms[0].at = "h1";
	s.vms[0].past = FAILED;
	s.vms[0].listed = NULL;
	look(&s, T0 + 2000);
	assert_granted(&s, "a", 0); /* Pacemaker tries the next host */
	s.vms[0].past = STARTS;
	look(&s, T0 + 4000);
	s.vms[0].past = FAILED;
	look(&s, T0 + 8999);
	assert_granted(&s, "a", 0);
	look(&s, T0 + 9000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_int_equal(row(&s, "a")->attempt, 1);
	assert_int_equal(row(&s, "a")->not_before_s, 120);
	assert_text(&s, "a", T0 + 9000, "attempt 1 of 5");
	s.vms[0].ticket = 0;
	s.vms[0].attempt = 1;
	look(&s, T0 + 9000 + 119999);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_false(row(&s, "a")->wants_cleanup);
	look(&s, T0 + 9000 + 120000);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	assert_true(row(&s, "a")->wants_cleanup);
	s.vms[0].past = OFF;
	look(&s, T0 + 9000 + 121000);
	assert_granted(&s, "a", 2);
	s.vms[0].ticket = 1;
	s.vms[0].attempt = 2;
	look(&s, T0 + 9000 + 122000);
	assert_granted(&s, "a", 2);
	comes_up(&s.vms[0]);
	look(&s, T0 + 9000 + 123000);
	assert_granted(&s, "a", 2);
	look(&s, T0 + 9000 + 123000 + HA_RESTART_FORGET_MS);
	assert_granted(&s, "a", 0);
	end(&s);
}

static void
a_new_master_goes_on_with_the_count(void **state)
{
	struct scene s = {
		.vms = { { .id = "a", .ticket = 0, .attempt = 4, .past = OFF } }
	};

	(void)state;
	look(&s, T0);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	look(&s, T0 + 16 * 60000 - 1);
	assert_waits(&s, "a", HA_RESTART_WAITS_RETRY);
	look(&s, T0 + 16 * 60000);
	assert_granted(&s, "a", 5);
	s.vms[0].ticket = 1;
	s.vms[0].attempt = 5;
	lose_memory(&s);
	look(&s, T0 + 16 * 60000);
	assert_granted(&s, "a", 5);
	s.vms[0].past = FAILED;
	look(&s, T0 + 17 * 60000);
	look(&s, T0 + 18 * 60000);
	assert_waits(&s, "a", HA_RESTART_GIVEN_UP);
	assert_text(&s, "a", T0, "crm resource start a");
	/* The way back. */
	s.vms[0].ticket = 0;
	s.vms[0].role = "Stopped";
	look(&s, T0 + 19 * 60000);
	assert_granted(&s, "a", 0);
	s.vms[0].ticket = 1;
	s.vms[0].attempt = 0;
	s.vms[0].past = OFF;
	s.vms[0].role = NULL;
	look(&s, T0 + 20 * 60000);
	assert_granted(&s, "a", 0);
	end(&s);
}

static void
what_is_no_attempt(void **state)
{
	struct scene s = { .vms = { ON_H2("db", PRIORITY("high")),
				    ON_H2("low", PRIORITY("low")) } };

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	s.vms[1].ticket = 0;
	s.vms[0].attempt = 1;
	/* Refused by heartbeatd. */
	s.vms[0].at = "h1";
	s.vms[0].past = REFUSED;
	look(&s, T0 + 2000);
	look(&s, T0 + 8999);
	assert_granted(&s, "db", 1);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	look(&s, T0 + 30000);
	assert_granted(&s, "db", 1);
	/* Nowhere to run: it holds up nobody. */
	s.vms[0].past = NULL;
	look(&s, T0 + 31000);
	assert_granted(&s, "db", 1);
	assert_granted(&s, "low", 1);
	s.vms[0].at = "h3";
	s.vms[0].past = STARTS;
	look(&s, T0 + 32000);
	assert_granted(&s, "db", 1);
	end(&s);
}

/* While a host waits to be fenced Pacemaker starts nothing. */
static void
fencing_under_way_is_no_lack_of_room(void **state)
{
	struct scene s = { .vms = { { .id = "db",
				      .params = PRIORITY("high"),
				      .ticket = 1 },
				    { .id = "low",
				      .params = PRIORITY("low"),
				      .ticket = 0 } } };

	(void)state;
	s.is_h2_out = true;
	look(&s, T0);
	look(&s, T0 + 60000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	s.is_h2_out = false;
	look(&s, T0 + 61000);
	assert_waits(&s, "low", HA_RESTART_WAITS_PRIORITY);
	look(&s, T0 + 60000 + FDM_NO_ROOM_MS);
	assert_granted(&s, "low", 1);
	end(&s);
}

/* ---- not restarted ---------------------------------------------------------- */

static void
disabled(void **state)
{
	struct scene s = { .vms = { ON_H2("a", PRIORITY("disabled")) } };

	(void)state;
	look(&s, T0);
	assert_granted(&s, "a", 0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_waits(&s, "a", HA_RESTART_IS_DISABLED);
	s.vms[0].ticket = 0;
	lose_memory(&s);
	look(&s, T0 + 2000);
	assert_waits(&s, "a", HA_RESTART_IS_DISABLED);
	s.vms[0].role = "Stopped";
	look(&s, T0 + 3000);
	assert_granted(&s, "a", 0);
	s.vms[0].ticket = 1;
	s.vms[0].role = NULL;
	look(&s, T0 + 4000);
	assert_granted(&s, "a", 1);
	end(&s);
}

/* What a cut-off host runs is held, and makes nobody wait. */
static void
held(void **state)
{
	struct scene s = { .vms = { ON_H2("db", PRIORITY("high")),
				    ON_H2("low", PRIORITY("low")) } };

	(void)state;
	comes_up(&s.vms[1]);
	look(&s, T0);
	s.is_h2_lost = true;
	s.vms[1].past = s.vms[1].listed = NULL;
	look(&s, T0 + 1000);
	assert_false(row(&s, "db")->verdict.is_granted);
	assert_false(row(&s, "db")->waits);
	assert_granted(&s, "low", 1);
	end(&s);
}

/* ---- what is configured badly ------------------------------------------------ */

static const char *
error_with(const struct scene *s, const char *word)
{
	for (guint i = 0; i < s->restart->errors->len; i++) {
		const char *text = g_ptr_array_index(s->restart->errors, i);

		if (strstr(text, word)) {
			return text;
		}
	}
	fail_msg("no sentence has \"%s\"", word);
	return NULL;
}

static void
what_can_not_be_kept(void **state)
{
	struct scene s = {
		.policy = PAIR("restart_retry_waits", "1 30s")
			PAIR("restart_concurrent", "0"),
		.vms = { ON_H2("a", DEPENDS("nobody")),
			 ON_H2("b", PRIORITY("high") DEPENDS("c")),
			 ON_H2("c", ""), ON_H2("x", DEPENDS("y")),
			 ON_H2("y", DEPENDS("x")),
			 ON_H2("z", PRIORITY("urgent")
					    PAIR("ready_delay", "soon")) },
	};

	(void)state;
	look(&s, T0);
	assert_non_null(strstr(error_with(&s, "nobody"), "a: "));
	assert_non_null(strstr(error_with(&s, "lower"), "names c"));
	assert_non_null(error_with(&s, "x -> y -> x"));
	assert_non_null(strstr(error_with(&s, "urgent"), "z: "));
	assert_int_equal(s.restart->errors->len, 4);
	assert_int_equal(s.restart->rules.wait_count, 3);
	assert_int_equal(s.restart->rules.waits_ms[1], 60000);
	assert_int_equal(s.restart->rules.waits_ms[2], 30000);
	assert_int_equal(s.restart->rules.concurrent_max, 32);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "b", 1);
	s.vms[1].attempt = 1;
	comes_up(&s.vms[1]);
	look(&s, T0 + 2000);
	assert_granted(&s, "a", 1);
	assert_granted(&s, "z", 1);
	assert_granted(&s, "x", 1);
	end(&s);
}

/* So many for each host that lives. */
static void
not_too_many_at_a_time(void **state)
{
	struct scene s = {
		.policy = PAIR("restart_concurrent", "1"),
		.vms = { ON_H2("a", ""), ON_H2("b", ""), ON_H2("c", "") },
	};

	(void)state;
	look(&s, T0);
	h2_dies(&s);
	look(&s, T0 + 1000);
	assert_granted(&s, "a", 1);
	assert_granted(&s, "b", 1);
	assert_waits(&s, "c", HA_RESTART_WAITS_SLOT);
	s.vms[2].ticket = 0;
	comes_up(&s.vms[0]);
	look(&s, T0 + 2000);
	assert_granted(&s, "c", 1);
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_death_costs_no_ticket_by_default),
		cmocka_unit_test(priorities),
		cmocka_unit_test(a_new_master_keeps_the_order),
		cmocka_unit_test(dependencies),
		cmocka_unit_test(what_runs_or_starts_never_waits),
		cmocka_unit_test(failed_starts),
		cmocka_unit_test(a_new_master_goes_on_with_the_count),
		cmocka_unit_test(what_is_no_attempt),
		cmocka_unit_test(fencing_under_way_is_no_lack_of_room),
		cmocka_unit_test(disabled),
		cmocka_unit_test(held),
		cmocka_unit_test(what_can_not_be_kept),
		cmocka_unit_test(not_too_many_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
