/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heartbeat areas as the admin command handles them: opened, judged, read as
 * a whole, and written block by block with a look back at what was written.
 */
#ifndef VMHA_AREA_H
#define VMHA_AREA_H

#include <stdbool.h>
#include <stdint.h>

#include "ha/area.h"
#include "ha/disk.h"
#include "ha/hbconf.h"
#include "ha/watch.h"
#include "vmha.h"

#define AREA_IO_MS 10000u   /* one read or write of a datastore */
#define AREA_OPEN_MS 20000u /* open(2) of a share that reconnects */

struct vmha_area {
	char path[HA_PATH];
	struct ha_disk *disk;
	enum ha_block_verdict verdict;   /* of the better superblock */
	enum ha_block_verdict copies[2]; /* of each */
	/* from here on only when verdict is HA_BLOCK_OK */
	struct ha_superblock sb;
	struct ha_layout layout;
	/* vmha_area_load() */
	bool is_loaded;
	enum ha_block_verdict table_verdict;
	struct ha_slot_table table;
	uint8_t *raw; /* the beats region */
	enum ha_block_verdict beat_verdict[HA_HOSTS_MAX];
	struct ha_beat beat[HA_HOSTS_MAX];
};

struct vmha_areas {
	uint32_t count;
	struct vmha_area *at[HA_STORES_MAX];
};

/* 0 whatever the superblocks say: look at ret_area->verdict. The caller
 * closes it. */
int vmha_area_open(const char *path, bool is_read_only,
		   struct vmha_area **ret_area, struct ha_err *err);
void vmha_area_close(struct vmha_area *area);
/* Slot table and beats, again and again. Needs verdict HA_BLOCK_OK. */
int vmha_area_load(struct vmha_area *area, struct ha_err *err);
/* Blocks as they are; the buffer is ha_disk_buffer_new()'s. */
int vmha_area_read(struct vmha_area *area, uint64_t first, uint64_t blocks,
		   void *ret_blocks, struct ha_err *err);
int vmha_area_write(struct vmha_area *area, uint64_t first, uint64_t blocks,
		    const void *data, struct ha_err *err);
/* Superblock area->sb into both places, the copy first. */
int vmha_area_write_sb(struct vmha_area *area, struct ha_err *err);
int vmha_area_write_table(struct vmha_area *area, struct ha_err *err);
int vmha_area_write_beat(struct vmha_area *area, const struct ha_beat *beat,
			 struct ha_err *err);
/* May this program write it? -EPERM with the sentence: unknown features. */
int vmha_area_may_write(const struct vmha_area *area, struct ha_err *err);
/* Verdict as a sentence about this area. */
int vmha_area_refuse(const struct vmha_area *area, struct ha_err *err);

/* All of the operands from `first` on, else of vmha.conf. All must be areas
 * of one cluster. is_complete: and all that this cluster has. */
int vmha_areas_open(struct vmha *v, uint32_t first, bool is_read_only,
		    bool is_complete, struct vmha_areas *ret_areas);
void vmha_areas_close(struct vmha_areas *areas);
/* What the areas show of the slot, all of it at one moment. */
void vmha_areas_watch(const struct vmha_areas *areas, uint32_t slot,
		      struct ha_watch *ret_watch);
/* The highest valid beat of the slot on any area, a mere claim too; NULL. */
const struct ha_beat *vmha_areas_last(const struct vmha_areas *areas,
				      uint32_t slot);
/* The newest valid beat of the slot on any area, of those that count as long as
 * there is one (ha_watch_counts()); NULL. (SAFETY 14) */
const struct ha_beat *vmha_areas_beat(const struct vmha_areas *areas,
				      uint32_t slot);

/* Which slots are written while one looks on for a beat and a tolerance:
 * their blocks differ afterwards. Loads the areas again. */
int vmha_areas_live(struct vmha_areas *areas, struct ha_hostset *ret_live,
		    struct ha_err *err);
/* Names of a set, "h1, h2". */
const char *vmha_areas_names(const struct vmha_areas *areas,
			     const struct ha_hostset *set, char *buffer,
			     size_t size);

/* Is `first` the first of several paths on one device? Then all of them,
 * "/a, /b". */
bool vmha_sharing(const char *const *path, const uint64_t *device,
		  uint32_t count, uint32_t first, char *buffer, size_t size);

/* slots.c: the slot of the host on every area, a new one if need be (ret_slot,
 * ret_is_new). The areas are loaded and may be written. */
int vmha_slot_give(struct vmha_areas *areas, const char *host, bool is_forced,
		   uint32_t *ret_slot, struct ha_err *err);
int vmha_host_name_check(const char *host, struct ha_err *err);

/* "member,quorate"; empty where there is none. */
const char *vmha_beat_flags(uint32_t flags, char *buffer, size_t size);

#endif
