/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which targets stay, host by host, and who is left without one. Less and less
 * is held fast until the planner finds a place for all: first every target that
 * is good by itself, then those on hosts that are not overrun, then none; last,
 * machines without a place are left out one by one. Never gives a target that is
 * not online, not allowed, or the machine's own host.
 */
#include "targets.h"

/* Its target, if that is good by itself. */
static uint32_t
good_now(const struct ha_targets *t, uint32_t vm)
{
	uint32_t now = t->q->facts[vm].now;

	return ha__targets_is_online(t, now) && now != t->failed &&
			       ha_inv_vm_is_allowed(&t->q->inv->vms[vm], now) ?
		       now :
		       HA_INV_NONE;
}

static bool
is_overrun(const struct ha_targets *t, uint32_t host)
{
	const struct ha_inv_host *base = &t->base[host];

	return t->used[host].cpu_mhz > base->cpu_mhz ||
	       t->used[host].memory_mb > base->memory_mb ||
	       (base->max_vms != 0 && t->count[host] > base->max_vms);
}

/* ---- answers ------------------------------------------------------------- */

static void
want_none(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		t->want[t->movers[i]] = HA_INV_NONE;
		t->is_dropped[t->movers[i]] = false;
	}
}

/* Whatever has none yet wants what it has now. */
static void
want_now(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		t->is_dropped[vm] = false;
		if (t->want[vm] == HA_INV_NONE) {
			t->want[vm] = good_now(t, vm);
		}
	}
}

static void
accept(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		t->vms[vm].is_on = true;
		t->out[vm] = (struct ha_target){ .host = t->want[vm],
						 .state = HA_TARGET_GIVEN };
		if (t->is_dropped[vm]) {
			t->out[vm] = (struct ha_target){
				.host = good_now(t, vm),
				.state = HA_TARGET_HOMELESS,
				.is_conservative = t->is_bound,
			};
		}
		t->is_dropped[vm] = false;
	}
}

static bool
try(struct ha_targets *t)
{
	if (ha__targets_ask(t, HA__TAKES_ANY) && ha__targets_is_good(t)) {
		accept(t);
		return true;
	}
	return false;
}

/* Those on hosts that have no room for all that want to go there. */
static void
release_overrun(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		t->vms[vm].is_on = true;
		t->vms[vm].host = t->want[vm];
	}
	ha__targets_sum(t);
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		t->vms[vm].host = t->failed;
		if (t->want[vm] != HA_INV_NONE && is_overrun(t, t->want[vm])) {
			t->want[vm] = HA_INV_NONE;
		}
	}
}

/* ---- one host, attempt by attempt ------------------------------------------ */

/* As many as fit onto these hosts; those that are there stay. */
static void
begin_takers(struct ha_targets *t)
{
	want_none(t);
	want_now(t);
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t *want = &t->want[t->movers[i]];

		if (*want != HA_INV_NONE &&
		    t->q->inv->hosts[*want].is_failover_host !=
			    (t->first == HA__TAKES_FAILOVER)) {
			*want = HA_INV_NONE;
		}
	}
	t->stage = HA__TARGETS_TAKERS;
}

/* True: they all have a place. */
static bool
hold_fast(struct ha_targets *t)
{
	want_none(t);
	want_now(t);
	if (try(t)) {
		return true;
	}
	want_none(t);
	want_now(t);
	release_overrun(t);
	if (try(t)) {
		return true;
	}
	want_none(t);
	return try(t);
}

static void
leave_out(struct ha_targets *t)
{
	/* Only after a fault of the planner: nobody is sent anywhere by it. */
	for (uint32_t i = 0; !ha__targets_is_good(t) && i < t->n_movers; i++) {
		t->is_dropped[t->movers[i]] = true;
	}
	accept(t);
}

/* One attempt: the planner is asked once, or thrice to hold something fast.
 * True: that was the last. */
