/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parameters that a new VM gets, judged by the agent's own table and
 * rules, so that none is written which the agent would refuse. What restarts
 * must wait for is looked up among the resources that there are.
 */
#include <string.h>
#include <strings.h>

#include "add.h"
#include "ha/text.h"

#define NEAR_MAX 3u /* letters apart that still make a suggestion */

static const struct ha_param *
row_of(const char *name)
{
	const struct ha_param *row = HA_VM_PARAMS;

	while (row->name && strcmp(row->name, name) != 0) {
		row++;
	}
	return row->name ? row : NULL;
}

static const char *
nearest(const char *name)
{
	const char *best = NULL;
	unsigned int least = NEAR_MAX + 1;

	for (const struct ha_param *row = HA_VM_PARAMS; row->name; row++) {
		unsigned int far = ha_text_distance(name, row->name);

		if (far < least) {
			least = far;
			best = row->name;
		}
	}
	return best;
}

/* What neither crm shell nor a line of a log takes. */
static bool
is_plain(const char *value)
{
	for (const char *c = value; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '"' ||
		    *c == '\\') {
			return false;
		}
	}
	return true;
}

static void
set(struct add_vm *vm, const char *name, const char *value)
{
	json_t *text = json_string(value);

	if (!text || !is_plain(value)) {
		json_decref(text);
		add_refuse(vm,
			   "%s: its value has a quote, a backslash, a control "
			   "character or no UTF-8, which crm shell does not "
			   "take: give one without",
			   name);
		return;
	}
	(void)json_object_set_new(vm->params, name, text);
}

/* NAME=VALUE */
static void
set_option(struct add_vm *vm, const char *option)
{
	size_t len = strcspn(option, "=");
	const char *best;
	char name[64];

	if (option[len] != '=' || len == 0 || len >= sizeof(name)) {
		add_refuse(vm, "--param: \"%s\" is not NAME=VALUE", option);
		return;
	}
	memcpy(name, option, len);
	name[len] = '\0';
	best = nearest(name);
	if (!row_of(name)) {
		add_refuse(vm,
			   "--param: ocf:vmha:VirtualMachine has no parameter "
			   "%s%s%s%s; crm ra info ocf:vmha:VirtualMachine "
			   "lists them",
			   name, best ? ", did you mean " : "",
			   best ? best : "", best ? "?" : "");
	} else if (json_object_get(vm->params, name)) {
		add_refuse(vm, "--param: %s is given already (%s)", name,
			   vmha_text(vm->params, name));
	} else {
		set(vm, name, option + len + 1);
	}
}

static const char *
get(void *params, const char *name)
{
	return json_string_value(json_object_get(params, name));
}

static void
judge_identity(struct add_vm *vm, const struct ha_vm_params *values)
{
	if (values->name && strcmp(values->name, vm->domain.name) != 0) {
		add_refuse(vm, "name=%s, but %s names the domain %s",
			   values->name, vm->path, vm->domain.name);
	}
	if (!values->uuid || !vm->domain.uuid[0]) {
		return;
	}
	if (strcasecmp(values->uuid, vm->domain.uuid) != 0) {
		add_refuse(vm, "uuid=%s, but %s has %s", values->uuid, vm->path,
			   vm->domain.uuid);
	}
}

/* What stands there, or the default, as the agent reads a bad one. */
static int
priority_word(const char *word)
{
	const struct ha_param *row = row_of("restart_priority");
	int found = row && word ? ha_param_choice(row->choices, word) : -1;

	return found < 0 ? (int)HA_VM_PRIORITY_MEDIUM : found;
}

/* Of a VM that is there; one that comes in the same update has the same as
 * all of them, and is never lower. -1: no such VM. */
static int
priority_of(const struct add *job, const char *name)
{
	const struct cib_node *at = cib_find(job->cib, "primitive", "id", name);

	for (uint32_t i = 0; i < job->count; i++) {
		if (strcmp(job->vm[i].name, name) == 0) {
			return (int)HA_VM_PRIORITY_HIGHEST;
		}
	}
	return at && cib_is_ours(job->cib, at, "VirtualMachine") ?
		       priority_word(cib_nvpair(at, "restart_priority")) :
		       -1;
}

static void
judge_depends(struct add_vm *vm, const struct ha_vm_params *values)
{
	const char *at = values->restart_depends;
	const char *word;
	size_t len = 0;
	char name[256];

	while ((word = ha_vm_words_next(&at, &len))) {
		int theirs;

		snprintf(name, sizeof(name), "%.*s", (int)len, word);
		theirs = priority_of(vm->job, name);
		if (theirs < 0) {
			add_refuse(vm,
				   "restart_depends: there is no VM %s; "
				   "\"vmha vm list\" names those that there "
				   "are",
				   name);
		} else if (theirs < values->restart_priority) {
			add_refuse(vm,
				   "restart_depends: %s has a lower "
				   "restart_priority than %s, which would wait "
				   "for it: raise that one or lower this one",
				   name, vm->name);
		}
	}
}

static void
judge_ready(struct add_vm *vm, const struct ha_vm_params *values)
{
	const char *lacking = NULL;

	if (values->ready_condition == HA_VM_READY_GUEST &&
	    !vm->domain.has_agent) {
		lacking = HA_DOMAIN_AGENT;
	} else if (values->ready_condition == HA_VM_READY_APPLICATION &&
		   !vm->domain.has_heartbeat) {
		lacking = HA_DOMAIN_HEARTBEAT;
	}
	if (lacking) {
		add_note(vm,
			 "its XML has no channel %s, which its ready_condition "
			 "needs: until it has one, it never becomes ready",
			 lacking);
	}
}

void
add_set_params(struct add_vm *vm)
{
	const struct vmha_args *args = &vm->job->v->args;
	struct ha_vm_params values;
	struct ha_err err = HA_ERR_INIT;

	memset(&values, 0, sizeof(values));
	set(vm, "config", vm->config);
	if (vm->domain.uuid[0]) {
		set(vm, "uuid", vm->domain.uuid);
	}
	if (args->priority) {
		set(vm, "restart_priority", args->priority);
	}
	if (args->depends) {
		set(vm, "restart_depends", args->depends);
	}
	if (args->ready) {
		set(vm, "ready_condition", args->ready);
	}
	for (uint32_t i = 0; i < args->params.count; i++) {
		set_option(vm, args->params.text[i]);
	}
	if (ha_params_parse(HA_VM_PARAMS, get, vm->params, &values, &err) < 0 ||
	    ha_vm_params_check(&values, vm->name, &err) < 0) {
		add_refuse(vm, "%s", err.text);
		return;
	}
	judge_identity(vm, &values);
	judge_depends(vm, &values);
	judge_ready(vm, &values);
	if (!vm->domain.uuid[0] && values.uuid) {
		(void)ha_text_uuid(values.uuid, vm->domain.uuid);
	}
}
