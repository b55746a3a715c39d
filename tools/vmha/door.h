/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The master's word before a command changes the cluster (ha/door.h): it
 * decides about hosts that leave, raised reservations and power-ons one after
 * the other, and keeps the room of a yes until the change is seen.
 */
#ifndef VMHA_DOOR_H
#define VMHA_DOOR_H

#include <signal.h>

#include "cib.h"
#include "ha/door.h"

struct door {
	struct ha_door_ask ask;
	char host
		[HA_HOST_NAME]; /* of this command; "": Pacemaker's tools know */
	char master[HA_HOST_NAME]; /* "": not known here */
	char refusal[HA_DOOR_TEXT];
	uint64_t begin_ms;
	int lock_fd;
	bool is_asked, is_blocked; /* and not taken back */
	sigset_t signals;          /* of before */
};

/* Asks the master `ret_door->ask`, but its nonce, and waits. 0: it says yes, or
 * nobody is there who could be asked, as without vmha's FaultDomain; 1: it says
 * no, `refusal`; negative errno with the sentence: nothing may be changed. After
 * 0, and only then, the caller commits and closes; signals wait till then. */
int door_open(struct vmha *v, const struct cib_node *cib,
	      struct door *ret_door);
/* Right before the commit: -ETIME, the yes is too old. */
int door_is_in_time(const struct door *door, struct ha_err *err);
/* Takes the question back; may be called of one that was not asked. rc: of the
 * commit; -ETIMEDOUT, whether it was made is not known: the question stays, and
 * counts for its whole time. */
void door_close(struct door *door, int rc);

#endif
