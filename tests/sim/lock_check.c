/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The invariants of the lock. Like check.c it reads what is true:
 *   6. no VM runs on two hosts, nor on one while a start on another that was
 *      granted may still let it run;
 *   7. success for a host that lives: it is sealed and no member, all that its
 *      list holds is held on disk, and it takes nothing more onto its list
 *      until it has unsealed beside those who fenced it;
 *   8. no ticket is granted past what the master itself has read;
 *   9. a hold that was flushed is in force for whoever reads all hold lists,
 *      until a master lifts it or its owner is dead; a lift ends no hold of a
 *      living host that has the VM and is out of reach;
 *  10. no two hosts are master with the same term;
 *  11. in the end nothing stays down, sealed or held;
 *  13. what a host tells through the ring to have ended there, has;
 *  19. nobody says success for a host that has long been with some of those
 *      whom he counts on;
 *  20. no VM is in the hands of more than two hosts.
 */
#include "sim.h"

void
check_vm(struct world *w, uint32_t vm)
{
	uint32_t first = NO_HOST;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct vm_here *v = &w->host[i].l.vm[vm];
		bool may_run =
			v->qemu == QEMU_RUNNING ||
			(v->task == TASK_START && v->stage == STAGE_CREATING);

		if (may_run && first != NO_HOST) {
			check_fail(
				w,
				"vm%u runs, or may run at any moment, on h%u "
				"and on h%u",
				vm, first, i);
		}
		first = may_run ? i : first;
	}
}

static bool
is_served(const struct world *w, uint32_t host)
{
	return w->host[host].is_on && w->host[host].d.phase == PHASE_ARMED &&
	       w->truth[host].runs == w->host[host].d.incarnation;
}

/* Those who fenced it alive, as they were then, and have not lost a claim
 * since: who has, stays sealed, and the higher side goes on over it (SAFETY
 * 11). */
static bool
is_relied_on(const struct world *w, uint32_t host)
{
	const struct lock_host *l = &w->host[host].l;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (i != host && (l->held_by & 1u << i) && is_served(w, i) &&
		    w->truth[i].runs == l->held_runs[i] &&
		    w->host[i].d.l.seal.winner == HA_SLOT_NONE) {
			return true;
		}
	}
	return false;
}

void
check_entry(struct world *w, uint32_t host, uint32_t vm)
{
	const struct host *h = &w->host[host];
	const struct announce *a = &h->d.l.announce[vm];
	bool is_start = a->wanted == ENTRY(HA_LISTED_STARTING);

	if (!is_start && a->wanted != ENTRY(HA_LISTED_INCOMING)) {
		return;
	}
	if (h->l.is_held && is_relied_on(w, host)) {
		check_fail(w,
			   "h%u takes vm%u onto its list, and was fenced alive "
			   "by hosts 0x%x that rely on it as it was",
			   host, vm, h->l.held_by);
	}
	/* A ticket without a term is not of vmha's making. */
	if (is_start && w->l.has_manager && h->l.pcmk.cib.ticket[vm].term &&
	    h->d.l.term > h->l.pcmk.cib.ticket[vm].term &&
	    master_is_there(w, host)) {
		check_fail(w,
			   "h%u starts vm%u on a ticket of term %u, past the "
			   "master of term %u",
			   host, vm, h->l.pcmk.cib.ticket[vm].term,
			   h->d.l.term);
	}
}

/* SAFETY 13: a migration has two ends, and a stop asks one other host what has
 * become of the guest: with a third one it would never hear of it. */
void
check_ends(struct world *w, uint32_t host, uint32_t vm)
{
	uint8_t ends = 0;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct daemon *d = &w->host[i].d;
		uint8_t entry = d->l.list[vm];

		if (is_served(w, i) && (d->l.granted & 1u << vm) &&
		    entry != ENTRY_NONE && entry != ENTRY(HA_LISTED_RELEASED)) {
			ends = (uint8_t)(ends | 1u << i);
		}
	}
	if (__builtin_popcount(ends) > 2) {
		check_fail(w,
			   "h%u takes vm%u onto its list, and hosts 0x%x have "
			   "it: a migration has two ends",
			   host, vm, ends);
	}
}

