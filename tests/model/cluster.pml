/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SAFETY sections 2, 4, 5 and 6: seal, fencing verdicts, holds and tickets
 * around Pacemaker, which computes a start before it knows of a hold, recovers
 * by itself without quorum, and whose CIB may be anybody's after a merge. One
 * VM. The list is one step here, as lock.pml proves that it may be.
 * Properties, by what they are called in the table of the runs:
 *   twice     the guest never runs on two hosts
 *   verdict   what was fenced alive begins nothing until it is settled again
 *   exit      no member of Pacemaker's cluster is told that it was fenced
 *   term      no start on an older master's grant against a newer one's hold
 *   vain      no VM of a host that was fenced alive is left granted
 *   lost      when all is quiet and a master there, the VM runs, members are
 *             unsealed, and a VM that runs on a member is granted
 */
#ifdef TWO_NODE
#define N 2
#else
#define N 3
#endif
#ifndef CHANGES
#define CHANGES 2 /* of the membership */
#endif
#ifndef FAULTS
#define FAULTS 1 /* crashes of host, VM, agent; restarts of the daemon */
#endif
#ifndef TRIES
#define TRIES 1 /* starts in vain, besides those that can work */
#endif
#define NOBODY N
#define NONE 0
#define STARTING 1
#define RUNNING 2
#define RELEASED 3

bool alive[N] = true;
byte part[N];		/* lowest member of the membership */
byte master;		/* bits */
byte term[N];		/* a master's own */
byte newest_term = 1;	/* on disk */
/* the daemon */
bool is_sealed[N], is_ordered[N];
byte entry[N];
bool is_held[N];	/* on disk: the VM, in this host's name */
byte policy;		/* on disk: a hold of a master, its term */
/* the VM's agent and the executor */
bool is_queued[N];	/* a start */
bool is_announced[N];
bool thinks_active[N];
bool has_qemu[N];
/* the CIB as this host has it */
bool granted[N] = true;
byte ticket_term[N] = 1;
byte history[N] = NOBODY; /* where it has the VM */
byte clean[N];		/* bits: hosts that it holds for down */
/* DC: a transition that is computed; fencing: of whom, who runs it */
byte graph[N] = NOBODY;
byte fencing[N] = NOBODY;
bool is_placed[N];	/* on disk, not in the CIB yet */
bool was_fenced[N];	/* for `verdict` */
bool powers_off;	/* the isolation response */

bool is_down[N];	/* and stays so */
bool is_stale;		/* memberships are to be made */
byte changes = CHANGES, faults = FAULTS, tries = TRIES;

#define BIT(h) (1 << (h))
#define WITH(a, b) (alive[a] && alive[b] && part[a] == part[b] -> 1 : 0)
#if N == 2
#define QUORATE(h) alive[h] /* two_node */
#define RUNNERS (has_qemu[0] + has_qemu[1])
#define AWAY(h) ((WITH(h, 0) -> 0 : 1) | (WITH(h, 1) -> 0 : 2))
#define RUNS_WITH(h) ((WITH(h, 0) && has_qemu[0]) || (WITH(h, 1) && has_qemu[1]))
#else
#define QUORATE(h) (WITH(h, 0) + WITH(h, 1) + WITH(h, 2) >= 2)
#define RUNNERS (has_qemu[0] + has_qemu[1] + has_qemu[2])
#define AWAY(h) ((WITH(h, 0) -> 0 : 1) | (WITH(h, 1) -> 0 : 2) | \
		 (WITH(h, 2) -> 0 : 4))
#define RUNS_WITH(h) ((WITH(h, 0) && has_qemu[0]) || \
		      (WITH(h, 1) && has_qemu[1]) || \
		      (WITH(h, 2) && has_qemu[2]))
#endif
#if N == 2
#define ALL 3
#define LAST(label) skip
#define IS_CALM(h) ((IS_CUT && h == 0) || !QUORATE(h) || \
	(!is_sealed[h] && (!has_qemu[h] || granted[h])))
#define CALM (master == 0 || (RUNNERS == 1 && IS_CALM(0) && IS_CALM(1)))
#else
#define ALL 7
#define LAST(label) part[2] = label
#define IS_CALM(h) (!QUORATE(h) || \
	(!is_sealed[h] && (!has_qemu[h] || granted[h])))
#define CALM (master == 0 || \
	      (RUNNERS == 1 && IS_CALM(0) && IS_CALM(1) && IS_CALM(2)))
