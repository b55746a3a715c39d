/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "status": everything that people ask about, as described in serve.h. Facts
 * are copied under the lock, the JSON is built without it. Shows, decides
 * nothing.
 */
#include <string.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/serve.h"

static const char *
phase_name(enum hb_phase phase)
{
	switch (phase) {
	case HB_OPENING:
		return "opening";
	case HB_CLAIMING:
		return "claiming";
	case HB_ARMED:
		return "armed";
	case HB_STOPPING:
		return "stopping";
	case HB_STOPPED:
		return "stopped";
	case HB_FAILED:
		break;
	}
	return "failed";
}

static const char *
ring_mode_name(enum ha_ring_mode mode)
{
	switch (mode) {
	case HA_RING_STORAGE:
		return "storage";
	case HA_RING_ANNOUNCED:
		return "announced";
	case HA_RING_LEASED:
		break;
	}
	return "leased";
}

static json_t *
stores_json(const struct hbs *s, uint64_t now_ms)
{
	static struct hb_store_view views[HA_STORES_MAX];
	struct hb *hb = s->hb;
	json_t *list = json_array();

	pthread_mutex_lock(&hb->lock);
	memcpy(views, hb->views, sizeof(views));
	pthread_mutex_unlock(&hb->lock);
	for (uint32_t i = 0; i < hb->conf.stores; i++) {
		const struct hb_store_view *view = &views[i];
		bool shares = false;

		for (uint32_t j = 0; j < hb->conf.stores; j++) {
			shares = shares || (j != i && view->device != 0 &&
					    views[j].device == view->device);
		}
		(void)json_array_append_new(
			list,
			json_pack(
				"{s:i, s:s, s:b, s:b, s:o, s:o, s:I, s:I, "
				"s:I, s:I, s:I, s:s, s:I, s:b}",
				"index", (int)i, "path", hb->conf.store[i],
				"open", view->is_open, "working",
				view->is_working, "read_age_ms",
				hbs_age(now_ms, view->read_ms),
				"written_age_ms",
				hbs_age(now_ms, view->written_ms),
				"write_took_ms",
				(json_int_t)view->write_took_ms, "read_took_ms",
				(json_int_t)view->read_took_ms, "beats",
				(json_int_t)view->beats, "late",
				(json_int_t)view->late, "errors",
				(json_int_t)view->errors, "error", view->error,
				"device", (json_int_t)view->device,
				"shares_device", shares));
	}
	return list;
}

static json_t *
cluster_json(const struct hbs *s)
{
	const struct ha_superblock *sb = &s->hb->sb;
	char uuid[HA_UUID_TEXT];

	ha_uuid_format(&sb->cluster, uuid);
	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:I}", "name",
			 sb->name, "uuid", uuid, "stores", (int)sb->stores,
			 "write_needed", (int)ha_stores_write(sb->stores),
			 "read_needed", (int)ha_stores_read(sb->stores),
			 "slots", (int)sb->slots, "vms", (int)sb->vms,
			 "generation", (json_int_t)sb->generation);
}

static json_t *
timing_json(const struct hbs *s)
{
	const struct ha_superblock *sb = &s->hb->sb;

	return json_pack("{s:s, s:i, s:i, s:i, s:i, s:I}", "profile",
			 ha_profile_name(sb->profile), "beat_ms",
			 (int)sb->timing.beat_ms, "watchdog_ms",
			 (int)sb->timing.watchdog_ms, "tolerance_ms",
			 (int)sb->timing.tolerance_ms, "drift_ppm",
			 (int)sb->timing.drift_ppm, "silence_ms",
			 (json_int_t)ha_timing_silence_ms(&sb->timing));
}

