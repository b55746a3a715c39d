/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of the FaultDomain's parameters has no effect: a value that can't be
 * read, a name that there is not. By the table and the rules that vmha-fdmd
 * uses; its reader tells the first one, so each is left out in turn and the
 * rest is read again. Decides nothing.
 */
#include "policy.h"

#include <string.h>

#include "ha/fdmparams.h"
#include "ha/text.h"

#define BAD_MAX 32u /* parameters that are told */
#define PREFIX "parameter "
#define NEAR_MAX 3u /* characters of a name that are wrong at most */

struct left {
	const struct cib_node *resource, *template;
	const char *bad[BAD_MAX]; /* left out */
	uint32_t count;
};

static const struct ha_param *
find(const char *name, size_t len)
{
	for (const struct ha_param *p = HA_FDM_PARAMS; p->name; p++) {
		if (strlen(p->name) == len &&
		    strncmp(p->name, name, len) == 0) {
			return p;
		}
	}
	return NULL;
}

static const char *
get(void *closure, const char *name)
{
	const struct left *left = closure;

	for (uint32_t i = 0; i < left->count; i++) {
		if (strcmp(left->bad[i], name) == 0) {
			return NULL;
		}
	}
	return policy_value(left->resource, left->template, name);
}

static void
values(struct left *left, json_t *errors)
{
	struct ha_fdm_params params;
	struct ha_err err = HA_ERR_INIT;

	while (left->count < BAD_MAX &&
	       ha_fdm_params_lenient(get, left, &params, &err) < 0) {
		const char *name = err.text + strlen(PREFIX);
		const struct ha_param *p =
			strncmp(err.text, PREFIX, strlen(PREFIX)) == 0 ?
				find(name, strcspn(name, ":")) :
				NULL;

		(void)json_array_append_new(
			errors,
			json_sprintf("%s: %s; its default holds",
				     cib_get(left->resource, "id"), err.text));
		if (!p || !get(left, p->name)) {
			break;
		}
		left->bad[left->count++] = p->name;
	}
}

static const char *
closest(const char *name)
{
	const char *best = NULL;
	unsigned int least = NEAR_MAX + 1;

	for (const struct ha_param *p = HA_FDM_PARAMS; p->name; p++) {
		unsigned int far = ha_text_distance(name, p->name);

		if (far < least) {
			least = far;
			best = p->name;
		}
	}
	return best;
}

static void
names(const struct cib_node *of, json_t *errors)
{
	const struct cib_node *set = of ? of->first : NULL;

	for (; set; set = set->next) {
		const struct cib_node *pair =
			cib_is(set, "instance_attributes") ? set->first : NULL;

		for (; pair; pair = pair->next) {
			const char *name = cib_get(pair, "name");
			const char *guess = closest(name);

			if (!cib_is(pair, "nvpair") ||
			    find(name, strlen(name))) {
				continue;
			}
			(void)json_array_append_new(
				errors,
				json_sprintf("%s: there is no parameter %s, it "
					     "has no effect%s%s%s",
					     cib_get(of, "id"), name,
					     guess ? "; did you mean " : "",
					     guess ? guess : "",
					     guess ? "?" : ""));
		}
	}
}

void
policy_errors(const struct cib_node *cib, json_t *errors)
{
	struct left left = { .resource = policy_resource(cib) };
	const char *template = cib_get(left.resource, "template");

	if (!left.resource) {
		return;
	}
	left.template =
		*template ? cib_find(cib, "template", "id", template) : NULL;
	values(&left, errors);
	for (const struct cib_node *of = left.resource;
	     of && !cib_is(of, "resources"); of = of->parent) {
		names(of, errors);
	}
	names(left.template, errors);
}
