/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the VMs of a host go that leaves, where the policy promises a place to
 * each VM. The plan's constraints say where they go if their host dies, and
 * under "dedicated" name the failover hosts, which are for that: as they stand
 * Pacemaker would send the VMs there, or anywhere. So before the host is in
 * standby each gets the place that admission control has found for it, failover
 * hosts aside; the manager keeps these, as long as the host is away. A score is
 * never one that moves a VM while its host is on duty.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"
#include "ha/cleanup.h"
#include "ha/prefer.h"
#include "maintenance.h"
#include "policy.h"

static bool
is_in_force(struct vmha *v)
{
	struct cib_node *cib = NULL;
	bool is = cib_read(&cib, &v->err) == 0 && policy_is_in_force(cib);

	cib_free(cib);
	return is;
}

bool
places_are_judged(const struct weighing *w)
{
	return w->is_enforced && w->file->policy.guarantee == HA_ADMISSION_PLAN;
}

/* Failover hosts are kept free by any guarantee. */
static bool
is_wanted(const struct weighing *w)
{
	return places_are_judged(w) ||
	       (w->is_enforced &&
		w->file->policy.type == HA_ADMISSION_DEDICATED);
}

static uint32_t
find_host(const struct ha_inventory *inv, const char *name)
{
	uint32_t at = 0;

	while (at < inv->n_hosts && strcmp(inv->hosts[at].name, name) != 0) {
		at++;
	}
	return at < inv->n_hosts ? at : HA_INV_NONE;
}

/* Nothing that --force has gone past keeps the planner from finding places. */
static bool
judge(struct vmha *v, struct weighing *w, uint32_t *host)
{
	w->file->request = (struct ha_admission_request){
		.op = HA_ADMISSION_REMOVE_HOST,
		.vm = HA_INV_NONE,
		.host = HA_INV_NONE,
		.hosts = host,
		.n_hosts = 1,
	};
	if (v->args.is_forced) {
		w->file->policy.guarantee = HA_ADMISSION_ARITHMETIC;
	}
	return weighing_decide(v, w) == 0 && w->work &&
	       w->answer.has_all_placed;
}

/* Of the CIB's VMs: where the constraint that stands would have it; of those
 * that leave, its place. Both inventories are in one order. */
static void
set_targets(const struct weighing *w, uint32_t host, struct ha_target *targets,
	    struct ha_prefer_facts *facts)
{
	const struct ha_cibinv *cib = w->facts.inv;

	for (uint32_t i = 0; i < cib->inv.n_vms; i++) {
		facts[i] = cib->vms[i].prefer;
		targets[i].host = cib->vms[i].plan.is_there ?
					  cib->vms[i].plan.host :
					  HA_INV_NONE;
		if (cib->inv.vms[i].host == host) {
			targets[i].host = w->answer.inv.vms[i].host;
		}
	}
}

static bool
is_one_order(const struct ha_inventory *a, const struct ha_inventory *b)
{
	bool is = a->n_vms == b->n_vms && a->n_hosts == b->n_hosts;

	for (uint32_t i = 0; is && i < a->n_vms; i++) {
		is = strcmp(a->vms[i].name, b->vms[i].name) == 0;
	}
	for (uint32_t i = 0; is && i < a->n_hosts; i++) {
		is = strcmp(a->hosts[i].name, b->hosts[i].name) == 0;
	}
	return is;
}

static void
put_places(const struct weighing *w, uint32_t host,
	   const struct ha_target *targets, const struct ha_prefer_facts *facts,
	   FILE *out)
{
	const struct ha_cibinv *cib = w->facts.inv;

	for (uint32_t i = 0; i < cib->inv.n_vms; i++) {
		const struct ha_cibinv_vm *vm = &cib->vms[i];
		struct ha_prefer_constraint wanted;
		struct ha_prefer_verdict verdict;
		ha_autofree char *xml = NULL;

		if (cib->inv.vms[i].host != host || vm->is_nested ||
		    targets[i].host == HA_INV_NONE || targets[i].host == host ||
		    !ha_prefer_wanted(&cib->inv, i, &targets[i], &facts[i],
				      &vm->plan, &wanted, &verdict)) {
			continue;
		}
		xml = ha_cibinv_plan_xml(cib->inv.vms[i].name,
					 cib->inv.hosts[wanted.host].name,
					 wanted.score);
		if (xml) {
			fputs(xml, out);
		}
	}
}

static char *
write_places(const struct weighing *w, uint32_t host)
{
	size_t n = w->facts.inv->inv.n_vms + (size_t)1;
	ha_autofree struct ha_target *targets = calloc(n, sizeof(*targets));
	ha_autofree struct ha_prefer_facts *facts = calloc(n, sizeof(*facts));
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out) {
		return NULL;
	}
	if (targets && facts) {
		set_targets(w, host, targets, facts);
		ha_prefer_part(&w->facts.inv->inv, targets, facts);
		fputs("<cib><configuration><constraints>", out);
		put_places(w, host, targets, facts, out);
		fputs("</constraints></configuration></cib>", out);
	}
	if (fclose(out) != 0 || !targets || !facts ||
	    !strstr(text, HA_CIBINV_PLAN)) {
		free(text);
		return NULL;
	}
	return text;
}

/* What can't be read or judged here is told by who refuses for it. */
char *
places_make(struct vmha *v, const char *host)
{
	struct weighing w = { .file = NULL };
	char *places = NULL;
	uint32_t at;

	if (!is_in_force(v)) {
		return NULL;
	}
	if (weighing_load_cluster(v, &w) == 0 && is_wanted(&w)) {
		at = find_host(&w.file->inv, host);
		if (at != HA_INV_NONE &&
		    w.file->inv.hosts[at].state == HA_INV_ONLINE &&
		    is_one_order(&w.file->inv, &w.facts.inv->inv) &&
		    judge(v, &w, &at)) {
			places = write_places(&w, at);
		}
	}
	weighing_done(&w);
	return places;
}