/* SAFETY 26: nobody passes an entry on a word that is not so. */
void
check_told(struct world *w, uint32_t host, uint32_t vm)
{
	const struct vm_here *v = &w->host[host].l.vm[vm];

	if (v->qemu == QEMU_RUNNING || v->request ||
	    (v->task == TASK_START && v->stage == STAGE_CREATING)) {
		check_fail(w,
			   "h%u tells that vm%u has ended there, and it runs, "
			   "or may run at any moment",
			   host, vm);
	}
}

/* Has this hold been flushed, and not been lifted? */
static bool
is_held_on_disk(const struct world *w, uint32_t vm, uint32_t owner,
		uint32_t incarnation)
{
	uint32_t first = w->l.hold_count > LOCK_TRUTHS ?
				 w->l.hold_count - LOCK_TRUTHS :
				 0;
	uint32_t i;

	for (i = first; i < w->l.hold_count; i++) {
		const struct hold_truth *t = &w->l.holds[i % LOCK_TRUTHS];

		if (t->hold.vm == vm && t->hold.owner == owner &&
		    t->hold.owner_incarnation == incarnation && !t->is_lifted) {
			return true;
		}
	}
	return false;
}

/* Those with whom it is in one membership, not those that a corosync which
 * stands still goes on telling. */
static uint8_t
members_now(const struct world *w, uint32_t host)
{
	uint8_t members = 0;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if ((w->host[host].net_members & 1u << i) &&
		    w->host[i].net_seq == w->host[host].net_seq) {
			members = (uint8_t)(members | 1u << i);
		}
	}
	return members;
}

static uint32_t
votes_of(const struct world *w, uint8_t hosts)
{
	uint32_t votes = 0;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		votes += hosts & 1u << i ? w->votes[i] : 0;
	}
	return votes;
}

/* SAFETY 1.6: whoever counts on others that have long been with the target had
 * asked them nothing since it read the seal. */
static void
check_company(struct world *w, uint32_t host, uint32_t about)
{
	const struct daemon *d = &w->host[host].d;
	uint8_t members = members_now(w, about);
	uint8_t all = (uint8_t)((1u << w->hosts) - 1);
	uint64_t read_us = world_real_us(w, host, d->l.sealed_ms[about]);

	if (2 * votes_of(w, members) > votes_of(w, all) &&
	    !(members & 1u << host) && (members & d->members) &&
	    read_us > w->l.formed_us + w->token_us) {
		check_fail(w,
			   "h%u: success for h%u, which lives in a membership "
			   "of 0x%x since before its seal was read, and h%u "
			   "takes 0x%x for members of its own",
			   host, about, members, host, d->members & members);
	}
}

void
check_held(struct world *w, uint32_t host, uint32_t about)
{
	const struct daemon *d = &w->host[host].d;
	struct host *target = &w->host[about];
	uint8_t vms = 0;
	uint32_t v;

	w->l.held++;
	if (d->members & 1u << about) {
		check_fail(w,
			   "h%u: success for h%u, which lives and is a member: "
			   "its Pacemaker exits",
			   host, about);
	}
	if (!is_served(w, about) ||
	    target->d.incarnation != d->newest[about].incarnation) {
		return; /* dead already */
	}
	check_company(w, host, about);
	if (!target->d.l.seal.is_sealed && !(target->d.members & 1u << host)) {
		check_fail(w, "h%u: success for h%u, which is not sealed", host,
			   about);
	}
	for (v = 0; v < w->l.vms; v++) {
		uint8_t entry = target->d.l.list[v];

		if (entry == ENTRY_NONE || entry == ENTRY(HA_LISTED_RELEASED)) {
			continue;
		}
		vms = (uint8_t)(vms | 1u << v);
		if (!is_held_on_disk(w, v, about, target->d.incarnation)) {
			check_fail(w,
				   "h%u: success for h%u, which lives and has "
				   "vm%u, and no hold on disk says so",
				   host, about, v);
		}
	}
	target->l.is_held = true;
	target->l.held_vms = vms;
	target->l.held_by = (uint8_t)(d->members & ~(1u << about));
	for (v = 0; v < w->hosts; v++) {
		target->l.held_runs[v] = w->truth[v].runs;
	}
}

