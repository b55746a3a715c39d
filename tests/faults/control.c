/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control socket of faultfs; see the header. It must answer while every
 * operation hangs, so it shares nothing with the threads of the mount but the
 * rule table. One connection at a time: a test asks and goes away.
 */
#include <errno.h>
#include <libgen.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "rules.h"

#define LINE_BYTES 1024
/* A client that connects and says nothing must not lock out the next. */
#define CLIENT_DEADLINE_S 5
#define BACKLOG 16

static int listener = -1;

static void
client_serve(int fd)
{
	const struct timeval deadline = { .tv_sec = CLIENT_DEADLINE_S };
	char line[LINE_BYTES];
	FILE *out;
	FILE *in;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
	in = fdopen(fd, "r");
	out = fdopen(dup(fd), "w");
	while (in != NULL && out != NULL &&
	       fgets(line, sizeof(line), in) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		rules_command(line, out);
		if (fflush(out) != 0) {
			break;
		}
	}
	if (in != NULL) {
		fclose(in);
	}
	if (out != NULL) {
		fclose(out);
	}
}

static void *
control_main(void *arg)
{
	(void)arg;
	/* Without end by design: as long as the mount. */
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0) {
			client_serve(fd);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			perror("faultfs: accept");
			return NULL;
		}
	}
}

/* Folders of test beds are longer than sun_path: bound from inside it. */
static int
control_bind(int fd, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char folder[4096];
	char name[4096];

	snprintf(folder, sizeof(folder), "%s", path);
	snprintf(name, sizeof(name), "%s", path);
	if (strlen(basename(name)) >= sizeof(addr.sun_path)) {
		return -ENAMETOOLONG;
	}
	strcpy(addr.sun_path, basename(name));
	if (chdir(dirname(folder)) < 0) {
		return -errno;
	}
	unlink(addr.sun_path);
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		return -errno;
	}
	return chdir("/") < 0 ? -errno : 0;
}

int
control_start(const char *path)
{
	pthread_t thread;
	int result;

	signal(SIGPIPE, SIG_IGN);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	result = listener < 0 ? -errno : control_bind(listener, path);
	if (result == 0) {
		result = -pthread_create(&thread, NULL, control_main, NULL);
	}
	if (result < 0) {
		fprintf(stderr, "faultfs: control socket %s: %s\n", path,
			strerror(-result));
		return result;
	}
	return -pthread_detach(thread);
}