#endif
/* ---- what the table of the runs switches off ---- */
#ifdef OFF_HOLD
#define HOLDS false
#else
#define HOLDS true
#endif
#ifdef OFF_TERM
#define TERM_CHECK false
#else
#define TERM_CHECK true
#endif
#ifdef OFF_LOCK
#define LOCKS false
#else
#define LOCKS true
#endif
#ifdef OFF_REDERIVE
#define REDERIVES false
#else
#define REDERIVES true
#endif
#ifdef OFF_REJOIN
#define REJOINED(h, t) false
#else
#define REJOINED(h, t) WITH(h, t)
#endif
#ifdef OFF_SEAL_WAIT
#define SEALED_ENOUGH(t) true
#else
#define SEALED_ENOUGH(t) is_sealed[t]
#endif
#define IS_MASTER(h) (alive[h] && (master & BIT(h)) && QUORATE(h))
#define OWNS(h) (entry[h] == STARTING || entry[h] == RUNNING)
#ifdef OFF_SEAL /* says that it is sealed, and goes on */
#define OBEYS_SEAL(h) false
#else
#define OBEYS_SEAL(h) is_sealed[h]
#endif

/* Of host o: does it keep master or starter h from the VM? */
#define BINDS_MASTER(h, o) (alive[o] && !WITH(h, o) && (OWNS(o) || \
	(is_held[o] && !(is_sealed[o] && !OWNS(o)))))
#define BINDS_START(h, o) (o != h && alive[o] && (OWNS(o) || is_held[o]))
#if N == 2
#define IS_BOUND(h) (BINDS_MASTER(h, 0) || BINDS_MASTER(h, 1))
#define IS_TAKEN(h) (BINDS_START(h, 0) || BINDS_START(h, 1))
#else
#define IS_BOUND(h) (BINDS_MASTER(h, 0) || BINDS_MASTER(h, 1) || \
		     BINDS_MASTER(h, 2))
#define IS_TAKEN(h) (BINDS_START(h, 0) || BINDS_START(h, 1) || \
		     BINDS_START(h, 2))
#endif
#define MAY_RUN(h) (RUNS_WITH(h) || (!IS_BOUND(h) && policy == 0))
#define TERM_IS_CURRENT(h) (ticket_term[h] >= newest_term)

inline write_ticket(me, value, its_term)
{
	for (i : 0 .. N - 1) {
		if
		:: WITH(me, i) -> granted[i] = value; ticket_term[i] = its_term
		:: else
		fi
	}
	i = 0
}

inline write_history(me, where)
{
	for (i : 0 .. N - 1) {
		if
		:: WITH(me, i) -> history[i] = where
		:: else
		fi
	}
	i = 0
}

/* A start that fails, and Pacemaker's stop after it. */
inline fail(h)
{
	is_queued[h] = false; is_announced[h] = false;
	if
	:: history[h] == h -> write_history(h, NOBODY)
	:: else
	fi
}

inline seal(h)
{
	is_sealed[h] = true;
	printf("%d seals\n", h);
#ifndef OFF_SEAL
	if
	:: is_announced[h] -> entry[h] = NONE; fail(h)
	:: else
	fi
#endif
}

/* Fenced: what Pacemaker makes of a success. */
inline believe(h, t)
{
	printf("%d: %d is fenced\n", h, t);
	assert(!WITH(h, t)); /* exit */
	for (i : 0 .. N - 1) {
		if
		:: WITH(h, i) ->
			clean[i] = clean[i] | BIT(t);
			history[i] = (history[i] == t -> NOBODY : history[i])
		:: else
		fi
	}
	i = 0; fencing[h] = NOBODY; is_placed[h] = false
}

#ifdef TWO_NODE
/* SAFETY 11, both sides quorate: the higher name wins. */
#define IS_CUT (alive[0] && alive[1] && !WITH(0, 1))
#define RIVAL_YIELDS(h) (!IS_CUT || (h == 1 && is_sealed[0]))
#define IS_HIGHER(h) (!IS_CUT || h == 1)
#ifdef OFF_CLAIM
#define MUST_SEAL(h) (is_ordered[h] && !IS_CUT)
#else
#define MUST_SEAL(h) ((IS_CUT && h == 0) || (is_ordered[h] && !IS_CUT))
#endif
#else
#define MUST_SEAL(h) (!QUORATE(h) || is_ordered[h])
#define RIVAL_YIELDS(h) true
#define IS_HIGHER(h) true
#endif
/* By m, the master: this list is settled. */
#define IS_SETTLED(h, m) (IS_MASTER(m) && WITH(m, h) && !is_held[h] && \
	(!OWNS(h) || (granted[m] && ticket_term[m] == term[m])))
