/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha status: hosts with their state and who is master, datastores, and
 * every VM with its ticket and what binds it, on one screen. What a part that
 * does not answer would know is shown as unknown, never left out.
 */
#include "lacks.h"
#include "why.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct table_row {
	const char *vm, *state, *host, *host_state;
};

static void
put_row(const struct known *known, struct vmha_table *table,
	const struct table_row *row)
{
	const char *ticket =
		known->cib ? known_ticket_word(known, row->vm) : "?";
	bool is_held =
		strcmp(ticket, "held") == 0 || strcmp(ticket, "missing") == 0;
	bool is_live = strcmp(row->host_state, "live") == 0;
	struct known_vm vm;
	char text[256];

	vmha_table_add(table, TONE_STRONG, "%s", row->vm);
	vmha_table_add(table, TONE_PLAIN, "%s", row->state);
	vmha_table_add(table,
		       is_live ? TONE_PLAIN : vmha_state_tone(row->host_state),
		       "%s%s%s%s", row->host, is_live ? "" : " (",
		       is_live ? "" : vmha_state_word(row->host_state),
		       is_live ? "" : ")");
	vmha_table_add(table,
		       is_held                        ? TONE_BAD :
		       strcmp(ticket, "waiting") == 0 ? TONE_WARN :
							TONE_PLAIN,
		       "%s", ticket);
	known_vm(known, row->vm, &vm);
	vmha_table_add(table,
		       vm.protection == KNOWN_PROTECTED ? TONE_GOOD : TONE_WARN,
		       "%s", known_protection_word(vm.protection));
	vmha_table_add(table, TONE_PLAIN, "%s",
		       known_bind_text(known, row->vm, text, sizeof(text)));
}

#define DEAD "dead" /* ha_hoststate_name() */

/* By any host, or by one that may live. */
static bool
is_listed(const struct known *known, const char *name, bool by_dead)
{
	const json_t *list;
	const json_t *vm;
	size_t i;
	size_t j;

	json_array_foreach(known->lists, i, list)
	{
		if (!by_dead && strcmp(vmha_text(list, "state"), DEAD) == 0) {
			continue;
		}
		json_array_foreach(json_object_get(list, "vms"), j, vm)
		{
			if (strcmp(vmha_text(vm, "resource"), name) == 0) {
				return true;
			}
		}
	}
	return false;
}

static void
put_list(const struct known *known, struct vmha_table *table,
	 const json_t *list)
{
	const char *error = vmha_text(list, "error");
	bool is_dead = strcmp(vmha_text(list, "state"), DEAD) == 0;
	const json_t *vm;
	size_t i;

	if (error[0]) {
		vmha_table_add(table, TONE_DIM, "?");
		vmha_table_add(table, TONE_BAD, "unread");
		vmha_table_add(table, TONE_PLAIN, "%s (%s)",
			       vmha_text(list, "host"),
			       vmha_state_word(vmha_text(list, "state")));
		vmha_table_add(table, TONE_DIM, "?");
		vmha_table_add(table, TONE_DIM, "?");
		vmha_table_add(table, TONE_BAD, "%s", error);
	}
	json_array_foreach(json_object_get(list, "vms"), i, vm)
	{
		/* Its list stays as it was when the host died: what runs
		 * elsewhere is no second copy, and the rest is down. */
		const struct table_row row = { vmha_text(vm, "resource"),
					       is_dead ? "down" :
							 vmha_text(vm, "state"),
					       vmha_text(list, "host"),
					       vmha_text(list, "state") };

		if (!is_dead || !is_listed(known, row.vm, false)) {
			put_row(known, table, &row);
		}
	}
}

static void
put_vms(const struct vmha *v, const struct known *known)
{
	static const char *const TITLES[] = { "VM",     "STATE",      "HOST",
					      "TICKET", "PROTECTION", "",
					      NULL };
	const struct cib_node *vm = NULL;
	struct vmha_table table;
	const json_t *list;
	size_t i;

	vmha_table_init(&table, TITLES);
	json_array_foreach(known->lists, i, list)
	{
		put_list(known, &table, list);
	}
	while ((vm = cib_next_vm(known->cib, vm))) {
		const struct table_row row = { cib_get(vm, "id"), "-", "-",
					       "live" };

		if (!is_listed(known, row.vm, true)) {
			put_row(known, &table, &row);
		}
	}
	if (table.cells > 0) {
		vmha_table_print(&table, &v->screen, stdout);
	} else {
		puts("No host has a VM on its list.");
	}
	vmha_table_done(&table);
}

