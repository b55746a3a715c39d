/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lock on top of the heartbeats: VM lists with contents, hold lists, the
 * seal, agents and QEMU, the fault domain manager and Pacemaker, as far as a
 * schedule of the simulator needs them. Plain values inside struct world; like
 * everything there without allocation, clock or address.
 */
#ifndef VMHA_SIM_LOCK_H
#define VMHA_SIM_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/isolation.h"
#include "ha/release.h"
#include "ha/seal.h"
#include "ha/ticket.h"
#include "ha/vmlock.h"
#include "restart.h"

#define LOCK_HOSTS RESTART_HOSTS
#define LOCK_VMS RESTART_VMS
#define LOCK_HOLDS 24
#define NO_HOST 255u
/* Of a fault: the host that just then is DC, has the first VM, or takes part
 * in its migration. */
#define AT_DC 250u
#define AT_VM 251u
#define AT_PAIR 252u
#define AT_MASTER 253u

/* An entry of a list: 0 is none, else 1 + enum ha_listed_state. */
#define ENTRY_NONE 0u
#define ENTRY(state) ((uint8_t)(1u + (state)))
#define ENTRY_STATE(entry) ((enum ha_listed_state)((entry)-1u))

/* ---- on disk --------------------------------------------------------------- */

struct hold {
	uint8_t vm, kind, owner;
	uint32_t owner_incarnation, owner_generation, term;
};
struct holds {
	uint32_t count;
	struct hold at[LOCK_HOLDS];
};
struct hold_copy {
	bool is_damaged;
	uint32_t incarnation, generation;
	struct holds list;
};
struct seal_order {
	uint32_t incarnation, nonce;
};
/* What a beat says beyond being there. */
struct claims {
	bool is_quorate, is_sealed, is_master, is_isolated;
	uint8_t members;
	uint32_t ring_seq, term;
	struct seal_order seals[LOCK_HOSTS];
	/* nonce: one more than the generation of the settled list */
	struct seal_order unseals[LOCK_HOSTS];
	uint32_t acks[LOCK_HOSTS]; /* orders to seal that were obeyed */
};

/* ---- the daemon -------------------------------------------------------------- */

enum announce_step {
	ANN_NONE,
	ANN_FLUSHING,
	ANN_READING,
	ANN_UNDOING,
	ANN_WITHDRAWING,
};
struct announce {
	uint8_t step;           /* enum announce_step */
	uint8_t wanted, before; /* entries */
	bool must_judge, is_held;
	uint32_t agent; /* who waits for the answer */
	uint32_t generation;
	uint64_t since_ms, give_up_ms;
	uint64_t tell_ms;  /* released is told again then */
	uint64_t since_us; /* for the checks */
};

/* What a message says about a VM that has ended (SAFETY 26). */
enum release_what {
	RELEASE_NONE,
	RELEASE_TOLD,
	RELEASE_KEPT,
};
struct release {
	uint8_t what; /* enum release_what */
	uint8_t vm, owner;
	uint32_t incarnation, generation, ring_seq;
	uint32_t agent; /* who waits for the answer */
};

struct master {
	bool is_on;    /* says so in its beats */
	bool is_ready; /* which stand on w */
	uint32_t term;
	uint64_t wanted_ms;  /* the manager renewed its lease */
	uint64_t begun_ms;   /* since when it wants to be */
	uint64_t flushed_ms; /* its claim stood on w */
	bool is_writing;     /* one CIB update under way */
	uint8_t grant;
	uint8_t touch;         /* tickets that the update writes */
	uint64_t asked_us;     /* last request for a fencing */
	uint64_t news_ms;      /* what it acts on was read by then */
	uint64_t news;         /* ... a sum of it */
	uint8_t written, last; /* only with a rule off: what it wrote last */
};

struct lock {
	uint8_t list[LOCK_VMS]; /* own list: entries */
	uint8_t granted;
	struct announce announce[LOCK_VMS];
	struct holds holds; /* own hold list */
	uint32_t hold_generation;
	struct ha_seal seal;
	/* an order to seal is in force: whose, since when, in which ring */
	bool is_ordered;
	uint8_t seal_sender;
	uint32_t seal_incarnation, seal_seq;
	uint64_t seal_ms;
	/* between a membership and its quorum the one before counts, a beat */
	bool was_quorate;
	uint64_t changed_ms;
	uint32_t settled_seq; /* membership in which UNSEAL came; 0: none */
	/* the members must have said since then that they are there */
	uint64_t confirm_ms;
	/* when a host's newest seal was first read */
	uint32_t sealed_incarnation[LOCK_HOSTS], sealed_generation[LOCK_HOSTS];
	uint64_t sealed_ms[LOCK_HOSTS];
	uint32_t seen_seal[LOCK_HOSTS];
	struct seal_order seals[LOCK_HOSTS], unseals[LOCK_HOSTS];
	uint64_t seal_given_ms[LOCK_HOSTS];
	uint64_t unsealed_ms[LOCK_HOSTS]; /* when UNSEAL was given last */
	uint32_t claim_seq; /* membership that the own beats claim on w */
	uint64_t claim_ms;
	struct master master;
	uint32_t term; /* newest known */
	struct ha_isolation isolation;
	uint64_t asked_ms, answered_ms;
};

/* ---- agents, QEMU, the local executor ----------------------------------------- */

