/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The planner against GLPK, an exact solver that knows nothing of it, on
 * clusters near the limit. Each yes is looked at set by set by the independent
 * checker, and one of its sets is given to GLPK too; each no, and where the
 * planner gave up, the set that it names is. Counts what is wrong: a yes that
 * is none, a no that is none, a yes that was not found. The model below is
 * made from the contract: places of displaced machines, limits, rules.
 *
 *   oracle FLAVOURS INSTANCES [FIRST-SEED]
 */
#define BOX_HOSTS 16u
#define BOX_VMS 160u
#define BOX_RULES 12u
#include "../unit/plan_box.h"
#include "flavours.h"

#include <glpk.h>
#include <time.h>

#define GLPK_TIMEOUT_MS 60000
/* At least so much of the exact yes is to be found, per thousand. */
#define FOUND_MIN_PER_MILLE 995u

enum mix {
	MIX_UNCORRELATED,
	MIX_AZURE,
	MIX_RULES,
	MIX_N
};

static const char *const MIX_NAMES[MIX_N] = {
	[MIX_UNCORRELATED] = "uncorrelated",
	[MIX_AZURE] = "azure flavours",
	[MIX_RULES] = "uncorrelated, rules",
};

struct score {
	uint32_t n;
	uint32_t yes;
	uint32_t no;
	uint32_t gave_up;
	uint32_t missed; /* gave up on a yes */
	uint32_t false_yes;
	uint32_t false_no;
	uint32_t unknown; /* GLPK too */
	double plan_ms;   /* of all clusters, with all sets of each */
	double glpk_ms;   /* of one set of each cluster */
};

enum truth {
	INFEASIBLE,
	FEASIBLE,
	UNKNOWN
};

static double
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- clusters near the limit ---- */

static void
roll_need(enum mix mix, uint64_t *ret_cpu, uint64_t *ret_memory)
{
	uint32_t at = roll(sum_weights);
	const struct flavour *flavour = flavours_at(at);

	if (mix != MIX_AZURE) {
		*ret_cpu = 1 + roll(20);
		*ret_memory = 1 + roll(20);
		return;
	}
	*ret_cpu = flavour->cpus;
	*ret_memory = flavour->memory_mb / 256;
}

/* The emptiest host that it may start on. */
static uint32_t
find_host(const struct box *box, const uint64_t *cpu, const uint64_t *memory,
	  uint64_t need_cpu, uint64_t need_memory)
{
	uint32_t best = HA_INV_NONE;
	double most = -1;

	for (uint32_t h = 0; h < box->inv.n_hosts; h++) {
		double room = (double)cpu[h] / 40 + (double)memory[h] / 40;
		if (cpu[h] >= need_cpu && memory[h] >= need_memory &&
		    room > most) {
			best = h;
			most = room;
		}
	}
	return best;
}

static void
fill(struct box *box, enum mix mix, uint64_t limit_cpu, uint64_t limit_memory)
{
	uint64_t cpu[BOX_HOSTS];
	uint64_t memory[BOX_HOSTS];

	for (uint32_t h = 0; h < box->inv.n_hosts; h++) {
		cpu[h] = box->hosts[h].cpu_mhz;
		memory[h] = box->hosts[h].memory_mb;
	}
	for (int misses = 0; misses < 4 && box->inv.n_vms < BOX_VMS;) {
		uint64_t need_cpu = 0;
		uint64_t need_memory = 0;
		roll_need(mix, &need_cpu, &need_memory);
		uint32_t host =
			find_host(box, cpu, memory, need_cpu, need_memory);
		if (host == HA_INV_NONE || need_cpu > limit_cpu ||
		    need_memory > limit_memory) {
			misses++;
			continue;
		}
		cpu[host] -= need_cpu;
		memory[host] -= need_memory;
		limit_cpu -= need_cpu;
		limit_memory -= need_memory;
		box_vm(box, host, need_cpu, need_memory);
	}
}

