/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose a host's capacity is, and what is to be written. A value that somebody
 * set by hand is never planned to be overwritten.
 */
#include "ha/capacity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BLANKS " \t\n,"
#define NUMBER_BYTES 24u

/* The word NAME=VALUE among the mark's. */
bool
ha_capacity_is_ours(const char *mark, const char *name, const char *value)
{
	size_t name_len = strlen(name);
	size_t value_len = strlen(value);

	while (mark && *(mark += strspn(mark, BLANKS))) {
		size_t len = strcspn(mark, BLANKS);

		if (len == name_len + 1 + value_len &&
		    strncmp(mark, name, name_len) == 0 &&
		    mark[name_len] == '=' &&
		    strncmp(mark + name_len + 1, value, value_len) == 0) {
			return true;
		}
		mark += len;
	}
	return false;
}

/* Into the plan: this value, NULL: not known. By hand it has no place in the
 * mark. */
static bool
judge_one(const char *shown, const char *mark, const char *name,
	  const char *value, char *ret_mark, bool *ret_is_by_hand)
{
	size_t len = strlen(ret_mark);
	const char *marked = value ? value : shown;

	*ret_is_by_hand = shown && !ha_capacity_is_ours(mark, name, shown);
	if (*ret_is_by_hand || !marked) {
		return false;
	}
	(void)snprintf(ret_mark + len, HA_CAPACITY_TEXT - len, "%s%s=%s",
		       len ? " " : "", name, marked);
	return !shown || strcmp(shown, marked) != 0;
}

void
ha_capacity_judge(const struct ha_capacity_shown *shown,
		  const struct ha_capacity *has,
		  struct ha_capacity_plan *ret_plan)
{
	struct ha_capacity_plan plan = { .writes_cpu = false };
	char cpu[NUMBER_BYTES];
	char memory[NUMBER_BYTES];

	(void)snprintf(cpu, sizeof(cpu), "%" PRIu64, has->cpu_mhz);
	(void)snprintf(memory, sizeof(memory), "%" PRIu64, has->memory_mb);
	plan.writes_cpu = judge_one(shown->cpu, shown->mark, HA_CAPACITY_CPU,
				    has->is_cpu_known ? cpu : NULL, plan.mark,
				    &plan.is_cpu_by_hand);
	plan.writes_memory =
		judge_one(shown->memory, shown->mark, HA_CAPACITY_MEMORY,
			  memory, plan.mark, &plan.is_memory_by_hand);
	/* A mark of values by hand alone is left: it says nothing. */
	plan.writes_mark = plan.writes_cpu || plan.writes_memory;
	*ret_plan = plan;
}
