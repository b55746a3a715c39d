/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: parameters of ocf:vmha:FaultDomain that nobody reads: a name that it
 * does not have, or one on the clone where the primitive has its own. Values
 * are judged by the manager.
 */
#include <string.h>

#include "check.h"
#include "cib.h"
#include "ha/fdmparams.h"
#include "policy.h"

static bool
is_known(const char *name)
{
	const struct ha_param *param = HA_FDM_PARAMS;

	while (param->name && strcmp(param->name, name) != 0) {
		param++;
	}
	return param->name != NULL;
}

static const char *
value_of(const struct cib_node *of, const char *name)
{
	const struct cib_node *set = of->first;
	const char *value = NULL;

	for (; set && !value; set = set->next) {
		if (cib_is(set, "instance_attributes")) {
			value = cib_nvpair(set, name);
		}
	}
	return value;
}

static void
check_pair(struct check *c, const struct cib_node *manager,
	   const struct cib_node *of, const struct cib_node *pair)
{
	const char *name = cib_get(pair, "name");
	const char *id = cib_get(of, "id");
	const char *own = of != manager ? value_of(manager, name) : NULL;
	char todo[512];

	if (!*name) {
		return;
	}
	if (!is_known(name)) {
		snprintf(todo, sizeof(todo),
			 "correct its name (man ocf_vmha_FaultDomain), then "
			 "crm resource param %s delete %s",
			 id, name);
		check_add(c, CHECK_WARN, "parameter name",
			  "of ocf:vmha:FaultDomain", todo,
			  "%s: %s is no parameter of it and does nothing", id,
			  name);
	} else if (own && strcmp(own, cib_get(pair, "value")) != 0) {
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
check_params(struct check *c, const struct cib_node *cib)
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
