/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The daemon's connection to corosync. It reports what corosync said, in the
 * order in which each library delivered it, and judges nothing. CPG and
 * quorum are two connections: the ring sequence in both reports is what ties
 * them together. After -ENOTCONN the object can only be closed.
 */
#include "ha/corosync.h"

#include <corosync/cpg.h>
#include <corosync/quorum.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "corosync.h"

struct ha_corosync {
	struct ha_corosync_ops ops;
	void *data;
	cpg_handle_t cpg;
	quorum_handle_t quorum;
	votequorum_handle_t votes;
	cmap_handle_t cmap;
	bool has_cpg, has_quorum, has_votes, has_cmap;
	int fd_cpg;
	int fd_quorum;
};

static void
on_message(cpg_handle_t cpg, const struct cpg_name *group, uint32_t nodeid,
	   uint32_t pid, void *msg, size_t len)
{
	struct ha_corosync *corosync = NULL;

	(void)group;
	(void)pid;
	if (cpg_context_get(cpg, (void **)&corosync) == CS_OK && corosync) {
		corosync->ops.message(corosync->data, nodeid, msg, len);
	}
}

static void
on_totem(cpg_handle_t cpg, struct cpg_ring_id ring, uint32_t count,
	 const uint32_t *nodeids)
{
	struct ha_corosync *corosync = NULL;

	if (cpg_context_get(cpg, (void **)&corosync) == CS_OK && corosync) {
		corosync->ops.changed(corosync->data, ring.seq, nodeids, count);
	}
}

/* Processes that join or leave the group: a host counts by totem alone. */
static void
on_group(cpg_handle_t cpg, const struct cpg_name *group,
	 const struct cpg_address *members, size_t n_members,
	 const struct cpg_address *left, size_t n_left,
	 const struct cpg_address *joined, size_t n_joined)
{
	(void)cpg;
	(void)group;
	(void)members;
	(void)n_members;
	(void)left;
	(void)n_left;
	(void)joined;
	(void)n_joined;
}

static void
on_quorum(quorum_handle_t quorum, uint32_t is_quorate, uint64_t ring_seq,
	  uint32_t count, uint32_t *nodeids)
{
	const void *context = NULL;
	struct ha_corosync *corosync;

	(void)count;
	(void)nodeids;
	if (quorum_context_get(quorum, &context) == CS_OK && context) {
		corosync = (struct ha_corosync *)(uintptr_t)context;
		corosync->ops.quorate(corosync->data, ring_seq,
				      is_quorate != 0);
	}
}

static int
open_cpg(struct ha_corosync *corosync, struct ha_err *err)
{
	cpg_model_v1_data_t v1 = {
		.model = CPG_MODEL_V1,
		.cpg_deliver_fn = on_message,
		.cpg_confchg_fn = on_group,
		.cpg_totem_confchg_fn = on_totem,
		.flags = CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF,
	};
	struct cpg_name group = { .length = sizeof(HA_COROSYNC_GROUP) - 1 };
	cs_error_t cs = cpg_model_initialize(&corosync->cpg, CPG_MODEL_V1,
					     (cpg_model_data_t *)&v1, corosync);

	memcpy(group.value, HA_COROSYNC_GROUP, sizeof(HA_COROSYNC_GROUP));
	corosync->has_cpg = cs == CS_OK;
	if (cs == CS_OK) {
		cs = cpg_fd_get(corosync->cpg, &corosync->fd_cpg);
	}
	if (cs == CS_OK) {
		cs = cpg_join(corosync->cpg, &group);
	}
	return cs == CS_OK ? 0 : ha__corosync_refused("cpg", cs, err);
}

