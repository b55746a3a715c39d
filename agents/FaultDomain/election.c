/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The election in the daemon: gathers the facts for ha/election.h, tells
 * Pacemaker this host's promotion score, and takes the agent's word of what was
 * promoted. While nobody is promoted the coordinator (DC) acts, so that nobody
 * waits for a promotion. It must never write without quorum (SAFETY 20), nor
 * wait for the program that writes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

#define SCORE_TEXT 16

static const struct fdm_node *
node_at(const struct fdm *fdm, guint index)
{
	return &g_array_index(fdm->facts->nodes, struct fdm_node, index);
}

static bool
is_live(const struct fdm_node *node, const struct fdm_host *host)
{
	return node->is_online && host && host->is_member && !host->is_gone;
}

/* ---- who acts ------------------------------------------------------------ */

static struct ha_master_host
master_host(const struct fdm *fdm, const struct fdm_node *node, uint64_t now_ms)
{
	const struct fdm_election *election = &fdm->election;
	const struct fdm_host *host = fdm_snap_host(fdm->snap, node->name);
	bool is_self = strcmp(node->name, fdm->snap->self) == 0;

	return (struct ha_master_host){
		.name = node->name,
		.is_live = is_live(node, host),
		/* The history is late, and calls a reload a start. */
		.is_promoted =
			is_self ? election->is_promoted : node->is_promoted,
		.is_dc = strcmp(node->name, fdm->facts->dc) == 0,
		.has_manager = is_self ||
			       fdm_facts_is_active(node, fdm->facts->domain),
		.is_master = is_self ?
				     fdm->master.term != 0 :
				     host && host->is_master &&
					     host->is_member && host->is_fresh,
		.is_idle = !is_self &&
			   now_ms >= election->active_ms + FDM_IDLE_MASTER_MS,
	};
}

/* Whoever was promoted and still lives has been demoted: the next one is about
 * to be promoted. Or it was reloaded, which the history of another host shows as
 * a start until the monitor that follows. */
static bool
is_moving(struct fdm *fdm, const struct ha_master_host *hosts, size_t count,
	  uint64_t now_ms)
{
	struct fdm_election *election = &fdm->election;
	bool is_past_live = false;

	election->has_promoted = false;
	for (size_t i = 0; i < count; i++) {
		if (hosts[i].is_live && hosts[i].is_promoted) {
			election->has_promoted = true;
		}
		is_past_live = is_past_live ||
			       (hosts[i].is_live &&
				strcmp(hosts[i].name, election->past) == 0);
	}
	if (election->has_promoted || !is_past_live ||
	    !fdm->facts->is_promotable) {
		election->moved_ms = 0;
		return false;
	}
	if (election->moved_ms == 0) {
		election->moved_ms = now_ms;
	}
	return now_ms < election->moved_ms + FDM_MOVE_MS;
}

static void
find_master(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_election *election = &fdm->election;
	guint count = fdm->facts->nodes->len;
	struct ha_master_host *hosts = g_new0(struct ha_master_host, count + 1);
	struct ha_master_verdict verdict;

	for (guint i = 0; i < count; i++) {
		hosts[i] = master_host(fdm, node_at(fdm, i), now_ms);
	}
	verdict = ha_master_judge(hosts, count,
				  is_moving(fdm, hosts, count, now_ms));
	election->as = verdict.as;
	election->host[0] = '\0';
	if (verdict.as != HA_MASTER_NOBODY) {
		g_strlcpy(election->host, hosts[verdict.host].name,
			  sizeof(election->host));
	}
	if (verdict.as == HA_MASTER_PROMOTED) {
		g_strlcpy(election->past, election->host,
			  sizeof(election->past));
	}
	if (!election->has_promoted || (verdict.as == HA_MASTER_PROMOTED &&
					hosts[verdict.host].is_master)) {
		election->active_ms = now_ms;
	}
	for (guint i = 0; i < count; i++) {
		/* One that was idle, and is master after all. */
		if (hosts[i].is_live && hosts[i].is_promoted &&
		    hosts[i].is_master) {
			election->active_ms = now_ms;
		}
	}
	g_free(hosts);
}

