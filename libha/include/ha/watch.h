/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is another host dead? The reader's half of SAFETY section 1: what the
 * datastores showed of a host, when the reads that showed it were submitted
 * and completed, and what that proves. Pure; times are the reader's own
 * CLOCK_BOOTTIME in milliseconds and never compared with another host's.
 */
#ifndef HA_WATCH_H
#define HA_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/hostset.h"
#include "ha/timing.h"

/* What a read found in the host's beat block. */
enum ha_glimpse_kind {
	HA_GLIMPSE_BEAT,      /* a valid beat of this cluster and this slot */
	HA_GLIMPSE_UNCLAIMED, /* valid, incarnation 0: formatted, never used */
	HA_GLIMPSE_DAMAGED,   /* torn or rotten: bytes without a valid CRC */
	HA_GLIMPSE_FOREIGN,   /* blank, other cluster, other slot, newer
			       * version: proves nothing at all */
};

struct ha_glimpse {
	enum ha_glimpse_kind kind;
	uint64_t incarnation;
	uint64_t sequence;
	uint64_t fingerprint;  /* of the raw bytes; what identifies a damaged
			       * block: unchanged bytes were not written */
	bool is_armed;         /* the beat says: watchdog armed */
	bool is_disarmed;      /* clean stop: "disarmed" */
	bool is_standing_down; /* planned work: `vmha disarm` */
	uint32_t list_count;   /* entries of the host's VM list */
	uint64_t list_generation;
};

/* What one datastore has shown of the host. */
struct ha_sighting {
	bool is_seen;
	struct ha_glimpse what;
	uint64_t first_ms; /* completion of the read that first showed it */
	uint64_t last_ms;  /* submission of the newest read that showed it */
};

struct ha_watch {
	uint32_t stores;
	struct ha_sighting at[HA_STORES_MAX];
	/* The last valid beat of each datastore: the same as at[] until a
	 * damaged or foreign block took its place. */
	struct ha_sighting beats[HA_STORES_MAX];
};

void ha_watch_init(struct ha_watch *watch, uint32_t stores);

/* A completed read. Reads of one store come in order of submission; one that
 * failed is not reported: it proves nothing (SAFETY 1.3). */
void ha_watch_read(struct ha_watch *watch, uint32_t store,
		   const struct ha_glimpse *glimpse, uint64_t submitted_ms,
		   uint64_t completed_ms);

/* Datastore `store` was replaced or re-opened: forget what it showed. */
void ha_watch_forget(struct ha_watch *watch, uint32_t store);

/* Does a beat that was read say anything of the host's life? One that only
 * claims its incarnation (neither armed, stopped nor standing down, and no VM
 * on its list) does once that incarnation was seen on w datastores. Until then
 * it may be what a boot left that never came so far: the next one, which did
 * not find it on its r, may take a lower one, and lives (SAFETY 1.4). */
bool ha_watch_counts(const struct ha_watch *watch,
		     const struct ha_glimpse *glimpse);

/* Does that datastore show a beat by which the host's newest may be chosen
 * (SAFETY 14)? A claim that does not count hides the beat that it has replaced,
 * which may have been the newest of all. */
bool ha_watch_tells(const struct ha_watch *watch, uint32_t store);

/* The incarnation that a boot takes, by what the datastores show of its own
 * slot: one more than the highest. Where one was not read, or is damaged, a
 * claim may stand that nobody finds, and a number taken twice would mix up
 * lists, holds and orders: then it goes on by `dice` (random, of 32 bits).
 * Fewer than r valid ones may be behind what was flushed: then by far more. */
uint64_t ha_incarnation_next(const struct ha_watch *watch, uint32_t dice);

/* The term that a new master takes (SAFETY 19): one more than the highest known.
 * Where a host's beats can't be told (fewer than r, by ha_watch_is_told(): torn
 * when it died), they may have told a later one, and no two masters have one
 * term: then it goes on by `dice` (random). */
uint64_t ha_term_next(uint64_t highest, bool is_all_told, uint32_t dice);
bool ha_watch_is_told(const struct ha_watch *watch);

