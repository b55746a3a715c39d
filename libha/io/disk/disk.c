/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operations of an open heartbeat area. The stamps are what evidence
 * rests on (SAFETY 1.1, 1.3): submission is taken before the kernel is asked,
 * completion after it has answered, so that an operation never looks younger
 * or faster than it was. Never waits but in the two _sync functions, never
 * allocates, and never touches an operation that the kernel still has.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disk.h"
#include "ha/cleanup.h"
#include "ha/clock.h"

/* poll(2) takes an int: longer waits are done in pieces. */
#define POLL_MAX_MS 60000u

/* Disks that were closed with operations open: the kernel still writes to
 * their operations' buffers, so they stay for the life of the process. */
static struct ha_disk *left_behind;

static void
leave_behind(struct ha_disk *disk)
{
	disk->next_left = __atomic_load_n(&left_behind, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&left_behind, &disk->next_left,
					    disk, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED)) {
	}
}

void
ha_disk_close(struct ha_disk *disk)
{
	struct ha_disk_end ends[HA_DISK_OPS];

	if (!disk) {
		return;
	}
	if (disk->n_open > 0) {
		ha_disk_reap(disk, ends);
	}
	/* io_destroy(2) waits for the operations, and close(2) may wait for
	 * the file system's own flush. */
	if (disk->n_open > 0) {
		leave_behind(disk);
		return;
	}
	if (disk->context) {
		io_destroy(disk->context);
	}
	if (disk->event_fd >= 0) {
		close(disk->event_fd);
	}
	if (disk->fd >= 0) {
		close(disk->fd);
	}
	free(disk);
}

uint64_t
ha_disk_bytes(const struct ha_disk *disk)
{
	return disk->bytes;
}

uint32_t
ha_disk_sector_bytes(const struct ha_disk *disk)
{
	return disk->sector_bytes;
}

uint64_t
ha_disk_device(const struct ha_disk *disk)
{
	return disk->device;
}

int
ha_disk_fd(const struct ha_disk *disk)
{
	return disk->event_fd;
}

/* Pages of their own, unmapped when freed: an operation that still hangs
 * keeps its pages in the kernel, and nobody else ever gets these. The page in
 * front holds the length. */