#define CAN_WORK(m, n) (!OBEYS_SEAL(n) && !IS_TAKEN(n) && TERM_IS_CURRENT(m))

/* One host by itself. */
proctype host(byte h)
{
	byte o, i;
	bool may;

end:	do
	:: d_step { alive[h] && !is_sealed[h] && MUST_SEAL(h) -> seal(h) }
	/* A process that is proven gone, and nobody who may still start it. */
	:: d_step { alive[h] && is_sealed[h] && OWNS(h) && !has_qemu[h] &&
		    !is_announced[h] -> entry[h] = RELEASED;
		printf("%d: released\n", h) }
	:: d_step { alive[h] && powers_off && is_sealed[h] && has_qemu[h] &&
		    !IS_MASTER(h) && master != 0 && AWAY(h) != 0 &&
		    !(master & ~AWAY(h)) ->
		has_qemu[h] = false; thinks_active[h] = false;
		printf("%d: powered off\n", h) }

	/* ---- the VM's agent ---- */
	:: d_step { alive[h] && is_queued[h] && !is_announced[h] ->
		if
		:: OBEYS_SEAL(h) || (!TERM_IS_CURRENT(h) && TERM_CHECK) ||
		   has_qemu[h] -> fail(h)
		:: else ->
			assert(!was_fenced[h]); /* verdict */
			assert(!(policy > ticket_term[h] && granted[h]));
						/* term */
			entry[h] = STARTING; is_announced[h] = true;
			printf("%d: announces\n", h)
		fi }
	:: d_step { alive[h] && is_announced[h] ->
		if
		:: IS_TAKEN(h) && LOCKS -> entry[h] = NONE; fail(h)
		:: else ->
			entry[h] = RUNNING; is_queued[h] = false;
			is_announced[h] = false; has_qemu[h] = true;
			thinks_active[h] = true; write_history(h, h);
			printf("%d: runs the VM\n", h);
			assert(RUNNERS <= 1) /* twice */
		fi }

	/* ---- Pacemaker ---- */
	/* A crashed VM: without quorum by itself, with freeze; with quorum as
	 * the ticket allows. The stop delists. */
	:: d_step { alive[h] && thinks_active[h] && !has_qemu[h] &&
		    !is_queued[h] && granted[h] &&
		    (QUORATE(h) || !OBEYS_SEAL(h)) ->
		thinks_active[h] = false;
		entry[h] = (is_sealed[h] -> RELEASED : NONE);
		if
		:: history[h] == h -> write_history(h, NOBODY)
		:: else
		fi;
		if
		:: !QUORATE(h) -> is_queued[h] = true
		:: else
		fi;
		printf("%d: recovers the VM\n", h) }
	/* A transition that waits for fencing is computed all the same. */
	:: d_step { IS_MASTER(h) && graph[h] != NOBODY &&
		    (clean[h] & AWAY(h)) == AWAY(h) && history[h] == NOBODY ->
		o = graph[h]; graph[h] = NOBODY;
		if
		:: WITH(h, o) -> is_queued[o] = true; write_history(h, o);
			printf("%d has %d start the VM\n", h, o)
		:: else
		fi;
		o = 0 }
	:: d_step { IS_MASTER(h) && graph[h] != NOBODY && !granted[h] ->
		graph[h] = NOBODY } /* the notice came in time */

	/* ---- the master: tickets follow lists and holds ---- */
#ifndef OFF_NEW_TERM
	/* It has met a newer term than its own: starts on its tickets would
	 * fail for ever. Not while the other side wins. */
	:: d_step { IS_MASTER(h) && term[h] < newest_term && IS_HIGHER(h) ->
		newest_term++; term[h] = newest_term;
		printf("%d: term %d\n", h, newest_term) }
#endif
	:: d_step { IS_MASTER(h) && REDERIVES &&
		    (granted[h] != MAY_RUN(h) || ticket_term[h] != term[h]) ->
		may = MAY_RUN(h); write_ticket(h, may, term[h]); may = false;
		printf("%d: ticket %d\n", h, granted[h]) }
	:: d_step { IS_MASTER(h) && policy == 0 && tries > 0 &&
		    RUNNERS == 0 -> tries--; policy = term[h];
		write_ticket(h, false, term[h]);
		printf("%d: holds the VM by policy\n", h) }
	:: d_step { IS_MASTER(h) && policy != 0 && granted[h] == MAY_RUN(h) &&
		    ticket_term[h] == term[h] -> policy = 0 }

	/* ---- faults ---- */
	:: d_step { alive[h] && faults > 0 && has_qemu[h] ->
		faults--; has_qemu[h] = false;
		printf("%d: the VM crashes\n", h) }
	:: d_step { alive[h] && faults > 0 && is_announced[h] ->
		faults--; is_announced[h] = false; is_queued[h] = false;
		entry[h] = NONE; thinks_active[h] = false;
		if
		:: history[h] == h -> write_history(h, NOBODY)
		:: else
		fi;
		printf("%d: the agent is killed\n", h) }
	:: d_step { alive[h] && faults > 0 && !is_sealed[h] ->
		faults--; seal(h); printf("%d: the daemon restarts\n", h) }
	:: d_step { alive[h] && faults > 0 ->
		faults--; alive[h] = false; has_qemu[h] = false;
		entry[h] = NONE; is_queued[h] = false;
		is_announced[h] = false; thinks_active[h] = false;
		is_sealed[h] = true; is_ordered[h] = false;
		is_held[h] = false; was_fenced[h] = false;
		graph[h] = NOBODY; fencing[h] = NOBODY; is_placed[h] = false;
		master = master & ~BIT(h);
		printf("%d dies\n", h);
		is_stale = true }
	:: atomic { !alive[h] && !is_down[h] ->
		if
		:: is_down[h] = true /* for good */
		:: alive[h] = true; part[h] = N + h; is_stale = true;
			printf("%d boots\n", h)
		fi }
	od
}

