/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha-fdmd, the fault domain manager of one host. On the host that Pacemaker
 * has promoted (until then: the DC's) it is the
 * master: it makes tickets follow lists and holds (SAFETY section 5). On every
 * host it answers fence_vmha (hold, may-hold), people (status, vm), and drives
 * the isolation responder. One thread decides; libcib and heartbeatd have a
 * thread each. It must never write without quorum, never grant what a list or
 * hold binds, and never hold in the CIB what is not on disk first.
 *
 * Answers on HA_IPC_FDM_PATH, beside those that ha/ipc.h tells. Ages are
 * milliseconds, null where there is none:
 *
 *  "ping"    ok: the main loop runs; "promoted"
 *  "promote", "demote": the agent's word; a new daemon is not promoted
 *  "status"  [from: index of the first VM; default 0]
 *   "host", "version", "pid"
 *   "state"    "master", "standby" (another host is), "waiting" (it is this
 *              host's turn and it can't be: "why"), "no-heartbeat", "no-cib"
 *   "why"      sentence to the state, "" where nothing is wrong
 *   "is_master", "term" (of the newest master known), "master" (its host),
 *   "dc", "have_quorum"
 *   "election": {"as": "promoted", "interim" (the DC, until one is promoted) or
 *              "", "host": who acts, "promotable": the clone is, "promoted":
 *              this host, "stands", "why" it does not, "score", "stores"}
 *   "cib":     {"connected", "why", "version", "copy_age_ms", "copies"}
 *   "heartbeat": {"there", "why", "age_ms", "quorate", "can_write",
 *              "can_read", "sealed", "seal_why", "holds_read"}
 *   "isolation": as responder.h tells
 *   "protected_list": {"read", "age_ms", "term", "generation", "count", "why"
 *              (it can't be read or written)}
 *   "restart": {"errors": [sentences: what of the configuration is not kept]}
 *   "pending": [{"resource", "since_ms" (for so long), "text"}]: may be started,
 *              and no host has room; the first 64
 *   "plan":    by the master: {"written": Pacemaker has it, "why" it has not,
 *              "homeless": [{"resource", "host", "text"}]: who would not come
 *              back, or not where planned, "age_ms" of the last write}
 *   "admission": by the master: {"policy", "guarantee", "host_failures",
 *              "state": "green", "red", "disabled" or "unknown", "why",
 *              "help", "refused": [{"resource", "text", "help"}], "marked"
 *              (they run with more than was admitted): [{"resource", "text"}],
 *              "errors": [sentences: what can't be counted as it stands]};
 *              at most 50 of each, "vms" have all; by every host:
 *              "warnings": [sentences of performance_degradation]
 *   "found":   what runs here against Pacemaker and the lists (ha/found.h):
 *              {"look_age_ms", "foreign": QEMUs of no resource, "why" (no look
 *              succeeds), "vms": [{"resource", "kind", "age_ms", "pid",
 *              "domain", "uuid", "other": host, ""}]}
 *   "hosts":   [{"name", "state", "member", "gone", "fresh", "quorate",
 *              "master", "isolated", "sealed", "incarnation",
 *              "list_generation", "list_read", "holds" (in force, that name it
 *              as owner), "pacemaker": "online", "offline", "forgotten" (off,
 *              and Pacemaker takes it for cleanly off) or "unknown",
 *              "forbids": null or {"resource", "why", "text"} (SAFETY 16),
 *              "fence_asked_age_ms" (Pacemaker was asked to fence it),
 *              "report": null or {"state": ha_hostreport_name(),
 *              "since_age_ms", "reporter": a host, "evidence": sentence,
 *              "maintenance"}}]
 *   "vms":     [VM], "next_vm": present when the packet was full
 *   VM = {"resource", "uuid" or null, "gated", "nested",
 *         "ticket": {"there", "granted", "state", "reason", "owner", "term",
 *              "attempt"},
 *         "waits": null, or why it has to wait (restart_text.c),
 *         "pending": null, or why no host can take it though it may start,
 *         "priority", "ready_condition": as configured,
 *         "ready": null where that is no heartbeat, "not_ready": null, or what
 *              is missing of the heartbeat of a VM that runs,
 *         "admission": null, or {"state": "admitted", "refused",
 *              "not-admitted" (it runs without), "raise-refused" (more is
 *              reserved than was admitted), "text", "help", "cpu_mhz",
 *              "memory_mb": as admitted},
 *         "granted", "reason", "text", "owner": what lists and holds say now;
 *         null without heartbeatd,
 *         "listed": [{"host", "state", "member", "gone", "sealed", "read"}],
 *         "holds": [{"kind", "owner", "owner_incarnation",
 *              "owner_generation", "term", "by", "lifted"}],
 *         "active": [names of nodes where Pacemaker takes it for active],
 *         "failed": Pacemaker keeps a failure of it,
 *         "protection": null without a gate, else {"state": "protected",
 *              "being-protected", "powering-off", "powered-off", "was-off",
 *              "unmanaged", "refused" or "unknown" (the list was not read),
 *              "on_disk":
 *              "none", "protected" or "off"}}
 *  "power-on" resource -> it may run, though it was kept off at a cold start, or
 *            waits after failures
 *  "ended"   resource, [gone] -> "kept": 1 if it has to wait after a crash
 *  "vm"      resource -> VM, "sentence", "missing": [sentences: what must
 *            happen before it may be started; empty: nothing]
 */
#ifndef FAULT_DOMAIN_FDM_H
#define FAULT_DOMAIN_FDM_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "FaultDomain/admit.h"
#include "FaultDomain/capacity.h"
#include "FaultDomain/election.h"
#include "FaultDomain/facts.h"
#include "FaultDomain/prefer.h"
#include "FaultDomain/fdm_timeouts.h"
#include "FaultDomain/protect.h"
#include "FaultDomain/responder.h"
#include "FaultDomain/ready.h"
#include "FaultDomain/restart.h"
#include "FaultDomain/snap.h"
#include "FaultDomain/states.h"
#include "FaultDomain/stock.h"
#include "FaultDomain/use.h"
#include "FaultDomain/worker.h"
#include "ha/cib.h"
#include "ha/gate.h"
#include "ha/ipc.h"
#include "ha/protect.h"
#include "ha/ticket.h"

#define FDM_PROGRAM "vmha-fdmd"
#define FDM_CLIENTS 64u

/* What lists and holds say about one gated VM. */
struct fdm_row {
	const struct fdm_vm *vm;
	struct ha_ticket_verdict verdict;
	const struct fdm_host *owner; /* NULL: nobody */
	const struct fdm_hold *lift;  /* with wants_lift */
	/* A list that nobody can read may name it: its ticket stays as it
	 * is. */
	bool is_unsure;
	bool is_listed_here; /* on a member, and not released */
	/* Its host has left, and is not proven dead (restart.c): its turn is
	 * judged, and its ticket may be revoked, not granted. */
	bool is_foreseen;
	/* Order and retries (restart.c): nothing binds it, and it waits. */
	bool waits;
	enum ha_restart_why waits_why;
	bool wants_cleanup; /* of failures, that keep it down */
	bool is_left; /* waiting, and unmanaged or stopped: stays as it is */
	uint64_t attempt;      /* for its ticket */
	bool is_crash;         /* they are those after crashes */
	uint64_t not_before_s; /* the whole wait for a retry */
	/* Protection (protect.c). */
	enum ha_protect_gate gate;
	enum ha_protect_entry entry; /* that the list should have */
	enum ha_protect_shown shown;
	bool is_early; /* no ticket, and the list is not read yet */
	/* Admission (admit.h). */
	enum ha_gate_state admission;
	const char *refusal; /* REFUSED: the sentence */
	bool has_reserved;   /* to stand in its ticket */
	struct ha_gate_reserved reserved;
	uint32_t admitted_host; /* of the stock; HA_INV_NONE: none */
};

/* A hold that has ended, of a VM without a row. */
struct fdm_orphan {
	const struct fdm_hold *lift;
	enum ha_ticket_why why;
};

enum fdm_step {
	FDM_STEP_IDLE,
	FDM_STEP_DISK, /* a hold or a lift is being flushed */
	FDM_STEP_CIB,  /* an update is under way */
};

struct fdm_master {
	uint64_t term;           /* 0: not master */
	uint64_t lease_until_ms; /* with heartbeatd */
	uint64_t lease_seq;      /* the membership that it was given in */
	uint64_t ask_ms;         /* next renewal */
	uint64_t asked_ms;       /* of the one under way */
	bool is_asking;
	uint64_t asked_seq; /* membership that it was about */
	uint64_t outbid_ms; /* before then no term is taken at once again */
	/* tickets to be written, each as text, once the members have said that
	 * they are there since then, in that membership; NULL: none */
	GHashTable *wanted;
	uint64_t wanted_ms;
	uint64_t wanted_seq;
	bool is_confirmed; /* they have */
	enum fdm_step step;
	uint32_t pending;  /* commands of FDM_STEP_DISK */
	uint64_t retry_ms; /* nothing is begun before */
	uint64_t min_snap; /* facts must be newer than the last step */
	uint64_t min_copy;
	uint64_t min_copy_ms; /* waits for it no longer than to then */
	uint64_t unseal_ms;
	GPtrArray *granting;    /* names: of the update under way */
	bool is_rejected;       /* the last update of tickets was */
	char told[HA_ERR_TEXT]; /* last logged reason of not being master */
};

/* A host that vanished. */
struct fdm_vanished {
	uint64_t since_ms;
	uint64_t asked_ms; /* 0: Pacemaker was not asked to fence it */
};

/* What VMs need of this host (lacks.c). */
struct fdm_lacks {
	uint64_t due_ms;
	uint64_t copy; /* looked at: of the CIB */
	guint subject;
	bool is_looking;
};

struct fdm_server;
struct fdm_request;
struct fdm_found;
struct fdm_guests;

struct fdm {
	GMainContext *context;
	GMainLoop *loop;
	bool is_ending;
	/* the CIB */
	struct ha_cib *cib;
	bool has_cib;
	char cib_why[HA_ERR_TEXT];
	struct fdm_facts *facts; /* NULL before the first copy */
	uint64_t copies;
	uint64_t copy_ms;
	uint64_t watch_ms; /* a copy is asked for not before */
	/* heartbeatd */
	struct fdm_worker *worker;
	struct fdm_snap *snap; /* NULL before the first one */
	bool told_there;
	bool was_told;
	/* both together; NULL without one of them */
	GArray *rows; /* of struct fdm_row */
	struct fdm_restart *restart;
	struct fdm_protect *protect;
	char restart_told[HA_ERR_TEXT]; /* last logged fault of the policy */
	uint64_t master_ms;             /* a master was seen then; 0: not yet */
	GPtrArray *backs; /* of struct fdm_back: owed to clients */
	GPtrArray *ends;  /* of struct fdm_end (ended.c): the same */
	struct fdm_master master;
	struct fdm_election election;
	struct fdm_capacity capacity;
	struct fdm_use use;
	GHashTable *vanished; /* host -> struct fdm_vanished */
	GHashTable *states;   /* host -> struct fdm_state (states.c) */
	GHashTable *away;     /* host that is no member -> uint64_t since */
	GHashTable *refused;  /* resource -> uint64_t: cleaned up not before */
	GHashTable *failed;   /* the same, before its next attempt */
	GPtrArray *requests;  /* of struct fdm_request: owed to clients */
	struct fdm_server *server;
	/* told to heartbeatd */
	char *told_tickets;
	uint64_t told_copy;
	uint64_t tell_ms;
	int told_isolated; /* -1: not since it was restarted */
	bool is_telling_isolated;
	struct fdm_found *found;
	struct responder *responder;
	uint64_t responder_ms;
	struct fdm_guests *guests;
	struct fdm_lacks lacks;
	struct fdm_ready *ready;
	struct fdm_stock *stock;
	struct fdm_prefer *prefer;
	struct fdm_admit *admit;
	uint32_t children;
};

/* ---- daemon.c ----------------------------------------------------------- */

/* heartbeatd has answered, not long ago. */
bool fdm_has_snap(const struct fdm *fdm, uint64_t now_ms);
/* A copy of the CIB that is kept up to date. */
bool fdm_has_facts(const struct fdm *fdm);

/* ---- project.c ---------------------------------------------------------- */

/* Rows of all gated VMs. */
GArray *fdm_project(const struct fdm_facts *facts, const struct fdm_snap *snap);
/* Holds that ended and that no row judges, of struct fdm_orphan. */
GArray *fdm_orphans(const struct fdm_facts *facts, const struct fdm_snap *snap);
const struct fdm_row *fdm_row_find(const struct fdm *fdm, const char *resource);
bool fdm_is_listed_as(const struct ha_listed_vm *listed,
		      const struct fdm_vm *vm);
bool fdm_is_held_as(const struct fdm_hold *hold, const struct fdm_vm *vm);
/* Of all of the snapshot: is it in force, and does it name this VM? */
bool fdm_hold_is_effective(const struct fdm_snap *snap,
			   const struct fdm_hold *hold);
/* A migration from or to that host of which its list does not tell and whose
 * end Pacemaker's history does not tell; NULL: none. */
const struct fdm_migration *fdm_open_migration(const struct fdm_facts *facts,
					       const struct fdm_host *host);
/* Holds in force that name this very incarnation of the host. */
uint32_t fdm_holds_of(const struct fdm_snap *snap, const struct fdm_host *host);

/* May it be started, by lists, holds, order and retries? */
bool fdm_row_is_granted(const struct fdm_row *row);
/* By admission control, and by nothing else. */
bool fdm_row_is_refused(const struct fdm_row *row);
/* By a list or a hold, and not only until its host is proven dead. */
bool fdm_row_is_bound(const struct fdm_row *row);

/* ---- tickets.c ---------------------------------------------------------- */

/* Does the CIB's ticket differ from what the row wants under this term? */
bool fdm_ticket_differs(const struct fdm_row *row, uint64_t term);
/* The ticket as it would be written, without the time. */
char *fdm_ticket_text(const struct fdm_row *row, uint64_t term);
/* One update, all of it: begin, rows, end. */
GString *fdm_tickets_begin(void);
void fdm_tickets_add(GString *xml, const struct fdm_row *row, uint64_t term);
void fdm_tickets_end(GString *xml);
/* Tells heartbeatd what the local CIB says (SAFETY 19). */
void fdm_tickets_tell(struct fdm *fdm, uint64_t now_ms);

/* ---- master.c, duty.c ---------------------------------------------------- */

void fdm_master_tick(struct fdm *fdm, uint64_t now_ms);
/* Gives the term up, before the end. */
void fdm_master_end(struct fdm *fdm, const char *why);
/* Why this host is not master; "" while nothing stands in its way. */
void fdm_master_why(const struct fdm *fdm, uint64_t now_ms, struct ha_err *why);
bool fdm_master_may_write(const struct fdm *fdm, uint64_t now_ms);
/* Asks for the next lease, when that is due. */
void fdm_master_keep_lease(struct fdm *fdm, uint64_t now_ms);
/* grant.c: all tickets that differ. */
void fdm_grant_write(struct fdm *fdm, uint64_t now_ms);
/* Why it waits, into the log. */
void fdm_grant_tell_wait(const struct fdm *fdm, const struct fdm_row *row,
			 uint64_t now_ms);
/* Hosts that may unseal, and those that vanished. Master alone. */
void fdm_duty_unseal(struct fdm *fdm, uint64_t now_ms);
void fdm_duty_vanished(struct fdm *fdm, uint64_t now_ms);
/* Failures that would keep Pacemaker from starting it. */
void fdm_duty_cleanup(struct fdm *fdm, const char *resource);
/* VMs that are granted and stay down where heartbeatd refused their start. */
void fdm_duty_refused(struct fdm *fdm, uint64_t now_ms);
/* VMs whose next attempt is due and that still have failures. */
void fdm_duty_failed(struct fdm *fdm, uint64_t now_ms);
/* Hosts that are away, since when. */
void fdm_duty_away(struct fdm *fdm, uint64_t now_ms);
/* Is it time to hold its VMs? At once where it is sealed; one that may be dying
 * is given the time to be proven dead, so that a death costs no hold. Until then
 * its list alone keeps its VMs from running twice. */
bool fdm_duty_may_hold(const struct fdm *fdm, const struct fdm_host *host,
		       uint64_t now_ms);

/* ---- waits.c: order and retries ------------------------------------------ */

/* Of a new copy of the CIB, before its rows are judged. */
void fdm_waits_configure(struct fdm *fdm);
/* Judges the rows, when that is due or `is_news`. */
void fdm_waits_look(struct fdm *fdm, uint64_t now_ms, bool is_news);
/* Tickets that wait while there is no master for long. */
void fdm_waits_tick(struct fdm *fdm, uint64_t now_ms);
/* Tickets that a manager would grant if there were no master, by the CIB;
 * is_last: at the end of the last one. */
guint fdm_waits_count(const struct fdm *fdm, bool is_last);
/* At the end of this daemon: grants them if it is the last one, and calls
 * `done`; false: it is not. */
bool fdm_waits_end(struct fdm *fdm,
		   void (*done)(void *data, int code, const char *why));
/* fence_vmha is about to say that a host is dead: keeps back all of its VMs
 * that have to wait. Always ok. */
json_t *fdm_op_hold_back(struct fdm *fdm, uint32_t client,
			 const json_t *request);

void fdm_waits_cancel(struct fdm *fdm, uint32_t client);

/* ---- lacks.c ------------------------------------------------------------- */

/* Has the vmha command look, when that is due. */
void fdm_lacks_tick(struct fdm *fdm, uint64_t now_ms);

/* ---- ended.c: a VM that has crashed --------------------------------------- */

/* resource: the agent of this host has stopped it, and says so before Pacemaker
 * hears of it; [gone]: it had ended before. If it has to wait for its next
 * attempt its ticket is revoked now. Always ok. */
json_t *fdm_op_ended(struct fdm *fdm, uint32_t client, const json_t *request);
void fdm_ended_tick(struct fdm *fdm, uint64_t now_ms);
void fdm_ended_cancel(struct fdm *fdm, uint32_t client);

/* ---- pending.c: VMs that no host has room for ----------------------------- */

json_t *fdm_pending_json(const struct fdm *fdm, uint64_t now_ms);
/* NULL: it is not. */
const char *fdm_pending_text(const struct fdm *fdm, const struct fdm_vm *vm,
			     uint64_t now_ms, char *buffer, size_t size);
/* The master's log of them. */
void fdm_pending_tick(struct fdm *fdm, uint64_t now_ms);

/* ---- restarted.c: VMs that run again after a failure ----------------------- */

/* Every look; the master's log of them. */
void fdm_restarted_tick(struct fdm *fdm, uint64_t now_ms);

/* ---- protect_list.c: the protected list ----------------------------------- */

/* On every host, each look: reads it, and as master writes it. */
void fdm_protect_tick(struct fdm *fdm, uint64_t now_ms);
/* resource: its user wants it to run, though it was kept off at a cold start. */
json_t *fdm_op_power_on(struct fdm *fdm, uint32_t client,
			const json_t *request);

/* ---- hold.c: what fence_vmha asks --------------------------------------- */

/* NULL: the answer comes later, by fdm_server_answer(). */
json_t *fdm_op_may_hold(struct fdm *fdm, uint32_t client,
			const json_t *request);
json_t *fdm_op_hold(struct fdm *fdm, uint32_t client, const json_t *request);
void fdm_hold_tick(struct fdm *fdm, uint64_t now_ms);
void fdm_hold_cancel(struct fdm *fdm, uint32_t client);
/* {"op":"hold"/"lift", ...} for heartbeatd, without VMs. */
json_t *fdm_hold_request(const char *op, const char *host, uint64_t incarnation,
			 uint64_t generation, uint64_t term);
void fdm_hold_add(json_t *request, const struct ha_uuid *uuid,
		  const char *resource);
/* SAFETY 16 for that host, by Pacemaker's history. */
struct ha_gated_verdict fdm_gated(const struct fdm_facts *facts,
				  const char *host, const char **ret_resource);

/* ---- status.c, why.c ----------------------------------------------------- */

json_t *fdm_op_status(struct fdm *fdm, uint32_t client, const json_t *request);
json_t *fdm_op_vm(struct fdm *fdm, uint32_t client, const json_t *request);
json_t *fdm_vm_json(const struct fdm *fdm, const struct fdm_vm *vm);

/* ---- isolate.c ----------------------------------------------------------- */

void fdm_isolate_tick(struct fdm *fdm, uint64_t now_ms);

/* ---- guests.c ------------------------------------------------------------ */

/* Guests that shut themselves down (on_guest_shutdown=stop). */
void fdm_guests_begin(struct fdm *fdm);
void fdm_guests_tick(struct fdm *fdm, uint64_t now_ms);

/* ---- server.c ------------------------------------------------------------ */

int fdm_server_open(struct fdm *fdm, struct ha_err *err);
void fdm_server_close(struct fdm *fdm);
void fdm_server_tick(struct fdm *fdm, uint64_t now_ms);
/* Takes the answer over. */
void fdm_server_answer(struct fdm *fdm, uint32_t client, json_t *answer);
json_t *fdm_failed(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- child.c ------------------------------------------------------------- */

/* Runs a program without waiting; `what` names it in the log when it fails. Its
 * output goes nowhere. `done`, which may be NULL, hears of its end. */
void fdm_child_run(struct fdm *fdm, const char *const *argv, uint32_t limit_ms,
		   const char *what,
		   void (*done)(struct fdm *fdm, bool is_good));

#endif
