/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What corosync really uses, from its own map and its vote counter, never
 * from corosync.conf: the file may have been changed since, and defaults and
 * coefficients stand in none. A key that must be there and is not is a
 * failure with words; nothing is assumed for it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corosync.h"
#include "ha/cleanup.h"
#include "ha/text.h"

#define NODE_PREFIX "nodelist.node."
#define LINKS_MAX 8u     /* corosync.conf(5), knet */
#define VOTES_DEFAULT 1u /* corosync.conf(5), quorum_votes */

/* 0; -ENOENT: no such key; else as ha__corosync_code(). */
static int
code_of(cs_error_t cs)
{
	return cs == CS_ERR_NOT_EXIST ? -ENOENT : ha__corosync_code(cs);
}

static int
must_have(int rc, const char *key, struct ha_err *err)
{
	if (rc == -ENOENT) {
		return ha_err_set(err, rc,
				  "corosync knows no %s. Is its configuration "
				  "complete?",
				  key);
	}
	return rc < 0 ? ha_err_set(err, rc, "corosync does not tell its %s: %s",
				   key, strerror(-rc)) :
			0;
}

static int
get_uint32(cmap_handle_t cmap, const char *key, uint32_t *ret_value)
{
	return code_of(cmap_get_uint32(cmap, key, ret_value));
}

/* -ENAMETOOLONG where the buffer is too small. */
static int
get_text(cmap_handle_t cmap, const char *key, char *ret_text, size_t size)
{
	ha_autofree char *text = NULL;
	int rc = code_of(cmap_get_string(cmap, key, &text));

	return rc < 0 ? rc : ha_text_copy(ret_text, size, text);
}

/* What votequorum counts for a member; for others what is configured. */
static int
read_votes(cmap_handle_t cmap, votequorum_handle_t votes, uint32_t index,
	   struct ha_corosync_node *node, struct ha_err *err)
{
	struct votequorum_info info;
	char key[CMAP_KEYNAME_MAXLEN + 1];
	int rc;

	if (votequorum_getinfo(votes, node->nodeid, &info) == CS_OK &&
	    info.node_state == VOTEQUORUM_NODESTATE_MEMBER) {
		node->votes = info.node_votes;
		return 0;
	}
	snprintf(key, sizeof(key), NODE_PREFIX "%u.quorum_votes", index);
	rc = get_uint32(cmap, key, &node->votes);
	if (rc == -ENOENT) {
		node->votes = VOTES_DEFAULT;
		return 0;
	}
	return must_have(rc, key, err);
}

static uint32_t
count_links(cmap_handle_t cmap, uint32_t index)
{
	uint32_t count = 0;

	for (uint32_t link = 0; link < LINKS_MAX; link++) {
		char key[CMAP_KEYNAME_MAXLEN + 1];
		ha_autofree char *text = NULL;

		snprintf(key, sizeof(key), NODE_PREFIX "%u.ring%u_addr", index,
			 link);
		count += cmap_get_string(cmap, key, &text) == CS_OK;
	}
	return count;
}

static int
read_node(cmap_handle_t cmap, votequorum_handle_t votes, uint32_t index,
	  struct ha_corosync_node *node, struct ha_err *err)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];
	int rc;

	snprintf(key, sizeof(key), NODE_PREFIX "%u.nodeid", index);
	rc = must_have(get_uint32(cmap, key, &node->nodeid), key, err);
	if (rc < 0) {
		return rc;
	}
	node->links = count_links(cmap, index);
	snprintf(key, sizeof(key), NODE_PREFIX "%u.name", index);
	rc = get_text(cmap, key, node->name, sizeof(node->name));
	if (rc == -ENOENT) {
		snprintf(key, sizeof(key), NODE_PREFIX "%u.ring0_addr", index);
		rc = get_text(cmap, key, node->name, sizeof(node->name));
	}
	if (rc == -ENAMETOOLONG) {
		return ha_err_set(err, rc,
				  "%s in corosync.conf is longer than %d "
				  "characters. Give that node a shorter name",
				  key, HA_HOST_NAME - 1);
	}
	rc = must_have(rc, key, err);
	return rc < 0 ? rc : read_votes(cmap, votes, index, node, err);
}

/* The numbers N of nodelist.node.N, which may have gaps. */
static int
add_index(const char *key, uint32_t *indexes, uint32_t *count)
{
	char *end;
	unsigned long index = strtoul(key + strlen(NODE_PREFIX), &end, 10);

	if (*end != '.') {
		return 0;
	}
	for (uint32_t i = 0; i < *count; i++) {
		if (indexes[i] == index) {
			return 0;
		}
	}
	if (*count == HA_HOSTS_MAX || index > UINT32_MAX) {
		return -E2BIG;
	}
	indexes[(*count)++] = (uint32_t)index;
	return 0;
}

static int
find_nodes(cmap_handle_t cmap, uint32_t *indexes, uint32_t *ret_count,
	   struct ha_err *err)
{
	char key[CMAP_KEYNAME_MAXLEN + 1];
	cmap_iter_handle_t iter;
	uint32_t count = 0;
	cs_error_t cs = cmap_iter_init(cmap, NODE_PREFIX, &iter);
	int rc = must_have(code_of(cs), "nodelist", err);

