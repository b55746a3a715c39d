/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protected list: read by a new master before anything follows from it,
 * written whole when it should say something else; w datastores must have it
 * before it counts. Two copies take turns. A master that dies in between
 * leaves it on some datastores, or torn.
 */
#include <string.h>

#include "manager.h"

#define LAND_LOW_US 500
#define LAND_HIGH_US 60000
#define SLOW_PERCENT 20
#define SLOW_US 1500000
#define ASK_MS 10000
#define RETRY_MS 1000
#define DOUBT_MS 10000
#define READING SIM_STORES /* instead of a datastore */
#define SEND_MS 2000
#define TORN_PERCENT 30

/* A datastore, or READING, and the job. */
#define ARG(job, what) ((job) << 4 | (what))

static bool
is_newer(const struct plist_copy *a, const struct plist_copy *b)
{
	return a->term != b->term ? a->term > b->term :
				    a->generation > b->generation;
}

static bool
can(const struct world *w, const struct condition *c)
{
	return c->until_us <= w->now_us || c->mode == COND_SLOW;
}

/* The table that vmha-fdmd keeps of it. */
void
plist_take(struct manager *m, const struct plist_copy *list)
{
	uint32_t v;

	g_hash_table_remove_all(m->protect->disk.table);
	for (v = 0; v < m->rows->len; v++) {
		struct ha_protected_vm one = { .order = 0 };

		if (list->entry[v] == HA_PROTECT_NONE) {
			continue;
		}
		one.state = list->entry[v] == HA_PROTECT_OFF ?
				    HA_PROTECTED_OFF :
				    HA_PROTECTED_ON;
		g_strlcpy(one.resource, sim_vm_name(v), sizeof(one.resource));
		g_hash_table_insert(m->protect->disk.table,
				    g_strdup(sim_vm_name(v)),
				    g_memdup2(&one, sizeof(one)));
	}
	m->protect->disk.term = list->term;
	m->protect->disk.generation = list->generation;
}

static void
begin_job(struct world *w, uint32_t host, bool is_write)
{
	struct plist_side *p = &w->l.restarts.plist[host];

	p->job = ++w->l.restarts.jobs;
	p->is_write = is_write;
	p->landed = 0;
	p->term = w->host[host].d.l.master.term;
	p->retry_ms = world_local_ms(w, host) + SEND_MS;
}

static uint64_t
takes_us(struct world *w)
{
	return draw_percent(w, SLOW_PERCENT) && !w->is_quiet ?
		       draw_below(w, SLOW_US) :
		       draw_between(w, LAND_LOW_US, LAND_HIGH_US);
}

static void
ask(struct world *w, uint32_t host)
{
	struct plist_side *p = &w->l.restarts.plist[host];

	begin_job(w, host, false);
	p->ask_ms = world_local_ms(w, host) + ASK_MS;
	lock_push(w, EV_PLIST, host, 0, ARG(p->job, READING), takes_us(w));
}

static void
send(struct world *w, uint32_t host, struct manager *m)
{
	struct plist_side *p = &w->l.restarts.plist[host];
	uint32_t s;
	uint32_t v;

	begin_job(w, host, true);
	p->sent = (struct plist_copy){ .term = p->term,
				       .generation = p->known.generation + 1 };
	for (v = 0; v < w->l.vms; v++) {
		p->sent.entry[v] = (uint8_t)manager_row(m, v)->entry;
	}
	STORY(w, host, "protected list: sends generation %u of term %u",
	      p->sent.generation, p->sent.term);
	for (s = 0; s < w->stores; s++) {
		lock_push(w, EV_PLIST, host, 0, ARG(p->job, s), takes_us(w));
	}
}

static void
look_again(struct world *w, uint32_t host)
{
	struct manager *m = manager_of(host);

	if (m) {
		manager_look(w, host, m, NO_HOST);
	}
}

