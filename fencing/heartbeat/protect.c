/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protected list on the datastores. A datastore is read before it is
 * written for the first time, so that a write goes to the copy that is not the
 * newest whole one: a torn write never loses that. What is wanted is written to
 * every datastore, again when one comes back, as long as this host is master of
 * its term. Bytes are moved by the store threads (job.c), everything else is
 * done here, in main; nothing here waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ha/clock.h"
#include "ha/disk.h"
#include "heartbeat/job.h"
#include "heartbeat/serve.h"

#define COPIES 2u

/* ---- what is known ------------------------------------------------------- */

static bool
is_newer(uint64_t term, uint64_t generation, uint64_t than_term,
	 uint64_t than_generation)
{
	return term != than_term ? term > than_term :
				   generation > than_generation;
}

uint32_t
hbs_protect_count(const struct hbs *s, uint64_t term, uint64_t generation)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->hb->sb.stores; i++) {
		const struct hbs_area *area = &s->protect.areas[i];

		count += area->term == term && area->generation >= generation;
	}
	return count;
}

uint32_t
hbs_protect_count_read(const struct hbs *s, uint64_t since_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->hb->sb.stores; i++) {
		count += s->protect.areas[i].read_ms >= since_ms;
	}
	return count;
}

bool
hbs_protect_is_past(const struct hbs *s, uint64_t term)
{
	for (uint32_t i = 0; i < s->hb->sb.stores; i++) {
		if (s->protect.areas[i].term > term) {
			return true;
		}
	}
	return false;
}

bool
hbs_protect_is_best(struct hbs *s, uint64_t since_ms)
{
	struct hbs_protect *protect = &s->protect;
	uint64_t term = 0;
	uint64_t generation = 0;

	for (uint32_t i = 0; i < s->hb->sb.stores; i++) {
		const struct hbs_area *area = &protect->areas[i];

		if (area->read_ms >= since_ms &&
		    is_newer(area->term, area->generation, term, generation)) {
			term = area->term;
			generation = area->generation;
		}
	}
	if (term == protect->best.term &&
	    (term == 0 || generation == protect->best.generation)) {
		return true;
	}
	/* The areas were made anew: what is remembered is not there any more. */
	protect->best.term = 0;
	protect->best.count = 0;
	for (uint32_t i = 0; i < s->hb->sb.stores; i++) {
		protect->areas[i].read_ms = 0;
	}
	return false;
}

static bool
copy_list(struct ha_protected_list *to, const struct ha_protected_list *from)
{
	struct ha_protected_vm *vms =
		realloc(to->vms, (from->count + 1) * sizeof(*vms));

	if (!vms) {
		return false;
	}
	if (from->count > 0) {
		memcpy(vms, from->vms, from->count * sizeof(*vms));
	}
	*to = *from;
	to->vms = vms;
	return true;
}

void
hbs_protect_want(struct hbs *s, struct ha_protected_list *list)
{
	struct ha_protected_list *want = &s->protect.want;
	uint64_t generation =
		want->term == list->term ? want->generation + 1 : 1;

	/* Entries are filled with zeros behind their names. */
	if (want->term == list->term && want->count == list->count &&
	    memcmp(want->vms, list->vms, want->count * sizeof(*want->vms)) ==
		    0) {
		return;
	}
	/* Others may have written since the last term of this host. */
	for (uint32_t i = 0; want->term != list->term && i < HA_STORES_MAX;
	     i++) {
		s->protect.areas[i].read_ms = 0;
	}
	free(want->vms);
	*want = *list;
	want->generation = generation;
	list->vms = NULL;
	list->count = 0;
}

/* ---- one datastore: reading ---------------------------------------------- */

static bool
make_room(struct hbs_area *area, uint32_t blocks)
{
	if (area->blocks >= blocks) {
		return true;
	}
	ha_disk_buffer_free(area->buffer);
	area->buffer = ha_disk_buffer_new((size_t)blocks * HA_BLOCK);
	area->blocks = area->buffer ? blocks : 0;
	return area->buffer != NULL;
}

static void
fail(struct hbs_area *area, int code, uint64_t now_ms)
{
	area->step = HBS_AREA_IDLE;
	area->code = code;
	area->retry_ms = now_ms + HBS_PROTECT_RETRY_MS;
}

