/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread of one datastore. It opens it (again and again while that
 * fails), writes the beat each B or when kicked, reads all beats each B, and
 * VM lists when a beat names one that is not known.
 *
 * At most one write and one read are open on a datastore, so that an old
 * write can't land over a newer one. A hung operation is waited for, since
 * nothing can take it back; the pet thread lives without this datastore
 * meanwhile. After an error the datastore is closed and must prove again
 * that it is the right one.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ha/clock.h"
#include "heartbeat/store.h"

uint64_t
hb_store_beat_ms(const struct hb_store *st)
{
	uint32_t beat_ms = st->sb.timing.beat_ms;

	return st->was_open ? beat_ms : HB_UNKNOWN_BEAT_MS;
}

bool
hb_is_ending(struct hb *hb)
{
	bool is_ending;

	pthread_mutex_lock(&hb->lock);
	is_ending = hb->is_ending;
	pthread_mutex_unlock(&hb->lock);
	return is_ending;
}

void
hb_store_break(struct hb_store *st, int code, const char *format, ...)
{
	struct hb *hb = st->hb;
	char text[sizeof(hb->views[0].error)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	st->is_broken = true;
	/* The next slot, not a storm of writes that fail. */
	st->not_before_ms = ha_clock_now_ms() + hb_store_beat_ms(st);
	pthread_mutex_lock(&hb->lock);
	hb->views[st->index].errors++;
	hb_store_failed(st, code, text);
	pthread_mutex_unlock(&hb->lock);
}

/* ---- operations -------------------------------------------------------- */

static void
begin_read(struct hb_store *st, enum hb_tag tag, void *buffer, size_t bytes,
	   uint64_t offset)
{
	struct hb *hb = st->hb;
	int rc;

	pthread_mutex_lock(&hb->lock);
	st->read_since_ms = ha_clock_now_ms();
	pthread_mutex_unlock(&hb->lock);
	st->is_reading = true;
	rc = ha_disk_read(st->disk, tag, buffer, bytes, offset);
	if (rc < 0) {
		st->is_reading = false;
		pthread_mutex_lock(&hb->lock);
		st->read_since_ms = 0;
		st->is_read_good = false;
		pthread_mutex_unlock(&hb->lock);
		hb_store_break(st, rc, "can't read: %s", strerror(-rc));
	}
}

static void
begin_write(struct hb_store *st, enum hb_tag tag, const void *buffer,
	    size_t bytes, uint64_t offset)
{
	struct hb *hb = st->hb;
	int rc;

	pthread_mutex_lock(&hb->lock);
	st->write_since_ms = ha_clock_now_ms();
	pthread_mutex_unlock(&hb->lock);
	st->is_writing = true;
	rc = ha_disk_write(st->disk, tag, buffer, bytes, offset);
	if (rc < 0) {
		st->is_writing = false;
		pthread_mutex_lock(&hb->lock);
		st->write_since_ms = 0;
		st->is_write_good = false;
		pthread_mutex_unlock(&hb->lock);
		hb_store_break(st, rc, "can't write: %s", strerror(-rc));
	}
}

static uint64_t
next_slot(uint64_t due_ms, uint64_t now_ms, uint64_t beat_ms)
{
	/* An absolute schedule; a missed slot is not made up. */
	return due_ms == 0 || due_ms + beat_ms <= now_ms ? now_ms + beat_ms :
							   due_ms + beat_ms;
}

/* The VM list before the holds: somebody waits for it. */
static void
write_list(struct hb_store *st)
{
	bool is_vms = st->owes_vms;
	uint64_t offset;
	size_t bytes = is_vms ? hb_list_encode(st, &offset) :
				hb_hold_encode(st, &offset);

	begin_write(st, is_vms ? HB_TAG_OWN_LIST : HB_TAG_OWN_HOLDS,
		    st->own_blocks, bytes, offset);
}

static void
write_step(struct hb_store *st, uint64_t now_ms)
{
	struct hb *hb = st->hb;
	bool is_due, is_list, is_begun;
	uint64_t offset;
	uint8_t *job;
	size_t bytes;

	if (st->is_writing || !st->has_head || now_ms < st->not_before_ms) {
		return;
	}
	pthread_mutex_lock(&hb->lock);
	is_begun = st->owes_vms || st->owes_holds;
	is_due = hb->is_claimed &&
		 (st->is_beat_next || st->want_beat || is_begun ||
		  now_ms >= st->next_beat_ms || hb_list_is_behind(st));
	/* After the lists the beat that names them, also when they have
	 * changed again meanwhile. */
	is_list = !st->is_beat_next && (is_begun || hb_list_is_behind(st));
	if (is_due && is_list && !is_begun) {
		hb_list_take(st);
	} else if (is_due && !is_list) {
		st->want_beat = false;
		if (now_ms >= st->next_beat_ms) {
			st->next_beat_ms = next_slot(st->next_beat_ms, now_ms,
						     hb->sb.timing.beat_ms);
		}
		hb_beat_assemble(st, &st->beat_out);
	}
	pthread_mutex_unlock(&hb->lock);
	if (is_due && is_list) {
		write_list(st);
	} else if (is_due) {
		st->is_beat_next = false;
		offset = (hb->layout.beats.first + hb->self) * HA_BLOCK;
		ha_beat_encode(&hb->sb, &st->beat_out, st->beat);
		begin_write(st, HB_TAG_BEAT, st->beat, HA_BLOCK, offset);
	} else if ((job = hb_job_next(st, true, &bytes, &offset)) != NULL) {
		begin_write(st, HB_TAG_JOB, job, bytes, offset);
	}
}

static void
read_step(struct hb_store *st, uint64_t now_ms)
{
	struct hb *hb = st->hb;
	uint32_t slot = HA_SLOT_NONE;
	uint64_t offset = 0;
	size_t bytes = 0;
	enum hb_tag tag = HB_TAG_LIST;
	uint8_t *job;
	bool is_due;

	if (st->is_reading) {
		return;
	}
	pthread_mutex_lock(&hb->lock);
	is_due = hb->is_agreed &&
		 (st->want_read || !st->has_head || now_ms >= st->next_read_ms);
	if (is_due) {
		st->want_read = false;
		st->head_slots = hb_slots_used(hb);
		bytes = (size_t)(hb->layout.beats.first + st->head_slots) *
			HA_BLOCK;
	} else if (hb->is_agreed) {
		slot = hb_list_choose(st, now_ms, &bytes, &offset);
		if (slot == HA_SLOT_NONE) {
			tag = HB_TAG_HOLDS;
			slot = hb_hold_choose(st, now_ms, &bytes, &offset);
		}
	}
	pthread_mutex_unlock(&hb->lock);
	if (is_due) {
		if (now_ms >= st->next_read_ms) {
			st->next_read_ms = next_slot(st->next_read_ms, now_ms,
						     hb->sb.timing.beat_ms);
		}
		begin_read(st, HB_TAG_HEAD, st->head, bytes, 0);
	} else if (slot != HA_SLOT_NONE) {
		begin_read(st, tag, st->peer_blocks, bytes, offset);
	} else if ((job = hb_job_next(st, false, &bytes, &offset)) != NULL) {
		begin_read(st, HB_TAG_JOB, job, bytes, offset);
	}
}

static void
on_failure(struct hb_store *st, const struct ha_disk_end *end)
{
	struct hb *hb = st->hb;

	pthread_mutex_lock(&hb->lock);
	if (end->is_write) {
		st->is_write_good = false;
	} else {
		st->is_read_good = false;
	}
	pthread_mutex_unlock(&hb->lock);
	hb_store_break(st, end->result, "%s failed: %s",
		       end->is_write ? "writing" : "reading",
		       strerror(-end->result));
	if (end->tag == HB_TAG_LIST) {
		hb_list_given_up(st);
	} else if (end->tag == HB_TAG_HOLDS) {
		hb_hold_given_up(st);
	}
}

/* The next beat may name what lies here now. */
static void
lists_written(struct hb_store *st)
{
	if (!st->owes_vms && !st->owes_holds) {
		st->list = st->going;
		st->is_beat_next = true;
	}
}

static void
on_end(struct hb_store *st, const struct ha_disk_end *end)
{
	struct hb *hb = st->hb;

	pthread_mutex_lock(&hb->lock);
	if (end->is_write) {
		st->is_writing = false;
		st->write_since_ms = 0;
	} else {
		st->is_reading = false;
		st->read_since_ms = 0;
	}
	pthread_mutex_unlock(&hb->lock);
	/* A job that fails is main's to tell: no beat depends on it. */
	if (end->result < 0 && end->tag != HB_TAG_JOB) {
		on_failure(st, end);
		return;
	}
	switch ((enum hb_tag)end->tag) {
	case HB_TAG_BEAT:
		hb_beat_written(st, end);
		break;
	case HB_TAG_OWN_LIST:
		st->owes_vms = false;
		lists_written(st);
		break;
	case HB_TAG_OWN_HOLDS:
		st->owes_holds = false;
		lists_written(st);
		break;
	case HB_TAG_HEAD:
		hb_seen_head(st, end);
		break;
	case HB_TAG_LIST:
		hb_list_arrived(st, end);
		break;
	case HB_TAG_HOLDS:
		hb_hold_arrived(st);
		break;
	case HB_TAG_JOB:
		hb_job_moved(st, end);
		break;
	case HB_TAG_OPEN:
		break;
	}
}

/* ---- the thread -------------------------------------------------------- */

static void
close_broken(struct hb_store *st)
{
	struct hb *hb = st->hb;

	ha_disk_close(st->disk);
	st->disk = NULL;
	st->is_broken = false;
	st->is_beat_next = false;
	st->owes_vms = false;
	st->owes_holds = false;
	hb_job_drop(st);
	st->open_ms = 0; /* at once: it may be as good as before */
	pthread_mutex_lock(&hb->lock);
	hb->views[st->index].is_open = false;
	hb->views[st->index].is_working = false;
	pthread_mutex_unlock(&hb->lock);
}

/* How long nothing is due. */
static int
sleep_ms(struct hb_store *st, uint64_t now_ms)
{
	struct hb *hb = st->hb;
	uint64_t until_ms = now_ms + HB_IDLE_MS;
	uint64_t due_ms;

	pthread_mutex_lock(&hb->lock);
	hb_store_check(st, now_ms);
	if (st->disk && !st->is_reading && hb->is_agreed) {
		due_ms = st->next_read_ms;
		until_ms = due_ms < until_ms ? due_ms : until_ms;
	}
	if (st->disk && !st->is_writing && hb->is_claimed && st->has_head) {
		due_ms = st->next_beat_ms > st->not_before_ms ?
				 st->next_beat_ms :
				 st->not_before_ms;
		until_ms = due_ms < until_ms ? due_ms : until_ms;
	}
	if (!st->disk) {
		until_ms = st->open_ms < until_ms ? st->open_ms : until_ms;
	}
	pthread_mutex_unlock(&hb->lock);
	return until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
}

static void
wait_and_reap(struct hb_store *st)
{
	struct ha_disk_end ends[HA_DISK_OPS];
	struct pollfd fds[2] = {
		{ .fd = st->kick_fd, .events = POLLIN },
		{ .fd = st->disk ? ha_disk_fd(st->disk) : -1,
		  .events = POLLIN },
	};
	int count;
	int i;

	if (poll(fds, 2, sleep_ms(st, ha_clock_now_ms())) > 0 &&
	    (fds[0].revents & POLLIN) != 0) {
		hb_drain(st->kick_fd);
	}
	count = st->disk ? ha_disk_reap(st->disk, ends) : 0;
	for (i = 0; i < count; i++) {
		on_end(st, &ends[i]);
	}
}

static void *
store_main(void *data)
{
	struct hb_store *st = data;
	struct hb *hb = st->hb;

	hb_thread_touch();
	while (!hb_is_ending(hb)) {
		uint64_t now_ms = ha_clock_now_ms();

		if (!st->disk && now_ms >= st->open_ms &&
		    hb_store_open(st) < 0) {
			st->open_ms = ha_clock_now_ms() + hb_store_beat_ms(st);
		}
		if (st->disk && !st->is_broken) {
			write_step(st, now_ms);
		}
		if (st->disk && !st->is_broken) {
			read_step(st, now_ms);
		}
		if (st->is_broken && !st->is_reading && !st->is_writing) {
			close_broken(st);
			continue;
		}
		wait_and_reap(st);
	}
	/* What hangs keeps its buffers: they are not freed. */
	ha_disk_close(st->disk);
	st->disk = NULL;
	pthread_mutex_lock(&hb->lock);
	st->is_ended = true;
	pthread_mutex_unlock(&hb->lock);
	return NULL;
}

/* ---- making ------------------------------------------------------------ */

void
hb_thread_touch(void)
{
	volatile char stack[HB_STACK_TOUCHED];
	size_t i;

	for (i = 0; i < sizeof(stack); i += HA_BLOCK) {
		stack[i] = 0;
	}
}

int
hb_thread_begin(pthread_t *ret_thread, void *(*body)(void *), void *data)
{
	pthread_attr_t attr;
	int rc = pthread_attr_init(&attr);

	if (rc != 0) {
		return -rc;
	}
	rc = pthread_attr_setstacksize(&attr, HB_STACK_BYTES);
	if (rc == 0) {
		rc = pthread_create(ret_thread, &attr, body, data);
	}
	(void)pthread_attr_destroy(&attr);
	return -rc;
}

int
hb_store_buffers(struct hb_store *st, const struct ha_superblock *sb,
		 const struct ha_layout *layout)
{
	size_t list = (size_t)(layout->list_blocks > layout->hold_blocks ?
				       layout->list_blocks :
				       layout->hold_blocks) *
		      HA_BLOCK;

	if (st->head) {
		return st->made_slots == sb->slots && st->made_vms == sb->vms ?
			       0 :
			       -ESTALE;
	}
	st->made_slots = sb->slots;
	st->made_vms = sb->vms;
	st->beat = ha_disk_buffer_new(HA_BLOCK);
	st->own_blocks = ha_disk_buffer_new(list);
	st->peer_blocks = ha_disk_buffer_new(list);
	st->own_vms = calloc(sb->vms, sizeof(*st->own_vms));
	st->peer_vms = calloc(sb->vms, sizeof(*st->peer_vms));
	st->own_holds = calloc(sb->vms, sizeof(*st->own_holds));
	st->peer_holds = calloc(sb->vms, sizeof(*st->peer_holds));
	if (!st->beat || !st->own_blocks || !st->peer_blocks || !st->own_vms ||
	    !st->peer_vms || !st->own_holds || !st->peer_holds) {
		return -ENOMEM;
	}
	st->head = ha_disk_buffer_new(
		(size_t)(layout->beats.first + layout->beats.blocks) *
		HA_BLOCK);
	return st->head ? 0 : -ENOMEM;
}

int
hb_store_new(struct hb *hb, uint32_t index, struct ha_err *err)
{
	struct hb_store *st = calloc(1, sizeof(*st));
	int rc;

	if (!st) {
		return ha_err_set(err, -ENOMEM, "no memory for a datastore");
	}
	hb->stores[index] = st;
	st->hb = hb;
	st->index = index;
	st->is_write_good = true;
	st->kick_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	st->first = ha_disk_buffer_new((size_t)2 * HA_BLOCK);
	if (st->kick_fd < 0 || !st->first) {
		return ha_err_set(err, -ENOMEM,
				  "no memory or no descriptor for datastore %s",
				  hb->conf.store[index]);
	}
	rc = hb_thread_begin(&st->thread, store_main, st);
	if (rc < 0) {
		return ha_err_set(err, rc, "can't start the thread of %s: %s",
				  hb->conf.store[index], strerror(-rc));
	}
	st->has_thread = true;
	return 0;
}
