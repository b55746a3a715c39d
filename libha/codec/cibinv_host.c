/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hosts of a CIB: state and capacity. Online is only who counts as a place to
 * be: a member whose controller answers, not in standby, not in Pacemaker's
 * maintenance, and of whom the fault domain manager tells no trouble.
 */
#include <stdlib.h>
#include <string.h>

#include "cibinv.h"
#include "ha/capacity.h"
#include "ha/use.h"

/* What the master tells of a host (agents/FaultDomain/states.h). */
#define STATE_ATTR "vmha-host-state"

static bool
is_set(const struct ci *ci, const struct ci_host *host, const char *name)
{
	return ci_is_true(ci_nv(ci, host->node, "instance_attributes", name)) ||
	       ci_is_true(
		       ci_nv(ci, host->transient, "instance_attributes", name));
}

/* Words of ha_hostreport_name() for a member that can't do its part. */
static bool
is_in_trouble(const char *told)
{
	static const char *const WORDS[] = { "agent-unreachable",
					     "initialization-error", "isolated",
					     "partitioned" };

	for (size_t i = 0; told && i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
		if (strcmp(told, WORDS[i]) == 0) {
			return true;
		}
	}
	return false;
}

static enum ha_inv_state
state_of(const struct ci *ci, const struct ci_host *host)
{
	const char *expected = ci_text(ci, host->state, "expected");
	bool is_in = ci_is_joined(ci_text(ci, host->state, "in_ccm"));

	/* As determine_online_status_fencing() of Pacemaker: gone, and not
	 * expected down, is to be fenced. */
	if (!is_in && *expected && strcmp(expected, "down") != 0) {
		return HA_INV_ERROR;
	}
	if (!is_in || !ci_is_joined(ci_text(ci, host->state, "crmd"))) {
		return HA_INV_OFFLINE;
	}
	if (is_in_trouble(ci_nv(ci, host->transient, "instance_attributes",
				STATE_ATTR))) {
		return HA_INV_ERROR;
	}
	if (is_set(ci, host, "maintenance")) {
		return HA_INV_MAINTENANCE;
	}
	return is_set(ci, host, "standby") ? HA_INV_STANDBY : HA_INV_ONLINE;
}

/* 0 is the safe side: nothing fits there. */
static uint64_t
capacity_of(struct ci *ci, const struct ci_host *host, const char *name,
	    bool *ret_is_there, bool *ret_is_ours)
{
	const char *text = ci_nv(ci, host->node, "utilization", name);
	const char *mark =
		ci_nv(ci, host->node, "instance_attributes", HA_CAPACITY_MARK);
	uint64_t value = 0;

	*ret_is_there = text && ci_value(text, &value);
	*ret_is_ours = *ret_is_there && ha_capacity_is_ours(mark, name, text);
	if (!text) {
		ci_note(ci,
			"host %s has no utilization %s: nothing fits there. "
			"vmha-fdmd writes it when it runs there; or set it by "
			"hand: crm node utilization %s set %s NUMBER",
			host->name, name, host->name, name);
	} else if (!*ret_is_there) {
		ci_note(ci,
			"host %s: utilization %s=%s is no whole number from 0 "
			"to %d: counted as 0",
			host->name, name, text, CI_VALUE_MAX);
	}
	return value;
}

/* What its vmha-fdmd has measured; nothing, where nobody does. */
static void
use_of(struct ci *ci, const struct ci_host *host, struct ha_inv_host *ret_host)
{
	const char *text = ci_nv(ci, host->transient, "instance_attributes",
				 HA_USE_ATTRIBUTE);
	struct ha_use use;

	if (text && ha_use_parse(text, &use)) {
		ret_host->has_cpu_used = true;
		ret_host->has_memory_used = true;
		ret_host->cpu_used_mhz = use.cpu_mhz;
		ret_host->memory_used_mb = use.memory_mb;
	} else if (text) {
		ci_note(ci,
			"host %s: node attribute " HA_USE_ATTRIBUTE
			"=%s is no MHz and MB: what its VMs use is not "
			"counted. vmha-fdmd of that host writes it while "
			"performance_degradation is below 100; or delete it: crm_attribute --node %s --lifetime "
			"reboot --name " HA_USE_ATTRIBUTE " --delete",
			host->name, text, host->name);
	}
}

static const void *
find_state(const struct ci *ci, const char *name)
{
	const void *at = ci_first(ci, ci->status, "node_state");

	while (at && strcmp(ci_text(ci, at, "uname"), name) != 0) {
		at = ci_next(ci, at, "node_state");
	}
	return at;
}

static void
add_host(struct ci *ci, const void *node)
{
	uint32_t n_more = ci->n_hosts;
	uint32_t n_facts = ci->n_hosts;
	struct ha_inv_host *hosts =
		ci_grow(ci, ci->hosts, &n_more, sizeof(*hosts));
	struct ci_host *ci_hosts;
	struct ha_cibinv_host *facts;
	struct ci_host one = { .name = ci_text(ci, node, "uname"),
			       .node = node };

	if (!hosts) {
		return;
	}
	ci->hosts = hosts;
	n_more = ci->n_hosts;
	ci_hosts = ci_grow(ci, ci->ci_hosts, &n_more, sizeof(*ci_hosts));
	if (!ci_hosts) {
		return;
	}
	ci->ci_hosts = ci_hosts;
	facts = ci_grow(ci, ci->out->hosts, &n_facts, sizeof(*facts));
	if (!facts) {
		return;
	}
	ci->out->hosts = facts;
	facts = &facts[ci->n_hosts];
	one.state = find_state(ci, one.name);
	one.transient = ci_first(ci, one.state, "transient_attributes");
	facts->id = ci_text(ci, node, "id");
	ci_hosts[ci->n_hosts] = one;
	hosts[ci->n_hosts] = (struct ha_inv_host){
		.name = one.name,
		.state = state_of(ci, &one),
		.cpu_mhz = capacity_of(ci, &one, HA_CAPACITY_CPU,
				       &facts->has_cpu, &facts->is_cpu_ours),
		.memory_mb =
			capacity_of(ci, &one, HA_CAPACITY_MEMORY,
				    &facts->has_memory, &facts->is_memory_ours),
	};
	use_of(ci, &one, &hosts[ci->n_hosts]);
	ci->n_hosts++;
}

/* Remote and guest nodes have no heartbeat: vmha runs nothing there. */
static bool
is_member(const struct ci *ci, const void *node)
{
	const char *type = ci_text(ci, node, "type");

	return ci_text(ci, node, "uname")[0] &&
	       (!*type || strcmp(type, "member") == 0 ||
		strcmp(type, "normal") == 0);
}

void
ci_hosts(struct ci *ci)
{
	const void *node =
		ci_first(ci, ci_first(ci, ci->configuration, "nodes"), "node");

	for (; node && !ci->is_failed; node = ci_next(ci, node, "node")) {
		if (is_member(ci, node)) {
			add_host(ci, node);
		}
	}
}

uint32_t
ci_host_find(const struct ci *ci, const char *name)
{
	for (uint32_t i = 0; i < ci->n_hosts; i++) {
		if (strcmp(ci->hosts[i].name, name) == 0) {
			return i;
		}
	}
	return HA_INV_NONE;
}
