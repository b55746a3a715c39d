/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of order, retries and protection offer the others; read
 * through sim.h. Nothing here reads what is true but restart_check.c.
 */
#ifndef VMHA_SIM_RESTART_CALLS_H
#define VMHA_SIM_RESTART_CALLS_H

#include "sim.h"

/* restart_facts.c: the manager's memory is lost */
void restart_forget(uint32_t host);

/* restart_list.c */
void restart_list_event(struct world *w, uint32_t host, uint32_t arg);
void restart_list_torn(struct world *w, uint32_t host);

/* restart_write.c */
void restart_turn(struct world *w, uint32_t host);
bool restart_wants(struct world *w, uint32_t host, uint32_t vm,
		   bool are_holds_read, bool *ret_is_granted);
void restart_written(struct world *w, uint32_t host, struct cib *cib,
		     uint32_t vm);
bool restart_keep_back(struct world *w, uint32_t host, uint32_t about);
void restart_kill(struct world *w, uint32_t host);

/* restart_elect.c */
void restart_stand(struct world *w, uint32_t host);
bool restart_promote(struct world *w, uint32_t dc, struct cib *cib);
bool restart_acts(struct world *w, uint32_t host);

/* restart_plan.c */
bool restart_is_of(uint64_t seed);
void restart_cluster(struct world *w);
void restart_draw(struct lock_draft *p);
void restart_draw_masterless(struct lock_draft *p);
void restart_set_back(struct world *w);

/* master.c: one VM by lists and holds; `gone` is taken for dead */
struct ha_ticket_verdict master_verdict(struct world *w, uint32_t host,
					uint32_t vm, uint32_t gone,
					struct ha_ticket_host *ret_hosts);

/* restart_check.c: what is noted as true, and the invariants */
void note_runs(struct world *w, uint32_t host, uint32_t vm);
void note_ends(struct world *w, uint32_t vm, bool is_power);
void note_listed(struct world *w, uint32_t vm);
void note_held(struct world *w, uint32_t vm);
void note_failed(struct world *w, uint32_t vm);
void note_power_off(struct world *w);
void note_role(struct world *w, uint32_t vm, bool is_started, bool has_ticket);
void check_order(struct world *w, uint32_t host, uint32_t vm);
void check_depends(struct world *w, uint32_t host, uint32_t vm);
void check_attempt(struct world *w, uint32_t host, uint32_t vm,
		   const struct ticket *old, const struct ticket *want);
void check_start(struct world *w, uint32_t host, uint32_t vm);
void check_bound(struct world *w, uint32_t host);
void check_promotion(struct world *w, const struct cib *cib, uint32_t best);
void check_restarted(struct world *w, uint32_t first, uint32_t vm);

#endif
