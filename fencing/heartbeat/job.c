/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs of main that the store threads carry out (job.h), when neither a beat
 * nor a list is due. A write goes on only while this host is master of the
 * term that it was begun in: what a former master has left undone must not land
 * over what the next one writes.
 */
#include <errno.h>

#include "heartbeat/store.h"

bool
hb_job_begin(struct hb *hb, uint32_t store, const struct hb_job *job)
{
	struct hb_store *st = hb->stores[store];

	if (!st || !hb->views[store].is_open || st->job.state != HB_JOB_NONE) {
		return false;
	}
	st->job = *job;
	st->job.state = HB_JOB_OPEN;
	st->job.is_going = false;
	st->job.done = 0;
	st->job.code = 0;
	hb_wake(st->kick_fd);
	return true;
}

bool
hb_job_end(struct hb *hb, uint32_t store, int *ret_code)
{
	struct hb_store *st = hb->stores[store];

	if (!st || st->job.state != HB_JOB_ENDED) {
		return false;
	}
	st->job.state = HB_JOB_NONE;
	*ret_code = st->job.code;
	return true;
}

uint64_t
hb_store_opens(const struct hb *hb, uint32_t store)
{
	return hb->stores[store] ? hb->stores[store]->opens : 0;
}

/* Lock held. */
static void
end_job(struct hb_store *st, int code)
{
	st->job.state = HB_JOB_ENDED;
	st->job.is_going = false;
	st->job.code = code;
	hb_wake(st->hb->main_fd);
}

uint8_t *
hb_job_next(struct hb_store *st, bool is_write, size_t *ret_bytes,
	    uint64_t *ret_offset)
{
	struct hb *hb = st->hb;
	struct hb_job *job = &st->job;
	uint8_t *buffer = NULL;

	pthread_mutex_lock(&hb->lock);
	if (job->state == HB_JOB_OPEN && !job->is_going &&
	    job->is_write == is_write) {
		if (is_write && hb->master_term != job->term) {
			end_job(st, -EPERM);
		} else {
			job->is_going = true;
			job->piece = job->bytes - job->done;
			if (job->piece > HB_JOB_PIECE_BYTES) {
				job->piece = HB_JOB_PIECE_BYTES;
			}
			buffer = job->buffer + job->done;
			*ret_bytes = job->piece;
			*ret_offset = job->offset + job->done;
		}
	}
	pthread_mutex_unlock(&hb->lock);
	return buffer;
}

void
hb_job_moved(struct hb_store *st, const struct ha_disk_end *end)
{
	struct hb *hb = st->hb;
	struct hb_job *job = &st->job;

	pthread_mutex_lock(&hb->lock);
	job->is_going = false;
	job->done += job->piece;
	if (end->result < 0) {
		end_job(st, end->result);
	} else if (job->done >= job->bytes) {
		end_job(st, 0);
	}
	pthread_mutex_unlock(&hb->lock);
}

void
hb_job_drop(struct hb_store *st)
{
	pthread_mutex_lock(&st->hb->lock);
	if (st->job.state == HB_JOB_OPEN) {
		end_job(st, -EIO);
	}
	pthread_mutex_unlock(&st->hb->lock);
}
