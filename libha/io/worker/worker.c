/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call in one thread with one deadline (ha/worker.h). The job belongs to
 * whoever lets go of it last: the thread, or the caller that waited.
 */
#include "ha/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "ha/clock.h"

struct job {
	int (*fn)(void *arg);
	void *arg;
	int rc;
	bool done;
	bool abandoned;
	pthread_mutex_t lock;
	pthread_cond_t ended;
};

static void
job_free(struct job *job)
{
	pthread_cond_destroy(&job->ended);
	pthread_mutex_destroy(&job->lock);
	free(job);
}

static void *
run(void *data)
{
	struct job *job = data;
	int rc = job->fn(job->arg);
	bool abandoned;

	pthread_mutex_lock(&job->lock);
	job->rc = rc;
	job->done = true;
	abandoned = job->abandoned;
	pthread_cond_signal(&job->ended);
	pthread_mutex_unlock(&job->lock);
	if (abandoned) {
		job_free(job);
	}
	return NULL;
}

static struct job *
job_new(int (*fn)(void *arg), void *arg)
{
	struct job *job = calloc(1, sizeof(*job));
	pthread_condattr_t attr;

	if (!job) {
		return NULL;
	}
	job->fn = fn;
	job->arg = arg;
	pthread_mutex_init(&job->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&job->ended, &attr);
	pthread_condattr_destroy(&attr);
	return job;
}

/* glibc waits by CLOCK_MONOTONIC, our deadlines are CLOCK_BOOTTIME: what is
 * left of the span is carried over. */
static void
wait_for_end(struct job *job, uint64_t deadline_ms)
{
	while (!job->done) {
		uint64_t left_ms = ha_clock_left_ms(deadline_ms);
		struct timespec until;

		if (left_ms == 0) {
			return;
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += (time_t)(left_ms / 1000);
		until.tv_nsec += (long)(left_ms % 1000) * 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		pthread_cond_timedwait(&job->ended, &job->lock, &until);
	}
}

int
ha_worker_run(int (*fn)(void *arg), void *arg, uint64_t deadline_ms)
{
	struct job *job = job_new(fn, arg);
	pthread_t thread;
	bool done;
	int rc;

	if (!job) {
		return -ENOMEM;
	}
	rc = pthread_create(&thread, NULL, run, job);
	if (rc != 0) {
		job_free(job);
		return -rc;
	}
	pthread_detach(thread);
	pthread_mutex_lock(&job->lock);
	wait_for_end(job, deadline_ms);
	done = job->done;
	rc = job->rc;
	job->abandoned = !done;
	pthread_mutex_unlock(&job->lock);
	if (!done) {
		return -ETIMEDOUT;
	}
	job_free(job);
	return rc;
}
