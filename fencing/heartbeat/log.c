/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's log: syslog, standard error in the foreground, and a file. Only
 * the main thread logs. It hands its lines to a thread of their own and never
 * waits for them to be written: the log may lie on the very storage that is
 * lost, and the ring, by which this host then lives, is served by the main
 * thread. (libqb's log thread writes under a spinlock that its callers take.)
 * Each line ends with its id in brackets, under which docs/LOGS.md explains
 * it.
 */
#include "heartbeat/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ha/clock.h"
#include "heartbeat/logs_table.h"
#include "heartbeat/store.h"

#define LINE_BYTES 1024
#define STAMP_BYTES 32
#define ID_BYTES 32 /* with its brackets */
#define LOST_BYTES 64
/* More than a start, or the loss of all datastores, has to say. */
#define LINES_KEPT 128u
/* At the end: a log that hangs is left behind. */
#define LOG_CLOSE_MS 1000u
#define LOG_POLL_MS 5u
#define FILE_NONE (-1)

struct line {
	int level;
	time_t at;
	char text[LINE_BYTES];
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct line lines[LINES_KEPT]; /* a ring */
	uint32_t first;
	uint32_t count; /* the first stays until it is written */
	uint32_t lost;
	bool has_writer;
	int level; /* nothing below it is logged */
	int fds[2];
} out = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.news = PTHREAD_COND_INITIALIZER,
	.level = LOG_INFO,
	.fds = { FILE_NONE, FILE_NONE },
};

static void
write_line(const struct line *line)
{
	char stamp[STAMP_BYTES] = "";
	struct tm tm;

	syslog(line->level, "[%s] %s", hb_log_level_name(line->level),
	       line->text);
	if (localtime_r(&line->at, &tm)) {
		(void)strftime(stamp, sizeof(stamp), "%b %d %T", &tm);
	}
	for (size_t i = 0; i < sizeof(out.fds) / sizeof(out.fds[0]); i++) {
		if (out.fds[i] != FILE_NONE) {
			(void)dprintf(out.fds[i], "%s %-7s %s\n", stamp,
				      hb_log_level_name(line->level),
				      line->text);
		}
	}
}

static void *
writer_main(void *data)
{
	struct line line;

	(void)data;
	pthread_mutex_lock(&out.lock);
	/* Without end by design: it ends with the process. */
	for (;;) {
		while (out.count == 0) {
			pthread_cond_wait(&out.news, &out.lock);
		}
		line = out.lines[out.first];
		pthread_mutex_unlock(&out.lock);
		write_line(&line);
		pthread_mutex_lock(&out.lock);
		out.first = (out.first + 1) % LINES_KEPT;
		out.count--;
	}
	return NULL;
}

/* Signals are for the main thread. */
static void
start_writer(void)
{
	pthread_t thread;
	sigset_t all;
	sigset_t mask;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &mask);
	out.has_writer = hb_thread_begin(&thread, writer_main, NULL) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
	if (out.has_writer) {
		(void)pthread_detach(thread);
	}
}

void
hb_log_open(const char *file, bool is_foreground, bool is_debug)
{
	out.level = is_debug ? LOG_DEBUG : LOG_INFO;
	openlog("vmha-heartbeatd", LOG_PID, LOG_DAEMON);
	if (is_foreground) {
		out.fds[0] = STDERR_FILENO;
	}
	if (file) {
		out.fds[1] = open(
			file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
		if (out.fds[1] < 0) {
			(void)fprintf(stderr, "can't log to %s: %s\n", file,
				      strerror(errno));
			out.fds[1] = FILE_NONE;
		}
	}
	start_writer();
}

void
hb_log_close(void)
{
	uint64_t deadline_ms = ha_clock_step_ms(UINT64_MAX, LOG_CLOSE_MS);
	bool is_written = !out.has_writer;

	while (!is_written && ha_clock_left_ms(deadline_ms) > 0) {
		pthread_mutex_lock(&out.lock);
		is_written = out.count == 0;
		pthread_mutex_unlock(&out.lock);
		if (!is_written) {
			ha_clock_sleep_ms(LOG_POLL_MS, deadline_ms);
		}
	}
}

/* Lock held. A full ring loses the newest: the oldest tells how it began. */
static void
keep(int level, const char *text, const char *id)
{
	struct line *line = &out.lines[(out.first + out.count) % LINES_KEPT];

	if (out.count == LINES_KEPT) {
		out.lost++;
		return;
	}
	line->level = level;
	line->at = time(NULL);
	(void)snprintf(line->text, sizeof(line->text), "%s [%s]", text, id);
	out.count++;
	pthread_cond_signal(&out.news);
}

void
hb_log(int level, const char *id, const char *format, ...)
{
	char text[LINE_BYTES - ID_BYTES];
	char lost[LOST_BYTES];
	va_list args;

	if (level > out.level) {
		return;
	}
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pthread_mutex_lock(&out.lock);
	if (out.lost > 0 && out.count + 1 < LINES_KEPT) {
		(void)snprintf(lost, sizeof(lost),
			       "%u lines were lost, the log hung", out.lost);
		out.lost = 0;
		keep(LOG_WARNING, lost, "events-lost");
	}
	keep(level, text, id);
	pthread_mutex_unlock(&out.lock);
	while (!out.has_writer && out.count > 0) {
		write_line(&out.lines[out.first]);
		out.first = (out.first + 1) % LINES_KEPT;
		out.count--;
	}
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
