/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `released` through the ring (SAFETY 26). An agent has proven that a VM's
 * process is gone, the entry is off the own list, and that list can't be
 * written: the storage is lost, and this host lives by the ring. The master
 * writes down what this host says, and then the stop is done.
 *
 *   sender  names the generation at which it took the entry off, and looks each
 *           time that none is on its list again. One that comes onto the list
 *           from then on has a later generation, which the record does not speak
 *           of; and a start or an arrival needs fresh evidence of the storage.
 *   master  writes a record into its own hold list and answers once that stands
 *           on w. It keeps no question: it is asked again until it has answered.
 *
 * No master, no quorum, a full hold list, a daemon that does not know the
 * message: no answer, and the stop fails as it would without all this.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/release.h"
#include "ha/text.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

/* ---- the host that lost its storage -------------------------------------- */

/* By UUID or by resource, whatever other definition it may be of: a record
 * voids all of these. hb->lock held. */
static bool
is_listed(const struct ha_vm_list *list, const struct hbs_wait *wait)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct ha_listed_vm *vm = &list->vms[i];

		if (vm->state != HA_LISTED_RELEASED &&
		    (memcmp(&vm->uuid, &wait->uuid, sizeof(vm->uuid)) == 0 ||
		     strcmp(vm->resource, wait->resource) == 0)) {
			return true;
		}
	}
	return false;
}

/* hb->lock held. */
static bool
may_tell(const struct hbs *s, const struct hbs_wait *wait)
{
	const struct hb *hb = s->hb;
	const struct ha_release_facts facts = {
		.is_armed = hb->phase == HB_ARMED && !hb->is_standing_down &&
			    hb_beat_state(hb) == HA_BEAT_ARMED,
		.is_leased =
			s->ring.corosync && s->ring.core.mode == HA_RING_LEASED,
		.is_listed = is_listed(&hb->list, wait),
		.is_flushed = ha_evidence_generation(&hb->evidence) >=
			      wait->generation,
	};

	return ha_release_may_tell(&facts);
}

void
hbs_release_tell(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	struct ha_ringvm_msg msg = {
		.type = HA_RINGVM_RELEASED,
		.sender = hb->self,
		.target = HA_SLOT_NONE,
		.sender_incarnation = hb->incarnation,
		.ring_seq = s->ring.core.ring_seq,
		.uuid = wait->uuid,
		.generation = wait->generation,
	};
	bool may;

	if (now_ms < wait->send_ms || wait->generation == 0) {
		return;
	}
	pthread_mutex_lock(&hb->lock);
	may = may_tell(s, wait);
	pthread_mutex_unlock(&hb->lock);
	if (!may) {
		return;
	}
	if (wait->nonce == 0) {
		wait->nonce = hbs_ring_nonce(&s->ring);
	}
	msg.nonce = wait->nonce;
	memcpy(msg.resource, wait->resource, sizeof(msg.resource));
	wait->send_ms = now_ms + HBS_ASK_AGAIN_MS;
	hbs_incoming_send(s, &msg);
}

bool
hbs_release_answered(struct hbs *s, const struct ha_ringvm_msg *msg)
{
	const char *name = s->hb->table.names[msg->sender];
	struct hbs_wait *wait = NULL;
	char uuid[HA_UUID_TEXT];

	for (uint32_t i = 0; i < HBS_WAITS && !wait; i++) {
		struct hbs_wait *one = &s->waits[i];

		if (one->client && one->kind == HBS_WAIT_WITHDRAW &&
		    one->step != HBS_READING && one->nonce == msg->nonce &&
		    memcmp(&one->uuid, &msg->uuid, sizeof(msg->uuid)) == 0) {
			wait = one;
		}
	}
	if (!wait) {
		return false;
	}
	if (msg->result != 0) {
		/* The storage may come back, or the hold list have room. */
		(void)ha_err_set(&wait->err, 0,
				 "the master %s has not written "
				 "it down for this host: %s",
				 name, msg->sentence);
		return true;
	}
	ha_uuid_format(&wait->uuid, uuid);
	hb_log(HB_LOG_RELEASED, wait->resource, uuid, name);
	hbs_wait_answer(s, wait, ha_ipc_ok());
	return true;
}

