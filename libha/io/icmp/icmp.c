/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sockets of the pings, and which answer belongs to which of them. Datagram
 * sockets (ping sockets) get answers to their own requests alone and need no
 * privilege; a raw socket sees every echo reply of the host, so source address
 * and nonce decide on both.
 */
#include "ha/icmp.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/text.h"
#include "icmp.h"

#define PENDING 8        /* pings of one address that may still be answered */
#define DRAIN_MAX 256    /* packets looked at in one call: it must return */
#define PACKET_BYTES 512 /* more than an answer to ours has */
#define ICMP_FILTER_OPTION 1 /* linux/icmp.h, which fights netinet's */
#define FILTER_ALL_BUT_REPLY (~1u)

struct target {
	char text[HA_ICMP_ADDRESS_TEXT];
	union ha__icmp_addr addr;
	uint64_t nonces[PENDING]; /* a ring; 0: answered or never sent */
	size_t next;
};

struct endpoint {
	int fd; /* -1: not open */
	bool is_raw;
};

struct ha_icmp {
	int epoll_fd;
	struct endpoint v4, v6;
	uint16_t id;
	uint16_t sequence;
	size_t count;
	struct target targets[HA_ICMP_TARGETS_MAX];
};

int
ha_icmp_new(struct ha_icmp **ret_icmp, struct ha_err *err)
{
	struct ha_icmp *icmp = calloc(1, sizeof(*icmp));

	if (!icmp) {
		return ha_err_set(err, -ENOMEM, "no memory");
	}
	icmp->v4.fd = -1;
	icmp->v6.fd = -1;
	icmp->id = (uint16_t)getpid();
	icmp->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (icmp->epoll_fd < 0) {
		int rc = ha_err_set(err, -errno, "epoll: %s", strerror(errno));

		free(icmp);
		return rc;
	}
	*ret_icmp = icmp;
	return 0;
}

void
ha_icmp_free(struct ha_icmp *icmp)
{
	if (!icmp) {
		return;
	}
	ha__cleanup_fd(&icmp->v4.fd);
	ha__cleanup_fd(&icmp->v6.fd);
	ha__cleanup_fd(&icmp->epoll_fd);
	free(icmp);
}

int
ha_icmp_fd(const struct ha_icmp *icmp)
{
	return icmp->epoll_fd;
}

/* A busy host's other echo replies must not fill the socket's queue. */
static void
filter_raw(int fd, int family)
{
	if (family == AF_INET) {
		uint32_t mask = FILTER_ALL_BUT_REPLY;

		(void)setsockopt(fd, SOL_RAW, ICMP_FILTER_OPTION, &mask,
				 sizeof(mask));
	} else {
		struct icmp6_filter filter;

		ICMP6_FILTER_SETBLOCKALL(&filter);
		ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
		(void)setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter,
				 sizeof(filter));
	}
}

static int
open_endpoint(struct ha_icmp *icmp, int family, struct endpoint *endpoint,
	      struct ha_err *err)
{
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int protocol =
		family == AF_INET ? (int)IPPROTO_ICMP : (int)IPPROTO_ICMPV6;
	struct epoll_event event = { .events = EPOLLIN };
	ha_autoclose int fd = -1;
	bool is_raw = false;

	if (endpoint->fd >= 0) {
		return 0;
	}
	fd = socket(family, SOCK_DGRAM | flags, protocol);
	if (fd < 0 && errno != EAFNOSUPPORT) {
		is_raw = true;
		fd = socket(family, SOCK_RAW | flags, protocol);
	}
	if (fd < 0) {
		return ha_err_set(
			err, errno == EPERM ? -EACCES : -errno,
			"no socket for pings: %s; run as root, or "
			"allow it by sysctl net.ipv4.ping_group_range",
			strerror(errno));
	}
	if (is_raw) {
		filter_raw(fd, family);
	}
	if (epoll_ctl(icmp->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		return ha_err_set(err, -errno, "epoll: %s", strerror(errno));
	}
	endpoint->is_raw = is_raw;
	endpoint->fd = ha_steal_fd(&fd);
	return 0;
}

static struct target *
find_target(struct ha_icmp *icmp, const char *address)
{
	for (size_t i = 0; i < icmp->count; i++) {
		if (strcmp(icmp->targets[i].text, address) == 0) {
			return &icmp->targets[i];
		}
	}
	return NULL;
}

/* NULL: *ret_rc and err say why. */
static struct target *
get_target(struct ha_icmp *icmp, const char *address, int *ret_rc,
	   struct ha_err *err)
{
	struct target *target = find_target(icmp, address);
	union ha__icmp_addr addr;

