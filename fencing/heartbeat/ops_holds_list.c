/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "holds": the records of all hosts, as their hold lists say them. Shows,
 * decides nothing: who asks draws the conclusions, and must know whether all
 * lists were read, and that no list changed between two pages of one answer.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/serve.h"

#define ANSWER_BYTES (HA_IPC_PACKET - 16u * 1024u) /* room for the rest */
/* FNV-1a, 64 bits. */
#define STAMP_BASIS UINT64_C(0xcbf29ce484222325)
#define STAMP_PRIME UINT64_C(0x100000001b3)

static const char *
kind_name(enum ha_hold_kind kind)
{
	switch (kind) {
	case HA_HOLD_OWNER:
		return "owner";
	case HA_HOLD_POLICY:
		return "policy";
	case HA_HOLD_LIFTED:
		return "lifted";
	case HA_HOLD_CONFIRMED_DEAD:
		return "confirmed-dead";
	case HA_HOLD_RELEASED:
		return "released";
	}
	return "?";
}

static uint64_t
mix(uint64_t stamp, uint64_t value)
{
	return (stamp ^ value) * STAMP_PRIME;
}

/* Changes with every list. hb->lock held. */
static uint64_t
stamp(const struct hb *hb)
{
	uint64_t value = STAMP_BASIS;

	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		const struct ha_hold_list *list = hbs_holds_of(hb, slot);

		if (list) {
			value = mix(mix(mix(value, slot), list->incarnation),
				    list->generation);
		}
	}
	return value & (uint64_t)INT64_MAX;
}

static json_t *
record_json(const struct hb *hb, uint32_t by, const struct ha_hold *hold)
{
	static const struct ha_uuid NONE;
	char uuid[HA_UUID_TEXT] = "";

	if (memcmp(&hold->uuid, &NONE, sizeof(NONE)) != 0) {
		ha_uuid_format(&hold->uuid, uuid);
	}
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s}", "uuid", uuid,
		"resource", hold->resource, "kind", kind_name(hold->kind),
		"owner", hb->table.names[hold->owner], "owner_incarnation",
		(json_int_t)hold->owner_incarnation, "owner_generation",
		(json_int_t)hold->owner_generation, "term",
		(json_int_t)hold->term, "by", hb->table.names[by]);
}

/* A copy, so that nothing is built under the lock. One that binds nobody keeps
 * its place, without an owner. */
static uint32_t
copy_list(struct hb *hb, uint32_t slot, struct ha_hold *holds)
{
	const struct ha_hold_list *list;
	uint32_t count = 0;

	pthread_mutex_lock(&hb->lock);
	list = hbs_holds_of(hb, slot);
	if (list && list->count > 0) {
		count = list->count;
		memcpy(holds, list->holds, count * sizeof(*holds));
	}
	for (uint32_t i = 0; i < count; i++) {
		if (hbs_hold_is_orphan(hb, &holds[i])) {
			holds[i].owner = HA_SLOT_NONE;
		}
	}
	pthread_mutex_unlock(&hb->lock);
	return count;
}

/* As many as fit, from the place `from` on: slot and record. */
static void
put_records(struct hb *hb, uint64_t from, json_t *answer)
{
	static struct ha_hold holds[HA_VMS_MAX];
	json_t *list = json_array();
	size_t used = 0;

	for (uint64_t slot = from / HA_VMS_MAX; slot < hb->sb.slots; slot++) {
		uint32_t count = copy_list(hb, (uint32_t)slot, holds);
		uint64_t first =
			slot == from / HA_VMS_MAX ? from % HA_VMS_MAX : 0;

		for (uint64_t i = first; i < count; i++) {
			json_t *one;

			if (holds[i].owner == HA_SLOT_NONE) {
				continue;
			}
			one = record_json(hb, (uint32_t)slot, &holds[i]);
			used += json_dumpb(one, NULL, 0, JSON_COMPACT) + 1;
			if (used > ANSWER_BYTES) {
				json_decref(one);
				(void)json_object_set_new(
					answer, "next",
					json_integer(
						(json_int_t)(slot * HA_VMS_MAX +
							     i)));
				(void)json_object_set_new(answer, "holds",
							  list);
				return;
			}
			(void)json_array_append_new(list, one);
		}
	}
	(void)json_object_set_new(answer, "holds", list);
}

/* hb->lock held. */
static json_t *
unread_json(const struct hbs *s, uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	uint64_t late_ms = 2 * (uint64_t)hb->sb.timing.beat_ms +
			   hb->sb.timing.tolerance_ms;
	uint64_t since_ms = now_ms > late_ms ? now_ms - late_ms : 0;
	json_t *names = json_array();
	uint32_t slot = hbs_holds_unread(s, 0, since_ms, now_ms);

	while (slot != HA_SLOT_NONE) {
		(void)json_array_append_new(names,
					    json_string(hb->table.names[slot]));
		slot = hbs_holds_unread(s, slot + 1, since_ms, now_ms);
	}
	return names;
}

json_t *
hbs_op_holds(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	struct hb *hb = s->hb;
	const json_t *from = json_object_get(request, "from");
	const json_t *asked = json_object_get(request, "stamp");
	json_t *answer = ha_ipc_ok();
	json_t *unread;
	uint64_t before, after;

	(void)client;
	if (!answer) {
		return NULL;
	}
	pthread_mutex_lock(&hb->lock);
	before = stamp(hb);
	unread = unread_json(s, ha_clock_now_ms());
	pthread_mutex_unlock(&hb->lock);
	(void)json_object_set_new(answer, "complete",
				  json_boolean(json_array_size(unread) == 0));
	(void)json_object_set_new(answer, "unread", unread);
	(void)json_object_set_new(answer, "stamp",
				  json_integer((json_int_t)before));
	put_records(hb,
		    json_is_integer(from) && json_integer_value(from) > 0 ?
			    (uint64_t)json_integer_value(from) :
			    0,
		    answer);
	pthread_mutex_lock(&hb->lock);
	after = stamp(hb);
	pthread_mutex_unlock(&hb->lock);
	if (after != before ||
	    (json_is_integer(asked) &&
	     json_integer_value(asked) != (json_int_t)before)) {
		json_decref(answer);
		return hbs_failed(-ESTALE, "the hold lists changed meanwhile: "
					   "ask again from the start");
	}
	return answer;
}
