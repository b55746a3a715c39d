/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is master: each manager writes its score by ha_election_score(), the DC
 * promotes the highest, and a host acts as master by ha_master_judge().
 */
#include "manager.h"

#define SCORE_PERCENT 70
#define PROMOTE_PERCENT 50

static void
count_stores(const struct world *w, uint32_t host, struct ha_candidate *c)
{
	const struct daemon *d = &w->host[host].d;
	uint64_t now_ms = world_local_ms(w, host);
	uint64_t since_ms = now_ms > w->silence_ms ? now_ms - w->silence_ms : 0;
	uint64_t stamp_ms = 0;
	uint32_t read = 0;
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		bool is_read = d->store[s].read_submitted_ms >= since_ms &&
			       d->store[s].has_read;

		read += is_read;
		c->stores += is_read && d->store[s].has_written;
	}
	c->can_read = read >= w->r;
	c->can_write = ha_evidence_stamp(&d->evidence, &stamp_ms) &&
		       stamp_ms >= since_ms;
}

/* A host says how well it would do. */
void
restart_stand(struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;
	struct cib *cib = cib_begin(w, host);
	const char *names[SIM_HOSTS];
	struct ha_candidate c = {
		.name = sim_host_name(host),
		.is_seen = true,
		.is_quorate = d->ring.has_membership && d->ring.is_quorate,
		.is_isolated = d->l.isolation.state == HA_ISOLATION_ISOLATED,
	};
	uint32_t score;
	uint32_t i;

	if (!cib || !draw_percent(w, SCORE_PERCENT)) {
		return;
	}
	for (i = 0; i < w->hosts; i++) {
		names[i] = sim_host_name(i);
	}
	count_stores(w, host, &c);
	c.is_sitting = cib->promoted == host + 1 && d->l.master.is_on &&
		       !world_is_off(w, RULE_SITTING);
	score = ha_election_score(&c, names, w->hosts);
	if (cib->score[host] != score || cib->stores[host] != c.stores) {
		cib->score[host] = score;
		cib->stores[host] = c.stores;
		cib_spread(w, host);
	}
}

/* The DC's turn; true: the CIB has changed. */
bool
restart_promote(struct world *w, uint32_t dc, struct cib *cib)
{
	uint32_t best = SIM_HOSTS;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (cib->node[i] != NODE_MEMBER) {
			cib->score[i] = 0;
		} else if (cib->score[i] &&
			   (best == SIM_HOSTS ||
			    cib->score[i] > cib->score[best])) {
			best = i;
		}
	}
	if (best == SIM_HOSTS || cib->promoted == best + 1 ||
	    !draw_percent(w, PROMOTE_PERCENT)) {
		return false;
	}
	check_promotion(w, cib, best);
	STORY(w, dc, "DC: h%u is promoted", best);
	cib->promoted = (uint8_t)(best + 1);
	w->l.restarts.changes++;
	return true;
}

bool
restart_acts(struct world *w, uint32_t host)
{
	const struct cib *cib = &w->host[host].l.pcmk.cib;
	const struct daemon *d = &w->host[host].d;
	struct ha_master_host hosts[SIM_HOSTS];
	struct ha_master_verdict v;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		hosts[i] = (struct ha_master_host){
			.name = sim_host_name(i),
			.is_live = (d->members & 1u << i) != 0 &&
				   cib->node[i] == NODE_MEMBER,
			.is_promoted = cib->promoted == i + 1,
			.is_dc = cib->dc == i,
			.has_manager = i == host || cib->score[i] != 0,
			.is_master = i == host ? d->l.master.is_on :
						 d->newest[i].claims.is_master,
		};
	}
	v = ha_master_judge(hosts, w->hosts, false);
	return v.as != HA_MASTER_NOBODY && v.host == host;
}
