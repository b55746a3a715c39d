/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From tickets, the protected list and the master's words on VMs to rows: who
 * has to be admitted, who was refused, and what reservation stands in a
 * ticket. Who has to be admitted is ha/gate.h's decision. A host that is not
 * master knows no more than the tickets say.
 */
#include <string.h>

#include "FaultDomain/admit.h"
#include "FaultDomain/fdm.h"

struct fdm_admit *
fdm_admit_new(void)
{
	struct fdm_admit *admit = g_new0(struct fdm_admit, 1);

	admit->table =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return admit;
}

void
fdm_admit_free(struct fdm_admit *admit)
{
	if (admit) {
		g_hash_table_destroy(admit->table);
		g_clear_pointer(&admit->doors.table, g_hash_table_destroy);
		g_clear_pointer(&admit->doors.attrs, g_hash_table_destroy);
		g_clear_pointer(&admit->doors.standby, g_hash_table_destroy);
		if (admit->places) {
			g_array_unref(admit->places);
		}
		g_free(admit->attr.asked);
		g_free(admit);
	}
}

const struct fdm_admission *
fdm_admit_find(const struct fdm *fdm, const char *resource)
{
	return fdm->admit ? g_hash_table_lookup(fdm->admit->table, resource) :
			    NULL;
}

bool
fdm_admit_needs(const struct fdm_protect *protect, const struct fdm_vm *vm)
{
	const struct fdm_ticket *ticket = &vm->ticket;
	struct ha_gate_vm one = {
		.has_ticket = ticket->is_there,
		.is_granted = ticket->is_granted,
		.is_unwritten = !ticket->state[0],
		.is_off = strcmp(ticket->state, FDM_STATE_OFF) == 0,
		.is_refused = strcmp(ticket->reason, HA_GATE_REASON) == 0,
		.is_list_read = fdm_protect_is_known(protect),
		.is_on_list = fdm_protect_on_disk(protect, vm) == HA_PROTECT_ON,
	};

	return ha_gate_needs(&one);
}

bool
fdm_admit_is_candidate(const struct fdm *fdm, const struct fdm_row *row)
{
	return row->verdict.is_granted && row->verdict.why != HA_TICKET_RUNS &&
	       row->gate == HA_PROTECT_OPEN && !row->is_listed_here &&
	       !row->vm->is_up && !row->vm->is_busy &&
	       fdm_admit_needs(fdm->protect, row->vm);
}

/* It stands on the list when it may run: before that a power loss need not
 * bring it back, and what the list said of it before stays. */
static void
unprotect(const struct fdm *fdm, struct fdm_row *row)
{
	if (row->admission == HA_GATE_REFUSED) {
		row->entry = HA_PROTECT_NONE;
		row->shown =
			row->vm->is_wanted ? HA_PROTECT_IS_REFUSED : row->shown;
	} else if (row->vm->is_wanted) {
		row->entry = fdm_protect_on_disk(fdm->protect, row->vm);
	}
}

static void
judge_candidate(struct fdm *fdm, struct fdm_row *row,
		const struct fdm_admission *known)
{
	const struct fdm_ticket *ticket = &row->vm->ticket;

	row->admission = HA_GATE_PENDING;
	/* Who was refused and is then powered off is that, and no more. A yes
	 * is for the cluster that it was said of, and no other. */
	if (known && known->word == FDM_ADMIT_ADMITTED && row->vm->is_wanted &&
	    known->judged == fdm->admit->key) {
		row->admission = HA_GATE_ADMITTED;
		row->admitted_host =
			fdm->stock ? fdm_stock_host(fdm->stock, known->host) :
				     HA_INV_NONE;
		return;
	}
	if (known && known->word == FDM_ADMIT_REFUSED && row->vm->is_wanted) {
		row->admission = HA_GATE_REFUSED;
		row->refusal = known->text;
	} else if (!row->vm->is_off && ticket->is_there && ticket->text[0] &&
		   strcmp(ticket->reason, HA_GATE_REASON) == 0) {
		row->admission = HA_GATE_REFUSED;
		row->refusal = ticket->text;
	}
	unprotect(fdm, row);
}

static void
judge(struct fdm *fdm, struct fdm_row *row)
{
	const struct fdm_admission *known =
		fdm_admit_find(fdm, row->vm->resource);

	row->admission = HA_GATE_OPEN;
	row->refusal = NULL;
	row->admitted_host = HA_INV_NONE;
	row->has_reserved = known && known->has_reserved;
	if (row->has_reserved) {
		row->reserved = known->reserved;
	}
	if (fdm_admit_is_candidate(fdm, row)) {
		judge_candidate(fdm, row, known);
	}
}

void
fdm_admit_rows(struct fdm *fdm, GArray *rows)
{
	for (guint i = 0; i < rows->len; i++) {
		judge(fdm, &g_array_index(rows, struct fdm_row, i));
	}
}
