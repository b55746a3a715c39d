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
#include "ha/crash.h"
#include "ha/restart.h"
#include "ha/restarted.h"

/* What is known of a VM beyond one look. */
struct fdm_track {
	bool is_known;
	bool was_wanted; /* by its user */
	bool is_to_run;  /* the same, or judged so */
	bool was_running;
	bool was_granted;
	bool is_up, is_busy; /* on a node that lives, by the history */
	bool is_down;        /* it is to run and does not: an incident */
	bool by_user;        /* its user started it, nothing has failed */
	/* Its user has stopped it, and wants it again perhaps, while it was up;
	 * until it is seen up, wanted and with nothing under way. */
	bool is_called_off;
	bool is_starting;
	bool is_foreseen; /* its host has left, and is not proven dead */
	bool has_no_room;
	bool is_pending_told; /* the log has it */
	uint32_t attempts;
	uint64_t told_attempt;  /* by its ticket, while it ran */
	uint32_t foreseen_slot; /* of that host */
	uint64_t old_failures;  /* of starts, before this incident */
	uint64_t seen_failures; /* of starts, on seen_hosts, at the last look */
	uint64_t seen_hosts;
	/* a start has failed that nobody let go; 0: none has */
	uint64_t late_ms;
	bool is_late_counted;
	uint64_t granted_ms, failed_ms, since_ms, runs_since_ms;
	uint64_t quiet_ms; /* since when Pacemaker does nothing for it */
	bool is_ready;     /* its heartbeat is good */
	uint64_t old_mark; /* the one of a process that has ended */
	uint64_t ready_since_ms;
	uint64_t pending_ms; /* with has_no_room: since then */
	uint64_t seen_nodes; /* where it was at the last look */
	uint64_t seen_rooms; /* what its failures were last cleared for */
	uint64_t clean_ms;   /* its failures are being cleared since; 0: not */
	struct ha_crash crash;
	struct ha_restarted restarted;
};

struct fdm_row;

struct fdm_restart {
	/* the configuration; one entry for each VM of the facts, in order */
	struct ha_restart_rules rules; /* concurrent_max: for one host */
	GArray *vms;                   /* of struct ha_restart_vm */
	GArray *priorities; /* of enum ha_restart_priority, as configured */
	GPtrArray *depends; /* of GArray of size_t */
	GPtrArray *errors;  /* sentences: what of it can't be kept */
	bool has_order;     /* somebody may have to wait for somebody */
	/* seen by the last judge */
	bool has_down;         /* a VM is to run and does not */
	bool is_watching;      /* an attempt that may come to nothing */
	uint64_t copy_ms;      /* the newest copy of the CIB came then */
	uint64_t online_nodes; /* by the CIB */
	uint64_t open_nodes;   /* that may start something */
	uint64_t utilization;  /* of the facts */
	/* How often there was more room, or may have been: a host has come, a
	 * VM has left one, utilization has changed. */
	uint64_t rooms;
	/* working memory */
	GHashTable *tracks; /* resource -> struct fdm_track */
	struct ha_restart_level_memory memory[HA_RESTART_PRIORITY_N];
	GArray *verdicts;       /* of struct ha_restart_verdict, as vms */
	uint64_t due_ms;        /* to be judged again then, at the latest */
	const char *ending;     /* judged as stopped: its agent says so; NULL */
	bool is_ending_by_user; /* and as if its user wanted it again */
};

/* Its turn has come, and no verdict makes it wait. */
#define FDM_CLEANING_TEXT "failures of earlier starts are being cleared"

struct fdm_restart *fdm_restart_new(void);
void fdm_restart_free(struct fdm_restart *restart); /* NULL is fine */

/* restart_policy.c. Of each new copy of the CIB; the rows of the old one must
 * not be judged any more. */
void fdm_restart_configure(struct fdm_restart *restart,
			   const struct fdm_facts *facts, uint64_t now_ms);

/* Rows of all gated VMs of these very facts: which of them wait. */
void fdm_restart_judge(struct fdm_restart *restart,
		       const struct fdm_facts *facts,
		       const struct fdm_snap *snap, GArray *rows,
		       uint64_t now_ms);

/* By its ticket: its user has stopped it, and may start it again before it
 * counts as powered off. It goes on waiting for its turn then (ended.c), and
 * keeps its room. */
bool fdm_restart_is_kept(const struct fdm_vm *vm);

/* restart_ready.c. Heartbeats into the VMs, once their tracks are of now. */
void fdm_restart_ready(struct fdm_restart *restart,
		       const struct fdm_facts *facts, uint64_t now_ms);
/* Is its ready condition one? */
bool fdm_has_heartbeat(const struct ha_restart_vm *vm);
/* restart_nodes.c */
uint32_t fdm_restart_count_live(const struct fdm_snap *snap);
uint64_t fdm_restart_live_nodes(const struct fdm_facts *facts,
				const struct fdm_snap *snap);
uint64_t fdm_restart_online_nodes(const struct fdm_facts *facts);
/* Those that may start something. */
uint64_t fdm_restart_open_nodes(const struct fdm_facts *facts, uint64_t live);
/* Pacemaker starts or fences something. */
bool fdm_restart_is_working(const struct fdm_facts *facts, uint64_t live);

/* restart_room.c. Has capacity changed since the last look? */
void fdm_room_look(struct fdm_restart *restart, const struct fdm_facts *facts,
		   uint64_t open_nodes);
/* The same of one VM. */
void fdm_room_look_at(struct fdm_restart *restart, struct fdm_track *track,
		      const struct fdm_vm *vm);
/* No host has room for it: are failures in its way that may be old? */
bool fdm_room_is_to_be_cleaned(const struct fdm_restart *restart,
			       struct fdm_track *track, const struct fdm_vm *vm,
			       uint64_t now_ms);
/* Since when no host has room for that VM of the facts; 0: one has. */
uint64_t fdm_room_pending_ms(const struct fdm_restart *restart,
			     const struct fdm_facts *facts, guint index);

/* restart_crash.c: crashes of a VM on a host that lives. Before what has
 * happened is judged; track->is_up is set. */
void fdm_crash_look(const struct fdm_restart *restart, struct fdm_track *track,
		    const struct fdm_vm *vm, const struct fdm_row *row,
		    uint64_t live_nodes, uint64_t now_ms);
bool fdm_crash_is_ending(const struct fdm_restart *restart,
			 const struct fdm_vm *vm);
/* For who stops it: what is known of its crash. */
enum fdm_crash_state {
	FDM_CRASH_NONE, /* it has not crashed, or is being started */
	FDM_CRASH_UP,   /* it runs, as far as is known */
	FDM_CRASH_DOWN, /* it has, and is to wait or to be given up */
};
enum fdm_crash_state fdm_crash_state(const struct fdm_restart *restart,
				     const char *resource);
/* It runs (again). */
void fdm_crash_is_over(struct fdm_track *track);
/* Its attempts begin anew. */
void fdm_crash_forget(struct fdm_track *track);

/* restart_text.c. Why it waits, and for whom: "waits for priority high: db1 is
 * not ready (since 12 s, at most 600 s)"; "" when it does not wait. */
void fdm_restart_text(const struct fdm_restart *restart,
		      const struct fdm_facts *facts, const char *resource,
		      uint64_t now_ms, char *ret_text, size_t size);

/* What a VM that runs lacks of its heartbeat, "is not ready: ..."; NULL: nothing,
 * or its ready condition is none. */
const char *fdm_restart_lack(const struct fdm_facts *facts,
			     const struct ha_restart_vm *vm);

#endif
