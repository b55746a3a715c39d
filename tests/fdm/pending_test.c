/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/pending, duty: who stands on the list of pending placement,
 * what the master logs of it, and how failures that bar them are cleared.
 * Verdicts are given; the log and programs are faked: what is logged and run is
 * what is tested.
 */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"

#define T0 100000u
#define VMS 70u

static struct fdm fdm;
static char logged[256]; /* "id:VM id:VM" */
static uint32_t cleanups;

void
fdm_log(int level, const char *id, const char *format, ...)
{
	const char *resource;
	va_list args;

	(void)level;
	va_start(args, format);
	resource = va_arg(args, const char *);
	va_end(args);
	g_strlcat(logged, logged[0] ? " " : "", sizeof(logged));
	g_strlcat(logged, id, sizeof(logged));
	g_strlcat(logged, ":", sizeof(logged));
	g_strlcat(logged, resource, sizeof(logged));
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

static struct fdm_track *
track(const char *resource)
{
	return g_hash_table_lookup(fdm.restart->tracks, resource);
}

static struct ha_restart_verdict *
verdict(guint index)
{
	return &g_array_index(fdm.restart->verdicts, struct ha_restart_verdict,
			      index);
}

static void
begin(guint count)
{
	GString *xml = g_string_new("<cib><configuration><resources>");
	json_t *pending;

	memset(&fdm, 0, sizeof(fdm));
	for (guint i = 0; i < count; i++) {
		g_string_append_printf(xml,
				       "<primitive id='vm%u' class='ocf' "
				       "provider='vmha' "
				       "type='VirtualMachine'/>",
				       i);
	}
	g_string_append(xml, "</resources></configuration></cib>");
	fdm.facts = fdm_facts_new(
		xmlReadMemory(xml->str, (int)xml->len, "", NULL, 0));
	(void)g_string_free(xml, TRUE);
	fdm.restart = fdm_restart_new();
	fdm_restart_configure(fdm.restart, fdm.facts, T0);
	fdm.rows = g_array_new(FALSE, TRUE, sizeof(struct fdm_row));
	fdm.master.term = 1;
	/* A copy that is not judged yet says nothing. */
	pending = fdm_pending_json(&fdm, T0);
	assert_int_equal(json_array_size(pending), 0);
	json_decref(pending);
	g_array_set_size(fdm.restart->verdicts, count);
	for (guint i = 0; i < count; i++) {
		struct fdm_track *one = g_new0(struct fdm_track, 1);

		one->pending_ms = T0 - 5000;
		g_hash_table_insert(fdm.restart->tracks,
				    g_strdup_printf("vm%u", i), one);
		verdict(i)->why = HA_RESTART_RUNS;
		verdict(i)->blocker = count;
	}
	logged[0] = '\0';
}

static void
end(void)
{
	g_array_unref(fdm.rows);
	fdm_restart_free(fdm.restart);
	fdm_facts_free(fdm.facts);
}

static void
assert_logs(const char *want)
{
	fdm_pending_tick(&fdm, T0);
	assert_string_equal(logged, want);
	logged[0] = '\0';
}

static void
list(void **state)
{
	char text[HA_ERR_TEXT];
	json_t *pending;

	(void)state;
	begin(3);
	verdict(1)->why = HA_RESTART_NO_ROOM;
	pending = fdm_pending_json(&fdm, T0);
	assert_int_equal(json_array_size(pending), 1);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(pending, 0), "resource")),
			    "vm1");
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(pending, 0), "since_ms")),
			 5000);
	assert_non_null(strstr(json_string_value(json_object_get(
				       json_array_get(pending, 0), "text")),
			       "tried again whenever a host comes"));
	json_decref(pending);
	assert_null(fdm_pending_text(
		&fdm, &g_array_index(fdm.facts->vms, struct fdm_vm, 0), T0,
		text, sizeof(text)));
	assert_non_null(fdm_pending_text(
		&fdm, &g_array_index(fdm.facts->vms, struct fdm_vm, 1), T0,
		text, sizeof(text)));
	end();
}

