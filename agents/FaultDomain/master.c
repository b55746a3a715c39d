/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The master: where the election says so (election.c), and only while this
 * host is quorate, writes w and reads r datastores. Its steps, one at a time:
 * the lease with heartbeatd, which gives the term; holds that are missing;
 * holds that have ended; all tickets that differ, in one update; then hosts
 * that may unseal and hosts that vanished.
 *
 * It never writes without quorum (SAFETY 20), never revokes before the hold is
 * on disk (17), and grants only with all hold lists read.
 */
#include <errno.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

#define LEASE_PARTS 3u

void
fdm_master_why(const struct fdm *fdm, uint64_t now_ms, struct ha_err *why)
{
	const struct fdm_snap *snap = fdm->snap;

	why->text[0] = '\0';
	if (!fdm_has_facts(fdm)) {
		(void)ha_err_set(why, 0, "no CIB: %s", fdm->cib_why);
	} else if (!fdm_has_snap(fdm, now_ms)) {
		(void)ha_err_set(why, 0, "heartbeatd does not answer%s%s",
				 snap && snap->why[0] ? ": " : "",
				 snap ? snap->why : "");
	} else if (!fdm_election_is_mine(fdm)) {
		fdm_election_why(fdm, why);
	} else if (!snap->is_quorate || !fdm->facts->have_quorum) {
		(void)ha_err_set(why, 0, "no quorum");
	} else if (!snap->can_write) {
		(void)ha_err_set(why, 0,
				 "this host can't write enough heartbeat "
				 "datastores; vmha heartbeat status tells why");
	} else if (!snap->can_read) {
		(void)ha_err_set(why, 0,
				 "this host can't read enough heartbeat "
				 "datastores; vmha heartbeat status tells why");
	}
}

bool
fdm_master_may_write(const struct fdm *fdm, uint64_t now_ms)
{
	struct ha_err why;

	fdm_master_why(fdm, now_ms, &why);
	return !why.text[0] && fdm->master.term != 0 &&
	       now_ms < fdm->master.lease_until_ms;
}

static void
lay_down(struct fdm *fdm, const char *why)
{
	struct fdm_master *master = &fdm->master;

	if (master->term != 0) {
		fdm_log(FDM_LOG_NOT_MASTER, why);
	}
	master->term = 0;
	master->lease_until_ms = 0;
}

/* After a question of ours that is still on its way: they keep their order. */
static void
tell_end(struct fdm *fdm)
{
	fdm_worker_ask(fdm->worker,
		       json_pack("{s:s, s:b}", "op", "master", "on", 0),
		       FDM_HB_ASK_MS, NULL, NULL);
}

void
fdm_master_end(struct fdm *fdm, const char *why)
{
	tell_end(fdm);
	lay_down(fdm, why);
}

/* ---- the lease ---------------------------------------------------------- */

/* The term that was asked for is over: whoever was master before has outbid it,
 * by a renewal that was under way. Who is promoted takes the next one at once,
 * or for a second there is no master; and once a second only, since two that
 * are sure of themselves would outbid one another without end. The next term is
 * read, claimed and read back like any other (SAFETY 19). */
static uint64_t
retry_after_ms(struct fdm *fdm, int code, uint64_t now_ms)
{
	struct fdm_master *master = &fdm->master;

	if (code == -ESTALE && fdm->election.as == HA_MASTER_PROMOTED &&
	    now_ms >= master->outbid_ms) {
		master->outbid_ms = now_ms + FDM_RETRY_MS;
		return 0;
	}
	/* -EAGAIN: this snapshot is of the membership before. */
	return code == -EAGAIN ? FDM_HB_RETRY_MS : FDM_RETRY_MS;
}

