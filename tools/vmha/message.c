/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha heartbeat message: an order to a host, by way of the daemon's beat,
 * and what became of it. An order that ends a host is asked about first. A
 * host that resets itself may not live to say so: its proven death or its
 * next incarnation is the answer then.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/ipc.h"
#include "ask.h"

#define WAIT_MS 20000u
#define POLL_MS 100u
#define NONE (-1)

static bool
is_deadly(const char *kind)
{
	return strcmp(kind, "reset") == 0 || strcmp(kind, "off") == 0;
}

static int
ask_back(struct vmha *v, const char *host, const char *kind)
{
	char answer[16];

	if (!is_deadly(kind) || v->args.is_yes) {
		return 0;
	}
	if (!isatty(STDIN_FILENO)) {
		return ha_err_set(&v->err, -EPERM,
				  "%s ends %s and all its VMs at once; say "
				  "--yes",
				  kind, host);
	}
	fprintf(stderr,
		"%s ends %s and all its VMs at once, as pulling the plug "
		"does.\nType \"yes\" to go on: ",
		kind, host);
	if (!fgets(answer, sizeof(answer), stdin) ||
	    strcmp(answer, "yes\n") != 0) {
		return ha_err_set(&v->err, -ECANCELED, "nothing was sent");
	}
	return 0;
}

/* The host as the daemon sees it: its incarnation, and its state word. */
static int
look(struct vmha *v, const char *host, int64_t *ret_incarnation,
     bool *ret_is_dead)
{
	json_t *status = NULL;
	const json_t *it;
	size_t i;
	int rc = vmha_ask_status(v, &status, &v->err);

	if (rc < 0) {
		return rc;
	}
	rc = ha_err_set(&v->err, -ESRCH,
			"%s has no slot; \"vmha heartbeat status\" names the "
			"hosts",
			host);
	json_array_foreach(json_object_get(status, "hosts"), i, it)
	{
		if (strcmp(vmha_text(it, "name"), host) == 0) {
			*ret_incarnation = vmha_number(it, "incarnation");
			*ret_is_dead =
				strcmp(vmha_text(it, "state"), "dead") == 0;
			rc = 0;
		}
	}
	json_decref(status);
	return rc;
}

static int
give(struct vmha *v, const char *host, const char *kind, int64_t *ret_nonce)
{
	json_t *answer = NULL;
	int rc = vmha_ask(v,
			  json_pack("{s:i, s:s, s:s, s:s}", "v", HA_IPC_VERSION,
				    "op", "order", "host", host, "kind", kind),
			  ASK_MS, &answer, &v->err);

	if (rc < 0) {
		return rc;
	}
	*ret_nonce = vmha_age(answer, "nonce");
	json_decref(answer);
	return *ret_nonce < 0 ? ha_err_set(&v->err, -EPROTO,
					   "the daemon's answer has no nonce; "
					   "daemon and vmha are of different "
					   "versions") :
				0;
}

/* 1: acknowledged, *ret_result; 0: not yet. */
static int
poll_order(struct vmha *v, const char *host, int64_t nonce, int *ret_result)
{
	json_t *answer = NULL;
	int rc = vmha_ask(v,
			  json_pack("{s:i, s:s, s:s, s:I}", "v", HA_IPC_VERSION,
				    "op", "order-state", "host", host, "nonce",
				    (json_int_t)nonce),
			  ASK_MS, &answer, &v->err);

	if (rc < 0) {
		return rc;
	}
	rc = vmha_bool(answer, "acked");
	*ret_result = (int)vmha_number(answer, "result");
	json_decref(answer);
	return rc;
}

static int
tell(struct vmha *v, const char *host, const char *kind, const char *what,
     uint64_t took_ms)
{
	char span[32];

	if (v->args.is_json) {
		return vmha_json(v,
				 json_pack("{s:s, s:s, s:s, s:I}", "host", host,
					   "kind", kind, "outcome", what,
					   "took_ms", (json_int_t)took_ms));
	}
	printf("%s: %s %s after %s.\n", host, kind, what,
	       vmha_span(took_ms, span, sizeof(span)));
	return VMHA_OK;
}

static int
wait_for(struct vmha *v, const char *host, const char *kind, int64_t nonce,
	 int64_t incarnation)
{
	uint64_t start_ms = ha_clock_now_ms();
	uint64_t end_ms =
		start_ms + (v->args.wait_ms ? v->args.wait_ms : WAIT_MS);

	for (;;) {
		int64_t now = incarnation;
		bool is_dead = false;
		int result = 0;
		int rc = poll_order(v, host, nonce, &result);
		uint64_t took_ms = ha_clock_now_ms() - start_ms;

		if (rc < 0) {
			return vmha_fail(v, rc);
		}
		if (rc > 0 && result < 0) {
			return vmha_fail_with(v, result, "%s refuses %s: %s",
					      host, kind, strerror(-result));
		}
		if (rc > 0) {
			return tell(v, host, kind, "acknowledged", took_ms);
		}
		if (is_deadly(kind) && look(v, host, &now, &is_dead) == 0 &&
		    (is_dead || now > incarnation)) {
			return tell(v, host, kind,
				    is_dead ? "done, proven dead" :
					      "done, it has started again",
				    took_ms);
		}
		if (ha_clock_left_ms(end_ms) == 0) {
			return vmha_fail_with(
				v, -ETIMEDOUT,
				"%s has not answered within %" PRIu64
				" s; the order stands for a minute from its "
				"beginning. \"vmha heartbeat status\" tells "
				"whether it beats",
				host, (end_ms - start_ms) / 1000);
		}
		ha_clock_sleep_ms(POLL_MS, end_ms);
	}
}

int
vmha_message(struct vmha *v)
{
	const char *host = v->args.operand[0];
	const char *kind = v->args.operand[1];
	int64_t incarnation = 0;
	int64_t nonce = NONE;
	bool is_dead;
	int rc;

	if (strcmp(kind, "test") != 0 && !is_deadly(kind)) {
		vmha_fail_with(v, -EINVAL,
			       "\"%s\" is no order: use test, reset or off",
			       kind);
		return VMHA_USAGE;
	}
	rc = look(v, host, &incarnation, &is_dead);
	if (rc == 0) {
		rc = ask_back(v, host, kind);
	}
	if (rc == 0) {
		rc = give(v, host, kind, &nonce);
	}
	if (rc < 0) {
		return vmha_fail(v, rc);
	}
	return wait_for(v, host, kind, nonce, incarnation);
}
