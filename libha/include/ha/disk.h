/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A heartbeat datastore as bytes: asynchronous direct I/O (O_DIRECT,
 * O_DSYNC; Linux AIO) on a block device or a preallocated file, with stamps
 * that the evidence rules can trust. One thread uses one ha_disk; nothing is
 * allocated after open. I/O that hangs can't be cancelled: it stays open
 * until the kernel ends it, and its buffer must stay.
 */
#ifndef HA_DISK_H
#define HA_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/err.h"

struct ha_disk;

#define HA_DISK_OPS 8 /* operations open at a time */

/* Opens for reading and writing (or reading only). The sentence tells apart:
 * no such file, no direct I/O on this file system, shorter than min_bytes,
 * neither file nor block device, sparse file, in use (a block device that
 * is mounted; it is not claimed by opening it here). May block as open(2) may:
 * call it from the datastore's own thread. */
int ha_disk_open(const char *path, bool is_read_only, uint64_t min_bytes,
		 struct ha_disk **ret_disk, struct ha_err *err);
/* NULL is allowed. With open operations it leaks the context on purpose
 * rather than hang or free memory that the kernel still writes to. */
void ha_disk_close(struct ha_disk *disk);

uint64_t ha_disk_bytes(const struct ha_disk *disk);
uint32_t ha_disk_sector_bytes(const struct ha_disk *disk);
/* Device number of the device below (file: of its file system's device), to
 * warn when two areas share one. */
uint64_t ha_disk_device(const struct ha_disk *disk);
/* Readable (poll) when an operation has ended; now and then once more with
 * nothing to reap. */
int ha_disk_fd(const struct ha_disk *disk);

/* 4096-aligned memory, locked with the rest of the process; NULL: none.
 * Freeing it with a hung operation on it is safe: the kernel keeps the pages,
 * and nobody else gets them. */
void *ha_disk_buffer_new(size_t bytes);
void ha_disk_buffer_free(void *buffer);

/* Begins an operation; `tag` comes back with its end. buffer, bytes and
 * offset are multiples of 4096 (-EINVAL), all within the disk (-ERANGE); the
 * buffer stays until the end. -EAGAIN: HA_DISK_OPS are open. submitted_ms is
 * taken before the kernel is asked. */
int ha_disk_read(struct ha_disk *disk, uint32_t tag, void *buffer, size_t bytes,
		 uint64_t offset);
int ha_disk_write(struct ha_disk *disk, uint32_t tag, const void *buffer,
		  size_t bytes, uint64_t offset);

struct ha_disk_end {
	uint32_t tag;
	bool is_write;
	int result; /* 0 all bytes done, else negative errno; short = -EIO */
	uint64_t submitted_ms;
	uint64_t completed_ms; /* taken after the kernel reported it */
};
/* Collects what has ended, without waiting. Returns how many (0 to
 * HA_DISK_OPS). */
int ha_disk_reap(struct ha_disk *disk, struct ha_disk_end *ret_ends);

/* Synchronous, for the admin tool and the daemon's start: waits up to the
 * deadline, -ETIMEDOUT then (and the disk can only be closed; a buffer of
 * ha_disk_buffer_new() may be freed). -EBUSY: operations are open. ret_end
 * may be NULL. */
int ha_disk_read_sync(struct ha_disk *disk, void *buffer, size_t bytes,
		      uint64_t offset, uint64_t deadline_ms,
		      struct ha_disk_end *ret_end);
int ha_disk_write_sync(struct ha_disk *disk, const void *buffer, size_t bytes,
		       uint64_t offset, uint64_t deadline_ms,
		       struct ha_disk_end *ret_end);

/* Makes a file of that size with every block written (fallocate alone leaves
 * unwritten extents whose first write changes metadata), or checks that what
 * is there already is a fit area of that size: it is never overwritten.
 * -ENOSPC leaves no file behind. Blocks as write(2) may. */
int ha_disk_prepare(const char *path, uint64_t bytes, struct ha_err *err);

#endif
