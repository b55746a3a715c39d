/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Schedules of the lock that aim at one rule each: the narrow place where that
 * rule alone is missed is made likely here, since chance hardly ever comes by.
 * Every eighth seed is aimed, at each target in turn. Who is the DC and where a
 * VM runs is seen when the fault strikes. No call has two draws as arguments:
 * C does not say which is evaluated first.
 */
#include "sim.h"

#define AIMED_EVERY 8u
#define AIMED_AT 6u
/* Whom another rule's proof does not count. */
#define RELEASED_EVERY 32u
#define RELEASED_AT 10u
/* The same, each of these in turn. */
#define LATER_EVERY 32u
#define LATER_AT 2u

enum aim
aimed_at(uint64_t seed)
{
	if (seed % RELEASED_EVERY == RELEASED_AT) {
		return AIM_RELEASED;
	}
	if (restart_is_of(seed)) {
		return AIM_RESTART;
	}
	if (seed % LATER_EVERY == LATER_AT) {
		return (enum aim)(AIM_OLD_WORD +
				  seed / LATER_EVERY %
					  (AIM_ALL - AIM_OLD_WORD));
	}
	if (seed % AIMED_EVERY != AIMED_AT) {
		return AIM_NONE;
	}
	return (enum aim)(1 + seed / AIMED_EVERY % (AIM_N - 1));
}

static uint64_t
beats(const struct lock_draft *p, uint64_t low, uint64_t high)
{
	return draw_between(p->w, low * p->b_us, high * p->b_us);
}

static void
set_hosts(struct world *w, uint32_t hosts)
{
	uint32_t i;

	w->hosts = hosts;
	w->total_votes = hosts;
	w->is_two_node = false;
	for (i = 0; i < hosts; i++) {
		w->votes[i] = 1;
	}
}

/* Both of two sides are quorate: two_node, or expected_votes set too low. */
static void
set_two_sides(struct world *w)
{
	set_hosts(w, (uint32_t)draw_between(w, 2, 4));
	w->is_two_node = w->hosts == 2;
	w->is_wait_for_all = w->is_two_node;
	if (w->hosts > 2) {
		w->total_votes = w->hosts == 3 ? 1 : 2;
	}
}

/* The cluster that the target needs. */
void
aimed_cluster(struct world *w)
{
	switch (aimed_at(w->seed)) {
	case AIM_HIDDEN_CLAIMS:
	case AIM_HIDDEN_LIFE:
		w->stores = 3;
		break;
	case AIM_TWO_SIDES:
		set_two_sides(w);
		break;
	case AIM_MINORITY_MOVE:
		set_hosts(w, 5);
		break;
	case AIM_OLD_WORD:
		set_hosts(w, 5);
		break;
	case AIM_STILL_MASTER:
		/* A side of its own, beside two that are away. */
		set_hosts(w, draw_percent(w, 70) ? 5 : 3);
		break;
	case AIM_NEW_MASTER:
	case AIM_HOLDER:
	case AIM_SEALED_TWICE:
	case AIM_RELEASED:
	case AIM_STALE_FENCE:
	case AIM_THIRD_END:
		if (w->hosts < 3) {
			set_hosts(w, 3);
		}
		break;
	case AIM_RESTART:
	case AIM_KEEP_BACK:
		restart_cluster(w);
		break;
	case AIM_NONE:
	case AIM_READ_BACK:
	case AIM_SLOW_START:
	case AIM_ALL:
		break;
	}
	w->w = ha_stores_write(w->stores);
	w->r = ha_stores_read(w->stores);
}

static void
admin(struct lock_draft *p, uint32_t what, uint64_t at_us)
{
	world_plain(p->w, EV_ADMIN, 0, 0, what, at_us);
}

