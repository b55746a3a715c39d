/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual machines of a CIB, wherever their primitives stand, with the names
 * that constraints may use for them, what they reserve, what their tickets
 * say, and where Pacemaker's history has them. In doubt a machine is on and
 * where something of it may be.
 */
#include <stdlib.h>
#include <string.h>

#include "cibinv.h"
#include "ha/capacity.h"

/* Pacemaker nests two deep: a clone of a group, a bundle of a primitive. */
#define HOLDERS_MAX 4u
#define TICKET_PREFIX "vmha-"
#define STATE_OFF "off"
#define REASON_REFUSED "waits-for-admission"

struct holders {
	const void *element[HOLDERS_MAX];
	size_t count;
};

static const void *
template_of(const struct ci *ci, const void *primitive)
{
	const char *name = ci_text(ci, primitive, "template");
	const void *at = *name ? ci_first(ci, ci->resources, "template") : NULL;

	while (at && strcmp(ci_text(ci, at, "id"), name) != 0) {
		at = ci_next(ci, at, "template");
	}
	return at;
}

static bool
is_vm(const struct ci *ci, const void *primitive, const void *template)
{
	const void *at = template ? template : primitive;

	return strcmp(ci_text(ci, at, "class"), "ocf") == 0 &&
	       strcmp(ci_text(ci, at, "provider"), "vmha") == 0 &&
	       strcmp(ci_text(ci, at, "type"), "VirtualMachine") == 0;
}

static const char *
either(const struct ci *ci, const void *primitive, const void *template,
       const char *set, const char *name)
{
	const char *value = ci_nv(ci, primitive, set, name);

	return value || !template ? value : ci_nv(ci, template, set, name);
}

static bool
is_wanted(const struct ci *ci, const void *primitive, const void *template,
	  const struct holders *in)
{
	const char *role = either(ci, primitive, template, "meta_attributes",
				  "target-role");

	for (size_t i = in->count; !role && i > 0; i--) {
		role = ci_nv(ci, in->element[i - 1], "meta_attributes",
			     "target-role");
	}
	if (!role) {
		role = ci_nv(ci,
			     ci_first(ci, ci->configuration, "rsc_defaults"),
			     "meta_attributes", "target-role");
	}
	return !ci->is_stopped && (!role || (strcmp(role, "Stopped") != 0 &&
					     strcmp(role, "stopped") != 0));
}

static enum ha_inv_priority
priority_of(const char *word)
{
	static const enum ha_inv_priority ALL[] = {
		HA_INV_PRIORITY_DISABLED, HA_INV_PRIORITY_LOWEST,
		HA_INV_PRIORITY_LOW,      HA_INV_PRIORITY_MEDIUM,
		HA_INV_PRIORITY_HIGH,     HA_INV_PRIORITY_HIGHEST,
	};

	for (size_t i = 0; word && i < sizeof(ALL) / sizeof(ALL[0]); i++) {
		if (strcmp(word, ha_cibinv_priority_name(ALL[i])) == 0) {
			return ALL[i];
		}
	}
	return HA_INV_PRIORITY_MEDIUM;
}

static struct ha_demand_value
utilization(struct ci *ci, const char *id, const void *primitive,
	    const void *template, const char *name)
{
	struct ha_demand_value value = { .is_there = false };
	const char *text = either(ci, primitive, template, "utilization", name);

	if (text) {
		value.is_there = ci_value(text, &value.value);
	}
	if (text && !value.is_there) {
		ci_note(ci,
			"%s: utilization %s=%s is no whole number from 0 to "
			"%d: not counted, and Pacemaker's scheduler can crash "
			"on it (2.1.5 does). Mend it: crm resource utilization "
			"%s set %s NUMBER",
			id, name, text, CI_VALUE_MAX, id, name);
	}
	return value;
}

static void
add_alias(struct ci *ci, const char *name, uint32_t vm)
{
	struct ci_alias *grown =
		ci_grow(ci, ci->aliases, &ci->n_aliases, sizeof(*grown));

	if (grown) {
		ci->aliases = grown;
		grown[ci->n_aliases - 1] = (struct ci_alias){ name, vm };
	}
}

/* The array, or a new one, with room for one more than there are. */
static void *
room_for(struct ci *ci, void *array, size_t size)
{
	uint32_t count = ci->n_vms;

	return ci_grow(ci, array, &count, size);
}

static bool
make_room(struct ci *ci)
{
	struct ha_inv_vm *vms = room_for(ci, ci->vms, sizeof(*vms));
	struct ha_cibinv_vm *facts;
	struct ci_vm *ci_vms;

	if (!vms) {
		return false;
	}
	ci->vms = vms;
	ci_vms = room_for(ci, ci->ci_vms, sizeof(*ci_vms));
	if (!ci_vms) {
		return false;
	}
	ci->ci_vms = ci_vms;
	facts = room_for(ci, ci->out->vms, sizeof(*facts));
	if (!facts) {
		return false;
	}
	ci->out->vms = facts;
	return true;
}

