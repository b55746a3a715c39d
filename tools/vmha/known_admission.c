/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What admission control says of the cluster and of one VM. That a VM is
 * refused is its ticket's word, which every host reads; marks and the plan are
 * the master's. Why, and what would help, are told as this host has judged it
 * just now, if it has; else the master's words, which may be of a while ago, or
 * nothing where it tells nothing.
 */
#include <stdarg.h>
#include <string.h>

#include "policy.h"
#include "why.h"

#define RED "red: "
#define HOMELESS_MAX 3u /* of VMs without a place that are named */
#define FAILS " fails: "
/* What is missing then, and what is not. */
#define NOBODY                                                              \
	"nobody grants tickets, so that VMs which are held stay down, "     \
	"nobody judges admission, and VMs are not restarted in order. "     \
	"What runs, runs on, Pacemaker restarts what it has a ticket for, " \
	"and the heartbeat goes on. To have it back: "
#define ATTRIBUTE "vmha-admission" /* transient, of the master's node */

/* That VM's row of a list; NULL. */
static const json_t *
row_of(const json_t *list, const char *vm)
{
	const json_t *row;
	size_t i;

	json_array_foreach(list, i, row)
	{
		if (strcmp(vmha_text(row, "resource"), vm) == 0) {
			return row;
		}
	}
	return NULL;
}

const char *
admission_help(const json_t *manager, const char *vm)
{
	const json_t *admission = json_object_get(manager, "admission");

	return vmha_text(row_of(json_object_get(admission, "refused"), vm),
			 "help");
}

bool
known_is_refused(const struct known *known, const char *vm)
{
	return cib_gate(known->cib, vm) &&
	       policy_is_refused(cib_ticket(known->cib, vm));
}

struct known_admission
known_admission(const struct known *known, const char *vm)
{
	const json_t *all = json_object_get(known->manager, "admission");
	const json_t *own = json_object_get(
		row_of(json_object_get(known->manager, "vms"), vm),
		"admission");
	const json_t *mark = row_of(json_object_get(all, "marked"), vm);
	const json_t *fresh = row_of(json_object_get(known->fresh, "vms"), vm);
	const char *state = vmha_text(own, "state");

	if (fresh) {
		return (struct known_admission){ vmha_text(fresh, "state"),
						 vmha_text(fresh, "text"),
						 vmha_text(fresh, "help") };
	}
	if (known_is_refused(known, vm)) {
		return (struct known_admission){
			"refused", policy_refusal(cib_ticket(known->cib, vm)),
			admission_help(known->manager, vm)
		};
	}
	if (strcmp(state, "raise-refused") == 0 ||
	    strcmp(state, "not-admitted") == 0) {
		return (struct known_admission){ state, vmha_text(own, "text"),
						 vmha_text(own, "help") };
	}
	/* Its own row may stand on a page that was not asked for. */
	return mark ? (struct known_admission){ "marked",
						vmha_text(mark, "text"), "" } :
		      (struct known_admission){ "", "", "" };
}

/* "red: SENTENCE" of the master's node. */
static json_t *
from_attribute(const struct known *known)
{
	const json_t *master = known_master(known);
	const struct cib_node *state =
		master ? cib_find(known->cib, "node_state", "uname",
				  vmha_text(master, "name")) :
			 NULL;
	const char *value =
		cib_nvpair(cib_child(state, "transient_attributes"), ATTRIBUTE);

	if (!value || !*value) {
		return NULL;
	}
	if (strncmp(value, "red", 3) == 0) {
		return json_pack("{s:s, s:s}", "state", "red", "why",
				 strncmp(value, RED, sizeof(RED) - 1) == 0 ?
					 value + sizeof(RED) - 1 :
					 "");
	}
	/* "refused VM: SENTENCE" is no word on the cluster as it stands. */
	return json_pack("{s:s, s:s}", "state",
			 strncmp(value, "refused", 7) == 0 ? "green" : value,
			 "why", "");
}

