/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See prefer.h. Targets are made anew with each stock that somebody asks for,
 * from those that the constraints show: nothing has to be remembered, and a new
 * master goes on where the last one was. Each write makes Pacemaker's scheduler
 * run, so only what differs is written, and not while VMs start, stop or move:
 * what is planned then is over in a moment.
 */
#include "FaultDomain/prefer.h"

#include <stdlib.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "ha/clock.h"
#include "ha/prefer.h"
#include "ha/targets.h"

#define CONSTRAINTS_BEGIN "<configuration><constraints>"
#define CONSTRAINTS_END "</constraints></configuration>"
#define CIB_BEGIN "<cib>"

/* What is wanted of one VM of the stock. */
struct wanted {
	struct ha_target target;
	struct ha_prefer_constraint constraint;
	struct ha_prefer_verdict verdict;
	struct ha_prefer_facts facts;
	bool writes;
};

struct fdm_prefer {
	uint64_t number; /* of the stock that all this is of; 0: none */
	struct wanted *wanted;
	uint32_t n_writes;
	uint64_t need_ms;    /* something differs since then; 0: nothing does */
	uint64_t unrest_ms;  /* something started, stopped or moved then */
	uint64_t written_ms; /* 0: not by this manager */
	uint64_t again_ms;
	uint64_t due_ms;       /* it may be written since then; 0: it may not */
	uint32_t n_writing;    /* in the update under way */
	bool is_known;         /* the plan was made at least once */
	char why[HA_ERR_TEXT]; /* it is not written, or not made */
	json_t *homeless;
	char told[HA_ERR_TEXT];
};

static struct fdm_prefer *
prefer_of(struct fdm *fdm)
{
	if (!fdm->prefer) {
		fdm->prefer = g_new0(struct fdm_prefer, 1);
		fdm->prefer->homeless = json_array();
	}
	return fdm->prefer;
}

/* ---- the plan ------------------------------------------------------------- */

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

static void
make_targets(const struct fdm_stock *stock, struct ha_target *ret_targets)
{
	struct ha_target_fact *facts =
		g_new0(struct ha_target_fact, stock->inv.n_vms + 1);
	struct ha_targets_question question = {
		.inv = &stock->inv,
		.demand = stock->demand,
		.facts = facts,
		.has_failover_hosts =
			stock->policy.type == HA_ADMISSION_DEDICATED,
	};
	void *work;

	for (uint32_t i = 0; i < stock->inv.n_vms; i++) {
		const struct ha_prefer_constraint *stands =
			&stock->cibinv->vms[i].plan;
		uint32_t host = stock->vms[i].host;

		facts[i].now = stands->is_there ? stands->host : HA_INV_NONE;
		/* Where the stock has it, it will be. */
		facts[i].is_down = stock->vms[i].is_on &&
				   !is_on_host(stock, i, stock->hosts, false);
		if (facts[i].is_down && host != HA_INV_NONE &&
		    stock->hosts[host].state == HA_INV_ONLINE) {
			facts[i].now = host;
		}
	}
	work = g_malloc(ha_targets_work_bytes(&question));
	ha_targets_make(&question, work, ret_targets);
	g_free(work);
	g_free(facts);
}

/* Under the policy "disabled" nothing is planned, nor for VMs in groups, and what
 * stands is silenced, of VMs that are off too. */
static void
judge(const struct fdm_stock *stock, uint32_t i, struct wanted *wanted)
{
	const struct ha_cibinv_vm *vm = &stock->cibinv->vms[i];

	wanted->constraint = vm->plan;
	wanted->writes = false;
	if (stock->policy.type == HA_ADMISSION_DISABLED || vm->is_nested) {
		wanted->constraint.score = 0;
		wanted->writes = vm->plan.is_there && vm->plan.score != 0;
	} else {
		wanted->writes = ha_prefer_wanted(
			&stock->cibinv->inv, i, &wanted->target, &wanted->facts,
			&vm->plan, &wanted->constraint, &wanted->verdict);
	}
	/* A node that is not there any more has no name to write. */
	wanted->writes =
		wanted->writes && wanted->constraint.host != HA_INV_NONE;
}

