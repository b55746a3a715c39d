/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The watchdog. The only thread that arms, pets and closes it. It pets once
 * for each new evidence (SAFETY 1.1), and only behind the kill timer: the
 * kernel kills this process at evidence + B, so that no pause between the
 * check and the pet can buy a second W (SAFETY 1.2). Opening is a pet.
 *
 * It never pets after an order to reset or a conflict about the slot, never
 * closes the device unless "stopped" or "standing down" stands on w
 * datastores, and waits for nobody.
 *
 * The marker file says that a watchdog was armed in this boot: a daemon that
 * finds it was killed, and must not pet again before the host's reset.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "heartbeat/store.h"

#define LOOKS_PER_BEAT 4

struct pet {
	struct hb *hb;
	struct ha_watchdog watchdog;
	struct ha_deadman deadman;
	uint64_t stamp_ms;    /* evidence of the last pet */
	uint64_t retry_ms;    /* arming failed: not before */
	uint64_t last_ms;     /* last time round */
	uint64_t evidence_ms; /* newest evidence seen */
	bool is_armed;
};

/* ---- marker ------------------------------------------------------------ */

static int
marker_write(const struct hb *hb, const char *path, struct ha_err *err)
{
	ha_autoclose int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char text[96];
	char boot_id[37];
	int len;

	ha_uuid_format(&hb->boot_id, boot_id);
	len = snprintf(text, sizeof(text), "%s %llu\n", boot_id,
		       (unsigned long long)hb->incarnation);
	if (fd < 0 || write(fd, text, (size_t)len) != len) {
		return ha_err_set(err, -EIO, "can't write %s: %s", path,
				  strerror(errno));
	}
	return 0;
}

int
hb_marker_read(const char *path, char *ret_boot_id, size_t size)
{
	ha_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0) {
		return -errno;
	}
	len = read(fd, ret_boot_id, size - 1);
	if (len < 0) {
		return -errno;
	}
	ret_boot_id[len] = '\0';
	ret_boot_id[strcspn(ret_boot_id, " \n")] = '\0';
	return 0;
}

bool
hb_marker_is_of(const char *path, const struct ha_uuid *boot_id)
{
	char text[64];
	struct ha_uuid marked;

	return hb_marker_read(path, text, sizeof(text)) == 0 &&
	       ha_uuid_parse(text, &marked) == 0 &&
	       memcmp(&marked, boot_id, sizeof(marked)) == 0;
}

/* ---- evidence ---------------------------------------------------------- */

static struct ha_pet
judge(struct pet *p, bool *ret_is_reset)
{
	struct hb *hb = p->hb;
	struct ha_pet_facts facts = { 0 };

	pthread_mutex_lock(&hb->lock);
	facts.has_storage = ha_evidence_stamp(&hb->evidence, &facts.storage_ms);
	facts.has_ring = hb->has_ring_evidence;
	facts.ring_ms = hb->ring_evidence_ms;
	facts.is_lone = hb->is_lone;
	facts.lone_ms = hb->lone_ms;
	*ret_is_reset = hb->is_reset_ordered;
	pthread_mutex_unlock(&hb->lock);
	return ha_pet_judge(&facts, &hb->sb.timing, ha_clock_now_ms());
}

/* Lock not held: tells when the kind changes, and when there is none for
 * longer than one beat can take. */
static void
note_evidence(struct pet *p, const struct ha_pet *pet, uint64_t now_ms)
{
	struct hb *hb = p->hb;
	const struct ha_timing *timing = &hb->sb.timing;
	struct hb_event event = { .kind = HB_EVENT_EVIDENCE };
	enum ha_evidence_kind kind = pet->kind;

	pthread_mutex_lock(&hb->lock);
	if (kind != HA_EVIDENCE_NONE) {
		p->evidence_ms = pet->stamp_ms;
	} else if (!p->is_armed || now_ms <= p->evidence_ms + timing->beat_ms +
						     timing->tolerance_ms) {
		/* The next one is due, or nothing waits for it yet: after
		 * `vmha disarm` the last one is as old as that. */
		kind = hb->evidence_kind;
	}
	if (kind != hb->evidence_kind) {
		hb->evidence_kind = kind;
		event.value = kind;
		if (kind == HA_EVIDENCE_NONE) {
			event.kind = HB_EVENT_NO_EVIDENCE;
			event.value = now_ms - p->evidence_ms;
		}
		hb_event(hb, &event);
	}
	pthread_mutex_unlock(&hb->lock);
}

/* ---- pet, arm, close --------------------------------------------------- */

static void
pet_failed(struct pet *p, int code, const char *text)
{
	struct hb *hb = p->hb;
	struct hb_event event = { .kind = HB_EVENT_PET_FAILED, .code = code };

	(void)snprintf(event.text, sizeof(event.text), "%.127s", text);
	pthread_mutex_lock(&hb->lock);
	hb_event(hb, &event);
	pthread_mutex_unlock(&hb->lock);
}

