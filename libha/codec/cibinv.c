/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A CIB as an inventory, from end to end. Reads what stands there, and leaves
 * a note for each thing that it can't count as Pacemaker does: nobody is to
 * trust a yes that rests on a constraint which was overlooked in silence.
 */
#include "cibinv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ha/text.h"

#define NOTES_MAX 100u
#define NOTE_BYTES 512u

void
ci_note(struct ci *ci, const char *fmt, ...)
{
	char text[NOTE_BYTES];
	char **grown;
	char *copy;
	va_list ap;

	if (ci->out->n_notes >= NOTES_MAX) {
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	copy = strdup(text);
	if (!copy) {
		ci->is_failed = true;
		return;
	}
	grown = ci_append(ci, ci->out->notes, &ci->out->n_notes, &copy,
			  sizeof(copy));
	if (!grown) {
		free(copy);
		return;
	}
	ci->out->notes = grown;
}

void
ci_rule(struct ci *ci, enum ha_inv_rule_type type, bool is_mandatory,
	const uint32_t *vms, uint32_t count)
{
	struct ha_inv_rule rule = { .type = type,
				    .n_vms = count,
				    .is_mandatory = is_mandatory };
	struct ha_inv_rule *grown;
	uint32_t *copy;

	if (count < 2) {
		return;
	}
	copy = reallocarray(NULL, count, sizeof(*copy));
	if (!copy) {
		ci->is_failed = true;
		return;
	}
	memcpy(copy, vms, count * sizeof(*copy));
	rule.vms = copy;
	grown = ci_append(ci, ci->rules, &ci->n_rules, &rule, sizeof(rule));
	if (!grown) {
		free(copy);
		return;
	}
	ci->rules = grown;
}

static void
properties(struct ci *ci)
{
	const void *config = ci_first(ci, ci->configuration, "crm_config");
	const char *symmetric =
		ci_nv(ci, config, "cluster_property_set", "symmetric-cluster");
	bool is = true;

	ci->is_optin = symmetric && ha_text_bool(symmetric, &is) == 0 && !is;
	ci->is_stopped = ci_is_true(ci_nv(ci, config, "cluster_property_set",
					  "stop-all-resources"));
}

static void
finish(struct ci *ci)
{
	struct ha_cibinv *out = ci->out;

	free(ci->places);
	free(ci->ci_vms);
	free(ci->ci_hosts);
	free(ci->aliases);
	out->own_vms = ci->vms;
	out->inv = (struct ha_inventory){
		.hosts = ci->hosts,
		.vms = ci->vms,
		.rules = ci->rules,
		.n_hosts = ci->n_hosts,
		.n_vms = ci->n_vms,
		.n_rules = ci->n_rules,
	};
}

int
ha_cibinv_read(const struct ha_cib_tree *tree, const void *cib,
	       struct ha_cibinv **ret_inv, struct ha_err *err)
{
	struct ci ci = { .tree = tree };

	if (!cib || !ci_is(&ci, cib, "cib")) {
		return ha_err_set(err, -EINVAL,
				  "this is no CIB: its outermost element is "
				  "<%.80s>, not <cib>",
				  cib ? tree->name(cib) : "");
	}
	ci.out = calloc(1, sizeof(*ci.out));
	if (!ci.out) {
		return ha_err_set(err, -ENOMEM, "no memory");
	}
	ci.configuration = ci_first(&ci, cib, "configuration");
	ci.status = ci_first(&ci, cib, "status");
	ci.resources = ci_first(&ci, ci.configuration, "resources");
	properties(&ci);
	ci_hosts(&ci);
	ci_vms(&ci);
	if (!ci.is_failed) {
		ci_history(&ci);
		ci_places(&ci);
		ci_groups(&ci);
	}
	finish(&ci);
	if (ci.is_failed) {
		ha_cibinv_free(ci.out);
		return ha_err_set(err, -ENOMEM, "no memory");
	}
	*ret_inv = ci.out;
	return 0;
}

/* The arrays were made here, as not const. */
static void
free_indices(const uint32_t *indices)
{
	free((void *)(uintptr_t)indices);
}

bool
ci_make_scores(const struct ci *ci, struct ha_cibinv_vm *vm)
{
	int *scores = vm->own_scores;

	if (!scores) {
		scores = calloc(ci->n_hosts + (size_t)1, sizeof(*scores));
		vm->own_scores = scores;
		vm->prefer.scores = scores;
	}
	return scores != NULL;
}

void
ha_cibinv_free(struct ha_cibinv *inv)
{
	if (!inv) {
		return;
	}
	for (uint32_t i = 0; i < inv->n_notes; i++) {
		free(inv->notes[i]);
	}
	for (uint32_t i = 0; i < inv->inv.n_vms; i++) {
		free_indices(inv->inv.vms[i].allowed);
		free(inv->vms[i].own_scores);
	}
	for (uint32_t i = 0; i < inv->inv.n_rules; i++) {
		free_indices(inv->inv.rules[i].vms);
	}
	free(inv->notes);
	free(inv->own_vms);
	free(inv->hosts);
	free(inv->vms);
	free((void *)(uintptr_t)inv->inv.hosts);
	free((void *)(uintptr_t)inv->inv.rules);
	free(inv);
}

void
ha_cibinv_set_demand(struct ha_cibinv *inv, uint32_t vm,
		     const struct ha_demand *demand)
{
	inv->vms[vm].demand = *demand;
	inv->own_vms[vm].cpu_mhz = demand->cpu_mhz;
	inv->own_vms[vm].memory_mb = demand->memory_mb;
	inv->own_vms[vm].overhead_mb = demand->overhead_mb;
}
