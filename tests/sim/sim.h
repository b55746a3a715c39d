/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One simulated cluster: hosts with clocks of their own, datastores, a ring,
 * watchdogs, and the heartbeat daemon's loops around the real libha/core.
 * One seed is one schedule: nothing here reads a clock, an environment or
 * an address, so that the same seed runs the same way byte for byte.
 *
 * Time is virtual: microseconds of the world (`_us`); what a host sees is its
 * own clock in milliseconds (`_ms`, world_local_ms()). Core is only ever
 * given a host's own view. What is true is kept apart in struct truth and is
 * read by the checks alone.
 */
#ifndef VMHA_SIM_H
#define VMHA_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/evidence.h"
#include "ha/fencing.h"
#include "ha/ring.h"
#include "ha/timing.h"
#include "ha/watch.h"
#include "lock.h"

#define SIM_HOSTS LOCK_HOSTS
#define SIM_STORES HA_STORES_MAX
#define SIM_EVENTS 4096
#define SIM_FAULTS 48
#define SIM_STALLS 16
#define SIM_FIFO 256 /* deliveries that wait for one daemon */
#define SIM_OUT 16   /* messages that wait for the token */
#define SIM_POOL 512 /* ring messages kept */
#define SIM_FLUSHES 64
#define US_PER_MS UINT64_C(1000)
#define NEVER_US UINT64_MAX

/* ---- rules that can be switched off -------------------------------------- */

enum rule {
	RULE_NONE, /* all on */
	RULE_STAMP,
	RULE_LATE,
	RULE_KILL,
	RULE_READ_SUBMISSION,
	RULE_HUNG_READ,
	RULE_LOWER,
	RULE_CLAIM_FLUSHED,
	RULE_CLAIM_HIDES,
	RULE_CLAIM_TERM,
	RULE_STOP,
	RULE_REOPEN,
	RULE_OWN_ECHO,
	RULE_ANNOUNCE,
	RULE_RING_SILENCE,
	RULE_STATES,
	RULE_LONE,
	RULE_LONE_READ,
	RULE_GENERATION,
	RULE_ORDER,
	RULE_FLUSH,
	RULE_OVERLAP,
	RULE_DAMAGED_BOOT,
	RULE_DAMAGED_LIST,
	RULE_WINDOW,
	RULE_CONFIRM,
	RULE_CONFIRM_LATE,
	RULE_CLOCK,
	RULE_LIST_FIRST,
	RULE_READ_AFTER,
	RULE_LOCK_GENERATION,
	RULE_HOLD_READ,
	RULE_SEAL,
	RULE_ABSENCE,
	RULE_CLAIMS,
	RULE_CLAIM_MASTER,
	RULE_CLAIM_READ,
	RULE_SEAL_ANEW,
	RULE_UNSEAL_GENERATION,
	RULE_SEAL_ACK,
	RULE_MASTER_CONFIRM,
	RULE_FENCE_CONFIRM,
	RULE_TERM,
	RULE_TERM_READ,
	RULE_REJOIN,
	RULE_EARLY_RELEASE,
	RULE_TWO_PAIRS,
	RULE_INCOMING,
	RULE_HOLD_DISK,
	RULE_DERIVE,
	RULE_HOLD_KEEP,
	RULE_PASS_ENTRY,
	RULE_EMPTY_RESTART,
	RULE_RELEASE_LIST,
	RULE_RELEASE_BOOT,
	RULE_RESTART_ORDER,
	RULE_RESTART_DEPENDS,
	RULE_RESTART_BOUND,
	RULE_RESTART_LIMIT,
	RULE_RESTART_WAITS,
	RULE_RESTART_TICKET,
	RULE_KEEP_BACK,
	RULE_PROTECT_READ,
	RULE_PROTECT_FIRST,
	RULE_SITTING,
	RULE_N
};
struct rule_row {
	const char *name;
	const char *safety; /* which sentence of SAFETY */
	const char *text;   /* what happens when it is off */
	uint32_t seeds;     /* a failure is found within so many */
	bool is_lock;       /* of the lock: seen in schedules with VMs */
	uint32_t from;      /* the first of the seeds; 0: 1 */
	uint8_t aim;        /* enum aim: its template; AIM_NONE: any */
	/* Another rule does its work too: a failure is found with both off, in
	 * a schedule that is clean with either one alone. */
	enum rule with;
};
extern const struct rule_row rule_table[RULE_N];
/* RULE_N: no such rule. */
enum rule rule_find(const char *name);
/* A set of rules that are off: bit per rule, none for RULE_NONE. */
#define RULE_BIT(rule) (UINT64_C(1) << ((rule)-1))
/* Names parted by commas; false: one is no rule. */
bool rules_parse(const char *names, uint64_t *ret_off);
void rules_name(uint64_t off, char *ret_text, size_t size);

