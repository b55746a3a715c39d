/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts that vanished and of which nobody knows that they are dead, sealed or
 * stopped: the master asks for their fencing, or Pacemaker, which has forgotten
 * one that left together with its DC, never would.
 */
#include "sim.h"

#define ASK_BEATS 6

/* SAFETY 18: nobody else asks for those that Pacemaker forgot, or believes
 * cleanly down. */
void
lost_ask(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	struct master *m = &d->l.master;
	struct cib *cib = cib_begin(w, host);
	bool is_asked = false;
	uint32_t i;

	if (!cib || w->now_us < m->asked_us + ASK_BEATS * US_PER_MS *
						      w->timing.beat_ms) {
		return;
	}
	for (i = 0; i < w->hosts; i++) {
		if ((d->members & 1u << i) || cib->node[i] == NODE_UNCLEAN ||
		    cib->node[i] == NODE_MEMBER ||
		    (d->newest[i].claims.is_sealed &&
		     d->newest[i].state == BLOCK_ARMED) ||
		    keep_is_gone(w, host, i, 0)) {
			continue;
		}
		STORY(w, host, "asks for the fencing of h%u", i);
		cib->node[i] = NODE_UNCLEAN;
		is_asked = true;
	}
	if (is_asked) {
		m->asked_us = w->now_us;
		cib_commit(w, host);
	}
}
