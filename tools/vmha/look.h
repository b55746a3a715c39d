/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on a path before `vmha heartbeat create` writes there. */
#ifndef VMHA_LOOK_H
#define VMHA_LOOK_H

#include "area.h"

enum vmha_look_kind {
	LOOK_ABSENT,  /* a file to be made */
	LOOK_EMPTY,   /* nothing but zeros at the front */
	LOOK_AREA,    /* an area of ours with a sound superblock */
	LOOK_DAMAGED, /* ours, superblock not sound */
	LOOK_DATA,    /* something else */
};

struct vmha_look {
	const char *path;
	enum vmha_look_kind kind;
	bool is_block;   /* device; else a file */
	bool is_fit;     /* a file that can stay as it is */
	uint64_t device; /* st_dev or st_rdev, and inode: same twice? */
	uint64_t inode;
	const char *what;              /* DATA: "an ext4 file system" */
	enum ha_block_verdict verdict; /* AREA, DAMAGED */
	struct ha_superblock sb;       /* AREA */
	bool is_live;
	char live[256]; /* names of the hosts that beat there */
};

/* Waits for beats where there is an area. */
int vmha_look(const char *path, struct vmha_look *ret_look, struct ha_err *err);

#endif
