/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The planner against brute force: small clusters at random, every rule in
 * them, each way to place the machines of each failure tried by a program that
 * knows only the contract. The two must agree on every instance, both ways.
 * Seeds: all of a run follow from FIRST_SEED.
 */
#include "core/plan_state.h"
#include "plan_box.h"
#include "roll.h"

#define INSTANCES 24000u
#define FIRST_SEED UINT64_C(1)

static void
roll_hosts(struct box *box)
{
	uint32_t n = 1 + roll(5);
	uint32_t most = 4 + roll(12);

	for (uint32_t h = 0; h < n; h++) {
		box_host(box, most / 2 + roll(most), most / 2 + roll(most));
		box->hosts[h].is_failover_host = roll(6) == 0;
		if (roll(5) == 0) {
			box->hosts[h].max_vms = 1 + roll(4);
		}
		if (roll(7) == 0) {
			box->hosts[h].state = (enum ha_inv_state)(1 + roll(4));
		}
	}
}

/* Mostly where there is room: most clusters are in order as they stand. */
static uint32_t
roll_place(const struct box *box, uint64_t cpu, uint64_t memory)
{
	uint64_t used_cpu[BOX_HOSTS] = { 0 };
	uint64_t used_memory[BOX_HOSTS] = { 0 };
	uint32_t host = 0;

	for (uint32_t vm = 0; vm < box->inv.n_vms; vm++) {
		uint32_t at = box->vms[vm].host;
		if (at != HA_INV_NONE && box->vms[vm].is_on) {
			used_cpu[at] += box->demand[vm].cpu_mhz;
			used_memory[at] += box->demand[vm].memory_mb;
		}
	}
	for (int tries = 0; tries < 8; tries++) {
		host = roll(box->inv.n_hosts);
		if (used_cpu[host] + cpu <= box->hosts[host].cpu_mhz &&
		    used_memory[host] + memory <= box->hosts[host].memory_mb) {
			break;
		}
	}
	return roll(30) == 0 ? HA_INV_NONE : host;
}

static void
roll_vms(struct box *box)
{
	uint32_t n = roll(8);
	uint32_t most = 2 + roll(6);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t cpu = roll(most);
		uint64_t memory = roll(most);
		uint32_t vm =
			box_vm(box, roll_place(box, cpu, memory), cpu, memory);
		box->vms[vm].is_on = roll(8) != 0;
		for (uint32_t h = 0, is_pinned = roll(4) == 0;
		     is_pinned && h < box->inv.n_hosts; h++) {
			box->vms[vm].has_allowed = true;
			if (roll(3) != 0) {
				box_allow(box, vm, h);
			}
		}
	}
}

static void
roll_rules(struct box *box)
{
	uint32_t n = box->inv.n_vms < 2 ? 0 : roll(4);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t rule = box_rule(
			box, roll(3) == 0 ? HA_INV_TOGETHER : HA_INV_SEPARATE,
			roll(box->inv.n_vms), roll(box->inv.n_vms));
		while (roll(3) == 0 && box->rules[rule].n_vms < 4) {
			uint32_t at = box->rules[rule].n_vms++;
			box->members[rule][at] = roll(box->inv.n_vms);
		}
		box->rules[rule].is_mandatory = roll(6) != 0;
	}
}

/* ---- brute force ---- */

struct brute {
	const struct box *box;
	bool is_dead[BOX_HOSTS];
	uint32_t where[BOX_VMS];
	uint32_t movers[BOX_VMS];
	uint32_t n_movers;
};

static bool
is_host_ok(const struct brute *brute, uint32_t host)
{
	const struct box *box = brute->box;
	uint64_t cpu = 0;
	uint64_t memory = 0;
	uint32_t n = 0;

	for (uint32_t vm = 0; vm < box->inv.n_vms; vm++) {
		if (brute->where[vm] == host) {
			cpu += box->demand[vm].cpu_mhz;
			memory += box->demand[vm].memory_mb;
			n++;
		}
	}
	return cpu <= box->hosts[host].cpu_mhz &&
	       memory <= box->hosts[host].memory_mb &&
	       (box->hosts[host].max_vms == 0 || n <= box->hosts[host].max_vms);
}

static bool
is_rule_ok(const struct brute *brute, const struct ha_inv_rule *rule)
{
	for (uint32_t i = 0; i < rule->n_vms; i++) {
		for (uint32_t j = 0; j < i; j++) {
			uint32_t a = rule->vms[i];
			uint32_t b = rule->vms[j];
			if (a == b || brute->where[a] == HA_INV_NONE ||
			    brute->where[b] == HA_INV_NONE) {
				continue;
			}
			if ((brute->where[a] == brute->where[b]) !=
			    (rule->type == HA_INV_TOGETHER)) {
				return false;
			}
		}
	}
	return true;
}

