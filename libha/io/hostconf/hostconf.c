/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt on this host, seen from its files and its process. On the path of
 * every monitor: two small reads when all is well. A connection would show
 * in libvirtd's log as an error each time, so none is made while its process
 * is there.
 */
#include "ha/hostconf.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/proc.h"

#define QEMU_CONF "/etc/libvirt/qemu.conf"

/* One daemon for everything, or the modular one: either may be installed. */
static const struct {
	const char *pid_file;
	const char *comm;
	const char *socket;
} DAEMONS[] = {
	{ "/run/libvirtd.pid", "libvirtd", "/run/libvirt/libvirt-sock" },
	{ "/run/virtqemud.pid", "virtqemud", "/run/libvirt/virtqemud-sock" },
};

static bool
read_line(const char *path, char *buf, size_t size)
{
	ha_autofile FILE *f = fopen(path, "re");

	if (!f || !fgets(buf, (int)size, f)) {
		return false;
	}
	buf[strcspn(buf, "\n")] = '\0';
	return true;
}

/* The pid behind a pid file that is not a stale one; 0 none. */
static pid_t
daemon_pid(const char *pid_file, const char *comm)
{
	char text[64];
	char path[64];
	int pid;

	if (!read_line(pid_file, text, sizeof(text)) ||
	    (pid = atoi(text)) <= 0) {
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	return read_line(path, text, sizeof(text)) && strcmp(text, comm) == 0 ?
		       pid :
		       0;
}

static bool
somebody_listens(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	ha_autoclose int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	/* EAGAIN: the backlog of a living listener is full. */
	return fd >= 0 &&
	       (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 ||
		errno == EAGAIN);
}

bool
ha_hostconf_libvirtd_is_down(void)
{
	for (size_t i = 0; i < sizeof(DAEMONS) / sizeof(DAEMONS[0]); i++) {
		pid_t pid = daemon_pid(DAEMONS[i].pid_file, DAEMONS[i].comm);
		char state;

		if (pid > 0 && ha_proc_state(pid, &state) == 0) {
			return state == 'T' || state == 't' || state == 'Z';
		}
	}
	for (size_t i = 0; i < sizeof(DAEMONS) / sizeof(DAEMONS[0]); i++) {
		if (somebody_listens(DAEMONS[i].socket)) {
			return false;
		}
	}
	return true;
}

bool
ha_hostconf_qemu_conf(const char *key, char *ret_value, size_t size)
{
	ha_autofile FILE *f = fopen(QEMU_CONF, "re");
	size_t key_len = strlen(key);
	char line[1024];
	bool found = false;

	while (f && fgets(line, sizeof(line), f)) {
		char *p = line + strspn(line, " \t");
		char *end;

		if (strncmp(p, key, key_len) != 0) {
			continue;
		}
		p += key_len;
		p += strspn(p, " \t");
		if (*p != '=') {
			continue;
		}
		p += 1 + strspn(p + 1, " \t");
		if (*p == '"') {
			p++;
			end = strchr(p, '"');
		} else {
			end = p + strcspn(p, " \t#\n");
		}
		if (end) {
			snprintf(ret_value, size, "%.*s", (int)(end - p), p);
			found = true; /* the last one counts, as in libvirt */
		}
	}
	return found;
}

/* "+107" and "107" are numbers, anything else is looked up. */
static bool
is_number(const char *text, unsigned long *ret_number)
{
	const char *p = *text == '+' ? text + 1 : text;

	*ret_number = strtoul(p, NULL, 10);
	return isdigit((unsigned char)*p);
}

gid_t
ha_hostconf_qemu_group(void)
{
	static const char *const USUAL[] = { "libvirt-qemu", "qemu", "kvm" };
	unsigned long number;
	char name[64];
	struct group *group;

	if (ha_hostconf_qemu_conf("group", name, sizeof(name))) {
		if (is_number(name, &number)) {
			return (gid_t)number;
		}
		group = getgrnam(name);
		return group ? group->gr_gid : 0;
	}
	for (size_t i = 0; i < sizeof(USUAL) / sizeof(USUAL[0]); i++) {
		group = getgrnam(USUAL[i]);
		if (group) {
			return group->gr_gid;
		}
	}
	return 0;
}

uid_t
ha_hostconf_qemu_user(void)
{
	static const char *const USUAL[] = { "libvirt-qemu", "qemu" };
	unsigned long number;
	char name[64];
	struct passwd *user;

	if (ha_hostconf_qemu_conf("user", name, sizeof(name))) {
		if (is_number(name, &number)) {
			return (uid_t)number;
		}
		user = getpwnam(name);
		return user ? user->pw_uid : 0;
	}
	for (size_t i = 0; i < sizeof(USUAL) / sizeof(USUAL[0]); i++) {
		user = getpwnam(USUAL[i]);
		if (user) {
			return user->pw_uid;
		}
	}
	return 0;
}
