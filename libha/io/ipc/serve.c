/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The daemon's end of the socket. Nothing here waits. Who may ask is decided
 * twice: by the socket file's mode, in the kernel, and by the peer's
 * credentials. The group is looked up once, when listening begins: NSS may
 * ask the network.
 */
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/ipc.h"
#include "ha/text.h"
#include "packet.h"

/* Agents of one transition, the admin command and the fence agent at once. */
#define BACKLOG 64
#define GROUPS_MAX 256
#define NO_GROUP ((gid_t)-1)

static gid_t allowed_gid = NO_GROUP;

static gid_t
look_up_group(void)
{
	const struct group *group = getgrnam(HA_IPC_GROUP);

	return group ? group->gr_gid : NO_GROUP;
}

/* Is somebody listening at this address? 0 no, -EADDRINUSE yes. */
static int
is_taken(const struct sockaddr_un *addr)
{
	ha_autoclose int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0) {
		return -EADDRINUSE;
	}
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		return 0;
	case EAGAIN: /* its backlog is full */
		return -EADDRINUSE;
	default:
		return -errno;
	}
}

/* Under another name first: at its own it appears with its mode and owner,
 * and takes the place of a dead one in one step. */
static int
bind_at(int fd, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s.%d", path,
			 (int)getpid());

	if (n < 0 || (size_t)n >= sizeof(addr.sun_path)) {
		return -ENAMETOOLONG;
	}
	if (unlink(addr.sun_path) < 0 && errno != ENOENT) {
		return -errno;
	}
	/* Linux makes the socket file with the mode of the descriptor. */
	if (fchmod(fd, S_IRUSR | S_IWUSR) < 0 ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		return -errno;
	}
	if ((allowed_gid != NO_GROUP &&
	     chown(addr.sun_path, geteuid(), allowed_gid) < 0) ||
	    chmod(addr.sun_path,
		  allowed_gid == NO_GROUP ?
			  S_IRUSR | S_IWUSR :
			  S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) < 0 ||
	    listen(fd, BACKLOG) < 0 || rename(addr.sun_path, path) < 0) {
		int rc = -errno;

		unlink(addr.sun_path);
		return rc;
	}
	return 0;
}

int
ha_ipc_listen(const char *path, int *ret_fd, struct ha_err *err)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	ha_autoclose int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = fd < 0 ? -errno : 0;

	if (rc == 0) {
		rc = ha_text_copy(addr.sun_path, sizeof(addr.sun_path), path);
	}
	if (rc == 0) {
		rc = is_taken(&addr);
	}
	if (rc == -EADDRINUSE) {
		return ha_err_set(err, rc,
				  "another vmha-heartbeatd answers at %s "
				  "already. Stop it first",
				  path);
	}
	if (rc == 0) {
		allowed_gid = look_up_group();
		rc = bind_at(fd, path);
	}
	if (rc < 0) {
		return ha_err_set(err, rc,
				  "can't listen at %s: %s. Its directory must "
				  "exist and be writable",
				  path, strerror(-rc));
	}
	*ret_fd = ha_steal_fd(&fd);
	return 0;
}

static bool
has_group(int fd, gid_t wanted)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0) {
		return false;
	}
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == wanted) {
			return true;
		}
	}
	return false;
}

static bool
may_ask(int fd, const struct ucred *peer)
{
	if (peer->uid == 0 || peer->uid == geteuid()) {
		return true;
	}
	return allowed_gid != NO_GROUP &&
	       (peer->gid == allowed_gid || has_group(fd, allowed_gid));
}

int
ha_ipc_accept(int listen_fd, int *ret_fd, struct ha_err *err)
{
	ha_autoclose int fd =
		accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (fd < 0) {
		return ha_err_set(err, -errno, "a client can't be accepted: %s",
				  strerror(errno));
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		return ha_err_set(err, -errno, "a client is not known: %s",
				  strerror(errno));
	}
	if (!may_ask(fd, &peer)) {
		return ha_err_set(err, -EACCES,
				  "process %d of user %u may not ask: it is "
				  "neither root nor in the group %s",
				  (int)peer.pid, (unsigned int)peer.uid,
				  HA_IPC_GROUP);
	}
	*ret_fd = ha_steal_fd(&fd);
	return 0;
}

int
ha_ipc_receive(int fd, json_t **ret_request, struct ha_err *err)
{
	int rc = ha__packet_receive(fd, ret_request);

	if (rc == -EPROTO) {
		return ha_err_set(err, rc,
				  "a client sent something that is no request");
	}
	return rc < 0 ? ha_err_set(err, rc, "a client can't be heard: %s",
				   strerror(-rc)) :
			rc;
}

/* An answer that is too long becomes a refusal: the client waits for one. */
int
ha_ipc_reply(int fd, const json_t *answer)
{
	int rc = ha__packet_send(fd, answer);
	json_t *refusal;

	if (rc != -EMSGSIZE) {
		return rc;
	}
	refusal = ha_ipc_failed(EMSGSIZE,
				"the answer does not fit into one packet");
	if (refusal) {
		(void)ha__packet_send(fd, refusal);
		json_decref(refusal);
	}
	return -EMSGSIZE;
}

json_t *
ha_ipc_ok(void)
{
	return json_pack("{s:i, s:b}", "v", HA_IPC_VERSION, "ok", 1);
}

json_t *
ha_ipc_failed(int code, const char *sentence)
{
	int number = code < 0 ? -code : code;
	json_t *text = json_string(sentence);

	/* Bytes that are no UTF-8, of a path for example. */
	if (!text) {
		text = json_string("failed, see the log of vmha-heartbeatd");
	}
	return json_pack("{s:i, s:b, s:i, s:o}", "v", HA_IPC_VERSION, "ok", 0,
			 "errno", number > 0 ? number : EIO, "error", text);
}
