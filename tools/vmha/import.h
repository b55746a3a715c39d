/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha vm import inside: how the parameters of ocf:heartbeat:VirtualDomain
 * read in ocf:vmha:VirtualMachine's words, and the CIB's nodes as XML.
 */
#ifndef VMHA_IMPORT_H
#define VMHA_IMPORT_H

#include "wait.h"

struct map {
	json_t *params;   /* {name: value} for the new agent */
	json_t *rows;     /* [{from, value, to, text}] */
	json_t *problems; /* [sentence]: what can't be mapped */
};
/* `old`: {name: value} of VirtualDomain. */
void map_make(const json_t *old, struct map *ret_map);
void map_done(struct map *map);

/* The primitive as XML, the caller frees: with class, provider, type and
 * parameters replaced where `params` is not NULL, and is-managed=false where
 * is_unmanaged. NULL: no memory. */
char *import_xml(const struct cib_node *primitive, const json_t *params,
		 bool is_unmanaged);

struct import {
	struct vmha *v;
	const char *rsc;
	struct cib_node *cib;
	const struct cib_node *primitive;
	struct map map;
	json_t *notes;
	char host[HA_HOST_NAME]; /* where it runs; "": nowhere */
	bool has_guest_agent;    /* the config file says so */
	char *swap, *after;      /* XML: unmanaged, and as it was */
	char *back, *before;     /* the same of the old definition */
};

/* Replaces it, and proves that nothing else has changed. */
int import_carry_out(struct import *job);

#endif
