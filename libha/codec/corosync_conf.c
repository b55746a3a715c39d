/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What vmha reads of corosync.conf(5) while corosync is down. The rules of
 * the text are those of corosync 3 itself: a line is a comment, opens a
 * section with '{', is "key: value", or closes a section with '}', judged in
 * this order; of two equal keys the last one counts; what is not known is
 * skipped. Values that vmha needs are judged more strictly than corosync
 * does: a host that vmha counts wrongly is worse than one it refuses.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ha/hbconf.h"
#include "ha/text.h"

#define LINE_BYTES 512u /* corosync reads lines of this size */
#define PATH_BYTES 256u /* ICMAP_KEYNAME_MAXLEN */
#define DEPTH_MAX 8u
#define VOTES_MAX 1000000u
#define VOTES_DEFAULT 1u /* votequorum(5) */

struct parser {
	struct ha_corosync_conf *conf;
	struct ha_err *err;
	char path[PATH_BYTES];  /* "nodelist.node" */
	size_t ends[DEPTH_MAX]; /* length of the path before each section */
	uint32_t depth;
	uint32_t line_no;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *
trim(char *s)
{
	size_t len;

	while (is_blank(*s)) {
		s++;
	}
	len = strlen(s);
	while (len > 0 && is_blank(s[len - 1])) {
		s[--len] = '\0';
	}
	return s;
}

static int
bad_value(const struct parser *p, const char *key, const char *value,
	  const char *valid)
{
	return ha_err_set(p->err, -EINVAL, "line %u: %s.%s: %s: valid is %s",
			  p->line_no, p->path, key, value, valid);
}

/* ---- values ------------------------------------------------------------- */

static int
take_u32(const struct parser *p, const char *key, const char *value,
	 uint32_t max, uint32_t *ret_number)
{
	uint64_t number;
	char valid[64];

	if (ha_text_uint64(value, &number) < 0 || number > max) {
		snprintf(valid, sizeof(valid), "a number from 0 to %u", max);
		return bad_value(p, key, value, valid);
	}
	*ret_number = (uint32_t)number;
	return 0;
}

static int
take_flag(const struct parser *p, const char *key, const char *value,
	  bool *ret_flag)
{
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0) {
		return bad_value(p, key, value, "0 or 1");
	}
	*ret_flag = value[0] == '1';
	return 0;
}

static int
take_name(const struct parser *p, const char *key, const char *value,
	  char *ret_name, size_t size)
{
	char valid[64];

	if (ha_text_copy(ret_name, size, value) < 0) {
		snprintf(valid, sizeof(valid), "a name of up to %zu bytes",
			 size - 1);
		return bad_value(p, key, value, valid);
	}
	return 0;
}

static int
take_totem(const struct parser *p, const char *key, const char *value)
{
	struct ha_corosync_conf *conf = p->conf;

	if (strcmp(key, "cluster_name") == 0) {
		return take_name(p, key, value, conf->cluster_name,
				 sizeof(conf->cluster_name));
	}
	if (strcmp(key, "token") == 0) {
		return take_u32(p, key, value, INT32_MAX, &conf->token_ms);
	}
	if (strcmp(key, "consensus") == 0) {
		return take_u32(p, key, value, INT32_MAX, &conf->consensus_ms);
	}
	if (strcmp(key, "token_coefficient") == 0) {
		conf->has_token_coefficient = true;
		return take_u32(p, key, value, INT32_MAX,
				&conf->token_coefficient_ms);
	}
	return 0;
}

static int
take_quorum(const struct parser *p, const char *key, const char *value)
{
	if (strcmp(key, "two_node") == 0) {
		return take_flag(p, key, value, &p->conf->two_node);
	}
	if (strcmp(key, "wait_for_all") == 0) {
		p->conf->has_wait_for_all = true;
		return take_flag(p, key, value, &p->conf->wait_for_all);
	}
	return 0;
}

/* ringN_addr; knet knows 8 links. */
static bool
is_address(const char *key)
{
	return strncmp(key, "ring", 4) == 0 && key[4] >= '0' && key[4] <= '7' &&
	       strcmp(key + 5, "_addr") == 0;
}

static int
take_node(const struct parser *p, const char *key, const char *value)
{
	struct ha_corosync_conf_node *node = &p->conf->node[p->conf->nodes - 1];

	if (strcmp(key, "name") == 0) {
		return take_name(p, key, value, node->name, sizeof(node->name));
	}
	if (is_address(key)) {
		node->links++;
		return 0;
	}
	if (strcmp(key, "nodeid") == 0) {
		return take_u32(p, key, value, UINT32_MAX, &node->nodeid);
	}
	if (strcmp(key, "quorum_votes") == 0) {
		return take_u32(p, key, value, VOTES_MAX, &node->votes);
	}
	return 0;
}

static int
take_item(const struct parser *p, const char *key, const char *value)
{
	if (strcmp(p->path, "totem") == 0) {
		return take_totem(p, key, value);
	}
	if (strcmp(p->path, "quorum") == 0) {
		return take_quorum(p, key, value);
	}
	if (strcmp(p->path, "nodelist.node") == 0) {
		return take_node(p, key, value);
	}
	return 0;
}

