/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The wall between an agent with a deadline and a library without one. Every
 * libvirt call blocks for as long as libvirtd does (a libvirtd under SIGSTOP:
 * for ever), so it runs in the handle's worker thread and the agent waits on
 * a condition with a timeout. After a timeout the handle is dead: its worker
 * sits in libvirt, and what it was asked may still happen. Closing never
 * waits; whoever of caller and worker leaves last frees the memory.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "hv.h"

/* Conditions know CLOCK_MONOTONIC, deadlines CLOCK_BOOTTIME: after a suspend
 * of the host a wait is late by up to one step. */
#define WAIT_STEP_MS 1000u
#define MS_PER_S 1000u
#define NS_PER_MS 1000000L
#define NS_PER_S 1000000000L

static struct timespec
monotonic_after(uint64_t span_ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(span_ms / MS_PER_S);
	ts.tv_nsec += (long)(span_ms % MS_PER_S) * NS_PER_MS;
	if (ts.tv_nsec >= NS_PER_S) {
		ts.tv_sec++;
		ts.tv_nsec -= NS_PER_S;
	}
	return ts;
}

static void
handle_free(struct ha_hv *hv)
{
	pthread_cond_destroy(&hv->to_worker);
	pthread_cond_destroy(&hv->to_caller);
	pthread_mutex_destroy(&hv->lock);
	free(hv->uri);
	free(hv);
}

/* Drops one of the two references to the handle; unlocks. */
static void
handle_leave(struct ha_hv *hv)
{
	bool last = --hv->refs == 0;

	pthread_mutex_unlock(&hv->lock);
	if (last) {
		handle_free(hv);
	}
}

static void
job_unref(struct hv_job *job)
{
	if (--job->refs == 0) {
		job->release(job);
	}
}

void
hv_put(struct ha_hv *hv, struct hv_job *job)
{
	pthread_mutex_lock(&hv->lock);
	job_unref(job);
	pthread_mutex_unlock(&hv->lock);
}

bool
hv_is_dead(struct ha_hv *hv)
{
	bool dead;

	pthread_mutex_lock(&hv->lock);
	dead = hv->dead;
	pthread_mutex_unlock(&hv->lock);
	return dead;
}

static int
worker_connect(struct ha_hv *hv, struct ha_err *err)
{
	if (hv->conn && virConnectIsAlive(hv->conn) == 1) {
		return 0;
	}
	if (hv->conn) {
		virConnectClose(hv->conn);
	}
	hv->conn = virConnectOpen(hv->uri);
	return hv->conn ? 0 : hv_error(err, hv->uri, "connect to libvirt");
}

static void
worker_run(struct ha_hv *hv, struct hv_job *job)
{
	struct ha_err err = HA_ERR_INIT;
	int rc = worker_connect(hv, &err);

	/* A connection that took too long must not be used for a request
	 * that its caller has given up. */
	if (rc == 0 && hv_is_dead(hv)) {
		rc = -ETIMEDOUT;
	}
	if (rc == 0) {
		rc = job->run(hv, job, &err);
	}
	pthread_mutex_lock(&hv->lock);
	job->rc = rc;
	job->err = err;
	job->done = true;
	pthread_cond_broadcast(&hv->to_caller);
	job_unref(job);
	pthread_mutex_unlock(&hv->lock);
}

/* Until the caller has closed the handle. */
static void
worker_serve(struct ha_hv *hv)
{
	for (;;) {
		struct hv_job *job;

		pthread_mutex_lock(&hv->lock);
		while (!hv->slot && !hv->quit) {
			/* No deadline: the worker waits for work, and
			 * hv_close() is work. */
			pthread_cond_wait(&hv->to_worker, &hv->lock);
		}
		job = hv->slot;
		hv->slot = NULL;
		if (!job) {
			break;
		}
		pthread_mutex_unlock(&hv->lock);
		worker_run(hv, job);
	}
	pthread_mutex_unlock(&hv->lock);
	if (hv->conn) {
		virConnectClose(hv->conn);
	}
	pthread_mutex_lock(&hv->lock);
	handle_leave(hv);
}

/* Workers without a handle wait here for the next, and never end: a thread
 * that ends while the program calls exit() frees libcrypto's per-thread data
 * a second time (seen with OpenSSL 3.0.x: abort after a successful start). */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned int idle;   /* waiting, and not yet promised a handle */
	struct ha_hv *queue; /* handles promised to one of them */
} pool = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, NULL };

static struct ha_hv *
pool_wait(void)
{
	struct ha_hv *hv;

	pthread_mutex_lock(&pool.lock);
	pool.idle++;
	while (!pool.queue) {
		pthread_cond_wait(&pool.wake, &pool.lock);
	}
	hv = pool.queue;
	pool.queue = hv->next;
	pthread_mutex_unlock(&pool.lock);
	return hv;
}

