/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From argv to an exit code. The order is the contract: what explains the
 * agent works for anybody, anywhere and in an empty environment; what acts
 * has a guard running before it looks at anything; parameters are judged
 * before the agent's code sees them.
 */
#include <errno.h>
#include <signal.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ha/clock.h"
#include "runtime/runtime.h"

/* Room for the parameters of an ordinary agent without malloc(). */
#define VALUES_BYTES 2048

static const struct agent_action *
find_action(const struct agent_desc *desc, const char *name)
{
	for (const struct agent_action *a = desc->actions; a->name; a++) {
		if (strcmp(a->name, name) == 0) {
			return a;
		}
	}
	return strcmp(name, rt_validate_all.name) == 0 ? &rt_validate_all :
							 NULL;
}

/* The actions that print; false when `name` is none of them. */
static bool
explain(const struct agent_desc *desc, const char *name, enum ocf_rc *ret_rc)
{
	static const struct {
		const char *name;
		int (*print)(const struct agent_desc *desc, FILE *out);
	} PRINTERS[] = {
		{ "meta-data", rt_metadata_print },
		{ "usage", rt_usage_print },
		{ "help", rt_usage_print },
		{ "manpage", rt_man_print },
	};

	for (size_t i = 0; i < sizeof(PRINTERS) / sizeof(PRINTERS[0]); i++) {
		if (strcmp(PRINTERS[i].name, name) == 0) {
			*ret_rc = PRINTERS[i].print(desc, stdout) == 0 ?
					  OCF_SUCCESS :
					  OCF_ERR_GENERIC;
			return true;
		}
	}
	return false;
}

static void *
values_storage(size_t size)
{
	static alignas(max_align_t) unsigned char room[VALUES_BYTES];

	return size <= sizeof(room) ? room : calloc(1, size);
}

/* A check that may look at the text of the parameters and nothing else (OCF
 * RA API 1.1, validate-all at OCF_CHECK_LEVEL 0). */
static bool
is_text_check(const struct agent_ctx *ctx)
{
	return strcmp(ctx->action->name, rt_validate_all.name) == 0 &&
	       (ctx->check_level == 0 || !ctx->action->run);
}

static enum ocf_rc
read_values(struct agent_ctx *ctx, unsigned int flags)
{
	if (strcmp(ctx->action->name, rt_validate_all.name) == 0) {
		rt_values_warn_unknown(ctx);
		return rt_values_strict(ctx);
	}
	if (flags & AGENT_ACTION_NO_PARAMS) {
		return OCF_SUCCESS;
	}
	return rt_values_lenient(
		ctx, flags & AGENT_ACTION_LENIENT ? 0 : HA_PARAM_RELOADABLE);
}

static enum ocf_rc
run_action(struct agent_ctx *ctx)
{
	unsigned int flags = ctx->action->flags;
	bool text_check = is_text_check(ctx);
	enum ocf_rc rc;

	if (!text_check && !(flags & AGENT_ACTION_ANY_USER) && geteuid() != 0) {
		return agent_fail(ctx, OCF_ERR_PERM,
				  "%s needs root, and runs as user id %u; "
				  "run it as root",
				  ctx->action->name, (unsigned int)geteuid());
	}
	rc = read_values(ctx, flags);
	if (rc != OCF_SUCCESS) {
		return rc;
	}
	if (text_check) {
		return OCF_SUCCESS;
	}
	return ctx->action->run ? ctx->action->run(ctx) : OCF_ERR_UNIMPLEMENTED;
}

int
agent_main(const struct agent_desc *desc, int argc, char **argv)
{
	struct agent_ctx ctx = { .desc = desc,
				 .started_ms = ha_clock_now_ms() };
	enum ocf_rc rc;

	/* A reader of our output that went away must not kill an action. */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		rt_usage_print(desc, stderr);
		return OCF_ERR_ARGS;
	}
	if (explain(desc, argv[1], &rc)) {
		return (int)rc;
	}
	ctx.action = find_action(desc, argv[1]);
	if (!ctx.action) {
		rt_usage_print(desc, stderr);
		return OCF_ERR_UNIMPLEMENTED;
	}
	rt_environment_read(&ctx);
	rt_guard_arm(&ctx);
	rt_trace_open(&ctx);
	ctx.values = values_storage(desc->values_size);
	rc = ctx.values ? run_action(&ctx) :
			  agent_fail(&ctx, OCF_ERR_GENERIC,
				     "out of memory: %zu bytes for the "
				     "parameters",
				     desc->values_size);
	rt_trace_close((int)rc);
	return (int)rc;
}
