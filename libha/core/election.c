/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The election of the fault domain master, as vSphere does it: the host with
 * the most datastores, then the name that is greatest as text; whoever sits
 * stays. A host that could not do a master's work does not stand. It must
 * never look at a seal: a sealed host may be the only one there (SAFETY 10).
 */
#include "ha/election.h"

#include <string.h>

#include "ha/hostset.h"

static const struct {
	const char *name;
	const char *text;
} WHY[HA_ELECTION_N] = {
	[HA_ELECTION_STANDS] = { "stands", "it stands" },
	[HA_ELECTION_NOT_SEEN] = { "not-seen",
				   "Pacemaker or vmha-heartbeatd does not "
				   "tell its state" },
	[HA_ELECTION_NO_QUORUM] = { "no-quorum", "it has no quorum" },
	[HA_ELECTION_MAINTENANCE] = { "maintenance",
				      "it is in standby or maintenance" },
	[HA_ELECTION_ISOLATED] = { "isolated", "it is isolated" },
	[HA_ELECTION_NO_WRITE] = { "no-write", "it can't write enough "
					       "heartbeat datastores" },
	[HA_ELECTION_NO_READ] = { "no-read",
				  "it can't read enough heartbeat datastores" },
};

const char *
ha_election_why_name(enum ha_election_why why)
{
	return (unsigned int)why < HA_ELECTION_N ? WHY[why].name : "?";
}

const char *
ha_election_why_text(enum ha_election_why why)
{
	return (unsigned int)why < HA_ELECTION_N ? WHY[why].text : "?";
}

enum ha_election_why
ha_election_judge(const struct ha_candidate *candidate)
{
	if (!candidate->is_seen) {
		return HA_ELECTION_NOT_SEEN;
	}
	if (!candidate->is_quorate) {
		return HA_ELECTION_NO_QUORUM;
	}
	if (candidate->is_in_maintenance) {
		return HA_ELECTION_MAINTENANCE;
	}
	if (candidate->is_isolated) {
		return HA_ELECTION_ISOLATED;
	}
	if (!candidate->can_write) {
		return HA_ELECTION_NO_WRITE;
	}
	return candidate->can_read ? HA_ELECTION_STANDS : HA_ELECTION_NO_READ;
}

/* From 1, the least name's; below HA_ELECTION_STORE. */
static uint32_t
rank_of(const char *name, const char *const *names, size_t count)
{
	uint32_t rank = 1;

	for (size_t i = 0; i < count; i++) {
		rank += strcmp(names[i], name) < 0;
	}
	return rank < HA_ELECTION_STORE ? rank : HA_ELECTION_STORE - 1;
}

static uint32_t
stores_of(const struct ha_candidate *candidate)
{
	return candidate->stores < HA_STORES_MAX ? candidate->stores :
						   HA_STORES_MAX;
}

uint32_t
ha_election_score(const struct ha_candidate *candidate,
		  const char *const *names, size_t count)
{
	if (ha_election_judge(candidate) != HA_ELECTION_STANDS) {
		return 0;
	}
	return stores_of(candidate) * HA_ELECTION_STORE +
	       rank_of(candidate->name, names, count) +
	       (candidate->is_sitting ? HA_ELECTION_SITTING : 0);
}

int
ha_election_compare(const struct ha_candidate *a, const struct ha_candidate *b)
{
	uint32_t a_stores = stores_of(a);
	uint32_t b_stores = stores_of(b);

	if (a_stores != b_stores) {
		return a_stores > b_stores ? 1 : -1;
	}
	return strcmp(a->name, b->name);
}

const char *
ha_master_as_name(enum ha_master_as as)
{
	switch (as) {
	case HA_MASTER_NOBODY:
		return "";
	case HA_MASTER_PROMOTED:
		return "promoted";
	case HA_MASTER_INTERIM:
		return "interim";
	case HA_MASTER_N:
		break;
	}
	return "?";
}

static bool
is_better(const struct ha_master_host *a, const struct ha_master_host *b)
{
	if (a->is_master != b->is_master) {
		return a->is_master;
	}
	return strcmp(a->name, b->name) > 0;
}

/* The index; `count`: nobody. */
static size_t
find_promoted(const struct ha_master_host *hosts, size_t count)
{
	size_t best = count;

	for (size_t i = 0; i < count; i++) {
		if (hosts[i].is_promoted && hosts[i].is_live &&
		    !hosts[i].is_idle &&
		    (best == count || is_better(&hosts[i], &hosts[best]))) {
			best = i;
		}
	}
	return best;
}

/* Its manager runs, and is not one that was promoted and does nothing. */
static bool
can_act(const struct ha_master_host *host)
{
	return host->is_live && host->has_manager &&
	       !(host->is_promoted && host->is_idle);
}

/* A coordinator that is away is about to be replaced: that is waited for, so
 * that all sides have the same in mind. If all are idle, nobody is better than
 * the coordinator. */
static size_t
find_interim(const struct ha_master_host *hosts, size_t count)
{
	size_t best = count;
	size_t dc = 0;

	while (dc < count && !hosts[dc].is_dc) {
		dc++;
	}
	if (dc == count || !hosts[dc].is_live || can_act(&hosts[dc])) {
		return dc;
	}
	for (size_t i = 0; i < count; i++) {
		if (can_act(&hosts[i]) &&
		    (best == count ||
		     strcmp(hosts[i].name, hosts[best].name) > 0)) {
			best = i;
		}
	}
	return best == count && hosts[dc].has_manager ? dc : best;
}

struct ha_master_verdict
ha_master_judge(const struct ha_master_host *hosts, size_t count,
		bool is_moving)
{
	struct ha_master_verdict verdict = { HA_MASTER_NOBODY, 0 };
	size_t host = find_promoted(hosts, count);

	if (host < count) {
		verdict.as = HA_MASTER_PROMOTED;
	} else if (!is_moving) {
		host = find_interim(hosts, count);
		if (host < count) {
			verdict.as = HA_MASTER_INTERIM;
		}
	}
	verdict.host = verdict.as != HA_MASTER_NOBODY ? host : 0;
	return verdict;
}
