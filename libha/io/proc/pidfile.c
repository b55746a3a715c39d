/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's own pid files (/run/libvirt/qemu/NAME.pid, root's): a witness
 * that a process is the QEMU of a domain of the system instance, which no
 * ordinary user can forge. They outlive libvirtd and name no start time, so
 * they confirm and never prove alone.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ha/proc.h"
#include "proc.h"

#define PID_DIR "/run/libvirt/qemu"
#define SUFFIX ".pid"

bool
ha_proc_libvirt_name(pid_t pid, char *ret_name, size_t size)
{
	DIR *dir = opendir(PID_DIR);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		char path[sizeof(PID_DIR) + sizeof(entry->d_name) + 1];
		char text[32];

		if (len <= sizeof(SUFFIX) - 1 || len - 4 >= size ||
		    strcmp(entry->d_name + len - 4, SUFFIX) != 0) {
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", PID_DIR, entry->d_name);
		if (ha__proc_read(path, text, sizeof(text)) > 0 &&
		    strtol(text, NULL, 10) == pid) {
			memcpy(ret_name, entry->d_name, len - 4);
			ret_name[len - 4] = '\0';
			found = true;
		}
	}
	if (dir) {
		closedir(dir);
	}
	return found;
}
