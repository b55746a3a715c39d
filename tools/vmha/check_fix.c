/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check --fix: mends what can be mended without a guess, and nothing while
 * it could hurt a running host: superblocks and slot tables only when no
 * host beats, vmha.conf only when every area is known. Each change is said.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "create.h"

static void change(struct check *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
change(struct check *c, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)json_array_append_new(c->changes, json_string(text));
}

/* Datastores in the order of the areas, each once. */
static int
fix_conf(struct check *c)
{
	const struct ha_superblock *sb = check_sb(c);
	const char *stores[HA_STORES_MAX] = { NULL };
	uint32_t have = 0;
	bool is_same = true;
	int rc;

	for (uint32_t i = 0; i < c->areas.count; i++) {
		const struct vmha_area *area = c->areas.at[i];

		if (!stores[area->sb.store_index]) {
			stores[area->sb.store_index] = area->path;
			have++;
		}
	}
	if (!c->is_all_open || have != sb->stores) {
		return 0; /* which path is missing is not known */
	}
	for (uint32_t i = 0; i < have; i++) {
		is_same = is_same && strcmp(stores[i], c->conf.store[i]) == 0;
	}
	if (is_same && c->conf.stores == have) {
		return 0;
	}
	rc = vmha_conf_write(c->v, stores, have, &c->v->err);
	if (rc == 0) {
		change(c,
		       "%s: %" PRIu32
		       " datastores, each area once, in their order",
		       c->v->args.conf, have);
	}
	return rc;
}

static const struct ha_slot_table *
newest_table(const struct check *c)
{
	const struct vmha_area *best = NULL;

	for (uint32_t i = 0; i < c->areas.count; i++) {
		const struct vmha_area *area = c->areas.at[i];

		if (area->table_verdict == HA_BLOCK_OK &&
		    (!best || area->sb.generation > best->sb.generation)) {
			best = area;
		}
	}
	return best ? &best->table : NULL;
}

/* What every area should say: the newest, with the times that were asked
 * for. Returns whether any area says something else. */
static bool
is_different(const struct check *c, const struct ha_superblock *want,
	     const struct ha_slot_table *table)
{
	bool is_any = false;

	for (uint32_t i = 0; i < c->areas.count; i++) {
		const struct vmha_area *area = c->areas.at[i];

		is_any = is_any || area->copies[0] != HA_BLOCK_OK ||
			 area->copies[1] != HA_BLOCK_OK ||
			 area->table_verdict != HA_BLOCK_OK ||
			 area->sb.profile != want->profile ||
			 memcmp(&area->sb.timing, &want->timing,
				sizeof(want->timing)) != 0 ||
			 memcmp(&area->table, table, sizeof(*table)) != 0;
	}
	return is_any;
}

static int
write_all(struct check *c, const struct ha_superblock *want,
	  const struct ha_slot_table *table)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < c->areas.count; i++) {
		struct vmha_area *area = c->areas.at[i];

		area->sb.timing = want->timing;
		area->sb.profile = want->profile;
		area->sb.generation = want->generation + 1;
		area->table = *table;
		area->table_verdict = HA_BLOCK_OK;
		rc = vmha_area_write_table(area, &c->v->err);
		if (rc == 0) {
			rc = vmha_area_write_sb(area, &c->v->err);
		}
		if (rc == 0) {
			change(c,
			       "%s: superblock and slot table written, profile "
			       "%s (beat %" PRIu32 ", watchdog %" PRIu32
			       ", tolerance %" PRIu32 " ms)",
			       area->path, ha_profile_name(want->profile),
			       want->timing.beat_ms, want->timing.watchdog_ms,
			       want->timing.tolerance_ms);
		}
	}
	return rc;
}

static int
fix_superblocks(struct check *c)
{
	struct ha_superblock want = *check_sb(c);
	const struct ha_slot_table *table = newest_table(c);
	static struct ha_slot_table copy;
	struct ha_hostset live;
	struct ha_hostset none = { { 0 } };
	char names[256];
	int rc;

	if (!table) {
		return ha_err_set(&c->v->err, -EIO,
				  "no slot table can be read on any area: "
				  "create them again");
	}
	/* Looking for live hosts reads all tables anew. */
	copy = *table;
	rc = vmha_timing_args(c->v, &want.timing, &want.profile, &c->v->err);
	if (rc < 0) {
		return rc;
	}
	if (!is_different(c, &want, &copy)) {
		return 0;
	}
	rc = vmha_areas_live(&c->areas, &live, &c->v->err);
	if (rc < 0) {
		return rc;
	}
	if (memcmp(&live, &none, sizeof(live)) != 0) {
		return ha_err_set(
			&c->v->err, -EBUSY,
			"superblocks are not written while hosts beat "
			"(%s): their watchdogs run by the old times. "
			"Stop vmha-heartbeatd on all hosts first",
			vmha_areas_names(&c->areas, &live, names,
					 sizeof(names)));
	}
	return write_all(c, &want, &copy);
}

static int
fix_slots(struct check *c)
{
	int rc = 0;

	for (uint32_t i = 0; c->has_cluster && rc == 0 && i < c->cluster.nodes;
	     i++) {
		const char *name = c->cluster.node[i].name;
		uint32_t slot;

		if (!name[0] || ha_slot_find(&c->areas.at[0]->table, name) !=
					HA_SLOT_NONE) {
			continue;
		}
		rc = vmha_slot_give(&c->areas, name, false, &slot, &c->v->err);
		if (rc == 0) {
			change(c, "%s: slot %" PRIu32 " on %" PRIu32 " areas",
			       name, slot, c->areas.count);
		}
	}
	return rc;
}

/* Slots of another cluster's areas are none of this one's business. */
static bool
is_ours(const struct check *c)
{
	return c->has_cluster &&
	       strcmp(c->cluster.cluster_name, check_sb(c)->name) == 0;
}

int
check_fix(struct check *c)
{
	int rc = 0;

	if (c->areas.count == 0) {
		return ha_err_set(&c->v->err, -ENODATA,
				  "--fix needs areas that can be read; none of "
				  "%s can",
				  c->v->args.conf);
	}
	for (uint32_t i = 0; rc == 0 && i < c->areas.count; i++) {
		rc = vmha_area_may_write(c->areas.at[i], &c->v->err);
	}
	if (rc == 0) {
		rc = fix_conf(c);
	}
	/* A change reaches all areas, or none. */
	if (rc == 0 && !c->is_all_open) {
		return ha_err_set(&c->v->err, -EIO,
				  "areas are not changed while one of them "
				  "can't be read");
	}
	if (rc == 0 && c->conf.stores < check_sb(c)->stores) {
		return ha_err_set(&c->v->err, -ENODATA,
				  "areas are not changed: %" PRIu32
				  " of %" PRIu32 " are named in %s, and the "
				  "paths of the others are not known",
				  c->conf.stores, check_sb(c)->stores,
				  c->v->args.conf);
	}
	if (rc == 0) {
		rc = fix_superblocks(c);
	}
	return rc == 0 && is_ours(c) ? fix_slots(c) : rc;
}
