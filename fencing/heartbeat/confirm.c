/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is decided for the whole cluster (a hold ends, a host unseals, a ticket
 * is granted) rests on who is a member. A corosync that stands still tells an
 * old membership for ever, while the others have formed another one and hold
 * what this host would lift. So the members are asked first (core/ring_ask.c),
 * and what was asked for is done only when they have answered since, in the
 * very membership that it is about. Must never count an older answer.
 */
#include <errno.h>

#include "ha/clock.h"
#include "heartbeat/serve.h"

bool
hbs_is_confirmed(const struct hbs *s, uint64_t since_ms)
{
	struct ha_hostset out;

	hbs_out_of_the_way(s, &out);
	return ha_ring_stands(&s->ring.core, &out, since_ms);
}

void
hbs_confirm_want(struct hbs *s, uint64_t since_ms)
{
	if (since_ms > s->confirm_ms) {
		s->confirm_ms = since_ms;
	}
}

/* A new question makes the open one void: so only when that one is answered, or
 * a beat old. */
bool
hbs_confirm_wants_ask(const struct hbs *s, uint64_t now_ms)
{
	const struct ha_ring *ring = &s->ring.core;

	if (s->confirm_ms == 0 || hbs_is_confirmed(s, s->confirm_ms)) {
		return false;
	}
	return ring->ask_nonce == 0 ||
	       now_ms >= ring->ask_ms + s->hb->sb.timing.beat_ms ||
	       (ring->ask_ms < s->confirm_ms &&
		hbs_is_confirmed(s, ring->ask_ms));
}

json_t *
hbs_confirm_seq(const struct hbs *s, const json_t *request)
{
	const json_t *value = json_object_get(request, "ring_seq");

	if (json_is_integer(value) && json_integer_value(value) > 0 &&
	    (uint64_t)json_integer_value(value) != s->ring.core.ring_seq) {
		return hbs_failed(-EAGAIN,
				  "the membership has changed since: look "
				  "again, then ask again");
	}
	return NULL;
}

json_t *
hbs_confirm_first(struct hbs *s, struct hbs_client *client,
		  const json_t *request,
		  json_t *(*run)(struct hbs *s, struct hbs_client *client,
				 const json_t *request))
{
	json_t *failure = hbs_confirm_seq(s, request);
	struct hbs_wait *wait;

	if (failure) {
		return failure;
	}
	wait = hbs_wait_new(s, client, HBS_WAIT_CONFIRM,
			    hbs_arg_deadline(request));
	if (!wait) {
		return hbs_failed(-EBUSY, "too many requests at a time");
	}
	wait->request = json_deep_copy(request);
	wait->run = run;
	wait->asked_ms = ha_clock_now_ms();
	wait->ring_seq = s->ring.core.ring_seq;
	hbs_confirm_want(s, wait->asked_ms);
	hbs_ring_look(s);
	return NULL;
}

/* Now; the request may wait for something else yet. */
static void
run(struct hbs *s, struct hbs_wait *wait)
{
	struct hbs_client *client = wait->client;
	json_t *request = wait->request;
	json_t *answer;

	client->wait = NULL;
	wait->client = NULL;
	answer = wait->run(s, client, request);
	json_decref(request);
	if (!answer && client->wait) {
		return;
	}
	wait->client = client;
	client->wait = wait;
	hbs_wait_answer(s, wait, answer);
}

bool
hbs_confirm_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms)
{
	bool is_confirmed;
	bool is_other = wait->ring_seq != s->ring.core.ring_seq;

	pthread_mutex_lock(&s->hb->lock);
	is_confirmed = hbs_is_confirmed(s, wait->asked_ms);
	pthread_mutex_unlock(&s->hb->lock);
	if (!is_other && is_confirmed) {
		run(s, wait);
		return true;
	}
	if (!is_other && now_ms < wait->deadline_ms) {
		return false;
	}
	json_decref(wait->request);
	hbs_wait_answer(
		s, wait,
		is_other ?
			hbs_failed(-EAGAIN, "the membership has changed since: "
					    "look again, then ask again") :
			hbs_failed(-EAGAIN,
				   "too few members have confirmed that they "
				   "are there: does corosync run everywhere, "
				   "and vmha-heartbeatd?"));
	return true;
}
