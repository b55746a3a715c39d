/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This host's VM list: looked at, and entries taken off it once the agent has
 * proven that the process is gone (SAFETY 9, 12). What is on the list binds
 * all other hosts, so an entry is never dropped for any other reason, and
 * the agent hears "done" only when that is flushed.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

/* An agent that knows the resource alone. */
#define NO_UUID "00000000-0000-0000-0000-000000000000"

struct ha_listed_vm *
hbs_list_find(struct ha_vm_list *list, const struct ha_uuid *uuid)
{
	for (uint32_t i = 0; i < list->count; i++) {
		if (memcmp(&list->vms[i].uuid, uuid, sizeof(*uuid)) == 0) {
			return &list->vms[i];
		}
	}
	return NULL;
}

void
hbs_list_remove(struct hb *hb, struct ha_listed_vm *vm)
{
	struct ha_vm_list *list = &hb->list;
	uint32_t i = (uint32_t)(vm - list->vms);

	list->count--;
	memmove(&list->vms[i], &list->vms[i + 1],
		(list->count - i) * sizeof(list->vms[0]));
	list->generation++;
}

void
hbs_list_leave(struct hb *hb, struct ha_listed_vm *vm)
{
	if (!(hb->flags & HA_BEAT_SEALED)) {
		hbs_list_remove(hb, vm);
	} else if (vm->state != HA_LISTED_RELEASED) {
		vm->state = HA_LISTED_RELEASED;
		vm->since_generation = ++hb->list.generation;
	}
}

void
hbs_list_forget_released(struct hb *hb)
{
	for (uint32_t i = hb->list.count; i > 0; i--) {
		if (hb->list.vms[i - 1].state == HA_LISTED_RELEASED) {
			hbs_list_remove(hb, &hb->list.vms[i - 1]);
		}
	}
}

uint32_t
hbs_list_drop_released(struct hb *hb)
{
	uint32_t count;

	pthread_mutex_lock(&hb->lock);
	hbs_list_forget_released(hb);
	count = hb->list.count;
	pthread_mutex_unlock(&hb->lock);
	return count;
}

void
hbs_grant_own(struct hbs *s)
{
	struct ha_vm_list *list = &s->hb->list;

	pthread_mutex_lock(&s->hb->lock);
	for (uint32_t i = 0; i < list->count; i++) {
		if (list->vms[i].state == HA_LISTED_RUNNING ||
		    list->vms[i].state == HA_LISTED_OUTGOING) {
			hbs_grant(s, &list->vms[i].uuid, true);
		}
	}
	pthread_mutex_unlock(&s->hb->lock);
}

bool
hbs_is_granted(const struct hbs *s, const struct ha_uuid *uuid)
{
	for (uint32_t i = 0; i < s->granted_count; i++) {
		if (memcmp(&s->granted[i], uuid, sizeof(*uuid)) == 0) {
			return true;
		}
	}
	return false;
}

void
hbs_grant(struct hbs *s, const struct ha_uuid *uuid, bool is_granted)
{
	uint32_t i = 0;

	while (i < s->granted_count &&
	       memcmp(&s->granted[i], uuid, sizeof(*uuid)) != 0) {
		i++;
	}
	if (is_granted && i == s->granted_count && i < HA_VMS_MAX) {
		s->granted[s->granted_count++] = *uuid;
	} else if (!is_granted && i < s->granted_count) {
		s->granted[i] = s->granted[--s->granted_count];
	}
}

int
hbs_lock_ready(const struct hbs *s, bool must_be_fresh, uint64_t now_ms,
	       struct ha_err *err)
{
	const struct hb *hb = s->hb;
	uint64_t stamp_ms;

