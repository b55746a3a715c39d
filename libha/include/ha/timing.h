/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The times of the storage heartbeat and what follows from them. All hosts
 * use what the superblock says; profiles are where these values come from.
 * SAFETY "Times" and 1.3: B beat, W watchdog timeout, D device tolerance,
 * rho clock-rate bound, T = B + W + D. docs/TIMEOUTS.md shows the sums.
 */
#ifndef HA_TIMING_H
#define HA_TIMING_H

#include <stdint.h>

#include "ha/err.h"

struct ha_timing {
	uint32_t beat_ms;      /* B: from one beat to the next, and the age up
				* to which evidence buys a pet */
	uint32_t watchdog_ms;  /* W: whole seconds, as WDIOC_SETTIMEOUT */
	uint32_t tolerance_ms; /* D: a write that took longer is no evidence */
	uint32_t drift_ppm;    /* rho: how far two clocks' rates may differ */
};

enum ha_profile {
	HA_PROFILE_STANDARD,
	HA_PROFILE_FAST,
	HA_PROFILE_VSPHERE,
	HA_PROFILE_CUSTOM, /* values given one by one */
	HA_PROFILE_N
};

const char *ha_profile_name(enum ha_profile profile);

/* By name; -EINVAL with the list of names. */
int ha_profile_parse(const char *name, enum ha_profile *ret_profile,
		     struct ha_err *err);

/* The values of a profile; NULL for HA_PROFILE_CUSTOM. */
const struct ha_timing *ha_profile_timing(enum ha_profile profile);

/* Inside the ranges and inequalities without which the protocol is unsound
 * or kills hosts for one late beat: D <= B, W >= 2 B + D, W whole seconds.
 * -ERANGE with the sentence that names the value and what would be right. */
int ha_timing_check(const struct ha_timing *timing, struct ha_err *err);

/* T (1 + rho), rounded up: how long the same beat must have been read before
 * its host is proven dead (SAFETY 1.3). */
uint64_t ha_timing_silence_ms(const struct ha_timing *timing);

/* Of n datastores, how many must be written (w) and read (r): w + r > n.
 * n = 0 gives 0. */
uint32_t ha_stores_write(uint32_t n);
uint32_t ha_stores_read(uint32_t n);

#endif
