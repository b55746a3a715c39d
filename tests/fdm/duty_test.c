/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/duty: when the VMs of a host that is away are held, and
 * when failures of VMs are cleared. What duty.c would send to others is faked:
 * nothing must be sent to heartbeatd here, programs are counted.
 */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"

#define T0 100000u
#define SILENCE_MS 6000u

static uint32_t cleanups;

void
fdm_log(int level, const char *id, const char *format, ...)
{
	(void)level;
	(void)id;
	(void)format;
}

void
fdm_worker_ask(struct fdm_worker *worker, json_t *request, uint64_t budget_ms,
	       void (*done)(void *data, int code, const json_t *answer,
			    const char *why),
	       void *data)
{
	(void)worker;
	(void)request;
	(void)budget_ms;
	(void)done;
	(void)data;
	fail_msg("heartbeatd is asked");
}

void
fdm_child_run(struct fdm *one, const char *const *argv, uint32_t limit_ms,
	      const char *what, void (*done)(struct fdm *one, bool is_good))
{
	(void)one;
	(void)limit_ms;
	(void)what;
	(void)done;
	assert_string_equal(argv[0], "crm_resource");
	assert_string_equal(argv[1], "--cleanup");
	assert_string_equal(argv[3], "a");
	cleanups++;
}

/* One host that is no member since T0. */
static void
holds(void **state)
{
	struct fdm_snap snap = { .silence_ms = SILENCE_MS };
	struct fdm fdm = { .snap = &snap };
	struct fdm_host *host;
	uint64_t late_ms = T0 + SILENCE_MS + FDM_AWAY_GRACE_MS;

	(void)state;
	snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	g_array_set_size(snap.hosts, 1);
	host = &g_array_index(snap.hosts, struct fdm_host, 0);
	g_strlcpy(host->name, "h2", sizeof(host->name));
	fdm.away =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	fdm_duty_away(&fdm, T0);
	/* It has just died: its last beat is not old yet. A hold would cost
	 * each of its VMs two writes of its ticket. */
	host->is_fresh = true;
	assert_false(fdm_duty_may_hold(&fdm, host, T0));
	host->is_fresh = false;
	assert_false(fdm_duty_may_hold(&fdm, host, T0 + 3000));
	assert_false(fdm_duty_may_hold(&fdm, host, late_ms - 1));
	/* Neither dead nor alive, for too long. */
	assert_true(fdm_duty_may_hold(&fdm, host, late_ms));
	host->is_fresh = true;
	assert_true(fdm_duty_may_hold(&fdm, host, late_ms));
	/* It lives, cut off, and waits to be held. */
	host->is_sealed = true;
	assert_true(fdm_duty_may_hold(&fdm, host, T0));
	/* An old seal says nothing about now. */
	host->is_fresh = false;
	assert_false(fdm_duty_may_hold(&fdm, host, T0));
	assert_int_equal(cleanups, 0);
	g_hash_table_destroy(fdm.away);
	g_array_unref(snap.hosts);
}

/* Failures that keep a VM from a host with room: each FDM_REFUSED_MS as long
 * as that is wanted, and at once when it is wanted anew. */
static void
cleanup(void **state)
{
	static const char CIB[] =
		"<cib><configuration><nodes><node id='1' uname='h1'/></nodes>"
		"<resources><primitive id='a' class='ocf' provider='vmha' "
		"type='VirtualMachine'/></resources></configuration><status>"
		"<node_state id='1' uname='h1' in_ccm='true' crmd='online'>"
		"<lrm><lrm_resources><lrm_resource id='a'><lrm_rsc_op "
		"id='a_last_failure_0' operation='monitor' call-id='3' "
		"rc-code='5' op-status='4' interval='0'/></lrm_resource>"
		"</lrm_resources></lrm></node_state></status></cib>";
	struct fdm fdm = { .facts = fdm_facts_new(xmlReadMemory(
				   CIB, (int)strlen(CIB), "", NULL, 0)) };
	struct fdm_row row = { .vm = fdm_facts_vm(fdm.facts, "a") };

	(void)state;
	fdm.rows = g_array_new(FALSE, TRUE, sizeof(struct fdm_row));
	g_array_append_val(fdm.rows, row);
	fdm.failed =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	fdm_duty_failed(&fdm, T0);
	assert_int_equal(cleanups, 0);
	g_array_index(fdm.rows, struct fdm_row, 0).wants_cleanup = true;
	fdm_duty_failed(&fdm, T0);
	assert_int_equal(cleanups, 1);
	fdm_duty_failed(&fdm, T0 + FDM_REFUSED_MS - 1);
	assert_int_equal(cleanups, 1);
	fdm_duty_failed(&fdm, T0 + FDM_REFUSED_MS);
	assert_int_equal(cleanups, 2);
	g_array_index(fdm.rows, struct fdm_row, 0).wants_cleanup = false;
	fdm_duty_failed(&fdm, T0 + FDM_REFUSED_MS + 100);
	g_array_index(fdm.rows, struct fdm_row, 0).wants_cleanup = true;
	fdm_duty_failed(&fdm, T0 + FDM_REFUSED_MS + 200);
	assert_int_equal(cleanups, 3);
	g_hash_table_destroy(fdm.failed);
	g_array_unref(fdm.rows);
	fdm_facts_free(fdm.facts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds),
		cmocka_unit_test(cleanup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
