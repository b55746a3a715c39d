/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd's readiness protocol, sd_notify(3): one datagram to the socket named
 * by NOTIFY_SOCKET. Nothing depends on it being heard.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ha/cleanup.h"
#include "heartbeat/serve.h"

#define NOTIFY_BYTES 1024

void
hbs_notify(const char *format, ...)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	ha_autoclose int fd = -1;
	char text[NOTIFY_BYTES];
	size_t len;
	va_list args;

	if (!path || (path[0] != '/' && path[0] != '@')) {
		return;
	}
	len = strlen(path);
	if (len >= sizeof(address.sun_path)) {
		return;
	}
	memcpy(address.sun_path, path, len);
	if (path[0] == '@') {
		address.sun_path[0] = '\0'; /* abstract: unix(7) */
	}
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		(void)sendto(
			fd, text, strlen(text), MSG_NOSIGNAL,
			(struct sockaddr *)&address,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				    len));
	}
}
