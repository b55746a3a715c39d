/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan that the master has given to Pacemaker, one location preference per
 * VM, against what vmha plan show has found by itself. Where the written one
 * holds by libha's independent checker it is what will happen, and is shown;
 * where it does not, it is never shown as if it did.
 */
#include <stdlib.h>
#include <string.h>

#include "plan_show.h"
#include "policy.h"

#define PREFERENCE "vmha-plan-" /* and the resource's name */
#define ID_BYTES 320u

/* Where Pacemaker sends it if its host dies; HA_INV_NONE: it chooses. */
static uint32_t
written_target(const struct planning *p, uint32_t vm)
{
	const struct ha_inventory *inv = &p->inv;
	const struct cib_node *at;
	char id[ID_BYTES];
	uint32_t host = 0;

	snprintf(id, sizeof(id), PREFERENCE "%s", inv->vms[vm].name);
	at = cib_find(p->w->facts.cib, "rsc_location", "id", id);
	if (atoi(cib_get(at, "score")) <= 0) {
		return HA_INV_NONE;
	}
	while (host < inv->n_hosts &&
	       strcmp(inv->hosts[host].name, cib_get(at, "node")) != 0) {
		host++;
	}
	return host < inv->n_hosts ? host : HA_INV_NONE;
}

/* All machines of the host with their written targets; false: one has none,
 * or no memory. */
static bool
collect(const struct planning *p, uint32_t host,
	struct ha_plan_move **ret_moves, uint32_t *ret_count)
{
	const struct ha_inventory *inv = &p->inv;
	struct ha_plan_move *moves =
		reallocarray(NULL, inv->n_vms + (size_t)1, sizeof(*moves));
	uint32_t count = 0;

	for (uint32_t i = 0; moves && i < inv->n_vms; i++) {
		struct ha_plan_move one = { .vm = i };

		if (!inv->vms[i].is_on || inv->vms[i].host != host) {
			continue;
		}
		one.to = written_target(p, i);
		if (one.to == HA_INV_NONE) {
			free(moves);
			return false;
		}
		moves[count++] = one;
	}
	*ret_moves = moves;
	*ret_count = count;
	return moves != NULL;
}

static void
take(struct planning *p, uint32_t host)
{
	struct outcome *outcome = &p->outcomes[host];
	struct ha_plan_set set = { .failed = &host, .n_failed = 1 };
	struct ha_plan_move *moves = NULL;
	char why[HA_ERR_TEXT];

	if (!collect(p, host, &moves, &set.n_moves)) {
		return;
	}
	set.moves = moves;
	if (ha_plan_verify(&p->question, &set, p->verify_work, why,
			   sizeof(why)) < 0) {
		free(moves);
		return;
	}
	free(outcome->moves);
	*outcome = (struct outcome){ .is_told = true,
				     .is_written = true,
				     .moves = moves,
				     .n_moves = set.n_moves };
}

void
plan_take_written(struct planning *p)
{
	const struct ha_inventory *inv = &p->w->answer.inv;

	if (!p->w->is_cib || inv->n_hosts == 0) {
		return;
	}
	/* Single hosts were asked about with marks of their own. */
	memcpy(p->hosts, inv->hosts, inv->n_hosts * sizeof(*p->hosts));
	p->question.spares_failover_hosts = false;
	for (uint32_t i = 0; i < inv->n_hosts; i++) {
		if (inv->hosts[i].state == HA_INV_ONLINE) {
			take(p, i);
		}
	}
}

/* Nothing of what is shown is missing: what of it is there? */
static void
show_rest(const struct planning *p)
{
	uint32_t n_told = 0;
	uint32_t n_no = 0;

	for (uint32_t h = 0; h < p->inv.n_hosts; h++) {
		n_no += p->is_shown[h] && !p->outcomes[h].is_told;
		n_told += p->is_shown[h] && p->outcomes[h].is_told;
	}
	if (n_no == 0) {
		puts("Pacemaker has this plan: a location preference " PREFERENCE
		     "VM for each VM");
	} else if (n_told > 0) {
		puts("Pacemaker has the plan of the hosts without a no: a "
		     "location preference " PREFERENCE "VM for each VM");
	} else {
		puts("There is no whole plan that Pacemaker could have: who "
		     "has no place stays down until there is room");
	}
}

void
plan_written_show(const struct planning *p)
{
	bool has_any = false;

	if (!p->w->is_cib) {
		return;
	}
	if (!*p->w->resource || !policy_is_in_force(p->w->facts.cib)) {
		printf("Pacemaker does not know this plan: %s it chooses among "
		       "the hosts by itself\n",
		       *p->w->resource ? "the policy is disabled, so that" :
					 "without ocf:vmha:FaultDomain");
		return;
	}
	for (uint32_t h = 0; h < p->inv.n_hosts; h++) {
		const struct outcome *outcome = &p->outcomes[h];

		for (uint32_t i = 0;
		     p->is_shown[h] && outcome->is_told && i < outcome->n_moves;
		     i++) {
			const struct ha_plan_move *move = &outcome->moves[i];

			if (written_target(p, move->vm) != move->to) {
				printf("%s%s",
				       has_any ? ", " :
						 "Pacemaker does not "
						 "have this of: ",
				       p->inv.vms[move->vm].name);
				has_any = true;
			}
		}
	}
	if (has_any) {
		puts(". The master writes it when no VM starts or moves");
	} else {
		show_rest(p);
	}
}
