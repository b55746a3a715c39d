/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Order, retries and protection on top of the lock: what a schedule has drawn
 * of them, what the CIB and the datastores keep, and what is true. The rules
 * themselves are those of vmha-fdmd (agents/FaultDomain/restart.c, protect.c)
 * and of libha/core below it: the simulator gives them its own facts. Plain
 * values; nothing here but `truth` is known to a manager.
 */
#ifndef VMHA_SIM_RESTART_H
#define VMHA_SIM_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/election.h"
#include "ha/protect.h"
#include "ha/restart.h"

#define RESTART_HOSTS 5
#define RESTART_VMS 6
#define RESTART_BAD_ALWAYS 255u

/* The texts are of static tables. */
struct ticket {
	bool is_granted;
	uint32_t term; /* 0: there is no ticket */
	uint8_t attempt;
	const char *state, *reason, *role; /* NULL: "" */
};

/* The protected list, one of two copies. */
struct plist_copy {
	bool is_damaged;
	uint32_t term, generation;  /* 0: never written */
	uint8_t entry[RESTART_VMS]; /* enum ha_protect_entry */
};

/* One manager's dealings with it. */
struct plist_side {
	uint32_t job; /* under way; 0: none */
	bool is_write;
	uint32_t landed; /* datastores that have it */
	uint32_t term;   /* of the master that began it */
	uint64_t ask_ms, retry_ms;
	bool must_write;
	struct plist_copy known, sent; /* as read or written; on its way */
};

/* Of one VM. */
struct restart_truth {
	uint64_t down_us;  /* since when it runs nowhere; 0: it runs */
	uint64_t began_us; /* when it last ended after a while */
	uint64_t went_us;  /* when it last ended */
	uint32_t last_host;
	bool is_power;     /* with its host */
	uint64_t run_us;   /* since when it runs */
	uint64_t fail_us;  /* its last start that failed */
	uint64_t grant_us; /* its last attempt was let go */
	uint32_t fails;    /* starts that failed since then */
	uint32_t rounds;   /* attempts that failed, since it last ran */
	bool by_user;      /* it was started by its user, and has not run yet */
	uint64_t stop_us;  /* its user has stopped it */
	uint64_t sent_us;  /* the DC last told a host to start it */
	uint64_t role_us;  /* its target-role was last changed */
	bool is_ahead;     /* it was being started before it was let go */
	bool is_stopped;   /* by its user, who has not started it since */
	bool is_shown_off; /* people were told that it is powered off */
};

struct restarts {
	bool is_on;
	/* drawn */
	struct ha_restart_rules rules; /* concurrent_max: for each host */
	uint8_t priority[RESTART_VMS], ready[RESTART_VMS];
	uint8_t depends[RESTART_VMS]; /* bit per VM */
	uint32_t post_ready_ms[RESTART_VMS];
	uint8_t bad[RESTART_VMS]; /* starts that will fail yet */
	/* numbers given out */
	uint32_t fail_ids, jobs;
	/* each host's manager */
	struct plist_side plist[RESTART_HOSTS];
	struct ticket want[RESTART_HOSTS][RESTART_VMS]; /* on their way */
	uint64_t refused_ms[RESTART_HOSTS][RESTART_VMS];
	uint64_t back_us[RESTART_HOSTS]; /* fence_vmha waits for a master */
	/* true */
	struct restart_truth truth[RESTART_VMS];
	uint64_t ready_us[RESTART_HOSTS]; /* master since; 0: not */
	uint32_t live[RESTART_HOSTS];     /* hosts, when it last decided */
	bool is_doubted;    /* a manager has gone on without the list */
	uint64_t stale_us;  /* an old list said of one that it runs */
	uint64_t unkept_us; /* a host was fenced and nothing was kept back */
	/* what happened, to see that schedules reach what they aim at */
	uint32_t grants, retries, waits, colds, kept, changes;
};

#endif
