/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the daemon begins: wait for r datastores, see that all are areas of
 * one cluster and that this host has a slot in it, claim an incarnation on
 * w, only then arm. Nothing is armed before everything else stands.
 *
 * Refused: no or too many datastores, areas that don't belong together or
 * are listed twice, a newer format, a host without slot, a slot that another
 * host uses, a boot in which an armed daemon was killed, a watchdog that
 * confirms more than W, memory that can't be locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "heartbeat/store.h"

#define ARM_MS 30000u /* for a driver that loads and a device that answers */
#define ABANDON_MS 2000u
#define OOM_PATH "/proc/self/oom_score_adj"
#define OOM_NEVER "-1000"

/* ---- the shared state -------------------------------------------------- */

static int
init(struct hb *hb, const struct ha_hbconf *conf, struct ha_err *err)
{
	pthread_mutexattr_t attr;

	/* An arena per thread would be 64 MiB of locked address space each. */
	(void)mallopt(M_ARENA_MAX, 1);
	memset(hb, 0, sizeof(*hb));
	hb->conf = *conf;
	hb->self = HA_SLOT_NONE;
	hb->watchdog.fd = -1;
	hb->main_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	hb->pet_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (hb->main_fd < 0 || hb->pet_fd < 0) {
		return ha_err_set(err, -errno, "no eventfd: %s",
				  strerror(errno));
	}
	/* A real-time thread must not wait for a slow main. */
	if (pthread_mutexattr_init(&attr) != 0 ||
	    pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT) != 0 ||
	    pthread_mutex_init(&hb->lock, &attr) != 0) {
		return ha_err_set(err, -ENOSYS, "no priority inheriting mutex");
	}
	(void)pthread_mutexattr_destroy(&attr);
	return hb_boot_id_read(&hb->boot_id, err);
}

static int
refuse_marker(struct ha_err *err)
{
	struct ha_uuid now;
	int rc = hb_boot_id_read(&now, err);

	if (rc < 0) {
		return rc;
	}
	/* A marker of a boot before says that the watchdog did its work. */
	if (!hb_marker_is_of(HB_MARKER, &now)) {
		return 0;
	}
	return ha_err_set(err, -EOWNERDEAD,
			  "a heartbeat daemon of this boot was killed while "
			  "the watchdog was armed (%s): the watchdog will "
			  "reset this host; start again after that",
			  HB_MARKER);
}

/* ---- datastores -------------------------------------------------------- */

/* `what`, and which datastores don't work for which reason. */
static void
say_missing(struct hb *hb, const struct hb_patience *patience, const char *what)
{
	char text[HA_ERR_TEXT];
	size_t at = (size_t)snprintf(text, sizeof(text), "%s", what);
	uint32_t i;

	pthread_mutex_lock(&hb->lock);
	for (i = 0; i < hb->conf.stores && at < sizeof(text); i++) {
		const struct hb_store_view *view = &hb->views[i];
		/* Most sentences name the path already. */
		bool is_named = strstr(view->error, hb->conf.store[i]);

		if (view->is_working || (view->is_open && !view->error[0])) {
			continue;
		}
		at += (size_t)snprintf(
			text + at, sizeof(text) - at, "; %s%s%s",
			is_named ? "" : hb->conf.store[i], is_named ? "" : ": ",
			view->error[0] ? view->error : "opening");
	}
	pthread_mutex_unlock(&hb->lock);
	patience->say(LOG_WARNING, text);
}

/* Lock held. */
static int
count_open(const struct hb *hb, uint32_t *ret_open, struct ha_err *err)
{
	uint32_t open = 0;
	uint32_t i;

	for (i = 0; i < hb->conf.stores; i++) {
		if (hb->stores[i]->is_refused) {
			return ha_err_set(err, -EINVAL, "%s: %s",
					  hb->conf.store[i],
					  hb->views[i].error);
		}
		open += hb->views[i].is_open ? 1 : 0;
	}
	*ret_open = open;
	return 0;
}

static int
wait_open(struct hb *hb, const struct hb_patience *patience, struct ha_err *err)
{
	uint64_t said_ms = ha_clock_now_ms();
	uint64_t enough_ms = 0; /* since when r are open */
	char what[128];

	for (;;) {
		uint32_t open = 0;
		int rc;

		pthread_mutex_lock(&hb->lock);
		rc = count_open(hb, &open, err);
		pthread_mutex_unlock(&hb->lock);
		if (rc < 0 || open == hb->conf.stores) {
			return rc;
		}
		/* The others get a moment: what is wrong with the
		 * configuration is better refused now than found later. */
		if (open >= ha_stores_read(hb->conf.stores)) {
			enough_ms = enough_ms ? enough_ms : ha_clock_now_ms();
			if (ha_clock_now_ms() >= enough_ms + HB_OTHERS_MS) {
				return 0;
			}
		}
		rc = hb_wait_step(patience, err);
		if (rc < 0) {
			return rc;
		}
		if (ha_clock_now_ms() > said_ms + HB_SAY_MS) {
			said_ms = ha_clock_now_ms();
			(void)snprintf(
				what, sizeof(what),
				"%u of %u heartbeat datastores are open, "
				"%u are needed",
				open, hb->conf.stores,
				ha_stores_read(hb->conf.stores));
			say_missing(hb, patience, what);
		}
	}
}