	if (hb->phase != HB_ARMED) {
		return ha_err_set(err, -EAGAIN,
				  "the heartbeat daemon of this host is not "
				  "ready, or is stopping");
	}
	if (!must_be_fresh) {
		return 0;
	}
	if (hb->is_reset_ordered) {
		return ha_err_set(err, -EPERM,
				  "this host was ordered to reset itself");
	}
	if (hb->flags & HA_BEAT_SEALED) {
		return ha_err_set(
			err, -EPERM,
			"this host is sealed: it may take no VM until "
			"it is in a quorate cluster again and its VM "
			"list was settled there");
	}
	if (hb->is_standing_down || hb_beat_state(hb) != HA_BEAT_ARMED) {
		return ha_err_set(err, -EPERM,
				  "the watchdog of this host is not armed; "
				  "after planned work run vmha arm");
	}
	if (!ha_evidence_stamp(&hb->evidence, &stamp_ms) ||
	    now_ms > stamp_ms + hb->sb.timing.beat_ms +
			     hb->sb.timing.tolerance_ms) {
		return ha_err_set(
			err, -EIO,
			"this host can't write enough of its heartbeat "
			"datastores; vmha heartbeat status tells why");
	}
	return 0;
}

static json_t *
list_json(const struct ha_vm_list *list)
{
	json_t *vms = json_array();

	for (uint32_t i = 0; vms && i < list->count; i++) {
		const struct ha_listed_vm *vm = &list->vms[i];
		char uuid[HA_UUID_TEXT];

		ha_uuid_format(&vm->uuid, uuid);
		(void)json_array_append_new(
			vms, json_pack("{s:s, s:s, s:s, s:I}", "uuid", uuid,
				       "resource", vm->resource, "state",
				       ha_listed_state_name(vm->state), "since",
				       (json_int_t)vm->since_generation));
	}
	return vms;
}

/* A copy of what is known of a host's list; its entries go to ret_vms. False:
 * none was read. hb->lock held. */
static bool
copy_list(const struct hb *hb, uint32_t slot, struct ha_vm_list *ret_list,
	  struct ha_listed_vm *ret_vms)
{
	const struct hb_host *host = &hb->hosts[slot];
	bool is_own = slot == hb->self;

	*ret_list = is_own ? hb->list : host->list;
	if (is_own) {
		ret_list->incarnation = hb->incarnation;
	} else if (!host->has_list) {
		ret_list->count = 0;
	}
	if (ret_list->count > 0) {
		memcpy(ret_vms, ret_list->vms,
		       ret_list->count * sizeof(*ret_vms));
	}
	ret_list->vms = ret_vms;
	/* SAFETY 26: what a record says of it is not told any other way. */
	for (uint32_t i = 0; !is_own && i < ret_list->count; i++) {
		ret_vms[i].state = hbs_listed_state(hb, slot, &ret_vms[i]);
	}
	return is_own || host->has_list ||
	       (host->has_beat && host->beat.list_count == 0);
}

json_t *
hbs_op_vms(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	static struct ha_listed_vm vms[HA_VMS_MAX];
	struct hb *hb = s->hb;
	struct ha_vm_list list;
	uint64_t read_ms;
	bool has_list;
	bool is_current;
	uint32_t slot = hb->self;
	json_t *answer = NULL;

	(void)client;
	if (json_object_get(request, "host")) {
		answer = hbs_arg_host(s, request, &slot);
	}
	if (answer) {
		return answer;
	}
	pthread_mutex_lock(&hb->lock);
	has_list = copy_list(hb, slot, &list, vms);
	is_current = slot == hb->self || hbs_is_list_read(hb, slot);
	read_ms = hb->hosts[slot].list_read_ms;
	pthread_mutex_unlock(&hb->lock);
	if (!has_list) {
		return hbs_failed(
			-ENODATA,
			"the VM list of %s has not been read from any "
			"heartbeat datastore",
			hb->table.names[slot]);
	}
	answer = ha_ipc_ok();
	if (answer) {
		(void)json_object_set_new(answer, "host",
					  json_string(hb->table.names[slot]));
		(void)json_object_set_new(
			answer, "generation",
			json_integer((json_int_t)list.generation));
		(void)json_object_set_new(
			answer, "incarnation",
			json_integer((json_int_t)list.incarnation));
		(void)json_object_set_new(answer, "current",
					  json_boolean(is_current));
		(void)json_object_set_new(answer, "read_age_ms",
					  hbs_age(ha_clock_now_ms(), read_ms));
		(void)json_object_set_new(answer, "vms", list_json(&list));
	}
	return answer;
}