void
check_unsealed(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	uint8_t members = members_now(w, host);

	/* Its master's word may have been given just before the cut. */
	if (h->l.is_held && is_relied_on(w, host) &&
	    !(members & h->l.held_by) &&
	    w->now_us >= w->l.formed_us + 2 * w->token_us +
				 2 * US_PER_MS * w->timing.beat_ms) {
		check_fail(w,
			   "h%u unseals in a membership of 0x%x, and was "
			   "fenced alive by hosts 0x%x that rely on it as it "
			   "was",
			   host, members, h->l.held_by);
	}
	if ((h->d.members & h->l.held_by) || !is_relied_on(w, host)) {
		h->l.is_held = false;
	}
}

/* A record that a lift has ended is none, whoever still keeps it. */
static bool
is_known(const struct world *w, const struct hold *hold)
{
	uint32_t i;

	for (i = 0; i < LOCK_TRUTHS && i < w->l.hold_count; i++) {
		const struct hold_truth *t = &w->l.holds[i];

		if (t->hold.vm == hold->vm && t->hold.owner == hold->owner &&
		    t->hold.owner_incarnation == hold->owner_incarnation &&
		    (!t->is_lifted ||
		     t->lifted_generation >= hold->owner_generation)) {
			return true;
		}
	}
	return false;
}

void
check_hold_flushed(struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t i;

	if (!d->l.hold_generation ||
	    ha_evidence_generation(&d->hold_evidence) < d->l.hold_generation) {
		return;
	}
	for (i = 0; i < d->l.holds.count; i++) {
		const struct hold *hold = &d->l.holds.at[i];

		if (hold->kind == HA_HOLD_OWNER && !is_known(w, hold)) {
			w->l.holds[w->l.hold_count++ % LOCK_TRUTHS] =
				(struct hold_truth){ .hold = *hold,
						     .at_us = w->now_us };
		}
	}
}

void
check_lift(struct world *w, uint32_t host, const struct hold *lift)
{
	uint8_t members = members_now(w, host);
	bool has_side = false;
	const struct host *owner = &w->host[lift->owner];
	const struct vm_here *v = &owner->l.vm[lift->vm];
	uint32_t i;

	for (i = 0; i < LOCK_TRUTHS && i < w->l.hold_count; i++) {
		struct hold_truth *t = &w->l.holds[i];

		if (t->hold.vm == lift->vm && t->hold.owner == lift->owner &&
		    t->hold.owner_incarnation == lift->owner_incarnation &&
		    t->hold.owner_generation <= lift->owner_generation) {
			t->is_lifted = true;
			t->lifted_generation = lift->owner_generation;
		}
	}
	/* It also ends what is on its way to the disk. */
	w->l.holds[w->l.hold_count++ % LOCK_TRUTHS] = (struct hold_truth){
		.hold = *lift,
		.is_lifted = true,
		.lifted_generation = lift->owner_generation,
	};
	if (!is_served(w, lift->owner) || !owner->l.is_held ||
	    owner->d.incarnation != lift->owner_incarnation ||
	    v->qemu != QEMU_RUNNING ||
	    w->now_us < w->l.formed_us + 2 * w->token_us +
				2 * US_PER_MS * w->timing.beat_ms) {
		return; /* what was confirmed just now may end just now */
	}
	for (i = 0; i < w->hosts; i++) {
		has_side |= i != lift->owner &&
			    (owner->l.held_by & 1u << i) != 0 &&
			    is_served(w, i) &&
			    w->truth[i].runs == owner->l.held_runs[i];
	}
	if (has_side &&
	    (!(members & owner->l.held_by) || !(members & 1u << lift->owner))) {
		check_fail(w,
			   "h%u, in a membership of 0x%x, lifts the hold on "
			   "vm%u in the name of h%u, which lives and runs it, "
			   "fenced by 0x%x",
			   host, members, lift->vm, lift->owner,
			   owner->l.held_by);
	}
}

