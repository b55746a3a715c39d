/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha plan show: who goes where if a host dies, and how full the others are
 * then. The planner's certificate for the failure of any one host; where not
 * every host can fail, each host by itself. Shows no placement that libha's
 * independent checker has not accepted.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admission.h"

#define PLAN_MS 110000u
#define BAR_CELLS 10u
#define BAR_BYTES 64u

/* What becomes of one host's machines. */
struct outcome {
	bool is_told; /* moves are a placement that was checked */
	bool is_bound, is_refuted;
	struct ha_plan_move *moves;
	uint32_t n_moves;
	struct ha_plan_answer plan; /* of a no */
};

struct planning {
	struct vmha *v;
	struct weighing *w;
	struct ha_inventory inv; /* of w->answer */
	struct ha_inv_host *hosts;
	struct ha_plan_question question;
	void *work, *verify_work;
	struct outcome *outcomes; /* per host */
	struct ha_plan_demand *before, *after;
	bool is_refuted, is_failed;
};

static bool
on_set(const struct ha_plan_set *set, void *closure)
{
	struct planning *p = closure;
	struct outcome *outcome;
	char why[HA_ERR_TEXT];

	if (set->n_failed != 1) {
		return true;
	}
	if (ha_plan_verify(&p->question, set, p->verify_work, why,
			   sizeof(why)) < 0) {
		p->is_refuted = true;
		return false;
	}
	outcome = &p->outcomes[set->failed[0]];
	free(outcome->moves);
	outcome->moves =
		reallocarray(NULL, set->n_moves + 1u, sizeof(*outcome->moves));
	if (!outcome->moves) {
		p->is_failed = true;
		return false;
	}
	if (set->n_moves > 0) {
		memcpy(outcome->moves, set->moves,
		       set->n_moves * sizeof(*outcome->moves));
	}
	outcome->n_moves = set->n_moves;
	outcome->is_told = true;
	return true;
}

/* A no names the first failure that has none; here the others are asked. Only
 * the host that is asked about counts as one that may fail. */
static void
ask_alone(struct planning *p, uint32_t host)
{
	struct outcome *outcome = &p->outcomes[host];

	for (uint32_t i = 0; i < p->inv.n_hosts; i++) {
		p->hosts[i].is_failover_host = i != host;
	}
	p->question.spares_failover_hosts = true;
	p->is_refuted = false;
	ha_plan_prove(&p->question, p->work, on_set, p, &outcome->plan);
	outcome->is_refuted = p->is_refuted;
	outcome->is_bound = outcome->plan.verdict == HA_PLAN_GAVE_UP;
}

static bool
is_asked(const struct planning *p, uint32_t host)
{
	const struct ha_inv_host *it = &p->w->answer.inv.hosts[host];

	if (p->v->args.operands == 0) {
		return it->state == HA_INV_ONLINE && !it->is_failover_host;
	}
	for (uint32_t i = 0; i < p->v->args.operands; i++) {
		if (strcmp(p->v->args.operand[i], it->name) == 0) {
			return true;
		}
	}
	return false;
}

static int
check_operands(struct vmha *v, const struct weighing *w)
{
	const struct ha_inventory *inv = &w->answer.inv;

	for (uint32_t i = 0; i < v->args.operands; i++) {
		uint32_t host = 0;

		while (host < inv->n_hosts &&
		       strcmp(inv->hosts[host].name, v->args.operand[i]) != 0) {
			host++;
		}
		if (host == inv->n_hosts) {
			return ha_err_set(&v->err, -EINVAL,
					  "there is no host \"%s\" in %s",
					  v->args.operand[i], w->source);
		}
		if (inv->hosts[host].state != HA_INV_ONLINE) {
			return ha_err_set(&v->err, -EINVAL,
					  "%s is %s: only an online host has "
					  "VMs that a failure would move",
					  v->args.operand[i],
					  ha_inventory_state_name(
						  inv->hosts[host].state));
		}
	}
	return 0;
}

