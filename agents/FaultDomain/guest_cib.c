/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written into the CIB for a VM whose guest has powered it off: nvpairs
 * of its own meta attributes, merged by their ids. Ids that are there are kept,
 * and new ones are made as crm_resource makes them, so that everybody's tools
 * find one target-role and not two. Decides nothing.
 */
#include <string.h>

#include "FaultDomain/facts.h"

#define SET "meta_attributes"

/* The first set without a rule; NULL: none. */
static const xmlNode *
find_set(const xmlNode *primitive)
{
	const xmlNode *node = primitive->children;

	while (node &&
	       (!fdm_xml_is(node, SET) || fdm_xml_child(node, "rule"))) {
		node = node->next;
	}
	return node;
}

static bool
has_id(const xmlNode *primitive, const char *id)
{
	for (const xmlNode *node = primitive->children; node;
	     node = node->next) {
		if (node->type == XML_ELEMENT_NODE &&
		    strcmp(fdm_xml_text(node, "id"), id) == 0) {
			return true;
		}
	}
	return false;
}

/* The set that has the name already, or that gets it; its pair's id. */
static char *
find_place(const xmlNode *primitive, const char *name, char **ret_set)
{
	const xmlNode *set = find_set(primitive);
	const char *id = fdm_xml_text(primitive, "id");

	for (const xmlNode *node = primitive->children; node;
	     node = node->next) {
		const xmlNode *pair = NULL;

		if (fdm_xml_is(node, SET) && !fdm_xml_child(node, "rule")) {
			pair = node->children;
		}
		for (; pair; pair = pair->next) {
			if (fdm_xml_is(pair, "nvpair") &&
			    strcmp(fdm_xml_text(pair, "name"), name) == 0) {
				*ret_set = g_strdup(fdm_xml_text(node, "id"));
				return g_strdup(fdm_xml_text(pair, "id"));
			}
		}
	}
	if (set) {
		*ret_set = g_strdup(fdm_xml_text(set, "id"));
	} else {
		*ret_set = g_strdup_printf("%s-" SET, id);
		if (has_id(primitive, *ret_set)) { /* one with a rule */
			g_free(*ret_set);
			*ret_set = g_strdup_printf("%s-vmha-" SET, id);
		}
	}
	return g_strdup_printf("%s-%s", *ret_set, name);
}

static void
add_pair(GString *xml, const xmlNode *primitive, const char *name,
	 const char *value)
{
	char *set = NULL;
	char *id = find_place(primitive, name, &set);
	char *text = g_markup_printf_escaped(
		"<" SET " id=\"%s\"><nvpair id=\"%s\" name=\"%s\" "
		"value=\"%s\"/></" SET ">",
		set, id, name, value);

	g_string_append(xml, text);
	g_free(text);
	g_free(id);
	g_free(set);
}

/* What it stands in, outermost first, down to the primitive. */
static void
open_all(GString *xml, const xmlNode *node)
{
	char *text;

	if (!node || fdm_xml_is(node, "resources")) {
		g_string_append(xml, "<cib><configuration><resources>");
		return;
	}
	open_all(xml, node->parent);
	text = g_markup_printf_escaped("<%s id=\"%s\">",
				       (const char *)node->name,
				       fdm_xml_text(node, "id"));
	g_string_append(xml, text);
	g_free(text);
}

static void
close_all(GString *xml, const xmlNode *node)
{
	for (; node && !fdm_xml_is(node, "resources"); node = node->parent) {
		g_string_append_printf(xml, "</%s>", (const char *)node->name);
	}
	g_string_append(xml, "</resources></configuration></cib>");
}

static const xmlNode *
find_primitive(const struct fdm_facts *facts, const char *resource)
{
	const struct fdm_rsc *rsc = g_hash_table_lookup(facts->rscs, resource);

	return rsc ? rsc->node : NULL;
}

char *
fdm_guest_off_xml(const struct fdm_facts *facts, const char *resource,
		  const char *host, uint64_t at_s)
{
	const xmlNode *primitive = find_primitive(facts, resource);
	GString *xml = g_string_new(NULL);
	char *value;

	if (!primitive) {
		return g_string_free(xml, TRUE);
	}
	value = g_strdup_printf("%s %" G_GUINT64_FORMAT, host, (guint64)at_s);
	open_all(xml, primitive);
	add_pair(xml, primitive, "target-role", "Stopped");
	add_pair(xml, primitive, FDM_META_GUEST_OFF, value);
	close_all(xml, primitive);
	g_free(value);
	return g_string_free(xml, FALSE);
}
