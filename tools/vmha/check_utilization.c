/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: utilization that is no number, of any resource, template or host. With
 * one such value Pacemaker 2.1.5's scheduler crashes on each coordinator in
 * turn, and nothing is started, stopped or fenced by it till it is mended.
 */
#include "check.h"
#include "cib.h"
#include "ha/cibinv.h"

static void
check_pair(struct check *c, const struct cib_node *of,
	   const struct cib_node *pair)
{
	const char *name = cib_get(pair, "name");
	const char *value = cib_get(pair, "value");
	bool is_host = cib_is(of, "node");
	const char *id = cib_get(of, is_host ? "uname" : "id");
	char todo[512];

	if (!*name || ha_cibinv_is_utilization(name, value)) {
		return;
	}
	snprintf(todo, sizeof(todo),
		 "crm %s utilization %s set %s NUMBER. Pacemaker's scheduler "
		 "can crash on it (2.1.5 does): then nobody starts or stops "
		 "anything",
		 is_host ? "node" : "resource", id, name);
	check_add(c, CHECK_BAD, "utilization", "a number", todo,
		  "%s%s: %s=\"%s\"", is_host ? "host " : "", id, name, value);
}

static void
check_sets(struct check *c, const struct cib_node *of)
{
	const struct cib_node *set = of->first;

	for (; set; set = set->next) {
		const struct cib_node *pair = NULL;

		while (cib_is(set, "utilization") &&
		       (pair = cib_next(set, pair, "nvpair"))) {
			check_pair(c, of, pair);
		}
	}
}

void
check_utilization(struct check *c, const struct cib_node *cib)
{
	static const char *const KINDS[] = { "primitive", "template", "node" };

	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		const struct cib_node *of = NULL;

		while ((of = cib_next(cib, of, KINDS[i]))) {
			check_sets(c, of);
		}
	}
}
