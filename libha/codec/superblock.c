/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The superblock says whose area this is, how it is laid out and which times
 * all hosts use; the layout follows from it. Times are only checked for what
 * no arithmetic survives: ha_timing_check() judges them.
 */
#include <errno.h>

#include "codec/area_block.h"

/* Payload. */
#define AT_COMPAT 0u
#define AT_RO_COMPAT 4u
#define AT_INCOMPAT 8u
#define AT_STORE_INDEX 12u
#define AT_STORES 16u
#define AT_SLOTS 20u
#define AT_VMS 24u
#define AT_PROTECTED 28u
#define AT_NAME 32u
#define AT_STORE 96u
#define AT_PROFILE 112u
#define AT_BEAT_MS 116u
#define AT_WATCHDOG_MS 120u
#define AT_TOLERANCE_MS 124u
#define AT_DRIFT_PPM 128u
#define AT_GENERATION 136u
#define LENGTH 144u

#define SUPERBLOCKS 2u
#define PROTECTED_MAX (HA_HOSTS_MAX * HA_VMS_MAX)
/* Beyond this a time is a fault, not a choice. */
#define TIME_MAX_MS 3600000u
#define DRIFT_MAX_PPM 1000000u
#define LIST_COPIES 2u

static bool
is_limits_ok(const struct ha_superblock *sb)
{
	return sb->slots >= 1 && sb->slots <= HA_HOSTS_MAX && sb->vms >= 1 &&
	       sb->vms <= HA_VMS_MAX && sb->protected_vms <= PROTECTED_MAX;
}

static bool
is_time_ok(uint32_t ms)
{
	return ms > 0 && ms <= TIME_MAX_MS;
}

void
ha_superblock_encode(const struct ha_superblock *sb, uint32_t block_no,
		     void *ret_block)
{
	const struct ha__place where = {
		.kind = HA__KIND_SUPERBLOCK,
		.cluster = &sb->cluster,
		.place = block_no,
	};
	uint8_t *out = ha__block_begin(ret_block, &where);

	ha__put_u32(out + AT_COMPAT, sb->compat);
	ha__put_u32(out + AT_RO_COMPAT, sb->ro_compat);
	ha__put_u32(out + AT_INCOMPAT, sb->incompat);
	ha__put_u32(out + AT_STORE_INDEX, sb->store_index);
	ha__put_u32(out + AT_STORES, sb->stores);
	ha__put_u32(out + AT_SLOTS, sb->slots);
	ha__put_u32(out + AT_VMS, sb->vms);
	ha__put_u32(out + AT_PROTECTED, sb->protected_vms);
	ha__put_name(out + AT_NAME, sb->name, sizeof(sb->name));
	ha__put_uuid(out + AT_STORE, &sb->store);
	ha__put_u32(out + AT_PROFILE, sb->profile);
	ha__put_u32(out + AT_BEAT_MS, sb->timing.beat_ms);
	ha__put_u32(out + AT_WATCHDOG_MS, sb->timing.watchdog_ms);
	ha__put_u32(out + AT_TOLERANCE_MS, sb->timing.tolerance_ms);
	ha__put_u32(out + AT_DRIFT_PPM, sb->timing.drift_ppm);
	ha__put_u64(out + AT_GENERATION, sb->generation);
	ha__block_end(ret_block, LENGTH);
}

enum ha_block_verdict
ha_superblock_decode(const void *block, uint32_t block_no,
		     struct ha_superblock *ret_sb)
{
	const struct ha__place where = { .kind = HA__KIND_SUPERBLOCK,
					 .place = block_no };
	struct ha_superblock sb = { .version = HA_AREA_VERSION };
	struct ha__payload in;
	uint32_t profile;
	enum ha_block_verdict verdict =
		ha__block_open(block, &where, LENGTH, &in);

	if (verdict != HA_BLOCK_OK) {
		return verdict;
	}
	sb.compat = ha__take_u32(&in, AT_COMPAT);
	sb.ro_compat = ha__take_u32(&in, AT_RO_COMPAT);
	sb.incompat = ha__take_u32(&in, AT_INCOMPAT);
	if (sb.incompat & ~HA_FEATURE_INCOMPAT) {
		return HA_BLOCK_NEWER;
	}
	sb.cluster = ha__get_uuid((const uint8_t *)block + HA__AT_CLUSTER);
	sb.store_index = ha__take_u32(&in, AT_STORE_INDEX);
	sb.stores = ha__take_u32(&in, AT_STORES);
	sb.slots = ha__take_u32(&in, AT_SLOTS);
	sb.vms = ha__take_u32(&in, AT_VMS);
	sb.protected_vms = ha__take_u32(&in, AT_PROTECTED);
	sb.store = ha__get_uuid(in.bytes + AT_STORE);
	profile = ha__take_u32(&in, AT_PROFILE);
	sb.timing.beat_ms = ha__take_u32(&in, AT_BEAT_MS);
	sb.timing.watchdog_ms = ha__take_u32(&in, AT_WATCHDOG_MS);
	sb.timing.tolerance_ms = ha__take_u32(&in, AT_TOLERANCE_MS);
	sb.timing.drift_ppm = ha__take_u32(&in, AT_DRIFT_PPM);
	sb.generation = ha__take_u64(&in, AT_GENERATION);
	if (!ha__get_name(in.bytes + AT_NAME, sizeof(sb.name), sb.name) ||
	    sb.name[0] == '\0' || !is_limits_ok(&sb) || sb.stores < 1 ||
	    sb.stores > HA_STORES_MAX || sb.store_index >= sb.stores ||
	    ha__uuid_is_null(&sb.cluster) || ha__uuid_is_null(&sb.store) ||
	    profile >= HA_PROFILE_N || !is_time_ok(sb.timing.beat_ms) ||
	    !is_time_ok(sb.timing.watchdog_ms) ||
	    !is_time_ok(sb.timing.tolerance_ms) ||
	    sb.timing.drift_ppm > DRIFT_MAX_PPM) {
		return HA_BLOCK_INVALID;
	}
	sb.profile = (enum ha_profile)profile;
	*ret_sb = sb;
	return HA_BLOCK_OK;
}

/* ---- layout ------------------------------------------------------------- */

static struct ha_region
region_after(uint64_t *next, uint64_t blocks)
{
	struct ha_region region = { .first = *next, .blocks = blocks };

	*next += blocks;
	return region;
}

int
ha_layout_compute(const struct ha_superblock *sb, struct ha_layout *ret_layout)
{
	struct ha_layout layout = { .list_blocks = 0 };
	uint64_t next = SUPERBLOCKS;
	uint64_t copies = (uint64_t)LIST_COPIES * sb->slots;

	if (!is_limits_ok(sb)) {
		return -ERANGE;
	}
	layout.list_blocks = ha_vm_list_blocks(sb->vms);
	layout.hold_blocks = ha_hold_list_blocks(sb->vms);
	layout.table = region_after(&next, ha__table_blocks(sb->slots));
	layout.beats = region_after(&next, sb->slots);
	layout.lists = region_after(&next, copies * layout.list_blocks);
	layout.holds = region_after(&next, copies * layout.hold_blocks);
	layout.protected_list = region_after(
		&next, (uint64_t)LIST_COPIES *
			       ha_protected_list_blocks(sb->protected_vms));
	layout.total_blocks = next;
	*ret_layout = layout;
	return 0;
}
