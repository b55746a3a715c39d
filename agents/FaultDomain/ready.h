/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heartbeats of the VMs of this host that have such a ready condition
 * (ha/pulse.h): guest agents are asked by a program (ready_ask.c), what
 * applications write is read here (ready_listen.c), and what is good is told
 * to the cluster as a node attribute (ready.c). The main loop waits for none.
 */
#ifndef FAULT_DOMAIN_READY_H
#define FAULT_DOMAIN_READY_H

#include <gio/gio.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "FaultDomain/attr.h"
#include "ha/hypervisor.h"
#include "ha/proc.h"
#include "ha/pulse.h"
#include "ha/text.h"

struct fdm;
struct fdm_ask; /* a program that runs */

/* One program for guests that answer, and one for those that have not: who
 * hangs holds up others of its kind alone. */
enum fdm_lane {
	FDM_LANE_QUICK,
	FDM_LANE_LATE,
	FDM_LANE_N
};

/* One QEMU of this host. */
struct fdm_pulse {
	struct fdm *fdm;
	char *resource;
	char *uri; /* NULL: the default */
	char uuid[HA_UUID_TEXT];
	struct ha_proc_id id;
	struct ha_pulse pulse;
	bool is_seen;          /* by the look under way */
	bool is_told;          /* the log has it as good */
	bool is_late;          /* its last answer was */
	struct fdm_ask *asked; /* NULL: it is not being asked */
	/* an application's channel */
	GSource *source; /* NULL: not connected */
	int fd;
};

struct fdm_ready {
	GHashTable *by_resource; /* of struct fdm_pulse */
	struct fdm_ask *lanes[FDM_LANE_N];
	uint64_t look_ms;
	uint64_t tell_ms;
	struct fdm_attr told;
};

void fdm_ready_begin(struct fdm *fdm);
void fdm_ready_tick(struct fdm *fdm, uint64_t now_ms);
/* Nobody asks any more: what was told is taken back. */
void fdm_ready_end(struct fdm *fdm);

/* ready_ask.c: asks those of this lane that are due. */
void fdm_ready_ask(struct fdm *fdm, enum fdm_lane lane, uint64_t now_ms);

/* ready_listen.c */
void fdm_ready_listen(struct fdm_pulse *one, const char *path);
void fdm_ready_hang_up(struct fdm_pulse *one);

#endif
