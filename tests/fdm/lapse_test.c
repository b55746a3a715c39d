/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/waits: VMs that wait while nobody is left who could grant
 * them (SAFETY 23). The CIB is faked: what is sent to it is what is tested.
 */
#include "fakes.h"

#include <libxml/parser.h>
#include <string.h>

#define T0 100000u
#define OVER (T0 + 100 + FDM_NO_MASTER_MS)

static struct fdm_snap snap;
static struct fdm fdm;
static struct fdm_admit admit;
static struct fdm_restart restart;

/* ---- what is faked --------------------------------------------------------- */

void
ha_cib_refresh(struct ha_cib *cib)
{
	(void)cib;
}

void
fdm_pending_tick(struct fdm *one, uint64_t now_ms)
{
	(void)one;
	(void)now_ms;
}

void
fdm_restarted_tick(struct fdm *one, uint64_t now_ms)
{
	(void)one;
	(void)now_ms;
}

void
fdm_ended_tick(struct fdm *one, uint64_t now_ms)
{
	(void)one;
	(void)now_ms;
}

void
fdm_ended_cancel(struct fdm *one, uint32_t client)
{
	(void)one;
	(void)client;
}

/* ---- h1, whose manager this is, and h2 ---------------------------------------- */

struct scene {
	const char *tickets; /* of the CIB */
	const char *score;   /* of h2; NULL: none */
	const char *dc;      /* node id; NULL: this host's */
	const char *lost;    /* a VM on the list of h2, which has left */
	const char *role;    /* of FaultDomain; NULL: Started */
	bool is_plain;       /* its clone is not promotable */
	bool is_minority;    /* by Pacemaker */
	bool is_here_alone;  /* h2 has no manager */
};

static void
vm(GString *xml, GString *gates, const char *id)
{
	g_string_append_printf(xml,
			       "<primitive id='%s' class='ocf' provider='vmha' "
			       "type='VirtualMachine'/>",
			       id);
	g_string_append_printf(
		gates,
		"<rsc_ticket id='g-%s' rsc='%s' ticket='vmha-%s' "
		"loss-policy='freeze'/>",
		id, id, id);
}

static void
read_cib(const struct scene *s)
{
	GString *xml = g_string_new(NULL);
	GString *gates = g_string_new(NULL);
	char *all;

	vm(xml, gates, "web1");
	vm(xml, gates, "web2");
	all = g_strdup_printf(
		"<cib have-quorum='%d' dc-uuid='%s'><configuration><nodes>"
		"<node id='1' uname='h1'/><node id='2' uname='h2'/></nodes>"
		"<resources><clone id='c'><meta_attributes><nvpair "
		"name='promotable' value='%s'/><nvpair name='target-role' "
		"value='%s'/></meta_attributes><primitive id='fd' class='ocf' "
		"provider='vmha' type='FaultDomain'/></clone>%s</resources>"
		"<constraints>%s</constraints></configuration><status>"
		"<node_state id='1' uname='h1' in_ccm='true' crmd='online'/>"
		"<node_state id='2' uname='h2' in_ccm='true' crmd='online'>"
		"<transient_attributes id='2'><instance_attributes id='a'>%s%s%s"
		"</instance_attributes></transient_attributes><lrm>"
		"<lrm_resources><lrm_resource id='fd'><lrm_rsc_op "
		"operation='%s' call-id='5' rc-code='0' op-status='0' "
		"interval='0'/></lrm_resource></lrm_resources></lrm>"
		"</node_state><tickets>%s</tickets></status></cib>",
		!s->is_minority, s->dc ? s->dc : "1",
		s->is_plain ? "false" : "true", s->role ? s->role : "Started",
		xml->str, gates->str,
		s->score ? "<nvpair id='m' name='master-fd' value='" : "",
		s->score ? s->score : "", s->score ? "'/>" : "",
		s->is_here_alone ? "stop" : "start", s->tickets);
	fdm.facts = fdm_facts_new(
		xmlReadMemory(all, (int)strlen(all), "", NULL, 0));
	assert_int_equal(fdm.facts->vms->len, 2);
	g_free(all);
	(void)g_string_free(gates, TRUE);
	(void)g_string_free(xml, TRUE);
}

static void
read_beats(const struct scene *s)
{
	snap = (struct fdm_snap){ .is_quorate = true, .are_holds_read = true };
	g_strlcpy(snap.self, "h1", sizeof(snap.self));
	snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	snap.holds = g_array_new(FALSE, TRUE, sizeof(struct fdm_hold));
	for (uint32_t i = 0; i < 2; i++) {
		json_t *list =
			json_pack("{s:i, s:i, s:b, s:[]}", "incarnation", 1,
				  "generation", 1, "current", 1, "vms");
		struct fdm_host host = {
			.slot = i,
			.incarnation = 1,
			.generation = 1,
			.is_member = i == 0 || !s->lost,
			.is_fresh = true,
			.is_readable = true,
		};
		bool is_current;

		if (i == 1 && s->lost) {
			(void)json_array_append_new(
				json_object_get(list, "vms"),
				json_pack("{s:s, s:s, s:s}", "uuid",
					  "00000000-0000-4000-8000-"
					  "000000000001",
					  "resource", s->lost, "state",
					  "running"));
		}
		(void)snprintf(host.name, sizeof(host.name), "h%u", i + 1);
		host.list = fdm_list_read(list, &is_current);
		assert_non_null(host.list);
		json_decref(list);
		g_array_append_val(snap.hosts, host);
	}
}

