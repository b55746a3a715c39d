/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both ends of a live migration hold the VM before anything moves (SAFETY
 * 13): the source's daemon, whose entry `outgoing` is flushed and granted,
 * asks the target's to announce `incoming`, as an agent there would, and
 * answers its own agent only when that is flushed and granted too.
 *
 * The question is put again until it is answered; a nonce makes that the same
 * question. No answer (a lost message, a daemon of an older version, a target
 * that left) is a refusal: nothing migrates, and the source's entry is what
 * it was. An entry that such a target made all the same only binds: it stays
 * until an agent on that host has proven that nothing runs there.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

/* Of the source's time, so that the answer comes before its end. */
#define TARGET_NUM 3u
#define TARGET_DEN 4u

void
hbs_incoming_send(struct hbs *s, const struct ha_ringvm_msg *msg)
{
	uint8_t bytes[HA_RINGVM_BYTES];

	if (s->ring.corosync) {
		ha_ringvm_encode(msg, s->hb->sb.cluster.bytes, bytes);
		(void)ha_corosync_send(s->ring.corosync, bytes, sizeof(bytes));
	}
}

/* ---- the source --------------------------------------------------------- */

void
hbs_incoming_begin(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	wait->step = HBS_ASKING;
	wait->nonce = hbs_ring_nonce(&s->ring);
	wait->send_ms = now_ms;
	wait->since_ms = now_ms;
	if (wait->give_up_ms > now_ms + HBS_INCOMING_MS) {
		wait->give_up_ms = now_ms + HBS_INCOMING_MS;
	}
}

static void
ask(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	const struct hbs_host *host = &s->hosts[wait->peer];
	struct ha_ringvm_msg msg = {
		.type = HA_RINGVM_INCOMING,
		.sender = s->hb->self,
		.target = wait->peer,
		.sender_incarnation = s->hb->incarnation,
		.target_incarnation = host->member_incarnation,
		.ring_seq = s->ring.core.ring_seq,
		.nonce = wait->nonce,
		.budget_ms = (uint32_t)((wait->give_up_ms - now_ms) *
					TARGET_NUM / TARGET_DEN),
		.uuid = wait->uuid,
	};

	/* Its STATE of this membership tells which incarnation it is. */
	if (now_ms < wait->send_ms || host->member_incarnation == 0 ||
	    host->state_ring_seq != s->ring.core.ring_seq) {
		return;
	}
	memcpy(msg.resource, wait->resource, sizeof(msg.resource));
	wait->peer_incarnation = host->member_incarnation;
	wait->send_ms = now_ms + HBS_ASK_AGAIN_MS;
	hbs_incoming_send(s, &msg);
}

bool
hbs_incoming_ask(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	const struct ha_ring *core = &s->ring.core;
	const char *name = s->hb->table.names[wait->peer];

	if (!s->ring.corosync || !core->has_membership ||
	    !ha_ring_is_member(core, wait->peer)) {
		(void)ha_err_set(&wait->err, 0,
				 "%s is not in one corosync membership with "
				 "this host: it can't be asked to list %s as "
				 "incoming; it was not migrated",
				 name, wait->resource);
		return hbs_announce_refuse(s, wait, -EHOSTUNREACH);
	}
	if (now_ms >= wait->give_up_ms) {
		(void)ha_err_set(&wait->err, 0,
				 "the heartbeat daemon of %s has not said "
				 "within %.1f s that it lists %s as incoming "
				 "(is it of an older version, or stopped? vmha "
				 "heartbeat status there tells); it was not "
				 "migrated",
				 name, (double)(now_ms - wait->since_ms) / 1000,
				 wait->resource);
		return hbs_announce_refuse(s, wait, -ETIMEDOUT);
	}
	ask(s, wait, now_ms);
	return false;
}

