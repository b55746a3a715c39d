/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "protect" and "protected": the protected list written by the master, and
 * read by anybody (SAFETY 24). What "protect" answers stands on w; what
 * "protected" answers is the newest list of r datastores, by reads begun after
 * the question. Only the master of the term writes: one writer, and an old list
 * never replaces a newer one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

#define ANSWER_BYTES (HA_IPC_PACKET - 16u * 1024u) /* room for the rest */

/* ---- what is to be written ----------------------------------------------- */

static bool
take_vm(const json_t *object, struct ha_protected_vm *vm)
{
	const char *uuid = json_string_value(json_object_get(object, "uuid"));
	const char *resource =
		json_string_value(json_object_get(object, "resource"));
	const char *state = json_string_value(json_object_get(object, "state"));
	uint64_t order = 0;

	memset(vm, 0, sizeof(*vm));
	if (!resource || !resource[0] || !state ||
	    !hbs_arg_number(object, "order", &order) || order > UINT32_MAX ||
	    ha_text_copy(vm->resource, sizeof(vm->resource), resource) < 0 ||
	    (uuid && uuid[0] && ha_uuid_parse(uuid, &vm->uuid) < 0)) {
		return false;
	}
	vm->order = (uint32_t)order;
	for (int i = 0; i < HA_PROTECTED_N; i++) {
		vm->state = (enum ha_protected_state)i;
		if (strcmp(state, ha_protected_state_name(vm->state)) == 0) {
			return true;
		}
	}
	return false;
}

/* Puts a part behind those that came before. A failure is the answer. */
static json_t *
take_part(struct hbs *s, const json_t *request, uint64_t *ret_total)
{
	struct ha_protected_list *stage = &s->protect.stage;
	const json_t *vms = json_object_get(request, "vms");
	size_t count = json_array_size(vms);
	struct ha_protected_vm *room;
	uint64_t from = 0;

	if (!json_is_array(vms) || !hbs_arg_number(request, "from", &from) ||
	    !hbs_arg_number(request, "total", ret_total) ||
	    !hbs_arg_number(request, "term", &stage->term) ||
	    stage->term == 0) {
		return hbs_failed(-EINVAL,
				  "the protected list needs term, total, from "
				  "and vms");
	}
	if (*ret_total > s->hb->sb.protected_vms) {
		return hbs_failed(-ENOSPC,
				  "the protected list has room for %u VMs, not "
				  "for %llu: vmha heartbeat create --vms gives "
				  "it more",
				  s->hb->sb.protected_vms,
				  (unsigned long long)*ret_total);
	}
	if (from == 0) {
		stage->count = 0;
	}
	if (from != stage->count || from > *ret_total ||
	    count > *ret_total - from) {
		return hbs_failed(-EINVAL,
				  "%zu VMs from %llu on do not follow %u of "
				  "%llu: begin again",
				  count, (unsigned long long)from, stage->count,
				  (unsigned long long)*ret_total);
	}
	room = realloc(stage->vms, (*ret_total + 1) * sizeof(*room));
	if (!room) {
		return hbs_failed(-ENOMEM, "no memory");
	}
	stage->vms = room;
	for (size_t i = 0; i < count; i++) {
		if (!take_vm(json_array_get(vms, i),
			     &stage->vms[stage->count])) {
			return hbs_failed(-EINVAL,
					  "VM %zu of the list has no resource, "
					  "state or order that can be read",
					  i + 1);
		}
		stage->count++;
	}
	return NULL;
}

/* hb->lock held. */
static int
may_write(const struct hbs *s, uint64_t term, struct ha_err *err)
{
	const struct hb *hb = s->hb;
	uint64_t now_ms = ha_clock_now_ms();
	int rc = hbs_lock_ready(s, false, now_ms, err);

	if (rc < 0) {
		return rc;
	}
	if (hb->master_term == 0 || hb->master_term != term ||
	    !s->master.is_claimed) {
		return ha_err_set(err, -EPERM,
				  "only the master writes the protected list: "
				  "this host is not master of term %llu",
				  (unsigned long long)term);
	}
	return hbs_master_may_act(s, now_ms, err);
}

static json_t *
protect(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	struct ha_protected_list *stage = &s->protect.stage;
	struct ha_err err = HA_ERR_INIT;
	struct hbs_wait *wait;
	uint64_t total = 0;
	json_t *answer = take_part(s, request, &total);
	int rc;

	if (answer) {
		stage->count = 0;
		return answer;
	}
	pthread_mutex_lock(&s->hb->lock);
	rc = may_write(s, stage->term, &err);
	pthread_mutex_unlock(&s->hb->lock);
	if (rc < 0) {
		return hbs_failed(rc, "%s", err.text);
	}
	if (stage->count < total) {
		answer = ha_ipc_ok();
		(void)json_object_set_new(answer, "next",
					  json_integer(stage->count));
		return answer;
	}
	wait = hbs_wait_new(s, client, HBS_WAIT_PROTECT,
			    hbs_arg_deadline(request));
	if (!wait) {
		return hbs_failed(-EBUSY, "too many requests at a time");
	}
	stage->slot = s->hb->self;
	hbs_protect_want(s, stage);
	wait->term = s->protect.want.term;
	wait->generation = s->protect.want.generation;
	return NULL;
}

json_t *
hbs_op_protect(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	return hbs_confirm_first(s, client, request, protect);
}

