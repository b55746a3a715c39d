/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has happened to one VM between two looks: is it down, since when, is an
 * attempt to start it under way, has that come to nothing. An attempt is a
 * round of Pacemaker's over all hosts. It must never be given up while
 * Pacemaker may still be at it: what is not known for sure goes on.
 */
#include "FaultDomain/fdm.h"
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

/* What has no gate, Pacemaker starts as it likes. */
bool
fdm_track_is_granted(const struct fdm_vm *vm, const struct fdm_row *row)
{
	return !row || (vm->ticket.is_there && vm->ticket.is_granted);
}

static void
begin_incident(struct fdm_track *track, bool by_user, uint64_t now_ms)
{
	track->is_down = true;
	track->by_user = by_user;
	track->is_starting = false;
	track->has_no_room = false;
	if (!track->crash.has_fallen) {
		fdm_crash_forget(track);
	}
	track->since_ms = now_ms;
	track->failed_ms = now_ms;
	track->quiet_ms = now_ms;
	track->clean_ms = 0;
}

void
fdm_track_begin_attempt(struct fdm_track *track, uint32_t attempt,
			uint64_t now_ms)
{
	track->is_starting = true;
	track->has_no_room = false;
	track->attempts = attempt;
	track->granted_ms = now_ms;
	track->quiet_ms = now_ms;
	track->clean_ms = 0;
}

static void
go_down(struct fdm_track *track, const struct fdm_vm *vm, bool is_granted,
	uint64_t now_ms)
{
	uint32_t seen = track->attempts;

	begin_incident(track, !track->was_wanted || track->is_called_off,
		       now_ms);
	/* The master knew before that it is free, and let it go. */
	if (is_granted && vm->ticket.attempt > MAX(seen, track->told_attempt)) {
		fdm_track_begin_attempt(track, (uint32_t)vm->ticket.attempt,
					now_ms);
	}
}

/* A master that is new goes on with the count that stands in the ticket. What
 * was off and is to run, its user starts. */
static void
meet(struct fdm_track *track, const struct fdm_vm *vm,
     const struct fdm_row *row, bool is_granted, uint64_t now_ms)
{
	bool is_held =
		vm->ticket.is_there && !is_granted && !fdm_is_powered_off(vm);
	uint32_t attempts = (uint32_t)MIN(vm->ticket.attempt, UINT32_MAX);

	if (track->crash.has_fallen) {
		begin_incident(track, false, now_ms);
		return;
	}
	if (track->is_down) {
		bool is_foreseen = row && row->is_foreseen;

		begin_incident(track, attempts == 0 && !is_held && !is_foreseen,
			       now_ms);
		if (attempts > 0 && !is_held) {
			fdm_track_begin_attempt(track, attempts, now_ms);
		}
	}
	track->attempts = attempts;
	track->crash.is_counted = vm->ticket.is_crash;
	if (!track->is_down) {
		/* When it was let go is not known: who waits for it to be ready
		 * begins anew. */
		track->granted_ms = now_ms;
	}
}

/* Somebody has written the ticket: this vmha-fdmd or another. */
static void
take_ticket(struct fdm_track *track, const struct fdm_vm *vm, bool is_granted,
	    bool runs, uint64_t now_ms)
{
	uint32_t attempts = (uint32_t)MIN(vm->ticket.attempt, UINT32_MAX);

	if (is_granted == track->was_granted) {
		return;
	}
	if (!track->is_down) {
		/* Copies of the CIB may be far apart: it was let go and has
		 * come up since the last one. Others wait for it all the same
		 * until it is ready. */
		if (is_granted && runs) {
			track->attempts = attempts;
			track->crash.is_counted = vm->ticket.is_crash;
			track->granted_ms = now_ms;
		}
		return;
	}
	track->crash.is_counted = vm->ticket.is_crash;
	if (is_granted) {
		/* They were cleared; or nobody could, and they are old. */
		track->old_failures = vm->failed_starts;
		fdm_track_begin_attempt(track, MAX(attempts, 1), now_ms);
		return;
	}
	if (track->is_starting) {
		track->is_starting = false;
		track->failed_ms = now_ms;
	}
	track->attempts = attempts;
}

bool
fdm_track_is_tried_everywhere(const struct fdm_restart_look *look,
			      const struct fdm_vm *vm)
{
	return (look->open_nodes & ~vm->failed_nodes) == 0;
}

