/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Connection and copies. A change is only a reason to ask again: applying
 * patches would need every version's patch format to be right, and a wrong copy
 * of the CIB is worse than a copy that is a tenth of a second old. A copy of a
 * large CIB costs both daemons dearly (Pacemaker compresses it): the pause before
 * the next one grows with what the last one took.
 */
#include "cib.h"

#include <errno.h>
#include <string.h>

struct ha_cib *ha__cib_only;

static void query(struct ha_cib *cib);

static gboolean on_connect_time(gpointer data);

static gboolean
on_query_time(gpointer data)
{
	struct ha_cib *cib = data;

	cib->query_timer = 0;
	query(cib);
	return G_SOURCE_REMOVE;
}

static int64_t
now_ms(void)
{
	return g_get_monotonic_time() / (G_USEC_PER_SEC / 1000);
}

static void
query_soon(struct ha_cib *cib)
{
	int64_t wait_ms = cib->next_ms - now_ms();

	if (cib->is_querying) {
		cib->is_stale = true;
	} else if (cib->query_timer == 0) {
		cib->query_timer = g_timeout_add(
			(guint)MAX(wait_ms, (int64_t)HA_CIB_PAUSE_MS),
			on_query_time, cib);
	}
}

static gboolean
on_refresh(gpointer data)
{
	query_soon(data);
	return G_SOURCE_REMOVE;
}

void
ha_cib_refresh(struct ha_cib *cib)
{
	ha__cib_post(NULL, on_refresh, cib, NULL);
}

static void
rest_after(struct ha_cib *cib)
{
	int64_t end_ms = now_ms();
	int64_t rest_ms = (end_ms - cib->asked_ms) * HA__CIB_REST_PARTS;

	cib->next_ms = cib->is_hurried ?
			       0 :
			       end_ms + MIN(rest_ms, (int64_t)HA_CIB_REST_MS);
	cib->is_hurried = false;
}

void
ha__cib_hurry(struct ha_cib *cib)
{
	cib->next_ms = 0;
	/* The copy under way may be of before. */
	cib->is_hurried = cib->is_querying;
	if (cib->query_timer) {
		(void)g_source_remove(cib->query_timer);
		cib->query_timer = 0;
	}
	query_soon(cib);
}

static void
disconnect(struct ha_cib *cib, const char *why)
{
	cib_t *lib = cib->lib;

	cib->lib = NULL;
	cib->is_querying = false;
	cib->is_stale = false;
	cib->is_hurried = false;
	cib->next_ms = 0;
	if (cib->query_timer) {
		(void)g_source_remove(cib->query_timer);
		cib->query_timer = 0;
	}
	ha__cib_updates_fail(cib, why);
	if (lib) {
		(void)lib->cmds->signoff(lib);
		cib_delete(lib);
	}
	if (!cib->was_told) {
		cib->was_told = true;
		ha__cib_give_loss(cib, why);
	}
	if (cib->connect_timer == 0) {
		cib->connect_timer = g_timeout_add(HA_CIB_RECONNECT_MS,
						   on_connect_time, cib);
	}
}

static void
on_answer(xmlNode *msg, int call_id, int rc, xmlNode *output, void *data)
{
	struct ha_cib *cib = data;
	xmlChar *text = NULL;
	xmlBuffer *buffer;
	int length = 0;

	(void)msg;
	(void)call_id;
	cib->is_querying = false;
	rest_after(cib);
	buffer = rc >= 0 && output ? xmlBufferCreate() : NULL;
	if (buffer && xmlNodeDump(buffer, output->doc, output, 0, 0) > 0) {
		length = xmlBufferLength(buffer);
		text = xmlBufferDetach(buffer);
	}
	xmlBufferFree(buffer);
	if (text) {
		ha__cib_give_text(cib, text, length);
	} else {
		cib->is_stale = true;
	}
	if (cib->is_stale) {
		cib->is_stale = false;
		query_soon(cib);
	}
}

static void
query(struct ha_cib *cib)
{
	int id;

	if (!cib->lib) {
		return;
	}
	id = cib->lib->cmds->query(cib->lib, NULL, NULL,
				   ha__cib_query_options());
	if (id <= 0 || !cib->lib->cmds->register_callback(
			       cib->lib, id, HA_CIB_CALL_S, FALSE, cib,
			       "on_answer", on_answer)) {
		query_soon(cib);
		return;
	}
	cib->is_querying = true;
	cib->asked_ms = now_ms();
}

static void
on_change(const char *event, xmlNode *msg)
{
	(void)event;
	(void)msg;
	query_soon(ha__cib_only);
}

static gboolean
on_destroyed(gpointer data)
{
	disconnect(data, "Pacemaker's CIB daemon has ended the connection");
	return G_SOURCE_REMOVE;
}

/* libcib still uses its connection while it tells of its end. */
static void
on_lost(gpointer data)
{
	(void)data;
	(void)g_idle_add(on_destroyed, ha__cib_only);
}

static void
connect_now(struct ha_cib *cib)
{
	cib_t *lib = cib_new();
	int rc = lib ? lib->cmds->signon(lib, "vmha-fdmd", cib_command) :
		       -ENOMEM;

	cib->lib = lib;
	if (rc >= 0) {
		rc = lib->cmds->set_connection_dnotify(lib, on_lost);
	}
	if (rc >= 0) {
		rc = lib->cmds->add_notify_callback(lib, HA__CIB_DIFF_EVENT,
						    on_change);
	}
	if (rc < 0) {
		disconnect(cib, pcmk_strerror(rc));
		return;
	}
	cib->was_told = false;
	query(cib);
}

static gboolean
on_connect_time(gpointer data)
{
	struct ha_cib *cib = data;

	cib->connect_timer = 0;
	connect_now(cib);
	return G_SOURCE_REMOVE;
}

static gpointer
thread_main(gpointer data)
{
	struct ha_cib *cib = data;
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);

	ha__cib_library_init("vmha-fdmd");
	connect_now(cib);
	g_main_loop_run(loop); /* without end: see ha_cib_new() */
	return NULL;
}

int
ha_cib_new(GMainContext *context, const struct ha_cib_calls *calls, void *data,
	   struct ha_cib **ret_cib, struct ha_err *err)
{
	struct ha_cib *cib = g_new0(struct ha_cib, 1);
	GError *problem = NULL;

	xmlInitParser(); /* before the other thread's first use */
	cib->context = context;
	cib->calls = *calls;
	cib->data = data;
	ha__cib_only = cib;
	cib->thread = g_thread_try_new("cib", thread_main, cib, &problem);
	if (!cib->thread) {
		(void)ha_err_set(err, -EAGAIN, "can't begin a thread: %s",
				 problem->message);
		g_error_free(problem);
		g_free(cib);
		return -EAGAIN;
	}
	*ret_cib = cib;
	return 0;
}
