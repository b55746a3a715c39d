/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The master writes tickets: all that differ from what lists, holds, order and
 * retries say, in one update of the CIB. Called by the master alone, while it
 * may write. It never makes wait what runs on a member (SAFETY 21), and grants
 * only with all hold lists read.
 */
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

static void
on_written(void *data, int code, const char *why)
{
	struct fdm *fdm = data;
	struct fdm_master *master = &fdm->master;
	uint64_t now_ms = ha_clock_now_ms();

	master->step = FDM_STEP_IDLE;
	master->min_copy = fdm->copies + 1;
	master->min_copy_ms = now_ms + FDM_COPY_MS;
	master->is_rejected = code < 0;
	if (code < 0) {
		fdm_log(FDM_LOG_CIB_FAILED, why);
		master->retry_ms = now_ms + FDM_RETRY_MS;
	}
	for (guint i = 0; i < master->granting->len; i++) {
		const char *resource = g_ptr_array_index(master->granting, i);

		if (code == 0) {
			fdm_duty_cleanup(fdm, resource);
		}
	}
	g_ptr_array_set_size(master->granting, 0);
}

static bool
may_write_row(const struct fdm *fdm, const struct fdm_row *row)
{
	const struct ha_ticket_verdict *verdict = &row->verdict;

	if (row->is_foreseen) {
		/* Never granted, nor once more: fence_vmha may be about to hold
		 * it, with a newer look than this one. */
		return row->waits && row->gate == HA_PROTECT_OPEN &&
		       row->vm->ticket.is_granted;
	}
	if (!verdict->is_granted) {
		return !verdict->wants_hold;
	}
	if (row->is_early && verdict->why != HA_TICKET_RUNS) {
		return false;
	}
	if (row->gate == HA_PROTECT_OPEN && row->admission == HA_GATE_PENDING) {
		return false;
	}
	/* It runs nowhere here, and nobody has begun to start it. */
	if (row->waits || row->gate != HA_PROTECT_OPEN ||
	    row->admission == HA_GATE_REFUSED) {
		return true;
	}
	if (row->is_left) {
		return false;
	}
	/* SAFETY 21: what runs on a member is never kept waiting. */
	return verdict->why == HA_TICKET_RUNS ||
	       (fdm->snap->are_holds_read && !verdict->wants_lift &&
		!row->is_unsure);
}

void
fdm_grant_tell_wait(const struct fdm *fdm, const struct fdm_row *row,
		    uint64_t now_ms)
{
	const char *resource = row->vm->resource;
	char text[HA_ERR_TEXT];

	fdm_restart_text(fdm->restart, fdm->facts, resource, now_ms, text,
			 sizeof(text));
	if (!text[0]) {
		g_strlcpy(text, FDM_CLEANING_TEXT, sizeof(text));
	}
	if (row->waits_why == HA_RESTART_GIVEN_UP) {
		fdm_log(FDM_LOG_GIVEN_UP, resource, text);
	} else {
		fdm_log(FDM_LOG_WAITS, resource, text);
	}
}

static void
tell_row(struct fdm *fdm, const struct fdm_row *row, uint64_t now_ms)
{
	const struct fdm_ticket *ticket = &row->vm->ticket;
	const char *text = ha_ticket_why_text(row->verdict.why);

	if (row->has_reserved &&
	    (row->admission == HA_GATE_ADMITTED ||
	     (ticket->has_reserved &&
	      (row->reserved.cpu_mhz > ticket->cpu_mhz ||
	       row->reserved.memory_mb > ticket->memory_mb)))) {
		fdm_log(FDM_LOG_ADMITTED, row->vm->resource,
			(unsigned long long)row->reserved.cpu_mhz,
			(unsigned long long)row->reserved.memory_mb);
	}
	if (fdm_row_is_granted(row)) {
		if (ticket->is_there && !ticket->is_granted) {
			fdm_log(FDM_LOG_GRANTED, row->vm->resource, text);
			/* A cleanup would forgive the crashes of one that runs. */
			if (row->verdict.why != HA_TICKET_RUNS ||
			    !row->is_crash) {
				g_ptr_array_add(fdm->master.granting,
						g_strdup(row->vm->resource));
			}
		}
	} else if (fdm_row_is_bound(row)) {
		fdm_log(FDM_LOG_HELD, row->vm->resource, text,
			row->owner ? row->owner->name : "");
	} else if (row->gate != HA_PROTECT_OPEN) {
		fdm_log(FDM_LOG_OFF, row->vm->resource,
			ha_protect_gate_text(row->gate));
	} else if (fdm_row_is_refused(row)) {
		/* A new term alone is no news. */
		if (strcmp(ticket->text, row->refusal) != 0) {
			fdm_log(FDM_LOG_NOT_ADMITTED, row->vm->resource,
				row->refusal);
		}
	} else {
		fdm_grant_tell_wait(fdm, row, now_ms);
	}
}