/* Of a copy, from its first block on. */
static void
begin(struct hbs *s, uint32_t store, enum hbs_area_step step, uint32_t copy,
      uint32_t blocks, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	struct hbs_area *area = &s->protect.areas[store];
	const struct ha_region *region = &hb->layout.protected_list;
	struct hb_job job = {
		.is_write = step == HBS_AREA_WRITE,
		.term = s->protect.want.term,
		.buffer = area->buffer,
		.bytes = (size_t)blocks * HA_BLOCK,
		.offset = (region->first + copy * region->blocks / COPIES) *
			  HA_BLOCK,
	};
	bool is_begun;

	pthread_mutex_lock(&hb->lock);
	is_begun = hb_job_begin(hb, store, &job);
	pthread_mutex_unlock(&hb->lock);
	if (!is_begun) {
		fail(area, -ENOTCONN, now_ms);
		return;
	}
	area->step = step;
	area->asked = copy;
}

static void
begin_round(struct hbs *s, uint32_t store, uint64_t opens, uint64_t now_ms)
{
	struct hbs_area *area = &s->protect.areas[store];

	if (!make_room(area, 1)) {
		fail(area, -ENOMEM, now_ms);
		return;
	}
	area->began_ms = now_ms;
	area->opens = opens;
	area->firsts = 0;
	begin(s, store, HBS_AREA_FIRST, 0, 1, now_ms);
}

static void
end_round(struct hbs *s, uint32_t store, const struct ha_protected_list *list)
{
	struct hbs_area *area = &s->protect.areas[store];

	area->step = HBS_AREA_IDLE;
	area->code = 0;
	area->read_ms = area->began_ms;
	area->term = list ? list->term : 0;
	area->generation = list ? list->generation : 0;
	/* Where there is none, the next one goes to copy 0. */
	area->copy = list ? area->asked : 1;
}

/* Which copy next? */
static void
read_copy(struct hbs *s, uint32_t store, bool is_second_try, uint64_t now_ms)
{
	struct hbs_area *area = &s->protect.areas[store];
	const struct ha_protected_list *first = area->first;
	uint32_t copy;
	uint32_t blocks;

	if (area->firsts == 0) {
		end_round(s, store, NULL);
		return;
	}
	copy = area->firsts == 1 ? 0 :
	       area->firsts == 2 ? 1 :
				   is_newer(first[1].term, first[1].generation,
					    first[0].term, first[0].generation);
	blocks = ha_protected_list_blocks(first[copy].count);
	if (!make_room(area, blocks)) {
		fail(area, -ENOMEM, now_ms);
		return;
	}
	begin(s, store, is_second_try ? HBS_AREA_OLDER : HBS_AREA_NEWER, copy,
	      blocks, now_ms);
}

static void
take_first(struct hbs *s, uint32_t store, uint64_t now_ms)
{
	struct hbs_area *area = &s->protect.areas[store];

	if (ha_protected_list_peek(&s->hb->sb, area->asked, area->buffer,
				   &area->first[area->asked]) == HA_BLOCK_OK) {
		area->firsts |= 1u << area->asked;
	}
	if (area->asked == 0) {
		begin(s, store, HBS_AREA_SECOND, 1, 1, now_ms);
	} else {
		read_copy(s, store, false, now_ms);
	}
}

static void
take_copy(struct hbs *s, uint32_t store, uint64_t now_ms)
{
	struct hbs_protect *protect = &s->protect;
	struct hbs_area *area = &protect->areas[store];
	uint32_t count = area->first[area->asked].count;
	struct ha_protected_list list = {
		.vms = calloc((size_t)count + 1, sizeof(*list.vms)),
	};

	if (!list.vms) {
		fail(area, -ENOMEM, now_ms);
		return;
	}
	/* There is room for the list that was peeked at: another one may stand
	 * there by now, and is refused. */
	if (ha_protected_list_decode(&s->hb->sb, area->asked, area->buffer,
				     ha_protected_list_blocks(count), count,
				     &list) != HA_BLOCK_OK ||
	    list.count != count) {
		area->firsts &= ~(1u << area->asked);
		free(list.vms);
		read_copy(s, store, true, now_ms);
		return;
	}
	end_round(s, store, &list);
	if (is_newer(list.term, list.generation, protect->best.term,
		     protect->best.generation) ||
	    protect->best.term == 0) {
		free(protect->best.vms);
		protect->best = list;
		list.vms = NULL;
	}
	free(list.vms);
}

/* ---- one datastore: writing ---------------------------------------------- */

