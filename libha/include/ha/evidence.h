/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * May this host pet its watchdog? The writer's half of SAFETY section 1.
 * Fed with what became of each beat, answers with the stamp of the evidence
 * and, before a pet, with the moment at which the kernel must kill the
 * daemon rather than let it pet (rule 2). Pure; all times are this host's
 * CLOCK_BOOTTIME in milliseconds.
 */
#ifndef HA_EVIDENCE_H
#define HA_EVIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/hostset.h"
#include "ha/timing.h"

/* What this host's own writes on one datastore have proven. */
struct ha_evidence_store {
	bool is_written;      /* a beat counted since init */
	uint64_t stamp_ms;    /* submission of the newest beat that counts */
	uint64_t generation;  /* highest list generation that such a beat, or
			       * a late one, named after its copy was on disk */
	uint64_t incarnation; /* the incarnation that the last completed beat
			       * carried */
};

struct ha_evidence {
	uint32_t stores; /* configured, 0 to HA_STORES_MAX */
	struct ha_evidence_store at[HA_STORES_MAX];
};

void ha_evidence_init(struct ha_evidence *evidence, uint32_t stores);

/* A beat on datastore `store` reached the disk (the write was flushed and
 * reported success). True when it is evidence: completed within D of its
 * submission (SAFETY 1.1). Generation and incarnation are on the disk
 * either way. Calls for one store come in order of submission. */
bool ha_evidence_written(struct ha_evidence *evidence,
			 const struct ha_timing *timing, uint32_t store,
			 uint64_t submitted_ms, uint64_t completed_ms,
			 uint64_t incarnation, uint64_t generation);

/* Stamp of the storage evidence: the submission of the oldest of the newest
 * counting beats on w datastores (SAFETY 1.1). False: fewer than w ever. */
bool ha_evidence_stamp(const struct ha_evidence *evidence,
		       uint64_t *ret_stamp_ms);

/* The list generation, and the incarnation, that stand on w datastores; 0
 * when none does (SAFETY 14 "flushed", 1.4 "flushed on w"). */
uint64_t ha_evidence_generation(const struct ha_evidence *evidence);
uint64_t ha_evidence_incarnation(const struct ha_evidence *evidence);

enum ha_evidence_kind {
	HA_EVIDENCE_NONE,
	HA_EVIDENCE_STORAGE,
	HA_EVIDENCE_RING, /* SAFETY 1.6 */
	HA_EVIDENCE_LONE, /* SAFETY 1.7 */
	HA_EVIDENCE_N
};
const char *ha_evidence_kind_name(enum ha_evidence_kind kind);

/* Everything that may buy a pet. */
struct ha_pet_facts {
	bool has_storage;
	uint64_t storage_ms; /* ha_evidence_stamp() */
	bool has_ring;
	uint64_t ring_ms; /* ha_ring_evidence() */
	bool is_lone;     /* ha_lone_allowed() right now: the stamp is
			   * lone_ms, when the facts for it were read */
	uint64_t lone_ms;
};

struct ha_pet {
	enum ha_evidence_kind kind; /* NONE: do not pet */
	uint64_t stamp_ms;
	uint64_t kill_at_ms; /* stamp + B: the SIGKILL timer is armed at this
			      * absolute time before the pet (SAFETY 1.2) */
};

/* The newest evidence younger than B, storage before ring before lone when
 * equal. Evidence from the future (stamp > now) is a broken clock and buys
 * nothing. */
struct ha_pet ha_pet_judge(const struct ha_pet_facts *facts,
			   const struct ha_timing *timing, uint64_t now_ms);

/* SAFETY 1.7: a lone quorate host may pet without storage only if every
 * other configured host is proven out of the way and wait_for_all is on. */
bool ha_lone_allowed(bool is_quorate, bool is_alone, bool wait_for_all,
		     const struct ha_hostset *configured,
		     const struct ha_hostset *out_of_the_way, uint32_t self);

#endif
