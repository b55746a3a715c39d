/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that looks at processes and asks heartbeatd about single VMs, one
 * after the other. A process that hangs in the kernel can hang who reads its
 * command line: then nobody looks any more, and nobody waits for it. An entry
 * goes only by the proof that the VM agent wants as well, made after it was
 * seen, and only if it is still that one.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "FaultDomain/fdm_timeouts.h"
#include "FaultDomain/found.h"
#include "ha/clock.h"
#include "ha/domain.h"
#include "ha/hostconf.h"
#include "ha/ipc.h"
#include "ha/vmfiles.h"
#include "ha/vmlist.h"
#include "ha/worker.h"

#define CHUNK_BYTES 4096

struct fdm_looker {
	GMainContext *context;
	void (*done)(void *data, struct fdm_look *look);
	void *data;
	GAsyncQueue *queue;
};

static void
look_free(gpointer data)
{
	struct fdm_look *look = data;

	g_free(look->seen);
	g_free(look->used);
	g_free(look->config);
	g_free(look);
}

static gboolean
on_done(gpointer data)
{
	struct fdm_look *look = data;

	look->looker->done(look->looker->data, look);
	return G_SOURCE_REMOVE;
}

static void
give(struct fdm_look *look)
{
	GSource *source = g_idle_source_new();

	g_source_set_priority(source, G_PRIORITY_DEFAULT);
	g_source_set_callback(source, on_done, look, look_free);
	(void)g_source_attach(source, look->looker->context);
	g_source_unref(source);
}

static void
look_at_processes(struct fdm_look *look)
{
	look->seen = g_new0(struct ha_qemu_seen, FDM_QEMUS_MAX);
	look->code = ha_proc_list_qemu(ha_hostconf_qemu_user(), look->seen,
				       FDM_QEMUS_MAX, &look->count, &look->err);
}

static void
look_at_use(struct fdm_look *look)
{
	look_at_processes(look);
	if (look->code < 0) {
		return;
	}
	look->used = g_new0(struct ha_use_process, look->count + (gsize)1);
	look->at_ms = ha_clock_now_ms();
	for (uint32_t i = 0; i < look->count; i++) {
		if (ha_proc_use(&look->seen[i].id, &look->used[look->n_used]) ==
		    0) {
			look->n_used++;
		}
	}
}

