/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The answer of admission control as JSON, for scripts: verdict, sentence,
 * the figures of the policy in force and of no other, and the certificate.
 */
#include "ha/inventory_file.h"

json_t *
ha_admission_set_json(const struct ha_inventory *inv,
		      const struct ha_plan_set *set)
{
	json_t *failed = json_array();
	json_t *moves = json_array();
	int rc = 0;

	for (uint32_t i = 0; i < set->n_failed; i++) {
		rc |= json_array_append_new(
			failed, json_string(inv->hosts[set->failed[i]].name));
	}
	for (uint32_t i = 0; i < set->n_moves; i++) {
		rc |= json_array_append_new(
			moves, json_pack("{s:s, s:s}", "vm",
					 inv->vms[set->moves[i].vm].name, "to",
					 inv->hosts[set->moves[i].to].name));
	}
	if (rc != 0) {
		json_decref(failed);
		json_decref(moves);
		return NULL;
	}
	return json_pack("{s:o, s:o}", "failed", failed, "moves", moves);
}

static json_t *
percentage_json(const struct ha_admission_answer *answer)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "current_cpu_percent",
			 (json_int_t)answer->cpu.current_percent,
			 "current_memory_percent",
			 (json_int_t)answer->memory.current_percent,
			 "configured_cpu_percent",
			 (json_int_t)answer->cpu.configured_percent,
			 "configured_memory_percent",
			 (json_int_t)answer->memory.configured_percent);
}

static json_t *
slot_json(const struct ha_admission_answer *answer)
{
	const struct ha_admission_slots *slots = &answer->slots;
	json_t *per_host = json_object();
	json_t *several = json_array();

	for (uint32_t i = 0; i < answer->inv.n_hosts; i++) {
		if (answer->inv.hosts[i].state == HA_INV_ONLINE) {
			(void)json_object_set_new(
				per_host, answer->inv.hosts[i].name,
				json_integer(
					(json_int_t)answer->host_slots[i]));
		}
	}
	for (uint32_t i = 0; i < answer->inv.n_vms; i++) {
		if (answer->needs[i] > 1) {
			(void)json_array_append_new(
				several, json_string(answer->inv.vms[i].name));
		}
	}
	return json_pack(
		"{s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:o}", "slot_cpu_mhz",
		(json_int_t)slots->cpu_mhz, "slot_memory_mb",
		(json_int_t)slots->memory_mb, "slots_per_host", per_host,
		"total_slots", (json_int_t)slots->total, "used_slots",
		(json_int_t)slots->used, "unreserved_slots",
		(json_int_t)slots->unreserved, "current_failover_capacity",
		(json_int_t)slots->failover_capacity,
		"vms_needing_several_slots", several);
}

static json_t *
dedicated_json(const struct ha_admission_answer *answer)
{
	json_t *colours = json_object();

	for (uint32_t i = 0; i < answer->inv.n_hosts; i++) {
		if (answer->colours[i] != HA_ADMISSION_NO_COLOUR) {
			(void)json_object_set_new(
				colours, answer->inv.hosts[i].name,
				json_string(ha_inventory_colour_name(
					answer->colours[i])));
		}
	}
	return json_pack("{s:o}", "failover_hosts", colours);
}

static json_t *
policy_json(const struct ha_admission_policy *policy,
	    const struct ha_admission_answer *answer)
{
	switch (policy->type) {
	case HA_ADMISSION_PERCENTAGE:
		return percentage_json(answer);
	case HA_ADMISSION_SLOT:
		return slot_json(answer);
	case HA_ADMISSION_DEDICATED:
		return dedicated_json(answer);
	case HA_ADMISSION_DISABLED:
		break;
	}
	return json_object();
}

static json_t *
plan_json(const struct ha_admission_answer *answer, json_t *certificate)
{
	bool is_yes = answer->plan.verdict == HA_PLAN_YES;

	/* Of a no the sets that did hold prove nothing. */
	if (!is_yes || !certificate) {
		json_decref(certificate);
		certificate = json_array();
	}
	return json_pack("{s:I, s:o}", "failure_sets",
			 (json_int_t)answer->plan.sets, "certificate",
			 certificate);
}

json_t *
ha_admission_answer_json(const struct ha_admission_policy *policy,
			 const struct ha_admission_answer *answer,
			 const char *reason, json_t *certificate)
{
	json_t *json = json_pack("{s:s, s:b, s:s, s:o}", "verdict",
				 ha_inventory_verdict_name(answer->verdict),
				 "conservative", (int)answer->is_conservative,
				 "reason", reason, "policy",
				 policy_json(policy, answer));

	if (json && answer->has_plan) {
		(void)json_object_set_new(json, "plan",
					  plan_json(answer, certificate));
	} else {
		json_decref(certificate);
	}
	return json;
}
