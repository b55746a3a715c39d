/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/election, grant: who acts while Pacemaker's history tells
 * less than the daemon knows, and what becomes of a confirmation of a
 * membership that is over. The CIB and heartbeatd are faked: what is sent to
 * them is what is tested.
 */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"

#define T0 100000u
#define OP(operation, call, rc, interval)                      \
	"<lrm_rsc_op operation='" operation "' call-id='" call \
	"' rc-code='" rc "' op-status='0' interval='" interval "'/>"
#define PROMOTED OP("promote", "8", "0", "0") OP("monitor", "9", "8", "10000")
/* As Pacemaker records a reload of parameters. */
#define RELOADED OP("start", "12", "0", "0")
#define MONITORED RELOADED OP("monitor", "13", "8", "10000")

static struct fdm_snap snap;
static struct fdm fdm;
static uint32_t updates, leases;
static const char *ticket; /* attributes of web1's; NULL: it has none */
static char *sent;         /* the last update */

/* ---- what is faked --------------------------------------------------------- */

void
fdm_log(int level, const char *id, const char *format, ...)
{
	(void)level;
	(void)id;
	(void)format;
}

void
ha_cib_update(struct ha_cib *cib, const char *xml,
	      void (*done)(void *data, int code, const char *why), void *data)
{
	(void)cib;
	(void)done;
	(void)data;
	g_free(sent);
	sent = g_strdup(xml);
	updates++;
}

void
fdm_master_keep_lease(struct fdm *one, uint64_t now_ms)
{
	(void)one;
	(void)now_ms;
	leases++;
}

void
fdm_master_end(struct fdm *one, const char *why)
{
	(void)one;
	(void)why;
}

void
fdm_child_run(struct fdm *one, const char *const *argv, uint32_t limit_ms,
	      const char *what, void (*done)(struct fdm *one, bool is_good))
{
	(void)one;
	(void)argv;
	(void)limit_ms;
	(void)what;
	(void)done;
	fail_msg("it writes its score");
}

bool
fdm_has_snap(const struct fdm *one, uint64_t now_ms)
{
	(void)one;
	(void)now_ms;
	return true;
}

bool
fdm_has_facts(const struct fdm *one)
{
	(void)one;
	return true;
}

void
fdm_prefer_add(struct fdm *one, GString *xml, uint64_t now_ms)
{
	(void)one;
	(void)xml;
	(void)now_ms;
}

void
fdm_duty_cleanup(struct fdm *one, const char *resource)
{
	(void)one;
	(void)resource;
}

bool
responder_is_isolated(const struct responder *responder)
{
	(void)responder;
	return false;
}

/* ---- two hosts, h1 is the coordinator --------------------------------------- */

/* A new copy of the CIB, with the history of FaultDomain on h2. */
static void
copy(const char *ops)
{
	char *xml = g_strdup_printf(
		"<cib have-quorum='1' dc-uuid='1'><configuration><nodes>"
		"<node id='1' uname='h1'/><node id='2' uname='h2'/></nodes>"
		"<resources><clone id='c'><meta_attributes><nvpair "
		"name='promotable' value='true'/></meta_attributes>"
		"<primitive id='fd' class='ocf' provider='vmha' "
		"type='FaultDomain'/></clone><primitive id='web1' class='ocf' "
		"provider='vmha' type='VirtualMachine'/></resources>"
		"<constraints><rsc_ticket id='g' rsc='web1' "
		"ticket='vmha-web1' loss-policy='freeze'/></constraints>"
		"</configuration><status><node_state id='1' uname='h1' "
		"in_ccm='true' crmd='online'><lrm><lrm_resources>"
		"<lrm_resource id='fd'>%s</lrm_resource></lrm_resources></lrm>"
		"</node_state><node_state id='2' uname='h2' in_ccm='true' "
		"crmd='online'><lrm><lrm_resources><lrm_resource id='fd'>%s"
		"</lrm_resource></lrm_resources></lrm></node_state><tickets>"
		"<ticket_state id='%s' %s/></tickets></status></cib>",
		OP("start", "5", "0", "0"), ops, ticket ? "vmha-web1" : "other",
		ticket ? ticket : "");

	g_clear_pointer(&fdm.rows, g_array_unref);
	fdm_facts_free(fdm.facts);
	fdm.facts = fdm_facts_new(
		xmlReadMemory(xml, (int)strlen(xml), "", NULL, 0));
	fdm.rows = fdm_project(fdm.facts, &snap);
	assert_int_equal(fdm.rows->len, 1);
	g_free(xml);
}

static void
begin(const char *self)
{
	static const char *const NAMES[] = { "h1", "h2" };

	memset(&fdm, 0, sizeof(fdm));
	snap = (struct fdm_snap){ .is_quorate = true,
				  .can_write = true,
				  .can_read = true,
				  .are_holds_read = true };
	g_strlcpy(snap.self, self, sizeof(snap.self));
	snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	snap.holds = g_array_new(FALSE, TRUE, sizeof(struct fdm_hold));
	for (uint32_t i = 0; i < N_ELEMENTS(NAMES); i++) {
		struct fdm_host host = {
			.slot = i,
			.is_self = strcmp(NAMES[i], self) == 0,
			.is_member = true,
			.is_fresh = true,
			.is_master = i == 1,
			.is_readable = true,
		};

		g_strlcpy(host.name, NAMES[i], sizeof(host.name));
		g_array_append_val(snap.hosts, host);
	}
	fdm.snap = &snap;
	/* No score is written. */
	fdm.election.is_writing = true;
	fdm.election.active_ms = T0;
	fdm.master.granting = g_ptr_array_new_with_free_func(g_free);
	updates = leases = 0;
}

