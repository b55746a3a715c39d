/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A watchdog device takes one holder. Whoever gets EBUSY wants to know which
 * program that is (sbd, corosync, systemd, watchdogd), for only one may stay:
 * /proc/PID/fd of all processes is looked through, once, at the failure.
 */
#include "holder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ha/cleanup.h"

#define COMM_BYTES 32

/* watchdog and watchdog0 are two device numbers of one device. */
static bool
is_same_device(const struct stat *a, const struct stat *b)
{
	const dev_t misc = makedev(10, 130);
	bool a_is_first;
	bool b_is_first;

	if (!S_ISCHR(a->st_mode) || !S_ISCHR(b->st_mode)) {
		return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
	}
	if (a->st_rdev == b->st_rdev) {
		return true;
	}
	a_is_first = a->st_rdev == misc;
	b_is_first = b->st_rdev == misc;
	return (a_is_first && minor(b->st_rdev) == 0) ||
	       (b_is_first && minor(a->st_rdev) == 0);
}

static bool
has_open(const char *pid, const char *device_path, const struct stat *device)
{
	char path[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	dir = opendir(path);
	if (!dir) {
		return false;
	}
	while (!found && (entry = readdir(dir))) {
		char target[PATH_MAX];
		struct stat st;
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target,
				       sizeof(target) - 1);

		if (n <= 0) {
			continue;
		}
		target[n] = '\0';
		/* Only devices are examined: stat(2) of a file may hang with
		 * its file system. */
		found = strcmp(target, device_path) == 0 ||
			(strncmp(target, "/dev/", strlen("/dev/")) == 0 &&
			 fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
			 is_same_device(&st, device));
	}
	closedir(dir);
	return found;
}

static void
read_name(const char *pid, char *name, size_t size)
{
	char path[64];
	ha_autofile FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, (int)size, f)) {
		snprintf(name, size, "?");
	}
	name[strcspn(name, "\n")] = '\0';
}

static int
busy(const char *path, struct ha_err *err)
{
	struct stat device;
	char name[COMM_BYTES];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	int pid = 0;

	if (proc && stat(path, &device) == 0) {
		while (pid == 0 && (entry = readdir(proc))) {
			if (isdigit((unsigned char)entry->d_name[0]) &&
			    has_open(entry->d_name, path, &device)) {
				pid = atoi(entry->d_name);
				read_name(entry->d_name, name, sizeof(name));
			}
		}
	}
	if (proc) {
		closedir(proc);
	}
	if (pid == 0) {
		return ha_err_set(err, -EBUSY,
				  "watchdog %s is held by another program, "
				  "which /proc does not show. Stop it, or name "
				  "another device",
				  path);
	}
	return ha_err_set(err, -EBUSY,
			  "watchdog %s is held by %s (process %d). Only one "
			  "program can use it: stop that one, or name another "
			  "device",
			  path, name, pid);
}

int
ha__watchdog_open_failed(const char *path, int code, struct ha_err *err)
{
	switch (-code) {
	case EBUSY:
		return busy(path, err);
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return ha_err_set(
			err, code,
			"there is no watchdog %s. Load the driver of "
			"this host's watchdog (softdog where there is "
			"no hardware)",
			path);
	default:
		return ha_err_set(err, code, "watchdog %s can't be opened: %s",
				  path, strerror(-code));
	}
}
