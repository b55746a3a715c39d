/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CIB as what admission control counts, with the demand of each VM and the
 * sentences that tell what of it is not counted, or counted stricter.
 */
#ifndef CIB_FACTS_H
#define CIB_FACTS_H

#include "cib.h"
#include "ha/cibinv.h"

struct cib_facts {
	struct cib_node *cib;
	struct ha_cibinv *inv;          /* borrows the CIB's texts */
	json_t *warnings;               /* array of sentences */
	struct ha_demand_shape *shapes; /* of its VMs; facts.shape leads here */
};

/* Of --cib, else of the live CIB. Negative errno with the sentence in v->err;
 * a file that is no CIB is -EINVAL; ret_facts is then empty. */
int cib_facts_read(struct vmha *v, struct cib_facts *ret_facts);
/* Fine for one that was never filled, if it is zero. */
void cib_facts_done(struct cib_facts *facts);

#endif