/* One answer must hold it. */
static void
long_list(void **state)
{
	json_t *pending;
	size_t bytes;

	(void)state;
	begin(VMS);
	for (guint i = 0; i < VMS; i++) {
		verdict(i)->why = HA_RESTART_NO_ROOM;
	}
	pending = fdm_pending_json(&fdm, T0);
	bytes = json_dumpb(pending, NULL, 0, JSON_COMPACT);
	assert_int_equal(json_array_size(pending), 64);
	assert_true(bytes < HA_IPC_PACKET / 4);
	json_decref(pending);
	end();
}

static void
log_lines(void **state)
{
	(void)state;
	begin(3);
	assert_logs("");
	verdict(0)->why = HA_RESTART_NO_ROOM;
	verdict(2)->why = HA_RESTART_NO_ROOM;
	assert_logs("pending-placement:vm0 pending-placement:vm2");
	assert_logs("");
	/* Let go once more, and begun nowhere: not placed. */
	verdict(0)->why = HA_RESTART_MAY_START;
	assert_logs("");
	verdict(0)->why = HA_RESTART_NO_ROOM;
	assert_logs("");
	verdict(0)->why = HA_RESTART_STARTING;
	track("vm0")->is_busy = true;
	/* Its user does not want it any more. */
	verdict(2)->why = HA_RESTART_NOT_WANTED;
	assert_logs("placed:vm0");
	verdict(0)->why = HA_RESTART_RUNS;
	verdict(2)->why = HA_RESTART_NO_ROOM;
	assert_logs("pending-placement:vm2");
	verdict(2)->why = HA_RESTART_RUNS;
	assert_logs("placed:vm2");
	end();
}

/* The master says it for all; a new one once more. */
static void
master_alone(void **state)
{
	(void)state;
	begin(1);
	fdm.master.term = 0;
	verdict(0)->why = HA_RESTART_NO_ROOM;
	assert_logs("");
	fdm.master.term = 2;
	assert_logs("pending-placement:vm0");
	fdm.master.term = 0;
	verdict(0)->why = HA_RESTART_RUNS;
	assert_logs("");
	end();
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
	struct fdm one = { .facts = fdm_facts_new(xmlReadMemory(
				   CIB, (int)strlen(CIB), "", NULL, 0)) };
	struct fdm_row row = { .vm = fdm_facts_vm(one.facts, "a") };

	(void)state;
	one.rows = g_array_new(FALSE, TRUE, sizeof(struct fdm_row));
	g_array_append_val(one.rows, row);
	one.failed =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	cleanups = 0;
	fdm_duty_failed(&one, T0);
	assert_int_equal(cleanups, 0);
	g_array_index(one.rows, struct fdm_row, 0).wants_cleanup = true;
	fdm_duty_failed(&one, T0);
	assert_int_equal(cleanups, 1);
	fdm_duty_failed(&one, T0 + FDM_REFUSED_MS - 1);
	assert_int_equal(cleanups, 1);
	fdm_duty_failed(&one, T0 + FDM_REFUSED_MS);
	assert_int_equal(cleanups, 2);
	g_array_index(one.rows, struct fdm_row, 0).wants_cleanup = false;
	fdm_duty_failed(&one, T0 + FDM_REFUSED_MS + 100);
	g_array_index(one.rows, struct fdm_row, 0).wants_cleanup = true;
	fdm_duty_failed(&one, T0 + FDM_REFUSED_MS + 200);
	assert_int_equal(cleanups, 3);
	g_hash_table_destroy(one.failed);
	g_array_unref(one.rows);
	fdm_facts_free(one.facts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list),      cmocka_unit_test(long_list),
		cmocka_unit_test(log_lines), cmocka_unit_test(master_alone),
		cmocka_unit_test(cleanup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
