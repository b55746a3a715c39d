/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha vm list and show: every ocf:vmha:VirtualMachine with its host, ticket
 * and protection, and one of them in full. Shows what known.c gathered;
 * decides nothing.
 */
#include <errno.h>
#include <string.h>

#include "why.h"

#define LABEL 14

static enum vmha_tone
tone_of(enum known_protection protection)
{
	switch (protection) {
	case KNOWN_PROTECTED:
		return TONE_GOOD;
	case KNOWN_HELD:
		return TONE_BAD;
	case KNOWN_COMING:
	case KNOWN_UNPROTECTED:
	case KNOWN_UNKNOWN:
		break;
	}
	return TONE_WARN;
}

static json_t *
row_json(const struct known_vm *row)
{
	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s}", "vm", row->name,
			 "state", row->state, "host",
			 *row->host ? json_string(row->host) : json_null(),
			 "ticket", row->ticket, "protection",
			 known_protection_word(row->protection), "why",
			 row->why);
}

static void
put_row(struct vmha_table *table, const struct known_vm *row)
{
	bool is_held = row->protection == KNOWN_HELD;

	vmha_table_add(table, TONE_STRONG, "%s", row->name);
	vmha_table_add(table, TONE_PLAIN, "%s", row->state);
	vmha_table_add(table, TONE_PLAIN, "%s", *row->host ? row->host : "-");
	vmha_table_add(table, is_held ? TONE_BAD : TONE_PLAIN, "%s",
		       row->ticket);
	vmha_table_add(table, tone_of(row->protection), "%s",
		       known_protection_word(row->protection));
	vmha_table_add(table, TONE_PLAIN, "%s", row->why);
}

/* Nobody knows the VMs without the CIB. */
static bool
has_cib(struct vmha *v, const struct known *known, int *ret_code)
{
	if (known->cib) {
		return true;
	}
	v->err = known->cib_err;
	*ret_code = vmha_fail(v, known->cib_code);
	return false;
}

static void
put_gaps(const json_t *gaps)
{
	const json_t *it;
	size_t i;

	json_array_foreach(gaps, i, it)
	{
		printf("%s%s\n",
		       i ? "" : "\nNot known: ", json_string_value(it));
	}
}

static int
tell_list(struct vmha *v, const struct known *known, json_t *gaps)
{
	static const char *const TITLES[] = { "VM",     "STATE",      "HOST",
					      "TICKET", "PROTECTION", "",
					      NULL };
	const struct cib_node *vm = NULL;
	json_t *rows = json_array();
	struct vmha_table table;
	struct known_vm row;

	vmha_table_init(&table, TITLES);
	while ((vm = cib_next_vm(known->cib, vm))) {
		known_vm(known, cib_get(vm, "id"), &row);
		(void)json_array_append_new(rows, row_json(&row));
		put_row(&table, &row);
	}
	if (v->args.is_json) {
		vmha_table_done(&table);
		return vmha_json(v, json_pack("{s:o, s:O, s:O}", "vms", rows,
					      "found", known->found, "unknown",
					      gaps));
	}
	if (json_array_size(rows) == 0) {
		puts("No resource is an ocf:vmha:VirtualMachine.");
	} else {
		vmha_table_print(&table, &v->screen, stdout);
	}
	known_put_found(v, known);
	put_gaps(gaps);
	vmha_table_done(&table);
	json_decref(rows);
	return VMHA_OK;
}

int
vmha_vm_list(struct vmha *v)
{
	struct known known;
	json_t *gaps = json_array();
	int code;

	known_gather(v, &known);
	known_judge(v, &known, NULL);
	known_gaps(&known, gaps);
	if (has_cib(v, &known, &code)) {
		code = tell_list(v, &known, gaps);
	}
	json_decref(gaps);
	known_done(&known);
	return code;
}

/* ---- show ---------------------------------------------------------------- */

/* Name and value of each nvpair of the primitive's sets of that kind, its
 * template's behind its own. */
