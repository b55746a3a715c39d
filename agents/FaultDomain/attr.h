/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transient node attributes, as this daemon tells the cluster something: kept
 * as they are wanted by attrd_updater, one write after the other. Whoever calls
 * has looked for quorum (SAFETY 20) and says how often it may write.
 */
#ifndef FAULT_DOMAIN_ATTR_H
#define FAULT_DOMAIN_ATTR_H

#include <stdbool.h>
#include <stdint.h>

struct fdm;

/* One that is being written. */
struct fdm_attr {
	char *asked; /* NULL: nothing */
	uint64_t again_ms;
};

/* What the newest CIB shows of this host; "": nothing. Needs facts and a
 * snapshot. */
const char *fdm_attr_shown(const struct fdm *fdm, const char *name);
/* "" takes it away. */
void fdm_attr_set(struct fdm *fdm, const char *node, const char *name,
		  const char *value);
/* What is shown follows what is wanted; "": it is not there. true: a program
 * was started for it. */
bool fdm_attr_follow(struct fdm *fdm, struct fdm_attr *attr, const char *node,
		     const char *name, const char *shown, const char *wanted,
		     uint64_t now_ms);
void fdm_attr_clear(struct fdm_attr *attr);

#endif
