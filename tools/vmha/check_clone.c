/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: parameters of ocf:vmha:FaultDomain that stand on its clone, where
 * nobody reads them, since the primitive has its own. Names and values that are
 * wrong: policy_errors.c.
 */
#include <string.h>

#include "check.h"
#include "cib.h"
#include "policy.h"

static void
check_pair(struct check *c, const struct cib_node *manager,
	   const struct cib_node *of, const struct cib_node *pair)
{
	const char *name = cib_get(pair, "name");
	const char *id = cib_get(of, "id");
	const char *own =
		of != manager ? policy_attribute(manager, name) : NULL;
	char todo[512];

	if (own && strcmp(own, cib_get(pair, "value")) != 0) {
		snprintf(todo, sizeof(todo),
			 "set it on %s and delete it here: crm resource param "
			 "%s delete %s",
			 cib_get(manager, "id"), id, name);
		check_add(c, CHECK_WARN, "parameter", "on the primitive", todo,
			  "%s: %s=%s does nothing, %s has %s", id, name,
			  cib_get(pair, "value"), cib_get(manager, "id"), own);
	}
}

void
check_clone_params(struct check *c, const struct cib_node *cib)
{
	const struct cib_node *manager = policy_resource(cib);
	const struct cib_node *of = manager;

	for (; of && !cib_is(of, "resources"); of = of->parent) {
		const struct cib_node *set = of->first;

		for (; set; set = set->next) {
			const struct cib_node *pair = NULL;

			while (cib_is(set, "instance_attributes") &&
			       (pair = cib_next(set, pair, "nvpair"))) {
				check_pair(c, manager, of, pair);
			}
		}
	}
}
