/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Corosync below the daemons: who reaches whom, memberships that take a
 * token's time to form, messages in one order for each membership, quorum by
 * votes (two_node, wait_for_all).
 *
 * A host that is paused or cut off keeps its old membership until it has
 * formed a new one, and while the token is lost there its own message may
 * come back to it alone, or reach a part of the members (safety evidence F5).
 * All who form a membership have left their old ones before. A daemon hears
 * of all this in order, and late when it is paused.
 *
 * A corosync may stand still alone, as in SIGSTOP: its daemon runs on, hears
 * nothing and sends into a queue. When it runs again it first hands over what
 * had reached its socket, may then take the old token for good, which brings
 * its own messages back, and only then learns what the others have formed.
 */
#include <string.h>

#include "sim.h"

#define LATENCY_LOW_US 100
#define LATENCY_HIGH_US 3000
#define PUMP_US 50000
#define SELF_PERCENT 30
#define PART_PERCENT 20
#define ALL_PERCENT 100
#define MEET_LOW_US 20000
#define MEET_HIGH_US 600000
#define OLD_TOKEN_PERCENT 70 /* the old token lies in the socket */

static bool
is_still(const struct world *w, uint32_t host)
{
	return w->host[host].still_until_us > w->now_us;
}

/* What is sent now gets to its socket. */
static bool
is_connected(const struct world *w, uint32_t from, uint32_t to)
{
	const struct host *a = &w->host[from];
	const struct host *b = &w->host[to];

	return b->is_on && b->has_corosync && b->net_seq == a->net_seq &&
	       b->component == a->component && b->paused_until_us <= w->now_us;
}

static bool
is_reachable(const struct world *w, uint32_t from, uint32_t to)
{
	return is_connected(w, from, to) && !is_still(w, to);
}

bool
net_is_stuck(const struct world *w, uint32_t host)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if ((w->host[host].net_members & 1u << i) &&
		    !is_reachable(w, host, i)) {
			return true;
		}
	}
	return false;
}

void
net_changed(struct world *w)
{
	world_plain(w, EV_FORM, 0, 0, 0,
		    w->now_us + draw_between(w, w->token_us / 2,
					     w->token_us + w->token_us / 2));
}

void
net_push(struct world *w, uint32_t host, const struct delivery *delivery)
{
	struct host *h = &w->host[host];
	struct delivery *d;

	if (h->d.phase < PHASE_ARMED || h->fifo_count == SIM_FIFO) {
		return;
	}
	d = &h->fifo[(h->fifo_first + h->fifo_count) % SIM_FIFO];
	*d = *delivery;
	d->at_us = w->now_us + draw_between(w, LATENCY_LOW_US, LATENCY_HIGH_US);
	if (draw_percent(w, 3)) {
		d->at_us += draw_below(w, w->token_us);
	}
	if (h->fifo_count && d->at_us < h->fifo_last_us) {
		d->at_us = h->fifo_last_us;
	}
	h->fifo_last_us = d->at_us;
	if (h->fifo_count++ == 0) {
		world_thread(w, EV_RING, host, 0, 0, d->at_us - w->now_us);
	}
}

static void
push_membership(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	struct delivery d = { .kind = DELIVER_CONF,
			      .members = h->net_members,
			      .ring_seq = h->net_seq };

	net_push(w, host, &d);
	d.kind = DELIVER_QUORUM;
	d.is_quorate = h->is_net_quorate;
	net_push(w, host, &d);
}

/* A daemon joins the group: it learns of the membership that stands. */
void
net_join(struct world *w, uint32_t host)
{
	if (w->host[host].has_corosync && w->host[host].net_seq) {
		push_membership(w, host);
	}
}

/* votequorum(5): a host that has once been part of a quorate membership
 * keeps "wait_for_all" done until its corosync ends, and passes it on. */
static bool
is_quorate(const struct world *w, uint8_t members)
{
	uint32_t votes = 0;
	uint32_t count = 0;
	bool is_wait_done = !w->is_wait_for_all;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (members & 1u << i) {
			votes += w->votes[i];
			count++;
			is_wait_done |= w->host[i].is_wait_done;
		}
	}
	if (count == w->hosts) {
		return true;
	}
	return is_wait_done &&
	       (w->is_two_node ? votes > 0 : 2 * votes > w->total_votes);
}

/* A second change while a host is away: the ring's clocks begin anew. */
static bool
is_anew(const struct world *w, uint32_t host)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (w->truth[i].off_us != NEVER_US &&
		    !(w->host[host].net_members & 1u << i)) {
			return true;
		}
	}
	return false;
}

static void
install(struct world *w, uint8_t members)
{
	bool quorate = is_quorate(w, members);
	uint32_t i;

	w->net_seq++;
	w->l.formed_us = w->now_us;
	STORY(w, SIM_HOSTS, "membership %u: hosts 0x%x%s", w->net_seq, members,
	      quorate ? ", quorate" : "");
	for (i = 0; i < w->hosts; i++) {
		struct host *h = &w->host[i];

		if (members & 1u << i) {
			h->is_wait_done |= quorate;
			w->truth[i].fit_us *= quorate && !is_anew(w, i);
			h->net_seq = w->net_seq;
			h->net_members = members;
			h->is_net_quorate = quorate;
			h->out_count = 0;
			push_membership(w, i);
		}
	}
	if (w->l.is_on) {
		world_plain(w, EV_JOIN, 0, 0, w->net_seq,
			    w->now_us +
				    draw_between(w, MEET_LOW_US, MEET_HIGH_US));
	}
}

