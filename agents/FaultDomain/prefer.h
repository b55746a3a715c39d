/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan in Pacemaker: one location constraint for each VM, towards where it
 * goes if its host dies. Written by the master alone, with quorum (SAFETY 20),
 * and never so strongly that a VM moves while its host lives.
 */
#ifndef FAULT_DOMAIN_PREFER_H
#define FAULT_DOMAIN_PREFER_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct fdm;
struct fdm_prefer;

/* By the master, idle, while it may write: all constraints that differ, in one
 * update, once it is quiet. */
void fdm_prefer_tick(struct fdm *fdm, uint64_t now_ms);
/* Into an update of tickets, `<cib>...`: the constraints of VMs that start by
 * it. */
void fdm_prefer_add(struct fdm *fdm, GString *xml, uint64_t now_ms);
/* "plan" of the status. */
json_t *fdm_prefer_json(const struct fdm *fdm, uint64_t now_ms);

#endif
