/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tickets as XML, and when one has to be written. A granted ticket that stays
 * granted is written again only for a new term: each write makes Pacemaker's
 * scheduler run, and why it is granted changes with every start.
 */
#include <string.h>
#include <time.h>

#include "FaultDomain/fdm.h"
#include "ha/clock.h"

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

static void
on_told(void *data, int code, const json_t *answer, const char *why)
{
	struct fdm *fdm = data;

	(void)answer;
	(void)why;
	if (code < 0) {
		g_clear_pointer(&fdm->told_tickets, g_free);
	}
}

void
fdm_tickets_tell(struct fdm *fdm, uint64_t now_ms)
{
	json_t *tickets;
	json_t *request;
	char *text;

	if (!fdm_has_snap(fdm, now_ms) || !fdm->facts) {
		return;
	}
	tickets = json_array();
	for (guint i = 0; i < fdm->facts->vms->len; i++) {
		const struct fdm_vm *vm =
			&g_array_index(fdm->facts->vms, struct fdm_vm, i);

		if (vm->is_gated && vm->ticket.is_there &&
		    json_array_size(tickets) < HA_VMS_MAX) {
			(void)json_array_append_new(
				tickets,
				json_pack("{s:s, s:I}", "resource",
					  vm->resource, "term",
					  (json_int_t)vm->ticket.term));
		}
	}
	text = json_dumps(tickets, JSON_COMPACT);
	if (g_strcmp0(text, fdm->told_tickets) == 0 && now_ms < fdm->tell_ms) {
		json_decref(tickets);
		free(text);
		return;
	}
	g_free(fdm->told_tickets);
	fdm->told_tickets = g_strdup(text);
	free(text);
	fdm->tell_ms = now_ms + FDM_TELL_MS;
	request = json_pack("{s:s, s:o}", "op", "tickets", "tickets", tickets);
	fdm_worker_ask(fdm->worker, request, FDM_HB_ASK_MS, on_told, fdm);
}