static bool
is_all_ok(const struct brute *brute)
{
	const struct box *box = brute->box;

	for (uint32_t h = 0; h < box->inv.n_hosts; h++) {
		if (!brute->is_dead[h] && !is_host_ok(brute, h)) {
			return false;
		}
	}
	for (uint32_t r = 0; r < box->inv.n_rules; r++) {
		if (box->rules[r].is_mandatory &&
		    !is_rule_ok(brute, &box->rules[r])) {
			return false;
		}
	}
	return true;
}

static bool
may_be_on(const struct brute *brute, uint32_t vm, uint32_t host)
{
	const struct box *box = brute->box;
	const struct ha_inv_vm *fact = &box->vms[vm];

	if (brute->is_dead[host]) {
		return false;
	}
	if (box->hosts[host].is_failover_host) {
		enum ha_inv_state state = fact->host == HA_INV_NONE ?
						  HA_INV_STANDBY :
						  box->hosts[fact->host].state;
		if (state == HA_INV_STANDBY || state == HA_INV_MAINTENANCE) {
			return false;
		}
	}
	for (uint32_t i = 0; i < fact->n_allowed; i++) {
		if (fact->allowed[i] == host) {
			return true;
		}
	}
	return !fact->has_allowed;
}

/* All placements, one machine after the other. */
static bool
has_placement(struct brute *brute, uint32_t next)
{
	if (next == brute->n_movers) {
		return is_all_ok(brute);
	}
	uint32_t vm = brute->movers[next];
	for (uint32_t h = 0; h < brute->box->inv.n_hosts; h++) {
		if (!may_be_on(brute, vm, h)) {
			continue;
		}
		brute->where[vm] = h;
		if (is_host_ok(brute, h) && has_placement(brute, next + 1)) {
			return true;
		}
	}
	brute->where[vm] = HA_INV_NONE;
	return false;
}

static bool
survives(const struct box *box, uint32_t dead)
{
	struct brute brute = { .box = box };

	for (uint32_t h = 0; h < box->inv.n_hosts; h++) {
		brute.is_dead[h] = box->hosts[h].state != HA_INV_ONLINE ||
				   (dead >> h & 1) != 0;
	}
	for (uint32_t vm = 0; vm < box->inv.n_vms; vm++) {
		const struct ha_inv_vm *fact = &box->vms[vm];
		bool is_up = fact->host != HA_INV_NONE &&
			     box->hosts[fact->host].state == HA_INV_ONLINE;
		brute.where[vm] = HA_INV_NONE;
		if (!fact->is_on) {
			continue;
		}
		if (is_up && (dead >> fact->host & 1) == 0) {
			brute.where[vm] = fact->host;
		} else if (is_up || box->question.places_stranded) {
			brute.movers[brute.n_movers++] = vm;
		}
	}
	return has_placement(&brute, 0);
}

static bool
brute_force(const struct box *box, uint64_t *ret_sets)
{
	uint32_t may_fail = 0;
	int n_may_fail = 0;
	int n = (int)box->question.failures;

	for (uint32_t h = 0; h < box->inv.n_hosts; h++) {
		if (box->hosts[h].state == HA_INV_ONLINE &&
		    !(box->question.spares_failover_hosts &&
		      box->hosts[h].is_failover_host)) {
			may_fail |= 1u << h;
			n_may_fail++;
		}
	}
	n = n < n_may_fail ? n : n_may_fail;
	*ret_sets = 0;
	for (uint32_t dead = 0; dead < 1u << box->inv.n_hosts; dead++) {
		if ((dead & ~may_fail) != 0 || __builtin_popcount(dead) != n) {
			continue;
		}
		++*ret_sets;
		if (!survives(box, dead)) {
			return false;
		}
	}
	return true;
}

static void
roll_box(struct box *box, uint32_t failures)
{
	box_open(box, failures);
	roll_hosts(box);
	roll_vms(box);
	roll_rules(box);
	box->question.spares_failover_hosts = roll(2) == 0;
	box->question.places_stranded = roll(4) == 0;
}

