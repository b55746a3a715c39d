/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A set of hosts by their slot number (0 to HA_HOSTS_MAX - 1), and the
 * limits that everything about heartbeats shares. Plain values: copied,
 * compared and put on disk without allocation.
 */
#ifndef HA_HOSTSET_H
#define HA_HOSTSET_H

#include <stdbool.h>
#include <stdint.h>

#define HA_HOSTS_MAX 255 /* slots of a cluster; a slot number fits a byte */
#define HA_STORES_MAX 5  /* heartbeat datastores of a cluster */
#define HA_HOST_NAME 64  /* bytes of a host's name, the NUL included */
#define HA_SLOT_NONE 0xffffu

struct ha_hostset {
	uint64_t bits[4];
};

static inline void
ha_hostset_add(struct ha_hostset *set, uint32_t slot)
{
	if (slot < HA_HOSTS_MAX) {
		set->bits[slot / 64] |= UINT64_C(1) << (slot % 64);
	}
}

static inline bool
ha_hostset_has(const struct ha_hostset *set, uint32_t slot)
{
	return slot < HA_HOSTS_MAX &&
	       ((set->bits[slot / 64] >> (slot % 64)) & 1) != 0;
}

#endif
