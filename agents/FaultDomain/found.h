/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What runs on this host, against Pacemaker and the VM lists (ha/found.h).
 * found_facts.c gathers, found_look.c looks and asks in a thread of its own,
 * since reading a process may hang with it, and found.c says what follows.
 * Nobody here ends a VM.
 */
#ifndef FAULT_DOMAIN_FOUND_H
#define FAULT_DOMAIN_FOUND_H

#include <glib.h>
#include <jansson.h>

#include "FaultDomain/attr.h"
#include "FaultDomain/facts.h"
#include "FaultDomain/snap.h"
#include "ha/found.h"
#include "ha/proc.h"
#include "ha/vmrecord.h"

#define FDM_QEMUS_MAX 1024u
/* Transient node attribute: what was found, for all hosts' tools. */
#define FDM_FOUND_ATTRIBUTE "vmha-found"

struct fdm;
struct fdm_found;

/* ---- found_facts.c ------------------------------------------------------- */

/* UUID and name that the configuration does not tell. */
struct fdm_identity {
	char uuid[HA_UUID_TEXT];
	char name[HA_DOMAIN_NAME];
	uint64_t at_ms; /* asked for then */
	bool is_read;
};

/* A VM that is configured, listed here or started by the agent here. */
struct fdm_subject {
	const char *resource;
	const struct fdm_vm *vm;         /* NULL: no such resource */
	const struct ha_qemu_seen *qemu; /* NULL: no process of it */
	bool has_qemu_uuid;
	struct ha_uuid qemu_uuid;
	struct ha_found_facts facts;
	const char *other; /* host whose list names it as well; NULL */
	/* its entry on this host's list; zero: none */
	char uuid[HA_UUID_TEXT];
	uint64_t since;
};

struct fdm_sight {
	GArray *subjects;     /* of struct fdm_subject */
	GPtrArray *names;     /* resources that live as long as this */
	GPtrArray *strangers; /* const struct fdm_vm *: of unknown identity */
	guint foreign;        /* QEMUs of no resource */
};

/* Borrows everything. `identities`: resource -> struct fdm_identity. */
struct fdm_sight *fdm_sight_new(const struct fdm_facts *facts,
				const struct fdm_snap *snap,
				const struct ha_qemu_seen *seen, uint32_t count,
				GHashTable *identities);
void fdm_sight_free(struct fdm_sight *sight);

/* ---- found_look.c -------------------------------------------------------- */

enum fdm_look_kind {
	FDM_LOOK_PROCESSES,
	FDM_LOOK_IDENTITY, /* from what is remembered, or the config file */
	FDM_LOOK_LIST,     /* "running" onto this host's list */
	FDM_LOOK_CLEAR,    /* off it, once its end is proven anew */
	FDM_LOOK_USE,      /* what the processes use (use.h) */
};

struct fdm_looker;
struct fdm_look {
	enum fdm_look_kind kind;
	char resource[HA_VM_RESOURCE];
	char uuid[HA_UUID_TEXT];
	char name[HA_DOMAIN_NAME];
	char *config;   /* IDENTITY; NULL: none. Freed with the look */
	uint64_t since; /* CLEAR */
	/* what came of it; negative errno and a sentence */
	int code;
	struct ha_err err;
	struct ha_qemu_seen *seen;
	uint32_t count;
	/* USE: what could be read, and when; `used` may be taken */
	struct ha_use_process *used;
	uint32_t n_used;
	uint64_t at_ms;
	struct fdm_looker *looker;
};

/* `done` borrows the look, in `context`. NULL: no thread. */
struct fdm_looker *fdm_looker_new(GMainContext *context,
				  void (*done)(void *data,
					       struct fdm_look *look),
				  void *data, struct ha_err *err);
void fdm_looker_push(struct fdm_looker *looker, struct fdm_look *look);

/* ---- found.c, found_tell.c ----------------------------------------------- */

/* One VM that is remembered. */
struct fdm_found_one {
	struct ha_found_memory memory;
	pid_t pid;
	char domain[HA_DOMAIN_NAME];
	char uuid[HA_UUID_TEXT];
	char other[HA_HOST_NAME];
	bool is_ours;    /* the agent has started it */
	uint64_t try_ms; /* list or clear: not before */
	bool is_asked;   /* one is under way */
	bool is_told;    /* that it has failed */
};

struct fdm_found {
	struct fdm *fdm;
	struct fdm_looker *looker;
	GHashTable *ones;       /* resource -> struct fdm_found_one */
	GHashTable *identities; /* resource -> struct fdm_identity */
	uint64_t next_ms;
	uint64_t begun_ms; /* of the look under way */
	uint64_t looked_ms;
	bool is_looking;
	char why[HA_ERR_TEXT]; /* the last look has failed */
	guint foreign;
	uint64_t tell_ms;
	struct fdm_attr told;
};

struct fdm_found *fdm_found_new(struct fdm *fdm, struct ha_err *err);
void fdm_found_tick(struct fdm *fdm, uint64_t now_ms);
/* Tells the cluster, when that is due. */
void fdm_found_tell(struct fdm *fdm, uint64_t now_ms);
/* Nobody looks any more: what was told to the cluster is taken back. */
void fdm_found_end(struct fdm *fdm);
json_t *fdm_found_json(const struct fdm *fdm, uint64_t now_ms);

#endif