static void
roll_rules(struct box *box)
{
	for (uint32_t i = 0; i < 2 + roll(BOX_RULES - 2); i++) {
		uint32_t a = roll(box->inv.n_vms);
		uint32_t b = roll(box->inv.n_vms);
		bool is_same = box->vms[a].host == box->vms[b].host;
		if (a != b && box->inv.n_rules < BOX_RULES) {
			box_rule(box,
				 is_same ? HA_INV_TOGETHER : HA_INV_SEPARATE, a,
				 b);
		}
	}
	for (uint32_t vm = 0; vm < box->inv.n_vms; vm++) {
		for (uint32_t h = 0, is_pinned = roll(8) == 0;
		     is_pinned && h < box->inv.n_hosts; h++) {
			if (h == box->vms[vm].host || roll(3) != 0) {
				box_allow(box, vm, h);
			}
		}
	}
	for (uint32_t h = 0; h < box->inv.n_hosts; h++) {
		if (roll(4) == 0) {
			box->hosts[h].max_vms =
				box->inv.n_vms / box->inv.n_hosts * 2;
		}
	}
}

static void
roll_box(struct box *box, enum mix mix)
{
	uint32_t failures = 1 + roll(3);
	uint32_t n = failures + 3 + roll(failures == 1 ? 6 : 3);
	uint64_t cpu = 0;
	uint64_t memory = 0;

	box_open(box, failures);
	for (uint32_t h = 0; h < n; h++) {
		uint64_t host_cpu =
			mix == MIX_AZURE ? 32 + 8 * roll(3) : 40 + roll(20);
		uint64_t host_memory = mix == MIX_AZURE ?
					       host_cpu * (10 + 2 * roll(3)) :
					       40 + roll(20);
		box_host(box, host_cpu, host_memory);
		cpu += h < failures ? 0 : host_cpu;
		memory += h < failures ? 0 : host_memory;
	}
	/* Of what n - k hosts hold, on average. */
	uint64_t percent = (mix == MIX_RULES ? 75 : 85) + roll(16);
	fill(box, mix, cpu * percent / 100, memory * percent / 100);
	if (mix == MIX_RULES && box->inv.n_vms > 1) {
		roll_rules(box);
	}
}

/* ---- the model ---- */

struct model {
	const struct box *box;
	glp_prob *prob;
	bool is_dead[BOX_HOSTS];
	int column[BOX_VMS][BOX_HOSTS]; /* 0: it can't be there */
	int index[BOX_VMS * BOX_HOSTS + 1];
	double value[BOX_VMS * BOX_HOSTS + 1];
	int n;
};

static bool
is_mover(const struct model *model, uint32_t vm)
{
	return model->is_dead[model->box->vms[vm].host];
}

static void
add_term(struct model *model, int column, double value)
{
	model->n++;
	model->index[model->n] = column;
	model->value[model->n] = value;
}

static void
add_row(struct model *model, int type, double bound)
{
	int row = glp_add_rows(model->prob, 1);

	glp_set_row_bnds(model->prob, row, type, bound, bound);
	glp_set_mat_row(model->prob, row, model->n, model->index, model->value);
	model->n = 0;
}

static void
add_places(struct model *model)
{
	const struct box *box = model->box;

	for (uint32_t vm = 0; vm < box->inv.n_vms; vm++) {
		if (!is_mover(model, vm)) {
			continue;
		}
		for (uint32_t h = 0; h < box->inv.n_hosts; h++) {
			bool may = !box->vms[vm].has_allowed;
			for (uint32_t i = 0; i < box->vms[vm].n_allowed; i++) {
				may = may || box->allowed[vm][i] == h;
			}
			if (!may || model->is_dead[h]) {
				continue;
			}
			int column = glp_add_cols(model->prob, 1);
			model->column[vm][h] = column;
			glp_set_col_kind(model->prob, column, GLP_BV);
			add_term(model, column, 1);
		}
		add_row(model, GLP_FX, 1);
	}
}

