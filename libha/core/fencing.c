/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * May Pacemaker take this host as fenced (SAFETY section 4)? Asked again and
 * again by fence_vmha. Must never say SUCCESS for a host that is a member, or
 * that may live, unless it is sealed and each VM of its sealed list is held in
 * its name: Pacemaker then starts everything elsewhere. In doubt it says FAIL,
 * and the next fencing level decides.
 */
#include "ha/fencing.h"

#include <stddef.h>

/* More often than this nothing new can have been read. */
#define WAIT_STEPS_A_BEAT 4u

bool
ha_fencing_is_gone(const struct ha_watch_verdict *storage,
		   enum ha_ring_silence ring, uint64_t ring_due_ms)
{
	if (!ha_proof_is_gone(storage->proof)) {
		return false;
	}
	if (storage->proof != HA_PROOF_SILENT) {
		return true;
	}
	/* SAFETY 1.6: silence on storage is no death as long as the ring may
	 * keep the host alive, and only reads that late know that it did not
	 * come back to storage. */
	switch (ring) {
	case HA_RING_SILENCE_YES:
	case HA_RING_SILENCE_LATER:
		return storage->until_ms != 0 &&
		       storage->until_ms >= ring_due_ms;
	case HA_RING_SILENCE_NO_QUORUM:
	case HA_RING_SILENCE_MEMBER:
	case HA_RING_SILENCE_MAJORITY:
	case HA_RING_SILENCE_UNCONFIRMED:
		break;
	}
	return false;
}

static struct ha_fence_verdict
fail(enum ha_fence_reason why)
{
	return (struct ha_fence_verdict){ HA_FENCE_FAIL, why, 0 };
}

static struct ha_fence_verdict
success(enum ha_fence_reason why)
{
	return (struct ha_fence_verdict){ HA_FENCE_SUCCESS, why, 0 };
}

/* What the agent's own patience running out means for what it waits for. */
static enum ha_fence_reason
too_late(enum ha_fence_reason why)
{
	switch (why) {
	case HA_FENCE_WHY_ALIVE:
	case HA_FENCE_WHY_RING_LEASE:
	case HA_FENCE_WHY_COUNTING:
	case HA_FENCE_WHY_UNSEALED:
	case HA_FENCE_WHY_UNREAD:
		return HA_FENCE_WHY_NO_TIME;
	case HA_FENCE_WHY_SILENT:
	case HA_FENCE_WHY_REPLACED:
	case HA_FENCE_WHY_STOPPED:
	case HA_FENCE_WHY_NEVER:
	case HA_FENCE_WHY_CONFIRMED:
	case HA_FENCE_WHY_REJOINED:
	case HA_FENCE_WHY_SELF:
	case HA_FENCE_WHY_UNKNOWN_HOST:
	case HA_FENCE_WHY_NO_QUORUM:
	case HA_FENCE_WHY_STORAGE_LOST:
	case HA_FENCE_WHY_UNGUARDED:
	case HA_FENCE_WHY_STANDING_DOWN:
	case HA_FENCE_WHY_BRAKED:
	case HA_FENCE_WHY_NOT_KNOWABLE:
	case HA_FENCE_WHY_NO_TIME:
	case HA_FENCE_WHY_HELD:
	case HA_FENCE_WHY_PLACED:
	case HA_FENCE_WHY_N:
		break;
	}
	return why;
}

static struct ha_fence_verdict
wait_for(const struct ha_fence_facts *facts, const struct ha_timing *timing,
	 enum ha_fence_reason why)
{
	uint64_t wait_ms = timing->beat_ms / WAIT_STEPS_A_BEAT;

	if (facts->now_ms >= facts->deadline_ms) {
		return fail(too_late(why));
	}
	if (wait_ms > facts->deadline_ms - facts->now_ms) {
		wait_ms = facts->deadline_ms - facts->now_ms;
	}
	return (struct ha_fence_verdict){ HA_FENCE_WAIT, why,
					  wait_ms ? wait_ms : 1 };
}

/* An order is given once, never past the deadline and never past the brake;
 * what it has done shows in the proof alone, not in its acknowledgement. */
static struct ha_fence_verdict
order(const struct ha_fence_facts *facts, const struct ha_timing *timing)
{
	if (facts->is_ordered || facts->now_ms >= facts->deadline_ms) {
		return wait_for(facts, timing, HA_FENCE_WHY_ALIVE);
	}
	if (facts->is_braked) {
		return fail(HA_FENCE_WHY_BRAKED);
	}
	return (struct ha_fence_verdict){ HA_FENCE_ORDER, HA_FENCE_WHY_ALIVE,
					  0 };
}