/* The newest beat that counts of all datastores, by (incarnation, sequence);
 * NULL when there is none (SAFETY 14). ret_store may be NULL. */
const struct ha_sighting *ha_watch_newest(const struct ha_watch *watch,
					  uint32_t *ret_store);

enum ha_proof {
	HA_PROOF_UNKNOWN,   /* fewer than r datastores say anything */
	HA_PROOF_ALIVE,     /* a beat moved less than T ago, or T is not over */
	HA_PROOF_SILENT,    /* dead by SAFETY 1.3 as far as storage can tell */
	HA_PROOF_REPLACED,  /* dead by SAFETY 1.4: a higher incarnation than
			    * the one asked about was read */
	HA_PROOF_STOPPED,   /* out of the way by 1.5: clean stop, list empty */
	HA_PROOF_NEVER,     /* out of the way by 1.5: never claimed its slot, or
			    * left claims that don't count and is silent */
	HA_PROOF_CONFIRMED, /* dead by an administrator's word, and not seen to
			     * beat since */
	HA_PROOF_STANDING_DOWN, /* `vmha disarm`: nothing can be proven */
	HA_PROOF_UNGUARDED,     /* disarmed with entries in its list, or beats
			     * without an armed watchdog: unknown for ever */
	HA_PROOF_N
};
const char *ha_proof_name(enum ha_proof proof);

struct ha_watch_verdict {
	enum ha_proof proof;
	uint64_t incarnation; /* highest that counts; 0: none */
	uint64_t since_ms;  /* ALIVE, SILENT: completion of the read that first
			    * showed the newest beat */
	uint64_t due_ms;    /* ALIVE: a read submitted from here on that shows
			    * nothing new would prove silence; else 0 */
	uint64_t until_ms;  /* SILENT: submission of the reads up to which the
			    * silence is proven, on r datastores at once. The
			    * ring's due time is compared with this, not with
			    * the clock: a host may come back to life on
			    * storage after the last read. Else 0 */
	uint64_t proven_ms; /* SILENT: from here to until_ms it was dead, as
			     * far as storage can tell; T before, it may have
			     * lived. What else kept it alive is of interest up
			     * to here, so that must have been asked later. Else
			     * 0; not on the wire */
	uint32_t silent;    /* datastores on which silence is proven over one
			    * and the same span */
	uint32_t needed;    /* r */
};

/* What is proven about the incarnation `about` (0: the newest one known).
 * `reads since` matter, not the wall: judged from submissions alone, so no
 * clock is an argument. The silence of a host whose newest beat (of r
 * datastores) did not say "armed" proves nothing. A datastore that lags and
 * shows a lower incarnation or sequence is silent like any other but never
 * makes the newest beat older.
 * The spans of the r datastores must overlap by T (1 + rho): r that were
 * silent one after the other prove nothing.
 * A damaged block counts only on a datastore that has shown a valid beat
 * before it. A clean stop that has not been seen on w datastores is not
 * STOPPED but ALIVE or SILENT: the host may still be trying, and armed. */
struct ha_watch_verdict ha_watch_judge(const struct ha_watch *watch,
				       const struct ha_timing *timing,
				       uint64_t about);

/* An administrator said that `incarnation` is dead, its newest beat being
 * `sequence` (incarnation 0: nobody did). A verdict about that very incarnation
 * becomes CONFIRMED, unless it is gone by a proof that needs no word, a newer
 * beat was read, or a damaged block that may hide one has changed within T. */
void ha_watch_confirm(const struct ha_watch *watch,
		      const struct ha_timing *timing, uint64_t incarnation,
		      uint64_t sequence, struct ha_watch_verdict *verdict);

/* Does the list of `incarnation` no longer bind anybody: is that
 * incarnation proven dead, stopped clean, or replaced? */
bool ha_proof_is_gone(enum ha_proof proof);

/* True when at least r datastores were read completely by reads submitted
 * at or after since_ms; submitted_ms[i] is the submission of store i's
 * newest completed read, 0 for none. */
bool ha_watch_fresh(const uint64_t *submitted_ms, uint32_t stores,
		    uint64_t since_ms);

#endif
