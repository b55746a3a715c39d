/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message about a VM, as it came and with its CRC put right: what is
 * accepted is possible, ends its texts, and survives being sent on.
 */
#include "fuzz.h"
#include "ha/crc.h"
#include "ha/ringvm.h"

#define AT_CRC 64u /* libha/codec/wire_ringvm.c */

static const uint8_t CLUSTER[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ha_autofree uint8_t *bytes = (uint8_t *)fuzz_text(data, size);
	uint8_t again[HA_RINGVM_BYTES];
	struct ha_ringvm_msg msg;
	struct ha_ringvm_msg back;
	uint32_t crc;

	(void)ha_ringvm_decode(data, size, CLUSTER, &msg);
	if (size < HA_RINGVM_BYTES_MIN) {
		return 0;
	}
	memset(bytes + AT_CRC, 0, 4);
	crc = ha_crc32c(0, bytes, size);
	for (unsigned int i = 0; i < 4; i++) {
		bytes[AT_CRC + i] = (uint8_t)(crc >> (8 * i));
	}
	if (ha_ringvm_decode(bytes, size, CLUSTER, &msg) < 0) {
		return 0;
	}
	fuzz_expect(msg.sender < HA_HOSTS_MAX);
	fuzz_expect(msg.type == HA_RINGVM_RELEASED ?
			    msg.target == HA_SLOT_NONE && msg.generation > 0 :
			    msg.target < HA_HOSTS_MAX && msg.generation == 0);
	fuzz_expect(msg.nonce != 0 && msg.resource[0]);
	fuzz_expect(memchr(msg.resource, 0, sizeof(msg.resource)));
	fuzz_expect(memchr(msg.sentence, 0, sizeof(msg.sentence)));
	ha_ringvm_encode(&msg, CLUSTER, again);
	fuzz_expect(ha_ringvm_decode(again, sizeof(again), CLUSTER, &back) ==
		    0);
	fuzz_expect(memcmp(&msg, &back, sizeof(msg)) == 0);
	return 0;
}