void
check_holds(struct world *w, uint32_t host, uint32_t vm,
	    const struct ha_ticket_hold *holds, uint32_t count,
	    uint64_t since_us)
{
	uint32_t i;
	uint32_t k;

	for (i = 0; i < LOCK_TRUTHS && i < w->l.hold_count; i++) {
		const struct hold_truth *t = &w->l.holds[i];
		bool is_there = false;

		if (t->hold.vm != vm || t->is_lifted || t->at_us >= since_us ||
		    w->truth[t->hold.owner].runs != t->hold.owner_incarnation) {
			continue;
		}
		for (k = 0; k < count; k++) {
			is_there |= holds[k].owner == t->hold.owner &&
				    holds[k].owner_incarnation ==
					    t->hold.owner_incarnation &&
				    holds[k].kind == HA_HOLD_OWNER &&
				    !ha_hold_is_lifted(&holds[k], holds, count);
		}
		if (!is_there) {
			check_fail(w,
				   "h%u reads all hold lists and misses the "
				   "hold on vm%u in the name of h%u.%u",
				   host, vm, t->hold.owner,
				   t->hold.owner_incarnation);
		}
	}
}

/* SAFETY 12: nobody goes on past a hold that binds another host's VM. */
void
check_not_held(struct world *w, uint32_t host, uint32_t vm, uint64_t since_us)
{
	uint32_t i;

	for (i = 0; i < LOCK_TRUTHS && i < w->l.hold_count; i++) {
		const struct hold_truth *t = &w->l.holds[i];

		if (t->hold.vm == vm && t->hold.owner != host &&
		    !t->is_lifted && t->at_us < since_us &&
		    w->truth[t->hold.owner].runs == t->hold.owner_incarnation) {
			check_fail(w,
				   "h%u takes vm%u onto its list, held in the "
				   "name of h%u.%u, which lives",
				   host, vm, t->hold.owner,
				   t->hold.owner_incarnation);
		}
	}
}

/* Restated from what the master itself has read. */
void
check_grant(struct world *w, uint32_t host, uint32_t vm,
	    const struct ha_ticket_host *hosts,
	    const struct ha_ticket_hold *holds, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (hosts[i].is_member && hosts[i].is_listed &&
		    hosts[i].state != HA_LISTED_RELEASED) {
			return; /* SAFETY 21 */
		}
	}
	for (i = 0; i < w->hosts; i++) {
		if (!hosts[i].is_member && !hosts[i].is_gone &&
		    hosts[i].is_listed &&
		    hosts[i].state != HA_LISTED_RELEASED) {
			check_fail(w,
				   "h%u grants vm%u, which h%u has on its list",
				   host, vm, i);
		}
	}
	for (i = 0; i < count; i++) {
		const struct ha_ticket_host *o = &hosts[holds[i].owner];

		if (holds[i].kind != HA_HOLD_OWNER || o->is_member ||
		    o->is_gone || o->incarnation > holds[i].owner_incarnation ||
		    ha_hold_is_lifted(&holds[i], holds, count)) {
			continue;
		}
		if (!o->is_readable || !o->is_sealed) {
			check_fail(w,
				   "h%u grants vm%u, held in the name of h%u, "
				   "whose list is %s",
				   host, vm, o->slot,
				   o->is_readable ? "not sealed" : "unread");
		}
	}
}

