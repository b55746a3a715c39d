/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha what-if: the cluster with hosts that die, hosts that leave, or one
 * machine more. Changes nothing but its own copy of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "power_on.h"
#include "ha/text.h"

/* The operands as hosts of the file. */
static int
take_hosts(struct vmha *v, const struct weighing *w, uint32_t *ret_hosts)
{
	const struct ha_inventory *inv = &w->file->inv;

	for (uint32_t i = 0; i < v->args.operands; i++) {
		uint32_t host = 0;

		while (host < inv->n_hosts &&
		       strcmp(inv->hosts[host].name, v->args.operand[i]) != 0) {
			host++;
		}
		if (host == inv->n_hosts) {
			(void)ha_err_set(&v->err, -EINVAL,
					 "there is no host \"%s\" in %s",
					 v->args.operand[i], w->source);
			return weighing_fail(v, -EINVAL);
		}
		ret_hosts[i] = host;
	}
	return 0;
}

static int
judge_hosts(struct vmha *v, struct weighing *w, enum ha_admission_op op,
	    uint32_t *hosts)
{
	int rc = weighing_load(v, w);

	if (rc == 0) {
		rc = take_hosts(v, w, hosts);
	}
	if (rc != 0) {
		return rc;
	}
	w->file->request = (struct ha_admission_request){
		.op = op,
		.vm = HA_INV_NONE,
		.host = HA_INV_NONE,
		.hosts = hosts,
		.n_hosts = v->args.operands,
	};
	return weighing_judge(v, w);
}

/* Was it on one of the hosts that are taken away. */
static bool
is_moved(const struct weighing *w, uint32_t vm)
{
	const struct ha_admission_request *r = &w->file->request;
	const struct ha_inv_vm *it = &w->file->inv.vms[vm];

	for (uint32_t i = 0; i < r->n_hosts; i++) {
		if (it->is_on && it->host == r->hosts[i]) {
			return true;
		}
	}
	return false;
}

static json_t *
moves_json(const struct weighing *w)
{
	const struct ha_inventory *inv = &w->answer.inv;
	json_t *moves = json_array();

	for (uint32_t i = 0; w->answer.has_all_placed && i < inv->n_vms; i++) {
		if (is_moved(w, i)) {
			(void)json_array_append_new(
				moves,
				json_pack("{s:s, s:s}", "vm", inv->vms[i].name,
					  "to",
					  inv->hosts[inv->vms[i].host].name));
		}
	}
	return moves;
}

static void
show_moves(const struct vmha *v, const struct weighing *w)
{
	static const char *const TITLES[] = { "VM", "FROM", "TO", NULL };
	const struct ha_inventory *inv = &w->answer.inv;
	struct vmha_table table;

	if (!w->answer.has_all_placed || w->answer.displaced == 0) {
		return;
	}
	vmha_table_init(&table, TITLES);
	for (uint32_t i = 0; i < inv->n_vms; i++) {
		if (is_moved(w, i)) {
			vmha_table_add(&table, TONE_STRONG, "%s",
				       inv->vms[i].name);
			vmha_table_add(
				&table, TONE_PLAIN, "%s",
				inv->hosts[w->file->inv.vms[i].host].name);
			vmha_table_add(&table, TONE_PLAIN, "%s",
				       inv->hosts[inv->vms[i].host].name);
		}
	}
	putchar('\n');
	vmha_table_print(&table, &v->screen, stdout);
	vmha_table_done(&table);
}