static void
on_lease(void *data, int code, const json_t *answer, const char *why)
{
	struct fdm *fdm = data;
	struct fdm_master *master = &fdm->master;
	json_int_t term = json_integer_value(json_object_get(answer, "term"));
	struct ha_err obstacle;
	uint64_t now_ms;

	master->is_asking = false;
	fdm_master_why(fdm, ha_clock_now_ms(), &obstacle);
	if (obstacle.text[0] &&
	    fdm_election_hands_over(fdm, ha_clock_now_ms())) {
		return;
	}
	if (obstacle.text[0]) {
		tell_end(fdm); /* what was asked for is not wanted any more */
		return;
	}
	if (code < 0 || term <= 0) {
		if (strcmp(master->told, why) != 0) {
			fdm_log(FDM_LOG_MASTER_WAITS, why);
			g_strlcpy(master->told, why, sizeof(master->told));
		}
		now_ms = ha_clock_now_ms();
		master->ask_ms = now_ms + retry_after_ms(fdm, code, now_ms);
		return;
	}
	master->told[0] = '\0';
	master->lease_until_ms = master->asked_ms + FDM_LEASE_MS;
	master->lease_seq = master->asked_seq;
	/* heartbeatd answers when the members of that membership have said
	 * that they are there since it was asked. */
	if (master->wanted_ms <= master->asked_ms &&
	    master->wanted_seq == master->asked_seq) {
		master->is_confirmed = true;
	}
	if (master->term != (uint64_t)term) {
		master->term = (uint64_t)term;
		fdm_log(FDM_LOG_MASTER, (unsigned long long)term,
			ha_master_as_name(fdm->election.as));
	}
}

void
fdm_master_keep_lease(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_master *master = &fdm->master;

	if (master->term != 0 && now_ms >= master->lease_until_ms) {
		lay_down(fdm, "its lease was not renewed in time");
	}
	if (master->is_asking || now_ms < master->ask_ms) {
		return;
	}
	master->is_asking = true;
	master->asked_ms = now_ms;
	master->asked_seq = fdm->snap->ring_seq;
	master->ask_ms = now_ms + FDM_LEASE_MS / LEASE_PARTS;
	fdm_worker_ask(fdm->worker,
		       json_pack("{s:s, s:b, s:i, s:i, s:I}", "op", "master",
				 "on", 1, "lease_ms", (int)FDM_LEASE_MS,
				 "budget_ms", (int)FDM_HB_ASK_MS, "ring_seq",
				 (json_int_t)master->asked_seq),
		       FDM_HB_FLUSH_MS, on_lease, fdm);
}

/* ---- holds and lifts ---------------------------------------------------- */

struct disk {
	struct fdm *fdm;
	char host[HA_HOST_NAME];
	const char *op;
};

static void
on_disk(void *data, int code, const json_t *answer, const char *why)
{
	struct disk *disk = data;
	struct fdm_master *master = &disk->fdm->master;

	(void)answer;
	if (code < 0) {
		fdm_log(FDM_LOG_DISK_FAILED, disk->op, disk->host, why);
		master->retry_ms = ha_clock_now_ms() + FDM_RETRY_MS;
	}
	if (--master->pending == 0) {
		master->step = FDM_STEP_IDLE;
		master->min_snap = disk->fdm->snap->number + 1;
	}
	g_free(disk);
}

static void
send_disk(struct fdm *fdm, const char *op, const char *host, json_t *request)
{
	struct disk *disk = g_new0(struct disk, 1);

	disk->fdm = fdm;
	disk->op = op;
	g_strlcpy(disk->host, host, sizeof(disk->host));
	fdm->master.pending++;
	fdm->master.step = FDM_STEP_DISK;
	fdm_worker_ask(fdm->worker, request, FDM_HB_FLUSH_MS, on_disk, disk);
}

static void
add_row(json_t *request, const struct fdm_row *row)
{
	fdm_hold_add(request, row->vm->has_uuid ? &row->vm->uuid : NULL,
		     row->vm->resource);
}

/* One request per host. */
static void
place_holds(struct fdm *fdm, uint64_t now_ms)
{
	for (guint i = 0; i < fdm->snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(fdm->snap->hosts, struct fdm_host, i);
		json_t *request = NULL;
		uint32_t count = 0;

		if (!fdm_duty_may_hold(fdm, host, now_ms)) {
			continue;
		}
		for (guint j = 0; j < fdm->rows->len; j++) {
			const struct fdm_row *row =
				&g_array_index(fdm->rows, struct fdm_row, j);

			if (!row->verdict.wants_hold || row->owner != host) {
				continue;
			}
			if (!request) {
				request = fdm_hold_request(
					"hold", host->name, host->incarnation,
					host->generation, fdm->master.term);
			}
			add_row(request, row);
			count++;
		}
		if (request) {
			fdm_log(FDM_LOG_HOLDING, count, host->name);
			send_disk(fdm, "hold", host->name, request);
		}
	}
}

static bool
is_same_lift(const struct fdm_hold *a, const struct fdm_hold *b)
{
	return a->hold.owner == b->hold.owner &&
	       a->hold.owner_incarnation == b->hold.owner_incarnation &&
	       a->hold.owner_generation == b->hold.owner_generation;
}

