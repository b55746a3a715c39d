/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: can the VMs of a host that is cut off be held (SAFETY 16, 22)? Names
 * VMs without a gate, resources that forbid it, and what the fault domain
 * manager and its plan need. What it calls bad keeps VMs down; what only costs a reset
 * is a warning.
 */
#include <stdlib.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/gated.h"
#include "ha/ipc.h"
#include "ha/text.h"
#include "ask.h"
#include "check.h"
#include "cib.h"
#include "policy.h"

#define NAMES 200
/* A preference of 1 is below it (libha/core/prefer.c). */
#define STICKINESS_MIN 2

static void
add_name(char *names, size_t size, const char *name)
{
	size_t used = strlen(names);

	snprintf(names + used, size - used, "%s%s", used ? ", " : "", name);
}

/* Of ours: has the gate that vmha vm add makes. */
static unsigned int
check_vms(struct check *c, const struct cib_node *cib)
{
	const struct cib_node *vm = NULL;
	char without[NAMES] = "";
	unsigned int gated = 0;
	unsigned int vms = 0;

	while ((vm = cib_next_vm(cib, vm))) {
		const char *name = cib_get(vm, "id");
		const struct cib_node *gate = cib_gate(cib, name);

		vms++;
		gated += gate != NULL;
		if (!gate) {
			add_name(without, sizeof(without), name);
		} else if (!cib_gate_is_sound(gate)) {
			check_add(c, CHECK_BAD, "gate",
				  CIB_GATE "VM, loss-policy freeze",
				  "vmha vm add mends it; if its name is wrong: "
				  "delete the constraint first",
				  "%s of %s: loss-policy %s",
				  cib_get(gate, "id"), name,
				  cib_get(gate, "loss-policy"));
		} else if (!cib_ticket(cib, name)) {
			check_add(c, CHECK_WARN, "ticket", "one for each gate",
				  "vmha vm add, or start the fault domain "
				  "manager: until then it can't be started",
				  "%s has none", name);
		}
	}
	if (vms > 0) {
		/* Not wrong: a host that runs one of them is reset. */
		check_add(c, CHECK_OK, "gated VMs", "information", "",
			  "%u of %u%s%s", gated, vms,
			  without[0] ? "; a host that is cut off is reset when "
				       "it runs one of: " :
				       "",
			  without);
	}
	return gated;
}

static void
check_others(struct check *c, const struct cib_node *cib)
{
	const struct cib_node *at = NULL;
	char todo[512];

	while ((at = cib_next(cib, at, "primitive"))) {
		struct ha_gated_resource resource = { .id = cib_get(at, "id") };
		enum ha_gated_why why;
		char agent[200];
		char *provider;
		char *type;

		if (cib_is_ours(cib, at, "VirtualMachine")) {
			continue;
		}
		cib_agent(cib, at, agent, sizeof(agent));
		provider = strchr(agent, ':');
		type = strrchr(agent, ':');
		if (!provider || !type) {
			continue;
		}
		*provider = '\0';
		*type = '\0';
		resource.class_name = agent;
		resource.provider = provider == type ? NULL : provider + 1;
		resource.type = type + 1;
		resource.requires = cib_meta(cib, at, "requires");
		why = ha_gated_judge_one(&resource);
		if (ha_gated_is_allowed(why)) {
			continue;
		}
		snprintf(todo, sizeof(todo),
			 "a cut-off host that runs it is reset with all its "
			 "VMs. Keep it to other hosts%s",
			 why == HA_GATED_UNGATED ?
				 ", or set its meta attribute "
				 "requires=quorum if running twice does it no "
				 "harm" :
				 "");
		check_add(c, CHECK_WARN, "holding",
			  "only gated VMs where VMs run", todo, "%s %s",
			  resource.id, ha_gated_why_text(why));
	}
}

/* Of the promoted instance: one without a role looks at the others only. */
static bool
has_promoted_monitor(const struct cib_node *manager)
{
	const struct cib_node *op = NULL;

	while ((op = cib_next(manager, op, "op"))) {
		const char *role = cib_get(op, "role");

		if (strcmp(cib_get(op, "name"), "monitor") == 0 &&
		    (strcmp(role, "Promoted") == 0 ||
		     strcmp(role, "Master") == 0)) {
			return true;
		}
	}
	return false;
}

