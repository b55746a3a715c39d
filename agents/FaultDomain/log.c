/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of vmha-fdmd: syslog, and standard error where it is a terminal or a
 * file. See logs.h.
 */
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "FaultDomain/fdm_timeouts.h"
#include "FaultDomain/logs_table.h"
#include "ha/clock.h"

#define LINE_BYTES 1024
/* More than a cluster that is cut in two has to say; beyond it lines are lost. */
#define LINES_KEPT 4096
#define CLOSE_MS 500u
#define CLOSE_STEP_MS 5u

struct line {
	int level;
	char text[LINE_BYTES];
};

static GAsyncQueue *queue;
static gint unwritten; /* atomic */
static bool has_stderr;
static int highest = LOG_INFO;

static const char *
level_name(int level)
{
	switch (level) {
	case LOG_CRIT:
		return "crit";
	case LOG_ERR:
		return "err";
	case LOG_WARNING:
		return "warning";
	case LOG_NOTICE:
		return "notice";
	}
	return "info";
}

static gpointer
writer_main(gpointer data)
{
	/* Without end: it ends with the process. */
	for (;;) {
		struct line *line = g_async_queue_pop(data);

		syslog(line->level, "[%s] %s", level_name(line->level),
		       line->text);
		if (has_stderr) {
			(void)dprintf(STDERR_FILENO, "%-7s %s\n",
				      level_name(line->level), line->text);
		}
		g_free(line);
		(void)g_atomic_int_add(&unwritten, -1);
	}
	return NULL;
}

/* The agent connects standard error to syslog: one copy is enough. */
static bool
is_worth_writing(int fd)
{
	struct stat st;

	return isatty(fd) || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
}

void
fdm_log_open(bool is_debug)
{
	highest = is_debug ? LOG_DEBUG : LOG_INFO;
	has_stderr = is_worth_writing(STDERR_FILENO);
	openlog("vmha-fdmd", LOG_PID, LOG_DAEMON);
	queue = g_async_queue_new();
	g_thread_unref(g_thread_new("log", writer_main, queue));
}

void
fdm_log_close(void)
{
	uint64_t deadline_ms = ha_clock_now_ms() + CLOSE_MS;

	while (g_atomic_int_get(&unwritten) > 0 &&
	       ha_clock_left_ms(deadline_ms) > 0) {
		ha_clock_sleep_ms(CLOSE_STEP_MS, deadline_ms);
	}
}

void
fdm_log(int level, const char *id, const char *format, ...)
{
	struct line *line;
	va_list args;
	size_t used;

	if (level > highest || g_atomic_int_get(&unwritten) >= LINES_KEPT) {
		return;
	}
	line = g_new(struct line, 1);
	line->level = level;
	va_start(args, format);
	(void)vsnprintf(line->text, sizeof(line->text) - 32, format, args);
	va_end(args);
	used = strlen(line->text);
	(void)snprintf(line->text + used, sizeof(line->text) - used, " [%s]",
		       id);
	(void)g_atomic_int_add(&unwritten, 1);
	g_async_queue_push(queue, line);
}

void
fdm_log_print_rows(void)
{
	for (size_t i = 0; i < FDM_LOG_ROWS_N; i++) {
		const struct fdm_log_row *row = &FDM_LOG_ROWS[i];

		printf("### %s\n\n%s: `%s`\n\n%s\n\n", row->id,
		       level_name(row->level), row->format, row->meaning);
	}
}