/* One that has left may be dead already, its last beat just not T old: an
 * order to the dead does no harm, but the brake would count it, and what is
 * held waits longer than what is dead. */
static bool
is_late(const struct ha_fence_facts *facts, const struct ha_timing *timing)
{
	uint64_t still_ms = facts->storage.since_ms +
			    2 * (uint64_t)timing->beat_ms +
			    timing->tolerance_ms;

	return facts->now_ms >= still_ms;
}

/* An order is of use only when its beat has grown since the agent began and
 * still does. */
static bool
is_beating(const struct ha_fence_facts *facts, const struct ha_timing *timing)
{
	return facts->has_moved && !is_late(facts, timing);
}

/* It is sealed: its list can only shrink. What stands on it is held first
 * (SAFETY 17). A transition that was computed before the holds may still be
 * running: one failure makes Pacemaker compute another. */
static struct ha_fence_verdict
judge_sealed(const struct ha_fence_facts *facts, const struct ha_timing *timing)
{
	if (!facts->is_list_read || facts->is_unconfirmed) {
		return wait_for(facts, timing, HA_FENCE_WHY_UNREAD);
	}
	if (facts->hold == HA_FENCE_HOLD_STANDING) {
		return success(HA_FENCE_WHY_HELD);
	}
	if (facts->hold == HA_FENCE_HOLD_PLACED) {
		if (!facts->waits_after_hold) {
			return fail(HA_FENCE_WHY_PLACED);
		}
		return facts->is_hold_settled ?
			       success(HA_FENCE_WHY_HELD) :
			       wait_for(facts, timing, HA_FENCE_WHY_PLACED);
	}
	if (facts->now_ms >= facts->deadline_ms) {
		return fail(HA_FENCE_WHY_NO_TIME);
	}
	return (struct ha_fence_verdict){ HA_FENCE_PLACE, HA_FENCE_WHY_PLACED,
					  0 };
}

/* Cut off, and somebody here could grant what is held. */
static struct ha_fence_verdict
judge_holdable(const struct ha_fence_facts *facts,
	       const struct ha_timing *timing)
{
	if (facts->says_sealed && !is_late(facts, timing)) {
		return judge_sealed(facts, timing);
	}
	if (!is_beating(facts, timing)) {
		return wait_for(facts, timing, HA_FENCE_WHY_COUNTING);
	}
	if (facts->is_seal_ordered || facts->now_ms >= facts->deadline_ms) {
		return wait_for(facts, timing, HA_FENCE_WHY_UNSEALED);
	}
	return (struct ha_fence_verdict){ HA_FENCE_SEAL, HA_FENCE_WHY_UNSEALED,
					  0 };
}

static struct ha_fence_verdict
judge_reset(const struct ha_fence_facts *facts, const struct ha_timing *timing)
{
	if (is_beating(facts, timing)) {
		return order(facts, timing);
	}
	return wait_for(facts, timing, HA_FENCE_WHY_COUNTING);
}

/* A member's stop failed: it is ordered at once. One that has left is reset by
 * the administrator's word, because nobody could ever grant what is held, or
 * because something runs there that no ticket gates (SAFETY 16); and one that
 * was ordered to reset is not held meanwhile, its death is near. */
static struct ha_fence_verdict
judge_alive(const struct ha_fence_facts *facts, const struct ha_timing *timing)
{
	if (facts->is_member) {
		return order(facts, timing);
	}
	if (facts->must_reset || facts->is_ordered) {
		return judge_reset(facts, timing);
	}
	switch (facts->hold) {
	case HA_FENCE_HOLD_UNASKED:
		if (facts->now_ms >= facts->deadline_ms) {
			return fail(HA_FENCE_WHY_NO_TIME);
		}
		return (struct ha_fence_verdict){ HA_FENCE_ASK,
						  HA_FENCE_WHY_ALIVE, 0 };
	case HA_FENCE_HOLD_MAY:
	case HA_FENCE_HOLD_PLACED:
	case HA_FENCE_HOLD_STANDING:
		return judge_holdable(facts, timing);
	case HA_FENCE_HOLD_UNAVAILABLE:
	case HA_FENCE_HOLD_FORBIDDEN:
		break;
	}
	return judge_reset(facts, timing);
}

