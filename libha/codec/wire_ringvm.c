/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages about a live migration as bytes, little endian (ha/ringvm.h).
 * Anybody who may join the CPG group may send anything: a message is checked
 * whose it is, whether it is whole, and whether it says something possible.
 * Texts end within their room and hold no control characters, since they go
 * to logs.
 *
 *   at  bytes
 *    0  4   magic
 *    4  1   version: major
 *    5  1   version: minor (longer messages)
 *    6  2   type
 *    8  16  cluster id
 *   24  2   sender
 *   26  2   target
 *   28  4   budget
 *   32  8   sender's incarnation
 *   40  8   target's incarnation
 *   48  8   membership
 *   56  8   nonce
 *   64  4   CRC-32C of the whole message with these four bytes zero
 *   68  4   result
 *   72  16  uuid
 *   88  64  resource
 *  152  256 sentence
 */
#include "ha/ringvm.h"

#include <errno.h>

#include "codec/area_block.h"
#include "ha/crc.h"

static const uint8_t MAGIC[4] = { 'V', 'M', 'H', 'V' };

#define VERSION_MAJOR 1u
#ifndef HA__RING_MINOR /* a test builds the next one */
#define HA__RING_MINOR 0u
#endif
#define AT_MAJOR 4u
#define AT_MINOR 5u
#define AT_TYPE 6u
#define AT_CLUSTER 8u
#define CLUSTER_BYTES 16u
#define AT_SENDER 24u
#define AT_TARGET 26u
#define AT_BUDGET 28u
#define AT_SENDER_INCARNATION 32u
#define AT_TARGET_INCARNATION 40u
#define AT_RING_SEQ 48u
#define AT_NONCE 56u
#define AT_CRC 64u
#define CRC_BYTES 4u
#define AT_RESULT 68u
#define AT_UUID 72u
#define AT_RESOURCE 88u
#define AT_SENTENCE (AT_RESOURCE + HA_RESOURCE_NAME)
#define RESULT_MAX 4095u /* errno values end below, as in the kernel */

_Static_assert(AT_SENTENCE + HA_RINGVM_SENTENCE == HA_RINGVM_BYTES,
	       "ha/ringvm.h knows the length");

static uint32_t
checksum(const uint8_t *bytes, size_t len)
{
	static const uint8_t NO_CRC[CRC_BYTES];
	uint32_t crc = ha_crc32c(0, bytes, AT_CRC);

	crc = ha_crc32c(crc, NO_CRC, sizeof(NO_CRC));
	return ha_crc32c(crc, bytes + AT_CRC + CRC_BYTES,
			 len - AT_CRC - CRC_BYTES);
}

/* strncpy() without its warning: the rest is zero already. */
static void
put_text(uint8_t *at, const char *text, size_t room)
{
	memcpy(at, text, strnlen(text, room - 1));
}

void
ha_ringvm_encode(const struct ha_ringvm_msg *msg, const uint8_t cluster[16],
		 uint8_t ret_bytes[HA_RINGVM_BYTES])
{
	uint8_t *b = ret_bytes;

	memset(b, 0, HA_RINGVM_BYTES);
	memcpy(b, MAGIC, sizeof(MAGIC));
	b[AT_MAJOR] = VERSION_MAJOR;
	b[AT_MINOR] = HA__RING_MINOR;
	ha__put_u16(b + AT_TYPE, msg->type);
	memcpy(b + AT_CLUSTER, cluster, CLUSTER_BYTES);
	ha__put_u16(b + AT_SENDER, msg->sender);
	ha__put_u16(b + AT_TARGET, msg->target);
	ha__put_u32(b + AT_BUDGET, msg->budget_ms);
	ha__put_u64(b + AT_SENDER_INCARNATION, msg->sender_incarnation);
	ha__put_u64(b + AT_TARGET_INCARNATION, msg->target_incarnation);
	ha__put_u64(b + AT_RING_SEQ, msg->ring_seq);
	ha__put_u64(b + AT_NONCE, msg->nonce);
	ha__put_u32(b + AT_RESULT, msg->result);
	memcpy(b + AT_UUID, msg->uuid.bytes, sizeof(msg->uuid.bytes));
	put_text(b + AT_RESOURCE, msg->resource, HA_RESOURCE_NAME);
	put_text(b + AT_SENTENCE, msg->sentence, HA_RINGVM_SENTENCE);
	ha__put_u32(b + AT_CRC, checksum(b, HA_RINGVM_BYTES));
}

