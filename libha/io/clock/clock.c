/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CLOCK_BOOTTIME, because a host that was suspended must not believe that
 * the time it slept has not passed: its peers have restarted its VMs in it.
 */
#include "ha/clock.h"

#include <errno.h>
#include <time.h>

#define MS_PER_S 1000u
#define NS_PER_MS 1000000u

uint64_t
ha_clock_now_ms(void)
{
	struct timespec now = { 0, 0 };

	/* Every kernel since 2.6.39 has the clock; sandboxes may not. */
	if (clock_gettime(CLOCK_BOOTTIME, &now) < 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	return (uint64_t)now.tv_sec * MS_PER_S +
	       (uint64_t)now.tv_nsec / NS_PER_MS;
}

uint64_t
ha_clock_left_ms(uint64_t deadline_ms)
{
	uint64_t now_ms = ha_clock_now_ms();

	return deadline_ms > now_ms ? deadline_ms - now_ms : 0;
}

uint64_t
ha_clock_step_ms(uint64_t deadline_ms, uint64_t span_ms)
{
	uint64_t end_ms;

	if (__builtin_add_overflow(ha_clock_now_ms(), span_ms, &end_ms)) {
		return deadline_ms;
	}
	return end_ms < deadline_ms ? end_ms : deadline_ms;
}

void
ha_clock_sleep_ms(uint64_t span_ms, uint64_t deadline_ms)
{
	uint64_t end_ms = ha_clock_step_ms(deadline_ms, span_ms);
	uint64_t left_ms;

	/* In pieces, so that no span, however large, overflows a time_t. */
	while ((left_ms = ha_clock_left_ms(end_ms)) > 0) {
		const uint64_t piece_ms = 3600u * MS_PER_S;
		uint64_t ms = left_ms < piece_ms ? left_ms : piece_ms;
		struct timespec span = {
			.tv_sec = (time_t)(ms / MS_PER_S),
			.tv_nsec = (long)(ms % MS_PER_S) * (long)NS_PER_MS,
		};

		if (nanosleep(&span, NULL) < 0 && errno != EINTR) {
			return;
		}
	}
}