/* What no row asks for: the resource is gone, or has no gate any more. */
static void
lift_orphans(struct fdm *fdm)
{
	GArray *orphans = fdm_orphans(fdm->facts, fdm->snap);
	const struct fdm_orphan *first = NULL;
	json_t *request = NULL;
	uint32_t count = 0;

	for (guint i = 0; i < orphans->len; i++) {
		const struct fdm_orphan *orphan =
			&g_array_index(orphans, struct fdm_orphan, i);
		const struct fdm_hold *hold = orphan->lift;

		if (first && !is_same_lift(first->lift, hold)) {
			continue;
		}
		if (!first) {
			first = orphan;
			request = fdm_hold_request("lift", hold->owner_name,
						   hold->hold.owner_incarnation,
						   hold->hold.owner_generation,
						   fdm->master.term);
		}
		fdm_hold_add(request, hold->has_uuid ? &hold->uuid : NULL,
			     hold->resource);
		count++;
	}
	if (first) {
		fdm_log(FDM_LOG_LIFTING, count, first->lift->owner_name,
			ha_ticket_why_text(first->why));
		send_disk(fdm, "lift", first->lift->owner_name, request);
	}
	g_array_unref(orphans);
}

/* One request per owner, incarnation and generation; the next ones follow
 * when these are done. */
static void
lift_holds(struct fdm *fdm)
{
	const struct fdm_row *first = NULL;
	json_t *request = NULL;
	uint32_t count = 0;

	for (guint i = 0; i < fdm->rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, i);

		if (!row->verdict.wants_lift || !row->lift ||
		    (first && !is_same_lift(first->lift, row->lift))) {
			continue;
		}
		if (!first) {
			first = row;
			request = fdm_hold_request(
				"lift", row->lift->owner_name,
				row->lift->hold.owner_incarnation,
				row->lift->hold.owner_generation,
				fdm->master.term);
			(void)json_object_set_new(
				request, "ring_seq",
				json_integer((json_int_t)fdm->snap->ring_seq));
		}
		add_row(request, row);
		count++;
	}
	if (first) {
		fdm_log(FDM_LOG_LIFTING, count, first->lift->owner_name,
			ha_ticket_why_text(first->verdict.why));
		send_disk(fdm, "lift", first->lift->owner_name, request);
	} else {
		lift_orphans(fdm);
	}
}

/* ---- one look ----------------------------------------------------------- */

static bool
is_settled(const struct fdm *fdm, uint64_t now_ms)
{
	const struct fdm_master *master = &fdm->master;

	return master->step == FDM_STEP_IDLE && now_ms >= master->retry_ms &&
	       fdm->snap->number >= master->min_snap &&
	       (fdm->copies >= master->min_copy ||
		now_ms >= master->min_copy_ms);
}

static void
run_duties(struct fdm *fdm, uint64_t now_ms)
{
	fdm_duty_away(fdm, now_ms);
	place_holds(fdm, now_ms);
	if (fdm->master.step == FDM_STEP_IDLE && fdm->snap->are_holds_read) {
		lift_holds(fdm);
	}
	/* Tickets do not wait for holds of other VMs. */
	if (fdm->master.step == FDM_STEP_IDLE) {
		fdm_grant_write(fdm, now_ms);
	}
	if (fdm->master.step == FDM_STEP_IDLE) {
		fdm_duty_unseal(fdm, now_ms);
	}
	if (fdm->master.step == FDM_STEP_IDLE) {
		fdm_prefer_tick(fdm, now_ms);
	}
	fdm_duty_vanished(fdm, now_ms);
	fdm_duty_refused(fdm, now_ms);
	fdm_duty_failed(fdm, now_ms);
}

void
fdm_master_tick(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_master *master = &fdm->master;
	struct ha_err why;

	fdm_master_why(fdm, now_ms, &why);
	if (why.text[0]) {
		if (master->term != 0 &&
		    !fdm_election_hands_over(fdm, now_ms)) {
			fdm_master_end(fdm, why.text);
		}
		g_hash_table_remove_all(fdm->vanished);
		g_hash_table_remove_all(fdm->refused);
		return;
	}
	fdm_master_keep_lease(fdm, now_ms);
	if (fdm_master_may_write(fdm, now_ms) && fdm->rows &&
	    is_settled(fdm, now_ms)) {
		run_duties(fdm, now_ms);
	}
}
