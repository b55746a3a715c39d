/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of a host's VMs when it goes into standby, by Pacemaker's own
 * scheduler on a copy of the CIB, and what keeps one from moving. vmha guesses
 * no placement; where admission control has found places, Pacemaker is told.
 */
#ifndef VMHA_MAINTENANCE_H
#define VMHA_MAINTENANCE_H

#include "wait.h"

enum move_how {
	MOVE_LIVE,    /* by live migration */
	MOVE_RESTART, /* stopped, and started elsewhere */
	MOVE_STOP,    /* stopped, and nowhere to run */
	MOVE_OFF,     /* stopped, as its target-role says */
	MOVE_STAY,    /* Pacemaker leaves it there */
};
struct move {
	const char *vm; /* of the plan's cib */
	enum move_how how;
	char to[HA_HOST_NAME]; /* "": nowhere */
	char why[512];         /* "" where nothing is to be said */
	/* while it moves */
	char said[HA_ERR_TEXT];
	bool is_settled;
};
/* Where the scheduler has a VM that it starts, stops or moves; of any host. */
struct end {
	const char *vm;          /* of the plan's cib */
	char host[HA_HOST_NAME]; /* "": nowhere */
};
struct plan {
	struct cib_node *cib;
	const char *host;
	/* What is written to the CIB before; NULL: nothing. */
	const char *places;
	struct move *moves;
	size_t count;
	struct end *ends;
	size_t n_ends;
};
struct weighing;

/* Of all VMs that are active on the host. `places`: NULL, or an update of the
 * CIB that is made before. -EIO: the scheduler can't be asked. */
int plan_make(const char *host, const char *places, struct plan *ret_plan,
	      struct ha_err *err);
void plan_done(struct plan *plan);
size_t plan_count(const struct plan *plan, enum move_how how);
const char *move_word(enum move_how how);

/* maintenance_place.c: the constraints of the plan that send the host's VMs to
 * the places that admission control has found, as an update of the CIB; to be
 * freed. NULL: nothing is to be written. */
char *places_make(struct vmha *v, const char *host);
/* The policy in force promises a place to each VM. */
bool places_are_judged(const struct weighing *w);

/* maintenance_room.c: 1: what the scheduler does would fill a host beyond what
 * it has, with host, VMs and numbers in ret_text. Of a weighing that is decided. */
int room_compare(const struct plan *plan, const struct weighing *w,
		 struct ha_err *ret_text);

/* maintenance_admit.c: 0: it may go on, and was asked back where that is due.
 * -EPERM with the sentence: it may not, and nothing was changed. A dry run is
 * refused for the same. `show`: called before any question, but for a plan that
 * admission control refuses as a whole. `warnings`: what --force goes past. */
int maintenance_refuse(struct vmha *v, const struct plan *plan,
		       void (*show)(const struct vmha *v,
				    const struct plan *plan),
		       json_t *warnings);
/* Sets standby, with the master's word where there is one. -EPERM: it refuses,
 * and nothing was changed. */
int maintenance_commit(struct vmha *v, const struct plan *plan,
		       int (*commit)(struct vmha *v, const struct plan *plan));

#endif
