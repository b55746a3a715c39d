/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha heartbeat list: the areas and, short, who beats on them, from the
 * datastores themselves. One that can't be read has its line, too: nothing
 * is left out because it is broken. A beat is a host's last word, no matter
 * how old: whether the host lives is the daemon's to say, where it answers.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ha/text.h"
#include "area.h"
#include "ask.h"

struct listed {
	struct vmha_areas areas; /* those that can be read */
	uint32_t count;
	const char *path[HA_STORES_MAX];
	struct vmha_area *at[HA_STORES_MAX]; /* NULL: can't be opened */
	struct ha_err err[HA_STORES_MAX];
	json_t *status; /* of this host's daemon, same cluster; else NULL */
};

/* The daemon's word on a host; "?" where there is none. */
static const char *
proof_of(const struct listed *l, const char *name)
{
	const json_t *host;
	size_t i;

	json_array_foreach(json_object_get(l->status, "hosts"), i, host)
	{
		if (strcmp(vmha_text(host, "name"), name) == 0) {
			return vmha_state_word(vmha_text(host, "state"));
		}
	}
	return "?";
}

/* It may be a daemon of other areas than those that are listed. */
static void
ask_daemon(const struct vmha *v, struct listed *l)
{
	char uuid[HA_UUID_TEXT];

	if (l->areas.count == 0 || vmha_ask_status(v, &l->status, NULL) < 0) {
		l->status = NULL;
		return;
	}
	ha_uuid_format(&l->areas.at[0]->sb.cluster, uuid);
	if (strcmp(vmha_text(json_object_get(l->status, "cluster"), "uuid"),
		   uuid) != 0) {
		json_decref(l->status);
		l->status = NULL;
	}
}

static int
read_all(struct vmha *v, struct ha_hbconf *conf, struct listed *l)
{
	int rc = 0;

	l->count = v->args.operands;
	if (l->count == 0) {
		rc = vmha_conf_read(v, conf, &v->err);
		if (rc < 0) {
			return rc;
		}
		l->count = conf->stores;
	}
	for (uint32_t i = 0; i < l->count; i++) {
		l->path[i] =
			v->args.operands ? v->args.operand[i] : conf->store[i];
		if (vmha_area_open(l->path[i], true, &l->at[i], &l->err[i]) <
			    0 ||
		    l->at[i]->verdict != HA_BLOCK_OK) {
			continue;
		}
		if (vmha_area_load(l->at[i], &l->err[i]) < 0) {
			vmha_area_close(l->at[i]);
			l->at[i] = NULL;
			continue;
		}
		l->areas.at[l->areas.count++] = l->at[i];
	}
	return 0;
}

static json_t *
area_json(const struct listed *l, uint32_t i)
{
	const struct vmha_area *area = l->at[i];
	char cluster[HA_UUID_TEXT];
	char store[HA_UUID_TEXT];

	if (!area) {
		return json_pack("{s:s, s:s, s:s}", "path", l->path[i],
				 "verdict", "unreadable", "error",
				 l->err[i].text);
	}
	if (area->verdict != HA_BLOCK_OK) {
		return json_pack("{s:s, s:s, s:s}", "path", l->path[i],
				 "verdict",
				 ha_block_verdict_name(area->verdict), "error",
				 ha_block_verdict_text(area->verdict));
	}
	ha_uuid_format(&area->sb.cluster, cluster);
	ha_uuid_format(&area->sb.store, store);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:s, "
			 "s:i, s:i, s:i, s:I, s:I}",
			 "path", l->path[i], "verdict", "ok", "cluster",
			 area->sb.name, "uuid", cluster, "store", store,
			 "index", (int)area->sb.store_index, "stores",
			 (int)area->sb.stores, "slots", (int)area->sb.slots,
			 "vms", (int)area->sb.vms, "profile",
			 ha_profile_name(area->sb.profile), "beat_ms",
			 (int)area->sb.timing.beat_ms, "watchdog_ms",
			 (int)area->sb.timing.watchdog_ms, "tolerance_ms",
			 (int)area->sb.timing.tolerance_ms, "generation",
			 (json_int_t)area->sb.generation, "bytes",
			 (json_int_t)(area->layout.total_blocks * HA_BLOCK));
}

