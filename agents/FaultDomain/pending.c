/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pending placement, for people: who is on the list (restart_room.c), since
 * when and why, and the master's log of who comes onto it and who is placed.
 * Decides nothing.
 */
#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"

/* Each has its own entry among the VMs: here as many as an answer has room
 * for, and people read. */
#define NAMED_MAX 64

const char *
fdm_pending_text(const struct fdm *fdm, const struct fdm_vm *vm,
		 uint64_t now_ms, char *buffer, size_t size)
{
	guint index =
		(guint)(vm - &g_array_index(fdm->facts->vms, struct fdm_vm, 0));

	if (fdm_room_pending_ms(fdm->restart, fdm->facts, index) == 0) {
		return NULL;
	}
	fdm_restart_text(fdm->restart, fdm->facts, vm->resource, now_ms, buffer,
			 size);
	return buffer;
}

json_t *
fdm_pending_json(const struct fdm *fdm, uint64_t now_ms)
{
	json_t *list = json_array();

	for (guint i = 0; fdm->facts && i < fdm->facts->vms->len &&
			  json_array_size(list) < NAMED_MAX;
	     i++) {
		const struct fdm_vm *vm =
			&g_array_index(fdm->facts->vms, struct fdm_vm, i);
		uint64_t since_ms =
			fdm_room_pending_ms(fdm->restart, fdm->facts, i);
		char text[HA_ERR_TEXT];

		if (fdm_pending_text(fdm, vm, now_ms, text, sizeof(text))) {
			(void)json_array_append_new(
				list,
				json_pack("{s:s, s:I, s:s}", "resource",
					  vm->resource, "since_ms",
					  (json_int_t)(now_ms -
						       MIN(now_ms, since_ms)),
					  "text", text));
		}
	}
	return list;
}

/* On a host it is being started, or is up; what was let go once more, and
 * nowhere begun, is not placed yet. */
static void
tell_end(const struct fdm *fdm, guint index, struct fdm_track *track)
{
	const struct fdm_vm *vm =
		&g_array_index(fdm->facts->vms, struct fdm_vm, index);
	enum ha_restart_why why =
		g_array_index(fdm->restart->verdicts, struct ha_restart_verdict,
			      index)
			.why;
	bool is_let_go =
		why == HA_RESTART_STARTING || why == HA_RESTART_MAY_START;

	if (is_let_go && !track->is_busy) {
		return;
	}
	track->is_pending_told = false;
	if (is_let_go || why == HA_RESTART_RUNS) {
		fdm_log(FDM_LOG_PLACED, vm->resource);
	}
}

void
fdm_pending_tick(struct fdm *fdm, uint64_t now_ms)
{
	if (fdm->master.term == 0 || !fdm->facts || !fdm->rows) {
		return;
	}
	for (guint i = 0;
	     i < MIN(fdm->facts->vms->len, fdm->restart->verdicts->len); i++) {
		const struct fdm_vm *vm =
			&g_array_index(fdm->facts->vms, struct fdm_vm, i);
		struct fdm_track *track =
			g_hash_table_lookup(fdm->restart->tracks, vm->resource);
		char text[HA_ERR_TEXT];
		bool is_pending =
			fdm_pending_text(fdm, vm, now_ms, text, sizeof(text));

		if (track && is_pending && !track->is_pending_told) {
			track->is_pending_told = true;
			fdm_log(FDM_LOG_PENDING, vm->resource, text);
		} else if (track && !is_pending && track->is_pending_told) {
			tell_end(fdm, i, track);
		}
	}
}
