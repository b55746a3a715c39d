/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts from one copy of the CIB: made whole, then only read.
 */
#include "FaultDomain/facts.h"

#include <stdio.h>
#include <string.h>

static void
vm_done(gpointer data)
{
	g_array_unref(((struct fdm_vm *)data)->params);
}

static void
node_done(gpointer data)
{
	g_array_unref(((struct fdm_node *)data)->active);
}

static void
find_dc(struct fdm_facts *facts, const char *id)
{
	facts->dc = "";
	for (guint i = 0; i < facts->nodes->len; i++) {
		const struct fdm_node *node =
			&g_array_index(facts->nodes, struct fdm_node, i);

		if (id[0] && strcmp(node->id, id) == 0) {
			facts->dc = node->name;
		}
	}
}

struct fdm_facts *
fdm_facts_new(xmlDoc *doc)
{
	struct fdm_facts *facts = g_new0(struct fdm_facts, 1);
	const xmlNode *root = xmlDocGetRootElement(doc);

	facts->doc = doc;
	facts->domain = "";
	facts->vms = g_array_new(FALSE, FALSE, sizeof(struct fdm_vm));
	facts->nodes = g_array_new(FALSE, FALSE, sizeof(struct fdm_node));
	facts->migrations =
		g_array_new(FALSE, FALSE, sizeof(struct fdm_migration));
	facts->policy =
		g_array_new(FALSE, FALSE, sizeof(struct responder_param));
	g_array_set_clear_func(facts->vms, vm_done);
	g_array_set_clear_func(facts->nodes, node_done);
	facts->rscs =
		g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	facts->by_resource = g_hash_table_new(g_str_hash, g_str_equal);
	(void)snprintf(facts->version_text, sizeof(facts->version_text),
		       "%.16s.%.20s.%.20s", fdm_xml_text(root, "admin_epoch"),
		       fdm_xml_text(root, "epoch"),
		       fdm_xml_text(root, "num_updates"));
	facts->version = facts->version_text;
	facts->have_quorum =
		strcmp(fdm_xml_text(root, "have-quorum"), "1") == 0 ||
		strcmp(fdm_xml_text(root, "have-quorum"), "true") == 0;
	fdm_facts_config(facts, fdm_xml_child(root, "configuration"));
	fdm_facts_history(facts, fdm_xml_child(root, "status"));
	fdm_facts_hosts(facts, root);
	fdm_facts_ready(facts);
	find_dc(facts, fdm_xml_text(root, "dc-uuid"));
	return facts;
}

void
fdm_facts_free(struct fdm_facts *facts)
{
	if (!facts) {
		return;
	}
	g_hash_table_destroy(facts->by_resource);
	g_hash_table_destroy(facts->rscs);
	g_array_unref(facts->migrations);
	g_array_unref(facts->policy);
	g_array_unref(facts->nodes);
	g_array_unref(facts->vms);
	xmlFreeDoc(facts->doc);
	g_free(facts);
}

const struct fdm_vm *
fdm_facts_vm(const struct fdm_facts *facts, const char *resource)
{
	guint index = GPOINTER_TO_UINT(
		g_hash_table_lookup(facts->by_resource, resource));

	return index ? &g_array_index(facts->vms, struct fdm_vm, index - 1) :
		       NULL;
}

guint
fdm_facts_count_gated(const struct fdm_facts *facts)
{
	guint count = 0;

	for (guint i = 0; i < facts->vms->len; i++) {
		count += g_array_index(facts->vms, struct fdm_vm, i).is_gated;
	}
	return count;
}

const struct fdm_node *
fdm_facts_node(const struct fdm_facts *facts, const char *name)
{
	for (guint i = 0; i < facts->nodes->len; i++) {
		const struct fdm_node *node =
			&g_array_index(facts->nodes, struct fdm_node, i);

		if (strcmp(node->name, name) == 0) {
			return node;
		}
	}
	return NULL;
}

bool
fdm_facts_is_active(const struct fdm_node *node, const char *resource)
{
	for (guint i = 0; node && i < node->active->len; i++) {
		const struct ha_gated_resource *one = &g_array_index(
			node->active, struct ha_gated_resource, i);

		if (strcmp(one->id, resource) == 0) {
			return true;
		}
	}
	return false;
}