static int
make_room(struct planning *p)
{
	const struct ha_inventory *inv = &p->w->answer.inv;
	size_t n = inv->n_hosts + (size_t)1;

	p->hosts = calloc(n, sizeof(*p->hosts));
	p->outcomes = calloc(n, sizeof(*p->outcomes));
	p->before = calloc(n, sizeof(*p->before));
	p->after = calloc(n, sizeof(*p->after));
	p->inv = *inv;
	p->inv.hosts = p->hosts;
	p->question = (struct ha_plan_question){
		.inv = &p->inv,
		.demand = p->w->answer.demand,
		.failures = 1,
		.spares_failover_hosts =
			p->w->file->policy.type == HA_ADMISSION_DEDICATED,
	};
	p->work = malloc(ha_plan_work_bytes(&p->question));
	p->verify_work = malloc(ha_plan_verify_bytes(&p->question));
	if (!p->hosts || !p->outcomes || !p->before || !p->after || !p->work ||
	    !p->verify_work) {
		return ha_err_set(&p->v->err, -ENOMEM,
				  "no memory for a cluster of this size");
	}
	if (inv->n_hosts > 0) {
		memcpy(p->hosts, inv->hosts, inv->n_hosts * sizeof(*p->hosts));
	}
	return 0;
}

static void
sum_before(struct planning *p)
{
	for (uint32_t i = 0; i < p->inv.n_vms; i++) {
		const struct ha_inv_vm *vm = &p->inv.vms[i];

		if (vm->is_on && vm->host != HA_INV_NONE) {
			p->before[vm->host].cpu_mhz +=
				p->question.demand[i].cpu_mhz;
			p->before[vm->host].memory_mb +=
				p->question.demand[i].memory_mb;
		}
	}
}

static int
plan(struct planning *p)
{
	struct ha_plan_answer whole;
	int rc = make_room(p);

	if (rc < 0) {
		return rc;
	}
	sum_before(p);
	vmha_step("planning", p->w->source, PLAN_MS);
	ha_plan_prove(&p->question, p->work, on_set, p, &whole);
	for (uint32_t i = 0; i < p->inv.n_hosts; i++) {
		if (is_asked(p, i) && !p->outcomes[i].is_told) {
			ask_alone(p, i);
		}
	}
	return p->is_failed ? ha_err_set(&p->v->err, -ENOMEM, "no memory") : 0;
}

/* What the others hold after the failure. */
static void
sum_after(struct planning *p, uint32_t host)
{
	const struct outcome *outcome = &p->outcomes[host];

	memcpy(p->after, p->before, p->inv.n_hosts * sizeof(*p->after));
	p->after[host] = (struct ha_plan_demand){ 0 };
	for (uint32_t i = 0; i < outcome->n_moves; i++) {
		const struct ha_plan_move *move = &outcome->moves[i];

		p->after[move->to].cpu_mhz +=
			p->question.demand[move->vm].cpu_mhz;
		p->after[move->to].memory_mb +=
			p->question.demand[move->vm].memory_mb;
	}
}

static bool
is_changed(const struct planning *p, uint32_t host)
{
	return p->after[host].cpu_mhz != p->before[host].cpu_mhz ||
	       p->after[host].memory_mb != p->before[host].memory_mb;
}

/* The sentence of a no is that of "admission check". */
static void
tell(struct planning *p, uint32_t host, struct ha_err *ret_reason,
     struct ha_err *ret_help)
{
	const struct outcome *outcome = &p->outcomes[host];
	struct ha_admission_answer answer = p->w->answer;

	*ret_help = (struct ha_err)HA_ERR_INIT;
	if (outcome->is_told) {
		(void)ha_err_set(ret_reason, 0,
				 outcome->n_moves == 0 ? "no VM has to move" :
				 outcome->n_moves == 1 ? "its %" PRIu32
							 " VM has a place" :
							 "its %" PRIu32
							 " VMs have a place",
				 outcome->n_moves);
		return;
	}
	answer.has_plan = true;
	answer.plan = outcome->plan;
	answer.vm = outcome->plan.vm;
	answer.host = outcome->plan.host;
	answer.reason = outcome->is_refuted ? HA_ADMISSION_CHECKER_DIFFERS :
			outcome->is_bound   ? HA_ADMISSION_SEARCH_BOUND :
			outcome->plan.n_failed > 0 ? HA_ADMISSION_NO_PLAN :
						     HA_ADMISSION_NOT_PLACED;
	ha_admission_text(&p->w->question, &answer, ret_reason, ret_help);
}

