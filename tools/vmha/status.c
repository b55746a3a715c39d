/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha heartbeat status: the daemon's view of hosts and datastores on one
 * screen, for people; with --json as the daemon gave it.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ha/ipc.h"
#include "ask.h"

#define PART 64

static void
put_part(const struct vmha *v, enum vmha_tone tone, const char *text)
{
	fputs(vmha_tone_on(&v->screen, tone), stdout);
	fputs(text, stdout);
	fputs(vmha_tone_off(&v->screen, tone), stdout);
}

static const char *
span_or(int64_t ms, const char *none, char *buffer, size_t size)
{
	return ms < 0 ? none : vmha_span((uint64_t)ms, buffer, size);
}

static void
put_self(const struct vmha *v, const json_t *status)
{
	const json_t *self = json_object_get(status, "self");
	const json_t *watchdog = json_object_get(status, "watchdog");
	const char *identity = vmha_text(watchdog, "identity");
	const char *evidence = vmha_text(self, "evidence");
	bool is_armed = vmha_bool(watchdog, "armed");
	char text[256];
	char age[PART];
	char pet[PART];

	printf("This host %s: ", vmha_text(self, "host"));
	put_part(v, is_armed ? TONE_GOOD : TONE_WARN,
		 is_armed ? "armed" :
			    vmha_state_word(vmha_text(self, "beat_state")));
	printf(", evidence ");
	put_part(v, strcmp(evidence, "storage") == 0 ? TONE_GOOD : TONE_WARN,
		 evidence);
	printf(" %s old, ", span_or(vmha_age(self, "evidence_age_ms"), "-", age,
				    sizeof(age)));
	if (!vmha_bool(self, "corosync")) {
		put_part(v, TONE_BAD, "no corosync");
	} else {
		put_part(v, vmha_bool(self, "quorate") ? TONE_GOOD : TONE_BAD,
			 vmha_bool(self, "quorate") ? "quorate" : "no quorum");
	}
	snprintf(text, sizeof(text),
		 "\nWatchdog %s%s%s: %" PRId64 " ms, last pet %s ago\n",
		 vmha_text(watchdog, "path"), identity[0] ? ", " : "", identity,
		 vmha_number(watchdog, "timeout_ms"),
		 span_or(vmha_age(self, "pet_age_ms"), "-", pet, sizeof(pet)));
	fputs(text, stdout);
}

void
vmha_put_head(const struct vmha *v, const json_t *status)
{
	const json_t *cluster = json_object_get(status, "cluster");
	const json_t *timing = json_object_get(status, "timing");
	char beat[PART];
	char dead[PART];

	printf("Cluster ");
	put_part(v, TONE_STRONG, vmha_text(cluster, "name"));
	printf(": profile %s, beat %s, dead after %s; of %" PRId64
	       " datastores %" PRId64 " write, %" PRId64 " read\n",
	       vmha_text(timing, "profile"),
	       vmha_span((uint64_t)vmha_number(timing, "beat_ms"), beat,
			 sizeof(beat)),
	       vmha_span((uint64_t)vmha_number(timing, "silence_ms"), dead,
			 sizeof(dead)),
	       vmha_number(cluster, "stores"),
	       vmha_number(cluster, "write_needed"),
	       vmha_number(cluster, "read_needed"));
	put_self(v, status);
}

void
vmha_put_stores(const struct vmha *v, const json_t *status)
{
	static const char *const TITLES[] = { "DATASTORE", "STATE", ">WRITE",
					      ">READ",     ">LATE", ">ERRORS",
					      "",          NULL };
	struct vmha_table table;
	const json_t *store;
	size_t i;

	vmha_table_init(&table, TITLES);
	json_array_foreach(json_object_get(status, "stores"), i, store)
	{
		bool is_working = vmha_bool(store, "working");
		bool is_shared = vmha_bool(store, "shares_device");

		vmha_table_add(&table, TONE_PLAIN, "%s",
			       vmha_text(store, "path"));
		vmha_table_add(&table, is_working ? TONE_GOOD : TONE_BAD, "%s",
			       is_working               ? "works" :
			       vmha_bool(store, "open") ? "hangs" :
							  "lost");
		vmha_table_add(&table, TONE_PLAIN, "%" PRId64 " ms",
			       vmha_number(store, "write_took_ms"));
		vmha_table_add(&table, TONE_PLAIN, "%" PRId64 " ms",
			       vmha_number(store, "read_took_ms"));
		vmha_table_add(&table,
			       vmha_number(store, "late") ? TONE_WARN :
							    TONE_PLAIN,
			       "%" PRId64, vmha_number(store, "late"));
		vmha_table_add(&table,
			       vmha_number(store, "errors") ? TONE_WARN :
							      TONE_PLAIN,
			       "%" PRId64, vmha_number(store, "errors"));
		vmha_table_add(&table, is_working ? TONE_DIM : TONE_BAD, "%s%s",
			       vmha_text(store, "error"),
			       is_shared ? "shares its device with another" :
					   "");
	}
	vmha_table_print(&table, &v->screen, stdout);
	vmha_table_done(&table);
}

void
vmha_put_problems(const struct vmha *v, const json_t *problems)
{
	const json_t *problem;
	size_t i;

	if (json_array_size(problems) == 0) {
		put_part(v, TONE_GOOD, "All is well.");
		putchar('\n');
	}
	json_array_foreach(problems, i, problem)
	{
		put_part(v, TONE_BAD, "! ");
		printf("%s\n", json_string_value(problem));
	}
}

/* Answers of the daemon that have nothing to tell here. */
void
vmha_strip(json_t *status)
{
	(void)json_object_del(status, "v");
	(void)json_object_del(status, "ok");
}

int
vmha_hb_status(struct vmha *v)
{
	json_t *status = NULL;
	json_t *problems;
	bool is_well;
	int rc = vmha_ask_status(v, &status, &v->err);

	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	problems = vmha_problems(status);
	is_well = json_array_size(problems) == 0;
	if (v->args.is_json) {
		vmha_strip(status);
		(void)json_object_set(status, "problems", problems);
		rc = vmha_json(v, json_incref(status));
	} else {
		vmha_put_head(v, status);
		putchar('\n');
		vmha_put_hosts(v, status);
		putchar('\n');
		vmha_put_stores(v, status);
		putchar('\n');
		vmha_put_problems(v, problems);
		rc = VMHA_OK;
	}
	json_decref(problems);
	json_decref(status);
	return rc == VMHA_OK && !is_well ? VMHA_FAILED : rc;
}
