/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ring message, as it came and with its CRC put right: what is accepted is
 * possible and survives being sent on.
 */
#include "fuzz.h"
#include "ha/crc.h"
#include "ha/wire.h"

#define AT_CRC 56u /* libha/codec/wire_ring.c */
#define HEADER_BYTES 64u

static const uint8_t CLUSTER[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ha_autofree uint8_t *bytes = (uint8_t *)fuzz_text(data, size);
	uint8_t again[HA_RING_BYTES_MAX];
	struct ha_ring_msg msg;
	struct ha_ring_msg back;
	size_t len;
	uint32_t crc;

	(void)ha_ring_msg_decode(data, size, CLUSTER, &msg);
	if (size < HEADER_BYTES) {
		return 0;
	}
	memset(bytes + AT_CRC, 0, 4);
	crc = ha_crc32c(0, bytes, size);
	for (unsigned int i = 0; i < 4; i++) {
		bytes[AT_CRC + i] = (uint8_t)(crc >> (8 * i));
	}
	if (ha_ring_msg_decode(bytes, size, CLUSTER, &msg) < 0) {
		return 0;
	}
	fuzz_expect(msg.sender < HA_HOSTS_MAX && msg.hosts <= HA_HOSTS_MAX);
	fuzz_expect(msg.type != HA_RING_MSG_ECHO || msg.target < HA_HOSTS_MAX);
	len = ha_ring_msg_encode(&msg, CLUSTER, again);
	fuzz_expect(len <= size);
	fuzz_expect(ha_ring_msg_decode(again, len, CLUSTER, &back) == 0);
	fuzz_expect(memcmp(&msg, &back, sizeof(msg)) == 0);
	return 0;
}
