/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pacemaker's history of one resource on one host, and what it says of the
 * hosts: is it proven off there, does it run, is something under way? Proven
 * is what the fault domain manager takes for proven: a stop that succeeded or
 * a probe that found nothing. In doubt it is not off.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cib.h"

/* enum ocf_exitcode and pcmk_exec_status of Pacemaker */
#define RC_OK 0
#define RC_NOT_INSTALLED 5
#define RC_NOT_RUNNING 7
#define RC_PROMOTED 8
#define RC_DEGRADED 190
#define STATUS_PENDING "-1"
#define STATUS_CANCELLED "1"

bool
cib_is_true(const char *value)
{
	return value &&
	       (strcasecmp(value, "true") == 0 ||
		strcasecmp(value, "on") == 0 || strcasecmp(value, "yes") == 0 ||
		strcmp(value, "1") == 0);
}

static enum cib_where
where_of(const struct cib_node *op)
{
	const char *name = cib_get(op, "operation");
	int rc = atoi(cib_get(op, "rc-code"));

	if (strcmp(cib_get(op, "op-status"), STATUS_PENDING) == 0) {
		return CIB_BUSY;
	}
	if (strcmp(name, "stop") == 0) {
		return rc == RC_OK ? CIB_OFF : CIB_FAILED;
	}
	if (strcmp(name, "migrate_to") == 0) {
		/* It has left; the stop that ends it here follows. */
		return rc == RC_OK ? CIB_BUSY : CIB_FAILED;
	}
	if (rc == RC_OK || rc == RC_PROMOTED || rc == RC_DEGRADED) {
		return CIB_ON;
	}
	if (strcmp(name, "monitor") == 0 &&
	    atoi(cib_get(op, "interval")) == 0 &&
	    (rc == RC_NOT_RUNNING || rc == RC_NOT_INSTALLED)) {
		return CIB_OFF;
	}
	return CIB_FAILED;
}

static bool
tells(const struct cib_node *op)
{
	static const char *const NAMES[] = { "start", "stop", "monitor",
					     "migrate_to", "migrate_from" };

	if (strcmp(cib_get(op, "op-status"), STATUS_CANCELLED) == 0) {
		return false;
	}
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (strcmp(cib_get(op, "operation"), NAMES[i]) == 0) {
			return true;
		}
	}
	return false;
}

void
cib_past(const struct cib_node *node_state, const char *resource,
	 struct cib_past *ret_past)
{
	const struct cib_node *lrm =
		cib_find(node_state, "lrm_resource", "id", resource);
	const struct cib_node *op = NULL;
	const struct cib_node *last = NULL;
	int newest = -1;

	*ret_past = (struct cib_past){ CIB_NEVER, "", "", "", "", lrm };
	while ((op = cib_next(lrm, op, "lrm_rsc_op"))) {
		int call = atoi(cib_get(op, "call-id"));
		bool is_pending =
			strcmp(cib_get(op, "op-status"), STATUS_PENDING) == 0;

		if (!tells(op)) {
			continue;
		}
		if (is_pending) {
			last = op;
			break;
		}
		if (call >= newest) {
			newest = call;
			last = op;
		}
	}
	if (last) {
		ret_past->where = where_of(last);
		ret_past->operation = cib_get(last, "operation");
		ret_past->reason = cib_get(last, "exit-reason");
		ret_past->source = cib_get(last, "migrate_source");
		ret_past->target = cib_get(last, "migrate_target");
	}
}

const char *
cib_arrival(const struct cib_node *lrm)
{
	const struct cib_node *op = NULL;
	const char *name = "";
	int newest = -1;

	while ((op = cib_next(lrm, op, "lrm_rsc_op"))) {
		int call = atoi(cib_get(op, "call-id"));

		if (tells(op) && call > newest &&
		    atoi(cib_get(op, "interval")) == 0 &&
		    strcmp(cib_get(op, "op-status"), STATUS_PENDING) != 0) {
			newest = call;
			name = cib_get(op, "operation");
		}
	}
	return name;
}

/* Pacemaker 3.0 (feature set 3.20) writes the time of joining, 0 for none,
 * where 2.1 wrote a boolean or a word. */