/* ---- the master ----------------------------------------------------------- */

/* hb->lock held. */
static int
write_down(struct hbs *s, const struct ha_hold *record, struct ha_err *err)
{
	struct hb *hb = s->hb;
	struct ha_hold *own = hbs_own_find(hb, record);
	int rc = own ? 0 : hbs_own_make_room(s, 1, err);

	if (rc < 0) {
		return rc;
	}
	/* Room was made by moving records. */
	own = own ? own : &hb->hold_list.holds[hb->hold_list.count++];
	*own = *record;
	hb_holds_changed(hb);
	hb_kick_locked(hb);
	return 0;
}

/* hb->lock held. */
static enum ha_release_step
judge(struct hbs *s, const struct ha_hold *record)
{
	struct hb *hb = s->hb;
	const struct ha_hold *own = hbs_own_find(hb, record);
	bool is_written =
		own && own->owner_generation >= record->owner_generation;
	const struct ha_release_claim claim = {
		.is_master = hb->master_term != 0 && s->master.is_claimed &&
			     hb->phase == HB_ARMED,
		.incarnation = record->owner_incarnation,
		.newest = hb_judge(hb, record->owner, 0).incarnation,
		.is_written = is_written,
		.is_standing =
			(is_written && hb_holds_are_flushed(hb, hb->self)) ||
			hbs_own_stands_elsewhere(hb, record),
	};

	return ha_release_judge(&claim);
}

static void
answer(struct hbs *s, const struct ha_ringvm_msg *asked, int code,
       const char *sentence)
{
	struct ha_ringvm_msg msg = {
		.type = HA_RINGVM_ANSWER,
		.sender = s->hb->self,
		.target = asked->sender,
		.sender_incarnation = s->hb->incarnation,
		.target_incarnation = asked->sender_incarnation,
		.ring_seq = s->ring.core.ring_seq,
		.nonce = asked->nonce,
		.result = (uint32_t)-code,
		.uuid = asked->uuid,
	};

	memcpy(msg.resource, asked->resource, sizeof(msg.resource));
	memcpy(msg.sentence, sentence,
	       strnlen(sentence, sizeof(msg.sentence) - 1));
	hbs_incoming_send(s, &msg);
}

static void
tell(const struct hbs *s, const struct ha_hold *record)
{
	char uuid[HA_UUID_TEXT];

	ha_uuid_format(&record->uuid, uuid);
	hb_log(HB_LOG_RELEASE_KEPT, record->resource, uuid,
	       s->hb->table.names[record->owner],
	       (unsigned long long)record->owner_incarnation,
	       (unsigned long long)record->owner_generation,
	       (unsigned long long)record->term);
}

void
hbs_release_heard(struct hbs *s, const struct ha_ringvm_msg *msg)
{
	struct hb *hb = s->hb;
	struct ha_err err = HA_ERR_INIT;
	struct ha_hold record = {
		.uuid = msg->uuid,
		.kind = HA_HOLD_RELEASED,
		.owner = msg->sender,
		.owner_incarnation = msg->sender_incarnation,
		.owner_generation = msg->generation,
	};
	enum ha_release_step step;
	int rc = 0;

	memcpy(record.resource, msg->resource, sizeof(record.resource));
	pthread_mutex_lock(&hb->lock);
	record.term = hb->master_term;
	step = judge(s, &record);
	if (step == HA_RELEASE_WRITE) {
		rc = write_down(s, &record, &err);
	}
	pthread_mutex_unlock(&hb->lock);
	switch (step) {
	case HA_RELEASE_IGNORE:
	case HA_RELEASE_WAIT:
		break;
	case HA_RELEASE_REFUSE:
		answer(s, msg, -ESTALE, "this host has booted again");
		break;
	case HA_RELEASE_WRITE:
		if (rc < 0) {
			answer(s, msg, rc, err.text);
		} else {
			tell(s, &record);
		}
		break;
	case HA_RELEASE_ANSWER:
		answer(s, msg, 0, "");
		break;
	}
}
