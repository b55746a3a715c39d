/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All areas of a cluster together: that they belong together, the newest
 * beat of a host, and who writes there right now.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/text.h"
#include "area.h"

/* Beyond a beat and a tolerance: the reads themselves. */
#define LIVE_EXTRA_MS 200u

void
vmha_areas_close(struct vmha_areas *areas)
{
	for (uint32_t i = 0; i < areas->count; i++) {
		vmha_area_close(areas->at[i]);
	}
	areas->count = 0;
}

static int
check_together(const struct vmha_areas *areas, bool is_complete,
	       struct ha_err *err)
{
	const struct vmha_area *one = areas->at[0];

	for (uint32_t i = 0; i < areas->count; i++) {
		const struct vmha_area *it = areas->at[i];

		if (it->verdict != HA_BLOCK_OK) {
			return vmha_area_refuse(it, err);
		}
		if (memcmp(&it->sb.cluster, &one->sb.cluster,
			   sizeof(it->sb.cluster)) != 0) {
			return ha_err_set(err, -EXDEV,
					  "%s belongs to cluster %s, %s to "
					  "cluster %s: name areas of one "
					  "cluster",
					  one->path, one->sb.name, it->path,
					  it->sb.name);
		}
		for (uint32_t j = 0; j < i; j++) {
			if (areas->at[j]->sb.store_index ==
			    it->sb.store_index) {
				return ha_err_set(err, -EEXIST,
						  "%s and %s are one and the "
						  "same area (number %" PRIu32
						  "); name it once",
						  areas->at[j]->path, it->path,
						  it->sb.store_index + 1);
			}
		}
	}
	if (is_complete && areas->count != one->sb.stores) {
		return ha_err_set(err, -ERANGE,
				  "cluster %s has %" PRIu32
				  " heartbeat areas, %" PRIu32
				  " are named; a change must reach all of them",
				  one->sb.name, one->sb.stores, areas->count);
	}
	return 0;
}

int
vmha_areas_open(struct vmha *v, uint32_t first, bool is_read_only,
		bool is_complete, struct vmha_areas *ret_areas)
{
	struct vmha_areas areas = { 0 };
	struct ha_hbconf conf;
	uint32_t given = v->args.operands - first;
	int rc = 0;

	if (given == 0) {
		rc = vmha_conf_read(v, &conf, &v->err);
		if (rc == 0 && conf.stores == 0) {
			rc = ha_err_set(&v->err, -EINVAL,
					"%s names no datastores; give their "
					"paths",
					v->args.conf);
		}
	}
	for (uint32_t i = 0; rc == 0 && i < (given ? given : conf.stores);
	     i++) {
		const char *path =
			given ? v->args.operand[first + i] : conf.store[i];

		rc = vmha_area_open(path, is_read_only, &areas.at[i], &v->err);
		areas.count += rc == 0;
	}
	if (rc == 0) {
		rc = check_together(&areas, is_complete, &v->err);
	}
	for (uint32_t i = 0; rc == 0 && i < areas.count; i++) {
		rc = is_read_only ? 0 :
				    vmha_area_may_write(areas.at[i], &v->err);
		if (rc == 0) {
			rc = vmha_area_load(areas.at[i], &v->err);
		}
	}
	if (rc < 0) {
		vmha_areas_close(&areas);
		return rc;
	}
	*ret_areas = areas;
	return 0;
}

void
vmha_areas_watch(const struct vmha_areas *areas, uint32_t slot,
		 struct ha_watch *ret_watch)
{
	uint32_t stores = 0;

	for (uint32_t i = 0; i < areas->count; i++) {
		/* One that can't be read says 0. */
		stores = areas->at[i]->sb.stores > stores ?
				 areas->at[i]->sb.stores :
				 stores;
	}
	ha_watch_init(ret_watch, stores);
	for (uint32_t i = 0; i < areas->count; i++) {
		const struct vmha_area *area = areas->at[i];
		struct ha_glimpse glimpse;

		if (slot < area->sb.slots) {
			ha_beat_glimpse(
				area->beat_verdict[slot], &area->beat[slot],
				area->raw + (size_t)slot * HA_BLOCK, &glimpse);
			ha_watch_read(ret_watch, i, &glimpse, 0, 0);
		}
	}
}

const struct ha_beat *
vmha_areas_last(const struct vmha_areas *areas, uint32_t slot)
{
	const struct ha_beat *best = NULL;

	for (uint32_t i = 0; i < areas->count; i++) {
		const struct vmha_area *area = areas->at[i];
		const struct ha_beat *beat = &area->beat[slot];

		if (slot >= area->sb.slots ||
		    area->beat_verdict[slot] != HA_BLOCK_OK) {
			continue;
		}
		if (!best || beat->incarnation > best->incarnation ||
		    (beat->incarnation == best->incarnation &&
		     beat->sequence > best->sequence)) {
			best = beat;
		}
	}
	return best;
}

const struct ha_beat *
vmha_areas_beat(const struct vmha_areas *areas, uint32_t slot)
{
	struct ha_watch watch;
	uint32_t store;

	vmha_areas_watch(areas, slot, &watch);
	return ha_watch_newest(&watch, &store) ? &areas->at[store]->beat[slot] :
						 vmha_areas_last(areas, slot);
}