/* What this host's own threads have to tell, at one moment. */
struct self {
	enum hb_phase phase;
	enum ha_beat_state beat_state;
	uint64_t sequence;
	uint32_t flags;
	enum ha_evidence_kind kind;
	uint64_t evidence_ms; /* 0: none */
	uint64_t pet_ms;
	bool is_standing_down, is_reset_ordered;
	uint32_t vms;
	uint64_t generation, flushed;
	bool can_write, can_read;
	bool is_armed; /* the watchdog counts */
	enum ha_seal_why why;
	uint64_t term, master_term;
	uint32_t master; /* slot, or HA_SLOT_NONE */
};

/* hb->lock held. */
static uint64_t
evidence_ms(const struct hb *hb)
{
	uint64_t stamp_ms = 0;

	switch (hb->evidence_kind) {
	case HA_EVIDENCE_RING:
		return hb->ring_evidence_ms;
	case HA_EVIDENCE_LONE:
		return hb->lone_ms;
	case HA_EVIDENCE_STORAGE:
	case HA_EVIDENCE_NONE:
	case HA_EVIDENCE_N:
		break;
	}
	return ha_evidence_stamp(&hb->evidence, &stamp_ms) ? stamp_ms : 0;
}

static void
take_self(struct hbs *s, uint64_t now_ms, struct self *self)
{
	struct hb *hb = s->hb;
	struct ha_fence_facts facts = { .action = HA_FENCE_OFF };

	pthread_mutex_lock(&hb->lock);
	hbs_gather_self(s, now_ms, &facts);
	*self = (struct self){
		.phase = hb->phase,
		.beat_state = hb_beat_state(hb),
		.sequence = hb->sequence,
		.flags = hb->flags,
		.kind = hb->evidence_kind,
		.evidence_ms = evidence_ms(hb),
		.pet_ms = hb->last_pet_ms,
		.is_standing_down = hb->is_standing_down,
		.is_reset_ordered = hb->is_reset_ordered,
		.vms = hb->list.count,
		.generation = hb->list.generation,
		.flushed = ha_evidence_generation(&hb->evidence),
		.is_armed = hb->is_armed,
		.why = hb->seal.why,
		.term = hb->term,
		.master_term = hb->master_term,
		.master = hbs_master_find(s, now_ms),
		.can_write = facts.can_write,
		.can_read = facts.can_read,
	};
	pthread_mutex_unlock(&hb->lock);
}

static json_t *
seal_json(const struct hbs *s, const struct self *self)
{
	bool is_sealed = (self->flags & HA_BEAT_SEALED) != 0;
	/* A store thread has sealed, main has not judged yet. */
	enum ha_seal_why why = is_sealed && self->why == HA_SEAL_OPEN ?
				       HA_SEAL_ORDERED :
				       self->why;

	return json_pack("{s:b, s:s, s:s, s:b, s:I, s:I, s:s?}", "sealed",
			 is_sealed, "seal_why", ha_seal_why_name(why),
			 "seal_text", ha_seal_why_text(why), "isolated",
			 (self->flags & HA_BEAT_ISOLATED) != 0, "term",
			 (json_int_t)self->term, "master_term",
			 (json_int_t)self->master_term, "master",
			 self->master < HA_HOSTS_MAX ?
				 s->hb->table.names[self->master] :
				 NULL);
}

