/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One heartbeat area: open, judge, read, write. Every write is read back:
 * what an administrator believes to be on the datastore is there.
 */
#include "area.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ha/cleanup.h"
#include "ha/clock.h"
#include "ha/text.h"

#define SB_BLOCKS 2u

int
vmha_area_read(struct vmha_area *area, uint64_t first, uint64_t blocks,
	       void *ret_blocks, struct ha_err *err)
{
	struct ha_disk_end end;
	int rc;

	vmha_step("reading", area->path, AREA_IO_MS * 2);
	rc = ha_disk_read_sync(area->disk, ret_blocks, blocks * HA_BLOCK,
			       first * HA_BLOCK, ha_clock_now_ms() + AREA_IO_MS,
			       &end);
	return rc < 0 ? ha_err_set(err, rc,
				   "%s: block %" PRIu64 " can't be read: %s; "
				   "look at the storage",
				   area->path, first, strerror(-rc)) :
			0;
}

int
vmha_area_write(struct vmha_area *area, uint64_t first, uint64_t blocks,
		const void *data, struct ha_err *err)
{
	uint8_t *back = ha_disk_buffer_new(blocks * HA_BLOCK);
	struct ha_disk_end end;
	int rc;

	if (!back) {
		return ha_err_set(err, -ENOMEM,
				  "no memory for %" PRIu64 " blocks", blocks);
	}
	vmha_step("writing", area->path, AREA_IO_MS * 3);
	rc = ha_disk_write_sync(area->disk, data, blocks * HA_BLOCK,
				first * HA_BLOCK,
				ha_clock_now_ms() + AREA_IO_MS, &end);
	if (rc < 0) {
		ha_err_set(err, rc,
			   "%s: block %" PRIu64 " can't be written: %s; look "
			   "at the storage",
			   area->path, first, strerror(-rc));
	} else {
		rc = vmha_area_read(area, first, blocks, back, err);
		if (rc == 0 && memcmp(back, data, blocks * HA_BLOCK) != 0) {
			rc = ha_err_set(err, -EIO,
					"%s: block %" PRIu64
					" reads back as something else; "
					"another host writes there, or the "
					"storage is broken",
					area->path, first);
		}
	}
	ha_disk_buffer_free(back);
	return rc;
}

static int
read_superblocks(struct vmha_area *area, struct ha_err *err)
{
	uint8_t *blocks = ha_disk_buffer_new(SB_BLOCKS * HA_BLOCK);
	struct ha_superblock sb;
	bool has_one = false;
	int rc = blocks ? vmha_area_read(area, 0, SB_BLOCKS, blocks, err) :
			  ha_err_set(err, -ENOMEM, "no memory");

	area->verdict = HA_BLOCK_BLANK;
	for (uint32_t i = 0; rc == 0 && i < SB_BLOCKS; i++) {
		area->copies[i] = ha_superblock_decode(
			blocks + (size_t)i * HA_BLOCK, i, &sb);
		if (area->copies[i] == HA_BLOCK_OK &&
		    (!has_one || sb.generation > area->sb.generation)) {
			area->sb = sb;
			has_one = true;
		}
	}
	/* Of two bad ones the first that says anything tells more. */
	if (rc == 0) {
		area->verdict = has_one ? HA_BLOCK_OK :
				area->copies[0] != HA_BLOCK_BLANK ?
					  area->copies[0] :
					  area->copies[1];
	}
	ha_disk_buffer_free(blocks);
	return rc;
}

int
vmha_area_open(const char *path, bool is_read_only, struct vmha_area **ret_area,
	       struct ha_err *err)
{
	struct vmha_area *area = calloc(1, sizeof(*area));
	int rc;

	if (!area || ha_text_copy(area->path, sizeof(area->path), path) < 0) {
		free(area);
		return ha_err_set(err, -ENAMETOOLONG,
				  "%s: no memory, or longer than %u "
				  "characters",
				  path, HA_PATH - 1);
	}
	vmha_step("opening", path, AREA_OPEN_MS);
	rc = ha_disk_open(path, is_read_only, SB_BLOCKS * HA_BLOCK, &area->disk,
			  err);
	if (rc == 0) {
		rc = read_superblocks(area, err);
	}
	if (rc == 0 && area->verdict == HA_BLOCK_OK) {
		rc = ha_layout_compute(&area->sb, &area->layout);
		if (rc < 0) {
			ha_err_set(err, rc,
				   "%s: the superblock's sizes are "
				   "impossible",
				   path);
		} else if (area->layout.total_blocks * HA_BLOCK >
			   ha_disk_bytes(area->disk)) {
			rc = ha_err_set(err, -ERANGE,
					"%s has %" PRIu64
					" bytes, its superblock says %" PRIu64
					": it was cut off. Bring it back from "
					"where it was shortened, or create it "
					"again",
					path, ha_disk_bytes(area->disk),
					area->layout.total_blocks * HA_BLOCK);
		}
	}
	if (rc < 0) {
		vmha_area_close(area);
		return rc;
	}
	*ret_area = area;
	return 0;
}

