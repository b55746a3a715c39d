/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SAFETY section 3: the VM list as lock, down to single disk writes. N hosts,
 * S heartbeat datastores, one VM. Whatever asks for starts, stops and
 * migrations is taken to ask for anything anywhere at any time: no Pacemaker,
 * fencing, ticket or seal is needed for what is shown here. From timing.pml and
 * ring.pml one thing is taken: who is called dead is dead.
 * Property: the guest never runs on two hosts.
 */
#ifndef N
#define N 2
#endif
#ifndef S
#define S 1
#endif
#ifndef STARTS
#define STARTS 2 /* that are asked of each host */
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
/* w and r: 1/1 of one datastore, 1/2 of two, 2/2 of three */
#define WRITE (S == 3 -> 2 : 1)
#define NOBODY N

/* what a list says of the VM */
#define NONE 0
#define STARTING 1
#define RUNNING 2
#define INCOMING 3
#define OUTGOING 4

/* a QEMU process */
#define ABSENT 0
#define RUNS 1
#define ARRIVES 2 /* waits for a migration */
#define ARRIVED 3 /* has the guest, may go on with it */
#define LEFT 4	  /* has handed the guest over, is still there */

mtype = { IDLE, FLUSH, BEATS, LIST, GO, TELL, DELIST, ENDED };

bool alive[N] = true, is_serving[N] = true;
byte incarnation[N] = 1;
byte generation[N], sequence[N], entry[N]; /* the daemon's own list */

/* on disk, of host h on datastore s: [h * S + s] */
byte beat_inc[N * S] = 1, beat_gen[N * S], beat_seq[N * S], beat_copy[N * S];
byte list_inc[2 * N * S], list_gen[2 * N * S], list_is[2 * N * S];
byte going[N * S]; /* sequence of the beat that is to name the new copy */

/* the agent, with the daemon that answers it */
mtype agent[N] = IDLE;
byte wish[N], until[N];	 /* entry, and its generation */
byte other[N], seen[N];	 /* whose beat is read, on which datastores */
byte got_inc[N], got_gen[N], got_seq[N];
bool is_asked[N];	 /* libvirt has a create request */
byte qemu[N];
#ifdef OFF_CACHED
bool was_dead[N * N];
#endif
#ifdef MIGRATION
byte from = NOBODY, to = NOBODY, moves = 1;
#define IS_FREE(o) (alive[o] && is_serving[o] && agent[o] == IDLE && \
		    entry[o] == NONE && qemu[o] == ABSENT && !is_asked[o])
#ifdef OFF_HOMECOMING /* as libvirt does when the target does not answer */
#define HOMECOMING true
#else
#define HOMECOMING (qemu[to] == ABSENT)
#endif
#endif

byte starts[N] = STARTS;
byte faults = FAULTS;

#ifdef OFF_FLUSH_BEAT /* the copy is there: good enough */
#define NAMED(h, s) (beat_gen[h * S + s] + (going[h * S + s] != 0))
#else
#define NAMED(h, s) beat_gen[h * S + s]
#endif
#define ON(h, s) (beat_inc[h * S + s] == incarnation[h] && \
		  NAMED(h, s) >= until[h] -> 1 : 0)
#if S == 1
#define FLUSHED(h) (ON(h, 0) >= WRITE)
#elif S == 2
#define FLUSHED(h) (ON(h, 0) + ON(h, 1) >= WRITE)
#else
#define FLUSHED(h) (ON(h, 0) + ON(h, 1) + ON(h, 2) >= WRITE)
#endif
#define NAMES(o, s) (2 * (o * S + s) + beat_copy[o * S + s])
#define SPARES(o, s) (2 * (o * S + s) + 1 - beat_copy[o * S + s])
#define MATCHES(h, at) (list_inc[at] == got_inc[h] && list_gen[at] == got_gen[h])
#define GONE(h, o) (!alive[o] || incarnation[o] > got_inc[h])
#define RUNNERS(h) (qemu[h] == RUNS -> 1 : 0)
#if N == 2
#define ALL_RUNNERS (RUNNERS(0) + RUNNERS(1))
#else
#define ALL_RUNNERS (RUNNERS(0) + RUNNERS(1) + RUNNERS(2))
#endif

