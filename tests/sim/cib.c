/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pacemaker's CIB: a copy on each host, one for each membership. Writes need no
 * quorum, and when sides meet the larger version wins, whoever had quorum.
 * Who was lost together with the DC and has nothing recorded is forgotten.
 */
#include <string.h>

#include "sim.h"

#define NOTICE_LOW_US 1000
#define NOTICE_HIGH_US 60000
#define BACKLOG_US 1200000
#define BACKLOG_PERCENT 15
#define REWRITE_PERCENT 30
#define UPDATES_MAX 60

static bool
is_peer(const struct world *w, uint32_t host, uint32_t seq)
{
	const struct host *h = &w->host[host];

	return h->is_on && h->has_corosync && h->net_seq == seq &&
	       h->l.pcmk.is_up;
}

/* For a change: NULL while it can't be made. */
struct cib *
cib_begin(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];

	if (!is_peer(w, host, h->net_seq) || !h->net_seq ||
	    h->l.pcmk.join_seq != h->net_seq || net_is_stuck(w, host) ||
	    h->paused_until_us > w->now_us) {
		return NULL;
	}
	return &h->l.pcmk.cib;
}

/* To all of the membership; the DC's own graph is not made void. */
void
cib_spread(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	struct cib *cib = &h->l.pcmk.cib;
	uint32_t i;

	cib->updates++;
	for (i = 0; i < w->hosts; i++) {
		struct pacemaker *p = &w->host[i].l.pcmk;

		if (i != host && is_peer(w, i, h->net_seq) &&
		    p->join_seq == h->net_seq) {
			p->cib = *cib;
		}
	}
}

void
cib_commit(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];

	cib_spread(w, host);
	if (h->l.pcmk.dc < w->hosts) {
		uint64_t wait_us =
			draw_between(w, NOTICE_LOW_US, NOTICE_HIGH_US);

		if (draw_percent(w, BACKLOG_PERCENT)) {
			wait_us = draw_below(w, BACKLOG_US);
		}
		lock_push(w, EV_DC, h->l.pcmk.dc, 0, 0, wait_us);
	}
}

static bool
is_newer(const struct cib *a, const struct cib *b)
{
	return a->epoch != b->epoch ? a->epoch > b->epoch :
				      a->updates > b->updates;
}

static uint32_t
find_winner(struct world *w, uint32_t seq)
{
	uint32_t best = NO_HOST;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (is_peer(w, i, seq) &&
		    (best == NO_HOST || is_newer(&w->host[i].l.pcmk.cib,
						 &w->host[best].l.pcmk.cib))) {
			best = i;
		}
	}
	return best;
}

/* A DC that is still there stays; of two one, by chance. */
static uint32_t
find_dc(struct world *w, uint32_t seq, uint32_t winner)
{
	uint32_t dc = NO_HOST;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (is_peer(w, i, seq) && w->host[i].l.pcmk.dc == i &&
		    (dc == NO_HOST || draw_percent(w, 50))) {
			dc = i;
		}
	}
	return dc == NO_HOST ? winner : dc;
}

static bool
has_active(const struct world *w, const struct cib *cib, uint32_t node)
{
	uint32_t v;

	for (v = 0; v < w->l.vms; v++) {
		if (cib->record[node][v] != RECORD_NONE &&
		    cib->record[node][v] != RECORD_STOPPED) {
			return true;
		}
	}
	return false;
}

/* Pacemaker 2.1.5, controld_join_dc.c: tried. */
static uint8_t
node_of_lost(const struct world *w, const struct cib *cib, uint32_t node,
	     bool is_dc_here, bool is_quorate)
{
	switch ((enum node)cib->node[node]) {
	case NODE_UNSEEN:
		return is_quorate ? NODE_UNCLEAN : NODE_UNSEEN;
	case NODE_MEMBER:
		return is_dc_here || node == cib->dc ||
				       has_active(w, cib, node) ?
			       NODE_UNCLEAN :
			       NODE_LOST;
	case NODE_LOST:
	case NODE_UNCLEAN:
	case NODE_FENCED:
		break;
	}
	return cib->node[node];
}

static void
update_nodes(struct world *w, struct cib *cib, uint32_t seq, uint8_t members,
	     bool is_quorate)
{
	bool is_dc_here = cib->dc < w->hosts && is_peer(w, cib->dc, seq);
	uint32_t i;
	uint32_t v;

	for (i = 0; i < w->hosts; i++) {
		const struct lock_host *l = &w->host[i].l;

		if (is_peer(w, i, seq)) {
			if (w->l.restarts.is_on &&
			    cib->node[i] != NODE_MEMBER) {
				cib->banned[i] = 0;
				memset(cib->fails[i], 0, sizeof(cib->fails[i]));
			}
			cib->node[i] = NODE_MEMBER;
			for (v = 0; v < w->l.vms; v++) {
				cib->record[i][v] = l->vm[v].record;
			}
		} else if (!(members & 1u << i)) {
			cib->node[i] =
				node_of_lost(w, cib, i, is_dc_here, is_quorate);
		}
	}
}

/* Changes of its own that the DC of a new membership makes. */
static void
rewrite(struct world *w, struct cib *cib)
{
	if (draw_percent(w, REWRITE_PERCENT) && !w->is_quiet) {
		cib->epoch++;
		cib->updates = 0;
	} else {
		cib->updates += (uint32_t)draw_below(w, UPDATES_MAX);
	}
}

void
pcmk_meet(struct world *w, uint32_t seq)
{
	uint32_t winner = find_winner(w, seq);
	struct cib cib;
	uint32_t dc;
	uint32_t i;

	if (winner == NO_HOST) {
		return;
	}
	dc = find_dc(w, seq, winner);
	cib = w->host[winner].l.pcmk.cib;
	update_nodes(w, &cib, seq, w->host[winner].net_members,
		     w->host[winner].is_net_quorate);
	cib.dc = (uint8_t)dc;
	cib.recover = 0;
	rewrite(w, &cib);
	w->l.merges++;
	STORY(w, SIM_HOSTS, "Pacemaker meets in %u: CIB of h%u, DC h%u", seq,
	      winner, dc);
	for (i = 0; i < w->hosts; i++) {
		if (is_peer(w, i, seq)) {
			struct pacemaker *p = &w->host[i].l.pcmk;

			p->cib = cib;
			p->dc = (uint8_t)dc;
			p->join_seq = seq;
			p->graph.is_valid = false;
			p->fencing = 0;
		}
	}
	lock_push(w, EV_DC, dc, 0, 0, draw_between(w, 1000, 300000));
}
