/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One VM's story, look by look (restart_track.c), for restart.c alone: facts in,
 * the track moves on, and tells what ha_restart_judge() wants to know. Decides
 * nothing about others, and writes nothing.
 */
#ifndef FAULT_DOMAIN_RESTART_TRACK_H
#define FAULT_DOMAIN_RESTART_TRACK_H

#include "FaultDomain/restart.h"

struct fdm_row;

/* One look at all of them. */
struct fdm_restart_look {
	struct fdm_restart *restart;
	const struct fdm_facts *facts;
	const struct fdm_snap *snap;
	uint64_t now_ms;
	uint64_t seen_ms;    /* what is known of Pacemaker is of then */
	uint64_t live_nodes; /* not those that have just died */
	uint64_t open_nodes; /* that may start something */
	bool is_working;     /* Pacemaker starts or fences something */
};

/* Nothing of Pacemaker's or of a list says that it is being started. */
bool fdm_track_is_idle(const struct fdm_track *track,
		       const struct fdm_row *row);
/* By its ticket, as the CIB has it. */
bool fdm_track_is_granted(const struct fdm_vm *vm, const struct fdm_row *row);
void fdm_track_begin_attempt(struct fdm_track *track, uint32_t attempt,
			     uint64_t now_ms);
/* Has a start failed, or was refused, on each host that could make one? */
bool fdm_track_is_tried_everywhere(const struct fdm_restart_look *look,
				   const struct fdm_vm *vm);
/* Takes what is new. */
void fdm_track_update(const struct fdm_restart_look *look,
		      struct fdm_track *track, const struct fdm_vm *vm,
		      const struct fdm_row *row);
void fdm_track_fill(struct ha_restart_vm *one, const struct fdm_track *track,
		    const struct fdm_vm *vm, const struct fdm_row *row);

#endif
