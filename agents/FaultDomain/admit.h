/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Admission control in force: which VMs may be switched on, judged by the
 * master alone, and told by all. admit_rows.c says what tickets say (every
 * vmha-fdmd), admit.c judges, admit_tell.c tells people. Must never keep back
 * a restart after a failure, nor take the ticket of what runs (SAFETY 21).
 */
#ifndef FAULT_DOMAIN_ADMIT_H
#define FAULT_DOMAIN_ADMIT_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "FaultDomain/facts.h"
#include "FaultDomain/protect.h"
#include "FaultDomain/attr.h"
#include "ha/area.h"
#include "ha/door.h"
#include "ha/err.h"
#include "ha/gate.h"

struct fdm;
struct fdm_row;

enum fdm_admit_word {
	FDM_ADMIT_NONE, /* not judged */
	FDM_ADMIT_ADMITTED,
	FDM_ADMIT_REFUSED,
	FDM_ADMIT_UNADMITTED, /* it runs, and was not admitted */
	FDM_ADMIT_RAISE_REFUSED,
};

/* The master's word on one VM. */
struct fdm_admission {
	enum fdm_admit_word word;
	char text[HA_ERR_TEXT]; /* of a no */
	char help[HA_ERR_TEXT];
	bool has_reserved; /* to stand in its ticket */
	struct ha_gate_reserved reserved;
	char host[HA_HOST_NAME]; /* where its admission has put it; "" */
	uint64_t judged;         /* of which cluster: fdm_admit.key */
};

enum fdm_admit_state {
	FDM_ADMIT_UNKNOWN,
	FDM_ADMIT_GREEN,
	FDM_ADMIT_RED,
	FDM_ADMIT_DISABLED,
};

/* admit_door.c: what commands ask before they change the cluster. */
struct fdm_doors {
	/* NULL before the first term of this daemon */
	GHashTable *table; /* nonce -> struct fdm_door */
	GHashTable *attrs; /* host -> struct fdm_door_attrs */
	/* Host in standby -> was admission control asked? One that has been
	 * there since before this term is taken for asked. */
	GHashTable *standby;
	uint64_t begin_ms; /* of this term */
	bool is_begun;     /* one look was taken in it */
};

struct fdm_admit {
	GHashTable *table; /* resource -> struct fdm_admission */
	/* Of what is being judged: the same key, the same answers. */
	uint64_t key;
	bool is_judged; /* the cluster as it stands was */
	bool is_done;   /* all of it was */
	/* Nobody is judged in a new term before a copy of the CIB that is no
	 * older: the last master's words are in it. */
	uint64_t term, min_copy;
	struct fdm_doors doors;
	/* Where what is to be restarted will be, of the question of this key. */
	uint64_t placed;
	GArray *places; /* of struct ha_plan_move; NULL: not yet */
	enum fdm_admit_state state;
	char why[HA_ERR_TEXT]; /* red, or unknown */
	char help[HA_ERR_TEXT];
	/* Told already; of the same cluster by the last master, too. */
	bool is_recalled, was_red;
	struct fdm_attr attr;
	char shown[HA_ERR_TEXT]; /* in crm_mon; "": nothing */
};

struct fdm_admit *fdm_admit_new(void);
void fdm_admit_free(struct fdm_admit *admit); /* NULL is fine */

/* ---- admit_rows.c --------------------------------------------------------- */

/* By its ticket and the protected list: it is to be admitted before it starts
 * anywhere. */
bool fdm_admit_needs(const struct fdm_protect *protect,
		     const struct fdm_vm *vm);
/* Nothing binds it, it runs nowhere, and it is to be admitted. */
bool fdm_admit_is_candidate(const struct fdm *fdm, const struct fdm_row *row);
/* What is known of admission, into rows of these very facts: after protection,
 * before order and retries. Judges nothing. */
void fdm_admit_rows(struct fdm *fdm, GArray *rows);
const struct fdm_admission *fdm_admit_find(const struct fdm *fdm,
					   const char *resource);

/* ---- admit.c ---------------------------------------------------------------- */

/* Of fdm->rows: judges, where this host is master and something is new. False: not
 * all was judged, since that takes too long for one look; the rest is judged by
 * the next one. */
bool fdm_admit_look(struct fdm *fdm, uint64_t now_ms);

/* ---- admit_answer.c --------------------------------------------------------- */

/* Adds a sentence for each host in standby that nobody was asked about. */
void fdm_doors_unasked(const struct fdm *fdm, json_t *errors);

/* ---- admit_tell.c ------------------------------------------------------------ */

/* The node attribute, and red and green in the log. */
void fdm_admit_tick(struct fdm *fdm, uint64_t now_ms);
json_t *fdm_admit_json(struct fdm *fdm, uint64_t now_ms);
/* row: NULL is fine */
json_t *fdm_admit_vm_json(const struct fdm *fdm, const struct fdm_vm *vm,
			  const struct fdm_row *row);
/* What would help a VM that was refused; "": not known here. */
const char *fdm_admit_help(const struct fdm *fdm, const char *resource);

#endif
