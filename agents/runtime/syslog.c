/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * syslog without syslog(3): that one sends with a blocking socket, so that a
 * syslog daemon that is stopped or stuck holds up everybody who logs, and a
 * monitor with them. Here a line waits a bounded time once per process, and
 * is then dropped. Connected with the first line: most runs log nothing.
 * Format: that of glibc's syslog(3), which every daemon takes (RFC 3164).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "runtime/runtime.h"

#define SYSLOG_PATH "/dev/log"
#define SYSLOG_WAIT_MS 50
#define SYSLOG_LINE_BYTES (RT_LINE_BYTES + 256)

static struct {
	int fd;
	bool tried;
	bool is_stream; /* some daemons still listen so: NUL ends a line */
	bool stuck;
} sender = { .fd = -1 };

int
rt_syslog_facility(const char *name)
{
	static const struct {
		const char *name;
		int facility;
	} FACILITIES[] = {
		{ "daemon", LOG_DAEMON }, { "user", LOG_USER },
		{ "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
		{ "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 },
		{ "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
		{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
		{ "auth", LOG_AUTH },     { "authpriv", LOG_AUTHPRIV },
		{ "cron", LOG_CRON },     { "kern", LOG_KERN },
		{ "lpr", LOG_LPR },       { "mail", LOG_MAIL },
		{ "news", LOG_NEWS },     { "syslog", LOG_SYSLOG },
		{ "uucp", LOG_UUCP },     { "ftp", LOG_FTP },
	};

	for (size_t i = 0; i < sizeof(FACILITIES) / sizeof(FACILITIES[0]);
	     i++) {
		if (strcmp(FACILITIES[i].name, name) == 0) {
			return FACILITIES[i].facility;
		}
	}
	return -1;
}

void
rt_syslog_stamp(char ret_text[RT_STAMP_BYTES])
{
	/* Not strftime("%b"): the month of RFC 3164 has no locale. */
	static const char MONTHS[][4] = { "Jan", "Feb", "Mar", "Apr",
					  "May", "Jun", "Jul", "Aug",
					  "Sep", "Oct", "Nov", "Dec" };
	time_t now = time(NULL);
	struct tm local = { 0 };

	localtime_r(&now, &local);
	snprintf(ret_text, RT_STAMP_BYTES, "%s %2d %02d:%02d:%02d",
		 MONTHS[local.tm_mon >= 0 && local.tm_mon < 12 ? local.tm_mon :
								 0],
		 local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
}

static int
open_socket(int type)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX,
				  .sun_path = SYSLOG_PATH };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static void
connect_once(void)
{
	if (sender.tried) {
		return;
	}
	sender.tried = true;
	sender.fd = open_socket(SOCK_DGRAM);
	if (sender.fd == -EPROTOTYPE) {
		sender.fd = open_socket(SOCK_STREAM);
		sender.is_stream = true;
	}
}

void
rt_syslog_send(int priority, const char *tag, const char *text)
{
	char line[SYSLOG_LINE_BYTES];
	char stamp[RT_STAMP_BYTES];
	struct pollfd ready;
	size_t len;
	int n;

	connect_once();
	if (sender.fd < 0 || sender.stuck) {
		return;
	}
	rt_syslog_stamp(stamp);
	n = snprintf(line, sizeof(line), "<%d>%s %s: %s", priority, stamp, tag,
		     text);
	if (n < 0) {
		return;
	}
	len = (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1;
	len += sender.is_stream ? 1 : 0;
	if (send(sender.fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
	    (errno != EAGAIN && errno != ENOBUFS)) {
		return;
	}
	ready = (struct pollfd){ .fd = sender.fd, .events = POLLOUT };
	if (poll(&ready, 1, SYSLOG_WAIT_MS) <= 0 ||
	    send(sender.fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		sender.stuck = true;
	}
}
