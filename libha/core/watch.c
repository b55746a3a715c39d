/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is another host dead? Keeps what reads have shown of one host and judges
 * it by SAFETY 1.3 to 1.5. Called by the heartbeat daemon after each read
 * and for each question about a host. Must never call a host gone whose
 * watchdog may still be petted.
 *
 * Why silence is death. Let r datastores show the same bytes in reads from
 * first[i] (completion) to last[i] (submission), f the latest first, t the
 * earliest last, t - f >= T. Were the host alive at t, its watchdog was
 * petted after t - W, on evidence stamped s > t - W - B >= f + D. One of the
 * w datastores of that evidence is among these r: its write was submitted at
 * s or later, hence after first[i], and was completed before the pet, hence
 * before last[i]. So the last read would have shown other bytes. It is the
 * *common* span that carries this: with spans that lie apart the host may
 * have written the one datastore while the other was watched.
 */
#include "ha/watch.h"

#include <stddef.h>
#include <string.h>

void
ha_watch_init(struct ha_watch *watch, uint32_t stores)
{
	memset(watch, 0, sizeof(*watch));
	watch->stores = stores < HA_STORES_MAX ? stores : HA_STORES_MAX;
}

static bool
is_same(const struct ha_glimpse *a, const struct ha_glimpse *b)
{
	if (a->kind != b->kind) {
		return false;
	}
	switch (a->kind) {
	case HA_GLIMPSE_BEAT:
		return a->incarnation == b->incarnation &&
		       a->sequence == b->sequence;
	case HA_GLIMPSE_DAMAGED:
		return a->fingerprint == b->fingerprint;
	case HA_GLIMPSE_UNCLAIMED:
		return true;
	case HA_GLIMPSE_FOREIGN:
		break;
	}
	return false;
}

void
ha_watch_read(struct ha_watch *watch, uint32_t store,
	      const struct ha_glimpse *glimpse, uint64_t submitted_ms,
	      uint64_t completed_ms)
{
	struct ha_sighting *at;

	if (store >= watch->stores) {
		return;
	}
	at = &watch->at[store];
	if (glimpse->kind == HA_GLIMPSE_FOREIGN) {
		memset(at, 0, sizeof(*at));
		return;
	}
	if (at->is_seen && is_same(&at->what, glimpse)) {
		if (submitted_ms > at->last_ms) {
			at->last_ms = submitted_ms;
		}
	} else {
		at->is_seen = true;
		at->what = *glimpse;
		/* SAFETY 1.3: from the completion, the latest moment at which
		 * the bytes can have been picked up. */
		at->first_ms = completed_ms > submitted_ms ? completed_ms :
							     submitted_ms;
		at->last_ms = submitted_ms;
	}
	if (glimpse->kind == HA_GLIMPSE_BEAT) {
		watch->beats[store] = *at;
	} else if (glimpse->kind == HA_GLIMPSE_UNCLAIMED) {
		memset(&watch->beats[store], 0, sizeof(watch->beats[store]));
	}
}

void
ha_watch_forget(struct ha_watch *watch, uint32_t store)
{
	if (store < watch->stores) {
		memset(&watch->at[store], 0, sizeof(watch->at[store]));
		memset(&watch->beats[store], 0, sizeof(watch->beats[store]));
	}
}

static bool
is_newer(const struct ha_glimpse *a, const struct ha_glimpse *b)
{
	return a->incarnation != b->incarnation ?
		       a->incarnation > b->incarnation :
		       a->sequence > b->sequence;
}

/* SAFETY 1.4: a claim counts when it is flushed. Any number on w datastores was
 * found by every later boot. */
bool
ha_watch_counts(const struct ha_watch *watch, const struct ha_glimpse *glimpse)
{
	uint32_t count = 0;

	/* Whoever has VMs on its list was armed as this incarnation, or has
	 * taken it over from the daemon before. */
	if (glimpse->is_armed || glimpse->is_disarmed ||
	    glimpse->is_standing_down || glimpse->list_count > 0) {
		return true;
	}
	for (uint32_t i = 0; i < watch->stores; i++) {
		count += watch->beats[i].is_seen &&
			 watch->beats[i].what.incarnation ==
				 glimpse->incarnation;
	}
	return count >= ha_stores_write(watch->stores);
}

