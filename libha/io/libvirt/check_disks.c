/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks: do they exist here, does each image's backing chain, and does
 * something keep a second host from writing to them. QEMU locks image files
 * by itself (fcntl, so over NFS too); for block devices and network disks
 * only a libvirt lock manager does.
 */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ha/cleanup.h"

#define HEAD_BYTES 4096u /* qemu-img puts the backing name in here */
#define CHAIN_MAX 32u    /* images; a longer chain is a loop */
#define WHAT_SIZE 96u

#define ADVICE_DISK \
	"attach the storage on this host, or correct the path in the domain XML"

/* A relative name is relative to the image that says it. */
static int
backing_path(const char *image, const char *backing, char *ret_path,
	     size_t size)
{
	const char *slash = strrchr(image, '/');
	int dir_len = 0;
	int n;

	if (slash && backing[0] != '/') {
		dir_len = (int)(slash - image) + 1;
	}
	n = snprintf(ret_path, size, "%.*s%s", dir_len, image, backing);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int
backing_read(const char *path, char *ret_backing, size_t size)
{
	unsigned char head[HEAD_BYTES];
	/* O_NONBLOCK: a FIFO put in an image's place does not hold us. */
	ha_autoclose int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd >= 0 ? pread(fd, head, sizeof(head), 0) : -1;

	if (n < 0) {
		return -errno;
	}
	return ha_image_backing(head, (size_t)n, ret_backing, size);
}

/* QEMU's rule: "json:", "nbd://", "rbd:" are protocols, not files. */
static bool
is_file_name(const char *backing)
{
	const char *colon = strchr(backing, ':');
	const char *slash = strchr(backing, '/');

	return !colon || (slash && slash < colon);
}

static void
check_chain(struct check *c, const struct ha_domain_disk *disk)
{
	char path[HA_DOMAIN_SOURCE];
	char backing[HA_DOMAIN_SOURCE];
	char next[HA_DOMAIN_SOURCE];
	char what[WHAT_SIZE];
	int rc = 0;

	snprintf(what, sizeof(what), "disk %s: backing image", disk->target);
	memcpy(path, disk->source, sizeof(path));
	for (unsigned int i = 0; i < CHAIN_MAX && rc == 0; i++) {
		rc = backing_read(path, backing, sizeof(backing));
		if (rc < 0) {
			break;
		}
		if (!backing[0] || !is_file_name(backing)) {
			return;
		}
		rc = backing_path(path, backing, next, sizeof(next));
		if (rc == 0 &&
		    !check_path(c, CHECK_ERROR, what, next, ADVICE_DISK)) {
			return;
		}
		memcpy(path, next, sizeof(path));
	}
	check_say(c, CHECK_WARNING,
		  "disk %s: %s: can't follow its backing chain: %s; look at "
		  "qemu-img info --backing-chain",
		  disk->target, path, rc < 0 ? strerror(-rc) : "it has a loop");
}

/* A raw image's first bytes are the guest's and name nothing. */
static bool
has_chain(const struct ha_domain_disk *disk)
{
	return strcmp(disk->format, "qcow2") == 0 ||
	       strcmp(disk->format, "qcow") == 0 ||
	       strcmp(disk->format, "qed") == 0;
}

static void
check_local(struct check *c, const struct ha_domain_disk *disk)
{
	char what[WHAT_SIZE];
	struct stat st;

	snprintf(what, sizeof(what), "disk %s", disk->target);
	if (!check_path(c, CHECK_ERROR, what, disk->source, ADVICE_DISK)) {
		return;
	}
	if (disk->kind == HA_DISK_BLOCK && stat(disk->source, &st) == 0 &&
	    !S_ISBLK(st.st_mode)) {
		check_say(
			c, CHECK_ERROR,
			"disk %s: %s is not a block device; write type='file'",
			disk->target, disk->source);
	}
	if (has_chain(disk)) {
		check_chain(c, disk);
	}
}

static void
check_volume(struct check *c, const struct ha_domain_disk *disk)
{
	ha_autofree char *copy = strdup(disk->source);
	char *slash = copy ? strchr(copy, '/') : NULL;
	virStoragePoolPtr pool;
	virStorageVolPtr vol;

	if (!slash) {
		return;
	}
	*slash = '\0';
	pool = virStoragePoolLookupByName(c->conn, copy);
	vol = pool && virStoragePoolIsActive(pool) == 1 ?
		      virStorageVolLookupByName(pool, slash + 1) :
		      NULL;
	if (!vol) {
		check_say(c, CHECK_ERROR,
			  "disk %s: volume %s of pool %s is not on this host; "
			  "define and start the pool (virsh pool-list --all)",
			  disk->target, slash + 1, copy);
	} else {
		virStorageVolFree(vol);
	}
	if (pool) {
		virStoragePoolFree(pool);
	}
}

static void
check_locking(struct check *c, const struct ha_domain_disk *disk)
{
	if (disk->readonly || !disk->is_disk || disk->kind == HA_DISK_NONE) {
		return;
	}
	if (disk->shareable) {
		check_say(c, CHECK_WARNING,
			  "disk %s: <shareable/> switches off QEMU's image "
			  "lock; keep it only for a cluster file system inside "
			  "the guests",
			  disk->target);
	} else if (disk->kind == HA_DISK_BLOCK ||
		   disk->kind == HA_DISK_NETWORK) {
		check_say(c, CHECK_WARNING,
			  "disk %s: %s: QEMU can't lock such a disk, and "
			  "qemu.conf names no lock_manager; fencing alone "
			  "keeps a second host off it, consider sanlock or "
			  "virtlockd",
			  disk->target, disk->source);
	}
}

static void
check_transient(struct check *c, const struct ha_domain_disk *disk)
{
	if (disk->transient) {
		check_say(c, CHECK_WARNING,
			  "disk %s: <transient/> discards what was written "
			  "when the machine ends, and hinders migration",
			  disk->target);
	}
}

void
check_disks(struct check *c)
{
	bool has_manager = check_has_lock_manager();

	for (unsigned int i = 0; i < c->domain->n_disks; i++) {
		const struct ha_domain_disk *disk = &c->domain->disks[i];

		switch (disk->kind) {
		case HA_DISK_FILE:
		case HA_DISK_BLOCK:
			check_local(c, disk);
			break;
		case HA_DISK_OTHER:
			check_volume(c, disk);
			break;
		case HA_DISK_NONE:
		case HA_DISK_NETWORK:
			break;
		}
		check_transient(c, disk);
		if (!has_manager) {
			check_locking(c, disk);
		}
	}
}
