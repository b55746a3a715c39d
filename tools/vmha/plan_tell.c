/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmha plan show as text and as JSON: each move, and the hosts that take
 * something with what they hold before and after. Decides nothing; a failure
 * without a placement shows its sentence and no move.
 */
#include <inttypes.h>
#include <string.h>

#include "plan_show.h"

#define BAR_CELLS 10u
#define BAR_BYTES 64u

/* What the others hold after the failure; the one that failed is not shown. */
static void
sum_after(struct planning *p, uint32_t host)
{
	const struct outcome *outcome = &p->outcomes[host];

	memcpy(p->after, p->before, p->inv.n_hosts * sizeof(*p->after));
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

static bool
is_homeless(const struct planning *p, const struct outcome *outcome,
	    uint32_t vm)
{
	return p->homeless[vm] &&
	       p->inv.vms[vm].host == (uint32_t)(outcome - p->outcomes);
}

static void
show_partial(const struct planning *p, const struct outcome *outcome)
{
	bool has_any = false;

	printf("\nWithout a place: ");
	for (uint32_t i = 0; i < p->inv.n_vms; i++) {
		if (is_homeless(p, outcome, i)) {
			printf("%s%s", has_any ? ", " : "", p->inv.vms[i].name);
			has_any = true;
		}
	}
	puts("; the others have one:");
}

void
plan_outcome_show(struct planning *p, uint32_t host)
{
	const struct outcome *outcome = &p->outcomes[host];
	struct ha_err reason = HA_ERR_INIT;
	struct ha_err help = HA_ERR_INIT;
	char head[HA_ERR_TEXT];

	tell(p, host, &reason, &help);
	/* The sentence of a no names the host by itself. */
	snprintf(head, sizeof(head), "If %s dies", p->inv.hosts[host].name);
	if (!outcome->is_told && outcome->plan.n_failed > 0) {
		snprintf(head, sizeof(head), "No");
	}
	weighing_show_verdict(p->v, outcome->is_told, head, reason.text,
			      help.text);
	if (outcome->is_partial) {
		show_partial(p, outcome);
	}
	if ((outcome->is_told || outcome->is_partial) && outcome->n_moves > 0) {
		sum_after(p, host);
		show_moves(p, outcome);
		show_hosts(p, host);
	}
	putchar('\n');
}

void
plan_standing_show(const struct planning *p)
{
	if (p->w->file->policy.host_failures > 1) {
		printf("One host at a time; the policy is for %" PRIu32
		       " at once: \"vmha admission explain\" shows those\n",
		       p->w->file->policy.host_failures);
	}
	plan_written_show(p);
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

/* Of a no: who has a place all the same, and who has not. */
static void
add_partial(const struct planning *p, const struct outcome *outcome,
	    json_t *json)
{
	json_t *places = json_array();
	json_t *homeless = json_array();

	for (uint32_t i = 0; i < outcome->n_moves; i++) {
		const struct ha_plan_move *move = &outcome->moves[i];

		(void)json_array_append_new(
			places,
			json_pack("{s:s, s:s}", "vm", p->inv.vms[move->vm].name,
				  "to", p->inv.hosts[move->to].name));
	}
	for (uint32_t i = 0; i < p->inv.n_vms; i++) {
		if (is_homeless(p, outcome, i)) {
			(void)json_array_append_new(
				homeless, json_string(p->inv.vms[i].name));
		}
	}
	(void)json_object_set_new(json, "without_place", homeless);
	(void)json_object_set_new(json, "others", places);
}

json_t *
plan_outcome_json(struct planning *p, uint32_t host)
{
	const struct outcome *outcome = &p->outcomes[host];
	struct ha_plan_set set = { .failed = &host,
				   .moves = outcome->moves,
				   .n_failed = 1,
				   .n_moves = outcome->is_told ?
						      outcome->n_moves :
						      0 };
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
		(void)json_object_set_new(json, "written",
					  json_boolean(outcome->is_written));
		if (outcome->is_partial) {
			add_partial(p, outcome, json);
		}
	}
	return json;
}
