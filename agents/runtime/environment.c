/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The environment of one call, as Pacemaker's executor sets it (OCF RA API
 * 1.1; CRM_meta_* in Pacemaker Explained). Everything here has a value that
 * works when it is missing: agents are also run by hand, and stop must work
 * with whatever is there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "runtime/runtime.h"

#define MS_PER_S 1000u
/* The reserve, for the exit itself: a share of the timeout, within bounds. */
#define RESERVE_DIVISOR 10u
#define RESERVE_MAX_MS 2000u
#define RESERVE_MIN_MS 100u
/* A timeout beyond this is taken for this: it keeps sums from overflowing. */
#define TIMEOUT_MAX_MS (30ull * 24 * 3600 * MS_PER_S)

#define CHECK_LEVEL_MAX 100u

#define PARAM_PREFIX "OCF_RESKEY_"
#define PARAM_NAME_MAX 128
#define HOST_NAME_BYTES 65 /* HOST_NAME_MAX of Linux, and the NUL */

static const char *
get(const char *name)
{
	const char *value = getenv(name);

	return ha_text_is_empty(value) ? NULL : value;
}

static uint64_t
get_uint64(const char *name, uint64_t fallback)
{
	const char *text = get(name);
	uint64_t value = 0;

	return text && ha_text_uint64(text, &value) == 0 ? value : fallback;
}

const char *
rt_environment_param(void *unused, const char *name)
{
	char variable[sizeof(PARAM_PREFIX) + PARAM_NAME_MAX] = PARAM_PREFIX;

	(void)unused;
	if (ha_text_copy(variable + sizeof(PARAM_PREFIX) - 1, PARAM_NAME_MAX,
			 name) < 0) {
		return NULL;
	}
	return get(variable);
}

static const char *
node_name(void)
{
	static char host[HOST_NAME_BYTES];
	const char *node = get("OCF_RESKEY_CRM_meta_on_node");

	if (node) {
		return node;
	}
	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0]) {
		return "localhost";
	}
	return host;
}

static void
set_deadline(struct agent_ctx *ctx)
{
	uint64_t timeout_ms = get_uint64("OCF_RESKEY_CRM_meta_timeout", 0);
	uint64_t reserve_ms;

	if (timeout_ms == 0) {
		timeout_ms = (uint64_t)ctx->action->timeout_s * MS_PER_S;
	}
	if (timeout_ms == 0 || timeout_ms > TIMEOUT_MAX_MS) {
		timeout_ms = TIMEOUT_MAX_MS;
	}
	reserve_ms = timeout_ms / RESERVE_DIVISOR;
	if (reserve_ms > RESERVE_MAX_MS) {
		reserve_ms = RESERVE_MAX_MS;
	}
	if (reserve_ms < RESERVE_MIN_MS) {
		reserve_ms = RESERVE_MIN_MS;
	}
	if (reserve_ms > timeout_ms) {
		reserve_ms = timeout_ms;
	}
	ctx->timeout_ms = timeout_ms;
	ctx->deadline_ms = ctx->started_ms + timeout_ms - reserve_ms;
}

void
rt_environment_read(struct agent_ctx *ctx)
{
	const char *instance = get("OCF_RESOURCE_INSTANCE");
	/* Both spellings exist; ocf-shellfuncs prefers the first. */
	uint64_t level = get_uint64(
		"OCF_CHECK_LEVEL", get_uint64("OCF_RESKEY_OCF_CHECK_LEVEL", 0));

	ctx->instance = instance ? instance : "default";
	ctx->node = node_name();
	ctx->interval_ms = get_uint64("OCF_RESKEY_CRM_meta_interval", 0);
	ctx->check_level =
		level > CHECK_LEVEL_MAX ? CHECK_LEVEL_MAX : (unsigned int)level;
	ctx->is_probe = strcmp(ctx->action->name, "monitor") == 0 &&
			ctx->interval_ms == 0;
	ctx->migrate_source = get("OCF_RESKEY_CRM_meta_migrate_source");
	ctx->migrate_target = get("OCF_RESKEY_CRM_meta_migrate_target");
	set_deadline(ctx);
}
