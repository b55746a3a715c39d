/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ring evidence (SAFETY 1.6): what keeps a quorate host alive while its
 * storage is lost, and what that means for declaring it dead. One host's
 * view as a state machine: membership changes and messages in, messages to
 * multicast out. Pure; the caller owns the CPG group, in which messages come
 * in one total order, and membership changes in order with them.
 *
 * The lease: a nonce that members which form a strict majority of the
 * configured votes together with the sender have echoed back. One's own
 * message coming back proves nothing.
 */
#ifndef HA_RING_H
#define HA_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/hostset.h"
#include "ha/timing.h"

enum ha_ring_mode {
	HA_RING_STORAGE,   /* evidence comes from the datastores */
	HA_RING_ANNOUNCED, /* said "my storage is lost", echoes not complete:
			    * no ring evidence yet */
	HA_RING_LEASED, /* the announcement was echoed: echoes are evidence */
};

enum ha_ring_type {
	HA_RING_MSG_STATE, /* after each membership change: who I am and what
			    * I know of every host's mode */
	HA_RING_MSG_NONCE, /* in ring mode: echo this */
	HA_RING_MSG_ECHO,  /* to `target`: your nonce was delivered here */
	HA_RING_MSG_LEAVE, /* storage is back: ring evidence no longer used */
};

/* A host as the sender of a STATE knows it. */
struct ha_ring_known {
	uint64_t incarnation; /* 0: never heard */
	bool is_ring_mode;
};

struct ha_ring_msg {
	enum ha_ring_type type;
	uint32_t sender;      /* slot */
	uint32_t target;      /* ECHO: whose nonce */
	uint64_t incarnation; /* the sender's */
	uint64_t ring_seq;    /* membership in which it was sent */
	uint64_t nonce;       /* STATE: 1 asks all others for theirs (a daemon
			       * that has just come), else 0 */
	uint32_t hosts; /* STATE: entries of known[] that follow, by slot */
	struct ha_ring_known known[HA_HOSTS_MAX];
};

struct ha_ring_peer {
	uint32_t votes;       /* configured; 0: no such host */
	uint64_t incarnation; /* newest heard from itself, or from others
			       * that know it in ring mode; 0: never */
	bool is_ring_mode;    /* has announced, and not left */
	bool has_state;       /* its STATE of this membership arrived */
	bool is_doubtful;     /* a member has never heard of it, so it may have
			       * forgotten that it echoed for it */
	uint64_t without_ms;  /* since when this membership, without it, is
			       * quorate; 0: it is not, or it is with it */
	uint64_t gone_ms;     /* since when ha_ring_gone() says so; 0: not */
	uint64_t answered_ms; /* when the newest ha_ring_ask() was put that it
			       * has answered in this membership; 0: none */
};

struct ha_ring {
	uint32_t self;
	uint64_t incarnation;
	uint32_t total_votes;
	bool is_lone_excluded; /* ha_ring_no_lone() */
	uint64_t ring_seq;
	struct ha_hostset members;
	bool has_membership;
	bool is_quorate;
	bool is_quorum_known; /* is_quorate is about this membership */
	bool is_new;          /* in the first membership since corosync came */
	uint64_t early_seq;   /* quorum that was told before its membership */
	bool is_early_quorate;
	uint64_t states_ms; /* the last STATE that was missing, or that was
			     * sent again, arrived; 0: some are missing */
	enum ha_ring_mode mode;
	uint64_t nonce;     /* last sent */
	uint64_t nonce_ms;  /* when: the stamp that an echo would buy */
	bool is_nonce_open; /* its echoes are still counted */
	struct ha_hostset echoed;
	uint64_t ask_nonce;  /* of ha_ring_ask(); 0: none */
	uint64_t ask_ms;     /* when it was put */
	bool is_ask_ordered; /* it was delivered here: answers count */
	bool has_evidence;
	uint64_t evidence_ms;
	struct ha_ring_peer peers[HA_HOSTS_MAX];
};

void ha_ring_init(struct ha_ring *ring, uint32_t self, uint64_t incarnation);

/* Configured votes of a host (cmap nodelist, votequorum). */
void ha_ring_votes(struct ha_ring *ring, uint32_t slot, uint32_t votes);

/* Without wait_for_all no host lives on alone (SAFETY 1.7), so nobody has to
 * reckon with it. Reckoned with unless told otherwise. */
void ha_ring_no_lone(struct ha_ring *ring, bool is_excluded);

/* A new membership was installed (totem configuration change). An open nonce
 * is void, evidence already had stays. The caller then multicasts
 * ha_ring_state(). */
void ha_ring_changed(struct ha_ring *ring, uint64_t ring_seq,
		     const struct ha_hostset *members, uint64_t now_ms);

/* Quorum as votequorum says it, for the membership ring_seq. Told before its
 * membership it is kept until that is installed; of any other membership it
 * is ignored. */
void ha_ring_quorate(struct ha_ring *ring, uint64_t ring_seq, bool is_quorate,
		     uint64_t now_ms);

/* Connection to corosync lost: no membership, not quorate, all clocks of
 * "without" void. */