/* As the master tells it; a new reference. */
static json_t *
told_all(const struct known *known)
{
	json_t *told = json_object_get(known->manager, "admission");
	bool is_unknown = strcmp(vmha_text(told, "state"), "unknown") == 0;
	json_t *all;

	if ((*vmha_text(told, "state") && !is_unknown) ||
	    vmha_bool(known->manager, "is_master")) {
		return *vmha_text(told, "state") ? json_incref(told) : NULL;
	}
	/* This host does not judge. What the master says of a policy that is
	 * disabled is nothing. */
	all = from_attribute(known);
	if (all && told) {
		json_t *merged = json_copy(told);

		(void)json_object_update(merged, all);
		json_decref(all);
		return merged;
	}
	return all                          ? all :
	       known_master(known) || !told ? NULL :
					      json_incref(told);
}

/* Of a policy that this host's manager does not tell. */
static void
put_policy(const struct known *known, json_t *all)
{
	json_t *policy = policy_head(known->cib);

	if (policy) {
		(void)json_object_update_missing(all, policy);
	}
	json_decref(policy);
}

static void
put_fresh(const struct known *known, json_t *all)
{
	const json_t *fresh = json_object_get(known->fresh, "cluster");

	if (!fresh || strcmp(vmha_text(all, "state"), "red") != 0) {
		return;
	}
	if (vmha_bool(fresh, "holds")) {
		(void)json_object_set_new(
			all, "why",
			json_sprintf("%s (judged again here and now it would "
				     "be green: the master is about to see it)",
				     vmha_text(all, "why")));
		return;
	}
	(void)json_object_set(all, "why", json_object_get(fresh, "why"));
	(void)json_object_set(all, "help", json_object_get(fresh, "help"));
}

json_t *
known_admission_all(const struct known *known)
{
	json_t *told = told_all(known);
	json_t *all = told ? json_copy(told) : NULL;

	json_decref(told);
	if (policy_resource(known->cib) &&
	    policy_type(known->cib) == HA_ADMISSION_DISABLED) {
		all = all ? all : json_object();
		(void)json_object_set_new(all, "state",
					  json_string("disabled"));
	}
	if (all) {
		put_policy(known, all);
		put_fresh(known, all);
	}
	return all;
}

/* Of performance_degradation: it refuses nothing, and is no problem. */
static void
put_warnings(const struct vmha *v, const json_t *all)
{
	const json_t *warning;
	size_t i;

	json_array_foreach(json_object_get(all, "warnings"), i, warning)
	{
		printf("           %s!%s %s\n",
		       vmha_tone_on(&v->screen, TONE_WARN),
		       vmha_tone_off(&v->screen, TONE_WARN),
		       json_string_value(warning));
	}
}

void
admission_put(const struct vmha *v, const json_t *all)
{
	const char *state = vmha_text(all, "state");
	const char *policy = vmha_text(all, "policy");
	const char *guarantee = vmha_text(all, "guarantee");
	int64_t failures = vmha_number(all, "host_failures");
	bool is_green = strcmp(state, "green") == 0;
	enum vmha_tone tone = is_green                  ? TONE_GOOD :
			      strcmp(state, "red") == 0 ? TONE_BAD :
							  TONE_WARN;

	if (!all) {
		return;
	}
	printf("admission: %s%s%s", vmha_tone_on(&v->screen, tone), state,
	       vmha_tone_off(&v->screen, tone));
	if (strcmp(state, "disabled") == 0) {
		puts(", nothing is refused");
		put_warnings(v, all);
		return;
	}
	if (*policy) {
		printf(", %s, %lld host failure%s%s%s", policy,
		       (long long)failures, failures == 1 ? "" : "s",
		       *guarantee ? ", guarantee " : "", guarantee);
	}
	printf("%s%s\n", !is_green && *vmha_text(all, "why") ? ": " : "",
	       is_green ? "" : vmha_text(all, "why"));
	put_warnings(v, all);
}

static void add(json_t *problems, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
add(json_t *problems, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)json_array_append_new(problems, json_vsprintf(fmt, ap));
	va_end(ap);
}

/* The manager's, unless the CIB's own table has it. */
static bool
is_told(const json_t *errors, const char *text)
{
	const json_t *error;
	size_t i;

	json_array_foreach(errors, i, error)
	{
		const char *at = strstr(json_string_value(error), text);

		if (at) {
			return true;
		}
	}
	return false;
}

