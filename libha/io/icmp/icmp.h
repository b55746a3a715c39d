/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libha/io/icmp share: an address as the kernel wants it,
 * and the bytes of a ping.
 */
#ifndef HA_IO_ICMP_H
#define HA_IO_ICMP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ha/err.h"

union ha__icmp_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* "IPv4", "IPv6", "IPv6%interface". */
int ha__icmp_parse(const char *text, union ha__icmp_addr *ret_addr,
		   struct ha_err *err);
bool ha__icmp_is_same(const union ha__icmp_addr *a,
		      const union ha__icmp_addr *b);
/* Of this host itself, loopback included. */
bool ha__icmp_is_own(const union ha__icmp_addr *addr);

/* An echo request and its answer: type, code, checksum, id, sequence (RFC 792,
 * RFC 4443), then the payload by which an answer is known. */
struct ha__icmp_packet {
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	uint16_t id;
	uint16_t sequence;
	uint8_t mark[8];
	uint64_t nonce;
};

void ha__icmp_make(int family, uint16_t id, uint16_t sequence, uint64_t nonce,
		   struct ha__icmp_packet *ret_packet);
/* The nonce of an answer; false: it is none of ours. `has_ip`: an IPv4 header
 * stands in front (raw socket). */
bool ha__icmp_read(int family, bool has_ip, const void *bytes, size_t len,
		   uint64_t *ret_nonce);

#endif
