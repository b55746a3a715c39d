/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wanted of Pacemaker for each VM of the stock: its target, the
 * constraint for it, and who has no place. Made when something that it depends
 * on has changed, a few milliseconds at a time: leases and tickets do not wait
 * for it. Says when it is of an older stock than it was asked for.
 */
#ifndef FAULT_DOMAIN_PREFER_PLAN_H
#define FAULT_DOMAIN_PREFER_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "FaultDomain/facts.h"
#include "FaultDomain/stock.h"
#include "ha/prefer.h"
#include "ha/targets.h"

struct fdm_making;

struct fdm_wanted {
	struct ha_target target;
	struct ha_prefer_constraint constraint;
	struct ha_prefer_verdict verdict;
	struct ha_prefer_facts facts;
	bool differs; /* from the constraint that stands */
	/* And it is of use: a VM that is held for its host starts nowhere until
	 * it gets its ticket, and then this comes with it. */
	bool writes;
};

struct fdm_plan {
	uint64_t number;           /* of the stock; 0: none was made yet */
	uint64_t digest;           /* of all that it depends on */
	struct fdm_wanted *wanted; /* of each VM of that stock */
	uint32_t n_writes;
	json_t *homeless; /* VMs that lack a place, with the sentence */
	struct fdm_making *making; /* the next one; NULL: this is the newest */
	uint32_t n_discarded;      /* begun since this one, and not made */
};

struct fdm_plan *fdm_plan_new(void);
/* Goes on with it. True: it is of this stock now. */
bool fdm_plan_look(struct fdm_plan *plan, const struct fdm_stock *stock,
		   const struct fdm_facts *facts);

#endif
