/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manager's turn, and what the master makes of its rows: tickets as
 * vmha-fdmd would write them, failures that are cleared before a retry, and
 * the answer to fence_vmha which VMs of a dead host have to wait.
 */
#include <string.h>

#include "manager.h"

#define BACK_US 800000
#define REFUSED_MS 10000
#define CLEAN_PERCENT 60

static struct ticket
ticket_of(const struct fdm_row *row, uint32_t term)
{
	bool is_free = row->verdict.is_granted;
	bool is_off = is_free && row->gate != HA_PROTECT_OPEN;
	struct ticket t = {
		.is_granted = fdm_row_is_granted(row),
		.term = term,
		.attempt = (uint8_t)row->attempt,
		.state = !is_free   ? "held" :
			 is_off     ? FDM_STATE_OFF :
			 row->waits ? FDM_STATE_WAITING :
				      "granted",
		.reason = is_off ? ha_protect_gate_name(row->gate) :
			  is_free && row->waits ?
				   ha_restart_why_name(row->waits_why) :
				   ha_ticket_why_name(row->verdict.why),
	};

	if (row->gate == HA_PROTECT_KEPT_OFF) {
		t.role = row->vm->role;
	}
	return t;
}

static bool
may_write(const struct world *w, const struct fdm_row *row, bool are_holds_read)
{
	const struct ha_ticket_verdict *v = &row->verdict;

	if (!v->is_granted) {
		return !v->wants_hold || world_is_off(w, RULE_HOLD_DISK);
	}
	if (row->is_early && v->why != HA_TICKET_RUNS) {
		return false;
	}
	if (row->waits || row->gate != HA_PROTECT_OPEN) {
		return true;
	}
	if (row->is_left) {
		return false;
	}
	return v->why == HA_TICKET_RUNS ||
	       (are_holds_read && !v->wants_lift && !row->is_unsure);
}

/* Only with a rule off: people are told of a power-off, and the ticket is
 * gone, before the list on disk says so. */
static bool
is_off_first(const struct world *w, const struct fdm_row *row)
{
	return world_is_off(w, RULE_PROTECT_FIRST) && row->vm->is_off &&
	       row->entry == HA_PROTECT_OFF && row->gate == HA_PROTECT_OPEN;
}

bool
restart_wants(struct world *w, uint32_t host, uint32_t vm, bool are_holds_read,
	      bool *ret_is_granted)
{
	struct manager *m = manager_of(host);
	uint32_t term = w->host[host].d.l.master.term;
	struct fdm_row *row;

	/* What is new to the manager it first learns of the list. */
	if (!m || m->protect->term != term) {
		return false;
	}
	row = manager_row(m, vm);
	if (is_off_first(w, row)) {
		row->gate = HA_PROTECT_POWERED_OFF;
	}
	if (!may_write(w, row, are_holds_read) ||
	    !fdm_ticket_differs(row, term)) {
		return false;
	}
	w->l.restarts.want[host][vm] = ticket_of(row, term);
	*ret_is_granted = w->l.restarts.want[host][vm].is_granted;
	if (*ret_is_granted && !row->vm->ticket.is_granted &&
	    row->vm->is_wanted && w->l.restarts.truth[vm].down_us &&
	    row->verdict.why != HA_TICKET_RUNS) {
		check_order(w, host, vm);
		check_depends(w, host, vm);
	}
	return true;
}

static void
clear_failures(struct cib *cib, uint32_t hosts, uint32_t vm)
{
	uint32_t i;

	for (i = 0; i < hosts; i++) {
		cib->banned[i] = (uint8_t)(cib->banned[i] & ~(1u << vm));
		cib->fails[i][vm] = 0;
	}
	cib->refused = (uint8_t)(cib->refused & ~(1u << vm));
}

/* One ticket of an update that is being written. */
void
restart_written(struct world *w, uint32_t host, struct cib *cib, uint32_t vm)
{
	const struct ticket *want = &w->l.restarts.want[host][vm];
	struct ticket *t = &cib->ticket[vm];
	bool is_new = want->is_granted && !t->is_granted && t->term != 0;

	if (is_new) {
		clear_failures(cib, w->hosts, vm);
	}
	check_attempt(w, host, vm, t, want);
	STORY(w, host, "vm%u: ticket %s, %s, attempt %u", vm, want->state,
	      want->reason, want->attempt);
	*t = *want;
}

/* ---- what the master does beside tickets ------------------------------------- */

static void
clean(struct world *w, uint32_t host, uint32_t vm)
{
	struct cib *cib = cib_begin(w, host);

	if (cib) {
		STORY(w, host, "vm%u: failures are cleared", vm);
		clear_failures(cib, w->hosts, vm);
		cib_commit(w, host);
	}
}

