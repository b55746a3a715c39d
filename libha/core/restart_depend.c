/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VM-to-VM dependencies: what becomes of a VM together with all that it
 * depends on, which cycle keeps VMs from ever starting, and which order can't
 * be kept (vSphere: a VM depends on equal or higher priorities only). One walk
 * in depth without recursion or memory of its own, each VM and each dependency
 * once. Must end whatever the indices say: cycles, unknown VMs, oneself.
 */
#include <errno.h>

#include "restart_facts.h"

enum mark {
	MARK_NEW,
	MARK_ON_PATH,
	MARK_DONE,
};

#define NOBODY SIZE_MAX

static void
clear(struct ha_restart_work *work, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		work[i] = (struct ha_restart_work){ .parent = NOBODY };
	}
}

/* ---- fates --------------------------------------------------------------- */

static enum ha__fate
own_fate(const struct ha_restart_vm *vm, const struct ha_restart_rules *rules,
	 uint64_t now_ms, bool *ret_is_deep)
{
	*ret_is_deep = false;
	switch (ha__restart_own(vm, rules, now_ms)) {
	case HA_RESTART_RUNS:
		return HA__FATE_COMING;
	case HA_RESTART_STARTING:
		return ha__restart_overdue_at(vm, rules, now_ms) > now_ms ?
			       HA__FATE_COMING :
			       HA__FATE_PAUSED;
	case HA_RESTART_MAY_START:
		*ret_is_deep = true;
		return HA__FATE_COMING;
	case HA_RESTART_WAITS_RETRY:
	case HA_RESTART_NO_ROOM:
		*ret_is_deep = true;
		return HA__FATE_PAUSED;
	case HA_RESTART_WAITS_PRIORITY:
	case HA_RESTART_WAITS_DEPENDENCY:
	case HA_RESTART_WAITS_SLOT:
	case HA_RESTART_GIVEN_UP:
	case HA_RESTART_IS_DISABLED:
	case HA_RESTART_NOT_WANTED:
	case HA_RESTART_WHY_N:
		break;
	}
	return HA__FATE_HOPELESS;
}

/* Enters a VM: its own fate, and whether what it depends on matters. */
static void
enter(const struct ha_restart_vm *vm, const struct ha_restart_rules *rules,
      uint64_t now_ms, struct ha_restart_work *work)
{
	bool is_deep;

	work->fate = (uint8_t)own_fate(vm, rules, now_ms, &is_deep);
	work->mark = MARK_ON_PATH;
	work->next = is_deep ? 0 : vm->depends_count;
}

static void
worsen(struct ha_restart_work *work, uint8_t fate)
{
	if (fate > work->fate) {
		work->fate = fate;
	}
}

void
ha__restart_fates(const struct ha_restart_vm *vms, size_t count,
		  const struct ha_restart_rules *rules, uint64_t now_ms,
		  struct ha_restart_work *work)
{
	clear(work, count);
	for (size_t root = 0; root < count; root++) {
		size_t at = root;

		if (work[root].mark != MARK_NEW) {
			continue;
		}
		enter(&vms[root], rules, now_ms, &work[root]);
		while (at != NOBODY) {
			const struct ha_restart_vm *vm = &vms[at];
			size_t needed;

			if (work[at].next >= vm->depends_count) {
				size_t parent = work[at].parent;

				work[at].mark = MARK_DONE;
				if (parent != NOBODY) {
					worsen(&work[parent], work[at].fate);
				}
				at = parent;
				continue;
			}
			needed = vm->depends_on[work[at].next++];
			if (needed >= count ||
			    work[needed].mark == MARK_ON_PATH) {
				worsen(&work[at], HA__FATE_HOPELESS);
			} else if (work[needed].mark == MARK_DONE) {
				worsen(&work[at], work[needed].fate);
			} else {
				work[needed].parent = at;
				enter(&vms[needed], rules, now_ms,
				      &work[needed]);
				at = needed;
			}
		}
	}
}

/* ---- what may be configured ---------------------------------------------- */

/* The cycle ends where `last` depends on `first`; the path leads back. */
static size_t
take_cycle(const struct ha_restart_work *work, size_t first, size_t last,
	   size_t *ret_cycle)
{
	size_t length = 1;
	size_t i;

	for (i = last; i != first; i = work[i].parent) {
		length++;
	}
	i = last;
	for (size_t place = length; place > 0; place--) {
		ret_cycle[place - 1] = i;
		i = work[i].parent;
	}
	return length;
}

size_t
ha_restart_cycle(const struct ha_restart_vm *vms, size_t count,
		 struct ha_restart_work *work, size_t *ret_cycle)
{
	clear(work, count);
	for (size_t root = 0; root < count; root++) {
		size_t at = work[root].mark == MARK_NEW ? root : NOBODY;

		while (at != NOBODY) {
			size_t needed;

			work[at].mark = MARK_ON_PATH;
			if (work[at].next >= vms[at].depends_count) {
				work[at].mark = MARK_DONE;
				at = work[at].parent;
				continue;
			}
			needed = vms[at].depends_on[work[at].next++];
			if (needed >= count || work[needed].mark == MARK_DONE) {
				continue;
			}
			if (work[needed].mark == MARK_ON_PATH) {
				return take_cycle(work, needed, at, ret_cycle);
			}
			work[needed].parent = at;
			at = needed;
		}
	}
	return 0;
}

static int
refuse_cycle(const struct ha_restart_vm *vms, const size_t *cycle,
	     size_t length, struct ha_err *err)
{
	ha_err_set(err, -ELOOP,
		   "%s: none of them could ever start; remove "
		   "one of these dependencies",
		   vms[cycle[0]].name);
	for (size_t i = length; i > 0; i--) {
		ha_err_prefix(err, -ELOOP, "%s -> ", vms[cycle[i - 1]].name);
	}
	return ha_err_prefix(err, -ELOOP,
			     "dependencies go round in a circle: ");
}

static int
check_dependency(const struct ha_restart_vm *vm,
		 const struct ha_restart_vm *needed, struct ha_err *err)
{
	if (vm->priority <= needed->priority) {
		return 0;
	}
	return ha_err_set(
		err, -EINVAL,
		"%s (restart priority %s) depends on %s (restart "
		"priority %s), which is %s; give %s at least the "
		"priority %s, or lower that of %s",
		vm->name, ha_restart_priority_name(vm->priority), needed->name,
		ha_restart_priority_name(needed->priority),
		needed->priority == HA_RESTART_DISABLED ? "never restarted" :
							  "restarted later",
		needed->name, ha_restart_priority_name(vm->priority), vm->name);
}

int
ha_restart_order_check(const struct ha_restart_vm *vms, size_t count,
		       struct ha_restart_work *work, size_t *cycle,
		       struct ha_err *err)
{
	size_t length;

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < vms[i].depends_count; j++) {
			if (vms[i].depends_on[j] >= count) {
				return ha_err_set(
					err, -ENOENT,
					"%s depends on a virtual machine that "
					"is not known; correct its depends_on",
					vms[i].name);
			}
		}
	}
	length = ha_restart_cycle(vms, count, work, cycle);
	if (length > 0) {
		return refuse_cycle(vms, cycle, length, err);
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < vms[i].depends_count; j++) {
			int rc = check_dependency(
				&vms[i], &vms[vms[i].depends_on[j]], err);

			if (rc < 0) {
				return rc;
			}
		}
	}
	return 0;
}
