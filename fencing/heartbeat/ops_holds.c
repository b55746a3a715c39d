/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Holds placed, lifted and shown, and hosts called dead (SAFETY 17, 24). What
 * is answered stands on w: a hold that its asker counts on must not be lost
 * with this host. Any host places holds, which does no harm; only the master
 * lifts them, by its term.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

/* ---- what is asked ------------------------------------------------------ */

/* A request of "hold" or "lift". */
struct wish {
	uint32_t slot;
	struct ha_hold like; /* all that its VMs have in common */
	struct ha_hold vms[HA_VMS_MAX];
	uint32_t count;
	bool is_forced; /* confirm-dead without quorum */
};

/* {uuid, resource}: one of them may be missing, or null. */
static bool
take_vm(const json_t *object, struct ha_hold *vm)
{
	const char *uuid = json_string_value(json_object_get(object, "uuid"));
	const char *resource =
		json_string_value(json_object_get(object, "resource"));

	if (uuid && uuid[0] && ha_uuid_parse(uuid, &vm->uuid) < 0) {
		return false;
	}
	if (resource &&
	    ha_text_copy(vm->resource, sizeof(vm->resource), resource) < 0) {
		return false;
	}
	return (uuid && uuid[0]) || (resource && resource[0]);
}

/* A failure is the answer to give. */
static json_t *
take_wish(struct hbs *s, const json_t *request, enum ha_hold_kind kind,
	  struct wish *wish)
{
	const json_t *vms = json_object_get(request, "vms");
	json_t *failure = hbs_arg_host(s, request, &wish->slot);

	if (failure) {
		return failure;
	}
	wish->like = (struct ha_hold){ .kind = kind, .owner = wish->slot };
	if (!hbs_arg_number(request, "incarnation",
			    &wish->like.owner_incarnation) ||
	    !hbs_arg_number(request, "generation",
			    &wish->like.owner_generation) ||
	    !hbs_arg_number(request, "term", &wish->like.term) ||
	    wish->like.owner_incarnation == 0 || !json_is_array(vms)) {
		return hbs_failed(-EINVAL,
				  "a hold needs host, incarnation, generation, "
				  "term and vms");
	}
	if (json_array_size(vms) > HA_VMS_MAX) {
		return hbs_failed(-E2BIG, "more than %u VMs at a time",
				  HA_VMS_MAX);
	}
	wish->count = 0;
	for (size_t i = 0; i < json_array_size(vms); i++) {
		struct ha_hold *vm = &wish->vms[wish->count++];

		*vm = wish->like;
		if (!take_vm(json_array_get(vms, i), vm)) {
			return hbs_failed(
				-EINVAL,
				"VM %zu of the request has neither a "
				"UUID nor a resource that can be read",
				i + 1);
		}
	}
	return NULL;
}

/* Puts what is missing, all or nothing. hb->lock held. */
static int
put(struct hbs *s, const struct wish *wish, struct hbs_wait *wait,
    struct ha_err *err)
{
	struct hb *hb = s->hb;
	int rc = hbs_own_make_room(s, wish->count, err);

	if (rc < 0) {
		return rc;
	}
	for (uint32_t i = 0; i < wish->count; i++) {
		const struct ha_hold *vm = &wish->vms[i];
		struct ha_hold *own = hbs_own_find(hb, vm);

		if ((own && own->owner_generation >= vm->owner_generation) ||
		    (!own && hbs_own_stands_elsewhere(hb, vm))) {
			wait->standing++;
			continue;
		}
		if (!own) {
			own = &hb->hold_list.holds[hb->hold_list.count++];
		}
		*own = *vm;
		wait->placed++;
	}
	if (wait->placed > 0) {
		hb_holds_changed(hb);
		hb_kick_locked(hb);
	}
	wait->generation = hb->hold_list.generation;
	return 0;
}

/* ---- hold --------------------------------------------------------------- */

/* hb->lock held. */
static int
may_hold(const struct hbs *s, const struct wish *wish, struct ha_err *err)
{
	const struct hb *hb = s->hb;
	const char *name = hb->table.names[wish->slot];
	uint64_t newest = hb_judge(hb, wish->slot, 0).incarnation;
	int rc = hbs_lock_ready(s, false, ha_clock_now_ms(), err);

	if (rc < 0) {
		return rc;
	}
	if (wish->slot == hb->self) {
		return ha_err_set(err, -EINVAL,
				  "%s is this host: it holds nothing in its "
				  "own name",
				  name);
	}
	if (newest > wish->like.owner_incarnation) {
		return ha_err_set(
			err, -ESTALE,
			"%s has booted again (incarnation %llu, not "
			"%llu): there is nothing to hold",
			name, (unsigned long long)newest,
			(unsigned long long)wish->like.owner_incarnation);
	}
	for (uint32_t i = 0; i < wish->count; i++) {
		if (hbs_hold_is_lifted(hb, &wish->vms[i], false)) {
			return ha_err_set(
				err, -ESTALE,
				"the master has lifted the holds of %s up to "
				"its VM list %llu: ask about its newest list",
				name,
				(unsigned long long)
					wish->like.owner_generation);
		}
	}
	return 0;
}