static void
on_answer(struct hbs *s, const struct ha_ringvm_msg *msg)
{
	struct hbs_wait *wait = NULL;
	const char *name = s->hb->table.names[msg->sender];
	char uuid[HA_UUID_TEXT];

	for (uint32_t i = 0; i < HBS_WAITS && !wait; i++) {
		struct hbs_wait *one = &s->waits[i];

		if (one->client && one->kind == HBS_WAIT_ANNOUNCE &&
		    one->step == HBS_ASKING && one->nonce == msg->nonce &&
		    one->peer == msg->sender &&
		    one->peer_incarnation == msg->sender_incarnation &&
		    memcmp(&one->uuid, &msg->uuid, sizeof(msg->uuid)) == 0) {
			wait = one;
		}
	}
	if (!wait) {
		(void)hbs_release_answered(s, msg);
		return;
	}
	if (msg->result != 0) {
		(void)ha_err_set(&wait->err, 0, "%s does not take %s: %s", name,
				 wait->resource, msg->sentence);
		(void)hbs_announce_refuse(s, wait, -(int)msg->result);
		return;
	}
	ha_uuid_format(&wait->uuid, uuid);
	hb_log(HB_LOG_TAKEN, wait->resource, uuid, name);
	hbs_wait_answer(s, wait, ha_ipc_ok());
}

/* ---- the target --------------------------------------------------------- */

static void
answer(struct hbs *s, struct hbs_wish *wish)
{
	struct ha_ringvm_msg msg = {
		.type = HA_RINGVM_ANSWER,
		.sender = s->hb->self,
		.target = wish->msg.sender,
		.sender_incarnation = s->hb->incarnation,
		.target_incarnation = wish->msg.sender_incarnation,
		.ring_seq = s->ring.core.ring_seq,
		.nonce = wish->msg.nonce,
		.result = wish->result,
		.uuid = wish->msg.uuid,
	};

	memcpy(msg.resource, wish->msg.resource, sizeof(msg.resource));
	memcpy(msg.sentence, wish->sentence, sizeof(msg.sentence));
	hbs_incoming_send(s, &msg);
}

/* A sentence longer than the message's room is cut. */
static void
take_answer(struct hbs_wish *wish, uint32_t result, const char *sentence)
{
	size_t len = strnlen(sentence, sizeof(wish->sentence) - 1);

	memcpy(wish->sentence, sentence, len);
	memset(wish->sentence + len, 0, sizeof(wish->sentence) - len);
	wish->result = result;
	wish->is_answered = true;
	wish->at_ms = ha_clock_now_ms();
}

void
hbs_incoming_answer(struct hbs *s, struct hbs_client *client, json_t *told)
{
	for (uint32_t i = 0; i < HBS_WISHES; i++) {
		struct hbs_wish *wish = &s->wishes[i];
		const char *error =
			json_string_value(json_object_get(told, "error"));
		json_int_t code =
			json_integer_value(json_object_get(told, "errno"));

		if (client != &wish->client) {
			continue;
		}
		if (json_is_true(json_object_get(told, "ok"))) {
			take_answer(wish, 0, "");
		} else {
			take_answer(wish, code > 0 ? (uint32_t)code : EIO,
				    error ? error : "no memory");
		}
		answer(s, wish);
	}
	json_decref(told);
}

/* Is what was granted still so? Asked again, after an agent here has taken the
 * entry off, it is not. */
static bool
is_incoming(struct hbs *s, const struct ha_uuid *uuid)
{
	const struct ha_listed_vm *vm;
	bool is_it;

	pthread_mutex_lock(&s->hb->lock);
	vm = hbs_list_find(&s->hb->list, uuid);
	is_it = vm && vm->state == HA_LISTED_INCOMING;
	pthread_mutex_unlock(&s->hb->lock);
	return is_it;
}

static struct hbs_wish *
find_wish(struct hbs *s, const struct ha_ringvm_msg *msg)
{
	for (uint32_t i = 0; i < HBS_WISHES; i++) {
		const struct ha_ringvm_msg *old = &s->wishes[i].msg;

		if (old->nonce == msg->nonce && old->sender == msg->sender &&
		    old->sender_incarnation == msg->sender_incarnation &&
		    memcmp(&old->uuid, &msg->uuid, sizeof(msg->uuid)) == 0) {
			return &s->wishes[i];
		}
	}
	return NULL;
}

/* An unused one, else the one answered longest ago; NULL: all are in work. */
static struct hbs_wish *
new_wish(struct hbs *s, const struct ha_ringvm_msg *msg)
{
	struct hbs_wish *found = NULL;

	for (uint32_t i = 0; i < HBS_WISHES; i++) {
		struct hbs_wish *wish = &s->wishes[i];

		if (wish->msg.nonce != 0 && !wish->is_answered) {
			continue;
		}
		if (!found || wish->at_ms < found->at_ms) {
			found = wish;
		}
	}
	if (found) {
		*found = (struct hbs_wish){
			.client = { .s = s, .fd = HBS_RING_FD },
			.msg = *msg,
		};
	}
	return found;
}

