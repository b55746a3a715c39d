/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of io/disk share: the disk itself, and how a path is opened
 * and judged. Nothing outside io/disk includes this.
 */
#ifndef HA_IO_DISK_H
#define HA_IO_DISK_H

#include <libaio.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "ha/disk.h"

/* One block of ha/area.h, and the largest sector that it may be torn by. */
#define HA__DISK_ALIGN 4096u

struct ha__disk_op {
	struct iocb iocb;
	bool is_open;
	bool is_write;
	uint32_t tag;
	size_t bytes;
	uint64_t submitted_ms;
};

struct ha_disk {
	int fd;
	int event_fd;
	io_context_t context;
	uint64_t bytes;
	uint32_t sector_bytes;
	uint64_t device;
	unsigned int n_open;
	struct ha__disk_op ops[HA_DISK_OPS];
	struct ha_disk *next_left; /* see ha_disk_close() */
};

/* Size in bytes of an open file or block device. */
int ha__disk_size(int fd, const struct stat *st, uint64_t *ret_bytes);
/* Would a write have to allocate, anywhere in the first `bytes`? 0 no, 1 yes,
 * negative errno. */
int ha__disk_is_sparse(int fd, const struct stat *st, uint64_t bytes);
/* Is the block device claimed by somebody (mounted, swap, part of a RAID or
 * of a volume group)? 0 no, negative errno: -EBUSY yes. */
int ha__disk_is_claimed(const char *path);
/* Neither file nor block device. */
int ha__disk_wrong_kind(const char *path, const struct stat *st,
			struct ha_err *err);
int ha__disk_open_failed(const char *path, int code, struct ha_err *err);

#endif
