/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large clusters, where no solver helps. "planted": clusters that are cut from
 * full hosts, so that the answer is known: all of them fit again, or one unit
 * is too much. "bench": times beside the goals, of the whole question, of one
 * more machine against the kept plan, and of the targets as the manager makes
 * them in steps; each certificate is verified outside
 * of the time that is measured.
 */
#include "../unit/roll.h"
#include "ha/plan.h"
#include "ha/targets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS 9
#define CHANGES 2001u
#define PIECES 20u
/* As vmha-fdmd has them. */
#define TARGET_SET_STEPS UINT64_C(1000000)
#define TARGET_HOST_STEPS UINT64_C(1000000)
#define TARGET_GOAL_MS 20.0

struct big {
	struct ha_inv_host *hosts;
	struct ha_inv_vm *vms;
	struct ha_plan_demand *demand;
	struct ha_inventory inv;
	struct ha_plan_question question;
	void *work;
	void *check;
	uint64_t n_told;
	uint64_t n_wrong;
};

static void *
need_memory(size_t bytes)
{
	void *memory = calloc(1, bytes);

	if (memory == NULL) {
		(void)fprintf(stderr, "no memory: %zu bytes\n", bytes);
		exit(2);
	}
	return memory;
}

static void
big_open(struct big *big, uint32_t n_hosts, uint32_t n_vms, uint32_t failures)
{
	memset(big, 0, sizeof(*big));
	big->hosts = need_memory(n_hosts * sizeof(*big->hosts));
	big->vms = need_memory(n_vms * sizeof(*big->vms));
	big->demand = need_memory(n_vms * sizeof(*big->demand));
	big->inv = (struct ha_inventory){ .hosts = big->hosts,
					  .vms = big->vms,
					  .n_hosts = n_hosts,
					  .n_vms = n_vms };
	big->question = (struct ha_plan_question){ .inv = &big->inv,
						   .demand = big->demand,
						   .failures = failures };
	big->work = need_memory(ha_plan_work_bytes(&big->question));
	big->check = need_memory(ha_plan_verify_bytes(&big->question));
}

static void
big_close(struct big *big)
{
	free(big->hosts);
	free(big->vms);
	free(big->demand);
	free(big->work);
	free(big->check);
}

static bool
hear(const struct ha_plan_set *set, void *closure)
{
	struct big *big = closure;
	char why[160] = "";

	big->n_told++;
	if (ha_plan_verify(&big->question, set, big->check, why, sizeof(why)) !=
		    0 &&
	    big->n_wrong++ == 0) {
		printf("certificate: %s\n", why);
	}
	return true;
}

/* ---- planted ---- */

/* PIECES parts of a whole, none empty. */
static void
cut(uint64_t whole, uint64_t *ret_pieces)
{
	for (uint32_t i = 0; i < PIECES; i++) {
		ret_pieces[i] = 1;
	}
	for (uint64_t rest = whole - PIECES; rest > 0;) {
		uint64_t bite = 1 + roll(8);
		bite = bite < rest ? bite : rest;
		ret_pieces[roll(PIECES)] += bite;
		rest -= bite;
	}
}

/*
 * Every host is full of the pieces of one cut. What is free of the failover
 * hosts is that cut again, `each` pieces a host: no room is left over. Of more,
 * one MB more than all rooms hold.
 */
static void
plant(struct big *big, uint32_t n_hosts, uint32_t each, uint64_t more_mb)
{
	uint32_t n_spare = PIECES / each;
	uint32_t n_full = n_hosts - n_spare;
	uint64_t cpu[PIECES];
	uint64_t memory[PIECES];

	big_open(big, n_hosts, n_full * PIECES, 1);
	big->question.spares_failover_hosts = true;
	cut(64 * 16, cpu);
	cut(256 * 16, memory);
	for (uint32_t h = 0; h < n_hosts; h++) {
		struct ha_inv_host *host = &big->hosts[h];
		host->state = HA_INV_ONLINE;
		host->is_failover_host = h >= n_full;
		host->cpu_mhz = h < n_full ? 64 * 16 : 0;
		host->memory_mb = h < n_full ? 256 * 16 + more_mb : 0;
	}
	for (uint32_t i = 0; i < PIECES; i++) {
		big->hosts[n_full + i / each].cpu_mhz += cpu[i];
		big->hosts[n_full + i / each].memory_mb += memory[i];
	}
	for (uint32_t vm = 0; vm < big->inv.n_vms; vm++) {
		big->vms[vm].host = vm / PIECES;
		big->vms[vm].is_on = true;
		big->demand[vm].cpu_mhz = cpu[vm % PIECES];
		big->demand[vm].memory_mb = memory[vm % PIECES];
	}
	big->demand[big->inv.n_vms - 1].memory_mb += more_mb;
}

