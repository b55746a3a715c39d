/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The serving half's words about sides: is this host sealed, does another side
 * claim the cluster, who is master, are the members there. Part of serve.h,
 * which includes it.
 */
#ifndef VMHA_HEARTBEAT_SIDES_H
#define VMHA_HEARTBEAT_SIDES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "heartbeat/hb.h"

struct hbs;
struct hbs_client;
struct hbs_wait;

/* ---- confirm.c ---------------------------------------------------------- */

/* Have the members said, since then, that they are there? A corosync that
 * stands still tells an old membership for ever. hb->lock held. */
bool hbs_is_confirmed(const struct hbs *s, uint64_t since_ms);
/* Somebody waits for that. */
void hbs_confirm_want(struct hbs *s, uint64_t since_ms);
/* Is it time to ask them for it? hb->lock held. */
bool hbs_confirm_wants_ask(const struct hbs *s, uint64_t now_ms);
/* The membership that a request is about ("ring_seq"): the one of now, or a
 * failure to be given. */
json_t *hbs_confirm_seq(const struct hbs *s, const json_t *request);
/* Has `run` answer the request once the members have confirmed that they are
 * there, in this membership: what was decided on older news is not done. */
json_t *hbs_confirm_first(struct hbs *s, struct hbs_client *client,
			  const json_t *request,
			  json_t *(*run)(struct hbs *s,
					 struct hbs_client *client,
					 const json_t *request));
bool hbs_confirm_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);

/* ---- seal.c ------------------------------------------------------------- */

void hbs_seal_init(struct hbs *s);
/* After any news of ring, quorum or beats, and at each tick: seals, unseals. */
void hbs_seal_look(struct hbs *s);
/* Why this host may not take a VM now although nothing is wrong: it waits for
 * its list to be settled. hb->lock held. */
bool hbs_seal_will_open(const struct hbs *s);

/* The host of another side that matters most; is_there false: no other side
 * claims the cluster, nor can. hb->lock held. */
void hbs_seal_rival(const struct hbs *s, uint64_t now_ms,
		    struct ha_rival *ret_rival);

/* The master has settled this host's own list. hb->lock held. */
void hbs_seal_settle(struct hb *hb);

/* Its side has lost its claim, or waits until the other side has sealed: it
 * speaks for nobody, as without quorum (SAFETY 11, 20). hb->lock held. */
bool hbs_seal_has_no_say(const struct hb *hb);

/* In a quorate membership; while that is not known yet of a new one, the one
 * before counts for a beat. */
bool hbs_is_quorate(const struct hbs *s, uint64_t now_ms);

/* ---- master.c ----------------------------------------------------------- */

/* Begins a term, or renews the lease. -EPERM: no quorum; -EIO: no storage. */
int hbs_master_begin(struct hbs *s, uint64_t lease_ms, uint64_t now_ms,
		     struct ha_err *err);
void hbs_master_end(struct hbs *s, const char *why);

/* May the master lift, and tell hosts to unseal? -EAGAIN: not before the claims
 * of other sides were read. hb->lock held. */
int hbs_master_may_act(const struct hbs *s, uint64_t now_ms,
		       struct ha_err *err);

/* Ends what is over, learns newer terms. Before hbs_seal_look(). */
void hbs_master_look(struct hbs *s);
/* A member, this host too, that says it is master; HA_SLOT_NONE. hb->lock
 * held. */
uint32_t hbs_master_find(const struct hbs *s, uint64_t now_ms);
bool hbs_master_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);
/* The start gate (SAFETY 10, 19), for wishes, before the entry is made: 0, or
 * -EAGAIN with the sentence: to be asked again until the deadline, then it is
 * the refusal. -ESTALE: refused at once, since no manager is here to tell of a
 * newer term: the agent asks again with what the CIB says now. hb->lock held. */
int hbs_ticket_ready(const struct hbs *s, const struct hbs_wait *wait,
		     uint64_t now_ms, struct ha_err *err);

#endif
