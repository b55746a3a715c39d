/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small CIB in pieces, read as vmha-fdmd reads it: what the tests of the
 * inventory share.
 */
#ifndef TESTS_INVENTORY_H
#define TESTS_INVENTORY_H

#include "../unit/unit.h"

#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "FaultDomain/facts.h"
#include "ha/cibinv.h"
#include "ha/err.h"

#define HOST(id, more) "<node id='" id "' uname='h" id "'>" more "</node>"
#define CAPACITY(cpu, memory)                                           \
	"<utilization id='u'><nvpair id='a' name='cpu_mhz' value='" cpu \
	"'/><nvpair id='b' name='memory_mb' value='" memory             \
	"'/></utilization>"
#define ATTR(name, value)                                        \
	"<instance_attributes id='i'><nvpair id='n' name='" name \
	"' value='" value "'/></instance_attributes>"
#define STATE(id, words, more)                                    \
	"<node_state id='" id "' uname='h" id "' " words ">" more \
	"</node_state>"
#define MEMBER "in_ccm='true' crmd='online' join='member' expected='member'"
#define LOST "in_ccm='false' crmd='offline' join='down' expected='member'"
#define DOWN "in_ccm='false' crmd='offline' join='down' expected='down'"
#define VM(id, more)                                          \
	"<primitive id='" id "' class='ocf' provider='vmha' " \
	"type='VirtualMachine'>" more "</primitive>"
#define META(name, value)                                                      \
	"<meta_attributes id='m'><nvpair id='o' name='" name "' value='" value \
	"'/></meta_attributes>"
#define LRM(all) "<lrm><lrm_resources>" all "</lrm_resources></lrm>"
#define PAST(id, ops) "<lrm_resource id='" id "'>" ops "</lrm_resource>"
#define OP(operation, call, rc, status)                               \
	"<lrm_rsc_op id='x' operation='" operation "' call-id='" call \
	"' rc-code='" rc "' op-status='" status "' interval='0'/>"
#define SET(more, refs) "<resource_set id='s' " more ">" refs "</resource_set>"
#define REF(id) "<resource_ref id='" id "'/>"
#define H3 HOST("1", "") HOST("2", "") HOST("3", "")
#define UP3 STATE("1", MEMBER, "") STATE("2", MEMBER, "") STATE("3", MEMBER, "")

static xmlDoc *doc;
static struct ha_cibinv *inv;

static inline void
done(void)
{
	ha_cibinv_free(inv);
	inv = NULL;
	xmlFreeDoc(doc);
	doc = NULL;
}

static inline int
teardown(void **state)
{
	(void)state;
	done();
	return 0;
}

static inline int
read_text(const char *xml)
{
	struct ha_err err = HA_ERR_INIT;

	done();
	doc = xmlReadMemory(xml, (int)strlen(xml), "cib", NULL, 0);
	assert_non_null(doc);
	return ha_cibinv_read(&FDM_XML_TREE, xmlDocGetRootElement(doc), &inv,
			      &err);
}

static inline void
read_cib(const char *properties, const char *nodes, const char *resources,
	 const char *constraints, const char *status)
{
	char *xml = g_strdup_printf(
		"<cib>\n <configuration><crm_config><cluster_property_set "
		"id='p'>%s</cluster_property_set></crm_config><nodes>%s"
		"</nodes><resources>%s</resources><constraints>%s"
		"</constraints></configuration><status>%s</status></cib>",
		properties, nodes, resources, constraints, status);

	assert_int_equal(read_text(xml), 0);
	g_free(xml);
}

static inline const struct ha_inv_vm *
vm(const char *name)
{
	uint32_t i = 0;

	while (i < inv->inv.n_vms && strcmp(inv->inv.vms[i].name, name) != 0) {
		i++;
	}
	assert_in_range(i + 1, 1, inv->inv.n_vms);
	return &inv->inv.vms[i];
}

static inline bool
has_note(const char *words)
{
	for (uint32_t i = 0; i < inv->n_notes; i++) {
		if (strstr(inv->notes[i], words)) {
			return true;
		}
	}
	return false;
}

#define ON OP("start", "5", "0", "0")

#endif
