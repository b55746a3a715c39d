/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A directory of the machine as a host of the test bed sees it, with faults:
 * slow, hung, failing, torn, lost. FUSE passthrough without any cache, so two
 * hosts with a mount each over one directory see each other's writes at once.
 *
 * Runs outside the host (see hostmount.h), one process per host and datastore.
 * An operation waits in a thread of its own; there are more threads than a
 * host has operations under way, so what hangs hurts nothing else. The
 * kernel lets only one synchronous write per file and mount through at a time;
 * asynchronous ones (io_submit inside the file's size) it does not order.
 * fstat of an open file that was unlinked says ESTALE, as NFS may.
 *
 *   faultfs --backing DIR --mount DIR --control SOCKET [--host PID]
 *           [--owner PID]
 * Says "ready" on stdout when the mount is there.
 */
#define FUSE_USE_VERSION 312
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "faultfile.h"
#include "hostmount.h"
#include "rules.h"

#define THREADS_MAX 512
/* Asynchronous requests that the kernel has under way at most; its own limit
 * of 12 would let a dozen hung writes stop all others. */
#define BACKGROUND_MAX 448

static int backing = -1;

/* A judged name: where to find it below the backing directory. */
static int
name_judge(enum rule_op op, const char *path, const char **ret_name)
{
	struct rule_verdict verdict = rules_judge(op, path + 1);

	*ret_name = path[1] != '\0' ? path + 1 : ".";
	return verdict.result == RESULT_PASS ? 0 : -verdict.error;
}

static int
answer(int result)
{
	return result < 0 ? -errno : 0;
}

static int
ff_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	const char *name;
	int result;

	if (fi != NULL) {
		return file_stat(fi, st);
	}
	result = name_judge(RULE_META, path, &name);
	return result < 0 ?
		       result :
		       answer(fstatat(backing, name, st, AT_SYMLINK_NOFOLLOW));
}

static int
ff_readlink(const char *path, char *buf, size_t size)
{
	const char *name;
	int result = name_judge(RULE_META, path, &name);
	ssize_t n;

	if (result < 0) {
		return result;
	}
	n = readlinkat(backing, name, buf, size - 1);
	if (n < 0) {
		return -errno;
	}
	buf[n] = '\0';
	return 0;
}

/* The server is root: what it makes belongs to who asked. */
static int
owner_set(const char *name)
{
	const struct fuse_context *who = fuse_get_context();

	if (who->uid == 0 && who->gid == 0) {
		return 0;
	}
	return answer(fchownat(backing, name, who->uid, who->gid,
			       AT_SYMLINK_NOFOLLOW));
}

static int
ff_mkdir(const char *path, mode_t mode)
{
	const char *name;
	int result = name_judge(RULE_META, path, &name);

	if (result == 0) {
		result = answer(mkdirat(backing, name, mode));
	}
	return result == 0 ? owner_set(name) : result;
}

static int
ff_symlink(const char *target, const char *path)
{
	const char *name;
	int result = name_judge(RULE_META, path, &name);

	if (result == 0) {
		result = answer(symlinkat(target, backing, name));
	}
	return result == 0 ? owner_set(name) : result;
}

static int
ff_unlink(const char *path)
{
	const char *name;
	int result = name_judge(RULE_META, path, &name);

	return result < 0 ? result : answer(unlinkat(backing, name, 0));
}

static int
ff_rmdir(const char *path)
{
	const char *name;
	int result = name_judge(RULE_META, path, &name);

	return result < 0 ? result :
			    answer(unlinkat(backing, name, AT_REMOVEDIR));
}

static int
ff_rename(const char *path, const char *to, unsigned int flags)
{
	const char *name;
	int result = name_judge(RULE_META, path, &name);

	return result < 0 ?
		       result :
		       answer(renameat2(backing, name, backing, to + 1, flags));
}

static int
ff_link(const char *path, const char *to)
{
	const char *name;
	int result = name_judge(RULE_META, path, &name);

	return result < 0 ? result :
			    answer(linkat(backing, name, backing, to + 1, 0));
}

static int
ff_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	const char *name;
	int result;

	if (fi != NULL) {
		return answer(fchmod(file_of(fi)->fd, mode));
	}
	result = name_judge(RULE_META, path, &name);
	return result < 0 ? result : answer(fchmodat(backing, name, mode, 0));
}

static int
ff_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	const char *name;
	int result;

	if (fi != NULL) {
		return answer(fchown(file_of(fi)->fd, uid, gid));
	}
	result = name_judge(RULE_META, path, &name);
	return result < 0 ? result :
			    answer(fchownat(backing, name, uid, gid,
					    AT_SYMLINK_NOFOLLOW));
}

static int
ff_utimens(const char *path, const struct timespec times[2],
	   struct fuse_file_info *fi)
{
	const char *name;
	int result;

	if (fi != NULL) {
		return answer(futimens(file_of(fi)->fd, times));
	}
	result = name_judge(RULE_META, path, &name);
	return result < 0 ? result :
			    answer(utimensat(backing, name, times,
					     AT_SYMLINK_NOFOLLOW));
}

static int
ff_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	const char *name;
	int result;
	int fd;

	if (fi != NULL) {
		return file_truncate(fi, size);
	}
	result = name_judge(RULE_WRITE, path, &name);
	if (result < 0) {
		return result;
	}
	fd = openat(backing, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	result = answer(ftruncate(fd, size));
	close(fd);
	return result;
}

