/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands' questions, for the files that judge admission. */
#ifndef FAULT_DOMAIN_ADMIT_DOOR_H
#define FAULT_DOMAIN_ADMIT_DOOR_H

#include "FaultDomain/admit_judge.h"

struct fdm_door {
	struct ha_door_ask ask;
	bool is_foreign; /* of another version: refused */
	char node[HA_HOST_NAME];
	struct ha_gate_asked asked;
	struct ha_gate_duty duty;
	bool is_shown;           /* in the newest CIB */
	bool was_away;           /* its host, since the question was seen */
	char text[HA_DOOR_TEXT]; /* of a no */
};

/* What is being written of one host. */
struct fdm_door_attrs {
	struct fdm_attr ask, answer;
};

/* ---- admit_answer.c ------------------------------------------------------- */

/* What the newest CIB shows of that host; "": nothing. */
const char *fdm_door_shown(const struct fdm_node *node, const char *name);
/* Answers; by the master, while it may write. */
void fdm_doors_tick(struct fdm *fdm, uint64_t now_ms);

/* ---- admit_door.c --------------------------------------------------------- */

/* A new term: what stands may have been answered by the last master. */
void fdm_doors_begin(struct fdm_doors *doors, uint64_t now_ms);
/* What the newest CIB asks, and how long it has. */
void fdm_doors_look(struct fdm *fdm, const struct fdm_stock *stock,
		    uint64_t now_ms);
/* Mixed into the key: another question, another cluster. */
uint64_t fdm_doors_key(const struct fdm_doors *doors, uint64_t key);
/* As if it were done; again after each change of j's hosts and VMs. True: there
 * is something. */
bool fdm_doors_count(struct fdm_judging *j);
/* One question. False: it had one, and the next look begins anew. */
bool fdm_doors_judge(struct fdm_judging *j);

#endif