static int
answer_failure(struct vmha *v, struct weighing *w)
{
	bool is_yes = w->answer.has_all_placed;
	char text[HA_ERR_TEXT];
	json_t *names = json_array();

	for (uint32_t i = 0; i < v->args.operands; i++) {
		(void)json_array_append_new(names,
					    json_string(v->args.operand[i]));
	}
	snprintf(text, sizeof(text), "%s", w->reason.text);
	if (is_yes) {
		snprintf(text, sizeof(text),
			 "all %" PRIu32 " VMs of these hosts have a place",
			 w->answer.displaced);
	}
	if (v->args.is_json) {
		int rc = vmha_json(
			v,
			json_pack("{s:s, s:b, s:s, s:o, s:o, s:o}", "verdict",
				  is_yes ? "satisfied" : "violated",
				  "conservative",
				  !is_yes && w->answer.is_conservative,
				  "reason", text, "failed", names, "moves",
				  moves_json(w), "after", weighing_json(w)));

		if (rc != VMHA_OK) {
			return rc;
		}
	} else {
		json_decref(names);
		weighing_show_verdict(v, is_yes,
				      is_yes ? "satisfied" : "violated", text,
				      is_yes ? "" : w->help.text);
		show_moves(v, w);
		if (is_yes) {
			printf("\nThe cluster that is left, %s\n",
			       ha_inventory_verdict_name(w->answer.verdict));
			printf("  %s\n", w->reason.text);
		}
		putchar('\n');
		weighing_show_cluster(v, w);
	}
	return is_yes                    ? VMHA_OK :
	       w->answer.is_conservative ? VMHA_UNDECIDED :
					   VMHA_FAILED;
}

int
vmha_what_if_failure(struct vmha *v)
{
	uint32_t hosts[VMHA_OPERANDS_MAX];
	struct weighing w;
	int rc = judge_hosts(v, &w, HA_ADMISSION_FAIL_HOST, hosts);

	rc = rc == 0 ? answer_failure(v, &w) : rc;
	weighing_done(&w);
	return rc;
}

/* What a request was answered. */
static int
answer_request(struct vmha *v, struct weighing *w)
{
	if (v->args.is_json) {
		json_t *json = weighing_json(w);
		int rc;

		if (w->answer.displaced > 0) {
			(void)json_object_set_new(json, "moves", moves_json(w));
		}
		rc = vmha_json(v, json);
		return rc == VMHA_OK ? weighing_exit(&w->answer) : rc;
	}
	weighing_show(v, w);
	show_moves(v, w);
	return weighing_exit(&w->answer);
}

int
vmha_what_if_remove(struct vmha *v)
{
	uint32_t hosts[VMHA_OPERANDS_MAX];
	struct weighing w;
	int rc = judge_hosts(v, &w, HA_ADMISSION_REMOVE_HOST, hosts);

	rc = rc == 0 ? answer_request(v, &w) : rc;
	weighing_done(&w);
	return rc;
}

/* KEY=VALUE into the machine or the request. */
static int
take_key(struct vmha *v, const char *word, json_t *vm, json_t *request)
{
	static const char *const NUMBERS[] = { "cpu_mhz", "memory_mb",
					       "overhead_mb" };
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : 0;
	uint64_t number;

	for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++) {
		if (value && len == strlen(NUMBERS[i]) &&
		    strncmp(word, NUMBERS[i], len) == 0) {
			if (ha_text_uint64(value + 1, &number) < 0 ||
			    number > INT64_MAX) {
				return ha_err_set(&v->err, -EINVAL,
						  "%s: no number that a "
						  "reservation can have",
						  word);
			}
			return json_object_set_new(
				vm, NUMBERS[i],
				json_integer((json_int_t)number));
		}
	}
	if (value && strncmp(word, "host=", len + 1) == 0) {
		return json_object_set_new(request, "host",
					   json_string(value + 1));
	}
	if (value && strncmp(word, "hosts_allowed=", len + 1) == 0) {
		return json_object_set_new(vm, "hosts_allowed",
					   weighing_names(value + 1));
	}
	return ha_err_set(&v->err, -EINVAL,
			  "%s: after the name come cpu_mhz=, memory_mb=, "
			  "overhead_mb=, host= or hosts_allowed=",
			  word);
}

/* Of a CIB the new one counts as the master would count it; the machines of a
 * file have what the file says. */
static int
put_overhead(const struct weighing *w, json_t *vm)
{
	json_int_t memory_mb =
		json_integer_value(json_object_get(vm, "memory_mb"));

	if (!w->is_cib || json_object_get(vm, "overhead_mb")) {
		return 0;
	}
	return json_object_set_new(
		vm, "overhead_mb",
		json_integer(
			(json_int_t)power_on_overhead_mb((uint64_t)memory_mb)));
}