static json_t *
pairs_json(const struct cib_node *cib, const struct cib_node *primitive,
	   const char *kind)
{
	const char *name = cib_get(primitive, "template");
	const struct cib_node *from[] = {
		*name ? cib_find(cib, "template", "id", name) : NULL,
		primitive,
	};
	json_t *pairs = json_object();

	for (size_t i = 0; i < 2; i++) {
		const struct cib_node *set = from[i] ? from[i]->first : NULL;

		for (; set; set = set->next) {
			const struct cib_node *at = NULL;

			while (cib_is(set, kind) &&
			       (at = cib_next(set, at, "nvpair"))) {
				(void)json_object_set_new(
					pairs, cib_get(at, "name"),
					json_string(cib_get(at, "value")));
			}
		}
	}
	return pairs;
}

static json_t *
operations_json(const struct cib_node *primitive)
{
	json_t *list = json_array();
	const struct cib_node *op = NULL;

	while ((op = cib_next(primitive, op, "op"))) {
		const char *timeout = cib_get(op, "timeout");

		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s}", "name",
					cib_get(op, "name"), "interval",
					cib_get(op, "interval"), "timeout",
					*timeout ? timeout : "default"));
	}
	return list;
}

/* Does a constraint name it, in whatever place? */
static bool
names(const struct cib_node *constraint, const char *vm)
{
	const struct cib_node *at = constraint;

	for (; at; at = cib_walk(constraint, at)) {
		for (size_t i = 0; i < at->attrs; i++) {
			if (strcmp(at->attr[i].name, "id") != 0 &&
			    strcmp(at->attr[i].value, vm) == 0) {
				return true;
			}
		}
		if (cib_is(at, "resource_ref") &&
		    strcmp(cib_get(at, "id"), vm) == 0) {
			return true;
		}
	}
	return false;
}

static json_t *
constraints_json(const struct cib_node *cib, const char *vm)
{
	const struct cib_node *all = cib_next(cib, NULL, "constraints");
	const struct cib_node *at = all ? all->first : NULL;
	json_t *list = json_array();

	for (; at; at = at->next) {
		if (names(at, vm)) {
			(void)json_array_append_new(
				list, json_string(cib_get(at, "id")));
		}
	}
	return list;
}

static json_t *
history_json(const struct cib_node *cib, const char *vm)
{
	static const char *const WORDS[] = { [CIB_NEVER] = "never",
					     [CIB_OFF] = "off",
					     [CIB_ON] = "on",
					     [CIB_BUSY] = "busy",
					     [CIB_FAILED] = "failed" };
	const struct cib_node *state = NULL;
	json_t *list = json_array();

	while ((state = cib_next(cib, state, "node_state"))) {
		struct cib_past past;

		cib_past(state, vm, &past);
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s}", "host",
					cib_get(state, "uname"), "is",
					WORDS[past.where], "operation",
					past.operation, "reason", past.reason));
	}
	return list;
}

static json_t *
listed_json(const struct known *known, const char *vm)
{
	json_t *found = json_array();
	const json_t *list;
	const json_t *it;
	size_t i;
	size_t j;

	json_array_foreach(known->lists, i, list)
	{
		json_array_foreach(json_object_get(list, "vms"), j, it)
		{
			if (strcmp(vmha_text(it, "resource"), vm) == 0) {
				(void)json_array_append_new(
					found,
					json_pack(
						"{s:s, s:s, s:s}", "host",
						vmha_text(list, "host"),
						"state", vmha_text(it, "state"),
						"uuid", vmha_text(it, "uuid")));
			}
		}
	}
	return found;
}

static void
put_label(const char *label)
{
	printf("  %-*s", LABEL - 2, label);
}

static void
put_pairs(const json_t *object, const char *label)
{
	const char *name;
	json_t *value;
	bool is_first = true;

	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		put_label(is_first ? label : "");
		printf("%s=%s\n", name, json_string_value(value));
		is_first = false;
	}
}