static void
form(struct world *w, uint32_t component)
{
	uint8_t members = 0;
	uint32_t seq = 0;
	bool is_same = true;
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		const struct host *h = &w->host[i];

		if (h->is_on && h->has_corosync && h->component == component &&
		    h->paused_until_us <= w->now_us && !is_still(w, i)) {
			members = (uint8_t)(members | 1u << i);
		}
	}
	for (i = 0; i < w->hosts; i++) {
		const struct host *h = &w->host[i];

		if (members & 1u << i) {
			is_same &= h->net_members == members && h->net_seq &&
				   (!seq || h->net_seq == seq);
			seq = h->net_seq;
		}
	}
	if (members && !is_same) {
		install(w, members);
	}
}

void
net_form(struct world *w)
{
	uint32_t c;

	for (c = 0; c < w->hosts; c++) {
		form(w, c);
	}
}

uint32_t
net_message(struct world *w)
{
	uint32_t at = w->pool_next++ % SIM_POOL;

	w->pool_serial[at]++;
	w->release[at].what = RELEASE_NONE;
	return at;
}

static void
deliver(struct world *w, uint32_t to, uint32_t message, uint32_t serial)
{
	struct delivery d = { .kind = DELIVER_MESSAGE,
			      .message = message,
			      .serial = serial };

	net_push(w, to, &d);
}

/* To the members that it gets to, less those who have it: who now has it.
 * One that stands still finds it in its socket later. */
static uint8_t
deliver_members(struct world *w, uint32_t from, uint32_t message,
		uint32_t serial, uint8_t has, uint32_t percent)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if ((w->host[from].net_members & ~has & 1u << i) &&
		    is_connected(w, from, i) &&
		    (percent >= ALL_PERCENT || draw_percent(w, percent))) {
			deliver(w, i, message, serial);
			has = (uint8_t)(has | 1u << i);
		}
	}
	return has;
}

/* The oldest has lost its worth, as in the daemon's own outbox. */
static void
make_room(struct host *h)
{
	if (h->out_count == SIM_OUT) {
		memmove(&h->out[0], &h->out[1],
			(SIM_OUT - 1) * sizeof(h->out[0]));
		h->out_count--;
	}
}

/* While a member can't be reached the token does not go round. If it was
 * here, the message comes back to its sender, or has reached some; the rest
 * get it when the membership lives on, and never when it does not. */
void
net_send(struct world *w, uint32_t host, uint32_t message)
{
	struct host *h = &w->host[host];
	uint32_t serial = w->pool_serial[message];
	uint8_t has = 0;

	if (!h->has_corosync || !h->net_seq) {
		return;
	}
	if (!net_is_stuck(w, host) && !h->out_count) {
		deliver_members(w, host, message, serial, 0, ALL_PERCENT);
		return;
	}
	make_room(h);
	if (is_still(w, host)) {
		has = 0;
	} else if (draw_percent(w, SELF_PERCENT)) {
		deliver(w, host, message, serial);
		has = (uint8_t)(1u << host);
	} else if (draw_percent(w, PART_PERCENT)) {
		has = deliver_members(w, host, message, serial, 0,
				      ALL_PERCENT / 2);
	}
	h->out[h->out_count].message = message;
	h->out[h->out_count].serial = serial;
	h->out[h->out_count].net_seq = h->net_seq;
	h->out[h->out_count].has = has;
	if (h->out_count++ == 0) {
		world_plain(w, EV_PUMP, host, 0, 0, w->now_us + PUMP_US);
	}
}

void
net_pump(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	uint32_t i;

	if (!h->out_count) {
		return;
	}
	if (net_is_stuck(w, host)) {
		world_plain(w, EV_PUMP, host, 0, 0, w->now_us + PUMP_US);
		return;
	}
	for (i = 0; i < h->out_count; i++) {
		if (h->out[i].net_seq == h->net_seq) {
			deliver_members(w, host, h->out[i].message,
					h->out[i].serial, h->out[i].has,
					ALL_PERCENT);
		}
	}
	h->out_count = 0;
}

void
net_still(struct world *w, uint32_t host, uint64_t until_us)
{
	struct host *h = &w->host[host];

	if (h->is_on && h->has_corosync && until_us > h->still_until_us) {
		h->still_until_us = until_us;
		net_changed(w);
	}
}

/* With the old token what the daemon has sent meanwhile gets its place behind
 * all that came before, in the membership that stood: it comes back, and goes
 * to whoever is still there. */
void
net_resume(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];
	uint32_t i;

	if (!h->is_on || !h->has_corosync || is_still(w, host)) {
		return;
	}
	STORY(w, host, "corosync runs again");
	if (draw_percent(w, OLD_TOKEN_PERCENT)) {
		for (i = 0; i < h->out_count; i++) {
			if (h->out[i].net_seq != h->net_seq ||
			    (h->out[i].has & 1u << host)) {
				continue;
			}
			deliver(w, host, h->out[i].message, h->out[i].serial);
			h->out[i].has = deliver_members(
				w, host, h->out[i].message, h->out[i].serial,
				(uint8_t)(h->out[i].has | 1u << host),
				ALL_PERCENT / 2);
		}
	}
	net_changed(w);
}
