/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * off and reboot: asks for evidence until ha_fencing_judge() says that the
 * host is dead, or that it can't be told. Whatever goes wrong on the way
 * (no daemon, no answer, no memory) is a failure, never a success.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fence_vmha/ask.h"
#include "fence_vmha/timeouts.h"
#include "ha/clock.h"
#include "ha/ipc.h"

static uint64_t
patience_ms(const struct fence_args *args, const struct ha_timing *timing)
{
	if (args->power_timeout_ms) {
		return args->power_timeout_ms;
	}
	return ha_timing_silence_ms(timing) +
	       (uint64_t)FENCE_EXTRA_BEATS * timing->beat_ms + FENCE_EXTRA_MS;
}

/* An order that nobody hears is given again by the next attempt. */
static int
order_seal(const struct fence_args *args, const char *host,
	   struct fence_session *session, struct ha_err *err)
{
	json_t *answer = NULL;
	int code = fence_ask(args,
			     json_pack("{s:i, s:s, s:s, s:s}", "v",
				       HA_IPC_VERSION, "op", "order", "host",
				       host, "kind", "seal"),
			     &answer, err);

	if (code < 0) {
		return ha_err_prefix(err, code, "can't order %s to seal itself",
				     host);
	}
	session->is_seal_ordered = true;
	json_decref(answer);
	return 0;
}

static int
give_order(const struct fence_args *args, const char *host,
	   struct fence_session *session, struct ha_err *err)
{
	json_t *answer = NULL;
	int code = fence_ask(
		args,
		json_pack("{s:i, s:s, s:s, s:s}", "v", HA_IPC_VERSION, "op",
			  "order", "host", host, "kind",
			  session->action == HA_FENCE_OFF ? "off" : "reset"),
		&answer, err);

	if (code < 0) {
		return ha_err_prefix(err, code,
				     "can't order %s to reset itself", host);
	}
	session->is_ordered = true;
	session->nonce = json_integer_value(json_object_get(answer, "nonce"));
	json_decref(answer);
	return 0;
}

/* An acknowledgement tells a person more; the verdict does not need it. */
static void
look_for_ack(const struct fence_args *args, const char *host,
	     struct fence_session *session)
{
	json_t *answer = NULL;

	if (!session->is_ordered || session->is_acked) {
		return;
	}
	if (fence_ask(args,
		      json_pack("{s:i, s:s, s:s, s:I}", "v", HA_IPC_VERSION,
				"op", "order-state", "host", host, "nonce",
				session->nonce),
		      &answer, NULL) == 0) {
		session->is_acked =
			json_is_true(json_object_get(answer, "acked"));
		json_decref(answer);
	}
}

/* For the daemon's log and the brake; a verdict stands without it. */
static int
report(const struct fence_args *args, const char *host, bool is_success,
       const struct fence_session *session, enum ha_fence_reason why,
       const char *evidence)
{
	bool is_last = session->held_ms == 0 ||
		       ha_clock_now_ms() >= session->held_ms + FENCE_CONFIRM_MS;
	json_t *answer = NULL;
	int code = fence_ask(
		args,
		json_pack("{s:i, s:s, s:s, s:s, s:b, s:b, s:s, s:s, s:b, s:i}",
			  "v", HA_IPC_VERSION, "op", "fenced", "host", host,
			  "action",
			  session->action == HA_FENCE_OFF ? "off" : "reboot",
			  "success", is_success, "ordered", session->is_ordered,
			  "why", ha_fence_reason_name(why), "evidence",
			  evidence, "last", is_last, "budget_ms",
			  (int)FENCE_CONFIRM_ASK_MS),
		&answer, NULL);

	json_decref(answer);
	return is_last ? 0 : code;
}

/* A host that lives is fenced in the membership without it. While corosync forms
 * one with it the members do not answer: it is looked at again. 1: ask again. */
static int
report_held(const struct fence_args *args, const char *host,
	    struct fence_session *session, const char *evidence)
{
	if (session->held_ms == 0) {
		session->held_ms = ha_clock_now_ms();
	}
	if (report(args, host, true, session, HA_FENCE_WHY_HELD, evidence) ==
	    -EAGAIN) {
		return 1;
	}
	fence_say("%s is cut off and sealed: %s", host, evidence);
	return 0;
}

static struct ha_fence_verdict
judge(const struct fence_args *args, struct ha_fence_answer *answer,
      struct fence_session *session)
{
	struct ha_fence_facts *facts = &answer->facts;

	fence_hold_check(session, answer);
	facts->action = session->action;
	facts->was_member = session->was_member;
	facts->is_ordered = session->is_ordered;
	facts->is_order_acked = session->is_acked;
	/* A sequence counts the writes on all datastores, so it is no measure
	 * of beats: when the newest one was first read is. */
	facts->has_moved =
		answer->sequence > session->sequence &&
		facts->storage.since_ms >
			session->began_ms + (uint64_t)HA_FENCE_MOVED_BEATS *
						    answer->timing.beat_ms;
	facts->hold = session->hold;
	facts->is_seal_ordered = session->is_seal_ordered;
	facts->must_reset = strcmp(args->live, "reset") == 0;
	facts->waits_after_hold = strcmp(args->after_hold, "wait") == 0;
	facts->now_ms = ha_clock_now_ms();
	facts->is_hold_settled =
		session->hold == HA_FENCE_HOLD_PLACED &&
		facts->now_ms >= session->placed_ms + HA_FENCE_SETTLE_MS;
	facts->deadline_ms = session->deadline_ms;
	return ha_fencing_judge(facts, &answer->timing);
}

