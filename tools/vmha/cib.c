/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CIB by cibadmin, with a deadline, as a tree. A change is one update of
 * the whole CIB, so that no scheduler run sees a gate without its ticket.
 * Never writes anything else than what its callers hand over.
 */
#include "cib.h"

#include <errno.h>
#include <expat.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ha/cleanup.h"

#define CIB_DOWN 102     /* CRM_EX_DISCONNECT of crm/common/results.h */
#define CIB_SCHEMA 78    /* CRM_EX_CONFIG */
#define CIB_GONE 105     /* CRM_EX_NOSUCH */
#define CHANGE_MS 30000u /* cibadmin's own patience is 30 s */
#define DEPTH_MAX 100u   /* a CIB has 12 or so */

struct parse {
	struct cib_node *root, *at;
	unsigned int depth;
	bool is_failed; /* no memory, or deeper than any CIB */
};

void
cib_free(struct cib_node *cib)
{
	struct cib_node *next;

	for (; cib; cib = next) {
		next = cib->next;
		cib_free(cib->first);
		for (size_t i = 0; i < cib->attrs; i++) {
			free(cib->attr[i].name);
			free(cib->attr[i].value);
		}
		free(cib->attr);
		free(cib->name);
		free(cib);
	}
}

static bool
fill(struct cib_node *node, const char *name, const char **attrs)
{
	size_t count = 0;

	while (attrs[2 * count]) {
		count++;
	}
	node->name = strdup(name);
	node->attr = calloc(count + 1, sizeof(*node->attr));
	if (!node->name || !node->attr) {
		return false;
	}
	for (; node->attrs < count; node->attrs++) {
		struct cib_attr *attr = &node->attr[node->attrs];

		attr->name = strdup(attrs[2 * node->attrs]);
		attr->value = strdup(attrs[2 * node->attrs + 1]);
		if (!attr->name || !attr->value) {
			free(attr->name);
			free(attr->value);
			return false;
		}
	}
	return true;
}

static void XMLCALL
on_start(void *arg, const XML_Char *name, const XML_Char **attrs)
{
	struct parse *p = arg;
	struct cib_node *node = calloc(1, sizeof(*node));

	p->depth++;
	if (!node || p->is_failed || p->depth > DEPTH_MAX ||
	    !fill(node, name, attrs)) {
		cib_free(node);
		p->is_failed = true;
		return;
	}
	node->parent = p->at;
	if (!p->at) {
		p->root = node;
	} else if (p->at->last) {
		p->at->last->next = node;
		p->at->last = node;
	} else {
		p->at->first = node;
		p->at->last = node;
	}
	p->at = node;
}

static void XMLCALL
on_end(void *arg, const XML_Char *name)
{
	struct parse *p = arg;

	(void)name;
	p->depth--;
	if (!p->is_failed && p->at->parent) {
		p->at = p->at->parent;
	}
}

int
cib_parse(const char *xml, struct cib_node **ret_cib, struct ha_err *err)
{
	struct parse p = { 0 };
	XML_Parser parser = XML_ParserCreate(NULL);
	enum XML_Status status;

	if (!parser) {
		return ha_err_set(err, -ENOMEM, "no memory");
	}
	XML_SetUserData(parser, &p);
	XML_SetElementHandler(parser, on_start, on_end);
	status = XML_Parse(parser, xml, (int)strlen(xml), 1);
	XML_ParserFree(parser);
	if (status != XML_STATUS_OK || p.is_failed || !p.root) {
		cib_free(p.root);
		return ha_err_set(err, -EPROTO,
				  "what cibadmin prints is no CIB");
	}
	*ret_cib = p.root;
	return 0;
}

int
cib_read(struct cib_node **ret_cib, struct ha_err *err)
{
	static const char *const ARGV[] = { "cibadmin", "--query", NULL };
	ha_autofree char *xml = NULL;
	int status = 0;
	int rc;

	vmha_step("asking", "Pacemaker", CIB_MS + 10000);
	rc = vmha_run(ARGV, CIB_MS, &xml, &status);
	if (rc == -ENOENT) {
		return ha_err_set(err, rc,
				  "cibadmin is not installed: install "
				  "Pacemaker's command line tools");
	}
	if (rc < 0) {
		return ha_err_set(err, rc, "Pacemaker %s",
				  rc == -ETIMEDOUT ?
					  "does not answer within 5 s" :
					  "can't be asked");
	}
	if (status == CIB_DOWN) {
		return ha_err_set(err, -ENOTCONN,
				  "Pacemaker does not run on this host");
	}
	if (status != 0) {
		return ha_err_set(err, -EIO,
				  "cibadmin --query failed with exit code %d; "
				  "run it by hand to see why",
				  status);
	}
	return cib_parse(xml, ret_cib, err);
}

