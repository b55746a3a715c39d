/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Default gateways, from the kernel's text tables: /proc/net/route (IPv4,
 * addresses as hexadecimal numbers in host byte order) and
 * /proc/net/ipv6_route (proc(5), net/ipv6/route.c: rt6_info_route). A host
 * with a full Internet table has a default route at the front of it, so only
 * the front is read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/icmp.h"
#include "ha/text.h"

#define ROUTE4 "/proc/net/route"
#define ROUTE6 "/proc/net/ipv6_route"
#define TABLE_BYTES (64u * 1024u)
#define IFNAME_BYTES 17
#define HEX6_BYTES 33
/* linux/route.h, linux/ipv6_route.h */
#define FLAG_UP 0x1u
#define FLAG_GATEWAY 0x2u
#define FLAG_REJECT 0x200u

static void
add(struct ha_gateways *gateways, const char *address)
{
	for (size_t i = 0; i < gateways->count; i++) {
		if (strcmp(gateways->text[i], address) == 0) {
			return;
		}
	}
	if (gateways->count < HA_GATEWAYS_MAX &&
	    ha_text_copy(gateways->text[gateways->count], HA_ICMP_ADDRESS_TEXT,
			 address) == 0) {
		gateways->count++;
	}
}

static bool
is_gateway(uint32_t flags)
{
	return (flags & (FLAG_UP | FLAG_GATEWAY | FLAG_REJECT)) ==
	       (FLAG_UP | FLAG_GATEWAY);
}

static const char *
next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

void
ha_gateways_parse_ipv4(const char *text, struct ha_gateways *gateways)
{
	for (const char *line = text; *line; line = next_line(line)) {
		char address[INET_ADDRSTRLEN];
		uint32_t destination;
		uint32_t gateway;
		uint32_t flags;
		uint32_t mask;

		/* Iface Destination Gateway Flags RefCnt Use Metric Mask */
		if (sscanf(line,
			   "%*16s %8" SCNx32 " %8" SCNx32 " %8" SCNx32
			   " %*u %*u %*u %8" SCNx32,
			   &destination, &gateway, &flags, &mask) != 4 ||
		    destination != 0 || mask != 0 || gateway == 0 ||
		    !is_gateway(flags)) {
			continue;
		}
		if (inet_ntop(AF_INET, &gateway, address, sizeof(address))) {
			add(gateways, address);
		}
	}
}

/* 32 hexadecimal digits in network order. */
static bool
parse_hex6(const char *hex, struct in6_addr *ret)
{
	if (strlen(hex) != HEX6_BYTES - 1) {
		return false;
	}
	for (size_t i = 0; i < sizeof(ret->s6_addr); i++) {
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1) {
			return false;
		}
		ret->s6_addr[i] = (uint8_t)byte;
	}
	return true;
}

void
ha_gateways_parse_ipv6(const char *text, struct ha_gateways *gateways)
{
	for (const char *line = text; *line; line = next_line(line)) {
		char address[INET6_ADDRSTRLEN];
		char full[INET6_ADDRSTRLEN + IFNAME_BYTES + 1];
		char hex[HEX6_BYTES];
		char via[HEX6_BYTES];
		char device[IFNAME_BYTES];
		struct in6_addr destination;
		struct in6_addr gateway;
		uint32_t length;
		uint32_t flags;

		/* destination length source length next-hop metric refcnt use
		 * flags device */
		if (sscanf(line,
			   "%32s %2" SCNx32 " %*32s %*2x %32s %*8x %*8x %*8x "
			   "%8" SCNx32 " %16s",
			   hex, &length, via, &flags, device) != 5 ||
		    length != 0 || !is_gateway(flags) ||
		    !parse_hex6(hex, &destination) ||
		    !IN6_IS_ADDR_UNSPECIFIED(&destination) ||
		    !parse_hex6(via, &gateway) ||
		    IN6_IS_ADDR_UNSPECIFIED(&gateway) ||
		    !inet_ntop(AF_INET6, &gateway, address, sizeof(address))) {
			continue;
		}
		snprintf(full, sizeof(full), "%s%s%s", address,
			 IN6_IS_ADDR_LINKLOCAL(&gateway) ? "%" : "",
			 IN6_IS_ADDR_LINKLOCAL(&gateway) ? device : "");
		add(gateways, full);
	}
}

/* Up to `size` less one byte, whole lines. */
static int
read_front(const char *path, char *buf, size_t size)
{
	ha_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0) {
		return -errno;
	}
	while (len + 1 < size && n > 0) {
		n = read(fd, buf + len, size - 1 - len);
		if (n < 0 && errno == EINTR) {
			n = 1;
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		len += (size_t)n;
	}
	while (len > 0 && buf[len - 1] != '\n') {
		len--;
	}
	buf[len] = '\0';
	return 0;
}

int
ha_gateways_read(struct ha_gateways *ret_gateways, struct ha_err *err)
{
	ha_autofree char *text = malloc(TABLE_BYTES);
	struct ha_gateways found = { 0 };
	int rc4;
	int rc6;

	if (!text) {
		return ha_err_set(err, -ENOMEM, "no memory");
	}
	rc4 = read_front(ROUTE4, text, TABLE_BYTES);
	if (rc4 == 0) {
		ha_gateways_parse_ipv4(text, &found);
	}
	rc6 = read_front(ROUTE6, text, TABLE_BYTES);
	if (rc6 == 0) {
		ha_gateways_parse_ipv6(text, &found);
	}
	if (rc4 < 0 && rc6 < 0) {
		return ha_err_set(err, rc4,
				  "the routing table " ROUTE4
				  " can't be read: %s",
				  strerror(-rc4));
	}
	*ret_gateways = found;
	return 0;
}