static struct ha_fence_verdict
judge_silent(const struct ha_fence_facts *facts, const struct ha_timing *timing)
{
	if (facts->is_member) {
		/* Silent on storage, alive by the ring (SAFETY 1.6). */
		return order(facts, timing);
	}
	if (ha_fencing_is_gone(&facts->storage, facts->ring,
			       facts->ring_due_ms)) {
		return success(HA_FENCE_WHY_SILENT);
	}
	switch (facts->ring) {
	case HA_RING_SILENCE_NO_QUORUM:
		return wait_for(facts, timing, HA_FENCE_WHY_NO_QUORUM);
	case HA_RING_SILENCE_MAJORITY:
		/* Others may be proven gone meanwhile. */
		return wait_for(facts, timing, HA_FENCE_WHY_NOT_KNOWABLE);
	case HA_RING_SILENCE_MEMBER:
		return wait_for(facts, timing, HA_FENCE_WHY_ALIVE);
	case HA_RING_SILENCE_LATER:
		return wait_for(facts, timing, HA_FENCE_WHY_RING_LEASE);
	case HA_RING_SILENCE_YES:
	case HA_RING_SILENCE_UNCONFIRMED:
		break;
	}
	return wait_for(facts, timing, HA_FENCE_WHY_COUNTING);
}

/* SAFETY 1.5: out of the way only if it has not run since, guarded by
 * nothing. */
static struct ha_fence_verdict
judge_absent(const struct ha_fence_facts *facts, enum ha_fence_reason why)
{
	if (facts->is_member || facts->member_since_stop) {
		return fail(HA_FENCE_WHY_UNGUARDED);
	}
	return success(why);
}

/* Reads may be late; but silence that can't be complete before the deadline
 * is not worth the wait. */
static struct ha_fence_verdict
judge_unknown(const struct ha_fence_facts *facts,
	      const struct ha_timing *timing)
{
	if (facts->now_ms + ha_timing_silence_ms(timing) >=
	    facts->deadline_ms) {
		return fail(HA_FENCE_WHY_NOT_KNOWABLE);
	}
	return wait_for(facts, timing, HA_FENCE_WHY_NOT_KNOWABLE);
}

static struct ha_fence_verdict
judge_target(const struct ha_fence_facts *facts, const struct ha_timing *timing)
{
	switch (facts->storage.proof) {
	case HA_PROOF_REPLACED:
		/* Booted again and a member again: success would make its
		 * Pacemaker exit. */
		return facts->is_member ? fail(HA_FENCE_WHY_REJOINED) :
					  success(HA_FENCE_WHY_REPLACED);
	case HA_PROOF_STOPPED:
		return judge_absent(facts, HA_FENCE_WHY_STOPPED);
	case HA_PROOF_NEVER:
		return judge_absent(facts, HA_FENCE_WHY_NEVER);
	case HA_PROOF_CONFIRMED:
		return judge_absent(facts, HA_FENCE_WHY_CONFIRMED);
	case HA_PROOF_SILENT:
		return judge_silent(facts, timing);
	case HA_PROOF_ALIVE:
		return judge_alive(facts, timing);
	case HA_PROOF_STANDING_DOWN:
		return fail(HA_FENCE_WHY_STANDING_DOWN);
	case HA_PROOF_UNGUARDED:
		return fail(HA_FENCE_WHY_UNGUARDED);
	case HA_PROOF_UNKNOWN:
	case HA_PROOF_N:
		break;
	}
	return judge_unknown(facts, timing);
}

struct ha_fence_verdict
ha_fencing_judge(const struct ha_fence_facts *facts,
		 const struct ha_timing *timing)
{
	if (!facts->is_known) {
		return fail(HA_FENCE_WHY_UNKNOWN_HOST);
	}
	/* An administrator's word is asked for in planned work above all. */
	if (facts->is_standing_down &&
	    facts->storage.proof != HA_PROOF_CONFIRMED) {
		return fail(HA_FENCE_WHY_STANDING_DOWN);
	}
	if (facts->is_self) {
		return fail(HA_FENCE_WHY_SELF);
	}
	if (!facts->is_quorate) {
		return fail(HA_FENCE_WHY_NO_QUORUM);
	}
	/* SAFETY 19. No waiting: these facts have been false for T already,
	 * and Pacemaker asks another host next, whose storage may work. */
	if (!facts->can_write || !facts->can_read) {
		return fail(HA_FENCE_WHY_STORAGE_LOST);
	}
	/* Left and came back by itself: the next run of the scheduler finds
	 * it online. One that obeyed an order comes back replaced. */
	if (facts->is_member && !facts->is_ordered &&
	    (!facts->was_member || facts->is_back)) {
		return fail(HA_FENCE_WHY_REJOINED);
	}
	return judge_target(facts, timing);
}
