/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The images below a disk's image: every host needs them as it needs the disk.
 * Only the first bytes of each are read; what names no local file (nbd:, json:)
 * is left to QEMU.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "add.h"
#include "ha/cleanup.h"

#define HEAD_BYTES 4096u /* enough for what qemu-img writes */
#define CHAIN_MAX 16u    /* images below each other; more is left to QEMU */

/* "" where there is none, or none that can be told. */
static void
read_backing(const char *path, char *ret_backing, size_t size)
{
	unsigned char head[HEAD_BYTES];
	ha_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	if (len <= 0 ||
	    ha_image_backing(head, (size_t)len, ret_backing, size) < 0) {
		*ret_backing = '\0';
	}
}

/* qemu-img(1): a relative name is seen from the image's own folder. */
static bool
resolve(const char *image, const char *backing, char *ret_path, size_t size)
{
	const char *slash = strrchr(image, '/');
	size_t folder = slash ? (size_t)(slash - image) + 1 : 0;
	int n = *backing == '/' ? snprintf(ret_path, size, "%s", backing) :
				  snprintf(ret_path, size, "%.*s%s",
					   (int)folder, image, backing);

	return n > 0 && (size_t)n < size;
}

/* "nbd:...", "json:{...}": a colon before any slash. */
static bool
is_protocol(const char *name)
{
	return name[strcspn(name, ":/")] == ':';
}

bool
add_look_backing(struct add_vm *vm, const char *what, const char *image)
{
	char path[PATH_MAX];
	char backing[HA_DOMAIN_SOURCE];
	char next[PATH_MAX];
	bool is_shared = true;

	snprintf(path, sizeof(path), "%s", image);
	for (unsigned int i = 0; i < CHAIN_MAX; i++) {
		vmha_step("looking at", path, ADD_READ_MS);
		read_backing(path, backing, sizeof(backing));
		if (!*backing || is_protocol(backing) ||
		    !resolve(path, backing, next, sizeof(next))) {
			break;
		}
		if (access(next, F_OK) < 0) {
			add_refuse(vm,
				   "%s: %s names the backing file %s, which "
				   "can't be found on this host: %s",
				   what, path, next, strerror(errno));
			break;
		}
		is_shared &= add_look_place(vm, what, next);
		memcpy(path, next, sizeof(path));
	}
	return is_shared;
}
