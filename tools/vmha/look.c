/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is on a path now. In doubt it holds data: nothing is overwritten that
 * was not recognised, and whether hosts beat on an area is found by looking
 * twice, never by what its blocks say.
 */
#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/text.h"

#define FRONT_BYTES (1024u * 1024) /* signatures stand there */
/* An area whose superblock can't be read may have any times: the slowest
 * beat and tolerance that libha/core/timing.c allows, and the reads. */
#define UNKNOWN_WAIT_MS 20200u
#define UNKNOWN_LOOK_MS 500u             /* between two looks at it */
#define UNKNOWN_BYTES (4u * 1024 * 1024) /* beats stand in front */

/* Offsets and magics as blkid(8) knows them. */
static const struct {
	size_t offset;
	const char *magic;
	size_t len;
	const char *what;
} SIGNATURES[] = {
	{ 512, "LABELONE", 8, "an LVM physical volume" },
	{ 512, "EFI PART", 8, "a GPT partition table" },
	{ 0, "XFSB", 4, "an XFS file system" },
	{ 0x438, "\x53\xef", 2, "an ext2, ext3 or ext4 file system" },
	{ 0x10040, "_BHRfS_M", 8, "a btrfs file system" },
	{ 0x10000, "\x01\x16\x19\x70", 4, "a GFS2 file system" },
	{ 0x400, "OCFSV2", 6, "an OCFS2 file system" },
	{ 0x800, "OCFSV2", 6, "an OCFS2 file system" },
	{ 0x1000, "\xfc\x4e\x2b\xa9", 4, "a member of an MD RAID" },
	{ 0, "LUKS\xba\xbe", 6, "an encrypted device (LUKS)" },
	{ 4086, "SWAPSPACE2", 10, "swap space" },
	{ 0, "SBD_SBD_", 8, "sbd's slots" },
	{ 0, "\x10\x20\x21\x12", 4, "a sanlock lockspace" },
	{ 0, "QFI\xfb", 4, "a qcow2 disk image" },
	{ 510, "\x55\xaa", 2, "a partition table or boot sector" },
};

static const char *
signature_of(const uint8_t *front, size_t len)
{
	for (size_t i = 0; i < sizeof(SIGNATURES) / sizeof(SIGNATURES[0]);
	     i++) {
		if (SIGNATURES[i].offset + SIGNATURES[i].len <= len &&
		    memcmp(front + SIGNATURES[i].offset, SIGNATURES[i].magic,
			   SIGNATURES[i].len) == 0) {
			return SIGNATURES[i].what;
		}
	}
	return "data that vmha does not know";
}

/* The front as the disk has it, past the page cache where that can be. */
static int
read_front(const char *path, uint8_t *buffer, size_t bytes, size_t *ret_len,
	   struct ha_err *err)
{
	ha_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
	size_t used = 0;

	if (fd < 0 && errno == EINVAL) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0) {
		return ha_err_set(err, -errno, "can't read %s: %s", path,
				  strerror(errno));
	}
	while (used < bytes) {
		ssize_t n = pread(fd, buffer + used, bytes - used, (off_t)used);

		if (n < 0 && errno != EINTR) {
			return ha_err_set(err, -errno, "can't read %s: %s",
					  path, strerror(errno));
		}
		/* Direct reads end at a block that is short, the last. */
		if (n >= 0 && n % (ssize_t)HA_BLOCK != 0) {
			used += (size_t)n;
			break;
		}
		if (n == 0) {
			break;
		}
		used += n > 0 ? (size_t)n : 0;
	}
	*ret_len = used;
	return 0;
}

