/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The brake: how many hosts may be ordered to reset themselves within an
 * hour, so that a fault of the cluster's own can't take down all of it. Says
 * "full" in doubt: then a person or the next fencing level decides.
 */
#include "ha/fencing.h"

bool
ha_brake_is_full(const struct ha_brake *brake, uint64_t now_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < HA_BRAKE_KEPT; i++) {
		uint64_t at_ms = brake->at_ms[i];

		/* A time ahead of now (the clock jumped) counts. */
		if (at_ms != 0 &&
		    (at_ms > now_ms || now_ms - at_ms < HA_BRAKE_WINDOW_MS)) {
			count++;
		}
	}
	/* A higher limit than is remembered can't be kept. */
	return count >= brake->limit || count == HA_BRAKE_KEPT;
}

void
ha_brake_count(struct ha_brake *brake, uint64_t now_ms)
{
	/* 0 marks an unused entry. */
	brake->at_ms[brake->next % HA_BRAKE_KEPT] = now_ms ? now_ms : 1;
	brake->next = (brake->next + 1) % HA_BRAKE_KEPT;
}
