/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The isolation responder with the real core, real pings (in a network
 * namespace without any network, as root) and small programs in the place of
 * the VM agent, which write down how they were called. What a response does
 * to a real VM is tests/cluster's.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "FaultDomain/respond.h"
#include "FaultDomain/timeouts.h"

#define FAR_MS 30000u
#define STEP_MS 20
#define UUID_A "0b5a2e0e-7a51-4b59-a1a1-6a2a52c1f701"
#define UUID_B "0b5a2e0e-7a51-4b59-a1a1-6a2a52c1f702"

static char dir[] = "/tmp/vmha-responder-test.XXXXXX";
static char script[64];
static char said[65536]; /* ids of the log lines, and their words */

__attribute__((format(printf, 3, 4))) static void
note(int level, const char *id, const char *format, ...)
{
	size_t len = strlen(said);
	va_list args;

	(void)level;
	snprintf(said + len, sizeof(said) - len, "[%s] ", id);
	len = strlen(said);
	va_start(args, format);
	vsnprintf(said + len, sizeof(said) - len, format, args);
	va_end(args);
	len = strlen(said);
	snprintf(said + len, sizeof(said) - len, "\n");
}

static unsigned int
count(const char *word)
{
	unsigned int n = 0;

	for (const char *at = said; (at = strstr(at, word)); at++) {
		n++;
	}
	return n;
}

/* The program: notes its environment, then does what `rest` says. */
static void
write_script(const char *rest)
{
	FILE *f = fopen(script, "we");

	assert_non_null(f);
	fprintf(f,
		"#!/bin/sh\n"
		"env > %s/$OCF_RESOURCE_INSTANCE.new\n"
		"echo \"action=$1\" >> %s/$OCF_RESOURCE_INSTANCE.new\n"
		"mv %s/$OCF_RESOURCE_INSTANCE.new "
		"%s/$OCF_RESOURCE_INSTANCE.env\n"
		"%s\n",
		dir, dir, dir, dir, rest);
	fclose(f);
	assert_int_equal(chmod(script, 0755), 0);
}

