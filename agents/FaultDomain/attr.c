/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Node attributes are written when the CIB shows other values, so nothing has
 * to be remembered beyond a crash. Must not look for quorum itself: who calls
 * knows which one counts.
 */
#include "FaultDomain/attr.h"

#include <stdio.h>
#include <string.h>

#include "FaultDomain/fdm.h"

const char *
fdm_attr_shown(const struct fdm *fdm, const char *name)
{
	const struct fdm_node *self =
		fdm_facts_node(fdm->facts, fdm->snap->self);
	const char *text = self ? fdm_xml_nvpair(self->transient,
						 "instance_attributes", name) :
				  NULL;

	return text ? text : "";
}

void
fdm_attr_set(struct fdm *fdm, const char *node, const char *name,
	     const char *value)
{
	const char *argv[] = { "attrd_updater",
			       "--node",
			       node,
			       "--name",
			       name,
			       value[0] ? "--update" : "--delete",
			       value[0] ? value : NULL,
			       NULL };
	char what[HA_HOST_NAME + 48];

	(void)snprintf(what, sizeof(what), "attrd_updater --node %s", node);
	fdm_child_run(fdm, argv, FDM_ATTR_MS, what, NULL);
}

void
fdm_attr_clear(struct fdm_attr *attr)
{
	g_free(attr->asked);
	*attr = (struct fdm_attr){ 0 };
}

/* Where the controller erases what the attribute daemon has just written, that
 * daemon takes the same value for no news (2.1.5): it is taken away first. */
bool
fdm_attr_follow(struct fdm *fdm, struct fdm_attr *attr, const char *node,
		const char *name, const char *shown, const char *wanted,
		uint64_t now_ms)
{
	bool is_known = !attr->asked || strcmp(attr->asked, wanted) == 0;

	if (strcmp(shown, wanted) == 0) {
		fdm_attr_clear(attr);
		return false;
	}
	if (is_known && now_ms < attr->again_ms) {
		return false;
	}
	if (attr->asked && is_known) {
		fdm_attr_set(fdm, node, name, "");
		fdm_attr_clear(attr);
		attr->again_ms = now_ms + FDM_ATTR_PAUSE_MS;
		return true;
	}
	fdm_attr_set(fdm, node, name, wanted);
	fdm_attr_clear(attr);
	attr->asked = g_strdup(wanted);
	attr->again_ms = now_ms + FDM_ATTR_AGAIN_MS;
	return true;
}