/* What one host does about another. */
proctype pair(byte h; byte t)
{
	byte i;

end:	do
	:: d_step { alive[t] && is_sealed[t] && QUORATE(t) && RIVAL_YIELDS(t) &&
		    IS_SETTLED(t, h) ->
		is_sealed[t] = false; is_ordered[t] = false;
		was_fenced[t] = false;
		entry[t] = (entry[t] == RELEASED -> NONE : entry[t]);
		printf("%d unseals\n", t) }
	/* The master lifts a hold, or places one that is missing. */
	:: d_step { IS_MASTER(h) && is_held[t] && !(BINDS_MASTER(h, t)) ->
		is_held[t] = false; printf("%d lifts the hold of %d\n", h, t) }
	:: d_step { IS_MASTER(h) && alive[t] && !WITH(h, t) && OWNS(t) &&
		    !is_held[t] && HOLDS ->
		is_held[t] = true; printf("%d places a hold of %d\n", h, t) }
	/* A start on t is computed. */
	:: d_step { IS_MASTER(h) && WITH(h, t) && graph[h] == NOBODY &&
		    granted[h] && !RUNS_WITH(h) && !is_queued[t] &&
		    (history[h] == NOBODY || (BIT(history[h]) & AWAY(h))) &&
		    (CAN_WORK(h, t) || tries > 0) ->
		tries = (CAN_WORK(h, t) -> tries : tries - 1);
		graph[h] = t; printf("%d computes a start on %d\n", h, t) }
	/* fence_vmha, on h against t, for the master of h's side. */
	:: d_step { alive[h] && master != 0 && QUORATE(h) && h != t &&
		    !(clean[h] & BIT(t)) && !WITH(h, t) &&
		    fencing[h] == NOBODY -> fencing[h] = t; is_placed[h] = false;
		printf("%d fences %d\n", h, t) }
	:: d_step { fencing[h] == t && !QUORATE(h) -> fencing[h] = NOBODY }
	:: d_step { fencing[h] == t && QUORATE(h) && REJOINED(h, t) && h != t ->
		fencing[h] = NOBODY; is_placed[h] = false }
	:: d_step { fencing[h] == t && QUORATE(h) && !alive[t] ->
		believe(h, t) }
	:: d_step { fencing[h] == t && QUORATE(h) && alive[t] &&
		    !is_sealed[t] && !is_ordered[t] && !WITH(h, t) ->
		is_ordered[t] = true; printf("%d orders %d to seal\n", h, t) }
	:: d_step { fencing[h] == t && QUORATE(h) && alive[t] &&
		    SEALED_ENOUGH(t) && !REJOINED(h, t) && HOLDS &&
		    !is_held[t] && (OWNS(t) || history[h] == t) ->
		is_held[t] = true; is_placed[h] = true;
		printf("%d: the VM is held for %d\n", h, t) }
	/* In the CIB; this attempt fails, so that the graph is a fresh one. */
	:: d_step { fencing[h] == t && QUORATE(h) && alive[t] &&
		    SEALED_ENOUGH(t) && !REJOINED(h, t) &&
		    is_held[t] && granted[h] ->
		write_ticket(h, false, ticket_term[h]);
		fencing[h] = NOBODY; is_placed[h] = false }
	:: d_step { fencing[h] == t && QUORATE(h) && alive[t] &&
		    SEALED_ENOUGH(t) && !REJOINED(h, t) &&
		    (!HOLDS || (is_held[t] && !granted[h]) ||
		     (!is_held[t] && !OWNS(t) && history[h] != t)) ->
		assert(!(OWNS(t) && granted[h])); /* vain */
		was_fenced[t] = true; believe(h, t) }
	od
}

