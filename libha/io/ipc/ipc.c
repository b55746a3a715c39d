/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The asking end: one connection, one packet each way, one deadline over all
 * of it. The daemon must be root's (or this user's own), since its answers
 * decide about fencing. An answer is an answer only when it is whole: a
 * missing or odd member is -EPROTO, never a default.
 */
#include "ha/ipc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/text.h"
#include "packet.h"

#define CONNECT_PAUSE_MS 5u /* backlog full: the daemon is busy */
#define POLL_MAX_MS 60000u  /* poll(2) takes an int */
#define ERRNO_MAX 4095      /* MAX_ERRNO of the kernel */

static int
wait_for(int fd, short events, uint64_t deadline_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		uint64_t left_ms = ha_clock_left_ms(deadline_ms);
		int rc;

		if (left_ms > POLL_MAX_MS) {
			left_ms = POLL_MAX_MS;
		}
		rc = poll(&p, 1, (int)left_ms);
		if (rc > 0) {
			return 0;
		}
		if (rc < 0 && errno != EINTR) {
			return -errno;
		}
		if (ha_clock_left_ms(deadline_ms) == 0) {
			return -ETIMEDOUT;
		}
	}
}

static int
connect_to(const char *path, uint64_t deadline_ms, int *ret_fd)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	ha_autoclose int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		return -errno;
	}
	if (ha_text_copy(addr.sun_path, sizeof(addr.sun_path), path) < 0) {
		return -ENAMETOOLONG;
	}
	while (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		if (errno == ENOENT || errno == ECONNREFUSED) {
			return -ENOTCONN;
		}
		if (errno != EAGAIN && errno != EINTR) {
			return -errno;
		}
		if (ha_clock_left_ms(deadline_ms) == 0) {
			return -ETIMEDOUT;
		}
		ha_clock_sleep_ms(CONNECT_PAUSE_MS, deadline_ms);
	}
	*ret_fd = ha_steal_fd(&fd);
	return 0;
}

static int
check_server(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		return -errno;
	}
	return peer.uid == 0 || peer.uid == geteuid() ? 0 : -EPERM;
}

static int
send_request(int fd, const json_t *request, uint64_t deadline_ms)
{
	/* Shallow: the members stay the caller's. */
	json_t *copy = json_copy((json_t *)(uintptr_t)request);
	int rc;

	if (!copy ||
	    json_object_set_new(copy, "v", json_integer(HA_IPC_VERSION)) < 0) {
		json_decref(copy);
		return json_is_object(request) ? -ENOMEM : -EINVAL;
	}
	while ((rc = ha__packet_send(fd, copy)) == -EAGAIN) {
		rc = wait_for(fd, POLLOUT, deadline_ms);
		if (rc < 0) {
			break;
		}
	}
	json_decref(copy);
	return rc;
}

static int
receive_answer(int fd, uint64_t deadline_ms, json_t **ret_answer)
{
	int rc;

	while ((rc = ha__packet_receive(fd, ret_answer)) == -EAGAIN) {
		rc = wait_for(fd, POLLIN, deadline_ms);
		if (rc < 0) {
			return rc;
		}
	}
	return rc == HA__PACKET_GONE ? -ECONNRESET : rc;
}

/* Who answers there. */
static const char *
daemon_of(const char *path)
{
	return strstr(path, "fdm") ? "vmha-fdmd" : "vmha-heartbeatd";
}

static int
failed(const char *path, int code, struct ha_err *err)
{
	const char *name = daemon_of(path);

	switch (-code) {
	case ENOTCONN:
		return ha_err_set(err, code,
				  "%s does not run here: nobody listens at "
				  "%s. Start it",
				  name, path);
	case ECONNRESET:
	case EPIPE:
		return ha_err_set(err, -ENOTCONN,
				  "%s ended the connection without an "
				  "answer. See its log",
				  name);
	case ETIMEDOUT:
		return ha_err_set(err, code,
				  "%s did not answer in time. See its log",
				  name);
	case EPERM:
		return ha_err_set(err, code,
				  "%s is served by a process that is not "
				  "root's. Find out who replaced it",
				  path);
	case EACCES:
		return ha_err_set(err, code,
				  "%s: permission denied. Ask as root or as a "
				  "member of the group %s",
				  path, HA_IPC_GROUP);
	case EPROTO:
		return ha_err_set(err, code,
				  "vmha-heartbeatd's answer is not understood. "
				  "Do this program and the daemon come from "
				  "one installation?");
	default:
		return ha_err_set(err, code,
				  "asking vmha-heartbeatd at %s failed: %s",
				  path, strerror(-code));
	}
}

/* 0, the errno of a refusal (with its sentence), -EPROTO (without one). */
static int
judge(const json_t *answer, struct ha_err *err)
{
	const json_t *ok = json_object_get(answer, "ok");
	const json_t *code = json_object_get(answer, "errno");
	const char *text = json_string_value(json_object_get(answer, "error"));

	if (json_is_true(ok)) {
		return 0;
	}
	if (!json_is_false(ok) || !json_is_integer(code) || !text ||
	    json_integer_value(code) < 1 ||
	    json_integer_value(code) > ERRNO_MAX) {
		return -EPROTO;
	}
	ha_err_set(err, 0, "%s", text);
	return -(int)json_integer_value(code);
}

int
ha_ipc_ask(const char *path, const json_t *request, uint64_t deadline_ms,
	   json_t **ret_answer, struct ha_err *err)
{
	struct ha_err refusal = HA_ERR_INIT;
	ha_autoclose int fd = -1;
	json_t *answer = NULL;
	int rc = connect_to(path, deadline_ms, &fd);

	if (rc == 0) {
		rc = check_server(fd);
	}
	if (rc == 0) {
		rc = send_request(fd, request, deadline_ms);
	}
	if (rc == 0) {
		rc = receive_answer(fd, deadline_ms, &answer);
	}
	if (rc < 0) {
		return failed(path, rc, err);
	}
	rc = judge(answer, &refusal);
	if (rc == 0) {
		*ret_answer = answer;
		return 0;
	}
	json_decref(answer);
	return refusal.text[0] ? ha_err_set(err, rc, "%s", refusal.text) :
				 failed(path, rc, err);
}
