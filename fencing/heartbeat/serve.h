/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The serving half of vmha-heartbeatd: everything that runs in the main
 * thread. It answers questions, keeps the VM list's rules, follows corosync
 * and logs. It may be slow: no beat and no pet waits for it. It holds
 * hb->lock for copies and decisions only, never while it builds an answer.
 *
 * The answer to "status", which `vmha heartbeat status` and `watch` show.
 * Ages and spans are milliseconds, null where there is none:
 *
 *  "cluster":  name, uuid, stores, write_needed, read_needed, slots, vms,
 *              generation
 *  "timing":   profile, beat_ms, watchdog_ms, tolerance_ms, drift_ppm,
 *              silence_ms
 *  "self":     host, slot, incarnation, boot_id, version, pid, phase,
 *              beat_state, sequence, evidence, evidence_age_ms, pet_age_ms,
 *              corosync, member, quorate, ring_seq, ring ("storage",
 *              "announced", "leased"), sealed, seal_why (word), seal_text
 *              (sentence), isolated, term (newest one known), master_term (0:
 *              not master), master (host's name or null), standing_down,
 *              reset_ordered, mlocked, realtime, vms, list_generation,
 *              list_flushed, can_write, can_read
 *  "watchdog": path, identity, timeout_ms, pretimeout_ms, soft, armed
 *  "stores":   [{index, path, open, working, read_age_ms, written_age_ms,
 *              write_took_ms, read_took_ms, beats, late, errors, error,
 *              device, shares_device}]
 *  "hosts":    [{name, slot, self, state, proof, seen_age_ms, due_in_ms,
 *              incarnation, boot_id, sequence, beat_state, evidence,
 *              flags: ["quorate", "member", "sealed", "ring-mode", ...],
 *              sealed, isolated, master, term,
 *              member, ring_mode, last_member_age_ms, list_count,
 *              list_generation, list_read, ring_seq, stores_ok,
 *              watchdog_ms, stores: [{verdict, sequence, age_ms}]}]
 *              state: ha_hoststate_name()
 *  "next_slot": present when the packet was full: ask again with "from"
 *  "brake":    limit, used, full
 *  "orders":   [{host, kind, nonce}] that stand
 */
#ifndef VMHA_HEARTBEAT_SERVE_H
#define VMHA_HEARTBEAT_SERVE_H

#include <jansson.h>
#include <qb/qbloop.h>
#include <stdbool.h>
#include <stdint.h>

#include "ha/corosync.h"
#include "ha/ipc.h"
#include "ha/ring.h"
#include "ha/vmlock.h"
#include "heartbeat/hb.h"
#include "heartbeat/incoming.h"
#include "heartbeat/protect.h"
#include "heartbeat/release.h"

#define HBS_CLIENTS 64     /* connections at a time; more are turned away */
#define HBS_IDLE_MS 60000u /* a client that asks nothing makes room */
#define HBS_WAITS 64       /* answers that are owed; one per client at most */
#define HBS_TICK_MS 100u
#define HBS_RECONNECT_MS 1000u /* to a corosync that is not there */
#define HBS_ORDER_MS 60000u    /* an order nobody acknowledges is dropped */
#define HBS_ORDERS_KEPT 64     /* order-state knows so many past ones */
#define HBS_ANSWER_MS 10000u   /* a request that names no budget_ms */
#define HBS_BUDGET_MAX_MS 600000u
#define HBS_STOP_MS 20000u       /* a clean stop may take so long */
#define HBS_LEASE_MAX_MS 600000u /* of a master, at a time */
/* The manager of this host tells its tickets each 5 s: after two that did not
 * come it is not there, and what it has said is old. */
#define HBS_TICKETS_FRESH_MS 12000u
#define HBS_HOLDS_MS 1000u  /* how often own holds are looked at: of use? */
#define HBS_HOLDS_A_LOOK 16 /* records; each is held against all others */
#define HBS_OUTBOX 8        /* ring messages that wait for flow control */

enum hbs_wait_kind {
	HBS_WAIT_ANNOUNCE,
	HBS_WAIT_WITHDRAW,
	HBS_WAIT_HOLDS,
	HBS_WAIT_MASTER,
	HBS_WAIT_CONFIRM,
	HBS_WAIT_PROTECT,   /* the protected list, to be written */
	HBS_WAIT_PROTECTED, /* to be read */
	HBS_WAIT_DISARM
};

/* Where an announcement is (SAFETY 12). */
enum hbs_step {
	HBS_GATED,    /* no entry yet: seal or ticket must be settled */
	HBS_FLUSHING, /* copy and beat on w */
	HBS_READING,  /* r datastores, by reads submitted after that */
	HBS_ASKING,   /* outgoing: the target's daemon, for its entry */
	HBS_UNDOING,  /* refused: the entry is being taken back */
};

struct hbs_wait {
	struct hbs_client *client; /* NULL: free */
	enum hbs_wait_kind kind;
	enum hbs_step step;
	uint64_t deadline_ms;
	uint64_t give_up_ms; /* announce: the rest is for taking it back */
	/* announce, withdraw */
	struct ha_uuid uuid;
	char resource[HA_RESOURCE_NAME];
	enum ha_listed_state state;
	uint64_t since_generation; /* withdraw: of that entry alone; 0: any */
	uint64_t ticket_term; /* announce: as the agent has read it; 0: not */
	/* confirm, master: the members are there since then, and of this
	 * membership */
	uint64_t asked_ms;
	uint64_t ring_seq;
	bool is_confirmed; /* master: they are */
	json_t *request;   /* confirm: what is done then */
	json_t *(*run)(struct hbs *s, struct hbs_client *client,
		       const json_t *request);
	bool had_entry; /* before: refused, it becomes this again */
	struct ha_listed_vm before;
	bool must_judge;     /* flushing alone is not enough */
	uint64_t generation; /* that must stand on w */
	uint64_t since_ms;   /* reads submitted from here on count */
	uint64_t term;       /* master: of its claim */
	bool has_looked;     /* such reads were asked for */
	int code;            /* UNDOING: the answer to give */
	/* the other end of a migration */
	bool has_target;           /* outgoing: it is asked first */
	bool is_wish;              /* incoming: that host asks */
	bool has_waited;           /* withdraw: what the agent proved is old */
	uint32_t peer;             /* its slot */
	uint64_t peer_incarnation; /* as it asks, or was asked */
	uint64_t nonce;
	uint64_t send_ms; /* the question is put again then */
	struct ha_err err;
	/* hold, lift, confirm-dead */
	struct ha_hold hold; /* what all of them have in common */
	uint32_t placed, standing;
	/* disarm, arm */
	bool is_down;
	struct ha_hostset todo, given, acked;
	uint64_t nonces[HA_HOSTS_MAX];
	int32_t results[HA_HOSTS_MAX];
};

struct hbs_order {
	uint64_t nonce; /* 0: unused */
	uint32_t host;
	enum ha_order_kind kind;
	uint64_t incarnation;
	uint64_t generation; /* unseal: of the list that is settled */
	uint64_t given_ms;
	bool is_open; /* stands in the beat */
	bool is_acked;
	int32_t result;
};

/* A ticket as the local CIB shows it. */
struct hbs_ticket {
	char resource[HA_RESOURCE_NAME];
	uint64_t term;
};

/* seal.c: what main knows about the seal and this side's claim. */
struct hbs_seal {
	bool was_quorate;    /* in the membership before */
	uint64_t changed_ms; /* membership in the making: since; 0: known */
	uint64_t claim_seq;  /* quorate membership that is claimed */
	struct ha_hostset claim_members;
	uint64_t claim_sequence; /* of the first beat that says so */
	uint64_t claimed_ms;     /* reads from here on tell who else claims; 0:
				  * it does not stand on w yet */
	bool is_told;            /* logged since the daemon began */
	uint32_t told_rival;     /* last logged one */
};

/* master.c: the lease of this host's fault domain manager. */
struct hbs_master {
	uint64_t lease_ms;   /* ends then */
	uint64_t sequence;   /* of the first beat that says so */
	bool is_claimed;     /* stands on w, and nobody else says more */
	uint64_t claimed_ms; /* reads from here on tell who else claims; 0: it
			      * does not stand on w yet */
	uint64_t looks_ms;   /* a term is chosen after reads from here on; 0:
			      * none is wanted */
};

/* What main remembers of a host. */
struct hbs_host {
	uint64_t member_incarnation; /* by its STATE, when last a member */
	uint64_t last_member_ms;     /* 0: never since this daemon began */
	bool is_in;                  /* a member when last looked at */
	uint64_t back_ms; /* when it was a member again; 0: never was away */
	uint64_t member_ring_seq; /* last membership that it was in */
	uint64_t state_ring_seq;  /* last one in which its STATE came */
	uint64_t stopped_ms;      /* first seen STOPPED or NEVER; 0: is not */
	enum ha_proof proof;      /* last logged */
	/* its seal, as the fence agent asked about it first */
	uint64_t sealed_incarnation;
	uint64_t sealed_generation;
	uint64_t sealed_ms;
};

struct hbs_ring {
	struct ha_corosync *corosync; /* NULL: not connected */
	struct ha_corosync_config config;
	struct ha_ring core;
	uint32_t nodeids[HA_HOSTS_MAX]; /* by slot, 0: none */
	uint64_t nonce;
	uint64_t next_connect_ms, next_tick_ms;
	enum ha_ring_mode told;         /* last logged */
	enum ha_ring_mode mode_at_tick; /* before the last tick */
	bool told_quorate;
	bool was_told; /* "corosync is not there" was logged */
	bool owes_state;
	size_t members; /* nodes of the membership, those without slot too */
	bool has_slotless;
	struct ha_ring_msg outbox[HBS_OUTBOX];
	uint32_t outbox_count;
};

struct hbs {
	struct hb *hb;
	qb_loop_t *loop;
	const char *conf_path;
	int signal_fd, listen_fd;
	int exit_code;
	bool is_ending;
	struct hbs_ring ring;
	struct hbs_host hosts[HA_HOSTS_MAX];
	struct hbs_client clients[HBS_CLIENTS];
	struct hbs_wait waits[HBS_WAITS];
	struct hbs_wish wishes[HBS_WISHES];
	struct hbs_order orders[HBS_ORDERS_KEPT];
	struct ha_brake brake;
	uint64_t holds_ms;  /* last look at the own holds */
	uint32_t next_hold; /* to be looked at */
	struct hbs_seal seal;
	struct hbs_master master;
	uint64_t confirm_ms; /* somebody waits until the members have said that
			      * they are there since then; 0: nobody ever */
	struct hbs_ticket tickets[HA_VMS_MAX];
	uint32_t tickets_count;
	uint64_t tickets_ms; /* when they were told */
	/* entries of the own list that were granted by SAFETY 12 */
	struct ha_uuid granted[HA_VMS_MAX];
	uint32_t granted_count;
	struct hbs_protect protect;
};

/* ---- ring.c ------------------------------------------------------------- */

void hbs_ring_init(struct hbs *s);
/* Connects, retries, ticks, publishes; called at least each HBS_TICK_MS. */
void hbs_ring_tick(struct hbs *s);
/* After news of the datastores: sends what can't wait for the next tick. */
void hbs_ring_look(struct hbs *s);
void hbs_ring_done(struct hbs *s);
/* New each time. */
uint64_t hbs_ring_nonce(struct hbs_ring *ring);

/* ---- ring_say.c --------------------------------------------------------- */

void hbs_ring_say_names(const struct hbs *s);
void hbs_ring_say_members(const struct hbs *s);

/* ---- ring_judge.c: hb->lock held ---------------------------------------- */

/* Were r datastores read by reads submitted since then? */
bool hbs_is_read_since(const struct hb *hb, uint64_t since_ms);
/* Never claimed, or stopped cleanly with an empty list (SAFETY 1.5). */
void hbs_out_of_the_way(const struct hbs *s, struct ha_hostset *ret_out);
bool hbs_is_lone(const struct hbs *s);
/* Takes the lock itself: may this host vouch for others? */
bool hbs_is_armed(struct hb *hb);
/* Is it time to ask the members whether they are still there? */
bool hbs_ring_wants_ask(const struct hbs *s, uint64_t now_ms);
/* As the fencing verdict needs it; `out` are those out of the way. */
enum ha_ring_silence hbs_ring_silence(const struct hbs *s, uint32_t slot,
				      const struct ha_hostset *out,
				      uint64_t now_ms, uint64_t *ret_due_ms);
/* Was the host a member after the incarnation that storage shows must have
 * been dead, without a word of its daemon? It runs on unguarded, whatever
 * storage proves about the incarnation. */
bool hbs_host_is_unguarded(const struct hbs *s, uint32_t slot,
			   const struct ha_watch_verdict *verdict);
/* Is the newest incarnation of the host proven gone, storage and ring
 * together (SAFETY 1.3 to 1.6)? */
bool hbs_host_is_gone(const struct hbs *s, uint32_t slot,
		      const struct ha_hostset *out, uint64_t now_ms);

/* Is its newest beat on r datastores by reads submitted since then, by itself
 * and not as a torn block that may hide a newer one? */
bool hbs_is_beat_read(const struct hb *hb, uint32_t slot, uint64_t since_ms);
/* Its newest beat says "armed", was read on r, and is not older than a late
 * beat would be. */
bool hbs_is_beat_fresh(const struct hb *hb, uint32_t slot, uint64_t now_ms);
/* Is the list that its newest beat names here? */
bool hbs_is_list_read(const struct hb *hb, uint32_t slot);
/* What ha_fencing_is_gone() says of that very incarnation. */
bool hbs_incarnation_is_gone(const struct hbs *s, uint32_t slot,
			     uint64_t incarnation, uint64_t now_ms);

/* ---- holds.c: hb->lock held --------------------------------------------- */

/* The hold list of a host that is known here, this host's own too; NULL: it
 * has no name, or the list that its newest beat names is not here. */
const struct ha_hold_list *hbs_holds_of(const struct hb *hb, uint32_t slot);
/* By resource, or by uuid. */
bool hbs_hold_is_same_vm(const struct ha_hold *a, const struct ha_hold *b);
/* Its owner has no slot any more: binds nobody. */
bool hbs_hold_is_orphan(const struct hb *hb, const struct ha_hold *hold);
/* By any list, or any that stands on w. */
bool hbs_hold_is_lifted(const struct hb *hb, const struct ha_hold *hold,
			bool must_be_flushed);
/* An OWNER hold on the VM, not lifted, in the name of `owner`, for an
 * incarnation later than `gone_incarnation`; NULL. */
const struct ha_hold *hbs_hold_find(const struct hb *hb,
				    const struct ha_uuid *uuid,
				    const char *resource, uint32_t owner,
				    uint64_t gone_incarnation);
/* From slot `from` on: the first host whose hold list, as its newest beat on r
 * datastores by reads submitted since then names it, is not here. HA_SLOT_NONE:
 * all are here. A host that is gone counts as well: its holds bind on. */
uint32_t hbs_holds_unread(const struct hbs *s, uint32_t from, uint64_t since_ms,
			  uint64_t now_ms);
/* Looks at so many own records and drops those of no use; returns how many. */
uint32_t hbs_holds_drop(struct hbs *s, uint32_t most, uint64_t now_ms);
/* The same now and then; takes the lock itself. */
void hbs_holds_look(struct hbs *s);

/* ---- serve.c ------------------------------------------------------------ */

int hbs_serve_open(struct hbs *s, struct ha_err *err);
void hbs_serve_close(struct hbs *s);
/* Clients that have come and ask nothing are sent away. */
void hbs_serve_tick(struct hbs *s);
/* Answers the client of a wait and frees both; takes the answer over. */
void hbs_wait_answer(struct hbs *s, struct hbs_wait *wait, json_t *answer);

/* ---- args.c ------------------------------------------------------------- */

json_t *hbs_failed(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Arguments of a request; a failure is the answer to give, else NULL. */
json_t *hbs_arg_host(struct hbs *s, const json_t *request, uint32_t *ret_slot);
json_t *hbs_arg_text(const json_t *request, const char *name,
		     const char **ret_text);
/* false: not there, no integer, or below 0; ret_value is then untouched. */
bool hbs_arg_number(const json_t *request, const char *name,
		    uint64_t *ret_value);
uint64_t hbs_arg_deadline(const json_t *request);
/* "hb1": how people call a datastore; the file name without its ending. */
const char *hbs_store_name(const struct hbs *s, uint32_t store);
/* Monotonic: milliseconds since then; null for a time that never was. */
json_t *hbs_age(uint64_t now_ms, uint64_t then_ms);

/* ---- waiting.c ---------------------------------------------------------- */

/* A wait of this client; NULL: too many. */
struct hbs_wait *hbs_wait_new(struct hbs *s, struct hbs_client *client,
			      enum hbs_wait_kind kind, uint64_t deadline_ms);
/* Looks at each wait: news, or its deadline. */
void hbs_wait_check(struct hbs *s);
/* The client has gone: nobody waits for this any more. */
void hbs_wait_cancel(struct hbs *s, struct hbs_wait *wait);

/* ---- ops_*.c: an answer, or NULL when it comes later -------------------- */

json_t *hbs_op_status(struct hbs *s, struct hbs_client *client,
		      const json_t *request);
json_t *hbs_op_vms(struct hbs *s, struct hbs_client *client,
		   const json_t *request);
json_t *hbs_op_fence_facts(struct hbs *s, struct hbs_client *client,
			   const json_t *request);
json_t *hbs_op_fenced(struct hbs *s, struct hbs_client *client,
		      const json_t *request);
json_t *hbs_op_order(struct hbs *s, struct hbs_client *client,
		     const json_t *request);
json_t *hbs_op_order_state(struct hbs *s, struct hbs_client *client,
			   const json_t *request);
json_t *hbs_op_announce(struct hbs *s, struct hbs_client *client,
			const json_t *request);
json_t *hbs_op_withdraw(struct hbs *s, struct hbs_client *client,
			const json_t *request);
json_t *hbs_op_disarm(struct hbs *s, struct hbs_client *client,
		      const json_t *request);
json_t *hbs_op_arm(struct hbs *s, struct hbs_client *client,
		   const json_t *request);

json_t *hbs_op_hold(struct hbs *s, struct hbs_client *client,
		    const json_t *request);
json_t *hbs_op_lift(struct hbs *s, struct hbs_client *client,
		    const json_t *request);
json_t *hbs_op_confirm_dead(struct hbs *s, struct hbs_client *client,
			    const json_t *request);
json_t *hbs_op_holds(struct hbs *s, struct hbs_client *client,
		     const json_t *request);
json_t *hbs_op_master(struct hbs *s, struct hbs_client *client,
		      const json_t *request);
json_t *hbs_op_tickets(struct hbs *s, struct hbs_client *client,
		       const json_t *request);
json_t *hbs_op_isolated(struct hbs *s, struct hbs_client *client,
			const json_t *request);

/* ops_hosts.c: as many as fit into the packet, from slot `from` on. */
void hbs_status_hosts(const struct hbs *s, uint32_t from, json_t *answer);

/* ops_fence.c: can this host write, read, speak for a quorum? hb->lock held. */
void hbs_gather_self(const struct hbs *s, uint64_t now_ms,
		     struct ha_fence_facts *facts);

/* ops_order.c: gives an order; 0 and the nonce, -EBUSY: no room,
 * -ESRCH: the host has no incarnation to order, -EPERM: braked. */
int hbs_order_give(struct hbs *s, uint32_t host, enum ha_order_kind kind,
		   uint64_t generation, uint64_t *ret_nonce,
		   struct ha_err *err);
/* Did that incarnation acknowledge an order to seal that was given after
 * since_ms? */
bool hbs_order_seals(const struct hbs *s, uint32_t host, uint64_t incarnation,
		     uint64_t since_ms);
const struct hbs_order *hbs_order_find(const struct hbs *s, uint64_t nonce);
/* Acknowledgements, orders that mean nothing any more. */
void hbs_order_check(struct hbs *s);

/* ops_vms.c: what the waits need. True: done, the wait is answered. */
bool hbs_withdraw_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);
bool hbs_announce_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);
bool hbs_announce_is_open(const struct hbs *s, const struct ha_uuid *uuid);
/* What `ask` wants (uuid, resource, state, deadline, the other end), for this
 * client: its wait, or the answer. */