/* The entry that an agent's proof is about. A VM that was coming here has the
 * UUID of its source; the agent may know it by another, or by its resource
 * alone. hb->lock held. */
static const struct ha_listed_vm *
find_leaving(struct ha_vm_list *list, const struct ha_uuid *uuid,
	     const char *resource)
{
	const struct ha_listed_vm *vm = hbs_list_find(list, uuid);

	for (uint32_t i = 0; i < list->count && !vm; i++) {
		if (strcmp(list->vms[i].resource, resource) == 0 &&
		    list->vms[i].state == HA_LISTED_INCOMING) {
			vm = &list->vms[i];
		}
	}
	return vm;
}

/* Listed under a UUID, and looked for without one: a process that was started
 * by hand is not found by its resource. hb->lock held. */
static bool
is_unproven(const struct ha_vm_list *list, const struct hbs_wait *wait)
{
	struct ha_uuid none;

	if (ha_uuid_parse(NO_UUID, &none) < 0 ||
	    memcmp(&none, &wait->uuid, sizeof(none)) != 0) {
		return false;
	}
	for (uint32_t i = 0; i < list->count; i++) {
		if (strcmp(list->vms[i].resource, wait->resource) == 0 &&
		    list->vms[i].state != HA_LISTED_RELEASED) {
			return true;
		}
	}
	return false;
}

/* The same VM, of an earlier definition: the agent, which looks for the
 * resource's processes too, has proven that gone as well. What is coming here
 * needs another proof, and so does every entry but the one that was named. */
static bool
is_leaving(const struct hbs_wait *wait, const struct ha_listed_vm *vm)
{
	return memcmp(&vm->uuid, &wait->uuid, sizeof(vm->uuid)) == 0 ||
	       (wait->since_generation == 0 &&
		strcmp(vm->resource, wait->resource) == 0 &&
		vm->state != HA_LISTED_INCOMING);
}

/* hb->lock held. */
static bool
is_in_work(const struct hbs *s, const struct hbs_wait *wait)
{
	const struct ha_vm_list *list = &s->hb->list;

	for (uint32_t i = 0; i < list->count; i++) {
		if (is_leaving(wait, &list->vms[i]) &&
		    hbs_announce_is_open(s, &list->vms[i].uuid)) {
			return true;
		}
	}
	return false;
}

/* A sealed host's list is read as it is: what has ended there is said, not
 * left out (SAFETY 9). Entries of the same resource bind all other hosts,
 * whatever their UUID. Returns the generation that must be flushed, 0: the
 * VM was not listed. hb->lock held. */
static uint64_t
take_off(struct hbs *s, const struct hbs_wait *wait)
{
	struct hb *hb = s->hb;
	uint64_t generation = 0;

	for (uint32_t i = hb->list.count; i > 0; i--) {
		struct ha_listed_vm *vm = &hb->list.vms[i - 1];

		if (is_leaving(wait, vm)) {
			hbs_grant(s, &vm->uuid, false);
			hbs_list_leave(hb, vm);
			generation = hb->list.generation;
		}
	}
	return generation;
}

/* Who is not the resource's own agent names the entry that it has seen: its
 * proof is about that one, and not about a start that came since. hb->lock
 * held. */
static bool
is_another(const struct hbs_wait *wait, const struct ha_listed_vm *vm)
{
	return wait->since_generation != 0 &&
	       (!vm || vm->state != HA_LISTED_RUNNING ||
		vm->since_generation != wait->since_generation);
}

