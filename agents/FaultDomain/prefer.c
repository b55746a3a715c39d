/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See prefer.h. What is wanted of each VM is prefer_plan.c's, which begins with
 * what the constraints show: nothing has to be remembered, and a new master goes
 * on where the last one was. Here it is decided when to write it. Each write makes Pacemaker's scheduler
 * run, so only what differs is written, and not while VMs start, stop or move:
 * what is planned then is over in a moment.
 */
#include "FaultDomain/prefer.h"

#include <stdlib.h>
#include <string.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/logs.h"
#include "FaultDomain/prefer_plan.h"
#include "ha/clock.h"
#include "ha/prefer.h"

#define CONSTRAINTS_BEGIN "<configuration><constraints>"
#define CONSTRAINTS_END "</constraints></configuration>"
#define CIB_BEGIN "<cib>"

struct fdm_prefer {
	struct fdm_plan *plan;
	uint64_t need_ms;    /* something differs, or may; 0: nothing does */
	uint64_t unrest_ms;  /* something started, stopped or moved then */
	uint64_t written_ms; /* 0: not by this manager */
	uint64_t again_ms;
	uint64_t due_ms;       /* it may be written since then; 0: it may not */
	uint32_t n_writing;    /* in the update under way */
	char why[HA_ERR_TEXT]; /* it is not written, or not made */
	char told[HA_ERR_TEXT];
};

static struct fdm_prefer *
prefer_of(struct fdm *fdm)
{
	if (!fdm->prefer) {
		fdm->prefer = g_new0(struct fdm_prefer, 1);
		fdm->prefer->plan = fdm_plan_new();
	}
	return fdm->prefer;
}

/* The stock that the plan is to be of; NULL: there is none, and why.
 * *ret_is_made: the plan is of it. */
static const struct fdm_stock *
look(struct fdm *fdm, uint64_t now_ms, bool *ret_is_made)
{
	struct fdm_prefer *prefer = prefer_of(fdm);
	const struct fdm_stock *stock = fdm_stock_get(fdm, now_ms);

	*ret_is_made = false;
	if (!stock || !stock->is_complete) {
		g_strlcpy(prefer->why,
			  stock && stock->why[0] ?
				  stock->why :
				  "the cluster is not read yet",
			  sizeof(prefer->why));
		return NULL;
	}
	*ret_is_made = fdm_plan_look(prefer->plan, stock, fdm->facts);
	if (*ret_is_made && prefer->plan->n_writes == 0) {
		prefer->need_ms = 0;
	} else if (prefer->need_ms == 0) {
		/* Its making is waiting, too. */
		prefer->need_ms = now_ms;
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
is_due(struct fdm *fdm, bool is_made, uint64_t now_ms)
{
	struct fdm_prefer *prefer = fdm->prefer;
	uint64_t waited_ms = now_ms - prefer->need_ms;
	bool is_down = false;

	if (is_restless(fdm, &is_down)) {
		prefer->unrest_ms = now_ms;
	}
	if (!is_made) {
		g_strlcpy(prefer->why, "the plan is being made",
			  sizeof(prefer->why));
		return false;
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
		const struct fdm_wanted *wanted = &prefer->plan->wanted[i];

		if (wanted->writes) {
			add_element(xml, stock, i, &wanted->constraint);
		}
	}
	g_string_append(xml, CONSTRAINTS_END "</cib>");
	prefer->n_writing = prefer->plan->n_writes;
	fdm->master.step = FDM_STEP_CIB;
	ha_cib_update(fdm->cib, xml->str, on_written, fdm);
	(void)g_string_free(xml, TRUE);
}

/* Once for each first sentence and count. */
static void
tell_lacks(struct fdm_prefer *prefer)
{
	const json_t *homeless = prefer->plan->homeless;
	size_t count = json_array_size(homeless);
	const char *first = json_string_value(
		json_object_get(json_array_get(homeless, 0), "text"));
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
	bool is_made;
	const struct fdm_stock *stock = look(fdm, now_ms, &is_made);
	struct fdm_prefer *prefer = fdm->prefer;

	if (!stock) {
		return;
	}
	prefer->why[0] = '\0';
	if (is_confirmed(fdm, is_due(fdm, is_made, now_ms), now_ms)) {
		prefer->due_ms = 0;
		write_all(fdm, stock);
	}
	if (is_made && now_ms - prefer->unrest_ms >= FDM_PLAN_QUIET_MS) {
		tell_lacks(prefer);
	}
}

/* ---- with tickets ----------------------------------------------------------- */

/* Where it is to start: as admitted, or as planned for who is down. NULL: the
 * plan is not made yet, and what stands will do. */
static bool
is_start_wanted(const struct fdm_stock *stock, const struct fdm_wanted *planned,
		uint32_t vm, struct ha_prefer_constraint *ret_wanted)
{
	const struct ha_cibinv_vm *cib = &stock->cibinv->vms[vm];
	const char *host =
		g_hash_table_lookup(stock->admitted, stock->vms[vm].name);

	if (host && !cib->is_nested) {
		struct ha_prefer_facts facts =
			planned ? planned->facts : cib->prefer;
		struct ha_prefer_verdict verdict;
		struct ha_target target = {
			.host = fdm_stock_host(stock, host),
			.state = HA_TARGET_GIVEN,
		};

		facts.is_down = true;
		return target.host != HA_INV_NONE &&
		       ha_prefer_wanted(&stock->inv, vm, &target, &facts,
					&cib->plan, ret_wanted, &verdict);
	}
	if (!planned) {
		return false;
	}
	*ret_wanted = planned->constraint;
	return planned->differs && planned->facts.is_down;
}

void
fdm_prefer_add(struct fdm *fdm, GString *xml, uint64_t now_ms)
{
	bool is_made;
	const struct fdm_stock *stock = look(fdm, now_ms, &is_made);
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
		const struct fdm_wanted *planned =
			is_made && vm != HA_INV_NONE ?
				&fdm->prefer->plan->wanted[vm] :
				NULL;

		if (vm != HA_INV_NONE && fdm_row_is_granted(row) &&
		    !row->vm->is_up && !row->vm->is_busy &&
		    is_start_wanted(stock, planned, vm, &wanted)) {
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
	bool is_ours =
		fdm->master.term != 0 && prefer && prefer->plan->number != 0;
	uint64_t at_ms = is_ours ? prefer->written_ms : 0;

	return json_pack(
		"{s:b, s:s, s:o, s:o}", "written",
		is_ours && prefer->plan->n_writes == 0 && !prefer->plan->making,
		"why",
		is_ours               ? prefer->why :
		fdm->master.term != 0 ? "the plan is not made yet" :
					"the master knows it",
		"homeless",
		is_ours ? json_deep_copy(prefer->plan->homeless) : json_array(),
		"age_ms",
		at_ms ? json_integer((json_int_t)(now_ms - at_ms)) :
			json_null());
}
