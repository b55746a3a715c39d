/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What corosync knows, as the log tells it: who the members are, and names
 * that corosync and the heartbeat datastores do not share. Decides nothing.
 */
#include <stdio.h>
#include <string.h>

#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

#define MEMBERS_TEXT 512

void
hbs_ring_say_names(const struct hbs *s)
{
	const struct hbs_ring *ring = &s->ring;
	const char *own = s->hb->table.names[s->hb->self];

	for (uint32_t i = 0; i < ring->config.nodes; i++) {
		const struct ha_corosync_node *node = &ring->config.node[i];

		if (node->nodeid == ring->config.self &&
		    strcmp(node->name, own) != 0) {
			hb_log(HB_LOG_RING_NAME, node->name, own);
		}
		if (ha_slot_find(&s->hb->table, node->name) == HA_SLOT_NONE) {
			hb_log(HB_LOG_RING_NO_SLOT, node->name, node->name);
		}
	}
}

void
hbs_ring_say_members(const struct hbs *s)
{
	const struct ha_ring *core = &s->ring.core;
	char text[MEMBERS_TEXT] = "";
	size_t used = 0;

	for (uint32_t slot = 0; slot < HA_HOSTS_MAX; slot++) {
		int n;

		if (!ha_hostset_has(&core->members, slot)) {
			continue;
		}
		n = snprintf(text + used, sizeof(text) - used, "%s%s",
			     used ? " " : "", s->hb->table.names[slot]);
		if (n < 0 || (size_t)n >= sizeof(text) - used) {
			break;
		}
		used += (size_t)n;
	}
	hb_log(HB_LOG_MEMBERS, (unsigned long long)core->ring_seq, text);
}
