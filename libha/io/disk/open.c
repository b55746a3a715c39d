/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens a heartbeat area and refuses what can't carry evidence: a page cache
 * in between, a file whose blocks would have to be found at write time (a
 * full file system would then stop the beats), a device that somebody else
 * writes. Says what to do about each.
 *
 * A block device is tried with O_EXCL but not held so: the daemon, the admin
 * command and its helpers of one host work on the same device at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "disk.h"
#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/text.h"

/* What st_blocks counts in, whatever the file system (stat(2)). */
#define STAT_BLOCK_BYTES 512u
/* Another vmha process tries O_EXCL for microseconds; a mount stays. */
#define CLAIM_TRIES 5u
#define CLAIM_PAUSE_MS 20u
#define SECTOR_UNKNOWN_BYTES HA__DISK_ALIGN
#define KIB 1024u

int
ha__disk_size(int fd, const struct stat *st, uint64_t *ret_bytes)
{
	if (S_ISREG(st->st_mode)) {
		*ret_bytes = (uint64_t)st->st_size;
		return 0;
	}
	return ioctl(fd, BLKGETSIZE64, ret_bytes) < 0 ? -errno : 0;
}

int
ha__disk_is_sparse(int fd, const struct stat *st, uint64_t bytes)
{
	off_t hole;

	if (!S_ISREG(st->st_mode)) {
		return 0;
	}
	if ((uint64_t)st->st_blocks * STAT_BLOCK_BYTES < bytes) {
		return 1;
	}
	/* Finds preallocated blocks that were never written, too. A file
	 * system that knows no holes answers with the end of the file. */
	hole = lseek(fd, 0, SEEK_HOLE);
	if (hole < 0) {
		return errno == EINVAL || errno == EOPNOTSUPP ? 0 : -errno;
	}
	return (uint64_t)hole < bytes;
}

int
ha__disk_is_claimed(const char *path)
{
	for (unsigned int i = 0;; i++) {
		ha_autoclose int fd = open(path, O_RDWR | O_EXCL | O_CLOEXEC);

		if (fd >= 0) {
			return 0;
		}
		if (errno != EBUSY || i + 1 == CLAIM_TRIES) {
			return -errno;
		}
		ha_clock_sleep_ms(CLAIM_PAUSE_MS, UINT64_MAX);
	}
}

int
ha__disk_wrong_kind(const char *path, const struct stat *st, struct ha_err *err)
{
	return ha_err_set(err, -EINVAL,
			  "%s is %s. A heartbeat datastore is a block device "
			  "or a file made by \"vmha heartbeat create\"",
			  path,
			  S_ISDIR(st->st_mode) ? "a directory" :
						 "neither file nor block "
						 "device");
}

int
ha__disk_open_failed(const char *path, int code, struct ha_err *err)
{
	switch (-code) {
	case ENOENT:
		return ha_err_set(err, code,
				  "%s does not exist. Is its datastore mounted "
				  "or its LUN connected on this host?",
				  path);
	case EINVAL:
		return ha_err_set(err, code,
				  "the file system of %s has no direct I/O "
				  "(O_DIRECT). Use a block device, or a file "
				  "on ext4, XFS, NFS, GFS2 or OCFS2",
				  path);
	case EBUSY:
		return ha_err_set(
			err, code,
			"%s is in use: it is mounted, or part of a "
			"RAID, volume group or swap. Free it, or name "
			"another device",
			path);
	case EACCES:
	case EPERM:
	case EROFS:
		return ha_err_set(err, code,
				  "%s can't be opened for writing: %s. Check "
				  "its permissions and how it is exported",
				  path, strerror(-code));
	default:
		return ha_err_set(err, code, "%s can't be opened: %s", path,
				  strerror(-code));
	}
}

/* The first number of a sysfs file, or of none of them. */
static bool
read_number(const char *path, const char *format, unsigned int *ret_a,
	    unsigned int *ret_b)
{
	ha_autofile FILE *f = fopen(path, "re");
	char text[64];
	char *end;
	unsigned long a;
	unsigned long b = 0;

	if (!f || !fgets(text, sizeof(text), f)) {
		return false;
	}
	a = strtoul(text, &end, 10);
	if (end == text) {
		return false;
	}
	if (format && *end == ':') {
		b = strtoul(end + 1, NULL, 10);
	}
	*ret_a = (unsigned int)a;
	*ret_b = (unsigned int)b;
	return true;
}

/* Two partitions of one disk share its fate: the disk's own number. */
static dev_t
whole_disk(dev_t dev)
{
	char path[96];
	unsigned int a;
	unsigned int b;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition",
		 major(dev), minor(dev));
	if (access(path, F_OK) < 0) {
		return dev;
	}
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", major(dev),
		 minor(dev));
	return read_number(path, ":", &a, &b) ? makedev(a, b) : dev;
}