/* ---- claim and arm ----------------------------------------------------- */

/* Until `is_done`, for as long as it takes; what is missing is said. */
static int
wait_until(struct hb *hb, const struct hb_patience *patience,
	   bool (*is_done)(const struct hb *hb), uint64_t deadline_ms,
	   const char *what, struct ha_err *err)
{
	uint64_t said_ms = ha_clock_now_ms();

	for (;;) {
		bool done;
		int rc = 0;

		pthread_mutex_lock(&hb->lock);
		done = is_done(hb);
		if (hb->has_conflict) {
			rc = ha_err_set(err, -EADDRINUSE,
					"another host writes slot %u: give "
					"each host a name of its own",
					hb->self);
		} else if (!done && hb->watchdog_code < 0) {
			*err = hb->watchdog_err;
			rc = hb->watchdog_code;
		}
		pthread_mutex_unlock(&hb->lock);
		if (rc < 0 || done) {
			return rc;
		}
		if (ha_clock_left_ms(deadline_ms) == 0) {
			return ha_err_set(err, -ETIMEDOUT, "%s: not in time",
					  what);
		}
		rc = hb_wait_step(patience, err);
		if (rc < 0) {
			return rc;
		}
		if (ha_clock_now_ms() > said_ms + HB_SAY_MS) {
			said_ms = ha_clock_now_ms();
			say_missing(hb, patience, what);
		}
	}
}

static bool
is_armed(const struct hb *hb)
{
	return hb->is_armed;
}

static bool
is_armed_flushed(const struct hb *hb)
{
	return hb_is_marked(hb, hb_beat_state(hb));
}

static void
be_realtime(struct hb *hb, const struct hb_patience *patience)
{
	struct sched_param param = {
		.sched_priority = hb->conf.realtime_priority,
	};
	int rc = 0;
	uint32_t i;

	if (hb->conf.realtime_priority > 0) {
		rc = pthread_setschedparam(hb->pet_thread, SCHED_RR, &param);
		for (i = 0; rc == 0 && i < hb->conf.stores; i++) {
			rc = pthread_setschedparam(hb->stores[i]->thread,
						   SCHED_RR, &param);
		}
		hb->is_realtime = rc == 0;
	}
	if (rc != 0) {
		patience->say(LOG_WARNING,
			      "no real-time priority: under load beats may "
			      "come late; allow it (LimitRTPRIO=, cgroup)");
	}
}

/* Nothing of this process may be swapped out or be chosen by the kernel when
 * memory is short. */
static int
be_resident(struct hb *hb, const struct hb_patience *patience,
	    struct ha_err *err)
{
	ha_autoclose int fd = open(OOM_PATH, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, OOM_NEVER, strlen(OOM_NEVER)) < 0) {
		patience->say(LOG_WARNING,
			      "the kernel may kill this daemon when memory is "
			      "short: can't set " OOM_PATH);
	}
	hb->is_mlocked = mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
	if (hb->is_mlocked) {
		return 0;
	}
	if (hb->conf.require_mlock) {
		return ha_err_set(err, -errno,
				  "can't lock memory: %s; raise LimitMEMLOCK=, "
				  "or set require_mlock=false and take late "
				  "beats",
				  strerror(errno));
	}
	(void)munlockall();
	patience->say(LOG_WARNING, "memory is not locked: while the host swaps "
				   "beats may come late");
	return 0;
}

static int
look_at_watchdog(const struct ha_hbconf *conf, struct ha_err *err)
{
	struct ha_watchdog watchdog;
	int rc = ha_watchdog_look(conf->watchdog, &watchdog, err);

	if (rc == 0 && watchdog.is_soft && !conf->allow_softdog) {
		return ha_err_set(
			err, -EPERM,
			"%s is a software watchdog, which dies with "
			"the kernel: load the driver of the hardware, "
			"or set allow_softdog=true",
			conf->watchdog);
	}
	return rc;
}

/* Lock held. No first beat says otherwise (SAFETY 1.2, 10). The newest master
 * that the datastores know of, this host's last word too, is not forgotten by
 * a restart. */
static void
begin_sealed(struct hb *hb)
{
	uint32_t slot;

	ha_seal_init(&hb->seal, ha_clock_now_ms());
	hb->flags |= HA_BEAT_SEALED;
	for (slot = 0; slot < hb->sb.slots; slot++) {
		const struct hb_host *host = &hb->hosts[slot];

		if (host->term > hb->term) {
			hb->term = host->term;
		}
	}
}

