/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status half of the facts: tickets, nodes, and the history of actions. A
 * resource counts as active on a node unless its newest completed action is a
 * stop that succeeded or a probe that found nothing. In doubt it is active:
 * that forbids or holds too much, never too little.
 */
#include <string.h>

#include "FaultDomain/facts.h"
#include "ha/text.h"

/* enum pcmk_exec_status and enum ocf_exitcode of Pacemaker */
#define STATUS_PENDING (-1)
#define RC_OK 0
#define RC_NOT_INSTALLED 5
#define RC_NOT_CONFIGURED 6
#define RC_NOT_RUNNING 7
#define RC_PROMOTED 8
#define RC_DEGRADED 190
#define RC_DEGRADED_PROMOTED 191

/* pcmk_promotion_score_name() of Pacemaker */
#define SCORE_PREFIX "master-"

static struct fdm_vm *
vm_of(struct fdm_facts *facts, const char *resource)
{
	guint index = GPOINTER_TO_UINT(
		g_hash_table_lookup(facts->by_resource, resource));

	return index ? &g_array_index(facts->vms, struct fdm_vm, index - 1) :
		       NULL;
}

/* An instance of a unique clone is RSC:N in the history. */
static const struct fdm_rsc *
rsc_of(const struct fdm_facts *facts, const char *id)
{
	const struct fdm_rsc *rsc = g_hash_table_lookup(facts->rscs, id);
	const char *colon = strrchr(id, ':');
	char *base;

	if (rsc || !colon) {
		return rsc;
	}
	base = g_strndup(id, (gsize)(colon - id));
	rsc = g_hash_table_lookup(facts->rscs, base);
	g_free(base);
	return rsc;
}

static int
number_of(const xmlNode *op, const char *name, int def)
{
	const char *text = fdm_xml_attr(op, name);

	return text ? (int)g_ascii_strtoll(text, NULL, 10) : def;
}

int
fdm_op_call(const xmlNode *op)
{
	return number_of(op, "call-id", -1);
}

bool
fdm_op_is_pending(const xmlNode *op)
{
	return number_of(op, "op-status", STATUS_PENDING) == STATUS_PENDING;
}

/* Only asks whether it runs. */
static bool
is_probe(const xmlNode *op)
{
	return strcmp(fdm_xml_text(op, "operation"), "monitor") == 0 &&
	       number_of(op, "interval", 0) == 0;
}

bool
fdm_op_is_proof_of_end(const xmlNode *op)
{
	const char *operation = fdm_xml_text(op, "operation");
	int rc = number_of(op, "rc-code", -1);

	if (fdm_op_is_pending(op)) {
		return false;
	}
	if (strcmp(operation, "stop") == 0) {
		return rc == RC_OK;
	}
	return is_probe(op) && (rc == RC_NOT_RUNNING || rc == RC_NOT_INSTALLED);
}

struct past {
	const xmlNode *newest; /* completed; NULL: none */
	bool is_pending;
	bool is_acting; /* one that is pending may make it run, or end it */
};

/* A copy of an action that failed is no news; the action itself, or a later
 * one, stands beside it. */
static struct past
past_of(const xmlNode *resource)
{
	struct past past = { NULL, false, false };
	int newest_id = -1;

	for (const xmlNode *op = resource->children; op; op = op->next) {
		int id;

		if (!fdm_xml_is(op, "lrm_rsc_op")) {
			continue;
		}
		if (fdm_op_is_pending(op)) {
			past.is_pending = true;
			past.is_acting = past.is_acting || !is_probe(op);
			continue;
		}
		id = fdm_op_call(op);
		if (!past.newest || id > newest_id) {
			past.newest = op;
			newest_id = id;
		}
	}
	return past;
}

/* A probe of what nobody knows of here makes a VM neither busy nor found: a
 * VM that is kept off would be let go by each host that joins. What it finds
 * is seen when it has. */
