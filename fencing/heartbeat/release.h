/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `released` through the ring (SAFETY 26; ha/release.h): a host that can't write
 * its VM list tells the master that a VM has ended there. ops_release.c has the
 * rules. And the records of the own hold list, which the master writes it to.
 */
#ifndef VMHA_HEARTBEAT_RELEASE_H
#define VMHA_HEARTBEAT_RELEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/area.h"
#include "ha/ringvm.h"

struct hb;
struct hbs;
struct hbs_wait;

/* ---- ops_release.c ------------------------------------------------------- */

/* A withdraw whose flush is owed: tells the master where the storage is lost,
 * again and again until it is answered. */
void hbs_release_tell(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);
/* Is this the answer to one of those? It is taken, then. */
bool hbs_release_answered(struct hbs *s, const struct ha_ringvm_msg *msg);
/* Of another host, RELEASED. */
void hbs_release_heard(struct hbs *s, const struct ha_ringvm_msg *msg);

/* ---- holds.c: hb->lock held ---------------------------------------------- */

/* The entry of a host's list as it is in force: released where a record says
 * so. */
enum ha_listed_state hbs_listed_state(const struct hb *hb, uint32_t slot,
				      const struct ha_listed_vm *vm);

/* ---- holds_own.c: hb->lock held ------------------------------------------ */

/* The own record of this kind, VM or host, and incarnation; NULL. */
struct ha_hold *hbs_own_find(struct hb *hb, const struct ha_hold *vm);
/* On w, in another host's list: that is as good. */
bool hbs_own_stands_elsewhere(const struct hb *hb, const struct ha_hold *vm);
/* Room for so many more; what is of no use makes some. -ENOSPC. */
int hbs_own_make_room(struct hbs *s, uint32_t more, struct ha_err *err);

#endif
