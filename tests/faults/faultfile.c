/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data of open files, with the faults applied; see the header. Reads and
 * writes go through the machine's page cache, which all hosts of a bed share:
 * that is what makes a write visible everywhere at once. O_DIRECT is therefore
 * not passed on, but its rule is kept: sizes and offsets that are no multiple
 * of a sector are refused, as a disk refuses them.
 */
#define FUSE_USE_VERSION 312
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "faultfile.h"
#include "rules.h"

#define SECTOR_BYTES 512
/* A blocked lock asks again this often; the asker may be killed meanwhile. */
#define LOCK_POLL_NS (20 * 1000000L)

struct file *
file_of(const struct fuse_file_info *fi)
{
	return (struct file *)(uintptr_t)fi->fh;
}

int
file_open(int backing, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	size_t bytes = strlen(name) + 1;
	struct file *file = calloc(1, sizeof(*file) + bytes);

	if (file == NULL) {
		return -ENOMEM;
	}
	memcpy(file->path, name, bytes);
	file->is_direct = (fi->flags & O_DIRECT) != 0;
	file->fd = openat(backing, name,
			  (fi->flags & ~(O_DIRECT | O_NOFOLLOW)) | O_CLOEXEC,
			  mode);
	if (file->fd < 0) {
		int error = errno;

		free(file);
		return -error;
	}
	fi->fh = (uintptr_t)file;
	fi->direct_io = 1;
	return 0;
}

int
file_release(const char *path, struct fuse_file_info *fi)
{
	struct file *file = file_of(fi);

	(void)path;
	close(file->fd);
	free(file);
	return 0;
}

static int
fail_only(enum rule_op op, const struct file *file)
{
	struct rule_verdict verdict = rules_judge(op, file->path);

	return verdict.result == RESULT_FAIL ? -verdict.error : 0;
}

int
file_stat(struct fuse_file_info *fi, struct stat *st)
{
	int result = fail_only(RULE_META, file_of(fi));

	if (result == 0 && fstat(file_of(fi)->fd, st) < 0) {
		result = -errno;
	}
	return result;
}

int
file_truncate(struct fuse_file_info *fi, off_t size)
{
	int result = fail_only(RULE_WRITE, file_of(fi));

	if (result == 0 && ftruncate(file_of(fi)->fd, size) < 0) {
		result = -errno;
	}
	return result;
}

static bool
is_misaligned(const struct file *file, size_t size, off_t offset)
{
	return file->is_direct &&
	       (size % SECTOR_BYTES != 0 || offset % SECTOR_BYTES != 0);
}

int
file_read(const char *path, char *buf, size_t size, off_t offset,
	  struct fuse_file_info *fi)
{
	struct file *file = file_of(fi);
	size_t done = 0;
	int result;

	(void)path;
	if (is_misaligned(file, size, offset)) {
		return -EINVAL;
	}
	result = fail_only(RULE_READ, file);
	while (result == 0 && done < size) {
		ssize_t n = pread(file->fd, buf + done, size - done,
				  offset + (off_t)done);

		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		if (n == 0) {
			break;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return result < 0 ? result : (int)done;
}

static int
write_all(int fd, const char *buf, size_t size, off_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, buf + done, size - done,
				   offset + (off_t)done);

		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int
file_write(const char *path, const char *buf, size_t size, off_t offset,
	   struct fuse_file_info *fi)
{
	struct file *file = file_of(fi);
	struct rule_verdict verdict;
	size_t part = size;
	int result;

	(void)path;
	if (is_misaligned(file, size, offset)) {
		return -EINVAL;
	}
	verdict = rules_judge(RULE_WRITE, file->path);
	switch (verdict.result) {
	case RESULT_PASS:
		break;
	case RESULT_FAIL:
		return -verdict.error;
	case RESULT_DROP:
		return (int)size;
	case RESULT_TEAR:
	case RESULT_TEARFAIL:
		part = verdict.bytes < size ? verdict.bytes : size;
		break;
	}
	result = write_all(file->fd, buf, part, offset);
	if (result == 0 && verdict.result == RESULT_TEARFAIL) {
		result = -EIO;
	}
	return result < 0 ? result : (int)size;
}

int
file_fsync(const char *path, int data_only, struct fuse_file_info *fi)
{
	struct file *file = file_of(fi);
	int result = fail_only(RULE_FSYNC, file);

	(void)path;
	if (result == 0) {
		result = data_only ? fdatasync(file->fd) : fsync(file->fd);
		result = result < 0 ? -errno : 0;
	}
	return result;
}

int
file_fallocate(const char *path, int mode, off_t offset, off_t size,
	       struct fuse_file_info *fi)
{
	int result = fail_only(RULE_WRITE, file_of(fi));

	(void)path;
	if (result == 0 && fallocate(file_of(fi)->fd, mode, offset, size) < 0) {
		result = -errno;
	}
	return result;
}

off_t
file_lseek(const char *path, off_t offset, int whence,
	   struct fuse_file_info *fi)
{
	off_t result = lseek(file_of(fi)->fd, offset, whence);

	(void)path;
	return result < 0 ? -errno : result;
}

/*
 * Locks of hosts meet at the backing file, as QEMU's image locks need it. The
 * kernel releases all locks of a process at each close; for a process that
 * never locked, a forked child say, this must not touch its parent's.
 */
int
file_lock(const char *path, struct fuse_file_info *fi, int cmd,
	  struct flock *lock)
{
	const struct timespec pause = { .tv_nsec = LOCK_POLL_NS };
	struct file *file = file_of(fi);

	(void)path;
	lock->l_pid = 0;
	if (cmd == F_GETLK) {
		return fcntl(file->fd, F_OFD_GETLK, lock) < 0 ? -errno : 0;
	}
	if (lock->l_type != F_UNLCK) {
		file->locker = fi->lock_owner;
	} else if (file->locker != fi->lock_owner) {
		return 0;
	}
	while (fcntl(file->fd, F_OFD_SETLK, lock) < 0) {
		if (cmd != F_SETLKW || (errno != EAGAIN && errno != EACCES)) {
			return -errno;
		}
		if (fuse_interrupted()) {
			return -EINTR;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

int
file_flock(const char *path, struct fuse_file_info *fi, int op)
{
	const struct timespec pause = { .tv_nsec = LOCK_POLL_NS };

	(void)path;
	while (flock(file_of(fi)->fd, op | LOCK_NB) < 0) {
		if ((op & LOCK_NB) != 0 || errno != EWOULDBLOCK) {
			return -errno;
		}
		if (fuse_interrupted()) {
			return -EINTR;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}
