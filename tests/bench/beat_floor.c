/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The least that a beat can cost: one block written, all slots read, by direct
 * I/O with a flush, in a loop that does nothing else.
 *
 *     bench-beat-floor FILE SLOTS BEAT_MS BEATS
 *
 * At the pace of the daemon and on its file system, since a thread that sleeps
 * in between finds its caches cold. One line at the end: beats, CPU us a beat,
 * write us, read us (both wall), context switches a beat.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES 4096
#define NS_PER_US 1000
#define NS_PER_MS 1000000
#define NS_PER_S 1000000000
#define SLOTS_MAX 4096
#define FILE_MODE 0600

__attribute__((noreturn)) static void
die(const char *what)
{
	fprintf(stderr, "bench-beat-floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
ns_of(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void
sleep_until(int64_t at_ns)
{
	struct timespec ts = { .tv_sec = at_ns / NS_PER_S,
			       .tv_nsec = at_ns % NS_PER_S };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) ==
	       EINTR) {
	}
}

static void *
buffer_new(size_t bytes)
{
	void *buffer = NULL;

	if (posix_memalign(&buffer, BLOCK_BYTES, bytes) != 0) {
		errno = ENOMEM;
		die("buffer");
	}
	memset(buffer, 1, bytes);
	return buffer;
}

/* Written in full: the first write to a hole would cost more. */
static int
area_open(const char *path, const void *all, size_t bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_DIRECT | O_DSYNC,
		      FILE_MODE);

	if (fd < 0 || pwrite(fd, all, bytes, 0) != (ssize_t)bytes) {
		die(path);
	}
	return fd;
}

static int64_t
switches(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_nvcsw + ru.ru_nivcsw;
}

int
main(int argc, char **argv)
{
	long slots = argc == 5 ? atol(argv[2]) : 0;
	long beat_ms = argc == 5 ? atol(argv[3]) : 0;
	long beats = argc == 5 ? atol(argv[4]) : 0;
	int64_t write_ns = 0, read_ns = 0, cpu_ns, next_ns, switched;
	size_t bytes;
	void *all, *one;
	int fd;

	if (slots < 1 || slots > SLOTS_MAX || beat_ms < 1 || beats < 1) {
		fprintf(stderr, "usage: bench-beat-floor FILE SLOTS BEAT_MS "
				"BEATS\n");
		return 2;
	}
	bytes = (size_t)slots * BLOCK_BYTES;
	all = buffer_new(bytes);
	one = buffer_new(BLOCK_BYTES);
	fd = area_open(argv[1], all, bytes);
	(void)mlockall(MCL_CURRENT);
	cpu_ns = ns_of(CLOCK_PROCESS_CPUTIME_ID);
	switched = switches();
	next_ns = ns_of(CLOCK_MONOTONIC);
	for (long i = 0; i < beats; i++) {
		int64_t begin_ns, middle_ns;

		next_ns += (int64_t)beat_ms * NS_PER_MS;
		sleep_until(next_ns);
		begin_ns = ns_of(CLOCK_MONOTONIC);
		if (pwrite(fd, one, BLOCK_BYTES, 0) != BLOCK_BYTES) {
			die("write");
		}
		middle_ns = ns_of(CLOCK_MONOTONIC);
		if (pread(fd, all, bytes, 0) != (ssize_t)bytes) {
			die("read");
		}
		write_ns += middle_ns - begin_ns;
		read_ns += ns_of(CLOCK_MONOTONIC) - middle_ns;
	}
	cpu_ns = ns_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns;
	switched = switches() - switched;
	printf("%ld %.1f %.1f %.1f %.2f\n", beats,
	       (double)cpu_ns / NS_PER_US / (double)beats,
	       (double)write_ns / NS_PER_US / (double)beats,
	       (double)read_ns / NS_PER_US / (double)beats,
	       (double)switched / (double)beats);
	return 0;
}
