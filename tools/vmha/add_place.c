/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does another host see this file? Only its file system can be asked, and only
 * on this host: what lies on the host's own root is refused, other local kinds
 * are told, and of the rest nothing is known here. The agent looks again, on
 * each host, when it starts the VM there.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "add.h"
#include "ha/cleanup.h"

#define MOUNTINFO "/proc/self/mountinfo"

struct mount {
	char point[PATH_MAX];
	char type[64];
};

/* proc(5): blanks and the like as \ooo. */
static void
unescape(char *text)
{
	char *to = text;

	for (char *at = text; *at; at++) {
		char digits[4] = "";

		if (*at == '\\' && strspn(at + 1, "01234567") >= 3) {
			memcpy(digits, at + 1, 3);
			*to++ = (char)strtoul(digits, NULL, 8);
			at += 3;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
}

static bool
is_below(const char *path, const char *point)
{
	size_t len = strlen(point);

	if (strcmp(point, "/") == 0) {
		return true;
	}
	return strncmp(path, point, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

/* Of one line: ID PARENT MAJ:MIN ROOT POINT OPTIONS [TAGS...] - TYPE ... */
static bool
read_line(char *line, struct mount *ret_mount)
{
	char *tail = strstr(line, " - ");
	char *rest = NULL;
	char *word = strtok_r(line, " ", &rest);
	char *type;

	for (int i = 0; word && i < 4; i++) {
		word = strtok_r(NULL, " ", &rest);
	}
	if (!tail || !word || strlen(word) >= sizeof(ret_mount->point)) {
		return false;
	}
	snprintf(ret_mount->point, sizeof(ret_mount->point), "%s", word);
	unescape(ret_mount->point);
	type = tail + strlen(" - ");
	snprintf(ret_mount->type, sizeof(ret_mount->type), "%.*s",
		 (int)strcspn(type, " "), type);
	return true;
}

/* The mount that the file is on: the longest point, and of several there the
 * last. */
static bool
find_mount(const char *path, struct mount *ret_mount)
{
	ha_autofile FILE *f = fopen(MOUNTINFO, "re");
	ha_autofree char *line = NULL;
	size_t room = 0;
	bool is_found = false;

	while (f && getline(&line, &room, f) > 0) {
		static struct mount mount;

		if (read_line(line, &mount) && is_below(path, mount.point) &&
		    (!is_found ||
		     strlen(mount.point) >= strlen(ret_mount->point))) {
			*ret_mount = mount;
			is_found = true;
		}
	}
	return is_found;
}

static bool
is_local_type(const char *type)
{
	static const char *const TYPES[] = {
		"ext2", "ext3",    "ext4", "xfs", "btrfs", "tmpfs",
		"f2fs", "overlay", "zfs",  "jfs", "vfat",  "ramfs",
	};

	for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
		if (strcmp(TYPES[i], type) == 0) {
			return true;
		}
	}
	return false;
}

bool
add_look_place(struct add_vm *vm, const char *what, const char *path)
{
	static struct mount mount;
	char real[PATH_MAX];

	if (!realpath(path, real) || !find_mount(real, &mount)) {
		add_note(vm,
			 "%s %s: which file system that is can't be told here; "
			 "every host must see it under this path",
			 what, path);
	} else if (strcmp(mount.point, "/") == 0) {
		add_doubt(vm,
			  "put it on shared storage, or say --force if each "
			  "host has the same file there",
			  "%s %s is on the root file system of this host, "
			  "which no other host sees",
			  what, path);
		return false;
	} else if (is_local_type(mount.type)) {
		add_note(vm,
			 "%s %s is on %s, of the local kind %s: no other host "
			 "sees it, unless it is passed on to them in another "
			 "way",
			 what, path, mount.point, mount.type);
	}
	return true;
}
