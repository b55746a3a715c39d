/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Branch and bound over one set of failures: exact. Always the item with the
 * fewest hosts left is tried next, on all of them in turn. Cut off: an item
 * without a host; hosts that together can't hold what is left, where a host
 * counts for no more than all that fits it could fill. What failed on a host is
 * not tried there again for an item that is its like, nor on a host that is
 * like that one for all items that are left. It says NO only when nothing is
 * left to try.
 */
#include "plan_state.h"

#include <string.h>

/* In choices: it has its host. */
#define PLACED UINT32_MAX

/* Attempts with other orders come first: a bad first choice costs a whole
 * subtree. Of the set's bound of steps, one part in so many; 1: all. */
static const struct {
	enum ha__order order;
	enum ha__choose choose;
	uint32_t part;
} ATTEMPTS[] = {
	{ HA__BY_SUM, HA__FULLEST, 64 },
	{ HA__BY_LARGER, HA__ALIGNED, 64 },
	{ HA__BY_SUM, HA__BALANCED, 32 },
	{ HA__BY_LARGER, HA__FULLEST, 1 },
};

static struct ha__plan_item *
item_at(const struct ha__plan *plan, uint32_t i)
{
	return &plan->items[plan->order[i]];
}

static uint64_t *
row_at(const struct ha__plan *plan, uint64_t *rows, uint32_t i)
{
	return rows + (size_t)i * plan->n_words;
}

static int64_t
lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What the host can be of use, at most; sign: whether to add it. */
static void
count_usable(struct ha__plan *plan, uint32_t host, int sign)
{
	const struct ha__room *room = &plan->room[host];
	const struct ha__room *wish = &plan->search.wish[host];

	if (wish->vms == 0) {
		return;
	}
	struct ha__room usable = {
		.cpu_mhz = lesser(room->cpu_mhz, wish->cpu_mhz),
		.memory_mb = lesser(room->memory_mb, wish->memory_mb),
		.vms = lesser(room->vms, wish->vms),
	};
	if (sign > 0) {
		ha__room_give(&plan->search.usable, &usable);
	} else {
		ha__room_take(&plan->search.usable, &usable);
	}
}

static void
set_can(struct ha__plan *plan, uint32_t i, uint32_t host, bool can)
{
	struct ha__plan_search *search = &plan->search;
	uint64_t *row = row_at(plan, search->can, i);
	const struct ha__room *need = &item_at(plan, i)->need;

	count_usable(plan, host, -1);
	if (can) {
		ha__row_set(row, host);
		ha__room_give(&search->wish[host], need);
		search->n_dead -= search->choices[i]++ == 0;
	} else {
		ha__row_clear(row, host);
		ha__room_take(&search->wish[host], need);
		search->n_dead += --search->choices[i] == 0;
	}
	count_usable(plan, host, 1);
}

/* Whether it has become possible; what can't has been told already. */
static void
regain(struct ha__plan *plan, uint32_t i, uint32_t host)
{
	const struct ha__plan_search *search = &plan->search;

	if (!ha__row_has(row_at(plan, search->can, i), host) &&
	    !ha__row_has(row_at(plan, search->ban, search->kind[i]), host) &&
	    ha__plan_fits(plan, item_at(plan, i), host)) {
		set_can(plan, i, host, true);
	}
}

static void
put(struct ha__plan *plan, uint32_t i, uint32_t host)
{
	struct ha__plan_search *search = &plan->search;
	struct ha__plan_item *item = item_at(plan, i);
	const uint64_t *row = row_at(plan, search->can, i);

	for (uint32_t n = 0; n < plan->n_near; n++) {
		uint32_t h = plan->near[n];
		if (ha__row_has(row, h)) {
			set_can(plan, i, h, false);
		}
	}
	search->n_dead--;
	search->choices[i] = PLACED;
	ha__room_take(&search->left, &item->need);
	count_usable(plan, host, -1);
	ha__plan_place(plan, item, host);
	count_usable(plan, host, 1);
	for (uint32_t k = 0; k < search->n; k++) {
		if (search->choices[k] != PLACED &&
		    ha__row_has(row_at(plan, search->can, k), host) &&
		    !ha__plan_fits(plan, item_at(plan, k), host)) {
			set_can(plan, k, host, false);
		}
	}
	plan->steps += plan->n_near + search->n;
}

