/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which incarnation does this host's slot get? The highest that r datastores
 * show plus one (SAFETY 1.4), so that everybody knows at once that the older
 * one is dead. That would be a lie when the older one's VMs still run, i.e.
 * when its beat is of this very boot and its VM list is not empty: then the
 * incarnation and the list are taken over, and the host begins sealed.
 *
 * Refused: a slot that somebody else beats in, and a boot in which a daemon
 * was killed while the watchdog was armed (SAFETY 1.2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "heartbeat/store.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
/* Beats of the daemon before that were under way when it ended. */
#define SEQUENCE_JUMP 1000u
#define GENERATION_JUMP 1024u
#define LIST_BACK_MS 30000u /* for the own list after a restart */

int
hb_boot_id_read(struct ha_uuid *ret_boot_id, struct ha_err *err)
{
	ha_autoclose int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
	char text[64] = "";
	ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (len > 0) {
		text[strcspn(text, "\n")] = '\0';
	}
	if (len <= 0 || ha_uuid_parse(text, ret_boot_id) < 0) {
		return ha_err_set(err, -EIO, "can't read %s", BOOT_ID_PATH);
	}
	return 0;
}

int
hb_wait_step(const struct hb_patience *patience, struct ha_err *err)
{
	if (patience->is_ended && patience->is_ended()) {
		return ha_err_set(err, -EINTR, "asked to end while starting");
	}
	ha_clock_sleep_ms(HB_STEP_MS, ha_clock_now_ms() + HB_STEP_MS);
	return 0;
}

/* Until r datastores were read completely by reads submitted from since_ms
 * on. */
static int
wait_reads(struct hb *hb, const struct hb_patience *patience, uint64_t since_ms,
	   struct ha_err *err)
{
	uint64_t said_ms = ha_clock_now_ms();

	for (;;) {
		uint64_t submitted_ms[HA_STORES_MAX];
		bool is_fresh;
		uint32_t i;
		int rc;

		pthread_mutex_lock(&hb->lock);
		for (i = 0; i < hb->conf.stores; i++) {
			submitted_ms[i] = hb->views[i].read_ms;
		}
		is_fresh =
			ha_watch_fresh(submitted_ms, hb->conf.stores, since_ms);
		pthread_mutex_unlock(&hb->lock);
		if (is_fresh) {
			return 0;
		}
		rc = hb_wait_step(patience, err);
		if (rc < 0) {
			return rc;
		}
		if (ha_clock_now_ms() > said_ms + HB_SAY_MS) {
			said_ms = ha_clock_now_ms();
			patience->say(LOG_WARNING,
				      "waiting for the beats of enough "
				      "heartbeat datastores");
		}
	}
}

/* What the datastores show of the own slot. */
struct past {
	bool has_beat;
	struct ha_beat beat;
	uint32_t valid, damaged;
	uint32_t seen;  /* datastores that showed anything */
	bool is_behind; /* the newest beat is to be read again yet */
	bool hides; /* too few valid ones: a damaged one may be ahead of them */
};

static struct past
look_back(struct hb *hb)
{
	const struct hb_host *host = &hb->hosts[hb->self];
	const struct ha_sighting *newest;
	struct past past = { 0 };
	uint32_t i;

	pthread_mutex_lock(&hb->lock);
	newest = ha_watch_newest(&host->watch, NULL);
	past.is_behind = newest &&
			 (!host->has_beat ||
			  newest->what.incarnation > host->beat.incarnation ||
			  (newest->what.incarnation == host->beat.incarnation &&
			   newest->what.sequence > host->beat.sequence));
	past.has_beat = host->has_beat;
	past.beat = host->beat;
	for (i = 0; i < hb->conf.stores; i++) {
		const struct ha_sighting *at = &host->watch.at[i];

		if (!at->is_seen) {
			continue;
		}
		past.seen++;
		switch (at->what.kind) {
		case HA_GLIMPSE_BEAT:
		case HA_GLIMPSE_UNCLAIMED:
			past.valid++;
			break;
		case HA_GLIMPSE_DAMAGED:
			past.damaged++;
			break;
		case HA_GLIMPSE_FOREIGN:
			break;
		}
	}
	pthread_mutex_unlock(&hb->lock);
	past.hides = past.valid < ha_stores_read(hb->conf.stores);
	return past;
}

static bool
is_moved(const struct past *past, const struct past *later)
{
	return later->beat.incarnation != past->beat.incarnation ||
	       later->beat.sequence != past->beat.sequence;
}

/* Two hosts of one name: the other one's beats move. A datastore that was read
 * for the first time may show a later beat of a host that is long dead: then
 * it is looked once more, at most once for each datastore. */
static int
refuse_twin(struct hb *hb, const struct hb_patience *patience,
	    struct past *past, struct ha_err *err)
{
	const struct ha_timing *timing = &hb->sb.timing;
	char boot_id[37];
	struct past later = *past;
	int rc;

	if (!past->has_beat || past->beat.state == HA_BEAT_STOPPED ||
	    past->beat.state == HA_BEAT_UNCLAIMED) {
		return 0;
	}
	patience->say(LOG_INFO, "looking whether another host beats in this "
				"host's slot");
	do {
		*past = later;
		rc = wait_reads(hb, patience,
				ha_clock_now_ms() +
					(uint64_t)2 * timing->beat_ms +
					timing->tolerance_ms,
				err);
		if (rc < 0) {
			return rc;
		}
		later = look_back(hb);
	} while (is_moved(past, &later) && later.seen > past->seen);
	if (is_moved(past, &later)) {
		ha_uuid_format(&later.beat.boot_id, boot_id);
		return ha_err_set(err, -EADDRINUSE,
				  "another host beats as %s in slot %u (boot "
				  "id %s): give each host a name of its own, "
				  "or stop that daemon",
				  hb->table.names[hb->self], hb->self, boot_id);
	}
	*past = later;
	return 0;
}

static int
refuse_killed(struct ha_err *err)
{
	return ha_err_set(err, -EOWNERDEAD,
			  "a heartbeat daemon of this boot was killed while "
			  "the watchdog was armed: the watchdog will reset "
			  "this host; start again after that");
}

/* The own list comes back the way another host's does. */
static int
take_list_back(struct hb *hb, const struct hb_patience *patience,
	       struct ha_err *err)
{
	uint64_t deadline_ms = ha_clock_now_ms() + LIST_BACK_MS;
	struct hb_host *host = &hb->hosts[hb->self];
	bool has_list = false;

	while (!has_list) {
		int rc;

		pthread_mutex_lock(&hb->lock);
		has_list = host->has_list;
		if (has_list) {
			hb->list.generation = host->list.generation;
			hb->list.count = host->list.count;
			memcpy(hb->list.vms, host->list.vms,
			       host->list.count * sizeof(*host->list.vms));
		}
		pthread_mutex_unlock(&hb->lock);
		if (has_list) {
			break;
		}
		if (ha_clock_left_ms(deadline_ms) == 0) {
			return ha_err_set(
				err, -ENODATA,
				"this host's VM list of generation %llu can't "
				"be read back: VMs may run here that nobody "
				"knows; reboot this host",
				(unsigned long long)host->beat.list_generation);
		}
		rc = hb_wait_step(patience, err);
		if (rc < 0) {
			return rc;
		}
	}
	return 0;
}

/* So do the holds, also those of an incarnation that has died: a VM may hang
 * on each (SAFETY 17). */
static int
take_holds_back(struct hb *hb, const struct hb_patience *patience,
		const struct past *past, struct ha_err *err)
{
	uint64_t deadline_ms = ha_clock_now_ms() + LIST_BACK_MS;
	struct hb_host *host = &hb->hosts[hb->self];
	bool has_holds = !past->has_beat;

	while (!has_holds) {
		int rc;

		pthread_mutex_lock(&hb->lock);
		has_holds = host->has_holds;
		if (has_holds) {
			hb->hold_list.generation = host->hold_list.generation;
			hb->hold_list.count = host->hold_list.count;
			memcpy(hb->hold_list.holds, host->hold_list.holds,
			       host->hold_list.count *
				       sizeof(*host->hold_list.holds));
			hb_hold_index(hb);
		}
		pthread_mutex_unlock(&hb->lock);
		if (has_holds) {
			break;
		}
		if (ha_clock_left_ms(deadline_ms) == 0) {
			return ha_err_set(
				err, -ENODATA,
				"the holds of this host, generation %llu, "
				"can't be read back: VMs of a host that is cut "
				"off may hang on them. When no host is cut "
				"off, give this one a new slot: vmha heartbeat "
				"remove-host %s --force, then add-host",
				(unsigned long long)past->beat.hold_generation,
				hb->table.names[hb->self]);
		}
		rc = hb_wait_step(patience, err);
		if (rc < 0) {
			return rc;
		}
	}
	return 0;
}

static int
refuse_unreadable(const struct hb *hb, const struct past *past,
		  struct ha_err *err)
{
	if (past->is_behind) {
		return ha_err_set(err, -EIO,
				  "the newest beat of this host (slot %u) was "
				  "read once and can't be read again: does a "
				  "heartbeat datastore hang?",
				  hb->self);
	}
	if (past->valid > 0 &&
	    past->valid + past->damaged >= ha_stores_read(hb->conf.stores)) {
		return 0;
	}
	return ha_err_set(err, -EIO,
			  "this host's beat (slot %u) is damaged on %u "
			  "datastores and readable on %u: its incarnation "
			  "can't be known; run `vmha heartbeat dump`",
			  hb->self, past->damaged, past->valid);
}

/* Datastores that come a little later may tell what a damaged one hides, and of
 * a claim that was never flushed. */
static int
look_back_enough(struct hb *hb, const struct hb_patience *patience,
		 struct past *ret_past, struct ha_err *err)
{
	const struct ha_timing *timing = &hb->sb.timing;
	uint64_t deadline_ms = ha_clock_now_ms() +
			       (uint64_t)2 * timing->beat_ms +
			       timing->tolerance_ms;

	for (;;) {
		struct past past = look_back(hb);
		int rc;

		if ((past.valid == hb->conf.stores && !past.is_behind) ||
		    ha_clock_left_ms(deadline_ms) == 0) {
			*ret_past = past;
			return refuse_unreadable(hb, &past, err);
		}
		rc = hb_wait_step(patience, err);
		if (rc < 0) {
			return rc;
		}
	}
}

/* Same boot, VMs listed: they still run, so this is no new incarnation. */
static int
resume(struct hb *hb, const struct hb_patience *patience,
       const struct past *past, struct ha_err *err)
{
	int rc = take_list_back(hb, patience, err);

	if (rc < 0) {
		return rc;
	}
	pthread_mutex_lock(&hb->lock);
	hb->incarnation = past->beat.incarnation;
	/* Also above a restart of this boot that failed, whose beats stand where
	 * this one can't read. */
	hb->sequence = past->beat.sequence + SEQUENCE_JUMP + ha_clock_now_ms();
	/* Not the list that an unsealed beat named, nor one that the daemon
	 * before wrote and could not name any more. */
	hb->list.generation += GENERATION_JUMP;
	hb->sealed_generation = hb->list.generation;
	pthread_mutex_unlock(&hb->lock);
	patience->say(LOG_NOTICE,
		      "VMs of this boot are listed: their list is taken over, "
		      "the host begins sealed");
	return 0;
}

static bool
is_of_this_boot(const struct hb *hb, const struct past *past)
{
	return past->has_beat && memcmp(&past->beat.boot_id, &hb->boot_id,
					sizeof(hb->boot_id)) == 0;
}

/* Whatever runs here since this boot must be known, or gone. */
static int
refuse_past(const struct hb *hb, const struct past *past, struct ha_err *err)
{
	/* What is damaged may name a list of VMs that run since this boot. */
	if (past->hides && hb_marker_is_of(HB_RAN, &hb->boot_id)) {
		return ha_err_set(
			err, -EIO,
			"this host's beat (slot %u) is damaged on %u "
			"datastores, and a daemon ran before in this boot: "
			"which VMs it listed can't be known; reboot this host",
			hb->self, past->damaged);
	}
	return is_of_this_boot(hb, past) && past->beat.state == HA_BEAT_ARMED ?
		       refuse_killed(err) :
		       0;
}

int
hb_slot_claim(struct hb *hb, const struct hb_patience *patience,
	      struct ha_err *err)
{
	struct past past;
	uint32_t dice;
	int rc = wait_reads(hb, patience, ha_clock_now_ms(), err);

	if (rc < 0) {
		return rc;
	}
	rc = look_back_enough(hb, patience, &past, err);
	if (rc == 0) {
		rc = refuse_twin(hb, patience, &past, err);
	}
	if (rc == 0) {
		rc = refuse_past(hb, &past, err);
	}
	if (rc == 0) {
		rc = take_holds_back(hb, patience, &past, err);
	}
	if (rc < 0) {
		return rc;
	}
	if (past.hides) {
		patience->say(LOG_WARNING,
			      "this host's beat is damaged on some datastores: "
			      "holds that only those name are lost");
	}
	if (is_of_this_boot(hb, &past) && past.beat.list_count > 0) {
		return resume(hb, patience, &past, err);
	}
	if (getrandom(&dice, sizeof(dice), 0) != (ssize_t)sizeof(dice)) {
		return ha_err_set(err, -errno, "no random number: %s",
				  strerror(errno));
	}
	pthread_mutex_lock(&hb->lock);
	hb->incarnation = ha_incarnation_next(&hb->hosts[hb->self].watch, dice);
	hb->sequence = 0;
	pthread_mutex_unlock(&hb->lock);
	return 0;
}
