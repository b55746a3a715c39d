/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's log: syslog, standard error in the foreground, and a file. Only
 * the main thread logs: a logger that hangs stops no beat. Each line ends
 * with its id in brackets, under which docs/LOGS.md explains it.
 */
#include "heartbeat/logs.h"

#include <qb/qblog.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "heartbeat/logs_table.h"

#define LINE_BYTES 1024
#define QB_ALL_FILES "*"

static void
open_target(int32_t target, int level)
{
	(void)qb_log_filter_ctl(target, QB_LOG_FILTER_CLEAR_ALL,
				QB_LOG_FILTER_FILE, QB_ALL_FILES, LOG_TRACE);
	(void)qb_log_filter_ctl(target, QB_LOG_FILTER_ADD, QB_LOG_FILTER_FILE,
				QB_ALL_FILES, (uint8_t)level);
	(void)qb_log_ctl(target, QB_LOG_CONF_MAX_LINE_LEN, LINE_BYTES);
	(void)qb_log_ctl(target, QB_LOG_CONF_ENABLED, QB_TRUE);
}

void
hb_log_open(const char *file, bool is_foreground, bool is_debug)
{
	int level = is_debug ? LOG_DEBUG : LOG_INFO;
	int32_t target;

	qb_log_init("vmha-heartbeatd", LOG_DAEMON, (uint8_t)level);
	open_target(QB_LOG_SYSLOG, level);
	if (is_foreground) {
		open_target(QB_LOG_STDERR, level);
		qb_log_format_set(QB_LOG_STDERR, "%t %7p %b");
	}
	if (!file) {
		return;
	}
	target = qb_log_file_open(file);
	if (target < 0) {
		(void)fprintf(stderr, "can't log to %s: %s\n", file,
			      strerror(-target));
		return;
	}
	open_target(target, level);
	qb_log_format_set(target, "%t %H %N[%P] %7p %b");
}

void
hb_log_close(void)
{
	qb_log_fini();
}

void
hb_log(int level, const char *id, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	qb_log_from_external_source(__func__, __FILE__, "%s [%s]",
				    (uint8_t)level, __LINE__, 0, line, id);
}

void
hb_log_say(int priority, const char *text)
{
	hb_log(priority, "start", "%s", text);
}

void
hb_log_print_rows(void)
{
	for (size_t i = 0; i < HB_LOG_ROWS_N; i++) {
		const struct hb_log_row *row = &HB_LOG_ROWS[i];

		printf("### %s\n\n%s: `%s`\n\n%s\n\n", row->id,
		       hb_log_level_name(row->level), row->format,
		       row->meaning);
	}
}
