/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One target for each virtual machine: where it goes if its host dies, or where
 * it is to start while it is down. Made from the targets that stand: what is
 * still right stays, so that one machine more changes only what must change.
 * For one failure at a time, whatever the policy's host_failures: a machine has
 * one target. Every answer for a whole host has been accepted by
 * ha_plan_verify().
 */
#ifndef HA_TARGETS_H
#define HA_TARGETS_H

#include "ha/plan.h"

/* Steps of the planner for one question, and for one host: so many for all that
 * hold something fast, and so many again when machines are left out. */
#define HA_TARGETS_SET_STEPS UINT64_C(10000000)
#define HA_TARGETS_HOST_STEPS UINT64_C(20000000)

struct ha_target_fact {
	uint32_t now; /* its target; HA_INV_NONE: none */
	/* It is not running, and is to start: on `now`, if it can. One that is
	 * on but on no online host is taken for down anyway. */
	bool is_down;
};

enum ha_target_state {
	HA_TARGET_NEEDLESS, /* off */
	HA_TARGET_GIVEN,
	HA_TARGET_HOMELESS, /* beside the others there is no place for it */
};

struct ha_target {
	/* HOMELESS: the one that stood, if it is good by itself; HA_INV_NONE:
	 * none */
	uint32_t host;
	enum ha_target_state state;
	/* HOMELESS, and not proven: the search reached its bound. */
	bool is_conservative;
};

struct ha_targets_question {
	const struct ha_inventory *inv;
	const struct ha_plan_demand *demand; /* of inv->n_vms, as ha/plan.h */
	const struct ha_target_fact *facts;  /* of inv->n_vms */
	/* Policy dedicated: failover hosts are used first, machines that run
	 * there are promised nothing, and those of a host that is in
	 * maintenance or standby go there only where no other has room. */
	bool has_failover_hosts;
	uint64_t set_steps, host_steps; /* 0: the defaults above */
};

size_t ha_targets_work_bytes(const struct ha_targets_question *question);
/* work: aligned as from malloc(), of ha_targets_work_bytes(), any content.
 * ret_targets: of inv->n_vms. */
void ha_targets_make(const struct ha_targets_question *question, void *work,
		     struct ha_target *ret_targets);

/* The same in steps, one host each; the question is copied, what it points at
 * is not. False: that was the last. */
struct ha_targets *ha_targets_begin(const struct ha_targets_question *question,
				    void *work, struct ha_target *ret_targets);
bool ha_targets_step(struct ha_targets *targets);
/* Between two steps: the same facts stand elsewhere now. */
void ha_targets_rebase(struct ha_targets *targets,
		       const struct ha_targets_question *question);

#endif
