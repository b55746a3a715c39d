/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The catalogue of events: which lines of the daemons' logs tell the story of
 * the cluster, with their level, what to understand or do, and vSphere's event
 * beside them. Level and text are those of the daemons' own tables.
 */
#ifndef VMHA_EVENTS_H
#define VMHA_EVENTS_H

#include "vmha.h"

/* A line that a daemon logs; the build makes vmha-fdmd's from its own
 * --log-lines. Ends with an id of NULL. */
struct event_line {
	const char *id, *level, *meaning;
};
extern const struct event_line FDM_LINES[];

struct event_kind {
	const char *program; /* "vmha-heartbeatd" */
	const char *id;
	const char *vsphere; /* "": vSphere has none */
	const char *level;   /* "warning" */
	const char *meaning;
};
/* False: no such event in the catalogue. */
bool event_find(const char *program, const char *id,
		struct event_kind *ret_kind);
/* docs/EVENTS.md. -EINVAL: a row names a line that no daemon has. */
int events_page(FILE *out);

/* One line of a log, in place: parts of `line`, which is changed. */
struct event {
	const char *time, *host, *text;
	struct event_kind kind;
};
/* False: no line of the daemons, or none of the catalogue. */
bool event_parse(char *line, struct event *ret_event);

#endif