bool
fdm_election_is_mine(const struct fdm *fdm)
{
	return fdm->election.as != HA_MASTER_NOBODY &&
	       strcmp(fdm->election.host, fdm->snap->self) == 0;
}

void
fdm_election_why(const struct fdm *fdm, struct ha_err *ret_why)
{
	const struct fdm_election *election = &fdm->election;

	switch (election->as) {
	case HA_MASTER_PROMOTED:
		(void)ha_err_set(ret_why, 0, "%s is promoted", election->host);
		return;
	case HA_MASTER_INTERIM:
		(void)ha_err_set(ret_why, 0,
				 "nobody is promoted, and the coordinator (DC) "
				 "is %s",
				 election->host);
		return;
	case HA_MASTER_NOBODY:
	case HA_MASTER_N:
		break;
	}
	(void)ha_err_set(ret_why, 0,
			 election->moved_ms != 0 ?
				 "the next master is about to be promoted" :
				 "nobody is promoted, and Pacemaker has no "
				 "coordinator (DC)");
}

bool
fdm_election_hands_over(const struct fdm *fdm, uint64_t now_ms)
{
	const struct fdm_election *election = &fdm->election;
	const struct fdm_snap *snap = fdm->snap;
	const struct fdm_host *next;

	if (fdm->master.term == 0 || now_ms >= fdm->master.lease_until_ms ||
	    !fdm_has_facts(fdm) || !fdm_has_snap(fdm, now_ms) ||
	    !snap->is_quorate || !snap->can_write || !snap->can_read ||
	    election->as != HA_MASTER_PROMOTED || fdm_election_is_mine(fdm)) {
		return false;
	}
	next = fdm_snap_host(snap, election->host);
	return next && !(next->is_master && next->is_fresh);
}

/* ---- this host's score ---------------------------------------------------- */

static struct ha_candidate
candidate_of(const struct fdm *fdm, const struct fdm_node *node)
{
	const struct fdm_snap *snap = fdm->snap;
	const struct fdm_host *host = fdm_snap_host(snap, node->name);
	bool is_self = strcmp(node->name, snap->self) == 0;

	/* Whether another one can write and read, it alone knows. */
	return (struct ha_candidate){
		.name = node->name,
		.is_seen = host &&
			   (is_self || (is_live(node, host) && host->is_fresh)),
		.is_quorate =
			is_self ? snap->is_quorate && fdm->facts->have_quorum :
				  true,
		.is_in_maintenance = node->is_in_maintenance,
		.is_isolated = is_self ? responder_is_isolated(fdm->responder) :
					 host && host->is_isolated,
		.can_write = !is_self || snap->can_write,
		.can_read = !is_self || snap->can_read,
		.is_sitting = is_self && fdm->election.is_promoted &&
			      fdm->election.as == HA_MASTER_PROMOTED &&
			      fdm_election_is_mine(fdm) &&
			      fdm->master.term != 0,
		.stores = host ? host->stores : 0,
	};
}

/* Does another host that seems to stand come first? */
static bool
is_best(const struct fdm *fdm, const struct ha_candidate *own)
{
	for (guint i = 0; i < fdm->facts->nodes->len; i++) {
		struct ha_candidate other = candidate_of(fdm, node_at(fdm, i));

		if (strcmp(other.name, own->name) != 0 &&
		    ha_election_judge(&other) == HA_ELECTION_STANDS &&
		    ha_election_compare(&other, own) > 0) {
			return false;
		}
	}
	return true;
}

static uint32_t
score_of(const struct fdm *fdm, const struct ha_candidate *own)
{
	guint count = fdm->facts->nodes->len;
	const char **names = g_new0(const char *, count + 1);
	uint32_t score;

	for (guint i = 0; i < count; i++) {
		names[i] = node_at(fdm, i)->name;
	}
	score = ha_election_score(own, names, count);
	g_free(names);
	return score;
}

