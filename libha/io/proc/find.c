/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds the QEMU of a VM among all processes of the host, by what stands on
 * its command line. This is the proof behind "not running", so a process
 * that can't be read, or that has lost its command line because it is dying,
 * is reported and never skipped silently.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ha/cleanup.h"
#include "ha/proc.h"
#include "proc.h"

/* libvirt's command lines are 3 to 10 KiB; a VM with 200 disks 60 KiB. */
#define CMDLINE_MAX_BYTES (256 * 1024)
#define PF_KTHREAD 0x00200000u /* linux/sched.h */

static bool
is_set(const char *s)
{
	return s && *s;
}

/* Names under which QEMU is known, of the main thread or the executable. */
static bool
looks_like_qemu(const char *name)
{
	return strstr(name, "qemu") || strstr(name, "kvm");
}

static bool
has_qemu_executable(pid_t pid)
{
	char path[64];
	char target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0) {
		return true; /* in its exit: its command line must do */
	}
	target[n] = '\0';
	return looks_like_qemu(basename(target));
}

/* A container's QEMU belongs to the container's libvirt. */
static bool
is_in_our_namespace(pid_t pid)
{
	char path[64];
	struct stat theirs;
	struct stat ours;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	return stat(path, &theirs) < 0 ||
	       stat("/proc/self/ns/pid", &ours) < 0 ||
	       theirs.st_ino == ours.st_ino;
}

static bool
is_run_by_libvirt(pid_t pid, uid_t qemu_uid)
{
	char path[64];
	struct stat st;
	char name[HA_DOMAIN_NAME];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return stat(path, &st) < 0 || st.st_uid == 0 || st.st_uid == qemu_uid ||
	       ha_proc_libvirt_name(pid, name, sizeof(name));
}

enum match {
	MATCH_NO,
	MATCH_YES,
	MATCH_NAMESAKE
};

static enum match
compare(const struct ha_qemu_want *want, const struct ha_qemu_args *args,
	pid_t pid)
{
	char name[HA_DOMAIN_NAME];

	if (is_set(want->qmp_path)) {
		return strcmp(want->qmp_path, args->qmp_path) == 0 ? MATCH_YES :
								     MATCH_NO;
	}
	if (is_set(want->resource) &&
	    ha_vm_qmp_path_is_of(args->qmp_path, want->resource)) {
		return MATCH_YES;
	}
	if (!args->is_qemu) {
		return MATCH_NO;
	}
	if (is_set(want->uuid) && strcmp(want->uuid, args->uuid) == 0) {
		return MATCH_YES;
	}
	if (!is_set(want->name) || strcmp(want->name, args->name) != 0) {
		return MATCH_NO;
	}
	if (is_set(want->uuid) ||
	    !ha_proc_libvirt_name(pid, name, sizeof(name)) ||
	    strcmp(name, want->name) != 0) {
		return MATCH_NAMESAKE;
	}
	return MATCH_YES;
}

static int
read_cmdline(pid_t pid, char *buf, size_t size, size_t *ret_len)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	n = ha__proc_read(path, buf, size);
	if (n == -ENOENT || n == -ESRCH) {
		return -ESRCH;
	}
	if (n < 0) {
		return (int)n;
	}
	*ret_len = (size_t)n;
	return 0;
}

/* No command line: a kernel thread, a zombie, or a process in its exit. */
static int
look_at_dying(pid_t pid, struct ha_qemu_found *found)
{
	struct ha__proc_stat stat;
	int rc = ha__proc_stat(pid, &stat);

	if (rc < 0 || (stat.flags & PF_KTHREAD) ||
	    !looks_like_qemu(stat.comm)) {
		return rc == -ESRCH ? 0 : rc;
	}
	rc = ha__proc_is_over(pid, &stat);
	if (rc != 0) {
		return rc < 0 ? rc : 0;
	}
	if (!is_in_our_namespace(pid)) {
		return 0;
	}
	if (found->n_dying < HA_PROC_DYING_MAX) {
		found->dying[found->n_dying] =
			(struct ha_proc_id){ pid, stat.start_ticks };
	}
	found->n_dying++;
	return 0;
}

