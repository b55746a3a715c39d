/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Planned work on storage or network: `vmha disarm` has every live host
 * close its watchdog, `vmha arm` brings all back. The answer names who has
 * followed. Hosts that are not alive take no part: nothing is proven about a
 * host that stands down, and nothing is fenced by heartbeat meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ha/clock.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

/* Every host with a slot that beats; hb->lock held. */
static void
pick_hosts(const struct hb *hb, struct ha_hostset *ret_hosts)
{
	for (uint32_t slot = 0; slot < hb->sb.slots; slot++) {
		enum ha_proof proof;

		if (slot == hb->self || !hb->table.names[slot][0]) {
			continue;
		}
		proof = hb_judge(hb, slot, 0).proof;
		if (proof == HA_PROOF_ALIVE ||
		    proof == HA_PROOF_STANDING_DOWN ||
		    proof == HA_PROOF_UNGUARDED) {
			ha_hostset_add(ret_hosts, slot);
		}
	}
}

/* With the reason that was given, so that who finds it knows why. */
static void
tell(const json_t *request, bool is_down)
{
	const char *reason =
		json_string_value(json_object_get(request, "reason"));
	char text[320];

	(void)snprintf(text, sizeof(text),
		       "all watchdogs of the cluster are being %s%s%s",
		       is_down ? "disarmed" : "armed",
		       reason && reason[0] ? ": " : "", reason ? reason : "");
	hb_log(HB_LOG_DISARM, text);
}

static json_t *
begin(struct hbs *s, struct hbs_client *client, const json_t *request,
      bool is_down)
{
	struct hb *hb = s->hb;
	struct hbs_wait *wait;
	bool is_armed;
	bool is_nowayout;

	pthread_mutex_lock(&hb->lock);
	is_armed = hb->phase == HB_ARMED;
	is_nowayout = hb->is_armed && hb->watchdog.is_nowayout;
	pthread_mutex_unlock(&hb->lock);
	if (is_down && is_nowayout) {
		return hbs_failed(
			-EPERM,
			"the driver of watchdog %s is loaded with "
			"nowayout: it can't be stopped, so nothing is "
			"disarmed; load it with nowayout=0",
			hb->conf.watchdog);
	}
	if (!is_armed) {
		return hbs_failed(-EAGAIN, "the heartbeat daemon of this host "
					   "is not ready, or is stopping");
	}
	wait = hbs_wait_new(s, client, HBS_WAIT_DISARM,
			    hbs_arg_deadline(request));
	if (!wait) {
		return hbs_failed(-EBUSY, "too many requests at a time");
	}
	wait->is_down = is_down;
	pthread_mutex_lock(&hb->lock);
	pick_hosts(hb, &wait->todo);
	pthread_mutex_unlock(&hb->lock);
	tell(request, is_down);
	hb_stand_down(hb, is_down);
	return NULL;
}

json_t *
hbs_op_disarm(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	return begin(s, client, request, true);
}

json_t *
hbs_op_arm(struct hbs *s, struct hbs_client *client, const json_t *request)
{
	return begin(s, client, request, false);
}

/* Orders as far as they fit into the beat, and what became of them. True:
 * every host has followed or refused. */
static bool
advance(struct hbs *s, struct hbs_wait *wait)
{
	bool is_done = true;

	for (uint32_t slot = 0; slot < s->hb->sb.slots; slot++) {
		const struct hbs_order *order;

		if (!ha_hostset_has(&wait->todo, slot) ||
		    ha_hostset_has(&wait->acked, slot)) {
			continue;
		}
		if (!ha_hostset_has(&wait->given, slot) &&
		    hbs_order_give(s, slot,
				   wait->is_down ? HA_ORDER_STAND_DOWN :
						   HA_ORDER_STAND_TO,
				   0, &wait->nonces[slot], NULL) == 0) {
			ha_hostset_add(&wait->given, slot);
		}
		order = hbs_order_find(s, wait->nonces[slot]);
		if (order && order->is_acked) {
			ha_hostset_add(&wait->acked, slot);
			wait->results[slot] = order->result;
		} else if (!order || order->is_open) {
			is_done = false;
		}
	}
	return is_done;
}

/* Own half: what the others are told to do is done here as well. */
static bool
is_self_done(struct hbs *s, const struct hbs_wait *wait)
{
	struct hb *hb = s->hb;
	bool is_done;

	pthread_mutex_lock(&hb->lock);
	is_done = hb->is_standing_down == wait->is_down &&
		  hb->is_armed != wait->is_down;
	pthread_mutex_unlock(&hb->lock);
	return is_done;
}

static json_t *
result_json(const struct hbs *s, const struct hbs_wait *wait, uint32_t slot)
{
	bool is_asked = ha_hostset_has(&wait->todo, slot);
	bool is_acked = ha_hostset_has(&wait->acked, slot);
	const char *why = "";

	if (!is_asked) {
		why = "is not alive";
	} else if (!is_acked) {
		why = "has not answered in time";
	} else if (wait->results[slot] < 0) {
		why = strerror(-wait->results[slot]);
	}
	return json_pack("{s:s, s:b, s:s}", "name", s->hb->table.names[slot],
			 "acked", is_acked && wait->results[slot] == 0, "why",
			 why);
}

bool
hbs_disarm_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	bool is_done = advance(s, wait);
	bool is_here = is_self_done(s, wait);
	json_t *answer;
	json_t *hosts;

	if ((!is_done || !is_here) && now_ms < wait->deadline_ms) {
		return false;
	}
	answer = ha_ipc_ok();
	hosts = json_array();
	for (uint32_t slot = 0; hosts && slot < hb->sb.slots; slot++) {
		if (slot == hb->self) {
			(void)json_array_append_new(
				hosts,
				json_pack("{s:s, s:b, s:s}", "name",
					  hb->table.names[slot], "acked",
					  is_here, "why",
					  is_here ? "" : "is not done yet"));
		} else if (hb->table.names[slot][0]) {
			(void)json_array_append_new(hosts,
						    result_json(s, wait, slot));
		}
	}
	if (answer) {
		(void)json_object_set_new(answer, "hosts", hosts);
	} else {
		json_decref(hosts);
	}
	hb_log(HB_LOG_DISARM,
	       is_done && is_here ? "every live host has followed" :
				    "not every live host has followed in time");
	hbs_wait_answer(s, wait, answer);
	return true;
}
