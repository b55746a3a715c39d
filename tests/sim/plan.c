/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Draws a schedule: the cluster and everything that will be done to it. Pure
 * chance rarely hits the narrow places, so most schedules follow one of a
 * few templates that aim at them; lengths crowd around the times at which
 * the protocol's sums come out even.
 */
#include "sim.h"

/* Draws are arguments here, and C does not say in which order arguments are
 * evaluated: each place draws by a number of its own and by how many faults
 * are planned, so that every compiler plans the same schedule. */
#define draw_below(w, bound) roll(w, __COUNTER__, 0, (bound)-1)
#define draw_between(w, low, high) roll(w, __COUNTER__, low, high)
#define draw_percent(w, percent) \
	(roll(w, __COUNTER__, 0, 99) < (uint64_t)(percent))
#define draw(w) roll(w, __COUNTER__, 0, UINT32_MAX)

static uint64_t
roll(const struct world *w, uint32_t place, uint64_t low, uint64_t high)
{
	uint64_t z = w->random + place * UINT64_C(0x9e3779b97f4a7c15) +
		     w->planned * UINT64_C(0xd1342543de82ef95);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return high > low ? low + z % (high - low + 1) : low;
}

struct draft {
	struct world *w;
	uint64_t b_us, w_us, d_us, t_us; /* B, W, D, T (1 + rho) */
	uint64_t from_us;                /* everybody is armed by then */
	uint64_t last_us;                /* end of the last fault */
};

static uint64_t
length_us(struct draft *p)
{
	struct world *w = p->w;

	switch (draw_below(w, 6)) {
	case 0:
		return draw_between(w, 1000, p->b_us);
	case 1:
		return draw_between(w, p->b_us / 2, p->w_us);
	case 2:
		return draw_between(w, p->w_us - p->b_us,
				    p->w_us + 2 * p->b_us);
	case 3:
		return draw_between(w, p->w_us, p->t_us + p->b_us);
	case 4:
		return draw_between(w, p->w_us, 3 * p->w_us);
	}
	return p->t_us + draw_below(w, p->t_us);
}

static uint8_t
any_host(struct draft *p)
{
	return (uint8_t)draw_below(p->w, p->w->hosts);
}

static uint8_t
other_host(struct draft *p, uint32_t host)
{
	uint32_t hosts = p->w->hosts;

	return (uint8_t)((host + 1 + draw_below(p->w, hosts - 1)) % hosts);
}

static uint8_t
all_stores(const struct draft *p)
{
	return (uint8_t)((1u << p->w->stores) - 1);
}

static uint8_t
any_stores(struct draft *p)
{
	uint8_t mask = (uint8_t)(draw(p->w) & all_stores(p));

	return mask ? mask : all_stores(p);
}

static uint8_t
any_mode(struct draft *p)
{
	static const uint8_t modes[] = { COND_SLOW, COND_SLOW, COND_HANG,
					 COND_ERROR };

	return modes[draw_below(p->w, 4)];
}

static void
add(struct draft *p, const struct fault *fault)
{
	struct world *w = p->w;
	uint64_t end_us = fault->at_us + fault->length_us;

	w->planned++;
	if (w->fault_count == SIM_FAULTS) {
		return;
	}
	w->faults[w->fault_count] = *fault;
	world_plain(w, EV_FAULT, fault->host, 0, w->fault_count++,
		    fault->at_us);
	if (end_us > p->last_us) {
		p->last_us = end_us;
	}
}

static void
add_path(struct draft *p, uint8_t host, uint8_t mask, uint8_t mode,
	 uint8_t extra, uint64_t at_us, uint64_t length)
{
	struct fault f = { .kind = FAULT_PATH,
			   .host = host,
			   .mode = mode,
			   .mask = mask,
			   .extra = extra,
			   .at_us = at_us,
			   .length_us = length };

	add(p, &f);
}

