/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A SIGKILL to this process, from the kernel, at an absolute time (SAFETY
 * 1.2): whatever stops the daemon between its check and its pet, the pet that
 * would come too late is never made. CLOCK_BOOTTIME, so that a suspend counts.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "ha/watchdog.h"

#define MS_PER_S 1000u
#define NS_PER_MS 1000000u

int
ha_deadman_init(struct ha_deadman *deadman, struct ha_err *err)
{
	struct sigevent event;
	timer_t timer;

	memset(&event, 0, sizeof(event));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = SIGKILL;
	deadman->is_created = false;
	deadman->timer = NULL;
	if (timer_create(CLOCK_BOOTTIME, &event, &timer) < 0) {
		return ha_err_set(err, -errno,
				  "no timer on CLOCK_BOOTTIME: %s. The kernel "
				  "needs CONFIG_POSIX_TIMERS, the user a limit "
				  "of pending signals above 0",
				  strerror(errno));
	}
	deadman->timer = timer;
	deadman->is_created = true;
	return 0;
}

void
ha_deadman_done(struct ha_deadman *deadman)
{
	if (deadman->is_created) {
		timer_delete(deadman->timer);
	}
	deadman->is_created = false;
}

static int
set(struct ha_deadman *deadman, uint64_t at_ms)
{
	struct itimerspec at = { .it_value = { 0, 0 } };

	if (!deadman->is_created) {
		return -EINVAL;
	}
	at.it_value.tv_sec = (time_t)(at_ms / MS_PER_S);
	at.it_value.tv_nsec = (long)(at_ms % MS_PER_S) * (long)NS_PER_MS;
	return timer_settime(deadman->timer, TIMER_ABSTIME, &at, NULL) < 0 ?
		       -errno :
		       0;
}

int
ha_deadman_set(struct ha_deadman *deadman, uint64_t at_ms)
{
	/* 0 would unset it (timer_settime(2)); it means "long ago". */
	return set(deadman, at_ms > 0 ? at_ms : 1);
}

int
ha_deadman_unset(struct ha_deadman *deadman)
{
	return set(deadman, 0);
}
