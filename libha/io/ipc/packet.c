/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets: see packet.h. A packet is whole or refused; rubbish ends one
 * connection and nothing else. Memory per packet is bounded by
 * HA_IPC_PACKET, depth by jansson's own limit.
 */
#include "packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "ha/cleanup.h"
#include "ha/ipc.h"

int
ha__packet_send(int fd, const json_t *object)
{
	ha_autofree char *text = json_dumps(object, JSON_COMPACT);
	ssize_t n;

	if (!text) {
		return -ENOMEM;
	}
	if (strlen(text) > HA_IPC_PACKET) {
		return -EMSGSIZE;
	}
	do {
		n = send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int
ha__packet_receive(int fd, json_t **ret_object)
{
	ha_autofree char *text = malloc(HA_IPC_PACKET);
	json_t *object;
	ssize_t n;

	if (!text) {
		return -ENOMEM;
	}
	/* MSG_TRUNC: the packet's own length, also where it did not fit. */
	do {
		n = recv(fd, text, HA_IPC_PACKET, MSG_DONTWAIT | MSG_TRUNC);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		return errno == ECONNRESET ? HA__PACKET_GONE : -errno;
	}
	if (n == 0) {
		return HA__PACKET_GONE;
	}
	if ((size_t)n > HA_IPC_PACKET) {
		return -EPROTO;
	}
	object = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(object) ||
	    json_integer_value(json_object_get(object, "v")) < 1) {
		json_decref(object);
		return -EPROTO;
	}
	*ret_object = object;
	return 0;
}
