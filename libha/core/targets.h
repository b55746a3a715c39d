/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the two files of the targets share: a copy of the cluster that may be
 * changed, and the one question to the planner. targets.c decides which
 * targets stay, targets_ask.c asks and checks.
 */
#ifndef HA__TARGETS_H
#define HA__TARGETS_H

#include "ha/targets.h"

enum ha__takers {
	HA__TAKES_ANY,
	HA__TAKES_FAILOVER, /* failover hosts alone */
	HA__TAKES_OTHER,    /* the others alone */
};

struct ha_targets {
	const struct ha_targets_question *q; /* the copy below */
	struct ha_targets_question question;
	struct ha_target *out;
	/* The cluster as it stands, those that are down at their targets. What
	 * is too full or broken as things stand counts as just full, or not at
	 * all: it must not keep the others from having a plan. */
	struct ha_inv_host *base;
	struct ha_inv_vm *vms;
	struct ha_inv_rule *rules;
	bool *is_down;
	/* One question: */
	struct ha_inv_host *hosts;
	struct ha_inventory inv;
	struct ha_plan_demand *used; /* by host */
	uint32_t *count;             /* the same */
	uint32_t *want;   /* by machine: the target under way, or NONE */
	uint32_t *movers; /* machines that need one */
	uint32_t n_movers;
	bool *is_dropped; /* by machine: no place beside the others */
	struct ha_plan_move *moves;
	uint32_t failed; /* HA_INV_NONE: those that are down are placed */
	bool is_begun;   /* those that are down are placed */
	uint32_t next;   /* host whose machines are next */
	enum ha__takers takers;
	bool is_bound; /* the last no was not proven */
	uint64_t steps_left;
	void *plan_work, *verify_work;
};

/* targets.c: sums of the copy as it is, by host. */
void ha__targets_sum(struct ha_targets *t);
/* The movers with `want` NONE get one; the others are taken to be there.
 * Takers: only those hosts take some. With drops machines without a place
 * are left out, one after the other, until the rest has one; without, nothing
 * is changed after a no. */
bool ha__targets_ask(struct ha_targets *t, enum ha__takers takers, bool drops);
/* The steps of one host are as they were at its begin. */
void ha__targets_refill(struct ha_targets *t);
/* `want` of all movers that are not dropped, by the independent checker. */
bool ha__targets_is_good(struct ha_targets *t);

#endif
