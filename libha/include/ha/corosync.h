/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Corosync as the heartbeat daemon uses it: membership and quorum, a CPG
 * group for ring evidence, configured nodes by cmap. Reconnects are the
 * caller's: any function that says -ENOTCONN means corosync is gone.
 */
#ifndef HA_COROSYNC_H
#define HA_COROSYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/err.h"
#include "ha/hostset.h"

struct ha_corosync;

#define HA_COROSYNC_GROUP "vmha-heartbeat"

/* Called from ha_corosync_dispatch(), in the order of delivery. nodeids are
 * corosync's. The memory is the library's. */
struct ha_corosync_ops {
	/* totem membership was installed (CPG totem_confchg) */
	void (*changed)(void *data, uint64_t ring_seq, const uint32_t *nodeids,
			size_t count);
	/* quorum of the membership ring_seq */
	void (*quorate)(void *data, uint64_t ring_seq, bool is_quorate);
	void (*message)(void *data, uint32_t nodeid, const void *bytes,
			size_t len);
};

struct ha_corosync_node {
	uint32_t nodeid;
	uint32_t votes;
	uint32_t links;          /* addresses: ring0_addr, ring1_addr, ... */
	char name[HA_HOST_NAME]; /* nodelist name, else ring0_addr */
};
struct ha_corosync_config {
	char cluster_name[64];
	uint32_t token_ms, consensus_ms; /* effective */
	bool two_node, wait_for_all, has_qdevice, last_man_standing;
	uint32_t self; /* nodeid */
	uint32_t nodes;
	struct ha_corosync_node node[HA_HOSTS_MAX];
};

/* Connects to cpg, quorum, votequorum, cmap, joins the group. Never blocks
 * longer than the libraries' own connect. -ENOTCONN: corosync is not there;
 * -ENOTSUP: it runs without a quorum provider; -EACCES: not root.
 * Membership and quorum as they are follow by dispatch, in either order. */
int ha_corosync_open(const struct ha_corosync_ops *ops, void *data,
		     struct ha_corosync **ret_corosync, struct ha_err *err);
void ha_corosync_close(struct ha_corosync *corosync);

/* Two descriptors for poll; dispatch both when either is readable. */
int ha_corosync_fd_cpg(const struct ha_corosync *corosync);
int ha_corosync_fd_quorum(const struct ha_corosync *corosync);
int ha_corosync_dispatch(struct ha_corosync *corosync);

/* 0: corosync has taken it, no more. While a membership forms, or corosync is
 * frozen, it is delivered seconds later, after the `changed` of a membership
 * that may be another one: what a message proves, its content must date.
 * -EAGAIN: flow control; drop or retry later. */
int ha_corosync_send(struct ha_corosync *corosync, const void *bytes,
		     size_t len);

int ha_corosync_config(struct ha_corosync *corosync,
		       struct ha_corosync_config *ret_config,
		       struct ha_err *err);
/* The same by a short connection of its own: the admin tool. */
int ha_corosync_config_now(struct ha_corosync_config *ret_config,
			   struct ha_err *err);

#endif
