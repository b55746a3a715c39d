/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is master of the fault domain (docs/ARCHITECTURE.md, "Who is master"):
 * vSphere's rule as a promotion score that Pacemaker acts on, and which host
 * acts as master by what is promoted. Neither decides what a master may do:
 * the lease and the term do (SAFETY 19). Pure.
 */
#ifndef HA_ELECTION_H
#define HA_ELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Score = datastores * HA_ELECTION_STORE + rank by text, and the bonus of the
 * master that sits. Pacemaker's INFINITY is 1000000; a sitting master's score
 * is above any other, and below that. */
#define HA_ELECTION_STORE 1000u
#define HA_ELECTION_SITTING 100000u

enum ha_election_why {
	HA_ELECTION_STANDS,
	HA_ELECTION_NOT_SEEN, /* CIB or heartbeatd do not tell */
	HA_ELECTION_NO_QUORUM,
	HA_ELECTION_MAINTENANCE, /* standby or maintenance, of this host */
	HA_ELECTION_ISOLATED,
	HA_ELECTION_NO_WRITE, /* fewer than w datastores */
	HA_ELECTION_NO_READ,  /* fewer than r */
	HA_ELECTION_N
};
const char *ha_election_why_name(enum ha_election_why why);
/* A sentence's end: "this host does not stand: ...". */
const char *ha_election_why_text(enum ha_election_why why);

/* One host. A seal does not hinder it (SAFETY 10), so there is none here. */
struct ha_candidate {
	const char *name;
	bool is_seen;
	bool is_quorate;
	bool is_in_maintenance;
	bool is_isolated;
	bool can_write, can_read;
	bool is_sitting; /* promoted, and master by its lease */
	uint32_t stores; /* heartbeat datastores that it reads and writes */
};

enum ha_election_why ha_election_judge(const struct ha_candidate *candidate);

/* `names`: all hosts of the cluster, in any order, also those that are off, so
 * that each host reckons alike. Above 0; 0: it does not stand. */
uint32_t ha_election_score(const struct ha_candidate *candidate,
			   const char *const *names, size_t count);

/* vSphere's order: most datastores, then the name that is greater as text,
 * byte by byte ("99" beats "100"). > 0: a is better. */
int ha_election_compare(const struct ha_candidate *a,
			const struct ha_candidate *b);

/* ---- who acts as master --------------------------------------------------- */

enum ha_master_as {
	HA_MASTER_NOBODY,
	HA_MASTER_PROMOTED,
	HA_MASTER_INTERIM, /* as long as nobody is promoted: the coordinator */
	HA_MASTER_N
};
const char *ha_master_as_name(enum ha_master_as as);

struct ha_master_host {
	const char *name;
	bool is_live; /* member for corosync, and online for Pacemaker */
	/* Pacemaker's history says so; of the own host, its manager knows. */
	bool is_promoted;
	bool is_dc;       /* Pacemaker's coordinator */
	bool has_manager; /* its fault domain manager runs */
	bool is_master;   /* its beat says so */
	/* It is promoted for long, and no master was seen in all that time:
	 * something is wrong with it. */
	bool is_idle;
};

struct ha_master_verdict {
	enum ha_master_as as;
	size_t host; /* index, unless nobody */
};

/* The live host that is promoted; of several (two sides that have just become
 * one) the one that is master already, else the greatest name. Without one,
 * the coordinator; if no manager runs there (standby), or it is the one that is
 * idle, the greatest name of the live hosts that can act. `is_moving`: a live
 * master was demoted a moment ago, and Pacemaker promotes the next one: nobody
 * acts meanwhile. */
struct ha_master_verdict ha_master_judge(const struct ha_master_host *hosts,
					 size_t count, bool is_moving);

#endif
