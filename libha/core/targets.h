/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the three files of the targets share: a copy of the cluster that may be
 * changed (targets_copy.c), and the one question to the planner. targets.c
 * decides which targets stay, targets_ask.c asks and checks.
 */
#ifndef HA__TARGETS_H
#define HA__TARGETS_H

#include "ha/targets.h"

enum ha__takers {
	HA__TAKES_ANY,
	HA__TAKES_FAILOVER, /* failover hosts alone */
	HA__TAKES_OTHER,    /* the others alone */
};

/* Of the attempts for one group: the next one is to ... */
enum ha__targets_stage {
	HA__TARGETS_TAKERS, /* fill `first` */
	HA__TARGETS_HOLD,   /* hold fast as much as can be */
	HA__TARGETS_DROP,   /* leave out who has no place, one by one */
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
	/* Which machines are placed together now, and how far that is. */
	uint32_t group;
	bool is_begun;
	enum ha__targets_stage stage;
	enum ha__takers first; /* these hosts are to take as many as they can */
	enum ha__takers takers;
	uint32_t culprit; /* named by the planner's last no */
	bool is_bound;    /* a no was not proven */
	uint64_t steps_left;
	void *plan_work, *verify_work;
};

static inline bool
ha__targets_is_online(const struct ha_targets *t, uint32_t host)
{
	return host != HA_INV_NONE &&
	       t->q->inv->hosts[host].state == HA_INV_ONLINE;
}

/* Sums of the copy as it is, by host. */
void ha__targets_sum(struct ha_targets *t);
/* Its host goes into maintenance, or is in standby: no failure moves it. */
bool ha__targets_is_leaving(const struct ha_targets *t, uint32_t vm);
/* The movers with `want` NONE get one, if there is one for all of them; the
 * others are taken to be there. Only those hosts take some. False: nothing is
 * changed. */
bool ha__targets_ask(struct ha_targets *t, enum ha__takers takers);
/* After a no: one that had none is left out. False: there was none. */
bool ha__targets_drop(struct ha_targets *t);
/* The steps of one host are as they were at its begin. */
void ha__targets_refill(struct ha_targets *t);
/* `want` of all movers that are not dropped, by the independent checker. */
bool ha__targets_is_good(struct ha_targets *t);

#endif
