/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha-heartbeatd inside: who holds what, and which thread may do what.
 *
 *   store threads  one per datastore: write the beat, read all others, write
 *                  and read VM lists, notice orders. A hung disk stops its
 *                  own thread only.
 *   pet thread     owns the watchdog: pets it on fresh evidence, or not.
 *   main thread    signals, ring, clients, reload, log. May hang or be slow
 *                  without stopping a beat.
 *
 * Once armed, store and pet threads allocate nothing, fork nothing, resolve
 * nothing, log nothing (they leave events for main to log) and wait for
 * nobody but their own disk. What the threads share is behind hb->lock, a
 * priority inheriting mutex that is only held for copies and core decisions,
 * never across a system call other than its own.
 */
#ifndef VMHA_HEARTBEAT_HB_H
#define VMHA_HEARTBEAT_HB_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "ha/area.h"
#include "ha/err.h"
#include "ha/evidence.h"
#include "ha/fencing.h"
#include "ha/hbconf.h"
#include "ha/ring.h"
#include "ha/seal.h"
#include "ha/timing.h"
#include "ha/watch.h"
#include "ha/watchdog.h"

#define HB_EVENTS 64
#define HB_MARKER "/run/vmha/heartbeatd.armed"
#define HB_RAN "/run/vmha/heartbeatd.ran" /* stays: armed once in this boot */

enum hb_phase {
	HB_OPENING,  /* datastores are being opened and read */
	HB_CLAIMING, /* STARTING beats until the incarnation stands on w */
	HB_ARMED,
	HB_STOPPING, /* STOPPED beats until they stand on w */
	HB_STOPPED,
	HB_FAILED, /* can't start; hb->err says why */
};

/* What store and pet threads have to say; main logs it. A full buffer drops
 * the oldest and counts. */
enum hb_event_kind {
	HB_EVENT_STORE_OK,     /* store: opened, or works again */
	HB_EVENT_STORE_FAILED, /* store, code, text */
	HB_EVENT_STORE_SLOW,   /* store, value: ms of a write beyond D */
	HB_EVENT_ARMED,
	HB_EVENT_DISARMED,
	HB_EVENT_PET_FAILED,  /* code */
	HB_EVENT_NO_EVIDENCE, /* value: age of the last in ms */
	HB_EVENT_EVIDENCE,    /* value: enum ha_evidence_kind from now on */
	HB_EVENT_ORDER,       /* host: sender, value: enum ha_order_kind */
	HB_EVENT_RIVAL,       /* the same, not obeyed: it is ordered as well */
	HB_EVENT_NOT_OBEYED,  /* the same, not obeyed: text tells why */
	HB_EVENT_BLOCK,       /* host, store, value: enum ha_block_verdict */
	HB_EVENT_CLOCK,       /* value: ms that a loop stood still */
	HB_EVENT_CONFLICT,    /* somebody else writes our slot */
};
struct hb_event {
	enum hb_event_kind kind;
	uint32_t store;
	uint32_t host;
	int code;
	uint64_t value;
	uint64_t at_ms;
	char text[128];
};

/* What main knows of another host through the datastores. */
struct hb_host {
	struct ha_watch watch;
	struct ha_beat beat; /* newest valid one that counts */
	bool has_beat;
	uint64_t term; /* highest of all its beats, also of those that do not
			* count: they may hide a master's last word */
	enum ha_block_verdict verdict[HA_STORES_MAX]; /* last read */
	struct ha_vm_list list; /* newest list read; vms allocated at start */
	bool has_list;          /* of the incarnation and generation that the
				 * newest beat names */
	uint64_t list_read_ms;  /* submission of the read that gave it */
	uint64_t list_asked_ms; /* beating half: a read of it began; 0: none */
	struct ha_hold_list hold_list; /* newest one read; its room is of the
					* start, too */
	bool has_holds;                /* likewise */
	uint64_t holds_asked_ms;
	/* an administrator's word, by any hold list read: that incarnation is
	 * dead, its newest beat then being that one; 0: none */
	uint64_t confirmed_incarnation;
	uint64_t confirmed_sequence;
	/* nonces of its newest orders about the seal; 0: none */
	uint64_t seal_refused;  /* not obeyed */
	uint64_t unseal_asked;  /* not yet decided */
	uint64_t unseal_obeyed; /* or refused: unseal_code */
	int unseal_code;
};

