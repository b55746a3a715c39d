/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What all messages of the CPG group begin with, little endian, and the check
 * that each goes through before anything of it is believed: of this kind,
 * whole, of this cluster, of a version that can be read. Shared in codec.
 *
 *   at  bytes
 *    0  4   magic
 *    4  1   version: major
 *    5  1   version: minor (longer messages)
 *    6  2   type
 *    8  16  cluster id
 *   24  2   sender
 *   26  2   target
 */
#ifndef HA__WIRE_HEAD_H
#define HA__WIRE_HEAD_H

#include <stddef.h>
#include <stdint.h>

#define HA__WIRE_AT_TYPE 6u
#define HA__WIRE_AT_SENDER 24u
#define HA__WIRE_AT_TARGET 26u
#define HA__WIRE_CRC_BYTES 4u

struct ha__wire_kind {
	uint8_t magic[4];
	size_t at_crc;     /* CRC-32C of the message with these bytes zero */
	size_t bytes_min;  /* a shorter one is none */
	uint32_t type_max; /* that this version knows */
};

/* Into bytes that are zero. */
void ha__wire_begin(const struct ha__wire_kind *kind, uint8_t *bytes,
		    uint32_t type, const uint8_t cluster[16], uint32_t sender,
		    uint32_t target);
void ha__wire_end(const struct ha__wire_kind *kind, uint8_t *bytes, size_t len);
/* -ENOMSG: of another kind; -EPROTO: not ours, torn, impossible;
 * -EPROTONOSUPPORT: of a newer program. */
int ha__wire_check(const struct ha__wire_kind *kind, const uint8_t *bytes,
		   size_t len, const uint8_t cluster[16]);

#endif
