/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the DC makes of its CIB: a graph of actions, computed at one moment and
 * walked through while the state changes; a fencing's success lets it go on
 * though a newer CIB would say otherwise (safety evidence F6). With freeze a
 * side without quorum starts nothing but what was active there.
 */
#include "sim.h"

#define ACT_LOW_US 1000
#define ACT_HIGH_US 100000
#define QUEUED_PERCENT 12
#define QUEUED_US 2500000

struct view {
	struct world *w;
	const struct cib *cib;
	uint8_t members; /* peers of the DC */
	bool is_quorate;
};

static bool
is_active(uint8_t record)
{
	return record != RECORD_NONE && record != RECORD_STOPPED;
}

static bool
may_act(const struct view *s, uint32_t vm)
{
	return !s->w->l.has_manager || s->cib->ticket[vm].is_granted;
}

static uint32_t
any_peer(const struct view *s, uint32_t vm, uint32_t without)
{
	uint8_t fit = 0;
	uint32_t i;

	for (i = 0; i < s->w->hosts; i++) {
		if ((s->members & 1u << i) && i != without &&
		    !(s->cib->banned[i] & 1u << vm)) {
			fit = (uint8_t)(fit | 1u << i);
		}
	}
	if (!fit) {
		return NO_HOST;
	}
	do {
		i = (uint32_t)draw_below(s->w, s->w->hosts);
	} while (!(fit & 1u << i));
	return i;
}

static void
plan_start(const struct view *s, struct graph *g, uint32_t vm)
{
	bool may = may_act(s, vm) &&
		   (s->is_quorate || (s->cib->recover & 1u << vm));

	if ((s->cib->wanted & 1u << vm) && may) {
		g->at[vm] = (uint8_t)any_peer(s, vm, NO_HOST);
		g->act[vm] = g->at[vm] == NO_HOST ? ACT_NONE : ACT_START;
	}
}

static void
plan_vm(const struct view *s, struct graph *g, uint32_t vm)
{
	uint32_t active = 0;
	uint32_t at = NO_HOST;
	bool is_lost = false;
	uint32_t i;

	for (i = 0; i < s->w->hosts; i++) {
		uint8_t record = s->cib->record[i][vm];

		if (!is_active(record)) {
			continue;
		}
		if (!(s->members & 1u << i)) {
			/* Its fencing, if it is to come, makes it free. */
			is_lost |= s->cib->node[i] != NODE_UNCLEAN;
			continue;
		}
		if (record == RECORD_PENDING || record == RECORD_STOP_FAILED) {
			return;
		}
		active++;
		at = i;
	}
	if (!active) {
		if (!is_lost) {
			plan_start(s, g, vm);
		}
		return;
	}
	if (may_act(s, vm) &&
	    (active > 1 || s->cib->record[at][vm] == RECORD_FAILED ||
	     !(s->cib->wanted & 1u << vm))) {
		g->act[vm] = ACT_STOP;
		g->at[vm] = (uint8_t)at;
	}
}

static uint8_t
fences_of(const struct view *s)
{
	uint8_t fences = 0;
	uint32_t i;
	uint32_t v;

	for (i = 0; i < s->w->hosts && s->is_quorate; i++) {
		bool must = s->cib->node[i] == NODE_UNCLEAN;

		for (v = 0; v < s->w->l.vms && (s->members & 1u << i); v++) {
			must |= s->cib->record[i][v] == RECORD_STOP_FAILED &&
				may_act(s, v);
		}
		if (must) {
			fences = (uint8_t)(fences | 1u << i);
		}
	}
	return fences;
}

static void
send_act(struct world *w, uint32_t host, uint32_t vm)
{
	struct graph *g = &w->host[host].l.pcmk.graph;
	struct cib *cib = cib_begin(w, host);
	uint64_t wait_us = draw_between(w, ACT_LOW_US, ACT_HIGH_US);

	if (!cib) {
		return;
	}
	if (draw_percent(w, QUEUED_PERCENT) && !w->is_quiet) {
		wait_us = draw_below(w, QUEUED_US);
	}
	if (g->act[vm] == ACT_STOP) {
		cib->recover = (uint8_t)(cib->recover | 1u << vm);
	}
	cib->record[g->at[vm]][vm] = RECORD_PENDING;
	cib_spread(w, host);
	STORY(w, host, "DC: act %u of vm%u on h%u", g->act[vm], vm, g->at[vm]);
	if (w->l.restarts.is_on && g->act[vm] == ACT_START) {
		check_start(w, host, vm);
		w->l.restarts.truth[vm].sent_us = w->now_us;
	}
	lock_push(w, EV_ACT, g->at[vm], vm,
		  g->act[vm] | (uint32_t)g->to[vm] << 8, wait_us);
	g->act[vm] = ACT_NONE;
}

/* What is ready; starts wait for every fencing of the graph. */
void
graph_go(struct world *w, uint32_t host)
{
	struct graph *g = &w->host[host].l.pcmk.graph;
	uint32_t v;

	for (v = 0; v < w->l.vms && g->is_valid; v++) {
		if (g->act[v] != ACT_NONE &&
		    (g->act[v] != ACT_START || !(g->fences & ~g->fenced))) {
			send_act(w, host, v);
		}
	}
}

static void
ask_fencing(struct world *w, uint32_t host, uint32_t about, uint8_t members)
{
	struct pacemaker *p = &w->host[host].l.pcmk;
	uint64_t b_us = w->timing.beat_ms * US_PER_MS;
	uint32_t by;

	do {
		by = (uint32_t)draw_below(w, w->hosts);
	} while (!(members & 1u << by));
	p->fencing = (uint8_t)(p->fencing | 1u << about);
	p->fence_until_us[about] =
		w->now_us + w->silence_ms * US_PER_MS + 30 * b_us;
	STORY(w, host, "DC: h%u is to fence h%u", by, about);
	if (by == about || w->host[by].d.phase != PHASE_ARMED ||
	    w->host[by].paused_until_us > w->now_us ||
	    w->host[by].d.sessions[about].is_open) {
		lock_push(w, EV_FENCED, host, about, 0,
			  draw_between(w, 1000, b_us));
		return;
	}
	observe_session(w, by, about,
			(w->host[by].d.members & 1u << about) != 0);
	w->host[by].d.sessions[about].is_asked = true;
}

void
graph_compute(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	struct pacemaker *p = &h->l.pcmk;
	struct graph *g = &p->graph;
	struct view s = { .w = w,
			  .cib = &p->cib,
			  .is_quorate = h->is_net_quorate };
	uint32_t i;

	*g = (struct graph){ .is_valid = true };
	for (i = 0; i < w->hosts; i++) {
		if (w->host[i].l.pcmk.is_up && w->host[i].is_on &&
		    w->host[i].net_seq == h->net_seq &&
		    w->host[i].l.pcmk.join_seq == h->net_seq) {
			s.members = (uint8_t)(s.members | 1u << i);
		}
	}
	for (i = 0; i < w->l.vms; i++) {
		plan_vm(&s, g, i);
	}
	g->fences = fences_of(&s);
	for (i = 0; i < w->hosts; i++) {
		if (g->fences & ~p->fencing & 1u << i) {
			ask_fencing(w, host, i, s.members);
		}
	}
	graph_go(w, host);
}
