/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The planner's working memory: the cluster as it stands, brought into a form
 * in which a set of failures costs only what it moves. Hosts are numbered
 * anew here, online ones only; "host" below means that number, "inventory
 * host" the caller's. Everything but the state of one set is read only after
 * ha__plan_setup().
 */
#ifndef HA_PLAN_STATE_H
#define HA_PLAN_STATE_H

#include "ha/plan.h"

#define HA__PLAN_NONE HA_INV_NONE

/* Room of a host or need of a machine. A dead host has less than nothing. */
struct ha__room {
	int64_t cpu_mhz;
	int64_t memory_mb;
	int64_t vms;
};

/* Hosts whose greatest room is kept, to pass over them at one look. */
#define HA__PLAN_BLOCK 16u

#define HA__ROOM_DEAD ((struct ha__room){ -1, -1, -1 })

/* What goes to one host as a whole: a machine, or all displaced machines of a
 * group that must stay together. */
struct ha__plan_item {
	struct ha__room need;
	const uint64_t *row;   /* bits of the hosts it may go to; NULL: any */
	const uint32_t *rules; /* of separation */
	uint32_t n_rules;
	uint32_t vm; /* the first; the others by next_in_item */
	uint32_t to;
	double size;
};

/* For sorting: ascending, by id where keys are equal. */
struct ha__plan_key {
	double key;
	uint32_t id;
};

/* Branch and bound over the items of one set (plan_search.c). */
struct ha__plan_search {
	/* All below is by the place in plan->order. */
	uint32_t *kind;    /* the first item that is its like */
	uint32_t *choices; /* hosts that can take it now; or that it has one */
	uint64_t *can;     /* a row of hosts for each: that can take it */
	uint64_t *ban;     /* a row for each kind: proven useless */
	uint64_t *tried;   /* a row for each depth: what it added to ban */
	uint32_t *stack;
	struct ha__room *wish; /* per host: sum of all that it could take */
	struct ha__room usable;
	struct ha__room left; /* sum of what has no place yet */
	uint32_t n_dead;      /* items without a choice */
	uint32_t depth;
	uint32_t n;
};

struct ha__plan {
	const struct ha_plan_question *question;
	const struct ha_inventory *inv;
	uint32_t n_hosts;
	uint32_t n_words; /* of a row of hosts */
	uint32_t n_eligible;
	uint32_t n_failures;
	uint32_t *host_of;  /* inventory host */
	uint32_t *online;   /* by inventory host */
	uint32_t *eligible; /* hosts that a set may take */
	bool *is_eligible;
	bool *is_dead; /* in the open set */
	struct ha__room *room;
	struct ha__room *block; /* per block of hosts: no host has more */
	struct ha__room all;    /* sum of room */
	uint64_t *no_failover;  /* row */

	/* Machines of a host, largest first; those to place anyway at n. */
	uint32_t *first_vm;
	uint32_t *next_vm;
	uint32_t *at; /* host of a machine that is on; NONE: no online one */
	struct ha__room *need;
	double *size;
	double weight_cpu; /* of a host's mean capacity, by one over it */
	double weight_memory;

	/* Groups that must stay together; NONE: alone. */
	uint32_t *group;
	uint32_t *next_member;
	uint32_t *first_member;
	uint32_t *group_item; /* per group: its item in the set of the stamp */
	uint64_t *group_stamp;

	/* Rules of separation: a row of hosts each; those of a machine. */
	uint32_t n_rules;
	uint64_t *taken;
	uint32_t *first_rule;
	uint32_t *rules;
	uint32_t *item_rules;
	uint32_t n_item_rules;
	uint64_t *rule_stamp;

	uint32_t *row_of; /* row of allowed hosts per machine; NONE: any */
	uint64_t *rows;

	/* What is wrong as things stand. */
	uint32_t bad_host; /* NONE: nothing */
	bool is_broken;

	/* One set. */
	uint64_t stamp;
	struct ha__plan_item *items;
	uint32_t n_items;
	uint32_t *next_in_item;
	uint64_t *item_rows;
	uint32_t *near; /* hosts that could hold some item; the search's */
	uint32_t n_near;
	uint32_t *order;
	struct ha__plan_key *keys;
	struct ha_plan_move *moves;
	struct ha__room saved[HA_PLAN_FAILURES_MAX];
	uint32_t culprit; /* machine */
	struct ha__plan_search search;

	uint64_t steps;
	uint64_t set_end;
	uint64_t all_end;
};

struct ha__arena {
	char *base; /* NULL: only counts */
	size_t used;
};

void *ha__arena_take(struct ha__arena *arena, size_t n, size_t size);

/* Lays the memory out; with a base also fills it. */
void ha__plan_layout(struct ha__plan *plan, struct ha__arena *arena,
		     const struct ha_plan_question *question);
void ha__plan_setup(struct ha__plan *plan);
/* After a change of room. */
void ha__plan_sum_up(struct ha__plan *plan);
int ha__plan_compare_keys(const void *a, const void *b);

