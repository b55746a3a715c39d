/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Utilization that is no number. Pacemaker 2.1.5's scheduler crashes on a value
 * that does not begin with one (lib/pacemaker/pcmk_sched_utilization.c prints
 * an int as a string), on each coordinator in turn, as soon as such a resource
 * is to be placed. So nobody may power on a VM that has one. Mends nothing.
 */
#include <ctype.h>
#include <string.h>

#include "cibinv.h"
#include "ha/capacity.h"

/* strtoll() of Pacemaker's scan_ll() finds a digit. */
static bool
begins_with_number(const char *text)
{
	while (isspace((unsigned char)*text)) {
		text++;
	}
	text += *text == '+' || *text == '-';
	return isdigit((unsigned char)*text);
}

bool
ha_cibinv_is_utilization(const char *name, const char *value)
{
	uint64_t number = 0;

	if (strcmp(name, HA_CAPACITY_CPU) == 0 ||
	    strcmp(name, HA_CAPACITY_MEMORY) == 0) {
		return ci_value(value, &number);
	}
	return begins_with_number(value);
}

static bool
has_own(const struct ci *ci, const void *primitive, const char *name)
{
	return primitive && ci_nv(ci, primitive, "utilization", name);
}

static bool
look_at(const struct ci *ci, const void *of, const void *instead,
	struct ha_cibinv_vm *vm)
{
	const void *set = ci_first(ci, of, "utilization");

	for (; set; set = ci_next(ci, set, "utilization")) {
		const void *pair = ci_first(ci, set, "nvpair");

		for (; pair; pair = ci_next(ci, pair, "nvpair")) {
			const char *name = ci_text(ci, pair, "name");
			const char *value = ci->tree->attr(pair, "value");

			if (value && *name && !has_own(ci, instead, name) &&
			    !ha_cibinv_is_utilization(name, value)) {
				vm->bad_name = name;
				vm->bad_value = value;
				return true;
			}
		}
	}
	return false;
}

void
ci_look_at_utilization(const struct ci *ci, const void *primitive,
		       const void *template, struct ha_cibinv_vm *vm)
{
	if (!look_at(ci, primitive, NULL, vm) && template) {
		(void)look_at(ci, template, primitive, vm);
	}
}

bool
ha_cibinv_bad_text(const struct ha_cibinv *inv, uint32_t vm,
		   struct ha_err *ret_text)
{
	const struct ha_cibinv_vm *it = &inv->vms[vm];
	const char *name = inv->inv.vms[vm].name;

	if (!it->bad_name) {
		return false;
	}
	(void)ha_err_set(ret_text, 0,
			 "%.64s: its utilization %.40s=\"%.40s\" is no whole "
			 "number from 0 to %d, and Pacemaker's scheduler can "
			 "crash on it (2.1.5 does). Mend it: crm resource "
			 "utilization %.64s set %.40s NUMBER",
			 name, it->bad_name, it->bad_value, CI_VALUE_MAX, name,
			 it->bad_name);
	return true;
}