static void
put_lack(const struct fdm_stock *stock, uint32_t i, const struct wanted *wanted,
	 struct ha_err *ret_text)
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
make_plan(struct fdm_prefer *prefer, const struct fdm_stock *stock,
	  uint64_t now_ms)
{
	uint32_t n = stock->inv.n_vms;
	bool is_planned = stock->policy.type != HA_ADMISSION_DISABLED;
	struct ha_target *targets = g_new0(struct ha_target, n + 1);
	struct ha_prefer_facts *facts = g_new0(struct ha_prefer_facts, n + 1);

	g_free(prefer->wanted);
	prefer->wanted = g_new0(struct wanted, n + 1);
	prefer->n_writes = 0;
	(void)json_array_clear(prefer->homeless);
	if (is_planned) {
		make_targets(stock, targets);
	}
	for (uint32_t i = 0; i < n; i++) {
		facts[i] = stock->cibinv->vms[i].prefer;
		facts[i].is_down = is_down(stock, i);
	}
	ha_prefer_part(&stock->cibinv->inv, targets, facts);
	for (uint32_t i = 0; i < n; i++) {
		struct wanted *wanted = &prefer->wanted[i];
		uint32_t host = stock->vms[i].host;
		struct ha_err text;

		wanted->target = targets[i];
		wanted->facts = facts[i];
		judge(stock, i, wanted);
		prefer->n_writes += wanted->writes;
		put_lack(stock, i, wanted, &text);
		if (is_planned && text.text[0]) {
			(void)json_array_append_new(
				prefer->homeless,
				json_pack("{s:s, s:s, s:s}", "resource",
					  stock->vms[i].name, "host",
					  host == HA_INV_NONE ?
						  "" :
						  stock->hosts[host].name,
					  "text", text.text));
		}
	}
	g_free(targets);
	g_free(facts);
	prefer->need_ms = prefer->n_writes == 0 ? 0 :
			  prefer->need_ms != 0  ? prefer->need_ms :
						  now_ms;
	prefer->number = stock->number;
	prefer->is_known = true;
}

/* The stock that the plan is of; NULL: there is none, and why. */
static const struct fdm_stock *
look(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_prefer *prefer = prefer_of(fdm);
	const struct fdm_stock *stock = fdm_stock_get(fdm, now_ms);

	if (!stock || !stock->is_complete) {
		g_strlcpy(prefer->why,
			  stock && stock->why[0] ?
				  stock->why :
				  "the cluster is not read yet",
			  sizeof(prefer->why));
		return NULL;
	}
	if (prefer->number != stock->number) {
		make_plan(prefer, stock, now_ms);
	}
	return stock;
}

/* ---- when ----------------------------------------------------------------- */

static bool
is_starting(const struct fdm_vm *vm)
{
	return vm->is_wanted && vm->is_managed && !vm->is_up;
}

/* It starts, stops or moves; may_start: nothing keeps it from that. */
static bool
is_moving(const struct fdm_vm *vm, bool may_start, bool *ret_is_down)
{
	bool starts = may_start && is_starting(vm);

	*ret_is_down = *ret_is_down || starts;
	return starts || (vm->is_busy && !vm->is_up) ||
	       (vm->up_nodes & (vm->up_nodes - 1)) != 0 ||
	       (vm->is_up && vm->is_off);
}

/* A VM that is about to start, stop or move; *ret_is_down: one is down. Without
 * a gate it has no row, and may start. */
static bool
is_restless(const struct fdm *fdm, bool *ret_is_down)
{
	bool is = false;

	*ret_is_down = false;
	for (guint i = 0; fdm->rows && i < fdm->rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, i);

		is |= is_moving(row->vm, fdm_row_is_granted(row), ret_is_down);
	}
	for (guint i = 0; i < fdm->facts->vms->len; i++) {
		const struct fdm_vm *vm =
			&g_array_index(fdm->facts->vms, struct fdm_vm, i);

		is |= !vm->is_gated && is_moving(vm, true, ret_is_down);
	}
	return is || fdm->facts->migrations->len > 0;
}

