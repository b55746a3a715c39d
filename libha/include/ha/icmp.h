/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does an address answer to ping (ICMP echo)? Without root where the kernel
 * allows it (net.ipv4.ping_group_range), by a raw socket otherwise. An answer
 * counts only from the address that was asked, with the random number of that
 * very ping: nobody else's traffic, and no answer to another program, can
 * keep an isolated host from noticing. No call waits.
 */
#ifndef HA_ICMP_H
#define HA_ICMP_H

#include <stddef.h>
#include <stdint.h>

#include "ha/err.h"

#define HA_ICMP_ADDRESS_TEXT 64 /* "IPv6%interface" and the NUL */
#define HA_ICMP_TARGETS_MAX 32  /* addresses of one struct ha_icmp */

struct ha_icmp;

/* Opens nothing yet. -ENOMEM, -EMFILE. */
int ha_icmp_new(struct ha_icmp **ret_icmp, struct ha_err *err);

/* Readable while answers wait; for poll(2). The ha_icmp's own. */
int ha_icmp_fd(const struct ha_icmp *icmp);

/* Sends one ping. 0 sent; -EINVAL no address; -ENODEV no such interface;
 * -EADDRINUSE this host's own address, which would always answer; -ENOSPC too
 * many different addresses; -EACCES no right to; -ENETUNREACH and others of
 * sendto(2): could not be sent, which is no answer either. */
int ha_icmp_ping(struct ha_icmp *icmp, const char *address, struct ha_err *err);

/* The next answer to one of the last pings: 1, and the address as it was
 * given to ha_icmp_ping(). 0: none there. What is no answer to a ping of ours
 * is dropped. */
int ha_icmp_receive(struct ha_icmp *icmp,
		    char ret_address[HA_ICMP_ADDRESS_TEXT]);

void ha_icmp_free(struct ha_icmp *icmp);

/* ---- default gateways ---------------------------------------------------- */

#define HA_GATEWAYS_MAX 8

struct ha_gateways {
	size_t count; /* more than fit are left out */
	char text[HA_GATEWAYS_MAX][HA_ICMP_ADDRESS_TEXT];
};

/* The default gateways of the main routing tables of this network namespace,
 * IPv4 first. 0 (also for none); -errno when neither table can be read. */
int ha_gateways_read(struct ha_gateways *ret_gateways, struct ha_err *err);

/* Adds those of the text of /proc/net/route and /proc/net/ipv6_route. Lines
 * that are not understood are passed over. */
void ha_gateways_parse_ipv4(const char *text, struct ha_gateways *gateways);
void ha_gateways_parse_ipv6(const char *text, struct ha_gateways *gateways);

#endif