enum qemu {
	QEMU_NONE,
	QEMU_PAUSED,   /* created; its guest has not run */
	QEMU_INCOMING, /* the guest has not arrived */
	QEMU_RUNNING,
	QEMU_LEFT, /* the guest was handed over */
};
enum task {
	TASK_NONE,
	TASK_START,
	TASK_STOP,
	TASK_MIGRATE,  /* on the source */
	TASK_INCOMING, /* on the target: holds the place, then arrival */
	TASK_CLEAR,    /* a probe takes a stale entry away */
};
enum stage {
	STAGE_BEGIN,
	STAGE_ANNOUNCED, /* waits for the daemon */
	STAGE_CREATING,  /* granted: libvirt makes it, then its guest runs */
	STAGE_RUNNING,   /* waits for "running" to be flushed */
	STAGE_KILLING,
	STAGE_WITHDRAWN, /* waits for the daemon */
	STAGE_MOVING,    /* the guest is on its way */
};
enum record {
	RECORD_NONE,
	RECORD_PENDING,
	RECORD_STARTED,
	RECORD_STOPPED,
	RECORD_FAILED,
	RECORD_STOP_FAILED,
};
enum failure_kind {
	FAILURE_OTHER,
	FAILURE_REFUSED, /* heartbeatd has said no */
	FAILURE_START,
};
struct vm_here {
	uint8_t qemu;      /* enum qemu */
	uint8_t task;      /* enum task */
	uint8_t stage;     /* enum stage */
	uint8_t record;    /* enum record: what the executor last noted */
	uint8_t peer;      /* of a migration */
	bool is_failing;   /* this start will fail */
	uint8_t failure;   /* enum failure_kind of its last task */
	bool is_shut_down; /* the response has begun a shutdown */
	uint32_t agent;    /* number of the task */
	uint32_t request;  /* create request open at libvirt; 0: none */
	uint32_t move;     /* number of a migration job; 0: none */
	uint64_t deadline_us;
	uint64_t shutdown_ms;
};

/* ---- Pacemaker ------------------------------------------------------------------ */

enum node {
	NODE_UNSEEN,
	NODE_MEMBER,
	NODE_LOST,    /* offline, and nobody asks for its fencing */
	NODE_UNCLEAN, /* must be fenced */
	NODE_FENCED,
};
struct cib {
	uint32_t epoch, updates;
	uint8_t dc;
	uint8_t wanted; /* bit per VM: target-role */
	struct ticket ticket[LOCK_VMS];
	uint8_t node[LOCK_HOSTS];
	uint8_t record[LOCK_HOSTS][LOCK_VMS];
	uint8_t banned[LOCK_HOSTS]; /* bit per VM: failed there */
	uint8_t recover; /* bit per VM: was active here, may be started again */
	/* with restarts: numbers of starts that failed, VMs that heartbeatd
	 * refused, and the election */
	uint32_t fails[LOCK_HOSTS][LOCK_VMS];
	uint8_t refused, promoted; /* promoted: 1 + host; 0: nobody */
	uint32_t score[LOCK_HOSTS], stores[LOCK_HOSTS];
};
enum act {
	ACT_NONE,
	ACT_START,
	ACT_STOP,
	ACT_MIGRATE,
};
struct graph {
	bool is_valid;
	uint8_t act[LOCK_VMS], at[LOCK_VMS], to[LOCK_VMS];
	uint8_t fences, fenced; /* bit per host */
};
struct pacemaker {
	bool is_up;
	bool has_exited; /* told that it was fenced */
	uint8_t dc;
	uint32_t join_seq;
	struct cib cib;
	struct graph graph;
	uint8_t fencing; /* bit per host: asked, not answered */
	uint64_t fence_until_us[LOCK_HOSTS];
	uint64_t forgive_us;
};

struct lock_host {
	struct vm_here vm[LOCK_VMS];
	struct pacemaker pcmk;
	uint8_t cib_epoch_kept;
	/* truth: fence success while it lives (SAFETY section 4) */
	bool is_held;
	uint8_t held_vms, held_by;      /* what it had; hosts of that side */
	uint32_t held_runs[LOCK_HOSTS]; /* as which incarnations */
};

/* One hold that was flushed, for the checks. */
struct hold_truth {
	struct hold hold;
	uint64_t at_us;
	bool is_lifted;
	uint32_t lifted_generation;
};
#define LOCK_TRUTHS 128
#define LOCK_TERMS 1024

struct lock_world {
	bool is_on, has_manager;
	uint32_t vms, agents;
	uint8_t wanted;
	enum ha_response isolation[LOCK_VMS], partition[LOCK_VMS];
	struct ha_isolation_policy policy;
	uint8_t address; /* component with the isolation address; NO_HOST: none
			  * answers */
	bool is_after_wait;
	bool is_slow; /* libvirt takes many beats to create a VM */
	struct hold_truth holds[LOCK_TRUTHS];
	uint32_t hold_count;
	uint64_t formed_us;            /* last membership */
	uint8_t master_of[LOCK_TERMS]; /* 1 + who was ready with this term */
	uint64_t seen_unwell_us[LOCK_VMS];
	/* what happened, to see that schedules reach what they aim at */
	uint32_t starts, moves, held, merges, refused, wells, released;
	struct restarts restarts;
};

#endif
