/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The master: the fault domain manager on the DC's host (SAFETY section 5). It
 * takes a term, makes of lists and holds what each VM's ticket should be by
 * ha_ticket_judge(), writes what differs, places and lifts holds (disk first),
 * and tells sealed members whose list is settled to unseal. It asks for the
 * fencing of hosts that Pacemaker forgot.
 */
#include "sim.h"

#define LEASE_BEATS 3
#define TERM_DICE 17
#define WRITE_LOW_US 1000
#define WRITE_HIGH_US 200000

static bool
acts(struct world *w, uint32_t host)
{
	return w->l.restarts.is_on ? restart_acts(w, host) :
				     w->host[host].l.pcmk.dc == host;
}

static bool
may_be(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	struct daemon *d = &h->d;
	uint64_t now_ms = world_local_ms(w, host);
	uint64_t since_ms = now_ms > w->silence_ms ? now_ms - w->silence_ms : 0;
	uint64_t read_ms[HA_STORES_MAX] = { 0 };
	uint64_t stamp_ms = 0;
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		read_ms[s] = d->store[s].read_submitted_ms;
	}
	/* A side that lost a claim, or waits for one, is as one without quorum
	 * (SAFETY 11, 20): its master would lift what the other has placed. */
	if (d->l.seal.is_sealed && d->l.seal.why == HA_SEAL_CLAIM &&
	    !world_is_off(w, RULE_CLAIM_MASTER)) {
		return false;
	}
	return w->l.has_manager && h->l.pcmk.is_up && acts(w, host) &&
	       h->l.pcmk.join_seq == h->net_seq && d->phase == PHASE_ARMED &&
	       w->truth[host].runs == d->incarnation &&
	       d->ring.has_membership && d->ring.is_quorate &&
	       ha_evidence_stamp(&d->evidence, &stamp_ms) &&
	       stamp_ms >= since_ms &&
	       ha_watch_fresh(read_ms, w->stores, since_ms);
}

static void
step_down(struct world *w, uint32_t host)
{
	struct master *m = &w->host[host].d.l.master;

	m->begun_ms = 0;
	if (m->is_on) {
		m->is_on = m->is_ready = false;
		w->l.restarts.ready_us[host] = 0;
		STORY(w, host, "no longer master");
		store_kick(w, host);
	}
}

static void
take_term(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t term = d->l.term;
	uint32_t h;
	uint32_t i;

	for (h = 0; h < w->hosts; h++) {
		const struct holds *all =
			h == host ? &d->l.holds : &d->holds[h].list;

		for (i = 0; i < all->count; i++) {
			term = all->at[i].term > term ? all->at[i].term : term;
		}
	}
	d->l.term = (uint32_t)ha_term_next(term, keep_all_told(w, host),
					   w->epochs % TERM_DICE + 1);
	d->l.master.term = d->l.term;
	d->l.master.is_on = true;
	d->l.master.is_ready = false;
	d->l.master.flushed_ms = 0;
	d->l.master.written = d->l.master.last = 0;
	STORY(w, host, "master with term %u", d->l.term);
	store_kick(w, host);
}

/* Of two claims at a time one is read by the other. */
static bool
is_contested(const struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct claims *c = &d->newest[i].claims;

		if (i != host &&
		    (c->term > d->l.master.term ||
		     (c->is_master && c->term == d->l.master.term))) {
			return true;
		}
	}
	return false;
}

static bool
is_ready(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	struct master *m = &d->l.master;
	uint64_t read_ms[HA_STORES_MAX] = { 0 };
	uint32_t count = 0;
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		count += d->store[s].has_written &&
			 d->store[s].written.is_master &&
			 d->store[s].written.term == m->term;
	}
	if (m->is_ready || count < w->w) {
		return m->is_ready;
	}
	if (!m->flushed_ms) {
		m->flushed_ms = world_local_ms(w, host) + 1;
	}
	for (s = 0; s < w->stores; s++) {
		read_ms[s] = d->store[s].read_submitted_ms;
	}
	if (!ha_watch_fresh(read_ms, w->stores, m->flushed_ms)) {
		return false;
	}
	if (is_contested(w, host) && !world_is_off(w, RULE_TERM_READ)) {
		take_term(w, host);
		return false;
	}
	m->is_ready = true;
	w->l.restarts.ready_us[host] = w->now_us;
	check_term(w, host, m->term);
	return true;
}

