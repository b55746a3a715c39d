/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside check_host: one struct with what every check may look at, and the
 * way to say what it found. A check is a function; it says nothing when all
 * is well, and an answer that it can't get is a note, never silence.
 */
#ifndef CHECK_H
#define CHECK_H

#include <libxml/tree.h>
#include <libxml/xpath.h>

#include "ha/domain.h"
#include "hv.h"

enum check_severity {
	CHECK_NOTE,
	CHECK_WARNING,
	CHECK_ERROR
};

struct check {
	struct ha_hv *hv;
	struct check_job *job;
	virConnectPtr conn;
	const char *xml;
	const struct ha_domain *domain;
	xmlNodePtr root;
	xmlXPathContextPtr xpath;
};

/* check.c */
void check_say(struct check *c, enum check_severity severity, const char *fmt,
	       ...) __attribute__((format(printf, 3, 4)));
/* Calls fn for each node that the XPath expression selects. */
void check_each(struct check *c, const char *xpath,
		void (*fn)(struct check *c, xmlNodePtr node));
/* An attribute, or the text of a node; malloc()ed, NULL when absent. */
char *check_attr(const xmlNode *node, const char *name);
char *check_text(xmlNodePtr node);
/* The first node's string value of an expression; NULL when there is none. */
char *check_value(struct check *c, const char *xpath);
/* Says so when there is nothing at path; `what` names the object. */
bool check_path(struct check *c, enum check_severity severity, const char *what,
		const char *path, const char *advice);

/* check_disks.c, check_devices.c, check_config.c */
void check_disks(struct check *c);
void check_devices(struct check *c);
void check_networks(struct check *c);
void check_secrets(struct check *c);
void check_machine(struct check *c);
void check_definition(struct check *c);
void check_config(struct check *c);
/* True when qemu.conf names one (sanlock, lockd). */
bool check_has_lock_manager(void);

#endif