/* Some people do something all the time. */
static void
admins(struct lock_draft *p, uint32_t count, uint64_t from_us, uint64_t span_us)
{
	static const uint32_t kinds[] = { ADMIN_CRASH, ADMIN_CRASH, ADMIN_MOVE,
					  ADMIN_ROLE };

	while (count--) {
		uint32_t what = kinds[draw_below(p->w, 4)];

		admin(p, what, from_us + draw_below(p->w, span_us));
	}
}

static void
path(struct lock_draft *p, uint32_t host, uint8_t mask,
     enum condition_mode mode, uint8_t what, uint64_t at_us, uint64_t length_us)
{
	struct fault *f =
		lock_fault(p, FAULT_PATH, host, mask, at_us, length_us);

	f->mode = (uint8_t)mode;
	f->extra = what;
}

/* Boots that can write one datastore only and leave their claims there; then
 * one that can't read it. */
static void
plan_hidden_claims(struct lock_draft *p)
{
	struct world *w = p->w;
	uint32_t host = (uint32_t)draw_below(w, w->hosts);
	uint32_t hidden = (uint32_t)draw_below(w, 3);
	uint8_t others = (uint8_t)(7u & ~(1u << hidden));
	uint8_t unread = (uint8_t)(1u << (hidden + 1 + draw_below(w, 2)) % 3);
	uint64_t boots = draw_between(w, 1, 4);
	uint64_t from = p->from_us;
	uint64_t at = from + p->b_us;
	enum condition_mode mode;

	while (boots--) {
		lock_fault(p, FAULT_POWER, host, 0, at,
			   1 + draw_below(w, p->b_us));
		at += beats(p, 5, 7);
	}
	path(p, host, others, COND_GONE, 1, from, at - from);
	if (draw_percent(w, 60)) {
		path(p, host, unread, COND_HANG, 2, from, at - from);
	}
	lock_fault(p, FAULT_POWER, host, 0, at, p->b_us);
	mode = draw_percent(w, 50) ? COND_GONE : COND_HANG;
	path(p, host, (uint8_t)(1u << hidden), mode, 3, at,
	     2 * p->t_us + draw_below(w, 2 * p->t_us));
}

/* A short life that one reader does not see; then a claim takes its place on
 * the one datastore of it that this reader can read. */
static void
plan_hidden_life(struct lock_draft *p)
{
	struct world *w = p->w;
	uint32_t host = (uint32_t)draw_below(w, w->hosts);
	uint32_t reader = (host + 1) % w->hosts;
	uint32_t first = (uint32_t)draw_below(w, 3);
	uint8_t claimed = (uint8_t)(1u << first);
	uint8_t unread = (uint8_t)(1u << (first + 1) % 3);
	uint8_t old = (uint8_t)(1u << (first + 2) % 3);
	uint64_t from = p->from_us + draw_below(w, p->t_us);
	uint64_t at = from + beats(p, 4, 6);
	uint64_t end = at + beats(p, 8, 12);

	lock_fault(p, FAULT_POWER, host, 0, from, 1);
	lock_fault(p, FAULT_POWER, host, 0, at, 1);
	path(p, host, old, COND_GONE, 1, from, end - from);
	path(p, reader, unread, COND_HANG, 2, from, end - from);
	path(p, reader, claimed, COND_HANG, 2, from,
	     at + beats(p, 4, 5) - from);
	path(p, host, old | unread, COND_GONE, 1, at + 1, end - at);
}

static void
cut(struct lock_draft *p, uint32_t host, uint8_t side, uint64_t at_us,
    uint64_t length_us)
{
	lock_fault(p, FAULT_PARTITION, host, side, at_us, length_us);
}

static void
start_apart(struct lock_draft *p, uint64_t at_us)
{
	struct world *w = p->w;
	uint8_t all = (uint8_t)((1u << w->stores) - 1);
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		uint64_t off_us = at_us - draw_below(w, p->b_us / 2);

		lock_fault(p, FAULT_POWER, i, 0, off_us, p->b_us);
		path(p, i, all, COND_SLOW, 2, at_us + p->b_us, beats(p, 4, 20));
	}
}