/* what: 0 CPU, 1 memory, 2 machines. */
static double
need_of(const struct box *box, uint32_t vm, int what)
{
	if (what == 2) {
		return 1;
	}
	return (double)(what == 0 ? box->demand[vm].cpu_mhz :
				    box->demand[vm].memory_mb);
}

static void
add_limit(struct model *model, uint32_t host, int what)
{
	const struct box *box = model->box;
	const struct ha_inv_host *fact = &box->hosts[host];
	double room = (double)(what == 0 ? fact->cpu_mhz :
			       what == 1 ? fact->memory_mb :
					   fact->max_vms);

	if (what == 2 && fact->max_vms == 0) {
		return;
	}
	for (uint32_t vm = 0; vm < box->inv.n_vms; vm++) {
		if (model->column[vm][host] != 0) {
			add_term(model, model->column[vm][host],
				 need_of(box, vm, what));
		} else if (box->vms[vm].host == host) {
			room -= need_of(box, vm, what);
		}
	}
	add_row(model, GLP_UP, room);
}

static void
add_rule(struct model *model, const struct ha_inv_rule *rule, uint32_t host)
{
	double here[2] = { 0, 0 };
	bool is_separate = rule->type == HA_INV_SEPARATE;

	/* Of two machines: at most one of them here, or as many of one as of
	 * the other. */
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t vm = rule->vms[i];
		double sign = i == 0 || is_separate ? 1 : -1;
		if (model->column[vm][host] != 0) {
			add_term(model, model->column[vm][host], sign);
		} else if (model->box->vms[vm].host == host) {
			here[i] = sign;
		}
	}
	add_row(model, is_separate ? GLP_UP : GLP_FX,
		(is_separate ? 1 : 0) - here[0] - here[1]);
}

static enum truth
ask_glpk(const struct box *box, const uint32_t *failed, uint32_t n_failed)
{
	static struct model model;
	glp_iocp how;
	enum truth truth = UNKNOWN;

	memset(&model, 0, sizeof(model));
	model.box = box;
	model.prob = glp_create_prob();
	for (uint32_t i = 0; i < n_failed; i++) {
		model.is_dead[failed[i]] = true;
	}
	add_places(&model);
	for (uint32_t h = 0; h < box->inv.n_hosts; h++) {
		for (int what = 0; what < 3 && !model.is_dead[h]; what++) {
			add_limit(&model, h, what);
		}
		for (uint32_t r = 0; r < box->inv.n_rules && !model.is_dead[h];
		     r++) {
			add_rule(&model, &box->rules[r], h);
		}
	}
	glp_init_iocp(&how);
	how.msg_lev = GLP_MSG_OFF;
	how.presolve = GLP_ON;
	how.tm_lim = GLPK_TIMEOUT_MS;
	int rc = glp_get_num_cols(model.prob) == 0 ?
			 GLP_ENOPFS :
			 glp_intopt(model.prob, &how);
	if (rc == GLP_ENOPFS ||
	    (rc == 0 && glp_mip_status(model.prob) == GLP_NOFEAS)) {
		truth = INFEASIBLE;
	} else if (rc == 0 && (glp_mip_status(model.prob) == GLP_OPT ||
			       glp_mip_status(model.prob) == GLP_FEAS)) {
		truth = FEASIBLE;
	}
	glp_delete_prob(model.prob);
	return truth;
}

/* ---- the comparison ---- */

/* Some set of a yes, and whether GLPK says the same of it. */
static void
check_yes(const struct box *box, struct score *score)
{
	uint32_t failed[3];
	uint32_t k = box->question.failures;

	for (uint32_t i = 0; i < k; i++) {
		uint32_t lowest = i == 0 ? 0 : failed[i - 1] + 1;
		failed[i] =
			lowest + roll(box->inv.n_hosts - (k - i) - lowest + 1);
	}
	bool has_movers = false;
	for (uint32_t vm = 0; vm < box->inv.n_vms; vm++) {
		for (uint32_t i = 0; i < k; i++) {
			has_movers =
				has_movers || box->vms[vm].host == failed[i];
		}
	}
	if (has_movers && ask_glpk(box, failed, k) == INFEASIBLE) {
		score->false_yes++;
	}
}

