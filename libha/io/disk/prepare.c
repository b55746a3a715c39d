/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the file of a heartbeat area: every block written, so that no later
 * write has to find or convert one. Never overwrites what is there: an
 * existing file or a block device is only measured. Blocks as write(2) does;
 * the admin command calls it, the daemon never.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"
#include "ha/cleanup.h"
#include "ha/text.h"

/* Large enough to be fast, small enough for any machine. */
#define CHUNK_BYTES (1024u * 1024u)

static int
write_zeros(int fd, const void *zeros, uint64_t bytes)
{
	uint64_t done = 0;

	while (done < bytes) {
		size_t want = bytes - done < CHUNK_BYTES ?
				      (size_t)(bytes - done) :
				      CHUNK_BYTES;
		ssize_t n = pwrite(fd, zeros, want, (off_t)done);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		/* Direct I/O goes on at a block's start; one that is short
		 * of even that met the end of the space. */
		n -= n % (ssize_t)HA__DISK_ALIGN;
		if (n == 0) {
			return -ENOSPC;
		}
		done += (uint64_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* A name is on disk only when its directory is. */
static int
sync_directory(const char *path)
{
	char copy[PATH_MAX];
	ha_autoclose int fd = -1;

	if (ha_text_copy(copy, sizeof(copy), path) < 0) {
		return -ENAMETOOLONG;
	}
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int
fill_failed(const char *path, uint64_t bytes, int code, struct ha_err *err)
{
	if (code == -ENOSPC || code == -EDQUOT) {
		return ha_err_set(err, -ENOSPC,
				  "no room for %s: %" PRIu64
				  " bytes are needed on its file system (%s). "
				  "Make room, or name another path",
				  path, bytes, strerror(-code));
	}
	if (code == -EINVAL) {
		return ha__disk_open_failed(path, code, err);
	}
	return ha_err_set(err, code, "%s can't be written: %s", path,
			  strerror(-code));
}

static int
make_file(const char *path, uint64_t bytes, struct ha_err *err)
{
	ha_autoclose int fd =
		open(path, O_RDWR | O_CREAT | O_EXCL | O_DIRECT | O_CLOEXEC,
		     S_IRUSR | S_IWUSR);
	void *zeros;
	int rc = fd < 0 ? -errno : 0;

	/* Linux makes the file before it finds that direct I/O is missing. */
	if (rc == -EINVAL) {
		unlink(path);
	}
	if (rc == -ENOENT) {
		return ha_err_set(err, rc,
				  "the directory of %s does not exist. Is its "
				  "datastore mounted on this host?",
				  path);
	}
	if (rc < 0) {
		return fill_failed(path, bytes, rc, err);
	}
	zeros = ha_disk_buffer_new(CHUNK_BYTES);
	rc = zeros ? write_zeros(fd, zeros, bytes) : -ENOMEM;
	ha_disk_buffer_free(zeros);
	if (rc == 0) {
		rc = sync_directory(path);
	}
	if (rc < 0) {
		unlink(path);
		return fill_failed(path, bytes, rc, err);
	}
	return 0;
}

/* Opening says everything there is to say about an area. */
static int
measure(const char *path, uint64_t bytes, struct ha_err *err)
{
	struct ha_disk *disk;
	int rc = ha_disk_open(path, false, bytes, &disk, err);

	if (rc == 0) {
		ha_disk_close(disk);
	}
	return rc;
}

int
ha_disk_prepare(const char *path, uint64_t bytes, struct ha_err *err)
{
	struct stat st;

	if (bytes == 0 || bytes % HA__DISK_ALIGN != 0 || bytes > INT64_MAX) {
		return ha_err_set(err, -EINVAL,
				  "%s: an area of %" PRIu64
				  " bytes is no multiple of %u",
				  path, bytes, HA__DISK_ALIGN);
	}
	if (stat(path, &st) == 0) {
		return measure(path, bytes, err);
	}
	return errno == ENOENT ? make_file(path, bytes, err) :
				 ha__disk_open_failed(path, -errno, err);
}