/* In a child process: the share may hang. */
static int
send_file(void *arg, int fd)
{
	int file = open(arg, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char chunk[CHUNK_BYTES];
	ssize_t n = 1;
	int rc = 0;

	if (file < 0) {
		return -errno;
	}
	while (rc == 0 && n > 0) {
		n = read(file, chunk, sizeof(chunk));
		rc = n < 0 ? -errno : ha_worker_write(fd, chunk, (size_t)n);
	}
	return rc;
}

/* Of the file, else of the last start on this host. */
static void
look_at_identity(struct fdm_look *look)
{
	struct ha_domain *domain = g_new0(struct ha_domain, 1);
	struct ha_vm_record known;
	char *text = NULL;
	size_t len = 0;

	look->code = look->config ?
			     ha_worker_run(send_file, look->config,
					   HA_DOMAIN_XML_MAX,
					   ha_clock_now_ms() + FDM_CONFIG_MS,
					   &text, &len) :
			     -ENOENT;
	if (look->code == 0) {
		look->code = ha_domain_parse(text, len, domain, &look->err);
	}
	if (look->code == 0) {
		g_strlcpy(look->uuid, domain->uuid, sizeof(look->uuid));
		g_strlcpy(look->name, domain->name, sizeof(look->name));
	} else if (ha_vmfiles_recall(look->resource, &known, NULL) == 0) {
		g_strlcpy(look->uuid, known.uuid, sizeof(look->uuid));
		g_strlcpy(look->name, known.name, sizeof(look->name));
		look->code = 0;
	}
	free(text);
	g_free(domain);
}

/* As the agent's own proof: no process, none in its exit, none that can't be
 * told from it, and no start or migration that has left its record. */
static int
prove_gone(struct fdm_look *look)
{
	const struct ha_qemu_want want = {
		.resource = look->resource,
		.uuid = look->uuid,
		.name = look->name,
		.qemu_uid = ha_hostconf_qemu_user(),
	};
	struct ha_qemu_found *found = g_new0(struct ha_qemu_found, 1);
	struct ha_vm_record record;
	int rc = ha_vmfiles_load(look->resource, &record, &look->err);

	if (rc == 0 && record.phase != HA_VM_PHASE_RUNNING &&
	    record.phase != HA_VM_PHASE_NONE) {
		rc = ha_err_set(&look->err, -EBUSY,
				"a start or migration of it has not ended");
	} else if (rc == 0 || rc == -ENOENT) {
		rc = ha_proc_find_qemu(&want, found, &look->err);
	}
	if (rc > 0 ||
	    (rc == 0 && (found->n_dying > 0 || found->n_doubtful > 0 ||
			 found->n_namesakes > 0))) {
		rc = ha_err_set(&look->err, -EEXIST,
				"a process of it may be left");
	}
	g_free(found);
	return rc;
}

/* Only if it still runs: it may have waited here for a while, and Pacemaker
 * have stopped or moved it. */
static void
put_on_list(struct fdm_look *look)
{
	if (prove_gone(look) == 0) {
		look->code = ha_err_set(&look->err, -ESRCH,
					"it has ended meanwhile");
		return;
	}
	look->code = ha_vmlist_announce(
		look->uuid, look->resource, HA_VMLIST_RUNNING,
		ha_clock_now_ms() + FDM_LIST_MS, &look->err);
}

static void
take_off_list(struct fdm_look *look)
{
	json_t *request = NULL;
	json_t *answer = NULL;

	look->code = prove_gone(look);
	if (look->code < 0) {
		return;
	}
	request =
		json_pack("{s:i, s:s, s:s, s:s, s:I, s:i}", "v", HA_IPC_VERSION,
			  "op", "withdraw", "uuid", look->uuid, "resource",
			  look->resource, "since", (json_int_t)look->since,
			  "budget_ms", (int)FDM_LIST_MS);
	look->code = !request ? -ENOMEM :
				ha_ipc_ask(HA_IPC_PATH, request,
					   ha_clock_now_ms() + FDM_LIST_MS,
					   &answer, &look->err);
	json_decref(request);
	json_decref(answer);
}

static gpointer
thread_main(gpointer data)
{
	struct fdm_looker *looker = data;

	/* Without end: it ends with the process. */
	for (;;) {
		struct fdm_look *look = g_async_queue_pop(looker->queue);

		switch (look->kind) {
		case FDM_LOOK_PROCESSES:
			look_at_processes(look);
			break;
		case FDM_LOOK_USE:
			look_at_use(look);
			break;
		case FDM_LOOK_IDENTITY:
			look_at_identity(look);
			break;
		case FDM_LOOK_LIST:
			put_on_list(look);
			break;
		case FDM_LOOK_CLEAR:
			take_off_list(look);
			break;
		}
		give(look);
	}
	return NULL;
}

struct fdm_looker *
fdm_looker_new(GMainContext *context,
	       void (*done)(void *data, struct fdm_look *look), void *data,
	       struct ha_err *err)
{
	struct fdm_looker *looker = g_new0(struct fdm_looker, 1);
	GError *problem = NULL;
	GThread *thread;

	looker->context = context;
	looker->done = done;
	looker->data = data;
	looker->queue = g_async_queue_new();
	thread = g_thread_try_new("looker", thread_main, looker, &problem);
	if (!thread) {
		(void)ha_err_set(err, -EAGAIN, "can't begin a thread: %s",
				 problem->message);
		g_error_free(problem);
		g_async_queue_unref(looker->queue);
		g_free(looker);
		return NULL;
	}
	g_thread_unref(thread);
	return looker;
}

void
fdm_looker_push(struct fdm_looker *looker, struct fdm_look *look)
{
	look->looker = looker;
	g_async_queue_push(looker->queue, look);
}