/* A datastore, as the others see it. */
struct hb_store_view {
	bool is_open;
	bool is_working;     /* last write and read succeeded in time */
	uint64_t read_ms;    /* submission of the newest complete read of
				* all beats */
	uint64_t written_ms; /* submission of the newest flushed beat */
	uint32_t write_took_ms, read_took_ms;
	uint64_t beats, late, errors;
	uint64_t device; /* ha_disk_device() */
	struct ha_superblock sb;
	char error[160]; /* why it is not working */
};

struct hb_store; /* store.c */

struct hb {
	/* fixed once HB_CLAIMING is reached */
	struct ha_hbconf conf;
	struct ha_superblock sb; /* of the first store; all agree */
	struct ha_layout layout;
	struct ha_slot_table table;
	uint32_t self; /* slot */
	struct ha_uuid boot_id;
	uint64_t incarnation;

	/* shared, behind lock */
	pthread_mutex_t lock;
	enum hb_phase phase;
	struct ha_err err;
	uint64_t sequence;     /* last one given to a beat */
	uint32_t flags;        /* HA_BEAT_* that main and pet set */
	bool is_standing_down; /* `vmha disarm` is in force here */
	enum ha_evidence_kind evidence_kind;
	uint64_t last_pet_ms;
	struct ha_evidence evidence;
	struct hb_host hosts[HA_HOSTS_MAX];
	struct hb_store_view views[HA_STORES_MAX];
	/* own VM list: generation grows with each change */
	struct ha_vm_list list;
	/* own holds, likewise; they outlive the incarnation that placed them */
	struct ha_hold_list hold_list;
	struct ha_evidence hold_evidence; /* what of them stands on disk */
	/* own orders and acknowledgements, as they stand in the next beat */
	struct ha_order orders[HA_ORDERS_MAX];
	uint32_t orders_count;
	struct ha_order_ack acks[HA_ORDERS_MAX];
	uint32_t acks_count;
	uint64_t term;        /* newest one known, of any master */
	uint64_t master_term; /* this host is master, of that term; 0: not */
	/* The seal (SAFETY section 2): store threads seal, main judges. The
	 * flag SEALED of `flags` is what everybody goes by. */
	struct ha_seal seal;
	uint64_t sealed_generation; /* of the list, since it is sealed: a beat
				     * that says so names this one or later */
	bool is_seal_ordered;       /* and the order is in force */
	uint32_t seal_sender;
	uint64_t seal_sender_incarnation;
	uint64_t seal_ordered_ms; /* when it came, and in which membership */
	uint64_t seal_ordered_seq;
	bool is_settled; /* the master of membership settled_seq said so */
	uint64_t settled_seq;
	uint32_t votes[HA_HOSTS_MAX]; /* as corosync has them configured */
	/* ring, published by main for the pet thread and the beats */
	bool has_ring_evidence;
	uint64_t ring_evidence_ms;
	bool is_lone;
	uint64_t lone_ms;
	uint64_t ring_seq;
	struct ha_hostset members;
	bool is_reset_ordered;        /* the pet thread stops petting */
	bool is_mlocked, is_realtime; /* as hb_start got them */
	struct hb_event events[HB_EVENTS];
	uint32_t events_first, events_count, events_lost;

	/* wake-ups: eventfds, written by whoever has news */
	int main_fd; /* reads ended, evidence changed, events */
	int pet_fd;
	/* the beating half's own, behind lock */
	bool is_agreed;    /* sb, layout, table and self stand: stores read */
	bool is_claimed;   /* the incarnation is chosen: stores write */
	bool is_armed;     /* the watchdog counts, beats may say so */
	bool wants_armed;  /* pet thread: arm as soon as evidence is fresh */
	bool is_arming;    /* pet thread: between choice and result */
	bool wants_closed; /* pet thread: clean stop, magic close */
	bool has_conflict; /* somebody else writes our slot */
	bool is_ending;    /* threads end */
	bool has_pet_thread, is_pet_ended;
	int watchdog_code; /* last failure to arm or close, 0: none */
	struct ha_err watchdog_err;
	uint64_t mark_sequence; /* first beat of the state of now */
	pthread_t pet_thread;
	struct hb_store *stores[HA_STORES_MAX];
	struct ha_watchdog watchdog; /* a copy; the pet thread holds its own */
};