static bool
is_busy(const struct past *past)
{
	return past->is_acting ||
	       (past->newest && !fdm_op_is_proof_of_end(past->newest));
}

static bool
is_active(const struct past *past)
{
	return past->is_pending || is_busy(past);
}

/* A monitor that repeats has the number of its first result ever after, and is
 * noted twice: what it said when it was well, and how it failed. */
static bool
is_fallen(const struct past *past, const xmlNode *resource)
{
	uint64_t since_s = 0;
	int id = -1;

	if (past->newest) {
		since_s = fdm_xml_number(past->newest, "last-rc-change", 0);
		id = fdm_op_call(past->newest);
	}
	for (const xmlNode *op = resource->children; op; op = op->next) {
		int rc = number_of(op, "rc-code", -1);

		if (fdm_xml_is(op, "lrm_rsc_op") && !fdm_op_is_pending(op) &&
		    strcmp(fdm_xml_text(op, "operation"), "monitor") == 0 &&
		    !is_probe(op) && rc != RC_OK && rc != RC_DEGRADED &&
		    fdm_op_call(op) >= id &&
		    fdm_xml_number(op, "last-rc-change", 0) >= since_s) {
			return true;
		}
	}
	return false;
}

static bool
is_up(const struct past *past)
{
	const char *operation = fdm_xml_text(past->newest, "operation");
	int rc = past->newest ? number_of(past->newest, "rc-code", -1) : -1;

	return (rc == RC_OK || rc == RC_DEGRADED) &&
	       (strcmp(operation, "start") == 0 ||
		strcmp(operation, "monitor") == 0 ||
		strcmp(operation, "migrate_from") == 0);
}

/* A demotion under way has not ended it; its manager knows. */
static bool
is_promoted(const struct past *past)
{
	const char *operation = fdm_xml_text(past->newest, "operation");
	int rc = past->newest ? number_of(past->newest, "rc-code", -1) : -1;

	return (strcmp(operation, "promote") == 0 && rc == RC_OK) ||
	       (strcmp(operation, "monitor") == 0 &&
		(rc == RC_PROMOTED || rc == RC_DEGRADED_PROMOTED));
}

/* The agent's words when the list does not let it start (agents/VirtualMachine,
 * libha/io/vmlist). */
#define REFUSED "can't announce"

static bool
has_failure(const xmlNode *resource, const char *word)
{
	for (const xmlNode *op = resource->children; op; op = op->next) {
		if (fdm_xml_is(op, "lrm_rsc_op") &&
		    strstr(fdm_xml_text(op, "id"), "_last_failure_") &&
		    strstr(fdm_xml_text(op, "exit-reason"), word)) {
			return true;
		}
	}
	return false;
}

static void
take_failed_starts(struct fdm_vm *vm, uint64_t bit, const xmlNode *resource)
{
	for (const xmlNode *op = resource->children; op; op = op->next) {
		if (!fdm_xml_is(op, "lrm_rsc_op") ||
		    !strstr(fdm_xml_text(op, "id"), "_last_failure_") ||
		    strcmp(fdm_xml_text(op, "operation"), "start") != 0) {
			continue;
		}
		/* After a wrong configuration no other node is tried. */
		vm->failed_nodes |=
			number_of(op, "rc-code", -1) == RC_NOT_CONFIGURED ?
				UINT64_MAX :
				bit;
		if (!strstr(fdm_xml_text(op, "exit-reason"), REFUSED)) {
			vm->failed_starts +=
				(uint64_t)MAX(fdm_op_call(op), 0) + 1;
		}
	}
}

/* Monitors; what asks only whether it runs has not failed. */
static uint64_t
failed_runs_of(const xmlNode *resource)
{
	uint64_t sum = 0;

	for (const xmlNode *op = resource->children; op; op = op->next) {
		if (fdm_xml_is(op, "lrm_rsc_op") &&
		    strstr(fdm_xml_text(op, "id"), "_last_failure_") &&
		    strcmp(fdm_xml_text(op, "operation"), "monitor") == 0 &&
		    !is_probe(op) &&
		    !strstr(fdm_xml_text(op, "exit-reason"), REFUSED)) {
			sum += (uint64_t)MAX(fdm_op_call(op), 0) + 1;
		}
	}
	return sum;
}