void
vmha_area_close(struct vmha_area *area)
{
	if (area) {
		ha_disk_close(area->disk);
		ha_disk_buffer_free(area->raw);
		free(area);
	}
}

int
vmha_area_load(struct vmha_area *area, struct ha_err *err)
{
	const struct ha_layout *layout = &area->layout;
	uint8_t *table = ha_disk_buffer_new(layout->table.blocks * HA_BLOCK);
	int rc;

	if (!area->raw) {
		area->raw = ha_disk_buffer_new(layout->beats.blocks * HA_BLOCK);
	}
	if (!table || !area->raw) {
		ha_disk_buffer_free(table);
		return ha_err_set(err, -ENOMEM, "no memory for the slots");
	}
	rc = vmha_area_read(area, layout->table.first, layout->table.blocks,
			    table, err);
	if (rc == 0) {
		memset(&area->table, 0, sizeof(area->table));
		area->table_verdict =
			ha_slot_table_decode(&area->sb, table, &area->table);
		rc = vmha_area_read(area, layout->beats.first,
				    layout->beats.blocks, area->raw, err);
	}
	ha_disk_buffer_free(table);
	if (rc < 0) {
		return rc;
	}
	for (uint32_t slot = 0; slot < area->sb.slots; slot++) {
		memset(&area->beat[slot], 0, sizeof(area->beat[slot]));
		area->beat_verdict[slot] = ha_beat_decode(
			&area->sb, slot, area->raw + (size_t)slot * HA_BLOCK,
			&area->beat[slot]);
	}
	area->is_loaded = true;
	return 0;
}

int
vmha_area_write_sb(struct vmha_area *area, struct ha_err *err)
{
	void *block = ha_disk_buffer_new(HA_BLOCK);
	int rc = block ? 0 : ha_err_set(err, -ENOMEM, "no memory");

	for (uint32_t i = SB_BLOCKS; rc == 0 && i-- > 0;) {
		ha_superblock_encode(&area->sb, i, block);
		rc = vmha_area_write(area, i, 1, block, err);
	}
	ha_disk_buffer_free(block);
	return rc;
}

int
vmha_area_write_table(struct vmha_area *area, struct ha_err *err)
{
	const struct ha_region *region = &area->layout.table;
	void *blocks = ha_disk_buffer_new(region->blocks * HA_BLOCK);
	int rc = blocks ? 0 : ha_err_set(err, -ENOMEM, "no memory");

	if (rc == 0) {
		ha_slot_table_encode(&area->sb, &area->table, blocks);
		rc = vmha_area_write(area, region->first, region->blocks,
				     blocks, err);
	}
	ha_disk_buffer_free(blocks);
	return rc;
}

int
vmha_area_write_beat(struct vmha_area *area, const struct ha_beat *beat,
		     struct ha_err *err)
{
	void *block = ha_disk_buffer_new(HA_BLOCK);
	int rc = block ? 0 : ha_err_set(err, -ENOMEM, "no memory");

	if (rc == 0) {
		ha_beat_encode(&area->sb, beat, block);
		rc = vmha_area_write(area,
				     area->layout.beats.first + beat->slot, 1,
				     block, err);
	}
	ha_disk_buffer_free(block);
	return rc;
}

int
vmha_area_may_write(const struct vmha_area *area, struct ha_err *err)
{
	if ((area->sb.incompat & ~HA_FEATURE_INCOMPAT) == 0 &&
	    (area->sb.ro_compat & ~HA_FEATURE_RO_COMPAT) == 0) {
		return 0;
	}
	return ha_err_set(err, -EPERM,
			  "%s was made by a newer vmha (features %#" PRIx32
			  "/%#" PRIx32 "); use that version here",
			  area->path, area->sb.incompat, area->sb.ro_compat);
}

int
vmha_area_refuse(const struct vmha_area *area, struct ha_err *err)
{
	return ha_err_set(err, -EINVAL, "%s: superblock %s: %s", area->path,
			  ha_block_verdict_name(area->verdict),
			  ha_block_verdict_text(area->verdict));
}
