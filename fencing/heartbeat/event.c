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
	char before[sizeof(view->error)];

	memcpy(before, view->error, sizeof(before));
	(void)snprintf(view->error, sizeof(view->error), "%s", text);
	view->is_working = false;
	if (strcmp(before, view->error) != 0) {
		(void)snprintf(event.text, sizeof(event.text), "%.127s", text);
		hb_event(st->hb, &event);
	}
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
		hb_event(st->hb, &event);
	}
	view->is_working = is_good;
}

void
hb_store_check(struct hb_store *st, uint64_t now_ms)
{
	uint64_t limit_ms = st->hb->sb.timing.tolerance_ms;

	if (!st->hb->is_agreed) {
		return;
	}
	if (st->write_since_ms > 0 && now_ms > st->write_since_ms + limit_ms) {
		st->is_write_good = false;
		hb_store_failed(st, -ETIMEDOUT,
				"a write hangs: look at the path to this "
				"datastore");
	}
	if (st->read_since_ms > 0 && now_ms > st->read_since_ms + limit_ms) {
		st->is_read_good = false;
		hb_store_failed(st, -ETIMEDOUT,
				"a read hangs: look at the path to this "
				"datastore");
	}
}