json_t *hbs_announce_begin(struct hbs *s, struct hbs_client *client,
			   const struct hbs_wait *ask);
/* Begins the refusal, whose sentence is in wait->err. True: answered. */
bool hbs_announce_refuse(struct hbs *s, struct hbs_wait *wait, int code);
void hbs_announce_cancel(struct hbs *s, struct hbs_wait *wait);
/* The host was sealed: wishes that are open are refused. */
void hbs_announce_seal(struct hbs *s);
bool hbs_disarm_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);

/* ops_holds.c */
bool hbs_holds_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);

/* ops_judge.c: another host's entry, hold or silence that is in the way of an
 * announcement; `wait->err` says which, unless it is granted. hb->lock held. */
enum ha_vmlock_step hbs_announce_judge(const struct hbs *s,
				       struct hbs_wait *wait, uint64_t now_ms);

/* ops_vms.c: own list; hb->lock held. */
struct ha_listed_vm *hbs_list_find(struct ha_vm_list *list,
				   const struct ha_uuid *uuid);
/* Takes the entry out. */
void hbs_list_remove(struct hb *hb, struct ha_listed_vm *vm);
/* Its process is proven gone, or never was: out, or `released` where the host
 * is sealed (SAFETY 9). */
void hbs_list_leave(struct hb *hb, struct ha_listed_vm *vm);
/* Unsealed: what is released binds nobody. */
void hbs_list_forget_released(struct hb *hb);
/* Before a clean stop: what is released binds nobody, and a list that is empty
 * then says so. Returns how many entries stay. hb->lock not held. */
uint32_t hbs_list_drop_released(struct hb *hb);
/* At the start: what a daemon of this boot left in the list was granted to
 * it, and nobody could pass it since. */
void hbs_grant_own(struct hbs *s);
bool hbs_is_granted(const struct hbs *s, const struct ha_uuid *uuid);
void hbs_grant(struct hbs *s, const struct ha_uuid *uuid, bool is_granted);
/* Why this host can't promise anything about a VM now; 0: it can. */
int hbs_lock_ready(const struct hbs *s, bool must_be_fresh, uint64_t now_ms,
		   struct ha_err *err);

/* ---- events.c, reload.c, notify.c --------------------------------------- */

/* Logs what store and pet threads left, and verdicts that changed. */
void hbs_events_log(struct hbs *s);
void hbs_reload(struct hbs *s);
int hbs_conf_read(const char *path, struct ha_hbconf *ret_conf,
		  struct ha_err *err);
/* Tells systemd, where it asked (NOTIFY_SOCKET of sd_notify(3)). */
void hbs_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

#include "heartbeat/sides.h"

#endif