/* ---- events --------------------------------------------------------------- */

enum event_kind {
	EV_FAULT,    /* arg: index of the fault */
	EV_HEAL,     /* arg: index of the fault */
	EV_POWER_ON, /* host boots, corosync with it */
	EV_DAEMON,   /* daemon starts */
	EV_TICK,     /* store thread: a beat is due */
	EV_WSUBMIT,  /* store thread went on after a stall */
	EV_APPLY,    /* disk: write lands; arg: id */
	EV_WDONE,    /* store thread: write completed; arg: id */
	EV_WSTAMPED, /* ... after a stall before the stamp */
	EV_RSUBMIT,
	EV_SAMPLE, /* disk: read looks; arg: id */
	EV_RDONE,  /* arg: id */
	EV_RSTAMPED,
	EV_LSAMPLE, /* disk: list read looks; arg: id */
	EV_LDONE,
	EV_PET,     /* pet thread; arg: enum pet_stage */
	EV_DEADMAN, /* kernel timer; arg: timer id */
	EV_WATCHDOG,
	EV_RING_TICK,
	EV_RING,  /* daemon takes the head of its deliveries */
	EV_SEND,  /* ring thread went on after a stall; arg: message */
	EV_PUMP,  /* corosync: messages that wait for the token */
	EV_FORM,  /* corosync: memberships are formed */
	EV_VM,    /* the VM list changes */
	EV_CHECK, /* end of a liveness check */
	/* Of the host, not of its daemon: epoch is the boot. */
	EV_AGENT,  /* store: VM; arg: agent */
	EV_QEMU,   /* libvirt carries a create request out; arg: request */
	EV_MOVE,   /* a migration job goes on; arg: job */
	EV_FDM,    /* fault domain manager's turn */
	EV_PCMK,   /* Pacemaker starts */
	EV_DC,     /* the DC has heard of a change */
	EV_ACT,    /* executor: store: VM; arg: act | peer << 8 */
	EV_FENCED, /* answer of a fence agent; store: about; arg: success */
	EV_PLIST,  /* the protected list; arg: datastore | job << 4 */
	EV_WRITE,  /* the master's CIB update commits */
	/* Nobody's. */
	EV_JOIN,  /* Pacemaker's peers meet; arg: membership */
	EV_ADMIN, /* a crash, a stop, a start, a move */
	EV_WELL,  /* end of the quiet tail */
	EV_N
};
struct event {
	uint64_t at_us;
	uint32_t order; /* of pushing: ties are broken the same way always */
	uint32_t arg;
	uint32_t epoch; /* of the thread's life; 0: not a thread's */
	uint8_t kind, host, store;
};

/* ---- disks ---------------------------------------------------------------- */

enum block_state {
	BLOCK_UNCLAIMED,
	BLOCK_STARTING,
	BLOCK_ARMED,
	BLOCK_STOPPED,
};
struct block {
	bool is_damaged;
	uint8_t state; /* enum block_state */
	uint8_t list_copy;
	uint8_t list_count;
	uint32_t boot; /* number of the boot that wrote it */
	uint32_t list_generation;
	uint32_t incarnation;
	uint32_t sequence;
	uint32_t fingerprint;       /* unlike any other write's */
	uint32_t orders[SIM_HOSTS]; /* reset ordered of this incarnation */
	uint8_t hold_copy;
	uint32_t hold_generation;
	struct claims claims;
};
struct list_copy {
	bool is_damaged;
	uint8_t count;
	uint32_t incarnation, generation;
	uint8_t vms[LOCK_VMS];
};

