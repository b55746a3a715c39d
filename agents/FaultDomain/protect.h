/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protected list as vmha-fdmd knows it: what lies on the heartbeat
 * datastores, and what each VM's row follows from it. Every vmha-fdmd reads it;
 * the master alone writes it, through heartbeatd.
 */
#ifndef FAULT_DOMAIN_PROTECT_H
#define FAULT_DOMAIN_PROTECT_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "FaultDomain/facts.h"
#include "FaultDomain/snap.h"
#include "ha/area.h"
#include "ha/err.h"
#include "ha/protect.h"

struct fdm_row;

/* By resource. */
struct fdm_entries {
	GHashTable *table; /* resource -> struct ha_protected_vm */
	uint64_t term, generation;
};

struct fdm_protect {
	struct fdm_entries disk;
	bool is_read;     /* as master: in this term */
	uint64_t read_ms; /* last time */
	uint64_t ask_ms;  /* next one */
	bool is_asking;
	uint64_t asked_term; /* of this master, when that was asked */
	GPtrArray *part; /* of json_t: pages of the answer that came so far */
	char why[HA_ERR_TEXT]; /* it can't be read, or written; "": it can */
	char told[HA_ERR_TEXT];
	/* as master */
	uint64_t term;     /* 0: not */
	uint64_t since_ms; /* of that term */
	bool is_doubted;   /* it could not be read in time: said once */
	bool is_writing, must_write;
	uint64_t retry_ms;
	json_t *sent;       /* whole list under way */
	size_t sent_from;   /* parts of it that were taken */
	GHashTable *off_ms; /* resource -> uint64_t: proven stopped since */
};

struct fdm_protect *fdm_protect_new(void);
void fdm_protect_free(struct fdm_protect *protect); /* NULL is fine */

/* protect.c. Before order and retries are judged: what becomes of each row's
 * ticket and entry. Looks only. */
void fdm_protect_judge(struct fdm_protect *protect,
		       const struct fdm_facts *facts, GArray *rows,
		       uint64_t now_ms);
/* Is it to run, as far as its user and the protected list say? */
bool fdm_is_wanted(const struct fdm_vm *vm, const struct fdm_row *row);
/* Its ticket was taken away by a power-off; not one kept off at a cold start
 * that its user has not stopped since: nobody may free that unasked. */
bool fdm_is_powered_off(const struct fdm_vm *vm);
/* The whole list as it should be: [{uuid, resource, state, order}]. */
json_t *fdm_protect_wanted(const GArray *rows, const GArray *priorities,
			   const struct fdm_facts *facts);
/* Does it say what lies on disk? */
bool fdm_protect_is_same(const struct fdm_protect *protect, const GArray *rows,
			 const GArray *priorities,
			 const struct fdm_facts *facts);
/* Takes a list that was read or written over. */
void fdm_protect_take(struct fdm_protect *protect, const json_t *list,
		      uint64_t term, uint64_t generation);

/* What lies on disk; whether that was read (as master: in this term). */
enum ha_protect_entry fdm_protect_on_disk(const struct fdm_protect *protect,
					  const struct fdm_vm *vm);
bool fdm_protect_is_known(const struct fdm_protect *protect);

json_t *fdm_protect_vm_json(const struct fdm_protect *protect,
			    const struct fdm_vm *vm, const struct fdm_row *row);
json_t *fdm_protect_json(const struct fdm_protect *protect, uint64_t now_ms);

#endif
