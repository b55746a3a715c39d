/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between restart.c, which judges all VMs, and restart_track.c, which follows
 * each of them.
 */
#ifndef FAULT_DOMAIN_RESTART_TRACK_H
#define FAULT_DOMAIN_RESTART_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/restart.h"

struct fdm_look {
	struct fdm_restart *restart;
	const struct fdm_facts *facts;
	const struct fdm_snap *snap;
	uint64_t now_ms;
	uint64_t live_nodes; /* not those that have just died */
	bool is_working;     /* Pacemaker starts or fences something */
};

/* `row`: NULL where the VM has no gate. */
void fdm_track_update(const struct fdm_look *look, struct fdm_track *track,
		      const struct fdm_vm *vm, const struct fdm_row *row);
void fdm_track_begin(struct fdm_track *track, uint32_t attempt,
		     uint64_t now_ms);
/* Pacemaker does nothing for it, and no member lists it. */
bool fdm_track_is_idle(const struct fdm_track *track,
		       const struct fdm_row *row);
/* By the CIB. What has no gate, Pacemaker starts as it likes. */
static inline bool
fdm_track_is_granted(const struct fdm_vm *vm, const struct fdm_row *row)
{
	return !row || (vm->ticket.is_there && vm->ticket.is_granted);
}

#endif
