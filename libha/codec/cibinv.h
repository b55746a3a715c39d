/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the CIB's inventory share. cibinv.c begins and ends,
 * cibinv_room.c has room, cibinv_xml.c reads elements, cibinv_host.c hosts,
 * cibinv_vm.c virtual machines, cibinv_number.c whether their
 * utilization can be read, cibinv_past.c their history, cibinv_place.c
 * location constraints, cibinv_wish.c what of them is a wish, cibinv_rule.c their
 * rules, cibinv_clone.c clones that machines need, cibinv_group.c colocation.
 */
#ifndef HA__CIBINV_H
#define HA__CIBINV_H

#include "ha/cibinv.h"

#define CI_INFINITY 1000000 /* CRM_SCORE_INFINITY of Pacemaker */
/* Pacemaker's utilization is an int. */
#define CI_VALUE_MAX INT32_MAX

/* A name that constraints may use, and one machine that it stands for: its own
 * id, its group's or clone's, its template's, a tag. */
struct ci_alias {
	const char *name;
	uint32_t vm;
};

/* What location constraints say of one host. */
#define CI_BANNED 0x1u
#define CI_WANTED 0x2u /* +INFINITY */
#define CI_NAMED 0x4u  /* some score above -INFINITY */

struct ci_host {
	const char *name;
	const void *node;
	const void *transient; /* transient_attributes; NULL: none */
	const void *state;     /* node_state; NULL: none */
};

struct ci_vm {
	int rank;         /* of the place found so far */
	bool is_wanted;   /* target-role is not Stopped */
	bool is_kept_off; /* by its ticket */
	bool has_place;   /* some constraint has marked a host for it */
};

struct ci {
	const struct ha_cib_tree *tree;
	const void *configuration, *status, *resources;
	struct ha_cibinv *out;
	struct ha_inv_host *hosts;
	struct ci_host *ci_hosts;
	struct ha_inv_vm *vms;
	struct ci_vm *ci_vms;
	unsigned char *places; /* CI_*, n_hosts for each machine */
	struct ha_inv_rule *rules;
	struct ci_alias *aliases; /* the first n_sorted of them by name */
	uint32_t n_hosts, n_vms, n_rules, n_aliases, n_sorted;
	bool is_optin;   /* symmetric-cluster=false */
	bool is_stopped; /* stop-all-resources */
	bool is_failed;  /* no memory */
};

/* The machines of a name: `count` aliases from `first`. */
struct ci_named {
	const struct ci_alias *first;
	uint32_t count;
};

/* ---- cibinv.c ----------------------------------------------------------- */

void ci_note(struct ci *ci, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void ci_rule(struct ci *ci, enum ha_inv_rule_type type, bool is_mandatory,
	     const uint32_t *vms, uint32_t count);

/* ---- cibinv_room.c ------------------------------------------------------- */

/* Room for one more; the new element is zeroed. NULL, with is_failed set: no
 * memory. Doubles at powers of two. */
void *ci_grow(struct ci *ci, void *array, uint32_t *count, size_t size);
/* The same with a copy of the element in it. */
void *ci_append(struct ci *ci, void *array, uint32_t *count,
		const void *element, size_t size);

/* ---- cibinv_xml.c --------------------------------------------------------- */

bool ci_is(const struct ci *ci, const void *element, const char *name);
/* "" where there is none. */
const char *ci_text(const struct ci *ci, const void *element, const char *attr);
/* NULL is fine as the parent, or as what comes before. */
const void *ci_first(const struct ci *ci, const void *parent, const char *name);
const void *ci_next(const struct ci *ci, const void *element, const char *name);
/* Value of an nvpair in the sets of that kind that have no rule; NULL. */
const char *ci_nv(const struct ci *ci, const void *element, const char *set,
		  const char *name);
bool ci_is_true(const char *value);
/* Pacemaker 3.0 writes a time, 2.1 a boolean or "online". */
bool ci_is_joined(const char *value);
/* The score, INFINITY bounded; false: none. */
bool ci_score(const char *text, int *ret_score);
/* 0 to CI_VALUE_MAX; false: it is no such number. */
bool ci_value(const char *text, uint64_t *ret_value);

/* ---- cibinv_host.c, cibinv_vm.c ------------------------------------------- */

void ci_hosts(struct ci *ci);
/* HA_INV_NONE: there is none. */
uint32_t ci_host_find(const struct ci *ci, const char *name);
void ci_vms(struct ci *ci);
/* cibinv_number.c */
void ci_look_at_utilization(const struct ci *ci, const void *primitive,
			    const void *template, struct ha_cibinv_vm *vm);
struct ci_named ci_named(const struct ci *ci, const char *name);
/* cibinv_past.c */
void ci_history(struct ci *ci);
/* Any resource, a clone's instance too, by the history of that host. */
bool ci_runs(const struct ci *ci, uint32_t host, const char *resource);

/* ---- cibinv_place.c, cibinv_rule.c, cibinv_group.c ------------------------ */

void ci_places(struct ci *ci);
/* What a location of that score says of one host. */
void ci_mark(struct ci *ci, struct ci_named named, uint32_t host, int score);
/* cibinv_clone.c; before the places are settled. */
void ci_clones(struct ci *ci);
bool ci_is_clone(const struct ci *ci, const char *name);
enum ci_truth {
	CI_NO,
	CI_YES,
	CI_UNKNOWN
};
/* Does the <rule> hold for that host? */
enum ci_truth ci_rule_holds(const struct ci *ci, const void *rule,
			    uint32_t host);
void ci_groups(struct ci *ci);

/* cibinv.c: its own_scores are there; false: no memory. */
bool ci_make_scores(const struct ci *ci, struct ha_cibinv_vm *vm);

/* ---- cibinv_wish.c --------------------------------------------------------- */

/* A location's score for one host; what can't be weighed, of these or of all. */
void ci_wish(struct ci *ci, struct ci_named named, uint32_t host, int score);
void ci_wish_unknown(struct ci *ci, struct ci_named named);
void ci_wish_unknown_all(struct ci *ci);
int ci_stickiness(const struct ci *ci, const void *primitive,
		  const void *template);
/* Is it vmha's own constraint? Then it is read, and nothing else is. */
bool ci_is_plan(struct ci *ci, const void *constraint);

#endif