enum condition_mode {
	COND_OK,
	COND_SLOW,
	COND_HANG,
	COND_ERROR,
	COND_GONE /* nothing lands */
};
struct condition {
	uint8_t mode; /* enum condition_mode */
	uint64_t until_us;
};
/* What a host's path to a datastore does to writes and to reads. */
struct path {
	struct condition write, read;
};

enum write_what {
	WRITE_NOTHING,
	WRITE_LIST,
	WRITE_BEAT,
	WRITE_HOLDS,
};
struct disk_write {
	bool is_pending; /* not landed yet */
	bool is_awaited; /* the thread waits for its completion */
	uint8_t what;    /* enum write_what */
	bool lands, is_torn, is_error;
	uint8_t copy;
	uint32_t id;
	uint64_t land_us;
	struct block block;
	struct list_copy list;
	struct hold_copy holds;
};
struct disk_read {
	bool is_awaited, is_error;
	uint32_t id;
	uint64_t submitted_us, sampled_us;
	struct block blocks[SIM_HOSTS];
};
struct list_read {
	bool is_awaited, is_error;
	uint8_t about; /* host */
	uint8_t named; /* copy that the beat read here names */
	uint32_t id;
	struct list_copy copies[2];
	struct hold_copy holds[2];
};
struct disk {
	struct block blocks[SIM_HOSTS];
	struct list_copy lists[SIM_HOSTS][2];
	struct hold_copy holds[SIM_HOSTS][2];
	struct plist_copy plist[2];
};

/* ---- the daemon ------------------------------------------------------------ */

enum step {
	STEP_ASSEMBLED, /* between the stamp and the submission of a write */
	STEP_WRITTEN,   /* between completion and its stamp */
	STEP_READING,   /* between the stamp and the submission of a read */
	STEP_READ,      /* between completion and its stamp */
	STEP_JUDGED,    /* pet: between verdict and timer */
	STEP_TIMED,     /* pet: between timer and second verdict */
	STEP_CHECKED,   /* pet: between second verdict and pet */
	STEP_PETTED,    /* pet: between pet and end of the timer */
	STEP_NONCE,     /* ring: between stamp and multicast */
	STEP_STOPPED,   /* between "stopped stands on w" and magic close */
	STEP_N
};
struct stall {
	uint8_t host, step;
	bool is_whole; /* the daemon, not only this thread */
	uint64_t from_us, length_us;
};

enum pet_stage {
	PET_JUDGE,
	PET_TIME,
	PET_AGAIN,
	PET_PET,
	PET_UNSET
};

enum phase {
	PHASE_OFF, /* no daemon */
	PHASE_BOOTING,
	PHASE_CLAIMING,
	PHASE_ARMED,
	PHASE_STOPPING,
};

struct store_thread {
	uint64_t next_tick_ms;
	uint64_t write_stamp_ms, read_stamp_ms;
	uint8_t writing;          /* enum write_what */
	uint8_t named;            /* copy that the last beat here names */
	uint8_t copied;           /* copy that holds list_generation */
	uint32_t list_generation; /* copied here */
	uint8_t list_count;
	uint8_t hold_named, hold_copied; /* likewise */
	uint32_t hold_generation;
	struct block next; /* the beat that will name what is under way */
	bool owes_list, owes_holds;
	struct list_copy going;
	struct hold_copy going_holds;
	uint8_t written_state; /* enum block_state of the last beat */
	struct claims written; /* and what it claimed */
	bool has_read;
	bool has_written;
	uint64_t read_submitted_ms; /* of the newest complete read; 0: none */
	uint64_t read_sampled_us;   /* for the checks */
	bool is_own_valid;          /* own block, as last read */
	struct block own;
	bool valid[SIM_HOSTS];        /* blocks of others, as last read */
	uint64_t valid_us[SIM_HOSTS]; /* submission of that read */
};

struct known_list {
	bool has;
	uint32_t incarnation, generation;
	uint8_t vms[LOCK_VMS];
};
struct known_holds {
	bool has;
	uint32_t incarnation, generation;
	struct holds list;
};

struct session {
	bool is_open, was_member, is_ordered;
	uint32_t about;
	uint32_t sequence; /* newest when it began */
	uint64_t began_ms, deadline_ms;
	bool is_asked; /* by Pacemaker */
	uint8_t target;
	bool is_seal_ordered;
	uint8_t hold;    /* enum ha_fence_hold */
	uint8_t placing; /* 0 no, 1 holds under way, 2 the CIB update */
	uint8_t vms;     /* to be held */
	bool has_placed;
	uint32_t hold_generation;
	uint64_t placed_ms, write_ms;
};