static void
has_read(struct world *w, uint32_t host, struct manager *m)
{
	struct plist_side *p = &w->l.restarts.plist[host];
	struct plist_copy best = { .term = 0 };
	uint32_t count = 0;
	uint32_t s;
	uint32_t i;

	p->job = 0;
	for (s = 0; s < w->stores; s++) {
		if (!can(w, &w->host[host].path[s].read)) {
			continue;
		}
		count++;
		for (i = 0; i < 2; i++) {
			const struct plist_copy *copy = &w->disk[s].plist[i];

			if (!copy->is_damaged && is_newer(copy, &best)) {
				best = *copy;
			}
		}
	}
	if (count < w->r || p->term != m->protect->term) {
		p->ask_ms = world_local_ms(w, host) + RETRY_MS;
		return;
	}
	if (!m->protect->is_read) {
		STORY(w, host, "protected list: read, generation %u of term %u",
		      best.generation, best.term);
	}
	m->protect->is_read = true;
	p->must_write |=
		is_newer(&best, &p->known) || is_newer(&p->known, &best);
	p->known = best;
	if (world_is_off(w, RULE_PROTECT_READ)) {
		memset(best.entry, HA_PROTECT_NONE, sizeof(best.entry));
	}
	plist_take(m, &best);
	look_again(w, host);
}

/* The older copy is written over. */
static void
land(struct world *w, uint32_t host, uint32_t store, struct manager *m)
{
	struct plist_side *p = &w->l.restarts.plist[host];
	struct plist_copy *copies = w->disk[store].plist;
	struct plist_copy *copy =
		&copies[is_newer(&copies[0], &copies[1]) ? 1 : 0];

	if (!can(w, &w->host[host].path[store].write)) {
		return;
	}
	*copy = p->sent;
	if (++p->landed != w->w || p->term != m->protect->term) {
		return;
	}
	STORY(w, host, "protected list: generation %u of term %u stands",
	      p->sent.generation, p->sent.term);
	p->job = 0; /* the others land or not */
	p->must_write = false;
	p->known = p->sent;
	plist_take(m, &p->known);
	look_again(w, host);
}

void
restart_list_event(struct world *w, uint32_t host, uint32_t arg)
{
	struct plist_side *p = &w->l.restarts.plist[host];
	struct manager *m = manager_of(host);

	if (!m || arg >> 4 != p->job || !p->job) {
		return;
	}
	if ((arg & 15u) == READING) {
		has_read(w, host, m);
	} else {
		land(w, host, arg & 15u, m);
	}
}

/* What was on its way tears the older copy, or is lost. */
void
restart_list_torn(struct world *w, uint32_t host)
{
	struct plist_side *p = &w->l.restarts.plist[host];
	uint32_t s;

	for (s = 0; s < w->stores && p->job && p->is_write; s++) {
		struct plist_copy *copies = w->disk[s].plist;

		if (draw_percent(w, TORN_PERCENT) &&
		    copies[0].term + copies[1].term) {
			copies[is_newer(&copies[0], &copies[1])].is_damaged =
				true;
			break;
		}
	}
	p->job = 0;
}

/* Before rows are judged: what follows from a new term. */
void
plist_follow(struct world *w, uint32_t host, struct manager *m)
{
	const struct master *master = &w->host[host].d.l.master;
	struct plist_side *p = &w->l.restarts.plist[host];
	uint64_t now_ms = world_local_ms(w, host);
	uint32_t term = master->is_on && master->is_ready ? master->term : 0;

	if (m->protect->term != term) {
		*p = (struct plist_side){ .job = 0 };
		m->protect->term = term;
		m->protect->since_ms = now_ms;
		m->protect->is_read = false;
		m->protect->is_doubted = false;
		plist_take(m, &p->known);
	}
	if (term && !m->protect->is_read && !m->protect->is_doubted &&
	    now_ms >= m->protect->since_ms + DOUBT_MS) {
		m->protect->is_doubted = true;
		w->l.restarts.is_doubted = true;
		STORY(w, host, "protected list: goes on without it");
	}
}

static bool
is_same(struct world *w, uint32_t host, struct manager *m)
{
	const struct plist_side *p = &w->l.restarts.plist[host];
	uint32_t v;

	for (v = 0; v < w->l.vms; v++) {
		if (p->known.entry[v] != manager_row(m, v)->entry) {
			return false;
		}
	}
	return true;
}

/* Of rows that were judged just now. */
void
plist_turn(struct world *w, uint32_t host, struct manager *m)
{
	struct plist_side *p = &w->l.restarts.plist[host];
	uint64_t now_ms = world_local_ms(w, host);

	if (!m->protect->term) {
		return;
	}
	if (p->job && now_ms >= p->retry_ms) {
		p->job = 0;
	}
	if (!p->job && now_ms >= p->ask_ms) {
		ask(w, host);
	}
	if (!p->job && m->protect->is_read &&
	    (p->must_write || !is_same(w, host, m))) {
		send(w, host, m);
	}
}
