/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What restart.c and restart_depend.c both make of one VM's facts, by itself:
 * the order of restarts, its levels and slots, is not known here.
 */
#ifndef HA_RESTART_FACTS_H
#define HA_RESTART_FACTS_H

#include "ha/restart.h"

/* What becomes of a VM that is not ready, worst last. */
enum ha__fate {
	HA__FATE_COMING,   /* runs, starts, or will as soon as it is its turn */
	HA__FATE_PAUSED,   /* waits for its retry, or for room */
	HA__FATE_HOPELESS, /* nothing under way brings it up */
};

/* When a wait is over; a time ahead of now is of another clock: at once. */
static inline uint64_t
ha__restart_end(uint64_t from_ms, uint64_t wait_ms, uint64_t now_ms)
{
	if (from_ms > now_ms) {
		return 0;
	}
	return wait_ms > HA_RESTART_NEVER - from_ms ? HA_RESTART_NEVER :
						      from_ms + wait_ms;
}

/* When it is ready and its extra wait is over; NEVER: not known. */
uint64_t ha__restart_ready_at(const struct ha_restart_vm *vm, uint64_t now_ms);

/* When its attempt has been under way for too long. */
uint64_t ha__restart_overdue_at(const struct ha_restart_vm *vm,
				const struct ha_restart_rules *rules,
				uint64_t now_ms);

/* When it may be tried again. */
uint64_t ha__restart_retry_at(const struct ha_restart_vm *vm,
			      const struct ha_restart_rules *rules,
			      uint64_t now_ms);

/* What its own facts say; MAY_START: nothing of its own is in the way. */
enum ha_restart_why ha__restart_own(const struct ha_restart_vm *vm,
				    const struct ha_restart_rules *rules,
				    uint64_t now_ms);

/* work[].fate of each VM, with all that it depends on. */
void ha__restart_fates(const struct ha_restart_vm *vms, size_t count,
		       const struct ha_restart_rules *rules, uint64_t now_ms,
		       struct ha_restart_work *work);

#endif
