/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to the heartbeat daemon, and what is kept between them. */
#ifndef VMHA_FENCE_ASK_H
#define VMHA_FENCE_ASK_H

#include <jansson.h>

#include "fence_vmha/fence.h"
#include "ha/fencing.h"
#include "ha/wire.h"

struct fence_session {
	enum ha_fence_action action;
	bool has_begun;
	/* of the first answer */
	uint64_t about;
	bool was_member;
	uint64_t sequence;
	/* the order given */
	bool is_ordered;
	bool is_acked;
	json_int_t nonce;
	uint64_t began_ms;
	bool is_timed; /* deadline_ms is set: the timing in force is known */
	uint64_t deadline_ms;
};

/* Takes the request over. */
int fence_ask(const struct fence_args *args, json_t *request,
	      json_t **ret_answer, struct ha_err *err);
/* Evidence about the host, about the same incarnation each time. */
int fence_ask_facts(const struct fence_args *args, const char *host,
		    struct fence_session *session,
		    struct ha_fence_answer *ret_answer, struct ha_err *err);

#endif