static void
judge_own(struct fdm *fdm, const struct fdm_node *node, bool has_snap,
	  uint64_t now_ms)
{
	struct fdm_election *election = &fdm->election;
	struct ha_candidate own = { .name = node->name };

	if (has_snap) {
		own = candidate_of(fdm, node);
	}
	election->why = ha_election_judge(&own);
	election->stores = own.stores;
	election->score = score_of(fdm, &own);
	if (election->score == 0 || election->has_promoted) {
		election->stand_ms = 0;
	} else if (election->stand_ms == 0) {
		election->stand_ms = now_ms;
	}
	election->is_best = election->stand_ms != 0 && is_best(fdm, &own);
	if (fdm->facts->is_promotable &&
	    (!election->was_told || election->told_why != election->why)) {
		if (election->why != HA_ELECTION_STANDS) {
			fdm_log(FDM_LOG_NO_CANDIDATE,
				ha_election_why_text(election->why));
		} else {
			fdm_log(FDM_LOG_CANDIDATE, election->stores);
		}
		election->was_told = true;
		election->told_why = election->why;
	}
}

static void
on_written(struct fdm *fdm, bool is_good)
{
	struct fdm_election *election = &fdm->election;
	uint64_t now_ms = ha_clock_now_ms();

	election->is_writing = false;
	election->min_copy = is_good ? fdm->copies + 1 : UINT64_MAX;
	election->write_ms =
		now_ms + (is_good ? FDM_COPY_MS : FDM_SCORE_AGAIN_MS);
}

/* As crm_attribute --promotion of an agent would; 0 takes it back. */
static void
write_score(struct fdm *fdm, uint32_t score,
	    void (*done)(struct fdm *fdm, bool is_good))
{
	char name[HA_RESOURCE_NAME + 16];
	char value[SCORE_TEXT + 16];
	char host[HA_HOST_NAME + 16];
	char what[HA_RESOURCE_NAME + 64];
	const char *argv[] = { "crm_attribute", name, "--lifetime=reboot", host,
			       value,           NULL };

	(void)snprintf(name, sizeof(name), "--promotion=%.63s",
		       fdm->election.domain);
	(void)snprintf(host, sizeof(host), "--node=%s", fdm->election.self);
	if (score > 0) {
		(void)snprintf(value, sizeof(value), "--update=%u", score);
	} else {
		(void)snprintf(value, sizeof(value), "--delete");
	}
	(void)snprintf(what, sizeof(what), "crm_attribute %s %s", name, value);
	fdm_log(FDM_LOG_SCORE, score);
	fdm->election.is_writing = true;
	fdm->election.has_score = score > 0;
	fdm_child_run(fdm, argv, FDM_SCORE_MS, what, done);
}

/* A first score waits, unless it is the best: Pacemaker promotes the first one
 * that it sees, and whoever sits stays. */
static bool
is_due(const struct fdm *fdm, const struct fdm_node *node, uint32_t wanted,
       uint64_t now_ms)
{
	const struct fdm_election *election = &fdm->election;

	if (election->is_writing ||
	    (fdm->copies < election->min_copy && now_ms < election->write_ms)) {
		return false;
	}
	/* A hiccup of a busy host displaces no master. And in standby Pacemaker
	 * stops this daemon without a word of its own; a change would make it
	 * wait for all that is under way, live migrations too, before it
	 * promotes anybody. */
	if (election->lower_ms != 0 &&
	    now_ms < election->lower_ms + FDM_WITHDRAW_MS) {
		return false;
	}
	return wanted == 0 || node->score || election->has_promoted ||
	       election->is_best ||
	       now_ms >= election->stand_ms + FDM_ELECTION_MS;
}

