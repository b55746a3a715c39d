/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual machines that must run beside a clone, as of a file system, run only
 * where an instance of it runs: on a host where it has failed or has not
 * started yet Pacemaker places none. This is how a CIB says that a host sees a
 * datastore.
 */
#include <stdlib.h>
#include <string.h>

#include "cibinv.h"

#define DEPTH_MAX 4u

/* Of one clone: a byte for each host. */
struct spread {
	const char *name;
	unsigned char *runs;
};

static const void *
find_clone(const struct ci *ci, const char *name)
{
	const void *at = ci->resources ? ci->tree->first(ci->resources) : NULL;

	for (; at; at = ci->tree->next(at)) {
		if ((ci_is(ci, at, "clone") || ci_is(ci, at, "master")) &&
		    strcmp(ci_text(ci, at, "id"), name) == 0) {
			return at;
		}
	}
	return NULL;
}

/* All primitives below it run there. */
static bool
runs_on(const struct ci *ci, const void *holder, uint32_t host,
	unsigned int depth)
{
	const void *at = ci->tree->first(holder);

	for (; at && depth < DEPTH_MAX; at = ci->tree->next(at)) {
		if (ci_is(ci, at, "primitive") &&
		    !ci_runs(ci, host, ci_text(ci, at, "id"))) {
			return false;
		}
		if (ci_is(ci, at, "group") &&
		    !runs_on(ci, at, host, depth + 1)) {
			return false;
		}
	}
	return true;
}

static bool
look(struct ci *ci, const char *name, struct spread *spread)
{
	const void *clone;

	if (spread->name && strcmp(spread->name, name) == 0) {
		return true;
	}
	clone = find_clone(ci, name);
	if (!clone) {
		return false;
	}
	spread->name = name;
	for (uint32_t host = 0; host < ci->n_hosts; host++) {
		spread->runs[host] = runs_on(ci, clone, host, 0);
	}
	return true;
}

static void
take(struct ci *ci, const void *constraint, struct spread *spread)
{
	const char *with = ci_text(ci, constraint, "with-rsc");
	struct ci_named vms = ci_named(ci, ci_text(ci, constraint, "rsc"));
	int score = 0;

	if (vms.count == 0 || ci_named(ci, with).count > 0 ||
	    !ci_score(ci_text(ci, constraint, "score"), &score) ||
	    abs(score) < CI_INFINITY || !look(ci, with, spread)) {
		return;
	}
	for (uint32_t host = 0; host < ci->n_hosts; host++) {
		if ((spread->runs[host] != 0) != (score > 0)) {
			ci_mark(ci, vms, host, -CI_INFINITY);
		}
	}
}

void
ci_clones(struct ci *ci)
{
	const void *at =
		ci_first(ci, ci_first(ci, ci->configuration, "constraints"),
			 "rsc_colocation");
	struct spread spread = { .runs = calloc(ci->n_hosts + (size_t)1, 1) };

	ci->is_failed = ci->is_failed || !spread.runs;
	for (; at && !ci->is_failed; at = ci_next(ci, at, "rsc_colocation")) {
		take(ci, at, &spread);
	}
	free(spread.runs);
}

bool
ci_is_clone(const struct ci *ci, const char *name)
{
	return find_clone(ci, name) != NULL;
}
