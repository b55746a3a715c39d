/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers that are owed: a request whose answer needs the datastores waits
 * here, and is looked at each time there is news and at each tick. Each has a
 * deadline; a client that goes away takes its wait along.
 */
#include "ha/clock.h"
#include "heartbeat/serve.h"

struct hbs_wait *
hbs_wait_new(struct hbs *s, struct hbs_client *client, enum hbs_wait_kind kind,
	     uint64_t deadline_ms)
{
	for (uint32_t i = 0; i < HBS_WAITS; i++) {
		struct hbs_wait *wait = &s->waits[i];

		if (!wait->client) {
			*wait = (struct hbs_wait){
				.client = client,
				.kind = kind,
				.deadline_ms = deadline_ms,
			};
			client->wait = wait;
			return wait;
		}
	}
	return NULL;
}

void
hbs_wait_cancel(struct hbs *s, struct hbs_wait *wait)
{
	switch (wait->kind) {
	case HBS_WAIT_ANNOUNCE:
		hbs_announce_cancel(s, wait);
		break;
	case HBS_WAIT_CONFIRM:
		json_decref(wait->request);
		break;
	case HBS_WAIT_MASTER: /* its lease goes on */
	case HBS_WAIT_PROTECTED:
	case HBS_WAIT_PROTECT:  /* it is written on */
	case HBS_WAIT_HOLDS:    /* what was put stands */
	case HBS_WAIT_WITHDRAW: /* what was taken off stays off */
	case HBS_WAIT_DISARM:   /* orders that stand go on */
		break;
	}
	wait->client->wait = NULL;
	wait->client = NULL;
}

void
hbs_wait_check(struct hbs *s)
{
	uint64_t now_ms = ha_clock_now_ms();

	hbs_protect_look(s, now_ms);
	for (uint32_t i = 0; i < HBS_WAITS; i++) {
		struct hbs_wait *wait = &s->waits[i];

		if (!wait->client) {
			continue;
		}
		switch (wait->kind) {
		case HBS_WAIT_ANNOUNCE:
			(void)hbs_announce_check(s, wait, now_ms);
			break;
		case HBS_WAIT_WITHDRAW:
			(void)hbs_withdraw_check(s, wait, now_ms);
			break;
		case HBS_WAIT_HOLDS:
			(void)hbs_holds_check(s, wait, now_ms);
			break;
		case HBS_WAIT_PROTECT:
			(void)hbs_protect_check(s, wait, now_ms);
			break;
		case HBS_WAIT_PROTECTED:
			(void)hbs_protected_check(s, wait, now_ms);
			break;
		case HBS_WAIT_MASTER:
			(void)hbs_master_check(s, wait, now_ms);
			break;
		case HBS_WAIT_CONFIRM:
			(void)hbs_confirm_check(s, wait, now_ms);
			break;
		case HBS_WAIT_DISARM:
			(void)hbs_disarm_check(s, wait, now_ms);
			break;
		}
	}
}
