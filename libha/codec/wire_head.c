/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The head of a ring message (wire_head.h). Anybody who may join the CPG group
 * may send anything; a message that is refused here is as good as lost, which
 * every protocol on the ring survives.
 */
#include "codec/wire_head.h"

#include <errno.h>
#include <string.h>

#include "codec/area_block.h"
#include "ha/crc.h"

#define VERSION_MAJOR 1u
#ifndef HA__RING_MINOR /* a test builds the next one */
#define HA__RING_MINOR 0u
#endif
#define AT_MAJOR 4u
#define AT_MINOR 5u
#define AT_CLUSTER 8u
#define CLUSTER_BYTES 16u

static uint32_t
checksum(const struct ha__wire_kind *kind, const uint8_t *bytes, size_t len)
{
	static const uint8_t NO_CRC[HA__WIRE_CRC_BYTES];
	size_t behind = kind->at_crc + HA__WIRE_CRC_BYTES;
	uint32_t crc = ha_crc32c(0, bytes, kind->at_crc);

	crc = ha_crc32c(crc, NO_CRC, sizeof(NO_CRC));
	return ha_crc32c(crc, bytes + behind, len - behind);
}

void
ha__wire_begin(const struct ha__wire_kind *kind, uint8_t *bytes, uint32_t type,
	       const uint8_t cluster[16], uint32_t sender, uint32_t target)
{
	memcpy(bytes, kind->magic, sizeof(kind->magic));
	bytes[AT_MAJOR] = VERSION_MAJOR;
	bytes[AT_MINOR] = HA__RING_MINOR;
	ha__put_u16(bytes + HA__WIRE_AT_TYPE, type);
	memcpy(bytes + AT_CLUSTER, cluster, CLUSTER_BYTES);
	ha__put_u16(bytes + HA__WIRE_AT_SENDER, sender);
	ha__put_u16(bytes + HA__WIRE_AT_TARGET, target);
}

void
ha__wire_end(const struct ha__wire_kind *kind, uint8_t *bytes, size_t len)
{
	ha__put_u32(bytes + kind->at_crc, checksum(kind, bytes, len));
}

int
ha__wire_check(const struct ha__wire_kind *kind, const uint8_t *bytes,
	       size_t len, const uint8_t cluster[16])
{
	if (len < sizeof(kind->magic) ||
	    memcmp(bytes, kind->magic, sizeof(kind->magic)) != 0) {
		return -ENOMSG;
	}
	if (len < kind->bytes_min ||
	    ha__get_u32(bytes + kind->at_crc) != checksum(kind, bytes, len) ||
	    memcmp(bytes + AT_CLUSTER, cluster, CLUSTER_BYTES) != 0) {
		return -EPROTO;
	}
	if (bytes[AT_MAJOR] > VERSION_MAJOR) {
		return -EPROTONOSUPPORT;
	}
	if (ha__get_u16(bytes + HA__WIRE_AT_TYPE) > kind->type_max) {
		return bytes[AT_MINOR] > HA__RING_MINOR ? -EPROTONOSUPPORT :
							  -EPROTO;
	}
	return bytes[AT_MAJOR] < VERSION_MAJOR ? -EPROTO : 0;
}
