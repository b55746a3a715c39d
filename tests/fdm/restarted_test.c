/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/restarted: what the master logs of a VM that runs again,
 * from rows, tracks and snapshots. The log is faked: what is logged is what is
 * tested.
 */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"

#define T0 100000u

static const char CIB[] =
	"<cib><configuration><nodes><node id='1' uname='h1'/><node id='2' "
	"uname='h2'/></nodes><resources><primitive id='a' class='ocf' "
	"provider='vmha' type='VirtualMachine'/></resources></configuration>"
	"</cib>";

static struct fdm fdm;
static char logged[512];
static enum ha_hostreport_word word;

/* ---- what is faked --------------------------------------------------------- */

void
fdm_log(int level, const char *id, const char *format, ...)
{
	va_list args;

	(void)level;
	assert_string_equal(id, "restarted");
	assert_string_equal(logged, "");
	va_start(args, format);
	(void)vsnprintf(logged, sizeof(logged), format, args);
	va_end(args);
}

enum ha_hostreport_word
fdm_states_word(const struct fdm *one, const char *host)
{
	(void)one;
	assert_string_equal(host, "h1");
	return word;
}

bool
fdm_has_facts(const struct fdm *one)
{
	return one->facts != NULL;
}

bool
fdm_has_snap(const struct fdm *one, uint64_t now_ms)
{
	(void)now_ms;
	return one->snap != NULL;
}

/* ---- one VM, on h1 ----------------------------------------------------------- */

static struct fdm_snap snap;
static struct fdm_row *row;
static struct fdm_track *track;

static struct fdm_host *
host(guint index)
{
	return &g_array_index(snap.hosts, struct fdm_host, index);
}

static void
begin(void)
{
	static const struct fdm_host HOSTS[] = {
		{ .name = "h1", .slot = 0, .is_member = true },
		{ .name = "h2", .slot = 1, .is_member = true, .is_self = true },
	};
	struct fdm_row one = { .gate = HA_PROTECT_OPEN };

	memset(&fdm, 0, sizeof(fdm));
	memset(&snap, 0, sizeof(snap));
	snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	g_array_append_vals(snap.hosts, HOSTS, N_ELEMENTS(HOSTS));
	fdm.snap = &snap;
	fdm.facts = fdm_facts_new(
		xmlReadMemory(CIB, (int)strlen(CIB), "", NULL, 0));
	fdm.restart = fdm_restart_new();
	fdm.rows = g_array_new(FALSE, TRUE, sizeof(struct fdm_row));
	one.vm = fdm_facts_vm(fdm.facts, "a");
	assert_non_null(one.vm);
	g_array_append_val(fdm.rows, one);
	row = &g_array_index(fdm.rows, struct fdm_row, 0);
	track = g_new0(struct fdm_track, 1);
	track->is_known = true;
	g_hash_table_insert(fdm.restart->tracks, g_strdup("a"), track);
	fdm.master.term = 4;
	word = HA_REPORT_LIVE;
	logged[0] = '\0';
}

static void
end(void)
{
	g_array_unref(fdm.rows);
	g_array_unref(snap.hosts);
	fdm_restart_free(fdm.restart);
	fdm_facts_free(fdm.facts);
}

static void
runs_on(guint index)
{
	row->verdict.is_granted = true;
	row->verdict.why = HA_TICKET_RUNS;
	row->owner = host(index);
	row->is_listed_here = true;
}

static void
dies(void)
{
	host(0)->is_member = false;
	row->verdict.is_granted = false;
	row->verdict.why = HA_TICKET_OWNED;
	row->owner = host(0);
	row->is_listed_here = false;
}

static void
is_free(enum ha_ticket_why why)
{
	row->verdict.is_granted = true;
	row->verdict.why = why;
}

static void
assert_logs(uint64_t at_ms, const char *want)
{
	fdm_restarted_tick(&fdm, at_ms);
	assert_string_equal(logged, want);
	logged[0] = '\0';
}

static void
death(void **state)
{
	(void)state;
	begin();
	runs_on(0);
	assert_logs(T0, "");
	dies();
	assert_logs(T0 + 1000, "");
	/* Proven before its word has settled. */
	is_free(HA_TICKET_OWNER_GONE);
	assert_logs(T0 + 4000, "");
	runs_on(1);
	assert_logs(T0 + 6200,
		    "a was restarted on h2: h1, where it ran, has died; "
		    "attempt 1, 5.2 s after it was missed");
	assert_logs(T0 + 7000, "");
	end();
}

/* Its host lives; the CIB knows before the list does. */
static void
isolation(void **state)
{
	(void)state;
	begin();
	runs_on(0);
	assert_logs(T0, "");
	dies();
	word = HA_REPORT_ISOLATED;
	is_free(HA_TICKET_RELEASED);
	assert_logs(T0 + 1000, "");
	((struct fdm_vm *)(uintptr_t)row->vm)->up_nodes = fdm_node_bit(1);
	track->is_up = true;
	track->attempts = 2;
	assert_logs(T0 + 2000,
		    "a was restarted on h2: h1, where it ran, is isolated; "
		    "attempt 2, 1.0 s after it was missed");
	end();
}

static void
crash(void **state)
{
	(void)state;
	begin();
	runs_on(0);
	assert_logs(T0, "");
	track->crash.has_fallen = true;
	track->crash.is_counted = true;
	assert_logs(T0 + 1000, "");
	track->crash.has_fallen = false;
	track->attempts = 1;
	assert_logs(T0 + 3000,
		    "a was restarted on h1: it had crashed, or its monitor had "
		    "failed, on h1; attempt 1, 2.0 s after it was missed");
	end();
}

/* Another master says it; without facts nobody does. */
static void
others(void **state)
{
	(void)state;
	begin();
	fdm.master.term = 0;
	runs_on(0);
	assert_logs(T0, "");
	dies();
	assert_logs(T0 + 1000, "");
	is_free(HA_TICKET_OWNER_GONE);
	assert_logs(T0 + 2000, "");
	runs_on(1);
	host(0)->is_member = true;
	host(0)->is_master = true;
	host(0)->is_fresh = true;
	assert_logs(T0 + 3000, "");
	host(0)->is_master = false;
	fdm.master.term = 5;
	assert_logs(T0 + 4000, "");
	fdm.snap = NULL;
	assert_logs(T0 + 5000, "");
	end();
}

/* It was down when this manager came. */
static void
unseen(void **state)
{
	(void)state;
	begin();
	is_free(HA_TICKET_FREE);
	track->attempts = 3;
	assert_logs(T0, "");
	runs_on(1);
	assert_logs(
		T0 + 1000,
		"a was restarted on h2: it failed before this manager began "
		"to look, so where it ran is not known; attempt 3");
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(death),  cmocka_unit_test(isolation),
		cmocka_unit_test(crash),  cmocka_unit_test(others),
		cmocka_unit_test(unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
