/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hosts have told of their VMs' heartbeats: one node attribute each,
 * "VM=MARK VM=no-channel ...". The mark is of the QEMU that was heard, so that
 * nobody takes what an earlier one said for the word of the next. What was not
 * written as this daemon writes it counts as not there.
 */
#include <string.h>

#include "FaultDomain/facts.h"

static void
take_word(struct fdm_facts *facts, const char *word, guint node)
{
	const char *equals = strrchr(word, '=');
	char *name = equals ? g_strndup(word, (gsize)(equals - word)) : NULL;
	guint index = name ? GPOINTER_TO_UINT(g_hash_table_lookup(
				     facts->by_resource, name)) :
			     0;
	struct fdm_vm *vm;
	guint64 mark = 0;

	g_free(name);
	if (index == 0) {
		return;
	}
	vm = &g_array_index(facts->vms, struct fdm_vm, index - 1);
	/* While it moves, or has just moved, two hosts may tell. */
	if (vm->up_nodes != 0 && node < FDM_NODE_BITS &&
	    !(vm->up_nodes & (UINT64_C(1) << node))) {
		return;
	}
	if (strcmp(equals + 1, FDM_READY_NO_CHANNEL) == 0) {
		vm->has_no_channel = true;
	} else if (g_ascii_string_to_unsigned(equals + 1, 10, 1, G_MAXUINT64,
					      &mark, NULL)) {
		vm->ready_mark = mark;
	}
}

void
fdm_facts_ready(struct fdm_facts *facts)
{
	for (guint i = 0; i < facts->nodes->len; i++) {
		const struct fdm_node *node =
			&g_array_index(facts->nodes, struct fdm_node, i);
		const char *text = node->is_online ?
					   fdm_xml_nvpair(node->transient,
							  "instance_attributes",
							  FDM_READY_ATTR) :
					   NULL;
		char **words = text ? g_strsplit(text, " ", -1) : NULL;

		for (guint w = 0; words && words[w]; w++) {
			take_word(facts, words[w], i);
		}
		g_strfreev(words);
	}
}
