/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which VMs may be started now, in what order, and when to try again (vSphere
 * HA: restart priority, ready condition, dependencies, retries). Order and
 * retries only: whether a VM may be started at all is ticket.h's to say, and
 * whoever starts one must have asked both. Pure: facts, working memory and
 * time in, a verdict for each VM out. All times are milliseconds of one
 * monotonic clock; a time ahead of now is of another clock, and its wait
 * counts as over, since a VM must not be left down for it.
 */
#ifndef HA_RESTART_H
#define HA_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/err.h"

#define HA_RESTART_NEVER UINT64_MAX /* no time is known: ask after a change */
#define HA_RESTART_WAITS_MAX 16u

/* vSphere: das.maxvmrestartcount, the first attempt included. */
#define HA_RESTART_ATTEMPTS_MAX 5u
/* vSphere: restartPriorityTimeout. */
#define HA_RESTART_PRIORITY_TIMEOUT_MS 600000u
/* vSphere: das.perHostConcurrentFailoversLimit. */
#define HA_RESTART_CONCURRENT_PER_HOST 32u
/* Hosts are numbered from 1; one that is numbered higher counts as not known. */
#define HA_RESTART_NO_TARGET 0u
#define HA_RESTART_TARGETS_MAX 64u
/* While more wait than may go, the next ones go when this part of all slots, or
 * of those of their host, is free: each time that VMs are let go makes
 * Pacemaker begin anew. */
#define HA_RESTART_BATCH_PARTS 2u
/* An attempt that has neither succeeded nor failed: nothing acts on it. */
#define HA_RESTART_ATTEMPT_TIMEOUT_MS 600000u
/* As long as the whole default schedule of retries, 2 + 4 + 8 + 16 min. */
#define HA_RESTART_FORGET_MS 1800000u

/* The order of restart_priority's choices; a higher one comes first. */
enum ha_restart_priority {
	HA_RESTART_DISABLED, /* not restarted at all */
	HA_RESTART_LOWEST,
	HA_RESTART_LOW,
	HA_RESTART_MEDIUM,
	HA_RESTART_HIGH,
	HA_RESTART_HIGHEST,
	HA_RESTART_PRIORITY_N
};
const char *ha_restart_priority_name(enum ha_restart_priority priority);
/* By name; -EINVAL with the list of names. */
int ha_restart_priority_parse(const char *name,
			      enum ha_restart_priority *ret_priority,
			      struct ha_err *err);

/* The order of ready_condition's choices. For a VM that depends on it, and
 * for the extra wait, the first two are the same: it runs. */
enum ha_ready {
	HA_READY_NONE,       /* its attempt has ended, successfully or not */
	HA_READY_POWERED_ON, /* it runs */
	HA_READY_GUEST,      /* its guest agent answers */
	HA_READY_APP,        /* its application says that it is well */
	HA_READY_N
};
const char *ha_ready_name(enum ha_ready ready);
const char *ha_ready_text(enum ha_ready ready);
/* By name; -EINVAL with the list of names. */
int ha_ready_parse(const char *name, enum ha_ready *ret_ready,
		   struct ha_err *err);

struct ha_restart_vm {
	const char *name; /* for the sentences of ha_restart_order_check() */
	/* what its user wants */
	enum ha_restart_priority priority;
	enum ha_ready ready;
	uint64_t post_ready_ms; /* extra wait after the ready condition */
	bool has_timeout;
	uint64_t timeout_ms;      /* its own priority timeout, with has_timeout;
			      * else the rules' */
	const size_t *depends_on; /* indices into the same array; one that is
				   * not below count is a VM nobody knows: it
				   * is never ready */
	size_t depends_count;
	/* what is known now */
	bool is_wanted;   /* to be up: protected, not stopped by its user */
	bool is_running;  /* its start has finished, and it runs */
	bool is_starting; /* an attempt is under way: granted, and neither
			   * running nor failed */
	bool is_ready;    /* its heartbeat is good; only with the conditions
			* GUEST and APP, the others follow from is_running */
	bool has_room;    /* some host can take it; true when not known */
	uint32_t target;  /* the host where it is to start, by the plan;
			   * HA_RESTART_NO_TARGET: not known */
	uint64_t runs_since_ms;  /* with is_running */
	uint64_t ready_since_ms; /* with is_ready */
	uint64_t granted_ms;     /* when the last attempt was granted, with
			      * attempts or is_starting */
	/* Attempts of this incident, the one under way and the one by which it
	 * runs included; one that found no room is not counted. 0 for a VM
	 * that runs: it was not restarted, so nobody waits for it. Set it to 0
	 * when the verdict says is_over, when its user starts it, and when the
	 * host dies on which it ran (a new incident). Keep it when it crashes
	 * on a host that lives: a crash counts like a failed start. */
	uint32_t attempts;
	uint64_t failed_ms; /* when its last failure was seen: of the last
			     * attempt, of the VM, or of its host. Needed
			     * when it neither runs nor starts */
	uint64_t since_ms;  /* when its incident was seen to begin; 0: when
			     * its level's turn came */
};

struct ha_restart_rules {
	/* Wait i comes before attempt i + 1, from the failure before it; the
	 * last one is used for all that follow. */
	uint64_t waits_ms[HA_RESTART_WAITS_MAX];
	size_t wait_count;
	uint32_t attempts_max; /* the first included */
	uint64_t priority_timeout_ms;
	uint64_t attempt_timeout_ms;
	uint64_t forget_ms; /* it has run for so long: the attempts are over */
	uint32_t concurrent_max; /* attempts under way, on all hosts; 0: none */
	/* The same, of those that have one host as their target; 0: not
	 * counted host by host. */
	uint32_t per_target_max;
};

