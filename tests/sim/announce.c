/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM comes onto this host's list or leaves it, as the daemon does it (SAFETY
 * 12, 13): entry flushed, everybody's beats and lists read by reads submitted
 * after that, ha_vmlock_judge(), granted or taken back. Rules that are off are
 * off here, never in the core.
 */
#include <string.h>

#include "sim.h"

static const char *const names[SIM_HOSTS] = { "h0", "h1", "h2", "h3", "h4" };

static bool
is_wish(uint8_t entry)
{
	return entry == ENTRY(HA_LISTED_STARTING) ||
	       entry == ENTRY(HA_LISTED_INCOMING);
}

static bool
is_ready(struct world *w, uint32_t host, bool must_be_fresh)
{
	struct daemon *d = &w->host[host].d;
	uint64_t stamp_ms;

	if (d->phase != PHASE_ARMED || w->truth[host].runs != d->incarnation) {
		return false;
	}
	if (!must_be_fresh) {
		return true;
	}
	return (!d->l.seal.is_sealed || world_is_off(w, RULE_SEAL)) &&
	       ha_evidence_stamp(&d->evidence, &stamp_ms) &&
	       world_local_ms(w, host) <=
		       stamp_ms + w->timing.beat_ms + w->timing.tolerance_ms;
}

static void
answer(struct world *w, uint32_t host, uint32_t vm, bool is_ok)
{
	struct daemon *d = &w->host[host].d;

	d->l.announce[vm].step = ANN_NONE;
	agent_answer(w, host, vm, is_ok);
}

static void
grant(struct world *w, uint32_t host, uint32_t vm)
{
	struct daemon *d = &w->host[host].d;

	d->l.granted = (uint8_t)(d->l.granted | 1u << vm);
	STORY(w, host, "vm%u granted as %u", vm, d->l.announce[vm].wanted);
	check_entry(w, host, vm);
	check_ends(w, host, vm);
	if (d->l.announce[vm].must_judge) {
		check_not_held(w, host, vm, d->l.announce[vm].since_us);
	}
	answer(w, host, vm, true);
}

/* Facts stay: a process exists. */
static void
refuse(struct world *w, uint32_t host, uint32_t vm, const char *why)
{
	struct daemon *d = &w->host[host].d;
	struct announce *a = &d->l.announce[vm];

	STORY(w, host, "vm%u refused: %s", vm, why);
	w->l.refused++;
	if (!is_wish(a->wanted)) {
		answer(w, host, vm, false);
		return;
	}
	d->l.list[vm] = a->before           ? a->before :
			d->l.seal.is_sealed ? ENTRY(HA_LISTED_RELEASED) :
					      ENTRY_NONE;
	keep_changed(w, host);
	a->generation = d->list_generation;
	a->step = ANN_UNDOING;
}

bool
announce_put(struct world *w, uint32_t host, uint32_t vm, uint8_t entry,
	     uint64_t patience_ms)
{
	struct daemon *d = &w->host[host].d;
	struct announce *a = &d->l.announce[vm];
	bool is_known =
		d->l.list[vm] != ENTRY_NONE && (d->l.granted & 1u << vm) != 0;
	uint64_t now_ms = world_local_ms(w, host);

	if (a->step != ANN_NONE ||
	    !is_ready(w, host, !is_known || is_wish(entry))) {
		return false;
	}
	*a = (struct announce){
		.step = ANN_FLUSHING,
		.wanted = entry,
		.before = d->l.list[vm],
		.must_judge = !is_known || is_wish(entry),
		.give_up_ms = now_ms + patience_ms,
	};
	if (a->before == ENTRY(HA_LISTED_RELEASED) && is_wish(entry)) {
		a->before = ENTRY_NONE;
	}
	if (d->l.list[vm] != entry || a->must_judge) {
		d->l.list[vm] = entry;
		keep_changed(w, host);
	}
	a->generation = d->list_generation;
	return true;
}