static void
add_kind(struct draft *p, enum fault_kind kind, uint8_t host, uint64_t at_us,
	 uint64_t length)
{
	struct world *w = p->w;
	struct fault f = { .kind = (uint8_t)kind,
			   .host = host,
			   .mode = other_host(p, host),
			   .mask = (uint8_t)(draw(w) & ((1u << w->hosts) - 1)),
			   .extra = (uint8_t)draw_below(w, 2),
			   .at_us = at_us,
			   .length_us = length };

	if (kind == FAULT_PATH) {
		f.mode = any_mode(p);
		f.extra++;
	}
	if (kind == FAULT_PARTITION && draw_percent(w, 60)) {
		f.mask = (uint8_t)(1u << host);
	}
	add(p, &f);
}

static void
add_stall(struct draft *p, uint8_t host, uint64_t at_us)
{
	struct world *w = p->w;
	struct stall *s = &w->stalls[w->stall_count];

	w->planned++;
	if (w->stall_count == SIM_STALLS) {
		return;
	}
	w->stall_count++;
	*s = (struct stall){ .host = host,
			     .step = (uint8_t)draw_below(w, STEP_N),
			     .is_whole = draw_percent(w, 60),
			     .from_us = at_us,
			     .length_us = length_us(p) };
	if (at_us + s->length_us > p->last_us) {
		p->last_us = at_us + s->length_us;
	}
}

static uint64_t
moment_us(struct draft *p)
{
	return p->from_us + draw_below(p->w, p->t_us + p->t_us / 2);
}

/* ---- templates ------------------------------------------------------------ */

static void
plan_any(struct draft *p)
{
	uint64_t count = draw_below(p->w, 6);

	while (count--) {
		uint8_t host = any_host(p);

		switch (draw_below(p->w, 8)) {
		case 0:
		case 1:
			add_path(p, host, any_stores(p), any_mode(p),
				 (uint8_t)draw_between(p->w, 1, 3),
				 moment_us(p), length_us(p));
			break;
		case 2:
			add_stall(p, host, moment_us(p));
			break;
		default:
			add_kind(p,
				 (enum fault_kind)draw_below(p->w, FAULT_HEAL),
				 host, moment_us(p), length_us(p));
		}
	}
}

/* One host's writes fail for about as long as its watchdog lasts, then one
 * comes through late; the others' reads are slow at that time. */
static void
plan_near_death(struct draft *p)
{
	struct world *w = p->w;
	uint8_t host = any_host(p);
	uint64_t at = moment_us(p);
	uint64_t edge = p->w_us - p->b_us + draw_below(w, 2 * p->b_us);
	uint32_t i;

	add_path(p, host, all_stores(p),
		 draw_percent(w, 50) ? COND_ERROR : COND_HANG, 1, at, edge);
	add_path(p, host, all_stores(p), any_mode(p), 1, at + edge,
		 p->b_us + draw_below(w, p->t_us));
	for (i = 0; i < w->hosts; i++) {
		if (i != host && draw_percent(w, 60)) {
			add_path(p, (uint8_t)i, any_stores(p), COND_SLOW, 2,
				 at + draw_below(w, p->t_us), length_us(p));
		}
	}
	if (draw_percent(w, 40)) {
		add_stall(p, host, at);
	}
	if (draw_percent(w, 50)) {
		add_kind(p, FAULT_PARTITION, host, at + draw_below(w, p->t_us),
			 2 * p->t_us);
	}
}

static void
plan_stalls(struct draft *p)
{
	uint64_t count = draw_between(p->w, 1, 6);
	uint8_t host = any_host(p);

	while (count--) {
		add_stall(p, host, moment_us(p));
	}
	if (draw_percent(p->w, 30)) {
		add_kind(p, FAULT_PAUSE_HOST, host, moment_us(p), length_us(p));
	}
	if (draw_percent(p->w, 50)) {
		add_kind(p, FAULT_PARTITION, host, moment_us(p), length_us(p));
	}
}

