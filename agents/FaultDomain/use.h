/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the VMs of this host use, for performance_degradation (ha/use.h): looked
 * at by the thread of found_look.c, told as a node attribute (use.c), and
 * judged against what failures leave (use_judge.c). With 100, the default,
 * nothing of it is done. It warns, and must never refuse or move anything.
 */
#ifndef FAULT_DOMAIN_USE_H
#define FAULT_DOMAIN_USE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "FaultDomain/attr.h"
#include "ha/err.h"
#include "ha/use.h"

struct fdm;
struct fdm_look;

/* CPU, memory */
#define FDM_USE_KINDS 2

struct fdm_use {
	uint64_t seen_copy; /* of the CIB, whose parameter this is: */
	bool is_wanted;     /* performance_degradation is below 100 */
	/* the last look, to be compared with the next one */
	bool is_looking;
	uint64_t look_ms; /* the next one */
	struct ha_use_process *before;
	uint32_t n_before;
	uint64_t before_ms; /* 0: there was none */
	/* what the CIB is to say; "": not measured yet */
	struct ha_use told;
	char text[HA_USE_TEXT];
	struct fdm_attr attr;
	/* use_judge.c */
	uint64_t judge_ms;
	struct ha_use_alarm alarms[FDM_USE_KINDS];
	char warnings[FDM_USE_KINDS][HA_ERR_TEXT];
};

/* Looks when that is due, and keeps the node attribute. */
void fdm_use_tick(struct fdm *fdm, uint64_t now_ms);
/* What the thread has seen; takes it over. */
void fdm_use_looked(struct fdm *fdm, struct fdm_look *look);
/* Nobody measures any more: what was told is taken back. */
void fdm_use_end(struct fdm *fdm);

/* ---- use_judge.c --------------------------------------------------------- */

/* By the newest facts, which are there: is performance_degradation below 100?
 * Read once for each copy of the CIB. */
bool fdm_use_is_wanted(struct fdm *fdm);
/* Every host judges, so that a new master does not say again what the last one
 * has said; the master alone logs. */
void fdm_use_judge_tick(struct fdm *fdm, uint64_t now_ms);
/* The warnings that hold, sentences. */
json_t *fdm_use_warnings(const struct fdm *fdm);

#endif