static int
ff_open(const char *path, struct fuse_file_info *fi)
{
	const char *name;
	int result = name_judge(RULE_OPEN, path, &name);

	return result < 0 ? result : file_open(backing, name, 0, fi);
}

static int
ff_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	const char *name;
	int result = name_judge(RULE_OPEN, path, &name);

	fi->flags |= O_CREAT;
	if (result == 0) {
		result = file_open(backing, name, mode, fi);
	}
	return result == 0 ? owner_set(name) : result;
}

static int
ff_statfs(const char *path, struct statvfs *st)
{
	const char *name;
	int result = name_judge(RULE_META, path, &name);

	return result < 0 ? result : answer(fstatvfs(backing, st));
}

static int
ff_opendir(const char *path, struct fuse_file_info *fi)
{
	const char *name;
	int result = name_judge(RULE_META, path, &name);
	DIR *dir;
	int fd;

	if (result < 0) {
		return result;
	}
	fd = openat(backing, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return -ENOMEM;
	}
	fi->fh = (uintptr_t)dir;
	return 0;
}

/* All entries at once: libfuse keeps them for the reader. */
static int
ff_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset,
	   struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	DIR *dir = (DIR *)(uintptr_t)fi->fh;
	struct dirent *entry;

	(void)path;
	(void)offset;
	(void)flags;
	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL) {
		struct stat st = { .st_ino = entry->d_ino,
				   .st_mode = (mode_t)DTTOIF(entry->d_type) };

		if (fill(buf, entry->d_name, &st, 0, 0) != 0) {
			break;
		}
	}
	return 0;
}

static int
ff_releasedir(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	closedir((DIR *)(uintptr_t)fi->fh);
	return 0;
}

static void *
ff_init(struct fuse_conn_info *conn, struct fuse_config *config)
{
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = BACKGROUND_MAX;
	config->direct_io = 1;
	config->attr_timeout = 0;
	config->entry_timeout = 0;
	config->negative_timeout = 0;
	config->hard_remove = 1;
	config->use_ino = 1;
	/* No name, so no lock on it, for what has an open file. */
	config->nullpath_ok = 1;
	return NULL;
}

static const struct fuse_operations operations = {
	.init = ff_init,
	.getattr = ff_getattr,
	.readlink = ff_readlink,
	.mkdir = ff_mkdir,
	.symlink = ff_symlink,
	.unlink = ff_unlink,
	.rmdir = ff_rmdir,
	.rename = ff_rename,
	.link = ff_link,
	.chmod = ff_chmod,
	.chown = ff_chown,
	.utimens = ff_utimens,
	.truncate = ff_truncate,
	.open = ff_open,
	.create = ff_create,
	.statfs = ff_statfs,
	.opendir = ff_opendir,
	.readdir = ff_readdir,
	.releasedir = ff_releasedir,
	.read = file_read,
	.write = file_write,
	.fsync = file_fsync,
	.fallocate = file_fallocate,
	.lseek = file_lseek,
	.lock = file_lock,
	.flock = file_flock,
	.release = file_release,
};

static int
serve(int fd)
{
	char program[] = "faultfs";
	char *argv[] = { program, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_loop_config *loop = fuse_loop_cfg_create();
	char connection[32];
	struct fuse *fuse;
	int result;

	fuse = fuse_new(&args, &operations, sizeof(operations), NULL);
	snprintf(connection, sizeof(connection), "/dev/fd/%d", fd);
	if (fuse == NULL || loop == NULL || fuse_mount(fuse, connection) != 0) {
		fprintf(stderr, "faultfs: cannot serve the mount\n");
		return 1;
	}
	fuse_loop_cfg_set_max_threads(loop, THREADS_MAX);
	printf("ready\n");
	fflush(stdout);
	/* Ends when the mount has ended, with its host or by umount. */
	result = fuse_loop_mt(fuse, loop);
	/* Threads that still hang must not hold the process. */
	_exit(result == 0 ? 0 : 1);
}

static int
usage(void)
{
	fprintf(stderr, "usage: faultfs --backing DIR --mount DIR "
			"--control SOCKET [--host PID] [--owner PID]\n");
	return 2;
}

int
main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "backing", required_argument, NULL, 'b' },
		{ "mount", required_argument, NULL, 'm' },
		{ "control", required_argument, NULL, 'c' },
		{ "host", required_argument, NULL, 'h' },
		{ "owner", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	const char *backing_path = NULL;
	const char *control = NULL;
	const char *target = NULL;
	long host = 0;
	long owner = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b':
			backing_path = optarg;
			break;
		case 'm':
			target = optarg;
			break;
		case 'c':
			control = optarg;
			break;
		case 'h':
			host = number_parse(optarg, INT_MAX);
			break;
		case 'o':
			owner = number_parse(optarg, INT_MAX);
			break;
		default:
			return usage();
		}
	}
	if (backing_path == NULL || control == NULL || target == NULL ||
	    host < 0 || owner < 0 || optind != argc) {
		return usage();
	}
	umask(0);
	backing = open(backing_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (backing < 0) {
		fprintf(stderr, "faultfs: %s: %s\n", backing_path,
			strerror(errno));
		return 1;
	}
	if (owner_follow((pid_t)owner) < 0) {
		return 1;
	}
	c = host_mount("fuse.faultfs", target, (pid_t)host, S_IFDIR | 0755);
	return c < 0 || control_start(control) < 0 ? 1 : serve(c);
}
