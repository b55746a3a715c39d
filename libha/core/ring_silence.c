/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * May a host that is silent on storage still live by the ring (SAFETY 1.6)?
 * Must never say YES or LATER while hosts that we do not see could have kept
 * it alive.
 *
 * Why LATER is sound. A lease of X was echoed by Q, a strict majority of the
 * configured votes, X and at least one other host included. We are M, a
 * membership without X. Let `outside` be the votes that are neither in M nor
 * proven gone. If outside < majority, Q can't lie outside of M: some V of Q is
 * in M (or was gone, see below). V echoed in a membership with X, which it
 * had left before it installed ours (extended virtual synchrony). So every
 * echo is older than without_ms, and X's watchdog has fired T after it. This
 * holds for one membership alone: between two of ours V may have been in one
 * with X, while our corosync stood still and told nothing of it.
 *
 *   - votes that votequorum lowered (last_man_standing): M may be quorate and
 *     small; then outside >= majority, and the answer is MAJORITY until the
 *     others are proven gone, one after the other;
 *   - two_node: Q needs both of two votes, so it holds us: outside is 1 of 2;
 *   - even splits (auto_tie_breaker): 2 of 4 are quorate, outside is 2, Q
 *     needs 3: it holds one of us. A split that gave both sides quorum gives
 *     neither a lease;
 *   - a quorum device's votes echo nothing: they are not among the votes;
 *   - a single host with a majority of its own: outside >= majority for all
 *     others, MAJORITY.
 *
 * A host that is gone now may have echoed while it lived. Where the majority
 * is broken only by leaving such hosts out, nobody of M needs to know of the
 * lease, but no echo is younger than the moment since which ha_ring_gone()
 * knows them as gone: due is T after the last of these moments, and the answer
 * never YES.
 *
 * Why YES is sound. V records X's announcement before X may use any echo, and
 * says so in its STATE of M; or has forgotten, then its STATE has never heard
 * of X. X leaves ring mode only with storage evidence newer than any ring
 * stamp (ha_ring_is_needed), which reads submitted after the LEAVE show. All
 * members' words are in at states_ms, so reads from then on are late enough.
 */
#include "ha/ring.h"

#include <stddef.h>

void
ha_ring_no_lone(struct ha_ring *ring, bool is_excluded)
{
	ring->is_lone_excluded = is_excluded;
}

void
ha_ring_gone(struct ha_ring *ring, const struct ha_hostset *gone,
	     uint64_t now_ms)
{
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		struct ha_ring_peer *peer = &ring->peers[i];

		if (!ha_hostset_has(gone, i)) {
			peer->gone_ms = 0;
		} else if (peer->gone_ms == 0) {
			peer->gone_ms = now_ms ? now_ms : 1;
		}
	}
}

/* Votes outside of our membership, and how many of these are of hosts known as
 * gone; ret_gone_ms: since when the last of them is. */
static uint32_t
count_outside(const struct ha_ring *ring, uint32_t slot,
	      const struct ha_hostset *gone, uint32_t *ret_gone,
	      uint64_t *ret_gone_ms)
{
	uint32_t outside = 0;

	*ret_gone = 0;
	*ret_gone_ms = 0;
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		const struct ha_ring_peer *peer = &ring->peers[i];

		if (peer->votes == 0 || ha_hostset_has(&ring->members, i)) {
			continue;
		}
		outside += peer->votes;
		if (i == slot || peer->gone_ms == 0 ||
		    !ha_hostset_has(gone, i)) {
			continue;
		}
		*ret_gone += peer->votes;
		if (peer->gone_ms > *ret_gone_ms) {
			*ret_gone_ms = peer->gone_ms;
		}
	}
	return outside;
}

/* SAFETY 1.7: a lone host lives on by a quorum that needs no majority, and
 * this host has the same kind (two_node, last_man_standing). It trusts that
 * who was out of the way can't decide before the two have met. wait_for_all
 * sees to that for corosync; for a daemon started beside a corosync that met
 * the other long ago, this does. */
static bool
may_be_lone(const struct ha_ring *ring, const struct ha_ring_peer *peer)
{
	uint32_t votes = 0;

	if (ring->is_lone_excluded) {
		return false;
	}
	for (uint32_t i = 0; i < HA_HOSTS_MAX; i++) {
		if (ha_hostset_has(&ring->members, i)) {
			votes += ring->peers[i].votes;
		}
	}
	return peer->incarnation == 0 && votes < ring->total_votes / 2 + 1;
}

enum ha_ring_silence
ha_ring_silence(const struct ha_ring *ring, const struct ha_timing *timing,
		uint32_t slot, const struct ha_hostset *gone, uint64_t now_ms,
		uint64_t *ret_due_ms)
{
	uint32_t majority = ring->total_votes / 2 + 1;
	const struct ha_ring_peer *peer;
	uint64_t from_ms;
	uint64_t gone_ms;
	uint32_t gone_votes;
	uint32_t outside;

	(void)now_ms; /* the due time is held against reads, not the clock */
	if (!ring->has_membership || !ring->is_quorate) {
		return HA_RING_SILENCE_NO_QUORUM;
	}
	if (slot >= HA_HOSTS_MAX || slot == ring->self ||
	    ha_hostset_has(&ring->members, slot)) {
		return HA_RING_SILENCE_MEMBER;
	}
	peer = &ring->peers[slot];
	if (peer->without_ms == 0 || ring->total_votes == 0) {
		return HA_RING_SILENCE_NO_QUORUM;
	}
	outside = count_outside(ring, slot, gone, &gone_votes, &gone_ms);
	if (outside - gone_votes >= majority || may_be_lone(ring, peer)) {
		return HA_RING_SILENCE_MAJORITY;
	}
	if (outside < majority && ring->states_ms != 0 && !peer->is_ring_mode &&
	    !peer->is_doubtful) {
		*ret_due_ms = ring->states_ms;
		return HA_RING_SILENCE_YES;
	}
	from_ms = peer->without_ms;
	if (outside >= majority && gone_ms > from_ms) {
		from_ms = gone_ms;
	}
	*ret_due_ms = from_ms + ha_timing_silence_ms(timing);
	return HA_RING_SILENCE_LATER;
}
