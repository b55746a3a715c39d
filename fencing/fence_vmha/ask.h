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
	/* the hold */
	bool is_seal_ordered;
	enum ha_fence_hold hold;
	uint64_t hold_generation; /* list that was held */
	bool has_placed;          /* a hold of this question, of any list */
	uint64_t placed_ms;       /* the last one */
	json_int_t vms;           /* held, counted by the manager */
	uint64_t held_ms;         /* first told that it is held; 0: not yet */
	uint64_t refused_ms;      /* the manager's first refusal; 0: none */
	char manager[512];        /* its last sentence; empty: none */
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

/* ---- hold.c: the fault domain manager ------------------------------------ */

/* May this host's VMs be held? Whatever goes wrong means: they can't. */
void fence_hold_ask(const struct fence_args *args, const char *host,
		    struct fence_session *session,
		    const struct ha_timing *timing);
/* Has them held, by the list that the newest beat names. */
void fence_hold_place(const struct fence_args *args, const char *host,
		      struct fence_session *session,
		      const struct ha_fence_answer *answer);
/* The host is proven dead: those of its VMs that have to wait for others are
 * kept back. Nothing that goes wrong here matters to the verdict. */
void fence_hold_back(const struct fence_args *args, const char *host);
/* Holds of a list that has changed since are none of this one. */
void fence_hold_check(struct fence_session *session,
		      const struct ha_fence_answer *answer);
/* "its 3 VMs are held in its name, nothing was reset" or why not. */
void fence_hold_text(const struct fence_session *session, char *buffer,
		     size_t size);

#endif