/* SAFETY 1.2: from here until ha_deadman_unset() the kernel kills this
 * process at kill_at_ms. The judgement before may be any number of pauses
 * old, so it is made again behind the timer. False: nothing bought. */
static bool
take_cover(struct pet *p, struct ha_pet *ret_pet)
{
	bool is_reset;
	struct ha_pet pet = judge(p, &is_reset);
	uint64_t kill_at_ms = pet.kill_at_ms;
	int rc;

	note_evidence(p, &pet, ha_clock_now_ms());
	if (pet.kind == HA_EVIDENCE_NONE || is_reset ||
	    pet.stamp_ms <= p->stamp_ms ||
	    ha_clock_now_ms() + HB_PET_MARGIN_MS >= kill_at_ms) {
		return false;
	}
	rc = ha_deadman_set(&p->deadman, kill_at_ms);
	if (rc < 0) {
		pet_failed(p, rc, "the kill timer can't be set");
		return false;
	}
	pet = judge(p, &is_reset);
	/* Evidence may have been taken away meanwhile: what is left must
	 * reach as far as the timer does. */
	if (pet.kind == HA_EVIDENCE_NONE || is_reset ||
	    pet.kill_at_ms < kill_at_ms || ha_clock_now_ms() >= kill_at_ms) {
		(void)ha_deadman_unset(&p->deadman);
		return false;
	}
	*ret_pet = pet;
	return true;
}

static void
pet_once(struct pet *p)
{
	struct hb *hb = p->hb;
	struct ha_pet pet;
	int rc;

	if (!take_cover(p, &pet)) {
		return;
	}
	rc = ha_watchdog_pet(&p->watchdog);
	(void)ha_deadman_unset(&p->deadman);
	if (rc < 0) {
		pet_failed(p, rc, strerror(-rc));
		return;
	}
	p->stamp_ms = pet.stamp_ms;
	pthread_mutex_lock(&hb->lock);
	hb->last_pet_ms = ha_clock_now_ms();
	pthread_mutex_unlock(&hb->lock);
}

static void
publish_armed(struct pet *p, const struct ha_pet *pet)
{
	struct hb *hb = p->hb;
	struct hb_event event = { .kind = HB_EVENT_ARMED };

	p->is_armed = true;
	p->stamp_ms = pet->stamp_ms;
	pthread_mutex_lock(&hb->lock);
	hb->watchdog = p->watchdog;
	hb->is_armed = true;
	hb->wants_armed = false;
	hb->last_pet_ms = ha_clock_now_ms();
	hb->phase = hb->phase == HB_CLAIMING ? HB_ARMED : hb->phase;
	if (p->watchdog.is_soft) {
		hb->flags |= HA_BEAT_SOFTDOG;
	}
	hb_event(hb, &event);
	hb_mark(hb);
	pthread_mutex_unlock(&hb->lock);
}

static void
arm_failed(struct pet *p, int code, const struct ha_err *err)
{
	struct hb *hb = p->hb;

	pet_failed(p, code, err->text);
	p->retry_ms = ha_clock_now_ms() + hb->sb.timing.beat_ms;
	pthread_mutex_lock(&hb->lock);
	hb->watchdog_code = code;
	hb->watchdog_err = *err;
	pthread_mutex_unlock(&hb->lock);
}

/* The kernel stops a device without magic close when the daemon dies, and it
 * is by the daemon's death that a host without evidence ends (SAFETY 1.2). */
static int
refuse_device(struct pet *p, struct ha_err *err)
{
	(void)ha_watchdog_close(&p->watchdog, true, NULL);
	return ha_err_set(err, -ENOTSUP,
			  "watchdog %s (%s) stops when its program dies (no "
			  "magic close): it would not reset this host. Choose "
			  "another device",
			  p->watchdog.path, p->watchdog.identity);
}

static void
arm(struct pet *p)
{
	struct hb *hb = p->hb;
	const struct ha_hbconf *conf = &hb->conf;
	struct ha_err err = HA_ERR_INIT;
	struct ha_pet pet;
	int rc;

	if (ha_clock_now_ms() < p->retry_ms) {
		return;
	}
	/* Before the timer: the file system may be slow. Not armed yet, so
	 * this thread may touch one. */
	rc = marker_write(hb, HB_RAN, &err);
	rc = rc < 0 ? rc : marker_write(hb, HB_MARKER, &err);
	if (rc < 0) {
		arm_failed(p, rc, &err);
		return;
	}
	if (!take_cover(p, &pet)) {
		return;
	}
	rc = ha_watchdog_open(conf->watchdog, hb->sb.timing.watchdog_ms,
			      conf->pretimeout_s * 1000u, &p->watchdog, &err);
	(void)ha_deadman_unset(&p->deadman);
	if (rc == 0 && !p->watchdog.has_magic_close) {
		rc = refuse_device(p, &err);
	}
	if (rc < 0) {
		(void)unlink(HB_MARKER);
		arm_failed(p, rc, &err);
		return;
	}
	publish_armed(p, &pet);
}

