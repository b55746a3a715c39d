/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM has crashed, and Pacemaker's stop of what is left is about to succeed on
 * this host: then its next start is under way at once, by a plan that has read
 * the ticket long before. So the agent asks here first. If the VM has crashed
 * too often, its ticket is revoked while the stop is still under way: that ends
 * the plan, and the next one finds the VM stopped (SAFETY 21: it is proven gone
 * and off the list). The same where its user has stopped it and it would have to
 * wait for others: he may start it before it counts as powered off. In doubt,
 * without a master or quorum, and for all else (moves, too) the answer is: it
 * may start. A VM must never stay down for this.
 */
#include <errno.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"
#include "ha/text.h"

/* An answer that is owed. */
struct fdm_end {
	struct fdm *fdm;
	uint32_t client;
	bool has_client;
	bool is_writing;
	bool is_gone;         /* it ended before anybody stopped it */
	uint64_t deadline_ms; /* for the CIB to say that it has crashed */
	char resource[HA_RESOURCE_NAME];
};

static void
answer_end(struct fdm_end *end, int kept)
{
	json_t *answer = ha_ipc_ok();

	(void)json_object_set_new(answer, "kept", json_integer(kept));
	if (end->has_client) {
		end->has_client = false;
		fdm_server_answer(end->fdm, end->client, answer);
	} else {
		json_decref(answer);
	}
	(void)g_ptr_array_remove_fast(end->fdm->ends, end);
}

static void
on_kept(void *data, int code, const char *why)
{
	if (code < 0) {
		fdm_log(FDM_LOG_CIB_FAILED, why);
	}
	answer_end(data, code == 0);
}

static uint64_t
self_bit(const struct fdm *fdm)
{
	for (guint i = 0; i < fdm->facts->nodes->len; i++) {
		if (strcmp(g_array_index(fdm->facts->nodes, struct fdm_node, i)
				   .name,
			   fdm->snap->self) == 0) {
			return fdm_node_bit(i);
		}
	}
	return 0;
}

/* It stops by its user's word, who may have taken that back meanwhile. */
static bool
is_called_off(const struct fdm *fdm, const struct fdm_vm *vm)
{
	const struct fdm_track *track =
		g_hash_table_lookup(fdm->restart->tracks, vm->resource);

	return vm->is_off || (track && track->is_called_off);
}

/* Nothing of it is left or under way but the stop that asks. */
static bool
is_ours_alone(const struct fdm *fdm, const struct fdm_vm *vm,
	      const struct fdm_row *row)
{
	return vm->is_managed && vm->ticket.is_there && vm->ticket.is_granted &&
	       !((vm->busy_nodes | vm->up_nodes) & ~self_bit(fdm)) && row &&
	       (vm->is_off || fdm_is_wanted(vm, row)) &&
	       row->gate == HA_PROTECT_OPEN &&
	       (row->verdict.why == HA_TICKET_RUNS ||
		(row->verdict.is_granted && !row->is_listed_here));
}

/* Of a crash its retry counts, else its turn. */
static bool
is_to_wait(const struct fdm_row *row, bool by_user)
{
	if (!row->waits) {
		return false;
	}
	return by_user ? row->waits_why == HA_RESTART_WAITS_DEPENDENCY ||
				 row->waits_why == HA_RESTART_WAITS_PRIORITY :
			 row->is_crash &&
				 (row->waits_why == HA_RESTART_WAITS_RETRY ||
				  row->waits_why == HA_RESTART_GIVEN_UP);
}

/* Its row, as if it were off the list already; NULL: it does not wait. What was
 * made up of its user's word then leaves no trace: nothing has begun. */
static const struct fdm_row *
judge_without(struct fdm *fdm, const struct fdm_vm *vm, GArray *rows,
	      bool by_user, uint64_t now_ms)
{
	struct fdm_row *found = NULL;
	struct fdm_track *track =
		g_hash_table_lookup(fdm->restart->tracks, vm->resource);
	struct fdm_track before =
		track ? *track : (struct fdm_track){ .attempts = 0 };

	for (guint i = 0; i < rows->len; i++) {
		struct fdm_row *row = &g_array_index(rows, struct fdm_row, i);

		if (row->vm == vm) {
			found = row;
			row->is_listed_here = false;
			row->verdict.is_granted = true;
			row->verdict.why = HA_TICKET_FREE;
		}
	}
	fdm_protect_judge(fdm->protect, fdm->facts, rows, now_ms);
	fdm_admit_rows(fdm, rows);
	fdm->restart->ending = vm->resource;
	fdm->restart->is_ending_by_user = by_user;
	fdm_restart_judge(fdm->restart, fdm->facts, fdm->snap, rows, now_ms);
	fdm->restart->is_ending_by_user = false;
	fdm->restart->ending = NULL;
	found = found && is_to_wait(found, by_user) ? found : NULL;
	if (!found && by_user && track) {
		*track = before;
	}
	return found;
}