static void
begin_wish(struct hbs *s, struct hbs_wish *wish, uint64_t now_ms)
{
	const struct ha_ringvm_msg *msg = &wish->msg;
	uint32_t budget_ms = msg->budget_ms < HBS_INCOMING_MS ? msg->budget_ms :
								HBS_INCOMING_MS;
	struct hbs_wait ask = {
		.deadline_ms = now_ms + budget_ms,
		.uuid = msg->uuid,
		.state = HA_LISTED_INCOMING,
		.is_wish = true,
		.peer = msg->sender,
		.peer_incarnation = msg->sender_incarnation,
	};
	json_t *failure;

	memcpy(ask.resource, msg->resource, sizeof(ask.resource));
	failure = hbs_announce_begin(s, &wish->client, &ask);
	if (failure) {
		hbs_incoming_answer(s, &wish->client, failure);
	}
}

static void
on_wish(struct hbs *s, const struct ha_ringvm_msg *msg)
{
	struct hbs_wish *wish = find_wish(s, msg);
	uint64_t now_ms = ha_clock_now_ms();

	if (!wish) {
		wish = new_wish(s, msg);
		if (wish) {
			begin_wish(s, wish, now_ms);
		}
		return; /* no room: it is asked again */
	}
	if (!wish->is_answered) {
		return;
	}
	if (wish->result == 0 && !is_incoming(s, &msg->uuid)) {
		take_answer(wish, ECANCELED, "it was stopped there meanwhile");
	}
	answer(s, wish);
}

/* RELEASED goes to all, and comes back to its sender. */
static bool
is_for_us(const struct hb *hb, const struct ha_ringvm_msg *msg)
{
	return msg->type == HA_RINGVM_RELEASED ?
		       msg->sender != hb->self :
		       msg->target == hb->self &&
			       msg->target_incarnation == hb->incarnation;
}

bool
hbs_incoming_message(struct hbs *s, uint32_t slot, const void *bytes,
		     size_t len)
{
	const struct hb *hb = s->hb;
	struct ha_ringvm_msg msg;
	int rc = ha_ringvm_decode(bytes, len, hb->sb.cluster.bytes, &msg);

	if (rc == -ENOMSG) {
		return false;
	}
	/* Of another membership: what has happened since is not known; the
	 * source asks again. */
	if (rc < 0 || slot == HA_SLOT_NONE || msg.sender != slot ||
	    msg.ring_seq != s->ring.core.ring_seq || !is_for_us(hb, &msg)) {
		return true;
	}
	switch (msg.type) {
	case HA_RINGVM_INCOMING:
		on_wish(s, &msg);
		break;
	case HA_RINGVM_ANSWER:
		on_answer(s, &msg);
		break;
	case HA_RINGVM_RELEASED:
		hbs_release_heard(s, &msg);
		break;
	}
	return true;
}

int
hbs_incoming_paired(const struct hbs *s, const struct hbs_wait *wait,
		    struct ha_err *err)
{
	const struct hb *hb = s->hb;
	const struct hb_host *host = &hb->hosts[wait->peer];

	if (host->has_beat &&
	    host->beat.incarnation == wait->peer_incarnation &&
	    host->beat.list_count > 0 && hbs_is_list_read(hb, wait->peer)) {
		for (uint32_t i = 0; i < host->list.count; i++) {
			const struct ha_listed_vm *vm = &host->list.vms[i];

			if (memcmp(&vm->uuid, &wait->uuid, sizeof(vm->uuid)) ==
				    0 &&
			    vm->state == HA_LISTED_OUTGOING) {
				return 0;
			}
		}
	}
	return ha_err_set(err, -ESTALE,
			  "%s does not list it as outgoing any more",
			  hb->table.names[wait->peer]);
}

void
hbs_incoming_cancel(struct hbs *s, const struct ha_uuid *uuid,
		    const char *resource)
{
	for (uint32_t i = 0; i < HBS_WAITS; i++) {
		struct hbs_wait *wait = &s->waits[i];

		if (!wait->client || !wait->is_wish ||
		    (memcmp(&wait->uuid, uuid, sizeof(*uuid)) != 0 &&
		     strcmp(wait->resource, resource) != 0)) {
			continue;
		}
		hbs_announce_cancel(s, wait);
		hbs_wait_answer(s, wait,
				hbs_failed(-ECANCELED,
					   "%s was stopped there meanwhile",
					   resource));
	}
}
