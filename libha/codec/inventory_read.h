/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading JSON strictly, with a place for every complaint. A place is a chain
 * from a value up to the top; it costs nothing until something is wrong.
 */
#ifndef INVENTORY_READ_H
#define INVENTORY_READ_H

#include <jansson.h>

#include "ha/err.h"
#include "ha/inventory_file.h"

/* A key or, without one, an index. */
struct inv_at {
	const struct inv_at *up;
	const char *key;
	size_t index;
};

struct inv_number {
	const char *key;
	uint64_t min, max;
	uint64_t fallback; /* of a key that is absent or null */
	bool is_needed;
};

/* A word and what it stands for. */
struct inv_word {
	const char *word;
	int value;
};

/* Names of hosts or machines, to be found by name. */
struct inv_name {
	const char *name;
	uint32_t index;
};

/* -EINVAL, with the place in front of the sentence. */
int inv_bad(const struct inv_at *at, struct ha_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* An object with no other keys than these (a list that ends with NULL). */
int inv_object(const json_t *value, const struct inv_at *at,
	       const char *const *keys, struct ha_err *err);
/* ret_array: NULL where it is absent or null. */
int inv_array(const json_t *object, const struct inv_at *at, const char *key,
	      bool is_needed, json_t **ret_array, struct ha_err *err);
int inv_read_number(const json_t *object, const struct inv_at *at,
		    const struct inv_number *number, uint64_t *ret_value,
		    bool *ret_is_given, struct ha_err *err);
int inv_read_bool(const json_t *object, const struct inv_at *at,
		  const char *key, bool fallback, bool *ret_value,
		  struct ha_err *err);
/* words end with NULL; fallback is a value. */
int inv_read_word(const json_t *object, const struct inv_at *at,
		  const char *key, const struct inv_word *words, int fallback,
		  int *ret_value, struct ha_err *err);
/* ret_name: the value's own; NULL where it is absent or null. */
int inv_read_name(const json_t *object, const struct inv_at *at,
		  const char *key, const char **ret_name, struct ha_err *err);
/* Checks the word as a name. */
int inv_name_check(const json_t *value, const struct inv_at *at,
		   struct ha_err *err);

/* Sorts; -EINVAL on a name twice, at array[index].name. */
int inv_names_sort(struct inv_name *names, uint32_t n, const char *array,
		   struct ha_err *err);
/* HA_INV_NONE: not there. */
uint32_t inv_names_find(const struct inv_name *names, uint32_t n,
			const char *name);
/* Indices of an array of names, ascending; what: "host", "VM". */
int inv_read_names(const json_t *array, const struct inv_at *at,
		   const struct inv_name *names, uint32_t n, const char *what,
		   uint32_t *ret_indices, struct ha_err *err);

/* The tables of words, ended by NULL (inventory_words.c). */
extern const struct inv_word inv_states[];
extern const struct inv_word inv_priorities[];
extern const struct inv_word inv_powers[];
extern const struct inv_word inv_rules[];
extern const struct inv_word inv_types[];
extern const struct inv_word inv_guarantees[];
extern const struct inv_word inv_ops[];
const char *inv_word_of(const struct inv_word *words, int value);

/* What is known of a file while it is read. */
struct inv_reading {
	struct ha_inventory_file *file;
	struct inv_name *host_names;
	struct inv_name *vm_names;
	struct ha_inv_host *hosts;
	struct ha_inv_vm *vms;
	uint32_t *pool; /* indices of hosts and machines, one after another */
	size_t pool_used;
	struct ha_err *err;
};

/* inventory_policy.c */
int inv_read_policy(struct inv_reading *reading, const json_t *root);
int inv_read_request(struct inv_reading *reading, const json_t *root);

#endif
