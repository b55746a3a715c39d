/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From heartbeats that hosts tell of to VMs that are ready. A VM that does not
 * run is not ready, and what was told of it then is of a process that has
 * ended: its next one must be heard anew.
 */
#include "FaultDomain/restart.h"

static void
look_at(struct fdm_track *track, const struct fdm_vm *vm, uint64_t now_ms)
{
	bool is_ready;

	if (!track->was_running && vm->ready_mark != 0) {
		track->old_mark = vm->ready_mark;
	}
	is_ready = track->was_running && vm->ready_mark != 0 &&
		   vm->ready_mark != track->old_mark;
	if (is_ready && !track->is_ready) {
		track->ready_since_ms = now_ms;
	}
	track->is_ready = is_ready;
}

void
fdm_restart_ready(struct fdm_restart *restart, const struct fdm_facts *facts,
		  uint64_t now_ms)
{
	for (guint i = 0; i < facts->vms->len; i++) {
		const struct fdm_vm *vm =
			&g_array_index(facts->vms, struct fdm_vm, i);
		struct ha_restart_vm *one =
			&g_array_index(restart->vms, struct ha_restart_vm, i);
		struct fdm_track *track =
			g_hash_table_lookup(restart->tracks, vm->resource);

		if (track && fdm_has_heartbeat(one)) {
			look_at(track, vm, now_ms);
			one->is_ready = track->is_ready;
			one->ready_since_ms = track->ready_since_ms;
		}
	}
}

bool
fdm_has_heartbeat(const struct ha_restart_vm *vm)
{
	return vm->ready == HA_READY_GUEST || vm->ready == HA_READY_APP;
}
