/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pacemaker's own reasons for not running a VM, as far as they stand in the
 * CIB: what somebody has set, bans, failures. Scores and orders are the
 * scheduler's; they are not guessed.
 */
#include <stdlib.h>
#include <string.h>

#include "cib.h"
#include "why.h"

static void
look_properties(const struct cib_node *cib, json_t *reasons)
{
	const struct cib_node *config = cib_next(cib, NULL, "crm_config");

	if (!cib_is_quorate(cib)) {
		why_add(reasons, "quorum",
			"get enough hosts back; a cluster that has lost them "
			"for good: see corosync's expected_votes",
			"this host's Pacemaker has no quorum: it starts "
			"nothing");
	}
	if (cib_is_true(cib_nvpair(config, "maintenance-mode"))) {
		why_add(reasons, "pacemaker",
			"crm configure property maintenance-mode=false",
			"the whole cluster is in maintenance mode: Pacemaker "
			"starts and stops nothing");
	}
	if (cib_is_true(cib_nvpair(config, "stop-all-resources"))) {
		why_add(reasons, "pacemaker",
			"crm configure property stop-all-resources=false",
			"stop-all-resources is set");
	}
}

static void
look_meta(const struct cib_node *cib, const struct cib_node *vm,
	  json_t *reasons)
{
	const char *id = cib_get(vm, "id");
	const char *role = cib_meta(cib, vm, "target-role");
	const char *managed = cib_meta(cib, vm, "is-managed");
	char off[CIB_GUEST_OFF_BYTES];
	char todo[256];

	if (cib_guest_off(cib, vm, off, sizeof(off))) {
		snprintf(todo, sizeof(todo), "vmha vm start %s", id);
		why_add(reasons, "pacemaker", todo,
			"%s (on_guest_shutdown=stop): target-role=Stopped",
			off);
	} else if (role && strcasecmp(role, "Stopped") == 0) {
		snprintf(todo, sizeof(todo), "crm resource start %s", id);
		why_add(reasons, "pacemaker", todo,
			"somebody has stopped it: target-role=Stopped");
	}
	if ((managed && !cib_is_true(managed)) ||
	    cib_is_true(cib_meta(cib, vm, "maintenance"))) {
		snprintf(todo, sizeof(todo), "crm resource manage %s", id);
		why_add(reasons, "pacemaker", todo,
			"it is not managed: Pacemaker neither starts nor "
			"stops it");
	}
}

static bool
is_ban(const char *score)
{
	return strcmp(score, "-INFINITY") == 0 || atoi(score) <= -1000000;
}

static void
look_locations(const struct cib_node *cib, const char *id, json_t *reasons)
{
	const struct cib_node *at = NULL;
	char todo[256];

	while ((at = cib_next(cib, at, "rsc_location"))) {
		const struct cib_node *rule = cib_child(at, "rule");
		const char *score = cib_get(rule ? rule : at, "score");

		if (strcmp(cib_get(at, "rsc"), id) != 0 || !is_ban(score)) {
			continue;
		}
		if (strncmp(cib_get(at, "id"), "cli-ban", 7) == 0 ||
		    strncmp(cib_get(at, "id"), "cli-prefer", 10) == 0) {
			snprintf(todo, sizeof(todo), "crm resource clear %s",
				 id);
		} else {
			snprintf(todo, sizeof(todo),
				 "crm configure delete %s, if it is not meant",
				 cib_get(at, "id"));
		}
		if (rule) {
			why_add(reasons, "pacemaker", todo,
				"constraint %s bans it from hosts by a rule",
				cib_get(at, "id"));
		} else {
			why_add(reasons, "pacemaker", todo,
				"constraint %s bans it from %s",
				cib_get(at, "id"), cib_get(at, "node"));
		}
	}
}

/* The newest failed operation's own words. */
static const char *
exit_reason(const struct cib_node *state, const char *id)
{
	const struct cib_node *lrm = cib_find(state, "lrm_resource", "id", id);
	const struct cib_node *op = NULL;
	const char *reason = "";

	while ((op = cib_next(lrm, op, "lrm_rsc_op"))) {
		if (strstr(cib_get(op, "id"), "_last_failure_") &&
		    *cib_get(op, "exit-reason")) {
			reason = cib_get(op, "exit-reason");
		}
	}
	return reason;
}

static void
look_failures(const struct cib_node *cib, const char *id, json_t *reasons)
{
	const struct cib_node *state = NULL;
	char prefix[128];
	char todo[256];

	snprintf(prefix, sizeof(prefix), "fail-count-%s#", id);
	while ((state = cib_next(cib, state, "node_state"))) {
		const char *host = cib_get(state, "uname");
		const struct cib_node *at = NULL;

		while ((at = cib_next(state, at, "nvpair"))) {
			const char *name = cib_get(at, "name");
			const char *reason = exit_reason(state, id);

			if (strncmp(name, prefix, strlen(prefix)) != 0) {
				continue;
			}
			snprintf(todo, sizeof(todo),
				 "mend it, then: crm resource cleanup %s", id);
			why_add(reasons, "pacemaker", todo,
				"%s failed %s time(s) on %s%s%s",
				name + strlen(prefix), cib_get(at, "value"),
				host, *reason ? ": " : "", reason);
		}
	}
}

static void
look_hosts(const struct cib_node *cib, json_t *reasons)
{
	const struct cib_node *node = NULL;
	char todo[256];

	while ((node = cib_next(cib_next(cib, NULL, "nodes"), node, "node"))) {
		const char *host = cib_get(node, "uname");
		const struct cib_node *state =
			cib_find(cib, "node_state", "uname", host);

		if (cib_is_true(cib_nvpair(node, "standby")) ||
		    cib_is_true(cib_nvpair(state, "standby"))) {
			snprintf(todo, sizeof(todo), "crm node online %s",
				 host);
			why_add(reasons, "pacemaker", todo,
				"%s is in standby: nothing runs there", host);
		} else if (cib_is_true(cib_nvpair(node, "maintenance"))) {
			snprintf(todo, sizeof(todo), "crm node ready %s", host);
			why_add(reasons, "pacemaker", todo,
				"%s is in maintenance: nothing is started "
				"there",
				host);
		}
	}
}

void
cib_reasons(const struct cib_node *cib, const struct cib_node *primitive,
	    json_t *reasons)
{
	const char *id = cib_get(primitive, "id");

	look_properties(cib, reasons);
	look_meta(cib, primitive, reasons);
	look_locations(cib, id, reasons);
	look_failures(cib, id, reasons);
	look_hosts(cib, reasons);
}