/* Of the memberships that `part` says: masters and CIBs. */
inline settle()
{
	for (h : 0 .. N - 1) {
		graph[h] = NOBODY;
		if
		:: !QUORATE(h) -> master = master & ~BIT(h)
		:: else
		fi
	}
	/* `winner` first, then the lowest: where a quorate membership has no
	 * master it becomes one, with a new term; where it has two it stays. */
	for (o : 0 .. N) {
		h = (o == 0 -> winner : o - 1);
		if
		:: QUORATE(h) && !(master & ~AWAY(h) & ALL) ->
			master = master | BIT(h); newest_term++;
			term[h] = newest_term;
			printf("%d is master, term %d\n", h, newest_term)
		:: QUORATE(h) && (master & BIT(h)) ->
			master = (master & AWAY(h)) | BIT(h)
		:: else
		fi;
		/* Its CIB is the one of all that it meets. */
		is_first = true;
		for (w : 0 .. N - 1) {
			if
			:: WITH(h, w) && ((w < h && o > 0) || w == winner) &&
			   w != h -> is_first = false
			:: else
			fi
		}
		for (w : 0 .. N - 1) {
			if
			:: is_first && WITH(h, w) ->
				granted[w] = granted[h];
				ticket_term[w] = ticket_term[h];
				history[w] = history[h];
				clean[w] = clean[h] & AWAY(h)
			:: else
			fi
		}
	}
	/* Executors tell what they have. */
	for (h : 0 .. N - 1) {
		if
		:: alive[h] && history[h] != NOBODY && WITH(h, history[h]) &&
		   !thinks_active[history[h]] && !is_queued[history[h]] ->
			history[h] = NOBODY
		:: else
		fi;
		for (o : 0 .. N - 1) {
			if
			:: WITH(h, o) && (has_qemu[o] || (!RUNS_WITH(h) &&
			   (thinks_active[o] || is_queued[o]))) ->
				history[h] = o
			:: else
			fi
		}
	}
	h = 0; o = 0; w = 0; is_first = false
}

/* Membership: any, at any time; one CIB of those that meet wins. */
proctype world()
{
	byte winner, h, o, w;
	bool is_first;

end:	do
	:: atomic { is_stale || changes > 0 ->
		if
		:: is_stale -> is_stale = false
		:: else -> changes--
		fi;
		if
		:: winner = 0
		:: winner = 1
#if N == 3
		:: winner = 2
#endif
		fi;
		if
		:: part[0] = 0; part[1] = 0; LAST(0)
		:: part[0] = 0; part[1] = 1; LAST(2)
#if N == 3
		:: part[0] = 0; part[1] = 0; LAST(2)
		:: part[0] = 0; part[1] = 1; LAST(0)
		:: part[0] = 0; part[1] = 1; LAST(1)
#endif
		fi;
		d_step { printf("memberships %d %d %d, CIB of %d\n", part[0],
			part[1], part[N - 1], winner);
			settle(); winner = 0 } }
	/* No more of what is not bound to happen. */
	:: d_step { !is_stale && (changes > 0 || faults > 0 || tries > 0) ->
		changes = 0; faults = 0; tries = 0 }
	:: timeout -> assert(CALM); /* lost */
#ifdef REACH
		assert(false);
#endif
		break
	od
}

init
{
	byte h, t;

	atomic {
		if
		:: powers_off = true
		:: powers_off = false
		fi;
		master = 1; term[0] = 1;
		for (h : 0 .. N - 1) {
			run host(h);
			for (t : 0 .. N - 1) {
				run pair(h, t)
			}
		}
		run world(); h = 0; t = 0
	}
}