/* ---- beating half: store.c, beat.c, seen.c, pet.c, boot.c --------------- */

/* Checks the configuration, starts one thread per datastore, waits until r of
 * them are read (for ever: a host without its heartbeat datastores does not
 * take part; `is_ended` is asked twice a second and ends the wait with
 * -EINTR), checks that all agree, finds the slot, refuses what the file top
 * of boot.c lists, claims the incarnation on w, arms the watchdog. Logs
 * through `say`. Afterwards everything runs by itself. */
int hb_start(struct hb *hb, const struct ha_hbconf *conf,
	     bool (*is_ended)(void),
	     void (*say)(int priority, const char *text), struct ha_err *err);

/* Clean stop (SAFETY 1.5): STOPPED on w, then magic close, threads joined or
 * left behind where a disk hangs. -ETIMEDOUT: fewer than w took it until the
 * deadline: the watchdog stays armed and will reset the host; the caller
 * says so and goes on beating. */
int hb_stop(struct hb *hb, uint64_t deadline_ms, struct ha_err *err);

/* Has every store thread write a beat now (and the list before, where it
 * changed). Callable from any thread, hb->lock not held. */
void hb_kick(struct hb *hb);
void hb_kick_locked(struct hb *hb); /* with hb->lock held */

/* Has every store thread read all beats now. Callable from any thread,
 * hb->lock not held. */
void hb_look(struct hb *hb);

/* Planned work: closes the watchdog by magic close once STANDING_DOWN stands
 * on w; back again: fresh evidence, then arms. Asynchronous: watch
 * hb->phase, evidence and beat state. */
void hb_stand_down(struct hb *hb, bool is_down);

/* With hb->lock held: leaves an event for main and wakes it. */
void hb_event(struct hb *hb, const struct hb_event *event);

/* With hb->lock held: from here on the host is sealed, and its list has a
 * new generation. Sealed already, it stays as it is. */
void hb_seal(struct hb *hb);

/* The same, and another seal than the one before: what was settled, or will be
 * lifted, of that one says nothing about this one. */
void hb_seal_anew(struct hb *hb);

/* With hb->lock held: what the hosts that `beat` names claim to be. */
struct ha_claim hb_claim(const struct hb *hb, const uint64_t members[4]);

/* With hb->lock held: do beats of that sequence, or later ones, stand on w? */
bool hb_is_flushed(const struct hb *hb, uint64_t sequence);

/* With hb->lock held: verdict about a host, storage side and an
 * administrator's word. */
struct ha_watch_verdict hb_judge(const struct hb *hb, uint32_t slot,
				 uint64_t about);

/* With hb->lock held: the own hold list was changed. Gives it its next
 * generation and has it written. */
void hb_holds_changed(struct hb *hb);

/* With hb->lock held: does the hold list of this host that is known here, this
 * host's own too, stand on w datastores? */
bool hb_holds_are_flushed(const struct hb *hb, uint32_t slot);

/* With hb->lock held: does a list of this host and incarnation, of that
 * generation or a later one, stand on w datastores, as they were read last? */
bool hb_list_is_flushed(const struct hb *hb, uint32_t slot,
			uint64_t incarnation, uint64_t generation);

/* With hb->lock held: has a person taken the slot back (on w datastores, as
 * they were read last)? */
bool hb_slot_is_removed(const struct hb *hb, uint32_t slot);

/* With hb->lock held: does this daemon's claim of its incarnation stand on w
 * datastores? */
bool hb_is_claim_flushed(const struct hb *hb);

/* With hb->lock held: state that the next beat will carry. */
enum ha_beat_state hb_beat_state(const struct hb *hb);

/* ---- serving half: main.c, ring.c, serve.c, ops*.c, reload.c ------------ */

#endif