static void
end(void)
{
	g_clear_pointer(&fdm.master.wanted, g_hash_table_unref);
	g_clear_pointer(&sent, g_free);
	ticket = NULL;
	g_ptr_array_unref(fdm.master.granting);
	g_array_unref(fdm.rows);
	fdm_facts_free(fdm.facts);
	g_array_unref(snap.hosts);
	g_array_unref(snap.holds);
}

static void
assert_acts(enum ha_master_as as, const char *host, uint64_t now_ms)
{
	fdm_election_look(&fdm, now_ms);
	assert_string_equal(ha_master_as_name(fdm.election.as),
			    ha_master_as_name(as));
	assert_string_equal(fdm.election.host, host);
}

/* ---- who acts ---------------------------------------------------------------- */

/* The host that was reloaded: its daemon knows that nobody has demoted it. */
static void
reload_ends_no_term(void **state)
{
	(void)state;
	begin("h2");
	fdm.master.term = 5;
	fdm.election.is_promoted = true;
	copy(PROMOTED);
	assert_acts(HA_MASTER_PROMOTED, "h2", T0);
	copy(RELOADED);
	assert_acts(HA_MASTER_PROMOTED, "h2", T0 + 100);
	assert_acts(HA_MASTER_PROMOTED, "h2", T0 + 60000);
	copy(MONITORED);
	assert_acts(HA_MASTER_PROMOTED, "h2", T0 + 60100);
	/* It was told that it is not, or is a new one: so it is. */
	fdm.election.is_promoted = false;
	fdm.master.term = 0;
	assert_acts(HA_MASTER_NOBODY, "", T0 + 60200);
	assert_acts(HA_MASTER_INTERIM, "h1", T0 + 60200 + FDM_MOVE_MS);
	end();
}

/* For another one, it may be about to be demoted: nobody takes over at once. */
static void
reload_of_another_host(void **state)
{
	(void)state;
	begin("h1");
	copy(PROMOTED);
	assert_acts(HA_MASTER_PROMOTED, "h2", T0);
	copy(RELOADED);
	assert_acts(HA_MASTER_NOBODY, "", T0 + 100);
	assert_acts(HA_MASTER_NOBODY, "", T0 + 100 + FDM_MOVE_MS - 1);
	copy(MONITORED);
	assert_acts(HA_MASTER_PROMOTED, "h2", T0 + 100 + FDM_MOVE_MS);
	end();
}

/* ---- what may be written ------------------------------------------------------ */

static void
confirmation_ends_with_its_membership(void **state)
{
	struct fdm_master *master = &fdm.master;

	(void)state;
	begin("h2");
	copy(PROMOTED);
	master->term = 5;
	snap.ring_seq = 7;
	fdm_grant_write(&fdm, T0);
	assert_int_equal(leases, 1);
	assert_int_equal(master->wanted_seq, 7);
	master->is_confirmed = true;
	snap.ring_seq = 8;
	fdm_grant_write(&fdm, T0 + 100);
	assert_int_equal(updates, 0);
	assert_false(master->is_confirmed);
	assert_int_equal(master->wanted_seq, 8);
	assert_int_equal(master->wanted_ms, T0 + 100);
	assert_int_equal(master->ask_ms, T0 + 100);
	/* Asked once: the next look waits for the answer. */
	fdm_grant_write(&fdm, T0 + 200);
	assert_int_equal(master->wanted_ms, T0 + 100);
	assert_int_equal(updates, 0);
	master->is_confirmed = true;
	fdm_grant_write(&fdm, T0 + 300);
	assert_int_equal(updates, 1);
	assert_int_equal(master->step, FDM_STEP_CIB);
	end();
}

/* What its host's list binds, before the proof: revoked if it waits. It is not
 * written as granted again, since fence_vmha may have had it held meanwhile, and
 * not granted. */
static void
before_the_proof(void **state)
{
	struct fdm_row *row;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool waits = i & 1;
		bool is_granted = i & 2;

		begin("h2");
		ticket = is_granted ? "granted='true' vmha-state='granted'" :
				      "granted='false' vmha-state='waiting'";
		copy(PROMOTED);
		fdm.restart = fdm_restart_new();
		fdm_restart_configure(fdm.restart, fdm.facts, 1);
		fdm.master.term = 5; /* the ticket has another one */
		row = &g_array_index(fdm.rows, struct fdm_row, 0);
		row->verdict.is_granted = false;
		row->verdict.wants_hold = true;
		row->verdict.why = HA_TICKET_OWNED;
		row->is_foreseen = true;
		row->waits = waits;
		row->waits_why = HA_RESTART_WAITS_PRIORITY;
		fdm_grant_write(&fdm, T0);
		fdm.master.is_confirmed = true;
		fdm_grant_write(&fdm, T0 + 100);
		assert_int_equal(updates, waits && is_granted);
		assert_true(updates == 0 ||
			    strstr(sent, "granted=\"false\" "
					 "vmha-state=\"waiting\""));
		fdm_restart_free(fdm.restart);
		end();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reload_ends_no_term),
		cmocka_unit_test(reload_of_another_host),
		cmocka_unit_test(confirmation_ends_with_its_membership),
		cmocka_unit_test(before_the_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
