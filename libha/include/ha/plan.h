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

/* A capacity above this counts as this, in MHz and in MB; a demand above it
 * fits nowhere. More hosts or machines than so many give up at once. Sums of
 * these don't overflow. */
#define HA_PLAN_ROOM_MAX (INT64_C(1) << 40)
#define HA_PLAN_OBJECTS_MAX (UINT32_C(1) << 20)

/* A step is one look at one host for one machine, 1 to 5 ns. */
#define HA_PLAN_SET_STEPS_DEFAULT UINT64_C(100000000)
#define HA_PLAN_ALL_STEPS_DEFAULT UINT64_C(2000000000)

struct ha_plan_demand {
	uint64_t cpu_mhz;
	uint64_t memory_mb;
};

struct ha_plan_question {
	const struct ha_inventory *inv;
	/* Of inv->n_vms; that of a machine that is off is not looked at. */
	const struct ha_plan_demand *demand;
	/* Hosts that die at once; 0..HA_PLAN_FAILURES_MAX, more gives up. Of
	 * fewer hosts all die. */
	uint32_t failures;
	/* Only sets of hosts that are not failover hosts (policy dedicated). */
	bool spares_failover_hosts;
	/* Machines that are on but on no online host are to be placed too, in
	 * every set: on failover hosts only where their host is offline or in
	 * error. Without it they are not looked at: the guarantee is about
	 * the machines of the hosts that fail. With failures 0 this answers
	 * where the machines of a host that is left for maintenance go. */
	bool places_stranded;
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

/*
 * Told each proven set in turn, ascending as words are; a set without moves
 * too. false ends the search (verdict GAVE_UP).
 */
typedef bool (*ha_plan_told)(const struct ha_plan_set *set, void *closure);

struct ha_plan_answer {
	enum ha_plan_verdict verdict;
	uint64_t sets;  /* proven */
	uint64_t steps; /* taken */
	/* Of a NO or GAVE_UP: the failure, and a machine that had no place.
	 * No failure: as things stand already a host is too full or a rule is
	 * broken. */
	uint32_t failed[HA_PLAN_FAILURES_MAX];
	uint32_t n_failed;
	uint32_t vm;   /* HA_INV_NONE: no single machine is to blame */
	uint32_t host; /* of that, where it is one host; else HA_INV_NONE */
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
 * The plan that is kept: for one failure at a time, one planned target for
 * each machine. A change of one machine is judged from it at the cost of what
 * it touches, not of the cluster.
 *
 * ha_plan_keep_begin() proves the question and keeps the plan in work (of
 * ha_plan_keep_bytes(), aligned as from malloc(), the caller's until he is done
 * with it). NULL: the verdict was no YES, or the question is none that can be
 * kept (failures other than 1, fewer than 3 hosts that may fail, stranded
 * machines to place): then ha_plan_prove() is the way.
 */
struct ha_plan_keep;
size_t ha_plan_keep_bytes(const struct ha_plan_question *question);
struct ha_plan_keep *ha_plan_keep_begin(const struct ha_plan_question *question,
					void *work,
					struct ha_plan_answer *ret_answer);

/*
 * Judges the question anew, which may differ from the last one in this machine
 * alone (on or off, its host, its demand) and must have the same hosts, rules
 * and number of machines. After YES the plan is that of the new question; else
 * it is as before, and the caller takes his change back.
 */
void ha_plan_keep_change(struct ha_plan_keep *keep,
			 const struct ha_plan_question *question, uint32_t vm,
			 struct ha_plan_answer *ret_answer);

/* Where it goes if its host dies; HA_INV_NONE: it need not go anywhere. */
uint32_t ha_plan_keep_target(const struct ha_plan_keep *keep, uint32_t vm);

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
