/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open files of faultfs: one descriptor of the backing file per open. The
 * functions are FUSE operations, as <fuse.h> has them.
 */
#ifndef FAULTS_FAULTFILE_H
#define FAULTS_FAULTFILE_H

#include <fuse3/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct file {
	int fd;
	bool is_direct; /* opened with O_DIRECT: sizes are checked */
	uint64_t locker;
	char path[]; /* at its open; a rename does not change the rules */
};

struct file *file_of(const struct fuse_file_info *fi);
/* With the flags of fi; mode is for O_CREAT. */
int file_open(int backing, const char *name, mode_t mode,
	      struct fuse_file_info *fi);
int file_release(const char *path, struct fuse_file_info *fi);
int file_stat(struct fuse_file_info *fi, struct stat *st);
int file_truncate(struct fuse_file_info *fi, off_t size);
int file_read(const char *path, char *buf, size_t size, off_t offset,
	      struct fuse_file_info *fi);
int file_write(const char *path, const char *buf, size_t size, off_t offset,
	       struct fuse_file_info *fi);
int file_fsync(const char *path, int data_only, struct fuse_file_info *fi);
int file_fallocate(const char *path, int mode, off_t offset, off_t size,
		   struct fuse_file_info *fi);
off_t file_lseek(const char *path, off_t offset, int whence,
		 struct fuse_file_info *fi);
int file_lock(const char *path, struct fuse_file_info *fi, int cmd,
	      struct flock *lock);
int file_flock(const char *path, struct fuse_file_info *fi, int op);

#endif