static int
check_header(const uint8_t *b, size_t len, const uint8_t cluster[16])
{
	if (len < sizeof(MAGIC) || memcmp(b, MAGIC, sizeof(MAGIC)) != 0) {
		return -ENOMSG;
	}
	if (len < HA_RINGVM_BYTES ||
	    ha__get_u32(b + AT_CRC) != checksum(b, len) ||
	    memcmp(b + AT_CLUSTER, cluster, CLUSTER_BYTES) != 0) {
		return -EPROTO;
	}
	if (b[AT_MAJOR] > VERSION_MAJOR) {
		return -EPROTONOSUPPORT;
	}
	if (ha__get_u16(b + AT_TYPE) > HA_RINGVM_ANSWER) {
		return b[AT_MINOR] > HA__RING_MINOR ? -EPROTONOSUPPORT :
						      -EPROTO;
	}
	return b[AT_MAJOR] < VERSION_MAJOR ? -EPROTO : 0;
}

/* Ends within its room, zeros behind it. */
static bool
get_text(const uint8_t *at, size_t room, char *ret)
{
	size_t used = 0;

	while (used < room && at[used] != 0) {
		if (at[used] < ' ' || at[used] == 0x7f) {
			return false;
		}
		used++;
	}
	for (size_t i = used; i < room; i++) {
		if (at[i] != 0) {
			return false;
		}
	}
	memcpy(ret, at, room);
	return used < room;
}

static bool
is_possible(const struct ha_ringvm_msg *msg)
{
	if (msg->sender >= HA_HOSTS_MAX || msg->target >= HA_HOSTS_MAX ||
	    msg->sender == msg->target || msg->nonce == 0 ||
	    !msg->resource[0] || msg->result > RESULT_MAX) {
		return false;
	}
	switch (msg->type) {
	case HA_RINGVM_INCOMING:
		return msg->result == 0;
	case HA_RINGVM_ANSWER:
		return true;
	}
	return false;
}

int
ha_ringvm_decode(const void *bytes, size_t len, const uint8_t cluster[16],
		 struct ha_ringvm_msg *ret_msg)
{
	const uint8_t *b = bytes;
	struct ha_ringvm_msg msg;
	int rc = check_header(b, len, cluster);

	if (rc < 0) {
		return rc;
	}
	memset(&msg, 0, sizeof(msg));
	msg.type = (enum ha_ringvm_type)ha__get_u16(b + AT_TYPE);
	msg.sender = ha__get_u16(b + AT_SENDER);
	msg.target = ha__get_u16(b + AT_TARGET);
	msg.budget_ms = ha__get_u32(b + AT_BUDGET);
	msg.sender_incarnation = ha__get_u64(b + AT_SENDER_INCARNATION);
	msg.target_incarnation = ha__get_u64(b + AT_TARGET_INCARNATION);
	msg.ring_seq = ha__get_u64(b + AT_RING_SEQ);
	msg.nonce = ha__get_u64(b + AT_NONCE);
	msg.result = ha__get_u32(b + AT_RESULT);
	memcpy(msg.uuid.bytes, b + AT_UUID, sizeof(msg.uuid.bytes));
	if (!get_text(b + AT_RESOURCE, HA_RESOURCE_NAME, msg.resource) ||
	    !get_text(b + AT_SENTENCE, HA_RINGVM_SENTENCE, msg.sentence) ||
	    !is_possible(&msg)) {
		return -EPROTO;
	}
	*ret_msg = msg;
	return 0;
}