void ha_ring_lost(struct ha_ring *ring);

/* Fills the STATE message of the current membership. */
void ha_ring_state(const struct ha_ring *ring, struct ha_ring_msg *ret_msg);

/* Should the ring be used? True while the storage evidence is missing or
 * older than a late beat would be; and in ring mode until it is fresh *and*
 * newer than the ring evidence: a pet bought by a newer stamp than that of
 * the beats on the datastores would outlive what these prove. */
bool ha_ring_is_needed(const struct ha_ring *ring,
		       const struct ha_timing *timing, bool has_storage,
		       uint64_t storage_ms, uint64_t now_ms);

/* Once a beat. wants_ring: ha_ring_is_needed(). Returns true when
 * *ret_msg must be multicast (NONCE or LEAVE); nonce is fresh random or
 * counting, never 0. LEAVE is returned only when wants_ring is false, i.e.
 * after storage evidence is back; from then on ha_ring_evidence() is false. */
bool ha_ring_tick(struct ha_ring *ring, bool wants_ring, uint64_t nonce,
		  uint64_t now_ms, struct ha_ring_msg *ret_msg);

/* A message was delivered. True when *ret_msg must be multicast: an ECHO, or
 * a STATE for a daemon that has just come.
 * Messages of another membership than the present one are dropped, and so
 * are echoes of anything but the open nonce. */
bool ha_ring_deliver(struct ha_ring *ring, const struct ha_ring_msg *msg,
		     uint64_t now_ms, struct ha_ring_msg *ret_msg);

/* The stamp of the ring evidence (SAFETY 1.6); false: none. */
bool ha_ring_evidence(const struct ha_ring *ring, uint64_t *ret_stamp_ms);

bool ha_ring_is_member(const struct ha_ring *ring, uint32_t slot);

/* Once a beat, and before ha_ring_silence() is asked: the hosts proven out of
 * the way, and since when. Only these are left out of the majority that could
 * have vouched for another; without this call none is. */
void ha_ring_gone(struct ha_ring *ring, const struct ha_hostset *gone,
		  uint64_t now_ms);

/* May the silence of `slot` on storage be taken as its death, as far as the
 * ring can tell? `gone` are the hosts proven out of the way otherwise.
 * - NO_QUORUM: this host is in no quorate membership: unknown;
 * - MEMBER: the host is a member: unknown, whatever storage says;
 * - MAJORITY: the votes that are neither here nor gone could have echoed a
 *   lease without us: unknown;
 * - YES: all members' STATE says that it is in storage mode;
 * - LATER: it is, or may be, in ring mode: only from *ret_due_ms on, T after
 *   the begin of this quorate membership. An earlier one without it does not
 *   count: its members may have left it, vouched for the host and come back.
 * YES and LATER hold only together with silence on storage that is proven by
 * reads submitted at or after *ret_due_ms (ha_watch_verdict.until_ms): of
 * what happened before, an older read knows nothing. ha_fencing_is_gone()
 * puts both together.
 * - UNCONFIRMED is not said by ha_ring_silence(): the caller puts it in the
 *   place of YES and LATER while ha_ring_is_confirmed() does not hold for
 *   *ret_due_ms. */
enum ha_ring_silence {
	HA_RING_SILENCE_NO_QUORUM,
	HA_RING_SILENCE_MEMBER,
	HA_RING_SILENCE_MAJORITY,
	HA_RING_SILENCE_LATER,
	HA_RING_SILENCE_YES,
	HA_RING_SILENCE_UNCONFIRMED,
};
enum ha_ring_silence ha_ring_silence(const struct ha_ring *ring,
				     const struct ha_timing *timing,
				     uint32_t slot,
				     const struct ha_hostset *gone,
				     uint64_t now_ms, uint64_t *ret_due_ms);

/* Asks the members whether they are still there, to be multicast before the
 * silence of another host is believed: a corosync that stands still tells an
 * old membership for ever. nonce is at least 2 and new each time. False: no
 * membership. */
bool ha_ring_ask(struct ha_ring *ring, uint64_t nonce, uint64_t now_ms,
		 struct ha_ring_msg *ret_msg);

/* Have enough members answered a question put at or after since_ms, that the
 * rest could not have echoed a lease meanwhile? */
bool ha_ring_is_confirmed(const struct ha_ring *ring,
			  const struct ha_hostset *gone, uint64_t since_ms);

/* Does this membership still stand, so that something may be decided in it for
 * the whole cluster (a hold ends, a host unseals, a ticket is granted)? The rest
 * is none, by ha_ring_is_confirmed(); where that needs nobody's answer, since
 * this host's votes are a side of their own or the others are gone, each member
 * that is not gone must have answered: corosync of this host may have stood
 * still while those formed another one with it (SAFETY 1.6). */
bool ha_ring_stands(const struct ha_ring *ring, const struct ha_hostset *gone,
		    uint64_t since_ms);

/* Shared in core: membership changed; a message of it arrived. */
void ha__ring_ask_void(struct ha_ring *ring);
void ha__ring_ask_deliver(struct ha_ring *ring, const struct ha_ring_msg *msg);

#endif
