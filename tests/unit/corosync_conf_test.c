/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * corosync.conf: a file as pcs writes it, the odd forms that corosync takes,
 * and what is refused.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#include "ha/hbconf.h"

static int
parse(const char *text, struct ha_corosync_conf *ret_conf, struct ha_err *err)
{
	size_t len = strlen(text);
	char *exact = malloc(len ? len : 1);
	int rc;

	assert_non_null(exact);
	memcpy(exact, text, len);
	rc = ha_corosync_conf_parse(exact, len, ret_conf, err);
	free(exact);
	return rc;
}

static const char FULL[] = "# written by pcs\n"
			   "totem {\n"
			   "    version: 2\n"
			   "    cluster_name: prod one\n"
			   "    transport: knet\n"
			   "    token: 3000\n"
			   "    token_coefficient: 0\n"
			   "    consensus: 3600\n"
			   "    interface {\n"
			   "        token: 99\n"
			   "    }\n"
			   "}\n"
			   "\n"
			   "nodelist {\n"
			   "    node {\n"
			   "        ring0_addr: 192.0.2.1\n"
			   "        name: h1\n"
			   "        nodeid: 1\n"
			   "    }\n"
			   "\n"
			   "\tnode {\r\n"
			   "\t\tring0_addr: fe80::1\r\n"
			   "\t\tname: h2\r\n"
			   "\t\tnodeid: 2  \r\n"
			   "\t\tquorum_votes: 0\r\n"
			   "\t}\r\n"
			   "    node {\n"
			   "        ring0_addr: h3\n"
			   "    }\n"
			   "}\n"
			   "\n"
			   "quorum {\n"
			   "    provider: corosync_votequorum\n"
			   "    two_node: 1\n"
			   "    wait_for_all: 0\n"
			   "    device {\n"
			   "        model: net\n"
			   "        votes: 1\n"
			   "        net {\n"
			   "            host: q\n"
			   "        }\n"
			   "    }\n"
			   "    # two_node: 0\n"
			   "}\n"
			   "logging {\n"
			   "    to_syslog: yes\n"
			   "}";

static void
corosync_full(void **state)
{
	struct ha_corosync_conf conf;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	assert_int_equal(parse(FULL, &conf, &err), 0);
	assert_string_equal(conf.cluster_name, "prod one");
	assert_int_equal(conf.token_ms, 3000);
	assert_true(conf.has_token_coefficient);
	assert_int_equal(conf.token_coefficient_ms, 0);
	assert_int_equal(conf.consensus_ms, 3600);
	assert_true(conf.two_node && conf.has_wait_for_all);
	assert_false(conf.wait_for_all);
	assert_true(conf.has_qdevice);
	assert_int_equal(conf.nodes, 3);
	assert_string_equal(conf.node[0].name, "h1");
	assert_int_equal(conf.node[0].nodeid, 1);
	assert_int_equal(conf.node[0].votes, 1);
	assert_string_equal(conf.node[1].name, "h2");
	assert_int_equal(conf.node[1].nodeid, 2);
	assert_int_equal(conf.node[1].votes, 0);
	assert_string_equal(conf.node[2].name, "");
	assert_int_equal(conf.node[2].nodeid, 0);
	/* Cut anywhere: refused, or less; never more, never beyond the end. */
	for (size_t cut = 0; cut < sizeof(FULL) - 1; cut++) {
		char *part = strndup(FULL, cut);
		int rc;

		assert_non_null(part);
		rc = parse(part, &conf, &err);
		assert_true(rc == 0 || rc == -EINVAL);
		assert_true(rc < 0 || conf.nodes == 0 || conf.nodes == 3);
		free(part);
	}
}

static void
corosync_odd(void **state)
{
	struct ha_corosync_conf conf;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	assert_int_equal(parse("", &conf, &err), 0);
	assert_int_equal(conf.nodes, 0);
	assert_false(conf.has_token_coefficient || conf.has_wait_for_all ||
		     conf.has_qdevice || conf.two_node);
	/* No space before the brace, the last of two keys, the same section
	 * twice, unknown sections and keys, a value with a colon. */
	assert_int_equal(parse("totem{\ntoken:1\ntoken:\t2\n}\n"
			       "totem {\ncluster_name: a:b\n}\n"
			       "service {\ntoken: 5\nname: x\n}\n",
			       &conf, &err),
			 0);
	assert_int_equal(conf.token_ms, 2);
	assert_string_equal(conf.cluster_name, "a:b");
	assert_int_equal(conf.nodes, 0);
	/* A node outside the node list is none. */
	assert_int_equal(parse("node {\nname: x\n}\n", &conf, &err), 0);
	assert_int_equal(conf.nodes, 0);
}

#define NODE(body) "nodelist {\nnode {\n" body "}\n}\n"
#define NAME_63 \
	"n23456789012345678901234567890123456789012345678901234567890123"