/* Nobody's business of ours: a container's, or a user's who pretends. */
static bool
is_strange(const struct ha_qemu_want *want, pid_t pid)
{
	return !is_in_our_namespace(pid) ||
	       !is_run_by_libvirt(pid, want->qemu_uid);
}

/* An emulator may have any name: then our own socket on its command line, or
 * libvirt's pid file, says that it is one. */
static bool
is_emulator(pid_t pid, const struct ha_qemu_args *args)
{
	char name[HA_DOMAIN_NAME];

	return ha_vm_qmp_path_is_ours(args->qmp_path) ||
	       has_qemu_executable(pid) ||
	       ha_proc_libvirt_name(pid, name, sizeof(name));
}

static void
count_other(pid_t pid, const struct ha_qemu_args *args, enum match match,
	    bool emulator, struct ha_qemu_found *found)
{
	/* Says that it is the VM, and can't be told from one that is. */
	if (match == MATCH_YES) {
		found->n_doubtful++;
		found->a_doubtful = pid;
	}
	if (match == MATCH_NAMESAKE) {
		found->n_namesakes++;
		found->a_namesake = pid;
	}
	if (emulator && !ha_vm_qmp_path_is_ours(args->qmp_path)) {
		found->n_foreign++;
		found->a_foreign = pid;
	}
}

/* Looks at one process. 0, or -errno when it could not be judged. */
static int
look_at(pid_t pid, const struct ha_qemu_want *want, char *buf,
	struct ha_qemu_found *found)
{
	struct ha__proc_stat stat;
	struct ha_qemu_args args;
	enum match match;
	bool emulator;
	size_t len = 0;
	int rc = read_cmdline(pid, buf, CMDLINE_MAX_BYTES, &len);

	if (rc < 0) {
		return rc == -ESRCH ? 0 : rc;
	}
	if (len == 0) {
		return look_at_dying(pid, found);
	}
	ha_qemu_args_parse(buf, len, &args);
	match = compare(want, &args, pid);
	if ((match == MATCH_NO && !args.is_qemu) || is_strange(want, pid)) {
		return 0;
	}
	emulator = is_emulator(pid, &args);
	if (match != MATCH_YES || !emulator) {
		count_other(pid, &args, match, emulator, found);
		return 0;
	}
	rc = ha__proc_stat(pid, &stat);
	if (rc < 0) {
		return rc == -ESRCH ? 0 : rc;
	}
	found->n_matches++;
	found->id = (struct ha_proc_id){ pid, stat.start_ticks };
	found->args = args;
	return 0;
}

/* All processes of an open /proc; buf holds CMDLINE_MAX_BYTES. */
static int
look_through(DIR *proc, const struct ha_qemu_want *want, char *buf,
	     struct ha_qemu_found *found, struct ha_err *err)
{
	struct dirent *entry;

	while (errno = 0, entry = readdir(proc)) {
		int rc;

		if (!isdigit((unsigned char)entry->d_name[0])) {
			continue;
		}
		rc = look_at((pid_t)atoi(entry->d_name), want, buf, found);
		if (rc < 0) {
			return ha_err_set(err, rc, "can't judge process %s: %s",
					  entry->d_name, strerror(-rc));
		}
	}
	return errno == 0 ? 0 :
			    ha_err_set(err, -errno, "reading /proc failed: %s",
				       strerror(errno));
}

int
ha_proc_find_qemu(const struct ha_qemu_want *want,
		  struct ha_qemu_found *ret_found, struct ha_err *err)
{
	struct ha_qemu_found found = { .n_matches = 0 };
	ha_autofree char *buf = malloc(CMDLINE_MAX_BYTES);
	DIR *proc;
	int rc;

	if (!buf) {
		return ha_err_set(err, -ENOMEM, "out of memory");
	}
	proc = opendir("/proc");
	if (!proc) {
		return ha_err_set(err, -errno, "can't look through /proc: %s",
				  strerror(errno));
	}
	rc = look_through(proc, want, buf, &found, err);
	closedir(proc);
	if (rc < 0) {
		return rc;
	}
	*ret_found = found;
	return found.n_matches > 0;
}