bool
ha_watch_tells(const struct ha_watch *watch, uint32_t store)
{
	return store < watch->stores && watch->at[store].is_seen &&
	       watch->at[store].what.kind == HA_GLIMPSE_BEAT &&
	       ha_watch_counts(watch, &watch->at[store].what);
}

/* SAFETY 14: by (incarnation, sequence); of equals the one seen first. */
const struct ha_sighting *
ha_watch_newest(const struct ha_watch *watch, uint32_t *ret_store)
{
	const struct ha_sighting *best = NULL;

	for (uint32_t i = 0; i < watch->stores; i++) {
		const struct ha_sighting *beat = &watch->beats[i];

		if (!beat->is_seen || !ha_watch_counts(watch, &beat->what)) {
			continue;
		}
		if (!best || is_newer(&beat->what, &best->what) ||
		    (!is_newer(&best->what, &beat->what) &&
		     beat->first_ms < best->first_ms)) {
			best = beat;
			if (ret_store) {
				*ret_store = i;
			}
		}
	}
	return best;
}

/* Does this datastore say anything about the host? Damage does only after a
 * valid beat: without one nobody knows what the damaged beat followed. */
static bool
is_telling(const struct ha_watch *watch, uint32_t store)
{
	const struct ha_sighting *at = &watch->at[store];

	return at->is_seen && (at->what.kind != HA_GLIMPSE_DAMAGED ||
			       watch->beats[store].is_seen);
}

static uint32_t
count_telling(const struct ha_watch *watch)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < watch->stores; i++) {
		count += is_telling(watch, i);
	}
	return count;
}

/* Datastores silent over the one span of T that ends at t_ms. */
static uint32_t
count_silent(const struct ha_watch *watch, uint64_t silence_ms, uint64_t t_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < watch->stores; i++) {
		const struct ha_sighting *at = &watch->at[i];

		count += is_telling(watch, i) && at->last_ms >= t_ms &&
			 at->first_ms + silence_ms <= t_ms;
	}
	return count;
}

/* SAFETY 1.3, see the top. Besides, the newest beat must be T old: nothing
 * that was seen to move less than T ago is silent. Fills silent, until_ms. */
static bool
is_silent(const struct ha_watch *watch, uint64_t silence_ms,
	  const struct ha_sighting *newest, struct ha_watch_verdict *verdict)
{
	uint64_t until_ms = 0;

	for (uint32_t i = 0; i < watch->stores; i++) {
		uint64_t t_ms = watch->at[i].last_ms;
		uint32_t silent = count_silent(watch, silence_ms, t_ms);

		if (silent > verdict->silent) {
			verdict->silent = silent;
		}
		if (silent >= verdict->needed && t_ms > until_ms &&
		    newest->first_ms + silence_ms <= t_ms) {
			until_ms = t_ms;
		}
	}
	verdict->until_ms = until_ms;
	return until_ms != 0;
}

/* The end of the earliest span that could prove silence: from the r-th of the
 * sightings on that were read at until_ms or later, and from the newest beat. */
static uint64_t
due_ms(const struct ha_watch *watch, uint64_t silence_ms,
       const struct ha_sighting *newest, uint32_t needed, uint64_t until_ms)
{
	uint64_t from_ms = UINT64_MAX;

	for (uint32_t i = 0; i < watch->stores; i++) {
		uint64_t first_ms = watch->at[i].first_ms;
		uint32_t earlier = 0;

		if (!is_telling(watch, i) || first_ms >= from_ms ||
		    watch->at[i].last_ms < until_ms) {
			continue;
		}
		for (uint32_t j = 0; j < watch->stores; j++) {
			earlier += is_telling(watch, j) &&
				   watch->at[j].last_ms >= until_ms &&
				   watch->at[j].first_ms <= first_ms;
		}
		if (earlier >= needed) {
			from_ms = first_ms;
		}
	}
	if (from_ms < newest->first_ms) {
		from_ms = newest->first_ms;
	}
	return from_ms + silence_ms;
}

/* Has a clean stop of this incarnation been seen on w datastores, and nothing
 * after it? A block that is damaged now was written after the beat that is
 * remembered of its datastore, perhaps by a later incarnation that serves:
 * then only silence tells. */
