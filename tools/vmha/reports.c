/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The states of hosts in vSphere's words, as the fault domain manager of this
 * host tells them: since when, by whose word, and by what evidence. Shown
 * beside what the heartbeat daemon sees at this moment.
 */
#include "ask.h"

#include <string.h>

static enum vmha_tone
tone_of(const char *state)
{
	if (strcmp(state, "live") == 0) {
		return TONE_GOOD;
	}
	if (strcmp(state, "stopped") == 0 || strcmp(state, "never") == 0) {
		return TONE_DIM;
	}
	return strcmp(state, "disarmed") == 0 ? TONE_WARN : TONE_BAD;
}

static void
put_report(struct vmha_table *table, const json_t *host)
{
	const json_t *report = json_object_get(host, "report");
	const char *state = vmha_text(report, "state");
	int64_t age_ms = vmha_age(report, "since_age_ms");
	char span[32];

	vmha_table_add(table, TONE_STRONG, "%s", vmha_text(host, "name"));
	if (!json_is_object(report)) {
		vmha_table_add(table, TONE_DIM, "not settled");
		vmha_table_add(table, TONE_DIM, "-");
		vmha_table_add(table, TONE_DIM, "-");
		vmha_table_add(table, TONE_DIM,
			       "seen a moment ago for the "
			       "first time");
		return;
	}
	vmha_table_add(table, tone_of(state), "%s%s", state,
		       vmha_bool(report, "maintenance") ? ", maintenance" : "");
	vmha_table_add(table, TONE_PLAIN, "%s",
		       age_ms < 0 ?
			       "-" :
			       vmha_span((uint64_t)age_ms, span, sizeof(span)));
	vmha_table_add(table, TONE_PLAIN, "%s", vmha_text(report, "reporter"));
	vmha_table_add(table, TONE_PLAIN, "%s", vmha_text(report, "evidence"));
}

static bool
has_reports(const json_t *manager)
{
	const json_t *hosts = json_object_get(manager, "hosts");

	return json_object_get(json_array_get(hosts, 0), "report") != NULL;
}

void
vmha_put_reports(const struct vmha *v, const json_t *manager)
{
	static const char *const TITLES[] = { "HOST",    "REPORTED", ">SINCE",
					      "SAID BY", "EVIDENCE", NULL };
	struct vmha_table table;
	const json_t *host;
	size_t i;

	/* A manager of an older version tells none. */
	if (!has_reports(manager)) {
		return;
	}
	vmha_table_init(&table, TITLES);
	json_array_foreach(json_object_get(manager, "hosts"), i, host)
	{
		put_report(&table, host);
	}
	vmha_table_print(&table, &v->screen, stdout);
	vmha_table_done(&table);
	putchar('\n');
}

void
vmha_report_problems(const json_t *manager, json_t *problems)
{
	const json_t *host;
	size_t i;

	json_array_foreach(json_object_get(manager, "hosts"), i, host)
	{
		const json_t *report = json_object_get(host, "report");
		char text[640];

		if (strcmp(vmha_text(report, "state"),
			   "initialization-error") == 0) {
			snprintf(text, sizeof(text),
				 "%s: initialization error: %s; the logs of "
				 "vmha-heartbeatd and vmha-fdmd there say why",
				 vmha_text(host, "name"),
				 vmha_text(report, "evidence"));
			(void)json_array_append_new(problems,
						    json_string(text));
		}
	}
}
