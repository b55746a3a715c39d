/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why admission control says no, by a judgement of this host's own: the code
 * and the policy of the master, on the cluster as it is now. Its sentences
 * stand on every host, and are never old. It explains what the master has
 * decided and decides nothing; where it can't judge, what was told stays.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "ha/clock.h"
#include "ha/text.h"
#include "policy.h"
#include "why.h"

#define FRESH_MS 5000u
#define FRESH_VMS_MAX 16u /* of one command */

struct fresh {
	struct vmha *v;
	const struct known *known;
	struct weighing w;
	uint64_t end_ms;
	uint32_t judged;
	json_t *vms;
};

static bool
is_above(const struct cib_node *cib, const struct cib_node *vm,
	 const char *name, const char *admitted)
{
	const struct cib_node *set = vm->first;
	const char *ticket =
		cib_get(cib_ticket(cib, cib_get(vm, "id")), admitted);
	uint64_t least = 0;
	uint64_t value = 0;

	for (; set && *ticket; set = set->next) {
		const char *text = cib_is(set, "utilization") ?
					   cib_nvpair(set, name) :
					   NULL;

		if (text && ha_text_uint64(text, &value) == 0) {
			return ha_text_uint64(ticket, &least) == 0 &&
			       value > least;
		}
	}
	return false;
}

/* At first sight: its utilization is more than what was admitted. */
static bool
is_raised(const struct cib_node *cib, const struct cib_node *vm)
{
	const char *name = cib_get(vm, "id");

	return cib_gate(cib, name) && cib_is_granted(cib_ticket(cib, name)) &&
	       (is_above(cib, vm, "cpu_mhz", "vmha-cpu") ||
		is_above(cib, vm, "memory_mb", "vmha-memory"));
}

static bool
is_wanted(const struct known *known, const struct cib_node *vm,
	  const char *only)
{
	const char *name = cib_get(vm, "id");

	return (!only || strcmp(name, only) == 0) &&
	       (known_is_refused(known, name) || is_raised(known->cib, vm));
}

static bool
judge(struct fresh *f, const struct ha_admission_request *request)
{
	f->w.judge_ms = ha_clock_left_ms(f->end_ms);
	if (f->w.judge_ms == 0) {
		return false;
	}
	weighing_again(&f->w);
	f->w.file->request = *request;
	/* A no for want of time is no word on the cluster. */
	return weighing_decide(f->v, &f->w) == 0 &&
	       ha_clock_now_ms() < f->w.give_up_at_ms;
}

static void
judge_refused(struct fresh *f, const char *name, uint32_t vm)
{
	const struct ha_admission_request request = {
		.op = HA_ADMISSION_POWER_ON, .vm = vm, .host = HA_INV_NONE
	};
	const char *said = policy_refusal(cib_ticket(f->known->cib, name));
	bool is_yes;

	if (!judge(f, &request)) {
		return;
	}
	is_yes = ha_admission_is_yes(f->w.answer.verdict);
	(void)json_array_append_new(
		f->vms,
		json_pack("{s:s, s:s, s:o, s:s}", "resource", name, "state",
			  "refused", "text",
			  is_yes ? json_sprintf("there is room for it by now, "
						"and the master is about to "
						"judge it again; it had said: "
						"%s",
						said) :
				   json_string(f->w.reason.text),
			  "help",
			  is_yes ? "nothing: it starts by itself, and "
				   "\"vmha status\" tells whether there is a "
				   "master" :
				   f->w.help.text));
}

