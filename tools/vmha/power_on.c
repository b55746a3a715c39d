/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A power-on as the master would judge it: of a VM of the cluster that is off,
 * with what its configuration says that it needs, and with QEMU's overhead.
 * Asks and changes nothing; the master judges anew when it is started.
 */
#include "power_on.h"

#include <errno.h>
#include <string.h>

#include "policy.h"

#define VIDEO_MB 16u /* one video device, as where no domain XML is read */

uint32_t
power_on_find(const struct weighing *w, const char *name)
{
	const struct ha_inventory *inv = &w->file->inv;
	uint32_t i = 0;

	while (i < inv->n_vms && strcmp(inv->vms[i].name, name) != 0) {
		i++;
	}
	return i < inv->n_vms ? i : HA_INV_NONE;
}

uint64_t
power_on_overhead_mb(uint64_t memory_mb)
{
	const struct ha_demand_shape shape = { .memory_mb = memory_mb,
					       .video_mb = VIDEO_MB,
					       .vcpus = 1 };

	return ha_demand_overhead_mb(&shape);
}

bool
power_on_is_unreadable(const struct weighing *w, const char *name,
		       struct ha_err *ret_text)
{
	const struct ha_cibinv *inv = w->is_cib ? w->facts.inv : NULL;

	for (uint32_t i = 0; inv && i < inv->inv.n_vms; i++) {
		if (strcmp(inv->inv.vms[i].name, name) == 0) {
			return ha_cibinv_bad_text(inv, i, ret_text);
		}
	}
	return false;
}

/* Whom the master asks about: see fdm_admit_needs(). */
static bool
is_judged(const struct cib_node *cib, const char *name)
{
	return policy_resource(cib) && cib_gate(cib, name) &&
	       !cib_is_granted(cib_ticket(cib, name));
}

static int
judge(struct vmha *v, struct weighing *w, const char *name, bool *ret_is_yes)
{
	struct ha_err bad = HA_ERR_INIT;
	uint32_t vm = power_on_find(w, name);

	if (power_on_is_unreadable(w, name, &bad)) {
		w->reason = bad;
		*ret_is_yes = false;
		return 0;
	}
	if (!w->is_enforced || vm == HA_INV_NONE ||
	    w->file->inv.vms[vm].is_on) {
		return 0;
	}
	w->file->request = (struct ha_admission_request){
		.op = HA_ADMISSION_POWER_ON,
		.vm = vm,
		.host = HA_INV_NONE,
	};
	return weighing_decide(v, w);
}

int
power_on_ask(struct vmha *v, const struct cib_node *cib, const char *name,
	     struct power_on *ret_told)
{
	struct weighing w;
	bool is_yes = true;
	int rc;

	*ret_told = (struct power_on){ .is_yes = true };
	if (!is_judged(cib, name)) {
		return 0;
	}
	rc = weighing_load_cluster(v, &w);
	rc = rc < 0 ? rc : judge(v, &w, name, &is_yes);
	if (rc == 0 && (w.work || !is_yes)) {
		ret_told->is_asked = true;
		ret_told->is_yes =
			is_yes && ha_admission_is_yes(w.answer.verdict);
		ret_told->reason = w.reason;
		ret_told->help = w.help;
	}
	weighing_done(&w);
	return rc;
}
