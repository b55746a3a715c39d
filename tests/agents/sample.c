/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small real agent, the runtime's test subject: "runs" while its state file
 * exists. Has a parameter of each type and an action that hangs, so that each
 * promise of agent.h can be seen to hold from outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "runtime/agent.h"

#define START_TIMEOUT_S 20
#define MONITOR_TIMEOUT_S 10
#define MONITOR_INTERVAL_S 10
#define STATE_MODE 0600

struct sample {
	const char *state;
	const char *greeting;
	const char *id;
	const char *words;
	bool loud;
	int64_t count;
	uint64_t delay_ms;
	int colour;
};

static const char *const COLOURS[] = { "red", "green", "blue", NULL };

#define AT(field) .offset = offsetof(struct sample, field)

static const struct ha_param PARAMS[] = {
	{ .name = "state",
	  .type = HA_PARAM_PATH,
	  .flags = HA_PARAM_REQUIRED | HA_PARAM_UNIQUE,
	  AT(state),
	  .shortdesc = "State file",
	  .longdesc = "File that exists while the resource \"runs\".\n\n"
		      "'Quotes', <angles> & back\\slashes survive." },
	{ .name = "greeting",
	  .type = HA_PARAM_STRING,
	  .def = "a < b & \"c\"",
	  .flags = HA_PARAM_RELOADABLE,
	  AT(greeting),
	  .shortdesc = "Text that start logs" },
	{ .name = "id", .type = HA_PARAM_UUID, AT(id), .shortdesc = "A UUID" },
	{ .name = "words",
	  .type = HA_PARAM_LIST,
	  AT(words),
	  .shortdesc = "Some words" },
	{ .name = "loud",
	  .type = HA_PARAM_BOOL,
	  .def = "false",
	  AT(loud),
	  .shortdesc = "Whether monitor logs" },
	{ .name = "migration_bandwidth",
	  .type = HA_PARAM_INT,
	  .unit = "MiB/s",
	  .def = "100",
	  .min = 1,
	  .max = 100000,
	  AT(count),
	  .shortdesc = "A number" },
	{ .name = "delay",
	  .type = HA_PARAM_DURATION,
	  .def = "0s",
	  .min = 0,
	  .max = 3600000,
	  AT(delay_ms),
	  .shortdesc = "Time that start takes" },
	{ .name = "colour",
	  .type = HA_PARAM_ENUM,
	  .def = "green",
	  .choices = COLOURS,
	  .flags = HA_PARAM_INERT,
	  AT(colour),
	  .shortdesc = "A colour" },
	{ .name = NULL },
};

static bool
is_running(const struct sample *values)
{
	return values->state && access(values->state, F_OK) == 0;
}

static enum ocf_rc
start(struct agent_ctx *ctx)
{
	const struct sample *values = ctx->values;

	ha_clock_sleep_ms(values->delay_ms, ctx->deadline_ms);
	if (values->delay_ms && ha_clock_left_ms(ctx->deadline_ms) == 0) {
		return agent_fail(ctx, OCF_ERR_GENERIC,
				  "start of %s: not done in %llu ms",
				  ctx->instance,
				  (unsigned long long)ctx->timeout_ms);
	}
	ha_autoclose int fd =
		open(values->state, O_CREAT | O_WRONLY | O_CLOEXEC, STATE_MODE);
	if (fd < 0) {
		return agent_fail(ctx, OCF_ERR_GENERIC, "%s: %s", values->state,
				  strerror(errno));
	}
	agent_log(ctx, AGENT_INFO, "started, %s\nsecond line",
		  values->greeting);
	return OCF_SUCCESS;
}

static enum ocf_rc
stop(struct agent_ctx *ctx)
{
	const struct sample *values = ctx->values;

	if (is_running(values) && unlink(values->state) < 0) {
		return agent_fail(ctx, OCF_ERR_GENERIC, "%s: %s", values->state,
				  strerror(errno));
	}
	return OCF_SUCCESS;
}

static enum ocf_rc
monitor(struct agent_ctx *ctx)
{
	const struct sample *values = ctx->values;

	if (is_running(values)) {
		return OCF_SUCCESS;
	}
	if (values->loud) {
		agent_log(ctx, AGENT_ERROR, "not running");
	}
	return ctx->lenient_rc ? (enum ocf_rc)ctx->lenient_rc : OCF_NOT_RUNNING;
}

/* Hangs past its deadline, like a system call on dead storage. */
static enum ocf_rc
reload_agent(struct agent_ctx *ctx)
{
	while (ctx) {
		pause();
	}
	return OCF_ERR_GENERIC;
}

static enum ocf_rc
validate(struct agent_ctx *ctx)
{
	const struct sample *values = ctx->values;
	struct stat info;

	if (stat("/", &info) < 0 || !values->state) {
		return OCF_ERR_GENERIC;
	}
	return agent_fail(ctx, OCF_ERR_INSTALLED, "the host was looked at");
}

static const struct agent_action ACTIONS[] = {
	{ .name = "start", .timeout_s = START_TIMEOUT_S, .run = start },
	{ .name = "stop",
	  .timeout_s = START_TIMEOUT_S,
	  .run = stop,
	  .flags = AGENT_ACTION_LENIENT },
	{ .name = "monitor",
	  .timeout_s = MONITOR_TIMEOUT_S,
	  .interval_s = MONITOR_INTERVAL_S,
	  .run = monitor,
	  .flags = AGENT_ACTION_LENIENT },
	{ .name = "reload-agent",
	  .timeout_s = START_TIMEOUT_S,
	  .run = reload_agent },
	{ .name = "validate-all",
	  .timeout_s = START_TIMEOUT_S,
	  .run = validate },
	{ .name = NULL },
};

int
main(int argc, char **argv)
{
	static const struct agent_desc DESC = {
		.name = "Sample",
		.version = "1",
		.shortdesc = "test subject of the agent runtime",
		.longdesc = "Runs while a file exists.\n\n.Not a request, and "
			    "no \\fBescape\\fR.",
		.params = PARAMS,
		.actions = ACTIONS,
		.values_size = sizeof(struct sample),
		.man_body = ".SH NOTES\nNone.\n",
	};

	return agent_main(&DESC, argc, argv);
}
