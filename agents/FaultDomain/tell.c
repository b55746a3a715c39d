/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells heartbeatd what the local CIB says about tickets, for its start gate
 * (SAFETY 19): on every host, whenever that changes, and now and then in case
 * it was restarted.
 */
#include <stdlib.h>
#include <string.h>

#include "FaultDomain/fdm.h"

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

	if (!fdm_has_snap(fdm, now_ms) || !fdm->facts ||
	    (fdm->told_tickets && fdm->told_copy == fdm->copies &&
	     now_ms < fdm->tell_ms)) {
		return;
	}
	fdm->told_copy = fdm->copies;
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