const char *
cib_get(const struct cib_node *node, const char *attr)
{
	for (size_t i = 0; node && i < node->attrs; i++) {
		if (strcmp(node->attr[i].name, attr) == 0) {
			return node->attr[i].value;
		}
	}
	return "";
}

bool
cib_is(const struct cib_node *node, const char *element)
{
	return node && strcmp(node->name, element) == 0;
}

const struct cib_node *
cib_walk(const struct cib_node *root, const struct cib_node *at)
{
	if (at->first) {
		return at->first;
	}
	while (at != root && !at->next) {
		at = at->parent;
	}
	return at == root ? NULL : at->next;
}

const struct cib_node *
cib_next(const struct cib_node *root, const struct cib_node *at,
	 const char *element)
{
	if (!root) {
		return NULL;
	}
	for (at = cib_walk(root, at ? at : root); at; at = cib_walk(root, at)) {
		if (cib_is(at, element)) {
			return at;
		}
	}
	return NULL;
}

const struct cib_node *
cib_find(const struct cib_node *root, const char *element, const char *attr,
	 const char *value)
{
	const struct cib_node *at = NULL;

	while ((at = cib_next(root, at, element))) {
		if (strcmp(cib_get(at, attr), value) == 0) {
			return at;
		}
	}
	return NULL;
}

const struct cib_node *
cib_child(const struct cib_node *node, const char *element)
{
	const struct cib_node *at = node ? node->first : NULL;

	while (at && !cib_is(at, element)) {
		at = at->next;
	}
	return at;
}

const char *
cib_nvpair(const struct cib_node *root, const char *name)
{
	const struct cib_node *at = cib_find(root, "nvpair", "name", name);

	return at ? cib_get(at, "value") : NULL;
}

bool
cib_is_quorate(const struct cib_node *cib)
{
	return strcmp(cib_get(cib, "have-quorum"), "1") == 0;
}

static int
change(const char *const *argv, struct ha_err *err)
{
	ha_autofree char *out = NULL;
	int status = 0;
	int rc;

	vmha_step("changing", "the CIB", CHANGE_MS + 10000);
	rc = vmha_run(argv, CHANGE_MS, &out, &status);
	if (rc == -ETIMEDOUT) {
		return ha_err_set(err, rc,
				  "Pacemaker did not answer within 30 s; "
				  "whether the change was made is not known: "
				  "look at it before you say it again");
	}
	if (rc < 0) {
		return ha_err_set(err, rc, "can't run cibadmin: %s",
				  strerror(-rc));
	}
	if (status != 0) {
		return ha_err_set(
			err, status == CIB_DOWN ? -ENOTCONN : -EIO,
			"cibadmin failed with exit code %d (%s); nothing was "
			"changed",
			status,
			status == CIB_DOWN   ? "Pacemaker does not run here" :
			status == CIB_SCHEMA ? "the CIB's schema refuses it" :
			status == CIB_GONE   ? "it is not there" :
					       "crm_error -X tells more");
	}
	return 0;
}

/* `option` NULL: none. `copy`: "CIB_file=PATH"; NULL: the live CIB. */
static int
change_by(const char *copy, const char *verb, const char *option,
	  const char *xml, struct ha_err *err)
{
	char path[] = "/tmp/vmha-cib-XXXXXX";
	const char *const words[] = { "env",        copy, "cibadmin", verb,
				      "--xml-file", path, option,     NULL };
	const char *const *argv = copy ? words : words + 2;
	int fd = mkostemp(path, O_CLOEXEC);
	size_t len = strlen(xml);
	int rc;

	/* Several hundred VMs are more than a command line takes. */
	if (fd < 0 || write(fd, xml, len) != (ssize_t)len) {
		rc = ha_err_set(err, fd < 0 ? -errno : -ENOSPC,
				"can't write %s: %s", path,
				strerror(fd < 0 ? errno : ENOSPC));
	} else {
		rc = change(argv, err);
	}
	if (fd >= 0) {
		close(fd);
		(void)unlink(path);
	}
	return rc;
}

int
cib_modify(const char *xml, struct ha_err *err)
{
	return change_by(NULL, "--modify", "--allow-create", xml, err);
}

int
cib_modify_copy(const char *path, const char *xml, struct ha_err *err)
{
	char copy[PATH_MAX];

	snprintf(copy, sizeof(copy), "CIB_file=%s", path);
	return change_by(copy, "--modify", "--allow-create", xml, err);
}

int
cib_replace(const char *xml, struct ha_err *err)
{
	return change_by(NULL, "--replace", NULL, xml, err);
}

int
cib_delete(const char *xpath, struct ha_err *err)
{
	const char *const argv[] = { "cibadmin", "--delete-all", "--force",
				     "--xpath",  xpath,          NULL };

	return change(argv, err);
}