/* ---- words ------------------------------------------------------------------ */

static void
show_moves(const struct planning *p, const struct outcome *outcome)
{
	static const char *const TITLES[] = { "VM", "GOES TO", ">CPU MHZ",
					      ">MEMORY MB", NULL };
	struct vmha_table table;

	vmha_table_init(&table, TITLES);
	for (uint32_t i = 0; i < outcome->n_moves; i++) {
		const struct ha_plan_move *move = &outcome->moves[i];
		const struct ha_plan_demand *need =
			&p->question.demand[move->vm];

		vmha_table_add(&table, TONE_STRONG, "%s",
			       p->inv.vms[move->vm].name);
		vmha_table_add(&table, TONE_PLAIN, "%s",
			       p->inv.hosts[move->to].name);
		vmha_table_add(&table, TONE_PLAIN, "%" PRIu64, need->cpu_mhz);
		vmha_table_add(&table, TONE_PLAIN, "%" PRIu64, need->memory_mb);
	}
	putchar('\n');
	vmha_table_print(&table, &p->v->screen, stdout);
	vmha_table_done(&table);
}

/* "36 % ████ 92 %" of one resource. */
static void
add_change(const struct planning *p, struct vmha_table *table, uint64_t before,
	   uint64_t after, uint64_t all)
{
	char bar[BAR_BYTES];

	vmha_table_add(table, TONE_PLAIN, "%" PRIu64, before);
	vmha_table_add(table, after > all ? TONE_BAD : TONE_PLAIN,
		       "%s %" PRIu64 "/%" PRIu64,
		       vmha_bar(&p->v->screen, after, all, BAR_CELLS, bar,
				sizeof(bar)),
		       after, all);
}

static void
show_hosts(const struct planning *p, uint32_t failed)
{
	static const char *const TITLES[] = { "HOST",       ">CPU MHZ", "AFTER",
					      ">MEMORY MB", "AFTER",    NULL };
	struct vmha_table table;

	vmha_table_init(&table, TITLES);
	for (uint32_t i = 0; i < p->inv.n_hosts; i++) {
		const struct ha_inv_host *host = &p->inv.hosts[i];

		if (i == failed || host->state != HA_INV_ONLINE ||
		    !is_changed(p, i)) {
			continue;
		}
		vmha_table_add(&table, TONE_STRONG, "%s", host->name);
		add_change(p, &table, p->before[i].cpu_mhz, p->after[i].cpu_mhz,
			   host->cpu_mhz);
		add_change(p, &table, p->before[i].memory_mb,
			   p->after[i].memory_mb, host->memory_mb);
	}
	putchar('\n');
	vmha_table_print(&table, &p->v->screen, stdout);
	vmha_table_done(&table);
}

static void
show_outcome(struct planning *p, uint32_t host)
{
	const struct outcome *outcome = &p->outcomes[host];
	struct ha_err reason = HA_ERR_INIT;
	struct ha_err help = HA_ERR_INIT;
	char head[HA_ERR_TEXT];

	tell(p, host, &reason, &help);
	snprintf(head, sizeof(head), "If %s dies", p->inv.hosts[host].name);
	weighing_show_verdict(p->v, outcome->is_told, head, reason.text,
			      help.text);
	if (outcome->is_told && outcome->n_moves > 0) {
		sum_after(p, host);
		show_moves(p, outcome);
		show_hosts(p, host);
	}
	putchar('\n');
}

/* ---- JSON ------------------------------------------------------------------- */

static json_t *
demand_json(const struct ha_plan_demand *demand)
{
	return json_pack("{s:I, s:I}", "cpu_mhz", (json_int_t)demand->cpu_mhz,
			 "memory_mb", (json_int_t)demand->memory_mb);
}

