/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in the way of an announcement (SAFETY 12): the entries and holds of
 * all other hosts, by beats read after the own entry was flushed, become facts
 * for core/vmlock, and its verdict becomes a sentence. A VM list of a host that
 * is gone need not be readable; its hold list must be, since holds bind beyond
 * the death of who placed them. hb->lock held throughout.
 */
#include <string.h>

#include "heartbeat/serve.h"

#define MS_PER_S 1000.0

/* Its newest beat was read since then, and the list that it names is here.
 * hb->lock held. */
static bool
is_readable(const struct hb *hb, uint32_t slot, uint64_t since_ms)
{
	return hbs_is_beat_read(hb, slot, since_ms) &&
	       (hb->hosts[slot].beat.list_count == 0 ||
		hbs_is_list_read(hb, slot));
}

/* SAFETY 12: death is judged on what was read after the own flush. A host
 * that was silent until then may be back. hb->lock held. */
static bool
is_judged_since(const struct hb *hb, uint32_t slot, uint64_t since_ms)
{
	struct ha_watch_verdict verdict = hb_judge(hb, slot, 0);

	return verdict.proof != HA_PROOF_SILENT || verdict.until_ms >= since_ms;
}

/* In the name of the host, for an incarnation that is not proven gone (SAFETY
 * 12, 17): those before the newest are (1.4). hb->lock held. */
static bool
is_held(const struct hb *hb, const struct hbs_wait *wait, uint32_t slot,
	bool is_gone)
{
	uint64_t newest = hb_judge(hb, slot, 0).incarnation;
	uint64_t gone = is_gone || newest == 0 ? newest : newest - 1;

	return hbs_hold_find(hb, &wait->uuid, wait->resource, slot, gone);
}

/* By UUID or by resource: a domain that each host was told of without a UUID
 * has another one on each, and is one VM to Pacemaker all the same. Of several
 * one that binds. */
static bool
find_entry(const struct hb *hb, uint32_t slot, const struct hbs_wait *wait,
	   enum ha_listed_state *ret_state)
{
	const struct ha_vm_list *list = &hb->hosts[slot].list;
	enum ha_listed_state found = HA_LISTED_RELEASED;
	bool is_there = false;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct ha_listed_vm *vm = &list->vms[i];

		if ((memcmp(&vm->uuid, &wait->uuid, sizeof(vm->uuid)) == 0 ||
		     strcmp(vm->resource, wait->resource) == 0) &&
		    found == HA_LISTED_RELEASED) {
			/* SAFETY 26: also by a record that it has ended. */
			found = hbs_listed_state(hb, slot, vm);
			is_there = true;
		}
	}
	if (is_there) {
		*ret_state = found;
	}
	return is_there;
}

/* hb->lock held. `slots` tells whose facts they are. */
static size_t
gather(const struct hbs *s, const struct hbs_wait *wait, uint64_t now_ms,
       struct ha_vmlock_host *facts, uint32_t *slots)
{
	struct hb *hb = s->hb;
	struct ha_hostset out;
	size_t count = 0;

	hbs_out_of_the_way(s, &out);
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		struct ha_vmlock_host *fact = &facts[count];
		struct hb_host *host = &hb->hosts[slot];

		if (slot == hb->self || !hb->table.names[slot][0]) {
			continue;
		}
		*fact = (struct ha_vmlock_host){
			.name = hb->table.names[slot],
			.is_gone = is_judged_since(hb, slot, wait->since_ms) &&
				   hbs_host_is_gone(s, slot, &out, now_ms),
			.is_readable = is_readable(hb, slot, wait->since_ms),
		};
		fact->is_held = is_held(hb, wait, slot, fact->is_gone);
		fact->state = HA_LISTED_STARTING;
		fact->is_listed = fact->is_readable &&
				  host->beat.list_count > 0 &&
				  find_entry(hb, slot, wait, &fact->state);
		slots[count++] = slot;
	}
	return count;
}

