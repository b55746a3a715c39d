/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What vm start, stop, import and host maintenance have in common: changes by
 * Pacemaker's own commands, waits with a deadline, progress line by line, and
 * the refusals that hold for all of them. Without quorum nothing is written.
 */
#ifndef VMHA_WAIT_H
#define VMHA_WAIT_H

#include "ask.h"
#include "cib.h"

/* A no of the master's that stood before: it judges again by itself. */
#define REJUDGED_MS 3000u
#define WAIT_POLL_MS 500u /* a CIB is read in 30 ms */

/* A program of Pacemaker's command line tools that changes the cluster.
 * -ETIMEDOUT: whether it did is not known. */
int wait_run(const char *const *argv, struct ha_err *err);
/* Is it an ocf:vmha:VirtualMachine, alone and managed? The sentence says what
 * it is instead. */
int wait_is_ours(const struct cib_node *cib, const char *vm,
		 const struct cib_node **ret_primitive, struct ha_err *err);
/* The same, managed or not. */
int wait_is_vm(const struct cib_node *cib, const char *vm,
	       const struct cib_node **ret_primitive, struct ha_err *err);
int wait_has_quorum(const struct cib_node *cib, struct ha_err *err);
/* A resource name that fits into XML, XPath and a command line. */
int wait_is_name(const char *name, struct ha_err *err);
/* A line of progress at once; nothing with --json. */
void wait_say(const struct vmha *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same line twice is said once. `kept` is of HA_ERR_TEXT. */
void wait_say_new(const struct vmha *v, char *kept, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- vm_role.c ----------------------------------------------------------- */

/* Until that VM, which nothing tells to stop, runs; progress as of vm start.
 * -ETIMEDOUT after --wait or the default of vm start. */
int wait_started(struct vmha *v, const char *vm, char *ret_host, size_t size,
		 uint64_t *ret_took_ms);

#endif
