/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cluster as admission control and the plan see it, made from the newest
 * facts: hosts, VMs with their reservations, rules, policy. Made when somebody
 * asks and something is new, and then only read. What this host knows of
 * another one beyond the CIB may only make that one worse.
 */
#ifndef FAULT_DOMAIN_STOCK_H
#define FAULT_DOMAIN_STOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ha/admission.h"
#include "ha/cibinv.h"
#include "ha/err.h"

struct fdm;
struct fdm_shapes;

struct fdm_stock {
	uint64_t number; /* grows with each one that was made; 0: none yet */
	/* Of all that admission judges by: the same digest, the same answer. */
	uint64_t digest;
	/* Everything was read, or waited for long enough; else `why`. */
	bool is_complete;
	char why[HA_ERR_TEXT];
	/* As the CIB says; borrows the texts of fdm->facts. */
	struct ha_cibinv *cibinv; /* NULL: it can't be read */
	/* The same with states, places and what is on as vmha knows it: a VM
	 * that is to be started, and needs no admission, is on. */
	struct ha_inventory inv;
	struct ha_inv_host *hosts;
	struct ha_inv_vm *vms;
	/* Of inv.vms: with default and overhead, 0 of what is off. */
	struct ha_plan_demand *demand;
	/* What the configuration reserves now, admitted or not; inv.vms have
	 * what was admitted. */
	struct ha_demand *wanted;
	struct ha_admission_policy policy;
	GPtrArray *errors; /* sentences: what can't be counted as it stands */
	/* its own */
	GHashTable *by_vm, *by_host; /* name -> index + 1 */
	struct fdm_shapes *shapes;
	/* resource -> host that this master admitted it to; until its
	 * constraint says so */
	GHashTable *admitted;
	uint64_t made_of;  /* signature of what it was made of */
	uint64_t blind_ms; /* a host has no capacity since then; 0: all have */
};

/* Begins the thread that reads files for `context`; NULL context: none are read.
 * NULL with the sentence. */
struct fdm_stock *fdm_stock_new(GMainContext *context, struct ha_err *err);
void fdm_stock_free(struct fdm_stock *stock); /* NULL is fine */
/* The newest one; NULL: no CIB was read yet, or it is none. Belongs to fdm, until
 * the next copy of the CIB or the next call. */
const struct fdm_stock *fdm_stock_get(struct fdm *fdm, uint64_t now_ms);
/* Before the facts are freed. */
void fdm_stock_drop(struct fdm_stock *stock);
/* Files are read. */
void fdm_stock_tick(struct fdm_stock *stock, uint64_t now_ms);
/* Where a VM that starts was admitted; NULL: not any more. Counts with the next
 * copy of the CIB, which says that it is on. */
void fdm_stock_admit(struct fdm_stock *stock, const char *resource,
		     const char *host);

/* Index, HA_INV_NONE if absent. */
uint32_t fdm_stock_vm(const struct fdm_stock *stock, const char *resource);
uint32_t fdm_stock_host(const struct fdm_stock *stock, const char *name);

#endif