static void
agrees_with_brute_force(void **state)
{
	struct box box;
	uint32_t n_yes = 0;
	uint32_t n_no = 0;

	(void)state;
	dice_seed = FIRST_SEED;
	for (uint32_t i = 0; i < INSTANCES; i++) {
		uint64_t sets = 0;
		roll_box(&box, roll(5) == 0 ? roll(7) : roll(4));
		bool is_yes = brute_force(&box, &sets);
		struct ha_plan_answer answer = box_prove(&box);
		if (answer.verdict != (is_yes ? HA_PLAN_YES : HA_PLAN_NO)) {
			fail_msg("instance %u: verdict %d, brute force %d", i,
				 answer.verdict, is_yes);
		}
		if (is_yes) {
			assert_int_equal(answer.sets, sets);
		}
		n_yes += is_yes;
		n_no += !is_yes;
	}
	print_message("# %u yes, %u no\n", n_yes, n_no);
	assert_true(n_yes > INSTANCES / 5);
	assert_true(n_no > INSTANCES / 5);
}

static void
use_all_hosts(struct ha__plan *plan)
{
	plan->n_near = plan->n_hosts;
	for (uint32_t h = 0; h < plan->n_hosts; h++) {
		plan->near[h] = h;
	}
}

/* Sets that a greedy run would have settled, all by the search. */
static uint32_t
search_sets(struct box *box, bool *ret_agrees)
{
	struct ha__plan plan;
	struct ha_plan_answer answer;
	void *work = malloc(ha_plan_work_bytes(&box->question));
	uint32_t n = 0;

	assert_non_null(work);
	*ret_agrees = true;
	if (ha__plan_start(&plan, &box->question, work, &answer)) {
		for (uint32_t i = 0; i < plan.n_eligible; i++) {
			uint32_t dead = plan.eligible[i];
			ha__plan_open_set(&plan, &dead, 1);
			plan.set_end = UINT64_MAX;
			use_all_hosts(&plan);
			bool is_yes = ha__plan_search(&plan) == HA_PLAN_YES;
			ha__plan_close_set(&plan, &dead, 1);
			*ret_agrees =
				*ret_agrees &&
				is_yes ==
					survives(box, 1u << plan.host_of[dead]);
			n++;
		}
	}
	free(work);
	return n;
}

static void
search_agrees_with_brute_force(void **state)
{
	struct box box;
	uint32_t n = 0;

	(void)state;
	dice_seed = FIRST_SEED + 1;
	for (uint32_t i = 0; i < INSTANCES; i++) {
		bool agrees;
		roll_box(&box, 1);
		n += search_sets(&box, &agrees);
		if (!agrees) {
			fail_msg("instance %u", i);
		}
	}
	print_message("# %u sets\n", n);
	assert_true(n > INSTANCES);
}

/* One host dies onto few hosts that are almost too small, much alike. */
static void
roll_tight(struct box *box)
{
	uint32_t n_hosts = 2 + roll(3);
	uint32_t most = 3 + roll(5);
	uint64_t room_cpu = 0;
	uint64_t room_memory = 0;

	box_open(box, 1);
	box_host(box, 1000, 1000);
	for (uint32_t h = 1; h <= n_hosts; h++) {
		box_host(box, most + roll(2), most + roll(2));
		box->hosts[h].max_vms = roll(3) == 0 ? 2 + roll(3) : 0;
		room_cpu += box->hosts[h].cpu_mhz;
		room_memory += box->hosts[h].memory_mb;
	}
	while (box->inv.n_vms < 9) {
		uint64_t cpu = 1 + roll(most - 1);
		uint64_t memory = roll(2) == 0 ? cpu : 1 + roll(most - 1);
		if (cpu > room_cpu || memory > room_memory) {
			break;
		}
		room_cpu -= cpu;
		room_memory -= memory;
		box_vm(box, 0, cpu, memory);
	}
	for (uint32_t vm = 0; vm < box->inv.n_vms; vm++) {
		for (uint32_t h = 1, is_pinned = roll(6) == 0;
		     is_pinned && h <= n_hosts; h++) {
			box->vms[vm].has_allowed = true;
			if (roll(3) != 0) {
				box_allow(box, vm, h);
			}
		}
	}
	roll_rules(box);
}

static bool
search_first(struct box *box, bool *ret_has_started, bool *ret_is_over)
{
	struct ha__plan plan;
	struct ha_plan_answer answer;
	void *work = malloc(ha_plan_work_bytes(&box->question));
	uint32_t dead = 0;
	bool is_yes = false;

	assert_non_null(work);
	*ret_is_over = false;
	*ret_has_started = ha__plan_start(&plan, &box->question, work, &answer);
	if (*ret_has_started) {
		ha__plan_open_set(&plan, &dead, 1);
		plan.set_end = UINT64_MAX;
		ha__plan_find_near(&plan);
		if (ha__plan_is_over_count(&plan)) {
			*ret_is_over = true;
		}
		is_yes = ha__plan_search(&plan) == HA_PLAN_YES;
		ha__plan_close_set(&plan, &dead, 1);
	}
	free(work);
	return is_yes;
}

