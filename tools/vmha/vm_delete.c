/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha vm remove --resource: may a VM's resource be deleted? Only one that is
 * stopped, by order and by proof: what Pacemaker does not know any more it
 * can't stop. Whatever else names it must go first, by whoever put it there.
 */
#include <string.h>

#include "add.h"

/* An element that names the VM by one of these, gate and locations aside. */
static bool
names_it(const struct cib_node *at, const char *name)
{
	static const char *const ATTRS[] = { "rsc", "with-rsc", "first",
					     "then" };

	if (cib_is(at, "rsc_ticket") || cib_is(at, "rsc_location")) {
		return false;
	}
	if (cib_is(at, "resource_ref") || cib_is(at, "obj_ref")) {
		return strcmp(cib_get(at, "id"), name) == 0;
	}
	for (size_t i = 0; i < sizeof(ATTRS) / sizeof(ATTRS[0]); i++) {
		if (strcmp(cib_get(at, ATTRS[i]), name) == 0) {
			return true;
		}
	}
	return false;
}

/* The element with an id of its own that a reference stands in. */
static const struct cib_node *
owner(const struct cib_node *at)
{
	while ((cib_is(at, "resource_ref") || cib_is(at, "obj_ref") ||
		cib_is(at, "resource_set")) &&
	       at->parent) {
		at = at->parent;
	}
	return at;
}

static const struct cib_node *
find_reference(const struct cib_node *cib, const char *name)
{
	const struct cib_node *config = cib_child(cib, "configuration");
	const struct cib_node *at = config;

	while (at && (at = cib_walk(config, at))) {
		if (names_it(at, name)) {
			return owner(at);
		}
	}
	return NULL;
}

void
delete_refusal(const struct cib_node *cib, const char *name, char *ret_why,
	       size_t size)
{
	const struct cib_node *primitive =
		cib_find(cib, "primitive", "id", name);
	const struct cib_node *by = find_reference(cib, name);

	ret_why[0] = '\0';
	if (!primitive || !cib_is_ours(cib, primitive, "VirtualMachine")) {
		snprintf(ret_why, size,
			 "it is no ocf:vmha:VirtualMachine; \"crm configure "
			 "delete\" is for others");
	} else if (cib_container(primitive)) {
		snprintf(ret_why, size, "it stands in %s %s; take it out first",
			 cib_container(primitive)->name,
			 cib_get(cib_container(primitive), "id"));
	} else if (!cib_is_stopped(cib, primitive) || !cib_is_off(cib, name)) {
		snprintf(ret_why, size,
			 "it is not proven stopped: vmha vm stop %s", name);
	} else if (by) {
		snprintf(ret_why, size,
			 "%s %s names it: crm configure delete %s", by->name,
			 cib_get(by, "id"), cib_get(by, "id"));
	}
}