#define IS_NEW(h, s) (beat_inc[h * S + s] == incarnation[h] -> 1 : 0)
#if S == 1
#define CLAIMED(h) (IS_NEW(h, 0) >= WRITE)
#elif S == 2
#define CLAIMED(h) (IS_NEW(h, 0) + IS_NEW(h, 1) >= WRITE)
#else
#define CLAIMED(h) (IS_NEW(h, 0) + IS_NEW(h, 1) + IS_NEW(h, 2) >= WRITE)
#endif

inline put(h, state)
{
	entry[h] = state; generation[h]++; until[h] = generation[h];
}

/* The next host to read, or the end of the reading. */
inline next(h)
{
	other[h]++;
	if
	:: other[h] == h -> other[h]++
	:: else
	fi;
	seen[h] = 0; got_inc[h] = 0; got_gen[h] = 0; got_seq[h] = 0;
	if
	:: other[h] >= N ->
		other[h] = 0;
#ifdef OFF_READ_AFTER
		put(h, wish[h]); agent[h] = FLUSH
#else
		agent[h] = GO
#endif
	:: else -> agent[h] = BEATS
	fi
}

inline first(h)
{
	other[h] = (h == 0 -> 1 : 0);
	seen[h] = 0; got_inc[h] = 0; got_gen[h] = 0; got_seq[h] = 0;
	agent[h] = BEATS
}

inline give_up(h)
{
	/* The entry becomes what it was: nothing, as far as a start goes. */
	put(h, NONE); agent[h] = DELIST; wish[h] = NONE;
	other[h] = 0; seen[h] = 0;
	got_inc[h] = 0; got_gen[h] = 0; got_seq[h] = 0
}

inline forget(h)
{
	agent[h] = IDLE; wish[h] = NONE; until[h] = 0; other[h] = 0;
	seen[h] = 0; got_inc[h] = 0; got_gen[h] = 0; got_seq[h] = 0
}

/* core/vmlock about `state` on host o, read by h. */
inline judge(h, o, state)
{
	if
	:: state == NONE -> next(h)
#ifdef MIGRATION
	:: wish[h] == INCOMING && (state == RUNNING || state == OUTGOING) ->
		next(h)
	:: wish[h] == INCOMING && (state == STARTING || state == INCOMING) ->
		give_up(h)
#endif
	:: wish[h] == STARTING && state == STARTING ->
		if
		:: h < o -> give_up(h)
		:: else ->
#ifdef OFF_YIELD
			next(h) /* the lower one will withdraw */
#else
			seen[h] = 0; agent[h] = BEATS
#endif
		fi
	:: wish[h] == STARTING && state > STARTING -> give_up(h)
	fi
}

inline begin(h, what)
{
	wish[h] = what;
#ifdef OFF_READ_AFTER
	first(h)
#else
#ifdef OFF_LIST_FIRST
	first(h) /* reads, starts, and lists what runs */
#else
	put(h, what); agent[h] = FLUSH
#endif
#endif
}

/* What a restarted daemon finds on enough datastores. */
#define NEWEST(h, a, b) (beat_seq[h * S + a] >= beat_seq[h * S + b] -> a : b)
inline read_back(h, s)
{
#ifdef OFF_READ_BACK
	entry[h] = NONE;
#else
	entry[h] = (beat_gen[h * S + s] > 0 -> list_is[NAMES(h, s)] : NONE);
#endif
	generation[h]++; /* one that no copy bears */
	for (o : 0 .. S - 1) {
		going[h * S + o] = 0
	}
	o = 0
}