/* What the program was called with, "" when it was not. */
static const char *
called(const char *resource)
{
	static char text[16384];
	char path[128];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.env", dir, resource);
	f = fopen(path, "re");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

static const struct responder_param POLICY[] = {
	{ "isolation_response", "poweroff" },
	{ "isolation_addresses", "192.0.2.99" },
	{ "use_default_gateway", "false" },
	{ "isolation_ping_timeout", "2s" },
	{ "isolation_delay", "0s" },
};
static const struct responder_param NONE[] = { { "isolation_response",
						 "none" } };
static const struct responder_param SHUTDOWN[] = {
	{ "config", "/srv/a b.xml" },
	{ "uuid", UUID_A },
	{ "isolation_response", "shutdown" },
	{ "shutdown_timeout", "40s" },
};
static const struct responder_param DISABLED[] = { { "restart_priority",
						     "disabled" } };

static struct responder_vm
vm(const char *resource, const char *uuid, const struct responder_param *params,
   size_t n_params)
{
	return (struct responder_vm){
		.resource = resource,
		.uuid = uuid,
		.state = HA_LISTED_RUNNING,
		.is_configured = true,
		.params = params,
		.n_params = n_params,
	};
}

/* A host that has lost everybody, and another one that could restart. */
static struct responder_facts
alone(const struct responder_vm *vms, size_t n_vms)
{
	return (struct responder_facts){
		.is_known = true,
		.can_read = true,
		.is_owner_alive = true,
		.node = "h1",
		.vms = vms,
		.n_vms = n_vms,
		.policy = POLICY,
		.n_policy = N_ELEMENTS(POLICY),
	};
}

static struct responder *
begin(void)
{
	struct responder *r = responder_new(note);
	char command[96];

	assert_non_null(r);
	r->program = script;
	said[0] = '\0';
	snprintf(command, sizeof(command), "rm -f %s/*.env", dir);
	assert_int_equal(system(command), 0);
	write_script("exit 0");
	return r;
}

/* Ticks until the log has the word. */
static void
tick_until(struct responder *r, const struct responder_facts *facts,
	   const char *word)
{
	uint64_t deadline_ms = ha_clock_now_ms() + FAR_MS;

	while (!strstr(said, word)) {
		responder_tick(r, facts);
		if (ha_clock_left_ms(deadline_ms) == 0) {
			fail_msg("no %s in:\n%s", word, said);
		}
		poll(NULL, 0, STEP_MS);
	}
}

static void
tick_for(struct responder *r, const struct responder_facts *facts,
	 uint64_t span_ms)
{
	uint64_t deadline_ms = ha_clock_now_ms() + span_ms;

	while (ha_clock_left_ms(deadline_ms) > 0) {
		responder_tick(r, facts);
		poll(NULL, 0, STEP_MS);
	}
}

static void
need_network(void)
{
	if (geteuid() != 0) {
		skip();
	}
}

static void
each_vm_by_its_own_response(void **state)
{
	struct responder_vm vms[] = {
		vm("off", UUID_B, NULL, 0),
		vm("left", UUID_B, NONE, N_ELEMENTS(NONE)),
		vm("disabled", UUID_B, DISABLED, N_ELEMENTS(DISABLED)),
		vm("soft", UUID_A, SHUTDOWN, N_ELEMENTS(SHUTDOWN)),
		vm("unknown", UUID_B, NULL, 0),
		vm("gone", UUID_B, NULL, 0),
	};
	struct responder_facts facts = alone(vms, N_ELEMENTS(vms));
	struct responder *r;

	(void)state;
	need_network();
	vms[4].is_configured = false;
	vms[5].state = HA_LISTED_RELEASED;
	r = begin();
	tick_until(r, &facts, "[isolated]");
	assert_true(responder_is_isolated(r));
	assert_int_equal(count("[isolation-check]"), 1);
	tick_until(r, &facts, "[response-done] soft: ");
	tick_until(r, &facts, "[response-done] off: ");
	tick_for(r, &facts, 1500);
	assert_int_equal(count("[response] "), 2);
	assert_non_null(strstr(called("off"), "action=stop\n"));
	assert_non_null(
		strstr(called("off"), "OCF_RESKEY_shutdown_mode=off\n"));
	assert_non_null(strstr(called("off"), "OCF_RESKEY_uuid=" UUID_B "\n"));
	assert_non_null(strstr(called("off"), "CRM_meta_timeout=60000\n"));
	assert_non_null(strstr(called("off"), "CRM_meta_on_node=h1\n"));
	assert_non_null(
		strstr(called("soft"), "OCF_RESKEY_config=/srv/a b.xml\n"));
	/* The VM's own patience, since it is shorter. */
	assert_non_null(strstr(called("soft"),
			       "OCF_RESKEY_shutdown_timeout=40000ms\n"));
	assert_non_null(strstr(called("soft"), "CRM_meta_timeout=70000\n"));
	assert_null(strstr(called("soft"), "shutdown_mode"));
	assert_null(strstr(called("soft"), "shutdown_timeout=40s"));
	assert_string_equal(called("left"), "");
	assert_string_equal(called("disabled"), "");
	assert_string_equal(called("unknown"), "");
	assert_string_equal(called("gone"), "");
	responder_free(r);
}

static void
nobody_could_restart_it(void **state)
{
	struct responder_vm vms[] = { vm("a", UUID_A, NULL, 0) };
	struct responder_facts facts = alone(vms, 1);
	struct responder *r;

	(void)state;
	need_network();
	facts.is_owner_alive = false;
	r = begin();
	tick_until(r, &facts, "[response-deferred]");
	tick_for(r, &facts, 1000);
	/* A list that can't be read for a moment changes nothing. */
	facts.n_vms = 0;
	tick_for(r, &facts, 100);
	facts.n_vms = 1;
	tick_for(r, &facts, 500);
	assert_int_equal(count("[response-deferred]"), 1);
	assert_string_equal(called("a"), "");
	/* Neither does want of knowledge begin anything. */
	facts.is_owner_alive = true;
	facts.is_known = false;
	tick_for(r, &facts, 500);
	assert_string_equal(called("a"), "");
	facts.is_known = true;
	tick_until(r, &facts, "[response-done]");
	responder_free(r);
}

static void
contact_ends_it(void **state)
{
	struct responder_vm vms[] = { vm("a", UUID_A, NULL, 0),
				      vm("b", UUID_B, NONE, N_ELEMENTS(NONE)) };
	struct responder_facts facts = alone(vms, 2);
	struct responder *r;

	(void)state;
	need_network();
	r = begin();
	write_script("sleep 1; exit 0");
	tick_until(r, &facts, "[response] a");
	facts.is_quorate = true;
	facts.hears_agents = true;
	vms[1].params = NULL;
	vms[1].n_params = 0;
	tick_until(r, &facts, "[response-done] a");
	assert_int_equal(count("[connected]"), 1);
	assert_int_equal(count("[response-cancelled]"), 1);
	assert_false(responder_is_isolated(r));
	tick_for(r, &facts, 500);
	assert_int_equal(count("[response] "), 1);
	assert_string_equal(responder_state(r), "connected");
	responder_free(r);
}

static void
partition_is_no_isolation(void **state)
{
	struct responder_vm vms[] = { vm("a", UUID_A, NULL, 0) };
	struct responder_facts facts = alone(vms, 1);
	struct responder *r;

	(void)state;
	need_network();
	facts.hears_agents = true;
	r = begin();
	tick_until(r, &facts, "[partitioned]");
	tick_for(r, &facts, 3000);
	assert_string_equal(responder_state(r), "partitioned");
	assert_string_equal(called("a"), "");
	responder_free(r);
}

static void
failure_is_told_and_tried_harder(void **state)
{
	struct responder_vm vms[] = { vm("soft", UUID_A, SHUTDOWN,
					 N_ELEMENTS(SHUTDOWN)) };
	struct responder_facts facts = alone(vms, 1);
	struct responder *r;

	(void)state;
	need_network();
	r = begin();
	write_script("echo rubbish >&2; echo ocf-exit-reason:disk on fire >&2; "
		     "exit 1");
	tick_until(r, &facts, "[response-failed]");
	assert_non_null(strstr(said, "disk on fire"));
	tick_for(r, &facts, 500);
	assert_int_equal(count("[response] "), 1);
	/* Its time has come: now by force. */
	r->vms[0].again_ms = 0;
	write_script("exit 0");
	tick_until(r, &facts, "[response-done]");
	assert_non_null(
		strstr(called("soft"), "OCF_RESKEY_shutdown_mode=off\n"));
	responder_free(r);
}

static void
no_program(void **state)
{
	struct responder_vm vms[] = { vm("a", UUID_A, NULL, 0) };
	struct responder_facts facts = alone(vms, 1);
	struct responder *r;

	(void)state;
	need_network();
	r = begin();
	r->program = "/nonexistent/agent";
	tick_until(r, &facts, "[response-failed]");
	tick_for(r, &facts, 300);
	assert_int_equal(count("[response-failed]"), 1);
	assert_int_equal(r->n_runs, 0);
	responder_free(r);
}

static void
not_all_at_once(void **state)
{
	enum {
		MANY = 40
	};
	static char names[MANY][16];
	static char uuids[MANY][HA_UUID_TEXT];
	static struct responder_vm vms[MANY];
	struct responder_facts facts = alone(vms, MANY);
	struct responder *r;

	(void)state;
	need_network();
	for (unsigned int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "vm%u", i);
		snprintf(uuids[i], sizeof(uuids[i]),
			 "0b5a2e0e-7a51-4b59-a1a1-6a2a52c1%04x", i);
		vms[i] = vm(names[i], uuids[i], NULL, 0);
	}
	r = begin();
	write_script("sleep 1; exit 0");
	tick_until(r, &facts, "[response] vm15");
	assert_int_equal(r->n_runs, RESPOND_RUNS_MAX);
	assert_int_equal(count("[response] "), RESPOND_RUNS_MAX);
	tick_until(r, &facts, "[response-done] vm39");
	assert_int_equal(count("[response] "), MANY);
	responder_free(r);
}