	*ret_rc = ha__icmp_parse(address, &addr, err);
	if (*ret_rc < 0) {
		return NULL;
	}
	if (!target) {
		if (icmp->count == HA_ICMP_TARGETS_MAX) {
			*ret_rc = ha_err_set(err, -ENOSPC,
					     "too many addresses, %d is the "
					     "limit",
					     HA_ICMP_TARGETS_MAX);
			return NULL;
		}
		target = &icmp->targets[icmp->count];
		*ret_rc = ha_text_copy(target->text, sizeof(target->text),
				       address);
		if (*ret_rc < 0) {
			ha_err_set(err, *ret_rc, "it is no IP address");
			return NULL;
		}
		icmp->count++;
	}
	/* Anew each time: an interface may have come back with another index. */
	target->addr = addr;
	return target;
}

int
ha_icmp_ping(struct ha_icmp *icmp, const char *address, struct ha_err *err)
{
	struct ha__icmp_packet packet;
	struct endpoint *endpoint;
	struct target *target;
	uint64_t nonce = 0;
	socklen_t len;
	int family;
	int rc;

	target = get_target(icmp, address, &rc, err);
	if (!target) {
		return rc;
	}
	if (ha__icmp_is_own(&target->addr)) {
		return ha_err_set(err, -EADDRINUSE,
				  "it is this host's own address, which always "
				  "answers");
	}
	family = target->addr.any.sa_family;
	endpoint = family == AF_INET ? &icmp->v4 : &icmp->v6;
	rc = open_endpoint(icmp, family, endpoint, err);
	if (rc < 0) {
		return rc;
	}
	while (nonce == 0) {
		if (getrandom(&nonce, sizeof(nonce), GRND_NONBLOCK) < 0) {
			return ha_err_set(err, -errno, "no random number: %s",
					  strerror(errno));
		}
	}
	ha__icmp_make(family, icmp->id, ++icmp->sequence, nonce, &packet);
	len = family == AF_INET ? sizeof(target->addr.v4) :
				  sizeof(target->addr.v6);
	if (sendto(endpoint->fd, &packet, sizeof(packet), MSG_NOSIGNAL,
		   &target->addr.any, len) < 0) {
		return ha_err_set(err, -errno, "it can't be reached: %s",
				  strerror(errno));
	}
	target->nonces[target->next] = nonce;
	target->next = (target->next + 1) % PENDING;
	return 0;
}

static struct target *
match(struct ha_icmp *icmp, const union ha__icmp_addr *from, uint64_t nonce)
{
	for (size_t i = 0; i < icmp->count; i++) {
		struct target *target = &icmp->targets[i];

		for (size_t k = 0; k < PENDING; k++) {
			if (target->nonces[k] != 0 &&
			    target->nonces[k] == nonce &&
			    ha__icmp_is_same(&target->addr, from)) {
				target->nonces[k] = 0;
				return target;
			}
		}
	}
	return NULL;
}

/* 1 an answer, 0 something else, -EAGAIN no packet. */
static int
receive_one(struct ha_icmp *icmp, const struct endpoint *endpoint,
	    char ret_address[HA_ICMP_ADDRESS_TEXT])
{
	union ha__icmp_addr from = { 0 };
	socklen_t from_len = sizeof(from);
	uint8_t bytes[PACKET_BYTES];
	struct target *target;
	uint64_t nonce;
	int family = endpoint == &icmp->v4 ? AF_INET : AF_INET6;
	ssize_t n = recvfrom(endpoint->fd, bytes, sizeof(bytes), 0, &from.any,
			     &from_len);

	if (n < 0) {
		/* "unreachable" of an earlier ping comes as an error here. */
		return errno == EAGAIN ? -EAGAIN : 0;
	}
	if (from.any.sa_family != family ||
	    !ha__icmp_read(family, endpoint->is_raw && family == AF_INET, bytes,
			   (size_t)n, &nonce)) {
		return 0;
	}
	target = match(icmp, &from, nonce);
	if (!target) {
		return 0;
	}
	memcpy(ret_address, target->text, HA_ICMP_ADDRESS_TEXT);
	return 1;
}

int
ha_icmp_receive(struct ha_icmp *icmp, char ret_address[HA_ICMP_ADDRESS_TEXT])
{
	const struct endpoint *const endpoints[] = { &icmp->v4, &icmp->v6 };

	for (size_t e = 0; e < sizeof(endpoints) / sizeof(endpoints[0]); e++) {
		int rc = 0;

		for (unsigned int i = 0; i < DRAIN_MAX && rc == 0; i++) {
			rc = endpoints[e]->fd < 0 ?
				     -EAGAIN :
				     receive_one(icmp, endpoints[e],
						 ret_address);
		}
		if (rc == 1) {
			return 1;
		}
	}
	return 0;
}
