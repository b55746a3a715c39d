/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults as they strike and end: pauses, paths to datastores, partitions,
 * power, killed and stopped daemons. What was done to whom is noted, since a
 * host that nothing was done to must not be reset.
 */
#include "sim.h"

#define BOOT_OFFSET_MS 3600000
#define REBOOT_PERCENT 75

static void
disturb_all(struct world *w)
{
	uint32_t i;

	for (i = 0; i < w->hosts; i++) {
		w->truth[i].is_disturbed = true;
	}
}

void
host_power_on(struct world *w, uint32_t host)
{
	struct host *h = &w->host[host];

	if (h->is_on) {
		return;
	}
	h->is_on = true;
	h->has_corosync = true;
	h->is_wait_done = false;
	h->boot++;
	/* CLOCK_BOOTTIME begins anew, and sometimes it is young. */
	h->offset_us = draw_percent(w, 30) ?
			       0 :
			       draw_below(w, BOOT_OFFSET_MS) * US_PER_MS;
	h->offset_us += 2 * US_PER_MS;
	STORY(w, host, "power on, boot %u", h->boot);
	net_changed(w);
	if (w->l.is_on) {
		lock_power_on(w, host);
	}
	world_plain(w, EV_DAEMON, host, 0, 0,
		    w->now_us +
			    draw_below(w, 2 * w->timing.beat_ms) * US_PER_MS);
}

void
host_power_off(struct world *w, uint32_t host, const char *why)
{
	struct host *h = &w->host[host];
	struct truth *truth = &w->truth[host];
	uint32_t i;

	if (!h->is_on) {
		return;
	}
	STORY(w, host, "power off: %s", why);
	h->is_on = false;
	daemon_end(w, host, why);
	if (w->l.is_on) {
		lock_power_off(w, host);
	}
	h->has_marker = false;
	h->kept_count = 0;
	h->is_watchdog_open = false;
	h->watchdog_us = NEVER_US;
	h->paused_until_us = h->stopped_until_us = 0;
	h->still_until_us = 0;
	h->has_corosync = false;
	h->net_seq = 0;
	h->net_members = 0;
	truth->guarded = truth->runs = 0;
	truth->is_disturbed = true;
	/* Another one lost: the clocks of ring evidence may begin anew. */
	for (i = 0; i < w->hosts; i++) {
		w->truth[i].fit_us = 0;
	}
	net_changed(w);
}

void
host_reset(struct world *w, uint32_t host, const char *why)
{
	host_power_off(w, host, why);
	if (draw_percent(w, REBOOT_PERCENT)) {
		world_plain(
			w, EV_POWER_ON, host, 0, 0,
			w->now_us +
				draw_between(w, 1, 3 * w->timing.watchdog_ms) *
					US_PER_MS);
	}
}

static void
set_paths(struct world *w, const struct fault *f)
{
	struct condition c = { f->mode, w->now_us + f->length_us };
	uint32_t s;

	for (s = 0; s < w->stores; s++) {
		struct path *path = &w->host[f->host].path[s];

		if (!(f->mask & 1u << s)) {
			continue;
		}
		if (f->extra & 1) {
			path->write = c;
			w->truth[f->host].bad_stores |= 1u << s;
		}
		if (f->extra & 2) {
			path->read = c;
		}
	}
}

static void
partition(struct world *w, const struct fault *f, bool is_end)
{
	uint32_t i;

	STORY(w, SIM_HOSTS, is_end ? "network whole" : "partition 0x%x",
	      f->mask);
	for (i = 0; i < w->hosts; i++) {
		w->host[i].component = is_end ? 0 : f->mask >> i & 1;
	}
	disturb_all(w);
	net_changed(w);
}

static void
pause_host(struct world *w, const struct fault *f, uint32_t index)
{
	struct host *h = &w->host[f->host];

	STORY(w, f->host, "host pauses for %llu ms",
	      (unsigned long long)(f->length_us / US_PER_MS));
	h->paused_until_us = w->now_us + f->length_us;
	w->truth[f->host].is_disturbed = true;
	if (w->is_two_node) {
		disturb_all(w); /* each side may take the other for lost */
	}
	net_changed(w);
	world_plain(w, EV_HEAL, f->host, 0, index, h->paused_until_us);
}

static void
stand_still(struct world *w, const struct fault *f, uint32_t index)
{
	uint64_t until_us = w->now_us + f->length_us;

	STORY(w, f->host, "corosync stands still for %llu ms",
	      (unsigned long long)(f->length_us / US_PER_MS));
	net_still(w, f->host, until_us);
	if (w->is_two_node) {
		disturb_all(w); /* each side may take the other for lost */
	}
	world_plain(w, EV_HEAL, f->host, 0, index, until_us);
}

static void
pull(struct world *w, const struct fault *f)
{
	host_power_off(w, f->host, "pulled");
	if (f->length_us) {
		world_plain(w, EV_POWER_ON, f->host, 0, 0,
			    w->now_us + f->length_us);
	}
}

