/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of each host in vSphere's words (libha/core/hostreport.c), as this
 * daemon sees it, and maintenance. Every daemon keeps them; the master alone
 * tells a change, once, in its log and as node attribute FDM_STATE_ATTR.
 */
#ifndef FAULT_DOMAIN_STATES_H
#define FAULT_DOMAIN_STATES_H

#include <glib.h>
#include <jansson.h>
#include <stdint.h>

#include "ha/hostreport.h"

struct fdm;

/* Of the table fdm->states. */
GHashTable *fdm_states_new(void);
/* Looks at facts and snapshot; the master tells what has changed. */
void fdm_states_tick(struct fdm *fdm, uint64_t now_ms);
/* HA_REPORT_NONE: no such host, or nothing has settled yet. */
enum ha_hostreport_word fdm_states_word(const struct fdm *fdm,
					const char *host);
/* {"state", "since_age_ms", "reporter", "evidence", "maintenance"}; null:
 * nothing has settled yet. */
json_t *fdm_states_json(const struct fdm *fdm, const char *host,
			uint64_t now_ms);

#endif
