/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * May this host have the VM (SAFETY 12, 13)? Asked after the own entry was
 * flushed, with what reads submitted after that have shown of every other
 * host. Nobody ever goes on past an entry. Pure.
 */
#ifndef HA_VMLOCK_H
#define HA_VMLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/area.h"

/* What the lists say about one VM on one other host. */
struct ha_vmlock_host {
	const char *name; /* in the slot table */
	/* its newest incarnation is proven dead or stopped clean, on a beat
	 * read after the own flush; then nothing else of it matters */
	bool is_gone;
	/* its beat was read on r datastores after the own flush, and the list
	 * that this beat names is here */
	bool is_readable;
	bool is_listed; /* this VM, in `state` */
	enum ha_listed_state state;
	/* an effective hold of any host's names the VM as this host's, for an
	 * incarnation that is not proven gone (SAFETY 12, 17) */
	bool is_held;
};

enum ha_vmlock_step {
	HA_VMLOCK_GRANT,
	HA_VMLOCK_REFUSE,
	HA_VMLOCK_WAIT, /* read again; at the deadline it is a refusal */
};

enum ha_vmlock_reason {
	HA_VMLOCK_WHY_FREE,
	HA_VMLOCK_WHY_MIGRATION,  /* the one allowed pair (SAFETY 13) */
	HA_VMLOCK_WHY_HELD,       /* another host has it */
	HA_VMLOCK_WHY_YIELD,      /* both start it: the lower name withdraws */
	HA_VMLOCK_WHY_RIVAL,      /* both start it: waits for the lower one */
	HA_VMLOCK_WHY_UNREADABLE, /* a host that may live hides its list */
	HA_VMLOCK_WHY_HOLD,       /* held in the name of another host */
};

struct ha_vmlock_verdict {
	enum ha_vmlock_step step;
	enum ha_vmlock_reason why;
	size_t host; /* whose entry, or list, it is; not with FREE */
};

/* `self` is this host's name, `wanted` the state of its flushed entry;
 * `hosts` are all others that have a slot. Of several reasons the one that
 * refuses for good comes first. */
struct ha_vmlock_verdict ha_vmlock_judge(const char *self,
					 enum ha_listed_state wanted,
					 const struct ha_vmlock_host *hosts,
					 size_t count);

#endif