void *
ha_disk_buffer_new(size_t bytes)
{
	size_t all;
	unsigned char *base;

	if (bytes == 0 ||
	    __builtin_add_overflow(bytes, HA__DISK_ALIGN * 2 - 1, &all)) {
		return NULL;
	}
	all -= all % HA__DISK_ALIGN;
	base = mmap(NULL, all, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (base == MAP_FAILED) {
		return NULL;
	}
	memcpy(base, &all, sizeof(all));
	return base + HA__DISK_ALIGN;
}

void
ha_disk_buffer_free(void *buffer)
{
	unsigned char *base = buffer;
	size_t all;

	if (!buffer) {
		return;
	}
	base -= HA__DISK_ALIGN;
	memcpy(&all, base, sizeof(all));
	munmap(base, all);
}

static struct ha__disk_op *
free_op(struct ha_disk *disk)
{
	for (unsigned int i = 0; i < HA_DISK_OPS; i++) {
		if (!disk->ops[i].is_open) {
			return &disk->ops[i];
		}
	}
	return NULL;
}

static int
begin(struct ha_disk *disk, bool is_write, uint32_t tag, void *buffer,
      size_t bytes, uint64_t offset)
{
	struct ha__disk_op *op = free_op(disk);
	struct iocb *iocb;
	int rc;

	if (!op) {
		return -EAGAIN;
	}
	if (bytes == 0 || bytes % HA__DISK_ALIGN != 0 ||
	    offset % HA__DISK_ALIGN != 0 ||
	    (uintptr_t)buffer % HA__DISK_ALIGN != 0) {
		return -EINVAL;
	}
	/* Past the end a file would grow, and allocate. */
	if (offset > disk->bytes || bytes > disk->bytes - offset) {
		return -ERANGE;
	}
	iocb = &op->iocb;
	if (is_write) {
		io_prep_pwrite(iocb, disk->fd, buffer, bytes,
			       (long long)offset);
	} else {
		io_prep_pread(iocb, disk->fd, buffer, bytes, (long long)offset);
	}
	io_set_eventfd(iocb, disk->event_fd);
	iocb->data = op;
	op->is_write = is_write;
	op->tag = tag;
	op->bytes = bytes;
	op->submitted_ms = ha_clock_now_ms();
	do {
		rc = io_submit(disk->context, 1, &iocb);
	} while (rc == -EINTR);
	if (rc != 1) {
		return rc < 0 ? rc : -EIO;
	}
	op->is_open = true;
	disk->n_open++;
	return 0;
}

int
ha_disk_read(struct ha_disk *disk, uint32_t tag, void *buffer, size_t bytes,
	     uint64_t offset)
{
	return begin(disk, false, tag, buffer, bytes, offset);
}

int
ha_disk_write(struct ha_disk *disk, uint32_t tag, const void *buffer,
	      size_t bytes, uint64_t offset)
{
	/* libaio's iocb has one pointer for both directions. */
	return begin(disk, true, tag, (void *)(uintptr_t)buffer, bytes, offset);
}

static int
op_result(const struct ha__disk_op *op, long res)
{
	if (res < 0) {
		return (int)res;
	}
	return (size_t)res == op->bytes ? 0 : -EIO;
}

int
ha_disk_reap(struct ha_disk *disk, struct ha_disk_end *ret_ends)
{
	struct io_event events[HA_DISK_OPS];
	struct timespec no_wait = { 0, 0 };
	uint64_t count;
	uint64_t now_ms;
	int n;

	/* First the counter, then the events: what ends in between makes the
	 * descriptor readable again. */
	(void)!read(disk->event_fd, &count, sizeof(count));
	do {
		n = io_getevents(disk->context, 0, HA_DISK_OPS, events,
				 &no_wait);
	} while (n == -EINTR);
	now_ms = ha_clock_now_ms();
	for (int i = 0; i < n; i++) {
		struct ha__disk_op *op = events[i].data;

		ret_ends[i] = (struct ha_disk_end){
			.tag = op->tag,
			.is_write = op->is_write,
			.result = op_result(op, (long)events[i].res),
			.submitted_ms = op->submitted_ms,
			.completed_ms = now_ms,
		};
		op->is_open = false;
		disk->n_open--;
	}
	return n > 0 ? n : 0;
}

static int
wait_for_end(struct ha_disk *disk, uint64_t deadline_ms,
	     struct ha_disk_end *ret_end)
{
	struct ha_disk_end ends[HA_DISK_OPS];

	for (;;) {
		struct pollfd p = { .fd = disk->event_fd, .events = POLLIN };
		uint64_t left_ms = ha_clock_left_ms(deadline_ms);

		if (ha_disk_reap(disk, ends) > 0) {
			*ret_end = ends[0];
			return ends[0].result;
		}
		if (left_ms == 0) {
			return -ETIMEDOUT;
		}
		if (left_ms > POLL_MAX_MS) {
			left_ms = POLL_MAX_MS;
		}
		if (poll(&p, 1, (int)left_ms) < 0 && errno != EINTR) {
			return -errno;
		}
	}
}

static int
do_sync(struct ha_disk *disk, bool is_write, void *buffer, size_t bytes,
	uint64_t offset, uint64_t deadline_ms, struct ha_disk_end *ret_end)
{
	struct ha_disk_end end;
	int rc;

	/* Another one's end would be taken for this one's. */
	if (disk->n_open > 0) {
		return -EBUSY;
	}
	rc = begin(disk, is_write, 0, buffer, bytes, offset);
	if (rc == 0) {
		rc = wait_for_end(disk, deadline_ms, &end);
	}
	if (rc == 0 && ret_end) {
		*ret_end = end;
	}
	return rc;
}

int
ha_disk_read_sync(struct ha_disk *disk, void *buffer, size_t bytes,
		  uint64_t offset, uint64_t deadline_ms,
		  struct ha_disk_end *ret_end)
{
	return do_sync(disk, false, buffer, bytes, offset, deadline_ms,
		       ret_end);
}

int
ha_disk_write_sync(struct ha_disk *disk, const void *buffer, size_t bytes,
		   uint64_t offset, uint64_t deadline_ms,
		   struct ha_disk_end *ret_end)
{
	return do_sync(disk, true, (void *)(uintptr_t)buffer, bytes, offset,
		       deadline_ms, ret_end);
}