static void
keep(struct fdm_end *end, const struct fdm_vm *vm, uint64_t term, bool by_user,
     uint64_t now_ms)
{
	struct fdm *fdm = end->fdm;
	GArray *rows = fdm_project(fdm->facts, fdm->snap);
	const struct fdm_row *row =
		judge_without(fdm, vm, rows, by_user, now_ms);
	GString *xml;

	if (!row) {
		g_array_unref(rows);
		answer_end(end, 0);
		return;
	}
	xml = fdm_tickets_begin();
	fdm_tickets_add(xml, row, term);
	fdm_tickets_end(xml);
	fdm_grant_tell_wait(fdm, row, now_ms);
	end->is_writing = true;
	ha_cib_update(fdm->cib, xml->str, on_kept, end);
	(void)g_string_free(xml, TRUE);
	g_array_unref(rows);
}

static void
look_end(struct fdm_end *end, uint64_t now_ms)
{
	struct fdm *fdm = end->fdm;
	const struct fdm_host *master =
		fdm_has_snap(fdm, now_ms) && fdm_has_facts(fdm) && fdm->rows &&
				fdm->snap->is_quorate &&
				fdm->facts->have_quorum ?
			fdm_snap_master(fdm->snap) :
			NULL;
	const struct fdm_vm *vm =
		master ? fdm_facts_vm(fdm->facts, end->resource) : NULL;

	if (!vm || !is_ours_alone(fdm, vm, fdm_row_find(fdm, end->resource))) {
		answer_end(end, 0);
		return;
	}
	if (is_called_off(fdm, vm)) {
		if (fdm->restart->has_order) {
			keep(end, vm, master->term, true, now_ms);
		} else {
			answer_end(end, 0);
		}
		return;
	}
	switch (fdm_crash_state(fdm->restart, end->resource)) {
	case FDM_CRASH_DOWN:
		keep(end, vm, master->term, false, now_ms);
		break;
	case FDM_CRASH_UP:
		if (!end->is_gone || now_ms >= end->deadline_ms) {
			answer_end(end, 0);
		}
		break;
	case FDM_CRASH_NONE:
		answer_end(end, 0);
		break;
	}
}

void
fdm_ended_tick(struct fdm *fdm, uint64_t now_ms)
{
	for (guint i = fdm->ends->len; i > 0; i--) {
		struct fdm_end *end = g_ptr_array_index(fdm->ends, i - 1);

		if (!end->is_writing) {
			look_end(end, now_ms);
		}
	}
}

void
fdm_ended_cancel(struct fdm *fdm, uint32_t client)
{
	for (guint i = 0; i < fdm->ends->len; i++) {
		struct fdm_end *end = g_ptr_array_index(fdm->ends, i);

		if (end->client == client) {
			end->has_client = false;
		}
	}
}

json_t *
fdm_op_ended(struct fdm *fdm, uint32_t client, const json_t *request)
{
	const char *resource =
		json_string_value(json_object_get(request, "resource"));
	uint64_t now_ms = ha_clock_now_ms();
	struct fdm_end *end = g_new0(struct fdm_end, 1);

	if (!resource || !resource[0] ||
	    ha_text_copy(end->resource, sizeof(end->resource), resource) < 0) {
		g_free(end);
		return fdm_failed(-EINVAL, "the request names no resource");
	}
	end->fdm = fdm;
	end->client = client;
	end->has_client = true;
	end->is_gone = json_is_true(json_object_get(request, "gone"));
	end->deadline_ms = now_ms + FDM_BACK_MS;
	g_ptr_array_add(fdm->ends, end);
	look_end(end, now_ms);
	return NULL;
}
