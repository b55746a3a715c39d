/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the runtime share among themselves. Agents include
 * agent.h and never this.
 */
#ifndef RUNTIME_H
#define RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "runtime/agent.h"

#define RT_LINE_BYTES 1024 /* a log line; longer ones are cut */

/* environment.c: fills ctx from the environment; never fails, since stop
 * must work with whatever the environment holds. */
void rt_environment_read(struct agent_ctx *ctx);
/* The value of OCF_RESKEY_<name>, NULL when unset or empty. */
const char *rt_environment_param(void *unused, const char *name);

/* values.c. Strict: the exit code (0 or OCF_ERR_CONFIGURED), reason given.
 * Lenient: bad parameters get their defaults, ctx->lenient_rc is set. */
enum ocf_rc rt_values_strict(struct agent_ctx *ctx);
/* `forgiven`: flags of the parameters that may be wrong; 0: all of them. */
enum ocf_rc rt_values_lenient(struct agent_ctx *ctx, unsigned int forgiven);
/* A warning for each OCF_RESKEY_ variable that no parameter claims. */
void rt_values_warn_unknown(const struct agent_ctx *ctx);

/* guard.c: ends the process with OCF_ERR_GENERIC shortly before the timeout
 * of the action, whatever the action is doing then. */
void rt_guard_arm(const struct agent_ctx *ctx);

/* log.c: one line to stderr, if it can be taken without waiting long. */
void rt_stderr_line(const char *text);
/* What makes a line of stderr an exit reason. */
const char *rt_reason_prefix(void);
/* Makes one printable line of a text, in place. */
void rt_clean_line(char *text);

/* syslog.c: one datagram to /dev/log; dropped when the daemon is stuck. */
void rt_syslog_send(int priority, const char *tag, const char *text);
/* A facility by name ("daemon", "local3"); -1 when there is none such. */
int rt_syslog_facility(const char *name);
/* "Nov 21 02:33:24", local time. */
#define RT_STAMP_BYTES 96
void rt_syslog_stamp(char ret_text[RT_STAMP_BYTES]);

/* trace.c: OCF_TRACE_RA. */
void rt_trace_open(const struct agent_ctx *ctx);
void rt_trace_line(const char *text);
void rt_trace_close(int exit_code);
/* The spellings of ocf_is_true(), which are not quite Pacemaker's. */
bool rt_is_true(const char *text);

/* metadata.c, usage.c, man.c: the tables in words. 0 or -EIO. */
int rt_metadata_print(const struct agent_desc *desc, FILE *out);
int rt_usage_print(const struct agent_desc *desc, FILE *out);
int rt_man_print(const struct agent_desc *desc, FILE *out);

/* describe.c: what the three have in common. */

/* What a type and its table entry say in words: "integer (MiB/s), 1 to 10,
 * default 5, required". */
void rt_describe_param(const struct ha_param *param, FILE *out);
/* The note on parameters that nothing in the agent reads, or NULL. */
const char *rt_describe_inert(const struct ha_param *param);
/* For agents whose table has none. */
extern const struct agent_action rt_validate_all;
/* Walks the advertised actions: the table's, then meta-data and, where the
 * table has none, validate-all. NULL at the end. `*index` starts at 0. */
const struct agent_action *rt_describe_action(const struct agent_desc *desc,
					      size_t *index);
/* Listed before, for another role. */
bool rt_describe_is_again(const struct agent_desc *desc,
			  const struct agent_action *action);

#endif
