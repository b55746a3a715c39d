/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be restarted will be somewhere: no power-on gets its room. Searched
 * once for what is judged, however many looks that takes; a search that has used
 * up a look leaves the rest to the next one. Where some have no place they stay
 * as they are, and nobody is refused for it here.
 */
#include "FaultDomain/admit_judge.h"
#include "FaultDomain/stock_digest.h"
#include "ha/plan.h"

/* One set: some milliseconds, as a judgement (admit.c). */
#define SET_STEPS UINT64_C(1000000)

static bool
on_set(const struct ha_plan_set *set, void *closure)
{
	GArray *places = closure;

	g_array_append_vals(places, set->moves, set->n_moves);
	return true;
}

static bool
is_any_stranded(const struct fdm_judging *j)
{
	bool is = false;

	for (uint32_t i = 0; i < j->inv.n_vms && !is; i++) {
		const struct ha_inv_vm *vm = &j->vms[i];

		is = vm->is_on &&
		     (vm->host == HA_INV_NONE ||
		      j->inv.hosts[vm->host].state != HA_INV_ONLINE);
	}
	return is;
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

static void
search(struct fdm_judging *j)
{
	struct ha_inventory inv = j->stock->inv;
	struct ha_plan_question question = {
		.inv = &inv,
		.demand = j->stock->demand,
		.places_stranded = true,
		.set_steps = SET_STEPS,
		.all_steps = SET_STEPS,
	};
	struct ha_plan_answer answer;
	void *work;

	inv.hosts = j->inv.hosts;
	work = g_malloc(ha_plan_work_bytes(&question));
	ha_plan_prove(&question, work, on_set, j->admit->places, &answer);
	g_free(work);
}

bool
fdm_admit_place(struct fdm_judging *j)
{
	struct fdm_admit *admit = j->admit;
	uint64_t key;
	bool is_new;

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
	return is_new;
}