struct delivery {
	uint8_t kind; /* enum delivery_kind */
	bool is_quorate;
	uint8_t members; /* bit per host */
	uint32_t ring_seq;
	uint32_t message, serial;
	uint64_t at_us;
};
enum delivery_kind {
	DELIVER_CONF,
	DELIVER_QUORUM,
	DELIVER_MESSAGE
};

struct daemon {
	uint8_t phase; /* enum phase */
	uint32_t epoch;
	uint32_t incarnation, sequence;
	bool is_kept;        /* goes on with the incarnation that it had */
	bool takes_corosync; /* stop: corosync goes with it */
	struct ha_evidence evidence;
	struct ha_watch watch[SIM_HOSTS];
	struct store_thread store[SIM_STORES];
	struct disk_read read[SIM_STORES];
	struct list_read list_read[SIM_STORES];
	uint32_t list_generation;
	uint8_t list_count;
	struct known_list lists[SIM_HOSTS];
	struct known_holds holds[SIM_HOSTS];
	struct block newest[SIM_HOSTS]; /* valid block, as last read */
	struct ha_evidence hold_evidence;
	struct lock l;
	/* pet */
	bool is_petting; /* between the first and the last stage */
	uint64_t last_stamp_ms;
	struct ha_pet pet;
	/* ring */
	struct ha_ring ring;
	uint8_t members;
	bool has_ring, wants_ring;
	uint64_t ring_ms;
	bool is_lone;
	uint64_t lone_ms;
	uint64_t own_echo_ms;
	uint32_t nonce;
	uint32_t pending_serial;       /* of a message that a stall holds */
	uint64_t member_ms[SIM_HOSTS]; /* last time it was a member */
	uint64_t away_ms[SIM_HOSTS];   /* since when stopped or never */
	uint32_t member_inc[SIM_HOSTS];
	struct session sessions[SIM_HOSTS];
	uint32_t orders[SIM_HOSTS];
};

struct host {
	/* clock: local = offset + world * (1 + rate ppm) */
	uint32_t rate_ppm, watchdog_ppm;
	uint64_t offset_us;
	uint32_t watchdog_early_us;
	/* power */
	bool is_on;
	uint32_t boot;
	uint64_t paused_until_us;  /* the whole host */
	uint64_t stopped_until_us; /* the daemon alone */
	/* kernel */
	bool is_deadman_set, has_marker, is_watchdog_open;
	uint32_t deadman_id;
	uint64_t watchdog_us; /* when it fires */
	bool is_watchdog_due; /* an event is queued */
	struct path path[SIM_STORES];
	struct disk_write write[SIM_STORES]; /* outlive the daemon */
	/* what a daemon of the same boot finds again */
	uint32_t kept_incarnation, kept_generation;
	uint8_t kept_count;
	/* corosync */
	uint64_t still_until_us; /* it alone stands still */
	bool has_corosync, is_wait_done;
	uint8_t component;
	uint32_t net_seq;
	uint8_t net_members;
	bool is_net_quorate;
	struct delivery fifo[SIM_FIFO];
	uint32_t fifo_first, fifo_count;
	uint64_t fifo_last_us;
	struct {
		uint32_t message, serial, net_seq;
		uint8_t has; /* members that have it */
	} out[SIM_OUT];
	uint32_t out_count;
	struct lock_host l;
	struct daemon d;
};

/* ---- what is true, and what was planned ----------------------------------- */

struct flush {
	uint64_t at_us;
	uint32_t incarnation, generation;
};
struct truth {
	/* incarnation whose watchdog is open, or that runs on unguarded */
	uint32_t guarded;
	/* incarnation that may run virtual machines, and since when */
	uint32_t runs;
	uint64_t runs_us;
	uint32_t highest;    /* ever flushed on w */
	bool is_disturbed;   /* something was done to this host */
	uint32_t bad_stores; /* bit per datastore that was disturbed */
	uint64_t off_us;     /* powered off for good; NEVER_US: no */
	uint32_t off_incarnation;
	uint64_t fit_us; /* took part all the time since */
	struct flush flushes[SIM_FLUSHES];
	uint32_t flush_count;
};

