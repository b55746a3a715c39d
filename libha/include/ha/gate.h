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

/* A question that a command has put to the master before it changes the cluster
 * (ha/door.h): a host that is to leave, a reservation that is to grow. */
enum ha_gate_said {
	HA_GATE_SAID_NOTHING,
	HA_GATE_SAID_NO,
	HA_GATE_SAID_YES,
};

struct ha_gate_asked {
	enum ha_gate_said said;
	/* The cluster shows what it asks for: that counts by itself. */
	bool is_committed;
	/* A master before this one may have said yes, and the yes may be on its
	 * way. */
	bool is_inherited;
	uint64_t seen_ms; /* by this master, first */
};

struct ha_gate_duty {
	bool is_judged;  /* now: it has no answer */
	bool is_counted; /* in every other judgement, as if it were done */
	bool is_over;    /* nobody waits any more; it is taken away */
};

/* The lock between a yes and its commit. Commands are answered before power-ons
 * are judged, since these can wait; what is counted goes before both. */
struct ha_gate_duty ha_gate_asked(const struct ha_gate_asked *asked,
				  uint64_t now_ms, uint64_t hold_ms);

/* Two sentences that differ in nothing but whole numbers: not worth another
 * write of the CIB. */
bool ha_gate_is_same_text(const char *a, const char *b);

#endif