bool
announce_withdraw(struct world *w, uint32_t host, uint32_t vm,
		  uint64_t patience_ms)
{
	struct daemon *d = &w->host[host].d;
	struct announce *a = &d->l.announce[vm];

	if (a->step != ANN_NONE || !is_ready(w, host, false)) {
		return false;
	}
	if (d->l.list[vm] != ENTRY_NONE && !d->l.seal.is_sealed) {
		d->l.list[vm] = ENTRY_NONE;
		keep_changed(w, host);
	} else if (d->l.list[vm] != ENTRY_NONE &&
		   d->l.list[vm] != ENTRY(HA_LISTED_RELEASED)) {
		d->l.list[vm] = ENTRY(HA_LISTED_RELEASED);
		keep_changed(w, host);
	}
	d->l.granted = (uint8_t)(d->l.granted & ~(1u << vm));
	*a = (struct announce){
		.step = ANN_WITHDRAWING,
		.generation = d->list_generation,
		.give_up_ms = world_local_ms(w, host) + patience_ms,
	};
	return true;
}

static bool
is_held(struct world *w, uint32_t host, uint32_t about,
	const struct ha_ticket_hold *holds, uint32_t count)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t i;

	for (i = 0; i < count && !world_is_off(w, RULE_HOLD_READ); i++) {
		if (holds[i].owner == about && holds[i].kind == HA_HOLD_OWNER &&
		    holds[i].owner_incarnation >=
			    d->newest[about].incarnation &&
		    !ha_hold_is_lifted(&holds[i], holds, count)) {
			return true;
		}
	}
	return false;
}

static void
gather(struct world *w, uint32_t host, uint32_t vm,
       struct ha_vmlock_host *facts, size_t *ret_count)
{
	struct daemon *d = &w->host[host].d;
	struct announce *a = &d->l.announce[vm];
	struct ha_ticket_hold holds[UNION_HOLDS];
	uint32_t count;
	bool is_complete = keep_union(w, host, a->since_ms, vm, holds, &count);
	uint32_t i;

	*ret_count = 0;
	for (i = 0; i < w->hosts; i++) {
		struct ha_vmlock_host *f = &facts[*ret_count];
		uint8_t entry = release_entry(w, host, i, d->lists[i].vms[vm],
					      holds, count);

		if (i == host) {
			continue;
		}
		*f = (struct ha_vmlock_host){
			.name = names[i],
			.is_gone = keep_is_gone(w, host, i, a->since_ms),
			.is_readable = keep_is_fresh(w, host, i, a->since_ms) &&
				       keep_has_list(w, host, i) &&
				       (is_complete ||
					world_is_off(w, RULE_HOLD_READ)),
			.is_held = is_held(w, host, i, holds, count),
		};
		f->is_listed = f->is_readable && entry != ENTRY_NONE;
		f->state =
			f->is_listed ? ENTRY_STATE(entry) : HA_LISTED_STARTING;
		if (world_is_off(w, RULE_PASS_ENTRY) && f->is_listed &&
		    f->state == HA_LISTED_STARTING && i < host) {
			f->is_listed = false;
		}
		(*ret_count)++;
	}
	if (is_complete && !world_is_off(w, RULE_HOLD_READ)) {
		check_holds(w, host, vm, holds, count, a->since_us);
	}
}

/* One pair of a migration is allowed; looked at one by one, every pair is. */
static struct ha_vmlock_verdict
judge_all(const struct world *w, uint32_t host, enum ha_listed_state wanted,
	  const struct ha_vmlock_host *facts, size_t count)
{
	struct ha_vmlock_verdict v;
	size_t i;

	if (!world_is_off(w, RULE_TWO_PAIRS)) {
		return ha_vmlock_judge(names[host], wanted, facts, count);
	}
	for (i = 0; i < count; i++) {
		v = ha_vmlock_judge(names[host], wanted, &facts[i], 1);
		if (v.step != HA_VMLOCK_GRANT) {
			v.host = i;
			return v;
		}
	}
	return (struct ha_vmlock_verdict){ HA_VMLOCK_GRANT, HA_VMLOCK_WHY_FREE,
					   0 };
}

