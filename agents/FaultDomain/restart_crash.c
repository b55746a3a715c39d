/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Crashes on hosts that live, from history to attempts: each vmha-fdmd counts
 * them by itself, and goes on with what stands in the ticket (vmha-attempt,
 * vmha-cause). ha/crash.h decides. Writes nothing: ended.c and the master do.
 */
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/restart.h"

bool
fdm_crash_is_ending(const struct fdm_restart *restart, const struct fdm_vm *vm)
{
	return restart->ending && strcmp(restart->ending, vm->resource) == 0;
}

void
fdm_crash_forget(struct fdm_track *track)
{
	track->attempts = 0;
	track->crash.is_counted = false;
}

/* Nobody let it: Pacemaker was faster, or had no word of the wait. */
void
fdm_crash_is_over(struct fdm_track *track)
{
	if (track->is_down && !track->is_starting && track->crash.is_counted) {
		track->attempts++;
	}
}

/* Its user's word, "vmha vm start": not to wait any longer. */
static bool
is_called(const struct fdm_vm *vm)
{
	const struct fdm_ticket *ticket = &vm->ticket;

	return ticket->is_there && !ticket->is_granted &&
	       strcmp(ticket->state, FDM_STATE_WAITING) == 0 &&
	       strcmp(ticket->reason, FDM_REASON_CALLED) == 0;
}

/* One that runs after a death is still to be ready for those that wait for it.
 * A cleanup starts what crashes had kept down, and no other that is disabled. */
static void
forgive(struct fdm_track *track, bool is_called)
{
	if (!track->is_down && !track->crash.is_counted) {
		return;
	}
	track->by_user = track->is_down && (track->by_user || is_called ||
					    track->crash.is_counted);
	track->is_starting = false;
	track->has_no_room = false;
	fdm_crash_forget(track);
}

void
fdm_crash_look(const struct fdm_restart *restart, struct fdm_track *track,
	       const struct fdm_vm *vm, const struct fdm_row *row,
	       uint64_t live_nodes, uint64_t now_ms)
{
	bool is_ending = fdm_crash_is_ending(restart, vm);
	struct ha_crash_facts facts = {
		.is_wanted = fdm_is_wanted(vm, row) && vm->is_managed &&
			     !(row && !row->verdict.is_granted),
		.is_up = track->is_up,
		.is_fallen = (vm->fallen_nodes & live_nodes) != 0,
		.is_down = track->is_down,
		.is_starting = track->is_starting,
		.is_listed = is_ending || (row && row->is_listed_here),
		.is_granted =
			!row || (vm->ticket.is_there && vm->ticket.is_granted),
		/* An attempt begins with it, or has. */
		.is_cleaning = track->clean_ms != 0 || track->is_starting,
		.hosts = restart->online_nodes,
		.failed_hosts = vm->erred_nodes,
		.acted_hosts = vm->acted_nodes,
		.failures = vm->failed_runs,
	};
	uint32_t used;

	if (!track->is_known) {
		track->attempts = (uint32_t)MIN(vm->ticket.attempt, UINT32_MAX);
		track->crash.is_counted = vm->ticket.is_crash;
	}
	used = ha_crash_attempts(&track->crash, track->attempts);
	switch (ha_crash_step(&track->crash, &facts, now_ms)) {
	case HA_CRASH_FELL:
		track->attempts = used;
		track->crash.is_counted = true;
		if (track->is_starting) {
			track->is_starting = false;
			track->failed_ms = now_ms;
		}
		break;
	case HA_CRASH_CAME_BACK:
		track->attempts = used + 1;
		track->crash.is_counted = true;
		track->runs_since_ms = now_ms;
		break;
	case HA_CRASH_FORGIVEN:
		forgive(track, false);
		break;
	case HA_CRASH_NONE:
		if (is_called(vm)) {
			forgive(track, true);
		}
		break;
	}
}

enum fdm_crash_state
fdm_crash_state(const struct fdm_restart *restart, const char *resource)
{
	const struct fdm_track *track =
		g_hash_table_lookup(restart->tracks, resource);

	if (!track || (track->is_down &&
		       (track->is_starting || !track->crash.is_counted))) {
		return FDM_CRASH_NONE;
	}
	if (track->is_down) {
		return FDM_CRASH_DOWN;
	}
	return track->was_running ? FDM_CRASH_UP : FDM_CRASH_NONE;
}
