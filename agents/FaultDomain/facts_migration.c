/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live migrations in Pacemaker's history whose end it does not tell. The
 * history of migrate_to (on the source) and migrate_from (on the target) stays
 * beside later actions. A migration is settled when the target's migrate_from
 * succeeded and is the newest there, or when the source has stopped or started
 * the VM since. In doubt it is not settled: that only delays.
 */
#include <string.h>

#include "FaultDomain/facts.h"

static const xmlNode *
resource_on(const xmlNode *state, const char *id)
{
	const xmlNode *node = fdm_xml_child(
		fdm_xml_child(fdm_xml_child(state, "lrm"), "lrm_resources"),
		"lrm_resource");

	for (; node; node = node->next) {
		if (fdm_xml_is(node, "lrm_resource") &&
		    strcmp(fdm_xml_text(node, "id"), id) == 0) {
			return node;
		}
	}
	return NULL;
}

static const xmlNode *
state_of(const xmlNode *status, const char *host)
{
	const xmlNode *node = status->children;

	while (node && !(fdm_xml_is(node, "node_state") &&
			 strcmp(fdm_xml_text(node, "uname"), host) == 0)) {
		node = node->next;
	}
	return node;
}

static bool
is_op(const xmlNode *op, const char *operation)
{
	return fdm_xml_is(op, "lrm_rsc_op") &&
	       strcmp(fdm_xml_text(op, "operation"), operation) == 0;
}

static bool
is_good(const xmlNode *op)
{
	return !fdm_op_is_pending(op) && fdm_xml_number(op, "rc-code", 1) == 0;
}

/* A success that says where the VM is since: not here, or here anew. */
static bool
is_turn(const xmlNode *op)
{
	return fdm_op_is_proof_of_end(op) ||
	       ((is_op(op, "start") || is_op(op, "migrate_from")) &&
		is_good(op));
}

/* A pending action has no number yet: nothing is known to be later. */
static bool
has_later_turn(const xmlNode *resource, const xmlNode *migrate)
{
	int call = fdm_op_call(migrate);

	for (const xmlNode *op = resource->children; op; op = op->next) {
		if (op != migrate && fdm_xml_is(op, "lrm_rsc_op") &&
		    is_turn(op) && fdm_op_call(op) > call) {
			return call >= 0 && !fdm_op_is_pending(migrate);
		}
	}
	return false;
}

/* It came in there, and nothing has happened to it since. */
static bool
has_arrived(const xmlNode *status, const char *id, const char *source,
	    const char *target)
{
	const xmlNode *state = state_of(status, target);
	const xmlNode *resource = state ? resource_on(state, id) : NULL;
	const xmlNode *op = resource ? resource->children : NULL;
	const xmlNode *arrival = NULL;

	for (; op; op = op->next) {
		if (is_op(op, "migrate_from") && is_good(op) &&
		    strcmp(fdm_xml_text(op, "migrate_source"), source) == 0) {
			arrival = op;
		}
	}
	for (op = arrival ? resource->children : NULL; op; op = op->next) {
		if (op != arrival && fdm_xml_is(op, "lrm_rsc_op") &&
		    strcmp(fdm_xml_text(op, "operation"), "monitor") != 0 &&
		    (fdm_op_is_pending(op) ||
		     fdm_op_call(op) > fdm_op_call(arrival))) {
			return false;
		}
	}
	return arrival != NULL;
}

static void
take_op(struct fdm_facts *facts, const xmlNode *status, const xmlNode *resource,
	const xmlNode *op, const char *host)
{
	const char *id = fdm_xml_text(resource, "id");
	struct fdm_migration one = {
		.resource = id,
		.source = fdm_xml_text(op, "migrate_source"),
		.target = fdm_xml_text(op, "migrate_target"),
	};

	if (is_op(op, "migrate_to")) {
		one.source = host;
		if (has_later_turn(resource, op) ||
		    has_arrived(status, id, host, one.target)) {
			return;
		}
	} else if (is_op(op, "migrate_from")) {
		one.target = host;
		if (is_good(op) || has_later_turn(resource, op)) {
			return;
		}
	} else {
		return;
	}
	g_array_append_val(facts->migrations, one);
}

void
fdm_facts_migrations(struct fdm_facts *facts, const xmlNode *status)
{
	const xmlNode *state = status ? status->children : NULL;

	for (; state; state = state->next) {
		const xmlNode *resource =
			fdm_xml_is(state, "node_state") ?
				fdm_xml_child(
					fdm_xml_child(
						fdm_xml_child(state, "lrm"),
						"lrm_resources"),
					"lrm_resource") :
				NULL;

		for (; resource; resource = resource->next) {
			const xmlNode *op = resource->children;

			if (!fdm_xml_is(resource, "lrm_resource") ||
			    !fdm_facts_vm(facts,
					  fdm_xml_text(resource, "id"))) {
				continue;
			}
			for (; op; op = op->next) {
				if (fdm_xml_is(op, "lrm_rsc_op")) {
					take_op(facts, status, resource, op,
						fdm_xml_text(state, "uname"));
				}
			}
		}
	}
}
