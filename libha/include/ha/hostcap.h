/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this machine has: CPU cycles and memory, from sysfs and procfs, where
 * libvirt's nodeinfo takes them from too. Files of the kernel alone: no wait
 * on any disk or daemon. What is added or taken away shows in the next call.
 */
#ifndef HA_HOSTCAP_H
#define HA_HOSTCAP_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/err.h"

struct ha_hostcap {
	uint32_t cores;     /* online; threads of one core are one */
	uint64_t cpu_mhz;   /* of all cores; 0: no frequency is told */
	uint64_t memory_mb; /* MiB: MemTotal */
	/* The frequency is that of this moment, for want of another: the next
	 * reading may tell another one of the same CPUs. */
	bool is_unsteady;
};

/* `root` stands before all paths; "" but for tests. 0; -ENODATA or what
 * open() says, with a sentence. */
int ha_hostcap_read(const char *root, struct ha_hostcap *ret_cap,
		    struct ha_err *err);

#endif
