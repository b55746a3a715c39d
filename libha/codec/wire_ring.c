/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ring messages as bytes, little endian. Anybody who may join the CPG group
 * may send anything, so a message is checked like a block on disk: whose it
 * is, whether it is whole, and whether it says something possible. A message
 * that is refused is as good as lost, which the ring evidence survives.
 *
 *   at  bytes
 *    0  28  head (wire_head.h)
 *   28  2   hosts
 *   30  2   zero
 *   32  8   incarnation
 *   40  8   membership
 *   48  8   nonce
 *   56  4   CRC-32C of the whole message with these four bytes zero
 *   60  4   zero
 *   64  16  per host: incarnation (8), 1 for ring mode (4), zero (4)
 */
#include <errno.h>

#include "codec/area_block.h"
#include "codec/wire_head.h"
#include "ha/wire.h"

#define AT_HOSTS 28u
#define AT_INCARNATION 32u
#define AT_RING_SEQ 40u
#define AT_NONCE 48u
#define AT_CRC 56u
#define AT_KNOWN 64u
#define KNOWN_BYTES 16u
#define KNOWN_RING_MODE 1u

_Static_assert(AT_KNOWN + KNOWN_BYTES * HA_HOSTS_MAX == HA_RING_BYTES_MAX,
	       "ha/wire.h has room for every host");

static const struct ha__wire_kind RING = {
	.magic = { 'V', 'M', 'H', 'R' },
	.at_crc = AT_CRC,
	.bytes_min = AT_KNOWN,
	.type_max = HA_RING_MSG_LEAVE,
};

size_t
ha_ring_msg_encode(const struct ha_ring_msg *msg, const uint8_t cluster[16],
		   uint8_t ret_bytes[HA_RING_BYTES_MAX])
{
	uint32_t hosts = msg->type == HA_RING_MSG_STATE ? msg->hosts : 0;
	size_t len;

	if (hosts > HA_HOSTS_MAX) {
		hosts = HA_HOSTS_MAX;
	}
	len = AT_KNOWN + (size_t)hosts * KNOWN_BYTES;
	memset(ret_bytes, 0, len);
	ha__wire_begin(&RING, ret_bytes, msg->type, cluster, msg->sender,
		       msg->target);
	ha__put_u16(ret_bytes + AT_HOSTS, hosts);
	ha__put_u64(ret_bytes + AT_INCARNATION, msg->incarnation);
	ha__put_u64(ret_bytes + AT_RING_SEQ, msg->ring_seq);
	ha__put_u64(ret_bytes + AT_NONCE, msg->nonce);
	for (uint32_t i = 0; i < hosts; i++) {
		uint8_t *at = ret_bytes + AT_KNOWN + (size_t)i * KNOWN_BYTES;

		ha__put_u64(at, msg->known[i].incarnation);
		ha__put_u32(at + 8,
			    msg->known[i].is_ring_mode ? KNOWN_RING_MODE : 0);
	}
	ha__wire_end(&RING, ret_bytes, len);
	return len;
}

static bool
is_possible(const struct ha_ring_msg *msg, size_t len)
{
	if (msg->sender >= HA_HOSTS_MAX || msg->hosts > HA_HOSTS_MAX ||
	    len < AT_KNOWN + (size_t)msg->hosts * KNOWN_BYTES) {
		return false;
	}
	switch (msg->type) {
	case HA_RING_MSG_STATE:
		return true;
	case HA_RING_MSG_NONCE:
		return msg->hosts == 0 && msg->nonce != 0;
	case HA_RING_MSG_ECHO:
		return msg->hosts == 0 && msg->nonce != 0 &&
		       msg->target < HA_HOSTS_MAX;
	case HA_RING_MSG_LEAVE:
		return msg->hosts == 0;
	}
	return false;
}

int
ha_ring_msg_decode(const void *bytes, size_t len, const uint8_t cluster[16],
		   struct ha_ring_msg *ret_msg)
{
	const uint8_t *b = bytes;
	struct ha_ring_msg msg;
	int rc = ha__wire_check(&RING, b, len, cluster);

	if (rc < 0) {
		return rc == -ENOMSG ? -EPROTO : rc;
	}
	memset(&msg, 0, sizeof(msg));
	msg.type = (enum ha_ring_type)ha__get_u16(b + HA__WIRE_AT_TYPE);
	msg.sender = ha__get_u16(b + HA__WIRE_AT_SENDER);
	msg.target = ha__get_u16(b + HA__WIRE_AT_TARGET);
	msg.hosts = ha__get_u16(b + AT_HOSTS);
	msg.incarnation = ha__get_u64(b + AT_INCARNATION);
	msg.ring_seq = ha__get_u64(b + AT_RING_SEQ);
	msg.nonce = ha__get_u64(b + AT_NONCE);
	if (!is_possible(&msg, len)) {
		return -EPROTO;
	}
	for (uint32_t i = 0; i < msg.hosts; i++) {
		const uint8_t *at = b + AT_KNOWN + (size_t)i * KNOWN_BYTES;

		msg.known[i].incarnation = ha__get_u64(at);
		msg.known[i].is_ring_mode =
			(ha__get_u32(at + 8) & KNOWN_RING_MODE) != 0;
	}
	*ret_msg = msg;
	return 0;
}
