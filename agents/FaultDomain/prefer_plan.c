/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See prefer_plan.h. First the targets, one host after the other, then what is
 * written of each VM. Between two turns another copy of the CIB may have come:
 * where that says the same, by its digest, it goes on, else it begins anew, with
 * longer turns: or the plan of many VMs, some of which start and stop all the
 * time, is never made. The plan before stays until the next one is whole.
 */
#include "FaultDomain/prefer_plan.h"

#include <string.h>

#include "FaultDomain/fdm_timeouts.h"
#include "FaultDomain/stock_digest.h"
#include "ha/clock.h"

/* A step takes 1 to 5 ns. Where that is not enough a VM has no place, to be
 * safe, and it is told. */
#define SET_STEPS UINT64_C(1000000)
#define HOST_STEPS UINT64_C(1000000)
/* So many VMs are judged between two looks at the clock. */
#define JUDGED_AT_ONCE 64u

struct fdm_making {
	uint64_t number; /* of the stock that it borrows from */
	uint64_t digest;
	struct ha_target_fact *facts;
	struct ha_target *targets;
	struct ha_targets *aim; /* in `work`; NULL: all have been placed */
	void *work;
	/* After the targets: */
	struct ha_prefer_facts *prefer; /* NULL: not yet */
	struct fdm_wanted *wanted;
	uint32_t n_wanted; /* so many are judged */
	uint32_t n_writes;
	json_t *homeless;
};

struct fdm_plan *
fdm_plan_new(void)
{
	struct fdm_plan *plan = g_new0(struct fdm_plan, 1);

	plan->homeless = json_array();
	return plan;
}

/* ---- facts ------------------------------------------------------------------ */

static bool
is_on_host(const struct fdm_stock *stock, uint32_t vm,
	   const struct ha_inv_host *hosts, bool may_stay)
{
	uint32_t host = stock->cibinv->inv.vms[vm].host;

	return host != HA_INV_NONE &&
	       (hosts[host].state == HA_INV_ONLINE ||
		(may_stay && hosts[host].state == HA_INV_MAINTENANCE));
}

/* It is on and runs nowhere, as Pacemaker sees it, which moves what it takes for
 * running: on a host that this one knows to be sealed, too. */
static bool
is_down(const struct fdm_stock *stock, uint32_t vm)
{
	return stock->vms[vm].is_on &&
	       !is_on_host(stock, vm, stock->cibinv->inv.hosts, true);
}

/* Its ticket says that it belongs to a host that is out of reach. */
static bool
is_held(const struct fdm_stock *stock, const struct fdm_facts *facts,
	uint32_t vm)
{
	const struct fdm_vm *known = fdm_facts_vm(facts, stock->vms[vm].name);

	return known && known->is_gated && known->ticket.is_there &&
	       !known->ticket.is_granted &&
	       strcmp(known->ticket.state, FDM_STATE_HELD) == 0;
}

static bool
is_planned(const struct fdm_stock *stock)
{
	return stock->policy.type != HA_ADMISSION_DISABLED;
}

/* All that is looked at below; what is forgotten here is planned by what has
 * been. */
static uint64_t
digest_of(const struct fdm_stock *stock, const struct fdm_facts *facts)
{
	const struct ha_inventory *cib = &stock->cibinv->inv;
	uint64_t hash = stock->digest;

	for (uint32_t i = 0; i < cib->n_hosts; i++) {
		hash = fdm_mix_number(hash, cib->hosts[i].state);
	}
	for (uint32_t i = 0; i < cib->n_vms; i++) {
		const struct ha_cibinv_vm *vm = &stock->cibinv->vms[i];

		hash = fdm_mix_number(hash, cib->vms[i].host);
		hash = fdm_mix_number(hash, cib->vms[i].is_on);
		hash = fdm_mix_number(hash, stock->demand[i].cpu_mhz);
		hash = fdm_mix_number(hash, stock->demand[i].memory_mb);
		hash = fdm_mix_number(hash, vm->is_nested);
		hash = fdm_mix_number(hash, is_held(stock, facts, i));
		hash = fdm_mix_number(hash, vm->plan.is_there);
		hash = fdm_mix_number(hash, vm->plan.host);
		hash = fdm_mix_number(hash, (uint64_t)vm->plan.score);
		hash = fdm_mix_number(hash, (uint64_t)vm->prefer.stickiness);
		hash = fdm_mix_number(hash, vm->prefer.has_wishes);
		hash = fdm_mix_number(hash, vm->prefer.scores != NULL);
		if (vm->prefer.scores) {
			hash = fdm_mix(hash, vm->prefer.scores,
				       cib->n_hosts *
					       sizeof(*vm->prefer.scores));
		}
	}
	return hash;
}

/* ---- targets ---------------------------------------------------------------- */

