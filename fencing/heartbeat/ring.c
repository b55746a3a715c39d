/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Corosync as the daemon sees it: feeds membership, quorum and messages to
 * core/ring, sends what it wants sent, and publishes what the pet thread and
 * the beats need. The rules of ring evidence are the core's (SAFETY 1.6).
 *
 * A node without a slot can neither echo nor be judged, but its votes count:
 * they are given to a slot that nobody has, so that a majority is one of all
 * configured votes.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/wire.h"
#include "heartbeat/logs.h"
#include "heartbeat/serve.h"

#define SLOTLESS (HA_HOSTS_MAX - 1) /* whose votes are nobody's */

static uint32_t
slot_of(const struct hbs_ring *ring, uint32_t nodeid)
{
	for (uint32_t slot = 0; nodeid != 0 && slot < HA_HOSTS_MAX; slot++) {
		if (ring->nodeids[slot] == nodeid) {
			return slot;
		}
	}
	return HA_SLOT_NONE;
}

/* Names to slots, votes to the core. */
static void
take_config(struct hbs *s)
{
	struct hbs_ring *ring = &s->ring;
	struct hb *hb = s->hb;
	uint32_t votes[HA_HOSTS_MAX] = { 0 };

	memset(ring->nodeids, 0, sizeof(ring->nodeids));
	ring->has_slotless = false;
	for (uint32_t i = 0; i < ring->config.nodes; i++) {
		const struct ha_corosync_node *node = &ring->config.node[i];
		uint32_t slot = ha_slot_find(&hb->table, node->name);

		if (slot == HA_SLOT_NONE) {
			ring->has_slotless = true;
			votes[SLOTLESS] += node->votes;
			continue;
		}
		ring->nodeids[slot] = node->nodeid;
		votes[slot] += node->votes;
	}
	for (uint32_t slot = 0; slot < HA_HOSTS_MAX; slot++) {
		ha_ring_votes(&ring->core, slot, votes[slot]);
	}
	pthread_mutex_lock(&hb->lock);
	memcpy(hb->votes, votes, sizeof(votes));
	pthread_mutex_unlock(&hb->lock);
	ha_ring_no_lone(&ring->core, !ring->config.wait_for_all);
}

/* Until now: a host that has just left was a member up to here. */
static void
note_members(struct hbs *s, uint64_t now_ms)
{
	const struct ha_ring *core = &s->ring.core;

	for (uint32_t slot = 0; slot < HA_HOSTS_MAX; slot++) {
		struct hbs_host *host = &s->hosts[slot];
		bool is_in =
			core->has_membership && ha_ring_is_member(core, slot);

		if (is_in) {
			if (!host->is_in && host->last_member_ms != 0) {
				host->back_ms = now_ms;
			}
			host->last_member_ms = now_ms;
			host->member_ring_seq = core->ring_seq;
		}
		host->is_in = is_in;
	}
}

static bool
send_now(struct hbs *s, const struct ha_ring_msg *msg)
{
	uint8_t bytes[HA_RING_BYTES_MAX];
	size_t len = ha_ring_msg_encode(msg, s->hb->sb.cluster.bytes, bytes);

	return ha_corosync_send(s->ring.corosync, bytes, len) == 0;
}

/* Flow control and a membership in the making say "later"; what is still
 * owed then goes first. */
static void
flush_outbox(struct hbs *s)
{
	struct hbs_ring *ring = &s->ring;

	if (!ring->corosync) {
		return;
	}
	if (ring->owes_state && ring->core.has_membership) {
		struct ha_ring_msg msg;

		ha_ring_state(&ring->core, &msg);
		if (!send_now(s, &msg)) {
			return;
		}
		ring->owes_state = false;
	}
	while (ring->outbox_count > 0 && send_now(s, &ring->outbox[0])) {
		ring->outbox_count--;
		memmove(&ring->outbox[0], &ring->outbox[1],
			ring->outbox_count * sizeof(ring->outbox[0]));
	}
}