static int
open_quorum(struct ha_corosync *corosync, struct ha_err *err)
{
	quorum_callbacks_t callbacks = { .quorum_notify_fn = on_quorum };
	uint32_t type = QUORUM_FREE;
	cs_error_t cs = quorum_initialize(&corosync->quorum, &callbacks, &type);

	corosync->has_quorum = cs == CS_OK;
	if (cs == CS_OK && type == QUORUM_FREE) {
		return ha__corosync_no_provider(err);
	}
	if (cs == CS_OK) {
		cs = quorum_context_set(corosync->quorum, corosync);
	}
	if (cs == CS_OK) {
		cs = quorum_fd_get(corosync->quorum, &corosync->fd_quorum);
	}
	if (cs == CS_OK) {
		cs = quorum_trackstart(corosync->quorum,
				       CS_TRACK_CURRENT | CS_TRACK_CHANGES);
	}
	return cs == CS_OK ? 0 : ha__corosync_refused("quorum", cs, err);
}

int
ha__corosync_open_votes(votequorum_handle_t *ret_votes, struct ha_err *err)
{
	votequorum_callbacks_t none = { NULL, NULL, NULL };
	cs_error_t cs = votequorum_initialize(ret_votes, &none);

	return cs == CS_OK ? 0 : ha__corosync_refused("votequorum", cs, err);
}

int
ha__corosync_open_cmap(cmap_handle_t *ret_cmap, struct ha_err *err)
{
	cs_error_t cs = cmap_initialize(ret_cmap);

	return cs == CS_OK ? 0 : ha__corosync_refused("cmap", cs, err);
}

int
ha_corosync_open(const struct ha_corosync_ops *ops, void *data,
		 struct ha_corosync **ret_corosync, struct ha_err *err)
{
	struct ha_corosync *corosync = calloc(1, sizeof(*corosync));
	int rc;

	if (!corosync) {
		return ha_err_set(err, -ENOMEM, "out of memory");
	}
	corosync->ops = *ops;
	corosync->data = data;
	corosync->fd_cpg = -1;
	corosync->fd_quorum = -1;
	rc = ha__corosync_open_cmap(&corosync->cmap, err);
	corosync->has_cmap = rc == 0;
	if (rc == 0) {
		rc = open_quorum(corosync, err);
	}
	if (rc == 0) {
		rc = ha__corosync_open_votes(&corosync->votes, err);
		corosync->has_votes = rc == 0;
	}
	/* Last: messages are not lost while the rest is being opened. */
	if (rc == 0) {
		rc = open_cpg(corosync, err);
	}
	if (rc < 0) {
		ha_corosync_close(corosync);
		return rc;
	}
	*ret_corosync = corosync;
	return 0;
}

void
ha_corosync_close(struct ha_corosync *corosync)
{
	if (!corosync) {
		return;
	}
	if (corosync->has_cpg) {
		cpg_finalize(corosync->cpg);
	}
	if (corosync->has_quorum) {
		quorum_finalize(corosync->quorum);
	}
	if (corosync->has_votes) {
		votequorum_finalize(corosync->votes);
	}
	if (corosync->has_cmap) {
		cmap_finalize(corosync->cmap);
	}
	free(corosync);
}

int
ha_corosync_fd_cpg(const struct ha_corosync *corosync)
{
	return corosync->fd_cpg;
}

int
ha_corosync_fd_quorum(const struct ha_corosync *corosync)
{
	return corosync->fd_quorum;
}

/* "Nothing there" is an end, not a failure. */
static int
dispatched(cs_error_t cs)
{
	int code = ha__corosync_code(cs);

	return code == -EAGAIN ? 0 : code;
}

int
ha_corosync_dispatch(struct ha_corosync *corosync)
{
	int rc = dispatched(cpg_dispatch(corosync->cpg, CS_DISPATCH_ALL));

	if (rc < 0) {
		return rc;
	}
	return dispatched(quorum_dispatch(corosync->quorum, CS_DISPATCH_ALL));
}

int
ha_corosync_send(struct ha_corosync *corosync, const void *bytes, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)bytes, len };

	return ha__corosync_code(
		cpg_mcast_joined(corosync->cpg, CPG_TYPE_AGREED, &iov, 1));
}

int
ha_corosync_config(struct ha_corosync *corosync,
		   struct ha_corosync_config *ret_config, struct ha_err *err)
{
	return ha__corosync_read_config(corosync->cmap, corosync->votes,
					ret_config, err);
}
