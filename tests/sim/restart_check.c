/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The invariants of order, retries, protection and election. Like check.c it
 * reads what is true:
 *  14. no VM is let go before those of higher priority are up, have failed or
 *      timed out, nor before what it depends on runs;
 *  15. never more attempts under way than allowed; none beyond the limit, none
 *      sooner after a failure than the schedule says, whoever is master;
 *  16. what people were told to be powered off does not come back by itself,
 *      not even when all power fails and an older configuration returns;
 *  17. a master that sits is not replaced; a new one is the best by the rule;
 *  18. in the end each VM runs, or its ticket says why not.
 */
#include <string.h>

#include "sim.h"

#define NO_ROOM_US 7000000
#define SITS_US 10000000
#define UNKEPT_US 60000000
#define HEARD_US 3000000
#define WHILE_US 20000000
#define STALE_US 2000000
#define KNOWN_US 10000000 /* by then its end is seen */
#define FRESH_US 5000000
#define CLOCK_PERCENT 95 /* of a time, by the fastest clock */

/* ---- what is noted ------------------------------------------------------------- */

/* A host that has just joined again has an old list, until its daemon writes a
 * new one: what that names counts as running on a member. */
static bool
is_stale(const struct world *w)
{
	return w->l.restarts.stale_us &&
	       w->now_us < w->l.restarts.stale_us + UNKEPT_US;
}

void
note_listed(struct world *w, uint32_t vm)
{
	const struct restart_truth *t = &w->l.restarts.truth[vm];

	if (t->down_us && w->now_us > t->down_us + STALE_US) {
		w->l.restarts.stale_us = w->now_us;
	}
}

void
note_runs(struct world *w, uint32_t host, uint32_t vm)
{
	struct restart_truth *t = &w->l.restarts.truth[vm];

	/* A start that was on its way when its user stopped it is stopped by
	 * Pacemaker as soon as its ticket is granted again, since it runs. */
	if (t->is_shown_off && !w->l.restarts.is_doubted && !is_stale(w) &&
	    t->sent_us >= t->stop_us) {
		check_fail(w,
			   "vm%u runs on h%u: it was powered off, and nobody "
			   "has started it since",
			   vm, host);
	}
	t->down_us = 0;
	t->run_us = w->now_us;
	t->fails = t->rounds = 0;
	t->by_user = false;
	t->last_host = host;
}

void
note_ends(struct world *w, uint32_t vm, bool is_power)
{
	struct restart_truth *t = &w->l.restarts.truth[vm];

	/* One that came up and went again is not waited for anew. */
	if (w->now_us >= t->run_us + WHILE_US) {
		t->began_us = w->now_us;
	}
	t->down_us = t->went_us = w->now_us;
	t->fails = t->rounds = 0;
	t->is_power = is_power;
}

void
note_failed(struct world *w, uint32_t vm)
{
	struct restart_truth *t = &w->l.restarts.truth[vm];

	t->fail_us = w->now_us;
	t->fails++;
}

/* Somebody may have it: what it does next is another incident. */
void
note_held(struct world *w, uint32_t vm)
{
	w->l.restarts.truth[vm].fails = w->l.restarts.truth[vm].rounds = 0;
}

/* By its user: attempts begin anew. */
void
note_role(struct world *w, uint32_t vm, bool is_started, bool has_ticket)
{
	struct restart_truth *t = &w->l.restarts.truth[vm];

	t->by_user = is_started;
	/* Nobody hears a word before there is a ticket again, nor one that is
	 * taken back between two looks. */
	t->is_stopped = !is_started ||
			(t->is_stopped &&
			 (!has_ticket || w->now_us < t->role_us + HEARD_US));
	t->role_us = w->now_us;
	t->stop_us = is_started ? t->stop_us : w->now_us;
	t->is_shown_off &= !is_started;
	t->fails = t->rounds = 0;
}

/* With the last host the tickets go, and the counts in them. */
void
note_power_off(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (w->host[i].l.pcmk.is_up) {
			return;
		}
	}
	w->l.restarts.colds++;
	for (i = 0; i < w->l.vms; i++) {
		w->l.restarts.truth[i].fails = 0;
		w->l.restarts.truth[i].rounds = 0;
	}
}

/* ---- order ------------------------------------------------------------------- */

