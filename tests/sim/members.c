/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's ring thread around core/ring: feeds membership, quorum and
 * messages in the order of their delivery, ticks once a beat, publishes what
 * may buy a pet (SAFETY 1.6, 1.7).
 */
#include <string.h>

#include "sim.h"

#define FENCE_PERCENT 40 /* per beat: Pacemaker asks for a lost host */

static struct ha_hostset
hostset(uint8_t bits)
{
	struct ha_hostset set = { { bits } };

	return set;
}

/* Hosts that never claimed or stopped clean. Not the silent ones: they may
 * be in ring mode. */
static struct ha_hostset
out_of_the_way(struct world *w, uint32_t host)
{
	struct ha_hostset set = { { 0 } };
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (i != host && observe_is_away(w, host, i)) {
			ha_hostset_add(&set, i);
		}
	}
	return set;
}

void
ring_publish(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	struct ha_hostset all = hostset((uint8_t)((1u << w->hosts) - 1));
	struct ha_hostset out = { { 0 } };
	bool is_alone = d->members == 1u << host;

	d->has_ring = ha_ring_evidence(&d->ring, &d->ring_ms);
	if (world_is_off(w, RULE_OWN_ECHO) && d->own_echo_ms) {
		d->has_ring = true;
		d->ring_ms = d->own_echo_ms;
	}
	if (world_is_off(w, RULE_ANNOUNCE) &&
	    d->ring.mode == HA_RING_ANNOUNCED) {
		d->has_ring = true;
		d->ring_ms = d->ring.nonce_ms;
	}
	d->is_lone = false;
	if (d->wants_ring && is_alone && d->ring.is_quorate) {
		out = out_of_the_way(w, host);
		d->is_lone = ha_lone_allowed(true, true, w->is_wait_for_all,
					     &all, &out, host) ||
			     world_is_off(w, RULE_LONE);
		d->lone_ms = world_local_ms(w, host);
	}
	pet_wake(w, host);
}

/* Pacemaker asks for the fencing of a host that is not a member. */
static void
want_fencing(struct world *w, uint32_t host, uint32_t percent)
{
	struct daemon *d = &w->host[host].d;
	uint32_t i;

	if (w->l.is_on) {
		return; /* Pacemaker does */
	}
	for (i = 0; i < w->hosts; i++) {
		if (i != host && !(d->members & 1u << i) &&
		    !d->sessions[i].is_open && d->ring.is_quorate &&
		    draw_percent(w, percent)) {
			observe_session(w, host, i, false);
		}
	}
}

void
ring_send(struct world *w, uint32_t host, uint32_t message)
{
	if (w->pool_serial[message] == w->host[host].d.pending_serial) {
		net_send(w, host, message);
	}
}

/* Stamped already: a pause before it is sent makes the stamp older only. */
static void
multicast(struct world *w, uint32_t host, uint32_t message)
{
	/* A pause of the thread delays all that it sends after it, too: a question
	 * that came behind later messages would be out of totem's order. */
	uint64_t stall_us = w->pool[message].type == HA_RING_MSG_NONCE ?
				    world_stall(w, host, STEP_NONCE) :
				    0;

	if (!stall_us) {
		net_send(w, host, message);
		return;
	}
	w->host[host].d.pending_serial = w->pool_serial[message];
	world_thread(w, EV_SEND, host, 0, message, stall_us);
}

/* The members are asked as soon as their answer would count. */
static bool
wants_ask(struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;
	uint64_t now_ms = world_local_ms(w, host);
	uint32_t i;

	if (world_is_off(w, RULE_CONFIRM) || !d->ring.has_membership ||
	    now_ms < d->ring.ask_ms + w->timing.beat_ms) {
		return false;
	}
	if (w->l.is_on && d->l.confirm_ms &&
	    !seal_is_confirmed(w, host, d->l.confirm_ms)) {
		return true;
	}
	for (i = 0; i < w->hosts; i++) {
		uint64_t due_ms = 0;

		if (i != host && !(d->members & 1u << i) &&
		    ring_silence(w, host, i, &due_ms) ==
			    HA_RING_SILENCE_UNCONFIRMED &&
		    now_ms >= due_ms) {
			return true;
		}
	}
	return false;
}

void
ring_look(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t message;

	if (!wants_ask(w, host)) {
		return;
	}
	message = net_message(w);
	if (ha_ring_ask(&d->ring, ++d->nonce, world_local_ms(w, host),
			&w->pool[message])) {
		STORY(w, host, "ring: asks who is still there");
		multicast(w, host, message);
	}
}

static void
note_members(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (d->members & 1u << i) {
			d->member_ms[i] = world_local_ms(w, host);
		}
	}
}

void
ring_tick(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	uint64_t now_ms = world_local_ms(w, host);
	uint64_t stamp_ms = 0;
	bool has = ha_evidence_stamp(&d->evidence, &stamp_ms);
	bool wants =
		d->phase >= PHASE_ARMED &&
		ha_ring_is_needed(&d->ring, &w->timing, has, stamp_ms, now_ms);
	uint32_t message = net_message(w);
	struct ha_hostset out = out_of_the_way(w, host);

	world_thread(w, EV_RING_TICK, host, 0, 0,
		     w->timing.beat_ms * US_PER_MS);
	ha_ring_gone(&d->ring, &out, now_ms);
	if (ha_ring_tick(&d->ring, wants, ++d->nonce, now_ms,
			 &w->pool[message])) {
		STORY(w, host, "ring: sends %s",
		      w->pool[message].type == HA_RING_MSG_LEAVE ? "LEAVE" :
								   "NONCE");
		multicast(w, host, message);
	}
	ring_look(w, host);
	note_members(w, host);
	d->wants_ring = wants;
	if (!wants) {
		d->own_echo_ms = 0;
	}
	ring_publish(w, host);
	want_fencing(w, host, FENCE_PERCENT);
	if (w->l.is_on) {
		lock_tick(w, host);
	}
	observe_all(w, host);
}

