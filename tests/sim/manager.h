/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of one host's fault domain manager, in the shape that vmha-fdmd
 * itself works on, so that its own restart.c, protect.c and tickets.c judge.
 * It is lost with its host and with the manager, as there. Only for the files
 * restart_*.c of the simulator.
 */
#ifndef VMHA_SIM_MANAGER_H
#define VMHA_SIM_MANAGER_H

#include <glib.h>

#include "FaultDomain/fdm.h"
#include "sim.h"

struct manager {
	struct fdm_restart *restart;
	struct fdm_protect *protect;
	struct fdm_facts facts;
	struct fdm_snap snap;
	GArray *rows;
};

/* NULL: none runs there. */
struct manager *manager_of(uint32_t host);
struct manager *manager_begin(struct world *w, uint32_t host);
void manager_look(struct world *w, uint32_t host, struct manager *m,
		  uint32_t gone);
struct fdm_row *manager_row(struct manager *m, uint32_t vm);
const char *sim_host_name(uint32_t host);
const char *sim_vm_name(uint32_t vm);

/* restart_list.c */
void plist_follow(struct world *w, uint32_t host, struct manager *m);
void plist_turn(struct world *w, uint32_t host, struct manager *m);
void plist_take(struct manager *m, const struct plist_copy *list);

#endif
