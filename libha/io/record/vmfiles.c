/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of a VM on this host (ha/vmfiles.h). Only local file systems are
 * touched: nothing here may depend on a config share or a datastore.
 */
#include "ha/vmfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/hostconf.h"
#include "ha/proc.h"

#define PATH_BYTES 1024

static int
make_dir(const char *path, mode_t mode, struct ha_err *err)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST) {
		return ha_err_set(err, -errno, "can't make %s: %s", path,
				  strerror(errno));
	}
	return 0;
}

/* QEMU makes its socket itself, as its own user: the directory belongs to
 * QEMU's group. Not for others, since QMP is full power over a VM; sticky, so
 * that no QEMU takes away the directories that revoke a start. */
static int
make_qmp_dir(struct ha_err *err)
{
	struct stat st;
	gid_t gid;
	int rc;

	if (stat(HA_VM_QMP_DIR, &st) == 0 && st.st_gid != 0 &&
	    (st.st_mode & S_ISVTX)) {
		return 0; /* tmpfiles.d or an earlier call has made it */
	}
	rc = make_dir(HA_VM_QMP_DIR, 0770, err);
	if (rc < 0) {
		return rc;
	}
	gid = ha_hostconf_qemu_group();
	if (chown(HA_VM_QMP_DIR, 0, gid) < 0 ||
	    chmod(HA_VM_QMP_DIR, 01770) < 0) {
		return ha_err_set(err, -errno,
				  "can't give %s to QEMU's group %d: %s",
				  HA_VM_QMP_DIR, (int)gid, strerror(errno));
	}
	return 0;
}

int
ha_vmfiles_prepare(struct ha_err *err)
{
	static const struct {
		const char *path;
		mode_t mode;
	} DIRS[] = {
		{ "/run/vmha", 0755 },
		{ HA_VM_RUN_DIR, 0700 },
		{ "/var/lib/vmha", 0755 },
		{ HA_VM_LIB_DIR, 0700 },
	};

	for (size_t i = 0; i < sizeof(DIRS) / sizeof(DIRS[0]); i++) {
		int rc = make_dir(DIRS[i].path, DIRS[i].mode, err);

		if (rc < 0) {
			return rc;
		}
	}
	return make_qmp_dir(err);
}

static int
path_in(const char *dir, const char *resource, char ret_path[PATH_BYTES],
	struct ha_err *err)
{
	char name[3 * HA_VM_RESOURCE + 1];

	if (ha_vm_file_name(resource, name, sizeof(name)) < 0) {
		return ha_err_set(err, -ENAMETOOLONG,
				  "resource name %.40s...: longer than %d",
				  resource, HA_VM_RESOURCE);
	}
	snprintf(ret_path, PATH_BYTES, "%s/%s", dir, name);
	return 0;
}

static int
load(const char *path, struct ha_vm_record *ret_record, struct ha_err *err)
{
	char text[HA_VM_RECORD_TEXT];
	ha_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;
	int rc;

	if (fd < 0) {
		return errno == ENOENT ?
			       -ENOENT :
			       ha_err_set(err, -errno, "can't open %s: %s",
					  path, strerror(errno));
	}
	n = read(fd, text, sizeof(text));
	if (n < 0) {
		return ha_err_set(err, -errno, "can't read %s: %s", path,
				  strerror(errno));
	}
	rc = ha_vm_record_parse(text, (size_t)n, ret_record, err);
	return ha_err_prefix(err, rc, "%s: ", path);
}

static int
write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* One agent runs per resource and host (Pacemaker serialises), so a fixed
 * temporary name is enough; a leftover of a killed agent is overwritten. */
static int
store(const char *path, const struct ha_vm_record *record, bool durable,
      struct ha_err *err)
{
	char text[HA_VM_RECORD_TEXT];
	char tmp[PATH_BYTES + 8];
	ha_autoclose int fd = -1;
	int len = ha_vm_record_format(record, text, sizeof(text));
	int rc;

	if (len < 0) {
		return ha_err_set(err, len, "record too large for %s", path);
	}
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	rc = fd < 0 ? -errno : write_all(fd, text, (size_t)len);
	if (rc == 0 && durable && fsync(fd) < 0) {
		rc = -errno;
	}
	if (rc == 0 && rename(tmp, path) < 0) {
		rc = -errno;
	}
	if (rc < 0) {
		unlink(tmp);
		return ha_err_set(err, rc, "can't write %s: %s", path,
				  strerror(-rc));
	}
	return 0;
}

int
ha_vmfiles_load(const char *resource, struct ha_vm_record *ret_record,
		struct ha_err *err)
{
	struct ha_vm_record record;
	char boot_id[HA_UUID_TEXT];
	char path[PATH_BYTES];
	int rc = path_in(HA_VM_RUN_DIR, resource, path, err);

	if (rc == 0) {
		rc = load(path, &record, err);
	}
	if (rc < 0) {
		return rc;
	}
	/* /run survives nothing, but a container or a kexec may keep it. */
	if (ha_proc_boot_id(boot_id) == 0 &&
	    strcmp(boot_id, record.boot_id) != 0) {
		return -ENOENT;
	}
	*ret_record = record;
	return 0;
}