/* Only with a rule off: the clocks of the membership before run on. */
static void
keep_clocks(struct world *w, uint32_t host, const struct ha_ring *before)
{
	struct ha_ring *ring = &w->host[host].d.ring;
	uint32_t i;

	for (i = 0; i < w->hosts && before->is_quorate; i++) {
		if (!ha_ring_is_member(ring, i)) {
			ring->peers[i].without_ms = before->peers[i].without_ms;
		}
	}
}

static void
take_membership(struct world *w, uint32_t host, const struct delivery *got)
{
	struct daemon *d = &w->host[host].d;
	struct ha_hostset members = hostset(got->members);
	struct ha_ring before;
	uint32_t message;

	before = d->ring;
	note_members(w, host);
	d->members = got->members;
	ha_ring_changed(&d->ring, got->ring_seq, &members,
			world_local_ms(w, host));
	if (world_is_off(w, RULE_CLOCK)) {
		keep_clocks(w, host, &before);
	}
	note_members(w, host);
	if (w->l.is_on) {
		lock_tick(w, host);
	}
	message = net_message(w);
	ha_ring_state(&d->ring, &w->pool[message]);
	net_send(w, host, message);
}

static void
take_message(struct world *w, uint32_t host, const struct delivery *got)
{
	struct daemon *d = &w->host[host].d;
	const struct ha_ring_msg *msg = &w->pool[got->message];
	uint32_t reply;

	if (w->pool_serial[got->message] != got->serial) {
		return; /* older than what is kept: lost */
	}
	if (w->release[got->message].what != RELEASE_NONE) {
		release_take(w, host, &w->release[got->message]);
		return;
	}
	if (msg->type == HA_RING_MSG_STATE &&
	    msg->ring_seq == d->ring.ring_seq) {
		d->member_inc[msg->sender] = (uint32_t)msg->incarnation;
	}
	if (msg->type == HA_RING_MSG_NONCE && msg->sender == host &&
	    msg->nonce == d->ring.nonce) {
		STORY(w, host, "ring: own message comes back");
		d->own_echo_ms = d->ring.nonce_ms;
	}
	reply = net_message(w);
	if (reply != got->message &&
	    ha_ring_deliver(&d->ring, msg, world_local_ms(w, host),
			    &w->pool[reply])) {
		net_send(w, host, reply);
	}
}

void
ring_take(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	struct daemon *d = &h->d;
	struct delivery got;
	uint64_t next_us;

	if (!h->fifo_count) {
		return;
	}
	if (h->still_until_us > w->now_us) {
		world_thread(w, EV_RING, host, 0, 0,
			     h->still_until_us - w->now_us);
		return;
	}
	got = h->fifo[h->fifo_first];
	h->fifo_first = (h->fifo_first + 1) % SIM_FIFO;
	if (--h->fifo_count) {
		next_us = h->fifo[h->fifo_first].at_us;
		world_thread(w, EV_RING, host, 0, 0,
			     next_us > w->now_us ? next_us - w->now_us : 0);
	}
	switch ((enum delivery_kind)got.kind) {
	case DELIVER_CONF:
		take_membership(w, host, &got);
		break;
	case DELIVER_QUORUM:
		ha_ring_quorate(&d->ring, got.ring_seq, got.is_quorate,
				world_local_ms(w, host));
		want_fencing(w, host, 2 * FENCE_PERCENT);
		if (w->l.is_on) {
			lock_tick(w, host);
		}
		observe_all(w, host);
		break;
	case DELIVER_MESSAGE:
		take_message(w, host, &got);
		break;
	}
	ring_look(w, host);
	ring_publish(w, host);
}

/* An answer from before it fell silent does not tell what keeps it alive
 * since. */
static bool
is_confirmed(struct world *w, uint32_t host, uint32_t about,
	     const struct ha_hostset *out, uint64_t due_ms)
{
	uint64_t since_ms = observe_judge(w, host, about, 0).proven_ms;

	if (since_ms < due_ms || world_is_off(w, RULE_CONFIRM_LATE)) {
		since_ms = due_ms;
	}
	return world_is_off(w, RULE_CONFIRM) ||
	       ha_ring_is_confirmed(&w->host[host].d.ring, out, since_ms);
}

enum ha_ring_silence
ring_silence(struct world *w, uint32_t host, uint32_t about,
	     uint64_t *ret_due_ms)
{
	struct daemon *d = &w->host[host].d;
	struct ha_hostset out = out_of_the_way(w, host);
	enum ha_ring_silence silence;

	*ret_due_ms = 0;
	silence = ha_ring_silence(&d->ring, &w->timing, about, &out,
				  world_local_ms(w, host), ret_due_ms);
	if (silence == HA_RING_SILENCE_LATER &&
	    (world_is_off(w, RULE_RING_SILENCE) ||
	     (world_is_off(w, RULE_STATES) &&
	      !d->ring.peers[about].is_ring_mode))) {
		*ret_due_ms = 0;
		silence = HA_RING_SILENCE_YES;
	}
	if ((silence == HA_RING_SILENCE_YES ||
	     silence == HA_RING_SILENCE_LATER) &&
	    !is_confirmed(w, host, about, &out, *ret_due_ms)) {
		return HA_RING_SILENCE_UNCONFIRMED;
	}
	return silence;
}