static void
tight_search_agrees_with_brute_force(void **state)
{
	struct box box;
	uint32_t n_yes = 0;
	uint32_t n_no = 0;
	uint32_t n_over = 0;

	(void)state;
	dice_seed = FIRST_SEED + 2;
	for (uint32_t i = 0; i < INSTANCES; i++) {
		bool has_started;
		bool is_over;
		roll_tight(&box);
		bool is_yes = search_first(&box, &has_started, &is_over);
		if (!has_started) {
			continue;
		}
		n_over += is_over;
		if (is_yes && is_over) {
			fail_msg("instance %u: counted out", i);
		}
		if (is_yes != survives(&box, 1)) {
			fail_msg("instance %u: search says %d", i, is_yes);
		}
		n_yes += is_yes;
		n_no += !is_yes;
	}
	print_message("# %u yes, %u no, %u of them by counting\n", n_yes, n_no,
		      n_over);
	assert_true(n_over > n_no / 20);
	assert_true(n_yes > INSTANCES / 8);
	assert_true(n_no > INSTANCES / 8);
}

/* The set of one host's failure, as the kept plan has it. */
static void
verify_kept(const struct box *box, const struct ha_plan_keep *keep)
{
	struct ha_plan_move moves[BOX_VMS];

	for (uint32_t h = 0; h < box->inv.n_hosts; h++) {
		struct ha_plan_set set = { .failed = &h,
					   .moves = moves,
					   .n_failed = 1 };
		if (box->hosts[h].state != HA_INV_ONLINE ||
		    (box->hosts[h].is_failover_host &&
		     box->question.spares_failover_hosts)) {
			continue;
		}
		for (uint32_t vm = 0; vm < box->inv.n_vms; vm++) {
			if (box->vms[vm].is_on && box->vms[vm].host == h) {
				moves[set.n_moves].vm = vm;
				moves[set.n_moves++].to =
					ha_plan_keep_target(keep, vm);
			}
		}
		box_verify(box, &set);
	}
}

static void
change_vm(struct box *box, uint32_t vm)
{
	switch (roll(4)) {
	case 0:
		box->vms[vm].is_on = !box->vms[vm].is_on;
		break;
	case 1:
		box->vms[vm].host = roll(box->inv.n_hosts);
		break;
	case 2:
		box->demand[vm].cpu_mhz = roll(14);
		break;
	default:
		box->demand[vm].memory_mb = roll(14);
		break;
	}
}

static void
change_and_compare(struct box *box, struct ha_plan_keep *keep, uint32_t *counts)
{
	struct ha_plan_answer answer;
	uint64_t sets;

	for (int i = 0; i < 12; i++) {
		uint32_t vm = roll(box->inv.n_vms);
		struct ha_inv_vm fact = box->vms[vm];
		struct ha_plan_demand demand = box->demand[vm];
		change_vm(box, vm);
		bool is_yes = brute_force(box, &sets);
		ha_plan_keep_change(keep, &box->question, vm, &answer);
		if ((answer.verdict == HA_PLAN_YES) != is_yes ||
		    answer.verdict == HA_PLAN_GAVE_UP) {
			fail_msg("change %d: %d, brute force %d", i,
				 answer.verdict, is_yes);
		}
		counts[is_yes]++;
		if (!is_yes) {
			box->vms[vm] = fact;
			box->demand[vm] = demand;
		}
		verify_kept(box, keep);
	}
}

static void
kept_plan_agrees_with_brute_force(void **state)
{
	struct box box;
	struct ha_plan_answer answer;
	uint32_t counts[2] = { 0 };

	(void)state;
	dice_seed = FIRST_SEED + 3;
	for (uint32_t i = 0; i < INSTANCES; i++) {
		roll_box(&box, 1);
		box.question.places_stranded = false;
		if (box.inv.n_vms == 0) {
			continue;
		}
		void *work = malloc(ha_plan_keep_bytes(&box.question));
		assert_non_null(work);
		struct ha_plan_keep *keep =
			ha_plan_keep_begin(&box.question, work, &answer);
		if (keep != NULL) {
			verify_kept(&box, keep);
			change_and_compare(&box, keep, counts);
		}
		free(work);
	}
	print_message("# %u yes, %u no\n", counts[1], counts[0]);
	assert_true(counts[0] > INSTANCES / 5);
	assert_true(counts[1] > INSTANCES / 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_brute_force),
		cmocka_unit_test(search_agrees_with_brute_force),
		cmocka_unit_test(tight_search_agrees_with_brute_force),
		cmocka_unit_test(kept_plan_agrees_with_brute_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
