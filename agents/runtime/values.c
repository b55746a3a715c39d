/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parameters of one call. validate-all insists on every one of them: a
 * wrong value is wrong on every node (OCF_ERR_CONFIGURED). Other actions
 * forgive a wrong reloadable one, which the resource can run without: a typing
 * error must not keep it down after a host failure, months later. Lenient
 * actions (stop, monitor) forgive all: the true state must be told, and stop
 * must work.
 */
#include <string.h>
#include <unistd.h>

#include "ha/text.h"
#include "runtime/runtime.h"

#define PARAM_PREFIX "OCF_RESKEY_"
#define NAME_SHOWN 64
/* "did you mean": at most so many wrong characters of the longer words. */
#define TYPO_MAX 3u

enum ocf_rc
rt_values_strict(struct agent_ctx *ctx)
{
	struct ha_err err = HA_ERR_INIT;

	if (ha_params_parse(ctx->desc->params, rt_environment_param, NULL,
			    ctx->values, &err) < 0 ||
	    (ctx->desc->check &&
	     ctx->desc->check(ctx->values, ctx->instance, &err) < 0)) {
		return agent_fail(ctx, OCF_ERR_CONFIGURED, "%s", err.text);
	}
	return OCF_SUCCESS;
}

/* A recurring monitor would say it for ever; start and reload-agent have. */
static void
complain(const struct agent_ctx *ctx, const struct ha_err *err)
{
	enum agent_level level =
		ctx->interval_ms > 0 ? AGENT_DEBUG : AGENT_WARNING;

	agent_log(ctx, level, "%s; %s goes on without it", err->text,
		  ctx->action->name);
}

enum ocf_rc
rt_values_lenient(struct agent_ctx *ctx, unsigned int forgiven)
{
	for (const struct ha_param *p = ctx->desc->params; p->name; p++) {
		struct ha_err err = HA_ERR_INIT;

		if (ha_param_set(p, rt_environment_param(NULL, p->name),
				 ctx->values, &err) == 0) {
			continue;
		}
		if (forgiven && !(p->flags & forgiven)) {
			return agent_fail(ctx, OCF_ERR_CONFIGURED, "%s",
					  err.text);
		}
		ctx->lenient_rc = OCF_ERR_CONFIGURED;
		complain(ctx, &err);
		/* A missing required one has no default: it stays unset. */
		ha_param_set(p, NULL, ctx->values, NULL);
	}
	return OCF_SUCCESS;
}

/* What Pacemaker and ocf-shellfuncs put beside the resource's parameters. */
static bool
is_foreign(const char *name)
{
	static const char *const FOREIGN[] = { "crm_feature_set", "trace_ra",
					       "trace_dir", "OCF_CHECK_LEVEL" };

	for (size_t i = 0; i < sizeof(FOREIGN) / sizeof(FOREIGN[0]); i++) {
		if (strcmp(FOREIGN[i], name) == 0) {
			return true;
		}
	}
	return strncmp(name, "CRM_meta_", strlen("CRM_meta_")) == 0;
}

static const char *
closest(const struct ha_param *table, const char *name)
{
	const char *best = NULL;
	unsigned int best_distance = TYPO_MAX + 1;

	for (const struct ha_param *p = table; p->name; p++) {
		unsigned int distance = ha_text_distance(p->name, name);

		/* "tls" is not a typo of "uri", although only 3 differ. */
		if (distance < best_distance &&
		    distance * 2 < strlen(p->name)) {
			best = p->name;
			best_distance = distance;
		}
	}
	return best;
}

static bool
is_known(const struct ha_param *table, const char *name)
{
	for (const struct ha_param *p = table; p->name; p++) {
		if (strcmp(p->name, name) == 0) {
			return true;
		}
	}
	return false;
}

void
rt_values_warn_unknown(const struct agent_ctx *ctx)
{
	for (char **variable = environ; variable && *variable; variable++) {
		char name[NAME_SHOWN + 1];
		const char *start = *variable + strlen(PARAM_PREFIX);
		const char *guess;
		size_t len;

		if (strncmp(*variable, PARAM_PREFIX, strlen(PARAM_PREFIX)) !=
		    0) {
			continue;
		}
		len = strcspn(start, "=");
		len = len > NAME_SHOWN ? NAME_SHOWN : len;
		memcpy(name, start, len);
		name[len] = '\0';
		if (is_foreign(name) || is_known(ctx->desc->params, name)) {
			continue;
		}
		guess = closest(ctx->desc->params, name);
		agent_log(ctx, AGENT_WARNING,
			  "unknown parameter %s: has no effect%s%s%s", name,
			  guess ? "; did you mean " : "", guess ? guess : "",
			  guess ? "?" : "");
	}
}