static bool
is_due(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_prefer *prefer = fdm->prefer;
	uint64_t waited_ms = now_ms - prefer->need_ms;
	bool is_down = false;

	if (is_restless(fdm, &is_down)) {
		prefer->unrest_ms = now_ms;
	}
	if (prefer->need_ms == 0 || now_ms < prefer->again_ms) {
		return false;
	}
	if (now_ms - prefer->unrest_ms >= FDM_PLAN_QUIET_MS &&
	    waited_ms >= FDM_PLAN_QUIET_MS) {
		return true;
	}
	g_strlcpy(prefer->why, "waits until no VM starts, stops or moves",
		  sizeof(prefer->why));
	return waited_ms >= (is_down ? FDM_PLAN_DOWN_MS : FDM_PLAN_LATEST_MS);
}

/* As with tickets: a snapshot may be of a membership that is over. The members
 * have said that they are there since it is due (SAFETY 20). */
static bool
is_confirmed(struct fdm *fdm, bool is_due, uint64_t now_ms)
{
	const struct fdm_master *master = &fdm->master;
	struct fdm_prefer *prefer = fdm->prefer;

	if (!is_due || prefer->due_ms == 0) {
		prefer->due_ms = is_due ? now_ms : 0;
		return false;
	}
	return master->lease_seq == fdm->snap->ring_seq &&
	       master->lease_until_ms >= prefer->due_ms + FDM_LEASE_MS;
}

/* ---- the update ------------------------------------------------------------- */

static void
add_element(GString *xml, const struct fdm_stock *stock, uint32_t vm,
	    const struct ha_prefer_constraint *wanted)
{
	char *text = ha_cibinv_plan_xml(stock->vms[vm].name,
					stock->hosts[wanted->host].name,
					wanted->score);

	if (text) {
		g_string_append(xml, text);
	}
	free(text);
}

static void
on_written(void *data, int code, const char *why)
{
	struct fdm *fdm = data;
	struct fdm_prefer *prefer = fdm->prefer;
	uint64_t now_ms = ha_clock_now_ms();

	fdm->master.step = FDM_STEP_IDLE;
	fdm->master.min_copy = fdm->copies + 1;
	fdm->master.min_copy_ms = now_ms + FDM_COPY_MS;
	prefer->again_ms = now_ms + FDM_COPY_MS;
	if (code < 0) {
		prefer->again_ms = now_ms + FDM_PLAN_AGAIN_MS;
		(void)g_snprintf(prefer->why, sizeof(prefer->why),
				 "it can't be written: %s", why);
		return;
	}
	prefer->written_ms = now_ms;
	prefer->need_ms = 0;
	fdm_log(FDM_LOG_PLAN_WRITTEN, prefer->n_writing);
}

static void
write_all(struct fdm *fdm, const struct fdm_stock *stock)
{
	struct fdm_prefer *prefer = fdm->prefer;
	GString *xml = g_string_new(CIB_BEGIN CONSTRAINTS_BEGIN);

	for (uint32_t i = 0; i < stock->inv.n_vms; i++) {
		if (prefer->wanted[i].writes) {
			add_element(xml, stock, i,
				    &prefer->wanted[i].constraint);
		}
	}
	g_string_append(xml, CONSTRAINTS_END "</cib>");
	prefer->n_writing = prefer->n_writes;
	fdm->master.step = FDM_STEP_CIB;
	ha_cib_update(fdm->cib, xml->str, on_written, fdm);
	(void)g_string_free(xml, TRUE);
}

/* Once for each first sentence and count. */
static void
tell_lacks(struct fdm_prefer *prefer)
{
	size_t count = json_array_size(prefer->homeless);
	const char *first = json_string_value(
		json_object_get(json_array_get(prefer->homeless, 0), "text"));
	char line[HA_ERR_TEXT];

	line[0] = '\0';
	if (count > 0) {
		(void)g_snprintf(line, sizeof(line), "%zu %s", count, first);
	}
	if (strcmp(prefer->told, line) != 0 && count > 0) {
		fdm_log(FDM_LOG_PLAN_INCOMPLETE, (unsigned int)count, first);
	}
	g_strlcpy(prefer->told, line, sizeof(prefer->told));
}

