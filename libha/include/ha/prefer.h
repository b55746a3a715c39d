/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How strongly Pacemaker may be told of a virtual machine's target: enough to
 * send it there when its host is gone, and so little that it never leaves its
 * host while that lives. Pacemaker takes the host with the highest sum of
 * location scores, resource-stickiness counted for the host where it runs
 * (Pacemaker Explained, "Resource Meta-Attributes", "Location Constraints").
 */
#ifndef HA_PREFER_H
#define HA_PREFER_H

#include "ha/err.h"
#include "ha/inventory.h"
#include "ha/targets.h"

#define HA_PREFER_INFINITY 1000000 /* CRM_SCORE_INFINITY */
/* Of a constraint of ours: below the 100 that people write. */
#define HA_PREFER_MAX 90
/* resource-stickiness that is enough where nobody has scores of his own. */
#define HA_PREFER_STICKY_USUAL 100

struct ha_prefer_facts {
	int stickiness;    /* resource-stickiness in force */
	const int *scores; /* the user's own, of each host; NULL: all 0 */
	/* Wishes that are not among the scores: colocation with a finite score,
	 * rules that can't be judged. */
	bool has_wishes;
	bool is_down; /* it does not run, wherever the inventory has it */
	/* ha_prefer_part(): what others that must be apart from it take off its
	 * scores, where it is and at its target; and how deep it stands among
	 * them. */
	int lost_here, lost_there;
	uint32_t rank;
};

/* One constraint of ours. */
struct ha_prefer_constraint {
	bool is_there;
	uint32_t host; /* HA_INV_NONE: a node that is no host */
	int score;
};

enum ha_prefer_why {
	HA_PREFER_WINS,       /* it will go there */
	HA_PREFER_NOT_STICKY, /* stickiness is too small for any preference */
	HA_PREFER_OUTBID,     /* its user's scores want another host more */
	HA_PREFER_UNKNOWN,    /* wishes that can't be weighed */
	HA_PREFER_CROWDED,    /* others that must be apart have its target */
};

struct ha_prefer_verdict {
	int score; /* 0..HA_PREFER_MAX */
	enum ha_prefer_why why;
	uint32_t rival; /* OUTBID: the host */
};

/*
 * Of all machines, before they are judged. Pacemaker takes the scores of a
 * machine off those of each one that must be apart from it and that it is
 * colocated with (factor -1, positive scores only): of `vms` of a rule that
 * separates, the scores of each off those of all later ones. So those have
 * higher scores, that two with the same target don't undo one another.
 */
void ha_prefer_part(const struct ha_inventory *inv,
		    const struct ha_target *targets,
		    struct ha_prefer_facts *facts);

/* vm runs on its host, or is down (HA_INV_NONE, or a host that is neither online
 * nor in maintenance); target: a host. */
void ha_prefer_judge(const struct ha_inventory *inv, uint32_t vm,
		     uint32_t target, const struct ha_prefer_facts *facts,
		     struct ha_prefer_verdict *ret_verdict);

/*
 * The constraint that is to stand for a target; true: it differs from the one
 * that does. A machine that is off keeps what it has; one without a target, or
 * without a place beside the others (HOMELESS), keeps its constraint with score
 * 0, since an update takes none away; where it names a host that is not allowed
 * any more, the machine's own is named.
 */
bool ha_prefer_wanted(const struct ha_inventory *inv, uint32_t vm,
		      const struct ha_target *target,
		      const struct ha_prefer_facts *facts,
		      const struct ha_prefer_constraint *stands,
		      struct ha_prefer_constraint *ret_wanted,
		      struct ha_prefer_verdict *ret_verdict);

/* Why it may not go there, and what helps; WINS: empty. */
void ha_prefer_text(const struct ha_inventory *inv, uint32_t vm,
		    uint32_t target, const struct ha_prefer_facts *facts,
		    const struct ha_prefer_verdict *verdict,
		    struct ha_err *ret_text);

#endif
