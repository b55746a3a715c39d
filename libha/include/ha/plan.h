/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The failure plan: where would every virtual machine go if these hosts died,
 * and does everything fit? A yes holds for every set of so many hosts and
 * carries a certificate that ha_plan_verify(), which shares no code with the
 * search, accepts. A no names a failure and a machine without a place.
 *
 * Demands are given apart from the inventory, per machine, with defaults and
 * overhead already in them, so that a request is judged by changing a number.
 */
#ifndef HA_PLAN_H
#define HA_PLAN_H

#include "ha/inventory.h"

#define HA_PLAN_FAILURES_MAX 31u

struct ha_plan_demand {
	uint64_t cpu_mhz;
	uint64_t memory_mb;
};

struct ha_plan_question {
	const struct ha_inventory *inv;
	/* Of inv->n_vms; that of a machine that is off is not looked at. */
	const struct ha_plan_demand *demand;
	uint32_t failures; /* hosts that die at once; 0..HA_PLAN_FAILURES_MAX */
	/* Only sets of hosts that are not failover hosts (policy dedicated). */
	bool spares_failover_hosts;
	/* Steps of the search for one set of failures, and for the whole
	 * question; 0: the default. */
	uint64_t set_steps;
	uint64_t all_steps;
};

enum ha_plan_verdict {
	HA_PLAN_YES,
	HA_PLAN_NO,      /* proven: no placement exists */
	HA_PLAN_GAVE_UP, /* the bound was reached: to be treated as a no */
};

struct ha_plan_move {
	uint32_t vm;
	uint32_t to; /* host */
};

/* One set of failures and where its machines go. */
struct ha_plan_set {
	const uint32_t *failed; /* ascending */
	const struct ha_plan_move *moves;
	uint32_t n_failed;
	uint32_t n_moves;
};

/* Told each proven set in turn; false ends the search (verdict GAVE_UP). */
typedef bool (*ha_plan_told)(const struct ha_plan_set *set, void *closure);

struct ha_plan_answer {
	enum ha_plan_verdict verdict;
	uint64_t sets;  /* proven */
	uint64_t steps; /* taken */
	/* Of a NO or GAVE_UP: the failure, and a machine that had no place. */
	uint32_t failed[HA_PLAN_FAILURES_MAX];
	uint32_t n_failed;
	uint32_t vm; /* HA_INV_NONE: as things stand already (no failure) */
};

/* Bytes of working memory for a question of this size. */
size_t ha_plan_work_bytes(const struct ha_plan_question *question);

/*
 * Judges. work: aligned as from malloc(), of ha_plan_work_bytes(), any
 * content. told may be NULL.
 */
void ha_plan_prove(const struct ha_plan_question *question, void *work,
		   ha_plan_told told, void *closure,
		   struct ha_plan_answer *ret_answer);

/*
 * The independent checker: whether after this set of failures, with these
 * moves, every displaced machine has a place, no other one has moved, and every
 * host keeps within its limits and every mandatory rule is kept. work: of
 * ha_plan_verify_bytes(). 0, or -EPROTO with the sentence why not in ret_why.
 */
size_t ha_plan_verify_bytes(const struct ha_plan_question *question);
int ha_plan_verify(const struct ha_plan_question *question,
		   const struct ha_plan_set *set, void *work, char *ret_why,
		   size_t why_len);

#endif