/* One process into `seen`. 1: it is one; 0; -errno. */
static int
see(pid_t pid, uid_t qemu_uid, char *buf, struct ha_qemu_seen *seen)
{
	const struct ha_qemu_want want = { .qemu_uid = qemu_uid };
	struct ha__proc_stat stat;
	char name[HA_DOMAIN_NAME];
	size_t len = 0;
	int rc = read_cmdline(pid, buf, CMDLINE_MAX_BYTES, &len);

	if (rc < 0 || len == 0) {
		return rc == -ESRCH ? 0 : rc;
	}
	ha_qemu_args_parse(buf, len, &seen->args);
	if ((!seen->args.is_qemu &&
	     !ha_vm_qmp_path_is_ours(seen->args.qmp_path)) ||
	    is_strange(&want, pid) || !is_emulator(pid, &seen->args)) {
		return 0;
	}
	rc = ha__proc_stat(pid, &stat);
	if (rc < 0) {
		return rc == -ESRCH ? 0 : rc;
	}
	seen->id = (struct ha_proc_id){ pid, stat.start_ticks };
	seen->is_named = ha_proc_libvirt_name(pid, name, sizeof(name)) &&
			 strcmp(name, seen->args.name) == 0;
	return 1;
}

static int
see_all(DIR *proc, uid_t qemu_uid, struct ha_qemu_seen *ret_seen, uint32_t max,
	uint32_t *ret_count, struct ha_err *err)
{
	ha_autofree char *buf = malloc(CMDLINE_MAX_BYTES);
	ha_autofree struct ha_qemu_seen *one = malloc(sizeof(*one));
	struct dirent *entry;
	uint32_t count = 0;

	if (!buf || !one) {
		return ha_err_set(err, -ENOMEM, "out of memory");
	}
	while (errno = 0, entry = readdir(proc)) {
		int rc;

		if (!isdigit((unsigned char)entry->d_name[0])) {
			continue;
		}
		rc = see((pid_t)atoi(entry->d_name), qemu_uid, buf, one);
		if (rc < 0) {
			return ha_err_set(err, rc, "can't judge process %s: %s",
					  entry->d_name, strerror(-rc));
		}
		if (rc > 0 && count == max) {
			return ha_err_set(err, -E2BIG,
					  "more than %u QEMU processes", max);
		}
		if (rc > 0) {
			ret_seen[count++] = *one;
		}
	}
	*ret_count = count;
	return errno == 0 ? 0 :
			    ha_err_set(err, -errno, "reading /proc failed: %s",
				       strerror(errno));
}

int
ha_proc_list_qemu(uid_t qemu_uid, struct ha_qemu_seen *ret_seen, uint32_t max,
		  uint32_t *ret_count, struct ha_err *err)
{
	DIR *proc = opendir("/proc");
	int rc;

	if (!proc) {
		return ha_err_set(err, -errno, "can't look through /proc: %s",
				  strerror(errno));
	}
	rc = see_all(proc, qemu_uid, ret_seen, max, ret_count, err);
	closedir(proc);
	return rc;
}

int
ha_proc_qemu_args(const struct ha_proc_id *id, struct ha_qemu_args *ret_args)
{
	ha_autofree char *buf = malloc(CMDLINE_MAX_BYTES);
	struct ha_qemu_args args;
	struct ha__proc_stat stat;
	size_t len = 0;
	int rc;

	if (!buf) {
		return -ENOMEM;
	}
	rc = read_cmdline(id->pid, buf, CMDLINE_MAX_BYTES, &len);
	if (rc < 0) {
		return rc;
	}
	if (len == 0) {
		return -ESRCH;
	}
	ha_qemu_args_parse(buf, len, &args);
	rc = ha__proc_stat(id->pid, &stat);
	if (rc < 0) {
		return rc;
	}
	if (stat.start_ticks != id->start_ticks) {
		return -ESRCH;
	}
	*ret_args = args;
	return 0;
}
