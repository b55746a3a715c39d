/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From history and tickets to attempts, and from verdicts to rows that wait.
 * An attempt is a round of Pacemaker's: it has failed when the start has
 * failed and Pacemaker does nothing more about it. A VM that runs is never
 * made to wait, nor is one that Pacemaker has begun to start.
 */
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/restart.h"

#define MS_PER_S 1000u

struct look {
	struct fdm_restart *restart;
	const struct fdm_facts *facts;
	uint64_t now_ms;
	uint64_t live_nodes; /* not those that have just died */
	bool is_working;     /* Pacemaker starts or fences something */
};

static struct fdm_track *
track_of(struct fdm_restart *restart, const char *resource)
{
	struct fdm_track *track =
		g_hash_table_lookup(restart->tracks, resource);

	if (!track) {
		track = g_new0(struct fdm_track, 1);
		g_hash_table_insert(restart->tracks, g_strdup(resource), track);
	}
	return track;
}

/* ---- what has happened --------------------------------------------------- */

static bool
is_running(const struct fdm_track *track, const struct fdm_row *row)
{
	return row ? row->verdict.why == HA_TICKET_RUNS ||
			       (track->is_up && row->verdict.is_granted) :
		     track->is_up;
}

static bool
is_idle(const struct fdm_track *track, const struct fdm_row *row)
{
	return !track->is_busy && !(row && row->is_listed_here);
}

/* What has no gate, Pacemaker starts as it likes. */
static bool
is_granted(const struct fdm_vm *vm, const struct fdm_row *row)
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
	track->attempts = 0;
	track->since_ms = now_ms;
	track->failed_ms = now_ms;
	track->quiet_ms = now_ms;
	track->clean_ms = 0;
}

static void
begin_attempt(struct fdm_track *track, uint32_t attempt, uint64_t now_ms)
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
			begin_attempt(track, attempts, now_ms);
		}
	}
	track->attempts = attempts;
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
			track->granted_ms = now_ms;
		}
		return;
	}
	if (is_granted) {
		track->old_failures = 0; /* they were cleared */
		begin_attempt(track, MAX(attempts, 1), now_ms);
		return;
	}
	if (track->is_starting) {
		track->is_starting = false;
		track->failed_ms = now_ms;
	}
	track->attempts = attempts;
}

/* Has the attempt under way come to nothing? */
static void
watch_attempt(const struct look *look, struct fdm_track *track,
	      const struct fdm_vm *vm, bool idle)
{
	uint64_t quiet_ms;

	if (!track->is_starting) {
		return;
	}
	if (!idle || look->is_working) {
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
	} else if (quiet_ms >= FDM_NO_ROOM_MS) {
		track->has_no_room = true;
	}
}

static void
update_track(const struct look *look, struct fdm_track *track,
	     const struct fdm_vm *vm, const struct fdm_row *row)
{
	bool is_held = row && !row->verdict.is_granted;
	bool runs, is_missing, is_kept;
	bool granted = is_granted(vm, row);

	track->is_up = (vm->up_nodes & look->live_nodes) != 0;
	track->is_busy = (vm->busy_nodes & look->live_nodes) != 0;
	runs = is_running(track, row);
	is_missing = !runs && !is_held && fdm_is_wanted(vm, row);
	if (!track->is_known) {
		track->is_known = true;
		track->is_down = is_missing ||
				 (is_held && !granted && vm->ticket.attempt);
		track->was_granted = granted;
		meet(track, vm, granted, look->now_ms);
	} else if (is_missing && !track->is_down) {
		uint32_t seen = track->attempts;

		begin_incident(track, !track->was_wanted, look->now_ms);
		/* The master knew before that it is free, and let it go. */
		if (granted && vm->ticket.attempt > seen) {
			begin_attempt(track, (uint32_t)vm->ticket.attempt,
				      look->now_ms);
		}
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
		if (!track->was_running) {
			track->runs_since_ms = look->now_ms;
		}
		track->by_user = false;
	} else if (!is_missing && !is_kept) {
		track->attempts = 0;
	}
	if (!is_missing && !is_kept) {
		track->old_failures = vm->failed_starts;
		track->is_down = false;
		track->is_starting = false;
		track->has_no_room = false;
		track->clean_ms = 0;
	}
	take_ticket(track, vm, granted, runs, look->now_ms);
	watch_attempt(look, track, vm, is_idle(track, row));
	track->was_running = runs;
	track->was_wanted = fdm_is_wanted(vm, row);
	track->was_granted = granted;
}