/* Whether it was promoted, as this host's manager knows it. */
static void
put_election(const struct known *known, const json_t *master)
{
	const json_t *election = json_object_get(known->manager, "election");
	const char *host = vmha_text(election, "host");

	if (master && *host && strcmp(host, vmha_text(master, "name")) == 0) {
		printf(" (%s)", vmha_text(election, "as"));
	}
}

/* Why this host could not be the next one. */
static void
put_standing(const struct known *known)
{
	const json_t *election = json_object_get(known->manager, "election");
	const char *why = vmha_text(election, "why");

	if (!vmha_bool(election, "promotable")) {
		return;
	}
	if (*why) {
		printf("This host does not stand for master: %s\n", why);
	} else {
		printf("This host stands for master: score %" PRId64
		       ", %" PRId64 " heartbeat datastores\n",
		       vmha_number(election, "score"),
		       vmha_number(election, "stores"));
	}
}

static void
put_master(const struct vmha *v, const struct known *known)
{
	const json_t *master = known_master(known);

	fputs("Master ", stdout);
	fputs(vmha_tone_on(&v->screen, master ? TONE_GOOD : TONE_WARN), stdout);
	fputs(master ? vmha_text(master, "name") : "none", stdout);
	fputs(vmha_tone_off(&v->screen, master ? TONE_GOOD : TONE_WARN),
	      stdout);
	put_election(known, master);
	if (known_term(known) > 0) {
		printf(", term %" PRId64, known_term(known));
	}
	if (!known->manager) {
		puts("; no fault domain manager answers on this host, what "
		     "follows is the heartbeat daemon's and the CIB's word");
	} else {
		const char *state = vmha_text(known->manager, "state");

		printf("; manager of this host: %s\n", *state ? state : "runs");
		put_standing(known);
	}
}

static json_t *
tickets_json(const struct known *known)
{
	const struct cib_node *vm = NULL;
	json_t *list = json_array();

	while ((vm = cib_next_vm(known->cib, vm))) {
		const char *name = cib_get(vm, "id");
		const struct cib_node *ticket = cib_ticket(known->cib, name);
		struct known_vm row;

		known_vm(known, name, &row);
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}",
				  "resource", name, "protection",
				  known_protection_word(row.protection),
				  "ticket", known_ticket_word(known, name),
				  "reason", cib_get(ticket, "vmha-reason"),
				  "owner", cib_get(ticket, "vmha-owner"),
				  "term", cib_get(ticket, "vmha-term"), "binds",
				  known_binds(known, name)));
	}
	return list;
}

/* Gated VMs that nobody may start now. */
static void
held_problems(const struct known *known, json_t *problems)
{
	const struct cib_node *vm = NULL;

	while ((vm = cib_next_vm(known->cib, vm))) {
		const char *name = cib_get(vm, "id");
		char held[256];
		char text[400];

		if (!cib_gate(known->cib, name) ||
		    cib_is_granted(cib_ticket(known->cib, name)) ||
		    (cib_is_powered_off(cib_ticket(known->cib, name)) &&
		     !cib_is_kept_off(cib_ticket(known->cib, name)))) {
			continue;
		}
		if (cib_is_kept_off(cib_ticket(known->cib, name))) {
			snprintf(text, sizeof(text),
				 "%s was powered off when the cluster lost its "
				 "power, and stays so until \"vmha vm start "
				 "%s\"",
				 name, name);
			(void)json_array_append_new(problems,
						    json_string(text));
			continue;
		}
		known_bind_text(known, name, held, sizeof(held));
		if (known_is_refused(known, name)) {
			continue; /* admission_problems() */
		}
		if (cib_is_waiting(cib_ticket(known->cib, name))) {
			snprintf(text, sizeof(text), "%s: %s: vmha why %s",
				 name, held, name);
			(void)json_array_append_new(problems,
						    json_string(text));
			continue;
		}
		snprintf(text, sizeof(text),
			 "%s can't be started%s%s%s: vmha why %s", name,
			 is_listed(known, name, true) ? " elsewhere" : "",
			 held[0] ? ", " : "", held, name);
		(void)json_array_append_new(problems, json_string(text));
	}
}

static void
found_problems(const struct known *known, json_t *problems)
{
	const json_t *one;
	size_t i;

	json_array_foreach(known->found, i, one)
	{
		char text[400];

		snprintf(text, sizeof(text), "%s: %s on %s: vmha why %s",
			 vmha_text(one, "vm"), vmha_text(one, "kind"),
			 vmha_text(one, "host"), vmha_text(one, "vm"));
		(void)json_array_append_new(problems, json_string(text));
	}
}

