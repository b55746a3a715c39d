/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What two heartbeat daemons say to one another about a live migration
 * (SAFETY 13): the source's asks the target's to put the VM on its list as
 * `incoming`, before any port opens there, and the target's answers when that
 * is flushed and granted. Messages of the CPG group of the ring, with a magic
 * of their own: a daemon that does not know them drops them, and the source
 * then hears no answer and does not migrate.
 *
 * A message proves nothing about the VM: it is a wish, which the target holds
 * against the lists on disk, and an answer to exactly this wish.
 *
 * And what a host that can't write its VM list tells the master (SAFETY 26):
 * that a VM has ended there. It goes to all, since the sender can't read who is
 * master; who is not keeps silent, as does a daemon that does not know the
 * message, and then the VM's stop fails as it would without.
 */
#ifndef HA_RINGVM_H
#define HA_RINGVM_H

#include <stddef.h>
#include <stdint.h>

#include "ha/area.h"
#include "ha/err.h"

#define HA_RINGVM_SENTENCE 256u
#define HA_RINGVM_BYTES_MIN (88u + HA_RESOURCE_NAME + HA_RINGVM_SENTENCE)
#define HA_RINGVM_BYTES (HA_RINGVM_BYTES_MIN + 8u)

enum ha_ringvm_type {
	HA_RINGVM_INCOMING, /* list this VM as incoming */
	HA_RINGVM_ANSWER,   /* done, or why not */
	HA_RINGVM_RELEASED, /* it has ended on the sender: write that down */
};

struct ha_ringvm_msg {
	enum ha_ringvm_type type;
	uint32_t sender;             /* slot */
	uint32_t target;             /* slot; RELEASED: HA_SLOT_NONE */
	uint64_t sender_incarnation; /* of the daemon that sends */
	uint64_t target_incarnation; /* of the one that it is for: means
				      * nothing to another; RELEASED: 0 */
	uint64_t ring_seq;           /* membership in which it was sent */
	uint64_t nonce;              /* of the wish, and of its answer; not 0 */
	uint32_t budget_ms;          /* INCOMING: how long the source waits */
	uint32_t result;             /* ANSWER: 0 or errno */
	struct ha_uuid uuid;
	char resource[HA_RESOURCE_NAME];   /* never empty */
	char sentence[HA_RINGVM_SENTENCE]; /* ANSWER: why not */
	uint64_t generation; /* RELEASED: of the sender's list, which the VM is
			      * not on; else 0 */
};

/* The message carries version, cluster id and CRC. */
void ha_ringvm_encode(const struct ha_ringvm_msg *msg,
		      const uint8_t cluster[16],
		      uint8_t ret_bytes[HA_RINGVM_BYTES]);
/* -ENOMSG: another kind of message; -EPROTO: not ours, truncated, impossible;
 * -EPROTONOSUPPORT: newer. */
int ha_ringvm_decode(const void *bytes, size_t len, const uint8_t cluster[16],
		     struct ha_ringvm_msg *ret_msg);

#endif