/* One that is disabled goes last, if its user starts it. */
static uint8_t
level_of(const struct world *w, uint32_t vm)
{
	uint8_t priority = w->l.restarts.priority[vm];

	return priority == HA_RESTART_DISABLED ? HA_RESTART_LOWEST : priority;
}

static bool
is_reached(const struct world *w, uint64_t from_us, uint64_t wait_ms)
{
	uint64_t wait_us = wait_ms * US_PER_MS * CLOCK_PERCENT / 100;

	return w->now_us >= from_us + wait_us;
}

static bool
is_ready(const struct world *w, uint32_t vm)
{
	const struct restarts *r = &w->l.restarts;

	return !r->truth[vm].down_us && r->ready[vm] != HA_READY_GUEST &&
	       is_reached(w, r->truth[vm].run_us, r->post_ready_ms[vm]);
}

/* Nobody can wait for one that can't come. */
static bool
has_what_it_needs(const struct world *w, uint32_t vm)
{
	uint32_t i;

	for (i = 0; i < w->l.vms; i++) {
		if ((w->l.restarts.depends[vm] & 1u << i) && !is_ready(w, i)) {
			return false;
		}
	}
	return true;
}

/* No host is left where it could be tried, or nothing acts on its ticket. */
static bool
is_nowhere(const struct world *w, const struct cib *cib, uint32_t vm)
{
	bool is_acting = false;
	bool is_free = false;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (cib->node[i] == NODE_MEMBER) {
			is_free |= !(cib->banned[i] & 1u << vm);
			is_acting |= cib->record[i][vm] == RECORD_PENDING;
		}
	}
	return !is_acting &&
	       (!is_free ||
		(cib->ticket[vm].is_granted &&
		 w->now_us >= w->l.restarts.truth[vm].grant_us + NO_ROOM_US));
}

static bool
is_up_for(const struct world *w, const struct cib *cib, uint32_t vm)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (cib->node[i] == NODE_MEMBER &&
		    cib->record[i][vm] == RECORD_STARTED) {
			return true;
		}
	}
	return false;
}

/* Must others wait for it now, by what the manager itself has seen? */
static bool
is_awaited(struct world *w, uint32_t host, uint32_t vm)
{
	const struct restarts *r = &w->l.restarts;
	const struct restart_truth *t = &r->truth[vm];
	const struct cib *cib = &w->host[host].l.pcmk.cib;
	const struct ticket *ticket = &cib->ticket[vm];
	struct ha_ticket_host hosts[SIM_HOSTS];
	struct ha_ticket_verdict v;
	if (!(cib->wanted & 1u << vm) || t->by_user || t->is_shown_off ||
	    r->priority[vm] == HA_RESTART_DISABLED || t->rounds || t->fails ||
	    ticket->attempt > 1 || is_up_for(w, cib, vm) != !t->down_us ||
	    is_reached(w, t->began_us, r->rules.priority_timeout_ms)) {
		return false;
	}
	if (!t->down_us) {
		return ticket->attempt == 1 && t->grant_us > t->went_us &&
		       !is_ready(w, vm);
	}
	v = master_verdict(w, host, vm, NO_HOST, hosts);
	return v.is_granted && v.why != HA_TICKET_RUNS &&
	       (!ticket->state || strcmp(ticket->state, "off") != 0) &&
	       has_what_it_needs(w, vm) && !is_nowhere(w, cib, vm);
}

void
check_order(struct world *w, uint32_t host, uint32_t vm)
{
	const struct restarts *r = &w->l.restarts;
	uint32_t i;

	/* Not understood yet: docs/SIMULATOR.md. */
	if (w->now_us < r->ready_us[host] + FRESH_US) {
		return;
	}
	for (i = 0; i < w->l.vms && !is_stale(w); i++) {
		if (level_of(w, i) > level_of(w, vm) &&
		    is_awaited(w, host, i)) {
			check_fail(w,
				   "h%u lets vm%u (priority %s) go before vm%u "
				   "(%s), which is not ready and has neither "
				   "failed nor timed out",
				   host, vm,
				   ha_restart_priority_name(
					   (enum ha_restart_priority)
						   r->priority[vm]),
				   i,
				   ha_restart_priority_name(
					   (enum ha_restart_priority)
						   r->priority[i]));
		}
	}
}