static void
look_at_score(struct fdm *fdm, bool has_snap, uint64_t now_ms)
{
	const struct fdm_node *node =
		fdm_facts_node(fdm->facts, fdm->election.self);
	uint32_t wanted;
	uint32_t there;

	if (!node || !fdm->facts->has_domain) {
		return;
	}
	g_strlcpy(fdm->election.domain, fdm->facts->domain,
		  sizeof(fdm->election.domain));
	judge_own(fdm, node, has_snap, now_ms);
	wanted = fdm->facts->is_promotable ? fdm->election.score : 0;
	there = node->score ? (uint32_t)strtoul(node->score, NULL, 10) : 0;
	/* Two sides have become one: the one that does not act gives way. */
	if (!node->score || wanted >= there ||
	    (fdm->election.as == HA_MASTER_PROMOTED &&
	     !fdm_election_is_mine(fdm))) {
		fdm->election.lower_ms = 0;
	} else if (fdm->election.lower_ms == 0) {
		fdm->election.lower_ms = now_ms;
	}
	/* SAFETY 20: without quorum nothing is written, this neither. */
	if ((wanted != there || (wanted == 0 && node->score)) &&
	    fdm->facts->have_quorum && (!has_snap || fdm->snap->is_quorate) &&
	    is_due(fdm, node, wanted, now_ms)) {
		write_score(fdm, wanted, on_written);
	}
}

void
fdm_election_look(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_election *election = &fdm->election;
	bool has_snap = fdm_has_snap(fdm, now_ms);

	if (!fdm_has_facts(fdm) || !has_snap) {
		election->as = HA_MASTER_NOBODY;
		election->moved_ms = 0;
		election->active_ms = now_ms;
	} else {
		/* A plain clone has nobody promoted. */
		if (!fdm->facts->is_promotable && election->is_promoted) {
			election->is_promoted = false;
			fdm_log(FDM_LOG_DEMOTED, "its clone is not promotable "
						 "any more");
		}
		find_master(fdm, now_ms);
	}
	if (has_snap) {
		g_strlcpy(election->self, fdm->snap->self,
			  sizeof(election->self));
	}
	/* Without heartbeatd too: the score is then taken back. */
	if (fdm_has_facts(fdm) && election->self[0]) {
		look_at_score(fdm, has_snap, now_ms);
	}
}

/* By the name that the resource had: it may be gone from the CIB. */
bool
fdm_election_end(struct fdm *fdm, void (*done)(struct fdm *fdm, bool is_good))
{
	if (!fdm->election.has_score || !fdm_has_facts(fdm) ||
	    !fdm->facts->have_quorum) {
		return false;
	}
	write_score(fdm, 0, done);
	return true;
}

/* ---- what the agent says --------------------------------------------------- */

json_t *
fdm_op_promote(struct fdm *fdm, uint32_t client, const json_t *request)
{
	(void)client;
	(void)request;
	if (!fdm->election.is_promoted) {
		fdm->election.is_promoted = true;
		fdm_log(FDM_LOG_PROMOTED);
	}
	return ha_ipc_ok();
}

json_t *
fdm_op_demote(struct fdm *fdm, uint32_t client, const json_t *request)
{
	(void)client;
	(void)request;
	if (fdm->election.is_promoted) {
		fdm->election.is_promoted = false;
		fdm_log(FDM_LOG_DEMOTED, "Pacemaker has demoted it");
		if (fdm->master.term != 0 || fdm->master.is_asking) {
			fdm_master_end(fdm, "Pacemaker has demoted it");
		}
	}
	return ha_ipc_ok();
}

json_t *
fdm_election_json(const struct fdm *fdm)
{
	const struct fdm_election *election = &fdm->election;
	bool is_promotable = fdm->facts && fdm->facts->is_promotable;

	return json_pack(
		"{s:s, s:s, s:b, s:b, s:b, s:s, s:i, s:i}", "as",
		ha_master_as_name(election->as), "host",
		election->as == HA_MASTER_NOBODY ? "" : election->host,
		"promotable", is_promotable, "promoted", election->is_promoted,
		"stands", is_promotable && election->why == HA_ELECTION_STANDS,
		"why",
		election->why == HA_ELECTION_STANDS ?
			"" :
			ha_election_why_text(election->why),
		"score", (int)election->score, "stores", (int)election->stores);
}