/* vSphere's defaults: attempts at 0, 2, 6, 14 and 30 min, 32 at a time on each
 * of the hosts that live: as many on one, and so many times 32 on all. */
struct ha_restart_rules ha_restart_rules_default(uint32_t live_hosts);

/* The caller's working memory, one for each priority, zeroed at first; it may
 * be lost (a new master): then the timeouts of this incident begin anew. */
struct ha_restart_level_memory {
	bool is_waiting;   /* lower levels wait for this one, or did until the
			    * timeout */
	uint64_t began_ms; /* since its turn came */
};

enum ha_restart_why {
	HA_RESTART_RUNS,
	HA_RESTART_STARTING,
	HA_RESTART_MAY_START,
	HA_RESTART_WAITS_PRIORITY,
	HA_RESTART_WAITS_DEPENDENCY,
	HA_RESTART_WAITS_RETRY,
	HA_RESTART_WAITS_SLOT, /* bound on concurrent restarts: of its
				* target, or of all */
	HA_RESTART_GIVEN_UP,
	HA_RESTART_IS_DISABLED,
	HA_RESTART_NO_ROOM,
	HA_RESTART_NOT_WANTED,
	HA_RESTART_WHY_N
};
const char *ha_restart_why_name(enum ha_restart_why why);
const char *ha_restart_why_text(enum ha_restart_why why);

struct ha_restart_verdict {
	enum ha_restart_why why;
	/* WAITS_PRIORITY: who is waited for longest, of that level.
	 * WAITS_DEPENDENCY: of all that it waits for, who is worst off, then
	 * who takes longest. The first of several; count: none, or one that
	 * nobody knows. */
	size_t blocker;
	/* WAITS_PRIORITY: the level that it waits for, the blocker's. */
	enum ha_restart_priority level;
	/* WAITS_SLOT: the host whose slots are taken; HA_RESTART_NO_TARGET: all
	 * hosts' together are. */
	uint32_t target;
	/* When to look again if nothing changes before; HA_RESTART_NEVER: only
	 * a change can end this. */
	uint64_t due_ms;
	/* WAITS_DEPENDENCY: nothing that is under way will ever end it. What it
	 * depends on is stopped by its user, disabled, given up, unknown, waits
	 * for such a one, or depends on it. It goes on waiting; tell. */
	bool is_stuck;
	/* STARTING: for longer than attempt_timeout_ms. It holds nobody up and
	 * takes no slot any more. Nothing acts on the grant: find out why. */
	bool is_overdue;
	/* RUNS: the incident is over, its attempts are to be forgotten. */
	bool is_over;
};

struct ha_restart_sum {
	uint32_t counts[HA_RESTART_WHY_N];
	uint64_t due_ms; /* the earliest of all VMs */
};

/* Scratch, one for each VM; what is in it means nothing before and after. */
struct ha_restart_work {
	size_t parent;
	size_t next;
	uint8_t mark;
	uint8_t fate;
};

/* For each VM, may it be started now, and if not, why and until when.
 *
 * - Highest priority first. A lower level waits for each VM of a higher one
 *   that is to be restarted in this incident, until its attempt has ended
 *   (condition NONE), or it is ready, and in both cases post_ready_ms after it
 *   came up; or until its priority timeout is over, counted from the turn of
 *   its level or the begin of its own incident, whichever is later. The
 *   timeout does not end the wait for a first attempt with NONE:
 *   attempt_timeout_ms does.
 * - A VM that has failed once holds nobody up any more, neither on its retry
 *   timer nor in a later attempt; nor does one that is given up, disabled, not
 *   wanted, without room, or that ran before (attempts 0).
 * - A VM waits for all that it depends on, without a timeout: until they are
 *   ready and their post_ready_ms is over. One that is stopped by its user,
 *   disabled or given up counts as not ready. Meanwhile it holds up lower
 *   levels until the priority timeout, whatever its own condition; not at all
 *   if what it depends on is on a retry timer, has no room, or never comes.
 * - Not more than concurrent_max attempts at a time: by priority, then by the
 *   order of the array; and of these not more than per_target_max with the same
 *   target. One whose target is not known takes a slot of all hosts alone.
 *   Where more wait than may go, half of that number is let go together, on
 *   each host by itself. Who waits for his host's slots keeps nobody of his
 *   level from going elsewhere.
 *
 * `memory` has HA_RESTART_PRIORITY_N entries; `work` and `ret_verdicts` have
 * `count`. Time is linear in VMs and dependencies. */
struct ha_restart_sum ha_restart_judge(const struct ha_restart_vm *vms,
				       size_t count,
				       const struct ha_restart_rules *rules,
				       uint64_t now_ms,
				       struct ha_restart_level_memory *memory,
				       struct ha_restart_work *work,
				       struct ha_restart_verdict *ret_verdicts);

/* ---- what may be configured ---------------------------------------------- */

/* The first cycle of dependencies: the VMs of ret_cycle (room for `count`)
 * each depend on the next, the last one on the first. Its length; 0: none. */
size_t ha_restart_cycle(const struct ha_restart_vm *vms, size_t count,
			struct ha_restart_work *work, size_t *ret_cycle);

/* 0 when the dependencies can be kept. -ENOENT: on a VM that is not known.
 * -ELOOP: a cycle. -EINVAL: on one of lower priority, or that is never
 * restarted. `err` names them. `cycle` is scratch, room for `count`. */
int ha_restart_order_check(const struct ha_restart_vm *vms, size_t count,
			   struct ha_restart_work *work, size_t *cycle,
			   struct ha_err *err);

#endif
