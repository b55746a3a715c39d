/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From libcib's thread to the caller's. A copy goes over as text: the nodes of
 * Pacemaker 2.1 carry private data that only its own thread can free.
 */
#include <string.h>

#include "cib.h"

struct gift {
	struct ha_cib *cib;
	xmlChar *text; /* NULL: a loss */
	int length;
	char *why;
};

static void
gift_free(gpointer data)
{
	struct gift *gift = data;

	xmlFree(gift->text);
	g_free(gift->why);
	g_free(gift);
}

static gboolean
on_gift(gpointer data)
{
	struct gift *gift = data;
	const struct ha_cib *cib = gift->cib;
	xmlDoc *doc;

	if (!gift->text) {
		cib->calls.on_lost(cib->data, gift->why);
		return G_SOURCE_REMOVE;
	}
	doc = xmlReadMemory((const char *)gift->text, gift->length, "cib", NULL,
			    XML_PARSE_NONET | XML_PARSE_HUGE |
				    XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (doc && xmlDocGetRootElement(doc)) {
		cib->calls.on_copy(cib->data, doc);
	} else {
		xmlFreeDoc(doc);
	}
	return G_SOURCE_REMOVE;
}

/* Not g_main_context_invoke(), which would call at once, in this thread, while
 * nobody owns the context. */
void
ha__cib_post(GMainContext *context, GSourceFunc func, gpointer data,
	     GDestroyNotify notify)
{
	GSource *source = g_idle_source_new();

	g_source_set_priority(source, G_PRIORITY_DEFAULT);
	g_source_set_callback(source, func, data, notify);
	(void)g_source_attach(source, context);
	g_source_unref(source);
}

static void
give(struct gift *gift)
{
	ha__cib_post(gift->cib->context, on_gift, gift, gift_free);
}

void
ha__cib_give_text(struct ha_cib *cib, xmlChar *text, int length)
{
	struct gift *gift = g_new0(struct gift, 1);

	gift->cib = cib;
	gift->text = text;
	gift->length = length;
	give(gift);
}

void
ha__cib_give_loss(struct ha_cib *cib, const char *why)
{
	struct gift *gift = g_new0(struct gift, 1);

	gift->cib = cib;
	gift->why = g_strdup(why);
	give(gift);
}
