/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ocf:vmha:FaultDomain: the daemon vmha-fdmd on every host, as a Pacemaker
 * promotable clone; the promoted instance's host is the master. The resource's
 * parameters are the cluster's policy, which the daemon reads from the CIB;
 * the agent starts it, tells it what Pacemaker has promoted, asks it for a sign
 * of life, and ends it. It must never end a process that is not the daemon, and a stop
 * says "stopped" only when none is left.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "FaultDomain/agent.h"
#include "FaultDomain/timeouts.h"
#include "ha/clock.h"
#include "ha/fdmparams.h"
#include "runtime/agent.h"

static enum ocf_rc
not_answering(struct agent_ctx *ctx, const struct ha_proc_id *id,
	      const struct ha_err *err)
{
	return agent_fail(ctx, OCF_ERR_GENERIC,
			  "vmha-fdmd (process %d) hangs: %s; its log says "
			  "more, and a restart of this resource ends it",
			  (int)id->pid, err->text);
}

/* Asks or tells it that; *ret_promoted may be NULL. */
static enum ocf_rc
ask(struct agent_ctx *ctx, const char *op, bool *ret_promoted)
{
	uint64_t deadline_ms = ha_clock_step_ms(ctx->deadline_ms, FDM_ASK_MS);
	struct ha_err err = HA_ERR_INIT;
	struct ha_err why = HA_ERR_INIT;
	struct ha_proc_id id;
	int rc;

	if (fdm_ask(op, deadline_ms, ret_promoted, &why) == FDM_ANSWERS) {
		return OCF_SUCCESS;
	}
	rc = fdm_find(&id, &err);
	if (rc < 0) {
		return agent_fail(ctx, OCF_ERR_GENERIC, "%s", err.text);
	}
	return rc == 0 ? OCF_NOT_RUNNING : not_answering(ctx, &id, &why);
}

static enum ocf_rc
run_monitor(struct agent_ctx *ctx)
{
	bool is_promoted = false;
	enum ocf_rc rc = ask(ctx, "ping", &is_promoted);

	return rc == OCF_SUCCESS && is_promoted ? OCF_RUNNING_PROMOTED : rc;
}

/* What it means that a host is promoted, and when it acts, is the daemon's
 * matter; nothing is waited for. */
static enum ocf_rc
run_promote(struct agent_ctx *ctx)
{
	return ask(ctx, "promote", NULL);
}

/* Its answer comes after it has laid its lease down. */
static enum ocf_rc
run_demote(struct agent_ctx *ctx)
{
	return ask(ctx, "demote", NULL);
}

/* Another instance may be beginning already: a start that was cut short. */
static enum ocf_rc
wait_for_answer(struct agent_ctx *ctx)
{
	struct ha_err err = HA_ERR_INIT;
	struct ha_err why = HA_ERR_INIT;
	struct ha_proc_id id = { 0 };
	bool is_promoted = false;
	int rc;

	for (;;) {
		uint64_t step_ms =
			ha_clock_step_ms(ctx->deadline_ms, FDM_ASK_MS);

		if (fdm_ask("ping", step_ms, &is_promoted, &why) ==
		    FDM_ANSWERS) {
			agent_log(ctx, AGENT_INFO, "vmha-fdmd answers");
			/* What Pacemaker starts is not promoted. */
			return is_promoted ? run_demote(ctx) : OCF_SUCCESS;
		}
		rc = fdm_find(&id, &err);
		if (rc < 0) {
			return agent_fail(ctx, OCF_ERR_GENERIC, "%s", err.text);
		}
		if (rc == 0) {
			return agent_fail(ctx, OCF_ERR_GENERIC,
					  "vmha-fdmd has ended right after its "
					  "start; its log lines (syslog, tag "
					  "vmha-fdmd) say why");
		}
		if (ha_clock_left_ms(ctx->deadline_ms) == 0) {
			return not_answering(ctx, &id, &why);
		}
		ha_clock_sleep_ms(FDM_POLL_MS, ctx->deadline_ms);
	}
}

static enum ocf_rc
run_start(struct agent_ctx *ctx)
{
	struct ha_err err = HA_ERR_INIT;
	struct ha_proc_id id;
	int rc;

	if (access(FDM_DAEMON, X_OK) < 0) {
		return agent_fail(ctx, OCF_ERR_INSTALLED,
				  "%s is missing (%s); install vmha on this "
				  "host",
				  FDM_DAEMON, strerror(errno));
	}
	rc = fdm_find(&id, &err);
	if (rc == 0) {
		rc = fdm_spawn(&err);
	}
	if (rc < 0) {
		return agent_fail(ctx, OCF_ERR_GENERIC, "%s", err.text);
	}
	return wait_for_answer(ctx);
}

/* Until when a clean end may take, so that force still has its time. */
static uint64_t
patience_ms(const struct agent_ctx *ctx)
{
	uint64_t left_ms = ha_clock_left_ms(ctx->deadline_ms);
	uint64_t reserve_ms = left_ms / 3 < FDM_KILL_RESERVE_MS ?
				      left_ms / 3 :
				      FDM_KILL_RESERVE_MS;

	return ha_clock_step_ms(ctx->deadline_ms - reserve_ms, FDM_TERM_MS);
}

