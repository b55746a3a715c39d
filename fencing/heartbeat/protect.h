/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protected list, as the serving half keeps it: what lies on each
 * datastore, the newest list that was read, and the one that this host, as
 * master, wants written. Part of serve.h, which includes it.
 */
#ifndef VMHA_HEARTBEAT_PROTECT_H
#define VMHA_HEARTBEAT_PROTECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ha/area.h"

/* After a failure, before a datastore is tried again. */
#define HBS_PROTECT_RETRY_MS 1000u

enum hbs_area_step {
	HBS_AREA_IDLE,
	HBS_AREA_FIRST,  /* the first block of copy 0, */
	HBS_AREA_SECOND, /* of copy 1, */
	HBS_AREA_NEWER,  /* all of the newer one, */
	HBS_AREA_OLDER,  /* and of the other, where that is no whole list */
	HBS_AREA_WRITE,
};

/* One datastore. */
struct hbs_area {
	enum hbs_area_step step;
	uint64_t began_ms; /* of the round under way */
	uint64_t read_ms;  /* beginning of the last whole one; 0: none */
	uint64_t retry_ms;
	uint64_t opens;  /* of the datastore, when it was read */
	int code;        /* of the last failure; 0: none since */
	uint32_t firsts; /* copies whose first block is sound, as bits */
	struct ha_protected_list first[2];
	/* The whole list that lies here; term 0: none, written never or torn.
	 * The next one goes to the other copy. */
	uint64_t term, generation;
	uint32_t copy;
	uint32_t asked; /* copy that is being read or written */
	uint64_t going_term, going_generation;
	uint8_t *buffer;
	uint32_t blocks; /* its room */
};

struct hbs_protect {
	struct hbs_area areas[HA_STORES_MAX];
	struct ha_protected_list best;  /* newest one read; term 0: none */
	struct ha_protected_list want;  /* of this master; term 0: none */
	struct ha_protected_list stage; /* comes in parts */
};

struct hbs;
struct hbs_client;
struct hbs_wait;

/* ---- protect.c ------------------------------------------------------------- */

/* Goes on with what is due on each datastore. */
void hbs_protect_look(struct hbs *s, uint64_t now_ms);
/* Datastores on which that list, or a later one of its term, lies. */
uint32_t hbs_protect_count(const struct hbs *s, uint64_t term,
			   uint64_t generation);
/* Datastores that were read by rounds begun since then. */
uint32_t hbs_protect_count_read(const struct hbs *s, uint64_t since_ms);
/* Is the newest list of those the one in `best`? Else all are read anew. */
bool hbs_protect_is_best(struct hbs *s, uint64_t since_ms);
/* Has a master of a later term written here? */
bool hbs_protect_is_past(const struct hbs *s, uint64_t term);
/* Takes the entries over, with their array; a list that is the same as the one
 * wanted already is not written anew. */
void hbs_protect_want(struct hbs *s, struct ha_protected_list *list);

/* ---- ops_protect.c --------------------------------------------------------- */

json_t *hbs_op_protect(struct hbs *s, struct hbs_client *client,
		       const json_t *request);
json_t *hbs_op_protected(struct hbs *s, struct hbs_client *client,
			 const json_t *request);
bool hbs_protect_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);
bool hbs_protected_check(struct hbs *s, struct hbs_wait *wait, uint64_t now_ms);

#endif
