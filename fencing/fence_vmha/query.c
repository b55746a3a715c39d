/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The actions that only ask: status, monitor, list, list-status, validate. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fence_vmha/ask.h"
#include "ha/ipc.h"

static int
status_of(const struct fence_args *args, const char *host, struct ha_err *err)
{
	struct fence_session session = { .action = HA_FENCE_REBOOT };
	struct ha_fence_answer answer;
	int code = fence_ask_facts(args, host, &session, &answer, err);

	if (code < 0) {
		return FENCE_EXIT_FAILED;
	}
	if (!answer.facts.is_known) {
		ha_err_set(err, -ENOENT,
			   "the heartbeat daemon here knows no host %s; if "
			   "\"vmha heartbeat list\" does not show it either, "
			   "vmha heartbeat add-host %s gives it a slot",
			   host, host);
		return FENCE_EXIT_FAILED;
	}
	if (answer.facts.is_self || answer.facts.is_member ||
	    answer.facts.storage.proof == HA_PROOF_ALIVE) {
		return FENCE_EXIT_OK;
	}
	if (ha_fencing_is_gone(&answer.facts.storage, answer.facts.ring,
			       answer.facts.ring_due_ms)) {
		return FENCE_EXIT_OFF;
	}
	ha_err_set(err, -EBUSY, "the state of %s is not known: %s", host,
		   answer.evidence);
	return FENCE_EXIT_FAILED;
}

int
fence_status(const struct fence_args *args)
{
	struct ha_err err = HA_ERR_INIT;
	const char *host;
	int result;

	/* Without a host: can this agent tell anything? As monitor. */
	if (!args->plug[0] && !args->nodename[0]) {
		return fence_monitor(args);
	}
	if (fence_args_host(args, &host, &err) < 0) {
		return fence_fail(&err);
	}
	result = status_of(args, host, &err);
	if (result == FENCE_EXIT_FAILED) {
		return fence_fail(&err);
	}
	if (!args->is_quiet) {
		printf("Status: %s\n", result == FENCE_EXIT_OK ? "ON" : "OFF");
	}
	return result;
}

static int
ask_status(const struct fence_args *args, json_t **ret_answer,
	   struct ha_err *err)
{
	return fence_ask(
		args,
		json_pack("{s:i, s:s}", "v", HA_IPC_VERSION, "op", "status"),
		ret_answer, err);
}

int
fence_monitor(const struct fence_args *args)
{
	struct ha_err err = HA_ERR_INIT;
	json_t *answer = NULL;
	json_t *store;
	size_t i;
	size_t working = 0;
	size_t count;
	int result = FENCE_EXIT_OK;

	if (ask_status(args, &answer, &err) < 0) {
		return fence_fail(&err);
	}
	count = json_array_size(json_object_get(answer, "stores"));
	json_array_foreach(json_object_get(answer, "stores"), i, store)
	{
		working += json_is_true(json_object_get(store, "working"));
	}
	/* w <= r: what can be read by r can be judged. */
	if (working < ha_stores_read((uint32_t)count)) {
		ha_err_set(&err, -EIO,
			   "only %zu of %zu heartbeat datastores work on this "
			   "host, fewer than the %u that must be read to prove "
			   "anything; vmha heartbeat status tells why",
			   working, count, ha_stores_read((uint32_t)count));
		result = fence_fail(&err);
	}
	json_decref(answer);
	return result;
}

static int
list(const struct fence_args *args, bool has_status)
{
	struct ha_err err = HA_ERR_INIT;
	json_t *answer = NULL;
	json_t *host;
	size_t i;

	if (ask_status(args, &answer, &err) < 0) {
		return fence_fail(&err);
	}
	json_array_foreach(json_object_get(answer, "hosts"), i, host)
	{
		const char *name =
			json_string_value(json_object_get(host, "name"));
		int status;

		if (!name) {
			continue;
		}
		if (!has_status) {
			printf("%s,\n", name);
			continue;
		}
		status = status_of(args, name, &err);
		printf("%s,,%s\n", name,
		       status == FENCE_EXIT_OK  ? "ON" :
		       status == FENCE_EXIT_OFF ? "OFF" :
						  "UNKNOWN");
	}
	json_decref(answer);
	return FENCE_EXIT_OK;
}

int
fence_list(const struct fence_args *args)
{
	return list(args, false);
}

int
fence_list_status(const struct fence_args *args)
{
	return list(args, true);
}

/* Parameters alone: what they name is looked at by monitor. Values were
 * checked as they were read. */
int
fence_validate(const struct fence_args *args)
{
	struct ha_err err = HA_ERR_INIT;

	if (args->socket[0] != '/') {
		ha_err_set(&err, -EINVAL,
			   "socket=\"%s\" is not an absolute path; the usual "
			   "one is " HA_IPC_PATH,
			   args->socket);
		return fence_fail(&err);
	}
	return FENCE_EXIT_OK;
}