/* An agent that outlives its timeout, and its children, are killed. */
static void
run_past_its_deadline(void **state)
{
	struct responder_vm a = vm("a", UUID_A, NULL, 0);
	struct respond_run run = { .stderr_fd = -1 };
	struct ha_err err = HA_ERR_INIT;
	uint64_t far_ms = ha_clock_now_ms() + FAR_MS;
	int rc;

	(void)state;
	write_script("sleep 1000");
	assert_int_equal(respond_run_begin(&run, script, &a, "h1",
					   RESPOND_POWEROFF, 0, &err),
			 0);
	assert_int_equal(run.deadline_ms - run.begun_ms,
			 RESPOND_POWEROFF_MS + RESPOND_KILL_MS);
	assert_int_equal(respond_run_poll(&run, run.deadline_ms - 1, &err), 1);
	assert_false(run.was_killed);
	do {
		rc = respond_run_poll(&run, run.deadline_ms, &err);
		poll(NULL, 0, STEP_MS);
	} while (rc == 1 && ha_clock_left_ms(far_ms) > 0);
	assert_int_equal(rc, -EIO);
	assert_non_null(strstr(err.text, "signal 9"));
	assert_int_equal(run.pid, 0);
}

static void
described(void **state)
{
	struct responder_vm vms[] = { vm("a", UUID_A, NULL, 0) };
	struct responder_facts facts = alone(vms, 1);
	struct responder *r;
	json_t *json;

	(void)state;
	need_network();
	facts.is_owner_alive = false;
	r = begin();
	tick_until(r, &facts, "[response-deferred]");
	json = responder_describe(r);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "state")),
			    "isolated");
	assert_true(json_is_true(json_object_get(json, "is_isolated")));
	assert_int_equal(json_array_size(json_object_get(json, "addresses")),
			 1);
	json_decref(json);
	responder_free(r);
	responder_free(NULL);
}

static int
setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(script, sizeof(script), "%s/agent", dir);
	return geteuid() == 0 ? unshare(CLONE_NEWNET) : 0;
}

static int
teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_vm_by_its_own_response),
		cmocka_unit_test(nobody_could_restart_it),
		cmocka_unit_test(contact_ends_it),
		cmocka_unit_test(partition_is_no_isolation),
		cmocka_unit_test(failure_is_told_and_tried_harder),
		cmocka_unit_test(no_program),
		cmocka_unit_test(not_all_at_once),
		cmocka_unit_test(run_past_its_deadline),
		cmocka_unit_test(described),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
