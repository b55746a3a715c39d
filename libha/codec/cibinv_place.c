/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Location constraints as hosts that a virtual machine may run on. -INFINITY
 * bans a host; in an opt-in cluster a host must be named. +INFINITY: where two
 * hosts or more have it, Pacemaker takes one of them whatever else is
 * preferred, as long as one is left: the others do not count. On one host
 * alone, which `crm resource move` writes, it keeps nobody off the others once
 * that host is gone, and so counts only while the machine is not there.
 */
#include <stdlib.h>
#include <string.h>

#include "cibinv.h"

static unsigned char *
place_of(const struct ci *ci, uint32_t vm)
{
	return ci->places + (size_t)vm * ci->n_hosts;
}

void
ci_mark(struct ci *ci, struct ci_named named, uint32_t host, int score)
{
	for (uint32_t i = 0; i < named.count; i++) {
		uint32_t vm = named.first[i].vm;
		unsigned char *place = place_of(ci, vm);
		unsigned char bits =
			score == -CI_INFINITY ? CI_BANNED :
			score == CI_INFINITY  ? CI_NAMED | CI_WANTED :
						CI_NAMED;

		place[host] = (unsigned char)(place[host] | bits);
		ci->ci_vms[vm].has_place = true;
	}
}

/* What can't be told keeps off, and helps nobody. */
static void
apply_rule(struct ci *ci, const void *constraint, const void *rule,
	   struct ci_named named)
{
	const char *id = ci_text(ci, constraint, "id");
	int score = 0;
	bool is_unsure = false;

	if (!ci_score(ci_text(ci, rule, "score"), &score)) {
		ci_note(ci,
			"location %s: its rule has no score of its own "
			"(score-attribute): not counted",
			id);
		ci_wish_unknown(ci, named);
		return;
	}
	for (uint32_t host = 0; host < ci->n_hosts; host++) {
		enum ci_truth truth = ci_rule_holds(ci, rule, host);

		is_unsure = is_unsure || truth == CI_UNKNOWN;
		if (truth == CI_YES ||
		    (truth == CI_UNKNOWN && score == -CI_INFINITY)) {
			ci_mark(ci, named, host, score);
			ci_wish(ci, named, host, score);
		}
	}
	if (is_unsure) {
		ci_wish_unknown(ci, named);
		ci_note(ci,
			"location %s: its rule depends on what can't be told "
			"here (dates, resource parameters): counted as if it "
			"kept VMs off",
			id);
	}
}

static void
apply(struct ci *ci, const void *constraint, struct ci_named named,
      const char *score_text)
{
	const void *rule = ci_first(ci, constraint, "rule");
	const char *node = ci_text(ci, constraint, "node");
	int score = 0;

	for (; rule; rule = ci_next(ci, rule, "rule")) {
		apply_rule(ci, constraint, rule, named);
	}
	if (*node) {
		uint32_t host = ci_host_find(ci, node);

		if (host != HA_INV_NONE && ci_score(score_text, &score)) {
			ci_mark(ci, named, host, score);
			ci_wish(ci, named, host, score);
		}
	}
}

/* Of a promoted or stopped instance, and VMs have none. */
static bool
is_of_roles(const char *role)
{
	return *role && strcmp(role, "Started") != 0 &&
	       strcmp(role, "started") != 0;
}

static void
take(struct ci *ci, const void *constraint)
{
	const char *score = ci_text(ci, constraint, "score");
	const void *set = ci_first(ci, constraint, "resource_set");

	if (is_of_roles(ci_text(ci, constraint, "role")) ||
	    ci_is_plan(ci, constraint)) {
		return;
	}
	if (ci_text(ci, constraint, "rsc-pattern")[0]) {
		ci_wish_unknown_all(ci);
		ci_note(ci,
			"location %s: rsc-pattern is not counted; name the "
			"resources, or use a resource set",
			ci_text(ci, constraint, "id"));
		return;
	}
	apply(ci, constraint, ci_named(ci, ci_text(ci, constraint, "rsc")),
	      score);
	for (; set; set = ci_next(ci, set, "resource_set")) {
		const void *ref = ci_first(ci, set, "resource_ref");
		const char *own = ci_text(ci, set, "score");

		for (; ref && !is_of_roles(ci_text(ci, set, "role"));
		     ref = ci_next(ci, ref, "resource_ref")) {
			apply(ci, constraint,
			      ci_named(ci, ci_text(ci, ref, "id")),
			      *own ? own : score);
		}
	}
}

/* Does +INFINITY bind it to the hosts that have it? */
static bool
is_bound(const struct ci *ci, uint32_t vm, const unsigned char *place)
{
	uint32_t count = 0;
	uint32_t last = HA_INV_NONE;

	for (uint32_t host = 0; host < ci->n_hosts; host++) {
		if ((place[host] & (CI_WANTED | CI_BANNED)) == CI_WANTED) {
			count++;
			last = host;
		}
	}
	return count > 1 || (count == 1 && ci->vms[vm].host != last &&
			     ci->hosts[last].state == HA_INV_ONLINE);
}

static void
settle(struct ci *ci, uint32_t vm)
{
	const unsigned char *place = place_of(ci, vm);
	uint32_t *allowed;
	uint32_t count = 0;
	bool binds;

	if (!ci->is_optin && !ci->ci_vms[vm].has_place) {
		return;
	}
	allowed = reallocarray(NULL, ci->n_hosts + (size_t)1, sizeof(*allowed));
	if (!allowed) {
		ci->is_failed = true;
		return;
	}
	binds = is_bound(ci, vm, place);
	for (uint32_t host = 0; host < ci->n_hosts; host++) {
		if (!(place[host] & CI_BANNED) &&
		    (!ci->is_optin || place[host] & CI_NAMED) &&
		    (!binds || place[host] & CI_WANTED)) {
			allowed[count++] = host;
		}
	}
	if (count == ci->n_hosts) {
		free(allowed);
		return;
	}
	ci->vms[vm].has_allowed = true;
	ci->vms[vm].allowed = allowed;
	ci->vms[vm].n_allowed = count;
}

void
ci_places(struct ci *ci)
{
	const void *at =
		ci_first(ci, ci_first(ci, ci->configuration, "constraints"),
			 "rsc_location");

	ci->places = calloc((size_t)ci->n_vms * ci->n_hosts + 1, 1);
	ci->is_failed = ci->is_failed || !ci->places;
	for (; at && !ci->is_failed; at = ci_next(ci, at, "rsc_location")) {
		take(ci, at);
	}
	if (!ci->is_failed) {
		ci_clones(ci);
	}
	for (uint32_t vm = 0; vm < ci->n_vms && !ci->is_failed; vm++) {
		settle(ci, vm);
	}
}
