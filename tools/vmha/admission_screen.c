/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha admission show: the cluster as it stands on one screen. What is kept
 * for failures follows from the policy in force; nothing is decided here.
 */
#include <inttypes.h>
#include <string.h>

#include "admission.h"

#define BAR_CELLS 40u

/* Of one resource: used + kept + free is all, or more where it is short. */
struct room {
	uint64_t all, used, kept, free;
};

static struct room
room_of(uint64_t all, uint64_t used, uint64_t kept)
{
	uint64_t taken = used + kept;

	return (struct room){ all, used, kept, taken < all ? all - taken : 0 };
}

/* What is left there: VMs of a yellow one use what was kept. */
static uint64_t
left_on(const struct weighing *w, uint32_t host, bool is_memory)
{
	const struct ha_inventory *inv = &w->answer.inv;
	uint64_t left = is_memory ? inv->hosts[host].memory_mb :
				    inv->hosts[host].cpu_mhz;

	for (uint32_t i = 0; i < inv->n_vms; i++) {
		const struct ha_plan_demand *need = &w->answer.demand[i];
		uint64_t part = is_memory ? need->memory_mb : need->cpu_mhz;

		if (inv->vms[i].is_on && inv->vms[i].host == host) {
			left -= part < left ? part : left;
		}
	}
	return left;
}

static uint64_t
kept_of(const struct weighing *w, bool is_memory)
{
	const struct ha_admission_share *share =
		is_memory ? &w->answer.memory : &w->answer.cpu;
	const struct ha_inventory *inv = &w->answer.inv;
	uint64_t kept = 0;

	switch (w->file->policy.type) {
	case HA_ADMISSION_PERCENTAGE:
		return share->capacity -
		       share->capacity * (100 - share->configured_percent) /
			       100;
	case HA_ADMISSION_DEDICATED:
		for (uint32_t i = 0; i < inv->n_hosts; i++) {
			if (inv->hosts[i].is_failover_host &&
			    inv->hosts[i].state == HA_INV_ONLINE) {
				kept += left_on(w, i, is_memory);
			}
		}
		return kept;
	case HA_ADMISSION_SLOT: /* keeps slots */
	case HA_ADMISSION_DISABLED:
		break;
	}
	return 0;
}

static struct room
share_room(const struct weighing *w, bool is_memory)
{
	const struct ha_admission_share *share =
		is_memory ? &w->answer.memory : &w->answer.cpu;

	return room_of(share->capacity, share->demand, kept_of(w, is_memory));
}

static struct room
slot_room(const struct weighing *w)
{
	const struct ha_admission_slots *slots = &w->answer.slots;

	return room_of(slots->total, slots->used, slots->total - slots->left);
}

/* Three parts in a row; one that is not 0 shows at least a cell. */
static void
put_bar(const struct vmha *v, const struct room *room)
{
	static const char *const WIDE[] = { "█", "▒", "░" };
	static const char *const PLAIN[] = { "#", "=", "." };
	const char *const *glyphs = v->screen.is_utf8 ? WIDE : PLAIN;
	enum vmha_tone tones[] = { room->used + room->kept > room->all ?
					   TONE_BAD :
					   TONE_GOOD,
				   TONE_WARN, TONE_DIM };
	uint64_t all = room->all ? room->all : 1;
	uint64_t used = room->used < all ? room->used : all;
	uint64_t kept = room->kept < all - used ? room->kept : all - used;
	unsigned int ends[] = {
		(unsigned int)((used * BAR_CELLS + all - 1) / all),
		(unsigned int)(((used + kept) * BAR_CELLS + all / 2) / all),
		BAR_CELLS,
	};
	unsigned int cell = 0;

	for (unsigned int part = 0; part < 3; part++) {
		fputs(vmha_tone_on(&v->screen, tones[part]), stdout);
		for (; cell < ends[part]; cell++) {
			fputs(glyphs[part], stdout);
		}
		fputs(vmha_tone_off(&v->screen, tones[part]), stdout);
	}
}

static void
put_room(const struct vmha *v, const char *name, const char *unit,
	 const struct room *room)
{
	uint64_t taken = room->used + room->kept;

	printf("%-8s ", name);
	put_bar(v, room);
	printf("  %" PRIu64 " %s\n%9s%" PRIu64 " reserved", room->all, unit, "",
	       room->used);
	if (room->kept > 0) {
		printf(", %" PRIu64 " kept for failures", room->kept);
	}
	if (taken > room->all) {
		printf(", %s%" PRIu64 " too many%s\n",
		       vmha_tone_on(&v->screen, TONE_BAD), taken - room->all,
		       vmha_tone_off(&v->screen, TONE_BAD));
	} else {
		printf(", %" PRIu64 " free\n", room->free);
	}
}

static void
put_rooms(const struct vmha *v, const struct weighing *w)
{
	struct room cpu = share_room(w, false);
	struct room memory = share_room(w, true);

	put_room(v, "CPU", "MHz", &cpu);
	put_room(v, "memory", "MB", &memory);
	if (w->file->policy.type == HA_ADMISSION_SLOT) {
		struct room slots = slot_room(w);

		put_room(v, "slots", "slots", &slots);
	}
}

