/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * docs/LOGS.md explains every line that the heartbeat daemon logs, as the
 * table in its source has it, and no line that it does not log.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#include "heartbeat/logs_table.h"

#define PAGE "docs/LOGS.md"
#define HEADER "fencing/heartbeat/logs.h"

static char page[65536];

static void
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(page, 1, sizeof(page) - 1, f);
	fclose(f);
	assert_true(n > 0 && n < sizeof(page) - 1);
	page[n] = '\0';
}

static size_t
count(const char *text, const char *word)
{
	size_t n = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word)) {
		n++;
	}
	return n;
}

static void
page_explains_every_line(void **state)
{
	static char want[4096];

	(void)state;
	read_file(PAGE);
	for (size_t i = 0; i < HB_LOG_ROWS_N; i++) {
		const struct hb_log_row *row = &HB_LOG_ROWS[i];

		snprintf(want, sizeof(want), "### %s\n\n%s: `%s`\n\n%s\n",
			 row->id, hb_log_level_name(row->level), row->format,
			 row->meaning);
		if (!strstr(page, want)) {
			fail_msg("%s does not say:\n%s", PAGE, want);
		}
	}
	assert_int_equal(count(page, "\n### "), HB_LOG_ROWS_N);
}

static void
every_line_has_a_row(void **state)
{
	(void)state;
	read_file(HEADER);
	assert_int_equal(count(page, "#define HB_LOG_"), HB_LOG_ROWS_N);
}

static void
ids_are_distinct(void **state)
{
	(void)state;
	for (size_t i = 0; i < HB_LOG_ROWS_N; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(HB_LOG_ROWS[i].id, HB_LOG_ROWS[j].id) == 0) {
				fail_msg("two lines are called %s",
					 HB_LOG_ROWS[i].id);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_explains_every_line),
		cmocka_unit_test(every_line_has_a_row),
		cmocka_unit_test(ids_are_distinct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
