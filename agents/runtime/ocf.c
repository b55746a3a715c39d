/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The exit codes of OCF Resource Agent API 1.1, once: names for logs,
 * sentences for EXIT STATUS in each man page. The sentences say what the
 * cluster does with the code, because that is what an operator needs.
 */
#include "runtime/agent.h"

#include <stddef.h>

#define OCF_RC(code, text)        \
	{                         \
		code, #code, text \
	}

static const struct {
	enum ocf_rc rc;
	const char *name;
	const char *text;
} OCF_RC_TABLE[] = {
	OCF_RC(OCF_SUCCESS, "The action succeeded; for monitor: running."),
	OCF_RC(OCF_ERR_GENERIC,
	       "The action failed; the cluster recovers the resource, where "
	       "migration-threshold allows it on the same node."),
	OCF_RC(OCF_ERR_ARGS,
	       "A parameter does not fit this node; the cluster tries "
	       "another one."),
	OCF_RC(OCF_ERR_UNIMPLEMENTED, "The agent has no such action."),
	OCF_RC(OCF_ERR_PERM,
	       "Not permitted on this node; the cluster tries another one."),
	OCF_RC(OCF_ERR_INSTALLED,
	       "Something that the agent needs is missing on this node; the "
	       "cluster tries another one."),
	OCF_RC(OCF_ERR_CONFIGURED,
	       "The configuration is wrong for every node; the cluster stops "
	       "the resource and does not start it anywhere."),
	OCF_RC(OCF_NOT_RUNNING, "For monitor: cleanly stopped."),
	OCF_RC(OCF_RUNNING_PROMOTED, "For monitor: running and promoted."),
	OCF_RC(OCF_FAILED_PROMOTED,
	       "For monitor: promoted and failed; the cluster demotes, stops "
	       "and restarts it."),
	OCF_RC(OCF_DEGRADED,
	       "For monitor: running, but likely to fail or impaired; the "
	       "cluster shows it and leaves the resource alone."),
	OCF_RC(OCF_DEGRADED_PROMOTED,
	       "For monitor: promoted, but likely to fail or impaired."),
};

#define N_CODES (sizeof(OCF_RC_TABLE) / sizeof(OCF_RC_TABLE[0]))

const char *
ocf_rc_name(enum ocf_rc rc)
{
	for (size_t i = 0; i < N_CODES; i++) {
		if (OCF_RC_TABLE[i].rc == rc) {
			return OCF_RC_TABLE[i].name;
		}
	}
	return "unknown";
}

const char *
ocf_rc_text(enum ocf_rc rc)
{
	for (size_t i = 0; i < N_CODES; i++) {
		if (OCF_RC_TABLE[i].rc == rc) {
			return OCF_RC_TABLE[i].text;
		}
	}
	return "Not an exit code of OCF Resource Agent API 1.1.";
}

bool
ocf_rc_next(size_t *index, enum ocf_rc *ret_rc)
{
	if (*index >= N_CODES) {
		return false;
	}
	*ret_rc = OCF_RC_TABLE[(*index)++].rc;
	return true;
}
