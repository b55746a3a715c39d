/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and times of the cluster as corosync has them: from the running one,
 * else from its file, with the values that corosync would make effective.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"
#include "ha/text.h"
#include "vmha.h"

#define COROSYNC_BYTES_MAX (1024u * 1024)
/* corosync.conf(5): token, token_coefficient; consensus is 1.2 token. */
#define TOKEN_MS 3000u
#define TOKEN_COEFFICIENT_MS 650u
#define CONSENSUS_FIFTHS 6u

static void
times_of(const struct ha_corosync_conf *conf, struct ha_corosync_config *config)
{
	uint32_t token_ms = conf->token_ms ? conf->token_ms : TOKEN_MS;

	/* corosync adds the coefficient for each node from the third on,
	 * where there is a node list. */
	if (conf->nodes > 2) {
		token_ms += (conf->nodes - 2) *
			    (conf->has_token_coefficient ?
				     conf->token_coefficient_ms :
				     TOKEN_COEFFICIENT_MS);
	}
	config->token_ms = token_ms;
	config->consensus_ms = conf->consensus_ms ?
				       conf->consensus_ms :
				       token_ms * CONSENSUS_FIFTHS / 5;
}

static int
from_file(const char *path, struct ha_corosync_config *ret_config,
	  struct ha_err *err)
{
	static struct ha_corosync_conf conf;
	struct ha_corosync_config config = { 0 };
	ha_autofree char *text = NULL;
	size_t len = 0;
	int rc = vmha_file_read(path, COROSYNC_BYTES_MAX, &text, &len, err);

	if (rc == 0) {
		rc = ha_corosync_conf_parse(text, len, &conf, err);
		if (rc < 0) {
			ha_err_prefix(err, rc, "%s: ", path);
		}
	}
	if (rc < 0) {
		return rc;
	}
	(void)ha_text_copy(config.cluster_name, sizeof(config.cluster_name),
			   conf.cluster_name);
	times_of(&conf, &config);
	config.two_node = conf.two_node;
	/* votequorum(5): two_node switches wait_for_all on. */
	config.wait_for_all =
		conf.has_wait_for_all ? conf.wait_for_all : conf.two_node;
	config.has_qdevice = conf.has_qdevice;
	config.nodes = conf.nodes;
	for (uint32_t i = 0; i < conf.nodes; i++) {
		config.node[i].nodeid = conf.node[i].nodeid;
		config.node[i].votes = conf.node[i].votes;
		config.node[i].links = conf.node[i].links;
		(void)ha_text_copy(config.node[i].name,
				   sizeof(config.node[i].name),
				   conf.node[i].name);
	}
	*ret_config = config;
	return 0;
}

int
vmha_cluster_config(const struct vmha *v, struct ha_corosync_config *ret_config,
		    const char **ret_source, struct ha_err *err)
{
	const char *path = v->args.corosync_conf;

	if (!path) {
		if (ha_corosync_config_now(ret_config, NULL) == 0) {
			*ret_source = "corosync";
			return 0;
		}
		path = VMHA_COROSYNC_CONF;
	}
	*ret_source = path;
	return from_file(path, ret_config, err);
}
