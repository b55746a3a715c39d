/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check: datastores and their areas, times, slots and the hosts in them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static void
check_number(struct check *c, const struct ha_superblock *sb)
{
	uint32_t n = sb->stores;

	if (c->conf.stores != n) {
		check_add(c, CHECK_BAD, "datastores", "as in the superblock",
			  "name all areas of this cluster in vmha.conf, the "
			  "same on every host",
			  "%" PRIu32 " in vmha.conf, %" PRIu32
			  " in the superblock",
			  c->conf.stores, n);
	} else {
		check_add(c, CHECK_OK, "datastores", "as in the superblock", "",
			  "%" PRIu32, n);
	}
	if (n < 3 || n % 2 == 0) {
		check_add(c, CHECK_WARN, "redundancy", "3 or 5 datastores",
			  n == 1 ? "its loss ends fencing by heartbeat and "
				   "every start; create three" :
				   "one lost makes a host's death unknowable "
				   "or brings nothing; create three",
			  "%" PRIu32 ": %" PRIu32 " must be written, %" PRIu32
			  " read",
			  n, ha_stores_write(n), ha_stores_read(n));
	} else {
		check_add(c, CHECK_OK, "redundancy", "3 or 5 datastores", "",
			  "%" PRIu32 ", %" PRIu32 " may be lost", n,
			  n - ha_stores_write(n));
	}
}

static void
check_pair(struct check *c, const struct vmha_area *a,
	   const struct vmha_area *b)
{
	if (a->sb.store_index == b->sb.store_index) {
		check_add(c, CHECK_BAD, "datastore", "each area once",
			  "name it once in vmha.conf (--fix)",
			  "%s and %s are one area", a->path, b->path);
	}
	if (memcmp(&a->sb.timing, &b->sb.timing, sizeof(a->sb.timing)) != 0 ||
	    a->sb.slots != b->sb.slots || a->sb.vms != b->sb.vms) {
		check_add(c, CHECK_BAD, "superblocks", "the same on all",
			  "stop vmha-heartbeatd on all hosts, then check --fix",
			  "%s and %s have different times or sizes", a->path,
			  b->path);
	}
	if (a->table_verdict == HA_BLOCK_OK &&
	    b->table_verdict == HA_BLOCK_OK &&
	    memcmp(&a->table, &b->table, sizeof(a->table)) != 0) {
		check_add(c, CHECK_BAD, "slot tables", "the same on all",
			  "check --fix writes the newest to all",
			  "%s and %s differ", a->path, b->path);
	}
}

static void
check_blocks(struct check *c, const struct vmha_area *area)
{
	for (uint32_t i = 0; i < 2; i++) {
		if (area->copies[i] != HA_BLOCK_OK) {
			check_add(c, CHECK_BAD, "superblock", "both sound",
				  "check --fix writes it from the other",
				  "%s: %s is %s", area->path,
				  i ? "the copy" : "the first",
				  ha_block_verdict_name(area->copies[i]));
		}
	}
	if (area->table_verdict != HA_BLOCK_OK) {
		check_add(c, CHECK_BAD, "slot table", "sound",
			  "check --fix writes it from another area", "%s: %s",
			  area->path,
			  ha_block_verdict_name(area->table_verdict));
	}
	for (uint32_t s = 0; s < area->sb.slots; s++) {
		if (area->beat_verdict[s] != HA_BLOCK_OK) {
			check_add(c, CHECK_WARN, "beat", "sound",
				  "its host mends it with its next beat; one "
				  "that stays needs a look at the storage",
				  "%s: slot %" PRIu32 " %s is %s", area->path,
				  s, area->table.names[s],
				  ha_block_verdict_name(area->beat_verdict[s]));
		}
	}
}

/* One line for all that share a device. */
static void
check_devices(struct check *c)
{
	const char *path[HA_STORES_MAX];
	uint64_t device[HA_STORES_MAX];
	char shared[512];

	for (uint32_t i = 0; i < c->areas.count; i++) {
		path[i] = c->areas.at[i]->path;
		device[i] = ha_disk_device(c->areas.at[i]->disk);
	}
	for (uint32_t i = 0; i < c->areas.count; i++) {
		if (vmha_sharing(path, device, c->areas.count, i, shared,
				 sizeof(shared))) {
			check_add(c, CHECK_WARN, "devices",
				  "one for each datastore",
				  "they fail together: put them on different "
				  "storage",
				  "one for %s", shared);
		}
	}
}

void
check_stores(struct check *c)
{
	const struct ha_superblock *sb = check_sb(c);

	if (c->has_conf && c->conf.stores == 0) {
		check_add(c, CHECK_BAD, "datastores", "1 to 5",
			  "name the areas that vmha heartbeat create made",
			  "none in vmha.conf");
	}
	if (!sb) {
		return;
	}
	check_number(c, sb);
	check_devices(c);
	for (uint32_t i = 0; i < c->areas.count; i++) {
		check_blocks(c, c->areas.at[i]);
		for (uint32_t j = 0; j < i; j++) {
			check_pair(c, c->areas.at[j], c->areas.at[i]);
		}
	}
}

void
check_timing(struct check *c)
{
	const struct ha_superblock *sb = check_sb(c);
	struct ha_err err = HA_ERR_INIT;
	char dead[32];

	if (!sb) {
		return;
	}
	if (ha_timing_check(&sb->timing, &err) < 0) {
		check_add(c, CHECK_BAD, "times", "D <= B, W >= 2 B + D",
			  err.text,
			  "beat %" PRIu32 ", watchdog %" PRIu32
			  ", tolerance %" PRIu32 " ms",
			  sb->timing.beat_ms, sb->timing.watchdog_ms,
			  sb->timing.tolerance_ms);
		return;
	}
	check_add(c, CHECK_OK, "times", "D <= B, W >= 2 B + D", "",
		  "%s: beat %" PRIu32 ", watchdog %" PRIu32
		  ", tolerance %" PRIu32 " ms; dead after %s",
		  ha_profile_name(sb->profile), sb->timing.beat_ms,
		  sb->timing.watchdog_ms, sb->timing.tolerance_ms,
		  vmha_span(ha_timing_silence_ms(&sb->timing), dead,
			    sizeof(dead)));
}