static void
kill_daemon(struct world *w, const struct fault *f)
{
	daemon_end(w, f->host, "killed");
	world_plain(w, EV_DAEMON, f->host, 0, 0, w->now_us + f->length_us + 1);
}

static void
stop_clean(struct world *w, const struct fault *f)
{
	daemon_stop(w, f->host, f->extra != 0);
	if (f->length_us) {
		world_plain(w, EV_DAEMON, f->host, 0, 0,
			    w->now_us + f->length_us);
	}
}

/* The power goes for good, and everybody who is fit must find out. */
static void
last_off(struct world *w, const struct fault *f)
{
	struct truth *truth = &w->truth[f->host];
	uint64_t bound_us;
	uint32_t i;

	if (!w->host[f->host].is_on ||
	    w->host[f->host].d.phase != PHASE_ARMED ||
	    truth->runs != w->host[f->host].d.incarnation) {
		return;
	}
	truth->off_us = w->now_us;
	truth->off_incarnation = truth->runs;
	host_power_off(w, f->host, "for good");
	for (i = 0; i < w->hosts; i++) {
		w->truth[i].fit_us = 0;
		if (w->host[i].is_on && w->host[i].d.phase == PHASE_ARMED &&
		    w->truth[i].runs && w->host[i].d.ring.is_quorate) {
			w->truth[i].fit_us = w->now_us;
		}
	}
	bound_us = w->token_us + w->token_us / 2 +
		   (w->silence_ms + 4 * w->timing.beat_ms) * US_PER_MS;
	world_plain(w, EV_CHECK, f->host, 0, 0, w->now_us + bound_us);
}

static void
heal_all(struct world *w)
{
	uint32_t i;
	uint32_t s;

	STORY(w, SIM_HOSTS, "everything is repaired");
	w->is_quiet = true;
	w->stall_count = 0;
	for (i = 0; i < w->hosts; i++) {
		w->host[i].component = 0;
		for (s = 0; s < w->stores; s++) {
			w->host[i].path[s] =
				(struct path){ { 0, 0 }, { 0, 0 } };
		}
	}
	net_changed(w);
}

/* A host without power or daemon gets them again; a daemon that was killed
 * while armed is not started, its watchdog does that. */
static void
come_back(struct world *w, uint32_t host)
{
	if (!w->host[host].is_on) {
		host_power_on(w, host);
	} else if (w->host[host].d.phase == PHASE_OFF) {
		daemon_start(w, host);
	}
}

static void
fence(struct world *w, const struct fault *f)
{
	if (w->host[f->mode].d.phase == PHASE_ARMED) {
		observe_session(w, f->mode, f->host,
				(w->host[f->mode].d.members & 1u << f->host) !=
					0);
	}
}

void
fault_begin(struct world *w, uint32_t index)
{
	struct fault *f = &w->faults[index];

	if (f->host >= SIM_HOSTS) {
		lock_aim(w, f);
	}
	w->truth[f->host].is_disturbed |=
		f->kind != FAULT_PATH && f->kind != FAULT_HEAL;
	switch ((enum fault_kind)f->kind) {
	case FAULT_PAUSE_HOST:
		pause_host(w, f, index);
		break;
	case FAULT_PAUSE_DAEMON:
		STORY(w, f->host, "daemon pauses for %llu ms",
		      (unsigned long long)(f->length_us / US_PER_MS));
		w->host[f->host].stopped_until_us = w->now_us + f->length_us;
		break;
	case FAULT_STILL:
		stand_still(w, f, index);
		break;
	case FAULT_PATH:
		STORY(w, f->host,
		      "path: datastores 0x%x, mode %u, %s%s for %llu ms",
		      f->mask, f->mode, f->extra & 1 ? "writes " : "",
		      f->extra & 2 ? "reads" : "",
		      (unsigned long long)(f->length_us / US_PER_MS));
		set_paths(w, f);
		break;
	case FAULT_PARTITION:
		partition(w, f, false);
		world_plain(w, EV_HEAL, f->host, 0, index,
			    w->now_us + f->length_us);
		break;
	case FAULT_POWER:
		pull(w, f);
		break;
	case FAULT_KILL:
		kill_daemon(w, f);
		break;
	case FAULT_STOP:
		stop_clean(w, f);
		break;
	case FAULT_FENCE:
		fence(w, f);
		break;
	case FAULT_HEAL:
		heal_all(w);
		break;
	case FAULT_LAST:
		last_off(w, f);
		break;
	case FAULT_BACK:
		come_back(w, f->host);
		break;
	case FAULT_STALL:
	case FAULT_N:
		break;
	}
}

void
fault_end(struct world *w, uint32_t index)
{
	const struct fault *f = &w->faults[index];

	if (f->kind == FAULT_PARTITION) {
		partition(w, f, true);
	} else if (f->kind == FAULT_STILL) {
		net_resume(w, f->host);
	} else {
		net_changed(w); /* a pause is over: corosync looks again */
	}
}