/* A cluster parted into two quorate sides, again and again. */
static void
plan_two_sides(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t count = draw_between(w, 1, 3);
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint8_t all = (uint8_t)((1u << w->hosts) - 1);

	if (draw_percent(w, 25)) { /* they start apart, at one time */
		start_apart(p, at);
	}
	while (count--) {
		uint8_t side = (uint8_t)(1 + draw_below(w, all - 1u));
		uint64_t length = p->t_us / 2 + draw_below(w, 3 * p->t_us);

		cut(p, 0, side, at, length);
		admins(p, 3, at, length);
		if (draw_percent(w, 40)) {
			uint32_t host = (uint32_t)draw_below(w, w->hosts);
			uint64_t slow = at + draw_below(w, length);

			lock_fault(p, FAULT_PATH, host,
				   (uint8_t)((1u << w->stores) - 1), slow,
				   draw_below(w, p->t_us));
		}
		if (draw_percent(w, 20)) {
			uint32_t host = (uint32_t)draw_below(w, w->hosts);

			enum fault_kind kind = draw_percent(w, 50) ?
						       FAULT_STILL :
						       FAULT_PAUSE_HOST;

			lock_fault(p, kind, host, 0, at + p->b_us,
				   draw_below(w, p->t_us));
		}
		at += length + draw_below(w, 3 * w->token_us + 6 * p->b_us);
	}
}

/* The corosync of the master's host stands still, and the others form their
 * own membership: without one that it still counts, or with one that it does
 * not. */
static void
plan_still_master(struct lock_draft *p)
{
	struct world *w = p->w;
	uint32_t away = (uint32_t)draw_below(w, w->hosts);
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint64_t length = w->token_us + p->t_us + draw_below(w, 4 * p->t_us);
	uint64_t after = at + draw_below(w, w->token_us + 4 * p->b_us);
	uint64_t before = w->token_us + draw_below(w, p->t_us);

	lock_fault(p, FAULT_STILL, AT_DC, 0, at, length);
	if (draw_percent(w, 60)) {
		uint32_t who = draw_percent(w, 50) ? AT_VM : away;

		cut(p, who, (uint8_t)(1u << away), after,
		    2 * p->t_us + draw_below(w, 3 * p->t_us));
	} else {
		cut(p, away, (uint8_t)(1u << away), at - before,
		    before + draw_below(w, 2 * p->t_us));
		lock_fault(p, FAULT_STILL, (away + 1) % w->hosts, 0, after,
			   draw_below(w, 2 * p->t_us));
	}
	if (draw_percent(w, 40)) {
		admins(p, 3, at, length);
	}
}

/* Source and target of a migration are cut off together, while the guest is on
 * its way. */
static void
plan_minority_move(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint64_t length = 2 * p->t_us + draw_below(w, 2 * p->t_us);

	admin(p, ADMIN_MOVE | ADMIN_VM(0), at);
	at += draw_below(w, 7 * p->b_us);
	cut(p, AT_PAIR, 0, at, length);
	if (draw_percent(w, 40)) {
		lock_fault(p, FAULT_POWER, AT_VM, 0, at + beats(p, 1, 4), 0);
	}
}

/* A daemon is stopped beside running VMs and started again; then its host is
 * cut off. */
static void
plan_read_back(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint64_t away = beats(p, 1, 4);

	lock_fault(p, FAULT_STOP, AT_VM, 0, at, away)->extra = 0;
	at += away + draw_below(w, 12 * p->b_us);
	cut(p, AT_VM, 0, at, 2 * p->t_us + draw_below(w, 2 * p->t_us));
}