static void
error_problems(const struct known *known, const json_t *all, json_t *problems)
{
	json_t *errors = json_array();
	json_t *error;
	size_t i;

	policy_errors(known->cib, errors);
	json_array_foreach(json_object_get(all, "errors"), i, error)
	{
		if (!is_told(errors, json_string_value(error))) {
			(void)json_array_append(problems, error);
		}
	}
	(void)json_array_extend(problems, errors);
	json_decref(errors);
}

/* Of the cluster as a whole. */
static void
state_problems(const json_t *all, json_t *problems)
{
	const char *state = vmha_text(all, "state");
	const char *help = vmha_text(all, "help");

	if (strcmp(state, "red") == 0) {
		add(problems, "admission control: %s%s%s",
		    vmha_text(all, "why"), *help ? "; what would help: " : "",
		    help);
	} else if (strcmp(state, "unknown") == 0) {
		add(problems,
		    "whether the cluster survives host failures is not known: "
		    "%s",
		    vmha_text(all, "why"));
	}
}

/* Pacemaker may have it, and nobody does its work. */
static void
manager_problems(const struct known *known, json_t *problems)
{
	const struct cib_node *resource = policy_resource(known->cib);
	const struct cib_node *in = resource ? cib_container(resource) : NULL;
	const char *name = cib_get(in ? in : resource, "id");

	if (!resource || known_master(known)) {
		return;
	}
	add(problems,
	    policy_is_stopped(known->cib) ?
		    "the fault domain manager %s is stopped: " NOBODY
		    "crm resource start %s" :
		    "no host is master of the fault domain (%s): " NOBODY
		    "\"crm_mon\" shows whether an election is under way, and "
		    "crm resource cleanup %s begins anew",
	    name, name);
}

static void
vm_problems(const struct known *known, json_t *problems)
{
	const struct cib_node *vm = NULL;

	while ((vm = cib_next_vm(known->cib, vm))) {
		const char *name = cib_get(vm, "id");
		const struct cib_node *in = cib_container(vm);
		struct known_admission one = known_admission(known, name);

		if (*one.state) {
			add(problems, "%s %s: %s: vmha why %s", name,
			    strcmp(one.state, "refused") == 0 ?
				    "is refused" :
				    KNOWN_NOT_ADMITTED,
			    one.text, name);
		}
		if (!cib_gate(known->cib, name)) {
			add(problems,
			    "%s has no gate, so that nothing protects "
			    "it: %s%s",
			    name, in ? "it stands in " : "vmha vm add ",
			    in ? cib_get(in, "id") : name);
		}
	}
}

/* "NAME (SIZE) has no place beside the others if HOST fails: WHY" says all but
 * the reason twice. */
static void
homeless_problems(const json_t *homeless, json_t *problems)
{
	size_t count = json_array_size(homeless);
	const json_t *it;
	size_t i;

	json_array_foreach(homeless, i, it)
	{
		const char *text = vmha_text(it, "text");
		const char *why = strstr(text, FAILS);

		if (i == HOMELESS_MAX) {
			add(problems, "and %zu more: vmha plan show",
			    count - i);
			break;
		}
		add(problems, "%s would have no place if %s died: %s",
		    vmha_text(it, "resource"), vmha_text(it, "host"),
		    why ? why + strlen(FAILS) : text);
	}
}

void
admission_problems(const struct known *known, const json_t *all,
		   json_t *problems)
{
	const json_t *plan = json_object_get(known->manager, "plan");
	const struct cib_node *nodes = cib_next(known->cib, NULL, "nodes");
	const struct cib_node *node = NULL;

	manager_problems(known, problems);
	state_problems(all, problems);
	error_problems(known, all, problems);
	vm_problems(known, problems);
	homeless_problems(json_object_get(plan, "homeless"), problems);
	while ((node = cib_next(nodes, node, "node"))) {
		const char *host = cib_get(node, "uname");

		if (cib_is_standby(known->cib, host)) {
			add(problems,
			    "%s is in maintenance, nothing starts there: vmha "
			    "host maintenance %s off",
			    host, host);
		} else if (cib_host(known->cib, host) == CIB_HOST_UNMANAGED) {
			add(problems,
			    "%s is in Pacemaker's own maintenance, nothing is "
			    "watched there: crm node ready %s",
			    host, host);
		}
	}
}
