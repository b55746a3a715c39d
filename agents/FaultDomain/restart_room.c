/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pending placement: VMs that are granted and that no host has room for.
 * Pacemaker tries them again by itself with each run of its scheduler, and any
 * change of capacity is one; except on a host where it keeps a failure. So it
 * is seen here when there may be more room, and such failures are cleared then,
 * and no more often. It costs no attempt. Decides nothing else.
 */
#include "FaultDomain/fdm.h"

void
fdm_room_look(struct fdm_restart *restart, const struct fdm_facts *facts,
	      uint64_t open_nodes)
{
	if ((open_nodes & ~restart->open_nodes) != 0 ||
	    facts->utilization != restart->utilization) {
		restart->rooms++;
	}
	restart->open_nodes = open_nodes;
	restart->utilization = facts->utilization;
}

void
fdm_room_look_at(struct fdm_restart *restart, struct fdm_track *track,
		 const struct fdm_vm *vm)
{
	if ((track->seen_nodes & ~vm->busy_nodes & restart->open_nodes) != 0) {
		restart->rooms++;
	}
	track->seen_nodes = vm->busy_nodes;
}

bool
fdm_room_is_to_be_cleaned(const struct fdm_restart *restart,
			  struct fdm_track *track, const struct fdm_vm *vm,
			  uint64_t now_ms)
{
	if (!track->has_no_room ||
	    (vm->erred_nodes & restart->open_nodes) == 0) {
		return false;
	}
	/* A start has just failed: that counts as an attempt. */
	if (vm->failed_starts != 0 &&
	    vm->failed_starts != track->old_failures) {
		return false;
	}
	if (track->clean_ms == 0 || track->seen_rooms != restart->rooms) {
		track->clean_ms = now_ms;
		track->seen_rooms = restart->rooms;
	}
	/* A probe may fail again and again: not for ever. */
	return now_ms < track->clean_ms + FDM_CLEANUP_MS;
}

uint64_t
fdm_room_pending_ms(const struct fdm_restart *restart,
		    const struct fdm_facts *facts, guint index)
{
	const struct fdm_track *track;

	if (index >= restart->verdicts->len || index >= facts->vms->len ||
	    g_array_index(restart->verdicts, struct ha_restart_verdict, index)
			    .why != HA_RESTART_NO_ROOM) {
		return 0;
	}
	track = g_hash_table_lookup(
		restart->tracks,
		g_array_index(facts->vms, struct fdm_vm, index).resource);
	return track ? MAX(track->pending_ms, 1) : 0;
}
