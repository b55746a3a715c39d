/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has happened to one VM, over all looks: when it went down, which attempt
 * to start it is under way, when that has failed. It begins where the ticket
 * stands, so that a new manager goes on with the count of the one before. It
 * must never end an attempt that Pacemaker may still be busy with.
 */
#include "FaultDomain/restart_track.h"

static bool
is_running(const struct fdm_track *track, const struct fdm_row *row)
{
	return row ? row->verdict.why == HA_TICKET_RUNS ||
			       (track->is_up && row->verdict.is_granted) :
		     track->is_up;
}

bool
fdm_track_is_idle(const struct fdm_track *track, const struct fdm_row *row)
{
	return !track->is_busy && !(row && row->is_listed_here);
}

static void
begin_incident(struct fdm_track *track, bool by_user, uint64_t now_ms)
{
	track->is_down = true;
	track->by_user = by_user;
	track->is_starting = false;
	track->has_no_room = false;
	track->attempts = 0;
	track->since_ms = now_ms;
	track->failed_ms = now_ms;
	track->quiet_ms = now_ms;
	track->clean_ms = 0;
}

void
fdm_track_begin(struct fdm_track *track, uint32_t attempt, uint64_t now_ms)
{
	track->is_starting = true;
	track->has_no_room = false;
	track->attempts = attempt;
	track->granted_ms = now_ms;
	track->quiet_ms = now_ms;
	track->clean_ms = 0;
}

/* A master that is new goes on with the count that stands in the ticket. What
 * was off and is to run, its user starts. */
static void
meet(struct fdm_track *track, const struct fdm_vm *vm, bool is_granted,
     uint64_t now_ms)
{
	bool is_held =
		vm->ticket.is_there && !is_granted && !fdm_is_powered_off(vm);
	uint32_t attempts = (uint32_t)MIN(vm->ticket.attempt, UINT32_MAX);

	if (track->is_down) {
		begin_incident(track, attempts == 0 && !is_held, now_ms);
		if (attempts > 0 && !is_held) {
			fdm_track_begin(track, attempts, now_ms);
		}
	}
	track->attempts = attempts;
}

/* Somebody has written the ticket: this vmha-fdmd or another. */
static void
take_ticket(struct fdm_track *track, const struct fdm_vm *vm, bool is_granted,
	    uint64_t now_ms)
{
	uint32_t attempts = (uint32_t)MIN(vm->ticket.attempt, UINT32_MAX);

	if (is_granted == track->was_granted || !track->is_down) {
		return;
	}
	if (is_granted) {
		track->old_failures = 0; /* they were cleared */
		fdm_track_begin(track, MAX(attempts, 1), now_ms);
		return;
	}
	if (track->is_starting) {
		track->is_starting = false;
		track->failed_ms = now_ms;
	}
	track->attempts = attempts;
}

/* Where heartbeatd has refused a start, the master has its failures cleared
 * first (FDM_REFUSED_MS), and then Pacemaker goes on. */
static uint64_t
no_room_ms(const struct fdm_vm *vm)
{
	return FDM_NO_ROOM_MS + (vm->was_refused ? FDM_REFUSED_MS : 0);
}

/* Has the attempt under way come to nothing? Not before its old host is proven
 * dead: until then heartbeatd refuses each start. */
static void
watch_attempt(const struct fdm_look *look, struct fdm_track *track,
	      const struct fdm_vm *vm, const struct fdm_row *row)
{
	bool idle = fdm_track_is_idle(track, row);
	uint64_t quiet_ms;

	if (!track->is_starting) {
		return;
	}
	if (!idle || look->is_working || (row && row->is_foreseen)) {
		track->quiet_ms = look->now_ms;
	}
	quiet_ms = look->now_ms - track->quiet_ms;
	if (!idle) {
		track->has_no_room = false;
	} else if (vm->failed_starts != 0 &&
		   vm->failed_starts != track->old_failures) {
		if (quiet_ms >= FDM_ATTEMPT_QUIET_MS) {
			track->is_starting = false;
			track->has_no_room = false;
			track->failed_ms = look->now_ms;
		}
	} else if (quiet_ms >= no_room_ms(vm)) {
		track->has_no_room = true;
	}
}

void
fdm_track_update(const struct fdm_look *look, struct fdm_track *track,
		 const struct fdm_vm *vm, const struct fdm_row *row)
{
	/* One that is foreseen is judged as if its host were dead. */
	bool is_held = row && fdm_row_is_bound(row);
	bool runs, is_missing;
	bool granted = fdm_track_is_granted(vm, row);

	track->is_up = (vm->up_nodes & look->live_nodes) != 0;
	track->is_busy = (vm->busy_nodes & look->live_nodes) != 0;
	runs = is_running(track, row);
	is_missing = !runs && !is_held && fdm_is_wanted(vm, row);
	if (!track->is_known) {
		track->is_known = true;
		track->is_down = is_missing;
		track->was_granted = granted;
		meet(track, vm, granted, look->now_ms);
	} else if (is_missing && !track->is_down) {
		begin_incident(track, !track->was_wanted, look->now_ms);
	}
	if (runs) {
		if (!track->was_running) {
			track->runs_since_ms = look->now_ms;
		}
		track->by_user = false;
		/* Its host was away for a moment: it was never restarted. */
		if (track->is_foreseen) {
			track->attempts = 0;
		}
	} else if (!is_missing) {
		track->attempts = 0;
	}
	if (!is_missing) {
		track->old_failures = vm->failed_starts;
		track->is_down = false;
		track->is_starting = false;
		track->has_no_room = false;
		track->clean_ms = 0;
	}
	take_ticket(track, vm, granted, look->now_ms);
	watch_attempt(look, track, vm, row);
	track->is_foreseen = row && row->is_foreseen;
	track->was_running = runs;
	track->was_wanted = fdm_is_wanted(vm, row);
	track->was_granted = granted;
}
