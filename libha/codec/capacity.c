/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose a host's capacity is, what is to be written, and overheads as text.
 * A value that somebody set by hand is never planned to be overwritten.
 */
#include "ha/capacity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ha/text.h"

#define BLANKS " \t\n,"
#define PERCENT_MAX 100u
#define WORD_MAX 24u

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

/* Into the plan: this value; by hand, it has no place in the mark. */
static bool
judge_one(const char *shown, const char *mark, const char *name, uint64_t value,
	  char *ret_mark, bool *ret_is_by_hand)
{
	char text[WORD_MAX];
	size_t len = strlen(ret_mark);

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	*ret_is_by_hand = shown && !ha_capacity_is_ours(mark, name, shown);
	if (*ret_is_by_hand) {
		return false;
	}
	(void)snprintf(ret_mark + len, HA_CAPACITY_TEXT - len, "%s%s=%s",
		       len ? " " : "", name, text);
	return !shown || strcmp(shown, text) != 0;
}

void
ha_capacity_judge(const struct ha_capacity_shown *shown,
		  const struct ha_capacity *has,
		  struct ha_capacity_plan *ret_plan)
{
	struct ha_capacity_plan plan = { .writes_cpu = false };

	plan.writes_cpu =
		judge_one(shown->cpu, shown->mark, HA_CAPACITY_CPU,
			  has->cpu_mhz, plan.mark, &plan.is_cpu_by_hand);
	plan.writes_memory =
		judge_one(shown->memory, shown->mark, HA_CAPACITY_MEMORY,
			  has->memory_mb, plan.mark, &plan.is_memory_by_hand);
	/* A mark of values by hand alone is left: it says nothing. */
	plan.writes_mark = plan.writes_cpu || plan.writes_memory;
	*ret_plan = plan;
}

int
ha_overhead_parse(const char *text, struct ha_overhead *ret_overhead)
{
	struct ha_overhead overhead = { .amount = 0 };
	bool has_amount = false;
	bool has_percent = false;

	while (text && *(text += strspn(text, BLANKS))) {
		size_t len = strcspn(text, BLANKS);
		bool is_percent = text[len - 1] == '%';
		size_t digits = is_percent ? len - 1 : len;
		char word[WORD_MAX] = "";
		uint64_t value = 0;

		if (digits >= sizeof(word) ||
		    (is_percent ? has_percent : has_amount)) {
			return -EINVAL;
		}
		memcpy(word, text, digits);
		if (ha_text_uint64(word, &value) < 0 ||
		    value > (is_percent ? PERCENT_MAX : INT32_MAX)) {
			return -EINVAL;
		}
		if (is_percent) {
			has_percent = true;
			overhead.percent = (uint32_t)value;
		} else {
			has_amount = true;
			overhead.amount = value;
		}
		text += len;
	}
	*ret_overhead = overhead;
	return 0;
}

uint64_t
ha_overhead_take(uint64_t value, const struct ha_overhead *overhead)
{
	uint64_t share =
		value / PERCENT_MAX * overhead->percent +
		(value % PERCENT_MAX * overhead->percent + PERCENT_MAX - 1) /
			PERCENT_MAX;

	if (overhead->amount >= value || share >= value - overhead->amount) {
		return 0;
	}
	return value - overhead->amount - share;
}