#define NAMED_MAX 8u /* of VMs in one sentence */

/* Pending placement: all in one line. */
static void
pending_problem(const struct known *known, json_t *problems)
{
	const json_t *list = json_object_get(known->manager, "pending");
	size_t count = json_array_size(list);
	char names[400] = "";
	const json_t *vm;
	size_t i;

	json_array_foreach(list, i, vm)
	{
		size_t used = strlen(names);

		if (i < NAMED_MAX) {
			snprintf(names + used, sizeof(names) - used, "%s%s",
				 i ? ", " : "", vmha_text(vm, "resource"));
		}
	}
	if (count > 0) {
		(void)json_array_append_new(
			problems,
			json_sprintf("no host has room for %zu VM%s that may "
				     "be started: %s%s: vmha why VM",
				     count, count == 1 ? "" : "s", names,
				     count > NAMED_MAX ? " and others" : ""));
	}
}

static int
tell_json(struct vmha *v, struct known *known, json_t *admission,
	  json_t *problems)
{
	const json_t *master = known_master(known);
	json_t *gaps = json_array();

	known_gaps(known, gaps);
	vmha_strip(known->status);
	(void)json_object_set(known->status, "vms", known->lists);
	(void)json_object_set_new(known->status, "tickets",
				  known->cib ? tickets_json(known) :
					       json_null());
	(void)json_object_set_new(
		known->status, "master",
		master ? json_string(vmha_text(master, "name")) : json_null());
	(void)json_object_set_new(known->status, "term",
				  json_integer(known_term(known)));
	(void)json_object_set(known->status, "manager",
			      known->manager ? known->manager : json_null());
	if (admission) {
		(void)json_object_set(known->status, "admission", admission);
	}
	(void)json_object_set_new(known->status, "unknown", gaps);
	(void)json_object_set(known->status, "found", known->found);
	(void)json_object_set(known->status, "problems", problems);
	return vmha_json(v, json_incref(known->status));
}

static void
tell(const struct vmha *v, const struct known *known, const json_t *admission,
     const json_t *problems)
{
	vmha_put_head(v, known->status);
	put_master(v, known);
	admission_put(v, admission);
	putchar('\n');
	vmha_put_hosts(v, known->status);
	putchar('\n');
	vmha_put_reports(v, known->manager);
	vmha_put_stores(v, known->status);
	putchar('\n');
	put_vms(v, known);
	if (!known->cib) {
		printf("Tickets are not known: %s.\n", known->cib_err.text);
	}
	if (!known->holds) {
		printf("Holds are not known: %s.\n", known->holds_err.text);
	}
	known_put_found(v, known);
	putchar('\n');
	vmha_put_problems(v, problems);
}

/* Negative: not shown. */
static int
look(struct vmha *v)
{
	struct known known;
	json_t *admission;
	json_t *problems;
	int code = VMHA_OK;

	known_gather(v, &known);
	known_judge(v, &known, NULL);
	if (!known.status) {
		v->err = known.status_err;
		code = known.status_code;
		known_done(&known);
		return code;
	}
	problems = vmha_problems(known.status);
	vmha_report_problems(known.manager, problems);
	held_problems(&known, problems);
	pending_problem(&known, problems);
	found_problems(&known, problems);
	lacks_problems(known.cib, problems);
	admission = known_admission_all(&known);
	admission_problems(&known, admission, problems);
	if (v->args.is_json) {
		code = tell_json(v, &known, admission, problems);
	} else {
		tell(v, &known, admission, problems);
	}
	json_decref(admission);
	if (code == VMHA_OK && json_array_size(problems) > 0) {
		code = VMHA_FAILED;
	}
	json_decref(problems);
	known_done(&known);
	return code;
}

int
vmha_status(struct vmha *v)
{
	int rc;

	if (v->args.interval_ms && !v->args.is_watched) {
		(void)vmha_fail_with(v, -EINVAL, "--interval needs --watch");
		return VMHA_USAGE;
	}
	if (v->args.is_watched && v->args.is_json) {
		(void)vmha_fail_with(v, -EINVAL,
				     "--watch is for people, --json for "
				     "programs: give one of them");
		return VMHA_USAGE;
	}
	if (v->args.is_watched && v->screen.is_terminal) {
		return vmha_watch_run(v, look);
	}
	rc = look(v);
	return rc < 0 ? vmha_fail(v, rc) : rc;
}
