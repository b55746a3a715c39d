/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clockwork of the lock: which of its events go where, what begins and ends
 * with a host's power, and what people and chance do to VMs.
 */
#include <string.h>

#include "sim.h"

/* Of ten draws of what people do, the first that is this. */
static const uint8_t FIRST_KIND
	[] = { [ADMIN_CRASH] = 0, [ADMIN_MOVE] = 4, [ADMIN_ROLE] = 8 };

void
lock_push(struct world *w, enum event_kind kind, uint32_t host, uint32_t vm,
	  uint32_t arg, uint64_t delay_us)
{
	struct event event = { .at_us = w->now_us + delay_us,
			       .arg = arg,
			       .epoch = w->host[host].boot,
			       .kind = (uint8_t)kind,
			       .host = (uint8_t)host,
			       .store = (uint8_t)vm };

	queue_push(w, &event);
}

/* Of the host: it ends with its boot and waits while that is paused. */
void
lock_event(struct world *w, const struct event *e)
{
	struct host *h = &w->host[e->host];

	if (!h->is_on || e->epoch != h->boot) {
		return;
	}
	if (h->paused_until_us > w->now_us) {
		lock_push(w, (enum event_kind)e->kind, e->host, e->store,
			  e->arg, h->paused_until_us - w->now_us);
		return;
	}
	switch ((int)e->kind) {
	case EV_AGENT:
		agent_run(w, e->host, e->store, e->arg);
		break;
	case EV_QEMU:
		qemu_create(w, e->host, e->store, e->arg);
		break;
	case EV_MOVE:
		migrate_go_on(w, e->host, e->store, e->arg);
		break;
	case EV_FDM:
		fdm_turn(w, e->host);
		break;
	case EV_PCMK:
		pcmk_start(w, e->host);
		break;
	case EV_DC:
		pcmk_hear(w, e->host);
		break;
	case EV_ACT:
		pcmk_act(w, e->host, e->store, e->arg);
		break;
	case EV_FENCED:
		pcmk_fenced(w, e->host, e->store, e->arg != 0);
		break;
	case EV_PLIST:
		restart_list_event(w, e->host, e->arg);
		break;
	case EV_WRITE:
		if (e->arg == h->d.epoch) {
			master_write(w, e->host);
		}
		break;
	}
}

void
lock_power_on(struct world *w, uint32_t host)
{
	struct lock_host *l = &w->host[host].l;
	struct cib *cib = &l->pcmk.cib;

	/* Tickets and history are status: they end with the cluster. */
	*cib = (struct cib){
		.epoch = cib->epoch,
		.dc = NO_HOST,
		.wanted = w->host[host].boot > 1 ? cib->wanted : w->l.wanted,
	};
	l->pcmk.dc = NO_HOST;
	lock_push(w, EV_FDM, host, 0, 0,
		  draw_below(w, w->timing.beat_ms * US_PER_MS / 2));
}

void
lock_power_off(struct world *w, uint32_t host)
{
	struct lock_host *l = &w->host[host].l;
	uint32_t epoch = l->pcmk.cib.epoch;
	uint8_t wanted = l->pcmk.cib.wanted;
	uint32_t v;

	if (w->l.restarts.is_on) {
		restart_list_torn(w, host);
		restart_forget(host);
		w->l.restarts.ready_us[host] = 0;
	}
	for (v = 0; v < w->l.vms; v++) {
		qemu_end(w, host, v, "its host is off");
	}
	memset(l, 0, sizeof(*l));
	l->pcmk.cib.epoch = epoch;
	l->pcmk.cib.wanted = wanted;
	l->pcmk.dc = NO_HOST;
	if (w->l.restarts.is_on) {
		note_power_off(w);
	}
}

/* The daemon is ready: Pacemaker may start behind it. */
void
lock_serves(struct world *w, uint32_t host)
{
	lock_push(w, EV_PCMK, host, 0, 0,
		  draw_between(w, 10000, w->timing.beat_ms * US_PER_MS));
}

void
lock_tick(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t i;

	if (d->phase < PHASE_CLAIMING) {
		return;
	}
	for (i = 0; i < w->hosts; i++) {
		if (d->newest[i].claims.term > d->l.term) {
			d->l.term = d->newest[i].claims.term;
		}
	}
	if (d->l.master.is_on &&
	    (world_local_ms(w, host) > d->l.master.wanted_ms ||
	     !d->ring.is_quorate || d->phase != PHASE_ARMED)) {
		d->l.master.is_on = d->l.master.is_ready = false;
		d->l.master.begun_ms = 0;
		STORY(w, host, "the master's lease is over");
	}
	seal_look(w, host);
	announce_look(w, host);
}

/* ---- what people and chance do ------------------------------------------------ */

