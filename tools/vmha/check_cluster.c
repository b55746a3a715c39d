/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: corosync against the areas. Names must be the same on both sides,
 * since fencing asks by corosync's and proves by the slot's; times need not,
 * but say how long a failover takes.
 */
#include <inttypes.h>
#include <string.h>

#include "check.h"

/* From proof to a running guest: scheduler, start, libvirt and QEMU
 * (docs/TIMEOUTS.md, "From host death to a running guest"). */
#define RESTART_MS 500u

/* Of another cluster's areas the slots say nothing. */
static bool
check_name(struct check *c, const struct ha_superblock *sb)
{
	bool is_same = strcmp(c->cluster.cluster_name, sb->name) == 0;

	check_add(c, is_same ? CHECK_OK : CHECK_BAD, "cluster name",
		  "as in the superblock",
		  is_same ? "" :
			    "these areas are another cluster's, or the cluster "
			    "was renamed: create them for this one",
		  "%s by %s, %s in the superblock", c->cluster.cluster_name,
		  c->source, sb->name);
	return is_same;
}

static bool
has_node(const struct ha_corosync_config *cluster, const char *name)
{
	for (uint32_t i = 0; i < cluster->nodes; i++) {
		if (strcmp(cluster->node[i].name, name) == 0) {
			return true;
		}
	}
	return false;
}

static void
check_slots(struct check *c)
{
	const struct ha_slot_table *table = &c->areas.at[0]->table;
	uint32_t wrong = 0;

	if (c->areas.at[0]->table_verdict != HA_BLOCK_OK) {
		return;
	}
	for (uint32_t i = 0; i < c->cluster.nodes; i++) {
		const char *name = c->cluster.node[i].name;

		if (name[0] && ha_slot_find(table, name) != HA_SLOT_NONE) {
			continue;
		}
		wrong++;
		check_add(c, CHECK_BAD, "slots", "one for each node",
			  name[0] ? "vmha heartbeat add-host, or check --fix" :
				    "give the node a name: in corosync.conf",
			  "node %s (%" PRIu32 ") has none", name,
			  c->cluster.node[i].nodeid);
	}
	for (uint32_t s = 0; s < c->areas.at[0]->sb.slots; s++) {
		if (table->names[s][0] &&
		    !has_node(&c->cluster, table->names[s])) {
			wrong++;
			check_add(c, CHECK_WARN, "slots", "one for each node",
				  "vmha heartbeat remove-host, if it has left "
				  "the cluster",
				  "%s has slot %" PRIu32
				  " and is no node of corosync",
				  table->names[s], s);
		}
	}
	if (wrong == 0) {
		check_add(c, CHECK_OK, "slots", "one for each node", "",
			  "%" PRIu32 " nodes", c->cluster.nodes);
	}
}

static void
check_quorum(struct check *c)
{
	const struct ha_corosync_config *q = &c->cluster;

	if (q->two_node && !q->wait_for_all) {
		check_add(c, CHECK_BAD, "quorum", "wait_for_all: 1",
			  "remove wait_for_all: 0 from corosync.conf: each of "
			  "two hosts that boot apart would start every VM",
			  "two_node without wait_for_all");
	} else if (!q->wait_for_all) {
		check_add(c, CHECK_WARN, "quorum", "wait_for_all: 1",
			  "set it in corosync.conf: without it a last host "
			  "that loses its storage resets itself, though all "
			  "others are down",
			  "wait_for_all is off");
	} else {
		check_add(c, CHECK_OK, "quorum", "wait_for_all: 1", "", "on%s",
			  q->two_node ? ", two_node" : "");
	}
}

/* Which comes later, the membership change or the proof, and what a user
 * waits for. The proof takes up to two beats more: the last beat is first
 * read up to B after it was written, and the read that proves up to B after
 * its time. */
static void
check_times(struct check *c, const struct ha_superblock *sb)
{
	uint64_t silence_ms = ha_timing_silence_ms(&sb->timing);
	uint64_t proof_ms = silence_ms + 2 * (uint64_t)sb->timing.beat_ms;
	uint64_t member_ms =
		(uint64_t)c->cluster.token_ms + c->cluster.consensus_ms;
	uint64_t all_ms =
		(proof_ms > member_ms ? proof_ms : member_ms) + RESTART_MS;
	char member[32];
	char proof[32];
	char all[32];

	vmha_span(member_ms, member, sizeof(member));
	vmha_span(proof_ms, proof, sizeof(proof));
	vmha_span(all_ms, all, sizeof(all));
	check_add(c, CHECK_OK, "failover", "an estimate", "",
		  "about %s: corosync notices after %s (token %" PRIu32
		  " + consensus %" PRIu32 "), death is proven after %s",
		  all, member, c->cluster.token_ms, c->cluster.consensus_ms,
		  proof);
	/* While a membership forms nobody can vouch for a host that lives by
	 * ring evidence. Two failures at a time: told, not warned of. */
	check_add(c, CHECK_OK, "ring evidence", "watchdog above it", "",
		  sb->timing.watchdog_ms >
				  member_ms + 2 * (uint64_t)sb->timing.beat_ms ?
			  "outlives a membership change of %s" :
			  "does not outlive a membership change of %s: a host "
			  "that has lost all datastores is reset when another "
			  "one leaves meanwhile",
		  member);
	if (member_ms > 2 * proof_ms) {
		check_add(c, CHECK_WARN, "corosync token",
			  "near the proof of death",
			  "a smaller token would bring VMs back sooner", "%s",
			  member);
	}
}

static void
check_hosts(struct check *c)
{
	bool is_enough = c->cluster.nodes >= 2;

	check_add(c, is_enough ? CHECK_OK : CHECK_BAD, "hosts", "at least 2",
		  is_enough ? "" :
			      "add a host: nothing restarts what the only one "
			      "runs",
		  "%" PRIu32, c->cluster.nodes);
}

/* vSphere's redundant management network. */
static void
check_links(struct check *c)
{
	char lone[200] = "";
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < c->cluster.nodes; i++) {
		const struct ha_corosync_node *node = &c->cluster.node[i];
		size_t used = strlen(lone);

		least = node->links < least ? node->links : least;
		if (node->links < 2) {
			snprintf(lone + used, sizeof(lone) - used, "%s%s",
				 used ? ", " : "", node->name);
		}
	}
	if (lone[0]) {
		check_add(c, CHECK_WARN, "corosync links", "at least 2 a host",
			  "give each node a ring1_addr in another network: one "
			  "switch or cable would cut a host off",
			  "one for %s", lone);
	} else if (c->cluster.nodes > 0) {
		check_add(c, CHECK_OK, "corosync links", "at least 2 a host",
			  "", "%" PRIu32, least);
	}
}

void
check_cluster(struct check *c)
{
	const struct ha_superblock *sb = check_sb(c);

	if (!c->has_cluster) {
		return;
	}
	if (sb && check_name(c, sb)) {
		check_slots(c);
	}
	check_hosts(c);
	check_links(c);
	check_quorum(c);
	if (sb) {
		check_times(c, sb);
	}
}
