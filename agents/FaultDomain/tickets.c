/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tickets as XML, and when one has to be written. A granted ticket that stays
 * granted is written again only for a new term: each write makes Pacemaker's
 * scheduler run, and why it is granted changes with every start.
 */
#include <string.h>
#include <time.h>

#include "FaultDomain/fdm.h"

bool
fdm_row_is_bound(const struct fdm_row *row)
{
	return !row->verdict.is_granted && !row->is_foreseen;
}

bool
fdm_row_is_granted(const struct fdm_row *row)
{
	return row->verdict.is_granted && !row->waits &&
	       row->gate == HA_PROTECT_OPEN && ha_gate_is_open(row->admission);
}

bool
fdm_row_is_refused(const struct fdm_row *row)
{
	return row->verdict.is_granted && row->gate == HA_PROTECT_OPEN &&
	       row->admission == HA_GATE_REFUSED;
}

/* By its ticket: one that is foreseen may wait; granted it never is. */
static bool
is_held(const struct fdm_row *row)
{
	return !row->verdict.is_granted && !(row->is_foreseen && row->waits);
}

static const char *
state_name(const struct fdm_row *row)
{
	if (is_held(row)) {
		return FDM_STATE_HELD;
	}
	if (row->gate != HA_PROTECT_OPEN) {
		return FDM_STATE_OFF;
	}
	return row->waits || fdm_row_is_refused(row) ? FDM_STATE_WAITING :
						       "granted";
}

static const char *
reason_name(const struct fdm_row *row)
{
	if (!is_held(row) && row->gate != HA_PROTECT_OPEN) {
		return ha_protect_gate_name(row->gate);
	}
	if (fdm_row_is_refused(row)) {
		return HA_GATE_REASON;
	}
	return !is_held(row) && row->waits ?
		       ha_restart_why_name(row->waits_why) :
		       ha_ticket_why_name(row->verdict.why);
}

static const char *
owner_name(const struct fdm_row *row)
{
	return row->owner && is_held(row) ? row->owner->name : "";
}

/* Kept off already: a user who has asked for it writes vmha-reason, and nothing
 * else. This copy of the CIB may be older than that word, so it is left alone.
 */
static bool
is_reason_left(const struct fdm_row *row)
{
	return row->verdict.is_granted && row->gate == HA_PROTECT_KEPT_OFF &&
	       strcmp(row->vm->ticket.reason, reason_name(row)) == 0;
}

/* What was admitted once counts for nothing where it is off or refused: it is
 * admitted anew. */
static bool
is_void(const struct fdm_row *row)
{
	return fdm_row_is_refused(row) ||
	       (row->verdict.is_granted && row->gate != HA_PROTECT_OPEN);
}

bool
fdm_ticket_differs(const struct fdm_row *row, uint64_t term)
{
	const struct fdm_ticket *ticket = &row->vm->ticket;
	bool is_granted = fdm_row_is_granted(row);

	if (!ticket->is_there || ticket->is_granted != is_granted ||
	    ticket->term != term || ticket->attempt != row->attempt ||
	    ticket->is_crash != row->is_crash) {
		return true;
	}
	if (row->has_reserved && !is_void(row) &&
	    (!ticket->has_reserved ||
	     ticket->cpu_mhz != row->reserved.cpu_mhz ||
	     ticket->memory_mb != row->reserved.memory_mb)) {
		return true;
	}
	return !is_granted &&
	       (strcmp(ticket->reason, reason_name(row)) != 0 ||
		strcmp(ticket->owner, owner_name(row)) != 0 ||
		(fdm_row_is_refused(row) &&
		 strcmp(ticket->text, row->refusal ? row->refusal : "") != 0));
}

GString *
fdm_tickets_begin(void)
{
	return g_string_new("<cib><status><tickets>");
}

/* What stays out of an update stays in the CIB as it is. */
static void
add_admission(GString *text, const struct fdm_row *row)
{
	const struct fdm_ticket *ticket = &row->vm->ticket;
	const char *refusal =
		fdm_row_is_refused(row) && row->refusal ? row->refusal : "";

	if (refusal[0] || ticket->text[0]) {
		char *part =
			g_markup_printf_escaped(" vmha-text=\"%s\"", refusal);

		g_string_append(text, part);
		g_free(part);
	}
	if (row->has_reserved && !is_void(row)) {
		g_string_append_printf(text,
				       " vmha-cpu=\"%" G_GUINT64_FORMAT
				       "\" vmha-memory=\"%" G_GUINT64_FORMAT
				       "\"",
				       (guint64)row->reserved.cpu_mhz,
				       (guint64)row->reserved.memory_mb);
	} else if (is_void(row) && ticket->has_reserved) {
		g_string_append(text, " vmha-cpu=\"\" vmha-memory=\"\"");
	}
}

char *
fdm_ticket_text(const struct fdm_row *row, uint64_t term)
{
	GString *text = g_string_new(NULL);
	char *part = g_markup_printf_escaped(
		"<ticket_state id=\"" FDM_TICKET_PREFIX
		"%s\" granted=\"%s\" vmha-state=\"%s\"",
		row->vm->resource, fdm_row_is_granted(row) ? "true" : "false",
		state_name(row));

	g_string_append(text, part);
	g_free(part);
	if (!is_reason_left(row)) {
		g_string_append_printf(text, " vmha-reason=\"%s\"",
				       reason_name(row));
	}
	part = g_markup_printf_escaped(
		" vmha-owner=\"%s\" vmha-term=\"%" G_GUINT64_FORMAT "\" "
		"vmha-attempt=\"%" G_GUINT64_FORMAT "\" vmha-cause=\"%s\" "
		"vmha-not-before=\"%" G_GUINT64_FORMAT "\"",
		owner_name(row), (guint64)term, (guint64)row->attempt,
		row->is_crash ? FDM_CAUSE_CRASH : "",
		(guint64)row->not_before_s);
	g_string_append(text, part);
	g_free(part);
	add_admission(text, row);
	return g_string_free(text, FALSE);
}

/* granted and last-granted as crm_ticket writes them. */
void
fdm_tickets_add(GString *xml, const struct fdm_row *row, uint64_t term)
{
	char *text = fdm_ticket_text(row, term);

	g_string_append(xml, text);
	g_free(text);
	if (row->gate == HA_PROTECT_KEPT_OFF) {
		text = g_markup_printf_escaped(" vmha-role=\"%s\"",
					       row->vm->role);
		g_string_append(xml, text);
		g_free(text);
	}
	if (fdm_row_is_granted(row) && !row->vm->ticket.is_granted) {
		g_string_append_printf(xml, " last-granted=\"%lld\"",
				       (long long)time(NULL));
	}
	g_string_append(xml, "/>");
}

void
fdm_tickets_end(GString *xml)
{
	g_string_append(xml, "</tickets></status></cib>");
}