void
check_depends(struct world *w, uint32_t host, uint32_t vm)
{
	const struct restarts *r = &w->l.restarts;
	struct ha_ticket_host hosts[SIM_HOSTS];
	uint32_t i;

	for (i = 0; i < w->l.vms && !is_stale(w); i++) {
		if ((r->depends[vm] & 1u << i) && r->truth[i].down_us &&
		    w->now_us > r->truth[i].down_us + KNOWN_US &&
		    !is_up_for(w, &w->host[host].l.pcmk.cib, i) &&
		    master_verdict(w, host, i, NO_HOST, hosts).why !=
			    HA_TICKET_RUNS) {
			check_fail(w,
				   "h%u lets vm%u go before vm%u, which it "
				   "depends on, runs",
				   host, vm, i);
		}
	}
}

/* Pacemaker goes to start it on a ticket that is granted since before its host
 * died: fence_vmha has asked nobody what must wait. */
void
check_start(struct world *w, uint32_t host, uint32_t vm)
{
	const struct restarts *r = &w->l.restarts;
	const struct restart_truth *t = &r->truth[vm];
	const struct cib *cib = &w->host[host].l.pcmk.cib;
	uint32_t i;

	/* With an attempt in its ticket a new master takes it for one that is
	 * being started. */
	if (cib->node[t->last_host] != NODE_FENCED || !t->is_power ||
	    cib->ticket[vm].attempt || !t->down_us ||
	    t->grant_us > t->went_us || !cib->ticket[vm].is_granted ||
	    t->fails || t->by_user ||
	    (r->unkept_us && w->now_us < r->unkept_us + UNKEPT_US)) {
		return;
	}
	for (i = 0; i < w->l.vms && !is_stale(w); i++) {
		if (level_of(w, i) > level_of(w, vm) && r->truth[i].is_power &&
		    r->truth[i].went_us == t->went_us &&
		    r->truth[i].last_host == t->last_host &&
		    is_awaited(w, host, i)) {
			check_fail(w,
				   "vm%u is started before vm%u of higher "
				   "priority, both of a host that died, and "
				   "nobody has kept it back",
				   vm, i);
		}
	}
}

/* ---- attempts ---------------------------------------------------------------- */

static void
check_retry(struct world *w, uint32_t host, uint32_t vm)
{
	const struct ha_restart_rules *rules = &w->l.restarts.rules;
	struct restart_truth *t = &w->l.restarts.truth[vm];
	size_t i;

	t->rounds++;
	w->l.restarts.retries++;
	i = t->rounds < rules->wait_count ? t->rounds : rules->wait_count - 1;
	if (is_stale(w)) {
		return;
	}
	if (!is_reached(w, t->fail_us, rules->waits_ms[i])) {
		check_fail(w,
			   "h%u lets vm%u go %llu ms after its failure %u, and "
			   "the schedule says %llu ms",
			   host, vm,
			   (unsigned long long)((w->now_us - t->fail_us) /
						US_PER_MS),
			   t->rounds, (unsigned long long)rules->waits_ms[i]);
	}
	if (t->rounds >= rules->attempts_max) {
		check_fail(w,
			   "h%u lets vm%u go for attempt %u, and %u are "
			   "allowed",
			   host, vm, t->rounds + 1, rules->attempts_max);
	}
}

void
check_attempt(struct world *w, uint32_t host, uint32_t vm,
	      const struct ticket *old, const struct ticket *want)
{
	struct restart_truth *t = &w->l.restarts.truth[vm];
	bool is_wanted = (w->host[host].l.pcmk.cib.wanted & 1u << vm) != 0;

	if (want->state && strcmp(want->state, "off") == 0) {
		t->is_shown_off |= !is_wanted;
	}
	/* Somebody has it: what it does next is another incident. Without a
	 * ticket, no Pacemaker was left that had one. */
	if (old->term == 0 || (old->state && strcmp(old->state, "off") == 0) ||
	    (want->state && strcmp(want->state, "held") == 0 &&
	     want->attempt == 0)) {
		t->fails = t->rounds = 0;
	}
	w->l.restarts.waits += !want->is_granted;
	/* The last list of a host that joins again says so, until it writes a
	 * new one. */
	t->is_shown_off &= !(want->is_granted && want->reason &&
			     strcmp(want->reason, "runs") == 0);
	if (!want->is_granted || !t->down_us ||
	    (old->is_granted && want->attempt <= old->attempt)) {
		return;
	}
	w->l.restarts.grants++;
	if (!old->is_granted && t->fails) {
		check_retry(w, host, vm);
	}
	t->fails = 0;
	t->grant_us = w->now_us;
	/* Without a master there, Pacemaker went ahead on the old ticket. */
	t->is_ahead = old->is_granted && t->sent_us > t->went_us;
}

