/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What admission control says of the cluster and of one VM. That a VM is
 * refused is its ticket's word, which every host reads; what would help, marks
 * and the plan are the master's. A manager that tells nothing of it, an older
 * one, leaves all that out.
 */
#include <stdarg.h>
#include <string.h>

#include "policy.h"
#include "why.h"

#define RED "red: "
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
	const char *state = vmha_text(own, "state");

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

json_t *
known_admission_all(const struct known *known)
{
	json_t *told = json_object_get(known->manager, "admission");
	bool is_unknown = strcmp(vmha_text(told, "state"), "unknown") == 0;
	json_t *all;

	if (!known->manager || (*vmha_text(told, "state") && !is_unknown) ||
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

/* Of the cluster as a whole. */
static void
state_problems(const json_t *all, json_t *problems)
{
	const char *state = vmha_text(all, "state");
	const char *help = vmha_text(all, "help");
	const json_t *error;
	size_t i;

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
	json_array_foreach(json_object_get(all, "errors"), i, error)
	{
		add(problems, "%s", json_string_value(error));
	}
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
				    "runs, and is not admitted as it is",
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

void
admission_problems(const struct known *known, const json_t *all,
		   json_t *problems)
{
	const json_t *plan = json_object_get(known->manager, "plan");
	const struct cib_node *nodes = cib_next(known->cib, NULL, "nodes");
	const struct cib_node *node = NULL;
	const json_t *it;
	size_t i;

	state_problems(all, problems);
	vm_problems(known, problems);
	json_array_foreach(json_object_get(plan, "homeless"), i, it)
	{
		add(problems, "%s would have no place if %s died: %s",
		    vmha_text(it, "resource"), vmha_text(it, "host"),
		    vmha_text(it, "text"));
	}
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
