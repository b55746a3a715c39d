/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pacemaker on one host: its life, its executor, its part as DC. It exits for
 * good when it hears that it was fenced; its VMs run on without it.
 */
#include "sim.h"

#define RETRY_BEATS 2
#define FORGIVE_BEATS 6
#define REPORT_US_MAX 20000
#define STUCK_US 150000

void
pcmk_start(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	struct pacemaker *p = &h->l.pcmk;
	uint32_t v;

	if (p->is_up || !h->has_corosync) {
		return;
	}
	p->is_up = true;
	p->has_exited = false;
	p->dc = NO_HOST;
	p->join_seq = 0;
	/* Probes: what runs, what is stale. */
	for (v = 0; v < w->l.vms; v++) {
		struct vm_here *vm = &h->l.vm[v];

		vm->record = vm->qemu == QEMU_RUNNING ? RECORD_STARTED :
							RECORD_STOPPED;
		if (vm->qemu != QEMU_RUNNING && vm->task == TASK_NONE &&
		    h->d.phase == PHASE_ARMED && h->d.l.list[v] != ENTRY_NONE) {
			agent_begin(w, host, v, TASK_CLEAR, NO_HOST);
		}
	}
	STORY(w, host, "Pacemaker starts");
	if (h->net_seq) {
		world_plain(w, EV_JOIN, 0, 0, h->net_seq,
			    w->now_us + draw_between(w, 20000, 300000));
	}
}

void
pcmk_exit(struct world *w, uint32_t host, const char *why)
{
	struct pacemaker *p = &w->host[host].l.pcmk;

	STORY(w, host, "Pacemaker exits: %s", why);
	if (w->l.restarts.is_on) {
		restart_kill(w, host);
	}
	p->is_up = false;
	p->has_exited = true;
	p->dc = NO_HOST;
	p->graph.is_valid = false;
}

/* The DC has heard of a change: what it had computed is void. */
void
pcmk_hear(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];

	if (!h->l.pcmk.is_up || h->l.pcmk.dc != host || !h->net_seq ||
	    h->l.pcmk.join_seq != h->net_seq) {
		return;
	}
	if (net_is_stuck(w, host)) {
		lock_push(w, EV_DC, host, 0, 0, STUCK_US);
		return;
	}
	graph_compute(w, host);
}

/* The controller of the host that acts notes it before it begins: an action of
 * an older graph, which the DC takes for done, is seen again. Only retries go by
 * that; elsewhere it would but change the seeds that prove rare rules. */
static void
note_pending(struct world *w, uint32_t host, uint32_t vm)
{
	struct cib *cib = cib_begin(w, host);

	if (cib && cib->record[host][vm] != RECORD_PENDING) {
		cib->record[host][vm] = RECORD_PENDING;
		cib_spread(w, host);
	}
}

/* An action has reached the executor of this host. */
void
pcmk_act(struct world *w, uint32_t host, uint32_t vm, uint32_t arg)
{
	static const uint8_t tasks[] = { TASK_NONE, TASK_START, TASK_STOP,
					 TASK_MIGRATE };
	struct vm_here *v = &w->host[host].l.vm[vm];

	if (!w->host[host].l.pcmk.is_up) {
		return;
	}
	if (v->task != TASK_NONE) {
		pcmk_report(w, host, vm);
		return;
	}
	if (w->l.restarts.is_on && (arg & 3) == ACT_START) {
		note_pending(w, host, vm);
	}
	agent_begin(w, host, vm, (enum task)tasks[arg & 3], arg >> 8);
}

/* A start that failed is not tried there again; it stands in the history,
 * with its number, until somebody clears it. */
static void
note_failure(struct world *w, uint32_t host, uint32_t vm, struct cib *cib)
{
	struct vm_here *v = &w->host[host].l.vm[vm];

	if (v->failure == FAILURE_OTHER || v->qemu == QEMU_RUNNING) {
		return;
	}
	cib->banned[host] = (uint8_t)(cib->banned[host] | 1u << vm);
	if (v->failure == FAILURE_REFUSED) {
		cib->refused = (uint8_t)(cib->refused | 1u << vm);
	} else {
		cib->fails[host][vm] = ++w->l.restarts.fail_ids;
	}
	v->failure = FAILURE_OTHER;
}

/* What the executor noted goes to the CIB, now or at the next turn. */
void
pcmk_report(struct world *w, uint32_t host, uint32_t vm)
{
	struct vm_here *v = &w->host[host].l.vm[vm];
	struct cib *cib = cib_begin(w, host);

	if (!cib || cib->record[host][vm] == v->record) {
		return;
	}
	cib->record[host][vm] = v->record;
	if (w->l.restarts.is_on && v->record == RECORD_FAILED) {
		note_failure(w, host, vm, cib);
	} else if (v->record == RECORD_FAILED && v->qemu != QEMU_RUNNING) {
		cib->banned[host] = (uint8_t)(cib->banned[host] | 1u << vm);
	}
	cib_commit(w, host);
}