/* Some host has more machines than it may: all else is in order at first. */
static bool
is_crowded(const struct box *box)
{
	uint32_t n[BOX_HOSTS] = { 0 };
	bool is_over = false;

	for (uint32_t vm = 0; vm < box->inv.n_vms; vm++) {
		uint32_t at = box->vms[vm].host;
		n[at]++;
		is_over = is_over || (box->hosts[at].max_vms != 0 &&
				      n[at] > box->hosts[at].max_vms);
	}
	return is_over;
}

static void
compare(struct box *box, struct score *score)
{
	double began_ms = now_ms();
	struct ha_plan_answer answer = box_prove(box);
	double planned_ms = now_ms();
	enum truth truth;

	score->n++;
	score->plan_ms += planned_ms - began_ms;
	switch (answer.verdict) {
	case HA_PLAN_YES:
		score->yes++;
		check_yes(box, score);
		break;
	case HA_PLAN_NO:
		score->no++;
		if (answer.n_failed == 0) {
			score->false_no += !is_crowded(box);
			break;
		}
		truth = ask_glpk(box, answer.failed, answer.n_failed);
		score->false_no += truth == FEASIBLE;
		score->unknown += truth == UNKNOWN;
		break;
	case HA_PLAN_GAVE_UP:
		score->gave_up++;
		truth = ask_glpk(box, answer.failed, answer.n_failed);
		score->missed += truth == FEASIBLE;
		score->unknown += truth == UNKNOWN;
		break;
	}
	score->glpk_ms += now_ms() - planned_ms;
}

static bool
report(const char *name, const struct score *score)
{
	uint32_t missed = score->missed + score->false_no;
	uint64_t all_yes = (uint64_t)score->yes + missed;

	printf("%-20s %6u: %u yes, %u no, %u gave up (%u of them a yes), "
	       "%u false yes, %u false no, %u open\n",
	       name, score->n, score->yes, score->no, score->gave_up,
	       score->missed, score->false_yes, score->false_no,
	       score->unknown);
	printf("%-20s   mean of all sets, verified: %.2f ms; GLPK, of one set: "
	       "%.2f ms, ratio %.0f\n",
	       "", score->plan_ms / score->n, score->glpk_ms / score->n,
	       score->glpk_ms / score->plan_ms);
	return score->false_yes == 0 && score->false_no == 0 &&
	       score->yes > 0 && score->no > 0 &&
	       (all_yes - missed) * 1000 >= all_yes * FOUND_MIN_PER_MILLE;
}

int
main(int argc, char **argv)
{
	static struct box box;
	struct score scores[MIX_N] = { 0 };
	bool is_ok = true;

	if (argc < 3) {
		(void)fprintf(stderr,
			      "usage: oracle FLAVOURS INSTANCES [SEED]\n");
		return 2;
	}
	flavours_read(argv[1]);
	unsigned long n = strtoul(argv[2], NULL, 10);
	uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	(void)glp_term_out(GLP_OFF);
	for (unsigned long i = 0; i < n; i++) {
		enum mix mix = (enum mix)(i % MIX_N);
		dice_seed = (first + i) * UINT64_C(0x9E3779B97F4A7C15);
		roll_box(&box, mix);
		compare(&box, &scores[mix]);
	}
	for (int mix = 0; mix < MIX_N; mix++) {
		is_ok = report(MIX_NAMES[mix], &scores[mix]) && is_ok;
	}
	puts(is_ok ? "ok" : "FAILED");
	return is_ok ? 0 : 1;
}