/* hb->lock held. */
static int
begin_withdraw(struct hbs *s, struct hbs_wait *wait)
{
	struct hb *hb = s->hb;
	uint64_t now_ms = ha_clock_now_ms();
	const struct ha_listed_vm *vm;
	uint64_t generation;
	int rc = hbs_lock_ready(s, false, now_ms, &wait->err);

	if (rc < 0) {
		return rc;
	}
	vm = find_leaving(&hb->list, &wait->uuid, wait->resource);
	if (!vm && is_unproven(&hb->list, wait)) {
		return ha_err_set(&wait->err, -EINVAL,
				  "%s is on this host's list, and its UUID is "
				  "not known to who says that it is gone: give "
				  "it the parameter config or uuid",
				  wait->resource);
	}
	if (is_another(wait, vm)) {
		return ha_err_set(&wait->err, -ESTALE,
				  "the entry of %s has changed meanwhile",
				  wait->resource);
	}
	if (vm && vm->state == HA_LISTED_INCOMING) {
		wait->uuid = vm->uuid;
		wait->had_entry = true;
		hbs_incoming_leave(s, wait, now_ms);
		return 0;
	}
	if (is_in_work(s, wait)) {
		return ha_err_set(&wait->err, -EALREADY,
				  "another request for %s is in work on this "
				  "host",
				  wait->resource);
	}
	generation = take_off(s, wait);
	wait->had_entry = generation != 0;
	/* Not listed: an earlier withdraw may not be flushed yet. */
	wait->generation = generation ? generation : hb->list.generation;
	hbs_grant(s, &wait->uuid, false);
	if (generation != 0) {
		hb_kick_locked(hb);
	}
	return 0;
}

json_t *
hbs_op_withdraw(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	struct hb *hb = s->hb;
	struct hbs_wait *wait;
	struct ha_uuid uuid;
	struct ha_err err = HA_ERR_INIT;
	const char *text = "";
	const char *resource = "";
	json_t *failure = hbs_arg_text(request, "resource", &resource);
	json_int_t since =
		json_integer_value(json_object_get(request, "since"));
	int rc;

	if (failure) {
		return failure;
	}
	text = json_string_value(json_object_get(request, "uuid"));
	if (!text || !text[0]) {
		text = NO_UUID;
	}
	if (ha_uuid_parse(text, &uuid) < 0) {
		return hbs_failed(-EINVAL, "\"%s\" is no UUID", text);
	}
	if (since <= 0) {
		hbs_incoming_cancel(s, &uuid, resource);
	}
	if (hbs_announce_is_open(s, &uuid)) {
		return hbs_failed(-EALREADY,
				  "another request for %s is in work on this "
				  "host",
				  resource);
	}
	wait = hbs_wait_new(s, client, HBS_WAIT_WITHDRAW,
			    hbs_arg_deadline(request));
	if (!wait) {
		return hbs_failed(-EBUSY, "too many requests at a time");
	}
	wait->uuid = uuid;
	wait->since_generation = since > 0 ? (uint64_t)since : 0;
	(void)strncpy(wait->resource, resource, sizeof(wait->resource) - 1);
	pthread_mutex_lock(&hb->lock);
	rc = begin_withdraw(s, wait);
	pthread_mutex_unlock(&hb->lock);
	if (rc < 0) {
		err = wait->err;
		client->wait = NULL;
		wait->client = NULL;
		return hbs_failed(rc, "%s", err.text);
	}
	return NULL;
}

bool
hbs_withdraw_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	uint64_t flushed;
	char uuid[HA_UUID_TEXT];

	if (wait->step == HBS_READING) {
		return hbs_incoming_leave_check(s, wait, now_ms);
	}
	pthread_mutex_lock(&hb->lock);
	flushed = ha_evidence_generation(&hb->evidence);
	pthread_mutex_unlock(&hb->lock);
	if (flushed >= wait->generation) {
		ha_uuid_format(&wait->uuid, uuid);
		if (wait->had_entry) {
			hb_log(HB_LOG_WITHDRAWN, wait->resource, uuid);
		}
		hbs_wait_answer(s, wait, ha_ipc_ok());
		return true;
	}
	if (now_ms >= wait->deadline_ms) {
		hbs_wait_answer(
			s, wait,
			hbs_failed(
				-ETIMEDOUT,
				"taking %s off this host's VM list could not "
				"be written to enough heartbeat datastores "
				"in time; vmha heartbeat status tells why%s%s",
				wait->resource, wait->err.text[0] ? "; " : "",
				wait->err.text));
		return true;
	}
	hbs_release_tell(s, wait, now_ms);
	return false;
}
