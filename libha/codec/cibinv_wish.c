/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a CIB says of where its virtual machines would rather be: their
 * stickiness, finite location scores, and that there is more which can't be
 * weighed. Also the one location constraint of each that is vmha's own, which
 * is no wish of anybody's and counts for nothing else: an opt-in cluster must
 * not take it for a permission.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cibinv.h"

#define ESCAPED 5u /* "&#38;" */

/* As Pacemaker adds scores. */
static int
add(int a, int b)
{
	if (a <= -CI_INFINITY || b <= -CI_INFINITY) {
		return -CI_INFINITY;
	}
	if (a >= CI_INFINITY || b >= CI_INFINITY) {
		return CI_INFINITY;
	}
	return a + b > CI_INFINITY  ? CI_INFINITY :
	       a + b < -CI_INFINITY ? -CI_INFINITY :
				      a + b;
}

void
ci_wish(struct ci *ci, struct ci_named named, uint32_t host, int score)
{
	for (uint32_t i = 0; i < named.count && score != 0; i++) {
		struct ha_cibinv_vm *vm = &ci->out->vms[named.first[i].vm];

		if (!ci_make_scores(ci, vm)) {
			ci->is_failed = true;
			return;
		}
		vm->own_scores[host] = add(vm->own_scores[host], score);
	}
}

void
ci_wish_unknown(struct ci *ci, struct ci_named named)
{
	for (uint32_t i = 0; i < named.count; i++) {
		ci->out->vms[named.first[i].vm].prefer.has_wishes = true;
	}
}

void
ci_wish_unknown_all(struct ci *ci)
{
	for (uint32_t vm = 0; vm < ci->n_vms; vm++) {
		ci->out->vms[vm].prefer.has_wishes = true;
	}
}

/* Nearest first; Pacemaker's own default for what is no clone is 0. */
int
ci_stickiness(const struct ci *ci, const void *primitive, const void *template)
{
	static const char NAME[] = "resource-stickiness";
	const char *text = ci_nv(ci, primitive, "meta_attributes", NAME);
	int score = 0;

	if (!text && template) {
		text = ci_nv(ci, template, "meta_attributes", NAME);
	}
	if (!text) {
		text = ci_nv(ci,
			     ci_first(ci, ci->configuration, "rsc_defaults"),
			     "meta_attributes", NAME);
	}
	return text && ci_score(text, &score) ? score : 0;
}

bool
ci_is_plan(struct ci *ci, const void *constraint)
{
	const char *id = ci_text(ci, constraint, "id");
	const char *rsc = ci_text(ci, constraint, "rsc");
	struct ci_named named;
	struct ha_cibinv_vm *vm;

	if (strncmp(id, HA_CIBINV_PLAN, strlen(HA_CIBINV_PLAN)) != 0 ||
	    strcmp(id + strlen(HA_CIBINV_PLAN), rsc) != 0) {
		return false;
	}
	named = ci_named(ci, rsc);
	if (named.count == 1) {
		vm = &ci->out->vms[named.first->vm];
		vm->plan.is_there = true;
		vm->plan.host =
			ci_host_find(ci, ci_text(ci, constraint, "node"));
		if (!ci_score(ci_text(ci, constraint, "score"),
			      &vm->plan.score)) {
			vm->plan.score = 0;
		}
	}
	return true;
}

/* In an attribute's value. */
static void
escape(const char *text, char *buffer)
{
	for (; *text; text++) {
		if (strchr("&<>\"'", *text)) {
			buffer += snprintf(buffer, ESCAPED + 1, "&#%d;", *text);
		} else {
			*buffer++ = *text;
		}
	}
	*buffer = '\0';
}

char *
ha_cibinv_plan_xml(const char *resource, const char *host, int score)
{
	size_t room = ESCAPED * (strlen(resource) + strlen(host)) + 2;
	char *name = malloc(room);
	char *node = malloc(room);
	size_t size = 2 * room + sizeof(HA_CIBINV_PLAN) + 100;
	char *xml = malloc(size);

	if (name && node && xml) {
		escape(resource, name);
		escape(host, node);
		(void)snprintf(xml, size,
			       "<rsc_location id=\"" HA_CIBINV_PLAN
			       "%s\" rsc=\"%s\" node=\"%s\" score=\"%d\"/>",
			       name, name, node, score);
	} else {
		free(xml);
		xml = NULL;
	}
	free(name);
	free(node);
	return xml;
}
