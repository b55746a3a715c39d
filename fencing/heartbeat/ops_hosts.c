/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "status", the hosts: what is known of each of them. Facts are copied under
 * the lock, the JSON is built without it. Shows, decides nothing: the word for
 * a host's state is core/hoststate's.
 */
#include <string.h>

#include "ha/clock.h"
#include "ha/hoststate.h"
#include "ha/text.h"
#include "heartbeat/serve.h"

#define ANSWER_BYTES (HA_IPC_PACKET - 16u * 1024u) /* room for the rest */

/* A host as it was at one moment. */
struct shot {
	struct ha_beat beat;
	struct ha_watch watch;
	struct ha_watch_verdict judged;
	enum ha_block_verdict verdict[HA_STORES_MAX];
	bool has_beat;
	bool has_list;
	bool is_gone;
	bool is_member;
	bool has_state; /* its daemon spoke in this membership */
};

static json_t *
number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static const char *
state_word(const struct shot *shot, const struct ha_timing *timing,
	   uint64_t now_ms)
{
	const struct ha_hoststate_facts facts = {
		.storage = shot->judged,
		.is_gone = shot->is_gone,
		.is_member = shot->is_member,
		.has_state = shot->has_state,
		.is_isolated = (shot->beat.flags & HA_BEAT_ISOLATED) != 0,
		.is_armed = shot->beat.state == HA_BEAT_ARMED,
		.beat_ms = timing->beat_ms,
		.tolerance_ms = timing->tolerance_ms,
		.now_ms = now_ms,
	};

	return ha_hoststate_name(ha_hoststate_judge(&facts));
}

static json_t *
flags_json(uint32_t flags)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} NAMES[] = {
		{ HA_BEAT_QUORATE, "quorate" },
		{ HA_BEAT_MEMBER, "member" },
		{ HA_BEAT_MASTER, "master" },
		{ HA_BEAT_ISOLATED, "isolated" },
		{ HA_BEAT_SEALED, "sealed" },
		{ HA_BEAT_RING_MODE, "ring-mode" },
		{ HA_BEAT_SOFTDOG, "softdog" },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (flags & NAMES[i].bit) {
			(void)json_array_append_new(list,
						    json_string(NAMES[i].name));
		}
	}
	return list;
}

static json_t *
sightings_json(const struct hb *hb, const struct shot *shot, uint64_t now_ms)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < hb->sb.stores; i++) {
		const struct ha_sighting *seen = &shot->watch.at[i];
		bool is_beat =
			seen->is_seen && seen->what.kind == HA_GLIMPSE_BEAT;

		(void)json_array_append_new(
			list,
			json_pack(
				"{s:s, s:I, s:o}", "verdict",
				seen->is_seen ? ha_block_verdict_name(
							shot->verdict[i]) :
						"unread",
				"sequence",
				(json_int_t)(is_beat ? seen->what.sequence : 0),
				"age_ms",
				hbs_age(now_ms, is_beat ? seen->first_ms : 0)));
	}
	return list;
}

