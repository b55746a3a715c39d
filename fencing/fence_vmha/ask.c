/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to the heartbeat daemon of this host (ha/ipc.h). */
#include "fence_vmha/ask.h"

#include <errno.h>

#include "fence_vmha/timeouts.h"
#include "ha/clock.h"
#include "ha/ipc.h"

int
fence_ask(const struct fence_args *args, json_t *request, json_t **ret_answer,
	  struct ha_err *err)
{
	int code;

	if (!request) {
		return ha_err_set(err, -ENOMEM, "no memory for a question");
	}
	code = ha_ipc_ask(args->socket, request,
			  ha_clock_now_ms() + FENCE_ASK_MS, ret_answer, err);
	json_decref(request);
	return code;
}

int
fence_ask_facts(const struct fence_args *args, const char *host,
		struct fence_session *session,
		struct ha_fence_answer *ret_answer, struct ha_err *err)
{
	json_t *answer = NULL;
	json_t *request =
		json_pack("{s:i, s:s, s:s, s:s}", "v", HA_IPC_VERSION, "op",
			  "fence-facts", "host", host, "action",
			  session->action == HA_FENCE_OFF ? "off" : "reboot");
	int code;

	if (request && session->has_begun) {
		json_object_set_new(request, "about",
				    json_integer((json_int_t)session->about));
	}
	code = fence_ask(args, request, &answer, err);
	if (code < 0) {
		return code;
	}
	code = ha_wire_fence_answer_parse(answer, ret_answer, err);
	json_decref(answer);
	if (code < 0) {
		return code;
	}
	if (!session->has_begun) {
		session->has_begun = true;
		session->about = ret_answer->about;
		session->was_member = ret_answer->facts.is_member;
		session->sequence = ret_answer->sequence;
	}
	return 0;
}
