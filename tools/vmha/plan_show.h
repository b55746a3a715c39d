/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha plan show inside: per host where its machines go when it dies, as
 * proven, and the words for it.
 */
#ifndef PLAN_SHOW_H
#define PLAN_SHOW_H

#include "admission.h"

/* What becomes of one host's machines. */
struct outcome {
	bool is_told;    /* moves are a placement that was checked */
	bool is_written; /* and Pacemaker has them */
	bool is_bound, is_refuted;
	/* Of a no: the moves are those of the VMs that have a place all the
	 * same; the others are homeless. */
	bool is_partial;
	struct ha_plan_move *moves;
	uint32_t n_moves;
	struct ha_plan_answer plan; /* of a no */
};

struct planning {
	struct vmha *v;
	struct weighing *w;
	struct ha_inventory inv; /* of w->answer */
	struct ha_inv_host *hosts;
	struct ha_inv_vm *vms;
	struct ha_plan_question question;
	void *work, *verify_work;
	struct outcome *outcomes; /* per host */
	struct ha_plan_demand *before, *after;
	bool *is_shown;      /* per host */
	bool *homeless;      /* per VM: has no place when its host dies */
	uint64_t steps_left; /* of all questions together */
	bool is_refuted, is_failed;
};

/* plan_tell.c */
void plan_outcome_show(struct planning *p, uint32_t host);
json_t *plan_outcome_json(struct planning *p, uint32_t host);
/* What the plan is not, after all hosts. */
void plan_standing_show(const struct planning *p);

/* plan_written.c */
/* Outcomes as Pacemaker has them written, where those hold. */
void plan_take_written(struct planning *p);
/* Which of the shown moves Pacemaker does not have. */
void plan_written_show(const struct planning *p);

#endif
