/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The master judges: first the cluster as it stands (green or red), then what
 * runs and was never admitted, raised reservations, what commands ask, and
 * power-ons, one after the other, each on a cluster in which those admitted
 * before are on. All that
 * is admitted is written in one update of the CIB, and nobody is judged anew
 * before the CIB shows it: so no two power-ons get the same room. Judged only
 * when something is new, and no longer than BUDGET_MS in one look.
 */
#include <string.h>

#include "FaultDomain/admit_door.h"
#include "FaultDomain/fdm.h"
#include "ha/clock.h"

/* A step takes 1 to 5 ns: one judgement ends within some 10 ms. Where that is
 * not enough the answer is no, and says that it is to be safe. */
#define SET_STEPS UINT64_C(1000000)
#define ALL_STEPS UINT64_C(4000000)
#define BUDGET_MS 10u
/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
#define KEY_PRIME UINT64_C(1099511628211)

/* ---- what is known ---------------------------------------------------------- */

struct fdm_admission *
fdm_admission_of(struct fdm_admit *admit, const char *resource)
{
	struct fdm_admission *one = g_hash_table_lookup(admit->table, resource);

	if (!one) {
		one = g_new0(struct fdm_admission, 1);
		g_hash_table_insert(admit->table, g_strdup(resource), one);
	}
	return one;
}

static const struct fdm_row *
row_at(const struct fdm *fdm, guint index)
{
	return &g_array_index(fdm->rows, struct fdm_row, index);
}

static bool
is_running(const struct fdm_row *row)
{
	return row->verdict.is_granted &&
	       (row->verdict.why == HA_TICKET_RUNS || row->vm->is_up);
}

/* The rows' part of what is judged by. */
static uint64_t
key_of(const struct fdm *fdm, const struct fdm_stock *stock)
{
	uint64_t key = stock->digest;

	for (guint i = 0; i < fdm->rows->len; i++) {
		const struct fdm_row *row = row_at(fdm, i);
		uint64_t state = row->vm->is_wanted ? 1 : 0;

		state |= fdm_admit_is_candidate(fdm, row) ? 2 : 0;
		state |= is_running(row) ? 4 : 0;
		state |= row->vm->ticket.has_reserved ? 8 : 0;
		key = (key ^ (state + 16 * (uint64_t)i)) * KEY_PRIME;
	}
	key = fdm_doors_key(&fdm->admit->doors, key);
	return key ? key : 1;
}

static gboolean
is_gone(gpointer key, gpointer value, gpointer data)
{
	(void)value;
	return !fdm_facts_vm(data, key);
}

/* ---- one question ------------------------------------------------------------ */

/* What was promised comes first. */
static bool
is_kept_back(const struct fdm_judging *j,
	     const struct ha_admission_request *request,
	     struct fdm_admission *told)
{
	const struct ha_inv_vm *vm = j->homeless;

	if (!vm || request->op == HA_ADMISSION_NONE) {
		return false;
	}
	(void)g_snprintf(told->text, sizeof(told->text),
			 "%s leaves for maintenance, and no place is known yet "
			 "for %s of it: nothing else gets room till then",
			 j->stock->inv.hosts[vm->host].name, vm->name);
	(void)g_snprintf(told->help, sizeof(told->help),
			 "wait until it has left, or free room for %s",
			 vm->name);
	return true;
}

bool
fdm_admit_ask(struct fdm_judging *j, const struct ha_admission_request *request,
	      struct ha_admission_answer *ret_answer,
	      struct fdm_admission *told)
{
	struct ha_admission_question question = {
		.inv = &j->inv,
		.policy = &j->stock->policy,
		.request = request,
		.set_steps = SET_STEPS,
		.all_steps = ALL_STEPS,
	};
	struct ha_err reason = HA_ERR_INIT;
	struct ha_err help = HA_ERR_INIT;

