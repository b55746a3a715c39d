/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tickets that wait (for their wave, a retry, room) are the master's to grant.
 * Where there is no master they lapse: any manager that is left grants them
 * (SAFETY 23). None of this is about safety: a ticket binds nobody, the VM
 * lists do.
 */
#ifndef HA_LAPSE_H
#define HA_LAPSE_H

#include <stdbool.h>

struct ha_lapse_facts {
	bool has_cib; /* a copy of the CIB that is kept up to date, in a
			  * partition with quorum */
	/* what heartbeatd says, with has_heartbeat */
	bool has_heartbeat;
	bool is_quorate;
	bool has_master; /* a member says that it is */
	/* Pacemaker's word on a master, for who can't read beats: another
	 * manager, whose heartbeatd answers, may be it. */
	bool is_other_able;
};

/* Is there no master, so that the time runs after which waits lapse? In doubt
 * not: whoever sees more decides. */
bool ha_lapse_runs(const struct ha_lapse_facts *facts);

/* One gated VM, by the newest copy of the CIB. */
struct ha_lapse_vm {
	bool has_ticket, is_granted;
	bool is_waiting;     /* revoked for order, retries or room */
	bool is_powered_off; /* revoked for its user */
	bool is_kept_off;    /* it was off when the power failed: nobody but its
			      * user may free it */
	bool is_bound;       /* a list or a hold stands against it, by a look
			      * that is not old */
};

/* Is its ticket to be granted when waits lapse? is_last: no manager is left
 * that could do it later. */
bool ha_lapse_wants(const struct ha_lapse_vm *vm, bool is_last);

#endif
