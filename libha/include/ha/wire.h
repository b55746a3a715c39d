/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Structs of the core as the daemon's messages: facts for fence_vmha as
 * JSON, ring messages as bytes for CPG. Decoders take anything and never
 * trust it.
 */
#ifndef HA_WIRE_H
#define HA_WIRE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/fencing.h"
#include "ha/ring.h"

/* What the daemon answers to "fence-facts": ha_fence_facts without the parts
 * that the agent knows itself (action, order, deadline, now; was_member), the
 * timing in force, and words for the log line. */
struct ha_fence_answer {
	struct ha_fence_facts facts;
	struct ha_timing timing;
	uint64_t about;    /* incarnation that `storage` is about: pass it back
			 * with the next question */
	uint64_t sequence; /* of the newest beat read of the host: the agent
			    * sees by it whether the host still beats */
	uint64_t list_generation; /* of its VM list, as that beat names it */
	char host[HA_HOST_NAME];
	char evidence[256]; /* "hb1 beat 412 is 3.2 s old, hb2 ..." */
};
json_t *ha_wire_fence_answer(const struct ha_fence_answer *answer);
int ha_wire_fence_answer_parse(const json_t *object,
			       struct ha_fence_answer *ret_answer,
			       struct ha_err *err);

#define HA_RING_BYTES_MAX (64u + 16u * HA_HOSTS_MAX)
/* Bytes used. The message carries version, cluster id and CRC. */
size_t ha_ring_msg_encode(const struct ha_ring_msg *msg,
			  const uint8_t cluster[16],
			  uint8_t ret_bytes[HA_RING_BYTES_MAX]);
/* -EPROTO: not ours, truncated, impossible; -EPROTONOSUPPORT: newer. */
int ha_ring_msg_decode(const void *bytes, size_t len, const uint8_t cluster[16],
		       struct ha_ring_msg *ret_msg);

#endif
