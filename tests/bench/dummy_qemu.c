/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that looks like a QEMU to the agents and costs next to nothing, so
 * that hundreds of them fit on one machine. It is started with libvirt's kind
 * of command line by hv_dummy.c, binds the monitor socket that stands there,
 * says so on its standard output, and answers the questions of ha/qmp.h:
 * query-status, cont, quit, system_powerdown. It runs no guest. Of the
 * measurements alone: it must never be installed or packaged.
 */
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CHARDEV "socket,id=vmha-qmp,path="
#define LINE_BYTES 4096u
#define BACKLOG 16
#define CLIENT_MS 5000 /* a client that says nothing for so long is dropped */

#define GREETING "{\"QMP\":{\"version\":{},\"capabilities\":[]}}\r\n"

static bool is_running; /* created paused, like all of ours */

/* The path of our own socket on the command line; NULL: none. */
static char *
socket_path(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "-chardev") == 0 &&
		    strncmp(argv[i + 1], CHARDEV, strlen(CHARDEV)) == 0) {
			char *path = strdup(argv[i + 1] + strlen(CHARDEV));

			if (path) {
				path[strcspn(path, ",")] = '\0';
			}
			return path;
		}
	}
	return NULL;
}

static int
listen_on(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path)) {
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	/* Fails where a directory stands: the start was revoked. */
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		return -1;
	}
	return fd;
}

static bool
asks(const char *line, const char *command)
{
	char word[64];

	(void)snprintf(word, sizeof(word), "\"execute\":\"%s\"", command);
	return strstr(line, word) != NULL;
}

static void
say(int fd, const char *text)
{
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* True: it ends now. */
static bool
answer(int fd, const char *line)
{
	if (asks(line, "query-status")) {
		say(fd, is_running ? "{\"return\":{\"status\":\"running\","
				     "\"running\":true},\"id\":\"vmha\"}\r\n" :
				     "{\"return\":{\"status\":\"paused\","
				     "\"running\":false},\"id\":\"vmha\"}\r\n");
		return false;
	}
	if (asks(line, "cont")) {
		is_running = true;
	}
	say(fd, "{\"return\":{},\"id\":\"vmha\"}\r\n");
	return asks(line, "quit") || asks(line, "system_powerdown");
}

/* One client at a time, as QEMU does. True: it ends now. */
static bool
serve(int fd)
{
	char buf[LINE_BYTES];
	size_t used = 0;

	say(fd, GREETING);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char *end;
		ssize_t got;

		if (used == sizeof(buf) - 1 || poll(&p, 1, CLIENT_MS) <= 0) {
			return false;
		}
		got = recv(fd, buf + used, sizeof(buf) - 1 - used, 0);
		if (got <= 0) {
			return false;
		}
		used += (size_t)got;
		buf[used] = '\0';
		while ((end = strchr(buf, '\n'))) {
			*end = '\0';
			if (answer(fd, buf)) {
				return true;
			}
			used -= (size_t)(end + 1 - buf);
			memmove(buf, end + 1, used + 1);
		}
	}
}

int
main(int argc, char **argv)
{
	char *path = socket_path(argc, argv);
	int fd = path ? listen_on(path) : -1;
	bool is_over = false;

	if (fd < 0) {
		return 1;
	}
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	if (write(STDOUT_FILENO, "up\n", 3) < 0) {
		return 1; /* whoever started it has given up */
	}
	(void)close(STDOUT_FILENO);
	/* Without end by design: it is a machine that is switched on. */
	while (!is_over) {
		int client = accept(fd, NULL, NULL);

		if (client >= 0) {
			is_over = serve(client);
			(void)close(client);
		}
	}
	(void)unlink(path);
	free(path);
	return 0;
}