static enum ocf_rc
run_stop(struct agent_ctx *ctx)
{
	uint64_t kill_ms = patience_ms(ctx);
	struct ha_err err = HA_ERR_INIT;
	struct ha_proc_id id;
	bool was_killed = false;
	int rc;

	while ((rc = fdm_find(&id, &err)) == 1) {
		rc = fdm_end(&id, kill_ms, ctx->deadline_ms, &was_killed, &err);
		if (rc < 0) {
			break;
		}
		agent_log(ctx, was_killed ? AGENT_WARNING : AGENT_INFO,
			  "vmha-fdmd (process %d) %s", (int)id.pid,
			  was_killed ? "did not end in time and was killed" :
				       "has ended");
	}
	if (rc < 0) {
		return agent_fail(ctx, OCF_ERR_GENERIC, "%s", err.text);
	}
	return OCF_SUCCESS;
}

/* The daemon follows the CIB by itself. */
static enum ocf_rc
run_reload_agent(struct agent_ctx *ctx)
{
	return ask(ctx, "ping", NULL);
}

static enum ocf_rc
run_validate_all(struct agent_ctx *ctx)
{
	if (access(FDM_DAEMON, X_OK) < 0) {
		return agent_fail(ctx, OCF_ERR_INSTALLED,
				  "%s is missing (%s); install vmha on this "
				  "host",
				  FDM_DAEMON, strerror(errno));
	}
	return OCF_SUCCESS;
}

/* A typing error in the policy must never keep the fault domain manager from
 * running: the daemon uses the default in its place and says so. */
static const struct agent_action ACTIONS[] = {
	{ .name = "start",
	  .timeout_s = FDM_START_TIMEOUT_S,
	  .flags = AGENT_ACTION_LENIENT,
	  .run = run_start },
	{ .name = "stop",
	  .timeout_s = FDM_STOP_TIMEOUT_S,
	  .flags = AGENT_ACTION_LENIENT,
	  .run = run_stop },
	{ .name = "promote",
	  .timeout_s = FDM_PROMOTE_TIMEOUT_S,
	  .flags = AGENT_ACTION_LENIENT,
	  .run = run_promote },
	{ .name = "demote",
	  .timeout_s = FDM_DEMOTE_TIMEOUT_S,
	  .flags = AGENT_ACTION_LENIENT,
	  .run = run_demote },
	{ .name = "monitor",
	  .timeout_s = FDM_MONITOR_TIMEOUT_S,
	  .interval_s = FDM_MONITOR_INTERVAL_S,
	  .role = "Promoted",
	  .flags = AGENT_ACTION_LENIENT,
	  .run = run_monitor },
	{ .name = "monitor",
	  .timeout_s = FDM_MONITOR_TIMEOUT_S,
	  .interval_s = FDM_UNPROMOTED_INTERVAL_S,
	  .role = "Unpromoted",
	  .flags = AGENT_ACTION_LENIENT,
	  .run = run_monitor },
	{ .name = "reload-agent",
	  .timeout_s = FDM_RELOAD_TIMEOUT_S,
	  .flags = AGENT_ACTION_LENIENT,
	  .run = run_reload_agent },
	{ .name = "validate-all",
	  .timeout_s = FDM_VALIDATE_TIMEOUT_S,
	  .run = run_validate_all },
	{ .name = NULL },
};

static const char LONGDESC[] =
	"Runs vmha's fault domain manager (vmha-fdmd) on every host of the "
	"cluster. Configure it as a promotable clone, once. The promoted "
	"instance's host is the master of the fault domain: as in vSphere, "
	"the one with the most heartbeat datastores, then the one whose name "
	"is greatest as text; it stays until it dies, leaves or is isolated. "
	"The manager keeps virtual machines "
	"from being started elsewhere while they may still run on a host that "
	"is cut off, has them started elsewhere as soon as that is safe, and "
	"carries out the isolation response on a host that is cut off itself."
	"\n"
	"\n"
	"The parameters are the cluster's policy. Each of them can be changed "
	"at any time and takes effect at once, without a restart of anything.";

static int
check(const void *values, const char *instance, struct ha_err *err)
{
	(void)instance;
	return ha_fdm_params_check(values, err);
}

static const struct agent_desc FDM_AGENT = {
	.name = "FaultDomain",
	.version = VMHA_VERSION,
	.shortdesc = "Fault domain manager: isolation, partitions, restarts",
	.longdesc = LONGDESC,
	.params = HA_FDM_PARAMS,
	.actions = ACTIONS,
	.check = check,
	.values_size = sizeof(struct ha_fdm_params),
	.man_body = FDM_MAN_BODY,
};

int
main(int argc, char **argv)
{
	return agent_main(&FDM_AGENT, argc, argv);
}