static void
host_facts(struct world *w, uint32_t host, uint32_t about, uint32_t vm,
	   struct ha_ticket_host *ret)
{
	struct daemon *d = &w->host[host].d;
	bool is_own = about == host;
	uint8_t entry = is_own ? d->l.list[vm] : d->lists[about].vms[vm];
	struct ha_ticket_hold holds[UNION_HOLDS];
	uint32_t count = 0;

	if (!is_own) {
		(void)keep_union(w, host, 1, vm, holds, &count);
		entry = release_entry(w, host, about, entry, holds, count);
	}

	*ret = (struct ha_ticket_host){
		.slot = about,
		.incarnation =
			is_own ? d->incarnation : d->newest[about].incarnation,
		.generation = is_own ? d->list_generation :
				       d->newest[about].list_generation,
		.is_member = (d->members & 1u << about) != 0,
		.is_sealed = is_own ? d->l.seal.is_sealed :
				      d->newest[about].claims.is_sealed,
		.is_readable = is_own || keep_has_list(w, host, about),
	};
	ret->is_gone = !ret->is_member && keep_is_gone(w, host, about, 0);
	ret->is_listed = ret->is_readable && entry != ENTRY_NONE;
	ret->state = ret->is_listed ? ENTRY_STATE(entry) : HA_LISTED_STARTING;
}

/* When did anything that this master acts on change last? */
static void
note_news(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint64_t sum = d->l.hold_generation * UINT64_C(31) +
		       d->list_generation * UINT64_C(1009) + d->ring.ring_seq;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct block *b = &d->newest[i];

		sum = sum * UINT64_C(0x9e3779b97f4a7c15) +
		      b->incarnation * UINT64_C(257) + b->list_generation;
		sum = sum * UINT64_C(0x9e3779b97f4a7c15) +
		      b->hold_generation * UINT64_C(3) + b->claims.is_sealed;
	}
	if (sum != d->l.master.news) {
		d->l.master.news = sum;
		d->l.master.news_ms = world_local_ms(w, host);
	}
}

/* A corosync that stands still tells an old membership for ever, and its
 * master would lift what the others hold since: enough members must have
 * answered since it was read. */
static bool
may_act(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;

	return seal_may_act(w, host) &&
	       (world_is_off(w, RULE_MASTER_CONFIRM) ||
		seal_is_confirmed(w, host, d->l.master.news_ms));
}

/* A record of this master's about the VM; true: wait until it is flushed. */
static bool
mend_holds(struct world *w, uint32_t host, uint32_t vm,
	   const struct ha_ticket_verdict *v,
	   const struct ha_ticket_host *hosts,
	   const struct ha_ticket_hold *holds)
{
	struct daemon *d = &w->host[host].d;
	struct hold hold = { .vm = (uint8_t)vm, .term = d->l.term };

	if (v->wants_hold && !world_is_off(w, RULE_HOLD_DISK)) {
		hold.kind = HA_HOLD_OWNER;
		hold.owner = (uint8_t)hosts[v->host].slot;
		hold.owner_incarnation = (uint32_t)hosts[v->host].incarnation;
		hold.owner_generation = (uint32_t)hosts[v->host].generation;
		return keep_add_hold(w, host, &hold);
	}
	if (v->wants_lift && !may_act(w, host)) {
		return true;
	}
	if (v->wants_lift) {
		hold.kind = HA_HOLD_LIFTED;
		hold.owner = (uint8_t)holds[v->lift].owner;
		hold.owner_incarnation =
			(uint32_t)holds[v->lift].owner_incarnation;
		hold.owner_generation =
			(uint32_t)holds[v->lift].owner_generation;
		if (keep_add_hold(w, host, &hold)) {
			check_lift(w, host, &hold);
			return true;
		}
	}
	return false;
}

static bool
differs(struct world *w, uint32_t host, uint32_t vm, bool is_granted)
{
	const struct daemon *d = &w->host[host].d;
	const struct master *m = &d->l.master;
	const struct ticket *t = &w->host[host].l.pcmk.cib.ticket[vm];

	if (world_is_off(w, RULE_DERIVE) && (m->written & 1u << vm)) {
		return is_granted != ((m->last & 1u << vm) != 0);
	}
	return t->is_granted != is_granted || t->term != m->term;
}

/* For the checks: what was flushed before that was read. */
static uint64_t
read_us(const struct world *w, uint32_t host)
{
	uint64_t first_us = w->now_us;
	uint64_t since_us = 0;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (i == host) {
			continue;
		}
		if (!seen_since(w, &w->host[host].d, i, &since_us)) {
			return 0;
		}
		first_us = since_us < first_us ? since_us : first_us;
	}
	return first_us;
}