static json_t *
begin(struct hbs *s, struct hbs_client *client, const json_t *request,
      const struct wish *wish,
      int (*may)(const struct hbs *s, const struct wish *wish,
		 struct ha_err *err))
{
	struct hb *hb = s->hb;
	struct hbs_wait *wait = hbs_wait_new(s, client, HBS_WAIT_HOLDS,
					     hbs_arg_deadline(request));
	struct ha_err err = HA_ERR_INIT;
	int rc;

	if (!wait) {
		return hbs_failed(-EBUSY, "too many requests at a time");
	}
	wait->hold = wish->like;
	pthread_mutex_lock(&hb->lock);
	rc = may(s, wish, &err);
	if (rc == 0) {
		rc = put(s, wish, wait, &err);
	}
	pthread_mutex_unlock(&hb->lock);
	if (rc < 0) {
		client->wait = NULL;
		wait->client = NULL;
		return hbs_failed(rc, "%s", err.text);
	}
	return NULL;
}

json_t *
hbs_op_hold(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	static struct wish wish;
	json_t *failure = take_wish(s, request, HA_HOLD_OWNER, &wish);

	return failure ? failure : begin(s, client, request, &wish, may_hold);
}

/* ---- lift --------------------------------------------------------------- */

/* hb->lock held. */
static int
may_lift(const struct hbs *s, const struct wish *wish, struct ha_err *err)
{
	const struct hb *hb = s->hb;
	int rc = hbs_lock_ready(s, false, ha_clock_now_ms(), err);

	if (rc < 0) {
		return rc;
	}
	if (hb->master_term == 0 || hb->master_term != wish->like.term ||
	    !s->master.is_claimed) {
		return ha_err_set(err, -EPERM,
				  "only the master lifts holds: this host is "
				  "not master of term %llu",
				  (unsigned long long)wish->like.term);
	}
	return hbs_master_may_act(s, ha_clock_now_ms(), err);
}

static json_t *
lift(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	static struct wish wish;
	json_t *failure = take_wish(s, request, HA_HOLD_LIFTED, &wish);

	return failure ? failure : begin(s, client, request, &wish, may_lift);
}

json_t *
hbs_op_lift(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	return hbs_confirm_first(s, client, request, lift);
}

/* ---- when it stands on w ------------------------------------------------ */

static void
answer(struct hbs *s, struct hbs_wait *wait)
{
	const struct ha_hold *hold = &wait->hold;
	const char *name = s->hb->table.names[hold->owner];
	unsigned long long incarnation = hold->owner_incarnation;
	unsigned long long generation = hold->owner_generation;
	json_t *reply = ha_ipc_ok();

	switch (hold->kind) {
	case HA_HOLD_OWNER:
		if (wait->placed > 0) {
			hb_log(HB_LOG_HELD, wait->placed + wait->standing, name,
			       incarnation, generation, wait->standing);
		}
		break;
	case HA_HOLD_LIFTED:
		if (wait->placed > 0) {
			hb_log(HB_LOG_LIFTED, wait->placed, name, incarnation,
			       generation, (unsigned long long)hold->term);
		}
		break;
	case HA_HOLD_POLICY:
	case HA_HOLD_CONFIRMED_DEAD:
	case HA_HOLD_RELEASED: /* ops_release.c answers */
		break;
	}
	if (reply && hold->kind == HA_HOLD_CONFIRMED_DEAD) {
		(void)json_object_set_new(
			reply, "incarnation",
			json_integer((json_int_t)incarnation));
		(void)json_object_set_new(reply, "sequence",
					  json_integer((json_int_t)generation));
	} else if (reply) {
		(void)json_object_set_new(reply, "placed",
					  json_integer(wait->placed));
		(void)json_object_set_new(reply, "standing",
					  json_integer(wait->standing));
	}
	hbs_wait_answer(s, wait, reply);
}

