/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Order and retries of restarts, as vmha-fdmd sees them: the configuration and
 * Pacemaker's history become what ha_restart_judge() wants, and its verdicts
 * become rows that wait. Every vmha-fdmd does this all the time; the master
 * alone writes tickets. What must outlive a master stands in the tickets
 * (vmha-attempt), what may begin anew is kept here.
 */
#ifndef FAULT_DOMAIN_RESTART_H
#define FAULT_DOMAIN_RESTART_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "FaultDomain/facts.h"
#include "FaultDomain/snap.h"
#include "ha/restart.h"

/* What is known of a VM beyond one look. */
struct fdm_track {
	bool is_known;
	bool was_wanted; /* by its user */
	bool was_running;
	bool was_granted;
	bool is_up, is_busy; /* on a node that lives, by the history */
	bool is_down;        /* it is to run and does not: an incident */
	bool by_user;        /* its user started it, nothing has failed */
	bool is_starting;
	bool is_foreseen; /* its host has left, and is not proven dead */
	bool has_no_room;
	uint32_t attempts;
	uint64_t old_failures; /* of starts, before this incident */
	uint64_t granted_ms, failed_ms, since_ms, runs_since_ms;
	uint64_t quiet_ms; /* since when Pacemaker does nothing for it */
	uint64_t clean_ms; /* its failures are being cleared since; 0: not */
};

struct fdm_restart {
	/* the configuration; one entry for each VM of the facts, in order */
	struct ha_restart_rules rules; /* concurrent_max: for each host */
	GArray *vms;                   /* of struct ha_restart_vm */
	GArray *priorities; /* of enum ha_restart_priority, as configured */
	GPtrArray *depends; /* of GArray of size_t */
	GPtrArray *errors;  /* sentences: what of it can't be kept */
	bool has_order;     /* somebody may have to wait for somebody */
	/* seen by the last judge */
	bool has_down; /* a VM is to run and does not */
	/* working memory */
	GHashTable *tracks; /* resource -> struct fdm_track */
	struct ha_restart_level_memory memory[HA_RESTART_PRIORITY_N];
	GArray *verdicts; /* of struct ha_restart_verdict, as vms */
	uint64_t due_ms;  /* to be judged again then, at the latest */
};

struct fdm_restart *fdm_restart_new(void);
void fdm_restart_free(struct fdm_restart *restart); /* NULL is fine */

/* restart_policy.c. Of each new copy of the CIB; the rows of the old one must
 * not be judged any more. */
void fdm_restart_configure(struct fdm_restart *restart,
			   const struct fdm_facts *facts);

/* Rows of all gated VMs of these very facts: which of them wait. */
void fdm_restart_judge(struct fdm_restart *restart,
		       const struct fdm_facts *facts,
		       const struct fdm_snap *snap, GArray *rows,
		       uint64_t now_ms);

/* restart_text.c. Why it waits, and for whom: "waits for priority high: db1 is
 * not ready (since 12 s, at most 600 s)"; "" when it does not wait. */
void fdm_restart_text(const struct fdm_restart *restart,
		      const struct fdm_facts *facts, const char *resource,
		      uint64_t now_ms, char *ret_text, size_t size);

#endif