static void
put_areas(const struct vmha *v, const struct listed *l)
{
	static const char *const TITLES[] = { "AREA",    "CLUSTER", ">NUMBER",
					      "PROFILE", ">SLOTS",  ">SIZE",
					      "STATE",   NULL };
	struct vmha_table table;
	char size[32];

	vmha_table_init(&table, TITLES);
	for (uint32_t i = 0; i < l->count; i++) {
		const struct vmha_area *area = l->at[i];
		bool is_ok = area && area->verdict == HA_BLOCK_OK;

		vmha_table_add(&table, TONE_PLAIN, "%s", l->path[i]);
		if (!is_ok) {
			for (int c = 0; c < 5; c++) {
				vmha_table_add(&table, TONE_DIM, "-");
			}
			vmha_table_add(
				&table, TONE_BAD, "%s%s%s",
				area ? ha_block_verdict_name(area->verdict) :
				       l->err[i].text,
				area ? ": " : "",
				area ? ha_block_verdict_text(area->verdict) :
				       "");
			continue;
		}
		vmha_table_add(&table, TONE_PLAIN, "%s", area->sb.name);
		vmha_table_add(&table, TONE_PLAIN, "%" PRIu32 " of %" PRIu32,
			       area->sb.store_index + 1, area->sb.stores);
		vmha_table_add(&table, TONE_PLAIN, "%s",
			       ha_profile_name(area->sb.profile));
		vmha_table_add(&table, TONE_PLAIN, "%" PRIu32, area->sb.slots);
		vmha_table_add(&table, TONE_PLAIN, "%s",
			       vmha_bytes(area->layout.total_blocks * HA_BLOCK,
					  size, sizeof(size)));
		vmha_table_add(
			&table,
			area->table_verdict == HA_BLOCK_OK ? TONE_GOOD :
							     TONE_BAD,
			"%s%s",
			area->table_verdict == HA_BLOCK_OK ? "" : "slot table ",
			ha_block_verdict_name(area->table_verdict));
	}
	vmha_table_print(&table, &v->screen, stdout);
	vmha_table_done(&table);
}

/* The host's name by the first slot table that can be read. */
static const char *
host_of(const struct listed *l, uint32_t slot)
{
	for (uint32_t i = 0; i < l->areas.count; i++) {
		if (l->areas.at[i]->table_verdict == HA_BLOCK_OK) {
			return l->areas.at[i]->table.names[slot];
		}
	}
	return "";
}

/* Areas on which this slot's block can't be read, "/a torn, /b blank". */
static void
damages(const struct listed *l, uint32_t slot, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (uint32_t i = 0; i < l->areas.count; i++) {
		const struct vmha_area *area = l->areas.at[i];

		if (area->beat_verdict[slot] != HA_BLOCK_OK && used < size) {
			int n = snprintf(buffer + used, size - used, "%s%s %s",
					 used ? ", " : "", area->path,
					 ha_block_verdict_name(
						 area->beat_verdict[slot]));

			used += n > 0 ? (size_t)n : 0;
		}
	}
}

static bool
is_shown(const struct listed *l, uint32_t slot, const char *damaged)
{
	const struct ha_beat *beat = vmha_areas_beat(&l->areas, slot);

	return host_of(l, slot)[0] || damaged[0] ||
	       (beat && beat->incarnation > 0);
}

static json_t *
slot_json(const struct listed *l, uint32_t slot, const char *damaged)
{
	const struct ha_beat *beat = vmha_areas_beat(&l->areas, slot);
	const char *proof = proof_of(l, host_of(l, slot));
	json_t *json =
		json_pack("{s:i, s:s, s:s, s:o}", "slot", (int)slot, "host",
			  host_of(l, slot), "damaged", damaged, "proof",
			  *proof == '?' ? json_null() : json_string(proof));

	if (json && beat) {
		(void)json_object_update_new(
			json,
			json_pack("{s:s, s:I, s:I, s:i}", "state",
				  ha_beat_state_name(beat->state),
				  "incarnation", (json_int_t)beat->incarnation,
				  "sequence", (json_int_t)beat->sequence, "vms",
				  (int)beat->list_count));
	}
	return json;
}