void
check_term(struct world *w, uint32_t host, uint32_t term)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct master *m = &w->host[i].d.l.master;

		if (i != host && m->is_on && m->is_ready && m->term >= term &&
		    w->host[i].net_seq == w->host[host].net_seq) {
			check_fail(w,
				   "h%u is master with term %u, and h%u of the "
				   "same membership is with %u",
				   host, term, i, m->term);
		}
	}
	if (w->l.master_of[term % LOCK_TERMS] &&
	    w->l.master_of[term % LOCK_TERMS] != host + 1) {
		check_fail(w, "h%u is master with term %u, and h%u was", host,
			   term, w->l.master_of[term % LOCK_TERMS] - 1u);
	}
	w->l.master_of[term % LOCK_TERMS] = (uint8_t)(host + 1);
}

/* ---- the end ------------------------------------------------------------------- */

/* What the protocol can't be blamed for: too few hosts that came back, or one
 * that went and whose death nobody can know. */
static bool
can_be_well(const struct world *w)
{
	uint32_t votes = 0;
	uint32_t all = 0; /* expected_votes may be set too low */
	uint32_t i;
	uint32_t s;

	for (i = 0; i < w->hosts; i++) {
		uint32_t bad = 0;

		all += w->votes[i];
		for (s = 0; s < w->stores; s++) {
			bad += w->disk[s].blocks[i].is_damaged ||
			       w->disk[s].blocks[i].state != BLOCK_ARMED;
		}
		if (is_served(w, i)) {
			votes += w->votes[i];
		} else if (bad + w->r > w->stores || w->host[i].is_on ||
			   w->is_two_node || w->is_wait_for_all) {
			return false;
		}
	}
	return w->is_two_node || 2 * votes > all;
}

static void
check_sides(struct world *w)
{
	uint32_t i;
	uint32_t v;

	for (i = 0; i < w->hosts; i++) {
		const struct daemon *d = &w->host[i].d;
		struct ha_ticket_hold holds[UNION_HOLDS];
		uint32_t count;
		uint32_t k;

		if (!is_served(w, i)) {
			continue;
		}
		if (d->l.seal.is_sealed) {
			check_fail(w,
				   "everything is well, and h%u stays sealed "
				   "(%s)",
				   i, ha_seal_why_name(d->l.seal.why));
		}
		for (v = 0; v < w->l.vms; v++) {
			(void)keep_union(w, i, 1, v, holds, &count);
			for (k = 0; k < count; k++) {
				if (holds[k].kind == HA_HOLD_OWNER &&
				    (d->members & 1u << holds[k].owner) &&
				    w->truth[holds[k].owner].runs ==
					    holds[k].owner_incarnation &&
				    !ha_hold_is_lifted(&holds[k], holds,
						       count)) {
					check_fail(w,
						   "everything is well, and "
						   "vm%u stays held for h%u, a "
						   "member",
						   v, holds[k].owner);
				}
			}
		}
	}
}

void
check_well(struct world *w)
{
	uint32_t first = 0;
	uint32_t v;
	uint32_t i;

	if (!can_be_well(w)) {
		return;
	}
	w->l.wells++;
	while (!is_served(w, first)) {
		first++;
	}
	for (v = 0; v < w->l.vms; v++) {
		bool runs = !(w->host[first].l.pcmk.cib.wanted & 1u << v);

		for (i = 0; i < w->hosts; i++) {
			runs |= w->host[i].l.vm[v].qemu == QEMU_RUNNING;
		}
		if (!runs && w->l.restarts.is_on) {
			check_restarted(w, first, v);
		} else if (!runs) {
			check_fail(w, "everything is well, and vm%u is down",
				   v);
		}
	}
	check_sides(w);
}