/* False: answered already, without a look at any set. */
bool ha__plan_start(struct ha__plan *plan,
		    const struct ha_plan_question *question, void *work,
		    struct ha_plan_answer *ret_answer);
void ha__plan_blame(const struct ha__plan *plan, const uint32_t *failed,
		    uint32_t n_failed, struct ha_plan_answer *answer);

/* Machines and rules (plan_facts.c). */
void ha__plan_add_rules(struct ha__plan *plan);
void ha__plan_add_rows(struct ha__plan *plan);
void ha__plan_read_vm(struct ha__plan *plan, uint32_t vm);
/* Settles it on its host; false: there it breaks a limit or a rule. */
bool ha__plan_settle(struct ha__plan *plan, uint32_t vm);
void ha__plan_unsettle(struct ha__plan *plan, uint32_t vm);
/* After all machines are read. */
void ha__plan_add_groups(struct ha__plan *plan);

/* One set: its hosts die, its items are found; and back. */
void ha__plan_open_set(struct ha__plan *plan, const uint32_t *failed,
		       uint32_t n_failed);
void ha__plan_close_set(struct ha__plan *plan, const uint32_t *failed,
			uint32_t n_failed);
enum ha_plan_verdict ha__plan_solve(struct ha__plan *plan, uint32_t start_host);

/* Orders of items, largest first. */
enum ha__order {
	HA__BY_SUM,
	HA__BY_LARGER,
	HA__BY_CPU,
	HA__BY_MEMORY,
	HA__BY_PRODUCT,
	HA__BY_CHOICES,
};

/* Rules that choose one of the hosts that can take an item. */
enum ha__choose {
	HA__FULLEST,   /* least room left */
	HA__EMPTIEST,  /* most room left */
	HA__ALIGNED,   /* greatest dot product of need and room */
	HA__BALANCED,  /* what is left of both is most alike */
	HA__LEAST_CPU, /* best fit of one resource */
	HA__LEAST_MEMORY,
};

struct ha__weights {
	double cpu;
	double memory;
};

struct ha__weights ha__plan_weigh(const struct ha__plan *plan);
/* Into plan->order. */
void ha__plan_sort(struct ha__plan *plan, enum ha__order order,
		   const struct ha__weights *weights);
/* Of a host that it fits: less is better. */
double ha__plan_judge(const struct ha__room *room, const struct ha__room *need,
		      enum ha__choose choose,
		      const struct ha__weights *weights);

/* Greedy runs: whether all items found a place (plan_greedy.c). */
bool ha__plan_first_fit(struct ha__plan *plan, uint32_t start_host);
bool ha__plan_greedy(struct ha__plan *plan);

void ha__plan_find_near(struct ha__plan *plan);
/* No placement exists, by counting; plan->near is known. */
bool ha__plan_is_over_count(struct ha__plan *plan);

/* The search: YES, NO, or GAVE_UP at the bound of steps. */
enum ha_plan_verdict ha__plan_search(struct ha__plan *plan);

void ha__plan_place(struct ha__plan *plan, struct ha__plan_item *item,
		    uint32_t host);
void ha__plan_unplace(struct ha__plan *plan, struct ha__plan_item *item);
void ha__plan_unplace_all(struct ha__plan *plan);

static inline bool
ha__row_has(const uint64_t *row, uint32_t host)
{
	return (row[host / 64] >> (host % 64) & 1) != 0;
}

static inline void
ha__row_set(uint64_t *row, uint32_t host)
{
	row[host / 64] |= UINT64_C(1) << (host % 64);
}

static inline void
ha__row_clear(uint64_t *row, uint32_t host)
{
	row[host / 64] &= ~(UINT64_C(1) << (host % 64));
}

static inline bool
ha__room_holds(const struct ha__room *room, const struct ha__room *need)
{
	return (room->cpu_mhz >= need->cpu_mhz) &
	       (room->memory_mb >= need->memory_mb) & (room->vms >= need->vms);
}

static inline void
ha__room_take(struct ha__room *room, const struct ha__room *need)
{
	room->cpu_mhz -= need->cpu_mhz;
	room->memory_mb -= need->memory_mb;
	room->vms -= need->vms;
}

static inline void
ha__room_give(struct ha__room *room, const struct ha__room *need)
{
	room->cpu_mhz += need->cpu_mhz;
	room->memory_mb += need->memory_mb;
	room->vms += need->vms;
}

/* Where rules and allowed hosts permit it, whatever its size. */
static inline bool
ha__plan_permits(const struct ha__plan *plan, const struct ha__plan_item *item,
		 uint32_t host)
{
	if (item->row != NULL && !ha__row_has(item->row, host)) {
		return false;
	}
	for (uint32_t i = 0; i < item->n_rules; i++) {
		if (ha__row_has(plan->taken +
					(size_t)item->rules[i] * plan->n_words,
				host)) {
			return false;
		}
	}
	return true;
}

static inline bool
ha__plan_fits(const struct ha__plan *plan, const struct ha__plan_item *item,
	      uint32_t host)
{
	return ha__room_holds(&plan->room[host], &item->need) &&
	       ha__plan_permits(plan, item, host);
}

#endif