static json_t *
hosts_json(const struct planning *p, uint32_t failed)
{
	json_t *hosts = json_array();

	for (uint32_t i = 0; i < p->inv.n_hosts; i++) {
		const struct ha_inv_host *host = &p->inv.hosts[i];

		if (i != failed && is_changed(p, i)) {
			(void)json_array_append_new(
				hosts,
				json_pack("{s:s, s:I, s:I, s:o, s:o}", "name",
					  host->name, "cpu_mhz",
					  (json_int_t)host->cpu_mhz,
					  "memory_mb",
					  (json_int_t)host->memory_mb, "before",
					  demand_json(&p->before[i]), "after",
					  demand_json(&p->after[i])));
		}
	}
	return hosts;
}

static json_t *
outcome_json(struct planning *p, uint32_t host)
{
	const struct outcome *outcome = &p->outcomes[host];
	struct ha_plan_set set = { .failed = &host,
				   .moves = outcome->moves,
				   .n_failed = 1,
				   .n_moves = outcome->n_moves };
	struct ha_err reason = HA_ERR_INIT;
	struct ha_err help = HA_ERR_INIT;
	json_t *json = ha_admission_set_json(&p->inv, &set);

	tell(p, host, &reason, &help);
	sum_after(p, host);
	if (json) {
		(void)json_object_set_new(json, "verdict",
					  json_string(outcome->is_told ?
							      "satisfied" :
							      "violated"));
		(void)json_object_set_new(json, "conservative",
					  json_boolean(outcome->is_bound));
		(void)json_object_set_new(json, "reason",
					  json_string(reason.text));
		(void)json_object_set_new(
			json, "hosts",
			outcome->is_told ? hosts_json(p, host) : json_array());
	}
	return json;
}

/* ---- the command ------------------------------------------------------------ */

static int
answer(struct planning *p)
{
	json_t *plans = json_array();
	bool has_no = false;
	bool has_bound = false;
	int code;
	int rc = VMHA_OK;

	for (uint32_t i = 0; i < p->inv.n_hosts; i++) {
		const struct outcome *outcome = &p->outcomes[i];

		if (!is_asked(p, i)) {
			continue;
		}
		has_no = has_no || (!outcome->is_told && !outcome->is_bound);
		has_bound = has_bound || outcome->is_bound;
		if (p->v->args.is_json) {
			(void)json_array_append_new(plans, outcome_json(p, i));
		} else {
			show_outcome(p, i);
		}
	}
	code = has_no ? VMHA_FAILED : has_bound ? VMHA_UNDECIDED : VMHA_OK;
	if (p->v->args.is_json) {
		json_t *json =
			json_pack("{s:s, s:b, s:o, s:O}", "verdict",
				  code == VMHA_OK ? "satisfied" : "violated",
				  "conservative", (int)(code == VMHA_UNDECIDED),
				  "plans", plans, "warnings", p->w->warnings);

		rc = vmha_json(p->v, json);
	} else {
		json_decref(plans);
		weighing_show_warnings(p->v, p->w);
	}
	return rc == VMHA_OK ? code : rc;
}

static void
done(struct planning *p)
{
	for (uint32_t i = 0; p->outcomes && i < p->inv.n_hosts; i++) {
		free(p->outcomes[i].moves);
	}
	free(p->outcomes);
	free(p->hosts);
	free(p->before);
	free(p->after);
	free(p->work);
	free(p->verify_work);
}

int
vmha_plan_show(struct vmha *v)
{
	struct weighing w;
	struct planning p = { .v = v, .w = &w };
	int rc = weighing_load(v, &w);

	if (rc == 0) {
		/* For the demands; the proof is asked for below. */
		w.file->policy.guarantee = HA_ADMISSION_ARITHMETIC;
		w.file->request = (struct ha_admission_request){
			.op = HA_ADMISSION_NONE,
			.vm = HA_INV_NONE,
			.host = HA_INV_NONE,
		};
		rc = weighing_judge(v, &w);
	}
	if (rc == 0) {
		rc = check_operands(v, &w);
		rc = rc < 0 ? rc : plan(&p);
		rc = rc < 0 ? weighing_fail(v, rc) : answer(&p);
	}
	done(&p);
	weighing_done(&w);
	return rc;
}