static void
post(struct hbs *s, const struct ha_ring_msg *msg)
{
	struct hbs_ring *ring = &s->ring;

	/* A full box: the oldest has lost its worth, a nonce of a beat ago or
	 * an echo that nobody counts any more. */
	if (ring->outbox_count == HBS_OUTBOX) {
		ring->outbox_count--;
		memmove(&ring->outbox[0], &ring->outbox[1],
			ring->outbox_count * sizeof(ring->outbox[0]));
	}
	ring->outbox[ring->outbox_count++] = *msg;
	flush_outbox(s);
}

static void
on_changed(void *data, uint64_t ring_seq, const uint32_t *nodeids, size_t count)
{
	struct hbs *s = data;
	struct hbs_ring *ring = &s->ring;
	struct ha_hostset members = { { 0 } };
	uint64_t now_ms = ha_clock_now_ms();

	note_members(s, now_ms);
	/* Nodes come and go by corosync-cfgtool -R. */
	if (ha_corosync_config(ring->corosync, &ring->config, NULL) == 0) {
		take_config(s);
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t slot = slot_of(ring, nodeids[i]);

		if (slot != HA_SLOT_NONE) {
			ha_hostset_add(&members, slot);
		}
	}
	ring->members = count;
	ring->outbox_count = 0; /* all of another membership */
	ha_ring_changed(&ring->core, ring_seq, &members, now_ms);
	note_members(s, now_ms);
	hbs_ring_say_members(s);
	ring->owes_state = true;
	flush_outbox(s);
}

static void
on_quorate(void *data, uint64_t ring_seq, bool is_quorate)
{
	struct hbs *s = data;

	ha_ring_quorate(&s->ring.core, ring_seq, is_quorate, ha_clock_now_ms());
	if (s->ring.core.is_quorate != s->ring.told_quorate) {
		s->ring.told_quorate = s->ring.core.is_quorate;
		hb_log(HB_LOG_QUORUM, (unsigned long long)ring_seq,
		       s->ring.core.is_quorate ? "has quorum" :
						 "has no quorum");
	}
	/* Also when the next membership, in the same breath, has it again. */
	if (!is_quorate) {
		hbs_seal_look(s);
	}
}

static void
on_message(void *data, uint32_t nodeid, const void *bytes, size_t len)
{
	struct hbs *s = data;
	struct hbs_ring *ring = &s->ring;
	struct ha_ring_msg msg;
	struct ha_ring_msg reply;

	if (hbs_incoming_message(s, slot_of(ring, nodeid), bytes, len)) {
		return;
	}
	/* One of another version says things that this one can't use. A
	 * sender that claims another's slot is none of this cluster's. */
	if (ha_ring_msg_decode(bytes, len, s->hb->sb.cluster.bytes, &msg) < 0 ||
	    msg.sender >= HA_HOSTS_MAX || slot_of(ring, nodeid) != msg.sender) {
		return;
	}
	if (msg.type == HA_RING_MSG_STATE &&
	    msg.ring_seq == ring->core.ring_seq) {
		s->hosts[msg.sender].member_incarnation = msg.incarnation;
		s->hosts[msg.sender].state_ring_seq = msg.ring_seq;
	}
	if (ha_ring_deliver(&ring->core, &msg, ha_clock_now_ms(), &reply) &&
	    (reply.type != HA_RING_MSG_ECHO || hbs_is_armed(s->hb))) {
		post(s, &reply);
	}
}

static bool
wants_ring(const struct hbs *s, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	uint64_t stamp_ms = 0;
	bool is_armed;
	bool has_stamp;

	pthread_mutex_lock(&hb->lock);
	is_armed = hb->phase == HB_ARMED;
	has_stamp = ha_evidence_stamp(&hb->evidence, &stamp_ms);
	pthread_mutex_unlock(&hb->lock);
	return is_armed && ha_ring_is_needed(&s->ring.core, &hb->sb.timing,
					     has_stamp, stamp_ms, now_ms);
}