static void
look_at_vms(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	uint32_t v;

	for (v = 0; v < w->l.vms; v++) {
		struct vm_here *vm = &h->l.vm[v];

		if (vm->task != TASK_NONE) {
			continue;
		}
		if (vm->record == RECORD_STARTED && vm->qemu != QEMU_RUNNING) {
			STORY(w, host, "vm%u: monitor finds it gone", v);
			vm->record = RECORD_FAILED;
			vm->failure = FAILURE_OTHER;
		} else if (vm->qemu == QEMU_RUNNING &&
			   (vm->record == RECORD_NONE ||
			    vm->record == RECORD_STOPPED)) {
			vm->record = RECORD_STARTED;
		}
		pcmk_report(w, host, v);
	}
}

static bool
look_at_nodes(struct world *w, uint32_t host, struct cib *cib)
{
	uint32_t i;
	bool is_changed = false;

	for (i = 0; i < w->hosts; i++) {
		const struct host *h = &w->host[i];

		if (h->l.pcmk.has_exited && h->has_corosync &&
		    h->net_seq == w->host[host].net_seq &&
		    cib->node[i] != NODE_UNCLEAN && draw_percent(w, 20)) {
			cib->node[i] = NODE_UNCLEAN;
			is_changed = true;
		}
	}
	return is_changed;
}

static void
dc_turn(struct world *w, uint32_t host)
{
	struct pacemaker *p = &w->host[host].l.pcmk;
	struct cib *cib = cib_begin(w, host);
	bool is_changed;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if ((p->fencing & 1u << i) &&
		    w->now_us >= p->fence_until_us[i]) {
			p->fencing = (uint8_t)(p->fencing & ~(1u << i));
			lock_push(w, EV_DC, host, 0, 0, 1000);
		}
	}
	if (!cib) {
		return;
	}
	is_changed = look_at_nodes(w, host, cib);
	if (w->l.restarts.is_on) {
		is_changed |= restart_promote(w, host, cib);
		p->forgive_us = NEVER_US; /* the master clears failures */
	}
	for (i = 0; i < w->hosts && w->now_us >= p->forgive_us; i++) {
		is_changed |= cib->banned[i] != 0;
		cib->banned[i] = 0;
	}
	if (w->now_us >= p->forgive_us) {
		p->forgive_us = w->now_us +
				FORGIVE_BEATS * US_PER_MS * w->timing.beat_ms;
	}
	if (is_changed) {
		cib_commit(w, host);
	}
}

void
pcmk_turn(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];

	if (!h->l.pcmk.is_up || !h->net_seq) {
		return;
	}
	if (h->l.pcmk.join_seq != h->net_seq && !net_is_stuck(w, host)) {
		pcmk_meet(w, h->net_seq);
	}
	look_at_vms(w, host);
	if (h->l.pcmk.dc == host) {
		dc_turn(w, host);
	}
}

/* fence_vmha's exit: to the DC of its side, if that can be reached. */
void
pcmk_answer(struct world *w, uint32_t host, uint32_t about, bool is_success)
{
	struct host *h = &w->host[host];
	uint32_t dc = h->l.pcmk.dc;

	if (h->l.pcmk.is_up && dc < w->hosts && w->host[dc].is_on &&
	    w->host[dc].net_seq == h->net_seq && !net_is_stuck(w, host)) {
		lock_push(w, EV_FENCED, dc, about, is_success,
			  draw_between(w, 500, REPORT_US_MAX));
	}
}

static void
note_fenced(struct world *w, uint32_t host, uint32_t about)
{
	struct cib *cib = cib_begin(w, host);
	uint32_t v;

	if (!cib) {
		return;
	}
	cib->node[about] = NODE_FENCED;
	for (v = 0; v < w->l.vms; v++) {
		cib->record[about][v] = RECORD_NONE;
		cib->fails[about][v] = 0;
	}
	cib->banned[about] = 0;
	cib_commit(w, host);
}

void
pcmk_fenced(struct world *w, uint32_t host, uint32_t about, bool is_success)
{
	struct host *h = &w->host[host];
	struct pacemaker *p = &h->l.pcmk;

	if (!p->is_up || p->dc != host || !(p->fencing & 1u << about)) {
		return;
	}
	p->fencing = (uint8_t)(p->fencing & ~(1u << about));
	if (!is_success) {
		lock_push(w, EV_DC, host, 0, 0,
			  draw_below(w, RETRY_BEATS * w->timing.beat_ms *
						US_PER_MS));
		return;
	}
	/* Everybody hears it; a member that is told leaves for good. */
	if (w->host[about].l.pcmk.is_up &&
	    w->host[about].net_seq == h->net_seq &&
	    w->host[about].l.pcmk.join_seq == h->net_seq) {
		pcmk_exit(w, about, "told that it was fenced");
	}
	note_fenced(w, host, about);
	p->graph.fenced = (uint8_t)(p->graph.fenced | 1u << about);
	graph_go(w, host);
}