	if (!j->work) {
		j->work = g_malloc(ha_admission_work_bytes(&question));
	}
	told->help[0] = '\0';
	if (is_kept_back(j, request, told)) {
		return false;
	}
	if (ha_admission_judge(&question, j->work, ret_answer, &reason) < 0) {
		g_strlcpy(told->text, reason.text, sizeof(told->text));
		return false;
	}
	if (ha_admission_is_yes(ret_answer->verdict)) {
		told->text[0] = '\0';
		return true;
	}
	ha_admission_text(&question, ret_answer, &reason, &help);
	/* Not for each number: each write makes Pacemaker's scheduler run. */
	if (!ha_gate_is_same_text(told->text, reason.text)) {
		g_strlcpy(told->text, reason.text, sizeof(told->text));
	}
	g_strlcpy(told->help, help.text, sizeof(told->help));
	return false;
}

/* ---- the cluster --------------------------------------------------------------- */

static void
judge_cluster(struct fdm_judging *j)
{
	static const struct ha_admission_request NONE = {
		.op = HA_ADMISSION_NONE,
		.vm = HA_INV_NONE,
		.host = HA_INV_NONE,
	};
	struct fdm_admit *admit = j->admit;
	struct ha_admission_answer answer;
	struct fdm_admission told = { .word = FDM_ADMIT_NONE };
	bool is_green;

	g_strlcpy(told.text, admit->why, sizeof(told.text));
	is_green = fdm_admit_ask(j, &NONE, &answer, &told);
	g_strlcpy(admit->why, told.text, sizeof(admit->why));
	g_strlcpy(admit->help, told.help, sizeof(admit->help));
	admit->state = j->stock->policy.type == HA_ADMISSION_DISABLED ?
			       FDM_ADMIT_DISABLED :
		       is_green ? FDM_ADMIT_GREEN :
				  FDM_ADMIT_RED;
}

/* ---- power-ons ---------------------------------------------------------------------- */

/* For those after it: it is on. */
static void
switch_on(struct fdm_judging *j, uint32_t vm, const struct fdm_admission *one)
{
	j->vms[vm].is_on = true;
	j->vms[vm].host = fdm_stock_host(j->stock, one->host);
	j->vms[vm].cpu_mhz = one->reserved.cpu_mhz;
	j->vms[vm].memory_mb = one->reserved.memory_mb;
}

/* The host that its user's scores want more than this one; HA_INV_NONE: none. */
static uint32_t
wish_beyond(const struct fdm_judging *j, uint32_t vm, uint32_t host)
{
	const int *scores = j->stock->cibinv->vms[vm].prefer.scores;
	uint32_t best = host;

	for (uint32_t i = 0; scores && i < j->inv.n_hosts; i++) {
		if (best < j->inv.n_hosts && scores[i] > scores[best] &&
		    j->inv.hosts[i].state == HA_INV_ONLINE) {
			best = i;
		}
	}
	return best != host ? best : HA_INV_NONE;
}

/* Where it goes: as its user wishes, where that host can be given. */
static uint32_t
host_of(struct fdm_judging *j, uint32_t vm, uint32_t chosen)
{
	struct ha_admission_request request = {
		.op = HA_ADMISSION_POWER_ON,
		.vm = vm,
		.host = wish_beyond(j, vm, chosen),
	};
	struct fdm_admission told = { .word = FDM_ADMIT_NONE };
	struct ha_admission_answer answer;

	return request.host != HA_INV_NONE &&
			       fdm_admit_ask(j, &request, &answer, &told) ?
		       request.host :
		       chosen;
}

/* Under any policy: not the room is what is in danger. */
static bool
is_unreadable(const struct fdm_judging *j, uint32_t vm,
	      struct fdm_admission *one)
{
	struct ha_err bad = HA_ERR_INIT;

	if (!ha_cibinv_bad_text(j->stock->cibinv, vm, &bad)) {
		return false;
	}
	g_strlcpy(one->text, bad.text, sizeof(one->text));
	one->help[0] = '\0';
	return true;
}