static void
take_back(struct ha__plan *plan, uint32_t i)
{
	struct ha__plan_search *search = &plan->search;
	struct ha__plan_item *item = item_at(plan, i);
	uint32_t host = item->to;

	count_usable(plan, host, -1);
	ha__plan_unplace(plan, item);
	count_usable(plan, host, 1);
	ha__room_give(&search->left, &item->need);
	search->choices[i] = 0;
	search->n_dead++;
	for (uint32_t n = 0; n < plan->n_near; n++) {
		uint32_t h = plan->near[n];
		regain(plan, i, h);
	}
	for (uint32_t k = 0; k < search->n; k++) {
		if (search->choices[k] != PLACED) {
			regain(plan, k, host);
		}
	}
	plan->steps += plan->n_near + search->n;
}

/* For all that is left to place, the two hosts are the same. */
static bool
is_alike(const struct ha__plan *plan, uint32_t a, uint32_t b)
{
	const struct ha__plan_search *search = &plan->search;
	const struct ha__room *left = &plan->room[a];
	const struct ha__room *right = &plan->room[b];

	if (left->cpu_mhz != right->cpu_mhz ||
	    left->memory_mb != right->memory_mb || left->vms != right->vms) {
		return false;
	}
	for (uint32_t k = 0; k < search->n; k++) {
		const uint64_t *row = row_at(plan, search->can, k);
		if (search->choices[k] != PLACED &&
		    ha__row_has(row, a) != ha__row_has(row, b)) {
			return false;
		}
	}
	return true;
}

static void
ban_host(struct ha__plan *plan, uint32_t i, uint32_t host)
{
	struct ha__plan_search *search = &plan->search;
	uint32_t kind = search->kind[i];

	ha__row_set(row_at(plan, search->ban, kind), host);
	ha__row_set(row_at(plan, search->tried, search->depth), host);
	for (uint32_t k = kind; k < search->n && search->kind[k] == kind; k++) {
		if (search->choices[k] != PLACED &&
		    ha__row_has(row_at(plan, search->can, k), host)) {
			set_can(plan, k, host, false);
		}
	}
}

/*
 * No solution has this item on this host, given those above it. So none has one
 * of its like there, and none has it on a host that is like this one: the two
 * could be exchanged with all that they would get. Those are found before the
 * first ban, which makes the hosts differ.
 */
static void
ban(struct ha__plan *plan, uint32_t i, uint32_t host)
{
	struct ha__plan_search *search = &plan->search;
	const uint64_t *can = row_at(plan, search->can, i);

	for (uint32_t n = 0; n < plan->n_near; n++) {
		uint32_t h = plan->near[n];
		if (h != host && ha__row_has(can, h) &&
		    is_alike(plan, host, h)) {
			ban_host(plan, i, h);
			plan->steps += search->n;
		}
	}
	ban_host(plan, i, host);
	plan->steps += plan->n_near;
}

static void
lift_bans(struct ha__plan *plan)
{
	struct ha__plan_search *search = &plan->search;
	uint32_t kind = search->kind[search->stack[search->depth]];
	const uint64_t *tried = row_at(plan, search->tried, search->depth);

	for (uint32_t n = 0; n < plan->n_near; n++) {
		uint32_t h = plan->near[n];
		if (!ha__row_has(tried, h)) {
			continue;
		}
		ha__row_clear(row_at(plan, search->ban, kind), h);
		for (uint32_t k = kind;
		     k < search->n && search->kind[k] == kind; k++) {
			if (search->choices[k] != PLACED) {
				regain(plan, k, h);
			}
		}
	}
	plan->steps += plan->n_near;
}

static bool
is_like(const struct ha__plan *plan, const struct ha__plan_item *a,
	const struct ha__plan_item *b)
{
	if (a->n_rules != 0 || b->n_rules != 0 ||
	    (a->row == NULL) != (b->row == NULL) ||
	    a->need.cpu_mhz != b->need.cpu_mhz ||
	    a->need.memory_mb != b->need.memory_mb ||
	    a->need.vms != b->need.vms) {
		return false;
	}
	return a->row == NULL ||
	       memcmp(a->row, b->row, plan->n_words * sizeof(*a->row)) == 0;
}

