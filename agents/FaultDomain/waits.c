/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restart order and retries in the daemon: when rows are judged, what
 * fence_vmha asks before it says that a host is dead, and tickets that wait
 * while nobody is left who could grant them. A ticket that waits binds nobody:
 * the VM lists are the lock (SAFETY 12), so to grant one is never unsafe, and
 * to keep one back without a master would leave a VM down (SAFETY 23).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"
#include "ha/lapse.h"

/* An answer that is owed while its update is under way. */
struct fdm_back {
	struct fdm *fdm;
	uint32_t client;
	bool has_client;
	bool is_writing;
	uint64_t deadline_ms; /* for a master to be there */
	uint32_t kept;
	char host[HA_HOST_NAME];
};

void
fdm_waits_configure(struct fdm *fdm)
{
	const GPtrArray *errors = fdm->restart->errors;
	const char *first;

	fdm_restart_configure(fdm->restart, fdm->facts, fdm->copy_ms);
	first = errors->len > 0 ? g_ptr_array_index(errors, 0) : "";
	if (strncmp(first, fdm->restart_told, sizeof(fdm->restart_told) - 1)) {
		for (guint i = 0; i < errors->len; i++) {
			fdm_log(FDM_LOG_RESTART_POLICY,
				(const char *)g_ptr_array_index(errors, i));
		}
		g_strlcpy(fdm->restart_told, first, sizeof(fdm->restart_told));
	}
}

void
fdm_waits_look(struct fdm *fdm, uint64_t now_ms, bool is_news)
{
	if (fdm->rows && (is_news || now_ms >= fdm->restart->due_ms)) {
		bool is_done;

		fdm_protect_judge(fdm->protect, fdm->facts, fdm->rows, now_ms);
		is_done = fdm_admit_look(fdm, now_ms);
		fdm_restart_judge(fdm->restart, fdm->facts, fdm->snap,
				  fdm->rows, now_ms);
		if (!is_done) {
			fdm->restart->due_ms = now_ms;
		}
	}
}

/* ---- tickets that nobody would grant ------------------------------------- */

static bool
lapses(const struct fdm *fdm, const struct fdm_vm *vm, bool is_last)
{
	const struct fdm_row *row = fdm_row_find(fdm, vm->resource);
	const struct fdm_ticket *ticket = &vm->ticket;
	struct ha_lapse_vm one = {
		.has_ticket = ticket->is_there,
		.is_granted = ticket->is_there && ticket->is_granted,
		/* Or made by vmha vm add, and nobody has judged it. */
		.is_waiting = ticket->is_there &&
			      (!ticket->state[0] ||
			       strcmp(ticket->state, FDM_STATE_WAITING) == 0),
		.is_powered_off = fdm_is_powered_off(vm),
		.is_kept_off = !ticket->is_there && row &&
			       row->gate == HA_PROTECT_KEPT_OFF,
		.is_bound = row && !row->verdict.is_granted,
	};

	return vm->is_gated && ha_lapse_wants(&one, is_last);
}

guint
fdm_waits_count(const struct fdm *fdm, bool is_last)
{
	guint count = 0;

	for (guint i = 0; fdm->facts && i < fdm->facts->vms->len; i++) {
		count += lapses(
			fdm, &g_array_index(fdm->facts->vms, struct fdm_vm, i),
			is_last);
	}
	return count;
}

static void
release(struct fdm *fdm, const char *why, bool is_last,
	void (*done)(void *data, int code, const char *why))
{
	GString *xml = fdm_tickets_begin();
	guint count = 0;

	for (guint i = 0; i < fdm->facts->vms->len; i++) {
		const struct fdm_vm *vm =
			&g_array_index(fdm->facts->vms, struct fdm_vm, i);
		struct fdm_row row = {
			.vm = vm,
			.verdict = { .is_granted = true,
				     .why = HA_TICKET_FREE },
		};

		if (lapses(fdm, vm, is_last)) {
			fdm_tickets_add(xml, &row, vm->ticket.term);
			count++;
		}
	}
	fdm_tickets_end(xml);
	fdm_log(FDM_LOG_RELEASED, count, why);
	ha_cib_update(fdm->cib, xml->str, done, fdm);
	(void)g_string_free(xml, TRUE);
}

static void
on_released(void *data, int code, const char *why)
{
	(void)data;
	if (code < 0) {
		fdm_log(FDM_LOG_CIB_FAILED, why);
	}
}

/* Without beats: who could be master has a promotion score; of a plain clone
 * the coordinator is. */