/* One datastore of one host: the daemon's store thread. */
inline copy(h, s)
{
	byte at;

	at = 2 * (h * S + s) + 1 - beat_copy[h * S + s];
	sequence[h]++;
	going[h * S + s] = sequence[h];
	list_inc[at] = incarnation[h]; list_gen[at] = generation[h];
	list_is[at] = entry[h]; at = 0;
	printf("%d: copy, generation %d\n", h, generation[h])
}

inline beat(h, s)
{
	byte at;

	at = 2 * (h * S + s) + 1 - beat_copy[h * S + s];
	beat_copy[h * S + s] = 1 - beat_copy[h * S + s];
	beat_inc[h * S + s] = incarnation[h];
	beat_gen[h * S + s] = list_gen[at];
	beat_seq[h * S + s] = going[h * S + s];
	going[h * S + s] = 0; at = 0;
	printf("%d: beat\n", h)
}

proctype store(byte h; byte s)
{
end:	do
	:: d_step { alive[h] && going[h * S + s] == 0 &&
		    beat_inc[h * S + s] < incarnation[h] ->
		/* The first beat of an incarnation: no list yet. */
		beat_inc[h * S + s] = incarnation[h];
		beat_gen[h * S + s] = 0; beat_seq[h * S + s] = 0 }
	:: d_step { alive[h] && is_serving[h] && going[h * S + s] == 0 &&
		    beat_inc[h * S + s] == incarnation[h] &&
		    beat_gen[h * S + s] < generation[h] -> copy(h, s) }
	:: d_step { alive[h] && going[h * S + s] != 0 -> beat(h, s) }
	od
}

inline read_beat(h, o, s)
{
	seen[h] = seen[h] | (1 << s);
	if
	:: beat_inc[o * S + s] > got_inc[h] ||
	   (beat_inc[o * S + s] == got_inc[h] &&
	    beat_seq[o * S + s] >= got_seq[h]) ->
		got_inc[h] = beat_inc[o * S + s];
		got_gen[h] = beat_gen[o * S + s];
		got_seq[h] = beat_seq[o * S + s]
	:: else
	fi
}

#ifdef OFF_NEWEST /* one datastore that agrees with itself will do */
#define READ_ALL(h) (seen[h] != 0)
#elif S == 1
#define READ_ALL(h) (seen[h] == 1)
#elif S == 2
#define READ_ALL(h) (seen[h] == 3)
#else
#define READ_ALL(h) (seen[h] == 3 || seen[h] == 5 || seen[h] == 6)
#endif

proctype reader(byte h; byte s)
{
end:	do
	:: d_step { alive[h] && agent[h] == BEATS && !READ_ALL(h) &&
		    !(seen[h] & (1 << s)) -> read_beat(h, other[h], s) }
	:: d_step { alive[h] && agent[h] == LIST ->
		if
		:: got_gen[h] == 0 -> judge(h, other[h], NONE)
#ifdef OFF_GENERATION
		:: got_gen[h] != 0 -> /* what this datastore's own beat names */
			judge(h, other[h], list_is[NAMES(other[h], s)])
#else
		:: got_gen[h] != 0 && MATCHES(h, NAMES(other[h], s)) ->
			judge(h, other[h], list_is[NAMES(other[h], s)])
		:: got_gen[h] != 0 && !MATCHES(h, NAMES(other[h], s)) &&
		   MATCHES(h, SPARES(other[h], s)) ->
			judge(h, other[h], list_is[SPARES(other[h], s)])
		:: got_gen[h] != 0 && !MATCHES(h, NAMES(other[h], s)) &&
		   !MATCHES(h, SPARES(other[h], s)) ->
			/* Written anew meanwhile: what does a beat say now? */
			seen[h] = 0; agent[h] = BEATS
#endif
		fi }
	od
}