static void
judge_raised(struct fresh *f, const char *name, uint32_t vm)
{
	const struct ha_inv_vm *now = &f->w.facts.inv->inv.vms[vm];
	struct ha_demand_facts facts = f->w.facts.inv->vms[vm].facts;
	struct ha_admission_request request = { .op = HA_ADMISSION_RAISE,
						.vm = vm,
						.host = HA_INV_NONE,
						.has_cpu = true,
						.has_memory = true };
	struct ha_demand wanted;
	char text[2 * HA_ERR_TEXT];
	size_t used = 0;

	facts.admitted_cpu_mhz.is_there = false;
	facts.admitted_memory_mb.is_there = false;
	ha_demand_judge(&facts, &wanted);
	request.cpu_mhz = wanted.cpu_mhz;
	request.memory_mb = wanted.memory_mb;
	if (!now->is_on || now->host == HA_INV_NONE || !judge(f, &request) ||
	    ha_admission_is_yes(f->w.answer.verdict)) {
		return; /* a yes: the master admits it in a moment */
	}
	if (wanted.cpu_mhz != now->cpu_mhz) {
		used = (size_t)snprintf(text, sizeof(text),
					"reserves %" PRIu64 " MHz, admitted "
					"are %" PRIu64 " MHz: ",
					wanted.cpu_mhz, now->cpu_mhz);
	}
	if (wanted.memory_mb != now->memory_mb) {
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "reserves %" PRIu64 " MB, admitted "
					 "are %" PRIu64 " MB: ",
					 wanted.memory_mb, now->memory_mb);
	}
	snprintf(text + used, sizeof(text) - used, "%s", f->w.reason.text);
	(void)json_array_append_new(
		f->vms,
		json_pack("{s:s, s:s, s:s, s:s}", "resource", name, "state",
			  "raise-refused", "text", text, "help",
			  f->w.help.text[0] ? f->w.help.text :
					      "lower its reservation"));
}

static void
judge_vm(struct fresh *f, const char *name)
{
	const struct ha_inventory *inv = &f->w.facts.inv->inv;
	uint32_t at = 0;

	while (at < inv->n_vms && strcmp(inv->vms[at].name, name) != 0) {
		at++;
	}
	if (at == inv->n_vms || f->judged == FRESH_VMS_MAX) {
		return;
	}
	f->judged++;
	if (known_is_refused(f->known, name)) {
		judge_refused(f, name, at);
	} else {
		judge_raised(f, name, at);
	}
}

/* {state, why, help}; NULL: it can't be judged. */
static json_t *
judge_cluster(struct fresh *f)
{
	static const struct ha_admission_request NONE = {
		.op = HA_ADMISSION_NONE, .vm = HA_INV_NONE, .host = HA_INV_NONE
	};

	return judge(f, &NONE) ?
		       json_pack("{s:b, s:s, s:s}", "holds",
				 (int)ha_admission_is_yes(f->w.answer.verdict),
				 "why", f->w.reason.text, "help",
				 f->w.help.text) :
		       NULL;
}

static bool
is_told_red(const struct known *known)
{
	json_t *all = known_admission_all(known);
	bool is_red = strcmp(vmha_text(all, "state"), "red") == 0;

	json_decref(all);
	return is_red;
}

void
known_judge(struct vmha *v, struct known *known, const char *only)
{
	const struct cib_node *vm = NULL;
	struct ha_err kept = v->err;
	struct fresh f = { .v = v, .known = known };
	bool is_red = !only && is_told_red(known);
	bool is_wanted_any = is_red;

	if (!known->cib || !policy_is_in_force(known->cib)) {
		return;
	}
	while (!is_wanted_any && (vm = cib_next_vm(known->cib, vm))) {
		is_wanted_any = is_wanted(known, vm, only);
	}
	if (!is_wanted_any) {
		return;
	}
	f.end_ms = ha_clock_now_ms() + FRESH_MS;
	f.vms = json_array();
	if (weighing_load_cluster(v, &f.w) == 0) {
		json_t *cluster = is_red ? judge_cluster(&f) : NULL;

		for (vm = NULL; (vm = cib_next_vm(known->cib, vm));) {
			if (is_wanted(known, vm, only)) {
				judge_vm(&f, cib_get(vm, "id"));
			}
		}
		json_decref(known->fresh);
		known->fresh = json_pack("{s:O, s:o*}", "vms", f.vms, "cluster",
					 cluster);
	}
	json_decref(f.vms);
	weighing_done(&f.w);
	v->err = kept;
}