static bool
has_acted(const xmlNode *resource)
{
	for (const xmlNode *op = resource->children; op; op = op->next) {
		if (fdm_xml_is(op, "lrm_rsc_op") && !is_probe(op) &&
		    !(strcmp(fdm_xml_text(op, "operation"), "monitor") == 0 &&
		      number_of(op, "rc-code", -1) == RC_OK)) {
			return true;
		}
	}
	return false;
}

static void
take_vm(struct fdm_vm *vm, const struct fdm_node *node, uint64_t bit,
	const struct past *past, const xmlNode *resource)
{
	if (has_failure(resource, "")) {
		vm->has_failures = true;
		vm->was_refused =
			vm->was_refused || has_failure(resource, REFUSED);
	}
	if (node->is_online) {
		bool has_fallen = is_fallen(past, resource);
		bool runs = is_up(past) && !has_fallen;

		vm->is_up = vm->is_up || runs;
		vm->is_busy = vm->is_busy || is_busy(past);
		vm->up_nodes |= runs ? bit : 0;
		vm->busy_nodes |= is_busy(past) ? bit : 0;
		vm->acting_nodes |= past->is_pending ? bit : 0;
		vm->told_nodes |= past->newest ? bit : 0;
		take_failed_starts(vm, bit, resource);
		vm->failed_runs += failed_runs_of(resource);
		vm->erred_nodes |= has_failure(resource, "") ? bit : 0;
		vm->acted_nodes |= has_acted(resource) ? bit : 0;
		vm->fallen_nodes |= has_fallen ? bit : 0;
	}
}

static uint64_t
bit_of(const struct fdm_facts *facts, const struct fdm_node *node)
{
	return fdm_node_bit(
		(size_t)(node -
			 &g_array_index(facts->nodes, struct fdm_node, 0)));
}

static void
take_resource(struct fdm_facts *facts, struct fdm_node *node,
	      const xmlNode *resource)
{
	struct past past = past_of(resource);
	const char *id = fdm_xml_text(resource, "id");
	const struct fdm_rsc *rsc = rsc_of(facts, id);
	struct fdm_vm *vm = rsc ? vm_of(facts, rsc->id) : NULL;
	struct ha_gated_resource one = {
		.id = id,
		.class_name = fdm_xml_attr(resource, "class"),
		.provider = fdm_xml_attr(resource, "provider"),
		.type = fdm_xml_attr(resource, "type"),
		.requires = rsc ? rsc->requires : NULL,
		.is_ticket_gated = vm && vm->is_gated,
	};

	if (vm) {
		take_vm(vm, node, bit_of(facts, node), &past, resource);
	}
	if (is_active(&past)) {
		g_array_append_val(node->active, one);
	}
	if (rsc && facts->has_domain && strcmp(rsc->id, facts->domain) == 0) {
		node->is_promoted = is_promoted(&past);
	}
}

static struct fdm_node *
node_of(struct fdm_facts *facts, const char *name)
{
	for (guint i = 0; i < facts->nodes->len; i++) {
		struct fdm_node *node =
			&g_array_index(facts->nodes, struct fdm_node, i);

		if (strcmp(node->name, name) == 0) {
			return node;
		}
	}
	return NULL;
}

/* Pacemaker 3.0 (feature set 3.20) writes the time of joining, 0 for none,
 * where 2.1 wrote a boolean. */
static bool
is_yes(const char *text)
{
	return strcmp(text, "true") == 0 || strcmp(text, "online") == 0 ||
	       g_ascii_strtoull(text, NULL, 10) > 0;
}

