/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pacemaker's CIB: a whole copy whenever it changes, and updates of several
 * objects as one. libcib may wait without a limit for a daemon that stands
 * still, so it lives in a thread of its own, which owns GLib's default main
 * context; the caller's loop must run in another context, in which it gets all
 * calls. Nothing here decides; nothing here blocks the caller.
 */
#ifndef HA_CIB_H
#define HA_CIB_H

#include <glib.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "ha/err.h"

/* Between two copies at least: a busy cluster changes its CIB many times a
 * second. */
#define HA_CIB_PAUSE_MS 100u
/* And at most, where a copy takes long; an update of ours is always followed by
 * a copy after the shorter pause. */
#define HA_CIB_REST_MS 1000u
#define HA_CIB_RECONNECT_MS 1000u
/* A query or an update that is not answered by then has failed; the update
 * may still happen. libcib counts in seconds. */
#define HA_CIB_CALL_S 10u

struct ha_cib_calls {
	/* A new copy; the document becomes the callee's (xmlFreeDoc()). */
	void (*on_copy)(void *data, xmlDoc *doc);
	/* No connection any more, or none yet. Told once until it is back. */
	void (*on_lost)(void *data, const char *why);
};

struct ha_cib;

/* One of them a process. Connects, and goes on trying until the process ends:
 * there is no way to stop a thread that waits inside libcib. `context` is the
 * caller's. 0; -ENOMEM, -EAGAIN. */
int ha_cib_new(GMainContext *context, const struct ha_cib_calls *calls,
	       void *data, struct ha_cib **ret_cib, struct ha_err *err);

/* Asks for a copy, as a change would: for whoever must not rest on news that may
 * be late or lost. */
void ha_cib_refresh(struct ha_cib *cib);

/* Merges a fragment, `<cib>...</cib>` with all that changes, as one update: all
 * of it or nothing. Objects are found by element and id, and made where they
 * are not there. `done` is called once, with 0, or a negative errno and a
 * sentence: -ENOTCONN, -ETIMEDOUT (it may have been done), -EIO. Takes the text
 * as it is now. */
void ha_cib_update(struct ha_cib *cib, const char *xml,
		   void (*done)(void *data, int code, const char *why),
		   void *data);

#endif
