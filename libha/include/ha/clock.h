/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only clock of the agents: monotonic milliseconds, counted through
 * suspend (CLOCK_BOOTTIME), never compared between hosts. A deadline is an
 * absolute value of it, so that waits add up to the limit and not past it.
 */
#ifndef HA_CLOCK_H
#define HA_CLOCK_H

#include <stdint.h>

uint64_t ha_clock_now_ms(void);

/* Milliseconds left until deadline_ms, 0 when it has passed. */
uint64_t ha_clock_left_ms(uint64_t deadline_ms);

/* min(deadline_ms, now + span_ms): a bounded step inside a larger wait. */
uint64_t ha_clock_step_ms(uint64_t deadline_ms, uint64_t span_ms);

/* Sleeps up to span_ms, no longer than to the deadline, EINTR included. */
void ha_clock_sleep_ms(uint64_t span_ms, uint64_t deadline_ms);

#endif
