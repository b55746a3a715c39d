/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log of the watchdog emulator; see the header. One write(2) per line, so that
 * a reader never sees half of one. A thread of its own writes: the log may lie
 * on a disk that stands still, and a dog that waits for it would let nobody
 * pet it and bite for that.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wdtlog.h"

#define LINE_BYTES 256

/* How long the end waits for the last lines to be written. */
#define END_S 1

static int log_fd = -1;
static int line_pipe[2] = { -1, -1 };
static pthread_t writer;

uint64_t
boottime_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * MS_PER_S +
	       (uint64_t)now.tv_nsec / NS_PER_MS;
}

static void *
write_lines(void *unused)
{
	char lines[LINE_BYTES];
	ssize_t len;

	/* Packets: each read is one line. */
	while ((len = read(line_pipe[0], lines, sizeof(lines))) > 0) {
		if (write(log_fd, lines, (size_t)len) < 0) {
			perror("wdt: log");
		}
	}
	return unused;
}

int
wdtlog_open(const char *path)
{
	log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (log_fd < 0 || pipe2(line_pipe, O_CLOEXEC | O_DIRECT) < 0 ||
	    fcntl(line_pipe[1], F_SETFL, O_NONBLOCK | O_DIRECT) < 0) {
		return -errno;
	}
	return -pthread_create(&writer, NULL, write_lines, NULL);
}

void
wdtlog_end(void)
{
	struct timespec until;

	close(line_pipe[1]);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_S;
	(void)pthread_timedjoin_np(writer, NULL, &until);
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
	/* A full pipe: the line is lost, the dog is not late. */
	(void)!write(line_pipe[1], line, strlen(line));
}
