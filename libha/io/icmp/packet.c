/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Addresses and bytes of a ping. Sources: RFC 792 (echo), RFC 1071
 * (checksum), RFC 4443 (ICMPv6; its checksum is the kernel's work on every
 * kind of socket).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "ha/icmp.h"
#include "icmp.h"

#define IP_WORD_BYTES 4u /* unit of the header length field */

static const uint8_t MARK[8] = { 'v', 'm', 'h', 'a', 'p', 'i', 'n', 'g' };

int
ha__icmp_parse(const char *text, union ha__icmp_addr *ret_addr,
	       struct ha_err *err)
{
	union ha__icmp_addr addr = { 0 };
	const char *scope = strchr(text, '%');
	size_t len = scope ? (size_t)(scope - text) : strlen(text);
	char host[HA_ICMP_ADDRESS_TEXT];

	if (len < sizeof(host)) {
		memcpy(host, text, len);
		host[len] = '\0';
		if (!scope &&
		    inet_pton(AF_INET, host, &addr.v4.sin_addr) == 1) {
			addr.v4.sin_family = AF_INET;
			*ret_addr = addr;
			return 0;
		}
		memset(&addr, 0, sizeof(addr));
		if (inet_pton(AF_INET6, host, &addr.v6.sin6_addr) == 1) {
			addr.v6.sin6_family = AF_INET6;
			addr.v6.sin6_scope_id =
				scope ? if_nametoindex(scope + 1) : 0;
			if (scope && addr.v6.sin6_scope_id == 0) {
				return ha_err_set(err, -ENODEV,
						  "there is no interface %s",
						  scope + 1);
			}
			*ret_addr = addr;
			return 0;
		}
	}
	return ha_err_set(err, -EINVAL, "it is no IP address");
}

/* A scope counts only where both name one: an answer to an address with
 * global scope carries the interface it came by. */
bool
ha__icmp_is_same(const union ha__icmp_addr *a, const union ha__icmp_addr *b)
{
	if (a->any.sa_family != b->any.sa_family) {
		return false;
	}
	if (a->any.sa_family == AF_INET) {
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	}
	return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr) &&
	       (a->v6.sin6_scope_id == b->v6.sin6_scope_id ||
		a->v6.sin6_scope_id == 0 || b->v6.sin6_scope_id == 0);
}

bool
ha__icmp_is_own(const union ha__icmp_addr *addr)
{
	struct ifaddrs *list = NULL;
	bool found = false;

	if (addr->any.sa_family == AF_INET ?
		    (ntohl(addr->v4.sin_addr.s_addr) >> 24) == IN_LOOPBACKNET ||
			    addr->v4.sin_addr.s_addr == INADDR_ANY :
		    IN6_IS_ADDR_LOOPBACK(&addr->v6.sin6_addr) ||
			    IN6_IS_ADDR_UNSPECIFIED(&addr->v6.sin6_addr)) {
		return true;
	}
	if (getifaddrs(&list) < 0) {
		return false;
	}
	for (struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
		union ha__icmp_addr own = { 0 };

		if (!i->ifa_addr) {
			continue;
		}
		if (i->ifa_addr->sa_family == AF_INET) {
			memcpy(&own.v4, i->ifa_addr, sizeof(own.v4));
		} else if (i->ifa_addr->sa_family == AF_INET6) {
			memcpy(&own.v6, i->ifa_addr, sizeof(own.v6));
		} else {
			continue;
		}
		found = ha__icmp_is_same(addr, &own);
	}
	freeifaddrs(list);
	return found;
}

static uint16_t
checksum(const struct ha__icmp_packet *packet)
{
	const uint8_t *bytes = (const uint8_t *)packet;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*packet); i += 2) {
		uint16_t word;

		memcpy(&word, bytes + i, sizeof(word));
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void
ha__icmp_make(int family, uint16_t id, uint16_t sequence, uint64_t nonce,
	      struct ha__icmp_packet *ret_packet)
{
	memset(ret_packet, 0, sizeof(*ret_packet));
	ret_packet->type = family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	ret_packet->id = htons(id);
	ret_packet->sequence = htons(sequence);
	memcpy(ret_packet->mark, MARK, sizeof(MARK));
	ret_packet->nonce = nonce;
	if (family == AF_INET) {
		ret_packet->checksum = checksum(ret_packet);
	}
}

bool
ha__icmp_read(int family, bool has_ip, const void *bytes, size_t len,
	      uint64_t *ret_nonce)
{
	uint8_t want = family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
	const uint8_t *p = bytes;
	struct ha__icmp_packet packet;

	if (has_ip) {
		size_t header = len < sizeof(struct iphdr) ?
					0 :
					(size_t)(p[0] & 0xf) * IP_WORD_BYTES;

		if (header < sizeof(struct iphdr) || header > len) {
			return false;
		}
		p += header;
		len -= header;
	}
	if (len < sizeof(packet)) {
		return false;
	}
	memcpy(&packet, p, sizeof(packet));
	if (packet.type != want || packet.code != 0 ||
	    memcmp(packet.mark, MARK, sizeof(MARK)) != 0) {
		return false;
	}
	*ret_nonce = packet.nonce;
	return true;
}
