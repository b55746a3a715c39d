/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's end of the channel that an application writes to: whatever comes
 * is a heartbeat. What is written is not looked at: a guest is not to be
 * believed more than that it wrote. No call here waits, and a guest that
 * writes without end costs a bounded part of each turn of the main loop.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib-unix.h>

#include "FaultDomain/fdm.h"
#include "FaultDomain/ready.h"
#include "ha/cleanup.h"
#include "ha/clock.h"

#define CHUNK_BYTES 4096

void
fdm_ready_hang_up(struct fdm_pulse *one)
{
	if (one->source) {
		g_source_destroy(one->source);
		g_source_unref(one->source);
		one->source = NULL;
		(void)close(one->fd);
	}
}

static void listen_again(struct fdm_pulse *one);

static gboolean
on_rest_over(gpointer data)
{
	struct fdm_pulse *one = data;

	g_source_unref(one->source);
	one->source = NULL;
	listen_again(one);
	return G_SOURCE_REMOVE;
}

/* What a guest writes meanwhile waits in its own memory. */
static void
rest(struct fdm_pulse *one)
{
	g_source_unref(one->source);
	one->source = g_timeout_source_new(FDM_READY_REST_MS);
	g_source_set_callback(one->source, on_rest_over, one, NULL);
	(void)g_source_attach(one->source, one->fdm->context);
}

static gboolean
on_readable(gint fd, GIOCondition condition, gpointer data)
{
	struct fdm_pulse *one = data;
	char chunk[CHUNK_BYTES];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	(void)condition;
	if (n > 0) {
		ha_pulse_beat(&one->pulse, ha_clock_now_ms());
		rest(one);
		return G_SOURCE_REMOVE;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return G_SOURCE_CONTINUE;
	}
	/* QEMU has gone, or somebody has taken the channel away. */
	fdm_ready_hang_up(one);
	return G_SOURCE_REMOVE;
}

static void
listen_again(struct fdm_pulse *one)
{
	one->source =
		g_unix_fd_source_new(one->fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
	g_source_set_callback(one->source, G_SOURCE_FUNC(on_readable), one,
			      NULL);
	(void)g_source_attach(one->source, one->fdm->context);
}

void
fdm_ready_listen(struct fdm_pulse *one, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	ha_autoclose int fd = -1;

	if (one->source || strlen(path) >= sizeof(address.sun_path)) {
		return;
	}
	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Where too many wait there already it is tried again. */
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
			      sizeof(address)) < 0) {
		return;
	}
	one->fd = ha_steal_fd(&fd);
	listen_again(one);
}
