/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ring evidence, one host's view (SAFETY 1.6): announces lost storage, echoes
 * the nonces of others, counts the echoes of its own, remembers who is in
 * ring mode. Fed by the heartbeat daemon in the order in which totem delivers.
 * Must never take evidence from its own message, from a minority, from
 * another membership or from the announcement itself; must never forget a
 * host in ring mode unless that host said so. What it means for the death of
 * others is in ring_silence.c.
 */
#include "ha/ring.h"

#include <stddef.h>
#include <string.h>

static uint32_t
majority(const struct ha_ring *ring)
{
	/* Strict, of the configured votes: what votequorum makes of them
	 * (last_man_standing, two_node) is no majority. */
	return ring->total_votes / 2 + 1;
}

void
ha_ring_init(struct ha_ring *ring, uint32_t self, uint64_t incarnation)
{
	memset(ring, 0, sizeof(*ring));
	ring->self = self;
	ring->incarnation = incarnation;
}

void
ha_ring_votes(struct ha_ring *ring, uint32_t slot, uint32_t votes)
{
	if (slot >= HA_HOSTS_MAX) {
		return;
	}
	ring->peers[slot].votes = votes;
	ring->total_votes = 0;
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		ring->total_votes += ring->peers[i].votes;
	}
}

/* From when on all members' words are in; alone, at once. */
static void
note_states(struct ha_ring *ring, uint64_t now_ms)
{
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		if (i != ring->self && ha_hostset_has(&ring->members, i) &&
		    !ring->peers[i].has_state) {
			return;
		}
	}
	if (ring->states_ms == 0) {
		ring->states_ms = now_ms ? now_ms : 1;
	}
}

/* The clocks "without" run within one membership, while it is quorate. */
static void
take_quorum(struct ha_ring *ring, bool is_quorate, uint64_t now_ms)
{
	bool was_quorate = ring->is_quorum_known && ring->is_quorate;

	ring->is_quorum_known = true;
	ring->is_quorate = is_quorate;
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		struct ha_ring_peer *peer = &ring->peers[i];

		if (!is_quorate || ha_hostset_has(&ring->members, i)) {
			peer->without_ms = 0;
		} else if (peer->without_ms == 0) {
			peer->without_ms = now_ms ? now_ms : 1;
		}
	}
	if (was_quorate && !is_quorate) {
		ring->is_nonce_open = false;
	}
}

void
ha_ring_changed(struct ha_ring *ring, uint64_t ring_seq,
		const struct ha_hostset *members, uint64_t now_ms)
{
	ring->is_new = !ring->has_membership;
	ring->has_membership = true;
	ring->ring_seq = ring_seq;
	ring->members = *members;
	ring->is_quorate = false;
	ring->is_quorum_known = false;
	ring->is_nonce_open = false;
	ring->states_ms = 0;
	ha__ring_ask_void(ring);
	if (ring->mode == HA_RING_LEASED) {
		/* The new members must hear of it before it counts. */
		ring->mode = HA_RING_ANNOUNCED;
	}
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		struct ha_ring_peer *peer = &ring->peers[i];

		peer->has_state = false;
		/* Our own memory is one of those that count. */
		peer->is_doubtful = peer->incarnation == 0;
		/* Even when we came from a membership without it: who is with
		 * us now may have been with it meanwhile. */
		peer->without_ms = 0;
	}
	if (ring->early_seq == ring_seq && ring->early_seq != 0) {
		take_quorum(ring, ring->is_early_quorate, now_ms);
	}
	ring->early_seq = 0;
	note_states(ring, now_ms);
}

void
ha_ring_quorate(struct ha_ring *ring, uint64_t ring_seq, bool is_quorate,
		uint64_t now_ms)
{
	if (ring->has_membership && ring_seq == ring->ring_seq) {
		take_quorum(ring, is_quorate, now_ms);
		return;
	}
	ring->early_seq = ring_seq;
	ring->is_early_quorate = is_quorate;
}

