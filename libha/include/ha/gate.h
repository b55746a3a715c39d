/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Admission control at a cluster that runs: which virtual machines have to be
 * admitted before they may start, in which order they are judged, and what
 * becomes of the reservation of one that is on. The judging itself is
 * ha/admission.h. Must never ask for the admission of what runs, or of a
 * restart after a failure, and never take back what was admitted (SAFETY 21).
 * Pure.
 */
#ifndef HA_GATE_H
#define HA_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/inventory.h"

/* vmha-reason of a ticket that is not granted since its machine was refused. */
#define HA_GATE_REASON "waits-for-admission"

struct ha_gate_vm {
	bool has_ticket;
	bool is_granted;
	bool is_unwritten; /* no vmha-state: vmha has never written it */
	bool is_off;       /* its vmha-state: its user had powered it off */
	bool is_refused;   /* its vmha-reason is HA_GATE_REASON */
	/* The protected list: it was read, and says protected. */
	bool is_list_read, is_on_list;
};

/* By ticket and list: does it have to be admitted before it starts? What runs
 * or may run anywhere is never asked about. */
bool ha_gate_needs(const struct ha_gate_vm *vm);

enum ha_gate_state {
	HA_GATE_OPEN,    /* it needs no admission */
	HA_GATE_PENDING, /* not judged yet: its ticket stays as it is */
	HA_GATE_ADMITTED,
	HA_GATE_REFUSED,
};

/* May it be started, as far as admission goes? */
bool ha_gate_is_open(enum ha_gate_state state);

/* Who is judged first: priority, then name. As strcmp(). */
int ha_gate_order(const struct ha_inv_vm *a, const struct ha_inv_vm *b);

struct ha_gate_reserved {
	uint64_t cpu_mhz, memory_mb;
};

enum ha_gate_change {
	HA_GATE_KEEP,    /* what is admitted is what is reserved */
	HA_GATE_LOWER,   /* never refused */
	HA_GATE_RAISE,   /* to be judged */
	HA_GATE_UNKNOWN, /* it is on, and was never admitted */
};

/* Of a machine that is on; admitted NULL: never. ret_least: what holds in any
 * case, the smaller of each. */
enum ha_gate_change ha_gate_change(const struct ha_gate_reserved *admitted,
				   const struct ha_gate_reserved *wanted,
				   struct ha_gate_reserved *ret_least);

/* Two sentences that differ in nothing but whole numbers: not worth another
 * write of the CIB. */
bool ha_gate_is_same_text(const char *a, const char *b);

#endif
