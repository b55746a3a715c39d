/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has the VMs of a host that is cut off and alive held in its name, by the
 * fault domain manager of this host (ha/ipc.h). No manager, no answer or a
 * refusal end in "can't be held": the host is then reset, never taken as
 * fenced. A manager that is there may lack a master for some beats, since the
 * cut-off host may have been it: it is asked again for a while. Of a host that
 * is dead, VMs that have to wait for others are kept back, if that can be done
 * in a moment.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fence_vmha/ask.h"
#include "fence_vmha/timeouts.h"
#include "ha/clock.h"
#include "ha/ipc.h"

static int
ask(const struct fence_args *args, json_t *request, uint64_t span_ms,
    json_t **ret_answer, struct ha_err *err)
{
	int code;

	if (!request) {
		return ha_err_set(err, -ENOMEM, "no memory for a question");
	}
	code = ha_ipc_ask(args->manager_socket, request,
			  ha_clock_now_ms() + span_ms, ret_answer, err);
	json_decref(request);
	return code;
}

/* What a refusal leaves: forbidden, asked again in a moment, or impossible. */
static enum ha_fence_hold
refused(const struct fence_args *args, struct fence_session *session,
	const struct ha_timing *timing, int code, const struct ha_err *err,
	enum ha_fence_hold again)
{
	uint64_t now_ms = ha_clock_now_ms();

	(void)snprintf(session->manager, sizeof(session->manager), "%s",
		       err->text);
	if (session->refused_ms == 0) {
		session->refused_ms = now_ms;
	}
	if (code == -EPERM) {
		return HA_FENCE_HOLD_FORBIDDEN;
	}
	/* Settles by itself: no reason to reset the host. */
	if (code == -EAGAIN && again == HA_FENCE_HOLD_MAY) {
		session->refused_ms = 0;
		ha_clock_sleep_ms(FENCE_POLL_FAR_MS, session->deadline_ms);
		return again;
	}
	if (access(args->manager_socket, F_OK) < 0 ||
	    now_ms >= session->refused_ms +
			      (uint64_t)FENCE_MANAGER_BEATS * timing->beat_ms) {
		return HA_FENCE_HOLD_UNAVAILABLE;
	}
	ha_clock_sleep_ms(timing->beat_ms, session->deadline_ms);
	return again;
}

void
fence_hold_ask(const struct fence_args *args, const char *host,
	       struct fence_session *session, const struct ha_timing *timing)
{
	struct ha_err err = HA_ERR_INIT;
	json_t *answer = NULL;
	int code = ask(args,
		       json_pack("{s:i, s:s, s:s}", "v", HA_IPC_VERSION, "op",
				 "may-hold", "host", host),
		       FENCE_ASK_MS, &answer, &err);

	json_decref(answer);
	session->hold = code == 0 ? HA_FENCE_HOLD_MAY :
				    refused(args, session, timing, code, &err,
					    HA_FENCE_HOLD_UNASKED);
	if (code == 0) {
		session->refused_ms = 0;
	}
}

/* What failed or came too late may have been put all the same: then the next
 * question finds nothing missing, and the transition that asks is older than
 * the holds nevertheless. These two are said before anything is put. */
static void
take_failure(struct fence_session *session, int code)
{
	if (code != -EPERM && code != -EAGAIN) {
		session->has_placed = true;
		session->placed_ms = 0; /* not known yet */
	}
}

void
fence_hold_place(const struct fence_args *args, const char *host,
		 struct fence_session *session,
		 const struct ha_fence_answer *answer)
{
	struct ha_err err = HA_ERR_INIT;
	uint64_t incarnation = answer->facts.storage.incarnation;
	uint64_t left_ms = ha_clock_left_ms(session->deadline_ms);
	uint64_t span_ms = left_ms < FENCE_HOLD_MS ? left_ms : FENCE_HOLD_MS;
	const json_t *placed;
	const json_t *standing;
	json_t *reply = NULL;
	int code =
		ask(args,
		    json_pack("{s:i, s:s, s:s, s:I, s:I, s:I}", "v",
			      HA_IPC_VERSION, "op", "hold", "host", host,
			      "incarnation", (json_int_t)incarnation,
			      "generation", (json_int_t)answer->list_generation,
			      "budget_ms", (json_int_t)span_ms),
		    span_ms, &reply, &err);

	if (code < 0) {
		take_failure(session, code);
		session->hold = refused(args, session, &answer->timing, code,
					&err, HA_FENCE_HOLD_MAY);
		return;
	}
	placed = json_object_get(reply, "placed");
	standing = json_object_get(reply, "standing");
	if (json_is_integer(placed) && json_is_integer(standing)) {
		session->vms = json_integer_value(placed) +
			       json_integer_value(standing);
		/* A list that changed is asked about again; the transition
		 * that asks is still older than what was placed. */
		if (json_integer_value(placed) > 0 ||
		    (session->has_placed && session->placed_ms == 0)) {
			session->has_placed = true;
			session->placed_ms = ha_clock_now_ms();
		}
		session->hold = session->has_placed ? HA_FENCE_HOLD_PLACED :
						      HA_FENCE_HOLD_STANDING;
		session->hold_generation = answer->list_generation;
		session->refused_ms = 0;
	} else {
		take_failure(session, -EPROTO);
		ha_err_set(&err, -EPROTO,
			   "the fault domain manager does not say how many "
			   "VMs it holds");
		session->hold = refused(args, session, &answer->timing, -EPROTO,
					&err, HA_FENCE_HOLD_MAY);
	}
	json_decref(reply);
}

void
fence_hold_back(const struct fence_args *args, const char *host)
{
	struct ha_err err = HA_ERR_INIT;
	json_t *answer = NULL;
	int code = ask(args,
		       json_pack("{s:i, s:s, s:s}", "v", HA_IPC_VERSION, "op",
				 "hold-back", "host", host),
		       FENCE_BACK_MS, &answer, &err);

	if (args->is_verbose) {
		fence_say("%s: %lld VMs wait for their turn%s%s", host,
			  (long long)json_integer_value(
				  json_object_get(answer, "kept")),
			  code < 0 ? ": " : "", code < 0 ? err.text : "");
	}
	json_decref(answer);
}

void
fence_hold_check(struct fence_session *session,
		 const struct ha_fence_answer *answer)
{
	if ((session->hold == HA_FENCE_HOLD_PLACED ||
	     session->hold == HA_FENCE_HOLD_STANDING) &&
	    session->hold_generation != answer->list_generation) {
		session->hold = HA_FENCE_HOLD_MAY;
	}
}

void
fence_hold_text(const struct fence_session *session, char *buffer, size_t size)
{
	buffer[0] = '\0';
	switch (session->hold) {
	case HA_FENCE_HOLD_PLACED:
	case HA_FENCE_HOLD_STANDING:
		(void)snprintf(buffer, size,
			       "its %lld VM%s held in its name, nothing was "
			       "reset",
			       (long long)session->vms,
			       session->vms == 1 ? " is" : "s are");
		break;
	case HA_FENCE_HOLD_UNAVAILABLE:
	case HA_FENCE_HOLD_FORBIDDEN:
	case HA_FENCE_HOLD_UNASKED:
	case HA_FENCE_HOLD_MAY:
		if (session->manager[0]) {
			(void)snprintf(buffer, size, "its VMs are not held: %s",
				       session->manager);
		}
		break;
	}
}
