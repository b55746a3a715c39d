/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SAFETY 1.1 to 1.3 on a discrete clock: one host that beats and pets, one
 * reader that judges it by its beats, one datastore. Every step may take any
 * number of ticks: writes, reads and the host's daemon are held up at will.
 * Property: the reader calls the host dead only when its watchdog has fired.
 *
 * Ages are kept, not times, and saturate where they mean nothing more.
 */
#define B 2
#define D 1
#define W 5 /* >= 2 B + D */

#ifdef OFF_SPAN
#define T (B + W - 1) /* one tick less than any pet can last */
#else
#define T (B + W + D)
#endif

#define OLD (T + B + W + 1)
#define CAP(x) (x < OLD -> x + 1 : x)

bool alive = true;
/* the daemon */
bool is_running = true; /* not killed, not died */
bool was_killed;        /* by the timer */
bool has_checked;       /* evidence was fresh; the pet is the next call */
bool has_timer = true;
byte evidence = 0;      /* age */
byte wd = W;            /* ticks left; it has just been armed */
bool is_armed = true;
/* its write in flight */
bool is_writing, is_own_write, is_applied;
byte write_age;
/* the reader */
bool is_same;       /* on disk is what the last sample showed */
byte shown = 0;     /* since the completion that first showed it */
bool has_shown;
bool is_reading, has_sampled, sampled_same, is_late_enough;
byte read_age;
bool says_dead;

inline sigkill()
{
	/* SAFETY 1.2: the kernel's timer, evidence + B, absolute. */
#ifndef OFF_SIGKILL
	if
	:: has_timer && evidence > B ->
		is_running = false; was_killed = true; has_timer = false;
		has_checked = false; evidence = OLD; is_own_write = false
	:: else
	fi
#else
	skip
#endif
}

inline tick()
{
	evidence = CAP(evidence);
	write_age = (is_writing -> CAP(write_age) : 0);
	shown = (has_shown -> CAP(shown) : 0);
	read_age = (is_reading -> CAP(read_age) : 0);
	if
	:: is_armed ->
		wd--;
		if
		:: wd == 0 ->
			alive = false; is_armed = false;
			is_running = false; has_checked = false;
			has_timer = false; evidence = OLD; is_own_write = false
		:: else
		fi
	:: else
	fi;
	sigkill()
}

active proctype world()
{
end:	do
	:: d_step { !says_dead -> tick(); printf("a tick\n") }

	/* ---- the host ---- */
	:: d_step { alive && is_running && !is_writing ->
		is_writing = true; is_own_write = true;
		is_applied = false; write_age = 0;
		printf("a beat is submitted\n") }
	/* The device applies a write whenever it likes, dead writers' too. */
	:: d_step { is_writing && !is_applied ->
		is_applied = true; is_same = false;
		printf("the device has it\n") }
	:: d_step { is_writing && is_applied ->
		is_writing = false;
		if
		:: !is_own_write
		:: else ->
#ifdef OFF_STAMP
			evidence = 0 /* stamped at completion */
#else
			if
			:: write_age <= D && write_age < evidence ->
				evidence = write_age
			:: else
			fi
#endif
		fi;
		is_applied = false; is_own_write = false; write_age = 0;
		printf("the write is completed\n") }
	:: d_step { alive && is_running && !has_checked && evidence <= B ->
		has_checked = true; has_timer = true;
		printf("evidence is fresh, the timer is set\n") }
	/* Any pause may lie between check and pet. */
	:: d_step { alive && is_running && has_checked ->
		has_checked = false; is_armed = true; wd = W;
		printf("pets\n") }
	/* The daemon dies of something else. In the same boot it is started
	 * again, and finds the watchdog armed: it pets on fresh evidence, as
	 * ever. After the timer has fired nothing starts it again. */
	:: d_step { alive && is_running ->
		is_running = false; has_checked = false; has_timer = false;
		evidence = OLD; is_own_write = false;
		printf("the daemon ends\n") }
	:: d_step { alive && !is_running && !was_killed ->
		is_running = true; printf("a daemon is started\n");
#ifdef OFF_REOPEN
		wd = W; is_armed = true /* opening the device is a pet */
#endif
	   }

	/* ---- the reader ---- */
	:: d_step { !is_reading && !says_dead ->
		is_reading = true; has_sampled = false; read_age = 0;
		is_late_enough = has_shown && shown >= T;
		printf("a read is submitted\n") }
	:: d_step { is_reading && !has_sampled ->
		has_sampled = true; sampled_same = is_same; is_same = true;
		printf("it shows %d\n", sampled_same) }
	:: d_step { is_reading && has_sampled ->
		is_reading = false;
#ifdef OFF_READ_STAMP
		/* judged by when the read came back, not when it was sent */
		is_late_enough = has_shown && shown >= T;
#endif
		if
		:: sampled_same && has_shown ->
			if
			:: is_late_enough -> says_dead = true
			:: else
			fi
		:: else ->
			has_shown = true;
#ifdef OFF_FIRST_SHOWN
			shown = read_age /* counted from its submission */
#else
			shown = 0
#endif
		fi;
		read_age = 0; printf("the read is completed, dead: %d\n", says_dead);
#ifdef REACH
		assert(!says_dead);
#endif
		assert(!says_dead || !alive) }
	od
}