/* Where heartbeatd has refused a start, the master has its failures cleared
 * first (FDM_REFUSED_MS), and then Pacemaker goes on. */
static uint64_t
no_room_ms(const struct fdm_vm *vm)
{
	return FDM_NO_ROOM_MS + (vm->was_refused ? FDM_REFUSED_MS : 0);
}

/* Has the attempt under way come to nothing? By no more than the newest copy
 * shows: where Pacemaker's daemons are starved it may be many seconds old, and
 * the start on the next host under way. And not before its old host is proven
 * dead: until then heartbeatd refuses each start. */
static void
watch_attempt(const struct fdm_restart_look *look, struct fdm_track *track,
	      const struct fdm_vm *vm, const struct fdm_row *row)
{
	bool idle = fdm_track_is_idle(track, row);
	uint64_t quiet_ms = 0;

	if (vm->failed_starts == 0) {
		track->old_failures = 0;
	}
	if (!track->is_starting) {
		/* Its ticket was taken away while it was being started: that
		 * start goes on, and its wait begins when that has failed. Not
		 * while one that has failed stands there: Pacemaker leaves it
		 * alone until the ticket is back. */
		if ((vm->acting_nodes & look->live_nodes) != 0 &&
		    track->attempts > 0 && !track->crash.is_counted) {
			track->failed_ms = look->now_ms;
		}
		return;
	}
	if (!idle || look->is_working || (row && row->is_foreseen)) {
		track->quiet_ms = look->now_ms;
	}
	if (look->seen_ms > track->quiet_ms) {
		quiet_ms = look->seen_ms - track->quiet_ms;
	}
	if (!idle) {
		track->has_no_room = false;
	} else if (vm->failed_starts != 0 &&
		   vm->failed_starts != track->old_failures) {
		if (quiet_ms >= (fdm_track_is_tried_everywhere(look, vm) ?
					 FDM_ATTEMPT_QUIET_MS :
					 FDM_ATTEMPT_NEXT_MS)) {
			track->is_starting = false;
			track->has_no_room = false;
			track->failed_ms = look->now_ms;
		}
	} else if (quiet_ms >= no_room_ms(vm) && !track->has_no_room) {
		track->has_no_room = true;
		track->pending_ms = track->quiet_ms;
	}
}

/* A start goes on although its ticket is away: another host may have its VM, or
 * Pacemaker had planned it before. Nobody let it go, and nothing would tell of
 * its failure later: it counts, once, and the wait begins with it. Hosts that
 * come and go bring and take failures: those prove nothing. */
static void
count_late_failure(const struct fdm_restart_look *look, struct fdm_track *track,
		   const struct fdm_vm *vm, const struct fdm_row *row)
{
	bool is_away = row && !row->verdict.is_granted;
	bool is_new = vm->failed_starts > track->seen_failures &&
		      track->seen_hosts == look->restart->online_nodes;

	track->seen_failures = vm->failed_starts;
	track->seen_hosts = look->restart->online_nodes;
	if (!is_away || !fdm_is_wanted(vm, row)) {
		track->late_ms = 0;
		track->is_late_counted = false;
	}
	/* Else its count has it, or will: it was let go. */
	if (is_new && (is_away || (track->is_down && track->attempts == 0 &&
				   !fdm_track_is_granted(vm, row)))) {
		track->late_ms = look->now_ms;
	}
	if (track->late_ms == 0 || !fdm_is_wanted(vm, row) ||
	    (is_away && !fdm_row_is_bound(row))) {
		return;
	}
	if (!track->is_down) {
		begin_incident(track, track->by_user, look->now_ms);
	}
	track->attempts += track->is_late_counted ? 0 : 1;
	track->is_late_counted = true;
	track->failed_ms = track->late_ms;
}

static void
take_running(struct fdm_track *track, const struct fdm_vm *vm,
	     const struct fdm_row *row, uint64_t now_ms)
{
	track->told_attempt = vm->ticket.attempt;
	if (!track->was_running) {
		track->runs_since_ms = now_ms;
	}
	track->by_user = false;
	fdm_crash_is_over(track);
	/* Its host was away for a moment: it was never restarted. */
	if (track->is_foreseen && row && row->owner &&
	    row->owner->slot == track->foreseen_slot) {
		fdm_crash_forget(track);
	}
}

