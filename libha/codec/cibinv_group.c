/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Colocation constraints and groups as rules. A score of -INFINITY keeps
 * machines apart, +INFINITY together; any other score is a wish. Sets as
 * unpack_colocation_set() and colocate_rsc_sets() of Pacemaker read them: the
 * members of one set, unless it says sequential=false, and each set with the
 * one before.
 */
#include <stdlib.h>
#include <string.h>

#include "cibinv.h"

struct list {
	uint32_t *vm;
	uint32_t count;
};

struct bond {
	enum ha_inv_rule_type type;
	bool is_mandatory;
};

static void
list_add(struct ci *ci, struct list *list, struct ci_named named)
{
	for (uint32_t i = 0; i < named.count; i++) {
		uint32_t vm = named.first[i].vm;
		uint32_t at = 0;
		uint32_t *grown;

		while (at < list->count && list->vm[at] != vm) {
			at++;
		}
		if (at < list->count) {
			continue;
		}
		grown = ci_grow(ci, list->vm, &list->count, sizeof(*grown));
		if (!grown) {
			return;
		}
		list->vm = grown;
		grown[list->count - 1] = vm;
	}
}

static bool
bond_of(const char *text, struct bond *ret_bond)
{
	int score = 0;

	if (!ci_score(text, &score) || score == 0) {
		return false;
	}
	ret_bond->type = score < 0 ? HA_INV_SEPARATE : HA_INV_TOGETHER;
	ret_bond->is_mandatory = score == CI_INFINITY || score == -CI_INFINITY;
	return true;
}

/* Each of the one with each of the other, not among themselves. */
static void
pair_up(struct ci *ci, const struct bond *bond, const struct list *one,
	const struct list *other)
{
	for (uint32_t i = 0; i < one->count; i++) {
		for (uint32_t j = 0; j < other->count; j++) {
			uint32_t pair[] = { one->vm[i], other->vm[j] };

			if (pair[0] != pair[1]) {
				ci_rule(ci, bond->type, bond->is_mandatory,
					pair, 2);
			}
		}
	}
}

static const char *
role_of(const struct ci *ci, const void *at, const char *attr)
{
	const char *role = ci_text(ci, at, attr);

	return strcmp(role, "Started") == 0 || strcmp(role, "started") == 0 ?
		       "" :
		       role;
}

static void
take_pair(struct ci *ci, const void *constraint, const struct bond *bond)
{
	const char *id = ci_text(ci, constraint, "id");
	struct ci_named one = ci_named(ci, ci_text(ci, constraint, "rsc"));
	struct ci_named other =
		ci_named(ci, ci_text(ci, constraint, "with-rsc"));
	struct list left = { .count = 0 };
	struct list right = { .count = 0 };

	if (*role_of(ci, constraint, "rsc-role") ||
	    (one.count == 0 && other.count == 0)) {
		return;
	}
	if (one.count == 0 || other.count == 0) {
		/* The other one follows a VM wherever that goes. */
		if (one.count > 0 && bond->is_mandatory &&
		    !ci_is_clone(ci, ci_text(ci, constraint, "with-rsc"))) {
			ci_note(ci,
				"colocation %s: %s is no VM of vmha, and where "
				"it can run is not counted: give the VM a "
				"location constraint, if it is not everywhere",
				id, ci_text(ci, constraint, "with-rsc"));
		}
		return;
	}
	list_add(ci, &left, one);
	list_add(ci, &right, other);
	pair_up(ci, bond, &left, &right);
	free(left.vm);
	free(right.vm);
}

/* What of a set is colocated with another set: all members, or where they
 * stand in a row the one that is named. */
static struct list
end_of(struct ci *ci, const void *set, bool is_last)
{
	bool is_row = strcmp(ci_text(ci, set, "sequential"), "false") != 0;
	const void *ref = ci_first(ci, set, "resource_ref");
	struct list list = { .count = 0 };

	for (; ref; ref = ci_next(ci, ref, "resource_ref")) {
		if (is_row && is_last) {
			list.count = 0;
		}
		list_add(ci, &list, ci_named(ci, ci_text(ci, ref, "id")));
		if (is_row && !is_last) {
			break;
		}
	}
	return list;
}

static void
take_set(struct ci *ci, const void *set, const struct bond *bond)
{
	const void *ref = ci_first(ci, set, "resource_ref");
	struct list all = { .count = 0 };

	if (strcmp(ci_text(ci, set, "sequential"), "false") == 0) {
		return;
	}
	for (; ref; ref = ci_next(ci, ref, "resource_ref")) {
		list_add(ci, &all, ci_named(ci, ci_text(ci, ref, "id")));
	}
	/* Each of a set is apart from all before it, as in a pair the first is
	 * from the second (ha_prefer_part()). */
	for (uint32_t i = 0; bond->type == HA_INV_SEPARATE && i < all.count / 2;
	     i++) {
		uint32_t other = all.vm[all.count - 1 - i];

		all.vm[all.count - 1 - i] = all.vm[i];
		all.vm[i] = other;
	}
	ci_rule(ci, bond->type, bond->is_mandatory, all.vm, all.count);
	free(all.vm);
}