static void
begin(const struct scene *s, bool has_beats)
{
	memset(&fdm, 0, sizeof(fdm));
	fake_begin(FAKE_CIB);
	fake.is_snap_old = !has_beats;
	read_cib(s);
	read_beats(s);
	fdm.snap = &snap;
	fdm.restart = &restart;
	fdm.admit = &admit;
	fdm.backs = g_ptr_array_new();
	g_strlcpy(fdm.election.self, "h1", sizeof(fdm.election.self));
	if (has_beats) {
		fdm.rows = fdm_project(fdm.facts, &snap);
	}
}

static void
end(void)
{
	for (guint i = 0; i < snap.hosts->len; i++) {
		fdm_list_unref(
			g_array_index(snap.hosts, struct fdm_host, i).list);
	}
	g_array_unref(snap.hosts);
	g_array_unref(snap.holds);
	g_clear_pointer(&fdm.rows, g_array_unref);
	g_ptr_array_unref(fdm.backs);
	fdm_facts_free(fdm.facts);
	fake_end();
}

static bool
is_granted(const char *id)
{
	char *ticket = g_strdup_printf("id=\"vmha-%s\" granted=\"true\"", id);
	bool is = fake.update && strstr(fake.update, ticket);

	g_free(ticket);
	return is;
}

/* Which VMs does this manager grant once there is no master for long? */
static void
assert_lapse(const struct scene *s, bool has_beats, bool web1, bool web2)
{
	begin(s, has_beats);
	fdm_waits_tick(&fdm, T0);
	fdm_waits_tick(&fdm, T0 + 100);
	fdm_waits_tick(&fdm, OVER - 200);
	assert_null(fake.update);
	fdm_waits_tick(&fdm, OVER);
	assert_int_equal(is_granted("web1"), web1);
	assert_int_equal(is_granted("web2"), web2);
	end();
}

#define TICKET(id, state)                                                   \
	"<ticket_state id='vmha-" id "' granted='false' vmha-state='" state \
	"' vmha-reason='waits-for-priority' vmha-term='7'/>"
#define GRANTED(id) "<ticket_state id='vmha-" id "' granted='true'/>"
#define WAITS TICKET("web1", "waiting") GRANTED("web2")

/* ---- no master ---------------------------------------------------------------- */

static void
no_host_is_master(void **state)
{
	struct scene s = { .tickets = WAITS };
	struct scene held = { .tickets = TICKET("web1", "held")
				      TICKET("web2", "waiting") };
	struct scene forgotten = { .tickets = "" };
	struct scene lost = { .tickets = WAITS, .lost = "web1" };

	(void)state;
	assert_lapse(&s, true, true, false);
	/* Held for safety: never. */
	assert_lapse(&held, true, false, true);
	/* A power loss, and no master since. */
	assert_lapse(&forgotten, true, true, true);
	/* It would be refused: at the next look, when that host is dead. */
	assert_lapse(&lost, true, false, false);
}

static void
there_is_a_master(void **state)
{
	struct scene s = { .tickets = WAITS };

	(void)state;
	begin(&s, true);
	g_array_index(snap.hosts, struct fdm_host, 1).is_master = true;
	fdm_waits_tick(&fdm, T0);
	fdm_waits_tick(&fdm, 2 * OVER);
	assert_null(fake.update);
	end();
}

static void
no_heartbeatd(void **state)
{
	struct scene s = { .tickets = WAITS };
	struct scene able = { .tickets = WAITS, .score = "3001" };
	struct scene unable = { .tickets = WAITS, .score = "0" };
	struct scene plain = { .tickets = WAITS, .is_plain = true };
	struct scene other = { .tickets = WAITS, .is_plain = true, .dc = "2" };
	struct scene minority = { .tickets = WAITS, .is_minority = true };

	(void)state;
	assert_lapse(&s, false, true, false);
	assert_lapse(&able, false, false, false);
	assert_lapse(&unable, false, true, false);
	assert_lapse(&plain, false, true, false);
	assert_lapse(&other, false, false, false);
	assert_lapse(&minority, false, false, false);
}

/* ---- the last one ends ----------------------------------------------------------- */

static void
assert_end(const struct scene *s, bool web1, bool web2)
{
	begin(s, true);
	assert_int_equal(fdm_waits_end(&fdm, NULL), web1 || web2);
	assert_int_equal(is_granted("web1"), web1);
	assert_int_equal(is_granted("web2"), web2);
	end();
}

static void
the_last_manager_ends(void **state)
{
	struct scene s = { .tickets = WAITS, .role = "Stopped" };
	struct scene goes_on = { .tickets = WAITS };
	struct scene alone = { .tickets = WAITS, .is_here_alone = true };
	struct scene lost = { .tickets = WAITS,
			      .role = "Stopped",
			      .lost = "web1" };
	struct scene held = { .tickets = TICKET("web1", "held") GRANTED("web2"),
			      .role = "Stopped" };

	(void)state;
	assert_end(&s, true, false);
	assert_end(&goes_on, false, false);
	assert_end(&alone, true, false);
	/* Its host died a moment ago: nobody comes after. */
	assert_end(&lost, true, false);
	assert_end(&held, false, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_host_is_master),
		cmocka_unit_test(there_is_a_master),
		cmocka_unit_test(no_heartbeatd),
		cmocka_unit_test(the_last_manager_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
