/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells that a VM runs again after a failure: gathers what ha_restarted_step()
 * wants for each gated VM, from rows, tracks and the states of hosts, and says
 * it in the master's log. Decides nothing, and writes nothing. What has no gate
 * Pacemaker starts as it likes: nothing is said of it.
 */
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"

#define MS_PER_S 1000u
#define MS_PER_TENTH 100u

/* By the list of a member, else by Pacemaker's history. */
static const char *
host_of(const struct fdm *fdm, const struct fdm_row *row)
{
	if (row->verdict.why == HA_TICKET_RUNS && row->owner) {
		return row->owner->name;
	}
	for (guint i = 0; i < MIN(fdm->facts->nodes->len, FDM_NODE_BITS); i++) {
		const char *name =
			g_array_index(fdm->facts->nodes, struct fdm_node, i)
				.name;
		const struct fdm_host *host = fdm_snap_host(fdm->snap, name);

		if ((row->vm->up_nodes & fdm_node_bit(i)) && host &&
		    host->is_member) {
			return host->name;
		}
	}
	return "";
}

static bool
is_migrating(const struct fdm_facts *facts, const struct fdm_vm *vm)
{
	for (guint i = 0; i < facts->migrations->len; i++) {
		if (strcmp(g_array_index(facts->migrations,
					 struct fdm_migration, i)
				   .resource,
			   vm->resource) == 0) {
			return true;
		}
	}
	return false;
}

/* The verdict's proof may be there before the word has settled. */
static enum ha_hostreport_word
word_of(const struct fdm *fdm, const struct fdm_row *row, const char *host)
{
	enum ha_hostreport_word word = fdm_states_word(fdm, host);

	if (row->verdict.why == HA_TICKET_OWNER_GONE &&
	    word != HA_REPORT_STOPPED) {
		return HA_REPORT_DEAD;
	}
	return word;
}

static void
gather(const struct fdm *fdm, const struct fdm_row *row,
       const struct fdm_track *track, struct ha_restarted_facts *ret_facts)
{
	const struct ha_ticket_verdict *verdict = &row->verdict;
	const struct fdm_host *master = fdm_snap_master(fdm->snap);
	const char *where;

	*ret_facts = (struct ha_restarted_facts){
		.is_running = !track->crash.has_fallen &&
			      (verdict->why == HA_TICKET_RUNS ||
			       (track->is_up && verdict->is_granted)),
		.is_migrating = is_migrating(fdm->facts, row->vm),
		.is_wanted = fdm_is_wanted(row->vm, row),
		.by_user = track->by_user,
		.is_granted = verdict->is_granted && !row->is_unsure &&
			      verdict->why != HA_TICKET_RETURNED,
		.is_listed = row->is_listed_here,
		.is_crash = track->crash.is_counted,
		.attempts = track->attempts,
		.is_mine = fdm->master.term != 0,
		.is_others =
			fdm->master.term == 0 && master && !master->is_self,
	};
	ret_facts->host = ret_facts->is_running ? host_of(fdm, row) :
			  row->owner            ? row->owner->name :
						  "";
	where = ha_restarted_where(&track->restarted, ret_facts);
	if (!ret_facts->is_running && where[0]) {
		const struct fdm_host *host = fdm_snap_host(fdm->snap, where);

		ret_facts->is_away = host && !host->is_member;
		ret_facts->word = word_of(fdm, row, where);
	}
}

static const char *
word_text(enum ha_hostreport_word word)
{
	return word == HA_REPORT_DEAD        ? "has died" :
	       word == HA_REPORT_ISOLATED    ? "is isolated" :
	       word == HA_REPORT_PARTITIONED ? "is cut off (partitioned)" :
					       "has left the cluster";
}

static void
put_text(const struct ha_restarted_event *event, GString *text)
{
	switch (event->cause) {
	case HA_RESTARTED_HOST:
		g_string_append_printf(text, "%s, where it ran, %s; ",
				       event->from[0] ? event->from :
							"the host",
				       word_text(event->word));
		break;
	case HA_RESTARTED_CRASH:
		g_string_append_printf(text,
				       "it had crashed, or its monitor had "
				       "failed, on %s; ",
				       event->from[0] ? event->from :
							"a live host");
		break;
	case HA_RESTARTED_UNSEEN:
	case HA_RESTARTED_NONE:
		g_string_append(text, "it failed before this manager began to "
				      "look, so where it ran is not known; ");
		break;
	}
	g_string_append_printf(text, "attempt %u", event->attempt);
	if (event->has_span) {
		g_string_append_printf(
			text, ", %llu.%llu s after it was missed",
			(unsigned long long)(event->span_ms / MS_PER_S),
			(unsigned long long)(event->span_ms % MS_PER_S /
					     MS_PER_TENTH));
	}
}

void
fdm_restarted_tick(struct fdm *fdm, uint64_t now_ms)
{
	if (!fdm->rows || !fdm_has_facts(fdm) || !fdm_has_snap(fdm, now_ms)) {
		return;
	}
	for (guint i = 0; i < fdm->rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, i);
		struct fdm_track *track = g_hash_table_lookup(
			fdm->restart->tracks, row->vm->resource);
		struct ha_restarted_facts facts;
		struct ha_restarted_event event;

		if (!track || !track->is_known) {
			continue;
		}
		gather(fdm, row, track, &facts);
		if (ha_restarted_step(&track->restarted, &facts, now_ms,
				      &event)) {
			GString *text = g_string_new(NULL);

			put_text(&event, text);
			fdm_log(FDM_LOG_RESTARTED, row->vm->resource, event.to,
				text->str);
			(void)g_string_free(text, TRUE);
		}
	}
}
