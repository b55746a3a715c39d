/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disk witness as it lies on the disk. WITNESS.md explains what it proves
 * and repeats this layout as a table; tests/cluster/witness.py reads it. A
 * change here changes WITNESS_VERSION and both of those.
 *
 * All numbers are little endian. Each area begins on a 4 KiB boundary, so
 * that hosts with 4 KiB blocks never rewrite one area on behalf of another.
 */
#ifndef WITNESS_H
#define WITNESS_H

#include "nano.h"

#define WITNESS_VERSION 1u

#define LBA_SUPERBLOCK 0u
#define LBA_OWNER 8u
#define LBA_BOOTS 16u
#define BOOT_SLOTS 64u
#define LBA_VIOLATIONS 80u
#define VIOLATION_SLOTS 64u
#define LBA_HISTORY 256u
#define HISTORY_SLOTS 512u
#define WITNESS_SECTORS (LBA_HISTORY + HISTORY_SLOTS)

/* A boot leaves room for the violations that later boots may see. */
#define VIOLATIONS_PER_BOOT 16u

#define MAGIC_SUPERBLOCK "VMHANANO"
#define MAGIC_OWNER "NANO-OWN"
#define MAGIC_BOOT "NANO-BOO"
#define MAGIC_HISTORY "NANO-HIS"
#define MAGIC_VIOLATION "NANO-VIO"
#define MAGIC_BYTES 8u

#define FLAG_CLEAN 0x1u    /* the last word of an orderly power-off */
#define FLAG_VIOLATED 0x2u /* this boot has met another writer */
#define FLAG_REPAIRED 0x4u /* boot entry written by the successor */

enum violation_kind {
	VIOLATION_OTHER_BOOT = 1,
	VIOLATION_SAME_BOOT = 2,
	VIOLATION_UNREADABLE = 3,
	VIOLATION_STALE_OWNER = 4,
};

struct record {
	char magic[MAGIC_BYTES];
	uint64_t boot;
	uint64_t counter; /* owner writes of this boot */
	uint64_t total;   /* owner writes of all boots */
	uint64_t nonce;   /* tells two copies of one boot apart */
	uint32_t ordinal;
	uint32_t flags;
	uint64_t rtc_s;
	uint32_t gap_s; /* largest RTC step between two writes of this boot */
	uint32_t tick_hz;
	uint64_t pred_boot; /* as this boot found it when it took over */
	uint64_t pred_counter;
	uint64_t pred_total;
	uint32_t pred_flags;
	uint32_t history_seq; /* history records of all boots */
	uint64_t pred_rtc_s;
	uint32_t violations;  /* of all boots */
	uint32_t disk_errors; /* of this boot */
	uint64_t start_rtc_s;
	uint32_t reserved;
	uint32_t crc;
};

struct superblock {
	char magic[MAGIC_BYTES];
	uint32_t version;
	uint32_t sectors;
	uint64_t format_rtc_s;
	uint64_t format_boot;
	uint8_t reserved[476];
	uint32_t crc;
};

struct violation {
	char magic[MAGIC_BYTES];
	uint64_t boot; /* who noticed */
	uint32_t ordinal;
	uint32_t kind;
	uint64_t rtc_s;
	uint64_t counter;
	uint32_t seq;       /* among the violations that this boot noticed */
	uint32_t found_crc; /* over the whole sector found */
	uint8_t reserved0[16];
	struct record expected; /* what this boot had written last */
	uint8_t found[sizeof(struct record)];
	uint8_t reserved1[188];
	uint32_t crc;
};

_Static_assert(sizeof(struct record) == 128, "format");
_Static_assert(offsetof(struct record, crc) == 124, "format");
_Static_assert(sizeof(struct superblock) == SECTOR_BYTES, "format");
_Static_assert(sizeof(struct violation) == SECTOR_BYTES, "format");

union sector {
	uint8_t bytes[SECTOR_BYTES];
	struct record record;
	struct superblock superblock;
	struct violation violation;
};

enum witness_state {
	WITNESS_OK,
	WITNESS_NO_DISK,
	WITNESS_FOREIGN,    /* the disk holds something else: never written */
	WITNESS_UNREADABLE, /* took over nothing: never written */
};

struct witness {
	enum witness_state state;
	bool flush;
	struct record now; /* what the next owner write builds on */
	/* What may be on the disk: the last write that succeeded and, when
	 * a later one failed, that one, for nobody knows whether it arrived. */
	union sector mine[2];
	uint32_t own_violations;
};

/* witness.c */
void witness_init(struct witness *w, const struct options *o,
		  uint32_t disk_sectors);
void witness_tick(struct witness *w);
void witness_end(struct witness *w);
const char *witness_state_name(enum witness_state state);

/* takeover.c */
bool takeover_read(struct witness *w, union sector *ret_owner, bool *ret_stale);
uint64_t takeover_boot_id(void);

/* shared between the two */
void record_seal(struct record *r, const char *magic);
bool record_is_valid(const union sector *s, const char *magic);
bool sector_is_blank(const union sector *s);
int witness_store(struct witness *w, uint32_t lba, const union sector *s);
void witness_violation(struct witness *w, enum violation_kind kind,
		       const union sector *expected, const union sector *found);

#endif