/* One that is there has a size: only where it is to start is asked about. */
static int
take_known(struct vmha *v, json_t *request)
{
	for (uint32_t i = 1; i < v->args.operands; i++) {
		const char *word = v->args.operand[i];

		if (strncmp(word, "host=", 5) != 0) {
			return ha_err_set(
				&v->err, -EINVAL,
				"there is a VM %s already, and its "
				"own size counts: %s does not go with "
				"it. Only host= does; or give a name "
				"that is new",
				v->args.operand[0], word);
		}
		if (json_object_set_new(request, "host",
					json_string(word + 5)) < 0) {
			return -ENOMEM;
		}
	}
	return 0;
}

static int
take_new(struct vmha *v, const struct weighing *w, json_t *root,
	 json_t *request)
{
	json_t *vm = json_pack("{s:s, s:s}", "name", v->args.operand[0],
			       "power", "off");
	int rc = vm ? 0 : -ENOMEM;

	for (uint32_t i = 1; rc == 0 && i < v->args.operands; i++) {
		rc = take_key(v, v->args.operand[i], vm, request);
	}
	rc = rc == 0 ? put_overhead(w, vm) : rc;
	rc = rc == 0 ? json_array_append(json_object_get(root, "vms"), vm) : rc;
	json_decref(vm);
	return rc;
}

/* The request to switch it on, in a file that has it. */
static int
add_vm(struct vmha *v, struct weighing *w)
{
	json_t *root = json_deep_copy(w->file->root);
	json_t *request = json_pack("{s:s, s:s}", "op", "power_on", "vm",
				    v->args.operand[0]);
	uint32_t known = power_on_find(w, v->args.operand[0]);
	int rc = root && request ? 0 : -ENOMEM;

	if (rc == 0 && known != HA_INV_NONE && w->file->inv.vms[known].is_on) {
		rc = ha_err_set(&v->err, -EINVAL,
				"there is a VM %s already, and it is on: name "
				"one that is off, or give a name that is new",
				v->args.operand[0]);
	} else if (rc == 0) {
		rc = known != HA_INV_NONE ? take_known(v, request) :
					    take_new(v, w, root, request);
	}
	if (rc == 0) {
		rc = json_object_set(root, "request", request);
	}
	if (rc == 0) {
		rc = weighing_take(v, w, root);
	}
	json_decref(root);
	json_decref(request);
	return rc < 0 ? weighing_fail(v, rc) : 0;
}

static const struct ha_inv_vm *
asked(const struct weighing *w)
{
	return &w->file->inv.vms[w->file->request.vm];
}

/* What it was judged by. */
static json_t *
asked_json(const struct weighing *w)
{
	const struct ha_inv_vm *vm = asked(w);

	return json_pack("{s:s, s:I, s:I, s:I}", "name", vm->name, "cpu_mhz",
			 (json_int_t)vm->cpu_mhz, "memory_mb",
			 (json_int_t)vm->memory_mb, "overhead_mb",
			 (json_int_t)vm->overhead_mb);
}

/* The master refuses it before any arithmetic. */
static int
judge_added(struct vmha *v, struct weighing *w)
{
	struct ha_err bad = HA_ERR_INIT;
	int rc = weighing_judge(v, w);

	if (rc == 0 && power_on_is_unreadable(w, asked(w)->name, &bad)) {
		w->answer.verdict = HA_ADMISSION_REFUSE;
		w->answer.is_conservative = false;
		w->reason = bad;
		w->help.text[0] = '\0';
	}
	return rc;
}

static int
answer_added(struct vmha *v, struct weighing *w)
{
	const struct ha_inv_vm *vm = asked(w);

	if (v->args.is_json) {
		json_t *json = weighing_json(w);
		int rc;

		(void)json_object_set_new(json, "vm", asked_json(w));
		rc = vmha_json(v, json);
		return rc == VMHA_OK ? weighing_exit(&w->answer) : rc;
	}
	weighing_show(v, w);
	printf("\n%s was counted with %" PRIu64 " MHz, %" PRIu64
	       " MB and %" PRIu64 " MB for QEMU\n",
	       vm->name, vm->cpu_mhz, vm->memory_mb, vm->overhead_mb);
	return weighing_exit(&w->answer);
}

int
vmha_what_if_add(struct vmha *v)
{
	struct weighing w;
	int rc = weighing_load(v, &w);

	rc = rc == 0 ? add_vm(v, &w) : rc;
	rc = rc == 0 ? judge_added(v, &w) : rc;
	rc = rc == 0 ? answer_added(v, &w) : rc;
	weighing_done(&w);
	return rc;
}
