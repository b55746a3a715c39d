/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See worker.h. The worker keeps the newest snapshot itself, for the lists that
 * have not changed; main gets a copy that shares them.
 */
#include "FaultDomain/worker.h"

#include <errno.h>
#include <string.h>

#include "FaultDomain/fdm_timeouts.h"
#include "ha/clock.h"
#include "ha/ipc.h"

#define BEAT_PARTS 2u /* snapshots a beat */
#define US_PER_MS 1000

struct command {
	json_t *request; /* NULL: a snapshot for main */
	uint64_t budget_ms;
	void (*done)(void *data, int code, const json_t *answer,
		     const char *why);
	void *data;
	int code;
	json_t *answer;
	struct ha_err err;
	struct fdm_snap *snap;
	struct fdm_worker *worker;
};

struct fdm_worker {
	GMainContext *context;
	void (*on_snap)(void *data, struct fdm_snap *snap);
	void *data;
	GAsyncQueue *queue;
	struct fdm_snap *last;
};

static void
command_free(gpointer data)
{
	struct command *command = data;

	json_decref(command->request);
	json_decref(command->answer);
	g_free(command);
}

static gboolean
on_done(gpointer data)
{
	struct command *command = data;
	struct fdm_worker *worker = command->worker;

	if (command->snap) {
		worker->on_snap(worker->data, command->snap);
	} else if (command->done) {
		command->done(command->data, command->code, command->answer,
			      command->err.text);
	}
	return G_SOURCE_REMOVE;
}

static void
give(struct command *command)
{
	GSource *source = g_idle_source_new();

	g_source_set_priority(source, G_PRIORITY_DEFAULT);
	g_source_set_callback(source, on_done, command, command_free);
	(void)g_source_attach(source, command->worker->context);
	g_source_unref(source);
}

static void
take_snap(struct fdm_worker *worker)
{
	struct fdm_snap *snap = fdm_snap_take(worker->last);
	struct command *command = g_new0(struct command, 1);

	fdm_snap_free(worker->last);
	worker->last = snap;
	command->worker = worker;
	command->snap = fdm_snap_copy(snap);
	give(command);
}

static void
carry_out(struct command *command)
{
	command->code = ha_ipc_ask(HA_IPC_PATH, command->request,
				   ha_clock_now_ms() + command->budget_ms,
				   &command->answer, &command->err);
	give(command);
}

static gpointer
thread_main(gpointer data)
{
	struct fdm_worker *worker = data;

	/* Without end: it ends with the process. */
	for (;;) {
		uint64_t pause_ms = FDM_HB_RETRY_MS;
		struct command *command;

		take_snap(worker);
		if (worker->last->is_there) {
			pause_ms = worker->last->beat_ms / BEAT_PARTS;
		}
		command = g_async_queue_timeout_pop(worker->queue,
						    pause_ms * US_PER_MS);
		while (command) {
			carry_out(command);
			command = g_async_queue_try_pop(worker->queue);
		}
	}
	return NULL;
}

struct fdm_worker *
fdm_worker_new(GMainContext *context,
	       void (*on_snap)(void *data, struct fdm_snap *snap), void *data,
	       struct ha_err *err)
{
	struct fdm_worker *worker = g_new0(struct fdm_worker, 1);
	GError *problem = NULL;
	GThread *thread;

	worker->context = context;
	worker->on_snap = on_snap;
	worker->data = data;
	worker->queue = g_async_queue_new();
	thread = g_thread_try_new("heartbeatd", thread_main, worker, &problem);
	if (!thread) {
		(void)ha_err_set(err, -EAGAIN, "can't begin a thread: %s",
				 problem->message);
		g_error_free(problem);
		g_async_queue_unref(worker->queue);
		g_free(worker);
		return NULL;
	}
	g_thread_unref(thread);
	return worker;
}

void
fdm_worker_ask(struct fdm_worker *worker, json_t *request, uint64_t budget_ms,
	       void (*done)(void *data, int code, const json_t *answer,
			    const char *why),
	       void *data)
{
	struct command *command = g_new0(struct command, 1);

	command->worker = worker;
	command->request = request;
	command->budget_ms = budget_ms;
	command->done = done;
	command->data = data;
	g_async_queue_push(worker->queue, command);
}