static const char *const REFUSED[][2] = {
	{ "totem {\n", "section totem is not closed" },
	{ "nodelist {\nnode {\n}\n", "section nodelist is not closed" },
	{ "}\n", "line 1: } closes nothing" },
	{ "totem {\n}\n}\n", "line 3: } closes nothing" },
	{ "{\n}\n", "line 1: a section without a name" },
	{ "totem { token: 1 }\n", "line 1: { must end the line" },
	{ "totem\n", "line 1: totem: neither a section" },
	{ "totem {\ntoken: fast\n}\n", "line 2: totem.token: fast: valid is" },
	{ "totem {\ntoken: -1\n}\n", "totem.token: -1" },
	{ "totem {\ntoken: 2147483648\n}\n", "0 to 2147483647" },
	{ "totem {\ntoken: 3s\n}\n", "totem.token: 3s" },
	{ "totem {\ncluster_name: " NAME_63 "4\n}\n", "up to 63 bytes" },
	{ "quorum {\ntwo_node: yes\n}\n", "quorum.two_node: yes: valid is 0" },
	{ "quorum {\nwait_for_all:\n}\n", "valid is 0 or 1" },
	{ NODE("nodeid: 4294967296\n"), "nodelist.node.nodeid: 4294967296" },
	{ NODE("quorum_votes: 1.5\n"), "quorum_votes: 1.5" },
	{ NODE("name: " NAME_63 "4\n"), "up to 63 bytes" },
	{ NODE("name: a\n") NODE("name: a\n"), "two nodes are named a" },
	{ NODE("nodeid: 7\n") NODE("nodeid: 7\n"), "two nodes have nodeid 7" },
	{ "a {\na {\na {\na {\na {\na {\na {\na {\na {\n", "too deeply" },
};

static void
corosync_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(REFUSED); i++) {
		struct ha_corosync_conf conf = { .nodes = 77 };
		struct ha_err err = HA_ERR_INIT;

		if (parse(REFUSED[i][0], &conf, &err) != -EINVAL ||
		    !strstr(err.text, REFUSED[i][1])) {
			fail_msg("%s: \"%s\", not \"%s\"", REFUSED[i][0],
				 err.text, REFUSED[i][1]);
		}
		assert_int_equal(conf.nodes, 77);
	}
}

static void
corosync_limits(void **state)
{
	static struct ha_corosync_conf conf;
	static char text[64 * 1024];
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	for (unsigned int nodes = HA_HOSTS_MAX; nodes <= HA_HOSTS_MAX + 1;
	     nodes++) {
		size_t used =
			(size_t)snprintf(text, sizeof(text), "nodelist {\n");

		for (unsigned int i = 1; i <= nodes; i++) {
			used += (size_t)snprintf(text + used,
						 sizeof(text) - used,
						 "node {\nnodeid: %u\n}\n", i);
		}
		snprintf(text + used, sizeof(text) - used, "}\n");
		assert_int_equal(parse(text, &conf, &err),
				 nodes > HA_HOSTS_MAX ? -EINVAL : 0);
	}
	assert_int_equal(conf.nodes, HA_HOSTS_MAX);
	assert_int_equal(conf.node[HA_HOSTS_MAX - 1].nodeid, HA_HOSTS_MAX);
	/* Lines of 511 and 512 bytes. */
	for (size_t len = 511; len <= 512; len++) {
		memset(text, 'x', len);
		text[0] = '#';
		strcpy(text + len, "\n");
		assert_int_equal(parse(text, &conf, &err),
				 len == 511 ? 0 : -EINVAL);
	}
	assert_int_equal(ha_corosync_conf_parse("a: b\0c\n", 7, &conf, &err),
			 -EINVAL);
	memset(text, 'x', 300);
	strcpy(text + 300, " {\n");
	assert_int_equal(parse(text, &conf, &err), -EINVAL);
}

/* What keeps two hosts in touch when one network fails. */
static void
links(void **state)
{
	static const char TEXT[] = "nodelist {\n"
				   "node {\nnodeid: 1\nname: a\n"
				   "ring0_addr: x\nring1_addr: y\n}\n"
				   "node {\nnodeid: 2\nname: b\n"
				   "ring0_addr: x\nring8_addr: y\n"
				   "ring_addr: y\nring0_address: y\n}\n"
				   "node {\nnodeid: 3\nname: c\n}\n}\n";
	static struct ha_corosync_conf conf;
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	assert_int_equal(parse(TEXT, &conf, &err), 0);
	assert_int_equal(conf.node[0].links, 2);
	assert_int_equal(conf.node[1].links, 1);
	assert_int_equal(conf.node[2].links, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links),
		cmocka_unit_test(corosync_full),
		cmocka_unit_test(corosync_odd),
		cmocka_unit_test(corosync_refused),
		cmocka_unit_test(corosync_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
