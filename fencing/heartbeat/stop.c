/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clean stop (SAFETY 1.5): "stopped" stands on w datastores before the
 * watchdog's magic close. Where that can't be had until the deadline nothing
 * is closed: the daemon goes on as before, or the watchdog resets the host.
 * Threads whose disk hangs are left behind; nothing waits for them.
 */
#include <errno.h>
#include <syslog.h>

#include "ha/clock.h"
#include "heartbeat/store.h"

#define JOIN_MS 2000u /* for threads whose disk answers */

static bool
is_ended(struct hb *hb, bool *is_done, pthread_t **ret_thread, uint32_t i)
{
	bool has = i == hb->conf.stores ?
			   hb->has_pet_thread :
			   hb->stores[i] && hb->stores[i]->has_thread;

	*is_done = !has;
	if (has) {
		*is_done = i == hb->conf.stores ? hb->is_pet_ended :
						  hb->stores[i]->is_ended;
		*ret_thread = i == hb->conf.stores ? &hb->pet_thread :
						     &hb->stores[i]->thread;
	}
	return has;
}

void
hb_threads_end(struct hb *hb, uint64_t deadline_ms)
{
	uint32_t i;

	pthread_mutex_lock(&hb->lock);
	hb->is_ending = true;
	pthread_mutex_unlock(&hb->lock);
	hb_wake(hb->pet_fd);
	for (i = 0; i < hb->conf.stores; i++) {
		if (hb->stores[i]) {
			hb_wake(hb->stores[i]->kick_fd);
		}
	}
	/* The pet thread comes last in number, and never hangs on a disk. */
	for (i = 0; i <= hb->conf.stores; i++) {
		pthread_t *thread = NULL;
		bool is_done = false;
		bool has = false;

		for (;;) {
			pthread_mutex_lock(&hb->lock);
			has = is_ended(hb, &is_done, &thread, i);
			pthread_mutex_unlock(&hb->lock);
			if (is_done || ha_clock_left_ms(deadline_ms) == 0) {
				break;
			}
			ha_clock_sleep_ms(HB_STEP_MS, deadline_ms);
		}
		if (has && is_done) {
			(void)pthread_join(*thread, NULL);
		} else if (has) {
			(void)pthread_detach(*thread);
		}
	}
}

/* Lock held. Main waits here, and main is what keeps the ring's evidence alive
 * (SAFETY 1.6): where the datastores are lost it must not wait any longer. */
static bool
is_storage_lost(const struct hb *hb)
{
	const struct ha_timing *timing = &hb->sb.timing;
	uint64_t stamp_ms;

	return !ha_evidence_stamp(&hb->evidence, &stamp_ms) ||
	       ha_clock_now_ms() >
		       stamp_ms + timing->beat_ms + timing->tolerance_ms;
}

/* 0: it stands on w. */
static int
write_stopped(struct hb *hb, uint64_t deadline_ms, struct ha_err *err)
{
	uint32_t w = ha_stores_write(hb->conf.stores);
	bool is_written = false;
	bool is_lost;

	while (!is_written) {
		pthread_mutex_lock(&hb->lock);
		/* The pet thread may be opening the device right now. */
		is_written =
			!hb->is_arming && hb_is_marked(hb, HA_BEAT_STOPPED);
		is_lost = is_storage_lost(hb);
		pthread_mutex_unlock(&hb->lock);
		if (!is_written &&
		    (is_lost || ha_clock_left_ms(deadline_ms) == 0)) {
			return ha_err_set(
				err, -ETIMEDOUT,
				"\"stopped\" could not be written to %u of %u "
				"heartbeat datastores: the watchdog stays "
				"armed; bring the datastores back and stop "
				"again",
				w, hb->conf.stores);
		}
		if (!is_written) {
			ha_clock_sleep_ms(HB_STEP_MS, deadline_ms);
		}
	}
	return 0;
}

/* The pet thread closes the device; that takes no disk. */
static int
close_watchdog(struct hb *hb, struct ha_err *err)
{
	uint64_t deadline_ms = ha_clock_now_ms() + hb->sb.timing.watchdog_ms;
	int rc = -EINPROGRESS;

	pthread_mutex_lock(&hb->lock);
	hb->wants_closed = true;
	hb->watchdog_code = 0;
	pthread_mutex_unlock(&hb->lock);
	hb_wake(hb->pet_fd);
	while (rc == -EINPROGRESS) {
		if (ha_clock_left_ms(deadline_ms) == 0) {
			return ha_err_set(err, -ETIMEDOUT,
					  "the watchdog could not be closed: "
					  "it will reset this host");
		}
		ha_clock_sleep_ms(HB_STEP_MS, deadline_ms);
		pthread_mutex_lock(&hb->lock);
		if (!hb->wants_closed) {
			rc = hb->watchdog_code;
			if (rc < 0 && err) {
				*err = hb->watchdog_err;
			}
		} else if (hb->is_reset_ordered) {
			rc = ha_err_set(err, -EBUSY,
					"a reset of this host was ordered: the "
					"watchdog stays armed");
		}
		pthread_mutex_unlock(&hb->lock);
	}
	return rc;
}

int
hb_stop(struct hb *hb, uint64_t deadline_ms, struct ha_err *err)
{
	bool is_reset;
	bool is_armed;
	int rc;

	pthread_mutex_lock(&hb->lock);
	is_reset = hb->is_reset_ordered;
	if (!is_reset) {
		hb->phase = HB_STOPPING;
		hb_mark(hb);
	}
	pthread_mutex_unlock(&hb->lock);
	if (is_reset) {
		return ha_err_set(err, -EBUSY,
				  "a reset of this host was ordered: the "
				  "watchdog stays armed");
	}
	rc = write_stopped(hb, deadline_ms, err);
	if (rc < 0) {
		/* Goes on beating as what it is (hb.h). */
		pthread_mutex_lock(&hb->lock);
		hb->phase = HB_ARMED;
		hb_mark(hb);
		pthread_mutex_unlock(&hb->lock);
		return rc;
	}
	pthread_mutex_lock(&hb->lock);
	is_armed = hb->is_armed;
	pthread_mutex_unlock(&hb->lock);
	rc = is_armed ? close_watchdog(hb, err) : 0;
	if (rc < 0) {
		return rc;
	}
	pthread_mutex_lock(&hb->lock);
	hb->phase = HB_STOPPED;
	pthread_mutex_unlock(&hb->lock);
	hb_threads_end(hb, ha_clock_step_ms(UINT64_MAX, JOIN_MS));
	return 0;
}