static uint32_t
sector_bytes(dev_t whole)
{
	char path[96];
	unsigned int bytes;
	unsigned int none;

	snprintf(path, sizeof(path),
		 "/sys/dev/block/%u:%u/queue/logical_block_size", major(whole),
		 minor(whole));
	return read_number(path, NULL, &bytes, &none) ? bytes :
							SECTOR_UNKNOWN_BYTES;
}

static int
judge(struct ha_disk *disk, const char *path, uint64_t min_bytes,
      struct ha_err *err)
{
	struct stat st;
	dev_t whole;
	int rc;

	if (fstat(disk->fd, &st) < 0) {
		return ha_err_set(err, -errno, "%s can't be examined: %s", path,
				  strerror(errno));
	}
	rc = ha__disk_size(disk->fd, &st, &disk->bytes);
	if (rc < 0) {
		return ha_err_set(err, rc, "the size of %s is not known: %s",
				  path, strerror(-rc));
	}
	if (disk->bytes < min_bytes) {
		return ha_err_set(err, -ERANGE,
				  "%s has %" PRIu64 " KiB, %" PRIu64
				  " KiB are needed. Make it larger, or name "
				  "another one",
				  path, disk->bytes / KIB,
				  (min_bytes + KIB - 1) / KIB);
	}
	rc = ha__disk_is_sparse(disk->fd, &st, min_bytes);
	if (rc < 0) {
		return ha_err_set(err, rc, "the blocks of %s are not known: %s",
				  path, strerror(-rc));
	}
	if (rc > 0) {
		return ha_err_set(err, -ENODATA,
				  "%s is sparse or not fully written: a full "
				  "file system would stop the beats. Remove it "
				  "and use \"vmha heartbeat create\"",
				  path);
	}
	whole = whole_disk(S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev);
	disk->device = whole;
	disk->sector_bytes = sector_bytes(whole);
	if (disk->sector_bytes > HA__DISK_ALIGN) {
		return ha_err_set(
			err, -ENOTSUP,
			"%s has sectors of %u bytes, not more than %u "
			"are supported. Name another device",
			path, disk->sector_bytes, HA__DISK_ALIGN);
	}
	return 0;
}

/* The kind is looked at before open(2), which would wait on a fifo and has
 * side effects on other devices. */
static int
open_path(const char *path, bool is_read_only, struct ha_err *err)
{
	int access_mode = is_read_only ? O_RDONLY : O_RDWR;
	struct stat st;
	int rc;
	int fd;

	if (stat(path, &st) < 0) {
		return ha__disk_open_failed(path, -errno, err);
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		return ha__disk_wrong_kind(path, &st, err);
	}
	if (S_ISBLK(st.st_mode) && !is_read_only) {
		rc = ha__disk_is_claimed(path);
		if (rc < 0) {
			return ha__disk_open_failed(path, rc, err);
		}
	}
	fd = open(path,
		  access_mode | O_DIRECT | O_DSYNC | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 ? fd : ha__disk_open_failed(path, -errno, err);
}

static int
make_context(struct ha_disk *disk, const char *path, struct ha_err *err)
{
	int rc;

	disk->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (disk->event_fd < 0) {
		return ha_err_set(err, -errno, "%s: no event descriptor: %s",
				  path, strerror(errno));
	}
	rc = io_setup(HA_DISK_OPS, &disk->context);
	if (rc == -EAGAIN) {
		return ha_err_set(err, rc,
				  "%s: the kernel's limit of asynchronous I/O "
				  "is reached. Raise the sysctl fs.aio-max-nr",
				  path);
	}
	return rc < 0 ? ha_err_set(err, rc,
				   "%s: no asynchronous I/O: %s. The kernel "
				   "needs CONFIG_AIO",
				   path, strerror(-rc)) :
			0;
}

int
ha_disk_open(const char *path, bool is_read_only, uint64_t min_bytes,
	     struct ha_disk **ret_disk, struct ha_err *err)
{
	struct ha_disk *disk = calloc(1, sizeof(*disk));
	int rc;

	if (!disk) {
		return ha_err_set(err, -ENOMEM, "out of memory");
	}
	disk->event_fd = -1;
	disk->fd = open_path(path, is_read_only, err);
	rc = disk->fd < 0 ? disk->fd : judge(disk, path, min_bytes, err);
	if (rc == 0) {
		rc = make_context(disk, path, err);
	}
	if (rc < 0) {
		ha_disk_close(disk);
		return rc;
	}
	*ret_disk = disk;
	return 0;
}