/* ---- sections ----------------------------------------------------------- */

static int
open_section(struct parser *p, const char *name)
{
	struct ha_corosync_conf *conf = p->conf;
	size_t used = strlen(p->path);
	int n;

	if (*name == '\0') {
		return ha_err_set(p->err, -EINVAL,
				  "line %u: a section without a name",
				  p->line_no);
	}
	n = snprintf(p->path + used, sizeof(p->path) - used, "%s%s",
		     used > 0 ? "." : "", name);
	if (p->depth == DEPTH_MAX || n < 0 ||
	    (size_t)n >= sizeof(p->path) - used) {
		return ha_err_set(p->err, -EINVAL,
				  "line %u: sections are nested too deeply",
				  p->line_no);
	}
	p->ends[p->depth++] = used;
	if (strcmp(p->path, "quorum.device") == 0) {
		conf->has_qdevice = true;
	}
	if (strcmp(p->path, "nodelist.node") != 0) {
		return 0;
	}
	if (conf->nodes == HA_HOSTS_MAX) {
		return ha_err_set(p->err, -EINVAL,
				  "line %u: more than %u nodes: vmha has no "
				  "slots for more",
				  p->line_no, HA_HOSTS_MAX);
	}
	conf->node[conf->nodes++].votes = VOTES_DEFAULT;
	return 0;
}

static int
close_section(struct parser *p)
{
	if (p->depth == 0) {
		return ha_err_set(p->err, -EINVAL,
				  "line %u: } closes nothing; take it out or "
				  "open the section with {",
				  p->line_no);
	}
	p->path[p->ends[--p->depth]] = '\0';
	return 0;
}

static int
parse_line(struct parser *p, char *line)
{
	char *mark;

	line = trim(line);
	if (*line == '\0' || *line == '#') {
		return 0;
	}
	if ((mark = strchr(line, '{'))) {
		if (*trim(mark + 1) != '\0') {
			return ha_err_set(p->err, -EINVAL,
					  "line %u: { must end the line: "
					  "corosync reads one thing a line",
					  p->line_no);
		}
		*mark = '\0';
		return open_section(p, trim(line));
	}
	if ((mark = strchr(line, ':'))) {
		*mark = '\0';
		return take_item(p, trim(line), trim(mark + 1));
	}
	if (strchr(line, '}')) {
		return close_section(p);
	}
	return ha_err_set(p->err, -EINVAL,
			  "line %u: %.60s: neither a section {, nor key: "
			  "value, nor }",
			  p->line_no, line);
}

static int
parse_lines(struct parser *p, const char *text, size_t len)
{
	char line[LINE_BYTES];
	int rc = 0;

	while (len > 0 && rc == 0) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;
		size_t step = end ? n + 1 : n;

		p->line_no++;
		if (n >= sizeof(line) || memchr(text, '\0', n)) {
			return ha_err_set(p->err, -EINVAL,
					  "line %u: longer than %u bytes, or "
					  "no text at all",
					  p->line_no, LINE_BYTES - 1);
		}
		memcpy(line, text, n);
		if (n > 0 && line[n - 1] == '\r') {
			n--;
		}
		line[n] = '\0';
		rc = parse_line(p, line);
		text += step;
		len -= step;
	}
	return rc;
}

/* Two nodes that are one to vmha: votes and slots would be counted wrongly. */
static int
check_nodes(const struct ha_corosync_conf *conf, struct ha_err *err)
{
	for (uint32_t i = 0; i < conf->nodes; i++) {
		const struct ha_corosync_conf_node *a = &conf->node[i];

		for (uint32_t k = i + 1; k < conf->nodes; k++) {
			const struct ha_corosync_conf_node *b = &conf->node[k];

			if (a->name[0] && strcmp(a->name, b->name) == 0) {
				return ha_err_set(err, -EINVAL,
						  "two nodes are named %s; "
						  "give each its own name",
						  a->name);
			}
			if (a->nodeid > 0 && a->nodeid == b->nodeid) {
				return ha_err_set(err, -EINVAL,
						  "two nodes have nodeid %u; "
						  "give each its own",
						  a->nodeid);
			}
		}
	}
	return 0;
}

int
ha_corosync_conf_parse(const char *text, size_t len,
		       struct ha_corosync_conf *ret_conf, struct ha_err *err)
{
	struct ha_corosync_conf conf;
	struct parser p = { .conf = &conf, .err = err };
	int rc;

	memset(&conf, 0, sizeof(conf));
	rc = parse_lines(&p, text, len);
	if (rc == 0 && p.depth > 0) {
		rc = ha_err_set(err, -EINVAL,
				"section %s is not closed: a } is missing",
				p.path);
	}
	if (rc == 0) {
		rc = check_nodes(&conf, err);
	}
	if (rc == 0) {
		*ret_conf = conf;
	}
	return rc;
}
