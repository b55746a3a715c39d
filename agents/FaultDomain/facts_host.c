/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the CIB says of hosts beside their history of VMs: standby, whether
 * the FaultDomain resource could be started there, and the state that a
 * master has published. Only what the document says; decides nothing.
 */
#include <string.h>

#include "FaultDomain/facts.h"
#include "ha/text.h"

#define RC_OK 0
#define RC_NOT_RUNNING 7

static bool
is_true(const char *value)
{
	bool is = false;

	return value && ha_text_bool(value, &is) == 0 && is;
}

static const xmlNode *
state_of(const xmlNode *status, const char *name)
{
	const xmlNode *node = fdm_xml_child(status, "node_state");

	for (; node; node = node->next) {
		if (fdm_xml_is(node, "node_state") &&
		    strcmp(fdm_xml_text(node, "uname"), name) == 0) {
			return node;
		}
	}
	return NULL;
}

/* "fdm", or "fdm:0" of a unique clone. */
static bool
is_domain(const struct fdm_facts *facts, const xmlNode *resource)
{
	const char *id = fdm_xml_text(resource, "id");
	size_t len = strlen(facts->domain);

	return len > 0 && strncmp(id, facts->domain, len) == 0 &&
	       (id[len] == '\0' || id[len] == ':');
}

static int
rc_of(const xmlNode *op)
{
	const char *text = fdm_xml_attr(op, "rc-code");

	return text ? (int)g_ascii_strtoll(text, NULL, 10) : -1;
}

/* Its newest action that has ended: was that an end? */
static bool
is_down(const xmlNode *resource)
{
	const xmlNode *newest = NULL;
	const char *operation;

	for (const xmlNode *op = resource->children; op; op = op->next) {
		if (fdm_xml_is(op, "lrm_rsc_op") && !fdm_op_is_pending(op) &&
		    (!newest || fdm_op_call(op) > fdm_op_call(newest))) {
			newest = op;
		}
	}
	operation = newest ? fdm_xml_text(newest, "operation") : "";
	return !newest || fdm_op_is_proof_of_end(newest) ||
	       (strcmp(operation, "start") == 0 && rc_of(newest) != RC_OK);
}

/* Pacemaker keeps a start, or the probe before it, that has failed. */
static bool
has_failed_begin(const xmlNode *resource)
{
	for (const xmlNode *op = resource->children; op; op = op->next) {
		const char *operation;

		if (!fdm_xml_is(op, "lrm_rsc_op") ||
		    !g_str_has_suffix(fdm_xml_text(op, "id"),
				      "_last_failure_0")) {
			continue;
		}
		operation = fdm_xml_text(op, "operation");
		if (rc_of(op) != RC_OK && rc_of(op) != RC_NOT_RUNNING &&
		    (strcmp(operation, "start") == 0 ||
		     strcmp(operation, "monitor") == 0)) {
			return true;
		}
	}
	return false;
}

static bool
has_failed_domain(const struct fdm_facts *facts, const xmlNode *state)
{
	const xmlNode *resource = fdm_xml_child(
		fdm_xml_child(fdm_xml_child(state, "lrm"), "lrm_resources"),
		"lrm_resource");

	for (; resource; resource = resource->next) {
		if (fdm_xml_is(resource, "lrm_resource") &&
		    is_domain(facts, resource) && is_down(resource) &&
		    has_failed_begin(resource)) {
			return true;
		}
	}
	return false;
}

void
fdm_facts_hosts(struct fdm_facts *facts, const xmlNode *root)
{
	const xmlNode *status = fdm_xml_child(root, "status");
	const xmlNode *node = fdm_xml_child(
		fdm_xml_child(fdm_xml_child(root, "configuration"), "nodes"),
		"node");

	for (guint i = 0; node; node = node->next) {
		struct fdm_node *one;
		const xmlNode *state;
		const xmlNode *transient;

		if (!fdm_xml_is(node, "node") || i >= facts->nodes->len) {
			continue;
		}
		one = &g_array_index(facts->nodes, struct fdm_node, i++);
		state = state_of(status, one->name);
		transient = fdm_xml_child(state, "transient_attributes");
		one->is_standby =
			is_true(fdm_xml_nvpair(node, "instance_attributes",
					       "standby")) ||
			is_true(fdm_xml_nvpair(transient, "instance_attributes",
					       "standby"));
		one->transient = transient;
		one->told_state = fdm_xml_nvpair(
			transient, "instance_attributes", FDM_STATE_ATTR);
		one->has_failed_domain = has_failed_domain(facts, state);
	}
}
