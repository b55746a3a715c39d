/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tickets as XML, and when one has to be written. A granted ticket that stays
 * granted is written again only for a new term: each write makes Pacemaker's
 * scheduler run, and why it is granted changes with every start.
 */
#include <string.h>
#include <time.h>

#include "FaultDomain/fdm.h"

static const char *
owner_name(const struct fdm_row *row)
{
	return row->owner && !row->verdict.is_granted ? row->owner->name : "";
}

bool
fdm_ticket_differs(const struct fdm_row *row, uint64_t term)
{
	const struct fdm_ticket *ticket = &row->vm->ticket;
	const struct ha_ticket_verdict *verdict = &row->verdict;

	if (!ticket->is_there || ticket->is_granted != verdict->is_granted ||
	    ticket->term != term) {
		return true;
	}
	return !verdict->is_granted &&
	       (strcmp(ticket->reason, ha_ticket_why_name(verdict->why)) != 0 ||
		strcmp(ticket->owner, owner_name(row)) != 0);
}

GString *
fdm_tickets_begin(void)
{
	return g_string_new("<cib><status><tickets>");
}

/* granted and last-granted as crm_ticket writes them. */
void
fdm_tickets_add(GString *xml, const struct fdm_row *row, uint64_t term)
{
	const struct ha_ticket_verdict *verdict = &row->verdict;
	char *text = g_markup_printf_escaped(
		"<ticket_state id=\"" FDM_TICKET_PREFIX
		"%s\" granted=\"%s\" vmha-state=\"%s\" vmha-reason=\"%s\" "
		"vmha-owner=\"%s\" vmha-term=\"%" G_GUINT64_FORMAT "\"",
		row->vm->resource, verdict->is_granted ? "true" : "false",
		verdict->is_granted ? "granted" : "held",
		ha_ticket_why_name(verdict->why), owner_name(row),
		(guint64)term);

	g_string_append(xml, text);
	g_free(text);
	if (verdict->is_granted && !row->vm->ticket.is_granted) {
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