static void
crash(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = &w->host[host].l.vm[vm];

	if (v->qemu == QEMU_RUNNING) {
		qemu_end(w, host, vm, "crashed");
		check_vm(w, vm);
	} else if (v->task != TASK_NONE) {
		agent_die(w, host, vm);
	}
}

static uint32_t
find_dc(struct world *w)
{
	uint32_t i = (uint32_t)draw_below(w, w->hosts);
	uint32_t n;

	for (n = 0; n < w->hosts; n++, i = (i + 1) % w->hosts) {
		if (w->host[i].is_on && w->host[i].l.pcmk.is_up &&
		    w->host[i].l.pcmk.dc == i && cib_begin(w, i)) {
			return i;
		}
	}
	return NO_HOST;
}

static void
move(struct world *w, uint32_t dc, uint32_t vm)
{
	struct cib *cib = &w->host[dc].l.pcmk.cib;
	uint32_t to = (uint32_t)draw_below(w, w->hosts);
	uint32_t from;

	for (from = 0; from < w->hosts; from++) {
		if (cib->record[from][vm] == RECORD_STARTED &&
		    cib->node[from] == NODE_MEMBER) {
			break;
		}
	}
	if (from == w->hosts || to == from || cib->node[to] != NODE_MEMBER ||
	    (w->l.has_manager && !cib->ticket[vm].is_granted)) {
		return;
	}
	STORY(w, dc, "vm%u is to move from h%u to h%u", vm, from, to);
	cib->record[from][vm] = RECORD_PENDING;
	cib_spread(w, dc);
	lock_push(w, EV_ACT, from, vm, ACT_MIGRATE | to << 8,
		  draw_between(w, 1000, 100000));
}

static void
turn_role(struct world *w, uint32_t dc, uint32_t vm)
{
	struct cib *cib = &w->host[dc].l.pcmk.cib;

	cib->wanted ^= (uint8_t)(1u << vm);
	note_role(w, vm, (cib->wanted & 1u << vm) != 0,
		  cib->ticket[vm].term != 0);
	cib->epoch++;
	cib_commit(w, dc);
	STORY(w, dc, "vm%u: target-role %s", vm,
	      cib->wanted & 1u << vm ? "Started" : "Stopped");
}

/* Wherever it runs; NO_HOST: nowhere. */
static uint32_t
find_vm(const struct world *w, uint32_t vm)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct vm_here *v = &w->host[i].l.vm[vm];

		if (v->qemu == QEMU_RUNNING || v->task == TASK_START) {
			return i;
		}
	}
	return NO_HOST;
}

static uint32_t
find_master(const struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (w->host[i].is_on && w->host[i].d.l.master.is_on) {
			return i;
		}
	}
	return NO_HOST;
}

void
lock_aim(struct world *w, struct fault *f)
{
	uint32_t host = f->host == AT_DC     ? find_dc(w) :
			f->host == AT_MASTER ? find_master(w) :
					       find_vm(w, 0);
	bool is_pair = f->host == AT_PAIR;
	const struct vm_here *v;

	f->host = (uint8_t)(host == NO_HOST ? 0 : host);
	v = &w->host[f->host].l.vm[0];
	if (f->kind != FAULT_PARTITION) {
		return;
	}
	f->mask = (uint8_t)(1u << f->host);
	if (is_pair && v->task == TASK_MIGRATE && v->peer < w->hosts) {
		f->mask = (uint8_t)(f->mask | 1u << v->peer);
	}
}

void
lock_admin(struct world *w, uint32_t arg)
{
	uint32_t vm = (uint32_t)draw_below(w, w->l.vms);
	uint32_t host = (uint32_t)draw_below(w, w->hosts);
	uint32_t kind = (uint32_t)draw_below(w, 10);
	uint32_t dc = find_dc(w);

	if (w->is_quiet) {
		return;
	}
	if ((arg & ADMIN_KINDS) == ADMIN_MANAGER) {
		host = find_master(w);
		if (host != NO_HOST) {
			restart_kill(w, host);
		}
		return;
	}
	if ((arg & ADMIN_KINDS) == ADMIN_SET_BACK) {
		restart_set_back(w);
		return;
	}
	if (arg & ADMIN_KINDS) {
		kind = FIRST_KIND[arg & ADMIN_KINDS];
		vm = arg >> 16 ? (arg >> 16) - 1 : vm;
		host = find_vm(w, vm) == NO_HOST ? host : find_vm(w, vm);
	}
	if (kind < FIRST_KIND[ADMIN_MOVE]) {
		crash(w, host, vm);
	} else if (dc != NO_HOST && kind < FIRST_KIND[ADMIN_ROLE]) {
		move(w, dc, vm);
	} else if (dc != NO_HOST) {
		turn_role(w, dc, vm);
	}
}