/* A host that is proven not to write: its last beat says so. */
static bool
is_quiet(const struct vmha_area *area, uint32_t slot)
{
	return area->beat_verdict[slot] == HA_BLOCK_OK &&
	       (area->beat[slot].state == HA_BEAT_UNCLAIMED ||
		area->beat[slot].state == HA_BEAT_STOPPED);
}

static bool
is_worth_waiting(const struct vmha_areas *areas, uint64_t *ret_wait_ms)
{
	bool is_worth = false;

	*ret_wait_ms = 0;
	for (uint32_t i = 0; i < areas->count; i++) {
		const struct vmha_area *area = areas->at[i];
		uint64_t ms = (uint64_t)area->sb.timing.beat_ms +
			      area->sb.timing.tolerance_ms + LIVE_EXTRA_MS;

		*ret_wait_ms = ms > *ret_wait_ms ? ms : *ret_wait_ms;
		for (uint32_t slot = 0; slot < area->sb.slots; slot++) {
			is_worth = is_worth || !is_quiet(area, slot);
		}
	}
	return is_worth;
}

static int
compare(struct vmha_area *area, const uint8_t *before, struct ha_hostset *live,
	struct ha_err *err)
{
	int rc = vmha_area_load(area, err);

	for (uint32_t slot = 0; rc == 0 && slot < area->sb.slots; slot++) {
		size_t at = (size_t)slot * HA_BLOCK;

		if (memcmp(before + at, area->raw + at, HA_BLOCK) != 0) {
			ha_hostset_add(live, slot);
		}
	}
	return rc;
}

int
vmha_areas_live(struct vmha_areas *areas, struct ha_hostset *ret_live,
		struct ha_err *err)
{
	uint8_t *before[HA_STORES_MAX] = { NULL };
	struct ha_hostset live = { { 0 } };
	uint64_t wait_ms;
	int rc = 0;

	if (!is_worth_waiting(areas, &wait_ms)) {
		*ret_live = live;
		return 0;
	}
	for (uint32_t i = 0; rc == 0 && i < areas->count; i++) {
		size_t bytes =
			areas->at[i]->layout.beats.blocks * (size_t)HA_BLOCK;

		before[i] = malloc(bytes);
		if (before[i]) {
			memcpy(before[i], areas->at[i]->raw, bytes);
		} else {
			rc = ha_err_set(err, -ENOMEM, "no memory");
		}
	}
	if (rc == 0) {
		vmha_step("waiting for beats on", areas->at[0]->path,
			  wait_ms * 2);
		ha_clock_sleep_ms(wait_ms, ha_clock_now_ms() + wait_ms);
	}
	for (uint32_t i = 0; rc == 0 && i < areas->count && before[i]; i++) {
		rc = compare(areas->at[i], before[i], &live, err);
	}
	for (uint32_t i = 0; i < HA_STORES_MAX; i++) {
		free(before[i]);
	}
	if (rc == 0) {
		*ret_live = live;
	}
	return rc;
}

/* A host's name: of the table, else of its beat, else its slot. */
static void
name_of(const struct vmha_areas *areas, uint32_t slot, char *ret_name,
	size_t size)
{
	for (uint32_t i = 0; i < areas->count; i++) {
		const char *name = areas->at[i]->table.names[slot];

		if (*name) {
			(void)ha_text_copy(ret_name, size, name);
			return;
		}
	}
	snprintf(ret_name, size, "slot %" PRIu32, slot);
}

const char *
vmha_areas_names(const struct vmha_areas *areas, const struct ha_hostset *set,
		 char *buffer, size_t size)
{
	char name[HA_HOST_NAME];
	size_t used = 0;

	buffer[0] = '\0';
	for (uint32_t slot = 0; slot < HA_HOSTS_MAX && used < size; slot++) {
		int n;

		if (!ha_hostset_has(set, slot)) {
			continue;
		}
		name_of(areas, slot, name, sizeof(name));
		n = snprintf(buffer + used, size - used, "%s%s",
			     used ? ", " : "", name);
		used += n > 0 ? (size_t)n : 0;
	}
	return buffer;
}

bool
vmha_sharing(const char *const *path, const uint64_t *device, uint32_t count,
	     uint32_t first, char *buffer, size_t size)
{
	size_t used = 0;
	uint32_t sharing = 0;

	buffer[0] = '\0';
	for (uint32_t i = 0; i < count && used < size; i++) {
		int n;

		if (device[i] != device[first]) {
			continue;
		}
		if (i < first) {
			return false;
		}
		n = snprintf(buffer + used, size - used, "%s%s",
			     sharing ? ", " : "", path[i]);
		used += n > 0 ? (size_t)n : 0;
		sharing++;
	}
	return sharing > 1;
}

const char *
vmha_beat_flags(uint32_t flags, char *buffer, size_t size)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} NAMES[] = {
		{ HA_BEAT_MEMBER, "member" },
		{ HA_BEAT_QUORATE, "quorate" },
		{ HA_BEAT_MASTER, "master" },
		{ HA_BEAT_ISOLATED, "isolated" },
		{ HA_BEAT_SEALED, "sealed" },
		{ HA_BEAT_RING_MODE, "ring-mode" },
		{ HA_BEAT_SOFTDOG, "softdog" },
	};
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if ((flags & NAMES[i].bit) && used < size) {
			int n = snprintf(buffer + used, size - used, "%s%s",
					 used ? "," : "", NAMES[i].name);

			used += n > 0 ? (size_t)n : 0;
		}
	}
	return buffer;
}