static bool
is_joined(const char *text)
{
	return cib_is_true(text) || strcmp(text, "online") == 0 ||
	       strtoull(text, NULL, 10) > 0;
}

enum cib_host
cib_host(const struct cib_node *cib, const char *host)
{
	const struct cib_node *node =
		cib_find(cib_next(cib, NULL, "nodes"), "node", "uname", host);
	const struct cib_node *state =
		cib_find(cib, "node_state", "uname", host);

	if (!node) {
		return CIB_HOST_NONE;
	}
	if (!is_joined(cib_get(state, "in_ccm")) ||
	    !is_joined(cib_get(state, "crmd"))) {
		return CIB_HOST_OFFLINE;
	}
	if (cib_is_standby(cib, host)) {
		return CIB_HOST_STANDBY;
	}
	return cib_is_true(cib_nvpair(node, "maintenance")) ?
		       CIB_HOST_UNMANAGED :
		       CIB_HOST_ONLINE;
}

bool
cib_is_standby(const struct cib_node *cib, const char *host)
{
	const struct cib_node *state =
		cib_find(cib, "node_state", "uname", host);

	return cib_is_true(cib_nvpair(cib_find(cib_next(cib, NULL, "nodes"),
					       "node", "uname", host),
				      "standby")) ||
	       cib_is_true(cib_nvpair(cib_child(state, "transient_attributes"),
				      "standby"));
}

const struct cib_node *
cib_active_on(const struct cib_node *cib, const char *resource,
	      struct cib_past *ret_past)
{
	const struct cib_node *state = NULL;
	const struct cib_node *best = NULL;
	struct cib_past past;
	/* What runs says more than what is under way, and that more than what
	 * failed. */
	static const int RANK[] = { [CIB_NEVER] = 0,
				    [CIB_OFF] = 0,
				    [CIB_FAILED] = 1,
				    [CIB_BUSY] = 2,
				    [CIB_ON] = 3 };

	*ret_past = (struct cib_past){ CIB_NEVER, "", "", "", "", NULL };
	while ((state = cib_next(cib, state, "node_state"))) {
		cib_past(state, resource, &past);
		if (RANK[past.where] > RANK[ret_past->where]) {
			*ret_past = past;
			best = state;
		} else if (!best && past.where == CIB_OFF) {
			*ret_past = past;
		}
	}
	return best;
}

bool
cib_is_off(const struct cib_node *cib, const char *resource)
{
	struct cib_past past;

	return !cib_active_on(cib, resource, &past);
}

bool
cib_is_stopped(const struct cib_node *cib, const struct cib_node *primitive)
{
	const char *role = cib_meta(cib, primitive, "target-role");

	return role && strcasecmp(role, "Stopped") == 0;
}

/* vmha-fdmd writes "HOST SECONDS", and takes it away when it is to run again. */
bool
cib_guest_off(const struct cib_node *cib, const struct cib_node *primitive,
	      char *ret_text, size_t size)
{
	const char *note = cib_meta(cib, primitive, CIB_META_GUEST_OFF);
	const char *at = note ? strchr(note, ' ') : NULL;
	char when[32];
	struct tm tm;
	time_t time;

	if (!note || !*note || !cib_is_stopped(cib, primitive)) {
		return false;
	}
	time = at ? (time_t)strtoll(at, NULL, 10) : 0;
	if (time <= 0 || !localtime_r(&time, &tm) ||
	    strftime(when, sizeof(when), ", %Y-%m-%d %H:%M:%S", &tm) == 0) {
		when[0] = '\0';
	}
	snprintf(ret_text, size, "powered off by its guest on %.*s%s",
		 at ? (int)(at - note) : (int)strlen(note), note, when);
	return true;
}

bool
cib_is_managed(const struct cib_node *cib, const struct cib_node *primitive)
{
	const char *managed = cib_meta(cib, primitive, "is-managed");
	const struct cib_node *config = cib_next(cib, NULL, "crm_config");

	return (!managed || cib_is_true(managed)) &&
	       !cib_is_true(cib_meta(cib, primitive, "maintenance")) &&
	       !cib_is_true(cib_nvpair(config, "maintenance-mode"));
}
