/* SPDX-License-Identifier: GPL-2.0-or-later */
/* docs/LOGS-FDMD.md explains every line that vmha-fdmd logs, as its table has
 * it, and no other; and every line of its header is in the table. */
#include "../unit/unit.h"

#include <glib.h>
#include <string.h>

#include "FaultDomain/logs_table.h"

#define PAGE "docs/LOGS-FDMD.md"
#define HEADER "agents/FaultDomain/logs.h"
#define RESPONDER "agents/FaultDomain/responder.h"

static char *
read_file(const char *path)
{
	char *text = NULL;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static guint
count(const char *text, const char *word)
{
	guint n = 0;

	for (text = strstr(text, word); text; text = strstr(text + 1, word)) {
		n++;
	}
	return n;
}

static void
page(void **state)
{
	char *text = read_file(PAGE);

	(void)state;
	assert_int_equal(count(text, "\n### "), FDM_LOG_ROWS_N);
	for (size_t i = 0; i < FDM_LOG_ROWS_N; i++) {
		const struct fdm_log_row *row = &FDM_LOG_ROWS[i];
		char *want = g_strdup_printf("### %s\n", row->id);

		if (count(text, want) != 1 || !strstr(text, row->format) ||
		    !strstr(text, row->meaning)) {
			fail_msg("%s: print the page again", row->id);
		}
		g_free(want);
	}
	g_free(text);
}

static void
all_in_table(void **state)
{
	char *own = read_file(HEADER);
	char *responder = read_file(RESPONDER);

	(void)state;
	assert_int_equal(count(own, "#define FDM_LOG_") +
				 count(responder, "#define RESPONDER_LOG_") - 1,
			 FDM_LOG_ROWS_N);
	g_free(responder);
	g_free(own);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page),
		cmocka_unit_test(all_in_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