static bool
attempt(struct ha_targets *t)
{
	switch (t->stage) {
	case HA__TARGETS_TAKERS:
		/* The others anywhere. */
		if (!ha__targets_ask(t, t->first) && ha__targets_drop(t)) {
			return false;
		}
		want_now(t);
		t->stage = HA__TARGETS_HOLD;
		return try(t);
	case HA__TARGETS_HOLD:
		if (hold_fast(t)) {
			return true;
		}
		/* Or nobody would have a place once these have used them up. */
		ha__targets_refill(t);
		t->is_bound = false;
		want_none(t);
		t->stage = HA__TARGETS_DROP;
		return false;
	case HA__TARGETS_DROP:
		if (!ha__targets_ask(t, HA__TAKES_ANY) && ha__targets_drop(t)) {
			return false;
		}
		leave_out(t);
		break;
	}
	return true;
}

/* ---- who moves ----------------------------------------------------------- */

static void
collect_down(struct ha_targets *t, bool leaves)
{
	t->failed = HA_INV_NONE;
	for (uint32_t vm = 0; vm < t->inv.n_vms; vm++) {
		if (t->is_down[vm] && ha__targets_is_leaving(t, vm) == leaves) {
			t->vms[vm].is_on = true;
			t->movers[t->n_movers++] = vm;
		}
	}
}

/* From here on they count where they will be. */
static void
put_down(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		uint32_t vm = t->movers[i];

		t->vms[vm].is_on = t->out[vm].state == HA_TARGET_GIVEN;
		t->vms[vm].host =
			t->vms[vm].is_on ? t->out[vm].host : HA_INV_NONE;
	}
}

static void
show_down(struct ha_targets *t, bool is_shown)
{
	for (uint32_t vm = 0; vm < t->inv.n_vms; vm++) {
		if (t->is_down[vm] && t->vms[vm].host == t->failed) {
			t->vms[vm].is_on = is_shown;
		}
	}
}

static void
collect_host(struct ha_targets *t, uint32_t host)
{
	t->failed = host;
	for (uint32_t vm = 0; vm < t->inv.n_vms; vm++) {
		if (t->vms[vm].is_on && !t->is_down[vm] &&
		    t->vms[vm].host == host) {
			t->movers[t->n_movers++] = vm;
		}
	}
	/* What is about to start there has one target: this host. */
	show_down(t, false);
}

/* Nobody was promised anything for the failure of a failover host. */
static void
forgive(struct ha_targets *t)
{
	for (uint32_t i = 0; i < t->n_movers; i++) {
		struct ha_target *out = &t->out[t->movers[i]];

		if (out->state == HA_TARGET_HOMELESS) {
			out->state = HA_TARGET_NEEDLESS;
		}
	}
}

/* Groups: those that are down, those that leave, then host by host. */
#define GROUP_LEAVING 1u
#define GROUP_HOSTS 2u

static void
begin_group(struct ha_targets *t)
{
	uint32_t host = t->group - GROUP_HOSTS;

	t->n_movers = 0;
	if (t->group < GROUP_HOSTS) {
		collect_down(t, t->group == GROUP_LEAVING);
	} else if (ha__targets_is_online(t, host)) {
		collect_host(t, host);
	}
	/* Failover hosts are for machines of hosts that die. */
	t->first = t->group == GROUP_LEAVING ? HA__TAKES_OTHER :
					       HA__TAKES_FAILOVER;
	ha__targets_refill(t);
	t->is_bound = false;
	t->stage = HA__TARGETS_HOLD;
	if (t->q->has_failover_hosts) {
		begin_takers(t);
	}
	t->is_begun = true;
}

static void
end_group(struct ha_targets *t)
{
	uint32_t host = t->group - GROUP_HOSTS;

	if (t->group < GROUP_HOSTS) {
		put_down(t);
	} else if (ha__targets_is_online(t, host)) {
		show_down(t, true);
		if (t->q->has_failover_hosts &&
		    t->q->inv->hosts[host].is_failover_host) {
			forgive(t);
		}
	}
	t->is_begun = false;
	t->group++;
}

bool
ha_targets_step(struct ha_targets *t)
{
	if (!t->is_begun) {
		begin_group(t);
	}
	if (t->n_movers == 0 || attempt(t)) {
		end_group(t);
	}
	return t->group < GROUP_HOSTS + t->inv.n_hosts;
}

void
ha_targets_make(const struct ha_targets_question *question, void *work,
		struct ha_target *ret_targets)
{
	struct ha_targets *t = ha_targets_begin(question, work, ret_targets);

	while (ha_targets_step(t)) {
	}
}
