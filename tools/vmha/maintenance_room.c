/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a host would hold more than it has once the scheduler has emptied
 * another one. Pacemaker counts no room by default, and its user's own scores
 * may overrule the places that were judged. Looks only at hosts that a VM comes
 * to: what is too full already is no matter of this host.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "ha/cleanup.h"
#include "maintenance.h"

#define NAMES_BYTES 200u

struct held {
	uint64_t cpu_mhz, memory_mb;
	char names[NAMES_BYTES]; /* of those that come */
};

/* The scheduler's word, else where it is. */
static uint32_t
end_of(const struct plan *plan, const struct ha_inventory *inv, uint32_t vm)
{
	uint32_t host = 0;
	size_t i = 0;

	while (i < plan->n_ends &&
	       strcmp(plan->ends[i].vm, inv->vms[vm].name) != 0) {
		i++;
	}
	if (i == plan->n_ends) {
		return inv->vms[vm].host;
	}
	while (host < inv->n_hosts &&
	       strcmp(inv->hosts[host].name, plan->ends[i].host) != 0) {
		host++;
	}
	return host < inv->n_hosts ? host : HA_INV_NONE;
}

static void
add(struct held *held, const struct ha_plan_demand *demand, const char *name)
{
	size_t len = strlen(held->names);

	held->cpu_mhz += demand->cpu_mhz;
	held->memory_mb += demand->memory_mb;
	if (name) {
		snprintf(held->names + len, sizeof(held->names) - len, "%s%s",
			 len > 0 ? ", " : "", name);
	}
}

static int
tell(const struct ha_inv_host *host, const struct held *held,
     struct ha_err *ret_text)
{
	(void)ha_err_set(ret_text, 0,
			 "%s would hold more than it has: %" PRIu64
			 " of %" PRIu64 " MHz and %" PRIu64 " of %" PRIu64
			 " MB would be reserved there, since Pacemaker would "
			 "send it %s",
			 host->name, held->cpu_mhz, host->cpu_mhz,
			 held->memory_mb, host->memory_mb, held->names);
	return 1;
}

int
room_compare(const struct plan *plan, const struct weighing *w,
	     struct ha_err *ret_text)
{
	const struct ha_inventory *inv = &w->file->inv;
	ha_autofree struct held *held =
		calloc(inv->n_hosts + (size_t)1, sizeof(*held));

	if (!held) {
		return ha_err_set(ret_text, -ENOMEM, "no memory");
	}
	for (uint32_t i = 0; i < inv->n_vms; i++) {
		uint32_t host = end_of(plan, inv, i);

		if (inv->vms[i].is_on && host != HA_INV_NONE) {
			add(&held[host], &w->answer.demand[i],
			    inv->vms[i].host == host ? NULL : inv->vms[i].name);
		}
	}
	for (uint32_t h = 0; h < inv->n_hosts; h++) {
		const struct ha_inv_host *host = &inv->hosts[h];

		if (held[h].names[0] && strcmp(host->name, plan->host) != 0 &&
		    (held[h].cpu_mhz > host->cpu_mhz ||
		     held[h].memory_mb > host->memory_mb)) {
			return tell(host, &held[h], ret_text);
		}
	}
	return 0;
}
