/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything in an area as JSON: blocks with their verdicts, beats, lists. */
#include "dump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ha/text.h"

#define COPIES 2u
#define NONCE_TEXT 20 /* "0x" and 16 digits */

static json_t *
verdict_json(enum ha_block_verdict verdict)
{
	return json_pack("{s:s, s:s}", "verdict",
			 ha_block_verdict_name(verdict), "why",
			 ha_block_verdict_text(verdict));
}

static json_t *
superblock_json(const struct vmha_area *area)
{
	const struct ha_superblock *sb = &area->sb;
	char cluster[HA_UUID_TEXT];
	char store[HA_UUID_TEXT];

	ha_uuid_format(&sb->cluster, cluster);
	ha_uuid_format(&sb->store, store);
	return json_pack(
		"{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:I, s:I, s:s, s:i, s:i, "
		"s:i, s:i, s:I, s:I, s:I, s:I, s:I}",
		"cluster", sb->name, "uuid", cluster, "store", store, "index",
		(int)sb->store_index, "stores", (int)sb->stores, "slots",
		(int)sb->slots, "vms", (int)sb->vms, "protected_vms",
		(json_int_t)sb->protected_vms, "blocks",
		(json_int_t)area->layout.total_blocks, "profile",
		ha_profile_name(sb->profile), "beat_ms",
		(int)sb->timing.beat_ms, "watchdog_ms",
		(int)sb->timing.watchdog_ms, "tolerance_ms",
		(int)sb->timing.tolerance_ms, "drift_ppm",
		(int)sb->timing.drift_ppm, "silence_ms",
		(json_int_t)ha_timing_silence_ms(&sb->timing), "generation",
		(json_int_t)sb->generation, "compat", (json_int_t)sb->compat,
		"ro_compat", (json_int_t)sb->ro_compat, "incompat",
		(json_int_t)sb->incompat);
}

/* Nonces use all 64 bits: text, since JSON's numbers are signed. */
static json_t *
nonce_json(uint64_t nonce)
{
	char buffer[NONCE_TEXT];

	snprintf(buffer, sizeof(buffer), "%#" PRIx64, nonce);
	return json_string(buffer);
}

static void
members_text(const struct ha_beat *beat, char *buffer, size_t size)
{
	struct ha_hostset set;
	size_t used = 0;

	memcpy(set.bits, beat->members, sizeof(set.bits));
	snprintf(buffer, size, "none");
	for (uint32_t slot = 0; slot < HA_HOSTS_MAX && used < size; slot++) {
		if (ha_hostset_has(&set, slot)) {
			int n = snprintf(buffer + used, size - used,
					 "%s%" PRIu32, used ? "," : "", slot);

			used += n > 0 ? (size_t)n : 0;
		}
	}
}

static json_t *
orders_json(const struct ha_beat *beat)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < beat->orders_count; i++) {
		const struct ha_order *order = &beat->orders[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:i, s:I, s:o}", "kind",
				  ha_order_kind_name(order->kind), "target",
				  (int)order->target, "incarnation",
				  (json_int_t)order->incarnation, "nonce",
				  nonce_json(order->nonce)));
	}
	return list;
}

static json_t *
acks_json(const struct ha_beat *beat)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < beat->acks_count; i++) {
		const struct ha_order_ack *ack = &beat->acks[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:i, s:o, s:i}", "sender", (int)ack->sender,
				  "nonce", nonce_json(ack->nonce), "result",
				  (int)ack->result));
	}
	return list;
}

static json_t *
beat_json(const struct ha_beat *beat)
{
	char members[1024];
	char flags[128];
	char boot_id[HA_UUID_TEXT];
	char program[32];
	json_t *json;

	members_text(beat, members, sizeof(members));
	ha_uuid_format(&beat->boot_id, boot_id);
	snprintf(program, sizeof(program), "%" PRIu32 ".%" PRIu32,
		 beat->program >> 16, beat->program & 0xffffu);
	json = json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:i, s:i, s:I}",
			 "host", beat->host, "boot_id", boot_id, "incarnation",
			 (json_int_t)beat->incarnation, "sequence",
			 (json_int_t)beat->sequence, "state",
			 ha_beat_state_name(beat->state), "flags",
			 vmha_beat_flags(beat->flags, flags, sizeof(flags)),
			 "evidence", ha_beat_evidence_name(beat), "watchdog_ms",
			 (int)beat->watchdog_ms, "stores_ok",
			 (int)beat->stores_ok, "stores_seen",
			 (json_int_t)beat->stores_seen);
	if (json) {
		(void)json_object_update_new(
			json,
			json_pack(
				"{s:I, s:i, s:i, s:I, s:i, s:i, s:I, s:s, "
				"s:I, s:s, s:o, s:o}",
				"list_generation",
				(json_int_t)beat->list_generation, "list_copy",
				(int)beat->list_copy, "list_count",
				(int)beat->list_count, "hold_generation",
				(json_int_t)beat->hold_generation, "hold_copy",
				(int)beat->hold_copy, "hold_count",
				(int)beat->hold_count, "ring_seq",
				(json_int_t)beat->ring_seq, "members", members,
				"term", (json_int_t)beat->term, "program",
				program, "orders", orders_json(beat), "acks",
				acks_json(beat)));
	}
	return json;
}