/* Storage lost to one host or to all, the ring cut again and again. */
static void
plan_ring(struct draft *p)
{
	struct world *w = p->w;
	uint8_t host = any_host(p);
	uint64_t at = moment_us(p);
	uint64_t count = draw_between(w, 1, 4);
	uint64_t lost = p->t_us + draw_below(w, 2 * p->t_us);
	bool is_all = draw_percent(w, 20);
	uint8_t i;

	for (i = 0; i < w->hosts; i++) {
		if (is_all || i == host) {
			add_path(p, i, all_stores(p),
				 draw_percent(w, 60) ? COND_ERROR : COND_HANG,
				 draw_percent(w, 80) ? 3 : 1, at, lost);
		}
	}
	while (count--) {
		uint64_t cut = at + draw_below(w, lost + p->b_us);

		if (draw_percent(w, 25)) {
			add_kind(p,
				 draw_percent(w, 50) ? FAULT_PAUSE_HOST :
						       FAULT_STILL,
				 any_host(p), cut, length_us(p));
		} else {
			add_kind(p, FAULT_PARTITION,
				 draw_percent(w, 60) ? host : any_host(p), cut,
				 length_us(p));
		}
	}
	if (draw_percent(w, 30)) {
		add_stall(p, any_host(p), at);
	}
}

/* A host in ring mode changes the company that it keeps. */
static void
plan_company(struct draft *p)
{
	struct world *w = p->w;
	uint8_t host = any_host(p);
	uint8_t third = other_host(p, host);
	uint64_t at = p->from_us;
	struct fault f = { .kind = FAULT_PARTITION, .host = third };

	/* Without the third: it does not hear the announcement. */
	f.mask = (uint8_t)(1u << third);
	f.at_us = at;
	f.length_us = w->token_us * 2 + p->t_us + draw_below(w, p->t_us);
	add(p, &f);
	add_path(p, host, all_stores(p), COND_ERROR, 3, at + 2 * w->token_us,
		 4 * p->t_us);
	/* Then with the third and without the host, before the membership of
	 * all has formed. */
	f.host = host;
	f.mask = (uint8_t)(1u << host);
	f.at_us += f.length_us + 1 + draw_below(w, w->token_us / 2);
	f.length_us = 2 * p->t_us;
	add(p, &f);
	if (draw_percent(w, 30)) {
		add_stall(p, any_host(p), at);
	}
}

static void
add_stall_at(struct draft *p, uint8_t host, enum step step, uint64_t at_us,
	     uint64_t length)
{
	struct world *w = p->w;

	w->planned++;
	if (w->stall_count < SIM_STALLS) {
		w->stalls[w->stall_count++] = (struct stall){
			.host = host,
			.step = (uint8_t)step,
			.is_whole = true,
			.from_us = at_us,
			.length_us = length,
		};
	}
	if (at_us + length > p->last_us) {
		p->last_us = at_us + length;
	}
}

/* A corosync stands still in a membership without a host, which comes back to
 * the others just then and lives by their echoes. Often nobody can write an
 * order: one that is not a member is soon told to reset itself. */
static void
plan_still(struct draft *p)
{
	struct world *w = p->w;
	uint8_t host = any_host(p);
	uint8_t still = other_host(p, host);
	uint64_t cut =
		w->token_us + w->token_us / 2 + draw_below(w, 2 * p->b_us);
	uint64_t back = p->from_us + cut;
	struct fault f = { .kind = FAULT_PARTITION,
			   .host = host,
			   .mask = (uint8_t)(1u << host),
			   .at_us = p->from_us,
			   .length_us = cut };
	uint8_t i;

	add(p, &f);
	f.kind = FAULT_STILL;
	f.host = still;
	f.at_us =
		back - draw_below(w, p->b_us / 2) + draw_below(w, w->token_us);
	f.length_us = draw_below(w, 4 * p->t_us);
	add(p, &f);
	for (i = 0; i < w->hosts; i++) {
		if (i == host || (i != still && draw_percent(w, 70))) {
			add_path(p, i, all_stores(p),
				 draw_percent(w, 70) ? COND_ERROR : COND_HANG,
				 draw_percent(w, 70) ? 3 : 1,
				 p->from_us + draw_below(w, cut + w->token_us),
				 p->t_us + draw_below(w, 3 * p->t_us));
		}
	}
	if (draw_percent(w, 20)) {
		add_kind(p, FAULT_PARTITION, any_host(p),
			 back + draw_below(w, 2 * p->t_us), length_us(p));
	}
	if (draw_percent(w, 30)) {
		add_stall(p, any_host(p), back);
	}
}