	if (rc < 0) {
		return rc;
	}
	while (rc == 0 &&
	       (cs = cmap_iter_next(cmap, iter, key, NULL, NULL)) == CS_OK) {
		rc = add_index(key, indexes, &count);
	}
	cmap_iter_finalize(cmap, iter);
	if (rc < 0) {
		return ha_err_set(err, rc,
				  "corosync.conf has more than %d nodes",
				  HA_HOSTS_MAX);
	}
	if (cs != CS_ERR_NO_SECTIONS) {
		return must_have(code_of(cs), "nodelist", err);
	}
	if (count == 0) {
		return must_have(-ENOENT, "nodelist", err);
	}
	*ret_count = count;
	return 0;
}

static int
by_nodeid(const void *a, const void *b)
{
	const struct ha_corosync_node *x = a;
	const struct ha_corosync_node *y = b;

	return x->nodeid < y->nodeid ? -1 : x->nodeid > y->nodeid;
}

static int
read_nodes(cmap_handle_t cmap, votequorum_handle_t votes,
	   struct ha_corosync_config *config, struct ha_err *err)
{
	uint32_t indexes[HA_HOSTS_MAX];
	uint32_t count = 0;
	int rc = find_nodes(cmap, indexes, &count, err);

	if (rc < 0) {
		return rc;
	}
	for (uint32_t i = 0; i < count; i++) {
		rc = read_node(cmap, votes, indexes[i], &config->node[i], err);
		if (rc < 0) {
			return rc;
		}
	}
	config->nodes = count;
	qsort(config->node, count, sizeof(config->node[0]), by_nodeid);
	return 0;
}

/* wait_for_all and friends as votequorum applies them: two_node implies
 * wait_for_all, which then stands in no file (votequorum(5)). */
static int
read_quorum(cmap_handle_t cmap, votequorum_handle_t votes,
	    struct ha_corosync_config *config, struct ha_err *err)
{
	struct votequorum_info info;
	char model[64];
	int rc = ha__corosync_code(
		votequorum_getinfo(votes, config->self, &info));

	if (rc < 0) {
		return must_have(rc, "votes", err);
	}
	config->two_node = (info.flags & VOTEQUORUM_INFO_TWONODE) != 0;
	config->wait_for_all = (info.flags & VOTEQUORUM_INFO_WAIT_FOR_ALL) != 0;
	config->last_man_standing =
		(info.flags & VOTEQUORUM_INFO_LAST_MAN_STANDING) != 0;
	rc = get_text(cmap, "quorum.device.model", model, sizeof(model));
	if (rc < 0 && rc != -ENOENT) {
		return must_have(rc, "quorum.device.model", err);
	}
	config->has_qdevice =
		rc == 0 ||
		(info.flags & VOTEQUORUM_INFO_QDEVICE_REGISTERED) != 0;
	return 0;
}

static int
read_timing(cmap_handle_t cmap, struct ha_corosync_config *config,
	    struct ha_err *err)
{
	const struct {
		const char *key;
		uint32_t *ret_value;
	} wanted[] = {
		{ "runtime.config.totem.token", &config->token_ms },
		{ "runtime.config.totem.consensus", &config->consensus_ms },
		{ "runtime.votequorum.this_node_id", &config->self },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		int rc = must_have(
			get_uint32(cmap, wanted[i].key, wanted[i].ret_value),
			wanted[i].key, err);

		if (rc < 0) {
			return rc;
		}
	}
	return 0;
}

int
ha__corosync_read_config(cmap_handle_t cmap, votequorum_handle_t votes,
			 struct ha_corosync_config *ret_config,
			 struct ha_err *err)
{
	ha_autofree struct ha_corosync_config *config =
		calloc(1, sizeof(*config));
	int rc;

	if (!config) {
		return ha_err_set(err, -ENOMEM, "out of memory");
	}
	rc = get_text(cmap, "totem.cluster_name", config->cluster_name,
		      sizeof(config->cluster_name));
	/* A cluster may have no name. */
	rc = rc == -ENOENT ? 0 : must_have(rc, "totem.cluster_name", err);
	if (rc == 0) {
		rc = read_timing(cmap, config, err);
	}
	if (rc == 0) {
		rc = read_quorum(cmap, votes, config, err);
	}
	if (rc == 0) {
		rc = read_nodes(cmap, votes, config, err);
	}
	if (rc == 0) {
		*ret_config = *config;
	}
	return rc;
}

int
ha_corosync_config_now(struct ha_corosync_config *ret_config,
		       struct ha_err *err)
{
	votequorum_handle_t votes;
	cmap_handle_t cmap;
	char provider[64];
	int rc = ha__corosync_open_cmap(&cmap, err);

	if (rc < 0) {
		return rc;
	}
	/* Without one the vote counter looks as if corosync were gone. */
	rc = get_text(cmap, "quorum.provider", provider, sizeof(provider));
	rc = rc == -ENOENT ? ha__corosync_no_provider(err) :
			     must_have(rc, "quorum.provider", err);
	if (rc == 0) {
		rc = ha__corosync_open_votes(&votes, err);
	}
	if (rc == 0) {
		rc = ha__corosync_read_config(cmap, votes, ret_config, err);
		votequorum_finalize(votes);
	}
	cmap_finalize(cmap);
	return rc;
}
