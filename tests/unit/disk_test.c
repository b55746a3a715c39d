/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libha/io/disk on real files next to this program, on full, unfit and
 * missing file systems, and on a loop device. Everything that is mounted is
 * mounted in a namespace of this program's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/loop.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/disk.h"

#define BLOCK 4096u
#define AREA_BYTES (64u * BLOCK)
#define FAR_MS 10000u
#define FULL_BYTES (32u * BLOCK) /* smaller than an area */

static char dir[512];

static const char *
in_dir(const char *name)
{
	static char path[600];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static const char *
prepared(const char *name)
{
	const char *path = in_dir(name);

	unlink(path);
	assert_int_equal(ha_disk_prepare(path, AREA_BYTES, NULL), 0);
	return path;
}

static struct ha_disk *
opened(const char *name)
{
	struct ha_disk *disk = NULL;

	assert_int_equal(
		ha_disk_open(prepared(name), false, AREA_BYTES, &disk, NULL),
		0);
	return disk;
}

static void
refused(const char *path, int code, const char *words)
{
	struct ha_disk *disk = NULL;
	struct ha_err err = HA_ERR_INIT;

	assert_int_equal(ha_disk_open(path, false, AREA_BYTES, &disk, &err),
			 code);
	assert_null(disk);
	if (!strstr(err.text, words) || !strstr(err.text, path)) {
		fail_msg("\"%s\" lacks \"%s\" or the path", err.text, words);
	}
}

static uint64_t
soon(void)
{
	return ha_clock_now_ms() + FAR_MS;
}

static void
writes_and_reads_back(void **state)
{
	struct ha_disk *disk = opened("area");
	unsigned char *a = ha_disk_buffer_new(2 * BLOCK);
	unsigned char *b = ha_disk_buffer_new(2 * BLOCK);
	struct ha_disk_end end;
	uint64_t before_ms = ha_clock_now_ms();

	(void)state;
	assert_int_equal((uintptr_t)a % BLOCK, 0);
	assert_int_equal(ha_disk_bytes(disk), AREA_BYTES);
	assert_int_not_equal(ha_disk_device(disk), 0);
	assert_true(ha_disk_sector_bytes(disk) >= 512);
	memset(a, 0xa5, 2 * BLOCK);
	assert_int_equal(ha_disk_write_sync(disk, a, 2 * BLOCK,
					    AREA_BYTES - 2 * BLOCK, soon(),
					    &end),
			 0);
	assert_true(end.is_write);
	assert_true(end.submitted_ms >= before_ms);
	assert_true(end.completed_ms >= end.submitted_ms);
	assert_true(end.completed_ms <= ha_clock_now_ms());
	assert_int_equal(ha_disk_read_sync(disk, b, 2 * BLOCK,
					   AREA_BYTES - 2 * BLOCK, soon(),
					   &end),
			 0);
	assert_false(end.is_write);
	assert_memory_equal(a, b, 2 * BLOCK);
	/* The block before is still zero. */
	assert_int_equal(ha_disk_read_sync(disk, b, BLOCK,
					   AREA_BYTES - 3 * BLOCK, soon(),
					   &end),
			 0);
	for (size_t i = 0; i < BLOCK; i++) {
		assert_int_equal(b[i], 0);
	}
	ha_disk_close(disk);
	ha_disk_buffer_free(a);
	ha_disk_buffer_free(b);
	ha_disk_buffer_free(NULL);
	ha_disk_close(NULL);
}

/* Reaps until n have ended; *ret_tags has a bit per tag. */
static void
reap_all(struct ha_disk *disk, int n, uint32_t *ret_tags)
{
	*ret_tags = 0;
	while (n > 0) {
		struct ha_disk_end ends[HA_DISK_OPS];
		struct pollfd p = { ha_disk_fd(disk), POLLIN, 0 };
		int got;

		assert_int_equal(poll(&p, 1, (int)FAR_MS), 1);
		got = ha_disk_reap(disk, ends);
		for (int i = 0; i < got; i++) {
			assert_int_equal(ends[i].result, 0);
			*ret_tags |= 1u << ends[i].tag;
		}
		n -= got;
	}
	assert_int_equal(n, 0);
}

static void
takes_eight_and_tags_them(void **state)
{
	struct ha_disk *disk = opened("area");
	unsigned char *buffer = ha_disk_buffer_new((HA_DISK_OPS + 1) * BLOCK);
	struct ha_disk_end ends[HA_DISK_OPS];
	struct pollfd p = { ha_disk_fd(disk), POLLIN, 0 };
	uint32_t tags;

	(void)state;
	assert_int_equal(ha_disk_reap(disk, ends), 0);
	for (uint32_t i = 0; i < HA_DISK_OPS; i++) {
		assert_int_equal(ha_disk_write(disk, i, buffer + i * BLOCK,
					       BLOCK, i * BLOCK),
				 0);
	}
	/* Ended or not, they are open until they are reaped. */
	assert_int_equal(ha_disk_read(disk, 9, buffer, BLOCK, 0), -EAGAIN);
	assert_int_equal(
		ha_disk_read_sync(disk, buffer, BLOCK, 0, soon(), NULL),
		-EBUSY);
	reap_all(disk, HA_DISK_OPS, &tags);
	assert_int_equal(tags, (1u << HA_DISK_OPS) - 1);
	/* Not readable for ever: the kernel may count the last one late. */
	for (uint64_t end_ms = soon(); poll(&p, 1, 0) != 0;) {
		assert_int_equal(ha_disk_reap(disk, ends), 0);
		assert_true(ha_clock_left_ms(end_ms) > 0);
	}
	assert_int_equal(ha_disk_read(disk, 9, buffer, BLOCK, 0), 0);
	reap_all(disk, 1, &tags);
	assert_int_equal(tags, 1u << 9);
	ha_disk_close(disk);
	ha_disk_buffer_free(buffer);
}

static void
refuses_what_is_not_aligned(void **state)
{
	struct ha_disk *disk = opened("area");
	unsigned char *buffer = ha_disk_buffer_new(2 * BLOCK);

	(void)state;
	assert_int_equal(ha_disk_write(disk, 0, buffer + 512, BLOCK, 0),
			 -EINVAL);
	assert_int_equal(ha_disk_write(disk, 0, buffer, 512, 0), -EINVAL);
	assert_int_equal(ha_disk_write(disk, 0, buffer, 0, 0), -EINVAL);
	assert_int_equal(ha_disk_write(disk, 0, buffer, BLOCK, 512), -EINVAL);
	/* Nothing may make the file grow. */
	assert_int_equal(ha_disk_write(disk, 0, buffer, BLOCK, AREA_BYTES),
			 -ERANGE);
	assert_int_equal(
		ha_disk_write(disk, 0, buffer, 2 * BLOCK, AREA_BYTES - BLOCK),
		-ERANGE);
	assert_int_equal(
		ha_disk_write(disk, 0, buffer, BLOCK, UINT64_MAX - BLOCK + 1),
		-ERANGE);
	ha_disk_close(disk);
	ha_disk_buffer_free(buffer);
}

static void
read_only_reads(void **state)
{
	const char *path = prepared("area");
	unsigned char *buffer = ha_disk_buffer_new(BLOCK);
	struct ha_disk *disk = NULL;

	(void)state;
	assert_int_equal(ha_disk_open(path, true, AREA_BYTES, &disk, NULL), 0);
	assert_int_equal(
		ha_disk_read_sync(disk, buffer, BLOCK, 0, soon(), NULL), 0);
	assert_int_equal(ha_disk_write(disk, 0, buffer, BLOCK, 0), -EBADF);
	/* The refused one is not counted as open. */
	assert_int_equal(
		ha_disk_read_sync(disk, buffer, BLOCK, 0, soon(), NULL), 0);
	ha_disk_close(disk);
	ha_disk_buffer_free(buffer);
}

/* The file is cut below the disk's feet: less than asked is -EIO. */
static void
short_read_is_no_success(void **state)
{
	struct ha_disk *disk = opened("area");
	unsigned char *buffer = ha_disk_buffer_new(2 * BLOCK);

	(void)state;
	assert_int_equal(truncate(in_dir("area"), AREA_BYTES - BLOCK), 0);
	assert_int_equal(ha_disk_read_sync(disk, buffer, 2 * BLOCK,
					   AREA_BYTES - 2 * BLOCK, soon(),
					   NULL),
			 -EIO);
	ha_disk_close(disk);
	ha_disk_buffer_free(buffer);
}

static void
says_why_it_refuses(void **state)
{
	const char *path = in_dir("odd");
	int fd;

	(void)state;
	unlink(path);
	refused(path, -ENOENT, "does not exist");
	refused(dir, -EINVAL, "a directory");
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(path, -EINVAL, "neither file nor block device");
	unlink(path);
	refused("/proc/version", -EINVAL, "no direct I/O");

	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, AREA_BYTES), 0);
	refused(path, -ENODATA, "sparse");
	/* Allocated, but its first write would change metadata. */
	assert_int_equal(posix_fallocate(fd, 0, AREA_BYTES), 0);
	refused(path, -ENODATA, "not fully written");
	close(fd);
	prepared("odd");
	assert_int_equal(truncate(path, AREA_BYTES - 1), 0);
	refused(path, -ERANGE, "has 255 KiB, 256 KiB are needed");
	unlink(path);
}

