/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A primitive as XML again, as vmha vm import replaces it: operations, meta
 * attributes and utilization stay as they are.
 */
#include <stdlib.h>
#include <string.h>

#include "import.h"

#define MANAGED "is-managed"

/* The nvpair that is left out is is-managed, where it is set anew. */
static void
put_node(FILE *out, const struct cib_node *node, bool without_managed)
{
	if (without_managed && cib_is(node, "nvpair") &&
	    strcmp(cib_get(node, "name"), MANAGED) == 0) {
		return;
	}
	fprintf(out, "<%s", node->name);
	for (size_t i = 0; i < node->attrs; i++) {
		cib_put_attr(out, node->attr[i].name, node->attr[i].value);
	}
	fputc('>', out);
	for (const struct cib_node *at = node->first; at; at = at->next) {
		put_node(out, at, without_managed);
	}
	fprintf(out, "</%s>", node->name);
}

static void
put_params(FILE *out, const char *id, const json_t *params)
{
	const char *name;
	json_t *value;

	fputs("<instance_attributes", out);
	fprintf(out, " id=\"%s-instance_attributes\">", id);
	json_object_foreach((json_t *)(uintptr_t)params, name, value)
	{
		fprintf(out, "<nvpair id=\"%s-instance_attributes-%s\"", id,
			name);
		cib_put_attr(out, "name", name);
		cib_put_attr(out, "value", json_string_value(value));
		fputs("/>", out);
	}
	fputs("</instance_attributes>", out);
}

static void
put_head(FILE *out, const struct cib_node *primitive, bool is_new)
{
	fputs("<primitive", out);
	for (size_t i = 0; i < primitive->attrs; i++) {
		const char *name = primitive->attr[i].name;

		cib_put_attr(out, name,
			     is_new && strcmp(name, "provider") == 0 ?
				     "vmha" :
			     is_new && strcmp(name, "type") == 0 ?
				     "VirtualMachine" :
				     primitive->attr[i].value);
	}
	fputc('>', out);
}

char *
import_xml(const struct cib_node *primitive, const json_t *params,
	   bool is_unmanaged)
{
	const char *id = cib_get(primitive, "id");
	const struct cib_node *at = primitive->first;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		return NULL;
	}
	put_head(out, primitive, params != NULL);
	/* Of several sets the first that names it counts. */
	if (is_unmanaged) {
		fprintf(out,
			"<meta_attributes id=\"%s-vmha-import\"><nvpair "
			"id=\"%s-vmha-import-managed\" name=\"" MANAGED
			"\" value=\"false\"/></meta_attributes>",
			id, id);
	}
	if (params) {
		put_params(out, id, params);
	}
	for (; at; at = at->next) {
		if (!params || !cib_is(at, "instance_attributes")) {
			put_node(out, at, is_unmanaged);
		}
	}
	fputs("</primitive>", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
