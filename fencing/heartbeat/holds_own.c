/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records of this host's own hold list: which of them is the one that is
 * meant, whether another host's says the same, and room for more. Every record
 * has one writer; nothing here touches another host's. Must never make room by
 * dropping what may still bind somebody. hb->lock held throughout.
 */
#include <errno.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "heartbeat/serve.h"

/* One record of a kind for each VM, or host, and incarnation. */
static bool
is_same(const struct ha_hold *a, const struct ha_hold *b)
{
	return a->kind == b->kind && a->owner == b->owner &&
	       a->owner_incarnation == b->owner_incarnation &&
	       (a->kind == HA_HOLD_CONFIRMED_DEAD || hbs_hold_is_same_vm(a, b));
}

struct ha_hold *
hbs_own_find(struct hb *hb, const struct ha_hold *vm)
{
	for (uint32_t i = 0; i < hb->hold_list.count; i++) {
		if (is_same(&hb->hold_list.holds[i], vm)) {
			return &hb->hold_list.holds[i];
		}
	}
	return NULL;
}

bool
hbs_own_stands_elsewhere(const struct hb *hb, const struct ha_hold *vm)
{
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		const struct ha_hold_list *list =
			slot == hb->self ? NULL : hbs_holds_of(hb, slot);

		if (!list || list->count == 0 ||
		    !hb_holds_are_flushed(hb, slot)) {
			continue;
		}
		for (uint32_t i = 0; i < list->count; i++) {
			const struct ha_hold *hold = &list->holds[i];

			if (is_same(hold, vm) &&
			    hold->owner_generation >= vm->owner_generation) {
				return true;
			}
		}
	}
	return false;
}

int
hbs_own_make_room(struct hbs *s, uint32_t more, struct ha_err *err)
{
	struct hb *hb = s->hb;

	if (hb->hold_list.count + more > hb->sb.vms) {
		(void)hbs_holds_drop(s, hb->hold_list.count, ha_clock_now_ms());
	}
	if (hb->hold_list.count + more <= hb->sb.vms) {
		return 0;
	}
	return ha_err_set(err, -ENOSPC,
			  "this host's hold list has room for %u and keeps %u: "
			  "vmha heartbeat create --vms gives it more room",
			  hb->sb.vms, hb->hold_list.count);
}