static void
prepares_once_and_overwrites_nothing(void **state)
{
	const char *path = prepared("area");
	struct ha_err err = HA_ERR_INIT;
	struct stat st;
	int fd;
	char word[5] = "";

	(void)state;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, AREA_BYTES);
	assert_int_equal(st.st_mode & 07777, 0600);
	fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, "mine", 4, 0), 4);
	assert_int_equal(fsync(fd), 0);
	assert_int_equal(ha_disk_prepare(path, AREA_BYTES, NULL), 0);
	assert_int_equal(pread(fd, word, 4, 0), 4);
	assert_string_equal(word, "mine");
	close(fd);
	assert_int_equal(ha_disk_prepare(path, AREA_BYTES * 2, &err), -ERANGE);
	assert_int_equal(ha_disk_prepare(path, AREA_BYTES + 1, &err), -EINVAL);
	assert_int_equal(ha_disk_prepare(in_dir("no/such"), AREA_BYTES, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "directory"));
}

static void
full_file_system_leaves_nothing(void **state)
{
	char size[32];
	struct ha_err err = HA_ERR_INIT;

	(void)state;
	mkdir(in_dir("full"), 0700);
	snprintf(size, sizeof(size), "size=%u", FULL_BYTES);
	assert_int_equal(mount("none", in_dir("full"), "tmpfs", 0, size), 0);
	assert_int_equal(ha_disk_prepare(in_dir("full/area"), AREA_BYTES, &err),
			 -ENOSPC);
	assert_non_null(strstr(err.text, "no room"));
	assert_int_equal(access(in_dir("full/area"), F_OK), -1);
	umount2(in_dir("full"), MNT_DETACH);
	/* A file system without direct I/O. */
	assert_int_equal(mount("none", in_dir("full"), "ramfs", 0, NULL), 0);
	assert_int_equal(ha_disk_prepare(in_dir("full/area"), AREA_BYTES, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "no direct I/O"));
	assert_int_equal(access(in_dir("full/area"), F_OK), -1);
	umount2(in_dir("full"), MNT_DETACH);
	rmdir(in_dir("full"));
}