/* Transient attributes, as attrd writes them. */
static void
take_attributes(const struct fdm_facts *facts, struct fdm_node *node,
		const xmlNode *state)
{
	const xmlNode *attributes =
		fdm_xml_child(state, "transient_attributes");
	const char *standby =
		fdm_xml_nvpair(attributes, "instance_attributes", "standby");
	char *name = g_strconcat(SCORE_PREFIX, facts->domain, NULL);
	bool is_standby = false;

	node->score = fdm_xml_nvpair(attributes, "instance_attributes", name);
	if (standby && ha_text_bool(standby, &is_standby) == 0 && is_standby) {
		node->is_in_maintenance = true;
	}
	g_free(name);
}

static void
take_node_state(struct fdm_facts *facts, const xmlNode *state)
{
	struct fdm_node *node = node_of(facts, fdm_xml_text(state, "uname"));
	const xmlNode *resource;

	if (!node) {
		return;
	}
	node->has_state = true;
	take_attributes(facts, node, state);
	node->is_online = is_yes(fdm_xml_text(state, "in_ccm")) &&
			  is_yes(fdm_xml_text(state, "crmd"));
	/* determine_online_status_fencing() of Pacemaker's scheduler: expected
	 * down and out of the membership is never fenced. */
	node->is_forgotten =
		!is_yes(fdm_xml_text(state, "in_ccm")) &&
		strcmp(fdm_xml_text(state, "expected"), "down") == 0;
	node->is_unclean = !is_yes(fdm_xml_text(state, "in_ccm")) &&
			   !node->is_forgotten &&
			   strcmp(fdm_xml_text(state, "expected"), "") != 0;
	resource = fdm_xml_child(
		fdm_xml_child(fdm_xml_child(state, "lrm"), "lrm_resources"),
		"lrm_resource");
	for (; resource; resource = resource->next) {
		if (fdm_xml_is(resource, "lrm_resource")) {
			take_resource(facts, node, resource);
		}
	}
}

static void
take_ticket(struct fdm_facts *facts, const xmlNode *state)
{
	const char *id = fdm_xml_text(state, "id");
	struct fdm_vm *vm = NULL;

	if (g_str_has_prefix(id, FDM_TICKET_PREFIX)) {
		vm = vm_of(facts, id + strlen(FDM_TICKET_PREFIX));
	}
	if (vm) {
		const char *cpu = fdm_xml_text(state, "vmha-cpu");
		const char *memory = fdm_xml_text(state, "vmha-memory");

		vm->ticket = (struct fdm_ticket){
			.is_there = true,
			.is_granted = is_yes(fdm_xml_text(state, "granted")),
			.state = fdm_xml_text(state, "vmha-state"),
			.reason = fdm_xml_text(state, "vmha-reason"),
			.owner = fdm_xml_text(state, "vmha-owner"),
			.role = fdm_xml_text(state, "vmha-role"),
			.term = fdm_xml_number(state, "vmha-term", FDM_NO_TERM),
			.attempt = fdm_xml_number(state, "vmha-attempt", 0),
			.is_crash = strcmp(fdm_xml_text(state, "vmha-cause"),
					   FDM_CAUSE_CRASH) == 0,
			.text = fdm_xml_text(state, "vmha-text"),
			.has_reserved = cpu[0] && memory[0],
			.cpu_mhz = fdm_xml_number(state, "vmha-cpu", 0),
			.memory_mb = fdm_xml_number(state, "vmha-memory", 0),
		};
	}
}

void
fdm_facts_history(struct fdm_facts *facts, const xmlNode *status)
{
	const xmlNode *node =
		fdm_xml_child(fdm_xml_child(status, "tickets"), "ticket_state");

	for (; node; node = node->next) {
		if (fdm_xml_is(node, "ticket_state")) {
			take_ticket(facts, node);
		}
	}
	for (node = status ? status->children : NULL; node; node = node->next) {
		if (fdm_xml_is(node, "node_state")) {
			take_node_state(facts, node);
		}
	}
	fdm_facts_migrations(facts, status);
}
