/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A CIB as an inventory (ha/inventory.h): hosts with state and capacity,
 * virtual machines with place and reservation, location and colocation
 * constraints. Reads a tree that the caller has, by the caller's four
 * functions, so that libxml2's and anybody else's tree give the same answer.
 * Decides no admission, opens no file: demands are set by the caller, who may
 * have read the domain XML (ha/demand.h).
 */
#ifndef HA_CIBINV_H
#define HA_CIBINV_H

#include <jansson.h>

#include "ha/demand.h"
#include "ha/err.h"
#include "ha/inventory.h"
#include "ha/prefer.h"

/* Of the location constraint that tells Pacemaker of a VM's target, before the
 * name of the resource. */
#define HA_CIBINV_PLAN "vmha-plan-"

/* How to walk a tree. Elements alone; texts live as long as the tree. */
struct ha_cib_tree {
	const char *(*name)(const void *element);
	/* NULL: no such attribute */
	const char *(*attr)(const void *element, const char *name);
	const void *(*first)(const void *element); /* child; NULL: none */
	const void *(*next)(const void *element);  /* sibling; NULL: none */
};

/* Beside inv.hosts, in its order. */
struct ha_cibinv_host {
	const char *id;
	bool has_cpu, has_memory;         /* its utilization says so */
	bool is_cpu_ours, is_memory_ours; /* vmha wrote it (ha/capacity.h) */
};

/* Beside inv.vms, in its order. */
struct ha_cibinv_vm {
	const char *config;           /* path of the domain XML; NULL: none */
	struct ha_demand_facts facts; /* shape is the caller's to fill in */
	struct ha_demand demand;      /* as set last */
	bool is_nested;               /* in a group, clone or bundle */
	/* One of its utilization that is no number which vmha and Pacemaker can
	 * read; NULL: all are. */
	const char *bad_name, *bad_value;
	struct ha_prefer_facts prefer;
	struct ha_prefer_constraint plan; /* HA_CIBINV_PLAN */
	int *own_scores; /* prefer.scores, for whom it belongs to */
};

struct ha_cibinv {
	struct ha_inventory inv;
	struct ha_cibinv_host *hosts;
	struct ha_cibinv_vm *vms;
	/* Sentences: what of the CIB is not counted, or counted stricter than
	 * Pacemaker does. */
	char **notes;
	uint32_t n_notes;
	struct ha_inv_vm *own_vms; /* inv.vms, for whom it belongs to */
};

/* `cib` is the <cib> element. Its texts are borrowed: the tree outlives the
 * result. Until they are set, demands are those of ha_demand without XML: 0.
 * 0; -EINVAL no CIB; -ENOMEM. */
int ha_cibinv_read(const struct ha_cib_tree *tree, const void *cib,
		   struct ha_cibinv **ret_inv, struct ha_err *err);
void ha_cibinv_free(struct ha_cibinv *inv); /* NULL is fine */

void ha_cibinv_set_demand(struct ha_cibinv *inv, uint32_t vm,
			  const struct ha_demand *demand);

/* A number that vmha (cpu_mhz, memory_mb) and Pacemaker (all) can read? */
bool ha_cibinv_is_utilization(const char *name, const char *value);
/* Why it may not be powered on, and the command that mends it; false: its
 * utilization can be read. */
bool ha_cibinv_bad_text(const struct ha_cibinv *inv, uint32_t vm,
			struct ha_err *ret_text);

/* Its constraint of the plan, as an element. To be freed; NULL: no memory. */
char *ha_cibinv_plan_xml(const char *resource, const char *host, int score);

/* The inventory file of docs/ADMISSION-FACTS.md: "hosts", "vms", "rules".
 * NULL: no memory. */
json_t *ha_cibinv_json(const struct ha_inventory *inv);
/* "online", "standby", "maintenance", "offline", "error". */
const char *ha_cibinv_state_name(enum ha_inv_state state);
/* restart_priority's words. */
const char *ha_cibinv_priority_name(enum ha_inv_priority priority);

#endif