/* A daemon that is stopped between check and pet, or killed and started
 * again, for less than W; and then is silent. */
static void
plan_late_pet(struct draft *p)
{
	struct world *w = p->w;
	uint8_t host = any_host(p);
	uint64_t at = moment_us(p);
	uint64_t late = draw_between(w, p->b_us, p->w_us);

	if (draw_percent(w, 50)) {
		add_stall_at(p, host,
			     draw_percent(w, 60) ?
				     STEP_CHECKED :
				     (enum step)draw_between(w, STEP_JUDGED,
							     STEP_CHECKED),
			     at, late);
		add_stall_at(p, host, STEP_PETTED, at, 2 * p->t_us);
	} else {
		add_kind(p, FAULT_KILL, host, at + draw_below(w, p->b_us),
			 late);
	}
	if (draw_percent(w, 70)) {
		add_path(p, host, all_stores(p), COND_ERROR, 1,
			 at + p->b_us / 4, 2 * p->t_us);
	}
	add_kind(p, FAULT_PARTITION, host, at, 2 * p->t_us);
}

/* A host misses a beat or two; just then another's reads begin to hang. */
static void
plan_hung_reader(struct draft *p)
{
	struct world *w = p->w;
	uint8_t host = any_host(p);
	uint64_t at = moment_us(p);

	add_path(p, host, all_stores(p),
		 draw_percent(w, 50) ? COND_ERROR : COND_HANG, 1, at,
		 p->b_us + draw_below(w, 2 * p->b_us));
	add_path(p, other_host(p, host), all_stores(p), COND_HANG, 2,
		 at + draw_below(w, 2 * p->b_us),
		 p->t_us + draw_below(w, p->t_us));
	add_kind(p, FAULT_PARTITION, host, at, 3 * p->t_us);
}

/* Two hosts: one stops or comes, the other loses its storage, the network
 * parts them, in any order. */
static void
plan_lone(struct draft *p)
{
	struct world *w = p->w;
	uint8_t host = any_host(p);
	uint8_t other = other_host(p, host);
	uint64_t at = moment_us(p);
	uint64_t count = draw_between(w, 1, 2);

	add_kind(p, FAULT_STOP, other, at + draw_below(w, p->t_us),
		 1 + draw_below(w, p->t_us));
	add_path(p, host, all_stores(p), COND_ERROR, 3,
		 at + draw_below(w, 2 * p->t_us), 4 * p->t_us);
	while (count--) {
		add_kind(p, FAULT_PARTITION, host,
			 at + draw_below(w, 2 * p->t_us),
			 p->t_us + draw_below(w, 2 * p->t_us));
	}
	if (draw_percent(w, 30)) {
		add_kind(p, FAULT_PAUSE_HOST, any_host(p),
			 at + draw_below(w, p->t_us), length_us(p));
	}
}

/* Datastores that lag behind, hosts that come back. */
static void
plan_lag(struct draft *p)
{
	struct world *w = p->w;
	uint8_t host = any_host(p);
	uint64_t at = moment_us(p);

	add_path(p, host, (uint8_t)(1u << draw_below(w, w->stores)),
		 draw_percent(w, 50) ? COND_ERROR : COND_HANG, 1, at,
		 2 * p->t_us + draw_below(w, 2 * p->t_us));
	add_kind(p, draw_percent(w, 50) ? FAULT_POWER : FAULT_STOP, host,
		 at + draw_below(w, p->t_us), 1 + draw_below(w, p->t_us));
	if (draw_percent(w, 50)) {
		add_path(p, other_host(p, host), any_stores(p), any_mode(p), 2,
			 at + draw_below(w, p->t_us), length_us(p));
	}
	if (draw_percent(w, 50)) {
		add_kind(p, FAULT_POWER, host,
			 at + p->t_us + draw_below(w, p->t_us),
			 1 + draw_below(w, p->t_us));
	}
}