static bool
is_other_able(const struct fdm *fdm)
{
	const struct fdm_facts *facts = fdm->facts;
	const char *self = fdm->election.self;

	if (!facts->is_promotable) {
		return strcmp(facts->dc, self) != 0;
	}
	for (guint i = 0; i < facts->nodes->len; i++) {
		const struct fdm_node *node =
			&g_array_index(facts->nodes, struct fdm_node, i);

		if (node->is_online && strcmp(node->name, self) != 0 &&
		    node->score && strtoul(node->score, NULL, 10) > 0) {
			return true;
		}
	}
	return false;
}

static bool
is_without_master(const struct fdm *fdm, uint64_t now_ms)
{
	struct ha_lapse_facts one = {
		.has_cib = fdm_has_facts(fdm) && fdm->facts->have_quorum,
		.has_heartbeat = fdm_has_snap(fdm, now_ms),
	};

	if (one.has_heartbeat) {
		one.is_quorate = fdm->snap->is_quorate;
		one.has_master = fdm_snap_master(fdm->snap);
	} else if (one.has_cib) {
		one.is_other_able = is_other_able(fdm);
	}
	return ha_lapse_runs(&one);
}

static void
look_for_master(struct fdm *fdm, uint64_t now_ms)
{
	if (fdm->master_ms == 0 || !is_without_master(fdm, now_ms)) {
		fdm->master_ms = now_ms;
		return;
	}
	if (now_ms < fdm->master_ms + FDM_NO_MASTER_MS) {
		return;
	}
	fdm->master_ms = now_ms;
	if (fdm_waits_count(fdm, false) > 0) {
		release(fdm, "there is no master", false, on_released);
	}
}

/* Another one goes on, as far as Pacemaker knows. */
static bool
is_last(const struct fdm *fdm)
{
	const struct fdm_facts *facts = fdm->facts;

	if (!facts->has_domain || !facts->is_domain_wanted) {
		return true;
	}
	for (guint i = 0; i < facts->nodes->len; i++) {
		const struct fdm_node *node =
			&g_array_index(facts->nodes, struct fdm_node, i);

		if (node->is_online &&
		    !(fdm->snap && strcmp(node->name, fdm->snap->self) == 0) &&
		    fdm_facts_is_active(node, facts->domain)) {
			return false;
		}
	}
	return true;
}

bool
fdm_waits_end(struct fdm *fdm,
	      void (*done)(void *data, int code, const char *why))
{
	if (!fdm_has_facts(fdm) || !fdm->facts->have_quorum ||
	    fdm_waits_count(fdm, true) == 0 || !is_last(fdm)) {
		return false;
	}
	release(fdm, "the last fault domain manager ends", true, done);
	return true;
}

/* ---- what fence_vmha asks ------------------------------------------------- */

static void
answer_back(struct fdm_back *back, uint32_t kept, const char *why)
{
	json_t *answer = ha_ipc_ok();

	(void)json_object_set_new(answer, "kept",
				  json_integer((json_int_t)kept));
	(void)json_object_set_new(answer, "why", json_string(why));
	if (back->has_client) {
		back->has_client = false;
		fdm_server_answer(back->fdm, back->client, answer);
	} else {
		json_decref(answer);
	}
}

static void
on_kept(void *data, int code, const char *why)
{
	struct fdm_back *back = data;

	if (code < 0) {
		fdm_log(FDM_LOG_CIB_FAILED, why);
	} else if (back->kept > 0) {
		fdm_log(FDM_LOG_KEPT_BACK, back->kept, back->host);
	}
	answer_back(back, code < 0 ? 0 : back->kept, why);
	(void)g_ptr_array_remove_fast(back->fdm->backs, back);
}

void
fdm_waits_cancel(struct fdm *fdm, uint32_t client)
{
	fdm_ended_cancel(fdm, client);
	for (guint i = 0; i < fdm->backs->len; i++) {
		struct fdm_back *back = g_ptr_array_index(fdm->backs, i);

		if (back->client == client) {
			back->has_client = false;
		}
	}
}

/* As things will be when Pacemaker hears of it: fence_vmha has the proof, the
 * snapshot may be half a beat older. */
static GArray *
rows_without(struct fdm *fdm, struct fdm_snap *snap, const char *name)
{
	GArray *rows;

	for (guint i = 0; i < snap->hosts->len; i++) {
		struct fdm_host *host =
			&g_array_index(snap->hosts, struct fdm_host, i);

		if (strcmp(host->name, name) == 0) {
			host->is_member = false;
			host->is_gone = true;
		}
	}
	rows = fdm_project(fdm->facts, snap);
	fdm_protect_judge(fdm->protect, fdm->facts, rows, ha_clock_now_ms());
	fdm_admit_rows(fdm, rows);
	fdm_restart_judge(fdm->restart, fdm->facts, snap, rows,
			  ha_clock_now_ms());
	return rows;
}

/* What waits, if the master has not kept it back yet, and the first attempts
 * of those that go first: written while they start, these would make Pacemaker
 * begin anew. Returns how many tickets that is. */