static void
put_proof(const struct weighing *w)
{
	if (!w->answer.has_plan) {
		printf("Proven   nothing: %s\n",
		       w->file->policy.type == HA_ADMISSION_DISABLED ?
			       "the policy is disabled" :
		       w->file->policy.guarantee == HA_ADMISSION_PLAN ?
			       "the sums do not hold" :
			       "the guarantee is arithmetic");
	} else if (w->answer.plan.verdict == HA_PLAN_YES &&
		   w->file->policy.host_failures == 0) {
		puts("Proven   nothing: host_failures is 0, no failure is "
		     "planned for");
	} else if (w->answer.plan.verdict == HA_PLAN_YES) {
		printf("Proven   a place for every VM in each of %" PRIu64
		       " failure set%s\n",
		       w->answer.plan.sets,
		       w->answer.plan.sets == 1 ? "" : "s");
	} else {
		printf("Proven   nothing: %" PRIu64
		       " failure set%s, the next does not\n",
		       w->answer.plan.sets,
		       w->answer.plan.sets == 1 ? " holds" : "s hold");
	}
}

static void
show(const struct vmha *v, const struct weighing *w)
{
	const struct ha_admission_policy *policy = &w->file->policy;

	weighing_show_verdict(v, ha_admission_is_yes(w->answer.verdict),
			      ha_inventory_verdict_name(w->answer.verdict),
			      w->reason.text, w->help.text);
	printf("\nPolicy   %s", ha_inventory_policy_name(policy->type));
	if (policy->type != HA_ADMISSION_DISABLED) {
		printf(", %" PRIu32 " host failure%s, guarantee %s",
		       policy->host_failures,
		       policy->host_failures == 1 ? "" : "s",
		       policy->guarantee == HA_ADMISSION_PLAN ? "plan" :
								"arithmetic");
	}
	printf("\n         %s\n", weighing_standing(w));
	put_proof(w);
	putchar('\n');
	put_rooms(v, w);
	putchar('\n');
	weighing_show_hosts(v, w, true);
	weighing_show_all_warnings(v, w);
}

/* ---- JSON ----------------------------------------------------------------- */

static json_t *
room_json(const struct room *room)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I}", "capacity", (json_int_t)room->all,
		"reserved", (json_int_t)room->used, "kept_for_failures",
		(json_int_t)room->kept, "free", (json_int_t)room->free);
}

static json_t *
host_json(const struct weighing *w, uint32_t host)
{
	const struct ha_inventory *inv = &w->answer.inv;
	struct ha_plan_demand sum = { 0 };
	json_t *names = json_array();

	for (uint32_t i = 0; i < inv->n_vms; i++) {
		if (inv->vms[i].is_on && inv->vms[i].host == host) {
			sum.cpu_mhz += w->answer.demand[i].cpu_mhz;
			sum.memory_mb += w->answer.demand[i].memory_mb;
			(void)json_array_append_new(
				names, json_string(inv->vms[i].name));
		}
	}
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "name",
			 inv->hosts[host].name, "state",
			 ha_inventory_state_name(inv->hosts[host].state),
			 "cpu_mhz", (json_int_t)inv->hosts[host].cpu_mhz,
			 "memory_mb", (json_int_t)inv->hosts[host].memory_mb,
			 "reserved_cpu_mhz", (json_int_t)sum.cpu_mhz,
			 "reserved_memory_mb", (json_int_t)sum.memory_mb, "vms",
			 names);
}

/* Without the certificate: that is what "plan show" is for. */
static json_t *
show_json(const struct weighing *w)
{
	json_t *json = weighing_json(w);
	json_t *hosts = json_array();
	struct room cpu = share_room(w, false);
	struct room memory = share_room(w, true);

	for (uint32_t i = 0; i < w->answer.inv.n_hosts; i++) {
		(void)json_array_append_new(hosts, host_json(w, i));
	}
	(void)json_object_set_new(json, "judged_policy",
				  weighing_policy_json(w));
	(void)json_object_del(json, "plan");
	(void)json_object_set_new(
		json, "failure_sets_proven",
		json_integer(w->answer.has_plan && w->answer.plan.verdict ==
							   HA_PLAN_YES ?
				     (json_int_t)w->answer.plan.sets :
				     0));
	(void)json_object_set_new(json, "cpu_mhz", room_json(&cpu));
	(void)json_object_set_new(json, "memory_mb", room_json(&memory));
	if (w->file->policy.type == HA_ADMISSION_SLOT) {
		struct room slots = slot_room(w);

		(void)json_object_set_new(json, "slots", room_json(&slots));
	}
	(void)json_object_set_new(json, "hosts", hosts);
	return json;
}

int
vmha_admission_show(struct vmha *v)
{
	struct weighing w;
	int rc = weighing_load(v, &w);

	if (rc == 0) {
		w.file->request = (struct ha_admission_request){
			.op = HA_ADMISSION_NONE,
			.vm = HA_INV_NONE,
			.host = HA_INV_NONE,
		};
		rc = weighing_judge(v, &w);
	}
	if (rc == 0 && v->args.is_json) {
		rc = vmha_json(v, show_json(&w));
	} else if (rc == 0) {
		show(v, &w);
	}
	rc = rc == 0 ? weighing_exit(&w.answer) : rc;
	weighing_done(&w);
	return rc;
}