void
fdm_prefer_tick(struct fdm *fdm, uint64_t now_ms)
{
	const struct fdm_stock *stock = look(fdm, now_ms);
	struct fdm_prefer *prefer = fdm->prefer;

	if (!stock) {
		return;
	}
	prefer->why[0] = '\0';
	if (is_confirmed(fdm, is_due(fdm, now_ms), now_ms)) {
		prefer->due_ms = 0;
		write_all(fdm, stock);
	}
	if (now_ms - prefer->unrest_ms >= FDM_PLAN_QUIET_MS) {
		tell_lacks(prefer);
	}
}

/* ---- with tickets ----------------------------------------------------------- */

/* Where it is to start: as admitted, or as planned for who is down. */
static bool
is_start_wanted(const struct fdm *fdm, const struct fdm_stock *stock,
		const struct fdm_row *row, uint32_t vm,
		struct ha_prefer_constraint *ret_wanted)
{
	const char *host =
		g_hash_table_lookup(stock->admitted, row->vm->resource);
	const struct wanted *planned = &fdm->prefer->wanted[vm];

	*ret_wanted = planned->constraint;
	if (host && !stock->cibinv->vms[vm].is_nested) {
		struct ha_prefer_constraint stands =
			stock->cibinv->vms[vm].plan;
		struct ha_prefer_facts facts = planned->facts;
		struct ha_prefer_verdict verdict;
		struct ha_target target = {
			.host = fdm_stock_host(stock, host),
			.state = HA_TARGET_GIVEN,
		};

		facts.is_down = true;
		return target.host != HA_INV_NONE &&
		       ha_prefer_wanted(&stock->inv, vm, &target, &facts,
					&stands, ret_wanted, &verdict);
	}
	return planned->writes && planned->facts.is_down;
}

void
fdm_prefer_add(struct fdm *fdm, GString *xml, uint64_t now_ms)
{
	const struct fdm_stock *stock = look(fdm, now_ms);
	GString *all;

	if (!stock || stock->policy.type == HA_ADMISSION_DISABLED) {
		return;
	}
	all = g_string_new(NULL);
	for (guint i = 0; i < fdm->rows->len; i++) {
		const struct fdm_row *row =
			&g_array_index(fdm->rows, struct fdm_row, i);
		uint32_t vm = fdm_stock_vm(stock, row->vm->resource);
		struct ha_prefer_constraint wanted;

		if (vm != HA_INV_NONE && fdm_row_is_granted(row) &&
		    !row->vm->is_up && !row->vm->is_busy &&
		    is_start_wanted(fdm, stock, row, vm, &wanted)) {
			add_element(all, stock, vm, &wanted);
		}
	}
	if (all->len > 0) {
		g_string_prepend(all, CONSTRAINTS_BEGIN);
		g_string_append(all, CONSTRAINTS_END);
		g_string_insert(xml, (gssize)strlen(CIB_BEGIN), all->str);
	}
	(void)g_string_free(all, TRUE);
}

/* ---- told ------------------------------------------------------------------ */

json_t *
fdm_prefer_json(const struct fdm *fdm, uint64_t now_ms)
{
	const struct fdm_prefer *prefer = fdm->prefer;
	bool is_ours = fdm->master.term != 0 && prefer && prefer->is_known;
	uint64_t at_ms = is_ours ? prefer->written_ms : 0;

	return json_pack("{s:b, s:s, s:o, s:o}", "written",
			 is_ours && prefer->n_writes == 0, "why",
			 is_ours               ? prefer->why :
			 fdm->master.term != 0 ? "the plan is not made yet" :
						 "the master knows it",
			 "homeless",
			 is_ours ? json_deep_copy(prefer->homeless) :
				   json_array(),
			 "age_ms",
			 at_ms ? json_integer((json_int_t)(now_ms - at_ms)) :
				 json_null());
}
