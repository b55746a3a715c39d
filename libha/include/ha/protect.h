/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protection of one VM (SAFETY 21, 24): what the protected list on the
 * heartbeat datastores should say about it, whether its ticket is taken away
 * because its user has powered it off, and what may be shown. Pure.
 */
#ifndef HA_PROTECT_H
#define HA_PROTECT_H

#include <stdbool.h>

enum ha_protect_entry {
	HA_PROTECT_NONE, /* not on the list */
	HA_PROTECT_ON,
	HA_PROTECT_OFF
};

struct ha_protect_facts {
	bool is_wanted;  /* to run: nobody has stopped it */
	bool is_off;     /* its own target-role is Stopped: its user's word */
	bool is_managed; /* Pacemaker starts and stops it */
	/* On a VM list of a member, or active by Pacemaker's history. */
	bool is_somewhere;
	/* Bound to a host out of reach, or perhaps so: lists and holds decide
	 * about its ticket. */
	bool is_in_doubt;
	/* By that history, on every host, and for a moment already. */
	bool is_stopped;
	bool has_ticket;
	bool is_off_ticket;  /* taken away by a power-off, */
	bool is_kept_ticket; /* or kept back at a cold start, */
	bool is_called;      /* and its user has asked for it since */
	enum ha_protect_entry on_disk;
};

enum ha_protect_gate {
	HA_PROTECT_OPEN,        /* the ticket is lists' and order's */
	HA_PROTECT_POWERED_OFF, /* revoked: stopped by its user */
	HA_PROTECT_KEPT_OFF,    /* revoked: the list says that it was off when
				 * the power failed, and nobody has asked for
				 * it since */
	HA_PROTECT_GATE_N
};
const char *ha_protect_gate_name(enum ha_protect_gate gate); /* ticket */
const char *ha_protect_gate_text(enum ha_protect_gate gate);

struct ha_protect_verdict {
	enum ha_protect_entry entry; /* that the list should have */
	enum ha_protect_gate gate;
};
/* Disk before ticket: it is taken away only when the list on disk says OFF.
 * What runs, or may run, always has its ticket. */
struct ha_protect_verdict
ha_protect_judge(const struct ha_protect_facts *facts);

/* What is said to people. PROTECTED only what the list on disk says. */
enum ha_protect_shown {
	HA_PROTECT_IS_PROTECTED,
	HA_PROTECT_IS_COMING, /* not on disk yet */
	HA_PROTECT_IS_OFF,
	HA_PROTECT_IS_KEPT,
	HA_PROTECT_IS_STOPPING, /* its user has stopped it, not proven yet */
	HA_PROTECT_IS_UNMANAGED,
	HA_PROTECT_IS_REFUSED, /* by admission control: it is not judged here */
	HA_PROTECT_SHOWN_N
};
enum ha_protect_shown ha_protect_show(const struct ha_protect_facts *facts);
const char *ha_protect_shown_name(enum ha_protect_shown shown);

#endif
