/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One table of parameters per agent, and what is derived from it: parsing,
 * validation, meta-data, usage and man page all read this table and nothing
 * else. The daemons parse the same parameters out of the CIB with the same
 * function, through a getter of their own.
 */
#ifndef HA_PARAM_H
#define HA_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/err.h"

/* type            C storage at `offset`           OCF content type */
enum ha_param_type {
	HA_PARAM_STRING,   /* const char *, NULL: not set     string */
	HA_PARAM_PATH,     /* const char *, absolute          string */
	HA_PARAM_UUID,     /* const char *                    string */
	HA_PARAM_BOOL,     /* bool                            boolean */
	HA_PARAM_INT,      /* int64_t                         integer */
	HA_PARAM_DURATION, /* uint64_t, ms; 0: not set        time */
	HA_PARAM_ENUM,     /* int, index into choices         select */
	HA_PARAM_LIST,     /* const char *, words             string */
};

#define HA_PARAM_REQUIRED 0x1u
#define HA_PARAM_UNIQUE 0x2u     /* no two resources may share the value */
#define HA_PARAM_RELOADABLE 0x4u /* a change needs no restart of the VM */
#define HA_PARAM_INERT 0x8u      /* validated, read by a later component */

struct ha_param {
	const char *name;
	enum ha_param_type type;
	unsigned int flags;
	const char *unit;           /* of INT: "MiB/s"; NULL: none */
	const char *def;            /* default as text; NULL: none */
	int64_t min, max;           /* of INT, and of DURATION in ms;
				     * both 0: no limit; max INT64_MAX:
				     * no upper limit */
	const char *const *choices; /* of ENUM, NULL-terminated */
	size_t offset;              /* of the value in the agent's struct */
	const char *shortdesc;
	const char *longdesc;
};

/* The value of a parameter as text, NULL when not given. The text must live
 * as long as the parsed values (strings are borrowed, not copied). */
typedef const char *(*ha_param_getter)(void *ctx, const char *name);

/* Fills `values` (the agent's struct) from the getter and the defaults.
 * `table` ends with name == NULL. 0; -EINVAL with a sentence that names the
 * parameter, its value and what is allowed; `values` (zeroed by the caller)
 * is then filled in part. An empty text counts as not given. Does not look at
 * the host. */
int ha_params_parse(const struct ha_param *table, ha_param_getter get,
		    void *ctx, void *values, struct ha_err *err);

/* One parameter: `text` NULL or empty means not given, and so the default.
 * `values` must be zeroed before the first call, which is "not set" for each
 * type; on failure the parameter's value stays as it was. Errors as above. */
int ha_param_set(const struct ha_param *param, const char *text, void *values,
		 struct ha_err *err);

/* The limits as words, "1 to 100000", "1s to 1h", "0 or more"; "" when the
 * parameter has none. Cut to `size` bytes. */
void ha_param_limits(const struct ha_param *param, char *ret_text, size_t size);

/* Index of `word` in a NULL-terminated list, -1 when it is not there. */
int ha_param_choice(const char *const *choices, const char *word);

/* The OCF content type of a parameter: string, boolean, integer, time,
 * select. */
const char *ha_param_ocf_type(const struct ha_param *param);

#endif
