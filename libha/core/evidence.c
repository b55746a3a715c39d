/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * May this host pet its watchdog? Keeps what its own beats have proven on
 * each datastore and says what stands on w of them (SAFETY 1.1), and what
 * buys a pet until when (1.2). Called by the store threads after each write
 * and by the pet thread. Must never call a write evidence that the others
 * may have seen only later than the stamp says.
 */
#include "ha/evidence.h"

#include <stddef.h>
#include <string.h>

void
ha_evidence_init(struct ha_evidence *evidence, uint32_t stores)
{
	memset(evidence, 0, sizeof(*evidence));
	evidence->stores = stores < HA_STORES_MAX ? stores : HA_STORES_MAX;
}

bool
ha_evidence_written(struct ha_evidence *evidence,
		    const struct ha_timing *timing, uint32_t store,
		    uint64_t submitted_ms, uint64_t completed_ms,
		    uint64_t incarnation, uint64_t generation)
{
	struct ha_evidence_store *at;

	if (store >= evidence->stores) {
		return false;
	}
	at = &evidence->at[store];
	if (incarnation != at->incarnation) {
		/* The block names nothing of the older incarnation now. */
		at->incarnation = incarnation;
		at->generation = generation;
	} else if (generation > at->generation) {
		at->generation = generation;
	}
	/* SAFETY 1.1: completed later than D after its submission, or before
	 * it (a clock that jumped): no evidence. */
	if (completed_ms < submitted_ms ||
	    completed_ms - submitted_ms > timing->tolerance_ms) {
		return false;
	}
	if (!at->is_written || submitted_ms > at->stamp_ms) {
		at->stamp_ms = submitted_ms;
	}
	at->is_written = true;
	return true;
}

/* The highest value that w of the datastores reach; `values` is sorted. */
static uint64_t
on_write_quorum(uint64_t *values, uint32_t stores)
{
	uint32_t w = ha_stores_write(stores);

	if (w == 0) {
		return 0;
	}
	for (uint32_t i = 1; i < stores; i++) {
		uint64_t value = values[i];
		uint32_t j = i;

		for (; j > 0 && values[j - 1] < value; j--) {
			values[j] = values[j - 1];
		}
		values[j] = value;
	}
	return values[w - 1];
}

bool
ha_evidence_stamp(const struct ha_evidence *evidence, uint64_t *ret_stamp_ms)
{
	uint64_t stamps[HA_STORES_MAX] = { 0 };
	uint32_t written = 0;

	for (uint32_t i = 0; i < evidence->stores; i++) {
		if (evidence->at[i].is_written) {
			stamps[i] = evidence->at[i].stamp_ms;
			written++;
		}
	}
	if (written == 0 || written < ha_stores_write(evidence->stores)) {
		return false;
	}
	*ret_stamp_ms = on_write_quorum(stamps, evidence->stores);
	return true;
}

/* SAFETY 14: a generation counts where the beat of the same, newest
 * incarnation names it. */
uint64_t
ha_evidence_generation(const struct ha_evidence *evidence)
{
	uint64_t generations[HA_STORES_MAX] = { 0 };
	uint64_t newest = 0;

	for (uint32_t i = 0; i < evidence->stores; i++) {
		if (evidence->at[i].incarnation > newest) {
			newest = evidence->at[i].incarnation;
		}
	}
	for (uint32_t i = 0; i < evidence->stores; i++) {
		if (evidence->at[i].incarnation == newest) {
			generations[i] = evidence->at[i].generation;
		}
	}
	return on_write_quorum(generations, evidence->stores);
}

/* SAFETY 1.4: the very number on w datastores, not w that reach it. */
uint64_t
ha_evidence_incarnation(const struct ha_evidence *evidence)
{
	uint64_t best = 0;

	for (uint32_t i = 0; i < evidence->stores; i++) {
		uint64_t mine = evidence->at[i].incarnation;
		uint32_t same = 0;

		for (uint32_t j = 0; j < evidence->stores; j++) {
			same += evidence->at[j].incarnation == mine;
		}
		if (same >= ha_stores_write(evidence->stores) && mine > best) {
			best = mine;
		}
	}
	return best;
}

const char *
ha_evidence_kind_name(enum ha_evidence_kind kind)
{
	static const char *const NAMES[HA_EVIDENCE_N] = {
		[HA_EVIDENCE_NONE] = "none",
		[HA_EVIDENCE_STORAGE] = "storage",
		[HA_EVIDENCE_RING] = "ring",
		[HA_EVIDENCE_LONE] = "lone",
	};

	return (unsigned int)kind < HA_EVIDENCE_N ? NAMES[kind] : "unknown";
}

static void
offer(struct ha_pet *best, enum ha_evidence_kind kind, bool has,
      uint64_t stamp_ms, uint32_t beat_ms, uint64_t now_ms)
{
	if (!has || stamp_ms > now_ms || now_ms - stamp_ms >= beat_ms) {
		return;
	}
	if (best->kind == HA_EVIDENCE_NONE || stamp_ms > best->stamp_ms) {
		best->kind = kind;
		best->stamp_ms = stamp_ms;
		/* SAFETY 1.2: no pet can happen at or after this moment. */
		best->kill_at_ms = stamp_ms + beat_ms;
	}
}

struct ha_pet
ha_pet_judge(const struct ha_pet_facts *facts, const struct ha_timing *timing,
	     uint64_t now_ms)
{
	struct ha_pet best = { HA_EVIDENCE_NONE, 0, 0 };

	offer(&best, HA_EVIDENCE_STORAGE, facts->has_storage, facts->storage_ms,
	      timing->beat_ms, now_ms);
	offer(&best, HA_EVIDENCE_RING, facts->has_ring, facts->ring_ms,
	      timing->beat_ms, now_ms);
	offer(&best, HA_EVIDENCE_LONE, facts->is_lone, facts->lone_ms,
	      timing->beat_ms, now_ms);
	return best;
}
