/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is master, in the daemon: what Pacemaker has promoted, this host's own
 * promotion score, and what the agent says. Who may act as master is decided
 * in ha/election.h; what it may do, by the lease (master.c).
 */
#ifndef FAULT_DOMAIN_ELECTION_H
#define FAULT_DOMAIN_ELECTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ha/area.h"
#include "ha/election.h"
#include "ha/err.h"

struct fdm;

struct fdm_election {
	char self[HA_HOST_NAME]; /* "": not known yet */
	bool is_promoted;        /* the agent said so; a new daemon is not */
	/* who acts, by the newest facts */
	enum ha_master_as as;
	char host[HA_HOST_NAME];
	char past[HA_HOST_NAME]; /* live and promoted last; "": nobody yet */
	uint64_t moved_ms;       /* it is not, since then; 0: it is */
	uint64_t active_ms;      /* who is promoted was master, or nobody was */
	bool has_promoted;       /* somebody live is */
	/* this host's score */
	enum ha_election_why why;
	uint32_t score, stores;
	bool is_best;      /* nobody who seems to stand comes before it */
	uint64_t stand_ms; /* it stands and nobody is promoted, since then;
			    * 0: not so */
	uint64_t lower_ms; /* it is below what the CIB has, since; 0: not */
	char domain[HA_RESOURCE_NAME]; /* the resource, "": not known */
	bool has_score;                /* one was written, and not deleted */
	bool is_writing;
	uint64_t min_copy; /* the CIB shows what was written last, then, */
	uint64_t write_ms; /* or at this time */
	bool was_told;     /* `why` as it was logged last */
	enum ha_election_why told_why;
};

/* Looks at newest facts, writes the score where it differs. */
void fdm_election_look(struct fdm *fdm, uint64_t now_ms);
/* Does this host act as master, by the facts of the last look? */
bool fdm_election_is_mine(const struct fdm *fdm);
/* Why it does not. */
void fdm_election_why(const struct fdm *fdm, struct ha_err *ret_why);
/* Another host has been promoted, and is not master yet: whoever still has the
 * lease keeps it until then, so that there is a master all the time. */
bool fdm_election_hands_over(const struct fdm *fdm, uint64_t now_ms);
/* Takes the score back, at the end of this daemon, and calls `done`; false: there is
 * none. */
bool fdm_election_end(struct fdm *fdm,
		      void (*done)(struct fdm *fdm, bool is_good));

json_t *fdm_op_promote(struct fdm *fdm, uint32_t client, const json_t *request);
json_t *fdm_op_demote(struct fdm *fdm, uint32_t client, const json_t *request);
/* {"as", "promoted", "stands", "why", "score", "stores"} */
json_t *fdm_election_json(const struct fdm *fdm);

#endif
