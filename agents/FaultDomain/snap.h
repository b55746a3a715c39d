/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What heartbeatd knew at one moment: this host, all hosts, their VM lists and
 * all holds. Made by the worker thread, handed to main, then only read.
 */
#ifndef FAULT_DOMAIN_SNAP_H
#define FAULT_DOMAIN_SNAP_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "ha/area.h"
#include "ha/err.h"
#include "ha/ticket.h"

#define FDM_WORD 32

/* A host's list, exactly of (incarnation, generation). Shared by snapshots. */
struct fdm_list {
	gatomicrefcount refs;
	uint64_t incarnation;
	uint64_t generation;
	GArray *vms; /* of struct ha_listed_vm */
};

struct fdm_host {
	char name[HA_HOST_NAME];
	char state[FDM_WORD]; /* heartbeatd's word: "live", "dead", ... */
	char proof[FDM_WORD];
	uint32_t slot;
	uint64_t incarnation;
	uint64_t generation; /* of its list, as its newest beat names it */
	uint64_t term;
	uint32_t stores; /* heartbeat datastores that it reads and writes */
	bool is_self, is_member, is_gone;
	bool is_fresh; /* its newest beat is younger than 2 B + D */
	bool is_quorate, is_master, is_isolated, is_sealed; /* says that beat */
	bool is_readable;      /* `list` is exactly the one that beat names */
	struct fdm_list *list; /* NULL: none was read yet */
};

struct fdm_hold {
	struct ha_uuid uuid;
	bool has_uuid;
	char resource[HA_RESOURCE_NAME];
	char by[HA_HOST_NAME];
	char owner_name[HA_HOST_NAME];
	struct ha_ticket_hold hold;
};

struct fdm_snap {
	uint64_t number; /* grows; 0: never */
	uint64_t at_ms;
	bool is_there;         /* heartbeatd answered */
	char why[HA_ERR_TEXT]; /* it did not, or in part: why */
	char self[HA_HOST_NAME];
	uint64_t self_incarnation;
	uint64_t ring_seq;
	uint64_t self_generation; /* of its own list, as heartbeatd has it */
	bool has_self_generation;
	bool is_member, is_quorate, can_write, can_read, is_sealed;
	char seal_why[FDM_WORD];
	uint32_t beat_ms, tolerance_ms;
	uint64_t silence_ms; /* T */
	bool are_holds_read; /* all hosts' hold lists are in `holds` */
	GArray *hosts;       /* of struct fdm_host */
	GArray *holds;       /* of struct fdm_hold */
};

void fdm_snap_free(struct fdm_snap *snap); /* NULL is fine */
/* Shares the lists. */
struct fdm_snap *fdm_snap_copy(const struct fdm_snap *snap);
const struct fdm_host *fdm_snap_host(const struct fdm_snap *snap,
				     const char *name);
/* The member that says it is master, with the highest term; NULL: none. */
const struct fdm_host *fdm_snap_master(const struct fdm_snap *snap);

/* Asks heartbeatd, in the worker's thread; `past` is the last one, for lists
 * that have not changed. Never NULL; is_there false and a sentence when it
 * does not answer. */
struct fdm_snap *fdm_snap_take(const struct fdm_snap *past);

/* snap_json.c: what the answers say. False: not an answer of this kind. */
bool fdm_snap_read_status(struct fdm_snap *snap, const json_t *answer);
bool fdm_snap_read_holds(struct fdm_snap *snap, const json_t *answer);
struct fdm_list *fdm_list_read(const json_t *answer, bool *ret_is_current);
struct fdm_list *fdm_list_ref(struct fdm_list *list);
void fdm_list_unref(struct fdm_list *list); /* NULL is fine */

#endif
