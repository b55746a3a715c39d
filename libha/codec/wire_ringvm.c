/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages of two daemons about one VM as bytes, little endian (ha/ringvm.h).
 * Anybody who may join the CPG group may send anything: a message is checked
 * whose it is, whether it is whole, and whether it says something possible.
 * Texts end within their room and hold no control characters, since they go
 * to logs.
 *
 *   at  bytes
 *    0  28  head (wire_head.h)
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
 *  408  8   generation; a message that ends before it is of a version that
 *           does not know it, and has 0
 */
#include "ha/ringvm.h"

#include <errno.h>

#include "codec/area_block.h"
#include "codec/wire_head.h"

#define AT_BUDGET 28u
#define AT_SENDER_INCARNATION 32u
#define AT_TARGET_INCARNATION 40u
#define AT_RING_SEQ 48u
#define AT_NONCE 56u
#define AT_CRC 64u
#define AT_RESULT 68u
#define AT_UUID 72u
#define AT_RESOURCE 88u
#define AT_SENTENCE (AT_RESOURCE + HA_RESOURCE_NAME)
#define AT_GENERATION HA_RINGVM_BYTES_MIN
#define RESULT_MAX 4095u /* errno values end below, as in the kernel */

_Static_assert(AT_SENTENCE + HA_RINGVM_SENTENCE == HA_RINGVM_BYTES_MIN,
	       "ha/ringvm.h knows the length");

static const struct ha__wire_kind RINGVM = {
	.magic = { 'V', 'M', 'H', 'V' },
	.at_crc = AT_CRC,
	.bytes_min = HA_RINGVM_BYTES_MIN,
	.type_max = HA_RINGVM_RELEASED,
};

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
	ha__wire_begin(&RINGVM, b, msg->type, cluster, msg->sender,
		       msg->target);
	ha__put_u32(b + AT_BUDGET, msg->budget_ms);
	ha__put_u64(b + AT_SENDER_INCARNATION, msg->sender_incarnation);
	ha__put_u64(b + AT_TARGET_INCARNATION, msg->target_incarnation);
	ha__put_u64(b + AT_RING_SEQ, msg->ring_seq);
	ha__put_u64(b + AT_NONCE, msg->nonce);
	ha__put_u32(b + AT_RESULT, msg->result);
	memcpy(b + AT_UUID, msg->uuid.bytes, sizeof(msg->uuid.bytes));
	put_text(b + AT_RESOURCE, msg->resource, HA_RESOURCE_NAME);
	put_text(b + AT_SENTENCE, msg->sentence, HA_RINGVM_SENTENCE);
	ha__put_u64(b + AT_GENERATION, msg->generation);
	ha__wire_end(&RINGVM, b, HA_RINGVM_BYTES);
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
is_to_a_host(const struct ha_ringvm_msg *msg)
{
	return msg->target < HA_HOSTS_MAX && msg->sender != msg->target &&
	       msg->generation == 0;
}

/* What it says goes into a hold list, whose counters end there. */
static bool
is_release(const struct ha_ringvm_msg *msg)
{
	return msg->target == HA_SLOT_NONE && msg->target_incarnation == 0 &&
	       msg->result == 0 && msg->sender_incarnation > 0 &&
	       msg->sender_incarnation <= INT64_MAX && msg->generation > 0 &&
	       msg->generation <= INT64_MAX;
}

static bool
is_possible(const struct ha_ringvm_msg *msg)
{
	if (msg->sender >= HA_HOSTS_MAX || msg->nonce == 0 ||
	    !msg->resource[0] || msg->result > RESULT_MAX) {
		return false;
	}
	switch (msg->type) {
	case HA_RINGVM_INCOMING:
		return is_to_a_host(msg) && msg->result == 0;
	case HA_RINGVM_ANSWER:
		return is_to_a_host(msg);
	case HA_RINGVM_RELEASED:
		return is_release(msg);
	}
	return false;
}

int
ha_ringvm_decode(const void *bytes, size_t len, const uint8_t cluster[16],
		 struct ha_ringvm_msg *ret_msg)
{
	const uint8_t *b = bytes;
	struct ha_ringvm_msg msg;
	int rc = ha__wire_check(&RINGVM, b, len, cluster);

	if (rc < 0) {
		return rc;
	}
	memset(&msg, 0, sizeof(msg));
	msg.type = (enum ha_ringvm_type)ha__get_u16(b + HA__WIRE_AT_TYPE);
	msg.sender = ha__get_u16(b + HA__WIRE_AT_SENDER);
	msg.target = ha__get_u16(b + HA__WIRE_AT_TARGET);
	msg.budget_ms = ha__get_u32(b + AT_BUDGET);
	msg.sender_incarnation = ha__get_u64(b + AT_SENDER_INCARNATION);
	msg.target_incarnation = ha__get_u64(b + AT_TARGET_INCARNATION);
	msg.ring_seq = ha__get_u64(b + AT_RING_SEQ);
	msg.nonce = ha__get_u64(b + AT_NONCE);
	msg.result = ha__get_u32(b + AT_RESULT);
	if (len >= HA_RINGVM_BYTES) {
		msg.generation = ha__get_u64(b + AT_GENERATION);
	}
	memcpy(msg.uuid.bytes, b + AT_UUID, sizeof(msg.uuid.bytes));
	if (!get_text(b + AT_RESOURCE, HA_RESOURCE_NAME, msg.resource) ||
	    !get_text(b + AT_SENTENCE, HA_RINGVM_SENTENCE, msg.sentence) ||
	    !is_possible(&msg)) {
		return -EPROTO;
	}
	*ret_msg = msg;
	return 0;
}