static json_t *
host_json(const struct hbs *s, uint32_t slot, const struct shot *shot,
	  uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	const struct ha_beat *beat = &shot->beat;
	const struct ha_watch_verdict *v = &shot->judged;
	char boot_id[HA_UUID_TEXT] = "";
	json_t *host;

	if (shot->has_beat) {
		ha_uuid_format(&beat->boot_id, boot_id);
	}
	host = json_pack(
		"{s:s, s:i, s:b, s:s, s:s, s:o, s:o, s:I, s:s, s:I, s:s, s:s}",
		"name", hb->table.names[slot], "slot", (int)slot, "self",
		slot == hb->self, "state",
		state_word(shot, &hb->sb.timing, now_ms), "proof",
		ha_proof_name(v->proof), "seen_age_ms",
		hbs_age(now_ms, v->since_ms), "due_in_ms",
		v->due_ms > now_ms ? number(v->due_ms - now_ms) : json_null(),
		"incarnation", (json_int_t)v->incarnation, "boot_id", boot_id,
		"sequence", (json_int_t)beat->sequence, "beat_state",
		ha_beat_state_name(beat->state), "evidence",
		ha_beat_evidence_name(beat));
	if (!host) {
		return NULL;
	}
	(void)json_object_set_new(host, "flags", flags_json(beat->flags));
	(void)json_object_set_new(host, "sealed",
				  json_boolean(beat->flags & HA_BEAT_SEALED));
	(void)json_object_set_new(host, "isolated",
				  json_boolean(beat->flags & HA_BEAT_ISOLATED));
	(void)json_object_set_new(host, "master",
				  json_boolean(beat->flags & HA_BEAT_MASTER));
	(void)json_object_set_new(host, "term", number(beat->term));
	(void)json_object_set_new(host, "member",
				  json_boolean(shot->is_member));
	(void)json_object_set_new(host, "gone", json_boolean(shot->is_gone));
	(void)json_object_set_new(
		host, "ring_mode",
		json_boolean(beat->flags & HA_BEAT_RING_MODE));
	(void)json_object_set_new(
		host, "last_member_age_ms",
		hbs_age(now_ms, s->hosts[slot].last_member_ms));
	(void)json_object_set_new(host, "list_count", number(beat->list_count));
	(void)json_object_set_new(host, "list_generation",
				  number(beat->list_generation));
	(void)json_object_set_new(host, "list_read",
				  json_boolean(shot->has_list));
	(void)json_object_set_new(host, "ring_seq", number(beat->ring_seq));
	(void)json_object_set_new(host, "stores_ok", number(beat->stores_ok));
	(void)json_object_set_new(host, "watchdog_ms",
				  number(beat->watchdog_ms));
	(void)json_object_set_new(host, "stores",
				  sightings_json(hb, shot, now_ms));
	return host;
}

/* hb->lock held for the copy. */
static void
take_shot(const struct hbs *s, uint32_t slot, const struct ha_hostset *out,
	  uint64_t now_ms, struct shot *shot)
{
	struct hb *hb = s->hb;
	const struct hb_host *host = &hb->hosts[slot];

	shot->beat = host->beat;
	shot->watch = host->watch;
	memcpy(shot->verdict, host->verdict, sizeof(shot->verdict));
	shot->has_beat = host->has_beat;
	shot->has_list = host->has_list || slot == hb->self;
	shot->judged = hb_judge(hb, slot, 0);
	shot->is_gone = hbs_host_is_gone(s, slot, out, now_ms) ||
			ha_hostset_has(out, slot);
	shot->is_member = s->ring.core.has_membership &&
			  ha_ring_is_member(&s->ring.core, slot);
	shot->has_state = slot == hb->self ||
			  (shot->is_member && s->hosts[slot].state_ring_seq ==
						      s->ring.core.ring_seq);
}

void
hbs_status_hosts(const struct hbs *s, uint32_t from, json_t *answer)
{
	static struct shot shot;
	struct hb *hb = s->hb;
	json_t *hosts = json_array();
	uint64_t now_ms = ha_clock_now_ms();
	struct ha_hostset out;
	size_t used = json_dumpb(answer, NULL, 0, JSON_COMPACT);

	for (uint32_t slot = from; slot < hb->sb.slots; slot++) {
		json_t *host;

		if (!hb->table.names[slot][0]) {
			continue;
		}
		pthread_mutex_lock(&hb->lock);
		hbs_out_of_the_way(s, &out);
		take_shot(s, slot, &out, now_ms, &shot);
		pthread_mutex_unlock(&hb->lock);
		host = host_json(s, slot, &shot, now_ms);
		used += json_dumpb(host, NULL, 0, JSON_COMPACT) + 1;
		if (used > ANSWER_BYTES) {
			json_decref(host);
			(void)json_object_set_new(answer, "next_slot",
						  number(slot));
			break;
		}
		(void)json_array_append_new(hosts, host);
	}
	(void)json_object_set_new(answer, "hosts", hosts);
}