static bool
is_stop_flushed(const struct ha_watch *watch, uint64_t incarnation)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < watch->stores; i++) {
		const struct ha_glimpse *what = &watch->beats[i].what;

		if (watch->at[i].is_seen &&
		    watch->at[i].what.kind == HA_GLIMPSE_DAMAGED) {
			return false;
		}
		count += watch->beats[i].is_seen && what->is_disarmed &&
			 what->list_count == 0 &&
			 what->incarnation == incarnation;
	}
	return count >= ha_stores_write(watch->stores);
}

/* What the newest beat of r datastores means. */
static enum ha_proof
judge_beat(const struct ha_watch *watch, const struct ha_glimpse *newest,
	   bool silent)
{
	if (newest->is_standing_down) {
		return HA_PROOF_STANDING_DOWN;
	}
	if (newest->is_disarmed) {
		/* SAFETY 1.5. */
		if (newest->list_count != 0) {
			return HA_PROOF_UNGUARDED;
		}
		if (is_stop_flushed(watch, newest->incarnation)) {
			return HA_PROOF_STOPPED;
		}
		/* On fewer than w: still armed, then its silence counts like
		 * any other's; or disarmed, then it has no VM. */
		return silent ? HA_PROOF_SILENT : HA_PROOF_ALIVE;
	}
	if (!silent) {
		return HA_PROOF_ALIVE;
	}
	if (newest->is_armed) {
		return HA_PROOF_SILENT; /* SAFETY 1.3 */
	}
	/* Claimed and never armed: it never was allowed to start a VM, unless
	 * its list says that it brought some along. */
	return newest->list_count == 0 ? HA_PROOF_STOPPED : HA_PROOF_UNGUARDED;
}

/* Nothing but claims that were never flushed: has whoever left them been quiet
 * for T on r datastores at once? Armed meanwhile, it would have beaten on one of
 * those (SAFETY 1.3). */
static bool
is_given_up(const struct ha_watch *watch, uint64_t silence_ms, uint32_t needed)
{
	uint64_t moved_ms = 0;

	for (uint32_t i = 0; i < watch->stores; i++) {
		if (watch->beats[i].is_seen &&
		    watch->beats[i].first_ms > moved_ms) {
			moved_ms = watch->beats[i].first_ms;
		}
	}
	for (uint32_t i = 0; i < watch->stores; i++) {
		uint64_t t_ms = watch->at[i].last_ms;

		if (moved_ms + silence_ms <= t_ms &&
		    count_silent(watch, silence_ms, t_ms) >= needed) {
			return true;
		}
	}
	return false;
}

static enum ha_proof
judge_unseen(const struct ha_watch *watch, uint64_t silence_ms, uint32_t needed,
	     uint64_t about)
{
	uint32_t unclaimed = 0;

	for (uint32_t i = 0; i < watch->stores; i++) {
		if (watch->at[i].is_seen &&
		    watch->at[i].what.kind == HA_GLIMPSE_DAMAGED) {
			/* Somebody has written here: its first beat, caught
			 * half way, would look like this. */
			return HA_PROOF_UNKNOWN;
		}
		unclaimed += watch->at[i].is_seen &&
			     watch->at[i].what.kind == HA_GLIMPSE_UNCLAIMED;
	}
	/* SAFETY 1.5; somebody who knows an incarnation knows better. */
	return about == 0 && (unclaimed >= needed ||
			      is_given_up(watch, silence_ms, needed)) ?
		       HA_PROOF_NEVER :
		       HA_PROOF_UNKNOWN;
}