static void
put_show(const struct vmha *v, const json_t *show)
{
	const char *host = vmha_text(show, "host");
	const json_t *it;
	size_t i;

	printf("%s%s%s: %s%s%s\n", vmha_tone_on(&v->screen, TONE_STRONG),
	       vmha_text(show, "vm"), vmha_tone_off(&v->screen, TONE_STRONG),
	       vmha_text(show, "state"), *host ? " on " : "", host);
	put_label("protection");
	printf("%s%s%s\n", vmha_text(show, "protection"),
	       *vmha_text(show, "why") ? ", " : "", vmha_text(show, "why"));
	put_label("ticket");
	printf("%s\n", vmha_text(show, "ticket"));
	put_pairs(json_object_get(show, "parameters"), "parameters");
	put_pairs(json_object_get(show, "meta"), "meta");
	put_pairs(json_object_get(show, "utilization"), "utilization");
	json_array_foreach(json_object_get(show, "operations"), i, it)
	{
		put_label(i ? "" : "operations");
		printf("%s: timeout %s, interval %s\n", vmha_text(it, "name"),
		       vmha_text(it, "timeout"), vmha_text(it, "interval"));
	}
	json_array_foreach(json_object_get(show, "constraints"), i, it)
	{
		put_label(i ? "" : "constraints");
		puts(json_string_value(it));
	}
	json_array_foreach(json_object_get(show, "lists"), i, it)
	{
		put_label(i ? "" : "lists");
		printf("%s: %s, uuid %s\n", vmha_text(it, "host"),
		       vmha_text(it, "state"), vmha_text(it, "uuid"));
	}
	json_array_foreach(json_object_get(show, "history"), i, it)
	{
		put_label(i ? "" : "history");
		printf("%s: %s%s%s%s%s%s\n", vmha_text(it, "host"),
		       vmha_text(it, "is"),
		       *vmha_text(it, "operation") ? " by " : "",
		       vmha_text(it, "operation"),
		       *vmha_text(it, "reason") ? " (" : "",
		       vmha_text(it, "reason"),
		       *vmha_text(it, "reason") ? ")" : "");
	}
	put_gaps(json_object_get(show, "unknown"));
}

static int
tell_show(struct vmha *v, const struct known *known,
	  const struct cib_node *primitive, json_t *gaps)
{
	const struct cib_node *cib = known->cib;
	const struct cib_node *in = cib_container(primitive);
	struct known_vm row;
	json_t *show;

	known_vm(known, cib_get(primitive, "id"), &row);
	show = row_json(&row);
	(void)json_object_update_new(
		show,
		json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O}",
			  "parameters",
			  pairs_json(cib, primitive, "instance_attributes"),
			  "meta", pairs_json(cib, primitive, "meta_attributes"),
			  "utilization",
			  pairs_json(cib, primitive, "utilization"),
			  "operations", operations_json(primitive),
			  "constraints", constraints_json(cib, row.name),
			  "lists", listed_json(known, row.name), "history",
			  history_json(cib, row.name), "unknown", gaps));
	(void)json_object_set_new(
		show, "in", in ? json_string(cib_get(in, "id")) : json_null());
	if (v->args.is_json) {
		return vmha_json(v, show);
	}
	put_show(v, show);
	json_decref(show);
	return VMHA_OK;
}

int
vmha_vm_show(struct vmha *v)
{
	const char *name = v->args.operand[0];
	const struct cib_node *primitive;
	json_t *gaps = json_array();
	struct known known;
	int code;

	known_gather(v, &known);
	known_judge(v, &known, name);
	known_gaps(&known, gaps);
	primitive = cib_find(known.cib, "primitive", "id", name);
	if (!has_cib(v, &known, &code)) {
		/* said */
	} else if (!primitive ||
		   !cib_is_ours(known.cib, primitive, "VirtualMachine")) {
		code = vmha_fail_with(v, -ESRCH,
				      "%s is no resource of the agent "
				      "ocf:vmha:VirtualMachine; \"vmha vm "
				      "list\" names those that there are",
				      name);
	} else {
		code = tell_show(v, &known, primitive, gaps);
	}
	json_decref(gaps);
	known_done(&known);
	return code;
}
