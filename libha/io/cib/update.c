/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One update of several objects. `modify` of the whole <cib> merges what it is
 * given into the tree by element and id, under one version and as one patch to
 * all hosts: status/tickets and configuration/constraints change together or
 * not at all (update_xml_child() of Pacemaker 2.1, pcmk__xml_update() of 3.0).
 */
#include <errno.h>
#include <string.h>

#include "cib.h"

struct update {
	struct ha_cib *cib;
	char *xml;
	void (*done)(void *data, int code, const char *why);
	void *data;
	int code;
	char *why;
};

static void
update_free(gpointer data)
{
	struct update *update = data;

	g_free(update->xml);
	g_free(update->why);
	g_free(update);
}

static gboolean
on_told(gpointer data)
{
	struct update *update = data;

	update->done(update->data, update->code,
		     update->why ? update->why : "");
	return G_SOURCE_REMOVE;
}

static void
tell(struct update *update, int code, const char *why)
{
	update->cib->updates = g_list_remove(update->cib->updates, update);
	update->code = code;
	update->why = g_strdup(why);
	ha__cib_post(update->cib->context, on_told, update, update_free);
}

void
ha__cib_updates_fail(struct ha_cib *cib, const char *why)
{
	while (cib->updates) {
		tell(cib->updates->data, -ENOTCONN, why);
	}
}

static void
on_done(xmlNode *msg, int call_id, int rc, xmlNode *output, void *data)
{
	(void)msg;
	(void)call_id;
	(void)output;
	if (rc >= 0) {
		ha__cib_hurry(((struct update *)data)->cib);
		tell(data, 0, NULL);
	} else {
		tell(data, rc == -ETIME || rc == -ETIMEDOUT ? -ETIMEDOUT : -EIO,
		     pcmk_strerror(rc));
	}
}

static gboolean
on_update(gpointer data)
{
	struct update *update = data;
	cib_t *lib = update->cib->lib;
	xmlDoc *doc;
	int id;

	if (!lib) {
		tell(update, -ENOTCONN, "no connection to Pacemaker's CIB");
		return G_SOURCE_REMOVE;
	}
	doc = xmlReadMemory(update->xml, (int)strlen(update->xml), "update",
			    NULL, XML_PARSE_NONET | XML_PARSE_HUGE);
	if (!doc || !xmlDocGetRootElement(doc)) {
		xmlFreeDoc(doc);
		tell(update, -EIO, "the update is no XML");
		return G_SOURCE_REMOVE;
	}
	update->cib->updates = g_list_prepend(update->cib->updates, update);
	id = lib->cmds->modify(lib, NULL, xmlDocGetRootElement(doc), cib_none);
	xmlFreeDoc(doc);
	if (id <= 0) {
		tell(update, -EIO, pcmk_strerror(id));
	} else if (!lib->cmds->register_callback(lib, id, HA_CIB_CALL_S, FALSE,
						 update, "on_done", on_done)) {
		tell(update, -EIO, "libcib takes no callback");
	}
	return G_SOURCE_REMOVE;
}

void
ha_cib_update(struct ha_cib *cib, const char *xml,
	      void (*done)(void *data, int code, const char *why), void *data)
{
	struct update *update = g_new0(struct update, 1);

	update->cib = cib;
	update->xml = g_strdup(xml);
	update->done = done;
	update->data = data;
	ha__cib_post(NULL, on_update, update, NULL);
}