void
ha_ring_lost(struct ha_ring *ring)
{
	ring->has_membership = false;
	ring->is_quorate = false;
	ring->is_quorum_known = false;
	ring->is_nonce_open = false;
	ring->ring_seq = 0;
	ring->early_seq = 0;
	ring->states_ms = 0;
	ha__ring_ask_void(ring);
	memset(&ring->members, 0, sizeof(ring->members));
	if (ring->mode == HA_RING_LEASED) {
		ring->mode = HA_RING_ANNOUNCED;
	}
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		ring->peers[i].has_state = false;
		ring->peers[i].without_ms = 0;
	}
}

static void
start_msg(const struct ha_ring *ring, enum ha_ring_type type,
	  struct ha_ring_msg *ret_msg)
{
	memset(ret_msg, 0, sizeof(*ret_msg));
	ret_msg->type = type;
	ret_msg->sender = ring->self;
	ret_msg->target = ring->self;
	ret_msg->incarnation = ring->incarnation;
	ret_msg->ring_seq = ring->ring_seq;
}

static void
fill_state(const struct ha_ring *ring, bool asks, struct ha_ring_msg *ret_msg)
{
	start_msg(ring, HA_RING_MSG_STATE, ret_msg);
	ret_msg->nonce = asks;
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		const struct ha_ring_peer *peer = &ring->peers[i];
		struct ha_ring_known *known = &ret_msg->known[i];

		known->incarnation = peer->incarnation;
		known->is_ring_mode = peer->is_ring_mode;
		if (i == ring->self) {
			known->incarnation = ring->incarnation;
			known->is_ring_mode = ring->mode != HA_RING_STORAGE;
		}
		if (known->incarnation != 0) {
			ret_msg->hosts = i + 1;
		}
	}
}

void
ha_ring_state(const struct ha_ring *ring, struct ha_ring_msg *ret_msg)
{
	fill_state(ring, ring->is_new, ret_msg);
}

bool
ha_ring_is_needed(const struct ha_ring *ring, const struct ha_timing *timing,
		  bool has_storage, uint64_t storage_ms, uint64_t now_ms)
{
	uint64_t limit_ms = timing->beat_ms;

	if (ring->mode == HA_RING_STORAGE) {
		/* A beat that came late within D is no loss of storage. */
		limit_ms += timing->tolerance_ms;
	}
	if (!has_storage || now_ms > storage_ms + limit_ms) {
		return true;
	}
	return ring->mode != HA_RING_STORAGE && ring->has_evidence &&
	       storage_ms <= ring->evidence_ms;
}

bool
ha_ring_tick(struct ha_ring *ring, bool wants_ring, uint64_t nonce,
	     uint64_t now_ms, struct ha_ring_msg *ret_msg)
{
	if (!wants_ring) {
		bool was_ring_mode = ring->mode != HA_RING_STORAGE;

		ring->mode = HA_RING_STORAGE;
		ring->has_evidence = false;
		ring->is_nonce_open = false;
		if (!was_ring_mode || !ring->has_membership) {
			/* Who is no member says it with its next STATE. */
			return false;
		}
		start_msg(ring, HA_RING_MSG_LEAVE, ret_msg);
		return true;
	}
	if (!ring->has_membership || !ring->is_quorate || nonce == 0) {
		return false;
	}
	if (ring->mode == HA_RING_STORAGE) {
		ring->mode = HA_RING_ANNOUNCED;
		ring->has_evidence = false;
	}
	/* SAFETY 1.6: stamped before it is sent; an older one is void. */
	ring->nonce = nonce;
	ring->nonce_ms = now_ms;
	ring->is_nonce_open = true;
	memset(&ring->echoed, 0, sizeof(ring->echoed));
	start_msg(ring, HA_RING_MSG_NONCE, ret_msg);
	ret_msg->nonce = nonce;
	return true;
}

/* SAFETY 1.6: a strict majority of the configured votes, the sender's own
 * included, and at least one other host: one's own message coming back proves
 * nothing, whatever the votes. */
static bool
is_echoed(const struct ha_ring *ring)
{
	uint32_t votes = ring->peers[ring->self].votes;
	bool has_other = false;

	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		if (i != ring->self && ha_hostset_has(&ring->echoed, i)) {
			votes += ring->peers[i].votes;
			has_other = true;
		}
	}
	return has_other && votes >= majority(ring);
}

