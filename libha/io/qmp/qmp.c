/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The QMP client: connect, negotiate, one command at a time. See ha/qmp.h.
 * QEMU serves one client per socket; a second one is accepted by the kernel
 * and waits, which the deadline turns into -ETIMEDOUT.
 */
#include "ha/qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ha/clock.h"
#include "ha/qemu.h"
#include "ha/text.h"

static int
wait_for(int fd, short events, uint64_t deadline_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		uint64_t left = ha_clock_left_ms(deadline_ms);
		int rc = poll(&p, 1, (int)left);

		if (rc > 0) {
			return 0;
		}
		if (rc == 0) {
			return -ETIMEDOUT;
		}
		if (errno != EINTR) {
			return -errno;
		}
	}
}

static int
send_line(struct ha_qmp *qmp, const char *line, uint64_t deadline_ms)
{
	size_t len = strlen(line);

	while (len > 0) {
		ssize_t n = send(qmp->fd, line, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			int rc = wait_for(qmp->fd, POLLOUT, deadline_ms);

			if (rc < 0) {
				return rc;
			}
		} else if (n < 0 && errno != EINTR) {
			return -errno;
		} else if (n > 0) {
			line += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* A whole line that has come already: 1, 0 none, or not QMP. */
static int
take_line(struct ha_qmp *qmp, struct ha_qmp_message *ret_message)
{
	char *end = memchr(qmp->buf, '\n', qmp->n);
	size_t len;
	int rc;

	if (!end) {
		return qmp->n == sizeof(qmp->buf) ? -EMSGSIZE : 0;
	}
	len = (size_t)(end - qmp->buf) + 1;
	rc = ha_qmp_parse(qmp->buf, len, ret_message);
	qmp->n -= len;
	memmove(qmp->buf, qmp->buf + len, qmp->n);
	return rc < 0 ? rc : 1;
}

/* What is there now; -EAGAIN: nothing. */
static int
receive(struct ha_qmp *qmp)
{
	ssize_t got =
		recv(qmp->fd, qmp->buf + qmp->n, sizeof(qmp->buf) - qmp->n, 0);

	if (got < 0) {
		return errno == EINTR ? -EAGAIN : -errno;
	}
	qmp->n += (size_t)got;
	return got == 0 ? -ECONNRESET : 0;
}

/* The next whole line as a message. */
static int
next_message(struct ha_qmp *qmp, uint64_t deadline_ms,
	     struct ha_qmp_message *ret_message)
{
	for (;;) {
		int rc = take_line(qmp, ret_message);

		if (rc != 0) {
			return rc < 0 ? rc : 0;
		}
		rc = wait_for(qmp->fd, POLLIN, deadline_ms);
		if (rc < 0) {
			return rc;
		}
		rc = receive(qmp);
		if (rc < 0 && rc != -EAGAIN) {
			return rc;
		}
	}
}

/* Sends a command and waits for its answer; events in between are dropped. */
static int
ask(struct ha_qmp *qmp, const char *command, uint64_t deadline_ms,
    struct ha_qmp_message *ret_message, struct ha_err *err)
{
	struct ha_qmp_message m;
	char line[128];
	int rc;

	snprintf(line, sizeof(line), "{\"execute\":\"%s\",\"id\":\"vmha\"}\r\n",
		 command);
	rc = send_line(qmp, line, deadline_ms);
	while (rc == 0) {
		rc = next_message(qmp, deadline_ms, &m);
		if (rc == 0 &&
		    (m.kind == HA_QMP_RETURN || m.kind == HA_QMP_ERROR)) {
			break;
		}
		/* A flood of events is no answer. */
		if (rc == 0 && ha_clock_left_ms(deadline_ms) == 0) {
			rc = -ETIMEDOUT;
		}
	}
	if (rc < 0) {
		return ha_err_set(err, rc, "QEMU does not answer %s: %s",
				  command, strerror(-rc));
	}
	if (m.kind == HA_QMP_ERROR) {
		return ha_err_set(err, -EPROTO, "QEMU refuses %s: %s", command,
				  m.text);
	}
	*ret_message = m;
	return 0;
}

static int
connect_to(const char *path, uint64_t deadline_ms)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (ha_text_copy(addr.sun_path, sizeof(addr.sun_path), path) < 0) {
		return -ENAMETOOLONG;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	/* A Unix socket connects at once or says EAGAIN: backlog full. */
	while (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int rc = -errno;

		if (rc != -EAGAIN && rc != -EINTR) {
			close(fd);
			return rc;
		}
		if (ha_clock_left_ms(deadline_ms) == 0) {
			close(fd);
			return -ETIMEDOUT;
		}
		ha_clock_sleep_ms(5, deadline_ms);
	}
	return fd;
}

/* Connects, and makes sure who is at the other end. */
static int
begin(struct ha_qmp *qmp, const char *path, pid_t pid, uint64_t deadline_ms,
      struct ha_err *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	qmp->n = 0;
	qmp->fd = connect_to(path, deadline_ms);
	if (qmp->fd < 0) {
		return ha_err_set(err, qmp->fd, "QMP socket %s: %s", path,
				  strerror(-qmp->fd));
	}
	if (getsockopt(qmp->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		return ha_err_set(err, -errno, "QMP socket %s: %s", path,
				  strerror(errno));
	}
	if (peer.pid != pid) {
		return ha_err_set(err, -EPERM,
				  "QMP socket %s belongs to process %d, not "
				  "to QEMU %d",
				  path, (int)peer.pid, (int)pid);
	}
	return 0;
}

int
ha_qmp_open(struct ha_qmp *qmp, const char *path, pid_t pid,
	    uint64_t deadline_ms, struct ha_err *err)
{
	struct ha_qmp_message m;
	int rc = begin(qmp, path, pid, deadline_ms, err);

	if (rc < 0) {
		return rc;
	}
	rc = next_message(qmp, deadline_ms, &m);
	if (rc < 0) {
		return ha_err_set(err, rc, "QEMU %d does not greet on %s: %s",
				  (int)pid, path, strerror(-rc));
	}
	return ask(qmp, "qmp_capabilities", deadline_ms, &m, err);
}

void
ha_qmp_close(struct ha_qmp *qmp)
{
	if (qmp->fd >= 0) {
		close(qmp->fd);
	}
	qmp->fd = -1;
}

int
ha_qmp_status(struct ha_qmp *qmp, uint64_t deadline_ms,
	      char ret_status[HA_QMP_STATUS], struct ha_err *err)
{
	struct ha_qmp_message m;
	int rc = ask(qmp, "query-status", deadline_ms, &m, err);

	if (rc == 0 && !m.status[0]) {
		rc = ha_err_set(err, -EPROTO,
				"QEMU answers query-status without a status");
	}
	if (rc == 0) {
		memcpy(ret_status, m.status, sizeof(m.status));
	}
	return rc;
}

int
ha_qmp_migration(struct ha_qmp *qmp, uint64_t deadline_ms,
		 struct ha_qmp_migration *ret, struct ha_err *err)
{
	struct ha_qmp_message m;
	int rc = ask(qmp, "query-migrate", deadline_ms, &m, err);

	if (rc == 0) {
		ret->ram_sent = m.ram_sent;
		(void)ha_text_copy(ret->status, sizeof(ret->status),
				   m.status[0] ? m.status : "none");
	}
	return rc;
}

int
ha_qmp_command(struct ha_qmp *qmp, const char *command, uint64_t deadline_ms,
	       struct ha_err *err)
{
	struct ha_qmp_message m;

	return ask(qmp, command, deadline_ms, &m, err);
}

/* QEMU reads both when it has greeted: nothing has to be waited for. */
#define WATCH_LINES                                                            \
	"{\"execute\":\"qmp_capabilities\"}\r\n{\"execute\":\"query-status\"}" \
	"\r\n"

int
ha_qmp_watch(struct ha_qmp *qmp, const char *path, pid_t pid,
	     struct ha_err *err)
{
	uint64_t now_ms = ha_clock_now_ms();
	int rc = begin(qmp, path, pid, now_ms, err);

	if (rc == -ETIMEDOUT) {
		return -EAGAIN;
	}
	if (rc < 0) {
		return rc;
	}
	rc = send_line(qmp, WATCH_LINES, now_ms);
	return rc < 0 ? ha_err_set(err, rc, "QMP socket %s: %s", path,
				   strerror(-rc)) :
			0;
}

int
ha_qmp_poll(struct ha_qmp *qmp, struct ha_qmp_message *ret_message)
{
	int rc = take_line(qmp, ret_message);

	while (rc == 0) {
		rc = receive(qmp);
		if (rc == -EAGAIN) {
			return 0;
		}
		rc = rc < 0 ? rc : take_line(qmp, ret_message);
	}
	return rc;
}