struct ha_watch_verdict
ha_watch_judge(const struct ha_watch *watch, const struct ha_timing *timing,
	       uint64_t about)
{
	uint64_t silence_ms = ha_timing_silence_ms(timing);
	const struct ha_sighting *newest = ha_watch_newest(watch, NULL);
	struct ha_watch_verdict verdict = {
		.proof = HA_PROOF_UNKNOWN,
		.needed = ha_stores_read(watch->stores),
	};
	bool silent;

	if (newest) {
		verdict.incarnation = newest->what.incarnation;
	}
	/* SAFETY 1.4: one datastore is enough, a lower number proves nothing. */
	if (about != 0 && verdict.incarnation > about) {
		verdict.proof = HA_PROOF_REPLACED;
		return verdict;
	}
	if (verdict.needed == 0 || count_telling(watch) < verdict.needed) {
		return verdict;
	}
	if (!newest) {
		verdict.proof =
			judge_unseen(watch, silence_ms, verdict.needed, about);
		return verdict;
	}
	/* These datastores lag behind what is known otherwise. */
	if (about > verdict.incarnation) {
		return verdict;
	}
	silent = is_silent(watch, silence_ms, newest, &verdict);
	verdict.proof = judge_beat(watch, &newest->what, silent);
	if (verdict.proof != HA_PROOF_SILENT) {
		verdict.until_ms = 0;
	} else {
		verdict.proven_ms = due_ms(watch, silence_ms, newest,
					   verdict.needed, verdict.until_ms);
	}
	if (verdict.proof == HA_PROOF_SILENT ||
	    verdict.proof == HA_PROOF_ALIVE) {
		verdict.since_ms = newest->first_ms;
	}
	if (verdict.proof == HA_PROOF_ALIVE) {
		verdict.due_ms =
			due_ms(watch, silence_ms, newest, verdict.needed, 0);
	}
	return verdict;
}

/* Somebody writes there, or did until less than T ago. */
static bool
is_damage_moving(const struct ha_watch *watch, uint64_t silence_ms)
{
	for (uint32_t i = 0; i < watch->stores; i++) {
		const struct ha_sighting *at = &watch->at[i];

		if (at->is_seen && at->what.kind == HA_GLIMPSE_DAMAGED &&
		    at->last_ms < at->first_ms + silence_ms) {
			return true;
		}
	}
	return false;
}

void
ha_watch_confirm(const struct ha_watch *watch, const struct ha_timing *timing,
		 uint64_t incarnation, uint64_t sequence,
		 struct ha_watch_verdict *verdict)
{
	const struct ha_sighting *newest = ha_watch_newest(watch, NULL);

	/* The word is needed against silence, too: the ring may not know. */
	if (incarnation == 0 || verdict->incarnation != incarnation ||
	    (ha_proof_is_gone(verdict->proof) &&
	     verdict->proof != HA_PROOF_SILENT)) {
		return;
	}
	if (!newest || newest->what.sequence > sequence ||
	    is_damage_moving(watch, ha_timing_silence_ms(timing))) {
		return;
	}
	verdict->proof = HA_PROOF_CONFIRMED;
	verdict->due_ms = 0;
	verdict->until_ms = 0;
	verdict->proven_ms = 0;
}

bool
ha_proof_is_gone(enum ha_proof proof)
{
	switch (proof) {
	case HA_PROOF_SILENT:
	case HA_PROOF_REPLACED:
	case HA_PROOF_STOPPED:
	case HA_PROOF_NEVER:
	case HA_PROOF_CONFIRMED:
		return true;
	case HA_PROOF_UNKNOWN:
	case HA_PROOF_ALIVE:
	case HA_PROOF_STANDING_DOWN:
	case HA_PROOF_UNGUARDED:
	case HA_PROOF_N:
		break;
	}
	return false;
}

const char *
ha_proof_name(enum ha_proof proof)
{
	static const char *const NAMES[HA_PROOF_N] = {
		[HA_PROOF_UNKNOWN] = "unknown",
		[HA_PROOF_ALIVE] = "alive",
		[HA_PROOF_SILENT] = "silent",
		[HA_PROOF_REPLACED] = "replaced",
		[HA_PROOF_STOPPED] = "stopped",
		[HA_PROOF_NEVER] = "never",
		[HA_PROOF_CONFIRMED] = "confirmed",
		[HA_PROOF_STANDING_DOWN] = "standing-down",
		[HA_PROOF_UNGUARDED] = "unguarded",
	};

	return (unsigned int)proof < HA_PROOF_N ? NAMES[proof] : "invalid";
}

bool
ha_watch_fresh(const uint64_t *submitted_ms, uint32_t stores, uint64_t since_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < stores; i++) {
		count += submitted_ms[i] != 0 && submitted_ms[i] >= since_ms;
	}
	return stores != 0 && count >= ha_stores_read(stores);
}
