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

void *
ci_grow(struct ci *ci, void *array, uint32_t *count, size_t size)
{
	uint32_t used = *count;
	void *grown = array;

	/* Full at each power of two. */
	if ((used & (used - 1)) == 0) {
		grown = reallocarray(array, used ? 2 * (size_t)used : 1, size);
	}
	if (!grown) {
		ci->is_failed = true;
		return NULL;
	}
	memset((char *)grown + used * size, 0, size);
	*count = used + 1;
	return grown;
}

void
ci_note(struct ci *ci, const char *fmt, ...)
{
	char text[NOTE_BYTES];
	char **grown;
	va_list ap;

	if (ci->out->n_notes >= NOTES_MAX) {
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	grown = ci_grow(ci, ci->out->notes, &ci->out->n_notes, sizeof(*grown));
	if (!grown) {
		return;
	}
	ci->out->notes = grown;
	grown[ci->out->n_notes - 1] = strdup(text);
	if (!grown[ci->out->n_notes - 1]) {
		ci->out->n_notes--;
		ci->is_failed = true;
	}
}

void
ci_rule(struct ci *ci, enum ha_inv_rule_type type, bool is_mandatory,
	const uint32_t *vms, uint32_t count)
{
	struct ha_inv_rule *grown;
	uint32_t *copy;

	if (count < 2) {
		return;
	}
	copy = reallocarray(NULL, count, sizeof(*copy));
	grown = copy ? ci_grow(ci, ci->rules, &ci->n_rules, sizeof(*grown)) :
		       NULL;
	if (!grown) {
		ci->is_failed = true;
		free(copy);
		return;
	}
	memcpy(copy, vms, count * sizeof(*copy));
	ci->rules = grown;
	grown[ci->n_rules - 1] = (struct ha_inv_rule){
		.type = type,
		.vms = copy,
		.n_vms = count,
		.is_mandatory = is_mandatory,
	};
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

	for (uint32_t i = 0; ci->ci_vms && i < ci->n_vms; i++) {
		free(ci->ci_vms[i].place);
	}
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