static void
judge_power_on(struct fdm_judging *j, uint32_t vm, const struct fdm_row *row)
{
	const struct ha_admission_request request = {
		.op = HA_ADMISSION_POWER_ON,
		.vm = vm,
		.host = HA_INV_NONE,
	};
	const struct fdm_ticket *ticket = &row->vm->ticket;
	struct fdm_admission *one =
		fdm_admission_of(j->admit, row->vm->resource);
	struct ha_gate_reserved wanted = fdm_admit_wanted(j, vm);
	struct ha_admission_answer answer;
	uint32_t host = HA_INV_NONE;

	/* A new master says what the last one has said. */
	if (one->word != FDM_ADMIT_REFUSED) {
		g_strlcpy(one->text, ticket->text, sizeof(one->text));
	}
	one->judged = j->admit->key;
	one->has_reserved = false;
	one->host[0] = '\0';
	j->vms[vm].cpu_mhz = wanted.cpu_mhz;
	j->vms[vm].memory_mb = wanted.memory_mb;
	if (is_unreadable(j, vm, one)) {
		one->word = FDM_ADMIT_REFUSED;
		return;
	}
	if (fdm_admit_ask(j, &request, &answer, one)) {
		host = host_of(j, vm, answer.inv.vms[vm].host);
	} else if (j->stock->policy.type != HA_ADMISSION_DISABLED) {
		one->word = FDM_ADMIT_REFUSED;
		return;
	}
	/* Where nobody is judged, hosts are Pacemaker's to find. */
	one->word = FDM_ADMIT_ADMITTED;
	one->text[0] = '\0';
	one->has_reserved = true;
	one->reserved = wanted;
	if (host < j->inv.n_hosts) {
		g_strlcpy(one->host, j->inv.hosts[host].name,
			  sizeof(one->host));
	}
	switch_on(j, vm, one);
}

/* ---- one look ------------------------------------------------------------------------ */

struct turn {
	const struct ha_inv_vm *vm;
	const struct fdm_row *row;
	uint32_t index;
};

static int
compare(const void *a, const void *b)
{
	return ha_gate_order(((const struct turn *)a)->vm,
			     ((const struct turn *)b)->vm);
}

/* Those that run, or those that are to be admitted; in order. */
static GArray *
turns_of(const struct fdm_judging *j, bool runs)
{
	const struct fdm *fdm = j->fdm;
	GArray *turns = g_array_new(FALSE, FALSE, sizeof(struct turn));

	for (guint i = 0; i < fdm->rows->len; i++) {
		const struct fdm_row *row = row_at(fdm, i);
		struct turn turn = { .row = row };

		if (runs ? !is_running(row) :
			   !row->vm->is_wanted ||
				    !fdm_admit_is_candidate(fdm, row)) {
			continue;
		}
		turn.index = fdm_stock_vm(j->stock, row->vm->resource);
		if (turn.index != HA_INV_NONE &&
		    j->vms[turn.index].is_on == runs) {
			turn.vm = &j->stock->inv.vms[turn.index];
			g_array_append_val(turns, turn);
		}
	}
	g_array_sort(turns, compare);
	return turns;
}

/* What was judged before of this very cluster stands. */
static bool
is_kept(struct fdm_judging *j, uint32_t vm, const struct fdm_row *row,
	bool runs)
{
	const struct fdm_admission *one =
		fdm_admit_find(j->fdm, row->vm->resource);

	if (!one || one->judged != j->admit->key) {
		return false;
	}
	if (!runs && one->word == FDM_ADMIT_ADMITTED) {
		switch_on(j, vm, one);
	} else if (runs && one->has_reserved) {
		j->vms[vm].cpu_mhz = one->reserved.cpu_mhz;
		j->vms[vm].memory_mb = one->reserved.memory_mb;
	}
	return true;
}

/* False: the time is over. */
static bool
judge_all(struct fdm_judging *j, bool runs)
{
	GArray *turns = turns_of(j, runs);
	bool is_done = true;

	for (guint i = 0; is_done && i < turns->len; i++) {
		const struct turn *turn = &g_array_index(turns, struct turn, i);

		if (is_kept(j, turn->index, turn->row, runs)) {
			(void)fdm_doors_count(j);
			continue;
		}
		/* One at least in each look, however long it has lasted till
		 * here: or nobody ever would be. */
		if (j->is_begun && ha_clock_now_ms() >= j->until_ms) {
			is_done = false;
			continue;
		}
		j->is_begun = true;
		if (runs) {
			fdm_admit_running(j, turn->index, turn->row);
		} else {
			judge_power_on(j, turn->index, turn->row);
		}
		(void)fdm_doors_count(j);
	}
	g_array_unref(turns);
	return is_done;
}

/* The search has used up this look. */
static bool
is_placed_late(struct fdm_judging *j)
{
	return fdm_admit_place(j) && ha_clock_now_ms() >= j->until_ms;
}