static uint32_t
keep_back(struct fdm *fdm, GString *xml, const char *host, uint64_t term,
	  uint32_t *ret_kept)
{
	struct fdm_snap *snap = fdm_snap_copy(fdm->snap);
	GArray *rows = rows_without(fdm, snap, host);
	uint32_t count = 0;

	*ret_kept = 0;
	for (guint i = 0; i < rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(rows, struct fdm_row, i);
		const struct fdm_ticket *ticket = &row->vm->ticket;

		if (!ticket->is_granted || !row->verdict.is_granted) {
			continue;
		}
		if (row->waits || row->attempt > ticket->attempt) {
			fdm_tickets_add(xml, row, term);
			count++;
			*ret_kept += row->waits;
		}
	}
	g_array_unref(rows);
	fdm_snap_free(snap);
	return count;
}

/* The master of the membership that is left; the dead host may have been the
 * last one, and the next one is on its way. */
static const struct fdm_host *
master_of(const struct fdm *fdm, const char *host, uint64_t now_ms)
{
	const struct fdm_host *master =
		fdm_has_snap(fdm, now_ms) && fdm_has_facts(fdm) && fdm->rows &&
				fdm->snap->is_quorate &&
				fdm->facts->have_quorum ?
			fdm_snap_master(fdm->snap) :
			NULL;

	return master && strcmp(master->name, host) != 0 ? master : NULL;
}

static void
look_back(struct fdm_back *back, uint64_t now_ms)
{
	struct fdm *fdm = back->fdm;
	const struct fdm_host *master = master_of(fdm, back->host, now_ms);
	uint32_t count;
	GString *xml;

	if (!master) {
		if (now_ms >= back->deadline_ms) {
			answer_back(back, 0,
				    "there is no master that could "
				    "let them start later");
			(void)g_ptr_array_remove_fast(fdm->backs, back);
		}
		return;
	}
	xml = fdm_tickets_begin();
	count = keep_back(fdm, xml, back->host, master->term, &back->kept);
	fdm_tickets_end(xml);
	if (count > 0) {
		back->is_writing = true;
		ha_cib_update(fdm->cib, xml->str, on_kept, back);
	} else {
		answer_back(back, 0, "");
		(void)g_ptr_array_remove_fast(fdm->backs, back);
	}
	(void)g_string_free(xml, TRUE);
}

static void
look_at_backs(struct fdm *fdm, uint64_t now_ms)
{
	for (guint i = fdm->backs->len; i > 0; i--) {
		struct fdm_back *back = g_ptr_array_index(fdm->backs, i - 1);

		if (!back->is_writing) {
			look_back(back, now_ms);
		}
	}
}

json_t *
fdm_op_hold_back(struct fdm *fdm, uint32_t client, const json_t *request)
{
	const char *host = json_string_value(json_object_get(request, "host"));
	uint64_t now_ms = ha_clock_now_ms();
	struct fdm_back *back;

	if (!host || !host[0]) {
		return fdm_failed(-EINVAL, "the request names no host");
	}
	if (!fdm->restart->has_order) {
		return json_pack("{s:i, s:b, s:i}", "v", HA_IPC_VERSION, "ok",
				 1, "kept", 0);
	}
	back = g_new0(struct fdm_back, 1);
	back->fdm = fdm;
	back->client = client;
	back->has_client = true;
	back->deadline_ms = now_ms + FDM_BACK_MS;
	g_strlcpy(back->host, host, sizeof(back->host));
	g_ptr_array_add(fdm->backs, back);
	look_back(back, now_ms);
	return NULL;
}

/* Whether an attempt has come to nothing is judged by a copy of the CIB that is
 * new, and so is admission after a write, one that has failed too. One that may
 * have changed is on its way; where nothing changes, or that was not told, it is
 * asked for. */
static void
watch_copy(struct fdm *fdm, uint64_t now_ms)
{
	bool is_wanted = fdm->restart->is_watching ||
			 fdm->copies < fdm->master.min_copy ||
			 fdm->copies < fdm->admit->min_copy;

	if (is_wanted && fdm_has_facts(fdm) &&
	    now_ms >= fdm->copy_ms + FDM_WATCH_COPY_MS &&
	    now_ms >= fdm->watch_ms) {
		fdm->watch_ms = now_ms + FDM_WATCH_COPY_MS;
		ha_cib_refresh(fdm->cib);
	}
}

void
fdm_waits_tick(struct fdm *fdm, uint64_t now_ms)
{
	watch_copy(fdm, now_ms);
	look_for_master(fdm, now_ms);
	look_at_backs(fdm, now_ms);
	fdm_pending_tick(fdm, now_ms);
	fdm_restarted_tick(fdm, now_ms);
	fdm_ended_tick(fdm, now_ms);
}