static void
check_promotable(struct check *c, const struct cib_node *cib,
		 const struct cib_node *manager)
{
	const char *promotable = cib_meta(cib, manager, "promotable");

	if (!cib_is_true(promotable)) {
		check_add(c, CHECK_WARN, "fault domain", "promotable=true",
			  "crm configure edit: promotable=true for the clone, "
			  "two monitors with role=Promoted and "
			  "role=Unpromoted for the primitive: otherwise the "
			  "coordinator (DC) is master, whatever it can do",
			  "promotable is %s",
			  promotable ? promotable : "not set");
	} else if (!has_promoted_monitor(manager)) {
		check_add(c, CHECK_WARN, "fault domain",
			  "op monitor role=Promoted",
			  "crm configure edit: op monitor interval=10s "
			  "role=Promoted, op monitor interval=11s "
			  "role=Unpromoted: otherwise nobody notices that the "
			  "master's manager has ended",
			  "%s has no monitor for the promoted role",
			  cib_get(manager, "id"));
	}
}

static void
check_clone(struct check *c, const struct cib_node *cib,
	    const struct cib_node *manager)
{
	const struct cib_node *clone = cib_container(manager);
	const char *requires = cib_meta(cib, manager, "requires");
	const char *interleave = cib_meta(cib, manager, "interleave");
	bool is_interleaved = false;

	if (!cib_is(clone, "clone")) {
		check_add(c, CHECK_BAD, "fault domain", "a clone",
			  "crm configure clone cl-vmha NAME meta "
			  "promotable=true interleave=true: without it most "
			  "hosts have no manager",
			  "%s is no clone", cib_get(manager, "id"));
		return;
	}
	if (!requires || (strcmp(requires, "quorum") != 0 &&
			  strcmp(requires, "nothing") != 0)) {
		check_add(c, CHECK_BAD, "fault domain", "requires=quorum",
			  "crm resource meta NAME set requires quorum: "
			  "otherwise the new master waits for the fencing that "
			  "needs it",
			  "requires is %s",
			  requires ? requires : "not set, so fencing");
	}
	if (!interleave || ha_text_bool(interleave, &is_interleaved) < 0 ||
	    !is_interleaved) {
		check_add(c, CHECK_WARN, "fault domain", "interleave=true",
			  "crm resource meta CLONE set interleave true: "
			  "otherwise what is ordered after it restarts on all "
			  "hosts when one comes or goes",
			  "interleave is %s",
			  interleave ? interleave : "not set");
	}
	check_promotable(c, cib, manager);
	check_add(c, CHECK_OK, "fault domain", "a clone", "", "clone %s",
		  cib_get(clone, "id"));
}

/* Does a VM's own parameter say that its guest may power it off? */
static bool
wants_guest_off(const struct cib_node *cib)
{
	const struct cib_node *vm = NULL;

	while ((vm = cib_next_vm(cib, vm))) {
		const struct cib_node *set = NULL;

		while ((set = cib_next(vm, set, "instance_attributes"))) {
			const char *value =
				cib_nvpair(set, "on_guest_shutdown");

			if (value && strcmp(value, "stop") == 0) {
				return true;
			}
		}
	}
	return false;
}

static void
check_manager(struct check *c, const struct cib_node *cib, unsigned int gated)
{
	const struct cib_node *at = NULL;

	while ((at = cib_next(cib, at, "primitive"))) {
		if (cib_is_ours(cib, at, "FaultDomain")) {
			check_clone(c, cib, at);
			return;
		}
	}
	if (wants_guest_off(cib)) {
		check_add(
			c, CHECK_WARN, "on_guest_shutdown",
			"stop, and ocf:vmha:FaultDomain",
			"configure the manager: without it a guest that shuts "
			"itself down is restarted",
			"no manager is configured");
	}
	if (gated > 0) {
		check_add(
			c, CHECK_BAD, "fault domain", "ocf:vmha:FaultDomain",
			"crm configure primitive vmha-fdm "
			"ocf:vmha:FaultDomain meta requires=quorum; crm "
			"configure clone cl-vmha vmha-fdm meta "
			"promotable=true interleave=true: nobody else grants the tickets of "
			"the gated VMs",
			"VMs are gated and no manager is configured");
	}
}

