/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Old state that must not come back: overlays of snapshots that config does
 * not know, managed-save images, domains that libvirtd starts by itself. Each
 * is found before the start and refused with the command that clears it;
 * nothing of the user's is removed here. Pacemaker cuts an exit reason after
 * 127 bytes, so the command comes first and the rest of the reason last.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "VirtualMachine/vm.h"
#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/hostconf.h"
#include "ha/worker.h"

#define HEAD_BYTES 4096 /* qemu-img writes the backing name below it */
#define MAX_FILES 4096  /* looked at per directory */

/* Does the image at dir/name build upon `disk` (a resolved path)? */
static bool
is_overlay_of(const char *dir, const char *name, const char *disk)
{
	unsigned char head[HEAD_BYTES];
	char path[PATH_MAX];
	char backing[PATH_MAX];
	char joined[2 * PATH_MAX];
	char resolved[PATH_MAX];
	ha_autoclose int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return false;
	}
	n = read(fd, head, sizeof(head));
	if (n <= 0 ||
	    ha_image_backing(head, (size_t)n, backing, sizeof(backing)) < 0 ||
	    !backing[0]) {
		return false;
	}
	/* A relative name is relative to the overlay's own directory. */
	snprintf(joined, sizeof(joined), "%s%s%s", backing[0] == '/' ? "" : dir,
		 backing[0] == '/' ? "" : "/", backing);
	return realpath(joined, resolved) && strcmp(resolved, disk) == 0;
}

static int
check_disk(const struct ha_domain_disk *disk, uint64_t deadline_ms,
	   struct ha_err *err)
{
	char resolved[PATH_MAX];
	char copy[PATH_MAX];
	struct dirent *entry;
	unsigned int seen = 0;
	const char *dir_name;
	DIR *dir;
	int rc = 0;

	if (!realpath(disk->source, resolved)) {
		return 0; /* start itself will say what is missing */
	}
	memcpy(copy, resolved, sizeof(copy));
	dir_name = dirname(copy);
	dir = opendir(dir_name);
	while (dir && rc == 0 && (entry = readdir(dir)) && seen++ < MAX_FILES &&
	       ha_clock_left_ms(deadline_ms) > 0) {
		if ((entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN) &&
		    is_overlay_of(dir_name, entry->d_name, resolved)) {
			rc = ha_err_set(
				err, -EINVAL,
				"disk %s has a newer overlay %s/%s: virsh "
				"blockcommit or qemu-img commit it, or make "
				"config name it, or set disk_overlays=ignore "
				"(%s is its backing file)",
				disk->target, dir_name, entry->d_name,
				disk->source);
		}
	}
	if (dir) {
		closedir(dir);
	}
	return rc;
}

/* In a child process: the disks' directories may hang. Sends the sentence. */
static int
search_overlays(void *arg, int fd)
{
	const struct vm *vm = arg;

	for (unsigned int i = 0; i < vm->domain->n_disks; i++) {
		const struct ha_domain_disk *disk = &vm->domain->disks[i];
		struct ha_err err = HA_ERR_INIT;
		int rc;

		if (disk->kind != HA_DISK_FILE || !disk->is_disk ||
		    disk->readonly || disk->transient) {
			continue;
		}
		rc = check_disk(disk, vm->ctx->deadline_ms, &err);
		if (rc < 0) {
			(void)ha_worker_write(fd, err.text, strlen(err.text));
			return rc;
		}
	}
	return 0;
}

int
vm_check_overlays(struct vm *vm, struct ha_err *err)
{
	uint64_t deadline_ms =
		ha_clock_step_ms(vm->ctx->deadline_ms, VM_CONFIG_MS);
	ha_autofree char *sentence = NULL;
	size_t len = 0;
	int rc;

	if (!vm->domain || vm->params->disk_overlays == HA_VM_STALE_IGNORE) {
		return 0;
	}
	rc = ha_worker_run(search_overlays, vm, HA_ERR_TEXT, deadline_ms,
			   &sentence, &len);
	if (rc == -ETIMEDOUT) {
		return ha_err_set(err, rc,
				  "the file system of its disks does not "
				  "answer");
	}
	return rc < 0 ? ha_err_set(err, rc, "%s",
				   sentence ? sentence : strerror(-rc)) :
			0;
}

int
vm_check_defined(struct vm *vm, const struct ha_hv_dom *dom, struct ha_err *err)
{
	if (dom->autostart) {
		return ha_err_set(err, -EINVAL,
				  "after a reboot libvirt would start a second "
				  "copy here: virsh autostart --disable %s",
				  dom->name);
	}
	if (dom->has_managed_save &&
	    vm->params->managed_save == HA_VM_STALE_REFUSE) {
		return ha_err_set(err, -EINVAL,
				  "old memory is saved on this host: virsh "
				  "managedsave-remove %s, or set "
				  "managed_save=ignore (its disks have moved "
				  "on since)",
				  dom->name);
	}
	if (dom->has_external_snapshot &&
	    vm->params->disk_overlays == HA_VM_STALE_REFUSE) {
		return ha_err_set(err, -EINVAL,
				  "external snapshots here may hold its newest "
				  "data: virsh snapshot-list --external %s; "
				  "merge and delete them, or set "
				  "disk_overlays=ignore",
				  dom->name);
	}
	return 0;
}

static bool
has_image_lock(const struct ha_domain_disk *disk)
{
	return disk->kind == HA_DISK_FILE || disk->kind == HA_DISK_NONE ||
	       disk->readonly || disk->shareable;
}

void
vm_note_locking(struct vm *vm)
{
	char manager[64] = "";

	if (!vm->domain) {
		return;
	}
	if (ha_hostconf_qemu_conf("lock_manager", manager, sizeof(manager))) {
		agent_log(vm->ctx, AGENT_DEBUG,
			  "libvirt's lock manager %s guards the disks",
			  manager);
		return;
	}
	for (unsigned int i = 0; i < vm->domain->n_disks; i++) {
		const struct ha_domain_disk *disk = &vm->domain->disks[i];

		if (!has_image_lock(disk)) {
			agent_log(vm->ctx, AGENT_WARNING,
				  "disk %s (%s): QEMU takes no image lock on "
				  "this kind of disk and qemu.conf has no "
				  "lock_manager, so nothing but the cluster "
				  "keeps a second copy from it",
				  disk->target, disk->source);
		}
	}
}
