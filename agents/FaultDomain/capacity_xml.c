/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host's capacity in the CIB: what stands there, and what is to be put
 * there. A value and its mark change in one update, so that no half of it can
 * make vmha's own value look like a person's.
 */
#include <inttypes.h>
#include <string.h>

#include "FaultDomain/capacity.h"
#include "FaultDomain/facts.h"
#include "ha/fdmparams.h"
#include "ha/text.h"

#define ID_BYTES 320
#define NUMBER_BYTES 24

static const xmlNode *
node_of(const struct fdm_facts *facts, const char *host)
{
	const xmlNode *root = xmlDocGetRootElement(facts->doc);
	const xmlNode *node = fdm_xml_child(
		fdm_xml_child(fdm_xml_child(root, "configuration"), "nodes"),
		"node");

	while (node && (!fdm_xml_is(node, "node") ||
			strcmp(fdm_xml_text(node, "uname"), host) != 0)) {
		node = node->next;
	}
	return node;
}

bool
fdm_capacity_judge(const struct fdm_facts *facts, const char *host,
		   const struct ha_hostcap *has,
		   struct ha_capacity *ret_capacity,
		   struct ha_capacity_plan *ret_plan)
{
	const xmlNode *node = node_of(facts, host);
	struct respond_pairs pairs = fdm_pairs(facts->policy);
	struct ha_fdm_overhead cpu = { .amount = 0 };
	struct ha_fdm_overhead memory = { .amount = 0 };
	struct ha_capacity_shown shown;
	struct ha_fdm_params params;

	if (!node) {
		return false;
	}
	/* Bad values are the responder's to log; their defaults hold. */
	(void)ha_fdm_params_lenient(respond_pair, &pairs, &params, NULL);
	(void)ha_fdm_overhead_parse(params.host_cpu_overhead, &cpu);
	(void)ha_fdm_overhead_parse(params.host_memory_overhead, &memory);
	shown.cpu = fdm_xml_nvpair(node, "utilization", HA_CAPACITY_CPU);
	shown.memory = fdm_xml_nvpair(node, "utilization", HA_CAPACITY_MEMORY);
	shown.mark =
		fdm_xml_nvpair(node, "instance_attributes", HA_CAPACITY_MARK);
	*ret_capacity = (struct ha_capacity){
		.is_cpu_known = has->cpu_mhz > 0,
		.cpu_mhz = ha_fdm_overhead_take(has->cpu_mhz, &cpu),
		.memory_mb = ha_fdm_overhead_take(has->memory_mb, &memory),
	};
	ha_capacity_judge(&shown, ret_capacity, ret_plan);
	return true;
}

uint64_t
fdm_capacity_shown(const struct fdm_facts *facts, const char *host,
		   const char *name)
{
	const xmlNode *node = node_of(facts, host);
	const char *text =
		node ? fdm_xml_nvpair(node, "utilization", name) : NULL;
	uint64_t value = 0;

	/* Pacemaker's utilization is an int. */
	return text && ha_text_uint64(text, &value) == 0 && value <= INT32_MAX ?
		       value :
		       0;
}

static void
put_attr(GString *xml, const char *name, const char *value)
{
	char *text = g_markup_escape_text(value, -1);

	g_string_append_printf(xml, " %s=\"%s\"", name, text);
	g_free(text);
}

/* From `set` on, the first one that vmha may write into: without a rule. */
static const xmlNode *
plain_set(const xmlNode *set, const char *kind)
{
	while (set && (!fdm_xml_is(set, kind) || fdm_xml_child(set, "rule"))) {
		set = set->next;
	}
	return set;
}

/* The pair, and the set that it stands in; where it is nowhere, the first
 * set. */
static const xmlNode *
pair_of(const xmlNode *node, const char *kind, const char *name,
	const xmlNode **ret_set)
{
	const xmlNode *set = plain_set(node->children, kind);

	*ret_set = set;
	for (; set; set = plain_set(set->next, kind)) {
		const xmlNode *pair = fdm_xml_child(set, "nvpair");

		for (; pair; pair = pair->next) {
			if (fdm_xml_is(pair, "nvpair") &&
			    strcmp(fdm_xml_text(pair, "name"), name) == 0) {
				*ret_set = set;
				return pair;
			}
		}
	}
	return NULL;
}

/* New ones as crm_attribute names them. */
static void
put_pair(GString *xml, const xmlNode *node, const char *kind,
	 const char *suffix, const char *name, const char *value)
{
	const xmlNode *set = NULL;
	const xmlNode *pair = pair_of(node, kind, name, &set);
	char set_id[ID_BYTES];
	char pair_id[ID_BYTES + 64];

	if (set) {
		g_strlcpy(set_id, fdm_xml_text(set, "id"), sizeof(set_id));
	} else {
		(void)g_snprintf(set_id, sizeof(set_id), "nodes-%s%s",
				 fdm_xml_text(node, "id"), suffix);
	}
	if (pair) {
		g_strlcpy(pair_id, fdm_xml_text(pair, "id"), sizeof(pair_id));
	} else {
		(void)g_snprintf(pair_id, sizeof(pair_id), "%s-%s", set_id,
				 name);
	}
	g_string_append_printf(xml, "<%s", kind);
	put_attr(xml, "id", set_id);
	g_string_append(xml, "><nvpair");
	put_attr(xml, "id", pair_id);
	put_attr(xml, "name", name);
	put_attr(xml, "value", value);
	g_string_append_printf(xml, "/></%s>", kind);
}

static void
put_utilization(GString *xml, const xmlNode *node, const char *name,
		uint64_t value)
{
	char number[NUMBER_BYTES];

	(void)g_snprintf(number, sizeof(number), "%" PRIu64, value);
	put_pair(xml, node, "utilization", "-utilization", name, number);
}

static void
put_node(GString *xml, const xmlNode *node)
{
	g_string_append(xml, "<cib><configuration><nodes><node");
	put_attr(xml, "id", fdm_xml_text(node, "id"));
	put_attr(xml, "uname", fdm_xml_text(node, "uname"));
	g_string_append(xml, ">");
}

char *
fdm_capacity_xml(const struct fdm_facts *facts, const char *host,
		 const struct ha_capacity *capacity,
		 const struct ha_capacity_plan *plan)
{
	GString *xml = g_string_new(NULL);
	const xmlNode *node = node_of(facts, host);

	put_node(xml, node);
	if (plan->writes_cpu) {
		put_utilization(xml, node, HA_CAPACITY_CPU, capacity->cpu_mhz);
	}
	if (plan->writes_memory) {
		put_utilization(xml, node, HA_CAPACITY_MEMORY,
				capacity->memory_mb);
	}
	put_pair(xml, node, "instance_attributes", "", HA_CAPACITY_MARK,
		 plan->mark);
	g_string_append(xml, "</node></nodes></configuration></cib>");
	return g_string_free(xml, FALSE);
}