static json_t *
self_json(struct hbs *s, const struct self *self, uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	const struct ha_ring *ring = &s->ring.core;
	char boot_id[HA_UUID_TEXT];
	json_t *json;

	ha_uuid_format(&hb->boot_id, boot_id);
	json = json_pack(
		"{s:s, s:i, s:I, s:s, s:s, s:i, s:s, s:s, s:I, s:s, s:o, s:o}",
		"host", hb->table.names[hb->self], "slot", (int)hb->self,
		"incarnation", (json_int_t)hb->incarnation, "boot_id", boot_id,
		"version", VMHA_VERSION, "pid", (int)getpid(), "phase",
		phase_name(self->phase), "beat_state",
		ha_beat_state_name(self->beat_state), "sequence",
		(json_int_t)self->sequence, "evidence",
		ha_evidence_kind_name(self->kind), "evidence_age_ms",
		hbs_age(now_ms, self->evidence_ms), "pet_age_ms",
		hbs_age(now_ms, self->pet_ms));
	if (!json) {
		return NULL;
	}
	(void)json_object_update_new(
		json, json_pack("{s:b, s:b, s:b, s:I, s:s, s:b, s:b, s:b, s:b}",
				"corosync", s->ring.corosync != NULL, "member",
				ring->has_membership, "quorate",
				ring->has_membership && ring->is_quorate,
				"ring_seq", (json_int_t)ring->ring_seq, "ring",
				ring_mode_name(ring->mode), "standing_down",
				self->is_standing_down, "reset_ordered",
				self->is_reset_ordered, "mlocked",
				hb->is_mlocked, "realtime", hb->is_realtime));
	(void)json_object_update_new(json, seal_json(s, self));
	(void)json_object_update_new(
		json, json_pack("{s:i, s:I, s:b, s:b, s:b}", "vms",
				(int)self->vms, "list_generation",
				(json_int_t)self->generation, "list_flushed",
				self->flushed >= self->generation, "can_write",
				self->can_write, "can_read", self->can_read));
	return json;
}

static json_t *
watchdog_json(const struct hbs *s, const struct self *self)
{
	const struct hb *hb = s->hb;
	const struct ha_watchdog *watchdog = &hb->watchdog;

	return json_pack("{s:s, s:s, s:i, s:i, s:b, s:b}", "path",
			 hb->conf.watchdog, "identity", watchdog->identity,
			 "timeout_ms", (int)watchdog->timeout_ms,
			 "pretimeout_ms", (int)watchdog->pretimeout_ms, "soft",
			 watchdog->is_soft, "armed", self->is_armed);
}

static json_t *
brake_json(const struct hbs *s, uint64_t now_ms)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < HA_BRAKE_KEPT; i++) {
		uint64_t at_ms = s->brake.at_ms[i];

		used += at_ms != 0 && now_ms < at_ms + HA_BRAKE_WINDOW_MS;
	}
	return json_pack("{s:i, s:i, s:b}", "limit", (int)s->brake.limit,
			 "used", (int)used, "full",
			 ha_brake_is_full(&s->brake, now_ms));
}

static json_t *
orders_json(const struct hbs *s, uint64_t now_ms)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < HBS_ORDERS_KEPT; i++) {
		const struct hbs_order *order = &s->orders[i];

		if (order->nonce == 0 || !order->is_open) {
			continue;
		}
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:I, s:o}", "host",
				  s->hb->table.names[order->host], "kind",
				  ha_order_kind_name(order->kind), "nonce",
				  (json_int_t)order->nonce, "age_ms",
				  hbs_age(now_ms, order->given_ms)));
	}
	return list;
}

json_t *
hbs_op_status(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	const json_t *from = json_object_get(request, "from");
	uint64_t now_ms = ha_clock_now_ms();
	json_t *answer = ha_ipc_ok();
	struct self self;
	uint32_t slot = 0;

	(void)client;
	if (!answer) {
		return NULL;
	}
	if (json_is_integer(from) && json_integer_value(from) >= 0 &&
	    json_integer_value(from) < HA_HOSTS_MAX) {
		slot = (uint32_t)json_integer_value(from);
	}
	take_self(s, now_ms, &self);
	(void)json_object_set_new(answer, "cluster", cluster_json(s));
	(void)json_object_set_new(answer, "timing", timing_json(s));
	(void)json_object_set_new(answer, "self", self_json(s, &self, now_ms));
	(void)json_object_set_new(answer, "watchdog", watchdog_json(s, &self));
	(void)json_object_set_new(answer, "stores", stores_json(s, now_ms));
	(void)json_object_set_new(answer, "brake", brake_json(s, now_ms));
	(void)json_object_set_new(answer, "orders", orders_json(s, now_ms));
	hbs_status_hosts(s, slot, answer);
	return answer;
}
