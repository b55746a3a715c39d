/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log of the watchdog emulator; see the header. One write(2) per line, so that
 * a reader never sees half of one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wdtlog.h"

#define LINE_BYTES 256

static int log_fd = -1;

uint64_t
boottime_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * MS_PER_S +
	       (uint64_t)now.tv_nsec / NS_PER_MS;
}

int
wdtlog_open(const char *path)
{
	log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	return log_fd < 0 ? -errno : 0;
}

void
wdtlog(const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;
	size_t len;

	snprintf(line, sizeof(line), "%llu ",
		 (unsigned long long)boottime_ms());
	len = strlen(line);
	va_start(args, format);
	vsnprintf(line + len, sizeof(line) - len - 1, format, args);
	va_end(args);
	strcat(line, "\n");
	if (write(log_fd, line, strlen(line)) < 0) {
		perror("wdt: log");
	}
}
