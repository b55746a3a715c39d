/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be restarted will be somewhere: no power-on gets its room. Searched
 * once for what is judged, however many looks that takes; a search that has used
 * up a look leaves the rest to the next one. Where some have no place the others
 * have theirs, and nobody is refused for it; but for VMs of a host that may leave
 * (admit_door.c): they come first, and without a place for each of them nothing
 * gets room. Must never take the place of one that was promised it.
 */
#include "FaultDomain/admit_judge.h"
#include "FaultDomain/stock_digest.h"
#include "ha/plan.h"

/* One set: some milliseconds, as a judgement (admit.c). */
#define SET_STEPS UINT64_C(1000000)
#define ALL_STEPS UINT64_C(4000000)
/* So many are left out, one after the other. */
#define LEFT_OUT_MAX 8u

static bool
on_set(const struct ha_plan_set *set, void *closure)
{
	GArray *places = closure;

	g_array_append_vals(places, set->moves, set->n_moves);
	return true;
}

static bool
is_stranded(const struct fdm_judging *j, const struct ha_inv_vm *vm)
{
	return vm->is_on && (vm->host == HA_INV_NONE ||
			     j->hosts[vm->host].state != HA_INV_ONLINE);
}

static bool
is_any_stranded(const struct fdm_judging *j)
{
	bool is = false;

	for (uint32_t i = 0; i < j->inv.n_vms && !is; i++) {
		is = is_stranded(j, &j->vms[i]);
	}
	return is;
}

/* Its host is there, and is counted as leaving. */
static bool
is_promised(const struct fdm_judging *j, uint32_t vm)
{
	uint32_t host = j->stock->inv.vms[vm].host;

	return host != HA_INV_NONE &&
	       j->stock->inv.hosts[host].state == HA_INV_ONLINE &&
	       j->hosts[host].state != HA_INV_ONLINE;
}

bool
fdm_admit_is_leaving(const struct fdm_judging *j, uint32_t vm)
{
	return is_promised(j, vm) && is_stranded(j, &j->vms[vm]);
}

/* Of the stock's VMs on these hosts. */
static uint64_t
key_of(const struct fdm_judging *j)
{
	uint64_t key = j->admit->key;

	for (uint32_t i = 0; i < j->inv.n_hosts; i++) {
		key = fdm_mix_number(key, j->inv.hosts[i].state);
	}
	return key;
}

/* Who is left out: the one that the planner names, else the largest; nobody who
 * was promised a place. HA_INV_NONE: nobody. */
static uint32_t
left_out(const struct fdm_judging *j, const struct ha_inv_vm *vms,
	 uint32_t named)
{
	const struct ha_plan_demand *demand = j->stock->demand;
	uint32_t largest = HA_INV_NONE;

	for (uint32_t i = 0; i < j->inv.n_vms; i++) {
		if (!is_stranded(j, &vms[i]) || is_promised(j, i)) {
			continue;
		}
		if (i == named) {
			return i;
		}
		if (largest == HA_INV_NONE ||
		    demand[i].memory_mb > demand[largest].memory_mb) {
			largest = i;
		}
	}
	return largest;
}

/* True: all of them have places. */
static bool
search_some(const struct fdm_judging *j, struct ha_inv_vm *vms,
	    struct ha_plan_question *question, void *work)
{
	uint32_t vm = HA_INV_NONE;
	struct ha_plan_answer answer;

	for (uint32_t i = 0; i <= LEFT_OUT_MAX && question->all_steps > 0;
	     i++) {
		if (i > 0) {
			vm = left_out(j, vms, vm);
			if (vm == HA_INV_NONE) {
				return false;
			}
			vms[vm].is_on = false;
		}
		ha_plan_prove(question, work, on_set, j->admit->places,
			      &answer);
		if (answer.verdict == HA_PLAN_YES) {
			return true;
		}
		vm = answer.vm;
		question->all_steps -= MIN(answer.steps, question->all_steps);
	}
	return false;
}

static void
search(struct fdm_judging *j)
{
	struct ha_inventory inv = j->stock->inv;
	struct ha_plan_question question = {
		.inv = &inv,
		.demand = j->stock->demand,
		.places_stranded = true,
		.set_steps = SET_STEPS,
		.all_steps = ALL_STEPS,
	};
	struct ha_inv_vm *vms =
		g_memdup2(inv.vms, (inv.n_vms + 1) * sizeof(*vms));
	void *work;

	inv.hosts = j->hosts;
	inv.vms = vms;
	work = g_malloc(ha_plan_work_bytes(&question));
	if (!search_some(j, vms, &question, work)) {
		struct ha_plan_answer answer;

		for (uint32_t i = 0; i < inv.n_vms; i++) {
			vms[i].is_on =
				vms[i].is_on &&
				(is_promised(j, i) || !is_stranded(j, &vms[i]));
		}
		question.all_steps = SET_STEPS;
		ha_plan_prove(&question, work, on_set, j->admit->places,
			      &answer);
	}
	g_free(work);
	g_free(vms);
}

/* Under other guarantees nobody was promised a place. */
static const struct ha_inv_vm *
homeless_of(const struct fdm_judging *j)
{
	bool is_plan = j->stock->policy.type != HA_ADMISSION_DISABLED &&
		       j->stock->policy.guarantee == HA_ADMISSION_PLAN;

	for (uint32_t i = 0; is_plan && i < j->inv.n_vms; i++) {
		if (fdm_admit_is_leaving(j, i)) {
			return &j->stock->inv.vms[i];
		}
	}
	return NULL;
}

bool
fdm_admit_place(struct fdm_judging *j)
{
	struct fdm_admit *admit = j->admit;
	uint64_t key;
	bool is_new;

	j->homeless = NULL;
	if (!is_any_stranded(j)) {
		return false;
	}
	key = key_of(j);
	is_new = !admit->places || admit->placed != key;
	if (!admit->places) {
		admit->places =
			g_array_new(FALSE, FALSE, sizeof(struct ha_plan_move));
	}
	if (is_new) {
		g_array_set_size(admit->places, 0);
		search(j);
		admit->placed = key;
	}
	for (guint i = 0; i < admit->places->len; i++) {
		const struct ha_plan_move *move =
			&g_array_index(admit->places, struct ha_plan_move, i);

		j->vms[move->vm].host = move->to;
	}
	j->homeless = homeless_of(j);
	return is_new;
}
