/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM comes onto this host's list, or its entry changes (SAFETY 12, 13):
 *
 *   gate: the list is settled, the ticket's term is the master's (wishes) ->
 *   entry flushed on w -> all beats read on r by reads submitted after that,
 *   and the lists that they name -> core/vmlock judges -> granted, or the
 *   entry is taken back (flushed too) and the agent hears who holds the VM.
 *
 * "starting" and "incoming" are wishes: refused, they are taken back.
 * "running" and "outgoing" are facts about a process that exists: refused,
 * they stay, so that nobody else starts the VM meanwhile. "outgoing" with a
 * target is answered only when the target's daemon lists it as "incoming"
 * (ops_incoming.c); else the VM is "running" here again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

static bool
is_wish(enum ha_listed_state state)
{
	return state == HA_LISTED_STARTING || state == HA_LISTED_INCOMING;
}

static int
state_from_name(const char *name, enum ha_listed_state *ret_state)
{
	for (int i = 0; i < HA_LISTED_RELEASED; i++) {
		if (strcmp(ha_listed_state_name((enum ha_listed_state)i),
			   name) == 0) {
			*ret_state = (enum ha_listed_state)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* What stands for this answer; only a fact of an entry once granted needs no
 * judgement: nobody else could pass it. hb->lock held. */
static int
put_entry(struct hbs *s, struct hbs_wait *wait, struct ha_err *err)
{
	struct hb *hb = s->hb;
	struct ha_vm_list *list = &hb->list;
	struct ha_listed_vm *vm = hbs_list_find(list, &wait->uuid);
	bool is_known = vm && hbs_is_granted(s, &wait->uuid);
	int rc = hbs_lock_ready(s, !is_known || is_wish(wait->state),
				ha_clock_now_ms(), err);

	if (rc < 0) {
		return rc;
	}
	wait->must_judge = !is_known || is_wish(wait->state);
	if (vm) {
		wait->had_entry = true;
		wait->before = *vm;
	}
	if (vm && is_known && vm->state == wait->state && !wait->must_judge) {
		wait->generation = vm->since_generation;
		return 0;
	}
	if (!vm && list->count >= hb->sb.vms) {
		return ha_err_set(err, -ENOSPC,
				  "this host's VM list is full, it holds %u; "
				  "vmha heartbeat create --vms gives it more "
				  "room",
				  hb->sb.vms);
	}
	if (!vm) {
		vm = &list->vms[list->count++];
		*vm = (struct ha_listed_vm){ .uuid = wait->uuid };
	}
	memcpy(vm->resource, wait->resource, sizeof(vm->resource));
	vm->state = wait->state;
	vm->since_generation = ++list->generation;
	wait->generation = list->generation;
	return 0;
}

bool
hbs_announce_is_open(const struct hbs *s, const struct ha_uuid *uuid)
{
	for (uint32_t i = 0; i < HBS_WAITS; i++) {
		const struct hbs_wait *wait = &s->waits[i];

		if (wait->client && wait->kind == HBS_WAIT_ANNOUNCE &&
		    memcmp(&wait->uuid, uuid, sizeof(*uuid)) == 0) {
			return true;
		}
	}
	return false;
}

/* Part of the time is kept for taking the entry back. */
static void
set_deadlines(const struct hbs *s, struct hbs_wait *wait)
{
	const struct ha_timing *timing = &s->hb->sb.timing;
	uint64_t left_ms = ha_clock_left_ms(wait->deadline_ms);
	uint64_t reserve_ms =
		2 * (uint64_t)timing->beat_ms + timing->tolerance_ms;

	if (reserve_ms > left_ms / 4) {
		reserve_ms = left_ms / 4;
	}
	wait->give_up_ms = wait->deadline_ms - reserve_ms;
}

/* A wish waits before its entry is made: while it waits it binds nobody. */
static int
begin(struct hbs *s, struct hbs_wait *wait)
{
	struct hb *hb = s->hb;
	int rc = 0;

	pthread_mutex_lock(&hb->lock);
	wait->step = HBS_GATED;
	if (is_wish(wait->state)) {
		rc = hbs_ticket_ready(s, wait, ha_clock_now_ms(), &wait->err);
	}
	if (rc == 0) {
		rc = put_entry(s, wait, &wait->err);
		wait->step = HBS_FLUSHING;
	} else if (rc == -EAGAIN) {
		rc = 0;
	}
	pthread_mutex_unlock(&hb->lock);
	if (rc == 0 && wait->step == HBS_FLUSHING) {
		hb_kick(hb);
	}
	return rc;
}

json_t *
hbs_announce_begin(struct hbs *s, struct hbs_client *client,
		   const struct hbs_wait *ask)
{
	struct ha_err err = HA_ERR_INIT;
	struct hbs_wait *wait;
	char uuid[HA_UUID_TEXT];
	int rc;

	if (hbs_announce_is_open(s, &ask->uuid)) {
		return hbs_failed(-EALREADY,
				  "another request for %s is in work on this "
				  "host",
				  ask->resource);
	}
	wait = hbs_wait_new(s, client, HBS_WAIT_ANNOUNCE, ask->deadline_ms);
	if (!wait) {
		return hbs_failed(-EBUSY, "too many requests at a time");
	}
	*wait = *ask;
	wait->client = client;
	wait->kind = HBS_WAIT_ANNOUNCE;
	set_deadlines(s, wait);
	rc = begin(s, wait);
	if (rc < 0) {
		err = wait->err;
		client->wait = NULL;
		wait->client = NULL;
		ha_uuid_format(&ask->uuid, uuid);
		/* Asked again at once, and until its deadline. */
		if (rc != -ESTALE) {
			hb_log(HB_LOG_REFUSED, ask->resource, uuid,
			       ha_listed_state_name(ask->state), err.text);
		}
		return hbs_failed(rc, "%s", err.text);
	}
	return NULL;
}

/* What the agent has read of its ticket, where it was asked to. */
static json_t *
take_term(const json_t *request, struct hbs_wait *ask)
{
	const json_t *term = json_object_get(request, "ticket_term");

	if (!term) {
		return NULL;
	}
	if (!json_is_integer(term) || json_integer_value(term) < 0) {
		return hbs_failed(-EINVAL, "\"ticket_term\" must be a number");
	}
	ask->ticket_term = (uint64_t)json_integer_value(term);
	return NULL;
}

/* The other end of a migration, where the agent names it. */
static json_t *
take_target(struct hbs *s, const json_t *request, struct hbs_wait *ask)
{
	const char *target = "";
	json_t *failure;

	if (!json_object_get(request, "target")) {
		return NULL;
	}
	failure = hbs_arg_text(request, "target", &target);
	if (failure) {
		return failure;
	}
	ask->peer = ha_slot_find(&s->hb->table, target);
	ask->has_target = ask->state == HA_LISTED_OUTGOING;
	if (!ask->has_target || ask->peer == HA_SLOT_NONE ||
	    ask->peer == s->hb->self) {
		return hbs_failed(-EINVAL,
				  "%s can't move to %s: that is no other host "
				  "with a slot on the heartbeat datastores; "
				  "vmha heartbeat status lists them",
				  ask->resource, target);
	}
	return NULL;
}

json_t *
hbs_op_announce(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	struct hbs_wait ask = { .deadline_ms = hbs_arg_deadline(request) };
	const char *uuid = "";
	const char *resource = "";
	const char *state = "";
	json_t *failure = hbs_arg_text(request, "uuid", &uuid);

	failure = failure ? failure :
			    hbs_arg_text(request, "resource", &resource);
	failure = failure ? failure : hbs_arg_text(request, "state", &state);
	if (failure) {
		return failure;
	}
	if (ha_uuid_parse(uuid, &ask.uuid) < 0 ||
	    ha_text_copy(ask.resource, sizeof(ask.resource), resource) < 0 ||
	    state_from_name(state, &ask.state) < 0) {
		return hbs_failed(-EINVAL,
				  "can't list %s, UUID %s, as %s: one of these "
				  "is not a name, UUID or state",
				  resource, uuid, state);
	}
	failure = take_target(s, request, &ask);
	failure = failure ? failure : take_term(request, &ask);
	return failure ? failure : hbs_announce_begin(s, client, &ask);
}

/* The entry becomes again what it was. hb->lock held. */
static void
take_back(struct hb *hb, struct hbs_wait *wait)
{
	struct ha_listed_vm *vm = hbs_list_find(&hb->list, &wait->uuid);

	if (!vm) {
		return;
	}
	if (wait->step == HBS_ASKING) {
		/* The agent has looked: it runs here. What is not over of an
		 * earlier migration is not over by this one. */
		vm->state = wait->had_entry && wait->before.state ==
						       HA_LISTED_OUTGOING ?
				    HA_LISTED_OUTGOING :
				    HA_LISTED_RUNNING;
		vm->since_generation = ++hb->list.generation;
	} else if (wait->had_entry) {
		vm->state = wait->before.state;
		vm->since_generation = ++hb->list.generation;
	} else {
		hbs_list_leave(hb, vm);
	}
	wait->generation = hb->list.generation;
}

void
hbs_announce_cancel(struct hbs *s, struct hbs_wait *wait)
{
	struct hb *hb = s->hb;

	/* Not answered, so nothing was begun on it. */
	if (wait->step == HBS_GATED || wait->step == HBS_UNDOING ||
	    (wait->step != HBS_ASKING &&
	     (!wait->must_judge || !is_wish(wait->state)))) {
		return;
	}
	pthread_mutex_lock(&hb->lock);
	take_back(hb, wait);
	pthread_mutex_unlock(&hb->lock);
	hb_kick(hb);
}

bool
hbs_announce_refuse(struct hbs *s, struct hbs_wait *wait, int code)
{
	struct hb *hb = s->hb;
	char uuid[HA_UUID_TEXT];

	ha_uuid_format(&wait->uuid, uuid);
	hb_log(HB_LOG_REFUSED, wait->resource, uuid,
	       ha_listed_state_name(wait->state), wait->err.text);
	wait->code = code;
	if (!is_wish(wait->state) && wait->step != HBS_ASKING) {
		hbs_wait_answer(s, wait,
				hbs_failed(code, "%s", wait->err.text));
		return true;
	}
	pthread_mutex_lock(&hb->lock);
	take_back(hb, wait);
	pthread_mutex_unlock(&hb->lock);
	wait->step = HBS_UNDOING;
	hb_kick(hb);
	return false;
}

void
hbs_announce_seal(struct hbs *s)
{
	for (uint32_t i = 0; i < HBS_WAITS; i++) {
		struct hbs_wait *wait = &s->waits[i];

		if (!wait->client || wait->kind != HBS_WAIT_ANNOUNCE ||
		    !wait->must_judge || !is_wish(wait->state) ||
		    (wait->step != HBS_FLUSHING && wait->step != HBS_READING)) {
			continue;
		}
		(void)ha_err_set(&wait->err, 0,
				 "this host was sealed meanwhile: it is cut "
				 "off, or was told to take no VM");
		(void)hbs_announce_refuse(s, wait, -EPERM);
	}
}

static bool
grant(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	char uuid[HA_UUID_TEXT];

	hbs_grant(s, &wait->uuid, true);
	ha_uuid_format(&wait->uuid, uuid);
	hb_log(HB_LOG_GRANTED, wait->resource, uuid,
	       ha_listed_state_name(wait->state));
	if (wait->has_target) {
		hbs_incoming_begin(s, wait, now_ms);
		return hbs_incoming_ask(s, wait, now_ms);
	}
	hbs_wait_answer(s, wait, ha_ipc_ok());
	return true;
}

static bool
judge(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	enum ha_vmlock_step step = HA_VMLOCK_REFUSE;
	struct hb *hb = s->hb;
	int rc;

	pthread_mutex_lock(&hb->lock);
	rc = hbs_lock_ready(s, true, now_ms, &wait->err);
	if (rc == 0) {
		step = hbs_announce_judge(s, wait, now_ms);
	}
	if (rc == 0 && wait->is_wish && step == HA_VMLOCK_GRANT) {
		rc = hbs_incoming_paired(s, wait, &wait->err);
	}
	pthread_mutex_unlock(&hb->lock);
	if (rc < 0) {
		return hbs_announce_refuse(s, wait, rc);
	}
	switch (step) {
	case HA_VMLOCK_GRANT:
		return grant(s, wait, now_ms);
	case HA_VMLOCK_REFUSE:
		return hbs_announce_refuse(s, wait, -EBUSY);
	case HA_VMLOCK_WAIT:
		break;
	}
	return now_ms >= wait->give_up_ms ?
		       hbs_announce_refuse(s, wait, -EBUSY) :
		       false;
}

static bool
check_flushing(struct hbs *s, struct hbs_wait *wait, bool is_flushed,
	       uint64_t now_ms)
{
	if (is_flushed && !wait->must_judge) {
		return grant(s, wait, now_ms);
	}
	if (is_flushed) {
		wait->step = HBS_READING;
		/* A read stamped with this very millisecond may have been
		 * submitted before the flush was complete. */
		wait->since_ms = now_ms + 1;
		return false;
	}
	if (now_ms >= wait->give_up_ms) {
		(void)ha_err_set(
			&wait->err, 0,
			"the VM list of this host could not be written "
			"to enough heartbeat datastores in time; vmha "
			"heartbeat status tells why");
		return hbs_announce_refuse(s, wait, -ETIMEDOUT);
	}
	return false;
}

static bool
check_reading(struct hbs *s, struct hbs_wait *wait, bool is_fresh,
	      uint64_t now_ms)
{
	if (is_fresh) {
		return judge(s, wait, now_ms);
	}
	if (!wait->has_looked && now_ms >= wait->since_ms) {
		wait->has_looked = true;
		hb_look(s->hb);
	}
	if (now_ms >= wait->give_up_ms) {
		(void)ha_err_set(
			&wait->err, 0,
			"too few heartbeat datastores could be read in "
			"time to know whether %s runs elsewhere; vmha "
			"heartbeat status tells why",
			wait->resource);
		return hbs_announce_refuse(s, wait, -ETIMEDOUT);
	}
	return false;
}

static bool
check_gate(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	int rc = begin(s, wait);
	char uuid[HA_UUID_TEXT];

	if (rc == 0 && wait->step == HBS_GATED && now_ms >= wait->give_up_ms) {
		rc = -EAGAIN;
	}
	if (rc == 0) {
		return false;
	}
	ha_uuid_format(&wait->uuid, uuid);
	hb_log(HB_LOG_REFUSED, wait->resource, uuid,
	       ha_listed_state_name(wait->state), wait->err.text);
	hbs_wait_answer(s, wait, hbs_failed(rc, "%s", wait->err.text));
	return true;
}

bool
hbs_announce_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	uint64_t read_ms[HA_STORES_MAX];
	bool is_flushed;
	bool is_fresh;

	pthread_mutex_lock(&hb->lock);
	is_flushed = ha_evidence_generation(&hb->evidence) >= wait->generation;
	for (uint32_t i = 0; i < hb->sb.stores; i++) {
		read_ms[i] = hb->views[i].read_ms;
	}
	pthread_mutex_unlock(&hb->lock);
	is_fresh = wait->step == HBS_READING &&
		   ha_watch_fresh(read_ms, hb->sb.stores, wait->since_ms);
	switch (wait->step) {
	case HBS_GATED:
		return check_gate(s, wait, now_ms);
	case HBS_FLUSHING:
		return check_flushing(s, wait, is_flushed, now_ms);
	case HBS_READING:
		return check_reading(s, wait, is_fresh, now_ms);
	case HBS_ASKING:
		return hbs_incoming_ask(s, wait, now_ms);
	case HBS_UNDOING:
		if (!is_flushed && now_ms < wait->deadline_ms) {
			return false;
		}
		hbs_wait_answer(s, wait,
				hbs_failed(wait->code, "%s", wait->err.text));
		return true;
	}
	return false;
}