static json_t *
vms_json(const struct ha_vm_list *list)
{
	json_t *vms = json_array();

	for (uint32_t i = 0; i < list->count; i++) {
		const struct ha_listed_vm *vm = &list->vms[i];
		char uuid[HA_UUID_TEXT];

		ha_uuid_format(&vm->uuid, uuid);
		(void)json_array_append_new(
			vms, json_pack("{s:s, s:s, s:s, s:I}", "uuid", uuid,
				       "resource", vm->resource, "state",
				       ha_listed_state_name(vm->state),
				       "since_generation",
				       (json_int_t)vm->since_generation));
	}
	return vms;
}

/* One copy of the VM list. The one that the beat names must be exactly that
 * (SAFETY 14); the other is shown as whatever it is. */
static int
list_json(struct vmha_area *area, uint32_t slot, uint32_t copy,
	  json_t **ret_json, bool *is_damaged, struct ha_err *err)
{
	const struct ha_layout *layout = &area->layout;
	const struct ha_beat *beat = &area->beat[slot];
	uint32_t n = layout->list_blocks;
	bool is_named = area->beat_verdict[slot] == HA_BLOCK_OK &&
			beat->list_generation > 0 && beat->list_copy == copy;
	void *blocks = ha_disk_buffer_new((size_t)n * HA_BLOCK);
	struct ha_vm_list list = { .vms = calloc(area->sb.vms,
						 sizeof(*list.vms)) };
	enum ha_block_verdict verdict = HA_BLOCK_BLANK;
	int rc = blocks && list.vms ? 0 : ha_err_set(err, -ENOMEM, "no memory");

	if (rc == 0) {
		rc = vmha_area_read(area,
				    layout->lists.first +
					    (2 * (uint64_t)slot + copy) * n,
				    n, blocks, err);
	}
	if (rc == 0) {
		verdict = ha_vm_list_decode(
			&area->sb, slot, copy, blocks, n,
			is_named ? beat->incarnation : 0,
			is_named ? beat->list_generation : 0, &list);
		*ret_json = verdict_json(verdict);
		(void)json_object_update_new(
			*ret_json,
			json_pack("{s:s, s:i, s:b}", "kind", "list", "copy",
				  (int)copy, "named", (int)is_named));
		*is_damaged =
			*is_damaged || (is_named && verdict != HA_BLOCK_OK);
	}
	if (rc == 0 && verdict == HA_BLOCK_OK) {
		(void)json_object_update_new(
			*ret_json,
			json_pack("{s:I, s:I, s:i, s:o}", "incarnation",
				  (json_int_t)list.incarnation, "generation",
				  (json_int_t)list.generation, "count",
				  (int)list.count, "vms", vms_json(&list)));
	}
	free(list.vms);
	ha_disk_buffer_free(blocks);
	return rc;
}

static int
slot_json(struct vmha_area *area, uint32_t slot, json_t *slots,
	  bool *is_damaged, struct ha_err *err)
{
	enum ha_block_verdict verdict = area->beat_verdict[slot];
	const struct ha_beat *beat = &area->beat[slot];
	const char *host = area->table.names[slot];
	bool is_ok = verdict == HA_BLOCK_OK;
	json_t *lists;
	json_t *json;
	int rc = 0;

	if (!host[0] && is_ok && beat->incarnation == 0) {
		return 0;
	}
	*is_damaged = *is_damaged || !is_ok;
	json = verdict_json(verdict);
	(void)json_object_update_new(
		json, json_pack("{s:i, s:s}", "slot", (int)slot, "host", host));
	if (is_ok) {
		(void)json_object_set_new(json, "beat", beat_json(beat));
	}
	lists = json_array();
	for (uint32_t copy = 0;
	     rc == 0 && copy < COPIES && !(is_ok && beat->incarnation == 0);
	     copy++) {
		json_t *list = NULL;

		rc = list_json(area, slot, copy, &list, is_damaged, err);
		(void)json_array_append_new(lists, list);
	}
	(void)json_object_set_new(json, "lists", lists);
	(void)json_array_append_new(slots, json);
	return rc;
}