static int
claim(struct hb *hb, const struct hb_patience *patience, struct ha_err *err)
{
	int rc = hb_slot_claim(hb, patience, err);

	if (rc < 0) {
		return rc;
	}
	pthread_mutex_lock(&hb->lock);
	hb->phase = HB_CLAIMING;
	begin_sealed(hb);
	hb->is_claimed = true;
	hb_mark(hb);
	pthread_mutex_unlock(&hb->lock);
	return wait_until(hb, patience, hb_is_claim_flushed, UINT64_MAX,
			  "waiting until enough heartbeat datastores took the "
			  "first beat",
			  err);
}

static int
arm(struct hb *hb, const struct hb_patience *patience, struct ha_err *err)
{
	int rc = be_resident(hb, patience, err);

	if (rc == 0) {
		rc = hb_pet_begin(hb, err);
	}
	if (rc < 0) {
		return rc;
	}
	be_realtime(hb, patience);
	pthread_mutex_lock(&hb->lock);
	hb->wants_armed = true;
	pthread_mutex_unlock(&hb->lock);
	hb_wake(hb->pet_fd);
	rc = wait_until(hb, patience, is_armed, ha_clock_now_ms() + ARM_MS,
			"waiting for fresh evidence to arm the watchdog", err);
	return rc;
}

/* The pet thread may be opening the device right now. True: it is armed. */
static bool
is_armed_after_all(struct hb *hb)
{
	uint64_t deadline_ms = ha_clock_now_ms() + ARM_MS;
	bool is_arming = true;
	bool armed = false;

	while (is_arming && ha_clock_left_ms(deadline_ms) > 0) {
		pthread_mutex_lock(&hb->lock);
		hb->wants_armed = false;
		is_arming = hb->is_arming;
		armed = hb->is_armed;
		pthread_mutex_unlock(&hb->lock);
		if (is_arming) {
			ha_clock_sleep_ms(HB_STEP_MS, deadline_ms);
		}
	}
	return armed;
}

/* Says "stopped" as far as it can be written, ends. */
static void
abandon(struct hb *hb)
{
	uint64_t deadline_ms;
	bool is_written = true;

	if (is_armed_after_all(hb)) {
		(void)hb_stop(hb, ha_clock_now_ms() + ARM_MS, NULL);
		return;
	}
	deadline_ms = ha_clock_now_ms() + ABANDON_MS;
	pthread_mutex_lock(&hb->lock);
	if (hb->is_claimed && !hb->has_conflict) {
		hb->phase = HB_STOPPING;
		hb_mark(hb);
		is_written = false;
	}
	pthread_mutex_unlock(&hb->lock);
	while (!is_written && ha_clock_left_ms(deadline_ms) > 0) {
		ha_clock_sleep_ms(HB_STEP_MS, deadline_ms);
		pthread_mutex_lock(&hb->lock);
		is_written = hb_is_marked(hb, HA_BEAT_STOPPED);
		pthread_mutex_unlock(&hb->lock);
	}
	hb_threads_end(hb, deadline_ms + ABANDON_MS);
	pthread_mutex_lock(&hb->lock);
	hb->phase = HB_FAILED;
	pthread_mutex_unlock(&hb->lock);
}

int
hb_join(struct hb *hb, const struct ha_hbconf *conf,
	const struct hb_patience *patience, struct ha_err *err)
{
	int rc = init(hb, conf, err);
	uint32_t i;

	for (i = 0; rc == 0 && i < conf->stores; i++) {
		rc = hb_store_new(hb, i, err);
	}
	if (rc == 0) {
		rc = wait_open(hb, patience, err);
	}
	if (rc == 0) {
		rc = hb_agree(hb, err);
	}
	return rc == 0 ? claim(hb, patience, err) : rc;
}

/* What is refused before any datastore is touched. */
static int
refuse_early(const struct ha_hbconf *conf, struct ha_err *err)
{
	int rc;

	if (conf->stores == 0 || conf->stores > HA_STORES_MAX) {
		return ha_err_set(err, -EINVAL,
				  "vmha.conf: %u datastores; name 1 to %u",
				  conf->stores, (unsigned int)HA_STORES_MAX);
	}
	rc = refuse_marker(err);
	return rc == 0 ? look_at_watchdog(conf, err) : rc;
}

int
hb_start(struct hb *hb, const struct ha_hbconf *conf, bool (*is_ended)(void),
	 void (*say)(int priority, const char *text), struct ha_err *err)
{
	const struct hb_patience patience = {
		.is_ended = is_ended,
		.say = say,
	};
	int rc = refuse_early(conf, err);

	if (rc < 0) {
		hb->phase = HB_FAILED;
		return rc;
	}
	rc = hb_join(hb, conf, &patience, err);
	if (rc == 0) {
		rc = arm(hb, &patience, err);
	}
	if (rc < 0) {
		abandon(hb);
		return rc;
	}
	/* Armed: a wish to end is the caller's now, as a clean stop. */
	(void)wait_until(hb, &patience, is_armed_flushed,
			 ha_clock_now_ms() + ARM_MS,
			 "waiting until enough heartbeat datastores took "
			 "\"armed\"",
			 err);
	return 0;
}