static bool
expect(struct big *big, const char *what, enum ha_plan_verdict verdict)
{
	struct ha_plan_answer answer;

	ha_plan_prove(&big->question, big->work, hear, big, &answer);
	bool is_ok = answer.verdict == verdict && big->n_wrong == 0 &&
		     (verdict != HA_PLAN_YES || answer.sets == big->n_told);
	printf("%s  %s: verdict %d, %" PRIu64 " sets, %" PRIu64 " steps\n",
	       is_ok ? "ok    " : "FAILED", what, answer.verdict, answer.sets,
	       answer.steps);
	big_close(big);
	return is_ok;
}

static int
planted(void)
{
	struct big big;
	bool is_ok = true;

	plant(&big, 1000, 1, 0);
	is_ok = expect(&big, "1000 hosts, cut in 20", HA_PLAN_YES) && is_ok;
	plant(&big, 1000, 2, 0);
	is_ok = expect(&big, "1000 hosts, two a host", HA_PLAN_YES) && is_ok;
	plant(&big, 1000, 2, 1);
	is_ok = expect(&big, "1000 hosts, 1 MB more", HA_PLAN_NO) && is_ok;
	return is_ok ? 0 : 1;
}

/* ---- bench ---- */

static double
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int
compare_ms(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Every host full to so many percent, with machines of any shape. */
static void
load(struct big *big, uint32_t n_hosts, uint32_t n_vms, uint32_t failures,
     uint32_t percent)
{
	uint32_t per_host = n_vms / n_hosts + 1;

	big_open(big, n_hosts, n_vms, failures);
	for (uint32_t h = 0; h < n_hosts; h++) {
		big->hosts[h].state = HA_INV_ONLINE;
	}
	for (uint32_t vm = 0; vm < n_vms; vm++) {
		struct ha_inv_host *host = &big->hosts[vm % n_hosts];
		big->vms[vm].host = vm % n_hosts;
		big->vms[vm].is_on = true;
		big->demand[vm].cpu_mhz = 500 + roll(8000);
		big->demand[vm].memory_mb = 512 + roll(32768);
		host->cpu_mhz += big->demand[vm].cpu_mhz;
		host->memory_mb += big->demand[vm].memory_mb;
	}
	uint64_t cpu = per_host * UINT64_C(4500) * 100 / percent;
	uint64_t memory = per_host * UINT64_C(16896) * 100 / percent;
	for (uint32_t h = 0; h < n_hosts; h++) {
		struct ha_inv_host *host = &big->hosts[h];
		host->cpu_mhz = host->cpu_mhz > cpu ? host->cpu_mhz : cpu;
		host->memory_mb =
			host->memory_mb > memory ? host->memory_mb : memory;
	}
}

static bool
time_prove(uint32_t n_hosts, uint32_t n_vms, uint32_t failures,
	   uint32_t percent, double goal_ms)
{
	struct ha_plan_answer answer;
	double took_ms[RUNS];
	struct big big;

	load(&big, n_hosts, n_vms, failures, percent);
	for (int i = 0; i < RUNS; i++) {
		double began = now_ms();
		ha_plan_prove(&big.question, big.work, NULL, NULL, &answer);
		took_ms[i] = now_ms() - began;
	}
	enum ha_plan_verdict verdict = answer.verdict;
	if (n_hosts <= 64 || failures == 1) {
		ha_plan_prove(&big.question, big.work, hear, &big, &answer);
	}
	qsort(took_ms, RUNS, sizeof(took_ms[0]), compare_ms);
	printf("%5u x %5u  k=%u  %2u %%  verdict %d  %8.3f ms  goal %5.1f ms"
	       "  ratio %5.2f  %" PRIu64 " sets verified\n",
	       n_hosts, n_vms, failures, percent, verdict, took_ms[RUNS / 2],
	       goal_ms, took_ms[RUNS / 2] / goal_ms, big.n_told - big.n_wrong);
	bool is_ok = verdict == HA_PLAN_YES && big.n_wrong == 0;
	big_close(&big);
	return is_ok;
}

/* One machine after the other goes off and on again. */
static bool
time_change(uint32_t n_hosts, uint32_t n_vms, uint32_t percent, double goal_ms)
{
	static double took_ms[CHANGES];
	struct ha_plan_answer answer;
	struct big big;
	uint32_t n_yes = 0;

	load(&big, n_hosts, n_vms, 1, percent);
	void *work = need_memory(ha_plan_keep_bytes(&big.question));
	struct ha_plan_keep *keep =
		ha_plan_keep_begin(&big.question, work, &answer);
	for (uint32_t i = 0; i < CHANGES && keep != NULL; i++) {
		uint32_t vm = roll(n_vms);
		big.vms[vm].is_on = false;
		ha_plan_keep_change(keep, &big.question, vm, &answer);
		big.vms[vm].is_on = true;
		double began = now_ms();
		ha_plan_keep_change(keep, &big.question, vm, &answer);
		took_ms[i] = now_ms() - began;
		n_yes += answer.verdict == HA_PLAN_YES;
	}
	qsort(took_ms, CHANGES, sizeof(took_ms[0]), compare_ms);
	printf("%5u x %5u  one more VM  %2u %%  median %.4f ms  99 %% %.4f ms"
	       "  worst %.4f ms  goal %.1f ms  ratio %.3f  %u of %u yes\n",
	       n_hosts, n_vms, percent, took_ms[CHANGES / 2],
	       took_ms[CHANGES * 99 / 100], took_ms[CHANGES - 1], goal_ms,
	       took_ms[CHANGES / 2] / goal_ms, n_yes, CHANGES);
	free(work);
	big_close(&big);
	return n_yes == CHANGES;
}

/* Of this process alone: what others make it wait for is no cost of a step. */
static double
cpu_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* All targets, and the longest of the steps in between which the manager looks
 * at its clock. */
static bool
time_targets(const struct big *big, struct ha_target_fact *facts,
	     const char *what, double goal_ms)
{
	struct ha_targets_question question = {
		.inv = &big->inv,
		.demand = big->demand,
		.facts = facts,
		.set_steps = TARGET_SET_STEPS,
		.host_steps = TARGET_HOST_STEPS,
	};
	struct ha_target *targets =
		need_memory((big->inv.n_vms + (size_t)1) * sizeof(*targets));
	void *work = need_memory(ha_targets_work_bytes(&question));
	double began = cpu_ms();
	struct ha_targets *t = ha_targets_begin(&question, work, targets);
	double last = cpu_ms();
	double first_ms = last - began;
	double worst_ms = 0;
	uint32_t n_given = 0;
	bool is_more = true;

	while (is_more) {
		is_more = ha_targets_step(t);
		double now = cpu_ms();
		worst_ms = now - last > worst_ms ? now - last : worst_ms;
		last = now;
	}
	for (uint32_t vm = 0; vm < big->inv.n_vms; vm++) {
		n_given += targets[vm].state == HA_TARGET_GIVEN;
		facts[vm].now = targets[vm].host;
	}
	printf("%5u x %5u  targets, %s  CPU %8.3f ms  begin %.3f ms  longest "
	       "step %.3f ms  goal %.1f ms  ratio %.3f  %u given\n",
	       big->inv.n_hosts, big->inv.n_vms, what, last - began, first_ms,
	       worst_ms, goal_ms, worst_ms / goal_ms, n_given);
	free(targets);
	free(work);
	return n_given == big->inv.n_vms;
}

static bool
time_all_targets(uint32_t n_hosts, uint32_t n_vms, uint32_t percent)
{
	struct ha_target_fact *facts = need_memory(n_vms * sizeof(*facts));
	struct big big;
	bool is_ok;

	load(&big, n_hosts, n_vms, 1, percent);
	for (uint32_t vm = 0; vm < n_vms; vm++) {
		facts[vm].now = HA_INV_NONE;
	}
	is_ok = time_targets(&big, facts, "anew ", TARGET_GOAL_MS);
	is_ok = time_targets(&big, facts, "stand", TARGET_GOAL_MS) && is_ok;
	free(facts);
	big_close(&big);
	return is_ok;
}

static int
bench(void)
{
	bool is_ok = true;

	for (uint32_t percent = 70; percent <= 90; percent += 20) {
		is_ok = time_prove(64, 1000, 1, percent, 1) && is_ok;
		is_ok = time_prove(64, 1000, 2, percent, 20) && is_ok;
		is_ok = time_prove(1000, 20000, 1, percent, 50) && is_ok;
		is_ok = time_change(1000, 20000, percent, 1) && is_ok;
		is_ok = time_all_targets(32, 2000, percent) && is_ok;
		is_ok = time_all_targets(1000, 20000, percent) && is_ok;
	}
	/* Overfull: many are left out, one after the other. */
	(void)time_all_targets(32, 2000, 100);
	return is_ok ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "planted") == 0) {
		return planted();
	}
	if (argc == 2 && strcmp(argv[1], "bench") == 0) {
		return bench();
	}
	(void)fprintf(stderr, "usage: big planted|bench\n");
	return 2;
}
