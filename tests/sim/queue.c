/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The events to come, as a binary heap in the world itself: no allocation
 * while a schedule runs. Equal times are served in the order of pushing, or
 * a seed would not replay.
 */
#include <stdlib.h>

#include "sim.h"

static inline bool
is_before(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void
queue_push(struct world *w, const struct event *event)
{
	uint32_t i = w->queue_count++;
	struct event e = *event;

	if (i >= SIM_EVENTS) {
		abort(); /* a bug of the simulator: a loop that feeds itself */
	}
	e.order = w->order++;
	while (i) {
		uint32_t parent = (i - 1) / 2;

		if (!is_before(&e, &w->queue[parent])) {
			break;
		}
		w->queue[i] = w->queue[parent];
		i = parent;
	}
	w->queue[i] = e;
}

bool
queue_pop(struct world *w, struct event *ret_event)
{
	uint32_t i = 0;
	uint32_t count;
	struct event last;

	if (!w->queue_count) {
		return false;
	}
	*ret_event = w->queue[0];
	count = --w->queue_count;
	last = w->queue[count];
	while (2 * i + 1 < count) {
		uint32_t child = 2 * i + 1;

		if (child + 1 < count &&
		    is_before(&w->queue[child + 1], &w->queue[child])) {
			child++;
		}
		if (!is_before(&w->queue[child], &last)) {
			break;
		}
		w->queue[i] = w->queue[child];
		i = child;
	}
	w->queue[i] = last;
	return true;
}
