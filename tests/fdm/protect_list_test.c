/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agents/FaultDomain/protect_list, grant: what the master writes over the
 * protected list that it has just read, and over tickets of a copy of the CIB
 * that may be a moment old. heartbeatd and the CIB are faked: what is sent to
 * them is what is tested.
 */
#include "../unit/unit.h"

#include <libxml/parser.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"

#define UUID "96c1c197-4271-484c-b03e-380ddfaf8324"
#define OFF                                                          \
	"[{\"uuid\":\"" UUID "\", \"resource\":\"web1\", \"state\":" \
	"\"off\", \"order\":2}]"
#define STARTED                                                         \
	"<meta_attributes><nvpair name='target-role' value='Started'/>" \
	"</meta_attributes>"
#define KEPT                                                    \
	"<ticket_state id='vmha-web1' granted='false' "         \
	"vmha-state='off' vmha-reason='was-off' vmha-owner='' " \
	"vmha-term='4' vmha-role='Started'/>"
#define STOP_ALL                                     \
	"<crm_config><cluster_property_set><nvpair " \
	"name='stop-all-resources' value='true'/>"   \
	"</cluster_property_set></crm_config>"

static struct fdm_snap snap;
static struct fdm fdm;
static json_t *request; /* the last one to heartbeatd */
static void (*answer_to)(void *data, int code, const json_t *answer,
			 const char *why);
static char *update; /* the last one of the CIB */
static uint32_t looks;

/* ---- what is faked --------------------------------------------------------- */

void
fdm_log(int level, const char *id, const char *format, ...)
{
	(void)level;
	(void)id;
	(void)format;
}

void
fdm_worker_ask(struct fdm_worker *worker, json_t *asked, uint64_t budget_ms,
	       void (*done)(void *data, int code, const json_t *answer,
			    const char *why),
	       void *data)
{
	(void)worker;
	(void)budget_ms;
	assert_ptr_equal(data, &fdm);
	json_decref(request);
	request = asked;
	answer_to = done;
}

void
ha_cib_update(struct ha_cib *cib, const char *xml,
	      void (*done)(void *data, int code, const char *why), void *data)
{
	(void)cib;
	(void)done;
	(void)data;
	g_free(update);
	update = g_strdup(xml);
}

void
fdm_waits_look(struct fdm *one, uint64_t now_ms, bool is_news)
{
	assert_true(is_news);
	looks++;
	fdm_protect_judge(one->protect, one->facts, one->rows, now_ms);
}

/* The members say that they are there. */
void
fdm_master_keep_lease(struct fdm *one, uint64_t now_ms)
{
	(void)now_ms;
	one->master.is_confirmed = true;
}

