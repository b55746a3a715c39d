/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where Pacemaker's history has the virtual machines. What runs says more
 * than what is under way, that more than what failed, and a member more than
 * a host that is gone. A probe that nobody has answered says nothing.
 */
#include <string.h>

#include "cibinv.h"
#include "ha/text.h"

/* enum ocf_exitcode and pcmk_exec_status of Pacemaker */
#define RC_OK 0
#define RC_NOT_INSTALLED 5
#define RC_NOT_RUNNING 7
#define RC_PROMOTED 8
#define RC_DEGRADED 190
#define RC_NONE (-1)
#define STATUS_PENDING (-1)
#define STATUS_CANCELLED 1

enum where {
	NOWHERE,
	FAILED, /* it may run there or not */
	BUSY,
	RUNNING,
	WHERE_N
};

static int64_t
number(const struct ci *ci, const void *op, const char *attr, int64_t def)
{
	int64_t value = def;

	(void)ha_text_int64(ci_text(ci, op, attr), &value);
	return value;
}

static bool
is_probe(const struct ci *ci, const void *op)
{
	return strcmp(ci_text(ci, op, "operation"), "monitor") == 0 &&
	       number(ci, op, "interval", 0) == 0;
}

static enum where
where_of(const struct ci *ci, const void *op)
{
	const char *name = ci_text(ci, op, "operation");
	int64_t rc = number(ci, op, "rc-code", RC_NONE);

	if (strcmp(name, "stop") == 0) {
		return rc == RC_OK ? NOWHERE : FAILED;
	}
	if (strcmp(name, "migrate_to") == 0) {
		/* It has left; the stop that ends it here follows. */
		return rc == RC_OK ? BUSY : FAILED;
	}
	if (rc == RC_OK || rc == RC_PROMOTED || rc == RC_DEGRADED) {
		return RUNNING;
	}
	if (is_probe(ci, op) &&
	    (rc == RC_NOT_RUNNING || rc == RC_NOT_INSTALLED)) {
		return NOWHERE;
	}
	return FAILED;
}

static bool
tells(const struct ci *ci, const void *op)
{
	static const char *const NAMES[] = { "start", "stop", "monitor",
					     "migrate_to", "migrate_from" };
	int64_t status = number(ci, op, "op-status", STATUS_PENDING);

	if (status == STATUS_CANCELLED ||
	    (status == STATUS_PENDING && is_probe(ci, op))) {
		return false;
	}
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		if (strcmp(ci_text(ci, op, "operation"), NAMES[i]) == 0) {
			return true;
		}
	}
	return false;
}

static enum where
past_of(const struct ci *ci, const void *resource)
{
	const void *op = ci_first(ci, resource, "lrm_rsc_op");
	enum where where = NOWHERE;
	int64_t newest = -1;

	for (; op; op = ci_next(ci, op, "lrm_rsc_op")) {
		int64_t call = number(ci, op, "call-id", -1);

		if (!tells(ci, op)) {
			continue;
		}
		if (number(ci, op, "op-status", STATUS_PENDING) ==
		    STATUS_PENDING) {
			/* A stop that has only begun: it runs. */
			return BUSY;
		}
		if (call >= newest) {
			newest = call;
			where = where_of(ci, op);
		}
	}
	return where;
}

static void
take_past(struct ci *ci, uint32_t host, const void *resource)
{
	struct ci_named named = ci_named(ci, ci_text(ci, resource, "id"));
	enum ha_inv_state state = ci->hosts[host].state;
	bool is_gone = state == HA_INV_OFFLINE || state == HA_INV_ERROR;
	enum where where;
	int rank;

	if (named.count != 1) {
		return;
	}
	where = past_of(ci, resource);
	/* Pacemaker keeps the history of a host that was shut down; nothing
	 * runs on it. */
	if (where == NOWHERE || state == HA_INV_OFFLINE) {
		return;
	}
	rank = (int)where + (is_gone ? 0 : (int)WHERE_N);
	if (rank > ci->ci_vms[named.first->vm].rank) {
		ci->ci_vms[named.first->vm].rank = rank;
		ci->vms[named.first->vm].host = host;
	}
}

/* An instance of a unique clone is RESOURCE:N. */
static bool
is_of(const char *id, const char *resource)
{
	size_t len = strlen(resource);

	return strncmp(id, resource, len) == 0 &&
	       (id[len] == '\0' || id[len] == ':');
}

static const void *
first_past(const struct ci *ci, uint32_t host)
{
	const void *lrm = ci_first(ci, ci->ci_hosts[host].state, "lrm");

	return ci_first(ci, ci_first(ci, lrm, "lrm_resources"), "lrm_resource");
}

bool
ci_runs(const struct ci *ci, uint32_t host, const char *resource)
{
	const void *at = first_past(ci, host);

	for (; at; at = ci_next(ci, at, "lrm_resource")) {
		if (is_of(ci_text(ci, at, "id"), resource) &&
		    past_of(ci, at) == RUNNING) {
			return true;
		}
	}
	return false;
}

static void
settle(struct ci *ci, uint32_t vm)
{
	struct ha_cibinv_vm *facts = &ci->out->vms[vm];
	struct ha_inv_vm *one = &ci->vms[vm];

	one->is_on = one->host != HA_INV_NONE ||
		     (ci->ci_vms[vm].is_wanted && !ci->ci_vms[vm].is_kept_off);
	/* What was admitted once binds nobody to a machine that is off. */
	if (!one->is_on) {
		facts->facts.admitted_cpu_mhz.is_there = false;
		facts->facts.admitted_memory_mb.is_there = false;
	}
}

void
ci_history(struct ci *ci)
{
	for (uint32_t host = 0; host < ci->n_hosts; host++) {
		const void *resource = first_past(ci, host);

		for (; resource;
		     resource = ci_next(ci, resource, "lrm_resource")) {
			take_past(ci, host, resource);
		}
	}
	for (uint32_t vm = 0; vm < ci->n_vms; vm++) {
		settle(ci, vm);
	}
}
