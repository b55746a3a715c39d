/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live migration between two heartbeat daemons (SAFETY 13): `incoming`
 * stands on the target's list before its port opens. Pacemaker runs nothing
 * on the target before migrate_to, so the source's daemon asks the target's
 * (ha/ringvm.h). ops_incoming.c has the rules.
 */
#ifndef VMHA_HEARTBEAT_INCOMING_H
#define VMHA_HEARTBEAT_INCOMING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/area.h"
#include "ha/ringvm.h"

#define HBS_INCOMING_MS 30000u /* the source waits for the target's word */
#define HBS_ASK_AGAIN_MS 500u  /* a question without answer is put again */
#define HBS_WISHES 32          /* of other hosts, those answered included */
#define HBS_RING_FD (-2)       /* a client that is answered by the ring */

struct hbs;
struct hbs_wait;

struct hbs_client {
	struct hbs *s;
	int fd; /* -1: free; HBS_RING_FD */
	struct hbs_wait *wait;
	uint64_t asked_ms; /* its last request, or when it came */
};

/* `incoming` here, as another host's daemon wants it. Kept after its answer:
 * the question may come again, and has the same one then. */
struct hbs_wish {
	struct hbs_client client;
	struct ha_ringvm_msg msg; /* nonce 0: unused */
	bool is_answered;
	uint32_t result;
	char sentence[HA_RINGVM_SENTENCE];
	uint64_t at_ms;
};

/* A message of the group, from the node of this slot. False: another kind. */
bool hbs_incoming_message(struct hbs *s, uint32_t slot, const void *bytes,
			  size_t len);
/* Lost by flow control: it is put, or asked for, again. */
void hbs_incoming_send(struct hbs *s, const struct ha_ringvm_msg *msg);
/* The answer to a wish is there; takes it over. */
void hbs_incoming_answer(struct hbs *s, struct hbs_client *client,
			 json_t *answer);
/* An agent proves that nothing runs here: a wish that is open for this VM is
 * refused. */
void hbs_incoming_cancel(struct hbs *s, const struct ha_uuid *uuid,
			 const char *resource);
/* Target: does the host that wishes list the VM as outgoing, by the list that
 * was just read? 0, or negative errno with the sentence. hb->lock held. */
int hbs_incoming_paired(const struct hbs *s, const struct hbs_wait *wait,
			struct ha_err *err);

/* Source: the own entry is granted; asks, waits, and answers the agent. True:
 * done. */
void hbs_incoming_begin(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);
bool hbs_incoming_ask(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);

/* An entry `incoming` is to be taken off: not while another host may still
 * send the VM here. True: the wait is answered. */
void hbs_incoming_leave(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);
bool hbs_incoming_leave_check(struct hbs *s, struct hbs_wait *wait,
			      uint64_t now_ms);

#endif
