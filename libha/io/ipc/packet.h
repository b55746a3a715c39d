/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One JSON object as one packet of a SOCK_SEQPACKET socket, without waiting:
 * what both ends share. Nothing outside io/ipc includes this.
 */
#ifndef HA_IO_IPC_PACKET_H
#define HA_IO_IPC_PACKET_H

#include <jansson.h>

#define HA__PACKET_GONE 1 /* the other end has closed */

/* -EAGAIN: no room; -EMSGSIZE: above HA_IPC_PACKET, nothing was sent. */
int ha__packet_send(int fd, const json_t *object);
/* -EAGAIN: nothing there; -EPROTO: no JSON object, no "v", or too long. */
int ha__packet_receive(int fd, json_t **ret_object);

#endif
