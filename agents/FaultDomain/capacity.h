/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This host's capacity for VMs, as utilization of its node (ha/capacity.h).
 * Written by its own manager, with quorum, when it differs.
 */
#ifndef FAULT_DOMAIN_CAPACITY_H
#define FAULT_DOMAIN_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/capacity.h"
#include "ha/err.h"
#include "ha/hostcap.h"

struct fdm;
struct fdm_facts;

struct fdm_capacity {
	struct ha_hostcap has;
	bool is_read;
	uint64_t look_ms;   /* the machine is looked at again */
	uint64_t seen_copy; /* of the CIB, judged with what the machine has */
	uint64_t min_copy;  /* the CIB shows what was written last, then, */
	uint64_t again_ms;  /* or at this time */
	bool is_writing;
	char told_machine[HA_ERR_TEXT]; /* what was logged last */
	char told_by_hand[HA_ERR_TEXT];
};

/* Looks at the machine when that is due, writes what differs. */
void fdm_capacity_tick(struct fdm *fdm, uint64_t now_ms);

/* ---- capacity_xml.c ------------------------------------------------------ */

/* What the host's node says, judged with the overheads that the FaultDomain
 * resource has. False: there is no such node. */
bool fdm_capacity_judge(const struct fdm_facts *facts, const char *host,
			const struct ha_hostcap *has,
			struct ha_capacity *ret_capacity,
			struct ha_capacity_plan *ret_plan);
/* What its node says of HA_CAPACITY_CPU or _MEMORY, whoever wrote it; 0: nothing
 * that can be read. */
uint64_t fdm_capacity_shown(const struct fdm_facts *facts, const char *host,
			    const char *name);
/* For ha_cib_update(), to be freed; sets and pairs that are there keep their
 * ids. The node is there. */
char *fdm_capacity_xml(const struct fdm_facts *facts, const char *host,
		       const struct ha_capacity *capacity,
		       const struct ha_capacity_plan *plan);

#endif