static void
fill(struct ha_restart_vm *one, const struct fdm_track *track,
     const struct fdm_vm *vm, const struct fdm_row *row)
{
	/* What is not managed nobody starts: it must hold up nobody. */
	one->is_wanted = fdm_is_wanted(vm, row) && vm->is_managed &&
			 !(row && !row->verdict.is_granted);
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

/* ---- what follows -------------------------------------------------------- */

/* Old failures would make the next attempt look like a failed one, and keep
 * Pacemaker from making it. */
static bool
is_to_be_cleaned(const struct look *look, struct fdm_track *track,
		 const struct fdm_vm *vm)
{
	if (!vm->has_failures) {
		return false;
	}
	if (track->clean_ms == 0) {
		track->clean_ms = look->now_ms;
	}
	return look->now_ms < track->clean_ms + FDM_CLEANUP_MS;
}

static void
keep_waiting(const struct fdm_track *track, struct fdm_row *row,
	     const struct ha_restart_verdict *verdict)
{
	row->waits = true;
	row->waits_why = verdict->why;
	row->attempt = track->attempts;
	if (verdict->why == HA_RESTART_WAITS_RETRY &&
	    verdict->due_ms != HA_RESTART_NEVER &&
	    verdict->due_ms > track->failed_ms) {
		row->not_before_s =
			(verdict->due_ms - track->failed_ms + MS_PER_S - 1) /
			MS_PER_S;
	}
}

static void
start_it(const struct look *look, struct fdm_track *track,
	 const struct fdm_vm *vm, struct fdm_row *row)
{
	static const struct ha_restart_verdict CLEANING = {
		.why = HA_RESTART_WAITS_RETRY,
		.due_ms = HA_RESTART_NEVER,
	};

	if (is_granted(vm, row)) {
		begin_attempt(track, track->attempts + 1, look->now_ms);
	} else if (vm->ticket.is_there && is_to_be_cleaned(look, track, vm)) {
		keep_waiting(track, row, &CLEANING);
		row->wants_cleanup = true;
	} else {
		row->attempt = track->attempts + 1;
	}
}

static void
make_wait(const struct look *look, struct fdm_track *track,
	  const struct fdm_vm *vm, struct fdm_row *row,
	  const struct ha_restart_verdict *verdict)
{
	if (!row || !row->verdict.is_granted) {
		return;
	}
	if (is_idle(track, row) || !is_granted(vm, row)) {
		keep_waiting(track, row, verdict);
	} else if (track->attempts == 0) {
		/* Pacemaker was faster. */
		begin_attempt(track, 1, look->now_ms);
	}
}

static void
settle(const struct look *look, struct fdm_track *track,
       const struct fdm_vm *vm, struct fdm_row *row,
       const struct ha_restart_verdict *verdict)
{
	uint64_t attempt;

	switch (verdict->why) {
	case HA_RESTART_RUNS:
		if (verdict->is_over) {
			track->attempts = 0;
		}
		break;
	case HA_RESTART_MAY_START:
		start_it(look, track, vm, row);
		break;
	case HA_RESTART_WAITS_PRIORITY:
	case HA_RESTART_WAITS_DEPENDENCY:
	case HA_RESTART_WAITS_RETRY:
	case HA_RESTART_WAITS_SLOT:
	case HA_RESTART_GIVEN_UP:
	case HA_RESTART_IS_DISABLED:
		make_wait(look, track, vm, row, verdict);
		break;
	case HA_RESTART_NOT_WANTED:
		if (row && track->is_down && vm->ticket.is_there) {
			row->is_left = !vm->ticket.is_granted;
		}
		break;
	case HA_RESTART_STARTING:
	case HA_RESTART_NO_ROOM:
	case HA_RESTART_WHY_N:
		break;
	}
	if (!row || row->waits) {
		return;
	}
	/* Where nobody waits for anybody, nobody need know of a first
	 * attempt: a death then costs no ticket. */
	attempt = MAX(row->attempt, track->attempts);
	row->attempt = attempt <= 1 && !look->restart->has_order ? 0 : attempt;
}

static uint32_t
count_live(const struct fdm_snap *snap)
{
	uint32_t count = 0;

	for (guint i = 0; i < snap->hosts->len; i++) {
		count += g_array_index(snap->hosts, struct fdm_host, i)
				 .is_member;
	}
	return MAX(count, 1);
}

/* Pacemaker's word on a node is a moment older than the membership. */
static uint64_t
live_nodes(const struct fdm_facts *facts, const struct fdm_snap *snap)
{
	uint64_t live = 0;

	for (guint i = 0; i < facts->nodes->len; i++) {
		const struct fdm_host *host = fdm_snap_host(
			snap,
			g_array_index(facts->nodes, struct fdm_node, i).name);

		if (!host || host->is_member) {
			live |= UINT64_C(1) << MIN(i, FDM_NODE_BITS - 1);
		}
	}
	return live;
}

static bool
is_working(const struct fdm_facts *facts, uint64_t live)
{
	for (guint i = 0; i < facts->nodes->len; i++) {
		if (g_array_index(facts->nodes, struct fdm_node, i)
			    .is_unclean) {
			return true;
		}
	}
	for (guint i = 0; i < facts->vms->len; i++) {
		const struct fdm_vm *vm =
			&g_array_index(facts->vms, struct fdm_vm, i);

		if ((vm->acting_nodes & live) && !(vm->up_nodes & live)) {
			return true;
		}
	}
	return false;
}

static gboolean
is_gone(gpointer key, gpointer value, gpointer data)
{
	(void)value;
	return !fdm_facts_vm(data, key);
}

typedef void (*each_fn)(struct look *look, guint index, struct fdm_track *track,
			const struct fdm_vm *vm, struct fdm_row *row);

static void
each(struct look *look, GArray *rows, each_fn call)
{
	guint next = 0;

	for (guint i = 0; i < look->facts->vms->len; i++) {
		const struct fdm_vm *vm =
			&g_array_index(look->facts->vms, struct fdm_vm, i);
		struct fdm_row *row = NULL;

		if (next < rows->len &&
		    g_array_index(rows, struct fdm_row, next).vm == vm) {
			row = &g_array_index(rows, struct fdm_row, next++);
		}
		call(look, i, track_of(look->restart, vm->resource), vm, row);
	}
}

static void
look_at(struct look *look, guint index, struct fdm_track *track,
	const struct fdm_vm *vm, struct fdm_row *row)
{
	struct ha_restart_vm *one =
		&g_array_index(look->restart->vms, struct ha_restart_vm, index);

	if (row) {
		row->waits = false;
		row->wants_cleanup = false;
		row->is_left = false;
		row->attempt = 0;
		row->not_before_s = 0;
	}
	update_track(look, track, vm, row);
	fill(one, track, vm, row);
	one->priority = g_array_index(look->restart->priorities,
				      enum ha_restart_priority, index);
	/* What its user starts is no restart. */
	if (one->priority == HA_RESTART_DISABLED && track->by_user) {
		one->priority = HA_RESTART_LOWEST;
	}
	look->restart->has_down = look->restart->has_down || track->is_down;
}

static void
act_on(struct look *look, guint index, struct fdm_track *track,
       const struct fdm_vm *vm, struct fdm_row *row)
{
	settle(look, track, vm, row,
	       &g_array_index(look->restart->verdicts,
			      struct ha_restart_verdict, index));
	/* For whoever asks: an attempt may have begun. */
	fill(&g_array_index(look->restart->vms, struct ha_restart_vm, index),
	     track, vm, row);
}

void
fdm_restart_judge(struct fdm_restart *restart, const struct fdm_facts *facts,
		  const struct fdm_snap *snap, GArray *rows, uint64_t now_ms)
{
	uint64_t live = live_nodes(facts, snap);
	struct look look = { restart, facts, now_ms, live,
			     is_working(facts, live) };
	struct ha_restart_rules rules = restart->rules;
	guint count = facts->vms->len;
	struct ha_restart_work *work =
		g_new0(struct ha_restart_work, count + 1);
	struct ha_restart_sum sum;

	rules.concurrent_max *= count_live(snap);
	restart->has_down = false;
	each(&look, rows, look_at);
	g_array_set_size(restart->verdicts, count);
	sum = ha_restart_judge(
		(const struct ha_restart_vm *)(const void *)restart->vms->data,
		count, &rules, now_ms, restart->memory, work,
		(struct ha_restart_verdict *)(void *)restart->verdicts->data);
	each(&look, rows, act_on);
	(void)g_hash_table_foreach_remove(restart->tracks, is_gone,
					  (gpointer)(uintptr_t)facts);
	restart->due_ms =
		restart->has_down ? now_ms + FDM_RESTART_LOOK_MS : sum.due_ms;
	g_free(work);
}
