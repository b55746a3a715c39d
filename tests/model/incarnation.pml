/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SAFETY 1.4: one host that boots again and again, each time claims a number on
 * its datastores, and lives when the claim stands on w; and one reader that
 * looks at one datastore after the other, whenever it likes, and remembers what
 * each showed. A boot may end at any step, and may neither read nor write any
 * datastore it likes to, as long as it reads r.
 * Properties: no living host is called replaced; nothing that another boot left
 * counts as a beat of the living one.
 */
#define N 3 /* datastores */
#define WRITTEN 2
#define READ 2
#ifndef BOOTS
#define BOOTS 3
#endif
#define NUMBERS 6

byte number[N]; /* on disk */
byte by[N];     /* which boot wrote it */
bool armed[N];
byte seen[N];   /* by the reader: its newest look at each */
byte seen_by[N];
bool seen_armed[N];

byte boot;
byte runs; /* the number of the host that lives; 0: none */
bool taken[NUMBERS], drawn[NUMBERS];

inline look_back()
{
	highest = 0;
	looked = 0;
	i = 0;
	do
	:: i < N ->
		if
		:: highest = (number[i] > highest -> number[i] : highest);
		   looked++
		:: skip /* this one hangs */
		fi;
		i++
	:: else -> break
	od
}

/* Random numbers stand for 32 bits of them here: that a later boot hits one by
 * chance, adding or drawing, is left out (2^-32 each time). */
inline take_number()
{
	own = highest + 1;
#ifndef OFF_DICE
	if
	:: looked < N ->
		do
		:: own < NUMBERS - 1 -> own++
		:: break
		od;
		if
		:: own >= NUMBERS || taken[own] -> own = 0
		:: else -> drawn[own] = true
		fi
	:: else ->
		if
		:: own < NUMBERS && drawn[own] -> own = 0
		:: else
		fi
	fi;
#endif
	if
	:: own < NUMBERS -> taken[own] = true
	:: else -> own = 0
	fi
}

inline write(s)
{
	atomic {
		number[s] = own;
		by[s] = boot;
		armed[s] = runs != 0
	}
}

inline count_claims()
{
	claims = (number[0] == own && by[0] == boot) +
		 (number[1] == own && by[1] == boot) +
		 (number[2] == own && by[2] == boot)
}

active proctype host()
{
	byte i, highest, looked, own, claims;

	do
	:: boot < BOOTS ->
		atomic {
			boot++;
			look_back();
			if
			:: looked >= READ -> take_number()
			:: else -> own = 0
			fi;
			highest = 0; looked = 0; i = 0
		}
		do
		:: own == 0 -> break
		:: own != 0 -> write(0)
		:: own != 0 -> write(1)
		:: own != 0 -> write(2)
		:: own != 0 -> atomic {
			count_claims();
			if
			:: runs == 0 && claims >= WRITTEN -> runs = own
			:: else
			fi;
			claims = 0
		   }
		:: atomic { runs = 0; own = 0 } -> break /* power off */
		od
	:: else -> break
	od
}

#ifdef OFF_FLUSHED
#define COUNTS(i) (seen[i] != 0)
#else
#define SAME(i) ((seen[0] == seen[i]) + (seen[1] == seen[i]) + \
		 (seen[2] == seen[i]))
#define COUNTS(i) (seen[i] != 0 && (seen_armed[i] || SAME(i) >= WRITTEN))
#endif
#define REPLACES(i) (COUNTS(i) && seen[i] > runs)
#define MIXES(i) (COUNTS(i) && seen[i] == runs && seen_by[i] != boot)

active proctype reader()
{
	do
	:: atomic { seen[0] = number[0]; seen_by[0] = by[0];
		    seen_armed[0] = armed[0] }
	:: atomic { seen[1] = number[1]; seen_by[1] = by[1];
		    seen_armed[1] = armed[1] }
	:: atomic { seen[2] = number[2]; seen_by[2] = by[2];
		    seen_armed[2] = armed[2] }
	od
}

#define IS_WRONG (runs != 0 && (REPLACES(0) || REPLACES(1) || REPLACES(2) || \
				MIXES(0) || MIXES(1) || MIXES(2)))
#define IS_SEEN (runs != 0 && boot == BOOTS && COUNTS(0) && seen[0] == runs)

active proctype monitor()
{
#ifdef REACH
	atomic { IS_SEEN -> assert(false) } /* the last boot is seen to live */
#else
	atomic { IS_WRONG -> assert(false) }
#endif
}
