/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha host confirm-dead: an administrator's word that a host is off, where
 * nothing can prove it. Says what is known of the host and what may run
 * there, asks to be sure, and never gives the word for a host that beats or
 * that is a member.
 */
#include "why.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "ha/ipc.h"

#define CONFIRM_MS 15000u /* the word is flushed on w datastores first */

static json_t *
vms_of(const struct known *known, const char *name)
{
	json_t *vms = json_array();
	const json_t *list;
	const json_t *vm;
	size_t i;
	size_t j;

	json_array_foreach(known->lists, i, list)
	{
		if (strcmp(vmha_text(list, "host"), name) != 0) {
			continue;
		}
		json_array_foreach(json_object_get(list, "vms"), j, vm)
		{
			if (strcmp(vmha_text(vm, "state"), "released") != 0) {
				(void)json_array_append(
					vms, json_object_get(vm, "resource"));
			}
		}
	}
	return vms;
}

static const char *
error_of(const struct known *known, const char *name)
{
	const json_t *list;
	size_t i;

	json_array_foreach(known->lists, i, list)
	{
		if (strcmp(vmha_text(list, "host"), name) == 0) {
			return vmha_text(list, "error");
		}
	}
	return "";
}

static void
put_known(struct vmha *v, const struct known *known, const json_t *host,
	  const json_t *vms)
{
	const char *name = vmha_text(host, "name");
	int64_t age_ms = host_age(host);
	const char *error = error_of(known, name);
	char words[96];
	char age[32];
	const json_t *vm;
	size_t i;

	vmha_say(v,
		 "%s is %s; its newest beat was read %s ago, incarnation "
		 "%" PRId64 ".",
		 name, host_words(host, words, sizeof(words)),
		 age_ms < 0 ? "an unknown time" :
			      vmha_span((uint64_t)age_ms, age, sizeof(age)),
		 vmha_number(host, "incarnation"));
	if (*error) {
		vmha_say(v, "What runs there is not known: %s.", error);
	} else if (json_array_size(vms) == 0) {
		vmha_say(v, "Its list is empty.");
	}
	json_array_foreach(vms, i, vm)
	{
		vmha_say(v, "  %s may run there", json_string_value(vm));
	}
}

/* -EPERM where the evidence says otherwise. */
static int
refuse(struct vmha *v, const json_t *host)
{
	const char *name = vmha_text(host, "name");
	const char *state = vmha_text(host, "state");

	if (vmha_bool(host, "self")) {
		return ha_err_set(&v->err, -EPERM,
				  "%s is this host: it is not dead", name);
	}
	if (vmha_bool(host, "member")) {
		return ha_err_set(&v->err, -EPERM,
				  "%s is a member of this cluster now: it is "
				  "not dead",
				  name);
	}
	if (strcmp(state, "live") == 0 || strcmp(state, "late") == 0 ||
	    strcmp(state, "isolated") == 0 ||
	    strcmp(state, "partitioned") == 0 ||
	    strcmp(state, "starting") == 0) {
		return ha_err_set(&v->err, -EPERM,
				  "%s still beats (%s): it is not dead. Switch "
				  "it off, or: vmha heartbeat message %s reset",
				  name, state, name);
	}
	return 0;
}

static int
ask_back(struct vmha *v, const char *name)
{
	char answer[HA_HOST_NAME + 2];
	size_t len = strlen(name);

	if (v->args.is_yes) {
		return 0;
	}
	if (!isatty(STDIN_FILENO)) {
		return ha_err_set(&v->err, -EPERM,
				  "if %s is not off, its VMs run twice and "
				  "their disks are destroyed. Look that it is "
				  "off, then say --yes",
				  name);
	}
	fprintf(stderr,
		"If %s is not OFF, its VMs run twice and their disks are "
		"destroyed.\nLook at the machine or its power switch. Type its "
		"name if it is off: ",
		name);
	if (!fgets(answer, sizeof(answer), stdin) ||
	    strncmp(answer, name, len) != 0 || answer[len] != '\n') {
		return ha_err_set(&v->err, -ECANCELED, "nothing was changed");
	}
	return 0;
}

static int
confirm(struct vmha *v, const struct known *known, const json_t *host)
{
	const char *name = vmha_text(host, "name");
	json_t *vms = vms_of(known, name);
	json_t *answer = NULL;
	int code;
	int rc;

	put_known(v, known, host, vms);
	if (strcmp(vmha_text(host, "state"), "dead") == 0) {
		vmha_say(v, "It is proven dead already: there is nothing to "
			    "confirm.");
		code = v->args.is_json ?
			       vmha_json(v, json_pack("{s:s, s:s, s:O}", "host",
						      name, "outcome", "proven",
						      "vms", vms)) :
			       VMHA_OK;
		json_decref(vms);
		return code;
	}
	rc = refuse(v, host);
	if (rc == 0) {
		rc = ask_back(v, name);
	}
	if (rc == 0) {
		rc = vmha_ask(v,
			      json_pack("{s:i, s:s, s:s, s:b, s:I}", "v",
					HA_IPC_VERSION, "op", "confirm-dead",
					"host", name, "force",
					v->args.is_forced, "budget_ms",
					(json_int_t)CONFIRM_MS),
			      CONFIRM_MS + ASK_MS, &answer, &v->err);
	}
	json_decref(answer);
	if (rc < 0) {
		code = vmha_fail(v, rc);
	} else if (v->args.is_json) {
		code = vmha_json(v,
				 json_pack("{s:s, s:s, s:O}", "host", name,
					   "outcome", "confirmed", "vms", vms));
	} else {
		vmha_say(v,
			 "%s counts as dead until it beats again. Pacemaker "
			 "fences it by this word at its next attempt; at once: "
			 "stonith_admin --fence %s",
			 name, name);
		code = VMHA_OK;
	}
	json_decref(vms);
	return code;
}

int
vmha_confirm_dead(struct vmha *v)
{
	const char *name = v->args.operand[0];
	struct known known;
	const json_t *host;
	int code;

	known_gather(v, &known);
	host = known_host(&known, name);
	if (!known.status) {
		v->err = known.status_err;
		code = vmha_fail(v, known.status_code);
	} else if (!host) {
		code = vmha_fail_with(v, -ESRCH,
				      "%s has no slot; \"vmha heartbeat "
				      "status\" names the hosts",
				      name);
	} else {
		code = confirm(v, &known, host);
	}
	known_done(&known);
	return code;
}
