/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The OCF runtime: everything that an agent has in common with the others.
 * An agent is a table of parameters (ha/param.h), a table of actions and the
 * functions behind them; agent_main() turns it into a program that parses,
 * validates, dispatches with a deadline, logs, explains itself (meta-data,
 * usage, man page) and exits with the code the table gives.
 * Source of the rules: OCF Resource Agent API 1.1, Pacemaker Explained.
 * Links libc only; must never open a connection or fork.
 */
#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/err.h"
#include "ha/param.h"

/* Exit codes of OCF RA API 1.1 (OCF_RC table in ocf.c: name, sentence). */
enum ocf_rc {
	OCF_SUCCESS = 0,
	OCF_ERR_GENERIC = 1,
	OCF_ERR_ARGS = 2, /* parameter wrong on this host */
	OCF_ERR_UNIMPLEMENTED = 3,
	OCF_ERR_PERM = 4,
	OCF_ERR_INSTALLED = 5,  /* something is missing on this host */
	OCF_ERR_CONFIGURED = 6, /* parameter wrong on every host */
	OCF_NOT_RUNNING = 7,
	OCF_RUNNING_PROMOTED = 8,
	OCF_FAILED_PROMOTED = 9,
	OCF_DEGRADED = 190,
	OCF_DEGRADED_PROMOTED = 191,
};

enum agent_level {
	AGENT_ERROR,
	AGENT_WARNING,
	AGENT_NOTICE,
	AGENT_INFO,
	AGENT_DEBUG,
};

struct agent_ctx;

#define AGENT_ACTION_ANY_USER \
	0x4u /* does not need root; others end with
				     * OCF_ERR_PERM for other users */
#define AGENT_ACTION_NO_PARAMS \
	0x1u /* runs without any parameter check
				     * (meta-data, usage) */
/* Any bad parameter is logged, and the action runs with the default in its
 * place: stop and monitor must work. (Without the flag only a bad reloadable
 * parameter is forgiven, and by validate-all none.) */
#define AGENT_ACTION_LENIENT 0x2u

struct agent_action {
	const char *name;
	unsigned int timeout_s;  /* advertised, and the deadline when run
				  * without Pacemaker */
	unsigned int interval_s; /* advertised for recurring ones; 0: none */
	const char *role; /* advertised, of a monitor: OCF 1.1's name; or NULL:
			   * a monitor for each role, the same function */
	unsigned int flags;
	enum ocf_rc (*run)(struct agent_ctx *ctx); /* of validate-all: called
		for OCF_CHECK_LEVEL above 0 only, and may be NULL */
};

struct agent_desc {
	const char *name;    /* "VirtualMachine" */
	const char *version; /* of the agent */
	const char *shortdesc;
	const char *longdesc;
	const struct ha_param *params;      /* ends with name == NULL */
	const struct agent_action *actions; /* ends with name == NULL;
		meta-data, usage, help and manpage are the runtime's own, and
		validate-all where the table has none; of these, meta-data and
		validate-all are advertised */
	/* Rules between parameters, from their values alone; NULL: none. For
	 * validate-all at every level. 0, or -EINVAL with a sentence. */
	int (*check)(const void *values, const char *instance,
		     struct ha_err *err);
	size_t values_size;   /* of the struct that params fill */
	const char *man_body; /* roff: examples, files, notes; or NULL */
};

/* What the environment says about this call, parsed once. */
struct agent_ctx {
	const struct agent_desc *desc;
	const struct agent_action *action;
	void *values;               /* desc->values_size bytes, filled */
	const char *instance;       /* OCF_RESOURCE_INSTANCE, "default" */
	const char *node;           /* CRM_meta_on_node or host name */
	uint64_t started_ms;        /* ha_clock at entry */
	uint64_t timeout_ms;        /* of the action, whole */
	uint64_t deadline_ms;       /* action timeout less the reserve:
				     * min(10 %, 2 s), at least 100 ms, for
				     * the exit itself */
	uint64_t interval_ms;       /* CRM_meta_interval */
	unsigned int check_level;   /* OCF_CHECK_LEVEL */
	bool is_probe;              /* monitor with interval 0 */
	const char *migrate_source; /* node names, or NULL */
	const char *migrate_target;
	int lenient_rc; /* what a bad parameter that was forgiven would have
			 * exited with, 0: all parameters were good */
};

/* Parses argv and the environment, runs the action, returns the exit code of
 * the program. A SIGALRM guard halfway between the deadline and the timeout
 * (Pacemaker's own clock started a little earlier) ends a hung action with
 * OCF_ERR_GENERIC and a sentence. SIGPIPE is ignored. Once per process. */
int agent_main(const struct agent_desc *desc, int argc, char **argv);

/* Log line "LEVEL: text" under the tag NAME(INSTANCE)[PID], to where ha_log()
 * of the OCF shell functions would send it: syslog if HA_LOGFACILITY is set
 * (Pacemaker does that), the file HA_LOGFILE if set, stderr if neither is or
 * it is a terminal; DEBUG only with HA_debug. In a probe everything counts
 * as DEBUG. One line, no newline. Waits 50 ms at most for a stuck reader,
 * once; then lines are dropped. */
void agent_log(const struct agent_ctx *ctx, enum agent_level level,
	       const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The sentence that shows in crm_mon: "ocf-exit-reason:..." on stderr
 * (OCF_EXIT_REASON_PREFIX honoured), and the log at ERROR (not in a probe).
 * Returns `rc`, so that "return agent_fail(ctx, OCF_ERR_GENERIC, ...)". */
enum ocf_rc agent_fail(const struct agent_ctx *ctx, enum ocf_rc rc,
		       const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same without the log: for a state that lasts and was logged when it
 * began, so that a recurring monitor does not fill the log. */
enum ocf_rc agent_repeat(const struct agent_ctx *ctx, enum ocf_rc rc,
			 const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The name ("OCF_ERR_ARGS") and sentence of an exit code; one table. */
const char *ocf_rc_name(enum ocf_rc rc);
const char *ocf_rc_text(enum ocf_rc rc);
/* Walks the table; `*index` starts at 0; false at the end. */
bool ocf_rc_next(size_t *index, enum ocf_rc *ret_rc);

#endif
