/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside ha/cib.h. All fields below `thread` belong to libcib's thread.
 */
#ifndef HA__CIB_H
#define HA__CIB_H

#include "compat.h"
#include "ha/cib.h"

/* A copy that took so long is followed by so many times that of rest. */
#define HA__CIB_REST_PARTS 4

struct ha_cib {
	GMainContext *context; /* the caller's */
	struct ha_cib_calls calls;
	void *data;
	GThread *thread;
	cib_t *lib; /* NULL: not connected */
	guint query_timer;
	guint connect_timer;
	bool is_querying;
	bool is_stale;    /* changed since the query under way began */
	bool is_hurried;  /* and the next one may not rest */
	int64_t asked_ms; /* the query under way */
	int64_t next_ms;  /* not before */
	bool was_told;    /* on_lost */
	GList *updates;   /* under way */
};

/* cib.c: the one that exists; libcib's calls carry no pointer of ours. */
extern struct ha_cib *ha__cib_only;

/* cib.c: our own update is done, and is waited for. */
void ha__cib_hurry(struct ha_cib *cib);

/* update.c: nobody will answer what is under way. */
void ha__cib_updates_fail(struct ha_cib *cib, const char *why);

/* give.c: calls `func` in the thread that runs the context, NULL: libcib's. */
void ha__cib_post(GMainContext *context, GSourceFunc func, gpointer data,
		  GDestroyNotify notify);
/* To the caller's context; take over what they are given. */
void ha__cib_give_text(struct ha_cib *cib, xmlChar *text, int length);
void ha__cib_give_loss(struct ha_cib *cib, const char *why);

#endif