/* Seldom while the proof is far, often when it is near: a question costs the
 * agent and the daemon half a millisecond each. */
static void
wait_for_news(const struct ha_fence_answer *answer,
	      const struct ha_fence_verdict *verdict, uint64_t deadline_ms)
{
	uint64_t far_ms = ha_clock_now_ms() + FENCE_POLL_FAR_MS;
	/* On the way to a hold every beat may bring the next step. */
	bool is_holding = verdict->why == HA_FENCE_WHY_UNSEALED ||
			  verdict->why == HA_FENCE_WHY_UNREAD ||
			  verdict->why == HA_FENCE_WHY_PLACED;
	bool is_far = !is_holding && answer->facts.storage.due_ms > far_ms;

	ha_clock_sleep_ms(is_far ? FENCE_POLL_FAR_MS : FENCE_POLL_MS,
			  deadline_ms);
}

/* What the verdict wants done. 1: ask again. */
static int
act(const struct fence_args *args, const char *host,
    struct fence_session *session, const struct ha_fence_answer *answer,
    const struct ha_fence_verdict *verdict, struct ha_err *err)
{
	char held[600];
	char evidence[sizeof(held) + sizeof(answer->evidence) + 2];
	int code = 0;

	/* Of a host that is dead nothing need be held. */
	held[0] = '\0';
	if (answer->facts.storage.proof == HA_PROOF_ALIVE) {
		fence_hold_text(session, held, sizeof(held));
	}
	(void)snprintf(evidence, sizeof(evidence), "%s%s%s", held,
		       held[0] && answer->evidence[0] ? "; " : "",
		       answer->evidence);
	switch (verdict->step) {
	case HA_FENCE_SUCCESS:
		if (verdict->why == HA_FENCE_WHY_HELD) {
			return report_held(args, host, session, evidence);
		}
		fence_hold_back(args, host);
		(void)report(args, host, true, session, verdict->why, evidence);
		return 0;
	case HA_FENCE_FAIL:
		(void)report(args, host, false, session, verdict->why,
			     evidence);
		return ha_err_set(err, -EBUSY, "%s is not proven dead: %s%s%s",
				  host, ha_fence_reason_text(verdict->why),
				  evidence[0] ? "; " : "", evidence);
	case HA_FENCE_ORDER:
		code = give_order(args, host, session, err);
		break;
	case HA_FENCE_SEAL:
		code = order_seal(args, host, session, err);
		break;
	case HA_FENCE_ASK:
		fence_hold_ask(args, host, session, &answer->timing);
		break;
	case HA_FENCE_PLACE:
		fence_hold_place(args, host, session, answer);
		break;
	case HA_FENCE_WAIT:
		wait_for_news(answer, verdict, session->deadline_ms);
		break;
	}
	return code < 0 ? code : 1;
}

/* One question, one verdict. 1: ask again. */
static int
step(const struct fence_args *args, const char *host,
     struct fence_session *session, struct ha_err *err)
{
	struct ha_fence_answer answer;
	struct ha_fence_verdict verdict;
	int code = fence_ask_facts(args, host, session, &answer, err);

	if (code < 0) {
		return code;
	}
	if (!session->is_timed) {
		session->is_timed = true;
		session->deadline_ms =
			session->began_ms + patience_ms(args, &answer.timing);
	}
	look_for_ack(args, host, session);
	verdict = judge(args, &answer, session);
	if (args->is_verbose) {
		fence_say("%s: %s; %s", host, ha_fence_reason_text(verdict.why),
			  answer.evidence);
	}
	return act(args, host, session, &answer, &verdict, err);
}

static int
fence(const struct fence_args *args, enum ha_fence_action action)
{
	struct ha_err err = HA_ERR_INIT;
	struct fence_session session = { .action = action };
	const char *host;
	int code = fence_args_host(args, &host, &err);

	if (code < 0) {
		return fence_fail(&err);
	}
	ha_clock_sleep_ms(args->delay_ms, UINT64_MAX);
	session.began_ms = ha_clock_now_ms();
	do {
		code = step(args, host, &session, &err);
	} while (code > 0);
	if (code < 0) {
		return fence_fail(&err);
	}
	ha_clock_sleep_ms(args->power_wait_ms, UINT64_MAX);
	return FENCE_EXIT_OK;
}

int
fence_off(const struct fence_args *args)
{
	return fence(args, HA_FENCE_OFF);
}

int
fence_reboot(const struct fence_args *args)
{
	return fence(args, HA_FENCE_REBOOT);
}

int
fence_on(const struct fence_args *args)
{
	struct ha_err err = HA_ERR_INIT;
	const char *host;

	return fence_args_host(args, &host, &err) < 0 ? fence_fail(&err) :
							FENCE_EXIT_OK;
}
