/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The backing file that a disk image names in its header: what must exist on
 * a host besides the image itself. Formats: qcow (1), qcow2 (2, 3) and qed,
 * from QEMU's docs/interop/qcow2.txt and qed_spec.txt. The header is a
 * guest's data when the disk was once raw, so it is believed in nothing: each
 * offset and length is checked against the bytes at hand.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "ha/domain.h"

/* Offsets and sizes in bytes. */
#define QCOW_VERSION 4u
#define QCOW_BACKING_OFFSET 8u
#define QCOW_BACKING_SIZE 16u
#define QCOW1_HEADER 48u
#define QCOW2_HEADER 72u
#define QCOW3_HEADER_LENGTH 100u /* where a v3 image says its own length */
#define QCOW3_HEADER 104u
#define QCOW_NAME_MAX 1023u

#define QED_FEATURES 16u
#define QED_BACKING_OFFSET 56u
#define QED_BACKING_SIZE 60u
#define QED_HEADER 64u
#define QED_F_BACKING 1u

static uint32_t
be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static uint64_t
be64(const unsigned char *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

static uint32_t
le32(const unsigned char *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[1] << 8 | p[0];
}

/* The name itself, where the header says it is. */
static int
name_copy(const unsigned char *head, size_t head_len, uint64_t offset,
	  uint32_t len, size_t header_len, char *ret_backing, size_t size)
{
	if (len == 0 || len > QCOW_NAME_MAX || offset < header_len) {
		return -EINVAL;
	}
	if (offset > head_len || len > head_len - offset) {
		return -ERANGE;
	}
	if (memchr(head + offset, '\0', len)) {
		return -EINVAL;
	}
	if (len >= size) {
		return -ENAMETOOLONG;
	}
	memcpy(ret_backing, head + offset, len);
	ret_backing[len] = '\0';
	return 0;
}

static int
qcow_backing(const unsigned char *head, size_t head_len, char *ret_backing,
	     size_t size)
{
	size_t header_len;
	uint64_t offset;

	if (head_len < QCOW1_HEADER) {
		return -EINVAL;
	}
	switch (be32(head + QCOW_VERSION)) {
	case 1:
		header_len = QCOW1_HEADER;
		break;
	case 2:
		header_len = QCOW2_HEADER;
		break;
	case 3:
		if (head_len < QCOW3_HEADER) {
			return -EINVAL;
		}
		header_len = be32(head + QCOW3_HEADER_LENGTH);
		if (header_len < QCOW3_HEADER) {
			return -EINVAL;
		}
		break;
	default:
		return -EINVAL;
	}
	if (head_len < header_len) {
		return -EINVAL;
	}
	offset = be64(head + QCOW_BACKING_OFFSET);
	if (offset == 0) {
		ret_backing[0] = '\0';
		return 0;
	}
	return name_copy(head, head_len, offset, be32(head + QCOW_BACKING_SIZE),
			 header_len, ret_backing, size);
}

static int
qed_backing(const unsigned char *head, size_t head_len, char *ret_backing,
	    size_t size)
{
	if (head_len < QED_HEADER) {
		return -EINVAL;
	}
	if (!(le32(head + QED_FEATURES) & QED_F_BACKING)) {
		ret_backing[0] = '\0';
		return 0;
	}
	return name_copy(head, head_len, le32(head + QED_BACKING_OFFSET),
			 le32(head + QED_BACKING_SIZE), QED_HEADER, ret_backing,
			 size);
}

int
ha_image_backing(const unsigned char *head, size_t head_len, char *ret_backing,
		 size_t size)
{
	static const unsigned char qcow[4] = { 'Q', 'F', 'I', 0xfb };
	static const unsigned char qed[4] = { 'Q', 'E', 'D', 0 };

	if (size == 0) {
		return -ENAMETOOLONG;
	}
	if (head_len >= sizeof(qcow) && !memcmp(head, qcow, sizeof(qcow))) {
		return qcow_backing(head, head_len, ret_backing, size);
	}
	if (head_len >= sizeof(qed) && !memcmp(head, qed, sizeof(qed))) {
		return qed_backing(head, head_len, ret_backing, size);
	}
	ret_backing[0] = '\0';
	return 0;
}
