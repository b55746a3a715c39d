/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cluster at one moment, as vmha-fdmd sees it: VMs with their parameters,
 * tickets, history and list entries, on three hosts of which h2 may leave.
 * For the tests of restart order and retries.
 */
#ifndef TEST_WAITS_SCENE_H
#define TEST_WAITS_SCENE_H

#include "unit.h"

#include <libxml/parser.h>
#include <stdlib.h>
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
	bool is_unmanaged;
	int ticket;  /* -1: none, 0: revoked, 1: granted */
	bool is_off; /* revoked as its user has powered it off */
	int attempt;
	bool is_crash;                  /* that attempt is one after a crash */
	const char *reason;             /* of its ticket; NULL: none */
	const char *at;                 /* host of its history; NULL: h1 */
	const char *past;               /* enum of PASTS below; NULL: none */
	const char *past_h3;            /* and this on h3; NULL: none */
	const char *listed_at, *listed; /* NULL: on no list */
	const char *plan;               /* where it sends it; NULL: none */
	const char *memory_mb;          /* its utilization; NULL: none */
};

struct scene {
	struct fdm_restart *restart;
	struct fdm_facts *facts;
	struct fdm_snap snap;
	GArray *rows;
	const char *policy; /* nvpairs of the FaultDomain */
	bool is_cib_late;   /* Pacemaker has h2 online still */
	bool is_h2_out;     /* left and not fenced yet, for Pacemaker */
	bool is_h2_dead;
	const char *nodes[3]; /* what stands in each node; NULL: nothing */
	const char *told[3];  /* FDM_READY_ATTR of each host; NULL: none */
	bool is_h2_lost;      /* neither member nor dead, and sealed */
	bool is_h2_away;      /* the same, not sealed; the others have quorum */
	bool is_h2_fenced;    /* for Pacemaker, which proves nothing */
	bool is_h2_held;      /* what it lists, all of it */
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

static inline void
add_states(struct scene *s, GString *xml)
{
	static const char *const HOSTS[] = { "h1", "h2", "h3" };

	for (size_t h = 0; h < N_ELEMENTS(HOSTS); h++) {
		bool is_out =
			h == 1 && !s->is_cib_late &&
			(s->is_h2_out || s->is_h2_fenced || s->is_h2_dead);
		bool is_erased = is_out && (s->is_h2_dead || s->is_h2_fenced);

		g_string_append_printf(
			xml,
			"<node_state id='%zu' uname='%s' in_ccm='%s' "
			"crmd='%s' expected='%s'><lrm><lrm_resources>",
			h + 1, HOSTS[h], is_out ? "false" : "true",
			is_out ? "offline" : "online",
			is_erased ? "down" : "member");
		for (size_t i = 0; i < VMS_MAX && s->vms[i].id; i++) {
			const struct vm *vm = &s->vms[i];
			bool is_at =
				strcmp(vm->at ? vm->at : "h1", HOSTS[h]) == 0;
			const char *past = is_at  ? vm->past :
					   h == 2 ? vm->past_h3 :
						    NULL;

			/* Fencing erases the history. */
			if (past && !is_erased) {
				g_string_append_printf(
					xml,
					"<lrm_resource id='%s' class='ocf' "
					"provider='vmha' "
					"type='VirtualMachine'>%s"
					"</lrm_resource>",
					vm->id, past);
			}
		}
		g_string_append(xml, "</lrm_resources></lrm>");
		if (s->told[h]) {
			g_string_append_printf(
				xml,
				"<transient_attributes><instance_attributes>"
				"<nvpair name='" FDM_READY_ATTR
				"' value='%s'/></instance_attributes>"
				"</transient_attributes>",
				s->told[h]);
		}
		g_string_append(xml, "</node_state>");
	}
}

static inline xmlDoc *
cib_of(struct scene *s)
{
	GString *xml = g_string_new(
		"<cib have-quorum='1' dc-uuid='1'><configuration><nodes>");
	GString *gates = g_string_new("</resources><constraints>");
	GString *tickets = g_string_new("<tickets>");
	xmlDoc *doc;

	for (size_t h = 0; h < N_ELEMENTS(s->nodes); h++) {
		g_string_append_printf(
			xml, "<node id='%zu' uname='h%zu'>%s</node>", h + 1,
			h + 1, s->nodes[h] ? s->nodes[h] : "");
	}
	g_string_append(xml, "</nodes><resources>");
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
			"<nvpair name='is-managed' value='%s'/>"
			"</meta_attributes><instance_attributes>%s"
			"</instance_attributes><utilization><nvpair "
			"name='memory_mb' value='%s'/></utilization>"
			"</primitive>",
			vm->id, vm->role ? vm->role : "Started",
			vm->is_unmanaged ? "false" : "true",
			vm->params ? vm->params : "",
			vm->memory_mb ? vm->memory_mb : "0");
		if (vm->plan) {
			g_string_append_printf(
				gates,
				"<rsc_location id='vmha-plan-%s' rsc='%s' "
				"node='%s' score='50'/>",
				vm->id, vm->id, vm->plan);
		}
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
				"vmha-reason='%s' vmha-cause='%s' "
				"vmha-attempt='%d'/>",
				vm->id, vm->ticket ? "true" : "false",
				vm->ticket ? "granted" :
				vm->is_off ? "off" :
					     "waiting",
				vm->reason ? vm->reason : "",
				vm->is_crash ? FDM_CAUSE_CRASH : "",
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

static inline void
snap_of(struct scene *s)
{
	static const char *const HOSTS[] = { "h1", "h2", "h3" };

	s->snap = (struct fdm_snap){ .are_holds_read = true,
				     .is_quorate = s->is_h2_away };
	s->snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	s->snap.holds = g_array_new(FALSE, TRUE, sizeof(struct fdm_hold));
	for (uint32_t h = 0; h < N_ELEMENTS(HOSTS); h++) {
		bool is_out = h == 1 &&
			      (s->is_h2_dead || s->is_h2_lost || s->is_h2_away);
		struct fdm_host host = {
			.slot = h,
			.incarnation = 1,
			.generation = 1,
			.is_member = !is_out,
			.is_gone = is_out && s->is_h2_dead,
			.is_sealed = is_out && !s->is_h2_away,
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
				struct fdm_hold hold = {
					.hold = { .kind = HA_HOLD_OWNER,
						  .owner = h,
						  .owner_incarnation = 1,
						  .owner_generation = 1 },
				};

				g_strlcpy(hold.resource, vm->id,
					  sizeof(hold.resource));
				if (is_out && s->is_h2_held) {
					g_array_append_val(s->snap.holds, hold);
				}
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

static inline void
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
static inline void
look(struct scene *s, uint64_t now_ms)
{
	forget(s);
	if (!s->restart) {
		s->restart = fdm_restart_new();
	}
	s->facts = fdm_facts_new(cib_of(s));
	snap_of(s);
	fdm_restart_configure(s->restart, s->facts, now_ms);
	s->rows = fdm_project(s->facts, &s->snap);
	fdm_restart_judge(s->restart, s->facts, &s->snap, s->rows, now_ms);
}

/* One look, and nothing new. */
static inline void
look_again(struct scene *s, uint64_t now_ms)
{
	fdm_restart_judge(s->restart, s->facts, &s->snap, s->rows, now_ms);
}

static inline void
end(struct scene *s)
{
	forget(s);
	fdm_restart_free(s->restart);
}

/* The daemon was replaced by another one: nothing but the CIB is left. */
static inline void
lose_memory(struct scene *s)
{
	fdm_restart_free(s->restart);
	s->restart = NULL;
}

static inline const struct fdm_row *
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
	abort();
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

static inline void
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

static inline void
h2_dies(struct scene *s)
{
	s->is_h2_out = false;
	s->is_h2_dead = true;
}

static inline void
comes_up(struct vm *vm)
{
	vm->at = "h3";
	vm->past = UP;
	vm->listed_at = "h3";
	vm->listed = "running";
}

#define PRIORITY(name) PAIR("restart_priority", name)
#define DEPENDS(names) PAIR("restart_depends", names)

#endif