struct ha_ticket_verdict
master_verdict(struct world *w, uint32_t host, uint32_t vm, uint32_t gone,
	       struct ha_ticket_host *ret_hosts)
{
	struct ha_ticket_hold holds[UNION_HOLDS];
	uint32_t count;
	uint32_t i;

	(void)keep_union(w, host, 1, vm, holds, &count);
	for (i = 0; i < w->hosts; i++) {
		host_facts(w, host, i, vm, &ret_hosts[i]);
		if (i == gone) {
			ret_hosts[i].is_member = false;
			ret_hosts[i].is_gone = true;
		}
	}
	return ha_ticket_judge(ret_hosts, w->hosts, holds, count);
}

static void
derive_vm(struct world *w, uint32_t host, uint32_t vm)
{
	struct daemon *d = &w->host[host].d;
	struct master *m = &d->l.master;
	struct ha_ticket_host hosts[SIM_HOSTS];
	struct ha_ticket_hold holds[UNION_HOLDS];
	struct ha_ticket_verdict v;
	uint32_t count;
	bool is_complete = keep_union(w, host, 1, vm, holds, &count);
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		host_facts(w, host, i, vm, &hosts[i]);
		hosts[i].is_sealed |= world_is_off(w, RULE_ABSENCE);
	}
	if (is_complete) {
		check_holds(w, host, vm, holds, count, read_us(w, host));
	}
	v = ha_ticket_judge(hosts, w->hosts, holds, count);
	for (i = 0; i < w->hosts; i++) {
		host_facts(w, host, i, vm, &hosts[i]);
	}
	if (v.is_granted) {
		check_grant(w, host, vm, hosts, holds, count);
	}
	if (!is_complete && v.is_granted && v.why != HA_TICKET_RUNS) {
		return;
	}
	if ((is_complete && mend_holds(w, host, vm, &v, hosts, holds)) ||
	    ha_evidence_generation(&d->hold_evidence) < d->l.hold_generation) {
		return;
	}
	if (w->l.restarts.is_on ?
		    restart_wants(w, host, vm, is_complete, &v.is_granted) :
		    differs(w, host, vm, v.is_granted)) {
		m->touch = (uint8_t)(m->touch | 1u << vm);
		m->grant = (uint8_t)(v.is_granted ? m->grant | 1u << vm :
						    m->grant & ~(1u << vm));
		STORY(w, host, "vm%u: ticket to be %s: %s (h%u)", vm,
		      v.is_granted ? "granted" : "held",
		      ha_ticket_why_name(v.why), (unsigned)v.host);
	}
}

static void
derive(struct world *w, uint32_t host)
{
	struct master *m = &w->host[host].d.l.master;
	uint32_t vm;

	if (m->is_writing) {
		return;
	}
	m->touch = 0;
	w->l.restarts.live[host] =
		(uint32_t)__builtin_popcount(w->host[host].d.members);
	for (vm = 0; vm < w->l.vms; vm++) {
		derive_vm(w, host, vm);
	}
	if (m->touch) {
		m->is_writing = true;
		lock_push(w, EV_WRITE, host, 0, w->host[host].d.epoch,
			  draw_between(w, WRITE_LOW_US, WRITE_HIGH_US));
	}
}

/* The update reaches the CIB some time after it was decided. */
void
master_write(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	struct master *m = &h->d.l.master;
	struct cib *cib = cib_begin(w, host);
	uint32_t vm;
	uint32_t i;

	m->is_writing = false;
	if (!cib || !m->is_on || !acts(w, host) || !h->d.ring.is_quorate) {
		return;
	}
	for (vm = 0; vm < w->l.vms; vm++) {
		bool is_granted = (m->grant & 1u << vm) != 0;

		if (!(m->touch & 1u << vm)) {
			continue;
		}
		for (i = 0;
		     i < w->hosts && is_granted && !cib->ticket[vm].is_granted;
		     i++) {
			cib->banned[i] =
				(uint8_t)(cib->banned[i] & ~(1u << vm));
		}
		if (w->l.restarts.is_on) {
			restart_written(w, host, cib, vm);
		} else {
			cib->ticket[vm] = (struct ticket){
				.is_granted = is_granted,
				.term = m->term,
			};
		}
		m->last = (uint8_t)(is_granted ? m->last | 1u << vm :
						 m->last & ~(1u << vm));
	}
	if (w->l.restarts.is_on && (m->grant & m->touch)) {
		check_bound(w, host);
	}
	m->written |= m->touch;
	STORY(w, host, "CIB: tickets 0x%x of 0x%x granted, term %u", m->grant,
	      m->touch, m->term);
	cib_commit(w, host);
}