/* Where a VM must be beside something else, and that is not read. */
static void
note_others(struct ci *ci, const void *constraint)
{
	const void *set = ci_first(ci, constraint, "resource_set");
	bool has_vms = false;
	const char *other = NULL;

	for (; set; set = ci_next(ci, set, "resource_set")) {
		const void *ref = ci_first(ci, set, "resource_ref");

		for (; ref; ref = ci_next(ci, ref, "resource_ref")) {
			const char *id = ci_text(ci, ref, "id");
			bool is_vm = ci_named(ci, id).count > 0;

			has_vms = has_vms || is_vm;
			other = is_vm ? other : id;
		}
	}
	if (has_vms && other) {
		ci_note(ci,
			"colocation %s: %s is no VM of vmha, and in a set "
			"where it can run is not counted",
			ci_text(ci, constraint, "id"), other);
	}
}

static void
take_sets(struct ci *ci, const void *constraint, const struct bond *bond)
{
	const void *set = ci_first(ci, constraint, "resource_set");
	const void *before = NULL;

	for (; set && !ci->is_failed; set = ci_next(ci, set, "resource_set")) {
		const char *score = ci_text(ci, set, "score");
		struct bond own = *bond;

		if (*role_of(ci, set, "role")) {
			continue;
		}
		if (!*score || bond_of(score, &own)) {
			take_set(ci, set, &own);
		}
		if (before) {
			struct list left = end_of(ci, before, true);
			struct list right = end_of(ci, set, false);

			pair_up(ci, bond, &left, &right);
			free(left.vm);
			free(right.vm);
		}
		before = set;
	}
}

/* All of them, where any of its scores is finite. */
static void
wish_sets(struct ci *ci, const void *constraint, const struct bond *bond)
{
	const void *set = ci_first(ci, constraint, "resource_set");

	for (; set; set = ci_next(ci, set, "resource_set")) {
		const void *ref = ci_first(ci, set, "resource_ref");
		struct bond own = *bond;

		(void)bond_of(ci_text(ci, set, "score"), &own);
		for (; ref; ref = ci_next(ci, ref, "resource_ref")) {
			if (!own.is_mandatory || !bond->is_mandatory) {
				ci_wish_unknown(
					ci,
					ci_named(ci, ci_text(ci, ref, "id")));
			}
		}
	}
}

static void
take(struct ci *ci, const void *constraint)
{
	const char *score = ci_text(ci, constraint, "score");
	const char *by = ci_text(ci, constraint, "node-attribute");
	struct bond bond;

	/* Pacemaker 2.1 takes 0 where none is given, and 3.0 INFINITY in sets;
	 * crm shell and pcs always write one. */
	if (!bond_of(*score ? score : "INFINITY", &bond)) {
		return;
	}
	if (*by && strcmp(by, "#uname") != 0) {
		ci_note(ci,
			"colocation %s goes by the node attribute %s: counted "
			"as if it meant single hosts",
			ci_text(ci, constraint, "id"), by);
	}
	if (ci_first(ci, constraint, "resource_set")) {
		wish_sets(ci, constraint, &bond);
		take_sets(ci, constraint, &bond);
		if (bond.is_mandatory) {
			note_others(ci, constraint);
		}
	} else {
		if (!bond.is_mandatory) {
			ci_wish_unknown(ci, ci_named(ci, ci_text(ci, constraint,
								 "rsc")));
			ci_wish_unknown(ci, ci_named(ci, ci_text(ci, constraint,
								 "with-rsc")));
		}
		take_pair(ci, constraint, &bond);
	}
}

/* The members of a group run on one host. */
static void
take_groups(struct ci *ci, const void *parent)
{
	const struct bond together = { HA_INV_TOGETHER, true };
	const void *at = parent ? ci->tree->first(parent) : NULL;

	for (; at && !ci->is_failed; at = ci->tree->next(at)) {
		struct list all = { .count = 0 };

		if (ci_is(ci, at, "group")) {
			list_add(ci, &all, ci_named(ci, ci_text(ci, at, "id")));
			ci_rule(ci, together.type, together.is_mandatory,
				all.vm, all.count);
			free(all.vm);
		} else if (ci_is(ci, at, "clone") || ci_is(ci, at, "master")) {
			take_groups(ci, at);
		}
	}
}

void
ci_groups(struct ci *ci)
{
	const void *at =
		ci_first(ci, ci_first(ci, ci->configuration, "constraints"),
			 "rsc_colocation");

	take_groups(ci, ci->resources);
	for (; at && !ci->is_failed; at = ci_next(ci, at, "rsc_colocation")) {
		take(ci, at);
	}
}
