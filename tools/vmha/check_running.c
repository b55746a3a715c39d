/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: what this host's daemon runs with against what vmha.conf and the
 * superblock say now. A change that was written and not loaded shows here,
 * not at the next failure.
 */
#include <inttypes.h>
#include <string.h>

#include "ask.h"
#include "check.h"

#define RESTART                                                          \
	"restart vmha-heartbeatd here, with the VMs moved away, or set " \
	"vmha.conf back"

static bool
has_store(const struct ha_hbconf *conf, const char *path)
{
	for (uint32_t i = 0; i < conf->stores; i++) {
		if (strcmp(conf->store[i], path) == 0) {
			return true;
		}
	}
	return false;
}

static unsigned int
check_stores_of(struct check *c)
{
	const json_t *stores = json_object_get(c->status, "stores");
	const json_t *store;
	unsigned int wrong = 0;
	size_t i;

	json_array_foreach(stores, i, store)
	{
		if (!has_store(&c->conf, vmha_text(store, "path"))) {
			wrong++;
			check_add(c, CHECK_BAD, "running daemon",
				  "as vmha.conf says", RESTART,
				  "it uses datastore %s, which vmha.conf does "
				  "not name",
				  vmha_text(store, "path"));
		}
	}
	if (wrong == 0 && json_array_size(stores) != c->conf.stores) {
		wrong++;
		check_add(c, CHECK_BAD, "running daemon", "as vmha.conf says",
			  RESTART,
			  "it uses %zu of the %" PRIu32
			  " datastores of vmha.conf",
			  json_array_size(stores), c->conf.stores);
	}
	return wrong;
}

static unsigned int
check_limits(struct check *c)
{
	const json_t *watchdog = json_object_get(c->status, "watchdog");
	int64_t limit =
		vmha_number(json_object_get(c->status, "brake"), "limit");
	unsigned int wrong = 0;

	if (strcmp(vmha_text(watchdog, "path"), c->conf.watchdog) != 0) {
		wrong++;
		check_add(c, CHECK_BAD, "running daemon", "as vmha.conf says",
			  RESTART, "it uses watchdog %s, vmha.conf says %s",
			  vmha_text(watchdog, "path"), c->conf.watchdog);
	}
	if (limit != (int64_t)c->conf.fence_limit) {
		wrong++;
		check_add(c, CHECK_WARN, "running daemon", "as vmha.conf says",
			  "systemctl reload vmha-heartbeatd",
			  "it has fence_limit=%" PRId64
			  ", vmha.conf says %" PRIu32,
			  limit, c->conf.fence_limit);
	}
	return wrong;
}

static unsigned int
check_times_of(struct check *c)
{
	const json_t *timing = json_object_get(c->status, "timing");
	const struct ha_superblock *sb = check_sb(c);

	if (!sb ||
	    (vmha_number(timing, "beat_ms") == sb->timing.beat_ms &&
	     vmha_number(timing, "watchdog_ms") == sb->timing.watchdog_ms &&
	     vmha_number(timing, "tolerance_ms") == sb->timing.tolerance_ms)) {
		return 0;
	}
	check_add(c, CHECK_BAD, "running daemon", "times of the superblock",
		  "restart vmha-heartbeatd on every host: hosts of different "
		  "times take each other for dead",
		  "it beats with %" PRId64 "/%" PRId64 "/%" PRId64
		  " ms, the superblock says %" PRIu32 "/%" PRIu32 "/%" PRIu32,
		  vmha_number(timing, "beat_ms"),
		  vmha_number(timing, "watchdog_ms"),
		  vmha_number(timing, "tolerance_ms"), sb->timing.beat_ms,
		  sb->timing.watchdog_ms, sb->timing.tolerance_ms);
	return 1;
}

void
check_running(struct check *c)
{
	unsigned int wrong;

	if (!c->has_conf || !c->status) {
		return;
	}
	wrong = check_stores_of(c);
	wrong += check_limits(c);
	wrong += check_times_of(c);
	if (wrong == 0) {
		check_add(c, CHECK_OK, "running daemon", "as vmha.conf says",
			  "", "datastores, watchdog, limits and times agree");
	}
}