/* SAFETY 19: a start on the word of an older master waits for the newer one's.
 * Only a start: an arrival was allowed when the VM was. */
static bool
is_ticket_current(struct world *w, uint32_t host, uint32_t vm)
{
	const struct daemon *d = &w->host[host].d;

	return d->l.announce[vm].wanted != ENTRY(HA_LISTED_STARTING) ||
	       !w->l.has_manager || world_is_off(w, RULE_TERM) ||
	       !master_is_there(w, host) ||
	       ha_ticket_term_is_current(
		       w->host[host].l.pcmk.cib.ticket[vm].term, d->l.term);
}

static void
judge(struct world *w, uint32_t host, uint32_t vm)
{
	struct daemon *d = &w->host[host].d;
	struct announce *a = &d->l.announce[vm];
	struct ha_vmlock_host facts[SIM_HOSTS];
	struct ha_vmlock_verdict v;
	size_t count;

	gather(w, host, vm, facts, &count);
	v = judge_all(w, host, ENTRY_STATE(a->wanted), facts, count);
	if (is_wish(a->wanted) && !is_ready(w, host, true)) {
		refuse(w, host, vm, "sealed, or not fresh");
		return;
	}
	if (v.step == HA_VMLOCK_GRANT && !is_ticket_current(w, host, vm)) {
		v.step = HA_VMLOCK_WAIT;
	}
	switch (v.step) {
	case HA_VMLOCK_GRANT:
		grant(w, host, vm);
		break;
	case HA_VMLOCK_REFUSE:
		refuse(w, host, vm, facts[v.host].name);
		break;
	case HA_VMLOCK_WAIT:
		if (world_local_ms(w, host) >= a->give_up_ms) {
			refuse(w, host, vm, "no longer waits");
		}
		break;
	}
}

static void
look_at(struct world *w, uint32_t host, uint32_t vm)
{
	struct daemon *d = &w->host[host].d;
	struct announce *a = &d->l.announce[vm];
	uint64_t now_ms = world_local_ms(w, host);
	bool is_flushed = ha_evidence_generation(&d->evidence) >= a->generation;
	uint64_t read_ms[HA_STORES_MAX] = { 0 };
	uint32_t s;

	switch ((enum announce_step)a->step) {
	case ANN_NONE:
		return;
	case ANN_UNDOING:
		if (is_flushed || now_ms >= a->give_up_ms) {
			answer(w, host, vm, false);
		}
		return;
	case ANN_WITHDRAWING:
		if (is_flushed || now_ms >= a->give_up_ms) {
			answer(w, host, vm, is_flushed);
			return;
		}
		release_tell(w, host, vm);
		return;
	case ANN_FLUSHING:
		if (is_flushed && !a->must_judge) {
			grant(w, host, vm);
			return;
		}
		if (is_flushed || world_is_off(w, RULE_READ_AFTER)) {
			a->step = ANN_READING;
			a->since_us = w->now_us;
			a->since_ms = world_is_off(w, RULE_READ_AFTER) ?
					      0 :
					      now_ms + 1;
		} else if (now_ms >= a->give_up_ms) {
			refuse(w, host, vm, "not flushed in time");
		}
		return;
	case ANN_READING:
		for (s = 0; s < w->stores; s++) {
			read_ms[s] = d->store[s].read_submitted_ms;
		}
		if (ha_watch_fresh(read_ms, w->stores, a->since_ms)) {
			judge(w, host, vm);
		} else if (now_ms >= a->give_up_ms) {
			refuse(w, host, vm, "not read in time");
		}
		return;
	}
}

void
announce_look(struct world *w, uint32_t host)
{
	uint32_t v;

	for (v = 0; v < w->l.vms; v++) {
		look_at(w, host, v);
	}
}
