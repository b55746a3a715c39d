/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * May Pacemaker take this host as fenced? The one function behind
 * fence_vmha (SAFETY section 4), called again and again by the agent with
 * fresh facts until it says SUCCESS or FAIL. Pure.
 *
 * In doubt it says FAIL: the next fencing level (IPMI, PDU) decides.
 */
#ifndef HA_FENCING_H
#define HA_FENCING_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/ring.h"
#include "ha/watch.h"

/* A host that died just before the agent began may still be seen to beat: one
 * beat that was on disk and not read yet, and one that was being read. */
#define HA_FENCE_MOVED_BEATS 2u

enum ha_fence_action {
	HA_FENCE_OFF,
	HA_FENCE_REBOOT,
};

/* What a fault domain manager on the asking host said about holding the VMs of
 * a host that lives on, cut off. PLACED and STANDING are about the incarnation
 * and list generation that its newest beat names: of another one the caller
 * says MAY. Once PLACED in a question it stays PLACED, not STANDING: the
 * transition that asks is older than the holds. */
enum ha_fence_hold {
	HA_FENCE_HOLD_UNASKED,
	HA_FENCE_HOLD_MAY,         /* asked only: it could */
	HA_FENCE_HOLD_UNAVAILABLE, /* no manager here, or no master: nobody could
				    * ever grant what is held */
	HA_FENCE_HOLD_FORBIDDEN,   /* something that no ticket gates is active
				    * or pending there (SAFETY 16) */
	HA_FENCE_HOLD_PLACED,   /* on disk and in the CIB, by this question */
	HA_FENCE_HOLD_STANDING, /* nothing was missing */
};
/* A fencing that is asked for so soon after a host has come back is about its
 * absence: Pacemaker's retry is a new agent, which finds a member. */
#define HA_FENCE_REJOINED_MS 15000u
/* A transition that was computed before the hold is aborted by then. */
#define HA_FENCE_SETTLE_MS 1000u

struct ha_fence_facts {
	enum ha_fence_action action;
	/* the host that asks */
	bool is_self;   /* target is the local host */
	bool can_write; /* evidence on w datastores not older than T */
	bool can_read;  /* r datastores were read within T */
	bool is_quorate;
	/* the target */
	bool is_known;                   /* has a slot */
	struct ha_watch_verdict storage; /* about the incarnation that was a
					  * member last, or when asked first */
	enum ha_ring_silence ring;
	uint64_t ring_due_ms; /* for HA_RING_SILENCE_LATER */
	bool was_member;      /* when the agent began */
	bool is_member;       /* now */
	bool is_back; /* a member for less than HA_FENCE_REJOINED_MS, and away
		       * before */
	bool member_since_stop; /* was a member after the beat that says
				 * STOPPED or NEVER was first read */
	bool has_moved;         /* its newest beat is another than when the
				 * agent began, and was first read later than
				 * HA_FENCE_MOVED_BEATS after that */
	/* the seal (SAFETY 8, and 16 to 17) */
	bool says_sealed;    /* its newest beat, read on r within 2 B + D, says
			   * sealed, and armed */
	bool is_list_read;   /* the list that this beat names is here */
	bool is_unconfirmed; /* the members of this side have not said that they
			      * are there since that seal was read, or another
			      * side may claim the cluster: not to be taken as
			      * fenced yet */
	enum ha_fence_hold hold;
	bool is_seal_ordered;
	bool must_reset;       /* by the administrator's word (`live=reset`) */
	bool waits_after_hold; /* `after_hold=wait`: no failure between */
	bool is_hold_settled;  /* HA_FENCE_SETTLE_MS over since PLACED */
	/* the order to reset that was given */
	bool is_ordered;
	bool is_order_acked; /* the target said: resetting now */
	/* the brake and planned work */
	bool is_standing_down; /* `vmha disarm` is in force */
	bool is_braked;        /* the limit of orders per hour is reached */
	/* time */
	uint64_t now_ms;
	uint64_t deadline_ms; /* of the agent's own patience */
};

enum ha_fence_step {
	HA_FENCE_SUCCESS,
	HA_FENCE_FAIL,
	HA_FENCE_ORDER, /* write the order (reset or off), then ask again */
	HA_FENCE_ASK,   /* ask the manager whether it may hold, then again */
	HA_FENCE_SEAL,  /* order it to seal, then ask again */
	HA_FENCE_PLACE, /* have its VMs held, then ask again */
	HA_FENCE_WAIT,  /* nothing to do until wait_ms or news */
};

/* Why; each has a sentence (ha_fence_reason_text) that tells the evidence. */
enum ha_fence_reason {
	HA_FENCE_WHY_SILENT,
	HA_FENCE_WHY_REPLACED,
	HA_FENCE_WHY_STOPPED,
	HA_FENCE_WHY_NEVER,
	HA_FENCE_WHY_CONFIRMED, /* an administrator's word */
	HA_FENCE_WHY_REJOINED,  /* left, and is a member again */
	HA_FENCE_WHY_SELF,      /* a host can't prove its own death */
	HA_FENCE_WHY_UNKNOWN_HOST,
	HA_FENCE_WHY_NO_QUORUM,
	HA_FENCE_WHY_STORAGE_LOST, /* this host can't write w or read r */
	HA_FENCE_WHY_UNGUARDED,    /* no watchdog guards the target */
	HA_FENCE_WHY_STANDING_DOWN,
	HA_FENCE_WHY_BRAKED,
	HA_FENCE_WHY_NOT_KNOWABLE,
	HA_FENCE_WHY_ALIVE,      /* to be ordered, or ordered */
	HA_FENCE_WHY_RING_LEASE, /* waits for the end of a ring lease */
	HA_FENCE_WHY_COUNTING,   /* silent so far, T is not over */
	HA_FENCE_WHY_NO_TIME,    /* the deadline came first */
	HA_FENCE_WHY_HELD,       /* sealed, and all it runs is held */
	HA_FENCE_WHY_UNSEALED,   /* lives, cut off: waits for its seal */
	HA_FENCE_WHY_UNREAD,     /* sealed: its list can't be read yet */
	HA_FENCE_WHY_PLACED,     /* holds were placed: to be asked once more, so
				  * that no transition is older than they */
	HA_FENCE_WHY_N
};
const char *ha_fence_reason_name(enum ha_fence_reason reason);
const char *ha_fence_reason_text(enum ha_fence_reason reason);

struct ha_fence_verdict {
	enum ha_fence_step step;
	enum ha_fence_reason why;
	uint64_t wait_ms; /* WAIT: ask again after this span at the latest */
};

/* Storage and ring together: is what `storage` is about gone (SAFETY 1.3 to
 * 1.6)? For SILENT the ring must agree, and the reads must have been submitted
 * late enough for it. */
bool ha_fencing_is_gone(const struct ha_watch_verdict *storage,
			enum ha_ring_silence ring, uint64_t ring_due_ms);

struct ha_fence_verdict ha_fencing_judge(const struct ha_fence_facts *facts,
					 const struct ha_timing *timing);

/* The brake: at most `limit` orders within an hour, 0 = none ever, given the
 * times of the last ones (a ring buffer, unused entries 0). */
#define HA_BRAKE_KEPT 64
#define HA_BRAKE_WINDOW_MS 3600000u
struct ha_brake {
	uint32_t limit;
	uint32_t next;
	uint64_t at_ms[HA_BRAKE_KEPT];
};
bool ha_brake_is_full(const struct ha_brake *brake, uint64_t now_ms);
void ha_brake_count(struct ha_brake *brake, uint64_t now_ms);

#endif