static void
duties(struct world *w, uint32_t host, struct manager *m)
{
	uint64_t now_ms = world_local_ms(w, host);
	uint32_t v;

	for (v = 0; v < w->l.vms; v++) {
		const struct fdm_row *row = manager_row(m, v);
		uint64_t *due_ms = &w->l.restarts.refused_ms[host][v];

		if (row->wants_cleanup && row->vm->has_failures &&
		    draw_percent(w, CLEAN_PERCENT)) {
			clean(w, host, v);
		}
		if (!row->vm->was_refused || !fdm_row_is_granted(row) ||
		    row->verdict.why == HA_TICKET_RUNS ||
		    !row->vm->ticket.is_granted) {
			*due_ms = 0;
		} else if (!*due_ms) {
			*due_ms = now_ms + REFUSED_MS;
		} else if (now_ms >= *due_ms) {
			*due_ms = now_ms + REFUSED_MS;
			clean(w, host, v);
		}
	}
}

/* Each manager judges all the time; the master alone writes. */
void
restart_turn(struct world *w, uint32_t host)
{
	struct daemon *d = &w->host[host].d;
	struct manager *m = manager_of(host);

	if (d->phase != PHASE_ARMED || !cib_begin(w, host)) {
		return;
	}
	if (!m) {
		m = manager_begin(w, host);
	}
	restart_stand(w, host);
	plist_follow(w, host, m);
	manager_look(w, host, m, NO_HOST);
	for (uint32_t v = 0; v < w->l.vms; v++) {
		if (manager_row(m, v)->verdict.why == HA_TICKET_RUNS) {
			note_listed(w, v);
		}
		/* An attempt whose host has gone counts for nobody. */
		if (!manager_row(m, v)->verdict.is_granted &&
		    manager_row(m, v)->vm->ticket.is_granted) {
			note_held(w, v);
		}
	}
	if (d->l.master.is_on && d->l.master.is_ready) {
		plist_turn(w, host, m);
		duties(w, host, m);
	}
}

/* ---- what fence_vmha asks ------------------------------------------------------- */

static uint32_t
find_master(const struct world *w, uint32_t host, uint32_t about)
{
	const struct daemon *d = &w->host[host].d;
	uint32_t i;

	if (d->l.master.is_on && d->l.master.is_ready) {
		return d->l.master.term;
	}
	for (i = 0; i < w->hosts; i++) {
		if (i != host && i != about && (d->members & 1u << i) &&
		    d->newest[i].claims.is_master) {
			return d->newest[i].claims.term;
		}
	}
	return 0;
}

static void
keep_back(struct world *w, uint32_t host, uint32_t about, struct manager *m,
	  uint32_t term)
{
	struct cib *cib = cib_begin(w, host);
	uint32_t kept = 0;
	uint32_t v;

	manager_look(w, host, m, about);
	for (v = 0; cib && v < w->l.vms; v++) {
		const struct fdm_row *row = manager_row(m, v);
		const struct ticket *t = &cib->ticket[v];

		if (!t->is_granted || !row->verdict.is_granted ||
		    (!row->waits && row->attempt <= t->attempt)) {
			continue;
		}
		w->l.restarts.want[host][v] = ticket_of(row, term);
		restart_written(w, host, cib, v);
		kept += row->waits;
	}
	if (cib) {
		STORY(w, host, "keeps %u VMs back, h%u is dead", kept, about);
		w->l.restarts.kept += kept;
		cib_commit(w, host);
	} else {
		w->l.restarts.unkept_us = w->now_us;
	}
}

/* May fence_vmha say success now? */
bool
restart_keep_back(struct world *w, uint32_t host, uint32_t about)
{
	struct manager *m = manager_of(host);
	uint32_t term = find_master(w, host, about);
	uint64_t *until_us = &w->l.restarts.back_us[host];

	if (m && !term && !*until_us) {
		*until_us = w->now_us + BACK_US;
	}
	if (m && !term && w->now_us < *until_us) {
		return false;
	}
	*until_us = 0;
	if (m && term && world_is_off(w, RULE_KEEP_BACK)) {
		STORY(w, host, "asks nobody to keep back what h%u had", about);
	} else if (m && term) {
		keep_back(w, host, about, m, term);
	} else {
		STORY(w, host, "nobody keeps back what h%u had", about);
		w->l.restarts.unkept_us = w->now_us;
	}
	return true;
}

/* The manager alone ends: what it had decided is not written. */
void
restart_kill(struct world *w, uint32_t host)
{
	struct master *m = &w->host[host].d.l.master;

	if (!manager_of(host)) {
		return;
	}
	STORY(w, host, "the manager is killed");
	restart_list_torn(w, host);
	restart_forget(host);
	m->is_writing = false;
	m->touch = 0;
	if (m->is_on) {
		m->is_on = m->is_ready = false;
		m->begun_ms = 0;
		w->l.restarts.ready_us[host] = 0;
		store_kick(w, host);
	}
}