static void
begin(struct ha__plan *plan)
{
	struct ha__plan_search *search = &plan->search;
	size_t bits = (size_t)plan->n_items * plan->n_words;

	search->n = plan->n_items;
	search->n_dead = plan->n_items;
	search->depth = 0;
	search->usable = (struct ha__room){ 0 };
	search->left = (struct ha__room){ 0 };
	memset(search->can, 0, bits * sizeof(*search->can));
	memset(search->ban, 0, bits * sizeof(*search->ban));
	memset(search->wish, 0, plan->n_hosts * sizeof(*search->wish));
	for (uint32_t i = 0; i < search->n; i++) {
		const struct ha__plan_item *item = item_at(plan, i);
		search->kind[i] = i;
		if (i > 0 && is_like(plan, item, item_at(plan, i - 1))) {
			search->kind[i] = search->kind[i - 1];
		}
		search->choices[i] = 0;
		ha__room_give(&search->left, &item->need);
		for (uint32_t n = 0; n < plan->n_near; n++) {
			uint32_t h = plan->near[n];
			regain(plan, i, h);
		}
		plan->steps += plan->n_near;
	}
}

static uint32_t
choose_item(const struct ha__plan *plan)
{
	const struct ha__plan_search *search = &plan->search;
	uint32_t best = 0;

	for (uint32_t i = 1; i < search->n; i++) {
		if (search->choices[i] < search->choices[best]) {
			best = i;
		}
	}
	return best;
}

static uint32_t
choose_host(const struct ha__plan *plan, uint32_t i, enum ha__choose choose,
	    const struct ha__weights *weights)
{
	const uint64_t *can = row_at(plan, plan->search.can, i);
	uint32_t best = HA__PLAN_NONE;
	double best_value = 0;

	for (uint32_t n = 0; n < plan->n_near; n++) {
		uint32_t h = plan->near[n];
		if (!ha__row_has(can, h)) {
			continue;
		}
		double value =
			ha__plan_judge(&plan->room[h], &item_at(plan, i)->need,
				       choose, weights);
		if (best == HA__PLAN_NONE || value < best_value) {
			best = h;
			best_value = value;
		}
	}
	return best;
}

static bool
is_hopeless(const struct ha__plan_search *search)
{
	return search->n_dead > 0 ||
	       !ha__room_holds(&search->usable, &search->left);
}

static enum ha_plan_verdict
attempt(struct ha__plan *plan, enum ha__choose choose,
	const struct ha__weights *weights, uint64_t end)
{
	struct ha__plan_search *search = &plan->search;
	bool is_down = true;

	begin(plan);
	while (true) {
		if (is_down && search->depth == search->n) {
			return HA_PLAN_YES;
		}
		if (plan->steps >= end) {
			return HA_PLAN_GAVE_UP;
		}
		if (is_down) {
			search->stack[search->depth] = choose_item(plan);
			memset(row_at(plan, search->tried, search->depth), 0,
			       plan->n_words * sizeof(*search->tried));
		}
		uint32_t i = search->stack[search->depth];
		uint32_t host = is_hopeless(search) ?
					HA__PLAN_NONE :
					choose_host(plan, i, choose, weights);
		is_down = host != HA__PLAN_NONE;
		if (is_down) {
			put(plan, i, host);
			search->depth++;
			continue;
		}
		lift_bans(plan);
		if (search->depth == 0) {
			return HA_PLAN_NO;
		}
		search->depth--;
		i = search->stack[search->depth];
		host = item_at(plan, i)->to;
		take_back(plan, i);
		ban(plan, i, host);
	}
}

enum ha_plan_verdict
ha__plan_search(struct ha__plan *plan)
{
	const struct ha__weights weights = ha__plan_weigh(plan);
	enum ha_plan_verdict verdict = HA_PLAN_GAVE_UP;

	for (size_t a = 0; a < sizeof(ATTEMPTS) / sizeof(ATTEMPTS[0]); a++) {
		uint64_t left = plan->set_end > plan->steps ?
					plan->set_end - plan->steps :
					0;
		if (left == 0) {
			break;
		}
		ha__plan_sort(plan, ATTEMPTS[a].order, &weights);
		verdict = attempt(plan, ATTEMPTS[a].choose, &weights,
				  plan->steps + left / ATTEMPTS[a].part);
		if (verdict == HA_PLAN_YES) {
			break;
		}
		ha__plan_unplace_all(plan);
		if (verdict == HA_PLAN_NO) {
			break;
		}
	}
	return verdict;
}