static void
take_echo(struct ha_ring *ring, const struct ha_ring_msg *msg)
{
	if (msg->target != ring->self || !ring->is_nonce_open ||
	    msg->nonce != ring->nonce || !ring->is_quorate) {
		return;
	}
	ha_hostset_add(&ring->echoed, msg->sender);
	if (!is_echoed(ring)) {
		return;
	}
	ring->is_nonce_open = false;
	switch (ring->mode) {
	case HA_RING_ANNOUNCED:
		/* The announcement itself is no evidence. */
		ring->mode = HA_RING_LEASED;
		break;
	case HA_RING_LEASED:
		ring->has_evidence = true;
		ring->evidence_ms = ring->nonce_ms;
		break;
	case HA_RING_STORAGE:
		break;
	}
}

/* What a member says of a host that is none. Of members only their own word
 * counts. "Storage mode" is taken from nobody but the host itself: what we
 * have not heard we may have forgotten (a daemon that was restarted), and
 * then must not pass on as known. */
static void
take_hearsay(struct ha_ring *ring, uint32_t slot,
	     const struct ha_ring_known *known)
{
	struct ha_ring_peer *peer = &ring->peers[slot];

	if (known->incarnation == 0) {
		peer->is_doubtful = true;
	} else if (known->is_ring_mode &&
		   known->incarnation >= peer->incarnation) {
		peer->incarnation = known->incarnation;
		peer->is_ring_mode = true;
	}
}

static void
take_state(struct ha_ring *ring, const struct ha_ring_msg *msg, uint64_t now_ms)
{
	static const struct ha_ring_known NEVER = { 0, false };
	struct ha_ring_peer *sender = &ring->peers[msg->sender];

	/* A STATE that leaves its sender out is doubted. */
	sender->is_ring_mode = msg->sender >= msg->hosts ||
			       msg->known[msg->sender].is_ring_mode;
	sender->has_state = true;
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		if (i != ring->self && !ha_hostset_has(&ring->members, i)) {
			take_hearsay(ring, i,
				     i < msg->hosts ? &msg->known[i] : &NEVER);
		}
	}
	note_states(ring, now_ms);
}

bool
ha_ring_deliver(struct ha_ring *ring, const struct ha_ring_msg *msg,
		uint64_t now_ms, struct ha_ring_msg *ret_msg)
{
	struct ha_ring_peer *sender;

	if (!ring->has_membership || msg->ring_seq != ring->ring_seq ||
	    msg->incarnation == 0 || msg->sender >= HA_HOSTS_MAX) {
		return false;
	}
	if (msg->sender == ring->self) {
		ha__ring_ask_deliver(ring, msg);
		return false;
	}
	if (!ha_hostset_has(&ring->members, msg->sender)) {
		return false;
	}
	sender = &ring->peers[msg->sender];
	if (msg->incarnation < sender->incarnation) {
		return false; /* SAFETY 1.4: proven dead */
	}
	if (msg->incarnation > sender->incarnation) {
		sender->incarnation = msg->incarnation;
		sender->is_ring_mode = false;
	}
	switch (msg->type) {
	case HA_RING_MSG_STATE:
		take_state(ring, msg, now_ms);
		ha__ring_ask_deliver(ring, msg);
		if (msg->nonce == 0) {
			return false;
		}
		fill_state(ring, false, ret_msg);
		return true;
	case HA_RING_MSG_NONCE:
		sender->is_ring_mode = true;
		start_msg(ring, HA_RING_MSG_ECHO, ret_msg);
		ret_msg->target = msg->sender;
		ret_msg->nonce = msg->nonce;
		return true;
	case HA_RING_MSG_ECHO:
		take_echo(ring, msg);
		return false;
	case HA_RING_MSG_LEAVE:
		sender->is_ring_mode = false;
		return false;
	}
	return false;
}

bool
ha_ring_evidence(const struct ha_ring *ring, uint64_t *ret_stamp_ms)
{
	if (!ring->has_evidence) {
		return false;
	}
	*ret_stamp_ms = ring->evidence_ms;
	return true;
}

bool
ha_ring_is_member(const struct ha_ring *ring, uint32_t slot)
{
	return ring->has_membership && ha_hostset_has(&ring->members, slot);
}