/* Each write has Pacemaker begin anew: another sentence alone can wait while VMs
 * are being started. */
static bool
may_wait(const struct fdm *fdm, const struct fdm_row *row)
{
	struct fdm_row same = *row;

	if (!fdm_row_is_refused(row) || !row->vm->ticket.text[0] ||
	    !fdm->restart->is_watching) {
		return false;
	}
	same.refusal = row->vm->ticket.text;
	return !fdm_ticket_differs(&same, fdm->master.term);
}

static bool
wants_write(const struct fdm *fdm, const struct fdm_row *row)
{
	return fdm_ticket_differs(row, fdm->master.term) &&
	       may_write_row(fdm, row) && !may_wait(fdm, row);
}

/* All that is wanted now, each as it would be written. */
static GHashTable *
list_wanted(const struct fdm *fdm)
{
	GHashTable *wanted =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < fdm->rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, i);

		if (wants_write(fdm, row)) {
			(void)g_hash_table_add(
				wanted, fdm_ticket_text(row, fdm->master.term));
		}
	}
	return wanted;
}

static void
ask_members(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_master *master = &fdm->master;

	master->wanted_ms = now_ms;
	master->wanted_seq = fdm->snap->ring_seq;
	master->is_confirmed = false;
	master->ask_ms = now_ms;
}

/* Only what was wanted before the members said that they are there, and is
 * wanted now: a snapshot may be of a membership that is over, where corosync
 * stands still. What is wanted since is asked about next: while VMs start, that
 * changes all the time, and must not hold up the others. */
static bool
is_confirmed(struct fdm *fdm, GHashTable *wanted, uint64_t now_ms)
{
	struct fdm_master *master = &fdm->master;
	bool is_kept = false;
	GHashTableIter iter;
	gpointer text;

	if (master->wanted) {
		g_hash_table_iter_init(&iter, master->wanted);
		while (g_hash_table_iter_next(&iter, &text, NULL)) {
			if (!g_hash_table_contains(wanted, text)) {
				g_hash_table_iter_remove(&iter);
			}
		}
		is_kept = g_hash_table_size(master->wanted) > 0;
	}
	if (!is_kept) {
		g_clear_pointer(&master->wanted, g_hash_table_unref);
		if (g_hash_table_size(wanted) == 0) {
			return false;
		}
		master->wanted = g_hash_table_ref(wanted);
		ask_members(fdm, now_ms);
		fdm_master_keep_lease(fdm, now_ms);
	} else if (master->wanted_seq != fdm->snap->ring_seq) {
		/* Confirmed or not: those members are not these. */
		ask_members(fdm, now_ms);
	}
	return master->is_confirmed;
}

/* Rows of what was confirmed. */
static uint32_t
add_confirmed(struct fdm *fdm, GString *xml, uint64_t now_ms)
{
	const struct fdm_master *master = &fdm->master;
	uint32_t count = 0;

	for (guint i = 0; i < fdm->rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, i);
		char *text;

		if (!wants_write(fdm, row)) {
			continue;
		}
		text = fdm_ticket_text(row, master->term);
		if (g_hash_table_contains(master->wanted, text)) {
			fdm_tickets_add(xml, row, master->term);
			tell_row(fdm, row, now_ms);
			count++;
		}
		g_free(text);
	}
	return count;
}

void
fdm_grant_write(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_master *master = &fdm->master;
	GHashTable *wanted = list_wanted(fdm);
	GString *xml;

	if (is_confirmed(fdm, wanted, now_ms)) {
		xml = fdm_tickets_begin();
		fdm_log(FDM_LOG_TICKETS, add_confirmed(fdm, xml, now_ms),
			(unsigned long long)master->term);
		fdm_tickets_end(xml);
		/* One constraint that is refused must not keep any VM down. */
		if (!master->is_rejected) {
			fdm_prefer_add(fdm, xml, now_ms);
		}
		master->step = FDM_STEP_CIB;
		g_clear_pointer(&master->wanted, g_hash_table_unref);
		ha_cib_update(fdm->cib, xml->str, on_written, fdm);
		(void)g_string_free(xml, TRUE);
	}
	g_hash_table_unref(wanted);
}
