/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OCF_TRACE_RA / the parameter trace_ra, which "crm resource trace" sets.
 * The shell agents trace each command; here every log line of any level,
 * the environment of the call and its exit code go to the same place:
 * $HA_VARLIB/trace_ra/TYPE/ID.ACTION.DATE.TIME, or OCF_TRACE_FILE.
 * A trace that can't be written is reported and changes nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/text.h"
#include "runtime/runtime.h"

#define HA_VARLIB_DEFAULT "/var/lib/heartbeat"
#define TRACE_DIR_MODE 0755
/* The environment may hold secrets of other parameters. */
#define TRACE_FILE_MODE 0600
#define FIRST_TRACE_FD 3
#define LAST_TRACE_FD 9

static int trace_fd = -1;

bool
rt_is_true(const char *text)
{
	static const char *const YES[] = { "yes", "true", "1", "ja", "on" };

	for (size_t i = 0; text && i < sizeof(YES) / sizeof(YES[0]); i++) {
		if (strcasecmp(text, YES[i]) == 0) {
			return true;
		}
	}
	return false;
}

static void
make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, TRACE_DIR_MODE);
		*slash = '/';
	}
}

static int
default_path(const struct agent_ctx *ctx, char path[PATH_MAX])
{
	const char *dir = getenv("OCF_RESKEY_trace_dir");
	const char *var = getenv("HA_VARLIB");
	const char *type = getenv("OCF_RESOURCE_TYPE");
	char id[NAME_MAX];
	char stamp[32];
	struct tm local = { 0 };
	time_t now = time(NULL);
	int len;

	snprintf(id, sizeof(id), "%s", ctx->instance);
	for (char *c = id; *c; c++) {
		*c = *c == '/' ? '_' : *c;
	}
	localtime_r(&now, &local);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d.%H:%M:%S", &local);
	if (!ha_text_is_empty(dir)) {
		len = snprintf(path, PATH_MAX, "%s/%s/%s.%s.%s", dir,
			       ha_text_is_empty(type) ? ctx->desc->name : type,
			       id, ctx->action->name, stamp);
	} else {
		len = snprintf(path, PATH_MAX, "%s/trace_ra/%s/%s.%s.%s",
			       ha_text_is_empty(var) ? HA_VARLIB_DEFAULT : var,
			       ha_text_is_empty(type) ? ctx->desc->name : type,
			       id, ctx->action->name, stamp);
	}
	return len > 0 && len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int
open_path(char *path)
{
	make_parents(path);
	return open(path,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY |
			    O_NONBLOCK,
		    TRACE_FILE_MODE);
}

static void
write_environment(void)
{
	char line[RT_LINE_BYTES];

	for (char **variable = environ; variable && *variable; variable++) {
		snprintf(line, sizeof(line), "env: %s", *variable);
		rt_clean_line(line);
		rt_trace_line(line);
	}
}

void
rt_trace_open(const struct agent_ctx *ctx)
{
	const char *wanted = getenv("OCF_TRACE_RA");
	const char *file = getenv("OCF_TRACE_FILE");
	char path[PATH_MAX] = "";
	int fd;

	if (ha_text_is_empty(wanted)) {
		wanted = getenv("OCF_RESKEY_trace_ra");
	}
	if (!rt_is_true(wanted)) {
		return;
	}
	if (!ha_text_is_empty(file) && file[1] == '\0' &&
	    file[0] >= '0' + FIRST_TRACE_FD && file[0] <= '0' + LAST_TRACE_FD) {
		fd = file[0] - '0';
	} else if (!ha_text_is_empty(file) && file[0] == '/' &&
		   ha_text_copy(path, sizeof(path), file) == 0) {
		fd = open_path(path);
	} else if (isatty(STDERR_FILENO) || default_path(ctx, path) < 0) {
		return;
	} else {
		fd = open_path(path);
	}
	if (fd < 0) {
		agent_log(ctx, AGENT_WARNING,
			  "trace_ra: %s can't be written (%s); no trace", path,
			  strerror(errno));
		return;
	}
	trace_fd = fd;
	write_environment();
}

void
rt_trace_line(const char *text)
{
	char line[RT_LINE_BYTES + 64];
	ssize_t ignored;
	int len;

	if (trace_fd < 0) {
		return;
	}
	len = snprintf(line, sizeof(line), "+ %llu ms: %s\n",
		       (unsigned long long)ha_clock_now_ms(), text);
	if (len > 0) {
		ignored = write(trace_fd, line,
				(size_t)len < sizeof(line) ? (size_t)len :
							     sizeof(line) - 1);
		(void)ignored;
	}
}

void
rt_trace_close(int exit_code)
{
	char text[64];

	snprintf(text, sizeof(text), "exit %d %s", exit_code,
		 ocf_rc_name((enum ocf_rc)exit_code));
	rt_trace_line(text);
}