static void
publish(struct hbs *s, uint64_t now_ms)
{
	const struct ha_ring *core = &s->ring.core;
	struct hb *hb = s->hb;
	const uint64_t one = 1;
	uint64_t stamp_ms = 0;
	bool has_evidence = ha_ring_evidence(core, &stamp_ms);
	uint32_t flags = 0;
	bool is_lost = wants_ring(s, now_ms);
	bool is_changed;

	flags |= core->has_membership ? HA_BEAT_MEMBER : 0;
	flags |= core->has_membership && core->is_quorate ? HA_BEAT_QUORATE : 0;
	flags |= core->mode != HA_RING_STORAGE ? HA_BEAT_RING_MODE : 0;
	pthread_mutex_lock(&hb->lock);
	is_changed =
		flags != (hb->flags & (HA_BEAT_MEMBER | HA_BEAT_QUORATE |
				       HA_BEAT_RING_MODE)) ||
		hb->ring_seq != (core->has_membership ? core->ring_seq : 0);
	hb->flags &= ~(HA_BEAT_MEMBER | HA_BEAT_QUORATE | HA_BEAT_RING_MODE);
	hb->flags |= flags;
	hb->ring_seq = core->has_membership ? core->ring_seq : 0;
	hb->members = core->has_membership ? core->members :
					     (struct ha_hostset){ { 0 } };
	hb->has_ring_evidence = has_evidence;
	hb->ring_evidence_ms = stamp_ms;
	/* Only instead of storage: a pet must not be newer than what the
	 * beats on working datastores prove. */
	hb->is_lone = is_lost && hbs_is_lone(s);
	hb->lone_ms = now_ms;
	pthread_mutex_unlock(&hb->lock);
	(void)!write(hb->pet_fd, &one, sizeof(one));
	if (is_changed) {
		hb_kick(hb);
	}
	/* Without quorum the host seals at once. */
	hbs_seal_look(s);
}

/* 1 is a word of its own in a STATE, 0 none. */
uint64_t
hbs_ring_nonce(struct hbs_ring *ring)
{
	ring->nonce = ring->nonce + 1 > 1 ? ring->nonce + 1 : 2;
	return ring->nonce;
}

static bool
wants_ask(struct hbs *s, uint64_t now_ms)
{
	bool is_wanted;

	pthread_mutex_lock(&s->hb->lock);
	is_wanted = hbs_ring_wants_ask(s, now_ms);
	pthread_mutex_unlock(&s->hb->lock);
	return is_wanted;
}

/* The announcement, and the first nonce after it was echoed, do not wait for
 * the next beat: the watchdog counts since the last storage evidence. */
static bool
is_urgent(const struct hbs_ring *ring, bool is_wanted)
{
	return is_wanted && (ring->core.mode == HA_RING_STORAGE ||
			     (ring->core.mode == HA_RING_LEASED &&
			      ring->mode_at_tick != HA_RING_LEASED));
}

static void
beat(struct hbs *s, uint64_t now_ms)
{
	static const char *const TEXT[] = {
		[HA_RING_STORAGE] =
			"the heartbeat datastores are back: ring evidence is "
			"no longer used",
		[HA_RING_ANNOUNCED] =
			"the heartbeat datastores are lost: the other hosts "
			"are asked to vouch for this one",
		[HA_RING_LEASED] =
			"a majority of hosts vouches for this one, whose "
			"heartbeat datastores are lost",
	};
	struct hbs_ring *ring = &s->ring;
	bool is_wanted = wants_ring(s, now_ms);
	struct ha_ring_msg msg;

	if (now_ms >= ring->next_tick_ms || is_urgent(ring, is_wanted)) {
		ring->next_tick_ms = now_ms + s->hb->sb.timing.beat_ms;
		ring->mode_at_tick = ring->core.mode;
		if (ha_ring_tick(&ring->core, is_wanted, hbs_ring_nonce(ring),
				 now_ms, &msg)) {
			post(s, &msg);
		}
	}
	if (wants_ask(s, now_ms) &&
	    ha_ring_ask(&ring->core, hbs_ring_nonce(ring), now_ms, &msg)) {
		post(s, &msg);
	}
	if (ring->core.mode != ring->told) {
		ring->told = ring->core.mode;
		hb_log(HB_LOG_RING_MODE, TEXT[ring->told]);
	}
}

