/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SAFETY 1.6 on a discrete clock: host X switches between storage and ring
 * evidence; Y and Z are the others of three. Totem's memberships come and go
 * at each host in its own time, as extended virtual synchrony allows and no
 * better: a host that has left a membership delivers nothing of it any more,
 * a new one is installed only after all its members have left theirs, and a
 * host may stand still in an old one for ever.
 * Property: Y or Z calls X dead only when its watchdog has fired.
 *
 * Petting is exact here (timing.pml shows why it may be taken so); X takes
 * echoes however late and from whatever membership, which is more than it does.
 */
#define B 1
#define D 1
#define W 3
#define T (B + W + D)
#define CAP(x) (x < T -> x + 1 : x)

mtype = { WITH, GATHER, SANS };	 /* a membership with X, none, {Y, Z} */
mtype = { STORAGE, ANNOUNCED, LEASED }; /* X's mode */
mtype = { NOTHING, NONCE, LEAVE };

bool alive = true;
bool has_storage = true;
byte wd = W;
byte evidence;	 /* age of X's best stamp; above B it buys nothing */
byte silence;	 /* since X's last beat */
mtype mode = STORAGE;
mtype message = NOTHING; /* the last that X has sent */
byte nonce_age;
bool is_own_back; /* the nonce, delivered by X to itself */
bool is_echoed;	  /* by a host other than X; on its way to X for ever */

mtype at[2] = WITH;
bool is_formed[2];  /* a membership {Y, Z} may be installed here */
byte installed[2];  /* age of the present one */
bool delivered[2];  /* X's last message */
bool knows[2];	    /* X uses the ring */
bool has_state[2];  /* the other's word about X, in this membership */
bool is_asked[2], is_confirmed[2]; /* is everybody still there? */

inline leave(w)
{
	at[w] = GATHER; installed[w] = 0; has_state[w] = false;
	is_asked[w] = false; is_confirmed[w] = false; is_formed[w] = false;
	if
	:: at[1 - w] == GATHER -> is_formed[0] = true; is_formed[1] = true
	:: else
	fi
}

/* May w take X for dead now, but for the question to the members? */
#ifdef OFF_SINCE
#define RING_DUE(w) true
#else
#define RING_DUE(w) (!knows[w] || installed[w] >= T)
#endif
#ifdef OFF_EXCHANGE
#define TOLD(w) true
#else
#define TOLD(w) has_state[w]
#endif
#define DUE(w) (at[w] == SANS && silence >= T && TOLD(w) && RING_DUE(w))
#ifdef OFF_ASK
#define SURE(w) true
#else
#define SURE(w) is_confirmed[w]
#endif

#ifdef OFF_ECHO
#define ECHOED is_own_back
#else
#define ECHOED is_echoed
#endif

inline tick()
{
	evidence = CAP(evidence); silence = CAP(silence);
	nonce_age = (message == NONCE -> CAP(nonce_age) : 0);
	installed[0] = (at[0] == SANS -> CAP(installed[0]) : 0);
	installed[1] = (at[1] == SANS -> CAP(installed[1]) : 0);
	if
	:: alive ->
		wd--;
		alive = wd > 0
	:: else
	fi
}

active proctype world()
{
end:	do
	:: d_step { tick(); printf("a tick\n") }

	/* ---- X ---- */
	:: d_step { has_storage -> has_storage = false;
		printf("X loses its storage\n") }
	:: d_step { !has_storage -> has_storage = true;
		printf("X has storage again\n") }
	:: d_step { alive && has_storage ->
		evidence = 0; silence = 0;
		/* An answer from before this beat proves nothing any more. */
		is_asked[0] = false; is_confirmed[0] = false;
		is_asked[1] = false; is_confirmed[1] = false;
		printf("X beats\n");
		if
		:: mode != STORAGE ->
			mode = STORAGE; message = LEAVE; nonce_age = 0;
			is_own_back = false; is_echoed = false;
			delivered[0] = false; delivered[1] = false
		:: else
		fi }
	:: d_step { alive && !has_storage ->
		mode = (mode == STORAGE -> ANNOUNCED : mode);
		message = NONCE; nonce_age = 0;
		is_own_back = false; is_echoed = false;
		delivered[0] = false; delivered[1] = false;
#ifdef OFF_ANNOUNCE
		mode = LEASED; /* from the first nonce on, echoed or not */
		evidence = 0;
#endif
		printf("X sends a nonce\n") }
	:: d_step { message == NONCE && !is_own_back -> is_own_back = true;
		printf("X delivers its own nonce\n") }
	/* A strict majority with the sender: one other of three. */
	:: d_step { alive && mode != STORAGE && message == NONCE && ECHOED &&
		    nonce_age < evidence ->
		mode = LEASED; evidence = nonce_age;
		printf("X takes echoes as evidence\n") }
	:: d_step { alive && evidence <= B -> wd = W;
		printf("X pets\n") }

	od
}

/* Y (0) and Z (1) */
proctype other(byte w)
{
end:	do
	:: d_step { at[w] != GATHER -> leave(w);
		printf("%d leaves its membership\n", w) }
	:: d_step { at[w] == GATHER ->
		at[w] = WITH; is_formed[w] = false;
		printf("%d is in a membership with X\n", w) }
	:: d_step { at[w] == GATHER && is_formed[w] ->
		at[w] = SANS; is_formed[w] = false; installed[w] = 0;
		printf("%d installs {Y, Z}\n", w) }
	:: d_step { at[w] == WITH && !delivered[w] &&
		    message == NONCE ->
		delivered[w] = true; knows[w] = true; is_echoed = true;
		printf("%d echoes\n", w) }
	:: d_step { at[w] == WITH && !delivered[w] &&
		    message == LEAVE ->
		delivered[w] = true; knows[w] = false;
		printf("%d hears that X uses storage\n", w) }
	:: d_step { at[w] == SANS && at[1 - w] == SANS &&
		    !has_state[w] ->
		has_state[w] = true;
		knows[w] = knows[w] || knows[1 - w];
		is_asked[w] = false; is_confirmed[w] = false;
		printf("%d hears what the other knows\n", w) }
	:: d_step { DUE(w) && !is_asked[w] -> is_asked[w] = true;
		printf("%d asks who is there\n", w) }
	:: d_step { is_asked[w] && at[1 - w] == SANS &&
		    !is_confirmed[w] -> is_confirmed[w] = true;
		printf("the other answers %d\n", w) }
	:: d_step { DUE(w) && SURE(w) ->
		printf("%d says: X is dead\n", w);
#ifdef REACH
		assert(false);
#endif
		assert(!alive) }
	od
}

init
{
	atomic { run other(0); run other(1) }
}