/* Writer and reader lose one datastore each, in turn. */
static void
plan_turns(struct draft *p)
{
	struct world *w = p->w;
	uint8_t host = any_host(p);
	uint8_t reader = other_host(p, host);
	uint64_t at = p->from_us;
	uint32_t i;

	for (i = 0; i < 3; i++) {
		uint64_t length = p->t_us + draw_below(w, 2 * p->b_us);

		add_path(p, host, (uint8_t)(1u << draw_below(w, w->stores)),
			 COND_ERROR, 1, at, length + draw_below(w, p->b_us));
		add_path(p, reader, (uint8_t)(1u << draw_below(w, w->stores)),
			 COND_ERROR, 2, at, length + draw_below(w, p->b_us));
		at += length;
	}
	add_kind(p, FAULT_PARTITION, host, p->from_us, at - p->from_us);
}

static void
plan_ends(struct draft *p)
{
	static const uint8_t kinds[] = { FAULT_KILL, FAULT_STOP, FAULT_POWER,
					 FAULT_STOP, FAULT_FENCE };
	struct world *w = p->w;
	uint64_t count = draw_between(w, 1, 4);
	uint8_t host = any_host(p);

	if (draw_percent(w, 40)) {
		add_path(p, host, any_stores(p), any_mode(p),
			 (uint8_t)draw_between(w, 1, 3), moment_us(p),
			 length_us(p));
	}
	while (count--) {
		add_kind(p, (enum fault_kind)kinds[draw_below(w, 5)],
			 draw_percent(w, 70) ? host : any_host(p), moment_us(p),
			 length_us(p));
	}
	if (draw_percent(w, 30)) {
		add_stall(p, host, moment_us(p));
	}
	if (draw_percent(w, 30)) {
		add_kind(p, FAULT_PARTITION, any_host(p), moment_us(p),
			 length_us(p));
	}
}

static void
plan_template(struct draft *p)
{
	static void (*const templates[])(struct draft *) = {
		plan_any,      plan_any,         plan_near_death, plan_stalls,
		plan_ring,     plan_company,     plan_lag,        plan_turns,
		plan_late_pet, plan_hung_reader, plan_lone,       plan_still,
		plan_ends,
	};
	struct world *w = p->w;

	w->template_no =
		(uint32_t)draw_below(w, sizeof(templates) / sizeof(*templates));
	templates[w->template_no](p);
}

static void
plan_tail(struct draft *p)
{
	struct world *w = p->w;
	uint64_t at = p->last_us + 4 * p->b_us;
	struct fault f = { .kind = FAULT_HEAL, .at_us = at };

	add(p, &f);
	f.kind = FAULT_LAST;
	f.host = any_host(p);
	f.at_us = at + 3 * w->token_us + p->t_us;
	add(p, &f);
	w->end_us = f.at_us + 2 * w->token_us + p->t_us + 6 * p->b_us;
}

void
plan_draw(struct world *w)
{
	struct draft p = { .w = w };
	uint32_t i;

	plan_cluster(w);
	if (w->seed % 2 == 0) {
		lock_draw(w);
		return;
	}
	p.b_us = w->timing.beat_ms * US_PER_MS;
	p.w_us = w->timing.watchdog_ms * US_PER_MS;
	p.d_us = w->timing.tolerance_ms * US_PER_MS;
	p.t_us = w->silence_ms * US_PER_MS;
	p.from_us = 2 * w->token_us + 6 * p.b_us;
	for (i = 0; i < w->hosts; i++) {
		uint64_t at = draw_below(w, 1000);

		w->planned++;
		if (draw_percent(w, 4)) { /* comes late, or never */
			at = p.from_us + draw_below(w, 4 * p.t_us);
			w->truth[i].is_disturbed = true;
		}
		world_plain(w, EV_POWER_ON, i, 0, 0, at);
	}
	p.last_us = p.from_us;
	if (draw_percent(w, 95)) {
		plan_template(&p);
	}
	w->end_us = p.last_us + p.t_us + 6 * p.b_us;
	if (draw_percent(w, 25)) {
		plan_tail(&p);
	}
}