int
ha_vmfiles_store(const char *resource, const struct ha_vm_record *record,
		 struct ha_err *err)
{
	struct ha_vm_record whole = *record;
	char path[PATH_BYTES];
	int rc = path_in(HA_VM_RUN_DIR, resource, path, err);

	if (rc == 0) {
		rc = ha_proc_boot_id(whole.boot_id);
	}
	return rc < 0 ? rc : store(path, &whole, false, err);
}

static int
mark_path(const char *resource, char ret_path[PATH_BYTES], struct ha_err *err)
{
	char path[PATH_BYTES];
	int rc = path_in(HA_VM_RUN_DIR, resource, path, err);

	if (rc == 0 &&
	    snprintf(ret_path, PATH_BYTES, "%s.stop", path) >= PATH_BYTES) {
		rc = ha_err_set(err, -ENAMETOOLONG, "%s.stop is too long",
				path);
	}
	return rc;
}

int
ha_vmfiles_mark_stop(const char *resource, struct ha_err *err)
{
	char path[PATH_BYTES];
	ha_autoclose int fd = -1;
	int rc = mark_path(resource, path, err);

	if (rc < 0) {
		return rc;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd >= 0 ? 0 :
			 ha_err_set(err, -errno, "can't make %s: %s", path,
				    strerror(errno));
}

void
ha_vmfiles_unmark_stop(const char *resource)
{
	char path[PATH_BYTES];

	if (mark_path(resource, path, NULL) == 0) {
		(void)unlink(path);
	}
}

bool
ha_vmfiles_is_stop_marked(const char *resource)
{
	char path[PATH_BYTES];

	return mark_path(resource, path, NULL) < 0 || access(path, F_OK) == 0 ||
	       errno != ENOENT;
}

int
ha_vmfiles_remove(const char *resource, const char *qmp_path,
		  struct ha_err *err)
{
	char path[PATH_BYTES];
	char events_path[HA_VM_QMP_PATH];
	int rc = path_in(HA_VM_RUN_DIR, resource, path, err);

	if (rc < 0) {
		return rc;
	}
	if (qmp_path && ha_vm_qmp_path_is_ours(qmp_path)) {
		(void)unlink(qmp_path); /* a revoked one is a directory */
		ha_vm_events_path(qmp_path, events_path);
		(void)unlink(events_path);
	}
	if (unlink(path) < 0 && errno != ENOENT) {
		return ha_err_set(err, -errno, "can't remove %s: %s", path,
				  strerror(errno));
	}
	/* Last: a record without its mark would tell another story. */
	ha_vmfiles_unmark_stop(resource);
	return 0;
}

int
ha_vmfiles_recall(const char *resource, struct ha_vm_record *ret_record,
		  struct ha_err *err)
{
	char path[PATH_BYTES];
	int rc = path_in(HA_VM_LIB_DIR, resource, path, err);

	return rc < 0 ? rc : load(path, ret_record, err);
}

int
ha_vmfiles_remember(const char *resource, const struct ha_vm_record *record,
		    struct ha_err *err)
{
	struct ha_vm_record known;
	struct ha_vm_record keep = { .phase = HA_VM_PHASE_NONE };
	char path[PATH_BYTES];
	int rc = path_in(HA_VM_LIB_DIR, resource, path, err);

	if (rc < 0) {
		return rc;
	}
	memcpy(keep.uuid, record->uuid, sizeof(keep.uuid));
	memcpy(keep.name, record->name, sizeof(keep.name));
	if (load(path, &known, NULL) == 0 &&
	    strcmp(known.uuid, keep.uuid) == 0 &&
	    strcmp(known.name, keep.name) == 0) {
		return 0; /* no flush in the path of a restart */
	}
	return store(path, &keep, true, err);
}

bool
ha_vmfiles_is_of_other(const char *resource, pid_t pid, uint64_t start_ticks)
{
	char own[3 * HA_VM_RESOURCE + 1];
	DIR *dir = opendir(HA_VM_RUN_DIR);
	struct dirent *entry;
	bool is_other = false;

	if (!dir || ha_vm_file_name(resource, own, sizeof(own)) < 0) {
		own[0] = '\0';
	}
	while (dir && !is_other && (entry = readdir(dir))) {
		struct ha_vm_record record;
		char path[PATH_BYTES];

		/* A name of ours never holds a dot: RES.tmp is a leftover. */
		if (strchr(entry->d_name, '.') ||
		    strcmp(entry->d_name, own) == 0) {
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s", HA_VM_RUN_DIR,
			 entry->d_name);
		is_other = load(path, &record, NULL) == 0 &&
			   record.pid == pid &&
			   record.start_ticks == start_ticks;
	}
	if (dir) {
		closedir(dir);
	}
	return is_other;
}

int
ha_vmfiles_revoke(const char *qmp_path, struct ha_err *err)
{
	if (!ha_vm_qmp_path_is_ours(qmp_path)) {
		return ha_err_set(err, -EINVAL, "%s is no socket of ours",
				  qmp_path);
	}
	for (int tries = 0; tries < 10; tries++) {
		if (mkdir(qmp_path, 0700) == 0) {
			return 0;
		}
		if (errno != EEXIST) {
			break;
		}
		if (unlink(qmp_path) < 0 && errno == EISDIR) {
			return 0; /* revoked already */
		}
	}
	return ha_err_set(err, -errno, "can't put a directory at %s: %s",
			  qmp_path, strerror(errno));
}