static struct ha_targets_question
question_of(const struct fdm_making *making, const struct fdm_stock *stock)
{
	return (struct ha_targets_question){
		.inv = &stock->inv,
		.demand = stock->demand,
		.facts = making->facts,
		.has_failover_hosts =
			stock->policy.type == HA_ADMISSION_DEDICATED,
		.set_steps = SET_STEPS,
		.host_steps = HOST_STEPS,
	};
}

static void
begin_targets(struct fdm_making *making, const struct fdm_stock *stock)
{
	struct ha_targets_question question = question_of(making, stock);

	for (uint32_t i = 0; i < stock->inv.n_vms; i++) {
		struct ha_target_fact *fact = &making->facts[i];
		const struct ha_prefer_constraint *stands =
			&stock->cibinv->vms[i].plan;
		uint32_t host = stock->vms[i].host;

		fact->now = stands->is_there ? stands->host : HA_INV_NONE;
		/* Where the stock has it, it will be. */
		fact->is_down = stock->vms[i].is_on &&
				!is_on_host(stock, i, stock->hosts, false);
		if (fact->is_down && host != HA_INV_NONE &&
		    stock->hosts[host].state == HA_INV_ONLINE) {
			fact->now = host;
		}
	}
	making->work = g_malloc(ha_targets_work_bytes(&question));
	making->aim =
		ha_targets_begin(&question, making->work, making->targets);
}

/* ---- constraints ------------------------------------------------------------- */

/* Under the policy "disabled" nothing is planned, nor for VMs in groups, and what
 * stands is silenced, of VMs that are off too. */
static void
judge(const struct fdm_stock *stock, const struct fdm_facts *facts, uint32_t i,
      struct fdm_wanted *wanted)
{
	const struct ha_cibinv_vm *vm = &stock->cibinv->vms[i];

	wanted->constraint = vm->plan;
	wanted->differs = false;
	if (stock->policy.type == HA_ADMISSION_DISABLED || vm->is_nested) {
		wanted->constraint.score = 0;
		wanted->differs = vm->plan.is_there && vm->plan.score != 0;
	} else {
		wanted->differs = ha_prefer_wanted(
			&stock->cibinv->inv, i, &wanted->target, &wanted->facts,
			&vm->plan, &wanted->constraint, &wanted->verdict);
	}
	/* A node that is not there any more has no name to write. */
	wanted->differs =
		wanted->differs && wanted->constraint.host != HA_INV_NONE;
	wanted->writes = wanted->differs && !is_held(stock, facts, i);
}

static void
put_lack(const struct fdm_stock *stock, uint32_t i,
	 const struct fdm_wanted *wanted, struct ha_err *ret_text)
{
	const struct ha_inv_vm *vm = &stock->vms[i];
	const struct ha_plan_demand *demand = &stock->demand[i];
	const char *host = vm->host != HA_INV_NONE ?
				   stock->hosts[vm->host].name :
				   "its host";

	ret_text->text[0] = '\0';
	if (wanted->target.state == HA_TARGET_HOMELESS) {
		(void)ha_err_set(
			ret_text, 0,
			"%s (%llu MHz, %llu MB) has no place beside the others "
			"%s%s%s: add a host, or free as much on one that it may "
			"use",
			vm->name, (unsigned long long)demand->cpu_mhz,
			(unsigned long long)demand->memory_mb,
			wanted->facts.is_down ? "now" : "if ",
			wanted->facts.is_down ? "" : host,
			wanted->facts.is_down ?
				"" :
			wanted->target.is_conservative ?
				" fails (to be safe: the search "
				"reached its bound)" :
				" fails");
	} else if (wanted->target.host != HA_INV_NONE) {
		ha_prefer_text(&stock->inv, i, wanted->target.host,
			       &wanted->facts, &wanted->verdict, ret_text);
	}
}

static void
judge_one(struct fdm_making *making, const struct fdm_stock *stock,
	  const struct fdm_facts *facts)
{
	uint32_t i = making->n_wanted++;
	struct fdm_wanted *wanted = &making->wanted[i];
	uint32_t host = stock->vms[i].host;
	struct ha_err text;

	wanted->target = making->targets[i];
	wanted->facts = making->prefer[i];
	judge(stock, facts, i, wanted);
	making->n_writes += wanted->writes;
	put_lack(stock, i, wanted, &text);
	if (is_planned(stock) && text.text[0]) {
		(void)json_array_append_new(
			making->homeless,
			json_pack("{s:s, s:s, s:s}", "resource",
				  stock->vms[i].name, "host",
				  host == HA_INV_NONE ? "" :
							stock->hosts[host].name,
				  "text", text.text));
	}
}