/* libvirt takes its time, and the host is cut off meanwhile. */
static void
plan_slow_start(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint32_t vm;

	w->l.is_slow = true;
	for (vm = 0; vm < w->l.vms; vm++) {
		admin(p, ADMIN_CRASH | ADMIN_VM(vm),
		      at + draw_below(w, 2 * p->b_us));
	}
	at += beats(p, 1, 6);
	cut(p, AT_VM, 0, at, 2 * p->t_us + draw_below(w, 2 * p->t_us));
	if (draw_percent(w, 50)) {
		at += beats(p, 1, 6);
		lock_fault(p, FAULT_PAUSE_HOST, AT_VM, 0, at, beats(p, 1, 3));
	}
}

/* The master changes while VMs are started. */
static void
plan_new_master(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint64_t count = draw_between(w, 4, 8);
	enum fault_kind kind =
		draw_percent(w, 50) ? FAULT_PARTITION : FAULT_POWER;

	lock_fault(p, kind, AT_DC, 0, at, p->t_us + draw_below(w, p->t_us));
	at += w->token_us / 2;
	while (count--) {
		admin(p, ADMIN_CRASH, at + draw_below(w, 4 * p->b_us));
	}
}

/* Who has written holds goes and comes while their owner is away. */
static void
plan_holder(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint64_t count = draw_between(w, 1, 3);
	uint32_t owner = (uint32_t)draw_below(w, w->hosts);

	cut(p, owner, (uint8_t)(1u << owner), at, 6 * p->t_us);
	at += beats(p, 8, 16);
	while (count--) {
		uint32_t other = (uint32_t)draw_below(w, w->hosts - 1);

		other = (owner + 1 + other) % w->hosts;
		lock_fault(p, FAULT_POWER, other, 0, at, 1);
		at += beats(p, 6, 16);
	}
}

/* Cut off, back, and cut off again before it has unsealed. */
static void
plan_sealed_twice(struct lock_draft *p)
{
	struct world *w = p->w;
	uint32_t host = (uint32_t)draw_below(w, w->hosts);
	uint8_t side = (uint8_t)(1u << host);
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint64_t count = draw_between(w, 2, 4);

	while (count--) {
		uint64_t length = p->t_us + draw_below(w, 2 * p->t_us);

		cut(p, host, side, at, length);
		at += length + w->token_us / 2 +
		      draw_below(w, w->token_us + 5 * p->b_us);
	}
	if (draw_percent(w, 30)) {
		admins(p, 3, p->from_us, 4 * p->t_us);
	}
}

/* A host loses its storage and not its network, a VM ends there meanwhile, and
 * may be back when the storage is; then the host is cut off. */
static void
plan_released(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint64_t length = beats(p, 10, 24);
	uint64_t end = at + length;
	struct fault *f =
		lock_fault(p, FAULT_PATH, AT_VM,
			   (uint8_t)((1u << w->stores) - 1), at, length);
	uint64_t count = draw_between(w, 1, 4);

	f->mode = draw_percent(w, 50) ? COND_GONE : COND_HANG;
	f->extra = draw_percent(w, 60) ? 3 : 1;
	admin(p, ADMIN_ROLE | ADMIN_VM(0), at + beats(p, 3, 8));
	if (draw_percent(w, 70)) {
		admin(p, ADMIN_ROLE | ADMIN_VM(0), at + beats(p, 9, 16));
	}
	while (count--) {
		uint64_t when = end + draw_below(w, 8 * p->b_us);
		uint32_t what = draw_percent(w, 60) ? ADMIN_ROLE : ADMIN_CRASH;

		admin(p, what | ADMIN_VM(0), when);
	}
	end += beats(p, 2, 12);
	if (draw_percent(w, 20)) {
		lock_fault(p, FAULT_POWER, AT_VM, 0, end, p->b_us);
		end += beats(p, 10, 30);
	}
	if (draw_percent(w, 60)) {
		cut(p, AT_VM, 0, end, 2 * p->t_us + draw_below(w, p->t_us));
	}
}

