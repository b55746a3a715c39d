/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Admission of what runs: a raised reservation is judged, a lowered one is
 * taken over, and what nobody has admitted is judged afterwards. A no marks
 * the VM and changes nothing else: what runs is never revoked (SAFETY 21).
 */
#include "FaultDomain/admit_judge.h"
#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"

static void
mark(struct fdm_judging *j, struct fdm_admission *one, enum fdm_admit_word word,
     const char *resource)
{
	if (word == FDM_ADMIT_UNADMITTED && one->word != word) {
		fdm_log(FDM_LOG_UNADMITTED, resource, one->text);
	} else if (word == FDM_ADMIT_RAISE_REFUSED && one->word != word) {
		fdm_log(FDM_LOG_RAISE_REFUSED, resource, one->text);
	}
	one->word = word;
	one->judged = j->admit->key;
}

static void
reserve(struct fdm_judging *j, struct fdm_admission *one, uint32_t vm,
	const struct ha_gate_reserved *reserved)
{
	one->has_reserved = true;
	one->reserved = *reserved;
	j->vms[vm].cpu_mhz = reserved->cpu_mhz;
	j->vms[vm].memory_mb = reserved->memory_mb;
}

struct ha_gate_reserved
fdm_admit_wanted(const struct fdm_judging *j, uint32_t vm)
{
	return (struct ha_gate_reserved){ j->stock->wanted[vm].cpu_mhz,
					  j->stock->wanted[vm].memory_mb };
}

/* Not judged while a host is leaving: nowhere would be no for it, and it has its
 * room. */
static bool
is_left(const struct fdm_judging *j, uint32_t vm)
{
	return j->homeless || fdm_admit_is_leaving(j, vm);
}

/* It runs: judged as if it were switched on where it is. */
static void
judge_unknown(struct fdm_judging *j, uint32_t vm, struct fdm_admission *one,
	      const char *resource)
{
	struct ha_admission_request request = { .op = HA_ADMISSION_POWER_ON,
						.vm = vm };
	struct ha_gate_reserved wanted = fdm_admit_wanted(j, vm);
	struct ha_admission_answer answer;

	/* All of them fit: that is cheaper to see. */
	if (j->admit->state != FDM_ADMIT_RED) {
		reserve(j, one, vm, &wanted);
		one->text[0] = '\0';
		mark(j, one, FDM_ADMIT_ADMITTED, resource);
		return;
	}
	if (is_left(j, vm)) {
		one->judged = j->admit->key;
		return;
	}
	request.host = j->vms[vm].host;
	j->vms[vm].is_on = false;
	j->vms[vm].host = HA_INV_NONE;
	if (fdm_admit_ask(j, &request, &answer, one)) {
		reserve(j, one, vm, &wanted);
		mark(j, one, FDM_ADMIT_ADMITTED, resource);
	} else {
		one->has_reserved = false;
		mark(j, one, FDM_ADMIT_UNADMITTED, resource);
	}
	j->vms[vm].is_on = true;
	j->vms[vm].host = request.host;
}

static void
judge_raise(struct fdm_judging *j, uint32_t vm, struct fdm_admission *one,
	    const struct ha_gate_reserved *least, const char *resource)
{
	struct ha_gate_reserved wanted = fdm_admit_wanted(j, vm);
	struct ha_admission_request request = {
		.op = HA_ADMISSION_RAISE,
		.vm = vm,
		.host = HA_INV_NONE,
		.has_cpu = true,
		.has_memory = true,
		.cpu_mhz = wanted.cpu_mhz,
		.memory_mb = wanted.memory_mb,
	};
	struct ha_admission_answer answer;

	reserve(j, one, vm, least);
	if (fdm_admit_is_leaving(j, vm)) {
		one->judged = j->admit->key;
		return;
	}
	if (fdm_admit_ask(j, &request, &answer, one)) {
		reserve(j, one, vm, &wanted);
		mark(j, one, FDM_ADMIT_ADMITTED, resource);
	} else {
		mark(j, one, FDM_ADMIT_RAISE_REFUSED, resource);
	}
}

void
fdm_admit_running(struct fdm_judging *j, uint32_t vm, const struct fdm_row *row)
{
	const struct fdm_ticket *ticket = &row->vm->ticket;
	struct ha_gate_reserved admitted = { ticket->cpu_mhz,
					     ticket->memory_mb };
	struct ha_gate_reserved wanted = fdm_admit_wanted(j, vm);
	struct ha_gate_reserved least;
	struct fdm_admission *one =
		fdm_admission_of(j->admit, row->vm->resource);

	one->host[0] = '\0';
	/* No number is no lowering: what was admitted keeps its room. */
	if (ticket->has_reserved && j->stock->cibinv->vms[vm].bad_name) {
		wanted = admitted;
	}
	switch (ha_gate_change(ticket->has_reserved ? &admitted : NULL, &wanted,
			       &least)) {
	case HA_GATE_KEEP:
	case HA_GATE_LOWER:
		reserve(j, one, vm, &least);
		one->text[0] = '\0';
		mark(j, one, FDM_ADMIT_ADMITTED, row->vm->resource);
		break;
	case HA_GATE_RAISE:
		judge_raise(j, vm, one, &least, row->vm->resource);
		break;
	case HA_GATE_UNKNOWN:
		judge_unknown(j, vm, one, row->vm->resource);
		break;
	}
}