static void
put_slot(struct vmha_table *table, const struct listed *l, uint32_t slot,
	 const char *damaged)
{
	const struct ha_beat *beat = vmha_areas_beat(&l->areas, slot);
	const char *host = host_of(l, slot);
	const char *proof = proof_of(l, host);

	vmha_table_add(table, TONE_PLAIN, "%" PRIu32, slot);
	vmha_table_add(table, host[0] ? TONE_STRONG : TONE_DIM, "%s",
		       host[0] ? host : "(removed)");
	vmha_table_add(table, *proof == '?' ? TONE_DIM : vmha_state_tone(proof),
		       "%s", proof);
	if (beat) {
		vmha_table_add(
			table, TONE_PLAIN, "%s",
			vmha_state_word(ha_beat_state_name(beat->state)));
		vmha_table_add(table, TONE_PLAIN, "%" PRIu64,
			       beat->incarnation);
		vmha_table_add(table, TONE_PLAIN, "%" PRIu64, beat->sequence);
		vmha_table_add(table, TONE_PLAIN, "%" PRIu32, beat->list_count);
	} else {
		for (int c = 0; c < 4; c++) {
			vmha_table_add(table, TONE_DIM, "-");
		}
	}
	vmha_table_add(table, damaged[0] ? TONE_BAD : TONE_PLAIN, "%s",
		       damaged);
}

static int
show(struct vmha *v, const struct listed *l)
{
	static const char *const TITLES[] = {
		">SLOT", "HOST", "STATE",   "LAST WORD", ">INCARNATION",
		">BEAT", ">VMS", "DAMAGED", NULL
	};
	json_t *areas = json_array();
	json_t *slots = json_array();
	char damaged[512];
	struct vmha_table table;

	vmha_table_init(&table, TITLES);
	for (uint32_t i = 0; i < l->count; i++) {
		(void)json_array_append_new(areas, area_json(l, i));
	}
	for (uint32_t s = 0; l->areas.count > 0 && s < l->areas.at[0]->sb.slots;
	     s++) {
		damages(l, s, damaged, sizeof(damaged));
		if (is_shown(l, s, damaged)) {
			put_slot(&table, l, s, damaged);
			(void)json_array_append_new(slots,
						    slot_json(l, s, damaged));
		}
	}
	if (!v->args.is_json) {
		put_areas(v, l);
		putchar('\n');
		vmha_table_print(&table, &v->screen, stdout);
		if (!l->status) {
			puts("\nWhether a host lives is not known: no heartbeat "
			     "daemon of this cluster answers here.");
		}
	}
	vmha_table_done(&table);
	if (v->args.is_json) {
		return vmha_json(v, json_pack("{s:o, s:o}", "areas", areas,
					      "slots", slots));
	}
	json_decref(areas);
	json_decref(slots);
	return VMHA_OK;
}

/* Slots of areas of two clusters mean nothing beside each other. */
static int
check_clusters(struct vmha *v, const struct listed *l)
{
	for (uint32_t i = 1; i < l->areas.count; i++) {
		const struct vmha_area *one = l->areas.at[0];
		const struct vmha_area *it = l->areas.at[i];

		if (memcmp(&one->sb.cluster, &it->sb.cluster,
			   sizeof(it->sb.cluster)) != 0 ||
		    one->sb.slots != it->sb.slots) {
			return ha_err_set(&v->err, -EXDEV,
					  "%s belongs to cluster %s, %s to "
					  "another one, %s: list them one by "
					  "one",
					  one->path, one->sb.name, it->path,
					  it->sb.name);
		}
	}
	return 0;
}

int
vmha_list(struct vmha *v)
{
	static struct listed l;
	static struct ha_hbconf conf;
	int rc = read_all(v, &conf, &l);
	int code;

	if (rc == 0) {
		rc = check_clusters(v, &l);
	}
	if (rc == 0) {
		ask_daemon(v, &l);
	}
	code = rc < 0 ? vmha_fail(v, rc) : show(v, &l);
	if (code == VMHA_OK && l.areas.count < l.count) {
		code = VMHA_FAILED;
	}
	for (uint32_t i = 0; i < l.count; i++) {
		vmha_area_close(l.at[i]);
	}
	json_decref(l.status);
	return code;
}