/* Stopped and started by its user before its stop has ended: nobody but the one
 * who has seen both words knows that this is no failure. */
static void
look_at_call(const struct fdm_restart_look *look, struct fdm_track *track,
	     const struct fdm_vm *vm)
{
	if (track->is_up && vm->is_off) {
		track->is_called_off = true;
	} else if (track->is_up && vm->acting_nodes == 0 &&
		   !fdm_crash_is_ending(look->restart, vm)) {
		track->is_called_off = false;
	}
}

/* Judged as if its user wanted it again. */
static bool
is_called_again(const struct fdm_restart_look *look, const struct fdm_vm *vm)
{
	return look->restart->is_ending_by_user &&
	       fdm_crash_is_ending(look->restart, vm);
}

void
fdm_track_update(const struct fdm_restart_look *look, struct fdm_track *track,
		 const struct fdm_vm *vm, const struct fdm_row *row)
{
	/* One that is foreseen is judged as if its host were dead. */
	bool is_held = row && fdm_row_is_bound(row);
	bool runs, is_missing, is_kept;
	bool granted = fdm_track_is_granted(vm, row);

	track->is_up = (vm->up_nodes & look->live_nodes) != 0;
	/* What its host's agent says to have ended is not busy any more. */
	track->is_busy = (vm->busy_nodes & look->live_nodes) != 0 &&
			 !fdm_crash_is_ending(look->restart, vm);
	fdm_crash_look(look->restart, track, vm, row, look->live_nodes,
		       look->now_ms);
	look_at_call(look, track, vm);
	runs = is_running(track, row) && !track->crash.has_fallen &&
	       !is_called_again(look, vm);
	track->is_to_run = fdm_is_wanted(vm, row) || is_called_again(look, vm);
	is_missing = !runs && !is_held && track->is_to_run;
	if (!track->is_known) {
		track->is_known = true;
		track->told_attempt = vm->ticket.attempt;
		track->is_down = is_missing ||
				 (is_held && !granted && vm->ticket.attempt);
		track->was_granted = granted;
		meet(track, vm, row, granted, look->now_ms);
	} else if (is_missing && !track->is_down) {
		go_down(track, vm, granted, look->now_ms);
	}
	if (is_held && track->is_starting) {
		/* Its host has gone meanwhile, which costs no attempt. */
		track->is_starting = false;
		track->attempts -= track->attempts > 0 ? 1 : 0;
	}
	/* It was down already, and somebody may have it: what was counted
	 * counts on when that is over. */
	is_kept = is_held && track->is_down && track->attempts > 0;
	if (runs) {
		take_running(track, vm, row, look->now_ms);
	} else if (!is_missing && !is_kept) {
		fdm_crash_forget(track);
	}
	if (!is_missing && !is_kept) {
		track->old_failures = vm->failed_starts;
		track->is_down = false;
		track->is_starting = false;
		track->has_no_room = false;
		track->clean_ms = 0;
	}
	take_ticket(track, vm, granted, runs, look->now_ms);
	count_late_failure(look, track, vm, row);
	watch_attempt(look, track, vm, row);
	track->is_foreseen = row && row->is_foreseen;
	if (track->is_foreseen && row->owner) {
		track->foreseen_slot = row->owner->slot;
	}
	track->was_running = runs;
	track->was_wanted = fdm_is_wanted(vm, row);
	track->was_granted = granted;
}

void
fdm_track_fill(struct ha_restart_vm *one, const struct fdm_track *track,
	       const struct fdm_vm *vm, const struct fdm_row *row)
{
	/* What is not managed nobody starts: it must hold up nobody. */
	one->is_wanted = track->is_to_run && vm->is_managed &&
			 !(row && fdm_row_is_bound(row));
	one->is_running = track->was_running;
	one->is_starting =
		one->is_wanted && track->is_starting && !track->has_no_room;
	one->has_room = !track->has_no_room;
	one->attempts =
		track->attempts - (track->has_no_room && track->attempts > 0);
	one->runs_since_ms = track->runs_since_ms;
	one->granted_ms = track->granted_ms;
	one->failed_ms = track->failed_ms;
	one->since_ms = track->since_ms;
}