bool
fdm_master_may_write(const struct fdm *one, uint64_t now_ms)
{
	(void)one;
	(void)now_ms;
	return true;
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

json_t *
fdm_failed(int code, const char *format, ...)
{
	(void)code;
	(void)format;
	return NULL;
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

/* ---- one master ------------------------------------------------------------ */

static void
begin(const char *config, const char *ticket)
{
	char *xml = g_strdup_printf(
		"<cib><configuration>%s<nodes><node id='1' uname='h1'/>"
		"</nodes><resources><primitive id='web1' "
		"class='ocf' provider='vmha' type='VirtualMachine'>" STARTED
		"<instance_attributes><nvpair name='uuid' value='" UUID
		"'/></instance_attributes></primitive></resources>"
		"<constraints><rsc_ticket id='g' rsc='web1' "
		"ticket='vmha-web1' loss-policy='freeze'/></constraints>"
		"</configuration><status><tickets>%s</tickets></status></cib>",
		config, ticket);

	memset(&snap, 0, sizeof(snap));
	snap.hosts = g_array_new(FALSE, TRUE, sizeof(struct fdm_host));
	snap.holds = g_array_new(FALSE, TRUE, sizeof(struct fdm_hold));
	snap.can_read = true;
	snap.are_holds_read = true;
	memset(&fdm, 0, sizeof(fdm));
	fdm.snap = &snap;
	fdm.facts = fdm_facts_new(
		xmlReadMemory(xml, (int)strlen(xml), "", NULL, 0));
	fdm.rows = fdm_project(fdm.facts, &snap);
	fdm.restart = fdm_restart_new();
	fdm_restart_configure(fdm.restart, fdm.facts, 1);
	fdm.protect = fdm_protect_new();
	fdm.master.term = 5;
	fdm.master.granting = g_ptr_array_new_with_free_func(g_free);
	looks = 0;
	g_free(xml);
}

static void
end(void)
{
	g_clear_pointer(&fdm.master.wanted, g_hash_table_unref);
	g_ptr_array_unref(fdm.master.granting);
	g_array_unref(fdm.rows);
	fdm_protect_free(fdm.protect);
	fdm_restart_free(fdm.restart);
	fdm_facts_free(fdm.facts);
	g_array_unref(snap.hosts);
	g_array_unref(snap.holds);
	g_clear_pointer(&request, json_decref);
	g_clear_pointer(&update, g_free);
}

static void
answer(json_t *what)
{
	assert_non_null(what);
	answer_to(&fdm, 0, what, "");
	json_decref(what);
}

static void
assert_asks(const char *op)
{
	assert_non_null(request);
	assert_string_equal(json_string_value(json_object_get(request, "op")),
			    op);
}

/* The list is read, and lies on disk as `list`. */
static void
read_list(const char *list)
{
	fdm_protect_tick(&fdm, 1000);
	assert_asks("protected");
	answer(json_pack("{s:b, s:o, s:i, s:i}", "complete", 1, "vms",
			 json_loads(list, 0, NULL), "term", 4, "generation",
			 7));
}

static struct fdm_row *
row(void)
{
	assert_int_equal(fdm.rows->len, 1);
	return &g_array_index(fdm.rows, struct fdm_row, 0);
}

/* ---- the list --------------------------------------------------------------- */

/* Between two looks of the daemon nothing else judges the rows anew. */
static void
what_was_read_is_not_overwritten(void **state)
{
	const json_t *sent;

	(void)state;
	begin("", "");
	read_list(OFF);
	assert_int_equal(row()->gate, HA_PROTECT_KEPT_OFF);
	fdm_protect_tick(&fdm, 1100);
	assert_asks("protect");
	sent = json_array_get(json_object_get(request, "vms"), 0);
	assert_string_equal(json_string_value(json_object_get(sent, "state")),
			    "off");
	end();
}

static void
rows_follow_what_was_written(void **state)
{
	(void)state;
	begin("", "");
	read_list("[]");
	assert_int_equal(row()->shown, HA_PROTECT_IS_COMING);
	fdm_protect_tick(&fdm, 1100);
	assert_asks("protect");
	looks = 0;
	answer(json_pack("{s:i}", "generation", 1));
	assert_int_equal(looks, 1);
	assert_int_equal(row()->shown, HA_PROTECT_IS_PROTECTED);
	end();
}

/* ---- tickets ---------------------------------------------------------------- */

static void
early_keeps_no_ticket_from_what_runs(void **state)
{
	(void)state;
	begin("", "");
	fdm_protect_tick(&fdm, 1000);
	assert_true(row()->is_early);
	fdm_grant_write(&fdm, 1000);
	assert_null(update);
	row()->verdict.is_granted = true;
	row()->verdict.why = HA_TICKET_RUNS;
	fdm_grant_write(&fdm, 1000);
	assert_non_null(update);
	assert_non_null(strstr(update, "granted=\"true\""));
	end();
}

/* Its user's word may stand in vmha-reason by now, unseen here: an update
 * leaves alone what it does not name. */
static void
word_of_power_on_is_not_overwritten(void **state)
{
	(void)state;
	begin("", KEPT);
	read_list(OFF);
	fdm_grant_write(&fdm, 1000);
	assert_non_null(update);
	assert_non_null(strstr(update, "granted=\"false\" vmha-state=\"off\""));
	assert_non_null(strstr(update, "vmha-term=\"5\""));
	assert_null(strstr(update, "vmha-reason"));
	end();
	/* The first one says why. */
	begin("", "");
	read_list(OFF);
	fdm_grant_write(&fdm, 1000);
	assert_non_null(update);
	assert_non_null(strstr(update, "vmha-reason=\"was-off\""));
	end();
}

/* Nor by those who free tickets where there is no master. */
static void
stop_all_frees_nothing(void **state)
{
	(void)state;
	begin(STOP_ALL, KEPT);
	assert_false(row()->vm->is_wanted);
	read_list(OFF);
	assert_int_equal(row()->gate, HA_PROTECT_KEPT_OFF);
	assert_false(fdm_is_powered_off(row()->vm));
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_read_is_not_overwritten),
		cmocka_unit_test(rows_follow_what_was_written),
		cmocka_unit_test(early_keeps_no_ticket_from_what_runs),
		cmocka_unit_test(word_of_power_on_is_not_overwritten),
		cmocka_unit_test(stop_all_frees_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