static void
lose(struct hbs *s, const char *why)
{
	struct hbs_ring *ring = &s->ring;

	if (!ring->was_told) {
		ring->was_told = true;
		hb_log(HB_LOG_RING_LOST, why);
	}
	if (ring->corosync) {
		note_members(s, ha_clock_now_ms());
		(void)qb_loop_poll_del(s->loop,
				       ha_corosync_fd_cpg(ring->corosync));
		(void)qb_loop_poll_del(s->loop,
				       ha_corosync_fd_quorum(ring->corosync));
		ha_corosync_close(ring->corosync);
		ring->corosync = NULL;
	}
	ring->outbox_count = 0;
	ring->owes_state = false;
	ring->members = 0;
	ring->told_quorate = false;
	ha_ring_lost(&ring->core);
	ring->next_connect_ms = ha_clock_now_ms() + HBS_RECONNECT_MS;
}

static int32_t
on_readable(int32_t fd, int32_t revents, void *data)
{
	struct hbs *s = data;

	(void)fd;
	(void)revents;
	if (!s->ring.corosync) {
		return 0;
	}
	if (ha_corosync_dispatch(s->ring.corosync) < 0) {
		lose(s, "it has closed the connection");
	} else {
		flush_outbox(s);
		beat(s, ha_clock_now_ms());
	}
	publish(s, ha_clock_now_ms());
	hbs_wait_check(s);
	return 0;
}

static void
connect_corosync(struct hbs *s, uint64_t now_ms)
{
	static const struct ha_corosync_ops OPS = {
		.changed = on_changed,
		.quorate = on_quorate,
		.message = on_message,
	};
	struct hbs_ring *ring = &s->ring;
	struct ha_err err = HA_ERR_INIT;
	int rc;

	if (now_ms < ring->next_connect_ms) {
		return;
	}
	ring->next_connect_ms = now_ms + HBS_RECONNECT_MS;
	rc = ha_corosync_open(&OPS, s, &ring->corosync, &err);
	if (rc == 0) {
		rc = ha_corosync_config(ring->corosync, &ring->config, &err);
	}
	if (rc < 0) {
		if (ring->corosync) {
			ha_corosync_close(ring->corosync);
			ring->corosync = NULL;
		}
		lose(s, err.text);
		return;
	}
	ring->was_told = false;
	take_config(s);
	hb_log(HB_LOG_RING_OPEN, ring->config.cluster_name);
	hbs_ring_say_names(s);
	(void)qb_loop_poll_add(s->loop, QB_LOOP_HIGH,
			       ha_corosync_fd_cpg(ring->corosync), POLLIN, s,
			       on_readable);
	(void)qb_loop_poll_add(s->loop, QB_LOOP_HIGH,
			       ha_corosync_fd_quorum(ring->corosync), POLLIN, s,
			       on_readable);
	(void)on_readable(-1, 0, s); /* what came with the connection */
}

void
hbs_ring_init(struct hbs *s)
{
	struct hbs_ring *ring = &s->ring;

	ha_ring_init(&ring->core, s->hb->self, s->hb->incarnation);
	if (getrandom(&ring->nonce, sizeof(ring->nonce), 0) !=
	    (ssize_t)sizeof(ring->nonce)) {
		ring->nonce = ha_clock_now_ms();
	}
}

void
hbs_ring_tick(struct hbs *s)
{
	uint64_t now_ms = ha_clock_now_ms();
	struct ha_hostset out;

	if (!s->ring.corosync) {
		connect_corosync(s, now_ms);
	}
	pthread_mutex_lock(&s->hb->lock);
	hbs_out_of_the_way(s, &out);
	pthread_mutex_unlock(&s->hb->lock);
	ha_ring_gone(&s->ring.core, &out, now_ms);
	flush_outbox(s);
	beat(s, now_ms);
	note_members(s, now_ms);
	publish(s, now_ms);
}

void
hbs_ring_look(struct hbs *s)
{
	if (s->ring.corosync) {
		beat(s, ha_clock_now_ms());
	}
}

void
hbs_ring_done(struct hbs *s)
{
	if (s->ring.corosync) {
		ha_corosync_close(s->ring.corosync);
		s->ring.corosync = NULL;
	}
}
