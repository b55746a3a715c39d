/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmha heartbeat create: what is going to be made, and its steps. */
#ifndef VMHA_CREATE_H
#define VMHA_CREATE_H

#include "look.h"

struct create {
	struct ha_superblock sb; /* store and store_index: each area's own */
	struct ha_layout layout;
	struct ha_slot_table table;
	uint32_t hosts;
	struct ha_uuid store[HA_STORES_MAX];
	struct vmha_look look[HA_STORES_MAX];
	bool is_made[HA_STORES_MAX]; /* the file is this command's */
	uint64_t device[HA_STORES_MAX];
};

/* Changes times as --profile, --beat-ms and the like say, and checks them. */
int vmha_timing_args(const struct vmha *v, struct ha_timing *timing,
		     enum ha_profile *profile, struct ha_err *err);

/* create_write.c: every block of every area, superblocks last. */
int create_write(struct vmha *v, struct create *c);
/* create_tell.c: what was made, warnings, and vmha.conf. */
int create_tell(struct vmha *v, struct create *c);

#endif
