/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The times of the storage heartbeat: profiles, the ranges and inequalities
 * without which the protocol is unsound or kills hosts for one late beat,
 * and what follows from them (SAFETY "Times", 1.3). Never lets a timing pass
 * that it can't vouch for: the superblock is judged by this as well.
 */
#include "ha/timing.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define BEAT_MIN_MS 200u
#define BEAT_MAX_MS 10000u
#define WATCHDOG_MIN_MS 1000u
#define WATCHDOG_MAX_MS 60000u
#define WATCHDOG_STEP_MS 1000u /* WDIOC_SETTIMEOUT counts whole seconds */
#define TOLERANCE_MIN_MS 100u
#define DRIFT_MAX_PPM 10000u
#define PPM 1000000u

static const struct {
	const char *name;
	struct ha_timing timing;
} PROFILES[HA_PROFILE_N] = {
	[HA_PROFILE_STANDARD] = { "standard", { 1000, 4000, 1000, 1000 } },
	[HA_PROFILE_FAST] = { "fast", { 500, 2000, 500, 1000 } },
	[HA_PROFILE_VSPHERE] = { "vsphere", { 2000, 14000, 2000, 1000 } },
	[HA_PROFILE_CUSTOM] = { "custom", { 0, 0, 0, 0 } },
};

const char *
ha_profile_name(enum ha_profile profile)
{
	return (unsigned int)profile < HA_PROFILE_N ? PROFILES[profile].name :
						      "unknown";
}

int
ha_profile_parse(const char *name, enum ha_profile *ret_profile,
		 struct ha_err *err)
{
	for (unsigned int i = 0; i < HA_PROFILE_N; i++) {
		if (strcmp(name, PROFILES[i].name) == 0) {
			*ret_profile = (enum ha_profile)i;
			return 0;
		}
	}
	return ha_err_set(err, -EINVAL,
			  "profile \"%s\" is not known: use standard, fast, "
			  "vsphere or custom",
			  name);
}

const struct ha_timing *
ha_profile_timing(enum ha_profile profile)
{
	if ((unsigned int)profile >= HA_PROFILE_CUSTOM) {
		return NULL;
	}
	return &PROFILES[profile].timing;
}

static int
check_range(const char *name, const char *unit, uint32_t value, uint32_t min,
	    uint32_t max, struct ha_err *err)
{
	if (value >= min && value <= max) {
		return 0;
	}
	return ha_err_set(err, -ERANGE,
			  "%s = %u %s is out of range: use %u to %u %s", name,
			  value, unit, min, max, unit);
}

int
ha_timing_check(const struct ha_timing *timing, struct ha_err *err)
{
	uint32_t least_ms;
	int code;

	code = check_range("beat_ms", "ms", timing->beat_ms, BEAT_MIN_MS,
			   BEAT_MAX_MS, err);
	if (code == 0) {
		code = check_range("watchdog_ms", "ms", timing->watchdog_ms,
				   WATCHDOG_MIN_MS, WATCHDOG_MAX_MS, err);
	}
	if (code == 0) {
		/* SAFETY 1.1: evidence older than B buys no pet, so a D above
		 * B would count writes for nothing. */
		code = check_range("tolerance_ms", "ms", timing->tolerance_ms,
				   TOLERANCE_MIN_MS, timing->beat_ms, err);
	}
	if (code == 0) {
		code = check_range("drift_ppm", "ppm", timing->drift_ppm, 0,
				   DRIFT_MAX_PPM, err);
	}
	if (code < 0) {
		return code;
	}
	if (timing->watchdog_ms % WATCHDOG_STEP_MS != 0) {
		return ha_err_set(
			err, -ERANGE,
			"watchdog_ms = %u ms is not in whole seconds, as "
			"watchdogs count them: use %u or %u ms",
			timing->watchdog_ms,
			timing->watchdog_ms / WATCHDOG_STEP_MS *
				WATCHDOG_STEP_MS,
			(timing->watchdog_ms / WATCHDOG_STEP_MS + 1) *
				WATCHDOG_STEP_MS);
	}
	/* With one beat lost, pets are up to 2 B + D apart. */
	least_ms = 2 * timing->beat_ms + timing->tolerance_ms;
	if (timing->watchdog_ms < least_ms) {
		return ha_err_set(
			err, -ERANGE,
			"watchdog_ms = %u ms would reset a healthy host for "
			"one lost beat: use at least 2 beat_ms + tolerance_ms, "
			"in whole seconds %u ms",
			timing->watchdog_ms,
			(least_ms + WATCHDOG_STEP_MS - 1) / WATCHDOG_STEP_MS *
				WATCHDOG_STEP_MS);
	}
	return 0;
}

/* SAFETY 1.3: T = B + W + D, measured on a clock that may run rho faster
 * than the other host's. */
uint64_t
ha_timing_silence_ms(const struct ha_timing *timing)
{
	uint64_t t_ms = (uint64_t)timing->beat_ms + timing->watchdog_ms +
			timing->tolerance_ms;

	return (t_ms * (PPM + (uint64_t)timing->drift_ppm) + PPM - 1) / PPM;
}

/* SAFETY "Times": 1: 1/1, 2: 1/2, 3: 2/2, 5: 3/3. */
uint32_t
ha_stores_write(uint32_t n)
{
	return (n + 1) / 2;
}

uint32_t
ha_stores_read(uint32_t n)
{
	return n == 0 ? 0 : n + 1 - ha_stores_write(n);
}