static void
close_clean(struct pet *p)
{
	struct hb *hb = p->hb;
	struct hb_event event = { .kind = HB_EVENT_DISARMED };
	struct ha_err err = HA_ERR_INIT;
	int rc = ha_watchdog_close(&p->watchdog, true, &err);

	p->is_armed = false;
	if (rc == 0) {
		(void)unlink(HB_MARKER);
	} else {
		pet_failed(p, rc, err.text);
	}
	pthread_mutex_lock(&hb->lock);
	hb->watchdog_code = rc;
	hb->watchdog_err = err;
	hb->wants_closed = false;
	if (rc == 0) {
		hb_event(hb, &event);
	}
	hb_kick_locked(hb); /* acknowledges an order to stand down */
	pthread_mutex_unlock(&hb->lock);
}

/* ---- the thread -------------------------------------------------------- */

enum duty {
	DUTY_NONE,
	DUTY_ARM,
	DUTY_PET,
	DUTY_CLOSE,
	DUTY_END
};

/* Lock held. */
static enum duty
choose(struct pet *p)
{
	struct hb *hb = p->hb;

	if (hb->is_ending) {
		return DUTY_END;
	}
	if (!p->is_armed) {
		bool is_back = hb->phase == HB_ARMED && !hb->is_standing_down;

		hb->is_arming =
			(hb->wants_armed || is_back) && !hb->is_reset_ordered;
		return hb->is_arming ? DUTY_ARM : DUTY_NONE;
	}
	if (hb->is_reset_ordered) {
		return DUTY_NONE;
	}
	/* SAFETY 1.5: w datastores say so before the device is closed. */
	if ((hb->wants_closed && hb_is_marked(hb, HA_BEAT_STOPPED)) ||
	    (hb->phase == HB_ARMED && hb->is_standing_down &&
	     hb_is_marked(hb, HA_BEAT_STANDING_DOWN))) {
		/* Under the lock: no beat says "armed" from here on. */
		hb->is_armed = false;
		return DUTY_CLOSE;
	}
	return DUTY_PET;
}

static void
note_gap(struct pet *p, uint64_t now_ms)
{
	struct hb *hb = p->hb;
	struct hb_event event = {
		.kind = HB_EVENT_CLOCK,
		.value = now_ms - p->last_ms,
	};

	if (p->last_ms > 0 &&
	    now_ms > p->last_ms + hb->sb.timing.watchdog_ms / 2) {
		hb_event(hb, &event);
	}
	p->last_ms = now_ms;
}

static void *
pet_main(void *data)
{
	static const int MS_MIN = 1;
	struct pet p = { .hb = data };
	struct hb *hb = p.hb;
	struct pollfd fd = { .fd = hb->pet_fd, .events = POLLIN };
	struct ha_err err = HA_ERR_INIT;
	enum duty duty = DUTY_NONE;
	int step_ms = (int)(hb->sb.timing.beat_ms / LOOKS_PER_BEAT);
	int rc;
	uint32_t i;

	hb_thread_touch();
	rc = ha_deadman_init(&p.deadman, &err);
	if (rc < 0) {
		arm_failed(&p, rc, &err);
		p.retry_ms = UINT64_MAX; /* without it nothing is armed */
	}
	while (duty != DUTY_END) {
		if (poll(&fd, 1, step_ms > MS_MIN ? step_ms : MS_MIN) > 0) {
			hb_drain(fd.fd);
		}
		pthread_mutex_lock(&hb->lock);
		note_gap(&p, ha_clock_now_ms());
		for (i = 0; i < hb->conf.stores; i++) {
			hb_store_check(hb->stores[i], ha_clock_now_ms());
		}
		duty = choose(&p);
		pthread_mutex_unlock(&hb->lock);
		switch (duty) {
		case DUTY_ARM:
			arm(&p);
			pthread_mutex_lock(&hb->lock);
			hb->is_arming = false;
			pthread_mutex_unlock(&hb->lock);
			break;
		case DUTY_PET:
			pet_once(&p);
			break;
		case DUTY_CLOSE:
			close_clean(&p);
			break;
		case DUTY_NONE:
		case DUTY_END:
			break;
		}
	}
	ha_deadman_done(&p.deadman);
	pthread_mutex_lock(&hb->lock);
	hb->is_pet_ended = true;
	pthread_mutex_unlock(&hb->lock);
	return NULL;
}

int
hb_pet_begin(struct hb *hb, struct ha_err *err)
{
	int rc = hb_thread_begin(&hb->pet_thread, pet_main, hb);

	if (rc < 0) {
		return ha_err_set(err, rc, "can't start the pet thread: %s",
				  strerror(-rc));
	}
	hb->has_pet_thread = true;
	return 0;
}