static uint32_t
holds_of(struct world *w, uint32_t host, uint32_t owner)
{
	struct ha_ticket_hold holds[UNION_HOLDS];
	uint32_t found = 0;
	uint32_t count;
	uint32_t vm;
	uint32_t i;

	for (vm = 0; vm < w->l.vms; vm++) {
		(void)keep_union(w, host, 1, vm, holds, &count);
		for (i = 0; i < count; i++) {
			found += holds[i].kind == HA_HOLD_OWNER &&
				 holds[i].owner == owner &&
				 !ha_hold_is_lifted(&holds[i], holds, count);
		}
	}
	return found;
}

static void
settle(struct world *w, uint32_t host, uint32_t about)
{
	struct daemon *d = &w->host[host].d;
	const struct cib *cib = &w->host[host].l.pcmk.cib;
	uint64_t now_ms = world_local_ms(w, host);
	struct ha_ticket_hold holds[UNION_HOLDS];
	struct ha_ticket_host fact;
	struct ha_settle_facts f = { .is_member = true };
	uint32_t count;
	uint32_t vm;

	host_facts(w, host, about, 0, &fact);
	f.is_sealed = fact.is_sealed;
	f.is_readable = fact.is_readable;
	if (!f.is_sealed ||
	    now_ms < d->l.unsealed_ms[about] + 2 * w->timing.beat_ms) {
		return;
	}
	f.are_holds_read = keep_union(w, host, 1, 0, holds, &count);
	f.effective_holds = holds_of(w, host, about);
	for (vm = 0; vm < w->l.vms; vm++) {
		host_facts(w, host, about, vm, &fact);
		f.unsettled_vms += fact.is_listed &&
				   fact.state != HA_LISTED_RELEASED &&
				   (!cib->ticket[vm].is_granted ||
				    cib->ticket[vm].term != d->l.master.term);
	}
	if (!ha_settle_judge(&f) || !may_act(w, host)) {
		return;
	}
	d->l.unsealed_ms[about] = now_ms;
	if (about == host) {
		seal_settle(w, host);
		return;
	}
	d->l.unseals[about].incarnation = d->newest[about].incarnation;
	d->l.unseals[about].nonce = d->newest[about].list_generation + 1;
	STORY(w, host, "tells h%u to unseal", about);
	store_kick(w, host);
}

/* A member is master with a higher term. */
static bool
is_outdone(const struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (i != host && (d->members & 1u << i) &&
		    d->newest[i].claims.is_master &&
		    d->newest[i].claims.ring_seq == d->ring.ring_seq &&
		    d->newest[i].claims.term > d->l.master.term) {
			return true;
		}
	}
	return false;
}

/* The terms of others as they are now, not as they were when it last read. */
static bool
has_looked(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint64_t read_ms[HA_STORES_MAX] = { 0 };
	uint32_t s;

	if (!d->l.master.begun_ms) {
		d->l.master.begun_ms = world_local_ms(w, host) + 1;
	}
	for (s = 0; s < w->stores; s++) {
		read_ms[s] = d->store[s].read_submitted_ms;
	}
	return ha_watch_fresh(read_ms, w->stores, d->l.master.begun_ms) ||
	       world_is_off(w, RULE_TERM_READ);
}

void
master_turn(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t i;

	if (!may_be(w, host) || (d->l.master.is_on && is_outdone(w, host))) {
		step_down(w, host);
		return;
	}
	d->l.master.wanted_ms = world_local_ms(w, host) +
				LEASE_BEATS * (uint64_t)w->timing.beat_ms;
	if (!d->l.master.is_on && !has_looked(w, host)) {
		return;
	}
	if (!d->l.master.is_on) {
		take_term(w, host);
	}
	/* Somebody else was as quick, with a higher one. */
	if (!d->l.master.is_ready && d->l.term > d->l.master.term) {
		take_term(w, host);
	}
	if (!is_ready(w, host)) {
		return;
	}
	note_news(w, host);
	derive(w, host);
	for (i = 0; i < w->hosts; i++) {
		if (d->members & 1u << i) {
			settle(w, host, i);
		}
	}
	lost_ask(w, host);
}
