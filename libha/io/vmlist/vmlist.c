/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agents' end of the VM list (ha/vmlist.h): asks the heartbeat daemon of
 * this host and passes its answer on. Only a host on which heartbeat was
 * never configured goes on without the lock; a daemon that is down, slow or
 * of another version is a refusal (SAFETY 12).
 */
#include "ha/vmlist.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/ipc.h"

#define HEARTBEAT_CONF "/etc/vmha/vmha.conf"

/* The daemon answers a little before the agent stops listening: at most this
 * part of the time, and no more than so long. */
#define RESERVE_PART 10
#define RESERVE_MAX_MS 1000u
#define AGAIN_MS 100u /* while another request for the VM is in work */

/* Anything but "there is no such file" may hide one. */
static bool
is_absent(const char *path)
{
	return access(path, F_OK) < 0 && errno == ENOENT;
}

static const char *
state_name(enum ha_vmlist_state state)
{
	switch (state) {
	case HA_VMLIST_STARTING:
		return "starting";
	case HA_VMLIST_RUNNING:
		return "running";
	case HA_VMLIST_INCOMING:
		return "incoming";
	case HA_VMLIST_OUTGOING:
		break;
	}
	return "outgoing";
}

static int
ask_once(json_t *request, uint64_t deadline_ms, struct ha_err *err)
{
	uint64_t left_ms = ha_clock_left_ms(deadline_ms);
	uint64_t reserve_ms = left_ms / RESERVE_PART;
	json_t *answer = NULL;
	int rc;

	if (reserve_ms > RESERVE_MAX_MS) {
		reserve_ms = RESERVE_MAX_MS;
	}
	if (!request ||
	    json_object_set_new(
		    request, "budget_ms",
		    json_integer((json_int_t)(left_ms - reserve_ms))) < 0) {
		return ha_err_set(err, -ENOMEM, "no memory");
	}
	rc = ha_ipc_ask(HA_IPC_PATH, request, deadline_ms, &answer, err);
	json_decref(answer);
	return rc;
}

/* Takes the request over. Another request for the VM may be in work: the fault
 * domain manager lists what it finds running, and Pacemaker, which runs one
 * action of a resource at a time, does not know of it. */
static int
ask(json_t *request, const char *what, const char *resource,
    uint64_t deadline_ms, struct ha_err *err)
{
	int rc;

	if (is_absent(HEARTBEAT_CONF) && is_absent(HA_IPC_PATH)) {
		json_decref(request);
		return HA_VMLIST_NOT_CONFIGURED;
	}
	rc = ask_once(request, deadline_ms, err);
	while (rc == -EALREADY && ha_clock_left_ms(deadline_ms) > AGAIN_MS) {
		ha_clock_sleep_ms(AGAIN_MS, deadline_ms);
		rc = ask_once(request, deadline_ms, err);
	}
	json_decref(request);
	/* A positive result of a call that documents none is no consent. */
	if (rc > 0) {
		rc = ha_err_set(err, -EPROTO, "an answer of no known kind");
	}
	return rc < 0 ?
		       ha_err_prefix(err, rc, "can't %s %s: ", what, resource) :
		       0;
}

void
ha_vmlist_token(char ret_token[HA_VMLIST_TOKEN])
{
	ha_autoclose int fd =
		open(HA_VMLIST_TOKEN_PATH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, ret_token, HA_VMLIST_TOKEN);
	char *end = n <= 0 ? NULL : memchr(ret_token, '\n', (size_t)n);

	/* Torn, or of another kind: none, so that the daemon is asked. */
	if (!end || memchr(ret_token, 0, (size_t)(end - ret_token))) {
		ret_token[0] = '\0';
		return;
	}
	*end = '\0';
}

int
ha_vmlist_announce(const char *uuid, const char *resource,
		   enum ha_vmlist_state state, uint64_t deadline_ms,
		   struct ha_err *err)
{
	return ha_vmlist_announce_ticket(uuid, resource, state, 0, deadline_ms,
					 err);
}

int
ha_vmlist_announce_ticket(const char *uuid, const char *resource,
			  enum ha_vmlist_state state, uint64_t ticket_term,
			  uint64_t deadline_ms, struct ha_err *err)
{
	return ask(json_pack("{s:i, s:s, s:s, s:s, s:s, s:I}", "v",
			     HA_IPC_VERSION, "op", "announce", "uuid", uuid,
			     "resource", resource, "state", state_name(state),
			     "ticket_term", (json_int_t)ticket_term),
		   "announce", resource, deadline_ms, err);
}

int
ha_vmlist_announce_outgoing(const char *uuid, const char *resource,
			    const char *target, uint64_t deadline_ms,
			    struct ha_err *err)
{
	return ask(json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "v",
			     HA_IPC_VERSION, "op", "announce", "uuid", uuid,
			     "resource", resource, "state",
			     state_name(HA_VMLIST_OUTGOING), "target", target),
		   "announce", resource, deadline_ms, err);
}

int
ha_vmlist_withdraw(const char *uuid, const char *resource, uint64_t deadline_ms,
		   struct ha_err *err)
{
	return ask(json_pack("{s:i, s:s, s:s, s:s}", "v", HA_IPC_VERSION, "op",
			     "withdraw", "uuid", uuid, "resource", resource),
		   "withdraw", resource, deadline_ms, err);
}