static void
say_why(const struct hbs *s, struct hbs_wait *wait,
	const struct ha_vmlock_verdict *verdict,
	const struct ha_vmlock_host *host, uint32_t slot, uint64_t now_ms)
{
	const struct ha_timing *timing = &s->hb->sb.timing;
	uint64_t late_ms = 2 * (uint64_t)timing->beat_ms + timing->tolerance_ms;
	struct ha_watch_verdict watch = hb_judge(s->hb, slot, 0);
	double age_s = watch.since_ms == 0 || watch.since_ms > now_ms ?
			       0.0 :
			       (double)(now_ms - watch.since_ms) / MS_PER_S;

	switch (verdict->why) {
	case HA_VMLOCK_WHY_UNREADABLE:
		(void)ha_err_set(&wait->err, 0,
				 "the VM list of %s can't be read and %s is "
				 "not proven dead (%s, last beat %.1f s ago): "
				 "%s may run there",
				 host->name, host->name,
				 ha_proof_name(watch.proof), age_s,
				 wait->resource);
		break;
	case HA_VMLOCK_WHY_YIELD:
	case HA_VMLOCK_WHY_RIVAL:
		(void)ha_err_set(&wait->err, 0,
				 "%s is being started on %s at the same time",
				 wait->resource, host->name);
		break;
	case HA_VMLOCK_WHY_HELD:
		(void)ha_err_set(&wait->err, 0,
				 "%s is listed as %s on %s, which is %s (last "
				 "beat %.1f s ago)",
				 wait->resource,
				 ha_listed_state_name(host->state), host->name,
				 watch.proof == HA_PROOF_ALIVE &&
						 now_ms <= watch.since_ms +
								   late_ms ?
					 "alive" :
					 "not proven dead",
				 age_s);
		break;
	case HA_VMLOCK_WHY_HOLD:
		(void)ha_err_set(
			&wait->err, 0,
			"%s is held in the name of %s (incarnation "
			"%llu), which is not proven dead; it is %s, "
			"last beat %.1f s ago. It may run there: bring "
			"%s back, or switch it off and run vmha host "
			"confirm-dead %s",
			wait->resource, host->name,
			(unsigned long long)watch.incarnation,
			ha_proof_name(watch.proof), age_s, host->name,
			host->name);
		break;
	case HA_VMLOCK_WHY_FREE:
	case HA_VMLOCK_WHY_MIGRATION:
		break;
	}
}

/* What a lift says may stand in the list that is not here, and that a host
 * without storage has released its entry. */
static enum ha_vmlock_step
judge_unread(const struct hbs *s, struct hbs_wait *wait,
	     const struct ha_vmlock_verdict *verdict, uint64_t now_ms)
{
	const struct hb *hb = s->hb;
	uint32_t slot = hbs_holds_unread(s, 0, wait->since_ms, now_ms);
	const char *name;

	if (slot == HA_SLOT_NONE || (verdict->step != HA_VMLOCK_GRANT &&
				     verdict->why != HA_VMLOCK_WHY_HOLD &&
				     verdict->why != HA_VMLOCK_WHY_HELD)) {
		return verdict->step;
	}
	name = hb->table.names[slot];
	if (verdict->step == HA_VMLOCK_GRANT) {
		(void)ha_err_set(&wait->err, 0,
				 "the holds that %s has placed can't be read: "
				 "%s may be held for a host that is cut off. "
				 "Bring %s back, or, when it is gone for good, "
				 "run vmha host confirm-dead %s and vmha "
				 "heartbeat remove-host %s --force",
				 name, wait->resource, name, name, name);
	}
	return HA_VMLOCK_WAIT;
}

enum ha_vmlock_step
hbs_announce_judge(const struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	static struct ha_vmlock_host facts[HA_HOSTS_MAX];
	static uint32_t slots[HA_HOSTS_MAX];
	const struct hb *hb = s->hb;
	size_t count = gather(s, wait, now_ms, facts, slots);
	struct ha_vmlock_verdict verdict = ha_vmlock_judge(
		hb->table.names[hb->self], wait->state, facts, count);

	if (verdict.step != HA_VMLOCK_GRANT) {
		say_why(s, wait, &verdict, &facts[verdict.host],
			slots[verdict.host], now_ms);
	}
	return judge_unread(s, wait, &verdict, now_ms);
}
