/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Would the master admit the power-on of a VM. */
#ifndef VMHA_POWER_ON_H
#define VMHA_POWER_ON_H

#include "admission.h"

/* HA_INV_NONE: there is none of this name. */
uint32_t power_on_find(const struct weighing *w, const char *name);
/* QEMU's overhead of a VM of which nothing but its memory is known. */
uint64_t power_on_overhead_mb(uint64_t memory_mb);
/* Is its utilization no number; the sentence. */
bool power_on_is_unreadable(const struct weighing *w, const char *name,
			    struct ha_err *ret_text);

struct power_on {
	bool is_asked; /* admission control has a say in it */
	bool is_yes;
	struct ha_err reason, help;
};
/* By the cluster's own policy, as this host's CIB has it. Negative errno: v->err,
 * which is not told. */
int power_on_ask(struct vmha *v, const struct cib_node *cib, const char *name,
		 struct power_on *ret_told);

#endif
