/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which nodes live, and whether Pacemaker is at work on them: what restart.c
 * asks of a whole cluster. Decides nothing. A node that has died counts as
 * dead here before Pacemaker has noticed.
 */
#include "FaultDomain/restart.h"

uint32_t
fdm_restart_count_live(const struct fdm_snap *snap)
{
	uint32_t count = 0;

	for (guint i = 0; i < snap->hosts->len; i++) {
		count += g_array_index(snap->hosts, struct fdm_host, i)
				 .is_member;
	}
	return MAX(count, 1);
}

/* Pacemaker's word on a node is a moment older than the membership. */
uint64_t
fdm_restart_live_nodes(const struct fdm_facts *facts,
		       const struct fdm_snap *snap)
{
	uint64_t live = 0;

	for (guint i = 0; i < facts->nodes->len; i++) {
		const struct fdm_host *host = fdm_snap_host(
			snap,
			g_array_index(facts->nodes, struct fdm_node, i).name);

		if (!host || host->is_member) {
			live |= fdm_node_bit(i);
		}
	}
	return live;
}

bool
fdm_restart_is_working(const struct fdm_facts *facts, uint64_t live)
{
	for (guint i = 0; i < facts->nodes->len; i++) {
		if (g_array_index(facts->nodes, struct fdm_node, i)
			    .is_unclean) {
			return true;
		}
	}
	for (guint i = 0; i < facts->vms->len; i++) {
		const struct fdm_vm *vm =
			&g_array_index(facts->vms, struct fdm_vm, i);

		if ((vm->acting_nodes & live) && !(vm->up_nodes & live)) {
			return true;
		}
	}
	return false;
}

uint64_t
fdm_restart_online_nodes(const struct fdm_facts *facts)
{
	uint64_t online = 0;

	for (guint i = 0; i < facts->nodes->len; i++) {
		if (g_array_index(facts->nodes, struct fdm_node, i).is_online) {
			online |= fdm_node_bit(i);
		}
	}
	return online;
}

uint64_t
fdm_restart_open_nodes(const struct fdm_facts *facts, uint64_t live)
{
	uint64_t open = 0;

	for (guint i = 0; i < facts->nodes->len; i++) {
		const struct fdm_node *node =
			&g_array_index(facts->nodes, struct fdm_node, i);

		if (node->is_online && !node->is_in_maintenance) {
			open |= fdm_node_bit(i);
		}
	}
	return open & live;
}