static bool
judge(struct fdm *fdm, const struct fdm_stock *stock, bool is_new)
{
	struct fdm_judging j = {
		.fdm = fdm,
		.admit = fdm->admit,
		.stock = stock,
		.inv = stock->inv,
		.vms = g_memdup2(stock->inv.vms,
				 (stock->inv.n_vms + 1) * sizeof(*j.vms)),
		.hosts = g_memdup2(stock->inv.hosts,
				   (stock->inv.n_hosts + 1) * sizeof(*j.hosts)),
		.until_ms = ha_clock_now_ms() + BUDGET_MS,
	};
	bool is_over = false;
	bool is_done;

	j.inv.vms = j.vms;
	j.inv.hosts = j.hosts;
	fdm->admit->is_judged = fdm->admit->is_judged && !is_new;
	if (!fdm->admit->is_judged) {
		is_over = is_placed_late(&j);
	}
	if (!is_over && !fdm->admit->is_judged) {
		judge_cluster(&j);
		fdm->admit->is_judged = j.is_begun = true;
	}
	/* From here on as it will be. */
	(void)fdm_doors_count(&j);
	is_over = is_over || is_placed_late(&j);
	is_done = !is_over && judge_all(&j, true) && fdm_doors_judge(&j) &&
		  judge_all(&j, false);
	g_free(j.work);
	g_free(j.hosts);
	g_free(j.vms);
	return is_done;
}

/* Why nobody can be judged; NULL: somebody can. */
static const struct fdm_stock *
stock_of(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_admit *admit = fdm->admit;
	const struct fdm_stock *stock;

	if (!fdm_master_may_write(fdm, now_ms)) {
		/* Whoever is master knows; what was judged is void. */
		g_hash_table_remove_all(admit->table);
		g_hash_table_remove_all(fdm->stock->admitted);
		admit->key = 0;
		admit->term = 0;
		admit->is_recalled = false;
		admit->state = FDM_ADMIT_UNKNOWN;
		return NULL;
	}
	if (admit->term != fdm->master.term) {
		admit->term = fdm->master.term;
		admit->min_copy = fdm->copies + 1;
		fdm_doors_begin(&admit->doors, now_ms);
		ha_cib_refresh(fdm->cib);
	}
	/* Its own write is under way: the CIB does not show yet who is on. */
	if (fdm->master.step == FDM_STEP_CIB ||
	    fdm->copies < fdm->master.min_copy ||
	    fdm->copies < admit->min_copy) {
		return NULL;
	}
	stock = fdm_stock_get(fdm, now_ms);
	if (!stock || !stock->is_complete) {
		admit->key = 0;
		return NULL;
	}
	return stock;
}

/* Where it was admitted counts until it runs, or is admitted anew. */
static void
tell_stock(struct fdm *fdm)
{
	for (guint i = 0; i < fdm->rows->len; i++) {
		const struct fdm_row *row = row_at(fdm, i);
		const struct fdm_admission *one =
			fdm_admit_find(fdm, row->vm->resource);

		if (row->admission == HA_GATE_ADMITTED && one && one->host[0]) {
			fdm_stock_admit(fdm->stock, row->vm->resource,
					one->host);
		} else if (is_running(row) || !row->vm->is_wanted) {
			fdm_stock_admit(fdm->stock, row->vm->resource, NULL);
		}
	}
}

bool
fdm_admit_look(struct fdm *fdm, uint64_t now_ms)
{
	struct fdm_admit *admit = fdm->admit;
	const struct fdm_stock *stock = stock_of(fdm, now_ms);
	bool is_done = true;

	if (stock) {
		uint64_t key;
		bool is_new;

		fdm_doors_look(fdm, stock, now_ms);
		key = key_of(fdm, stock);
		is_new = admit->key != key;

		if (is_new) {
			(void)g_hash_table_foreach_remove(admit->table, is_gone,
							  fdm->facts);
			admit->key = key;
			admit->is_done = false;
		}
		if (!admit->is_done) {
			admit->is_done = judge(fdm, stock, is_new);
		}
		is_done = admit->is_done;
	}
	fdm_admit_rows(fdm, fdm->rows);
	if (stock) {
		tell_stock(fdm);
	}
	return is_done;
}
