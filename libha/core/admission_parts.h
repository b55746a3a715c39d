/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of admission control share: the cluster after the request,
 * in working memory that may be changed, and the answer under way.
 */
#ifndef ADMISSION_PARTS_H
#define ADMISSION_PARTS_H

#include "ha/admission.h"

struct admission {
	const struct ha_admission_question *q;
	const struct ha_admission_policy *policy;
	const struct ha_admission_request *request;
	struct ha_admission_answer *answer;
	/* The cluster after the request. */
	struct ha_inv_host *hosts;
	struct ha_inv_vm *vms;
	struct ha_plan_demand *demand;
	uint64_t *needs;
	uint64_t *host_slots;
	enum ha_admission_colour *colours;
	/* Per host, for whoever needs it next. */
	uint64_t *scratch;
	struct ha_plan_demand *free; /* what is left on a host */
	bool *is_tried;
	bool *is_displaced; /* per machine: loose by the request */
	/* Those that a machine's new place must keep: of a host that leaves,
	 * without the together rules that the others break as they stand.
	 * What failures must keep are the inventory's. */
	const struct ha_inv_rule *place_rules;
	struct ha_inv_rule *loose_rules;
	bool *is_hidden;
	uint64_t steps_left; /* of all searches of this question */
	void *plan_work;
	void *verify_work;
};

/* admission_policy.c: the figures of the policy in force; false with the
 * reason in the answer when it does not hold. */
bool ha__admission_figures(struct admission *a);
/* Demands, defaults and overhead in them; 0 of machines that are off. */
void ha__admission_demands(struct admission *a);

/* admission_use.c; inv: the question's cluster, as the request would have it. */
void ha__admission_use(const struct ha_admission_question *q,
		       const struct ha_inventory *inv,
		       struct ha_admission_use *ret_use);

/* admission_plan.c: proves, having found a place for what the request sets
 * loose; false with the reason in the answer. */
bool ha__admission_plan(struct admission *a);
/* The plan was asked for, and ended before any failure was looked at. */
void ha__admission_no_plan(struct admission *a);
/* Machines of hosts that were taken away find their places. */
bool ha__admission_place_displaced(struct admission *a);

/* May it be there at all: online, allowed, no failover host. */
bool ha__admission_may_run(const struct admission *a, uint32_t vm,
			   uint32_t host);

/* admission_room.c: on, but on no online host. */
bool ha__admission_is_stranded(const struct admission *a, uint32_t vm);
/* What is left on each host, into `free`. */
void ha__admission_look_at_room(struct admission *a);
bool ha__admission_has_room(const struct admission *a, uint32_t vm,
			    uint32_t host);
bool ha__admission_breaks_rule(const struct admission *a, uint32_t vm,
			       uint32_t host);
/* The best host not in `is_tried`, or HA_INV_NONE. */
uint32_t ha__admission_roomiest(const struct admission *a, uint32_t vm);
void ha__admission_try_none(struct admission *a);
/* Each displaced machine to the roomiest host; false: one has none. */
bool ha__admission_spread(struct admission *a);
bool ha__admission_move_on(struct admission *a, uint32_t vm);

#endif