/* A loop device over the file, freed when its last user closes it. */
static int
attach(const char *path, char *ret_name, size_t size)
{
	ha_autoclose int control = open("/dev/loop-control", O_RDWR);
	ha_autoclose int file = open(path, O_RDWR | O_CLOEXEC);
	struct loop_config config = {
		.fd = (uint32_t)file,
		.info = { .lo_flags = LO_FLAGS_AUTOCLEAR },
	};

	assert_true(control >= 0 && file >= 0);
	for (;;) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		int fd;

		assert_true(n >= 0);
		snprintf(ret_name, size, "/dev/loop%d", n);
		fd = open(ret_name, O_RDWR | O_CLOEXEC);
		assert_true(fd >= 0);
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0) {
			return fd;
		}
		/* Somebody else took it in between. */
		assert_int_equal(errno, EBUSY);
		close(fd);
	}
}

static void
works_on_a_block_device(void **state)
{
	unsigned char *buffer = ha_disk_buffer_new(BLOCK);
	struct ha_disk *disk = NULL;
	struct ha_disk *second = NULL;
	struct ha_err err = HA_ERR_INIT;
	char name[32];
	int loop = attach(prepared("area"), name, sizeof(name));
	int claim;

	(void)state;
	assert_int_equal(ha_disk_open(name, false, AREA_BYTES, &disk, NULL), 0);
	assert_int_equal(ha_disk_bytes(disk), AREA_BYTES);
	assert_int_equal(ha_disk_sector_bytes(disk), 512);
	assert_int_equal(
		ha_disk_write_sync(disk, buffer, BLOCK, 0, soon(), NULL), 0);
	/* The admin command beside the daemon. */
	assert_int_equal(ha_disk_open(name, false, AREA_BYTES, &second, NULL),
			 0);
	ha_disk_close(second);
	assert_int_equal(ha_disk_prepare(name, AREA_BYTES, NULL), 0);
	assert_int_equal(ha_disk_prepare(name, AREA_BYTES + BLOCK, &err),
			 -ERANGE);
	/* A claim as mount(2) makes it. */
	claim = open(name, O_RDWR | O_EXCL | O_CLOEXEC);
	assert_true(claim >= 0);
	refused(name, -EBUSY, "in use");
	close(claim);
	ha_disk_close(disk);
	close(loop);
	ha_disk_buffer_free(buffer);
}

static int
set_up(void **state)
{
	char self[400];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)state;
	assert_true(n > 0);
	self[n] = '\0';
	snprintf(dir, sizeof(dir), "%s/disk-test.XXXXXX", dirname(self));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL),
			 0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	unlink(in_dir("area"));
	unlink(in_dir("odd"));
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_reads_back),
		cmocka_unit_test(takes_eight_and_tags_them),
		cmocka_unit_test(refuses_what_is_not_aligned),
		cmocka_unit_test(read_only_reads),
		cmocka_unit_test(short_read_is_no_success),
		cmocka_unit_test(says_why_it_refuses),
		cmocka_unit_test(prepares_once_and_overwrites_nothing),
		cmocka_unit_test(full_file_system_leaves_nothing),
		cmocka_unit_test(works_on_a_block_device),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
