/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What store and pet threads have to say. They never log: a log that blocks
 * would stop a beat. They leave events in a ring that main empties, and wake
 * it. An event is left when something changes, not each time it is seen.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ha/clock.h"
#include "heartbeat/store.h"

#define LOOK ", look at the path to this datastore"

void
hb_wake(int fd)
{
	uint64_t one = 1;

	/* A full counter wakes just as well. */
	(void)!write(fd, &one, sizeof(one));
}

void
hb_drain(int fd)
{
	uint64_t count;

	(void)!read(fd, &count, sizeof(count));
}

void
hb_event(struct hb *hb, const struct hb_event *event)
{
	uint32_t at;

	if (hb->events_count == HB_EVENTS) {
		hb->events_first = (hb->events_first + 1) % HB_EVENTS;
		hb->events_count--;
		hb->events_lost++;
	}
	at = (hb->events_first + hb->events_count) % HB_EVENTS;
	hb->events[at] = *event;
	if (hb->events[at].at_ms == 0) {
		hb->events[at].at_ms = ha_clock_now_ms();
	}
	hb->events_count++;
	hb_wake(hb->main_fd);
}

void
hb_store_failed(struct hb_store *st, int code, const char *text)
{
	struct hb_store_view *view = &st->hb->views[st->index];
	struct hb_event event = {
		.kind = HB_EVENT_STORE_FAILED,
		.store = st->index,
		.code = code,
	};
	bool is_news = view->is_working || st->failed_code != code;

	view->is_working = false;
	st->failed_code = code;
	(void)snprintf(view->error, sizeof(view->error), "%s", text);
	if (is_news) {
		(void)snprintf(event.text, sizeof(event.text), "%.127s", text);
		hb_event(st->hb, &event);
	}
}

void
hb_store_slow(struct hb_store *st, uint64_t took_ms)
{
	struct hb_store_view *view = &st->hb->views[st->index];
	struct hb_event event = {
		.kind = HB_EVENT_STORE_SLOW,
		.store = st->index,
		.value = took_ms,
	};

	view->late++;
	if (view->is_working) {
		hb_event(st->hb, &event);
	}
	view->is_working = false;
	st->failed_code = -ETIMEDOUT;
	(void)snprintf(view->error, sizeof(view->error),
		       "writes take longer than the device tolerance: look at "
		       "the load of this datastore");
}

void
hb_store_update(struct hb_store *st)
{
	struct hb_store_view *view = &st->hb->views[st->index];
	struct hb_event event = {
		.kind = HB_EVENT_STORE_OK,
		.store = st->index,
	};
	bool is_good = view->is_open && !st->is_broken && st->is_read_good &&
		       (st->is_write_good || !st->hb->is_claimed);

	if (is_good && !view->is_working) {
		view->error[0] = '\0';
		st->failed_code = 0;
		hb_event(st->hb, &event);
	}
	view->is_working = is_good;
}

void
hb_store_check(struct hb_store *st, uint64_t now_ms)
{
	uint64_t limit_ms = st->hb->sb.timing.tolerance_ms;
	bool is_write, is_read;

	if (!st->hb->is_agreed) {
		return;
	}
	is_write = st->write_since_ms > 0 &&
		   now_ms > st->write_since_ms + limit_ms;
	is_read =
		st->read_since_ms > 0 && now_ms > st->read_since_ms + limit_ms;
	if (is_write) {
		st->is_write_good = false;
	}
	if (is_read) {
		st->is_read_good = false;
	}
	if (is_write || is_read) {
		hb_store_failed(st, -ETIMEDOUT,
				is_write && is_read ?
					"reads and writes hang" LOOK :
				is_write ? "a write hangs" LOOK :
					   "a read hangs" LOOK);
	}
}