static json_t *
protected_vms_json(const struct ha_protected_list *list)
{
	json_t *vms = json_array();

	for (uint32_t i = 0; i < list->count; i++) {
		const struct ha_protected_vm *vm = &list->vms[i];
		char uuid[HA_UUID_TEXT];

		ha_uuid_format(&vm->uuid, uuid);
		(void)json_array_append_new(
			vms, json_pack("{s:s, s:s, s:s, s:I}", "uuid", uuid,
				       "resource", vm->resource, "state",
				       ha_protected_state_name(vm->state),
				       "order", (json_int_t)vm->order));
	}
	return vms;
}

/* A copy of the protected list. One that is torn is no damage: the other one
 * counts. */
static int
protected_json(struct vmha_area *area, uint32_t copy, json_t *lists,
	       struct ha_err *err)
{
	const struct ha_region *region = &area->layout.protected_list;
	uint32_t n = (uint32_t)(region->blocks / COPIES);
	void *blocks = ha_disk_buffer_new((size_t)n * HA_BLOCK);
	struct ha_protected_list list = {
		.vms = calloc((size_t)area->sb.protected_vms + 1,
			      sizeof(*list.vms)),
	};
	enum ha_block_verdict verdict;
	json_t *json;
	int rc = blocks && list.vms ? 0 : ha_err_set(err, -ENOMEM, "no memory");

	if (rc == 0) {
		rc = vmha_area_read(area, region->first + (uint64_t)copy * n, n,
				    blocks, err);
	}
	if (rc == 0) {
		verdict =
			ha_protected_list_decode(&area->sb, copy, blocks, n,
						 area->sb.protected_vms, &list);
		json = verdict_json(verdict);
		(void)json_object_set_new(json, "copy", json_integer(copy));
		if (verdict == HA_BLOCK_OK) {
			(void)json_object_update_new(
				json,
				json_pack("{s:I, s:I, s:s, s:i, s:o}", "term",
					  (json_int_t)list.term, "generation",
					  (json_int_t)list.generation, "by",
					  area->table.names[list.slot], "count",
					  (int)list.count, "vms",
					  protected_vms_json(&list)));
		}
		(void)json_array_append_new(lists, json);
	}
	free(list.vms);
	ha_disk_buffer_free(blocks);
	return rc;
}

int
dump_collect(struct vmha_area *area, json_t **ret_root, bool *ret_is_damaged,
	     struct ha_err *err)
{
	bool is_damaged = false;
	json_t *slots = json_array();
	json_t *protected_lists = json_array();
	json_t *root = json_pack("{s:s, s:[o, o]}", "path", area->path,
				 "superblocks", verdict_json(area->copies[0]),
				 verdict_json(area->copies[1]));
	int rc = root ? 0 : ha_err_set(err, -ENOMEM, "no memory");

	is_damaged = area->copies[0] != HA_BLOCK_OK ||
		     area->copies[1] != HA_BLOCK_OK;
	if (rc == 0 && area->is_loaded) {
		(void)json_object_set_new(root, "superblock",
					  superblock_json(area));
		(void)json_object_set_new(root, "table",
					  verdict_json(area->table_verdict));
		is_damaged = is_damaged || area->table_verdict != HA_BLOCK_OK;
	}
	for (uint32_t s = 0; rc == 0 && area->is_loaded && s < area->sb.slots;
	     s++) {
		rc = slot_json(area, s, slots, &is_damaged, err);
	}
	for (uint32_t copy = 0; rc == 0 && area->is_loaded && copy < COPIES;
	     copy++) {
		rc = protected_json(area, copy, protected_lists, err);
	}
	if (rc < 0) {
		json_decref(slots);
		json_decref(protected_lists);
		json_decref(root);
		return rc;
	}
	(void)json_object_set_new(root, "slots", slots);
	(void)json_object_set_new(root, "protected", protected_lists);
	*ret_is_damaged = is_damaged;
	*ret_root = root;
	return 0;
}