/* The corosyncs of the master's host and of one that it has told to unseal stand
 * still together; the others fence both alive. The old master can't read for a
 * while, and is master again when that is over. */
static void
plan_old_word(struct lock_draft *p)
{
	struct world *w = p->w;
	uint8_t all = (uint8_t)((1u << w->stores) - 1);
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint64_t still = at + p->t_us / 2 + draw_below(w, p->t_us);
	uint64_t length = w->token_us + 3 * p->t_us + draw_below(w, p->t_us);
	uint64_t blind = still - at + w->token_us + beats(p, 3, 14);

	path(p, AT_DC, all, COND_HANG, 2, at, blind);
	lock_fault(p, FAULT_STILL, AT_DC, 0, still, length);
	lock_fault(p, FAULT_STILL, AT_VM, 0, still, length);
}

/* A host is cut off and comes back to the others; who is to fence it can't read
 * meanwhile, and its corosync tells the membership without it. */
static void
plan_stale_fence(struct lock_draft *p)
{
	struct world *w = p->w;
	uint8_t all = (uint8_t)((1u << w->stores) - 1);
	uint32_t host = (uint32_t)draw_below(w, w->hosts);
	uint32_t by = (uint32_t)draw_below(w, w->hosts - 1);
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint64_t formed = at + w->token_us + draw_below(w, 3 * p->b_us);
	uint64_t whole = formed + draw_below(w, 4 * p->b_us);
	uint64_t blind = whole + w->token_us / 2 + draw_below(w, 5 * p->b_us);

	by = (host + 1 + by) % w->hosts;
	cut(p, host, (uint8_t)(1u << host), at, whole - at);
	path(p, by, all, COND_HANG, 2, at + p->b_us, blind - at);
	lock_fault(p, FAULT_STILL, by, 0, formed, w->token_us + 2 * p->t_us);
	lock_fault(p, FAULT_FENCE, host, 0, formed, 0)->mode = (uint8_t)by;
}

/* A migration's link breaks when the guest has arrived, and its source does not
 * hear of it; the guest is to move on. */
static void
plan_third_end(struct lock_draft *p)
{
	struct world *w = p->w;
	uint64_t at = p->from_us + draw_below(w, p->t_us);
	uint64_t count = draw_between(w, 2, 5);
	uint64_t broken = at + beats(p, 2, 8);

	admin(p, ADMIN_MOVE | ADMIN_VM(0), at);
	cut(p, AT_VM, 0, broken, draw_below(w, w->token_us));
	while (count--) {
		admin(p, ADMIN_MOVE | ADMIN_VM(0), broken + beats(p, 1, 16));
	}
}

void
aimed_plan(struct lock_draft *p)
{
	static void (*const plans[AIM_ALL])(struct lock_draft *) = {
		[AIM_HIDDEN_CLAIMS] = plan_hidden_claims,
		[AIM_HIDDEN_LIFE] = plan_hidden_life,
		[AIM_TWO_SIDES] = plan_two_sides,
		[AIM_STILL_MASTER] = plan_still_master,
		[AIM_MINORITY_MOVE] = plan_minority_move,
		[AIM_READ_BACK] = plan_read_back,
		[AIM_SLOW_START] = plan_slow_start,
		[AIM_NEW_MASTER] = plan_new_master,
		[AIM_HOLDER] = plan_holder,
		[AIM_SEALED_TWICE] = plan_sealed_twice,
		[AIM_RELEASED] = plan_released,
		[AIM_RESTART] = restart_draw,
		[AIM_OLD_WORD] = plan_old_word,
		[AIM_STALE_FENCE] = plan_stale_fence,
		[AIM_THIRD_END] = plan_third_end,
		[AIM_KEEP_BACK] = restart_draw_masterless,
	};

	/* Without a manager there is no master, and hardly a start. */
	p->w->l.has_manager = true;
	plans[aimed_at(p->w->seed)](p);
}
