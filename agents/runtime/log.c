/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where log lines and exit reasons go. Form and destinations are those of
 * ha_log(), ha_debug() and ocf_exit_reason() in ocf-shellfuncs, so that an
 * operator's habits and filters keep working. Nothing here may block an
 * action: a stuck syslog daemon or a full pipe costs a bounded wait once and
 * then the line.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/text.h"
#include "runtime/runtime.h"

#define STDERR_WAIT_MS 50
#define LOG_FILE_MODE 0640
#define TAG_BYTES 192
#define LINE_BYTES (RT_LINE_BYTES + TAG_BYTES + 8)

static const struct {
	const char *word;
	int priority;
} LEVELS[] = {
	[AGENT_ERROR] = { "ERROR", LOG_ERR },
	[AGENT_WARNING] = { "WARNING", LOG_WARNING },
	[AGENT_NOTICE] = { "NOTICE", LOG_NOTICE },
	[AGENT_INFO] = { "INFO", LOG_INFO },
	[AGENT_DEBUG] = { "DEBUG", LOG_DEBUG },
};

void
rt_clean_line(char *text)
{
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f) {
			*c = ' ';
		}
	}
}

const char *
rt_reason_prefix(void)
{
	const char *prefix = getenv("OCF_EXIT_REASON_PREFIX");

	return ha_text_is_empty(prefix) ? "ocf-exit-reason:" : prefix;
}

void
rt_stderr_line(const char *text)
{
	static bool stuck;
	char line[LINE_BYTES];
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	size_t len = strnlen(text, sizeof(line) - 1);
	ssize_t ignored;

	/* A pipe that polls writable has room for PIPE_BUF, which is more
	 * than a line, so that the write itself does not wait. */
	if (stuck || poll(&fd, 1, STDERR_WAIT_MS) == 0) {
		stuck = true;
		return;
	}
	memcpy(line, text, len);
	line[len++] = '\n';
	ignored = write(STDERR_FILENO, line, len);
	(void)ignored;
}

static void
make_tag(const struct agent_ctx *ctx, char tag[TAG_BYTES])
{
	const char *given = getenv("HA_LOGTAG");

	if (!ha_text_is_empty(given)) {
		snprintf(tag, TAG_BYTES, "%s", given);
		return;
	}
	snprintf(tag, TAG_BYTES, "%s(%s)[%d]", ctx->desc->name, ctx->instance,
		 (int)getpid());
}

static void
append_file(const char *path, const char *line)
{
	/* Non-blocking for the case that it is a FIFO without a reader. */
	ha_autoclose int fd = open(path,
				   O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
					   O_NOCTTY | O_NONBLOCK,
				   LOG_FILE_MODE);
	ssize_t ignored;

	if (fd >= 0) {
		ignored = write(fd, line, strlen(line));
		(void)ignored;
	}
}

/* Date and line in the order that ha_log() has for the two kinds of file. */
static void
log_to_files(const char *tag, const char *text, bool is_debug)
{
	char line[RT_LINE_BYTES + 2 * TAG_BYTES];
	char stamp[RT_STAMP_BYTES];
	const char *file = getenv("HA_LOGFILE");
	const char *debug_file = getenv("HA_DEBUGLOG");

	if (ha_text_is_empty(file) && ha_text_is_empty(debug_file)) {
		return;
	}
	rt_syslog_stamp(stamp);
	if (!ha_text_is_empty(file) && !is_debug) {
		snprintf(line, sizeof(line), "%s %s:    %s\n", stamp, tag,
			 text);
		append_file(file, line);
	}
	if (!ha_text_is_empty(debug_file) &&
	    (is_debug || ha_text_is_empty(file) ||
	     strcmp(file, debug_file) != 0)) {
		snprintf(line, sizeof(line), "%s:\t%s %s\n", tag, stamp, text);
		append_file(debug_file, line);
	}
}

/* `said`: the operator has the text on stderr already. */
static void
log_line(const struct agent_ctx *ctx, enum agent_level level, bool said,
	 const char *text)
{
	char line[LINE_BYTES];
	char tag[TAG_BYTES];
	const char *facility_name = getenv("HA_LOGFACILITY");
	const char *file =
		getenv(level == AGENT_DEBUG ? "HA_DEBUGLOG" : "HA_LOGFILE");
	bool to_syslog = !ha_text_is_empty(facility_name) &&
			 strcmp(facility_name, "none") != 0;

	make_tag(ctx, tag);
	if (isatty(STDERR_FILENO)) {
		if (!said) {
			snprintf(line, sizeof(line), "%s: %s", tag, text);
			rt_stderr_line(line);
		}
		return;
	}
	if (to_syslog) {
		int facility = rt_syslog_facility(facility_name);

		rt_syslog_send((facility < 0 ? LOG_DAEMON : facility) |
				       LEVELS[level].priority,
			       tag, text);
	}
	log_to_files(tag, text, level == AGENT_DEBUG);
	if (!to_syslog && ha_text_is_empty(file) && !said) {
		snprintf(line, sizeof(line), "%s: %s", tag, text);
		rt_stderr_line(line);
	}
}

static bool
wants_debug(void)
{
	const char *debug = getenv("HA_debug");

	return !ha_text_is_empty(debug) && strcmp(debug, "0") != 0;
}

static void
log_words(const struct agent_ctx *ctx, enum agent_level level, bool said,
	  const char *words)
{
	char text[RT_LINE_BYTES];

	if (ctx->is_probe) {
		level = AGENT_DEBUG;
	}
	snprintf(text, sizeof(text), "%s: %s", LEVELS[level].word, words);
	rt_clean_line(text);
	rt_trace_line(text);
	if (level != AGENT_DEBUG || wants_debug()) {
		log_line(ctx, level, said, text);
	}
}

void
agent_log(const struct agent_ctx *ctx, enum agent_level level, const char *fmt,
	  ...)
{
	char words[RT_LINE_BYTES];
	int saved_errno = errno;
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(words, sizeof(words), fmt, args) >= 0) {
		log_words(ctx, level, false, words);
	}
	va_end(args);
	errno = saved_errno;
}

__attribute__((format(printf, 2, 0))) static void
say_reason(const struct agent_ctx *ctx, const char *fmt, va_list args,
	   bool with_log)
{
	char words[RT_LINE_BYTES];
	char line[LINE_BYTES];

	if (vsnprintf(words, sizeof(words), fmt, args) < 0) {
		words[0] = '\0';
	}
	rt_clean_line(words);
	snprintf(line, sizeof(line), "%s%s", rt_reason_prefix(), words);
	rt_stderr_line(line);
	if (with_log) {
		log_words(ctx, AGENT_ERROR, true, words);
	}
}

enum ocf_rc
agent_fail(const struct agent_ctx *ctx, enum ocf_rc rc, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_reason(ctx, fmt, args, true);
	va_end(args);
	return rc;
}

enum ocf_rc
agent_repeat(const struct agent_ctx *ctx, enum ocf_rc rc, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say_reason(ctx, fmt, args, false);
	va_end(args);
	return rc;
}