enum fault_kind {
	FAULT_PAUSE_HOST,
	FAULT_PAUSE_DAEMON,
	FAULT_STILL, /* corosync alone */
	FAULT_STALL,
	FAULT_PATH, /* one host, stores by mask */
	FAULT_PARTITION,
	FAULT_POWER, /* off, on again after length (0: never) */
	FAULT_KILL,  /* the daemon */
	FAULT_STOP,  /* clean stop; restart after length */
	FAULT_FENCE, /* a member is ordered to be fenced */
	FAULT_HEAL,  /* everything is repaired: the quiet tail begins */
	FAULT_LAST,  /* power off for good: it must be found dead */
	FAULT_BACK,  /* power on again, Pacemaker too */
	FAULT_N
};
struct fault {
	uint8_t kind, host, mode;
	uint8_t mask;  /* stores; PARTITION: bit = component 1 */
	uint8_t extra; /* STALL: step; STOP: what goes with it; PATH: 1
			* writes, 2 reads, 3 both */
	uint64_t at_us, length_us;
};

struct failure {
	bool is_set;
	char text[400];
};

struct world {
	uint64_t seed, random, now_us, end_us;
	uint64_t off; /* RULE_BIT()s */
	bool is_story;
	/* the cluster */
	struct ha_timing timing;
	uint32_t hosts, stores, w, r;
	uint8_t votes[SIM_HOSTS];
	uint32_t total_votes;
	bool is_two_node, is_wait_for_all, is_quiet;
	uint64_t token_us, silence_ms;
	uint32_t template_no;
	/* plan */
	struct fault faults[SIM_FAULTS];
	uint32_t fault_count, planned;
	struct stall stalls[SIM_STALLS];
	uint32_t stall_count;
	/* state */
	struct event queue[SIM_EVENTS];
	uint32_t queue_count, order;
	struct host host[SIM_HOSTS];
	struct disk disk[SIM_STORES];
	struct truth truth[SIM_HOSTS];
	uint32_t ids, net_seq, fingerprint, epochs;
	struct ha_ring_msg pool[SIM_POOL];
	struct release release[SIM_POOL]; /* of the message instead, or none */
	uint32_t pool_serial[SIM_POOL];
	uint32_t pool_next;
	struct failure failure;
	uint64_t events_run, verdicts;
	struct lock_world l;
	/* story: the last lines, oldest first from story_first */
	char (*story)[200];
	uint32_t story_size, story_first, story_count;
};

/* random.c */
uint64_t draw(struct world *w);
uint64_t draw_below(struct world *w, uint64_t bound);
uint64_t draw_between(struct world *w, uint64_t low, uint64_t high);
bool draw_percent(struct world *w, uint32_t percent);

/* queue.c */
void queue_push(struct world *w, const struct event *event);
bool queue_pop(struct world *w, struct event *ret_event);

/* clock and threads: world.c */
uint64_t world_local_ms(const struct world *w, uint32_t host);
uint64_t world_real_us(const struct world *w, uint32_t host, uint64_t local_ms);
/* An event of a daemon's thread, `delay_us` from now. */
void world_thread(struct world *w, enum event_kind kind, uint32_t host,
		  uint32_t store, uint32_t arg, uint64_t delay_us);
/* An event of hardware, kernel or network. */
void world_plain(struct world *w, enum event_kind kind, uint32_t host,
		 uint32_t store, uint32_t arg, uint64_t at_us);
/* How long the thread stands still at this step; usually 0. */
uint64_t world_stall(struct world *w, uint32_t host, enum step step);
void world_init(struct world *w, uint64_t seed, uint64_t off);
void world_run(struct world *w);
static inline bool
world_is_off(const struct world *w, enum rule rule)
{
	return (w->off & RULE_BIT(rule)) != 0;
}

/* story.c */
void story(struct world *w, uint32_t host, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void story_print(const struct world *w);
void story_cluster(const struct world *w);
#define STORY(w, ...)                          \
	do {                                   \
		if ((w)->is_story) {           \
			story(w, __VA_ARGS__); \
		}                              \
	} while (0)

#include "calls.h"
#include "lock_calls.h"
#include "restart_calls.h"

#endif
