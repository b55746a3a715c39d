/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From history and tickets to attempts, and from verdicts to rows that wait.
 * An attempt is a round of Pacemaker's: it has failed when the start has
 * failed and Pacemaker does nothing more about it. A VM that runs is never
 * made to wait, nor is one that Pacemaker has begun to start.
 */
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/restart_track.h"

#define MS_PER_S 1000u

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

/* A host that can't start anything now is none. */
static uint32_t
target_of(const struct fdm_restart_look *look, const struct fdm_vm *vm)
{
	const struct fdm_node *node =
		vm->plan_node ? fdm_facts_node(look->facts, vm->plan_node) :
				NULL;
	guint index;

	if (!node) {
		return HA_RESTART_NO_TARGET;
	}
	index = (guint)(node -
			&g_array_index(look->facts->nodes, struct fdm_node, 0));
	return index < FDM_NODE_BITS &&
			       (look->open_nodes & UINT64_C(1) << index) ?
		       index + 1 :
		       HA_RESTART_NO_TARGET;
}

/* ---- what follows -------------------------------------------------------- */

/* Old failures would make the next attempt look like a failed one, and keep
 * Pacemaker from making it. */
static bool
is_to_be_cleaned(const struct fdm_restart_look *look, struct fdm_track *track,
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
start_it(const struct fdm_restart_look *look, struct fdm_track *track,
	 const struct fdm_vm *vm, struct fdm_row *row)
{
	static const struct ha_restart_verdict CLEANING = {
		.why = HA_RESTART_WAITS_RETRY,
		.due_ms = HA_RESTART_NEVER,
	};

	if (!row || fdm_track_is_granted(vm, row)) {
		fdm_track_begin_attempt(track, track->attempts + 1,
					look->now_ms);
	} else if (vm->ticket.is_there && is_to_be_cleaned(look, track, vm)) {
		keep_waiting(track, row, &CLEANING);
		row->wants_cleanup = true;
	} else {
		row->attempt = track->attempts + 1;
	}
}

/* It failed before this incident wherever it could be started now, or nowhere
 * else has it room: Pacemaker keeps such failures for ever, and starts it
 * nowhere. */
static bool
is_barred(const struct fdm_restart_look *look, const struct fdm_track *track,
	  const struct fdm_vm *vm, const struct fdm_row *row)
{
	return track->is_starting && fdm_track_is_idle(track, row) &&
	       vm->failed_starts != 0 &&
	       vm->failed_starts == track->old_failures &&
	       (track->has_no_room || fdm_track_is_tried_everywhere(look, vm));
}

static void
make_wait(const struct fdm_restart_look *look, struct fdm_track *track,
	  const struct fdm_vm *vm, struct fdm_row *row,
	  const struct ha_restart_verdict *verdict)
{
	if (!row || fdm_row_is_bound(row)) {
		return;
	}
	if (fdm_track_is_idle(track, row) || !fdm_track_is_granted(vm, row)) {
		keep_waiting(track, row, verdict);
	} else if (track->attempts == 0) {
		/* Pacemaker was faster. */
		fdm_track_begin_attempt(track, 1, look->now_ms);
	}
}

bool
fdm_restart_is_kept(const struct fdm_vm *vm)
{
	const struct fdm_ticket *ticket = &vm->ticket;

	return vm->is_off && ticket->is_there && !ticket->is_granted &&
	       strcmp(ticket->state, FDM_STATE_WAITING) == 0 &&
	       (strcmp(ticket->reason,
		       ha_restart_why_name(HA_RESTART_WAITS_DEPENDENCY)) == 0 ||
		strcmp(ticket->reason,
		       ha_restart_why_name(HA_RESTART_WAITS_PRIORITY)) == 0);
}

static void
settle(const struct fdm_restart_look *look, struct fdm_track *track,
       const struct fdm_vm *vm, struct fdm_row *row,
       const struct ha_restart_verdict *verdict)
{
	uint64_t attempt;

	switch (verdict->why) {
	case HA_RESTART_RUNS:
		if (verdict->is_over) {
			fdm_crash_forget(track);
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
		if (row && fdm_restart_is_kept(vm)) {
			row->is_left = true;
		}
		break;
	case HA_RESTART_STARTING:
	case HA_RESTART_NO_ROOM:
		if (row) {
			row->wants_cleanup =
				is_barred(look, track, vm, row) ||
				fdm_room_is_to_be_cleaned(look->restart, track,
							  vm, look->now_ms);
		}
		break;
	case HA_RESTART_WHY_N:
		break;
	}
	if (!row || row->waits) {
		return;
	}
	/* Where nobody waits for anybody, nobody need know of a first
	 * attempt after a death: that then costs no ticket. Of one that has
	 * failed while it is held, the next master must. */
	attempt = MAX(row->attempt, track->attempts);
	row->attempt = attempt <= 1 && !look->restart->has_order &&
				       !track->crash.is_counted &&
				       !fdm_row_is_bound(row) ?
			       0 :
			       attempt;
}

static gboolean
is_gone(gpointer key, gpointer value, gpointer data)
{
	(void)value;
	return !fdm_facts_vm(data, key);
}

typedef void (*each_fn)(struct fdm_restart_look *look, guint index,
			struct fdm_track *track, const struct fdm_vm *vm,
			struct fdm_row *row);

static void
each(struct fdm_restart_look *look, GArray *rows, each_fn call)
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
look_at(struct fdm_restart_look *look, guint index, struct fdm_track *track,
	const struct fdm_vm *vm, struct fdm_row *row)
{
	struct ha_restart_vm *one =
		&g_array_index(look->restart->vms, struct ha_restart_vm, index);

	if (row) {
		row->waits = false;
		row->wants_cleanup = false;
		row->is_left = false;
		row->attempt = 0;
		row->is_crash = false;
		row->not_before_s = 0;
		row->is_foreseen = ha_ticket_is_foreseen(
			&row->verdict, look->snap->is_quorate,
			look->restart->has_order);
	}
	fdm_track_update(look, track, vm, row);
	fdm_room_look_at(look->restart, track, vm);
	fdm_track_fill(one, track, vm, row);
	one->target = target_of(look, vm);
	one->priority = g_array_index(look->restart->priorities,
				      enum ha_restart_priority, index);
	/* What its user starts is no restart; what crashes, Pacemaker restarts
	 * first. */
	if (one->priority == HA_RESTART_DISABLED &&
	    (track->by_user || track->crash.is_counted)) {
		one->priority = HA_RESTART_LOWEST;
	}
	look->restart->has_down = look->restart->has_down || track->is_down;
	look->restart->is_watching =
		look->restart->is_watching ||
		(track->is_starting && !track->has_no_room);
}

static void
act_on(struct fdm_restart_look *look, guint index, struct fdm_track *track,
       const struct fdm_vm *vm, struct fdm_row *row)
{
	settle(look, track, vm, row,
	       &g_array_index(look->restart->verdicts,
			      struct ha_restart_verdict, index));
	if (row) {
		row->is_crash = track->crash.is_counted && row->attempt > 0;
	}
	/* For whoever asks: an attempt may have begun. */
	fdm_track_fill(
		&g_array_index(look->restart->vms, struct ha_restart_vm, index),
		track, vm, row);
}

void
fdm_restart_judge(struct fdm_restart *restart, const struct fdm_facts *facts,
		  const struct fdm_snap *snap, GArray *rows, uint64_t now_ms)
{
	uint64_t live = fdm_restart_live_nodes(facts, snap);
	struct fdm_restart_look look = {
		.restart = restart,
		.facts = facts,
		.snap = snap,
		.now_ms = now_ms,
		.seen_ms = MIN(now_ms, restart->copy_ms),
		.live_nodes = live,
		.open_nodes = fdm_restart_open_nodes(facts, live),
		.is_working = fdm_restart_is_working(facts, live),
	};
	struct ha_restart_rules rules = restart->rules;
	guint count = facts->vms->len;
	struct ha_restart_work *work =
		g_new0(struct ha_restart_work, count + 1);
	struct ha_restart_sum sum;

	rules.per_target_max = rules.concurrent_max;
	rules.concurrent_max *= fdm_restart_count_live(snap);
	fdm_room_look(restart, facts, look.open_nodes);
	restart->has_down = false;
	restart->is_watching = false;
	restart->online_nodes = fdm_restart_online_nodes(facts);
	each(&look, rows, look_at);
	fdm_restart_ready(restart, facts, now_ms);
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