static void
add_vm(struct ci *ci, const void *primitive, const struct holders *in)
{
	const void *template = template_of(ci, primitive);
	const char *id = ci_text(ci, primitive, "id");
	uint32_t vm = ci->n_vms;

	if (!is_vm(ci, primitive, template) || !make_room(ci)) {
		return;
	}
	ci->vms[vm] = (struct ha_inv_vm){
		.name = id,
		.host = HA_INV_NONE,
		.priority = priority_of(either(ci, primitive, template,
					       "instance_attributes",
					       "restart_priority")),
	};
	ci->ci_vms[vm].is_wanted = is_wanted(ci, primitive, template, in);
	ci->out->vms[vm] = (struct ha_cibinv_vm){
		.config = either(ci, primitive, template, "instance_attributes",
				 "config"),
		.facts = { .cpu_mhz = utilization(ci, id, primitive, template,
						  HA_CAPACITY_CPU),
			   .memory_mb = utilization(ci, id, primitive, template,
						    HA_CAPACITY_MEMORY) },
		.is_nested = in->count > 0,
		.prefer = { .stickiness =
				    ci_stickiness(ci, primitive, template) },
		.plan = { .host = HA_INV_NONE },
	};
	ci_look_at_utilization(ci, primitive, template, &ci->out->vms[vm]);
	ci->n_vms++;
	add_alias(ci, id, vm);
	if (template) {
		add_alias(ci, ci_text(ci, template, "id"), vm);
	}
	for (size_t i = 0; i < in->count; i++) {
		add_alias(ci, ci_text(ci, in->element[i], "id"), vm);
	}
}

static void
walk(struct ci *ci, const void *parent, const struct holders *in)
{
	const void *at = parent ? ci->tree->first(parent) : NULL;

	for (; at && !ci->is_failed; at = ci->tree->next(at)) {
		struct holders below = *in;

		if (ci_is(ci, at, "primitive")) {
			add_vm(ci, at, in);
		} else if (in->count < HOLDERS_MAX &&
			   (ci_is(ci, at, "group") || ci_is(ci, at, "clone") ||
			    ci_is(ci, at, "master") ||
			    ci_is(ci, at, "bundle"))) {
			below.element[below.count++] = at;
			walk(ci, at, &below);
		}
	}
}

static int
compare(const void *a, const void *b)
{
	const struct ci_alias *one = a;
	const struct ci_alias *other = b;
	int order = strcmp(one->name, other->name);

	return order != 0 ? order :
			    (one->vm > other->vm) - (one->vm < other->vm);
}

struct ci_named
ci_named(const struct ci *ci, const char *name)
{
	struct ci_named found = { .first = NULL };
	uint32_t low = 0;
	uint32_t high = ci->n_sorted;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(ci->aliases[middle].name, name) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	while (low + found.count < ci->n_sorted &&
	       strcmp(ci->aliases[low + found.count].name, name) == 0) {
		found.count++;
	}
	found.first = found.count ? &ci->aliases[low] : NULL;
	return found;
}

static void
sort_aliases(struct ci *ci)
{
	if (ci->n_aliases > 0) {
		qsort(ci->aliases, ci->n_aliases, sizeof(*ci->aliases),
		      compare);
	}
	ci->n_sorted = ci->n_aliases;
}

/* A tag names resources, not tags. */
static void
add_tags(struct ci *ci)
{
	const void *tag =
		ci_first(ci, ci_first(ci, ci->configuration, "tags"), "tag");

	for (; tag && !ci->is_failed; tag = ci_next(ci, tag, "tag")) {
		const void *ref = ci_first(ci, tag, "obj_ref");

		for (; ref; ref = ci_next(ci, ref, "obj_ref")) {
			struct ci_named in =
				ci_named(ci, ci_text(ci, ref, "id"));
			/* Adding moves the array. */
			size_t first =
				in.count ? (size_t)(in.first - ci->aliases) : 0;

			for (uint32_t i = 0; i < in.count; i++) {
				add_alias(ci, ci_text(ci, tag, "id"),
					  ci->aliases[first + i].vm);
			}
		}
	}
}

static void
take_ticket(struct ci *ci, const void *ticket)
{
	const char *id = ci_text(ci, ticket, "id");
	bool is_granted = ci_is_true(ci_text(ci, ticket, "granted"));
	struct ci_named named;
	struct ha_cibinv_vm *vm;

	if (strncmp(id, TICKET_PREFIX, strlen(TICKET_PREFIX)) != 0) {
		return;
	}
	named = ci_named(ci, id + strlen(TICKET_PREFIX));
	if (named.count != 1) {
		return;
	}
	vm = &ci->out->vms[named.first->vm];
	ci->ci_vms[named.first->vm].is_kept_off =
		!is_granted &&
		(strcmp(ci_text(ci, ticket, "vmha-state"), STATE_OFF) == 0 ||
		 strcmp(ci_text(ci, ticket, "vmha-reason"), REASON_REFUSED) ==
			 0);
	vm->facts.admitted_cpu_mhz.is_there =
		ci_value(ci_text(ci, ticket, "vmha-cpu"),
			 &vm->facts.admitted_cpu_mhz.value);
	vm->facts.admitted_memory_mb.is_there =
		ci_value(ci_text(ci, ticket, "vmha-memory"),
			 &vm->facts.admitted_memory_mb.value);
}

void
ci_vms(struct ci *ci)
{
	const struct holders none = { .count = 0 };
	const void *ticket = ci_first(ci, ci_first(ci, ci->status, "tickets"),
				      "ticket_state");

	walk(ci, ci->resources, &none);
	sort_aliases(ci);
	add_tags(ci);
	sort_aliases(ci);
	for (; ticket && !ci->is_failed;
	     ticket = ci_next(ci, ticket, "ticket_state")) {
		take_ticket(ci, ticket);
	}
}
