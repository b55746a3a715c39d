/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SAFETY 16, by resource agent. The safe list is short on purpose: agents that
 * look and report, and change nothing that is shared. An agent that is not
 * known forbids; its administrator may say requires=quorum.
 */
#include "ha/gated.h"

#include <string.h>

struct agent {
	const char *class_name; /* NULL: any */
	const char *provider;   /* NULL: any */
	const char *type;
};

/* Agents of resource-agents and Pacemaker that look, and own nothing. */
static const struct agent SAFE[] = {
	{ "ocf", "vmha", "FaultDomain" },
	{ "ocf", "pacemaker", "ping" },
	{ "ocf", "pacemaker", "pingd" },
	{ "ocf", "pacemaker", "ifspeed" },
	{ "ocf", "pacemaker", "attribute" },
	{ "ocf", "pacemaker", "ClusterMon" },
	{ "ocf", "pacemaker", "SysInfo" },
	{ "ocf", "pacemaker", "HealthCPU" },
	{ "ocf", "pacemaker", "HealthIOWait" },
	{ "ocf", "pacemaker", "HealthSMART" },
	{ "ocf", "heartbeat", "ClusterMon" },
	{ "ocf", "heartbeat", "SysInfo" },
	{ "ocf", "heartbeat", "ethmonitor" },
	{ "ocf", "heartbeat", "MailTo" },
};

/* Those whose other half, elsewhere, goes on once the host counts as fenced:
 * lock managers recover its locks, replication promotes its peer. */
static const struct agent LOCKS[] = {
	{ NULL, NULL, "controld" },     { NULL, NULL, "dlm" },
	{ NULL, NULL, "dlm_controld" }, { NULL, NULL, "o2cb" },
	{ NULL, NULL, "ocfs2" },        { NULL, NULL, "gfs2" },
	{ NULL, NULL, "clvm" },         { NULL, NULL, "clvmd" },
	{ NULL, NULL, "lvmlockd" },     { NULL, NULL, "LVM-activate" },
	{ NULL, NULL, "LVM" },          { NULL, NULL, "drbd" },
	{ NULL, "linbit", NULL },       { NULL, NULL, "Filesystem" },
	{ NULL, NULL, "mdraid" },       { NULL, NULL, "Raid1" },
	{ NULL, NULL, "ZFS" },
};

static bool
is_same(const char *want, const char *have)
{
	return !want || (have && strcmp(want, have) == 0);
}

static bool
is_in(const struct agent *list, size_t count,
      const struct ha_gated_resource *resource)
{
	for (size_t i = 0; i < count; i++) {
		if (is_same(list[i].class_name, resource->class_name) &&
		    is_same(list[i].provider, resource->provider) &&
		    is_same(list[i].type, resource->type)) {
			return true;
		}
	}
	return false;
}

static bool
is_empty(const char *text)
{
	return !text || !text[0];
}

/* pcmk's "requires": nothing and quorum start it elsewhere without fencing. */
static bool
is_waived(const char *requires)
{
	return requires && (strcmp(requires, "nothing") == 0 ||
			    strcmp(requires, "quorum") == 0);
}

enum ha_gated_why
ha_gated_judge_one(const struct ha_gated_resource *resource)
{
	if (is_empty(resource->id) || is_empty(resource->class_name) ||
	    is_empty(resource->type)) {
		return HA_GATED_UNKNOWN;
	}
	if (is_in(LOCKS, sizeof(LOCKS) / sizeof(LOCKS[0]), resource)) {
		return HA_GATED_LOCKS;
	}
	if (resource->is_ticket_gated) {
		return HA_GATED_TICKET;
	}
	if (strcmp(resource->class_name, "stonith") == 0) {
		return HA_GATED_STONITH;
	}
	if (is_in(SAFE, sizeof(SAFE) / sizeof(SAFE[0]), resource)) {
		return HA_GATED_SAFE;
	}
	return is_waived(resource->requires) ? HA_GATED_WORD : HA_GATED_UNGATED;
}

bool
ha_gated_is_allowed(enum ha_gated_why why)
{
	switch (why) {
	case HA_GATED_TICKET:
	case HA_GATED_SAFE:
	case HA_GATED_STONITH:
	case HA_GATED_WORD:
		return true;
	case HA_GATED_LOCKS:
	case HA_GATED_UNGATED:
	case HA_GATED_UNKNOWN:
	case HA_GATED_N:
		break;
	}
	return false;
}

struct ha_gated_verdict
ha_gated_judge(const struct ha_gated_resource *list, size_t count)
{
	struct ha_gated_verdict verdict = {
		.is_allowed = true,
		.why = HA_GATED_TICKET,
		.resource = count,
	};

	for (size_t i = 0; i < count; i++) {
		enum ha_gated_why why = ha_gated_judge_one(&list[i]);

		if (ha_gated_is_allowed(why) ||
		    (!verdict.is_allowed && why != HA_GATED_LOCKS)) {
			continue;
		}
		verdict = (struct ha_gated_verdict){
			.why = why,
			.resource = i,
		};
		if (why == HA_GATED_LOCKS) {
			break;
		}
	}
	return verdict;
}

const char *
ha_gated_why_name(enum ha_gated_why why)
{
	switch (why) {
	case HA_GATED_TICKET:
		return "ticket";
	case HA_GATED_SAFE:
		return "safe";
	case HA_GATED_STONITH:
		return "stonith";
	case HA_GATED_WORD:
		return "requires";
	case HA_GATED_LOCKS:
		return "locks";
	case HA_GATED_UNGATED:
		return "ungated";
	case HA_GATED_UNKNOWN:
	case HA_GATED_N:
		break;
	}
	return "unknown";
}

const char *
ha_gated_why_text(enum ha_gated_why why)
{
	switch (why) {
	case HA_GATED_TICKET:
		return "is gated by its ticket";
	case HA_GATED_SAFE:
		return "may run on both sides";
	case HA_GATED_STONITH:
		return "is a fencing device";
	case HA_GATED_WORD:
		return "may run twice by its own meta attribute requires";
	case HA_GATED_LOCKS:
		return "takes a fenced host for dead (locks, replication or a "
		       "file system): the host must be reset";
	case HA_GATED_UNGATED:
		return "is not gated by a vmha ticket and could run twice: give "
		       "a VM its gate (vmha vm add), or say requires=quorum "
		       "where running twice is harmless";
	case HA_GATED_UNKNOWN:
	case HA_GATED_N:
		break;
	}
	return "is not known to this cluster's configuration: clean it up "
	       "(crm resource cleanup)";
}