/* Start, stop, probe, migration: the agent's side. */
proctype host(byte h)
{
	byte o;

end:	do
	:: d_step { alive[h] && is_serving[h] && agent[h] == IDLE &&
		    starts[h] > 0 && qemu[h] == ABSENT && !is_asked[h] ->
		starts[h]--; begin(h, STARTING);
		printf("%d: start\n", h) }
	:: d_step { alive[h] && is_serving[h] && agent[h] == FLUSH &&
		    FLUSHED(h) ->
#ifdef OFF_READ_AFTER
		agent[h] = GO; /* has read before */
#else
		first(h);
#endif
		printf("%d: entry flushed\n", h) }
	:: d_step { alive[h] && agent[h] == BEATS && READ_ALL(h) ->
		o = other[h];
		/* Who is dead by this beat, or by one read later, is gone. */
		if
#ifdef OFF_CACHED
		:: was_dead[h * N + o] -> next(h)
		:: !was_dead[h * N + o] && GONE(h, o) -> next(h)
		:: !was_dead[h * N + o] && !GONE(h, o) -> agent[h] = LIST
#else
		:: GONE(h, o) -> next(h)
		:: !GONE(h, o) -> agent[h] = LIST
#endif
		fi;
		o = 0 }
	/* A reader may be slow, and miss that a host is dead just now. */
	:: d_step { alive[h] && agent[h] == BEATS && READ_ALL(h) ->
		agent[h] = LIST }
	:: d_step { alive[h] && agent[h] == GO ->
		if
		:: wish[h] == STARTING ->
			is_asked[h] = true; agent[h] = TELL;
			printf("%d: asks libvirt for a QEMU\n", h)
#ifdef MIGRATION
		:: wish[h] == INCOMING && to == h ->
			qemu[h] = ARRIVES; agent[h] = IDLE; wish[h] = NONE;
			until[h] = 0;
			printf("%d: opens its port\n", h)
		:: wish[h] == INCOMING && to != h ->
			give_up(h)
#endif
		fi }
	/* libvirt carries a request out whenever it likes. */
	:: d_step { alive[h] && is_asked[h] ->
		is_asked[h] = false; qemu[h] = RUNS;
		printf("%d: QEMU runs\n", h);
		assert(ALL_RUNNERS <= 1) }
	:: d_step { alive[h] && is_serving[h] && agent[h] == TELL &&
		    qemu[h] == RUNS ->
		put(h, RUNNING); forget(h) }
	/* Stop, or a probe that clears up: no request may be left, and the
	 * process is gone, before the entry goes. */
	:: d_step { alive[h] && is_serving[h] &&
		    (agent[h] == IDLE || agent[h] == TELL) &&
		    entry[h] != NONE ->
#ifndef OFF_REVOKE
		is_asked[h] = false;
#endif
#ifndef OFF_DELIST
		qemu[h] = ABSENT; /* else: told, not waited for */
#endif
		put(h, NONE); forget(h); until[h] = generation[h];
		agent[h] = DELIST;
		printf("%d: stop\n", h) }
	:: d_step { alive[h] && is_serving[h] && agent[h] == DELIST &&
		    FLUSHED(h) -> forget(h) }
#ifdef OFF_DELIST
	:: d_step { alive[h] && agent[h] == IDLE && entry[h] == NONE &&
		    qemu[h] == RUNS -> qemu[h] = ABSENT }
#endif
	/* ---- faults ---- */
	:: d_step { alive[h] && faults > 0 && qemu[h] != ABSENT ->
		faults--; qemu[h] = ABSENT;
		printf("%d: QEMU crashes\n", h) }
	:: d_step { alive[h] && faults > 0 && agent[h] != IDLE ->
		/* killed, or at its deadline: what it asked for is not undone;
		 * the daemon takes an unanswered wish back */
		faults--;
		if
		:: agent[h] == TELL || agent[h] == DELIST || agent[h] == GO ->
			forget(h)
		:: else -> give_up(h)
		fi;
		printf("%d: the agent is killed\n", h) }
	:: d_step { alive[h] && faults > 0 ->
		faults--; alive[h] = false; is_serving[h] = false;
		qemu[h] = ABSENT; is_asked[h] = false; forget(h);
		generation[h] = 0; sequence[h] = 0; entry[h] = NONE;
		for (o : 0 .. S - 1) {
			going[h * S + o] = 0
		}
		o = 0;
#ifdef OFF_CACHED
		for (o : 0 .. N - 1) {
			was_dead[o * N + h] = true
		}
		o = 0;
#endif
		printf("%d: the host dies\n", h) }
	:: d_step { !alive[h] -> alive[h] = true; incarnation[h]++;
		printf("%d: boots\n", h) }
	:: d_step { alive[h] && !is_serving[h] && CLAIMED(h) ->
		is_serving[h] = true }
	/* The daemon ends and comes back in the same boot; its list comes back
	 * from disk, with a generation that no copy bears. */
	:: d_step { alive[h] && is_serving[h] && faults > 0 ->
		faults--;
		if
		:: agent[h] == TELL || agent[h] == GO || agent[h] == DELIST
		:: else -> forget(h)
		fi;
#if S == 1
		read_back(h, 0);
#elif S == 2
		read_back(h, NEWEST(h, 0, 1));
#else
		if /* of the pair that it read, the newest beat */
		:: IS_NEW(h, 0) && IS_NEW(h, 1) -> read_back(h, NEWEST(h, 0, 1))
		:: IS_NEW(h, 0) && IS_NEW(h, 2) -> read_back(h, NEWEST(h, 0, 2))
		:: IS_NEW(h, 1) && IS_NEW(h, 2) -> read_back(h, NEWEST(h, 1, 2))
		fi;
#endif
		printf("%d: the daemon is restarted\n", h) }
#ifdef MIGRATION
	/* migrate_to on h; the target o is told. */
	:: d_step { alive[h] && is_serving[h] && agent[h] == IDLE &&
		    entry[h] == RUNNING && qemu[h] == RUNS && from == NOBODY && moves > 0 &&
		    IS_FREE((h + 1) % N) ->
		o = (h + 1) % N;
		moves--; from = h; to = o; put(h, OUTGOING); until[h] = 0;
#ifdef OFF_INCOMING
		qemu[o] = ARRIVES;
#else
		begin(o, INCOMING);
#endif
		o = 0;
		printf("%d: migrates\n", h) }
	:: d_step { from == h && alive[h] && qemu[h] == RUNS &&
		    qemu[to] == ARRIVES ->
		qemu[h] = LEFT; qemu[to] = ARRIVED;
		printf("%d: has handed the guest over\n", h) }
	:: d_step { alive[h] && qemu[h] == ARRIVED ->
		qemu[h] = RUNS;
		printf("%d: the guest goes on\n", h);
		assert(ALL_RUNNERS <= 1) }
	:: d_step { alive[h] && is_serving[h] && agent[h] == IDLE &&
		    entry[h] == INCOMING && qemu[h] == RUNS -> put(h, RUNNING);
		until[h] = 0 }
	/* The target's process is proven gone: the guest goes on at home. */
	:: d_step { from == h && alive[h] && qemu[h] == LEFT && HOMECOMING ->
		qemu[h] = RUNS;
		printf("%d: takes the guest back\n", h);
		assert(ALL_RUNNERS <= 1) }
	:: d_step { from == h && to != NOBODY && qemu[h] != LEFT &&
		    qemu[to] != ARRIVES && qemu[to] != ARRIVED &&
		    wish[to] != INCOMING ->
		from = NOBODY; to = NOBODY;
		if
		:: alive[h] && qemu[h] == RUNS -> put(h, RUNNING);
			until[h] = 0
		:: else
		fi }
#endif
	od
}

init
{
	byte h, s;

	atomic {
		for (h : 0 .. N - 1) {
			run host(h);
			for (s : 0 .. S - 1) {
				run store(h, s);
				run reader(h, s)
			}
		}
		h = 0; s = 0
	}
}