void
check_bound(struct world *w, uint32_t host)
{
	const struct restarts *r = &w->l.restarts;
	const struct cib *cib = &w->host[host].l.pcmk.cib;
	uint32_t count = 0;
	uint32_t bound;
	uint32_t i;

	for (i = 0; i < w->l.vms; i++) {
		const struct restart_truth *t = &r->truth[i];

		count += cib->ticket[i].is_granted && cib->ticket[i].attempt &&
			 t->down_us && (cib->wanted & 1u << i) && !t->fails &&
			 !t->is_ahead && t->grant_us > t->went_us &&
			 w->now_us < t->grant_us + NO_ROOM_US;
	}
	bound = r->rules.concurrent_max * r->live[host];
	if (count > bound && !is_stale(w)) {
		check_fail(w,
			   "h%u has let %u VMs go that do not run yet, and "
			   "%u is the bound on %u hosts",
			   host, count, bound, r->live[host]);
	}
}

/* ---- election ---------------------------------------------------------------- */

void
check_promotion(struct world *w, const struct cib *cib, uint32_t best)
{
	uint32_t old = cib->promoted ? cib->promoted - 1u : NO_HOST;
	uint32_t score = cib->score[best];
	uint32_t stores = cib->stores[best];
	uint32_t i;

	if (old != NO_HOST && cib->node[old] == NODE_MEMBER &&
	    cib->score[old] && w->host[old].d.l.master.is_ready &&
	    w->l.restarts.ready_us[old] &&
	    w->now_us >= w->l.restarts.ready_us[old] + SITS_US) {
		check_fail(w,
			   "h%u is promoted, and h%u is master, lives and "
			   "stands",
			   best, old);
	}
	for (i = 0; i < w->hosts; i++) {
		if (i != best && cib->score[i] && score < HA_ELECTION_SITTING &&
		    (cib->stores[i] > stores ||
		     (cib->stores[i] == stores && i > best))) {
			check_fail(
				w,
				"h%u with %u datastores is promoted, and h%u "
				"with %u stands",
				best, stores, i, cib->stores[i]);
		}
	}
}

/* ---- the end ------------------------------------------------------------------- */

static bool
is_reason(const struct ticket *t, enum ha_restart_why why)
{
	return !t->is_granted && t->reason &&
	       strcmp(t->reason, ha_restart_why_name(why)) == 0;
}

/* It is wanted, and does not run: does its ticket say why, and is it so? */
void
check_restarted(struct world *w, uint32_t first, uint32_t vm)
{
	const struct restarts *r = &w->l.restarts;
	const struct ticket *t = &w->host[first].l.pcmk.cib.ticket[vm];
	const struct restart_truth *truth = &r->truth[vm];

	if (r->priority[vm] == HA_RESTART_DISABLED || truth->is_shown_off) {
		return;
	}
	/* The list was written, and the power failed before the ticket was. */
	if (truth->stop_us && t->reason &&
	    strcmp(t->reason, ha_protect_gate_name(HA_PROTECT_KEPT_OFF)) == 0) {
		return;
	}
	if (r->bad[vm] &&
	    (t->is_granted || is_reason(t, HA_RESTART_WAITS_RETRY) ||
	     is_reason(t, HA_RESTART_GIVEN_UP))) {
		return;
	}
	if (is_reason(t, HA_RESTART_GIVEN_UP) &&
	    t->attempt >= r->rules.attempts_max) {
		return;
	}
	if (is_reason(t, HA_RESTART_WAITS_DEPENDENCY) &&
	    !has_what_it_needs(w, vm)) {
		return;
	}
	check_fail(w,
		   "everything is well, and vm%u is down: ticket %s, %s, "
		   "attempt %u",
		   vm, t->state ? t->state : "-", t->reason ? t->reason : "-",
		   t->attempt);
}
