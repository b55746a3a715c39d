/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is what this host knows of the ring still so (SAFETY 1.6, 18)? A corosync
 * that stands still goes on telling the membership that it had, while the
 * others have formed another one, with the host that is thought dead in it
 * and alive by their echoes. So before silence is believed the members are
 * asked. Must never count an answer that may be older than the question.
 *
 * Why it is sound. The question is put at ask_ms. Totem orders all messages
 * of a membership, and each is given its place while its sender holds the
 * token: a STATE that we are delivered behind our own question was sent by a
 * host that was in this membership after ask_ms. It has been there without a
 * gap since the membership was installed, so it has echoed nothing for a host
 * that is not in it. When what is left of the votes is no majority, nobody
 * can have echoed a lease between the begin of this membership and ask_ms.
 *
 * Our own vote needs no answer: what we echoed we know. That is enough in a
 * two_node cluster, where a lease needs the other host's echo.
 */
#include "ha/ring.h"

#include <stddef.h>

bool
ha_ring_ask(struct ha_ring *ring, uint64_t nonce, uint64_t now_ms,
	    struct ha_ring_msg *ret_msg)
{
	/* 1 is the plain request of a daemon that has just come. */
	if (!ring->has_membership || nonce < 2) {
		return false;
	}
	ring->ask_nonce = nonce;
	ring->ask_ms = now_ms;
	ring->is_ask_ordered = false;
	ha_ring_state(ring, ret_msg);
	ret_msg->nonce = nonce;
	return true;
}

void
ha__ring_ask_void(struct ha_ring *ring)
{
	ring->ask_nonce = 0;
	ring->is_ask_ordered = false;
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		ring->peers[i].answered_ms = 0;
	}
}

void
ha__ring_ask_deliver(struct ha_ring *ring, const struct ha_ring_msg *msg)
{
	if (msg->type != HA_RING_MSG_STATE || ring->ask_nonce == 0) {
		return;
	}
	if (msg->sender == ring->self) {
		/* From here on in the order. */
		if (msg->nonce == ring->ask_nonce) {
			ring->is_ask_ordered = true;
		}
	} else if (ring->is_ask_ordered) {
		ring->peers[msg->sender].answered_ms = ring->ask_ms;
	}
}

/* Votes that are neither gone nor ours nor of a host that has answered a
 * question put at since_ms or later. */
static uint32_t
votes_left(const struct ha_ring *ring, const struct ha_hostset *gone,
	   uint64_t since_ms)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		const struct ha_ring_peer *peer = &ring->peers[i];

		if (i == ring->self || peer->votes == 0 ||
		    (ha_hostset_has(&ring->members, i) &&
		     peer->answered_ms != 0 && peer->answered_ms >= since_ms) ||
		    (!ha_hostset_has(&ring->members, i) && peer->gone_ms != 0 &&
		     ha_hostset_has(gone, i))) {
			continue;
		}
		left += peer->votes;
	}
	return left;
}

bool
ha_ring_is_confirmed(const struct ha_ring *ring, const struct ha_hostset *gone,
		     uint64_t since_ms)
{
	return ring->has_membership &&
	       votes_left(ring, gone, since_ms) < ring->total_votes / 2 + 1;
}

bool
ha_ring_stands(const struct ha_ring *ring, const struct ha_hostset *gone,
	       uint64_t since_ms)
{
	if (!ha_ring_is_confirmed(ring, gone, since_ms)) {
		return false;
	}
	if (!ha_ring_is_confirmed(ring, gone, UINT64_MAX)) {
		return true;
	}
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		uint64_t answered_ms = ring->peers[i].answered_ms;

		if (i != ring->self && ha_hostset_has(&ring->members, i) &&
		    !ha_hostset_has(gone, i) &&
		    (answered_ms == 0 || answered_ms < since_ms)) {
			return false;
		}
	}
	return true;
}