/* As Pacemaker reads a score; one that it can't read counts as not set. */
static long
stickiness_of(const struct cib_node *cib, const struct cib_node *vm)
{
	const char *text = cib_meta(cib, vm, "resource-stickiness");

	if (text && (strcasecmp(text, "INFINITY") == 0 ||
		     strcasecmp(text, "+INFINITY") == 0)) {
		return STICKINESS_MIN;
	}
	return text ? strtol(text, NULL, 10) : 0;
}

/* Below its stickiness the plan tells Pacemaker where a VM goes. */
static void
check_stickiness(struct check *c, const struct cib_node *cib,
		 unsigned int gated)
{
	const struct cib_node *vm = NULL;
	char names[NAMES] = "";
	unsigned int without = 0;

	while ((vm = cib_next_vm(cib, vm))) {
		const char *name = cib_get(vm, "id");

		if (cib_gate(cib, name) &&
		    stickiness_of(cib, vm) < STICKINESS_MIN) {
			without++;
			add_name(names, sizeof(names), name);
		}
	}
	check_add(c, without > 0 ? CHECK_WARN : CHECK_OK, "resource-stickiness",
		  "at least 2 for gated VMs",
		  without > 0 ?
			  "crm configure rsc_defaults resource-stickiness=100, "
			  "and for a VM that has its own: crm resource meta VM "
			  "set resource-stickiness 100. Until then Pacemaker "
			  "can't be told where they go when their host dies" :
			  "",
		  "%u of %u below it%s%s", without, gated,
		  without > 0 ? ": " : "", names);
}

/* false: each can be read. */
static bool
check_params(struct check *c, const struct cib_node *cib)
{
	json_t *errors = json_array();
	const json_t *error;
	bool is_wrong;
	size_t i;

	policy_errors(cib, errors);
	json_array_foreach(errors, i, error)
	{
		check_add(c, CHECK_BAD, "fault domain manager",
			  "parameters that can be read",
			  "correct that parameter: crm resource param, or crm "
			  "configure edit",
			  "%s", json_string_value(error));
	}
	is_wrong = json_array_size(errors) > 0;
	json_decref(errors);
	return is_wrong;
}

/* What vmha-fdmd can't keep of the VMs' restart parameters. */
static void
check_restart(struct check *c, bool is_told)
{
	const struct vmha *v = c->v;
	const char *path = v->args.manager ? v->args.manager : HA_IPC_FDM_PATH;
	json_t *request =
		json_pack("{s:i, s:s}", "v", HA_IPC_VERSION, "op", "status");
	json_t *answer = NULL;
	const json_t *error;
	const char *wrong;
	size_t i;

	if (request) {
		(void)ha_ipc_ask(path, request, ha_clock_now_ms() + ASK_MS,
				 &answer, NULL);
	}
	json_decref(request);
	wrong = json_string_value(json_object_get(
		json_object_get(json_object_get(answer, "isolation"), "policy"),
		"error"));
	if (!is_told && wrong && *wrong) {
		check_add(
			c, CHECK_BAD, "fault domain manager",
			"parameters that can be read",
			"correct that parameter: until then its default holds",
			"%s", wrong);
	}
	json_array_foreach(
		json_object_get(json_object_get(answer, "restart"), "errors"),
		i, error)
	{
		check_add(c, CHECK_BAD, "restart order", "can be kept",
			  "correct that parameter: crm configure edit", "%s",
			  json_string_value(error));
	}
	json_decref(answer);
}

void
check_gates(struct check *c, const struct cib_node *cib)
{
	unsigned int gated = check_vms(c, cib);

	if (gated > 0) {
		check_others(c, cib);
	}
	if (gated > 0 && policy_is_in_force(cib)) {
		check_stickiness(c, cib, gated);
	}
	check_manager(c, cib, gated);
	check_restart(c, check_params(c, cib));
}
