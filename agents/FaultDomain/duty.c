/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the master owes to hosts: those that came back are told that their list
 * is settled, and Pacemaker is asked to fence those that it has forgotten
 * (SAFETY 10, 18). Asking proves nothing: fence_vmha or the next level does.
 */
#include <stdio.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

/* An order is written, read, obeyed, and the answer read. */
#define UNSEAL_BEATS 4u
/* What one host reads, the others read within so many. */
#define SEEN_BEATS 2u
/* Programs of Pacemaker's at a time, where many VMs have failed: each is a
 * process, and makes the controllers work. */
#define CLEANUPS_MAX 8u

struct unseal {
	char host[HA_HOST_NAME];
};

static void
on_ordered(void *data, int code, const json_t *answer, const char *why)
{
	struct unseal *unseal = data;

	(void)answer;
	if (code < 0) {
		fdm_log(FDM_LOG_UNSEAL_FAILED, unseal->host, why);
	} else {
		fdm_log(FDM_LOG_UNSEAL, unseal->host);
	}
	g_free(unseal);
}

/* VMs of its list whose ticket is not confirmed in this term. */
static uint32_t
count_unsettled(const struct fdm *fdm, const struct fdm_host *host)
{
	uint32_t count = 0;

	for (guint i = 0; host->list && i < host->list->vms->len; i++) {
		const struct ha_listed_vm *vm =
			&g_array_index(host->list->vms, struct ha_listed_vm, i);
		const struct fdm_row *row = fdm_row_find(fdm, vm->resource);

		count += vm->state != HA_LISTED_RELEASED && row &&
			 !(row->vm->ticket.is_granted &&
			   row->vm->ticket.term == fdm->master.term);
	}
	return count;
}

void
fdm_duty_unseal(struct fdm *fdm, uint64_t now_ms)
{
	if (now_ms < fdm->master.unseal_ms) {
		return;
	}
	fdm->master.unseal_ms =
		now_ms + MAX(FDM_UNSEAL_MS, UNSEAL_BEATS * fdm->snap->beat_ms);
	for (guint i = 0; i < fdm->snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(fdm->snap->hosts, struct fdm_host, i);
		struct ha_settle_facts facts = {
			.is_member = host->is_member,
			.is_sealed = host->is_sealed && !host->is_gone,
			.is_readable = host->is_readable,
			.are_holds_read = fdm->snap->are_holds_read,
		};
		struct unseal *unseal;

		if (!facts.is_member || !facts.is_sealed) {
			continue;
		}
		facts.unsettled_vms = count_unsettled(fdm, host);
		facts.effective_holds = fdm_holds_of(fdm->snap, host);
		if (!ha_settle_judge(&facts)) {
			continue;
		}
		unseal = g_new0(struct unseal, 1);
		g_strlcpy(unseal->host, host->name, sizeof(unseal->host));
		fdm_worker_ask(
			fdm->worker,
			json_pack("{s:s, s:s, s:s, s:I, s:I}", "op", "order",
				  "host", host->name, "kind", "unseal",
				  "generation", (json_int_t)host->generation,
				  "ring_seq", (json_int_t)fdm->snap->ring_seq),
			FDM_HB_ASK_MS, on_ordered, unseal);
	}
}

/* Nothing tells what became of it: neither dead, nor sealed, nor a member. */
static bool
is_vanished(const struct fdm_host *host)
{
	return !host->is_member && !host->is_gone && host->incarnation != 0 &&
	       !(host->is_fresh && host->is_sealed);
}

static void
ask_to_fence(struct fdm *fdm, const char *name)
{
	char limit[16];
	char what[HA_HOST_NAME + 32];
	const char *argv[] = { "stonith_admin", "--fence", name,
			       "--timeout",     limit,     NULL };

	(void)snprintf(limit, sizeof(limit), "%u", FDM_FENCE_MS / 1000u);
	(void)snprintf(what, sizeof(what), "stonith_admin --fence %s", name);
	fdm_log(FDM_LOG_FENCE, name);
	fdm_child_run(fdm, argv, FDM_FENCE_MS, what, NULL);
}

void
fdm_duty_vanished(struct fdm *fdm, uint64_t now_ms)
{
	for (guint i = 0; i < fdm->snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(fdm->snap->hosts, struct fdm_host, i);
		const struct fdm_node *node =
			fdm_facts_node(fdm->facts, host->name);
		struct fdm_vanished *gone =
			g_hash_table_lookup(fdm->vanished, host->name);

		if (!is_vanished(host) || !node || !node->is_forgotten) {
			(void)g_hash_table_remove(fdm->vanished, host->name);
			continue;
		}
		if (!gone) {
			gone = g_new0(struct fdm_vanished, 1);
			gone->since_ms = now_ms;
			g_hash_table_insert(fdm->vanished, g_strdup(host->name),
					    gone);
		}
		if (now_ms >= gone->since_ms + fdm->snap->silence_ms +
				      FDM_FENCE_GRACE_MS &&
		    (gone->asked_ms == 0 ||
		     now_ms >= gone->asked_ms + FDM_FENCE_AGAIN_MS)) {
			gone->asked_ms = now_ms;
			ask_to_fence(fdm, host->name);
		}
	}
}