static void
part(struct fdm_making *making, const struct fdm_stock *stock)
{
	uint32_t n = stock->inv.n_vms;

	making->prefer = g_new0(struct ha_prefer_facts, n + 1);
	for (uint32_t i = 0; i < n; i++) {
		making->prefer[i] = stock->cibinv->vms[i].prefer;
		making->prefer[i].is_down = is_down(stock, i);
	}
	ha_prefer_part(&stock->cibinv->inv, making->targets, making->prefer);
}

/* ---- in turns ----------------------------------------------------------------- */

static void
stop_making(struct fdm_plan *plan)
{
	struct fdm_making *making = plan->making;

	plan->making = NULL;
	if (making) {
		g_free(making->facts);
		g_free(making->targets);
		g_free(making->work);
		g_free(making->prefer);
		g_free(making->wanted);
		json_decref(making->homeless);
		g_free(making);
	}
}

static struct fdm_making *
begin_making(const struct fdm_stock *stock, uint64_t digest)
{
	struct fdm_making *making = g_new0(struct fdm_making, 1);
	uint32_t n = stock->inv.n_vms;

	making->number = stock->number;
	making->digest = digest;
	making->facts = g_new0(struct ha_target_fact, n + 1);
	making->targets = g_new0(struct ha_target, n + 1);
	making->wanted = g_new0(struct fdm_wanted, n + 1);
	making->homeless = json_array();
	if (is_planned(stock)) {
		begin_targets(making, stock);
	}
	return making;
}

/* The same facts stand in another stock now. */
static void
rebase(struct fdm_making *making, const struct fdm_stock *stock)
{
	struct ha_targets_question question = question_of(making, stock);

	making->number = stock->number;
	if (making->aim) {
		ha_targets_rebase(making->aim, &question);
	}
	for (uint32_t i = 0; making->prefer && i < stock->inv.n_vms; i++) {
		making->prefer[i].scores = stock->cibinv->vms[i].prefer.scores;
	}
}

static void
finish(struct fdm_plan *plan, const struct fdm_stock *stock, uint64_t digest)
{
	struct fdm_making *making = plan->making;

	if (making) {
		g_free(plan->wanted);
		json_decref(plan->homeless);
		plan->wanted = g_steal_pointer(&making->wanted);
		plan->homeless = g_steal_pointer(&making->homeless);
		plan->n_writes = making->n_writes;
		stop_making(plan);
	}
	plan->n_discarded = 0;
	plan->number = stock->number;
	plan->digest = digest;
	for (uint32_t i = 0; i < stock->inv.n_vms; i++) {
		plan->wanted[i].facts.scores =
			stock->cibinv->vms[i].prefer.scores;
	}
}

/* One bounded piece of it; false: that was the last. */
static bool
go_on(struct fdm_making *making, const struct fdm_stock *stock,
      const struct fdm_facts *facts)
{
	uint32_t n = stock->inv.n_vms;

	if (making->aim) {
		if (!ha_targets_step(making->aim)) {
			making->aim = NULL;
		}
		return true;
	}
	if (!making->prefer) {
		part(making, stock);
		return true;
	}
	for (uint32_t i = 0; i < JUDGED_AT_ONCE && making->n_wanted < n; i++) {
		judge_one(making, stock, facts);
	}
	return making->n_wanted < n;
}

/* Twice as long for each that was begun in vain. */
static uint64_t
budget_ms(const struct fdm_plan *plan)
{
	uint64_t ms = FDM_PLAN_BUDGET_MS;

	for (uint32_t i = 0;
	     i < plan->n_discarded && ms < FDM_PLAN_BUDGET_MAX_MS; i++) {
		ms *= 2;
	}
	return MIN(ms, FDM_PLAN_BUDGET_MAX_MS);
}

static void
begin_anew(struct fdm_plan *plan, const struct fdm_stock *stock,
	   uint64_t digest)
{
	plan->n_discarded += plan->making != NULL;
	stop_making(plan);
	plan->making = begin_making(stock, digest);
}

bool
fdm_plan_look(struct fdm_plan *plan, const struct fdm_stock *stock,
	      const struct fdm_facts *facts)
{
	uint64_t begin_ms = ha_clock_now_ms();
	uint64_t digest;

	if (plan->number == stock->number) {
		return true;
	}
	if (plan->making && plan->making->number == stock->number) {
		digest = plan->making->digest;
	} else {
		digest = digest_of(stock, facts);
		if (plan->number != 0 && plan->digest == digest) {
			stop_making(plan);
			finish(plan, stock, digest);
			return true;
		}
		if (plan->making && plan->making->digest == digest) {
			rebase(plan->making, stock);
		} else {
			begin_anew(plan, stock, digest);
		}
	}
	while (go_on(plan->making, stock, facts)) {
		if (ha_clock_now_ms() >= begin_ms + budget_ms(plan)) {
			return false;
		}
	}
	finish(plan, stock, digest);
	return true;
}