static void
begin_write(struct hbs *s, uint32_t store, uint64_t now_ms)
{
	struct hbs_area *area = &s->protect.areas[store];
	const struct ha_protected_list *want = &s->protect.want;
	uint32_t blocks = ha_protected_list_blocks(want->count);
	uint32_t copy = 1 - area->copy;

	if (!make_room(area, blocks)) {
		fail(area, -ENOMEM, now_ms);
		return;
	}
	ha_protected_list_encode(&s->hb->sb, want, copy, area->buffer);
	area->going_term = want->term;
	area->going_generation = want->generation;
	begin(s, store, HBS_AREA_WRITE, copy, blocks, now_ms);
}

static void
end_write(struct hbs *s, uint32_t store)
{
	struct hbs_protect *protect = &s->protect;
	struct hbs_area *area = &protect->areas[store];

	area->step = HBS_AREA_IDLE;
	area->code = 0;
	area->copy = area->asked;
	area->term = area->going_term;
	area->generation = area->going_generation;
	if (area->term == protect->want.term &&
	    area->generation == protect->want.generation &&
	    is_newer(area->term, area->generation, protect->best.term,
		     protect->best.generation)) {
		(void)copy_list(&protect->best, &protect->want);
	}
}

/* ---- what is due --------------------------------------------------------- */

static void
move(struct hbs *s, uint32_t store, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	struct hbs_area *area = &s->protect.areas[store];
	bool has_ended;
	int code = 0;

	pthread_mutex_lock(&hb->lock);
	has_ended = hb_job_end(hb, store, &code);
	pthread_mutex_unlock(&hb->lock);
	if (!has_ended) {
		return;
	}
	if (code < 0) {
		/* A write that failed may have torn its copy, not the other. */
		fail(area, code, now_ms);
		return;
	}
	switch (area->step) {
	case HBS_AREA_FIRST:
	case HBS_AREA_SECOND:
		take_first(s, store, now_ms);
		break;
	case HBS_AREA_NEWER:
	case HBS_AREA_OLDER:
		take_copy(s, store, now_ms);
		break;
	case HBS_AREA_WRITE:
		end_write(s, store);
		break;
	case HBS_AREA_IDLE:
		break;
	}
}

/* Somebody waits for news of it. */
static bool
is_asked_for(const struct hbs *s, const struct hbs_area *area)
{
	for (uint32_t i = 0; i < HBS_WAITS; i++) {
		const struct hbs_wait *wait = &s->waits[i];

		if (wait->client && wait->kind == HBS_WAIT_PROTECTED &&
		    area->read_ms < wait->since_ms) {
			return true;
		}
	}
	return false;
}

static void
look_at(struct hbs *s, uint32_t store, bool is_master, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	struct hbs_area *area = &s->protect.areas[store];
	const struct ha_protected_list *want = &s->protect.want;
	uint64_t opens;
	bool is_open;

	if (area->step != HBS_AREA_IDLE) {
		move(s, store, now_ms);
	}
	pthread_mutex_lock(&hb->lock);
	is_open = hb->views[store].is_open && hb->views[store].is_working;
	opens = hb_store_opens(hb, store);
	pthread_mutex_unlock(&hb->lock);
	if (area->step != HBS_AREA_IDLE || !is_open ||
	    now_ms < area->retry_ms) {
		return;
	}
	if (area->opens != opens) {
		/* It may be another area by now. */
		area->read_ms = 0;
		area->term = 0;
	}
	if (is_asked_for(s, area) || (is_master && area->read_ms == 0)) {
		begin_round(s, store, opens, now_ms);
	} else if (is_master && !hbs_protect_is_past(s, want->term) &&
		   is_newer(want->term, want->generation, area->term,
			    area->generation)) {
		begin_write(s, store, now_ms);
	}
}

void
hbs_protect_look(struct hbs *s, uint64_t now_ms)
{
	struct hb *hb = s->hb;
	struct hbs_protect *protect = &s->protect;
	bool is_master;

	pthread_mutex_lock(&hb->lock);
	is_master = protect->want.term != 0 &&
		    hb->master_term == protect->want.term;
	pthread_mutex_unlock(&hb->lock);
	/* Another master's list is the one that counts now. */
	if (!is_master) {
		protect->want.term = 0;
	}
	for (uint32_t i = 0; i < hb->sb.stores; i++) {
		look_at(s, i, is_master, now_ms);
	}
}
