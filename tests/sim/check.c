/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The invariants. Only this file reads what is true:
 *   1. no incarnation is called gone while it can run anything;
 *   2. a host that nothing was done to is not reset;
 *   3. an incarnation that stood on w datastores is never used again;
 *   4. a list that a reader gets is one that the host wrote, and not older
 *      than what was flushed before the reads that chose it;
 *   5. in the quiet tail a host without power is found dead in time.
 */
#include <stdarg.h>
#include <stdio.h>

#include "sim.h"

void
check_fail(struct world *w, const char *fmt, ...)
{
	va_list args;

	if (w->failure.is_set) {
		return;
	}
	w->failure.is_set = true;
	va_start(args, fmt);
	vsnprintf(w->failure.text, sizeof(w->failure.text), fmt, args);
	va_end(args);
}

/* The oldest of the newest reads on r datastores looked at this time. */
static uint64_t
looked_us(const struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;
	uint64_t at[SIM_STORES] = { 0 };
	uint32_t s;
	uint32_t i;

	for (s = 0; s < w->stores; s++) {
		uint64_t sampled_us = d->store[s].read_sampled_us;

		for (i = s; i && at[i - 1] < sampled_us; i--) {
			at[i] = at[i - 1];
		}
		at[i] = sampled_us;
	}
	return at[w->r - 1];
}

void
check_dead(struct world *w, uint32_t host, uint32_t about, uint32_t incarnation,
	   enum ha_proof proof, const char *how)
{
	const struct truth *truth = &w->truth[about];

	if (proof == HA_PROOF_STOPPED || proof == HA_PROOF_NEVER) {
		/* True when it was read: a later start reads lists first. */
		if (truth->runs && truth->runs_us < looked_us(w, host)) {
			check_fail(w,
				   "h%u: %s: h%u is out of the way (%s), but "
				   "it serves as incarnation %u since %llu us",
				   host, how, about, ha_proof_name(proof),
				   truth->runs,
				   (unsigned long long)truth->runs_us);
		}
		return;
	}
	if (incarnation &&
	    (truth->guarded == incarnation || truth->runs == incarnation)) {
		check_fail(w,
			   "h%u: %s: incarnation %u of h%u is gone (%s), but "
			   "that host lives and can run virtual machines%s",
			   host, how, incarnation, about, ha_proof_name(proof),
			   truth->guarded == incarnation ?
				   ", its watchdog still counts" :
				   ", guarded by nothing");
	}
}

void
check_reset(struct world *w, uint32_t host, const char *why)
{
	const struct truth *truth = &w->truth[host];
	uint32_t bad = (uint32_t)__builtin_popcount(truth->bad_stores);

	if (!truth->is_disturbed && bad + w->w <= w->stores) {
		check_fail(w,
			   "h%u is reset (%s) though nothing was done to it "
			   "(bad datastores: 0x%x of %u)",
			   host, why, truth->bad_stores, w->stores);
	}
}

void
check_claim(struct world *w, uint32_t host)
{
	struct truth *truth = &w->truth[host];
	const struct daemon *d = &w->host[host].d;

	if (d->incarnation < truth->highest ||
	    (d->incarnation == truth->highest && !d->is_kept)) {
		check_fail(w,
			   "h%u claims incarnation %u, and has been %u before",
			   host, d->incarnation, truth->highest);
	}
	truth->highest = d->incarnation;
}

static uint32_t
copied_generation(const struct world *w, uint32_t host)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t best = 0;
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		uint32_t mine = d->store[s].list_generation;
		uint32_t count = 0;
		uint32_t i;

		for (i = 0; i < w->stores; i++) {
			count += d->store[i].list_generation >= mine;
		}
		if (count >= w->w && mine > best) {
			best = mine;
		}
	}
	return best;
}

/* What the daemon now takes for flushed: an agent may go on. */
void
check_flush(struct world *w, uint32_t host)
{
	struct truth *truth = &w->truth[host];
	const struct daemon *d = &w->host[host].d;
	uint32_t generation =
		world_is_off(w, RULE_FLUSH) ?
			copied_generation(w, host) :
			(uint32_t)ha_evidence_generation(&d->evidence);
	const struct flush *last =
		&truth->flushes[(truth->flush_count - 1) % SIM_FLUSHES];

	if (d->phase < PHASE_ARMED ||
	    (truth->flush_count && last->incarnation == d->incarnation &&
	     last->generation >= generation)) {
		return;
	}
	truth->flushes[truth->flush_count++ % SIM_FLUSHES] = (struct flush){
		.at_us = w->now_us,
		.incarnation = d->incarnation,
		.generation = generation,
	};
	STORY(w, host, "list generation %u is flushed", generation);
}

static bool
is_older(const struct list_copy *list, const struct flush *flush)
{
	return list->incarnation != flush->incarnation ?
		       list->incarnation < flush->incarnation :
		       list->generation < flush->generation;
}

void
check_list(struct world *w, uint32_t host, uint32_t about,
	   const struct list_copy *list, uint64_t since_us)
{
	const struct truth *truth = &w->truth[about];
	uint32_t first = truth->flush_count > SIM_FLUSHES ?
				 truth->flush_count - SIM_FLUSHES :
				 0;
	uint32_t i;

	for (i = truth->flush_count; i > first; i--) {
		const struct flush *flush =
			&truth->flushes[(i - 1) % SIM_FLUSHES];

		if (flush->at_us > since_us) {
			continue;
		}
		if (is_older(list, flush)) {
			check_fail(w,
				   "h%u takes list %u of incarnation %u for "
				   "that of h%u, which had flushed list %u of "
				   "incarnation %u before the read",
				   host, list->generation, list->incarnation,
				   about, flush->generation,
				   flush->incarnation);
		}
		return;
	}
}

/* Could this host have been asked to prove it all the time? */
static bool
is_fit(const struct world *w, uint32_t host)
{
	const struct host *h = &w->host[host];

	return h->is_on && h->d.phase == PHASE_ARMED && h->d.ring.is_quorate &&
	       w->truth[host].runs_us < w->truth[host].fit_us;
}

/* A member without a daemon answers nobody, and its vote may decide whether
 * the rest could have vouched for the one that is lost. */
static bool
has_answers(const struct world *w, uint32_t host)
{
	uint32_t votes = w->votes[host];
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		if (i != host && (w->host[host].d.members & 1u << i) &&
		    w->host[i].d.phase >= PHASE_ARMED) {
			votes += w->votes[i];
		}
	}
	return w->total_votes - votes < w->total_votes / 2 + 1;
}

void
check_alive_end(struct world *w, uint32_t host)
{
	const struct truth *truth = &w->truth[host];
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		struct ha_watch_verdict v;
		enum ha_ring_silence silence;
		uint64_t due_ms;

		/* Who was never met stays unknown where a lone host could
		 * live on (SAFETY 1.7). */
		if (i == host || !is_fit(w, i) || !has_answers(w, i) ||
		    !w->host[i].d.ring.peers[host].incarnation) {
			continue;
		}
		v = observe_judge(w, i, host, truth->off_incarnation);
		silence = ring_silence(w, i, host, &due_ms);
		if (!ha_fencing_is_gone(&v, silence, due_ms)) {
			check_fail(w,
				   "h%u lost its power at %llu ms and is not "
				   "found dead by h%u: storage says %s",
				   host,
				   (unsigned long long)(truth->off_us / 1000),
				   i, ha_proof_name(v.proof));
		}
		w->verdicts++;
	}
}