/* Anything that is written to the front of it while one waits. */
static int
is_front_moving(const char *path, bool *ret_is_moving, struct ha_err *err)
{
	uint8_t *first = ha_disk_buffer_new(UNKNOWN_BYTES);
	uint8_t *second = ha_disk_buffer_new(UNKNOWN_BYTES);
	uint64_t end_ms = ha_clock_now_ms() + UNKNOWN_WAIT_MS;
	bool is_moving = false;
	size_t a = 0;
	size_t b = 0;
	int rc = first && second ? 0 : ha_err_set(err, -ENOMEM, "no memory");

	if (rc == 0) {
		rc = read_front(path, first, UNKNOWN_BYTES, &a, err);
	}
	vmha_step("waiting for beats on", path, UNKNOWN_WAIT_MS * 2);
	while (rc == 0 && !is_moving && ha_clock_left_ms(end_ms) > 0) {
		ha_clock_sleep_ms(UNKNOWN_LOOK_MS, end_ms);
		rc = read_front(path, second, UNKNOWN_BYTES, &b, err);
		is_moving =
			rc == 0 && (a != b || memcmp(first, second, a) != 0);
	}
	if (rc == 0) {
		*ret_is_moving = is_moving;
	}
	ha_disk_buffer_free(first);
	ha_disk_buffer_free(second);
	return rc;
}

static int
look_at_area(struct vmha_area *area, struct vmha_look *look, struct ha_err *err)
{
	struct vmha_areas areas = { .count = 1, .at = { area } };
	struct ha_hostset live;
	struct ha_hostset none = { { 0 } };
	int rc = vmha_area_load(area, err);

	look->kind = LOOK_AREA;
	look->sb = area->sb;
	if (rc == 0) {
		rc = vmha_areas_live(&areas, &live, err);
	}
	if (rc == 0) {
		look->is_live = memcmp(&live, &none, sizeof(live)) != 0;
		vmha_areas_names(&areas, &live, look->live, sizeof(look->live));
	}
	return rc;
}

static int
look_at_front(struct vmha_look *look, struct ha_err *err)
{
	uint8_t *front = ha_disk_buffer_new(FRONT_BYTES);
	size_t len = 0;
	int rc = front ? read_front(look->path, front, FRONT_BYTES, &len, err) :
			 ha_err_set(err, -ENOMEM, "no memory");

	if (rc == 0) {
		struct ha_superblock sb;
		bool is_zero =
			len == 0 || (front[0] == 0 &&
				     memcmp(front, front + 1, len - 1) == 0);

		look->kind = is_zero ? LOOK_EMPTY : LOOK_DATA;
		look->what = is_zero ? NULL : signature_of(front, len);
		for (uint32_t i = 0;
		     !is_zero && i < 2 && len >= (i + 1) * HA_BLOCK; i++) {
			enum ha_block_verdict verdict = ha_superblock_decode(
				front + (size_t)i * HA_BLOCK, i, &sb);

			if (verdict != HA_BLOCK_ALIEN &&
			    verdict != HA_BLOCK_BLANK) {
				look->kind = LOOK_DAMAGED;
				look->verdict = verdict;
			}
		}
	}
	ha_disk_buffer_free(front);
	if (rc == 0 && look->kind == LOOK_DAMAGED) {
		rc = is_front_moving(look->path, &look->is_live, err);
		snprintf(look->live, sizeof(look->live), "unknown hosts");
	}
	return rc;
}

int
vmha_look(const char *path, struct vmha_look *ret_look, struct ha_err *err)
{
	struct vmha_look look = { .path = path };
	struct vmha_area *area = NULL;
	struct stat st;
	int rc = 0;

	vmha_step("looking at", path, AREA_OPEN_MS);
	if (stat(path, &st) < 0) {
		if (errno != ENOENT) {
			return ha_err_set(err, -errno, "can't look at %s: %s",
					  path, strerror(errno));
		}
		look.kind = LOOK_ABSENT;
		*ret_look = look;
		return 0;
	}
	look.is_block = S_ISBLK(st.st_mode);
	look.device = look.is_block ? st.st_rdev : st.st_dev;
	look.inode = look.is_block ? 0 : st.st_ino;
	if (!look.is_block && !S_ISREG(st.st_mode)) {
		return ha_err_set(err, -EINVAL,
				  "%s is %s; name a block device, or a file "
				  "that is to be made",
				  path,
				  S_ISDIR(st.st_mode) ? "a directory" :
							"no file and no block "
							"device");
	}
	if (vmha_area_open(path, true, &area, NULL) == 0) {
		look.is_fit = true;
	}
	if (area && area->verdict == HA_BLOCK_OK) {
		rc = look_at_area(area, &look, err);
	} else {
		rc = look_at_front(&look, err);
	}
	vmha_area_close(area);
	if (rc == 0) {
		*ret_look = look;
	}
	return rc;
}
