/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the CIB's XML: attributes in place, without copies.
 */
#include <string.h>

#include "FaultDomain/facts.h"
#include "ha/text.h"

const char *
fdm_xml_attr(const xmlNode *node, const char *name)
{
	const xmlAttr *attr = NULL;

	for (attr = node ? node->properties : NULL; attr; attr = attr->next) {
		if (strcmp((const char *)attr->name, name) == 0) {
			return attr->children && attr->children->content ?
				       (const char *)attr->children->content :
				       "";
		}
	}
	return NULL;
}

const char *
fdm_xml_text(const xmlNode *node, const char *name)
{
	const char *text = fdm_xml_attr(node, name);

	return text ? text : "";
}

uint64_t
fdm_xml_number(const xmlNode *node, const char *name, uint64_t def)
{
	const char *text = fdm_xml_attr(node, name);
	uint64_t value = def;

	if (text) {
		(void)ha_text_uint64(text, &value);
	}
	return value;
}

bool
fdm_xml_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE &&
	       strcmp((const char *)node->name, name) == 0;
}

const xmlNode *
fdm_xml_child(const xmlNode *node, const char *name)
{
	const xmlNode *child = node ? node->children : NULL;

	while (child && !fdm_xml_is(child, name)) {
		child = child->next;
	}
	return child;
}

static bool
is_plain_set(const xmlNode *node, const char *set)
{
	return fdm_xml_is(node, set) && !fdm_xml_child(node, "rule");
}

const char *
fdm_xml_nvpair(const xmlNode *node, const char *set, const char *name)
{
	const xmlNode *child = node ? node->children : NULL;

	for (; child; child = child->next) {
		if (!is_plain_set(child, set)) {
			continue;
		}
		for (const xmlNode *pair = child->children; pair;
		     pair = pair->next) {
			if (fdm_xml_is(pair, "nvpair") &&
			    strcmp(fdm_xml_text(pair, "name"), name) == 0) {
				return fdm_xml_attr(pair, "value");
			}
		}
	}
	return NULL;
}

static bool
has_param(const GArray *params, const char *name)
{
	for (guint i = 0; i < params->len; i++) {
		const struct responder_param *param =
			&g_array_index(params, struct responder_param, i);

		if (strcmp(param->name, name) == 0) {
			return true;
		}
	}
	return false;
}

void
fdm_xml_nvpairs(const xmlNode *node, const char *set, GArray *ret_params)
{
	const xmlNode *child = node ? node->children : NULL;

	for (; child; child = child->next) {
		if (!is_plain_set(child, set)) {
			continue;
		}
		for (const xmlNode *pair = child->children; pair;
		     pair = pair->next) {
			struct responder_param param;

			if (!fdm_xml_is(pair, "nvpair")) {
				continue;
			}
			param.name = fdm_xml_attr(pair, "name");
			param.value = fdm_xml_attr(pair, "value");
			if (param.name && param.value &&
			    !has_param(ret_params, param.name)) {
				g_array_append_val(ret_params, param);
			}
		}
	}
}

static const char *
tree_name(const void *element)
{
	return (const char *)((const xmlNode *)element)->name;
}

static const char *
tree_attr(const void *element, const char *name)
{
	return fdm_xml_attr(element, name);
}

static const void *
element_from(const xmlNode *at)
{
	while (at && at->type != XML_ELEMENT_NODE) {
		at = at->next;
	}
	return at;
}

static const void *
tree_first(const void *element)
{
	return element_from(((const xmlNode *)element)->children);
}

static const void *
tree_next(const void *element)
{
	return element_from(((const xmlNode *)element)->next);
}

const struct ha_cib_tree FDM_XML_TREE = {
	.name = tree_name,
	.attr = tree_attr,
	.first = tree_first,
	.next = tree_next,
};
