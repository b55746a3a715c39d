/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the FaultDomain agent share: finding, starting and ending
 * the daemon vmha-fdmd. The agent holds no state of its own; the process table
 * and the daemon's own answer say all.
 */
#ifndef FAULT_DOMAIN_AGENT_H
#define FAULT_DOMAIN_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/err.h"
#include "ha/proc.h"

extern const char FDM_MAN_BODY[];

/* The daemon's program; the process that runs it is the daemon. */
#define FDM_DAEMON VMHA_LIBEXECDIR "/vmha-fdmd"

enum fdm_answer {
	FDM_ANSWERS,
	FDM_NOBODY, /* nobody listens */
	FDM_SILENT, /* somebody listens and does not answer */
};
/* Asks the daemon's main loop: "ping", a sign of life; "promote", "demote".
 * *ret_promoted, which may be NULL: to "ping", is it promoted? */
enum fdm_answer fdm_ask(const char *op, uint64_t deadline_ms,
			bool *ret_promoted, struct ha_err *err);

/* The process of this pid namespace that runs FDM_DAEMON, also when that file
 * was replaced since. 1 found, 0 none, negative errno. */
int fdm_find(struct ha_proc_id *ret_id, struct ha_err *err);

/* A daemon of its own: own session, child of init, standard output and error
 * to syslog. It runs when this returns 0; whether it answers is another
 * question. */
int fdm_spawn(struct ha_err *err);

/* SIGTERM, from kill_ms on SIGKILL. 0: gone. -ETIMEDOUT. Signals exactly this
 * process, never one that got its pid. `*ret_killed`: it took SIGKILL. */
int fdm_end(const struct ha_proc_id *id, uint64_t kill_ms, uint64_t deadline_ms,
	    bool *ret_killed, struct ha_err *err);

#endif