bool
hbs_holds_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	bool is_flushed;

	pthread_mutex_lock(&hb->lock);
	is_flushed =
		ha_evidence_generation(&hb->hold_evidence) >= wait->generation;
	pthread_mutex_unlock(&hb->lock);
	if (is_flushed) {
		answer(s, wait);
		return true;
	}
	if (now_ms < wait->deadline_ms) {
		return false;
	}
	hbs_wait_answer(s, wait,
			hbs_failed(-ETIMEDOUT,
				   "this host's hold list could not be written "
				   "to enough heartbeat datastores in time: "
				   "what was asked may stand or not; vmha "
				   "heartbeat status tells why"));
	return true;
}

/* ---- confirm-dead ------------------------------------------------------- */

/* When the host was last seen to write anything. hb->lock held. */
static uint64_t
moved_ms(const struct hb *hb, uint32_t slot)
{
	uint64_t at_ms = 0;

	for (uint32_t i = 0; i < hb->sb.stores; i++) {
		const struct ha_sighting *at = &hb->hosts[slot].watch.at[i];

		if (at->is_seen && at->first_ms > at_ms) {
			at_ms = at->first_ms;
		}
	}
	return at_ms;
}

/* A person may be wrong, but not against what is plain to see. hb->lock
 * held. */
static int
may_confirm(const struct hbs *s, const struct wish *wish, struct ha_err *err)
{
	const struct hb *hb = s->hb;
	const char *name = hb->table.names[wish->slot];
	uint64_t now_ms = ha_clock_now_ms();
	uint64_t silence_ms = ha_timing_silence_ms(&hb->sb.timing);
	uint64_t end_ms = moved_ms(hb, wish->slot) + silence_ms;
	int rc = hbs_lock_ready(s, false, now_ms, err);

	if (rc < 0) {
		return rc;
	}
	if (wish->slot == hb->self) {
		return ha_err_set(err, -EINVAL, "%s is this host: it lives",
				  name);
	}
	/* Without it this host may be the one that is cut off, and all others
	 * live. */
	if (!wish->is_forced &&
	    !(s->ring.core.has_membership && s->ring.core.is_quorate)) {
		return ha_err_set(err, -EPERM,
				  "this host has no quorum: %s may live in the "
				  "part of the cluster that has it. Give the "
				  "word there; --force gives it here, when you "
				  "have seen that %s is off",
				  name, name);
	}
	if (s->ring.core.has_membership &&
	    ha_ring_is_member(&s->ring.core, wish->slot)) {
		return ha_err_set(err, -EBUSY,
				  "%s is a member of the cluster: it is not "
				  "dead. Stop corosync there, or switch it off",
				  name);
	}
	if (wish->like.owner_incarnation == 0) {
		return ha_err_set(err, -ENODATA,
				  "no beat of %s can be read: nothing is known "
				  "that could be called dead. Take its slot "
				  "back instead: vmha heartbeat remove-host %s "
				  "--force",
				  name, name);
	}
	if (!hbs_is_read_since(hb,
			       now_ms > silence_ms ? now_ms - silence_ms : 0)) {
		return ha_err_set(err, -EIO,
				  "too few heartbeat datastores can be read "
				  "here to see whether %s still beats",
				  name);
	}
	if (end_ms > now_ms) {
		return ha_err_set(err, -EBUSY,
				  "%s was seen to beat less than %llu ms ago: "
				  "switch it off, then try again",
				  name, (unsigned long long)silence_ms);
	}
	return 0;
}

json_t *
hbs_op_confirm_dead(struct hbs *s, struct hbs_client *client,
		    const json_t *request)
{
	static struct wish wish;
	struct hb *hb = s->hb;
	struct ha_watch_verdict verdict;
	const struct hb_host *host;
	json_t *failure = hbs_arg_host(s, request, &wish.slot);

	if (failure) {
		return failure;
	}
	pthread_mutex_lock(&hb->lock);
	verdict = hb_judge(hb, wish.slot, 0);
	host = &hb->hosts[wish.slot];
	wish.like = (struct ha_hold){
		.kind = HA_HOLD_CONFIRMED_DEAD,
		.owner = wish.slot,
		.owner_incarnation =
			host->has_beat ? host->beat.incarnation : 0,
		.owner_generation = host->beat.sequence,
		.term = hb->term,
	};
	pthread_mutex_unlock(&hb->lock);
	wish.vms[0] = wish.like;
	wish.count = 1;
	wish.is_forced = json_is_true(json_object_get(request, "force"));
	failure = begin(s, client, request, &wish, may_confirm);
	if (!failure) {
		hb_log(HB_LOG_CONFIRMED_DEAD, hb->table.names[wish.slot],
		       (unsigned long long)wish.like.owner_incarnation,
		       (unsigned long long)wish.like.owner_generation,
		       ha_proof_name(verdict.proof));
	}
	return failure;
}
