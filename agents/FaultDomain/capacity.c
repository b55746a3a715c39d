/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Publishes what this host has for VMs, less the overheads that the cluster
 * configures. Never writes without quorum (SAFETY 20), never what a person has
 * set, and nothing that stands there: each write of the configuration makes
 * Pacemaker plan anew.
 */
#include "FaultDomain/capacity.h"

#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"

#define NO_FREQUENCY                                                  \
	"its kernel tells no frequency of its CPUs; set utilization " \
	"cpu_mhz of its node by hand"

/* Once, until it is something else. */
static bool
is_news(char told[HA_ERR_TEXT], const char *text)
{
	bool is = strcmp(told, text) != 0;

	g_strlcpy(told, text, HA_ERR_TEXT);
	return is && text[0];
}

/* A frequency of the moment stays what it was first, for the same CPUs: the
 * CIB is not to follow a governor. */
static void
look_at_machine(struct fdm_capacity *one, uint64_t now_ms)
{
	struct ha_err err = HA_ERR_INIT;
	struct ha_hostcap has;

	if (now_ms < one->look_ms) {
		return;
	}
	one->look_ms = now_ms + FDM_CAPACITY_LOOK_MS;
	if (ha_hostcap_read("", &has, &err) < 0) {
		if (is_news(one->told_machine, err.text)) {
			fdm_log(FDM_LOG_CAPACITY_UNKNOWN, err.text);
		}
		return;
	}
	if (has.is_unsteady && one->is_read && one->has.cores == has.cores) {
		has.cpu_mhz = one->has.cpu_mhz;
	}
	if (is_news(one->told_machine, has.cpu_mhz == 0 ? NO_FREQUENCY : "")) {
		fdm_log(FDM_LOG_CAPACITY_UNKNOWN, NO_FREQUENCY);
	}
	one->has = has;
	one->is_read = true;
	one->seen_copy = 0;
}

static void
on_written(void *data, int code, const char *why)
{
	struct fdm *fdm = data;
	struct fdm_capacity *one = &fdm->capacity;

	one->is_writing = false;
	one->seen_copy = 0;
	if (code < 0) {
		one->min_copy = UINT64_MAX;
		one->again_ms = ha_clock_now_ms() + FDM_CAPACITY_AGAIN_MS;
		fdm_log(FDM_LOG_CAPACITY_FAILED, why);
		return;
	}
	one->min_copy = fdm->copies + 1;
	one->again_ms = ha_clock_now_ms() + FDM_COPY_MS;
}

static void
tell_by_hand(struct fdm_capacity *one, const struct ha_capacity_plan *plan)
{
	const char *which = "";

	if (plan->is_cpu_by_hand && plan->is_memory_by_hand) {
		which = HA_CAPACITY_CPU " and " HA_CAPACITY_MEMORY;
	} else if (plan->is_cpu_by_hand) {
		which = HA_CAPACITY_CPU;
	} else if (plan->is_memory_by_hand) {
		which = HA_CAPACITY_MEMORY;
	}
	if (is_news(one->told_by_hand, which)) {
		fdm_log(FDM_LOG_CAPACITY_BY_HAND, which);
	}
}

static void
write_it(struct fdm *fdm, const struct ha_capacity *capacity,
	 const struct ha_capacity_plan *plan)
{
	char *xml = fdm_capacity_xml(fdm->facts, fdm->election.self, capacity,
				     plan);

	fdm_log(FDM_LOG_CAPACITY, plan->mark);
	fdm->capacity.is_writing = true;
	ha_cib_update(fdm->cib, xml, on_written, fdm);
	g_free(xml);
}

/* The newest facts have quorum, by Pacemaker and by the heartbeat daemon. */
static bool
may_write(const struct fdm *fdm, uint64_t now_ms)
{
	return fdm->election.self[0] && fdm_has_facts(fdm) &&
	       fdm->facts->has_domain && fdm->facts->have_quorum &&
	       fdm_has_snap(fdm, now_ms) && fdm->snap->is_quorate;
}

void
fdm_capacity_tick(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_capacity *one = &fdm->capacity;
	struct ha_capacity capacity;
	struct ha_capacity_plan plan;

	look_at_machine(one, now_ms);
	if (!one->is_read || one->is_writing || !may_write(fdm, now_ms) ||
	    one->seen_copy == fdm->copies ||
	    (fdm->copies < one->min_copy && now_ms < one->again_ms)) {
		return;
	}
	one->seen_copy = fdm->copies;
	if (!fdm_capacity_judge(fdm->facts, fdm->election.self, &one->has,
				&capacity, &plan)) {
		return;
	}
	tell_by_hand(one, &plan);
	if (plan.writes_mark) {
		write_it(fdm, &capacity, &plan);
	}
}