/* False: nobody is idle. */
static bool
pool_hand_over(struct ha_hv *hv)
{
	bool taken;

	pthread_mutex_lock(&pool.lock);
	taken = pool.idle > 0;
	if (taken) {
		pool.idle--;
		hv->next = pool.queue;
		pool.queue = hv;
		pthread_cond_signal(&pool.wake);
	}
	pthread_mutex_unlock(&pool.lock);
	return taken;
}

static void *
worker_main(void *arg)
{
	struct ha_hv *hv = arg;

	hv_error_silence();
	for (;;) {
		worker_serve(hv);
		hv = pool_wait();
	}
	return NULL;
}

int
hv_give_up(struct ha_hv *hv, struct ha_err *err)
{
	pthread_mutex_lock(&hv->lock);
	hv->dead = true;
	pthread_mutex_unlock(&hv->lock);
	return ha_err_set(err, -ETIMEDOUT,
			  "libvirt (%s) did not answer in time; look at "
			  "libvirtd or virtqemud on this host, restarting it "
			  "does not touch running machines",
			  hv->uri);
}

int
hv_submit(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	pthread_mutex_lock(&hv->lock);
	if (hv->dead) {
		pthread_mutex_unlock(&hv->lock);
		return ha_err_set(err, -ETIMEDOUT,
				  "libvirt (%s) has not answered before; not "
				  "asked again",
				  hv->uri);
	}
	job->refs++;
	hv->slot = job;
	pthread_cond_signal(&hv->to_worker);
	pthread_mutex_unlock(&hv->lock);
	return 0;
}

bool
hv_wait(struct ha_hv *hv, struct hv_job *job, uint64_t deadline_ms)
{
	bool done;

	pthread_mutex_lock(&hv->lock);
	while (!job->done) {
		uint64_t left_ms = ha_clock_left_ms(deadline_ms);
		struct timespec until;

		if (left_ms == 0) {
			break;
		}
		until = monotonic_after(left_ms < WAIT_STEP_MS ? left_ms :
								 WAIT_STEP_MS);
		pthread_cond_timedwait(&hv->to_caller, &hv->lock, &until);
	}
	done = job->done;
	pthread_mutex_unlock(&hv->lock);
	return done;
}

int
hv_call(struct ha_hv *hv, struct hv_job *job, uint64_t deadline_ms,
	struct ha_err *err)
{
	int rc = hv_submit(hv, job, err);

	if (rc < 0) {
		return rc;
	}
	if (!hv_wait(hv, job, deadline_ms)) {
		return hv_give_up(hv, err);
	}
	if (job->rc < 0 && err) {
		*err = job->err;
	}
	return job->rc;
}

/* The worker gets no signals: SIGALRM and SIGTERM are the agent's. */
static int
worker_start(struct ha_hv *hv)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all;
	sigset_t old;
	int rc = pthread_attr_init(&attr);

	if (rc) {
		return -rc;
	}
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&thread, &attr, worker_main, hv);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -rc;
}

static struct ha_hv *
handle_new(const char *uri)
{
	struct ha_hv *hv = calloc(1, sizeof(*hv));
	pthread_condattr_t attr;

	if (!hv) {
		return NULL;
	}
	hv->uri = strdup(uri && *uri ? uri : HV_DEFAULT_URI);
	if (!hv->uri) {
		free(hv);
		return NULL;
	}
	hv->refs = 1;
	pthread_mutex_init(&hv->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&hv->to_caller, &attr);
	pthread_cond_init(&hv->to_worker, NULL);
	pthread_condattr_destroy(&attr);
	return hv;
}

static int
connect_only(struct ha_hv *hv, struct hv_job *job, struct ha_err *err)
{
	(void)hv;
	(void)job;
	(void)err;
	return 0;
}

static void
connect_release(struct hv_job *job)
{
	free(job);
}

int
hv_open(const char *uri, uint64_t deadline_ms, struct ha_hv **ret_hv,
	struct ha_err *err)
{
	struct ha_hv *hv = handle_new(uri);
	struct hv_job *job = calloc(1, sizeof(*job));
	int rc;

	if (!hv || !job) {
		rc = hv_no_memory(err);
		free(job);
		hv_close(hv);
		return rc;
	}
	job->run = connect_only;
	job->release = connect_release;
	job->refs = 1;
	hv->refs++; /* the worker's */
	rc = pool_hand_over(hv) ? 0 : worker_start(hv);
	if (rc < 0) {
		hv->refs--;
		ha_err_set(err, rc, "libvirt: no thread: %s", strerror(-rc));
	} else {
		rc = hv_call(hv, job, deadline_ms, err);
	}
	hv_put(hv, job);
	if (rc < 0) {
		hv_close(hv);
		return rc;
	}
	*ret_hv = hv;
	return 0;
}

void
hv_close(struct ha_hv *hv)
{
	if (!hv) {
		return;
	}
	pthread_mutex_lock(&hv->lock);
	hv->quit = true;
	pthread_cond_signal(&hv->to_worker);
	handle_leave(hv);
}
