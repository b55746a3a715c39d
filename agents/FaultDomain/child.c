/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of Pacemaker's that this daemon runs: never waited for, and ended
 * at their deadline.
 */
#include <gio/gio.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"

struct child {
	struct fdm *fdm;
	GSubprocess *process;
	GSource *timer;
	char *what;
	bool is_late;
	void (*done)(struct fdm *fdm, bool is_good); /* NULL: nobody asks */
};

static void
on_end(GObject *object, GAsyncResult *result, gpointer data)
{
	struct child *child = data;
	GSubprocess *process = G_SUBPROCESS(object);
	GError *problem = NULL;
	char *output = NULL;
	bool is_read = g_subprocess_communicate_utf8_finish(
		process, result, &output, NULL, &problem);
	bool is_good;

	g_source_destroy(child->timer);
	g_source_unref(child->timer);
	if (child->is_late) {
		fdm_log(FDM_LOG_CHILD_FAILED, child->what,
			"did not end in time and was killed");
	} else if (!is_read) {
		fdm_log(FDM_LOG_CHILD_FAILED, child->what, problem->message);
	} else if (!g_subprocess_get_successful(process)) {
		fdm_log(FDM_LOG_CHILD_FAILED, child->what,
			output && output[0] ? g_strstrip(output) :
					      "has failed without a word");
	}
	is_good = !child->is_late && is_read &&
		  g_subprocess_get_successful(process);
	g_clear_error(&problem);
	g_free(output);
	g_object_unref(child->process);
	child->fdm->children--;
	if (child->done) {
		child->done(child->fdm, is_good);
	}
	g_free(child->what);
	g_free(child);
}

static gboolean
on_late(gpointer data)
{
	struct child *child = data;

	child->is_late = true;
	g_subprocess_force_exit(child->process);
	return G_SOURCE_REMOVE;
}

void
fdm_child_run(struct fdm *fdm, const char *const *argv, uint32_t limit_ms,
	      const char *what, void (*done)(struct fdm *fdm, bool is_good))
{
	struct child *child;
	GError *problem = NULL;
	GSubprocess *process =
		g_subprocess_newv(argv,
				  G_SUBPROCESS_FLAGS_STDOUT_PIPE |
					  G_SUBPROCESS_FLAGS_STDERR_MERGE,
				  &problem);

	if (!process) {
		fdm_log(FDM_LOG_CHILD_FAILED, what, problem->message);
		g_error_free(problem);
		if (done) {
			done(fdm, false);
		}
		return;
	}
	child = g_new0(struct child, 1);
	child->fdm = fdm;
	child->process = process;
	child->what = g_strdup(what);
	child->done = done;
	child->timer = g_timeout_source_new(limit_ms);
	g_source_set_callback(child->timer, on_late, child, NULL);
	(void)g_source_attach(child->timer, fdm->context);
	fdm->children++;
	g_subprocess_communicate_utf8_async(process, NULL, NULL, on_end, child);
}
