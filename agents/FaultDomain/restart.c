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
#include "FaultDomain/restart_track.h"

#define MS_PER_S 1000u

struct fdm_restart *
fdm_restart_new(void)
{
	struct fdm_restart *restart = g_new0(struct fdm_restart, 1);

	restart->vms = g_array_new(FALSE, TRUE, sizeof(struct ha_restart_vm));
	restart->priorities =
		g_array_new(FALSE, TRUE, sizeof(enum ha_restart_priority));
	restart->verdicts =
		g_array_new(FALSE, TRUE, sizeof(struct ha_restart_verdict));
	restart->depends =
		g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	restart->errors = g_ptr_array_new_with_free_func(g_free);
	restart->tracks =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return restart;
}

void
fdm_restart_free(struct fdm_restart *restart)
{
	if (restart) {
		g_array_unref(restart->vms);
		g_array_unref(restart->priorities);
		g_array_unref(restart->verdicts);
		g_ptr_array_unref(restart->depends);
		g_ptr_array_unref(restart->errors);
		g_hash_table_destroy(restart->tracks);
		g_free(restart);
	}
}

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

static void
fill(struct ha_restart_vm *one, const struct fdm_track *track,
     const struct fdm_vm *vm, const struct fdm_row *row)
{
	/* What is not managed nobody starts: it must hold up nobody. */
	one->is_wanted = fdm_is_wanted(vm, row) && vm->is_managed &&
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

/* ---- what follows -------------------------------------------------------- */

/* Old failures would make the next attempt look like a failed one, and keep
 * Pacemaker from making it. */
static bool
is_to_be_cleaned(const struct fdm_look *look, struct fdm_track *track,
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
start_it(const struct fdm_look *look, struct fdm_track *track,
	 const struct fdm_vm *vm, struct fdm_row *row)
{
	static const struct ha_restart_verdict CLEANING = {
		.why = HA_RESTART_WAITS_RETRY,
		.due_ms = HA_RESTART_NEVER,
	};

	if (fdm_track_is_granted(vm, row)) {
		fdm_track_begin(track, track->attempts + 1, look->now_ms);
	} else if (vm->ticket.is_there && is_to_be_cleaned(look, track, vm)) {
		keep_waiting(track, row, &CLEANING);
		row->wants_cleanup = true;
	} else {
		row->attempt = track->attempts + 1;
	}
}

static void
make_wait(const struct fdm_look *look, struct fdm_track *track,
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
		fdm_track_begin(track, 1, look->now_ms);
	}
}

static void
settle(const struct fdm_look *look, struct fdm_track *track,
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

typedef void (*each_fn)(struct fdm_look *look, guint index,
			struct fdm_track *track, const struct fdm_vm *vm,
			struct fdm_row *row);

static void
each(struct fdm_look *look, GArray *rows, each_fn call)
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
look_at(struct fdm_look *look, guint index, struct fdm_track *track,
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
		row->is_foreseen = ha_ticket_is_foreseen(
			&row->verdict, look->snap->is_quorate,
			look->restart->has_order);
	}
	fdm_track_update(look, track, vm, row);
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
act_on(struct fdm_look *look, guint index, struct fdm_track *track,
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
	struct fdm_look look = { restart, facts, snap,
				 now_ms,  live,  is_working(facts, live) };
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
