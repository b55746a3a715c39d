/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the CIB says about one VM: its gate and ticket, what it stands in,
 * and where Pacemaker's history has it.
 */
#include "cib.h"

#include <stdlib.h>
#include <string.h>

/* The primitive's own class, or that of the template it names. */
static const struct cib_node *
definition(const struct cib_node *cib, const struct cib_node *primitive)
{
	const char *name = cib_get(primitive, "template");
	const struct cib_node *template =
		*name ? cib_find(cib, "template", "id", name) : NULL;

	return template ? template : primitive;
}

bool
cib_is_ours(const struct cib_node *cib, const struct cib_node *primitive,
	    const char *type)
{
	const struct cib_node *at = definition(cib, primitive);

	return strcmp(cib_get(at, "class"), "ocf") == 0 &&
	       strcmp(cib_get(at, "provider"), "vmha") == 0 &&
	       strcmp(cib_get(at, "type"), type) == 0;
}

const char *
cib_agent(const struct cib_node *cib, const struct cib_node *primitive,
	  char *buffer, size_t size)
{
	const struct cib_node *at = definition(cib, primitive);
	const char *provider = cib_get(at, "provider");

	snprintf(buffer, size, "%s:%s%s%s", cib_get(at, "class"), provider,
		 *provider ? ":" : "", cib_get(at, "type"));
	return buffer;
}

const struct cib_node *
cib_next_vm(const struct cib_node *cib, const struct cib_node *at)
{
	while ((at = cib_next(cib, at, "primitive"))) {
		if (cib_is_ours(cib, at, "VirtualMachine")) {
			return at;
		}
	}
	return NULL;
}

const struct cib_node *
cib_container(const struct cib_node *primitive)
{
	const struct cib_node *at = primitive->parent;

	return at && !cib_is(at, "resources") ? at : NULL;
}

const struct cib_node *
cib_gate(const struct cib_node *cib, const char *vm)
{
	const struct cib_node *at = NULL;
	char ticket[256];

	snprintf(ticket, sizeof(ticket), CIB_TICKET "%s", vm);
	while ((at = cib_next(cib, at, "rsc_ticket"))) {
		if (strcmp(cib_get(at, "rsc"), vm) == 0 &&
		    strcmp(cib_get(at, "ticket"), ticket) == 0) {
			return at;
		}
	}
	return NULL;
}

bool
cib_gate_is_sound(const struct cib_node *gate)
{
	const char *role = cib_get(gate, "rsc-role");

	return strncmp(cib_get(gate, "id"), CIB_GATE, strlen(CIB_GATE)) == 0 &&
	       strcmp(cib_get(gate, "loss-policy"), "freeze") == 0 &&
	       (!*role || strcmp(role, "Started") == 0);
}

const struct cib_node *
cib_ticket(const struct cib_node *cib, const char *vm)
{
	char ticket[256];

	snprintf(ticket, sizeof(ticket), CIB_TICKET "%s", vm);
	return cib_find(cib, "ticket_state", "id", ticket);
}

bool
cib_is_granted(const struct cib_node *ticket)
{
	return strcmp(cib_get(ticket, "granted"), "true") == 0 &&
	       strcmp(cib_get(ticket, "standby"), "true") != 0;
}

bool
cib_is_waiting(const struct cib_node *ticket)
{
	return ticket && !cib_is_granted(ticket) &&
	       strcmp(cib_get(ticket, "vmha-state"), "waiting") == 0;
}

bool
cib_is_waiting_failed(const struct cib_node *ticket)
{
	const char *reason = cib_get(ticket, "vmha-reason");

	return cib_is_waiting(ticket) &&
	       (strcmp(reason, "waits-for-retry") == 0 ||
		strcmp(reason, "given-up") == 0 ||
		strcmp(reason, "disabled") == 0);
}

bool
cib_is_powered_off(const struct cib_node *ticket)
{
	return ticket && !cib_is_granted(ticket) &&
	       strcmp(cib_get(ticket, "vmha-state"), "off") == 0;
}

bool
cib_is_kept_off(const struct cib_node *ticket)
{
	return cib_is_powered_off(ticket) &&
	       strcmp(cib_get(ticket, "vmha-reason"), "was-off") == 0;
}

static const char *
own_meta(const struct cib_node *node, const char *name)
{
	const struct cib_node *set;
	const char *value = NULL;

	for (set = node ? node->first : NULL; set && !value; set = set->next) {
		if (cib_is(set, "meta_attributes")) {
			value = cib_nvpair(set, name);
		}
	}
	return value;
}

const char *
cib_meta(const struct cib_node *cib, const struct cib_node *primitive,
	 const char *name)
{
	const struct cib_node *at = primitive;
	const char *value = NULL;

	for (; at && !value && !cib_is(at, "resources"); at = at->parent) {
		value = own_meta(at, name);
		if (!value && at == primitive) {
			value = own_meta(definition(cib, at), name);
		}
	}
	return value ? value :
		       own_meta(cib_next(cib, NULL, "rsc_defaults"), name);
}

const char *
cib_node_name(const struct cib_node *cib, const char *id)
{
	const struct cib_node *node = cib_find(cib, "node", "id", id);

	return node ? cib_get(node, "uname") : id;
}

/* Of a finished operation: does the resource run here after it? 1 yes, 0 no,
 * -1 it tells nothing. */
static int
outcome(const struct cib_node *op)
{
	const char *name = cib_get(op, "operation");
	int rc = atoi(cib_get(op, "rc-code"));
	bool is_ok = rc == 0;

	if (strcmp(cib_get(op, "op-status"), "-1") == 0) {
		return -1; /* under way */
	}
	if (strcmp(name, "start") == 0 || strcmp(name, "migrate_from") == 0) {
		return is_ok;
	}
	if (strcmp(name, "stop") == 0) {
		return !is_ok;
	}
	if (strcmp(name, "migrate_to") == 0) {
		return is_ok ? 0 : 1;
	}
	if (strcmp(name, "monitor") == 0) {
		/* OCF_NOT_RUNNING; any other failure leaves it there. */
		return rc != 7;
	}
	return -1;
}

bool
cib_is_active(const struct cib_node *node_state, const char *resource)
{
	const struct cib_node *lrm =
		cib_find(node_state, "lrm_resource", "id", resource);
	const struct cib_node *op = NULL;
	bool is_active = false;
	int newest = -1;

	while ((op = cib_next(lrm, op, "lrm_rsc_op"))) {
		int call = atoi(cib_get(op, "call-id"));
		int what = outcome(op);

		if (what >= 0 && call >= newest) {
			newest = call;
			is_active = what > 0;
		}
	}
	return is_active;
}