void
fdm_duty_cleanup(struct fdm *fdm, const char *resource)
{
	const char *argv[] = { "crm_resource", "--cleanup", "--resource",
			       resource, NULL };
	const struct fdm_vm *vm = fdm_facts_vm(fdm->facts, resource);
	char what[HA_RESOURCE_NAME + 48];

	if (!vm || !vm->has_failures) {
		return;
	}
	(void)snprintf(what, sizeof(what), "crm_resource --cleanup -r %.63s",
		       resource);
	fdm_log(FDM_LOG_CLEANUP, resource);
	fdm_child_run(fdm, argv, FDM_CLEANUP_MS, what, NULL);
}

/* The value of a table of times; 0: not there. */
static uint64_t
time_of(GHashTable *table, const char *name)
{
	const uint64_t *at_ms = g_hash_table_lookup(table, name);

	return at_ms ? *at_ms : 0;
}

static void
set_time(GHashTable *table, const char *name, uint64_t at_ms)
{
	uint64_t *value = g_new(uint64_t, 1);

	*value = at_ms;
	g_hash_table_insert(table, g_strdup(name), value);
}

/* Asked for each VM ten times a second, and nearly always nothing is there. */
static void
forget_time(GHashTable *table, const char *name)
{
	if (g_hash_table_size(table) > 0) {
		(void)g_hash_table_remove(table, name);
	}
}

void
fdm_duty_away(struct fdm *fdm, uint64_t now_ms)
{
	for (guint i = 0; i < fdm->snap->hosts->len; i++) {
		const struct fdm_host *host =
			&g_array_index(fdm->snap->hosts, struct fdm_host, i);

		if (host->is_member) {
			(void)g_hash_table_remove(fdm->away, host->name);
		} else if (time_of(fdm->away, host->name) == 0) {
			set_time(fdm->away, host->name, now_ms);
		}
	}
}

bool
fdm_duty_may_hold(const struct fdm *fdm, const struct fdm_host *host,
		  uint64_t now_ms)
{
	uint64_t since_ms = time_of(fdm->away, host->name);

	/* Its last beats are fresh for a while after its death, too: one that
	 * lives and is cut off is soon sealed. */
	return (host->is_fresh && host->is_sealed) ||
	       (since_ms != 0 &&
		now_ms >= since_ms + fdm->snap->silence_ms + FDM_AWAY_GRACE_MS);
}

void
fdm_duty_failed(struct fdm *fdm, uint64_t now_ms)
{
	for (guint i = 0; i < fdm->rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, i);
		const char *resource = row->vm->resource;

		if (!row->wants_cleanup) {
			forget_time(fdm->failed, resource);
		} else if (fdm->children < CLEANUPS_MAX &&
			   now_ms >= time_of(fdm->failed, resource)) {
			set_time(fdm->failed, resource,
				 now_ms + FDM_REFUSED_MS);
			fdm_duty_cleanup(fdm, resource);
		}
	}
}

void
fdm_duty_refused(struct fdm *fdm, uint64_t now_ms)
{
	for (guint i = 0; i < fdm->rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, i);
		const char *resource = row->vm->resource;
		uint64_t due_ms;

		if (row->vm->was_refused &&
		    row->verdict.why == HA_TICKET_OWNED) {
			/* Switched off by another fence device, and started
			 * before it was proven dead: as soon as all see that. */
			set_time(fdm->refused, resource,
				 now_ms + (uint64_t)SEEN_BEATS *
						  fdm->snap->beat_ms);
			continue;
		}
		/* One that is about to wait is cleaned up before its next
		 * attempt: now, Pacemaker would start it at once. */
		if (!row->vm->was_refused || !fdm_row_is_granted(row) ||
		    row->verdict.why == HA_TICKET_RUNS ||
		    !row->vm->ticket.is_granted) {
			forget_time(fdm->refused, resource);
			continue;
		}
		due_ms = time_of(fdm->refused, resource);
		if (due_ms == 0) {
			/* Pacemaker tries the other hosts first. */
			set_time(fdm->refused, resource,
				 now_ms + FDM_REFUSED_MS);
		} else if (fdm->children < CLEANUPS_MAX && now_ms >= due_ms) {
			set_time(fdm->refused, resource,
				 now_ms + FDM_REFUSED_MS);
			fdm_duty_cleanup(fdm, resource);
		}
	}
}