static void
tell_written(struct hbs *s, const struct hbs_wait *wait)
{
	const struct ha_protected_list *want = &s->protect.want;
	uint32_t off = 0;

	if (want->term != wait->term || want->generation != wait->generation) {
		return;
	}
	for (uint32_t i = 0; i < want->count; i++) {
		off += want->vms[i].state == HA_PROTECTED_OFF;
	}
	hb_log(HB_LOG_PROTECT, want->count - off, off,
	       (unsigned long long)want->term,
	       (unsigned long long)want->generation);
}

bool
hbs_protect_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	uint32_t needed = ha_stores_write(s->hb->sb.stores);
	json_t *answer;

	if (hbs_protect_is_past(s, wait->term) ||
	    s->protect.want.term != wait->term) {
		hbs_wait_answer(s, wait,
				hbs_failed(-EPERM,
					   "this host is master of term %llu "
					   "no more",
					   (unsigned long long)wait->term));
		return true;
	}
	if (hbs_protect_count(s, wait->term, wait->generation) >= needed) {
		tell_written(s, wait);
		answer = ha_ipc_ok();
		(void)json_object_set_new(
			answer, "generation",
			json_integer((json_int_t)wait->generation));
		hbs_wait_answer(s, wait, answer);
		return true;
	}
	if (now_ms < wait->deadline_ms) {
		return false;
	}
	hbs_wait_answer(s, wait,
			hbs_failed(-ETIMEDOUT,
				   "the protected list could not be written to "
				   "%u heartbeat datastores in time: vmha "
				   "heartbeat status tells why",
				   needed));
	return true;
}

/* ---- what lies there ----------------------------------------------------- */

static json_t *
vm_json(const struct ha_protected_vm *vm)
{
	static const struct ha_uuid NONE;
	char uuid[HA_UUID_TEXT] = "";

	if (memcmp(&vm->uuid, &NONE, sizeof(NONE)) != 0) {
		ha_uuid_format(&vm->uuid, uuid);
	}
	return json_pack("{s:s, s:s, s:s, s:I}", "uuid", uuid, "resource",
			 vm->resource, "state",
			 ha_protected_state_name(vm->state), "order",
			 (json_int_t)vm->order);
}

/* From there on, as many as fit. */
static void
put_vms(const struct ha_protected_list *list, uint32_t from, json_t *answer)
{
	json_t *vms = json_array();
	size_t used = 0;

	for (uint32_t i = from; i < list->count; i++) {
		json_t *vm = vm_json(&list->vms[i]);

		used += json_dumpb(vm, NULL, 0, JSON_COMPACT) + 1;
		if (used > ANSWER_BYTES) {
			json_decref(vm);
			(void)json_object_set_new(answer, "next",
						  json_integer(i));
			break;
		}
		(void)json_array_append_new(vms, vm);
	}
	(void)json_object_set_new(answer, "vms", vms);
}

static json_t *
answer_list(const struct hbs *s, uint32_t from, const char *why)
{
	const struct ha_protected_list *best = &s->protect.best;
	const struct hb *hb = s->hb;
	bool is_flushed = best->term == 0 ||
			  hbs_protect_count(s, best->term, best->generation) >=
				  ha_stores_write(hb->sb.stores);
	json_t *answer = ha_ipc_ok();

	(void)json_object_update_new(
		answer,
		json_pack("{s:b, s:s, s:I, s:I, s:s, s:b, s:I}", "complete",
			  !why[0], "why", why, "term", (json_int_t)best->term,
			  "generation",
			  (json_int_t)(best->term ? best->generation : 0), "by",
			  best->term ? hb->table.names[best->slot] : "",
			  "flushed", is_flushed, "count",
			  (json_int_t)(best->term ? best->count : 0)));
	put_vms(best, from, answer);
	return answer;
}

json_t *
hbs_op_protected(struct hbs *s, struct hbs_client *client,
		 const json_t *request)
{
	const struct ha_protected_list *best = &s->protect.best;
	uint64_t from = 0;
	uint64_t term = 0;
	uint64_t generation = 0;
	struct hbs_wait *wait;

	if (hbs_arg_number(request, "from", &from) && from > 0) {
		if (!hbs_arg_number(request, "term", &term) ||
		    !hbs_arg_number(request, "generation", &generation) ||
		    term != best->term || generation != best->generation ||
		    from > best->count) {
			return hbs_failed(
				-ESTALE, "the protected list has changed "
					 "meanwhile: ask again from the start");
		}
		return answer_list(s, (uint32_t)from, "");
	}
	wait = hbs_wait_new(s, client, HBS_WAIT_PROTECTED,
			    hbs_arg_deadline(request));
	if (!wait) {
		return hbs_failed(-EBUSY, "too many requests at a time");
	}
	wait->since_ms = ha_clock_now_ms();
	return NULL;
}

bool
hbs_protected_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	if (hbs_protect_count_read(s, wait->since_ms) >=
		    ha_stores_read(s->hb->sb.stores) &&
	    hbs_protect_is_best(s, wait->since_ms)) {
		hbs_wait_answer(s, wait, answer_list(s, 0, ""));
		return true;
	}
	if (now_ms < wait->deadline_ms) {
		return false;
	}
	hbs_wait_answer(s, wait,
			answer_list(s, 0,
				    "too few heartbeat datastores could be "
				    "read in time: vmha heartbeat status tells "
				    "why"));
	return true;
}
