/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * May a host that lives on, cut off, count as fenced (SAFETY 16)? Pacemaker
 * starts elsewhere whatever it had there. That is right for VMs whose ticket
 * vmha keeps, and for what may run twice by its nature or by its
 * administrator's word. Anything else forbids. Pure.
 */
#ifndef HA_GATED_H
#define HA_GATED_H

#include <stdbool.h>
#include <stddef.h>

/* One resource that Pacemaker has active or pending on the host. */
struct ha_gated_resource {
	const char *id;
	const char *class_name; /* "ocf", "stonith", "systemd" */
	const char *provider;   /* NULL or "": none */
	const char *type;
	const char *requires; /* meta attribute as it is in force; NULL: not
			       * set, so Pacemaker's default, fencing */
	bool is_ticket_gated; /* a ticket of vmha's with loss-policy=freeze */
};

enum ha_gated_why {
	HA_GATED_TICKET,  /* allowed: gated */
	HA_GATED_SAFE,    /* allowed: may run on both sides, it only looks */
	HA_GATED_STONITH, /* allowed: a fencing device */
	HA_GATED_WORD,    /* allowed: requires=quorum or nothing */
	HA_GATED_LOCKS,   /* forbids: file locks or replication trust that a
			   * fenced host is dead, whatever `requires` says */
	HA_GATED_UNGATED, /* forbids: nothing keeps it from running twice */
	HA_GATED_UNKNOWN, /* forbids: without id, class or type */
	HA_GATED_N
};
const char *ha_gated_why_name(enum ha_gated_why why);
/* What follows the resource's name in a sentence. */
const char *ha_gated_why_text(enum ha_gated_why why);

enum ha_gated_why ha_gated_judge_one(const struct ha_gated_resource *resource);
bool ha_gated_is_allowed(enum ha_gated_why why);

struct ha_gated_verdict {
	bool is_allowed;
	enum ha_gated_why why; /* of `resource`; TICKET when allowed */
	size_t resource;       /* which one forbids; count: none */
};
/* All of them; of several that forbid the one that locks, then the first. */
struct ha_gated_verdict ha_gated_judge(const struct ha_gated_resource *list,
				       size_t count);

#endif
